"""Logins that wait for a person: to the account, and to MCP servers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from ..errors import ClosedError, CodexTimeoutError
from .steps import Steps, Until

if TYPE_CHECKING:
    from ..events import LoginCompleted, McpLoginCompleted
    from .contract import ClientCore
    from .deadline import Deadline

E = TypeVar("E")


class PendingLogin(Generic[E]):
    """A login that was begun. An event of the client's own queue tells how it ended."""

    def __init__(self, client: ClientCore, told: Callable[[], E | None], to: str, then: str) -> None:
        self._client = client
        self._told = told
        #: For errors: what it is a login to, and what those can do who have waited too long.
        self._to, self._then = to, then

    @property
    def ended(self) -> E | None:
        """How it ended; None while it has not."""
        self._client.catch_up()
        return self._told()

    def wait(self, deadline: Deadline) -> Steps[E]:
        """Waits for its end."""
        while (ended := self.ended) is None:
            if self._client.closed:
                raise ClosedError(f"the client was closed before anybody had logged in{self._to}")
            if deadline.over:
                raise CodexTimeoutError(f"nobody has logged in{self._to} within {deadline.seconds:g} s; {self._then}")
            yield Until(self._told, deadline)
        return ended


def of_account(client: ClientCore, login_id: str) -> PendingLogin[LoginCompleted]:
    """A login with ChatGPT."""
    told = client.observed.login
    return PendingLogin(client, lambda: told(login_id), "", "wait() again, or cancel() it")


def of_server(client: ClientCore, name: str) -> PendingLogin[McpLoginCompleted]:
    """The last login to an MCP server."""
    told = client.observed.mcp_login
    return PendingLogin(client, lambda: told(name), f" to {name}", "wait() again, or begin another one")
