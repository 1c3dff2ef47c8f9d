"""Who the client is to the model provider: keys, logins, and the account behind them.

For example, by a code that is entered in any browser::

    if not codex.account().logged_in:
        with codex.login_with_device_code() as login:
            print(f"Open {login.url} and enter {login.user_code}")
            login.wait(timeout=900)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ._deadline import Deadline
from ._keywords import names_keywords
from ._steps import Pause, Steps, call
from .errors import CodexError, CodexTimeoutError, EngineError

if TYPE_CHECKING:
    from .client import AsyncCodex, BaseCodex, Codex

__all__ = ["Account", "AsyncLogin", "Login", "LoginError", "LoginRequiredError"]

#: Seconds between two looks whether a login has ended.
_LOOK = 0.05


class LoginError(CodexError):
    """A login did not succeed."""


class LoginRequiredError(EngineError):
    """What was asked for needs a login that the client does not have; the message says which, and how to get it."""


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


class _BaseLogin:
    """What :class:`Login` and :class:`AsyncLogin` share.

    Attributes:
        login_id: The engine's name for it.
        url: What a person must open in a browser.
        user_code: What the person must enter there, for a device code; else None.
    """

    def __init__(self, client: BaseCodex, login_id: str, url: str, user_code: str | None) -> None:
        self._client = client
        self.login_id = login_id
        self.url = url
        self.user_code = user_code

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.login_id} {'done' if self.done else 'open'}>"

    @property
    def done(self) -> bool:
        """Whether it has ended, one way or the other."""
        if self._client._handle is not None and not self._client.closed:
            self._client._dispatcher.drain()
        return self._client._observed.login(self.login_id) is not None

    def _wait(self, deadline: Deadline) -> Steps[Account]:
        while not self.done:
            self._client._open_handle()
            if deadline.over:
                raise CodexTimeoutError(
                    f"nobody finished the login within {deadline.seconds:g} s; wait() again, or cancel() it"
                )
            yield Pause(_LOOK)
        ended = self._client._observed.login(self.login_id)
        assert ended is not None
        if not ended.success:
            raise LoginError(
                f"the login did not succeed: {ended.error or 'the engine gave no reason'}. Start another one, or use an API key."
            )
        return (yield from read_account(False, deadline))

    def _cancel(self, deadline: Deadline) -> Steps[bool]:
        result = yield from call("account/login/cancel", {"loginId": self.login_id}, deadline)
        return bool(result["status"] == "canceled")


class Login(_BaseLogin):
    """A login that waits for a person; made by :meth:`Codex.login_with_chatgpt` and :meth:`Codex.login_with_device_code`.

    Leaving its ``with`` block before it is done cancels it.

    Attributes:
        login_id: The engine's name for it.
        url: What the person must open in a browser.
        user_code: What the person must enter there, for a device code; else None.
    """

    _client: Codex

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
        return self._client._drive(self._wait(Deadline(timeout)))

    @names_keywords
    def cancel(self, *, timeout: float | None = 30.0) -> bool:
        """Ends it; False if it had ended already."""
        return self._client._drive(self._cancel(Deadline(timeout)))


class AsyncLogin(_BaseLogin):
    """A login that waits for a person; the twin of :class:`Login`.

    Attributes:
        login_id: The engine's name for it.
        url: What the person must open in a browser.
        user_code: What the person must enter there, for a device code; else None.
    """

    _client: AsyncCodex

    async def __aenter__(self) -> AsyncLogin:
        return self

    async def __aexit__(self, *exc: object) -> None:
        if not self.done and not self._client.closed:
            await self.cancel()

    @names_keywords
    async def wait(self, *, timeout: float | None = 600.0) -> Account:
        """Waits until the person is done; see :meth:`Login.wait`."""
        return await self._client._drive(self._wait(Deadline(timeout)))

    @names_keywords
    async def cancel(self, *, timeout: float | None = 30.0) -> bool:
        """Ends it; see :meth:`Login.cancel`."""
        return await self._client._drive(self._cancel(Deadline(timeout)))


def read_account(refresh: bool, deadline: Deadline) -> Steps[Account]:
    """Who the client is."""
    result = yield from call("account/read", {"refreshToken": refresh}, deadline)
    account = result.get("account") or {}
    return Account(
        kind=account.get("type"),
        email=account.get("email"),
        plan_type=account.get("planType"),
        login_needed=bool(result.get("requiresOpenaiAuth")),
    )


def log_in_with_key(api_key: str, deadline: Deadline) -> Steps[Account]:
    """Keeps a key in the codex home."""
    if not isinstance(api_key, str):
        raise TypeError(f"api_key must be a text, not {type(api_key).__name__}")
    if not api_key.strip():
        raise ValueError("api_key is empty")
    yield from call("account/login/start", {"type": "apiKey", "apiKey": api_key}, deadline)
    return (yield from read_account(False, deadline))


def start_login(kind: Literal["chatgpt", "chatgptDeviceCode"], deadline: Deadline) -> Steps[dict[str, Any]]:
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
    if "disabled" in message:
        return f"{message} (the configuration's forced_login_method says so)"
    if kind == "chatgptDeviceCode":
        return f"{message}. Is auth.openai.com to be reached from here, and does the workspace allow device codes? Else use login_with_chatgpt()."
    return f"{message}. The login waits on a port of this machine: is it free? Else use login_with_device_code()."


def log_out(deadline: Deadline) -> Steps[None]:
    """Forgets the login in the codex home."""
    yield from call("account/logout", None, deadline)


def with_login(steps: Steps[Any], what: str, deadline: Deadline) -> Steps[Any]:
    """Does what needs a login of ChatGPT; says so if there is none."""
    try:
        return (yield from steps)
    except EngineError as error:
        if "authentication required" not in str(error):
            raise
        account = yield from read_account(False, deadline)
        raise LoginRequiredError(
            f"{what} needs a ChatGPT login, and the client has {account}. Call login_with_chatgpt() or "
            "login_with_device_code(), or log in with the codex program (codex login) on the same codex home.",
            detail=error.detail,
        ) from error
