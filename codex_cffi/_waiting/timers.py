"""Deadlines of handlers: one thread that calls back when time is up."""

from __future__ import annotations

import heapq
import itertools
import os
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


class _Clock:
    """The thread, and what it waits for."""

    def __init__(self) -> None:
        self._lock = threading.Condition()
        self._waiting: list[tuple[float, int, Timer]] = []
        self._number = itertools.count()
        self._thread: threading.Thread | None = None

    def add(self, when: float, timer: Timer) -> None:
        with self._lock:
            heapq.heappush(self._waiting, (when, next(self._number), timer))
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="codex-cffi-timer", daemon=True)
                thread.start()
                self._thread = thread
            else:
                self._lock.notify()

    def _run(self) -> None:
        while True:
            with self._lock:
                while self._waiting and self._waiting[0][2].action is None:
                    heapq.heappop(self._waiting)
                left = self._waiting[0][0] - time.monotonic() if self._waiting else _IDLE
                if left > 0:
                    if not self._lock.wait(left) and not self._waiting:
                        self._thread = None
                        return
                    continue
                action = heapq.heappop(self._waiting)[2].action
            if action is not None:
                action()


#: The one clock, from the first use on: a program may replace its threads by greenlets between the import and that. A forked child begins anew.
_clocks: list[_Clock] = []
#: Seconds after which the thread ends if nothing waits.
_IDLE = 30.0

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_clocks.clear)


def after(seconds: float, action: Callable[[], None]) -> Timer:
    """Calls `action` on a thread of its own after so many seconds. It must not block."""
    if not _clocks:
        _clocks.append(_Clock())
    timer = Timer(action)
    _clocks[0].add(time.monotonic() + min(seconds, threading.TIMEOUT_MAX / 2), timer)
    return timer
