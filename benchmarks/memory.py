"""What a client holds: memory, OS threads, processes. All sums are over the worker's process and its descendants."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

from .harness import Bench, Row, Worker

_TURNS = 30


def memory(bench: Bench) -> list[Row]:
    """After the first turn and after thirty, with one client in one process."""
    rows = _Rows("after a turn"), _Rows(f"after {_TURNS} turns", resident_budget=80)
    for _, side in bench.interleaved(bench.times(3, 1)):
        with Worker(bench, side, bench.new_home()) as worker:
            worker.open()
            thread, _ = worker.start_thread(bench.plain)
            worker.turn(thread)
            rows[0].take(worker)
            for _ in range(_TURNS - 1):
                worker.turn(thread)
            rows[1].take(worker)
            worker.close()
    return rows[0].all + rows[1].all


class _Rows:
    def __init__(self, when: str, resident_budget: float | None = None) -> None:
        self.resident = Row(f"resident memory (RSS), {when}", "MB", budget=resident_budget)
        self.proportional = Row(f"proportional memory (PSS), {when}", "MB")
        self.private = Row(f"private dirty memory, {when}", "MB")
        self.threads = Row(f"OS threads, {when}", "")
        self.files = Row(f"open files, {when}", "")
        self.children = Row(f"child processes alive, {when}", "")
        self.all = [self.resident, self.proportional, self.private, self.threads, self.files, self.children]

    def take(self, worker: Worker) -> None:
        """Measures a worker now."""
        pids = tree(worker)
        self.resident.add(worker.side, _megabytes(pids, "Rss"))
        self.proportional.add(worker.side, _megabytes(pids, "Pss"))
        self.private.add(worker.side, private_megabytes(pids))
        self.threads.add(worker.side, sum(_entries(pid, "task") for pid in pids))
        self.files.add(worker.side, open_files(pids))
        self.children.add(worker.side, len(pids) - 1)


def tree(worker: Worker) -> list[int]:
    """The worker's process and its descendants."""
    return [worker.process.pid, *descendants(worker)]


def descendants(worker: Worker) -> list[int]:
    """The processes below the worker's."""
    return _below(worker.process.pid)


def private_megabytes(pids: list[int]) -> float:
    """Memory that these processes have written and share with nobody."""
    return _megabytes(pids, "Private_Dirty")


def open_files(pids: list[int]) -> int:
    """File descriptors of these processes."""
    return sum(_entries(pid, "fd") for pid in pids)


# A child may end while it is looked at: then it has nothing any more.


def _below(pid: int) -> list[int]:
    children: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            children += map(int, task.read_text().split())
    return [*children, *(descendant for child in children for descendant in _below(child))]


def _entries(pid: int, folder: str) -> int:
    with contextlib.suppress(OSError):
        return len(os.listdir(f"/proc/{pid}/{folder}"))
    return 0


def _megabytes(pids: list[int], name: str) -> float:
    return sum(_kilobytes(pid, name) for pid in pids) / 1024


def _kilobytes(pid: int, name: str) -> int:
    with contextlib.suppress(OSError):
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        found = re.search(rf"^{name}:\s+(\d+) kB$", rollup, re.MULTILINE)
        return int(found[1]) if found else 0
    return 0
