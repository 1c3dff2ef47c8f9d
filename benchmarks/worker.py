"""The process that a side is measured in: obeys one command per line, answers with one line, times itself.

A command is a JSON object `{"do": name, …}`. The answer has `seconds`, measured around the library's call alone, so neither the pipe nor JSON is in a figure.
The Python sides run this same code and differ in their `Driver` only, of which each has a synchronous one (`Threaded`: turns at once are Python threads) and
an asynchronous one (`async_worker.py`). The Rust side, `rust-shim/engine/examples/turns.rs`, obeys the same commands.
"""

from __future__ import annotations

import itertools
import json
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from time import perf_counter
from typing import Any, NamedTuple

PROMPT = "Say that it is done."
ANSWER = "done"
PIECE = "word "
TOOL = "count"
TOOL_DESCRIPTION = "Counts its calls."


class Deltas(NamedTuple):
    """What came out of a streamed turn: moments of the first and the last delta, and the pieces of text."""

    first: float
    last: float
    pieces: list[str]


class Interrupts(NamedTuple):
    """Seconds from each interruption to the turn's end, and characters per second that the other turns brought meanwhile."""

    times: list[float]
    traffic: float


class Driver(ABC):
    """A library under measurement."""

    @abstractmethod
    def open(self, base_url: str, home: str) -> None:
        """Starts a client."""

    @abstractmethod
    def start_thread(self, directory: str, ephemeral: bool) -> Any:
        """Starts an agent thread."""

    @abstractmethod
    def run_turn(self, thread: Any) -> str:
        """Runs a turn with `PROMPT`; returns the final response."""

    @abstractmethod
    def run_turns(self, threads: list[Any], turns: int) -> list[str]:
        """Runs so many turns on each of several agent threads at the same time; returns the final responses."""

    @abstractmethod
    def stream_turn(self, thread: Any) -> Deltas:
        """Runs a turn and looks at every text delta."""

    @abstractmethod
    def interrupts(self, threads: list[Any], probe: Any, count: int, seconds: float) -> Interrupts:
        """While endless turns run on `threads`, starts one on `probe` and interrupts it, up to `count` times."""

    def tool_thread(self, directory: str) -> tuple[Any, list[float]]:
        """Starts an agent thread with the tool `TOOL`, and the moments at which its handler will have been called."""
        raise NotImplementedError

    def intercepted_thread(self, directory: str) -> tuple[Any, list[float]]:
        """Starts an agent thread whose calls of update_plan are intercepted, and the moments at which the interceptor will have been called."""
        raise NotImplementedError

    @abstractmethod
    def close(self) -> None:
        """Closes the client."""


class Threaded(Driver):
    """A synchronous library: what happens at once happens on Python threads."""

    @abstractmethod
    def streamed(self, thread: Any) -> AbstractContextManager[tuple[Iterator[str | None], Callable[[], Any]]]:
        """A turn: its events, each a delta's text or None, and what interrupts it."""

    def run_turns(self, threads: list[Any], turns: int) -> list[str]:
        answers: list[str] = []
        failures: list[BaseException] = []

        def work(thread: Any) -> None:
            try:
                answers.extend(self.run_turn(thread) for _ in range(turns))
            except BaseException as error:
                failures.append(error)

        workers = [threading.Thread(target=work, args=(thread,)) for thread in threads]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        if failures:
            raise failures[0]
        return answers

    def stream_turn(self, thread: Any) -> Deltas:
        first = last = 0.0
        pieces = []
        with self.streamed(thread) as (events, _):
            for piece in events:
                if piece is not None:
                    last = perf_counter()
                    first = first or last
                    pieces.append(piece)
        return Deltas(first, last, pieces)

    def interrupts(self, threads: list[Any], probe: Any, count: int, seconds: float) -> Interrupts:
        busy = [_Busy(self, thread) for thread in threads]
        for turn in busy:
            turn.started()
        times: list[float] = []
        before, begin = sum(turn.length for turn in busy), perf_counter()
        while len(times) < count and perf_counter() < begin + seconds:
            turn = _Busy(self, probe)
            turn.started()
            asked = perf_counter()
            turn.interrupt()
            times.append(turn.ended() - asked)
        traffic = (sum(turn.length for turn in busy) - before) / (perf_counter() - begin)
        for turn in busy:
            turn.check()
            turn.interrupt()
        for turn in busy:
            turn.ended()
        return Interrupts(times, traffic)


class _Busy:
    """A turn that a Python thread reads until it ends."""

    def __init__(self, driver: Threaded, thread: Any) -> None:
        self._driver = driver
        self._agent = thread
        self._speaks = threading.Event()
        self._end = 0.0
        self._failure: BaseException | None = None
        #: Characters read.
        self.length = 0
        self.interrupt: Callable[[], Any] = lambda: None
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        try:
            with self._driver.streamed(self._agent) as (events, self.interrupt):
                for piece in events:
                    if piece is not None:
                        self.length += len(piece)
                        self._speaks.set()
                self._end = perf_counter()
        except BaseException as error:
            self._failure = error
        self._speaks.set()

    def started(self) -> None:
        """Waits for the first text."""
        self._speaks.wait(60)
        self.check()

    def check(self) -> None:
        """It is an error if the turn has ended."""
        if self._failure is not None:
            raise self._failure
        if self._end or not self.length:
            raise ValueError("an endless turn ended, or said nothing")

    def ended(self) -> float:
        """Waits for the end; its moment."""
        self._reader.join(60)
        if self._failure is not None:
            raise self._failure
        if not self._end:
            raise TimeoutError("the turn did not end within a minute of its interruption")
        return self._end


class Worker:
    """The commands."""

    def __init__(self, make_driver: Callable[[], Driver]) -> None:
        self._make_driver = make_driver
        self._driver = make_driver()
        self._more: list[tuple[Driver, Any]] = []
        self._threads: list[Any] = []

    def open(self, base_url: str, home: str) -> dict[str, Any]:
        start = perf_counter()
        self._driver.open(base_url, home)
        return {"seconds": perf_counter() - start}

    def clients(self, base_url: str, homes: list[str], directory: str) -> dict[str, Any]:
        """Opens more clients and runs a turn with each."""
        start = perf_counter()
        for home in homes:
            driver = self._make_driver()
            driver.open(base_url, home)
            thread = driver.start_thread(directory, False)
            self._more.append((driver, thread))
            _expect(driver.run_turn(thread), ANSWER)
        return {"seconds": perf_counter() - start}

    def thread(self, directory: str, ephemeral: bool) -> dict[str, Any]:
        start = perf_counter()
        self._threads.append(self._driver.start_thread(directory, ephemeral))
        return {"seconds": perf_counter() - start, "thread": len(self._threads) - 1}

    def turn(self, thread: int) -> dict[str, Any]:
        start = perf_counter()
        answer = self._driver.run_turn(self._threads[thread])
        seconds = perf_counter() - start
        _expect(answer, ANSWER)
        return {"seconds": seconds}

    def parallel(self, threads: list[int], turns: int) -> dict[str, Any]:
        """Runs `turns` turns on each of several agent threads at the same time."""
        start = perf_counter()
        answers = self._driver.run_turns([self._threads[thread] for thread in threads], turns)
        seconds = perf_counter() - start
        if len(answers) != len(threads) * turns:
            raise ValueError(f"{len(answers)} turns of {len(threads) * turns} were run")
        for answer in answers:
            _expect(answer, ANSWER)
        return {"seconds": seconds}

    def stream(self, thread: int, deltas: int) -> dict[str, Any]:
        start = perf_counter()
        seen = self._driver.stream_turn(self._threads[thread])
        seconds = perf_counter() - start
        _expect("".join(seen.pieces), PIECE * deltas)
        # The first piece, which may be many deltas merged, had come before the clock started.
        after = deltas - len(seen.pieces[0]) / len(PIECE)
        return {
            "seconds": seconds,
            "rate": after / (seen.last - seen.first) if after else None,
            "events": len(seen.pieces),
        }

    def tools(self, directory: str, calls: int) -> dict[str, Any]:
        """Runs a turn on a new thread whose tool is called so often; the seconds from each call to the next, where they reach the handler."""
        return self._calls(*self._driver.tool_thread(directory), calls)

    def intercepted(self, directory: str, calls: int) -> dict[str, Any]:
        """The same of a tool of the engine's, where the calls reach an interceptor that runs it."""
        return self._calls(*self._driver.intercepted_thread(directory), calls)

    def _calls(self, thread: Any, moments: list[float], calls: int) -> dict[str, Any]:
        self._threads.append(thread)
        moments.clear()
        _expect(self._driver.run_turn(thread), ANSWER)
        if len(moments) != calls:
            raise ValueError(f"the tool was called {len(moments)} times, not {calls}")
        return {"between": [after - before for before, after in itertools.pairwise(moments)]}

    def interrupts(self, threads: list[int], probe: int, count: int, seconds: float) -> dict[str, Any]:
        busy = [self._threads[thread] for thread in threads]
        return self._driver.interrupts(busy, self._threads[probe], count, seconds)._asdict()

    def close(self) -> dict[str, Any]:
        start = perf_counter()
        self._driver.close()
        seconds = perf_counter() - start
        for driver, _ in self._more:
            driver.close()
        return {"seconds": seconds}


def serve(make_driver: Callable[[], Driver]) -> None:
    """Obeys commands until standard input ends."""
    worker = Worker(make_driver)
    for line in sys.stdin:
        command = json.loads(line)
        try:
            answer = getattr(worker, command.pop("do"))(**command)
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


def _expect(actual: str, expected: str) -> None:
    if actual.strip() != expected.strip():
        raise ValueError(f"expected {len(expected)} characters {expected[:40]!r}, got {len(actual)}: {actual[:40]!r}")
