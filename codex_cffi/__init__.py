"""OpenAI Codex's engine inside your Python process."""

from . import (
    account,
    agents,
    approvals,
    batch,
    config,
    errors,
    events,
    interceptors,
    items,
    log,
    mcp,
    options,
    rate_limits,
    review,
    skills,
    tools,
    usage,
)
from ._query import aquery, query
from .account import *  # noqa: F403
from .agents import *  # noqa: F403
from .approvals import *  # noqa: F403
from .batch import *  # noqa: F403
from .client import AsyncCodex, Codex
from .config import *  # noqa: F403
from .errors import *  # noqa: F403
from .events import *  # noqa: F403
from .interceptors import *  # noqa: F403
from .items import *  # noqa: F403
from .mcp import *  # noqa: F403
from .options import *  # noqa: F403
from .rate_limits import *  # noqa: F403
from .review import *  # noqa: F403
from .skills import *  # noqa: F403
from .thread import AsyncThread, Thread
from .tools import *  # noqa: F403
from .turn import AsyncTurnStream, Turn, TurnError, TurnStream
from .usage import *  # noqa: F403

__version__ = "0.1.0"

__all__ = [
    "AsyncCodex",
    "AsyncThread",
    "AsyncTurnStream",
    "Codex",
    "Thread",
    "Turn",
    "TurnError",
    "TurnStream",
    "__version__",
    "aquery",
    "log",
    "query",
]
__all__ += errors.__all__
__all__ += events.__all__
__all__ += items.__all__
__all__ += options.__all__
__all__ += approvals.__all__
__all__ += interceptors.__all__
__all__ += tools.__all__
__all__ += account.__all__
__all__ += agents.__all__
__all__ += batch.__all__
__all__ += config.__all__
__all__ += mcp.__all__
__all__ += rate_limits.__all__
__all__ += review.__all__
__all__ += skills.__all__
__all__ += usage.__all__
