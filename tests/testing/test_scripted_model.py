"""The scripted model server, driven raw with http.client and sockets."""

from __future__ import annotations

import http.client
import json
import math
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from raw_client import Client, Serve, address, ask_once, done_items, envelope, kinds, message, parse, serving

from codex_cffi.testing import (
    ModelRequest,
    ScriptedModel,
    ScriptedModelError,
    apply_patch,
    custom_tool_call,
    delay,
    disconnect,
    drip,
    event,
    failed,
    function_call,
    headers,
    image_generation,
    item,
    provider_config,
    rate_limits,
    reached,
    reasoning,
    reply,
    shell,
    stall,
    structured,
    text,
    usage,
    wait_for,
    web_search,
)

pytest_plugins = ["codex_cffi.testing.pytest_plugin"]

SECRET = "sk-very-secret-0123456789"


@pytest.fixture
def serve() -> Iterator[Serve]:
    with serving() as start:
        yield start


# --- what is streamed -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chunked", [False, True])
def test_text(serve: Serve, chunked: bool) -> None:
    _, client = serve(["Hello, wörld \U0001f30d"], chunked=chunked)
    response = client.ask()
    assert (response.getheader("transfer-encoding") == "chunked") is chunked
    events = parse(response.read())
    assert kinds(events) == [
        "created",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert [e["sequence_number"] for e in events] == list(range(8))
    assert events[0]["response"]["id"] == events[-1]["response"]["id"] == "resp_1"
    assert events[1]["item"]["content"] == []
    (done,) = done_items(events)
    assert done["id"] == events[3]["item_id"] == "msg_1_0"
    assert (done["role"], done["status"]) == ("assistant", "completed")
    assert done["content"][0]["text"] == events[3]["delta"] == "Hello, wörld \U0001f30d"
    assert events[-1]["response"]["usage"]["total_tokens"] == 0
    assert "end_turn" not in events[-1]["response"]


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (text("abcdefg", deltas=3), ["ab", "cd", "efg"]),
        (text("abc", deltas=0), []),
        (text(deltas=["a", "", 'quote " and \\ and \n']), ["a", "", 'quote " and \\ and \n']),
        (text("ab", deltas=["a", "b"]), ["a", "b"]),
        (text(""), []),
    ],
)
def test_text_deltas(serve: Serve, step: Any, expected: list[str]) -> None:
    _, client = serve([step])
    events = client.events()
    assert [e["delta"] for e in events if e["type"] == "response.output_text.delta"] == expected
    if expected:
        assert done_items(events)[0]["content"][0]["text"] == "".join(expected)


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: text("ab", deltas=3), "2 characters cannot be streamed in 3 pieces"),
        (lambda: text("ab", deltas=["a"]), "do not add up"),
        (lambda: text(), "needs a content"),
        (lambda: item({"id": "x"}), 'needs a "type"'),
        (lambda: delay(-1), "0 or more"),
        (lambda: delay(math.nan), "0 or more"),
        (lambda: headers({"Content-Length": "3"}), "framing"),
        (lambda: headers({"x-a": "b\r\nx-c: d"}), "framing"),
        (lambda: disconnect(after_events=0), "1 or more"),
        (lambda: reply(failed("x"), "more"), r"failed\(\) ends the response"),
        (lambda: reply("hi", disconnect(after_events=100)), "only 8 events"),
        (lambda: ScriptedModel().script(["x"]), "needs a condition"),
        (lambda: web_search(), "one of them"),
        (lambda: web_search("x", open_page="y"), "one of them"),
    ],
)
def test_values_that_make_no_sense(make: Callable[[], object], error: str) -> None:
    with pytest.raises(ValueError, match=error):
        make()


def test_types_that_make_no_sense() -> None:
    import asyncio

    with pytest.raises(TypeError, match="put it into a list"):
        ScriptedModel([usage(input_tokens=1)])
    with pytest.raises(TypeError, match="a response is a string"):
        ScriptedModel([42])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="asyncio"):
        wait_for(asyncio.Event())  # type: ignore[arg-type]

    async def respond(_: ModelRequest) -> str:
        return "x"

    with pytest.raises(TypeError, match="cannot be async"):
        ScriptedModel([respond])  # type: ignore[list-item]


def test_reasoning(serve: Serve) -> None:
    steps = [reasoning(["one", "two"], content="raw", deltas=3, encrypted_content="blob"), "answer"]
    _, client = serve([steps])
    events = client.events()
    summary = [e for e in events if e["type"] == "response.reasoning_summary_text.delta"]
    assert [(e["summary_index"], e["delta"]) for e in summary] == [
        (i, c) for i, w in enumerate(["one", "two"]) for c in w
    ]
    assert [e["summary_index"] for e in events if e["type"] == "response.reasoning_summary_part.added"] == [0, 1]
    content = [e for e in events if e["type"] == "response.reasoning_text.delta"]
    assert [(e["content_index"], e["delta"]) for e in content] == [(0, "r"), (0, "a"), (0, "w")]
    thought, answer = done_items(events)
    assert thought == {
        "type": "reasoning",
        "id": "rs_1_0",
        "summary": [{"type": "summary_text", "text": "one"}, {"type": "summary_text", "text": "two"}],
        "content": [{"type": "reasoning_text", "text": "raw"}],
        "encrypted_content": "blob",
    }
    assert answer["id"] == "msg_1_1"


def test_parallel_calls(serve: Serve) -> None:
    steps = [
        function_call("get", {"a": "ü"}, call_id="mine", namespace="mcp__x"),
        function_call("get", "{broken"),
        shell("ls", workdir="/tmp"),
        apply_patch("*** Begin Patch\n*** End Patch", deltas=2),
        custom_tool_call("sql", "select 1", namespace="db"),
    ]
    _, client = serve([steps, steps])
    events = client.events()
    first, broken, ls, patch, sql = done_items(events)
    assert (first["call_id"], first["namespace"], first["arguments"]) == ("mine", "mcp__x", '{"a":"ü"}')
    assert (broken["call_id"], broken["arguments"]) == ("call_1_1", "{broken")
    assert "namespace" not in broken
    assert (ls["name"], json.loads(ls["arguments"])) == ("exec_command", {"cmd": "ls", "workdir": "/tmp"})
    assert (patch["type"], patch["name"], patch["call_id"]) == ("custom_tool_call", "apply_patch", "call_1_3")
    assert patch["input"].startswith("*** Begin Patch")
    assert (sql["namespace"], sql["input"]) == ("db", "select 1")
    deltas = [e["delta"] for e in events if e["type"] == "response.custom_tool_call_input.delta"]
    assert "".join(deltas) == patch["input"] + sql["input"]
    added = [e["item"] for e in events if e["type"] == "response.output_item.added"]
    assert [e.get("arguments", e.get("input")) for e in added] == [""] * 5
    assert [e["output_index"] for e in events if e["type"] == "response.output_item.done"] == [0, 1, 2, 3, 4]
    # Served again, the same script has ids of its own.
    assert [i["call_id"] for i in done_items(client.events())] == ["mine", *(f"call_2_{k}" for k in range(1, 5))]


def test_web_search_item_and_event(serve: Serve) -> None:
    image = {"type": "image_generation_call", "status": "completed", "result": "aGk="}
    _, client = serve([[web_search("cats"), item(image), event("response.metadata", metadata={"k": 1})]])
    events = client.events()
    search, picture = done_items(events)
    assert search["action"] == {"type": "search", "query": "cats"}
    assert picture == {"id": "item_1_1", **image}
    assert [e["metadata"] for e in events if e["type"] == "response.metadata"] == [{"k": 1}]


def test_hosted_items_and_structured_output(serve: Serve) -> None:
    steps = [
        web_search(open_page="https://x"),
        web_search(find_in_page=("https://x", "cats")),
        image_generation(b"hi", revised_prompt="A cat"),
        structured({"ok": True, "why": "ü"}, deltas=3),
    ]
    _, client = serve([steps])
    page, find, image, answer = done_items(client.events())
    assert page["action"] == {"type": "open_page", "url": "https://x"}
    assert find["action"] == {"type": "find_in_page", "url": "https://x", "pattern": "cats"}
    assert (image["type"], image["result"], image["revised_prompt"]) == ("image_generation_call", "aGk=", "A cat")
    assert json.loads(answer["content"][0]["text"]) == {"ok": True, "why": "ü"}


def test_usage_and_end_turn(serve: Serve) -> None:
    counts = usage(input_tokens=10, cached_input_tokens=4, cache_write_input_tokens=2, output_tokens=5)
    _, client = serve([[counts, "hi"], reply("hi", usage(total_tokens=99, reasoning_output_tokens=3), end_turn=False)])
    assert client.events()[-1]["response"]["usage"] == {
        "input_tokens": 10,
        "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 15,
    }
    response = client.events()[-1]["response"]
    assert response["usage"]["total_tokens"] == 99
    assert response["end_turn"] is False


def test_rate_limits_and_headers(serve: Serve) -> None:
    steps = [
        rate_limits(primary_used_percent=42.5, primary_window_minutes=300, primary_resets_at=1893456000),
        rate_limits(secondary_used_percent=1, limit_id="codex_other", limit_name="Other"),
        rate_limits(has_credits=True, unlimited_credits=False, credits_balance="12.5"),
        headers({"X-Codex-Turn-State": "sticky"}),
        "hi",
    ]
    _, client = serve([steps])
    response = client.ask()
    response.read()
    got = dict(response.getheaders())
    assert got["x-codex-primary-used-percent"] == "42.5"
    assert got["x-codex-primary-window-minutes"] == "300"
    assert got["x-codex-primary-reset-at"] == "1893456000"
    assert got["x-codex-other-secondary-used-percent"] == "1"
    assert got["x-codex-other-limit-name"] == "Other"
    assert got["x-codex-credits-has-credits"] == "true"
    assert got["x-codex-credits-unlimited"] == "false"
    assert got["x-codex-credits-balance"] == "12.5"
    assert got["x-codex-turn-state"] == "sticky"
    assert got["x-request-id"] == "req_1"


def test_dynamic_response(serve: Serve) -> None:
    def respond(request: ModelRequest) -> Any:
        return [f"you said {request.user_texts[-1]}", usage(input_tokens=len(request.input))]

    _, client = serve(default=respond)
    for word in ("one", "two"):
        events = client.events(word)
        assert done_items(events)[0]["content"][0]["text"] == f"you said {word}"


def test_id_prefix(serve: Serve) -> None:
    _, client = serve(["hi"], id_prefix="b")
    assert client.events()[0]["response"]["id"] == "resp_b1"


# --- time -------------------------------------------------------------------------------------------------------------


def test_wait_for_and_reached(serve: Serve) -> None:
    started, gate = threading.Event(), threading.Event()
    model, client = serve([[text("first"), reached(started), wait_for(gate), text("second")], "next"])
    response = client.ask()
    assert started.wait(10)
    first = b""
    while kinds(parse(first))[-1:] != ["output_item.done"]:
        first += response.read1()
    gate.set()
    events = parse(first + response.read())
    assert kinds(events)[-1] == "completed"
    assert [i["content"][0]["text"] for i in done_items(events)] == ["first", "second"]
    client.events()
    assert model.connections == 1


def test_delay_keeps_order_and_connection(serve: Serve) -> None:
    model, client = serve([[delay(0), "a", delay(0.01), "b", delay(0.001)], "next"])
    assert [i["content"][0]["text"] for i in done_items(client.events())] == ["a", "b"]
    client.events()
    assert model.connections == 1


def test_wait_for_times_out_into_an_error(serve: Serve) -> None:
    model, client = serve([["a", wait_for(threading.Event(), timeout=0.01)]])
    with pytest.raises(http.client.IncompleteRead):
        client.ask().read()
    assert model.requests[0].wait_finished()
    with pytest.raises(ScriptedModelError, match="in vain"):
        model.check()


@pytest.mark.parametrize("pause", [stall(), delay(3600), wait_for(threading.Event(), timeout=3600), drip(0.005)])
def test_client_that_leaves_is_noticed(serve: Serve, pause: Any) -> None:
    model, client = serve([["a", pause]])
    client.ask().read1(10)
    client.close()
    (request,) = model.requests
    assert request.wait_finished()
    assert request.disconnected


@pytest.mark.parametrize("pause", [stall(), delay(3600), wait_for(threading.Event(), timeout=3600), drip(0.005)])
def test_close_ends_pauses(pause: Any) -> None:
    with ScriptedModel([["a", pause]]) as model:
        client = Client(model)
        response = client.ask()
        response.read1(10)
        model.close()
        with pytest.raises(http.client.IncompleteRead):
            response.read()
        client.close()
        assert model.requests[0].wait_finished()
        assert not model.requests[0].disconnected


def test_close_ends_a_pause_although_the_client_has_sent_ahead() -> None:
    with ScriptedModel([["a", stall()]]) as model, socket.create_connection(address(model)) as sock:
        sock.sendall(http_bytes(envelope("hi")) * 2)
        assert sock.recv(10)
        model.close()
        assert model.requests[0].wait_finished()


def http_bytes(what: dict[str, Any], path: str = "/v1/responses") -> bytes:
    body: bytes = what["body"].encode()
    return f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


# --- which script -----------------------------------------------------------------------------------------------------


def test_scripts_by_condition(serve: Serve) -> None:
    model, client = serve(["main"], default="default")
    model.script(["by thread"], thread_id="t1")
    model.script(["by session"], session_id="s1")
    model.script(["by cache key"], session_id="s2", default="again")
    model.script(["by model"], when=lambda request: request.model == "gpt-special")
    model.script(["both"], user_text="x", thread_id="t2")

    def said(user: str = "hi", **options: Any) -> str:
        return str(done_items(client.events(user, **options))[0]["content"][0]["text"])

    assert said(header={"thread-id": "t1"}) == "by thread"
    assert said(client_metadata={"session_id": "s1"}) == "by session"
    assert said(prompt_cache_key="s2") == "by cache key"
    assert said(prompt_cache_key="s2") == "again"
    assert said(model="gpt-special") == "by model"
    assert said("y", header={"thread-id": "t2"}) == "main"
    assert said("x", header={"thread-id": "t2"}) == "both"
    assert said("x", header={"thread-id": "t2"}) == "default"
    assert [r.script for r in model.requests][:2] == ["thread_id='t1'", "session_id='s1'"]
    model.check()


def test_a_thread_that_matched_a_text_keeps_matching(serve: Serve) -> None:
    model, client = serve()
    script = model.script(["1", "2"], user_text="[a]", name="a")
    client.events("[a]", header={"thread-id": "t"})
    client.events("summary of what went before", header={"thread-id": "t"})
    assert (script.served, script.remaining) == (2, 0)
    model.assert_done()


def said(client: Client, user: str, **options: Any) -> str:
    return str(done_items(client.events(user, **options))[0]["content"][0]["text"])


def test_the_longer_one_of_two_texts_is_meant(serve: Serve) -> None:
    model, client = serve()
    for n in (1, 12, 123):
        model.script([f"{n}a", f"{n}b"], user_text=f"task {n}")
    for n in (123, 1, 12):
        assert said(client, f"do task {n}", header={"thread-id": f"t{n}"}) == f"{n}a"
    for n in (12, 123, 1):
        assert said(client, "summary", header={"thread-id": f"t{n}"}) == f"{n}b"
    model.assert_done()


def test_a_script_by_regular_expression(serve: Serve) -> None:
    model, client = serve(default="default")
    model.script(["yes"], user_text=re.compile(r"task \d+$"))
    assert said(client, "task x") == "default"
    assert said(client, "task 17") == "yes"


def test_each_thread_has_the_script_of_its_own(serve: Serve) -> None:
    model, client = serve()
    script = model.script(["1", "2"], each_thread=True)
    assert script.remaining == 2
    assert said(client, "x", header={"thread-id": "a"}) == "1"
    assert said(client, "x", header={"thread-id": "b"}) == "1"
    with pytest.raises(ScriptedModelError, match="script 'each_thread': 2 of 4 never asked for, next is text"):
        model.assert_done()
    script.add("3")
    assert [said(client, "x", header={"thread-id": "a"}) for _ in range(2)] == ["2", "3"]
    assert [said(client, "x", header={"thread-id": "c"}) for _ in range(3)] == ["1", "2", "3"]
    assert script.remaining == 2
    assert model.thread_ids == ["a", "b", "c"]
    assert [len(model.requests_of(t)) for t in "abc"] == [3, 1, 3]


def test_context_in_the_users_name_does_not_select_a_script(serve: Serve) -> None:
    model, client = serve(default="default")
    model.script(["wrong"], user_text="[a]")
    client.events("hi", input=[message("user", "<environment_context>[a]</environment_context>")])
    assert model.requests[0].script == "main"


# --- errors of the script ---------------------------------------------------------------------------------------------


def test_exhausted_script() -> None:
    model = ScriptedModel(["only"]).start()
    client = Client(model)
    client.events()
    answer = client.ask("one too many")
    assert answer.status == 400
    error = json.loads(answer.read())["error"]
    assert error["code"] == "script_exhausted"
    assert "script exhausted: 'main' had 1 responses" in error["message"]
    assert "one too many" in error["message"]
    client.close()
    with pytest.raises(ScriptedModelError, match="script exhausted"):
        model.close()
    with pytest.raises(ScriptedModelError, match="script exhausted"):
        model.assert_done()
    model.close()


def test_errors_surface_at_the_end_of_the_block_unless_it_raised() -> None:
    with pytest.raises(ScriptedModelError, match="script exhausted"), ScriptedModel() as model:
        ask_once(model)
    with pytest.raises(ZeroDivisionError), ScriptedModel() as model:  # noqa: PT012
        ask_once(model)
        raise ZeroDivisionError


def test_errors_that_were_raised_are_not_raised_again_at_the_end() -> None:
    with ScriptedModel() as model:
        ask_once(model)
        with pytest.raises(ScriptedModelError, match="exhausted"):
            model.check()


def test_no_script_is_meant(serve: Serve) -> None:
    model, client = serve()
    model.script(["x"], thread_id="t1")
    answer = client.ask()
    assert json.loads(answer.read())["error"]["code"] == "no_script"
    with pytest.raises(ScriptedModelError, match=r"no script is meant.*thread_id='t1'"):
        model.check()


def test_response_function_that_raises(serve: Serve) -> None:
    def broken(_: ModelRequest) -> str:
        raise KeyError("oops")

    model, client = serve([broken, lambda _: 42])
    for _ in range(2):
        answer = client.ask()
        assert answer.status == 400
        assert json.loads(answer.read())["error"]["code"] == "script_error"
    with pytest.raises(ScriptedModelError, match=r"(?s)KeyError: 'oops'.*TypeError: a response is"):
        model.check()


def test_compressed_request(serve: Serve) -> None:
    model, client = serve(["hi"])
    answer = client.ask(header={"content-encoding": "zstd"})
    assert answer.status == 415
    assert "enable_request_compression" in json.loads(answer.read())["error"]["message"]
    with pytest.raises(ScriptedModelError, match="compressed"):
        model.check()


def test_body_that_is_not_json(serve: Serve) -> None:
    model, client = serve(["hi"])
    client.http.request("POST", "/v1/responses", b"\xff{")
    client.http.getresponse().read()
    with pytest.raises(ValueError, match="not JSON"):
        _ = model.requests[0].body
    assert "unreadable body" in repr(model.requests[0])


# --- other paths ------------------------------------------------------------------------------------------------------


def test_models(serve: Serve) -> None:
    model, client = serve(models=[{"slug": "gpt-x"}])
    client.http.request("GET", "/v1/models?client_version=1.2.3")
    answer = json.loads(client.http.getresponse().read())
    assert answer["models"] == [{"slug": "gpt-x"}]
    assert answer["data"][0]["id"] == "gpt-x"
    (request,) = model.models_requests
    assert request.query == "client_version=1.2.3"
    assert model.requests == model.unexpected == []


def test_websocket_is_refused(serve: Serve) -> None:
    model, client = serve(["hi"])
    client.http.request("GET", "/v1/responses", headers={"connection": "Upgrade", "upgrade": "websocket"})
    answer = client.http.getresponse()
    answer.read()
    assert answer.status == 426
    client.events()
    assert len(model.websocket_attempts) == 1
    model.assert_no_unexpected()


def test_unexpected_requests(serve: Serve) -> None:
    model, client = serve(["hi"])
    for method, path, status in [("POST", "/v1/nope", 404), ("GET", "/v1/responses", 405), ("HEAD", "/", 404)]:
        client.http.request(method, path)
        answer = client.http.getresponse()
        answer.read()
        assert answer.status == status
    client.events()
    assert [r.path for r in model.unexpected] == ["/v1/nope", "/v1/responses", "/"]
    model.assert_request_count(1)
    with pytest.raises(ScriptedModelError, match="POST /v1/nope"):
        model.assert_no_unexpected()
    model.check()


# --- what is recorded -------------------------------------------------------------------------------------------------


def test_recorded_request(serve: Serve) -> None:
    conversation = [
        message("user", "# AGENTS.md instructions for /x\n\n<INSTRUCTIONS>\nbe nice\n</INSTRUCTIONS>"),
        message("developer", "permissions"),
        {"role": "assistant", "content": [{"type": "output_text", "text": "earlier"}]},
        {"type": "function_call", "name": "f", "arguments": "{}", "call_id": "c1"},
        {"type": "function_call_output", "call_id": "c1", "output": "plain"},
        {
            "type": "custom_tool_call_output",
            "call_id": "c2",
            "output": [{"type": "input_text", "text": "a"}, {"type": "input_image", "image_url": "data:"}],
        },
        {"type": "additional_tools", "role": "developer", "tools": [{"type": "custom", "name": "late"}]},
    ]
    tools = [
        {"type": "function", "name": "f"},
        {"type": "namespace", "name": "mcp__x", "tools": [{"type": "function", "name": "g"}]},
        {"type": "web_search"},
    ]
    model, client = serve(["hi"])
    client.events(
        "real",
        input=conversation,
        tools=tools,
        instructions="base",
        reasoning={"effort": "high"},
        text={"format": {"type": "json_schema", "schema": {"type": "object"}}},
        prompt_cache_key="s1",
        client_metadata={"turn_id": "turn1", "x-openai-subagent": "review", "x-codex-parent-thread-id": "t0"},
        header={
            "thread-id": "t1",
            "Session-Id": "s1",
            "x-codex-turn-metadata": json.dumps({"request_kind": "compaction"}),
        },
    )
    (request,) = model.requests
    assert (request.number, request.method, request.path, request.status) == (1, "POST", "/v1/responses", 200)
    assert request.model == "gpt-test"
    assert request.instructions == "base"
    assert request.user_texts == ["real"]
    assert len(request.context_texts) == 1
    assert request.developer_texts == ["permissions"]
    assert request.assistant_texts == ["earlier"]
    assert len(request.input_texts) == 4
    assert request.tool_names == ["f", "mcp__x.g", "web_search", "late"]
    assert request.function_outputs == {"c1": "plain", "c2": "a"}
    assert request.items("function_call")[0]["name"] == "f"
    assert request.output_schema == {"type": "object"}
    assert request.reasoning_effort == "high"
    assert (request.thread_id, request.session_id, request.turn_id) == ("t1", "s1", "turn1")
    assert (request.prompt_cache_key, request.subagent, request.parent_thread_id) == ("s1", "review", "t0")
    assert request.kind == "compaction"
    assert request.headers["SESSION-ID"] == "s1"
    assert request.wait_finished()
    assert not request.disconnected


def test_secrets_are_never_shown(serve: Serve) -> None:
    model, client = serve(["hi"])
    sent = {"Authorization": f"Bearer {SECRET}", "x-api-key": SECRET, "Cookie": SECRET, "x-plain": "visible"}
    client.events(header=sent)
    client.ask(header=sent).read()
    request = model.requests[0]
    assert request.bearer_token_matches(SECRET)
    assert not request.bearer_token_matches("other")
    assert request.headers.matches("X-Api-Key", SECRET)
    assert request.headers.matches("x-plain", "visible")
    assert not request.headers.matches("x-missing", "")
    shown = [repr(request), repr(request.headers), str(dict(request.headers)), repr(model), *model.errors]
    shown += [str(request.headers[name]) for name in request.headers]
    with pytest.raises(ScriptedModelError) as caught:
        model.assert_request_count(7)
    shown.append(str(caught.value))
    assert not any(SECRET in line for line in shown)
    assert request.headers["authorization"] == "[redacted]"
    # What is shown are the headers that every request has: any other may carry a credential of the program's.
    assert request.headers["x-plain"] == "visible"
    assert "visible" not in repr(request.headers)
    assert "'content-type': 'application/json'" in repr(request.headers)


def test_keep_requests(serve: Serve) -> None:
    model, client = serve(default="hi", keep_requests=2)
    for _ in range(5):
        client.events()
    assert [r.number for r in model.requests] == [4, 5]
    model.assert_request_count(5)


def test_wait_for_requests(serve: Serve) -> None:
    model, client = serve(default="hi")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(model.wait_for_requests, 2)
        client.events()
        client.events()
        assert len(waiting.result(10)) == 2
    with pytest.raises(ScriptedModelError, match="for 3 requests, got 2"):
        model.wait_for_requests(3, timeout=0.01)


# --- assertions -------------------------------------------------------------------------------------------------------


def test_assert_done_names_what_is_left(serve: Serve) -> None:
    model, client = serve(["a", [shell("ls"), usage()]])
    model.script([lambda _: "x"], thread_id="t1", name="worker")
    client.events()
    with pytest.raises(ScriptedModelError) as caught:
        model.assert_done()
    assert "script 'main': 1 of 2 never asked for, next is function_call('exec_command'), usage(...)" in str(
        caught.value
    )
    assert "script 'worker': 1 of 1 never asked for, next is function <lambda>" in str(caught.value)


def test_assert_request_count_lists_requests(serve: Serve) -> None:
    model, client = serve(["a"])
    client.events("fix it", header={"thread-id": "t1"})
    model.assert_request_count(1)
    with pytest.raises(
        ScriptedModelError, match=r"expected 3 requests, got 1:\n.*#1, thread t1, last user text 'fix it'"
    ):
        model.assert_request_count(3)


def test_assert_tool_output(serve: Serve) -> None:
    model, client = serve(["a"])
    client.events(input=[{"type": "function_call_output", "call_id": "c1", "output": "3 passed"}])
    assert model.assert_tool_output("c1") == "3 passed"
    model.assert_tool_output("c1", contains="passed", equals="3 passed")
    for call_id, expected, error in [
        ("c2", {}, "no output for call 'c2' came back; outputs came for: 'c1'"),
        ("c1", {"contains": "failed"}, "does not contain 'failed':\n3 passed"),
        ("c1", {"equals": "3"}, "is not '3':\n3 passed"),
    ]:
        with pytest.raises(ScriptedModelError, match=error):
            model.assert_tool_output(call_id, **expected)


def test_assertions_about_tools(serve: Serve) -> None:
    model, client = serve(default="a")
    with pytest.raises(ScriptedModelError, match="nothing has been asked"):
        _ = model.last_request
    conversation = [
        {"type": "function_call", "name": "exec_command", "arguments": '{"cmd":"ls","tty":false}', "call_id": "c1"},
        {"type": "function_call_output", "call_id": "c1", "output": "README"},
        {"type": "function_call", "name": "find", "namespace": "mcp__x", "arguments": "{broken", "call_id": "c2"},
    ]
    tools = [
        {"type": "function", "name": "f", "parameters": {"required": ["a"]}},
        {"type": "namespace", "name": "mcp__x", "tools": [{"type": "function", "name": "find"}]},
    ]
    client.events("hi", input=conversation, tools=tools, header={"thread-id": "t1"})
    answered = {"type": "function_call_output", "call_id": "c2", "output": "found"}
    sql = {"type": "custom_tool_call", "name": "sql", "input": "select 1", "call_id": "c3"}
    client.events("hi", input=[*conversation, answered, sql], tools=tools, header={"thread-id": "t1"})

    call = model.assert_called_tool("shell", {"cmd": "ls"}, output_contains="README", times=1, thread_id="t1")
    assert (call.name, call.arguments["tty"], call.output, call.thread_id) == ("exec_command", False, "README", "t1")
    assert model.assert_called_tool("mcp__x.find").output == model.assert_called_tool("find").output == "found"
    assert model.assert_called_tool("find", contains="brok").arguments == "{broken"
    assert model.assert_called_tool("sql", "select 1").output is None
    assert [c.call_id for c in model.tool_calls] == ["c1", "c2", "c3"]
    model.assert_tool_not_called("f")
    assert model.assert_tool_offered("f")["parameters"] == {"required": ["a"]}
    assert model.assert_tool_offered("mcp__x.find") == model.assert_tool_offered("find") == {**tools[1]["tools"][0]}
    assert model.assert_user_text("hi", thread_id="t1") is model.requests[0]
    assert model.last_request.user_text == "hi"
    assert model.last_request.tool_output("c1") == "README"
    for check, error in [
        (
            lambda: model.assert_called_tool("shell", {"cmd": "pwd"}),
            r"at least one call of 'shell', with .*got 0; all c",
        ),
        (lambda: model.assert_called_tool("shell", times=2), r"2 calls of 'shell', got 1"),
        (lambda: model.assert_called_tool("shell", contains="x", output_contains="y"), "containing 'x', whose output"),
        (lambda: model.assert_called_tool("shell", thread_id="t2"), "all calls:\n  none"),
        (lambda: model.assert_called_tool("g"), r"exec_command\({.*}\) -> 'README' \[c1\]\n  mcp__x.find\({broken\)"),
        (lambda: model.assert_tool_not_called("sql"), "expected no call of 'sql', got 1:\n.*no output yet"),
        (lambda: model.assert_tool_offered("g"), r"'g' is not offered .*\['f', 'mcp__x.find'\]"),
        (lambda: model.assert_user_text("bye"), "no request says 'bye'"),
        (lambda: model.last_request.tool_output("c9"), "no output of call 'c9'; it has outputs of: 'c1', 'c2'"),
    ]:
        with pytest.raises(AssertionError, match=error):
            check()


# --- life -------------------------------------------------------------------------------------------------------------


def test_life() -> None:
    model = ScriptedModel("one lone response")
    with pytest.raises(RuntimeError, match="not started"):
        _ = model.base_url
    model.close()
    model = ScriptedModel("one lone response")
    with model.start() as same:
        assert same is model
        client = Client(model)
        client.events()
        where = address(model)
        with pytest.raises(RuntimeError, match="started before"):
            model.start()
    client.close()
    model.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(where, timeout=10)
    assert not any(thread.name == "scripted-model" for thread in threading.enumerate())
    assert "closed: 1 requests, 0 responses remaining" in repr(model)


def test_provider_config() -> None:
    assert provider_config("http://127.0.0.1:1/v1") == {
        "model_provider": "mock",
        "model_providers": {
            "mock": {
                "name": "Scripted model",
                "base_url": "http://127.0.0.1:1/v1",
                "wire_api": "responses",
                "requires_openai_auth": False,
                "supports_websockets": False,
                "request_max_retries": 0,
                "stream_max_retries": 0,
            }
        },
    }
    with ScriptedModel() as model:
        config = model.provider_config(
            provider_id="p", bearer_token="t", stream_idle_timeout_ms=500, http_headers={"x-team": "a"}
        )
        provider = config["model_providers"][config["model_provider"]]
        assert provider["base_url"] == model.base_url
        assert provider["experimental_bearer_token"] == "t"
        assert provider["stream_idle_timeout_ms"] == 500
        assert provider["http_headers"] == {"x-team": "a"}


def test_fixtures(scripted_model: ScriptedModel, scripted_model_factory: Callable[..., ScriptedModel]) -> None:
    scripted_model.add("a", "b")
    other = scripted_model_factory(["c"], chunked=True)
    for model in (scripted_model, scripted_model, other):
        client = Client(model)
        client.events()
        client.close()
        assert model.errors == []
    scripted_model.assert_done()
    other.assert_done()


def test_needs_only_the_standard_library() -> None:
    # By path, so that the package around it is not what is imported.
    code = (
        "import sys; before = set(sys.modules); import codex_cffi.testing\n"
        "new = {n.partition('.')[0] for n in set(sys.modules) - before} - set(sys.stdlib_module_names)\n"
        "mine = {n for n in sys.modules if n.startswith('codex_cffi.') and not n.startswith('codex_cffi.testing')}\n"
        "print(sorted(new - {'codex_cffi'}), sorted(mine))"
    )
    root = __import__("pathlib").Path(__file__).parents[2]
    stub = f"import sys, types; p = types.ModuleType('codex_cffi'); p.__path__ = [{str(root / 'codex_cffi')!r}]; "
    stub += "sys.modules['codex_cffi'] = p\n"
    result = subprocess.run([sys.executable, "-I", "-c", stub + code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[] []"
