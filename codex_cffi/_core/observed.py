"""What a client learns from events that no thread's stream shows: rate limits, logins, sub-agents, and what they use."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, TypeVar

from ..events import (
    Event,
    LoginCompleted,
    McpLoginCompleted,
    RateLimitsUpdated,
    SubAgentStarted,
    TokenUsage,
    TokenUsageUpdated,
)
from ..items import CollabAgentToolCall, Item
from .ledger import Ledger

if TYPE_CHECKING:
    from ..rate_limits import RateLimitTracker
    from .contract import ThreadCore

V = TypeVar("V")

#: Ended logins, and threads of nobody known, that are remembered.
_REMEMBERED = 64
#: Events of a thread of nobody known that are kept until it is known whose it is.
_KEPT = 256


class Observed:
    """One client's; used from any thread."""

    def __init__(self, threads: Mapping[str, ThreadCore]) -> None:
        #: The host's open threads.
        self._threads = threads
        self.ledger = Ledger()
        self._rate_limits: RateLimitTracker | None = None
        self._lock = threading.Lock()
        self._logins: OrderedDict[str, LoginCompleted] = OrderedDict()
        self._mcp_logins: OrderedDict[str, McpLoginCompleted] = OrderedDict()
        self._agents: dict[str, SubAgentStarted] = {}
        self._totals: dict[str, TokenUsage] = {}
        #: Of agents whose start is not known yet: it comes on another queue, perhaps after their first events.
        self._early: OrderedDict[str, list[Event]] = OrderedDict()

    @property
    def rate_limits(self) -> RateLimitTracker:
        """What was told of the account's limits."""
        with self._lock:
            if self._rate_limits is None:
                from ..rate_limits import RateLimitTracker  # only now: without a ChatGPT login nothing is ever told

                self._rate_limits = RateLimitTracker()
            return self._rate_limits

    def note(self, event: Event) -> None:
        """An event of the client's own queue."""
        match event:
            case RateLimitsUpdated():
                if event.primary is not None or event.secondary is not None or event.credits is not None:
                    self.rate_limits.update(event)
            case LoginCompleted(login_id=str(login_id)):
                self._remember(self._logins, login_id, event)
            case McpLoginCompleted(name=name):
                self._remember(self._mcp_logins, name, event)
            case TokenUsageUpdated(thread_id=thread_id, total=total):
                with self._lock:
                    if thread_id in self._agents:
                        self._spend(thread_id, total)

    def _remember(self, place: OrderedDict[str, V], key: str, value: V) -> None:
        with self._lock:
            place[key] = value
            while len(place) > _REMEMBERED:
                place.popitem(last=False)

    def _spend(self, thread_id: str, total: TokenUsage) -> None:
        grown = total - self._totals.get(thread_id, TokenUsage())
        if min(grown.input_tokens, grown.output_tokens) < 0:
            return
        self._totals[thread_id] = total
        root = self._threads.get(self._root(thread_id))
        # Those that nobody chose a model for use their thread's.
        self.ledger.add(self._agents[thread_id].model or (root.model if root is not None else ""), grown)

    def forget(self, thread_id: str) -> None:
        """A thread of the host's was closed: so are its sub-agents."""
        with self._lock:
            for agent in [agent for agent in self._agents if self._root(agent) == thread_id]:
                del self._agents[agent]
                self._totals.pop(agent, None)

    def login(self, login_id: str) -> LoginCompleted | None:
        """How a login ended; None while it has not."""
        with self._lock:
            return self._logins.get(login_id)

    def mcp_login(self, name: str) -> McpLoginCompleted | None:
        """How the last login to an MCP server ended; None while it has not."""
        with self._lock:
            return self._mcp_logins.get(name)

    def forget_mcp_login(self, name: str) -> None:
        """A new one begins."""
        with self._lock:
            self._mcp_logins.pop(name, None)

    def keep(self, event: Event) -> None:
        """An event of a thread of nobody known, which may turn out to be a sub-agent's."""
        with self._lock:
            early = self._early.setdefault(event.thread_id, [])
            if len(early) < _KEPT:
                early.append(event)
            while len(self._early) > _REMEMBERED:
                self._early.popitem(last=False)

    def kept(self, thread_id: str) -> list[Event]:
        """What :meth:`keep` was given of a thread."""
        with self._lock:
            return list(self._early.get(thread_id, ()))

    def spawned(self, item: Item) -> Iterator[SubAgentStarted | Event]:
        """The agents that an item says were started, each followed by what it did already."""
        for agent in _started(item):
            with self._lock:
                if agent.thread_id in self._agents or not agent.thread_id:
                    continue
                self._agents[agent.thread_id] = agent
                early = self._early.pop(agent.thread_id, [])
                for event in early:
                    if isinstance(event, TokenUsageUpdated):
                        self._spend(agent.thread_id, event.total)
            yield agent
            yield from early

    def agents_of(self, thread_id: str) -> list[SubAgentStarted]:
        """The sub-agents of a thread, at any depth, in the order of their start."""
        with self._lock:
            return [agent for agent in self._agents.values() if self._root(agent.thread_id) == thread_id]

    def agent(self, thread_id: str) -> SubAgentStarted | None:
        """The sub-agent that has this thread."""
        with self._lock:
            return self._agents.get(thread_id)

    def root_of(self, thread_id: str) -> str:
        """The thread that a sub-agent is of in the end; itself if it is no sub-agent."""
        with self._lock:
            return self._root(thread_id)

    def _root(self, thread_id: str) -> str:
        while (agent := self._agents.get(thread_id)) is not None:
            thread_id = agent.parent_thread_id
        return thread_id


def _started(item: Item) -> list[SubAgentStarted]:
    match item:
        case CollabAgentToolCall(tool="spawnAgent"):
            return [
                SubAgentStarted(
                    thread_id=thread_id,
                    parent_thread_id=item.sender_thread_id,
                    prompt=item.prompt,
                    model=item.model or None,
                    reasoning_effort=item.reasoning_effort,
                )
                for thread_id in item.receiver_thread_ids
            ]
    return []
