"""The command codex-cffi, as a user sees it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from support import ROOT


def run(*arguments: str, home: Path, **env: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(home), "COLUMNS": "200", **env}
    command = [sys.executable, "-m", "codex_cffi.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)


def test_the_demo_repairs_the_program(tmp_path: Path) -> None:
    result = run("demo", home=tmp_path / "user")
    assert result.returncode == 0, result.stdout + result.stderr
    shown = result.stdout
    for part in (
        "prices.py",
        "-    return sum(prices) - discount_percent",
        "* (1 - discount_percent / 100)",
        "OK",
        "the checkout team",
    ):
        assert part in shown
    assert "The test passes now" in shown
    assert "✔ the test passes" in shown
    assert "11,600 tokens in (7,900 cached), 250 out" in shown
    assert not list((tmp_path / "user").iterdir()), "nothing is left in the home"


def test_live_needs_a_key(tmp_path: Path) -> None:
    result = run("demo", "--live", home=tmp_path, OPENAI_API_KEY="")
    assert result.returncode == 2
    assert "OPENAI_API_KEY" in result.stdout
