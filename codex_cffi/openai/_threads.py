"""Threads: conversations, turn after turn."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .._core.deadline import Deadline
from .._core.steps import Steps
from . import _calls
from ._inputs import RunInput, encode_turn_input
from ._turns import AsyncTurnHandle, Follower, TurnHandle, TurnResult, start_turn

if TYPE_CHECKING:
    from ._config import ApprovalMode, Sandbox
    from ._host import AsyncHost, Host
    from ._models import (
        Personality,
        ReasoningEffort,
        ReasoningSummary,
        ThreadCompactStartResponse,
        ThreadReadResponse,
        ThreadSetNameResponse,
    )
    from .models import JsonObject


def _start(
    thread: _calls.LoadedThread,
    directory: str | None,
    input: RunInput,
    options: Mapping[str, Any],
    timeout: float | None,
) -> Steps[Follower]:
    params = {
        "threadId": thread.id,
        **encode_turn_input(input, directory),
        **_calls.settings(thread.client, options, directory, of_turn=True),
    }
    return start_turn(thread, params, Deadline(timeout))


def _read(thread_id: str, include_turns: bool) -> Steps[ThreadReadResponse]:
    from ._models import ThreadReadResponse

    return _calls.request("thread/read", {"threadId": thread_id, "includeTurns": include_turns}, ThreadReadResponse)


def _set_name(thread_id: str, name: str) -> Steps[ThreadSetNameResponse]:
    from ._models import ThreadSetNameResponse

    return _calls.request("thread/name/set", {"threadId": thread_id, "name": name}, ThreadSetNameResponse)


def _compact(thread: _calls.LoadedThread) -> Steps[ThreadCompactStartResponse]:
    from ._models import ThreadCompactStartResponse

    thread.compacting = time.monotonic()
    return _calls.request("thread/compact/start", {"threadId": thread.id}, ThreadCompactStartResponse)


@dataclass(slots=True)
class Thread:
    """A conversation; made by :meth:`Codex.thread_start` and its like.

    Attributes:
        id: The engine's id of it.
    """

    _host: Host = field(repr=False)
    id: str
    _loaded: _calls.LoadedThread = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._loaded = self._host.thread(self.id)

    def run(
        self,
        input: RunInput,
        *,
        approval_mode: ApprovalMode | None = None,
        cwd: str | None = None,
        effort: ReasoningEffort | None = None,
        model: str | None = None,
        output_schema: JsonObject | None = None,
        personality: Personality | None = None,
        sandbox: Sandbox | None = None,
        service_tier: str | None = None,
        source: str | None = None,
        summary: ReasoningSummary | None = None,
        turn_service_tier: str | None = None,
        timeout: float | None = None,
    ) -> TurnResult:
        """Runs a turn and waits for its end; the arguments are those of :meth:`Thread.turn`.

        Raises:
            TurnFailedError: It ended in an error; the error has what it did.
            CodexTimeoutError: The time was up; it has what the turn did, which was stopped.
        """
        return self.turn(
            input,
            approval_mode=approval_mode,
            cwd=cwd,
            effort=effort,
            model=model,
            output_schema=output_schema,
            personality=personality,
            sandbox=sandbox,
            service_tier=service_tier,
            source=source,
            summary=summary,
            turn_service_tier=turn_service_tier,
            timeout=timeout,
        ).run()

    def turn(
        self,
        input: RunInput,
        *,
        approval_mode: ApprovalMode | None = None,
        cwd: str | None = None,
        effort: ReasoningEffort | None = None,
        model: str | None = None,
        output_schema: JsonObject | None = None,
        personality: Personality | None = None,
        sandbox: Sandbox | None = None,
        service_tier: str | None = None,
        source: str | None = None,
        summary: ReasoningSummary | None = None,
        turn_service_tier: str | None = None,
        timeout: float | None = None,
    ) -> TurnHandle:
        """Starts a turn, or adds the input to the one that runs, and returns its handle.

        Args:
            input: Text, one of the Input classes, or a list of them.
            approval_mode: Who decides what commands may do; from now on, as all that follows but for `output_schema`.
            cwd: Where commands run.
            effort: How much the model reasons.
            model: The model.
            output_schema: JSON schema that the final response must follow; for this turn.
            personality: How the agent talks.
            sandbox: What commands may touch.
            service_tier: The model provider's service tier.
            source: Not possible with this engine.
            summary: How its reasoning is summed up.
            turn_service_tier: Not possible with this engine.
            timeout: Seconds until the turn is stopped; None is never. The official SDK has no such limit.

        Raises:
            CodexError: An argument needs a newer engine; or an `output_schema` comes while a turn runs.
        """
        options = {name: value for name, value in locals().items() if name not in ("self", "input", "timeout")}
        follower = self._host.drive(_start(self._loaded, self._host.directory, input, options, timeout))
        return TurnHandle(self._host, self.id, follower.turn.id, follower)

    def read(self, *, include_turns: bool = False) -> ThreadReadResponse:
        """What is stored of the thread, with its turns if asked for."""
        return self._host.drive(_read(self.id, include_turns))

    def set_name(self, name: str) -> ThreadSetNameResponse:
        """Names the thread."""
        return self._host.drive(_set_name(self.id, name))

    def compact(self) -> ThreadCompactStartResponse:
        """Starts summing up the conversation so far, so that it needs less of the model's context."""
        return self._host.drive(_compact(self._loaded))


@dataclass(slots=True)
class AsyncThread:
    """A conversation; made by :meth:`AsyncCodex.thread_start` and its like. The twin of :class:`Thread`.

    Attributes:
        id: The engine's id of it.
    """

    _host: AsyncHost = field(repr=False)
    id: str
    _loaded: _calls.LoadedThread = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._loaded = self._host.thread(self.id)

    async def run(
        self,
        input: RunInput,
        *,
        approval_mode: ApprovalMode | None = None,
        cwd: str | None = None,
        effort: ReasoningEffort | None = None,
        model: str | None = None,
        output_schema: JsonObject | None = None,
        personality: Personality | None = None,
        sandbox: Sandbox | None = None,
        service_tier: str | None = None,
        source: str | None = None,
        summary: ReasoningSummary | None = None,
        turn_service_tier: str | None = None,
        timeout: float | None = None,
    ) -> TurnResult:
        """Runs a turn and waits for its end; see :meth:`Thread.run`. Cancelling the task stops the turn."""
        turn = await self.turn(
            input,
            approval_mode=approval_mode,
            cwd=cwd,
            effort=effort,
            model=model,
            output_schema=output_schema,
            personality=personality,
            sandbox=sandbox,
            service_tier=service_tier,
            source=source,
            summary=summary,
            turn_service_tier=turn_service_tier,
            timeout=timeout,
        )
        return await turn.run()

    async def turn(
        self,
        input: RunInput,
        *,
        approval_mode: ApprovalMode | None = None,
        cwd: str | None = None,
        effort: ReasoningEffort | None = None,
        model: str | None = None,
        output_schema: JsonObject | None = None,
        personality: Personality | None = None,
        sandbox: Sandbox | None = None,
        service_tier: str | None = None,
        source: str | None = None,
        summary: ReasoningSummary | None = None,
        turn_service_tier: str | None = None,
        timeout: float | None = None,
    ) -> AsyncTurnHandle:
        """Starts a turn, or adds the input to the one that runs, and returns its handle; see :meth:`Thread.turn`."""
        options = {name: value for name, value in locals().items() if name not in ("self", "input", "timeout")}
        follower = await self._host.drive(_start(self._loaded, self._host.directory, input, options, timeout))
        return AsyncTurnHandle(self._host, self.id, follower.turn.id, follower)

    async def read(self, *, include_turns: bool = False) -> ThreadReadResponse:
        """What is stored of the thread; see :meth:`Thread.read`."""
        return await self._host.drive(_read(self.id, include_turns))

    async def set_name(self, name: str) -> ThreadSetNameResponse:
        """Names the thread."""
        return await self._host.drive(_set_name(self.id, name))

    async def compact(self) -> ThreadCompactStartResponse:
        """Starts summing up the conversation so far; see :meth:`Thread.compact`."""
        return await self._host.drive(_compact(self._loaded))
