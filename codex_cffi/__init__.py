"""OpenAI Codex's engine inside your Python process."""

from .client import Codex
from .errors import *  # noqa: F403
from .errors import __all__ as _errors
from .events import *  # noqa: F403
from .events import __all__ as _events
from .items import *  # noqa: F403
from .items import __all__ as _items
from .options import *  # noqa: F403
from .options import __all__ as _options
from .thread import Thread
from .tools import Tool, ToolInvocation, ToolResult
from .turn import Turn, TurnError, TurnStream

__version__ = "0.1.0"

__all__ = [
    "Codex",
    "Thread",
    "Tool",
    "ToolInvocation",
    "ToolResult",
    "Turn",
    "TurnError",
    "TurnStream",
    "__version__",
    *_errors,
    *_events,
    *_items,
    *_options,
]
