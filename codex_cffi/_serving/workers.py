"""The threads that take turns at reading requests.

The one that reads runs the handler of what it finds, after it has made room for the next reader; so a request reaches its handler without being handed on,
and a slow handler delays nobody.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable

from ..errors import CodexError
from .handlers import Task


class Workers:
    """Threads: one reads, the others run handlers or wait to be the next reader."""

    def __init__(self, read: Callable[[], Task | None], most: int) -> None:
        """`read` waits for a request and returns what it needs a thread for, if anything; it raises CodexError at the end. `most` handlers run at once."""
        self._read = read
        self._most = most
        self._reader = threading.Lock()
        self._lock = threading.Lock()
        self._threads = 0
        self._idle = 0
        self._busy = 0
        self._backlog: deque[Task] = deque()

    def start(self) -> None:
        """Starts the first reader.

        Raises:
            RuntimeError: The system has no more threads.
        """
        with self._lock:
            self._add()

    def _add(self) -> None:
        self._threads += 1
        self._idle += 1  # counted before it runs, or two requests in a row would start two
        # Daemons: a handler that hangs must not keep the interpreter from ending.
        try:
            threading.Thread(target=self._work, name=f"codex-cffi-tools-{self._threads}", daemon=True).start()
        except RuntimeError:
            self._threads -= 1
            self._idle -= 1
            raise

    def _work(self) -> None:
        while True:
            with self._reader:
                with self._lock:
                    self._idle -= 1
                task = self._next()
                if task is None:
                    return
                with self._lock:
                    if self._idle == 0:
                        # No more threads, as at the end of the interpreter: then this one reads again when it is done.
                        with contextlib.suppress(RuntimeError):
                            self._add()
            while task is not None:
                task()
                with self._lock:
                    task = self._backlog.popleft() if self._backlog else None
                    if task is None:
                        self._busy -= 1
                        self._idle += 1

    def _next(self) -> Task | None:
        """Reads until there is work for this thread; None at the end."""
        while True:
            try:
                task = self._read()
            except CodexError:
                return None
            if task is not None:
                with self._lock:
                    if self._busy < self._most:
                        self._busy += 1
                        return task
                    self._backlog.append(task)
