"""Server-sent events of the Responses API, rendered once and reused.

Everything is rendered when a response is written down, not when it is served. The one thing that differs from one
serving to the next is the number inside the ids (`resp_7`, `msg_7_0`, ...): rendered text carries `SERIAL` in its
place and the server swaps it with one `bytes.replace`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

# Random, so that no text of a user can contain it; printable, so that JSON encoding leaves it alone.
SERIAL = f"~{os.urandom(8).hex()}~"
SERIAL_BYTES = SERIAL.encode()


class Waitable(Protocol):
    """What `wait_for` accepts: `threading.Event`, `multiprocessing.Event` or anything with the same `wait`."""

    def wait(self, timeout: float) -> bool: ...


class Pause(NamedTuple):
    """Send nothing for `seconds` (`math.inf`: until the client leaves or the server closes)."""

    seconds: float


class Await(NamedTuple):
    """Send nothing until `event` is set; an error of the script when it is not set within `timeout` seconds."""

    event: Waitable
    timeout: float


class Call(NamedTuple):
    """Call `function` once everything before it has been sent."""

    function: Callable[[], object]


class Drip(NamedTuple):
    """Send `data` every `seconds`, `times` times (`None`: until the client leaves or the server closes)."""

    data: bytes
    seconds: float
    times: int | None


class Abort(NamedTuple):
    """Close the connection without ending the body; `reset` sends a TCP reset instead of an orderly close."""

    reset: bool


Op = bytes | Pause | Await | Call | Drip | Abort


def compact_json(value: object) -> str:
    """`value` as JSON on one line, non-ASCII kept as UTF-8, as the real service writes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class EventWriter:
    """Collects the events of one response and the pauses between them."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.usage: dict[str, Any] = {}
        self.cut_after: int | None = None
        self.cut_reset = False
        self.ended_by: str | None = None
        self._ops: list[Op] = []
        self._sequence = 0
        self._items = 0
        self._calls = 0

    def next_item(self, prefix: str) -> tuple[int, str]:
        """The output index and the id of a new output item, e.g. `(0, "msg_<serial>_0")`."""
        index = self._items
        self._items += 1
        return index, f"{prefix}_{SERIAL}_{index}"

    def next_call_id(self) -> str:
        """The id of a tool call whose script gives none: `call_<request number>_<k>`, k counting from 1."""
        self._calls += 1
        return f"call_{SERIAL}_{self._calls}"

    def event(self, kind: str, /, **fields: object) -> None:
        """Add one event; `fields` follow `type` and `sequence_number` in its data."""
        data = compact_json({"type": kind, "sequence_number": self._sequence, **fields})
        self._sequence += 1
        self._ops.append(f"event: {kind}\ndata: {data}\n\n".encode())

    def deltas(self, kind: str, pieces: Sequence[str], /, **fields: object) -> None:
        """Add one event per piece; the constant part is encoded once, since responses of 5,000 deltas are usual."""
        head = f'event: {kind}\ndata: {{"type":"{kind}","sequence_number":'
        middle = f',{compact_json(fields)[1:-1]},"delta":'
        encode = json.encoder.encode_basestring
        start = self._sequence
        self._ops.extend(f"{head}{start + i}{middle}{encode(piece)}}}\n\n".encode() for i, piece in enumerate(pieces))
        self._sequence += len(pieces)

    def item_added(self, index: int, item: dict[str, Any]) -> None:
        """Open an output item."""
        # The id and the type come first and the status is that of an open item, as the real service writes them.
        out = {"type": item["type"], "id": item["id"], "status": "in_progress", **item}
        self.event("response.output_item.added", output_index=index, item=_statusless(out))

    def item_done(self, index: int, item: dict[str, Any]) -> None:
        """Finish an output item."""
        out = {"type": item["type"], "id": item["id"], "status": "completed", **item}
        self.event("response.output_item.done", output_index=index, item=_statusless(out))

    def op(self, op: Op) -> None:
        """Add bytes that are not an event of the API, or a pause."""
        self._ops.append(op)

    def ops(self) -> tuple[Op, ...]:
        """What to send, consecutive bytes joined, so that each run of events is one write.

        Raises:
            ValueError: `cut_after` is larger than the number of events.
        """
        ops = self._ops
        if self.cut_after is not None:
            ops = _cut(ops, self.cut_after, Abort(self.cut_reset))
        joined: list[Op] = []
        run: list[bytes] = []
        for op in ops:
            if isinstance(op, bytes):
                run.append(op)
                continue
            if run:
                joined.append(b"".join(run))
                run = []
            joined.append(op)
        if run:
            joined.append(b"".join(run))
        return tuple(joined)


def _statusless(item: dict[str, Any]) -> dict[str, Any]:
    # Reasoning items have no status on the wire.
    return {key: value for key, value in item.items() if key != "status" or item["type"] != "reasoning"}


def _cut(ops: list[Op], after: int, end: Abort) -> list[Op]:
    kept: list[Op] = []
    left = after
    for op in ops:
        if isinstance(op, bytes):
            if left == 0:
                break
            left -= 1
        kept.append(op)
    if left:
        raise ValueError(f"disconnect(after_events={after}): the response has only {after - left} events")
    return [*kept, end]
