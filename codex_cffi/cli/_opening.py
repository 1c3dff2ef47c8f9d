"""From options and configuration files to a client and a thread: what is common to all commands that need the engine."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ._exit import CommandError, Exit
from ._options import EngineOptions, ThreadOptions

if TYPE_CHECKING:
    from .. import Codex
    from ..approvals import ApprovalHandler
    from ..config_file import Loaded

__all__ = ["Opened", "configuration", "folder", "opened", "thread_arguments", "with_defaults"]

O = TypeVar("O")  # noqa: E741


@dataclass(frozen=True)
class Opened:
    """A client for a command.

    Attributes:
        codex: The client.
        thread_arguments: For :meth:`Codex.start_thread` and :meth:`Codex.resume_thread`.
        timeout: Seconds for each turn.
    """

    codex: Codex
    thread_arguments: dict[str, Any]
    timeout: float | None = None


def folder(engine: EngineOptions) -> Path:
    """Where the agent works.

    Raises:
        CommandError: There is no such folder.
    """
    chosen = engine.cd or Path.cwd()
    if not chosen.is_dir():
        raise CommandError(f"--cd: there is no folder {chosen}", Exit.USAGE)
    return chosen


def configuration(engine: EngineOptions, command: str) -> Loaded:
    """What the project's files and the plugins say; a person at the terminal is asked about what is not trusted.

    Raises:
        ConfigFileError: One is wrong, or is not trusted.
    """
    from .. import config_file
    from . import _terminal
    from ._trusting import ask

    trust: Any = True if engine.trust else ask if _terminal.is_interactive() else False
    return config_file.load(
        folder(engine), plugins=engine.plugin, project=not engine.no_project_config, trust=trust, command=command
    )


def with_defaults(options: O, loaded: Loaded, command: str) -> O:
    """Options, with the defaults of the configuration where they were not given.

    Raises:
        ConfigFileError: A default is not what its option takes.
    """
    from ..config_file import checked_defaults

    defaults = checked_defaults(loaded, command, type(options))
    missing = {
        field.name: defaults[field.name]
        for field in dataclasses.fields(options)  # type: ignore[arg-type]
        if field.name in defaults and getattr(options, field.name) == field.default
    }
    return dataclasses.replace(options, **missing)  # type: ignore[type-var]


@contextmanager
def opened(
    engine: EngineOptions,
    thread: ThreadOptions | None = None,
    *,
    command: str,
    on_approval: ApprovalHandler | None = None,
    login: bool = False,
) -> Iterator[Opened]:
    """A client as the options and the configuration files say, closed afterwards.

    Args:
        engine, thread: The options that were given.
        command: The command, whose defaults in the configuration files count.
        on_approval: Asks the person at the terminal; what the configuration files have goes before it.
        login: The command asks the model, which needs a login unless its provider needs none.

    Raises:
        CommandError, ConfigFileError: An option or a configuration file is wrong.
    """
    from .. import Codex
    from .._core.client_options import merged
    from .._toml import parse_overrides
    from ..config_file import checked_names

    loaded = configuration(engine, command)
    kinds = (EngineOptions, ThreadOptions)
    checked_names(loaded, command, [field.name for kind in kinds for field in dataclasses.fields(kind)])
    engine = with_defaults(engine, loaded, command)
    thread = with_defaults(thread or ThreadOptions(), loaded, command)
    client = loaded.client_options()
    try:
        client["config"] = merged(client.get("config", {}), parse_overrides(engine.config, "--config"))
    except ValueError as error:
        raise CommandError(str(error)) from error
    if thread.effort is not None:
        client["config"]["model_reasoning_effort"] = thread.effort
    client.setdefault("on_approval", on_approval)
    arguments = thread_arguments(engine, thread, interactive=client["on_approval"] is not None)
    with Codex(ignore_user_config=engine.ignore_user_config, profile=engine.profile, **client) as codex:
        if login:
            account = codex.account.read()
            if account.login_needed and not account.logged_in:
                raise CommandError("there is no login", Exit.AUTHENTICATION, "codex-cffi login, or set OPENAI_API_KEY")
        yield Opened(codex, arguments, thread.timeout)


def thread_arguments(engine: EngineOptions, thread: ThreadOptions, *, interactive: bool) -> dict[str, Any]:
    """The arguments that a thread is started with."""
    from .. import WorkspaceWrite

    arguments: dict[str, Any] = {
        "working_directory": folder(engine),
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
