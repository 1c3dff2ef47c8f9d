"""The engine as an object: start it, make threads, close it."""

from __future__ import annotations

import atexit
import contextlib
import inspect
import logging
import os
import threading
import time
import weakref
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar, get_args, overload

from . import _capi, log
from ._capi import ClientHandle
from ._core.recorded import listing, of_thread, session
from ._deadline import Deadline
from ._dispatch import BATCH, Dispatcher
from ._keywords import names_keywords
from ._loops import Door, Doors, Loop, Parker, in_thread, running
from ._observed import Observed
from ._requests import RequestServer
from ._steps import Answer, Await, Pause, Poll, Send, Step, Steps, Until, call
from .errors import AlreadyExistsError, ClosedError, CodexError, CodexTimeoutError, EngineError, NotFoundError
from .events import Event, ItemCompleted, SubAgentEvent, SubAgentStarted, TokenUsage
from .input import TurnInput
from .interceptors import CallBuiltin, Interceptor, OnError, around
from .items import Item
from .options import (
    ApprovalMode,
    CommandLimits,
    SandboxMode,
    WorkspaceWrite,
    check_working_directory,
    checked_trust,
    thread_params,
)
from .thread import AsyncThread, BaseThread, Thread
from .tools import Tool, ToolInvocation, ToolResult, check_tool

if TYPE_CHECKING:
    from .account import AsyncClientAccount, ClientAccount
    from .agents import Agent, AsyncAgent
    from .approvals import ApprovalHandler, ApprovalRequest, Decision
    from .batch import BatchResult, OnProgress
    from .config import AsyncConfiguration, Config, Configuration
    from .hooks import Hook
    from .mcp import AsyncMcp, Mcp, McpServer
    from .models import AsyncModels, Models
    from .protocol import Params
    from .review import Review, ReviewTarget
    from .sessions import AsyncSessions, Sessions
    from .skills import AsyncSkills, Skills, SkillShelf, SkillSource
    from .usage import Usage

__all__ = ["AsyncCodex", "Codex"]

_log = logging.getLogger("codex_cffi")

T = TypeVar("T")
R = TypeVar("R")
AnyThread = TypeVar("AnyThread", bound=BaseThread)

#: Sees a turn's input before it starts; returns None, or another input.
BeforeStart = Callable[[Any, TurnInput], "TurnInput | Awaitable[TurnInput | None] | None"]

#: Id of the model provider that `base_url` makes.
_PROVIDER = "codex_cffi"
#: Seconds that a thread gets to end what it does before it is loaded again.
_UNLOAD_S = 15.0
#: Seconds that a client which was not closed gets at interpreter exit.
_EXIT_GRACE = 3.0


class _Core:
    """The client as :mod:`._core.contract` has it."""

    def __init__(self, client: BaseCodex) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, "_skills" if name == "shelf" else f"_{name}")


class BaseCodex:
    """What :class:`Codex` and :class:`AsyncCodex` share: everything but the waiting."""

    #: Of its threads.
    _thread_class: type[Any]

    def __init__(
        self,
        api_key: str | None,
        base_url: str | None,
        codex_home: str | os.PathLike[str] | None,
        *,
        skip_git_repo_check: bool,
        trust_project: bool,
        config: Config | Mapping[str, Any] | None,
        isolated: bool,
        tools: Iterable[Tool],
        hooks: Iterable[Hook],
        mcp_servers: Mapping[str, McpServer | Mapping[str, Any]] | None,
        skills: Mapping[str, SkillSource] | Sequence[os.PathLike[str]] | None,
        mention_skills_with_at: bool,
        command_limits: CommandLimits | None,
        max_workers: int,
        on_approval: ApprovalHandler | None,
        approval_timeout: float | None,
        on_event: Callable[[Event], None] | None,
        before_start: BeforeStart | None,
        client_name: str,
        timeout: float | None,
    ) -> None:
        self._lock = threading.RLock()  # a signal handler may close
        self._closed = False
        #: None until the engine runs.
        self._handle: ClientHandle | None = None
        if config is not None and not isinstance(config, Mapping):
            raise TypeError(f"config must be a mapping, not {type(config).__name__}")
        if isinstance(max_workers, bool) or not isinstance(max_workers, int):
            raise TypeError(f"max_workers must be a whole number, not {type(max_workers).__name__}")
        if max_workers < 1:
            raise ValueError(f"max_workers must be at least 1, not {max_workers}")
        Deadline(timeout)  # checks the arguments
        Deadline(approval_timeout)
        settings: dict[str, Any] = dict(config or {})
        if "trust_project" in settings:
            raise TypeError("trust_project is an argument of the client and of threads, not a setting")
        if command_limits is not None:
            if not isinstance(command_limits, CommandLimits):
                raise TypeError(f"command_limits must be a CommandLimits, not {type(command_limits).__name__}")
            settings["command_limits"] = command_limits.to_config()
        if base_url is not None:
            _use_base_url(settings, base_url)
        if mcp_servers is not None:
            from . import mcp

            settings["mcp_servers"] = {**settings.get("mcp_servers", {}), **mcp.servers_config(mcp_servers)}
            mcp.refuse_twins(settings["mcp_servers"])
        self._mcp_names: list[str] = list(settings.get("mcp_servers", {}))
        self._mention_skills_with_at = mention_skills_with_at
        self._skill_rules: list[Any] = list(settings.get("skills", {}).get("config", []))
        self._threads: weakref.WeakValueDictionary[str, BaseThread] = weakref.WeakValueDictionary()
        self._observed = Observed(self._threads)
        #: As it was given; None for the usual one.
        self._codex_home: str | None = None
        self._options: dict[str, Any] = {
            "helper": str(_capi.helper_path()),
            "config": settings,
            "isolated": isolated,
            "client_name": client_name,
            "client_version": _capi.build_info["version"],
            "openai_api_key_env": True,
        }
        if codex_home is not None:
            self._codex_home = os.path.abspath(os.path.expanduser(os.fsdecode(codex_home)))
            self._options["codex_home"] = self._codex_home
        if api_key is not None:
            self._options["api_key"] = api_key
        self._shelf: SkillShelf | None = self._new_shelf(skills) if skills is not None else None
        self._skip_git_repo_check = skip_git_repo_check
        self._trust_project = checked_trust(trust_project)
        self._timeout = timeout
        self._max_workers = max_workers
        self._tools = [check_tool(tool) for tool in tools]
        self._interceptors: list[Interceptor] = []
        self._hooks = [_check_hook(hook) for hook in hooks]
        self._on_approval = _check_callback("on_approval", on_approval)
        self._approval_timeout = approval_timeout
        self._on_event = _check_callback("on_event", on_event)
        self._before_start = _check_callback("before_start", before_start)
        log.know(self, self._options)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {'closed' if self._closed else 'open'}>"

    @property
    def _core(self) -> Any:
        return _Core(self)

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._closed

    def register_tool(self, tool: Tool) -> None:
        """Offers a tool to the model from its next request on, on all threads.

        Raises:
            AlreadyExistsError: A tool of that name is registered.
            InvalidArgumentError: The name is not what the model API demands.
            InvalidJsonError: The parameters are not a usable schema.
        """
        self._register(tool, None)

    def unregister_tool(self, name: str) -> None:
        """Takes a tool back; ``namespace::name`` for one in a namespace.

        Raises:
            NotFoundError: No such tool.
        """
        self._open_handle()
        self._requests.unregister(name)

    def register_tool_interceptor(
        self,
        name: str,
        handler: Callable[[ToolInvocation, CallBuiltin], Any] | None = None,
        *,
        before: Callable[[ToolInvocation], Any] | None = None,
        after: Callable[[ToolInvocation, ToolResult], Any] | None = None,
        on_error: OnError = "deny",
        timeout: float | None = None,
    ) -> Interceptor:
        """Puts Python around a tool of the engine's; see :mod:`codex_cffi.interceptors`.

        Args:
            name: The tool's name, or the beginning of one and ``*``; ``mcp__server::tool`` for one of an MCP server (see :class:`Interceptor`).
            handler: ``handler(call, call_builtin)``, synchronous or ``async``; what it returns is the result.
            before: Instead of a handler: gets the call; returns None, other arguments, or a :class:`ToolResult` in place of the call.
            after: Instead of a handler: gets the call and its result; returns None, or another result.
            on_error: ``deny``: if the handler raises or takes too long, the tool does not run. ``pass``: it runs as if there were no interceptor.
            timeout: Seconds that the handler may take, the tool's own time included.

        Returns:
            What :meth:`unregister_tool_interceptor` takes.

        Raises:
            InvalidArgumentError: `name` is empty or has a ``*`` elsewhere.
        """
        if (handler is None) == (before is None and after is None):
            raise TypeError("an interceptor is either a handler, or before and after")
        if on_error not in get_args(OnError):
            raise ValueError(f"on_error must be one of {', '.join(map(repr, get_args(OnError)))}, not {on_error!r}")
        if timeout is not None and not timeout > 0:
            raise ValueError(f"timeout must be above 0 seconds, not {timeout}")
        interceptor = Interceptor(name, handler or around(before, after), on_error, timeout)
        self._intercept(interceptor)
        return interceptor

    def unregister_tool_interceptor(self, interceptor: Interceptor) -> None:
        """Takes an interceptor back; calls that it has go on.

        Args:
            interceptor: What :meth:`register_tool_interceptor` returned.

        Raises:
            NotFoundError: It is not registered.
            TypeError: It is a name, or anything else.
        """
        self._open_handle()
        self._requests.stop_intercepting(interceptor)

    def register_hook(self, hook: Hook) -> None:
        """Adds a function at one of the engine's hook points, on all threads, after those that are there; see :mod:`codex_cffi.hooks`.

        Raises:
            InvalidArgumentError: Its matcher is not one that the engine can use.
        """
        _check_hook(hook)
        self._hook(hook)

    def unregister_hook(self, hook: Hook) -> None:
        """Takes a hook back; calls that it has go on.

        Raises:
            NotFoundError: It is not registered.
        """
        self._open_handle()
        self._requests.unhook(hook)

    @property
    def pending_approvals(self) -> list[ApprovalRequest]:
        """The approvals and questions that wait for a decision, oldest first."""
        return self._requests.pending() if self._handle is not None and not self._closed else []

    def respond(self, request_id: str, decision: Decision) -> None:
        """Decides an approval that was left open, from any thread.

        Raises:
            NotFoundError: It was decided already, its time was up, or its turn has ended.
            TypeError, ValueError: The decision does not answer this kind of request.
        """
        self._open_handle()
        self._requests.respond(request_id, decision)

    def _register(self, tool: Tool, thread_id: str | None) -> None:
        check_tool(tool)
        self._open_handle()
        self._requests.register(tool, thread_id)

    def _intercept(self, interceptor: Interceptor) -> None:
        self._open_handle()
        self._requests.intercept(interceptor)

    def _hook(self, hook: Hook) -> None:
        self._open_handle()
        self._requests.hook(hook)

    def _equip(self, thread: AnyThread, tools: list[Tool], on_approval: ApprovalHandler | None) -> AnyThread:
        """Gives a thread its own tools and handler."""
        for tool in tools:
            self._register(tool, thread.id)
        if on_approval is not None:
            thread._on_approval = on_approval
            self._requests.start()
        return thread

    def _equipment(
        self, thread_id: str | None, tools: Iterable[Tool], on_approval: ApprovalHandler | None
    ) -> tuple[list[Tool], ApprovalHandler | None]:
        """Checked tools and handler for a new thread; with an id, the tools of that thread."""
        if thread_id is not None:
            self._open_handle()
            tools = self._requests.tools_of(thread_id)
        return [check_tool(tool) for tool in tools], _check_callback("on_approval", on_approval)

    def _adopt(
        self,
        kind: type[AnyThread],
        info: Mapping[str, Any],
        usage: TokenUsage | None,
        options: Mapping[str, Any],
        equipment: tuple[list[Tool], ApprovalHandler | None],
        own: Mapping[str, Any],
    ) -> AnyThread:
        """The object for a thread that the engine has started or loaded; `own` are the settings that it alone has."""
        thread = kind(
            self,
            self._open_handle().open_thread(info["thread"]["id"]),
            info,
            usage,
            workspace_write=options.get("workspace_write"),
            skip_git_repo_check=options["skip_git_repo_check"],
        )
        thread._own = own
        return self._equip(thread, *equipment)

    def _resume(
        self, id_or_path: Any, options: Mapping[str, Any], own: Mapping[str, Any], deadline: Deadline
    ) -> Steps[dict[str, Any]]:
        """Loads a thread, with the options given and none that it had before."""
        thread_id, path = session(id_or_path)
        params: dict[str, Any] = {"threadId": thread_id or "", "excludeTurns": True}
        params |= thread_params(**options, here=False)
        params["config"] = {**params.get("config", {}), **own}
        if path is not None:
            params["path"] = str(path)
        if thread_id is not None:
            if self._knows(thread_id):
                raise AlreadyExistsError(f"thread {thread_id} is open in this client; use it, or close() it first")
            yield from self._unload(thread_id, deadline)
        grace = Deadline(_UNLOAD_S)
        while True:
            try:
                info: dict[str, Any] = yield from of_thread(str(id_or_path), call("thread/resume", params, deadline))
                break
            except EngineError as error:
                if "is closing" not in str(error) or grace.over or deadline.over:
                    raise
            yield Pause(0.02)
        try:
            check_working_directory(info["cwd"], skip_git_repo_check=options["skip_git_repo_check"])
        except BaseException:
            yield from call("thread/unsubscribe", {"threadId": info["thread"]["id"]}, Deadline(_UNLOAD_S))
            raise
        self._requests.forget(info["thread"]["id"])
        return info

    def _unload(self, thread_id: str, deadline: Deadline) -> Steps[None]:
        """Has the engine let go of a thread that it may still have, with the settings from then: those are not to come back."""
        grace = Deadline(_UNLOAD_S)
        while True:
            try:
                thread = (yield from call("thread/read", {"threadId": thread_id}, deadline))["thread"]
            except EngineError:
                break  # nothing is recorded, which thread/resume tells
            if thread["status"]["type"] != "active":
                break
            if grace.over or deadline.over:
                raise CodexError(f"thread {thread_id} is still in a turn; interrupt it before it is resumed")
            yield Pause(0.02)
        yield from call("thread/unsubscribe", {"threadId": thread_id}, deadline)

    def _resume_last(
        self, options: Mapping[str, Any], own: Mapping[str, Any], any_directory: bool, deadline: Deadline
    ) -> Steps[dict[str, Any]]:
        where = None if any_directory else options["working_directory"] or os.getcwd()
        pages = listing(
            working_directory=where,
            title=None,
            archived=False,
            parent=None,
            model_providers=None,
            sort="updated_at",
            newest_first=True,
            limit=1,
            timeout=deadline.left,
        )
        found = yield from pages.next()
        if not found:
            place = "in this codex home" if where is None else f"that worked in {where}"
            raise NotFoundError(f"there is no session {place}; start a thread, or pass any_directory=True")
        return (yield from self._resume(found[0].id, options, own, deadline))

    @property
    def usage(self) -> Usage:
        """Tokens that all threads have used since the client was opened, with :meth:`review` and sub-agents (these count for their thread's model)."""
        self._catch_up()
        return self._observed.ledger.usage()

    def _catch_up(self) -> None:
        """Reads what waits in the client's own queue, for hosts that look while no turn runs."""
        if self._handle is not None and not self._closed:
            self._dispatcher.drain()

    def _arrangement(
        self,
        mcp_servers: Mapping[str, McpServer | Mapping[str, Any]] | None,
        skills: Iterable[str] | None,
    ) -> dict[str, Any]:
        """A thread's own MCP servers and choice of skills, as settings of its own."""
        # Path by path: a whole table would replace the client's.
        config: dict[str, Any] = {}
        if mcp_servers is not None:
            from . import mcp

            own = mcp.servers_config(mcp_servers)
            mcp.refuse_twins([*self._mcp_names, *own])
            config |= {f"mcp_servers.{name}": server for name, server in own.items()}
        if skills is not None:
            chosen = self._skills.choose(skills)
            if chosen:
                config["skills.config"] = [*self._skill_rules, *chosen]
        return config

    def _review_thread(
        self,
        model: str | None,
        working_directory: str | os.PathLike[str] | None,
        skip_git_repo_check: bool | None,
        sandbox_mode: SandboxMode | None,
    ) -> Steps[Any]:
        """A thread for one review."""
        given: dict[str, Any] = {
            "model": model,
            "working_directory": working_directory,
            "skip_git_repo_check": self._skip_git_repo_check if skip_git_repo_check is None else skip_git_repo_check,
            "trust_project": self._trust_project,
            "sandbox_mode": sandbox_mode or "read-only",
            "ephemeral": True,
        }
        params = thread_params(**given)
        # What the reviewer says word by word, whose findings the engine passes on as text only.
        params["experimentalRawEvents"] = True
        if model is not None:
            params["config"] = {**params.get("config", {}), "review_model": model}
        info = yield from call("thread/start", params, Deadline(60.0))
        return self._adopt(self._thread_class, info, TokenUsage(), given, ([], None), {})

    @property
    def _skills(self) -> SkillShelf:
        """What skills it was given."""
        with self._lock:
            if self._shelf is None:
                self._shelf = self._new_shelf(None)
            return self._shelf

    def _new_shelf(self, given: Mapping[str, SkillSource] | Sequence[os.PathLike[str]] | None) -> SkillShelf:
        from . import skills

        return skills.SkillShelf(given, self._mention_skills_with_at, self._codex_home)

    def _mentioned(self, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """An input item for each of its skills that an input calls for."""
        return self._shelf.mentioned(items) if self._shelf is not None else []

    def _heard_beside(self, event: Event) -> None:
        """Takes an event that belongs to no open thread: the client's, or a sub-agent's."""
        self._observed.note(event)
        self._heard(event)
        if not event.thread_id:
            return
        if self._observed.agent(event.thread_id) is not None:
            self._forward(event)
        elif event.thread_id not in self._threads:
            self._observed.keep(event)
        if isinstance(event, ItemCompleted):
            self._spawned(event.item)

    def _spawned(self, item: Item) -> None:
        """An item was completed, which may say that an agent was started."""
        for event in self._observed.spawned(item):
            if isinstance(event, SubAgentStarted):
                self._heard(event)
            self._forward(event)

    def _forward(self, event: Event) -> None:
        """Shows an event of a sub-agent's in the stream of the thread that it is of."""
        agent = self._observed.agent(event.thread_id)
        thread = self._threads.get(self._observed.root_of(event.thread_id))
        stream = thread._stream() if thread is not None else None
        if agent is not None and thread is not None and stream is not None and stream._streamed:
            thread._tell(
                SubAgentEvent(
                    thread_id=event.thread_id,
                    turn_id=event.turn_id,
                    parent_thread_id=agent.parent_thread_id,
                    event=event,
                )
            )

    def _tell(self, thread_id: str, event: Event) -> None:
        thread = self._threads.get(thread_id)
        if thread is not None:
            thread._tell(event)

    def _heard(self, event: Event) -> None:
        """Hands an event to the host's ``on_event``, whose failures are its own."""
        if self._on_event is not None:
            try:
                self._on_event(event)
            except Exception:
                _log.exception("on_event failed for %s", event.type)

    def _knows(self, thread_id: str) -> bool:
        return thread_id in self._threads

    def _approver(self, thread_id: str) -> ApprovalHandler | None:
        thread = self._threads.get(thread_id)
        return (thread._on_approval if thread is not None else None) or self._on_approval

    def _loop_of(self, thread_id: str) -> Loop | None:
        return None

    def _open(self) -> None:
        """Starts the engine; takes 20 to 200 ms."""
        from ._host_folders import program_folders

        log.follow()
        handle = ClientHandle.open(self._options | program_folders())
        try:
            requests = RequestServer(handle, self._max_workers, weakref.ref(self), self._approval_timeout)
            for tool in self._tools:
                requests.register(tool)
            for interceptor in self._interceptors:
                requests.intercept(interceptor)
            for hook in self._hooks:
                requests.hook(hook)
            if self._on_approval is not None:
                requests.start()
            if self._shelf is not None:
                _set_skill_roots(handle, self._shelf.unpack())
        except BaseException:
            if self._shelf is not None:
                self._shelf.close()
            handle.free()
            raise
        with self._lock:
            if self._closed:
                handle.free()
                raise ClosedError("the client was closed while it was being opened")
            self._handle, self._requests = handle, requests
            self._dispatcher = Dispatcher(handle, self._heard_beside)
            # A key is held no longer than needed.
            self._options = {}
        _open_clients.add(self)

    def _open_handle(self) -> ClientHandle:
        if self._handle is None:
            raise ClosedError("the client is closed; open a new one" if self._closed else "the client is not open yet")
        return self._handle

    def _begin_close(self) -> bool:
        """False if it was closed before, or never opened."""
        with self._lock:
            was_open = not self._closed and self._handle is not None
            self._closed = True
        _open_clients.discard(self)
        return was_open

    def _end(self, timeout: float | None) -> None:
        """Ends the engine; waits so long."""
        handle = self._open_handle()
        if not handle.close(_capi.milliseconds(timeout)):
            _log.warning("the engine did not stop within %s s; it was stopped hard", timeout)
        self._dispatcher.end()
        handle.free()
        if self._shelf is not None:
            self._shelf.close()

    def __del__(self) -> None:
        handle = getattr(self, "_handle", None)
        if handle is not None and not self._closed:
            # Closes in the background; a finalizer must not wait.
            handle.free()


class Codex(BaseCodex):
    """OpenAI Codex's engine in this process.

    Args:
        api_key: Key for the model provider, kept in memory only. Default: ``OPENAI_API_KEY`` where the provider is OpenAI's (or `base_url`),
            else what ``auth.json`` in the codex home holds.
        base_url: Another endpoint that speaks the Responses API, for example ``http://127.0.0.1:8000/v1``.
        codex_home: Folder of sessions, ``config.toml`` and ``auth.json``. Default: ``$CODEX_HOME``, else ``~/.codex``.
        skip_git_repo_check: Threads may work outside of git repositories.
        trust_project: What repositories configure for the agent counts: their ``.codex`` (settings, MCP servers, rules, hooks, roles). By default it does
            only where the user has trusted the repository in the codex program. See :meth:`start_thread`.
        config: Settings over those of ``config.toml``, with the same keys, for example ``{"model_reasoning_effort": "high"}``.
        isolated: ``config.toml``, managed configuration and execution policy files are not read.
        tools: Python functions that the agent may call, on all threads.
        hooks: Python functions at the engine's hook points; see :mod:`codex_cffi.hooks`.
        mcp_servers: MCP servers by name, besides those of the configuration; see :mod:`codex_cffi.mcp`.
        skills: Skills by name, each a text, a :class:`Skill` or a folder, or a list of folders; see :mod:`codex_cffi.skills`.
        mention_skills_with_at: ``@name`` in an input calls for one of these skills too, as ``$name`` does.
        command_limits: How many processes, how much memory and how large files a command may have.
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

    _thread_class = Thread

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
        tools: Iterable[Tool] = (),
        hooks: Iterable[Hook] = (),
        mcp_servers: Mapping[str, McpServer | Mapping[str, Any]] | None = None,
        skills: Mapping[str, SkillSource] | Sequence[os.PathLike[str]] | None = None,
        mention_skills_with_at: bool = False,
        command_limits: CommandLimits | None = None,
        max_workers: int = 8,
        on_approval: ApprovalHandler | None = None,
        approval_timeout: float | None = None,
        on_event: Callable[[Event], None] | None = None,
        before_start: BeforeStart | None = None,
        client_name: str = "codex_cffi",
        timeout: float | None = 10.0,
    ) -> None:
        super().__init__(
            api_key,
            base_url,
            codex_home,
            skip_git_repo_check=skip_git_repo_check,
            trust_project=trust_project,
            config=config,
            isolated=isolated,
            tools=tools,
            hooks=hooks,
            mcp_servers=mcp_servers,
            skills=skills,
            mention_skills_with_at=mention_skills_with_at,
            command_limits=command_limits,
            max_workers=max_workers,
            on_approval=on_approval,
            approval_timeout=approval_timeout,
            on_event=on_event,
            before_start=before_start,
            client_name=client_name,
            timeout=timeout,
        )
        try:
            _interruptibly(self._open)
        except BaseException:
            self._begin_close()
            raise

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
        """Who the client is to the model provider: keys, logins, rate limits."""
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
        """The settings in force."""
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
            WorkingDirectoryNotFound, WorkingDirectoryNotADirectory, WorkingDirectoryNotTrusted: The directory cannot be used.
            SandboxUnavailableError: Commands could not be confined here.
            EngineError: The engine refuses, for example an unknown model provider.
        """
        options: dict[str, Any] = {
            "model": model,
            "sandbox_mode": sandbox_mode,
            "approval_mode": approval_mode,
            "workspace_write": workspace_write,
            "working_directory": working_directory,
            "skip_git_repo_check": self._skip_git_repo_check if skip_git_repo_check is None else skip_git_repo_check,
            "trust_project": self._trust_project if trust_project is None else trust_project,
        }
        params = thread_params(**options, full_auto=full_auto, ephemeral=ephemeral)
        own = self._arrangement(mcp_servers, skills)
        params["config"] = {**params.get("config", {}), **own}
        equipment = self._equipment(None, tools, on_approval)
        info = self._drive(call("thread/start", params, Deadline(timeout)))
        return self._adopt(Thread, info, TokenUsage(), options, equipment, own)

    @names_keywords
    def resume_thread(
        self,
        id_or_path: str | os.PathLike[str],
        *,
        model: str | None = None,
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

        What was completed is there; a turn that was cut off counts as interrupted. Model and reasoning effort are the session's. Sandbox, approvals, trust,
        tools and handler are not: they are what is given here, else the configuration's and the client's.

        Args:
            id_or_path: The thread's id, or its session file.
            model, sandbox_mode, approval_mode, workspace_write, skip_git_repo_check, trust_project: As for :meth:`start_thread`.
            tools, mcp_servers, skills, on_approval, timeout: As for :meth:`start_thread`.
            working_directory: Where commands run. Default: where the session did.

        Raises:
            NotFoundError, FileNotFoundError: There is no such session.
            AlreadyExistsError: The thread is open in this client.
            WorkingDirectoryNotFound, WorkingDirectoryNotADirectory, WorkingDirectoryNotTrusted: The directory cannot be used.
            EngineError: The engine refuses.

        Example:
            >>> thread = codex.resume_thread("0199a213-81c0-7800-8aa1-bbab2a035a53")  # doctest: +SKIP
        """
        options = {
            "model": model,
            "sandbox_mode": sandbox_mode,
            "approval_mode": approval_mode,
            "workspace_write": workspace_write,
            "working_directory": working_directory,
            "skip_git_repo_check": self._skip_git_repo_check if skip_git_repo_check is None else skip_git_repo_check,
            "trust_project": self._trust_project if trust_project is None else trust_project,
        }
        own = self._arrangement(mcp_servers, skills)
        equipment = self._equipment(None, tools, on_approval)
        info = self._drive(self._resume(id_or_path, options, own, Deadline(timeout)))
        return self._adopt(Thread, info, None, options, equipment, own)

    @names_keywords
    def resume_last(
        self,
        *,
        any_directory: bool = False,
        model: str | None = None,
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
            model, sandbox_mode, approval_mode, workspace_write, skip_git_repo_check, trust_project: As for :meth:`start_thread`.
            tools, mcp_servers, skills, on_approval, timeout: As for :meth:`resume_thread`.

        Raises:
            NotFoundError: There is none.
        """
        options = {
            "model": model,
            "sandbox_mode": sandbox_mode,
            "approval_mode": approval_mode,
            "workspace_write": workspace_write,
            "working_directory": working_directory,
            "skip_git_repo_check": self._skip_git_repo_check if skip_git_repo_check is None else skip_git_repo_check,
            "trust_project": self._trust_project if trust_project is None else trust_project,
        }
        own = self._arrangement(mcp_servers, skills)
        equipment = self._equipment(None, tools, on_approval)
        info = self._drive(self._resume_last(options, own, any_directory, Deadline(timeout)))
        return self._adopt(Thread, info, None, options, equipment, own)

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
        return self._drive(call(method, params, Deadline(timeout)))

    @names_keywords
    def close(self, *, timeout: float | None = 10.0) -> None:
        """Interrupts the running turns, lets the engine write its files, and ends it. Again: nothing.

        Args:
            timeout: Seconds until the engine is stopped hard.
        """
        Deadline(timeout)  # checks the argument
        if self._begin_close():
            _interruptibly(_counted(lambda: self._end(timeout)))

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
            TurnFailed, CodexTimeoutError: As :meth:`Thread.run`.

        Example:
            >>> [str(finding) for finding in codex.review(CurrentChanges()).findings]  # doctest: +SKIP
        """
        thread = self._drive(self._review_thread(model, working_directory, skip_git_repo_check, sandbox_mode))
        with thread:
            from . import review

            return self._drive(review.ReviewStream(thread, target, Deadline(timeout))._run_review())

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
            self,
            name,
            instructions,
            tools=tools,
            model=model,
            handoffs=handoffs,
            description=description,
            output_schema=output_schema,
            on_approval=_check_callback("on_approval", on_approval),
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
        self._skills.add(name, skill)
        from . import skills

        self._drive(skills.tell_skills(self._core, Deadline(timeout)))

    @names_keywords
    def unregister_skill(self, name: str, *, timeout: float | None = 30.0) -> None:
        """Takes a skill of the client's back.

        Raises:
            NotFoundError: The client was given none of that name.
        """
        self._skills.remove(name)
        from . import skills

        self._drive(skills.tell_skills(self._core, Deadline(timeout)))

    def _drive(self, steps: Steps[T]) -> T:
        try:
            step = next(steps)
            while True:
                try:
                    outcome = self._do(step)
                except BaseException as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(outcome)
        except StopIteration as stop:
            result: T = stop.value
            return result

    def _do(self, step: Step) -> Any:
        match step:
            case Poll(handle=handle, deadline=deadline, told=told):
                batch = handle.poll(BATCH, 0 if told else deadline.slice_ms())
                self._dispatcher.drain()
                return batch
            case Send(method=method, params=params):
                return self._open_handle().start_call(method, params)
            case Answer(pending=pending, method=method, deadline=deadline):
                while True:
                    result = pending.wait(deadline.slice_ms())
                    if result is not None:
                        return result
                    if deadline.over:
                        raise _no_answer(method, deadline)
            case Until(condition=condition, deadline=deadline):
                if not condition():
                    self._dispatcher.drain(deadline.slice_ms())
            case Pause(seconds=seconds):
                time.sleep(seconds)
            case Await(awaitable=awaitable):
                if inspect.iscoroutine(awaitable):
                    awaitable.close()
                raise TypeError("before_start is async, which needs AsyncCodex; Codex takes a plain function")
        return None


class AsyncCodex(BaseCodex):
    """OpenAI Codex's engine in this process, for asyncio (uvloop and the like too) and trio. The twin of :class:`Codex`, with the same arguments::

        async with AsyncCodex() as codex:
            thread = await codex.start_thread()
            print((await thread.run("What does this repository do?")).final_response)

    The engine starts with ``async with``, or without one with the first thing awaited; that is where its errors are raised. Cancelling a task that waits for
    a turn stops the turn and waits for its end. Any number of loops, each in its thread, may share a client.

    Waiting costs no threads: each loop watches one descriptor. A loop that cannot watch descriptors (Windows' proactor) gets one thread that does.
    """

    _thread_class = AsyncThread

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
        tools: Iterable[Tool] = (),
        hooks: Iterable[Hook] = (),
        mcp_servers: Mapping[str, McpServer | Mapping[str, Any]] | None = None,
        skills: Mapping[str, SkillSource] | Sequence[os.PathLike[str]] | None = None,
        mention_skills_with_at: bool = False,
        command_limits: CommandLimits | None = None,
        max_workers: int = 8,
        on_approval: ApprovalHandler | None = None,
        approval_timeout: float | None = None,
        on_event: Callable[[Event], None] | None = None,
        before_start: BeforeStart | None = None,
        client_name: str = "codex_cffi",
        timeout: float | None = 10.0,
    ) -> None:
        super().__init__(
            api_key,
            base_url,
            codex_home,
            skip_git_repo_check=skip_git_repo_check,
            trust_project=trust_project,
            config=config,
            isolated=isolated,
            tools=tools,
            hooks=hooks,
            mcp_servers=mcp_servers,
            skills=skills,
            mention_skills_with_at=mention_skills_with_at,
            command_limits=command_limits,
            max_workers=max_workers,
            on_approval=on_approval,
            approval_timeout=approval_timeout,
            on_event=on_event,
            before_start=before_start,
            client_name=client_name,
            timeout=timeout,
        )
        self._opening: _Opening | None = None
        self._doors: Doors | None = None
        #: Where threads' turns run, and where the client was used last: the loops of ``async`` handlers.
        self._turns_at: weakref.WeakValueDictionary[str, Door] = weakref.WeakValueDictionary()
        self._last_door: Callable[[], Door | None] = lambda: None

    async def __aenter__(self) -> AsyncCodex:
        try:
            await self._opened()
        except BaseException:
            self._begin_close()
            raise
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
        """Who the client is to the model provider: keys, logins, rate limits."""
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
        """The settings in force."""
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
        options: dict[str, Any] = {
            "model": model,
            "sandbox_mode": sandbox_mode,
            "approval_mode": approval_mode,
            "workspace_write": workspace_write,
            "working_directory": working_directory,
            "skip_git_repo_check": self._skip_git_repo_check if skip_git_repo_check is None else skip_git_repo_check,
            "trust_project": self._trust_project if trust_project is None else trust_project,
        }
        params = thread_params(**options, full_auto=full_auto, ephemeral=ephemeral)
        own = self._arrangement(mcp_servers, skills)
        params["config"] = {**params.get("config", {}), **own}
        equipment = self._equipment(None, tools, on_approval)
        info = await self._drive(call("thread/start", params, Deadline(timeout)))
        return self._adopt(AsyncThread, info, TokenUsage(), options, equipment, own)

    @names_keywords
    async def resume_thread(
        self,
        id_or_path: str | os.PathLike[str],
        *,
        model: str | None = None,
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
        options = {
            "model": model,
            "sandbox_mode": sandbox_mode,
            "approval_mode": approval_mode,
            "workspace_write": workspace_write,
            "working_directory": working_directory,
            "skip_git_repo_check": self._skip_git_repo_check if skip_git_repo_check is None else skip_git_repo_check,
            "trust_project": self._trust_project if trust_project is None else trust_project,
        }
        own = self._arrangement(mcp_servers, skills)
        equipment = self._equipment(None, tools, on_approval)
        info = await self._drive(self._resume(id_or_path, options, own, Deadline(timeout)))
        return self._adopt(AsyncThread, info, None, options, equipment, own)

    @names_keywords
    async def resume_last(
        self,
        *,
        any_directory: bool = False,
        model: str | None = None,
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
        options = {
            "model": model,
            "sandbox_mode": sandbox_mode,
            "approval_mode": approval_mode,
            "workspace_write": workspace_write,
            "working_directory": working_directory,
            "skip_git_repo_check": self._skip_git_repo_check if skip_git_repo_check is None else skip_git_repo_check,
            "trust_project": self._trust_project if trust_project is None else trust_project,
        }
        own = self._arrangement(mcp_servers, skills)
        equipment = self._equipment(None, tools, on_approval)
        info = await self._drive(self._resume_last(options, own, any_directory, Deadline(timeout)))
        return self._adopt(AsyncThread, info, None, options, equipment, own)

    @overload
    async def request(self, method: str, params: Params[R], *, timeout: float | None = 60.0) -> R: ...
    @overload
    async def request(
        self, method: str, params: Mapping[str, Any] | None = None, *, timeout: float | None = 60.0
    ) -> Any: ...
    @names_keywords
    async def request(self, method: str, params: Any = None, *, timeout: float | None = 60.0) -> Any:
        """Calls any method of the engine's app-server protocol; see :meth:`Codex.request`."""
        return await self._drive(call(method, params, Deadline(timeout)))

    @names_keywords
    async def close(self, *, timeout: float | None = 10.0) -> None:
        """Interrupts the running turns and ends the engine; see :meth:`Codex.close`."""
        Deadline(timeout)  # checks the argument
        if self._begin_close():
            loop = running()
            with loop.shield():
                await in_thread(loop, _counted(lambda: self._end(timeout)))

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
        thread = await self._drive(self._review_thread(model, working_directory, skip_git_repo_check, sandbox_mode))
        async with thread:
            from . import review

            return await self._drive(review.AsyncReviewStream(thread, target, Deadline(timeout))._run_review())

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
            self,
            name,
            instructions,
            tools=tools,
            model=model,
            handoffs=handoffs,
            description=description,
            output_schema=output_schema,
            on_approval=_check_callback("on_approval", on_approval),
            options=thread_options,
        )

    @names_keywords
    async def register_skill(self, name: str, skill: SkillSource, *, timeout: float | None = 30.0) -> None:
        """Gives the agent one more skill, on all threads from their next turn on; see :meth:`Codex.register_skill`."""
        self._skills.add(name, skill)
        from . import skills

        await self._drive(skills.tell_skills(self._core, Deadline(timeout)))

    @names_keywords
    async def unregister_skill(self, name: str, *, timeout: float | None = 30.0) -> None:
        """Takes a skill of the client's back; see :meth:`Codex.unregister_skill`."""
        self._skills.remove(name)
        from . import skills

        await self._drive(skills.tell_skills(self._core, Deadline(timeout)))

    def _register(self, tool: Tool, thread_id: str | None) -> None:
        if self._handle is None and not self._closed and thread_id is None:
            self._tools.append(check_tool(tool))  # registered when the engine starts
        else:
            super()._register(tool, thread_id)

    def _intercept(self, interceptor: Interceptor) -> None:
        if self._handle is None and not self._closed:
            self._interceptors.append(interceptor)
        else:
            super()._intercept(interceptor)

    def _hook(self, hook: Hook) -> None:
        if self._handle is None and not self._closed:
            self._hooks.append(hook)
        else:
            super()._hook(hook)

    def _loop_of(self, thread_id: str) -> Loop | None:
        # Of the turn that asks; for a sub-agent's, that of whoever used the client last.
        door = self._turns_at.get(thread_id) or self._last_door()
        return door.loop if door is not None else None

    async def _opened(self) -> Door:
        """Starts the engine if need be; the running loop's door to it."""
        if self._doors is None:
            with self._lock:
                if self._closed:
                    raise ClosedError("the client is closed; open a new one")
                opening = self._opening = self._opening or _Opening(self)
            await opening.done(running())
        assert self._doors is not None
        door = self._doors.here()
        self._last_door = weakref.ref(door)
        return door

    def _end(self, timeout: float | None) -> None:
        super()._end(timeout)
        if self._doors is not None:
            self._doors.close()

    def _open(self) -> None:
        super()._open()
        self._doors = Doors(self._dispatcher, self._open_handle().doorbell())

    async def _drive(self, steps: Steps[T]) -> T:
        try:
            door = await self._opened()
            step = next(steps)
            while True:
                try:
                    outcome = await self._do(step, door)
                except GeneratorExit:
                    raise
                except BaseException as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(outcome)
        except StopIteration as stop:
            result: T = stop.value
            return result
        finally:
            steps.close()

    async def _do(self, step: Step, door: Door) -> Any:
        match step:
            case Send(method=method, params=params):
                return _Ticket(self._dispatcher, method, params)
            case Poll(stopping=True) | Answer(stopping=True):
                with door.loop.shield():
                    return await self._wait(step, door)
            case Poll() | Answer():
                return await self._wait(step, door)
            case Until():
                await self._wait_until(step, door)
            case Pause(seconds=seconds):
                await door.loop.parker().park(seconds)
            case Await(awaitable=awaitable):
                return await awaitable
        return None

    async def _wait(self, step: Poll | Answer, door: Door) -> Any:
        parker = door.loop.parker()
        if isinstance(step, Answer):
            with door.open():
                if not step.pending.arrived(parker.wake):
                    await parker.park(step.deadline.left)
            return step.pending.outcome(step.method, step.deadline)
        handle = step.handle
        self._turns_at[handle.thread_id] = door
        batch = handle.poll(BATCH, 0)
        if batch is not None:
            await door.loop.checkpoint()  # a fast engine must not keep the loop from its other tasks
            return batch
        self._dispatcher.wait_for(handle.key, parker.wake)
        try:
            with door.open():
                # What came between the first look and now rang before anybody listened.
                batch = handle.poll(BATCH, 0)
                if batch is None and not step.told:
                    await parker.park(step.deadline.left)
                    batch = handle.poll(BATCH, 0)
        finally:
            self._dispatcher.leave(handle.key, parker.wake)
        return batch

    async def _wait_until(self, step: Until, door: Door) -> None:
        parker = door.loop.parker()
        self._dispatcher.wait_for(_capi.CLIENT_QUEUE, parker.wake)
        try:
            with door.open():
                self._dispatcher.drain()  # it may have come, and rung, before anybody listened
                if not step.condition():
                    await parker.park(step.deadline.left)
        finally:
            self._dispatcher.leave(_capi.CLIENT_QUEUE, parker.wake)


class _Ticket:
    """A request of an asynchronous host on its way."""

    def __init__(self, dispatcher: Dispatcher, method: str, params: Any) -> None:
        self._dispatcher = dispatcher
        self._outcome: Any = None
        self._wake: Callable[[], None] | None = None
        self._number = dispatcher.submit(method, params, self._done)

    def _done(self, outcome: Any) -> None:
        self._outcome = outcome
        if self._wake is not None:
            self._wake()

    def arrived(self, wake: Callable[[], None]) -> bool:
        """Whether there is an outcome; if not, `wake` will tell."""
        self._wake = wake  # first, lest the outcome comes in between
        return self._outcome is not None

    def outcome(self, method: str, deadline: Deadline) -> Any:
        """The result, if it is there; else raises what there is instead."""
        if self._outcome is None:
            raise _no_answer(method, deadline)
        if isinstance(self._outcome, CodexError):
            raise self._outcome
        return self._outcome

    def free(self) -> None:
        self._dispatcher.forget(self._number)


class _Opening:
    """The one start of an engine, that many tasks may wait for."""

    def __init__(self, client: AsyncCodex) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._over = False
        self._failure: BaseException | None = None
        self._parkers: list[Parker] = []
        threading.Thread(target=self._run, name="codex-cffi-open", daemon=True).start()

    def _run(self) -> None:
        try:
            self._client._open()
        except BaseException as error:
            self._failure = error
        with self._lock:
            self._over = True
        for parker in self._parkers:
            parker.wake()

    async def done(self, loop: Loop) -> None:
        """Waits for it; raises what it raised."""
        parker = loop.parker()
        with self._lock:
            over = self._over
            self._parkers.append(parker)
        if not over:
            await parker.park(None)
        if self._failure is not None:
            raise self._failure


def _set_skill_roots(handle: ClientHandle, roots: list[str]) -> None:
    pending = handle.start_call("skills/extraRoots/set", {"extraRoots": roots})
    try:
        deadline = Deadline(30.0)
        while pending.wait(deadline.slice_ms()) is None:
            if deadline.over:
                raise _no_answer("skills/extraRoots/set", deadline)
    finally:
        pending.free()


def _check_callback(name: str, callback: Any) -> Any:
    if callback is not None and not callable(callback):
        raise TypeError(f"{name} must be a function, not {type(callback).__name__}")
    return callback


def _check_hook(hook: Any) -> Hook:
    from .hooks import check_hook  # only now: many programs never need it

    return check_hook(hook)


def _no_answer(method: str, deadline: Deadline) -> CodexTimeoutError:
    return CodexTimeoutError(f"the engine did not answer {method} within {deadline.seconds:g} s")


def _use_base_url(settings: dict[str, Any], base_url: str) -> None:
    from . import _masked

    if not isinstance(base_url, str):
        raise TypeError(f"base_url must be a text, not {type(base_url).__name__}")
    if not base_url.startswith(("http://", "https://")):
        raise ValueError(f"base_url must start with http:// or https://, not {_masked.refused(base_url)!r}")
    if "model_provider" in settings:
        raise ValueError("base_url and config['model_provider'] exclude each other")
    settings["model_provider"] = _PROVIDER
    # The name is told to people.
    name = _masked.address(base_url)
    provider = {"name": name, "base_url": base_url, "wire_api": "responses", "requires_openai_auth": True}
    settings["model_providers"] = {**settings.get("model_providers", {}), _PROVIDER: provider}


#: Closings that go on, though nobody may wait for them any more.
_closings: set[threading.Event] = set()


def _counted(close: Callable[[], None]) -> Callable[[], None]:
    """A closing that the end of the interpreter waits for."""
    done = threading.Event()

    def run() -> None:
        try:
            close()
        finally:
            done.set()
            _closings.discard(done)

    _closings.add(done)
    return run


def _interruptibly(work: Callable[[], None]) -> None:
    """Does what waits inside the library for seconds. On Ctrl-C the waiting ends; the work goes on, on a thread of its own."""
    if threading.current_thread() is not threading.main_thread():
        work()  # signal handlers run on the main thread only
        return
    failure: list[BaseException] = []
    done = threading.Event()

    def run() -> None:
        try:
            work()
        except BaseException as error:
            failure.append(error)
        done.set()

    try:
        threading.Thread(target=run, name="codex-cffi-open-close", daemon=True).start()
    except RuntimeError:  # also: no more threads, as at the end of the interpreter
        work()
        return
    done.wait()
    if failure:
        raise failure[0]


_open_clients: weakref.WeakSet[BaseCodex] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    for client in list(_open_clients):
        with contextlib.suppress(Exception):
            if client._begin_close():
                client._end(_EXIT_GRACE)
    for done in list(_closings):
        done.wait(_EXIT_GRACE)


def _forget_all() -> None:
    # In a forked child the parent's engines do not exist; freeing their handles does nothing there.
    _open_clients.clear()
    _closings.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
