"""An agent thread: one conversation, turn after turn."""

from __future__ import annotations

import contextlib
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from ._capi import ThreadHandle
from ._core import recorded
from ._deadline import Deadline
from ._json import decode_plain
from ._keywords import names_keywords
from ._ledger import Ledger
from ._settings import Settings, TurnOptions, show
from ._steps import Answer, Pause, Send, Steps, call
from .errors import ClosedError, CodexError, CodexTimeoutError, EngineError, UnknownMethodError
from .events import BackgroundEvent, Event, SubAgentStarted, TokenUsage
from .input import TurnInput, encode_input
from .options import ApprovalMode, Personality, SandboxMode, WorkspaceWrite, thread_params
from .tools import Tool
from .turn import AsyncTurnStream, BaseTurnStream, CompactionStream, P, Turn, TurnStream

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .approvals import ApprovalHandler
    from .client import AsyncCodex, BaseCodex, Codex
    from .mcp import AsyncThreadMcp, McpServer, ThreadMcp
    from .output import Output
    from .records import ThreadRecord
    from .review import AsyncReviewStream, Review, ReviewStream, ReviewTarget
    from .usage import Usage

__all__ = ["AsyncThread", "Thread"]

#: Seconds from turn/start's answer until a turn is running.
_START_GRACE = 2.0
#: Seconds that the engine gets to take a turn's settings back.
_RESTORE_S = 10.0


class BaseThread:
    """What :class:`Thread` and :class:`AsyncThread` share.

    Attributes:
        id: The engine's id of the thread; also the name of its session file.
        working_directory: Where its commands run.
        model: Model that it uses.
        settings: What the engine made of the options, as it reports it: ``sandbox``, ``approvalPolicy``, ``modelProvider`` and more.
    """

    def __init__(
        self,
        client: BaseCodex,
        handle: ThreadHandle,
        info: Mapping[str, Any],
        usage: TokenUsage | None,
        *,
        workspace_write: WorkspaceWrite | None = None,
        skip_git_repo_check: bool = False,
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
        #: Settings that it alone has: MCP servers, skills.
        self._own: Mapping[str, Any] = {}
        self._closed = False
        self._settings = Settings(info, workspace_write, skip_git_repo_check=skip_git_repo_check)
        #: Settings of a turn that the engine still has to be told to forget.
        self._to_restore: dict[str, Any] = {}
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

    def send_background_event(self, message: str) -> None:
        """Puts a :class:`BackgroundEvent` into the stream of the running turn, in its place among the others. From any thread; the agent does not see it.

        Raises:
            EngineError: No turn is running.
        """
        if not isinstance(message, str):
            raise TypeError(f"message must be a text, not {type(message).__name__}")
        turn_id = self._turn_id
        if turn_id is None:
            raise EngineError(f"thread {self.id} has no running turn, whose stream a background event could go to")
        self._tell(BackgroundEvent(thread_id=self.id, turn_id=turn_id, message=message))

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
        self._gone()

    def _gone(self) -> None:
        """The thread is unloaded."""
        self._closed = True
        client = self._client
        if client._threads.get(self.id) is self:
            del client._threads[self.id]
            if not client.closed:
                client._requests.forget(self.id)
        self._handle.free()
        self._client._observed.forget(self.id)

    def _check_open(self) -> None:
        # The engine may still have it, and would do what nobody then hears of.
        if self._closed:
            raise ClosedError(f"thread {self.id} is closed; resume_thread() loads it again")

    # ---- settings

    def _options(self, options: Mapping[str, Any]) -> dict[str, Any]:
        return self._settings.overrides(options)

    def _before_overrides(self, overrides: Mapping[str, Any], deadline: Deadline) -> Steps[None]:
        """Sees to it that what a turn changes can be taken back."""
        if "personality" in overrides and not self._settings.knows("personality"):
            answer = yield from call("config/read", {"cwd": self._settings["cwd"]}, deadline)
            self._settings.learn_personality(answer["config"])

    def _overridden(self, overrides: Mapping[str, Any]) -> None:
        """A turn has begun with these."""
        self._to_restore.update(overrides)

    def _end_overrides(self) -> Steps[None]:
        """Takes back what the last turn was started with. It waits for the engine, lest the next turn comes first."""
        if not self._to_restore:
            return
        method = "thread/settings/update"
        params = {"threadId": self.id, **self._settings.restoring(self._to_restore)}
        try:
            pending = yield Send(method, params)
        except ClosedError:
            return
        try:
            with contextlib.suppress(ClosedError):
                yield Answer(pending, method, Deadline(_RESTORE_S), stopping=True)
        finally:
            pending.free()
        self._to_restore.clear()

    def _settings_told(self, params: Any) -> None:
        self._settings.noticed(decode_plain(params).get("threadSettings") or {})

    def _update(self, options: Mapping[str, Any], deadline: Deadline) -> Steps[None]:
        self._check_open()
        changes = self._settings.overrides(options)
        if not changes:
            raise TypeError("update() needs something to change")
        if self._stream() is None:
            yield from self._end_overrides()
        yield from call("thread/settings/update", {"threadId": self.id, **changes}, deadline)
        self._settings.changed(changes)
        show(self, self._settings)

    # ---- history

    def _rest(self, what: str) -> Steps[None]:
        """Makes sure that no turn runs."""
        self._check_open()
        if self._stream() is not None:
            raise CodexError(f"thread {self.id} is in a turn; wait for its end or interrupt() it before {what}")
        yield from self._end_overrides()

    def _fork(
        self,
        nth_user_message: int | None,
        turn: str | Turn[Any] | None,
        options: Mapping[str, Any],
        own: Mapping[str, Any],
        deadline: Deadline,
    ) -> Steps[dict[str, Any]]:
        self._check_open()
        if nth_user_message is not None and turn is not None:
            raise TypeError("a fork begins before a user message or after a turn, not both")
        params = {**self._settings.for_fork(), "threadId": self.id, "excludeTurns": True}
        given = thread_params(**options, here=False)
        config = {**params["config"], **given.pop("config", {}), **own}
        if "sandbox" in given:
            params.pop("permissions", None)
            if given["sandbox"] != "workspace-write":
                config.pop("sandbox_workspace_write", None)
        params |= {"cwd": self._settings["cwd"]} | given | {"config": config}
        if turn is not None:
            params["lastTurnId"] = turn.id if isinstance(turn, Turn) else turn
        if nth_user_message is not None:
            record = yield from recorded.read(self.id, True, deadline)
            params["beforeTurnId"] = recorded.fork_point(record, nth_user_message)
        try:
            info: dict[str, Any] = yield from call("thread/fork", params, deadline)
        except UnknownMethodError as error:
            if "paginated" not in str(error):
                raise
        else:
            return info
        import tempfile  # seldom needed

        from ._host_folders import codex_home

        # A session of the newer codex program's.
        record = yield from recorded.read(self.id, False, deadline)
        assert record.path is not None
        scratch = codex_home(self._client._codex_home) / "tmp"  # where no command can write
        scratch.mkdir(mode=0o700, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=scratch) as folder:
            params["path"] = os.path.join(folder, record.path.name)
            recorded.classic(record.path, Path(params["path"]))
            info = yield from call("thread/fork", params, deadline)
        return info

    def _rollback(self, turns: int, deadline: Deadline) -> Steps[None]:
        if isinstance(turns, bool) or not isinstance(turns, int):
            raise TypeError(f"turns must be a whole number, not {type(turns).__name__}")
        if turns < 1:
            raise ValueError(f"turns must be at least 1, not {turns}")
        yield from self._rest("rolling back")
        yield from call("thread/rollback", {"threadId": self.id, "numTurns": turns}, deadline)

    def leave(self, method: str, deadline: Deadline) -> Steps[None]:
        """Archives or deletes the thread, which unloads it."""
        yield from self._rest("that")
        yield from call(method, {"threadId": self.id}, deadline)
        self._gone()

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
        self._check_open()
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

    @cached_property
    def mcp(self) -> ThreadMcp:
        """Its MCP servers, asked without the model."""
        from .mcp import ThreadMcp

        return ThreadMcp(self._client._core, self.id)

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
        effort: str | None = None,
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
            effort: Another reasoning effort for this turn: ``minimal``, ``low``, ``medium``, ``high``, ``xhigh`` or what the model knows.
            approval_mode: Other approvals for this turn.
            sandbox_mode: Another sandbox for this turn.
            workspace_write: Details of the sandbox mode ``workspace-write``, which it implies. Default: those of the thread.
            working_directory: Another working directory for this turn.
            personality: Another way to talk for this turn: ``friendly``, ``pragmatic`` or ``none``.
            timeout: Seconds until the turn is stopped; None waits as long as it takes.

        Raises:
            TurnFailed: The turn ended in an error; it has the turn so far.
            OutputSchemaError: The answer does not follow the schema.
            CodexTimeoutError: The time was up; it has the turn so far, which was stopped.
            ClosedError: The client or thread is closed.

        Example:
            >>> turn = thread.run("What does this repository do?", timeout=300)  # doctest: +SKIP
        """
        deadline = Deadline(timeout)
        overrides = self._options(
            {
                "model": model,
                "effort": effort,
                "approval_mode": approval_mode,
                "sandbox_mode": sandbox_mode,
                "workspace_write": workspace_write,
                "working_directory": working_directory,
                "personality": personality,
            }
        )
        stream: TurnStream[Any] = TurnStream(self, input, _output(output_schema, repair), deadline, overrides)
        return self._client._drive(stream._run(repair))

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
        effort: str | None = None,
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
        deadline = Deadline(timeout)
        overrides = self._options(
            {
                "model": model,
                "effort": effort,
                "approval_mode": approval_mode,
                "sandbox_mode": sandbox_mode,
                "workspace_write": workspace_write,
                "working_directory": working_directory,
                "personality": personality,
            }
        )
        stream: TurnStream[Any] = TurnStream(self, input, _output(output_schema), deadline, overrides)
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
    def update(
        self,
        *,
        model: str | None = None,
        effort: str | None = None,
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
            >>> thread.update(model="gpt-5.5", effort="high")  # doctest: +SKIP
        """
        options = {
            "model": model,
            "effort": effort,
            "approval_mode": approval_mode,
            "sandbox_mode": sandbox_mode,
            "workspace_write": workspace_write,
            "working_directory": working_directory,
            "personality": personality,
        }
        self._client._drive(self._update(options, Deadline(timeout)))

    @names_keywords
    def fork(
        self,
        *,
        nth_user_message: int | None = None,
        turn: str | Turn[Any] | None = None,
        model: str | None = None,
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
            model, sandbox_mode, approval_mode, workspace_write, working_directory, skip_git_repo_check, on_approval: As :meth:`Codex.start_thread` has them.
                Default: this thread's.
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
        options = {
            "model": model,
            "sandbox_mode": sandbox_mode,
            "approval_mode": approval_mode,
            "workspace_write": workspace_write,
            "working_directory": working_directory,
            "skip_git_repo_check": self._settings.skip_git_repo_check
            if skip_git_repo_check is None
            else skip_git_repo_check,
            "trust_project": self._client._trust_project if trust_project is None else trust_project,
            "ephemeral": ephemeral,
        }
        equipment = self._client._equipment(
            self.id if tools is None else None, tools or (), on_approval or self._on_approval
        )
        own = {**self._own, **self._client._arrangement(mcp_servers, skills)}
        info = self._client._drive(self._fork(nth_user_message, turn, options, own, Deadline(timeout)))
        return self._client._adopt(Thread, info, None, options, equipment, own)

    @names_keywords
    def rollback(self, turns: int = 1, *, timeout: float | None = 60.0) -> None:
        """Takes the last turns out of the conversation. Files that they changed stay as they are.

        Raises:
            CodexError: A turn is running.
            EngineError: The thread is ephemeral.
        """
        self._client._drive(self._rollback(turns, Deadline(timeout)))

    @names_keywords
    def compact(self, *, timeout: float | None = None) -> Turn[None]:
        """Has the model sum up the conversation, which the summary then replaces, to make room in its context.

        Returns:
            The turn in which it did.

        Raises:
            TurnFailed: It did not succeed.
            CodexTimeoutError: The time was up.
        """
        return self._client._drive(CompactionStream(self, Deadline(timeout))._run())

    @names_keywords
    def read(self, *, turns: bool = True, timeout: float | None = 60.0) -> ThreadRecord:
        """What is recorded of the thread, with its turns and their items.

        Args:
            turns: Without them, ``turns`` of the result is empty.
            timeout: Seconds to wait for the engine.

        Raises:
            EngineError: Nothing is recorded yet, or the thread is ephemeral.
        """
        return self._client._drive(recorded.read(self.id, turns, Deadline(timeout)))

    @names_keywords
    def rename(self, name: str, *, timeout: float | None = 30.0) -> None:
        """Gives the thread a name, which lists show."""
        self._client._drive(recorded.rename(self.id, name, Deadline(timeout)))

    @names_keywords
    def archive(self, *, timeout: float | None = 30.0) -> None:
        """Unloads the thread and puts its session into the archive; :meth:`Sessions.unarchive` takes it out again."""
        self._client._drive(self.leave("thread/archive", Deadline(timeout)))

    @names_keywords
    def delete(self, *, timeout: float | None = 30.0) -> None:
        """Unloads the thread and deletes its session, for good."""
        self._client._drive(self.leave("thread/delete", Deadline(timeout)))

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

    @cached_property
    def mcp(self) -> AsyncThreadMcp:
        """Its MCP servers, asked without the model."""
        from .mcp import AsyncThreadMcp

        return AsyncThreadMcp(self._client._core, self.id)

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
        effort: str | None = None,
        approval_mode: ApprovalMode | None = None,
        sandbox_mode: SandboxMode | None = None,
        workspace_write: WorkspaceWrite | None = None,
        working_directory: str | os.PathLike[str] | None = None,
        personality: Personality | None = None,
        timeout: float | None = None,
    ) -> Turn[Any]:
        """Runs a turn and waits for its end; see :meth:`Thread.run`."""
        deadline = Deadline(timeout)
        overrides = self._options(
            {
                "model": model,
                "effort": effort,
                "approval_mode": approval_mode,
                "sandbox_mode": sandbox_mode,
                "workspace_write": workspace_write,
                "working_directory": working_directory,
                "personality": personality,
            }
        )
        stream: AsyncTurnStream[Any] = AsyncTurnStream(self, input, _output(output_schema, repair), deadline, overrides)
        return await self._client._drive(stream._run(repair))

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
        effort: str | None = None,
        approval_mode: ApprovalMode | None = None,
        sandbox_mode: SandboxMode | None = None,
        workspace_write: WorkspaceWrite | None = None,
        working_directory: str | os.PathLike[str] | None = None,
        personality: Personality | None = None,
        timeout: float | None = None,
    ) -> AsyncTurnStream[Any]:
        """The events of a turn, for ``async with`` and ``async for``, with which it starts; see :class:`AsyncTurnStream`, :meth:`Thread.run_streamed`."""
        deadline = Deadline(timeout)
        overrides = self._options(
            {
                "model": model,
                "effort": effort,
                "approval_mode": approval_mode,
                "sandbox_mode": sandbox_mode,
                "workspace_write": workspace_write,
                "working_directory": working_directory,
                "personality": personality,
            }
        )
        return AsyncTurnStream(self, input, _output(output_schema), deadline, overrides)

    @names_keywords
    async def steer(self, input: TurnInput, *, timeout: float | None = 30.0) -> None:
        """Adds input to the running turn; the agent sees it at its next step; see :meth:`Thread.steer`."""
        await self._client._drive(self._steer(input, Deadline(timeout)))

    @names_keywords
    async def update(
        self,
        *,
        model: str | None = None,
        effort: str | None = None,
        approval_mode: ApprovalMode | None = None,
        sandbox_mode: SandboxMode | None = None,
        workspace_write: WorkspaceWrite | None = None,
        working_directory: str | os.PathLike[str] | None = None,
        personality: Personality | None = None,
        timeout: float | None = 30.0,
    ) -> None:
        """Changes settings from the next turn on; a turn that runs keeps its own; see :meth:`Thread.update`."""
        options = {
            "model": model,
            "effort": effort,
            "approval_mode": approval_mode,
            "sandbox_mode": sandbox_mode,
            "workspace_write": workspace_write,
            "working_directory": working_directory,
            "personality": personality,
        }
        await self._client._drive(self._update(options, Deadline(timeout)))

    @names_keywords
    async def fork(
        self,
        *,
        nth_user_message: int | None = None,
        turn: str | Turn[Any] | None = None,
        model: str | None = None,
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
        options = {
            "model": model,
            "sandbox_mode": sandbox_mode,
            "approval_mode": approval_mode,
            "workspace_write": workspace_write,
            "working_directory": working_directory,
            "skip_git_repo_check": self._settings.skip_git_repo_check
            if skip_git_repo_check is None
            else skip_git_repo_check,
            "trust_project": self._client._trust_project if trust_project is None else trust_project,
            "ephemeral": ephemeral,
        }
        equipment = self._client._equipment(
            self.id if tools is None else None, tools or (), on_approval or self._on_approval
        )
        own = {**self._own, **self._client._arrangement(mcp_servers, skills)}
        info = await self._client._drive(self._fork(nth_user_message, turn, options, own, Deadline(timeout)))
        return self._client._adopt(AsyncThread, info, None, options, equipment, own)

    @names_keywords
    async def rollback(self, turns: int = 1, *, timeout: float | None = 60.0) -> None:
        """Takes the last turns out of the conversation. Files that they changed stay as they are; see :meth:`Thread.rollback`."""
        await self._client._drive(self._rollback(turns, Deadline(timeout)))

    @names_keywords
    async def compact(self, *, timeout: float | None = None) -> Turn[None]:
        """Has the model sum up the conversation, which the summary then replaces, to make room in its context; see :meth:`Thread.compact`."""
        return await self._client._drive(CompactionStream(self, Deadline(timeout))._run())

    @names_keywords
    async def read(self, *, turns: bool = True, timeout: float | None = 60.0) -> ThreadRecord:
        """What is recorded of the thread, with its turns and their items; see :meth:`Thread.read`."""
        return await self._client._drive(recorded.read(self.id, turns, Deadline(timeout)))

    @names_keywords
    async def rename(self, name: str, *, timeout: float | None = 30.0) -> None:
        """Gives the thread a name, which lists show; see :meth:`Thread.rename`."""
        await self._client._drive(recorded.rename(self.id, name, Deadline(timeout)))

    @names_keywords
    async def archive(self, *, timeout: float | None = 30.0) -> None:
        """Unloads the thread and puts its session into the archive; :meth:`Sessions.unarchive` takes it out again; see :meth:`Thread.archive`."""
        await self._client._drive(self.leave("thread/archive", Deadline(timeout)))

    @names_keywords
    async def delete(self, *, timeout: float | None = 30.0) -> None:
        """Unloads the thread and deletes its session, for good; see :meth:`Thread.delete`."""
        await self._client._drive(self.leave("thread/delete", Deadline(timeout)))

    @names_keywords
    async def close(self, *, timeout: float | None = 10.0) -> None:
        """Stops a running turn and unloads the thread. Its session stays on disk. Again: nothing; see :meth:`Thread.close`."""
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


def _output(wanted: Any, repair: int = 0) -> Output[Any] | None:
    if isinstance(repair, bool) or not isinstance(repair, int):
        raise TypeError(f"repair must be a whole number, not {type(repair).__name__}")
    if repair < 0 or (repair and wanted is None):
        raise ValueError("repair is how often an answer is corrected: at least 0, and with an output_schema only")
    if wanted is None:
        return None
    from .output import Output  # only now: many programs never need it

    return Output(wanted)
