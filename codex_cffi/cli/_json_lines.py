"""Events as JSON lines: those of ``codex exec --json`` (codex-rs 0.163, ``exec/src/exec_events.rs``), or everything.

Programs that read the lines of the codex program read these. What only this package has is added: calls of Python functions are items of the type
``tool_call``. Where the codex program is silent and should not be, this is not: commands that the sandbox refuses are told, and an interrupted turn ends with
``turn.failed``. A web search has one id, where the codex program writes the key twice.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Literal

from .. import events, items
from ._output import Output
from ._table import plain

if TYPE_CHECKING:
    from .. import Event, Thread

__all__ = ["ExecLines", "FullLines", "JsonOutput"]

_STATUS = {"inProgress": "in_progress", "completed": "completed", "failed": "failed", "declined": "declined"}
_COLLAB = {
    "spawnAgent": "spawn_agent",
    "sendInput": "send_input",
    "resumeAgent": "wait",
    "wait": "wait",
    "closeAgent": "close_agent",
}
#: Items that are told once, whole.
_AT_THE_END = (items.AgentMessage, items.Reasoning)


class ExecLines:
    """Writes the lines of ``codex exec --json``.

    Args:
        write: Takes a line, without its end.
    """

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._count = 0
        self._ids: dict[str, str] = {}  # of items that began and did not end, by the engine's id
        self._plan: tuple[str, list[dict[str, Any]]] | None = None
        self._usage = events.TokenUsage()

    def thread_started(self, thread_id: str) -> None:
        """The thread is there."""
        self._line(type="thread.started", thread_id=thread_id)

    def event(self, event: events.Event) -> None:
        """Writes what there is to say of an event."""
        for line in self._lines(event):
            self._line(**line)

    def failed(self, message: str) -> None:
        """The turn could not go on."""
        self._line(type="turn.failed", error={"message": message})

    def _lines(self, event: events.Event) -> Iterator[dict[str, Any]]:
        match event:
            case events.TurnStarted():
                yield {"type": "turn.started"}
            case events.ItemStarted(item=item) if not isinstance(item, _AT_THE_END):
                if (shape := _shape(item)) is not None:
                    begun = item.id in self._ids
                    yield self._item("updated" if begun else "started", self._id(item.id), shape)
            case events.ItemCompleted(item=item):
                if (shape := _shape(item)) is not None:
                    yield self._item("completed", self._ids.pop(item.id, "") or self._next_id(), shape)
            case events.PlanUpdated(plan=plan):
                steps = [{"text": step.step, "completed": step.status == "completed"} for step in plan]
                stage = "started" if self._plan is None else "updated"
                self._plan = (self._next_id() if self._plan is None else self._plan[0], steps)
                yield self._item(stage, self._plan[0], {"type": "todo_list", "items": steps})
            case events.TokenUsageUpdated(total=total):
                self._usage = total
            case events.ErrorEvent(message=message, details=details):
                yield {"type": "error", "message": _with(message, details)}
            case events.WarningEvent(message=message) | events.GuardianWarning(message=message):
                yield self._problem(message)
            case (
                events.ConfigWarning(summary=summary, details=details)
                | events.DeprecationNotice(summary=summary, details=details)
            ):
                yield self._problem(_with(summary, details))
            case events.ModelRerouted(from_model=before, to_model=after, reason=reason):
                yield self._problem(f"model rerouted: {before} -> {after} ({reason[:1].upper()}{reason[1:]})")
            case events.TurnCompleted(turn=turn) | events.TurnFailedEvent(turn=turn):
                yield from self._ended(turn)

    def _ended(self, turn: Any) -> Iterator[dict[str, Any]]:
        if self._plan is not None:
            yield self._item("completed", self._plan[0], {"type": "todo_list", "items": self._plan[1]})
            self._plan = None
        for item in turn.items:
            if item.id in self._ids and (shape := _shape(item)) is not None:
                yield self._item("completed", self._ids.pop(item.id), shape)
        if turn.status == "completed":
            usage = {name: getattr(self._usage, name, 0) for name in _USAGE}
            yield {"type": "turn.completed", "usage": usage}
        else:
            message = "interrupted" if turn.error is None else _with(turn.error.message, turn.error.details)
            yield {"type": "turn.failed", "error": {"message": message}}

    def _problem(self, message: str) -> dict[str, Any]:
        return self._item("completed", self._next_id(), {"type": "error", "message": message})

    def _item(self, stage: str, name: str, shape: dict[str, Any]) -> dict[str, Any]:
        return {"type": f"item.{stage}", "item": {"id": name, **shape}}

    def _id(self, engine_id: str) -> str:
        if engine_id not in self._ids:
            self._ids[engine_id] = self._next_id()
        return self._ids[engine_id]

    def _next_id(self) -> str:
        self._count += 1
        return f"item_{self._count - 1}"

    def _line(self, **line: Any) -> None:
        self._write(_json(line))


#: What `turn.completed` counts, of the thread.
_USAGE = (
    "input_tokens",
    "cached_input_tokens",
    "cache_write_input_tokens",
    "output_tokens",
    "reasoning_output_tokens",
)


class FullLines:
    """Writes every event as it is: ``type``, and the attributes that the class of the event has, under their names in Python."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write

    def thread_started(self, thread_id: str) -> None:
        """The thread is there."""
        self._line({"type": "thread.started", "thread_id": thread_id})

    def event(self, event: events.Event) -> None:
        """Writes an event."""
        if not isinstance(event, events.ThreadStarted):  # it was told before the turn
            self._line(plain(event))

    def failed(self, message: str) -> None:
        """The turn could not go on."""
        self._line({"type": "turn.failed", "error": {"message": message}})

    def _line(self, line: dict[str, Any]) -> None:
        self._write(_json(line))


def _json(line: dict[str, Any]) -> str:
    """One line, for those too who end lines where Unicode does."""
    text = json.dumps(line, ensure_ascii=False, separators=(",", ":"), default=str)
    return text.replace("\x85", "\\u0085").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _with(message: str, details: str | None) -> str:
    return f"{message} ({details})" if details else message


def _status(status: str) -> str:
    return _STATUS.get(status, status)


def _shape(item: items.Item) -> dict[str, Any] | None:
    """An item without its id; None for what is not told."""
    match item:
        case items.AgentMessage(text=text):
            return {"type": "agent_message", "text": text}
        case items.Reasoning(summary=summary):
            text = "\n".join(summary)
            return {"type": "reasoning", "text": text} if text.strip() else None
        case items.CommandExecution():
            return {
                "type": "command_execution",
                "command": item.command,
                "aggregated_output": item.aggregated_output or "",
                "exit_code": item.exit_code,
                "status": _status(item.status),
            }
        case items.FileChange(changes=changes, status=status):
            return {
                "type": "file_change",
                "changes": [{"path": change.path, "kind": change.kind.get("type", "update")} for change in changes],
                "status": "failed" if status == "declined" else _status(status),
            }
        case items.McpToolCall():
            return {
                "type": "mcp_tool_call",
                "server": item.server,
                "tool": item.tool,
                "arguments": item.arguments,
                "result": _mcp_result(item.result),
                "error": None if item.error is None else {"message": item.error.get("message", "")},
                "status": _status(item.status),
            }
        case items.ToolCall():
            return {
                "type": "tool_call",
                "tool": item.tool,
                "arguments": item.arguments,
                "result": None if item.content_items is None else {"content": item.content_items},
                "status": _status(item.status),
            }
        case items.CollabAgentToolCall():
            return {
                "type": "collab_tool_call",
                "tool": _COLLAB.get(item.tool, item.tool),
                "sender_thread_id": item.sender_thread_id,
                "receiver_thread_ids": item.receiver_thread_ids,
                "prompt": item.prompt,
                "agents_states": {name: _agent_state(state) for name, state in item.agents_states.items()},
                "status": _status(item.status),
            }
        case items.WebSearch(query=query, action=action):
            return {"type": "web_search", "query": query, "action": _action(action)}
    return None


def _mcp_result(result: dict[str, Any] | None) -> dict[str, Any] | None:
    if result is None:
        return None
    return {"content": result.get("content", []), "structured_content": result.get("structuredContent")}


def _agent_state(state: dict[str, Any]) -> dict[str, Any]:
    return {"status": _snake(str(state.get("status", ""))), "message": state.get("message")}


def _action(action: dict[str, Any] | None) -> dict[str, Any]:
    """The protocol's ``openPage`` is ``open_page`` here; what it leaves empty is left out."""
    if action is None:
        return {"type": "other"}
    return {name: _snake(value) if name == "type" else value for name, value in action.items() if value is not None}


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


class JsonOutput(Output):
    """Writes a turn to standard output as JSON lines."""

    def __init__(self, form: Literal["exec", "full"]) -> None:
        self._lines = ExecLines(_write_line) if form == "exec" else FullLines(_write_line)

    def thread_started(self, thread: Thread) -> None:
        self._lines.thread_started(thread.id)

    def event(self, event: Event) -> None:
        self._lines.event(event)

    def failed(self, message: str) -> None:
        self._lines.failed(message)


def _write_line(line: str) -> None:
    """At once: whoever reads the pipe waits for it. In UTF-8, as JSON is, whatever the terminal's encoding."""
    sys.stdout.flush()
    sys.stdout.buffer.write(line.encode("utf-8", "replace") + b"\n")
    sys.stdout.buffer.flush()
