"""What the server needs of its client."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from .._waiting.loops import Loop
    from ..approvals import ApprovalHandler
    from ..events import Event


class Host(Protocol):
    """A client."""

    def tell(self, thread_id: str, event: Event) -> None:
        """Puts an event into a thread's stream."""
        ...

    def loop_of(self, thread_id: str) -> Loop | None:
        """The event loop for ``async`` handlers of a thread; None where the host is synchronous."""
        ...

    def knows(self, thread_id: str) -> bool:
        """Whether the host has started or resumed the thread, and still has it."""
        ...

    def approver(self, thread_id: str) -> ApprovalHandler | None:
        """The handler of a thread's approvals."""
        ...


class HostRef:
    """The client, while it lives: the server's threads must not be what keeps it alive."""

    def __init__(self, find: Callable[[], Host | None]) -> None:
        #: The client; None once it is gone.
        self.get = find

    def tell(self, thread_id: str, event: Event) -> None:
        """Puts an event into a thread's stream."""
        host = self.get()
        if host is not None:
            host.tell(thread_id, event)

    def loop_of(self, thread_id: str) -> Loop | None:
        """The event loop for ``async`` handlers of a thread; None where there is none."""
        host = self.get()
        return None if host is None else host.loop_of(thread_id)
