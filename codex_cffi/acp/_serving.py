"""The agent on standard input and output."""

from __future__ import annotations

import asyncio
import os
import sys

from acp import run_agent

from ._agent import EditorAgent

__all__ = ["serve"]

#: Bytes of a line: images come in one.
_LONGEST = 64 << 20


def serve(agent: EditorAgent) -> None:
    """Serves an editor on standard input and output until it goes away.

    Standard output is the protocol's alone: what anything else in the process prints goes to standard error.

    Args:
        agent: The agent.
    """
    sys.stdout.flush()
    out = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    asyncio.run(_serve(agent, out))


async def _serve(agent: EditorAgent, out: int) -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=_LONGEST)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer)
    transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, os.fdopen(out, "wb", 0))
    writer = asyncio.StreamWriter(transport, protocol, reader, loop)
    try:
        await run_agent(agent, writer, reader, use_unstable_protocol=True, observers=[agent.sent])  # type: ignore[arg-type]
    finally:
        await agent.close()
