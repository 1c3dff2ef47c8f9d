"""``codex-cffi login``, ``logout`` and ``status``: who you are to the model provider."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from ._exit import CommandError, Exit
from ._options import Flag

if TYPE_CHECKING:
    from .. import Codex

__all__ = ["login", "logout", "status"]


def login(
    *,
    with_api_key: Flag = False,
    device_auth: Flag = False,
    timeout: Annotated[float, Parameter()] = 600.0,
) -> None:
    """Logs in, with ChatGPT in the browser, or with an API key. The codex program is logged in too, and the other way round.

    For example:

        codex-cffi login
        codex-cffi login --device-auth
        printenv OPENAI_API_KEY | codex-cffi login --with-api-key

    Args:
        with_api_key: With an API key, which is read from standard input, or asked for.
        device_auth: With a code that is typed in on another machine.
        timeout: Seconds that the login may take.
    """
    from . import _terminal

    with _client() as codex:
        if with_api_key:
            account = codex.account.login_with_api_key(_key())
        else:
            start = codex.account.login_with_device_code if device_auth else codex.account.login_with_chatgpt
            with start() as begun:
                _terminal.errors().print(f"Open {begun.url}", soft_wrap=True, markup=False)
                if begun.user_code is not None:
                    _terminal.errors().print(f"and type in {begun.user_code}", markup=False)
                account = begun.wait(timeout=timeout)
        _terminal.console().print(f"logged in: {account}", markup=False)


def logout() -> None:
    """Removes the stored login.

    For example:

        codex-cffi logout
    """
    from . import _terminal

    with _client() as codex:
        codex.account.logout()
    _terminal.errors().print("logged out")


def status(*, json: Flag = False) -> int:
    """Says who you are to the model provider. The exit status is 4 where a login is missing.

    For example:

        codex-cffi status || codex-cffi login

    Args:
        json: As JSON.
    """
    from . import _terminal
    from ._table import print_json

    with _client() as codex:
        account = codex.account.read()
    if json:
        print_json(account)
    else:
        _terminal.console().print(str(account), markup=False)
    return Exit.AUTHENTICATION if account.login_needed and not account.logged_in else Exit.COMPLETED


@contextmanager
def _client() -> Iterator[Codex]:
    from .. import Codex

    with Codex() as codex:
        yield codex


def _key() -> str:
    """Never an argument, which other users of the machine see."""
    key = getpass.getpass("API key: ") if sys.stdin.isatty() else sys.stdin.readline()
    if not key.strip():
        raise CommandError("there is no API key on standard input", Exit.AUTHENTICATION)
    return key.strip()
