"""The event loops that asynchronous hosts may run on: asyncio (with any loop that follows its interface) and trio.

What both have to offer is small: wait until somebody wakes me, watch a file descriptor, go on although I am cancelled. Neither is imported here
unless it runs already.
"""

from __future__ import annotations

import contextlib
import os
import select
import sys
import threading
import weakref
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from . import greenlets

if TYPE_CHECKING:
    import asyncio

    from .._core.contract import Queues

T = TypeVar("T")

#: Seconds after which a pump thread looks whether it is still wanted.
_PUMP_SLICE = 0.5


#: Takes what a task came to: its result, or the error.
Done = Callable[[Any, "BaseException | None"], None]


class Parker(Protocol):
    """A place where one task waits; used up by one waking."""

    def wake(self) -> None:
        """Ends the waiting, now or when it begins. From any thread, any number of times."""
        ...

    def park(self, seconds: float | None) -> Awaitable[None]:
        """Waits until woken, at most so long."""
        ...


class Loop(Protocol):
    """The running event loop."""

    def parker(self) -> Parker:
        """A place to wait."""
        ...

    def watch(self, fd: int, ring: Callable[[], bool]) -> None:
        """Calls `ring` whenever the descriptor is readable, until it returns False."""
        ...

    def unwatch(self, fd: int) -> None:
        """Ends a watch. Called on the loop's thread."""
        ...

    def call_soon(self, function: Callable[[], None]) -> bool:
        """Runs `function` on the loop. From any thread; False if the loop has ended."""
        ...

    def shield(self) -> AbstractContextManager[object]:
        """Inside, waiting goes on although the task was cancelled."""
        ...

    def start(self, function: Callable[[], Awaitable[Any]], done: Done) -> Callable[[], None]:
        """Runs a coroutine function as a task of its own, from any thread; returns what cancels it."""
        ...

    def checkpoint(self) -> Awaitable[None]:
        """Lets others run."""
        ...


async def _tell(function: Callable[[], Awaitable[Any]], done: Done) -> None:
    """Runs a coroutine function; `done` gets what it came to."""
    try:
        result = await function()
    except BaseException as error:
        done(None, error)
        if not isinstance(error, Exception):
            raise
    else:
        done(result, None)


class _AsyncioParker:
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._future: asyncio.Future[None] = loop.create_future()

    def wake(self) -> None:
        import asyncio

        # Of greenlets, others than the loop's run on its thread too.
        if asyncio._get_running_loop() is self._loop and not greenlets.run_here():
            self._resolve()
        else:
            with contextlib.suppress(RuntimeError):  # the loop was closed
                self._loop.call_soon_threadsafe(self._resolve)

    def _resolve(self) -> None:
        if not self._future.done():
            self._future.set_result(None)

    async def park(self, seconds: float | None) -> None:
        timer = None if seconds is None else self._loop.call_later(seconds, self._resolve)
        try:
            await self._future
        finally:
            if timer is not None:
                timer.cancel()


class AsyncioLoop:
    """An asyncio loop, uvloop's included."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        # Weakly, here and below: a door lives as long as its loop, and must not be what keeps it alive.
        self._loop = weakref.ref(loop)
        self._pumps: dict[int, _Pump] = {}

    def _here(self) -> asyncio.AbstractEventLoop:
        loop = self._loop()
        assert loop is not None, "it runs"
        return loop

    def parker(self) -> Parker:
        return _AsyncioParker(self._here())

    def watch(self, fd: int, ring: Callable[[], bool]) -> None:
        loop = self._here()

        def readable() -> None:
            if not ring():
                loop.remove_reader(fd)

        try:
            loop.add_reader(fd, readable)
        except NotImplementedError:  # Windows' proactor, and loops of toolkits
            self._pumps[fd] = _Pump(self, fd, ring)

    def unwatch(self, fd: int) -> None:
        pump = self._pumps.pop(fd, None)
        if pump is not None:
            pump.stop()
        else:
            self._here().remove_reader(fd)

    def call_soon(self, function: Callable[[], None]) -> bool:
        loop = self._loop()
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # it was closed
                loop.call_soon_threadsafe(function)
                return True
        return False

    def start(self, function: Callable[[], Awaitable[Any]], done: Done) -> Callable[[], None]:
        import asyncio

        task: asyncio.Task[Any] | None = None
        cancelled = threading.Event()

        async def run() -> None:
            nonlocal task
            task = asyncio.current_task()
            if cancelled.is_set():
                done(None, asyncio.CancelledError())
            else:
                await _tell(function, done)

        def begin() -> None:
            self._here().create_task(run())

        def stop() -> None:
            if task is not None:  # cancelled before it began, it would not tell of its end
                task.cancel()

        def cancel() -> None:
            cancelled.set()
            self.call_soon(stop)

        if not self.call_soon(begin):
            done(None, RuntimeError("the event loop of this client's handlers has ended"))
        return cancel

    def shield(self) -> AbstractContextManager[object]:
        # asyncio cancels once, not again and again; whoever caught it may wait.
        return contextlib.nullcontext()

    async def checkpoint(self) -> None:
        import asyncio

        await asyncio.sleep(0)


class _Pump:
    """A thread that watches a descriptor for a loop that cannot."""

    def __init__(self, loop: Loop, fd: int, ring: Callable[[], bool]) -> None:
        self._loop = loop
        self._fd = os.dup(fd)
        self._ring = ring
        self._wanted = True
        self._answered = threading.Event()
        threading.Thread(target=self._run, name="codex-cffi-pump", daemon=True).start()

    def stop(self) -> None:
        """Ends the thread soon."""
        self._wanted = False
        self._answered.set()

    def _run(self) -> None:
        try:
            while self._wanted:
                rung = select.select([self._fd], [], [], _PUMP_SLICE)[0]
                self._answered.clear()
                if not self._loop.call_soon(self._answer if rung else self._answered.set):
                    return
                while not self._answered.wait(_PUMP_SLICE):
                    if not self._loop.call_soon(lambda: None):
                        return
        finally:
            os.close(self._fd)

    def _answer(self) -> None:
        self._wanted = self._wanted and self._ring()
        self._answered.set()


class _TrioParker:
    def __init__(self, trio: Any) -> None:
        self._trio = trio
        self._token = trio.lowlevel.current_trio_token()
        self._event = trio.Event()

    def wake(self) -> None:
        with contextlib.suppress(self._trio.RunFinishedError):
            self._token.run_sync_soon(self._event.set)

    async def park(self, seconds: float | None) -> None:
        with contextlib.nullcontext() if seconds is None else self._trio.move_on_after(seconds):
            await self._event.wait()


class TrioLoop:
    """A trio run."""

    def __init__(self, trio: Any) -> None:
        self._trio = trio
        self._token = weakref.ref(trio.lowlevel.current_trio_token())

    def parker(self) -> Parker:
        return _TrioParker(self._trio)

    def watch(self, fd: int, ring: Callable[[], bool]) -> None:
        async def read() -> None:
            with contextlib.suppress(self._trio.ClosedResourceError):
                while True:
                    await self._trio.lowlevel.wait_readable(fd)
                    if not ring():
                        return

        self._trio.lowlevel.spawn_system_task(read, name="codex_cffi doorbell")

    def unwatch(self, fd: int) -> None:
        self._trio.lowlevel.notify_closing(fd)

    def call_soon(self, function: Callable[[], None]) -> bool:
        token = self._token()
        if token is not None:
            with contextlib.suppress(self._trio.RunFinishedError):
                token.run_sync_soon(function)
                return True
        return False

    def start(self, function: Callable[[], Awaitable[Any]], done: Done) -> Callable[[], None]:
        scope = self._trio.CancelScope()

        async def run() -> None:
            with scope:
                await _tell(function, done)

        def begin() -> None:
            self._trio.lowlevel.spawn_system_task(run, name="codex_cffi handler")

        if not self.call_soon(begin):
            done(None, RuntimeError("the event loop of this client's handlers has ended"))

        def cancel() -> None:
            self.call_soon(scope.cancel)

        return cancel

    def shield(self) -> AbstractContextManager[object]:
        scope: AbstractContextManager[object] = self._trio.CancelScope(shield=True)
        return scope

    async def checkpoint(self) -> None:
        await self._trio.lowlevel.checkpoint()


def _running() -> tuple[Any, Callable[[], Loop]]:
    """What stands for the running loop, an object that lives as long as it does, and what makes the way to use it."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is not None:
        loop = asyncio._get_running_loop()
        if loop is not None:
            return loop, lambda: AsyncioLoop(loop)
    trio = sys.modules.get("trio")
    if trio is not None:
        with contextlib.suppress(RuntimeError):
            return trio.lowlevel.current_trio_token(), lambda: TrioLoop(trio)
    raise RuntimeError("AsyncCodex needs a running asyncio or trio event loop; without one, use Codex")


def running() -> Loop:
    """The running event loop.

    Raises:
        RuntimeError: There is none here.
    """
    return _running()[1]()


async def in_thread(loop: Loop, function: Callable[[], T]) -> T:
    """Runs what cannot but block, opening and closing an engine, on a thread of its own."""
    parker = loop.parker()
    result: list[T] = []
    failure: list[BaseException] = []

    def work() -> None:
        try:
            result.append(function())
        except BaseException as error:
            failure.append(error)
        parker.wake()

    threading.Thread(target=work, name="codex-cffi-open-close", daemon=True).start()
    await parker.park(None)
    if failure:
        raise failure[0]
    return result[0]


class Door:
    """A client's doorbell on one loop. It is watched while somebody there waits."""

    def __init__(self, loop: Loop, doorbell: int, dispatcher: Queues) -> None:
        self.loop = loop
        self._dispatcher = dispatcher
        # A descriptor of its own: the library may close the doorbell while a loop still has it registered, and the number be given out again.
        self._fd = os.dup(doorbell)
        self._closing = weakref.finalize(self, os.close, self._fd)
        self._watched = False
        self._waiting = 0

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        """Inside, the doorbell is answered."""
        self._waiting += 1
        if not self._watched and self._closing.alive:
            self._watched = True
            self.loop.watch(self._fd, self._ring)
        try:
            yield
        finally:
            self._waiting -= 1

    def _ring(self) -> bool:
        self._dispatcher.ring()
        # Let go of it when nobody waits here, rather than after each wait: registering costs more than one idle call.
        self._watched = self._waiting > 0 and self._closing.alive
        return self._watched

    def close(self) -> None:
        """Lets go of the doorbell. On the loop's thread."""
        if self._closing.alive:
            if self._watched:
                self._watched = False
                self.loop.unwatch(self._fd)
            self._closing()


class Doors:
    """A client's doors, one for each loop that uses it."""

    def __init__(self, dispatcher: Queues, doorbell: int) -> None:
        self._dispatcher = dispatcher
        self._doorbell = doorbell
        self._lock = threading.Lock()
        self._doors: weakref.WeakKeyDictionary[Any, Door] = weakref.WeakKeyDictionary()

    def here(self) -> Door:
        """The running loop's."""
        key, loop = _running()
        with self._lock:
            door = self._doors.get(key)
            if door is None:
                door = self._doors[key] = Door(loop(), self._doorbell, self._dispatcher)
        return door

    def close(self) -> None:
        """Closes them all, each on its loop."""
        with self._lock:
            doors = list(self._doors.values())
            self._doors.clear()
        for door in doors:
            door.loop.call_soon(door.close)
