"""What the model provider asks to wait is waited for, as often as the host allows, where the host can see it, and not longer than makes sense."""

from __future__ import annotations

import asyncio
import time
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from codex_cffi import (
    AsyncCodex,
    CodexTimeoutError,
    CommandExecution,
    ConfigError,
    ErrorEvent,
    Event,
    Thread,
    TurnFailedError,
)
from codex_cffi.testing import (
    Reply,
    ScriptedModel,
    failed,
    hang_up,
    http_error,
    item,
    rate_limited,
    shell,
    usage_limit_reached,
)
from support import MakeCodex

#: Seconds after which a turn that should have ended by itself hangs.
HANGS = 30
SAID = "There."
#: What must not get lost of an error.
WORDS = "tenant 7 is busy"
#: Longer than is waited for, in seconds.
TOO_LONG = 3600
FULL = "You exceeded your current quota, please check your plan and billing details."


def refused(status: int = 429, *, said: str = WORDS, code: str | None = None, **headers: str) -> Reply:
    """An answer with a header for each argument, underscores being dashes."""
    return http_error(
        status, said, code=code, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )


def run(thread: Thread, **options: Any) -> tuple[Any, list[ErrorEvent]]:
    """A turn, and the errors on its way."""
    with thread.run_streamed("go", timeout=HANGS, **options) as stream:
        errors = [event for event in stream if isinstance(event, ErrorEvent)]
    return stream.turn, errors


# ---- how it is asked -------------------------------------------------------------------------------------------------

#: Answers that ask to wait, with the seconds.
ASKED: dict[str, tuple[Any, float]] = {
    "decimal seconds": (refused(retry_after="0.2"), 0.2),
    "whole seconds": (refused(retry_after="1"), 1.0),
    "milliseconds": (refused(retry_after="9", retry_after_ms="150"), 0.15),
    "503": (refused(503, retry_after="0.2"), 0.2),
    "500": (refused(500, retry_after="0.2"), 0.2),
    "502": (refused(502, retry_after="0.2"), 0.2),
    "504": (refused(504, retry_after="0.2"), 0.2),
    "at capacity": (refused(503, code="server_is_overloaded", retry_after="0.2"), 0.2),
    "in words": (refused(said=f"{WORDS}. Please try again in 200ms."), 0.2),
    "in other words": (refused(said=f"{WORDS}. Please retry after 0.2 seconds."), 0.2),
    "in a field": (http_error(429, body={"error": {"message": WORDS, "retry_after": 0.2}}), 0.2),
    "Google's": (
        http_error(429, body={"error": {"message": f"{WORDS}. {FULL}", "details": [{"retryDelay": "0.2s"}]}}),
        0.2,
    ),
    "tokens used up": (refused(x_ratelimit_remaining_tokens="0", x_ratelimit_reset_tokens="200ms"), 0.2),
    "a page": (http_error(503, headers={"retry-after": "0.2"}, body=f"<html><body>{WORDS}</body></html>"), 0.2),
    "in a stream": ([failed("rate_limit_exceeded", f"{WORDS}. Please try again in 0.2s.")], 0.2),
    "at capacity, in a stream": ([failed("slow_down", f"{WORDS}. Try again in 200 ms.")], 0.2),
}


@pytest.mark.parametrize("name", ASKED)
def test_what_the_server_asks_is_waited_for(make_codex: MakeCodex, repo: Path, name: str) -> None:
    fault, seconds = ASKED[name]
    with ScriptedModel([fault, SAID]) as model:
        thread = make_codex(model, request_max_retries=2).start_thread(working_directory=repo)
        began = time.monotonic()
        turn, errors = run(thread)
        assert time.monotonic() - began >= seconds
        model.assert_request_count(2)
    assert turn.final_response == SAID
    assert [(error.will_retry, error.attempt, error.max_attempts, error.retry_in) for error in errors] == [
        (True, 1, 2, seconds)
    ]
    assert WORDS in (errors[0].details or "")


def test_until_a_date(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel([], default=SAID) as model:
        thread = make_codex(model, request_max_retries=1).start_thread(working_directory=repo)
        for form in ("%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y", None):
            at = time.time() + 2
            date = formatdate(at, usegmt=True) if form is None else time.strftime(form, time.gmtime(at))
            model.add(refused(503, retry_after=date), SAID)
            turn, [error] = run(thread)
            assert turn.final_response == SAID
            assert 0 < (error.retry_in or 0) <= 2, date
            assert error.http_status == 503


@pytest.mark.parametrize("header", ["soon", "-1", "0", "", formatdate(0, usegmt=True), "nan", "1e400"])
def test_what_says_nothing_is_tried_again_soon(make_codex: MakeCodex, repo: Path, header: str) -> None:
    with ScriptedModel([refused(retry_after=header), rate_limited(retry_after=None), SAID]) as model:
        thread = make_codex(model, request_max_retries=2).start_thread(working_directory=repo)
        turn, errors = run(thread)
    assert turn.final_response == SAID
    first, second = (error.retry_in or 0 for error in errors)
    assert 0 < first < second < 1, "the delay doubles"


def test_what_was_done_is_not_done_again(make_codex: MakeCodex, repo: Path) -> None:
    script: list[Any] = [
        [shell("echo x >> made")],
        rate_limited(0.1),
        [failed("rate_limit_exceeded", "try again in 0.1s")],
        SAID,
    ]
    with ScriptedModel(script) as model:
        thread = make_codex(model, request_max_retries=2).start_thread(
            working_directory=repo, sandbox_mode="danger-full-access"
        )
        turn, errors = run(thread)
    assert turn.final_response == SAID
    assert [error.attempt for error in errors] == [1, 2]
    assert (repo / "made").read_text() == "x\n"
    assert [type(item) for item in turn.items].count(CommandExecution) == 1


# ---- how often -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("of_provider", "of_client", "retries"),
    [
        ({"request_max_retries": 2}, {}, 2),
        ({"stream_max_retries": 2}, {}, 2),
        ({"request_max_retries": 1, "stream_max_retries": 2}, {}, 2),
        ({}, {"request_max_retries": 1}, 1),
        ({}, {"stream_max_retries": 1}, 1),
        ({"request_max_retries": 5, "stream_max_retries": 5}, {"request_max_retries": 0, "stream_max_retries": 0}, 0),
        ({}, {}, 0),
    ],
    ids=str,
)
def test_as_often_as_the_host_allows(
    make_codex: MakeCodex, repo: Path, of_provider: dict[str, int], of_client: dict[str, int], retries: int
) -> None:
    with ScriptedModel([], default=refused(retry_after="0.05")) as model:
        thread = make_codex(config=model.provider_config(**of_provider), **of_client).start_thread(
            working_directory=repo
        )
        with pytest.raises(TurnFailedError, match=f"exceeded retry limit.*429.*{WORDS}") as caught:
            thread.run("go", timeout=HANGS)
        model.assert_request_count(retries + 1)
        error = caught.value
        assert (error.error_class, error.http_status) == ("responseTooManyFailedAttempts", 429)
        assert (error.retry_after, error.retriable) == (0.05, True)


def test_the_counts_are_those_of_any_provider(codex_home: Path, make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel([rate_limited(0.05), hang_up(), SAID]) as model:
        codex_home.mkdir(mode=0o700)
        (codex_home / "config.toml").write_text(
            f"model_provider = 'mine'\n[model_providers.mine]\nname = 'Mine'\nbase_url = '{model.base_url}'\n"
            "wire_api = 'responses'\nrequest_max_retries = 0\nstream_max_retries = 0\n"
        )
        codex = make_codex(isolated=False, request_max_retries=1, stream_max_retries=2)
        assert codex.start_thread(working_directory=repo).run("go", timeout=HANGS).final_response == SAID
    with ScriptedModel([rate_limited(0.05), SAID]) as model:
        codex = make_codex(base_url=model.base_url, api_key="sk-x", request_max_retries=1, stream_max_retries=0)
        assert codex.start_thread(working_directory=repo).run("go", timeout=HANGS).final_response == SAID


@pytest.mark.parametrize("name", ["request_max_retries", "stream_max_retries"])
def test_a_count_is_a_whole_number(make_codex: MakeCodex, name: str) -> None:
    for value, error in ((-1, ValueError), (True, TypeError), (1.5, TypeError), ("2", TypeError)):
        with pytest.raises(error, match=name):
            make_codex(**{name: value})
    with pytest.raises(ConfigError, match=f"{name} must be a whole number"):
        make_codex(config={name: "many"})


#: What no waiting helps.
LASTING: dict[str, Any] = {
    "quota": refused(code="insufficient_quota", retry_after="0.1"),
    "quota in words": refused(said=f"{WORDS}. {FULL}"),
    "billing": refused(code="billing_hard_limit_reached"),
    "the plan's limit": usage_limit_reached(resets_at=int(time.time()) + 60),
    "the server says so": refused(x_should_retry="false", retry_after="0.1"),
    "quota in a stream": [failed("insufficient_quota", f"{WORDS}. Try again in 1s.")],
    "refused for good": refused(400, retry_after="0.1"),
    "no such model": refused(404, retry_after="0.1", code="model_not_found"),
}


@pytest.mark.parametrize("name", LASTING)
def test_what_no_waiting_helps_is_not_repeated(make_codex: MakeCodex, repo: Path, name: str) -> None:
    with ScriptedModel([LASTING[name]], default=SAID) as model:
        codex = make_codex(model, request_max_retries=3, stream_max_retries=3)
        with pytest.raises(TurnFailedError) as caught:
            codex.start_thread(working_directory=repo).run("go", timeout=HANGS)
        model.assert_request_count(1)
    assert caught.value.retry_after is None


# ---- how long --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        rate_limited(TOO_LONG),
        refused(503, retry_after=str(TOO_LONG)),
        refused(503, retry_after="1", retry_after_ms=str(TOO_LONG * 1000)),
        [failed("rate_limit_exceeded", "Please try again in 1h0m0s.")],
    ],
    ids=["429", "503", "milliseconds", "in a stream"],
)
def test_longer_than_makes_sense_fails_at_once_and_says_how_long(make_codex: MakeCodex, repo: Path, fault: Any) -> None:
    with ScriptedModel([fault], default=SAID) as model:
        thread = make_codex(model, request_max_retries=3, stream_max_retries=3).start_thread(working_directory=repo)
        with pytest.raises(TurnFailedError, match=f"asks to wait {TOO_LONG} s") as caught:
            thread.run("go", timeout=HANGS)
        model.assert_request_count(1)
        assert caught.value.retry_after == TOO_LONG
        assert caught.value.retriable
        assert thread.run("on", timeout=HANGS).final_response == SAID, "the thread goes on"


def test_longer_than_the_turn_may_take_ends_it_at_once(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel([rate_limited(60)], default=SAID) as model:
        thread = make_codex(model, request_max_retries=3).start_thread(working_directory=repo)
        with pytest.raises(CodexTimeoutError, match=r"next try .* in 60 s") as caught:
            thread.run("go", timeout=HANGS)
        model.assert_request_count(1)
        assert caught.value.retry_after == 60
        assert caught.value.turn is not None
        assert caught.value.turn.status == "interrupted"
        assert thread.run("on", timeout=HANGS).final_response == SAID
        model.add(rate_limited(60))
        seen: list[Event] = []
        with thread.run_streamed("go", timeout=HANGS) as stream, pytest.raises(CodexTimeoutError) as caught:
            seen.extend(stream)
        assert [event.retry_in for event in seen if isinstance(event, ErrorEvent)] == [60]
        assert caught.value.retry_after == 60


def test_an_interrupt_ends_the_waiting(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel([rate_limited(60)], default=SAID) as model:
        thread = make_codex(model, request_max_retries=3).start_thread(working_directory=repo)
        with thread.run_streamed("go") as stream:
            for event in stream:
                if isinstance(event, ErrorEvent):
                    stream.interrupt()
        assert stream.turn.status == "interrupted"
        model.assert_request_count(1)
        assert thread.run("on", timeout=HANGS).final_response == SAID


def test_on_an_event_loop(codex_home: Path, repo: Path) -> None:
    async def main(model: ScriptedModel) -> None:
        options: dict[str, Any] = {"codex_home": codex_home, "isolated": True, "request_max_retries": 1}
        async with AsyncCodex(config=model.provider_config(), **options) as codex:
            thread = await codex.start_thread(working_directory=repo)
            assert (await thread.run("go", timeout=HANGS)).final_response == SAID
            with pytest.raises(CodexTimeoutError) as caught:
                await thread.run("go", timeout=HANGS)
            assert caught.value.retry_after == 60
            waiting = asyncio.create_task(thread.run("go"))
            await asyncio.to_thread(model.wait_for_requests, 4)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            assert (await thread.run("on", timeout=HANGS)).final_response == SAID

    with ScriptedModel([rate_limited(0.1), SAID, rate_limited(60), rate_limited(60), SAID]) as model:
        asyncio.run(main(model))


# ---- other requests --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "summary"),
    [("Scripted model", "We said hello."), ("OpenAI", [item({"type": "compaction", "encrypted_content": "x"})])],
    ids=["summed up here", "summed up there"],
)
def test_a_compaction_waits_too(make_codex: MakeCodex, repo: Path, name: str, summary: Any) -> None:
    with ScriptedModel([SAID, rate_limited(0.1), summary], default=SAID) as model:
        codex = make_codex(config=model.provider_config(name=name), request_max_retries=2)
        thread = codex.start_thread(working_directory=repo)
        thread.run("hello", timeout=HANGS)
        assert thread.compact(timeout=HANGS).status == "completed"
        model.assert_request_count(3)


def test_a_compaction_that_is_refused_for_good_is_not_repeated(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel([SAID, refused(code="insufficient_quota")], default=SAID) as model:
        thread = make_codex(model, request_max_retries=3, stream_max_retries=3).start_thread(working_directory=repo)
        thread.run("hello", timeout=HANGS)
        with pytest.raises(TurnFailedError, match=WORDS):
            thread.compact(timeout=HANGS)
        model.assert_request_count(2)
