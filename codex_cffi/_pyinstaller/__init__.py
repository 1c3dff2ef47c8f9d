"""What PyInstaller bundles with the package. It finds this by the entry point of `pyproject.toml`."""

from __future__ import annotations

from pathlib import Path


def hook_dirs() -> list[str]:
    """Folders of PyInstaller's hooks."""
    return [str(Path(__file__).with_name("hooks"))]
