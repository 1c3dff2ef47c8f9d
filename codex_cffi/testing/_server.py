"""The scripted model server: accepts connections, finds the script that is meant, serves and records."""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any

from ._faults import http_error
from ._http import BadRequestError, Connection, RawRequest
from ._provider import provider_config
from ._requests import Headers, ModelRequest
from ._script import Reply, ResponseLike, StaticResponse, as_reply, prepare
from ._sse import SERIAL_BYTES, Abort, Await, Call, Drip, Pause

_RESPONSES = "/v1/responses"
_MODELS = "/v1/models"
_SLICE = 0.05
_LINGER_NONE = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


class ScriptedModelError(AssertionError):
    """The script and what was asked of it do not fit: exhausted, unmatched, an assertion of the server failed, ..."""


class Script:
    """A queue of responses, made by `ScriptedModel.script`; thread-safe.

    >>> reviewer = model.script(["Looks good."], user_text="REVIEW"); reviewer.add("Still good.")
    """

    def __init__(
        self, name: str, matches: Callable[[ModelRequest], bool], responses: Iterable[ResponseLike], default: Any
    ) -> None:
        self.name = name
        """Name in messages."""
        self._matches = matches
        self._default = None if default is None else prepare(default)
        self._queue = deque(prepare(response) for response in responses)
        self._served = 0
        self._lock = threading.Lock()

    def add(self, *responses: ResponseLike) -> Script:
        """Append responses, one per argument.

        >>> script.add(shell("ls"), "Done.")
        """
        prepared = [prepare(response) for response in responses]
        with self._lock:
            self._queue.extend(prepared)
        return self

    @property
    def served(self) -> int:
        """How many responses it has given, the default ones included."""
        return self._served

    @property
    def remaining(self) -> int:
        """How many responses are still waiting."""
        return len(self._queue)

    def _next(self, fallback: Any) -> Any:
        with self._lock:
            response = self._queue.popleft() if self._queue else self._default or fallback
            self._served += response is not None
            return response

    def __repr__(self) -> str:
        return f"<Script {self.name!r}: {self.served} served, {self.remaining} remaining>"


class ScriptedModel:
    """A model server on loopback that answers from a script.

    Args:
        responses: the script, one response after the other: a string (a message), a step, a list of steps, `reply(...)`
            or a function of the request that returns one of these. A function runs on a thread of the server, before
            anything is sent; it may block.
        default: the response when a script is used up or none is meant; None: such a request is an error.
        models: what `GET /v1/models` lists, as the engine's `ModelInfo` objects.
        chunked: send every stream in chunks. By default only those with pauses are: a known length lets the client
            reuse the connection even if it stops reading at the last event.
        keep_requests: how many requests to keep, the oldest go first; None: all. For long benchmarks.
        id_prefix: goes before the number in all generated ids, for several servers that feed one saved session.
        host, port: where to listen; port 0 takes a free one.

    Raises:
        TypeError, ValueError: a response that makes no sense, at the line that writes it.

    >>> with ScriptedModel([shell("ls", call_id="call_1"), "Two files."]) as model:
    ...     codex = Codex(config=model.provider_config())
    ...     codex.start_thread().run("What is here?")
    ...     model.assert_tool_output("call_1", contains="README")
    ...     model.assert_done()
    """

    def __init__(
        self,
        responses: ResponseLike | Iterable[ResponseLike] = (),
        *,
        default: ResponseLike | None = None,
        models: Sequence[Mapping[str, Any]] = (),
        chunked: bool = False,
        keep_requests: int | None = None,
        id_prefix: str = "",
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        # One lone response is a script of one; a string would otherwise be a script of letters.
        script = [responses] if isinstance(responses, str) or not isinstance(responses, Iterable) else responses
        self._main = Script("main", lambda _: True, script, None)
        self._default = None if default is None else prepare(default)
        self._scripts: list[Script] = []
        self._models = [dict(model) for model in models]
        self._chunked = chunked
        self._id_prefix = id_prefix
        self._address = (host, port)
        self._listener: socket.socket | None = None
        self._closing = threading.Event()
        self._changed = threading.Condition()
        self._requests: deque[ModelRequest] = deque(maxlen=keep_requests)
        self._other: list[ModelRequest] = []
        self._total = 0
        self._accepted = 0
        self._errors: list[str] = []
        self._raised = 0
        self._open: dict[int, Connection] = {}
        self._threads: set[threading.Thread] = set()
        self._acceptor: threading.Thread | None = None

    # --- life ---------------------------------------------------------------------------------------------------------

    def start(self) -> ScriptedModel:
        """Listen; returns the server itself.

        Raises:
            RuntimeError: started before.
            OSError: the port is taken.

        >>> model = ScriptedModel(["hi"]).start()
        """
        if self._listener is not None:
            raise RuntimeError("this ScriptedModel was started before: make a new one")
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(self._address)
            listener.listen(1024)
        except OSError:
            listener.close()
            raise
        self._listener = listener
        self._address = listener.getsockname()[:2]
        self._acceptor = self._spawn(self._accept, listener)
        return self

    def close(self, *, check: bool = True) -> None:
        """Stop: pauses end, connections close, threads end. Closing again does nothing.

        Args:
            check: raise what went wrong and has not been raised before.

        Raises:
            ScriptedModelError: a script was exhausted, no script was meant, a response function raised, ...
        """
        if self._listener is not None and not self._closing.is_set():
            self._closing.set()
            # accept() does not wake up on close everywhere; a connection wakes it up everywhere.
            with contextlib.suppress(OSError):
                socket.create_connection(self._address, timeout=1).close()
            if self._acceptor is not None:
                self._acceptor.join(5)  # after this no connection is added
            with self._changed:
                open_now = list(self._open.values())
                threads = list(self._threads)
            for connection in open_now:
                with contextlib.suppress(OSError):
                    connection.sock.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                if thread is not threading.current_thread():
                    thread.join(5)
            self._listener.close()
        if check and len(self._errors) > self._raised:
            self.check()

    def __enter__(self) -> ScriptedModel:
        return self.start() if self._listener is None else self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        # An exception of the block is the better story: do not hide it behind ours.
        self.close(check=kind is None)

    @property
    def base_url(self) -> str:
        """`http://127.0.0.1:<port>/v1`.

        Raises:
            RuntimeError: not started.
        """
        if self._listener is None:
            raise RuntimeError("ScriptedModel is not started: use `with` or start()")
        return f"http://{self._address[0]}:{self._address[1]}/v1"

    def provider_config(self, **options: Any) -> dict[str, Any]:
        """Config overrides that point the engine at this server; `options` are those of `provider_config`.

        >>> Codex(config=model.provider_config(stream_max_retries=2))
        """
        return provider_config(self.base_url, **options)

    # --- the script ---------------------------------------------------------------------------------------------------

    def add(self, *responses: ResponseLike) -> ScriptedModel:
        """Append responses to the main script, one per argument.

        >>> model.add(shell("ls"), [text("Two files."), usage(output_tokens=3)])
        """
        self._main.add(*responses)
        return self

    def script(
        self,
        responses: Iterable[ResponseLike] = (),
        *,
        user_text: str | None = None,
        thread_id: str | None = None,
        session_id: str | None = None,
        when: Callable[[ModelRequest], bool] | None = None,
        default: ResponseLike | None = None,
        name: str | None = None,
    ) -> Script:
        """Add a script of its own for some requests: those that fulfil all conditions given.

        Scripts are tried in the order in which they were added, the main one last. A script that is meant but used up
        does not pass a request on: its default answers, or the server's, or else it is an error.

        Args:
            responses: as for the class.
            user_text: a text in what the user wrote, anywhere in the conversation. A thread that matched once keeps
                matching, also when compaction removes the text.
            thread_id: id of the agent thread.
            session_id: id of the session, i.e. of a root thread and all its sub-agents.
            when: any other condition; called once per request, on a thread of the server.
            default: the response when this script is used up.
            name: name in messages; default: made of the conditions.

        Raises:
            ValueError: no condition at all.

        >>> for n in range(100): model.script([f"answer {n}"], user_text=f"[task {n}]")
        """
        given = {"user_text": user_text, "thread_id": thread_id, "session_id": session_id, "when": when}
        if all(condition is None for condition in given.values()):
            raise ValueError("script() needs a condition; add() appends to the main script")
        matches = _matcher(user_text, thread_id, session_id, when)
        label = name or ", ".join(
            f"{key}={getattr(value, '__name__', repr(value))}" for key, value in given.items() if value is not None
        )
        script = Script(label, matches, [responses] if isinstance(responses, str) else responses, default)
        with self._changed:
            self._scripts = [*self._scripts, script]
        return script

    # --- what happened ------------------------------------------------------------------------------------------------

    @property
    def requests(self) -> list[ModelRequest]:
        """The requests to `/v1/responses` so far, in order of arrival."""
        with self._changed:
            return list(self._requests)

    @property
    def unexpected(self) -> list[ModelRequest]:
        """Requests that this server has no answer for; they got 404 or 405."""
        with self._changed:
            return [r for r in self._other if r.status in (404, 405)]

    @property
    def models_requests(self) -> list[ModelRequest]:
        """The requests to `/v1/models`."""
        with self._changed:
            return [r for r in self._other if r.path == _MODELS and r.status == 200]

    @property
    def websocket_attempts(self) -> list[ModelRequest]:
        """Attempts to open a websocket; they got 426, upon which the engine goes on over HTTP."""
        with self._changed:
            return [r for r in self._other if r.status == 426]

    @property
    def connections(self) -> int:
        """How many TCP connections have been accepted."""
        return self._accepted

    @property
    def errors(self) -> list[str]:
        """What `check()` would raise."""
        with self._changed:
            return list(self._errors)

    def wait_for_requests(self, count: int, timeout: float = 10.0) -> list[ModelRequest]:
        """Wait until `count` requests to `/v1/responses` have arrived; returns the recorded ones.

        Raises:
            ScriptedModelError: not within `timeout` seconds.

        >>> model.wait_for_requests(1)
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._total >= count, timeout):
                raise ScriptedModelError(f"waited {timeout} s for {count} requests, got {self._total}")
            return list(self._requests)

    def check(self) -> None:
        """Raise if anything went wrong on the server's side.

        Raises:
            ScriptedModelError: a script was exhausted, no script was meant, a response function raised, ...
        """
        with self._changed:
            errors = list(self._errors)
            self._raised = len(errors)
        if errors:
            raise ScriptedModelError("\n".join(errors))

    def assert_done(self) -> None:
        """Nothing went wrong and every response of every script has been asked for.

        >>> model.assert_done()
        """
        self.check()
        left = [script for script in (self._main, *self._scripts) if script.remaining]
        if left:
            what = "\n".join(
                f"  script {s.name!r}: {s.remaining} of {s.served + s.remaining} never asked for, next is "
                f"{_label(s._queue[0])}"
                for s in left
            )
            raise ScriptedModelError(f"responses are left over after {self._total} requests:\n{what}")

    def assert_request_count(self, count: int) -> None:
        """`/v1/responses` has been asked exactly `count` times.

        >>> model.assert_request_count(2)
        """
        if self._total != count:
            seen = "\n".join(f"  {request!r}" for request in self.requests[-20:])
            raise ScriptedModelError(f"expected {count} requests, got {self._total}:\n{seen or '  none'}")

    def assert_tool_output(self, call_id: str, *, contains: str | None = None, equals: str | None = None) -> str:
        """The engine has sent back an output for `call_id`, and it is as expected; returns it.

        >>> model.assert_tool_output("call_1", contains="3 passed")
        """
        known: dict[str, str] = {}
        for request in reversed(self.requests):  # the newest has the whole conversation of its thread
            known = {**request.function_outputs, **known}
            if call_id in known:
                break
        if call_id not in known:
            have = ", ".join(map(repr, known)) or "none"
            raise ScriptedModelError(f"no output for call {call_id!r} came back; outputs came for: {have}")
        output = known[call_id]
        if contains is not None and contains not in output:
            raise ScriptedModelError(f"the output of {call_id!r} does not contain {contains!r}:\n{_excerpt(output)}")
        if equals is not None and output != equals:
            raise ScriptedModelError(f"the output of {call_id!r} is not {equals!r}:\n{_excerpt(output)}")
        return output

    def assert_no_unexpected(self) -> None:
        """Nothing but `/v1/responses` and `/v1/models` has been asked for.

        >>> model.assert_no_unexpected()
        """
        if unexpected := self.unexpected:
            what = "\n".join(f"  {request.method} {request.path}" for request in unexpected)
            raise ScriptedModelError(f"unexpected requests:\n{what}")

    def __repr__(self) -> str:
        where = "not started" if self._listener is None else "closed" if self._closing.is_set() else self.base_url
        return f"<ScriptedModel {where}: {self._total} requests, {self._main.remaining} responses remaining>"

    # --- threads ------------------------------------------------------------------------------------------------------

    def _spawn(self, target: Callable[..., None], *args: object) -> threading.Thread:
        thread = threading.Thread(target=self._run, args=(target, *args), name="scripted-model", daemon=True)
        with self._changed:
            self._threads.add(thread)
        thread.start()
        return thread

    def _run(self, target: Callable[..., None], *args: object) -> None:
        try:
            target(*args)
        finally:
            with self._changed:
                self._threads.discard(threading.current_thread())

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                if self._closing.is_set():
                    return
                time.sleep(_SLICE)  # out of file descriptors: others may be closed soon
                continue
            if self._closing.is_set():
                sock.close()
                return
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._changed:
                self._accepted += 1
                connection = Connection(sock, self._accepted)
                self._open[connection.number] = connection
            self._spawn(self._serve, connection)

    def _serve(self, connection: Connection) -> None:
        try:
            while not self._closing.is_set():
                raw = connection.read_request()
                if raw is None or not self._answer(connection, raw) or not raw.keep_alive:
                    return
        except BadRequestError as error:
            with contextlib.suppress(OSError):
                _send_whole(connection.sock, http_error(400, str(error)), b"-")
        except OSError:
            pass
        finally:
            with self._changed:
                self._open.pop(connection.number, None)
            connection.sock.close()

    # --- one request --------------------------------------------------------------------------------------------------

    def _answer(self, connection: Connection, raw: RawRequest) -> bool:
        request = ModelRequest(
            number=0,
            method=raw.method,
            target=raw.target,
            headers=Headers(raw.pairs),
            raw_body=raw.body,
            connection=connection.number,
            received_at=time.time(),
        )
        if raw.method == "POST" and request.path.rstrip("/") == _RESPONSES:
            with self._changed:
                self._total += 1
                request.number = self._total
                self._requests.append(request)
                self._changed.notify_all()
            reply = self._choose(request)
        else:
            reply = self._other_reply(request)
        # The status is there before the client can see the answer, so that a test need not wait for it.
        request.status = reply.status
        if not request.number:
            with self._changed:
                self._other.append(request)
        try:
            return self._send(connection, request, reply)
        except OSError:
            # Closing the server ends its connections too, in the middle of a drip for one.
            request.disconnected = not self._closing.is_set()
            return False
        finally:
            request._finished.set()

    def _choose(self, request: ModelRequest) -> Reply:
        encoding = request.headers.get("content-encoding", "identity")
        if encoding != "identity":
            return self._refuse(
                request,
                "compressed_request",
                f"the body is compressed ({encoding}), which this server does not read. The engine compresses for a "
                "provider named OpenAI with a ChatGPT sign-in: use provider_config(), or set "
                "features.enable_request_compression=false",
                status=415,
            )
        try:
            script = next((s for s in self._scripts if s._matches(request)), self._main)
            request.script = script.name
            response = script._next(self._default)
            if response is None:
                return self._refuse(request, *self._why_nothing(script))
            return response if isinstance(response, Reply) else as_reply(_call(response, request))
        except Exception as error:
            return self._refuse(request, "script_error", f"the script raised {type(error).__name__}: {error}")

    def _why_nothing(self, script: Script) -> tuple[str, str]:
        if script is self._main and not script.served and self._scripts:
            names = ", ".join(s.name for s in self._scripts)
            return "no_script", f"no script is meant for this request, and the main script is empty; scripts: {names}"
        return "script_exhausted", f"script exhausted: {script.name!r} had {script.served} responses, all served"

    def _refuse(self, request: ModelRequest, code: str, message: str, status: int = 400) -> Reply:
        # 400 is what the engine does not try again, and its body reaches the user as the error of the turn.
        message = f"ScriptedModel: {message} ({request!r})"
        with self._changed:
            self._errors.append(message)
        return http_error(status, message, type="invalid_request_error", code=code)

    def _other_reply(self, request: ModelRequest) -> Reply:
        path = request.path.rstrip("/")
        if "websocket" in request.headers.get("upgrade", "").lower():
            return http_error(426, "no websockets here", code="upgrade_required")
        if path == _MODELS and request.method in ("GET", "HEAD"):
            # Both shapes: the engine reads `models`, clients of the public API read `data`.
            data = [{"id": m.get("slug"), "object": "model", "owned_by": "script"} for m in self._models]
            return http_error(200, body={"object": "list", "data": data, "models": self._models})
        if path in (_RESPONSES, _MODELS):
            return http_error(405, f"{request.method} is not served at {path}")
        return http_error(404, f"nothing is served at {request.path}")

    # --- sending ------------------------------------------------------------------------------------------------------

    def _send(self, connection: Connection, request: ModelRequest, reply: Reply) -> bool:
        """Send an answer; False when the connection cannot be used any more."""
        serial = f"{self._id_prefix}{request.number}".encode()
        ops = reply._ops
        is_stream = reply._content_type == "text/event-stream"
        if len(ops) <= 1 and all(isinstance(op, bytes) for op in ops) and not (self._chunked and is_stream):
            _send_whole(connection.sock, reply, serial, body=request.method != "HEAD")
            return True
        pending = b""
        if reply.status:
            pending = reply._head.replace(SERIAL_BYTES, serial) + b"transfer-encoding: chunked\r\n\r\n"
        last = len(ops) - 1
        for i, op in enumerate(ops):
            if isinstance(op, bytes):
                pending += _chunk(op.replace(SERIAL_BYTES, serial))
                if i == last:
                    break
                continue
            if pending:
                connection.sock.sendall(pending)
                pending = b""
            if isinstance(op, Abort):
                if op.reset:
                    # Linger time 0: close() sends RST.
                    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NONE)
                return False
            if not self._perform(connection, request, op):
                return False
        # The end of the body goes with the last events: a client that stops reading there finds the connection clean.
        connection.sock.sendall(pending + b"0\r\n\r\n")
        return True

    def _perform(self, connection: Connection, request: ModelRequest, op: Pause | Await | Call | Drip) -> bool:
        if isinstance(op, Call):
            op.function()
            return True
        if isinstance(op, Pause):
            return self._pause(connection, request, op.seconds)
        if isinstance(op, Await):
            return self._await(connection, request, op)
        data = _chunk(op.data)
        sent = 0
        while op.times is None or sent < op.times:
            connection.sock.sendall(data)
            sent += 1
            if not self._pause(connection, request, op.seconds):
                return False
        return True

    def _pause(self, connection: Connection, request: ModelRequest, seconds: float) -> bool:
        if seconds < 0.002:
            time.sleep(seconds)
            return True
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if self._closing.is_set():
                return False
            if connection.client_left(min(left, 3600.0)):
                request.disconnected = not self._closing.is_set()
                return False
            if connection.sent_ahead:
                self._closing.wait(min(left, _SLICE))
        return True

    def _await(self, connection: Connection, request: ModelRequest, op: Await) -> bool:
        deadline = time.monotonic() + op.timeout
        while not op.event.wait(max(0.0, min(_SLICE, deadline - time.monotonic()))):
            if self._closing.is_set():
                return False
            if connection.client_left():
                request.disconnected = not self._closing.is_set()
                return False
            if time.monotonic() >= deadline:
                with self._changed:
                    self._errors.append(f"ScriptedModel: wait_for() waited {op.timeout} s in vain ({request!r})")
                return False
        return True


def _matcher(
    user_text: str | None, thread_id: str | None, session_id: str | None, when: Callable[[ModelRequest], bool] | None
) -> Callable[[ModelRequest], bool]:
    seen: set[str] = set()

    def has_text(marker: str, request: ModelRequest) -> bool:
        thread = request.headers.get("thread-id")
        if thread in seen:
            return True
        if not any(marker in text for text in request.user_texts):
            return False
        if thread is not None:
            seen.add(thread)
        return True

    def matches(request: ModelRequest) -> bool:
        return (
            (thread_id is None or request.thread_id == thread_id)
            and (session_id is None or session_id in (request.session_id, request.prompt_cache_key))
            and (user_text is None or has_text(user_text, request))
            and (when is None or bool(when(request)))
        )

    return matches


def _call(function: Callable[[ModelRequest], StaticResponse], request: ModelRequest) -> StaticResponse:
    return function(request)


def _send_whole(sock: socket.socket, reply: Reply, serial: bytes, *, body: bool = True) -> None:
    content = b"".join(op for op in reply._ops if isinstance(op, bytes)).replace(SERIAL_BYTES, serial)
    head = reply._head.replace(SERIAL_BYTES, serial)
    sock.sendall(b"%scontent-length: %d\r\n\r\n%s" % (head, len(content), content if body else b""))


def _chunk(data: bytes) -> bytes:
    # An empty chunk would end the body.
    return b"%x\r\n%s\r\n" % (len(data), data) if data else b""


def _label(response: object) -> str:
    return getattr(response, "_label", None) or f"function {getattr(response, '__name__', '?')}"


def _excerpt(text: str, limit: int = 2000) -> str:
    return text if len(text) <= limit else f"{text[:limit]}... ({len(text)} characters)"
