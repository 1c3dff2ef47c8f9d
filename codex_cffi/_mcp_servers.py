"""MCP servers as programs describe them, and as the engine's configuration has them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from . import _masked
from ._checks import above_zero, choice, mapping, several

#: When a call of a server's tool must be approved: as the tool's own hints say, always, if it writes, never.
ApprovalOfTools = Literal["auto", "prompt", "writes", "approve"]


@dataclass(frozen=True, kw_only=True, repr=False)
class McpServer:
    """What servers of both kinds have.

    Attributes:
        enabled_tools: Tools that the agent sees; None is all.
        disabled_tools: Tools that it does not see.
        approval: When a call must be approved. ``approve`` needs nobody.
        tool_approvals: The same for single tools.
        supports_parallel: Its tools may run beside each other.
        required: A thread does not start without it.
        enabled: False keeps it from starting.
        startup_timeout: Seconds that it may take to start.
        tool_timeout: Seconds that a call may take.
    """

    enabled_tools: Sequence[str] | None = None
    disabled_tools: Sequence[str] = ()
    approval: ApprovalOfTools | None = None
    tool_approvals: Mapping[str, ApprovalOfTools] = field(default_factory=dict)
    supports_parallel: bool = False
    required: bool = False
    enabled: bool = True
    startup_timeout: float | None = None
    tool_timeout: float | None = None

    def __post_init__(self) -> None:
        for name in ("enabled_tools", "disabled_tools"):
            several(name, getattr(self, name), "names", "name")
        if self.approval is not None:
            choice("approval", self.approval, ApprovalOfTools)
        for tool, mode in self.tool_approvals.items():
            choice(f"the approval of tool {tool!r}", mode, ApprovalOfTools)
        for name in ("startup_timeout", "tool_timeout"):
            above_zero(name, getattr(self, name))

    def to_config(self) -> dict[str, Any]:
        """As the engine's ``mcp_servers`` has it."""
        config: dict[str, Any] = {
            "enabled_tools": None if self.enabled_tools is None else list(self.enabled_tools),
            "disabled_tools": list(self.disabled_tools) or None,
            "default_tools_approval_mode": self.approval,
            "tools": {tool: {"approval_mode": mode} for tool, mode in self.tool_approvals.items()} or None,
            "supports_parallel_tool_calls": self.supports_parallel or None,
            "required": self.required or None,
            "enabled": None if self.enabled else False,
            "startup_timeout_sec": self.startup_timeout,
            "tool_timeout_sec": self.tool_timeout,
            **self._transport(),
        }
        return {key: value for key, value in config.items() if value is not None}

    def _transport(self) -> dict[str, Any]:
        raise NotImplementedError

    def __repr__(self) -> str:
        return _masked.fields(self, ((each.name, getattr(self, each.name)) for each in fields(self) if each.repr))


@dataclass(frozen=True, repr=False)
class StdioServer(McpServer):
    """A server that is a child process and speaks on its standard input and output.

    Attributes:
        command: The program.
        args: Its arguments. A ``Path`` is made absolute.
        env: Variables of its environment, besides a few of this process's.
        env_vars: Names of variables of this process's environment that it gets too.
        cwd: Where it runs. Default: ``/``, as for a daemon. Not where the agent works: what lies there could be loaded in place of the server's own files
            (``python -m server``, ``npx server``), outside of the sandbox.
    """

    command: str | os.PathLike[str]
    args: Sequence[str | os.PathLike[str]] = ()
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    env_vars: Sequence[str] = ()
    cwd: str | os.PathLike[str] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.env_vars, str):
            _check_variables("env_vars", self.env_vars)

    def _transport(self) -> dict[str, Any]:
        several("args", self.args, "arguments", "text")
        config = {
            "command": os.fspath(self.command),
            "args": [argument if isinstance(argument, str) else os.path.abspath(argument) for argument in self.args],
            "env": dict(self.env) or None,
            "env_vars": list(self.env_vars) or None,
        }
        return config | (_neutral(config) if self.cwd is None else {"cwd": os.path.abspath(self.cwd)})


def _check_variables(what: str, names: Iterable[Any]) -> None:
    """Raises for what is no name of a variable, without telling it: it may be the credential itself."""
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"{what} must have names of variables of the environment, not {type(name).__name__}")
        if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) is None:
            raise ValueError(
                f"{what} must have names of variables of the environment: letters, digits and _, not a value itself"
            )


def _neutral(config: Mapping[str, Any]) -> dict[str, Any]:
    """Where a server runs that was told no place: not where the agent may write. Paths that only hold here are refused, or made absolute."""
    for argument in config.get("args") or ():
        if ("/" in argument or "." in argument) and not os.path.isabs(argument) and os.path.lexists(argument):
            raise ValueError(
                f"argument {argument!r} of the MCP server is a path in the current directory, but without cwd the server runs in /: "
                f"give it as Path({argument!r}), which is made absolute, or give cwd"
            )
    command = config["command"]
    return {"command": os.path.abspath(command) if "/" in command else command, "cwd": "/"}


@dataclass(frozen=True, repr=False)
class HttpServer(McpServer):
    """A server that speaks streamable HTTP.

    Attributes:
        url: Its endpoint.
        bearer_token_env_var: Variable of this process's environment that holds its token.
        headers: HTTP headers of each request.
        env_headers: Headers whose values are in variables of this process's environment, by header.
        scopes: Of an OAuth login, see :meth:`Mcp.login`.
    """

    url: str
    bearer_token_env_var: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    env_headers: Mapping[str, str] = field(default_factory=dict)
    scopes: Sequence[str] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.bearer_token_env_var is not None:
            _check_variables("bearer_token_env_var", [self.bearer_token_env_var])
        _check_variables("env_headers", self.env_headers.values())

    def _transport(self) -> dict[str, Any]:
        if not self.url.startswith(("http://", "https://")):
            raise ValueError(
                f"the url of an MCP server must start with http:// or https://, not {_masked.refused(self.url)!r}"
            )
        return {
            "url": self.url,
            "bearer_token_env_var": self.bearer_token_env_var,
            "http_headers": dict(self.headers) or None,
            "env_http_headers": dict(self.env_headers) or None,
            "scopes": list(self.scopes) or None,
        }


def refuse_twins(names: Iterable[str]) -> None:
    """Raises ValueError for two servers whose tools would have the same names, where ``-`` is ``_``."""
    known: dict[str, str] = {}
    for name in names:
        other = known.setdefault(name.replace("-", "_").removeprefix("mcp__"), name)
        if other != name:
            raise ValueError(
                f"the tools of the MCP servers {other!r} and {name!r} would have the same names; rename one"
            )


def servers_config(servers: Mapping[str, McpServer | Mapping[str, Any]] | None) -> dict[str, dict[str, Any]]:
    """The servers as the configuration has them."""
    if servers is None:
        return {}
    mapping("mcp_servers", servers, " of names to servers")
    config: dict[str, dict[str, Any]] = {}
    for name, server in servers.items():
        if not isinstance(name, str) or re.fullmatch(r"[A-Za-z0-9_-]+", name) is None:
            raise ValueError(f"an MCP server's name must be letters, digits, _ and -, not {name!r}")
        if isinstance(server, McpServer):
            config[name] = server.to_config()
        elif isinstance(server, Mapping):
            config[name] = dict(server)
            token = server.get("bearer_token_env_var")
            _check_variables("bearer_token_env_var", [] if token is None else [token])
            _check_variables("env_http_headers", (server.get("env_http_headers") or {}).values())
            _check_variables("env_vars", (each for each in server.get("env_vars") or () if isinstance(each, str)))
            if server.get("command") and server.get("cwd") is None:
                config[name] |= _neutral(server)
        else:
            raise TypeError(
                f"MCP server {name!r} must be a StdioServer, an HttpServer or a mapping, not {type(server).__name__}"
            )
    return config
