"""Adds up the tokens that are used; what users see of it is in :mod:`codex_cffi.usage`."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from ..events import TokenUsage

if TYPE_CHECKING:
    from ..usage import Usage


class Ledger:
    """Adds up what is used, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_model: dict[str, TokenUsage] = {}

    def add(self, model: str, usage: TokenUsage) -> None:
        """Some tokens more."""
        with self._lock:
            self._by_model[model] = self._by_model.get(model, TokenUsage()) + usage

    def usage(self) -> Usage:
        """All of it so far."""
        from ..usage import Usage

        with self._lock:
            by_model = dict(self._by_model)
        total = TokenUsage()
        for usage in by_model.values():
            total += usage
        return Usage(total, by_model)
