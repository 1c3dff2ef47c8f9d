"""The agent, as the protocol's library calls it."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import acp
from acp import RequestError, schema
from acp.connection import StreamDirection
from acp.helpers import update_available_commands

from .. import (
    AsyncCodex,
    AsyncThread,
    AsyncTurnStream,
    CodexError,
    LoginError,
    ThreadInfo,
    Turn,
    WorkspaceWrite,
    __version__,
)
from .._core.client_options import merged
from ..approvals import ApprovalRequest, Decision
from ..config_file import Loaded
from ..errors import LoginRequiredError, NotFoundError, TurnFailedError
from ..protocol import Model
from ..review import CurrentChanges
from . import _permissions, _updates
from ._content import mcp_servers, turn_input

__all__ = ["EditorAgent"]

#: What the agent may do, as editors offer it: name, description, sandbox, approvals.
_MODES: dict[str, tuple[str, str, Any, Any]] = {
    "read-only": ("Read only", "Reads files; asks before everything else.", "read-only", "on-request"),
    "auto": ("Agent", "Works in the folder; asks before it leaves it.", "workspace-write", "on-request"),
    "full-access": ("Full access", "Runs everything without a sandbox, and never asks.", "danger-full-access", "never"),
}
_COMMANDS = {
    "compact": "Sums up the conversation, to make room in the model's context",
    "review": "Reviews the changes that are not committed",
}
#: Sessions of a page.
_PAGE = 50


@dataclass
class _Session:
    thread: AsyncThread
    client: AsyncCodex
    mode: str
    model: str
    effort: str | None
    models: list[Model]
    stream: AsyncTurnStream[Any] | None = None
    shown: list[Any] = field(default_factory=list)


class EditorAgent:
    """An agent of the Agent Client Protocol: a session is a thread.

    Args:
        load: Gives the configuration of a folder; it is called on a thread of its own, and what it raises is told to the editor.
        options: Arguments of :class:`AsyncCodex`, over those of the configuration.
        mode: What new sessions may do: ``read-only``, ``auto`` or ``full-access``.
        model: The model of new sessions. Default: the configuration's.
    """

    def __init__(
        self,
        load: Any = None,
        options: Mapping[str, Any] | None = None,
        *,
        mode: str = "auto",
        model: str | None = None,
    ) -> None:
        self._load = load
        self._options = dict(options or {})
        self._mode = mode
        self._model = model
        self._editor: Any = None
        self._clients: dict[Path, asyncio.Task[AsyncCodex]] = {}
        self._sessions: dict[str, _Session] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def on_connect(self, conn: Any) -> None:
        """An editor is there."""
        self._editor = conn

    async def close(self) -> None:
        """Stops what runs, and ends the engines."""
        for session in self._sessions.values():
            if session.stream is not None:
                session.stream.interrupt()
        for opening in self._clients.values():
            with contextlib.suppress(Exception):
                await (await opening).close()

    # ---- the connection

    async def initialize(
        self, protocol_version: int, client_capabilities: Any = None, client_info: Any = None, **_: Any
    ) -> Any:
        """Says what the agent can."""
        return schema.InitializeResponse(
            protocol_version=min(protocol_version, acp.PROTOCOL_VERSION),
            agent_info=schema.Implementation(name="codex-cffi", title="Codex", version=__version__),
            agent_capabilities=schema.AgentCapabilities(
                load_session=True,
                prompt_capabilities=schema.PromptCapabilities(image=True, embedded_context=True),
                mcp_capabilities=schema.McpCapabilities(http=True),
                session_capabilities=schema.SessionCapabilities(
                    list=schema.SessionListCapabilities(),
                    fork=schema.SessionForkCapabilities(),
                    resume=schema.SessionResumeCapabilities(),
                    close=schema.SessionCloseCapabilities(),
                    additional_directories=schema.SessionAdditionalDirectoriesCapabilities(),
                ),
            ),
            auth_methods=[
                schema.AuthMethodAgent(id="chatgpt", name="ChatGPT", description="Log in with ChatGPT, in the browser"),
                schema.AuthMethodAgent(
                    id="api-key", name="API key", description="The variable OPENAI_API_KEY of the agent's environment"
                ),
            ],
        )

    async def authenticate(self, method_id: str, **_: Any) -> Any:
        """Logs in."""
        client = await self._client(Path.cwd())
        match method_id:
            case "api-key":
                key = os.environ.get("OPENAI_API_KEY", "").strip()
                if not key:
                    raise RequestError.auth_required(
                        {"message": "OPENAI_API_KEY is not set in the agent's environment"}
                    )
                await client.account.login_with_api_key(key)
            case "chatgpt":
                import webbrowser

                async with await client.account.login_with_chatgpt() as login:
                    await asyncio.to_thread(webbrowser.open, login.url)
                    try:
                        await login.wait()
                    except LoginError as error:
                        raise RequestError.auth_required({"message": str(error)}) from error
            case _:
                raise RequestError.invalid_params({"methodId": method_id})
        return schema.AuthenticateResponse()

    # ---- sessions

    async def new_session(
        self, cwd: str, additional_directories: Sequence[str] | None = None, mcp_servers: Any = None, **_: Any
    ) -> Any:
        """Starts a session."""
        client = await self._client(Path(cwd))
        arguments = self._arguments(cwd, additional_directories, mcp_servers)
        thread = await _told(client.start_thread(model=self._model, **arguments))
        session = await self._remember(thread, client)
        return schema.NewSessionResponse(session_id=thread.id, modes=_modes(session), config_options=_options(session))

    async def load_session(
        self, cwd: str, session_id: str, mcp_servers: Any = None, additional_directories: Any = None, **_: Any
    ) -> Any:
        """Opens a session and shows what was said and done in it."""
        session = await self._resumed(cwd, session_id, additional_directories, mcp_servers)
        record = await _told(session.thread.read())
        for turn in record.turns:
            for item in turn.items:
                for update in _updates.of_item(item):
                    await self._tell(session_id, update)
        return schema.LoadSessionResponse(modes=_modes(session), config_options=_options(session))

    async def resume_session(
        self, cwd: str, session_id: str, additional_directories: Any = None, mcp_servers: Any = None, **_: Any
    ) -> Any:
        """Opens a session that the editor still shows."""
        session = await self._resumed(cwd, session_id, additional_directories, mcp_servers)
        return schema.ResumeSessionResponse(modes=_modes(session), config_options=_options(session))

    async def fork_session(
        self, session_id: str, cwd: str, additional_directories: Any = None, mcp_servers: Any = None, **_: Any
    ) -> Any:
        """Starts a session with the conversation of another."""
        if session_id not in self._sessions:
            await self._resumed(cwd, session_id, additional_directories, mcp_servers)
        parent = self._sessions[session_id]
        thread = await _told(parent.thread.fork(working_directory=cwd))
        session = await self._remember(thread, parent.client, parent.mode)
        return schema.ForkSessionResponse(session_id=thread.id, modes=_modes(session), config_options=_options(session))

    async def list_sessions(self, cwd: str | None = None, cursor: str | None = None, **_: Any) -> Any:
        """Lists sessions, a page at a time."""
        if cursor is not None and not cursor.isdecimal():
            raise RequestError.invalid_params({"cursor": cursor})
        client = await self._client(Path(cwd or os.getcwd()))
        begin, found = int(cursor or 0), []
        async for info in client.sessions.list(working_directory=cwd, limit=begin + _PAGE + 1):
            found.append(info)
        page = found[begin : begin + _PAGE]
        return schema.ListSessionsResponse(
            sessions=[_info(info) for info in page],
            next_cursor=str(begin + _PAGE) if len(found) > begin + _PAGE else None,
        )

    async def close_session(self, session_id: str, **_: Any) -> Any:
        """Ends a session; what is kept of it stays."""
        session = self._session(session_id)
        if session.stream is not None:
            session.stream.interrupt()
        await _told(session.thread.close())
        del self._sessions[session_id]
        return schema.CloseSessionResponse()

    async def set_session_mode(self, session_id: str, mode_id: str, **_: Any) -> Any:
        """Changes what the agent may do."""
        session = self._session(session_id)
        if mode_id not in _MODES:
            raise RequestError.invalid_params({"modeId": mode_id})
        sandbox, approvals = _MODES[mode_id][2:]
        await _told(session.thread.update(sandbox_mode=sandbox, approval_mode=approvals))
        session.mode = mode_id
        return schema.SetSessionModeResponse()

    async def set_config_option(self, config_id: str, session_id: str, value: str | bool, **_: Any) -> Any:
        """Changes the model, or how much it thinks."""
        session = self._session(session_id)
        match config_id:
            case "model":
                await _told(session.thread.update(model=str(value)))
                session.model, session.effort = str(value), None
            case "effort":
                await _told(session.thread.update(reasoning_effort=str(value)))
                session.effort = str(value)
            case _:
                raise RequestError.invalid_params({"configId": config_id})
        return schema.SetSessionConfigOptionResponse(config_options=_options(session))

    # ---- turns

    async def prompt(self, session_id: str, prompt: Sequence[Any], **_: Any) -> Any:
        """Runs a turn."""
        session = self._session(session_id)
        if session.stream is not None:
            raise RequestError.invalid_request({"message": "the session is in a turn"})
        given = turn_input(prompt)
        command = str(getattr(given[0], "text", "")).strip() if len(given) == 1 else ""
        match command:
            case "/compact":
                return _ended(await _told(session.thread.compact()))
            case "/review":
                stream: AsyncTurnStream[Any] = session.thread.review_streamed(CurrentChanges())
            case _:
                stream = session.thread.run_streamed(given)
        session.stream = stream
        updates = _updates.Updates()
        try:
            async with stream:
                async for event in stream:
                    for update in updates.of(event):
                        await self._tell(session_id, update)
        except CodexError as error:
            raise _refusal(error) from error
        finally:
            session.stream = None
        return _ended(stream.turn)

    async def cancel(self, session_id: str, **_: Any) -> None:
        """Stops the turn."""
        session = self._sessions.get(session_id)
        if session is not None and session.stream is not None:
            session.stream.interrupt()

    async def ext_method(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """There are no methods besides the protocol's."""
        raise RequestError.method_not_found(method)

    async def ext_notification(self, method: str, params: dict[str, Any]) -> None:
        """Notifications besides the protocol's mean nothing here."""

    # ---- inside

    async def _client(self, folder: Path) -> AsyncCodex:
        """The client for a folder, which has its configuration."""
        if folder not in self._clients:
            self._clients[folder] = asyncio.create_task(self._open(folder))
        try:
            return await asyncio.shield(self._clients[folder])
        except (CodexError, OSError, ValueError) as error:
            del self._clients[folder]  # it may be mended by the next time
            raise _refusal(error) from error

    async def _open(self, folder: Path) -> AsyncCodex:
        loaded: Loaded | None = None if self._load is None else await asyncio.to_thread(self._load, folder)
        project = loaded.client_options() if loaded is not None else {}
        settings = merged(project.get("config", {}), self._options.get("config") or {})
        options = {**project, **self._options, "config": settings}
        options.setdefault("on_approval", self._approve)
        return AsyncCodex(**options)

    def _arguments(self, cwd: str, directories: Sequence[str] | None, servers: Any) -> dict[str, Any]:
        if not os.path.isabs(cwd) or not os.path.isdir(cwd):
            raise RequestError.invalid_params({"cwd": f"{cwd} is no folder"})
        sandbox, approvals = _MODES[self._mode][2:]
        arguments: dict[str, Any] = {
            "working_directory": cwd,
            "sandbox_mode": sandbox,
            "approval_mode": approvals,
            "skip_git_repo_check": True,
            "mcp_servers": mcp_servers(servers) or None,
        }
        if directories and sandbox == "workspace-write":
            arguments["workspace_write"] = WorkspaceWrite(writable_roots=list(directories))
        return arguments

    async def _resumed(self, cwd: str, session_id: str, directories: Any, servers: Any) -> _Session:
        if session_id in self._sessions:
            return self._sessions[session_id]
        client = await self._client(Path(cwd))
        try:
            thread = await client.resume_thread(session_id, **self._arguments(cwd, directories, servers))
        except (NotFoundError, ValueError) as error:
            raise RequestError.resource_not_found(session_id) from error
        except CodexError as error:
            raise _refusal(error) from error
        session = await self._remember(thread, client)
        self._offer_commands(session_id)
        return session

    async def _remember(self, thread: AsyncThread, client: AsyncCodex, mode: str | None = None) -> _Session:
        account = await client.account.read()
        if account.login_needed and not account.logged_in:
            await thread.close()
            raise RequestError.auth_required({"message": "there is no login"})
        models = await _told(client.models.list())
        effort = thread.settings.get("reasoningEffort")
        session = _Session(thread, client, mode or self._mode, thread.model or "", effort, models)
        self._sessions[thread.id] = session
        return session

    def _session(self, session_id: str) -> _Session:
        if session_id not in self._sessions:
            raise RequestError.resource_not_found(session_id)
        return self._sessions[session_id]

    async def _approve(self, request: ApprovalRequest) -> Decision:
        """Asks in the session of the thread, or of the thread whose sub-agent it is."""
        owner = next(
            (name for name, session in self._sessions.items() if session.stream is not None), request.thread_id
        )
        session_id = request.thread_id if request.thread_id in self._sessions else owner
        return await _permissions.decide(self._editor, session_id, request)

    def sent(self, event: Any) -> None:
        """The library has sent something. Once it is the answer that tells the editor of a session, the session's commands follow."""
        result = event.message.get("result") if event.direction == StreamDirection.OUTGOING else None
        session_id = result.get("sessionId") if isinstance(result, dict) else getattr(result, "session_id", None)
        if session_id in self._sessions:
            self._offer_commands(session_id)

    def _offer_commands(self, session_id: str) -> None:
        commands = [schema.AvailableCommand(name=name, description=about) for name, about in _COMMANDS.items()]
        task = asyncio.ensure_future(self._tell(session_id, update_available_commands(commands)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tell(self, session_id: str, update: Any) -> None:
        await self._editor.session_update(session_id=session_id, update=update)


def _info(info: ThreadInfo) -> Any:
    title, when = info.name or info.preview or None, info.updated_at.isoformat()
    return schema.SessionInfo(session_id=info.id, cwd=info.working_directory, title=title, updated_at=when)


def _modes(session: _Session) -> Any:
    offered = [
        schema.SessionMode(id=name, name=title, description=about) for name, (title, about, _, _) in _MODES.items()
    ]
    return schema.SessionModeState(current_mode_id=session.mode, available_modes=offered)


def _options(session: _Session) -> list[Any]:
    """The model, and how much it thinks."""
    models = {model.id: (model.display_name, model.description) for model in session.models}
    models.setdefault(session.model, (session.model, ""))
    offered: list[Any] = [
        schema.SessionConfigOptionSelect(
            id="model",
            name="Model",
            category="model",
            type="select",
            current_value=session.model,
            options=[
                schema.SessionConfigSelectOption(value=name, name=title, description=about or None)
                for name, (title, about) in models.items()
            ],
        )
    ]
    model = next((model for model in session.models if model.id == session.model), None)
    if model is not None and model.supported_reasoning_efforts:
        efforts = [str(effort.reasoning_effort) for effort in model.supported_reasoning_efforts]
        current = session.effort if session.effort in efforts else str(model.default_reasoning_effort)
        offered.append(
            schema.SessionConfigOptionSelect(
                id="effort",
                name="Reasoning effort",
                category="thought_level",
                type="select",
                current_value=current,
                options=[schema.SessionConfigSelectOption(value=effort, name=effort) for effort in efforts],
            )
        )
    return offered


def _ended(turn: Turn[Any]) -> Any:
    """How a turn ended.

    Raises:
        RequestError: It failed.
    """
    used = turn.usage
    usage = schema.Usage(
        total_tokens=used.total_tokens,
        input_tokens=used.input_tokens,
        output_tokens=used.output_tokens,
        thought_tokens=used.reasoning_output_tokens,
        cached_read_tokens=used.cached_input_tokens,
    )
    reason: Any = "cancelled" if turn.status == "interrupted" else "end_turn"
    if turn.status == "failed":
        error = TurnFailedError(turn)
        match error.error_class, turn.error.details if turn.error else None:
            case "refusal", _:
                reason = "refusal"
            case "incomplete", "max_output_tokens":
                reason = "max_tokens"
            case _:
                raise _refusal(error)
    return schema.PromptResponse(stop_reason=reason, usage=usage)


async def _told(steps: Any) -> Any:
    """What comes of it; an error as the protocol has it."""
    try:
        return await steps
    except (CodexError, OSError, ValueError) as error:
        raise _refusal(error) from error


def _refusal(error: Exception) -> RequestError:
    if isinstance(error, LoginRequiredError) or (
        isinstance(error, TurnFailedError) and error.http_status in (401, 403)
    ):
        return RequestError.auth_required({"message": str(error)})
    return RequestError(-32603, str(error), {"class": type(error).__name__})
