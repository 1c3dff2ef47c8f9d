"""Python around the engine's own tools: see a call before it runs, change it, refuse it, change what came of it.

An interceptor is a function of the call and of what runs it::

    def log_and_limit(call, call_builtin):
        if "sandbox_permissions" in call.arguments:
            return ToolResult("stay in the sandbox", success=False)
        result = call_builtin()                       # or call_builtin({"cmd": "..."}), or twice, or not at all
        return ToolResult(result.text[:2000], result.success)

    codex.register_tool_interceptor("exec_command", log_and_limit)

Several interceptors of one tool nest like the skins of an onion, the first registered outermost. Sandbox and approvals stay in force below all of them, and
sub-agents cannot slip past.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

from ._callables import is_async
from .tools import ToolInvocation, ToolResult

__all__ = ["CallBuiltin", "Interceptor"]

#: Runs the tool (or the next interceptor): with the call's arguments, or with others (a mapping, or text for a freeform tool). In an ``async`` interceptor it
#: is awaited.
CallBuiltin = Callable[..., Any]
#: What an interceptor does when it fails: refuse the call, or run it as if there were no interceptor.
OnError = Literal["deny", "pass"]


@dataclass(frozen=True)
class Interceptor:
    """What was registered by :meth:`Codex.register_tool_interceptor`.

    Attributes:
        pattern: A tool's name, or the beginning of one and ``*``; ``namespace::tool`` for one in a namespace. That of an MCP server is ``mcp__`` and the
            server's name, in both all but letters, digits and ``_`` as ``_``: ``mcp__my_server::get_issue``.
        handler: ``handler(call, call_builtin)``, synchronous or ``async``.
        on_error: ``deny``: if the handler raises or takes too long, the tool does not run. ``pass``: it runs as the model called it.
        timeout: Seconds that the handler may take, the tool's own time included; None for no limit.
    """

    pattern: str
    handler: Callable[[ToolInvocation, CallBuiltin], Any]
    on_error: OnError = "deny"
    timeout: float | None = None

    def matches(self, name: str) -> bool:
        """Whether it is meant for the tool."""
        if self.pattern.endswith("*"):
            return name.startswith(self.pattern[:-1])
        return name == self.pattern

    @property
    def is_async(self) -> bool:
        """Whether the handler is an ``async`` function, or one in a decorator."""
        return is_async(inspect.unwrap(self.handler))


def around(
    before: Callable[[ToolInvocation], Any] | None, after: Callable[[ToolInvocation, ToolResult], Any] | None
) -> Callable[[ToolInvocation, CallBuiltin], Any]:
    """The handler of an interceptor in two halves.

    `before` returns None to go on, other arguments (a mapping, or text for a freeform tool) to go on with, or a :class:`ToolResult` instead of the call.
    `after` returns None to leave the result, or another one.
    """

    def finish(call: ToolInvocation, result: ToolResult) -> Any:
        changed = after(call, result) if after else None
        return result if changed is None else changed

    if any(half is not None and is_async(inspect.unwrap(half)) for half in (before, after)):

        async def async_handler(call: ToolInvocation, call_builtin: CallBuiltin) -> Any:
            decided = await _awaited(before(call)) if before else None
            if isinstance(decided, ToolResult):
                return decided
            result = await (call_builtin() if decided is None else call_builtin(decided))
            changed = await _awaited(after(call, result)) if after else None
            return result if changed is None else changed

        return async_handler

    def handler(call: ToolInvocation, call_builtin: CallBuiltin) -> Any:
        decided = before(call) if before else None
        if isinstance(decided, ToolResult):
            return decided
        return finish(call, call_builtin() if decided is None else call_builtin(decided))

    return handler


async def _awaited(value: Any) -> Any:
    return await value if isinstance(value, Awaitable) else value
