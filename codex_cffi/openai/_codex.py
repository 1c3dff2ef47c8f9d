"""The clients."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from .. import _capi
from .._checks import credential
from .._core.steps import Steps
from . import _calls
from ._base import to_wire
from ._config import ApprovalMode, CodexConfig, Sandbox
from ._host import AsyncHost, Host
from ._login import (
    AsyncChatgptLoginHandle,
    AsyncDeviceCodeLoginHandle,
    ChatgptLoginHandle,
    DeviceCodeLoginHandle,
    start_login,
)
from ._threads import AsyncThread, Thread

if TYPE_CHECKING:
    from ..approvals import ApprovalHandler
    from ._models import (
        GetAccountResponse,
        InitializeResponse,
        ModelListResponse,
        Personality,
        SortDirection,
        ThreadArchiveResponse,
        ThreadListCwdFilter,
        ThreadListResponse,
        ThreadSortKey,
        ThreadSource,
        ThreadSourceKind,
        ThreadStartSource,
    )
    from .models import JsonObject

T = TypeVar("T")


def _metadata(config: CodexConfig) -> InitializeResponse:
    """What the program tells of itself when a connection to it begins."""
    from ._models import InitializeResponse, ServerInfo

    version = _capi.build_info["engine"]
    return InitializeResponse(
        serverInfo=ServerInfo(name=config.client_name, version=version),
        userAgent=f"{config.client_name}/{version} (codex_cffi {_capi.build_info['version']})",
        platformFamily="windows" if sys.platform == "win32" else "unix",
        platformOs={"darwin": "macos", "win32": "windows"}.get(sys.platform, sys.platform),
    )


def _list(options: Mapping[str, Any]) -> Steps[ThreadListResponse]:
    from ._models import ThreadListResponse

    params = {_calls.camel(name): to_wire(value) for name, value in options.items() if value is not None}
    return _calls.request("thread/list", params, ThreadListResponse)


def _archive(thread_id: str) -> Steps[ThreadArchiveResponse]:
    from ._models import ThreadArchiveResponse

    return _calls.request("thread/archive", {"threadId": thread_id}, ThreadArchiveResponse)


def _unarchive(thread_id: str) -> Steps[Any]:
    return _calls.plain("thread/unarchive", {"threadId": thread_id})


def _models(include_hidden: bool) -> Steps[ModelListResponse]:
    from ._models import ModelListResponse

    return _calls.request("model/list", {"includeHidden": include_hidden}, ModelListResponse)


def _login_api_key(api_key: str) -> Steps[Any]:
    return _calls.plain("account/login/start", {"type": "apiKey", "apiKey": credential("api_key", api_key)})


def _account(refresh_token: bool) -> Steps[GetAccountResponse]:
    from ._models import GetAccountResponse

    return _calls.request("account/read", {"refreshToken": refresh_token}, GetAccountResponse)


def _logout() -> Steps[Any]:
    return _calls.plain("account/logout", None)


class Codex:
    """OpenAI Codex, with the interface of the official SDK, in this process.

    Args:
        config: How the engine is set up.
        on_approval: Decides what the agent asks for, as with :class:`codex_cffi.Codex`, also in place of the reviewing agent of
            ``ApprovalMode.auto_review``; the official SDK has no such thing. Default: what no agent reviews is denied.
        trust_project: What repositories configure for the agent counts, as with :class:`codex_cffi.Codex`. The official SDK trusts a repository, for good, as
            soon as a thread may write there.

    Close it, best with ``with``::

        with Codex() as codex:
            print(codex.thread_start().run("What does this repository do?").final_response)

    Raises:
        CodexError: The engine does not start.
        ValueError: The configuration asks for what an engine in this process cannot do.
    """

    def __init__(
        self,
        config: CodexConfig | None = None,
        *,
        on_approval: ApprovalHandler | None = None,
        trust_project: bool = False,
    ) -> None:
        self._host = Host(config or CodexConfig(), on_approval, trust_project)

    def __enter__(self) -> Codex:
        return self

    def __exit__(self, _exc_type: object, _exc: object, _tb: object) -> None:
        self.close()

    @property
    def metadata(self) -> InitializeResponse:
        """What engine this is."""
        return _metadata(self._host.config)

    def close(self) -> None:
        """Stops the running turns and ends the engine. Again: nothing."""
        self._host.close()

    def login_api_key(self, api_key: str) -> None:
        """Logs in with an API key, which is kept in ``auth.json`` of the codex home."""
        self._host.drive(_login_api_key(api_key))

    def login_chatgpt(self) -> ChatgptLoginHandle:
        """Starts a login in the browser."""
        login_id, auth_url = self._host.drive(start_login("chatgpt", "loginId", "authUrl"))
        return ChatgptLoginHandle(self._host, login_id, auth_url)

    def login_chatgpt_device_code(self) -> DeviceCodeLoginHandle:
        """Starts a login with a code on another device."""
        fields = self._host.drive(start_login("chatgptDeviceCode", "loginId", "verificationUrl", "userCode"))
        return DeviceCodeLoginHandle(self._host, *fields)

    def account(self, *, refresh_token: bool = False) -> GetAccountResponse:
        """Who is logged in; refreshes the token first if asked for."""
        return self._host.drive(_account(refresh_token))

    def logout(self) -> None:
        """Logs out, and removes what was kept of the login."""
        self._host.drive(_logout())

    def thread_start(
        self,
        *,
        approval_mode: ApprovalMode = ApprovalMode.auto_review,
        base_instructions: str | None = None,
        config: JsonObject | None = None,
        cwd: str | None = None,
        developer_instructions: str | None = None,
        ephemeral: bool | None = None,
        model: str | None = None,
        model_provider: str | None = None,
        personality: Personality | None = None,
        sandbox: Sandbox | None = None,
        service_name: str | None = None,
        service_tier: str | None = None,
        session_start_source: ThreadStartSource | None = None,
        thread_source: ThreadSource | None = None,
    ) -> Thread:
        """Starts a conversation.

        Args:
            approval_mode: Who decides when a command wants to leave the sandbox: nobody, it is denied; or a reviewing agent.
            base_instructions: Instead of the engine's own instructions to the model.
            config: Settings of this thread alone, with the keys of ``config.toml``.
            cwd: Where commands run. Default: the configuration's, see :class:`CodexConfig`.
            developer_instructions: Further instructions to the model.
            ephemeral: Nothing is written to disk; the thread cannot be resumed.
            model: The model.
            model_provider: Id of the model provider.
            personality: How the agent talks.
            sandbox: What commands may touch.
            service_name: What measurements call the thread.
            service_tier: The model provider's service tier.
            session_start_source: How it came to be, for hooks.
            thread_source: What started it.
        """
        options = {name: value for name, value in locals().items() if name not in ("self",)}
        loaded = self._host.drive(
            _calls.open_thread(
                self._host.core, "thread/start", _calls.settings(self._host.core, options, self._host.directory)
            )
        )
        return Thread(self._host, loaded.id)

    def thread_list(
        self,
        *,
        archived: bool | None = None,
        cursor: str | None = None,
        cwd: ThreadListCwdFilter | None = None,
        limit: int | None = None,
        model_providers: list[str] | None = None,
        search_term: str | None = None,
        section_id: str | None = None,
        sort_direction: SortDirection | None = None,
        sort_key: ThreadSortKey | None = None,
        source_kinds: list[ThreadSourceKind] | None = None,
        use_state_db_only: bool | None = None,
    ) -> ThreadListResponse:
        """A page of the stored conversations.

        Args:
            archived: Of the archived ones instead.
            cursor: ``next_cursor`` of the page before.
            cwd: Only those of a directory, or of several.
            limit: How many at most.
            model_providers: Only those of these providers; an empty list is all of them.
            search_term: Only those whose title has this text.
            section_id: Not possible with this engine.
            sort_direction: Which way.
            sort_key: By what.
            source_kinds: Only those that were started by these.
            use_state_db_only: Only what the database knows; faster.
        """
        options = {name: value for name, value in locals().items() if name not in ("self",)}
        return self._host.drive(_list(options))

    def thread_resume(
        self,
        thread_id: str,
        *,
        approval_mode: ApprovalMode | None = None,
        base_instructions: str | None = None,
        config: JsonObject | None = None,
        cwd: str | None = None,
        developer_instructions: str | None = None,
        include_turns: bool | None = None,
        model: str | None = None,
        model_provider: str | None = None,
        personality: Personality | None = None,
        sandbox: Sandbox | None = None,
        service_tier: str | None = None,
    ) -> Thread:
        """Goes on with a stored conversation. Without `approval_mode` it has the policy that it was started with, and **whatever nobody approves is
        denied**; the official SDK accepts it. The arguments are those of :meth:`thread_start`.

        Args:
            include_turns: The engine reads the turns too. They are nowhere to be seen here; :meth:`Thread.read` has them.
        """
        options = {name: value for name, value in locals().items() if name not in ("self", "thread_id")}
        params = {"threadId": thread_id, **_calls.settings(self._host.core, options, None)}
        loaded = self._host.drive(_calls.open_thread(self._host.core, "thread/resume", params))
        return Thread(self._host, loaded.id)

    def thread_fork(
        self,
        thread_id: str,
        *,
        approval_mode: ApprovalMode | None = None,
        base_instructions: str | None = None,
        config: JsonObject | None = None,
        cwd: str | None = None,
        developer_instructions: str | None = None,
        ephemeral: bool | None = None,
        include_turns: bool | None = None,
        model: str | None = None,
        model_provider: str | None = None,
        sandbox: Sandbox | None = None,
        service_tier: str | None = None,
        thread_source: ThreadSource | None = None,
    ) -> Thread:
        """Starts a conversation that begins as another one did, which stays as it is. The arguments are those of :meth:`thread_resume`, and what is said of
        approvals there holds here."""
        options = {name: value for name, value in locals().items() if name not in ("self", "thread_id")}
        params = {"threadId": thread_id, **_calls.settings(self._host.core, options, None)}
        loaded = self._host.drive(_calls.open_thread(self._host.core, "thread/fork", params))
        return Thread(self._host, loaded.id)

    def thread_archive(self, thread_id: str) -> ThreadArchiveResponse:
        """Puts a conversation into the archive."""
        return self._host.drive(_archive(thread_id))

    def thread_unarchive(self, thread_id: str) -> Thread:
        """Takes a conversation out of the archive. :meth:`thread_resume` loads it."""
        self._host.drive(_unarchive(thread_id))
        return Thread(self._host, thread_id)

    def models(self, *, include_hidden: bool = False) -> ModelListResponse:
        """The models that there are, hidden ones too if asked for."""
        return self._host.drive(_models(include_hidden))


class AsyncCodex:
    """OpenAI Codex, with the interface of the official SDK, in this process, for asyncio and trio. The twin of :class:`Codex`.

    The engine starts with ``async with``, or without one with the first thing awaited. Waiting takes no threads.
    """

    def __init__(
        self,
        config: CodexConfig | None = None,
        *,
        on_approval: ApprovalHandler | None = None,
        trust_project: bool = False,
    ) -> None:
        self._host = AsyncHost(config or CodexConfig(), on_approval, trust_project)

    async def __aenter__(self) -> AsyncCodex:
        await self._host.open()
        return self

    async def __aexit__(self, _exc_type: object, _exc: object, _tb: object) -> None:
        await self.close()

    @property
    def metadata(self) -> InitializeResponse:
        """What engine this is.

        Raises:
            RuntimeError: It does not run yet.
        """
        if self._host.core.handle is None:
            raise RuntimeError(
                "AsyncCodex has not started yet; use `async with AsyncCodex()`, or await something first"
            )
        return _metadata(self._host.config)

    async def close(self) -> None:
        """Stops the running turns and ends the engine. Again: nothing."""
        await self._host.close()

    async def login_api_key(self, api_key: str) -> None:
        """Logs in with an API key, which is kept in ``auth.json`` of the codex home."""
        await self._host.drive(_login_api_key(api_key))

    async def login_chatgpt(self) -> AsyncChatgptLoginHandle:
        """Starts a login in the browser."""
        login_id, auth_url = await self._host.drive(start_login("chatgpt", "loginId", "authUrl"))
        return AsyncChatgptLoginHandle(self._host, login_id, auth_url)

    async def login_chatgpt_device_code(self) -> AsyncDeviceCodeLoginHandle:
        """Starts a login with a code on another device."""
        fields = await self._host.drive(start_login("chatgptDeviceCode", "loginId", "verificationUrl", "userCode"))
        return AsyncDeviceCodeLoginHandle(self._host, *fields)

    async def account(self, *, refresh_token: bool = False) -> GetAccountResponse:
        """Who is logged in; refreshes the token first if asked for."""
        return await self._host.drive(_account(refresh_token))

    async def logout(self) -> None:
        """Logs out, and removes what was kept of the login."""
        await self._host.drive(_logout())

    async def thread_start(
        self,
        *,
        approval_mode: ApprovalMode = ApprovalMode.auto_review,
        base_instructions: str | None = None,
        config: JsonObject | None = None,
        cwd: str | None = None,
        developer_instructions: str | None = None,
        ephemeral: bool | None = None,
        model: str | None = None,
        model_provider: str | None = None,
        personality: Personality | None = None,
        sandbox: Sandbox | None = None,
        service_name: str | None = None,
        service_tier: str | None = None,
        session_start_source: ThreadStartSource | None = None,
        thread_source: ThreadSource | None = None,
    ) -> AsyncThread:
        """Starts a conversation; see :meth:`Codex.thread_start`."""
        options = {name: value for name, value in locals().items() if name not in ("self",)}
        loaded = await self._host.drive(
            _calls.open_thread(
                self._host.core, "thread/start", _calls.settings(self._host.core, options, self._host.directory)
            )
        )
        return AsyncThread(self._host, loaded.id)

    async def thread_list(
        self,
        *,
        archived: bool | None = None,
        cursor: str | None = None,
        cwd: ThreadListCwdFilter | None = None,
        limit: int | None = None,
        model_providers: list[str] | None = None,
        search_term: str | None = None,
        section_id: str | None = None,
        sort_direction: SortDirection | None = None,
        sort_key: ThreadSortKey | None = None,
        source_kinds: list[ThreadSourceKind] | None = None,
        use_state_db_only: bool | None = None,
    ) -> ThreadListResponse:
        """A page of the stored conversations; see :meth:`Codex.thread_list`."""
        options = {name: value for name, value in locals().items() if name not in ("self",)}
        return await self._host.drive(_list(options))

    async def thread_resume(
        self,
        thread_id: str,
        *,
        approval_mode: ApprovalMode | None = None,
        base_instructions: str | None = None,
        config: JsonObject | None = None,
        cwd: str | None = None,
        developer_instructions: str | None = None,
        include_turns: bool | None = None,
        model: str | None = None,
        model_provider: str | None = None,
        personality: Personality | None = None,
        sandbox: Sandbox | None = None,
        service_tier: str | None = None,
    ) -> AsyncThread:
        """Goes on with a stored conversation; see :meth:`Codex.thread_resume`."""
        options = {name: value for name, value in locals().items() if name not in ("self", "thread_id")}
        params = {"threadId": thread_id, **_calls.settings(self._host.core, options, None)}
        loaded = await self._host.drive(_calls.open_thread(self._host.core, "thread/resume", params))
        return AsyncThread(self._host, loaded.id)

    async def thread_fork(
        self,
        thread_id: str,
        *,
        approval_mode: ApprovalMode | None = None,
        base_instructions: str | None = None,
        config: JsonObject | None = None,
        cwd: str | None = None,
        developer_instructions: str | None = None,
        ephemeral: bool | None = None,
        include_turns: bool | None = None,
        model: str | None = None,
        model_provider: str | None = None,
        sandbox: Sandbox | None = None,
        service_tier: str | None = None,
        thread_source: ThreadSource | None = None,
    ) -> AsyncThread:
        """Starts a conversation that begins as another one did; see :meth:`Codex.thread_fork`."""
        options = {name: value for name, value in locals().items() if name not in ("self", "thread_id")}
        params = {"threadId": thread_id, **_calls.settings(self._host.core, options, None)}
        loaded = await self._host.drive(_calls.open_thread(self._host.core, "thread/fork", params))
        return AsyncThread(self._host, loaded.id)

    async def thread_archive(self, thread_id: str) -> ThreadArchiveResponse:
        """Puts a conversation into the archive."""
        return await self._host.drive(_archive(thread_id))

    async def thread_unarchive(self, thread_id: str) -> AsyncThread:
        """Takes a conversation out of the archive. :meth:`thread_resume` loads it."""
        await self._host.drive(_unarchive(thread_id))
        return AsyncThread(self._host, thread_id)

    async def models(self, *, include_hidden: bool = False) -> ModelListResponse:
        """The models that there are, hidden ones too if asked for."""
        return await self._host.drive(_models(include_hidden))
