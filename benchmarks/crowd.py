"""Many at once: turns, interruptions, clients, loaded threads."""

from __future__ import annotations

import time

from .harness import Bench, Row, Worker
from .memory import descendants, open_files, private_megabytes, tree
from .worker import PIECE

#: Seconds of turns after which a worker's figures are enough: the official SDK's engine refuses many of 200 at once as overloaded.
_ENOUGH_S = 15


def turns_at_once(bench: Bench) -> list[Row]:
    """A turn on each of 200 agent threads at the same time, driven by as many Python threads or by tasks of one loop: the first turn of each, and the next."""
    return _at_once(bench, "sync", asynchronous=False) + _at_once(bench, "async", asynchronous=True)


def _at_once(bench: Bench, kind: str, *, asynchronous: bool) -> list[Row]:
    count = bench.times(200, 40)
    first = Row(f"{count} turns at once, first turns, {kind}", "ms", budget=1000 if count == 200 else None)
    later = Row(f"{count} turns at once, later turns, {kind}", "ms", budget=1000 if count == 200 else None)
    sides = bench.libraries if asynchronous else bench.sides
    for _, side in bench.interleaved(bench.times(3, 1), sides):
        with bench.workers(asynchronous=asynchronous, sides=[side]) as workers:
            worker = workers[side.name]
            threads = [worker.start_thread(bench.plain)[0] for _ in range(count)]
            begun = time.monotonic()
            first.add(side, worker.ask("parallel", threads=threads, turns=1)["seconds"] * 1000)
            for _ in range(3):
                later.add(side, worker.ask("parallel", threads=threads, turns=1)["seconds"] * 1000)
                if time.monotonic() - begun > _ENOUGH_S:
                    break
    return [first, later]


def interrupts(bench: Bench) -> list[Row]:
    """From the interruption of one turn to its end, while text comes every 20 ms in each of 64 others."""
    return _interrupts(bench, "sync", asynchronous=False) + _interrupts(bench, "async", asynchronous=True)


def _interrupts(bench: Bench, kind: str, *, asynchronous: bool) -> list[Row]:
    busy = 64
    label = f"interrupt a turn beside {busy} busy ones, {kind}"
    middle = Row(f"{label}, median", "ms")
    worst = Row(f"{label}, p99", "ms", budget=50, figure="p99")
    traffic = Row(f"- text deltas per second of the {busy} meanwhile, {kind}", "/s", "more")
    for _, side in bench.interleaved(bench.times(2, 1), bench.libraries if asynchronous else bench.sides):
        with bench.workers("endless", asynchronous=asynchronous, sides=[side]) as workers:
            worker = workers[side.name]
            *threads, probe = [worker.start_thread(bench.plain, ephemeral=True)[0] for _ in range(busy + 1)]
            answer = worker.ask(
                "interrupts", threads=threads, probe=probe, count=bench.times(150, 50), seconds=bench.times(20, 8)
            )
            traffic.add(side, answer["traffic"] / len(PIECE))
            for row in (middle, worst):
                for seconds in answer["times"]:
                    row.add(side, seconds * 1000)
    return [middle, worst, traffic]


def ten_clients(bench: Bench) -> list[Row]:
    """Ten clients in one process, each with a home of its own and after a turn: private memory and processes beside it."""
    private, children = (
        Row("private dirty memory, 10 clients after a turn each", "MB", budget=50),
        Row("child processes alive, 10 clients", "", budget=0),
    )
    for _, side in bench.interleaved(bench.times(3, 1)):
        with Worker(bench, side, bench.new_home()) as worker:
            worker.open()
            worker.turn(worker.start_thread(bench.plain)[0])
            homes = [str(bench.new_home()) for _ in range(9)]
            worker.ask("clients", base_url=bench.base_urls["short"], homes=homes, directory=str(bench.plain))
            private.add(side, private_megabytes(tree(worker)))
            children.add(side, len(descendants(worker)))
            worker.close()
    return [private, children]


def loaded_threads(bench: Bench) -> list[Row]:
    """Many threads of one client, loaded and idle: what each adds to one that has run a turn. Then a turn on the first and on the last."""
    count = bench.times(1000, 100)
    memory = Row(f"{count:,} loaded threads, private memory each", "MB", budget=0.6)
    files = Row(f"{count:,} loaded threads, open files more than with one", "", budget=16)
    start = Row(f"{count:,} loaded threads, starting each", "ms")
    for side in bench.sides:
        with bench.workers(sides=[side]) as workers:
            worker = workers[side.name]
            first, _ = worker.start_thread(bench.plain)
            worker.turn(first)
            before, files_before = private_megabytes(tree(worker)), open_files(tree(worker))
            last = first
            for _ in range(count - 1):
                last, seconds = worker.start_thread(bench.plain)
                start.add(side, seconds * 1000)
            memory.add(side, (private_megabytes(tree(worker)) - before) / (count - 1))
            files.add(side, open_files(tree(worker)) - files_before)
            worker.turn(first)
            worker.turn(last)
    return [memory, files, start]
