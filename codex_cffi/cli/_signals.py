"""Ctrl-C and SIGTERM while a turn runs: the first stops the turn, and what it did is shown; a second one ends the command."""

from __future__ import annotations

import queue
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from ._exit import Exit

__all__ = ["Stopped", "stopping"]

_STATUS = {signal.SIGINT: Exit.INTERRUPTED, signal.SIGTERM: Exit.TERMINATED}


class Stopped:
    """Whether a signal came.

    Attributes:
        status: How the command then ends; None while there was none.
    """

    status: Exit | None = None


@contextmanager
def stopping(stop: Callable[[], None]) -> Iterator[Stopped]:
    """Has `stop` called, on another thread, when the first signal comes; a second one is a KeyboardInterrupt.

    Only in the main thread; elsewhere signals stay what they are.
    """
    stopped = Stopped()
    if threading.current_thread() is not threading.main_thread():
        yield stopped
        return
    # A handler may run in the middle of anything, so it only writes into a queue, which is made for that.
    asked: queue.SimpleQueue[bool] = queue.SimpleQueue()

    def wait() -> None:
        if asked.get():
            stop()

    def handle(number: int, frame: FrameType | None) -> None:
        if stopped.status is not None:
            raise KeyboardInterrupt
        stopped.status = _STATUS[signal.Signals(number)]
        asked.put(True)

    waiting = threading.Thread(target=wait, name="codex-cffi-signals", daemon=True)
    before = {number: signal.signal(number, handle) for number in _STATUS}
    waiting.start()
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        asked.put(False)
        waiting.join()
