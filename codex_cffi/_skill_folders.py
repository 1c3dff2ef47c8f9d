"""Where the skills lie that were given in code: a folder for each client in the codex home, which commands can read and not write.

A client holds a lock on its folder; what a killed process left, the next one deletes.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from ._host_folders import codex_home

if sys.platform != "win32":
    import fcntl

_FOLDER = "client_skills"  # sandboxes show the folder of this name
_PATIENCE = 10.0
_PAUSE = 0.01


def make(home: str | None) -> tuple[Path, Callable[[], None]]:
    """A folder for one client's, and what deletes it."""
    above = codex_home(home) / _FOLDER
    above.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    above.mkdir(mode=0o700, exist_ok=True)
    found = above.lstat()
    if not stat.S_ISDIR(found.st_mode) or (sys.platform != "win32" and found.st_uid != os.geteuid()):
        raise PermissionError(f"{above} is not a folder of this user's; remove it")
    with _locked(above):
        _delete_left_over(above)
        folder = Path(tempfile.mkdtemp(dir=above)).resolve()  # mode 0700
        lock = _lock(folder, exclusive=False)

    owner = os.getpid()

    def release() -> None:
        if os.getpid() != owner:
            return  # a child that was forked has the folder too
        shutil.rmtree(folder, ignore_errors=True)
        if lock is not None:
            with contextlib.suppress(OSError):
                os.close(lock)

    return folder, release


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    deadline = time.monotonic() + _PATIENCE
    while (lock := _lock(folder, exclusive=True)) is None and sys.platform != "win32":
        if time.monotonic() > deadline:
            raise TimeoutError(f"another process keeps a lock on {folder}; end it")
        time.sleep(_PAUSE)
    try:
        yield
    finally:
        if lock is not None:
            os.close(lock)


def _lock(folder: Path, *, exclusive: bool) -> int | None:
    """A descriptor that holds a lock; None if others hold one."""
    if sys.platform == "win32":
        return None
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _delete_left_over(above: Path) -> None:
    for folder in above.iterdir():
        with contextlib.suppress(OSError):
            lock = _lock(folder, exclusive=True)
            if lock is not None:
                shutil.rmtree(folder, ignore_errors=True)
                os.close(lock)
