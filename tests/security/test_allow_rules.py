"""Rules that allow a command: what they let out of the sandbox is a plain command of the program that is meant, and no file that a repository or a command
put in its place."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support import need, run_python
from support.unprivileged import remove, run_as_user, user_folder

#: `touch` is allowed. The repository has one of its own, which every attempt would like to run outside of the sandbox.
PROGRAM = r"""
import json, os, subprocess, sys
from pathlib import Path

from codex_cffi import Codex, CommandApproval, Deny
from codex_cffi.testing import ScriptedModel, shell

base, mode, approvals, attempts = Path(sys.argv[1]), sys.argv[2], sys.argv[3], json.loads(sys.argv[4])
repo, out, home = base / "repo", base / "out", base / "codex-home"
repo.mkdir(); out.mkdir(); (home / "rules").mkdir(parents=True, mode=0o700)
subprocess.run(["git", "init", "--quiet"], cwd=repo, check=True)
(home / "rules" / "default.rules").write_text('prefix_rule(pattern = ["touch"], decision = "allow")\n')
for name in ("touch", "bin/touch", "ls"):
    planted = repo / name
    planted.parent.mkdir(exist_ok=True)
    planted.write_text(f'#!/bin/sh\n/usr/bin/touch "{out}/escaped"\n')
    planted.chmod(0o755)
asked = []
def judge(request):
    asked.append(request.command)
    return Deny()
result = {}
for attempt in attempts:
    command = attempt.format(repo=repo, out=out)
    with ScriptedModel([[shell(command)], "done"]) as model:
        with Codex(codex_home=home, config=model.provider_config(), on_approval=judge) as codex:
            codex.start_thread(working_directory=repo, sandbox_mode=mode, approval_mode=approvals).run("go", timeout=60)
    result[attempt] = {"made": sorted(path.name for path in out.iterdir()), "asked": len(asked)}
    asked.clear()
    for path in out.iterdir():
        path.unlink()
print(json.dumps(result))
"""

ATTEMPTS = [
    "./touch x",
    "{repo}/touch x",
    "../repo/bin/touch x",
    "/usr/bin/../..{repo}/touch x",
    "PATH={repo}/bin\ntouch x <<E\nE",
    "export PATH={repo}/bin\ntouch x <<E\nE",
    "touch x <<E\n$({repo}/touch x)\nE",
]

Run = Callable[..., Any]


@pytest.fixture(scope="module", autouse=True)
def bubblewrap() -> None:
    need("bwrap", "bubblewrap")


@pytest.fixture(params=["this user", "ordinary user"])
def run(request: pytest.FixtureRequest) -> Iterator[Run]:
    """Runs the program in a folder of its own, with a `PATH`; gives what it printed."""
    folder = user_folder("rules")

    def run_program(*arguments: object, path: str | None = None) -> Any:
        base = folder / "base"
        base.mkdir(exist_ok=True)
        environment = {"PATH": (path or "{0}").format(os.environ["PATH"], repo=base / "repo")}
        if request.param == "this user":
            done = run_python(PROGRAM, base, *arguments, env=environment, cwd=folder)
        else:
            done = run_as_user(PROGRAM, base, *arguments, folder=folder, env=environment)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    yield run_program
    remove(folder)


@pytest.mark.parametrize("mode", ["read-only", "workspace-write"])
def test_another_file_of_the_same_name_stays_in_the_sandbox(run: Run, mode: str) -> None:
    allowed = ["touch {out}/allowed", "/usr/bin/touch {out}/allowed"]
    result = run(mode, "never", json.dumps(ATTEMPTS + allowed))
    assert {attempt: result[attempt]["made"] for attempt in ATTEMPTS} == {attempt: [] for attempt in ATTEMPTS}
    assert {attempt: result[attempt]["made"] for attempt in allowed} == {attempt: ["allowed"] for attempt in allowed}


@pytest.mark.parametrize("mode", ["read-only", "workspace-write"])
def test_a_program_of_the_repository_s_on_path_stays_in_the_sandbox(run: Run, mode: str) -> None:
    attempt = "touch {out}/allowed"
    assert run(mode, "never", json.dumps([attempt]), path="{repo}/bin:{0}")[attempt]["made"] == []


def test_a_folder_where_a_program_could_be_put_first_counts_too(run: Run) -> None:
    """A command that still runs could put it there after the look."""
    attempt = "touch {out}/allowed"
    path = "{repo}/node_modules/.bin:{0}"
    assert run("workspace-write", "never", json.dumps([attempt]), path=path)[attempt]["made"] == []


def test_without_a_sandbox_somebody_is_asked(run: Run) -> None:
    result = run("danger-full-access", "untrusted", json.dumps([*ATTEMPTS, "touch {out}/allowed"]))
    assert {attempt: result[attempt]["made"] for attempt in ATTEMPTS} == {attempt: [] for attempt in ATTEMPTS}
    assert {attempt: result[attempt]["asked"] for attempt in ATTEMPTS} == dict.fromkeys(ATTEMPTS, 1)
    assert result["touch {out}/allowed"] == {"made": ["allowed"], "asked": 0}


def test_a_harmless_command_is_the_system_s(run: Run) -> None:
    harmless = ["ls", "/usr/bin/ls"]
    others = ["./ls", "{repo}/ls"]
    result = run("danger-full-access", "untrusted", json.dumps(harmless + others))
    assert {attempt: found["asked"] for attempt, found in result.items()} == {
        **dict.fromkeys(harmless, 0),
        **dict.fromkeys(others, 1),
    }
    assert [result[attempt]["made"] for attempt in others] == [[], []]


@pytest.mark.parametrize("listed", ["", 'host_executable(name = "touch", paths = ["/usr/bin/touch"])\\n'])
def test_rules_that_forbid_hold_for_every_file_of_the_name(tmp_path: Path, listed: str) -> None:
    """Also where the rules say which file is meant."""
    program = PROGRAM.replace('decision = "allow")\\n', 'decision = "forbidden")\\n' + listed)
    attempts = ["touch x", "/usr/bin/touch x", *ATTEMPTS[:4]]
    done = run_python(program, tmp_path, "danger-full-access", "never", json.dumps(attempts), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [found["made"] for found in json.loads(done.stdout).values()] == [[]] * len(attempts)
    assert not (tmp_path / "repo" / "x").exists()
