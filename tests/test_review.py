"""Reviews of real git repositories, with a scripted reviewer."""

from __future__ import annotations

import asyncio
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from codex_cffi import AsyncCodex, CodexTimeoutError, ItemStarted, NotFoundError, TokenUsage, TurnFailedError
from codex_cffi.items import EnteredReviewMode, ExitedReviewMode
from codex_cffi.review import BaseBranch, Commit, CurrentChanges, Custom, Review, ReviewFinding
from codex_cffi.testing import ScriptedModel, http_error, reached, shell, stall, structured, text, usage
from support import MakeCodex


def output(repo: Path) -> dict[str, Any]:
    def finding(title: str, line: int, priority: int, confidence: float) -> dict[str, Any]:
        place = {"absolute_file_path": str(repo / "a.py"), "line_range": {"start": line, "end": line + 1}}
        return {
            "title": title,
            "body": f"Since {title}.\n\n- it is wrong",
            "confidence_score": confidence,
            "priority": priority,
            "code_location": place,
        }

    return {
        "findings": [finding("[P1] Off by one", 3, 1, 0.9), finding("[P3] A typo — really", 7, 3, 0.25)],
        "overall_correctness": "patch is incorrect",
        "overall_explanation": "It loses the last line.",
        "overall_confidence_score": 0.75,
    }


@pytest.fixture
def changes(repo: Path) -> Path:
    """A repository with a branch, a commit on it, and something that is not committed."""

    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=A", "-c", "user.email=a@example.com"]
        subprocess.run(["git", *identity, *arguments], cwd=repo, check=True, capture_output=True)

    git("checkout", "-b", "main")
    (repo / "a.py").write_text("one\n")
    git("add", ".")
    git("commit", "-m", "first")
    git("checkout", "-b", "feature")
    (repo / "a.py").write_text("two\n")
    git("commit", "-am", "Make it two")
    (repo / "b.py").write_text("three\n")
    return repo


def check(review: Review, repo: Path) -> None:
    first, second = review.findings
    assert first == ReviewFinding(
        title="[P1] Off by one",
        body="Since [P1] Off by one.\n\n- it is wrong",
        file=repo / "a.py",
        start_line=3,
        end_line=4,
        priority=1,
        confidence=pytest.approx(0.9),
    )
    assert (second.title, second.priority, second.confidence) == ("[P3] A typo — really", 3, pytest.approx(0.25))
    assert review.correctness == "patch is incorrect"
    assert review.explanation == "It loses the last line."
    assert review.confidence == pytest.approx(0.75)
    assert review.text.startswith("It loses the last line.")
    assert f"Off by one — {repo / 'a.py'}:3-4" in review.text
    assert review.turn is not None
    assert review.turn.status == "completed"


def head(repo: Path) -> str:
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=repo, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.mark.parametrize("kind", ["changes", "branch", "commit", "custom"])
def test_each_target(make_codex: MakeCodex, changes: Path, kind: str) -> None:
    target, said = {
        "changes": (CurrentChanges(), "Review the current code changes"),
        "branch": (BaseBranch("main"), "base branch 'main'"),
        "commit": (Commit(head(changes), "Make it two"), '("Make it two")'),
        "custom": (Custom("Look for races in a.py"), "Look for races in a.py"),
    }[kind]
    with ScriptedModel([shell("git diff", call_id="diff"), structured(output(changes))]) as model:
        review = make_codex(model).review(target, working_directory=changes, timeout=60)
    check(review, changes)
    assert said in model.requests[0].user_text
    assert {request.subagent for request in model.requests} == {"review"}
    if kind == "branch":
        base = subprocess.run(["git", "merge-base", "HEAD", "main"], cwd=changes, capture_output=True, text=True)
        assert base.stdout.strip() in model.requests[0].user_text
    if kind == "changes":
        assert "+two" not in model.requests[1].tool_output("diff"), "it is committed"


def test_the_commands_of_a_reviewer_cannot_write(make_codex: MakeCodex, changes: Path) -> None:
    with ScriptedModel([shell("touch made", call_id="try"), structured(output(changes))]) as model:
        make_codex(model).review(CurrentChanges(), working_directory=changes, timeout=60)
        model.assert_tool_output("try", contains="Read-only file system")
    assert not (changes / "made").exists()


def test_what_a_review_used(make_codex: MakeCodex, changes: Path) -> None:
    script = [
        [shell("true"), usage(input_tokens=100, output_tokens=5)],
        [structured(output(changes)), usage(input_tokens=200, cached_input_tokens=90, output_tokens=7)],
    ]
    with ScriptedModel(script) as model:
        codex = make_codex(model)
        review = codex.review(CurrentChanges(), working_directory=changes, timeout=60)
    assert review.turn.usage == codex.usage.total
    assert (review.turn.usage.input_tokens, review.turn.usage.cached_input_tokens) == (300, 90)
    assert review.turn.usage.output_tokens == 12


def test_the_model_of_a_review(make_codex: MakeCodex, changes: Path) -> None:
    with ScriptedModel([structured(output(changes))] * 2) as model:
        codex = make_codex(model, config={"review_model": "from-config"})
        codex.review(CurrentChanges(), working_directory=changes, timeout=60)
        codex.review(CurrentChanges(), model="given", working_directory=changes, timeout=60)
    assert [request.model for request in model.requests] == ["from-config", "given"]


@pytest.mark.parametrize("ephemeral", [False, True], ids=["persisted", "ephemeral"])
def test_a_review_of_a_thread_s_conversation(make_codex: MakeCodex, changes: Path, ephemeral: bool) -> None:
    script = [
        [text("hello"), usage(input_tokens=100, output_tokens=5)],
        [structured(output(changes)), usage(input_tokens=30, output_tokens=7)],
        [text("fixed"), usage(input_tokens=200, output_tokens=1)],
    ]
    with ScriptedModel(script) as model:
        codex = make_codex(model)
        thread = codex.start_thread(working_directory=changes, ephemeral=ephemeral)
        thread.run("hi", timeout=60)
        review = thread.review(CurrentChanges(), timeout=60)
        after = thread.run("Fix the first one.", timeout=60)
    if ephemeral:
        # Only the text is left of what the reviewer said.
        assert [(f.title, f.priority, f.start_line, f.confidence) for f in review.findings] == [
            ("[P1] Off by one", 1, 3, None),
            ("[P3] A typo — really", 3, 7, None),
        ]
        assert review.findings[0].body == "Since [P1] Off by one.\n\n- it is wrong"
        assert review.explanation == "It loses the last line."
    else:
        check(review, changes)
    assert "Off by one" in "\n".join(model.requests[-1].input_texts), "the conversation goes on with it"
    assert review.turn.usage == TokenUsage(), "the engine does not tell"
    assert (after.usage.input_tokens, after.usage.output_tokens) == (200, 1)
    assert thread.usage.total.input_tokens == codex.usage.total.input_tokens == 300


def test_a_stream_of_a_review(make_codex: MakeCodex, changes: Path) -> None:
    with ScriptedModel([shell("true"), structured(output(changes))]) as model:
        thread = make_codex(model).start_thread(working_directory=changes)
        with thread.review_streamed(Custom("Look for races.", hint="races"), timeout=60) as stream:
            events = list(stream)
    check(stream.review, changes)
    entered = [event.item for event in events if isinstance(event, ItemStarted)]
    assert [item.review for item in entered if isinstance(item, EnteredReviewMode)] == ["races"]
    items = stream.turn.items
    assert [item.review for item in items if isinstance(item, EnteredReviewMode)] == ["races"]
    assert any(isinstance(item, ExitedReviewMode) for item in items)
    assert not any("rawResponse" in getattr(event, "method", "") for event in events)


@pytest.mark.parametrize(
    ("answer", "explanation"),
    [
        ("It is fine, I think.", "It is fine, I think."),
        (
            'Well: {"findings": [], "overall_correctness": "patch is correct", "overall_explanation": "ok", "overall_confidence_score": 1}',
            "ok",
        ),
    ],
    ids=["prose", "JSON in prose"],
)
def test_a_reviewer_that_does_not_keep_to_the_form(
    make_codex: MakeCodex, changes: Path, answer: str, explanation: str
) -> None:
    with ScriptedModel([answer]) as model:
        review = make_codex(model).review(CurrentChanges(), working_directory=changes, timeout=60)
    assert review.findings == []
    assert review.text == review.explanation == explanation


def test_a_review_that_fails(make_codex: MakeCodex, changes: Path) -> None:
    with ScriptedModel([http_error(400, "no such model")]) as model:
        codex = make_codex(model)
        with pytest.raises(TurnFailedError, match="no such model"):
            codex.review(CurrentChanges(), working_directory=changes, timeout=60)


def test_a_review_that_takes_too_long_is_stopped(make_codex: MakeCodex, changes: Path) -> None:
    with ScriptedModel([stall(), structured(output(changes))]) as model:
        codex = make_codex(model)
        with pytest.raises(CodexTimeoutError) as caught:
            codex.review(CurrentChanges(), working_directory=changes, timeout=1)
        assert caught.value.turn is not None
        assert caught.value.turn.status == "interrupted"
        check(codex.review(CurrentChanges(), working_directory=changes, timeout=60), changes)


def test_an_interrupted_review(make_codex: MakeCodex, changes: Path) -> None:
    running = threading.Event()
    with ScriptedModel([[text("thinking"), reached(running), stall()], "again"]) as model:
        thread = make_codex(model).start_thread(working_directory=changes)
        with thread.review_streamed(CurrentChanges(), timeout=60) as stream:
            assert running.wait(30)
            thread.interrupt()
            list(stream)
        assert stream.turn.status == "interrupted"
        assert stream.review.findings == []
        assert thread.run("hi", timeout=60).final_response == "again"


@pytest.mark.parametrize("target", [BaseBranch("nowhere"), Commit("0123456789abcdef")], ids=["branch", "commit"])
def test_what_git_does_not_know_is_refused(make_codex: MakeCodex, changes: Path, target: Any) -> None:
    with ScriptedModel([]) as model, pytest.raises(NotFoundError, match=r"nowhere|0123456789abcdef"):
        make_codex(model).review(target, working_directory=changes)


@pytest.mark.parametrize(
    ("target", "error", "said"),
    [
        ("main", TypeError, "CurrentChanges"),
        (BaseBranch("--all"), ValueError, "branch of a review"),
        (Commit(""), ValueError, "commit of a review"),
        (Custom("  "), ValueError, "prompt of a review is empty"),
    ],
)
def test_bad_targets(make_codex: MakeCodex, changes: Path, target: Any, error: type[Exception], said: str) -> None:
    with ScriptedModel([]) as model, pytest.raises(error, match=said):
        make_codex(model).review(target, working_directory=changes)


def test_a_hook_sees_a_custom_review_s_prompt(make_codex: MakeCodex, changes: Path) -> None:
    with ScriptedModel([structured(output(changes))]) as model:
        codex = make_codex(model, before_start=lambda thread, prompt: f"{prompt} Be brief.")
        codex.review(Custom("Look for races."), working_directory=changes, timeout=60)
    assert "Look for races. Be brief." in model.requests[0].user_text


def test_the_asynchronous_twin(codex_home: Path, changes: Path) -> None:
    async def main() -> None:
        with ScriptedModel([structured(output(changes))] * 3) as model:
            options = {"codex_home": codex_home, "isolated": True, "config": model.provider_config()}
            async with AsyncCodex(**options) as codex:
                check(await codex.review(BaseBranch("main"), working_directory=changes, timeout=60), changes)
                thread = await codex.start_thread(working_directory=changes)
                check(await thread.review(CurrentChanges(), timeout=60), changes)
                async with thread.review_streamed(CurrentChanges(), timeout=60) as stream:
                    async for _ in stream:
                        pass
                check(stream.review, changes)

    asyncio.run(main())
