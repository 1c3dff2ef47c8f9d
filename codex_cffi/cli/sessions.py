"""``codex-cffi sessions``: past conversations."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from ._exit import CommandError, Exit
from ._options import Flag

__all__ = ["app"]

app = App(
    name="sessions",
    help="""Past conversations: lists, searches, shows, renames, archives, deletes them.

For example:

    codex-cffi sessions
    codex-cffi sessions search "rate limit"
    codex-cffi sessions show 0199a213-81c0-7800-8aa1-bbab2a035a53
""",
)

_Limit = Annotated[int, Parameter(name=("--limit", "-n"))]


@app.default
@app.command(name="list")
def list_(*, all: Flag = False, archived: Flag = False, limit: _Limit = 20, json: Flag = False) -> None:
    """Lists sessions, the one used last first.

    Args:
        all: Of all folders, not of the current one alone.
        archived: Those that were archived.
        limit: At most so many.
        json: As JSON.
    """
    from .. import sessions

    found = sessions.list(archived=archived, working_directory=None if all else str(Path.cwd()))
    _show(list(itertools.islice(found, limit)), json)


@app.command
def search(words: str, /, *, limit: _Limit = 20, json: Flag = False) -> None:
    """Finds the sessions that a text occurs in.

    Args:
        words: The text.
        limit: At most so many.
        json: As JSON.
    """
    from .. import sessions

    _show(list(itertools.islice(sessions.search(words), limit)), json)


@app.command
def show(session: str, /, *, json: Flag = False) -> None:
    """Shows what was said and done in a session.

    Args:
        session: Its id.
        json: As JSON.
    """
    from rich.text import Text

    from .. import items, sessions
    from . import _terminal
    from ._items import ending, safe
    from ._table import print_json

    record = sessions.read(session)
    if json:
        print_json(record)
        return
    console = _terminal.console()
    for turn in record.turns:
        for item in turn.items:
            if isinstance(item, items.UserMessage):
                console.print(Text(f"> {safe(str(item))}", style="bold"))
            elif (shown := ending(item)) is not None:
                console.print(shown)
        if turn.status != "completed":
            console.print(Text(turn.status if turn.error is None else safe(turn.error.message), style="yellow"))


@app.command
def rename(session: str, name: str, /) -> None:
    """Gives a session a name.

    Args:
        session: Its id.
        name: The name.
    """
    from .. import sessions

    sessions.rename(session, name)


@app.command
def archive(session: str, /) -> None:
    """Puts a session away: it is no longer listed, and can be brought back.

    Args:
        session: Its id.
    """
    from .. import sessions

    sessions.archive(session)


@app.command
def unarchive(session: str, /) -> None:
    """Brings a session back.

    Args:
        session: Its id.
    """
    from .. import sessions

    sessions.unarchive(session)


@app.command
def delete(session: str, /, *, yes: Annotated[bool, Parameter(name=("--yes", "-y"), negative=())] = False) -> None:
    """Deletes a session for good.

    Args:
        session: Its id.
        yes: Does not ask.
    """
    from .. import sessions
    from ._terminal import confirmed

    if not yes and not confirmed(f"Delete the session {session} for good?"):
        raise CommandError("nothing was deleted", Exit.FAILED, "--yes deletes without asking")
    sessions.delete(session)


def _show(found: list[object], json: bool) -> None:
    from .._records import ThreadInfo
    from ._table import ago, print_json, print_table

    if json:
        print_json(found)
        return
    rows = [
        (info.id, ago(info.updated_at), info.name or info.snippet or info.preview)
        for info in found
        if isinstance(info, ThreadInfo)
    ]
    print_table(("id", "used", "about"), rows, nothing="there are no sessions here; --all lists those of other folders")
