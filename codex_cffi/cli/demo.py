"""``codex-cffi demo``: see :mod:`codex_cffi.demo`."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

__all__ = ["demo"]


def demo(
    *,
    live: Annotated[bool, Parameter(negative=())] = False,
    model: str | None = None,
    keep: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """An agent repairs a program in a scratch repository. The model is scripted, everything else is real; no key is needed.

    For example:

        codex-cffi demo
        codex-cffi demo --live --model gpt-5.5

    Args:
        live: With a real model, using OPENAI_API_KEY.
        model: The model for --live.
        keep: Keeps the scratch repository, and says where it is.
    """
    from ..demo import run

    return run(live=live, model=model, keep=keep)
