"""Where the engine's requests to the host arrive, and who answers each of them: see :meth:`RequestServer._route`.

``workers`` reads them, ``opened`` sees to it that each is answered exactly once, and ``handlers`` runs the host's functions.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from .._capi import ClientHandle
from ..errors import CodexError
from ..interceptors import Interceptor
from ..tools import Tool
from .approvals import Approvals
from .handlers import Task
from .hooks import Hooks
from .host import Host, HostRef
from .interceptors import Interceptors
from .opened import OpenRequests
from .tools import Tools
from .workers import Workers

if TYPE_CHECKING:
    from ..approvals import ApprovalRequest, Decision
    from ..hooks import Hook

_log = logging.getLogger("codex_cffi")


class _Request(msgspec.Struct, frozen=True):
    method: str
    id: str | None = None
    params: Any = {}


class _Head(msgspec.Struct, frozen=True):
    id: str | None = None


_decode = msgspec.json.Decoder(list[_Request]).decode
_decode_heads = msgspec.json.Decoder(list[_Head]).decode


class RequestServer:
    """Serves one client's queue of requests; starts with the first tool, interceptor, hook or approval handler."""

    def __init__(
        self,
        handle: ClientHandle,
        max_workers: int,
        host: Callable[[], Host | None],
        approval_timeout: float | None,
    ) -> None:
        """`host` gives the client while it lives; at most `max_workers` handlers run at once; approvals are denied after `approval_timeout` seconds."""
        self._handle = handle
        self._requests = OpenRequests(handle)
        reference = HostRef(host)
        self._tools = Tools(handle, self._requests, reference)
        self._interceptors = Interceptors(handle, self._requests, reference)
        self._hooks = Hooks(handle, self._requests, reference)
        self._approvals = Approvals(handle, self._requests, reference, approval_timeout)
        self._workers = Workers(self._read, max_workers)
        self._lock = threading.Lock()
        self._started = False

    # ---- what the client asks for

    def start(self) -> None:
        """Takes requests from now on. Again: nothing."""
        with self._lock:
            if not self._started:
                self._workers.start()
                self._handle.accept_requests(True)
                self._started = True

    def register(self, tool: Tool, thread_id: str | None = None) -> None:
        """Offers a tool to the model, on one thread or all."""
        self._tools.register(tool, thread_id)
        self.start()

    def unregister(self, full_name: str, thread_id: str | None = None) -> None:
        """Takes a tool back."""
        self._tools.unregister(full_name, thread_id)

    def forget(self, thread_id: str) -> None:
        """Takes back the tools of a thread."""
        self._tools.forget(thread_id)

    def tools_of(self, thread_id: str) -> list[Tool]:
        """The tools of a thread alone."""
        return self._tools.of(thread_id)

    def intercept(self, interceptor: Interceptor) -> None:
        """Adds an interceptor, inside those that are there."""
        self._interceptors.add(interceptor)
        self.start()

    def stop_intercepting(self, interceptor: Interceptor) -> None:
        """Takes an interceptor back; calls that it has go on."""
        self._interceptors.remove(interceptor)

    def hook(self, hook: Hook) -> None:
        """Adds a hook, after those that are there."""
        self._hooks.add(hook)
        self.start()

    def unhook(self, hook: Hook) -> None:
        """Takes a hook back; calls that it has go on."""
        self._hooks.remove(hook)

    def pending(self) -> list[ApprovalRequest]:
        """The approvals that wait for their decision, oldest first."""
        return self._approvals.pending()

    def respond(self, request_id: str, decision: Decision) -> None:
        """Decides an approval; see :meth:`Approvals.respond`."""
        self._approvals.respond(request_id, decision)

    # ---- what the engine asks for

    def _route(self, request_id: str, method: str, params: Any) -> Task | None:
        """Hands a request to who answers it. What is quick is done here and now; returns what needs a worker."""
        match method:
            case "host/tool/call":
                return self._tools.take(request_id, params)
            case "host/tool/intercept":
                return self._interceptors.take(request_id, params)
            case "host/tool/result":
                self._interceptors.take_result(request_id, params)
                return None
            case "host/hook":
                return self._hooks.take(request_id, params)
            case _:
                return self._approvals.take(request_id, method, params)

    def _read(self) -> Task | None:
        """Waits for a request; see :class:`Workers`."""
        try:
            batch = self._handle.poll_requests(1, -1)
        except CodexError:
            self._interceptors.end()
            self._requests.withdraw_all()
            raise
        for request in self._decoded(batch or b"[]"):
            return self._guarded(request)
        return None

    def _decoded(self, batch: bytes) -> list[_Request]:
        """The requests of a batch; one that cannot be read is refused."""
        try:
            return _decode(batch)
        except msgspec.ValidationError as error:
            _log.error("a request was not understood: %s", error)
            with contextlib.suppress(msgspec.ValidationError):
                for head in _decode_heads(batch):
                    if head.id is not None:
                        message = f"the host program does not understand the request: {error}"
                        self._requests.refuse(head.id, message)
            return []

    def _guarded(self, request: _Request) -> Task | None:
        """What a request needs a worker for. Whatever goes wrong with it, it is answered, and the thread lives on."""

        def fail(error: BaseException) -> None:
            _log.error("%s failed, so it was refused", request.method, exc_info=error)
            if request.id is not None:
                self._requests.refuse(request.id, f"the host program failed: {type(error).__name__}")

        try:
            if request.id is None:  # request/withdrawn
                self._requests.withdraw(request.params.get("id", ""))
                return None
            task = self._route(request.id, request.method, request.params)
        except Exception as error:
            fail(error)
            return None
        return None if task is None else lambda: _run(task, fail)


def _run(task: Task, fail: Callable[[BaseException], None]) -> None:
    try:
        task()
    except BaseException as error:
        fail(error)
