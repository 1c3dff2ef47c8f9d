"""The engine's protocol: turns.

Made by scripts/protocol.py from the engine's own schema; do not edit.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal, TypeAlias

import msgspec

from .._base import HostParams, Params, Struct
from .names import (
    AbsolutePathBuf,
    AdditionalContextKind,
    ApprovalsReviewer,
    AutoReviewDecisionSource,
    FileChangeApprovalDecision,
    FileSystemAccessMode,
    GuardianApprovalReviewStatus,
    GuardianCommandSource,
    GuardianRiskLevel,
    GuardianUserAuthorization,
    LegacyAppPathString,
    NetworkApprovalProtocol,
    PermissionGrantScope,
    Personality,
    ReasoningEffort,
    ReasoningSummary,
    RequestId,
    ReviewDelivery,
    TurnPlanStepStatus,
)
from .shared import (
    AskForApproval,
    CollaborationMode,
    CommandAction,
    DynamicToolCallOutputContentItem,
    FileUpdateChange,
    MultiAgentMode,
    NetworkPolicyAmendment,
    SandboxPolicy,
    ThreadItem,
    Turn,
    TurnEnvironmentParams,
    TurnError,
    UnknownByKind,
    UnknownByType,
    UserInput,
)


class AdditionalContextEntry(Struct, frozen=True, kw_only=True):
    kind: AdditionalContextKind
    value: str


class AdditionalFileSystemPermissions(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        read: This will be removed in favor of ``entries``.
        write: This will be removed in favor of ``entries``.
    """

    entries: list[FileSystemSandboxEntry] | None = None
    glob_scan_max_depth: int | None = None
    read: list[LegacyAppPathString] | None = None
    write: list[LegacyAppPathString] | None = None


class AdditionalNetworkPermissions(Struct, frozen=True, kw_only=True):
    enabled: bool | None = None


class AdditionalPermissionProfile(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        network: Partial overlay used for per-command permission requests.
    """

    file_system: AdditionalFileSystemPermissions | None = None
    network: AdditionalNetworkPermissions | None = None


class AgentMessageDeltaNotification(Struct, frozen=True, kw_only=True):
    delta: str
    item_id: str
    thread_id: str
    turn_id: str


class ApplyPatchGuardianApprovalReviewAction(Struct, frozen=True, kw_only=True, tag_field="type", tag="applyPatch"):
    cwd: AbsolutePathBuf
    files: list[AbsolutePathBuf]


class BaseBranchReviewTarget(Struct, frozen=True, kw_only=True, tag_field="type", tag="baseBranch"):
    """Review changes between the current branch and the given base branch."""

    branch: str


class CommandExecutionApprovalDecisionDetails(Struct, frozen=True, kw_only=True):
    """One of its fields is set.

    Attributes:
        accept_with_execpolicy_amendment: User approved the command, and wants to apply the proposed execpolicy
            amendment so future matching commands can run without prompting.
        apply_network_policy_amendment: User chose a persistent network policy rule (allow/deny) for this host.
    """

    accept_with_execpolicy_amendment: CommandExecutionApprovalDecisionDetailsAcceptWithExecpolicyAmendment | None = None
    apply_network_policy_amendment: CommandExecutionApprovalDecisionDetailsApplyNetworkPolicyAmendment | None = None


class CommandExecutionApprovalDecisionDetailsAcceptWithExecpolicyAmendment(
    Struct, frozen=True, kw_only=True, rename="lower"
):
    """User approved the command, and wants to apply the proposed execpolicy amendment so future matching commands can run
    without prompting.
    """

    execpolicy_amendment: list[str]


class CommandExecutionApprovalDecisionDetailsApplyNetworkPolicyAmendment(
    Struct, frozen=True, kw_only=True, rename="lower"
):
    """User chose a persistent network policy rule (allow/deny) for this host."""

    network_policy_amendment: NetworkPolicyAmendment


class CommandExecutionOutputDeltaNotification(Struct, frozen=True, kw_only=True):
    delta: str
    item_id: str
    thread_id: str
    turn_id: str


class CommandExecutionRequestApprovalParams(
    HostParams["CommandExecutionRequestApprovalResponse"], frozen=True, kw_only=True
):
    """Parameters of ``item/commandExecution/requestApproval``.

    Attributes:
        started_at_ms: Unix timestamp (in milliseconds) when this approval request started.
        additional_permissions: Optional additional permissions requested for this command.
        approval_id: Unique identifier for this specific approval callback. For regular shell/unified_exec approvals,
            this is null. For zsh-exec-bridge subcommand approvals, multiple callbacks can belong to one parent
            ``itemId``, so ``approvalId`` is a distinct opaque callback id (a UUID) used to disambiguate routing.
        available_decisions: Ordered list of decisions the client may present for this prompt.
        command: The command to be executed.
        command_actions: Best-effort parsed command actions for friendly display.
        cwd: The command's working directory.
        environment_id: Environment in which the command will run.
        network_approval_context: Optional context for a managed-network approval prompt.
        proposed_execpolicy_amendment: Optional proposed execpolicy amendment to allow similar commands without
            prompting.
        proposed_network_policy_amendments: Optional proposed network policy amendments (allow/deny host) for future
            requests.
        reason: Optional explanatory reason (e.g. request for network access).
    """

    METHOD: ClassVar[str] = "item/commandExecution/requestApproval"
    item_id: str
    started_at_ms: int
    thread_id: str
    turn_id: str
    additional_permissions: AdditionalPermissionProfile | None = None
    approval_id: str | None = None
    available_decisions: list[CommandExecutionApprovalDecision] | None = None
    command: str | None = None
    command_actions: list[CommandAction] | None = None
    cwd: LegacyAppPathString | None = None
    environment_id: str | None = None
    network_approval_context: NetworkApprovalContext | None = None
    proposed_execpolicy_amendment: list[str] | None = None
    proposed_network_policy_amendments: list[NetworkPolicyAmendment] | None = None
    reason: str | None = None


class CommandExecutionRequestApprovalResponse(Struct, frozen=True, kw_only=True):
    decision: CommandExecutionApprovalDecision


class CommandGuardianApprovalReviewAction(Struct, frozen=True, kw_only=True, tag_field="type", tag="command"):
    command: str
    cwd: AbsolutePathBuf
    source: GuardianCommandSource


class CommitReviewTarget(Struct, frozen=True, kw_only=True, tag_field="type", tag="commit"):
    """Review the changes introduced by a specific commit.

    Attributes:
        title: Optional human-readable label (e.g., commit subject) for UIs.
    """

    sha: str
    title: str | None = None


class CustomReviewTarget(Struct, frozen=True, kw_only=True, tag_field="type", tag="custom"):
    """Arbitrary instructions, equivalent to the old free-form prompt."""

    instructions: str


class DynamicToolCallParams(HostParams["DynamicToolCallResponse"], frozen=True, kw_only=True):
    """Parameters of ``item/tool/call``."""

    METHOD: ClassVar[str] = "item/tool/call"
    arguments: Any
    call_id: str
    thread_id: str
    tool: str
    turn_id: str
    namespace: str | None = None


class DynamicToolCallResponse(Struct, frozen=True, kw_only=True):
    content_items: list[DynamicToolCallOutputContentItem]
    success: bool


class ErrorNotification(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        retry: The try that comes next, if one does.
    """

    error: TurnError
    thread_id: str
    turn_id: str
    will_retry: bool
    retry: ErrorRetry | None = None


class ErrorRetry(Struct, frozen=True, kw_only=True):
    """A try that comes after an error.

    Attributes:
        attempt: From 1 on.
        delay_ms: Milliseconds until it is made.
    """

    attempt: int
    delay_ms: int
    max_attempts: int


class ExecveGuardianApprovalReviewAction(Struct, frozen=True, kw_only=True, tag_field="type", tag="execve"):
    argv: list[str]
    cwd: AbsolutePathBuf
    program: str
    source: GuardianCommandSource


class FileChangeOutputDeltaNotification(Struct, frozen=True, kw_only=True):
    """Deprecated legacy notification for ``apply_patch`` textual output.

    The server no longer emits this notification.
    """

    delta: str
    item_id: str
    thread_id: str
    turn_id: str


class FileChangePatchUpdatedNotification(Struct, frozen=True, kw_only=True):
    changes: list[FileUpdateChange]
    item_id: str
    thread_id: str
    turn_id: str


class FileChangeRequestApprovalParams(HostParams["FileChangeRequestApprovalResponse"], frozen=True, kw_only=True):
    """Parameters of ``item/fileChange/requestApproval``.

    Attributes:
        started_at_ms: Unix timestamp (in milliseconds) when this approval request started.
        grant_root: [UNSTABLE] When set, the agent is asking the user to allow writes under this root for the remainder
            of the session (unclear if this is honored today).
        reason: Optional explanatory reason (e.g. request for extra write access).
    """

    METHOD: ClassVar[str] = "item/fileChange/requestApproval"
    item_id: str
    started_at_ms: int
    thread_id: str
    turn_id: str
    grant_root: str | None = None
    reason: str | None = None


class FileChangeRequestApprovalResponse(Struct, frozen=True, kw_only=True):
    decision: FileChangeApprovalDecision


class FileSystemSandboxEntry(Struct, frozen=True, kw_only=True):
    access: FileSystemAccessMode
    path: FileSystemPath


class GlobPatternFileSystemPath(Struct, frozen=True, kw_only=True, tag_field="type", tag="glob_pattern"):
    pattern: str


class GrantedPermissionProfile(Struct, frozen=True, kw_only=True):
    file_system: AdditionalFileSystemPermissions | None = None
    network: AdditionalNetworkPermissions | None = None


class GuardianApprovalReview(Struct, frozen=True, kw_only=True):
    """[UNSTABLE] Temporary approval auto-review payload used by ``item/autoApprovalReview/*`` notifications. This shape is
    expected to change soon.
    """

    status: GuardianApprovalReviewStatus
    rationale: str | None = None
    risk_level: GuardianRiskLevel | None = None
    user_authorization: GuardianUserAuthorization | None = None


class ItemCompletedNotification(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        completed_at_ms: Unix timestamp (in milliseconds) when this item lifecycle completed.
    """

    completed_at_ms: int
    item: ThreadItem
    thread_id: str
    turn_id: str


class ItemGuardianApprovalReviewCompletedNotification(Struct, frozen=True, kw_only=True):
    """[UNSTABLE] Temporary notification payload for approval auto-review. This shape is expected to change soon.

    Attributes:
        completed_at_ms: Unix timestamp (in milliseconds) when this review completed.
        review_id: Stable identifier for this review.
        started_at_ms: Unix timestamp (in milliseconds) when this review started.
        target_item_id: Identifier for the reviewed item or tool call when one exists. In most cases, one review maps to
            one target item. The exceptions are - execve reviews, where a single command may contain multiple execve
            calls to review (only possible when using the shell_zsh_fork feature) - network policy reviews, where there
            is no target item A network call is triggered by a CommandExecution item, so having a target_item_id set to
            the CommandExecution item would be misleading because the review is about the network call, not the command
            execution. Therefore, target_item_id is set to None for network policy reviews.
    """

    action: GuardianApprovalReviewAction
    completed_at_ms: int
    decision_source: AutoReviewDecisionSource
    review: GuardianApprovalReview
    review_id: str
    started_at_ms: int
    thread_id: str
    turn_id: str
    target_item_id: str | None = None


class ItemGuardianApprovalReviewStartedNotification(Struct, frozen=True, kw_only=True):
    """[UNSTABLE] Temporary notification payload for approval auto-review. This shape is expected to change soon.

    Attributes:
        review_id: Stable identifier for this review.
        started_at_ms: Unix timestamp (in milliseconds) when this review started.
        target_item_id: Identifier for the reviewed item or tool call when one exists. In most cases, one review maps to
            one target item. The exceptions are - execve reviews, where a single command may contain multiple execve
            calls to review (only possible when using the shell_zsh_fork feature) - network policy reviews, where there
            is no target item A network call is triggered by a CommandExecution item, so having a target_item_id set to
            the CommandExecution item would be misleading because the review is about the network call, not the command
            execution. Therefore, target_item_id is set to None for network policy reviews.
    """

    action: GuardianApprovalReviewAction
    review: GuardianApprovalReview
    review_id: str
    started_at_ms: int
    thread_id: str
    turn_id: str
    target_item_id: str | None = None


class ItemStartedNotification(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        started_at_ms: Unix timestamp (in milliseconds) when this item lifecycle started.
    """

    item: ThreadItem
    started_at_ms: int
    thread_id: str
    turn_id: str


class McpToolCallGuardianApprovalReviewAction(Struct, frozen=True, kw_only=True, tag_field="type", tag="mcpToolCall"):
    server: str
    tool_name: str
    connector_id: str | None = None
    connector_name: str | None = None
    tool_title: str | None = None


class McpToolCallProgressNotification(Struct, frozen=True, kw_only=True):
    item_id: str
    message: str
    thread_id: str
    turn_id: str


class MinimalFileSystemSpecialPath(Struct, frozen=True, kw_only=True, tag_field="kind", tag="minimal"):
    pass


class NetworkAccessGuardianApprovalReviewAction(
    Struct, frozen=True, kw_only=True, tag_field="type", tag="networkAccess"
):
    host: str
    port: int
    protocol: NetworkApprovalProtocol
    target: str


class NetworkApprovalContext(Struct, frozen=True, kw_only=True):
    host: str
    protocol: NetworkApprovalProtocol


class PathFileSystemPath(Struct, frozen=True, kw_only=True, tag_field="type", tag="path"):
    path: LegacyAppPathString


class PermissionsRequestApprovalParams(HostParams["PermissionsRequestApprovalResponse"], frozen=True, kw_only=True):
    """Parameters of ``item/permissions/requestApproval``.

    Attributes:
        started_at_ms: Unix timestamp (in milliseconds) when this approval request started.
    """

    METHOD: ClassVar[str] = "item/permissions/requestApproval"
    cwd: AbsolutePathBuf
    item_id: str
    permissions: RequestPermissionProfile
    started_at_ms: int
    thread_id: str
    turn_id: str
    environment_id: str | None = None
    reason: str | None = None


class PermissionsRequestApprovalResponse(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        strict_auto_review: Review every subsequent command in this turn before normal sandboxed execution.
    """

    permissions: GrantedPermissionProfile
    scope: PermissionGrantScope = "turn"
    strict_auto_review: bool | None = None


class PlanDeltaNotification(Struct, frozen=True, kw_only=True):
    """EXPERIMENTAL - proposed plan streaming deltas for plan items. Clients should not assume concatenated deltas match
    the completed plan item content.
    """

    delta: str
    item_id: str
    thread_id: str
    turn_id: str


class ProjectRootsFileSystemSpecialPath(Struct, frozen=True, kw_only=True, tag_field="kind", tag="project_roots"):
    subpath: LegacyAppPathString | None = None


class ReasoningSummaryPartAddedNotification(Struct, frozen=True, kw_only=True):
    item_id: str
    summary_index: int
    thread_id: str
    turn_id: str


class ReasoningSummaryTextDeltaNotification(Struct, frozen=True, kw_only=True):
    delta: str
    item_id: str
    summary_index: int
    thread_id: str
    turn_id: str


class ReasoningTextDeltaNotification(Struct, frozen=True, kw_only=True):
    content_index: int
    delta: str
    item_id: str
    thread_id: str
    turn_id: str


class RequestPermissionProfile(Struct, frozen=True, kw_only=True):
    file_system: AdditionalFileSystemPermissions | None = None
    network: AdditionalNetworkPermissions | None = None


class RequestPermissionsGuardianApprovalReviewAction(
    Struct, frozen=True, kw_only=True, tag_field="type", tag="requestPermissions"
):
    permissions: RequestPermissionProfile
    reason: str | None = None


class ReviewStartParams(Params["ReviewStartResponse"], frozen=True, kw_only=True):
    """Parameters of ``review/start``.

    Attributes:
        delivery: Where to run the review: inline (default) on the current thread or detached on a new thread (returned
            in ``reviewThreadId``).
    """

    METHOD: ClassVar[str] = "review/start"
    target: ReviewTarget
    thread_id: str
    delivery: ReviewDelivery | None = None


class ReviewStartResponse(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        review_thread_id: Identifies the thread where the review runs. For inline reviews, this is the original thread
            id. For detached reviews, this is the id of the new review thread.
    """

    review_thread_id: str
    turn: Turn


class RootFileSystemSpecialPath(Struct, frozen=True, kw_only=True, tag_field="kind", tag="root"):
    pass


class ServerRequestResolvedNotification(Struct, frozen=True, kw_only=True):
    request_id: RequestId
    thread_id: str


class SlashTmpFileSystemSpecialPath(Struct, frozen=True, kw_only=True, tag_field="kind", tag="slash_tmp"):
    pass


class SpecialFileSystemPath(Struct, frozen=True, kw_only=True, tag_field="type", tag="special"):
    value: FileSystemSpecialPath


class TerminalInteractionNotification(Struct, frozen=True, kw_only=True):
    item_id: str
    process_id: str
    stdin: str
    thread_id: str
    turn_id: str


class TmpdirFileSystemSpecialPath(Struct, frozen=True, kw_only=True, tag_field="kind", tag="tmpdir"):
    pass


class ToolRequestUserInputAnswer(Struct, frozen=True, kw_only=True):
    """EXPERIMENTAL. Captures a user's answer to a request_user_input question."""

    answers: list[str]


class ToolRequestUserInputOption(Struct, frozen=True, kw_only=True):
    """EXPERIMENTAL. Defines a single selectable option for request_user_input."""

    description: str
    label: str


class ToolRequestUserInputParams(HostParams["ToolRequestUserInputResponse"], frozen=True, kw_only=True):
    """EXPERIMENTAL. Params sent with a request_user_input event."""

    METHOD: ClassVar[str] = "item/tool/requestUserInput"
    item_id: str
    questions: list[ToolRequestUserInputQuestion]
    thread_id: str
    turn_id: str
    auto_resolution_ms: int | None = None


class ToolRequestUserInputQuestion(Struct, frozen=True, kw_only=True):
    """EXPERIMENTAL. Represents one request_user_input question and its required options."""

    header: str
    id: str
    question: str
    is_other: bool = False
    is_secret: bool = False
    options: list[ToolRequestUserInputOption] | None = None


class ToolRequestUserInputResponse(Struct, frozen=True, kw_only=True):
    """EXPERIMENTAL. Response payload mapping question ids to answers."""

    answers: dict[str, ToolRequestUserInputAnswer]


class TurnCompletedNotification(Struct, frozen=True, kw_only=True):
    thread_id: str
    turn: Turn


class TurnDiffUpdatedNotification(Struct, frozen=True, kw_only=True):
    """Notification that the turn-level unified diff has changed. Contains the latest aggregated diff across all file
    changes in the turn.
    """

    diff: str
    thread_id: str
    turn_id: str


class TurnInterruptParams(Params["TurnInterruptResponse"], frozen=True, kw_only=True):
    """Parameters of ``turn/interrupt``."""

    METHOD: ClassVar[str] = "turn/interrupt"
    thread_id: str
    turn_id: str


class TurnInterruptResponse(Struct, frozen=True, kw_only=True):
    pass


class TurnModerationMetadataNotification(Struct, frozen=True, kw_only=True):
    metadata: Any
    thread_id: str
    turn_id: str


class TurnPlanStep(Struct, frozen=True, kw_only=True):
    status: TurnPlanStepStatus
    step: str


class TurnPlanUpdatedNotification(Struct, frozen=True, kw_only=True):
    plan: list[TurnPlanStep]
    thread_id: str
    turn_id: str
    explanation: str | None = None


class TurnStartParams(Params["TurnStartResponse"], frozen=True, kw_only=True):
    """Parameters of ``turn/start``.

    Attributes:
        additional_context: Optional client-provided context fragments keyed by an opaque source identifier.
        approval_policy: Override the approval policy for this turn and subsequent turns.
        approvals_reviewer: Override where approval requests are routed for review on this turn and subsequent turns.
        collaboration_mode: EXPERIMENTAL - Set a pre-set collaboration mode. Takes precedence over model,
            reasoning_effort, and developer instructions if set. For
            ``collaboration_mode.settings.developer_instructions``, ``null`` means "use the built-in instructions for
            the selected mode".
        cwd: Override the working directory for this turn and subsequent turns.
        effort: Override the reasoning effort for this turn and subsequent turns.
        environments: Optional environments for this turn and subsequent turns. Omitted uses the thread sticky
            environments. Empty disables environment access for this turn. Non-empty selects the first environment as
            the current turn environment for this turn.
        model: Override the model for this turn and subsequent turns.
        multi_agent_mode: @deprecated Ignored. Use ``effort: "ultra"`` for proactive multi-agent behavior.
        output_schema: Optional JSON Schema used to constrain the final assistant message for this turn.
        permissions: Select a named permissions profile id for this turn and subsequent turns. Cannot be combined with
            ``sandboxPolicy``.
        personality: Override the personality for this turn and subsequent turns.
        responsesapi_client_metadata: Optional metadata to enrich Codex's ResponsesAPI turn metadata. Entries are
            flattened into the JSON string sent as ``client_metadata["x-codex-turn-metadata"]`` on ResponsesAPI HTTP and
            websocket requests. They are not sent as top-level ResponsesAPI ``client_metadata`` keys, and reserved keys
            such as ``session_id``, ``thread_id``, ``turn_id``, and ``window_id`` cannot be overridden.
        runtime_workspace_roots: Replace the thread's runtime workspace roots for this turn and subsequent turns. Paths
            must be absolute.
        sandbox_policy: Override the sandbox policy for this turn and subsequent turns.
        service_tier: Override the service tier for this turn and subsequent turns. None is sent as null; left out,
            nothing is sent.
        summary: Override the reasoning summary for this turn and subsequent turns.
    """

    METHOD: ClassVar[str] = "turn/start"
    input: list[UserInput]
    thread_id: str
    additional_context: dict[str, AdditionalContextEntry] | None = None
    approval_policy: AskForApproval | None = None
    approvals_reviewer: ApprovalsReviewer | None = None
    client_user_message_id: str | None = None
    collaboration_mode: CollaborationMode | None = None
    cwd: str | None = None
    effort: ReasoningEffort | None = None
    environments: list[TurnEnvironmentParams] | None = None
    model: str | None = None
    multi_agent_mode: MultiAgentMode | None = None
    output_schema: Any = None
    permissions: str | None = None
    personality: Personality | None = None
    responsesapi_client_metadata: dict[str, str] | None = None
    runtime_workspace_roots: list[AbsolutePathBuf] | None = None
    sandbox_policy: SandboxPolicy | None = None
    service_tier: str | None | msgspec.UnsetType = msgspec.UNSET
    summary: ReasoningSummary | None = None


class TurnStartResponse(Struct, frozen=True, kw_only=True):
    turn: Turn


class TurnStartedNotification(Struct, frozen=True, kw_only=True):
    thread_id: str
    turn: Turn


class TurnSteerParams(Params["TurnSteerResponse"], frozen=True, kw_only=True):
    """Parameters of ``turn/steer``.

    Attributes:
        expected_turn_id: Required active turn id precondition. The request fails when it does not match the currently
            active turn.
        additional_context: Optional client-provided context fragments keyed by an opaque source identifier.
        responsesapi_client_metadata: Optional metadata to enrich Codex's ResponsesAPI turn metadata. Entries are
            flattened into the JSON string sent as ``client_metadata["x-codex-turn-metadata"]`` on ResponsesAPI HTTP and
            websocket requests. They are not sent as top-level ResponsesAPI ``client_metadata`` keys, and reserved keys
            such as ``session_id``, ``thread_id``, ``turn_id``, and ``window_id`` cannot be overridden.
    """

    METHOD: ClassVar[str] = "turn/steer"
    expected_turn_id: str
    input: list[UserInput]
    thread_id: str
    additional_context: dict[str, AdditionalContextEntry] | None = None
    client_user_message_id: str | None = None
    responsesapi_client_metadata: dict[str, str] | None = None


class TurnSteerResponse(Struct, frozen=True, kw_only=True):
    turn_id: str


class UncommittedChangesReviewTarget(Struct, frozen=True, kw_only=True, tag_field="type", tag="uncommittedChanges"):
    """Review the working tree: staged, unstaged, and untracked files."""


class UnknownFileSystemSpecialPath(Struct, frozen=True, kw_only=True, tag_field="kind", tag="unknown"):
    path: str
    subpath: LegacyAppPathString | None = None


CommandExecutionApprovalDecision: TypeAlias = (
    Literal["accept", "acceptForSession", "decline", "cancel"]
    | str
    | CommandExecutionApprovalDecisionDetails
)
""""accept": User approved the command.
"acceptForSession": User approved the command and future prompts in the same session-scoped approval cache should run
    without prompting.
"decline": User denied the command. The agent will continue the turn.
"cancel": User denied the command. The turn will also be immediately interrupted.
"""


FileSystemPath: TypeAlias = PathFileSystemPath | GlobPatternFileSystemPath | SpecialFileSystemPath | UnknownByType


FileSystemSpecialPath: TypeAlias = (
    RootFileSystemSpecialPath
    | MinimalFileSystemSpecialPath
    | ProjectRootsFileSystemSpecialPath
    | TmpdirFileSystemSpecialPath
    | SlashTmpFileSystemSpecialPath
    | UnknownFileSystemSpecialPath
    | UnknownByKind
)


GuardianApprovalReviewAction: TypeAlias = (
    CommandGuardianApprovalReviewAction
    | ExecveGuardianApprovalReviewAction
    | ApplyPatchGuardianApprovalReviewAction
    | NetworkAccessGuardianApprovalReviewAction
    | McpToolCallGuardianApprovalReviewAction
    | RequestPermissionsGuardianApprovalReviewAction
    | UnknownByType
)


ReviewTarget: TypeAlias = (
    UncommittedChangesReviewTarget
    | BaseBranchReviewTarget
    | CommitReviewTarget
    | CustomReviewTarget
    | UnknownByType
)
