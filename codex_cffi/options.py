"""What threads are started with: sandbox, approvals, working directory."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ._checks import choice as choice  # as other modules take it from here
from ._checks import flag, instance, several, whole
from .errors import (
    WorkingDirectoryError,
    WorkingDirectoryNotADirectory,
    WorkingDirectoryNotFound,
    WorkingDirectoryNotTrusted,
)

__all__ = ["ApprovalMode", "CommandLimits", "Personality", "SandboxMode", "WorkspaceWrite"]

#: What commands may touch: nothing but reads, writes in the workspace, or (without a sandbox) everything.
SandboxMode = Literal["read-only", "workspace-write", "danger-full-access"]
#: When the host is asked: never, when the agent asks to leave the sandbox, after a failure in the sandbox (the engine treats it as
#: on-request), or for every command that is not known to be harmless.
ApprovalMode = Literal["never", "on-request", "on-failure", "untrusted"]

#: How the agent talks, where its model can: by the model's own nature, warmly, or to the point.
Personality = Literal["none", "friendly", "pragmatic"]


@dataclass(frozen=True)
class WorkspaceWrite:
    """Details of the sandbox mode ``workspace-write``.

    Attributes:
        network_access: Commands may use the network.
        writable_roots: Folders besides the working directory that commands may write to.
        exclude_tmpdir_env_var: ``$TMPDIR`` is not writable.
        exclude_slash_tmp: ``/tmp`` is not writable.
        allow_unix_sockets: Absolute paths of sockets of the system (AF_UNIX) that commands may connect to, such as ``/run/docker.sock``; all others stay
            closed to them. Needs `network_access`, and holds for a whole thread. What listens there decides what a command can do through it.
    """

    network_access: bool = False
    writable_roots: Sequence[str | os.PathLike[str]] = ()
    exclude_tmpdir_env_var: bool = False
    exclude_slash_tmp: bool = False
    allow_unix_sockets: Sequence[str | os.PathLike[str]] = ()

    def to_config(self) -> dict[str, Any]:
        """As the engine's ``sandbox_workspace_write`` configuration."""
        several("writable_roots", self.writable_roots, "folders", "folder")
        sockets = self.sockets()
        if sockets and not self.network_access:
            raise ValueError(
                "allow_unix_sockets needs network_access=True: without network, commands reach no socket at all"
            )
        return {
            **({"allow_unix_sockets": sockets} if sockets else {}),
            "network_access": self.network_access,
            "writable_roots": [os.path.abspath(os.fspath(root)) for root in self.writable_roots],
            "exclude_tmpdir_env_var": self.exclude_tmpdir_env_var,
            "exclude_slash_tmp": self.exclude_slash_tmp,
        }

    def sockets(self) -> list[str]:
        """The sockets that may be reached, checked."""
        several("allow_unix_sockets", self.allow_unix_sockets, "paths", "path")
        sockets = [os.fspath(path) for path in self.allow_unix_sockets]
        for path in sockets:
            if not os.path.isabs(path):
                raise ValueError(f"allow_unix_sockets: {path!r} is not an absolute path")
            if len(os.fsencode(path)) > 107:
                raise ValueError(
                    f"allow_unix_sockets: {path!r} is longer than the 107 bytes that the path of a socket may have"
                )
        return sockets


@dataclass(frozen=True)
class CommandLimits:
    """How much each command of the agent may use, in every sandbox mode; None: as much as there is.

    A command that goes beyond `processes` or `memory` is stopped, all of it, and the model is told why; that is looked at 50 times a second, so for such a
    moment it may have more. A write beyond `file_size` fails.

    Attributes:
        processes: Processes that a command has at the same time, each thread for one. At least 1.
        memory: Memory of all its processes together, in bytes; no single one gets more for its data. At least 32 MiB. Files in memory (``/dev/shm``) are not
            counted.
        file_size: Size of a file that it writes, in bytes. At least 1.
    """

    processes: int | None = None
    memory: int | None = None
    file_size: int | None = None

    def __post_init__(self) -> None:
        for name, least in (("processes", 1), ("memory", 32 << 20), ("file_size", 1)):
            value = whole(name, getattr(self, name), or_none=True)
            if value is not None and not least <= value < 1 << 63:
                raise ValueError(f"{name} must be at least {least} and fit into 63 bits, not {value}")

    def to_config(self) -> dict[str, int]:
        """As the engine's ``command_limits`` configuration."""
        limits = {"processes": self.processes, "memory": self.memory, "file_size": self.file_size}
        return {name: value for name, value in limits.items() if value is not None}


def _is_repository(folder: Path) -> bool:
    # A repository's .git is a folder, in a worktree or submodule a file. An empty folder of that name is none: the sandbox may leave one behind.
    git = folder / ".git"
    return (git / "HEAD").exists() or git.is_file()


def check_working_directory(directory: str | os.PathLike[str] | None, *, skip_git_repo_check: bool) -> str:
    """The absolute path of a directory that a thread can work in, or the error that says why not."""
    try:
        path = Path.cwd() if directory is None else Path(directory).expanduser().absolute()
        exists, is_directory = path.exists(), path.is_dir()
        trusted = skip_git_repo_check or any(_is_repository(folder) for folder in (path, *path.parents))
    except (OSError, RuntimeError) as error:
        # No right to look, a name that is too long, the home of a user that there is not.
        raise WorkingDirectoryError(f"the working directory {directory or '.'} cannot be used: {error}") from None
    if not exists:
        raise WorkingDirectoryNotFound(f"the working directory {path} does not exist")
    if not is_directory:
        raise WorkingDirectoryNotADirectory(f"the working directory {path} is not a directory")
    if not trusted:
        raise WorkingDirectoryNotTrusted(
            f"the working directory {path} is not inside a git repository, so what the agent changes could not be undone. "
            "Use a repository, or pass skip_git_repo_check=True."
        )
    return str(path)


def checked_trust(trust: Any) -> bool:
    """`trust_project`, which is True or False and nothing that only looks like it."""
    return flag("trust_project", trust)


def sandbox_with(details: WorkspaceWrite | None, mode: Any) -> Any:
    """The sandbox mode, which details of one imply."""
    if details is None:
        return mode
    instance("workspace_write", details, WorkspaceWrite)
    if mode not in (None, "workspace-write"):
        raise ValueError(f"workspace_write does not go with sandbox_mode={mode!r}")
    return "workspace-write"


def approval_policy(mode: Any) -> str:
    """The engine's word for an approval mode."""
    choice("approval_mode", mode, ApprovalMode)
    return "on-request" if mode == "on-failure" else str(mode)


def thread_params(
    *,
    model: str | None = None,
    sandbox_mode: SandboxMode | None = None,
    approval_mode: ApprovalMode | None = None,
    workspace_write: WorkspaceWrite | None = None,
    working_directory: str | os.PathLike[str] | None = None,
    skip_git_repo_check: bool = False,
    trust_project: bool = False,
    full_auto: bool | None = None,
    ephemeral: bool = False,
    here: bool = True,
) -> dict[str, Any]:
    """Parameters of ``thread/start`` and its like; the arguments are those of :meth:`Codex.start_thread`.

    Without `here` a working directory that is not given is left to the engine: a session's own.
    """
    if full_auto is not None:
        import warnings

        warnings.warn(
            "full_auto is deprecated; use sandbox_mode='workspace-write' and approval_mode='on-request'",
            DeprecationWarning,
            stacklevel=4,  # past names_keywords and start_thread
        )
        if full_auto:
            sandbox_mode, approval_mode = sandbox_mode or "workspace-write", approval_mode or "on-request"
    sandbox_mode = sandbox_with(workspace_write, sandbox_mode)
    params: dict[str, Any] = {}
    if here or working_directory is not None:
        params["cwd"] = check_working_directory(working_directory, skip_git_repo_check=skip_git_repo_check)
    if sandbox_mode is not None:
        params["sandbox"] = choice("sandbox_mode", sandbox_mode, SandboxMode)
    if approval_mode is not None:
        params["approvalPolicy"] = approval_policy(approval_mode)
    if model is not None:
        params["model"] = model
    if ephemeral:
        params["ephemeral"] = True
    config: dict[str, Any] = {}
    if workspace_write is not None:
        config["sandbox_workspace_write"] = workspace_write.to_config()
    if checked_trust(trust_project):
        # No setting: the engine takes it out, and trusts the folders that the thread starts in.
        config["trust_project"] = True
    if config:
        params["config"] = config
    return params
