"""The engine's protocol as types.

Made by scripts/protocol.py from the engine's own schema; do not edit.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .account import *
    from .config import *
    from .engine import *
    from .files import *
    from .legacy import *
    from .mcp import *
    from .models import *
    from .names import *
    from .plugins import *
    from .processes import *
    from .remote import *
    from .shared import *
    from .threads import *
    from .turns import *
