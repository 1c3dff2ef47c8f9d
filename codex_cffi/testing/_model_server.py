"""What the servers of this package have in common: accept connections, record requests, send answers, assert."""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, TypeVar

from ._faults import http_error
from ._http import BadRequestError, Connection, RawRequest
from ._provider import provider_config
from ._requests import Headers, ModelRequest, ModelToolCall
from ._script import Reply
from ._sse import SERIAL_BYTES, Abort, Await, Call, Drip, Pause

RESPONSES = "/v1/responses"
MODELS = "/v1/models"
_SLICE = 0.05
#: Arguments of setsockopt: close() sends a reset.
LINGER_NONE = (socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0))


_Self = TypeVar("_Self", bound="ModelServer")


class ModelServerError(AssertionError):
    """What was asked of the server is not what the test expects, or the server itself failed."""


class ModelServer:
    """Base of `ScriptedModel` and `RecordedModel`: life, recorded requests, assertions.

    Args:
        keep_requests: how many requests to keep, the oldest go first; None: all.
        host, port: where to listen; port 0 takes a free one.
    """

    _error: type[ModelServerError] = ModelServerError

    def __init__(self, *, keep_requests: int | None = None, host: str = "127.0.0.1", port: int = 0) -> None:
        self._base_path = "/v1"
        self._paths: tuple[str, ...] = (RESPONSES,)
        self._id_prefix = ""
        self._chunked = False
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

    def start(self: _Self) -> _Self:
        """Listen; returns the server itself.

        Raises:
            RuntimeError: started before.
            OSError: the port is taken.

        >>> model = ScriptedModel(["hi"]).start()
        """
        if self._listener is not None:
            raise RuntimeError(f"this {type(self).__name__} was started before: make a new one")
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
            ModelServerError: a request could not be answered as the test meant it; each kind of server has its own class.
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

    def __enter__(self: _Self) -> _Self:
        return self.start() if self._listener is None else self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        # An exception of the block is the better story: do not hide it behind ours.
        self.close(check=kind is None)

    @property
    def base_url(self) -> str:
        """`http://127.0.0.1:<port>/v1`; the path is the server's own where it has a dialect.

        Raises:
            RuntimeError: not started.
        """
        if self._listener is None:
            raise RuntimeError(f"{type(self).__name__} is not started: use `with` or start()")
        return f"http://{self._address[0]}:{self._address[1]}{self._base_path}"

    def provider_config(self, **options: Any) -> dict[str, Any]:
        """Config overrides that point the engine at this server; `options` are those of `provider_config`.

        >>> Codex(config=model.provider_config(stream_max_retries=2))
        """
        return provider_config(self.base_url, **options)

    # --- what happened ------------------------------------------------------------------------------------------------

    @property
    def requests(self) -> list[ModelRequest]:
        """The requests to `/v1/responses` so far, in order of arrival."""
        with self._changed:
            return list(self._requests)

    @property
    def last_request(self) -> ModelRequest:
        """The newest request to `/v1/responses`.

        Raises:
            ModelServerError: there is none.

        >>> assert model.last_request.user_text == "Fix the bug"
        """
        with self._changed:
            if self._requests:
                return self._requests[-1]
        raise self._error("nothing has been asked for yet")

    @property
    def thread_ids(self) -> list[str]:
        """Ids of the agent threads that have asked, in order of their first requests."""
        return list(dict.fromkeys(r.thread_id for r in self.requests if r.thread_id is not None))

    def requests_of(self, thread_id: str) -> list[ModelRequest]:
        """The requests of one agent thread, in order of arrival.

        >>> assert len(model.requests_of(thread.id)) == 2
        """
        return [request for request in self.requests if request.thread_id == thread_id]

    @property
    def tool_calls(self) -> list[ModelToolCall]:
        """The calls of tools that the engine has answered, of all threads, in order; each is listed once."""
        calls: dict[tuple[str | None, str], ModelToolCall] = {}
        for request in self.requests:
            for call in request.tool_calls:
                known = calls.get((call.thread_id, call.call_id))
                if known is None or known.output is None:
                    calls[call.thread_id, call.call_id] = call
        return list(calls.values())

    @property
    def unexpected(self) -> list[ModelRequest]:
        """Requests that this server has no answer for; they got 404 or 405."""
        with self._changed:
            return [r for r in self._other if r.status in (404, 405)]

    @property
    def models_requests(self) -> list[ModelRequest]:
        """The requests to `/v1/models`."""
        with self._changed:
            return [r for r in self._other if r.path == MODELS and r.status == 200]

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
            ModelServerError: not within `timeout` seconds.

        >>> model.wait_for_requests(1)
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._total >= count, timeout):
                raise self._error(f"waited {timeout} s for {count} requests, got {self._total}")
            return list(self._requests)

    def check(self) -> None:
        """Raise if anything went wrong on the server's side.

        Raises:
            ModelServerError: a request could not be answered as the test meant it; each kind of server has its own class.
        """
        with self._changed:
            errors = list(self._errors)
            self._raised = len(errors)
        if errors:
            raise self._error("\n".join(errors))

    def assert_request_count(self, count: int) -> None:
        """`/v1/responses` has been asked exactly `count` times.

        >>> model.assert_request_count(2)
        """
        if self._total != count:
            seen = "\n".join(f"  {request!r}" for request in self.requests[-20:])
            raise self._error(f"expected {count} requests, got {self._total}:\n{seen or '  none'}")

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
            raise self._error(f"no output for call {call_id!r} came back; outputs came for: {have}")
        output = known[call_id]
        if contains is not None and contains not in output:
            raise self._error(f"the output of {call_id!r} does not contain {contains!r}:\n{_excerpt(output)}")
        if equals is not None and output != equals:
            raise self._error(f"the output of {call_id!r} is not {equals!r}:\n{_excerpt(output)}")
        return output

    def assert_called_tool(
        self,
        name: str,
        arguments: Mapping[str, Any] | str | None = None,
        *,
        contains: str | None = None,
        output_contains: str | None = None,
        times: int | None = None,
        thread_id: str | None = None,
    ) -> ModelToolCall:
        """The model has called a tool, and the engine has answered the call; returns the last such call.

        A call counts once the engine has sent it back with the next request.

        Args:
            name: name of the tool, with its namespace (`mcp__docs.search`) or without; `"shell"` is whatever tool of
                the engine runs commands.
            arguments: arguments that the call has among others; a string for the whole text, of freeform tools for one.
            contains: a part of the arguments as text.
            output_contains: a part of the output.
            times: how many such calls there are, exactly; default: one or more.
            thread_id: only calls of this agent thread.

        >>> model.assert_called_tool("code_owner", {"path": "prices.py"}, output_contains="checkout team")
        """
        calls = [call for call in self.tool_calls if thread_id in (None, call.thread_id)]
        found = [call for call in calls if call.matches(name, arguments, contains, output_contains)]
        if found and times in (None, len(found)):
            return found[-1]
        wanted = [repr(name)]
        wanted += [] if arguments is None else [f"with {arguments!r}"]
        wanted += [] if contains is None else [f"containing {contains!r}"]
        wanted += [] if output_contains is None else [f"whose output contains {output_contains!r}"]
        expected = "at least one call" if times is None else f"{times} calls"
        have = "\n".join(f"  {call.describe()}" for call in calls) or "  none"
        raise self._error(f"expected {expected} of {', '.join(wanted)}, got {len(found)}; all calls:\n{have}")

    def assert_tool_not_called(self, name: str) -> None:
        """The model has not called this tool.

        >>> model.assert_tool_not_called("shell")
        """
        if found := [call for call in self.tool_calls if call.matches(name)]:
            what = "\n".join(f"  {call.describe()}" for call in found)
            raise self._error(f"expected no call of {name!r}, got {len(found)}:\n{what}")

    def assert_tool_offered(self, name: str) -> dict[str, Any]:
        """The newest request offers this tool to the model; returns the tool's definition.

        >>> assert model.assert_tool_offered("code_owner")["parameters"]["required"] == ["path"]
        """
        request = self.last_request
        tool = request.tool(name)
        if tool is None:
            raise self._error(f"the tool {name!r} is not offered by {request!r}; offered: {request.tool_names}")
        return tool

    def assert_user_text(self, contains: str, *, thread_id: str | None = None) -> ModelRequest:
        """The user has written this somewhere; returns the first request that says so.

        >>> model.assert_user_text("fix the bug")
        """
        asked = self.requests if thread_id is None else self.requests_of(thread_id)
        for request in asked:
            if any(contains in text for text in request.user_texts):
                return request
        seen = "\n".join(f"  {request!r}" for request in asked[-20:]) or "  none"
        raise self._error(f"no request says {contains!r} in the user's name; requests:\n{seen}")

    def assert_no_unexpected(self) -> None:
        """Nothing but `/v1/responses` and `/v1/models` has been asked for.

        >>> model.assert_no_unexpected()
        """
        if unexpected := self.unexpected:
            what = "\n".join(f"  {request.method} {request.path}" for request in unexpected)
            raise self._error(f"unexpected requests:\n{what}")

    @property
    def _where(self) -> str:
        return "not started" if self._listener is None else "closed" if self._closing.is_set() else self.base_url

    # --- threads ------------------------------------------------------------------------------------------------------

    def _spawn(self, target: Callable[..., None], *args: object) -> threading.Thread:
        thread = threading.Thread(target=self._run, args=(target, *args), name="scripted-model", daemon=True)
        with self._changed:
            self._threads.add(thread)
        try:
            thread.start()
        except RuntimeError:
            with self._changed:
                self._threads.discard(thread)
            raise
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
            try:
                self._spawn(self._serve, connection)
            except (
                RuntimeError
            ):  # no more threads, as at the end of the interpreter: one connection after the other then
                self._serve(connection)

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
        if raw.method == "POST" and request.path.rstrip("/") in self._paths:
            with self._changed:
                self._total += 1
                request.number = self._total
                self._requests.append(request)
                self._changed.notify_all()
        try:
            return self._respond(connection, request, raw)
        except OSError:
            # Closing the server ends its connections too, in the middle of a drip for one.
            request.disconnected = not self._closing.is_set()
            return False
        finally:
            request.finish()

    def _respond(self, connection: Connection, request: ModelRequest, raw: RawRequest) -> bool:
        """Answer a request; False when the connection cannot be used any more."""
        return self._send(connection, request, self._reply_to(request))

    def _reply_to(self, request: ModelRequest) -> Reply:
        raise NotImplementedError

    def _set_status(self, request: ModelRequest, status: int) -> None:
        # Before the client can see the answer, so that a test need not wait for it.
        request.status = status
        if not request.number:
            with self._changed:
                self._other.append(request)

    def _complain(self, message: str) -> None:
        with self._changed:
            self._errors.append(message)

    def _refuse(self, request: ModelRequest, code: str | None, message: str, status: int = 400) -> Reply:
        # 400 is what the engine does not try again, and its body reaches the user as the error of the turn.
        message = f"{type(self).__name__}: {message} ({request!r})"
        self._complain(message)
        shown = _excerpt(message, 4000)
        if code is None:
            # The engine shows a body of JSON as it is, with its line breaks escaped: plain text reads better.
            return http_error(status, body=shown)
        return http_error(status, shown, type="invalid_request_error", code=code)

    def _refuse_compressed(self, request: ModelRequest) -> Reply | None:
        encoding = request.headers.get("content-encoding", "identity")
        if encoding == "identity":
            return None
        return self._refuse(
            request,
            "content_encoding",
            f"the body is compressed ({encoding}), which this server does not read. The engine compresses for a "
            "provider named OpenAI with a ChatGPT sign-in: use provider_config(), or set "
            "features.enable_request_compression=false",
            status=415,
        )

    # --- sending ------------------------------------------------------------------------------------------------------

    def _send(self, connection: Connection, request: ModelRequest, reply: Reply) -> bool:
        """Send a reply that is written out; False when the connection cannot be used any more."""
        self._set_status(request, reply.status)
        serial = f"{self._id_prefix}{request.number}".encode()
        ops = reply.ops
        is_stream = reply.content_type == "text/event-stream"
        if len(ops) <= 1 and all(isinstance(op, bytes) for op in ops) and not (self._chunked and is_stream):
            _send_whole(connection.sock, reply, serial, body=request.method != "HEAD")
            return True
        pending = b""
        if reply.status:
            pending = reply.head.replace(SERIAL_BYTES, serial) + b"transfer-encoding: chunked\r\n\r\n"
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
                    connection.sock.setsockopt(*LINGER_NONE)
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
                self._complain(f"{type(self).__name__}: wait_for() waited {op.timeout} s in vain ({request!r})")
                return False
        return True


def websocket_refusal(request: ModelRequest) -> Reply | None:
    """The answer to an attempt to open a websocket; None for any other request."""
    if "websocket" in request.headers.get("upgrade", "").lower():
        return http_error(426, "no websockets here", code="upgrade_required")
    return None


def _send_whole(sock: socket.socket, reply: Reply, serial: bytes, *, body: bool = True) -> None:
    content = b"".join(op for op in reply.ops if isinstance(op, bytes)).replace(SERIAL_BYTES, serial)
    head = reply.head.replace(SERIAL_BYTES, serial)
    sock.sendall(b"%scontent-length: %d\r\n\r\n%s" % (head, len(content), content if body else b""))


def _chunk(data: bytes) -> bytes:
    # An empty chunk would end the body.
    return b"%x\r\n%s\r\n" % (len(data), data) if data else b""


def _excerpt(text: str, limit: int = 2000) -> str:
    return text if len(text) <= limit else f"{text[:limit]}... ({len(text)} characters)"
