"""codex_cffi under measurement: AsyncCodex."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from time import perf_counter

from codex_cffi import AgentMessageDelta, AsyncCodex, AsyncThread, Tool

from .async_worker import Looped
from .ours_worker import client_options, thread_options
from .worker import PROMPT, TOOL, TOOL_DESCRIPTION, serve


class OursAsync(Looped):
    """Drives AsyncCodex."""

    async def open_client(self, base_url: str, home: str) -> None:
        self._codex = AsyncCodex(**client_options(base_url, home))
        await self._codex.__aenter__()

    async def new_thread(self, directory: str, ephemeral: bool) -> AsyncThread:
        return await self._codex.start_thread(**thread_options(directory, ephemeral))

    async def turn(self, thread: AsyncThread) -> str:
        return (await thread.run(PROMPT)).final_response

    @contextlib.asynccontextmanager
    async def streamed(
        self, thread: AsyncThread
    ) -> AsyncIterator[tuple[AsyncIterator[str | None], Callable[[], Awaitable[None]]]]:
        async with thread.run_streamed(PROMPT) as stream:

            async def interrupt() -> None:
                stream.interrupt()

            yield (event.delta if isinstance(event, AgentMessageDelta) else None async for event in stream), interrupt

    def tool_thread(self, directory: str) -> tuple[AsyncThread, list[float]]:
        moments: list[float] = []

        async def handler(call: object) -> str:
            moments.append(perf_counter())
            return "counted"

        tool = Tool(name=TOOL, description=TOOL_DESCRIPTION, handler=handler)
        return self.wait(self._codex.start_thread(**thread_options(directory, True), tools=[tool])), moments

    async def close_client(self) -> None:
        await self._codex.close()


if __name__ == "__main__":
    serve(OursAsync)
