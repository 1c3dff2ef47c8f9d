"""Writes the tables of docs/faults.md, from the rows of tests/core/test_fault_table.py, each of which that test provokes."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "faults.md"
HEAD = "| fault | what you get | `retriable` | what to do, or what happens |\n| --- | --- | --- | --- |\n"


def tables() -> dict[str, list[Any]]:
    """The rows, by section."""
    sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "core")]
    rows: dict[str, list[Any]] = importlib.import_module("test_fault_table").TABLES
    return rows


def row(fault: Any) -> str:
    """A line of a table."""
    has = dict(fault.has)
    retriable = {True: "yes", False: "no", None: ""}[has.pop("retriable", None)]
    attributes = [f"`{name}={value!r}`" for name, value in has.items() if value is not None]
    gives = ", ".join([f"`{fault.gives.__name__}`", *attributes]).replace("'", '"')
    return f"| {fault.fault} | {gives} | {retriable} | {fault.does} |\n"


def written(page: str, tables: dict[str, list[Any]]) -> str:
    """The page with its tables."""
    for section, rows in tables.items():
        begin, end = f"<!-- faults: {section} -->\n", "<!-- end -->"
        before, _, rest = page.partition(begin)
        _, found, after = rest.partition(end)
        if not found:
            raise ValueError(f"the page has no place for the faults of {section}")
        page = f"{before}{begin}\n{HEAD}{''.join(map(row, rows))}\n{end}{after}"
    return page


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(), tables()))
