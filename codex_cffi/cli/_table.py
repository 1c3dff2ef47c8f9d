"""Lists for people and for programs: aligned columns, or JSON."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any

import msgspec

from . import _terminal

__all__ = ["ago", "plain", "print_json", "print_table"]


def print_table(headings: Sequence[str], rows: Iterable[Sequence[object]], *, nothing: str) -> None:
    """Prints rows in columns; without any, says so on standard error.

    At a terminal, cells that are too long are cut, the last column first. Elsewhere a row is a line with a tab between its cells, and nothing is cut.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    cells = [[_one_line(cell) for cell in row] for row in rows]
    if not cells:
        _terminal.errors().print(Text(nothing, style="dim"))
        return
    if not sys.stdout.isatty():
        _terminal.write("".join("\t".join(row) + "\n" for row in cells))
        return
    table = Table(box=box.ASCII2 if not _terminal.unicode(sys.stdout) else None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, no_wrap=True, overflow="ellipsis" if _terminal.unicode(sys.stdout) else "crop")
    for row in cells:
        table.add_row(*(Text(cell) for cell in row))
    _terminal.console().print(table)


def print_json(value: object) -> None:
    """Prints a value as JSON, for programs."""
    sys.stdout.write(json.dumps(plain(value), ensure_ascii=not _terminal.unicode(sys.stdout), indent=2) + "\n")


def plain(value: Any) -> Any:
    """A value of this package as plain JSON, under the names of its attributes; events and items with their type."""
    from .. import events, items

    match value:
        case events.Notification():
            return {**_named(value.type, value, ("method",)), "params": json.loads(value.raw)}
        case events.Event():
            return _named(value.type, value, value.__struct_fields__)
        case items.Item():
            return _named(value.__struct_config__.tag, value, value.__struct_fields__)
        case msgspec.Struct():
            return _named(None, value, value.__struct_fields__)
        case datetime():
            return value.isoformat()
        case Path():
            return str(value)
        case Enum():
            return value.value
        case dict():
            return {str(name): plain(inner) for name, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain(inner) for inner in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        shown = [field.name for field in dataclasses.fields(value) if not field.name.startswith("_")]
        return _named(None, value, shown)
    return value


def _named(kind: Any, value: Any, names: Sequence[str]) -> dict[str, Any]:
    """The attributes of these names, behind the type; an item that is not known has a type of its own."""
    fields = {name: plain(getattr(value, name)) for name in names}
    return fields if kind is None else {"type": kind, **fields}


def ago(when: datetime) -> str:
    """``5 minutes ago``."""
    seconds = max(0.0, (datetime.now(when.tzinfo) - when).total_seconds())
    for size, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {name}{'s' if count > 1 else ''} ago"
    return "just now"


def _one_line(cell: object) -> str:
    from ._items import safe

    text = "" if cell is None else str(cell)
    return " ".join(safe(text).split())
