"""Answers what the engine asks the host: tool calls now, with a denial for everything that has no handler.

The workers that run the handlers are the ones that read the queue, so a request reaches its handler without being handed on. There is always one
worker that waits while others are busy, up to `max_workers`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import msgspec

from ._capi import ClientHandle
from .errors import CodexError
from .tools import Tool

_log = logging.getLogger("codex_cffi")


class _Request(msgspec.Struct, frozen=True):
    method: str
    id: str | None = None
    params: dict[str, Any] = {}


_decode = msgspec.json.Decoder(list[_Request]).decode


class RequestServer:
    """Serves one client's queue of requests; starts with the first tool."""

    def __init__(self, handle: ClientHandle, max_workers: int) -> None:
        self._handle = handle
        self._max_workers = max_workers
        self._lock = threading.Lock()
        self._workers = 0
        self._idle = 0
        self._tools: dict[str, Tool] = {}

    def register(self, tool: Tool) -> None:
        """Offers a tool to the model."""
        spec = tool.to_spec()
        with self._lock:
            self._handle.register_tool(spec)
            self._tools[tool.name] = tool
            if self._workers == 0:
                self._handle.accept_requests(True)
                self._start_worker()

    def unregister(self, name: str) -> None:
        """Takes a tool back."""
        with self._lock:
            self._handle.unregister_tool({"name": name})
            self._tools.pop(name, None)

    def _start_worker(self) -> None:
        # Counted as idle before it runs, or two requests in a row would start two.
        self._workers += 1
        self._idle += 1
        # Daemons: a handler that hangs must not keep the interpreter from ending.
        threading.Thread(target=self._work, name=f"codex-cffi-tools-{self._workers}", daemon=True).start()

    def _work(self) -> None:
        while True:
            try:
                batch = self._handle.poll_requests(1, -1)
            except CodexError:
                return  # closed
            if batch is None:
                continue
            with self._lock:
                self._idle -= 1
                if self._idle == 0 and self._workers < self._max_workers:
                    self._start_worker()
            for request in _decode(batch):
                self._serve(request)
            with self._lock:
                self._idle += 1

    def _serve(self, request: _Request) -> None:
        if request.id is None:
            return  # request/withdrawn: the answer of the handler that runs will find nobody
        try:
            answer = self._answer(request)
        except Exception as error:
            # The model gets the message, the log the traceback.
            _log.warning("the handler of %s failed", request.params.get("tool", request.method), exc_info=True)
            message = f"{type(error).__name__}: {error}"
            self._finish(request.id, lambda: self._handle.reject(request.id or "", message))
        else:
            self._finish(request.id, lambda: self._handle.respond(request.id or "", answer))

    def _answer(self, request: _Request) -> Any:
        if request.method != "host/tool/call":
            raise LookupError("the host program has no handler for this request")
        tool = self._tools.get(request.params["tool"])
        if tool is None:
            raise LookupError(f"tool {request.params['tool']} is no longer available")
        result = tool.run(request.params)
        return {"content": [{"type": "inputText", "text": result.output}], "success": result.success}

    def _finish(self, request_id: str, answer: Callable[[], None]) -> None:
        try:
            answer()
        except CodexError as error:
            _log.debug("the answer to request %s came too late: %s", request_id, error)
