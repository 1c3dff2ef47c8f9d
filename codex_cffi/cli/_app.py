"""The commands, and what is common to them: how they are found, explained and ended."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError, Parameter, UnusedCliTokensError

from .. import __version__
from . import _terminal
from ._exit import CommandError, Exit, of
from ._prompt import STDIN

__all__ = ["COMMANDS", "app", "run"]

#: Commands, where they are, and what they do in a line. Modules are loaded when their command is used.
COMMANDS = {
    "run": ("run:run", "Runs a turn: the agent works on a prompt, and the command shows how."),
    "chat": ("chat:chat", "A conversation with the agent, line by line."),
    "review": ("review:review", "Has the agent review changes."),
    "sessions": ("sessions:app", "Past conversations: lists, searches, shows, renames, archives, deletes them."),
    "acp": ("acp:acp", "The agent for editors that speak the Agent Client Protocol."),
    "login": ("login:login", "Logs in, with ChatGPT or an API key."),
    "logout": ("login:logout", "Removes the stored login."),
    "status": ("login:status", "Says who you are to the model provider."),
    "models": ("models:models", "Lists the models that the engine knows."),
    "limits": ("limits:limits", "Shows how much of the account's rate limits is used."),
    "mcp": ("mcp:app", "MCP servers: those of the configuration, what they offer, logins."),
    "tools": ("tools:tools", "Lists the Python functions that the project and the plugins give the agent."),
    "config": ("config:app", "Settings: those in force, those of the project, and changes."),
    "trust": ("trust:app", "Trusts the configuration files of a project as they are."),
    "doctor": ("doctor:doctor", "Looks whether everything is there that an agent needs, and says what to do."),
    "python": ("python:python", "Runs a script with the project's configuration applied."),
    "completion": ("completion:completion", "Prints a script that completes commands and options."),
    "demo": ("demo:demo", "An agent repairs a program in a scratch repository; needs no key."),
    "bench": ("bench:bench", "Measures this package beside others, from the source folder."),
}


_EXPLAINED = "codex-cffi COMMAND --help explains a command"


def app(asked: str | None = None) -> App:
    """The command line.

    Args:
        asked: The command that will be run: its help is that of its function, which is only then loaded.
    """
    made = App(
        name="codex-cffi",
        help="OpenAI Codex's engine inside a Python process.",
        version=__version__,
        version_flags=("--version", "-V"),
        default_parameter=Parameter(show_default=False),
        result_action="return_value",
        exit_on_error=False,
        print_error=False,
    )
    for number, (name, (where, summary)) in enumerate(COMMANDS.items()):
        more = {} if name == asked else {"help": summary}
        made.command(f"{__package__}.{where}", name=name, sort_key=number, **more)
    return made


def run(words: Sequence[str]) -> int:
    """Runs a command line; returns its exit status. Errors are told on standard error, and never as a traceback, unless ``CODEX_CFFI_TRACEBACK`` is set."""
    try:
        # What the library has no form for: an option whose value may be left out, and a lone hyphen as an argument.
        words = [{"--json=full": "--json-full", "-": STDIN}.get(word, word) for word in words] or ["--help"]
        status = app(words[0])(words)
        sys.stdout.flush()
    except UnusedCliTokensError as error:
        _terminal.print_error(_unused(words[0], [str(token) for token in error.unused_tokens or ()]), _EXPLAINED)
        return Exit.USAGE
    except CycloptsError as error:
        _terminal.print_error(str(error), _EXPLAINED)
        return Exit.USAGE
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:
        # Who read the output has seen enough. What is still in the buffer must not fail once more when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.FAILED
    except Exception as error:
        if os.environ.get("CODEX_CFFI_TRACEBACK"):
            raise
        return _ended(error)
    return status if isinstance(status, int) else Exit.COMPLETED


def _unused(command: str, words: Sequence[str]) -> str:
    """What to say of words that no command takes; the first may be a command that was mistyped."""
    known = list(app()[command]) if command in COMMANDS else []
    near = difflib.get_close_matches(words[0], known, 1)
    return f'{command} does not take "{words[0]}".' + (f' Did you mean "{near[0]}"?' if near else "")


def _ended(error: Exception) -> int:
    from ..errors import CodexError

    if not isinstance(error, (CommandError, CodexError, OSError, ValueError)):
        raise error
    status, hint = of(error)
    if trace := getattr(error, "trace", ""):
        _terminal.errors().print(trace.rstrip(), markup=False, soft_wrap=True)
    _terminal.print_error(str(error), hint)
    return status
