"""OpenAI Codex's engine inside your Python process."""

from . import errors, events, items, options
from .client import AsyncCodex, Codex
from .errors import *  # noqa: F403
from .events import *  # noqa: F403
from .items import *  # noqa: F403
from .options import *  # noqa: F403
from .thread import AsyncThread, Thread
from .tools import Tool, ToolInvocation, ToolResult
from .turn import AsyncTurnStream, Turn, TurnError, TurnStream

__version__ = "0.1.0"

__all__ = [
    "AsyncCodex",
    "AsyncThread",
    "AsyncTurnStream",
    "Codex",
    "Thread",
    "Tool",
    "ToolInvocation",
    "ToolResult",
    "Turn",
    "TurnError",
    "TurnStream",
    "__version__",
]
__all__ += errors.__all__
__all__ += events.__all__
__all__ += items.__all__
__all__ += options.__all__
