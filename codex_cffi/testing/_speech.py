"""How a server tells an answer: what a script says, taken apart, and the events of the API that tell it again.

`outline` makes items out of a reply that is written out; `Speech` tells them as OpenAI's own service does. The dialects
override what their servers do differently.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ._cassette import parse_event, split_events
from ._requests import ModelRequest
from ._script import ApiError
from ._sse import SERIAL, Op, compact_json

#: Which deltas are what.
_PIECES = {
    "response.output_text.delta": "text",
    "response.function_call_arguments.delta": "input",
    "response.custom_tool_call_input.delta": "input",
    "response.reasoning_summary_text.delta": "summary",
    "response.reasoning_text.delta": "reasoning",
}
_ENDS = ("response.completed", "response.failed", "response.incomplete")
#: Statuses of errors whose scripts name no status.
_STATUSES = {"rate_limit_exceeded": 429, "insufficient_quota": 429, "server_is_overloaded": 503, "server_error": 500}


@dataclass
class Item:
    """An output item of a script."""

    opened: dict[str, Any]
    pieces: list[tuple[str, str]] = field(default_factory=list)
    """What is streamed of it: `text`, `input`, `summary` or `reasoning`, and the piece."""
    done: dict[str, Any] | None = None
    """As it ends; None where the script breaks off."""

    @property
    def kind(self) -> str:
        """Its type."""
        return str(self.opened.get("type"))

    def of(self, kind: str) -> list[str]:
        """Its pieces of one kind."""
        return [text for name, text in self.pieces if name == kind]

    @property
    def thoughts(self) -> str:
        """All that a reasoning item says: what it thought, or else the summary."""
        whole = self.done or {}
        parts = whole.get("content") or whole.get("summary") or []
        return "\n".join(part["text"] for part in parts) or "".join(self.of("reasoning") or self.of("summary"))


class End(NamedTuple):
    """The end of the answer."""

    kind: str
    response: dict[str, Any]


class Other(NamedTuple):
    """An event that belongs to no item."""

    event: dict[str, Any]


Part = Item | End | Other | Op


def outline(ops: Iterable[Op]) -> Iterator[Part]:
    """What a script says, item by item; what is no event of the API stays as it is."""
    item: Item | None = None
    for op in ops:
        if not isinstance(op, bytes):
            if item is not None:
                yield item
                item = None
            yield op
            continue
        for _, block in split_events([(0, op)]):
            event = parse_event(0, block).data
            kind = event and str(event.get("type"))
            if event is None or kind is None:
                yield block
            elif kind == "response.output_item.added":
                item = Item(event["item"])
            elif kind == "response.output_item.done":
                item = item or Item(event["item"])
                item.done = event["item"]
                yield item
                item = None
            elif kind in _ENDS:
                yield End(kind.removeprefix("response."), event["response"])
            elif kind in _PIECES and item is not None:
                item.pieces.append((_PIECES[kind], event["delta"]))
            elif item is None and kind != "response.created":
                yield Other(event)
    if item is not None:
        yield item


class ToolNotOfferedError(ValueError):
    """A script calls what no model behind this server could call."""


class Speech:
    """One answer, as OpenAI's service tells it.

    Args:
        server: name of the server, for messages.
        request: what is answered.
        offered: the tools that the model behind the server sees: kind, namespace and name of each.
    """

    named = True
    """Whether a line `event:` goes before each event."""
    numbered = True
    """Whether events have a `sequence_number`."""
    last_words: str | None = None
    """What ends the stream, after the last event."""
    nulls: Mapping[str, Any] = {}
    """Fields that every response has, whatever was asked."""

    def __init__(self, server: str, request: ModelRequest, offered: set[tuple[str, str | None, str]]) -> None:
        self.server = server
        self.request = request
        self.offered = offered
        self.ops: list[Op] = []
        self.output: list[dict[str, Any]] = []
        self.index = 0
        self._number = 0
        self._ids = 0

    # --- what is told, in order ---------------------------------------------------------------------------------------

    def tell(self, parts: Iterable[Part]) -> list[Op]:
        """The whole answer, as what goes over the wire.

        Raises:
            ToolNotOfferedError: the script calls a tool that the model was not offered.
        """
        self.begin()
        for part in parts:
            if isinstance(part, Item):
                self.item(part)
            elif isinstance(part, Other):
                fields = {name: value for name, value in part.event.items() if name not in ("type", "sequence_number")}
                self.event(str(part.event["type"]), **fields)
            elif isinstance(part, End):
                self.end(part)
            else:
                self.ops.append(part)
        return self.ops

    def begin(self) -> None:
        """The answer begins."""
        self.event("response.created", response=self.response("in_progress"))
        self.event("response.in_progress", response=self.response("in_progress"))

    def item(self, item: Item) -> None:
        """An output item, whole."""
        if item.kind == "message":
            self.message(item)
        elif item.kind == "reasoning":
            self.reasoning(item)
        elif item.kind in ("function_call", "custom_tool_call"):
            called = (item.kind.split("_")[0], item.opened.get("namespace"), str(item.opened.get("name")))
            if called not in self.offered:
                name = ".".join(part for part in called[1:] if part)
                raise ToolNotOfferedError(
                    f"the script calls {name}, which {self.server} does not offer to the model as a {called[0]} tool "
                    f"here; it offers {sorted('.'.join(p for p in tool[1:] if p) for tool in self.offered)}"
                )
            self.call(item)
        else:
            self.hosted(item)
        self.index += 1

    def message(self, item: Item) -> None:
        """A message."""
        head: dict[str, Any] = {"id": self.fresh("msg", item), "type": "message", "role": "assistant"}
        at: dict[str, Any] = {"item_id": head["id"], "output_index": self.index, "content_index": 0}
        whole = "".join(item.of("text")) if item.done is None else said(item.done)
        self.added({**head, "status": "in_progress", "content": []})
        self.event("response.content_part.added", **at, part=self.text_part(""))
        for piece in item.of("text"):
            self.event("response.output_text.delta", **at, delta=piece, logprobs=[])
        if item.done is not None:
            self.event("response.output_text.done", **at, text=whole, logprobs=[])
            self.event("response.content_part.done", **at, part=self.text_part(whole))
            phase = {} if "phase" not in item.done else {"phase": item.done["phase"]}
            self.done({**head, **phase, "status": "completed", "content": [self.text_part(whole)]})

    def reasoning(self, item: Item) -> None:
        """Reasoning, with its summary in the open."""
        head: dict[str, Any] = {"id": self.fresh("rs", item), "type": "reasoning"}
        at: dict[str, Any] = {"item_id": head["id"], "output_index": self.index, "summary_index": 0}
        whole = item.thoughts
        self.added({**head, "summary": []})
        self.event("response.reasoning_summary_part.added", **at, part={"type": "summary_text", "text": ""})
        for piece in item.of("summary") or item.of("reasoning"):
            self.event("response.reasoning_summary_text.delta", **at, delta=piece)
        if item.done is not None:
            part = {"type": "summary_text", "text": whole}
            self.event("response.reasoning_summary_text.done", **at, text=whole)
            self.event("response.reasoning_summary_part.done", **at, part=part)
            sealed = {}
            if "reasoning.encrypted_content" in (self.request.body.get("include") or ()):
                sealed["encrypted_content"] = item.done.get("encrypted_content") or f"gAAAAA{head['id']}"
            self.done({**head, "summary": [part], **sealed})

    def call(self, item: Item) -> None:
        """A call of a tool."""
        custom = item.kind == "custom_tool_call"
        key, stem = ("input", "custom_tool_call_input") if custom else ("arguments", "function_call_arguments")
        head: dict[str, Any] = {"id": self.fresh("ctc" if custom else "fc", item), **self.called(item)}
        at: dict[str, Any] = {"item_id": head["id"], "output_index": self.index}
        self.added({**head, "status": "in_progress", key: ""})
        for piece in self.cut(item.of("input")):
            self.event(f"response.{stem}.delta", **at, delta=piece)
        if item.done is not None:
            whole = item.done[key]
            self.event(f"response.{stem}.done", **at, **{key: whole})
            self.done({**head, "status": "completed", key: whole})

    def hosted(self, item: Item) -> None:
        """An item of a tool that the service runs itself, or any other."""
        whole = {**(item.done or item.opened), "id": self.fresh("item", item)}
        self.added({"status": "in_progress", **item.opened, "id": whole["id"]})
        if item.done is not None:
            self.done({"status": "completed", **whole})

    def end(self, end: End) -> None:
        """The answer ends."""
        if end.kind == "failed":
            self.fail(error_of(end))
            return
        extra = {name: end.response[name] for name in ("incomplete_details", "end_turn") if name in end.response}
        usage = self.usage(end.response["usage"]) if "usage" in end.response else None
        self.event(f"response.{end.kind}", response={**self.response(end.kind, self.final_output(), usage), **extra})
        self.finish()

    def fail(self, error: ApiError) -> None:
        """The answer fails in its middle."""
        told = {"code": error.code or "server_error", "message": error.message}
        self.event("response.failed", response={**self.response("failed", self.output), "error": told})
        self.finish()

    def finish(self) -> None:
        """Nothing follows."""
        if self.last_words is not None:
            self.ops.append(f"data: {self.last_words}\n\n".encode())

    # --- what it is told with -----------------------------------------------------------------------------------------

    def event(self, kind: str, /, **fields: Any) -> None:
        """One event."""
        number = {"sequence_number": self._number} if self.numbered else {}
        self.unnumbered(kind, **fields, **number)

    def unnumbered(self, kind: str, /, **fields: Any) -> None:
        """One event without a number, which counts all the same."""
        self._number += 1
        self.write(kind, {"type": kind, **fields})

    def write(self, kind: str, data: Mapping[str, Any]) -> None:
        """One event of these data."""
        name = f"event: {kind}\n" if self.named else ""
        self.ops.append(f"{name}data: {compact_json(data)}\n\n".encode())

    def added(self, item: dict[str, Any]) -> None:
        """An item is open."""
        self.event("response.output_item.added", output_index=self.index, item=item)

    def done(self, item: dict[str, Any]) -> None:
        """An item has ended."""
        self.output.append(item)
        self.event("response.output_item.done", output_index=self.index, item=item)

    def fresh(self, prefix: str, item: Item | None = None) -> str:
        """The id of an item: a new one, unless the script names one."""
        scripted = str((item and item.opened.get("id")) or SERIAL)
        if SERIAL not in scripted:
            return scripted
        self._ids += 1
        return f"{prefix}_{self.request.number:08x}{self._ids:08x}"

    def text_part(self, text: str) -> dict[str, Any]:
        """The content of a message."""
        return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}

    def called(self, item: Item) -> dict[str, Any]:
        """What names the tool that is called."""
        names = ("type", "call_id", "name", "namespace")
        return {name: item.opened[name] for name in names if name in item.opened}

    def cut(self, pieces: list[str]) -> list[str]:
        """The pieces in which arguments are told."""
        return pieces

    def final_output(self) -> list[dict[str, Any]]:
        """The items, as the final event repeats them."""
        return self.output

    def usage(self, usage: dict[str, Any]) -> dict[str, Any] | None:
        """The tokens that the answer took."""
        return usage

    def response_id(self) -> str:
        """Id of the answer."""
        return f"resp_{self.request.number:016x}"

    def response(
        self, status: str, output: list[dict[str, Any]] | None = None, usage: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """The response object of an event."""
        body = self.request.body
        return {
            "id": self.response_id(),
            "object": "response",
            "created_at": int(self.request.received_at),
            "status": status,
            "error": None,
            "incomplete_details": None,
            "model": body.get("model"),
            "output": output or [],
            "parallel_tool_calls": body.get("parallel_tool_calls", True),
            "tool_choice": body.get("tool_choice", "auto"),
            "tools": body.get("tools", []),
            "usage": usage,
            **self.nulls,
        }


def said(message: Mapping[str, Any]) -> str:
    """The text of a message."""
    return "".join(part.get("text", "") for part in message.get("content") or ())


def error_of(end: End) -> ApiError:
    """The error of an answer that failed."""
    told = end.response.get("error") or {}
    code = told.get("code")
    return ApiError(_STATUSES.get(str(code), 400), str(told.get("message", "")), code, told.get("type"))
