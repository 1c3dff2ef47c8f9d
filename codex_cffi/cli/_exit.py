"""How the command ends: its exit statuses, and which error ends it how."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["CommandError", "Exit", "of"]


class Exit(IntEnum):
    """The exit statuses."""

    #: The turn was completed.
    COMPLETED = 0
    #: The turn failed, or the engine refused.
    FAILED = 1
    #: The command line is wrong.
    USAGE = 2
    #: A configuration is wrong, or was not trusted.
    CONFIGURATION = 3
    #: There is no key, or it is refused.
    AUTHENTICATION = 4
    #: The answer does not fit the schema.
    SCHEMA = 5
    #: Time was up.
    TIMEOUT = 124
    #: Ctrl-C.
    INTERRUPTED = 130
    #: SIGTERM.
    TERMINATED = 143


class CommandError(Exception):
    """A command cannot go on.

    Attributes:
        status: How it ends.
        hint: What to do about it, in a sentence or a command to type; None if the message says it.
    """

    def __init__(self, message: str, status: Exit = Exit.USAGE, hint: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.hint = hint


def of(error: BaseException) -> tuple[Exit, str | None]:
    """How an error ends the command, and what to do about it."""
    from .. import errors

    hint: str | None = None
    match error:
        case CommandError():
            return error.status, error.hint
        case errors.CodexTimeoutError():
            return Exit.TIMEOUT, None
        case errors.OutputSchemaError():
            return Exit.SCHEMA, None
        case errors.LoginError() | errors.LoginRequiredError():
            return Exit.AUTHENTICATION, "log in with: codex-cffi login"
        case errors.TurnFailedError() if error.error_class == "unauthorized" or error.http_status in (401, 403):
            return Exit.AUTHENTICATION, "log in with: codex-cffi login, or set OPENAI_API_KEY"
        case errors.ConfigError():
            return Exit.CONFIGURATION, None
        case errors.WorkingDirectoryNotTrustedError():
            return Exit.CONFIGURATION, "run git init here, or add --skip-git-repo-check"
        case errors.SandboxUnavailableError():
            hint = "codex-cffi doctor says what is missing"
    return Exit.FAILED, hint
