"""Python functions as tools."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from codex_cffi import (
    AlreadyExistsError,
    InvalidArgumentError,
    InvalidJsonError,
    NotFoundError,
    Tool,
    ToolCall,
    ToolInvocation,
    ToolResult,
)
from codex_cffi.testing import ScriptedModel, function_call
from conftest import MakeCodex

SCHEMA = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"], "additionalProperties": False}


def double(call: ToolInvocation) -> Any:
    return {"doubled": call.arguments["x"] * 2}


def test_a_call_reaches_the_function_and_its_result_the_model(make_codex: MakeCodex, repo: Path) -> None:
    seen: list[ToolInvocation] = []

    def handler(call: ToolInvocation) -> Any:
        seen.append(call)
        return double(call)

    tool = Tool("double", "Doubles.", handler, SCHEMA, strict=True)
    with ScriptedModel([[function_call("double", {"x": 21}, call_id="call")], "42"]) as model:
        thread = make_codex(model, tools=[tool]).start_thread(working_directory=repo)
        turn = thread.run("go")
        model.assert_tool_output("call", equals='{"doubled":42}')
    (call,) = seen
    assert (call.thread_id, call.turn_id, call.call_id) == (thread.id, turn.id, "call")
    (item,) = (item for item in turn.items if isinstance(item, ToolCall))
    assert (item.tool, item.arguments, item.status, item.success) == ("double", {"x": 21}, "completed", True)
    assert item.content_items == [{"type": "inputText", "text": '{"doubled":42}'}]
    (offered,) = (tool for tool in model.requests[0].tools if tool.get("name") == "double")
    assert offered["description"] == "Doubles."
    assert offered["strict"] is True
    assert offered["parameters"]["required"] == ["x"]


@pytest.mark.parametrize(
    ("handler", "output", "success"),
    [
        (lambda call: "plain", "plain", True),
        (lambda call: ToolResult("no luck", success=False), "no luck", False),
        (lambda call: [1, None, "x"], '[1,null,"x"]', True),
        (lambda call: 1 / 0, "ZeroDivisionError: division by zero", False),
        (lambda call: object(), "TypeError", False),
    ],
    ids=["text", "result", "json", "exception", "unencodable"],
)
def test_what_a_handler_may_return(
    make_codex: MakeCodex, repo: Path, handler: Any, output: str, success: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with ScriptedModel([[function_call("f", {}, call_id="call")], "done"]) as model:
        turn = make_codex(model, tools=[Tool("f", "F.", handler)]).start_thread(working_directory=repo).run("go")
        model.assert_tool_output("call", contains=output)
    (item,) = (item for item in turn.items if isinstance(item, ToolCall))
    assert item.success is success
    assert item.status == ("completed" if success else "failed")
    assert "Traceback" not in str(model.requests[-1].function_outputs)
    assert bool([record for record in caplog.records if record.exc_info]) == ("Error" in output)


def test_arguments_that_are_no_object_go_back_to_the_model(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel([[function_call("double", "[1", call_id="call")], "done"]) as model:
        make_codex(model, tools=[Tool("double", "D.", double, SCHEMA)]).start_thread(working_directory=repo).run("go")
        model.assert_tool_output("call", contains="not a JSON object")


def test_parallel_calls_run_at_the_same_time(make_codex: MakeCodex, repo: Path) -> None:
    barrier = threading.Barrier(4)

    def handler(call: ToolInvocation) -> str:
        barrier.wait(30)
        return "met"

    calls = [function_call("meet", {}, call_id=f"call_{index}") for index in range(4)]
    with ScriptedModel([calls, "done"]) as model:
        tool = Tool("meet", "M.", handler, supports_parallel=True)
        make_codex(model, tools=[tool]).start_thread(working_directory=repo).run("go", timeout=60)
        assert set(model.requests[-1].function_outputs.values()) == {"met"}


def test_a_slow_handler_delays_nobody_else(make_codex: MakeCodex, repo: Path) -> None:
    release = threading.Event()
    tool = Tool("slow", "S.", lambda call: release.wait(60) and "released")
    with ScriptedModel() as model:
        model.script([[function_call("slow", {})], "slow done"], user_text="slow")
        model.script(["quick"] * 20, user_text="quick")
        codex = make_codex(model, tools=[tool], max_workers=1)
        slow = codex.start_thread(working_directory=repo).run_streamed("slow")
        while not any(isinstance(getattr(event, "item", None), ToolCall) for event in [next(slow)]):
            pass
        quick = codex.start_thread(working_directory=repo)
        assert [quick.run("quick").final_response for _ in range(20)] == ["quick"] * 20
        release.set()
        for _ in slow:
            pass
        assert slow.turn.final_response == "slow done"


def test_interrupting_a_turn_leaves_its_handler_and_ignores_its_answer(make_codex: MakeCodex, repo: Path) -> None:
    release, entered = threading.Event(), threading.Event()

    def handler(call: ToolInvocation) -> str:
        entered.set()
        release.wait(60)
        return "too late"

    with ScriptedModel([[function_call("slow", {})], "next"]) as model:
        codex = make_codex(model, tools=[Tool("slow", "S.", handler)])
        thread = codex.start_thread(working_directory=repo)
        with thread.run_streamed("go"):
            assert entered.wait(30)
        release.set()
        assert thread.run("on").final_response == "next"
    assert "too late" not in str(model.requests[-1].function_outputs)


def test_tools_come_and_go(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel(["a", [function_call("double", {"x": 1}, call_id="call")], "b", "c"]) as model:
        codex = make_codex(model)
        thread = codex.start_thread(working_directory=repo)
        thread.run("before")
        codex.register_tool(Tool("double", "D.", double, SCHEMA))
        with pytest.raises(AlreadyExistsError, match="double is registered already"):
            codex.register_tool(Tool("double", "D.", double, SCHEMA))
        thread.run("with it")
        codex.unregister_tool("double")
        with pytest.raises(NotFoundError, match="double"):
            codex.unregister_tool("double")
        thread.run("without it")
    offered = ["double" in request.tool_names for request in model.requests]
    assert offered == [False, True, True, False]
    model.assert_tool_output("call", contains="2")


@pytest.mark.parametrize(
    ("tool", "error", "match"),
    [
        (Tool("with space", "D.", double), InvalidArgumentError, '"with space" .* 1 to 64 letters'),
        (Tool("", "D.", double), InvalidArgumentError, "1 to 64"),
        (Tool("f", "D.", double, {"type": "string"}), InvalidJsonError, 'type "object"'),
        (Tool("f", "D.", "double"), TypeError, "not callable"),  # type: ignore[arg-type]
    ],
)
def test_bad_tools_are_refused(make_codex: MakeCodex, tool: Tool, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        make_codex(tools=[tool])


def test_without_tools_approvals_are_denied(make_codex: MakeCodex, repo: Path) -> None:
    from codex_cffi.testing import shell

    asking = shell("touch asked", call_id="call", sandbox_permissions="require_escalated", justification="please")
    with ScriptedModel([[asking], "done"]) as model:
        thread = make_codex(model).start_thread(
            working_directory=repo, approval_mode="on-request", sandbox_mode="read-only"
        )
        thread.run("go", timeout=60)
        model.assert_tool_output("call", contains="reject")
    assert not (repo / "asked").exists()
