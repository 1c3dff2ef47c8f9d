"""The ordinary case: turn after turn, thread after thread, a long answer."""

from __future__ import annotations

from pathlib import Path

from .harness import DELTAS, Bench, Row, Worker

_BLOCK = 5
_WARM_UP = 5


def next_turn(bench: Bench) -> list[Row]:
    """A turn without tools on a thread that has had some, outside of a git repository."""
    return _next_turn(bench, bench.plain, "outside of git")


def next_turn_in_git(bench: Bench) -> list[Row]:
    """The same inside a git repository."""
    return _next_turn(bench, bench.repository, "in a git repository")


def start_thread(bench: Bench) -> list[Row]:
    """Starting one more thread on a client that has run a turn."""
    row = Row("start a thread, warm", "ms")
    with bench.workers() as workers:
        for side in bench.interleaved(bench.times(8, 4)):
            for _ in range(_BLOCK):
                row.add(side, workers[side.name].start_thread(bench.plain)[1] * 1000)
    return [row]


def text_deltas(bench: Bench) -> list[Row]:
    """One answer in thousands of deltas, read with a blocking iterator; each time on a new thread, so that no history grows."""
    rate = Row("text deltas per second, sync", "k/s", "more")
    whole = Row(f"a turn of {DELTAS:,} deltas", "ms")
    events = Row(f"events that bring {DELTAS:,} deltas", "")
    with bench.workers("long") as workers:
        for number, side in enumerate(bench.interleaved(bench.times(10, 4) + 1)):
            worker = workers[side.name]
            thread, _ = worker.start_thread(bench.plain, ephemeral=True)
            answer = worker.ask("stream", thread=thread, deltas=DELTAS)
            if number >= 2:
                rate.add(side, DELTAS / answer["between"] / 1000)
                whole.add(side, answer["seconds"] * 1000)
                events.add(side, answer["events"])
    return [rate, whole, events]


def _next_turn(bench: Bench, directory: Path, where: str) -> list[Row]:
    rows = []
    with bench.workers() as workers:
        for kind in ("persisted", "ephemeral"):
            row = Row(f"next turn, {kind}, {where}", "ms")
            threads = {
                name: worker.start_thread(directory, ephemeral=kind == "ephemeral")[0]
                for name, worker in workers.items()
            }
            for name, worker in workers.items():
                _block(worker, threads[name], _WARM_UP)
            for side in bench.interleaved(bench.times(12, 8)):
                for seconds in _block(workers[side.name], threads[side.name], _BLOCK):
                    row.add(side, seconds * 1000)
            rows.append(row)
    return rows


def _block(worker: Worker, thread: int, turns: int) -> list[float]:
    return [worker.turn(thread) for _ in range(turns)]
