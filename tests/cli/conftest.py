"""The command, in the scratch folders of a test."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.command import Command


@pytest.fixture
def command(codex_home: Path, repo: Path) -> Command:
    """``codex-cffi`` in the test's repository, with the test's codex home."""
    return Command(codex_home, repo)
