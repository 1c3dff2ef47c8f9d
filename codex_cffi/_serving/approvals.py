"""Approvals and questions: whose handler is asked, what waits for a decision, and how a decision reaches the engine. What nobody decides is denied."""

from __future__ import annotations

import contextlib
import logging
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from .._callables import is_async
from .._capi import ClientHandle
from ..errors import CodexError, NotFoundError
from ..events import ApprovalRequested, ApprovalResolved
from . import handlers
from .host import HostRef
from .opened import OpenRequest, OpenRequests

if TYPE_CHECKING:
    from ..approvals import ApprovalRequest, Decision

_log = logging.getLogger("codex_cffi")

#: Seconds that the engine gets to take the reason of a denial, and to say whose sub-agent a thread is.
_REASON_S = 5.0
_PARENT_S = 5.0
#: Levels of sub-agents, against a ring.
_DEEPEST = 32
_UNHEARD = "the host program has no handler for this request"


class PendingApproval:
    """An approval that waits."""

    def __init__(self, opened: OpenRequest, request: ApprovalRequest, owner: str, host: HostRef) -> None:
        self.opened = opened
        self.request = request
        #: The thread whose host is asked.
        self._owner = owner
        self._host = host
        self._lock = threading.Lock()
        self._told = False
        self._outcome: Any = None

    def requested(self) -> None:
        """Tells of the request; of its outcome too, if that was there first."""
        request = self.request
        told = ApprovalRequested(thread_id=request.thread_id, turn_id=request.turn_id, request=request)
        self._host.tell(self._owner, told)
        with self._lock:
            self._told = True
            outcome = self._outcome
        if outcome is not None:
            self._tell(outcome)

    def resolved(self, outcome: Any) -> None:
        """Tells what it came to, but never before the request."""
        with self._lock:
            self._outcome = outcome
            told = self._told
        if told:
            self._tell(outcome)

    def _tell(self, outcome: Any) -> None:
        request = self.request
        told = ApprovalResolved(
            thread_id=request.thread_id, turn_id=request.turn_id, request_id=request.id, outcome=outcome
        )
        self._host.tell(self._owner, told)


class Approvals:
    """The approvals and questions of one client."""

    def __init__(self, handle: ClientHandle, requests: OpenRequests, host: HostRef, timeout: float | None) -> None:
        """What is not decided within `timeout` seconds is denied."""
        self._handle = handle
        self._requests = requests
        self._host = host
        self._timeout = timeout
        self._pending: dict[str, PendingApproval] = {}

    def pending(self) -> list[ApprovalRequest]:
        """The approvals that wait for their decision, oldest first."""
        return [waiting.request for waiting in list(self._pending.values())]

    def take(self, request_id: str, method: str, params: dict[str, Any]) -> handlers.Task | None:
        """Has the handler decide, of the thread that asks or of the one whose sub-agent that is. Returns what a worker is to do, if anything."""
        from .. import approvals  # only now: many programs never need it

        asked = approvals.decode(method, request_id, params)
        host = self._host.get()
        if asked is None or host is None:
            _log.warning("%s was denied: there is no handler for it (on_approval)", method)
            self._requests.refuse(request_id, _UNHEARD)
            return None
        opened = self._requests.open(request_id, lambda: self._resolved(request_id, "withdrawn"))
        if host.knows(asked.thread_id):
            return self._ask(opened, asked, method, asked.thread_id)
        return lambda: self._ask_above(opened, asked, method)

    def _ask_above(self, opened: OpenRequest, asked: ApprovalRequest, method: str) -> None:
        # A sub-agent asks whom the thread that started it asks.
        thread_id = asked.thread_id
        try:
            owner = self._owner(thread_id)
        except Exception as error:
            _log.error("%s was denied: whose thread %s is cannot be told", method, thread_id, exc_info=error)
            opened.refuse("the host program cannot tell who decides for this thread")
            return
        task = self._ask(opened, asked, method, owner)
        if task is not None:
            task()

    def _owner(self, thread_id: str) -> str:
        """The nearest thread above that the host has; the one at the top if it has none."""
        host = self._host.get()
        for _ in range(_DEEPEST):
            if host is None or host.knows(thread_id):
                break
            answer = self._call("thread/read", {"threadId": thread_id}, _PARENT_S)
            if answer is None:
                raise CodexError(f"the engine did not answer thread/read within {_PARENT_S:g} s")
            parent = msgspec.json.decode(answer)["thread"].get("parentThreadId")
            if not parent:
                break
            thread_id = parent
        return thread_id

    def _ask(self, opened: OpenRequest, asked: ApprovalRequest, method: str, owner: str) -> handlers.Task | None:
        host = self._host.get()
        handler = None if host is None else host.approver(owner)
        if handler is None:
            _log.warning("%s was denied: there is no handler for it (on_approval)", method)
            opened.refuse(_UNHEARD)
            return None
        waiting = self._pending[asked.id] = PendingApproval(opened, asked, owner, self._host)
        if opened.settled:  # withdrawn in between
            self._pending.pop(asked.id, None)
            return None
        if self._timeout is not None:
            opened.after(self._timeout, lambda: self._out_of_time(opened))
        waiting.requested()
        decided = partial(self._decided, asked)
        loop = self._host.loop_of(owner)
        if is_async(handler):
            return handlers.start(lambda: handler(asked), loop, decided)  # type: ignore[arg-type,return-value]
        return lambda: handlers.run(lambda: handler(asked), decided, loop)

    def _decided(self, asked: ApprovalRequest, decision: Any, error: BaseException | None) -> None:
        from ..approvals import Deny

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

    def respond(self, request_id: str, decision: Decision) -> None:
        """Decides an approval.

        Raises:
            NotFoundError: It does not wait.
            TypeError, ValueError: The decision does not answer this kind of request.
        """
        from .. import approvals

        waiting = self._pending.get(request_id)
        if waiting is None:
            raise NotFoundError(
                f"no approval {request_id!r} waits; it was decided already, its time was up, or its turn has ended"
            )
        asked = waiting.request
        answer = approvals.encode(asked, decision)
        reason = getattr(decision, "reason", None)

        def give_reason() -> None:
            if reason and isinstance(decision, approvals.Deny) and asked.turn_id:
                self._give_reason(asked, reason)

        answered = waiting.opened.answer(answer, give_reason)
        self._resolved(request_id, approvals.outcome(decision) if answered else "withdrawn")
        if not answered:
            raise NotFoundError(f"approval {request_id!r} no longer waits; its turn has ended")

    def _give_reason(self, asked: ApprovalRequest, reason: str) -> None:
        # The engine's decisions have no place for it, so the agent reads it as a word of the user's, beside the refusal.
        words = [{"type": "text", "text": f"Denied by the user: {reason}"}]
        params = {"threadId": asked.thread_id, "expectedTurnId": asked.turn_id, "input": words}
        try:
            self._call("turn/steer", params, _REASON_S)
        except CodexError as error:
            _log.debug("the reason of a denial did not reach the agent: %s", error)

    def _out_of_time(self, opened: OpenRequest) -> None:
        if opened.refuse("nobody decided in time, so it was denied"):
            self._resolved(opened.id, "timed_out")

    def _resolved(self, request_id: str, outcome: Any) -> None:
        waiting = self._pending.pop(request_id, None)
        if waiting is not None:
            waiting.resolved(outcome)

    def _call(self, method: str, params: dict[str, Any], seconds: float) -> bytes | None:
        """Asks the engine; None if it does not answer in time."""
        call = self._handle.start_call(method, params)
        try:
            return call.wait(int(seconds * 1000))
        finally:
            call.free()
