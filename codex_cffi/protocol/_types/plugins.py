"""The engine's protocol: plugins.

Made by scripts/protocol.py from the engine's own schema; do not edit.
"""

from __future__ import annotations

from typing import ClassVar, TypeAlias

from .._base import Params, Struct
from .names import (
    AbsolutePathBuf,
    AppTemplateUnavailableReason,
    HookEventName,
    PluginAuthPolicy,
    PluginAvailability,
    PluginInstallPolicy,
    PluginInstallPolicySource,
    PluginListMarketplaceKind,
    PluginShareDiscoverability,
    PluginSharePrincipalRole,
    PluginSharePrincipalType,
    PluginShareTargetRole,
    PluginShareUpdateDiscoverability,
    ScheduledTaskWeekday,
    SkillScope,
)
from .shared import UnknownByType


class AppBranding(Struct, frozen=True, kw_only=True):
    """EXPERIMENTAL - app metadata returned by app-list APIs."""

    is_discoverable_app: bool
    category: str | None = None
    developer: str | None = None
    privacy_policy: str | None = None
    terms_of_service: str | None = None
    website: str | None = None


class AppInfo(Struct, frozen=True, kw_only=True):
    """EXPERIMENTAL - app metadata returned by app-list APIs.

    Attributes:
        is_enabled: Whether this app is enabled in config.toml. Example: ```toml [apps.bad_app] enabled = false ```
    """

    id: str
    name: str
    app_metadata: AppMetadata | None = None
    branding: AppBranding | None = None
    description: str | None = None
    distribution_channel: str | None = None
    icon_assets: dict[str, str] | None = None
    icon_dark_assets: dict[str, str] | None = None
    install_url: str | None = None
    is_accessible: bool = False
    is_enabled: bool = True
    labels: dict[str, str] | None = None
    logo_url: str | None = None
    logo_url_dark: str | None = None
    plugin_display_names: list[str] = []


class AppListUpdatedNotification(Struct, frozen=True, kw_only=True):
    """EXPERIMENTAL - notification emitted when the app list changes."""

    data: list[AppInfo]


class AppMetadata(Struct, frozen=True, kw_only=True):
    categories: list[str] | None = None
    developer: str | None = None
    first_party_requires_install: bool | None = None
    first_party_type: str | None = None
    review: AppReview | None = None
    screenshots: list[AppScreenshot] | None = None
    seo_description: str | None = None
    show_in_composer_when_unlinked: bool | None = None
    sub_categories: list[str] | None = None
    version: str | None = None
    version_id: str | None = None
    version_notes: str | None = None


class AppReview(Struct, frozen=True, kw_only=True):
    status: str


class AppScreenshot(Struct, frozen=True, kw_only=True):
    user_prompt: str
    file_id: str | None = None
    url: str | None = None


class AppSummary(Struct, frozen=True, kw_only=True):
    """EXPERIMENTAL - app metadata summary for plugin responses."""

    id: str
    name: str
    category: str | None = None
    description: str | None = None
    install_url: str | None = None


class AppTemplateSummary(Struct, frozen=True, kw_only=True):
    materialized_app_ids: list[str]
    name: str
    template_id: str
    canonical_connector_id: str | None = None
    category: str | None = None
    description: str | None = None
    logo_url: str | None = None
    logo_url_dark: str | None = None
    reason: AppTemplateUnavailableReason | None = None


class AppToolSummary(Struct, frozen=True, kw_only=True):
    """EXPERIMENTAL - metadata returned by app/read."""

    description: str
    name: str
    title: str | None = None


class AppsInstalledParams(Params["AppsInstalledResponse"], frozen=True, kw_only=True):
    """Read the committed installed connector runtime snapshot.

    Attributes:
        force_refresh: When true and Apps are permitted, refresh and publish the hosted connector runtime tool snapshot
            first.
        thread_id: Optional loaded thread id used to evaluate effective app configuration.
    """

    METHOD: ClassVar[str] = "app/installed"
    force_refresh: bool | None = None
    thread_id: str | None = None


class AppsInstalledResponse(Struct, frozen=True, kw_only=True):
    """The installed connectors in one committed runtime snapshot."""

    apps: list[InstalledApp]


class AppsListParams(Params["AppsListResponse"], frozen=True, kw_only=True):
    """EXPERIMENTAL - list available apps/connectors.

    Attributes:
        cursor: Opaque pagination cursor returned by a previous call.
        force_refetch: When true, bypass app caches and fetch the latest data from sources.
        limit: Optional page size; defaults to a reasonable server-side value.
        thread_id: Optional thread id used to evaluate app feature gating from that thread's config.
    """

    METHOD: ClassVar[str] = "app/list"
    cursor: str | None = None
    force_refetch: bool | None = None
    limit: int | None = None
    thread_id: str | None = None


class AppsListResponse(Struct, frozen=True, kw_only=True):
    """EXPERIMENTAL - app list response.

    Attributes:
        next_cursor: Opaque cursor to pass to the next call to continue after the last item. If None, there are no more
            items to return.
    """

    data: list[AppInfo]
    next_cursor: str | None = None


class AppsReadParams(Params["AppsReadResponse"], frozen=True, kw_only=True):
    """EXPERIMENTAL - read metadata for specific apps/connectors.

    Attributes:
        app_ids: App ids to read. The server accepts at most 100 ids and deduplicates repeated ids while preserving
            their first-request order.
        include_tools: When true, include display-only public tool summaries in the returned metadata.
    """

    METHOD: ClassVar[str] = "app/read"
    app_ids: list[str]
    include_tools: bool | None = None


class AppsReadResponse(Struct, frozen=True, kw_only=True):
    """EXPERIMENTAL - app/read response."""

    apps: list[ConnectorMetadata]
    missing_app_ids: list[str]


class ConnectorMetadata(Struct, frozen=True, kw_only=True):
    """EXPERIMENTAL - metadata returned by app/read."""

    id: str
    name: str
    description: str | None = None
    distribution_channel: str | None = None
    icon_url: str | None = None
    icon_url_dark: str | None = None
    install_url: str | None = None
    plugin_display_names: list[str] = []
    tool_summaries: list[AppToolSummary] | None = None


class DailyScheduledTaskSchedule(Struct, frozen=True, kw_only=True, tag_field="type", tag="daily"):
    time: str


class GitPluginSource(Struct, frozen=True, kw_only=True, tag_field="type", tag="git"):
    url: str
    path: str | None = None
    ref_name: str | None = None
    sha: str | None = None


class HourlyScheduledTaskSchedule(Struct, frozen=True, kw_only=True, tag_field="type", tag="hourly"):
    interval_hours: int
    days: list[ScheduledTaskWeekday] | None = None


class InstalledApp(Struct, frozen=True, kw_only=True):
    """Installed connector runtime state.

    Attributes:
        callable: Whether the connector is enabled and has a non-synthetic, model-visible tool allowed by effective MCP
            and app/tool policy in the committed runtime snapshot.
        enabled: Effective enabled state after applying global, workspace, local, and managed configuration at read
            time.
        runtime_name: Best-effort name carried by the runtime tool catalog. Canonical app metadata remains owned by
            ``app/read``.
    """

    callable: bool
    enabled: bool
    id: str
    runtime_name: str | None = None


class LocalPluginSource(Struct, frozen=True, kw_only=True, tag_field="type", tag="local"):
    path: AbsolutePathBuf


class MarketplaceAddParams(Params["MarketplaceAddResponse"], frozen=True, kw_only=True):
    """Parameters of ``marketplace/add``."""

    METHOD: ClassVar[str] = "marketplace/add"
    source: str
    ref_name: str | None = None
    sparse_paths: list[str] | None = None


class MarketplaceAddResponse(Struct, frozen=True, kw_only=True):
    already_added: bool
    installed_root: AbsolutePathBuf
    marketplace_name: str


class MarketplaceInterface(Struct, frozen=True, kw_only=True):
    display_name: str | None = None


class MarketplaceLoadErrorInfo(Struct, frozen=True, kw_only=True):
    marketplace_path: AbsolutePathBuf
    message: str


class MarketplaceRemoveParams(Params["MarketplaceRemoveResponse"], frozen=True, kw_only=True):
    """Parameters of ``marketplace/remove``."""

    METHOD: ClassVar[str] = "marketplace/remove"
    marketplace_name: str


class MarketplaceRemoveResponse(Struct, frozen=True, kw_only=True):
    marketplace_name: str
    installed_root: AbsolutePathBuf | None = None


class MarketplaceUpgradeErrorInfo(Struct, frozen=True, kw_only=True):
    marketplace_name: str
    message: str


class MarketplaceUpgradeParams(Params["MarketplaceUpgradeResponse"], frozen=True, kw_only=True):
    """Parameters of ``marketplace/upgrade``."""

    METHOD: ClassVar[str] = "marketplace/upgrade"
    marketplace_name: str | None = None


class MarketplaceUpgradeResponse(Struct, frozen=True, kw_only=True):
    errors: list[MarketplaceUpgradeErrorInfo]
    selected_marketplaces: list[str]
    upgraded_roots: list[AbsolutePathBuf]


class NpmPluginSource(Struct, frozen=True, kw_only=True, tag_field="type", tag="npm"):
    """
    Attributes:
        registry: Optional HTTPS registry URL. Authentication stays in the user's npm config.
        version: Optional npm version or version range.
    """

    package: str
    registry: str | None = None
    version: str | None = None


class PluginDetail(Struct, frozen=True, kw_only=True):
    app_templates: list[AppTemplateSummary]
    apps: list[AppSummary]
    hooks: list[PluginHookSummary]
    marketplace_name: str
    mcp_servers: list[str]
    skills: list[SkillSummary]
    summary: PluginSummary
    description: str | None = None
    marketplace_path: AbsolutePathBuf | None = None
    scheduled_tasks: list[ScheduledTaskSummary] | None = None
    share_url: str | None = None


class PluginHookSummary(Struct, frozen=True, kw_only=True):
    event_name: HookEventName
    key: str


class PluginInstallParams(Params["PluginInstallResponse"], frozen=True, kw_only=True):
    """Parameters of ``plugin/install``."""

    METHOD: ClassVar[str] = "plugin/install"
    plugin_name: str
    marketplace_path: AbsolutePathBuf | None = None
    remote_marketplace_name: str | None = None


class PluginInstallResponse(Struct, frozen=True, kw_only=True):
    apps_needing_auth: list[AppSummary]
    auth_policy: PluginAuthPolicy


class PluginInstalledParams(Params["PluginInstalledResponse"], frozen=True, kw_only=True):
    """Parameters of ``plugin/installed``.

    Attributes:
        cwds: Optional working directories used to discover repo marketplaces.
        install_suggestion_plugin_names: Additional uninstalled plugin names that should be returned when present
            locally. This is used by mention surfaces that intentionally expose install entrypoints.
    """

    METHOD: ClassVar[str] = "plugin/installed"
    cwds: list[AbsolutePathBuf] | None = None
    install_suggestion_plugin_names: list[str] | None = None


class PluginInstalledResponse(Struct, frozen=True, kw_only=True):
    marketplaces: list[PluginMarketplaceEntry]
    marketplace_load_errors: list[MarketplaceLoadErrorInfo] = []


class PluginInterface(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        screenshot_urls: Remote screenshot URLs from the plugin catalog.
        screenshots: Local screenshot paths, resolved from the installed plugin package.
        composer_icon: Local composer icon path, resolved from the installed plugin package.
        composer_icon_url: Remote composer icon URL from the plugin catalog.
        default_prompt: Starter prompts for the plugin. Capped at 3 entries with a maximum of 128 characters per entry.
        logo: Local logo path, resolved from the installed plugin package.
        logo_dark: Local dark-mode logo path, resolved from the installed plugin package.
        logo_url: Remote logo URL from the plugin catalog.
        logo_url_dark: Remote dark-mode logo URL from the plugin catalog.
    """

    capabilities: list[str]
    screenshot_urls: list[str]
    screenshots: list[AbsolutePathBuf]
    brand_color: str | None = None
    category: str | None = None
    composer_icon: AbsolutePathBuf | None = None
    composer_icon_url: str | None = None
    default_prompt: list[str] | None = None
    developer_name: str | None = None
    display_name: str | None = None
    logo: AbsolutePathBuf | None = None
    logo_dark: AbsolutePathBuf | None = None
    logo_url: str | None = None
    logo_url_dark: str | None = None
    long_description: str | None = None
    privacy_policy_url: str | None = None
    short_description: str | None = None
    terms_of_service_url: str | None = None
    website_url: str | None = None


class PluginListParams(Params["PluginListResponse"], frozen=True, kw_only=True):
    """Parameters of ``plugin/list``.

    Attributes:
        cwds: Optional working directories used to discover repo marketplaces. When omitted, only home-scoped
            marketplaces and the official curated marketplace are considered.
        force_refetch: Whether the client requests a fresh remote plugin catalog fetch.
        marketplace_kinds: Optional marketplace kind filter. When omitted, only local marketplaces are queried, plus the
            default remote catalog when enabled by feature flag.
    """

    METHOD: ClassVar[str] = "plugin/list"
    cwds: list[AbsolutePathBuf] | None = None
    force_refetch: bool | None = None
    marketplace_kinds: list[PluginListMarketplaceKind] | None = None


class PluginListResponse(Struct, frozen=True, kw_only=True):
    marketplaces: list[PluginMarketplaceEntry]
    featured_plugin_ids: list[str] = []
    marketplace_load_errors: list[MarketplaceLoadErrorInfo] = []


class PluginMarketplaceEntry(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        path: Local marketplace file path when the marketplace is backed by a local file. Remote-only catalog
            marketplaces do not have a local path.
    """

    name: str
    plugins: list[PluginSummary]
    interface: MarketplaceInterface | None = None
    path: AbsolutePathBuf | None = None


class PluginReadParams(Params["PluginReadResponse"], frozen=True, kw_only=True):
    """Parameters of ``plugin/read``."""

    METHOD: ClassVar[str] = "plugin/read"
    plugin_name: str
    marketplace_path: AbsolutePathBuf | None = None
    remote_marketplace_name: str | None = None


class PluginReadResponse(Struct, frozen=True, kw_only=True):
    plugin: PluginDetail


class PluginShareCheckoutParams(Params["PluginShareCheckoutResponse"], frozen=True, kw_only=True):
    """Parameters of ``plugin/share/checkout``."""

    METHOD: ClassVar[str] = "plugin/share/checkout"
    remote_plugin_id: str


class PluginShareCheckoutResponse(Struct, frozen=True, kw_only=True):
    marketplace_name: str
    marketplace_path: AbsolutePathBuf
    plugin_id: str
    plugin_name: str
    plugin_path: AbsolutePathBuf
    remote_plugin_id: str
    remote_version: str | None = None


class PluginShareContext(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        remote_version: Version of the remote shared plugin release when available.
    """

    remote_plugin_id: str
    creator_account_user_id: str | None = None
    creator_name: str | None = None
    discoverability: PluginShareDiscoverability | None = None
    remote_version: str | None = None
    share_principals: list[PluginSharePrincipal] | None = None
    share_url: str | None = None


class PluginShareDeleteParams(Params["PluginShareDeleteResponse"], frozen=True, kw_only=True):
    """Parameters of ``plugin/share/delete``."""

    METHOD: ClassVar[str] = "plugin/share/delete"
    remote_plugin_id: str


class PluginShareDeleteResponse(Struct, frozen=True, kw_only=True):
    pass


class PluginShareListItem(Struct, frozen=True, kw_only=True):
    plugin: PluginSummary
    local_plugin_path: AbsolutePathBuf | None = None


class PluginShareListParams(Params["PluginShareListResponse"], frozen=True, kw_only=True):
    """Parameters of ``plugin/share/list``."""

    METHOD: ClassVar[str] = "plugin/share/list"


class PluginShareListResponse(Struct, frozen=True, kw_only=True):
    data: list[PluginShareListItem]


class PluginSharePrincipal(Struct, frozen=True, kw_only=True):
    name: str
    principal_id: str
    principal_type: PluginSharePrincipalType
    role: PluginSharePrincipalRole


class PluginShareSaveParams(Params["PluginShareSaveResponse"], frozen=True, kw_only=True):
    """Parameters of ``plugin/share/save``."""

    METHOD: ClassVar[str] = "plugin/share/save"
    plugin_path: AbsolutePathBuf
    discoverability: PluginShareDiscoverability | None = None
    remote_plugin_id: str | None = None
    share_targets: list[PluginShareTarget] | None = None


class PluginShareSaveResponse(Struct, frozen=True, kw_only=True):
    remote_plugin_id: str
    share_url: str


class PluginShareTarget(Struct, frozen=True, kw_only=True):
    principal_id: str
    principal_type: PluginSharePrincipalType
    role: PluginShareTargetRole


class PluginShareUpdateTargetsParams(Params["PluginShareUpdateTargetsResponse"], frozen=True, kw_only=True):
    """Parameters of ``plugin/share/updateTargets``."""

    METHOD: ClassVar[str] = "plugin/share/updateTargets"
    discoverability: PluginShareUpdateDiscoverability
    remote_plugin_id: str
    share_targets: list[PluginShareTarget]


class PluginShareUpdateTargetsResponse(Struct, frozen=True, kw_only=True):
    discoverability: PluginShareDiscoverability
    principals: list[PluginSharePrincipal]


class PluginSkillReadParams(Params["PluginSkillReadResponse"], frozen=True, kw_only=True):
    """Parameters of ``plugin/skill/read``."""

    METHOD: ClassVar[str] = "plugin/skill/read"
    remote_marketplace_name: str
    remote_plugin_id: str
    skill_name: str


class PluginSkillReadResponse(Struct, frozen=True, kw_only=True):
    contents: str | None = None


class PluginSummary(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        availability: Availability state for installing and using the plugin.
        local_version: Version of the locally materialized plugin package when available.
        remote_plugin_id: Backend remote plugin identifier when available.
        share_context: Remote sharing context associated with this plugin when available.
        version: Version advertised by the remote marketplace backend when available.
    """

    auth_policy: PluginAuthPolicy
    enabled: bool
    id: str
    install_policy: PluginInstallPolicy
    installed: bool
    name: str
    source: PluginSource
    availability: PluginAvailability = "AVAILABLE"
    install_policy_source: PluginInstallPolicySource | None = None
    interface: PluginInterface | None = None
    keywords: list[str] = []
    local_version: str | None = None
    must_show_installation_interstitial: bool | None = None
    remote_plugin_id: str | None = None
    share_context: PluginShareContext | None = None
    version: str | None = None


class PluginUninstallParams(Params["PluginUninstallResponse"], frozen=True, kw_only=True):
    """Parameters of ``plugin/uninstall``."""

    METHOD: ClassVar[str] = "plugin/uninstall"
    plugin_id: str


class PluginUninstallResponse(Struct, frozen=True, kw_only=True):
    pass


class RemotePluginSource(Struct, frozen=True, kw_only=True, tag_field="type", tag="remote"):
    """The plugin is available in the remote catalog. Download metadata is kept server-side and is not exposed through the
    app-server API.
    """


class ScheduledTaskSummary(Struct, frozen=True, kw_only=True):
    key: str
    name: str
    prompt: str
    schedule: ScheduledTaskSchedule


class SkillDependencies(Struct, frozen=True, kw_only=True):
    tools: list[SkillToolDependency]


class SkillErrorInfo(Struct, frozen=True, kw_only=True):
    message: str
    path: str


class SkillInterface(Struct, frozen=True, kw_only=True):
    brand_color: str | None = None
    default_prompt: str | None = None
    display_name: str | None = None
    icon_large: AbsolutePathBuf | None = None
    icon_small: AbsolutePathBuf | None = None
    short_description: str | None = None


class SkillMetadata(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        short_description: Legacy short_description from SKILL.md. Prefer SKILL.json interface.short_description.
    """

    description: str
    enabled: bool
    name: str
    path: AbsolutePathBuf
    scope: SkillScope
    dependencies: SkillDependencies | None = None
    interface: SkillInterface | None = None
    short_description: str | None = None


class SkillSummary(Struct, frozen=True, kw_only=True):
    description: str
    enabled: bool
    name: str
    interface: SkillInterface | None = None
    path: AbsolutePathBuf | None = None
    short_description: str | None = None


class SkillToolDependency(Struct, frozen=True, kw_only=True):
    type: str
    value: str
    command: str | None = None
    description: str | None = None
    transport: str | None = None
    url: str | None = None


class SkillsChangedNotification(Struct, frozen=True, kw_only=True):
    """Notification emitted when watched local skill files change.

    Treat this as an invalidation signal and re-run ``skills/list`` with the client's current parameters when refreshed
    skill metadata is needed.
    """


class SkillsConfigWriteParams(Params["SkillsConfigWriteResponse"], frozen=True, kw_only=True):
    """Parameters of ``skills/config/write``.

    Attributes:
        name: Name-based selector.
        path: Path-based selector.
    """

    METHOD: ClassVar[str] = "skills/config/write"
    enabled: bool
    name: str | None = None
    path: AbsolutePathBuf | None = None


class SkillsConfigWriteResponse(Struct, frozen=True, kw_only=True):
    effective_enabled: bool


class SkillsExtraRootsSetParams(Params["SkillsExtraRootsSetResponse"], frozen=True, kw_only=True):
    """Parameters of ``skills/extraRoots/set``."""

    METHOD: ClassVar[str] = "skills/extraRoots/set"
    extra_roots: list[AbsolutePathBuf]


class SkillsExtraRootsSetResponse(Struct, frozen=True, kw_only=True):
    pass


class SkillsListEntry(Struct, frozen=True, kw_only=True):
    cwd: str
    errors: list[SkillErrorInfo]
    skills: list[SkillMetadata]


class SkillsListParams(Params["SkillsListResponse"], frozen=True, kw_only=True):
    """Parameters of ``skills/list``.

    Attributes:
        cwds: When empty, defaults to the current session working directory.
        force_reload: When true, bypass the skills cache and re-scan skills from disk.
    """

    METHOD: ClassVar[str] = "skills/list"
    cwds: list[str] | None = None
    force_reload: bool | None = None


class SkillsListResponse(Struct, frozen=True, kw_only=True):
    data: list[SkillsListEntry]


class WeekdaysScheduledTaskSchedule(Struct, frozen=True, kw_only=True, tag_field="type", tag="weekdays"):
    time: str


class WeeklyScheduledTaskSchedule(Struct, frozen=True, kw_only=True, tag_field="type", tag="weekly"):
    days: list[ScheduledTaskWeekday]
    time: str


PluginSource: TypeAlias = LocalPluginSource | GitPluginSource | NpmPluginSource | RemotePluginSource | UnknownByType


ScheduledTaskSchedule: TypeAlias = (
    HourlyScheduledTaskSchedule
    | DailyScheduledTaskSchedule
    | WeekdaysScheduledTaskSchedule
    | WeeklyScheduledTaskSchedule
    | UnknownByType
)
