"""What a turn is told to: the base of what a person reads and of JSON lines."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .. import Event, Thread, Turn
    from ..approvals import ApprovalHandler

__all__ = ["Output"]


class Output:
    """Is told of a turn, between its start and its end; used with ``with``."""

    def __enter__(self) -> Output:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def approvals(self) -> ApprovalHandler | None:
        """Asks a person about what the agent wants; None where there is nobody."""
        return None

    def thread_started(self, thread: Thread) -> None:
        """The thread is there; its turn begins."""

    def event(self, event: Event) -> None:
        """Something happened."""

    def failed(self, message: str) -> None:
        """The turn cannot go on, or its answer cannot be used."""

    def answer(self, turn: Turn[Any]) -> None:
        """The turn was completed."""

    def close(self) -> None:
        """Nothing more will be told."""
