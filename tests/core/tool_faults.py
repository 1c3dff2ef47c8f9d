"""Faults of tools, interceptors, approvals and MCP servers."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from fault_world import HANGS, Table, World, item_of

from codex_cffi import (
    CommandExecution,
    EngineError,
    McpToolError,
    StdioServer,
    ToolCall,
    ToolContext,
    Turn,
    tool,
)
from codex_cffi.events import McpServerStatusUpdated
from codex_cffi.testing import (
    function_call,
    shell,
)

table = Table()

ASKED = function_call("owner", {"name": "billing"})
ESCALATED = shell("true", sandbox_permissions="require_escalated", justification="please")
FAILS = {"status": "failed", "success": False}


def tool_call(world: World, function: Callable[..., Any], call: Any = ASKED, **options: Any) -> Any:
    """The call of a tool, in a turn that goes on."""
    return item_of(world.thread([call], "done", tools=[tool(function, **options)]).run("go", timeout=HANGS), ToolCall)


@table.fault("A tool raises", ToolCall, "the model is told the message; the traceback is in the log", **FAILS)
def raising(world: World) -> Any:
    def owner(name: str) -> str:
        "Owner."
        raise RuntimeError("no database")

    return tool_call(world, owner)


@table.fault("A tool's `timeout` is up", ToolCall, "the model is told; `ToolContext.cancelled` is set", **FAILS)
def slow(world: World) -> Any:
    def owner(name: str) -> str:
        "Owner."
        time.sleep(1)
        return "late"

    return tool_call(world, owner, timeout=0.2)


@table.fault("A tool returns what has no form in JSON", ToolCall, "the model is told", **FAILS)
def no_json(world: World) -> Any:
    def owner(name: str) -> Any:
        "Owner."
        return object()

    return tool_call(world, owner)


@table.fault("Arguments that do not fit", ToolCall, "the model is told; the tool is not called", **FAILS)
def bad_arguments(world: World) -> Any:
    def owner(name: str) -> str:
        "Owner."
        raise AssertionError("it was called")

    return tool_call(world, owner, function_call("owner", {"name": 3}))


@table.fault(
    "The turn is interrupted while a tool runs",
    Turn,
    "what it returns is thrown away; `ToolContext.cancelled` is set",
    status="interrupted",
)
def interrupted_tool(world: World) -> Any:
    told = threading.Event()

    @tool
    def owner(name: str, context: ToolContext) -> str:
        "Owner."
        thread.interrupt()
        if context.wait(HANGS):
            told.set()
        return "late"

    thread = world.thread([ASKED], tools=[owner])
    turn = thread.run("go", timeout=HANGS)
    assert told.wait(HANGS)
    return turn


@table.fault(
    "An interceptor raises",
    Turn,
    'the call is refused, which the model is told; with `on_error="pass"` it runs',
    status="completed",
)
def interceptor_raises(world: World) -> Any:
    def fails(call: Any, call_builtin: Any) -> Any:
        raise RuntimeError("no")

    model = world.model([shell("touch made", call_id="call")], default="done")
    codex = world.make_codex(model)
    codex.register_tool_interceptor("*", fails)
    thread = codex.start_thread(working_directory=world.repo, sandbox_mode="danger-full-access")
    turn = thread.run("go", timeout=HANGS)
    assert not (world.repo / "made").exists()
    assert "RuntimeError" in model.requests[-1].tool_output("call")
    return turn


@table.fault(
    "An approval handler is missing, raises or takes too long",
    CommandExecution,
    "the command is denied",
    status="declined",
)
def undecided(world: World) -> Any:
    def fails(request: Any) -> Any:
        raise RuntimeError("no")

    turn = world.thread([ESCALATED], on_approval=fails).run("go", timeout=HANGS)
    return item_of(turn, CommandExecution)


@table.another_way
def nobody_asked(world: World) -> Any:
    return item_of(world.thread([ESCALATED], "done").run("go", timeout=HANGS), CommandExecution)


@table.another_way
def decided_too_late(world: World) -> Any:
    turn = world.thread([ESCALATED], on_approval=lambda request: None, approval_timeout=0.2).run("go", timeout=HANGS)
    return item_of(turn, CommandExecution)


@table.fault("`before_start` raises", RuntimeError, "the turn does not start; the exception is yours")
def refusing(world: World) -> Any:
    def before(thread: Any, prompt: Any) -> None:
        raise RuntimeError("no")

    return world.thread(before_start=before).run("go")


@table.fault("`on_event` raises", Turn, "the log has the traceback; the turn goes on", status="completed")
def deaf(world: World) -> Any:
    def heard(event: Any) -> None:
        raise RuntimeError("no")

    return world.thread("done", on_event=heard).run("go", timeout=HANGS)


BROKEN = StdioServer(sys.executable, ["-c", "raise SystemExit(3)"])


@table.fault(
    "An MCP server does not start",
    McpServerStatusUpdated,
    "its `error` says why; turns go on without it",
    status="failed",
)
def dead_server(world: World) -> Any:
    told: list[Any] = []
    world.thread("ok", mcp_servers={"broken": BROKEN}, on_event=told.append).run("go", timeout=HANGS)
    return next(event for event in told if isinstance(event, McpServerStatusUpdated) and event.status == "failed")


@table.fault(
    "An MCP server that did not start is asked",
    McpToolError,
    "`thread.mcp.list()` tells its state",
    retriable=False,
)
def dead_server_asked(world: World) -> Any:
    return world.thread(mcp_servers={"broken": BROKEN}).mcp.call_tool("broken", "read", {})


@table.fault(
    "An MCP server that is `required` does not start",
    EngineError,
    "no thread starts: mend the server",
    retriable=False,
)
def required_server(world: World) -> Any:
    server = StdioServer(sys.executable, ["-c", "raise SystemExit(3)"], required=True)
    return world.thread(mcp_servers={"broken": server})
