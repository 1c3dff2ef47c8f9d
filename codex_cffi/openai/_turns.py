"""Running turns: their notifications, their results, and the handles of those who follow them."""

from __future__ import annotations

import contextlib
import time
import uuid
import weakref
from collections import deque
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from .._core.deadline import Deadline
from .._core.steps import BATCH, Pause, Poll, Steps
from .._core.turn_stream import EngineTurn
from .._decoders import decoder
from .._decoding import Envelope, decode_batch
from .._engine_texts import NO_ACTIVE_TURN, OTHER_TURN, says
from .._json import decode_plain
from ..errors import CodexTimeoutError as TurnTimeout
from ..errors import EngineError
from ._base import decode
from ._calls import LIMIT, LoadedThread, Turnstile, plain, refuse_unknown
from ._inputs import Input, encode_input
from .errors import CodexError, CodexTimeoutError, TransportClosedError, TurnFailedError, translated

if TYPE_CHECKING:
    from ._host import AsyncHost, Host
    from ._models import (
        ThreadItem,
        ThreadTokenUsage,
        Turn,
        TurnError,
        TurnInterruptResponse,
        TurnStatus,
        TurnSteerResponse,
    )
    from .models import Notification

#: Seconds from turn/start's answer until a turn is heard of.
_START_GRACE = 2.0
#: Seconds between looks at whether a thread is busy.
_LOOK = 0.25


@dataclass(slots=True)
class TurnResult:
    """What a turn came to.

    Attributes:
        id: The turn's id.
        status: How it ended.
        error: What went wrong.
        started_at: Unix time in seconds.
        completed_at: Unix time in seconds.
        duration_ms: Milliseconds from start to end.
        final_response: The agent's last word, None if it had none.
        items: Everything that was completed, in order.
        usage: Tokens of the thread so far, and of its last request to the model.
    """

    id: str
    status: TurnStatus
    error: TurnError | None
    started_at: int | None
    completed_at: int | None
    duration_ms: int | None
    final_response: str | None
    items: list[ThreadItem]
    usage: ThreadTokenUsage | None


class LiveTurn(EngineTurn[Any]):
    """A turn as it runs; every handle of it gets all its notifications."""

    def __init__(self, thread: LoadedThread, params: dict[str, Any], deadline: Deadline) -> None:
        super().__init__(thread, "turn/start", params, deadline)
        self._loaded = thread
        self._followers: weakref.WeakSet[Follower] = weakref.WeakSet()
        self._pulling = Turnstile()
        #: It was heard of it. If the engine has to refuse a turn after all, because it is busy with something that is none, it does not tell.
        self._begun = False
        self._doubted: float | None = None

    def follow(self, deadline: Deadline | None = None) -> Follower:
        """Another one who gets what happens from now on. A nearer deadline than the turn has becomes its own."""
        if deadline is not None and deadline.left is not None:
            left = self._deadline.left
            if left is None or deadline.left < left:
                self._deadline = deadline
        follower = Follower(self)
        self._followers.add(follower)
        return follower

    def pull(self) -> Steps[None]:
        """Waits for more to happen."""
        with self._pulling.tried() as mine:
            if not mine:
                yield Pause(0.005)  # another follower does it for all
                return
            if self._deadline.over:
                yield from self._run_out()
            else:
                doubted = self._doubted is not None and not self._begun
                self._take((yield Poll(self.thread.handle, Deadline(_LOOK) if doubted else self._deadline, ())))
            if self._doubted is not None and not self._begun and time.monotonic() - self._doubted > _START_GRACE:
                self._give_up()
                raise CodexError(
                    f"the engine did not start the turn, because thread {self.thread.id} was busy; try again"
                )

    def catch_up(self) -> Steps[None]:
        """Reads what has happened already, without waiting."""
        with self._pulling.tried() as mine:
            if mine:
                self._take((yield Poll(self.thread.handle, Deadline(0), ())))

    def finish(self) -> Steps[None]:
        """Reads on to the end."""
        while not self.over:
            yield from self.pull()

    def lose(self, follower: Follower) -> None:
        """One follows no longer."""
        self._followers.discard(follower)

    def leave(self, follower: Follower) -> bool:
        """One follows no longer. Whether the turn has to be stopped: it runs, and nobody else follows it."""
        others = any(other is not follower for other in self._followers)
        if others:
            self._followers.discard(follower)
        return not others and not self.over

    def steer(self, input: list[dict[str, Any]]) -> Steps[Any]:
        """Adds input to the turn."""
        return self._loaded.add(self.id, input, Deadline(LIMIT), self.catch_up)

    def _take(self, batch: bytes | None) -> bool:
        envelopes = decode_batch(batch) if batch is not None else []
        for envelope in envelopes:
            notification = self._notification(envelope)
            if notification is not None:
                for follower in list(self._followers):
                    follower.hear(notification)
        return len(envelopes) >= BATCH

    def _notification(self, envelope: Envelope) -> Notification | None:
        """What an event of the thread's says, if it is of this turn."""
        if _place(envelope.params) != self.id:
            _note_other(self._loaded, envelope)
            if (
                not self._begun
                and envelope.method == "thread/status/changed"
                and b'"systemError"' in bytes(envelope.params)
            ):
                self._doubted = time.monotonic()
            return None
        self._begun = True
        from ._models import TurnCompletedNotification

        notification = read_notification(envelope)
        if isinstance(notification.payload, TurnCompletedNotification):
            turn = notification.payload.turn
            self._finish(self._snapshot(turn.status.value, turn.duration_ms, None))
        elif envelope.method == "turn/completed":
            self._give_up()  # it has ended, in a way that this package cannot read
        return notification


class Follower:
    """One who follows a turn: what it has not seen yet, and what it has made of the rest."""

    def __init__(self, turn: LiveTurn) -> None:
        self.turn = turn
        self.waiting: deque[Notification] = deque()
        self._items: list[ThreadItem] = []
        self._usage: ThreadTokenUsage | None = None
        self._completed: Turn | None = None
        self._done = False

    def hear(self, notification: Notification) -> None:
        """Gets what happened."""
        from ._models import ItemCompletedNotification, ThreadTokenUsageUpdatedNotification, TurnCompletedNotification

        match notification.payload:
            case ItemCompletedNotification(item=item):
                self._items.append(item)
            case ThreadTokenUsageUpdatedNotification(token_usage=usage):
                self._usage = usage
            case TurnCompletedNotification(turn=turn):
                self._completed = turn
        self.waiting.append(notification)

    def next(self) -> Steps[Notification | None]:
        """The next notification; None after the last one."""
        while not self.waiting:
            if self._completed is not None:
                self._done = True
                return None
            if self._done:
                raise TransportClosedError(f"turn {self.turn.id} is no longer followed by this handle")
            if self.turn.over:
                raise TransportClosedError(
                    f"the end of turn {self.turn.id} was not told; it was stopped, or the client closed"
                )
            try:
                yield from self.turn.pull()
            except TurnTimeout as error:
                raise CodexTimeoutError(str(error), self.result()) from error
        return self.waiting.popleft()

    def leave(self) -> bool:
        """Ends the following. Whether the turn has to be stopped."""
        self._done = True
        self.waiting.clear()
        return self.turn.leave(self)

    def collect(self) -> Steps[TurnResult]:
        """Follows the turn to its end."""
        while (yield from self.next()) is not None:
            pass
        result = self.result()
        if result.status.value == "failed":
            message = result.error.message if result.error is not None else ""
            raise TurnFailedError(message or "turn failed with status failed", result)
        return result

    def result(self) -> TurnResult:
        """The turn as far as it is known."""
        from ._models import TurnStatus

        turn = self._completed
        return TurnResult(
            id=self.turn.id,
            status=turn.status if turn else TurnStatus.interrupted if self.turn.over else TurnStatus.in_progress,
            error=turn.error if turn else None,
            started_at=turn.started_at if turn else None,
            completed_at=turn.completed_at if turn else None,
            duration_ms=turn.duration_ms if turn else None,
            final_response=_final_response(self._items),
            items=list(self._items),
            usage=self._usage,
        )


def _final_response(items: list[ThreadItem]) -> str | None:
    """The last message that is the answer; where none says so of itself, the last that does not say it is something else."""
    from ._models import AgentMessageThreadItem, MessagePhase

    messages = [item.root for item in items if isinstance(item.root, AgentMessageThreadItem)]
    for phase in (MessagePhase.final_answer, None):
        for message in reversed(messages):
            if message.phase == phase:
                return message.text
    return None


class _TurnId(msgspec.Struct):
    id: str | None = None


class _Place(msgspec.Struct, rename="camel"):
    turn_id: str | None = None
    turn: _TurnId = msgspec.field(default_factory=_TurnId)


_decode_place = decoder(_Place)


def _place(params: msgspec.Raw) -> str | None:
    """The turn that an event belongs to."""
    try:
        place: _Place = _decode_place(params)
    except msgspec.ValidationError:
        return None
    return place.turn_id or place.turn.id


def read_notification(envelope: Envelope) -> Notification:
    """The notification of an event; what does not fit its type is unknown, never an error."""
    from ._models import NOTIFICATIONS
    from .models import Notification, UnknownNotification

    kind = NOTIFICATIONS.get(envelope.method)
    if kind is not None:
        with contextlib.suppress(msgspec.ValidationError):
            return Notification(envelope.method, decode(envelope.params, kind))
    params = decode_plain(envelope.params)
    return Notification(envelope.method, UnknownNotification(params if isinstance(params, dict) else {}))


def _note_other(thread: LoadedThread, envelope: Envelope) -> None:
    """Notices the end of what is no turn of the host's."""
    if envelope.method == "turn/completed":
        thread.compacting = None


def _compacted(thread: LoadedThread, deadline: Deadline) -> Steps[None]:
    """Waits until the engine has summed up the conversation; meanwhile it would lose a turn."""
    while thread.compacting is not None:
        batch = yield Poll(thread.handle, Deadline(_LOOK), ())
        for envelope in decode_batch(batch) if batch is not None else ():
            _note_other(thread, envelope)
        if deadline.over:
            raise CodexTimeoutError(f"the conversation was still being summed up after {deadline.seconds:g} s")
        if thread.compacting is not None and time.monotonic() - thread.compacting > _START_GRACE:
            status = (yield from plain("thread/read", {"threadId": thread.id}))["thread"]["status"]["type"]
            if status != "active":
                thread.compacting = None  # it came to nothing


def start_turn(thread: LoadedThread, params: dict[str, Any], deadline: Deadline) -> Steps[Follower]:
    """Starts a turn, or adds the input to the one that runs."""
    external = params.pop("toolOutput", None)
    refuse_unknown("turn/start", params)
    yield from thread.starting.enter()
    try:
        running = thread.stream()
        if isinstance(running, LiveTurn):
            yield from running.catch_up()
        if isinstance(running, LiveTurn) and not running.over:
            if external is not None:
                raise CodexError(
                    f"an ExternalMessage starts a turn of its own, but turn {running.id} of the thread still runs; wait for its end"
                )
            follower = running.follow(deadline)
            if (yield from _join(running, params)):
                return follower
            running.lose(follower)
            # It is over, and what is left of it has not been read yet.
            yield from running.finish()
        yield from _compacted(thread, deadline)
        if external is not None:
            yield from _deliver(thread, external)
        turn = LiveTurn(thread, params, deadline)
        follower = turn.follow()
        yield from turn.start()
        turn.waiting.clear()
        return follower
    finally:
        thread.starting.leave()


def _deliver(thread: LoadedThread, output: dict[str, Any]) -> Steps[None]:
    """Puts what a tool says, that the model has not called, into the conversation.

    This engine knows outputs of calls only, so there is a call too; for the model the content has the authority of a tool's output.
    """
    called = {name: value for name, value in output.items() if name != "output"}
    call_id = f"external_{uuid.uuid4().hex}"
    items = [
        {"type": "function_call", **called, "arguments": "{}", "call_id": call_id},
        {"type": "function_call_output", "call_id": call_id, "output": output["output"]},
    ]
    yield from plain("thread/inject_items", {"threadId": thread.id, "items": items})


def _join(turn: LiveTurn, params: dict[str, Any]) -> Steps[bool]:
    """Adds input to a turn; False if that has ended."""
    changes = {name: value for name, value in params.items() if name not in ("input", "threadId")}
    if "outputSchema" in changes:
        raise CodexError(
            f"output_schema needs a turn of its own, but turn {turn.id} of the thread still runs; wait for its end or interrupt it"
        )
    try:
        yield from turn.steer(params["input"])
    except EngineError as error:
        if says(error, NO_ACTIVE_TURN, OTHER_TURN):
            return False
        raise
    if changes:
        yield from plain("thread/settings/update", {"threadId": params["threadId"], **changes})
    return True


@dataclass(slots=True)
class TurnHandle:
    """A turn that was started by :meth:`Thread.turn`.

    :meth:`run` or :meth:`stream` follows it to its end. Leaving the stream early, an exception in it or Ctrl-C stops the turn, as does losing the
    handle, unless another handle follows the turn too.

    Attributes:
        thread_id: Its thread.
        id: The turn's id.
    """

    _host: Host = field(repr=False)
    thread_id: str
    id: str
    _follower: Follower = field(repr=False, compare=False)

    def steer(self, input: Input | str) -> TurnSteerResponse:
        """Adds input to the turn; the agent sees it at its next step."""
        from ._models import TurnSteerResponse

        answer = self._host.drive(self._follower.turn.steer(encode_input(input, self._host.directory)))
        return TurnSteerResponse.model_validate(answer)

    def interrupt(self) -> TurnInterruptResponse:
        """Asks the turn to stop; it returns at once, and the stream ends with ``turn/completed``. From any thread."""
        from ._models import TurnInterruptResponse

        with translated():
            self._follower.turn.interrupt()
        return TurnInterruptResponse()

    def stream(self) -> Iterator[Notification]:
        """The notifications of the turn, the last one being ``turn/completed``.

        Raises:
            CodexTimeoutError: The turn's time was up; it was stopped.
        """
        try:
            while (notification := self._host.drive(self._follower.next())) is not None:
                yield notification
        finally:
            if self._follower.leave():
                self._host.drive(self._follower.turn.stop())

    def run(self) -> TurnResult:
        """Waits for the turn's end.

        Raises:
            TurnFailedError: It ended in an error.
            CodexTimeoutError: The turn's time was up; it was stopped.
        """
        try:
            return self._host.drive(self._follower.collect())
        finally:
            if self._follower.leave():
                self._host.drive(self._follower.turn.stop())


@dataclass(slots=True)
class AsyncTurnHandle:
    """A turn that was started by :meth:`AsyncThread.turn`. The twin of :class:`TurnHandle`; cancelling a task that follows the turn stops it.

    Attributes:
        thread_id: Its thread.
        id: The turn's id.
    """

    _host: AsyncHost = field(repr=False)
    thread_id: str
    id: str
    _follower: Follower = field(repr=False, compare=False)

    async def steer(self, input: Input | str) -> TurnSteerResponse:
        """Adds input to the turn; see :meth:`TurnHandle.steer`."""
        from ._models import TurnSteerResponse

        answer = await self._host.drive(self._follower.turn.steer(encode_input(input, self._host.directory)))
        return TurnSteerResponse.model_validate(answer)

    async def interrupt(self) -> TurnInterruptResponse:
        """Asks the turn to stop; see :meth:`TurnHandle.interrupt`."""
        from ._models import TurnInterruptResponse

        with translated():
            self._follower.turn.interrupt()
        return TurnInterruptResponse()

    async def stream(self) -> AsyncIterator[Notification]:
        """The notifications of the turn; see :meth:`TurnHandle.stream`."""
        try:
            while (notification := await self._host.drive(self._follower.next())) is not None:
                yield notification
        finally:
            if self._follower.leave():
                await self._host.drive(self._follower.turn.stop())

    async def run(self) -> TurnResult:
        """Waits for the turn's end; see :meth:`TurnHandle.run`."""
        try:
            return await self._host.drive(self._follower.collect())
        finally:
            if self._follower.leave():
                await self._host.drive(self._follower.turn.stop())
