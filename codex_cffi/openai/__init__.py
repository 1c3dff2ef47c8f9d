"""The official Python SDK's interface, in this process.

Programs that use the package openai-codex 0.163.0 work with the import changed, without an executable or child process::

    from codex_cffi.openai import Codex, Sandbox

    with Codex() as codex:
        thread = codex.thread_start(sandbox=Sandbox.workspace_write)
        print(thread.run("Describe this project.").final_response)

Where the official SDK is unsafe this is not: what nobody approves is denied, a turn that nobody follows is stopped, a failed turn keeps what it did, and
turns may have a time limit. ``docs/openai.md`` has all differences.
"""

from ._codex import AsyncCodex, Codex
from ._config import VERSION as __version__
from ._config import ApprovalMode, CodexConfig, Sandbox
from ._inputs import (
    ExternalMessage,
    ImageInput,
    Input,
    InputItem,
    LocalImageInput,
    MentionInput,
    RunInput,
    SkillInput,
    TextInput,
)
from ._login import AsyncChatgptLoginHandle, AsyncDeviceCodeLoginHandle, ChatgptLoginHandle, DeviceCodeLoginHandle
from ._threads import AsyncThread, Thread
from ._turns import AsyncTurnHandle, TurnHandle, TurnResult
from .errors import (
    CodexError,
    CodexRpcError,
    CodexTimeoutError,
    InternalRpcError,
    InvalidParamsError,
    InvalidRequestError,
    JsonRpcError,
    MethodNotFoundError,
    ParseError,
    RetryLimitExceededError,
    ServerBusyError,
    TransportClosedError,
    TurnFailedError,
    is_retryable_error,
)
from .retry import retry_on_overload

__all__ = [
    "ApprovalMode",
    "AsyncChatgptLoginHandle",
    "AsyncCodex",
    "AsyncDeviceCodeLoginHandle",
    "AsyncThread",
    "AsyncTurnHandle",
    "ChatgptLoginHandle",
    "Codex",
    "CodexConfig",
    "CodexError",
    "CodexRpcError",
    "CodexTimeoutError",
    "DeviceCodeLoginHandle",
    "ExternalMessage",
    "ImageInput",
    "Input",
    "InputItem",
    "InternalRpcError",
    "InvalidParamsError",
    "InvalidRequestError",
    "JsonRpcError",
    "LocalImageInput",
    "MentionInput",
    "MethodNotFoundError",
    "ParseError",
    "RetryLimitExceededError",
    "RunInput",
    "Sandbox",
    "ServerBusyError",
    "SkillInput",
    "TextInput",
    "Thread",
    "TransportClosedError",
    "TurnFailedError",
    "TurnHandle",
    "TurnResult",
    "__version__",
    "is_retryable_error",
    "retry_on_overload",
]
