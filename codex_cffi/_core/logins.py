"""Logins that wait for a person: to the account, and to MCP servers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from .._steps import Steps, Until
from ..errors import ClosedError, CodexTimeoutError

if TYPE_CHECKING:
    from .._deadline import Deadline
    from ..events import LoginCompleted, McpLoginCompleted
    from .contract import ClientCore

E = TypeVar("E")


class PendingLogin(Generic[E]):
    """A login that was begun. An event of the client's own queue tells how it ended."""

    def __init__(self, client: ClientCore, told: Callable[[], E | None], what: str, then: str) -> None:
        self._client = client
        self._told = told
        #: For the error of those who wait too long: what they waited for, and what they can do.
        self._what, self._then = what, then

    @property
    def ended(self) -> E | None:
        """How it ended; None while it has not."""
        self._client.catch_up()
        return self._told()

    def wait(self, deadline: Deadline) -> Steps[E]:
        """Waits for its end."""
        while (ended := self.ended) is None:
            if self._client.closed:
                raise ClosedError(f"the client was closed before {self._what} had ended")
            if deadline.over:
                raise CodexTimeoutError(f"nobody finished {self._what} within {deadline.seconds:g} s; {self._then}")
            yield Until(self._told, deadline)
        return ended


def of_account(client: ClientCore, login_id: str) -> PendingLogin[LoginCompleted]:
    """A login with ChatGPT."""
    told = client.observed.login
    return PendingLogin(client, lambda: told(login_id), "the login", "wait() again, or cancel() it")


def of_server(client: ClientCore, name: str) -> PendingLogin[McpLoginCompleted]:
    """The last login to an MCP server."""
    told = client.observed.mcp_login
    return PendingLogin(client, lambda: told(name), f"the login to {name}", "wait() again, or begin another one")
