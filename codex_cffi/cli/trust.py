"""``codex-cffi trust``: which files of projects may run here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from ._exit import CommandError, Exit
from ._options import Flag

__all__ = ["app"]

app = App(
    name="trust",
    help="""Trusts the configuration files of a project as they are, after showing them.

A configuration file runs in this process, outside of the sandbox. It counts only as it was when you trusted it: a change asks again.

For example:

    codex-cffi trust
    codex-cffi trust list
    codex-cffi trust forget .
""",
)


@app.default
def trust(
    folder: Path | None = None, /, *, yes: Annotated[bool, Parameter(name=("--yes", "-y"), negative=())] = False
) -> None:
    """Shows the files, and trusts them as they are.

    Args:
        folder: The project. Default: the current folder.
        yes: Does not ask.
    """
    from .. import config_file
    from . import _terminal
    from ._trusting import ask, show

    if not config_file.find(folder):
        raise CommandError(
            "there is no codex.config.py, and no [tool.codex-cffi] in pyproject.toml", Exit.CONFIGURATION
        )
    if not yes and not _terminal.is_interactive():
        raise CommandError("nobody can be asked here", Exit.CONFIGURATION, "--yes trusts the files as they are")
    asked: list[config_file.Unseen] = []

    def decide(files: list[config_file.Unseen]) -> bool:
        asked.extend(files)
        if not yes:
            return ask(files)
        for file in files:
            show(file)
        return True

    config_file.load(folder, trust=decide)
    _terminal.errors().print("trusted" if asked else "trusted already, as it is")


@app.command(name="list")
def list_(*, json: Flag = False) -> None:
    """Lists the files that are trusted.

    Args:
        json: As JSON.
    """
    from .. import config_file
    from ._table import print_json, print_table

    found = config_file.trusted()
    if json:
        print_json(found)
        return
    print_table(("file",), [(path,) for path in found], nothing="no file is trusted")


@app.command
def forget(path: Path, /) -> None:
    """Trusts a file, or all files below a folder, no longer.

    Args:
        path: The file or the folder.
    """
    from .. import config_file

    if not config_file.forget(path):
        raise CommandError(f"nothing is trusted at {path}", Exit.FAILED)
