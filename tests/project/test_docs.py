"""The documentation: its Python examples run, the reference is whole, the C ABI's page has the header."""

from __future__ import annotations

import importlib
import importlib.util
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import codex_cffi
import codex_cffi.openai
from codex_cffi import testing
from support import ROOT
from support.c_programs import HEADER, constants, functions
from support.examples import PAGES, Example, examples, run

DOCS = ROOT / "docs"
EXAMPLES = [example for page in PAGES if DOCS in page.parents for example in examples(page)]
#: Pages that a hook of mkdocs makes.
MADE = {DOCS / "c-abi.md"}


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_an_example_runs(example: Example, tmp_path: Path, repo: Path) -> None:
    if example.not_run:
        compile(example.code, str(example), "exec")
    else:
        run(example, repo, tmp_path / "home")


def test_examples_that_are_not_run_are_rare() -> None:
    assert len(EXAMPLES) > 30
    assert len([example for example in EXAMPLES if example.not_run]) <= 6


def documented() -> list[tuple[str, object]]:
    """What the reference documents: objects, and of modules all that is public."""
    found: list[tuple[str, object]] = []
    for page in (DOCS / "reference").glob("*.md"):
        for path in re.findall(r"^::: (\S+)", page.read_text(), re.MULTILINE):
            parts = path.split(".")
            try:
                thing: object = importlib.import_module(path)
            except ImportError:
                thing = getattr(importlib.import_module(".".join(parts[:-1])), parts[-1])
            if isinstance(thing, ModuleType):
                found += [(name, getattr(thing, name)) for name in thing.__all__]
            found.append((parts[-1], thing))
    return found


def test_the_reference_has_every_public_name() -> None:
    found = documented()
    for module in (codex_cffi, codex_cffi.openai, testing):
        missing = {
            name
            for name in module.__all__
            if not any(name == other and value is getattr(module, name) for other, value in found)
        }
        assert missing <= {"__version__"}, module


def test_the_navigation_has_every_page() -> None:
    listed = set(re.findall(r"^ +- ([\w/-]+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE))
    assert {DOCS / name for name in listed} == {page for page in PAGES if DOCS in page.parents} | MADE


def test_links_between_pages_lead_somewhere() -> None:
    """mkdocs build --strict knows more; this needs no mkdocs."""
    for page in PAGES:
        for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
            target = (page.parent / link).resolve()
            if "://" not in link and target not in MADE:
                assert target.exists(), f"{page}: {link}"


def test_every_error_stands_in_the_table_of_faults() -> None:
    text = (DOCS / "faults.md").read_text()
    assert [name for name in codex_cffi.errors.__all__ if f"`{name}`" not in text] == []


def script(name: str) -> Any:
    """A module of scripts/."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_tables_of_faults_are_those_of_the_tests() -> None:
    fault_tables = script("fault_tables")
    page = fault_tables.PAGE.read_text()
    assert page == fault_tables.written(page, fault_tables.tables()), "run python scripts/fault_tables.py"


def test_the_page_of_the_c_abi_has_the_whole_header() -> None:
    header_page = script("header_page")
    page = header_page.render(HEADER.read_text())
    for function in functions():
        assert f"### {function.name}\n" in page
    for name in constants():
        assert f"| `{name}` |" in page
    # Nothing of its manual is lost on the way.
    manual = " ".join(re.findall(r"/\*(.*?)\*/", HEADER.read_text(), re.DOTALL)).partition("1. What this is")[2]
    assert set(re.findall(r"\w+", manual)) - set(re.findall(r"\w+", page.replace("\\_", "_"))) == set()
