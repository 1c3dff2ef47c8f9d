"""What happens while a turn runs, as :meth:`Thread.run_streamed` gives it.

Events are immutable and match by class; each class has a dotted name in ``type``::

    for event in stream:
        match event:
            case AgentMessageDelta(delta=text): print(text, end="")
            case ItemCompleted(item=CommandExecution(command=command, exit_code=code)): ...
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import msgspec

from ._json import decode_plain
from ._show import one_line
from .items import Item

if TYPE_CHECKING:
    from .approvals import ApprovalRequest
    from .protocol import Struct
    from .turn import Turn

__all__ = [
    "AccountUpdated",
    "AgentMessageDelta",
    "ApprovalRequested",
    "ApprovalResolved",
    "AutoReviewCompleted",
    "AutoReviewStarted",
    "BackgroundEvent",
    "CommandOutputDelta",
    "ConfigWarning",
    "ContextCompacted",
    "DeprecationNotice",
    "DiffUpdated",
    "ErrorEvent",
    "Event",
    "FilesChanged",
    "Gap",
    "GuardianWarning",
    "HookCompleted",
    "HookRun",
    "HookStarted",
    "ItemCompleted",
    "ItemStarted",
    "ItemUpdated",
    "LoginCompleted",
    "McpLoginCompleted",
    "McpServerStatusUpdated",
    "ModelRerouted",
    "Notification",
    "PlanDelta",
    "PlanStep",
    "PlanUpdated",
    "RateLimitWindow",
    "RateLimitsUpdated",
    "ReasoningDelta",
    "SubAgentEvent",
    "SubAgentStarted",
    "ThreadClosed",
    "ThreadNameUpdated",
    "ThreadStarted",
    "ThreadStatusChanged",
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


class Event(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Base of all events. ``str()`` of an event is one line for a terminal, and of a delta its text.

    Attributes:
        thread_id: Thread it belongs to; empty for an event of no thread.
        turn_id: Turn it belongs to, if it belongs to one.
    """

    type: ClassVar[str]

    thread_id: str = ""
    turn_id: str | None = None

    def __str__(self) -> str:
        return self.type


class ThreadStarted(Event, frozen=True, kw_only=True):
    """First event of a thread's first turn."""

    type: ClassVar[str] = "thread.started"


class ApprovalRequested(Event, frozen=True, kw_only=True):
    """The agent asks for an approval or has a question; the turn waits for the decision. See :mod:`codex_cffi.approvals`."""

    type: ClassVar[str] = "approval.requested"
    request: ApprovalRequest


class ApprovalResolved(Event, frozen=True, kw_only=True):
    """An approval or question no longer waits: it was decided, nobody decided in time (which denies it), or its turn ended first."""

    type: ClassVar[str] = "approval.resolved"
    request_id: str
    outcome: Literal["approved", "denied", "aborted", "answered", "timed_out", "withdrawn"]


class BackgroundEvent(Event, frozen=True, kw_only=True):
    """What the host told a running turn's stream with :meth:`Thread.send_background_event`; the agent does not see it."""

    type: ClassVar[str] = "background_event"
    message: str

    def __str__(self) -> str:
        return self.message


class TurnStarted(Event, frozen=True, kw_only=True):
    """The turn began."""

    type: ClassVar[str] = "turn.started"


class ItemStarted(Event, frozen=True, kw_only=True):
    """An item began: a command before it runs, a message before its text."""

    type: ClassVar[str] = "item.started"
    item: Item

    def __str__(self) -> str:
        return f"started: {self.item}"


class ItemUpdated(Event, frozen=True, kw_only=True):
    """An item changed before its end: a patch still being written, or a tool's progress. `data` is what the engine says."""

    type: ClassVar[str] = "item.updated"
    item_id: str
    data: dict[str, Any]


class ItemCompleted(Event, frozen=True, kw_only=True):
    """An item ended; it is whole now."""

    type: ClassVar[str] = "item.completed"
    item: Item

    def __str__(self) -> str:
        return str(self.item)


class AgentMessageDelta(Event, frozen=True, kw_only=True):
    """A piece of the agent's message."""

    type: ClassVar[str] = "item.agent_message.delta"
    item_id: str
    delta: str

    def __str__(self) -> str:
        return self.delta


class PlanDelta(Event, frozen=True, kw_only=True):
    """A piece of the plan that the agent proposes, in plan mode."""

    type: ClassVar[str] = "item.plan.delta"
    item_id: str
    delta: str

    def __str__(self) -> str:
        return self.delta


class ReasoningDelta(Event, frozen=True, kw_only=True):
    """A piece of the model's reasoning: of part `index` of its summary, or of its raw text."""

    type: ClassVar[str] = "item.reasoning.delta"
    item_id: str
    delta: str
    index: int
    summary: bool

    def __str__(self) -> str:
        return self.delta


class CommandOutputDelta(Event, frozen=True, kw_only=True):
    """A piece of a running command's output."""

    type: ClassVar[str] = "item.command_output.delta"
    item_id: str
    delta: str

    def __str__(self) -> str:
        return self.delta


class PlanStep(msgspec.Struct, frozen=True):
    """A step of the agent's plan. `status` is ``pending``, ``inProgress`` or ``completed``."""

    step: str
    status: Literal["pending", "inProgress", "completed"] | str

    def __str__(self) -> str:
        mark = {"completed": "x", "inProgress": "~"}.get(self.status, " ")
        return f"[{mark}] {self.step}"


class PlanUpdated(Event, frozen=True, kw_only=True):
    """The agent's plan, whole, each time it changes."""

    type: ClassVar[str] = "turn.plan.updated"
    plan: list[PlanStep]
    explanation: str | None = None

    def __str__(self) -> str:
        return f"plan: {'; '.join(map(str, self.plan))}"

    def _repr_markdown_(self) -> str:
        steps = "\n".join(f"- {step}" for step in self.plan)
        return f"{self.explanation}\n\n{steps}" if self.explanation else steps


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
    """Something failed on the way; with `will_retry` the engine tries again, and `details` says why.

    Attributes:
        attempt: The number of the try that comes next, from 1 on; None where there is none.
        max_attempts: How many there are at most.
        retry_in: Seconds until it is made: what the model provider asks for, else a delay that doubles.
        http_status: HTTP status of the model provider, where the error came from there.
    """

    type: ClassVar[str] = "error"
    message: str
    will_retry: bool
    error_class: str | None = None
    details: str | None = None
    attempt: int | None = None
    max_attempts: int | None = None
    retry_in: float | None = None
    http_status: int | None = None

    def __str__(self) -> str:
        when = "" if self.retry_in is None else f" in {self.retry_in:.3g} s"
        return f"error: {one_line(self.message)}{f' (tries again{when})' if self.will_retry else ''}"


class WarningEvent(Event, frozen=True, kw_only=True):
    """The engine warns of something."""

    type: ClassVar[str] = "warning"
    message: str

    def __str__(self) -> str:
        return f"warning: {one_line(self.message)}"


class GuardianWarning(Event, frozen=True, kw_only=True):
    """The automatic review of approvals warns of something."""

    type: ClassVar[str] = "guardian.warning"
    message: str

    def __str__(self) -> str:
        return f"warning: {one_line(self.message)}"


class ConfigWarning(Event, frozen=True, kw_only=True):
    """Something in the configuration is wrong or has no effect; `path` is the file, if it is in one."""

    type: ClassVar[str] = "config.warning"
    summary: str
    details: str | None = None
    path: str | None = None

    def __str__(self) -> str:
        return f"warning: {one_line(self.summary)}"


class DeprecationNotice(Event, frozen=True, kw_only=True):
    """Something that is used will go away; `details` says what to do."""

    type: ClassVar[str] = "deprecation"
    summary: str
    details: str | None = None

    def __str__(self) -> str:
        return f"deprecated: {one_line(self.summary)}"


class ThreadStatusChanged(Event, frozen=True, kw_only=True):
    """The thread became busy or idle.

    Attributes:
        status: ``active``, ``idle``, ``notLoaded`` or ``systemError``.
        active_flags: What an active thread waits for: ``waitingOnApproval``, ``waitingOnUserInput``.
    """

    type: ClassVar[str] = "thread.status.changed"
    status: Literal["active", "idle", "notLoaded", "systemError"] | str
    active_flags: list[str] = []

    def __str__(self) -> str:
        return f"thread {self.status}{' (' + ', '.join(self.active_flags) + ')' if self.active_flags else ''}"


class ThreadNameUpdated(Event, frozen=True, kw_only=True):
    """The thread got another name; None is none."""

    type: ClassVar[str] = "thread.name.updated"
    thread_name: str | None = None

    def __str__(self) -> str:
        return f"thread name: {self.thread_name}"


class ThreadClosed(Event, frozen=True, kw_only=True):
    """The engine unloaded the thread; it can be resumed."""

    type: ClassVar[str] = "thread.closed"


class ContextCompacted(Event, frozen=True, kw_only=True):
    """The conversation was replaced by a summary; the item :class:`ContextCompaction` says the same."""

    type: ClassVar[str] = "thread.compacted"


class ModelRerouted(Event, frozen=True, kw_only=True):
    """Another model than the chosen one answers. `reason` is for example ``highRiskCyberActivity``."""

    type: ClassVar[str] = "model.rerouted"
    from_model: str
    to_model: str
    reason: str

    def __str__(self) -> str:
        return f"model {self.from_model} -> {self.to_model} ({self.reason})"


class HookRun(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A run of a hook, as far as it is.

    Attributes:
        id: Of this run.
        event_name: What the hook waits for, such as ``preToolUse`` or ``sessionStart``.
        status: ``running``, ``completed``, ``failed``, ``blocked`` or ``stopped``.
        status_message: What the configuration has to say while it runs.
        handler_type: ``command``, ``prompt`` or ``agent``.
        execution_mode: ``sync`` or ``async``.
        scope: ``thread`` or ``turn``.
        source: Which configuration it is from, such as ``user`` or ``project``.
        source_path: The file that it is from.
        entries: What it put out, each with ``kind`` and ``text``.
        display_order: Its place among the hooks of the event.
        started_at: Unix time in seconds.
        completed_at: Unix time in seconds; None while it runs.
        duration_ms: Milliseconds it took, as the engine tells it; None while it runs. `duration` has them as seconds.
    """

    id: str
    event_name: str
    status: Literal["running", "completed", "failed", "blocked", "stopped"] | str
    status_message: str | None = None
    handler_type: Literal["command", "prompt", "agent"] | str = "command"
    execution_mode: Literal["sync", "async"] | str = "sync"
    scope: Literal["thread", "turn"] | str = "turn"
    source: str = "unknown"
    source_path: str = ""
    entries: list[dict[str, Any]] = []
    display_order: int = 0
    started_at: int = 0
    completed_at: int | None = None
    duration_ms: int | None = None

    @property
    def duration(self) -> float | None:
        """Seconds it took; None while it runs."""
        return None if self.duration_ms is None else self.duration_ms / 1000

    def __str__(self) -> str:
        return f"hook {self.event_name} {self.status}"


class HookStarted(Event, frozen=True, kw_only=True):
    """A hook of the configuration began."""

    type: ClassVar[str] = "hook.started"
    run: HookRun

    def __str__(self) -> str:
        return str(self.run)


class HookCompleted(Event, frozen=True, kw_only=True):
    """A hook ended."""

    type: ClassVar[str] = "hook.completed"
    run: HookRun

    def __str__(self) -> str:
        return str(self.run)


class _AutoReview(Event, frozen=True, kw_only=True):
    review_id: str
    action: dict[str, Any]
    status: Literal["inProgress", "approved", "denied", "timedOut", "aborted"] | str
    risk_level: str | None = None
    user_authorization: str | None = None
    rationale: str | None = None
    target_item_id: str | None = None
    started_at_ms: int = 0

    def __str__(self) -> str:
        return f"review of {self.action.get('type', 'action')}: {self.status}"


class AutoReviewStarted(_AutoReview, frozen=True, kw_only=True):
    """The engine has an approval reviewed by a model instead of the host.

    Attributes:
        review_id: The same in its completion.
        action: What is to be approved: ``type`` (``command``, ``applyPatch``, ``networkAccess``, ``mcpToolCall``, ...) and its details.
        status: ``inProgress``; afterwards ``approved``, ``denied``, ``timedOut`` or ``aborted``.
        risk_level: ``low``, ``medium``, ``high`` or ``critical``, once it is known.
        user_authorization: How far the user wants it: ``unknown``, ``low``, ``medium`` or ``high``, once it is known.
        rationale: Why, for a person.
        target_item_id: Item that waits for it, if one does.
        started_at_ms: Unix time in milliseconds.
    """

    type: ClassVar[str] = "item.auto_review.started"


class AutoReviewCompleted(_AutoReview, frozen=True, kw_only=True):
    """The review of an approval ended, see :class:`AutoReviewStarted`. `decision_source` says who decided."""

    type: ClassVar[str] = "item.auto_review.completed"
    completed_at_ms: int = 0
    decision_source: str = "agent"


class McpServerStatusUpdated(Event, frozen=True, kw_only=True):
    """An MCP server starts, is ready, did not start, or has ended, after which the next call starts it again.

    Attributes:
        name: Its name in the configuration.
        status: ``starting``, ``ready``, ``failed`` or ``cancelled``.
        error: Why it failed, or how it ended.
        failure_reason: ``reauthenticationRequired``, if that is why.
    """

    type: ClassVar[str] = "mcp_server.status.updated"
    name: str
    status: Literal["starting", "ready", "failed", "cancelled"] | str
    error: str | None = None
    failure_reason: str | None = None

    def __str__(self) -> str:
        return f"MCP server {self.name} {self.status}{': ' + one_line(self.error) if self.error else ''}"


class McpLoginCompleted(Event, frozen=True, kw_only=True):
    """An OAuth login to an MCP server has ended.

    Attributes:
        name: The server's name in the configuration.
        success: Whether it succeeded.
        error: Why not.
    """

    type: ClassVar[str] = "mcp_server.login.completed"
    name: str
    success: bool
    error: str | None = None

    def __str__(self) -> str:
        return f"login to MCP server {self.name} {'done' if self.success else 'failed: ' + one_line(self.error or '')}"


class SubAgentStarted(Event, frozen=True, kw_only=True):
    """An agent started another one, which has a thread of its own.

    Attributes:
        thread_id: The new agent's thread.
        parent_thread_id: Thread of the agent that started it, perhaps a sub-agent's too.
        prompt: What it was given to do.
        model: Its model, where its parent chose one.
        reasoning_effort: Its reasoning effort, where its parent chose one.
        agent_path: Its name among the agents, where they have such.
    """

    type: ClassVar[str] = "sub_agent.started"
    parent_thread_id: str
    prompt: str | None = None
    model: str | None = None
    reasoning_effort: str | None = None
    agent_path: str | None = None

    def __str__(self) -> str:
        return f"agent {self.agent_path or self.thread_id} started: {one_line(self.prompt or '')}"


class SubAgentEvent(Event, frozen=True, kw_only=True):
    """An event of a sub-agent's, in the stream of the thread that it is of in the end.

    Attributes:
        thread_id: The sub-agent's thread.
        parent_thread_id: Thread of the agent that started it.
        event: What happened there.
    """

    type: ClassVar[str] = "sub_agent.event"
    parent_thread_id: str
    event: Event

    def __str__(self) -> str:
        return f"agent {self.thread_id}: {self.event}"


class AccountUpdated(Event, frozen=True, kw_only=True):
    """The login changed. `auth_mode` is for example ``apikey`` or ``chatgpt``, None without a login; `plan_type` is ChatGPT's plan."""

    type: ClassVar[str] = "account.updated"
    auth_mode: str | None = None
    plan_type: str | None = None


class LoginCompleted(Event, frozen=True, kw_only=True):
    """A login that was started has ended."""

    type: ClassVar[str] = "account.login.completed"
    success: bool
    login_id: str | None = None
    error: str | None = None


class RateLimitWindow(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How much of a limit is used.

    Attributes:
        used_percent: 0 to 100.
        resets_at: Unix time in seconds when it starts again.
        window_duration_mins: Its length in minutes, as the engine tells it. `duration` has it in seconds.
    """

    used_percent: int
    resets_at: int | None = None
    window_duration_mins: int | None = None

    @property
    def duration(self) -> float | None:
        """Seconds that it is long; None where that was not told."""
        return None if self.window_duration_mins is None else self.window_duration_mins * 60.0


class RateLimitsUpdated(Event, frozen=True, kw_only=True):
    """How much of the account's limits is used. What is None may just not have been told this time.

    Attributes:
        primary: The short window.
        secondary: The long window.
        limit_id: Which limit it is.
        limit_name: Its name, for a person.
        plan_type: ChatGPT's plan.
        rate_limit_reached_type: Which limit is reached, if one is.
        credits: ``hasCredits``, ``unlimited`` and ``balance``.
        individual_limit: A spending limit of this user's.
        spend_control_reached: Whether the spending limit is reached.
    """

    type: ClassVar[str] = "account.rate_limits.updated"
    primary: RateLimitWindow | None = None
    secondary: RateLimitWindow | None = None
    limit_id: str | None = None
    limit_name: str | None = None
    plan_type: str | None = None
    rate_limit_reached_type: str | None = None
    credits: dict[str, Any] | None = None
    individual_limit: dict[str, Any] | None = None
    spend_control_reached: bool | None = None

    def __str__(self) -> str:
        windows = [window for window in (self.primary, self.secondary) if window is not None]
        return f"rate limits: {', '.join(f'{window.used_percent} %' for window in windows)} used"


class FilesChanged(Event, frozen=True, kw_only=True):
    """Files changed under a path that ``fs/watch`` watches."""

    type: ClassVar[str] = "fs.changed"
    watch_id: str
    changed_paths: list[str]


class Gap(Event, frozen=True, kw_only=True):
    """Deltas were lost, since they were not read in time; the items that they belong to are whole when they complete."""

    type: ClassVar[str] = "gap"
    dropped: int

    def __str__(self) -> str:
        return f"{self.dropped} events lost"


class TurnCompleted(Event, frozen=True, kw_only=True):
    """The turn ended, by itself or interrupted (see ``turn.status``)."""

    type: ClassVar[str] = "turn.completed"
    turn: Turn


class TurnFailedEvent(Event, frozen=True, kw_only=True):
    """The turn ended in an error; `turn` is what it came to."""

    type: ClassVar[str] = "turn.failed"
    turn: Turn


class Notification(Event, frozen=True, kw_only=True):
    """Any other event of the engine's protocol.

    Attributes:
        method: The engine's name for it.
        raw: Its parameters as JSON.

    Match on the type of its parameters::

        case Notification(params=protocol.ThreadGoalUpdatedNotification(goal=goal)): ...
    """

    type: ClassVar[str] = "notification"
    method: str
    raw: bytes

    @property
    def params(self) -> Struct | dict[str, Any]:
        """The parameters, of the type that :mod:`codex_cffi.protocol` has for them; a dict if they do not fit it. Read when asked for first."""
        return _typed_params(self.method, self.raw)

    def __str__(self) -> str:
        return self.method


class UnknownEvent(Event, frozen=True, kw_only=True):
    """An event that the protocol, as this package has it, does not know: the engine's `method` and its `params`."""

    type: ClassVar[str] = "unknown"
    method: str
    params: dict[str, Any]

    def __str__(self) -> str:
        return self.method


@lru_cache(maxsize=64)
def _typed_params(method: str, raw: bytes) -> Struct | dict[str, Any]:
    from . import protocol

    decoded: Any
    try:
        decoded = protocol.decode(raw, getattr(protocol, protocol.NOTIFICATIONS[method]))
    except (KeyError, msgspec.ValidationError):
        decoded = decode_plain(raw)
    return decoded if isinstance(decoded, (msgspec.Struct, dict)) else {}  # type: ignore[return-value]
