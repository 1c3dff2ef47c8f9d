"""The command beside the codex program: how long both take to explain themselves, and for a whole turn."""

from __future__ import annotations

import functools
import json
import resource
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from .harness import Bench, Row, Side

_FIND = "import codex_cli_bin; print(codex_cli_bin.bundled_codex_path())"


def explained(bench: Bench) -> list[Row]:
    """CPU time of a process, its children included: that is what a busy machine does not change."""
    rows = [Row("command: --version, CPU", "ms", budget=60), Row("command: --help, CPU", "ms", budget=200)]
    home = bench.new_home()
    for number, side in bench.interleaved(bench.times(15, 3) + 1, bench.libraries):
        for row, word in zip(rows, ("--version", "--help"), strict=True):
            before = _cpu()
            _run(bench, side, [word], home)
            if number:
                row.add(side, (_cpu() - before) * 1000)
    return rows


def turn(bench: Bench) -> list[Row]:
    """`run` beside `codex exec`, from the shell's call to the end, in a home that was used before."""
    row = Row("command: a whole turn, warm home", "ms")
    homes: dict[str, Path] = {}
    for number, side in bench.interleaved(bench.times(10, 2) + 1, bench.libraries):
        home = homes.setdefault(side.name, _configured(bench))
        words = ["exec" if side.name == "official" else "run", "--skip-git-repo-check", "go"]
        start = time.monotonic()
        _run(bench, side, words, home)
        if number:
            row.add(side, (time.monotonic() - start) * 1000)
    return [row]


def _configured(bench: Bench) -> Path:
    home = bench.new_home()
    provider = {"name": "bench", "base_url": bench.base_urls["short"], "wire_api": "responses"}
    settings = "\n".join(f"{key} = {json.dumps(value)}" for key, value in provider.items())
    (home / "config.toml").write_text(f'model_provider = "bench"\n[model_providers.bench]\n{settings}\n')
    return home


def _run(bench: Bench, side: Side, words: Sequence[str], home: Path) -> None:
    subprocess.run(
        [*_command(side), *words],
        env=side.environment(home),
        cwd=bench.plain,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )


@functools.cache
def _command(side: Side) -> tuple[str, ...]:
    if side.name == "ours":
        return (side.program, "-m", "codex_cffi.cli")
    found = subprocess.run([side.program, "-c", _FIND], stdout=subprocess.PIPE, text=True, check=True)
    return (found.stdout.strip(),)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
