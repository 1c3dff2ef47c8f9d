"""The engine's protocol: config.

Made by scripts/protocol.py from the engine's own schema; do not edit.
"""

from __future__ import annotations

from typing import Any, ClassVar, TypeAlias

import msgspec

from .._base import Params, Struct
from .names import (
    AbsolutePathBuf,
    AppToolApproval,
    ApprovalsReviewer,
    AutoCompactTokenLimitScope,
    ExperimentalFeatureStage,
    ExternalAgentConfigMigrationItemType,
    ExternalAgentImportedConnectorSource,
    ForcedChatgptWorkspaceIds,
    ForcedLoginMethod,
    HookEventName,
    HookExecutionMode,
    HookHandlerType,
    HookOutputEntryKind,
    HookRunStatus,
    HookScope,
    HookSource,
    HookTrustStatus,
    MergeStrategy,
    ModeKind,
    NetworkDomainPermission,
    NetworkUnixSocketPermission,
    ReasoningEffort,
    ReasoningSummary,
    ResidencyRequirement,
    SandboxMode,
    Verbosity,
    WebSearchContextSize,
    WebSearchMode,
    WindowsSandboxSetupMode,
    WriteStatus,
)
from .shared import AskForApproval, UnknownByType


class AgentConfiguredHookHandler(Struct, frozen=True, kw_only=True, tag_field="type", tag="agent"):
    pass


class AnalyticsConfig(Struct, frozen=True, kw_only=True):
    """Other keys that it may have are not kept here; ask with plain JSON to get them."""

    enabled: bool | None = None


class AppsConfig(Struct, frozen=True, kw_only=True):
    default: AppsDefaultConfig | None = msgspec.field(name="_default", default=None)


class AppsDefaultConfig(Struct, frozen=True, kw_only=True, rename="lower"):
    approvals_reviewer: ApprovalsReviewer | None = None
    default_tools_approval_mode: AppToolApproval | None = None
    destructive_enabled: bool = True
    enabled: bool = True
    open_world_enabled: bool = True


class CollaborationModeListParams(Params["CollaborationModeListResponse"], frozen=True, kw_only=True):
    """EXPERIMENTAL - list collaboration mode presets."""

    METHOD: ClassVar[str] = "collaborationMode/list"


class CollaborationModeListResponse(Struct, frozen=True, kw_only=True):
    """EXPERIMENTAL - collaboration mode presets response."""

    data: list[CollaborationModeMask]


class CollaborationModeMask(Struct, frozen=True, kw_only=True, rename="lower"):
    """EXPERIMENTAL - collaboration mode preset metadata for clients."""

    name: str
    mode: ModeKind | None = None
    model: str | None = None
    reasoning_effort: ReasoningEffort | None | None = None


class CommandConfiguredHookHandler(Struct, frozen=True, kw_only=True, tag_field="type", tag="command"):
    """
    Attributes:
        additional_context_limit: Approximate token threshold for spilling this hook's ``additionalContext`` to disk.
            ``null`` uses 2,500 tokens; ``0`` disables spilling for this hook. The threshold is evaluated against the
            original context; a spilled preview also includes recovery metadata.
    """

    async_: bool
    command: str
    additional_context_limit: int | None = None
    command_windows: str | None = None
    status_message: str | None = None
    timeout_sec: int | None = None


class CommandMigration(Struct, frozen=True, kw_only=True):
    name: str


class ComputerUseRequirements(Struct, frozen=True, kw_only=True):
    allow_locked_computer_use: bool | None = None


class Config(Struct, frozen=True, kw_only=True, rename="lower"):
    """Other keys that it may have are not kept here; ask with plain JSON to get them.

    Attributes:
        approvals_reviewer: [UNSTABLE] Optional default for where approval requests are routed for review.
    """

    analytics: AnalyticsConfig | None = None
    approval_policy: AskForApproval | None = None
    approvals_reviewer: ApprovalsReviewer | None = None
    apps: AppsConfig | None = None
    compact_prompt: str | None = None
    desktop: dict[str, Any] | None = None
    developer_instructions: str | None = None
    forced_chatgpt_workspace_id: ForcedChatgptWorkspaceIds | None = None
    forced_login_method: ForcedLoginMethod | None = None
    instructions: str | None = None
    model: str | None = None
    model_auto_compact_token_limit: int | None = None
    model_auto_compact_token_limit_scope: AutoCompactTokenLimitScope | None = None
    model_context_window: int | None = None
    model_provider: str | None = None
    model_reasoning_effort: ReasoningEffort | None = None
    model_reasoning_summary: ReasoningSummary | None = None
    model_verbosity: Verbosity | None = None
    review_model: str | None = None
    sandbox_mode: SandboxMode | None = None
    sandbox_workspace_write: SandboxWorkspaceWrite | None = None
    service_tier: str | None = None
    tools: ToolsV2 | None = None
    web_search: WebSearchMode | None = None


class ConfigBatchWriteParams(Params["ConfigWriteResponse"], frozen=True, kw_only=True):
    """Parameters of ``config/batchWrite``.

    Attributes:
        file_path: Path to the config file to write; defaults to the user's ``config.toml`` when omitted.
        reload_user_config: When true, hot-reload the updated user config into all loaded threads after writing.
    """

    METHOD: ClassVar[str] = "config/batchWrite"
    edits: list[ConfigEdit]
    expected_version: str | None = None
    file_path: str | None = None
    reload_user_config: bool | None = None


class ConfigEdit(Struct, frozen=True, kw_only=True):
    key_path: str
    merge_strategy: MergeStrategy
    value: Any


class ConfigLayer(Struct, frozen=True, kw_only=True):
    config: Any
    name: ConfigLayerSource
    version: str
    disabled_reason: str | None = None


class ConfigLayerMetadata(Struct, frozen=True, kw_only=True):
    name: ConfigLayerSource
    version: str


class ConfigReadParams(Params["ConfigReadResponse"], frozen=True, kw_only=True):
    """Parameters of ``config/read``.

    Attributes:
        cwd: Optional working directory to resolve project config layers. If specified, return the effective config as
            seen from that directory (i.e., including any project layers between ``cwd`` and the project/repo root).
    """

    METHOD: ClassVar[str] = "config/read"
    cwd: str | None = None
    include_layers: bool | None = None


class ConfigReadResponse(Struct, frozen=True, kw_only=True):
    config: Config
    origins: dict[str, ConfigLayerMetadata]
    layers: list[ConfigLayer] | None = None


class ConfigRequirements(Struct, frozen=True, kw_only=True):
    allow_appshots: bool | None = None
    allow_login_shell: bool | None = None
    allow_managed_hooks_only: bool | None = None
    allow_remote_control: bool | None = None
    allowed_approval_policies: list[AskForApproval] | None = None
    allowed_approvals_reviewers: list[ApprovalsReviewer] | None = None
    allowed_permission_profiles: dict[str, bool] | None = None
    allowed_sandbox_modes: list[SandboxMode] | None = None
    allowed_web_search_modes: list[WebSearchMode] | None = None
    allowed_windows_sandbox_implementations: list[WindowsSandboxSetupMode] | None = None
    check_for_update_on_startup: bool | None = None
    computer_use: ComputerUseRequirements | None = None
    default_permissions: str | None = None
    enforce_residency: ResidencyRequirement | None = None
    feature_requirements: dict[str, bool] | None = None
    feedback: FeedbackRequirements | None = None
    hooks: ManagedHooksRequirements | None = None
    log_dir: str | None = None
    model_catalog_json: str | None = None
    models: ModelsRequirements | None = None
    network: NetworkRequirements | None = None
    sqlite_home: str | None = None
    windows_sandbox_private_desktop: bool | None = None


class ConfigRequirementsReadParams(Params["ConfigRequirementsReadResponse"], frozen=True, kw_only=True):
    """``configRequirements/read`` has no parameters."""

    METHOD: ClassVar[str] = "configRequirements/read"
    WITHOUT: ClassVar[bool] = True


class ConfigRequirementsReadResponse(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        requirements: Null if no requirements are configured (e.g. no requirements.toml/MDM entries).
    """

    requirements: ConfigRequirements | None = None


class ConfigValueWriteParams(Params["ConfigWriteResponse"], frozen=True, kw_only=True):
    """Parameters of ``config/value/write``.

    Attributes:
        file_path: Path to the config file to write; defaults to the user's ``config.toml`` when omitted.
    """

    METHOD: ClassVar[str] = "config/value/write"
    key_path: str
    merge_strategy: MergeStrategy
    value: Any
    expected_version: str | None = None
    file_path: str | None = None


class ConfigWarningNotification(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        summary: Concise summary of the warning.
        details: Optional extra guidance or error details.
        path: Optional path to the config file that triggered the warning.
        range: Optional range for the error location inside the config file.
    """

    summary: str
    details: str | None = None
    path: str | None = None
    range: TextRange | None = None


class ConfigWriteResponse(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        file_path: Canonical path to the config file that was written.
    """

    file_path: AbsolutePathBuf
    status: WriteStatus
    version: str
    overridden_metadata: OverriddenMetadata | None = None


class ConfiguredHookMatcherGroup(Struct, frozen=True, kw_only=True):
    hooks: list[ConfiguredHookHandler]
    matcher: str | None = None


class EnterpriseManagedConfigLayerSource(Struct, frozen=True, kw_only=True, tag_field="type", tag="enterpriseManaged"):
    """Enterprise-managed config layer delivered by the cloud config bundle.

    Attributes:
        id: Stable identifier for the delivered layer.
        name: Admin-facing name for the delivered layer. This is surfaced in diagnostics so users know which cloud layer
            needs administrator attention.
    """

    id: str
    name: str


class ExperimentalFeature(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        default_enabled: Whether this feature is enabled by default.
        enabled: Whether this feature is currently enabled in the loaded config.
        name: Stable key used in config.toml and CLI flag toggles.
        stage: Lifecycle stage of this feature flag.
        announcement: Announcement copy shown to users when the feature is introduced. Null when this feature is not in
            beta.
        description: Short summary describing what the feature does. Null when this feature is not in beta.
        display_name: User-facing display name shown in the experimental features UI. Null when this feature is not in
            beta.
    """

    default_enabled: bool
    enabled: bool
    name: str
    stage: ExperimentalFeatureStage
    announcement: str | None = None
    description: str | None = None
    display_name: str | None = None


class ExperimentalFeatureEnablementSetParams(
    Params["ExperimentalFeatureEnablementSetResponse"], frozen=True, kw_only=True
):
    """Parameters of ``experimentalFeature/enablement/set``.

    Attributes:
        enablement: Process-wide runtime feature enablement keyed by canonical feature name. Only named features are
            updated. Omitted features are left unchanged. Send an empty map for a no-op.
    """

    METHOD: ClassVar[str] = "experimentalFeature/enablement/set"
    enablement: dict[str, bool]


class ExperimentalFeatureEnablementSetResponse(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        enablement: Feature enablement entries updated by this request.
    """

    enablement: dict[str, bool]


class ExperimentalFeatureListParams(Params["ExperimentalFeatureListResponse"], frozen=True, kw_only=True):
    """Parameters of ``experimentalFeature/list``.

    Attributes:
        cursor: Opaque pagination cursor returned by a previous call.
        limit: Optional page size; defaults to a reasonable server-side value.
        thread_id: Optional loaded thread id. Pass this when showing feature state for an existing thread so enablement
            is computed from that thread's refreshed config, including project-local config for the thread's cwd.
    """

    METHOD: ClassVar[str] = "experimentalFeature/list"
    cursor: str | None = None
    limit: int | None = None
    thread_id: str | None = None


class ExperimentalFeatureListResponse(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        next_cursor: Opaque cursor to pass to the next call to continue after the last item. If None, there are no more
            items to return.
    """

    data: list[ExperimentalFeature]
    next_cursor: str | None = None


class ExternalAgentConfigDetectParams(Params["ExternalAgentConfigDetectResponse"], frozen=True, kw_only=True):
    """Parameters of ``externalAgentConfig/detect``.

    Attributes:
        cwds: Zero or more working directories to include for repo-scoped detection.
        include_home: If true, include detection under the user's home directory.
        max_session_age_days: Maximum age in days for detected sessions. Missing values use the default limit.
        max_sessions: Maximum number of sessions to detect. Missing values use the default limit.
        migration_source: Optional migration-source selector. Missing or unrecognized values use the default source.
        source: Deprecated field retained for compatibility. This field is ignored; use ``migrationSource`` to select
            the migration source.
    """

    METHOD: ClassVar[str] = "externalAgentConfig/detect"
    cwds: list[str] | None = None
    include_home: bool | None = None
    max_session_age_days: int | None = None
    max_sessions: int | None = None
    migration_source: str | None = None
    source: str | None = None


class ExternalAgentConfigDetectResponse(Struct, frozen=True, kw_only=True):
    items: list[ExternalAgentConfigMigrationItem]


class ExternalAgentConfigImportCompletedNotification(Struct, frozen=True, kw_only=True):
    import_id: str
    item_type_results: list[ExternalAgentConfigImportTypeResult]


class ExternalAgentConfigImportHistoriesReadParams(
    Params["ExternalAgentConfigImportHistoriesReadResponse"], frozen=True, kw_only=True
):
    """``externalAgentConfig/import/readHistories`` has no parameters."""

    METHOD: ClassVar[str] = "externalAgentConfig/import/readHistories"
    WITHOUT: ClassVar[bool] = True


class ExternalAgentConfigImportHistoriesReadResponse(Struct, frozen=True, kw_only=True):
    connectors: list[ExternalAgentImportedConnectorCandidate]
    data: list[ExternalAgentConfigImportHistory]


class ExternalAgentConfigImportHistory(Struct, frozen=True, kw_only=True):
    completed_at_ms: int
    failures: list[ExternalAgentConfigImportItemTypeFailure]
    import_id: str
    successes: list[ExternalAgentConfigImportItemTypeSuccess]


class ExternalAgentConfigImportItemTypeFailure(Struct, frozen=True, kw_only=True):
    failure_stage: str
    item_type: ExternalAgentConfigMigrationItemType
    message: str
    cwd: str | None = None
    error_type: str | None = None
    source: str | None = None
    sub_error_type: str | None = None


class ExternalAgentConfigImportItemTypeSuccess(Struct, frozen=True, kw_only=True):
    item_type: ExternalAgentConfigMigrationItemType
    cwd: str | None = None
    source: str | None = None
    target: str | None = None


class ExternalAgentConfigImportParams(Params["ExternalAgentConfigImportResponse"], frozen=True, kw_only=True):
    """Parameters of ``externalAgentConfig/import``.

    Attributes:
        migration_source: Migration-source selector used to produce the migration items. Pass the same value to
            detection and import; missing or unrecognized values use the default source.
        provider_id: Opaque provider identifier supplied by the caller for analytics attribution. This does not select
            the migration source.
        source: Optional identifier for the product that initiated the import.
    """

    METHOD: ClassVar[str] = "externalAgentConfig/import"
    migration_items: list[ExternalAgentConfigMigrationItem]
    migration_source: str | None = None
    provider_id: str | None = None
    source: str | None = None


class ExternalAgentConfigImportProgressNotification(Struct, frozen=True, kw_only=True):
    import_id: str
    item_type_results: list[ExternalAgentConfigImportTypeResult]


class ExternalAgentConfigImportResponse(Struct, frozen=True, kw_only=True):
    import_id: str


class ExternalAgentConfigImportTypeResult(Struct, frozen=True, kw_only=True):
    failures: list[ExternalAgentConfigImportItemTypeFailure]
    item_type: ExternalAgentConfigMigrationItemType
    successes: list[ExternalAgentConfigImportItemTypeSuccess]


class ExternalAgentConfigMigrationItem(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        cwd: Null or empty means home-scoped migration; non-empty means repo-scoped migration.
    """

    description: str
    item_type: ExternalAgentConfigMigrationItemType
    cwd: str | None = None
    details: MigrationDetails | None = None


class ExternalAgentImportedConnectorCandidate(Struct, frozen=True, kw_only=True):
    name: str
    session_count: int
    source: ExternalAgentImportedConnectorSource


class FeedbackRequirements(Struct, frozen=True, kw_only=True):
    enabled: bool | None = None


class HookCompletedNotification(Struct, frozen=True, kw_only=True):
    run: HookRunSummary
    thread_id: str
    turn_id: str | None = None


class HookErrorInfo(Struct, frozen=True, kw_only=True):
    message: str
    path: str


class HookMetadata(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        additional_context_limit: Configured ``additionalContext`` spill threshold. ``null`` uses 2,500 tokens; ``0``
            disables spilling.
    """

    current_hash: str
    display_order: int
    enabled: bool
    event_name: HookEventName
    handler_type: HookHandlerType
    is_managed: bool
    key: str
    source: HookSource
    source_path: AbsolutePathBuf
    timeout_sec: int
    trust_status: HookTrustStatus
    additional_context_limit: int | None = None
    command: str | None = None
    matcher: str | None = None
    plugin_id: str | None = None
    status_message: str | None = None


class HookMigration(Struct, frozen=True, kw_only=True):
    name: str


class HookOutputEntry(Struct, frozen=True, kw_only=True):
    kind: HookOutputEntryKind
    text: str


class HookRunSummary(Struct, frozen=True, kw_only=True):
    display_order: int
    entries: list[HookOutputEntry]
    event_name: HookEventName
    execution_mode: HookExecutionMode
    handler_type: HookHandlerType
    id: str
    scope: HookScope
    source_path: AbsolutePathBuf
    started_at: int
    status: HookRunStatus
    completed_at: int | None = None
    duration_ms: int | None = None
    source: HookSource = "unknown"
    status_message: str | None = None


class HookStartedNotification(Struct, frozen=True, kw_only=True):
    run: HookRunSummary
    thread_id: str
    turn_id: str | None = None


class HooksListEntry(Struct, frozen=True, kw_only=True):
    cwd: str
    errors: list[HookErrorInfo]
    hooks: list[HookMetadata]
    warnings: list[str]


class HooksListParams(Params["HooksListResponse"], frozen=True, kw_only=True):
    """Parameters of ``hooks/list``.

    Attributes:
        cwds: When empty, defaults to the current session working directory.
    """

    METHOD: ClassVar[str] = "hooks/list"
    cwds: list[str] | None = None


class HooksListResponse(Struct, frozen=True, kw_only=True):
    data: list[HooksListEntry]


class LegacyManagedConfigTomlFromFileConfigLayerSource(
    Struct, frozen=True, kw_only=True, tag_field="type", tag="legacyManagedConfigTomlFromFile"
):
    """``managed_config.toml`` was designed to be a config that was loaded as the last layer on top of everything else.
    This scheme did not quite work out as intended, but we keep this variant as a "best effort" while we phase out
    ``managed_config.toml`` in favor of ``requirements.toml``.
    """

    file: AbsolutePathBuf


class LegacyManagedConfigTomlFromMdmConfigLayerSource(
    Struct, frozen=True, kw_only=True, tag_field="type", tag="legacyManagedConfigTomlFromMdm"
):
    pass


class ManagedHooksRequirements(Struct, frozen=True, kw_only=True):
    permission_request: list[ConfiguredHookMatcherGroup] = msgspec.field(name="PermissionRequest")
    post_compact: list[ConfiguredHookMatcherGroup] = msgspec.field(name="PostCompact")
    post_tool_use: list[ConfiguredHookMatcherGroup] = msgspec.field(name="PostToolUse")
    pre_compact: list[ConfiguredHookMatcherGroup] = msgspec.field(name="PreCompact")
    pre_tool_use: list[ConfiguredHookMatcherGroup] = msgspec.field(name="PreToolUse")
    session_start: list[ConfiguredHookMatcherGroup] = msgspec.field(name="SessionStart")
    stop: list[ConfiguredHookMatcherGroup] = msgspec.field(name="Stop")
    subagent_start: list[ConfiguredHookMatcherGroup] = msgspec.field(name="SubagentStart")
    subagent_stop: list[ConfiguredHookMatcherGroup] = msgspec.field(name="SubagentStop")
    user_prompt_submit: list[ConfiguredHookMatcherGroup] = msgspec.field(name="UserPromptSubmit")
    session_end: list[ConfiguredHookMatcherGroup] = msgspec.field(name="SessionEnd", default=[])
    managed_dir: str | None = None
    windows_managed_dir: str | None = None


class McpServerMigration(Struct, frozen=True, kw_only=True):
    name: str


class McpServerRefreshParams(Params["McpServerRefreshResponse"], frozen=True, kw_only=True):
    """``config/mcpServer/reload`` has no parameters."""

    METHOD: ClassVar[str] = "config/mcpServer/reload"
    WITHOUT: ClassVar[bool] = True


class McpServerRefreshResponse(Struct, frozen=True, kw_only=True):
    pass


class MdmConfigLayerSource(Struct, frozen=True, kw_only=True, tag_field="type", tag="mdm"):
    """Managed preferences layer delivered by MDM (macOS only)."""

    domain: str
    key: str


class MigrationDetails(Struct, frozen=True, kw_only=True):
    commands: list[CommandMigration] = []
    hooks: list[HookMigration] = []
    mcp_servers: list[McpServerMigration] = []
    memory: list[str] | None = None
    plugins: list[PluginsMigration] = []
    sessions: list[SessionMigration] = []
    skills: list[SkillMigration] = []
    subagents: list[SubagentMigration] = []


class ModelsRequirements(Struct, frozen=True, kw_only=True):
    new_thread: NewThreadModelDefaults | None = None


class NetworkRequirements(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        allow_unix_sockets: Legacy compatibility view derived from ``unix_sockets``.
        allowed_domains: Legacy compatibility view derived from ``domains``.
        denied_domains: Legacy compatibility view derived from ``domains``.
        domains: Canonical network permission map for ``experimental_network``.
        managed_allowed_domains_only: When true, only managed allowlist entries are respected while managed network
            enforcement is active.
        unix_sockets: Canonical unix socket permission map for ``experimental_network``.
    """

    allow_local_binding: bool | None = None
    allow_unix_sockets: list[str] | None = None
    allow_upstream_proxy: bool | None = None
    allowed_domains: list[str] | None = None
    dangerously_allow_all_unix_sockets: bool | None = None
    dangerously_allow_non_loopback_proxy: bool | None = None
    denied_domains: list[str] | None = None
    domains: dict[str, NetworkDomainPermission] | None = None
    enabled: bool | None = None
    http_port: int | None = None
    managed_allowed_domains_only: bool | None = None
    socks_port: int | None = None
    unix_sockets: dict[str, NetworkUnixSocketPermission] | None = None


class NewThreadModelDefaults(Struct, frozen=True, kw_only=True):
    model: str | None = None
    model_reasoning_effort: ReasoningEffort | None = None
    service_tier: str | None = None


class OverriddenMetadata(Struct, frozen=True, kw_only=True):
    effective_value: Any
    message: str
    overriding_layer: ConfigLayerMetadata


class PermissionProfileListParams(Params["PermissionProfileListResponse"], frozen=True, kw_only=True):
    """Parameters of ``permissionProfile/list``.

    Attributes:
        cursor: Opaque pagination cursor returned by a previous call.
        cwd: Optional working directory to resolve project config layers.
        limit: Optional page size; defaults to the full result set.
    """

    METHOD: ClassVar[str] = "permissionProfile/list"
    cursor: str | None = None
    cwd: str | None = None
    limit: int | None = None


class PermissionProfileListResponse(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        next_cursor: Opaque cursor to pass to the next call to continue after the last item. If None, there are no more
            items to return.
    """

    data: list[PermissionProfileSummary]
    next_cursor: str | None = None


class PermissionProfileSummary(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        allowed: Whether the effective requirements allow selecting this profile.
        id: Available permission profile identifier.
        description: Optional user-facing description for display in clients.
    """

    allowed: bool
    id: str
    description: str | None = None


class PluginsMigration(Struct, frozen=True, kw_only=True):
    marketplace_name: str
    plugin_names: list[str]


class ProjectConfigLayerSource(Struct, frozen=True, kw_only=True, tag_field="type", tag="project"):
    """Path to a .codex/ folder within a project. There could be multiple of these between ``cwd`` and the project/repo
    root.
    """

    dot_codex_folder: AbsolutePathBuf


class PromptConfiguredHookHandler(Struct, frozen=True, kw_only=True, tag_field="type", tag="prompt"):
    pass


class SandboxWorkspaceWrite(Struct, frozen=True, kw_only=True, rename="lower"):
    exclude_slash_tmp: bool = False
    exclude_tmpdir_env_var: bool = False
    network_access: bool = False
    writable_roots: list[str] = []


class SessionFlagsConfigLayerSource(Struct, frozen=True, kw_only=True, tag_field="type", tag="sessionFlags"):
    """Session-layer overrides supplied via ``-c``/``--config``."""


class SessionMigration(Struct, frozen=True, kw_only=True):
    cwd: str
    path: str
    title: str | None = None


class SkillMigration(Struct, frozen=True, kw_only=True):
    name: str


class SubagentMigration(Struct, frozen=True, kw_only=True):
    name: str


class SystemConfigLayerSource(Struct, frozen=True, kw_only=True, tag_field="type", tag="system"):
    """Managed config layer from a file (usually ``managed_config.toml``).

    Attributes:
        file: This is the path to the system config.toml file, though it is not guaranteed to exist.
    """

    file: AbsolutePathBuf


class TextPosition(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        column: 1-based column number (in Unicode scalar values).
        line: 1-based line number.
    """

    column: int
    line: int


class TextRange(Struct, frozen=True, kw_only=True):
    end: TextPosition
    start: TextPosition


class ToolsV2(Struct, frozen=True, kw_only=True, rename="lower"):
    web_search: WebSearchToolConfig | None = None


class UserConfigLayerSource(Struct, frozen=True, kw_only=True, tag_field="type", tag="user"):
    """User config layer from $CODEX_HOME/config.toml. This layer is special in that it is expected to be: - writable by
    the user - generally outside the workspace directory

    Attributes:
        file: This is the path to the user's config.toml file, though it is not guaranteed to exist.
        profile: Name of the selected profile-v2 config layered on top of the base user config, when this layer
            represents one.
    """

    file: AbsolutePathBuf
    profile: str | None = None


class WebSearchLocation(Struct, frozen=True, kw_only=True):
    city: str | None = None
    country: str | None = None
    region: str | None = None
    timezone: str | None = None


class WebSearchToolConfig(Struct, frozen=True, kw_only=True, rename="lower"):
    allowed_domains: list[str] | None = None
    context_size: WebSearchContextSize | None = None
    location: WebSearchLocation | None = None


ConfigLayerSource: TypeAlias = (
    MdmConfigLayerSource
    | SystemConfigLayerSource
    | EnterpriseManagedConfigLayerSource
    | UserConfigLayerSource
    | ProjectConfigLayerSource
    | SessionFlagsConfigLayerSource
    | LegacyManagedConfigTomlFromFileConfigLayerSource
    | LegacyManagedConfigTomlFromMdmConfigLayerSource
    | UnknownByType
)


ConfiguredHookHandler: TypeAlias = (
    CommandConfiguredHookHandler
    | PromptConfiguredHookHandler
    | AgentConfiguredHookHandler
    | UnknownByType
)
