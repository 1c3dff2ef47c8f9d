"""An agent thread: one conversation, turn after turn."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

from ._checks import whole
from ._core import recorded
from ._core.deadline import Deadline
from ._core.parameters import Equipment, ThreadOptions, TurnOverrides
from ._core.turn_stream import Compaction, PromptTurn
from ._keywords import names_keywords
from ._records import ThreadRecord
from .events import SubAgentStarted
from .input import TurnInput
from .options import ApprovalMode, Personality, SandboxMode, TurnOptions, WorkspaceWrite
from .tools import Tool
from .turn import P, Turn
from .turn_stream import AsyncTurnStream, TurnStream

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._core.contract import AsyncClient, BlockingClient
    from ._core.thread import EngineThread
    from ._output import Output
    from ._records import ThreadRecord
    from .approvals import ApprovalHandler
    from .mcp import AsyncThreadMcp, McpServer, ThreadMcp
    from .review import AsyncReviewStream, Review, ReviewStream, ReviewTarget
    from .usage import Usage

__all__ = ["AsyncThread", "Thread"]


class BaseThread:
    """What :class:`Thread` and :class:`AsyncThread` share: what does not wait."""

    def __init__(self, core: EngineThread) -> None:
        self._core = core

    @property
    def id(self) -> str:
        """The engine's id of the thread; also the name of its session file."""
        return self._core.id

    @property
    def working_directory(self) -> str:
        """Where its commands run."""
        return self._core.working_directory

    @property
    def model(self) -> str:
        """The model that it uses."""
        return self._core.model

    @property
    def settings(self) -> dict[str, Any]:
        """What the engine made of the options, as it reports it: ``sandbox``, ``approvalPolicy``, ``modelProvider`` and more."""
        return self._core.reported

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} model={self.model!r} working_directory={self.working_directory!r}>"

    def interrupt(self) -> None:
        """Asks the running turn to stop. Returns at once; without a running turn: nothing. May be called from anywhere, a signal handler included."""
        self._core.interrupt_running()

    def register_tool(self, tool: Tool) -> None:
        """Offers a tool to the model on this thread alone, from its next request on; see :meth:`Codex.register_tool`."""
        self._core.client.register_tool(tool, self.id)

    def unregister_tool(self, name: str) -> None:
        """Takes back a tool of this thread; see :meth:`Codex.unregister_tool`."""
        self._core.client.unregister_tool(name, self.id)

    def send_background_event(self, message: str) -> None:
        """Puts a :class:`BackgroundEvent` into the stream of the running turn, in its place among the others. From any thread; the agent does not see it.

        Raises:
            EngineError: No turn is running.
        """
        self._core.tell_background(message)

    @property
    def usage(self) -> Usage:
        """Tokens that its turns have used since it was opened here, without those of its sub-agents and reviews."""
        return self._core.ledger.usage()

    @property
    def sub_agents(self) -> list[SubAgentStarted]:
        """The agents that this one started while it was open here, and those that they started, oldest first."""
        self._core.client.catch_up()
        return self._core.client.observed.agents_of(self.id)


class Thread(BaseThread):
    """One conversation with the agent; made by :meth:`Codex.start_thread`.

    Turns run one after the other. :meth:`interrupt` and :meth:`steer` may be called from other Python threads while one runs.


    """

    def __init__(self, core: EngineThread, client: BlockingClient) -> None:
        super().__init__(core)
        self._client = client

    def __enter__(self) -> Thread:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @overload
    def run(
        self, input: TurnInput, *, output_schema: type[P], repair: int = 0, **options: Unpack[TurnOptions]
    ) -> Turn[P]: ...
    @overload
    def run(
        self, input: TurnInput, *, output_schema: Mapping[str, Any], repair: int = 0, **options: Unpack[TurnOptions]
    ) -> Turn[Any]: ...
    @overload
    def run(
        self, input: TurnInput, *, output_schema: None = None, repair: int = 0, **options: Unpack[TurnOptions]
    ) -> Turn[None]: ...
    @names_keywords
    def run(
        self,
        input: TurnInput,
        *,
        output_schema: Any = None,
        repair: int = 0,
        model: str | None = None,
        reasoning_effort: str | None = None,
        approval_mode: ApprovalMode | None = None,
        sandbox_mode: SandboxMode | None = None,
        workspace_write: WorkspaceWrite | None = None,
        working_directory: str | os.PathLike[str] | None = None,
        personality: Personality | None = None,
        timeout: float | None = None,
    ) -> Turn[Any]:
        """Runs a turn and waits for its end.

        Args:
            input: Text, or a list of texts, images and mentions; see :mod:`codex_cffi.input`.
            output_schema: What the final answer must be: a JSON schema (a mapping), or a class: pydantic model, dataclass, TypedDict. ``turn.parsed`` is it.
            repair: How often the agent is asked to correct an answer that breaks the schema, each time in a further turn.
            model: Another model for this turn.
            reasoning_effort: Another reasoning effort for this turn: ``minimal``, ``low``, ``medium``, ``high``, ``xhigh`` or what the model knows.
            approval_mode: Other approvals for this turn.
            sandbox_mode: Another sandbox for this turn.
            workspace_write: Details of the sandbox mode ``workspace-write``, which it implies. Default: those of the thread.
            working_directory: Another working directory for this turn.
            personality: Another way to talk for this turn: ``friendly``, ``pragmatic`` or ``none``.
            timeout: Seconds until the turn is stopped; None waits as long as it takes.

        Raises:
            TurnFailedError: The turn ended in an error; it has the turn so far.
            OutputSchemaError: The answer does not follow the schema.
            CodexTimeoutError: The time was up; it has the turn so far, which was stopped.
            ClosedError: The client or thread is closed.

        Example:
            >>> turn = thread.run("What does this repository do?", timeout=300)  # doctest: +SKIP
        """
        changes = TurnOverrides(
            model, reasoning_effort, approval_mode, sandbox_mode, workspace_write, working_directory, personality
        )
        turn = prompt(self._core, self, input, output_schema, Deadline(timeout), changes, repair)
        return self._client.drive(turn.run_repaired(repair))

    @overload
    def run_streamed(
        self, input: TurnInput, *, output_schema: type[P], **options: Unpack[TurnOptions]
    ) -> TurnStream[P]: ...
    @overload
    def run_streamed(
        self, input: TurnInput, *, output_schema: Mapping[str, Any], **options: Unpack[TurnOptions]
    ) -> TurnStream[Any]: ...
    @overload
    def run_streamed(
        self, input: TurnInput, *, output_schema: None = None, **options: Unpack[TurnOptions]
    ) -> TurnStream[None]: ...
    @names_keywords
    def run_streamed(
        self,
        input: TurnInput,
        *,
        output_schema: Any = None,
        model: str | None = None,
        reasoning_effort: str | None = None,
        approval_mode: ApprovalMode | None = None,
        sandbox_mode: SandboxMode | None = None,
        workspace_write: WorkspaceWrite | None = None,
        working_directory: str | os.PathLike[str] | None = None,
        personality: Personality | None = None,
        timeout: float | None = None,
    ) -> TurnStream[Any]:
        """Starts a turn and returns its events; see :class:`TurnStream`. A failed turn ends with a ``turn.failed`` event.

        Args and errors are those of :meth:`run`; the time counts from this call. An answer that breaks its schema makes ``stream.turn.parsed`` raise.
        """
        changes = TurnOverrides(
            model, reasoning_effort, approval_mode, sandbox_mode, workspace_write, working_directory, personality
        )
        turn = prompt(self._core, self, input, output_schema, Deadline(timeout), changes)
        self._client.drive(turn.start())
        return TurnStream(self._client, turn)

    @names_keywords
    def steer(self, input: TurnInput, *, timeout: float | None = 30.0) -> None:
        """Adds input to the running turn; the agent sees it at its next step.

        Raises:
            EngineError: No turn is running, or it is of a kind that takes no input.
        """
        self._client.drive(self._core.steer(input, Deadline(timeout)))

    @names_keywords
    def update(
        self,
        *,
        model: str | None = None,
        reasoning_effort: str | None = None,
        approval_mode: ApprovalMode | None = None,
        sandbox_mode: SandboxMode | None = None,
        workspace_write: WorkspaceWrite | None = None,
        working_directory: str | os.PathLike[str] | None = None,
        personality: Personality | None = None,
        timeout: float | None = 30.0,
    ) -> None:
        """Changes settings from the next turn on; a turn that runs keeps its own.

        Args are those of :meth:`run`. For one turn alone, give them to :meth:`run`.

        Raises:
            EngineError: The engine refuses a value.

        Example:
            >>> thread.update(model="gpt-5.5", reasoning_effort="high")  # doctest: +SKIP
        """
        changes = TurnOverrides(
            model, reasoning_effort, approval_mode, sandbox_mode, workspace_write, working_directory, personality
        )
        self._client.drive(self._core.update(changes, Deadline(timeout)))

    @names_keywords
    def fork(
        self,
        *,
        nth_user_message: int | None = None,
        turn: str | Turn[Any] | None = None,
        model: str | None = None,
        model_provider: str | None = None,
        sandbox_mode: SandboxMode | None = None,
        approval_mode: ApprovalMode | None = None,
        workspace_write: WorkspaceWrite | None = None,
        working_directory: str | os.PathLike[str] | None = None,
        skip_git_repo_check: bool | None = None,
        trust_project: bool | None = None,
        ephemeral: bool = False,
        tools: Iterable[Tool] | None = None,
        mcp_servers: Mapping[str, McpServer | Mapping[str, Any]] | None = None,
        skills: Iterable[str] | None = None,
        on_approval: ApprovalHandler | None = None,
        timeout: float | None = 60.0,
    ) -> Thread:
        """Makes a new thread with this one's conversation up to some point. This thread stays as it is, and may be in a turn.

        Args:
            nth_user_message: The new thread has what came before this message of the user's; 0 is the first, -1 the last.
            turn: Or: the last turn that the new thread has, or its id. By default it has the whole conversation.
            model, model_provider, sandbox_mode, approval_mode, workspace_write, working_directory, skip_git_repo_check, on_approval: As
                :meth:`Codex.start_thread` has them. Default: this thread's.
            trust_project: As :meth:`Codex.start_thread` has it. Default: as the client has it, whatever this thread was told.
            ephemeral: Nothing of the new thread is written to disk.
            tools: Tools of the new thread alone. Default: this thread's.
            mcp_servers: MCP servers besides this thread's.
            skills: Names of those of the client's skills that it has. Default: as this thread.
            timeout: Seconds to wait for the engine.

        Raises:
            ValueError: There is no such message, or it was added to a turn by :meth:`steer`.
            EngineError: There is no such turn, or nothing was said yet.

        Example:
            >>> other = thread.fork(nth_user_message=-1)  # doctest: +SKIP
        """
        options = ThreadOptions(
            model,
            sandbox_mode,
            approval_mode,
            workspace_write,
            working_directory,
            skip_git_repo_check,
            trust_project,
            ephemeral,
            model_provider,
        )
        equipment = Equipment(tools, mcp_servers, skills, on_approval)
        steps = self._core.fork(nth_user_message, turn, options, equipment, Deadline(timeout))
        return Thread(self._client.drive(steps), self._client)

    @names_keywords
    def rollback(self, turns: int = 1, *, timeout: float | None = 60.0) -> None:
        """Takes the last turns out of the conversation. Files that they changed stay as they are.

        Raises:
            CodexError: A turn is running.
            EngineError: The thread is ephemeral.
        """
        self._client.drive(self._core.rollback(turns, Deadline(timeout)))

    @names_keywords
    def compact(self, *, timeout: float | None = None) -> Turn[None]:
        """Has the model sum up the conversation, which the summary then replaces, to make room in its context.

        Returns:
            The turn in which it did.

        Raises:
            TurnFailedError: It did not succeed.
            CodexTimeoutError: The time was up.
        """
        return self._client.drive(Compaction(self._core, Deadline(timeout)).run())

    @names_keywords
    def read(self, *, turns: bool = True, timeout: float | None = 60.0) -> ThreadRecord:
        """What is recorded of the thread, with its turns and their items.

        Args:
            turns: Without them, ``turns`` of the result is empty.
            timeout: Seconds to wait for the engine.

        Raises:
            EngineError: Nothing is recorded yet, or the thread is ephemeral.
        """
        return self._client.drive(recorded.read(self.id, turns, Deadline(timeout)))

    @names_keywords
    def rename(self, name: str, *, timeout: float | None = 30.0) -> None:
        """Gives the thread a name, which lists show."""
        self._client.drive(recorded.rename(self.id, name, Deadline(timeout)))

    @names_keywords
    def archive(self, *, timeout: float | None = 30.0) -> None:
        """Unloads the thread and puts its session into the archive; :meth:`Codex.unarchive_thread` takes it out again."""
        self._client.drive(self._core.leave("thread/archive", Deadline(timeout)))

    @names_keywords
    def delete(self, *, timeout: float | None = 30.0) -> None:
        """Unloads the thread and deletes its session, for good."""
        self._client.drive(self._core.leave("thread/delete", Deadline(timeout)))

    @names_keywords
    def close(self, *, timeout: float | None = 10.0) -> None:
        """Stops a running turn and unloads the thread. Its session stays on disk. Again: nothing."""
        self._client.drive(self._core.close(Deadline(timeout)))

    @names_keywords
    def review(self, target: ReviewTarget, *, timeout: float | None = None) -> Review:
        """Has the agent review changes, as a turn of this thread: the conversation goes on with what it found.

        Args:
            target: :class:`CurrentChanges`, :class:`BaseBranch`, :class:`Commit` or :class:`Custom`.
            timeout: Seconds until it is stopped; None waits as long as it takes.

        Raises:
            NotFoundError: The repository has no such branch or commit.
            TurnFailedError, CodexTimeoutError, ClosedError: As :meth:`run`.

        Example:
            >>> thread.review(CurrentChanges(), timeout=600).findings  # doctest: +SKIP
        """
        from . import review

        return self._client.drive(review.run(self._core, target, Deadline(timeout), self))

    @names_keywords
    def review_streamed(self, target: ReviewTarget, *, timeout: float | None = None) -> ReviewStream:
        """Starts a review and returns its events; see :class:`ReviewStream` and :meth:`review`."""
        from . import review

        turn = review.ReviewTurn(self._core, target, Deadline(timeout), self)
        self._client.drive(turn.start())
        return review.ReviewStream(self._client, turn)

    @cached_property
    def mcp(self) -> ThreadMcp:
        """Its MCP servers, asked without the model."""
        from .mcp import ThreadMcp

        return ThreadMcp(self._client, self.id)


class AsyncThread(BaseThread):
    """One conversation with the agent; made by :meth:`AsyncCodex.start_thread`. The twin of :class:`Thread`.

    Cancelling a task that waits for a turn stops the turn and waits for its end.


    """

    def __init__(self, core: EngineThread, client: AsyncClient) -> None:
        super().__init__(core)
        self._client = client

    async def __aenter__(self) -> AsyncThread:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    @overload
    async def run(
        self, input: TurnInput, *, output_schema: type[P], repair: int = 0, **options: Unpack[TurnOptions]
    ) -> Turn[P]: ...
    @overload
    async def run(
        self, input: TurnInput, *, output_schema: Mapping[str, Any], repair: int = 0, **options: Unpack[TurnOptions]
    ) -> Turn[Any]: ...
    @overload
    async def run(
        self, input: TurnInput, *, output_schema: None = None, repair: int = 0, **options: Unpack[TurnOptions]
    ) -> Turn[None]: ...
    @names_keywords
    async def run(
        self,
        input: TurnInput,
        *,
        output_schema: Any = None,
        repair: int = 0,
        model: str | None = None,
        reasoning_effort: str | None = None,
        approval_mode: ApprovalMode | None = None,
        sandbox_mode: SandboxMode | None = None,
        workspace_write: WorkspaceWrite | None = None,
        working_directory: str | os.PathLike[str] | None = None,
        personality: Personality | None = None,
        timeout: float | None = None,
    ) -> Turn[Any]:
        """Runs a turn and waits for its end; see :meth:`Thread.run`."""
        changes = TurnOverrides(
            model, reasoning_effort, approval_mode, sandbox_mode, workspace_write, working_directory, personality
        )
        turn = prompt(self._core, self, input, output_schema, Deadline(timeout), changes, repair)
        return await self._client.drive(turn.run_repaired(repair))

    @overload
    def run_streamed(
        self, input: TurnInput, *, output_schema: type[P], **options: Unpack[TurnOptions]
    ) -> AsyncTurnStream[P]: ...
    @overload
    def run_streamed(
        self, input: TurnInput, *, output_schema: Mapping[str, Any], **options: Unpack[TurnOptions]
    ) -> AsyncTurnStream[Any]: ...
    @overload
    def run_streamed(
        self, input: TurnInput, *, output_schema: None = None, **options: Unpack[TurnOptions]
    ) -> AsyncTurnStream[None]: ...
    @names_keywords
    def run_streamed(
        self,
        input: TurnInput,
        *,
        output_schema: Any = None,
        model: str | None = None,
        reasoning_effort: str | None = None,
        approval_mode: ApprovalMode | None = None,
        sandbox_mode: SandboxMode | None = None,
        workspace_write: WorkspaceWrite | None = None,
        working_directory: str | os.PathLike[str] | None = None,
        personality: Personality | None = None,
        timeout: float | None = None,
    ) -> AsyncTurnStream[Any]:
        """The events of a turn, for ``async with`` and ``async for``, with which it starts; see :class:`AsyncTurnStream`, :meth:`Thread.run_streamed`."""
        changes = TurnOverrides(
            model, reasoning_effort, approval_mode, sandbox_mode, workspace_write, working_directory, personality
        )
        turn = prompt(self._core, self, input, output_schema, Deadline(timeout), changes)
        return AsyncTurnStream(self._client, turn)

    @names_keywords
    async def steer(self, input: TurnInput, *, timeout: float | None = 30.0) -> None:
        """Adds input to the running turn; the agent sees it at its next step; see :meth:`Thread.steer`."""
        await self._client.drive(self._core.steer(input, Deadline(timeout)))

    @names_keywords
    async def update(
        self,
        *,
        model: str | None = None,
        reasoning_effort: str | None = None,
        approval_mode: ApprovalMode | None = None,
        sandbox_mode: SandboxMode | None = None,
        workspace_write: WorkspaceWrite | None = None,
        working_directory: str | os.PathLike[str] | None = None,
        personality: Personality | None = None,
        timeout: float | None = 30.0,
    ) -> None:
        """Changes settings from the next turn on; a turn that runs keeps its own; see :meth:`Thread.update`."""
        changes = TurnOverrides(
            model, reasoning_effort, approval_mode, sandbox_mode, workspace_write, working_directory, personality
        )
        await self._client.drive(self._core.update(changes, Deadline(timeout)))

    @names_keywords
    async def fork(
        self,
        *,
        nth_user_message: int | None = None,
        turn: str | Turn[Any] | None = None,
        model: str | None = None,
        model_provider: str | None = None,
        sandbox_mode: SandboxMode | None = None,
        approval_mode: ApprovalMode | None = None,
        workspace_write: WorkspaceWrite | None = None,
        working_directory: str | os.PathLike[str] | None = None,
        skip_git_repo_check: bool | None = None,
        trust_project: bool | None = None,
        ephemeral: bool = False,
        tools: Iterable[Tool] | None = None,
        mcp_servers: Mapping[str, McpServer | Mapping[str, Any]] | None = None,
        skills: Iterable[str] | None = None,
        on_approval: ApprovalHandler | None = None,
        timeout: float | None = 60.0,
    ) -> AsyncThread:
        """Makes a new thread with this one's conversation up to some point. This thread stays as it is, and may be in a turn; see :meth:`Thread.fork`."""
        options = ThreadOptions(
            model,
            sandbox_mode,
            approval_mode,
            workspace_write,
            working_directory,
            skip_git_repo_check,
            trust_project,
            ephemeral,
            model_provider,
        )
        equipment = Equipment(tools, mcp_servers, skills, on_approval)
        steps = self._core.fork(nth_user_message, turn, options, equipment, Deadline(timeout))
        return AsyncThread(await self._client.drive(steps), self._client)

    @names_keywords
    async def rollback(self, turns: int = 1, *, timeout: float | None = 60.0) -> None:
        """Takes the last turns out of the conversation. Files that they changed stay as they are; see :meth:`Thread.rollback`."""
        await self._client.drive(self._core.rollback(turns, Deadline(timeout)))

    @names_keywords
    async def compact(self, *, timeout: float | None = None) -> Turn[None]:
        """Has the model sum up the conversation, which the summary then replaces, to make room in its context; see :meth:`Thread.compact`."""
        return await self._client.drive(Compaction(self._core, Deadline(timeout)).run())

    @names_keywords
    async def read(self, *, turns: bool = True, timeout: float | None = 60.0) -> ThreadRecord:
        """What is recorded of the thread, with its turns and their items; see :meth:`Thread.read`."""
        return await self._client.drive(recorded.read(self.id, turns, Deadline(timeout)))

    @names_keywords
    async def rename(self, name: str, *, timeout: float | None = 30.0) -> None:
        """Gives the thread a name, which lists show; see :meth:`Thread.set_name`."""
        await self._client.drive(recorded.rename(self.id, name, Deadline(timeout)))

    @names_keywords
    async def archive(self, *, timeout: float | None = 30.0) -> None:
        """Unloads the thread and puts its session into the archive; :meth:`Codex.unarchive_thread` takes it out again; see :meth:`Thread.archive`."""
        await self._client.drive(self._core.leave("thread/archive", Deadline(timeout)))

    @names_keywords
    async def delete(self, *, timeout: float | None = 30.0) -> None:
        """Unloads the thread and deletes its session, for good; see :meth:`Thread.delete`."""
        await self._client.drive(self._core.leave("thread/delete", Deadline(timeout)))

    @names_keywords
    async def close(self, *, timeout: float | None = 10.0) -> None:
        """Stops a running turn and unloads the thread. Its session stays on disk. Again: nothing; see :meth:`Thread.close`."""
        await self._client.drive(self._core.close(Deadline(timeout)))

    @names_keywords
    async def review(self, target: ReviewTarget, *, timeout: float | None = None) -> Review:
        """Has the agent review changes, as a turn of this thread; see :meth:`Thread.review`."""
        from . import review

        return await self._client.drive(review.run(self._core, target, Deadline(timeout), self))

    @names_keywords
    def review_streamed(self, target: ReviewTarget, *, timeout: float | None = None) -> AsyncReviewStream:
        """The events of a review, for ``async with`` and ``async for``, with which it starts; see :meth:`Thread.review_streamed`."""
        from . import review

        return review.AsyncReviewStream(self._client, review.ReviewTurn(self._core, target, Deadline(timeout), self))

    @cached_property
    def mcp(self) -> AsyncThreadMcp:
        """Its MCP servers, asked without the model."""
        from .mcp import AsyncThreadMcp

        return AsyncThreadMcp(self._client, self.id)


def prompt(
    core: EngineThread,
    face: Any,
    input: TurnInput,
    output_schema: Any,
    deadline: Deadline,
    changes: TurnOverrides | None = None,
    repair: int = 0,
) -> PromptTurn[Any]:
    """A turn of a thread that answers a prompt. `face`: the thread as the host has it, for ``before_start``."""
    hook = core.client.before_start
    before = None if hook is None else lambda prompt: hook(face, prompt)
    overrides = {} if changes is None else core.settings.overrides(changes)
    return PromptTurn(core, input, _output(output_schema, repair), deadline, overrides, before)


def _output(wanted: Any, repair: int) -> Output[Any] | None:
    if whole("repair", repair) < 0 or (repair and wanted is None):
        raise ValueError("repair is how often an answer is corrected: at least 0, and with an output_schema only")
    if wanted is None:
        return None
    from ._output import Output  # only now: many programs never need it

    return Output(wanted)
