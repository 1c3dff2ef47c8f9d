"""Approvals and questions: who decides, in what ways, and that nothing happens without a yes."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from codex_cffi import (
    Abort,
    Answer,
    ApprovalRequest,
    ApprovalRequested,
    Approve,
    CommandApproval,
    CommandExecution,
    Deny,
    FileChange,
    FileChangeApproval,
    NotFoundError,
    UserQuestion,
    WorkspaceWrite,
    approvals,
)
from codex_cffi.approvals import later
from codex_cffi.events import ApprovalResolved
from codex_cffi.testing import ScriptedModel, apply_patch, function_call, shell
from support import MakeCodex

PATCH = "*** Begin Patch\n*** Add File: {path}\n+new\n*** End Patch\n"
#: The tests' own folder is in /tmp, which may usually be written.
NARROW = WorkspaceWrite(exclude_slash_tmp=True, exclude_tmpdir_env_var=True)


def asking(command: str = "touch asked", call_id: str = "call") -> Any:
    """A command that wants out of the sandbox."""
    return shell(command, call_id=call_id, sandbox_permissions="require_escalated", justification="it must")


class Judge:
    """A handler that keeps what it was asked."""

    def __init__(self, *decisions: Any) -> None:
        self.decisions = list(decisions)
        self.asked: list[Any] = []

    def __call__(self, request: ApprovalRequest) -> Any:
        self.asked.append(request)
        decision = self.decisions.pop(0) if len(self.decisions) > 1 else self.decisions[0]
        if isinstance(decision, Exception):
            raise decision
        return decision


@pytest.fixture
def start(make_codex: MakeCodex, repo: Path) -> Callable[..., Any]:
    def start(model: ScriptedModel, judge: Any = None, **options: Any) -> Any:
        options.setdefault("sandbox_mode", "read-only")
        return make_codex(model, on_approval=judge).start_thread(
            working_directory=repo, approval_mode="on-request", **options
        )

    return start


def test_an_approved_command_runs(start: Any, repo: Path) -> None:
    judge = Judge(Approve())
    with ScriptedModel([[asking()], "done"]) as model:
        thread = start(model, judge)
        turn = thread.run("go", timeout=60)
    assert (repo / "asked").exists()
    (request,) = judge.asked
    assert isinstance(request, CommandApproval)
    assert request.argv == ["touch", "asked"]
    assert "touch asked" in request.command
    assert Path(request.cwd or "") == repo
    assert request.reason == "it must"
    assert (request.thread_id, request.turn_id, request.item_id) == (thread.id, turn.id, "call")
    (item,) = (item for item in turn.items if isinstance(item, CommandExecution))
    assert item.status == "completed"


@pytest.mark.parametrize(
    ("judge", "words"),
    [
        (Judge(Deny()), "reject"),
        (Judge(ValueError("broken")), "reject"),
        (Judge("yes"), "reject"),
        (Judge(Answer({})), "reject"),
        (None, "reject"),
    ],
    ids=["denied", "handler raises", "handler returns nonsense", "an answer to no question", "no handler"],
)
def test_without_a_yes_nothing_runs(start: Any, repo: Path, judge: Any, words: str) -> None:
    with ScriptedModel([[asking()], "done"]) as model:
        turn = start(model, judge).run("go", timeout=60)
        model.assert_tool_output("call", contains=words)
    assert not (repo / "asked").exists()
    assert turn.final_response == "done", "the turn goes on"
    (item,) = (item for item in turn.items if isinstance(item, CommandExecution))
    assert item.status == "declined", "and says so"


def test_the_agent_hears_why(start: Any, repo: Path) -> None:
    with ScriptedModel([[asking()], "done"]) as model:
        start(model, Judge(Deny("use the Makefile"))).run("go", timeout=60)
    assert "Denied by the user: use the Makefile" in str(model.requests[-1].user_texts)


def test_abort_ends_the_turn(start: Any, repo: Path) -> None:
    with ScriptedModel([[asking()], "never asked for"]) as model:
        thread = start(model, Judge(Abort()))
        turn = thread.run("go", timeout=60)
        assert turn.status == "interrupted"
        assert thread.run("again").final_response == "never asked for"
    assert not (repo / "asked").exists()


def test_for_session_asks_once(start: Any, repo: Path) -> None:
    judge = Judge(Approve(for_session=True))
    with ScriptedModel([[asking("touch one", "a")], [asking("touch one", "b")], "done"]) as model:
        start(model, judge).run("go", timeout=60)
    assert len(judge.asked) == 1
    assert (repo / "one").exists()


def test_an_amendment_lets_the_next_like_it_pass(start: Any, repo: Path, codex_home: Path) -> None:
    judge = Judge(Approve(amendment=["touch"]))
    with ScriptedModel([[asking("touch one", "a")], [asking("touch two", "b")], "done"]) as model:
        start(model, judge).run("go", timeout=60)
    assert len(judge.asked) == 1
    assert (repo / "two").exists()
    assert "touch" in "".join(path.read_text() for path in (codex_home / "rules").glob("*.rules"))


def test_file_changes_come_with_their_diffs(start: Any, repo: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.txt"
    judge = Judge(Approve())
    with ScriptedModel([[apply_patch(PATCH.format(path=outside))], "done"]) as model:
        turn = start(model, judge, sandbox_mode=None, workspace_write=NARROW).run("go", timeout=60)
    (request,) = judge.asked
    assert isinstance(request, FileChangeApproval)
    (change,) = request.changes
    assert Path(change.path) == outside
    assert change.kind["type"] == "add"
    assert "new" in change.diff
    (item,) = (item for item in turn.items if isinstance(item, FileChange))
    assert item.status == "completed"
    assert outside.read_text() == "new\n"


def test_denied_file_changes_change_nothing(start: Any, repo: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.txt"
    with ScriptedModel([[apply_patch(PATCH.format(path=outside))], "done"]) as model:
        turn = start(model, Judge(Deny()), sandbox_mode=None, workspace_write=NARROW).run("go", timeout=60)
    assert not outside.exists()
    (item,) = (item for item in turn.items if isinstance(item, FileChange))
    assert item.status == "declined"


def test_a_thread_s_handler_comes_before_the_client_s(make_codex: MakeCodex, repo: Path) -> None:
    client, own = Judge(Deny()), Judge(Approve())
    with ScriptedModel([[asking()], "done"]) as model:
        codex = make_codex(model, on_approval=client)
        codex.start_thread(
            working_directory=repo, sandbox_mode="read-only", approval_mode="on-request", on_approval=own
        ).run("go", timeout=60)
    assert (len(client.asked), len(own.asked)) == (0, 1)
    assert (repo / "asked").exists()


def test_requests_wait_for_another_thread(make_codex: MakeCodex, repo: Path) -> None:
    """As a web back end does it: the turn runs here, the decision comes from somewhere else by id."""
    with ScriptedModel([[asking()], "done"]) as model:
        codex = make_codex(model, on_approval=later)
        thread = codex.start_thread(working_directory=repo, sandbox_mode="read-only", approval_mode="on-request")
        assert codex.pending_approvals == []
        seen: list[ApprovalRequested] = []
        resolved: list[tuple[str, str]] = []
        with thread.run_streamed("go", timeout=60) as stream:
            for event in stream:
                if isinstance(event, ApprovalResolved):
                    resolved.append((event.request_id, event.outcome))
                if isinstance(event, ApprovalRequested):
                    seen.append(event)
                    assert codex.pending_approvals == [event.request]
                    decide = threading.Thread(target=codex.respond, args=[event.request.id, Approve()])
                    decide.start()
        decide.join()
    assert len(seen) == 1
    assert seen[0].turn_id == stream.turn.id
    assert resolved == [(seen[0].request.id, "approved")]
    assert (repo / "asked").exists()
    assert codex.pending_approvals == []
    with pytest.raises(NotFoundError, match="was decided already"):
        codex.respond(seen[0].request.id, Approve())


def test_a_request_that_nobody_decides_is_denied(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel([[asking()], "done"]) as model:
        codex = make_codex(model, on_approval=later, approval_timeout=0.3)
        thread = codex.start_thread(working_directory=repo, sandbox_mode="read-only", approval_mode="on-request")
        with thread.run_streamed("go", timeout=60) as stream:
            outcomes = [event.outcome for event in stream if isinstance(event, ApprovalResolved)]
        assert outcomes == ["timed_out"]
        assert stream.turn.final_response == "done"
        assert codex.pending_approvals == []
    assert not (repo / "asked").exists()


def test_an_interrupted_turn_takes_its_request_back(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel([[asking()], "next"]) as model:
        codex = make_codex(model, on_approval=later)
        thread = codex.start_thread(working_directory=repo, sandbox_mode="read-only", approval_mode="on-request")
        with thread.run_streamed("go", timeout=60) as stream:
            request = next(event for event in stream if isinstance(event, ApprovalRequested)).request
        deadline = time.monotonic() + 10
        while codex.pending_approvals and time.monotonic() < deadline:
            time.sleep(0.01)
        assert codex.pending_approvals == []
        with pytest.raises(NotFoundError):
            codex.respond(request.id, Approve())
        assert thread.run("on").final_response == "next"
    assert not (repo / "asked").exists()


def test_closing_denies_what_is_open(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel([[asking()], "done"]) as model:
        codex = make_codex(model, on_approval=later)
        thread = codex.start_thread(working_directory=repo, sandbox_mode="read-only", approval_mode="on-request")
        stream = thread.run_streamed("go", timeout=60)
        next(event for event in stream if isinstance(event, ApprovalRequested))
        codex.close()
        assert codex.pending_approvals == []
    assert not (repo / "asked").exists()


def test_an_async_handler_of_a_synchronous_host(start: Any, repo: Path) -> None:
    async def judge(request: ApprovalRequest) -> Any:
        return Approve()

    with ScriptedModel([[asking()], "done"]) as model:
        start(model, judge).run("go", timeout=60)
    assert (repo / "asked").exists()


def test_an_async_handler_in_an_ordinary_decorator_is_awaited(start: Any, repo: Path) -> None:
    async def judge(request: ApprovalRequest) -> Any:
        return Approve()

    with ScriptedModel([[asking()], "done"]) as model:
        start(model, functools.wraps(judge)(lambda request: judge(request))).run("go", timeout=60)
    assert (repo / "asked").exists()


def test_the_agent_asks_the_user(make_codex: MakeCodex, repo: Path) -> None:
    questions = {
        "questions": [
            {
                "id": "db",
                "header": "Store",
                "question": "Which database?",
                "options": [
                    {"label": "SQLite", "description": "a file"},
                    {"label": "PostgreSQL", "description": "a server"},
                ],
            }
        ]
    }
    judge = Judge(Answer({"db": "SQLite"}))
    with ScriptedModel([[function_call("request_user_input", questions, call_id="ask")], "done"]) as model:
        codex = make_codex(model, on_approval=judge, config={"features": {"default_mode_request_user_input": True}})
        codex.start_thread(working_directory=repo).run("go", timeout=60)
        model.assert_tool_output("ask", contains="SQLite")
    (request,) = judge.asked
    assert isinstance(request, UserQuestion)
    (question,) = request.questions
    assert (question.id, question.text, question.header) == ("db", "Which database?", "Store")
    assert [option["label"] for option in question.options][:2] == ["SQLite", "PostgreSQL"]


@pytest.mark.parametrize(
    ("request_", "decision", "error", "match"),
    [
        (CommandApproval(id="1", thread_id="t"), Answer({}), TypeError, "Approve, Deny or Abort, not Answer"),
        (UserQuestion(id="1", thread_id="t"), Approve(), TypeError, "Answer or Deny, not Approve"),
        (UserQuestion(id="1", thread_id="t"), Answer({"x": "y"}), ValueError, "no question 'x'"),
        (CommandApproval(id="1", thread_id="t"), Approve(amendment=True), ValueError, "proposed no amendment"),
        (
            CommandApproval(id="1", thread_id="t", proposed_amendment=["touch"], amendment_source="model"),
            Approve(amendment=True),
            ValueError,
            "the model proposed",
        ),
        (
            CommandApproval(id="1", thread_id="t", proposed_amendment=["touch"]),
            Approve(amendment=True),
            ValueError,
            "the model proposed",
        ),
        (CommandApproval(id="1", thread_id="t"), Approve(amendment="touch it"), TypeError, "a sequence of words"),
        (CommandApproval(id="1", thread_id="t"), Approve(amendment=[]), ValueError, "would allow every command"),
        (
            CommandApproval(id="1", thread_id="t", network_host="example.com"),
            Approve(amendment=["curl"]),
            ValueError,
            "about a host",
        ),
        (FileChangeApproval(id="1", thread_id="t"), Approve(amendment=True), ValueError, "knows no amendment"),
        (CommandApproval(id="1", thread_id="t"), True, TypeError, "not bool"),
    ],
)
def test_decisions_that_do_not_fit_say_so(request_: Any, decision: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        approvals.encode(request_, decision)


def test_a_handler_must_be_a_function(make_codex: MakeCodex, repo: Path) -> None:
    with pytest.raises(TypeError, match="on_approval must be a function, not bool"):
        make_codex(on_approval=True)
    with pytest.raises(TypeError, match="on_approval must be a function, not Approve"):
        make_codex().start_thread(working_directory=repo, on_approval=Approve())


@pytest.mark.parametrize("method", ["thread/resume", "thread/fork"])
@pytest.mark.parametrize("approve", [True, False])
def test_resumed_and_forked_threads_ask_too(make_codex: MakeCodex, repo: Path, method: str, approve: bool) -> None:
    with ScriptedModel(["first", [asking()], "done"]) as model:
        before = make_codex(model)
        thread = before.start_thread(working_directory=repo, sandbox_mode="read-only", approval_mode="on-request")
        thread.run("go", timeout=60)
        before.close()
        codex = make_codex(model, on_approval=later)
        loaded = codex.request(method, {"threadId": thread.id})
        assert loaded["approvalPolicy"] == "on-request"
        where = {"threadId": loaded["thread"]["id"]}
        codex.request("turn/start", {**where, "input": [{"type": "text", "text": "on"}]})
        deadline = time.monotonic() + 30
        while not codex.pending_approvals and time.monotonic() < deadline:
            time.sleep(0.01)
        (request,) = codex.pending_approvals
        assert request.thread_id == where["threadId"]
        codex.respond(request.id, Approve() if approve else Deny())
        model.wait_for_requests(3)
    assert (repo / "asked").exists() == approve
