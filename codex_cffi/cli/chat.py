"""``codex-cffi chat``: a conversation, line by line."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ._options import EngineOptions, Flag, ThreadOptions

if TYPE_CHECKING:
    from .. import Thread
    from ._opening import Opened
    from ._plain import Plain

__all__ = ["chat"]

_ENGINE = EngineOptions()
_THREAD = ThreadOptions()
_HELP = """/new      begins a new conversation
/compact  shortens what the agent remembers of this one
/diff     shows what the last turn changed in the files
/status   says where you are
/quit     ends; so does Ctrl-D"""


def chat(
    *,
    resume: str | None = None,
    last: Flag = False,
    thread: ThreadOptions = _THREAD,
    engine: EngineOptions = _ENGINE,
) -> int:
    """A conversation with the agent, line by line. Nothing is drawn: it suits screen readers, simple terminals, and pipes.

    Ctrl-C stops the agent, Ctrl-D ends. `/help` lists what else can be typed.

    For example:

        codex-cffi chat
        codex-cffi chat --last --sandbox workspace-write

    Args:
        resume: Goes on with the session of this id, or in this file.
        last: Goes on with the session that was last used in this folder.
    """
    from ._opening import opened
    from ._plain import Plain
    from .run import begin

    shown = Plain()
    with opened(engine, thread, command="chat", on_approval=shown.approvals(), login=True) as session, shown:
        current = begin(session, thread, resume, last, fork=False)
        shown.thread_started(current)
        while (line := _line()) is not None:
            text = line.strip()
            if not text:
                continue
            if text.startswith("/"):
                if text == "/quit":
                    break
                current = _command(text, session, thread, current, shown)
                continue
            _turn(current, text, session.timeout, shown)
    return 0


def _turn(thread: Thread, text: str, timeout: float | None, shown: Plain) -> None:
    from .. import CodexTimeoutError
    from ._signals import stopping

    with thread.run_streamed(text, timeout=timeout) as stream, stopping(stream.interrupt):
        try:
            for event in stream:
                shown.event(event)
        except CodexTimeoutError as error:
            shown.failed(str(error))
            return
    if stream.turn.status == "completed":
        shown.answer(stream.turn)


def _command(text: str, session: Opened, options: ThreadOptions, current: Thread, shown: Plain) -> Thread:
    from .run import begin

    match text:
        case "/new":
            current.close()
            current = begin(session, options, None, False, fork=False)
            shown.thread_started(current)
        case "/compact":
            current.compact()
            shown.say("compacted")
        case "/diff":
            shown.say(shown.diff or "the last turn changed nothing")
        case "/status":
            usage = current.usage.total
            shown.thread_started(current)
            shown.say(f"{usage.input_tokens} tokens in, {usage.output_tokens} out")
        case "/help":
            shown.say(_HELP)
        case _:
            shown.say(f"there is no {text}; /help lists what there is")
    return current


def _line() -> str | None:
    """What is typed; None at the end. Ctrl-C at an empty prompt ends nothing."""
    while True:
        try:
            return input("you: " if sys.stdin.isatty() else "")
        except EOFError:
            return None
        except KeyboardInterrupt:
            sys.stdout.write("\n(Ctrl-D ends)\n")
