"""What threads are started with: sandbox, approvals, working directory."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

from ._checks import several, whole

__all__ = ["ApprovalMode", "CommandLimits", "Personality", "SandboxMode", "TurnOptions", "WorkspaceWrite"]

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


class TurnOptions(TypedDict, total=False):
    """What may be said of one turn; see :meth:`Thread.run`."""

    model: str | None
    reasoning_effort: str | None
    approval_mode: ApprovalMode | None
    sandbox_mode: SandboxMode | None
    workspace_write: WorkspaceWrite | None
    working_directory: str | os.PathLike[str] | None
    personality: Personality | None
    timeout: float | None
