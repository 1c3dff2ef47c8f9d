"""How the host's handlers run: on a worker thread, on their event loop, or on a loop of their own; and what is told of one that failed."""

from __future__ import annotations

import contextlib
import inspect
import logging
import threading
from collections.abc import Awaitable, Callable
from typing import Any

from .._waiting import greenlets
from .._waiting.loops import Done, Loop
from ..errors import ArgumentsError
from ..tools import ToolContext

_log = logging.getLogger("codex_cffi")

#: What a worker thread is to do.
Task = Callable[[], None]
#: Gets what stops an ``async`` handler that runs.
Stopper = Callable[[Callable[[], None]], object]


def run(function: Callable[[], Any], done: Done, loop: Loop | None = None) -> None:
    """Runs a synchronous handler, here; `done` gets its result or its error.

    What it gives back may have to be awaited, such as the coroutine of an ``async`` function in a decorator that is none; `loop` does that, or one of its own.
    """
    try:
        result = function()
        if inspect.isawaitable(result):
            result = wait_for(lambda: _awaited(result), loop)
    except BaseException as error:
        done(None, error)
    else:
        done(result, None)


def start(
    function: Callable[[], Awaitable[Any]], loop: Loop | None, done: Done, stopper: Stopper = lambda stop: None
) -> Task | None:
    """Starts an ``async`` handler on its loop; where there is none, returns what runs it on one of its own."""
    if loop is None:
        return lambda: run(lambda: _on_a_loop_of_its_own(function, stopper), done)
    stopper(loop.start(function, done))
    return None


async def _awaited(value: Awaitable[Any]) -> Any:
    return await value


def wait_for(function: Callable[[], Awaitable[Any]], loop: Loop | None, context: ToolContext | None = None) -> Any:
    """Runs an ``async`` handler on its loop, or on one of its own, and waits for it here; stops it once the call is cancelled."""
    if loop is None:
        return _on_a_loop_of_its_own(function, context.when_cancelled if context else lambda stop: None)
    ended = threading.Event()
    outcome: list[tuple[Any, BaseException | None]] = []

    def done(result: Any, error: BaseException | None) -> None:
        outcome.append((result, error))
        ended.set()

    stop = loop.start(function, done)
    while not ended.wait(0.1):
        if context is not None and context.cancelled:
            stop()
    result, error = outcome[0]
    if error is not None:
        raise error
    return result


def _on_a_loop_of_its_own(function: Callable[[], Awaitable[Any]], stopper: Stopper) -> Any:
    """Runs an ``async`` handler of a synchronous host to its end."""
    import asyncio

    async def main() -> Any:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None

        def stop() -> None:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(task.cancel)

        stopper(stop)
        return await function()

    # An event loop stands for a thread, which greenlets share.
    return greenlets.aside(lambda: asyncio.run(main()), abandon=True)


def told(what: str, error: BaseException) -> str:
    """What the model is told of an error; the log gets the traceback."""
    if isinstance(error, ArgumentsError):
        return str(error)
    if type(error).__name__ in ("CancelledError", "Cancelled"):
        return f"{what} was cancelled"
    _log.warning("%s failed", what, exc_info=error)
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # of its __str__
        return type(error).__name__
