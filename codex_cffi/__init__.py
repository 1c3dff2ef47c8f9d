"""OpenAI Codex's engine inside your Python process."""

from . import approvals, errors, events, hooks, input, interceptors, items, log, options, sessions, tools
from .approvals import *  # noqa: F403
from .client import AsyncCodex, Codex
from .errors import *  # noqa: F403
from .events import *  # noqa: F403
from .hooks import *  # noqa: F403
from .input import *  # noqa: F403
from .interceptors import *  # noqa: F403
from .items import *  # noqa: F403
from .options import *  # noqa: F403
from .sessions import ThreadInfo, ThreadRecord
from .thread import AsyncThread, Thread
from .tools import *  # noqa: F403
from .turn import AsyncTurnStream, Turn, TurnError, TurnStream

__version__ = "0.1.0"

__all__ = [
    "AsyncCodex",
    "AsyncThread",
    "AsyncTurnStream",
    "Codex",
    "Thread",
    "ThreadInfo",
    "ThreadRecord",
    "Turn",
    "TurnError",
    "TurnStream",
    "__version__",
    "log",
    "sessions",
]
__all__ += errors.__all__
__all__ += events.__all__
__all__ += items.__all__
__all__ += input.__all__
__all__ += options.__all__
__all__ += approvals.__all__
__all__ += hooks.__all__
__all__ += interceptors.__all__
__all__ += tools.__all__
