"""A client's state, and what it does with the engine, without the waiting."""

from __future__ import annotations

import logging
import os
import threading
import weakref
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .._checks import function
from ..errors import AlreadyExistsError, ClosedError, CodexError, EngineError, NotFoundError
from ..events import Event, ItemCompleted, SubAgentEvent, SubAgentStarted, TokenUsage, WarningEvent
from ..interceptors import Interceptor
from ..items import Item
from ..tools import Tool, check_tool
from .client_options import ClientOptions, efforts
from .deadline import Deadline, milliseconds
from .observed import Observed
from .parameters import Equipment, ThreadOptions, check_working_directory
from .recorded import listing, of_thread, session
from .steps import Pause, Steps, call
from .thread import EngineThread, loaded

if TYPE_CHECKING:
    from .._skill_shelf import SkillShelf, SkillSource
    from ..approvals import ApprovalHandler
    from ..hooks import Hook
    from .contract import Engine, Queues, Server

_log = logging.getLogger("codex_cffi")

#: Seconds that a thread gets to end what it does before it is loaded again.
_UNLOAD_S = 15.0


class EngineClient:
    """One client: what :class:`Codex` and :class:`AsyncCodex` are the faces of.

    It is opened by whoever has the library, with :meth:`attach`.
    """

    #: Where requests are answered, and who waits for what; there while the engine is.
    server: Server
    dispatcher: Queues

    def __init__(self, options: ClientOptions) -> None:
        options = options.with_shared()
        options.check()
        settings, models = options.settings(), options.checked_models()
        self.closed = False
        self.threads: weakref.WeakValueDictionary[str, EngineThread] = weakref.WeakValueDictionary()
        self.observed = Observed(self.threads)
        self.codex_home = options.home()
        self.skip_git_repo_check = options.skip_git_repo_check
        self.trust_project = options.trust_project
        self.on_event = options.on_event
        self.on_approval = options.on_approval
        self.before_start = options.before_start
        self.max_workers = options.max_workers
        self.approval_timeout = options.approval_timeout
        #: None until the engine runs.
        self.handle: Engine | None = None
        #: What it is opened with; empty afterwards, since a key is held no longer than needed.
        self.engine_options = options.engine_options(settings, models)
        #: The reasoning efforts of models that the host told of, by the models' names.
        self.efforts: Mapping[str, Sequence[str]] = efforts(models)
        #: What is registered as soon as the engine runs.
        self.tools = options.checked_tools()
        self.interceptors = options.checked_interceptors()
        self.hooks = options.checked_hooks()
        self._lock = threading.RLock()  # a signal handler may close
        self._mcp_names = list(settings.get("mcp_servers", {}))
        self._skill_rules: list[Any] = list(settings.get("skills", {}).get("config", []))
        self._mention_skills_with_at = options.mention_skills_with_at
        self._shelf = self._new_shelf(options.skills) if options.skills is not None else None

    # ---- the engine

    def attach(self, handle: Engine, server: Server, dispatcher: Queues) -> None:
        """The engine runs.

        Raises:
            ClosedError: The client was closed meanwhile.
        """
        with self._lock:
            if self.closed:
                raise ClosedError("the client was closed while it was being opened")
            self.handle, self.server, self.dispatcher = handle, server, dispatcher
            self.engine_options = {}

    def open_handle(self) -> Engine:
        """The engine."""
        if self.handle is None:
            raise ClosedError("the client is closed; open a new one" if self.closed else "the client is not open yet")
        return self.handle

    def begin_close(self) -> bool:
        """False if it was closed before, or never opened."""
        with self._lock:
            was_open = not self.closed and self.handle is not None
            self.closed = True
        return was_open

    def end(self, timeout: float | None) -> None:
        """Ends the engine; waits so long."""
        handle = self.open_handle()
        if not handle.close(milliseconds(timeout)):
            _log.warning("the engine did not stop within %s s; it was stopped hard", timeout)
        self.dispatcher.end()
        handle.free()
        self.drop_skills()

    def __del__(self) -> None:
        handle = getattr(self, "handle", None)
        if handle is not None and not self.closed:
            # Closes in the background; a finalizer must not wait.
            handle.free()

    # ---- what the host gives it

    def register_tool(self, tool: Tool, thread_id: str | None = None) -> None:
        """Offers a tool to the model, on one thread or all."""
        check_tool(tool)
        self.open_handle()
        self.server.register(tool, thread_id)

    def unregister_tool(self, name: str, thread_id: str | None = None) -> None:
        """Takes a tool back."""
        self.open_handle()
        self.server.unregister(name, thread_id)

    def intercept(self, interceptor: Interceptor) -> None:
        """Adds an interceptor, inside those that are there."""
        self.open_handle()
        self.server.intercept(interceptor)

    def stop_intercepting(self, interceptor: Interceptor) -> None:
        """Takes an interceptor back."""
        self.open_handle()
        self.server.stop_intercepting(interceptor)

    def add_hook(self, hook: Hook) -> None:
        """Adds a hook, after those that are there."""
        self.open_handle()
        self.server.hook(hook)

    def remove_hook(self, hook: Hook) -> None:
        """Takes a hook back."""
        self.open_handle()
        self.server.unhook(hook)

    @property
    def shelf(self) -> SkillShelf:
        """What skills it was given."""
        with self._lock:
            if self._shelf is None:
                self._shelf = self._new_shelf(None)
            return self._shelf

    def skill_roots(self) -> list[str] | None:
        """Writes its skills down; the folders, or None if it was given no skills."""
        return self._shelf.unpack() if self._shelf is not None else None

    def drop_skills(self) -> None:
        """Removes what :meth:`skill_roots` wrote."""
        if self._shelf is not None:
            self._shelf.close()

    def _new_shelf(self, given: Mapping[str, SkillSource] | Sequence[os.PathLike[str]] | None) -> SkillShelf:
        from .. import _skill_shelf

        return _skill_shelf.SkillShelf(given, self._mention_skills_with_at, self.codex_home)

    def mentioned(self, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """An input item for each of its skills that an input calls for."""
        return self._shelf.mentioned(items) if self._shelf is not None else []

    # ---- threads

    def start(
        self,
        options: ThreadOptions,
        equipment: Equipment,
        deadline: Deadline,
        more: Mapping[str, Any] | None = None,
        *,
        history: str | None = None,
    ) -> Steps[EngineThread]:
        """A new thread. `more`: further parameters. `history`: the thread whose conversation it begins with."""
        options = self._filled(options)
        params = options.params()
        own = self.arrangement(equipment)
        added = dict(more or {})
        params["config"] = {**params.get("config", {}), **own, **added.pop("config", {})}
        params |= added
        equipped = self.equip(equipment)
        if history is not None:
            params |= {"threadId": history, "excludeTurns": True}
        info = yield from loaded("thread/start" if history is None else "thread/fork", params, deadline)
        return self.adopt(info, TokenUsage() if history is None else None, options, equipped, own)

    def resume(
        self, id_or_path: Any, options: ThreadOptions, equipment: Equipment, deadline: Deadline
    ) -> Steps[EngineThread]:
        """Loads a thread, with the options given and none that it had before."""
        options = self._filled(options)
        own = self.arrangement(equipment)
        equipped = self.equip(equipment)
        info = yield from self._load(id_or_path, options, own, deadline)
        return self.adopt(info, None, options, equipped, own)

    def resume_last(
        self, options: ThreadOptions, equipment: Equipment, any_directory: bool, deadline: Deadline
    ) -> Steps[EngineThread]:
        """Loads the thread that was used last."""
        where = None if any_directory else options.working_directory or os.getcwd()
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
        return (yield from self.resume(found[0].id, options, equipment, deadline))

    def _load(
        self, id_or_path: Any, options: ThreadOptions, own: Mapping[str, Any], deadline: Deadline
    ) -> Steps[dict[str, Any]]:
        thread_id, path = session(id_or_path)
        params: dict[str, Any] = {"threadId": thread_id or "", "excludeTurns": True}
        params |= options.params(here=False)
        params["config"] = {**params.get("config", {}), **own}
        if path is not None:
            params["path"] = str(path)
        if thread_id is not None:
            if self.knows(thread_id):
                raise AlreadyExistsError(f"thread {thread_id} is open in this client; use it, or close() it first")
            yield from self._unload(thread_id, deadline)
        info = yield from of_thread(str(id_or_path), loaded("thread/resume", params, deadline))
        try:
            check_working_directory(info["cwd"], skip_git_repo_check=bool(options.skip_git_repo_check))
        except BaseException:
            yield from call("thread/unsubscribe", {"threadId": info["thread"]["id"]}, Deadline(_UNLOAD_S))
            raise
        self.server.forget(info["thread"]["id"])
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

    def _filled(self, options: ThreadOptions) -> ThreadOptions:
        return options.over(skip_git_repo_check=self.skip_git_repo_check, trust_project=self.trust_project)

    def arrangement(self, equipment: Equipment) -> dict[str, Any]:
        """A thread's own MCP servers and choice of skills, as settings of its own."""
        # Path by path: a whole table would replace the client's.
        config: dict[str, Any] = {}
        if equipment.mcp_servers is not None:
            from .. import _mcp_servers

            own = _mcp_servers.servers_config(equipment.mcp_servers)
            _mcp_servers.refuse_twins([*self._mcp_names, *own])
            config |= {f"mcp_servers.{name}": server for name, server in own.items()}
        if equipment.skills is not None:
            chosen = self.shelf.choose(equipment.skills)
            if chosen:
                config["skills.config"] = [*self._skill_rules, *chosen]
        return config

    def equip(
        self, equipment: Equipment, source: EngineThread | None = None
    ) -> tuple[list[Tool], ApprovalHandler | None]:
        """Checked tools and handler for a new thread; what is not given is that of the thread that it comes from."""
        tools, on_approval = equipment.tools, equipment.on_approval
        if source is not None:
            if tools is None:
                self.open_handle()
                tools = self.server.tools_of(source.id)
            on_approval = on_approval or source.on_approval
        return [check_tool(tool) for tool in tools or ()], function("on_approval", on_approval, or_none=True)

    def adopt(
        self,
        info: Mapping[str, Any],
        total: TokenUsage | None,
        options: ThreadOptions,
        equipped: tuple[list[Tool], ApprovalHandler | None],
        own: Mapping[str, Any],
    ) -> EngineThread:
        """The object for a thread that the engine has started or loaded; `own` are the settings that it alone has."""
        thread = EngineThread(
            self,
            self.open_handle().open_thread(info["thread"]["id"]),
            info,
            total,
            workspace_write=options.workspace_write,
            skip_git_repo_check=bool(options.skip_git_repo_check),
            own=own,
        )
        thread.early.extend(event for event in self.observed.kept(thread.id) if isinstance(event, WarningEvent))
        tools, on_approval = equipped
        for tool in tools:
            self.register_tool(tool, thread.id)
        if on_approval is not None:
            thread.on_approval = on_approval
            self.server.start()
        return thread

    def forget(self, thread: EngineThread) -> None:
        """A thread is unloaded."""
        if self.threads.get(thread.id) is thread:
            del self.threads[thread.id]
            if not self.closed:
                self.server.forget(thread.id)
        self.observed.forget(thread.id)

    # ---- events

    def catch_up(self) -> None:
        """Reads what waits in the client's own queue, for hosts that look while no turn runs."""
        if self.handle is not None and not self.closed:
            self.dispatcher.drain()

    def heard_beside(self, event: Event) -> None:
        """Takes an event that belongs to no open thread: the client's, or a sub-agent's."""
        self.observed.note(event)
        self.heard(event)
        if not event.thread_id:
            return
        thread = self.threads.get(event.thread_id)
        if self.observed.agent(event.thread_id) is not None:
            self._forward(event)
        elif thread is None:
            self.observed.keep(event)
        elif isinstance(event, WarningEvent):
            # Of its start, before it had a queue.
            thread.early.append(event)
        if isinstance(event, ItemCompleted):
            self.spawned(event.item)

    def spawned(self, item: Item) -> None:
        """An item was completed, which may say that an agent was started."""
        for event in self.observed.spawned(item):
            if isinstance(event, SubAgentStarted):
                self.heard(event)
            self._forward(event)

    def _forward(self, event: Event) -> None:
        """Shows an event of a sub-agent's in the stream of the thread that it is of."""
        agent = self.observed.agent(event.thread_id)
        thread = self.threads.get(self.observed.root_of(event.thread_id))
        stream = thread.stream() if thread is not None else None
        if agent is not None and thread is not None and stream is not None and stream.streamed:
            thread.tell(
                SubAgentEvent(
                    thread_id=event.thread_id,
                    turn_id=event.turn_id,
                    parent_thread_id=agent.parent_thread_id,
                    event=event,
                )
            )

    def heard(self, event: Event) -> None:
        """Hands an event to the host's ``on_event``, whose failures are its own."""
        if self.on_event is not None:
            try:
                self.on_event(event)
            except Exception:
                _log.exception("on_event failed for %s", event.type)

    # ---- what the server asks

    def tell(self, thread_id: str, event: Event) -> None:
        """Puts an event into a thread's stream."""
        thread = self.threads.get(thread_id)
        if thread is not None:
            thread.tell(event)

    def knows(self, thread_id: str) -> bool:
        """Whether the host has the thread."""
        return thread_id in self.threads

    def approver(self, thread_id: str) -> ApprovalHandler | None:
        """The handler of a thread's approvals."""
        thread = self.threads.get(thread_id)
        return (thread.on_approval if thread is not None else None) or self.on_approval

    def loop_of(self, thread_id: str) -> Any:
        """The event loop for ``async`` handlers of a thread; None where the host is synchronous."""
        return None
