"""What the tests share: the built library, scratch folders, and a real engine against a scripted model."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support import NATIVE, MakeCodex
from support.command import Command

# A shell's background job ignores it, and so would the programs that tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def library() -> Path:
    """The library under test."""
    path = Path(os.environ.get("CODEX_CFFI_LIBRARY") or NATIVE / "libcodex_capi.so")
    assert path.is_file(), f"{path} is missing: run 'make build'"
    return path


@pytest.fixture(scope="session")
def helper(library: Path) -> Path:
    """The sandbox helper that goes with it."""
    beside = library.with_name("codex-linux-sandbox")
    return beside if beside.is_file() else NATIVE / "codex-linux-sandbox"


def _remove_unused(folder: Path) -> None:
    """Removes an empty folder, unless a sandbox of a test that runs beside this one has locked it to mount something on it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        folder.rmdir()
    finally:
        os.close(descriptor)


@pytest.fixture(autouse=True)
def scratch_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the user's home, key or settings."""
    # What a killed sandbox may leave where it may write: an empty folder in the place of a protected one, which looks like a repository to the engine.
    for folder in tmp_path.parents:
        for name in (".git", ".codex", ".agents"):
            with contextlib.suppress(OSError):
                _remove_unused(folder / name)
    home = tmp_path / "user"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for name in ("CODEX_HOME", "OPENAI_API_KEY", "CODEX_API_KEY", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def usual_log() -> Iterator[None]:
    """What a test has the engine log, the next one does not find."""
    yield
    engine = logging.getLogger("codex_cffi.engine")
    if engine.level != logging.NOTSET:
        from codex_cffi import log

        log.set_level("warning")
        engine.setLevel(logging.NOTSET)


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """An empty git repository."""
    folder = tmp_path / "repo"
    folder.mkdir()
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    return folder


@pytest.fixture
def codex_home(tmp_path: Path) -> Path:
    return tmp_path / "codex-home"


@pytest.fixture
def command(codex_home: Path, repo: Path) -> Command:
    """``codex-cffi`` in the test's repository, with the test's codex home."""
    return Command(codex_home, repo)


@pytest.fixture
def make_codex(codex_home: Path) -> Iterator[MakeCodex]:
    """Opens clients against a scripted model, or with other options, and closes them."""
    from codex_cffi import Codex

    opened: list[Codex] = []

    def make(model: Any = None, **options: Any) -> Codex:
        if model is not None:
            config = {**model.provider_config(), **options.pop("config", {})}
            options["config"] = config
        options.setdefault("codex_home", codex_home)
        options.setdefault("isolated", True)
        codex = Codex(**options)
        opened.append(codex)
        return codex

    yield make
    for codex in opened:
        codex.close()
