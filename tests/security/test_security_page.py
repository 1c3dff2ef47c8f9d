"""docs/security.md: each of its claims names a test, and the test is there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from support import ROOT

PAGE = ROOT / "docs" / "security.md"
#: A row of a table of claims: what holds, and the tests that try to break it.
ROWS = re.findall(r"^\| (?P<claim>[^|]+) \| (?P<tests>[^|]*tests/[^|]*) \|$", PAGE.read_text(), re.MULTILINE)


@cache
def named_in(path: Path) -> frozenset[str]:
    """The names of the test functions in a file, of Python or Rust."""
    text = path.read_text()
    if path.suffix == ".rs":
        return frozenset(re.findall(r"#\[(?:tokio::)?test[^\]]*\]\s+(?:#\[[^\]]*\]\s+)*(?:async )?fn (\w+)", text))
    return frozenset(
        node.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def test_the_page_makes_claims() -> None:
    assert len(ROWS) >= 30


@pytest.mark.parametrize(("claim", "named"), ROWS, ids=[claim.strip()[:50] for claim, _ in ROWS])
def test_a_claim_names_its_test(claim: str, named: str) -> None:
    names = re.findall(r"`([\w/.-]+)::(\w+)`", named)
    assert names, claim
    for file, name in names:
        assert name in named_in(ROOT / file), f"{claim}: {file} has no test {name}"
