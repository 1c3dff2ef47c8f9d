"""The file of `RecordedModel`: JSON that people can read and compare, one line per event of a stream.

A request is written in full where it is new only: `{"$same": 1}` stands for the value of that field in exchange 1, and
`{"$same": 1, "$items": 4}` for the first four items of its conversation.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ._sse import compact_json

VERSION = 1

End = Literal["complete", "cut", "reset", "client_left"]
"""How an answer ended: by itself, by the upstream's closing or resetting the connection, by the client's leaving."""

_SURROGATE = re.compile("[\ud800-\udfff]")
# Unlike those of str.splitlines(), which a text of the model may have in it.
_LINE_END = re.compile(r"\r\n|\n|\r")
_BLOCK_END = re.compile(rb"\r\n\r\n|\n\n|\r\r")


class CassetteError(Exception):
    """The file is not a cassette that this version reads."""


@dataclass
class Event:
    """One event of a stream, or, as `raw`, bytes that are none."""

    at: int
    """When it came, milliseconds after the request."""
    data: dict[str, Any] | None = None
    name: str | None = None
    """Name of the event where it is not the `type` in its data."""
    raw: str | None = None

    def encode(self) -> str:
        """The event as it goes over the wire."""
        if self.data is None:
            return self.raw or ""
        return f"event: {self.name or self.data.get('type')}\ndata: {escape_surrogates(compact_json(self.data))}\n\n"


@dataclass
class Exchange:
    """One request and its answer, without secrets."""

    thread: str | None
    """Label of the agent thread (`thread-1`, ...); None for requests of no thread."""
    method: str
    path: str
    """Path after the base URL, e.g. `/responses`."""
    body: dict[str, Any] | None
    """The normalised body; None where there is none, or none in JSON."""
    status: int
    """HTTP status of the answer; 0 when the upstream closed the connection instead."""
    headers: dict[str, str] = field(default_factory=dict)
    at: int = 0
    """When the answer began, milliseconds after the request."""
    events: list[Event] | None = None
    json: Any = None
    text: str | None = None
    end: End = "complete"


def split_events(chunks: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    """Blocks of a stream of events, each with its time; the last one may be unfinished."""
    whole = b"".join(data for _, data in chunks)
    ends: list[tuple[int, int]] = []
    size = 0
    for at, data in chunks:
        size += len(data)
        ends.append((size, at))
    blocks = []
    start = chunk = 0
    for end in [*(match.end() for match in _BLOCK_END.finditer(whole)), len(whole)]:
        if end == start:
            continue
        while ends[chunk][0] < end:
            chunk += 1
        blocks.append((ends[chunk][1], whole[start:end]))
        start = end
    return blocks


def parse_event(at: int, block: bytes) -> Event:
    """An event from its bytes; `raw` unless it is a finished one with a JSON object as its only data."""
    try:
        text = block.decode()
    except UnicodeDecodeError:
        return Event(at, raw=block.decode("utf-8", "surrogateescape"))
    name = None
    data: list[str] = []
    for line in _LINE_END.split(text):
        key, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if key == "event":
            name = value
        elif key == "data":
            data.append(value)
        elif line:
            return Event(at, raw=text)
    if _BLOCK_END.search(block) and len(data) == 1:
        with contextlib.suppress(ValueError):
            value = json.loads(data[0])
            if isinstance(value, dict):
                return Event(at, value, None if name in (None, value.get("type")) else name)
    return Event(at, raw=text)


def escape_surrogates(text: str) -> str:
    """JSON that can be encoded: lone surrogates, which also stand for bytes that are no UTF-8, become `\\udcff`."""
    return _SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


# --- the file ---------------------------------------------------------------------------------------------------------


def render(exchanges: list[Exchange], client: str | None) -> str:
    """The text of a cassette."""
    packed = [_pack(exchange, i, exchanges) for i, exchange in enumerate(exchanges)]
    lines = [json.dumps({"codex_cassette": VERSION, "client": client}, indent=1)[:-2] + ',\n "exchanges": [']
    for i, value in enumerate(packed):
        events = value["response"].pop("events", None)
        text = json.dumps(value, indent=1, ensure_ascii=False)
        if events is not None:
            rows = ",\n".join(f"   {json.dumps(event, ensure_ascii=False)}" for event in events)
            end = text.rindex("\n }\n}")  # of the response, and of the exchange
            text = f'{text[:end]},\n  "events": [{chr(10) * bool(rows)}{rows}\n  ]{text[end:]}'
        text = "\n".join(f"  {line}" for line in text.split("\n"))
        lines.append(text + ("," if i < len(packed) - 1 else ""))
    whole = "\n".join(lines) + "\n ]\n}\n"
    return escape_surrogates(whole)


def save(path: Path, text: str) -> None:
    """Write a cassette so that only its owner can read it, and whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def load(path: Path) -> tuple[list[Exchange], str | None]:
    """The exchanges of a cassette, and the client that it was recorded with.

    Raises:
        CassetteError: not a cassette, or one of another version.
        OSError: cannot be read.
    """
    try:
        whole = json.loads(path.read_text(encoding="utf-8"))
        version = whole["codex_cassette"]
    except (ValueError, KeyError, TypeError) as error:
        raise CassetteError(f"{path} is not a cassette: {error}") from None
    if version != VERSION:
        raise CassetteError(f"{path} is a cassette of version {version}; this package reads version {VERSION}")
    exchanges: list[Exchange] = []
    try:
        for value in whole["exchanges"]:
            exchanges.append(_unpack(value, exchanges))
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise CassetteError(f"{path}: exchange {len(exchanges) + 1} is damaged: {error!r}") from None
    return exchanges, whole.get("client")


def _pack(exchange: Exchange, index: int, exchanges: list[Exchange]) -> dict[str, Any]:
    request: dict[str, Any] = {"thread": exchange.thread, "method": exchange.method, "path": exchange.path}
    if exchange.body is not None:
        request["body"] = _pack_body(exchange.body, exchanges[:index])
    response: dict[str, Any] = {"status": exchange.status, "headers": exchange.headers, "at": exchange.at}
    response["end"] = exchange.end
    if exchange.events is not None:
        response["events"] = [_pack_event(event) for event in exchange.events]
    elif exchange.text is not None:
        response["text"] = exchange.text
    elif exchange.json is not None:
        response["json"] = exchange.json
    return {"request": request, "response": response}


def _pack_event(event: Event) -> dict[str, Any]:
    if event.data is None:
        return {"at": event.at, "raw": event.raw}
    return {"at": event.at, **({} if event.name is None else {"event": event.name}), "data": event.data}


def _pack_body(body: dict[str, Any], earlier: list[Exchange]) -> dict[str, Any]:
    packed: dict[str, Any] = {}
    for key, value in body.items():
        best: tuple[int, int] = (0, 0)
        for number, other in reversed(list(enumerate(earlier, 1))):
            before = (other.body or {}).get(key)
            if key == "input" and isinstance(value, list) and isinstance(before, list):
                best = max(best, (_common(value, before), number))
            elif before == value and len(compact_json(value)) > 80:
                packed[key] = {"$same": number}
                break
        else:
            common, number = best
            packed[key] = [{"$same": number, "$items": common}, *value[common:]] if common else value
    return packed


def _common(a: list[Any], b: list[Any]) -> int:
    count = 0
    for x, y in zip(a, b, strict=False):
        if x != y:
            break
        count += 1
    return count


def _unpack(value: dict[str, Any], earlier: list[Exchange]) -> Exchange:
    request, response = value["request"], value["response"]

    def body_of(reference: dict[str, Any]) -> dict[str, Any]:
        return earlier[reference["$same"] - 1].body or {}

    body = request.get("body")
    if body is not None:
        unpacked: dict[str, Any] = {}
        for key, part in body.items():
            if isinstance(part, dict) and "$same" in part:
                part = body_of(part)[key]
            elif isinstance(part, list) and part and isinstance(part[0], dict) and "$same" in part[0]:
                part = [*body_of(part[0])[key][: part[0]["$items"]], *part[1:]]
            unpacked[key] = part
        body = unpacked
    events = response.get("events")
    return Exchange(
        thread=request["thread"],
        method=request["method"],
        path=request["path"],
        body=body,
        status=response["status"],
        headers=response["headers"],
        at=response["at"],
        events=None
        if events is None
        else [Event(e["at"], e.get("data"), e.get("event"), e.get("raw")) for e in events],
        json=response.get("json"),
        text=response.get("text"),
        end=response["end"],
    )
