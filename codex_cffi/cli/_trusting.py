"""Shows files of a project that are not trusted, and asks."""

from __future__ import annotations

import difflib

from ..config_file import Unseen
from . import _terminal
from ._items import safe

__all__ = ["ask", "show"]


def show(file: Unseen) -> None:
    """Prints what is in a file; of one that was trusted before, what has changed."""
    from rich.syntax import Syntax
    from rich.text import Text

    console = _terminal.errors()
    if file.before is None:
        console.print(Text.assemble((str(file.path), "bold"), " was never trusted. It says:"), soft_wrap=True)
        console.print(Syntax(safe(file.text), "python", background_color="default"))
        return
    console.print(Text.assemble((str(file.path), "bold"), " has changed since it was trusted:"), soft_wrap=True)
    lines = difflib.unified_diff(file.before.splitlines(), file.text.splitlines(), "trusted", "now", lineterm="")
    console.print(Syntax(safe("\n".join(lines)), "diff", background_color="default"))


def ask(files: list[Unseen]) -> bool:
    """Asks the person at the terminal; no is the default."""
    for file in files:
        show(file)
    return _terminal.confirmed("It runs in this process, outside of the sandbox. Trust it as it is now?")
