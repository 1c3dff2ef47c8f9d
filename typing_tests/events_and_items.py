# pyright: strict
"""Matching tells the type of what events and items hold."""

from typing import Any

from typing_extensions import assert_type

from codex_cffi import (
    AgentMessageDelta,
    CommandExecution,
    Event,
    FileChange,
    Item,
    ItemCompleted,
    McpToolCall,
    Plan,
    protocol,
)
from codex_cffi.events import HookCompleted, Notification, RateLimitsUpdated, ThreadStatusChanged, UnknownEvent
from codex_cffi.items import CollabAgentToolCall


def matched(event: Event) -> None:
    assert_type(event.type, str)
    match event:
        case AgentMessageDelta(delta=text):
            assert_type(text, str)
        case ItemCompleted(item=item):
            item_of(item)
        case HookCompleted(run=run):
            assert_type(run.duration_ms, int | None)
        case RateLimitsUpdated(primary=window):
            if window is not None:
                assert_type(window.used_percent, int)
        case ThreadStatusChanged(active_flags=flags):
            assert_type(flags, list[str])
        case Notification(params=protocol.ThreadGoalUpdatedNotification(goal=goal)):
            assert_type(goal.objective, str)
        case Notification(params=params):
            assert_type(params, protocol.Struct | dict[str, Any])
        case UnknownEvent(method=method, params=params):
            assert_type(method, str)
            assert_type(params, dict[str, Any])
        case _:
            pass


def item_of(item: Item) -> None:
    assert_type(item.id, str)
    match item:
        case CommandExecution(command=command, exit_code=code):
            assert_type(command, str)
            assert_type(code, int | None)
        case FileChange(changes=[first, *_]):
            assert_type(first.path, str)
        case McpToolCall(plugin_id=plugin):
            assert_type(plugin, str | None)
        case CollabAgentToolCall(receiver_thread_ids=threads):
            assert_type(threads, list[str])
        case Plan(text=text):
            assert_type(text, str)
        case _:
            pass


def wrong(item: CommandExecution) -> None:
    item.command = "ls"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    item.exitcode  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]  # noqa: B018
