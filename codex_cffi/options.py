"""What threads are started with: sandbox, approvals, working directory, input."""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from .errors import (
    WorkingDirectoryError,
    WorkingDirectoryNotADirectory,
    WorkingDirectoryNotFound,
    WorkingDirectoryNotTrusted,
)

__all__ = ["ApprovalMode", "InputItem", "LocalImage", "SandboxMode", "TextInput", "TurnInput", "WorkspaceWrite"]

#: What commands may touch: nothing but reads, writes in the workspace, or (without a sandbox) everything.
SandboxMode = Literal["read-only", "workspace-write", "danger-full-access"]
#: When the host is asked: never, when the agent asks to leave the sandbox, after a failure in the sandbox (the engine treats it as
#: on-request), or for every command that is not known to be harmless.
ApprovalMode = Literal["never", "on-request", "on-failure", "untrusted"]


@dataclass(frozen=True)
class WorkspaceWrite:
    """Details of the sandbox mode ``workspace-write``.

    Attributes:
        network_access: Commands may use the network.
        writable_roots: Folders besides the working directory that commands may write to.
        exclude_tmpdir_env_var: ``$TMPDIR`` is not writable.
        exclude_slash_tmp: ``/tmp`` is not writable.
    """

    network_access: bool = False
    writable_roots: Sequence[str | os.PathLike[str]] = ()
    exclude_tmpdir_env_var: bool = False
    exclude_slash_tmp: bool = False

    def to_config(self) -> dict[str, Any]:
        """As the engine's ``sandbox_workspace_write`` configuration."""
        if isinstance(self.writable_roots, (str, bytes, os.PathLike)):
            raise TypeError("writable_roots must be a list of folders, not one folder")
        return {
            "network_access": self.network_access,
            "writable_roots": [os.path.abspath(os.fspath(root)) for root in self.writable_roots],
            "exclude_tmpdir_env_var": self.exclude_tmpdir_env_var,
            "exclude_slash_tmp": self.exclude_slash_tmp,
        }


@dataclass(frozen=True)
class TextInput:
    """Text for the agent."""

    text: str


@dataclass(frozen=True)
class LocalImage:
    """An image file for the agent."""

    path: str | os.PathLike[str]


#: One part of a turn's input.
InputItem = str | TextInput | LocalImage | Mapping[str, Any]
#: A turn's input: text, or a list of texts and images. Mappings go to the engine as they are (``UserInput`` of its protocol).
TurnInput = InputItem | Sequence[InputItem]


def choice(name: str, value: Any, allowed: Any) -> Any:
    """`value`, if it is one of a Literal's; else an error that names them."""
    values = get_args(allowed)
    if value not in values:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, values))}, not {value!r}")
    return value


def encode_input(value: TurnInput) -> list[dict[str, Any]]:
    """A turn's input as the engine takes it."""
    items = [value] if isinstance(value, (str, TextInput, LocalImage, Mapping)) else list(value)
    if not items:
        raise ValueError("the input is empty")
    return [_encode_item(item) for item in items]


def _encode_item(item: Any) -> dict[str, Any]:
    match item:
        case str(text) | TextInput(text=text):
            if not isinstance(text, str):
                raise TypeError(f"the text of an input is a str, not {type(text).__name__}")
            if not text.strip():
                raise ValueError("the input has no text")
            return {"type": "text", "text": text}
        case LocalImage(path=path):
            file = Path(path).absolute()
            # The engine would tell the model of a missing file, not the caller.
            try:
                found = file.is_file()
            except OSError:  # its name is too long
                found = False
            if not found:
                raise FileNotFoundError(f"there is no image file {file}")
            return {"type": "localImage", "path": str(file)}
        case Mapping():
            return dict(item)
    raise TypeError(
        f"input must be text, TextInput, LocalImage, a mapping, or a list of these, not {type(item).__name__}"
    )


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


def thread_params(
    *,
    model: str | None,
    sandbox_mode: SandboxMode | None,
    approval_mode: ApprovalMode | None,
    workspace_write: WorkspaceWrite | None,
    working_directory: str | os.PathLike[str] | None,
    skip_git_repo_check: bool,
    full_auto: bool | None,
    ephemeral: bool,
) -> dict[str, Any]:
    """Parameters of ``thread/start``; the arguments are those of :meth:`Codex.start_thread`."""
    if full_auto is not None:
        import warnings

        warnings.warn(
            "full_auto is deprecated; use sandbox_mode='workspace-write' and approval_mode='on-request'",
            DeprecationWarning,
            stacklevel=4,  # past names_keywords and start_thread
        )
        if full_auto:
            sandbox_mode, approval_mode = sandbox_mode or "workspace-write", approval_mode or "on-request"
    if workspace_write is not None:
        if not isinstance(workspace_write, WorkspaceWrite):
            raise TypeError(f"workspace_write must be a WorkspaceWrite, not {type(workspace_write).__name__}")
        if sandbox_mode not in (None, "workspace-write"):
            raise ValueError(f"workspace_write does not go with sandbox_mode={sandbox_mode!r}")
        sandbox_mode = "workspace-write"
    params: dict[str, Any] = {
        "cwd": check_working_directory(working_directory, skip_git_repo_check=skip_git_repo_check)
    }
    if sandbox_mode is not None:
        params["sandbox"] = choice("sandbox_mode", sandbox_mode, SandboxMode)
    if approval_mode is not None:
        mode = choice("approval_mode", approval_mode, ApprovalMode)
        params["approvalPolicy"] = "on-request" if mode == "on-failure" else mode
    if model is not None:
        params["model"] = model
    if ephemeral:
        params["ephemeral"] = True
    if workspace_write is not None:
        params["config"] = {"sandbox_workspace_write": workspace_write.to_config()}
    return params


def some_thread_params(given: Mapping[str, Any]) -> dict[str, Any]:
    """The same for those who have a few of the arguments; the others are as if they were not given."""
    arguments: dict[str, Any] = {name: given.get(name) for name in inspect.signature(thread_params).parameters}
    return thread_params(**arguments)


def turn_params(thread_id: str, input: TurnInput, output_schema: Mapping[str, Any] | None) -> dict[str, Any]:
    """Parameters of ``turn/start``; the arguments are those of :meth:`Thread.run`."""
    params: dict[str, Any] = {"threadId": thread_id, "input": encode_input(input)}
    if output_schema is not None:
        if not isinstance(output_schema, Mapping):
            raise TypeError(f"output_schema must be a JSON schema (a mapping), not {type(output_schema).__name__}")
        params["outputSchema"] = dict(output_schema)
    return params
