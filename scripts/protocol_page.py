"""Adds the list of the protocol's requests and events to its page of the reference: a hook of mkdocs (see mkdocs.yml)."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mkdocs.structure.pages import Page

TABLES = Path(__file__).resolve().parents[1] / "codex_cffi" / "protocol" / "_tables.py"
PAGE = "reference/protocol.md"


def on_page_markdown(markdown: str, *, page: Page, **kwargs: Any) -> str:
    """The page with the lists."""
    return f"{markdown}\n{render()}" if page.file.src_uri == PAGE else markdown


def render() -> str:
    """The lists, Markdown."""
    tables = runpy.run_path(str(TABLES))
    lines = ["## Requests", "", "| method | parameters | result |", "| --- | --- | --- |"]
    lines += [f"| `{method}` | `{params}` | `{result}` |" for method, (params, result) in tables["REQUESTS"].items()]
    lines += ["", "## Notifications", "", "| method | parameters |", "| --- | --- |"]
    lines += [f"| `{method}` | `{params}` |" for method, params in tables["NOTIFICATIONS"].items()]
    return "\n".join(lines)
