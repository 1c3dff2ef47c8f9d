"""Reasoning that another account or provider has encrypted: a server that refuses it gets the conversation without it, once, and the host is told."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from codex_cffi import ErrorEvent, TurnFailedError, WarningEvent, tool
from codex_cffi.testing import (
    ModelRequest,
    Reply,
    ScriptedModel,
    event,
    function_call,
    http_error,
    item,
    reasoning,
    reply,
    text,
)
from support import MakeCodex

OLD = "gAAA-of-the-first-account"
NEW = "gAAA-of-the-second"


def failed(code: str, message: str) -> Reply:
    error = {"code": code, "message": message}
    return reply(event("response.failed", response={"id": "r", "status": "failed", "error": error}), completed=False)


#: How servers refuse what they cannot read.
REFUSALS = {
    "openai": http_error(
        400,
        "The encrypted content gAAA...ount could not be verified.",
        type="invalid_request_error",
        code="invalid_encrypted_content",
    ),
    "decrypted": http_error(400, "Encrypted content could not be decrypted or parsed."),
    "only the code": http_error(400, "Bad request", code="invalid_encrypted_content"),
    "event": failed("invalid_encrypted_content", "The encrypted content could not be verified."),
    "event without a code": failed("", "could not decrypt reasoning"),
    "id": http_error(404, "Item with id 'rs_1' not found. Items are not persisted when `store` is set to false."),
    "422": http_error(422, "input.3.reasoning.encrypted_content: Extra inputs are not permitted"),
}


def begin(make_codex: MakeCodex, repo: Path, *answer: Any) -> str:
    """A session with encrypted reasoning."""
    said = answer or (reasoning("hm", encrypted_content=OLD), text("One."))
    with ScriptedModel([reply(*said)]) as model:
        codex = make_codex(model)
        thread = codex.start_thread(working_directory=repo)
        thread.run("first")
        codex.close()
        return thread.id


def refusing(refusal: Reply, *answers: Any, unread: str = OLD) -> Any:
    """A server that cannot read `unread`."""
    left = list(answers)

    def answer(request: ModelRequest) -> Any:
        return refusal if unread in str(request.body) else left.pop(0)

    return answer


def run(thread: Any, prompt: str) -> tuple[str, list[str], list[ErrorEvent]]:
    warnings, errors = [], []
    with thread.run_streamed(prompt, timeout=30) as stream:
        for happened in stream:
            if isinstance(happened, WarningEvent):
                warnings.append(happened.message)
            if isinstance(happened, ErrorEvent):
                errors.append(happened)
    return stream.turn.final_response, [text for text in warnings if "encrypted" in text], errors


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
def test_a_session_goes_on_without_it(make_codex: MakeCodex, repo: Path, refusal: Reply) -> None:
    thread_id = begin(make_codex, repo)
    second = reply(reasoning("aha", encrypted_content=NEW), text("Two."))
    answer = refusing(refusal, second, "Three.", "Four.")
    with ScriptedModel([answer] * 5) as model:
        codex = make_codex(model)
        thread = codex.resume_thread(thread_id)
        said, warnings, errors = run(thread, "second")
        assert said == "Two."
        [warning] = warnings
        assert "Scripted model" in warning
        assert "left out" in warning
        assert not errors, "it is no retry"
        assert len(model.requests) == 2
        kept = model.last_request
        assert "first" in kept.user_texts
        assert "One." in kept.assistant_texts
        assert run(thread, "third") == ("Three.", [], [])
        assert len(model.requests) == 3, "not tried again"
        assert NEW in str(model.last_request.body), "what is the server's own is sent"
        thread.close()
        assert run(codex.resume_thread(thread_id), "fourth") == ("Four.", [], [])
        assert len(model.requests) == 4, "nor when resumed"


def test_in_another_process(make_codex: MakeCodex, repo: Path, codex_home: Path) -> None:
    thread_id = begin(make_codex, repo)
    code = """
        import sys, json
        from codex_cffi import Codex
        with Codex(config=json.loads(sys.argv[1]), codex_home=sys.argv[2], isolated=True) as codex:
            print(codex.resume_thread(sys.argv[3]).run("go", timeout=30).final_response)
        """
    with ScriptedModel([refusing(REFUSALS["openai"], "Two."), refusing(REFUSALS["openai"], "Two.")]) as model:
        arguments = [json.dumps(model.provider_config()), str(codex_home), thread_id]
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(code), *arguments], capture_output=True, text=True, check=True
        )
        assert done.stdout == "Two.\n"


def test_in_the_middle_of_a_turn(make_codex: MakeCodex, repo: Path) -> None:
    """The server may be another one from a request to the next."""

    @tool
    def look() -> str:
        """Looks."""
        return "42"

    calls = reply(reasoning("hm", item_id="rs_9", encrypted_content=OLD), function_call("look", {}, call_id="c1"))
    with ScriptedModel([calls, *[refusing(REFUSALS["openai"], "Seen.")] * 2]) as model:
        codex = make_codex(model, tools=[look])
        said, warnings, errors = run(codex.start_thread(working_directory=repo), "look")
        assert (said, len(warnings), errors) == ("Seen.", 1, [])
        assert model.last_request.tool_output("c1") == "42"
        assert not any("id" in sent for sent in model.last_request.input if sent["type"] == "function_call")


def test_a_server_that_refuses_all_the_same(make_codex: MakeCodex, repo: Path) -> None:
    thread_id = begin(make_codex, repo)
    with ScriptedModel([REFUSALS["openai"]] * 4) as model:
        thread = make_codex(model).resume_thread(thread_id)
        with pytest.raises(TurnFailedError, match="could not be verified") as caught:
            thread.run("second", timeout=30)
        assert caught.value.error_class == "invalid_encrypted_content"
        assert len(model.requests) == 2, "once more, and no more"
        with pytest.raises(TurnFailedError):
            thread.run("third", timeout=30)
        assert len(model.requests) == 3


def test_other_refusals_leave_it(make_codex: MakeCodex, repo: Path) -> None:
    thread_id = begin(make_codex, repo)
    with ScriptedModel([http_error(400, "no such model"), "Two."]) as model:
        thread = make_codex(model).resume_thread(thread_id)
        with pytest.raises(TurnFailedError, match="no such model"):
            thread.run("second", timeout=30)
        assert run(thread, "third") == ("Two.", [], [])
        assert OLD in str(model.last_request.body)


def test_a_compaction_goes_on_too(make_codex: MakeCodex, repo: Path) -> None:
    thread_id = begin(make_codex, repo)
    with ScriptedModel([*[refusing(REFUSALS["openai"], "All in all: one.")] * 2, "Two."]) as model:
        thread = make_codex(model).resume_thread(thread_id)
        thread.compact(timeout=30)
        assert len(model.requests) == 2
        assert run(thread, "second")[0] == "Two."
        assert "All in all: one." in str(model.last_request.body)


def test_a_summary_that_cannot_be_read(make_codex: MakeCodex, repo: Path) -> None:
    """OpenAI's own compaction leaves the user's messages, and an encrypted summary of the rest."""
    thread_id = begin(
        make_codex, repo, item({"type": "compaction", "id": "cmp_1", "encrypted_content": OLD}), text("One.")
    )
    answer = refusing(REFUSALS["openai"], "Two.", "Three.")
    with ScriptedModel([answer] * 3) as model:
        thread = make_codex(model).resume_thread(thread_id)
        said, [warning], errors = run(thread, "second")
        assert (said, errors) == ("Two.", [])
        assert "summary" in warning
        assert "no longer knows" in warning
        assert not model.last_request.items("compaction")
        assert any("cannot be read" in told for told in model.last_request.developer_texts), "the model knows, too"
        assert "first" in model.last_request.user_texts
        assert run(thread, "third") == ("Three.", [], [])
