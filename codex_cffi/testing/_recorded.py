"""Record what a real model answers, and replay it without one."""

from __future__ import annotations

import contextlib
import json
import math
import os
import queue
import re
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from ._cassette import (
    CassetteError,
    End,
    Event,
    Exchange,
    escape_surrogates,
    load,
    parse_event,
    render,
    save,
    split_events,
)
from ._faults import http_error
from ._http import Connection, RawRequest
from ._model_server import LINGER_NONE, ModelServer, ModelServerError, websocket_refusal
from ._normalize import Normalizer, differences, find_cwd, limited
from ._requests import ModelRequest
from ._script import Reply
from ._scrub import CWD, Scrubber
from ._sse import Abort, Op, Pause

if TYPE_CHECKING:
    from ._upstream import Head

Mode = Literal["auto", "record", "replay"]

OPENAI = "https://api.openai.com/v1"
_BASE = "/v1"
_POLL = 0.05
_CLIENT = re.compile(r"[\w.-]+/[\w.+-]+")


class RecordedModelError(ModelServerError):
    """A request does not fit the cassette, there is no cassette, or recording failed."""


class RecordedModel(ModelServer):
    """A model server on loopback that records a real model, and replays the recording without network.

    Recording passes every request on to `upstream` and its answer back, piece by piece as it comes; the cassette is
    written when the block ends, unless it ends with an exception or an error of the server: then the file stays as it
    was. Replaying gives each agent thread the answers that were recorded for it, in order; a request that is not what
    was recorded fails the turn and the block, with the difference.

    No secret gets into the file: of headers only a few of the answer's are kept, of requests only what decides the
    answer, and known or likely credentials are replaced by `{{secret}}`. The file has mode 0600.

    Args:
        path: the cassette, a JSON file.
        upstream: base URL of the real model server, up to and including `/v1` or its like.
        mode: `"record"` asks the upstream and replaces the cassette; `"replay"` needs the cassette; `"auto"` replays
            if there is one, and records otherwise.
        api_key: key that requests without `Authorization` get on their way to the upstream. Default: `OPENAI_API_KEY`,
            but for OpenAI's own server only. Replaying needs none.
        secrets: further texts that must not get into the cassette.
        volatile: regular expressions; what they match in requests may differ from the recording.
        ignore: fields of requests that may differ, e.g. `("instructions", "tools")` to outlive updates of the engine.
        realtime: replay with the pauses of the recording.
        timeout: seconds that the upstream may be silent.
        host, port: where to listen; port 0 takes a free one.

    Raises:
        RecordedModelError: on start, when there is nothing to replay or the file is no cassette.
        ValueError: an upstream or a mode that makes no sense.

    >>> with RecordedModel("cassettes/fix.json") as model:
    ...     codex = Codex(config=model.provider_config())
    ...     assert codex.start_thread().run("Fix the bug").status == "completed"
    """

    _error = RecordedModelError

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        upstream: str = OPENAI,
        mode: Mode = "auto",
        api_key: str | None = None,
        secrets: Iterable[str] = (),
        volatile: Iterable[str | re.Pattern[str]] = (),
        ignore: Iterable[str] = (),
        realtime: bool = False,
        timeout: float = 600.0,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        super().__init__(host=host, port=port)
        if mode not in ("auto", "record", "replay"):
            raise ValueError(f"mode must be 'auto', 'record' or 'replay', not {mode!r}")
        self._upstream = urlsplit(upstream)
        if self._upstream.scheme not in ("http", "https") or not self._upstream.hostname:
            raise ValueError("upstream must be a URL that starts with http:// or https://")
        if self._upstream.username is not None or self._upstream.query or self._upstream.fragment:
            raise ValueError("upstream must be a plain base URL: no credentials, no query, no fragment")
        if api_key is None and (self._upstream.scheme, self._upstream.hostname) == ("https", "api.openai.com"):
            api_key = os.environ.get("OPENAI_API_KEY") or None
        if api_key is not None:
            from .._checks import credential  # only now: the scripted model goes without the rest of the package

            api_key = credential("api_key", api_key)
        self.path = Path(path)
        """The cassette."""
        self._mode = mode
        self._api_key = api_key
        self._scrubber = Scrubber([text for text in (*secrets, api_key or "") if text])
        self._normalize = Normalizer(volatile)
        self._ignore = frozenset([ignore] if isinstance(ignore, str) else ignore)
        self._realtime = realtime
        self._timeout = timeout
        self._lock = threading.Lock()
        self._cwds: dict[str | None, str] = {}
        self._takes: list[_Take] = []
        self._client: str | None = None
        self._tape: _Tape | None = None
        self._saved = False

    # --- life ---------------------------------------------------------------------------------------------------------

    def start(self) -> RecordedModel:
        """Listen; returns the server itself.

        Raises:
            RecordedModelError: nothing to replay, or the file is no cassette.

        >>> model = RecordedModel("cassettes/fix.json", mode="replay").start()
        """
        if self._listener is None and (self._mode == "replay" or (self._mode == "auto" and self.path.exists())):
            try:
                exchanges, self._client = load(self.path)
            except FileNotFoundError:
                raise RecordedModelError(f"there is no cassette {self.path}; {_HOW_TO_RECORD}") from None
            except CassetteError as error:
                raise RecordedModelError(f"{error}; {_HOW_TO_RECORD}") from None
            for exchange in exchanges:
                if exchange.body is not None:
                    # With the rules of today, which may not be those of the day of the recording.
                    exchange.body = self._normalize(exchange.body, None)
            self._tape = _Tape(exchanges, self._differences)
        return super().start()

    def close(self, *, check: bool = True, save: bool = True) -> None:
        """Stop, and write the cassette if this was a recording without errors. Closing again does nothing.

        Args:
            check: raise what went wrong and has not been raised before.
            save: False leaves the file as it was.

        Raises:
            RecordedModelError: a request that does not fit the cassette, an upstream that cannot be reached, ...
            OSError: the cassette cannot be written.
        """
        started = self._listener is not None
        super().close(check=False)
        if started and self.recording and not self._saved:
            self._saved = True
            answers = [take.head.status for take in self._takes if take.head is not None]
            if answers and all(status in (401, 403) for status in answers):
                self._complain(
                    f"RecordedModel: {self._upstream.hostname} refuses access (HTTP {answers[0]}): nothing is recorded. "
                    "Give a key with api_key=, or to the client"
                )
            if save and not self._errors:
                self._save()
        if check and len(self._errors) > self._raised:
            self.check()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close(check=kind is None, save=kind is None)

    @property
    def recording(self) -> bool:
        """Whether this server records (or will, once it is started); otherwise it replays."""
        if self._listener is None:
            return self._mode == "record" or (self._mode == "auto" and not self.path.exists())
        return self._tape is None

    def assert_done(self) -> None:
        """Nothing went wrong and, in a replay, every recorded answer has been asked for.

        >>> model.assert_done()
        """
        self.check()
        left = [] if self._tape is None else self._tape.left()
        if left:
            what = "\n".join(f"  {self._name(exchange)}" for exchange in left[:20])
            raise RecordedModelError(f"{len(left)} recorded answers of {self.path} have not been asked for:\n{what}")

    def __repr__(self) -> str:
        what = "recording" if self.recording else "replaying"
        return f"<RecordedModel {self._where}: {what} {self.path}, {self._total} requests>"

    # --- one request --------------------------------------------------------------------------------------------------

    def _respond(self, connection: Connection, request: ModelRequest, raw: RawRequest) -> bool:
        self._scrubber_learns(raw)
        reply = websocket_refusal(request) or self._refuse_compressed(request)
        if reply is None and not f"{request.path}/".startswith(f"{_BASE}/"):
            reply = http_error(404, f"nothing is served at {request.path}")
        if reply is None and self._tape is not None:
            reply = self._replay(request, self._tape)
        if reply is not None:
            return self._send(connection, request, reply)
        return self._record(connection, request, raw)

    def _scrubber_learns(self, raw: RawRequest) -> None:
        with self._lock:
            self._scrubber.learn_request(raw)

    def _known_cwd(self, request: ModelRequest, body: dict[str, Any] | None) -> str | None:
        # Compaction may take the text away that names it.
        with self._lock:
            if body is not None and (cwd := find_cwd(body)) is not None:
                self._cwds[request.thread_id] = cwd
            return self._cwds.get(request.thread_id)

    def _normalized(self, body: dict[str, Any] | None, cwd: str | None) -> dict[str, Any] | None:
        if body is None:
            return None
        with self._lock:
            scrubbed = self._scrubber.request(body)
        return self._normalize(scrubbed, cwd)

    def _differences(self, recorded: Exchange, body: dict[str, Any] | None) -> list[str]:
        def compared(value: dict[str, Any] | None) -> dict[str, Any]:
            return {key: inner for key, inner in (value or {}).items() if key not in self._ignore}

        old, new = compared(recorded.body), compared(body)
        return [] if old == new else differences(old, new)

    def _name(self, exchange: Exchange) -> str:
        number = 0 if self._tape is None else self._tape.number(exchange)
        return f"exchange {number}, {exchange.method} {exchange.path} of {exchange.thread or 'no thread'}"

    # --- replay -------------------------------------------------------------------------------------------------------

    def _replay(self, request: ModelRequest, tape: _Tape) -> Reply:
        raw_body = _body(request)
        cwd = self._known_cwd(request, raw_body)
        body = self._normalized(raw_body, cwd)
        path = request.path.removeprefix(_BASE)
        with self._lock:
            exchange, nearest = tape.take(request.thread_id, request.method, path, body)
        if exchange is not None:
            return self._reply(exchange, cwd)
        if request.method in ("GET", "HEAD"):
            # The engine asks for its list of models when it sees fit, and can do without.
            return http_error(404, f"{request.method} {path} is not in the cassette")
        if nearest is None:
            return self._refuse(
                request,
                None,
                f"{self.path} has no answer left for this request: the agent asks more often, or in more threads, than "
                f"was recorded. {self._advice(request)}",
            )
        changes = limited(self._differences(nearest, body)) or "  (nothing but the order of the requests)"
        return self._refuse(
            request,
            None,
            f"this request is not what {self.path} has ({self._name(nearest)}); - is recorded, + is new:\n"
            f"{changes}\n{self._advice(request)}",
        )

    def _advice(self, request: ModelRequest) -> str:
        now = _client(request)
        other = f" It was recorded with {self._client}, this is {now}." if now != self._client else ""
        return f"If that is meant to be so, record again: {_HOW_TO_RECORD}.{other}"

    def _reply(self, exchange: Exchange, cwd: str | None) -> Reply:
        ops: list[Op] = []
        clock = 0

        def put(at: int, text: str) -> None:
            nonlocal clock
            if cwd is not None:
                text = text.replace(CWD, json.dumps(cwd, ensure_ascii=False)[1:-1])
            data = text.encode("utf-8", "surrogateescape")
            if self._realtime and at > clock:
                ops.append(Pause((at - clock) / 1000))
                clock = at
            elif ops and isinstance(ops[-1], bytes):
                data = ops.pop() + data  # type: ignore[operator]
            ops.append(data)

        if exchange.events is not None:
            for event in exchange.events:
                put(event.at, event.encode())
        elif exchange.text is not None:
            put(exchange.at, exchange.text)
        elif exchange.json is not None:
            put(exchange.at, escape_surrogates(json.dumps(exchange.json, ensure_ascii=False)))
        if exchange.end == "client_left":
            # What came after it nobody knows; a client that left in the recording is expected to leave again.
            ops.append(Pause(math.inf))
        elif exchange.end != "complete":
            ops.append(Abort(exchange.end == "reset"))
        headers = dict(exchange.headers)
        content_type = headers.pop("content-type", "application/octet-stream")
        return Reply(
            label="recorded", status=exchange.status, content_type=content_type, headers=headers, ops=tuple(ops)
        )

    # --- record -------------------------------------------------------------------------------------------------------

    def _record(self, connection: Connection, request: ModelRequest, raw: RawRequest) -> bool:
        # http.client and ssl take longer to import than all of this package.
        from ._upstream import Call, Head
        from ._upstream import End as AnswerEnd

        body = _body(request)
        take = _Take(request, body, self._known_cwd(request, body))
        path, _, query = raw.target.partition("?")
        target = self._upstream.path.rstrip("/") + path.removeprefix(_BASE) + (f"?{query}" if query else "")
        call = Call(self._upstream, target, raw, self._api_key, self._timeout)
        parts: queue.SimpleQueue[Head | bytes | AnswerEnd] = queue.SimpleQueue()
        self._spawn(call.run, parts.put)
        with self._lock:
            self._takes.append(take)
            self._client = self._client or _client(request)
        try:
            while True:
                try:
                    part = parts.get(timeout=_POLL)
                except queue.Empty:
                    if self._closing.is_set() or connection.client_left():
                        return self._left(request, take)
                    continue
                if isinstance(part, Head):
                    take.begin(part)
                    encoding = {name.lower(): value for name, value in part.headers}.get("content-encoding")
                    if encoding not in (None, "identity"):
                        take.discard = True
                        problem = (
                            f"the upstream answers with content-encoding {encoding}, unasked: secrets would go unseen"
                        )
                        return self._send(connection, request, self._refuse(request, None, problem))
                    with self._lock:
                        self._scrubber.learn(part.headers)
                    self._set_status(request, part.status)
                    connection.sock.sendall(_head(part, request.method))
                elif isinstance(part, bytes):
                    take.chunks.append((take.clock(), part))
                    if request.method != "HEAD":
                        connection.sock.sendall(b"%x\r\n%s\r\n" % (len(part), part))
                else:
                    break
            if part.problem is not None:
                take.discard = True
                return self._send(connection, request, self._refuse(request, None, part.problem))
            return self._ended(connection, request, take, part.how)
        except OSError:
            return self._left(request, take)
        finally:
            call.abort()

    def _ended(self, connection: Connection, request: ModelRequest, take: _Take, how: End) -> bool:
        take.end = how
        if take.head is None:
            self._set_status(request, 0)
        if how == "complete" and take.head is not None:
            if _has_body(take.head.status, request.method):
                connection.sock.sendall(b"0\r\n\r\n")
            return True
        if how == "reset":
            connection.sock.setsockopt(*LINGER_NONE)
        return False

    def _left(self, request: ModelRequest, take: _Take) -> bool:
        take.end = "client_left"
        request.disconnected = not self._closing.is_set()
        return False

    def _save(self) -> None:
        labels: dict[str, str] = {}
        exchanges = []
        for take in self._takes:
            # A client that left before the answer began has nothing that could be replayed.
            if take.discard or (take.head is None and take.end == "client_left"):
                continue
            thread = take.request.thread_id
            label = None if thread is None else labels.setdefault(thread, f"thread-{len(labels) + 1}")
            exchanges.append(self._develop(take, label))
        text = render(exchanges, self._client)
        if self._scrubber.leaks(text):
            # Cannot happen as far as we know; a cassette is meant to be committed, so that is not enough.
            raise RecordedModelError(f"a secret would get into {self.path}: nothing is written; please report this")
        save(self.path, text)

    def _develop(self, take: _Take, thread: str | None) -> Exchange:
        scrubber, cwd = self._scrubber, take.cwd
        head = take.head
        exchange = Exchange(
            thread=thread,
            method=take.request.method,
            path=scrubber.text(take.request.path.removeprefix(_BASE)),
            body=self._normalized(take.body, cwd),
            status=0 if head is None else head.status,
            headers={} if head is None else scrubber.headers(head.headers, cwd),
            at=take.head_at,
            end=take.end,
        )
        if head is None:
            return exchange
        whole = b"".join(data for _, data in take.chunks)
        kind = exchange.headers.get("content-type", "")
        if kind.startswith("text/event-stream"):
            exchange.events = self._events(take, cwd)
        elif "json" in kind and (parsed := _json(whole)) is not None:
            exchange.json = scrubber.event(parsed, cwd)
        elif whole:
            exchange.text = scrubber.text(whole.decode("utf-8", "surrogateescape"), cwd)
        return exchange

    def _events(self, take: _Take, cwd: str | None) -> list[Event]:
        events = [parse_event(at, block) for at, block in split_events(take.chunks)]
        streams: dict[str, list[Event]] = {}
        for event in events:
            if event.data is None:
                event.raw = self._scrubber.text(event.raw or "", cwd)
            elif isinstance(event.data.get("delta"), str):
                # A text comes in many pieces; a secret does not keep to their borders.
                key = [v for k, v in event.data.items() if k.endswith(("_index", "_id")) or k == "type"]
                streams.setdefault(json.dumps(key), []).append(event)
        for stream in streams.values():
            pieces = self._scrubber.pieces([event.data["delta"] for event in stream if event.data], cwd)
            for event, piece in zip(stream, pieces, strict=True):
                event.data = {**(event.data or {}), "delta": piece}
        items = [
            event.data.get("item")
            for event in events
            if event.data and event.data.get("type") == "response.output_item.done"
        ]
        told = {str(item.get("id")) for item in items if isinstance(item, dict)}
        for event in events:
            if event.data is not None:
                event.data = self._scrubber.event(event.data, cwd, told)
            event.name = None if event.name is None else self._scrubber.text(event.name)
        return events


class _Take:
    """An exchange while it is being recorded, secrets included: it stays in memory."""

    def __init__(self, request: ModelRequest, body: dict[str, Any] | None, cwd: str | None) -> None:
        self.request = request
        self.body = body
        self.cwd = cwd
        self.head: Head | None = None
        self.head_at = 0
        self.chunks: list[tuple[int, bytes]] = []
        self.end: End = "client_left"
        self.discard = False
        self._started = time.monotonic()

    def clock(self) -> int:
        return round((time.monotonic() - self._started) * 1000)

    def begin(self, head: Head) -> None:
        self.head = head
        self.head_at = self.clock()


class _Tape:
    """The exchanges of a cassette, and which of them have been asked for. Not thread-safe."""

    def __init__(
        self, exchanges: list[Exchange], compare: Callable[[Exchange, dict[str, Any] | None], list[str]]
    ) -> None:
        self._exchanges = exchanges
        self._compare = compare
        self._threads: dict[str | None, list[Exchange]] = {None: []}
        for exchange in exchanges:
            self._threads.setdefault(exchange.thread, []).append(exchange)
        self._bound: dict[str, str] = {}  # live thread id: recorded label
        self._served: set[int] = set()

    def take(
        self, thread_id: str | None, method: str, path: str, body: dict[str, Any] | None
    ) -> tuple[Exchange | None, Exchange | None]:
        """The exchange that answers this request, or else the one that comes nearest, if any."""

        def fits(exchange: Exchange) -> bool:
            return (exchange.method, exchange.path) == (method, path) and not self._compare(exchange, body)

        if thread_id is not None and thread_id not in self._bound:
            free = [label for label in self._threads if label is not None and label not in self._bound.values()]
            # A new thread is known by its first request.
            firsts = [self._threads[label][0] for label in free]
            for label, first in zip(free, firsts, strict=True):
                if fits(first):
                    self._bound[thread_id] = label
                    break
            else:
                return None, min(firsts[:20], key=lambda first: len(self._compare(first, body)), default=None)
        waiting = self._threads[None if thread_id is None else self._bound[thread_id]]
        unserved = [exchange for exchange in waiting if id(exchange) not in self._served]
        for exchange in unserved:
            if fits(exchange):
                self._served.add(id(exchange))
                return exchange, None
        if method in ("GET", "HEAD"):
            # Lists may be asked for again.
            again = [exchange for exchange in waiting if fits(exchange)]
            return (again[-1] if again else None), None
        posts = [exchange for exchange in unserved if exchange.method == method]
        return None, posts[0] if posts else None

    def left(self) -> list[Exchange]:
        """What has not been asked for, without lists that the engine fetches when it sees fit."""
        return [e for e in self._exchanges if id(e) not in self._served and e.method not in ("GET", "HEAD")]

    def number(self, exchange: Exchange) -> int:
        """Position in the file, counting from 1."""
        return next(i for i, other in enumerate(self._exchanges, 1) if other is exchange)


_HOW_TO_RECORD = 'use RecordedModel(..., mode="record"), or the fixture and pytest --codex-record'


def _client(request: ModelRequest) -> str | None:
    match = _CLIENT.match(request.headers.get("user-agent", ""))
    return match and match[0]


def _body(request: ModelRequest) -> dict[str, Any] | None:
    with contextlib.suppress(ValueError):
        return request.body if request.raw_body else None
    return None


def _json(data: bytes) -> Any:
    with contextlib.suppress(ValueError):
        return json.loads(data)
    return None


def _has_body(status: int, method: str) -> bool:
    return method != "HEAD" and status not in (204, 304)


def _head(head: Head, method: str) -> bytes:
    lines = [f"HTTP/1.1 {head.status} {head.reason}"]
    lines += [f"{name}: {value}" for name, value in head.headers]
    if _has_body(head.status, method):
        lines.append("transfer-encoding: chunked")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
