"""The engine behind a client of this package, and behind the threads, turns and logins that it makes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .. import _opening
from .._core.client_options import ClientOptions
from .._core.steps import Steps
from .._waiting.asynchronous import AsyncEngineClient
from .._waiting.blocking import BlockingEngineClient
from . import _calls
from ._config import CodexConfig, engine_options
from .errors import translated

if TYPE_CHECKING:
    from ..approvals import ApprovalHandler

T = TypeVar("T")
C = TypeVar("C", BlockingEngineClient, AsyncEngineClient)


class BaseHost(Generic[C]):
    """What :class:`Host` and :class:`AsyncHost` share.

    Attributes:
        config: How the engine is set up.
        core: The engine's client.
    """

    core: C

    def __init__(self, config: CodexConfig, on_approval: ApprovalHandler | None, trust_project: bool) -> None:
        self.config = config
        options = engine_options(config)
        with translated():
            self.core = self._client(ClientOptions(on_approval=on_approval, trust_project=trust_project, **options))
            # As the program does that the official SDK starts. "vscode" is what it calls its sessions by default; only so they are listed by default.
            self.core.engine_options |= {"client_version": config.client_version, "session_source": "vscode"}

    _client: Callable[[ClientOptions], Any]

    @property
    def directory(self) -> str | None:
        """Where threads work that are not told otherwise."""
        return self.config.cwd

    def thread(self, thread_id: str) -> _calls.LoadedThread:
        """The thread with that id."""
        with translated(self.core):
            return _calls.thread_of(self.core, thread_id)


class Host(BaseHost[BlockingEngineClient]):
    """The engine of a :class:`Codex`; it is started here."""

    _client = BlockingEngineClient

    def __init__(self, config: CodexConfig, on_approval: ApprovalHandler | None, trust_project: bool) -> None:
        super().__init__(config, on_approval, trust_project)
        with translated():
            _opening.open_client(self.core)

    def drive(self, steps: Steps[T]) -> T:
        """Does the steps."""
        with translated(self.core):
            return self.core.drive(steps)

    def close(self) -> None:
        """Ends the engine."""
        with translated():
            _opening.close_client(self.core, _CLOSE_S)


class AsyncHost(BaseHost[AsyncEngineClient]):
    """The engine of an :class:`AsyncCodex`; it starts with what is driven first."""

    @staticmethod
    def _client(options: ClientOptions) -> AsyncEngineClient:
        return AsyncEngineClient(options, _opening.open_engine)

    async def open(self) -> None:
        """Starts the engine."""
        with translated():
            await _opening.open_client_async(self.core)

    async def drive(self, steps: Steps[T]) -> T:
        """Does the steps."""
        with translated(self.core):
            return await self.core.drive(steps)

    async def close(self) -> None:
        """Ends the engine."""
        with translated():
            await _opening.close_client_async(self.core, _CLOSE_S)


#: Seconds until a closing engine is stopped hard.
_CLOSE_S = 10.0
