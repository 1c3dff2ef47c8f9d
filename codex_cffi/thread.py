"""An agent thread: one conversation, turn after turn."""

from __future__ import annotations

import contextlib
import threading
import time
import weakref
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ._capi import ThreadHandle
from ._deadline import Deadline
from ._keywords import names_keywords
from ._ledger import Ledger
from ._steps import Pause, Steps, call
from .errors import ClosedError, CodexError, CodexTimeoutError, EngineError
from .events import Event, SubAgentStarted, TokenUsage
from .options import TurnInput, encode_input
from .tools import Tool
from .turn import AsyncTurnStream, BaseTurnStream, Turn, TurnStream

if TYPE_CHECKING:
    from .approvals import ApprovalHandler
    from .client import AsyncCodex, BaseCodex, Codex
    from .mcp import McpServerStatus, McpToolResult
    from .review import AsyncReviewStream, Review, ReviewStream, ReviewTarget
    from .usage import Usage

__all__ = ["AsyncThread", "Thread"]

#: Seconds from turn/start's answer until a turn is running.
_START_GRACE = 2.0


class BaseThread:
    """What :class:`Thread` and :class:`AsyncThread` share.

    Attributes:
        id: The engine's id of the thread; also the name of its session file.
        working_directory: Where its commands run.
        model: Model that it uses.
        settings: What the engine made of the options, as it reports it: ``sandbox``, ``approvalPolicy``, ``modelProvider`` and more.
    """

    def __init__(
        self, client: BaseCodex, handle: ThreadHandle, info: Mapping[str, Any], usage: TokenUsage | None
    ) -> None:
        self.id: str = info["thread"]["id"]
        self.working_directory: str = info["cwd"]
        self.model: str = info["model"]
        self.settings: dict[str, Any] = {name: value for name, value in info.items() if name != "thread"}
        self._client = client
        self._handle = handle
        self._usage = usage
        self._lock = threading.Lock()
        self._running: weakref.ref[BaseTurnStream] | None = None
        self._turn_id: str | None = None
        self._turns = 0
        #: Events that did not come from the engine, for the stream.
        self._told: deque[Event] = deque()
        self._on_approval: ApprovalHandler | None = None
        #: The session file; None for an ephemeral thread.
        self._rollout: str | None = info["thread"].get("path")
        self._ledger = Ledger()
        #: The agent that it is of, and who that one hands over to.
        self._agent: Any = None
        self._handoff: Any = None
        client._threads[self.id] = self

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} model={self.model!r} working_directory={self.working_directory!r}>"

    def interrupt(self) -> None:
        """Asks the running turn to stop. Returns at once; without a running turn: nothing. May be called from anywhere, a signal handler included."""
        turn_id = self._turn_id
        if turn_id is not None:
            self._interrupt(turn_id)

    def register_tool(self, tool: Tool) -> None:
        """Offers a tool to the model on this thread alone, from its next request on; see :meth:`Codex.register_tool`."""
        self._client._register(tool, self.id)

    def unregister_tool(self, name: str) -> None:
        """Takes back a tool of this thread; see :meth:`Codex.unregister_tool`."""
        self._client._open_handle()
        self._client._requests.unregister(name, self.id)

    @property
    def usage(self) -> Usage:
        """Tokens that its turns have used since it was opened here, without those of its sub-agents and reviews."""
        return self._ledger.usage()

    @property
    def sub_agents(self) -> list[SubAgentStarted]:
        """The agents that this one started while it was open here, and those that they started, oldest first."""
        self._client._catch_up()
        return self._client._observed.agents_of(self.id)

    def _spent(self, usage: TokenUsage) -> None:
        """A turn has used so many tokens more."""
        self._ledger.add(self.model, usage)
        self._client._observed.ledger.add(self.model, usage)

    def _tell(self, event: Event) -> None:
        """Puts an event into the stream of the running turn."""
        if self._turn_id is None:
            return
        self._told.append(event)
        with contextlib.suppress(CodexError):
            self._handle.wake()
        self._client._dispatcher.wake(self._handle.key)

    def _steer(self, input: TurnInput, deadline: Deadline) -> Steps[None]:
        turn_id = self._turn_id
        if turn_id is None:
            raise EngineError(f"thread {self.id} has no running turn to steer; start one with run()")
        items = encode_input(input)
        items += self._client._mentioned(items)
        params = {"threadId": self.id, "input": items, "expectedTurnId": turn_id}
        began = time.monotonic()
        while True:
            try:
                yield from call("turn/steer", params, deadline)
                return
            except EngineError as error:
                # The engine takes a moment from the answer to turn/start to the turn's own start.
                starting = "no active turn" in str(error) and self._turn_id == turn_id
                if not starting or time.monotonic() - began > _START_GRACE:
                    raise
            yield Pause(0.005)

    def _close(self, deadline: Deadline) -> Steps[None]:
        stream = self._stream()
        if stream is not None:
            yield from stream._stop()
        with contextlib.suppress(ClosedError, CodexTimeoutError):
            yield from call("thread/unsubscribe", {"threadId": self.id}, deadline)
        self._handle.free()
        self._client._observed.forget(self.id)

    def _interrupt(self, turn_id: str) -> None:
        # The turn's end tells what came of it; the engine may leave the request itself unanswered if the turn has ended.
        stream = self._stream()
        if stream is not None and stream._nameless:
            turn_id = ""
        self._client._open_handle().start_call("turn/interrupt", {"threadId": self.id, "turnId": turn_id}).free()

    def _stream(self) -> BaseTurnStream | None:
        return self._running() if self._running is not None else None

    def _claim(self, stream: BaseTurnStream) -> str | None:
        """Makes the stream that of the thread's turn; returns the id of a turn whose stream was dropped half way."""
        if self._handle._freed:
            # The engine may take a moment to unload it, and would take the turn.
            raise ClosedError(f"thread {self.id} is closed")
        with self._lock:
            if self._stream() is not None:
                raise CodexError(
                    f"thread {self.id} is in a turn; wait for its end, interrupt() it, or add to it with steer()"
                )
            self._running = weakref.ref(stream)
            dropped, self._turn_id = self._turn_id, None
        return dropped

    def _release(self, stream: BaseTurnStream) -> None:
        with self._lock:
            if self._stream() is stream:
                self._running = None

    def _begun(self, turn_id: str) -> int:
        """The engine has accepted a turn; returns how many that makes."""
        self._turn_id = turn_id
        self._turns += 1
        return self._turns

    def _turn_ended(self, stream: BaseTurnStream) -> None:
        if self._turn_id == stream._turn_id:
            self._turn_id = None
        self._release(stream)


class Thread(BaseThread):
    """One conversation with the agent; made by :meth:`Codex.start_thread`.

    Turns run one after the other. :meth:`interrupt` and :meth:`steer` may be called from other Python threads while one runs.

    Attributes:
        id: The engine's id of the thread; also the name of its session file.
        working_directory: Where its commands run.
        model: Model that it uses.
        settings: What the engine made of the options, as it reports it: ``sandbox``, ``approvalPolicy``, ``modelProvider`` and more.
    """

    _client: Codex

    def __enter__(self) -> Thread:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @names_keywords
    def run(
        self,
        input: TurnInput,
        *,
        output_schema: Mapping[str, Any] | None = None,
        timeout: float | None = None,
    ) -> Turn:
        """Runs a turn and waits for its end.

        Args:
            input: Text, or a list of texts and :class:`LocalImage`.
            output_schema: JSON schema that the final response must follow.
            timeout: Seconds until the turn is stopped; None waits as long as it takes.

        Raises:
            TurnFailed: The turn ended in an error; it has the turn so far.
            CodexTimeoutError: The time was up; it has the turn so far, which was stopped.
            ClosedError: The client or thread is closed.

        Example:
            >>> turn = thread.run("What does this repository do?", timeout=300)  # doctest: +SKIP
        """
        deadline = Deadline(timeout)
        stream = TurnStream(self, input, output_schema, deadline)
        return self._client._drive(stream._run())

    @names_keywords
    def run_streamed(
        self,
        input: TurnInput,
        *,
        output_schema: Mapping[str, Any] | None = None,
        timeout: float | None = None,
    ) -> TurnStream:
        """Starts a turn and returns its events; see :class:`TurnStream`. A failed turn ends with a ``turn.failed`` event.

        Args and errors are those of :meth:`run`; the time counts from this call.
        """
        deadline = Deadline(timeout)
        stream = TurnStream(self, input, output_schema, deadline)
        self._client._drive(stream._start())
        return stream

    @names_keywords
    def steer(self, input: TurnInput, *, timeout: float | None = 30.0) -> None:
        """Adds input to the running turn; the agent sees it at its next step.

        Raises:
            EngineError: No turn is running, or it is of a kind that takes no input.
        """
        self._client._drive(self._steer(input, Deadline(timeout)))

    @names_keywords
    def close(self, *, timeout: float | None = 10.0) -> None:
        """Stops a running turn and unloads the thread. Its session stays on disk. Again: nothing."""
        self._client._drive(self._close(Deadline(timeout)))

    @names_keywords
    def review(self, target: ReviewTarget, *, timeout: float | None = None) -> Review:
        """Has the agent review changes, as a turn of this thread: the conversation goes on with what it found.

        Args:
            target: :class:`CurrentChanges`, :class:`BaseBranch`, :class:`Commit` or :class:`Custom`.
            timeout: Seconds until it is stopped; None waits as long as it takes.

        Raises:
            NotFoundError: The repository has no such branch or commit.
            TurnFailed, CodexTimeoutError, ClosedError: As :meth:`run`.

        Example:
            >>> thread.review(CurrentChanges(), timeout=600).findings  # doctest: +SKIP
        """
        from . import review

        return self._client._drive(review.ReviewStream(self, target, Deadline(timeout))._run_review())

    @names_keywords
    def review_streamed(self, target: ReviewTarget, *, timeout: float | None = None) -> ReviewStream:
        """Starts a review and returns its events; see :class:`ReviewStream` and :meth:`review`."""
        from . import review

        stream = review.ReviewStream(self, target, Deadline(timeout))
        self._client._drive(stream._start())
        return stream

    @names_keywords
    def list_mcp_servers(self, *, timeout: float | None = 60.0) -> list[McpServerStatus]:
        """The MCP servers of this thread and what they offer; waits until they have started."""
        from . import mcp

        return self._client._drive(mcp.list_servers(self.id, Deadline(timeout)))

    @names_keywords
    def call_mcp_tool(
        self, server: str, tool: str, arguments: Mapping[str, Any] | None = None, *, timeout: float | None = 60.0
    ) -> McpToolResult:
        """Calls a tool of an MCP server's without the model, and without asking for approval.

        Args:
            server: The server's name in the configuration.
            tool: The tool's name there.
            arguments: Its arguments.
            timeout: Seconds to wait.

        Raises:
            McpToolError: The server is not there, did not start, or refuses. A tool that fails by itself gives a result with `is_error`.
        """
        from . import mcp

        return self._client._drive(mcp.call_tool(self.id, server, tool, arguments, Deadline(timeout)))

    @names_keywords
    def read_mcp_resource(self, server: str, uri: str, *, timeout: float | None = 60.0) -> list[dict[str, Any]]:
        """Reads a resource of an MCP server's without the model.

        Returns:
            Its contents, each with ``uri`` and ``text`` or (base64) ``blob``.

        Raises:
            McpToolError: The server is not there, did not start, or has no such resource.
        """
        from . import mcp

        return self._client._drive(mcp.read_resource(self.id, server, uri, Deadline(timeout)))


class AsyncThread(BaseThread):
    """One conversation with the agent; made by :meth:`AsyncCodex.start_thread`. The twin of :class:`Thread`.

    Cancelling a task that waits for a turn stops the turn and waits for its end.

    Attributes:
        id: The engine's id of the thread; also the name of its session file.
        working_directory: Where its commands run.
        model: Model that it uses.
        settings: What the engine made of the options, as it reports it: ``sandbox``, ``approvalPolicy``, ``modelProvider`` and more.
    """

    _client: AsyncCodex

    async def __aenter__(self) -> AsyncThread:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    @names_keywords
    async def run(
        self,
        input: TurnInput,
        *,
        output_schema: Mapping[str, Any] | None = None,
        timeout: float | None = None,
    ) -> Turn:
        """Runs a turn and waits for its end; see :meth:`Thread.run`."""
        deadline = Deadline(timeout)
        stream = AsyncTurnStream(self, input, output_schema, deadline)
        return await self._client._drive(stream._run())

    @names_keywords
    def run_streamed(
        self,
        input: TurnInput,
        *,
        output_schema: Mapping[str, Any] | None = None,
        timeout: float | None = None,
    ) -> AsyncTurnStream:
        """The events of a turn, for ``async with`` and ``async for``, with which it starts; see :class:`AsyncTurnStream`, :meth:`Thread.run_streamed`."""
        deadline = Deadline(timeout)
        return AsyncTurnStream(self, input, output_schema, deadline)

    @names_keywords
    async def steer(self, input: TurnInput, *, timeout: float | None = 30.0) -> None:
        """Adds input to the running turn; see :meth:`Thread.steer`."""
        await self._client._drive(self._steer(input, Deadline(timeout)))

    @names_keywords
    async def close(self, *, timeout: float | None = 10.0) -> None:
        """Stops a running turn and unloads the thread; see :meth:`Thread.close`."""
        await self._client._drive(self._close(Deadline(timeout)))

    @names_keywords
    async def review(self, target: ReviewTarget, *, timeout: float | None = None) -> Review:
        """Has the agent review changes, as a turn of this thread; see :meth:`Thread.review`."""
        from . import review

        return await self._client._drive(review.AsyncReviewStream(self, target, Deadline(timeout))._run_review())

    @names_keywords
    def review_streamed(self, target: ReviewTarget, *, timeout: float | None = None) -> AsyncReviewStream:
        """The events of a review, for ``async with`` and ``async for``, with which it starts; see :meth:`Thread.review_streamed`."""
        from . import review

        return review.AsyncReviewStream(self, target, Deadline(timeout))

    @names_keywords
    async def list_mcp_servers(self, *, timeout: float | None = 60.0) -> list[McpServerStatus]:
        """The MCP servers of this thread and what they offer; see :meth:`Thread.list_mcp_servers`."""
        from . import mcp

        return await self._client._drive(mcp.list_servers(self.id, Deadline(timeout)))

    @names_keywords
    async def call_mcp_tool(
        self, server: str, tool: str, arguments: Mapping[str, Any] | None = None, *, timeout: float | None = 60.0
    ) -> McpToolResult:
        """Calls a tool of an MCP server's without the model; see :meth:`Thread.call_mcp_tool`."""
        from . import mcp

        return await self._client._drive(mcp.call_tool(self.id, server, tool, arguments, Deadline(timeout)))

    @names_keywords
    async def read_mcp_resource(self, server: str, uri: str, *, timeout: float | None = 60.0) -> list[dict[str, Any]]:
        """Reads a resource of an MCP server's without the model; see :meth:`Thread.read_mcp_resource`."""
        from . import mcp

        return await self._client._drive(mcp.read_resource(self.id, server, uri, Deadline(timeout)))
