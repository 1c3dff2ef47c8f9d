"""`python -m benchmarks [--quick] [names…]`: measures, prints the table, writes results/latest.json."""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import memory, processes, size, startup, turns
from .harness import OFFICIAL, Bench, Benchmark, Row

BENCHMARKS: tuple[Benchmark, ...] = (
    startup.import_time,
    startup.fresh_home,
    startup.warm_home,
    startup.close_time,
    turns.next_turn,
    turns.next_turn_in_git,
    turns.start_thread,
    turns.text_deltas,
    processes.connections,
    processes.children,
    memory.memory,
    size.installed_size,
)


def main() -> None:
    """The command."""
    names = [benchmark.__name__ for benchmark in BENCHMARKS]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=f"codex_cffi beside {OFFICIAL}.")
    parser.add_argument("names", nargs="*", metavar="name", help=f"one or more of: {', '.join(names)}")
    parser.add_argument("--quick", action="store_true", help="fewer samples, under a minute")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("results") / "latest.json")
    options = parser.parse_args()
    if unknown := set(options.names) - set(names):
        parser.error(f"there is no {', '.join(sorted(unknown))}; choose from {', '.join(names)}")

    load = os.getloadavg()[0]
    if load > 0.5 * (os.cpu_count() or 1):
        print(f"The machine is busy (load {load:.1f}): trust the ratios, not the times.", file=sys.stderr)
    start = time.monotonic()
    rows: list[Row] = []
    with Bench(quick=options.quick) as bench:
        for benchmark in BENCHMARKS:
            if not options.names or benchmark.__name__ in options.names:
                began = time.monotonic()
                rows += benchmark(bench)
                print(f"{benchmark.__name__}: {time.monotonic() - began:.1f} s", file=sys.stderr, flush=True)
    seconds = time.monotonic() - start

    facts = _facts(quick=options.quick, load=load, seconds=seconds)
    _write(options.output, facts, rows)
    print("\n".join(_table(rows)))
    print(f"\n{facts['library']}; {OFFICIAL}; {facts['machine']}; load {load:.1f} before; {seconds:.0f} s")


def _table(rows: Sequence[Row]) -> list[str]:
    """A Markdown table: medians, with least-most where samples differ."""
    cells = [("what", "ours", "official", "ratio")]
    for row in rows:
        ratio = row.ratio
        better = "-" if ratio is None else f"{ratio:.1f}x"
        cells.append((row.what, _cell(row.ours, row.unit), _cell(row.official, row.unit), better))
    widths = [max(len(line[column]) for line in cells) for column in range(4)]
    lines = [
        "| " + " | ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) + " |" for line in cells
    ]
    return [lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]]


def _cell(samples: list[float], unit: str) -> str:
    if not samples:
        return "-"
    least, middle, most = (_number(value) for value in (min(samples), statistics.median(samples), max(samples)))
    spread = f" ({least}-{most})" if least != most else ""
    return f"{middle} {unit}".rstrip() + spread


def _number(value: float) -> str:
    return f"{value:.1f}" if value < 100 and value != int(value) else f"{value:,.0f}"


def _facts(*, quick: bool, load: float, seconds: float) -> dict[str, Any]:
    from codex_cffi._capi import build_info

    return {
        "when": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "library": f"codex_cffi {build_info['version']} ({build_info['profile']}, engine {build_info['engine']})",
        "official": OFFICIAL,
        "machine": f"{os.cpu_count()} CPUs, {platform.system()} {platform.release()} {platform.machine()}, Python {platform.python_version()}",
        "quick": quick,
        "load_before": round(load, 2),
        "seconds": round(seconds, 1),
    }


def _write(path: Path, facts: dict[str, Any], rows: Sequence[Row]) -> None:
    def side(samples: list[float]) -> dict[str, Any] | None:
        if not samples:
            return None
        rounded = [round(sample, 3) for sample in samples]
        return {
            "median": round(statistics.median(samples), 3),
            "min": min(rounded),
            "max": max(rounded),
            "samples": rounded,
        }

    table = [
        {
            "what": row.what,
            "unit": row.unit,
            "better": row.better,
            "ours": side(row.ours),
            "official": side(row.official),
            "ratio": None if row.ratio is None else round(row.ratio, 3),
        }
        for row in rows
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**facts, "rows": table}, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
