"""Settings: typed keys for ``Codex(config=...)``, and reading and writing the configuration of a running engine.

Given to a client, read, and written::

    codex = Codex(config={"model": "gpt-5.5", "sandbox_mode": "workspace-write", "features": {"web_search_request": True}})
    codex.config.read()["model"]
    codex.config.write({"model_reasoning_effort": "high"})   # to config.toml, for all later clients
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from ._checks import mapping
from ._core.deadline import Deadline
from ._core.steps import Steps, call
from ._keywords import names_keywords
from .errors import ConfigError, EngineError

if TYPE_CHECKING:
    from ._core.contract import AsyncClient, BlockingClient
    from .mcp import ApprovalOfTools

__all__ = [
    "AsyncConfiguration",
    "Config",
    "ConfigWritten",
    "Configuration",
    "FeatureConfig",
    "McpServerTable",
    "ProviderConfig",
    "SandboxWorkspaceWriteConfig",
    "SkillsConfig",
]


class ProviderConfig(TypedDict, total=False):
    """A model provider, in ``model_providers``."""

    name: str
    base_url: str
    wire_api: Literal["responses"]
    env_key: str
    env_key_instructions: str
    experimental_bearer_token: str
    requires_openai_auth: bool
    http_headers: dict[str, str]
    env_http_headers: dict[str, str]
    query_params: dict[str, str]
    request_max_retries: int
    stream_max_retries: int
    stream_idle_timeout_ms: int
    supports_websockets: bool
    #: How the provider is told of tools: as functions with flat names, with namespaces and the engine's other types, or (by default) so until it refuses them.
    tool_names: Literal["auto", "flat", "namespaced"]


class SandboxWorkspaceWriteConfig(TypedDict, total=False):
    """``sandbox_workspace_write``."""

    network_access: bool
    writable_roots: list[str]
    exclude_tmpdir_env_var: bool
    exclude_slash_tmp: bool


class FeatureConfig(TypedDict, total=False):
    """The better known ``features``; there are more."""

    shell_tool: bool
    unified_exec: bool
    web_search_request: bool
    multi_agent: bool
    multi_agent_v2: bool
    plugins: bool
    apps: bool
    memories: bool
    hooks: bool
    shell_snapshot: bool


class SkillsConfig(TypedDict, total=False):
    """``skills``."""

    config: list[dict[str, Any]]
    include_instructions: bool
    bundled: dict[str, bool]


class McpServerTable(TypedDict, total=False):
    """An MCP server, in ``mcp_servers``; :class:`StdioServer` and :class:`HttpServer` are the same as objects."""

    command: str
    args: list[str]
    env: dict[str, str]
    env_vars: list[str]
    cwd: str
    url: str
    bearer_token_env_var: str
    http_headers: dict[str, str]
    env_http_headers: dict[str, str]
    enabled: bool
    required: bool
    enabled_tools: list[str]
    disabled_tools: list[str]
    startup_timeout_sec: float
    tool_timeout_sec: float
    default_tools_approval_mode: ApprovalOfTools


class Config(TypedDict, total=False):
    """The common keys of ``config.toml``, for type checkers and editors; any other key may be given in a plain dict too."""

    model: str
    model_provider: str
    model_providers: dict[str, ProviderConfig]
    model_reasoning_effort: str
    model_reasoning_summary: Literal["auto", "concise", "detailed", "none"]
    model_verbosity: Literal["low", "medium", "high"]
    model_context_window: int
    model_auto_compact_token_limit: int
    review_model: str
    personality: Literal["none", "friendly", "pragmatic"]
    service_tier: str
    approval_policy: Literal["untrusted", "on-request", "on-failure", "never"]
    sandbox_mode: Literal["read-only", "workspace-write", "danger-full-access"]
    sandbox_workspace_write: SandboxWorkspaceWriteConfig
    shell_environment_policy: dict[str, Any]
    instructions: str
    developer_instructions: str
    compact_prompt: str
    project_doc_max_bytes: int
    project_doc_fallback_filenames: list[str]
    web_search: Literal["disabled", "cached", "live"]
    tools: dict[str, Any]
    features: FeatureConfig
    mcp_servers: dict[str, McpServerTable]
    skills: SkillsConfig
    agents: dict[str, Any]
    hooks: dict[str, Any]
    projects: dict[str, dict[str, Any]]
    profile: str
    forced_login_method: Literal["chatgpt", "api"]
    cli_auth_credentials_store: Literal["file", "keyring", "auto", "ephemeral"]


@dataclass(frozen=True)
class ConfigWritten:
    """What came of writing settings.

    Attributes:
        file: Where they are now.
        in_force: False if another layer has one of them too, so that it does not count in this client: ``Codex(config=...)``, or the package's own default
            for a key that ``config.toml`` did not have when the client was opened. Later clients take it.
        overridden_by: Which layer, for a person.
    """

    file: Path
    in_force: bool = True
    overridden_by: str | None = None


class Configuration:
    """The settings of a running engine: ``codex.config``."""

    def __init__(self, client: BlockingClient) -> None:
        self._client = client

    @names_keywords
    def read(
        self, *, working_directory: str | os.PathLike[str] | None = None, timeout: float | None = 30.0
    ) -> dict[str, Any]:
        """The settings in force, with the keys of ``config.toml``.

        Args:
            working_directory: With those of the project there too.
            timeout: Seconds to wait for the engine.
        """
        return self._client.drive(_read(working_directory, Deadline(timeout)))

    @names_keywords
    def write(
        self, values: Config | Mapping[str, Any], *, replace: bool = False, timeout: float | None = 30.0
    ) -> ConfigWritten:
        """Writes settings to the user's ``config.toml``, where they stay; loaded threads take them too.

        Args:
            values: Nested as in ``config.toml``; None removes a key.
            replace: A table replaces the one that is there. Default: they merge.
            timeout: Seconds to wait for the engine.

        Returns:
            Where, and whether all of it counts here.

        Raises:
            ConfigError: A setting is refused; nothing was written.
        """
        return self._client.drive(_write(values, replace, Deadline(timeout)))


class AsyncConfiguration:
    """The settings of a running engine: ``codex.config`` of an :class:`AsyncCodex`. The twin of :class:`Configuration`."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    @names_keywords
    async def read(
        self, *, working_directory: str | os.PathLike[str] | None = None, timeout: float | None = 30.0
    ) -> dict[str, Any]:
        """The settings in force; see :meth:`Configuration.read`."""
        return await self._client.drive(_read(working_directory, Deadline(timeout)))

    @names_keywords
    async def write(
        self, values: Config | Mapping[str, Any], *, replace: bool = False, timeout: float | None = 30.0
    ) -> ConfigWritten:
        """Writes settings to the user's ``config.toml``; see :meth:`Configuration.write`."""
        return await self._client.drive(_write(values, replace, Deadline(timeout)))


def _read(working_directory: str | os.PathLike[str] | None, deadline: Deadline) -> Steps[dict[str, Any]]:
    """The settings in force."""
    params = {} if working_directory is None else {"cwd": os.path.abspath(working_directory)}
    result: dict[str, Any] = yield from call("config/read", params, deadline)
    config: dict[str, Any] = result["config"]
    return config


def _write(values: Mapping[str, Any], replace: bool, deadline: Deadline) -> Steps[ConfigWritten]:
    """Writes settings to the user's config.toml, and tells loaded threads."""
    if not mapping("values", values, " of settings"):
        raise ValueError("there is nothing to write: values is empty")
    edits = [
        {"keyPath": _key_path(path), "value": value, "mergeStrategy": "replace" if replace else "upsert"}
        for path, value in _leaves(values, (), replace)
    ]
    try:
        result = yield from call("config/batchWrite", {"edits": edits, "reloadUserConfig": True}, deadline)
    except EngineError as error:
        raise ConfigError(f"the settings are refused, nothing was written: {error}", detail=error.detail) from error
    overridden = result.get("overriddenMetadata") or {}
    return ConfigWritten(Path(result["filePath"]), result["status"] != "okOverridden", overridden.get("message"))


def _leaves(values: Mapping[str, Any], path: tuple[str, ...], replace: bool) -> list[tuple[tuple[str, ...], Any]]:
    """Each setting with its path; a table to replace is one setting."""
    found: list[tuple[tuple[str, ...], Any]] = []
    for key, value in values.items():
        if not isinstance(key, str) or not key:
            raise TypeError(f"a setting's name is a text, not {key!r}")
        here = (*path, key)
        if isinstance(value, Mapping) and value and not replace:
            found += _leaves(value, here, replace)
        else:
            found.append((here, value))
    return found


def _key_path(path: tuple[str, ...]) -> str:
    plain = all(part.replace("-", "").replace("_", "").isalnum() and part.isascii() for part in path)
    if plain:
        return ".".join(path)
    return ".".join('"' + part.replace("\\", "\\\\").replace('"', '\\"') + '"' for part in path)
