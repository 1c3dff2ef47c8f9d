"""What goes wrong at the scripted model server, and its connections, driven raw with http.client and sockets."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from raw_client import Client, Serve, address, done_items, kinds, message, parse, serving

from codex_cffi.testing import (
    disconnect,
    drip,
    empty_body,
    failed,
    hang_up,
    http_error,
    incomplete,
    malformed_event,
    overloaded,
    rate_limited,
    rate_limits,
    raw,
    raw_reply,
    reached,
    refused_base_url,
    reply,
    server_error,
    text,
    truncated_event,
    unauthorized,
    usage_limit_reached,
    wait_for,
    wrong_content_type,
)


@pytest.fixture
def serve() -> Iterator[Serve]:
    with serving() as start:
        yield start


# --- faults -----------------------------------------------------------------------------------------------------------


def test_disconnect_at_a_step(serve: Serve) -> None:
    model, client = serve([["half", disconnect()], "again"])
    with pytest.raises(http.client.IncompleteRead) as caught:
        client.ask().read()
    assert kinds(parse(caught.value.partial))[-1] == "output_item.done"
    client.close()
    client.events()
    assert model.connections == 2


def test_disconnect_after_events(serve: Serve) -> None:
    _, client = serve([[text("abcdef", deltas=6), disconnect(after_events=5)]])
    with pytest.raises(http.client.IncompleteRead) as caught:
        client.ask().read()
    assert kinds(parse(caught.value.partial))[-2:] == ["output_text.delta"] * 2
    assert len(parse(caught.value.partial)) == 5


def test_reset(serve: Serve) -> None:
    _, client = serve([["half", reached(sent := threading.Event()), disconnect(reset=True)], hang_up(reset=True)])
    with pytest.raises(ConnectionResetError):
        client.ask().read()
    assert sent.is_set()
    client.close()
    with pytest.raises(ConnectionResetError):
        client.ask()


def test_truncated_event(serve: Serve) -> None:
    _, client = serve([["ok", truncated_event()]])
    with pytest.raises(http.client.IncompleteRead) as caught:
        client.ask().read()
    assert caught.value.partial.endswith(b'data: {"type":"response.output_text.delta","item_id":"ms')


def test_hang_up(serve: Serve) -> None:
    model, client = serve([hang_up(), "again"])
    with pytest.raises(http.client.RemoteDisconnected):
        client.ask()
    client.close()
    client.events()
    assert [r.status for r in model.requests] == [0, 200]


def test_orderly_end_without_completed(serve: Serve) -> None:
    model, client = serve([reply("half", completed=False), "again"])
    assert "completed" not in kinds(client.events())
    client.events()
    assert model.connections == 1


def test_a_whole_response_of_ones_own_bytes(serve: Serve) -> None:
    gate = threading.Event()
    answer = raw_reply(
        "data: {}\n\n", wait_for(gate), b"data: [DONE]\n\n", status=202, content_type="text/plain", headers={"x-a": "b"}
    )
    _, client = serve([answer])
    response = client.ask()
    assert (response.status, response.headers["content-type"], response.headers["x-a"]) == (202, "text/plain", "b")
    gate.set()
    assert response.read() == b"data: {}\n\ndata: [DONE]\n\n"


def test_malformed_event_and_raw_bytes(serve: Serve) -> None:
    _, client = serve([[malformed_event("{nope"), raw(b"\xff\xfe\n\n"), "still here"]])
    data = client.ask().read()
    assert b"data: {nope\n\n\xff\xfe\n\n" in data
    assert data.index(b"still here") > data.index(b"nope")


def test_drip_with_a_count(serve: Serve) -> None:
    _, client = serve([[drip(0, count=3), "end"], [drip(0, data="", count=1), "end"]])
    data = client.ask().read()
    assert data.count(b": keep-alive\n\n") == 3
    assert kinds(parse(data))[-1] == "completed"
    assert kinds(client.events())[-1] == "completed"


@pytest.mark.parametrize(
    ("step", "kind", "key", "value"),
    [
        (
            failed("context_length_exceeded", "too long"),
            "failed",
            "error",
            {"code": "context_length_exceeded", "message": "too long"},
        ),
        (
            failed("rate_limit_exceeded", "try again in 1.5s", type="tokens"),
            "failed",
            "error",
            {"type": "tokens", "code": "rate_limit_exceeded", "message": "try again in 1.5s"},
        ),
        (incomplete("content_filter"), "incomplete", "incomplete_details", {"reason": "content_filter"}),
    ],
)
def test_failed_and_incomplete(serve: Serve, step: Any, kind: str, key: str, value: dict[str, str]) -> None:
    model, client = serve([["part", step], "again"])
    events = client.events()
    assert kinds(events)[-1] == kind
    assert events[-1]["response"][key] == value
    assert events[-1]["response"]["id"] == "resp_1"
    client.events()
    assert model.connections == 1


@pytest.mark.parametrize(
    ("response", "status", "code"),
    [
        (unauthorized(), 401, "invalid_api_key"),
        (rate_limited(), 429, "rate_limit_exceeded"),
        (server_error(), 500, "server_error"),
        (server_error(502), 502, "server_error"),
        (overloaded(), 503, "server_is_overloaded"),
        (http_error(403, "no", code="forbidden"), 403, "forbidden"),
    ],
)
def test_http_errors(serve: Serve, response: Any, status: int, code: str) -> None:
    model, client = serve([response, "again"])
    answer = client.ask()
    assert answer.status == status
    assert answer.getheader("content-type") == "application/json"
    assert json.loads(answer.read())["error"]["code"] == code
    client.events()
    assert model.connections == 1
    assert [r.status for r in model.requests] == [status, 200]
    model.check()


def test_429_in_detail(serve: Serve) -> None:
    limits = rate_limits(primary_used_percent=100)
    limited = usage_limit_reached(plan_type="pro", resets_at=1893456000, limits=limits, promo_message="Upgrade")
    _, client = serve([rate_limited(2.5), rate_limited(None), limited])
    for expected in ("2.5", None):
        answer = client.ask()
        answer.read()
        assert answer.getheader("retry-after") == expected
    answer = client.ask()
    error = json.loads(answer.read())["error"]
    assert (error["type"], error["plan_type"], error["resets_at"]) == ("usage_limit_reached", "pro", 1893456000)
    assert answer.getheader("x-codex-primary-used-percent") == "100"
    assert answer.getheader("x-codex-promo-message") == "Upgrade"


def test_http_error_with_a_body_of_its_own(serve: Serve) -> None:
    _, client = serve([http_error(502, body="<html>bad gateway</html>", headers={"content-type": "text/html"})])
    answer = client.ask()
    assert answer.read() == b"<html>bad gateway</html>"
    assert answer.getheader("content-type") == "text/html"


def test_wrong_content_type_and_empty_body(serve: Serve) -> None:
    model, client = serve([wrong_content_type(), empty_body(), "again"])
    answer = client.ask()
    assert (answer.status, answer.getheader("content-type")) == (200, "text/html")
    assert answer.read() == b"<html>Please sign in</html>"
    assert client.events() == []
    client.events()
    assert model.connections == 1


def test_refused_base_url() -> None:
    with refused_base_url() as url:
        host, _, port = url.removeprefix("http://").removesuffix("/v1").partition(":")
        for _ in range(2):
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection((host, int(port)), timeout=10)


# --- connections ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chunked", [False, True])
def test_keep_alive(serve: Serve, chunked: bool) -> None:
    model, client = serve(default=text("x" * 500, deltas=500), chunked=chunked)
    for _ in range(20):
        assert len(client.events()) == 507
    assert model.connections == 1
    assert {r.connection for r in model.requests} == {1}


def test_connection_close_and_http_1_0(serve: Serve) -> None:
    model, _ = serve(default="hi")
    for request in (
        b"GET /v1/models HTTP/1.1\r\nconnection: close\r\n\r\n",
        b"GET /v1/models HTTP/1.0\r\n\r\n",
    ):
        with socket.create_connection(address(model), timeout=20) as sock:
            sock.sendall(request)
            with sock.makefile("rb") as stream:
                assert stream.read().startswith(b"HTTP/1.1 200 OK\r\n")


def test_request_in_pieces_chunked_and_with_expect(serve: Serve) -> None:
    model, _ = serve(default="hi")
    body = json.dumps({"input": [message("user", "pieces")]}).encode()
    with socket.create_connection(address(model), timeout=20) as sock, sock.makefile("rb") as stream:
        sock.sendall(b"POST /v1/responses HTTP/1.1\r\nexpect: 100-continue\r\ntransfer-encoding: chunked\r\n\r\n")
        assert stream.readline() == b"HTTP/1.1 100 Continue\r\n"
        for piece in (body[:7], body[7:]):
            sock.sendall(b"%x;ext=1\r\n" % len(piece))
            sock.sendall(piece + b"\r\n")
        sock.sendall(b"0\r\ntrailer: x\r\n\r\n")
        assert stream.readline() == b"\r\n"
        assert stream.readline() == b"HTTP/1.1 200 OK\r\n"
    assert model.requests[0].user_texts == ["pieces"]


@pytest.mark.parametrize(
    "data",
    [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nbroken\r\n\r\n", b"POST / HTTP/1.1\r\ncontent-length: x\r\n\r\n"],
)
def test_bytes_that_are_no_request(serve: Serve, data: bytes) -> None:
    model, client = serve(default="hi")
    with socket.create_connection(address(model), timeout=20) as sock, sock.makefile("rb") as stream:
        sock.sendall(data)
        assert stream.readline() == b"HTTP/1.1 400 Bad Request\r\n"
    client.events()


def test_many_clients_at_once(serve: Serve) -> None:
    model, _ = serve()
    for n in range(40):
        model.script([f"answer {n}.{k}" for k in range(5)], user_text=f"[task {n}]")

    def run(n: int) -> list[str]:
        client = Client(model)
        try:
            return [done_items(client.events(f"do [task {n}] now"))[0]["content"][0]["text"] for _ in range(5)]
        finally:
            client.close()

    with ThreadPoolExecutor(20) as pool:
        results = list(pool.map(run, range(40)))
    assert results == [[f"answer {n}.{k}" for k in range(5)] for n in range(40)]
    model.assert_request_count(200)
    model.assert_done()
    assert sorted(r.number for r in model.requests) == list(range(1, 201))
    assert model.connections == 40
