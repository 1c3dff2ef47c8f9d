"""The engine's methods that the official SDK uses, as steps that both clients drive."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from .. import _capi
from .._core.deadline import Deadline
from .._core.steps import Pause, Steps, call, call_raw
from .._core.thread import EngineThread, loaded
from ._base import decode, to_wire
from ._config import approval_settings, sandbox_settings
from .errors import CodexError

if TYPE_CHECKING:
    from .._core.contract import ClientCore

T = TypeVar("T")

#: Seconds that the engine gets to answer.
LIMIT = 60.0
#: Seconds between two looks whether the way is free.
_PAUSE = 0.02


def request(method: str, params: dict[str, Any], kind: type[T]) -> Steps[T]:
    """Calls a method; its result is of the type."""
    refuse_unknown(method, params)
    answer = yield from call_raw(method, params, Deadline(LIMIT))
    try:
        result: T = decode(answer, kind)
    except msgspec.ValidationError as error:
        raise CodexError(f"the engine's answer to {method} does not fit {kind.__name__}: {error}") from error
    return result


def plain(method: str, params: dict[str, Any] | None) -> Steps[Any]:
    """Calls a method; its result is plain JSON."""
    return call(method, params, Deadline(LIMIT))


def refuse_unknown(method: str, params: Mapping[str, Any]) -> None:
    """What the engine would skip without a word must not look as if it had worked.

    Raises:
        CodexError: The method has no such parameter.
    """
    known = _parameters(method)
    for name in params:
        if name not in known:
            raise CodexError(
                f"{_ARGUMENTS.get(name, name)} cannot be used: {method} of the engine in this process "
                f"(codex-rs {_capi.build_info['engine']}) has no {name}"
            )


#: Arguments of the official SDK that have another name in the protocol.
_ARGUMENTS = {
    "excludeTurns": "include_turns",
    "sectionId": "section_id",
    "serviceTierForTurn": "turn_service_tier",
    "turnTrigger": "source",
}


@cache
def _parameters(method: str) -> frozenset[str]:
    from .. import protocol

    kind = getattr(protocol, protocol.REQUESTS[method][0])
    return frozenset(kind.__struct_encode_fields__)


def settings(
    core: ClientCore, options: Mapping[str, Any], directory: str | None, *, of_turn: bool = False
) -> dict[str, Any]:
    """Parameters of a method from the arguments of a method of the SDK's; what is None is left out."""
    given = {name: value for name, value in options.items() if value is not None}
    params = approval_settings(given.pop("approval_mode", None), ask_host=core.on_approval is not None)
    params |= sandbox_settings(given.pop("sandbox", None), of_turn=of_turn)
    if "include_turns" in given:
        params["excludeTurns"] = not given.pop("include_turns")
    if "source" in given:
        params["turnTrigger"] = given.pop("source")
    if "turn_service_tier" in given:
        params["serviceTierForTurn"] = given.pop("turn_service_tier")
    if core.trust_project and not of_turn:
        given["config"] = {"trust_project": True, **(given.get("config") or {})}
    cwd = given.pop("cwd", None if of_turn else directory)
    if cwd is not None:
        params["cwd"] = os.path.abspath(os.path.join(directory or "", os.fspath(cwd)))
    return params | {camel(name): to_wire(value) for name, value in given.items()}


def camel(name: str) -> str:
    """The protocol's name of an argument."""
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))


def open_thread(core: ClientCore, method: str, params: dict[str, Any]) -> Steps[LoadedThread]:
    """Starts, resumes or forks a thread."""
    refuse_unknown(method, params)
    info = yield from loaded(method, params, Deadline(LIMIT))
    return thread_of(core, info["thread"]["id"], info)


_opening = threading.Lock()


class Turnstile:
    """Lets one through at a time, whether it waits by blocking or on an event loop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def enter(self) -> Steps[None]:
        """Waits for the way to be free; :meth:`leave` must follow."""
        while not self._lock.acquire(blocking=False):
            yield Pause(_PAUSE)

    def leave(self) -> None:
        """Lets the next one in."""
        self._lock.release()

    @contextmanager
    def tried(self) -> Iterator[bool]:
        """Enters if the way is free, and tells whether it is."""
        entered = self._lock.acquire(blocking=False)
        try:
            yield entered
        finally:
            if entered:
                self._lock.release()


class LoadedThread(EngineThread):
    """A thread in the engine, with its queue of events; there is one for each id, however many :class:`Thread` name it.

    Attributes:
        starting: Who may start a turn.
        compacting: When the summing up was asked for (:func:`time.monotonic`) whose end was not heard yet.
    """

    compacting: float | None = None

    def __init__(self, core: ClientCore, info: Mapping[str, Any]) -> None:
        super().__init__(core, core.open_handle().open_thread(info["thread"]["id"]), info, None)
        self.starting = Turnstile()


def thread_of(core: ClientCore, thread_id: str, info: Mapping[str, Any] | None = None) -> LoadedThread:
    """The thread with that id."""
    with _opening:
        thread = core.threads.get(thread_id)
        if thread is None:
            # Where there is no information, it is a thread that nobody has loaded yet.
            thread = LoadedThread(core, {"thread": {"id": thread_id}, "cwd": "", "model": "", **(info or {})})
        assert isinstance(thread, LoadedThread)
        return thread
