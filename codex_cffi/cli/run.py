"""``codex-cffi run``: one turn."""

from __future__ import annotations

import json as _json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from ._exit import CommandError, Exit
from ._options import EngineOptions, Flag, ThreadOptions

if TYPE_CHECKING:
    from .. import Thread, Turn, TurnInput
    from ._opening import Opened
    from ._output import Output

__all__ = ["begin", "failed", "output", "run"]

_ENGINE = EngineOptions()
_THREAD = ThreadOptions()


def run(
    prompt: str | None = None,
    /,
    *,
    image: Annotated[tuple[Path, ...], Parameter(name=("--image", "-i"), negative=(), consume_multiple=False)] = (),
    resume: str | None = None,
    last: Flag = False,
    fork: Flag = False,
    output_schema: Path | None = None,
    output_last_message: Annotated[Path | None, Parameter(name=("--output-last-message", "-o"))] = None,
    json: Flag = False,
    json_full: Flag = False,
    color: Literal["auto", "always", "never"] = "auto",
    thread: ThreadOptions = _THREAD,
    engine: EngineOptions = _ENGINE,
) -> int:
    """Runs a turn: the agent works on a prompt, and the command shows how.

    For example:

        codex-cffi run "What does this repository do?"
        git diff | codex-cffi run --sandbox workspace-write "Add the tests that are missing"
        codex-cffi run --last "And now the documentation"
        codex-cffi run --json "List the public functions" | jq -c .item

    Standard output has the agent's answer alone where it is no terminal; what happens on the way is told on standard error.

    Args:
        prompt: What the agent shall do; `-` reads it from standard input. What is piped in besides is added to it.
        image: A file with an image for the model. Repeatable.
        resume: Goes on with the session of this id, or in this file.
        last: Goes on with the session that was last used in this folder.
        fork: Goes on in a copy of the session, which stays as it is.
        output_schema: A file with the JSON schema that the answer must follow.
        output_last_message: A file that gets the answer.
        json: Writes events as JSON lines, those of `codex exec --json`.
        json_full: Writes all events with all they have as JSON lines; also spelled `--json=full`.
        color: Whether there are colours.
    """
    from . import _terminal
    from ._opening import opened
    from ._prompt import turn_input

    if resume is not None and last:
        raise CommandError("--resume and --last exclude each other")
    if fork and resume is None and not last:
        raise CommandError("--fork needs --resume or --last")
    given = turn_input(prompt, image)
    schema = _schema(output_schema)
    _terminal.use_color(color)
    shown = output("full" if json_full else "exec" if json else None)
    with opened(engine, thread, command="run", on_approval=shown.approvals(), login=True) as session, shown:
        started = begin(session, thread, resume, last, fork)
        status, turn = _turn(started, given, schema, session.timeout, shown)
    if output_last_message is not None and turn is not None:
        output_last_message.write_text(turn.final_response, encoding="utf-8")
    return status


def _turn(
    thread: Thread, given: TurnInput, schema: Any, timeout: float | None, shown: Output
) -> tuple[int, Turn[Any] | None]:
    """Runs the turn and shows it; its exit status, and what it came to."""
    from .. import CodexTimeoutError, OutputSchemaError
    from ._signals import stopping

    shown.thread_started(thread)
    options: dict[str, Any] = {"timeout": timeout, **({} if schema is None else {"output_schema": schema})}
    with thread.run_streamed(given, **options) as stream, stopping(stream.interrupt) as stopped:
        try:
            for event in stream:
                shown.event(event)
        except CodexTimeoutError as error:
            shown.failed(str(error))
            return Exit.TIMEOUT, None
        turn = stream.turn
    if stopped.status is not None:
        return stopped.status, turn
    if turn.status != "completed":
        return failed(turn), turn
    try:
        _ = turn.parsed
    except OutputSchemaError as error:
        shown.failed(str(error))
        return Exit.SCHEMA, turn
    shown.answer(turn)
    return Exit.COMPLETED, turn


def failed(turn: Turn[Any]) -> int:
    """How a turn that was not completed ends the command."""
    from .. import TurnFailedError
    from . import _terminal
    from ._exit import of

    status, hint = of(TurnFailedError(turn))
    if hint is not None:
        _terminal.print_hint(hint)
    return status


def begin(session: Opened, thread: ThreadOptions, resume: str | None, last: bool, fork: bool) -> Thread:
    """The thread of a command: a new one, or one that goes on."""
    codex, arguments = session.codex, session.thread_arguments
    if resume is None and not last:
        return codex.start_thread(ephemeral=thread.ephemeral, **arguments)
    if thread.ephemeral:
        raise CommandError("--ephemeral is for new sessions")
    found = codex.resume_last(**arguments) if resume is None else codex.resume_thread(resume, **arguments)
    return found.fork() if fork else found


def _schema(path: Path | None) -> Any:
    if path is None:
        return None
    try:
        schema = _json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise CommandError(f"--output-schema: {path}: {error}", Exit.USAGE) from error
    if not isinstance(schema, dict):
        raise CommandError(f"--output-schema: {path} must hold an object")
    return schema


def output(json: Literal["exec", "full"] | None) -> Output:
    """The output of a command: JSON lines, or what a person reads."""
    if json is not None:
        from ._json_lines import JsonOutput

        return JsonOutput(json)
    if os.environ.get("TERM") == "dumb" and sys.stdout.isatty():
        from ._plain import Plain

        return Plain()
    from ._screen import Screen

    return Screen()
