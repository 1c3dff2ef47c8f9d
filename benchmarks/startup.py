"""From nothing to the first answer, and back."""

from __future__ import annotations

import subprocess
from pathlib import Path

from .harness import Bench, Row, Side, Worker

_PATH = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
_IMPORT = """
import sys
sys.path.append({!r})
from time import perf_counter as now
start = now()
from {} import Codex
print(now() - start)
"""
_MODULES = {"ours": "codex_cffi", "official": "openai_codex"}


def import_time(bench: Bench) -> list[Row]:
    """Import in a fresh process, byte code and file cache warm. Without the site module, which in a development venv has imported a part of it before."""
    row = Row("import", "ms", budget=50)
    home = bench.new_home()

    def run(side: Side, *arguments: str) -> str:
        return subprocess.run(
            [side.program, *arguments],
            env=side.environment(home),
            cwd=bench.folder,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout.strip()

    programs = {side.name: _IMPORT.format(run(side, "-c", _PATH), _MODULES[side.name]) for side in bench.libraries}
    for number, side in bench.interleaved(bench.times(15, 3) + 1, bench.libraries):
        seconds = float(run(side, "-S", "-c", programs[side.name]))
        if number:
            row.add(side, seconds * 1000)
    return [row]


def fresh_home(bench: Bench) -> list[Row]:
    """Open, start a thread, run a turn, with a codex home that is empty."""
    rows = _rows("fresh home", 120)
    for _, side in bench.interleaved(bench.times(10, 3)):
        with Worker(bench, side, bench.new_home()) as worker:
            _first_turn(bench, worker, rows)
            worker.close()
    return rows


def warm_home(bench: Bench) -> list[Row]:
    """The same with a codex home that was used before."""
    rows = _rows("warm home", 60)
    homes: dict[str, Path] = {}
    for number, side in bench.interleaved(bench.times(10, 2) + 1):
        with Worker(bench, side, homes.setdefault(side.name, bench.new_home())) as worker:
            _first_turn(bench, worker, rows if number else _rows("", 0))
            worker.close()
    return rows


def close_time(bench: Bench) -> list[Row]:
    """Closing a client that has run a turn."""
    row = Row("close", "ms")
    for _, side in bench.interleaved(bench.times(7, 2)):
        with Worker(bench, side, bench.new_home()) as worker:
            worker.open()
            worker.turn(worker.start_thread(bench.plain)[0])
            row.add(side, worker.close() * 1000)
    return [row]


def _rows(home: str, budget: float) -> list[Row]:
    parts = ("- open", "- start the first thread", "- first turn")
    return [Row(f"open -> first turn done, {home}", "ms", budget=budget), *(Row(part, "ms") for part in parts)]


def _first_turn(bench: Bench, worker: Worker, rows: list[Row]) -> None:
    opened = worker.open()
    thread, started = worker.start_thread(bench.plain)
    first = worker.turn(thread)
    for row, seconds in zip(rows, (opened + started + first, opened, started, first), strict=True):
        row.add(worker.side, seconds * 1000)
