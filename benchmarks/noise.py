"""How quiet the machine is while the benchmarks run: the same work again and again should take the same time."""

from __future__ import annotations

import os
import statistics
import time
from pathlib import Path
from typing import Any

_ROUNDS = 10


class Noise:
    """Samples of a fixed piece of work, of a short sleep, and the machine's own figures of load and stolen time."""

    def __init__(self) -> None:
        self._work: list[float] = []
        self._sleep: list[float] = []
        self._loads: list[float] = []
        self._ticks = _ticks()

    def sample(self) -> None:
        """Takes some more samples, about 50 ms."""
        self._loads.append(os.getloadavg()[0])
        for _ in range(_ROUNDS):
            start = time.perf_counter()
            sum(range(100_000))
            middle = time.perf_counter()
            time.sleep(0.001)
            self._work.append((middle - start) * 1000)
            self._sleep.append((time.perf_counter() - middle) * 1000)

    def result(self) -> dict[str, Any]:
        """For the JSON file."""
        stolen, total = (now - before for now, before in zip(_ticks(), self._ticks, strict=True))
        return {
            "load": [round(min(self._loads), 2), round(max(self._loads), 2)],
            "work_ms": _spread(self._work),
            "sleep_1_ms": _spread(self._sleep),
            "stolen_percent": round(100 * stolen / total, 2) if total else 0.0,
        }


def _spread(samples: list[float]) -> dict[str, float]:
    ordered = sorted(samples)
    worst = ordered[int(0.95 * (len(ordered) - 1))]
    return {"median": round(statistics.median(samples), 3), "p95": round(worst, 3), "max": round(ordered[-1], 3)}


def _ticks() -> tuple[int, int]:
    """Time stolen by other virtual machines, and all time, in clock ticks."""
    fields = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return fields[7], sum(fields)
