"""MCP servers: where the agent finds more tools, for a whole client or one thread::

    servers = {"docs": HttpServer("https://docs.example/mcp"), "db": StdioServer("db-mcp", ["--read-only"], enabled_tools=["query"])}
    with Codex(mcp_servers=servers) as codex:
        thread = codex.start_thread()
        print(thread.mcp.call_tool("db", "query", {"sql": "select 1"}).text)

The event :class:`McpServerStatusUpdated` tells of a server that starts, is ready, did not start, or has ended and why; a :class:`WarningEvent`, of what is
left out of what it lists. A stdio server is a child process, which runs outside of the sandbox; what its tools may do without asking is ``approval`` to decide.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from ._core import logins
from ._core.contract import AsyncClient, BlockingClient, ClientCore
from ._core.deadline import Deadline
from ._core.steps import Steps, call
from ._engine_texts import NO_MCP_SERVER, says
from ._keywords import names_keywords
from ._mcp_servers import ApprovalOfTools, HttpServer, McpServer, StdioServer
from .errors import EngineError, LoginError, McpToolError, NotFoundError

__all__ = [
    "ApprovalOfTools",
    "AsyncMcp",
    "AsyncMcpLogin",
    "AsyncThreadMcp",
    "HttpServer",
    "Mcp",
    "McpLogin",
    "McpResource",
    "McpServer",
    "McpServerStatus",
    "McpTool",
    "McpToolResult",
    "StdioServer",
    "ThreadMcp",
]

C = TypeVar("C", bound=ClientCore)


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


class Mcp:
    """The MCP servers of a client: ``codex.mcp``."""

    def __init__(self, client: BlockingClient) -> None:
        self._client = client

    @names_keywords
    def list(self, *, timeout: float | None = 60.0) -> builtins.list[McpServerStatus]:
        """The MCP servers of the client's configuration and what they offer; starts them for that."""
        return self._client.drive(_list(None, Deadline(timeout)))

    @names_keywords
    def login(self, name: str, *, scopes: Iterable[str] | None = None, timeout: float | None = 30.0) -> McpLogin:
        """Begins an OAuth login to an MCP server that speaks HTTP.

        Args:
            name: The server's name in the configuration.
            scopes: What to ask for. Default: the server's `scopes`, else what it offers.
            timeout: Seconds until there is a URL to open.

        Raises:
            NotFoundError: There is no such server.
            LoginError: The server takes no OAuth login, or cannot be reached.
        """
        url = self._client.drive(_start_login(self._client, name, scopes, Deadline(timeout)))
        return McpLogin(self._client, name, url)


class AsyncMcp:
    """The MCP servers of a client: ``codex.mcp`` of an :class:`AsyncCodex`. The twin of :class:`Mcp`."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    @names_keywords
    async def list(self, *, timeout: float | None = 60.0) -> builtins.list[McpServerStatus]:
        """The MCP servers of the client's configuration and what they offer; starts them for that; see :meth:`Mcp.list`."""
        return await self._client.drive(_list(None, Deadline(timeout)))

    @names_keywords
    async def login(
        self, name: str, *, scopes: Iterable[str] | None = None, timeout: float | None = 30.0
    ) -> AsyncMcpLogin:
        """Begins an OAuth login to an MCP server that speaks HTTP; see :meth:`Mcp.login`."""
        url = await self._client.drive(_start_login(self._client, name, scopes, Deadline(timeout)))
        return AsyncMcpLogin(self._client, name, url)


class ThreadMcp:
    """The MCP servers of a thread, asked without the model: ``thread.mcp``."""

    def __init__(self, client: BlockingClient, thread_id: str) -> None:
        self._client = client
        self._thread_id = thread_id

    @names_keywords
    def list(self, *, timeout: float | None = 60.0) -> builtins.list[McpServerStatus]:
        """The MCP servers of this thread and what they offer; waits until they have started."""
        return self._client.drive(_list(self._thread_id, Deadline(timeout)))

    @names_keywords
    def call_tool(
        self, server: str, tool: str, arguments: Mapping[str, Any] | None = None, *, timeout: float | None = 60.0
    ) -> McpToolResult:
        """Calls a tool of an MCP server's without the model, and without asking for approval.

        Args:
            server: The server's name in the configuration.
            tool: The tool's name there.
            arguments: Its arguments.
            timeout: Seconds to wait.

        Raises:
            McpToolError: The server is not there, did not start, or refuses. A tool that fails by itself gives a result with `is_error`.
        """
        return self._client.drive(_call_tool(self._thread_id, server, tool, arguments, Deadline(timeout)))

    @names_keywords
    def read_resource(self, server: str, uri: str, *, timeout: float | None = 60.0) -> builtins.list[dict[str, Any]]:
        """Reads a resource of an MCP server's without the model.

        Returns:
            Its contents, each with ``uri`` and ``text`` or (base64) ``blob``.

        Raises:
            McpToolError: The server is not there, did not start, or has no such resource.
        """
        return self._client.drive(_read_resource(self._thread_id, server, uri, Deadline(timeout)))


class AsyncThreadMcp:
    """The MCP servers of a thread, asked without the model: ``thread.mcp`` of an :class:`AsyncThread`. The twin of :class:`ThreadMcp`."""

    def __init__(self, client: AsyncClient, thread_id: str) -> None:
        self._client = client
        self._thread_id = thread_id

    @names_keywords
    async def list(self, *, timeout: float | None = 60.0) -> builtins.list[McpServerStatus]:
        """The MCP servers of this thread and what they offer; see :meth:`ThreadMcp.list`."""
        return await self._client.drive(_list(self._thread_id, Deadline(timeout)))

    @names_keywords
    async def call_tool(
        self, server: str, tool: str, arguments: Mapping[str, Any] | None = None, *, timeout: float | None = 60.0
    ) -> McpToolResult:
        """Calls a tool of an MCP server's without the model; see :meth:`ThreadMcp.call_tool`."""
        return await self._client.drive(_call_tool(self._thread_id, server, tool, arguments, Deadline(timeout)))

    @names_keywords
    async def read_resource(
        self, server: str, uri: str, *, timeout: float | None = 60.0
    ) -> builtins.list[dict[str, Any]]:
        """Reads a resource of an MCP server's without the model; see :meth:`ThreadMcp.read_resource`."""
        return await self._client.drive(_read_resource(self._thread_id, server, uri, Deadline(timeout)))


class _BaseMcpLogin(Generic[C]):
    """What :class:`McpLogin` and :class:`AsyncMcpLogin` share.

    Attributes:
        server: The server's name.
        url: What a person must open in a browser.
    """

    def __init__(self, client: C, server: str, url: str) -> None:
        self._client = client
        self._pending = logins.of_server(client, server)
        self.server = server
        self.url = url

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.server} {'done' if self.done else 'open'}>"

    @property
    def done(self) -> bool:
        """Whether it has ended, one way or the other."""
        return self._pending.ended is not None

    def _wait(self, deadline: Deadline) -> Steps[None]:
        ended = yield from self._pending.wait(deadline)
        if not ended.success:
            raise LoginError(f"the login to {self.server} did not succeed: {ended.error or 'no reason given'}")


class McpLogin(_BaseMcpLogin[BlockingClient]):
    """An OAuth login to an MCP server that waits for a person; made by :meth:`Mcp.login`.

    Attributes:
        server: The server's name.
        url: What the person must open in a browser.
    """

    @names_keywords
    def wait(self, *, timeout: float | None = 600.0) -> None:
        """Waits until the person is done.

        Raises:
            LoginError: It did not succeed.
            CodexTimeoutError: The time was up.
        """
        self._client.drive(self._wait(Deadline(timeout)))


class AsyncMcpLogin(_BaseMcpLogin[AsyncClient]):
    """An OAuth login to an MCP server that waits for a person; the twin of :class:`McpLogin`.

    Attributes:
        server: The server's name.
        url: What the person must open in a browser.
    """

    @names_keywords
    async def wait(self, *, timeout: float | None = 600.0) -> None:
        """Waits until the person is done; see :meth:`McpLogin.wait`."""
        await self._client.drive(self._wait(Deadline(timeout)))


def _list(thread_id: str | None, deadline: Deadline) -> Steps[list[McpServerStatus]]:
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


def _call_tool(
    thread_id: str, server: str, tool: str, arguments: Mapping[str, Any] | None, deadline: Deadline
) -> Steps[McpToolResult]:
    """Calls a tool without the model."""
    params = {"threadId": thread_id, "server": server, "tool": tool, "arguments": dict(arguments or {})}
    try:
        result = yield from call("mcpServer/tool/call", params, deadline)
    except EngineError as error:
        raise McpToolError(f"tool {tool!r} of MCP server {server!r}: {error}", detail=error.detail) from error
    return McpToolResult(result["content"], result.get("structuredContent"), bool(result.get("isError")))


def _read_resource(thread_id: str, server: str, uri: str, deadline: Deadline) -> Steps[list[dict[str, Any]]]:
    """Reads a resource without the model."""
    params = {"threadId": thread_id, "server": server, "uri": uri}
    try:
        result = yield from call("mcpServer/resource/read", params, deadline)
    except EngineError as error:
        raise McpToolError(f"resource {uri!r} of MCP server {server!r}: {error}", detail=error.detail) from error
    contents: list[dict[str, Any]] = result["contents"]
    return contents


def _start_login(client: ClientCore, name: str, scopes: Iterable[str] | None, deadline: Deadline) -> Steps[str]:
    """Begins an OAuth login; gives the URL to open."""
    client.observed.forget_mcp_login(name)
    params = {"name": name, **({} if scopes is None else {"scopes": list(scopes)})}
    try:
        result = yield from call("mcpServer/oauth/login", params, deadline)
    except EngineError as error:
        if says(error, NO_MCP_SERVER):
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
