"""The texts that this package goes by are what the engine says: each is provoked."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

from codex_cffi import CodexError, Hook, HookCall, TurnFailedError, UnknownMethodError, _engine_texts
from codex_cffi._engine_texts import says
from codex_cffi.review import Custom
from codex_cffi.testing import ScriptedModel, http_error, structured, text, wait_for
from support import MakeCodex

NOWHERE = "01999999-0000-7000-8000-000000000000"
OPENAI = {"model_provider": "openai"}


def refusal(codex: Any, method: str, **params: Any) -> CodexError:
    """What the engine says to a request that it refuses."""
    with pytest.raises(CodexError) as caught:
        codex.request(method, params)
    return caught.value


def steered(codex: Any, thread: Any) -> CodexError:
    said = [{"type": "text", "text": "more"}]
    return refusal(codex, "turn/steer", threadId=thread.id, input=said, expectedTurnId=NOWHERE)


def test_steering_a_turn_that_does_not_run(make_codex: MakeCodex, repo: Path) -> None:
    go_on = threading.Event()
    with ScriptedModel([[text("one", deltas=2), wait_for(go_on)]]) as model:
        codex = make_codex(model)
        thread = codex.start_thread(working_directory=repo)
        assert says(steered(codex, thread), _engine_texts.NO_ACTIVE_TURN)
        with thread.run_streamed("go") as stream:
            for event in stream:
                if event.type == "item.agent_message.delta" and not go_on.is_set():
                    assert says(steered(codex, thread), _engine_texts.OTHER_TURN)
                    go_on.set()
        assert go_on.is_set()
        assert says(steered(codex, thread), _engine_texts.NO_ACTIVE_TURN)


def test_a_thread_that_is_being_unloaded_is_resumed_afterwards(make_codex: MakeCodex, repo: Path) -> None:
    """Upstream refuses it ("is closing; retry"); with the edit of unsubscribing there is no such text to know."""
    ending, go_on = threading.Event(), threading.Event()

    def end(call: HookCall) -> None:
        ending.set()
        go_on.wait(1)

    with ScriptedModel(["one"]) as model:
        codex = make_codex(model, hooks=[Hook("SessionEnd", end)])
        thread = codex.start_thread(working_directory=repo)
        thread.run("go")
        leaving = threading.Thread(target=codex.request, args=("thread/unsubscribe", {"threadId": thread.id}))
        leaving.start()
        assert ending.wait(60)
        info = codex.request("thread/resume", {"threadId": thread.id, "excludeTurns": True})
        leaving.join()
    assert info["thread"]["id"] == thread.id


@pytest.fixture
def in_pages(make_codex: MakeCodex, repo: Path, tmp_path: Path) -> tuple[Any, str]:
    """A client, and the id of a session as the newer codex program writes them."""
    with ScriptedModel(["one"]) as model:
        first = make_codex(model)
        thread = first.start_thread(working_directory=repo)
        thread.run("go")
        path = thread.read(turns=False).path
        assert path is not None
        first.close()
    home = tmp_path / "other-home"
    copy = home / "sessions" / path.parent.relative_to(path.parents[3]) / path.name
    copy.parent.mkdir(parents=True)
    shutil.copy(path, copy)
    head, *rest = copy.read_text().splitlines()
    meta = json.loads(head)
    meta["payload"]["history_mode"] = "paginated"
    copy.write_text("\n".join([json.dumps(meta), *rest]) + "\n")
    home.chmod(0o700)
    return make_codex(config=OPENAI, codex_home=home), thread.id


def test_sessions_whose_turns_come_in_pages(in_pages: tuple[Any, str]) -> None:
    codex, thread_id = in_pages
    assert says(refusal(codex, "thread/read", threadId=thread_id, includeTurns=True), _engine_texts.TURNS_IN_PAGES)
    error = refusal(codex, "thread/fork", threadId=thread_id)
    assert isinstance(error, UnknownMethodError)
    assert says(error, _engine_texts.NO_FORK_OF_PAGES)


def test_a_thread_in_which_nothing_was_said(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel([]) as model:
        codex = make_codex(model)
        thread = codex.start_thread(working_directory=repo)
        assert says(refusal(codex, "thread/read", threadId=thread.id, includeTurns=True), _engine_texts.NOTHING_SAID)


def test_sessions_that_there_are_not(make_codex: MakeCodex) -> None:
    codex = make_codex(config=OPENAI)
    errors = [
        refusal(codex, "thread/read", threadId=NOWHERE),
        refusal(codex, "thread/resume", threadId=NOWHERE),
        refusal(codex, "thread/name/set", threadId=NOWHERE, name="x"),
        refusal(codex, "thread/archive", threadId=NOWHERE),
        refusal(codex, "thread/unarchive", threadId=NOWHERE),
        refusal(codex, "thread/delete", threadId=NOWHERE),
        refusal(codex, "thread/compact/start", threadId=NOWHERE),
    ]
    for error in errors:
        assert says(error, *_engine_texts.NO_SESSION), error
    unused = [said for said in _engine_texts.NO_SESSION if not any(says(error, said) for error in errors)]
    assert not unused


def test_a_session_in_the_archive(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel(["one"]) as model:
        codex = make_codex(model)
        thread = codex.start_thread(working_directory=repo)
        thread.run("go")
        thread.archive()
        error = refusal(codex, "thread/resume", threadId=thread.id)
    assert says(error, _engine_texts.ARCHIVED)
    assert not says(error, *_engine_texts.NO_SESSION)


@pytest.mark.parametrize("login", [{}, {"api_key": "sk-example"}], ids=["none", "key"])
def test_limits_without_a_login(make_codex: MakeCodex, login: dict[str, str]) -> None:
    codex = make_codex(config=OPENAI, **login)
    assert says(refusal(codex, "account/rateLimits/read"), _engine_texts.LOGIN_NEEDED)


@pytest.mark.parametrize("kind", ["chatgpt", "chatgptDeviceCode"])
def test_a_login_that_the_configuration_forbids(make_codex: MakeCodex, kind: str) -> None:
    codex = make_codex(config={**OPENAI, "forced_login_method": "api"})
    assert says(refusal(codex, "account/login/start", type=kind), _engine_texts.LOGIN_DISABLED)


def test_a_login_to_an_mcp_server_that_there_is_not(make_codex: MakeCodex) -> None:
    codex = make_codex(config=OPENAI)
    assert says(refusal(codex, "mcpServer/oauth/login", name="nowhere"), _engine_texts.NO_MCP_SERVER)


@pytest.mark.parametrize("status", [403, 404, 502])
def test_the_status_of_an_answer(make_codex: MakeCodex, repo: Path, status: int) -> None:
    """That of others the engine tells by itself: see FAULTS in tests/test_faults.py."""
    with ScriptedModel([http_error(status, "no 999 here")], default=http_error(status, "no 999 here")) as model:
        thread = make_codex(model).start_thread(working_directory=repo)
        with pytest.raises(TurnFailedError) as caught:
            thread.run("go", timeout=60)
    error = caught.value.turn.error
    assert error is not None
    assert _engine_texts.http_status(error.message) == status


@pytest.mark.parametrize("count", [1, 2])
def test_a_review_written_out(make_codex: MakeCodex, repo: Path, count: int) -> None:
    place = {"absolute_file_path": str(repo / "a.py"), "line_range": {"start": 3, "end": 4}}
    finding = {"title": "[P1] Off — by one", "body": "a\n\n- b", "confidence_score": 1, "priority": 1}
    output = {
        "findings": [{**finding, "code_location": place}] * count,
        "overall_correctness": "patch is incorrect",
        "overall_explanation": "It loses a line.",
        "overall_confidence_score": 1,
    }
    with ScriptedModel([structured(output)]) as model:
        thread = make_codex(model).start_thread(working_directory=repo)
        lines = thread.review(Custom("Look at it.")).text.splitlines()
    assert _engine_texts.REVIEW_HEADINGS[count - 1] in lines
    heads = [found for line in lines if (found := _engine_texts.REVIEW_FINDING.fullmatch(line))]
    assert [found.groupdict() for found in heads] == [
        {"title": finding["title"], "file": str(repo / "a.py"), "start": "3", "end": "4"}
    ] * count
    for said in ("  a", "  - b"):
        assert lines.count(said) == count
