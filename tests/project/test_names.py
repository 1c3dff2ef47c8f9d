"""The package's public names: all there, and not loaded before they are asked for."""

from __future__ import annotations

import importlib

import pytest

import codex_cffi
from support import run_python


def test_every_name_is_there() -> None:
    assert len(codex_cffi.__all__) == len(set(codex_cffi.__all__))
    assert [name for name in codex_cffi.__all__ if not hasattr(codex_cffi, name)] == []
    assert set(codex_cffi.__all__) <= set(dir(codex_cffi))


@pytest.mark.parametrize("module", codex_cffi._LATER)
def test_what_is_loaded_later_is_what_its_module_has(module: str) -> None:
    assert codex_cffi._LATER[module] == sorted(importlib.import_module(f"codex_cffi.{module}").__all__)


def test_it_is_loaded_later() -> None:
    code = """
import sys, codex_cffi
later = [f"codex_cffi.{name}" for name in codex_cffi._LATER]
assert not any(name in sys.modules for name in later), [name for name in later if name in sys.modules]
assert codex_cffi.Price(1, 2).input == 1
assert codex_cffi.skills.Skill is codex_cffi.Skill
from codex_cffi import *
assert query and McpTool
"""
    done = run_python(code)
    assert done.returncode == 0, done.stderr


def test_a_name_that_there_is_not() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        codex_cffi.Nonsense  # noqa: B018
