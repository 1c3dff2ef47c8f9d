"""Requests that wait for their answer. Each is answered exactly once: by its handler, by an error, or by its deadline, unless the engine withdraws it."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable
from typing import Any

from .._capi import ClientHandle
from .._waiting import timers
from ..errors import CodexError

_log = logging.getLogger("codex_cffi")


class OpenRequest:
    """A request that waits for its answer; made by :meth:`OpenRequests.open`."""

    def __init__(self, requests: OpenRequests, request_id: str, cancel: Callable[[], None] | None) -> None:
        self.id = request_id
        self._requests = requests
        self._lock = threading.Lock()
        self._settled = False
        self._cancels = [] if cancel is None else [cancel]
        self._timer: timers.Timer | None = None

    @property
    def settled(self) -> bool:
        """Whether it was answered, refused or withdrawn."""
        return self._settled

    def on_cancel(self, stop: Callable[[], None]) -> None:
        """`stop` is called too if nobody waits for the answer any more."""
        self._cancels.append(stop)

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Calls `action` after so many seconds if it still waits."""
        self._timer = timers.after(seconds, action)

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
        self._cancel()

    def out_of_time(self, message: str) -> None:
        """Its deadline has come."""
        if self.refuse(message):
            self._cancel()

    def _cancel(self) -> None:
        for stop in self._cancels:
            stop()

    def _settle(self, act: Callable[[ClientHandle], None]) -> bool:
        with self._lock:
            if self._settled:
                return False
            self._settled = True
        try:
            act(self._requests.handle)
        except CodexError as error:
            _log.debug("the answer to request %s came too late: %s", self.id, error)
            return False
        except BaseException:
            with self._lock:
                self._settled = False  # it has no JSON form: another one must do
            raise
        finally:
            if self._settled:
                if self._timer is not None:
                    self._timer.cancel()
                self._requests.remove(self.id)
        return True


class OpenRequests:
    """The requests of one client that wait.

    Attributes:
        handle: What takes the answers.
    """

    def __init__(self, handle: ClientHandle) -> None:
        self.handle = handle
        self._open: dict[str, OpenRequest] = {}

    def open(self, request_id: str, cancel: Callable[[], None] | None = None) -> OpenRequest:
        """Takes on a request; `cancel` is called if nobody waits for the answer any more."""
        request = self._open[request_id] = OpenRequest(self, request_id, cancel)
        return request

    def refuse(self, request_id: str, message: str) -> None:
        """Refuses a request, open or not."""
        opened = self._open.get(request_id)
        if opened is not None:
            opened.refuse(message)
        else:
            with contextlib.suppress(CodexError):
                self.handle.reject(request_id, message)

    def withdraw(self, request_id: str) -> None:
        """The engine no longer waits for it. Where it was answered already: nothing."""
        opened = self._open.get(request_id)
        if opened is not None:
            opened.withdraw()

    def withdraw_all(self) -> None:
        """The engine waits for nothing any more."""
        for opened in list(self._open.values()):
            opened.withdraw()

    def remove(self, request_id: str) -> None:
        """It is settled."""
        self._open.pop(request_id, None)
