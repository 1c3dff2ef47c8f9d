"""Deadlines of handlers: one thread that calls back when time is up."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable


class Timer:
    """Cancels what :func:`after` was to do."""

    def __init__(self, action: Callable[[], None]) -> None:
        self.action: Callable[[], None] | None = action

    def cancel(self) -> None:
        """It does not happen. Again, or too late: nothing."""
        self.action = None


_lock = threading.Condition()
_waiting: list[tuple[float, int, Timer]] = []
_number = itertools.count()
_thread: threading.Thread | None = None
#: Seconds after which the thread ends if nothing waits.
_IDLE = 30.0


def after(seconds: float, action: Callable[[], None]) -> Timer:
    """Calls `action` on a thread of its own after so many seconds. It must not block."""
    global _thread
    timer = Timer(action)
    with _lock:
        heapq.heappush(_waiting, (time.monotonic() + min(seconds, threading.TIMEOUT_MAX / 2), next(_number), timer))
        if _thread is None or not _thread.is_alive():
            _thread = threading.Thread(target=_run, name="codex-cffi-timer", daemon=True)
            _thread.start()
        else:
            _lock.notify()
    return timer


def _run() -> None:
    global _thread
    while True:
        with _lock:
            while _waiting and _waiting[0][2].action is None:
                heapq.heappop(_waiting)
            left = _waiting[0][0] - time.monotonic() if _waiting else _IDLE
            if left > 0:
                if not _lock.wait(left) and not _waiting:
                    _thread = None
                    return
                continue
            action = heapq.heappop(_waiting)[2].action
        if action is not None:
            action()
