"""What a client holds: memory, OS threads, processes. All sums are over the worker's process and its descendants."""

from __future__ import annotations

import re
from pathlib import Path

from .harness import Bench, Row, Worker

_TURNS = 30


def memory(bench: Bench) -> list[Row]:
    """After the first turn and after thirty, with one client in one process."""
    rows = _Rows("after a turn"), _Rows(f"after {_TURNS} turns")
    for side in bench.interleaved(bench.times(3, 1)):
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
    def __init__(self, when: str) -> None:
        self.private = Row(f"private dirty memory, {when}", "MB")
        self.resident = Row(f"proportional memory (PSS), {when}", "MB")
        self.threads = Row(f"OS threads, {when}", "")
        self.files = Row(f"open files, {when}", "")
        self.children = Row(f"child processes alive, {when}", "")
        self.all = [self.private, self.resident, self.threads, self.files, self.children]

    def take(self, worker: Worker) -> None:
        """Measures a worker now."""
        pids = _tree(worker.process.pid)
        self.private.add(worker.side, sum(_kilobytes(pid, "Private_Dirty") for pid in pids) / 1024)
        self.resident.add(worker.side, sum(_kilobytes(pid, "Pss") for pid in pids) / 1024)
        self.threads.add(worker.side, sum(len(list(Path(f"/proc/{pid}/task").iterdir())) for pid in pids))
        self.files.add(worker.side, sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in pids))
        self.children.add(worker.side, len(pids) - 1)


def _tree(pid: int) -> list[int]:
    """A process and its descendants."""
    children = [
        int(child) for task in Path(f"/proc/{pid}/task").glob("*/children") for child in task.read_text().split()
    ]
    return [pid, *(descendant for child in children for descendant in _tree(child))]


def _kilobytes(pid: int, name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB$", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1])
