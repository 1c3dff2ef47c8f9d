"""A turn: what one request to the agent comes to, and the stream of its events."""

from __future__ import annotations

import contextlib
import logging
import re
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from . import tracing
from ._deadline import Deadline
from ._steps import Answer, Await, Poll, Send, Steps
from .errors import ClosedError, CodexError, CodexTimeoutError, EngineError, TurnFailed
from .events import (
    Envelope,
    Event,
    ItemCompleted,
    ItemStarted,
    SubAgentEvent,
    ThreadStarted,
    TokenUsage,
    TokenUsageUpdated,
    TurnCompleted,
    TurnFailedEvent,
    decode_batch,
    decode_event,
    decode_turn,
    error_class,
)
from .items import AgentMessage, Item
from .options import TurnInput, encode_input, turn_params

if TYPE_CHECKING:
    from .thread import AsyncThread, BaseThread, Thread

__all__ = ["AsyncTurnStream", "Turn", "TurnError", "TurnStream"]

_log = logging.getLogger("codex_cffi")

#: Seconds that an interrupted turn gets to end; the engine's own limit for a command to die is well below.
_GRACE = 10.0

TurnStatus = Literal["inProgress", "completed", "interrupted", "failed"]


@dataclass(frozen=True)
class TurnError:
    """Why a turn failed.

    Attributes:
        message: For a person.
        error_class: The engine's class of it, see :class:`TurnFailed`; None where it gave none.
        http_status: HTTP status of the model provider, where the error came from there.
        details: More text, if there is any.
    """

    message: str
    error_class: str | None = None
    http_status: int | None = None
    details: str | None = None


@dataclass(frozen=True)
class Turn:
    """What a turn came to.

    Attributes:
        id: Unique in its thread.
        thread_id: Its thread.
        status: ``completed``, ``interrupted`` or ``failed``; ``inProgress`` while it runs.
        items: Everything that was completed, in order.
        usage: Tokens of this turn.
        thread_usage: Tokens of the thread, this turn included.
        duration: Seconds from start to end; None while it runs.
        error: Why it failed, if it did.
    """

    id: str
    thread_id: str
    status: TurnStatus = "inProgress"
    items: list[Item] = field(default_factory=list)
    usage: TokenUsage = TokenUsage()
    thread_usage: TokenUsage = TokenUsage()
    duration: float | None = None
    error: TurnError | None = None

    def _repr_markdown_(self) -> str:
        from ._show import turn_markdown

        return turn_markdown(self)

    @property
    def final_response(self) -> str:
        """The agent's last message, ``""`` if it said nothing."""
        for item in reversed(self.items):
            if isinstance(item, AgentMessage):
                return item.text
        return ""


class BaseTurnStream:
    """A turn as its events tell it; what :class:`TurnStream` and :class:`AsyncTurnStream` share."""

    #: The request that starts it.
    _method = "turn/start"
    #: The engine does not know it by its id, but as what runs on the thread.
    _nameless = False

    def __init__(
        self, thread: BaseThread, input: TurnInput, output_schema: Mapping[str, Any] | None, deadline: Deadline
    ) -> None:
        #: Empty until the engine has accepted the turn.
        self._turn_id = ""
        self._thread = thread
        self._input = input
        self._params = turn_params(thread.id, input, output_schema)
        self._deadline = deadline
        self._items: list[Item] = []
        self._usage = TokenUsage()
        self._waiting: deque[Event] = deque()
        self._ended: Turn | None = None
        #: Deltas are not looked at.
        self._quiet = False
        #: Somebody reads the events.
        self._streamed = True
        self._span: tracing.TurnSpan | None = None

    @property
    def turn(self) -> Turn:
        """The turn as far as the events have been read; whole once the stream has ended."""
        return self._ended or self._snapshot("inProgress", None, None)

    def interrupt(self) -> None:
        """Asks the turn to stop, from any thread; the stream then ends with its ``turn.completed`` event."""
        if self._turn_id and self._ended is None:
            self._thread._interrupt(self._turn_id)

    def _run(self) -> Steps[Turn]:
        """The whole turn."""
        self._quiet = self._thread._client._on_event is None
        self._streamed = False
        yield from self._start()
        while (yield from self._next()) is not None:
            self._waiting.clear()
        turn = self.turn
        if turn.status == "failed":
            raise TurnFailed(turn)
        return turn

    def _start(self) -> Steps[None]:
        leftover = self._thread._claim(self)
        try:
            yield from self._before_start()
            if leftover:
                # Its stream was dropped half way, which asked the turn to stop. Read on to its end, so that this one starts clean; asking twice could
                # stop the wrong turn.
                dropped = BaseTurnStream(self._thread, "-", None, self._deadline)
                dropped._turn_id = leftover
                yield from dropped._settle()
            if "input" in self._params:
                self._params["input"] += self._thread._client._mentioned(self._params["input"])
            pending = yield Send(self._method, self._params)
        except BaseException:
            self._thread._release(self)
            raise
        try:
            self._accepted((yield Answer(pending, self._method, self._deadline)))
        except GeneratorExit:
            raise
        except EngineError:
            self._thread._release(self)
            raise
        except BaseException as error:
            # The turn may run already: it must not go on behind the caller's back.
            with contextlib.suppress(CodexError):
                self._accepted((yield Answer(pending, self._method, Deadline(_GRACE), stopping=True)))
                yield from self._stop()
            self._thread._release(self)
            if isinstance(error, CodexTimeoutError):
                error.turn = self.turn
            raise
        finally:
            pending.free()

    def _before_start(self) -> Steps[None]:
        """Lets the host's ``before_start`` see the input, change it or refuse it."""
        hook = self._thread._client._before_start
        if hook is None:
            return
        edited = hook(self._thread, self._input)
        if isinstance(edited, Awaitable):
            edited = yield Await(edited)
        if edited is not None:
            self._params["input"] = encode_input(edited)

    def _accepted(self, result: Any) -> None:
        self._thread._told.clear()
        self._turn_id = _decode_started(result).turn.id
        self._span = tracing.turn(self._thread.id, self._turn_id, self._thread.model)
        if self._thread._begun(self._turn_id) == 1:
            started = ThreadStarted(thread_id=self._thread.id)
            self._waiting.append(started)
            self._thread._client._heard(started)

    def _next(self) -> Steps[Event | None]:
        """The next event; None at the end. Whatever goes wrong meanwhile stops the turn."""
        try:
            while not self._waiting:
                if self._ended is not None:
                    return None
                if self._deadline.over:
                    yield from self._run_out()
                self._take((yield Poll(self._thread._handle, self._deadline, self._thread._told)))
                while self._thread._told and self._ended is None:
                    told = self._thread._told.popleft()
                    self._waiting.append(told)
                    if not isinstance(told, SubAgentEvent):  # heard where it came from
                        self._thread._client._heard(told)
        except (GeneratorExit, CodexTimeoutError):
            raise
        except BaseException:
            # Ctrl-C or a cancelled task above all.
            yield from self._stop()
            raise
        return self._waiting.popleft()

    def _stop(self) -> Steps[None]:
        """Stops the turn if it runs, and reads on to its end."""
        if self._ended is not None or not self._turn_id:
            return
        try:
            self._thread._interrupt(self._turn_id)
        except ClosedError:
            self._give_up()
            return
        yield from self._settle()

    def _settle(self) -> Steps[None]:
        """Reads on to the end of a turn that was asked to stop."""
        grace = Deadline(_GRACE)
        self._waiting.clear()
        try:
            while self._ended is None and not grace.over:
                self._take((yield Poll(self._thread._handle, grace, self._thread._told, stopping=True)))
            self._waiting.clear()
            self._thread._told.clear()
            if self._ended is None:
                _log.warning("turn %s did not end within %g s of its interruption", self._turn_id, _GRACE)
        except ClosedError:
            pass  # so it ended, without a word
        finally:
            self._give_up()

    def _run_out(self) -> Steps[None]:
        yield from self._stop()
        turn = self.turn
        if turn.status in ("completed", "failed"):
            return  # it ended while it was being stopped
        raise CodexTimeoutError(
            f"the turn was not done within {self._deadline.seconds:g} s and was interrupted", turn=turn
        )

    def _take(self, batch: bytes | None) -> None:
        if batch is None:
            return
        for envelope in decode_batch(batch):
            event = self._note(envelope)
            if event is not None:
                self._waiting.append(event)
                self._thread._client._heard(event)

    def _give_up(self) -> None:
        """The turn's end will not be heard."""
        if self._ended is None:
            self._finish(self._snapshot("interrupted", None, None))

    def _note(self, envelope: Envelope) -> Event | None:
        """Keeps what the turn's result needs; returns the event for the host."""
        if envelope.method == "turn/completed":
            try:
                params = decode_turn(envelope.params)
            except msgspec.ValidationError:
                return decode_event(envelope)
            if params.turn.id != self._turn_id:
                return None
            error = _turn_error(params.turn.error)
            status: Any = params.turn.status
            self._finish(self._snapshot(status, params.turn.duration_ms, error))
            kind = TurnFailedEvent if status == "failed" else TurnCompleted
            assert self._ended is not None
            return kind(thread_id=params.thread_id, turn_id=self._turn_id, turn=self._ended)
        if envelope.method == "thread/started":
            return None  # told by ThreadStarted; which queue this one reaches is chance
        if self._quiet and envelope.method.endswith("elta"):
            return None
        event = decode_event(envelope)
        mine = event.turn_id in (None, self._turn_id)
        if isinstance(event, ItemCompleted) and mine:
            self._items.append(event.item)
            self._thread._client._spawned(event.item)
            if self._span is not None:
                self._span.item_completed(event.item)
        elif isinstance(event, ItemStarted) and mine and self._span is not None:
            self._span.item_started(event.item)
        elif isinstance(event, TokenUsageUpdated):
            self._count(event, mine)
        return event

    def _count(self, event: TokenUsageUpdated, mine: bool) -> None:
        """Adds what the thread's total grew by since it was last told."""
        before = self._thread._usage
        if before is None:
            # A resumed thread: what it had used before it was loaded is known only now.
            before = event.total - event.last if mine else event.total
        grown = event.total - before
        if min(grown.input_tokens, grown.output_tokens) < 0:
            return  # no count but the engine's mark for a full context
        if mine:
            self._usage += grown
        self._thread._usage = event.total
        self._thread._spent(grown)

    def _snapshot(self, status: TurnStatus, duration_ms: int | None, error: TurnError | None) -> Turn:
        total = self._thread._usage or TokenUsage()
        return Turn(
            id=self._turn_id,
            thread_id=self._thread.id,
            status=status,
            items=list(self._items),
            usage=self._usage,
            thread_usage=total,
            duration=None if duration_ms is None else duration_ms / 1000,
            error=error,
        )

    def _finish(self, turn: Turn) -> None:
        self._ended = turn
        if self._span is not None:
            self._span.end(turn)
        self._thread._turn_ended(self)

    def __del__(self) -> None:
        # Dropped half way: ask the turn to stop, without waiting. The thread's next turn waits for its end.
        with contextlib.suppress(CodexError):
            self.interrupt()


class TurnStream(BaseTurnStream):
    """A running turn's events. Iterate over it, best inside ``with``::

        with thread.run_streamed("Fix the test") as stream:
            for event in stream:
                ...
        print(stream.turn.final_response)

    Leaving the block, an exception in it, or Ctrl-C stops the turn and waits for its end. A stream can be iterated once, by one thread.
    """

    _thread: Thread

    def __enter__(self) -> TurnStream:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Event]:
        return self

    def __next__(self) -> Event:
        if self._waiting:
            return self._waiting.popleft()
        event = self._thread._client._drive(self._next())
        if event is None:
            raise StopIteration
        return event

    def close(self) -> None:
        """Stops the turn if it still runs, and waits for its end. Again: nothing."""
        self._thread._client._drive(self._stop())


class AsyncTurnStream(BaseTurnStream):
    """A running turn's events, as :class:`TurnStream` has them::

        async with thread.run_streamed("Fix the test") as stream:
            async for event in stream:
                ...
        print(stream.turn.final_response)

    The turn starts with ``async with``, or without one with the first event. Leaving the block, an exception in it, or cancelling the task stops the
    turn and waits for its end.
    """

    _thread: AsyncThread
    _begun = False

    async def __aenter__(self) -> AsyncTurnStream:
        await self._begin()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        if self._waiting:
            return self._waiting.popleft()
        await self._begin()
        event = await self._thread._client._drive(self._next())
        if event is None:
            raise StopAsyncIteration
        return event

    async def close(self) -> None:
        """Stops the turn if it still runs, and waits for its end. Again: nothing."""
        await self._thread._client._drive(self._stop())

    async def _begin(self) -> None:
        if not self._begun:
            self._begun = True
            await self._thread._client._drive(self._start())


class _ErrorBody(msgspec.Struct, frozen=True, rename="camel"):
    message: str
    codex_error_info: Any = None
    additional_details: str | None = None


class _Id(msgspec.Struct, frozen=True):
    id: str


class _Started(msgspec.Struct, frozen=True):
    turn: _Id


_decode_started = msgspec.json.Decoder(_Started).decode
_decode_error = msgspec.json.Decoder(_ErrorBody | None).decode


def _turn_error(raw: msgspec.Raw) -> TurnError | None:
    try:
        body = _decode_error(raw)
    except msgspec.ValidationError:
        return TurnError(message=bytes(raw).decode())
    if body is None:
        return None
    name, status = error_class(body.codex_error_info)
    if status is None:
        # For most statuses the engine tells the number in its message only.
        found = re.search(r"unexpected status (\d{3})\b", body.message)
        status = int(found[1]) if found else None
    return TurnError(message=body.message, error_class=name, http_status=status, details=body.additional_details)
