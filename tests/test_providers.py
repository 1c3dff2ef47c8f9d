"""Servers that speak the Responses API loosely: what can be used is used, errors keep their words, and nothing is lost without a word."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from codex_cffi import (
    AgentMessage,
    AgentMessageDelta,
    AsyncCodex,
    ErrorEvent,
    TurnFailedError,
    WarningEvent,
    tool,
)
from codex_cffi.testing import (
    Reply,
    ScriptedModel,
    disconnect,
    http_error,
    raw_reply,
    reply,
    stall,
    text,
    usage,
    wrong_content_type,
)
from support import MakeCodex

#: Seconds after which a turn that should have ended by itself hangs.
HANGS = 30
SAID = "The answer is 42."
#: What must not get lost of an error.
WORDS = "tenant 7 is suspended"


def sse(*events: dict[str, Any] | str) -> str:
    """A body of events, or of text as it is."""
    return "".join(event if isinstance(event, str) else f"data: {json.dumps(event)}\n\n" for event in events)


def named(kind: str, **fields: Any) -> str:
    """An event that has its name in its line only."""
    return f"event: {kind}\ndata: {json.dumps(fields)}\n\n"


def message(content: Any = SAID, **fields: Any) -> dict[str, Any]:
    parts = [{"type": "output_text", "text": content}] if isinstance(content, str) else content
    return {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": parts, **fields}


def added(item: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"type": "response.output_item.added", "output_index": 0, "item": item, **fields}


def done(item: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"type": "response.output_item.done", "output_index": 0, "item": item, **fields}


def deltas(*pieces: Any, **fields: Any) -> list[dict[str, Any]]:
    at = {"item_id": "m", "output_index": 0, "content_index": 0, **fields}
    return [{"type": "response.output_text.delta", **at, "delta": piece} for piece in pieces]


def completed(**response: Any) -> dict[str, Any]:
    return {"type": "response.completed", "response": {"id": "r", "status": "completed", **response}}


BEGUN = [added(message([])), *deltas("The answer ", "is 42.")]

# ---- texts -----------------------------------------------------------------------------------------------------------

#: Bodies that all say the same.
TEXTS: dict[str, str] = {
    "names in lines": named("response.output_item.added", item=message([]))
    + named("response.output_text.delta", delta=SAID)
    + named("response.output_item.done", item=message())
    + named("response.completed", response={"id": "r"}),
    "no names at all": sse({"item": message()}, {"response": {"id": "r", "status": "completed"}}),
    "deltas alone": sse(*deltas("The answer ", "is 42."), completed()),
    "deltas without ids": sse({"type": "response.output_text.delta", "delta": SAID}, completed()),
    "deltas that are objects": sse(*deltas({"text": "The answer "}, {"text": "is 42."}), completed()),
    "an end without content": sse(*BEGUN, done(message([])), completed()),
    "content null": sse(*BEGUN, done(message(None)), completed()),
    "content missing": sse(*BEGUN, done({"type": "message", "id": "m"}), completed()),
    "another id at the end": sse(*BEGUN, done(message([], id="other")), completed(output=[message(id="third")])),
    "no end of the item": sse(*BEGUN, completed()),
    "no end but in the final event": sse(*BEGUN, completed(output=[message()])),
    "the final event alone": sse(completed(output=[message()])),
    "the end of the text alone": sse({"type": "response.output_text.done", "item_id": "m", "text": SAID}, completed()),
    "an empty item, whole in the final event": sse(done(message("")), completed(output=[message()])),
    "content is text": sse(done({**message(), "content": SAID}), completed()),
    "a part of the type text": sse(done(message([{"type": "text", "text": SAID}])), completed()),
    "a part without a type": sse(done(message([{"text": SAID}])), completed()),
    "an unknown phase": sse(done(message(phase="thoughts")), completed()),
    "no role, no id": sse(done({"type": "message", "content": message()["content"]}), completed()),
    "ids are numbers": sse(
        added(message([], id=1)), *deltas(SAID, item_id=1), done(message(id=1)), completed(id=7, output=[message(id=1)])
    ),
    "response.done": sse(done(message()), {"type": "response.done", "response": {"id": "r"}}),
    "a final event without a response": sse(done(message()), {"type": "response.completed"}),
    "null where a list belongs": sse(*BEGUN, done(message()), completed(output=None, usage=None, error=None)),
    "comments, CRLF, a byte order mark": "\ufeff: hello\r\n\r\n"
    + sse(done(message()), completed()).replace("\n", "\r\n"),
    "no empty lines between": sse(done(message()), completed()).replace("\n\n", "\n") + "\n",
    "no empty line at the end": sse(done(message()), completed()).rstrip("\n"),
    "events without data:": f"{json.dumps(done(message()))}\n{json.dumps(completed())}\n",
    "an answer in one piece": json.dumps(
        {"id": "r", "object": "response", "status": "completed", "output": [message()]}
    ),
    "in one piece, on many lines": json.dumps({"id": "r", "status": "completed", "output": [message()]}, indent=2),
    "data after the end": sse(done(message()), completed(), "data: [DONE]\n\n"),
    "reasoning that does not end": sse(
        {"type": "response.reasoning_text.delta", "item_id": "rs", "delta": "hm"}, *BEGUN, done(message()), completed()
    ),
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_comes_through_however_it_is_told(make_codex: MakeCodex, repo: Path, name: str) -> None:
    with ScriptedModel([raw_reply(TEXTS[name])]) as model:
        thread = make_codex(model).start_thread(working_directory=repo)
        with thread.run_streamed("go", timeout=HANGS) as stream:
            said = "".join(event.delta for event in stream if isinstance(event, AgentMessageDelta))
    assert (stream.turn.status, stream.turn.final_response) == ("completed", SAID)
    assert [item.text for item in stream.turn.items if isinstance(item, AgentMessage)] == [SAID]
    assert said == (SAID if "output_text.delta" in TEXTS[name] else ""), "what is streamed is the text, once"


def test_the_next_request_has_what_was_mended(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel([raw_reply(TEXTS["an end without content"]), "Yes."]) as model:
        thread = make_codex(model).start_thread(working_directory=repo)
        thread.run("go", timeout=HANGS)
        thread.run("Sure?", timeout=HANGS)
    assert model.last_request.assistant_texts == [SAID]


@pytest.mark.parametrize("end", ["data: [DONE]\n\n", "data: [DONE]", ""])
def test_a_whole_answer_needs_no_final_event(make_codex: MakeCodex, repo: Path, end: str) -> None:
    with ScriptedModel([raw_reply(sse(*BEGUN, done(message()), end))]) as model:
        thread = make_codex(model).start_thread(working_directory=repo)
        with thread.run_streamed("go", timeout=HANGS) as stream:
            warnings = [event.message for event in stream if isinstance(event, WarningEvent)]
    assert stream.turn.final_response == SAID
    assert ["final event" in warning for warning in warnings] == [True]


@pytest.mark.parametrize(
    "broken",
    [raw_reply(sse(*BEGUN)), reply(text(SAID), disconnect()), raw_reply(sse(*BEGUN) + 'data: {"type": "response.outp')],
    ids=["in the text", "a connection that breaks", "in an event"],
)
def test_a_text_that_breaks_off_is_no_answer(make_codex: MakeCodex, repo: Path, broken: Reply) -> None:
    with ScriptedModel([broken]) as model, pytest.raises(TurnFailedError):
        make_codex(model).start_thread(working_directory=repo).run("go", timeout=HANGS)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        (
            {"input_tokens": 5, "input_tokens_details": {"cached_tokens": None}, "output_tokens": 2, "total_tokens": 7},
            (5, 2),
        ),
        ({"input_tokens": 5, "input_tokens_details": {}, "output_tokens": 2, "output_tokens_details": {}}, (5, 2)),
        ({"input_tokens": 5, "output_tokens": 2}, (5, 2)),
        ({"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}, (5, 2)),
        ({"input_tokens": "5", "output_tokens": 2.0, "total_tokens": None}, (5, 2)),
        ({}, (0, 0)),
        ("many", (0, 0)),
    ],
    ids=["null", "empty details", "no total", "names of chat completions", "texts", "empty", "no counts"],
)
def test_counts_of_tokens_need_no_field(
    make_codex: MakeCodex, repo: Path, counts: Any, expected: tuple[int, int]
) -> None:
    with ScriptedModel([raw_reply(sse(done(message()), completed(usage=counts)))]) as model:
        turn = make_codex(model).start_thread(working_directory=repo).run("go", timeout=HANGS)
        model.assert_request_count(1)
    assert (turn.final_response, turn.usage.input_tokens, turn.usage.output_tokens) == (SAID, *expected)


# ---- calls -----------------------------------------------------------------------------------------------------------


def call(arguments: Any = '{"city": "Kyiv"}', **fields: Any) -> dict[str, Any]:
    return {"type": "function_call", "id": "fc", "call_id": "c", "name": "weather", "arguments": arguments, **fields}


def without(fields: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in names}


OPENED = added(call(""))
PIECES = [
    {"type": "response.function_call_arguments.delta", "item_id": "fc", "output_index": 0, "delta": piece}
    for piece in ('{"city"', ': "Kyiv"}')
]
CALLS: dict[str, str] = {
    "arguments are an object": sse(done(call({"city": "Kyiv"})), completed()),
    "arguments in quotes": sse(done(call(json.dumps('{"city": "Kyiv"}'))), completed()),
    "arguments that only were streamed": sse(OPENED, *PIECES, done(call("")), completed()),
    "arguments missing at the end": sse(OPENED, *PIECES, done(without(call(), "arguments")), completed()),
    "no end of the item": sse(OPENED, *PIECES, completed()),
    "the end of the arguments alone": sse(
        OPENED,
        {"type": "response.function_call_arguments.done", "item_id": "fc", "arguments": {"city": "Kyiv"}},
        completed(),
    ),
    "the final event alone": sse(completed(output=[call()])),
    "twice, under other ids": sse(done(call()), completed(output=[call(id="x", call_id="y")])),
    "ended twice": sse(OPENED, done(call()), done(call()), completed(output=[call()])),
    "no ids": sse(done(without(call(), "id", "call_id")), completed()),
    "ids are numbers": sse(done(call(id=1, call_id=2)), completed()),
    "the form of chat completions": sse(
        done({"type": "function", "id": "c", "function": {"name": "weather", "arguments": '{"city": "Kyiv"}'}}),
        completed(),
    ),
    "no final event": sse(done(call())),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_is_made_once_however_it_is_told(make_codex: MakeCodex, repo: Path, name: str) -> None:
    asked: list[str] = []

    @tool
    def weather(city: str) -> str:
        """The weather in a city."""
        asked.append(city)
        return "sunny"

    with ScriptedModel([raw_reply(CALLS[name]), "Sunny."]) as model:
        thread = make_codex(model, tools=[weather]).start_thread(working_directory=repo)
        assert thread.run("go", timeout=HANGS).final_response == "Sunny."
        (made,) = model.last_request.tool_calls
    assert (asked, made.output) == (["Kyiv"], "sunny")


def test_calls_that_share_an_id_are_two(make_codex: MakeCodex, repo: Path) -> None:
    @tool
    def weather(city: str) -> str:
        """The weather in a city."""
        return f"{city} is sunny"

    both = sse(done(call()), done(call('{"city": "Oslo"}', id="fc2")), completed())
    with ScriptedModel([raw_reply(both), "Sunny."]) as model:
        make_codex(model, tools=[weather]).start_thread(working_directory=repo).run("go", timeout=HANGS)
        made = model.last_request.tool_calls
    assert sorted(str(call.output) for call in made) == ["Kyiv is sunny", "Oslo is sunny"]
    assert len({call.call_id for call in made}) == 2


@pytest.mark.parametrize(
    "bad",
    [call('{"city": '), call("Kyiv"), call("[]"), call(name=None), call(name=""), without(call(), "name")],
    ids=["cut off", "no JSON", "a list", "name null", "name empty", "no name"],
)
def test_a_call_that_cannot_be_made_is_answered(make_codex: MakeCodex, repo: Path, bad: dict[str, Any]) -> None:
    @tool
    def weather(city: str) -> str:
        """The weather in a city."""
        raise AssertionError("it was called")

    with ScriptedModel([raw_reply(sse(done(bad), completed())), "I see."]) as model:
        thread = make_codex(model, tools=[weather]).start_thread(working_directory=repo)
        assert thread.run("go", timeout=HANGS).final_response == "I see."
        (made,) = model.last_request.tool_calls
    assert made.output
    assert made.name, "a server would refuse a call without a name in the next request"
    assert "it was called" not in made.output


# ---- what cannot be used ---------------------------------------------------------------------------------------------

USELESS: dict[str, tuple[str, str]] = {
    "a call that is not supported": (
        sse(done({"type": "computer_call", "call_id": "c"}), completed()),
        "computer_call",
    ),
    "a question of the server": (
        sse(done({"type": "mcp_approval_request", "id": "q"}), completed()),
        "mcp_approval_request",
    ),
    "an unknown item": (sse(done({"type": "hologram", "data": "x"}), completed()), "hologram"),
    "a part that cannot be shown": (
        sse(done(message([{"type": "output_audio", "data": "x"}])), completed()),
        "output_audio",
    ),
    "an event that cannot be read": (
        sse('data: {"type": "response.output_item.d\n\n', completed()),
        "response.output_item.d",
    ),
    "the form of chat completions": (
        sse({"object": "chat.completion.chunk", "choices": []}, "data: [DONE]\n\n"),
        "chat completions",
    ),
}


@pytest.mark.parametrize("name", USELESS)
def test_an_answer_that_is_none_fails_and_says_why(make_codex: MakeCodex, repo: Path, name: str) -> None:
    body, why = USELESS[name]
    with ScriptedModel([raw_reply(body)]) as model, pytest.raises(TurnFailedError, match=why) as caught:
        make_codex(model).start_thread(working_directory=repo).run("go", timeout=HANGS)
    assert caught.value.error_class == "unusable_answer"


def test_a_model_may_say_nothing(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel([raw_reply(sse(completed()))]) as model:
        turn = make_codex(model).start_thread(working_directory=repo).run("go", timeout=HANGS)
    assert (turn.status, turn.final_response) == ("completed", "")


@pytest.mark.parametrize(
    ("left_out", "told"),
    [("data: {broken\n\n", "{broken"), (sse(done({"type": "hologram"})), "hologram")],
    ids=["an event", "an item"],
)
def test_what_is_missing_is_told_once_in_a_turn(make_codex: MakeCodex, repo: Path, left_out: str, told: str) -> None:
    @tool
    def weather(city: str) -> str:
        """The weather in a city."""
        return "sunny"

    script = [
        raw_reply(left_out + sse(done(call()), completed())),
        raw_reply(left_out + sse(done(message()), completed())),
    ]
    with ScriptedModel(script) as model:
        thread = make_codex(model, tools=[weather]).start_thread(working_directory=repo)
        with thread.run_streamed("go", timeout=HANGS) as stream:
            warnings = [event.message for event in stream if isinstance(event, WarningEvent)]
    assert stream.turn.final_response == SAID
    assert [told in warning for warning in warnings] == [True]


# ---- errors ----------------------------------------------------------------------------------------------------------

ERRORS: dict[str, str] = {
    "response.failed": sse(
        {"type": "response.failed", "response": {"error": {"code": "server_error", "message": WORDS}}}
    ),
    "without a response": sse({"type": "response.failed", "error": {"message": WORDS}}),
    "a status alone": sse(
        {"type": "response.completed", "response": {"status": "failed", "error": {"message": WORDS}}}
    ),
    "error": sse({"type": "error", "code": None, "message": WORDS, "param": None}),
    "error in error": sse({"type": "error", "error": {"type": "engine", "message": WORDS}}),
    "no type": sse({"error": {"message": WORDS, "type": "None", "code": "500"}}),
    "text": sse({"error": WORDS}),
    "detail": sse({"detail": WORDS}),
    "message": sse({"message": WORDS}),
    "a list": sse({"errors": [{"message": WORDS}]}),
    "JSON in text": sse({"error": {"message": json.dumps({"error": {"message": WORDS}})}}),
    "a provider behind a gateway": sse(
        {
            "error": {
                "code": 502,
                "message": "Provider returned error",
                "metadata": {"raw": json.dumps({"message": WORDS})},
            }
        }
    ),
    "an event of text": f"event: error\ndata: {WORDS}\n\n",
    "after comments": f": processing\n\n{sse({'error': {'message': WORDS}})}",
    "after text": sse(*BEGUN, {"error": {"message": WORDS}}),
}


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_in_the_stream_is_told_at_once(make_codex: MakeCodex, repo: Path, name: str) -> None:
    # The connection stays open: who waits for its end waits until the deadline, which is another error.
    with ScriptedModel([raw_reply(ERRORS[name], stall())], default="next") as model:
        thread = make_codex(model).start_thread(working_directory=repo)
        with pytest.raises(TurnFailedError, match=WORDS):
            thread.run("go", timeout=HANGS)
        assert thread.run("on", timeout=HANGS).final_response == "next", "the thread goes on"


BODIES: dict[str, Any] = {
    "error as text": {"error": WORDS},
    "a code that is a number": {"error": {"message": WORDS, "code": 42}},
    "detail": {"detail": WORDS},
    "detail, a list": {"detail": [{"loc": ["body", "input"], "msg": WORDS, "type": "value_error"}]},
    "message": {"message": WORDS},
    "error and message": {"error": "Bad Request", "message": WORDS, "statusCode": 400},
    "a page": f"<!DOCTYPE html>\n<html><head><title>Oops</title><style>p {{}}</style></head><body><p>{WORDS}</p></body></html>",
    "text": WORDS,
}


@pytest.mark.parametrize("status", [400, 404, 429, 500, 503])
@pytest.mark.parametrize("name", BODIES)
def test_an_http_error_keeps_its_words(make_codex: MakeCodex, repo: Path, name: str, status: int) -> None:
    with (
        ScriptedModel([http_error(status, body=BODIES[name])]) as model,
        pytest.raises(TurnFailedError, match=WORDS) as caught,
    ):
        make_codex(model).start_thread(working_directory=repo).run("go", timeout=HANGS)
    assert caught.value.http_status == status
    assert "<p>" not in str(caught.value)


@pytest.mark.parametrize("content_type", ["text/html", "text/event-stream", "application/json"])
@pytest.mark.parametrize("name", BODIES)
def test_an_error_in_the_place_of_a_stream_keeps_its_words(
    make_codex: MakeCodex, repo: Path, name: str, content_type: str
) -> None:
    body = BODIES[name]
    body = body if isinstance(body, str) else json.dumps(body)
    with ScriptedModel([wrong_content_type(content_type, body)]) as model, pytest.raises(TurnFailedError, match=WORDS):
        make_codex(model).start_thread(working_directory=repo).run("go", timeout=HANGS)


@pytest.mark.parametrize(
    ("fault", "error_class"),
    [
        (http_error(400, body={"error": {"message": WORDS, "code": 42}}), "42"),
        (
            http_error(400, body={"error": {"message": WORDS, "type": "BadRequestError", "code": 400}}),
            "BadRequestError",
        ),
        (http_error(400, WORDS), "badRequest"),
        (http_error(404, WORDS, code="model_not_found"), "model_not_found"),
        (http_error(400, f"{WORDS}: maximum context length is 8192 tokens"), "contextWindowExceeded"),
        (http_error(429, WORDS, code="insufficient_quota"), "usageLimitExceeded"),
        (http_error(503, WORDS, code="slow_down"), "serverOverloaded"),
        (http_error(502, WORDS), "internalServerError"),
        (raw_reply(sse({"error": {"message": WORDS, "code": "engine_down"}})), "engine_down"),
        (raw_reply(sse({"error": {"message": WORDS, "code": 1234}})), "1234"),
        (raw_reply(sse({"type": "response.cancelled", "response": {"message": WORDS}})), "cancelled"),
    ],
    ids=[
        "number",
        "status as code",
        "400",
        "404",
        "context",
        "quota",
        "overloaded",
        "502",
        "code",
        "code in a stream",
        "cancelled",
    ],
)
def test_an_error_has_a_class(make_codex: MakeCodex, repo: Path, fault: Reply, error_class: str) -> None:
    with ScriptedModel([fault], default="next") as model, pytest.raises(TurnFailedError, match=WORDS) as caught:
        make_codex(model).start_thread(working_directory=repo).run("go", timeout=HANGS)
    assert caught.value.error_class == error_class


def test_a_retry_tells_the_words_of_the_error(make_codex: MakeCodex, repo: Path) -> None:
    script: list[Reply | str] = [raw_reply(sse({"error": {"message": WORDS, "code": "engine_down"}})), SAID]
    with ScriptedModel(script) as model:
        thread = make_codex(config=model.provider_config(stream_max_retries=1)).start_thread(working_directory=repo)
        with thread.run_streamed("go", timeout=HANGS) as stream:
            errors = [event for event in stream if isinstance(event, ErrorEvent)]
    assert stream.turn.final_response == SAID
    assert [(error.will_retry, error.details) for error in errors] == [(True, WORDS)]


def test_what_the_server_refuses_is_not_asked_again(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel([http_error(422, WORDS)]) as model:
        thread = make_codex(config=model.provider_config(stream_max_retries=3)).start_thread(working_directory=repo)
        with pytest.raises(TurnFailedError, match=WORDS):
            thread.run("go", timeout=HANGS)
        model.assert_request_count(1)


# ---- refusals, and answers that are cut off --------------------------------------------------------------------------

REFUSED = "I can't help with that."
REFUSALS: dict[str, str] = {
    "whole": sse(
        done(message([{"type": "refusal", "refusal": REFUSED}])),
        completed(usage={"input_tokens": 3, "output_tokens": 2}),
    ),
    "streamed": sse(
        added(message([])),
        {"type": "response.refusal.delta", "item_id": "m", "output_index": 0, "content_index": 0, "delta": REFUSED},
        completed(usage={"input_tokens": 3, "output_tokens": 2}),
    ),
}
SCHEMA = {
    "type": "object",
    "properties": {"steps": {"type": "array", "items": {"type": "string"}}},
    "required": ["steps"],
}


@pytest.mark.parametrize("options", [{}, {"output_schema": SCHEMA}], ids=["plain", "with a schema"])
@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_fails_the_turn_in_its_own_words(
    make_codex: MakeCodex, repo: Path, name: str, options: dict[str, Any]
) -> None:
    with ScriptedModel([raw_reply(REFUSALS[name]), "Gladly."]) as model:
        thread = make_codex(model).start_thread(working_directory=repo)
        with pytest.raises(TurnFailedError) as caught:
            thread.run("go", timeout=HANGS, **options)
        assert (str(caught.value), caught.value.error_class) == (REFUSED, "refusal")
        assert [item.text for item in caught.value.turn.items if isinstance(item, AgentMessage)] == [REFUSED]
        assert caught.value.turn.usage.input_tokens == 3
        assert thread.run("Something else", timeout=HANGS).final_response == "Gladly."
    assert model.last_request.assistant_texts == [REFUSED]


def test_a_refusal_fails_the_turn_on_an_event_loop(codex_home: Path, repo: Path) -> None:
    async def main(model: ScriptedModel) -> TurnFailedError:
        async with AsyncCodex(config=model.provider_config(), codex_home=codex_home, isolated=True) as codex:
            thread = await codex.start_thread(working_directory=repo)
            with pytest.raises(TurnFailedError) as caught:
                await thread.run("go", timeout=HANGS)
            return caught.value

    with ScriptedModel([raw_reply(REFUSALS["whole"])]) as model:
        assert asyncio.run(main(model)).error_class == "refusal"


CUT = {"id": "r", "status": "incomplete", "usage": {"input_tokens": 3, "output_tokens": 2}}


@pytest.mark.parametrize("kind", ["response.incomplete", "response.completed"])
@pytest.mark.parametrize("details", [{"reason": "content_filter"}, "content_filter"], ids=["object", "text"])
def test_a_cut_answer_keeps_what_was_said_and_its_reason(
    make_codex: MakeCodex, repo: Path, kind: str, details: Any
) -> None:
    half_a_call = call('{"ci', id="fc", status="incomplete")
    body = sse(
        *BEGUN, done(half_a_call, output_index=1), {"type": kind, "response": {**CUT, "incomplete_details": details}}
    )
    with ScriptedModel([raw_reply(body)], default="next") as model:
        thread = make_codex(config=model.provider_config(stream_max_retries=2)).start_thread(working_directory=repo)
        with pytest.raises(TurnFailedError, match="content_filter") as caught:
            thread.run("go", timeout=HANGS)
        model.assert_request_count(1)
        assert thread.run("on", timeout=HANGS).final_response == "next"
    error = caught.value
    assert (error.error_class, error.detail.details) == ("incomplete", "content_filter")
    assert [item.text for item in error.turn.items if isinstance(item, AgentMessage)] == [SAID]
    assert error.turn.usage.output_tokens == 2


def test_what_is_well_formed_is_untouched(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel([[text(SAID, deltas=3, phase="final_answer"), usage(input_tokens=3, output_tokens=2)]]) as model:
        thread = make_codex(model).start_thread(working_directory=repo)
        with thread.run_streamed("go", timeout=HANGS) as stream:
            seen = list(stream)
    assert (stream.turn.final_response, stream.turn.usage.total_tokens) == (SAID, 5)
    assert "".join(event.delta for event in seen if isinstance(event, AgentMessageDelta)) == SAID
    assert not {"warning", "error"} & {event.type for event in seen}
