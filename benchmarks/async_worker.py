"""The asynchronous kind of driver, see `worker.py`. A module of its own: the synchronous sides are not to carry asyncio's memory."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from time import perf_counter
from typing import Any, TypeVar

from .worker import Deltas, Driver, Interrupts

T = TypeVar("T")


class Looped(Driver):
    """An asynchronous library: what happens at once happens in tasks of one asyncio loop."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()

    @abstractmethod
    async def open_client(self, base_url: str, home: str) -> None:
        """Starts a client."""

    @abstractmethod
    async def new_thread(self, directory: str, ephemeral: bool) -> Any:
        """Starts an agent thread."""

    @abstractmethod
    async def turn(self, thread: Any) -> str:
        """Runs a turn; the final response."""

    @abstractmethod
    def streamed(
        self, thread: Any
    ) -> AbstractAsyncContextManager[tuple[AsyncIterator[str | None], Callable[[], Awaitable[Any]]]]:
        """A turn: its events, each a delta's text or None, and what interrupts it."""

    @abstractmethod
    async def close_client(self) -> None:
        """Closes the client."""

    def wait(self, main: Coroutine[Any, Any, T]) -> T:
        return self._loop.run_until_complete(main)

    def open(self, base_url: str, home: str) -> None:
        self.wait(self.open_client(base_url, home))

    def start_thread(self, directory: str, ephemeral: bool) -> Any:
        return self.wait(self.new_thread(directory, ephemeral))

    def run_turn(self, thread: Any) -> str:
        return self.wait(self.turn(thread))

    def run_turns(self, threads: list[Any], turns: int) -> list[str]:
        async def work(thread: Any) -> list[str]:
            return [await self.turn(thread) for _ in range(turns)]

        async def main() -> list[str]:
            return [answer for answers in await asyncio.gather(*map(work, threads)) for answer in answers]

        return self.wait(main())

    def stream_turn(self, thread: Any) -> Deltas:
        async def main() -> Deltas:
            first = last = 0.0
            pieces = []
            async with self.streamed(thread) as (events, _):
                async for piece in events:
                    if piece is not None:
                        last = perf_counter()
                        first = first or last
                        pieces.append(piece)
            return Deltas(first, last, pieces)

        return self.wait(main())

    def interrupts(self, threads: list[Any], probe: Any, count: int, seconds: float) -> Interrupts:
        async def main() -> Interrupts:
            busy = [_BusyTask(self, thread) for thread in threads]
            for turn in busy:
                await turn.started()
            times: list[float] = []
            before, begin = sum(turn.length for turn in busy), perf_counter()
            while len(times) < count and perf_counter() < begin + seconds:
                turn = _BusyTask(self, probe)
                await turn.started()
                asked = perf_counter()
                await turn.interrupt()
                times.append(await turn.task - asked)
            traffic = (sum(turn.length for turn in busy) - before) / (perf_counter() - begin)
            for turn in busy:
                await turn.started()
                await turn.interrupt()
            for turn in busy:
                await turn.task
            return Interrupts(times, traffic)

        return self.wait(main())

    def close(self) -> None:
        self.wait(self.close_client())


class _BusyTask:
    """A turn that a task reads until it ends; the task's result is the moment of the end."""

    def __init__(self, driver: Looped, thread: Any) -> None:
        self._driver = driver
        self._agent = thread
        self._speaks = asyncio.Event()
        #: Characters read.
        self.length = 0
        self.interrupt: Callable[[], Awaitable[Any]]
        self.task = asyncio.ensure_future(self._read())

    async def _read(self) -> float:
        try:
            async with self._driver.streamed(self._agent) as (events, self.interrupt):
                async for piece in events:
                    if piece is not None:
                        self.length += len(piece)
                        self._speaks.set()
                return perf_counter()
        finally:
            self._speaks.set()

    async def started(self) -> None:
        """Waits for the first text; it is an error if the turn has ended."""
        await self._speaks.wait()
        if self.task.done():
            raise ValueError(f"an endless turn ended: {self.task}")
