"""Runs programs as an ordinary user, made for the test where the tests run as root.

Root's own folders are often closed to others, the interpreter or the checkout among them. So the program gets a mount namespace of its own, in which what it
needs of those is there at its path, in place of the folder that is closed; the system outside does not change.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from support import ROOT, WITH_TESTS

#: A number that no user of the system has.
USER = 61_742

# Arguments: the number, a passwd file, folders to show, "--", the program. `$1` is mounted over what is closed, its parts are bound into it.
_ENTER = """
set -e
user=$1 passwd=$2 cover=$3; shift 3
mount --bind "$passwd" /etc/passwd
stash=$(mktemp -d)
mount -t tmpfs -o mode=700 tmpfs "$stash"
n=0
for folder in "$@"; do [ "$folder" = -- ] && break; n=$((n + 1)); mkdir "$stash/$n"; mount --bind "$folder" "$stash/$n"; done
for closed in $cover; do mount -t tmpfs -o mode=755 tmpfs "$closed"; done
n=0
while [ "$1" != -- ]; do n=$((n + 1)); mkdir -p "$1"; mount --bind "$stash/$n" "$1"; shift; done
shift
umount -R -l "$stash"; rmdir "$stash"
exec setpriv --reuid "$user" --regid "$user" --clear-groups --bounding-set=-all --inh-caps=-all -- "$@"
"""


def run_as_user(code: str, *arguments: object, folder: Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """Runs a Python program as an ordinary user who owns `folder`, its home and `TMPDIR` (`folder/home`, `folder/tmp`) in it.

    Where the tests are not root, that user is the one who runs them. The program finds `codex_cffi` and the tests' modules. `options` are
    :func:`subprocess.run`'s; `env` adds to the environment.
    """
    options.setdefault("timeout", 120)
    home, scratch = folder / "home", folder / "tmp"
    for made in (home, scratch):
        made.mkdir(mode=0o700, exist_ok=True)
    environment = {
        **os.environ,
        "HOME": str(home),
        "TMPDIR": str(scratch),
        "PYTHONPATH": WITH_TESTS,
        "PYTHONDONTWRITEBYTECODE": "1",
        **options.pop("env", {}),
    }
    command = [sys.executable, "-W", "error", "-c", code, *map(str, arguments)]
    options = {"capture_output": True, "text": True, "env": environment, "cwd": folder, **options}
    if os.geteuid() != 0:
        return subprocess.run(command, **options)
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            os.chown(path, USER, USER)
    needed = [ROOT, Path(sys.prefix), Path(sys.base_prefix), folder]
    closed = {above for path in needed if (above := _closed(path)) is not None}
    shown = [str(path) for path in dict.fromkeys(needed) if _closed(path) is not None]
    with tempfile.NamedTemporaryFile("w", prefix="passwd-") as passwd:
        passwd.write(Path("/etc/passwd").read_text() + f"codex-test:x:{USER}:{USER}::{home}:/bin/sh\n")
        passwd.flush()
        os.chmod(passwd.name, 0o644)
        enter = ["sh", "-c", _ENTER, "sh", str(USER), passwd.name, " ".join(map(str, sorted(closed))), *shown, "--"]
        return subprocess.run(["unshare", "--mount", "--propagation", "private", *enter, *command], **options)


def _closed(path: Path) -> Path | None:
    """The topmost folder above (or at) a path that others may not enter."""
    for above in (*reversed(path.parents), path):
        if not above.stat().st_mode & 0o001 and above.stat().st_uid != USER:
            return above
    return None


_ATTACK = """
import importlib, json, os, sys
from pathlib import Path
assert os.geteuid() != 0
base, module, name, cases = Path(sys.argv[1]), sys.argv[2], sys.argv[3], json.loads(sys.argv[4])
attack = getattr(importlib.import_module(module), name)
for case in cases:
    folder = base / ("at-" + "-".join(case).replace(" ", "-"))
    for made in (folder, folder / "tmp", folder / "home"):
        made.mkdir()
    os.environ["HOME"], os.environ["TMPDIR"] = str(folder / "home"), str(folder / "tmp")
    attack(folder, *case)
print("held")
"""


def assert_held_as_user(module: str, attack: str, cases: Iterable[Sequence[str]]) -> None:
    """Runs a function of a test module as an ordinary user, once for each case, in a folder of its own with `home` and `tmp` in it.

    The function takes the folder and what the case has.
    """
    folder = user_folder("attack")
    try:
        done = run_as_user(_ATTACK, folder, module, attack, json.dumps(list(cases)), folder=folder)
        assert done.stdout == "held\n", done.stdout + done.stderr
    finally:
        remove(folder)


def user_folder(name: str) -> Path:
    """A new folder in /var/tmp, which commands may not write, for :func:`run_as_user`. The caller removes it."""
    folder = Path(tempfile.mkdtemp(prefix=f"codex-cffi-{name}-", dir="/var/tmp"))
    folder.chmod(0o700)
    return folder


def remove(folder: Path) -> None:
    """Removes a folder of :func:`user_folder`."""
    shutil.rmtree(folder, ignore_errors=True)
