"""Settings of a live thread, for one turn or from now on, and what the host tells a stream."""

from __future__ import annotations

import asyncio
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

from codex_cffi import (
    Approve,
    AsyncCodex,
    BackgroundEvent,
    CodexTimeoutError,
    CommandExecution,
    EngineError,
    ItemCompleted,
    ItemStarted,
    WorkingDirectoryNotFoundError,
    WorkingDirectoryNotTrustedError,
    WorkspaceWrite,
)
from codex_cffi._core.deadline import Deadline
from codex_cffi._core.steps import call
from codex_cffi.testing import ScriptedModel, http_error, shell, stall, text
from support import MakeCodex


def settings_of(thread: Any) -> dict[str, Any]:
    """What the engine has for the thread's next turn, from the engine itself."""
    params = {"threadId": thread.id, "excludeTurns": True}
    fork = thread._client.drive(call("thread/resume", params, Deadline(30)))
    return {name: fork[name] for name in ("model", "cwd", "approvalPolicy", "sandbox", "reasoningEffort")}


def personalities(model: ScriptedModel) -> int:
    """How often the model was told how to talk."""
    return sum("<personality_spec>" in text for text in model.last_request.developer_texts)


@pytest.mark.parametrize("config", [{}, {"model_reasoning_effort": "low"}], ids=["no effort", "an effort"])
def test_a_turn_s_settings_end_with_it(
    make_codex: MakeCodex, repo: Path, tmp_path: Path, config: dict[str, Any]
) -> None:
    other = tmp_path / "other"
    shutil.copytree(repo, other)
    with ScriptedModel(["1", [shell("pwd", call_id="pwd")], "2", [shell("pwd", call_id="after")], "3"]) as model:
        thread = make_codex(model, config=config).start_thread(
            working_directory=repo, model="gpt-5.4", sandbox_mode="read-only", approval_mode="on-request"
        )
        thread.run("a")
        before, effort = settings_of(thread), model.last_request.reasoning_effort
        thread.run(
            "b",
            model="gpt-5.5",
            reasoning_effort="high",
            approval_mode="never",
            sandbox_mode="danger-full-access",
            working_directory=other,
            personality="friendly",
        )
        assert model.requests[1].model == "gpt-5.5"
        assert model.requests[1].reasoning_effort == "high"
        model.assert_tool_output("pwd", contains=str(other))
        assert settings_of(thread) == before
        assert (thread.model, Path(thread.working_directory)) == ("gpt-5.4", repo)
        thread.run("c")
        assert model.requests[3].model == "gpt-5.4"
        assert model.requests[3].reasoning_effort == effort
        assert str(repo) in model.assert_tool_output("after")


@pytest.mark.parametrize("config", [{}, {"personality": "friendly"}], ids=["the default", "configured"])
def test_a_turn_s_personality_ends_with_it(make_codex: MakeCodex, repo: Path, config: dict[str, Any]) -> None:
    with ScriptedModel([*"abcd"]) as model:
        thread = make_codex(model, config=config).start_thread(working_directory=repo, model="gpt-5.4")
        thread.run("a")
        assert personalities(model) == 0, "it is in the model's instructions"
        thread.run("b", personality="pragmatic" if config else "friendly")
        assert personalities(model) == 1
        thread.run("c")
        assert personalities(model) == 2, "back to what it was"
        thread.run("d")
        assert personalities(model) == 2


@pytest.mark.parametrize("end", ["failed", "interrupted", "timeout", "left", "dropped"])
def test_a_turn_s_settings_end_with_it_however_it_ends(make_codex: MakeCodex, repo: Path, end: str) -> None:
    response: Any = http_error(400, "no") if end == "failed" else [text("Thinking"), stall()]
    with ScriptedModel([response, "after"]) as model:
        thread = make_codex(model).start_thread(working_directory=repo, model="gpt-5.4")
        options: dict[str, Any] = {"model": "gpt-5.5", "sandbox_mode": "danger-full-access", "reasoning_effort": "high"}
        if end == "timeout":
            with pytest.raises(CodexTimeoutError):
                thread.run("a", timeout=0.5, **options)
        elif end == "dropped":
            stream = thread.run_streamed("a", **options)
            next(stream)
            model.wait_for_requests(1)
            del stream
        else:
            with thread.run_streamed("a", **options) as stream:
                for event in stream:
                    if event.type == "item.agent_message.delta":
                        if end == "left":
                            break
                        stream.interrupt()
        thread.run("b")
        assert model.last_request.model == "gpt-5.4"
        assert model.last_request.reasoning_effort != "high"
        found = settings_of(thread)
        assert found["sandbox"]["type"] == "readOnly"
        assert found["reasoningEffort"] is None


def test_a_turn_s_sandbox_and_approvals_are_in_force_and_end(make_codex: MakeCodex, repo: Path) -> None:
    asked: list[Any] = []

    def judge(request: Any) -> Any:
        asked.append(request)
        return Approve()

    script = [
        [shell("touch first", call_id="1")],
        "done",
        [shell("touch second", call_id="2")],
        "done",
        [shell("touch third", call_id="3")],
        "done",
    ]
    with ScriptedModel(script) as model:
        thread = make_codex(model, on_approval=judge).start_thread(
            working_directory=repo, sandbox_mode="read-only", approval_mode="never"
        )
        thread.run("a", workspace_write=WorkspaceWrite())
        assert (repo / "first").exists()
        thread.run("b")
        assert not (repo / "second").exists()
        assert asked == []
        thread.run("c", approval_mode="untrusted")
        # For the command, and, since the sandbox did not let it, for running it outside.
        assert len(asked) == 2
        assert (repo / "third").exists()


def test_update_holds_from_the_next_turn_on(make_codex: MakeCodex, repo: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(repo, other)
    with ScriptedModel([*"12", [shell("touch made; pwd", call_id="c")], "3", "4", "5"]) as model:
        thread = make_codex(model).start_thread(working_directory=repo, sandbox_mode="read-only")
        thread.run("a")
        thread.update(model="gpt-5.4", reasoning_effort="low")
        assert thread.model == "gpt-5.4"
        thread.run("b")
        assert (model.last_request.model, model.last_request.reasoning_effort) == ("gpt-5.4", "low")
        thread.update(working_directory=other, workspace_write=WorkspaceWrite(), personality="friendly")
        assert Path(thread.working_directory) == other
        thread.run("c")
        model.assert_tool_output("c", contains=str(other))
        assert (other / "made").exists()
        thread.run("d", model="gpt-5.5", reasoning_effort="high", personality="pragmatic")
        thread.run("e")
        assert (model.last_request.model, model.last_request.reasoning_effort) == ("gpt-5.4", "low")
        assert settings_of(thread)["sandbox"]["type"] == "workspaceWrite"


def test_update_while_a_turn_runs_leaves_that_turn_alone(make_codex: MakeCodex, repo: Path) -> None:
    go = threading.Event()

    def wait(request: Any) -> list[Any]:
        assert go.wait(30)
        return [shell("true")]

    with ScriptedModel([wait, "1", "2"]) as model:
        thread = make_codex(model).start_thread(
            working_directory=repo, model="gpt-5.4", sandbox_mode="danger-full-access"
        )
        with thread.run_streamed("a", reasoning_effort="high") as stream:
            model.wait_for_requests(1)
            thread.update(model="gpt-5.5")
            go.set()
            for _ in stream:
                pass
        assert (model.last_request.model, model.last_request.reasoning_effort) == ("gpt-5.4", "high")
        thread.run("b")
        assert model.last_request.model == "gpt-5.5"
        assert model.last_request.reasoning_effort != "high"


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"model": 5}, TypeError, "model must be a text, not int"),
        ({"reasoning_effort": " "}, ValueError, "reasoning_effort is empty"),
        ({"approval_mode": "always"}, ValueError, "approval_mode must be one of 'never'"),
        ({"sandbox_mode": "none"}, ValueError, "sandbox_mode must be one of 'read-only'"),
        ({"sandbox_mode": "read-only", "workspace_write": WorkspaceWrite()}, ValueError, "does not go with"),
        ({"workspace_write": True}, TypeError, "workspace_write must be a WorkspaceWrite, not bool"),
        ({"personality": "grumpy"}, ValueError, "personality must be one of 'none', 'friendly', 'pragmatic'"),
        ({"working_directory": "/nowhere"}, WorkingDirectoryNotFoundError, "/nowhere does not exist"),
        ({"working_directory": "/"}, WorkingDirectoryNotTrustedError, "not inside a git repository"),
        ({"colour": "red"}, TypeError, "has no argument 'colour'; it takes"),
    ],
    ids=str,
)
def test_bad_settings_change_nothing(
    make_codex: MakeCodex, repo: Path, options: dict[str, Any], error: type[Exception], words: str
) -> None:
    with ScriptedModel(["fine"]) as model:
        thread = make_codex(model).start_thread(working_directory=repo)
        before = dict(thread.settings)
        for use in (thread.update, lambda **options: thread.run("x", **options)):
            with pytest.raises(error, match=words):
                use(**options)
        with pytest.raises(TypeError, match="needs something to change"):
            thread.update()
        assert thread.settings == before
        assert thread.run("x").final_response == "fine"


def test_asynchronously(codex_home: Path, repo: Path) -> None:
    async def main() -> None:
        async with AsyncCodex(codex_home=codex_home, isolated=True, config=model.provider_config()) as codex:
            thread = await codex.start_thread(working_directory=repo, model="gpt-5.4")
            await thread.run("a", model="gpt-5.5", reasoning_effort="high", personality="friendly")
            assert (model.last_request.model, model.last_request.reasoning_effort) == ("gpt-5.5", "high")
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(thread.run("b", model="gpt-5.5"), 0.5)
            await thread.run("c")
            assert model.last_request.model == "gpt-5.4"
            await thread.update(model="gpt-5.5")
            async with thread.run_streamed("d", reasoning_effort="low") as stream:
                async for event in stream:
                    if event.type == "turn.started":
                        thread.send_background_event("half way")
            await thread.run("e")
            assert (model.last_request.model, model.last_request.reasoning_effort) != ("gpt-5.5", "low")

    with ScriptedModel(["1", [text("Thinking"), stall()], "2", "3", "4"]) as model:
        asyncio.run(main())


# ---- background events


def test_background_events_have_their_place_in_the_stream(make_codex: MakeCodex, repo: Path) -> None:
    heard: list[Any] = []
    with ScriptedModel([[shell("true", call_id="a")], [shell("true", call_id="b")], "done", "next"]) as model:
        thread = make_codex(model, on_event=heard.append).start_thread(
            working_directory=repo, sandbox_mode="danger-full-access"
        )
        events: list[Any] = []
        with thread.run_streamed("go") as stream:
            for event in stream:
                events.append(event)
                if isinstance(event, ItemCompleted) and isinstance(event.item, CommandExecution):
                    thread.send_background_event(f"after {event.item.id}")
            turn = stream.turn
        thread.run("on")
    told = [event for event in events if isinstance(event, BackgroundEvent)]
    assert [event.message for event in told] == ["after a", "after b"]
    assert all(
        (event.type, event.thread_id, event.turn_id) == ("background_event", thread.id, turn.id) for event in told
    )
    assert [event for event in heard if isinstance(event, BackgroundEvent)] == told
    marks = [
        event.message if isinstance(event, BackgroundEvent) else f"{event.type} {event.item.id}"
        for event in events
        if isinstance(event, BackgroundEvent)
        or (isinstance(event, (ItemStarted, ItemCompleted)) and isinstance(event.item, CommandExecution))
    ]
    assert marks.index("item.completed a") < marks.index("after a") < marks.index("item.started b")
    assert marks.index("item.completed b") < marks.index("after b")
    assert "after a" not in str([request.input for request in model.requests]), "the agent does not see it"


def test_background_events_come_from_other_threads_and_wake_the_reader(make_codex: MakeCodex, repo: Path) -> None:
    go = threading.Event()
    with ScriptedModel([[text("Thinking"), stall()]]) as model:
        thread = make_codex(model).start_thread(working_directory=repo)
        with thread.run_streamed("go") as stream:
            next(stream)

            def tell() -> None:
                for number in range(3):
                    thread.send_background_event(str(number))
                go.set()

            model.wait_for_requests(1)
            teller = threading.Thread(target=tell)
            teller.start()
            told: list[str] = []
            for event in stream:
                if isinstance(event, BackgroundEvent):
                    told.append(str(event))
                    if len(told) == 3:
                        break
            teller.join()
    assert told == ["0", "1", "2"]


def test_without_a_turn_there_is_no_stream_to_tell(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel(["fine"]) as model:
        thread = make_codex(model).start_thread(working_directory=repo)
        with pytest.raises(EngineError, match="has no running turn"):
            thread.send_background_event("early")
        thread.run("go")
        with pytest.raises(EngineError, match="has no running turn"):
            thread.send_background_event("late")
        with pytest.raises(TypeError, match="message must be a text, not int"):
            thread.send_background_event(5)
