"""What a client does to the machine: child processes, TCP connections."""

from __future__ import annotations

import re
import shutil
import sys
from collections import Counter
from pathlib import Path

from .harness import Bench, Row, Worker

_THREADS = 10


def connections(bench: Bench) -> list[Row]:
    """TCP connections that a client makes to the model server for turns on ten agent threads at the same time, and the time of these turns."""
    each = bench.times(10, 4)
    label = f"{_THREADS * each} turns on {_THREADS} threads at once"
    count, seconds = Row(f"TCP connections for {label}", "", budget=10), Row(label, "ms")
    for _, side in bench.interleaved(bench.times(3, 1)):
        with Worker(bench, side, bench.new_home()) as worker:
            before = bench.connections()
            worker.open()
            threads = [worker.start_thread(bench.plain)[0] for _ in range(_THREADS)]
            answer = worker.ask("parallel", threads=threads, turns=each)
            count.add(side, bench.connections() - before)
            seconds.add(side, answer["seconds"] * 1000)
            worker.close()
    return [count, seconds]


def children(bench: Bench) -> list[Row]:
    """Child processes that are started, counted by strace; those that live on are in `memory`."""
    outside = _children(bench, bench.plain, "outside of git", budget=0)
    return outside + _children(bench, bench.repository, "in a git repository", budget=None)


def _children(bench: Bench, directory: Path, where: str, *, budget: float | None) -> list[Row]:
    turns = bench.times(100, 10)
    first = Row(f"child processes, open -> first turn done, {where}", "", budget=budget)
    later = Row(f"child processes in {turns} more turns, {where}", "", budget=budget)
    strace = shutil.which("strace")
    if strace is None:
        print("no strace here: child processes are not counted", file=sys.stderr)
        return []
    for side in bench.libraries:
        home = bench.new_home()
        log = home.parent / "strace"
        # One file per process, so that no line is cut in two by another process's.
        prefix = [
            strace,
            # Without --seccomp-bpf: a filter looks like a container's, where the sandbox is tried first.
            "-ff",
            "-qq",
            "-e",
            "trace=fork,vfork,clone,clone3,execve",
            "-e",
            "signal=none",
            "-o",
            str(log),
        ]
        with Worker(bench, side, home, prefix=prefix) as worker:
            worker.open()
            thread, _ = worker.start_thread(directory)
            worker.turn(thread)
            before, programs = _forks(home.parent), _programs(home.parent)
            first.add(side, before)
            for _ in range(turns):
                worker.turn(thread)
            later.add(side, _forks(home.parent) - before)
            started = _programs(home.parent) - programs
            print(f"{side.name}, {where}, later turns started: {dict(started) or 'nothing'}", file=sys.stderr)
            worker.close()
    return [first, later]


def _forks(folder: Path) -> int:
    return sum("CLONE_THREAD" not in line and not line.startswith("execve") for line in _successes(folder))


def _programs(folder: Path) -> Counter[str]:
    lines = _successes(folder)
    return Counter(found[1] for line in lines if (found := re.match(r'execve\("(?:[^"]*/)?([^"/]+)"', line)))


def _successes(folder: Path) -> list[str]:
    lines = [line for log in folder.glob("strace.*") for line in log.read_text(errors="replace").splitlines()]
    return [line for line in lines if re.search(r"= \d+$", line)]
