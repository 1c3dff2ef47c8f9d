"""Who the client is to the model provider: keys, logins, and the account behind them.

For example, by a code that is entered in any browser::

    if not codex.account.read().logged_in:
        with codex.account.login_with_device_code() as login:
            print(f"Open {login.url} and enter {login.user_code}")
            login.wait(timeout=900)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from ._checks import credential
from ._core import logins
from ._core.contract import AsyncClient, BlockingClient, ClientCore
from ._core.deadline import Deadline
from ._core.steps import Steps, call
from ._engine_texts import LOGIN_DISABLED, LOGIN_NEEDED, says
from ._keywords import names_keywords
from .errors import EngineError, LoginError, LoginRequiredError

if TYPE_CHECKING:
    from .rate_limits import RateLimitProjection, RateLimits

C = TypeVar("C", bound=ClientCore)

__all__ = ["Account", "AsyncClientAccount", "AsyncLogin", "ClientAccount", "Login"]


@dataclass(frozen=True)
class Account:
    """The account that the client uses.

    Attributes:
        kind: ``apiKey``, ``chatgpt``, ``amazonBedrock`` or another of the engine's; None without a login.
        email: Of a ChatGPT account, if it is known.
        plan_type: ChatGPT's plan, such as ``plus`` or ``enterprise``.
        login_needed: Whether the model provider asks for a login of OpenAI's at all.
    """

    kind: Literal["apiKey", "chatgpt", "amazonBedrock"] | str | None
    email: str | None = None
    plan_type: str | None = None
    login_needed: bool = True

    @property
    def logged_in(self) -> bool:
        """Whether there is a login, or none is needed."""
        return self.kind is not None or not self.login_needed

    def __str__(self) -> str:
        match self.kind:
            case None:
                return "not logged in" if self.login_needed else "no login needed"
            case "apiKey":
                return "an API key"
            case "chatgpt":
                return f"ChatGPT{f' ({self.plan_type})' if self.plan_type else ''}{f', {self.email}' if self.email else ''}"
        return str(self.kind)


class _BaseClientAccount(Generic[C]):
    """What :class:`ClientAccount` and :class:`AsyncClientAccount` share."""

    def __init__(self, client: C) -> None:
        self._client = client

    @property
    def rate_limits(self) -> dict[str, RateLimits]:
        """What the model provider told last of each of the account's limits, by the limit's id; empty if it told nothing."""
        self._client.catch_up()
        return self._client.observed.rate_limits.latest()

    def project_rate_limits(self) -> list[RateLimitProjection]:
        """When each window runs out at the pace seen while the client was open, and how sure that is."""
        self._client.catch_up()
        return self._client.observed.rate_limits.project()


class ClientAccount(_BaseClientAccount[BlockingClient]):
    """Who the client is to the model provider: ``codex.account``."""

    @names_keywords
    def read(self, *, refresh: bool = False, timeout: float | None = 30.0) -> Account:
        """Who the client is to the model provider.

        Args:
            refresh: Renew the tokens of a ChatGPT login first.
            timeout: Seconds to wait.
        """
        return self._client.drive(_read(refresh, Deadline(timeout)))

    @names_keywords
    def login_with_api_key(self, api_key: str, *, timeout: float | None = 30.0) -> Account:
        """Keeps an API key in the codex home (``auth.json``), for this client and all later ones. A key for this client alone is ``Codex(api_key=...)``."""
        return self._client.drive(_log_in_with_key(api_key, Deadline(timeout)))

    @names_keywords
    def login_with_chatgpt(self, *, timeout: float | None = 30.0) -> Login:
        """Begins a login with ChatGPT in a browser on this machine, which the person must be at.

        Returns:
            What has the URL to open, and waits for the end.

        Raises:
            LoginError: The login could not begin; the message says why.
        """
        return Login(self._client, **self._client.drive(_start_login("chatgpt", Deadline(timeout))))

    @names_keywords
    def login_with_device_code(self, *, timeout: float | None = 30.0) -> Login:
        """Begins a login with ChatGPT in a browser anywhere, where the person enters a code.

        Returns:
            What has the URL to open and the code to enter, and waits for the end.

        Raises:
            LoginError: The login could not begin; the message says why.
        """
        return Login(self._client, **self._client.drive(_start_login("chatgptDeviceCode", Deadline(timeout))))

    @names_keywords
    def logout(self, *, timeout: float | None = 30.0) -> None:
        """Forgets the login that the codex home holds. A key of ``Codex(api_key=...)`` stays."""
        self._client.drive(_log_out(Deadline(timeout)))

    @names_keywords
    def read_rate_limits(self, *, timeout: float | None = 30.0) -> dict[str, RateLimits]:
        """Asks the model provider how much of the account's limits is used; by the limit's id. It is :attr:`rate_limits` then.

        Raises:
            LoginRequiredError: Only ChatGPT logins have limits to ask for.
        """
        return self._client.drive(_read_rate_limits(self._client, Deadline(timeout)))


class AsyncClientAccount(_BaseClientAccount[AsyncClient]):
    """Who the client is to the model provider: ``codex.account`` of an :class:`AsyncCodex`. The twin of :class:`ClientAccount`."""

    @names_keywords
    async def read(self, *, refresh: bool = False, timeout: float | None = 30.0) -> Account:
        """Who the client is to the model provider; see :meth:`ClientAccount.read`."""
        return await self._client.drive(_read(refresh, Deadline(timeout)))

    @names_keywords
    async def login_with_api_key(self, api_key: str, *, timeout: float | None = 30.0) -> Account:
        """Keeps an API key in the codex home; see :meth:`ClientAccount.login_with_api_key`."""
        return await self._client.drive(_log_in_with_key(api_key, Deadline(timeout)))

    @names_keywords
    async def login_with_chatgpt(self, *, timeout: float | None = 30.0) -> AsyncLogin:
        """Begins a login with ChatGPT in a browser on this machine, which the person must be at; see :meth:`ClientAccount.login_with_chatgpt`."""
        return AsyncLogin(self._client, **await self._client.drive(_start_login("chatgpt", Deadline(timeout))))

    @names_keywords
    async def login_with_device_code(self, *, timeout: float | None = 30.0) -> AsyncLogin:
        """Begins a login with ChatGPT in a browser anywhere, where the person enters a code; see :meth:`ClientAccount.login_with_device_code`."""
        return AsyncLogin(
            self._client, **await self._client.drive(_start_login("chatgptDeviceCode", Deadline(timeout)))
        )

    @names_keywords
    async def logout(self, *, timeout: float | None = 30.0) -> None:
        """Forgets the login that the codex home holds; see :meth:`ClientAccount.logout`."""
        await self._client.drive(_log_out(Deadline(timeout)))

    @names_keywords
    async def read_rate_limits(self, *, timeout: float | None = 30.0) -> dict[str, RateLimits]:
        """Asks the model provider how much of the account's limits is used; by the limit's id; see :meth:`ClientAccount.read_rate_limits`."""
        return await self._client.drive(_read_rate_limits(self._client, Deadline(timeout)))


class _BaseLogin(Generic[C]):
    """What :class:`Login` and :class:`AsyncLogin` share.

    Attributes:
        login_id: The engine's name for it.
        url: What a person must open in a browser.
        user_code: What the person must enter there, for a device code; else None.
    """

    def __init__(self, client: C, login_id: str, url: str, user_code: str | None) -> None:
        self._client = client
        self._pending = logins.of_account(client, login_id)
        self.login_id = login_id
        self.url = url
        self.user_code = user_code

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.login_id} {'done' if self.done else 'open'}>"

    @property
    def done(self) -> bool:
        """Whether it has ended, one way or the other."""
        return self._pending.ended is not None

    def _wait(self, deadline: Deadline) -> Steps[Account]:
        ended = yield from self._pending.wait(deadline)
        if not ended.success:
            raise LoginError(
                f"the login did not succeed: {ended.error or 'the engine gave no reason'}. Start another one, or use an API key."
            )
        return (yield from _read(False, deadline))

    def _cancel(self, deadline: Deadline) -> Steps[bool]:
        result = yield from call("account/login/cancel", {"loginId": self.login_id}, deadline)
        return bool(result["status"] == "canceled")


class Login(_BaseLogin[BlockingClient]):
    """A login that waits for a person; made by :meth:`ClientAccount.login_with_chatgpt` and :meth:`ClientAccount.login_with_device_code`.

    Leaving its ``with`` block before it is done cancels it.

    Attributes:
        login_id: The engine's name for it.
        url: What the person must open in a browser.
        user_code: What the person must enter there, for a device code; else None.
    """

    def __enter__(self) -> Login:
        return self

    def __exit__(self, *exc: object) -> None:
        if not self.done and not self._client.closed:
            self.cancel()

    @names_keywords
    def wait(self, *, timeout: float | None = 600.0) -> Account:
        """Waits until the person is done.

        Raises:
            LoginError: It did not succeed, or was cancelled.
            CodexTimeoutError: The time was up; the login goes on.
        """
        return self._client.drive(self._wait(Deadline(timeout)))

    @names_keywords
    def cancel(self, *, timeout: float | None = 30.0) -> bool:
        """Ends it; False if it had ended already."""
        return self._client.drive(self._cancel(Deadline(timeout)))


class AsyncLogin(_BaseLogin[AsyncClient]):
    """A login that waits for a person; the twin of :class:`Login`.

    Attributes:
        login_id: The engine's name for it.
        url: What the person must open in a browser.
        user_code: What the person must enter there, for a device code; else None.
    """

    async def __aenter__(self) -> AsyncLogin:
        return self

    async def __aexit__(self, *exc: object) -> None:
        if not self.done and not self._client.closed:
            await self.cancel()

    @names_keywords
    async def wait(self, *, timeout: float | None = 600.0) -> Account:
        """Waits until the person is done; see :meth:`Login.wait`."""
        return await self._client.drive(self._wait(Deadline(timeout)))

    @names_keywords
    async def cancel(self, *, timeout: float | None = 30.0) -> bool:
        """Ends it; see :meth:`Login.cancel`."""
        return await self._client.drive(self._cancel(Deadline(timeout)))


def _read(refresh: bool, deadline: Deadline) -> Steps[Account]:
    """Who the client is."""
    result = yield from call("account/read", {"refreshToken": refresh}, deadline)
    account = result.get("account") or {}
    return Account(
        kind=account.get("type"),
        email=account.get("email"),
        plan_type=account.get("planType"),
        login_needed=bool(result.get("requiresOpenaiAuth")),
    )


def _log_in_with_key(api_key: str, deadline: Deadline) -> Steps[Account]:
    """Keeps a key in the codex home."""
    params = {"type": "apiKey", "apiKey": credential("api_key", api_key)}
    yield from call("account/login/start", params, deadline)
    return (yield from _read(False, deadline))


def _start_login(kind: Literal["chatgpt", "chatgptDeviceCode"], deadline: Deadline) -> Steps[dict[str, Any]]:
    """Begins a login of ChatGPT; gives id, URL and code."""
    try:
        result = yield from call("account/login/start", {"type": kind}, deadline)
    except EngineError as error:
        raise LoginError(_login_hint(str(error), kind), detail=error.detail) from error
    return {
        "login_id": result["loginId"],
        "url": result.get("authUrl") or result["verificationUrl"],
        "user_code": result.get("userCode"),
    }


def _login_hint(message: str, kind: str) -> str:
    if LOGIN_DISABLED in message:
        return f"{message} (the configuration's forced_login_method says so)"
    if kind == "chatgptDeviceCode":
        return f"{message}. Is auth.openai.com to be reached from here, and does the workspace allow device codes? Else use login_with_chatgpt()."
    return f"{message}. The login waits on a port of this machine: is it free? Else use login_with_device_code()."


def _log_out(deadline: Deadline) -> Steps[None]:
    """Forgets the login in the codex home."""
    yield from call("account/logout", None, deadline)


def _read_rate_limits(client: ClientCore, deadline: Deadline) -> Steps[dict[str, RateLimits]]:
    """Asks the model provider; says so if there is no login of ChatGPT."""
    from . import rate_limits

    tracker = client.observed.rate_limits
    try:
        rate_limits.told(tracker, (yield from call("account/rateLimits/read", None, deadline)))
    except EngineError as error:
        if not says(error, LOGIN_NEEDED):
            raise
        account = yield from _read(False, deadline)
        raise LoginRequiredError(
            f"reading rate limits needs a ChatGPT login, and the client has {account}. Call account.login_with_chatgpt() or "
            "account.login_with_device_code(), or log in with the codex program (codex login) on the same codex home.",
            detail=error.detail,
        ) from error
    client.catch_up()
    return tracker.latest()
