"""The options that commands have in common, which are also the defaults that a configuration file may give.

None, or an empty tuple, is an option that was not given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from cyclopts import Group, Parameter, Token

__all__ = ["Approval", "EngineOptions", "Flag", "Sandbox", "ThreadOptions"]

Sandbox = Literal["read-only", "workspace-write", "danger-full-access"]
Approval = Literal["never", "on-request", "untrusted"]

#: A switch that only turns on.
Flag = Annotated[bool, Parameter(negative=())]
#: An option that may be given more than once; each takes one value.
_Many = Parameter(negative=(), consume_multiple=False)


def _one_of(kind: Any, tokens: Sequence[Token]) -> str:
    """A choice. The library would take the word ``none`` for no choice at all, which is no answer to what a command may touch."""
    allowed = [
        value for part in get_args(kind) or (kind,) for value in get_args(part) or (part,) if isinstance(value, str)
    ]
    if tokens[0].value not in allowed:
        raise ValueError(f"choose from: {', '.join(allowed)}")
    return tokens[0].value


_ENGINE = Group("Engine", sort_key=20)
_THREAD = Group("Thread", sort_key=10)


@Parameter(name="*", group=_ENGINE)
@dataclass(frozen=True, kw_only=True)
class EngineOptions:
    """The engine: its home, its configuration, what extends it.

    Attributes:
        cd: Folder that the agent works in. Default: the current one.
        config: A setting of the engine, over those of config.toml: a dotted key and a TOML value, such as `model_reasoning_effort=high`. Repeatable.
        profile: Settings of `NAME.config.toml` in the codex home, over those of config.toml.
        ignore_user_config: config.toml of the codex home is not read. Logins are used all the same.
        plugin: A plugin: a file, `module:name`, or the name of an installed one. Repeatable; later ones win.
        trust: The project's configuration file is trusted as it is now.
        no_project_config: The project's configuration file is not used.
    """

    cd: Annotated[Path | None, Parameter(name=("--cd", "-C"))] = None
    config: Annotated[tuple[str, ...], Parameter(name=("--config", "-c")), _Many] = ()
    profile: Annotated[str | None, Parameter(name=("--profile", "-p"))] = None
    ignore_user_config: Flag = False
    plugin: Annotated[tuple[str, ...], _Many] = ()
    trust: Flag = False
    no_project_config: Flag = False


@Parameter(name="*", group=_THREAD)
@dataclass(frozen=True, kw_only=True)
class ThreadOptions:
    """The thread: its model, and what it may do.

    Attributes:
        model: The model.
        effort: How much the model thinks, such as low or high; what there is depends on the model.
        sandbox: What commands may touch. Default: read-only.
        approval: When you are asked: never, when the agent wants to leave the sandbox, or before each command that is not known to be harmless. Default:
            on-request at a terminal, else never.
        add_dir: A folder that commands may write to, besides the working one. Repeatable.
        ephemeral: Nothing of the session is kept.
        timeout: Seconds until a turn is stopped.
        skip_git_repo_check: The folder need not be in a git repository.
    """

    model: Annotated[str | None, Parameter(name=("--model", "-m"))] = None
    effort: str | None = None
    sandbox: Annotated[Sandbox | None, Parameter(name=("--sandbox", "-s"), converter=_one_of)] = None
    approval: Annotated[Approval | None, Parameter(converter=_one_of)] = None
    add_dir: Annotated[tuple[Path, ...], _Many] = ()
    ephemeral: Flag = False
    timeout: float | None = None
    skip_git_repo_check: Flag = False
