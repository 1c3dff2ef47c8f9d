"""Drives steps by blocking the thread that calls."""

from __future__ import annotations

import inspect
import time
from typing import TYPE_CHECKING, Any, TypeVar

from .._core.client import EngineClient
from .._core.steps import BATCH, Answer, Await, Pause, Poll, Send, Step, Steps, Until, no_answer
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

    def drive(self, steps: Steps[T]) -> T:
        """Does the steps."""
        try:
            step = next(steps)
            while True:
                try:
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
            case Await(awaitable=awaitable):
                if inspect.iscoroutine(awaitable):
                    awaitable.close()
                raise TypeError("before_start is async, which needs AsyncCodex; Codex takes a plain function")
        return None
