"""Code mode: a model that acts by scripts alone, against the real engine; tools, interceptors, approvals and sandbox within."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from codex_cffi import (
    Approve,
    AsyncCodex,
    Codex,
    Deny,
    Tool,
    ToolInvocation,
    ToolResult,
)
from codex_cffi.testing import ScriptedModel, custom_tool_call, function_call
from support import MakeCodex, of_tasks, wait_until

#: Of the engine's list, a model that has no tools but `exec` and `wait`.
MODEL = "gpt-5.6-sol"
UNSANDBOXED: dict[str, Any] = {"sandbox_mode": "danger-full-access"}


def script(source: str, call_id: str = "call") -> Any:
    return custom_tool_call("exec", source, call_id=call_id)


def wait(cell_id: str, call_id: str = "wait", **options: Any) -> Any:
    return function_call("wait", {"cell_id": cell_id, **options}, call_id=call_id)


def output(model: ScriptedModel, call_id: str = "call") -> str:
    """What the model got of a script, without the line that says how long it took."""
    text = model.requests[-1].tool_output(call_id)
    status, _, rest = text.partition("\n")
    _, _, printed = rest.partition("Output:\n")
    return f"{status}\n{printed.lstrip()}".strip()


@pytest.fixture
def play(make_codex: MakeCodex, repo: Path) -> Callable[..., Any]:
    """Runs one turn whose model sends a script, and gives what came back."""

    def play(source: str, *, client: dict[str, Any] | None = None, prepare: Any = None, **options: Any) -> str:
        with ScriptedModel([[script(source)], "done"]) as model:
            codex: Codex = make_codex(model, **(client or {}))
            if prepare is not None:
                prepare(codex)
            thread = codex.start_thread(working_directory=repo, model=MODEL, **(options or UNSANDBOXED))
            assert thread.run("go", timeout=60).final_response == "done"
            return output(model)

    return play


def test_the_model_is_offered_scripts_alone(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel(["done"]) as model:
        thread = make_codex(model, tools=[Tool("greet", "Says hello.", lambda call: "hello")]).start_thread(
            working_directory=repo, model=MODEL
        )
        thread.run("go", timeout=60)
    body = json.dumps(model.requests[0].body)
    assert '"exec"' in body
    assert "greet" in body
    assert "exec_command" in body


def test_a_turn_reads_calls_patches_and_reports(make_codex: MakeCodex, repo: Path) -> None:
    (repo / "numbers.txt").write_text("1\n2\n3\n")
    barrier = threading.Barrier(3)
    calls: list[ToolInvocation] = []

    def square(call: ToolInvocation) -> str:
        barrier.wait(30)  # nobody goes on before all three are called
        calls.append(call)
        return str(call.arguments["number"] ** 2)

    source = r"""
        const { output } = await tools.exec_command({ cmd: "cat numbers.txt" });
        const numbers = output.trim().split(/\s+/).map(Number);
        const squares = await Promise.all(numbers.map((number) => tools.square({ number })));
        text(`squares: ${squares.join(", ")}`);
        await tools.apply_patch(["*** Begin Patch", "*** Add File: squares.txt", ...squares.map((s) => `+${s}`), "*** End Patch", ""].join("\n"));
        store("squares", squares);
        text((await tools.exec_command({ cmd: "cat squares.txt | wc -l" })).output.trim());
    """
    schema = {"type": "object", "properties": {"number": {"type": "integer"}}, "required": ["number"]}
    replies = [[script(source, "first")], [script("text(load('squares'))", "second")], "all done"]
    with ScriptedModel(replies) as model:
        codex = make_codex(model, tools=[Tool("square", "Squares.", square, schema, supports_parallel=True)])
        thread = codex.start_thread(working_directory=repo, model=MODEL, **UNSANDBOXED)
        turn = thread.run("square the numbers", timeout=60)
        assert output(model, "first") == "Script completed\nsquares: 1, 4, 9\n3"
        assert output(model, "second") == 'Script completed\n["1","4","9"]'
    assert turn.final_response == "all done"
    assert (repo / "squares.txt").read_text() == "1\n4\n9\n"
    assert sorted(call.arguments["number"] for call in calls) == [1, 2, 3]
    assert {call.turn_id for call in calls} == {turn.id}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("text('before'); throw new Error('boom')", "Script failed\nbefore\nScript error:\nError: boom\n    at "),
        ("text(1", "Script failed\nScript error:\nSyntaxError: "),
        ("import fs from 'node:fs'", "Script failed\nScript error:\nUnsupported import in exec: node:fs"),
        ("await tools.exec_command({})", "Script failed\nScript error:\n"),
        ("tools.nothing({})", "Script failed\nScript error:\nTypeError: "),
        ("(function f() { f() })()", "Script failed\nScript error:\nRangeError: Maximum call stack size exceeded"),
        (
            "const a = []; while (true) a.push(new Array(1e5).fill(0))",
            "Script failed\nScript error:\nInternalError: out of memory",
        ),
        ("text('a'); exit(); text('b')", "Script completed\na"),
    ],
)
def test_scripts_that_fail_say_so(play: Callable[..., str], source: str, expected: str) -> None:
    assert play(source).startswith(expected)


def test_a_failing_tool_is_an_error_of_the_script(play: Callable[..., str]) -> None:
    def fail(call: ToolInvocation) -> ToolResult:
        return ToolResult("no such thing", success=False)

    source = "try { text(await tools.fail({})) } catch (error) { text('caught ' + error) }"
    assert "no such thing" in play(source, client={"tools": [Tool("fail", "Fails.", fail)]})


def test_a_script_yields_and_is_waited_for(make_codex: MakeCodex, repo: Path) -> None:
    released = threading.Event()

    def block(call: ToolInvocation) -> str:
        assert released.wait(30)
        return "released"

    def release(request: Any) -> Any:
        released.set()
        return [wait("1")]

    source = "text('before'); yield_control(); text(await tools.block({}))"
    with ScriptedModel([[script(source)], release, "done"]) as model:
        codex = make_codex(model, tools=[Tool("block", "Blocks.", block)])
        thread = codex.start_thread(working_directory=repo, model=MODEL, **UNSANDBOXED)
        assert thread.run("go", timeout=60).final_response == "done"
        assert output(model) == "Script running with cell ID 1\nbefore"
        assert output(model, "wait") == "Script completed\nreleased"


def test_a_loop_without_end_is_terminated(make_codex: MakeCodex, repo: Path) -> None:
    replies: list[Any] = [
        [script('// @exec: {"yield_time_ms": 10}\ntext("looping"); while (true) {}')],
        [wait("1", terminate=True)],
        [wait("1", "again")],
        "done",
    ]
    with ScriptedModel(replies) as model:
        thread = make_codex(model).start_thread(working_directory=repo, model=MODEL, **UNSANDBOXED)
        assert thread.run("go", timeout=60).final_response == "done"
        assert output(model).startswith("Script running with cell ID 1")
        assert output(model, "wait").startswith("Script terminated")
        assert "exec cell 1 not found" in output(model, "again")


def test_closing_stops_a_loop(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel([[script('// @exec: {"yield_time_ms": 10}\nwhile (true) {}')], "done"]) as model:
        codex = make_codex(model)
        codex.start_thread(working_directory=repo, model=MODEL).run("go", timeout=60)
        assert output(model).startswith("Script running with cell ID 1")
        wait_until(lambda: looping() == 1)
        codex.close()
        wait_until(lambda: looping() == 0)


def looping() -> int:
    """Threads of this process that run scripts: some are kept for later scripts, asleep."""
    running = 0
    for stat in of_tasks("self", "stat"):
        name, _, state = stat.partition("(")[2].rpartition(")")
        running += name == "codex-code-mode" and state.split()[0] == "R"
    return running


def test_stored_values_are_a_thread_s_own(make_codex: MakeCodex, repo: Path) -> None:
    replies: list[Any] = [[script("store('k', 1)")], "one", [script("text(typeof load('k'))", "other")], "two"]
    with ScriptedModel(replies) as model:
        codex = make_codex(model)
        codex.start_thread(working_directory=repo, model=MODEL).run("go", timeout=60)
        codex.start_thread(working_directory=repo, model=MODEL).run("go", timeout=60)
        assert output(model, "other") == "Script completed\nundefined"


def test_interceptors_see_and_change_the_calls_of_scripts(play: Callable[..., str], repo: Path) -> None:
    seen: list[Any] = []

    def change(call: ToolInvocation, call_builtin: Any) -> Any:
        seen.append(call.arguments["cmd"])
        return call_builtin({**call.arguments, "cmd": "echo changed"})

    def prepare(codex: Codex) -> None:
        codex.register_tool_interceptor("exec_command", change)

    printed = play("text(await tools.exec_command({ cmd: 'touch original' }))", prepare=prepare)
    assert seen == ["touch original"]
    assert "changed" in printed
    assert not (repo / "original").exists()


def test_an_interceptor_refuses_the_call_of_a_script(play: Callable[..., str], repo: Path) -> None:
    def prepare(codex: Codex) -> None:
        codex.register_tool_interceptor("exec_command", lambda call, builtin: ToolResult("not today", success=False))

    source = "try { text(await tools.exec_command({ cmd: 'touch made' })) } catch (error) { text(error) }"
    assert "not today" in play(source, prepare=prepare)
    assert not (repo / "made").exists()


def test_a_built_in_tool_can_be_replaced_for_scripts(play: Callable[..., str], repo: Path) -> None:
    tool = Tool("exec_command", "Replaced.", lambda call: f"mine: {call.arguments['cmd']}")
    assert "mine: touch made" in play("text(await tools.exec_command({ cmd: 'touch made' }))", client={"tools": [tool]})
    assert not (repo / "made").exists()


@pytest.mark.parametrize("decision", [Approve(), Deny()])
def test_approvals_are_asked_for_what_scripts_do(play: Callable[..., str], repo: Path, decision: Any) -> None:
    asked: list[Any] = []

    def judge(request: Any) -> Any:
        asked.append(request)
        return decision

    source = """
        const call = { cmd: "touch asked", sandbox_permissions: "require_escalated", justification: "it must" };
        try { await tools.exec_command(call); text("ran") } catch (error) { text("refused: " + error) }
    """
    printed = play(source, client={"on_approval": judge}, sandbox_mode="read-only", approval_mode="on-request")
    assert len(asked) == 1
    assert "touch asked" in str(asked[0].command)
    approved = isinstance(decision, Approve)
    assert (repo / "asked").exists() is approved
    assert printed.startswith("Script completed")


def test_without_a_yes_and_within_the_sandbox_scripts_change_nothing(play: Callable[..., str], repo: Path) -> None:
    source = """
        for (const extra of [{}, { sandbox_permissions: "require_escalated", justification: "x" }]) {
            try { await tools.exec_command({ cmd: "touch escaped", ...extra }) } catch (error) { text(error) }
        }
        try { await tools.apply_patch("*** Begin Patch\\n*** Add File: patched\\n+x\\n*** End Patch\\n") } catch (error) { text(error) }
    """
    assert play(source, sandbox_mode="read-only").startswith("Script completed")
    assert not (repo / "escaped").exists()
    assert not (repo / "patched").exists()


def test_images_of_tools_reach_the_model(make_codex: MakeCodex, repo: Path) -> None:
    png = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    with ScriptedModel([[script(f"image({json.dumps(png)}); text('shown')")], "done"]) as model:
        thread = make_codex(model).start_thread(working_directory=repo, model=MODEL)
        thread.run("go", timeout=60)
        assert png in json.dumps(model.requests[-1].body)


def test_a_notification_reaches_the_model_while_the_script_runs(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel([[script("notify('halfway'); text('end')")], "done"]) as model:
        make_codex(model).start_thread(working_directory=repo, model=MODEL).run("go", timeout=60)
        assert "halfway" in json.dumps(model.requests[-1].body)


def test_interrupting_a_turn_cancels_the_calls_of_its_script(make_codex: MakeCodex, repo: Path) -> None:
    started, released = threading.Event(), threading.Event()

    def block(call: ToolInvocation) -> str:
        started.set()
        released.wait(30)
        return "too late"

    with ScriptedModel([[script("text(await tools.block({}))")], "next"]) as model:
        codex = make_codex(model, tools=[Tool("block", "Blocks.", block)])
        thread = codex.start_thread(working_directory=repo, model=MODEL)
        with thread.run_streamed("go") as stream:
            assert started.wait(60)
            stream.interrupt()
            for _ in stream:
                pass
        released.set()
        assert thread.run("on", timeout=60).final_response == "next"


def test_async_tools_run_in_parallel_from_a_script(repo: Path, codex_home: Path) -> None:
    met = 0

    async def main() -> str:
        both = asyncio.Event()

        async def meet(call: ToolInvocation) -> str:
            nonlocal met
            met += 1
            if met == 2:
                both.set()
            await both.wait()
            return "met"

        with ScriptedModel([[script("text(await Promise.all([tools.meet({}), tools.meet({})]))")], "done"]) as model:
            tool = Tool("meet", "Meets.", meet, supports_parallel=True)
            options: dict[str, Any] = {"config": model.provider_config(), "codex_home": codex_home, "isolated": True}
            async with AsyncCodex(tools=[tool], **options) as codex:
                thread = await codex.start_thread(working_directory=repo, model=MODEL)
                await thread.run("go", timeout=60)
            return output(model)

    assert asyncio.run(main()) == 'Script completed\n["met","met"]'


@pytest.mark.parametrize(
    ("program", "expected"),
    [("/nowhere/codex-code-mode-host", "Script completed\nhi"), ("/bin/cat", "failed to read code-mode host hello")],
)
def test_a_host_program_is_used_if_there_is_one(
    play: Callable[..., str], monkeypatch: pytest.MonkeyPatch, program: str, expected: str
) -> None:
    monkeypatch.setenv("CODEX_CODE_MODE_HOST_PATH", program)
    assert expected in play("text('hi')")


#: Holds 40 MiB and waits.
HOLDS = (
    "globalThis.keep = []; for (let i = 0; i < 40; i++) { const u = new Uint8Array(1 << 20); u.fill(1); keep.push(u) } "
)
HOLDS += "text('holds'); yield_control(); await new Promise(() => {})"


def test_scripts_that_wait_share_what_a_thread_may_hold(make_codex: MakeCodex, repo: Path) -> None:
    """In all its turns; another thread has its own, and closing gives all of it back."""
    calls = [[script(HOLDS, f"c{n}")] for n in range(10)]
    with ScriptedModel([*calls[:5], "so far", *calls[5:], "done", [script(HOLDS, "other")], "done"]) as model:
        codex = make_codex(model)
        thread = codex.start_thread(working_directory=repo, model=MODEL, **UNSANDBOXED)
        assert thread.run("go", timeout=60).final_response == "so far"
        assert thread.run("go on", timeout=60).final_response == "done"
        outputs = model.requests[-1].function_outputs
        held = [call_id for call_id, text in outputs.items() if "holds" in str(text)]
        refused = [str(text) for text in outputs.values() if "holds" not in str(text)]
        assert held == [f"c{n}" for n in range(len(held))]
        assert 6 <= len(held) <= 8
        assert len(refused) == 10 - len(held)
        assert all(
            "the scripts of this thread hold 320 MiB together, the most that they may" in text for text in refused
        )
        thread.close()
        other = codex.start_thread(working_directory=repo, model=MODEL, **UNSANDBOXED)
        other.run("go", timeout=60)
        assert "holds" in model.requests[-1].tool_output("other")


def test_scripts_that_wait_are_counted(make_codex: MakeCodex, repo: Path) -> None:
    waits = "yield_control(); await new Promise(() => {})"
    with ScriptedModel([[*(script(waits, f"c{n}") for n in range(65))], "done"]) as model:
        thread = make_codex(model).start_thread(working_directory=repo, model=MODEL, **UNSANDBOXED)
        thread.run("go", timeout=60)
        outputs = [str(text) for text in model.requests[-1].function_outputs.values()]
    refused = [
        text for text in outputs if "64 scripts of this thread have not ended, the most that there may be" in text
    ]
    assert len(refused) == 1
