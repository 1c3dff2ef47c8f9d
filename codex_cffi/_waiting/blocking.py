"""Drives steps by blocking the thread that calls."""

from __future__ import annotations

import inspect
import threading
import time
from typing import TYPE_CHECKING, Any, TypeVar

from .._core.client import EngineClient
from .._core.deadline import SLICE_MS
from .._core.steps import (
    BATCH,
    Answer,
    Await,
    Beside,
    Cancelled,
    Pause,
    Poll,
    Send,
    Step,
    Steps,
    Told,
    Until,
    no_answer,
)
from ..errors import UnsupportedError
from . import greenlets

if TYPE_CHECKING:
    from ..interceptors import Interceptor

T = TypeVar("T")


class BlockingEngineClient(EngineClient):
    """The core of a :class:`~codex_cffi.Codex`."""

    def intercept(self, interceptor: Interceptor) -> None:
        threads = greenlets.patched_by()
        if threads and interceptor.is_async:
            # Its loop needs a thread of the system's, and what calls the tool from there would wait for a greenlet.
            raise UnsupportedError(f"an interceptor is a plain function where threads are {threads}'s, not async")
        super().intercept(interceptor)

    def drive(self, steps: Steps[T], cancelled: threading.Event | None = None) -> T:
        """Does the steps. Once `cancelled` is set they get Cancelled, once, where they wait for events; requests are answered soon."""
        try:
            step = next(steps)
            while True:
                try:
                    if cancelled and cancelled.is_set() and isinstance(step, Poll) and not step.stopping:
                        cancelled = None
                        raise Cancelled
                    outcome = self._do(step)
                except BaseException as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(outcome)
        except StopIteration as stop:
            result: T = stop.value
            return result

    def _do(self, step: Step) -> Any:
        match step:
            case Poll(handle=handle, deadline=deadline, told=told):
                batch = handle.poll(BATCH, 0 if told else deadline.slice_ms())
                self.dispatcher.drain()
                return batch
            case Send(method=method, params=params):
                return self.open_handle().start_call(method, params)
            case Answer(pending=pending, method=method, deadline=deadline):
                while True:
                    result = pending.wait(deadline.slice_ms())
                    if result is not None:
                        return result
                    if deadline.over:
                        raise no_answer(method, deadline)
            case Until(condition=condition, deadline=deadline):
                if not condition():
                    self.dispatcher.drain(deadline.slice_ms())
            case Pause(seconds=seconds):
                time.sleep(seconds)
            case Beside(name=name):
                cancelled = threading.Event()
                threading.Thread(target=self._drive_beside, args=(step, cancelled), name=name, daemon=True).start()
                return cancelled.set
            case Told(bell=bell, condition=condition):
                rung = threading.Event()
                bell.ring = rung.set
                while not condition():
                    rung.wait(SLICE_MS / 1000)
                    rung.clear()
            case Await(awaitable=awaitable):
                if inspect.iscoroutine(awaitable):
                    awaitable.close()
                raise TypeError("before_start is async, which needs AsyncCodex; Codex takes a plain function")
        return None

    def _drive_beside(self, beside: Beside, cancelled: threading.Event) -> None:
        failure: BaseException | None = None
        try:
            self.drive(beside.steps, cancelled)
        except BaseException as error:
            failure = error
        beside.over(failure)
