"""From options to a client and a thread: what is common to all commands that need the engine."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._exit import CommandError, Exit
from ._options import EngineOptions, ThreadOptions

if TYPE_CHECKING:
    from .. import ApprovalRequest, Codex, Decision

__all__ = ["Opened", "opened", "settings", "thread_arguments"]


@dataclass(frozen=True)
class Opened:
    """A client for a command.

    Attributes:
        codex: The client.
        thread_arguments: For :meth:`Codex.start_thread` and :meth:`Codex.resume_thread`.
    """

    codex: Codex
    thread_arguments: dict[str, Any]


@contextmanager
def opened(
    engine: EngineOptions,
    thread: ThreadOptions | None = None,
    *,
    command: str,
    on_approval: Callable[[ApprovalRequest], Decision | None] | None = None,
) -> Iterator[Opened]:
    """A client as the options and the configuration files say, closed afterwards.

    Args:
        engine, thread: The options that were given.
        command: The command, whose defaults in the configuration files count.
        on_approval: Asks the person at the terminal.

    Raises:
        CommandError: An option or a configuration file is wrong.
    """
    from .. import Codex

    arguments = thread_arguments(engine, thread or ThreadOptions(), interactive=on_approval is not None)
    with Codex(isolated=engine.ignore_user_config, config=settings(engine.config), on_approval=on_approval) as codex:
        yield Opened(codex, arguments)


def thread_arguments(engine: EngineOptions, thread: ThreadOptions, *, interactive: bool) -> dict[str, Any]:
    """The arguments that a thread is started with."""
    from .. import WorkspaceWrite

    folder = engine.cd or Path.cwd()
    if not folder.is_dir():
        raise CommandError(f"--cd: there is no folder {folder}", Exit.USAGE)
    arguments: dict[str, Any] = {
        "working_directory": folder,
        "approval_mode": thread.approval or ("on-request" if interactive else "never"),
        "skip_git_repo_check": thread.skip_git_repo_check,
        "model": thread.model,
        "sandbox_mode": thread.sandbox,
    }
    if thread.add_dir:
        if thread.sandbox not in (None, "workspace-write"):
            raise CommandError("--add-dir needs --sandbox workspace-write", Exit.USAGE)
        arguments["sandbox_mode"] = "workspace-write"
        arguments["workspace_write"] = WorkspaceWrite(writable_roots=thread.add_dir)
    return {name: value for name, value in arguments.items() if value is not None}


def settings(pairs: tuple[str, ...]) -> dict[str, Any]:
    """The settings of ``--config KEY=VALUE``: the key dotted, the value as TOML, or else a text.

    Raises:
        CommandError: There is no ``=``, or no key.
    """
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    made: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        names = [name.strip() for name in key.split(".")]
        if not equals or not all(names):
            raise CommandError(f"--config takes KEY=VALUE, not {key!r}", Exit.USAGE)
        try:
            parsed = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            parsed = value.strip()
        place = made
        for name in names[:-1]:
            place = place.setdefault(name, {})
            if not isinstance(place, dict):
                raise CommandError(f"--config: {key} and a setting before it exclude each other", Exit.USAGE)
        place[names[-1]] = parsed
    return made
