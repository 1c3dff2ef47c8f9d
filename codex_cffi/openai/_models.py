"""The official SDK's types.

Made by scripts/openai_surface.py from tests/openai/surface.json; do not edit.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, Literal

import msgspec

from ._base import BaseModel, RootModel

__all__ = [
    "AbsolutePathBuf",
    "Account",
    "AccountLoginCompletedNotification",
    "AccountRateLimitsUpdatedNotification",
    "AccountUpdatedNotification",
    "ActivePermissionProfile",
    "ActiveThreadStatus",
    "ActiveTurnNotSteerable",
    "ActiveTurnNotSteerableCodexErrorInfo",
    "AddPatchChangeKind",
    "AdditionalFileSystemPermissions",
    "AdditionalNetworkPermissions",
    "AdditionalToolsResponseItem",
    "AgentMessageDelivery",
    "AgentMessageDeltaNotification",
    "AgentMessageInputContent",
    "AgentMessageResponseItem",
    "AgentMessageThreadItem",
    "AgentPath",
    "AmazonBedrockAccount",
    "ApiKeyAccount",
    "AppBranding",
    "AppInfo",
    "AppListUpdatedNotification",
    "AppMetadata",
    "AppReview",
    "AppScreenshot",
    "ApplyPatchGuardianApprovalReviewAction",
    "ApprovalsReviewer",
    "AskForApproval",
    "AskForApprovalValue",
    "AsyncUserInputQuestion",
    "AudioUserInput",
    "AuthMode",
    "AuthRecoveryNotification",
    "AutoReviewDecisionSource",
    "BemItemPromotedThreadRealtimeItem",
    "ByteRange",
    "CancelLoginAccountResponse",
    "CancelLoginAccountStatus",
    "ChatgptAccount",
    "CodexErrorInfo",
    "CodexErrorInfoValue",
    "CollabAgentState",
    "CollabAgentStatus",
    "CollabAgentTool",
    "CollabAgentToolCallStatus",
    "CollabAgentToolCallThreadItem",
    "CollaborationMode",
    "CommandAction",
    "CommandExecOutputDeltaNotification",
    "CommandExecOutputStream",
    "CommandExecutionOutputDeltaNotification",
    "CommandExecutionSource",
    "CommandExecutionStatus",
    "CommandExecutionThreadItem",
    "CommandGuardianApprovalReviewAction",
    "CompactionResponseItem",
    "CompactionTriggerResponseItem",
    "CompletedThreadPredictionResult",
    "ConfigWarningNotification",
    "ConfigurationReasoning",
    "ConfigurationUpdateResponseItem",
    "ContentItem",
    "ContextCompactedNotification",
    "ContextCompactionResponseItem",
    "ContextCompactionThreadItem",
    "CreditsSnapshot",
    "CustomSessionSource",
    "CustomToolCallOutputResponseItem",
    "CustomToolCallResponseItem",
    "CyberAccessProgram",
    "DangerFullAccessSandboxPolicy",
    "DeletePatchChangeKind",
    "DeprecationNoticeNotification",
    "DesktopOnboardingEntrypoint",
    "DynamicToolCallOutputContentItem",
    "DynamicToolCallStatus",
    "DynamicToolCallThreadItem",
    "EncryptedContentAgentMessageInputContent",
    "EncryptedContentFunctionCallOutputContentItem",
    "EnteredReviewModeThreadItem",
    "EnvironmentConnectionNotification",
    "ErrorNotification",
    "ExecLocalShellAction",
    "ExecveGuardianApprovalReviewAction",
    "ExitedReviewModeThreadItem",
    "ExternalAgentConfigImportCompletedNotification",
    "ExternalAgentConfigImportItemTypeFailure",
    "ExternalAgentConfigImportItemTypeSuccess",
    "ExternalAgentConfigImportProgressNotification",
    "ExternalAgentConfigImportTypeResult",
    "ExternalAgentConfigMigrationItemType",
    "ExternalSandboxSandboxPolicy",
    "FailedThreadPredictionResult",
    "FileChangeOutputDeltaNotification",
    "FileChangePatchUpdatedNotification",
    "FileChangeThreadItem",
    "FileIdContentItem",
    "FileIdFunctionCallOutputContentItem",
    "FileIdUserInput",
    "FileSystemAccessMode",
    "FileSystemPath",
    "FileSystemSandboxEntry",
    "FileSystemSpecialPath",
    "FileSystemSpecialPath1",
    "FileUpdateChange",
    "FindInPageResponsesApiWebSearchAction",
    "FindInPageWebSearchAction",
    "FsChangedNotification",
    "FunctionCallOutputBody",
    "FunctionCallOutputContentItem",
    "FunctionCallOutputResponseItem",
    "FunctionCallOutputThreadItem",
    "FunctionCallResponseItem",
    "FuzzyFileSearchMatchType",
    "FuzzyFileSearchResult",
    "FuzzyFileSearchSessionCompletedNotification",
    "FuzzyFileSearchSessionUpdatedNotification",
    "GatewayOAuthChangedNotification",
    "GatewayOAuthStatus",
    "GetAccountResponse",
    "GitInfo",
    "GlobPatternFileSystemPath",
    "Granular",
    "GranularAskForApproval",
    "GuardianApprovalReview",
    "GuardianApprovalReviewAction",
    "GuardianApprovalReviewStatus",
    "GuardianCommandSource",
    "GuardianRiskLevel",
    "GuardianUserAuthorization",
    "GuardianWarningNotification",
    "HookCompletedNotification",
    "HookEventName",
    "HookExecutionMode",
    "HookHandlerType",
    "HookOutputEntry",
    "HookOutputEntryKind",
    "HookPromptFragment",
    "HookPromptThreadItem",
    "HookRunStatus",
    "HookRunSummary",
    "HookScope",
    "HookSource",
    "HookStartedNotification",
    "HttpConnectionFailed",
    "HttpConnectionFailedCodexErrorInfo",
    "IdleThreadStatus",
    "ImageDetail",
    "ImageGenerationCallResponseItem",
    "ImageGenerationFailure",
    "ImageGenerationThreadItem",
    "ImageUserInput",
    "ImageViewThreadItem",
    "Indice",
    "InitializeResponse",
    "InlineMarkdownThreadRealtimeBemItemPresentation",
    "InlineVisualizationThreadRealtimeBemItemPresentation",
    "InputAudioContentItem",
    "InputAudioDynamicToolCallOutputContentItem",
    "InputAudioFunctionCallOutputContentItem",
    "InputImageContentItem",
    "InputImageDynamicToolCallOutputContentItem",
    "InputImageFunctionCallOutputContentItem",
    "InputModality",
    "InputTextAgentMessageInputContent",
    "InputTextContentItem",
    "InputTextDynamicToolCallOutputContentItem",
    "InputTextFunctionCallOutputContentItem",
    "InternalChatMessageMetadataPassthrough",
    "ItemCompletedNotification",
    "ItemGuardianApprovalReviewCompletedNotification",
    "ItemGuardianApprovalReviewStartedNotification",
    "ItemStartedNotification",
    "KindFileSystemSpecialPath",
    "LegacyAppPathString",
    "ListFilesCommandAction",
    "LocalAudioUserInput",
    "LocalImageUserInput",
    "LocalShellAction",
    "LocalShellCallResponseItem",
    "LocalShellStatus",
    "McpAppDisplayMode",
    "McpAppUi",
    "McpServerEventNotification",
    "McpServerEventStreamNotification",
    "McpServerOauthLoginCompletedNotification",
    "McpServerStartupFailureReason",
    "McpServerStartupState",
    "McpServerStatusUpdatedNotification",
    "McpToolCallAppContext",
    "McpToolCallError",
    "McpToolCallGuardianApprovalReviewAction",
    "McpToolCallProgressNotification",
    "McpToolCallResult",
    "McpToolCallStatus",
    "McpToolCallThreadItem",
    "MemoryCitation",
    "MemoryCitationEntry",
    "MentionUserInput",
    "MessagePhase",
    "MessageResponseItem",
    "MinimalFileSystemSpecialPath",
    "MisalignmentErrorDetails",
    "MisalignmentSteer",
    "ModeKind",
    "Model",
    "ModelAccessPrograms",
    "ModelAvailabilityNux",
    "ModelListResponse",
    "ModelRerouteReason",
    "ModelReroutedNotification",
    "ModelSafetyBufferingUpdatedNotification",
    "ModelServiceTier",
    "ModelUpgradeInfo",
    "ModelVerification",
    "ModelVerificationNotification",
    "MultiAgentVersion",
    "NetworkAccess",
    "NetworkAccessGuardianApprovalReviewAction",
    "NetworkApprovalProtocol",
    "NonSteerableTurnKind",
    "NotLoadedThreadStatus",
    "OpenPageResponsesApiWebSearchAction",
    "OpenPageWebSearchAction",
    "OtherResponseItem",
    "OtherResponsesApiWebSearchAction",
    "OtherSubAgentSource",
    "OtherWebSearchAction",
    "OutputTextContentItem",
    "PatchApplyStatus",
    "PatchChangeKind",
    "PathFileSystemPath",
    "Personality",
    "PlanDeltaNotification",
    "PlanThreadItem",
    "PlanType",
    "ProcessExitedNotification",
    "ProcessOutputDeltaNotification",
    "ProcessOutputStream",
    "ProjectChangeType",
    "ProjectChangedNotification",
    "RateLimitReachedType",
    "RateLimitSnapshot",
    "RateLimitWindow",
    "RawResponseItemCompletedNotification",
    "ReadCommandAction",
    "ReadOnlySandboxPolicy",
    "RealtimeConversationVersion",
    "RealtimeSessionClosedThreadRealtimeItem",
    "RealtimeSessionStartedThreadRealtimeItem",
    "ReasoningEffort",
    "ReasoningEffortOption",
    "ReasoningItemContent",
    "ReasoningItemReasoningSummary",
    "ReasoningResponseItem",
    "ReasoningSummary",
    "ReasoningSummaryPartAddedNotification",
    "ReasoningSummaryTextDeltaNotification",
    "ReasoningSummaryValue",
    "ReasoningTextDeltaNotification",
    "ReasoningTextReasoningItemContent",
    "ReasoningThreadItem",
    "RemoteControlConnectionStatus",
    "RemoteControlStatusChangedNotification",
    "RequestId",
    "RequestPermissionProfile",
    "RequestPermissionsGuardianApprovalReviewAction",
    "ResponseItem",
    "ResponseStreamConnectionFailed",
    "ResponseStreamConnectionFailedCodexErrorInfo",
    "ResponseStreamDisconnected",
    "ResponseStreamDisconnectedCodexErrorInfo",
    "ResponseTooManyFailedAttempts",
    "ResponseTooManyFailedAttemptsCodexErrorInfo",
    "ResponsesApiWebSearchAction",
    "RootFileSystemSpecialPath",
    "SandboxMode",
    "SandboxPolicy",
    "SearchCommandAction",
    "SearchResponsesApiWebSearchAction",
    "SearchWebSearchAction",
    "ServerInfo",
    "ServerRequestResolvedNotification",
    "SessionSource",
    "SessionSourceValue",
    "Settings",
    "SkillUserInput",
    "SkillsChangedNotification",
    "SlashTmpFileSystemSpecialPath",
    "SleepThreadItem",
    "SortDirection",
    "SpecialFileSystemPath",
    "SpendControlLimitSnapshot",
    "StrictReviewRequiredNotification",
    "SubAgentActivityKind",
    "SubAgentActivityThreadItem",
    "SubAgentSessionSource",
    "SubAgentSource",
    "SubAgentSourceValue",
    "SummaryTextReasoningItemReasoningSummary",
    "SystemErrorThreadStatus",
    "TerminalInteractionNotification",
    "TextElement",
    "TextPosition",
    "TextRange",
    "TextReasoningItemContent",
    "TextUserInput",
    "Thread",
    "ThreadActiveFlag",
    "ThreadArchiveResponse",
    "ThreadArchivedNotification",
    "ThreadAttachmentOperation",
    "ThreadAttachmentUpdatedNotification",
    "ThreadClosedNotification",
    "ThreadCompactStartResponse",
    "ThreadDeletedNotification",
    "ThreadGoal",
    "ThreadGoalClearedNotification",
    "ThreadGoalStatus",
    "ThreadGoalUpdatedNotification",
    "ThreadHistoryMode",
    "ThreadId",
    "ThreadItem",
    "ThreadListCwdFilter",
    "ThreadListResponse",
    "ThreadNameUpdatedNotification",
    "ThreadPredictionResult",
    "ThreadPredictionUpdatedNotification",
    "ThreadProjectUpdatedNotification",
    "ThreadQueueChangedNotification",
    "ThreadReadResponse",
    "ThreadReadState",
    "ThreadReadStateChangedNotification",
    "ThreadRealtimeAudioChunk",
    "ThreadRealtimeBemItemPresentation",
    "ThreadRealtimeClosedNotification",
    "ThreadRealtimeErrorNotification",
    "ThreadRealtimeItem",
    "ThreadRealtimeItemAddedNotification",
    "ThreadRealtimeItemCompletedNotification",
    "ThreadRealtimeItemStartedNotification",
    "ThreadRealtimeItemTranscriptDeltaNotification",
    "ThreadRealtimeOutputAudioDeltaNotification",
    "ThreadRealtimeSdpNotification",
    "ThreadRealtimeSessionOutcome",
    "ThreadRealtimeStartedNotification",
    "ThreadRealtimeTranscriptDeltaNotification",
    "ThreadRealtimeTranscriptDoneNotification",
    "ThreadRealtimeTranscriptRole",
    "ThreadRevertedNotification",
    "ThreadSection",
    "ThreadSectionAppearance",
    "ThreadSetNameResponse",
    "ThreadSettings",
    "ThreadSettingsUpdatedNotification",
    "ThreadSortKey",
    "ThreadSource",
    "ThreadSourceKind",
    "ThreadSpawn",
    "ThreadSpawnSubAgentSource",
    "ThreadStartSource",
    "ThreadStartThreadUnreadPosition",
    "ThreadStartedNotification",
    "ThreadStatus",
    "ThreadStatusChangedNotification",
    "ThreadTokenUsage",
    "ThreadTokenUsageUpdatedNotification",
    "ThreadUnarchivedNotification",
    "ThreadUnreadPosition",
    "TmpdirFileSystemSpecialPath",
    "TokenUsageBreakdown",
    "ToolSearchCallResponseItem",
    "ToolSearchOutputResponseItem",
    "TranscriptSegmentThreadRealtimeItem",
    "Turn",
    "TurnCompletedNotification",
    "TurnDiffUpdatedNotification",
    "TurnError",
    "TurnInterruptResponse",
    "TurnItemsView",
    "TurnModerationMetadataNotification",
    "TurnPlanStep",
    "TurnPlanStepStatus",
    "TurnPlanUpdatedNotification",
    "TurnStartedNotification",
    "TurnStatus",
    "TurnSteerResponse",
    "TurnThreadUnreadPosition",
    "UnknownCommandAction",
    "UpdatePatchChangeKind",
    "UsageLimitExceededImageGenerationFailure",
    "UserInput",
    "UserMessageThreadItem",
    "WarningNotification",
    "WebSearchAction",
    "WebSearchCallResponseItem",
    "WebSearchThreadItem",
    "WholeItemThreadRealtimeBemItemPresentation",
    "WindowsSandboxSetupCompletedNotification",
    "WindowsSandboxSetupMode",
    "WindowsWorldWritableWarningNotification",
    "WorkspaceWriteSandboxPolicy",
    "WriteStdinGuardianApprovalReviewAction",
]


class ApprovalsReviewer(Enum):
    user = "user"
    auto_review = "auto_review"
    guardian_subagent = "guardian_subagent"


class AskForApprovalValue(Enum):
    untrusted = "untrusted"
    on_request = "on-request"
    never = "never"


class AuthMode(Enum):
    apikey = "apikey"
    chatgpt = "chatgpt"
    chatgpt_auth_tokens = "chatgptAuthTokens"
    headers = "headers"
    agent_identity = "agentIdentity"
    personal_access_token = "personalAccessToken"
    bedrock_api_key = "bedrockApiKey"
    bedrock_access_keys = "bedrockAccessKeys"


class CancelLoginAccountStatus(Enum):
    canceled = "canceled"
    not_found = "notFound"


class CodexErrorInfoValue(str, Enum):
    context_window_exceeded = "contextWindowExceeded"
    session_budget_exceeded = "sessionBudgetExceeded"
    usage_limit_exceeded = "usageLimitExceeded"
    rate_limit_exceeded = "rateLimitExceeded"
    flex_unavailable = "flexUnavailable"
    server_overloaded = "serverOverloaded"
    cyber_policy = "cyberPolicy"
    misalignment_policy_violation = "misalignmentPolicyViolation"
    too_many_denials = "tooManyDenials"
    internal_server_error = "internalServerError"
    unauthorized = "unauthorized"
    bad_request = "badRequest"
    thread_rollback_failed = "threadRollbackFailed"
    sandbox_error = "sandboxError"
    other = "other"


class CollabAgentStatus(Enum):
    pending_init = "pendingInit"
    running = "running"
    interrupted = "interrupted"
    completed = "completed"
    errored = "errored"
    shutdown = "shutdown"
    not_found = "notFound"


class CollabAgentTool(Enum):
    spawn_agent = "spawnAgent"
    send_input = "sendInput"
    resume_agent = "resumeAgent"
    wait = "wait"
    close_agent = "closeAgent"
    send_message = "sendMessage"
    followup_task = "followupTask"
    interrupt_agent = "interruptAgent"
    list_agents = "listAgents"


class CollabAgentToolCallStatus(Enum):
    in_progress = "inProgress"
    completed = "completed"
    failed = "failed"
    interrupted = "interrupted"


class CommandExecOutputStream(Enum):
    stdout = "stdout"
    stderr = "stderr"


class CommandExecutionSource(Enum):
    agent = "agent"
    user_shell = "userShell"
    unified_exec_startup = "unifiedExecStartup"
    unified_exec_interaction = "unifiedExecInteraction"


class CommandExecutionStatus(Enum):
    in_progress = "inProgress"
    completed = "completed"
    failed = "failed"
    declined = "declined"


class CyberAccessProgram(Enum):
    standard = "standard"
    daybreak_blue = "daybreakBlue"
    daybreak_red = "daybreakRed"


class DynamicToolCallStatus(Enum):
    in_progress = "inProgress"
    completed = "completed"
    failed = "failed"


class ExternalAgentConfigMigrationItemType(Enum):
    agents_md = "AGENTS_MD"
    config = "CONFIG"
    skills = "SKILLS"
    plugins = "PLUGINS"
    mcp_server_config = "MCP_SERVER_CONFIG"
    subagents = "SUBAGENTS"
    hooks = "HOOKS"
    commands = "COMMANDS"
    memory = "MEMORY"
    sessions = "SESSIONS"


class FileSystemAccessMode(Enum):
    read = "read"
    write = "write"
    deny = "deny"


class FuzzyFileSearchMatchType(Enum):
    file = "file"
    directory = "directory"


class GatewayOAuthStatus(Enum):
    not_ready = "notReady"
    started = "started"
    succeeded = "succeeded"
    failed = "failed"


class GuardianApprovalReviewStatus(Enum):
    in_progress = "inProgress"
    approved = "approved"
    denied = "denied"
    timed_out = "timedOut"
    aborted = "aborted"


class GuardianCommandSource(Enum):
    shell = "shell"
    unified_exec = "unifiedExec"


class GuardianRiskLevel(Enum):
    low = "low"
    medium = "medium"
    high = "high"
    critical = "critical"


class GuardianUserAuthorization(Enum):
    unknown = "unknown"
    low = "low"
    medium = "medium"
    high = "high"


class HookEventName(Enum):
    pre_tool_use = "preToolUse"
    permission_request = "permissionRequest"
    post_tool_use = "postToolUse"
    pre_compact = "preCompact"
    post_compact = "postCompact"
    session_start = "sessionStart"
    session_end = "sessionEnd"
    user_prompt_submit = "userPromptSubmit"
    subagent_start = "subagentStart"
    subagent_stop = "subagentStop"
    stop = "stop"
    interrupt = "interrupt"


class HookExecutionMode(Enum):
    sync = "sync"
    async_ = "async"


class HookHandlerType(Enum):
    command = "command"
    mcp_tool = "mcpTool"
    prompt = "prompt"
    agent = "agent"


class HookOutputEntryKind(Enum):
    warning = "warning"
    stop = "stop"
    feedback = "feedback"
    context = "context"
    error = "error"


class HookRunStatus(Enum):
    running = "running"
    completed = "completed"
    failed = "failed"
    blocked = "blocked"
    stopped = "stopped"


class HookScope(Enum):
    thread = "thread"
    turn = "turn"


class HookSource(Enum):
    system = "system"
    user = "user"
    project = "project"
    mdm = "mdm"
    session_flags = "sessionFlags"
    plugin = "plugin"
    cloud_requirements = "cloudRequirements"
    cloud_managed_config = "cloudManagedConfig"
    legacy_managed_config_file = "legacyManagedConfigFile"
    legacy_managed_config_mdm = "legacyManagedConfigMdm"
    unknown = "unknown"


class ImageDetail(Enum):
    auto = "auto"
    low = "low"
    high = "high"
    original = "original"


class InputModality(Enum):
    text = "text"
    image = "image"
    audio = "audio"


class LocalShellStatus(Enum):
    completed = "completed"
    in_progress = "in_progress"
    incomplete = "incomplete"


class McpAppDisplayMode(Enum):
    inline = "inline"
    fullscreen = "fullscreen"


class McpServerStartupState(Enum):
    starting = "starting"
    ready = "ready"
    failed = "failed"
    cancelled = "cancelled"


class McpToolCallStatus(Enum):
    in_progress = "inProgress"
    completed = "completed"
    failed = "failed"


class MessagePhase(Enum):
    commentary = "commentary"
    partial_answer = "partial_answer"
    final_answer = "final_answer"


class ModeKind(Enum):
    plan = "plan"
    default = "default"


class MultiAgentVersion(Enum):
    disabled = "disabled"
    v1 = "v1"
    v2 = "v2"


class NetworkAccess(Enum):
    restricted = "restricted"
    enabled = "enabled"


class NetworkApprovalProtocol(Enum):
    http = "http"
    https = "https"
    socks5_tcp = "socks5Tcp"
    socks5_udp = "socks5Udp"


class NonSteerableTurnKind(Enum):
    review = "review"
    compact = "compact"


class PatchApplyStatus(Enum):
    in_progress = "inProgress"
    completed = "completed"
    failed = "failed"
    declined = "declined"


class Personality(Enum):
    none = "none"
    friendly = "friendly"
    pragmatic = "pragmatic"


class PlanType(str, Enum):
    free = "free"
    go = "go"
    plus = "plus"
    pro = "pro"
    prolite = "prolite"
    promax = "promax"
    team = "team"
    self_serve_business_prolite = "self_serve_business_prolite"
    self_serve_business_usage_based = "self_serve_business_usage_based"
    business = "business"
    ent26 = "ent26"
    enterprise_cbp_automation = "enterprise_cbp_automation"
    enterprise_cbp_usage_based = "enterprise_cbp_usage_based"
    enterprise = "enterprise"
    edu = "edu"
    edu_plus = "edu_plus"
    edu_pro = "edu_pro"
    unknown = "unknown"


class ProcessOutputStream(Enum):
    stdout = "stdout"
    stderr = "stderr"


class ProjectChangeType(Enum):
    created = "created"
    updated = "updated"
    deleted = "deleted"


class RateLimitReachedType(Enum):
    rate_limit_reached = "rate_limit_reached"
    workspace_owner_credits_depleted = "workspace_owner_credits_depleted"
    workspace_member_credits_depleted = "workspace_member_credits_depleted"
    workspace_owner_usage_limit_reached = "workspace_owner_usage_limit_reached"
    workspace_member_usage_limit_reached = "workspace_member_usage_limit_reached"


class RealtimeConversationVersion(Enum):
    v1 = "v1"
    v2 = "v2"
    v3 = "v3"


class ReasoningEffort(str, Enum):
    none = "none"
    minimal = "minimal"
    low = "low"
    medium = "medium"
    high = "high"
    xhigh = "xhigh"
    max = "max"
    ultra = "ultra"


class ReasoningSummaryValue(Enum):
    auto = "auto"
    concise = "concise"
    detailed = "detailed"


class RemoteControlConnectionStatus(Enum):
    disabled = "disabled"
    connecting = "connecting"
    connected = "connected"
    errored = "errored"


class SandboxMode(Enum):
    read_only = "read-only"
    workspace_write = "workspace-write"
    danger_full_access = "danger-full-access"


class SessionSourceValue(Enum):
    cli = "cli"
    vscode = "vscode"
    exec = "exec"
    app_server = "appServer"
    unknown = "unknown"


class SortDirection(Enum):
    asc = "asc"
    desc = "desc"


class SubAgentActivityKind(Enum):
    started = "started"
    interacted = "interacted"
    interrupted = "interrupted"
    completed = "completed"


class SubAgentSourceValue(Enum):
    review = "review"
    compact = "compact"
    memory_consolidation = "memory_consolidation"


class ThreadActiveFlag(Enum):
    waiting_on_approval = "waitingOnApproval"
    waiting_on_user_input = "waitingOnUserInput"


class ThreadAttachmentOperation(Enum):
    created = "created"
    deleted = "deleted"


class ThreadGoalStatus(Enum):
    active = "active"
    paused = "paused"
    blocked = "blocked"
    usage_limited = "usageLimited"
    budget_limited = "budgetLimited"
    complete = "complete"


class ThreadHistoryMode(Enum):
    legacy = "legacy"
    paginated = "paginated"


class ThreadRealtimeSessionOutcome(Enum):
    ended = "ended"
    failed = "failed"


class ThreadRealtimeTranscriptRole(Enum):
    user = "user"
    assistant = "assistant"


class ThreadSortKey(Enum):
    created_at = "created_at"
    updated_at = "updated_at"
    recency_at = "recency_at"
    section_position = "section_position"


class ThreadSource(str, Enum):
    user = "user"
    subagent = "subagent"
    memory_consolidation = "memory_consolidation"


class ThreadSourceKind(Enum):
    cli = "cli"
    vscode = "vscode"
    exec = "exec"
    app_server = "appServer"
    sub_agent = "subAgent"
    sub_agent_review = "subAgentReview"
    sub_agent_compact = "subAgentCompact"
    sub_agent_thread_spawn = "subAgentThreadSpawn"
    sub_agent_other = "subAgentOther"
    unknown = "unknown"


class ThreadStartSource(Enum):
    startup = "startup"
    clear = "clear"


class TurnItemsView(Enum):
    not_loaded = "notLoaded"
    summary = "summary"
    full = "full"


class TurnPlanStepStatus(Enum):
    pending = "pending"
    in_progress = "inProgress"
    completed = "completed"


class TurnStatus(Enum):
    completed = "completed"
    interrupted = "interrupted"
    failed = "failed"
    in_progress = "inProgress"


class WindowsSandboxSetupMode(Enum):
    elevated = "elevated"
    unelevated = "unelevated"


class AbsolutePathBuf(RootModel):
    root: str


class Account(RootModel):
    root: ApiKeyAccount | ChatgptAccount | AmazonBedrockAccount


class AccountLoginCompletedNotification(BaseModel, kw_only=True):
    error: str | None = None
    login_id: str | None = None
    onboarding_entrypoint: DesktopOnboardingEntrypoint | None = None
    success: bool


class AccountRateLimitsUpdatedNotification(BaseModel, kw_only=True):
    rate_limits: RateLimitSnapshot


class AccountUpdatedNotification(BaseModel, kw_only=True):
    auth_mode: AuthMode | None = None
    plan_type: PlanType | None = None


class ActivePermissionProfile(BaseModel, kw_only=True):
    extends: str | None = None
    id: str


class ActiveThreadStatus(BaseModel, kw_only=True):
    active_flags: list[ThreadActiveFlag]
    type: Literal["active"]


class ActiveTurnNotSteerable(BaseModel, kw_only=True):
    turn_kind: NonSteerableTurnKind


class ActiveTurnNotSteerableCodexErrorInfo(BaseModel, kw_only=True, forbid_unknown_fields=True):
    active_turn_not_steerable: ActiveTurnNotSteerable


class AddPatchChangeKind(BaseModel, kw_only=True):
    type: Literal["add"]


class AdditionalFileSystemPermissions(BaseModel, kw_only=True):
    entries: list[FileSystemSandboxEntry] | None = None
    glob_scan_max_depth: int | None = None
    read: list[LegacyAppPathString] | None = None
    write: list[LegacyAppPathString] | None = None


class AdditionalNetworkPermissions(BaseModel, kw_only=True):
    enabled: bool | None = None


class AdditionalToolsResponseItem(BaseModel, kw_only=True):
    id: str | None = None
    role: str
    tools: list[Any]
    type: Literal["additional_tools"]


class AgentMessageDelivery(RootModel):
    root: Literal["async"]


class AgentMessageDeltaNotification(BaseModel, kw_only=True):
    delta: str
    item_id: str
    thread_id: str
    turn_id: str


class AgentMessageInputContent(RootModel):
    root: InputTextAgentMessageInputContent | EncryptedContentAgentMessageInputContent


class AgentMessageResponseItem(BaseModel, kw_only=True, rename="lower"):
    author: str
    content: list[AgentMessageInputContent]
    id: str | None = None
    internal_chat_message_metadata_passthrough: InternalChatMessageMetadataPassthrough | None = None
    recipient: str
    type: Literal["agent_message"]


class AgentMessageThreadItem(BaseModel, kw_only=True):
    delivery: AgentMessageDelivery | None = None
    id: str
    memory_citation: MemoryCitation | None = None
    phase: MessagePhase | None = None
    questions: list[AsyncUserInputQuestion] | None = None
    text: str
    type: Literal["agentMessage"]


class AgentPath(RootModel):
    root: str


class AmazonBedrockAccount(BaseModel, kw_only=True):
    type: Literal["amazonBedrock"]
    uses_codex_managed_credentials: bool | None = False


class ApiKeyAccount(BaseModel, kw_only=True):
    type: Literal["apiKey"]


class AppBranding(BaseModel, kw_only=True):
    category: str | None = None
    developer: str | None = None
    is_discoverable_app: bool
    privacy_policy: str | None = None
    terms_of_service: str | None = None
    website: str | None = None


class AppInfo(BaseModel, kw_only=True):
    app_metadata: AppMetadata | None = None
    branding: AppBranding | None = None
    description: str | None = None
    distribution_channel: str | None = None
    icon_assets: dict[str, Any] | None = None
    icon_dark_assets: dict[str, Any] | None = None
    id: str
    install_url: str | None = None
    is_accessible: bool | None = False
    is_enabled: bool | None = True
    labels: dict[str, Any] | None = None
    logo_url: str | None = None
    logo_url_dark: str | None = None
    name: str
    plugin_display_names: list[str] | None = []


class AppListUpdatedNotification(BaseModel, kw_only=True):
    data: list[AppInfo]


class AppMetadata(BaseModel, kw_only=True):
    categories: list[str] | None = None
    developer: str | None = None
    first_party_requires_install: bool | None = None
    review: AppReview | None = None
    screenshots: list[AppScreenshot] | None = None
    seo_description: str | None = None
    show_in_composer_when_unlinked: bool | None = None
    sub_categories: list[str] | None = None
    version: str | None = None
    version_id: str | None = None
    version_notes: str | None = None


class AppReview(BaseModel, kw_only=True):
    status: str


class AppScreenshot(BaseModel, kw_only=True):
    file_id: str | None = None
    url: str | None = None
    user_prompt: str


class ApplyPatchGuardianApprovalReviewAction(BaseModel, kw_only=True):
    cwd: AbsolutePathBuf
    files: list[AbsolutePathBuf]
    type: Literal["applyPatch"]


class AskForApproval(RootModel):
    root: AskForApprovalValue | GranularAskForApproval


class AsyncUserInputQuestion(BaseModel, kw_only=True, forbid_unknown_fields=True):
    options: list[str] | None = None
    title: str


class AudioUserInput(BaseModel, kw_only=True):
    type: Literal["audio"]
    url: str


class AuthRecoveryNotification(BaseModel, kw_only=True):
    message: str
    provider: str
    thread_id: str
    turn_id: str


class AutoReviewDecisionSource(RootModel):
    root: Literal["agent"]


class BemItemPromotedThreadRealtimeItem(BaseModel, kw_only=True, rename={"realtime_session_id": "realtimeSessionId"}):
    id: str
    realtime_session_id: str
    item_id: str
    presentation: ThreadRealtimeBemItemPresentation
    turn_id: str
    type: Literal["bemItemPromoted"]


class ByteRange(BaseModel, kw_only=True):
    end: int
    start: int


class CancelLoginAccountResponse(BaseModel, kw_only=True):
    status: CancelLoginAccountStatus


class ChatgptAccount(BaseModel, kw_only=True):
    email: str | None
    plan_type: PlanType
    type: Literal["chatgpt"]


class CodexErrorInfo(RootModel):
    root: (
        CodexErrorInfoValue
        | HttpConnectionFailedCodexErrorInfo
        | ResponseStreamConnectionFailedCodexErrorInfo
        | ResponseStreamDisconnectedCodexErrorInfo
        | ResponseTooManyFailedAttemptsCodexErrorInfo
        | ActiveTurnNotSteerableCodexErrorInfo
        | dict[str, Any]
    )


class CollabAgentState(BaseModel, kw_only=True):
    message: str | None = None
    status: CollabAgentStatus


class CollabAgentToolCallThreadItem(BaseModel, kw_only=True):
    agents_states: dict[str, CollabAgentState]
    id: str
    model: str | None = None
    prompt: str | None = None
    reasoning_effort: ReasoningEffort | None = None
    receiver_thread_ids: list[str]
    sender_thread_id: str
    status: CollabAgentToolCallStatus
    tool: CollabAgentTool
    type: Literal["collabAgentToolCall"]


class CollaborationMode(BaseModel, kw_only=True):
    mode: ModeKind
    settings: Settings


class CommandAction(RootModel):
    root: ReadCommandAction | ListFilesCommandAction | SearchCommandAction | UnknownCommandAction


class CommandExecOutputDeltaNotification(BaseModel, kw_only=True):
    cap_reached: bool
    delta_base64: str
    process_id: str
    stream: CommandExecOutputStream


class CommandExecutionOutputDeltaNotification(BaseModel, kw_only=True):
    delta: str
    item_id: str
    thread_id: str
    turn_id: str


class CommandExecutionThreadItem(BaseModel, kw_only=True):
    aggregated_output: str | None = None
    command: str
    command_actions: list[CommandAction]
    cwd: LegacyAppPathString
    duration_ms: int | None = None
    exit_code: int | None = None
    id: str
    plugin_id: str | None = None
    process_id: str | None = None
    script_path: str | None = None
    source: CommandExecutionSource | None = CommandExecutionSource.agent
    status: CommandExecutionStatus
    type: Literal["commandExecution"]


class CommandGuardianApprovalReviewAction(BaseModel, kw_only=True):
    command: str
    cwd: AbsolutePathBuf
    source: GuardianCommandSource
    type: Literal["command"]


class CompactionResponseItem(BaseModel, kw_only=True, rename="lower"):
    encrypted_content: str
    id: str | None = None
    internal_chat_message_metadata_passthrough: InternalChatMessageMetadataPassthrough | None = None
    type: Literal["compaction"]


class CompactionTriggerResponseItem(BaseModel, kw_only=True):
    type: Literal["compaction_trigger"]


class CompletedThreadPredictionResult(BaseModel, kw_only=True):
    text: str | None = None
    type: Literal["completed"]


class ConfigWarningNotification(BaseModel, kw_only=True):
    details: str | None = None
    path: str | None = None
    range: TextRange | None = None
    summary: str


class ConfigurationReasoning(BaseModel, kw_only=True):
    effort: ReasoningEffort


class ConfigurationUpdateResponseItem(BaseModel, kw_only=True):
    reasoning: ConfigurationReasoning
    type: Literal["configuration_update"]


class ContentItem(RootModel):
    root: (
        InputTextContentItem
        | InputImageContentItem
        | FileIdContentItem
        | InputAudioContentItem
        | OutputTextContentItem
    )


class ContextCompactedNotification(BaseModel, kw_only=True):
    thread_id: str
    turn_id: str


class ContextCompactionResponseItem(BaseModel, kw_only=True, rename="lower"):
    encrypted_content: str | None = None
    id: str | None = None
    internal_chat_message_metadata_passthrough: InternalChatMessageMetadataPassthrough | None = None
    type: Literal["context_compaction"]


class ContextCompactionThreadItem(BaseModel, kw_only=True):
    id: str
    type: Literal["contextCompaction"]


class CreditsSnapshot(BaseModel, kw_only=True):
    balance: str | None = None
    has_credits: bool
    unlimited: bool


class CustomSessionSource(BaseModel, kw_only=True, forbid_unknown_fields=True):
    custom: str


class CustomToolCallOutputResponseItem(BaseModel, kw_only=True, rename="lower"):
    call_id: str
    id: str | None = None
    internal_chat_message_metadata_passthrough: InternalChatMessageMetadataPassthrough | None = None
    name: str | None = None
    output: FunctionCallOutputBody
    type: Literal["custom_tool_call_output"]


class CustomToolCallResponseItem(BaseModel, kw_only=True, rename="lower"):
    call_id: str
    encrypted_content: str | None = None
    id: str | None = None
    input: str
    internal_chat_message_metadata_passthrough: InternalChatMessageMetadataPassthrough | None = None
    name: str
    namespace: str | None = None
    status: str | None = None
    type: Literal["custom_tool_call"]


class DangerFullAccessSandboxPolicy(BaseModel, kw_only=True):
    type: Literal["dangerFullAccess"]


class DeletePatchChangeKind(BaseModel, kw_only=True):
    type: Literal["delete"]


class DeprecationNoticeNotification(BaseModel, kw_only=True):
    details: str | None = None
    summary: str


class DesktopOnboardingEntrypoint(RootModel):
    root: Literal["life_sciences"]


class DynamicToolCallOutputContentItem(RootModel):
    root: (
        InputTextDynamicToolCallOutputContentItem
        | InputImageDynamicToolCallOutputContentItem
        | InputAudioDynamicToolCallOutputContentItem
    )


class DynamicToolCallThreadItem(BaseModel, kw_only=True):
    arguments: Any
    content_items: list[DynamicToolCallOutputContentItem] | None = None
    duration_ms: int | None = None
    id: str
    namespace: str | None = None
    status: DynamicToolCallStatus
    success: bool | None = None
    tool: str
    type: Literal["dynamicToolCall"]


class EncryptedContentAgentMessageInputContent(BaseModel, kw_only=True, rename="lower"):
    encrypted_content: str
    type: Literal["encrypted_content"]


class EncryptedContentFunctionCallOutputContentItem(BaseModel, kw_only=True, rename="lower"):
    encrypted_content: str
    type: Literal["encrypted_content"]


class EnteredReviewModeThreadItem(BaseModel, kw_only=True):
    id: str
    review: str
    type: Literal["enteredReviewMode"]


class EnvironmentConnectionNotification(BaseModel, kw_only=True):
    environment_id: str
    thread_id: str


class ErrorNotification(BaseModel, kw_only=True):
    error: TurnError
    thread_id: str
    turn_id: str
    will_retry: bool


class ExecLocalShellAction(BaseModel, kw_only=True, rename="lower"):
    command: list[str]
    env: dict[str, Any] | None = None
    timeout_ms: int | None = None
    type: Literal["exec"]
    user: str | None = None
    working_directory: str | None = None


class ExecveGuardianApprovalReviewAction(BaseModel, kw_only=True):
    argv: list[str]
    cwd: AbsolutePathBuf
    program: str
    source: GuardianCommandSource
    type: Literal["execve"]


class ExitedReviewModeThreadItem(BaseModel, kw_only=True):
    id: str
    review: str
    type: Literal["exitedReviewMode"]


class ExternalAgentConfigImportCompletedNotification(BaseModel, kw_only=True):
    import_id: str
    item_type_results: list[ExternalAgentConfigImportTypeResult]


class ExternalAgentConfigImportItemTypeFailure(BaseModel, kw_only=True):
    cwd: str | None = None
    error_type: str | None = None
    failure_stage: str
    item_type: ExternalAgentConfigMigrationItemType
    message: str
    source: str | None = None
    sub_error_type: str | None = None


class ExternalAgentConfigImportItemTypeSuccess(BaseModel, kw_only=True):
    cwd: str | None = None
    item_type: ExternalAgentConfigMigrationItemType
    source: str | None = None
    target: str | None = None
    title: str | None = None


class ExternalAgentConfigImportProgressNotification(BaseModel, kw_only=True):
    import_id: str
    item_type_results: list[ExternalAgentConfigImportTypeResult]


class ExternalAgentConfigImportTypeResult(BaseModel, kw_only=True):
    failures: list[ExternalAgentConfigImportItemTypeFailure]
    item_type: ExternalAgentConfigMigrationItemType
    successes: list[ExternalAgentConfigImportItemTypeSuccess]


class ExternalSandboxSandboxPolicy(BaseModel, kw_only=True):
    network_access: NetworkAccess | None = NetworkAccess.restricted
    type: Literal["externalSandbox"]


class FailedThreadPredictionResult(BaseModel, kw_only=True):
    type: Literal["failed"]


class FileChangeOutputDeltaNotification(BaseModel, kw_only=True):
    delta: str
    item_id: str
    thread_id: str
    turn_id: str


class FileChangePatchUpdatedNotification(BaseModel, kw_only=True):
    changes: list[FileUpdateChange]
    item_id: str
    thread_id: str
    turn_id: str


class FileChangeThreadItem(BaseModel, kw_only=True):
    changes: list[FileUpdateChange]
    id: str
    status: PatchApplyStatus
    type: Literal["fileChange"]


class FileIdContentItem(BaseModel, kw_only=True, rename="lower"):
    detail: ImageDetail | None = None
    type: Literal["input_image"]
    file_id: str


class FileIdFunctionCallOutputContentItem(BaseModel, kw_only=True, rename="lower"):
    detail: ImageDetail | None = None
    type: Literal["input_image"]
    file_id: str


class FileIdUserInput(BaseModel, kw_only=True):
    detail: ImageDetail | None = None
    type: Literal["image"]
    file_id: str


class FileSystemPath(RootModel):
    root: PathFileSystemPath | GlobPatternFileSystemPath | SpecialFileSystemPath


class FileSystemSandboxEntry(BaseModel, kw_only=True):
    access: FileSystemAccessMode
    path: FileSystemPath


class FileSystemSpecialPath(RootModel):
    root: (
        RootFileSystemSpecialPath
        | MinimalFileSystemSpecialPath
        | KindFileSystemSpecialPath
        | TmpdirFileSystemSpecialPath
        | SlashTmpFileSystemSpecialPath
        | FileSystemSpecialPath1
    )


class FileSystemSpecialPath1(BaseModel, kw_only=True):
    kind: Literal["unknown"]
    path: str
    subpath: LegacyAppPathString | None = None


class FileUpdateChange(BaseModel, kw_only=True):
    diff: str
    kind: PatchChangeKind
    path: str


class FindInPageResponsesApiWebSearchAction(BaseModel, kw_only=True):
    pattern: str | None = None
    type: Literal["find_in_page"]
    url: str | None = None


class FindInPageWebSearchAction(BaseModel, kw_only=True):
    pattern: str | None = None
    type: Literal["findInPage"]
    url: str | None = None


class FsChangedNotification(BaseModel, kw_only=True):
    changed_paths: list[AbsolutePathBuf]
    watch_id: str


class FunctionCallOutputBody(RootModel):
    root: str | list[FunctionCallOutputContentItem]


class FunctionCallOutputContentItem(RootModel):
    root: (
        InputTextFunctionCallOutputContentItem
        | InputImageFunctionCallOutputContentItem
        | FileIdFunctionCallOutputContentItem
        | InputAudioFunctionCallOutputContentItem
        | EncryptedContentFunctionCallOutputContentItem
    )


class FunctionCallOutputResponseItem(BaseModel, kw_only=True, rename="lower"):
    call_id: str | None = None
    id: str | None = None
    internal_chat_message_metadata_passthrough: InternalChatMessageMetadataPassthrough | None = None
    name: str | None = None
    namespace: str | None = None
    output: FunctionCallOutputBody
    type: Literal["function_call_output"]


class FunctionCallOutputThreadItem(BaseModel, kw_only=True):
    id: str
    name: str
    namespace: str | None = None
    output: FunctionCallOutputBody
    type: Literal["functionCallOutput"]


class FunctionCallResponseItem(BaseModel, kw_only=True, rename="lower"):
    arguments: str
    call_id: str
    encrypted_content: str | None = None
    encrypted_function_args: list[str] | None = None
    id: str | None = None
    internal_chat_message_metadata_passthrough: InternalChatMessageMetadataPassthrough | None = None
    name: str
    namespace: str | None = None
    status: str | None = None
    type: Literal["function_call"]


class FuzzyFileSearchResult(RootModel):
    root: str


class FuzzyFileSearchSessionCompletedNotification(BaseModel, kw_only=True):
    session_id: str


class FuzzyFileSearchSessionUpdatedNotification(BaseModel, kw_only=True):
    files: list[FuzzyFileSearchResult]
    query: str
    session_id: str


class GatewayOAuthChangedNotification(BaseModel, kw_only=True):
    auth_url: str | None = None
    error: str | None = None
    provider_id: str
    status: GatewayOAuthStatus


class GetAccountResponse(BaseModel, kw_only=True):
    account: Account | None = None
    requires_openai_auth: bool


class GitInfo(BaseModel, kw_only=True):
    branch: str | None = None
    origin_url: str | None = None
    sha: str | None = None


class GlobPatternFileSystemPath(BaseModel, kw_only=True):
    pattern: str
    type: Literal["glob_pattern"]


class Granular(BaseModel, kw_only=True, rename="lower"):
    mcp_elicitations: bool
    request_permissions: bool | None = False
    rules: bool
    sandbox_approval: bool
    skill_approval: bool | None = False


class GranularAskForApproval(BaseModel, kw_only=True, forbid_unknown_fields=True):
    granular: Granular


class GuardianApprovalReview(BaseModel, kw_only=True):
    rationale: str | None = None
    risk_level: GuardianRiskLevel | None = None
    status: GuardianApprovalReviewStatus
    user_authorization: GuardianUserAuthorization | None = None


class GuardianApprovalReviewAction(RootModel):
    root: (
        CommandGuardianApprovalReviewAction
        | ExecveGuardianApprovalReviewAction
        | WriteStdinGuardianApprovalReviewAction
        | ApplyPatchGuardianApprovalReviewAction
        | NetworkAccessGuardianApprovalReviewAction
        | McpToolCallGuardianApprovalReviewAction
        | RequestPermissionsGuardianApprovalReviewAction
    )


class GuardianWarningNotification(BaseModel, kw_only=True):
    message: str
    thread_id: str


class HookCompletedNotification(BaseModel, kw_only=True):
    run: HookRunSummary
    thread_id: str
    turn_id: str | None = None


class HookOutputEntry(BaseModel, kw_only=True):
    kind: HookOutputEntryKind
    text: str


class HookPromptFragment(BaseModel, kw_only=True):
    hook_run_id: str
    text: str


class HookPromptThreadItem(BaseModel, kw_only=True):
    fragments: list[HookPromptFragment]
    id: str
    type: Literal["hookPrompt"]


class HookRunSummary(BaseModel, kw_only=True):
    completed_at: int | None = None
    display_order: int
    duration_ms: int | None = None
    entries: list[HookOutputEntry]
    event_name: HookEventName
    execution_mode: HookExecutionMode
    handler_type: HookHandlerType
    id: str
    scope: HookScope
    source: HookSource | None = HookSource.unknown
    source_path: AbsolutePathBuf
    started_at: int
    status: HookRunStatus
    status_message: str | None = None


class HookStartedNotification(BaseModel, kw_only=True):
    run: HookRunSummary
    thread_id: str
    turn_id: str | None = None


class HttpConnectionFailed(BaseModel, kw_only=True):
    http_status_code: int | None = None


class HttpConnectionFailedCodexErrorInfo(BaseModel, kw_only=True, forbid_unknown_fields=True):
    http_connection_failed: HttpConnectionFailed


class IdleThreadStatus(BaseModel, kw_only=True):
    type: Literal["idle"]


class ImageGenerationCallResponseItem(BaseModel, kw_only=True, rename="lower"):
    encrypted_content: str | None = None
    id: str | None = None
    internal_chat_message_metadata_passthrough: InternalChatMessageMetadataPassthrough | None = None
    result: str
    revised_prompt: str | None = None
    status: str
    type: Literal["image_generation_call"]


class ImageGenerationFailure(RootModel):
    root: UsageLimitExceededImageGenerationFailure


class ImageGenerationThreadItem(BaseModel, kw_only=True):
    failure: ImageGenerationFailure | None = None
    id: str
    result: str
    revised_prompt: str | None = None
    saved_path: AbsolutePathBuf | None = None
    status: str
    transparent_background: bool | None = None
    type: Literal["imageGeneration"]


class ImageUserInput(BaseModel, kw_only=True):
    detail: ImageDetail | None = None
    type: Literal["image"]
    url: str


class ImageViewThreadItem(BaseModel, kw_only=True):
    id: str
    path: LegacyAppPathString
    type: Literal["imageView"]


class Indice(RootModel):
    root: int


class InitializeResponse(BaseModel, kw_only=True):
    serverInfo: ServerInfo | None = None
    userAgent: str | None = None
    platformFamily: str | None = None
    platformOs: str | None = None


class InlineMarkdownThreadRealtimeBemItemPresentation(BaseModel, kw_only=True):
    type: Literal["inlineMarkdown"]


class InlineVisualizationThreadRealtimeBemItemPresentation(BaseModel, kw_only=True):
    index: int
    type: Literal["inlineVisualization"]


class InputAudioContentItem(BaseModel, kw_only=True, rename="lower"):
    audio_url: str
    type: Literal["input_audio"]


class InputAudioDynamicToolCallOutputContentItem(BaseModel, kw_only=True):
    audio_url: str
    type: Literal["inputAudio"]


class InputAudioFunctionCallOutputContentItem(BaseModel, kw_only=True, rename="lower"):
    audio_url: str
    type: Literal["input_audio"]


class InputImageContentItem(BaseModel, kw_only=True, rename="lower"):
    detail: ImageDetail | None = None
    type: Literal["input_image"]
    image_url: str


class InputImageDynamicToolCallOutputContentItem(BaseModel, kw_only=True):
    image_url: str
    type: Literal["inputImage"]


class InputImageFunctionCallOutputContentItem(BaseModel, kw_only=True, rename="lower"):
    detail: ImageDetail | None = None
    type: Literal["input_image"]
    image_url: str


class InputTextAgentMessageInputContent(BaseModel, kw_only=True):
    text: str
    type: Literal["input_text"]


class InputTextContentItem(BaseModel, kw_only=True):
    text: str
    type: Literal["input_text"]


class InputTextDynamicToolCallOutputContentItem(BaseModel, kw_only=True):
    text: str
    type: Literal["inputText"]


class InputTextFunctionCallOutputContentItem(BaseModel, kw_only=True):
    text: str
    type: Literal["input_text"]


class InternalChatMessageMetadataPassthrough(BaseModel, kw_only=True, rename="lower"):
    turn_id: str | None = None


class ItemCompletedNotification(BaseModel, kw_only=True):
    completed_at_ms: int
    item: ThreadItem
    thread_id: str
    turn_id: str


class ItemGuardianApprovalReviewCompletedNotification(BaseModel, kw_only=True):
    action: GuardianApprovalReviewAction
    completed_at_ms: int
    decision_source: AutoReviewDecisionSource
    review: GuardianApprovalReview
    review_id: str
    started_at_ms: int
    target_item_id: str | None = None
    thread_id: str
    turn_id: str


class ItemGuardianApprovalReviewStartedNotification(BaseModel, kw_only=True):
    action: GuardianApprovalReviewAction
    review: GuardianApprovalReview
    review_id: str
    started_at_ms: int
    target_item_id: str | None = None
    thread_id: str
    turn_id: str


class ItemStartedNotification(BaseModel, kw_only=True):
    item: ThreadItem
    started_at_ms: int
    thread_id: str
    turn_id: str


class KindFileSystemSpecialPath(BaseModel, kw_only=True):
    kind: Literal["project_roots"]
    subpath: LegacyAppPathString | None = None


class LegacyAppPathString(RootModel):
    root: str


class ListFilesCommandAction(BaseModel, kw_only=True):
    command: str
    path: str | None = None
    type: Literal["listFiles"]


class LocalAudioUserInput(BaseModel, kw_only=True):
    path: str
    type: Literal["localAudio"]


class LocalImageUserInput(BaseModel, kw_only=True):
    detail: ImageDetail | None = None
    path: str
    type: Literal["localImage"]


class LocalShellAction(RootModel):
    root: ExecLocalShellAction


class LocalShellCallResponseItem(BaseModel, kw_only=True, rename="lower"):
    action: LocalShellAction
    call_id: str | None = None
    encrypted_content: str | None = None
    id: str | None = None
    internal_chat_message_metadata_passthrough: InternalChatMessageMetadataPassthrough | None = None
    status: LocalShellStatus
    type: Literal["local_shell_call"]


class McpAppUi(BaseModel, kw_only=True):
    preferred_model_display_mode: McpAppDisplayMode
    resource_uri: str


class McpServerEventNotification(BaseModel, kw_only=True):
    method: str
    params: Any


class McpServerEventStreamNotification(BaseModel, kw_only=True):
    notification: McpServerEventNotification
    subscription_id: str


class McpServerOauthLoginCompletedNotification(BaseModel, kw_only=True):
    error: str | None = None
    login_id: str | None = None
    name: str
    success: bool
    thread_id: str | None = None


class McpServerStartupFailureReason(RootModel):
    root: Literal["reauthenticationRequired"]


class McpServerStatusUpdatedNotification(BaseModel, kw_only=True):
    error: str | None = None
    failure_reason: McpServerStartupFailureReason | None = None
    name: str
    status: McpServerStartupState
    thread_id: str | None = None


class McpToolCallAppContext(BaseModel, kw_only=True):
    action_name: str | None = None
    app_name: str | None = None
    connector_id: str
    link_id: str | None = None
    resource_uri: str | None = None


class McpToolCallError(BaseModel, kw_only=True):
    message: str


class McpToolCallGuardianApprovalReviewAction(BaseModel, kw_only=True):
    connector_id: str | None = None
    connector_name: str | None = None
    server: str
    tool_name: str
    tool_title: str | None = None
    type: Literal["mcpToolCall"]


class McpToolCallProgressNotification(BaseModel, kw_only=True):
    item_id: str
    message: str
    thread_id: str
    turn_id: str


class McpToolCallResult(BaseModel, kw_only=True, rename={"field_meta": "_meta", "structured_content": "structuredContent"}):
    field_meta: Any | None = None
    content: list[Any]
    structured_content: Any | None = None


class McpToolCallThreadItem(BaseModel, kw_only=True):
    app_context: McpToolCallAppContext | None = None
    arguments: Any
    duration_ms: int | None = None
    error: McpToolCallError | None = None
    id: str
    mcp_app_resource_uri: str | None = None
    mcp_app_ui: McpAppUi | None = None
    plugin_id: str | None = None
    read_only_hint: bool | None = None
    result: McpToolCallResult | None = None
    server: str
    status: McpToolCallStatus
    tool: str
    type: Literal["mcpToolCall"]


class MemoryCitation(BaseModel, kw_only=True):
    entries: list[MemoryCitationEntry]
    thread_ids: list[str]


class MemoryCitationEntry(BaseModel, kw_only=True):
    line_end: int
    line_start: int
    note: str
    path: str


class MentionUserInput(BaseModel, kw_only=True):
    name: str
    path: str
    type: Literal["mention"]


class MessageResponseItem(BaseModel, kw_only=True, rename="lower"):
    content: list[ContentItem]
    encrypted_content: str | None = None
    id: str | None = None
    internal_chat_message_metadata_passthrough: InternalChatMessageMetadataPassthrough | None = None
    phase: MessagePhase | None = None
    role: str
    status: str | None = None
    type: Literal["message"]


class MinimalFileSystemSpecialPath(BaseModel, kw_only=True):
    kind: Literal["minimal"]


class MisalignmentErrorDetails(BaseModel, kw_only=True):
    detailed_explanation: str | None = None
    error_type: str | None = None
    review_target: str | None = None
    steer: MisalignmentSteer | None = None


class MisalignmentSteer(BaseModel, kw_only=True):
    message: str


class Model(BaseModel, kw_only=True):
    additional_speed_tiers: list[str] | None = []
    availability_nux: ModelAvailabilityNux | None = None
    available_access_programs: ModelAccessPrograms | None = None
    default_reasoning_effort: ReasoningEffort
    default_service_tier: str | None = None
    description: str
    display_name: str
    hidden: bool
    id: str
    input_modalities: list[InputModality] | None = msgspec.field(default_factory=lambda: [InputModality.text, InputModality.image])
    is_default: bool
    model: str
    model_specialty: str | None = None
    multi_agent_version: MultiAgentVersion | None = None
    service_tiers: list[ModelServiceTier] | None = []
    supported_reasoning_efforts: list[ReasoningEffortOption]
    supports_personality: bool | None = False
    upgrade: str | None = None
    upgrade_info: ModelUpgradeInfo | None = None


class ModelAccessPrograms(BaseModel, kw_only=True):
    cyber: list[CyberAccessProgram]


class ModelAvailabilityNux(BaseModel, kw_only=True):
    message: str


class ModelListResponse(BaseModel, kw_only=True):
    data: list[Model]
    next_cursor: str | None = None


class ModelRerouteReason(RootModel):
    root: Literal["highRiskCyberActivity"]


class ModelReroutedNotification(BaseModel, kw_only=True):
    from_model: str
    reason: ModelRerouteReason
    thread_id: str
    to_model: str
    turn_id: str


class ModelSafetyBufferingUpdatedNotification(BaseModel, kw_only=True):
    faster_model: str | None = None
    model: str
    reasons: list[str]
    show_buffering_ui: bool
    thread_id: str
    turn_id: str
    use_cases: list[str]


class ModelServiceTier(BaseModel, kw_only=True):
    description: str
    id: str
    name: str


class ModelUpgradeInfo(BaseModel, kw_only=True):
    migration_markdown: str | None = None
    model: str
    model_link: str | None = None
    retirement_at: int | None = None
    upgrade_copy: str | None = None


class ModelVerification(RootModel):
    root: Literal["trustedAccessForCyber"]


class ModelVerificationNotification(BaseModel, kw_only=True):
    thread_id: str
    turn_id: str
    verifications: list[ModelVerification]


class NetworkAccessGuardianApprovalReviewAction(BaseModel, kw_only=True):
    host: str
    port: int
    protocol: NetworkApprovalProtocol
    target: str
    type: Literal["networkAccess"]


class NotLoadedThreadStatus(BaseModel, kw_only=True):
    type: Literal["notLoaded"]


class OpenPageResponsesApiWebSearchAction(BaseModel, kw_only=True):
    type: Literal["open_page"]
    url: str | None = None


class OpenPageWebSearchAction(BaseModel, kw_only=True):
    type: Literal["openPage"]
    url: str | None = None


class OtherResponseItem(BaseModel, kw_only=True):
    type: Literal["other"]


class OtherResponsesApiWebSearchAction(BaseModel, kw_only=True):
    type: Literal["other"]


class OtherSubAgentSource(BaseModel, kw_only=True, forbid_unknown_fields=True):
    other: str


class OtherWebSearchAction(BaseModel, kw_only=True):
    type: Literal["other"]


class OutputTextContentItem(BaseModel, kw_only=True):
    annotations: list[Any] | None = None
    logprobs: list[Any] | None = None
    text: str
    type: Literal["output_text"]


class PatchChangeKind(RootModel):
    root: AddPatchChangeKind | DeletePatchChangeKind | UpdatePatchChangeKind


class PathFileSystemPath(BaseModel, kw_only=True):
    path: LegacyAppPathString
    type: Literal["path"]


class PlanDeltaNotification(BaseModel, kw_only=True):
    delta: str
    item_id: str
    thread_id: str
    turn_id: str


class PlanThreadItem(BaseModel, kw_only=True):
    id: str
    text: str
    type: Literal["plan"]


class ProcessExitedNotification(BaseModel, kw_only=True):
    exit_code: int
    process_handle: str
    stderr: str
    stderr_cap_reached: bool
    stdout: str
    stdout_cap_reached: bool


class ProcessOutputDeltaNotification(BaseModel, kw_only=True):
    cap_reached: bool
    delta_base64: str
    process_handle: str
    stream: ProcessOutputStream


class ProjectChangedNotification(BaseModel, kw_only=True):
    change_type: ProjectChangeType
    project_id: str


class RateLimitSnapshot(BaseModel, kw_only=True):
    credits: CreditsSnapshot | None = None
    individual_limit: SpendControlLimitSnapshot | None = None
    limit_id: str | None = None
    limit_name: str | None = None
    normal_model_slug: str | None = None
    plan_type: PlanType | None = None
    primary: RateLimitWindow | None = None
    rate_limit_reached_type: RateLimitReachedType | None = None
    secondary: RateLimitWindow | None = None
    spend_control_reached: bool | None = None


class RateLimitWindow(BaseModel, kw_only=True):
    resets_at: int | None = None
    used_percent: int
    window_duration_mins: int | None = None


class RawResponseItemCompletedNotification(BaseModel, kw_only=True):
    item: ResponseItem
    thread_id: str
    turn_id: str


class ReadCommandAction(BaseModel, kw_only=True):
    command: str
    name: str
    path: LegacyAppPathString
    type: Literal["read"]


class ReadOnlySandboxPolicy(BaseModel, kw_only=True):
    network_access: bool | None = False
    type: Literal["readOnly"]


class RealtimeSessionClosedThreadRealtimeItem(BaseModel, kw_only=True):
    id: str
    realtime_session_id: str
    outcome: ThreadRealtimeSessionOutcome
    type: Literal["realtimeSessionClosed"]


class RealtimeSessionStartedThreadRealtimeItem(BaseModel, kw_only=True):
    id: str
    realtime_session_id: str
    type: Literal["realtimeSessionStarted"]


class ReasoningEffortOption(BaseModel, kw_only=True):
    description: str
    reasoning_effort: ReasoningEffort


class ReasoningItemContent(RootModel):
    root: ReasoningTextReasoningItemContent | TextReasoningItemContent


class ReasoningItemReasoningSummary(RootModel):
    root: SummaryTextReasoningItemReasoningSummary


class ReasoningResponseItem(BaseModel, kw_only=True, rename="lower"):
    content: list[ReasoningItemContent] | None = None
    encrypted_content: str | None = None
    id: str | None = None
    internal_chat_message_metadata_passthrough: InternalChatMessageMetadataPassthrough | None = None
    summary: list[ReasoningItemReasoningSummary]
    type: Literal["reasoning"]


class ReasoningSummary(RootModel):
    root: ReasoningSummaryValue | Literal["none"]


class ReasoningSummaryPartAddedNotification(BaseModel, kw_only=True):
    item_id: str
    summary_index: int
    thread_id: str
    turn_id: str


class ReasoningSummaryTextDeltaNotification(BaseModel, kw_only=True):
    delta: str
    item_id: str
    summary_index: int
    thread_id: str
    turn_id: str


class ReasoningTextDeltaNotification(BaseModel, kw_only=True):
    content_index: int
    delta: str
    item_id: str
    thread_id: str
    turn_id: str


class ReasoningTextReasoningItemContent(BaseModel, kw_only=True):
    text: str
    type: Literal["reasoning_text"]


class ReasoningThreadItem(BaseModel, kw_only=True):
    content: list[str] | None = []
    id: str
    summary: list[str] | None = []
    type: Literal["reasoning"]


class RemoteControlStatusChangedNotification(BaseModel, kw_only=True):
    environment_id: str | None = None
    installation_id: str
    server_name: str
    status: RemoteControlConnectionStatus


class RequestId(RootModel):
    root: str | int


class RequestPermissionProfile(BaseModel, kw_only=True, forbid_unknown_fields=True):
    file_system: AdditionalFileSystemPermissions | None = None
    network: AdditionalNetworkPermissions | None = None


class RequestPermissionsGuardianApprovalReviewAction(BaseModel, kw_only=True):
    permissions: RequestPermissionProfile
    reason: str | None = None
    type: Literal["requestPermissions"]


class ResponseItem(RootModel):
    root: (
        AdditionalToolsResponseItem
        | MessageResponseItem
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
        | ConfigurationUpdateResponseItem
        | CompactionTriggerResponseItem
        | ContextCompactionResponseItem
        | OtherResponseItem
    )


class ResponseStreamConnectionFailed(BaseModel, kw_only=True):
    http_status_code: int | None = None


class ResponseStreamConnectionFailedCodexErrorInfo(BaseModel, kw_only=True, forbid_unknown_fields=True):
    response_stream_connection_failed: ResponseStreamConnectionFailed


class ResponseStreamDisconnected(BaseModel, kw_only=True):
    http_status_code: int | None = None


class ResponseStreamDisconnectedCodexErrorInfo(BaseModel, kw_only=True, forbid_unknown_fields=True):
    response_stream_disconnected: ResponseStreamDisconnected


class ResponseTooManyFailedAttempts(BaseModel, kw_only=True):
    http_status_code: int | None = None


class ResponseTooManyFailedAttemptsCodexErrorInfo(BaseModel, kw_only=True, forbid_unknown_fields=True):
    response_too_many_failed_attempts: ResponseTooManyFailedAttempts


class ResponsesApiWebSearchAction(RootModel):
    root: (
        SearchResponsesApiWebSearchAction
        | OpenPageResponsesApiWebSearchAction
        | FindInPageResponsesApiWebSearchAction
        | OtherResponsesApiWebSearchAction
    )


class RootFileSystemSpecialPath(BaseModel, kw_only=True):
    kind: Literal["root"]


class SandboxPolicy(RootModel):
    root: (
        DangerFullAccessSandboxPolicy
        | ReadOnlySandboxPolicy
        | ExternalSandboxSandboxPolicy
        | WorkspaceWriteSandboxPolicy
    )


class SearchCommandAction(BaseModel, kw_only=True):
    command: str
    path: str | None = None
    query: str | None = None
    type: Literal["search"]


class SearchResponsesApiWebSearchAction(BaseModel, kw_only=True):
    queries: list[str] | None = None
    query: str | None = None
    type: Literal["search"]


class SearchWebSearchAction(BaseModel, kw_only=True):
    queries: list[str] | None = None
    query: str | None = None
    type: Literal["search"]


class ServerInfo(BaseModel, kw_only=True):
    name: str | None = None
    version: str | None = None


class ServerRequestResolvedNotification(BaseModel, kw_only=True):
    request_id: RequestId
    thread_id: str


class SessionSource(RootModel):
    root: SessionSourceValue | CustomSessionSource | SubAgentSessionSource


class Settings(BaseModel, kw_only=True, rename="lower"):
    developer_instructions: str | None = None
    model: str
    reasoning_effort: ReasoningEffort | None = None


class SkillUserInput(BaseModel, kw_only=True):
    name: str
    path: str
    type: Literal["skill"]


class SkillsChangedNotification(BaseModel, kw_only=True):
    pass


class SlashTmpFileSystemSpecialPath(BaseModel, kw_only=True):
    kind: Literal["slash_tmp"]


class SleepThreadItem(BaseModel, kw_only=True):
    duration_ms: int
    id: str
    type: Literal["sleep"]


class SpecialFileSystemPath(BaseModel, kw_only=True):
    type: Literal["special"]
    value: FileSystemSpecialPath


class SpendControlLimitSnapshot(BaseModel, kw_only=True):
    limit: str
    remaining_percent: int
    resets_at: int
    used: str


class StrictReviewRequiredNotification(BaseModel, kw_only=True):
    started_at_ms: int
    thread_id: str
    turn_id: str


class SubAgentActivityThreadItem(BaseModel, kw_only=True):
    agent_path: str
    agent_thread_id: str
    id: str
    kind: SubAgentActivityKind
    model: str | None = None
    reasoning_effort: ReasoningEffort | None = None
    type: Literal["subAgentActivity"]


class SubAgentSessionSource(BaseModel, kw_only=True, forbid_unknown_fields=True):
    sub_agent: SubAgentSource


class SubAgentSource(RootModel):
    root: SubAgentSourceValue | ThreadSpawnSubAgentSource | OtherSubAgentSource


class SummaryTextReasoningItemReasoningSummary(BaseModel, kw_only=True):
    text: str
    type: Literal["summary_text"]


class SystemErrorThreadStatus(BaseModel, kw_only=True):
    type: Literal["systemError"]


class TerminalInteractionNotification(BaseModel, kw_only=True):
    item_id: str
    process_id: str
    stdin: str
    thread_id: str
    turn_id: str


class TextElement(BaseModel, kw_only=True):
    byte_range: ByteRange
    placeholder: str | None = None


class TextPosition(BaseModel, kw_only=True):
    column: int
    line: int


class TextRange(BaseModel, kw_only=True):
    end: TextPosition
    start: TextPosition


class TextReasoningItemContent(BaseModel, kw_only=True):
    text: str
    type: Literal["text"]


class TextUserInput(BaseModel, kw_only=True, rename="lower"):
    text: str
    text_elements: list[TextElement] | None = []
    type: Literal["text"]


class Thread(BaseModel, kw_only=True):
    agent_nickname: str | None = None
    agent_role: str | None = None
    cli_version: str
    created_at: int
    cwd: AbsolutePathBuf
    ephemeral: bool
    forked_from_id: str | None = None
    git_info: GitInfo | None = None
    history_mode: ThreadHistoryMode | None = ThreadHistoryMode.legacy
    id: str
    model: str | None = None
    model_provider: str
    name: str | None = None
    originator: str | None = None
    parent_thread_id: str | None = None
    path: str | None = None
    preview: str
    project_id: str | None = None
    reasoning_effort: ReasoningEffort | None = None
    recency_at: int | None = None
    section: ThreadSection | None = None
    section_entered_at: int | None = None
    session_id: str
    source: SessionSource
    status: ThreadStatus
    thread_source: ThreadSource | None = None
    turns: list[Turn]
    updated_at: int


class ThreadArchiveResponse(BaseModel, kw_only=True):
    pass


class ThreadArchivedNotification(BaseModel, kw_only=True):
    thread_id: str


class ThreadAttachmentUpdatedNotification(BaseModel, kw_only=True):
    attachment_id: str
    attachment_type: str
    identity_key: str
    operation: ThreadAttachmentOperation
    thread_id: str


class ThreadClosedNotification(BaseModel, kw_only=True):
    thread_id: str


class ThreadCompactStartResponse(BaseModel, kw_only=True):
    pass


class ThreadDeletedNotification(BaseModel, kw_only=True):
    thread_id: str


class ThreadGoal(BaseModel, kw_only=True):
    created_at: int
    objective: str
    status: ThreadGoalStatus
    thread_id: str
    time_used_seconds: int
    token_budget: int | None = None
    tokens_used: int
    updated_at: int


class ThreadGoalClearedNotification(BaseModel, kw_only=True):
    thread_id: str


class ThreadGoalUpdatedNotification(BaseModel, kw_only=True):
    goal: ThreadGoal
    thread_id: str
    turn_id: str | None = None


class ThreadId(RootModel):
    root: str


class ThreadItem(RootModel):
    root: (
        UserMessageThreadItem
        | HookPromptThreadItem
        | AgentMessageThreadItem
        | FunctionCallOutputThreadItem
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
    )


class ThreadListCwdFilter(RootModel):
    root: str | list[str]


class ThreadListResponse(BaseModel, kw_only=True):
    backwards_cursor: str | None = None
    data: list[Thread]
    next_cursor: str | None = None


class ThreadNameUpdatedNotification(BaseModel, kw_only=True):
    thread_id: str
    thread_name: str | None = None


class ThreadPredictionResult(RootModel):
    root: CompletedThreadPredictionResult | FailedThreadPredictionResult


class ThreadPredictionUpdatedNotification(BaseModel, kw_only=True):
    result: ThreadPredictionResult
    source_turn_id: str
    thread_id: str


class ThreadProjectUpdatedNotification(BaseModel, kw_only=True):
    project_id: str | None = None
    thread_id: str


class ThreadQueueChangedNotification(BaseModel, kw_only=True):
    thread_id: str


class ThreadReadResponse(BaseModel, kw_only=True):
    thread: Thread


class ThreadReadState(BaseModel, kw_only=True):
    first_unread: ThreadUnreadPosition | None = None
    revision: str


class ThreadReadStateChangedNotification(BaseModel, kw_only=True):
    read_state: ThreadReadState
    thread_id: str


class ThreadRealtimeAudioChunk(BaseModel, kw_only=True):
    data: str
    item_id: str | None = None
    num_channels: int
    sample_rate: int
    samples_per_channel: int | None = None


class ThreadRealtimeBemItemPresentation(RootModel):
    root: (
        WholeItemThreadRealtimeBemItemPresentation
        | InlineMarkdownThreadRealtimeBemItemPresentation
        | InlineVisualizationThreadRealtimeBemItemPresentation
    )


class ThreadRealtimeClosedNotification(BaseModel, kw_only=True):
    reason: str | None = None
    thread_id: str


class ThreadRealtimeErrorNotification(BaseModel, kw_only=True):
    message: str
    thread_id: str


class ThreadRealtimeItem(RootModel):
    root: (
        RealtimeSessionStartedThreadRealtimeItem
        | TranscriptSegmentThreadRealtimeItem
        | BemItemPromotedThreadRealtimeItem
        | RealtimeSessionClosedThreadRealtimeItem
    )


class ThreadRealtimeItemAddedNotification(BaseModel, kw_only=True):
    item: Any
    thread_id: str


class ThreadRealtimeItemCompletedNotification(BaseModel, kw_only=True):
    item: ThreadRealtimeItem
    thread_id: str


class ThreadRealtimeItemStartedNotification(BaseModel, kw_only=True):
    item: ThreadRealtimeItem
    thread_id: str


class ThreadRealtimeItemTranscriptDeltaNotification(BaseModel, kw_only=True):
    delta: str
    item_id: str
    thread_id: str


class ThreadRealtimeOutputAudioDeltaNotification(BaseModel, kw_only=True):
    audio: ThreadRealtimeAudioChunk
    thread_id: str


class ThreadRealtimeSdpNotification(BaseModel, kw_only=True):
    sdp: str
    thread_id: str


class ThreadRealtimeStartedNotification(BaseModel, kw_only=True):
    realtime_session_id: str | None = None
    thread_id: str
    version: RealtimeConversationVersion


class ThreadRealtimeTranscriptDeltaNotification(BaseModel, kw_only=True):
    delta: str
    role: str
    thread_id: str


class ThreadRealtimeTranscriptDoneNotification(BaseModel, kw_only=True):
    role: str
    text: str
    thread_id: str


class ThreadRevertedNotification(BaseModel, kw_only=True):
    thread_id: str


class ThreadSection(BaseModel, kw_only=True):
    appearance: ThreadSectionAppearance | None = None
    id: str
    name: str


class ThreadSectionAppearance(BaseModel, kw_only=True):
    color: str | None = None
    icon: str | None = None


class ThreadSetNameResponse(BaseModel, kw_only=True):
    pass


class ThreadSettings(BaseModel, kw_only=True):
    active_permission_profile: ActivePermissionProfile | None = None
    approval_policy: AskForApproval
    approvals_reviewer: ApprovalsReviewer
    collaboration_mode: CollaborationMode
    cwd: AbsolutePathBuf
    disabled_plugin_ids: list[str] | None = []
    effort: ReasoningEffort | None = None
    model: str
    model_provider: str
    personality: Personality | None = None
    sandbox_policy: SandboxPolicy
    service_tier: str | None = None
    summary: ReasoningSummary | None = None


class ThreadSettingsUpdatedNotification(BaseModel, kw_only=True):
    thread_id: str
    thread_settings: ThreadSettings


class ThreadSpawn(BaseModel, kw_only=True, rename="lower"):
    agent_nickname: str | None = None
    agent_path: AgentPath | None = None
    agent_role: str | None = None
    depth: int
    parent_thread_id: ThreadId


class ThreadSpawnSubAgentSource(BaseModel, kw_only=True, rename="lower", forbid_unknown_fields=True):
    thread_spawn: ThreadSpawn


class ThreadStartThreadUnreadPosition(BaseModel, kw_only=True):
    type: Literal["threadStart"]


class ThreadStartedNotification(BaseModel, kw_only=True):
    thread: Thread


class ThreadStatus(RootModel):
    root: NotLoadedThreadStatus | IdleThreadStatus | SystemErrorThreadStatus | ActiveThreadStatus


class ThreadStatusChangedNotification(BaseModel, kw_only=True):
    status: ThreadStatus
    thread_id: str


class ThreadTokenUsage(BaseModel, kw_only=True):
    last: TokenUsageBreakdown
    model_context_window: int | None = None
    total: TokenUsageBreakdown


class ThreadTokenUsageUpdatedNotification(BaseModel, kw_only=True):
    thread_id: str
    token_usage: ThreadTokenUsage
    turn_id: str


class ThreadUnarchivedNotification(BaseModel, kw_only=True):
    thread_id: str


class ThreadUnreadPosition(RootModel):
    root: ThreadStartThreadUnreadPosition | TurnThreadUnreadPosition


class TmpdirFileSystemSpecialPath(BaseModel, kw_only=True):
    kind: Literal["tmpdir"]


class TokenUsageBreakdown(BaseModel, kw_only=True):
    cache_write_input_tokens: int | None = 0
    cached_input_tokens: int
    input_tokens: int
    output_tokens: int
    reasoning_output_tokens: int
    total_tokens: int


class ToolSearchCallResponseItem(BaseModel, kw_only=True, rename="lower"):
    arguments: Any
    call_id: str | None = None
    encrypted_content: str | None = None
    execution: str
    id: str | None = None
    internal_chat_message_metadata_passthrough: InternalChatMessageMetadataPassthrough | None = None
    status: str | None = None
    type: Literal["tool_search_call"]


class ToolSearchOutputResponseItem(BaseModel, kw_only=True, rename="lower"):
    call_id: str | None = None
    execution: str
    id: str | None = None
    internal_chat_message_metadata_passthrough: InternalChatMessageMetadataPassthrough | None = None
    status: str
    tools: list[Any]
    type: Literal["tool_search_output"]


class TranscriptSegmentThreadRealtimeItem(BaseModel, kw_only=True):
    id: str
    realtime_session_id: str
    role: ThreadRealtimeTranscriptRole
    text: str
    type: Literal["transcriptSegment"]


class Turn(BaseModel, kw_only=True):
    completed_at: int | None = None
    duration_ms: int | None = None
    error: TurnError | None = None
    id: str
    items: list[ThreadItem]
    items_view: TurnItemsView | None = TurnItemsView.full
    root_turn_id: str | None = None
    started_at: int | None = None
    status: TurnStatus


class TurnCompletedNotification(BaseModel, kw_only=True):
    thread_id: str
    turn: Turn


class TurnDiffUpdatedNotification(BaseModel, kw_only=True):
    diff: str
    thread_id: str
    turn_id: str


class TurnError(BaseModel, kw_only=True):
    additional_details: str | None = None
    codex_error_info: CodexErrorInfo | None = None
    message: str
    misalignment: MisalignmentErrorDetails | None = None


class TurnInterruptResponse(BaseModel, kw_only=True):
    pass


class TurnModerationMetadataNotification(BaseModel, kw_only=True):
    metadata: Any
    thread_id: str
    turn_id: str


class TurnPlanStep(BaseModel, kw_only=True):
    status: TurnPlanStepStatus
    step: str


class TurnPlanUpdatedNotification(BaseModel, kw_only=True):
    explanation: str | None = None
    plan: list[TurnPlanStep]
    thread_id: str
    turn_id: str


class TurnStartedNotification(BaseModel, kw_only=True):
    thread_id: str
    turn: Turn


class TurnSteerResponse(BaseModel, kw_only=True):
    turn_id: str


class TurnThreadUnreadPosition(BaseModel, kw_only=True):
    turn_id: str
    type: Literal["turn"]


class UnknownCommandAction(BaseModel, kw_only=True):
    command: str
    type: Literal["unknown"]


class UpdatePatchChangeKind(BaseModel, kw_only=True, rename="lower"):
    move_path: str | None = None
    type: Literal["update"]


class UsageLimitExceededImageGenerationFailure(BaseModel, kw_only=True):
    limit_id: str
    resets_at: int | None = None
    type: Literal["usageLimitExceeded"]


class UserInput(RootModel):
    root: (
        TextUserInput
        | ImageUserInput
        | FileIdUserInput
        | LocalImageUserInput
        | AudioUserInput
        | LocalAudioUserInput
        | SkillUserInput
        | MentionUserInput
    )


class UserMessageThreadItem(BaseModel, kw_only=True):
    client_id: str | None = None
    content: list[UserInput]
    id: str
    type: Literal["userMessage"]


class WarningNotification(BaseModel, kw_only=True):
    message: str
    thread_id: str | None = None


class WebSearchAction(RootModel):
    root: SearchWebSearchAction | OpenPageWebSearchAction | FindInPageWebSearchAction | OtherWebSearchAction


class WebSearchCallResponseItem(BaseModel, kw_only=True, rename="lower"):
    action: ResponsesApiWebSearchAction | None = None
    encrypted_content: str | None = None
    id: str | None = None
    internal_chat_message_metadata_passthrough: InternalChatMessageMetadataPassthrough | None = None
    status: str | None = None
    type: Literal["web_search_call"]


class WebSearchThreadItem(BaseModel, kw_only=True):
    action: WebSearchAction | None = None
    id: str
    query: str
    results: list[Any] | None = None
    type: Literal["webSearch"]


class WholeItemThreadRealtimeBemItemPresentation(BaseModel, kw_only=True):
    type: Literal["wholeItem"]


class WindowsSandboxSetupCompletedNotification(BaseModel, kw_only=True):
    error: str | None = None
    mode: WindowsSandboxSetupMode
    success: bool


class WindowsWorldWritableWarningNotification(BaseModel, kw_only=True):
    extra_count: int
    failed_scan: bool
    sample_paths: list[str]


class WorkspaceWriteSandboxPolicy(BaseModel, kw_only=True):
    exclude_slash_tmp: bool | None = False
    exclude_tmpdir_env_var: bool | None = False
    network_access: bool | None = False
    type: Literal["workspaceWrite"]
    writable_roots: list[AbsolutePathBuf] | None = []


class WriteStdinGuardianApprovalReviewAction(BaseModel, kw_only=True):
    approval_id: str
    cwd: LegacyAppPathString
    process_id: str
    stdin: str
    type: Literal["writeStdin"]


#: What comes with each notification.
NOTIFICATIONS: dict[str, type[BaseModel]] = {
    "account/gatewayOAuth/changed": GatewayOAuthChangedNotification,
    "account/login/completed": AccountLoginCompletedNotification,
    "account/rateLimits/updated": AccountRateLimitsUpdatedNotification,
    "account/updated": AccountUpdatedNotification,
    "app/list/updated": AppListUpdatedNotification,
    "autoApprovalReview/strictReviewRequired": StrictReviewRequiredNotification,
    "command/exec/outputDelta": CommandExecOutputDeltaNotification,
    "configWarning": ConfigWarningNotification,
    "deprecationNotice": DeprecationNoticeNotification,
    "error": ErrorNotification,
    "externalAgentConfig/import/completed": ExternalAgentConfigImportCompletedNotification,
    "externalAgentConfig/import/progress": ExternalAgentConfigImportProgressNotification,
    "fs/changed": FsChangedNotification,
    "fuzzyFileSearch/sessionCompleted": FuzzyFileSearchSessionCompletedNotification,
    "fuzzyFileSearch/sessionUpdated": FuzzyFileSearchSessionUpdatedNotification,
    "guardianWarning": GuardianWarningNotification,
    "hook/completed": HookCompletedNotification,
    "hook/started": HookStartedNotification,
    "item/agentMessage/delta": AgentMessageDeltaNotification,
    "item/autoApprovalReview/completed": ItemGuardianApprovalReviewCompletedNotification,
    "item/autoApprovalReview/started": ItemGuardianApprovalReviewStartedNotification,
    "item/commandExecution/outputDelta": CommandExecutionOutputDeltaNotification,
    "item/commandExecution/terminalInteraction": TerminalInteractionNotification,
    "item/completed": ItemCompletedNotification,
    "item/fileChange/outputDelta": FileChangeOutputDeltaNotification,
    "item/fileChange/patchUpdated": FileChangePatchUpdatedNotification,
    "item/mcpToolCall/progress": McpToolCallProgressNotification,
    "item/plan/delta": PlanDeltaNotification,
    "item/reasoning/summaryPartAdded": ReasoningSummaryPartAddedNotification,
    "item/reasoning/summaryTextDelta": ReasoningSummaryTextDeltaNotification,
    "item/reasoning/textDelta": ReasoningTextDeltaNotification,
    "item/started": ItemStartedNotification,
    "mcpServer/event/stream/notification": McpServerEventStreamNotification,
    "mcpServer/oauthLogin/completed": McpServerOauthLoginCompletedNotification,
    "mcpServer/startupStatus/updated": McpServerStatusUpdatedNotification,
    "model/rerouted": ModelReroutedNotification,
    "model/safetyBuffering/updated": ModelSafetyBufferingUpdatedNotification,
    "model/verification": ModelVerificationNotification,
    "modelProvider/authRecoveryCompleted": AuthRecoveryNotification,
    "modelProvider/authRecoveryStarted": AuthRecoveryNotification,
    "process/exited": ProcessExitedNotification,
    "process/outputDelta": ProcessOutputDeltaNotification,
    "project/changed": ProjectChangedNotification,
    "remoteControl/status/changed": RemoteControlStatusChangedNotification,
    "serverRequest/resolved": ServerRequestResolvedNotification,
    "skills/changed": SkillsChangedNotification,
    "thread/archived": ThreadArchivedNotification,
    "thread/attachment/updated": ThreadAttachmentUpdatedNotification,
    "thread/closed": ThreadClosedNotification,
    "thread/compacted": ContextCompactedNotification,
    "thread/deleted": ThreadDeletedNotification,
    "thread/environment/connected": EnvironmentConnectionNotification,
    "thread/environment/disconnected": EnvironmentConnectionNotification,
    "thread/goal/cleared": ThreadGoalClearedNotification,
    "thread/goal/updated": ThreadGoalUpdatedNotification,
    "thread/name/updated": ThreadNameUpdatedNotification,
    "thread/prediction/updated": ThreadPredictionUpdatedNotification,
    "thread/project/updated": ThreadProjectUpdatedNotification,
    "thread/queue/changed": ThreadQueueChangedNotification,
    "thread/readState/changed": ThreadReadStateChangedNotification,
    "thread/realtime/closed": ThreadRealtimeClosedNotification,
    "thread/realtime/error": ThreadRealtimeErrorNotification,
    "thread/realtime/item/completed": ThreadRealtimeItemCompletedNotification,
    "thread/realtime/item/started": ThreadRealtimeItemStartedNotification,
    "thread/realtime/item/transcript/delta": ThreadRealtimeItemTranscriptDeltaNotification,
    "thread/realtime/itemAdded": ThreadRealtimeItemAddedNotification,
    "thread/realtime/outputAudio/delta": ThreadRealtimeOutputAudioDeltaNotification,
    "thread/realtime/sdp": ThreadRealtimeSdpNotification,
    "thread/realtime/started": ThreadRealtimeStartedNotification,
    "thread/realtime/transcript/delta": ThreadRealtimeTranscriptDeltaNotification,
    "thread/realtime/transcript/done": ThreadRealtimeTranscriptDoneNotification,
    "thread/reverted": ThreadRevertedNotification,
    "thread/settings/updated": ThreadSettingsUpdatedNotification,
    "thread/started": ThreadStartedNotification,
    "thread/status/changed": ThreadStatusChangedNotification,
    "thread/tokenUsage/updated": ThreadTokenUsageUpdatedNotification,
    "thread/unarchived": ThreadUnarchivedNotification,
    "turn/completed": TurnCompletedNotification,
    "turn/diff/updated": TurnDiffUpdatedNotification,
    "turn/moderationMetadata": TurnModerationMetadataNotification,
    "turn/plan/updated": TurnPlanUpdatedNotification,
    "turn/started": TurnStartedNotification,
    "warning": WarningNotification,
    "windows/worldWritableWarning": WindowsWorldWritableWarningNotification,
    "windowsSandbox/setupCompleted": WindowsSandboxSetupCompletedNotification,
}
