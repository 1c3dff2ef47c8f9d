"""Python functions as tools of the agent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

__all__ = ["Tool", "ToolInvocation", "ToolResult"]


@dataclass(frozen=True)
class ToolInvocation:
    """A call of a tool by the model.

    Attributes:
        thread_id: Thread that runs the turn; an agent's sub-agent has one of its own.
        turn_id: Its turn.
        call_id: The model's id of the call.
        tool_name: The called tool.
        arguments: The arguments, decoded.
    """

    thread_id: str
    turn_id: str
    call_id: str
    tool_name: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class ToolResult:
    """What a tool gives back: `output` for the model, and whether the call worked."""

    output: str
    success: bool = True


@dataclass(frozen=True)
class Tool:
    """A tool that the model may call.

    Attributes:
        name: 1 to 64 letters, digits, ``_`` or ``-``.
        description: What it does and when to use it, for the model.
        parameters: JSON schema of its arguments, of type ``object``.
        handler: Called on a worker thread with a :class:`ToolInvocation`. It returns text, a JSON value or a :class:`ToolResult`; an exception
            becomes a failed result with the exception's message, and its traceback goes to the log.
        strict: The model provider enforces the schema.
        supports_parallel: May run beside other calls of the same turn.

    Example:
        >>> owners = {"billing": "payments team"}
        >>> tool = Tool(
        ...     name="service_owner",
        ...     description="Team that owns a service.",
        ...     parameters={"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]},
        ...     handler=lambda call: owners[call.arguments["name"]],
        ... )
    """

    name: str
    description: str
    handler: Callable[[ToolInvocation], Any]
    parameters: Mapping[str, Any] = field(default_factory=lambda: {"type": "object", "properties": {}})
    strict: bool = False
    supports_parallel: bool = False

    def to_spec(self) -> dict[str, Any]:
        """As the library takes it."""
        if not callable(self.handler):
            raise TypeError(f"the handler of tool {self.name!r} is not callable")
        return {
            "name": self.name,
            "description": self.description,
            "parameters": dict(self.parameters),
            "strict": self.strict,
            "parallel": self.supports_parallel,
        }

    def run(self, params: Mapping[str, Any]) -> ToolResult:
        """Calls the handler with the parameters of a ``host/tool/call`` request."""
        try:
            arguments = msgspec.json.decode(params["arguments"] or "{}", type=dict[str, Any])
        except msgspec.DecodeError as error:
            return ToolResult(f"the arguments are not a JSON object: {error}", success=False)
        result = self.handler(
            ToolInvocation(
                thread_id=params["threadId"],
                turn_id=params["turnId"],
                call_id=params["callId"],
                tool_name=params["tool"],
                arguments=arguments,
            )
        )
        if isinstance(result, ToolResult):
            return result
        return ToolResult(result if isinstance(result, str) else msgspec.json.encode(result).decode())
