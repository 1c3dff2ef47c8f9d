"""A turn as its events tell it: what starts it, follows it, stops it."""

from __future__ import annotations

import contextlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

from .. import tracing
from .._decoding import Envelope, decode_batch, decode_event, decode_turn
from ..errors import (
    ClosedError,
    CodexError,
    CodexTimeoutError,
    EngineError,
    NotFoundError,
    OutputSchemaError,
    TurnFailedError,
)
from ..events import (
    ErrorEvent,
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
from ..input import TurnInput, encode_input
from ..items import AgentMessage, Item, Reasoning, UserMessage
from ..turn import Parsed, Turn, TurnError, TurnStatus, turn_error
from .deadline import Deadline
from .steps import BATCH, Answer, Await, Poll, Send, Steps

if TYPE_CHECKING:
    from typing_extensions import TypeVar as _TypeVar

    from .._output import Output
    from .contract import ThreadCore

    #: Type of a turn's parsed output.
    P = _TypeVar("P", default=Any)
else:
    P = TypeVar("P")

_log = logging.getLogger("codex_cffi")

#: Seconds that an interrupted turn gets to end; the engine's own limit for a command to die is well below.
_GRACE = 10.0

_STATES = {"inProgress": "not over yet", "interrupted": "interrupted", "failed": "failed"}


class _Id(msgspec.Struct, frozen=True):
    id: str


class _Started(msgspec.Struct, frozen=True):
    turn: _Id


_decode_started = msgspec.json.Decoder(_Started).decode


class EngineTurn(Generic[P]):
    """A turn of a thread's, started by any of the engine's methods.

    Attributes:
        thread: Its thread.
        waiting: Events that were read and that nobody has taken yet.
        streamed: Whether somebody reads the events.
    """

    #: Empty until the engine has accepted the turn.
    id: str = ""
    #: The engine does not know it by its id, but as what runs on the thread.
    nameless = False

    def __init__(
        self, thread: ThreadCore, method: str, params: dict[str, Any], deadline: Deadline, turn_id: str = ""
    ) -> None:
        self.id = turn_id
        self.thread = thread
        self.waiting: deque[Event] = deque()
        self.streamed = True
        self._client = thread.client
        self._method = method
        self._params = params
        self._deadline = deadline
        self._items: list[Item] = []
        self._usage = TokenUsage()
        self._ended: Turn[P] | None = None
        #: The last thing that happened, if it is a try of the model that comes after the deadline.
        self._too_late: ErrorEvent | None = None
        #: Deltas are not looked at.
        self._quiet = False
        self._span: tracing.TurnSpan | None = None

    @property
    def turn(self) -> Turn[P]:
        """The turn as far as the events have been read; whole once the stream has ended."""
        return self._ended or self._snapshot("inProgress", None, None)

    @property
    def over(self) -> bool:
        """Whether its end was read."""
        return self._ended is not None

    def interrupt(self) -> None:
        """Asks the turn to stop, from any thread; the stream then ends with its ``turn.completed`` event."""
        if self.id and self._ended is None:
            self.thread.interrupt(self.id)

    def run(self) -> Steps[Turn[P]]:
        """The whole turn."""
        self._quiet = self._client.on_event is None
        self.streamed = False
        yield from self.start()
        while (yield from self.next()) is not None:
            self.waiting.clear()
        if self.turn.status == "failed":
            raise TurnFailedError(self.turn)
        return self.turn

    def start(self) -> Steps[None]:
        """Has the engine start it."""
        leftover = self.thread.claim(self)
        try:
            yield from self._prepare()
            if leftover:
                # Its stream was dropped half way, which asked the turn to stop. Read on to its end, so that this one starts clean; asking twice could
                # stop the wrong turn.
                yield from EngineTurn[Any](self.thread, "", {}, self._deadline, leftover).settle()
            yield from self.thread.end_overrides()
            self._complete()
            pending = yield Send(self._method, self._params)
        except BaseException:
            self.thread.release(self)
            raise
        try:
            self._accepted((yield Answer(pending, self._method, self._deadline)))
        except GeneratorExit:
            raise
        except (EngineError, NotFoundError):
            self.thread.release(self)
            raise
        except BaseException as error:
            # The turn may run already: it must not go on behind the caller's back.
            with contextlib.suppress(CodexError):
                self._accepted((yield Answer(pending, self._method, Deadline(_GRACE), stopping=True)))
                yield from self.stop()
            self.thread.release(self)
            if isinstance(error, CodexTimeoutError):
                error.turn = self.turn
            raise
        finally:
            pending.free()

    def _prepare(self) -> Steps[None]:
        """What comes before the engine is asked."""
        yield from ()

    def _complete(self) -> None:
        """The last word on the parameters."""

    def _accepted(self, result: Any) -> None:
        """The engine has taken the turn."""
        self.thread.told.clear()
        self._runs(_decode_started(result).turn.id)

    def _runs(self, turn_id: str) -> None:
        self.id = turn_id
        self._span = tracing.turn(self.thread.id, turn_id, self.thread.model)
        if self.thread.begun(turn_id) == 1:
            started = ThreadStarted(thread_id=self.thread.id)
            self.waiting.append(started)
            self._client.heard(started)

    def next(self) -> Steps[Event | None]:
        """The next event; None at the end. Whatever goes wrong meanwhile stops the turn."""
        thread = self.thread
        try:
            while not self.waiting:
                if self._ended is not None:
                    return None
                if self._deadline.over or self._too_late is not None:
                    yield from self._run_out()
                more = self._take((yield Poll(thread.handle, self._deadline, thread.told)))
                if self._ended is not None:
                    yield from thread.end_overrides()
                while thread.early:
                    self.waiting.append(thread.early.popleft())
                # What the engine told before comes first.
                while thread.told and self._ended is None and not more:
                    told = thread.told.popleft()
                    self.waiting.append(told)
                    if not isinstance(told, SubAgentEvent):  # heard where it came from
                        self._client.heard(told)
        except (GeneratorExit, CodexTimeoutError):
            raise
        except BaseException:
            # Ctrl-C or a cancelled task above all.
            yield from self.stop()
            raise
        return self.waiting.popleft()

    def stop(self) -> Steps[None]:
        """Stops the turn if it runs, and reads on to its end."""
        if self._ended is not None or not self.id:
            return
        try:
            self.thread.interrupt(self.id)
        except ClosedError:
            self._give_up()
            return
        yield from self.settle()

    def settle(self) -> Steps[None]:
        """Reads on to the end of a turn that was asked to stop."""
        grace = Deadline(_GRACE)
        self.waiting.clear()
        try:
            while self._ended is None and not grace.over:
                self._take((yield Poll(self.thread.handle, grace, self.thread.told, stopping=True)))
            self.waiting.clear()
            self.thread.told.clear()
            if self._ended is None:
                _log.warning("turn %s did not end within %g s of its interruption", self.id, _GRACE)
            yield from self.thread.end_overrides()
        except ClosedError:
            pass  # so it ended, without a word
        finally:
            self._give_up()

    def _run_out(self) -> Steps[None]:
        retry, left = self._too_late, self._deadline.left
        yield from self.stop()
        turn = self.turn
        if turn.status in ("completed", "failed"):
            return  # it ended while it was being stopped
        if retry is not None:
            raise CodexTimeoutError(
                f"the next try of the model was to come in {retry.retry_in:g} s, and the turn had {left:.3g} s left of its "
                f"{self._deadline.seconds:g} s, so it was interrupted: {retry.details}",
                turn=turn,
                retry_after=retry.retry_in,
            )
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
                self.waiting.append(event)
                self._client.heard(event)
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
            if params.turn.id != self.id:
                return None
            error = turn_error(params.turn.error)
            status: Any = params.turn.status
            self._finish(self._snapshot(status, params.turn.duration_ms, error))
            kind = TurnFailedEvent if status == "failed" else TurnCompleted
            assert self._ended is not None
            return kind(thread_id=params.thread_id, turn_id=self.id, turn=self._ended)
        if envelope.method == "thread/started":
            return None  # told by ThreadStarted; which queue this one reaches is chance
        if self._quiet and envelope.method.endswith("elta"):
            return None
        event = decode_event(envelope)
        mine = event.turn_id in (None, self.id)
        if envelope.method == "thread/settings/updated":
            self.thread.settings_told(envelope.params)
        elif mine:
            self._too_late = self._late_retry(event)
            self._look(event)
        if isinstance(event, ItemCompleted) and mine:
            self._items.append(event.item)
            self._client.spawned(event.item)
            if self._span is not None:
                self._span.item_completed(event.item)
        elif isinstance(event, ItemStarted) and mine and self._span is not None:
            self._span.item_started(event.item)
        elif isinstance(event, TokenUsageUpdated):
            self._count(event, mine)
        return event

    def _late_retry(self, event: Event) -> ErrorEvent | None:
        """The event, if it is a try of the model that comes after the deadline."""
        left = self._deadline.left
        if left is None or not isinstance(event, ErrorEvent) or event.retry_in is None:
            return None
        return event if event.retry_in > left else None

    def _look(self, event: Event) -> None:
        """Sees each event of the turn."""

    def _count(self, event: TokenUsageUpdated, mine: bool) -> None:
        """Adds what the thread's total grew by since it was last told."""
        before = self.thread.total
        if before is None:
            # A resumed thread: what it had used before it was loaded is known only now.
            before = event.total - event.last if mine else event.total
        grown = event.total - before
        if min(grown.input_tokens, grown.output_tokens) < 0:
            return  # no count but the engine's mark for a full context
        if mine:
            self._usage += grown
        self.thread.total = event.total
        self.thread.spent(grown)

    def _snapshot(self, status: TurnStatus, duration_ms: int | None, error: TurnError | None) -> Turn[P]:
        return Turn(
            id=self.id,
            thread_id=self.thread.id,
            status=status,
            items=list(self._items),
            usage=self._usage,
            thread_usage=self.thread.total or TokenUsage(),
            duration=None if duration_ms is None else duration_ms / 1000,
            error=error,
            _output=self._parsed(status),
        )

    def _parsed(self, status: TurnStatus) -> Parsed | OutputSchemaError | None:
        """What ``Turn.parsed`` gives or raises."""
        return None

    def _finish(self, turn: Turn[P]) -> None:
        self._ended = turn
        if self._span is not None:
            self._span.end(turn)
        self.thread.turn_ended(self)

    def __del__(self) -> None:
        # Dropped half way: ask the turn to stop, without waiting. The thread's next turn waits for its end.
        with contextlib.suppress(CodexError):
            self.interrupt()


class PromptTurn(EngineTurn[P]):
    """A turn that answers a prompt.

    Args:
        thread: Its thread.
        prompt: What the agent is asked.
        output: Form of the final answer.
        deadline: When it is stopped.
        overrides: What it has otherwise than its thread, as parameters of ``turn/start``.
        before: Sees the prompt before the turn starts; returns None, or another one.
    """

    def __init__(
        self,
        thread: ThreadCore,
        prompt: TurnInput,
        output: Output[P] | None,
        deadline: Deadline,
        overrides: Mapping[str, Any],
        before: Callable[[TurnInput], Any] | None = None,
    ) -> None:
        params = {"threadId": thread.id, "input": encode_input(prompt), **overrides}
        if output is not None:
            params["outputSchema"] = output.schema
        super().__init__(thread, "turn/start", params, deadline)
        self._prompt = prompt
        self._output = output
        self._overrides = overrides
        self._before = before
        #: The last message, if nothing came after it.
        self._answer: AgentMessage | None = None
        #: How the answer broke its schema.
        self._broken: OutputSchemaError | None = None

    @property
    def violations(self) -> list[str]:
        """What is wrong with the answer of a turn that was completed."""
        return self._broken.violations if self._broken is not None and self.turn.status == "completed" else []

    def run_repaired(self, repair: int) -> Steps[Turn[P]]:
        """The whole turn, and up to `repair` more in which the agent corrects its answer."""
        turn = yield from self.run()
        if self._output is None or turn.status != "completed":
            return turn
        from .._output import repair_prompt

        attempts: list[Turn[Any]] = []
        last = self
        while last.violations and len(attempts) < repair:
            attempts.append(turn)
            prompt = repair_prompt(last.violations)
            last = PromptTurn(self.thread, prompt, self._output, self._deadline, self._overrides, self._before)
            turn = replace((yield from last.run()), attempts=tuple(attempts))
        if turn.status == "completed":
            turn.parsed  # noqa: B018 - raises if there is none
        return turn

    def _prepare(self) -> Steps[None]:
        if self._before is not None:
            edited = self._before(self._prompt)
            if isinstance(edited, Awaitable):
                edited = yield Await(edited)
            if edited is not None:
                self._params["input"] = encode_input(edited)
        yield from self.thread.before_overrides(self._overrides, self._deadline)

    def _complete(self) -> None:
        self._params["input"] += self._client.mentioned(self._params["input"])

    def _accepted(self, result: Any) -> None:
        super()._accepted(result)
        self.thread.overridden(self._overrides)

    def _look(self, event: Event) -> None:
        """Tells the final answer from messages on the way: nothing that the agent does begins after it."""
        match event:
            case ItemCompleted(item=AgentMessage() as message):
                self._answer = message if message.phase != "commentary" else None
            case ItemStarted(item=AgentMessage() | Reasoning() | UserMessage()):
                pass
            case ItemStarted() | PlanUpdated():
                self._answer = None

    def _parsed(self, status: TurnStatus) -> Parsed | OutputSchemaError | None:
        if self._output is None:
            return None
        text = self._answer.text if self._answer is not None else ""
        if status != "completed":
            return OutputSchemaError(text, [f"the turn is {_STATES[status]}"])
        from .._output import ViolationsError

        try:
            return Parsed(self._output.parse(text))
        except ViolationsError as broken:
            self._broken = OutputSchemaError(text, broken.found)
            return self._broken


class Compaction(EngineTurn[None]):
    """A turn in which the engine replaces the conversation by a summary; what starts it does not tell its id."""

    def __init__(self, thread: ThreadCore, deadline: Deadline) -> None:
        super().__init__(thread, "thread/compact/start", {"threadId": thread.id}, deadline)

    def _accepted(self, result: Any) -> None:
        self.thread.told.clear()

    def _note(self, envelope: Envelope) -> Event | None:
        if not self.id and envelope.method == "turn/started":
            self.id = decode_turn(envelope.params).turn.id
            self.thread.begun(self.id)
        return super()._note(envelope)

    def stop(self) -> Steps[None]:
        """Stops it as soon as it is known by its id."""
        grace = Deadline(_GRACE)
        with contextlib.suppress(ClosedError):
            while not self.id and self._ended is None and not grace.over:
                self._take((yield Poll(self.thread.handle, grace, self.thread.told, stopping=True)))
        yield from super().stop()
        self._give_up()
