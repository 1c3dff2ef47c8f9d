"""Answers what the engine asks the host: calls of tools, calls to intercept, hooks, approvals and questions.

Some threads take turns at reading the client's queue of requests. The one that reads runs the handler of what it finds, after it has made room for the next
reader; so a request reaches its handler without being handed on, and a slow handler delays nobody. ``async`` handlers go to their event loop. Every request
is answered exactly once: by its handler, by an error, by its deadline; and what nobody handles is denied.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from . import _timers, interceptors, tracing
from ._capi import ClientHandle
from ._loops import Loop, in_thread, running
from ._signature import is_async
from .errors import AlreadyExistsError, ClosedError, CodexError, NotFoundError
from .events import ApprovalRequested, ApprovalResolved, Event, ItemUpdated
from .interceptors import Interceptor
from .tools import ArgumentsError, Content, Tool, ToolContext, ToolResult, as_result, invocation

if TYPE_CHECKING:
    from .approvals import ApprovalHandler, ApprovalRequest, Decision
    from .hooks import Hook

_log = logging.getLogger("codex_cffi")

#: Seconds that the engine gets to take the reason of a denial, and to say whose sub-agent a thread is.
_REASON_S = 5.0
_PARENT_S = 5.0
#: Levels of sub-agents, against a ring.
_DEEPEST = 32
_UNHEARD = "the host program has no handler for this request"


class Host(Protocol):
    """What the server needs of its client."""

    def _tell(self, thread_id: str, event: Event) -> None:
        """Puts an event into a thread's stream."""
        ...

    def _loop_of(self, thread_id: str) -> Loop | None:
        """The event loop for ``async`` handlers of a thread; None where the host is synchronous."""
        ...

    def _knows(self, thread_id: str) -> bool:
        """Whether the host has started or resumed the thread, and still has it."""
        ...

    def _approver(self, thread_id: str) -> ApprovalHandler | None:
        """The handler of a thread's approvals."""
        ...


class _Request(msgspec.Struct, frozen=True):
    method: str
    id: str | None = None
    params: Any = {}


class _Head(msgspec.Struct, frozen=True):
    id: str | None = None


_decode = msgspec.json.Decoder(list[_Request]).decode
_decode_heads = msgspec.json.Decoder(list[_Head]).decode


class _Open:
    """A request that waits for its answer."""

    def __init__(self, server: RequestServer, request_id: str, cancel: Callable[[], None] = lambda: None) -> None:
        self._server = server
        self._lock = threading.Lock()
        self._answered = False
        self.id = request_id
        #: Stops the handler; called if nobody waits for the answer any more.
        self.cancel = cancel
        self.timer: _timers.Timer | None = None
        server._open[request_id] = self

    @property
    def settled(self) -> bool:
        """Whether it was answered, refused or withdrawn."""
        return self._answered

    def answer(self, result: Any, first: Callable[[], None] = lambda: None) -> bool:
        """Answers it, after `first`; False, and neither is done, if it was answered or withdrawn before."""

        def act(handle: ClientHandle) -> None:
            first()
            handle.respond(self.id, result)

        return self._settle(act)

    def refuse(self, message: str) -> bool:
        """Refuses it; False if it was answered or withdrawn before."""
        return self._settle(lambda handle: handle.reject(self.id, message))

    def withdraw(self) -> None:
        """The engine no longer waits."""
        self._settle(lambda handle: None)
        self.cancel()

    def out_of_time(self, message: str) -> None:
        """Its deadline has come."""
        if self.refuse(message):
            self.cancel()

    def _settle(self, act: Callable[[ClientHandle], None]) -> bool:
        with self._lock:
            if self._answered:
                return False
            self._answered = True
        try:
            act(self._server._handle)
        except CodexError as error:
            _log.debug("the answer to request %s came too late: %s", self.id, error)
            return False
        except BaseException:
            with self._lock:
                self._answered = False  # it has no JSON form: another one must do
            raise
        finally:
            if self._answered:
                if self.timer is not None:
                    self.timer.cancel()
                self._server._open.pop(self.id, None)
        return True


class _Asked:
    """An approval that waits."""

    def __init__(self, opened: _Open, request: ApprovalRequest, owner: str) -> None:
        self.opened = opened
        self.request = request
        #: The thread whose host is asked.
        self.owner = owner
        self._lock = threading.Lock()
        self._told = False
        self._outcome: Any = None

    def requested(self, host: Host) -> None:
        """Tells of the request; of its outcome too, if that was there first."""
        thread_id, turn_id = self.request.thread_id, self.request.turn_id
        host._tell(self.owner, ApprovalRequested(thread_id=thread_id, turn_id=turn_id, request=self.request))
        with self._lock:
            self._told = True
            outcome = self._outcome
        if outcome is not None:
            self._tell_outcome(host)

    def resolved(self, host: Host | None, outcome: Any) -> None:
        """Tells what it came to, but never before the request."""
        with self._lock:
            self._outcome = outcome
            told = self._told
        if told and host is not None:
            self._tell_outcome(host)

    def _tell_outcome(self, host: Host) -> None:
        thread_id, turn_id = self.request.thread_id, self.request.turn_id
        told = ApprovalResolved(thread_id=thread_id, turn_id=turn_id, request_id=self.request.id, outcome=self._outcome)
        host._tell(self.owner, told)


class RequestServer:
    """Serves one client's queue of requests; starts with the first tool, interceptor, hook or approval handler."""

    def __init__(
        self,
        handle: ClientHandle,
        max_workers: int,
        host: Callable[[], Host | None],
        approval_timeout: float | None,
    ) -> None:
        self._handle = handle
        self._max_workers = max_workers
        #: The client, while it lives: the server's threads must not be what keeps it alive.
        self._host = host
        self._lock = threading.Lock()
        self._started = False
        self._tools: dict[tuple[str | None, str], Tool] = {}
        self._interceptors: list[Interceptor] = []
        self._hooks: dict[str, Hook] = {}
        self._count = 0
        self._open: dict[str, _Open] = {}
        #: Approvals that wait.
        self._pending: dict[str, _Asked] = {}
        self._results: dict[tuple[str, str], queue.SimpleQueue[_Request | None]] = {}
        self._approval_timeout = approval_timeout
        # Threads: one reads, the others run handlers or wait to be the next reader.
        self._reader = threading.Lock()
        self._threads = 0
        self._idle = 0
        self._busy = 0
        self._backlog: deque[Callable[[], None]] = deque()

    # ---- what is registered

    def start(self) -> None:
        """Takes requests from now on. Again: nothing."""
        with self._lock:
            if not self._started:
                self._handle.accept_requests(True)
                self._started = True
                self._add_thread()

    def register(self, tool: Tool, thread_id: str | None = None) -> None:
        """Offers a tool to the model, on one thread or all."""
        with self._lock:
            self._handle.register_tool(tool.to_spec(thread_id))
            self._tools[thread_id, tool.full_name] = tool
        self.start()

    def unregister(self, name: str, thread_id: str | None = None) -> None:
        """Takes a tool back."""
        with self._lock:
            namespace, _, bare = name.rpartition("::")
            key = {"name": bare, "namespace": namespace or None, "thread_id": thread_id}
            self._handle.unregister_tool({name: value for name, value in key.items() if value is not None})
            self._tools.pop((thread_id, name), None)

    def forget(self, thread_id: str) -> None:
        """Takes back the tools of a thread."""
        for owner, name in list(self._tools):
            if owner == thread_id:
                with contextlib.suppress(CodexError):
                    self.unregister(name, thread_id)

    def tools_of(self, thread_id: str) -> list[Tool]:
        """The tools of a thread alone."""
        with self._lock:
            return [tool for (owner, _), tool in self._tools.items() if owner == thread_id]

    def intercept(self, interceptor: Interceptor) -> None:
        """Adds an interceptor, inside those that are there."""
        with self._lock:
            if all(known.pattern != interceptor.pattern for known in self._interceptors):
                with contextlib.suppress(AlreadyExistsError):
                    self._handle.register_interceptor(interceptor.pattern)
            self._interceptors.append(interceptor)
        self.start()

    def stop_intercepting(self, interceptor: Interceptor) -> None:
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

    def hook(self, hook: Hook) -> None:
        """Adds a hook, after those that are there."""
        with self._lock:
            self._count += 1
            spec = {"event": hook.event, "matcher": hook.matcher, "timeout_ms": max(1, int(hook.timeout * 1000))}
            hook_id = str(self._count)
            self._hooks[hook_id] = hook  # first: the engine may ask at once
            try:
                self._handle.register_hook({"id": hook_id, **spec})
            except BaseException:
                del self._hooks[hook_id]
                raise
        self.start()

    def unhook(self, hook: Hook) -> None:
        """Takes a hook back."""
        with self._lock:
            hook_id = next((key for key, known in self._hooks.items() if known is hook), None)
            if hook_id is None:
                raise NotFoundError(f"no such hook of {hook.event} is registered")
            self._handle.unregister_hook(hook_id)
            del self._hooks[hook_id]

    # ---- threads

    def _add_thread(self) -> None:
        self._threads += 1
        self._idle += 1  # counted before it runs, or two requests in a row would start two
        # Daemons: a handler that hangs must not keep the interpreter from ending.
        threading.Thread(target=self._work, name=f"codex-cffi-tools-{self._threads}", daemon=True).start()

    def _work(self) -> None:
        while True:
            with self._reader:
                with self._lock:
                    self._idle -= 1
                task = self._read()
                if task is None:
                    return
                with self._lock:
                    if self._idle == 0:
                        self._add_thread()
            while task is not None:
                task()
                with self._lock:
                    task = self._backlog.popleft() if self._backlog else None
                    if task is None:
                        self._busy -= 1
                        self._idle += 1

    def _read(self) -> Callable[[], None] | None:
        """Reads until there is work for this thread; None at the end."""
        while True:
            try:
                batch = self._handle.poll_requests(1, -1)
            except CodexError:
                self._end()
                return None
            for request in self._decoded(batch or b"[]"):
                task = self._guarded(request)
                if task is None:
                    continue
                with self._lock:
                    if self._busy < self._max_workers:
                        self._busy += 1
                        return task
                    self._backlog.append(task)

    def _end(self) -> None:
        for waiting in list(self._results.values()):
            waiting.put(None)
        for request in list(self._open.values()):
            request.withdraw()

    # ---- requests

    def _decoded(self, batch: bytes) -> list[_Request]:
        """The requests of a batch; one that cannot be read is refused."""
        try:
            return _decode(batch)
        except msgspec.ValidationError as error:
            _log.error("a request was not understood: %s", error)
            with contextlib.suppress(msgspec.ValidationError):
                for head in _decode_heads(batch):
                    if head.id is not None:
                        self._refuse(head.id, f"the host program does not understand the request: {error}")
            return []

    def _guarded(self, request: _Request) -> Callable[[], None] | None:
        """What a request needs a thread for. Whatever goes wrong with it, it is answered, and the thread lives on."""

        def fail(error: BaseException) -> None:
            _log.error("%s failed, so it was refused", request.method, exc_info=error)
            if request.id is not None:
                message = f"the host program failed: {type(error).__name__}"
                opened = self._open.get(request.id)
                if opened is None:
                    self._refuse(request.id, message)
                else:
                    opened.refuse(message)

        def run() -> None:
            try:
                assert task is not None
                task()
            except BaseException as error:
                fail(error)

        try:
            task = self._take(request)
        except Exception as error:
            fail(error)
            return None
        return None if task is None else run

    def _take(self, request: _Request) -> Callable[[], None] | None:
        """Does what is quick; returns what needs a thread."""
        params = request.params
        if request.id is None:  # request/withdrawn
            opened = self._open.get(params.get("id", ""))
            if opened is not None:
                opened.withdraw()
            return None
        if request.method == "host/tool/result":
            waiting = self._results.get((params["threadId"], params["callId"]))
            if waiting is None:
                self._refuse(request.id, "the interceptor of this call has ended")
            else:
                waiting.put(request)
            return None
        if request.method == "host/tool/call":
            return self._take_call(request.id, params)
        if request.method == "host/tool/intercept":
            return lambda: self._intercept(str(request.id), params)
        if request.method == "host/hook":
            return self._take_hook(request.id, params)
        return self._take_approval(request)

    def _refuse(self, request_id: str, message: str) -> None:
        with contextlib.suppress(CodexError):
            self._handle.reject(request_id, message)

    def _context(self, params: dict[str, Any]) -> ToolContext:
        thread_id, turn_id, call_id = params["threadId"], params["turnId"], params["callId"]
        namespace = params.get("namespace")
        name = f"{namespace}::{params['tool']}" if namespace else params["tool"]

        def progress(message: str) -> None:
            host = self._host()
            if host is not None:
                data = {"progress": message}
                host._tell(thread_id, ItemUpdated(thread_id=thread_id, turn_id=turn_id, item_id=call_id, data=data))

        return ToolContext(thread_id, turn_id, call_id, name, progress)

    def _loop(self, thread_id: str) -> Loop | None:
        host = self._host()
        return None if host is None else host._loop_of(thread_id)

    # ---- tools

    def _take_call(self, request_id: str, params: dict[str, Any]) -> Callable[[], None] | None:
        context = self._context(params)
        # Its own, before that of the thread whose sub-agent it is, before the client's.
        owners = (context.thread_id, params["rootId"], None)
        tool = next((self._tools[key] for owner in owners if (key := (owner, context.tool_name)) in self._tools), None)
        if tool is None:
            self._refuse(request_id, f"tool {context.tool_name} is no longer available")
            return None
        opened = _Open(self, request_id, context.cancel)
        if tool.timeout is not None:
            message = f"tool {tool.name} did not answer within {tool.timeout:g} s"
            opened.timer = _timers.after(tool.timeout, lambda: opened.out_of_time(message))
        if tool._apart:
            call = (opened, tool, params, context)
            threading.Thread(target=self._call, args=call, name="codex-cffi-agent", daemon=True).start()
            return None
        if not tool.is_async:
            return lambda: self._call(opened, tool, params, context)

        async def handle() -> Any:
            with tracing.tool_call(context.thread_id, context.turn_id, context.call_id, tool.full_name):
                return await tool.handler(invocation(params, context))

        return self._start(
            opened, context.thread_id, handle, lambda result, error: self._called(opened, tool, result, error)
        )

    def _start(
        self,
        opened: _Open,
        thread_id: str,
        factory: Callable[[], Awaitable[Any]],
        done: Callable[[Any, BaseException | None], None],
    ) -> Callable[[], None] | None:
        """Starts an ``async`` handler on its loop; where there is none, returns what runs it on one of its own."""
        loop = self._loop(thread_id)
        if loop is None:
            return lambda: _on_a_loop_of_its_own(factory, lambda stop: _stop_too(opened, stop), done)
        _stop_too(opened, loop.start(factory, done))
        return None

    def _call(self, opened: _Open, tool: Tool, params: dict[str, Any], context: ToolContext) -> None:
        try:
            with tracing.tool_call(context.thread_id, context.turn_id, context.call_id, tool.full_name):
                result = tool.handler(invocation(params, context))
        except BaseException as error:
            self._called(opened, tool, None, error)
        else:
            self._called(opened, tool, result, None)

    def _called(self, opened: _Open, tool: Tool, value: Any, error: BaseException | None) -> None:
        if error is None:
            try:
                result = as_result(value)
                opened.answer({"content": result.content(), "success": result.success})
                return
            except Exception as failure:  # what cannot be encoded is the handler's fault too
                error = failure
        opened.refuse(_told(f"tool {tool.name}", error))

    # ---- interceptors

    def _intercept(self, request_id: str, params: dict[str, Any]) -> None:
        context = self._context(params)
        with self._lock:
            meant = [interceptor for interceptor in self._interceptors if interceptor.matches(context.tool_name)]
        key = (context.thread_id, context.call_id)
        results = self._results[key] = queue.SimpleQueue()
        current = _Open(self, request_id, context.cancel)
        limits = [interceptor.timeout for interceptor in meant if interceptor.timeout is not None]
        over = threading.Event()

        def out_of_time() -> None:
            over.set()
            context.cancel()
            results.put(None)
            current.refuse(f"an interceptor of {context.tool_name} took too long; the tool did not run")

        timer = _timers.after(min(limits), out_of_time) if limits else None
        last: ToolResult | None = None
        original = invocation_or_none(params, context)

        def builtin(arguments: Any) -> ToolResult:
            nonlocal current, last
            call = original
            unchanged = call is not None and arguments == (call.input if call.input is not None else call.arguments)
            if over.is_set() or not current.answer({"action": "call", "arguments": None if unchanged else arguments}):
                raise ClosedError(f"nobody waits for {context.tool_name} any more; its turn has ended")
            request = results.get()
            if request is None or request.id is None:
                raise ClosedError(f"nobody waits for {context.tool_name} any more; its turn has ended")
            current = _Open(self, request.id, context.cancel)
            last = ToolResult(Content(request.params["content"]), bool(request.params["success"]))
            return last

        try:
            call = invocation(params, context)
            result = interceptors.run(
                meant, call, builtin, lambda factory, limit: self._run_async(context, factory), _wait_in_thread
            )
            if result is last:
                current.answer({"action": "pass"})
            else:
                current.answer({"action": "reply", "content": result.content(), "success": result.success})
        except ClosedError as closed:
            current.refuse(str(closed))
        except BaseException as error:
            current.refuse(
                f"an interceptor failed, so the call was refused: {_told(f'the interceptor of {context.tool_name}', error)}"
            )
        finally:
            if timer is not None:
                timer.cancel()
            self._results.pop(key, None)

    def _run_async(self, context: ToolContext, factory: Callable[[], Awaitable[Any]]) -> Any:
        """Runs an ``async`` handler on its loop and waits for it here."""
        ended = threading.Event()
        outcome: list[tuple[Any, BaseException | None]] = []

        def done(result: Any, error: BaseException | None) -> None:
            outcome.append((result, error))
            ended.set()

        loop = self._loop(context.thread_id)
        if loop is None:
            _on_a_loop_of_its_own(factory, lambda stop: None, done)
        else:
            stop = loop.start(factory, done)
            while not ended.wait(0.1):
                if context.cancelled:
                    stop()
        result, error = outcome[0]
        if error is not None:
            raise error
        return result

    # ---- hooks

    def _take_hook(self, request_id: str, params: dict[str, Any]) -> Callable[[], None] | None:
        from . import hooks  # only now: many programs never need it

        hook = self._hooks.get(params["hook"])
        if hook is None:
            self._handle.respond(request_id, {})  # taken back in between
            return None
        call = msgspec.convert(params["input"], hooks.HookCall)
        opened = _Open(self, request_id)

        def done(outcome: Any, error: BaseException | None) -> None:
            if error is None:
                try:
                    opened.answer(hooks.answer(call.event, outcome))
                    return
                except Exception as failure:
                    error = failure
            opened.refuse(_told(f"the hook of {call.event}", error))

        if hook.is_async:
            return self._start(opened, call.session_id, lambda: hook.handler(call), done)

        def run() -> None:
            try:
                outcome = hook.handler(call)
            except BaseException as error:
                done(None, error)
            else:
                done(outcome, None)

        return run

    # ---- approvals

    def _take_approval(self, request: _Request) -> Callable[[], None] | None:
        from . import approvals  # only now: many programs never need it

        request_id = str(request.id)
        asked = approvals.decode(request.method, request_id, request.params)
        host = self._host()
        if asked is None or host is None:
            _log.warning("%s was denied: there is no handler for it (on_approval)", request.method)
            self._refuse(request_id, _UNHEARD)
            return None
        opened = _Open(self, request_id, lambda: self._resolved(request_id, "withdrawn"))
        if host._knows(asked.thread_id):
            return self._open_approval(opened, asked, request.method, asked.thread_id)

        def seek() -> None:
            # A sub-agent asks whom the thread that started it asks.
            try:
                owner = self._owner(asked.thread_id)
            except Exception as error:
                _log.error(
                    "%s was denied: whose thread %s is cannot be told", request.method, asked.thread_id, exc_info=error
                )
                opened.refuse("the host program cannot tell who decides for this thread")
                return
            task = self._open_approval(opened, asked, request.method, owner)
            if task is not None:
                task()

        return seek

    def _owner(self, thread_id: str) -> str:
        """The nearest thread above that the host has; the one at the top if it has none."""
        host = self._host()
        for _ in range(_DEEPEST):
            if host is None or host._knows(thread_id):
                break
            call = self._handle.start_call("thread/read", {"threadId": thread_id})
            try:
                answer = call.wait(int(_PARENT_S * 1000))
            finally:
                call.free()
            if answer is None:
                raise CodexError(f"the engine did not answer thread/read within {_PARENT_S:g} s")
            parent = msgspec.json.decode(answer)["thread"].get("parentThreadId")
            if not parent:
                break
            thread_id = parent
        return thread_id

    def _open_approval(
        self, opened: _Open, asked: ApprovalRequest, method: str, owner: str
    ) -> Callable[[], None] | None:
        host = self._host()
        handler = None if host is None else host._approver(owner)
        if host is None or handler is None:
            _log.warning("%s was denied: there is no handler for it (on_approval)", method)
            opened.refuse(_UNHEARD)
            return None
        waiting = self._pending[asked.id] = _Asked(opened, asked, owner)
        if opened.settled:  # withdrawn in between
            self._pending.pop(asked.id, None)
            return None
        if self._approval_timeout is not None:
            opened.timer = _timers.after(self._approval_timeout, lambda: self._out_of_time(opened))
        waiting.requested(host)
        if is_async(handler):
            loop = self._loop(owner)
            if loop is not None:
                loop.start(lambda: handler(asked), lambda result, error: self._decided(asked, result, error))  # type: ignore[arg-type,return-value]
                return None
            return lambda: _on_a_loop_of_its_own(
                lambda: handler(asked),  # type: ignore[arg-type,return-value]
                lambda stop: None,
                lambda result, error: self._decided(asked, result, error),
            )
        return lambda: self._ask(asked, handler)

    def _ask(self, asked: ApprovalRequest, handler: ApprovalHandler) -> None:
        try:
            decision = handler(asked)
        except BaseException as error:
            self._decided(asked, None, error)
        else:
            self._decided(asked, decision, None)

    def _decided(self, asked: ApprovalRequest, decision: Any, error: BaseException | None) -> None:
        from .approvals import Deny

        if error is None and decision is None:
            return  # left open
        try:
            if error is not None:
                raise error
            self.respond(asked.id, decision)
        except NotFoundError:
            pass  # withdrawn, or its time was up
        except Exception as failure:
            _log.error("the approval handler failed, so %s was denied", type(asked).__name__, exc_info=failure)
            with contextlib.suppress(NotFoundError):
                self.respond(asked.id, Deny())

    def _out_of_time(self, opened: _Open) -> None:
        if opened.refuse("nobody decided in time, so it was denied"):
            self._resolved(opened.id, "timed_out")

    def _resolved(self, request_id: str, outcome: Any) -> None:
        waiting = self._pending.pop(request_id, None)
        if waiting is not None:
            waiting.resolved(self._host(), outcome)

    def pending(self) -> list[ApprovalRequest]:
        """The approvals that wait for their decision, oldest first."""
        return [waiting.request for waiting in list(self._pending.values())]

    def respond(self, request_id: str, decision: Decision) -> None:
        """Decides an approval."""
        from . import approvals

        waiting = self._pending.get(request_id)
        if waiting is None:
            raise NotFoundError(
                f"no approval {request_id!r} waits; it was decided already, its time was up, or its turn has ended"
            )
        opened, asked = waiting.opened, waiting.request
        answer = approvals.encode(asked, decision)
        reason = getattr(decision, "reason", None)

        def give_reason() -> None:
            if reason and isinstance(decision, approvals.Deny) and asked.turn_id:
                self._give_reason(asked, reason)

        answered = opened.answer(answer, give_reason)
        self._resolved(request_id, approvals.outcome(decision) if answered else "withdrawn")
        if not answered:
            raise NotFoundError(f"approval {request_id!r} no longer waits; its turn has ended")

    def _give_reason(self, asked: ApprovalRequest, reason: str) -> None:
        # The engine's decisions have no place for it, so the agent reads it as a word of the user's, beside the refusal.
        text = f"Denied by the user: {reason}"
        params = {
            "threadId": asked.thread_id,
            "expectedTurnId": asked.turn_id,
            "input": [{"type": "text", "text": text}],
        }
        try:
            call = self._handle.start_call("turn/steer", params)
            try:
                call.wait(int(_REASON_S * 1000))
            finally:
                call.free()
        except CodexError as error:
            _log.debug("the reason of a denial did not reach the agent: %s", error)


def invocation_or_none(params: dict[str, Any], context: ToolContext) -> Any:
    """The call, or None where its arguments are not an object."""
    try:
        return invocation(params, context)
    except ArgumentsError:
        return None


def _stop_too(opened: _Open, stop: Callable[[], None]) -> None:
    """Cancelling the request stops its ``async`` handler too."""
    flag = opened.cancel

    def cancel() -> None:
        flag()
        stop()

    opened.cancel = cancel


def _told(what: str, error: BaseException) -> str:
    """What the model is told of an error; the log gets the traceback."""
    if isinstance(error, ArgumentsError):
        return str(error)
    if type(error).__name__ in ("CancelledError", "Cancelled"):
        return f"{what} was cancelled"
    _log.warning("%s failed", what, exc_info=error)
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # of its __str__
        return type(error).__name__


def _on_a_loop_of_its_own(
    factory: Callable[[], Awaitable[Any]],
    stopper: Callable[[Callable[[], None]], None],
    done: Callable[[Any, BaseException | None], None],
) -> None:
    """Runs an ``async`` handler of a synchronous host to its end, here."""
    import asyncio

    async def main() -> Any:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None

        def stop() -> None:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(task.cancel)

        stopper(stop)
        return await factory()

    try:
        result = asyncio.run(main())
    except BaseException as error:
        done(None, error)
    else:
        done(result, None)


async def _wait_in_thread(function: Callable[[], ToolResult]) -> ToolResult:
    return await in_thread(running(), function)
