"""File systems that cannot be written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from support import ROOT, need

CODE = """
import sys
from codex_cffi import Codex, EngineIOError
from codex_cffi.testing import ScriptedModel, shell

def go(home):
    with ScriptedModel([[shell("echo a > /tmp/made; cat /tmp/made", call_id="c", login=False)], "done"]) as model:
        with Codex(codex_home=home, isolated=True, config=model.provider_config()) as codex:
            thread = codex.start_thread(working_directory=sys.argv[1], sandbox_mode="danger-full-access", skip_git_repo_check=True)
            print(thread.run("go", timeout=60).final_response, model.last_request.tool_output("c").splitlines()[-1])

try:
    go(sys.argv[2])
except EngineIOError as error:
    print(error)
go("/tmp/home")
"""


def test_one_folder_that_can_be_written_is_enough(tmp_path: Path, repo: Path) -> None:
    """A container with a read-only root and a home that is not the user's: the codex home alone has to be elsewhere."""
    need("bwrap", "bubblewrap")
    read_only = [
        "bwrap",
        "--ro-bind",
        "/",
        "/",
        "--dev",
        "/dev",
        "--proc",
        "/proc",
        "--tmpfs",
        "/tmp",
        "--ro-bind",  # again: it may be below /tmp
        str(ROOT),
        str(ROOT),
        "--chdir",
        "/",
        "--setenv",
        "HOME",
        "/nonexistent",
    ]
    result = subprocess.run(
        [
            *read_only,
            "--ro-bind",
            repo,
            "/mnt",
            "--setenv",
            "PYTHONPATH",
            ROOT,
            sys.executable,
            "-c",
            CODE,
            "/mnt",
            "/mnt/home",
        ],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.stdout.splitlines() == [
        "cannot use the codex home /mnt/home: Read-only file system (os error 30)",
        "done a",
    ], result.stderr
