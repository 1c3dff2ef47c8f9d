"""How a client and its threads are set up: CodexConfig, ApprovalMode, Sandbox."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from .._toml import parse_overrides

#: The version of the official SDK whose API this is.
VERSION = "0.163.0"


class ApprovalMode(str, Enum):
    """Who decides when a command wants to leave the sandbox."""

    deny_all = "deny_all"
    auto_review = "auto_review"


class Sandbox(str, Enum):
    """What commands may touch: reads only, writes in the workspace, or everything."""

    read_only = "read-only"
    workspace_write = "workspace-write"
    full_access = "full-access"


@dataclass(slots=True)
class CodexConfig:
    """How the engine is set up. Most programs need none.

    Attributes:
        codex_bin: Refused: there is no executable. ``CODEX_CFFI_LIBRARY`` names another build of the library.
        launch_args_override: Refused likewise.
        config_overrides: Settings over those of ``config.toml``, each ``key=value`` with the value in TOML, for example
            ``'model_reasoning_effort="high"'``.
        cwd: Where threads work that are given no directory. Default: the current directory.
        env: Variables for the commands of the agent, over those of this process. ``CODEX_HOME`` and ``HOME`` also say where the codex home is;
            ``OPENAI_API_KEY`` is the key for the model provider, which commands do not see.
        client_name: What the model provider is told as the client's name.
        client_title: The name for people; it is told to nobody.
        client_version: What the model provider is told as the client's version.
        experimental_api: True; the engine in this process always offers its whole protocol.
    """

    codex_bin: str | None = None
    launch_args_override: tuple[str, ...] | None = None
    config_overrides: tuple[str, ...] = field(default=(), repr=False)
    cwd: str | None = None
    env: dict[str, str] | None = field(default=None, repr=False)
    client_name: str = "codex_python_sdk"
    client_title: str = "Codex Python SDK"
    client_version: str = VERSION
    experimental_api: bool = True


def engine_options(config: CodexConfig) -> dict[str, Any]:
    """Arguments of :class:`codex_cffi.Codex`."""
    for name in ("codex_bin", "launch_args_override"):
        if getattr(config, name) is not None:
            raise ValueError(
                f"CodexConfig.{name} is not possible: the engine is in this process, no program is started. "
                "Leave it out; CODEX_CFFI_LIBRARY names another build of the library."
            )
    if not config.experimental_api:
        raise ValueError(
            "CodexConfig.experimental_api=False is not possible: the engine in this process always offers its whole protocol"
        )
    settings = parse_overrides(config.config_overrides, "config_overrides")
    options: dict[str, Any] = {"config": settings, "client_name": config.client_name}
    env = dict(config.env or {})
    home = env.get("HOME")
    codex_home = env.pop("CODEX_HOME", None) or (os.path.join(home, ".codex") if home else None)
    if codex_home:
        options["codex_home"] = codex_home
    api_key = env.pop("OPENAI_API_KEY", None)
    if api_key:
        options["api_key"] = api_key
    if env:
        policy = settings.setdefault("shell_environment_policy", {})
        policy["set"] = {**policy.get("set", {}), **env}
    return options


def approval_settings(mode: ApprovalMode | None, *, ask_host: bool) -> dict[str, Any]:
    """Parameters that an approval mode becomes; the host decides instead of a reviewing agent where it has a handler."""
    match mode:
        case None:
            return {}
        case ApprovalMode.deny_all:
            return {"approvalPolicy": "never"}
        case ApprovalMode.auto_review:
            return {"approvalPolicy": "on-request", "approvalsReviewer": "user" if ask_host else "auto_review"}
    raise ValueError(f"approval_mode must be one of {', '.join(map(str, ApprovalMode))}, not {mode!r}")


_MODES = {
    Sandbox.read_only: ("read-only", "readOnly"),
    Sandbox.workspace_write: ("workspace-write", "workspaceWrite"),
    Sandbox.full_access: ("danger-full-access", "dangerFullAccess"),
}


def sandbox_settings(sandbox: Sandbox | None, *, of_turn: bool) -> dict[str, Any]:
    """Parameters that a sandbox becomes: a thread has a mode, a turn a policy."""
    if sandbox is None:
        return {}
    if not isinstance(sandbox, Sandbox):
        raise ValueError(f"sandbox must be one of {', '.join(map(str, Sandbox))}, not {sandbox!r}")
    mode, policy = _MODES[sandbox]
    return {"sandboxPolicy": {"type": policy}} if of_turn else {"sandbox": mode}
