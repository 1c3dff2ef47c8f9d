"""``codex-cffi run``: one turn."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from ._options import EngineOptions, ThreadOptions

__all__ = ["run"]

_ENGINE = EngineOptions()
_THREAD = ThreadOptions()


def run(
    prompt: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    /,
    *,
    timeout: float | None = None,
    thread: ThreadOptions = _THREAD,
    engine: EngineOptions = _ENGINE,
) -> int:
    """Runs a turn: the agent works on a prompt, and the command shows how.

    For example:

        codex-cffi run "What does this repository do?"
        git diff | codex-cffi run "Review this"

    Args:
        prompt: What the agent shall do; `-` reads it from standard input.
        timeout: Seconds until the turn is stopped.
    """
    from . import _terminal
    from ._opening import opened

    with opened(engine, thread, command="run") as session:
        started = session.codex.start_thread(ephemeral=thread.ephemeral, **session.thread_arguments)
        turn = started.run(prompt or "", timeout=timeout)
    _terminal.console().print(turn.final_response, markup=False)
    return 0
