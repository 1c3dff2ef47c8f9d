"""What a client does, without the waiting.

Starting a thread, running a turn, stopping one: each is a generator that yields what it has to wait for, and gets back what came of it. The synchronous
classes drive it with blocking calls, their asynchronous twins on an event loop; so there is one logic, and both behave alike.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Sized
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from .. import tracing
from .._json import decode_plain
from ..errors import CodexTimeoutError
from .deadline import Deadline

if TYPE_CHECKING:
    from .contract import Pending, Queue

T = TypeVar("T")


#: Events that one call takes out of a queue.
BATCH = 256


@dataclass(frozen=True)
class Send:
    """A request to the engine. Gives a Pending, at once."""

    method: str
    params: Any


@dataclass(frozen=True)
class Answer:
    """The result of a request, as JSON text. Raises its error, or CodexTimeoutError, after which it may be waited for again.

    With `stopping` the waiting goes on although the task was cancelled.
    """

    pending: Any
    method: str
    deadline: Deadline
    stopping: bool = False


@dataclass(frozen=True)
class Poll:
    """Events of a thread. Gives a batch as JSON, or None if there was nothing yet; the deadline is the caller's to check.

    It does not wait while there is something in `told`.
    """

    handle: Queue
    deadline: Deadline
    told: Sized
    stopping: bool = False


@dataclass(frozen=True)
class Until:
    """Something that an event of the client's own queue brings about. Gives None then, when the time is up, and perhaps earlier: the caller looks again.

    It does not wait if the condition holds already.
    """

    condition: Callable[[], object]
    deadline: Deadline


@dataclass(frozen=True)
class Pause:
    """Some seconds. Gives None."""

    seconds: float


@dataclass(frozen=True)
class Await:
    """What an ``async`` function of the host's returned. Gives its result."""

    awaitable: Awaitable[Any]


@dataclass(frozen=True)
class Beside:
    """Other steps, that are done at the same time: on a thread of their own, or in a task. Gives at once what ends them early, on any thread.

    Steps that are ended early get an exception where they wait for events: :class:`Cancelled`, or the loop's own. `over` is called once they have ended, on
    any thread, with what they raised.
    """

    steps: Generator[Any, Any, None]
    over: Callable[[BaseException | None], None]
    name: str


class Bell:
    """What steps on other threads and in other tasks ring for one that waits."""

    def __init__(self) -> None:
        #: Whoever waits puts here what wakes it.
        self.ring: Callable[[], object] = lambda: None


@dataclass(frozen=True)
class Told:
    """Something that steps beside these bring about, which then ring the bell. Gives None once the condition holds.

    With `stopping` the waiting goes on although the task was cancelled.
    """

    bell: Bell
    condition: Callable[[], object]
    stopping: bool = False


class Cancelled(BaseException):
    """Ends steps that wait for events on a thread; those in a task get the exception of their loop."""


Step = Send | Answer | Poll | Until | Pause | Await | Beside | Told
Steps = Generator[Step, Any, T]


def call_raw(method: str, params: Any, deadline: Deadline, *, stopping: bool = False) -> Steps[Any]:
    """Sends a request and waits for its result, JSON text; with `stopping` also where the task was cancelled."""
    if not isinstance(method, str):
        raise TypeError(f"a method is a text, not {type(method).__name__}")
    with tracing.request(method):
        pending: Pending = yield Send(method, params)
        try:
            return (yield Answer(pending, method, deadline, stopping))
        finally:
            pending.free()


def call(method: str, params: Any, deadline: Deadline, *, stopping: bool = False) -> Steps[Any]:
    """Sends a request and waits for its result: typed if the parameters are, else plain JSON; see :func:`call_raw`."""
    if isinstance(params, msgspec.Struct):
        from ..protocol import decode_result, sendable

        return decode_result(
            params, (yield from call_raw(method, sendable(method, params), deadline, stopping=stopping))
        )
    return decode_plain((yield from call_raw(method, params, deadline, stopping=stopping)))


def no_answer(method: str, deadline: Deadline) -> CodexTimeoutError:
    """What is raised where the engine does not answer in time."""
    return CodexTimeoutError(f"the engine did not answer {method} within {deadline.seconds:g} s")
