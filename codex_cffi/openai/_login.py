"""Logins under way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .._core import logins
from .._core.deadline import Deadline
from .._core.steps import Steps
from . import _calls
from .errors import CodexError

if TYPE_CHECKING:
    from .._core.contract import ClientCore
    from ._host import AsyncHost, Host
    from ._models import AccountLoginCompletedNotification, CancelLoginAccountResponse


def start_login(kind: str, *fields: str) -> Steps[list[str]]:
    """Starts a login of a kind; returns what the engine says in these fields."""
    answer = yield from _calls.plain("account/login/start", {"type": kind})
    try:
        return [answer[name] for name in fields]
    except (KeyError, TypeError):
        raise CodexError(f"the engine's answer to a login of the kind {kind} has no {', '.join(fields)}") from None


def wait_for_login(
    client: ClientCore, login_id: str, timeout: float | None
) -> Steps[AccountLoginCompletedNotification]:
    """Waits until somebody has completed a login, or ended it."""
    from ._models import AccountLoginCompletedNotification

    ended = yield from logins.of_account(client, login_id).wait(Deadline(timeout))
    return AccountLoginCompletedNotification(error=ended.error, login_id=ended.login_id, success=ended.success)


def cancel_login(login_id: str) -> Steps[CancelLoginAccountResponse]:
    """Ends a login that nobody has completed."""
    from ._models import CancelLoginAccountResponse

    return _calls.request("account/login/cancel", {"loginId": login_id}, CancelLoginAccountResponse)


@dataclass(slots=True)
class ChatgptLoginHandle:
    """A login in the browser, made by :meth:`Codex.login_chatgpt`.

    Attributes:
        login_id: Its id.
        auth_url: The page where the user logs in.
    """

    _host: Host = field(repr=False)
    login_id: str
    auth_url: str

    def wait(self, *, timeout: float | None = None) -> AccountLoginCompletedNotification:
        """Waits for its end, so many seconds; None waits as long as it takes.

        Raises:
            CodexTimeoutError: The time was up. The login goes on; wait again, or cancel it.
        """
        return self._host.drive(wait_for_login(self._host.core, self.login_id, timeout))

    def cancel(self) -> CancelLoginAccountResponse:
        """Ends it; it then completes without success."""
        return self._host.drive(cancel_login(self.login_id))


@dataclass(slots=True)
class DeviceCodeLoginHandle:
    """A login with a code on another device, made by :meth:`Codex.login_chatgpt_device_code`.

    Attributes:
        login_id: Its id.
        verification_url: The page where the user enters the code.
        user_code: The code.
    """

    _host: Host = field(repr=False)
    login_id: str
    verification_url: str
    user_code: str

    def wait(self, *, timeout: float | None = None) -> AccountLoginCompletedNotification:
        """Waits for its end; see :meth:`ChatgptLoginHandle.wait`."""
        return self._host.drive(wait_for_login(self._host.core, self.login_id, timeout))

    def cancel(self) -> CancelLoginAccountResponse:
        """Ends it; it then completes without success."""
        return self._host.drive(cancel_login(self.login_id))


@dataclass(slots=True)
class AsyncChatgptLoginHandle:
    """A login in the browser, made by :meth:`AsyncCodex.login_chatgpt`; the twin of :class:`ChatgptLoginHandle`.

    Attributes:
        login_id: Its id.
        auth_url: The page where the user logs in.
    """

    _host: AsyncHost = field(repr=False)
    login_id: str
    auth_url: str

    async def wait(self, *, timeout: float | None = None) -> AccountLoginCompletedNotification:
        """Waits for its end; see :meth:`ChatgptLoginHandle.wait`."""
        return await self._host.drive(wait_for_login(self._host.core, self.login_id, timeout))

    async def cancel(self) -> CancelLoginAccountResponse:
        """Ends it; it then completes without success."""
        return await self._host.drive(cancel_login(self.login_id))


@dataclass(slots=True)
class AsyncDeviceCodeLoginHandle:
    """A login with a code on another device, made by :meth:`AsyncCodex.login_chatgpt_device_code`; the twin of :class:`DeviceCodeLoginHandle`.

    Attributes:
        login_id: Its id.
        verification_url: The page where the user enters the code.
        user_code: The code.
    """

    _host: AsyncHost = field(repr=False)
    login_id: str
    verification_url: str
    user_code: str

    async def wait(self, *, timeout: float | None = None) -> AccountLoginCompletedNotification:
        """Waits for its end; see :meth:`ChatgptLoginHandle.wait`."""
        return await self._host.drive(wait_for_login(self._host.core, self.login_id, timeout))

    async def cancel(self) -> CancelLoginAccountResponse:
        """Ends it; it then completes without success."""
        return await self._host.drive(cancel_login(self.login_id))
