"""How items and turns look: one line in a terminal, Markdown in a notebook."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .items import FileUpdate

#: Characters of one line of text.
_WIDTH = 100


def one_line(text: str) -> str:
    """The text's first line that is not empty, shortened."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    more = len(line) > _WIDTH or line != text.strip()
    return f"{line[:_WIDTH].rstrip()}…" if more else line


def took(milliseconds: int | None) -> str:
    """`` (1.5 s)``, or nothing."""
    return "" if milliseconds is None else f" ({milliseconds / 1000:.1f} s)"


def fenced(text: str, language: str = "") -> str:
    """A block of code; the fence is longer than any in the text."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def diff(update: FileUpdate) -> str:
    """A change of a file as a unified diff with its file names."""
    kind = update.kind.get("type")
    target = update.kind.get("move_path") or update.path
    old, new = ("/dev/null" if kind == "add" else update.path), ("/dev/null" if kind == "delete" else target)
    body = update.diff
    if kind in ("add", "delete") and not body.startswith("@@"):
        sign = "+" if kind == "add" else "-"
        body = "\n".join(sign + line for line in body.splitlines())
    return f"--- {old}\n+++ {new}\n{body}".rstrip()


def code(text: str) -> str:
    """A piece of code within a line."""
    fence = "`" * (max((len(run) for run in re.findall(r"`+", text)), default=0) + 1)
    pad = " " if "`" in text else ""
    return f"{fence}{pad}{text}{pad}{fence}"
