"""Settings of a live thread: changes for one turn or from now on, and what takes a turn's changes back."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypedDict

from ._checks import choice, filled
from .options import (
    ApprovalMode,
    Personality,
    SandboxMode,
    WorkspaceWrite,
    approval_policy,
    check_working_directory,
    sandbox_with,
)

if TYPE_CHECKING:
    from .thread import BaseThread

__all__ = ["Settings", "TurnOptions", "show"]

#: The engine's personality where nothing says otherwise.
_PERSONALITY: Personality = "pragmatic"
_SANDBOX_MODES: dict[str, SandboxMode] = {
    "readOnly": "read-only",
    "workspaceWrite": "workspace-write",
    "dangerFullAccess": "danger-full-access",
}


class TurnOptions(TypedDict, total=False):
    """What may be said of one turn; see :meth:`Thread.run`."""

    model: str | None
    effort: str | None
    approval_mode: ApprovalMode | None
    sandbox_mode: SandboxMode | None
    workspace_write: WorkspaceWrite | None
    working_directory: str | os.PathLike[str] | None
    personality: Personality | None
    timeout: float | None


class Settings:
    """A thread's settings as they hold from now on.

    The engine keeps what a turn was started with for the turns after it. So each turn's changes are taken back at its end, with the values from here.
    """

    def __init__(
        self, info: Mapping[str, Any], workspace_write: WorkspaceWrite | None, *, skip_git_repo_check: bool
    ) -> None:
        self.skip_git_repo_check = skip_git_repo_check
        self._workspace_write = workspace_write
        self._profile: str | None = (info.get("activePermissionProfile") or {}).get("id")
        #: By their names in turn/start. `personality` is missing until it is known.
        self._now: dict[str, Any] = {
            "model": info["model"],
            "effort": info.get("reasoningEffort"),
            "approvalPolicy": info["approvalPolicy"],
            "sandboxPolicy": info["sandbox"],
            "cwd": info["cwd"],
        }
        #: What a collaboration mode has besides model and effort.
        self._mode: dict[str, Any] = {"mode": "default", "developer_instructions": ""}

    def __getitem__(self, name: str) -> Any:
        return self._now[name]

    def overrides(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Checked options of a turn, by the names that turn/start and thread/settings/update have for them."""
        made: dict[str, Any] = {}
        for name in ("model", "effort"):
            value = options.get(name)
            if value is not None:
                made[name] = filled(name, value)
        if options.get("approval_mode") is not None:
            made["approvalPolicy"] = approval_policy(options["approval_mode"])
        policy = self._policy(options.get("sandbox_mode"), options.get("workspace_write"))
        if policy is not None:
            made["sandboxPolicy"] = policy
        if options.get("working_directory") is not None:
            made["cwd"] = check_working_directory(
                options["working_directory"], skip_git_repo_check=self.skip_git_repo_check
            )
        if options.get("personality") is not None:
            made["personality"] = choice("personality", options["personality"], Personality)
        return made

    def _policy(self, mode: SandboxMode | None, details: WorkspaceWrite | None) -> dict[str, Any] | None:
        mode = sandbox_with(details, mode)
        if mode is None:
            return None
        match choice("sandbox_mode", mode, SandboxMode):
            case "danger-full-access":
                return {"type": "dangerFullAccess"}
            case "read-only":
                return {"type": "readOnly", "networkAccess": False}
        own = self._workspace_write or WorkspaceWrite()
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

    def knows(self, name: str) -> bool:
        """Whether the value is known, so that it can be put back."""
        return name in self._now

    def learn_personality(self, config: Mapping[str, Any]) -> None:
        """Takes the personality out of the effective configuration."""
        self._now["personality"] = config.get("personality") or _PERSONALITY

    def changed(self, overrides: Mapping[str, Any]) -> None:
        """The overrides hold from now on."""
        self._now.update(overrides)
        if "sandboxPolicy" in overrides:
            self._profile = None

    def noticed(self, settings: Mapping[str, Any]) -> None:
        """The engine told the thread's settings. The mode is all that no turn of ours changes."""
        mode = settings.get("collaborationMode") or {}
        if mode:
            instructions = (mode.get("settings") or {}).get("developer_instructions")
            # Null would ask for the mode's own instructions; empty ones are none.
            self._mode = {"mode": mode.get("mode", "default"), "developer_instructions": instructions or ""}

    def restoring(self, overrides: Mapping[str, Any]) -> dict[str, Any]:
        """What thread/settings/update takes these overrides back with."""
        made = {name: self._now[name] for name in overrides}
        if "sandboxPolicy" in made and self._profile is not None and not self._profile.startswith(":"):
            del made["sandboxPolicy"]
            made["permissions"] = self._profile
        if "effort" in made and made["effort"] is None:
            # No effort is the model's own, which only a whole collaboration mode can say.
            del made["effort"]
            made.pop("model", None)
            made["collaborationMode"] = {
                "mode": self._mode["mode"],
                "settings": {
                    "model": self._now["model"],
                    "reasoning_effort": None,
                    "developer_instructions": self._mode["developer_instructions"],
                },
            }
        return made

    def for_fork(self) -> dict[str, Any]:
        """Parameters of thread/fork that give the new thread the same settings."""
        made: dict[str, Any] = {"model": self._now["model"], "approvalPolicy": self._now["approvalPolicy"]}
        config: dict[str, Any] = {}
        if self._now["effort"] is not None:
            config["model_reasoning_effort"] = self._now["effort"]
        if self._now.get("personality") is not None:
            config["personality"] = self._now["personality"]
        if self._profile is not None and not self._profile.startswith(":"):
            made["permissions"] = self._profile
        else:
            policy = self._now["sandboxPolicy"]
            mode = _SANDBOX_MODES.get(policy.get("type"))
            # Of a policy that has no mode, the strictest is taken.
            made["sandbox"] = mode or "read-only"
            if mode == "workspace-write":
                config["sandbox_workspace_write"] = {
                    "network_access": policy.get("networkAccess", False),
                    "writable_roots": policy.get("writableRoots", []),
                    "exclude_tmpdir_env_var": policy.get("excludeTmpdirEnvVar", False),
                    "exclude_slash_tmp": policy.get("excludeSlashTmp", False),
                }
                if self._workspace_write is not None and self._workspace_write.allow_unix_sockets:
                    config["sandbox_workspace_write"]["allow_unix_sockets"] = self._workspace_write.sockets()
        made["config"] = config
        return made


def show(thread: BaseThread, settings: Settings) -> None:
    """Lets the thread's attributes say what holds now."""
    thread.model, thread.working_directory = settings["model"], settings["cwd"]
    thread.settings.update(
        model=settings["model"],
        cwd=settings["cwd"],
        approvalPolicy=settings["approvalPolicy"],
        sandbox=settings["sandboxPolicy"],
        reasoningEffort=settings["effort"],
    )
