"""Settings of a live thread: changes for one turn or from now on, and what takes a turn's changes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..options import Personality, SandboxMode, WorkspaceWrite

if TYPE_CHECKING:
    from .parameters import TurnOverrides

__all__ = ["Settings"]

#: The engine's personality where nothing says otherwise.
_PERSONALITY: Personality = "pragmatic"
_SANDBOX_MODES: dict[str, SandboxMode] = {
    "readOnly": "read-only",
    "workspaceWrite": "workspace-write",
    "dangerFullAccess": "danger-full-access",
}


class Settings:
    """A thread's settings as they hold from now on.

    The engine keeps what a turn was started with for the turns after it. So each turn's changes are taken back at its end, with the values from here.
    """

    def __init__(
        self,
        info: Mapping[str, Any],
        workspace_write: WorkspaceWrite | None,
        *,
        skip_git_repo_check: bool,
        efforts: Mapping[str, Sequence[str]],
    ) -> None:
        self.skip_git_repo_check = skip_git_repo_check
        self._workspace_write = workspace_write
        self._efforts = efforts
        self._provider: str | None = info.get("modelProvider")
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

    def overrides(self, changes: TurnOverrides) -> dict[str, Any]:
        """Checked changes, by the names that turn/start and thread/settings/update have for them."""
        made = changes.params(self._workspace_write, skip_git_repo_check=self.skip_git_repo_check)
        if self._efforts and "effort" in made:
            from .. import _model_info  # only where models were given

            _model_info.check_effort(made["effort"], made.get("model", self._now["model"]), self._efforts)
        return made

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
        if self._provider:
            made["modelProvider"] = self._provider
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

    def shown(self) -> dict[str, Any]:
        """What holds now, by the names that the engine reports it with."""
        return {
            "model": self._now["model"],
            "cwd": self._now["cwd"],
            "approvalPolicy": self._now["approvalPolicy"],
            "sandbox": self._now["sandboxPolicy"],
            "reasoningEffort": self._now["effort"],
        }
