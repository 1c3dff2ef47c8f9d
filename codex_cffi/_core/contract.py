"""What the parts of a client may use of each other. Whatever else an object has is its own.

A client's face (:class:`~codex_cffi.Codex`) has a core that the host never sees; threads, turns, agents, reviews and the resources (``codex.sessions`` and
its like) are given that core, not the face.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from .._deadline import Deadline
    from .._observed import Observed
    from .._steps import Steps
    from ..approvals import ApprovalHandler
    from ..events import Event
    from ..items import Item
    from ..skills import SkillShelf

T = TypeVar("T")


class Queues(Protocol):
    """Hands out what waits in the client's own queue, and wakes who waits for a thread's."""

    def drain(self) -> None:
        """Takes what is in the client's own queue and hands it on."""
        ...

    def wake(self, queue: int) -> None:
        """Wakes whoever waits for a queue."""
        ...


class ClientCore(Protocol):
    """One engine and what the host has of it: from any thread."""

    #: Whether it was closed.
    closed: bool
    #: The threads that the host has, by id; they vanish with their last user.
    threads: MutableMapping[str, Any]
    #: What events told that no thread's stream shows.
    observed: Observed
    #: Whoever waits.
    dispatcher: Queues
    #: The folder of sessions, as it was given; None for the usual one.
    codex_home: str | None
    #: What threads have where they are not told otherwise.
    skip_git_repo_check: bool
    trust_project: bool
    on_event: Callable[[Event], None] | None
    on_approval: ApprovalHandler | None
    before_start: Callable[[Any, Any], Any] | None

    def open_handle(self) -> Any:
        """The engine's handle.

        Raises:
            ClosedError: The client is closed, or not open yet.
        """
        ...

    def catch_up(self) -> None:
        """Reads what waits in the client's own queue, for hosts that look while no turn runs."""
        ...

    def heard(self, event: Event) -> None:
        """Hands an event to the host's ``on_event``."""
        ...

    def spawned(self, item: Item) -> None:
        """An item was completed, which may say that an agent was started."""
        ...

    @property
    def shelf(self) -> SkillShelf:
        """What skills it was given."""
        ...

    def mentioned(self, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """An input item for each of its skills that an input calls for."""
        ...


class BlockingClient(ClientCore, Protocol):
    """The core of a :class:`~codex_cffi.Codex`."""

    def drive(self, steps: Steps[T]) -> T:
        """Does the steps; waits by blocking."""
        ...


class AsyncClient(ClientCore, Protocol):
    """The core of a :class:`~codex_cffi.AsyncCodex`."""

    async def drive(self, steps: Steps[T]) -> T:
        """Does the steps; waits on the running event loop."""
        ...


class ThreadCore(Protocol):
    """One thread of the engine's that the host has."""

    id: str
    client: ClientCore
    #: Model that it uses now.
    model: str
    #: The session file; None for an ephemeral thread.
    rollout: str | None

    def tell(self, event: Event) -> None:
        """Puts an event into the stream of the running turn."""
        ...

    def leave(self, method: str, deadline: Deadline) -> Steps[None]:
        """Archives or deletes the thread, which unloads it."""
        ...

    def settings_told(self, settings: Mapping[str, Any]) -> None:
        """The engine told the thread's settings."""
        ...
