"""`python -m benchmarks [--quick] [names…]`: measures, prints the tables, writes results/latest.json and results/latest.svg."""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from . import code_mode, command_line, crowd, memory, processes, report, rust, size, startup, turns
from .harness import OFFICIAL, Bench, Benchmark, Row, library
from .noise import Noise

BENCHMARKS: tuple[Benchmark, ...] = (
    startup.import_time,
    startup.fresh_home,
    startup.warm_home,
    startup.close_time,
    turns.next_turn,
    turns.next_turn_in_git,
    turns.start_thread,
    turns.text_deltas,
    turns.text_deltas_async,
    turns.tool_calls,
    processes.connections,
    processes.children,
    crowd.turns_at_once,
    crowd.interrupts,
    crowd.ten_clients,
    crowd.loaded_threads,
    code_mode.code_mode,
    command_line.explained,
    command_line.turn,
    memory.memory,
    size.sizes,
)
_RESULTS = Path(__file__).with_name("results") / "latest.json"


def main() -> None:
    """The command."""
    names = [benchmark.__name__ for benchmark in BENCHMARKS]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=f"codex_cffi beside {OFFICIAL}.")
    parser.add_argument("names", nargs="*", metavar="name", help=f"one or more of: {', '.join(names)}")
    parser.add_argument("--quick", action="store_true", help="fewer samples, a few minutes")
    parser.add_argument("--library", type=Path, help="measure this libcodex_capi.so (as CODEX_CFFI_LIBRARY does)")
    parser.add_argument(
        "--build-rust", action="store_true", help="first build the Rust program, in the library's profile"
    )
    parser.add_argument("--output", type=Path, default=_RESULTS, help="the JSON file; the plot goes beside it")
    parser.add_argument("--from", dest="source", type=Path, metavar="JSON", help="measure nothing, show an earlier run")
    parser.add_argument("--publish", action="store_true", help="put tables and plot into benchmarks/README.md")
    options = parser.parse_args()
    # Ends the workers and removes the scratch folder on the way.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
    if unknown := set(options.names) - set(names):
        parser.error(f"there is no {', '.join(sorted(unknown))}; choose from {', '.join(names)}")
    if options.library is not None:
        if not options.library.is_file():
            parser.error(f"there is no {options.library}")
        os.environ["CODEX_CFFI_LIBRARY"] = str(options.library.resolve())

    if options.source is not None:
        result: dict[str, Any] = json.loads(options.source.read_text())
    else:
        if options.build_rust:
            rust.build()
        result = _measure(options.names, quick=options.quick)
        report.write(result, options.output)
    print(report.text(result))
    if options.publish:
        report.publish(result, Path(__file__).with_name("README.md"))
    if result["failed"]:
        sys.exit(f"not measured: {', '.join(result['failed'])}")


def _measure(names: list[str], *, quick: bool) -> dict[str, Any]:
    load = os.getloadavg()[0]
    if load > 0.5 * (os.cpu_count() or 1):
        print(f"The machine is busy (load {load:.1f}): trust the ratios, not the times.", file=sys.stderr)
    start = time.monotonic()
    noise = Noise()
    noise.sample()
    rows: list[Row] = []
    failed: list[str] = []
    with Bench(quick=quick, rust=rust.driver()) as bench:
        for benchmark in BENCHMARKS:
            if not names or benchmark.__name__ in names:
                began = time.monotonic()
                try:
                    rows += benchmark(bench)
                except Exception:
                    # The others are worth having all the same.
                    failed.append(benchmark.__name__)
                    traceback.print_exc()
                noise.sample()
                print(f"{benchmark.__name__}: {time.monotonic() - began:.1f} s", file=sys.stderr, flush=True)
    build = library().build_info
    facts = {
        "when": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "library": f"codex_cffi {build['version']} ({build['profile']}, engine {build['engine']})",
        "official": OFFICIAL,
        "machine": f"{os.cpu_count()} CPUs, {platform.system()} {platform.release()} {platform.machine()}, Python {platform.python_version()}",
        "quick": quick,
        "failed": failed,
        "noise": noise.result(),
        "seconds": round(time.monotonic() - start, 1),
    }
    return report.document(facts, rows)


if __name__ == "__main__":
    main()
