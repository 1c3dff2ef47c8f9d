"""Keys, logins, accounts and models."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path
from typing import Any

import pytest

from codex_cffi import AsyncCodex, ClosedError, CodexError, CodexTimeoutError, LoginError, TurnFailedError
from codex_cffi.account import Account
from codex_cffi.events import AccountUpdated, LoginCompleted
from codex_cffi.testing import ScriptedModel, unauthorized
from support import MakeCodex, run_python, wait_until
from support.issuer import Issuer

OPENAI = {"model_provider": "openai"}


def test_no_login(make_codex: MakeCodex) -> None:
    account = make_codex(config=OPENAI).account.read()
    assert account == Account(None, login_needed=True)
    assert not account.logged_in
    assert str(account) == "not logged in"


def test_a_provider_that_needs_none(make_codex: MakeCodex) -> None:
    with ScriptedModel([]) as model:
        account = make_codex(model).account.read()
    assert account.logged_in
    assert str(account) == "no login needed"


def test_a_given_key(make_codex: MakeCodex, codex_home: Path) -> None:
    account = make_codex(api_key="sk-example", config=OPENAI).account.read()
    assert (account.kind, account.logged_in, str(account)) == ("apiKey", True, "an API key")
    assert not (codex_home / "auth.json").exists()


def test_logging_in_with_a_key_and_out(make_codex: MakeCodex, codex_home: Path) -> None:
    events: list[Any] = []
    codex = make_codex(config=OPENAI, on_event=events.append)
    assert codex.account.login_with_api_key("sk-kept").kind == "apiKey"
    assert json.loads((codex_home / "auth.json").read_text())["OPENAI_API_KEY"] == "sk-kept"
    assert (codex_home / "auth.json").stat().st_mode & 0o777 == 0o600
    assert make_codex(config=OPENAI).account.read().kind == "apiKey", "it stays for later clients"
    codex.account.logout()
    assert codex.account.read().kind is None
    assert not (codex_home / "auth.json").exists()
    codex.account.rate_limits  # noqa: B018 - reads what is there
    assert any(isinstance(event, LoginCompleted) and event.success for event in events)
    assert [event.auth_mode for event in events if isinstance(event, AccountUpdated)] == ["apikey", None]


def test_the_key_of_a_login_reaches_the_provider(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel(["ok"]) as model:
        codex = make_codex(base_url=model.base_url)
        codex.account.login_with_api_key("sk-kept")
        codex.start_thread(working_directory=repo, model="m").run("hi", timeout=60)
        assert model.last_request.bearer_token_matches("sk-kept")


@pytest.mark.parametrize(("key", "error"), [("", ValueError), (3, TypeError)])
def test_bad_keys(make_codex: MakeCodex, key: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="api_key"):
        make_codex(config=OPENAI).account.login_with_api_key(key)


def test_a_refused_key_says_what_to_do(make_codex: MakeCodex, repo: Path) -> None:
    with (
        ScriptedModel([unauthorized()]) as model,
        pytest.raises(TurnFailedError, match=r"api_key=.*login_with_chatgpt"),
    ):
        make_codex(model).start_thread(working_directory=repo).run("hi", timeout=60)


def test_a_login_in_the_browser_waits_and_can_be_cancelled(make_codex: MakeCodex) -> None:
    codex = make_codex(config=OPENAI)
    with codex.account.login_with_chatgpt() as login:
        assert login.url.startswith("https://auth.openai.com/oauth/authorize?")
        assert login.user_code is None
        assert not login.done
        with pytest.raises(CodexTimeoutError, match="cancel"):
            login.wait(timeout=0.1)
        assert login.cancel()
        with pytest.raises(LoginError, match=r"did not succeed.*API key"):
            login.wait(timeout=30)
        assert login.done
    assert not login.cancel(), "it has ended"


@pytest.mark.parametrize(("end", "error"), [("cancel", LoginError), ("close", ClosedError)])
def test_the_end_of_a_login_wakes_who_waits(make_codex: MakeCodex, end: str, error: type[Exception]) -> None:
    codex = make_codex(config=OPENAI)
    login = codex.account.login_with_chatgpt()
    ends: list[type[BaseException]] = []

    def wait() -> None:
        try:
            login.wait(timeout=None)
        except CodexError as failure:
            ends.append(type(failure))

    waiting = [threading.Thread(target=wait, daemon=True) for _ in range(3)]
    for thread in waiting:
        thread.start()
    (login.cancel if end == "cancel" else codex.close)()
    for thread in waiting:
        thread.join(60)
    assert ends == [error] * 3


BY_DEVICE_CODE = """
import sys
from codex_cffi import Codex, LoginError
with Codex(codex_home=sys.argv[1], isolated=True, config={"model_provider": "openai"}) as codex:
    try:
        with codex.account.login_with_device_code() as login:
            print("code", login.user_code, login.url, flush=True)
            print("account", login.wait(timeout=60))
    except LoginError as error:
        print("failed", error)
    else:
        print("limits", codex.account.read_rate_limits()["codex"].primary.used_percent, codex.account.project_rate_limits()[0])
        codex.account.logout()
        print("then", codex.account.read())
"""
BY_BROWSER = """
import sys, urllib.parse, urllib.request
from codex_cffi import Codex, LoginError
with Codex(codex_home=sys.argv[1], isolated=True, config={"model_provider": "openai"}) as codex:
    login = codex.account.login_with_chatgpt()
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(login.url).query))
    # What the browser does once the person has logged in.
    back = query["redirect_uri"] + "?" + urllib.parse.urlencode({"code": "code-1", "state": query["state"]})
    urllib.request.urlopen(back, timeout=30).read()
    try:
        print("account", login.wait(timeout=60))
    except LoginError as error:
        print("failed", error)
"""


def test_a_login_with_a_device_code(codex_home: Path, tmp_path: Path) -> None:
    with Issuer(tmp_path) as issuer:
        # The person enters the code once it was asked for a few times.
        threading.Thread(
            target=lambda: (
                wait_until(lambda: issuer.requests.count("/api/accounts/deviceauth/token") > 2),
                issuer.approved.set(),
            ),
            daemon=True,
        ).start()
        done = run_python(BY_DEVICE_CODE, codex_home, env=issuer.environment)
    assert done.returncode == 0, done.stderr
    code, account, limits, then = done.stdout.splitlines()
    assert code == "code ABCD-1234 https://auth.openai.com/codex/device"
    assert account == "account ChatGPT (plus), a@example.com"
    assert limits.startswith("limits 42 codex primary: 42 % used")
    assert then == "then not logged in"
    assert "/oauth/revoke" in issuer.requests


def test_a_device_code_that_is_refused(codex_home: Path, tmp_path: Path) -> None:
    with Issuer(tmp_path, refuse=True) as issuer:
        done = run_python(BY_DEVICE_CODE, codex_home, env=issuer.environment)
    assert done.returncode == 0, done.stderr
    assert "failed the login did not succeed: device auth failed with status 400" in done.stdout
    assert not (codex_home / "auth.json").exists()


def test_a_login_in_the_browser(codex_home: Path, tmp_path: Path) -> None:
    with Issuer(tmp_path) as issuer:
        done = run_python(BY_BROWSER, codex_home, env=issuer.environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "account ChatGPT (plus), a@example.com\n"
    assert json.loads((codex_home / "auth.json").read_text())["tokens"]["refresh_token"] == "refresh-1"


def test_an_issuer_that_cannot_be_reached(codex_home: Path) -> None:
    done = run_python(BY_DEVICE_CODE, codex_home, env={"HTTPS_PROXY": "http://127.0.0.1:9"})
    assert done.returncode == 0, done.stderr
    assert "failed failed to request device code" in done.stdout
    assert "auth.openai.com" in done.stdout
    assert "login_with_chatgpt()" in done.stdout


def test_leaving_the_block_cancels(make_codex: MakeCodex) -> None:
    codex = make_codex(config=OPENAI)
    with codex.account.login_with_chatgpt() as login:
        assert "open" in repr(login)
    wait_until(lambda: login.done)


def test_a_login_that_the_configuration_forbids(make_codex: MakeCodex) -> None:
    codex = make_codex(config={**OPENAI, "forced_login_method": "api"})
    for begin in (codex.account.login_with_chatgpt, codex.account.login_with_device_code):
        with pytest.raises(LoginError, match="forced_login_method"):
            begin()


def test_models(make_codex: MakeCodex) -> None:
    codex = make_codex(config=OPENAI)
    models = codex.models.list()
    assert sum(model.is_default for model in models) == 1
    assert all(model.display_name and model.supported_reasoning_efforts for model in models)
    assert not any(model.hidden for model in models)
    assert {model.id for model in models} < {model.id for model in codex.models.list(include_hidden=True)}


def test_the_asynchronous_twin(codex_home: Path) -> None:
    async def main() -> None:
        async with AsyncCodex(codex_home=codex_home, isolated=True, config=OPENAI) as codex:
            assert not (await codex.account.read()).logged_in
            assert (await codex.account.login_with_api_key("sk-kept")).kind == "apiKey"
            await codex.account.logout()
            async with await codex.account.login_with_chatgpt() as login:
                with pytest.raises(CodexTimeoutError):
                    await login.wait(timeout=0.1)
                assert await login.cancel()
                with pytest.raises(LoginError):
                    await login.wait(timeout=30)
            assert [model.id for model in await codex.models.list()]

    asyncio.run(main())
