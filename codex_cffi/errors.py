"""What can go wrong: one tree under :class:`CodexError`.

Errors of the library have a ``code``, one of the ``CODEX_STATUS_*`` numbers of ``codex_capi.h``, and a class of their own. The numbers are read
from what the header was made into.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

try:
    from ._ffi import ffi  # made by build_ffi.py
except ImportError as error:
    raise ImportError(
        "codex_cffi was not built: codex_cffi/_ffi.py is missing. Run 'python build_ffi.py' in the source folder, or install a wheel."
    ) from error

if TYPE_CHECKING:
    from pathlib import Path

    from .agents import AgentTurn
    from .turn import Turn

__all__ = [
    "AlreadyExistsError",
    "BatchCancelledError",
    "ClosedError",
    "CodexError",
    "CodexTimeoutError",
    "ConfigError",
    "ConfigFileError",
    "ConfigFileNotTrustedError",
    "EngineError",
    "EngineIOError",
    "ForkedError",
    "HandoffLimitError",
    "InternalError",
    "InvalidArgumentError",
    "InvalidJsonError",
    "LoginError",
    "LoginRequiredError",
    "McpToolError",
    "NotFoundError",
    "OutputSchemaError",
    "OverloadedError",
    "SandboxUnavailableError",
    "TooLargeError",
    "TurnFailedError",
    "UnknownMethodError",
    "UnsupportedError",
    "WorkingDirectoryError",
    "WorkingDirectoryNotADirectoryError",
    "WorkingDirectoryNotFoundError",
    "WorkingDirectoryNotTrustedError",
]


#: Characters of an answer that an error shows.
_SHOWN = 500
#: HTTP statuses and classes of what may be over when the same turn is run again.
_PASSING = frozenset({408, 409, 425, 429})
_BUSY = frozenset(
    {
        "other",
        "serverOverloaded",
        "internalServerError",
        "httpConnectionFailed",
        "responseStreamConnectionFailed",
        "responseStreamDisconnected",
        "responseTooManyFailedAttempts",
        "rate_limit_exceeded",
        "server_error",
    }
)


def _status(name: str) -> int:
    """The number of ``CODEX_STATUS_<name>``."""
    number: int = ffi.integer_const(f"CODEX_STATUS_{name}")
    return number


class CodexError(Exception):
    """Base of every error that this package raises, bad arguments (TypeError, ValueError) apart.

    Attributes:
        code: The library's status number, 0 where the error arose in Python.
        retriable: Whether the same call may succeed later without a change.
        detail: More for a program; the engine's ``{"code", "data"}`` for :class:`EngineError`, else mostly None.
    """

    code: int = 0

    def __init__(self, message: str, *, retriable: bool = False, detail: Any = None) -> None:
        super().__init__(message)
        self.retriable = retriable
        self.detail = detail


class InvalidArgumentError(CodexError, ValueError):
    """An argument is out of its range."""

    code = _status("INVALID_ARGUMENT")


class InvalidJsonError(CodexError, ValueError):
    """A request's parameters do not have the shape that its method asks for."""

    code = _status("INVALID_JSON")


class ConfigError(CodexError, ValueError):
    """The configuration is refused, from arguments or from ``config.toml``."""

    code = _status("INVALID_CONFIG")


class ConfigFileError(ConfigError):
    """A project's configuration file, or a plugin, is wrong; see :mod:`codex_cffi.config_file`.

    Attributes:
        trace: The lines of it that failed, as Python shows them; empty where it did not run.
    """

    def __init__(self, message: str, *, trace: str = "") -> None:
        super().__init__(message)
        self.trace = trace


class ConfigFileNotTrustedError(ConfigFileError):
    """A project's configuration file is not trusted as it is.

    Attributes:
        paths: The files.
    """

    def __init__(self, paths: list[Path]) -> None:
        several = len(paths) > 1
        super().__init__(
            f"{' and '.join(map(str, paths))} {'are' if several else 'is'} not trusted as {'they are' if several else 'it is'}: "
            "look at what is in there, then trust it with: codex-cffi trust"
        )
        self.paths = paths


class UnknownMethodError(CodexError, LookupError):
    """The engine has no method of this name."""

    code = _status("UNKNOWN_METHOD")


class TooLargeError(InvalidArgumentError):
    """Input above 64 MiB, an image above 32 MiB or one that has too many pixels."""

    code = _status("TOO_LARGE")


class ClosedError(CodexError):
    """The client or thread is closed."""

    code = _status("CLOSED")


class ForkedError(CodexError):
    """The client was opened before ``fork()``, in the parent process. Open clients after it."""

    code = _status("FORKED")


class CodexTimeoutError(CodexError, TimeoutError):
    """The time given was not enough.

    Attributes:
        turn: For a turn that ran out of time, what it did until it was stopped; else None.
        retry_after: For a turn that had less time left than the next try of its model was to wait for, the seconds of that wait; else None.
    """

    code = _status("TIMEOUT")

    def __init__(
        self,
        message: str,
        *,
        retriable: bool = True,
        detail: Any = None,
        turn: Turn | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, retriable=retriable, detail=detail)
        self.turn = turn
        self.retry_after = retry_after


class InternalError(CodexError):
    """A defect in the library or the engine was caught. Close the client and open another."""

    code = _status("PANIC")


class EngineError(CodexError):
    """The engine refused a request."""

    code = _status("ENGINE")


class OverloadedError(CodexError):
    """Too many requests at once."""

    code = _status("OVERLOADED")


class NotFoundError(CodexError, LookupError):
    """No open request, tool or interceptor of that name, or no such session, branch or commit."""

    code = _status("NOT_FOUND")


class AlreadyExistsError(CodexError):
    """A tool or interceptor of that name, or a handle for that thread, is there already."""

    code = _status("ALREADY_EXISTS")


class SandboxUnavailableError(CodexError):
    """The sandbox helper or bubblewrap is missing, so commands could not be confined; nothing was run."""

    code = _status("SANDBOX_UNAVAILABLE")


class EngineIOError(CodexError, OSError):
    """The operating system refused something that the engine needs: a file, a thread, a descriptor."""

    code = _status("IO")


class UnsupportedError(CodexError, NotImplementedError):
    """Not available on this platform."""

    code = _status("UNSUPPORTED")


class TurnFailedError(CodexError):
    """A turn ended in an error. It is retriable where the provider is busy, out of service, or was not reached.

    Attributes:
        turn: The turn so far, with the items and the usage it came to.
        error_class: The class of the error. The engine's, for example ``"contextWindowExceeded"`` or ``"usageLimitExceeded"`` (codex-rs
            app-server-protocol, ``CodexErrorInfo``); ``"refusal"`` where the model refuses, its words being the message and an
            :class:`AgentMessage` of the turn; ``"incomplete"`` where the answer was cut off, the reason being ``detail.details``
            (``"max_output_tokens"``, ``"content_filter"``); ``"unusable_answer"``; or the provider's own code. None where there is none.
        http_status: HTTP status of the model provider, where the error came from there.
        retry_after: Seconds after which the model provider would have the same request again, where it says so.
    """

    def __init__(self, turn: Turn) -> None:
        error = turn.error
        message = error.message if error else "the turn failed"
        if error and error.http_status == 401:
            message += (
                " (the login was refused or is missing: pass api_key=, set OPENAI_API_KEY, or log in, with "
                "codex.account.login_with_chatgpt() or the codex program)"
            )
        self.turn = turn
        self.error_class = error.error_class if error else None
        self.http_status = error.http_status if error else None
        self.retry_after = error.retry_after if error else None
        passing = self.retry_after is not None or _passes(self.error_class, self.http_status)
        super().__init__(message, retriable=passing and self.error_class != "usageLimitExceeded", detail=error)


def _passes(error_class: str | None, status: int | None) -> bool:
    """Whether what failed a turn may pass by itself: the provider is busy or out of service, or was not reached."""
    return status in _PASSING or status >= 500 if status is not None else error_class in _BUSY


class OutputSchemaError(CodexError, ValueError):
    """The final answer of a turn does not follow its ``output_schema``.

    Attributes:
        text: What the agent said; empty if there was no final answer.
        violations: What is wrong, each with its place in the answer.
        turn: The turn; None while it has not ended.
    """

    def __init__(self, text: str, violations: list[str], turn: Turn | None = None) -> None:
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
        super().__init__(
            f"the answer does not follow its schema: {'; '.join(violations)}. It was: {shown!r}", detail=violations
        )
        self.text = text
        self.violations = violations
        self.turn = turn


class WorkingDirectoryError(CodexError, OSError):
    """A thread cannot work in the directory it was given."""

    def __init__(self, message: str) -> None:
        super().__init__(message)

    def __str__(self) -> str:
        return str(self.args[0])


class WorkingDirectoryNotFoundError(WorkingDirectoryError, FileNotFoundError):
    """The working directory does not exist."""


class WorkingDirectoryNotADirectoryError(WorkingDirectoryError, NotADirectoryError):
    """The working directory is a file."""


class WorkingDirectoryNotTrustedError(WorkingDirectoryError):
    """The working directory is not inside a git repository, so changes could not be undone; see ``skip_git_repo_check``.

    It has nothing to do with trust in what a repository configures, ``trust_project``.
    """


class LoginError(CodexError):
    """A login did not succeed."""


class LoginRequiredError(EngineError):
    """What was asked for needs a login that the client does not have; the message says which, and how to get it."""


class McpToolError(EngineError):
    """A server could not be asked: it is not there, did not start, or has no such tool or resource."""


class HandoffLimitError(CodexError):
    """Agents handed a conversation on and on.

    Attributes:
        turns: What each of them did.
    """

    def __init__(self, limit: int, turns: list[AgentTurn[Any]]) -> None:
        names = " -> ".join(turn.agent.name for turn in turns)
        super().__init__(f"the conversation was handed on more than {limit} times: {names}; raise max_handoffs")
        self.turns = turns


class BatchCancelledError(CodexError):
    """A prompt of a batch that was cancelled before it was done."""


class ArgumentsError(ValueError):
    """The model's arguments do not fit; its text is for the model, and nothing for the log."""


_WITH_CODE: list[type[CodexError]] = [*CodexError.__subclasses__(), TooLargeError]
BY_CODE: dict[int, type[CodexError]] = {error.code: error for error in _WITH_CODE if error.code}


def from_status(status: int, message: str, *, retriable: bool, detail: Any) -> CodexError:
    """The error of a status number of the library's."""
    return BY_CODE.get(status, CodexError)(message, retriable=retriable, detail=detail)
