"""Events of a turn as the updates that editors show."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import acp
from acp import schema

from .. import events, items
from .._show import diff, one_line
from ._diffs import before_and_after

__all__ = ["Updates", "of_item", "of_user"]

#: Seconds between two updates of a command's output, each of which has all of it.
_PACE = 0.2
#: Characters of output that an update has.
_MOST = 100_000
_STATUS = {"inProgress": "in_progress", "completed": "completed", "failed": "failed", "declined": "failed"}
_ACTIONS = {"read": "read", "listFiles": "search", "search": "search"}


class Updates:
    """The updates of one turn.

    Attributes:
        used: Tokens in the model's context, and how many there may be; None while that is not known.
    """

    def __init__(self) -> None:
        self.used: tuple[int, int] | None = None
        self._streamed: set[str] = set()
        self._output: dict[str, str] = {}
        self._told: dict[str, float] = {}

    def of(self, event: events.Event) -> Iterator[Any]:
        """What there is to show of an event."""
        match event:
            case events.AgentMessageDelta(item_id=item, delta=delta):
                self._streamed.add(item)
                yield acp.update_agent_message_text(delta)
            case events.ReasoningDelta(item_id=item, delta=delta):
                self._streamed.add(item)
                yield acp.update_agent_thought_text(delta)
            case events.CommandOutputDelta(item_id=item, delta=delta):
                output = self._output[item] = (self._output.get(item, "") + delta)[-_MOST:]
                now = time.monotonic()
                if now - self._told.get(item, 0.0) >= _PACE:
                    self._told[item] = now
                    yield acp.update_tool_call(item, status="in_progress", content=[_fenced(output)])
            case events.ItemStarted(item=item):
                yield from _begun(item)
            case events.ItemCompleted(item=item):
                if item.id not in self._streamed:
                    yield from of_item(item, begun=True)
            case events.PlanUpdated(plan=steps):
                entries = [acp.plan_entry(step.step, status=_plan_status(step.status)) for step in steps]
                yield acp.update_plan(entries)
            case events.TokenUsageUpdated(last=last, model_context_window=size) if size:
                self.used = (last.total_tokens, size)
                yield schema.UsageUpdate(session_update="usage_update", used=last.total_tokens, size=size)
            case events.ErrorEvent(message=message, will_retry=True):
                yield acp.update_agent_thought_text(f"{message}\n")
            case events.WarningEvent() | events.GuardianWarning() | events.ConfigWarning() | events.DeprecationNotice():
                yield acp.update_agent_thought_text(f"{event}\n")
            case events.ThreadNameUpdated(thread_name=name):
                yield schema.SessionInfoUpdate(session_update="session_info_update", title=name)
            case events.SubAgentEvent(
                event=events.ItemCompleted(item=items.AgentMessage(id=name, text=text)), thread_id=thread
            ):
                title = f"sub-agent: {one_line(text)}"
                call = f"{thread}-{name}"
                yield acp.start_tool_call(call, title, kind="think", status="completed", content=[_text(text)])


def of_user(item: items.UserMessage) -> Iterator[Any]:
    """What the user said, for a conversation that is shown again."""
    for part in item.content:
        if part.get("type") == "text" and part.get("text"):
            yield acp.update_user_message_text(part["text"])


def of_item(item: items.Item, *, begun: bool = False) -> Iterator[Any]:
    """An item that is complete.

    Args:
        item: The item.
        begun: Its beginning was told.
    """
    if isinstance(item, items.UserMessage):
        if not begun:
            yield from of_user(item)
        return
    if isinstance(item, items.AgentMessage):
        if item.text:
            yield acp.update_agent_message_text(item.text)
        return
    if isinstance(item, items.Reasoning):
        text = "\n".join(item.summary)
        if text:
            yield acp.update_agent_thought_text(text)
        return
    if not begun:
        yield from _begun(item)
    if (shown := _ended(item)) is not None:
        yield shown


def _begun(item: items.Item) -> Iterator[Any]:
    match item:
        case items.CommandExecution(command=command, command_actions=actions):
            kinds = {_ACTIONS.get(str(action.get("type")), "execute") for action in actions} or {"execute"}
            kind: Any = kinds.pop() if len(kinds) == 1 else "execute"
            yield acp.start_tool_call(
                item.id,
                one_line(command),
                kind=kind,
                status="in_progress",
                raw_input={"command": command, "cwd": item.cwd},
            )
        case items.FileChange():
            yield acp.start_tool_call(
                item.id,
                _changed(item),
                kind="edit",
                status="in_progress",
                content=changes(item.changes, done=False),
                locations=[schema.ToolCallLocation(path=change.path) for change in item.changes],
            )
        case items.McpToolCall(server=server, tool=tool, arguments=arguments):
            yield acp.start_tool_call(
                item.id, f"{server}: {tool}", kind="other", status="in_progress", raw_input=arguments
            )
        case items.ToolCall(tool=tool, arguments=arguments):
            yield acp.start_tool_call(item.id, tool, kind="other", status="in_progress", raw_input=arguments)
        case items.WebSearch(query=query):
            yield acp.start_tool_call(
                item.id, f"web: {query}" if query else "web search", kind="fetch", status="in_progress"
            )
        case items.CollabAgentToolCall(tool=tool, prompt=prompt):
            yield acp.start_tool_call(
                item.id, f"{tool}: {one_line(prompt)}" if prompt else tool, kind="think", status="in_progress"
            )
        case items.ImageView(path=path):
            yield acp.start_tool_call(
                item.id,
                f"view {path}",
                kind="read",
                status="in_progress",
                locations=[schema.ToolCallLocation(path=path)],
            )


def _ended(item: items.Item) -> Any:
    match item:
        case items.CommandExecution(aggregated_output=output, exit_code=code, status=status):
            return acp.update_tool_call(
                item.id,
                status=_status(status),
                content=[_fenced((output or "")[-_MOST:])] if output else None,
                raw_output={"exit_code": code, "duration_ms": item.duration_ms},
            )
        case items.FileChange(status=status):
            return acp.update_tool_call(
                item.id, status=_status(status), content=changes(item.changes, done=status == "completed")
            )
        case items.McpToolCall(result=result, error=error, status=status):
            text = str(error.get("message", "")) if error else _texts((result or {}).get("content"))
            return acp.update_tool_call(
                item.id, status=_status(status), content=[_text(text)] if text else None, raw_output=result
            )
        case items.ToolCall(content_items=content, success=success, status=status):
            text = _texts(content)
            ended: Any = "failed" if success is False else _status(status)
            return acp.update_tool_call(item.id, status=ended, content=[_text(text)] if text else None)
        case items.WebSearch(query=query):
            return acp.update_tool_call(item.id, title=f"web: {query}" if query else None, status="completed")
        case items.CollabAgentToolCall(status=status):
            return acp.update_tool_call(item.id, status=_status(status))
        case items.ImageView():
            return acp.update_tool_call(item.id, status="completed")
        case items.ContextCompaction():
            return acp.update_agent_thought_text("The conversation was summed up.\n")
    return None


def changes(updates: list[items.FileUpdate], *, done: bool) -> list[Any]:
    """Changes of files: before and after where that can be told, else the diff."""
    shown: list[Any] = []
    for change in updates:
        texts = before_and_after(change, done=done)
        if texts is None:
            shown.append(_fenced(diff(change), "diff"))
        else:
            old, new = texts
            shown.append(acp.tool_diff_content(change.kind.get("move_path") or change.path, new, old))
    return shown


def _changed(item: items.FileChange) -> str:
    names = [change.path.rpartition("/")[2] for change in item.changes]
    return f"edit {', '.join(names[:3])}{' and more' if len(names) > 3 else ''}"


def _text(text: str) -> Any:
    return acp.tool_content(acp.text_block(text))


def _fenced(text: str, language: str = "") -> Any:
    from .._show import fenced

    return _text(fenced(text, language))


def _texts(parts: Any) -> str:
    found = parts if isinstance(parts, list) else []
    return "\n".join(
        str(part["text"]) if isinstance(part, dict) and "text" in part else json.dumps(part) for part in found
    )


def _status(status: str) -> Any:
    return _STATUS.get(status, "completed")


def _plan_status(status: str) -> Any:
    return {"inProgress": "in_progress"}.get(status, status if status in ("pending", "completed") else "pending")
