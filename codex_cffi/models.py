"""The models that the engine knows, each a ``codex_cffi.protocol.Model``, and those that a program tells it of, as :class:`ModelInfo`::

    from codex_cffi.models import ModelInfo

    with Codex(models=[ModelInfo("gpt-9", like="gpt-5.6-sol", context_window=400_000)]) as codex:
        codex.start_thread(model="gpt-9").run("Hello")

Of a model that nobody tells it of, a warning says what is assumed.
"""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING

from ._core.deadline import Deadline
from ._core.steps import Steps, call
from ._keywords import names_keywords
from ._model_info import InputModality, ModelInfo, ShellType, ToolMode, from_catalog

if TYPE_CHECKING:
    from ._core.contract import AsyncClient, BlockingClient
    from .protocol import Model

__all__ = ["AsyncModels", "InputModality", "ModelInfo", "Models", "ShellType", "ToolMode", "from_catalog"]


class Models:
    """The models that the engine knows: ``codex.models``."""

    def __init__(self, client: BlockingClient) -> None:
        self._client = client

    @names_keywords
    def list(self, *, include_hidden: bool = False, timeout: float | None = 30.0) -> builtins.list[Model]:
        """All of them.

        Args:
            include_hidden: Also those that the codex program does not offer for choice.
            timeout: Seconds to wait for the engine.

        Example:
            >>> [model.id for model in codex.models.list() if model.is_default]  # doctest: +SKIP
        """
        return self._client.drive(_list(include_hidden, Deadline(timeout)))


class AsyncModels:
    """The models that the engine knows: ``codex.models`` of an :class:`AsyncCodex`. The twin of :class:`Models`."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    @names_keywords
    async def list(self, *, include_hidden: bool = False, timeout: float | None = 30.0) -> builtins.list[Model]:
        """All of them; see :meth:`Models.list`."""
        return await self._client.drive(_list(include_hidden, Deadline(timeout)))


def _list(include_hidden: bool, deadline: Deadline) -> Steps[list[Model]]:
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
