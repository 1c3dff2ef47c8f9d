"""What a client is opened with, checked, and as the engine takes it."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from .. import _masked
from .._checks import credential, flag, function, instance, mapping, text, whole
from ..input import TurnInput
from ..interceptors import Interceptor
from ..options import CommandLimits
from ..tools import Tool, check_tool
from .deadline import Deadline

if TYPE_CHECKING:
    from .._mcp_servers import McpServer
    from .._model_info import ModelInfo
    from .._skill_shelf import SkillSource
    from ..approvals import ApprovalHandler
    from ..config import Config
    from ..events import Event
    from ..hooks import Hook

#: Sees a turn's input before it starts; returns None, or another input.
BeforeStart = Callable[[Any, TurnInput], "TurnInput | Awaitable[TurnInput | None] | None"]

#: Id of the model provider that `base_url` makes.
_PROVIDER = "codex_cffi"
#: Options that are settings of the engine's, for whichever provider it uses.
_RETRIES = ("request_max_retries", "stream_max_retries")


#: What each client of this process has besides its own options; see :func:`codex_cffi.config_file.apply`.
_shared: dict[str, Any] = {}


def share(options: Mapping[str, Any]) -> None:
    """Gives each client that is opened from now on these options, besides its own and over those that were shared before; None says nothing."""
    for name, value in options.items():
        known = _shared.get(name)
        if isinstance(value, Mapping) and isinstance(known, Mapping):
            _shared[name] = merged(known, value)
        elif value is not None:
            _shared[name] = value


class ClientOptions(msgspec.Struct, frozen=True):
    """The arguments of :class:`Codex`, which describes them."""

    api_key: str | None = None
    base_url: str | None = None
    codex_home: str | os.PathLike[str] | None = None
    skip_git_repo_check: bool = False
    trust_project: bool = False
    config: Config | Mapping[str, Any] | None = None
    isolated: bool = False
    ignore_user_config: bool = False
    profile: str | None = None
    models: Sequence[ModelInfo] = ()
    tools: Iterable[Tool] = ()
    interceptors: Iterable[Interceptor] = ()
    hooks: Iterable[Hook] = ()
    mcp_servers: Mapping[str, McpServer | Mapping[str, Any]] | None = None
    skills: Mapping[str, SkillSource] | Sequence[os.PathLike[str]] | None = None
    mention_skills_with_at: bool = False
    command_limits: CommandLimits | None = None
    request_max_retries: int | None = None
    stream_max_retries: int | None = None
    max_workers: int = 8
    on_approval: ApprovalHandler | None = None
    approval_timeout: float | None = None
    on_event: Callable[[Event], None] | None = None
    before_start: BeforeStart | None = None
    client_name: str = "codex_cffi"
    timeout: float | None = 10.0

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"  # a key is among them, and so it may be in `config`

    def with_shared(self) -> ClientOptions:
        """These options, with those that all clients share below them: lists join, tables are put together, of the rest a client's own counts."""
        more: dict[str, Any] = {}
        for name, shared in _shared.items():
            own = getattr(self, name)
            if isinstance(shared, list):
                more[name] = [*shared, *own]
            elif isinstance(shared, Mapping) and (own is None or isinstance(own, Mapping)):
                more[name] = merged(shared, own or {})
            elif own is None or own is False:
                more[name] = shared
        return msgspec.structs.replace(self, **more) if more else self

    def check(self) -> None:
        """Raises TypeError or ValueError for what can be told without the engine."""
        if self.config is not None:
            mapping("config", self.config)
        if self.api_key is not None:
            credential("api_key", self.api_key)
        whole("max_workers", self.max_workers, 1)
        for name in _RETRIES:
            whole(name, getattr(self, name), 0, or_none=True)
        Deadline(self.timeout)  # checks the arguments
        Deadline(self.approval_timeout)
        flag("trust_project", self.trust_project)
        for name in ("on_approval", "on_event", "before_start"):
            function(name, getattr(self, name), or_none=True)

    def home(self) -> str | None:
        """The codex home as it was given, absolute; None for the usual one."""
        return None if self.codex_home is None else os.path.abspath(os.path.expanduser(os.fsdecode(self.codex_home)))

    def checked_models(self) -> list[ModelInfo]:
        """The models that it is told of."""
        if not self.models:
            return []  # most programs never need what follows
        from .. import _model_info

        models = _model_info.check_models(self.models)
        config = self.config or {}
        _model_info.check_effort(config.get("model_reasoning_effort"), config.get("model"), efforts(models))
        return models

    def checked_tools(self) -> list[Tool]:
        """The tools."""
        return [check_tool(tool) for tool in self.tools]

    def checked_interceptors(self) -> list[Interceptor]:
        """The interceptors."""
        return [instance("interceptors", interceptor, Interceptor) for interceptor in self.interceptors]

    def checked_hooks(self) -> list[Hook]:
        """The hooks."""
        return [check_hook(hook) for hook in self.hooks]

    def settings(self) -> dict[str, Any]:
        """The settings over those of ``config.toml``."""
        settings: dict[str, Any] = dict(self.config or {})
        if "trust_project" in settings:
            raise TypeError("trust_project is an argument of the client and of threads, not a setting")
        if self.command_limits is not None:
            settings["command_limits"] = instance("command_limits", self.command_limits, CommandLimits).to_config()
        for name in _RETRIES:
            if getattr(self, name) is not None:
                settings[name] = getattr(self, name)
        if self.base_url is not None:
            _use_base_url(settings, self.base_url)
        if self.mcp_servers is not None:
            from .. import _mcp_servers

            settings["mcp_servers"] = {
                **settings.get("mcp_servers", {}),
                **_mcp_servers.servers_config(self.mcp_servers),
            }
            _mcp_servers.refuse_twins(settings["mcp_servers"])
        return settings

    def engine_options(self, settings: Mapping[str, Any], models: Sequence[ModelInfo]) -> dict[str, Any]:
        """What the library opens an engine with."""
        options: dict[str, Any] = {
            "config": settings,
            "isolated": self.isolated,
            "ignore_user_config": self.ignore_user_config,
            "client_name": self.client_name,
            "openai_api_key_env": True,
        }
        home = self.home()
        if home is not None:
            options["codex_home"] = home
        if self.profile is not None:
            options["profile"] = text("profile", self.profile)
        if self.api_key is not None:
            options["api_key"] = credential("api_key", self.api_key)
        if models:
            options["models"] = [model.to_engine() for model in models]
        return options


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Settings over settings, table by table."""
    result = dict(below)
    for key, value in above.items():
        old = result.get(key)
        result[key] = merged(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return result


def efforts(models: Iterable[ModelInfo]) -> dict[str, Sequence[str]]:
    """The reasoning efforts of models that tell theirs, by the models' names."""
    return {model.name: model.reasoning_efforts for model in models if model.reasoning_efforts}


def check_hook(hook: Any) -> Hook:
    """A hook."""
    from .. import hooks  # only now: many programs never need it

    return hooks.check_hook(hook)


def _use_base_url(settings: dict[str, Any], base_url: str) -> None:
    if not text("base_url", base_url).startswith(("http://", "https://")):
        raise ValueError(f"base_url must start with http:// or https://, not {_masked.refused(base_url)!r}")
    if "model_provider" in settings:
        raise ValueError("base_url and config['model_provider'] exclude each other")
    settings["model_provider"] = _PROVIDER
    # The name is told to people.
    name = _masked.address(base_url)
    provider = {"name": name, "base_url": base_url, "wire_api": "responses", "requires_openai_auth": True}
    settings["model_providers"] = {**settings.get("model_providers", {}), _PROVIDER: provider}
