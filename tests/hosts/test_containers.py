"""Containers that refuse what the sandbox needs: told when a sandboxed thread is started, not by each command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support import ROOT, need

CODE = """
import sys
from codex_cffi import Codex, SandboxUnavailableError

with Codex(codex_home=sys.argv[1], isolated=True) as codex:
    for mode in ("read-only", "workspace-write", "danger-full-access"):
        try:
            codex.start_thread(working_directory=sys.argv[2], sandbox_mode=mode)
            print("started")
        except SandboxUnavailableError as error:
            print(error)
"""
#: A user who may make no more user namespaces.
CONTAINER = [
    "unshare",
    "--user",
    "--map-root-user",
    "sh",
    "-c",
    'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"',
    "sh",
]


def test_without_user_namespaces_a_sandboxed_thread_is_refused(tmp_path: Path, repo: Path) -> None:
    need("unshare", "util-linux")
    result = subprocess.run(
        [*CONTAINER, sys.executable, "-c", CODE, tmp_path / "home", repo],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    read_only, workspace_write, full_access = result.stdout.splitlines()
    assert read_only == workspace_write
    assert 'bubblewrap says "Creating new namespace failed' in read_only
    assert "max_user_namespaces" in read_only
    assert "danger-full-access" in read_only
    assert full_access == "started"


@pytest.mark.skipif(os.geteuid() != 0, reason="of root")
def test_root_that_may_not_mount_is_refused_a_sandboxed_thread(tmp_path: Path, repo: Path) -> None:
    """As root is in a container by default: bubblewrap works, but what it leaves open to root cannot be closed."""
    need("setpriv", "util-linux")
    result = subprocess.run(
        [
            *("setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin"),
            *(sys.executable, "-c", CODE, tmp_path / "home", repo),
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    read_only, workspace_write, full_access = result.stdout.splitlines()
    assert read_only == workspace_write
    assert "CAP_SYS_ADMIN" in read_only
    assert "--user 1000" in read_only
    assert full_access == "started"
