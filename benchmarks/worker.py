"""The process that a side is measured in: obeys one command per line, answers with one line, times itself.

A command is a JSON object `{"do": name, …}`. The answer has `seconds`, measured around the library's call alone, so neither the pipe nor JSON is in a figure.
Both sides run this same code and differ in their `Driver` only.
"""

from __future__ import annotations

import json
import sys
import threading
from time import perf_counter
from typing import Any, NamedTuple, Protocol

PROMPT = "Say that it is done."
ANSWER = "done"
PIECE = "word "


class Deltas(NamedTuple):
    """What came out of a streamed turn: moments of the first and the last delta, events counted, their whole text."""

    first: float
    last: float
    events: int
    text: str


class Driver(Protocol):
    """A library under measurement."""

    def open(self, base_url: str, home: str) -> None:
        """Starts a client."""

    def start_thread(self, directory: str, ephemeral: bool) -> Any:
        """Starts an agent thread."""

    def run_turn(self, thread: Any) -> str:
        """Runs a turn with `PROMPT`; returns the final response."""

    def stream_turn(self, thread: Any) -> Deltas:
        """Runs a turn and looks at every text delta."""

    def close(self) -> None:
        """Closes the client."""


class Worker:
    """The commands."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._threads: list[Any] = []

    def open(self, base_url: str, home: str) -> dict[str, Any]:
        start = perf_counter()
        self._driver.open(base_url, home)
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
        failures: list[BaseException] = []

        def work(thread: int) -> None:
            try:
                for _ in range(turns):
                    self.turn(thread)
            except BaseException as error:
                failures.append(error)

        workers = [threading.Thread(target=work, args=(thread,)) for thread in threads]
        start = perf_counter()
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        seconds = perf_counter() - start
        if failures:
            raise failures[0]
        return {"seconds": seconds}

    def stream(self, thread: int, deltas: int) -> dict[str, Any]:
        start = perf_counter()
        seen = self._driver.stream_turn(self._threads[thread])
        seconds = perf_counter() - start
        _expect(seen.text, PIECE * deltas)
        return {"seconds": seconds, "between": seen.last - seen.first, "events": seen.events}

    def close(self) -> dict[str, Any]:
        start = perf_counter()
        self._driver.close()
        return {"seconds": perf_counter() - start}


def serve(driver: Driver) -> None:
    """Obeys commands until standard input ends."""
    worker = Worker(driver)
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
