"""The engine's protocol: what several modules use.

Made by scripts/protocol.py from the engine's own schema; do not edit.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec

from .._base import Struct, UnknownVariant
from .names import (
    AbsolutePathBuf,
    AgentPath,
    CollabAgentStatus,
    CollabAgentTool,
    CollabAgentToolCallStatus,
    CommandExecutionSource,
    CommandExecutionStatus,
    DynamicToolCallStatus,
    ImageDetail,
    LegacyAppPathString,
    McpToolCallStatus,
    MessagePhase,
    ModeKind,
    NetworkAccess,
    NetworkPolicyRuleAction,
    NonSteerableTurnKind,
    PatchApplyStatus,
    ReasoningEffort,
    SubAgentActivityKind,
    ThreadId,
    TurnItemsView,
    TurnStatus,
)


class AddPatchChangeKind(Struct, frozen=True, kw_only=True, tag_field="type", tag="add"):
    pass


class AgentMessageThreadItem(Struct, frozen=True, kw_only=True, tag_field="type", tag="agentMessage"):
    id: str
    text: str
    memory_citation: MemoryCitation | None = None
    phase: MessagePhase | None = None


class AskForApprovalDetails(Struct, frozen=True, kw_only=True):
    """One of its fields is set."""

    granular: AskForApprovalDetailsGranular | None = None


class AskForApprovalDetailsGranular(Struct, frozen=True, kw_only=True, rename="lower"):
    mcp_elicitations: bool
    rules: bool
    sandbox_approval: bool
    request_permissions: bool = False
    skill_approval: bool = False


class AudioUserInput(Struct, frozen=True, kw_only=True, tag_field="type", tag="audio"):
    url: str


class ByteRange(Struct, frozen=True, kw_only=True):
    end: int
    start: int


class CodexErrorInfoDetails(Struct, frozen=True, kw_only=True):
    """One of its fields is set.

    Attributes:
        response_stream_connection_failed: Failed to connect to the response SSE stream.
        response_stream_disconnected: The response SSE stream disconnected in the middle of a turn before completion.
        response_too_many_failed_attempts: Reached the retry limit for responses.
        active_turn_not_steerable: Returned when ``turn/start`` or ``turn/steer`` is submitted while the current active
            turn cannot accept same-turn steering, for example ``/review`` or manual ``/compact``.
        provider: A class that the model's provider gave, or one of an answer that is none: ``refusal``, ``incomplete``
            with its reason.
    """

    http_connection_failed: CodexErrorInfoDetailsHttpConnectionFailed | None = None
    response_stream_connection_failed: CodexErrorInfoDetailsResponseStreamConnectionFailed | None = None
    response_stream_disconnected: CodexErrorInfoDetailsResponseStreamDisconnected | None = None
    response_too_many_failed_attempts: CodexErrorInfoDetailsResponseTooManyFailedAttempts | None = None
    active_turn_not_steerable: CodexErrorInfoDetailsActiveTurnNotSteerable | None = None
    provider: CodexErrorInfoDetailsProvider | None = None


class CodexErrorInfoDetailsActiveTurnNotSteerable(Struct, frozen=True, kw_only=True):
    """Returned when ``turn/start`` or ``turn/steer`` is submitted while the current active turn cannot accept same-turn
    steering, for example ``/review`` or manual ``/compact``.
    """

    turn_kind: NonSteerableTurnKind


class CodexErrorInfoDetailsHttpConnectionFailed(Struct, frozen=True, kw_only=True):
    http_status_code: int | None = None


class CodexErrorInfoDetailsProvider(Struct, frozen=True, kw_only=True):
    """A class that the model's provider gave, or one of an answer that is none: ``refusal``, ``incomplete`` with its
    reason.
    """

    class_: str
    http_status_code: int | None = None
    reason: str | None = None


class CodexErrorInfoDetailsResponseStreamConnectionFailed(Struct, frozen=True, kw_only=True):
    """Failed to connect to the response SSE stream."""

    http_status_code: int | None = None


class CodexErrorInfoDetailsResponseStreamDisconnected(Struct, frozen=True, kw_only=True):
    """The response SSE stream disconnected in the middle of a turn before completion."""

    http_status_code: int | None = None


class CodexErrorInfoDetailsResponseTooManyFailedAttempts(Struct, frozen=True, kw_only=True):
    """Reached the retry limit for responses."""

    http_status_code: int | None = None


class CollabAgentState(Struct, frozen=True, kw_only=True):
    status: CollabAgentStatus
    message: str | None = None


class CollabAgentToolCallThreadItem(Struct, frozen=True, kw_only=True, tag_field="type", tag="collabAgentToolCall"):
    """
    Attributes:
        agents_states: Last known status of the target agents, when available.
        id: Unique identifier for this collab tool call.
        receiver_thread_ids: Thread ID of the receiving agent, when applicable. In case of spawn operation, this
            corresponds to the newly spawned agent.
        sender_thread_id: Thread ID of the agent issuing the collab request.
        status: Current status of the collab tool call.
        tool: Name of the collab tool that was invoked.
        model: Model requested for the spawned agent, when applicable.
        prompt: Prompt text sent as part of the collab tool call, when available.
        reasoning_effort: Reasoning effort requested for the spawned agent, when applicable.
    """

    agents_states: dict[str, CollabAgentState]
    id: str
    receiver_thread_ids: list[str]
    sender_thread_id: str
    status: CollabAgentToolCallStatus
    tool: CollabAgentTool
    model: str | None = None
    prompt: str | None = None
    reasoning_effort: ReasoningEffort | None = None


class CollaborationMode(Struct, frozen=True, kw_only=True):
    """Collaboration mode for a Codex session."""

    mode: ModeKind
    settings: Settings


class CommandExecutionThreadItem(Struct, frozen=True, kw_only=True, tag_field="type", tag="commandExecution"):
    """
    Attributes:
        command: The command to be executed.
        command_actions: A best-effort parsing of the command to understand the action(s) it will perform. This returns
            a list of CommandAction objects because a single shell command may be composed of many commands piped
            together.
        cwd: The command's working directory.
        aggregated_output: The command's output, aggregated from stdout and stderr.
        duration_ms: The duration of the command execution in milliseconds.
        exit_code: The command's exit code.
        process_id: Identifier for the underlying PTY process (when available).
    """

    command: str
    command_actions: list[CommandAction]
    cwd: LegacyAppPathString
    id: str
    status: CommandExecutionStatus
    aggregated_output: str | None = None
    duration_ms: int | None = None
    exit_code: int | None = None
    process_id: str | None = None
    source: CommandExecutionSource = "agent"


class ContextCompactionThreadItem(Struct, frozen=True, kw_only=True, tag_field="type", tag="contextCompaction"):
    id: str


class DangerFullAccessSandboxPolicy(Struct, frozen=True, kw_only=True, tag_field="type", tag="dangerFullAccess"):
    pass


class DeletePatchChangeKind(Struct, frozen=True, kw_only=True, tag_field="type", tag="delete"):
    pass


class DynamicToolCallThreadItem(Struct, frozen=True, kw_only=True, tag_field="type", tag="dynamicToolCall"):
    """
    Attributes:
        duration_ms: The duration of the dynamic tool call in milliseconds.
    """

    arguments: Any
    id: str
    status: DynamicToolCallStatus
    tool: str
    content_items: list[DynamicToolCallOutputContentItem] | None = None
    duration_ms: int | None = None
    namespace: str | None = None
    success: bool | None = None


class EnteredReviewModeThreadItem(Struct, frozen=True, kw_only=True, tag_field="type", tag="enteredReviewMode"):
    id: str
    review: str


class ExitedReviewModeThreadItem(Struct, frozen=True, kw_only=True, tag_field="type", tag="exitedReviewMode"):
    id: str
    review: str


class ExternalSandboxSandboxPolicy(Struct, frozen=True, kw_only=True, tag_field="type", tag="externalSandbox"):
    network_access: NetworkAccess = "restricted"


class FileChangeThreadItem(Struct, frozen=True, kw_only=True, tag_field="type", tag="fileChange"):
    changes: list[FileUpdateChange]
    id: str
    status: PatchApplyStatus


class FileUpdateChange(Struct, frozen=True, kw_only=True):
    diff: str
    kind: PatchChangeKind
    path: str


class FindInPageWebSearchAction(Struct, frozen=True, kw_only=True, tag_field="type", tag="findInPage"):
    pattern: str | None = None
    url: str | None = None


class HookPromptFragment(Struct, frozen=True, kw_only=True):
    hook_run_id: str
    text: str


class HookPromptThreadItem(Struct, frozen=True, kw_only=True, tag_field="type", tag="hookPrompt"):
    fragments: list[HookPromptFragment]
    id: str


class ImageGenerationThreadItem(Struct, frozen=True, kw_only=True, tag_field="type", tag="imageGeneration"):
    id: str
    result: str
    status: str
    revised_prompt: str | None = None
    saved_path: AbsolutePathBuf | None = None


class ImageUserInput(Struct, frozen=True, kw_only=True, tag_field="type", tag="image"):
    url: str
    detail: ImageDetail | None = None


class ImageViewThreadItem(Struct, frozen=True, kw_only=True, tag_field="type", tag="imageView"):
    id: str
    path: LegacyAppPathString


class InputAudioDynamicToolCallOutputContentItem(Struct, frozen=True, kw_only=True, tag_field="type", tag="inputAudio"):
    audio_url: str


class InputImageDynamicToolCallOutputContentItem(Struct, frozen=True, kw_only=True, tag_field="type", tag="inputImage"):
    image_url: str


class InputTextDynamicToolCallOutputContentItem(Struct, frozen=True, kw_only=True, tag_field="type", tag="inputText"):
    text: str


class ListFilesCommandAction(Struct, frozen=True, kw_only=True, tag_field="type", tag="listFiles"):
    command: str
    path: str | None = None


class LocalAudioUserInput(Struct, frozen=True, kw_only=True, tag_field="type", tag="localAudio"):
    path: str


class LocalImageUserInput(Struct, frozen=True, kw_only=True, tag_field="type", tag="localImage"):
    path: str
    detail: ImageDetail | None = None


class McpToolCallAppContext(Struct, frozen=True, kw_only=True):
    connector_id: str
    action_name: str | None = None
    app_name: str | None = None
    link_id: str | None = None
    resource_uri: str | None = None


class McpToolCallError(Struct, frozen=True, kw_only=True):
    message: str


class McpToolCallResult(Struct, frozen=True, kw_only=True):
    content: list[Any]
    meta: Any = msgspec.field(name="_meta", default=None)
    structured_content: Any = None


class McpToolCallThreadItem(Struct, frozen=True, kw_only=True, tag_field="type", tag="mcpToolCall"):
    """
    Attributes:
        duration_ms: The duration of the MCP tool call in milliseconds.
        mcp_app_resource_uri: Deprecated: use ``appContext.resourceUri`` instead.
    """

    arguments: Any
    id: str
    server: str
    status: McpToolCallStatus
    tool: str
    app_context: McpToolCallAppContext | None = None
    duration_ms: int | None = None
    error: McpToolCallError | None = None
    mcp_app_resource_uri: str | None = None
    plugin_id: str | None = None
    result: McpToolCallResult | None = None


class MemoryCitation(Struct, frozen=True, kw_only=True):
    entries: list[MemoryCitationEntry]
    thread_ids: list[str]


class MemoryCitationEntry(Struct, frozen=True, kw_only=True):
    line_end: int
    line_start: int
    note: str
    path: str


class MentionUserInput(Struct, frozen=True, kw_only=True, tag_field="type", tag="mention"):
    name: str
    path: str


class MultiAgentModeDetails(Struct, frozen=True, kw_only=True):
    """One of its fields is set."""

    custom: str | None = None


class NetworkPolicyAmendment(Struct, frozen=True, kw_only=True):
    action: NetworkPolicyRuleAction
    host: str


class OpenPageWebSearchAction(Struct, frozen=True, kw_only=True, tag_field="type", tag="openPage"):
    url: str | None = None


class OtherWebSearchAction(Struct, frozen=True, kw_only=True, tag_field="type", tag="other"):
    pass


class PlanThreadItem(Struct, frozen=True, kw_only=True, tag_field="type", tag="plan"):
    """EXPERIMENTAL - proposed plan item content. The completed plan item is authoritative and may not match the
    concatenation of ``PlanDelta`` text.
    """

    id: str
    text: str


class ReadCommandAction(Struct, frozen=True, kw_only=True, tag_field="type", tag="read"):
    command: str
    name: str
    path: AbsolutePathBuf


class ReadOnlySandboxPolicy(Struct, frozen=True, kw_only=True, tag_field="type", tag="readOnly"):
    network_access: bool = False


class ReasoningThreadItem(Struct, frozen=True, kw_only=True, tag_field="type", tag="reasoning"):
    id: str
    content: list[str] = []
    summary: list[str] = []


class SearchCommandAction(Struct, frozen=True, kw_only=True, tag_field="type", tag="search"):
    command: str
    path: str | None = None
    query: str | None = None


class SearchWebSearchAction(Struct, frozen=True, kw_only=True, tag_field="type", tag="search"):
    queries: list[str] | None = None
    query: str | None = None


class Settings(Struct, frozen=True, kw_only=True, rename="lower"):
    """Settings for a collaboration mode."""

    model: str
    developer_instructions: str | None = None
    reasoning_effort: ReasoningEffort | None = None


class SkillUserInput(Struct, frozen=True, kw_only=True, tag_field="type", tag="skill"):
    name: str
    path: str


class SleepThreadItem(Struct, frozen=True, kw_only=True, tag_field="type", tag="sleep"):
    """Display item emitted by the interruptible ``clock.sleep`` tool."""

    duration_ms: int
    id: str


class SubAgentActivityThreadItem(Struct, frozen=True, kw_only=True, tag_field="type", tag="subAgentActivity"):
    agent_path: str
    agent_thread_id: str
    id: str
    kind: SubAgentActivityKind


class SubAgentSourceDetails(Struct, frozen=True, kw_only=True, rename="lower"):
    """One of its fields is set."""

    thread_spawn: SubAgentSourceDetailsThreadSpawn | None = None
    other: str | None = None


class SubAgentSourceDetailsThreadSpawn(Struct, frozen=True, kw_only=True, rename="lower"):
    depth: int
    parent_thread_id: ThreadId
    agent_nickname: str | None = None
    agent_path: AgentPath | None = None
    agent_role: str | None = None


class TextElement(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        byte_range: Byte range in the parent ``text`` buffer that this element occupies.
        placeholder: Optional human-readable placeholder for the element, displayed in the UI.
    """

    byte_range: ByteRange
    placeholder: str | None = None


class TextUserInput(Struct, frozen=True, kw_only=True, tag_field="type", tag="text", rename="lower"):
    """
    Attributes:
        text_elements: UI-defined spans within ``text`` used to render or persist special elements.
    """

    text: str
    text_elements: list[TextElement] = []


class Turn(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        id: Identifier for this turn. Codex-generated turn IDs are UUIDv7.
        items: Thread items currently included in this turn payload.
        completed_at: Unix timestamp (in seconds) when the turn completed.
        duration_ms: Duration between turn start and completion in milliseconds, if known.
        error: Only populated when the Turn's status is failed.
        items_view: Describes how much of ``items`` has been loaded for this turn.
        started_at: Unix timestamp (in seconds) when the turn started.
    """

    id: str
    items: list[ThreadItem]
    status: TurnStatus
    completed_at: int | None = None
    duration_ms: int | None = None
    error: TurnError | None = None
    items_view: TurnItemsView = "full"
    started_at: int | None = None


class TurnEnvironmentParams(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        runtime_workspace_roots: Environment-native runtime workspace roots. Omitted defaults to ``cwd``.
    """

    cwd: LegacyAppPathString
    environment_id: str
    runtime_workspace_roots: list[LegacyAppPathString] | None = None


class TurnError(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        retry_after_ms: Milliseconds after which the provider would have the same request again.
    """

    message: str
    additional_details: str | None = None
    codex_error_info: CodexErrorInfo | None = None
    retry_after_ms: int | None = None


class UnknownByKind(UnknownVariant, frozen=True, kw_only=True, tag_field="kind", tag="<unknown>"):
    """A variant that is new to this package; ``data`` is the whole of it, with its ``kind``."""


class UnknownByMode(UnknownVariant, frozen=True, kw_only=True, tag_field="mode", tag="<unknown>"):
    """A variant that is new to this package; ``data`` is the whole of it, with its ``mode``."""


class UnknownByType(UnknownVariant, frozen=True, kw_only=True, tag_field="type", tag="<unknown>"):
    """A variant that is new to this package; ``data`` is the whole of it, with its ``type``."""


class UnknownCommandAction(Struct, frozen=True, kw_only=True, tag_field="type", tag="unknown"):
    command: str


class UpdatePatchChangeKind(Struct, frozen=True, kw_only=True, tag_field="type", tag="update", rename="lower"):
    move_path: str | None = None


class UserMessageThreadItem(Struct, frozen=True, kw_only=True, tag_field="type", tag="userMessage"):
    content: list[UserInput]
    id: str
    client_id: str | None = None


class WebSearchThreadItem(Struct, frozen=True, kw_only=True, tag_field="type", tag="webSearch"):
    """
    Attributes:
        results: Structured search results returned out-of-band by standalone web search. These stay as opaque JSON at
            the extension/app-server boundary so new result fields and result types can pass through without a Codex
            release.
    """

    id: str
    query: str
    action: WebSearchAction | None = None
    results: list[Any] | None = None


class WorkspaceWriteSandboxPolicy(Struct, frozen=True, kw_only=True, tag_field="type", tag="workspaceWrite"):
    exclude_slash_tmp: bool = False
    exclude_tmpdir_env_var: bool = False
    network_access: bool = False
    writable_roots: list[AbsolutePathBuf] = []


AskForApproval: TypeAlias = Literal["untrusted", "on-request", "never"] | str | AskForApprovalDetails


CodexErrorInfo: TypeAlias = (
    Literal["contextWindowExceeded", "sessionBudgetExceeded", "usageLimitExceeded", "serverOverloaded", "cyberPolicy", "internalServerError", "unauthorized", "badRequest", "threadRollbackFailed", "sandboxError", "other"]
    | str
    | CodexErrorInfoDetails
)
"""This translation layer make sure that we expose codex error code in camel case.

When an upstream HTTP status is available (for example, from the Responses API or a provider), it is forwarded in
``httpStatusCode`` on the relevant ``codexErrorInfo`` variant.
"""


CommandAction: TypeAlias = (
    ReadCommandAction
    | ListFilesCommandAction
    | SearchCommandAction
    | UnknownCommandAction
    | UnknownByType
)


DynamicToolCallOutputContentItem: TypeAlias = (
    InputTextDynamicToolCallOutputContentItem
    | InputImageDynamicToolCallOutputContentItem
    | InputAudioDynamicToolCallOutputContentItem
    | UnknownByType
)


MultiAgentMode: TypeAlias = Literal["explicitRequestOnly", "proactive"] | str | MultiAgentModeDetails
"""Controls the effective multi-agent delegation instructions for a turn. ``custom`` means the configured mode hint defines
the policy instead of a built-in policy.
"""


PatchChangeKind: TypeAlias = AddPatchChangeKind | DeletePatchChangeKind | UpdatePatchChangeKind | UnknownByType


SandboxPolicy: TypeAlias = (
    DangerFullAccessSandboxPolicy
    | ReadOnlySandboxPolicy
    | ExternalSandboxSandboxPolicy
    | WorkspaceWriteSandboxPolicy
    | UnknownByType
)


SubAgentSource: TypeAlias = Literal["review", "compact", "memory_consolidation"] | str | SubAgentSourceDetails


ThreadItem: TypeAlias = (
    UserMessageThreadItem
    | HookPromptThreadItem
    | AgentMessageThreadItem
    | PlanThreadItem
    | ReasoningThreadItem
    | CommandExecutionThreadItem
    | FileChangeThreadItem
    | McpToolCallThreadItem
    | DynamicToolCallThreadItem
    | CollabAgentToolCallThreadItem
    | SubAgentActivityThreadItem
    | WebSearchThreadItem
    | ImageViewThreadItem
    | SleepThreadItem
    | ImageGenerationThreadItem
    | EnteredReviewModeThreadItem
    | ExitedReviewModeThreadItem
    | ContextCompactionThreadItem
    | UnknownByType
)


UserInput: TypeAlias = (
    TextUserInput
    | ImageUserInput
    | LocalImageUserInput
    | AudioUserInput
    | LocalAudioUserInput
    | SkillUserInput
    | MentionUserInput
    | UnknownByType
)


WebSearchAction: TypeAlias = (
    SearchWebSearchAction
    | OpenPageWebSearchAction
    | FindInPageWebSearchAction
    | OtherWebSearchAction
    | UnknownByType
)
