"""Many prompts at once: a thread for each, some of them at a time.

For example, a review of each file, four at a time::

    results = codex.run_many([f"Review {name}" for name in names], max_concurrent=4)
    for result in results:
        print(result.input, result.turn.final_response if result.turn else result.error)
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ._checks import function, unknown_arguments, whole
from ._core.deadline import Deadline
from ._core.parameters import Equipment, ThreadOptions, full_auto_modes
from ._core.steps import Bell, Beside, Cancelled, Steps, Told
from .errors import BatchCancelledError
from .input import TurnInput
from .thread import prompt
from .turn import Turn

if TYPE_CHECKING:
    from ._core.contract import ClientCore
    from ._core.thread import EngineThread
    from ._core.turn_stream import PromptTurn

__all__ = ["BatchProgress", "BatchResult", "OnProgress"]

#: Seconds that the engine gets to start a thread.
_START_S = 60.0
_CANCELLED = "the batch was cancelled"


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


class Batch:
    """The state of a batch, and what there is to do, as steps: workers take one prompt after another, beside the steps that report.

    Args:
        client: The client that runs it.
        face: Makes the thread that ``before_start`` gets.
        prompts, max_concurrent, output_schema, timeout, on_progress, stop_on_error, options: As :meth:`Codex.run_many` has them.
    """

    def __init__(
        self,
        client: ClientCore,
        face: Callable[[Any], Any],
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
        known = [*ThreadOptions.__struct_fields__, "full_auto", *Equipment.__struct_fields__]
        unknown = sorted(options.keys() - set(known))
        if unknown:
            raise unknown_arguments("run_many", unknown, known, "of a thread's options it takes")
        # What can be read only once is for all threads.
        given: dict[str, Any] = {"ephemeral": True}
        given |= {name: list(value) if isinstance(value, Iterator) else value for name, value in options.items()}
        given["sandbox_mode"], given["approval_mode"] = full_auto_modes(
            given.pop("full_auto", None), given.get("sandbox_mode"), given.get("approval_mode")
        )
        self._equipment = Equipment(**{name: given.pop(name) for name in Equipment.__struct_fields__ if name in given})
        self._options = ThreadOptions(**given)
        self._client = client
        self._face = face
        self._prompts = list(prompts)
        self._workers = min(max_concurrent, len(self._prompts))
        self._output_schema = output_schema
        self._timeout = timeout
        self._on_progress = on_progress
        self._stop_on_error = stop_on_error
        self._lock = threading.Lock()
        self._next = self._working = self._done = self._failed = 0
        self._cancelled = False
        #: What ends each worker early.
        self._stops: list[Callable[[], None]] = []
        self._results: dict[int, BatchResult] = {}
        #: Those that were not reported yet.
        self._news: deque[BatchResult] = deque()
        #: What a worker has died of.
        self._failure: BaseException | None = None
        self._bell = Bell()

    def cancel(self) -> None:
        """Ends what runs, and nothing more begins. From any thread."""
        self._cancelled = True
        for stop in self._stops:
            stop()

    def steps(self) -> Steps[list[BatchResult]]:
        """The whole batch."""
        try:
            for _ in range(self._workers):
                self._stops.append((yield Beside(self._work(), self._ended, "codex-cffi-batch")))
                with self._lock:
                    self._working += 1
            while self._working or self._news:
                yield Told(self._bell, lambda: self._news or self._failure is not None or not self._working)
                while self._news:
                    self._report(self._news.popleft())
                if self._failure is not None:
                    raise self._failure
        except GeneratorExit:
            self.cancel()
            raise
        except BaseException:
            self.cancel()
            yield Told(self._bell, lambda: not self._working, stopping=True)
            raise
        return [
            self._results.get(index) or BatchResult(index, given, error=BatchCancelledError(_CANCELLED))
            for index, given in enumerate(self._prompts)
        ]

    def _report(self, result: BatchResult) -> None:
        self._done += 1
        if result.error is not None:
            self._failed += 1
            if self._stop_on_error:
                self.cancel()
        if self._on_progress is not None:
            self._on_progress(BatchProgress(result, self._done, self._failed, len(self._prompts), self.cancel))

    def _work(self) -> Steps[None]:
        """A worker: one prompt after another."""
        while (index := self._take()) is not None:
            result = self._results[index] = yield from self._one(index)
            self._news.append(result)
            self._bell.ring()

    def _ended(self, failure: BaseException | None) -> None:
        """A worker has ended."""
        with self._lock:
            self._working -= 1
            if not self._cancelled:
                self._failure = self._failure or failure
        self._bell.ring()

    def _take(self) -> int | None:
        """The next prompt that somebody should do."""
        with self._lock:
            if self._cancelled or self._next == len(self._prompts):
                return None
            self._next += 1
            return self._next - 1

    def _one(self, index: int) -> Steps[BatchResult]:
        """A prompt: a thread, a turn, and what came of it."""
        given = self._prompts[index]
        thread_id: str | None = None
        stream: PromptTurn[Any] | None = None
        error: Exception | None = None

        def turn(own: EngineThread) -> Steps[Any]:
            nonlocal stream
            if self._cancelled:
                raise Cancelled
            stream = prompt(own, self._face(own), given, self._output_schema, Deadline(self._timeout))
            return stream.run_repaired(0)

        try:
            thread: EngineThread = yield from self._client.start(self._options, self._equipment, Deadline(_START_S))
            thread_id = thread.id
            yield from thread.only_for(turn)
        except Exception as failure:
            error = failure
        except BaseException:
            if not self._cancelled:
                raise
        done = stream.turn if stream is not None and stream.id else None
        if self._cancelled and error is None and (done is None or done.status != "completed"):
            error = BatchCancelledError(_CANCELLED)
        return BatchResult(index, given, done, error, thread_id)
