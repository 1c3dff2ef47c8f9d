"""What a turn consists of: messages, commands, file changes, tool calls.

Items are immutable and match by class::

    match item:
        case CommandExecution(command=command, exit_code=0): ...
        case FileChange(changes=changes): ...
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import msgspec

__all__ = [
    "AgentMessage",
    "CommandExecution",
    "FileChange",
    "FileUpdate",
    "Item",
    "McpToolCall",
    "Reasoning",
    "ToolCall",
    "UnknownItem",
    "UserMessage",
    "WebSearch",
]


class Item(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Base of all items.

    Attributes:
        id: Unique in its thread; the same in the item's start, deltas and completion.
    """

    id: str


class UserMessage(Item, frozen=True, kw_only=True, tag_field="type", tag="userMessage", rename="camel"):
    """What the user said. `content` holds the input as the engine keeps it, parts with a ``type``."""

    content: list[dict[str, Any]] = []

    @property
    def text(self) -> str:
        """The text parts, joined by line ends."""
        return "\n".join(part["text"] for part in self.content if part.get("type") == "text")


class AgentMessage(Item, frozen=True, kw_only=True, tag_field="type", tag="agentMessage", rename="camel"):
    """What the agent said. `phase` is ``commentary`` or ``final_answer`` where the model tells."""

    text: str = ""
    phase: str | None = None


class Reasoning(Item, frozen=True, kw_only=True, tag_field="type", tag="reasoning", rename="camel"):
    """The model's reasoning: a summary in parts, and the raw text in parts if the provider shows it."""

    summary: list[str] = []
    content: list[str] = []

    @property
    def text(self) -> str:
        """The summary's parts, joined by line ends."""
        return "\n".join(self.summary)


class CommandExecution(Item, frozen=True, kw_only=True, tag_field="type", tag="commandExecution", rename="camel"):
    """A command that the agent ran.

    Attributes:
        command: The command line.
        cwd: Where it ran.
        status: ``inProgress``, ``completed``, ``failed`` (exit code other than 0, or stopped by the sandbox) or ``declined``.
        aggregated_output: Standard output and error in order, from the end of the command; None while it runs.
        exit_code: None while it runs.
        duration_ms: Milliseconds it took; None while it runs.
        command_actions: What the engine thinks the command does (reads, lists, searches), as it reports it.
        process_id: Names a process that may go on after the call; None where there is none.
    """

    command: str
    cwd: str = ""
    status: Literal["inProgress", "completed", "failed", "declined"] | str = "inProgress"
    aggregated_output: str | None = None
    exit_code: int | None = None
    duration_ms: int | None = None
    command_actions: list[dict[str, Any]] = []
    process_id: str | None = None


class FileUpdate(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A change of one file.

    Attributes:
        path: The file.
        kind: ``{"type": "add"}``, ``{"type": "delete"}`` or ``{"type": "update", "move_path": ...}``.
        diff: Unified diff, or the whole content of a file that is added or deleted.
    """

    path: str
    kind: dict[str, Any] = {}
    diff: str = ""


class FileChange(Item, frozen=True, kw_only=True, tag_field="type", tag="fileChange", rename="camel"):
    """A patch. `status` is ``inProgress``, ``completed``, ``failed`` or ``declined``."""

    changes: list[FileUpdate] = []
    status: Literal["inProgress", "completed", "failed", "declined"] | str = "inProgress"


class McpToolCall(Item, frozen=True, kw_only=True, tag_field="type", tag="mcpToolCall", rename="camel"):
    """A call of a tool of an MCP server. `status` is ``inProgress``, ``completed`` or ``failed``."""

    server: str
    tool: str
    status: str = "inProgress"
    arguments: Any = None
    result: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    duration_ms: int | None = None


class ToolCall(Item, frozen=True, kw_only=True, tag_field="type", tag="dynamicToolCall", rename="camel"):
    """A call of a tool of the host's. `content_items` and `success` are what the handler gave back."""

    tool: str
    namespace: str | None = None
    arguments: Any = None
    status: Literal["inProgress", "completed", "failed"] | str = "inProgress"
    content_items: list[dict[str, Any]] | None = None
    success: bool | None = None
    duration_ms: int | None = None


class WebSearch(Item, frozen=True, kw_only=True, tag_field="type", tag="webSearch", rename="camel"):
    """A web search by the model provider."""

    query: str = ""
    action: dict[str, Any] | None = None


class UnknownItem(Item, frozen=True, kw_only=True, rename="camel"):
    """An item of a type that has no class here (yet). `data` is the whole of it."""

    type: str
    data: dict[str, Any]


_KNOWN = UserMessage | AgentMessage | Reasoning | CommandExecution | FileChange | McpToolCall | ToolCall | WebSearch
_decode: Callable[[msgspec.Raw], Item] = msgspec.json.Decoder(_KNOWN).decode
_decode_any = msgspec.json.Decoder(dict[str, Any]).decode


def decode_item(raw: msgspec.Raw) -> Item:
    """An item from its JSON."""
    try:
        return _decode(raw)
    except msgspec.ValidationError:
        data = _decode_any(raw)
        return UnknownItem(id=str(data.get("id", "")), type=str(data.get("type", "")), data=data)
