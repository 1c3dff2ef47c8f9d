"""The command codex-cffi, and the codex program beside it, as their users run them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from codex_cffi.testing import ScriptedModel

from . import ROOT


class Command:
    """Runs ``codex-cffi`` in a folder, with a codex home.

    Args:
        home: The codex home; made when it is needed.
        folder: The working directory.
    """

    def __init__(self, home: Path, folder: Path) -> None:
        self.home = home
        self.folder = folder

    def use(self, model: ScriptedModel, more: str = "") -> None:
        """Makes a scripted model that of config.toml.

        Args:
            model: The model.
            more: Settings that come before its own tables.
        """
        provider = model.provider_config()["model_providers"]["mock"]
        settings = "\n".join(f"{key} = {json.dumps(value)}" for key, value in provider.items())
        self.home.mkdir(mode=0o700, exist_ok=True)
        (self.home / "config.toml").write_text(f'model_provider = "mock"\n{more}\n[model_providers.mock]\n{settings}\n')

    def environment(self, **more: str | None) -> dict[str, str]:
        """The environment of the command; None takes a variable away."""
        made = {**os.environ, "PYTHONPATH": str(ROOT), "CODEX_HOME": str(self.home), "COLUMNS": "100", **more}
        return {name: value for name, value in made.items() if value is not None}

    def line(self, *words: str) -> list[str]:
        """The command line."""
        return [sys.executable, "-W", "error", "-m", "codex_cffi.cli", *words]

    def __call__(self, *words: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Runs the command to its end, without a terminal.

        Args:
            words: Its arguments.
            options: Those of subprocess.run; `env` is added to the environment.
        """
        options.setdefault("timeout", 120)
        if "input" not in options:
            options.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.run(
            self.line(*words),
            **{
                "cwd": self.folder,
                "capture_output": True,
                "text": True,
                "encoding": "utf-8",
                **options,
                "env": self.environment(**options.pop("env", {})),
            },
        )

    def official(self, *words: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Runs ``codex exec`` of the official binary likewise."""
        from codex_cli_bin import bundled_codex_path

        options.setdefault("timeout", 120)
        return subprocess.run(
            [bundled_codex_path(), "exec", *words],
            cwd=self.folder,
            env=self.environment(**options.pop("env", {})),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            **options,
        )
