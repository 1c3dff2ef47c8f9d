"""``codex-cffi completion``."""

from __future__ import annotations

import sys
from typing import Literal

__all__ = ["completion"]


def completion(shell: Literal["bash", "zsh", "fish"], /) -> None:
    """Prints a script that completes commands and options.

    For example:

        codex-cffi completion bash > ~/.local/share/bash-completion/completions/codex-cffi
        codex-cffi completion zsh > ~/.zfunc/_codex-cffi
        codex-cffi completion fish > ~/.config/fish/completions/codex-cffi.fish

    Args:
        shell: The shell.
    """
    from ._app import app

    sys.stdout.write(app().generate_completion(shell=shell))
