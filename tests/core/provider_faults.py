"""Faults of the model provider."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest
from fault_world import HANGS, Fault, Table, World, event_of

from codex_cffi import (
    AgentMessage,
    CodexTimeoutError,
    CommandExecution,
    TurnFailedError,
    UserMessage,
    WarningEvent,
)
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
    provider_config,
    rate_limited,
    raw,
    raw_reply,
    refused_base_url,
    server_error,
    shell,
    stall,
    text,
    truncated_event,
    unauthorized,
    usage,
    usage_limit_reached,
    wrong_content_type,
)

table = Table()

FIRST = [text("first"), shell("true"), usage(input_tokens=7, output_tokens=1)]
DONE = [UserMessage, AgentMessage, CommandExecution]


def provider(fault: str, error_class: str, http_status: int | None, retriable: bool, does: str, **replies: Any) -> None:
    """A fault of the model's server. It fails the turn, which keeps what it has done, and the thread goes on."""

    def way(reply: Any) -> Callable[[World], Any]:
        def provoke(world: World) -> TurnFailedError:
            model = world.model(FIRST, reply, default="next")
            thread = world.make_codex(model).start_thread(
                working_directory=world.repo, sandbox_mode="danger-full-access"
            )
            with pytest.raises(TurnFailedError) as caught:
                thread.run("go", timeout=HANGS)
            turn = caught.value.turn
            assert str(caught.value)
            assert turn.status == "failed"
            assert [type(item) for item in turn.items][:3] == DONE
            assert turn.usage.input_tokens == 7
            assert thread.run("on", timeout=HANGS).final_response == "next", "the thread goes on"
            assert "first" in model.requests[-1].assistant_texts, "and knows what was said"
            return caught.value

        return provoke

    has = {"error_class": error_class, "http_status": http_status, "retriable": retriable}
    table.append(Fault(fault, TurnFailedError, has, does, {name: way(reply) for name, reply in replies.items()}))


LATER = "try again later, or raise `request_max_retries`"
AGAIN = "run again, or raise `stream_max_retries`"
WORDS = "read the message: it has the provider's words"

provider("HTTP 400: request refused", "badRequest", 400, False, WORDS, plain=http_error(400, "no such thing"))
provider(
    "HTTP 401: key missing or refused",
    "invalid_api_key",
    401,
    False,
    "log in, or give another `api_key`",
    code=unauthorized(),
)
provider("HTTP 403: no access", "forbidden", 403, False, WORDS, code=http_error(403, "no access", code="forbidden"))
provider(
    "HTTP 404: no such model or address",
    "other",
    404,
    False,
    "check `model` and `base_url`",
    plain=http_error(404, "no such model"),
)
provider("HTTP 429: rate limit", "responseTooManyFailedAttempts", 429, True, LATER, plain=rate_limited(retry_after=20))
provider(
    "Usage limit of the plan, quota",
    "usageLimitExceeded",
    None,
    False,
    "wait for the plan's reset (`codex.account.read_rate_limits()`), or pay",
    plan=usage_limit_reached(resets_at=1893456000),
    quota=[failed("insufficient_quota", "Pay first.")],
)
provider("HTTP 500: the provider's failure", "internalServerError", 500, True, LATER, plain=server_error(500))
provider("HTTP 502: of a gateway", "internalServerError", 502, True, LATER, plain=server_error(502))
provider("HTTP 503: out of service", "internalServerError", 503, True, LATER, plain=server_error(503))
provider("HTTP 503: model at capacity", "serverOverloaded", 503, True, LATER, plain=overloaded())
provider(
    "The stream ends early or breaks, no answer, no event stream",
    "other",
    None,
    True,
    AGAIN,
    closed=[text("abcdef", deltas=6), disconnect(after_events=4)],
    reset=[text("abcdef", deltas=6), disconnect(after_events=4, reset=True)],
    wrong_type=wrong_content_type(),
    no_body=empty_body(),
    no_answer=hang_up(),
    reset_before_the_answer=hang_up(reset=True),
)
provider(
    "Nothing but events that cannot be read",
    "other",
    None,
    True,
    AGAIN,
    truncated=[truncated_event()],
    garbage=[raw(b"\xff\xfe\x00 garbage\n\n" * 50)],
    a_body_of_garbage=wrong_content_type("text/event-stream", b"\x00\xff" * 5000),
)
provider(
    "The answer was cut off",
    "incomplete",
    None,
    False,
    "`error.detail.details` is the reason: `max_output_tokens` or `content_filter`",
    stream=incomplete(),
)


def run_on(world: World, base_url: str, **options: Any) -> Any:
    codex = world.make_codex(config=provider_config(base_url, **options))
    return codex.start_thread(working_directory=world.repo).run("go", timeout=HANGS)


def nobody_listens(world: World) -> Any:
    with refused_base_url() as url:
        return run_on(world, url)


def no_such_host(world: World) -> Any:
    return run_on(world, "http://nowhere.invalid/v1")


def no_tls(world: World) -> Any:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            with contextlib.suppress(OSError):
                while True:
                    with server.accept()[0] as connection:
                        connection.recv(1000)
                        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        threading.Thread(target=answer, daemon=True).start()
        return run_on(world, f"https://127.0.0.1:{server.getsockname()[1]}/v1")


def silent(world: World) -> Any:
    return run_on(world, world.model([stall()]).base_url, stream_idle_timeout_ms=300)


UNREACHED = {"error_class": "other", "http_status": None, "retriable": True}
for what, then, provoke in (
    ("Connection refused", LATER, nobody_listens),
    ("The host's name is not known", "check `base_url` and the network", no_such_host),
    ("TLS fails", "check `base_url`, and the system's certificates", no_tls),
    ("No event for `stream_idle_timeout_ms`", AGAIN, silent),
):
    table.append(Fault(what, TurnFailedError, UNREACHED, then, {provoke.__name__: provoke}))


@table.fault(
    "The conversation is too long",
    TurnFailedError,
    "run again: the engine sums the conversation up first; or start a new thread",
    error_class="contextWindowExceeded",
    http_status=None,
    retriable=False,
)
def too_long(world: World) -> Any:
    model = world.model("first", [failed("context_length_exceeded")], "SUMMARY", "third")
    thread = world.make_codex(model).start_thread(working_directory=world.repo)
    thread.run("one", timeout=HANGS)
    with pytest.raises(TurnFailedError) as caught:
        thread.run("two", timeout=HANGS)
    assert thread.run("three", timeout=HANGS).final_response == "third"
    assert "SUMMARY" in str(model.requests[-1].body), "the engine has summed it up"
    return caught.value


@table.fault(
    "The model refuses",
    TurnFailedError,
    "the message has its words, which are an `AgentMessage` of the turn too",
    error_class="refusal",
    http_status=None,
    retriable=False,
)
def refused(world: World) -> Any:
    refusal = '{"type": "message", "role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}'
    body = (
        f'data: {{"type": "response.output_item.done", "output_index": 0, "item": {refusal}}}\n\n'
        'data: {"type": "response.completed", "response": {"id": "r"}}\n\n'
    )
    return world.thread(raw_reply(body)).run("go", timeout=HANGS)


@table.fault(
    "An answer that cannot be used",
    TurnFailedError,
    "the message says what it was; ask a server that knows the Responses API",
    error_class="unusable_answer",
    http_status=None,
    retriable=False,
)
def of_no_use(world: World) -> Any:
    body = 'data: {"object": "chat.completion.chunk", "choices": []}\n\ndata: [DONE]\n\n'
    return world.thread(raw_reply(body)).run("go", timeout=HANGS)


@table.fault(
    "An event beside an answer that cannot be read",
    WarningEvent,
    "nothing: once in a turn, and the answer counts",
)
def unreadable_beside_an_answer(world: World) -> Any:
    return event_of(world.thread([malformed_event(), text("fine")]), WarningEvent)


@table.fault(
    "The server never ends: silence, a drip",
    CodexTimeoutError,
    "give each turn a `timeout`; `error.turn` is the turn so far",
    retriable=True,
)
def endless(world: World) -> Any:
    return world.thread([text("so far"), drip(0.01)]).run("go", timeout=1)
