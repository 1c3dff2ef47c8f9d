"""Interceptors: which are registered, and the way of a call through those that are meant for it."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .._capi import ClientHandle
from .._waiting import timers
from .._waiting.loops import in_thread, running
from ..errors import AlreadyExistsError, ClosedError, NotFoundError
from ..interceptors import Interceptor
from ..tools import Content, ToolContext, ToolInvocation, ToolResult, as_result, invocation
from . import handlers
from .host import HostRef
from .opened import OpenRequests
from .tools import call_context


class Interceptors:
    """The interceptors of one client, the outermost first."""

    def __init__(self, handle: ClientHandle, requests: OpenRequests, host: HostRef) -> None:
        self._handle = handle
        self._requests = requests
        self._host = host
        self._lock = threading.Lock()
        self._interceptors: list[Interceptor] = []
        #: Calls under way, by thread and call.
        self._calls: dict[tuple[str, str], InterceptedCall] = {}

    def add(self, interceptor: Interceptor) -> None:
        """Adds an interceptor, inside those that are there."""
        with self._lock:
            if all(known.pattern != interceptor.pattern for known in self._interceptors):
                with contextlib.suppress(AlreadyExistsError):
                    self._handle.register_interceptor(interceptor.pattern)
            self._interceptors.append(interceptor)

    def remove(self, interceptor: Interceptor) -> None:
        """Takes an interceptor back."""
        if not isinstance(interceptor, Interceptor):
            raise TypeError(
                f"give what register_tool_interceptor returned, not {interceptor!r}: a tool may have several interceptors"
            )
        with self._lock:
            if interceptor not in self._interceptors:
                raise NotFoundError(f"no such interceptor of {interceptor.pattern!r} is registered")
            self._interceptors.remove(interceptor)
            if all(known.pattern != interceptor.pattern for known in self._interceptors):
                self._handle.unregister_interceptor(interceptor.pattern)

    def take(self, request_id: str, params: dict[str, Any]) -> handlers.Task:
        """A call of a tool of the engine's. Returns what a worker is to do."""
        return lambda: self._run(request_id, params)

    def take_result(self, request_id: str, params: dict[str, Any]) -> None:
        """The tool of a call under way has run."""
        call = self._calls.get((params["threadId"], params["callId"]))
        if call is None:
            self._requests.refuse(request_id, "the interceptor of this call has ended")
        else:
            call.tool_ran(request_id, params)

    def end(self) -> None:
        """The engine has ended; no tool runs any more."""
        for call in list(self._calls.values()):
            call.end()

    def _run(self, request_id: str, params: dict[str, Any]) -> None:
        context = call_context(params, self._host)
        with self._lock:
            meant = [interceptor for interceptor in self._interceptors if interceptor.matches(context.tool_name)]
        key = (context.thread_id, context.call_id)
        call = self._calls[key] = InterceptedCall(self._requests, self._host, request_id, params, context)
        try:
            call.run(meant)
        finally:
            self._calls.pop(key, None)


class InterceptedCall:
    """A call of a tool of the engine's, on its way through the interceptors that are meant for it.

    It takes more than one request: the first asks what to do with the call; each time that an interceptor has the tool run, that is the answer to the
    latest request, and the result comes as the next one.
    """

    def __init__(
        self, requests: OpenRequests, host: HostRef, request_id: str, params: dict[str, Any], context: ToolContext
    ) -> None:
        self._requests = requests
        self._host = host
        self._params = params
        self._context = context
        #: The latest request.
        self._request = requests.open(request_id, context.cancel)
        #: The requests that bring the tool's results; None when none will come any more.
        self._results: queue.SimpleQueue[tuple[str, dict[str, Any]] | None] = queue.SimpleQueue()
        #: What the model calls the tool with.
        self._given: Any = None
        #: The tool's last result.
        self._last: ToolResult | None = None
        self._out_of_time = False

    def tool_ran(self, request_id: str, params: dict[str, Any]) -> None:
        """The tool has run; the request has its result, and asks what to do with that."""
        self._results.put((request_id, params))

    def end(self) -> None:
        """The tool runs no more."""
        self._results.put(None)

    def run(self, interceptors: list[Interceptor]) -> None:
        """Has the interceptors decide, on this thread, and answers."""
        limits = [interceptor.timeout for interceptor in interceptors if interceptor.timeout is not None]
        timer = timers.after(min(limits), self._time_is_up) if limits else None
        try:
            # Decoded apart: an interceptor may change what it gets in its place.
            self._given = _given(invocation(self._params, self._context))
            result = self._through(interceptors, invocation(self._params, self._context))
            if result is self._last:
                self._request.answer({"action": "pass"})
            else:
                self._request.answer({"action": "reply", "content": result.content(), "success": result.success})
        except ClosedError as closed:
            self._request.refuse(str(closed))
        except BaseException as error:
            reason = handlers.told(f"the interceptor of {self._context.tool_name}", error)
            self._request.refuse(f"an interceptor failed, so the call was refused: {reason}")
        finally:
            if timer is not None:
                timer.cancel()

    def _time_is_up(self) -> None:
        self._out_of_time = True
        self._context.cancel()
        self.end()
        self._request.refuse(f"an interceptor of {self._context.tool_name} took too long; the tool did not run")

    def _through(self, interceptors: list[Interceptor], call: ToolInvocation) -> ToolResult:
        """The result of a call that goes through these interceptors, and then to the tool."""
        if not interceptors:
            return self._run_tool(_given(call))
        outer, rest = interceptors[0], interceptors[1:]
        ran: list[ToolResult] = []

        def inner(arguments: Any = None) -> ToolResult:
            result = self._through(rest, call if arguments is None else _with(call, arguments))
            ran.append(result)
            return result

        async def inner_async(arguments: Any = None) -> ToolResult:
            return await in_thread(running(), lambda: inner(arguments))

        try:
            if outer.is_async:
                loop = self._host.loop_of(self._context.thread_id)
                return as_result(handlers.wait_for(lambda: outer.handler(call, inner_async), loop, self._context))
            return as_result(outer.handler(call, inner))
        except Exception:
            if outer.on_error == "pass":
                return ran[-1] if ran else inner()
            raise

    def _run_tool(self, arguments: Any) -> ToolResult:
        action = {"action": "call", "arguments": None if arguments == self._given else arguments}
        result = self._results.get() if not self._out_of_time and self._request.answer(action) else None
        if result is None:
            raise ClosedError(f"nobody waits for {self._context.tool_name} any more; its turn has ended")
        request_id, params = result
        self._request = self._requests.open(request_id, self._context.cancel)
        self._last = ToolResult(Content(params["content"]), bool(params["success"]))
        return self._last


def _given(call: ToolInvocation) -> Any:
    """What the tool is called with."""
    return call.arguments if call.input is None else call.input


def _with(call: ToolInvocation, arguments: Any) -> ToolInvocation:
    """The call with other arguments."""
    if call.input is not None:
        if not isinstance(arguments, str):
            raise TypeError(f"{call.tool_name} is a freeform tool; its input is text, not {type(arguments).__name__}")
        return replace(call, input=arguments)
    if not isinstance(arguments, Mapping):
        raise TypeError(f"the arguments of {call.tool_name} are a mapping, not {type(arguments).__name__}")
    return replace(call, arguments=dict(arguments))
