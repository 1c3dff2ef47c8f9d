"""Drives steps on an event loop: no thread waits, each loop watches one descriptor."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from .._capi import CLIENT_QUEUE
from .._core.client import EngineClient
from .._core.steps import BATCH, Answer, Await, Beside, Pause, Poll, Send, Step, Steps, Told, Until, no_answer
from ..errors import ClosedError, CodexError
from ..tools import Tool, check_tool
from .loops import Door, Doors, Loop, Parker, running

if TYPE_CHECKING:
    from .._core.client_options import ClientOptions
    from .._core.contract import Queues
    from .._core.deadline import Deadline
    from ..hooks import Hook
    from ..interceptors import Interceptor

T = TypeVar("T")


class AsyncEngineClient(EngineClient):
    """The core of an :class:`~codex_cffi.AsyncCodex`; the engine starts with what is driven first.

    Args:
        options: What the client was opened with.
        open_engine: Starts the engine of a client, by blocking.
    """

    def __init__(self, options: ClientOptions, open_engine: Callable[[EngineClient], None]) -> None:
        super().__init__(options)
        self._open_engine = open_engine
        self._opening: _Opening | None = None
        self._doors: Doors | None = None
        #: Where threads' turns run, and where the client was used last: the loops of ``async`` handlers.
        self._turns_at: weakref.WeakValueDictionary[str, Door] = weakref.WeakValueDictionary()
        self._last_door: Callable[[], Door | None] = lambda: None

    # What comes before the engine runs is registered when it starts.

    def register_tool(self, tool: Tool, thread_id: str | None = None) -> None:
        if self.handle is None and not self.closed and thread_id is None:
            self.tools.append(check_tool(tool))
        else:
            super().register_tool(tool, thread_id)

    def intercept(self, interceptor: Interceptor) -> None:
        if self.handle is None and not self.closed:
            self.interceptors.append(interceptor)
        else:
            super().intercept(interceptor)

    def add_hook(self, hook: Hook) -> None:
        if self.handle is None and not self.closed:
            self.hooks.append(hook)
        else:
            super().add_hook(hook)

    def loop_of(self, thread_id: str) -> Loop | None:
        # Of the turn that asks; for a sub-agent's, that of whoever used the client last.
        door = self._turns_at.get(thread_id) or self._last_door()
        return door.loop if door is not None else None

    async def opened(self) -> Door:
        """Starts the engine if need be; the running loop's door to it."""
        if self._doors is None:
            with self._lock:
                if self.closed:
                    raise ClosedError("the client is closed; open a new one")
                opening = self._opening = self._opening or _Opening(self._start_engine)
            await opening.done(running())
        assert self._doors is not None
        door = self._doors.here()
        self._last_door = weakref.ref(door)
        return door

    def _start_engine(self) -> None:
        self._open_engine(self)
        self._doors = Doors(self.dispatcher, self.dispatcher.doorbell())

    def end(self, timeout: float | None) -> None:
        super().end(timeout)
        if self._doors is not None:
            self._doors.close()

    async def drive(self, steps: Steps[T]) -> T:
        """Does the steps."""
        try:
            door = await self.opened()
            step = next(steps)
            while True:
                try:
                    outcome = await self._do(step, door)
                except GeneratorExit:
                    raise
                except BaseException as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(outcome)
        except StopIteration as stop:
            result: T = stop.value
            return result
        finally:
            steps.close()

    async def _do(self, step: Step, door: Door) -> Any:
        match step:
            case Send(method=method, params=params):
                return _Ticket(self.dispatcher, method, params)
            case Poll(stopping=True) | Answer(stopping=True) | Told(stopping=True):
                with door.loop.shield():
                    return await self._wait(step, door)
            case Poll() | Answer() | Told():
                return await self._wait(step, door)
            case Until():
                await self._wait_until(step, door)
            case Pause(seconds=seconds):
                await door.loop.parker().park(seconds)
            case Beside(steps=steps, over=over):
                return door.loop.start(lambda: self.drive(steps), lambda _, error: over(error))
            case Await(awaitable=awaitable):
                return await awaitable
        return None

    async def _wait(self, step: Poll | Answer | Told, door: Door) -> Any:
        if isinstance(step, Told):
            return await self._wait_until_told(step, door.loop)
        parker = door.loop.parker()
        if isinstance(step, Answer):
            with door.open():
                if not step.pending.arrived(parker.wake):
                    await parker.park(step.deadline.left)
            return step.pending.outcome(step.method, step.deadline)
        handle = step.handle
        self._turns_at[handle.thread_id] = door
        batch = handle.poll(BATCH, 0)
        if batch is not None:
            await door.loop.checkpoint()  # a fast engine must not keep the loop from its other tasks
            return batch
        self.dispatcher.wait_for(handle.key, parker.wake)
        try:
            with door.open():
                # What came between the first look and now rang before anybody listened.
                batch = handle.poll(BATCH, 0)
                if batch is None and not step.told:
                    await parker.park(step.deadline.left)
                    batch = handle.poll(BATCH, 0)
        finally:
            self.dispatcher.leave(handle.key, parker.wake)
        return batch

    async def _wait_until(self, step: Until, door: Door) -> None:
        parker = door.loop.parker()
        self.dispatcher.wait_for(CLIENT_QUEUE, parker.wake)
        try:
            with door.open():
                self.dispatcher.drain()  # it may have come, and rung, before anybody listened
                if not step.condition():
                    await parker.park(step.deadline.left)
        finally:
            self.dispatcher.leave(CLIENT_QUEUE, parker.wake)

    async def _wait_until_told(self, step: Told, loop: Loop) -> None:
        while not step.condition():
            parker = loop.parker()
            step.bell.ring = parker.wake  # before the second look, lest something comes in between
            if not step.condition():
                await parker.park(None)


class _Ticket:
    """A request on its way."""

    def __init__(self, dispatcher: Queues, method: str, params: Any) -> None:
        self._dispatcher = dispatcher
        self._outcome: Any = None
        self._wake: Callable[[], None] | None = None
        self._number = dispatcher.submit(method, params, self._done)

    def _done(self, outcome: Any) -> None:
        self._outcome = outcome
        if self._wake is not None:
            self._wake()

    def arrived(self, wake: Callable[[], None]) -> bool:
        """Whether there is an outcome; if not, `wake` will tell."""
        self._wake = wake  # first, lest the outcome comes in between
        return self._outcome is not None

    def outcome(self, method: str, deadline: Deadline) -> Any:
        """The result, if it is there; else raises what there is instead."""
        if self._outcome is None:
            raise no_answer(method, deadline)
        if isinstance(self._outcome, CodexError):
            raise self._outcome
        return self._outcome

    def free(self) -> None:
        """Its outcome is no longer wanted."""
        self._dispatcher.dismiss(self._number)


class _Opening:
    """The one start of an engine, that many tasks may wait for."""

    def __init__(self, start: Callable[[], None]) -> None:
        self._start = start
        self._lock = threading.Lock()
        self._over = False
        self._failure: BaseException | None = None
        self._parkers: list[Parker] = []
        threading.Thread(target=self._run, name="codex-cffi-open", daemon=True).start()

    def _run(self) -> None:
        try:
            self._start()
        except BaseException as error:
            self._failure = error
        with self._lock:
            self._over = True
        for parker in self._parkers:
            parker.wake()

    async def done(self, loop: Loop) -> None:
        """Waits for it; raises what it raised."""
        parker = loop.parker()
        with self._lock:
            over = self._over
            self._parkers.append(parker)
        if not over:
            await parker.park(None)
        if self._failure is not None:
            raise self._failure
