"""Responses that go wrong: what a flaky network, a broken proxy or an unhappy service does to an agent.

Some are steps, at home anywhere in a response (`disconnect`, `malformed_event`, `drip`); the others are whole
responses (`unauthorized()`, `empty_body()`).
"""

from __future__ import annotations

import contextlib
import math
import socket
from collections.abc import Iterator, Mapping
from typing import Any

from ._script import ApiError, Reply, Step, check_headers, op_step
from ._sse import SERIAL, Abort, Drip, EventWriter, Op, Pause, compact_json

# --- steps: the stream goes wrong -------------------------------------------------------------------------------------


def disconnect(*, after_events: int | None = None, reset: bool = False) -> Step:
    """Close the connection in the middle of the stream, without ending the body.

    Args:
        after_events: close after that many events of the whole response, counting `response.created` as the first;
            default: at this step, which must then be the last one.
        reset: send a TCP reset instead of an orderly close; the client may then lose what it had not read yet.

    >>> [text("half an ans"), disconnect()]
    >>> [text("long answer", deltas=10), disconnect(after_events=5)]
    """
    if after_events is not None and after_events < 1:
        raise ValueError("disconnect(after_events=...) must be 1 or more; use hang_up() to send nothing at all")
    if after_events is None:
        return _ending("disconnect()", Abort(reset))

    def write(out: EventWriter) -> None:
        out.cut_after = after_events
        out.cut_reset = reset

    return Step(f"disconnect(after_events={after_events})", write, alone=False)


def truncated_event(kind: str = "response.output_text.delta") -> Step:
    """Send the first half of an event, then close the connection.

    >>> [text("so far so good"), truncated_event()]
    """
    half = f'event: {kind}\ndata: {{"type":"{kind}","item_id":"ms'
    return _ending("truncated_event()", half.encode(), Abort(reset=False))


def malformed_event(data: str = '{"type":"response.output_text.delta","delta":') -> Step:
    """Send an event whose data is not valid JSON; the stream goes on. The engine warns of it, if there is an answer without it.

    >>> [malformed_event(), text("still here")]
    """
    return raw(f"data: {data}\n\n")


def raw(data: str | bytes) -> Step:
    r"""Send bytes as they are into the stream.

    >>> raw(b"\xff\xfe not utf-8\n\n")
    """
    return op_step("raw(...)", data.encode() if isinstance(data, str) else bytes(data))


def raw_reply(
    *parts: str | bytes | Step,
    status: int = 200,
    content_type: str = "text/event-stream",
    headers: Mapping[str, str] | None = None,
) -> Reply:
    r"""A response of just these bytes, for servers that speak the API in their own way.

    Args:
        parts: the body, one after the other; steps such as `stall()`, `delay(1)`, `text("hi")` may stand between text.
        status: HTTP status.
        content_type: the header of that name.
        headers: further headers.

    >>> raw_reply('data: {"error": "out of memory"}\n\n', stall())
    """
    out = EventWriter()
    for part in parts:
        (part if isinstance(part, Step) else raw(part)).write(out)
    return Reply(
        label="raw reply",
        status=status,
        content_type=content_type,
        headers={**out.headers, **check_headers(headers or {})},
        ops=out.ops(),
    )


def drip(seconds: float = 0.05, *, data: str | bytes = ": keep-alive\n\n", count: int | None = None) -> Step:
    """Send `data` every `seconds`, `count` times, or for ever: until the client leaves or the server closes.

    A comment line keeps the connection busy, but it is no event: the engine's idle timeout still runs.

    >>> [text("hm"), drip(0.01)]
    """
    op = Drip(data.encode() if isinstance(data, str) else bytes(data), seconds, count)
    return _ending("drip()", op) if count is None else op_step(f"drip(count={count})", op)


def stall() -> Step:
    """Keep the connection open and send nothing more, until the client leaves or the server closes.

    >>> [text("hm"), stall()]
    """
    return _ending("stall()", Pause(math.inf))


def failed(code: str, message: str = "scripted failure", *, type: str | None = None) -> Step:
    """End the response with `response.failed`.

    Args:
        code: e.g. `context_length_exceeded`, `insufficient_quota`, `usage_not_included`, `invalid_prompt`,
            `server_is_overloaded`, `rate_limit_exceeded`. The engine may retry codes that it does not know, and waits
            with `rate_limit_exceeded` as long as the message says ("try again in 1.5s").
        message: text of the error.
        type: type of the error, if any.

    >>> failed("context_length_exceeded", "Your input exceeds the context window of this model.")
    """
    error = {"code": code, "message": message}
    return _end_event("failed", error=error if type is None else {"type": type, **error})


def incomplete(reason: str = "max_output_tokens") -> Step:
    """End the response with `response.incomplete`.

    >>> [text("half an ans"), incomplete("content_filter")]
    """
    return _end_event("incomplete", incomplete_details={"reason": reason})


# --- whole responses: HTTP goes wrong ---------------------------------------------------------------------------------


def http_error(
    status: int,
    message: str = "scripted error",
    *,
    code: str | None = None,
    type: str | None = None,
    headers: Mapping[str, str] | None = None,
    body: str | bytes | Mapping[str, Any] | None = None,
) -> Reply:
    """An HTTP error with a JSON body `{"error": {"message", "type", "code"}}`, or with `body` instead.

    >>> http_error(403, "no access", code="forbidden")
    """
    means = None
    if body is None:
        means = ApiError(status, message, code, type)
        body = {"error": {"message": message, "type": type, "code": code}}
    is_json = isinstance(body, Mapping)
    content = compact_json(body) if isinstance(body, Mapping) else body
    return Reply(
        label=f"HTTP {status}" + (f" {code}" if code else ""),
        status=status,
        content_type="application/json" if is_json else "text/plain; charset=utf-8",
        headers=check_headers(headers or {}),
        ops=(content.encode() if isinstance(content, str) else bytes(content),),
        means=means,
    )


def unauthorized(message: str = "Incorrect API key provided.") -> Reply:
    """HTTP 401.

    >>> ScriptedModel([unauthorized()])
    """
    return http_error(401, message, type="invalid_request_error", code="invalid_api_key")


def rate_limited(retry_after: float | None = 1, message: str = "Rate limit reached.") -> Reply:
    """HTTP 429, with a `retry-after` header of that many seconds (None: without).

    With retries, the engine waits that long and sends the request again; see `failed` for the same in a stream.

    >>> ScriptedModel([rate_limited(retry_after=20)])
    """
    extra = {} if retry_after is None else {"retry-after": f"{retry_after:g}"}
    return http_error(429, message, type="requests", code="rate_limit_exceeded", headers=extra)


def usage_limit_reached(
    *,
    plan_type: str = "plus",
    resets_at: int | None = None,
    limits: Step | None = None,
    promo_message: str | None = None,
) -> Reply:
    """HTTP 429 as a signed-in user gets it whose plan is used up.

    Args:
        plan_type: `free`, `plus`, `pro`, `team`, ...
        resets_at: when the limit resets, Unix seconds.
        limits: what `rate_limits(...)` returned, sent along as headers.
        promo_message: text for the user, sent along as a header.

    >>> usage_limit_reached(resets_at=1893456000, limits=rate_limits(primary_used_percent=100))
    """
    extra = {} if limits is None else dict(limits.headers)
    if promo_message is not None:
        extra["x-codex-promo-message"] = promo_message
    error: dict[str, Any] = {"type": "usage_limit_reached", "message": "The usage limit has been reached."}
    error |= {"plan_type": plan_type, "resets_at": resets_at}
    return http_error(429, code="usage_limit_reached", headers=extra, body={"error": error})


def server_error(status: int = 500, message: str = "The server had an error.") -> Reply:
    """HTTP 5xx.

    >>> ScriptedModel([server_error(502), "second try"])
    """
    return http_error(status, message, type="server_error", code="server_error")


def overloaded() -> Reply:
    """HTTP 503 with code `server_is_overloaded`, which the engine reports without another try.

    >>> ScriptedModel([overloaded()])
    """
    return http_error(503, "The server is overloaded.", type="server_error", code="server_is_overloaded")


def wrong_content_type(content_type: str = "text/html", body: str | bytes = "<html>Please sign in</html>") -> Reply:
    """HTTP 200 with a body that is no event stream, as a captive portal or a proxy sends it.

    >>> ScriptedModel([wrong_content_type()])
    """
    content = body.encode() if isinstance(body, str) else bytes(body)
    return Reply(label=f"HTTP 200 {content_type}", status=200, content_type=content_type, headers={}, ops=(content,))


def empty_body() -> Reply:
    """HTTP 200, the right content type, and not one byte of body.

    >>> ScriptedModel([empty_body()])
    """
    return Reply(label="empty body", status=200, content_type="text/event-stream", headers={}, ops=())


def hang_up(*, reset: bool = False) -> Reply:
    """Take the request, then close the connection (or reset it) without any answer.

    >>> ScriptedModel([hang_up(), "second try"])
    """
    return Reply(label="hang up", status=0, content_type="", headers={}, ops=(Abort(reset),))


@contextlib.contextmanager
def refused_base_url(host: str = "127.0.0.1") -> Iterator[str]:
    """A base URL at which every connection is refused, for as long as the block lasts.

    The port is taken but nobody listens, so that no other program can get it meanwhile.

    >>> with refused_base_url() as url: config = provider_config(url)
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as holder:
        holder.bind((host, 0))
        yield f"http://{host}:{holder.getsockname()[1]}/v1"


def _ending(label: str, *ops: Op) -> Step:
    def write(out: EventWriter) -> None:
        for op in ops:
            out.op(op)
        out.ended_by = label

    return Step(label, write)


def _end_event(status: str, **fields: object) -> Step:
    response = {"id": f"resp_{SERIAL}", "object": "response", "status": status, "output": [], **fields}

    def write(out: EventWriter) -> None:
        out.event(f"response.{status}", response=response)
        out.ended_by = f"{status}()"

    return Step(f"{status}(...)", write)
