"""Where the skills lie that were given in code: a folder for each client in the codex home, which commands can read and not write.

A client holds a lock on a file beside, which commands do not even see; what a killed process left, the next one deletes.
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
_LOCKS = "tmp"  # and not this one
_PATIENCE = 10.0
_PAUSE = 0.01


def make(home: str | None) -> tuple[Path, Callable[[], None]]:
    """A folder for one client's, and what deletes it."""
    base = codex_home(home)
    base.mkdir(mode=0o700, parents=True, exist_ok=True)
    above, locks = _own(base / _FOLDER), _own(base / _LOCKS)
    with _one_at_a_time(locks):
        for left in above.iterdir():
            _delete_left_over(left, locks)
        folder = Path(tempfile.mkdtemp(dir=above)).resolve()  # mode 0700
        lock = _lock(_lock_file(folder, locks))
    owner = os.getpid()

    def release() -> None:
        if os.getpid() != owner:
            return  # a child that was forked has the folder too
        shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            _lock_file(folder, locks).unlink()
            if lock is not None:
                os.close(lock)

    return folder, release


def _own(folder: Path) -> Path:
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or (sys.platform != "win32" and found.st_uid != os.geteuid()):
        raise PermissionError(f"{folder} is not a folder of this user's; remove it")
    return folder


def _lock_file(folder: Path, locks: Path) -> Path:
    return locks / f"skills-{folder.name}.lock"


@contextlib.contextmanager
def _one_at_a_time(locks: Path) -> Iterator[None]:
    path = locks / "skills.lock"
    deadline = time.monotonic() + _PATIENCE
    while (lock := _lock(path)) is None and sys.platform != "win32":
        if time.monotonic() > deadline:
            raise TimeoutError(f"another process keeps a lock on {path}; end it")
        time.sleep(_PAUSE)
    try:
        yield
    finally:
        if lock is not None:
            os.close(lock)


def _lock(path: Path) -> int | None:
    """A descriptor that holds the lock; None if somebody else has it."""
    if sys.platform == "win32":
        return None
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _delete_left_over(folder: Path, locks: Path) -> None:
    path = _lock_file(folder, locks)
    lock = _lock(path)
    if lock is not None:
        shutil.rmtree(folder, ignore_errors=True)
        path.unlink(missing_ok=True)
        os.close(lock)
