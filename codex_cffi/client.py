"""The engine as an object: start it, make threads, close it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, TypeVar, overload

from ._checks import function
from ._core.client_options import BeforeStart, ClientOptions
from ._core.deadline import Deadline
from ._core.parameters import Equipment, ThreadOptions, full_auto_modes
from ._core.steps import call
from ._keywords import names_keywords
from ._opening import close_client, close_client_async, open_client, open_client_async, open_engine
from ._registering import Registering
from ._waiting.asynchronous import AsyncEngineClient
from ._waiting.blocking import BlockingEngineClient
from .events import Event
from .input import TurnInput
from .options import ApprovalMode, CommandLimits, SandboxMode, WorkspaceWrite
from .thread import AsyncThread, Thread
from .tools import Tool

if TYPE_CHECKING:
    from .account import AsyncClientAccount, ClientAccount
    from .agents import Agent, AsyncAgent
    from .approvals import ApprovalHandler
    from .batch import BatchResult, OnProgress
    from .config import AsyncConfiguration, Config, Configuration
    from .hooks import Hook
    from .mcp import AsyncMcp, Mcp, McpServer
    from .models import AsyncModels, ModelInfo, Models
    from .protocol import Params
    from .review import Review, ReviewTarget
    from .sessions import AsyncSessions, Sessions
    from .skills import AsyncSkills, Skills, SkillSource

__all__ = ["AsyncCodex", "Codex"]

R = TypeVar("R")


class Codex(Registering[BlockingEngineClient]):
    """OpenAI Codex's engine in this process.

    Args:
        api_key: Key for the model provider, kept in memory only. Default: ``OPENAI_API_KEY`` where the provider is OpenAI's (or `base_url`),
            else what ``auth.json`` in the codex home holds.
        base_url: Another endpoint that speaks the Responses API, for example ``http://127.0.0.1:8000/v1``.
        codex_home: Folder of sessions, ``config.toml`` and ``auth.json``. Default: ``$CODEX_HOME``, else ``~/.codex``.
        skip_git_repo_check: Threads may work outside of git repositories.
        trust_project: What repositories configure for the agent counts: their ``.codex`` (settings, MCP servers, rules, hooks, roles). By default it does
            only where the user has trusted the repository in the codex program. See :meth:`start_thread`.
        config: Configuration over those of ``config.toml``, with the same keys, for example ``{"model_reasoning_effort": "high"}``.
        isolated: ``config.toml``, managed configuration and execution policy files are not read.
        models: Models that the engine does not know, or knows otherwise; see :class:`codex_cffi.models.ModelInfo`.
        tools: Python functions that the agent may call, on all threads.
        hooks: Python functions at the engine's hook points; see :mod:`codex_cffi.hooks`.
        mcp_servers: MCP servers by name, besides those of the configuration; see :mod:`codex_cffi.mcp`.
        skills: Skills by name, each a text, a :class:`Skill` or a folder, or a list of folders; see :mod:`codex_cffi.skills`.
        mention_skills_with_at: ``@name`` in an input calls for one of these skills too, as ``$name`` does.
        command_limits: How many processes, how much memory and how large files a command may have.
        request_max_retries: How often a request to the model is sent again that fails, or is refused for now. Default: the provider's, else 4. See
            "Retries" in the documentation.
        stream_max_retries: How often an answer is asked for again that breaks off or fails. Default: the provider's, else 5.
        max_workers: Tool handlers that run at the same time.
        on_approval: Decides what the agent asks for, on all threads; see :mod:`codex_cffi.approvals`. Default: everything is denied.
        approval_timeout: Seconds until a request that was not decided is denied.
        on_event: Gets every event of every thread while its turn is read, and those that belong to no thread. It must be quick; what it raises is logged.
        before_start: ``before_start(thread, input)`` before each turn: returns None, or another input; what it raises refuses the turn. For
            :class:`AsyncCodex` it may be ``async``.
        client_name: What the model provider is told as the client's name. That of a process's first client counts for all of them.
        timeout: Seconds that closing may take when the client is used with ``with``.

    Raises:
        ConfigError: A setting is refused.
        SandboxUnavailableError: The sandbox helper is missing.
        EngineIOError: The codex home cannot be used.

    A client may be used by any number of threads. Close it, best with ``with``::

        with Codex() as codex:
            print(codex.start_thread().run("What does this repository do?").final_response)
    """

    @names_keywords
    def __init__(
        self,
        api_key: str | None = None,
        base_url: str | None = None,
        codex_home: str | os.PathLike[str] | None = None,
        *,
        skip_git_repo_check: bool = False,
        trust_project: bool = False,
        config: Config | Mapping[str, Any] | None = None,
        isolated: bool = False,
        models: Sequence[ModelInfo] = (),
        tools: Iterable[Tool] = (),
        hooks: Iterable[Hook] = (),
        mcp_servers: Mapping[str, McpServer | Mapping[str, Any]] | None = None,
        skills: Mapping[str, SkillSource] | Sequence[os.PathLike[str]] | None = None,
        mention_skills_with_at: bool = False,
        command_limits: CommandLimits | None = None,
        request_max_retries: int | None = None,
        stream_max_retries: int | None = None,
        max_workers: int = 8,
        on_approval: ApprovalHandler | None = None,
        approval_timeout: float | None = None,
        on_event: Callable[[Event], None] | None = None,
        before_start: BeforeStart | None = None,
        client_name: str = "codex_cffi",
        timeout: float | None = 10.0,
    ) -> None:
        options = ClientOptions(
            api_key,
            base_url,
            codex_home,
            skip_git_repo_check,
            trust_project,
            config,
            isolated,
            models,
            tools,
            hooks,
            mcp_servers,
            skills,
            mention_skills_with_at,
            command_limits,
            request_max_retries,
            stream_max_retries,
            max_workers,
            on_approval,
            approval_timeout,
            on_event,
            before_start,
            client_name,
            timeout,
        )
        self._core = BlockingEngineClient(options)
        self._timeout = timeout
        open_client(self._core)

    def __enter__(self) -> Codex:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close(timeout=self._timeout)

    @cached_property
    def sessions(self) -> Sessions:
        """What is kept of threads: list, search, read, rename, archive, delete."""
        from .sessions import Sessions

        return Sessions(self._core)

    @cached_property
    def account(self) -> ClientAccount:
        """Who the client is to the model provider, logins, and the limits of the account."""
        from .account import ClientAccount

        return ClientAccount(self._core)

    @cached_property
    def skills(self) -> Skills:
        """The skills that threads have."""
        from .skills import Skills

        return Skills(self._core)

    @cached_property
    def mcp(self) -> Mcp:
        """The MCP servers of the configuration."""
        from .mcp import Mcp

        return Mcp(self._core)

    @cached_property
    def config(self) -> Configuration:
        """The settings in force, and those of the user's ``config.toml``."""
        from .config import Configuration

        return Configuration(self._core)

    @cached_property
    def models(self) -> Models:
        """The models that the engine knows."""
        from .models import Models

        return Models(self._core)

    @names_keywords
    def start_thread(
        self,
        *,
        model: str | None = None,
        model_provider: str | None = None,
        sandbox_mode: SandboxMode | None = None,
        approval_mode: ApprovalMode | None = None,
        workspace_write: WorkspaceWrite | None = None,
        working_directory: str | os.PathLike[str] | None = None,
        skip_git_repo_check: bool | None = None,
        trust_project: bool | None = None,
        full_auto: bool | None = None,
        ephemeral: bool = False,
        tools: Iterable[Tool] = (),
        mcp_servers: Mapping[str, McpServer | Mapping[str, Any]] | None = None,
        skills: Iterable[str] | None = None,
        on_approval: ApprovalHandler | None = None,
        timeout: float | None = 60.0,
    ) -> Thread:
        """Starts a conversation.

        Args:
            model: Model name. Default: the configuration's.
            model_provider: Id of one of the configuration's model providers. Default: the configuration's.
            sandbox_mode: What commands may touch. Default: the configuration's, else ``read-only``.
            approval_mode: When approvals are asked for. Default: the configuration's, else ``on-request``. A request for approval that no
                handler answers is denied.
            workspace_write: Details of the sandbox mode ``workspace-write``, which it implies.
            working_directory: Where commands run. Default: the current directory.
            skip_git_repo_check: The directory may be outside of a git repository. Default: as the client has it.
            trust_project: What the repository configures for the agent counts, in the working directory and above it up to the repository's root:
                ``.codex`` with settings, MCP servers, rules, hooks and roles. These are programs that run outside of the sandbox, and decisions in the
                host's place; so only for repositories that you would run programs of. It holds for this thread, its sub-agents and these folders;
                nothing is written down. Default: as the client has it.
            full_auto: Deprecated; the same as ``sandbox_mode="workspace-write", approval_mode="on-request"``.
            ephemeral: Nothing is written to disk; the thread cannot be resumed.
            tools: Python functions for this thread alone, besides the client's.
            mcp_servers: MCP servers for this thread alone, besides the client's.
            skills: Names of those of the client's skills that it has. Default: all.
            on_approval: Decides what this thread asks for, instead of the client's handler.
            timeout: Seconds to wait for the engine.

        Raises:
            WorkingDirectoryNotFoundError, WorkingDirectoryNotADirectoryError, WorkingDirectoryNotTrustedError: The directory cannot be used.
            SandboxUnavailableError: Commands could not be confined here.
            EngineError: The engine refuses, for example an unknown model provider.
        """
        sandbox_mode, approval_mode = full_auto_modes(full_auto, sandbox_mode, approval_mode)
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
        return Thread(self._core.drive(self._core.start(options, equipment, Deadline(timeout))), self._core)

    @names_keywords
    def resume_thread(
        self,
        id_or_path: str | os.PathLike[str],
        *,
        model: str | None = None,
        model_provider: str | None = None,
        sandbox_mode: SandboxMode | None = None,
        approval_mode: ApprovalMode | None = None,
        workspace_write: WorkspaceWrite | None = None,
        working_directory: str | os.PathLike[str] | None = None,
        skip_git_repo_check: bool | None = None,
        trust_project: bool | None = None,
        tools: Iterable[Tool] = (),
        mcp_servers: Mapping[str, McpServer | Mapping[str, Any]] | None = None,
        skills: Iterable[str] | None = None,
        on_approval: ApprovalHandler | None = None,
        timeout: float | None = 60.0,
    ) -> Thread:
        """Loads a conversation that was kept, also after the process that had it is gone; sessions of the codex program too.

        What was completed is there; a turn that was cut off counts as interrupted. Model, its provider and reasoning effort are the session's. Sandbox,
        approvals, trust, tools and handler are not: they are what is given here, else the configuration's and the client's. A session whose provider the
        configuration does not have any more goes on with the configuration's provider and model, and a :class:`WarningEvent` names both.

        Args:
            id_or_path: The thread's id, or its session file.
            model, model_provider: Others than the session's; with one of them given, the other is the configuration's.
            sandbox_mode, approval_mode, workspace_write, skip_git_repo_check, trust_project: As for :meth:`start_thread`.
            tools, mcp_servers, skills, on_approval, timeout: As for :meth:`start_thread`.
            working_directory: Where commands run. Default: where the session did.

        Raises:
            NotFoundError, FileNotFoundError: There is no such session.
            AlreadyExistsError: The thread is open in this client.
            WorkingDirectoryNotFoundError, WorkingDirectoryNotADirectoryError, WorkingDirectoryNotTrustedError: The directory cannot be used.
            EngineError: The engine refuses, for example an unknown model provider.

        Example:
            >>> thread = codex.resume_thread("0199a213-81c0-7800-8aa1-bbab2a035a53")  # doctest: +SKIP
        """
        options = ThreadOptions(
            model,
            sandbox_mode,
            approval_mode,
            workspace_write,
            working_directory,
            skip_git_repo_check,
            trust_project,
            model_provider=model_provider,
        )
        equipment = Equipment(tools, mcp_servers, skills, on_approval)
        steps = self._core.resume(id_or_path, options, equipment, Deadline(timeout))
        return Thread(self._core.drive(steps), self._core)

    @names_keywords
    def resume_last(
        self,
        *,
        any_directory: bool = False,
        model: str | None = None,
        model_provider: str | None = None,
        sandbox_mode: SandboxMode | None = None,
        approval_mode: ApprovalMode | None = None,
        workspace_write: WorkspaceWrite | None = None,
        working_directory: str | os.PathLike[str] | None = None,
        skip_git_repo_check: bool | None = None,
        trust_project: bool | None = None,
        tools: Iterable[Tool] = (),
        mcp_servers: Mapping[str, McpServer | Mapping[str, Any]] | None = None,
        skills: Iterable[str] | None = None,
        on_approval: ApprovalHandler | None = None,
        timeout: float | None = 60.0,
    ) -> Thread:
        """Resumes the conversation that was used last.

        Args:
            any_directory: Wherever it worked; by default only one in the working directory counts.
            working_directory: The directory that counts. Default: the current one.
            model, model_provider: As for :meth:`resume_thread`.
            sandbox_mode, approval_mode, workspace_write, skip_git_repo_check, trust_project: As for :meth:`start_thread`.
            tools, mcp_servers, skills, on_approval, timeout: As for :meth:`resume_thread`.

        Raises:
            NotFoundError: There is none.
        """
        options = ThreadOptions(
            model,
            sandbox_mode,
            approval_mode,
            workspace_write,
            working_directory,
            skip_git_repo_check,
            trust_project,
            model_provider=model_provider,
        )
        equipment = Equipment(tools, mcp_servers, skills, on_approval)
        steps = self._core.resume_last(options, equipment, any_directory, Deadline(timeout))
        return Thread(self._core.drive(steps), self._core)

    @overload
    def request(self, method: str, params: Params[R], *, timeout: float | None = 60.0) -> R: ...
    @overload
    def request(self, method: str, params: Mapping[str, Any] | None = None, *, timeout: float | None = 60.0) -> Any: ...
    @names_keywords
    def request(self, method: str, params: Any = None, *, timeout: float | None = 60.0) -> Any:
        """Calls any method of the engine's app-server protocol and returns its result.

        Args:
            method: The method's name, for example ``"thread/list"``.
            params: Its parameters: one of :mod:`codex_cffi.protocol`, and the result is typed too; or plain JSON, and so is the result.
            timeout: Seconds to wait for the engine.

        Raises:
            UnknownMethodError: There is no such method.
            InvalidJsonError: The parameters do not fit the method.
            EngineError: The engine refuses.
            CodexTimeoutError: No answer in time; what was asked for may still happen.

        Example:
            >>> codex.request("model/list", {})["data"][0]["id"]  # doctest: +SKIP
        """
        return self._core.drive(call(method, params, Deadline(timeout)))

    @names_keywords
    def close(self, *, timeout: float | None = 10.0) -> None:
        """Interrupts the running turns, lets the engine write its files, and ends it. Again: nothing.

        Args:
            timeout: Seconds until the engine is stopped hard.
        """
        close_client(self._core, timeout)

    @names_keywords
    def review(
        self,
        target: ReviewTarget,
        *,
        model: str | None = None,
        working_directory: str | os.PathLike[str] | None = None,
        skip_git_repo_check: bool | None = None,
        sandbox_mode: SandboxMode | None = None,
        timeout: float | None = None,
    ) -> Review:
        """Has the agent review changes, in a thread of its own that nothing remains of.

        Args:
            target: :class:`CurrentChanges`, :class:`BaseBranch`, :class:`Commit` or :class:`Custom`.
            model: The reviewer's model. Default: the configuration's ``review_model``, else ``model``.
            working_directory: The repository, or a folder in it. Default: the current directory.
            skip_git_repo_check: See :meth:`start_thread`.
            sandbox_mode: What its commands may touch. Default: ``read-only``.
            timeout: Seconds until it is stopped; None waits as long as it takes.

        Raises:
            NotFoundError: The repository has no such branch or commit.
            TurnFailedError, CodexTimeoutError: As :meth:`Thread.run`.

        Example:
            >>> [str(finding) for finding in codex.review(CurrentChanges()).findings]  # doctest: +SKIP
        """
        from . import review

        where = (working_directory, skip_git_repo_check, sandbox_mode)
        face = partial(Thread, client=self._core)
        return self._core.drive(review.run_apart(self._core, target, Deadline(timeout), model, *where, face))

    def run_many(
        self,
        prompts: Iterable[TurnInput],
        *,
        max_concurrent: int = 8,
        output_schema: Any = None,
        timeout: float | None = None,
        on_progress: OnProgress | None = None,
        stop_on_error: bool = False,
        **thread_options: Any,
    ) -> list[BatchResult]:
        """Runs a turn for each prompt, each in a thread of its own, some of them at a time.

        Args:
            prompts: See :meth:`Thread.run`.
            max_concurrent: Turns that run at the same time.
            output_schema: Form of each final response.
            timeout: Seconds for each turn.
            on_progress: Called after each prompt, by whoever waits here; it can cancel the rest. What it raises cancels too.
            stop_on_error: The first error cancels the rest.
            thread_options: Of :meth:`start_thread`. Threads are ephemeral unless ``ephemeral=False``.

        Returns:
            What each prompt came to, in their order; an error is part of its prompt's result.

        Ctrl-C, a cancelled task, and an exception in `on_progress` stop the turns that run, and are passed on once these have ended.
        """
        arguments = (prompts, max_concurrent, output_schema, timeout, on_progress, stop_on_error, thread_options)
        from . import batch

        return batch.run_batch(self, *arguments)

    def create_agent(
        self,
        name: str,
        instructions: str,
        *,
        tools: Iterable[Tool] = (),
        model: str | None = None,
        handoffs: Iterable[Agent] = (),
        description: str | None = None,
        output_schema: Any = None,
        on_approval: ApprovalHandler | None = None,
        **thread_options: Any,
    ) -> Agent:
        """Makes a named role with instructions and tools of its own; see :mod:`codex_cffi.agents`.

        Args:
            name: What it is called.
            instructions: What it is told, besides what the engine tells every agent.
            tools: Its own tools, besides the client's; other agents as tools: :meth:`Agent.as_tool`.
            model: Its model. Default: the configuration's.
            handoffs: Agents that it may hand the conversation over to; more with :meth:`Agent.hand_off_to`.
            description: What it is for, for other agents. Default: the first line of its instructions.
            output_schema: Form of its final response.
            on_approval: Decides what it asks for, instead of the client's handler.
            thread_options: Of :meth:`start_thread`, such as ``sandbox_mode`` and ``working_directory``.
        """
        from . import agents

        return agents.Agent(
            self._core,
            name,
            instructions,
            tools=tools,
            model=model,
            handoffs=handoffs,
            description=description,
            output_schema=output_schema,
            on_approval=function("on_approval", on_approval, or_none=True),
            options=thread_options,
        )

    @names_keywords
    def register_skill(self, name: str, skill: SkillSource, *, timeout: float | None = 30.0) -> None:
        """Gives the agent one more skill, on all threads from their next turn on.

        Args:
            name: What it is called for by.
            skill: A text, a :class:`Skill`, or a folder with a ``SKILL.md`` (whose name counts, then).

        Raises:
            AlreadyExistsError: There is one of that name.
        """
        from . import skills

        self._core.shelf.add(name, skill)
        self._core.drive(skills.tell_skills(self._core, Deadline(timeout)))

    @names_keywords
    def unregister_skill(self, name: str, *, timeout: float | None = 30.0) -> None:
        """Takes a skill of the client's back.

        Raises:
            NotFoundError: The client was given none of that name.
        """
        from . import skills

        self._core.shelf.remove(name)
        self._core.drive(skills.tell_skills(self._core, Deadline(timeout)))


class AsyncCodex(Registering[AsyncEngineClient]):
    """OpenAI Codex's engine in this process, for asyncio (uvloop and the like too) and trio. The twin of :class:`Codex`, with the same arguments::

        async with AsyncCodex() as codex:
            thread = await codex.start_thread()
            print((await thread.run("What does this repository do?")).final_response)

    The engine starts with ``async with``, or without one with the first thing awaited; that is where its errors are raised. Cancelling a task that waits for
    a turn stops the turn and waits for its end. Any number of loops, each in its thread, may share a client.

    Waiting costs no threads: each loop watches one descriptor. A loop that cannot watch descriptors (Windows' proactor) gets one thread that does.
    """

    @names_keywords
    def __init__(
        self,
        api_key: str | None = None,
        base_url: str | None = None,
        codex_home: str | os.PathLike[str] | None = None,
        *,
        skip_git_repo_check: bool = False,
        trust_project: bool = False,
        config: Config | Mapping[str, Any] | None = None,
        isolated: bool = False,
        models: Sequence[ModelInfo] = (),
        tools: Iterable[Tool] = (),
        hooks: Iterable[Hook] = (),
        mcp_servers: Mapping[str, McpServer | Mapping[str, Any]] | None = None,
        skills: Mapping[str, SkillSource] | Sequence[os.PathLike[str]] | None = None,
        mention_skills_with_at: bool = False,
        command_limits: CommandLimits | None = None,
        request_max_retries: int | None = None,
        stream_max_retries: int | None = None,
        max_workers: int = 8,
        on_approval: ApprovalHandler | None = None,
        approval_timeout: float | None = None,
        on_event: Callable[[Event], None] | None = None,
        before_start: BeforeStart | None = None,
        client_name: str = "codex_cffi",
        timeout: float | None = 10.0,
    ) -> None:
        options = ClientOptions(
            api_key,
            base_url,
            codex_home,
            skip_git_repo_check,
            trust_project,
            config,
            isolated,
            models,
            tools,
            hooks,
            mcp_servers,
            skills,
            mention_skills_with_at,
            command_limits,
            request_max_retries,
            stream_max_retries,
            max_workers,
            on_approval,
            approval_timeout,
            on_event,
            before_start,
            client_name,
            timeout,
        )
        self._core = AsyncEngineClient(options, open_engine)
        self._timeout = timeout

    async def __aenter__(self) -> AsyncCodex:
        await open_client_async(self._core)
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close(timeout=self._timeout)

    @cached_property
    def sessions(self) -> AsyncSessions:
        """What is kept of threads: list, search, read, rename, archive, delete."""
        from .sessions import AsyncSessions

        return AsyncSessions(self._core)

    @cached_property
    def account(self) -> AsyncClientAccount:
        """Who the client is to the model provider, logins, and the limits of the account."""
        from .account import AsyncClientAccount

        return AsyncClientAccount(self._core)

    @cached_property
    def skills(self) -> AsyncSkills:
        """The skills that threads have."""
        from .skills import AsyncSkills

        return AsyncSkills(self._core)

    @cached_property
    def mcp(self) -> AsyncMcp:
        """The MCP servers of the configuration."""
        from .mcp import AsyncMcp

        return AsyncMcp(self._core)

    @cached_property
    def config(self) -> AsyncConfiguration:
        """The settings in force, and those of the user's ``config.toml``."""
        from .config import AsyncConfiguration

        return AsyncConfiguration(self._core)

    @cached_property
    def models(self) -> AsyncModels:
        """The models that the engine knows."""
        from .models import AsyncModels

        return AsyncModels(self._core)

    @names_keywords
    async def start_thread(
        self,
        *,
        model: str | None = None,
        model_provider: str | None = None,
        sandbox_mode: SandboxMode | None = None,
        approval_mode: ApprovalMode | None = None,
        workspace_write: WorkspaceWrite | None = None,
        working_directory: str | os.PathLike[str] | None = None,
        skip_git_repo_check: bool | None = None,
        trust_project: bool | None = None,
        full_auto: bool | None = None,
        ephemeral: bool = False,
        tools: Iterable[Tool] = (),
        mcp_servers: Mapping[str, McpServer | Mapping[str, Any]] | None = None,
        skills: Iterable[str] | None = None,
        on_approval: ApprovalHandler | None = None,
        timeout: float | None = 60.0,
    ) -> AsyncThread:
        """Starts a conversation; see :meth:`Codex.start_thread`."""
        sandbox_mode, approval_mode = full_auto_modes(full_auto, sandbox_mode, approval_mode)
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
        return AsyncThread(await self._core.drive(self._core.start(options, equipment, Deadline(timeout))), self._core)

    @names_keywords
    async def resume_thread(
        self,
        id_or_path: str | os.PathLike[str],
        *,
        model: str | None = None,
        model_provider: str | None = None,
        sandbox_mode: SandboxMode | None = None,
        approval_mode: ApprovalMode | None = None,
        workspace_write: WorkspaceWrite | None = None,
        working_directory: str | os.PathLike[str] | None = None,
        skip_git_repo_check: bool | None = None,
        trust_project: bool | None = None,
        tools: Iterable[Tool] = (),
        mcp_servers: Mapping[str, McpServer | Mapping[str, Any]] | None = None,
        skills: Iterable[str] | None = None,
        on_approval: ApprovalHandler | None = None,
        timeout: float | None = 60.0,
    ) -> AsyncThread:
        """Loads a conversation that was kept; see :meth:`Codex.resume_thread`."""
        options = ThreadOptions(
            model,
            sandbox_mode,
            approval_mode,
            workspace_write,
            working_directory,
            skip_git_repo_check,
            trust_project,
            model_provider=model_provider,
        )
        equipment = Equipment(tools, mcp_servers, skills, on_approval)
        steps = self._core.resume(id_or_path, options, equipment, Deadline(timeout))
        return AsyncThread(await self._core.drive(steps), self._core)

    @names_keywords
    async def resume_last(
        self,
        *,
        any_directory: bool = False,
        model: str | None = None,
        model_provider: str | None = None,
        sandbox_mode: SandboxMode | None = None,
        approval_mode: ApprovalMode | None = None,
        workspace_write: WorkspaceWrite | None = None,
        working_directory: str | os.PathLike[str] | None = None,
        skip_git_repo_check: bool | None = None,
        trust_project: bool | None = None,
        tools: Iterable[Tool] = (),
        mcp_servers: Mapping[str, McpServer | Mapping[str, Any]] | None = None,
        skills: Iterable[str] | None = None,
        on_approval: ApprovalHandler | None = None,
        timeout: float | None = 60.0,
    ) -> AsyncThread:
        """Resumes the conversation that was used last; see :meth:`Codex.resume_last`."""
        options = ThreadOptions(
            model,
            sandbox_mode,
            approval_mode,
            workspace_write,
            working_directory,
            skip_git_repo_check,
            trust_project,
            model_provider=model_provider,
        )
        equipment = Equipment(tools, mcp_servers, skills, on_approval)
        steps = self._core.resume_last(options, equipment, any_directory, Deadline(timeout))
        return AsyncThread(await self._core.drive(steps), self._core)

    @overload
    async def request(self, method: str, params: Params[R], *, timeout: float | None = 60.0) -> R: ...
    @overload
    async def request(
        self, method: str, params: Mapping[str, Any] | None = None, *, timeout: float | None = 60.0
    ) -> Any: ...
    @names_keywords
    async def request(self, method: str, params: Any = None, *, timeout: float | None = 60.0) -> Any:
        """Calls any method of the engine's app-server protocol; see :meth:`Codex.request`."""
        return await self._core.drive(call(method, params, Deadline(timeout)))

    @names_keywords
    async def close(self, *, timeout: float | None = 10.0) -> None:
        """Interrupts the running turns and ends the engine; see :meth:`Codex.close`."""
        await close_client_async(self._core, timeout)

    @names_keywords
    async def review(
        self,
        target: ReviewTarget,
        *,
        model: str | None = None,
        working_directory: str | os.PathLike[str] | None = None,
        skip_git_repo_check: bool | None = None,
        sandbox_mode: SandboxMode | None = None,
        timeout: float | None = None,
    ) -> Review:
        """Has the agent review changes, in a thread of its own that nothing remains of; see :meth:`Codex.review`."""
        from . import review

        where = (working_directory, skip_git_repo_check, sandbox_mode)
        face = partial(AsyncThread, client=self._core)
        return await self._core.drive(review.run_apart(self._core, target, Deadline(timeout), model, *where, face))

    async def run_many(
        self,
        prompts: Iterable[TurnInput],
        *,
        max_concurrent: int = 8,
        output_schema: Any = None,
        timeout: float | None = None,
        on_progress: OnProgress | None = None,
        stop_on_error: bool = False,
        **thread_options: Any,
    ) -> list[BatchResult]:
        """Runs a turn for each prompt, each in a thread of its own, some of them at a time; see :meth:`Codex.run_many`."""
        arguments = (prompts, max_concurrent, output_schema, timeout, on_progress, stop_on_error, thread_options)
        from . import batch

        return await batch.run_batch_async(self, *arguments)

    def create_agent(
        self,
        name: str,
        instructions: str,
        *,
        tools: Iterable[Tool] = (),
        model: str | None = None,
        handoffs: Iterable[AsyncAgent] = (),
        description: str | None = None,
        output_schema: Any = None,
        on_approval: ApprovalHandler | None = None,
        **thread_options: Any,
    ) -> AsyncAgent:
        """Makes a named role with instructions and tools of its own; see :meth:`Codex.create_agent`."""
        from . import agents

        return agents.AsyncAgent(
            self._core,
            name,
            instructions,
            tools=tools,
            model=model,
            handoffs=handoffs,
            description=description,
            output_schema=output_schema,
            on_approval=function("on_approval", on_approval, or_none=True),
            options=thread_options,
        )

    @names_keywords
    async def register_skill(self, name: str, skill: SkillSource, *, timeout: float | None = 30.0) -> None:
        """Gives the agent one more skill, on all threads from their next turn on; see :meth:`Codex.register_skill`."""
        from . import skills

        self._core.shelf.add(name, skill)
        await self._core.drive(skills.tell_skills(self._core, Deadline(timeout)))

    @names_keywords
    async def unregister_skill(self, name: str, *, timeout: float | None = 30.0) -> None:
        """Takes a skill of the client's back; see :meth:`Codex.unregister_skill`."""
        from . import skills

        self._core.shelf.remove(name)
        await self._core.drive(skills.tell_skills(self._core, Deadline(timeout)))
