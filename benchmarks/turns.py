"""The ordinary case: turn after turn, thread after thread, a long answer, calls of a tool."""

from __future__ import annotations

import statistics
from pathlib import Path

from .harness import CALLS, DELTAS, Bench, Row, Worker

_BLOCK = 5
_WARM_UP = 5


def next_turn(bench: Bench) -> list[Row]:
    """A turn without tools on a thread that has had some, outside of a git repository; and what of it is ours."""
    return _next_turn(bench, bench.plain, "outside of git", {"persisted": 6, "ephemeral": 3})


def next_turn_in_git(bench: Bench) -> list[Row]:
    """The same inside a git repository."""
    return _next_turn(bench, bench.repository, "in a git repository", {})


def start_thread(bench: Bench) -> list[Row]:
    """Starting one more thread on a client that has run a turn."""
    row = Row("start a thread, warm", "ms", budget=2)
    with bench.workers() as workers:
        for _, side in bench.interleaved(bench.times(12, 4)):
            for _ in range(_BLOCK):
                row.add(side, workers[side.name].start_thread(bench.plain)[1] * 1000)
    return [row]


def text_deltas(bench: Bench) -> list[Row]:
    """One answer in thousands of deltas, read with a blocking iterator; each time on a new thread, so that no history grows."""
    return _text_deltas(bench, "sync", asynchronous=False, budget=250)


def text_deltas_async(bench: Bench) -> list[Row]:
    """The same with `async for`."""
    return _text_deltas(bench, "async", asynchronous=True, budget=150)


def tool_calls(bench: Bench) -> list[Row]:
    """Many calls of one tool in one response of the model, each on its own: the time from one call's handler to the next one's.

    This is the engine's own work for a call and one round trip engine -> host -> engine. The Rust side answers the same call where it leaves the
    engine; so what ours takes longer is the round trip to Python. The engine's own `update_plan`, which asks nobody, is there for comparison: of its
    events several may arrive together, so only their mean says anything.
    """
    ours, threads = Row("tool call to tool call", "µs"), Row("tool call to tool call, async", "µs")
    plan = Row("update_plan to update_plan, no host asked, mean", "µs")
    trip = Row("tool call round trip engine -> Python -> engine", "µs", budget=200)
    rounds = bench.times(10, 4) + 1
    directory = str(bench.plain)
    with bench.workers("tools") as workers, bench.workers("tools", asynchronous=True) as asynchronous:
        for number, side in bench.interleaved(rounds):
            between = workers[side.name].ask("tools", directory=directory, calls=CALLS)["between"]
            if number:
                ours.add(side, statistics.median(between) * 1e6)
        for number, side in bench.interleaved(rounds, bench.libraries[:1]):
            between = asynchronous[side.name].ask("tools", directory=directory, calls=CALLS)["between"]
            if number:
                threads.add(side, statistics.median(between) * 1e6)
    rust = [side for side in bench.sides if side.name == "rust"]
    for side in rust:
        with bench.workers("plans", sides=rust) as workers:
            for number in range(rounds):
                between = workers["rust"].ask("plans", directory=directory, calls=CALLS)["between"]
                if number:
                    plan.add(side, statistics.mean(between) * 1e6)
    side = bench.libraries[0]
    for sample, floor in zip(ours.samples[side.name], ours.samples.get("rust", ()), strict=False):
        trip.add(side, sample - floor)
    around = Row("update_plan to update_plan through an interceptor, mean", "µs")
    over = Row("intercepted call, over the tool itself", "µs", budget=300)
    with bench.workers("plans", sides=bench.libraries[:1]) as workers:
        for number in range(rounds):
            between = workers[side.name].ask("intercepted", directory=directory, calls=CALLS)["between"]
            if number:
                around.add(side, statistics.mean(between) * 1e6)
    for sample, floor in zip(around.samples[side.name], plan.samples.get("rust", ()), strict=False):
        over.add(side, sample - floor)
    return [ours, threads, plan, trip, around, over]


def _text_deltas(bench: Bench, kind: str, *, asynchronous: bool, budget: float) -> list[Row]:
    rate = Row(f"text deltas per second, {kind}", "k/s", "more", budget=budget)
    whole = Row(f"a turn of {DELTAS:,} deltas, {kind}", "ms")
    events = Row(f"events that bring {DELTAS:,} deltas, {kind}", "")
    with bench.workers("long", asynchronous=asynchronous) as workers:
        sides = bench.libraries if asynchronous else bench.sides
        for number, side in bench.interleaved(bench.times(12, 4) + 1, sides):
            worker = workers[side.name]
            thread, _ = worker.start_thread(bench.plain, ephemeral=True)
            answer = worker.ask("stream", thread=thread, deltas=DELTAS)
            if number:
                if answer["rate"] is not None:
                    rate.add(side, answer["rate"] / 1000)
                whole.add(side, answer["seconds"] * 1000)
                events.add(side, answer["events"])
    return [rate, whole, events]


def _next_turn(bench: Bench, directory: Path, where: str, budgets: dict[str, float]) -> list[Row]:
    rows = []
    with bench.workers() as workers:
        for kind in ("persisted", "ephemeral"):
            row = Row(f"next turn, {kind}, {where}", "ms", budget=budgets.get(kind))
            share = Row(f"- time in our layers, {kind}, over the same turn from Rust", "%", budget=5)
            threads = {
                name: worker.start_thread(directory, ephemeral=kind == "ephemeral")[0]
                for name, worker in workers.items()
            }
            for name, worker in workers.items():
                _block(worker, threads[name], _WARM_UP)
            for _, side in bench.interleaved(bench.times(24, 8)):
                for seconds in _block(workers[side.name], threads[side.name], _BLOCK):
                    row.add(side, seconds * 1000)
            rows.append(row)
            if budgets and "rust" in row.samples:
                # Block by block, which are neighbours in time: the machine's slow minutes cancel out.
                ours, rust = (_medians(row.samples[name]) for name in ("ours", "rust"))
                for mine, floor in zip(ours, rust, strict=True):
                    share.add(bench.libraries[0], (mine / floor - 1) * 100)
                rows.append(share)
    return rows


def _medians(samples: list[float]) -> list[float]:
    return [statistics.median(samples[start : start + _BLOCK]) for start in range(0, len(samples), _BLOCK)]


def _block(worker: Worker, thread: int, turns: int) -> list[float]:
    return [worker.turn(thread) for _ in range(turns)]
