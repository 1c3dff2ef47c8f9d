"""What is installed."""

from __future__ import annotations

import subprocess
from pathlib import Path

from .harness import Bench, Row

_FOLDERS = {"ours": ("codex_cffi",), "official": ("openai_codex", "codex_cli_bin")}
_FIND = "import importlib.util, sys; print(*(importlib.util.find_spec(name).submodule_search_locations[0] for name in sys.argv[1:]), sep='\\n')"


def installed_size(bench: Bench) -> list[Row]:
    """Package and engine, without Python dependencies; ours as it is built now, whatever the profile."""
    row = Row("installed size, package and engine", "MB")
    for side in bench.sides:
        command = [side.python, "-c", _FIND, *_FOLDERS[side.name]]
        result = subprocess.run(
            command,
            env=side.environment(bench.new_home()),
            cwd=bench.folder,
            capture_output=True,
            text=True,
            check=True,
        )
        row.add(side, sum(_bytes(Path(folder)) for folder in result.stdout.splitlines()) / 1e6)
    return [row]


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
