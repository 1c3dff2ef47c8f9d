"""Files before and after a change: editors show those, the engine tells unified diffs."""

from __future__ import annotations

import re
from pathlib import Path

from ..items import FileUpdate

__all__ = ["before_and_after"]

_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@")
#: Bytes of a file that an editor is shown; of a larger one it gets the diff.
_LARGEST = 2 << 20


def before_and_after(change: FileUpdate, *, done: bool) -> tuple[str | None, str] | None:
    """The file's content before a change (None for a new file) and after it; None where it cannot be told.

    Args:
        change: The change.
        done: The file is changed already; otherwise it is as before.
    """
    kind = change.kind.get("type")
    if kind == "add":
        return None, change.diff
    if kind == "delete":
        return change.diff, ""
    path = Path(change.kind.get("move_path") or change.path) if done else Path(change.path)
    try:
        if path.stat().st_size > _LARGEST:
            return None
        now = path.read_bytes().decode()
    except (OSError, UnicodeDecodeError):
        return None
    other = applied(now, change.diff, backwards=done)
    if other is None:
        return None
    return (other, now) if done else (now, other)


def applied(text: str, diff: str, *, backwards: bool = False) -> str | None:
    """A text after a unified diff, or before it; None where the diff does not fit."""
    old, new = ("+", "-") if backwards else ("-", "+")
    lines = text.splitlines(keepends=True)
    made: list[str] = []
    at = 0
    moved = 0  # lines that the hunks before have added to the text that is being read
    inside = False
    for line in diff.splitlines(keepends=True):
        if hunk := _HUNK.match(line):
            start = int(hunk[1]) - (0 if hunk[2] == "0" else 1) + (moved if backwards else 0)
            if not at <= start <= len(lines):
                return None
            made += lines[at:start]
            at, inside = start, True
        elif not inside or line.startswith("\\"):
            continue
        else:
            mark, content = line[:1], line[1:]
            if mark in (" ", old):
                if at >= len(lines) or lines[at].rstrip("\r\n") != content.rstrip("\r\n"):
                    return None
                if mark == " ":
                    made.append(lines[at])
                at += 1
            elif mark == new:
                made.append(content)
            moved += {"+": 1, "-": -1}.get(mark, 0)
    return "".join([*made, *lines[at:]])
