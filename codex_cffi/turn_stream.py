"""The streams of turns' events that hosts iterate over."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Generic

from .turn import P, Turn

if TYPE_CHECKING:
    from ._core.contract import AsyncClient, BlockingClient
    from ._core.turn_stream import EngineTurn
    from .events import Event

__all__ = ["AsyncTurnStream", "TurnStream"]


class TurnStream(Generic[P]):
    """A running turn's events. Iterate over it, best inside ``with``::

        with thread.run_streamed("Fix the test") as stream:
            for event in stream:
                ...
        print(stream.turn.final_response)

    Leaving the block, an exception in it, or Ctrl-C stops the turn and waits for its end. A stream can be iterated once, by one thread.
    """

    def __init__(self, client: BlockingClient, core: EngineTurn[P]) -> None:
        self._client = client
        self._core = core

    def __enter__(self) -> TurnStream[P]:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Event]:
        return self

    def __next__(self) -> Event:
        core = self._core
        if core.waiting:
            return core.waiting.popleft()
        event = self._client.drive(core.next())
        if event is None:
            raise StopIteration
        return event

    @property
    def turn(self) -> Turn[P]:
        """The turn as far as the events have been read; whole once the stream has ended."""
        return self._core.turn

    def interrupt(self) -> None:
        """Asks the turn to stop, from any thread; the stream then ends with its ``turn.completed`` event."""
        self._core.interrupt()

    def close(self) -> None:
        """Stops the turn if it still runs, and waits for its end. Again: nothing."""
        self._client.drive(self._core.stop())


class AsyncTurnStream(Generic[P]):
    """A running turn's events, as :class:`TurnStream` has them::

        async with thread.run_streamed("Fix the test") as stream:
            async for event in stream:
                ...
        print(stream.turn.final_response)

    The turn starts with ``async with``, or without one with the first event. Leaving the block, an exception in it, or cancelling the task stops the
    turn and waits for its end.
    """

    def __init__(self, client: AsyncClient, core: EngineTurn[P]) -> None:
        self._client = client
        self._core = core
        self._begun = False

    async def __aenter__(self) -> AsyncTurnStream[P]:
        await self._begin()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        core = self._core
        if core.waiting:
            return core.waiting.popleft()
        await self._begin()
        event = await self._client.drive(core.next())
        if event is None:
            raise StopAsyncIteration
        return event

    @property
    def turn(self) -> Turn[P]:
        """The turn as far as the events have been read; whole once the stream has ended."""
        return self._core.turn

    def interrupt(self) -> None:
        """Asks the turn to stop, from any thread; the stream then ends with its ``turn.completed`` event."""
        self._core.interrupt()

    async def close(self) -> None:
        """Stops the turn if it still runs, and waits for its end. Again: nothing."""
        await self._client.drive(self._core.stop())

    async def _begin(self) -> None:
        if not self._begun:
            self._begun = True
            await self._client.drive(self._core.start())
