"""MCP servers: where the agent finds more tools, for a whole client or one thread::

    servers = {"docs": HttpServer("https://docs.example/mcp"), "db": StdioServer("db-mcp", ["--read-only"], enabled_tools=["query"])}
    with Codex(mcp_servers=servers) as codex:
        thread = codex.start_thread()
        print(thread.call_mcp_tool("db", "query", {"sql": "select 1"}).text)

The event :class:`McpServerStatusUpdated` tells of a server that starts, is ready, or did not start and why. A stdio server is a child process, which runs
outside of the sandbox; what its tools may do without asking is ``approval`` to decide.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal

from . import _masked
from ._deadline import Deadline
from ._keywords import names_keywords
from ._steps import Pause, Steps, call
from .account import LoginError
from .errors import CodexTimeoutError, EngineError, NotFoundError
from .options import choice

if TYPE_CHECKING:
    from .client import AsyncCodex, BaseCodex, Codex

__all__ = [
    "ApprovalOfTools",
    "AsyncMcpLogin",
    "HttpServer",
    "McpLogin",
    "McpResource",
    "McpServer",
    "McpServerStatus",
    "McpTool",
    "McpToolError",
    "McpToolResult",
    "StdioServer",
]

#: When a call of a server's tool must be approved: as the tool's own hints say, always, if it writes, never.
ApprovalOfTools = Literal["auto", "prompt", "writes", "approve"]

#: Seconds between two looks whether a login has ended.
_LOOK = 0.05


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
            if isinstance(getattr(self, name), str):
                raise TypeError(f"{name} must be a list of names, not one name")
        if self.approval is not None:
            choice("approval", self.approval, ApprovalOfTools)
        for tool, mode in self.tool_approvals.items():
            choice(f"the approval of tool {tool!r}", mode, ApprovalOfTools)
        for name in ("startup_timeout", "tool_timeout"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"{name} must be above 0 seconds, not {value}")

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
        if isinstance(self.args, str):
            raise TypeError("args must be a list of arguments, not one text")
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
        scopes: Of an OAuth login, see :meth:`Codex.login_mcp_server`.
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
    if not isinstance(servers, Mapping):
        raise TypeError(f"mcp_servers must be a mapping of names to servers, not {type(servers).__name__}")
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


@dataclass(frozen=True)
class McpTool:
    """A tool of a server's: its name there, what it does, and the JSON schema of its arguments."""

    name: str
    description: str = ""
    input_schema: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class McpResource:
    """A resource of a server's, or (with ``{...}`` in its `uri`) a template of some."""

    uri: str
    name: str = ""
    description: str = ""
    mime_type: str | None = None


@dataclass(frozen=True)
class McpServerStatus:
    """A server as it is.

    Attributes:
        name: Its name in the configuration.
        tools: By name; empty if the server did not start.
        resources: What can be read.
        resource_templates: What can be read with something filled in.
        auth: ``unsupported``, ``notLoggedIn``, ``bearerToken`` or ``oAuth``.
        title, version: What the server says of itself, once it has started.
    """

    name: str
    tools: dict[str, McpTool]
    resources: list[McpResource]
    resource_templates: list[McpResource]
    auth: Literal["unsupported", "notLoggedIn", "bearerToken", "oAuth"] | str
    title: str | None = None
    version: str | None = None


@dataclass(frozen=True)
class McpToolResult:
    """What a tool gave back.

    Attributes:
        content: Parts with a ``type``, as MCP has them.
        structured: The same as a JSON value, if the tool gives one.
        is_error: The tool says that it failed.
    """

    content: list[dict[str, Any]]
    structured: Any = None
    is_error: bool = False

    @property
    def text(self) -> str:
        """The text parts, joined by line ends."""
        return "\n".join(part.get("text", "") for part in self.content if part.get("type") == "text")


class McpToolError(EngineError):
    """A server could not be asked: it is not there, did not start, or has no such tool or resource."""


class _BaseMcpLogin:
    """What :class:`McpLogin` and :class:`AsyncMcpLogin` share.

    Attributes:
        server: The server's name.
        url: What a person must open in a browser.
    """

    def __init__(self, client: BaseCodex, server: str, url: str) -> None:
        self._client = client
        self.server = server
        self.url = url

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.server} {'done' if self.done else 'open'}>"

    @property
    def done(self) -> bool:
        """Whether it has ended, one way or the other."""
        if self._client._handle is not None and not self._client.closed:
            self._client._dispatcher.drain()
        return self._client._observed.mcp_login(self.server) is not None

    def _wait(self, deadline: Deadline) -> Steps[None]:
        while not self.done:
            self._client._open_handle()
            if deadline.over:
                raise CodexTimeoutError(f"nobody finished the login to {self.server} within {deadline.seconds:g} s")
            yield Pause(_LOOK)
        ended = self._client._observed.mcp_login(self.server)
        assert ended is not None
        if not ended.success:
            raise LoginError(f"the login to {self.server} did not succeed: {ended.error or 'no reason given'}")


class McpLogin(_BaseMcpLogin):
    """An OAuth login to an MCP server that waits for a person; made by :meth:`Codex.login_mcp_server`.

    Attributes:
        server: The server's name.
        url: What the person must open in a browser.
    """

    _client: Codex

    @names_keywords
    def wait(self, *, timeout: float | None = 600.0) -> None:
        """Waits until the person is done.

        Raises:
            LoginError: It did not succeed.
            CodexTimeoutError: The time was up.
        """
        self._client._drive(self._wait(Deadline(timeout)))


class AsyncMcpLogin(_BaseMcpLogin):
    """An OAuth login to an MCP server that waits for a person; the twin of :class:`McpLogin`.

    Attributes:
        server: The server's name.
        url: What the person must open in a browser.
    """

    _client: AsyncCodex

    @names_keywords
    async def wait(self, *, timeout: float | None = 600.0) -> None:
        """Waits until the person is done; see :meth:`McpLogin.wait`."""
        await self._client._drive(self._wait(Deadline(timeout)))


def list_servers(thread_id: str | None, deadline: Deadline) -> Steps[list[McpServerStatus]]:
    """Each server and what it offers."""
    found: list[McpServerStatus] = []
    cursor = None
    while True:
        params = {"cursor": cursor, "threadId": thread_id}
        page = yield from call("mcpServerStatus/list", params, deadline)
        found += [_status(status) for status in page["data"]]
        cursor = page.get("nextCursor")
        if cursor is None:
            return found


def _status(status: dict[str, Any]) -> McpServerStatus:
    info = status.get("serverInfo") or {}
    return McpServerStatus(
        name=status["name"],
        tools={
            name: McpTool(tool["name"], tool.get("description") or "", tool.get("inputSchema") or {})
            for name, tool in status["tools"].items()
        },
        resources=[_resource(resource, "uri") for resource in status["resources"]],
        resource_templates=[_resource(template, "uriTemplate") for template in status["resourceTemplates"]],
        auth=status["authStatus"],
        title=info.get("title") or info.get("name"),
        version=info.get("version"),
    )


def _resource(resource: dict[str, Any], uri: str) -> McpResource:
    return McpResource(
        resource[uri], resource.get("name", ""), resource.get("description") or "", resource.get("mimeType")
    )


def call_tool(
    thread_id: str, server: str, tool: str, arguments: Mapping[str, Any] | None, deadline: Deadline
) -> Steps[McpToolResult]:
    """Calls a tool without the model."""
    params = {"threadId": thread_id, "server": server, "tool": tool, "arguments": dict(arguments or {})}
    try:
        result = yield from call("mcpServer/tool/call", params, deadline)
    except EngineError as error:
        raise McpToolError(f"tool {tool!r} of MCP server {server!r}: {error}", detail=error.detail) from error
    return McpToolResult(result["content"], result.get("structuredContent"), bool(result.get("isError")))


def read_resource(thread_id: str | None, server: str, uri: str, deadline: Deadline) -> Steps[list[dict[str, Any]]]:
    """Reads a resource without the model."""
    params = {"threadId": thread_id, "server": server, "uri": uri}
    try:
        result = yield from call("mcpServer/resource/read", params, deadline)
    except EngineError as error:
        raise McpToolError(f"resource {uri!r} of MCP server {server!r}: {error}", detail=error.detail) from error
    contents: list[dict[str, Any]] = result["contents"]
    return contents


def start_login(client: BaseCodex, name: str, scopes: Sequence[str] | None, deadline: Deadline) -> Steps[str]:
    """Begins an OAuth login; gives the URL to open."""
    client._observed.forget_mcp_login(name)
    params = {"name": name, **({} if scopes is None else {"scopes": list(scopes)})}
    try:
        result = yield from call("mcpServer/oauth/login", params, deadline)
    except EngineError as error:
        if "No MCP server named" in str(error):
            raise NotFoundError(str(error)) from error
        raise LoginError(f"no login to {name}: {error}", detail=error.detail) from error
    url: str = result["authorizationUrl"]
    if not _is_web_page(url):
        raise LoginError(f"no login to {name}: the server wants {url[:200]!r} to be opened, which is no https page")
    return url


def _is_web_page(url: str) -> bool:
    """Over TLS, or of this machine: what a person's browser may open at a server's word."""
    import ipaddress
    import urllib.parse

    try:
        parts = urllib.parse.urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    try:
        own = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        own = False
    over_tls = parts.scheme == "https" or (parts.scheme == "http" and own)
    plain = url.isascii() and url.isprintable() and " " not in url and len(url) <= 8192
    return over_tls and bool(host) and parts.username is None and plain
