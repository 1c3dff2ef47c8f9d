"""``codex-cffi review``: the agent reviews changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._exit import CommandError, Exit
from ._options import EngineOptions, Flag, ThreadOptions

if TYPE_CHECKING:
    from ..review import Review, ReviewTarget

__all__ = ["review"]

_ENGINE = EngineOptions()
_THREAD = ThreadOptions()


def review(
    prompt: str | None = None,
    /,
    *,
    uncommitted: Flag = False,
    base: str | None = None,
    commit: str | None = None,
    fail_on: int | None = None,
    json: Flag = False,
    json_full: Flag = False,
    findings: Flag = False,
    thread: ThreadOptions = _THREAD,
    engine: EngineOptions = _ENGINE,
) -> int:
    """Has the agent review changes: those that are not committed, those since a branch, a commit, or whatever you say.

    For example:

        codex-cffi review
        codex-cffi review --base main --fail-on 1
        codex-cffi review --findings --commit HEAD | jq -r '.findings[].title'

    Args:
        prompt: What to review, in your words.
        uncommitted: What is not committed; the default.
        base: What was changed since the branch.
        commit: What a commit changed.
        fail_on: The exit status is 1 where a finding is of this priority or a more urgent one; 0 is the most urgent.
        json: Writes events as JSON lines, those of `codex exec --json`.
        json_full: Writes all events with all they have as JSON lines.
        findings: Prints the findings as JSON.
    """
    from ._opening import opened
    from ._signals import stopping
    from ._table import print_json
    from .run import output

    target = _target(prompt, uncommitted, base, commit)
    shown = output("full" if json_full else "exec" if json else None)
    with opened(engine, thread, command="review", login=True) as session, shown:
        started = session.codex.start_thread(ephemeral=True, **session.thread_arguments)
        shown.thread_started(started)
        stream = started.review_streamed(target, timeout=session.timeout)
        with stream, stopping(stream.interrupt) as stopped:
            for event in stream:
                shown.event(event)
        if stopped.status is not None:
            return stopped.status
        if stream.turn.status != "completed":
            from .run import failed

            return failed(stream.turn)
        found = stream.review
    if findings:
        print_json({"correctness": found.correctness, "explanation": found.explanation, "findings": found.findings})
    elif not (json or json_full):
        _show(found)
    urgent = [
        one for one in found.findings if one.priority is not None and fail_on is not None and one.priority <= fail_on
    ]
    return Exit.FAILED if urgent else Exit.COMPLETED


def _target(prompt: str | None, uncommitted: bool, base: str | None, commit: str | None) -> ReviewTarget:
    from ..review import BaseBranch, Commit, CurrentChanges, Custom

    if sum((prompt is not None, uncommitted, base is not None, commit is not None)) > 1:
        raise CommandError("a review has one target: a prompt, --uncommitted, --base or --commit")
    if prompt is not None:
        return Custom(prompt)
    if base is not None:
        return BaseBranch(base)
    if commit is not None:
        return Commit(commit)
    return CurrentChanges()


def _show(found: Review) -> None:
    from rich.text import Text

    from . import _terminal
    from ._items import safe

    console = _terminal.console()
    parts: list[Any] = [Text(safe(found.explanation))] if found.explanation else []
    for one in found.findings:
        where = f"{one.file}:{one.start_line}-{one.end_line}"
        parts += [Text(f"\n{safe(one.title)}", style="bold"), Text(safe(where), style="dim"), Text(safe(one.body))]
    if not found.findings:
        parts.append(Text(safe(found.text)) if not found.explanation else Text("\nno findings", style="green"))
    for part in parts:
        console.print(part, soft_wrap=True)
