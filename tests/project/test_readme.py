"""README.md: its Python examples run, and what it names is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support import ROOT
from support.examples import Example, examples, run

README = ROOT / "README.md"


@pytest.mark.parametrize("example", examples(README), ids=str)
def test_an_example_runs(example: Example, tmp_path: Path, repo: Path) -> None:
    assert not example.not_run
    run(example, repo, tmp_path / "home")


def test_what_it_names_is_there() -> None:
    text = README.read_text()
    table = text[text.index("## Where things are") :]
    names = [
        name for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`([^`]+)`", row)
    ]
    assert len(names) > 10
    assert [name for name in names if not (ROOT / name).exists()] == []
    links = [link for link in re.findall(r"\]\(([^)#]+)", text) if "://" not in link]
    assert [link for link in links if not (ROOT / link).exists()] == []
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z-]+)", text)) <= targets
