"""Python functions at the engine's hook points."""

from __future__ import annotations

import asyncio
import functools
import threading
from pathlib import Path
from typing import Any

import pytest

from codex_cffi import Approve, AsyncCodex, Codex, Deny, Hook, HookCall, InvalidArgumentError, NotFoundError, hook
from codex_cffi.events import HookCompleted
from codex_cffi.hooks import AddContext, EndTurn, GoOn, ReplaceInput
from codex_cffi.testing import ScriptedModel, apply_patch, shell
from support import MakeCodex, wait_until
from support.subagents import PARENT, asking, family, outputs

UNSANDBOXED: dict[str, Any] = {"sandbox_mode": "danger-full-access"}
PATCH = "*** Begin Patch\n*** Add File: made\n+x\n*** End Patch\n"


def run(codex: Codex, repo: Path, text: str = "go", **options: Any) -> Any:
    return codex.start_thread(working_directory=repo, **(options or UNSANDBOXED)).run(text, timeout=60)


def test_a_hook_sees_a_tool_before_and_after(make_codex: MakeCodex, repo: Path) -> None:
    seen: list[HookCall] = []
    with ScriptedModel([[shell("echo hello", call_id="call")], "done"]) as model:
        codex = make_codex(model, hooks=[Hook("PreToolUse", seen.append)])
        codex.register_hook(Hook("PostToolUse", seen.append))
        turn = run(codex, repo)
    before, after = seen
    assert (before.event, before.tool_name, before.tool_use_id) == ("PreToolUse", "Bash", "call")
    assert before.tool_input["command"] == "echo hello"
    assert (before.turn_id, before.session_id, before.cwd) == (turn.id, turn.thread_id, str(repo))
    assert before.tool_response is None
    assert (after.event, after.tool_use_id) == ("PostToolUse", "call")
    assert "hello" in str(after.tool_response)


@pytest.mark.parametrize("step", [shell("touch made", call_id="call"), apply_patch(PATCH, call_id="call")])
def test_a_tool_can_be_refused(make_codex: MakeCodex, repo: Path, step: Any) -> None:
    with ScriptedModel([[step], "done"]) as model:
        codex = make_codex(model, hooks=[Hook("PreToolUse", lambda call: Deny("not on Fridays"))])
        assert run(codex, repo).final_response == "done"
        model.assert_tool_output("call", contains="not on Fridays")
    assert not (repo / "made").exists()


@pytest.mark.parametrize("reason", [None, "", " \n"])
def test_a_refusal_needs_no_reason(make_codex: MakeCodex, repo: Path, reason: str | None) -> None:
    with ScriptedModel([[shell("touch made", call_id="call")], "done"]) as model:
        run(make_codex(model, hooks=[Hook("PreToolUse", lambda call: Deny(reason))]), repo)
        model.assert_tool_output("call", contains="denied by the host program")
    assert not (repo / "made").exists()


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ({"deny": True}, "has not the form"),
        ({"decision": "block"}, "without a non-empty reason"),
        ("deny", "no JSON object"),
    ],
)
def test_a_raw_answer_that_the_engine_does_not_take_is_a_refusal(
    make_codex: MakeCodex, repo: Path, monkeypatch: pytest.MonkeyPatch, answer: Any, says: str
) -> None:
    """As a host in C may answer; here nothing checks it before."""
    monkeypatch.setattr("codex_cffi.hooks.answer", lambda event, outcome: answer)
    with ScriptedModel([[shell("touch made", call_id="call")], "done"]) as model:
        run(make_codex(model, hooks=[Hook("PreToolUse", lambda call: None)]), repo)
        model.assert_tool_output("call", contains=says)
    assert not (repo / "made").exists()


def test_a_tools_arguments_can_be_changed(make_codex: MakeCodex, repo: Path) -> None:
    def change(call: HookCall) -> ReplaceInput:
        return ReplaceInput({**call.tool_input, "command": "touch changed"})

    with ScriptedModel([[shell("touch original", call_id="call")], "done"]) as model:
        run(make_codex(model, hooks=[Hook("PreToolUse", change, matcher="Bash")]), repo)
    assert (repo / "changed").exists()
    assert not (repo / "original").exists()


def test_the_model_reads_what_a_hook_says_of_a_result(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel([[shell("echo secret", call_id="call")], "done"]) as model:
        run(make_codex(model, hooks=[Hook("PostToolUse", lambda call: Deny("withheld"))]), repo)
        model.assert_tool_output("call", contains="withheld")
        assert "secret" not in model.requests[-1].function_outputs["call"]


@pytest.mark.parametrize(
    ("matcher", "fires"),
    [(None, True), ("*", True), ("Bash", True), ("Edit|Bash", True), ("B.*h", True), ("apply_patch", False)],
)
def test_matchers(make_codex: MakeCodex, repo: Path, matcher: str | None, fires: bool) -> None:
    seen: list[HookCall] = []
    with ScriptedModel([[shell("true")], "done"]) as model:
        run(make_codex(model, hooks=[Hook("PreToolUse", seen.append, matcher=matcher)]), repo)
    assert bool(seen) is fires


def test_a_prompt_can_be_refused_and_added_to(make_codex: MakeCodex, repo: Path) -> None:
    @hook("UserPromptSubmit")
    def check(call: HookCall) -> Any:
        assert call.prompt is not None
        return Deny("not that") if "bad" in call.prompt else AddContext("The house rules.")

    with ScriptedModel(["answer"]) as model:
        codex = make_codex(model, hooks=[check])
        thread = codex.start_thread(working_directory=repo)
        assert thread.run("bad", timeout=60).final_response == ""
        assert not model.requests
        assert thread.run("good", timeout=60).final_response == "answer"
        texts = str(model.requests[0].input)
    assert "The house rules." in texts
    assert "bad" not in model.requests[0].user_texts


def test_the_agent_goes_on_where_it_would_stop(make_codex: MakeCodex, repo: Path) -> None:
    seen: list[HookCall] = []

    def once(call: HookCall) -> Any:
        seen.append(call)
        return None if call.stop_hook_active else GoOn("run the tests too")

    with ScriptedModel(["first", "second"]) as model:
        turn = run(make_codex(model, hooks=[Hook("Stop", once)]), repo)
        assert turn.final_response == "second"
        assert "run the tests too" in str(model.requests[1].input)
    assert [call.last_assistant_message for call in seen] == ["first", "second"]


def test_a_session_starts_and_ends(make_codex: MakeCodex, repo: Path) -> None:
    seen: list[HookCall] = []

    def start(call: HookCall) -> AddContext:
        seen.append(call)
        return AddContext("It is Friday.")

    with ScriptedModel(["one", "two"]) as model:
        codex = make_codex(model, hooks=[Hook("SessionStart", start), Hook("SessionEnd", seen.append)])
        thread = codex.start_thread(working_directory=repo)
        thread.run("go", timeout=60)
        thread.run("go", timeout=60)
        assert "It is Friday." in str(model.requests[0].input)
        codex.close()
    assert [(call.event, call.session_id) for call in seen] == [("SessionStart", thread.id), ("SessionEnd", thread.id)]
    assert (seen[0].source, seen[1].reason) == ("startup", "other")


def test_a_session_can_be_stopped_at_its_start(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel(["never"]) as model:
        turn = run(make_codex(model, hooks=[Hook("SessionStart", lambda call: EndTurn("not now"))]), repo)
        assert turn.final_response == ""
        assert not model.requests


def test_compaction(make_codex: MakeCodex, repo: Path) -> None:
    seen: list[HookCall] = []
    with ScriptedModel(["answer", "summary"]) as model:
        codex = make_codex(model, hooks=[Hook("PreCompact", seen.append), Hook("PostCompact", seen.append)])
        thread = codex.start_thread(working_directory=repo)
        thread.run("go", timeout=60)
        codex.request("thread/compact/start", {"threadId": thread.id})
        wait_until(lambda: len(seen) == 2)
    assert [(call.event, call.trigger) for call in seen] == [("PreCompact", "manual"), ("PostCompact", "manual")]


def test_a_permission_is_decided_by_a_hook(make_codex: MakeCodex, repo: Path) -> None:
    asked: list[Any] = []
    for decision, done in ((Approve(), True), (Deny("no"), False)):
        with ScriptedModel([[asking()], "done"]) as model:
            codex = make_codex(model, on_approval=asked.append)
            codex.register_hook(Hook("PermissionRequest", lambda call, decision=decision: decision))
            run(codex, repo, sandbox_mode="read-only", approval_mode="on-request")
        assert (repo / "asked").exists() is done
        (repo / "asked").unlink(missing_ok=True)
    assert not asked


@pytest.mark.parametrize("event", ["PreToolUse", "UserPromptSubmit", "PermissionRequest"])
@pytest.mark.parametrize("how", ["raises", "returns", "takes"])
def test_a_hook_that_fails_fails_closed(make_codex: MakeCodex, repo: Path, event: Any, how: str) -> None:
    def broken(call: HookCall) -> Any:
        if how == "raises":
            raise LookupError("a defect")
        if how == "returns":
            return GoOn("on")
        return over.wait(10) and None

    over = threading.Event()
    with ScriptedModel([[asking()], "done"]) as model:
        codex = make_codex(model, hooks=[Hook(event, broken, timeout=0.3 if how == "takes" else 60)])
        codex.register_hook(Hook("PermissionRequest", lambda call: Approve()))
        run(codex, repo, sandbox_mode="read-only", approval_mode="on-request")
        over.set()
        assert bool(model.requests) is (event != "UserPromptSubmit")
    assert not (repo / "asked").exists()


def test_elsewhere_a_failure_is_reported(make_codex: MakeCodex, repo: Path) -> None:
    def broken(call: HookCall) -> None:
        raise LookupError("a defect")

    events: list[Any] = []
    with ScriptedModel(["done"]) as model:
        codex = make_codex(model, hooks=[Hook("Stop", broken)], on_event=events.append)
        assert run(codex, repo).final_response == "done"
    (completed,) = (event for event in events if isinstance(event, HookCompleted))
    assert (completed.run.event_name, completed.run.status) == ("stop", "failed")


def test_what_an_event_does_not_allow_is_told(
    make_codex: MakeCodex, repo: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with ScriptedModel(["done"]) as model:
        run(make_codex(model, hooks=[Hook("Stop", lambda call: Deny("no"))]), repo)
    assert "a hook of Stop returns None or GoOn or EndTurn, not Deny(reason='no')" in caplog.text


def test_hooks_come_and_go(make_codex: MakeCodex, repo: Path) -> None:
    seen: list[str] = []
    first = Hook("PreToolUse", lambda call: seen.append("first"))
    with ScriptedModel([[shell("true")], "done"] * 3) as model:
        codex = make_codex(model)
        thread = codex.start_thread(working_directory=repo)
        thread.run("go", timeout=60)
        codex.register_hook(first)
        thread.run("go", timeout=60)
        codex.unregister_hook(first)
        thread.run("go", timeout=60)
        with pytest.raises(NotFoundError, match="no such hook of PreToolUse"):
            codex.unregister_hook(first)
    assert seen == ["first"]


def test_hooks_run_beside_those_of_the_configuration(make_codex: MakeCodex, repo: Path) -> None:
    seen: list[HookCall] = []
    command = {"type": "command", "command": f"touch {repo}/configured"}
    config: dict[str, Any] = {"hooks": {"PreToolUse": [{"hooks": [command]}]}}
    (listed,) = make_codex(config=config).request("hooks/list", {"cwds": [str(repo)]})["data"]
    (known,) = listed["hooks"]
    config["hooks"]["state"] = {known["key"]: {"trusted_hash": known["currentHash"]}}
    with ScriptedModel([[shell("true")], "done"]) as model:
        run(make_codex(model, config=config, hooks=[Hook("PreToolUse", seen.append)]), repo)
    assert len(seen) == 1
    assert (repo / "configured").exists()


def test_hooks_see_sub_agents(make_codex: MakeCodex, repo: Path) -> None:
    seen: list[HookCall] = []

    def refuse(call: HookCall) -> Any:
        seen.append(call)
        return Deny("not here") if call.tool_name == "Bash" else None

    start = Hook("SubagentStart", lambda call: seen.append(call))
    with family([shell("touch made", call_id="try", login=False)]) as model:
        codex = make_codex(model, hooks=[Hook("PreToolUse", refuse, matcher="Bash"), start])
        turn = run(codex, repo, PARENT, **UNSANDBOXED)
        assert turn.final_response == "parent done"
        assert "not here" in outputs(model)["try"]
    assert not (repo / "made").exists()
    assert {call.event for call in seen} == {"SubagentStart", "PreToolUse"}
    assert all(call.session_id == turn.thread_id for call in seen)
    assert all(call.agent_id not in (None, turn.thread_id) for call in seen)


def test_async_hooks(repo: Path, codex_home: Path) -> None:
    seen: list[Any] = []

    @hook("PreToolUse")
    async def slow(call: HookCall) -> Any:
        await asyncio.sleep(0.01)
        seen.append(threading.current_thread())
        return Deny("no")

    async def main() -> None:
        with ScriptedModel([[shell("touch made")], "done"]) as model:
            config = model.provider_config()
            async with AsyncCodex(config=config, codex_home=codex_home, isolated=True, hooks=[slow]) as codex:
                thread = await codex.start_thread(working_directory=repo, **UNSANDBOXED)
                await thread.run("go", timeout=60)
                codex.unregister_hook(slow)

    asyncio.run(main())
    assert seen == [threading.main_thread()]
    assert not (repo / "made").exists()


def test_async_hooks_of_a_synchronous_client(make_codex: MakeCodex, repo: Path) -> None:
    async def refuse(call: HookCall) -> Any:
        return Deny("no")

    with ScriptedModel([[shell("touch made", call_id="call")], "done"]) as model:
        run(make_codex(model, hooks=[Hook("PreToolUse", refuse)]), repo)
    assert not (repo / "made").exists()


def test_an_async_hook_in_an_ordinary_decorator_is_awaited(make_codex: MakeCodex, repo: Path) -> None:
    async def refuse(call: HookCall) -> Any:
        return Deny("no")

    @functools.wraps(refuse)
    def wrapper(call: HookCall) -> Any:
        return refuse(call)

    with ScriptedModel([[shell("touch made", call_id="call")], "done"]) as model:
        run(make_codex(model, hooks=[Hook("PreToolUse", wrapper)]), repo)
        model.assert_tool_output("call", contains="no")
    assert not (repo / "made").exists()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("Nothing", print), ValueError, "event must be one of 'PreToolUse'"),
        (("Stop", "x"), TypeError, "handler must be a function, not str"),
        (("Stop", print, "x"), ValueError, "a hook of Stop takes no matcher"),
        (("PreToolUse", print, "("), ValueError, "matcher is no regular expression"),
        (("PreToolUse", print, 1), TypeError, "matcher must be a text, not int"),
        (("Stop", print, None, 0), ValueError, "timeout must be above 0"),
        (("Stop", print, None, True), TypeError, "timeout must be seconds, not bool"),
    ],
)
def test_arguments_are_checked(arguments: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message.replace("(", r"\(")):
        Hook(*arguments)


def test_what_is_no_hook_is_refused(make_codex: MakeCodex) -> None:
    with pytest.raises(TypeError, match="hooks are Hook objects"):
        make_codex(hooks=[print])
    codex = make_codex()
    with pytest.raises(TypeError, match="hooks are Hook objects"):
        codex.register_hook(print)
    # Python's regular expressions are not quite the engine's.
    with pytest.raises(InvalidArgumentError, match="no regular expression"):
        codex.register_hook(Hook("PreToolUse", print, matcher=r"(?=lookahead)"))
