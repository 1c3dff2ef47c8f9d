"""The official SDK, openai-codex, under measurement: AsyncCodex."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from openai_codex import AsyncCodex, AsyncThread  # type: ignore[import-not-found]

from .async_worker import Looped
from .official_worker import DELTA, client_config, pause_before_retry, thread_options
from .worker import PROMPT, serve


class OfficialAsync(Looped):
    """Drives AsyncCodex."""

    async def open_client(self, base_url: str, home: str) -> None:
        self._codex = AsyncCodex(client_config(base_url, home))
        await self._codex.__aenter__()

    async def new_thread(self, directory: str, ephemeral: bool) -> AsyncThread:
        return await self._codex.thread_start(**thread_options(directory, ephemeral))

    async def turn(self, thread: AsyncThread) -> str:
        for attempt in itertools.count():
            try:
                return (await thread.run(PROMPT)).final_response or ""
            except Exception as error:
                await asyncio.sleep(pause_before_retry(error, attempt))
        raise AssertionError

    @contextlib.asynccontextmanager
    async def streamed(
        self, thread: AsyncThread
    ) -> AsyncIterator[tuple[AsyncIterator[str | None], Callable[[], Awaitable[Any]]]]:
        handle = await thread.turn(PROMPT)
        events = (event.payload.delta if event.method == DELTA else None async for event in handle.stream())
        yield events, handle.interrupt

    async def close_client(self) -> None:
        await self._codex.close()


if __name__ == "__main__":
    serve(OfficialAsync)
