"""How each kind of item looks to a person."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.markdown import Markdown
from rich.padding import Padding
from rich.syntax import Syntax
from rich.text import Text

from .. import items
from .._show import diff, one_line

if TYPE_CHECKING:
    from ..events import ErrorEvent, PlanStep

__all__ = ["beginning", "ending", "plan", "problem", "safe"]

#: Lines of a command's output that are shown.
_LINES = 20


def safe(text: str) -> str:
    """A text whose control characters do nothing to the terminal."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter in "\n\t" or letter.isprintable() else f"\\x{ord(letter):02x}"
        for letter in text.replace("\r\n", "\n")
    )


def problem(event: ErrorEvent) -> str:
    """An error, with why and when the engine tries again."""
    said = event.message if event.details is None else f"{event.message}: {event.details}"
    return said if event.retry_in is None else f"{said} (again in {event.retry_in:.1f} s)"


def beginning(item: items.Item) -> str | None:
    """What is being done, in a few words; None where there is nothing to say before its end."""
    match item:
        case items.CommandExecution(command=command):
            return f"running {one_line(safe(command))}"
        case items.FileChange():
            return "changing files"
        case items.McpToolCall(server=server, tool=tool):
            return f"calling {safe(server)}: {safe(tool)}"
        case items.ToolCall(tool=tool):
            return f"calling {safe(tool)}"
        case items.WebSearch():
            return "searching the web"
        case items.CollabAgentToolCall():
            return "working with other agents"
        case items.Reasoning():
            return "thinking"
        case items.ContextCompaction():
            return "compacting the conversation"
    return None


def ending(item: items.Item) -> RenderableType | None:
    """An item that is complete; None for what is not shown."""
    match item:
        case items.AgentMessage(text=text):
            return Markdown(safe(text)) if text.strip() else None
        case items.UserMessage():
            return None
        case items.Reasoning(summary=summary):
            text = "\n".join(summary).strip()
            return Text(safe(text).replace("**", ""), style="italic dim") if text else None
        case items.Plan(text=text):
            return Markdown(safe(text)) if text.strip() else None
        case items.CommandExecution():
            return _command(item)
        case items.FileChange():
            return _changes(item)
        case items.McpToolCall():
            answer = (
                (item.error or {}).get("message", "") if item.error else _content((item.result or {}).get("content"))
            )
            return _call(f"{item.server}: {item.tool}", item.arguments, answer, item.status, item.duration_ms)
        case items.ToolCall():
            status = "failed" if item.success is False else item.status
            return _call(item.tool, item.arguments, _content(item.content_items), status, item.duration_ms)
        case items.UnknownItem(type=kind):
            return Text(f"({safe(kind)})", style="dim")
    return Text(safe(str(item)), style="dim")


def plan(steps: list[PlanStep]) -> RenderableType:
    """The plan as a checklist."""
    marks = {"completed": ("[x]", "green"), "inProgress": ("[>]", "bold cyan")}
    lines = []
    for step in steps:
        mark, style = marks.get(step.status, ("[ ]", "dim"))
        lines.append(Text(f"{mark} {safe(step.step)}", style=style))
    return Group(*lines)


def _command(item: items.CommandExecution) -> RenderableType:
    title = Text.assemble(("$ ", "bold"), safe(item.command))
    if item.status == "declined":
        return Group(title, Text("  declined", style="yellow"))
    parts: list[RenderableType] = [title]
    lines = safe((item.aggregated_output or "").rstrip()).splitlines()
    if len(lines) > _LINES:
        parts.append(Text(f"  ({len(lines) - _LINES} lines more)", style="dim"))
        lines = lines[-_LINES:]
    if lines:
        parts.append(Padding(Text("\n".join(lines), style="dim"), (0, 0, 0, 2)))
    code = "no exit code" if item.exit_code is None else f"exit {item.exit_code}"
    parts.append(Text(f"  {code}{_time(item.duration_ms)}", style="green" if item.exit_code == 0 else "red"))
    return Group(*parts)


def _changes(item: items.FileChange) -> RenderableType:
    parts: list[RenderableType] = []
    for change in item.changes:
        parts.append(Syntax(safe(diff(change)), "diff", background_color="default", word_wrap=True))
    if item.status != "completed":
        parts.append(Text(f"  {item.status}", style="red"))
    return Group(*parts)


def _call(name: str, arguments: Any, answer: str, status: str, duration: int | None) -> RenderableType:
    given = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    style = "red" if status == "failed" else "blue"
    lines = [Text(f"{safe(name)}({one_line(safe(given))}){_time(duration)}", style=style)]
    if answer:
        lines.append(Text(f"  {one_line(safe(answer))}", style="dim"))
    return Group(*lines)


def _content(parts: list[dict[str, Any]] | None) -> str:
    return "\n".join(_texts(parts or []))


def _texts(parts: list[dict[str, Any]]) -> Iterator[str]:
    for part in parts:
        text = part.get("text") if isinstance(part, dict) else None
        yield (
            str(text)
            if text is not None
            else f"({part.get('type', 'content') if isinstance(part, dict) else 'content'})"
        )


def _time(milliseconds: int | None) -> str:
    return "" if milliseconds is None else f" in {milliseconds / 1000:.1f} s"
