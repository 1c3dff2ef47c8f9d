"""What comes of each fault: the rows of docs/faults.md, whose tables `scripts/fault_tables.py` writes from here."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import program_faults
import provider_faults
import pytest
import system_faults
import tool_faults
from disks import small_disks
from fault_world import World

from codex_cffi import CodexError
from support import MakeCodex

#: By section of the page.
TABLES = {
    "provider": provider_faults.table,
    "program": program_faults.table,
    "tools": tool_faults.table,
    "system": system_faults.table,
}


@pytest.fixture
def world(
    make_codex: MakeCodex, repo: Path, codex_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    with small_disks(tmp_path) as disk, contextlib.ExitStack() as models:
        yield World(make_codex, repo, codex_home, tmp_path, monkeypatch, disk, models)


CASES = {
    f"{section}: {row.fault}, {way}": (row, way) for section, rows in TABLES.items() for row in rows for way in row.ways
}


@pytest.mark.parametrize("case", CASES)
def test_what_comes_of_a_fault(world: World, case: str) -> None:
    row, way = CASES[case]
    try:
        got = row.ways[way](world)
    except Exception as error:
        got = error
    assert type(got) is row.gives, got
    assert {name: getattr(got, name) for name in row.has} == row.has, got
    if isinstance(got, CodexError):
        assert "retriable" in row.has
