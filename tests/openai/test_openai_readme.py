"""The programs of the official package's README (openai-codex, Apache-2.0) run with another import and nothing else changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from login_server import log_in, login_server

from support import ROOT, TESTS
from support.examples import Example, run

PROGRAMS: list[str] = json.loads((TESTS / "openai" / "surface.json").read_text())["readme"]
QUICKSTART, BROWSER, DEVICE, KEY = (
    program.replace("from openai_codex import", "from codex_cffi.openai import") for program in PROGRAMS
)
#: The later ones go on where the first has the import.
IMPORT = "from codex_cffi.openai import Codex\n"


def test_the_quickstart(tmp_path: Path, repo: Path) -> None:
    shown = run(Example("the official README", 1, QUICKSTART, model='"Three bullets."'), repo, tmp_path / "home")
    assert shown == "Three bullets.\n"


def start(program: str, tmp_path: Path, repo: Path, environment: dict[str, str]) -> subprocess.Popen[str]:
    home = tmp_path / "home"
    home.mkdir()
    return subprocess.Popen(
        [sys.executable, "-u", "-W", "error", "-c", program],
        cwd=repo,
        env={**os.environ, "PYTHONPATH": str(ROOT), "CODEX_HOME": str(home), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(program: subprocess.Popen[str]) -> str:
    shown, errors = program.communicate(timeout=60)
    assert program.returncode == 0, errors
    assert errors == ""
    return shown


def logged_in(tmp_path: Path) -> Any:
    return json.loads((tmp_path / "home" / "auth.json").read_text())


def test_the_login_in_the_browser(tmp_path: Path, repo: Path) -> None:
    with login_server(tmp_path) as server:
        program = start(BROWSER, tmp_path, repo, server.environment)
        assert program.stdout is not None
        log_in(program.stdout.readline().strip())
        assert end(program) == "True\n"
    assert "/oauth/token" in server.asked
    assert logged_in(tmp_path)["tokens"]["refresh_token"] == "refresh"


def test_the_login_with_a_code(tmp_path: Path, repo: Path) -> None:
    with login_server(tmp_path) as server:
        shown = end(start(IMPORT + DEVICE, tmp_path, repo, server.environment))
    assert shown == "https://auth.openai.com/codex/device CODE-12345\n"
    assert server.asked[:2] == ["/api/accounts/deviceauth/usercode", "/api/accounts/deviceauth/token"]
    assert logged_in(tmp_path)["tokens"]["refresh_token"] == "refresh"


def test_the_login_by_key(tmp_path: Path, repo: Path) -> None:
    assert end(start(IMPORT + KEY, tmp_path, repo, {})) == ""
    assert logged_in(tmp_path)["OPENAI_API_KEY"] == "sk-..."
