"""What is installed, and what of it is downloaded."""

from __future__ import annotations

import subprocess
import sys
import zlib
from collections.abc import Iterable
from pathlib import Path

from .harness import Bench, Row, Side, library

_FOLDERS = ("openai_codex", "codex_cli_bin")
_FIND = "import importlib.util, sys; print(*(importlib.util.find_spec(name).submodule_search_locations[0] for name in sys.argv[1:]), sep='\\n')"
_PIECE = 1 << 20


def sizes(bench: Bench) -> list[Row]:
    """Package and engine, without Python dependencies: as files, and deflated as in a wheel. Ours is the library that is measured, whatever its profile."""
    installed = Row("installed size, package and engine", "MB", budget=90)
    wheel = Row("wheel size, package and engine", "MB", budget=32)
    for side in bench.libraries:
        files = list(_ours() if side.name == "ours" else _official(bench, side))
        installed.add(side, sum(file.stat().st_size for file in files) / 1e6)
        if not bench.quick:
            wheel.add(side, sum(map(_deflated, files)) / 1e6)
    return [installed] if bench.quick else [installed, wheel]


def _ours() -> Iterable[Path]:
    capi = library()
    package = Path(capi.__file__).parent
    yield from (file for file in _files(package) if file.parent.name != "_native")
    yield capi.library_path
    # Beside a library in Cargo's target folder, the helper has Cargo's name.
    of_cargo = capi.library_path.with_name("codex-cffi-helper")
    yield of_cargo if of_cargo.is_file() else capi.helper_path()


def _official(bench: Bench, side: Side) -> Iterable[Path]:
    result = subprocess.run(
        [side.program, "-c", _FIND, *_FOLDERS],
        env=side.environment(bench.new_home()),
        cwd=bench.folder,
        stdout=subprocess.PIPE,
        stderr=sys.stderr,
        text=True,
        check=True,
    )
    return (file for folder in result.stdout.splitlines() for file in _files(Path(folder)))


def _files(folder: Path) -> Iterable[Path]:
    return (file for file in folder.rglob("*") if file.is_file() and "__pycache__" not in file.parts)


def _deflated(file: Path) -> int:
    deflate = zlib.compressobj(6, wbits=-15)
    with file.open("rb") as stream:
        size = sum(len(deflate.compress(piece)) for piece in iter(lambda: stream.read(_PIECE), b""))
    return size + len(deflate.flush())
