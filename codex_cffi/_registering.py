"""What a host registers with a client: tools, interceptors, hooks; and what it decides."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ._checks import above_zero, choice
from ._core.client import EngineClient
from ._core.client_options import check_hook
from .interceptors import CallBuiltin, Interceptor, OnError, around
from .tools import Tool, ToolInvocation, ToolResult

if TYPE_CHECKING:
    from .approvals import ApprovalRequest, Decision
    from .hooks import Hook
    from .usage import Usage

C = TypeVar("C", bound=EngineClient)


class Registering(Generic[C]):
    """What :class:`Codex` and :class:`AsyncCodex` share: what does not wait."""

    _core: C

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {'closed' if self.closed else 'open'}>"

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._core.closed

    def register_tool(self, tool: Tool) -> None:
        """Offers a tool to the model from its next request on, on all threads.

        Raises:
            AlreadyExistsError: A tool of that name is registered.
            InvalidArgumentError: The name is not what the model API demands.
            InvalidJsonError: The parameters are not a usable schema.
        """
        self._core.register_tool(tool)

    def unregister_tool(self, name: str) -> None:
        """Takes a tool back; ``namespace::name`` for one in a namespace.

        Raises:
            NotFoundError: No such tool.
        """
        self._core.unregister_tool(name)

    def register_tool_interceptor(
        self,
        name: str,
        handler: Callable[[ToolInvocation, CallBuiltin], Any] | None = None,
        *,
        before: Callable[[ToolInvocation], Any] | None = None,
        after: Callable[[ToolInvocation, ToolResult], Any] | None = None,
        on_error: OnError = "deny",
        timeout: float | None = None,
    ) -> Interceptor:
        """Puts Python around a tool of the engine's; see :mod:`codex_cffi.interceptors`.

        Args:
            name: The tool's name, or the beginning of one and ``*``; ``mcp__server::tool`` for one of an MCP server (see :class:`Interceptor`).
            handler: ``handler(call, call_builtin)``, synchronous or ``async``; what it returns is the result.
            before: Instead of a handler: gets the call; returns None, other arguments, or a :class:`ToolResult` in place of the call.
            after: Instead of a handler: gets the call and its result; returns None, or another result.
            on_error: ``deny``: if the handler raises or takes too long, the tool does not run. ``pass``: it runs as if there were no interceptor.
            timeout: Seconds that the handler may take, the tool's own time included.

        Returns:
            What :meth:`unregister_tool_interceptor` takes.

        Raises:
            InvalidArgumentError: `name` is empty or has a ``*`` elsewhere.
        """
        if (handler is None) == (before is None and after is None):
            raise TypeError("an interceptor is either a handler, or before and after")
        choice("on_error", on_error, OnError)
        above_zero("timeout", timeout)
        interceptor = Interceptor(name, handler or around(before, after), on_error, timeout)
        self._core.intercept(interceptor)
        return interceptor

    def unregister_tool_interceptor(self, interceptor: Interceptor) -> None:
        """Takes an interceptor back; calls that it has go on.

        Args:
            interceptor: What :meth:`register_tool_interceptor` returned.

        Raises:
            NotFoundError: It is not registered.
            TypeError: It is a name, or anything else.
        """
        self._core.stop_intercepting(interceptor)

    def register_hook(self, hook: Hook) -> None:
        """Adds a function at one of the engine's hook points, on all threads, after those that are there; see :mod:`codex_cffi.hooks`.

        Raises:
            InvalidArgumentError: Its matcher is not one that the engine can use.
        """
        self._core.add_hook(check_hook(hook))

    def unregister_hook(self, hook: Hook) -> None:
        """Takes a hook back; calls that it has go on.

        Raises:
            NotFoundError: It is not registered.
        """
        self._core.remove_hook(hook)

    @property
    def pending_approvals(self) -> list[ApprovalRequest]:
        """The approvals and questions that wait for a decision, oldest first."""
        return self._core.server.pending() if self._core.handle is not None and not self.closed else []

    def respond(self, request_id: str, decision: Decision) -> None:
        """Decides an approval that was left open, from any thread.

        Raises:
            NotFoundError: It was decided already, its time was up, or its turn has ended.
            TypeError, ValueError: The decision does not answer this kind of request.
        """
        self._core.open_handle()
        self._core.server.respond(request_id, decision)

    @property
    def usage(self) -> Usage:
        """Tokens that all threads have used since the client was opened, with :meth:`review` and sub-agents (these count for their thread's model)."""
        self._core.catch_up()
        return self._core.observed.ledger.usage()
