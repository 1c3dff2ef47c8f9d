"""OpenAI Codex's engine inside your Python process."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import errors, events, input, interceptors, items, log, options, sessions, tools
from .client import AsyncCodex, Codex
from .errors import *  # noqa: F403
from .events import *  # noqa: F403
from .input import *  # noqa: F403
from .interceptors import *  # noqa: F403
from .items import *  # noqa: F403
from .options import *  # noqa: F403
from .records import ThreadInfo, ThreadRecord
from .sessions import AsyncSessions, Sessions
from .thread import AsyncThread, Thread
from .tools import *  # noqa: F403
from .turn import Turn, TurnError
from .turn_stream import AsyncTurnStream, TurnStream

if TYPE_CHECKING:
    from . import account, agents, approvals, batch, config, hooks, mcp, models, rate_limits, review, skills, usage
    from ._query import aquery, query
    from .account import *  # noqa: F403
    from .agents import *  # noqa: F403
    from .approvals import *  # noqa: F403
    from .batch import *  # noqa: F403
    from .config import *  # noqa: F403
    from .hooks import *  # noqa: F403
    from .mcp import *  # noqa: F403
    from .models import *  # noqa: F403
    from .rate_limits import *  # noqa: F403
    from .review import *  # noqa: F403
    from .skills import *  # noqa: F403
    from .usage import *  # noqa: F403

__version__ = "0.1.0"

__all__ = [
    "AsyncCodex",
    "AsyncSessions",
    "AsyncThread",
    "AsyncTurnStream",
    "Codex",
    "Sessions",
    "Thread",
    "ThreadInfo",
    "ThreadRecord",
    "Turn",
    "TurnError",
    "TurnStream",
    "__version__",
    "aquery",
    "log",
    "query",
    "sessions",
]
__all__ += errors.__all__
__all__ += events.__all__
__all__ += items.__all__
__all__ += input.__all__
__all__ += options.__all__
__all__ += interceptors.__all__
__all__ += tools.__all__

#: What is loaded when it is asked for first, by module: most programs need little of it.
_LATER = {
    "account": [
        "Account",
        "AsyncClientAccount",
        "AsyncLogin",
        "ClientAccount",
        "Login",
        "LoginError",
        "LoginRequiredError",
    ],
    "agents": ["Agent", "AgentResult", "AgentTurn", "AsyncAgent", "HandoffLimitError"],
    "approvals": [
        "Abort",
        "Answer",
        "ApprovalHandler",
        "ApprovalRequest",
        "Approve",
        "CommandApproval",
        "Decision",
        "Deny",
        "Elicitation",
        "FileChangeApproval",
        "PermissionsApproval",
        "Question",
        "UserQuestion",
        "later",
    ],
    "batch": ["BatchCancelled", "BatchProgress", "BatchResult", "OnProgress"],
    "config": [
        "AsyncConfiguration",
        "Config",
        "ConfigWritten",
        "Configuration",
        "FeatureConfig",
        "McpServerTable",
        "ProviderConfig",
        "SandboxWorkspaceWriteConfig",
        "SkillsConfig",
    ],
    "hooks": ["AddContext", "EndTurn", "GoOn", "Hook", "HookCall", "HookEvent", "ReplaceInput", "hook"],
    "mcp": [
        "ApprovalOfTools",
        "AsyncMcp",
        "AsyncMcpLogin",
        "AsyncThreadMcp",
        "HttpServer",
        "Mcp",
        "McpLogin",
        "McpResource",
        "McpServer",
        "McpServerStatus",
        "McpTool",
        "McpToolError",
        "McpToolResult",
        "StdioServer",
        "ThreadMcp",
    ],
    "models": ["AsyncModels", "Models"],
    "rate_limits": ["RateLimitProjection", "RateLimits"],
    "review": [
        "AsyncReviewStream",
        "BaseBranch",
        "Commit",
        "CurrentChanges",
        "Custom",
        "Review",
        "ReviewFinding",
        "ReviewStream",
        "ReviewTarget",
    ],
    "skills": ["AsyncSkills", "Skill", "SkillInfo", "SkillSource", "Skills"],
    "usage": ["Cost", "Price", "Usage", "estimate_cost"],
    "_query": ["aquery", "query"],
}

if TYPE_CHECKING:
    __all__ += account.__all__
    __all__ += agents.__all__
    __all__ += approvals.__all__
    __all__ += batch.__all__
    __all__ += config.__all__
    __all__ += hooks.__all__
    __all__ += mcp.__all__
    __all__ += models.__all__
    __all__ += rate_limits.__all__
    __all__ += review.__all__
    __all__ += skills.__all__
    __all__ += usage.__all__
else:
    _MODULES = {name: module for module, names in _LATER.items() for name in names}
    __all__ += [name for name in _MODULES if name not in __all__]

    def __getattr__(name: str) -> Any:
        if name in _LATER:
            return import_module(f"{__name__}.{name}")
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
