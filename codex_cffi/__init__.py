"""OpenAI Codex's engine inside your Python process.

Here are the names that most programs write; the others are in the module of their concept, such as :mod:`codex_cffi.review`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import _interpreter  # noqa: F401 - first, for it refuses the rest
from ._records import ThreadInfo, ThreadRecord
from .client import AsyncCodex, Codex
from .errors import (
    AlreadyExistsError,
    BatchCancelledError,
    ClosedError,
    CodexError,
    CodexTimeoutError,
    ConfigError,
    EngineError,
    EngineIOError,
    ForkedError,
    HandoffLimitError,
    InternalError,
    InvalidArgumentError,
    InvalidJsonError,
    LoginError,
    LoginRequiredError,
    McpToolError,
    NotFoundError,
    OutputSchemaError,
    OverloadedError,
    SandboxUnavailableError,
    TooLargeError,
    TurnFailedError,
    UnknownMethodError,
    UnsupportedError,
    WorkingDirectoryError,
    WorkingDirectoryNotADirectoryError,
    WorkingDirectoryNotFoundError,
    WorkingDirectoryNotTrustedError,
)
from .events import (
    AgentMessageDelta,
    ApprovalRequested,
    BackgroundEvent,
    CommandOutputDelta,
    DiffUpdated,
    ErrorEvent,
    Event,
    ItemCompleted,
    ItemStarted,
    ItemUpdated,
    PlanUpdated,
    ReasoningDelta,
    SubAgentEvent,
    SubAgentStarted,
    ThreadStarted,
    TokenUsage,
    TokenUsageUpdated,
    TurnCompleted,
    TurnFailedEvent,
    TurnStarted,
    WarningEvent,
)
from .input import ImageBytes, ImageUrl, LocalImage, Mention, SkillMention, TextInput, TurnInput
from .interceptors import CallBuiltin, Interceptor
from .items import (
    AgentMessage,
    CommandExecution,
    FileChange,
    FileUpdate,
    Item,
    McpToolCall,
    Plan,
    Reasoning,
    ToolCall,
    UserMessage,
    WebSearch,
)
from .options import ApprovalMode, CommandLimits, Personality, SandboxMode, TurnOptions, WorkspaceWrite
from .thread import AsyncThread, Thread
from .tools import Image, Tool, ToolContext, ToolInvocation, ToolResult, tool
from .turn import Turn, TurnError
from .turn_stream import AsyncTurnStream, TurnStream

if TYPE_CHECKING:
    from ._query import aquery, query
    from .approvals import (
        Abort,
        Answer,
        ApprovalRequest,
        Approve,
        CommandApproval,
        Decision,
        Deny,
        Elicitation,
        FileChangeApproval,
        PermissionsApproval,
        UserQuestion,
    )
    from .hooks import Hook, HookCall, hook
    from .mcp import HttpServer, StdioServer
    from .skills import Skill

__version__ = "0.1.0"

__all__ = [
    "Abort",
    "AgentMessage",
    "AgentMessageDelta",
    "AlreadyExistsError",
    "Answer",
    "ApprovalMode",
    "ApprovalRequest",
    "ApprovalRequested",
    "Approve",
    "AsyncCodex",
    "AsyncThread",
    "AsyncTurnStream",
    "BackgroundEvent",
    "BatchCancelledError",
    "CallBuiltin",
    "ClosedError",
    "Codex",
    "CodexError",
    "CodexTimeoutError",
    "CommandApproval",
    "CommandExecution",
    "CommandLimits",
    "CommandOutputDelta",
    "ConfigError",
    "Decision",
    "Deny",
    "DiffUpdated",
    "Elicitation",
    "EngineError",
    "EngineIOError",
    "ErrorEvent",
    "Event",
    "FileChange",
    "FileChangeApproval",
    "FileUpdate",
    "ForkedError",
    "HandoffLimitError",
    "Hook",
    "HookCall",
    "HttpServer",
    "Image",
    "ImageBytes",
    "ImageUrl",
    "Interceptor",
    "InternalError",
    "InvalidArgumentError",
    "InvalidJsonError",
    "Item",
    "ItemCompleted",
    "ItemStarted",
    "ItemUpdated",
    "LocalImage",
    "LoginError",
    "LoginRequiredError",
    "McpToolCall",
    "McpToolError",
    "Mention",
    "NotFoundError",
    "OutputSchemaError",
    "OverloadedError",
    "PermissionsApproval",
    "Personality",
    "Plan",
    "PlanUpdated",
    "Reasoning",
    "ReasoningDelta",
    "SandboxMode",
    "SandboxUnavailableError",
    "Skill",
    "SkillMention",
    "StdioServer",
    "SubAgentEvent",
    "SubAgentStarted",
    "TextInput",
    "Thread",
    "ThreadInfo",
    "ThreadRecord",
    "ThreadStarted",
    "TokenUsage",
    "TokenUsageUpdated",
    "TooLargeError",
    "Tool",
    "ToolCall",
    "ToolContext",
    "ToolInvocation",
    "ToolResult",
    "Turn",
    "TurnCompleted",
    "TurnError",
    "TurnFailedError",
    "TurnFailedEvent",
    "TurnInput",
    "TurnOptions",
    "TurnStarted",
    "TurnStream",
    "UnknownMethodError",
    "UnsupportedError",
    "UserMessage",
    "UserQuestion",
    "WarningEvent",
    "WebSearch",
    "WorkingDirectoryError",
    "WorkingDirectoryNotADirectoryError",
    "WorkingDirectoryNotFoundError",
    "WorkingDirectoryNotTrustedError",
    "WorkspaceWrite",
    "__version__",
    "aquery",
    "hook",
    "query",
    "tool",
]

#: What is loaded when it is asked for first: most programs need little of it.
_LATER = {
    "Abort": "approvals",
    "Answer": "approvals",
    "ApprovalRequest": "approvals",
    "Approve": "approvals",
    "CommandApproval": "approvals",
    "Decision": "approvals",
    "Deny": "approvals",
    "Elicitation": "approvals",
    "FileChangeApproval": "approvals",
    "PermissionsApproval": "approvals",
    "UserQuestion": "approvals",
    "Hook": "hooks",
    "HookCall": "hooks",
    "hook": "hooks",
    "HttpServer": "mcp",
    "StdioServer": "mcp",
    "Skill": "skills",
    "aquery": "_query",
    "query": "_query",
}
_MODULES = {
    "account",
    "agents",
    "approvals",
    "batch",
    "config",
    "hooks",
    "log",
    "mcp",
    "models",
    "rate_limits",
    "review",
    "sessions",
    "skills",
    "tracing",
    "usage",
}

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name in _MODULES:
            return import_module(f"{__name__}.{name}")
        if name not in _LATER:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__, *_MODULES})
