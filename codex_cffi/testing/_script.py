"""The steps that a scripted response is composed of.

A response is a list of steps: `[reasoning("hm"), shell("ls"), usage(input_tokens=10)]`. The server opens it with
`response.created` and ends it with `response.completed`, unless a step (a fault) ends it differently.
"""

from __future__ import annotations

import base64
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from ._sse import SERIAL, Await, Call, EventWriter, Op, Pause, Waitable, compact_json

if TYPE_CHECKING:
    from ._requests import ModelRequest

Phase = Literal["commentary", "final_answer"]


class Step:
    """One piece of a scripted response, made by the functions of this package (`text`, `shell`, `delay`, ...)."""

    __slots__ = ("alone", "headers", "label", "write")

    def __init__(
        self,
        label: str,
        write: Callable[[EventWriter], None],
        *,
        alone: bool = True,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.label = label
        self.write = write
        # A step that only modifies a response is refused as a whole response: it is nearly always a missing list.
        self.alone = alone
        self.headers = headers or {}

    def __repr__(self) -> str:
        return f"<Step {self.label}>"


class _EventLike(Protocol):
    def set(self) -> object: ...


# --- output items -----------------------------------------------------------------------------------------------------


def text(
    content: str | None = None,
    *,
    deltas: int | Sequence[str] = 1,
    phase: Phase | None = None,
    item_id: str | None = None,
) -> Step:
    """An assistant message.

    Args:
        content: the whole text; may be left out when `deltas` is a list.
        deltas: how many pieces to stream it in (0: only the finished item), or the pieces themselves.
        phase: `"commentary"` for text in the middle of a turn, `"final_answer"` for the answer; default: not sent.
        item_id: id of the item; default: a fresh one per serving.

    Raises:
        ValueError: more pieces than characters, or pieces that do not add up to `content`.

    >>> text("All tests pass.", deltas=3)
    """
    whole, pieces = _pieces("text", content, deltas)

    def write(out: EventWriter) -> None:
        index, fresh = out.next_item("msg")
        message: dict[str, Any] = {"type": "message", "id": item_id or fresh, "role": "assistant"}
        if phase is not None:
            message["phase"] = phase
        at: dict[str, Any] = {"item_id": message["id"], "output_index": index, "content_index": 0}
        part = {"type": "output_text", "text": whole, "annotations": []}
        out.item_added(index, {**message, "content": []})
        out.event("response.content_part.added", **at, part={**part, "text": ""})
        out.deltas("response.output_text.delta", pieces, **at)
        out.event("response.output_text.done", **at, text=whole)
        out.event("response.content_part.done", **at, part=part)
        out.item_done(index, {**message, "content": [part]})

    return Step(f"text({_short(whole)})", write)


def reasoning(
    summary: str | Sequence[str] = (),
    *,
    content: str | None = None,
    deltas: int = 1,
    encrypted_content: str | None = None,
    item_id: str | None = None,
) -> Step:
    """A reasoning item.

    Args:
        summary: the summary, one part or several; `()` for none.
        content: raw reasoning text, as open-weight models send it.
        deltas: how many pieces to stream each part in.
        encrypted_content: the opaque blob that the engine sends back with the next request.
        item_id: id of the item; default: a fresh one per serving.

    >>> reasoning(["Look at the tests.", "Then fix them."], deltas=2)
    """
    parts = (summary,) if isinstance(summary, str) else tuple(summary)
    cut_parts = [(part, _pieces("reasoning", part, deltas)[1]) for part in parts]
    cut_content = None if content is None else _pieces("reasoning", content, deltas)

    def write(out: EventWriter) -> None:
        index, fresh = out.next_item("rs")
        thought: dict[str, Any] = {"type": "reasoning", "id": item_id or fresh, "summary": []}
        if encrypted_content is not None:
            thought["encrypted_content"] = encrypted_content
        at: dict[str, Any] = {"item_id": thought["id"], "output_index": index}
        out.item_added(index, thought)
        for i, (part, pieces) in enumerate(cut_parts):
            done = {"type": "summary_text", "text": part}
            out.event("response.reasoning_summary_part.added", **at, summary_index=i, part={**done, "text": ""})
            out.deltas("response.reasoning_summary_text.delta", pieces, **at, summary_index=i)
            out.event("response.reasoning_summary_text.done", **at, summary_index=i, text=part)
            out.event("response.reasoning_summary_part.done", **at, summary_index=i, part=done)
        thought["summary"] = [{"type": "summary_text", "text": part} for part in parts]
        if cut_content is not None:
            whole, pieces = cut_content
            out.deltas("response.reasoning_text.delta", pieces, **at, content_index=0)
            out.event("response.reasoning_text.done", **at, content_index=0, text=whole)
            thought["content"] = [{"type": "reasoning_text", "text": whole}]
        out.item_done(index, thought)

    return Step(f"reasoning({_short(' '.join(parts))})", write)


def function_call(
    name: str,
    arguments: Mapping[str, Any] | str = "{}",
    *,
    call_id: str | None = None,
    namespace: str | None = None,
    item_id: str | None = None,
) -> Step:
    """A call of a function tool. Several calls in one response are parallel calls.

    Args:
        name: name of the tool, without its namespace.
        arguments: a mapping, sent as JSON, or text that is sent as it is (so that broken JSON can be sent too).
        call_id: id that the tool's output will carry; default `call_<n>_<k>`, the k-th call of the answer to request n.
        namespace: the tool's namespace, e.g. that of an MCP server.
        item_id: id of the item; default: a fresh one per serving.

    Raises:
        TypeError: `arguments` cannot be expressed as JSON.

    >>> function_call("get_weather", {"city": "Kyiv"}, call_id="call_1")
    """
    encoded = arguments if isinstance(arguments, str) else compact_json(dict(arguments))

    def write(out: EventWriter) -> None:
        index, fresh = out.next_item("fc")
        call = _call("function_call", item_id or fresh, name, namespace, call_id or out.next_call_id())
        at: dict[str, Any] = {"item_id": call["id"], "output_index": index}
        out.item_added(index, {**call, "arguments": ""})
        out.event("response.function_call_arguments.delta", **at, delta=encoded)
        out.event("response.function_call_arguments.done", **at, arguments=encoded)
        out.item_done(index, {**call, "arguments": encoded})

    return Step(f"function_call({name!r})", write)


def custom_tool_call(
    name: str,
    input: str,
    *,
    call_id: str | None = None,
    namespace: str | None = None,
    deltas: int = 1,
    item_id: str | None = None,
) -> Step:
    """A call of a freeform tool, whose input is plain text rather than JSON.

    Args are those of `function_call`; `deltas` is the number of pieces to stream `input` in.

    >>> custom_tool_call("sql", "select 1", call_id="call_1")
    """
    whole, pieces = _pieces("custom_tool_call", input, deltas)

    def write(out: EventWriter) -> None:
        index, fresh = out.next_item("ctc")
        call = _call("custom_tool_call", item_id or fresh, name, namespace, call_id or out.next_call_id())
        at: dict[str, Any] = {"item_id": call["id"], "output_index": index}
        out.item_added(index, {**call, "input": ""})
        out.deltas("response.custom_tool_call_input.delta", pieces, **at)
        out.event("response.custom_tool_call_input.done", **at, input=whole)
        out.item_done(index, {**call, "input": whole})

    return Step(f"custom_tool_call({name!r})", write)


def apply_patch(patch: str, *, call_id: str | None = None, deltas: int = 1) -> Step:
    r"""A call of the engine's freeform `apply_patch` tool.

    >>> apply_patch("*** Begin Patch\n*** Add File: a.txt\n+hello\n*** End Patch")
    """
    return custom_tool_call("apply_patch", patch, call_id=call_id, deltas=deltas)


def shell(cmd: str, *, call_id: str | None = None, **options: Any) -> Step:
    """A call of the engine's `exec_command` tool.

    Args:
        cmd: the command line, run by the user's shell.
        call_id: as in `function_call`.
        options: further arguments of the tool, e.g. `workdir`, `yield_time_ms` (milliseconds), `max_output_tokens`,
            `tty`, `sandbox_permissions`, `justification`.

    >>> shell("pytest -q", workdir="svc", call_id="call_1")
    """
    return function_call("exec_command", {"cmd": cmd, **options}, call_id=call_id)


def structured(value: Any, *, deltas: int = 1, item_id: str | None = None) -> Step:
    """An assistant message that is JSON, as models answer a request with an output schema.

    Raises:
        TypeError: `value` cannot be expressed as JSON.

    >>> structured({"verdict": "approve", "findings": []})
    """
    return text(compact_json(value), deltas=deltas, item_id=item_id)


def image_generation(result: str | bytes, *, revised_prompt: str | None = None, item_id: str | None = None) -> Step:
    """An image that the service generated itself.

    Args:
        result: the image file, as bytes or in base64.
        revised_prompt: the prompt as the service put it.
        item_id: id of the item; default: a fresh one per serving.

    >>> image_generation(Path("cat.png").read_bytes(), revised_prompt="A cat")
    """
    encoded = result if isinstance(result, str) else base64.b64encode(result).decode()

    def write(out: EventWriter) -> None:
        index, fresh = out.next_item("ig")
        image: dict[str, Any] = {"type": "image_generation_call", "id": item_id or fresh}
        out.item_added(index, image)
        for state in ("in_progress", "generating", "completed"):
            out.event(f"response.image_generation_call.{state}", item_id=image["id"], output_index=index)
        if revised_prompt is not None:
            image["revised_prompt"] = revised_prompt
        out.item_done(index, {**image, "result": encoded})

    return Step("image_generation(...)", write)


def web_search(
    query: str | None = None,
    *,
    open_page: str | None = None,
    find_in_page: tuple[str, str] | None = None,
    item_id: str | None = None,
) -> Step:
    """A web search that the service carried out itself; the engine only reports it. One of:

    Args:
        query: what was searched for.
        open_page: URL of a page that was opened.
        find_in_page: URL of a page and what was looked for in it.
        item_id: id of the item; default: a fresh one per serving.

    Raises:
        ValueError: none or several of them.

    >>> web_search("python 3.14 release date")
    """
    actions: list[dict[str, Any]] = []
    if query is not None:
        actions.append({"type": "search", "query": query})
    if open_page is not None:
        actions.append({"type": "open_page", "url": open_page})
    if find_in_page is not None:
        actions.append({"type": "find_in_page", "url": find_in_page[0], "pattern": find_in_page[1]})
    if len(actions) != 1:
        raise ValueError("web_search() is a query, open_page= or find_in_page=, one of them")

    def write(out: EventWriter) -> None:
        index, fresh = out.next_item("ws")
        search = {"type": "web_search_call", "id": item_id or fresh}
        out.item_added(index, search)
        for state in ("in_progress", "searching", "completed"):
            out.event(f"response.web_search_call.{state}", item_id=search["id"], output_index=index)
        out.item_done(index, {**search, "action": actions[0]})

    return Step(f"web_search({_short(query or actions[0]['url'])})", write)


def item(value: Mapping[str, Any]) -> Step:
    """Any other output item, sent as it is (`added`, then `done`); `id` is filled in when missing.

    >>> item({"type": "image_generation_call", "status": "completed", "result": "aGk="})
    """
    if "type" not in value:
        raise ValueError('item(): an output item needs a "type"')
    fixed = dict(value)

    def write(out: EventWriter) -> None:
        index, fresh = out.next_item("item")
        for state in ("added", "done"):
            out.event(f"response.output_item.{state}", output_index=index, item={"id": fresh, **fixed})

    return Step(f"item({fixed['type']})", write)


def event(kind: str, /, **fields: Any) -> Step:
    """Any event of the API, sent as it is.

    >>> event("response.metadata", metadata={"k": "v"})
    """
    return Step(f"event({kind!r})", lambda out: out.event(kind, **fields))


# --- the response itself ----------------------------------------------------------------------------------------------


def usage(
    *,
    input_tokens: int = 0,
    cached_input_tokens: int = 0,
    cache_write_input_tokens: int = 0,
    output_tokens: int = 0,
    reasoning_output_tokens: int = 0,
    total_tokens: int | None = None,
) -> Step:
    """Token counts of the response (all zero without this step); `total_tokens` defaults to input plus output.

    >>> [text("hi"), usage(input_tokens=120, cached_input_tokens=100, output_tokens=8)]
    """
    value = {
        "input_tokens": input_tokens,
        "input_tokens_details": {"cached_tokens": cached_input_tokens, "cache_write_tokens": cache_write_input_tokens},
        "output_tokens": output_tokens,
        "output_tokens_details": {"reasoning_tokens": reasoning_output_tokens},
        "total_tokens": input_tokens + output_tokens if total_tokens is None else total_tokens,
    }
    return Step("usage(...)", lambda out: out.usage.update(value), alone=False)


def rate_limits(
    *,
    primary_used_percent: float | None = None,
    primary_window_minutes: int | None = None,
    primary_resets_at: int | None = None,
    secondary_used_percent: float | None = None,
    secondary_window_minutes: int | None = None,
    secondary_resets_at: int | None = None,
    has_credits: bool | None = None,
    unlimited_credits: bool | None = None,
    credits_balance: str | None = None,
    limit_id: str = "codex",
    limit_name: str | None = None,
) -> Step:
    """Rate-limit headers (`x-codex-primary-used-percent` ...).

    Args:
        primary_used_percent: share of the window used up, 0 to 100; the engine ignores a window without it.
        primary_window_minutes: length of the window, minutes.
        primary_resets_at: when it starts anew, Unix seconds. `secondary_*` is the second window.
        has_credits, unlimited_credits, credits_balance: credits; the engine needs the first two to report them.
        limit_id: the family of headers, `x-<limit_id>-...`.
        limit_name: name of the limit for people.

    >>> [text("hi"), rate_limits(primary_used_percent=42.0, primary_window_minutes=300)]
    """
    prefix = f"x-{limit_id.lower().replace('_', '-')}"
    values: dict[str, object] = {
        f"{prefix}-primary-used-percent": primary_used_percent,
        f"{prefix}-primary-window-minutes": primary_window_minutes,
        f"{prefix}-primary-reset-at": primary_resets_at,
        f"{prefix}-secondary-used-percent": secondary_used_percent,
        f"{prefix}-secondary-window-minutes": secondary_window_minutes,
        f"{prefix}-secondary-reset-at": secondary_resets_at,
        f"{prefix}-limit-name": limit_name,
        "x-codex-credits-has-credits": has_credits,
        "x-codex-credits-unlimited": unlimited_credits,
        "x-codex-credits-balance": credits_balance,
    }
    return headers({name: _header_text(value) for name, value in values.items() if value is not None})


def headers(values: Mapping[str, str]) -> Step:
    """Extra headers of the HTTP response.

    Raises:
        ValueError: a header that would break the framing (content-length, line breaks, ...).

    >>> [text("hi"), headers({"x-codex-turn-state": "sticky-1"})]
    """
    checked = check_headers(values)
    return Step("headers(...)", lambda out: out.headers.update(checked), alone=False, headers=checked)


def delay(seconds: float) -> Step:
    """Send what comes before, then nothing for `seconds`. Ends early when the client leaves or the server closes.

    >>> [text("wait for it"), delay(0.05), text("done")]
    """
    if not seconds >= 0:
        raise ValueError(f"delay({seconds!r}): seconds must be 0 or more")
    return op_step(f"delay({seconds})", Pause(float(seconds)))


def wait_for(event: Waitable, *, timeout: float = 30.0) -> Step:
    """Send what comes before, then nothing until `event` is set, so that a test decides when the stream goes on.

    Args:
        event: `threading.Event`, `multiprocessing.Event` or alike (not `asyncio.Event`).
        timeout: seconds; when they pass, the connection is closed and `check()` fails.

    >>> [text("thinking"), wait_for(gate), text("done")]
    """
    if _is_async(getattr(event, "wait", None)):
        raise TypeError("wait_for() needs an event of threads (threading.Event), not of asyncio")
    return op_step("wait_for(...)", Await(event, timeout))


def reached(event: _EventLike) -> Step:
    """Set `event` (call its `set()`) once everything before this step has been sent.

    >>> [text("thinking"), reached(started), wait_for(gate), text("done")]
    """
    return op_step("reached(...)", Call(event.set))


class ApiError(NamedTuple):
    """An error of the API before a server puts it into its own words."""

    status: int
    message: str
    code: str | None = None
    type: str | None = None
    param: str | None = None


class Reply:
    """A response written out: what `reply()` and the faults return. Immutable; can be served any number of times."""

    __slots__ = ("_status", "content_type", "head", "headers", "label", "means", "ops")

    def __init__(
        self,
        *,
        label: str,
        status: int,
        content_type: str,
        headers: Mapping[str, str],
        ops: Sequence[Op],
        means: ApiError | Literal["events"] | None = None,
    ):
        self.label = label
        self._status = status
        self.content_type = content_type
        self.ops = tuple(ops)
        # What a dialect says in its own way: an error, or the events of the API. None: these bytes, whoever sends them.
        self.means = means
        self.headers = dict(headers)
        self.head = _head(status, {"content-type": content_type, "x-request-id": f"req_{SERIAL}", **headers})

    @property
    def status(self) -> int:
        """HTTP status."""
        return self._status

    def __repr__(self) -> str:
        return f"<Reply {self.label}>"


def reply(*steps: Step | str, completed: bool = True, end_turn: bool | None = None) -> Reply:
    """A response of `steps`, with control over how it ends; without that need a plain list of steps says the same.

    Args:
        steps: the steps; a string stands for `text(string)`.
        completed: False ends the stream in an orderly way but without `response.completed`. The engine takes a finished message or
            call before that for the whole answer.
        end_turn: the model's own word on whether its turn is over; False makes the engine ask again.

    Raises:
        ValueError: a step after one that ends the response.

    >>> reply(text("an answer"), completed=False)
    """
    out = EventWriter()
    response: dict[str, Any] = {"id": f"resp_{SERIAL}", "object": "response", "status": "in_progress", "output": []}
    out.event("response.created", response=response)
    parts = [text(step) if isinstance(step, str) else step for step in steps]
    for step in parts:
        if out.ended_by is not None:
            raise ValueError(f"{out.ended_by} ends the response: nothing can follow it")
        step.write(out)
    if completed and out.ended_by is None:
        # The real service repeats all output items here; clients that read the stream do not need them.
        response = {**response, "status": "completed", "usage": {**_NO_USAGE, **out.usage}}
        if end_turn is not None:
            response["end_turn"] = end_turn
        out.event("response.completed", response=response)
    return Reply(
        label=", ".join(step.label for step in parts) or "nothing",
        status=200,
        content_type="text/event-stream",
        headers={"cache-control": "no-cache", **out.headers},
        ops=out.ops(),
        means="events",
    )


StaticResponse = str | Step | Reply | Sequence[str | Step]
ResponseLike = StaticResponse | Callable[["ModelRequest"], StaticResponse]


def as_reply(response: StaticResponse) -> Reply:
    """Write a response out.

    Raises:
        TypeError: not a response, or only a step that modifies one.
    """
    if isinstance(response, Reply):
        return response
    if isinstance(response, str):
        return reply(text(response))
    if isinstance(response, Step):
        if not response.alone:
            raise TypeError(f"{response.label} is not a whole response: put it into a list with other steps")
        return reply(response)
    if isinstance(response, Sequence) and all(isinstance(step, (str, Step)) for step in response):
        return reply(*response)
    raise TypeError(
        f"a response is a string, a step, a list of steps, reply(...) or a function of the request, not {response!r}"
    )


def prepare(response: ResponseLike) -> Reply | Callable[[ModelRequest], StaticResponse]:
    """Write a response out now if that is possible, so that mistakes show where the script is written."""
    if isinstance(response, (str, Step, Reply, Sequence)) or not callable(response):
        return as_reply(response)
    if _is_async(response):
        raise TypeError("a response function runs on a thread of the server: it cannot be async")
    return response


# --- implementation ---------------------------------------------------------------------------------------------------

_NO_USAGE = {
    "input_tokens": 0,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 0,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 0,
}
_REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found"}
_REASONS |= {405: "Method Not Allowed", 415: "Unsupported Media Type", 426: "Upgrade Required"}
_REASONS |= {429: "Too Many Requests", 500: "Internal Server Error", 503: "Service Unavailable"}
_FRAMING = {"content-length", "transfer-encoding", "connection", "content-encoding"}


def op_step(label: str, op: Op) -> Step:
    """A step that sends something else than an event, or nothing for a while."""
    return Step(label, lambda out: out.op(op), alone=False)


def check_headers(values: Mapping[str, str]) -> dict[str, str]:
    """`values` with lower-case names.

    Raises:
        ValueError: a header that would break the framing of the response.
    """
    checked = {}
    for name, value in values.items():
        if name.lower() in _FRAMING or any(c in name + value for c in "\r\n\0") or not name or ":" in name:
            raise ValueError(f"header {name!r} cannot be set: it would break the framing of the response")
        checked[name.lower()] = value
    return checked


def _head(status: int, values: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Status')}"]
    lines += [f"{name}: {value}" for name, value in values.items()]
    return ("\r\n".join(lines) + "\r\n").encode("utf-8")


def _header_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _pieces(who: str, content: str | None, deltas: int | Iterable[str]) -> tuple[str, tuple[str, ...]]:
    if not isinstance(deltas, int):
        pieces = tuple(deltas)
        if content is not None and content != "".join(pieces):
            raise ValueError(f"{who}(): the pieces do not add up to the content")
        return "".join(pieces), pieces
    if content is None:
        raise ValueError(f"{who}() needs a content, or a list of deltas")
    if deltas < 0 or deltas > max(len(content), 1):
        raise ValueError(f"{who}(): {len(content)} characters cannot be streamed in {deltas} pieces")
    if not content:
        return content, ()
    edges = [i * len(content) // deltas for i in range(deltas + 1)] if deltas else []
    return content, tuple(content[a:b] for a, b in itertools.pairwise(edges))


def _call(kind: str, item_id: str, name: str, namespace: str | None, call_id: str) -> dict[str, Any]:
    call = {"type": kind, "id": item_id, "name": name, "call_id": call_id}
    return call if namespace is None else {**call, "namespace": namespace}


def _is_async(function: object) -> bool:
    # What inspect.iscoroutinefunction does; importing inspect takes longer than starting the server.
    return bool(getattr(getattr(function, "__code__", None), "co_flags", 0) & 0x80)


def _short(content: str) -> str:
    return repr(content if len(content) <= 40 else content[:37] + "...")
