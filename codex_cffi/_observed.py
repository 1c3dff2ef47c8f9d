"""What a client learns from events that no thread's stream shows: rate limits, logins, sub-agents, and what they use."""

from __future__ import annotations

import threading
from collections import OrderedDict

from .events import (
    Event,
    LoginCompleted,
    McpLoginCompleted,
    RateLimitsUpdated,
    SubAgentStarted,
    TokenUsage,
    TokenUsageUpdated,
)
from .rate_limits import RateLimitTracker
from .usage import Ledger

#: Ended logins that are remembered for whoever waits for them.
_LOGINS = 64


class Observed:
    """One client's; used from any thread."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.rate_limits = RateLimitTracker()
        self._lock = threading.Lock()
        self._logins: OrderedDict[str, LoginCompleted] = OrderedDict()
        self._mcp_logins: OrderedDict[str, McpLoginCompleted] = OrderedDict()
        self._agents: dict[str, SubAgentStarted] = {}
        self._models: dict[str, str] = {}
        self._totals: dict[str, TokenUsage] = {}

    def note(self, event: Event) -> None:
        """An event of the client's own queue."""
        match event:
            case RateLimitsUpdated():
                self.rate_limits.update(event)
            case LoginCompleted(login_id=str(login_id)):
                with self._lock:
                    self._logins[login_id] = event
                    while len(self._logins) > _LOGINS:
                        self._logins.popitem(last=False)
            case McpLoginCompleted(name=name):
                with self._lock:
                    self._mcp_logins[name] = event
            case SubAgentStarted(thread_id=thread_id):
                with self._lock:
                    self._agents[thread_id] = event
            case TokenUsageUpdated(thread_id=thread_id, total=total):
                self._count(thread_id, total)

    def _count(self, thread_id: str, total: TokenUsage) -> None:
        with self._lock:
            if thread_id not in self._agents:
                return  # a thread that was closed meanwhile; its turns have counted
            grown = total - self._totals.get(thread_id, TokenUsage())
            if min(grown.input_tokens, grown.output_tokens) < 0:
                return
            self._totals[thread_id] = total
            model = self._models.get(self._root(thread_id), "")
        self.ledger.add(model, grown)

    def opened(self, thread_id: str, model: str) -> None:
        """A thread of the host's; its sub-agents are taken to use its model."""
        with self._lock:
            self._models[thread_id] = model

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
