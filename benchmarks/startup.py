"""From nothing to the first answer, and back."""

from __future__ import annotations

import subprocess
from pathlib import Path

from .harness import Bench, Row, Worker

_IMPORT = "from time import perf_counter as now; start = now(); from {} import Codex; print(now() - start)"
_MODULES = {"ours": "codex_cffi", "official": "openai_codex"}


def import_time(bench: Bench) -> list[Row]:
    """Import in a fresh process, byte code and file cache warm."""
    row = Row("import", "ms")
    home = bench.new_home()
    rounds = bench.times(15, 3)
    for number, side in enumerate(bench.interleaved(rounds + 1)):
        code = _IMPORT.format(_MODULES[side.name])
        result = subprocess.run(
            [side.python, "-c", code],
            env=side.environment(home),
            cwd=bench.folder,
            capture_output=True,
            text=True,
            check=True,
        )
        if number >= 2:
            row.add(side, float(result.stdout) * 1000)
    return [row]


def fresh_home(bench: Bench) -> list[Row]:
    """Open, start a thread, run a turn, with a codex home that is empty."""
    rows = _rows("fresh home")
    for side in bench.interleaved(bench.times(10, 3)):
        with Worker(bench, side, bench.new_home()) as worker:
            _first_turn(bench, worker, rows)
            worker.close()
    return rows


def warm_home(bench: Bench) -> list[Row]:
    """The same with a codex home that was used before."""
    rows = _rows("warm home")
    homes: dict[str, Path] = {}
    for side in bench.interleaved(bench.times(10, 2) + 1):
        used = side.name in homes
        with Worker(bench, side, homes.setdefault(side.name, bench.new_home())) as worker:
            _first_turn(bench, worker, rows if used else _rows(""))
            worker.close()
    return rows


def close_time(bench: Bench) -> list[Row]:
    """Closing a client that has run a turn."""
    row = Row("close", "ms")
    for side in bench.interleaved(bench.times(7, 2)):
        with Worker(bench, side, bench.new_home()) as worker:
            worker.open()
            worker.turn(worker.start_thread(bench.plain)[0])
            row.add(side, worker.close() * 1000)
    return [row]


def _rows(home: str) -> list[Row]:
    parts = (f"open -> first turn done, {home}", "- open", "- start the first thread", "- first turn")
    return [Row(part, "ms") for part in parts]


def _first_turn(bench: Bench, worker: Worker, rows: list[Row]) -> None:
    opened = worker.open()
    thread, started = worker.start_thread(bench.plain)
    first = worker.turn(thread)
    for row, seconds in zip(rows, (opened + started + first, opened, started, first), strict=True):
        row.add(worker.side, seconds * 1000)
