"""The protocol's types for annotations and comparisons; the official SDK has these names in a module of the same name.

Those that the official SDK has in its module ``generated`` alone, such as ``AgentMessageThreadItem``, are here too.
"""

from __future__ import annotations

from . import _models
from ._models import *  # noqa: F403
from .models import JsonObject, Notification

__all__ = ["JsonObject", "Notification"]
__all__ += _models.__all__
