"""A thin client over raw engine events: a builder, a connection, an iterator, and yes or no to each command.

For programs that speak in the engine's own event names (``agent_message``, ``exec_approval_request``, ``task_complete`` ...) and want no objects between::

    client = ClientBuilder().codex_home("~/.codex").sandbox_policy("workspace-write").build()
    with client.connect():
        client.send("Fix the failing test")
        for event in client.events():
            if event.type == "exec_approval_request":
                client.handle_command(event.id, approve=True)
            elif event.type == "task_complete":
                break

Whoever wants more takes :class:`codex_cffi.Codex`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from .approvals import ApprovalRequest, Approve, CommandApproval, Deny, FileChangeApproval, later
from .client import Codex
from .errors import ClosedError, CodexError
from .events import (
    AgentMessageDelta,
    ApprovalRequested,
    CommandOutputDelta,
    ErrorEvent,
    Event,
    ItemCompleted,
    ItemStarted,
    ReasoningDelta,
    TokenUsageUpdated,
    TurnCompleted,
    TurnFailedEvent,
    TurnStarted,
    WarningEvent,
)
from .input import TurnInput
from .items import AgentMessage, CommandExecution, FileChange, Item, McpToolCall, Reasoning, UserMessage, WebSearch
from .options import SandboxMode
from .thread import Thread
from .turn_stream import TurnStream

__all__ = ["Client", "ClientBuilder", "RawEvent"]


@dataclass(frozen=True)
class RawEvent:
    """One event of the engine.

    Attributes:
        type: The engine's name of it, in snake case; where it has none of its own, the dotted name of the :mod:`codex_cffi.events` class.
        id: For :meth:`Client.handle_command` where a decision is asked for; else the item's or the turn's id.
        data: What it says, as plain JSON.
    """

    type: str
    id: str
    data: dict[str, Any] = field(default_factory=dict)


class ClientBuilder:
    """Collects what a :class:`Client` is made with; each method returns the builder."""

    def __init__(self) -> None:
        self._client: dict[str, Any] = {}
        self._thread: dict[str, Any] = {"approval_mode": "on-request"}

    def codex_home(self, path: str | os.PathLike[str]) -> ClientBuilder:
        """Folder of sessions, ``config.toml`` and ``auth.json``."""
        self._client["codex_home"] = path
        return self

    def sandbox_policy(self, mode: SandboxMode) -> ClientBuilder:
        """What commands may touch."""
        self._thread["sandbox_mode"] = mode
        return self

    def working_directory(self, path: str | os.PathLike[str]) -> ClientBuilder:
        """Where commands run."""
        self._thread["working_directory"] = path
        return self

    def model(self, name: str) -> ClientBuilder:
        """The model."""
        self._thread["model"] = name
        return self

    def config(self, settings: Mapping[str, Any]) -> ClientBuilder:
        """Settings over those of ``config.toml``."""
        self._client["config"] = dict(settings)
        return self

    def options(self, **options: Any) -> ClientBuilder:
        """Further arguments of :class:`codex_cffi.Codex`."""
        self._client.update(options)
        return self

    def build(self) -> Client:
        """The client, not yet connected."""
        return Client(self._client, self._thread)


class Client:
    """One engine and one conversation; made by :class:`ClientBuilder`."""

    def __init__(self, client: Mapping[str, Any], thread: Mapping[str, Any]) -> None:
        self._client_options = dict(client)
        self._thread_options = dict(thread)
        self._codex: Codex | None = None
        self._thread: Thread | None = None
        self._stream: TurnStream | None = None

    def connect(self) -> Client:
        """Starts the engine and a thread. Use it with ``with``, or call :meth:`close`."""
        if self._codex is not None:
            raise CodexError("the client is connected already")
        self._codex = Codex(**self._client_options, on_approval=later)
        try:
            self._thread = self._codex.start_thread(**self._thread_options)
        except BaseException:
            self.close()
            raise
        return self

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def send(self, input: TurnInput) -> str:
        """Starts a turn; returns its id."""
        if self._thread is None:
            raise ClosedError("the client is not connected; call connect()")
        self._stream = self._thread.run_streamed(input)
        return self._stream.turn.id

    def events(self) -> Iterator[RawEvent]:
        """The events of the turn that was sent, to its end."""
        if self._stream is None:
            raise CodexError("no turn was sent; call send()")
        for event in self._stream:
            raw = _raw(event)
            if raw is not None:
                yield raw

    def handle_command(self, id: str, approve: bool, reason: str | None = None) -> None:
        """Says yes or no to a command or a patch.

        Raises:
            NotFoundError: It was decided already, or its turn has ended.
        """
        if self._codex is None:
            raise ClosedError("the client is not connected; call connect()")
        self._codex.respond(id, Approve() if approve else Deny(reason))

    def interrupt(self) -> None:
        """Asks the turn to stop."""
        if self._stream is not None:
            self._stream.interrupt()

    def close(self) -> None:
        """Ends the engine. Again: nothing."""
        codex, self._codex = self._codex, None
        self._thread = self._stream = None
        if codex is not None:
            codex.close()


def _plain(value: Any) -> dict[str, Any]:
    plain = msgspec.to_builtins(value)
    return plain if isinstance(plain, dict) else {}


def _begin(item: Item) -> str:
    match item:
        case CommandExecution():
            return "exec_command_begin"
        case FileChange():
            return "patch_apply_begin"
        case McpToolCall():
            return "mcp_tool_call_begin"
        case WebSearch():
            return "web_search_begin"
    return "item_started"


def _end(item: Item) -> str:
    match item:
        case AgentMessage():
            return "agent_message"
        case Reasoning():
            return "agent_reasoning"
        case UserMessage():
            return "user_message"
        case CommandExecution():
            return "exec_command_end"
        case FileChange():
            return "patch_apply_end"
        case McpToolCall():
            return "mcp_tool_call_end"
        case WebSearch():
            return "web_search_end"
    return "item_completed"


def _asks(request: ApprovalRequest) -> str:
    match request:
        case CommandApproval():
            return "exec_approval_request"
        case FileChangeApproval():
            return "apply_patch_approval_request"
    return "elicitation_request"


def _raw(event: Event) -> RawEvent | None:
    match event:
        case ItemStarted(item=item):
            return RawEvent(_begin(item), item.id, _plain(item))
        case ItemCompleted(item=item):
            return RawEvent(_end(item), item.id, _plain(item))
        case AgentMessageDelta(item_id=item, delta=delta):
            return RawEvent("agent_message_delta", item, {"delta": delta})
        case ReasoningDelta(item_id=item, delta=delta):
            return RawEvent("agent_reasoning_delta", item, {"delta": delta})
        case CommandOutputDelta(item_id=item, delta=delta):
            return RawEvent("exec_command_output_delta", item, {"delta": delta})
        case ApprovalRequested(request=request):
            return RawEvent(_asks(request), request.id, dict(request.params))
        case TurnStarted(turn_id=turn):
            return RawEvent("task_started", turn or "")
        case TurnCompleted(turn=turn):
            if turn.status == "interrupted":
                return RawEvent("turn_aborted", turn.id, {"reason": "interrupted"})
            return RawEvent("task_complete", turn.id, {"last_agent_message": turn.final_response})
        case TurnFailedEvent(turn=turn):
            return RawEvent("error", turn.id, {"message": turn.error.message if turn.error else ""})
        case ErrorEvent(message=message, will_retry=retry, turn_id=turn_id):
            return RawEvent("stream_error" if retry else "warning", turn_id or "", {"message": message})
        case WarningEvent(message=message, turn_id=turn_id):
            return RawEvent("warning", turn_id or "", {"message": message})
        case TokenUsageUpdated(turn_id=turn_id):
            return RawEvent("token_count", turn_id or "", _plain(event))
    return RawEvent(event.type, event.turn_id or "", _plain(event) if isinstance(event, msgspec.Struct) else {})
