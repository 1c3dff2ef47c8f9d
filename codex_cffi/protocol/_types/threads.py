"""The engine's protocol: threads.

Made by scripts/protocol.py from the engine's own schema; do not edit.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal, TypeAlias

import msgspec

from .._base import Params, Struct
from .names import (
    AbsolutePathBuf,
    ApprovalsReviewer,
    CodexResponseHandoffMode,
    ConversationTextRole,
    ImageDetail,
    LegacyAppPathString,
    LocalShellStatus,
    MessagePhase,
    Personality,
    RealtimeConversationVersion,
    RealtimeOutputModality,
    RealtimeVoice,
    ReasoningEffort,
    ReasoningSummary,
    SandboxMode,
    SortDirection,
    ThreadActiveFlag,
    ThreadGoalStatus,
    ThreadHistoryMode,
    ThreadListCwdFilter,
    ThreadMemoryMode,
    ThreadSortKey,
    ThreadSource,
    ThreadSourceKind,
    ThreadStartSource,
    ThreadUnsubscribeStatus,
    TurnItemsView,
)
from .shared import (
    AskForApproval,
    CollaborationMode,
    MultiAgentMode,
    SandboxPolicy,
    SubAgentSource,
    ThreadItem,
    Turn,
    TurnEnvironmentParams,
    UnknownByType,
)


class ActivePermissionProfile(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        id: Identifier from ``default_permissions`` or the implicit built-in default, such as ``:workspace`` or a
            user-defined ``[permissions.<id>]`` profile.
        extends: Parent profile identifier from the selected permissions profile's ``extends`` setting, when present.
    """

    id: str
    extends: str | None = None


class ActiveThreadStatus(Struct, frozen=True, kw_only=True, tag_field="type", tag="active"):
    active_flags: list[ThreadActiveFlag]


class AgentMessageResponseItem(
    Struct, frozen=True, kw_only=True, tag_field="type", tag="agent_message", rename="lower"
):
    author: str
    content: list[AgentMessageInputContent]
    recipient: str
    id: str | None = None
    internal_chat_message_metadata_passthrough: InternalChatMessageMetadataPassthrough | None = None


class CompactionResponseItem(Struct, frozen=True, kw_only=True, tag_field="type", tag="compaction", rename="lower"):
    encrypted_content: str
    id: str | None = None
    internal_chat_message_metadata_passthrough: InternalChatMessageMetadataPassthrough | None = None


class CompactionTriggerResponseItem(Struct, frozen=True, kw_only=True, tag_field="type", tag="compaction_trigger"):
    pass


class ContextCompactedNotification(Struct, frozen=True, kw_only=True):
    """Deprecated: Use ``ContextCompaction`` item type instead."""

    thread_id: str
    turn_id: str


class ContextCompactionResponseItem(
    Struct, frozen=True, kw_only=True, tag_field="type", tag="context_compaction", rename="lower"
):
    encrypted_content: str | None = None
    id: str | None = None
    internal_chat_message_metadata_passthrough: InternalChatMessageMetadataPassthrough | None = None


class CustomToolCallOutputResponseItem(
    Struct, frozen=True, kw_only=True, tag_field="type", tag="custom_tool_call_output", rename="lower"
):
    call_id: str
    output: FunctionCallOutputBody
    id: str | None = None
    internal_chat_message_metadata_passthrough: InternalChatMessageMetadataPassthrough | None = None
    name: str | None = None


class CustomToolCallResponseItem(
    Struct, frozen=True, kw_only=True, tag_field="type", tag="custom_tool_call", rename="lower"
):
    call_id: str
    input: str
    name: str
    id: str | None = None
    internal_chat_message_metadata_passthrough: InternalChatMessageMetadataPassthrough | None = None
    namespace: str | None = None
    status: str | None = None


class EncryptedContentAgentMessageInputContent(
    Struct, frozen=True, kw_only=True, tag_field="type", tag="encrypted_content", rename="lower"
):
    encrypted_content: str


class EncryptedContentFunctionCallOutputContentItem(
    Struct, frozen=True, kw_only=True, tag_field="type", tag="encrypted_content", rename="lower"
):
    encrypted_content: str


class EnvironmentCapabilityRootLocation(Struct, frozen=True, kw_only=True, tag_field="type", tag="environment"):
    """A path owned by an execution environment.

    Attributes:
        path: Absolute path for the root in the selected environment.
    """

    environment_id: str
    path: str


class EnvironmentConnectionNotification(Struct, frozen=True, kw_only=True):
    environment_id: str
    thread_id: str


class ExecLocalShellAction(Struct, frozen=True, kw_only=True, tag_field="type", tag="exec", rename="lower"):
    command: list[str]
    env: dict[str, str] | None = None
    timeout_ms: int | None = None
    user: str | None = None
    working_directory: str | None = None


class FindInPageResponsesApiWebSearchAction(Struct, frozen=True, kw_only=True, tag_field="type", tag="find_in_page"):
    pattern: str | None = None
    url: str | None = None


class FunctionCallOutputResponseItem(
    Struct, frozen=True, kw_only=True, tag_field="type", tag="function_call_output", rename="lower"
):
    call_id: str
    output: FunctionCallOutputBody
    id: str | None = None
    internal_chat_message_metadata_passthrough: InternalChatMessageMetadataPassthrough | None = None


class FunctionCallResponseItem(
    Struct, frozen=True, kw_only=True, tag_field="type", tag="function_call", rename="lower"
):
    arguments: str
    call_id: str
    name: str
    id: str | None = None
    internal_chat_message_metadata_passthrough: InternalChatMessageMetadataPassthrough | None = None
    namespace: str | None = None


class FunctionDynamicToolNamespaceTool(Struct, frozen=True, kw_only=True, tag_field="type", tag="function"):
    description: str
    input_schema: Any
    name: str
    defer_loading: bool | None = None


class FunctionDynamicToolSpec(Struct, frozen=True, kw_only=True, tag_field="type", tag="function"):
    description: str
    input_schema: Any
    name: str
    defer_loading: bool | None = None


class GitInfo(Struct, frozen=True, kw_only=True):
    branch: str | None = None
    origin_url: str | None = None
    sha: str | None = None


class IdleThreadStatus(Struct, frozen=True, kw_only=True, tag_field="type", tag="idle"):
    pass


class ImageGenerationCallResponseItem(
    Struct, frozen=True, kw_only=True, tag_field="type", tag="image_generation_call", rename="lower"
):
    result: str
    status: str
    id: str | None = None
    internal_chat_message_metadata_passthrough: InternalChatMessageMetadataPassthrough | None = None
    revised_prompt: str | None = None


class InputAudioContentItem(Struct, frozen=True, kw_only=True, tag_field="type", tag="input_audio", rename="lower"):
    audio_url: str


class InputAudioFunctionCallOutputContentItem(
    Struct, frozen=True, kw_only=True, tag_field="type", tag="input_audio", rename="lower"
):
    audio_url: str


class InputImageContentItem(Struct, frozen=True, kw_only=True, tag_field="type", tag="input_image", rename="lower"):
    image_url: str
    detail: ImageDetail | None = None


class InputImageFunctionCallOutputContentItem(
    Struct, frozen=True, kw_only=True, tag_field="type", tag="input_image", rename="lower"
):
    image_url: str
    detail: ImageDetail | None = None


class InputTextAgentMessageInputContent(Struct, frozen=True, kw_only=True, tag_field="type", tag="input_text"):
    text: str


class InputTextContentItem(Struct, frozen=True, kw_only=True, tag_field="type", tag="input_text"):
    text: str


class InputTextFunctionCallOutputContentItem(Struct, frozen=True, kw_only=True, tag_field="type", tag="input_text"):
    text: str


class InternalChatMessageMetadataPassthrough(Struct, frozen=True, kw_only=True, rename="lower"):
    """Internal Responses API passthrough metadata copied into underlying chat messages.

    Responses API strongly types this payload. Do not modify it without first getting API approval and making the
    corresponding Responses API change.
    """

    turn_id: str | None = None


class LocalShellCallResponseItem(
    Struct, frozen=True, kw_only=True, tag_field="type", tag="local_shell_call", rename="lower"
):
    """
    Attributes:
        call_id: Set when using the Responses API.
        id: Legacy id field retained for compatibility with older payloads.
    """

    action: LocalShellAction
    status: LocalShellStatus
    call_id: str | None = None
    id: str | None = None
    internal_chat_message_metadata_passthrough: InternalChatMessageMetadataPassthrough | None = None


class MessageResponseItem(Struct, frozen=True, kw_only=True, tag_field="type", tag="message", rename="lower"):
    content: list[ContentItem]
    role: str
    id: str | None = None
    internal_chat_message_metadata_passthrough: InternalChatMessageMetadataPassthrough | None = None
    phase: MessagePhase | None = None


class NamespaceDynamicToolSpec(Struct, frozen=True, kw_only=True, tag_field="type", tag="namespace"):
    description: str
    name: str
    tools: list[DynamicToolNamespaceTool]


class NotLoadedThreadStatus(Struct, frozen=True, kw_only=True, tag_field="type", tag="notLoaded"):
    pass


class OpenPageResponsesApiWebSearchAction(Struct, frozen=True, kw_only=True, tag_field="type", tag="open_page"):
    url: str | None = None


class OtherResponseItem(Struct, frozen=True, kw_only=True, tag_field="type", tag="other"):
    pass


class OtherResponsesApiWebSearchAction(Struct, frozen=True, kw_only=True, tag_field="type", tag="other"):
    pass


class OutputTextContentItem(Struct, frozen=True, kw_only=True, tag_field="type", tag="output_text"):
    text: str


class RawResponseCompletedNotification(Struct, frozen=True, kw_only=True):
    """Internal-only notification containing the exact usage from one upstream Responses API completion."""

    response_id: str
    thread_id: str
    turn_id: str
    usage: TokenUsageBreakdown | None = None


class RawResponseItemCompletedNotification(Struct, frozen=True, kw_only=True):
    item: ResponseItem
    thread_id: str
    turn_id: str


class RealtimeVoicesList(Struct, frozen=True, kw_only=True):
    default_v1: RealtimeVoice
    default_v2: RealtimeVoice
    v1: list[RealtimeVoice]
    v2: list[RealtimeVoice]


class ReasoningResponseItem(Struct, frozen=True, kw_only=True, tag_field="type", tag="reasoning", rename="lower"):
    summary: list[ReasoningItemReasoningSummary]
    content: list[ReasoningItemContent] | None = None
    encrypted_content: str | None = None
    id: str | None = None
    internal_chat_message_metadata_passthrough: InternalChatMessageMetadataPassthrough | None = None


class ReasoningTextReasoningItemContent(Struct, frozen=True, kw_only=True, tag_field="type", tag="reasoning_text"):
    text: str


class SearchResponsesApiWebSearchAction(Struct, frozen=True, kw_only=True, tag_field="type", tag="search"):
    queries: list[str] | None = None
    query: str | None = None


class SelectedCapabilityRoot(Struct, frozen=True, kw_only=True):
    """A user-selected root that can expose one or more runtime capabilities.

    Attributes:
        id: Stable identifier supplied by the capability selection platform.
        location: Where the selected root can be resolved.
    """

    id: str
    location: CapabilityRootLocation


class SessionSourceDetails(Struct, frozen=True, kw_only=True):
    """One of its fields is set."""

    custom: str | None = None
    sub_agent: SubAgentSource | None = None


class SummaryTextReasoningItemReasoningSummary(Struct, frozen=True, kw_only=True, tag_field="type", tag="summary_text"):
    text: str


class SystemErrorThreadStatus(Struct, frozen=True, kw_only=True, tag_field="type", tag="systemError"):
    pass


class TextReasoningItemContent(Struct, frozen=True, kw_only=True, tag_field="type", tag="text"):
    text: str


class Thread(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        cli_version: Version of the CLI that created the thread.
        created_at: Unix timestamp (in seconds) when the thread was created.
        cwd: Working directory captured for the thread.
        ephemeral: Whether the thread is ephemeral and should not be materialized on disk.
        id: Identifier for this thread. Codex-generated thread IDs are UUIDv7.
        model_provider: Model provider used for this thread (for example, 'openai').
        preview: Usually the first user message in the thread, if available.
        session_id: Session id shared by threads that belong to the same session tree.
        source: Origin of the thread (CLI, VSCode, codex exec, codex app-server, etc.).
        status: Current runtime status for the thread.
        turns: Only populated on ``thread/resume``, ``thread/rollback``, ``thread/fork``, and ``thread/read`` (when
            ``includeTurns`` is true) responses. For all other responses and notifications returning a Thread, the turns
            field will be an empty list.
        updated_at: Unix timestamp (in seconds) when the thread was last updated.
        agent_nickname: Optional random unique nickname assigned to an AgentControl-spawned sub-agent.
        agent_role: Optional role (agent_role) assigned to an AgentControl-spawned sub-agent.
        can_accept_direct_input: Whether the app server accepts direct turn input for this loaded thread. ``None`` means
            the capability is unavailable, such as for an unloaded stored thread.
        extra: Optional implementation-specific thread data.
        forked_from_id: Source thread id when this thread was created by forking another thread.
        git_info: Optional Git metadata captured when the thread was created.
        history_mode: Persisted thread history contract selected when this thread was created.
        name: Optional user-facing thread title.
        parent_thread_id: The ID of the parent thread. This will only be set if this thread is a subagent.
        path: [UNSTABLE] Path to the thread on disk.
        recency_at: Unix timestamp (in seconds) used for thread recency ordering.
        thread_source: Optional analytics source classification for this thread.
    """

    cli_version: str
    created_at: int
    cwd: AbsolutePathBuf
    ephemeral: bool
    id: str
    model_provider: str
    preview: str
    session_id: str
    source: SessionSource
    status: ThreadStatus
    turns: list[Turn]
    updated_at: int
    agent_nickname: str | None = None
    agent_role: str | None = None
    can_accept_direct_input: bool | None = None
    extra: ThreadExtra | None = None
    forked_from_id: str | None = None
    git_info: GitInfo | None = None
    history_mode: ThreadHistoryMode = "legacy"
    name: str | None = None
    parent_thread_id: str | None = None
    path: str | None = None
    recency_at: int | None = None
    thread_source: ThreadSource | None = None


class ThreadApproveGuardianDeniedActionParams(
    Params["ThreadApproveGuardianDeniedActionResponse"], frozen=True, kw_only=True
):
    """Parameters of ``thread/approveGuardianDeniedAction``.

    Attributes:
        event: Serialized ``codex_protocol::protocol::GuardianAssessmentEvent``.
    """

    METHOD: ClassVar[str] = "thread/approveGuardianDeniedAction"
    event: Any
    thread_id: str


class ThreadApproveGuardianDeniedActionResponse(Struct, frozen=True, kw_only=True):
    pass


class ThreadArchiveParams(Params["ThreadArchiveResponse"], frozen=True, kw_only=True):
    """Parameters of ``thread/archive``."""

    METHOD: ClassVar[str] = "thread/archive"
    thread_id: str


class ThreadArchiveResponse(Struct, frozen=True, kw_only=True):
    pass


class ThreadArchivedNotification(Struct, frozen=True, kw_only=True):
    thread_id: str


class ThreadBackgroundTerminal(Struct, frozen=True, kw_only=True):
    command: str
    cwd: AbsolutePathBuf
    item_id: str
    process_id: str
    cpu_percent: float | None = None
    os_pid: int | None = None
    rss_kb: int | None = None


class ThreadBackgroundTerminalsCleanParams(Params["ThreadBackgroundTerminalsCleanResponse"], frozen=True, kw_only=True):
    """Parameters of ``thread/backgroundTerminals/clean``."""

    METHOD: ClassVar[str] = "thread/backgroundTerminals/clean"
    thread_id: str


class ThreadBackgroundTerminalsCleanResponse(Struct, frozen=True, kw_only=True):
    pass


class ThreadBackgroundTerminalsListParams(Params["ThreadBackgroundTerminalsListResponse"], frozen=True, kw_only=True):
    """Parameters of ``thread/backgroundTerminals/list``.

    Attributes:
        cursor: Opaque pagination cursor returned by a previous call.
        limit: Optional page size.
    """

    METHOD: ClassVar[str] = "thread/backgroundTerminals/list"
    thread_id: str
    cursor: str | None = None
    limit: int | None = None


class ThreadBackgroundTerminalsListResponse(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        next_cursor: Opaque cursor to pass to the next call to continue after the last item. If None, there are no more
            items to return.
    """

    data: list[ThreadBackgroundTerminal]
    next_cursor: str | None = None


class ThreadBackgroundTerminalsTerminateParams(
    Params["ThreadBackgroundTerminalsTerminateResponse"], frozen=True, kw_only=True
):
    """Parameters of ``thread/backgroundTerminals/terminate``."""

    METHOD: ClassVar[str] = "thread/backgroundTerminals/terminate"
    process_id: str
    thread_id: str


class ThreadBackgroundTerminalsTerminateResponse(Struct, frozen=True, kw_only=True):
    terminated: bool


class ThreadClosedNotification(Struct, frozen=True, kw_only=True):
    thread_id: str


class ThreadCompactStartParams(Params["ThreadCompactStartResponse"], frozen=True, kw_only=True):
    """Parameters of ``thread/compact/start``."""

    METHOD: ClassVar[str] = "thread/compact/start"
    thread_id: str


class ThreadCompactStartResponse(Struct, frozen=True, kw_only=True):
    pass


class ThreadDecrementElicitationParams(Params["ThreadDecrementElicitationResponse"], frozen=True, kw_only=True):
    """Parameters for ``thread/decrement_elicitation``.

    Attributes:
        thread_id: Thread whose out-of-band elicitation counter should be decremented.
    """

    METHOD: ClassVar[str] = "thread/decrement_elicitation"
    thread_id: str


class ThreadDecrementElicitationResponse(Struct, frozen=True, kw_only=True):
    """Response for ``thread/decrement_elicitation``.

    Attributes:
        count: Current out-of-band elicitation count after the decrement.
        paused: Whether timeout accounting remains paused after applying the decrement.
    """

    count: int
    paused: bool


class ThreadDeleteParams(Params["ThreadDeleteResponse"], frozen=True, kw_only=True):
    """Parameters of ``thread/delete``."""

    METHOD: ClassVar[str] = "thread/delete"
    thread_id: str


class ThreadDeleteResponse(Struct, frozen=True, kw_only=True):
    pass


class ThreadDeletedNotification(Struct, frozen=True, kw_only=True):
    thread_id: str


class ThreadExtra(Struct, frozen=True, kw_only=True):
    """Extra app-server data for a thread."""


class ThreadForkParams(Params["ThreadForkResponse"], frozen=True, kw_only=True):
    """There are two ways to fork a thread: 1. By thread_id: load the thread from disk by thread_id and fork it into a new
    thread. 2. By path: load the thread from disk by path and fork it into a new thread.

    If using a non-empty path, the thread_id param will be ignored. Empty string path values are treated as absent.

    Prefer using thread_id whenever possible.

    Attributes:
        approvals_reviewer: Override where approval requests are routed for review on this thread and subsequent turns.
        before_turn_id: Optional turn id to fork before, excluding that turn and all later turns. Cannot be combined
            with ``last_turn_id``.
        defer_goal_continuation: When true, carry the source thread's current goal into the fork without starting its
            initial automatic continuation. The next explicit turn owns the goal lifecycle, and normal automatic
            continuation resumes after it.
        exclude_turns: When true, return only thread metadata and live fork state without populating ``thread.turns``.
            This is useful when the client plans to call ``thread/turns/list`` immediately after forking.
        last_turn_id: Optional last turn id to fork through, inclusive. When specified, turns after ``last_turn_id`` are
            omitted from the fork. The referenced turn cannot be in progress.
        model: Configuration overrides for the forked thread, if any.
        path: [UNSTABLE] Specify the rollout path to fork from. If specified, the thread_id param will be ignored.
        permissions: Named profile id for the forked thread. Cannot be combined with ``sandbox``.
        runtime_workspace_roots: Replace the thread's runtime workspace roots. Paths must be absolute.
        service_tier: None is sent as null; left out, nothing is sent.
        thread_source: Optional client-supplied analytics source classification for this forked thread.
    """

    METHOD: ClassVar[str] = "thread/fork"
    thread_id: str
    approval_policy: AskForApproval | None = None
    approvals_reviewer: ApprovalsReviewer | None = None
    base_instructions: str | None = None
    before_turn_id: str | None = None
    config: dict[str, Any] | None = None
    cwd: str | None = None
    defer_goal_continuation: bool | None = None
    developer_instructions: str | None = None
    ephemeral: bool | None = None
    exclude_turns: bool | None = None
    last_turn_id: str | None = None
    model: str | None = None
    model_provider: str | None = None
    path: str | None = None
    permissions: str | None = None
    runtime_workspace_roots: list[AbsolutePathBuf] | None = None
    sandbox: SandboxMode | None = None
    service_tier: str | None | msgspec.UnsetType = msgspec.UNSET
    thread_source: ThreadSource | None = None


class ThreadForkResponse(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        approvals_reviewer: Reviewer currently used for approval requests on this thread.
        sandbox: Legacy sandbox policy retained for compatibility. Experimental clients should prefer
            ``activePermissionProfile`` for profile provenance.
        active_permission_profile: Named or implicit built-in profile that produced the active permissions, when known.
        instruction_sources: Environment-native paths to instruction source files currently loaded for this thread.
        multi_agent_mode: @deprecated Always ``explicitRequestOnly``. Use ``reasoningEffort`` for Ultra behavior.
        runtime_workspace_roots: Thread-scoped runtime workspace roots used to materialize ``:workspace_roots``.
    """

    approval_policy: AskForApproval
    approvals_reviewer: ApprovalsReviewer
    cwd: AbsolutePathBuf
    model: str
    model_provider: str
    sandbox: SandboxPolicy
    thread: Thread
    active_permission_profile: ActivePermissionProfile | None = None
    instruction_sources: list[LegacyAppPathString] = []
    multi_agent_mode: MultiAgentMode = "explicitRequestOnly"
    reasoning_effort: ReasoningEffort | None = None
    runtime_workspace_roots: list[AbsolutePathBuf] = []
    service_tier: str | None = None


class ThreadGoal(Struct, frozen=True, kw_only=True):
    created_at: int
    objective: str
    status: ThreadGoalStatus
    thread_id: str
    time_used_seconds: int
    tokens_used: int
    updated_at: int
    token_budget: int | None = None


class ThreadGoalClearParams(Params["ThreadGoalClearResponse"], frozen=True, kw_only=True):
    """Parameters of ``thread/goal/clear``."""

    METHOD: ClassVar[str] = "thread/goal/clear"
    thread_id: str


class ThreadGoalClearResponse(Struct, frozen=True, kw_only=True):
    cleared: bool


class ThreadGoalClearedNotification(Struct, frozen=True, kw_only=True):
    thread_id: str


class ThreadGoalGetParams(Params["ThreadGoalGetResponse"], frozen=True, kw_only=True):
    """Parameters of ``thread/goal/get``."""

    METHOD: ClassVar[str] = "thread/goal/get"
    thread_id: str


class ThreadGoalGetResponse(Struct, frozen=True, kw_only=True):
    goal: ThreadGoal | None = None


class ThreadGoalSetParams(Params["ThreadGoalSetResponse"], frozen=True, kw_only=True):
    """Parameters of ``thread/goal/set``.

    Attributes:
        token_budget: None is sent as null; left out, nothing is sent.
    """

    METHOD: ClassVar[str] = "thread/goal/set"
    thread_id: str
    objective: str | None = None
    status: ThreadGoalStatus | None = None
    token_budget: int | None | msgspec.UnsetType = msgspec.UNSET


class ThreadGoalSetResponse(Struct, frozen=True, kw_only=True):
    goal: ThreadGoal


class ThreadGoalUpdatedNotification(Struct, frozen=True, kw_only=True):
    goal: ThreadGoal
    thread_id: str
    turn_id: str | None = None


class ThreadIncrementElicitationParams(Params["ThreadIncrementElicitationResponse"], frozen=True, kw_only=True):
    """Parameters for ``thread/increment_elicitation``.

    Attributes:
        thread_id: Thread whose out-of-band elicitation counter should be incremented.
    """

    METHOD: ClassVar[str] = "thread/increment_elicitation"
    thread_id: str


class ThreadIncrementElicitationResponse(Struct, frozen=True, kw_only=True):
    """Response for ``thread/increment_elicitation``.

    Attributes:
        count: Current out-of-band elicitation count after the increment.
        paused: Whether timeout accounting is paused after applying the increment.
    """

    count: int
    paused: bool


class ThreadInjectItemsParams(Params["ThreadInjectItemsResponse"], frozen=True, kw_only=True):
    """Parameters of ``thread/inject_items``.

    Attributes:
        items: Raw Responses API items to append to the thread's model-visible history.
    """

    METHOD: ClassVar[str] = "thread/inject_items"
    items: list[Any]
    thread_id: str


class ThreadInjectItemsResponse(Struct, frozen=True, kw_only=True):
    pass


class ThreadItemEntry(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        turn_id: Turn containing this item.
    """

    item: ThreadItem
    turn_id: str


class ThreadItemsListParams(Params["ThreadItemsListResponse"], frozen=True, kw_only=True):
    """Parameters of ``thread/items/list``.

    Attributes:
        cursor: Opaque cursor to pass to the next call to continue after the last item.
        limit: Optional item page size.
        sort_direction: Optional item pagination direction; defaults to ascending.
        turn_id: Optional turn id to filter by. When omitted, returns items across the thread.
    """

    METHOD: ClassVar[str] = "thread/items/list"
    thread_id: str
    cursor: str | None = None
    limit: int | None = None
    sort_direction: SortDirection | None = None
    turn_id: str | None = None


class ThreadItemsListResponse(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        backwards_cursor: Opaque cursor to pass as ``cursor`` when reversing ``sortDirection``. This is only populated
            when the page contains at least one item.
        next_cursor: Opaque cursor to pass to the next call to continue after the last item. if None, there are no more
            items to return.
    """

    data: list[ThreadItemEntry]
    backwards_cursor: str | None = None
    next_cursor: str | None = None


class ThreadListParams(Params["ThreadListResponse"], frozen=True, kw_only=True):
    """Parameters of ``thread/list``.

    Attributes:
        ancestor_thread_id: Optional ancestor thread filter. Returns spawned descendants at any depth, excluding the
            ancestor itself. Mutually exclusive with ``parentThreadId``.
        archived: Optional archived filter; when set to true, only archived threads are returned. If false or null, only
            non-archived threads are returned.
        cursor: Opaque pagination cursor returned by a previous call.
        cwd: Optional cwd filter or filters; when set, only threads whose session cwd exactly matches one of these paths
            are returned.
        limit: Optional page size; defaults to a reasonable server-side value.
        model_providers: Optional provider filter; when set, only sessions recorded under these providers are returned.
            When present but empty, includes all providers.
        parent_thread_id: Optional direct parent thread filter. Mutually exclusive with ``ancestorThreadId``.
        search_term: Optional substring filter for the extracted thread title.
        sort_direction: Optional sort direction; defaults to descending (newest first).
        sort_key: Optional sort key; defaults to created_at.
        source_kinds: Optional source filter; when set, only sessions from these source kinds are returned. When omitted
            or empty, defaults to interactive sources.
        use_state_db_only: If true, return from the state DB without scanning JSONL rollouts to repair thread metadata.
            Omitted or false preserves scan-and-repair behavior.
    """

    METHOD: ClassVar[str] = "thread/list"
    ancestor_thread_id: str | None = None
    archived: bool | None = None
    cursor: str | None = None
    cwd: ThreadListCwdFilter | None = None
    limit: int | None = None
    model_providers: list[str] | None = None
    parent_thread_id: str | None = None
    search_term: str | None = None
    sort_direction: SortDirection | None = None
    sort_key: ThreadSortKey | None = None
    source_kinds: list[ThreadSourceKind] | None = None
    use_state_db_only: bool | None = None


class ThreadListResponse(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        backwards_cursor: Opaque cursor to pass as ``cursor`` when reversing ``sortDirection``. This is only populated
            when the page contains at least one thread. Use it with the opposite ``sortDirection``; for timestamp sorts
            it anchors at the start of the page timestamp so same-second updates are not skipped.
        next_cursor: Opaque cursor to pass to the next call to continue after the last item. if None, there are no more
            items to return.
    """

    data: list[Thread]
    backwards_cursor: str | None = None
    next_cursor: str | None = None


class ThreadLoadedListParams(Params["ThreadLoadedListResponse"], frozen=True, kw_only=True):
    """Parameters of ``thread/loaded/list``.

    Attributes:
        cursor: Opaque pagination cursor returned by a previous call.
        limit: Optional page size; defaults to no limit.
    """

    METHOD: ClassVar[str] = "thread/loaded/list"
    cursor: str | None = None
    limit: int | None = None


class ThreadLoadedListResponse(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        data: Thread ids for sessions currently loaded in memory.
        next_cursor: Opaque cursor to pass to the next call to continue after the last item. if None, there are no more
            items to return.
    """

    data: list[str]
    next_cursor: str | None = None


class ThreadMemoryModeSetParams(Params["ThreadMemoryModeSetResponse"], frozen=True, kw_only=True):
    """Parameters of ``thread/memoryMode/set``."""

    METHOD: ClassVar[str] = "thread/memoryMode/set"
    mode: ThreadMemoryMode
    thread_id: str


class ThreadMemoryModeSetResponse(Struct, frozen=True, kw_only=True):
    pass


class ThreadMetadataGitInfoUpdateParams(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        branch: Omit to leave the stored branch unchanged, set to ``null`` to clear it, or provide a non-empty string to
            replace it. None is sent as null; left out, nothing is sent.
        origin_url: Omit to leave the stored origin URL unchanged, set to ``null`` to clear it, or provide a non-empty
            string to replace it. None is sent as null; left out, nothing is sent.
        sha: Omit to leave the stored commit unchanged, set to ``null`` to clear it, or provide a non-empty string to
            replace it. None is sent as null; left out, nothing is sent.
    """

    branch: str | None | msgspec.UnsetType = msgspec.UNSET
    origin_url: str | None | msgspec.UnsetType = msgspec.UNSET
    sha: str | None | msgspec.UnsetType = msgspec.UNSET


class ThreadMetadataUpdateParams(Params["ThreadMetadataUpdateResponse"], frozen=True, kw_only=True):
    """Parameters of ``thread/metadata/update``.

    Attributes:
        git_info: Patch the stored Git metadata for this thread. Omit a field to leave it unchanged, set it to ``null``
            to clear it, or provide a string to replace the stored value.
    """

    METHOD: ClassVar[str] = "thread/metadata/update"
    thread_id: str
    git_info: ThreadMetadataGitInfoUpdateParams | None = None


class ThreadMetadataUpdateResponse(Struct, frozen=True, kw_only=True):
    thread: Thread


class ThreadNameUpdatedNotification(Struct, frozen=True, kw_only=True):
    thread_id: str
    thread_name: str | None = None


class ThreadReadParams(Params["ThreadReadResponse"], frozen=True, kw_only=True):
    """Parameters of ``thread/read``.

    Attributes:
        include_turns: When true, include turns and their items from rollout history.
    """

    METHOD: ClassVar[str] = "thread/read"
    thread_id: str
    include_turns: bool | None = None


class ThreadReadResponse(Struct, frozen=True, kw_only=True):
    thread: Thread


class ThreadRealtimeAppendAudioParams(Params["ThreadRealtimeAppendAudioResponse"], frozen=True, kw_only=True):
    """EXPERIMENTAL - append audio input to thread realtime."""

    METHOD: ClassVar[str] = "thread/realtime/appendAudio"
    audio: ThreadRealtimeAudioChunk
    thread_id: str


class ThreadRealtimeAppendAudioResponse(Struct, frozen=True, kw_only=True):
    """EXPERIMENTAL - response for appending realtime audio input."""


class ThreadRealtimeAppendSpeechParams(Params["ThreadRealtimeAppendSpeechResponse"], frozen=True, kw_only=True):
    """EXPERIMENTAL - append speakable text to thread realtime."""

    METHOD: ClassVar[str] = "thread/realtime/appendSpeech"
    text: str
    thread_id: str


class ThreadRealtimeAppendSpeechResponse(Struct, frozen=True, kw_only=True):
    """EXPERIMENTAL - response for appending realtime speech."""


class ThreadRealtimeAppendTextParams(Params["ThreadRealtimeAppendTextResponse"], frozen=True, kw_only=True):
    """EXPERIMENTAL - append text input to thread realtime."""

    METHOD: ClassVar[str] = "thread/realtime/appendText"
    text: str
    thread_id: str
    role: ConversationTextRole = "user"


class ThreadRealtimeAppendTextResponse(Struct, frozen=True, kw_only=True):
    """EXPERIMENTAL - response for appending realtime text input."""


class ThreadRealtimeAudioChunk(Struct, frozen=True, kw_only=True):
    """EXPERIMENTAL - thread realtime audio chunk."""

    data: str
    num_channels: int
    sample_rate: int
    item_id: str | None = None
    samples_per_channel: int | None = None


class ThreadRealtimeClosedNotification(Struct, frozen=True, kw_only=True):
    """EXPERIMENTAL - emitted when thread realtime transport closes."""

    thread_id: str
    reason: str | None = None


class ThreadRealtimeErrorNotification(Struct, frozen=True, kw_only=True):
    """EXPERIMENTAL - emitted when thread realtime encounters an error."""

    message: str
    thread_id: str


class ThreadRealtimeInitialItem(Struct, frozen=True, kw_only=True):
    """EXPERIMENTAL - role-bearing text item included when a realtime V3 session starts."""

    role: ConversationTextRole
    text: str


class ThreadRealtimeItemAddedNotification(Struct, frozen=True, kw_only=True):
    """EXPERIMENTAL - raw non-audio thread realtime item emitted by the backend."""

    item: Any
    thread_id: str


class ThreadRealtimeListVoicesParams(Params["ThreadRealtimeListVoicesResponse"], frozen=True, kw_only=True):
    """EXPERIMENTAL - list voices supported by thread realtime."""

    METHOD: ClassVar[str] = "thread/realtime/listVoices"


class ThreadRealtimeListVoicesResponse(Struct, frozen=True, kw_only=True):
    """EXPERIMENTAL - response for listing supported realtime voices."""

    voices: RealtimeVoicesList


class ThreadRealtimeOutputAudioDeltaNotification(Struct, frozen=True, kw_only=True):
    """EXPERIMENTAL - streamed output audio emitted by thread realtime."""

    audio: ThreadRealtimeAudioChunk
    thread_id: str


class ThreadRealtimeSdpNotification(Struct, frozen=True, kw_only=True):
    """EXPERIMENTAL - emitted with the remote SDP for a WebRTC realtime session."""

    sdp: str
    thread_id: str


class ThreadRealtimeStartParams(Params["ThreadRealtimeStartResponse"], frozen=True, kw_only=True):
    """EXPERIMENTAL - start a thread-scoped realtime session.

    Attributes:
        output_modality: Selects text or audio output for the realtime session. Transport and voice stay independent so
            clients can choose how they connect separately from what the model emits.
        client_managed_handoffs: Leaves Codex response handoffs to the client's explicit append calls instead of
            forwarding them automatically. Defaults to false.
        codex_response_handoff_mode: Selects how automatic Codex responses are routed in Frameless Bidi sessions.
            Omitted values default to ``thinking``. Realtime V1 and V2 ignore this setting.
        codex_response_item_prefix: Optional prefix added to automatic Codex response items when
            ``codexResponsesAsItems`` is true.
        codex_responses_as_items: Sends automatic Codex responses as realtime conversation items instead of handoff
            appends.
        flush_transcript_tail_on_session_end: Routes any transcript tail remaining at session end through Codex.
            Defaults to false. TODO: Remove this rollout knob once transcript-tail flushing is always enabled.
        include_startup_context: Set to false to start without Codex's startup context. Omitted or null includes it.
        initial_items: Adds complete role-bearing text items to the initial Frameless Bidi session history. This is only
            supported by realtime V3 and is sent during session startup. Requests are limited to 128 items and 8,192
            estimated text tokens in total.
        model: Overrides the configured realtime model for this session only.
        prompt: None is sent as null; left out, nothing is sent.
        version: Overrides the configured realtime protocol version for this session only.
    """

    METHOD: ClassVar[str] = "thread/realtime/start"
    output_modality: RealtimeOutputModality
    thread_id: str
    client_managed_handoffs: bool | None = None
    codex_response_handoff_mode: CodexResponseHandoffMode | None = None
    codex_response_item_prefix: str | None = None
    codex_responses_as_items: bool | None = None
    flush_transcript_tail_on_session_end: bool | None = None
    include_startup_context: bool | None = None
    initial_items: list[ThreadRealtimeInitialItem] | None = None
    model: str | None = None
    prompt: str | None | msgspec.UnsetType = msgspec.UNSET
    realtime_session_id: str | None = None
    transport: ThreadRealtimeStartTransport | None = None
    version: RealtimeConversationVersion | None = None
    voice: RealtimeVoice | None = None


class ThreadRealtimeStartResponse(Struct, frozen=True, kw_only=True):
    """EXPERIMENTAL - response for starting thread realtime."""


class ThreadRealtimeStartedNotification(Struct, frozen=True, kw_only=True):
    """EXPERIMENTAL - emitted when thread realtime startup is accepted."""

    thread_id: str
    version: RealtimeConversationVersion
    realtime_session_id: str | None = None


class ThreadRealtimeStopParams(Params["ThreadRealtimeStopResponse"], frozen=True, kw_only=True):
    """EXPERIMENTAL - stop thread realtime."""

    METHOD: ClassVar[str] = "thread/realtime/stop"
    thread_id: str


class ThreadRealtimeStopResponse(Struct, frozen=True, kw_only=True):
    """EXPERIMENTAL - response for stopping thread realtime."""


class ThreadRealtimeTranscriptDeltaNotification(Struct, frozen=True, kw_only=True):
    """EXPERIMENTAL - flat transcript delta emitted whenever realtime transcript text changes.

    Attributes:
        delta: Live transcript delta from the realtime event.
    """

    delta: str
    role: str
    thread_id: str


class ThreadRealtimeTranscriptDoneNotification(Struct, frozen=True, kw_only=True):
    """EXPERIMENTAL - final transcript text emitted when realtime completes a transcript part.

    Attributes:
        text: Final complete text for the transcript part.
    """

    role: str
    text: str
    thread_id: str


class ThreadResumeInitialTurnsPageParams(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        items_view: How much item detail to include for each returned turn; defaults to summary.
        limit: Optional turn page size.
        sort_direction: Optional turn pagination direction; defaults to descending.
    """

    items_view: TurnItemsView | None = None
    limit: int | None = None
    sort_direction: SortDirection | None = None


class ThreadResumeParams(Params["ThreadResumeResponse"], frozen=True, kw_only=True):
    """There are three ways to resume a thread: 1. By thread_id: load the thread from disk by thread_id and resume it. 2.
    By history: instantiate the thread from memory and resume it. 3. By path: load the thread from disk by path and
    resume it.

    For non-running threads, the precedence is: history > non-empty path > thread_id. If using history or a non-empty
    path for a non-running thread, the thread_id param will be ignored.

    If thread_id identifies a running thread, app-server rejoins that thread and treats a non-empty path as a
    consistency check against the active rollout path. Empty string path values are treated as absent.

    Prefer using thread_id whenever possible.

    Attributes:
        approvals_reviewer: Override where approval requests are routed for review on this thread and subsequent turns.
        exclude_turns: When true, return only thread metadata and live-resume state without populating ``thread.turns``.
            This is useful when the client plans to call ``thread/turns/list`` immediately after resuming.
        history: [UNSTABLE] FOR CODEX CLOUD - DO NOT USE. If specified, the thread will be resumed with the provided
            history instead of loaded from disk.
        initial_turns_page: When present, include a ``thread/turns/list`` page in the resume response so clients can
            bootstrap recent turns without a second request.
        model: Configuration overrides for the resumed thread, if any.
        path: [UNSTABLE] Specify the rollout path to resume from. If specified for a non-running thread, the thread_id
            param will be ignored. If thread_id identifies a running thread, the path must match the active rollout
            path.
        permissions: Named profile id for the resumed thread. Cannot be combined with ``sandbox``.
        runtime_workspace_roots: Replace the thread's runtime workspace roots. Paths must be absolute.
        service_tier: None is sent as null; left out, nothing is sent.
    """

    METHOD: ClassVar[str] = "thread/resume"
    thread_id: str
    approval_policy: AskForApproval | None = None
    approvals_reviewer: ApprovalsReviewer | None = None
    base_instructions: str | None = None
    config: dict[str, Any] | None = None
    cwd: str | None = None
    developer_instructions: str | None = None
    exclude_turns: bool | None = None
    history: list[ResponseItem] | None = None
    initial_turns_page: ThreadResumeInitialTurnsPageParams | None = None
    model: str | None = None
    model_provider: str | None = None
    path: str | None = None
    permissions: str | None = None
    personality: Personality | None = None
    runtime_workspace_roots: list[AbsolutePathBuf] | None = None
    sandbox: SandboxMode | None = None
    service_tier: str | None | msgspec.UnsetType = msgspec.UNSET


class ThreadResumeResponse(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        approvals_reviewer: Reviewer currently used for approval requests on this thread.
        sandbox: Legacy sandbox policy retained for compatibility. Experimental clients should prefer
            ``activePermissionProfile`` for profile provenance.
        active_permission_profile: Named or implicit built-in profile that produced the active permissions, when known.
        initial_turns_page: ``thread/turns/list`` page returned when requested by ``initialTurnsPage``.
        instruction_sources: Environment-native paths to instruction source files currently loaded for this thread.
        items_backwards_cursor: Opaque head cursor for hydrating paginated items backwards. Pass this as ``cursor`` to
            ``thread/items/list`` with ``sortDirection: "desc"``. The first page includes the cursor's head item.
        multi_agent_mode: @deprecated Always ``explicitRequestOnly``. Use ``reasoningEffort`` for Ultra behavior.
        runtime_workspace_roots: Thread-scoped runtime workspace roots used to materialize ``:workspace_roots``.
        turns_backwards_cursor: Opaque head cursor for hydrating paginated turns backwards. Pass this as ``cursor`` to
            ``thread/turns/list`` with ``sortDirection: "desc"``. The first page includes the cursor's head turn.
    """

    approval_policy: AskForApproval
    approvals_reviewer: ApprovalsReviewer
    cwd: AbsolutePathBuf
    model: str
    model_provider: str
    sandbox: SandboxPolicy
    thread: Thread
    active_permission_profile: ActivePermissionProfile | None = None
    initial_turns_page: TurnsPage | None = None
    instruction_sources: list[LegacyAppPathString] = []
    items_backwards_cursor: str | None = None
    multi_agent_mode: MultiAgentMode = "explicitRequestOnly"
    reasoning_effort: ReasoningEffort | None = None
    runtime_workspace_roots: list[AbsolutePathBuf] = []
    service_tier: str | None = None
    turns_backwards_cursor: str | None = None


class ThreadRollbackParams(Params["ThreadRollbackResponse"], frozen=True, kw_only=True):
    """DEPRECATED: ``thread/rollback`` will be removed soon.

    Attributes:
        num_turns: The number of turns to drop from the end of the thread. Must be >= 1. This only modifies the thread's
            history and does not revert local file changes that have been made by the agent. Clients are responsible for
            reverting these changes.
    """

    METHOD: ClassVar[str] = "thread/rollback"
    num_turns: int
    thread_id: str


class ThreadRollbackResponse(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        thread: The updated thread after applying the rollback, with ``turns`` populated. The ThreadItems stored in each
            Turn are lossy since we explicitly do not persist all agent interactions, such as command executions. This
            is the same behavior as ``thread/resume``.
    """

    thread: Thread


class ThreadSearchOccurrence(Struct, frozen=True, kw_only=True):
    """One visible message occurrence returned by ``ThreadSearchOccurrencesResponse``.

    Attributes:
        snippet_match_range: Match range within ``snippet``, in UTF-16 code units.
        turn_cursor: Opaque inclusive cursor accepted by ``thread/turns/list`` for this turn.
    """

    item_id: str
    snippet: str
    snippet_match_range: ThreadSearchTextRange
    turn_cursor: str
    turn_id: str


class ThreadSearchOccurrencesParams(Params["ThreadSearchOccurrencesResponse"], frozen=True, kw_only=True):
    """Parameters for searching visible message occurrences within one paginated thread.

    Attributes:
        search_term: Case-insensitive literal substring to find in visible user messages and final assistant messages.
        cursor: Opaque cursor returned by a previous call for the same thread and search term.
        limit: Optional occurrence page size.
    """

    METHOD: ClassVar[str] = "thread/searchOccurrences"
    search_term: str
    thread_id: str
    cursor: str | None = None
    limit: int | None = None


class ThreadSearchOccurrencesResponse(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        data: Occurrences in chronological message order.
        next_cursor: Opaque cursor to continue after the last returned occurrence.
    """

    data: list[ThreadSearchOccurrence]
    next_cursor: str | None = None


class ThreadSearchParams(Params["ThreadSearchResponse"], frozen=True, kw_only=True):
    """Parameters of ``thread/search``.

    Attributes:
        search_term: Required substring/full-text query for thread search.
        archived: Optional archived filter; when set to true, only archived threads are returned. If false or null, only
            non-archived threads are returned.
        cursor: Opaque pagination cursor returned by a previous call.
        limit: Optional page size; defaults to a reasonable server-side value.
        sort_direction: Optional sort direction; defaults to descending (newest first).
        sort_key: Optional sort key; defaults to created_at.
        source_kinds: Optional source filter; when set, only sessions from these source kinds are returned. When omitted
            or empty, defaults to interactive sources.
    """

    METHOD: ClassVar[str] = "thread/search"
    search_term: str
    archived: bool | None = None
    cursor: str | None = None
    limit: int | None = None
    sort_direction: SortDirection | None = None
    sort_key: ThreadSortKey | None = None
    source_kinds: list[ThreadSourceKind] | None = None


class ThreadSearchResponse(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        backwards_cursor: Opaque cursor to pass as ``cursor`` when reversing ``sortDirection``. This is only populated
            when the page contains at least one thread. Use it with the opposite ``sortDirection``; for timestamp sorts
            it anchors at the start of the page timestamp so same-second updates are not skipped.
        next_cursor: Opaque cursor to pass to the next call to continue after the last item. if None, there are no more
            items to return.
    """

    data: list[ThreadSearchResult]
    backwards_cursor: str | None = None
    next_cursor: str | None = None


class ThreadSearchResult(Struct, frozen=True, kw_only=True):
    snippet: str
    thread: Thread


class ThreadSearchTextRange(Struct, frozen=True, kw_only=True):
    """UTF-16 code-unit range within ``snippet``.

    Attributes:
        end: Exclusive UTF-16 code-unit offset.
        start: Inclusive UTF-16 code-unit offset.
    """

    end: int
    start: int


class ThreadSetNameParams(Params["ThreadSetNameResponse"], frozen=True, kw_only=True):
    """Parameters of ``thread/name/set``."""

    METHOD: ClassVar[str] = "thread/name/set"
    name: str
    thread_id: str


class ThreadSetNameResponse(Struct, frozen=True, kw_only=True):
    pass


class ThreadSettings(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        multi_agent_mode: @deprecated Always ``explicitRequestOnly``. Use ``effort`` for Ultra behavior.
    """

    approval_policy: AskForApproval
    approvals_reviewer: ApprovalsReviewer
    collaboration_mode: CollaborationMode
    cwd: AbsolutePathBuf
    model: str
    model_provider: str
    sandbox_policy: SandboxPolicy
    active_permission_profile: ActivePermissionProfile | None = None
    effort: ReasoningEffort | None = None
    multi_agent_mode: MultiAgentMode = "explicitRequestOnly"
    personality: Personality | None = None
    service_tier: str | None = None
    summary: ReasoningSummary | None = None


class ThreadSettingsUpdateParams(Params["ThreadSettingsUpdateResponse"], frozen=True, kw_only=True):
    """Parameters of ``thread/settings/update``.

    Attributes:
        approval_policy: Override the approval policy for subsequent turns.
        approvals_reviewer: Override where approval requests are routed for subsequent turns.
        collaboration_mode: EXPERIMENTAL - Set a pre-set collaboration mode for subsequent turns. For
            ``collaboration_mode.settings.developer_instructions``, ``null`` means "use the built-in instructions for
            the selected mode".
        cwd: Override the working directory for subsequent turns.
        effort: Override the reasoning effort for subsequent turns.
        model: Override the model for subsequent turns.
        multi_agent_mode: @deprecated Ignored. Use ``effort: "ultra"`` for proactive multi-agent behavior.
        permissions: Select a named permissions profile id for subsequent turns. Cannot be combined with
            ``sandboxPolicy``.
        personality: Override the personality for subsequent turns.
        sandbox_policy: Override the sandbox policy for subsequent turns.
        service_tier: Override the service tier for subsequent turns. ``null`` clears the current service tier; omission
            leaves it unchanged. None is sent as null; left out, nothing is sent.
        summary: Override the reasoning summary for subsequent turns.
    """

    METHOD: ClassVar[str] = "thread/settings/update"
    thread_id: str
    approval_policy: AskForApproval | None = None
    approvals_reviewer: ApprovalsReviewer | None = None
    collaboration_mode: CollaborationMode | None = None
    cwd: str | None = None
    effort: ReasoningEffort | None = None
    model: str | None = None
    multi_agent_mode: MultiAgentMode | None = None
    permissions: str | None = None
    personality: Personality | None = None
    sandbox_policy: SandboxPolicy | None = None
    service_tier: str | None | msgspec.UnsetType = msgspec.UNSET
    summary: ReasoningSummary | None = None


class ThreadSettingsUpdateResponse(Struct, frozen=True, kw_only=True):
    pass


class ThreadSettingsUpdatedNotification(Struct, frozen=True, kw_only=True):
    thread_id: str
    thread_settings: ThreadSettings


class ThreadShellCommandParams(Params["ThreadShellCommandResponse"], frozen=True, kw_only=True):
    """Parameters of ``thread/shellCommand``.

    Attributes:
        command: Shell command string evaluated by the thread's configured shell. Unlike ``command/exec``, this
            intentionally preserves shell syntax such as pipes, redirects, and quoting. This runs unsandboxed with full
            access rather than inheriting the thread sandbox policy.
    """

    METHOD: ClassVar[str] = "thread/shellCommand"
    command: str
    thread_id: str


class ThreadShellCommandResponse(Struct, frozen=True, kw_only=True):
    pass


class ThreadStartParams(Params["ThreadStartResponse"], frozen=True, kw_only=True):
    """Parameters of ``thread/start``.

    Attributes:
        allow_provider_model_fallback: Allow a provider with an authoritative static model catalog to replace an
            unavailable requested model with its default.
        approvals_reviewer: Override where approval requests are routed for review on this thread and subsequent turns.
        environments: Optional sticky environments for this thread. Omitted selects the default environment when
            environment access is enabled. Empty disables environment access for turns that do not provide a turn
            override. Non-empty selects the first environment as the current turn environment.
        experimental_raw_events: If true, opt into emitting raw Responses API items on the event stream. This is for
            internal use only (e.g. Codex Cloud).
        history_mode: Persisted thread history contract to use for this new thread.
        mock_experimental_field: Test-only experimental field used to validate experimental gating and schema filtering
            behavior in a stable way.
        multi_agent_mode: @deprecated Ignored. Use Ultra reasoning effort for proactive multi-agent behavior.
        permissions: Named profile id for this thread. Cannot be combined with ``sandbox``.
        runtime_workspace_roots: Replace the thread's runtime workspace roots. Paths must be absolute.
        selected_capability_roots: Capability roots selected for this thread by the hosting platform.
        service_tier: None is sent as null; left out, nothing is sent.
        thread_source: Optional client-supplied analytics source classification for this thread.
    """

    METHOD: ClassVar[str] = "thread/start"
    allow_provider_model_fallback: bool | None = None
    approval_policy: AskForApproval | None = None
    approvals_reviewer: ApprovalsReviewer | None = None
    base_instructions: str | None = None
    config: dict[str, Any] | None = None
    cwd: str | None = None
    developer_instructions: str | None = None
    dynamic_tools: list[DynamicToolSpec] | None = None
    environments: list[TurnEnvironmentParams] | None = None
    ephemeral: bool | None = None
    experimental_raw_events: bool | None = None
    history_mode: ThreadHistoryMode | None = None
    mock_experimental_field: str | None = None
    model: str | None = None
    model_provider: str | None = None
    multi_agent_mode: MultiAgentMode | None = None
    permissions: str | None = None
    personality: Personality | None = None
    runtime_workspace_roots: list[AbsolutePathBuf] | None = None
    sandbox: SandboxMode | None = None
    selected_capability_roots: list[SelectedCapabilityRoot] | None = None
    service_name: str | None = None
    service_tier: str | None | msgspec.UnsetType = msgspec.UNSET
    session_start_source: ThreadStartSource | None = None
    thread_source: ThreadSource | None = None


class ThreadStartResponse(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        approvals_reviewer: Reviewer currently used for approval requests on this thread.
        sandbox: Legacy sandbox policy retained for compatibility. Experimental clients should prefer
            ``activePermissionProfile`` for profile provenance.
        active_permission_profile: Named or implicit built-in profile that produced the active permissions, when known.
        instruction_sources: Environment-native paths to instruction source files currently loaded for this thread.
        multi_agent_mode: @deprecated Always ``explicitRequestOnly``. Use ``reasoningEffort`` for Ultra behavior.
        runtime_workspace_roots: Thread-scoped runtime workspace roots used to materialize ``:workspace_roots``.
    """

    approval_policy: AskForApproval
    approvals_reviewer: ApprovalsReviewer
    cwd: AbsolutePathBuf
    model: str
    model_provider: str
    sandbox: SandboxPolicy
    thread: Thread
    active_permission_profile: ActivePermissionProfile | None = None
    instruction_sources: list[LegacyAppPathString] = []
    multi_agent_mode: MultiAgentMode = "explicitRequestOnly"
    reasoning_effort: ReasoningEffort | None = None
    runtime_workspace_roots: list[AbsolutePathBuf] = []
    service_tier: str | None = None


class ThreadStartedNotification(Struct, frozen=True, kw_only=True):
    thread: Thread


class ThreadStatusChangedNotification(Struct, frozen=True, kw_only=True):
    status: ThreadStatus
    thread_id: str


class ThreadTokenUsage(Struct, frozen=True, kw_only=True):
    last: TokenUsageBreakdown
    total: TokenUsageBreakdown
    model_context_window: int | None = None


class ThreadTokenUsageUpdatedNotification(Struct, frozen=True, kw_only=True):
    thread_id: str
    token_usage: ThreadTokenUsage
    turn_id: str


class ThreadTurnsListParams(Params["ThreadTurnsListResponse"], frozen=True, kw_only=True):
    """Parameters of ``thread/turns/list``.

    Attributes:
        cursor: Opaque cursor to pass to the next call to continue after the last turn.
        items_view: How much item detail to include for each returned turn; defaults to summary.
        limit: Optional turn page size.
        sort_direction: Optional turn pagination direction; defaults to descending.
    """

    METHOD: ClassVar[str] = "thread/turns/list"
    thread_id: str
    cursor: str | None = None
    items_view: TurnItemsView | None = None
    limit: int | None = None
    sort_direction: SortDirection | None = None


class ThreadTurnsListResponse(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        backwards_cursor: Opaque cursor to pass as ``cursor`` when reversing ``sortDirection``. This is only populated
            when the page contains at least one turn. Use it with the opposite ``sortDirection`` to include the anchor
            turn again and catch updates to that turn.
        next_cursor: Opaque cursor to pass to the next call to continue after the last turn. if None, there are no more
            turns to return.
    """

    data: list[Turn]
    backwards_cursor: str | None = None
    next_cursor: str | None = None


class ThreadUnarchiveParams(Params["ThreadUnarchiveResponse"], frozen=True, kw_only=True):
    """Parameters of ``thread/unarchive``."""

    METHOD: ClassVar[str] = "thread/unarchive"
    thread_id: str


class ThreadUnarchiveResponse(Struct, frozen=True, kw_only=True):
    thread: Thread


class ThreadUnarchivedNotification(Struct, frozen=True, kw_only=True):
    thread_id: str


class ThreadUnsubscribeParams(Params["ThreadUnsubscribeResponse"], frozen=True, kw_only=True):
    """Parameters of ``thread/unsubscribe``."""

    METHOD: ClassVar[str] = "thread/unsubscribe"
    thread_id: str


class ThreadUnsubscribeResponse(Struct, frozen=True, kw_only=True):
    status: ThreadUnsubscribeStatus


class TokenUsageBreakdown(Struct, frozen=True, kw_only=True):
    cached_input_tokens: int
    input_tokens: int
    output_tokens: int
    reasoning_output_tokens: int
    total_tokens: int
    cache_write_input_tokens: int = 0


class ToolSearchCallResponseItem(
    Struct, frozen=True, kw_only=True, tag_field="type", tag="tool_search_call", rename="lower"
):
    arguments: Any
    execution: str
    call_id: str | None = None
    id: str | None = None
    internal_chat_message_metadata_passthrough: InternalChatMessageMetadataPassthrough | None = None
    status: str | None = None


class ToolSearchOutputResponseItem(
    Struct, frozen=True, kw_only=True, tag_field="type", tag="tool_search_output", rename="lower"
):
    execution: str
    status: str
    tools: list[Any]
    call_id: str | None = None
    id: str | None = None
    internal_chat_message_metadata_passthrough: InternalChatMessageMetadataPassthrough | None = None


class TurnsPage(Struct, frozen=True, kw_only=True):
    data: list[Turn]
    backwards_cursor: str | None = None
    next_cursor: str | None = None


class WebSearchCallResponseItem(
    Struct, frozen=True, kw_only=True, tag_field="type", tag="web_search_call", rename="lower"
):
    action: ResponsesApiWebSearchAction | None = None
    id: str | None = None
    internal_chat_message_metadata_passthrough: InternalChatMessageMetadataPassthrough | None = None
    status: str | None = None


class WebrtcThreadRealtimeStartTransport(Struct, frozen=True, kw_only=True, tag_field="type", tag="webrtc"):
    """
    Attributes:
        sdp: SDP offer generated by a WebRTC RTCPeerConnection after configuring audio and the realtime events data
            channel.
    """

    sdp: str


class WebsocketThreadRealtimeStartTransport(Struct, frozen=True, kw_only=True, tag_field="type", tag="websocket"):
    pass


AgentMessageInputContent: TypeAlias = (
    InputTextAgentMessageInputContent
    | EncryptedContentAgentMessageInputContent
    | UnknownByType
)


CapabilityRootLocation: TypeAlias = EnvironmentCapabilityRootLocation | UnknownByType
"""Location used to resolve a selected capability root."""


ContentItem: TypeAlias = (
    InputTextContentItem
    | InputImageContentItem
    | InputAudioContentItem
    | OutputTextContentItem
    | UnknownByType
)


DynamicToolNamespaceTool: TypeAlias = FunctionDynamicToolNamespaceTool | UnknownByType


DynamicToolSpec: TypeAlias = FunctionDynamicToolSpec | NamespaceDynamicToolSpec | UnknownByType


FunctionCallOutputContentItem: TypeAlias = (
    InputTextFunctionCallOutputContentItem
    | InputImageFunctionCallOutputContentItem
    | InputAudioFunctionCallOutputContentItem
    | EncryptedContentFunctionCallOutputContentItem
    | UnknownByType
)
"""Responses API compatible content items that can be returned by a tool call. This is a subset of ContentItem with the
types we support as function call outputs.
"""


FunctionCallOutputBody: TypeAlias = str | list[FunctionCallOutputContentItem]


LocalShellAction: TypeAlias = ExecLocalShellAction | UnknownByType


ReasoningItemContent: TypeAlias = ReasoningTextReasoningItemContent | TextReasoningItemContent | UnknownByType


ReasoningItemReasoningSummary: TypeAlias = SummaryTextReasoningItemReasoningSummary | UnknownByType


ResponseItem: TypeAlias = (
    MessageResponseItem
    | AgentMessageResponseItem
    | ReasoningResponseItem
    | LocalShellCallResponseItem
    | FunctionCallResponseItem
    | ToolSearchCallResponseItem
    | FunctionCallOutputResponseItem
    | CustomToolCallResponseItem
    | CustomToolCallOutputResponseItem
    | ToolSearchOutputResponseItem
    | WebSearchCallResponseItem
    | ImageGenerationCallResponseItem
    | CompactionResponseItem
    | CompactionTriggerResponseItem
    | ContextCompactionResponseItem
    | OtherResponseItem
    | UnknownByType
)


ResponsesApiWebSearchAction: TypeAlias = (
    SearchResponsesApiWebSearchAction
    | OpenPageResponsesApiWebSearchAction
    | FindInPageResponsesApiWebSearchAction
    | OtherResponsesApiWebSearchAction
    | UnknownByType
)


SessionSource: TypeAlias = Literal["cli", "vscode", "exec", "appServer", "unknown"] | str | SessionSourceDetails


ThreadRealtimeStartTransport: TypeAlias = (
    WebsocketThreadRealtimeStartTransport
    | WebrtcThreadRealtimeStartTransport
    | UnknownByType
)
"""EXPERIMENTAL - transport used by thread realtime."""


ThreadStatus: TypeAlias = (
    NotLoadedThreadStatus
    | IdleThreadStatus
    | SystemErrorThreadStatus
    | ActiveThreadStatus
    | UnknownByType
)
