"""The models that the engine knows, as :meth:`Codex.list_models` gives them; the type is :class:`codex_cffi.protocol.Model`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._core.deadline import Deadline
from ._core.steps import Steps, call

if TYPE_CHECKING:
    from .protocol import Model


def list_models(include_hidden: bool, deadline: Deadline) -> Steps[list[Model]]:
    """All pages of them."""
    from .protocol import ModelListParams

    found: list[Model] = []
    cursor = None
    while True:
        page = yield from call("model/list", ModelListParams(include_hidden=include_hidden, cursor=cursor), deadline)
        found += page.data
        cursor = page.next_cursor
        if cursor is None:
            return found
