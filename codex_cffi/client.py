"""The engine as an object: start it, make threads, close it."""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import threading
import weakref
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from . import _capi
from ._capi import CallHandle, ClientHandle
from ._deadline import Deadline
from ._keywords import names_keywords
from ._requests import RequestServer
from .errors import ClosedError, CodexTimeoutError
from .events import TokenUsage, decode_batch
from .options import ApprovalMode, SandboxMode, WorkspaceWrite, check_working_directory, choice
from .thread import Thread
from .tools import Tool

__all__ = ["Codex"]

_log = logging.getLogger("codex_cffi")
_decode = msgspec.json.Decoder(Any).decode

#: Id of the model provider that `base_url` makes.
_PROVIDER = "codex_cffi"
#: Seconds that a client which was not closed gets at interpreter exit.
_EXIT_GRACE = 3.0


class Codex:
    """OpenAI Codex's engine in this process.

    Args:
        api_key: Key for the model provider, kept in memory only. Default: ``OPENAI_API_KEY`` where the provider is OpenAI's (or `base_url`),
            else what ``auth.json`` in the codex home holds.
        base_url: Another endpoint that speaks the Responses API, for example ``http://127.0.0.1:8000/v1``.
        codex_home: Folder of sessions, ``config.toml`` and ``auth.json``. Default: ``$CODEX_HOME``, else ``~/.codex``.
        skip_git_repo_check: Threads may work outside of git repositories.
        config: Settings over those of ``config.toml``, with the same keys, for example ``{"model_reasoning_effort": "high"}``.
        isolated: ``config.toml``, managed configuration and execution policy files are not read.
        tools: Python functions that the agent may call, on all threads.
        max_workers: Tool handlers that run at the same time.
        client_name: What the model provider is told as the client's name.
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
        config: Mapping[str, Any] | None = None,
        isolated: bool = False,
        tools: Iterable[Tool] = (),
        max_workers: int = 8,
        client_name: str = "codex_cffi",
        timeout: float | None = 10.0,
    ) -> None:
        self._handle: ClientHandle  # absent while the arguments are being checked
        if config is not None and not isinstance(config, Mapping):
            raise TypeError(f"config must be a mapping, not {type(config).__name__}")
        if max_workers < 1:
            raise ValueError(f"max_workers must be at least 1, not {max_workers}")
        tools = list(tools)
        settings: dict[str, Any] = dict(config or {})
        if base_url is not None:
            _use_base_url(settings, base_url)
        options: dict[str, Any] = {
            "helper": str(_capi.helper_path()),
            "config": settings,
            "isolated": isolated,
            "client_name": client_name,
            "client_version": _capi.build_info["version"],
            "openai_api_key_env": True,
        }
        if codex_home is not None:
            options["codex_home"] = os.path.abspath(os.path.expanduser(os.fspath(codex_home)))
        if api_key is not None:
            options["api_key"] = api_key
        self._skip_git_repo_check = skip_git_repo_check
        self._timeout = timeout
        self._lock = threading.Lock()
        self._closed = False
        self._handle = ClientHandle.open(options)
        self._requests = RequestServer(self._handle, max_workers)
        _open_clients.add(self)
        try:
            for tool in tools:
                self.register_tool(tool)
        except BaseException:
            self.close()
            raise

    def __repr__(self) -> str:
        return f"<Codex {'closed' if self._closed else 'open'}>"

    def __enter__(self) -> Codex:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close(timeout=self._timeout)

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._closed

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
        full_auto: bool | None = None,
        ephemeral: bool = False,
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
            full_auto: Deprecated; the same as ``sandbox_mode="workspace-write", approval_mode="on-request"``.
            ephemeral: Nothing is written to disk; the thread cannot be resumed.
            timeout: Seconds to wait for the engine.

        Raises:
            WorkingDirectoryNotFound, WorkingDirectoryNotADirectory, WorkingDirectoryNotTrusted: The directory cannot be used.
            SandboxUnavailableError: Commands could not be confined here.
            EngineError: The engine refuses, for example an unknown model provider.
        """
        deadline = Deadline(timeout)
        if full_auto is not None:
            import warnings

            warnings.warn(
                "full_auto is deprecated; use sandbox_mode='workspace-write' and approval_mode='on-request'",
                DeprecationWarning,
                stacklevel=2,
            )
            if full_auto:
                sandbox_mode, approval_mode = sandbox_mode or "workspace-write", approval_mode or "on-request"
        if workspace_write is not None:
            if not isinstance(workspace_write, WorkspaceWrite):
                raise TypeError(f"workspace_write must be a WorkspaceWrite, not {type(workspace_write).__name__}")
            if sandbox_mode not in (None, "workspace-write"):
                raise ValueError(f"workspace_write does not go with sandbox_mode={sandbox_mode!r}")
            sandbox_mode = "workspace-write"
        skip = self._skip_git_repo_check if skip_git_repo_check is None else skip_git_repo_check
        params: dict[str, Any] = {"cwd": check_working_directory(working_directory, skip_git_repo_check=skip)}
        if sandbox_mode is not None:
            params["sandbox"] = choice("sandbox_mode", sandbox_mode, SandboxMode)
        if approval_mode is not None:
            mode = choice("approval_mode", approval_mode, ApprovalMode)
            params["approvalPolicy"] = "on-request" if mode == "on-failure" else mode
        if model is not None:
            params["model"] = model
        if ephemeral:
            params["ephemeral"] = True
        if workspace_write is not None:
            params["config"] = {"sandbox_workspace_write": workspace_write.to_config()}
        info = self._call("thread/start", params, deadline)
        return Thread(self, self._handle.open_thread(info["thread"]["id"]), info, TokenUsage())

    def register_tool(self, tool: Tool) -> None:
        """Offers a tool to the model from its next request on, on all threads.

        Raises:
            AlreadyExistsError: A tool of that name is registered.
            InvalidArgumentError: The name is not what the model API demands.
            InvalidJsonError: The parameters are not a usable schema.
        """
        if not isinstance(tool, Tool):
            raise TypeError(f"tool must be a Tool, not {type(tool).__name__}")
        self._requests.register(tool)

    def unregister_tool(self, name: str) -> None:
        """Takes a tool back.

        Raises:
            NotFoundError: No such tool.
        """
        self._requests.unregister(name)

    def request(self, method: str, params: Any = None, *, timeout: float | None = 60.0) -> Any:
        """Calls any method of the engine's app-server protocol and returns its result.

        Raises:
            UnknownMethodError: There is no such method.
            InvalidJsonError: The parameters do not fit the method.
            EngineError: The engine refuses.
            CodexTimeoutError: No answer in time; what was asked for may still happen.

        Example:
            >>> codex.request("model/list", {})["data"][0]["id"]  # doctest: +SKIP
        """
        return self._call(method, params, Deadline(timeout))

    def close(self, *, timeout: float | None = 10.0) -> None:
        """Interrupts the running turns, lets the engine write its files, and ends it. Again: nothing.

        Args:
            timeout: Seconds until the engine is stopped hard.
        """
        with self._lock:
            if self._closed:
                return
            self._closed = True
        Deadline(timeout)  # checks the argument
        _open_clients.discard(self)
        if not self._handle.close(_capi.milliseconds(timeout)):
            _log.warning("the engine did not stop within %s s; it was stopped hard", timeout)
        self._handle.free()

    def __del__(self) -> None:
        handle = getattr(self, "_handle", None)
        if handle is not None and not self._closed:
            # Closes in the background; a finalizer must not wait.
            handle.free()

    def _call(self, method: str, params: Any, deadline: Deadline) -> Any:
        return self._finish(self._handle.start_call(method, params), method, deadline)

    def _finish(self, call: CallHandle, method: str, deadline: Deadline) -> Any:
        try:
            while True:
                result = call.wait(deadline.slice_ms())
                if result is not None:
                    return _decode(result)
                if deadline.over:
                    raise CodexTimeoutError(f"the engine did not answer {method} within {deadline.seconds:g} s")
        finally:
            call.free()

    def _drain(self) -> None:
        """Takes what is in the client's own queue, so that it does not grow while nobody asks for it."""
        with contextlib.suppress(ClosedError):
            while True:
                batch = self._handle.poll(256, 0)
                if batch is None:
                    return
                for envelope in decode_batch(batch):
                    _log.debug("engine: %s", envelope.method)


def _use_base_url(settings: dict[str, Any], base_url: str) -> None:
    if not base_url.startswith(("http://", "https://")):
        raise ValueError(f"base_url must start with http:// or https://, not {base_url!r}")
    if "model_provider" in settings:
        raise ValueError("base_url and config['model_provider'] exclude each other")
    settings["model_provider"] = _PROVIDER
    provider = {"name": base_url, "base_url": base_url, "wire_api": "responses", "requires_openai_auth": True}
    settings["model_providers"] = {**settings.get("model_providers", {}), _PROVIDER: provider}


_open_clients: weakref.WeakSet[Codex] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    for client in list(_open_clients):
        with contextlib.suppress(Exception):
            client.close(timeout=_EXIT_GRACE)


def _forget_all() -> None:
    # In a forked child the parent's engines do not exist; freeing their handles does nothing there.
    _open_clients.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
