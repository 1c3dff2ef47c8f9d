"""The engine's protocol: strings, and the values that they have.

Made by scripts/protocol.py from the engine's own schema; do not edit.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias


AbsolutePathBuf: TypeAlias = str
"""A path that is guaranteed to be absolute and normalized (though it is not guaranteed to be canonicalized or exist on the
filesystem).

IMPORTANT: When deserializing an ``AbsolutePathBuf``, a base path must be set using [AbsolutePathBufGuard::new]. If no
base path is set, the deserialization will fail unless the path being deserialized is already absolute.
"""


AddCreditsNudgeCreditType: TypeAlias = Literal["credits", "usage_limit"] | str


AddCreditsNudgeEmailStatus: TypeAlias = Literal["sent", "cooldown_active"] | str


AdditionalContextKind: TypeAlias = Literal["untrusted", "application"] | str


AgentPath: TypeAlias = str


AppTemplateUnavailableReason: TypeAlias = Literal["NOT_CONFIGURED_FOR_WORKSPACE", "NO_ACTIVE_WORKSPACE"] | str


AppToolApproval: TypeAlias = Literal["auto", "prompt", "writes", "approve"] | str


ApprovalsReviewer: TypeAlias = Literal["user", "auto_review", "guardian_subagent"] | str
"""Configures who approval requests are routed to for review. Examples include sandbox escapes, blocked network access, MCP
approval prompts, and ARC escalations. Defaults to ``user``. ``auto_review`` uses a carefully prompted subagent to
gather relevant context and apply a risk-based decision framework before approving or denying the request. The legacy
value ``guardian_subagent`` is accepted for compatibility.
"""


AuthMode: TypeAlias = (
    Literal["apikey", "chatgpt", "chatgptAuthTokens", "headers", "agentIdentity", "personalAccessToken", "bedrockApiKey"]
    | str
)
"""Authentication mode for OpenAI-backed providers.

"apikey": OpenAI API key provided by the caller and stored by Codex.
"chatgpt": ChatGPT OAuth managed by Codex (tokens persisted and refreshed by Codex).
"chatgptAuthTokens": [UNSTABLE] FOR OPENAI INTERNAL USE ONLY - DO NOT USE. ChatGPT auth tokens are supplied by an
    external host app and are only stored in memory. Token refresh must be handled by the external host app.
"headers": Backend auth supplied as request headers.
"agentIdentity": Programmatic Codex auth backed by a registered Agent Identity.
"personalAccessToken": Programmatic Codex auth backed by a personal access token.
"bedrockApiKey": Amazon Bedrock bearer token managed by Codex.
"""


AutoCompactTokenLimitScope: TypeAlias = Literal["total", "body_after_prefix"] | str
"""Selects which part of the active context is charged against ``model_auto_compact_token_limit``.

"total": Count the full active context against the limit.
"body_after_prefix": Count sampled output and later growth after the carried window prefix.
"""


AutoReviewDecisionSource: TypeAlias = Literal["agent"] | str
"""[UNSTABLE] Source that produced a terminal approval auto-review decision."""


CancelLoginAccountStatus: TypeAlias = Literal["canceled", "notFound"] | str


ChatgptAuthTokensRefreshReason: TypeAlias = Literal["unauthorized"] | str
""""unauthorized": Codex attempted a backend request and received ``401 Unauthorized``."""


CodexResponseHandoffMode: TypeAlias = Literal["thinking", "commentary", "bemTags"] | str


CollabAgentStatus: TypeAlias = (
    Literal["pendingInit", "running", "interrupted", "completed", "errored", "shutdown", "notFound"]
    | str
)


CollabAgentTool: TypeAlias = Literal["spawnAgent", "sendInput", "resumeAgent", "wait", "closeAgent"] | str


CollabAgentToolCallStatus: TypeAlias = Literal["inProgress", "completed", "failed"] | str


CommandExecOutputStream: TypeAlias = Literal["stdout", "stderr"] | str
"""Stream label for ``command/exec/outputDelta`` notifications.

"stdout": stdout stream. PTY mode multiplexes terminal output here.
"stderr": stderr stream.
"""


CommandExecutionSource: TypeAlias = Literal["agent", "userShell", "unifiedExecStartup", "unifiedExecInteraction"] | str


CommandExecutionStatus: TypeAlias = Literal["inProgress", "completed", "failed", "declined"] | str


ConsumeAccountRateLimitResetCreditOutcome: TypeAlias = (
    Literal["reset", "nothingToReset", "noCredit", "alreadyRedeemed"]
    | str
)
""""reset": A reset credit was consumed and the eligible rate-limit windows were reset.
"nothingToReset": No current rate-limit window is eligible for a reset.
"noCredit": The account has no earned reset credits available.
"alreadyRedeemed": The same idempotency key already completed a reset successfully.
"""


ConversationTextRole: TypeAlias = Literal["user", "developer", "assistant"] | str


DynamicToolCallStatus: TypeAlias = Literal["inProgress", "completed", "failed"] | str


EnvironmentStatusKind: TypeAlias = Literal["ready", "pending", "disconnected", "unknown"] | str
"""Current status observed by app-server without starting or recovering an environment.

For a currently ready remote environment, app-server asks the existing exec-server connection for ``environment/status``
without allowing recovery.

"ready": The environment is local, or an already-connected remote exec-server answered ``environment/status`` over its
    existing initialized connection.
"pending": The configured environment has no ready connection and no observed connection failure. This includes lazy
    environments that have never been started and initial startup that has not finished.
"disconnected": A connection attempt, prior connection, or fail-fast ``environment/status`` probe observed a failure.
    This does not promise the failure is terminal: later normal environment use may recover it. This call does not
    trigger recovery; ``error`` contains the observed reason.
"unknown": The requested environment id is not configured in app-server.
"""


ExperimentalFeatureStage: TypeAlias = Literal["beta", "underDevelopment", "stable", "deprecated", "removed"] | str
""""beta": Feature is available for user testing and feedback.
"underDevelopment": Feature is still being built and not ready for broad use.
"stable": Feature is production-ready.
"deprecated": Feature is deprecated and should be avoided.
"removed": Feature flag is retained only for backwards compatibility.
"""


ExternalAgentConfigMigrationItemType: TypeAlias = (
    Literal["AGENTS_MD", "CONFIG", "SKILLS", "PLUGINS", "MCP_SERVER_CONFIG", "SUBAGENTS", "HOOKS", "COMMANDS", "MEMORY", "SESSIONS"]
    | str
)


ExternalAgentImportedConnectorSource: TypeAlias = Literal["remoteMcpServersConfig"] | str


FileChangeApprovalDecision: TypeAlias = Literal["accept", "acceptForSession", "decline", "cancel"] | str
""""accept": User approved the file changes.
"acceptForSession": User approved the file changes and future changes to the same files should run without prompting.
"decline": User denied the file changes. The agent will continue the turn.
"cancel": User denied the file changes. The turn will also be immediately interrupted.
"""


FileSystemAccessMode: TypeAlias = Literal["read", "write", "deny"] | str


ForcedChatgptWorkspaceIds: TypeAlias = str | list[str]
"""Backward-compatible API shape for ChatGPT workspace login restrictions."""


ForcedLoginMethod: TypeAlias = Literal["chatgpt", "api"] | str


FuzzyFileSearchMatchType: TypeAlias = Literal["file", "directory"] | str


GuardianApprovalReviewStatus: TypeAlias = Literal["inProgress", "approved", "denied", "timedOut", "aborted"] | str
"""[UNSTABLE] Lifecycle state for an approval auto-review."""


GuardianCommandSource: TypeAlias = Literal["shell", "unifiedExec"] | str


GuardianRiskLevel: TypeAlias = Literal["low", "medium", "high", "critical"] | str
"""[UNSTABLE] Risk level assigned by approval auto-review."""


GuardianUserAuthorization: TypeAlias = Literal["unknown", "low", "medium", "high"] | str
"""[UNSTABLE] Authorization level assigned by approval auto-review."""


HookEventName: TypeAlias = (
    Literal["preToolUse", "permissionRequest", "postToolUse", "preCompact", "postCompact", "sessionStart", "sessionEnd", "userPromptSubmit", "subagentStart", "subagentStop", "stop"]
    | str
)


HookExecutionMode: TypeAlias = Literal["sync", "async"] | str


HookHandlerType: TypeAlias = Literal["command", "prompt", "agent"] | str


HookOutputEntryKind: TypeAlias = Literal["warning", "stop", "feedback", "context", "error"] | str


HookRunStatus: TypeAlias = Literal["running", "completed", "failed", "blocked", "stopped"] | str


HookScope: TypeAlias = Literal["thread", "turn"] | str


HookSource: TypeAlias = (
    Literal["system", "user", "project", "mdm", "sessionFlags", "plugin", "cloudRequirements", "cloudManagedConfig", "legacyManagedConfigFile", "legacyManagedConfigMdm", "unknown"]
    | str
)


HookTrustStatus: TypeAlias = Literal["managed", "untrusted", "trusted", "modified"] | str


ImageDetail: TypeAlias = Literal["auto", "low", "high", "original"] | str


InputModality: TypeAlias = Literal["text", "image", "audio"] | str
"""Canonical user-input modality tags advertised by a model.

"text": Plain text turns and tool payloads.
"image": Image attachments included in user turns.
"audio": Audio attachments included in user turns.
"""


InternalSessionSource: TypeAlias = Literal["memory_consolidation"] | str


LegacyAppPathString: TypeAlias = str


LocalShellStatus: TypeAlias = Literal["completed", "in_progress", "incomplete"] | str


LoginAppBrand: TypeAlias = Literal["codex", "chatgpt"] | str


McpAuthStatus: TypeAlias = Literal["unsupported", "notLoggedIn", "bearerToken", "oAuth"] | str


McpElicitationObjectType: TypeAlias = Literal["object"] | str


McpElicitationPrimitiveSchema: TypeAlias = dict[str, Any]
"""Plain JSON."""


McpServerElicitationAction: TypeAlias = Literal["accept", "decline", "cancel"] | str


McpServerStartupFailureReason: TypeAlias = Literal["reauthenticationRequired"] | str


McpServerStartupState: TypeAlias = Literal["starting", "ready", "failed", "cancelled"] | str


McpServerStatusDetail: TypeAlias = Literal["full", "toolsAndAuthOnly"] | str


McpToolCallStatus: TypeAlias = Literal["inProgress", "completed", "failed"] | str


MergeStrategy: TypeAlias = Literal["replace", "upsert"] | str


MessagePhase: TypeAlias = Literal["commentary", "final_answer"] | str
"""Classifies an assistant message as interim commentary or final answer text.

Providers do not emit this consistently, so callers must treat ``None`` as "phase unknown" and keep compatibility
behavior for legacy models.

"commentary": Mid-turn assistant text (for example preamble/progress narration). Additional tool calls or assistant
    output may follow before turn completion.
"final_answer": The assistant's terminal answer text for the current turn.
"""


ModeKind: TypeAlias = Literal["plan", "default"] | str
"""Initial collaboration mode to use when the TUI starts."""


ModelRerouteReason: TypeAlias = Literal["highRiskCyberActivity"] | str


ModelVerification: TypeAlias = Literal["trustedAccessForCyber"] | str


NetworkAccess: TypeAlias = Literal["restricted", "enabled"] | str


NetworkApprovalProtocol: TypeAlias = Literal["http", "https", "socks5Tcp", "socks5Udp"] | str


NetworkDomainPermission: TypeAlias = Literal["allow", "deny"] | str


NetworkPolicyRuleAction: TypeAlias = Literal["allow", "deny"] | str


NetworkUnixSocketPermission: TypeAlias = Literal["allow", "deny"] | str


NonSteerableTurnKind: TypeAlias = Literal["review", "compact"] | str


PatchApplyStatus: TypeAlias = Literal["inProgress", "completed", "failed", "declined"] | str


PathUri: TypeAlias = str


PermissionGrantScope: TypeAlias = Literal["turn", "session"] | str


Personality: TypeAlias = Literal["none", "friendly", "pragmatic"] | str


PlanType: TypeAlias = (
    Literal["free", "go", "plus", "pro", "prolite", "team", "self_serve_business_usage_based", "business", "enterprise_cbp_usage_based", "enterprise", "edu", "unknown"]
    | str
)


PluginAuthPolicy: TypeAlias = Literal["ON_INSTALL", "ON_USE"] | str


PluginAvailability: TypeAlias = Literal["DISABLED_BY_ADMIN", "AVAILABLE"] | str
""""AVAILABLE": Plugin-service currently sends ``"ENABLED"`` for available remote plugins. Codex app-server exposes
    ``"AVAILABLE"`` in its API; the alias keeps decoding compatible with that upstream response.
"""


PluginInstallPolicy: TypeAlias = Literal["NOT_AVAILABLE", "AVAILABLE", "INSTALLED_BY_DEFAULT"] | str


PluginInstallPolicySource: TypeAlias = Literal["WORKSPACE_SETTING", "IMPLICIT_CANONICAL_APP"] | str


PluginListMarketplaceKind: TypeAlias = (
    Literal["local", "vertical", "workspace-directory", "shared-with-me", "created-by-me-remote"]
    | str
)


PluginShareDiscoverability: TypeAlias = Literal["LISTED", "UNLISTED", "PRIVATE"] | str


PluginSharePrincipalRole: TypeAlias = Literal["reader", "editor", "owner"] | str


PluginSharePrincipalType: TypeAlias = Literal["user", "group", "workspace"] | str


PluginShareTargetRole: TypeAlias = Literal["reader", "editor"] | str


PluginShareUpdateDiscoverability: TypeAlias = Literal["UNLISTED", "PRIVATE", "LISTED"] | str


ProcessOutputStream: TypeAlias = Literal["stdout", "stderr"] | str
"""Stream label for ``process/outputDelta`` notifications.

"stdout": stdout stream. PTY mode multiplexes terminal output here.
"stderr": stderr stream.
"""


RateLimitReachedType: TypeAlias = (
    Literal["rate_limit_reached", "workspace_owner_credits_depleted", "workspace_member_credits_depleted", "workspace_owner_usage_limit_reached", "workspace_member_usage_limit_reached"]
    | str
)


RateLimitResetCreditStatus: TypeAlias = Literal["available", "redeeming", "redeemed", "unknown"] | str


RateLimitResetType: TypeAlias = Literal["codexRateLimits", "unknown"] | str


RealtimeConversationVersion: TypeAlias = Literal["v1", "v2", "v3"] | str


RealtimeOutputModality: TypeAlias = Literal["text", "audio"] | str


RealtimeVoice: TypeAlias = (
    Literal["alloy", "arbor", "ash", "ballad", "breeze", "cedar", "coral", "cove", "echo", "ember", "juniper", "maple", "marin", "sage", "shimmer", "sol", "spruce", "vale", "verse"]
    | str
)


ReasoningEffort: TypeAlias = str
"""A non-empty reasoning effort value advertised by the model."""


ReasoningSummary: TypeAlias = Literal["auto", "concise", "detailed", "none"] | str
"""A summary of the reasoning performed by the model. This can be useful for debugging and understanding the model's
reasoning process. See https://platform.openai.com/docs/guides/reasoning?api-mode=responses#reasoning-summaries

"none": Option to disable reasoning summaries.
"""


RemoteControlClientsListOrder: TypeAlias = Literal["asc", "desc"] | str


RemoteControlConnectionStatus: TypeAlias = Literal["disabled", "connecting", "connected", "errored"] | str


RequestId: TypeAlias = str | int


ResidencyRequirement: TypeAlias = Literal["us"] | str


ReviewDelivery: TypeAlias = Literal["inline", "detached"] | str


SandboxMode: TypeAlias = Literal["read-only", "workspace-write", "danger-full-access"] | str


ScheduledTaskWeekday: TypeAlias = Literal["MO", "TU", "WE", "TH", "FR", "SA", "SU"] | str


SkillScope: TypeAlias = Literal["user", "repo", "system", "admin"] | str


SortDirection: TypeAlias = Literal["asc", "desc"] | str


SubAgentActivityKind: TypeAlias = Literal["started", "interacted", "interrupted"] | str


ThreadActiveFlag: TypeAlias = Literal["waitingOnApproval", "waitingOnUserInput"] | str


ThreadGoalStatus: TypeAlias = Literal["active", "paused", "blocked", "usageLimited", "budgetLimited", "complete"] | str


ThreadHistoryMode: TypeAlias = Literal["legacy", "paginated"] | str


ThreadId: TypeAlias = str


ThreadListCwdFilter: TypeAlias = str | list[str]


ThreadMemoryMode: TypeAlias = Literal["enabled", "disabled"] | str


ThreadSortKey: TypeAlias = Literal["created_at", "updated_at", "recency_at"] | str


ThreadSource: TypeAlias = str


ThreadSourceKind: TypeAlias = (
    Literal["cli", "vscode", "exec", "appServer", "subAgent", "subAgentReview", "subAgentCompact", "subAgentThreadSpawn", "subAgentOther", "unknown"]
    | str
)


ThreadStartSource: TypeAlias = Literal["startup", "clear"] | str


ThreadUnsubscribeStatus: TypeAlias = Literal["notLoaded", "notSubscribed", "unsubscribed"] | str


TurnItemsView: TypeAlias = Literal["notLoaded", "summary", "full"] | str
""""notLoaded": ``items`` was not loaded for this turn. The field is intentionally empty.
"summary": ``items`` contains only a display summary for this turn.
"full": ``items`` contains every ThreadItem available from persisted app-server history for this turn.
"""


TurnPlanStepStatus: TypeAlias = Literal["pending", "inProgress", "completed"] | str


TurnStatus: TypeAlias = Literal["completed", "interrupted", "failed", "inProgress"] | str


Verbosity: TypeAlias = Literal["low", "medium", "high"] | str
"""Controls output length/detail on GPT-5 models via the Responses API. Serialized with lowercase values to match the
OpenAI API.
"""


WebSearchContextSize: TypeAlias = Literal["low", "medium", "high"] | str


WebSearchMode: TypeAlias = Literal["disabled", "cached", "indexed", "live"] | str


WindowsSandboxReadiness: TypeAlias = Literal["ready", "notConfigured", "updateRequired"] | str


WindowsSandboxSetupMode: TypeAlias = Literal["elevated", "unelevated"] | str


WorkspaceMessageType: TypeAlias = Literal["headline", "announcement", "unknown"] | str


WriteStatus: TypeAlias = Literal["ok", "okOverridden"] | str
