"""Many prompts at once: a thread for each, some of them at a time.

For example, a review of each file, four at a time::

    results = codex.run_many([f"Review {name}" for name in names], max_concurrent=4)
    for result in results:
        print(result.input, result.turn.final_response if result.turn else result.error)
"""

from __future__ import annotations

import contextlib
import inspect
import queue
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ._checks import function, unknown_arguments, whole
from ._core.deadline import Deadline
from ._waiting.loops import running
from .errors import BatchCancelledError, CodexError
from .input import TurnInput
from .turn import Turn

if TYPE_CHECKING:
    from .client import AsyncCodex, Codex
    from .thread import AsyncThread, Thread

__all__ = ["BatchProgress", "BatchResult", "OnProgress"]

#: Seconds between two looks at turns that were asked to stop.
_AGAIN = 0.05


@dataclass(frozen=True)
class BatchResult:
    """What one prompt of a batch came to.

    Attributes:
        index: Its place among the prompts, from 0.
        input: The prompt.
        turn: The turn, also of one that failed half way; None if it never started.
        error: Why there is no complete turn: what :meth:`Thread.run` would have raised, or :class:`BatchCancelledError`; None if there is.
        thread_id: Its thread; None if it has none.
    """

    index: int
    input: TurnInput
    turn: Turn | None = None
    error: Exception | None = None
    thread_id: str | None = None

    @property
    def ok(self) -> bool:
        """Whether there is a complete turn."""
        return self.error is None

    @property
    def final_response(self) -> str:
        """The agent's last message, ``""`` without one."""
        return self.turn.final_response if self.turn is not None else ""

    def __str__(self) -> str:
        return f"{self.index}: {self.final_response if self.ok else f'{type(self.error).__name__}: {self.error}'}"


@dataclass(frozen=True)
class BatchProgress:
    """How far a batch is; what ``on_progress`` gets after each prompt.

    Attributes:
        result: What the last prompt came to.
        done: Prompts that are done, failed ones included.
        failed: Of these, those with an error.
        total: All prompts.
    """

    result: BatchResult
    done: int
    failed: int
    total: int
    _cancel: Callable[[], None]

    def cancel(self) -> None:
        """Stops the turns that run and starts no more; what is not done then has the error :class:`BatchCancelledError`."""
        self._cancel()

    def __str__(self) -> str:
        return f"{self.done}/{self.total}" + (f", {self.failed} failed" if self.failed else "")


#: Told after each prompt, on the thread (or event loop) that waits for the batch. What it raises cancels the batch.
OnProgress = Callable[[BatchProgress], None]


class _Batch:
    """The state of a batch, for worker threads and tasks alike."""

    def __init__(
        self,
        client: Codex | AsyncCodex,
        prompts: Iterable[TurnInput],
        max_concurrent: int,
        output_schema: Any,
        timeout: float | None,
        on_progress: OnProgress | None,
        stop_on_error: bool,
        options: Mapping[str, Any],
    ) -> None:
        if isinstance(prompts, (str, bytes, Mapping)):
            raise TypeError(f"prompts must be a list of prompts, not one {type(prompts).__name__}")
        whole("max_concurrent", max_concurrent, 1)
        function("on_progress", on_progress, or_none=True)
        Deadline(timeout)  # checks the argument
        taken = inspect.signature(client.start_thread).parameters
        unknown = sorted(options.keys() - taken.keys() | (options.keys() & {"timeout"}))
        if unknown:
            known = [name for name in taken if name != "timeout"]
            raise unknown_arguments("run_many", unknown, known, "of a thread's options it takes")
        self.prompts = list(prompts)
        self.results: list[BatchResult | None] = [None] * len(self.prompts)
        self.workers = min(max_concurrent, len(self.prompts))
        self.options = {"ephemeral": True, **options}
        self.run = {"timeout": timeout, **({} if output_schema is None else {"output_schema": output_schema})}
        self.cancelled = False
        self._on_progress = on_progress
        self._stop_on_error = stop_on_error
        self._lock = threading.Lock()
        self._next = 0
        self._done = self._failed = 0

    def take(self) -> int | None:
        """The next prompt that somebody should run."""
        with self._lock:
            if self.cancelled or self._next == len(self.prompts):
                return None
            self._next += 1
            return self._next - 1

    def outcome(
        self, index: int, thread: Thread | AsyncThread | None, turn: Turn | None, error: Exception | None
    ) -> BatchResult:
        """What a prompt came to."""
        if error is not None and turn is None:
            turn = getattr(error, "turn", None)
        if self.cancelled and (error is not None or (turn is not None and turn.status == "interrupted")):
            error = BatchCancelledError("the batch was cancelled")
        return BatchResult(index, self.prompts[index], turn, error, thread.id if thread is not None else None)

    def cancel(self) -> None:
        """No more prompts; who runs them stops those that run."""
        self.cancelled = True

    def finished(self, result: BatchResult) -> None:
        """A prompt is done."""
        self.results[result.index] = result
        self._done += 1
        if result.error is not None:
            self._failed += 1
            if self._stop_on_error:
                self.cancel()
        if self._on_progress is not None:
            self._on_progress(BatchProgress(result, self._done, self._failed, len(self.prompts), self.cancel))

    def all_results(self) -> list[BatchResult]:
        """Of each prompt, in order."""
        return [
            result or BatchResult(index, self.prompts[index], error=BatchCancelledError("the batch was cancelled"))
            for index, result in enumerate(self.results)
        ]


def run_batch(client: Codex, *arguments: Any) -> list[BatchResult]:
    """Runs a batch on worker threads; the calling one reports progress."""
    batch = _Batch(client, *arguments)
    done: queue.SimpleQueue[BatchResult | None] = queue.SimpleQueue()
    threads: dict[int, Thread] = {}

    def one(index: int) -> BatchResult:
        thread = None
        try:
            with client.start_thread(**batch.options) as thread:
                threads[index] = thread
                return batch.outcome(index, thread, thread.run(batch.prompts[index], **batch.run), None)
        except Exception as error:
            return batch.outcome(index, thread, None, error)
        finally:
            threads.pop(index, None)

    def work() -> None:
        try:
            while (index := batch.take()) is not None:
                done.put(one(index))
        finally:
            done.put(None)

    workers = [threading.Thread(target=work, name="codex-cffi-batch", daemon=True) for _ in range(batch.workers)]
    for worker in workers:
        worker.start()
    running_workers = len(workers)

    def wait() -> BatchResult | None:
        while True:
            if batch.cancelled:
                for thread in list(threads.values()):
                    with contextlib.suppress(CodexError):
                        thread.interrupt()  # again and again: one may just be starting its turn
            with contextlib.suppress(queue.Empty):
                return done.get(timeout=_AGAIN)

    try:
        while running_workers:
            result = wait()
            if result is None:
                running_workers -= 1
            else:
                batch.finished(result)
    except BaseException:
        batch.cancel()
        while running_workers:
            running_workers -= wait() is None
        raise
    return batch.all_results()


async def run_batch_async(client: AsyncCodex, *arguments: Any) -> list[BatchResult]:
    """Runs a batch in tasks of the running loop."""
    batch = _Batch(client, *arguments)
    loop = running()
    done: list[BatchResult] = []
    failures: list[BaseException] = []
    ended = 0
    waiting = loop.parker()

    async def one(index: int) -> BatchResult:
        thread = None
        try:
            thread = await client.start_thread(**batch.options)
            async with thread:
                return batch.outcome(index, thread, await thread.run(batch.prompts[index], **batch.run), None)
        except Exception as error:
            return batch.outcome(index, thread, None, error)

    async def work() -> None:
        while (index := batch.take()) is not None:
            done.append(await one(index))
            waiting.wake()

    def over(result: Any, error: BaseException | None) -> None:
        nonlocal ended
        ended += 1
        if error is not None and not batch.cancelled:
            failures.append(error)
        waiting.wake()

    stops = [loop.start(work, over) for _ in range(batch.workers)]

    async def report() -> None:
        nonlocal waiting
        stopped = False
        while True:
            waiting = loop.parker()  # before the look, lest something comes in between
            while done:
                batch.finished(done.pop(0))
            if failures:
                raise failures[0]
            if batch.cancelled and not stopped:
                stopped = True
                for stop in stops:
                    stop()
            if ended == len(stops) and not done:
                return
            await waiting.park(None)

    try:
        await report()
    except BaseException:
        batch.cancel()
        for stop in stops:
            stop()
        with loop.shield():
            while ended < len(stops):
                waiting = loop.parker()
                if ended < len(stops):
                    await waiting.park(None)
        raise
    return batch.all_results()
