"""Keys and headers of providers: what surrounds a key is taken off, and what cannot be sent is told by its place. No request goes out without its key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from codex_cffi import AsyncCodex, Codex, ConfigError, TurnFailedError
from codex_cffi.openai import Codex as OpenAICodex
from codex_cffi.openai import CodexConfig
from codex_cffi.testing import RecordedModel, ScriptedModel
from support import MakeCodex

KEY = "sk-test-1234567890abcdef"
AROUND = [f"{KEY}\n", f"{KEY}\r\n", f"  {KEY}\t", f"\ufeff{KEY}\n", f"\n\n{KEY}\n\n", f"\u00a0{KEY}"]
#: Keys that cannot be sent, and what is said of them.
BAD = [
    (f"{KEY}\nsecond", "line end"),
    (f"{KEY}\rsecond", "line end"),
    (f"{KEY}\x00x", "control character|no key has"),
    (f"{KEY}\x7fx", "control character|no key has"),
    (f"{KEY}é", "not ASCII|no key has"),
    (f"{KEY}\u200b", "not ASCII|no key has"),
    ("", "is empty"),
    (" \n", "is empty"),
]
#: What the environment can hold.
BAD_VARIABLES = [(key, said) for key, said in BAD if "\x00" not in key]


def provider(model: ScriptedModel, **fields: Any) -> dict[str, Any]:
    """A configuration whose provider has these fields more."""
    config = model.provider_config()
    [entry] = config["model_providers"].values()
    entry |= fields
    return config


def hides_the_key(error: BaseException) -> None:
    shown: BaseException | None = error
    while shown is not None:
        assert KEY not in str(shown)
        assert KEY not in repr(shown)
        shown = shown.__cause__ or shown.__context__


# ---- what is around a key --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", AROUND, ids=repr)
def test_what_is_around_a_key_is_not_sent(
    make_codex: MakeCodex, repo: Path, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ScriptedModel(default="ok") as model:
        make_codex(base_url=model.base_url, api_key=key).start_thread(working_directory=repo).run("go")
        assert model.last_request.bearer_token_matches(KEY), "an argument"
        monkeypatch.setenv("OPENAI_API_KEY", key)
        make_codex(base_url=model.base_url).start_thread(working_directory=repo).run("go")
        assert model.last_request.bearer_token_matches(KEY), "OPENAI_API_KEY"
        monkeypatch.setenv("GATEWAY_KEY", key)
        make_codex(config=provider(model, env_key="GATEWAY_KEY")).start_thread(working_directory=repo).run("go")
        assert model.last_request.bearer_token_matches(KEY), "env_key"
        config = provider(model, experimental_bearer_token=key)
        make_codex(config=config).start_thread(working_directory=repo).run("go")
        assert model.last_request.bearer_token_matches(KEY), "experimental_bearer_token"
        config = provider(model, http_headers={"api-key": key}, env_http_headers={"x-api-key": "GATEWAY_KEY"})
        make_codex(config=config).start_thread(working_directory=repo).run("go")
        assert model.last_request.headers.matches("api-key", KEY)
        assert model.last_request.headers.matches("x-api-key", KEY)


def test_quotes_are_part_of_a_key(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel(default="ok") as model:
        make_codex(base_url=model.base_url, api_key=f'"{KEY}"').start_thread(working_directory=repo).run("go")
        assert model.last_request.bearer_token_matches(f'"{KEY}"')


def test_a_login_keeps_the_key_alone(make_codex: MakeCodex, repo: Path, codex_home: Path) -> None:
    with ScriptedModel(default="ok") as model:
        codex = make_codex(base_url=model.base_url)
        codex.account.login_with_api_key(f"\ufeff{KEY}\r\n")
        assert json.loads((codex_home / "auth.json").read_text())["OPENAI_API_KEY"] == KEY
        codex.start_thread(working_directory=repo).run("go")
        assert model.last_request.bearer_token_matches(KEY)


def test_a_key_in_auth_json(make_codex: MakeCodex, repo: Path, codex_home: Path) -> None:
    codex_home.mkdir()
    file = codex_home / "auth.json"
    with ScriptedModel(default="ok") as model:
        file.write_text(json.dumps({"OPENAI_API_KEY": f" {KEY}\n"}))
        make_codex(base_url=model.base_url).start_thread(working_directory=repo).run("go")
        assert model.last_request.bearer_token_matches(KEY)
        for key, said in BAD:
            file.write_text(json.dumps({"OPENAI_API_KEY": key}))
            with pytest.raises(ConfigError, match=rf"auth\.json.*({said})") as caught:
                make_codex(base_url=model.base_url)
            hides_the_key(caught.value)
        assert len(model.requests) == 1


# ---- what cannot be sent ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("key", "said"), BAD, ids=repr)
def test_arguments_that_cannot_be_sent(make_codex: MakeCodex, key: str, said: str) -> None:
    with ScriptedModel(default="ok") as model:
        for open_client in (
            lambda: make_codex(base_url=model.base_url, api_key=key),
            lambda: AsyncCodex(base_url=model.base_url, api_key=key),
            lambda: make_codex(base_url=model.base_url).account.login_with_api_key(key),
            lambda: RecordedModel("x.json", upstream=model.base_url, mode="record", api_key=key),
        ):
            with pytest.raises(ValueError, match=f"api_key ({said}|has a .*({said}))") as caught:
                open_client()
            hides_the_key(caught.value)
        assert not model.requests


@pytest.mark.parametrize("key", [KEY.encode(), 3, Path(KEY), ["k"]], ids=repr)
def test_a_key_is_a_text(key: Any) -> None:
    with pytest.raises(TypeError, match=f"api_key must be a text, not {type(key).__name__}") as caught:
        Codex(api_key=key)
    hides_the_key(caught.value)


def test_the_drop_in_takes_off_the_same(repo: Path, codex_home: Path) -> None:
    with ScriptedModel(default="ok") as model:
        overrides = [f"openai_base_url={json.dumps(model.base_url)}"]
        environment = {"CODEX_HOME": str(codex_home), "OPENAI_API_KEY": f"{KEY}\n"}
        with OpenAICodex(CodexConfig(config_overrides=tuple(overrides), env=environment)) as codex:
            codex.thread_start(cwd=str(repo)).run("go")
            assert model.last_request.bearer_token_matches(KEY)
            with pytest.raises(ValueError, match="api_key has a line end"):
                codex.login_api_key(f"{KEY}\nx")
        with pytest.raises(ValueError, match="api_key has a line end"):
            OpenAICodex(CodexConfig(env={**environment, "OPENAI_API_KEY": f"{KEY}\nx"}))


@pytest.mark.parametrize(("key", "said"), BAD_VARIABLES, ids=repr)
def test_variables_that_cannot_be_sent(
    make_codex: MakeCodex, repo: Path, key: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_KEY", key)
    with ScriptedModel(default="ok") as model:
        monkeypatch.setenv("OPENAI_API_KEY", key)
        with pytest.raises(ConfigError, match=f"variable OPENAI_API_KEY ({said}|has a .*({said}))") as caught:
            make_codex(base_url=model.base_url)
        hides_the_key(caught.value)
        monkeypatch.delenv("OPENAI_API_KEY")
        for fields in ({"env_key": "SOME_KEY"}, {"env_http_headers": {"api-key": "SOME_KEY"}}):
            with pytest.raises(ConfigError, match=f"variable SOME_KEY.*({said})") as caught:
                make_codex(config=provider(model, **fields))
            hides_the_key(caught.value)
        assert not model.requests


@pytest.mark.parametrize(("key", "said"), BAD, ids=repr)
def test_settings_that_cannot_be_sent(make_codex: MakeCodex, key: str, said: str) -> None:
    with ScriptedModel(default="ok") as model:
        for name, fields in {
            "experimental_bearer_token": {"experimental_bearer_token": key},
            r"http_headers\.Authorization": {"http_headers": {"Authorization": key}},
        }.items():
            with pytest.raises(ConfigError, match=f"{name} .*({said})") as caught:
                make_codex(config=provider(model, **fields))
            hides_the_key(caught.value)
        assert not model.requests


def test_a_variable_that_turns_bad_fails_the_turn(
    make_codex: MakeCodex, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_KEY", KEY)
    with ScriptedModel(default="ok") as model:
        thread = make_codex(config=provider(model, env_key="SOME_KEY")).start_thread(working_directory=repo)
        thread.run("go")
        for key, said in ((f"{KEY}\nx", "line end"), (" ", "is empty")):
            monkeypatch.setenv("SOME_KEY", key)
            with pytest.raises(TurnFailedError, match=f"variable SOME_KEY .*{said}") as caught:
                thread.run("again", timeout=30)
            hides_the_key(caught.value)
        assert len(model.requests) == 1, "nothing was sent"
        monkeypatch.setenv("SOME_KEY", KEY)
        assert thread.run("once more").final_response == "ok"


def test_an_empty_variable_leaves_the_login(
    make_codex: MakeCodex, repo: Path, codex_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    codex_home.mkdir()
    (codex_home / "auth.json").write_text(json.dumps({"OPENAI_API_KEY": KEY}))
    monkeypatch.setenv("OPENAI_API_KEY", "")
    with ScriptedModel(default="ok") as model:
        make_codex(base_url=model.base_url).start_thread(working_directory=repo).run("go")
        assert model.last_request.bearer_token_matches(KEY)


def test_headers_that_are_no_keys(make_codex: MakeCodex, repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEAM", "")
    with ScriptedModel(default="ok") as model:
        config = provider(
            model, http_headers={"x-team": "  blue \n"}, env_http_headers={"x-other": "TEAM", "x-un": "UNSET_1"}
        )
        make_codex(config=config).start_thread(working_directory=repo).run("go")
        assert model.last_request.headers.matches("x-team", "blue")
        assert not {"x-other", "x-un"} & {name.lower() for name in model.last_request.headers}
        with pytest.raises(ConfigError, match=r"http_headers\.x-team .*not ASCII"):
            make_codex(config=provider(model, http_headers={"x-team": "blå"}))
        with pytest.raises(ConfigError, match=r"x team.*no header's name"):
            make_codex(config=provider(model, http_headers={"x team": "blue"}))


def test_a_command_that_gives_no_key(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel(default="ok") as model:
        for command, said in (("printf 'one\\ntwo'", "line end"), ("false", "gave none")):
            config = provider(model, auth={"command": "sh", "args": ["-c", command]})
            thread = make_codex(config=config).start_thread(working_directory=repo)
            with pytest.raises(TurnFailedError, match=said):
                thread.run("go", timeout=30)
        assert not model.requests
