"""A turn: what one request to the agent comes to, and the stream of its events."""

from __future__ import annotations

import contextlib
import logging
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from ._deadline import Deadline
from .errors import ClosedError, CodexError, CodexTimeoutError
from .events import (
    Envelope,
    Event,
    ItemCompleted,
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

if TYPE_CHECKING:
    from .thread import Thread

__all__ = ["Turn", "TurnError", "TurnStream"]

_log = logging.getLogger("codex_cffi")

#: Events that one call takes out of the queue.
_BATCH = 256
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

    @property
    def final_response(self) -> str:
        """The agent's last message, ``""`` if it said nothing."""
        for item in reversed(self.items):
            if isinstance(item, AgentMessage):
                return item.text
        return ""


class TurnStream:
    """A running turn's events. Iterate over it, best inside ``with``::

        with thread.run_streamed("Fix the test") as stream:
            for event in stream:
                ...
        print(stream.turn.final_response)

    Leaving the block, an exception in it, or Ctrl-C stops the turn and waits for its end. A stream can be iterated once, by one thread.
    """

    def __init__(self, thread: Thread, turn_id: str, deadline: Deadline, *, first: bool) -> None:
        self._thread = thread
        self._deadline = deadline
        self._turn_id = turn_id
        self._items: list[Item] = []
        self._usage = TokenUsage()
        self._waiting: deque[Event] = deque()
        self._ended: Turn | None = None
        if first:
            self._waiting.append(ThreadStarted(thread_id=thread.id))

    @property
    def turn(self) -> Turn:
        """The turn as far as the events have been read; whole once the stream has ended."""
        if self._ended is not None:
            return self._ended
        return self._snapshot("inProgress", None, None)

    def __enter__(self) -> TurnStream:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Event]:
        return self

    def __next__(self) -> Event:
        try:
            event = self._next()
        except CodexTimeoutError:
            raise
        except BaseException:
            # Ctrl-C above all: the turn must not go on behind the caller's back.
            self.close()
            raise
        if event is None:
            raise StopIteration
        return event

    def close(self) -> None:
        """Stops the turn if it still runs, and waits for its end. Again: nothing."""
        if self._ended is not None:
            return
        with contextlib.suppress(ClosedError):
            try:
                self._stop(Deadline(_GRACE))
            finally:
                if self._ended is None:
                    self._finish(self._snapshot("interrupted", None, None))

    def interrupt(self) -> None:
        """Asks the turn to stop, from any thread; the stream then ends with its ``turn.completed`` event."""
        self._thread.interrupt()

    def _stop(self, grace: Deadline) -> None:
        self._thread._interrupt(self._turn_id)
        self._read_to_end(grace)

    def _read_to_end(self, grace: Deadline | None = None) -> None:
        grace = grace or Deadline(_GRACE)
        self._waiting.clear()
        while self._ended is None and not grace.over:
            for event in self._poll(grace):
                self._note(event)
        if self._ended is None:
            _log.warning("turn %s did not end within %g s of its interruption", self._turn_id, _GRACE)
            self._finish(self._snapshot("interrupted", None, None))

    def _next(self) -> Event | None:
        while not self._waiting:
            if self._ended is not None:
                return None
            if self._deadline.over:
                self._run_out()
            for event in self._poll(self._deadline):
                noted = self._note(event)
                if noted is not None:
                    self._waiting.append(noted)
        return self._waiting.popleft()

    def _run_out(self) -> None:
        self.close()
        turn = self.turn
        if turn.status in ("completed", "failed"):
            return  # it ended while it was being stopped
        raise CodexTimeoutError(
            f"the turn was not done within {self._deadline.seconds:g} s and was interrupted", turn=turn
        )

    def _poll(self, deadline: Deadline) -> list[Envelope]:
        batch = self._thread._handle.poll(_BATCH, deadline.slice_ms())
        self._thread._client._drain()
        return [] if batch is None else decode_batch(batch)

    def _note(self, envelope: Envelope) -> Event | None:
        """Keeps what the turn's result needs; returns the event for the host."""
        if envelope.method == "turn/completed":
            params = decode_turn(envelope.params)
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
        event = decode_event(envelope)
        mine = event.turn_id in (None, self._turn_id)
        if isinstance(event, ItemCompleted) and mine:
            self._items.append(event.item)
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
        self._thread._turn_ended(self)

    def __del__(self) -> None:
        # Dropped half way: ask the turn to stop, without waiting. The thread's next turn waits for its end.
        if getattr(self, "_ended", True) is None:
            with contextlib.suppress(CodexError):
                self._thread._interrupt(self._turn_id)


class _ErrorBody(msgspec.Struct, frozen=True, rename="camel"):
    message: str
    codex_error_info: Any = None
    additional_details: str | None = None


_decode_error = msgspec.json.Decoder(_ErrorBody | None).decode


def _turn_error(raw: msgspec.Raw) -> TurnError | None:
    body = _decode_error(raw)
    if body is None:
        return None
    name, status = error_class(body.codex_error_info)
    if status is None:
        # For most statuses the engine tells the number in its message only.
        found = re.search(r"unexpected status (\d{3})\b", body.message)
        status = int(found[1]) if found else None
    return TurnError(message=body.message, error_class=name, http_status=status, details=body.additional_details)
