"""A turn: what one request to the agent comes to, and the stream of its events."""

from __future__ import annotations

import contextlib
import logging
import re
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

import msgspec

from . import tracing
from ._deadline import Deadline
from ._decoding import Envelope, decode_batch, decode_event, decode_item, decode_turn, error_class
from ._dispatch import BATCH
from ._steps import Answer, Await, Poll, Send, Steps
from .errors import (
    ClosedError,
    CodexError,
    CodexTimeoutError,
    EngineError,
    NotFoundError,
    OutputSchemaError,
    TurnFailed,
)
from .events import (
    Event,
    ItemCompleted,
    ItemStarted,
    PlanUpdated,
    SubAgentEvent,
    ThreadStarted,
    TokenUsage,
    TokenUsageUpdated,
    TurnCompleted,
    TurnFailedEvent,
)
from .input import TurnInput, encode_input
from .items import AgentMessage, Item, Reasoning, UserMessage

if TYPE_CHECKING:
    from typing_extensions import TypeVar as _TypeVar

    from .output import Output
    from .thread import AsyncThread, BaseThread, Thread

    #: Type of a turn's parsed output.
    P = _TypeVar("P", default=Any)
else:
    P = TypeVar("P")

__all__ = ["AsyncTurnStream", "Turn", "TurnError", "TurnStream"]

_log = logging.getLogger("codex_cffi")

#: Seconds that an interrupted turn gets to end; the engine's own limit for a command to die is well below.
_GRACE = 10.0

TurnStatus = Literal["inProgress", "completed", "interrupted", "failed"]
_STATES = {"inProgress": "not over yet", "interrupted": "interrupted", "failed": "failed"}


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
class Turn(Generic[P]):
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
        attempts: The turns before this one whose answers broke the ``output_schema``, where ``repair`` was given.
    """

    id: str
    thread_id: str
    status: TurnStatus = "inProgress"
    items: list[Item] = field(default_factory=list)
    usage: TokenUsage = TokenUsage()
    thread_usage: TokenUsage = TokenUsage()
    duration: float | None = None
    error: TurnError | None = None
    attempts: tuple[Turn[Any], ...] = ()
    _output: _Parsed | OutputSchemaError | None = field(default=None, repr=False, compare=False)

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

    @property
    def parsed(self) -> P:
        """The final answer as ``output_schema`` has it: an instance of its type, or plain JSON; None without an ``output_schema``.

        Messages that the agent wrote on the way do not count.

        Raises:
            OutputSchemaError: The answer does not follow the schema, or there is none (yet).
        """
        if isinstance(self._output, OutputSchemaError):
            self._output.turn = self
            raise self._output
        value: Any = None if self._output is None else self._output.value
        return value  # type: ignore[no-any-return]


@dataclass(frozen=True)
class _Parsed:
    """A final answer that follows its schema."""

    value: Any


class BaseTurnStream(Generic[P]):
    """A turn as its events tell it; what :class:`TurnStream` and :class:`AsyncTurnStream` share."""

    #: The request that starts it.
    _method = "turn/start"
    #: The engine does not know it by its id, but as what runs on the thread.
    _nameless = False

    def __init__(
        self,
        thread: BaseThread,
        input: TurnInput,
        output: Output[P] | None,
        deadline: Deadline,
        overrides: Mapping[str, Any] | None = None,
    ) -> None:
        #: Empty until the engine has accepted the turn.
        self._turn_id = ""
        self._thread = thread
        self._input = input
        self._output = output
        self._overrides = dict(overrides or {})
        self._params: dict[str, Any] = {"threadId": thread.id, "input": encode_input(input), **self._overrides}
        if output is not None:
            self._params["outputSchema"] = output.schema
        self._deadline = deadline
        self._items: list[Item] = []
        #: The last message, if nothing came after it.
        self._answer: AgentMessage | None = None
        self._usage = TokenUsage()
        self._waiting: deque[Event] = deque()
        self._ended: Turn[P] | None = None
        #: Deltas are not looked at.
        self._quiet = False
        #: Somebody reads the events.
        self._streamed = True
        self._span: tracing.TurnSpan | None = None

    @property
    def turn(self) -> Turn[P]:
        """The turn as far as the events have been read; whole once the stream has ended."""
        return self._ended or self._snapshot("inProgress", None, None)

    def interrupt(self) -> None:
        """Asks the turn to stop, from any thread; the stream then ends with its ``turn.completed`` event."""
        if self._turn_id and self._ended is None:
            self._thread._interrupt(self._turn_id)

    def _run(self, repair: int = 0) -> Steps[Turn[P]]:
        """The whole turn, and up to `repair` more in which the agent corrects its answer."""
        yield from self._run_once()
        turn = self.turn
        if self._output is None or turn.status != "completed":
            return turn
        from .output import repair_prompt

        attempts: list[Turn[Any]] = []
        while isinstance(turn._output, OutputSchemaError) and len(attempts) < repair:
            attempts.append(turn)
            prompt = repair_prompt(turn._output.violations)
            again = BaseTurnStream(self._thread, prompt, self._output, self._deadline, self._overrides)
            yield from again._run_once()
            turn = replace(again.turn, attempts=tuple(attempts))
        if turn.status == "completed":
            turn.parsed  # noqa: B018 - raises if there is none
        return turn

    def _run_once(self) -> Steps[None]:
        self._quiet = self._thread._client._on_event is None
        self._streamed = False
        yield from self._start()
        while (yield from self._next()) is not None:
            self._waiting.clear()
        if self.turn.status == "failed":
            raise TurnFailed(self.turn)

    def _start(self) -> Steps[None]:
        leftover = self._thread._claim(self)
        try:
            yield from self._before_start()
            yield from self._thread._before_overrides(self._overrides, self._deadline)
            if leftover:
                # Its stream was dropped half way, which asked the turn to stop. Read on to its end, so that this one starts clean; asking twice could
                # stop the wrong turn.
                dropped = BaseTurnStream(self._thread, "-", None, self._deadline)
                dropped._turn_id = leftover
                yield from dropped._settle()
            yield from self._thread._end_overrides()
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
        except (EngineError, NotFoundError):
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
        self._thread._overridden(self._overrides)
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
                more = self._take((yield Poll(self._thread._handle, self._deadline, self._thread._told)))
                if self._ended is not None:
                    yield from self._thread._end_overrides()
                # What the engine told before comes first.
                while self._thread._told and self._ended is None and not more:
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
            yield from self._thread._end_overrides()
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

    def _take(self, batch: bytes | None) -> bool:
        """Whether there may be more events than these."""
        if batch is None:
            return False
        envelopes = decode_batch(batch)
        for envelope in envelopes:
            event = self._note(envelope)
            if event is not None:
                self._waiting.append(event)
                self._thread._client._heard(event)
        return len(envelopes) >= BATCH

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
        if envelope.method == "thread/settings/updated":
            self._thread._settings_told(envelope.params)
        elif mine:
            self._look_for_answer(event)
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

    def _look_for_answer(self, event: Event) -> None:
        """Tells the final answer from messages on the way: nothing that the agent does begins after it."""
        match event:
            case ItemCompleted(item=AgentMessage() as message):
                self._answer = message if message.phase != "commentary" else None
            case ItemStarted(item=AgentMessage() | Reasoning() | UserMessage()):
                pass
            case ItemStarted() | PlanUpdated():
                self._answer = None

    def _parsed(self, status: TurnStatus) -> _Parsed | OutputSchemaError | None:
        """What ``Turn.parsed`` gives or raises."""
        if self._output is None:
            return None
        text = self._answer.text if self._answer is not None else ""
        if status != "completed":
            return OutputSchemaError(text, [f"the turn is {_STATES[status]}"])
        from .output import Violations

        try:
            return _Parsed(self._output.parse(text))
        except Violations as broken:
            return OutputSchemaError(text, broken.found)

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

    def _snapshot(self, status: TurnStatus, duration_ms: int | None, error: TurnError | None) -> Turn[P]:
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
            _output=self._parsed(status),
        )

    def _finish(self, turn: Turn[P]) -> None:
        self._ended = turn
        if self._span is not None:
            self._span.end(turn)
        self._thread._turn_ended(self)

    def __del__(self) -> None:
        # Dropped half way: ask the turn to stop, without waiting. The thread's next turn waits for its end.
        with contextlib.suppress(CodexError):
            self.interrupt()


class CompactionStream(BaseTurnStream[None]):
    """A turn in which the engine replaces the conversation by a summary; what starts it does not tell its id."""

    _method = "thread/compact/start"

    def __init__(self, thread: BaseThread, deadline: Deadline) -> None:
        super().__init__(thread, "-", None, deadline)
        self._params = {"threadId": thread.id}

    def _before_start(self) -> Steps[None]:
        yield from ()

    def _accepted(self, result: Any) -> None:
        self._thread._told.clear()

    def _note(self, envelope: Envelope) -> Event | None:
        if not self._turn_id and envelope.method == "turn/started":
            self._turn_id = decode_turn(envelope.params).turn.id
            self._thread._begun(self._turn_id)
        return super()._note(envelope)

    def _stop(self) -> Steps[None]:
        grace = Deadline(_GRACE)
        with contextlib.suppress(ClosedError):
            while not self._turn_id and self._ended is None and not grace.over:
                self._take((yield Poll(self._thread._handle, grace, self._thread._told, stopping=True)))
        yield from super()._stop()
        self._give_up()


class TurnStream(BaseTurnStream[P]):
    """A running turn's events. Iterate over it, best inside ``with``::

        with thread.run_streamed("Fix the test") as stream:
            for event in stream:
                ...
        print(stream.turn.final_response)

    Leaving the block, an exception in it, or Ctrl-C stops the turn and waits for its end. A stream can be iterated once, by one thread.
    """

    _thread: Thread

    def __enter__(self) -> TurnStream[P]:
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


class AsyncTurnStream(BaseTurnStream[P]):
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

    async def __aenter__(self) -> AsyncTurnStream[P]:
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


class RecordedTurn(msgspec.Struct, frozen=True, rename="camel"):
    """A turn as ``thread/read`` gives it."""

    id: str
    items: list[msgspec.Raw]
    status: TurnStatus
    error: msgspec.Raw = msgspec.Raw(b"null")
    duration_ms: int | None = None

    def turn(self, thread_id: str) -> Turn[None]:
        """What it came to; its tokens are not recorded."""
        return Turn(
            id=self.id,
            thread_id=thread_id,
            status=self.status,
            items=[decode_item(item) for item in self.items],
            duration=None if self.duration_ms is None else self.duration_ms / 1000,
            error=_turn_error(self.error),
        )


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
