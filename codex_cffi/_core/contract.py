"""What the parts of a client may use of each other. Whatever else an object has is its own.

A face (:class:`~codex_cffi.Codex`, a thread, a stream of events) has a core that hosts never see. Whatever a face makes is given cores, not faces: threads,
turns, agents, reviews, and the resources (``codex.sessions`` and its like). The library, the server of requests and the waiting are known here by what is
used of them; so nothing here imports them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    import threading

    from .._skill_shelf import SkillShelf
    from ..approvals import ApprovalHandler, ApprovalRequest, Decision
    from ..events import Event, TokenUsage
    from ..hooks import Hook
    from ..interceptors import Interceptor
    from ..items import Item
    from ..tools import Tool
    from .deadline import Deadline
    from .ledger import Ledger
    from .observed import Observed
    from .parameters import Equipment, ThreadOptions
    from .steps import Steps

T = TypeVar("T")


class Pending(Protocol):
    """A request to the engine on its way."""

    def wait(self, milliseconds: int, /) -> bytes | None:
        """Its result as JSON; None if there is none yet."""
        ...

    def free(self) -> None:
        """Its answer is no longer wanted."""
        ...


class Queue(Protocol):
    """A thread's queue of events."""

    @property
    def key(self) -> int:
        """Its number."""
        ...

    @property
    def thread_id(self) -> str:
        """Its thread."""
        ...

    def poll(self, most: int, milliseconds: int, /) -> bytes | None:
        """Events as JSON; None if there are none yet."""
        ...

    def wake(self) -> None:
        """Ends a poll that waits."""
        ...

    def free(self) -> None:
        """It is no longer wanted."""
        ...


class Engine(Protocol):
    """A running engine."""

    def start_call(self, method: str, params: Any) -> Pending:
        """Sends a request."""
        ...

    def open_thread(self, thread_id: str) -> Queue:
        """The queue of a thread."""
        ...

    def close(self, milliseconds: int, /) -> bool:
        """Ends it; False if it had to be stopped hard."""
        ...

    def free(self) -> None:
        """Lets go of it."""
        ...


class Queues(Protocol):
    """Hands out what waits in the client's own queue, and wakes who waits for a thread's."""

    def drain(self, wait_ms: int = 0) -> None:
        """Takes what is in the client's own queue and hands it on; waits so long for the first of it."""
        ...

    def doorbell(self) -> int:
        """The descriptor that is readable when a queue has something."""
        ...

    def ring(self) -> None:
        """Answers the doorbell: wakes whoever waits for a queue that has something."""
        ...

    def submit(self, method: str, params: Any, done: Callable[[Any], None]) -> int:
        """Sends a request; `done` gets its outcome. Returns its ticket."""
        ...

    def dismiss(self, ticket: int) -> None:
        """The outcome is no longer wanted."""
        ...

    def wait_for(self, queue: int, wake: Callable[[], None]) -> None:
        """`wake` is called, on any thread, whenever the queue may have something, until :meth:`leave`."""
        ...

    def leave(self, queue: int, wake: Callable[[], None]) -> None:
        """Ends a :meth:`wait_for`."""
        ...

    def wake(self, queue: int) -> None:
        """Wakes whoever waits for a queue."""
        ...

    def end(self) -> None:
        """The engine has ended: whoever waits finds out."""
        ...


class Server(Protocol):
    """Answers what the engine asks the host; :mod:`codex_cffi._serving` is it."""

    def start(self) -> None: ...
    def register(self, tool: Tool, thread_id: str | None = None) -> None: ...
    def unregister(self, full_name: str, thread_id: str | None = None) -> None: ...
    def forget(self, thread_id: str) -> None: ...
    def tools_of(self, thread_id: str) -> list[Tool]: ...
    def intercept(self, interceptor: Interceptor) -> None: ...
    def stop_intercepting(self, interceptor: Interceptor) -> None: ...
    def hook(self, hook: Hook) -> None: ...
    def unhook(self, hook: Hook) -> None: ...
    def pending(self) -> list[ApprovalRequest]: ...
    def respond(self, request_id: str, decision: Decision) -> None: ...


class Stream(Protocol):
    """A turn that somebody follows."""

    id: str
    nameless: bool
    streamed: bool

    def stop(self) -> Steps[None]:
        """Stops the turn if it runs, and reads on to its end."""
        ...


class ThreadCore(Protocol):
    """One thread of the engine's that the host has."""

    id: str
    handle: Queue
    #: Events that did not come from the engine, for the stream.
    told: deque[Event]
    #: Warnings of its start, for the stream of its first turn.
    early: deque[Event]
    #: Tokens that it has used; None where that is not known.
    total: TokenUsage | None
    #: The session file; None for an ephemeral thread.
    rollout: str | None
    on_approval: ApprovalHandler | None
    ledger: Ledger

    @property
    def client(self) -> ClientCore:
        """Its client."""
        ...

    @property
    def model(self) -> str:
        """The model that it uses from now on."""
        ...

    def interrupt(self, turn_id: str) -> None:
        """Asks a turn to stop."""
        ...

    def stream(self) -> Stream | None:
        """The stream of the running turn."""
        ...

    def claim(self, stream: Stream) -> str | None:
        """Makes the stream that of the thread's turn; returns the id of a turn whose stream was dropped half way."""
        ...

    def release(self, stream: Stream) -> None:
        """The stream is no longer that of the thread's turn."""
        ...

    def begun(self, turn_id: str) -> int:
        """The engine has accepted a turn; returns how many that makes."""
        ...

    def turn_ended(self, stream: Stream) -> None:
        """The end of the stream's turn was read."""
        ...

    def spent(self, usage: TokenUsage) -> None:
        """A turn has used so many tokens more."""
        ...

    def tell(self, event: Event) -> None:
        """Puts an event into the stream of the running turn."""
        ...

    def before_overrides(self, overrides: Mapping[str, Any], deadline: Deadline) -> Steps[None]:
        """Sees to it that what a turn changes can be taken back."""
        ...

    def overridden(self, overrides: Mapping[str, Any]) -> None:
        """A turn has begun with these."""
        ...

    def end_overrides(self) -> Steps[None]:
        """Takes back what the last turn was started with."""
        ...

    def settings_told(self, params: Any) -> None:
        """The engine told the thread's settings."""
        ...

    def leave(self, method: str, deadline: Deadline) -> Steps[None]:
        """Archives or deletes the thread, which unloads it."""
        ...

    def close(self, deadline: Deadline) -> Steps[None]:
        """Stops what runs, and has the engine unload the thread."""
        ...


class ClientCore(Protocol):
    """One engine and what the host has of it. Used from any thread."""

    #: Whether it was closed.
    closed: bool
    #: The folder of sessions, as it was given; None for the usual one.
    codex_home: str | None
    #: What threads have where they are not told otherwise.
    skip_git_repo_check: bool
    trust_project: bool
    on_event: Callable[[Event], None] | None
    on_approval: ApprovalHandler | None
    before_start: Callable[[Any, Any], Any] | None
    #: The reasoning efforts of models that the host told of, by the models' names.
    efforts: Mapping[str, Sequence[str]]

    @property
    def threads(self) -> MutableMapping[str, Any]:
        """The host's open threads, by id; they vanish with their last user."""
        ...

    @property
    def observed(self) -> Observed:
        """What events told that no thread's stream shows."""
        ...

    @property
    def dispatcher(self) -> Queues:
        """Whoever waits."""
        ...

    @property
    def server(self) -> Server:
        """Whoever answers the engine's requests."""
        ...

    def open_handle(self) -> Engine:
        """The engine.

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

    def register_tool(self, tool: Tool, thread_id: str | None = None) -> None:
        """Offers a tool to the model, on one thread or all."""
        ...

    def unregister_tool(self, name: str, thread_id: str | None = None) -> None:
        """Takes a tool back."""
        ...

    def start(
        self,
        options: ThreadOptions,
        equipment: Equipment,
        deadline: Deadline,
        more: Mapping[str, Any] | None = None,
        *,
        history: str | None = None,
    ) -> Steps[Any]:
        """A new thread."""
        ...

    def arrangement(self, equipment: Equipment) -> dict[str, Any]:
        """A thread's own MCP servers and choice of skills, as settings of its own."""
        ...

    def equip(self, equipment: Equipment, source: Any = None) -> tuple[list[Tool], ApprovalHandler | None]:
        """Checked tools and handler for a new thread."""
        ...

    def adopt(
        self,
        info: Mapping[str, Any],
        total: TokenUsage | None,
        options: ThreadOptions,
        equipped: tuple[list[Tool], ApprovalHandler | None],
        own: Mapping[str, Any],
    ) -> Any:
        """The object for a thread that the engine has started or loaded."""
        ...

    def forget(self, thread: Any) -> None:
        """A thread is unloaded."""
        ...


class BlockingClient(ClientCore, Protocol):
    """The core of a :class:`~codex_cffi.Codex`."""

    def drive(self, steps: Steps[T], cancelled: threading.Event | None = None) -> T:
        """Does the steps; waits by blocking. Once `cancelled` is set, they are ended by :class:`~codex_cffi._core.steps.Cancelled`."""
        ...


class AsyncClient(ClientCore, Protocol):
    """The core of a :class:`~codex_cffi.AsyncCodex`."""

    async def drive(self, steps: Steps[T]) -> T:
        """Does the steps; waits on the running event loop."""
        ...
