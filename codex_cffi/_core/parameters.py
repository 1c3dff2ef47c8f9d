"""What threads and turns are started with, as the engine's parameters: the one place that makes them."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from .._checks import choice, filled, flag, instance
from ..errors import (
    WorkingDirectoryError,
    WorkingDirectoryNotADirectoryError,
    WorkingDirectoryNotFoundError,
    WorkingDirectoryNotTrustedError,
)
from ..options import ApprovalMode, Personality, SandboxMode, WorkspaceWrite

if TYPE_CHECKING:
    from .._mcp_servers import McpServer
    from ..approvals import ApprovalHandler
    from ..tools import Tool


class Equipment(msgspec.Struct, frozen=True):
    """What a thread has besides what its client has."""

    tools: Iterable[Tool] | None = ()
    mcp_servers: Mapping[str, McpServer | Mapping[str, Any]] | None = None
    #: Names; None is all of the client's.
    skills: Iterable[str] | None = None
    on_approval: ApprovalHandler | None = None


class ThreadOptions(msgspec.Struct, frozen=True):
    """Options of a thread, as :meth:`Codex.start_thread` has them."""

    model: str | None = None
    sandbox_mode: SandboxMode | None = None
    approval_mode: ApprovalMode | None = None
    workspace_write: WorkspaceWrite | None = None
    working_directory: str | os.PathLike[str] | None = None
    skip_git_repo_check: bool | None = None
    trust_project: bool | None = None
    ephemeral: bool = False
    model_provider: str | None = None

    def over(self, *, skip_git_repo_check: bool, trust_project: bool) -> ThreadOptions:
        """These, with defaults for what was not said."""
        return msgspec.structs.replace(
            self,
            skip_git_repo_check=skip_git_repo_check if self.skip_git_repo_check is None else self.skip_git_repo_check,
            trust_project=trust_project if self.trust_project is None else self.trust_project,
        )

    def params(self, *, here: bool = True) -> dict[str, Any]:
        """Parameters of ``thread/start`` and its like.

        Without `here` a working directory that is not given is left to the engine: a session's own.
        """
        mode = self.sandbox_mode
        if self.workspace_write is not None:
            mode = _mode_with_details(mode, self.workspace_write)
        params: dict[str, Any] = {}
        if here or self.working_directory is not None:
            params["cwd"] = check_working_directory(
                self.working_directory, skip_git_repo_check=bool(self.skip_git_repo_check)
            )
        if mode is not None:
            params["sandbox"] = choice("sandbox_mode", mode, SandboxMode)
        if self.approval_mode is not None:
            params["approvalPolicy"] = approval_policy(self.approval_mode)
        if self.model is not None:
            params["model"] = self.model
        if self.model_provider is not None:
            params["modelProvider"] = filled("model_provider", self.model_provider)
        if self.ephemeral:
            params["ephemeral"] = True
        config: dict[str, Any] = {}
        if self.workspace_write is not None:
            config["sandbox_workspace_write"] = self.workspace_write.to_config()
        if flag("trust_project", self.trust_project):
            # No setting: the engine takes it out, and trusts the folders that the thread starts in.
            config["trust_project"] = True
        if config:
            params["config"] = config
        return params


class TurnOverrides(msgspec.Struct, frozen=True):
    """What one turn, or the thread from now on, has otherwise; as :meth:`Thread.run` and :meth:`Thread.update` have it."""

    model: str | None = None
    reasoning_effort: str | None = None
    approval_mode: ApprovalMode | None = None
    sandbox_mode: SandboxMode | None = None
    workspace_write: WorkspaceWrite | None = None
    working_directory: str | os.PathLike[str] | None = None
    personality: Personality | None = None

    def params(self, own: WorkspaceWrite | None, *, skip_git_repo_check: bool) -> dict[str, Any]:
        """Parameters of ``turn/start`` and ``thread/settings/update``. `own`: the thread's details of ``workspace-write``."""
        made: dict[str, Any] = {}
        for name, value, param in (
            ("model", self.model, "model"),
            ("reasoning_effort", self.reasoning_effort, "effort"),
        ):
            if value is not None:
                made[param] = filled(name, value)
        if self.approval_mode is not None:
            made["approvalPolicy"] = approval_policy(self.approval_mode)
        policy = self._policy(own or WorkspaceWrite())
        if policy is not None:
            made["sandboxPolicy"] = policy
        if self.working_directory is not None:
            made["cwd"] = check_working_directory(self.working_directory, skip_git_repo_check=skip_git_repo_check)
        if self.personality is not None:
            made["personality"] = choice("personality", self.personality, Personality)
        return made

    def _policy(self, own: WorkspaceWrite) -> dict[str, Any] | None:
        details, mode = self.workspace_write, self.sandbox_mode
        if details is not None:
            mode = _mode_with_details(mode, details)
        if mode is None:
            return None
        match choice("sandbox_mode", mode, SandboxMode):
            case "danger-full-access":
                return {"type": "dangerFullAccess"}
            case "read-only":
                return {"type": "readOnly", "networkAccess": False}
        if details is not None and set(details.sockets()) != set(own.sockets()):
            raise ValueError(
                "allow_unix_sockets holds for a whole thread: give a turn the same ones that its thread was started with"
            )
        config = (details or own).to_config()
        return {
            "type": "workspaceWrite",
            "networkAccess": config["network_access"],
            "writableRoots": config["writable_roots"],
            "excludeTmpdirEnvVar": config["exclude_tmpdir_env_var"],
            "excludeSlashTmp": config["exclude_slash_tmp"],
        }


def full_auto_modes(
    full_auto: bool | None, sandbox_mode: SandboxMode | None, approval_mode: ApprovalMode | None
) -> tuple[SandboxMode | None, ApprovalMode | None]:
    """The modes that the deprecated `full_auto` stands for, where these were not given."""
    if full_auto is None:
        return sandbox_mode, approval_mode
    warnings.warn(
        "full_auto is deprecated; use sandbox_mode='workspace-write' and approval_mode='on-request'",
        DeprecationWarning,
        stacklevel=4,  # past names_keywords and start_thread
    )
    if not full_auto:
        return sandbox_mode, approval_mode
    return sandbox_mode or "workspace-write", approval_mode or "on-request"


def _mode_with_details(mode: SandboxMode | None, details: Any) -> SandboxMode:
    """The sandbox mode that details of ``workspace-write`` imply."""
    instance("workspace_write", details, WorkspaceWrite)
    if mode not in (None, "workspace-write"):
        raise ValueError(f"workspace_write does not go with sandbox_mode={mode!r}")
    return "workspace-write"


def approval_policy(mode: Any) -> str:
    """The engine's word for an approval mode."""
    choice("approval_mode", mode, ApprovalMode)
    return "on-request" if mode == "on-failure" else str(mode)


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
        raise WorkingDirectoryNotFoundError(f"the working directory {path} does not exist")
    if not is_directory:
        raise WorkingDirectoryNotADirectoryError(f"the working directory {path} is not a directory")
    if not trusted:
        raise WorkingDirectoryNotTrustedError(
            f"the working directory {path} is not inside a git repository, so what the agent changes could not be undone. "
            "Use a repository, or pass skip_git_repo_check=True."
        )
    return str(path)
