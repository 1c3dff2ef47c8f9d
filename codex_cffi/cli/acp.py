"""``codex-cffi acp``: the agent for editors."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from ._exit import CommandError
from ._options import EngineOptions

__all__ = ["acp"]

_ENGINE = EngineOptions()


def acp(
    *,
    mode: Literal["read-only", "auto", "full-access"] = "auto",
    model: str | None = None,
    engine: EngineOptions = _ENGINE,
) -> None:
    """The agent for editors that speak the Agent Client Protocol, on standard input and output: Zed, JetBrains, Neovim, Emacs, toad.

    The project's tools, interceptors and hooks are in it, once you trust its configuration file: codex-cffi trust.

    For example:

        codex-cffi acp

    Args:
        mode: What the agent may do in new sessions; the editor can change it.
        model: The model of new sessions; the editor can change it.
    """
    try:
        from ..acp import EditorAgent, serve
    except ImportError as error:
        if error.name != "acp":
            raise
        raise CommandError("it needs the protocol's library", hint="pip install 'codex-cffi[acp]'") from error
    from .. import config_file
    from .._toml import parse_overrides

    def load(folder: Path) -> config_file.Loaded:
        return config_file.load(
            folder, plugins=engine.plugin, project=not engine.no_project_config, trust=engine.trust, command="acp"
        )

    options: dict[str, Any] = {
        "ignore_user_config": engine.ignore_user_config,
        "profile": engine.profile,
        "config": parse_overrides(engine.config, "--config"),
    }
    serve(EditorAgent(load, options, mode=mode, model=model))
