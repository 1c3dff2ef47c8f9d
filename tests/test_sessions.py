"""Conversations that are kept: resumed, forked, rolled back, compacted, listed, searched, named, archived, deleted."""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from codex_cffi import (
    AlreadyExistsError,
    Approve,
    AsyncCodex,
    ClosedError,
    Codex,
    CodexError,
    CodexTimeoutError,
    CommandExecution,
    Deny,
    EngineError,
    NotFoundError,
    Thread,
    Turn,
    TurnFailedError,
    UserMessage,
    WorkingDirectoryNotFoundError,
    WorkingDirectoryNotTrustedError,
    WorkspaceWrite,
    sessions,
    tool,
)
from codex_cffi._core import recorded
from codex_cffi.items import ContextCompaction
from codex_cffi.testing import ScriptedModel, function_call, http_error, shell, stall, text, usage
from support import ROOT, MakeCodex, run_python
from support.subagents import PARENT, family

NOWHERE = "01999999-0000-7000-8000-000000000000"


@tool
def service_owner(name: str) -> str:
    """Team that owns a service."""
    return f"the {name} team"


def rollout(thread: Thread) -> Path:
    """The thread's session file, and its only one."""
    path = thread.read(turns=False).path
    assert path is not None
    return path


def asking(command: str = "touch asked", call_id: str = "call") -> Any:
    """A command that wants out of the sandbox."""
    return shell(command, call_id=call_id, sandbox_permissions="require_escalated", justification="it must")


# ---- resuming


def test_a_thread_is_resumed_by_id_and_path(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel(["one", "two", "three"]) as model:
        first = make_codex(model)
        thread = first.start_thread(working_directory=repo, model="gpt-5.4")
        thread.run("a")
        path = rollout(thread)
        first.close()

        second = make_codex(model)
        again = second.resume_thread(thread.id)
        assert (again.id, again.model, Path(again.working_directory)) == (thread.id, "gpt-5.4", repo)
        assert again.run("b").final_response == "two"
        second.close()

        third = make_codex(model).resume_thread(path)
        assert third.id == thread.id
        assert third.run("c").final_response == "three"
        assert len(third.read().turns) == 3
    assert model.requests[-1].user_texts[-3:] == ["a", "b", "c"]
    assert model.requests[-1].assistant_texts == ["one", "two"]
    assert model.requests[-1].model == "gpt-5.4"


def test_usage_of_a_resumed_thread_is_that_of_its_own_turns(make_codex: MakeCodex, repo: Path) -> None:
    script = [[text(word), usage(input_tokens=count, output_tokens=1)] for word, count in (("one", 100), ("two", 20))]
    with ScriptedModel(script) as model:
        first = make_codex(model)
        thread = first.start_thread(working_directory=repo)
        thread.run("a")
        first.close()
        turn = make_codex(model).resume_thread(thread.id).run("b")
    assert turn.usage.input_tokens == 20
    assert turn.thread_usage.input_tokens == 120


def test_the_same_client_resumes_what_it_closed(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel(["one", "two", [function_call("service_owner", {"name": "a"}, call_id="c")], "three"]) as model:
        codex = make_codex(model)
        thread = codex.start_thread(working_directory=repo, tools=[service_owner])
        thread.run("a")
        with pytest.raises(AlreadyExistsError, match="is open in this client"):
            codex.resume_thread(thread.id)
        thread.close()
        bare = codex.resume_thread(thread.id)
        bare.run("b")
        assert "service_owner" not in model.last_request.tool_names, "tools are what is given now"
        bare.close()
        codex.resume_thread(thread.id, tools=[service_owner]).run("c")
        model.assert_tool_output("c", contains="the a team")


def test_a_thread_that_was_dropped_comes_back_with_no_rights_of_then(make_codex: MakeCodex, repo: Path) -> None:
    """It may still be loaded, with the sandbox that it had."""
    with ScriptedModel(["one", [shell("touch made", call_id="call")], "done"]) as model:
        codex = make_codex(model)
        thread = codex.start_thread(
            working_directory=repo, sandbox_mode="danger-full-access", approval_mode="never", tools=[service_owner]
        )
        thread.run("a")
        name = thread.id
        del thread
        again = codex.resume_thread(name)
        assert again.settings["sandbox"]["type"] == "readOnly"
        assert again.settings["approvalPolicy"] == "on-request"
        again.run("b")
        assert "service_owner" not in model.last_request.tool_names
    assert not (repo / "made").exists()


def test_the_last_thread_of_a_directory(make_codex: MakeCodex, repo: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(repo, other)
    with ScriptedModel([str(number) for number in range(5)]) as model:
        first = make_codex(model)
        here, there = first.start_thread(working_directory=repo), first.start_thread(working_directory=other)
        here.run("here")
        time.sleep(1.1)  # times of sessions are in seconds
        there.run("there")
        first.close()
        codex = make_codex(model)
        last = codex.resume_last(working_directory=repo)
        assert last.id == here.id
        last.close()
        assert codex.resume_last(any_directory=True).id == there.id
        with pytest.raises(NotFoundError, match="no session that worked in"):
            codex.resume_last(working_directory=tmp_path)


def test_what_cannot_be_resumed_says_why(make_codex: MakeCodex, repo: Path, tmp_path: Path) -> None:
    with ScriptedModel(["one"]) as model:
        codex = make_codex(model)
        with pytest.raises(NotFoundError, match=NOWHERE):
            codex.resume_thread(NOWHERE)
        with pytest.raises(FileNotFoundError, match=r"nothing\.jsonl"):
            codex.resume_thread(tmp_path / "nothing.jsonl")
        with pytest.raises(ValueError, match="neither a thread's id"):
            codex.resume_thread("my thread")
        with pytest.raises(TypeError, match="a thread's id is a text, not int"):
            codex.resume_thread(5)
        with pytest.raises(ValueError, match="sandbox_mode must be one of"):
            codex.resume_thread(NOWHERE, sandbox_mode="none")
        with pytest.raises(NotFoundError):
            codex.resume_last(any_directory=True)
        damaged = tmp_path / f"rollout-{NOWHERE}.jsonl"
        damaged.write_text("not JSON\n")
        with pytest.raises(CodexError):
            codex.resume_thread(damaged)


def test_the_directory_of_a_session_must_be_usable(make_codex: MakeCodex, repo: Path, tmp_path: Path) -> None:
    with ScriptedModel(["one", "two"]) as model:
        first = make_codex(model)
        thread = first.start_thread(working_directory=repo)
        thread.run("a")
        first.close()
        moved = repo.rename(tmp_path / "moved")
        codex = make_codex(model)
        with pytest.raises(WorkingDirectoryNotFoundError):
            codex.resume_thread(thread.id)
        repo.mkdir()
        with pytest.raises(WorkingDirectoryNotTrustedError):
            codex.resume_thread(thread.id)
        again = codex.resume_thread(thread.id, working_directory=moved)
        assert Path(again.working_directory) == moved
        assert again.run("b").final_response == "two"


@pytest.mark.parametrize("way", ["resume", "fork"])
@pytest.mark.parametrize("approve", [True, False, None])
def test_resumed_and_forked_threads_ask_their_handler(
    make_codex: MakeCodex, repo: Path, way: str, approve: bool | None
) -> None:
    """Without a handler everything is denied; the official SDK accepts here (openai/codex#27277)."""
    asked: list[Any] = []

    def judge(request: Any) -> Any:
        asked.append(request)
        return Approve() if approve else False

    handler = None if approve is None else judge
    with ScriptedModel(["first", [asking()], "done"]) as model:
        first = make_codex(model)
        options: dict[str, Any] = {"sandbox_mode": "read-only", "approval_mode": "on-request"}
        thread = first.start_thread(working_directory=repo, **options)
        thread.run("go")
        if way == "resume":
            first.close()
            loaded = make_codex(model).resume_thread(thread.id, on_approval=handler, **options)
        else:
            loaded = thread.fork(on_approval=handler)
        loaded.run("on", timeout=60)
    assert len(asked) == (0 if approve is None else 1)
    assert (repo / "asked").exists() == bool(approve)


def test_a_killed_process_loses_nothing_that_was_completed(make_codex: MakeCodex, codex_home: Path, repo: Path) -> None:
    program = textwrap.dedent(
        """
        import json, sys
        from codex_cffi import Codex, ItemCompleted, CommandExecution

        codex = Codex(codex_home=sys.argv[1], isolated=True, config=json.loads(sys.argv[3]))
        thread = codex.start_thread(working_directory=sys.argv[2], sandbox_mode="danger-full-access")
        thread.run("a")
        stream = thread.run_streamed("b")
        for event in stream:
            if isinstance(event, ItemCompleted) and isinstance(event.item, CommandExecution):
                print(thread.id, flush=True)
        """
    )
    script = ["one", [text("Let me look."), shell("echo found", call_id="look")], [text("Half"), stall()], "resumed"]
    with ScriptedModel(script) as model:
        process = subprocess.Popen(
            [sys.executable, "-c", program, codex_home, repo, json.dumps(model.provider_config())],
            stdout=subprocess.PIPE,
            text=True,
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
        )
        assert process.stdout is not None
        thread_id = process.stdout.readline().strip()
        model.wait_for_requests(3)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        thread = make_codex(model).resume_thread(thread_id)
        first, second = thread.read().turns
        assert (first.status, first.final_response) == ("completed", "one")
        assert second.status == "interrupted"
        assert [item.text for item in second.items if isinstance(item, UserMessage)] == ["b"]
        assert thread.run("c").final_response == "resumed"
    last = model.last_request
    assert [text for text in last.user_texts if text in ("a", "b", "c")] == ["a", "b", "c"]
    assert last.assistant_texts[:2] == ["one", "Let me look."]
    assert "found" in last.tool_output("look")


# ---- forking


@pytest.fixture
def talk(make_codex: MakeCodex, repo: Path) -> Callable[..., Any]:
    """A thread after three turns."""

    def talk(server: ScriptedModel, **options: Any) -> tuple[Codex, Thread, list[Turn]]:
        codex = make_codex(server)
        thread = codex.start_thread(working_directory=repo, **options)
        return codex, thread, [thread.run(prompt) for prompt in ("a", "b", "c")]

    return talk


THREE = ["one", "two", "three"]


@pytest.mark.parametrize(
    ("point", "before"),
    [
        ({}, ["a", "b", "c"]),
        ({"nth_user_message": 2}, ["a", "b"]),
        ({"nth_user_message": 1}, ["a"]),
        ({"nth_user_message": 0}, []),
        ({"nth_user_message": -1}, ["a", "b"]),
        ({"turn": 1}, ["a", "b"]),
    ],
    ids=str,
)
def test_a_fork_has_what_came_before(talk: Any, point: dict[str, Any], before: list[str]) -> None:
    with ScriptedModel([*THREE, "forked", "went on"]) as model:
        _, thread, turns = talk(model)
        source = rollout(thread).read_bytes()
        if "turn" in point:
            point = {"turn": turns[point["turn"]]}
        fork = thread.fork(**point)
        assert fork.id != thread.id
        assert fork.run("other").final_response == "forked"
        assert [said for said in model.last_request.user_texts if said in "abc"] == before
        assert model.last_request.assistant_texts == THREE[: len(before)]
        assert rollout(thread).read_bytes() == source, "the source is as it was"
        assert thread.run("d").final_response == "went on"
        assert [said for said in model.last_request.user_texts if said in "abcd"] == ["a", "b", "c", "d"]
        assert fork.read(turns=False).forked_from == thread.id


def test_a_fork_has_its_source_s_settings_and_tools_or_others(talk: Any, repo: Path, tmp_path: Path) -> None:
    narrow = WorkspaceWrite(writable_roots=[tmp_path], exclude_slash_tmp=True, exclude_tmpdir_env_var=True)
    asked: list[Any] = []

    def judge(request: Any) -> Deny:
        asked.append(request)
        return Deny()

    with ScriptedModel([*THREE, "same", "other", [shell("touch x")], "handled"]) as model:
        _, thread, _ = talk(
            model,
            model="gpt-5.4",
            workspace_write=narrow,
            approval_mode="untrusted",
            tools=[service_owner],
            on_approval=judge,
        )
        thread.update(reasoning_effort="low")
        same = thread.fork()
        assert same.model == "gpt-5.4"
        assert same.settings["approvalPolicy"] == "untrusted"
        assert same.settings["sandbox"] == thread.settings["sandbox"]
        assert same.settings["sandbox"]["excludeSlashTmp"] is True
        same.run("x")
        assert model.last_request.reasoning_effort == "low"
        assert "service_owner" in model.last_request.tool_names
        other = thread.fork(
            model="gpt-5.5", sandbox_mode="read-only", approval_mode="never", tools=[], on_approval=judge
        )
        assert other.settings["sandbox"]["type"] == "readOnly"
        other.run("x")
        assert model.last_request.model == "gpt-5.5"
        assert "service_owner" not in model.last_request.tool_names
        thread.fork().run("go")
    assert len(asked) == 1, "the source's handler"


def test_a_fork_while_a_turn_runs(talk: Any) -> None:
    with ScriptedModel([*THREE, [text("Thinking"), stall()], "forked", "after"]) as model:
        _, thread, _ = talk(model)
        with thread.run_streamed("long") as stream:
            model.wait_for_requests(4)
            fork = thread.fork(nth_user_message=1)
            assert fork.run("other").final_response == "forked"
            assert stream.turn.status == "inProgress"
        assert thread.run("d").final_response == "after"


def test_a_fork_point_that_is_not_there(talk: Any) -> None:
    with ScriptedModel(THREE) as model:
        _, thread, turns = talk(model)
        for nth in (3, -4):
            with pytest.raises(ValueError, match=f"is {nth}, but the thread has 3 user messages, counted from 0"):
                thread.fork(nth_user_message=nth)
        with pytest.raises(TypeError, match="not both"):
            thread.fork(nth_user_message=1, turn=turns[0])
        with pytest.raises(TypeError, match="whole number, not str"):
            thread.fork(nth_user_message="1")
        with pytest.raises(EngineError):
            thread.fork(turn="nonsense")


def test_a_message_of_a_steered_turn_is_no_fork_point(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel([[shell("sleep 0.4", yield_time_ms=5000)], "done", "forked"]) as model:
        thread = make_codex(model).start_thread(working_directory=repo, sandbox_mode="danger-full-access")
        with thread.run_streamed("a") as stream:
            for event in stream:
                if event.type == "item.started" and isinstance(event.item, CommandExecution):
                    thread.steer("b")
        with pytest.raises(ValueError, match="added to a turn while it ran"):
            thread.fork(nth_user_message=1)
        thread.fork(nth_user_message=0).run("c")
    assert model.last_request.user_texts[-1] == "c"


def test_an_ephemeral_fork_leaves_no_file(talk: Any, codex_home: Path) -> None:
    with ScriptedModel([*THREE, "forked"]) as model:
        _, thread, _ = talk(model)
        files = list(codex_home.rglob("rollout-*"))
        assert thread.fork(ephemeral=True).run("x").final_response == "forked"
        assert list(codex_home.rglob("rollout-*")) == files
    assert model.last_request.assistant_texts == THREE


# ---- rollback and compaction


def test_rollback_takes_turns_out_of_the_conversation(talk: Any) -> None:
    with ScriptedModel([*THREE, "four"]) as model:
        _, thread, _ = talk(model)
        thread.rollback(2)
        assert [turn.final_response for turn in thread.read().turns] == ["one"]
        thread.run("d")
        assert [said for said in model.last_request.user_texts if said in "abcd"] == ["a", "d"]
        for turns, error in ((0, ValueError), (True, TypeError)):
            with pytest.raises(error, match="turns must be"):
                thread.rollback(turns)


def test_rollback_of_a_thread_in_a_turn_is_refused(talk: Any) -> None:
    with ScriptedModel([*THREE, [text("Thinking"), stall()]]) as model:
        _, thread, _ = talk(model)
        with thread.run_streamed("long"), pytest.raises(CodexError, match="is in a turn"):
            thread.rollback()


def test_compaction_puts_a_summary_in_the_conversation_s_place(talk: Any) -> None:
    with ScriptedModel([*THREE, [text("We said a, b and c."), usage(input_tokens=7)], "four"]) as model:
        _, thread, _ = talk(model)
        turn = thread.compact(timeout=60)
        assert turn.status == "completed"
        assert any(isinstance(item, ContextCompaction) for item in turn.items)
        assert thread.run("d").final_response == "four"
    assert model.last_request.assistant_texts == []
    assert any("We said a, b and c." in said for said in model.last_request.input_texts)


def test_a_compaction_that_fails_or_takes_too_long(talk: Any) -> None:
    with ScriptedModel([*THREE, http_error(400, "no"), [text("Summing"), stall()], "four"]) as model:
        _, thread, _ = talk(model)
        with pytest.raises(TurnFailedError):
            thread.compact(timeout=60)
        with pytest.raises(CodexTimeoutError):
            thread.compact(timeout=0.5)
        assert thread.run("d").final_response == "four"
    assert model.last_request.assistant_texts[:3] == THREE, "nothing was lost"


def test_a_thread_in_which_nothing_was_said(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel([]) as model:
        thread = make_codex(model).start_thread(working_directory=repo)
        assert thread.read().turns == ()
        with pytest.raises(ValueError, match="has 0 user messages"):
            thread.fork(nth_user_message=0)
        for use in (thread.fork, thread.rollback, thread.archive):
            with pytest.raises(EngineError):
                use()


def test_a_closed_thread_does_nothing(talk: Any) -> None:
    with ScriptedModel(THREE) as model:
        _, thread, _ = talk(model)
        thread.close()
        uses: list[Callable[[], Any]] = [
            lambda: thread.run("d"),
            lambda: thread.run_streamed("d"),
            lambda: thread.update(reasoning_effort="low"),
            thread.fork,
            thread.rollback,
            thread.compact,
            thread.archive,
            thread.delete,
        ]
        for use in uses:
            with pytest.raises(ClosedError, match="is closed; resume_thread"):
                use()
        assert len(thread.read().turns) == 3
        model.assert_request_count(3)


# ---- lists


def test_lists_are_lazy_and_filtered(make_codex: MakeCodex, repo: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(repo, other)
    with ScriptedModel(["said"] * 5) as model:
        codex = make_codex(model)
        threads = []
        for number, folder in enumerate([repo, other, repo, repo]):
            thread = codex.start_thread(working_directory=folder)
            thread.run(f"Question {number}")
            threads.append(thread)
        ids = [thread.id for thread in threads]
        threads[0].rename("The first")
        listed = list(codex.sessions.list(sort="created_at"))
        assert sorted(info.id for info in listed) == sorted(ids)
        assert [info.id for info in codex.sessions.list(sort="created_at", newest_first=False)] == [
            info.id for info in reversed(listed)
        ]
        assert {info.id for info in codex.sessions.list(working_directory=other)} == {ids[1]}
        assert {info.id for info in codex.sessions.list(title="The first")} == {ids[0]}
        assert len(list(codex.sessions.list(limit=2))) == 2
        assert list(codex.sessions.list(limit=0)) == []
        assert list(codex.sessions.list(model_providers=["another"])) == []
        (first,) = (info for info in listed if info.id == ids[0])
        assert (first.name, first.preview, first.source) == ("The first", "Question 0", "exec")
        assert Path(first.working_directory) == repo
        assert first.path is not None
        assert first.path.is_file()
        assert abs((datetime.now(timezone.utc) - first.updated_at).total_seconds()) < 300
        codex.sessions.archive(ids[3])
        assert ids[3] not in {info.id for info in codex.sessions.list()}
        assert {info.id for info in codex.sessions.list(archived=True)} == {ids[3]}


def test_a_long_list_comes_in_pages(make_codex: MakeCodex, repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorded, "_PAGE", 2)
    with ScriptedModel(["said"] * 5) as model:
        codex = make_codex(model)
        ids = set()
        for number in range(5):
            thread = codex.start_thread(working_directory=repo)
            thread.run(f"Question {number}")
            ids.add(thread.id)
        assert {info.id for info in codex.sessions.list()} == ids
        assert len({info.id for info in itertools.islice(codex.sessions.list(), 3)}) == 3
        assert len(list(codex.sessions.list(limit=3))) == 3
        assert len(list(codex.sessions.search("question"))) == 5


def test_search_finds_what_was_said(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel(["The answer is a walrus.", "Nothing."]) as model:
        codex = make_codex(model)
        threads = [codex.start_thread(working_directory=repo) for _ in range(2)]
        for thread in threads:
            thread.run("What is it?")
        (found,) = codex.sessions.search("WALRUS")
        assert found.id == threads[0].id
        assert found.snippet is not None
        assert "walrus" in found.snippet
        assert {info.id for info in codex.sessions.search("what is")} == {thread.id for thread in threads}
        assert list(codex.sessions.search("elephant")) == []


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"sort": "size"}, ValueError, "sort must be one of 'updated_at', 'created_at', not 'size'"),
        ({"limit": -1}, ValueError, "limit must not be negative"),
        ({"limit": "5"}, TypeError, "limit must be a whole number or None, not str"),
        ({"title": ""}, ValueError, "title is empty"),
        ({"parent": "x"}, ValueError, "a thread's id is a UUID, not 'x'"),
        ({"timeout": "soon"}, TypeError, "timeout must be a number"),
        ({"folder": "x"}, TypeError, "has no argument 'folder'; it takes working_directory"),
    ],
)
def test_bad_filters_are_told_at_once(
    make_codex: MakeCodex, arguments: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        make_codex().sessions.list(**arguments)


def test_a_thread_is_read_named_archived_and_deleted(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel([[shell("echo hello")], "done", "back"]) as model:
        codex = make_codex(model)
        thread = codex.start_thread(working_directory=repo, sandbox_mode="danger-full-access")
        thread.run("Say hello")
        path = rollout(thread)
        record = codex.sessions.read(thread.id)
        (turn,) = record.turns
        assert (turn.status, turn.final_response, turn.thread_id) == ("completed", "done", thread.id)
        assert any(isinstance(item, UserMessage) and item.text == "Say hello" for item in turn.items)
        assert codex.sessions.read(thread.id, turns=False).turns == ()
        codex.sessions.rename(thread.id, "Greeting")
        assert thread.read(turns=False).name == "Greeting"
        thread.archive()
        assert not path.exists()
        with pytest.raises(ClosedError):
            thread.run("more")
        with pytest.raises(EngineError, match=r"is archived; sessions\.unarchive\(\)"):
            codex.resume_thread(thread.id)
        codex.sessions.unarchive(thread.id)
        again = codex.resume_thread(thread.id)
        assert again.run("more").final_response == "back"
        codex.sessions.delete(thread.id)
        assert not path.exists()
        for use in (codex.sessions.read, codex.sessions.archive, codex.sessions.unarchive, codex.sessions.delete):
            with pytest.raises(NotFoundError, match=thread.id):
                use(thread.id)
        with pytest.raises(NotFoundError):
            codex.sessions.rename(thread.id, "x")
        with pytest.raises(ValueError, match="name is empty"):
            codex.sessions.rename(thread.id, " ")


def test_sessions_without_a_client(make_codex: MakeCodex, repo: Path, codex_home: Path) -> None:
    with ScriptedModel(["The answer is a walrus."]) as model:
        first = make_codex(model)
        thread = first.start_thread(working_directory=repo)
        thread.run("What is it?")
        first.close()
    (info,) = sessions.list(codex_home=codex_home)
    assert info.id == thread.id
    assert sessions.read(info.id, codex_home=codex_home).turns[0].final_response == "The answer is a walrus."
    sessions.rename(info.id, "Animals", codex_home=codex_home)
    assert [found.name for found in sessions.search("walrus", codex_home=codex_home)] == ["Animals"]
    sessions.archive(info.id, codex_home=codex_home)
    assert next(sessions.list(codex_home=codex_home), None) is None
    sessions.unarchive(info.id, codex_home=codex_home)
    sessions.delete(info.id, codex_home=codex_home)
    with pytest.raises(NotFoundError):
        sessions.read(info.id, codex_home=codex_home)


def test_the_asynchronous_twins(codex_home: Path, repo: Path) -> None:
    async def main() -> None:
        async with AsyncCodex(codex_home=codex_home, isolated=True, config=model.provider_config()) as codex:
            thread = await codex.start_thread(working_directory=repo)
            for prompt in "ab":
                await thread.run(prompt)
            fork = await thread.fork(nth_user_message=1, ephemeral=True)
            await fork.run("other")
            assert [said for said in model.last_request.user_texts if said in "ab"] == ["a"]
            await thread.rollback()
            await thread.rename("Mine")
            assert [info.name async for info in codex.sessions.list()] == ["Mine"]
            assert [info.id async for info in codex.sessions.search("one")] == [thread.id]
            assert [turn.final_response for turn in (await thread.read()).turns] == ["one"]
            compacted = await thread.compact(timeout=60)
            assert compacted.status == "completed"
            await thread.close()
            again = await codex.resume_last(working_directory=repo)
            assert again.id == thread.id
            assert (await again.run("c")).final_response == "three"
            await again.archive()
            await codex.sessions.unarchive(thread.id)
            assert (await codex.sessions.read(thread.id)).name == "Mine"
            await codex.sessions.rename(thread.id, "Yours")
            resumed = await codex.resume_thread(thread.id)
            await resumed.delete()
            assert [info async for info in codex.sessions.list()] == []

    with ScriptedModel(["one", "two", "forked", "summary", "three"]) as model:
        asyncio.run(main())


def test_listing_needs_no_key_and_no_model(codex_home: Path, repo: Path) -> None:
    done = run_python(
        "import sys; from codex_cffi import sessions; print(list(sessions.list(codex_home=sys.argv[1])))",
        codex_home,
    )
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr


def test_sub_agents_are_listed_with_their_parent(make_codex: MakeCodex, repo: Path) -> None:
    with family() as model:
        codex = make_codex(model)
        thread = codex.start_thread(working_directory=repo)
        thread.run(PARENT, timeout=60)
        assert [info.id for info in codex.sessions.list()] == [thread.id]
        (child,) = codex.sessions.list(parent=thread.id)
        assert (child.source, child.parent) == ("subAgent", thread.id)
