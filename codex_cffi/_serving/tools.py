"""The host's tools: which are registered, and how a call of one runs."""

from __future__ import annotations

import contextlib
import threading
from typing import Any

from .. import tracing
from .._capi import ClientHandle
from .._results import finished, finished_async, is_unfinished
from ..errors import CodexError
from ..events import ItemUpdated
from ..tools import Tool, ToolContext, as_result, invocation
from . import handlers
from .host import HostRef
from .opened import OpenRequest, OpenRequests


class Tools:
    """The tools of one client and its threads."""

    def __init__(self, handle: ClientHandle, requests: OpenRequests, host: HostRef) -> None:
        self._handle = handle
        self._requests = requests
        self._host = host
        self._lock = threading.Lock()
        self._tools: dict[tuple[str | None, str], Tool] = {}

    def register(self, tool: Tool, thread_id: str | None) -> None:
        """Offers a tool to the model, on one thread or all."""
        with self._lock:
            self._handle.register_tool(tool.to_spec(thread_id))
            self._tools[thread_id, tool.full_name] = tool

    def unregister(self, full_name: str, thread_id: str | None) -> None:
        """Takes a tool back."""
        namespace, _, name = full_name.rpartition("::")
        key = {"name": name, "namespace": namespace or None, "thread_id": thread_id}
        with self._lock:
            self._handle.unregister_tool({part: value for part, value in key.items() if value is not None})
            self._tools.pop((thread_id, full_name), None)

    def forget(self, thread_id: str) -> None:
        """Takes back the tools of a thread."""
        for owner, name in list(self._tools):
            if owner == thread_id:
                with contextlib.suppress(CodexError):
                    self.unregister(name, thread_id)

    def of(self, thread_id: str) -> list[Tool]:
        """The tools of a thread alone."""
        with self._lock:
            return [tool for (owner, _), tool in self._tools.items() if owner == thread_id]

    def take(self, request_id: str, params: dict[str, Any]) -> handlers.Task | None:
        """Has the tool that is called answer. Returns what a worker is to do, if anything."""
        context = call_context(params, self._host)
        # Its own, before that of the thread whose sub-agent it is, before the client's.
        owners = (context.thread_id, params["rootId"], None)
        tool = next((self._tools[key] for owner in owners if (key := (owner, context.tool_name)) in self._tools), None)
        if tool is None:
            self._requests.refuse(request_id, f"tool {context.tool_name} is no longer available")
            return None
        call = ToolCall(tool, params, context, self._requests.open(request_id, context.cancel), self._host)
        if tool.apart:
            threading.Thread(target=call.run, name="codex-cffi-agent", daemon=True).start()
            return None
        return call.start_async() if tool.is_async else call.run


class ToolCall:
    """A call of a tool, from its request to its answer."""

    def __init__(
        self, tool: Tool, params: dict[str, Any], context: ToolContext, opened: OpenRequest, host: HostRef
    ) -> None:
        self._host = host
        self._tool = tool
        self._params = params
        self._context = context
        self._opened = opened
        if tool.timeout is not None:
            message = f"tool {tool.name} did not answer within {tool.timeout:g} s"
            opened.after(tool.timeout, lambda: opened.out_of_time(message))

    def run(self) -> None:
        """Runs the tool's synchronous handler, and answers."""
        handlers.run(self._handle, self._ended)

    def start_async(self) -> handlers.Task | None:
        """Starts the tool's ``async`` handler, which answers; see :func:`handlers.start`."""
        loop = self._host.loop_of(self._context.thread_id)
        return handlers.start(self._handle_async, loop, self._ended, self._opened.on_cancel)

    def _handle(self) -> Any:
        with self._span():
            result = self._called()
            if is_unfinished(result):  # of an async function in a decorator that is none
                loop = self._host.loop_of(self._context.thread_id)
                return handlers.wait_for(lambda: self._finished(result), loop, self._context)
            return finished(result, self._context.progress, self._stopped)

    async def _handle_async(self) -> Any:
        with self._span():
            return await self._finished(self._called())

    def _called(self) -> Any:
        return self._tool.handler(self._tool.checked(invocation(self._params, self._context)))

    async def _finished(self, result: Any) -> Any:
        return await finished_async(result, self._context.progress, self._stopped)

    def _stopped(self) -> bool:
        return self._context.cancelled

    def _span(self) -> contextlib.AbstractContextManager[None]:
        context = self._context
        return tracing.tool_call(context.thread_id, context.turn_id, context.call_id, self._tool.full_name)

    def _ended(self, value: Any, error: BaseException | None) -> None:
        if error is None:
            try:
                result = as_result(value)
                self._opened.answer({"content": result.content(), "success": result.success})
                return
            except Exception as failure:  # what cannot be encoded is the handler's fault too
                error = failure
        self._opened.refuse(handlers.told(f"tool {self._tool.name}", error))


def call_context(params: dict[str, Any], host: HostRef) -> ToolContext:
    """The context of a call of a tool, the host's or the engine's."""
    thread_id, turn_id, call_id = params["threadId"], params["turnId"], params["callId"]
    namespace = params.get("namespace")
    name = f"{namespace}::{params['tool']}" if namespace else params["tool"]

    def progress(message: str) -> None:
        data = {"progress": message}
        host.tell(thread_id, ItemUpdated(thread_id=thread_id, turn_id=turn_id, item_id=call_id, data=data))

    return ToolContext(thread_id, turn_id, call_id, name, progress)
