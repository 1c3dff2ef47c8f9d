"""Sub-agents and reviews have threads of their own; the host's tools, interceptors and handlers are in force there too."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from codex_cffi import (
    ApprovalRequest,
    ApprovalRequested,
    Approve,
    AsyncCodex,
    Deny,
    Tool,
    ToolInvocation,
    ToolResult,
    WorkspaceWrite,
)
from codex_cffi.approvals import later
from codex_cffi.testing import ModelRequest, ScriptedModel, apply_patch, function_call, shell
from support import MakeCodex, wait_until
from support.subagents import AGENTS, PARENT, asking, family, outputs, spawn, wait

REVIEW = json.dumps(
    {
        "findings": [],
        "overall_correctness": "patch is correct",
        "overall_explanation": "fine",
        "overall_confidence_score": 1.0,
    }
)


@pytest.fixture
def run(make_codex: MakeCodex, repo: Path) -> Callable[..., Any]:
    def run(model: ScriptedModel, *interceptors: Any, client: dict[str, Any] | None = None, **options: Any) -> Any:
        codex = make_codex(model, **(client or {}))
        for name, handler in interceptors:
            codex.register_tool_interceptor(name, handler)
        options = {"sandbox_mode": "read-only", "approval_mode": "on-request", **options}
        thread = codex.start_thread(working_directory=repo, **options)
        turn = thread.run(PARENT, timeout=60)
        assert turn.final_response == "parent done"
        return thread

    return run


def test_a_sub_agent_has_the_tools_and_a_thread_of_its_own(run: Any) -> None:
    calls: list[ToolInvocation] = []

    def note(call: ToolInvocation) -> str:
        calls.append(call)
        return "noted"

    tool = Tool(name="note", description="Notes.", handler=note)
    with family([function_call("note", {}, call_id="note")]) as model:
        thread = run(model, client={"tools": [tool]})
        assert outputs(model)["note"] == "noted"
    (call,) = calls
    child = next(request for request in model.requests if request.parent_thread_id)
    assert child.parent_thread_id == thread.id
    assert call.thread_id == child.thread_id != thread.id
    assert call.turn_id == child.turn_id
    assert "note" in child.tool_names


def test_interceptors_are_in_force_there(run: Any, repo: Path) -> None:
    seen: list[tuple[str, str]] = []

    def watch(call: ToolInvocation, call_builtin: Any) -> Any:
        seen.append((call.tool_name, call.thread_id))
        result = call_builtin()
        return ToolResult(result.text.replace("hello", "HELLO"), result.success)

    with family([shell("echo hello", call_id="hello", login=False)]) as model:
        thread = run(model, ("*", watch))
        assert "HELLO" in outputs(model)["hello"]
        child = next(request.thread_id for request in model.requests if request.parent_thread_id)
    assert set(seen) == {
        (f"{AGENTS}::spawn_agent", thread.id),
        (f"{AGENTS}::wait_agent", thread.id),
        ("exec_command", child),
    }


PATCH = "*** Begin Patch\n*** Add File: made\n+x\n*** End Patch\n"


@pytest.mark.parametrize(
    ("pattern", "step"),
    [
        ("exec_command", shell("touch made", call_id="try", login=False)),
        ("exec_command", shell(f"apply_patch '{PATCH}'", call_id="try", login=False)),
        ("apply_patch", apply_patch(PATCH)),
        ("*", shell("touch made", call_id="try", login=False)),
    ],
    ids=["command", "a patch as a command", "patch", "everything but agents"],
)
def test_no_slipping_past_an_interceptor(run: Any, repo: Path, pattern: str, step: Any) -> None:
    def refuse(call: ToolInvocation, call_builtin: Any) -> Any:
        return call_builtin() if call.tool_name.startswith(AGENTS) else ToolResult("not here", success=False)

    with family([step]) as model:
        run(model, (pattern, refuse), sandbox_mode="danger-full-access")
        assert list(outputs(model).values()) == ["not here"]
    assert not (repo / "made").exists()


def test_sub_agents_of_sub_agents(make_codex: MakeCodex, repo: Path) -> None:
    """A chain as long as the configuration allows; each of its agents is intercepted, and asks the same handler."""
    asked: list[str] = []
    seen: list[str] = []

    def judge(request: ApprovalRequest) -> Any:
        asked.append(request.thread_id)
        return Deny()

    with ScriptedModel() as model:
        model.script([spawn("[second]"), wait, *["first done"] * 2], user_text="[first]")
        model.script([spawn("[third]"), wait, *["second done"] * 2], user_text="[second]")
        model.script([asking(), *["third done"] * 2], user_text="[third]")
        codex = make_codex(model, config={"agents": {"max_depth": 3}})
        codex.register_tool_interceptor("exec_command", before=lambda call: seen.append(call.thread_id))
        thread = codex.start_thread(
            working_directory=repo, sandbox_mode="read-only", approval_mode="on-request", on_approval=judge
        )
        assert thread.run("[first]", timeout=60).final_response == "first done"
        third = next(request for request in model.requests if "[third]" in request.user_text)
    assert asked == seen == [third.thread_id]
    assert not (repo / "asked").exists()


def test_a_client_s_handler_decides_for_sub_agents(run: Any, repo: Path) -> None:
    asked: list[ApprovalRequest] = []

    def judge(request: ApprovalRequest) -> Any:
        asked.append(request)
        return Approve()

    with family(asking()) as model:
        thread = run(model, client={"on_approval": judge})
        child = next(request for request in model.requests if request.parent_thread_id)
    assert [(request.thread_id, request.turn_id) for request in asked] == [(child.thread_id, child.turn_id)]
    assert asked[0].thread_id != thread.id
    assert (repo / "asked").exists()


def test_a_thread_s_handler_decides_for_its_sub_agents(run: Any, repo: Path) -> None:
    """And not the client's, which may be more lenient."""
    with family(asking()) as model:
        run(model, client={"on_approval": lambda request: Approve()}, on_approval=lambda request: Deny())
        assert "reject" in outputs(model)["asking"]
    assert not (repo / "asked").exists()


def test_a_thread_s_handler_is_enough(run: Any, repo: Path) -> None:
    with family(asking()) as model:
        run(model, on_approval=lambda request: Approve())
    assert (repo / "asked").exists()


def test_without_a_handler_sub_agents_are_denied(run: Any, repo: Path) -> None:
    with family(asking()) as model:
        run(model)
        assert "reject" in outputs(model)["asking"]
    assert not (repo / "asked").exists()


def test_what_a_sub_agent_asks_stands_in_the_parent_s_stream(make_codex: MakeCodex, repo: Path) -> None:
    with family(asking()) as model:
        codex = make_codex(model, on_approval=later)
        thread = codex.start_thread(working_directory=repo, sandbox_mode="read-only", approval_mode="on-request")
        with thread.run_streamed(PARENT, timeout=60) as stream:
            for event in stream:
                if isinstance(event, ApprovalRequested):
                    assert codex.pending_approvals == [event.request]
                    assert event.request.thread_id != thread.id
                    codex.respond(event.request.id, Approve())
        assert stream.turn.final_response == "parent done"
    assert (repo / "asked").exists()


def test_an_interrupted_parent_takes_the_question_back(make_codex: MakeCodex, repo: Path) -> None:
    """Or leaves it to be decided; but it is never taken for a yes."""
    asked = threading.Event()

    def judge(request: ApprovalRequest) -> None:
        asked.set()

    with family(asking()) as model:
        codex = make_codex(model, on_approval=judge)
        thread = codex.start_thread(working_directory=repo, sandbox_mode="read-only", approval_mode="on-request")
        with thread.run_streamed(PARENT, timeout=60):
            assert asked.wait(30)
        codex.close()
        assert codex.pending_approvals == []
    assert not (repo / "asked").exists()


def test_a_sub_agent_is_in_its_parent_s_sandbox(run: Any, repo: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    script = shell(f"echo x > inside; echo x > {outside}/new; echo x > .git/new", call_id="try", login=False)
    narrow = WorkspaceWrite(exclude_slash_tmp=True, exclude_tmpdir_env_var=True)
    with family(script) as model:
        run(model, sandbox_mode=None, workspace_write=narrow, approval_mode="never")
    assert (repo / "inside").exists()
    assert not (outside / "new").exists()
    assert not (repo / ".git" / "new").exists()


def test_asynchronous_hosts(codex_home: Path, repo: Path) -> None:
    """Handlers of a sub-agent run on the loop of its parent's turn."""

    async def main() -> None:
        loop, loops = asyncio.get_running_loop(), []

        async def judge(request: ApprovalRequest) -> Any:
            loops.append(asyncio.get_running_loop())
            return Approve()

        async def watch(call: ToolInvocation, call_builtin: Any) -> Any:
            loops.append(asyncio.get_running_loop())
            return await call_builtin()

        with family(asking()) as model:
            options = {"codex_home": codex_home, "isolated": True, "config": model.provider_config()}
            async with AsyncCodex(**options) as codex:
                codex.register_tool_interceptor("exec_command", watch)
                thread = await codex.start_thread(
                    working_directory=repo, sandbox_mode="read-only", approval_mode="on-request", on_approval=judge
                )
                assert (await thread.run(PARENT, timeout=60)).final_response == "parent done"
        assert loops == [loop, loop]

    asyncio.run(main())
    assert (repo / "asked").exists()


def test_a_tool_in_the_place_of_a_built_in_counts_for_sub_agents(run: Any, repo: Path) -> None:
    """Else a sub-agent has the built-in, which the host meant to replace on this thread."""
    own = Tool(name="exec_command", description="Mine.", handler=lambda call: "mine")
    with family([shell("touch made", call_id="try", login=False)]) as model:
        run(model, sandbox_mode="danger-full-access", tools=[own])
        assert outputs(model)["try"] == "mine"
    assert not (repo / "made").exists()


# ---- reviews


def review(codex: Any, thread: Any, model: ScriptedModel, *steps: Any) -> list[ModelRequest]:
    """Runs a review of a thread; returns what its model was asked."""
    marker = "[review]"
    model.script([*steps, REVIEW], user_text=marker)
    params = {"threadId": thread.id, "target": {"type": "custom", "instructions": marker}}
    codex.request("review/start", params)
    asked = lambda: [request for request in model.requests if request.subagent == "review"]  # noqa: E731
    wait_until(lambda: len(asked()) == len(steps) + 1)
    assert asked()[-1].wait_finished()
    codex.close()
    return asked()


def test_a_review_is_under_the_host_s_eyes(make_codex: MakeCodex, repo: Path) -> None:
    calls: list[tuple[str, str]] = []

    def refuse(call: ToolInvocation, call_builtin: Any) -> Any:
        calls.append((call.tool_name, call.thread_id))
        return ToolResult("not here", success=False)

    def note(call: ToolInvocation) -> str:
        calls.append((call.tool_name, call.thread_id))
        return "noted"

    tool = Tool(name="note", description="Notes.", handler=note)
    with ScriptedModel(["hello"]) as model:
        codex = make_codex(model, tools=[tool], on_approval=lambda request: Approve())
        codex.register_tool_interceptor("exec_command", refuse)
        thread = codex.start_thread(working_directory=repo, sandbox_mode="danger-full-access")
        thread.run("hi", timeout=60)
        requests = review(
            codex,
            thread,
            model,
            function_call("note", {}, call_id="note"),
            shell("touch made", call_id="try", login=False),
            asking(),
        )
    reviewer = requests[0].thread_id
    assert requests[0].parent_thread_id == thread.id
    assert calls == [("note", reviewer), ("exec_command", reviewer), ("exec_command", reviewer)]
    assert requests[-1].function_outputs == {"note": "noted", "try": "not here", "asking": "not here"}
    assert not (repo / "made").exists()


def test_a_review_gets_no_approvals(make_codex: MakeCodex, repo: Path) -> None:
    """The engine has it ask for none, so what needs one is refused."""
    asked: list[Any] = []
    with ScriptedModel(["hello"]) as model:
        codex = make_codex(model, on_approval=lambda request: asked.append(request) or Approve())
        thread = codex.start_thread(working_directory=repo, sandbox_mode="read-only", approval_mode="on-request")
        thread.run("hi", timeout=60)
        requests = review(codex, thread, model, asking(), shell("touch made", call_id="try", login=False))
        assert "approval policy is Never" in requests[-1].function_outputs["asking"]
        assert "Read-only file system" in requests[-1].function_outputs["try"]
    assert not asked
    assert not (repo / "asked").exists()
