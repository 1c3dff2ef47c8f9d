"""Python around the engine's own tools, and in their place."""

from __future__ import annotations

import asyncio
import functools
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from codex_cffi import (
    AsyncCodex,
    InvalidArgumentError,
    NotFoundError,
    Tool,
    ToolInvocation,
    ToolResult,
)
from codex_cffi.testing import ScriptedModel, apply_patch, custom_tool_call, function_call, shell
from support import MakeCodex

UNSANDBOXED: dict[str, Any] = {"sandbox_mode": "danger-full-access"}


def run(make_codex: MakeCodex, repo: Path, model: ScriptedModel, *interceptors: Any, **options: Any) -> Any:
    codex = make_codex(model)
    for interceptor in interceptors:
        codex.register_tool_interceptor(*interceptor) if isinstance(
            interceptor, tuple
        ) else codex.register_tool_interceptor(**interceptor)
    return codex.start_thread(working_directory=repo, **(options or UNSANDBOXED)).run("go", timeout=60)


def test_an_interceptor_sees_the_call_and_its_result(make_codex: MakeCodex, repo: Path) -> None:
    seen: list[Any] = []

    def watch(call: ToolInvocation, call_builtin: Any) -> Any:
        seen.append(call)
        result = call_builtin()
        seen.append(result)
        return result

    with ScriptedModel([[shell("echo hello", call_id="call")], "done"]) as model:
        turn = run(make_codex, repo, model, ("exec_command", watch))
        model.assert_tool_output("call", contains="hello")
    call, result = seen
    assert (call.tool_name, call.call_id, call.turn_id) == ("exec_command", "call", turn.id)
    assert "echo hello" in call.arguments["cmd"]
    assert call.input is None
    assert "hello" in result.text
    assert result.success


def test_an_async_interceptor_in_an_ordinary_decorator_is_awaited(make_codex: MakeCodex, repo: Path) -> None:
    def audited(function: Any) -> Any:
        @functools.wraps(function)
        def wrapper(*args: Any) -> Any:
            return function(*args)

        return wrapper

    @audited
    async def change(call: ToolInvocation, call_builtin: Any) -> Any:
        result = await call_builtin()
        return result.text.replace("hello", "HELLO")

    @audited
    async def after(call: ToolInvocation, result: ToolResult) -> Any:
        return ToolResult(result.text + "!", result.success)

    with ScriptedModel([[shell("echo hello", call_id="call")], "done"]) as model:
        halves = {"name": "exec_command", "after": after}
        run(make_codex, repo, model, halves, ("exec_command", change))
        output = model.last_request.tool_output("call")
    assert "HELLO" in output
    assert output.endswith("!")


def test_arguments_and_results_can_be_changed(make_codex: MakeCodex, repo: Path) -> None:
    def change(call: ToolInvocation, call_builtin: Any) -> Any:
        result = call_builtin({**call.arguments, "cmd": "echo changed > made; echo changed"})
        return ToolResult(result.text.replace("changed", "CHANGED"), result.success)

    with ScriptedModel([[shell("touch original", call_id="call")], "done"]) as model:
        run(make_codex, repo, model, ("exec_command", change))
        model.assert_tool_output("call", contains="CHANGED")
    assert (repo / "made").exists()
    assert not (repo / "original").exists()


def test_a_call_can_be_refused_or_answered(make_codex: MakeCodex, repo: Path) -> None:
    def refuse(call: ToolInvocation, call_builtin: Any) -> Any:
        return ToolResult("not on Fridays", success=False)

    with ScriptedModel([[shell("touch made", call_id="call")], "done"]) as model:
        run(make_codex, repo, model, ("exec_command", refuse))
        model.assert_tool_output("call", equals="not on Fridays")
    assert not (repo / "made").exists()


def test_the_builtin_can_run_more_than_once(make_codex: MakeCodex, repo: Path) -> None:
    def twice(call: ToolInvocation, call_builtin: Any) -> Any:
        call_builtin()
        return call_builtin()

    with ScriptedModel([[shell("echo x >> made", call_id="call")], "done"]) as model:
        run(make_codex, repo, model, ("exec_command", twice))
    assert (repo / "made").read_text() == "x\nx\n"


def test_several_nest_in_the_order_of_their_registration(make_codex: MakeCodex, repo: Path) -> None:
    order: list[str] = []

    def skin(name: str) -> Any:
        def handler(call: ToolInvocation, call_builtin: Any) -> Any:
            order.append(f"{name} in")
            result = call_builtin({**call.arguments, "cmd": call.arguments["cmd"] + f"; echo {name}"})
            order.append(f"{name} out")
            return ToolResult(f"{result.text}<{name}>")

        return handler

    with ScriptedModel([[shell("true", call_id="call")], "done"]) as model:
        run(make_codex, repo, model, ("exec_*", skin("first")), ("exec_command", skin("second")))
        output = model.assert_tool_output("call", contains="<second><first>")
    assert order == ["first in", "second in", "second out", "first out"]
    assert output.index("first\n") < output.index("second\n")


def test_before_and_after(make_codex: MakeCodex, repo: Path) -> None:
    def before(call: ToolInvocation) -> Any:
        if "secret" in call.arguments["cmd"]:
            return ToolResult("no", success=False)
        return {**call.arguments, "cmd": call.arguments["cmd"] + "; echo appended"}

    def after(call: ToolInvocation, result: ToolResult) -> Any:
        return ToolResult(result.text + "[seen]", result.success)

    script = [[shell("cat secret", call_id="a")], [shell("true", call_id="b")], "done"]
    with ScriptedModel(script) as model:
        run(make_codex, repo, model, {"name": "exec_command", "before": before, "after": after})
        model.assert_tool_output("a", equals="no")
        output = model.assert_tool_output("b", contains="appended")
    assert output.endswith("[seen]")


@pytest.mark.parametrize("on_error", ["deny", "pass"])
def test_one_that_fails_is_closed_unless_told_otherwise(
    make_codex: MakeCodex, repo: Path, on_error: str, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(call: ToolInvocation, call_builtin: Any) -> Any:
        raise LookupError("broken")

    with ScriptedModel([[shell("touch made; echo ran", call_id="call")], "done"]) as model:
        run(make_codex, repo, model, {"name": "exec_command", "handler": broken, "on_error": on_error})
        model.assert_tool_output("call", contains="broken" if on_error == "deny" else "ran")
    assert (repo / "made").exists() == (on_error == "pass")


def test_one_out_of_time_is_closed(make_codex: MakeCodex, repo: Path) -> None:
    released = threading.Event()

    def stuck(call: ToolInvocation, call_builtin: Any) -> Any:
        released.wait(60)
        return call_builtin()

    with ScriptedModel([[shell("touch made", call_id="call")], "done"]) as model:
        run(make_codex, repo, model, {"name": "exec_command", "handler": stuck, "timeout": 0.3})
        model.assert_tool_output("call", contains="took too long; the tool did not run")
        released.set()
        time.sleep(0.1)
    assert not (repo / "made").exists()


def test_sandbox_and_approvals_stay_in_force_below(make_codex: MakeCodex, repo: Path) -> None:
    def escape(call: ToolInvocation, call_builtin: Any) -> Any:
        return call_builtin({"cmd": "touch escaped", "sandbox_permissions": "require_escalated", "justification": "x"})

    def inside(call: ToolInvocation, call_builtin: Any) -> Any:
        return call_builtin({"cmd": "touch escaped"})

    for handler in (escape, inside):
        with ScriptedModel([[shell("true", call_id="call")], "done"]) as model:
            run(make_codex, repo, model, ("exec_command", handler), sandbox_mode="read-only")
        assert not (repo / "escaped").exists()


def test_a_freeform_tool_has_an_input(make_codex: MakeCodex, repo: Path) -> None:
    seen: list[ToolInvocation] = []

    def rename(call: ToolInvocation, call_builtin: Any) -> Any:
        seen.append(call)
        assert call.input is not None
        return call_builtin(call.input.replace("old.txt", "new.txt"))

    patch = "*** Begin Patch\n*** Add File: old.txt\n+x\n*** End Patch\n"
    with ScriptedModel([[apply_patch(patch)], "done"]) as model:
        run(make_codex, repo, model, ("apply_patch", rename), sandbox_mode="workspace-write")
    (call,) = seen
    assert call.arguments == {}
    assert (repo / "new.txt").exists()
    assert not (repo / "old.txt").exists()


def test_an_object_with_an_async_call_is_async(make_codex: MakeCodex, repo: Path) -> None:
    class Upper:
        async def __call__(self, call: ToolInvocation, call_builtin: Any) -> Any:
            return ToolResult((await call_builtin()).text.upper())

    class After:
        async def __call__(self, call: ToolInvocation, result: ToolResult) -> Any:
            return ToolResult(result.text.upper())

    for interceptor in (("exec_command", Upper()), {"name": "exec_command", "after": After()}):
        with ScriptedModel([[shell("echo hi", call_id="call")], "done"]) as model:
            run(make_codex, repo, model, interceptor)
            model.assert_tool_output("call", contains="HI")


def test_async_interceptors(make_codex: MakeCodex, repo: Path, codex_home: Path) -> None:
    async def slow(call: ToolInvocation, call_builtin: Any) -> Any:
        await asyncio.sleep(0.01)
        result = await call_builtin()
        await asyncio.sleep(0.01)
        return ToolResult(result.text + "[async]", result.success)

    def inner(call: ToolInvocation, call_builtin: Any) -> Any:
        return ToolResult(call_builtin().text + "[inner]")

    with ScriptedModel([[shell("echo hi", call_id="call")], "done"]) as model:
        run(make_codex, repo, model, ("exec_command", slow), ("exec_command", inner))
        output = model.assert_tool_output("call", contains="hi")
        assert output.endswith("[inner][async]")

    async def main(model: ScriptedModel) -> None:
        async with AsyncCodex(config=model.provider_config(), codex_home=codex_home, isolated=True) as codex:
            codex.register_tool_interceptor("exec_command", slow)
            thread = await codex.start_thread(working_directory=repo, sandbox_mode="danger-full-access")
            await thread.run("go", timeout=60)

    with ScriptedModel([[shell("echo hi", call_id="call")], "done"]) as model:
        asyncio.run(main(model))
        assert model.assert_tool_output("call", contains="hi").endswith("[async]")


def test_an_interrupted_turn_leaves_its_interceptor(make_codex: MakeCodex, repo: Path) -> None:
    entered, left = threading.Event(), threading.Event()

    def wait(call: ToolInvocation, call_builtin: Any) -> Any:
        entered.set()
        call.context.wait(60)
        left.set()
        return call_builtin()

    with ScriptedModel([[shell("touch made")], "next"]) as model:
        codex = make_codex(model)
        codex.register_tool_interceptor("exec_command", wait)
        thread = codex.start_thread(working_directory=repo, **UNSANDBOXED)
        with thread.run_streamed("go"):
            assert entered.wait(30)
        assert left.wait(10)
        assert thread.run("on").final_response == "next"
    assert not (repo / "made").exists()


def test_interceptors_come_and_go(make_codex: MakeCodex, repo: Path) -> None:
    calls: list[str] = []

    def count(call: ToolInvocation, call_builtin: Any) -> Any:
        calls.append(call.call_id)
        return call_builtin()

    script = [[shell("true", call_id="a")], "1", [shell("true", call_id="b")], "2", [shell("true", call_id="c")], "3"]
    with ScriptedModel(script) as model:
        codex = make_codex(model)
        thread = codex.start_thread(working_directory=repo, **UNSANDBOXED)
        thread.run("go")
        registered = codex.register_tool_interceptor("exec_command", count)
        thread.run("go")
        with pytest.raises(TypeError, match="give what register_tool_interceptor returned, not 'exec_command'"):
            codex.unregister_tool_interceptor("exec_command")
        codex.unregister_tool_interceptor(registered)
        with pytest.raises(NotFoundError):
            codex.unregister_tool_interceptor(registered)
        thread.run("go")
    assert calls == ["b"]


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ({"name": "x"}, TypeError, "either a handler, or before and after"),
        ({"name": "x", "handler": print, "before": print}, TypeError, "either a handler"),
        ({"name": "x", "handler": print, "on_error": "ignore"}, ValueError, "'deny', 'pass'"),
        ({"name": "x", "handler": print, "timeout": 0}, ValueError, "above 0"),
        ({"name": "a*b", "handler": print}, InvalidArgumentError, "prefix and one"),
        ({"name": "", "handler": print}, InvalidArgumentError, "prefix and one"),
    ],
)
def test_bad_interceptors_are_refused(
    make_codex: MakeCodex, arguments: Any, error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        make_codex().register_tool_interceptor(**arguments)


#: The names of the model's built-in tools, with arguments that would leave a trace if the built-in ran.
BUILTINS = {
    "exec_command": {"cmd": "touch trace"},
    "shell": {"command": ["touch", "trace"]},
    "shell_command": {"command": "touch trace"},
    "local_shell": {"command": ["touch", "trace"]},
    "write_stdin": {"session_id": 1, "chars": "x"},
    "update_plan": {"plan": [{"step": "s", "status": "pending"}]},
    "view_image": {"path": "trace"},
    "list_mcp_resources": {},
    "list_mcp_resource_templates": {},
    "read_mcp_resource": {"server": "s", "uri": "u"},
    "web_search": {"query": "q"},
    "grep_files": {"pattern": "x"},
    "read_file": {"file_path": "trace"},
    "list_dir": {"dir_path": "."},
    "test_sync_tool": {},
}


@pytest.mark.parametrize("name", BUILTINS)
def test_a_built_in_tool_can_be_replaced(make_codex: MakeCodex, repo: Path, name: str) -> None:
    seen: list[ToolInvocation] = []

    def mine(call: ToolInvocation) -> str:
        seen.append(call)
        return "mine"

    schema = {"type": "object", "properties": {"anything": {"type": "string"}}}
    with ScriptedModel([[function_call(name, BUILTINS[name], call_id="call")], "done"]) as model:
        codex = make_codex(model, tools=[Tool(name, "Replaced.", mine, schema)])
        turn = codex.start_thread(working_directory=repo, **UNSANDBOXED).run("go", timeout=60)
        model.assert_tool_output("call", equals="mine")
    assert turn.final_response == "done"
    (call,) = seen
    assert call.arguments == BUILTINS[name]
    assert not (repo / "trace").exists()
    offered = [spec for spec in model.requests[0].tools if name in (spec.get("name"), spec.get("type"))]
    assert [spec.get("description") for spec in offered] == ["Replaced."], "description and schema are replaced too"
    assert offered[0]["parameters"]["properties"].keys() == {"anything"}


def test_a_freeform_built_in_can_be_replaced(make_codex: MakeCodex, repo: Path) -> None:
    seen: list[ToolInvocation] = []

    def mine(call: ToolInvocation) -> str:
        seen.append(call)
        return "mine"

    patch = "*** Begin Patch\n*** Add File: trace\n+x\n*** End Patch\n"
    with ScriptedModel([[custom_tool_call("apply_patch", patch, call_id="call")], "done"]) as model:
        codex = make_codex(model, tools=[Tool("apply_patch", "Replaced.", mine)])
        codex.start_thread(working_directory=repo, **UNSANDBOXED).run("go", timeout=60)
        assert model.requests[-1].tool_output("call") == "mine"
    assert seen[0].input == patch
    assert not (repo / "trace").exists()
