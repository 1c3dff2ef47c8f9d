"""What happens while a turn runs, as :meth:`Thread.run_streamed` gives it.

Events are immutable and match by class; each class has a dotted name in ``type``::

    for event in stream:
        match event:
            case AgentMessageDelta(delta=text): print(text, end="")
            case ItemCompleted(item=CommandExecution(command=command, exit_code=code)): ...
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from .items import Item, decode_item

if TYPE_CHECKING:
    from .turn import Turn

__all__ = [
    "AgentMessageDelta",
    "CommandOutputDelta",
    "DiffUpdated",
    "ErrorEvent",
    "Event",
    "Gap",
    "ItemCompleted",
    "ItemStarted",
    "ItemUpdated",
    "PlanStep",
    "PlanUpdated",
    "ReasoningDelta",
    "ThreadStarted",
    "TokenUsage",
    "TokenUsageUpdated",
    "TurnCompleted",
    "TurnFailedEvent",
    "TurnStarted",
    "UnknownEvent",
    "WarningEvent",
]


class TokenUsage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Tokens that the model provider counted.

    Attributes:
        input_tokens: Read by the model, cached ones included.
        cached_input_tokens: Of these, from the provider's cache.
        output_tokens: Written by the model, reasoning included.
        reasoning_output_tokens: Of these, reasoning.
        total_tokens: Input and output.
    """

    input_tokens: int = 0
    cached_input_tokens: int = 0
    output_tokens: int = 0
    reasoning_output_tokens: int = 0
    total_tokens: int = 0

    def __sub__(self, other: TokenUsage) -> TokenUsage:
        return TokenUsage(**{name: getattr(self, name) - getattr(other, name) for name in self.__struct_fields__})

    def __add__(self, other: TokenUsage) -> TokenUsage:
        return TokenUsage(**{name: getattr(self, name) + getattr(other, name) for name in self.__struct_fields__})


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all events.

    Attributes:
        thread_id: Thread it belongs to; empty for an event of no thread.
        turn_id: Turn it belongs to, if it belongs to one.
    """

    type: ClassVar[str]

    thread_id: str = ""
    turn_id: str | None = None


class ThreadStarted(Event, frozen=True, kw_only=True):
    """First event of a thread's first turn."""

    type: ClassVar[str] = "thread.started"


class TurnStarted(Event, frozen=True, kw_only=True):
    """The turn began."""

    type: ClassVar[str] = "turn.started"


class ItemStarted(Event, frozen=True, kw_only=True):
    """An item began: a command before it runs, a message before its text."""

    type: ClassVar[str] = "item.started"
    item: Item


class ItemUpdated(Event, frozen=True, kw_only=True):
    """An item changed before its end: a patch still being written, or a tool's progress. `data` is what the engine says."""

    type: ClassVar[str] = "item.updated"
    item_id: str
    data: dict[str, Any]


class ItemCompleted(Event, frozen=True, kw_only=True):
    """An item ended; it is whole now."""

    type: ClassVar[str] = "item.completed"
    item: Item


class AgentMessageDelta(Event, frozen=True, kw_only=True):
    """A piece of the agent's message."""

    type: ClassVar[str] = "item.agent_message.delta"
    item_id: str
    delta: str


class ReasoningDelta(Event, frozen=True, kw_only=True):
    """A piece of the model's reasoning: of part `index` of its summary, or of its raw text."""

    type: ClassVar[str] = "item.reasoning.delta"
    item_id: str
    delta: str
    index: int
    summary: bool


class CommandOutputDelta(Event, frozen=True, kw_only=True):
    """A piece of a running command's output."""

    type: ClassVar[str] = "item.command_output.delta"
    item_id: str
    delta: str


class PlanStep(msgspec.Struct, frozen=True):
    """A step of the agent's plan. `status` is ``pending``, ``inProgress`` or ``completed``."""

    step: str
    status: str


class PlanUpdated(Event, frozen=True, kw_only=True):
    """The agent's plan, whole, each time it changes."""

    type: ClassVar[str] = "turn.plan.updated"
    plan: list[PlanStep]
    explanation: str | None = None


class DiffUpdated(Event, frozen=True, kw_only=True):
    """All changes of the turn so far, as one unified diff."""

    type: ClassVar[str] = "turn.diff.updated"
    diff: str


class TokenUsageUpdated(Event, frozen=True, kw_only=True):
    """The thread's tokens so far, and those of the last request to the model."""

    type: ClassVar[str] = "thread.token_usage.updated"
    total: TokenUsage
    last: TokenUsage
    model_context_window: int | None = None


class ErrorEvent(Event, frozen=True, kw_only=True):
    """Something failed on the way; with `will_retry` the engine tries again."""

    type: ClassVar[str] = "error"
    message: str
    will_retry: bool
    error_class: str | None = None


class WarningEvent(Event, frozen=True, kw_only=True):
    """The engine warns of something."""

    type: ClassVar[str] = "warning"
    message: str


class Gap(Event, frozen=True, kw_only=True):
    """Deltas were lost, since they were not read in time; the items that they belong to are whole when they complete."""

    type: ClassVar[str] = "gap"
    dropped: int


class TurnCompleted(Event, frozen=True, kw_only=True):
    """The turn ended, by itself or interrupted (see ``turn.status``)."""

    type: ClassVar[str] = "turn.completed"
    turn: Turn


class TurnFailedEvent(Event, frozen=True, kw_only=True):
    """The turn ended in an error; `turn` is what it came to."""

    type: ClassVar[str] = "turn.failed"
    turn: Turn


class UnknownEvent(Event, frozen=True, kw_only=True):
    """An event that has no class here (yet): the engine's `method` and its `params`."""

    type: ClassVar[str] = "unknown"
    method: str
    params: dict[str, Any]


class Envelope(msgspec.Struct, frozen=True):
    """An event as it comes from a queue."""

    seq: int
    method: str
    params: msgspec.Raw = msgspec.Raw(b"null")
    id: str | None = None


decode_batch = msgspec.json.Decoder(list[Envelope]).decode


class _Params(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    thread_id: str = ""
    turn_id: str | None = None


class _Turn(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    id: str
    status: str = "inProgress"
    error: msgspec.Raw = msgspec.Raw(b"null")
    duration_ms: int | None = None


class TurnParams(_Params, frozen=True, kw_only=True, rename="camel"):
    """Parameters of turn/started and turn/completed."""

    turn: _Turn


class _ItemParams(_Params, frozen=True, kw_only=True, rename="camel"):
    item: msgspec.Raw


class _DeltaParams(_Params, frozen=True, kw_only=True, rename="camel"):
    item_id: str
    delta: str
    content_index: int = 0
    summary_index: int = 0


class _PlanParams(_Params, frozen=True, kw_only=True, rename="camel"):
    plan: list[PlanStep]
    explanation: str | None = None


class _DiffParams(_Params, frozen=True, kw_only=True, rename="camel"):
    diff: str


class _Usage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    total: TokenUsage
    last: TokenUsage
    model_context_window: int | None = None


class _UsageParams(_Params, frozen=True, kw_only=True, rename="camel"):
    token_usage: _Usage


class _ErrorBody(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    message: str
    codex_error_info: Any = None


class _ErrorParams(_Params, frozen=True, kw_only=True, rename="camel"):
    error: _ErrorBody
    will_retry: bool = False


class _WarningParams(_Params, frozen=True, kw_only=True, rename="camel"):
    message: str


class _GapParams(_Params, frozen=True, kw_only=True, rename="camel"):
    dropped: int


def error_class(info: Any) -> tuple[str | None, int | None]:
    """Class and HTTP status of the engine's ``CodexErrorInfo``: a name, or a name with details."""
    if isinstance(info, str):
        return info, None
    if isinstance(info, dict) and len(info) == 1:
        name, details = next(iter(info.items()))
        return name, details.get("httpStatusCode") if isinstance(details, dict) else None
    return None, None


def _with(params: type[Any], build: Callable[[Any], Event]) -> Callable[[msgspec.Raw], Event]:
    decode = msgspec.json.Decoder(params).decode
    return lambda raw: build(decode(raw))


def _reasoning(summary: bool) -> Callable[[_DeltaParams], Event]:
    return lambda p: ReasoningDelta(
        thread_id=p.thread_id,
        turn_id=p.turn_id,
        item_id=p.item_id,
        delta=p.delta,
        index=p.summary_index if summary else p.content_index,
        summary=summary,
    )


_BUILD: dict[str, Callable[[msgspec.Raw], Event]] = {
    "turn/started": _with(TurnParams, lambda p: TurnStarted(thread_id=p.thread_id, turn_id=p.turn.id)),
    "item/started": _with(
        _ItemParams, lambda p: ItemStarted(thread_id=p.thread_id, turn_id=p.turn_id, item=decode_item(p.item))
    ),
    "item/completed": _with(
        _ItemParams, lambda p: ItemCompleted(thread_id=p.thread_id, turn_id=p.turn_id, item=decode_item(p.item))
    ),
    "item/agentMessage/delta": _with(
        _DeltaParams,
        lambda p: AgentMessageDelta(thread_id=p.thread_id, turn_id=p.turn_id, item_id=p.item_id, delta=p.delta),
    ),
    "item/commandExecution/outputDelta": _with(
        _DeltaParams,
        lambda p: CommandOutputDelta(thread_id=p.thread_id, turn_id=p.turn_id, item_id=p.item_id, delta=p.delta),
    ),
    "item/reasoning/textDelta": _with(_DeltaParams, _reasoning(False)),
    "item/reasoning/summaryTextDelta": _with(_DeltaParams, _reasoning(True)),
    "turn/plan/updated": _with(
        _PlanParams,
        lambda p: PlanUpdated(thread_id=p.thread_id, turn_id=p.turn_id, plan=p.plan, explanation=p.explanation),
    ),
    "turn/diff/updated": _with(
        _DiffParams, lambda p: DiffUpdated(thread_id=p.thread_id, turn_id=p.turn_id, diff=p.diff)
    ),
    "thread/tokenUsage/updated": _with(
        _UsageParams,
        lambda p: TokenUsageUpdated(
            thread_id=p.thread_id,
            turn_id=p.turn_id,
            total=p.token_usage.total,
            last=p.token_usage.last,
            model_context_window=p.token_usage.model_context_window,
        ),
    ),
    "error": _with(
        _ErrorParams,
        lambda p: ErrorEvent(
            thread_id=p.thread_id,
            turn_id=p.turn_id,
            message=p.error.message,
            will_retry=p.will_retry,
            error_class=error_class(p.error.codex_error_info)[0],
        ),
    ),
    "warning": _with(
        _WarningParams, lambda p: WarningEvent(thread_id=p.thread_id, turn_id=p.turn_id, message=p.message)
    ),
    "gap": _with(_GapParams, lambda p: Gap(dropped=p.dropped)),
}
_UPDATES = {"item/fileChange/patchUpdated", "item/mcpToolCall/progress", "item/commandExecution/terminalInteraction"}
_decode_any = msgspec.json.Decoder(Any).decode
decode_turn = msgspec.json.Decoder(TurnParams).decode


def decode_event(envelope: Envelope) -> Event:
    """The event of an envelope; what does not fit its class becomes an UnknownEvent, never an error."""
    build = _BUILD.get(envelope.method)
    if build is not None:
        try:
            return build(envelope.params)
        except msgspec.ValidationError:
            pass
    decoded = _decode_any(envelope.params)
    params: dict[str, Any] = decoded if isinstance(decoded, dict) else {}
    place: dict[str, Any] = {"thread_id": str(params.get("threadId") or ""), "turn_id": params.get("turnId")}
    if envelope.method in _UPDATES and "itemId" in params:
        return ItemUpdated(**place, item_id=params["itemId"], data=params)
    return UnknownEvent(**place, method=envelope.method, params=params)
