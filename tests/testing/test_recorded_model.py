"""Record and replay, driven raw with http.client; the scripted model plays the real one."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import socket
import stat
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from codex_cffi.testing import (
    ModelServer,
    RecordedModel,
    RecordedModelError,
    ScriptedModel,
    custom_tool_call,
    delay,
    disconnect,
    drip,
    event,
    function_call,
    hang_up,
    headers,
    http_error,
    malformed_event,
    rate_limited,
    rate_limits,
    raw,
    reached,
    reasoning,
    refused_base_url,
    server_error,
    shell,
    stall,
    text,
    truncated_event,
    unauthorized,
    usage,
    wait_for,
    wrong_content_type,
)

SECRET = "hunter2-marker-77"
KEY = "sk-proj-Marker0123456789abcdef"


class Client:
    """One keep-alive connection of one agent thread, which keeps the conversation as the engine does."""

    def __init__(self, model: ModelServer, thread: str | None = "t1", cwd: str = "/work/somewhere/repo") -> None:
        address = model.base_url.removeprefix("http://").removesuffix("/v1")
        self.http = http.client.HTTPConnection(address, timeout=20)
        self.thread = thread
        self.input = [message("user", f"<environment_context>\n<cwd>{cwd}</cwd>\n</environment_context>")]

    def ask(self, prompt: str | None = "hi", header: dict[str, str] | None = None, **body: Any) -> Any:
        if prompt is not None:
            self.input.append(message("user", prompt))
        content = {"model": "gpt-test", "instructions": "Be nice. " * 20, "input": self.input, "stream": True, **body}
        sent = {"user-agent": "codex_cffi/1.2.3 (secret machine)", **(header or {})}
        if self.thread:
            sent["thread-id"] = self.thread
        self.http.request("POST", "/v1/responses", json.dumps(content), sent)
        return self.http.getresponse()

    def said(self, prompt: str | None = "hi", **options: Any) -> str:
        """Ask; what the model says, which goes into the conversation."""
        response = self.ask(prompt, **options)
        data = response.read()
        assert response.status == 200, data.decode()
        texts = []
        for line in data.decode().splitlines():
            if line.startswith("data: {"):
                value = json.loads(line[6:])
                if value["type"] == "response.output_item.done":
                    self.input.append(value["item"])
                    texts += [part["text"] for part in value["item"].get("content") or []]
        return "".join(texts)

    def close(self) -> None:
        self.http.close()


def message(role: str, content: str) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": [{"type": "input_text", "text": content}]}


def output(call_id: str, content: str) -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call_id, "output": content}


@pytest.fixture
def cassette(tmp_path: Path) -> Path:
    return tmp_path / "cassettes" / "test.json"


def record(path: Path, upstream: ScriptedModel, **options: Any) -> RecordedModel:
    return RecordedModel(path, upstream=upstream.base_url, mode="record", **options)


def replay(path: Path, **options: Any) -> RecordedModel:
    return RecordedModel(path, upstream="http://127.0.0.1:1/gone", mode="replay", **options)


# --- what is recorded comes back --------------------------------------------------------------------------------------


def test_a_conversation_with_tools_comes_back(cassette: Path) -> None:
    script = [
        [
            reasoning("Hm", encrypted_content="blob" * 50),
            shell("ls", call_id="c1"),
            custom_tool_call("sql", "select 1", call_id="c2"),
        ],
        [text("Two wörld \U0001f30d files.", deltas=5), usage(input_tokens=7), rate_limits(primary_used_percent=42)],
    ]

    def run(model: RecordedModel) -> tuple[Any, Any]:
        client = Client(model)
        client.said("What is here?")
        client.input += [output("c1", "a\nb"), {**output("c2", "1"), "type": "custom_tool_call_output"}]
        response = client.ask(None)
        data = response.read()
        client.close()
        assert model.assert_called_tool("shell", {"cmd": "ls"}).output == "a\nb"
        model.assert_called_tool("sql", "select 1", output_contains="1")
        return response.getheader("x-codex-primary-used-percent"), re.sub(rb"\s", b"", data)

    with ScriptedModel(script) as upstream, record(cassette, upstream) as model:
        assert model.recording
        recorded = run(model)
        assert not cassette.exists(), "written at the end"
    with replay(cassette) as model:
        assert not model.recording
        assert run(model) == recorded
        model.assert_done()
        assert "replaying" in repr(model)
    assert b"Two" in recorded[1]
    assert recorded[0] == "42"


def test_the_file_is_private_readable_and_stable(cassette: Path) -> None:
    def run(name: str) -> str:
        path = cassette.with_name(name)
        with ScriptedModel([[shell("ls", call_id="c1")], "done"]) as upstream, record(path, upstream) as model:
            client = Client(model)
            client.said()
            client.input.append(output("c1", "a"))
            client.said(None)
            client.close()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert list(path.parent.glob(".*")) == []
        return path.read_text()

    whole = run("a.json")
    value = json.loads(whole)
    assert value["codex_cassette"] == 1
    assert value["client"] == "codex_cffi/1.2.3"
    first, second = value["exchanges"]
    assert first["request"]["body"]["instructions"].startswith("Be nice.")
    assert second["request"]["body"]["instructions"] == {"$same": 1}
    assert second["request"]["body"]["input"][0] == {"$same": 1, "$items": 2}
    assert [item["type"] for item in second["request"]["body"]["input"][1:]] == [
        "function_call",
        "function_call_output",
    ]
    kinds = [row["data"]["type"] for row in second["response"]["events"]]
    assert (kinds[0], kinds[-1]) == ("response.created", "response.completed")
    assert sum("response.output_item.done" in line for line in whole.splitlines()) == 2, "one line per event"
    assert re.sub(r'"at": \d+', "", whole) == re.sub(r'"at": \d+', "", run("b.json")), "recording again changes nothing"


def test_a_stream_is_passed_on_as_it_comes(cassette: Path) -> None:
    gate, sent = threading.Event(), threading.Event()
    script = [[text("first"), reached(sent), wait_for(gate), text("second")]]
    with ScriptedModel(script) as upstream, record(cassette, upstream) as model:
        client = Client(model)
        response = client.ask()
        assert sent.wait(10)
        seen = b""
        while b"output_item.done" not in seen:
            seen += response.read1()
        assert b"second" not in seen
        gate.set()
        assert b"second" in response.read()
        client.close()


def test_pauses_are_replayed_on_demand(cassette: Path) -> None:
    with ScriptedModel([["a", delay(0.3), "b"]]) as upstream, record(cassette, upstream) as model:
        ask_once(model)
    for realtime in (False, True):
        with replay(cassette, realtime=realtime) as model:
            began = time.monotonic()
            ask_once(model)
            assert (time.monotonic() - began > 0.25) is realtime


def ask_once(model: ModelServer, user: str = "hi", **options: Any) -> tuple[int, bytes]:
    client = Client(model)
    try:
        response = client.ask(user, **options)
        return response.status, response.read()
    finally:
        client.close()


@pytest.mark.parametrize(
    "response",
    [
        rate_limited(20),
        server_error(503),
        http_error(400, "no", code="bad"),
        http_error(502, body="<html>bad gateway</html>"),
        wrong_content_type(),
        [
            malformed_event("{nope"),
            raw(b"\xff\xfe\n\n"),
            raw('event: x\ndata: {"type":"x","lone":"\\ud800"}\n\n'),
            "still here",
        ],
        [drip(0, count=2), "x"],
    ],
)
def test_answers_of_all_kinds_come_back(cassette: Path, response: Any) -> None:
    def run(model: RecordedModel) -> tuple[Any, ...]:
        client = Client(model)
        answer = client.ask()
        data = answer.read()
        client.close()
        if "json" in answer.getheader("content-type"):
            data = json.loads(data)
        return answer.status, answer.getheader("content-type"), answer.getheader("retry-after"), data

    with ScriptedModel([response]) as upstream, record(cassette, upstream) as model:
        recorded = run(model)
    with replay(cassette) as model:
        assert run(model) == recorded


@pytest.mark.parametrize(
    ("steps", "error"),
    [
        (["half", disconnect()], http.client.IncompleteRead),
        (["half", truncated_event()], http.client.IncompleteRead),
        (["half", delay(0.05), disconnect(reset=True)], (ConnectionResetError, http.client.IncompleteRead)),
        (hang_up(), http.client.RemoteDisconnected),
    ],
)
def test_cut_streams_come_back_cut(cassette: Path, steps: Any, error: Any) -> None:
    def run(model: RecordedModel) -> None:
        client = Client(model)
        with pytest.raises(error) as caught:
            client.ask().read()
        client.close()
        if isinstance(caught.value, http.client.IncompleteRead) and "partial" in str(caught.value):
            partials.append(caught.value.partial)
        assert client.said() == "again"
        client.close()

    partials: list[bytes] = []
    with ScriptedModel([steps, "again"]) as upstream, record(cassette, upstream) as model:
        run(model)
    with replay(cassette) as model:
        run(model)
        model.assert_done()


def test_a_client_that_leaves(cassette: Path) -> None:
    def run(model: RecordedModel) -> None:
        client = Client(model)
        response = client.ask()
        seen = b""
        while b"output_item.done" not in seen:
            seen += response.read1()
        client.close()
        response.close()
        assert model.requests[0].wait_finished()
        assert model.requests[0].disconnected

    with ScriptedModel([["a", stall()]]) as upstream, record(cassette, upstream) as model:
        run(model)
        assert upstream.requests[0].wait_finished()
        assert upstream.requests[0].disconnected, "the upstream learns of it"
    with replay(cassette) as model:
        run(model)


def test_closing_ends_a_recording_in_mid_stream(cassette: Path) -> None:
    with ScriptedModel([["a", stall()]]) as upstream:
        model = record(cassette, upstream).start()
        client = Client(model)
        response = client.ask()
        response.read1(10)
        model.close()
        client.close()
    assert json.loads(cassette.read_text())["exchanges"][0]["response"]["end"] == "client_left"


def test_interleaved_threads(cassette: Path) -> None:
    count = 8

    def run(model: RecordedModel, prefix: str, order: list[int]) -> dict[int, list[str]]:
        def work(n: int) -> list[str]:
            client = Client(model, thread=f"{prefix}{n}", cwd=f"/work/{prefix}/{n}")
            try:
                return [client.said(f"task {n}.{k}") for k in range(4)]
            finally:
                client.close()

        with ThreadPoolExecutor(count) as pool:
            return dict(zip(order, pool.map(work, order), strict=True))

    with ScriptedModel() as upstream:
        for n in range(count):
            upstream.script([[text(f"{n}.{k}"), delay(0.01), text("!")] for k in range(4)], user_text=f"task {n}.")
        with record(cassette, upstream) as model:
            recorded = run(model, "live", list(range(count)))
    assert recorded == {n: [f"{n}.{k}!" for k in range(4)] for n in range(count)}
    with replay(cassette) as model:
        assert run(model, "other", list(reversed(range(count)))) == recorded
        model.assert_done()


def test_the_same_prompt_in_several_threads(cassette: Path) -> None:
    with ScriptedModel(["a", "b"]) as upstream, record(cassette, upstream) as model:
        clients = [Client(model, thread=f"t{n}") for n in range(2)]
        assert [client.said() for client in clients] == ["a", "b"]
        for client in clients:
            client.close()
    with replay(cassette) as model:
        clients = [Client(model, thread=f"u{n}") for n in range(2)]
        assert {client.said() for client in clients} == {"a", "b"}
        for client in clients:
            client.close()


def test_lists_of_models_may_be_asked_for_again_or_not_at_all(cassette: Path) -> None:
    def get(model: RecordedModel, path: str = "/v1/models?client_version=1") -> tuple[int, Any]:
        client = Client(model)
        client.http.request("GET", path)
        answer = client.http.getresponse()
        data = json.loads(answer.read())
        client.close()
        return answer.status, data

    with ScriptedModel(models=[{"slug": "gpt-x"}]) as upstream, record(cassette, upstream) as model:
        status, recorded = get(model)
        assert (status, recorded["models"]) == (200, [{"slug": "gpt-x"}])
        assert get(model, "/elsewhere")[0] == 404
    assert len(upstream.models_requests) == 1
    with replay(cassette) as model:
        assert [get(model) for _ in range(2)] == [(200, recorded)] * 2
        assert get(model, "/v1/other")[0] == 404
        model.assert_done()
    with replay(cassette) as model:
        model.assert_done()


def test_websockets_are_refused_and_not_passed_on(cassette: Path) -> None:
    with ScriptedModel(["hi"]) as upstream, record(cassette, upstream) as model:
        for server in (model, model):
            client = Client(server)
            client.http.request("GET", "/v1/responses", headers={"connection": "Upgrade", "upgrade": "websocket"})
            assert client.http.getresponse().status == 426
            client.close()
        ask_once(model)
        assert len(model.websocket_attempts) == 2
        assert upstream.websocket_attempts == []
    assert len(json.loads(cassette.read_text())["exchanges"]) == 1


def test_other_base_paths_and_queries(cassette: Path) -> None:
    with ScriptedModel() as upstream:
        options: dict[str, Any] = {"upstream": upstream.base_url + "/models/../", "mode": "record"}
        with RecordedModel(cassette, **options) as model:
            client = Client(model)
            client.http.request("GET", "/v1/x?api-version=1")
            client.http.getresponse().read()
            client.close()
    assert [(r.path, r.query) for r in upstream.unexpected] == [("/v1/models/../x", "api-version=1")]
    assert "api-version" not in cassette.read_text()


# --- secrets ----------------------------------------------------------------------------------------------------------


def test_no_secret_gets_into_the_file(cassette: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_SERVICE_TOKEN", "env-marker-0123456789")
    markers = {
        "Authorization": f"Bearer {KEY}",
        "Cookie": "session=cookie-marker-1; other=cookie-marker-2",
        "x-api-key": "plain/marker+1=",
        "OpenAI-Organization": "org-marker1234567890",
        "OpenAI-Project": "project-marker-name",
        "chatgpt-account-id": "account-marker-9",
        "x-unknown": "unknown-header-marker",
        "x-codex-installation-id": "installation-marker",
    }
    known = [KEY, "cookie-marker-1", "cookie-marker-2", "plain/marker+1=", "project-marker-name", "account-marker-9"]
    known += [SECRET, "env-marker-0123456789"]
    likely = [
        "sk-live-0123456789abcdef",
        "org-Marker12345678901234",
        "ghp_marker0123456789abcdefghij",
        "eyJhbGciOiJIUzI1NiJ9.eyJtYXJrZXIiOjF9.c2lnbmF0dXJl",
        "AKIAMARKER0123456789"[:20],
        "-----BEGIN PRIVATE KEY-----\nmarker\n-----END PRIVATE KEY-----",
    ]
    everything = " | ".join([*known, *likely, "password=Marker0123456789", "postgres://u:Marker0123456789@db/x"])
    leaked = [*known, *likely, "Marker0123456789", "unknown-header-marker", "installation-marker", "secret machine"]
    leaked += ["set-cookie-marker", "sticky-marker", "metadata-marker", "user-marker", "padding-marker", "cache-marker"]
    leaked += ["encrypted-marker", "request-id-marker", "marker"]
    script = [
        [
            headers({"set-cookie": "a=set-cookie-marker", "x-codex-turn-state": "sticky-marker"}),
            headers({"openai-organization": "org-marker1234567890", "x-request-id": "request-id-marker"}),
            reasoning(everything, encrypted_content="encrypted-marker"),
            text(everything, deltas=len(everything)),
            text(deltas=["one ", *[KEY[i : i + 3] for i in range(0, len(KEY), 3)], " two"]),
            function_call("f", {"key": everything}),
            event("response.metadata", headers={"x-codex-turn-state": "sticky-marker"}),
            event("response.x", obfuscation="padding-marker", user="user-marker", response={"user": "user-marker"}),
            raw(f": {everything}\n\n"),
        ],
        http_error(429, f"Rate limit in organization {everything}"),
        http_error(500, body=everything),
    ]

    def run(model: RecordedModel) -> str:
        client = Client(model)
        client.input.append(output("c0", f"$ env\n{everything}"))
        said = client.said(
            everything,
            header=markers,
            client_metadata={"x": "metadata-marker"},
            prompt_cache_key="cache-marker",
            user="user-marker",
            tools=[{"type": "function", "name": "f", "description": everything}],
        )
        for _ in range(2):
            client.ask(None, header=markers).read()
        client.close()
        return said

    with ScriptedModel(script) as upstream, record(cassette, upstream, secrets=[SECRET]) as model:
        assert KEY in run(model), "the client gets the real answer"
    request = upstream.requests[0]
    assert request.bearer_token_matches(KEY), "the upstream gets the real request"
    assert everything in request.user_text
    assert request.headers["x-unknown"] == "unknown-header-marker"
    whole = cassette.read_text()
    decoded = json.loads(whole)
    for secret in leaked:
        assert secret.lower() not in whole.lower(), secret
        assert secret not in json.dumps(decoded, ensure_ascii=False)
    for exchange in decoded["exchanges"]:
        deltas = [row["data"].get("delta", "") for row in exchange["response"].get("events", []) if "data" in row]
        assert not any(secret in "".join(deltas) for secret in leaked)
    assert "one {{secret}} two" in whole
    with replay(cassette, secrets=[SECRET]) as model:
        assert "one {{secret}} two" in run(model)
        model.assert_done()


@pytest.mark.parametrize("separator", ["\u2028", "\x85", "\x1d"])
def test_lines_are_those_of_events_and_not_of_texts(cassette: Path, separator: str) -> None:
    pieces = [f"a{separator}{SECRET[:6]}", f"{SECRET[6:]}{separator}b"]

    def ask(model: RecordedModel) -> str:
        client = Client(model)
        data = client.ask().read().decode()
        client.close()
        return "".join(json.loads(f'"{delta}"') for delta in re.findall(r'"delta":"(.*?)"', data, re.DOTALL))

    with ScriptedModel([text(deltas=pieces)]) as upstream, record(cassette, upstream, secrets=[SECRET]) as model:
        assert ask(model) == "".join(pieces)
    written = cassette.read_text(encoding="utf-8")
    assert '"raw"' not in written
    assert SECRET[6:] not in written
    with replay(cassette) as model:
        assert ask(model) == f"a{separator}{{{{secret}}}}{separator}b"


def test_what_is_no_secret_stays(cassette: Path) -> None:
    harmless = (
        "task-based risk-assessment; max_output_tokens: 1000000000000; token = get_token(request); "
        "password: str = settings.password; api_key=os.environ['KEY']; see user-guide and org-chart; sk-learn"
    )
    with ScriptedModel([[text(harmless, deltas=7)]]) as upstream, record(cassette, upstream) as model:
        ask_once(model)
    with replay(cassette) as model:
        assert harmless in ask_once(model)[1].decode()


def test_the_key_goes_to_requests_without_one_and_to_openai_only(
    cassette: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with ScriptedModel(default="hi") as upstream:
        with record(cassette, upstream) as model:
            ask_once(model)
        with record(cassette, upstream, api_key="sk-given-0123456789") as model:
            ask_once(model)
            ask_once(model, header={"Authorization": "Bearer own"})
        assert "authorization" not in upstream.requests[0].headers
        assert upstream.requests[1].bearer_token_matches("sk-given-0123456789")
        assert upstream.requests[2].bearer_token_matches("own")
    assert "sk-given" not in cassette.read_text()
    assert RecordedModel(cassette)._api_key == KEY


# --- what may differ --------------------------------------------------------------------------------------------------


def test_what_differs_from_run_to_run_does_not_break_a_replay(cassette: Path, tmp_path: Path) -> None:
    def run(model: RecordedModel, n: int) -> str:
        cwd = tmp_path / f"run{n}" / "repo"
        client = Client(model, thread=f"0{n}a20aea-4dd0-70c3-adf1-32bfd6335965", cwd=str(cwd))
        client.input.append(message("user", f"<environment_context><shell>sh{n}</shell></environment_context>"))
        client.input.append(message("developer", f"Writable roots: {cwd}, /tmp/pytest-{n}\nToday is 2026-01-0{n}."))
        client.input[-1]["id"] = f"msg_{n}"
        said = client.said(
            f"Look into {cwd}/a.py", prompt_cache_key=f"key{n}", client_metadata={"turn": str(n)}, store=bool(n % 2)
        )
        shown = f"Chunk ID: abc{n}\nWall time: 0.{n} seconds\nProcess running with session ID {n}0\nOutput:\n"
        shown += f"{cwd}/a.py\nRan 1 test in 0.00{n}s\n<object at 0x7f00aa{n}>\n-rw-r--r-- 1 root Nov 2{n} 00:1{n} x\n"
        shown += f"Tue Nov 2{n} 00:17:3{n} UTC 2026"
        client.input.append(output("c1", shown))
        said += client.said(None)
        client.close()
        assert str(cwd) in said
        return re.sub(f"(?<!other){re.escape(str(cwd))}", "CWD", said)

    def answer(request: Any) -> Any:
        (cwd,) = re.findall(r"<cwd>(.*)</cwd>", request.context_texts[0])
        return [text(f"It is {cwd}/a.py, not /other{cwd}. ", deltas=9), shell("ls", workdir=cwd, call_id="c1")]

    with ScriptedModel([answer, answer]) as upstream, record(cassette, upstream) as model:
        recorded = run(model, 1)
    assert cassette.read_text().count(f"{tmp_path}/run1/repo") == cassette.read_text().count("/other/")
    with replay(cassette) as model:
        assert run(model, 2) == recorded
        model.assert_done()
        call = model.requests[-1].tool_calls[0]
        assert call.arguments["workdir"] == str(tmp_path / "run2" / "repo"), "the answer speaks of this run's folder"


def test_a_mismatch_says_what_changed(cassette: Path) -> None:
    with ScriptedModel([[shell("pytest", call_id="c1")], "done"]) as upstream, record(cassette, upstream) as model:
        client = Client(model)
        client.said("Run the tests")
        client.input.append(output("c1", "collected 3\n3 passed"))
        client.said(None)
        client.close()
    with replay(cassette) as model:
        client = Client(model)
        client.said("Run the tests")
        client.input.append(output("c1", "collected 3\n2 passed, 1 failed"))
        answer = client.ask(None, header={"user-agent": "codex_cffi/2.0"})
        told = answer.read().decode()
        client.close()
        assert answer.status == 400
        with pytest.raises(RecordedModelError) as caught:
            model.check()
    for shown in (str(caught.value), told):
        assert f"{cassette} has (exchange 2, POST /responses of thread-1)" in shown
        assert "\n  - input[3].output: 3 passed\n  + input[3].output: 2 passed, 1 failed\n" in shown
        assert "collected 3" not in shown
        assert "record again" in shown
        assert "--codex-record" in shown
        assert "recorded with codex_cffi/1.2.3, this is codex_cffi/2.0" in shown


def test_mismatches_of_all_kinds(cassette: Path) -> None:
    with ScriptedModel(["a", "b"]) as upstream, record(cassette, upstream) as model:
        for n in range(2):
            client = Client(model, thread=f"t{n}")
            client.said(f"task {n}", tools=[{"name": "x"}])
            client.close()

    def mismatch(user: str, thread: str = "t", **options: Any) -> str:
        with replay(cassette) as model:
            client = Client(model, thread=thread)
            client.ask(user, **options).read()
            client.close()
            with pytest.raises(RecordedModelError) as caught:
                model.check()
            return str(caught.value)

    tools = [{"name": "x"}]
    assert "- input[1].content[0].text: task 0\n  + input[1].content[0].text: task 5" in mismatch("task 5", tools=tools)
    assert "+ tools[1].name: y" in mismatch("task 0", tools=[*tools, {"name": "y"}])
    assert "- tools[0].name: x" in mismatch("task 0", tools=[])
    assert "- model: gpt-test\n  + model: gpt-9" in mismatch("task 0", tools=tools, model="gpt-9")
    assert '  + text.verbosity: "low"'.replace('"', "") in mismatch("task 0", tools=tools, text={"verbosity": "low"})
    assert "thread-2" in mismatch("task 1", tools=[]), "compared with the nearest thread"
    with replay(cassette) as model:
        client = Client(model)
        client.said("task 0", tools=tools)
        client.ask("more", tools=tools).read()
        client.close()
        with pytest.raises(RecordedModelError, match="no answer left"):
            model.check()


def test_assert_done_names_what_is_left(cassette: Path) -> None:
    with ScriptedModel(["a", "b"]) as upstream, record(cassette, upstream) as model:
        ask_once(model, "one")
        ask_once(model, "two")
    with replay(cassette) as model:
        ask_once(model, "one")
        with pytest.raises(
            RecordedModelError, match=r"1 recorded answers .*\n  exchange 2, POST /responses of thread-1"
        ):
            model.assert_done()


def test_ignored_fields_and_volatile_texts(cassette: Path) -> None:
    with ScriptedModel(["a"]) as upstream, record(cassette, upstream) as model:
        ask_once(model, "build 17", instructions="old")
    options: dict[str, Any] = {"ignore": ["instructions"], "volatile": [r"(?<=build )\d+"]}
    with replay(cassette, **options) as model:
        assert ask_once(model, "build 18", instructions="new")[0] == 200
        model.assert_done()


# --- files and modes --------------------------------------------------------------------------------------------------


def test_auto_records_once(cassette: Path) -> None:
    with ScriptedModel(["hi"]) as upstream:
        for recording in (True, False):
            with RecordedModel(cassette, upstream=upstream.base_url) as model:
                assert model.recording is recording
                ask_once(model)
        upstream.assert_request_count(1)


def test_a_recording_that_goes_wrong_leaves_the_file_as_it_was(cassette: Path) -> None:
    cassette.parent.mkdir()
    cassette.write_text("before")
    with ScriptedModel(default="hi") as upstream:
        with pytest.raises(ZeroDivisionError), record(cassette, upstream) as model:  # noqa: PT012
            ask_once(model)
            raise ZeroDivisionError
        with record(cassette, upstream) as model:
            ask_once(model)
            model.close(save=False)
    with (
        refused_base_url() as url,
        pytest.raises(RecordedModelError, match=r"127\.0\.0\.1 cannot be reached: ConnectionRefusedError"),
        RecordedModel(cassette, upstream=url, mode="record") as model,
    ):
        assert ask_once(model)[0] == 400
    with (
        ScriptedModel([unauthorized()]) as upstream,
        pytest.raises(RecordedModelError, match="refuses access"),
        record(cassette, upstream) as model,
    ):
        assert ask_once(model)[0] == 401
    assert cassette.read_text() == "before"


def test_nothing_to_replay(cassette: Path) -> None:
    with pytest.raises(RecordedModelError, match=r"there is no cassette .*--codex-record"):
        replay(cassette).start()
    cassette.parent.mkdir()
    for content, error in [
        ("{", "is not a cassette"),
        ("[]", "is not a cassette"),
        ('{"codex_cassette": 2, "exchanges": []}', "version 2"),
        ('{"codex_cassette": 1, "exchanges": [{}]}', "exchange 1 is damaged"),
    ]:
        cassette.write_text(content)
        with pytest.raises(RecordedModelError, match=error):
            replay(cassette).start()


@pytest.mark.parametrize(
    "options",
    [
        {"mode": "once"},
        {"upstream": "api.openai.com/v1"},
        {"upstream": "ftp://x/v1"},
        {"upstream": "https://user:pw@x/v1"},
        {"upstream": "https://x/v1?key=1"},
    ],
)
def test_arguments_that_make_no_sense(cassette: Path, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"mode|upstream"):
        RecordedModel(cassette, **options)


def test_life(cassette: Path) -> None:
    with ScriptedModel() as upstream:
        model = record(cassette, upstream)
        with pytest.raises(RuntimeError, match="RecordedModel is not started"):
            _ = model.base_url
        model.close()
        assert not cassette.exists()
        model = record(cassette, upstream)
        with model.start() as same:
            assert same is model
            assert "recording" in repr(model)
        model.close()
    assert json.loads(cassette.read_text())["exchanges"] == []
    assert not any(thread.name == "scripted-model" for thread in threading.enumerate())


def read_request(sock: socket.socket) -> None:
    data = b""
    while b'"stream": true' not in data:  # unread bytes would turn the close into a reset
        data += sock.recv(1 << 16)


def certificate(folder: Path) -> Path:
    """A certificate for localhost, and its key, in one file."""
    from datetime import datetime, timedelta, timezone

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(timezone.utc)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = (
        builder.serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    )
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    path = folder / "localhost.pem"
    path.write_bytes(pem + builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return path


def test_tls_is_verified(cassette: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import ssl

    path = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for _ in range(2):
                sock, _ = listener.accept()
                with contextlib.suppress(ssl.SSLError), context.wrap_socket(sock, server_side=True) as secure:
                    read_request(secure)
                    secure.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nsafe")

        thread = threading.Thread(target=serve)
        thread.start()
        options: dict[str, Any] = {"upstream": f"https://localhost:{listener.getsockname()[1]}/v1", "mode": "record"}
        with (
            pytest.raises(RecordedModelError, match="cannot be reached: SSLCertVerificationError"),
            RecordedModel(cassette, **options) as model,
        ):
            ask_once(model)
        assert not cassette.exists()
        monkeypatch.setenv("SSL_CERT_FILE", str(path))
        with RecordedModel(cassette, **options) as model:
            assert ask_once(model) == (200, b"safe")
        thread.join(10)
    with replay(cassette) as model:
        assert ask_once(model) == (200, b"safe")


def test_an_upstream_that_compresses_all_the_same_is_not_recorded(cassette: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            sock, _ = listener.accept()
            with sock:
                read_request(sock)
                sock.sendall(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\nxx")

        thread = threading.Thread(target=serve)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        with (
            pytest.raises(RecordedModelError, match="content-encoding gzip"),
            RecordedModel(cassette, upstream=url, mode="record") as model,
        ):
            ask_once(model)
        thread.join(10)
    assert not cassette.exists()
