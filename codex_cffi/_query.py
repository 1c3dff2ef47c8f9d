"""One line, one answer: an engine is started, asked, and closed::

    print(query("What does this repository do?").final_response)

For more than a question or two, keep a :class:`Codex` open: that saves the start.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from ._checks import unknown_arguments
from .client import AsyncCodex, Codex
from .input import TurnInput
from .thread import AsyncThread, Thread
from .turn import Turn

__all__ = ["aquery", "query"]


def query(prompt: TurnInput, *, timeout: float | None = None, **options: Any) -> Turn[Any]:
    """Asks the agent once.

    Args:
        prompt: What to ask; see :meth:`Thread.run`.
        timeout: Seconds that the turn may take.
        options: Of :class:`Codex`, :meth:`Codex.start_thread` and :meth:`Thread.run`, by name. The thread is ephemeral unless ``ephemeral=False``.

    Raises:
        TypeError: None of them has an option of that name.
        CodexError: What these raise.

    Example:
        >>> query("What does this repository do?", model="gpt-5.5", timeout=300).final_response  # doctest: +SKIP
    """
    client, thread, run = _split("query", options, Codex, Thread)
    with Codex(**client) as codex:
        turn: Turn[Any] = codex.start_thread(**thread).run(prompt, timeout=timeout, **run)
        return turn


async def aquery(prompt: TurnInput, *, timeout: float | None = None, **options: Any) -> Turn[Any]:
    """Asks the agent once; the twin of :func:`query`."""
    client, thread, run = _split("aquery", options, AsyncCodex, AsyncThread)
    async with AsyncCodex(**client) as codex:
        turn: Turn[Any] = await (await codex.start_thread(**thread)).run(prompt, timeout=timeout, **run)
        return turn


def _split(
    function: str, options: Mapping[str, Any], client: type[Codex | AsyncCodex], thread: type[Thread | AsyncThread]
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Which option goes where: what several have, to the first."""
    left = dict(options)

    def taken(function: Callable[..., Any]) -> dict[str, Any]:
        names = inspect.signature(function).parameters.keys() - {"self", "timeout", "input"}
        known.update(names)
        return {name: left.pop(name) for name in names & left.keys()}

    known: set[str] = set()
    for_client, for_thread, for_run = taken(client.__init__), taken(client.start_thread), taken(thread.run)
    if left:
        raise unknown_arguments(function, left, ["timeout", *sorted(known)])
    return for_client, {"ephemeral": True, **for_thread}, for_run
