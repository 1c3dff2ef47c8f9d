"""The official SDK's errors, raised for what the engine in this process says.

Besides the official ones there are :class:`TurnFailedError`, a failed turn with what it did, and :class:`CodexTimeoutError`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .. import errors

if TYPE_CHECKING:
    from .._core.contract import ClientCore
    from ._turns import TurnResult

__all__ = [
    "CodexError",
    "CodexRpcError",
    "CodexTimeoutError",
    "InternalRpcError",
    "InvalidParamsError",
    "InvalidRequestError",
    "JsonRpcError",
    "MethodNotFoundError",
    "ParseError",
    "RetryLimitExceededError",
    "ServerBusyError",
    "TransportClosedError",
    "TurnFailedError",
    "is_retryable_error",
    "map_jsonrpc_error",
]

_OVERLOADED = -32001


class CodexError(Exception):
    """Base of the errors."""


class TransportClosedError(CodexError):
    """The client is closed, or was opened before a fork."""


class TurnFailedError(CodexError, RuntimeError):
    """A turn ended in an error. The official SDK raises a bare RuntimeError, which this is too.

    Attributes:
        result: The turn with all that it did until then; ``result.error`` says why it failed.
    """

    def __init__(self, message: str, result: TurnResult) -> None:
        super().__init__(message)
        self.result = result


class CodexTimeoutError(CodexError, TimeoutError):
    """The time given was not enough.

    Attributes:
        result: For a turn, what it did until it was stopped; else None.
    """

    def __init__(self, message: str, result: TurnResult | None = None) -> None:
        super().__init__(message)
        self.result = result


class JsonRpcError(CodexError):
    """The engine refused a request.

    Attributes:
        code: The number of JSON-RPC.
        message: What the engine says.
        data: More for a program, if there is any.
    """

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(f"JSON-RPC error {code}: {message}")
        self.code = code
        self.message = message
        self.data = data


class CodexRpcError(JsonRpcError):
    """Base of the refusals that have a class."""


class ParseError(CodexRpcError):
    """A request could not be read at all."""


class InvalidRequestError(CodexRpcError):
    """A request that cannot be carried out, or whose shape is wrong."""


class MethodNotFoundError(CodexRpcError):
    """The engine has no such method."""


class InvalidParamsError(CodexRpcError):
    """A method's parameters are refused."""


class InternalRpcError(CodexRpcError):
    """Something went wrong inside the engine."""


class ServerBusyError(CodexRpcError):
    """Too much to do at the moment; the same call may succeed later."""


class RetryLimitExceededError(ServerBusyError):
    """The engine has tried again as often as it does."""


_BY_CODE: dict[int, type[CodexRpcError]] = {
    -32700: ParseError,
    -32600: InvalidRequestError,
    -32601: MethodNotFoundError,
    -32602: InvalidParamsError,
    -32603: InternalRpcError,
}


def map_jsonrpc_error(code: int, message: str, data: Any = None) -> JsonRpcError:
    """The error of a JSON-RPC code."""
    if code in _BY_CODE:
        return _BY_CODE[code](code, message, data)
    if not -32099 <= code <= -32000:
        return JsonRpcError(code, message, data)
    text = message.lower()
    if "retry limit" in text or "too many failed attempts" in text:
        return RetryLimitExceededError(code, message, data)
    if code == _OVERLOADED or _says_overloaded(data):
        return ServerBusyError(code, message, data)
    return CodexRpcError(code, message, data)


def is_retryable_error(exc: BaseException) -> bool:
    """Whether the same call may succeed later."""
    return isinstance(exc, ServerBusyError) or (isinstance(exc, JsonRpcError) and _says_overloaded(exc.data))


def _says_overloaded(data: Any) -> bool:
    """Whether an error's data has, at any depth, the engine's word for being overloaded."""
    if isinstance(data, str):
        return data.replace("_", "").lower() == "serveroverloaded"
    if isinstance(data, dict):
        return any(map(_says_overloaded, data.values()))
    return isinstance(data, list) and any(map(_says_overloaded, data))


@contextmanager
def translated(client: ClientCore | None = None) -> Iterator[None]:
    """Inside, errors of codex_cffi become those of the official SDK; the original is their ``__cause__``."""
    try:
        yield
    except errors.CodexError as error:
        raise _translate(error, closed=client is not None and client.closed) from error


def _translate(error: errors.CodexError, *, closed: bool) -> CodexError:
    message = str(error)
    match error:
        case errors.ClosedError() if closed:
            return TransportClosedError("the client is closed; open a new one")
        case errors.ClosedError() | errors.ForkedError():
            return TransportClosedError(message)
        case errors.CodexTimeoutError():
            return CodexTimeoutError(message)
        case errors.OverloadedError():
            return ServerBusyError(_OVERLOADED, message, error.detail)
        case errors.EngineError():
            detail = error.detail if isinstance(error.detail, dict) else {}
            code = detail.get("code")
            return map_jsonrpc_error(code if isinstance(code, int) else -32600, message, detail.get("data"))
        case errors.UnknownMethodError():
            return MethodNotFoundError(-32601, message)
        case errors.InvalidJsonError():
            return InvalidRequestError(-32600, message)
        case errors.InternalError():
            return InternalRpcError(-32603, message)
    return CodexError(message)
