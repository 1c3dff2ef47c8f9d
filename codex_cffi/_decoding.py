"""From what the engine sends to what a host sees: envelopes, batches, events and items out of JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from ._decoders import convert, decoder
from ._json import decode_plain
from .events import (
    AccountUpdated,
    AgentMessageDelta,
    AutoReviewCompleted,
    AutoReviewStarted,
    CommandOutputDelta,
    ConfigWarning,
    ContextCompacted,
    DeprecationNotice,
    DiffUpdated,
    ErrorEvent,
    Event,
    FilesChanged,
    Gap,
    GuardianWarning,
    HookCompleted,
    HookStarted,
    ItemCompleted,
    ItemStarted,
    ItemUpdated,
    LoginCompleted,
    McpLoginCompleted,
    McpServerStatusUpdated,
    ModelRerouted,
    Notification,
    PlanDelta,
    PlanUpdated,
    RateLimitsUpdated,
    ReasoningDelta,
    ThreadClosed,
    ThreadNameUpdated,
    ThreadStatusChanged,
    TokenUsage,
    TokenUsageUpdated,
    TurnStarted,
    UnknownEvent,
    WarningEvent,
)
from .items import (
    AgentMessage,
    CollabAgentToolCall,
    CommandExecution,
    ContextCompaction,
    EnteredReviewMode,
    ExitedReviewMode,
    FileChange,
    HookPrompt,
    ImageGeneration,
    ImageView,
    Item,
    McpToolCall,
    Plan,
    Reasoning,
    Sleep,
    SubAgentActivity,
    ToolCall,
    UnknownItem,
    UserMessage,
    WebSearch,
)


class Envelope(msgspec.Struct, frozen=True):
    """An event as it comes from a queue."""

    seq: int
    method: str
    params: msgspec.Raw = msgspec.Raw(b"null")
    id: str | None = None


decode_batch = msgspec.json.Decoder(list[Envelope]).decode


#: The items that have a class of their own.
KNOWN_ITEMS = (
    AgentMessage
    | CollabAgentToolCall
    | CommandExecution
    | ContextCompaction
    | EnteredReviewMode
    | ExitedReviewMode
    | FileChange
    | HookPrompt
    | ImageGeneration
    | ImageView
    | McpToolCall
    | Plan
    | Reasoning
    | Sleep
    | SubAgentActivity
    | ToolCall
    | UserMessage
    | WebSearch
)
_decode_known: Callable[[msgspec.Raw], Item] = msgspec.json.Decoder(KNOWN_ITEMS).decode


def decode_item(raw: msgspec.Raw) -> Item:
    """An item from its JSON.

    Raises:
        msgspec.ValidationError: It is no object.
    """
    try:
        return _decode_known(raw)
    except msgspec.ValidationError:
        data = decode_plain(raw)
        if not isinstance(data, dict):
            raise
        return UnknownItem(id=str(data.get("id", "")), type=str(data.get("type", "")), data=data)


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


class _Usage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    total: TokenUsage
    last: TokenUsage
    model_context_window: int | None = None


class _UsageParams(_Params, frozen=True, kw_only=True, rename="camel"):
    token_usage: _Usage


class _ErrorBody(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    message: str
    codex_error_info: Any = None
    additional_details: str | None = None


class _Retry(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    attempt: int
    max_attempts: int
    delay_ms: int


class _ErrorParams(_Params, frozen=True, kw_only=True, rename="camel"):
    error: _ErrorBody
    will_retry: bool = False
    retry: _Retry | None = None


class _Status(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    type: str
    active_flags: list[str] = []


class _StatusParams(_Params, frozen=True, kw_only=True, rename="camel"):
    status: _Status


class _Review(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    status: str
    risk_level: str | None = None
    user_authorization: str | None = None
    rationale: str | None = None


class _ReviewParams(_Params, frozen=True, kw_only=True, rename="camel"):
    review_id: str
    action: dict[str, Any]
    review: _Review
    target_item_id: str | None = None
    started_at_ms: int = 0
    completed_at_ms: int = 0
    decision_source: str = "agent"


class _RateLimitParams(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    rate_limits: RateLimitsUpdated


class ErrorClass(NamedTuple):
    """What the engine's ``CodexErrorInfo`` says: a name, the HTTP status of the model's provider, and the provider's reason."""

    name: str | None = None
    http_status: int | None = None
    reason: str | None = None


def error_class(info: Any) -> ErrorClass:
    """Reads a ``CodexErrorInfo``: a name, or a name with details."""
    if isinstance(info, str):
        return ErrorClass(info)
    if isinstance(info, dict) and len(info) == 1:
        name, details = next(iter(info.items()))
        details = details if isinstance(details, dict) else {}
        # A class that the provider gave stands inside.
        return ErrorClass(details.get("class", name), details.get("httpStatusCode"), details.get("reason"))
    return ErrorClass()


def _error(p: _ErrorParams) -> ErrorEvent:
    known = error_class(p.error.codex_error_info)
    event = ErrorEvent(
        thread_id=p.thread_id,
        turn_id=p.turn_id,
        message=p.error.message,
        will_retry=p.will_retry,
        error_class=known.name,
        details=p.error.additional_details,
        http_status=known.http_status,
    )
    if p.retry is None:
        return event
    return msgspec.structs.replace(
        event, attempt=p.retry.attempt, max_attempts=p.retry.max_attempts, retry_in=p.retry.delay_ms / 1000
    )


def _reasoning(summary: bool) -> Callable[[_DeltaParams], Event]:
    return lambda p: ReasoningDelta(
        thread_id=p.thread_id,
        turn_id=p.turn_id,
        item_id=p.item_id,
        delta=p.delta,
        index=p.summary_index if summary else p.content_index,
        summary=summary,
    )


def _review(p: _ReviewParams) -> dict[str, Any]:
    return {
        "thread_id": p.thread_id,
        "turn_id": p.turn_id,
        "review_id": p.review_id,
        "action": p.action,
        "target_item_id": p.target_item_id,
        "started_at_ms": p.started_at_ms,
        **msgspec.structs.asdict(p.review),
    }


#: How an event is made of a method's parameters: its class, if it has just these fields, else a type to read them with and what makes the event.
RECIPES: dict[str, type[Event] | tuple[type[Any], Callable[[Any], Event]]] = {
    "account/login/completed": LoginCompleted,
    "account/rateLimits/updated": (_RateLimitParams, lambda p: p.rate_limits),
    "account/updated": AccountUpdated,
    "configWarning": ConfigWarning,
    "deprecationNotice": DeprecationNotice,
    "error": (_ErrorParams, _error),
    "fs/changed": FilesChanged,
    "gap": Gap,
    "guardianWarning": GuardianWarning,
    "hook/completed": HookCompleted,
    "hook/started": HookStarted,
    "item/agentMessage/delta": AgentMessageDelta,
    "item/autoApprovalReview/completed": (
        _ReviewParams,
        lambda p: AutoReviewCompleted(
            **_review(p), completed_at_ms=p.completed_at_ms, decision_source=p.decision_source
        ),
    ),
    "item/autoApprovalReview/started": (_ReviewParams, lambda p: AutoReviewStarted(**_review(p))),
    "item/commandExecution/outputDelta": CommandOutputDelta,
    "item/completed": (
        _ItemParams,
        lambda p: ItemCompleted(thread_id=p.thread_id, turn_id=p.turn_id, item=decode_item(p.item)),
    ),
    "item/plan/delta": PlanDelta,
    "item/reasoning/summaryTextDelta": (_DeltaParams, _reasoning(True)),
    "item/reasoning/textDelta": (_DeltaParams, _reasoning(False)),
    "item/started": (
        _ItemParams,
        lambda p: ItemStarted(thread_id=p.thread_id, turn_id=p.turn_id, item=decode_item(p.item)),
    ),
    "mcpServer/oauthLogin/completed": McpLoginCompleted,
    "mcpServer/startupStatus/updated": McpServerStatusUpdated,
    "model/rerouted": ModelRerouted,
    "thread/closed": ThreadClosed,
    "thread/compacted": ContextCompacted,
    "thread/name/updated": ThreadNameUpdated,
    "thread/status/changed": (
        _StatusParams,
        lambda p: ThreadStatusChanged(thread_id=p.thread_id, status=p.status.type, active_flags=p.status.active_flags),
    ),
    "thread/tokenUsage/updated": (
        _UsageParams,
        lambda p: TokenUsageUpdated(
            thread_id=p.thread_id,
            turn_id=p.turn_id,
            total=p.token_usage.total,
            last=p.token_usage.last,
            model_context_window=p.token_usage.model_context_window,
        ),
    ),
    "turn/diff/updated": DiffUpdated,
    "turn/plan/updated": PlanUpdated,
    "turn/started": (TurnParams, lambda p: TurnStarted(thread_id=p.thread_id, turn_id=p.turn.id)),
    "warning": WarningEvent,
}
#: Methods that tell of an item what has no class of its own.
UPDATES = {"item/fileChange/patchUpdated", "item/mcpToolCall/progress", "item/commandExecution/terminalInteraction"}
#: What the recipes have become, each when its method came first.
_BUILD: dict[str, Callable[[msgspec.Raw], Event]] = {}
decode_turn = msgspec.json.Decoder(TurnParams).decode


def decode_event(envelope: Envelope) -> Event:
    """The event of an envelope; what does not fit its class becomes a Notification, never an error."""
    build = _BUILD.get(envelope.method) or _prepare(envelope.method)
    if build is not None:
        try:
            return build(envelope.params)
        except msgspec.ValidationError:
            pass
    return _other_event(envelope)


def _prepare(method: str) -> Callable[[msgspec.Raw], Event] | None:
    recipe = RECIPES.get(method)
    if isinstance(recipe, tuple):
        build = _made(*recipe)
    elif recipe is not None:
        build = decoder(recipe)
    elif method not in UPDATES and _is_known(method):
        build = _notification(method)
    else:
        return None
    _BUILD[method] = build
    return build


def _made(params: type[Any], make: Callable[[Any], Event]) -> Callable[[msgspec.Raw], Event]:
    decode = decoder(params)
    return lambda raw: make(decode(raw))


def _notification(method: str) -> Callable[[msgspec.Raw], Event]:
    decode = decoder(_Params)

    def build(raw: msgspec.Raw) -> Event:
        place = decode(raw)
        return Notification(thread_id=place.thread_id, turn_id=place.turn_id, method=method, raw=bytes(raw))

    return build


def _is_known(method: str) -> bool:
    from .protocol import NOTIFICATIONS  # only now: many programs never need it

    return method in NOTIFICATIONS


def _other_event(envelope: Envelope) -> Event:
    method = envelope.method
    decoded = decode_plain(envelope.params)
    params: dict[str, Any] = decoded if isinstance(decoded, dict) else {}
    recipe = RECIPES.get(method)
    if isinstance(recipe, type) and params.get("threadId", "") is None:
        # An event of no thread, which some methods tell as null.
        try:
            found: Event = convert({key: value for key, value in params.items() if key != "threadId"}, recipe)
            return found
        except msgspec.ValidationError:
            pass
    place: dict[str, Any] = {"thread_id": str(params.get("threadId") or ""), "turn_id": params.get("turnId")}
    if method in UPDATES and "itemId" in params:
        return ItemUpdated(**place, item_id=params["itemId"], data=params)
    if _is_known(method):
        return Notification(**place, method=method, raw=bytes(envelope.params))
    return UnknownEvent(**place, method=method, params=params)
