"""Credentials stay where they belong: each way in, and each place out that must not have them."""

from __future__ import annotations

import base64
import json
import logging
import os
import pickle
import stat
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

import codex_cffi
from codex_cffi import (
    AgentMessageDelta,
    Codex,
    CodexError,
    CommandExecution,
    CommandOutputDelta,
    ConfigError,
    Event,
    HttpServer,
    StdioServer,
    TurnFailedError,
    tool,
)
from codex_cffi.openai import CodexConfig
from codex_cffi.protocol import ApiKeyLoginAccountParams, ThreadStartParams
from codex_cffi.testing import RecordedModel, ScriptedModel, function_call, http_error, provider_config, shell
from support import MakeCodex
from support.origins import Origin
from support.unprivileged import remove, run_as_user, user_folder

REDACTED = "[REDACTED_SECRET]"
TRACE = "trace,hyper=trace,hyper_util=trace,reqwest=trace,h2=trace,rustls=trace,rmcp=trace,tungstenite=trace,sqlx=trace"

#: By where they enter. Each is in one form only in a header or variable, and in several in a conversation.
SECRETS = {
    way: f"{way}/0123456789+s3cret"
    for way in (
        "env-key",
        "provider-header",
        "provider-env-header",
        "query-param",
        "base-url-password",
        "mcp-bearer",
        "mcp-header",
        "mcp-env-header",
        "mcp-env",
        "mcp-env-vars",
        "mcp-argument",
        "mcp-url-password",
        "mcp-url-parameter",
        "thread-mcp-header",
        "command-variable",
        "proxy-password",
        "config-file-header",
        "api-key",
        "openai-api-key",
        "bearer-token",
        "auth-json",
    )
}
#: Of clients of their own.
ALONE = ("base-url-password", "bearer-token", "config-file-header", "api-key", "openai-api-key", "auth-json")
VARIABLES = {"GATEWAY_KEY": "env-key", "HEADER_VAR": "provider-env-header", "MCP_TOK": "mcp-bearer"}
VARIABLES |= {"MCP_HEADER_VAR": "mcp-env-header", "MCP_SERVER_TOKEN": "mcp-env-vars"}


def forms(secret: str) -> list[str]:
    """How a secret may be written."""
    return [
        secret,
        quote(secret, safe=""),
        quote(secret, safe="").lower(),
        base64.b64encode(secret.encode()).decode().rstrip("="),
        base64.b64encode(f"user:{secret}".encode()).decode().rstrip("="),
        json.dumps(secret)[1:-1].replace("/", "\\/"),
    ]


def spoken(ways: Sequence[str]) -> str:
    """Secrets in all forms but the last one, which only other programs write."""
    return " ".join(" ".join(forms(SECRETS[way])[:-1]) for way in ways)


def has(text: str, way: str) -> bool:
    """Whether a secret is in a text, in any form. Of base64 with something before it, what is not shared with it counts."""
    plain, *encoded, in_pair, slashed = forms(SECRETS[way])
    return any(form in text for form in (plain, *encoded, in_pair[8:-2], slashed))


@dataclass
class Evidence:
    """What could be seen from outside."""

    log: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    raised: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    #: What went where it belongs.
    sent: list[str] = field(default_factory=list)

    def place(self, name: str) -> str:
        found = getattr(self, name)
        return "\n".join(found.values() if isinstance(found, dict) else found)


class _Keep(logging.Handler):
    def __init__(self, kept: list[str]) -> None:
        super().__init__(1)
        self._kept = kept

    def emit(self, record: logging.LogRecord) -> None:
        self._kept.append(f"{record.name} {record.getMessage()}")


def use(
    seen: Evidence, home: Path, repo: Path, ways: Sequence[str], model: ScriptedModel | None = None, **options: Any
) -> None:
    """A client whose user, model and commands say its secrets, whose provider fails with it, and everything that can be seen of it."""
    codex = None
    mcp_servers = options.pop("thread_servers", None)

    def note(event: Event) -> None:
        # A value may be spread over two pieces.
        if not isinstance(event, (AgentMessageDelta, CommandOutputDelta)):
            seen.events.append(repr(event))

    try:
        with Codex(codex_home=home, on_event=note, **options) as codex:
            thread = codex.start_thread(
                working_directory=repo, sandbox_mode="danger-full-access", mcp_servers=mcp_servers, model="m"
            )
            seen.shown += [
                repr(codex),
                str(codex),
                repr(thread),
                repr(thread.settings),
            ]
            turn = thread.run(f"The keys are {spoken(ways)}", timeout=60)
            seen.events += [repr(item) for item in turn.items]
            thread.run("Again.", timeout=60)
            thread.run("And once more.", timeout=60)
    except CodexError as error:
        seen.raised += ["".join(traceback.format_exception(error)), repr(error), repr(error.detail)]
    seen.shown.append(repr(codex))
    if model is not None:
        seen.bodies += [json.dumps(request.body) for request in model.requests]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    folder = tmp_path_factory.mktemp("secrets")
    seen = Evidence()
    handler = _Keep(seen.log)
    root = logging.getLogger()
    level = root.level
    repo = folder / "repo"
    (repo / ".git").mkdir(parents=True)
    (repo / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    with pytest.MonkeyPatch.context() as patch, Origin() as tools:
        patch.setenv("HOME", str(folder))
        for name in ("CODEX_HOME", "OPENAI_API_KEY", "CODEX_API_KEY"):
            patch.delenv(name, raising=False)
        for name, way in VARIABLES.items():
            patch.setenv(name, SECRETS[way])
        password = quote(SECRETS["proxy-password"], safe="")
        patch.setenv("HTTPS_PROXY", f"http://user:{password}@127.0.0.1:9")
        patch.setenv("NO_PROXY", "127.0.0.1,localhost")
        root.setLevel(1)
        root.addHandler(handler)
        codex_cffi.log.set_level(TRACE)
        try:
            _clients(seen, folder, repo, tools)
            _wait_for_log(seen.log)
        finally:
            codex_cffi.log.set_level("warning")
            logging.getLogger("codex_cffi.engine").setLevel(logging.NOTSET)
            root.removeHandler(handler)
            root.setLevel(level)
        seen.sent += [json.dumps([request.path, request.headers]) for request in tools.requests]
    for path in folder.rglob("*"):
        # Those are where the user keeps them.
        if path.is_file() and path.name not in ("auth.json", "config.toml"):
            seen.files[str(path.relative_to(folder))] = path.read_bytes().decode("utf-8", "replace")
    return seen


def _wait_for_log(log: list[str]) -> None:
    """Until nothing has come for a while: the log has a thread of its own."""
    for _ in range(100):
        length = len(log)
        time.sleep(0.1)
        if len(log) == length:
            return


def _script(ways: Sequence[str]) -> list[Any]:
    said = spoken(ways)
    echo = json.dumps({"error": {"message": f"Incorrect key: {said}", "type": "invalid_request_error"}})
    return [[shell(f"printf %s '{said}'", yield_time_ms=5000)], f"I know {said}", "Nothing.", http_error(400, echo)]


def _clients(seen: Evidence, folder: Path, repo: Path, tools: Origin) -> None:
    password = quote(SECRETS["mcp-url-password"], safe="")
    parameter = quote(SECRETS["mcp-url-parameter"], safe="")
    servers = {
        "http": HttpServer(
            f"http://user:{password}@{tools.host}/mcp?key={parameter}",
            bearer_token_env_var="MCP_TOK",
            headers={"x-a": SECRETS["mcp-header"]},
            env_headers={"x-b": "MCP_HEADER_VAR"},
        ),
        "stdio": StdioServer(
            sys.executable,
            ["-c", "import os, sys; sys.exit(os.environ['PLAIN'])", f"--token={SECRETS['mcp-argument']}"],
            env={"PLAIN": SECRETS["mcp-env"]},
            env_vars=["MCP_SERVER_TOKEN"],
        ),
    }
    seen.shown += [repr(server) for server in servers.values()]
    provider: dict[str, Any] = {
        "env_key": "GATEWAY_KEY",
        "http_headers": {"x-secret": SECRETS["provider-header"], "x-other": SECRETS["provider-header"]},
        "env_http_headers": {"x-env": "HEADER_VAR"},
        "query_params": {"k": quote(SECRETS["query-param"], safe="")},
    }
    policy = {"shell_environment_policy": {"set": {"DEPLOY_TOKEN": SECRETS["command-variable"]}}}
    ways = [way for way in SECRETS if way not in ALONE]
    with ScriptedModel(_script(ways)) as model:
        config = {**model.provider_config(**provider), **policy}
        thread_servers = {"late": HttpServer(f"{tools.url}/late", headers={"x-c": SECRETS["thread-mcp-header"]})}
        options: dict[str, Any] = {"config": config, "mcp_servers": servers, "isolated": True}
        use(seen, folder / "a", repo, ways, model, thread_servers=thread_servers, **options)
        request = model.last_request
        seen.sent += [
            way
            for way, name in (("provider-header", "x-other"), ("provider-env-header", "x-env"))
            if request.headers.matches(name, SECRETS[way])
        ]
        seen.sent += ["env-key"] if request.bearer_token_matches(SECRETS["env-key"]) else []
    user = f"http://user:{quote(SECRETS['base-url-password'], safe='')}@127.0.0.1:9/v1"
    # Nobody is there, so that the transport tells what it asked for.
    for url in (user, "http://127.0.0.1:9/v1"):
        use(seen, folder / "b", repo, ["base-url-password"], config=provider_config(url, **provider), isolated=True)
    (folder / "c").mkdir(mode=0o700)
    ways = ["bearer-token", "config-file-header"]
    with ScriptedModel(_script(ways)) as model:
        file = f"""
            model_provider = "g"
            [model_providers.g]
            name = "G"
            base_url = "{model.base_url}"
            wire_api = "responses"
            experimental_bearer_token = "{SECRETS["bearer-token"]}"
            request_max_retries = 0
            stream_max_retries = 0
            [model_providers.g.http_headers]
            x-file = "{SECRETS["config-file-header"]}"
        """
        (folder / "c" / "config.toml").write_text(file)
        use(seen, folder / "c", repo, ways, model)
        seen.sent += ["bearer-token"] if model.last_request.bearer_token_matches(SECRETS["bearer-token"]) else []
        seen.sent += (
            ["config-file-header"]
            if model.last_request.headers.matches("x-file", SECRETS["config-file-header"])
            else []
        )
    for way, options in (("api-key", {"api_key": SECRETS["api-key"]}), ("openai-api-key", {}), ("auth-json", {})):
        home = folder / way
        home.mkdir(mode=0o700)
        if way == "auth-json":
            (home / "auth.json").write_text(json.dumps({"OPENAI_API_KEY": SECRETS[way]}))
        with ScriptedModel(_script([way])) as model, pytest.MonkeyPatch.context() as patch:
            if way == "openai-api-key":
                patch.setenv("OPENAI_API_KEY", SECRETS[way])
            use(seen, home, repo, [way], model, base_url=model.base_url, isolated=True, **options)
            seen.sent += [way] if model.last_request.bearer_token_matches(SECRETS[way]) else []


@pytest.mark.parametrize("place", ["log", "shown", "raised", "events", "bodies", "files"])
@pytest.mark.parametrize("way", SECRETS)
def test_a_secret_does_not_leave(seen: Evidence, way: str, place: str) -> None:
    text = seen.place(place)
    if has(text, way):
        pytest.fail(next(line for line in text.splitlines() if has(line, way))[:2000])


@pytest.mark.parametrize("place", ["log", "raised", "events", "bodies", "files", "shown"])
def test_what_stands_in_its_place(seen: Evidence, place: str) -> None:
    assert REDACTED in seen.place(place), "else nothing was there to be hidden"


def test_secrets_go_where_they_belong(seen: Evidence) -> None:
    sent = "\n".join(seen.sent)
    for way in (
        "env-key",
        "provider-header",
        "provider-env-header",
        "bearer-token",
        "config-file-header",
        "api-key",
        "openai-api-key",
        "auth-json",
    ):
        assert way in seen.sent
    for way in ("mcp-bearer", "mcp-header", "mcp-env-header", "mcp-url-parameter", "thread-mcp-header"):
        assert has(sent, way), way


def test_the_log_has_what_libraries_tell(seen: Evidence) -> None:
    names = {line.split()[0] for line in seen.log}
    for library in ("codex_core", "codex_http_client", "hyper_util"):
        assert any(name.startswith(f"codex_cffi.engine.{library}") for name in names), library


def test_files_have_the_conversation_but_for_the_secrets(seen: Evidence) -> None:
    sessions = [text for name, text in seen.files.items() if name.endswith(".jsonl") and "sessions" in name]
    assert len(sessions) == 7
    talks = [text for text in sessions if "I know" in text]
    assert len(talks) == 5
    for text in talks:
        assert "printf" in text
        for line in text.splitlines():
            json.loads(line)


def test_a_piece_of_an_answer_has_none(make_codex: MakeCodex, repo: Path) -> None:
    events: list[Event] = []
    with ScriptedModel(["The key is first-key-0123456789."]) as model:
        codex = make_codex(
            model, config=model.provider_config(bearer_token="first-key-0123456789"), on_event=events.append
        )
        codex.start_thread(working_directory=repo).run("Hi", timeout=60)
    deltas = "".join(event.delta for event in events if isinstance(event, AgentMessageDelta))
    assert deltas == f"The key is {REDACTED}."


def test_words_in_headers_stay_in_conversations(make_codex: MakeCodex, repo: Path, codex_home: Path) -> None:
    with ScriptedModel([[shell("echo the payments team", yield_time_ms=5000)], "It is the payments team."]) as model:
        codex = make_codex(model, config=model.provider_config(http_headers={"x-team": "payments"}))
        turn = codex.start_thread(working_directory=repo).run("Who?", timeout=60)
        assert turn.final_response == "It is the payments team."
        assert model.last_request.headers["x-team"] == "payments"
        assert "the payments team" in json.dumps(model.last_request.body)
    (session,) = codex_home.rglob("rollout-*.jsonl")
    assert "the payments team" in session.read_text()


@pytest.mark.parametrize("mode", ["read-only", "workspace-write", "danger-full-access"])
def test_commands_do_not_get_the_hosts_keys(
    make_codex: MakeCodex, repo: Path, monkeypatch: pytest.MonkeyPatch, mode: Any
) -> None:
    names = ("GATEWAY_KEY", "OTHER_KEY", "HEADER_VAR", "MCP_TOK", "MCP_HEADER_VAR", "OPENAI_API_KEY", "CODEX_API_KEY")
    for name in (*names, "HARMLESS"):
        monkeypatch.setenv(name, f"value-of-{name}-1")
    server = HttpServer(
        "http://127.0.0.1:9/mcp", bearer_token_env_var="MCP_TOK", env_headers={"x-b": "MCP_HEADER_VAR"}, enabled=False
    )
    with ScriptedModel(
        [[shell("env; cat /proc/$$/environ | tr '\\0' '\\n'", call_id="env", yield_time_ms=5000)], "ok"]
    ) as model:
        config = model.provider_config(env_key="GATEWAY_KEY", env_http_headers={"x-a": "HEADER_VAR"})
        config["model_providers"]["other"] = {"name": "Other", "base_url": "http://127.0.0.1:9", "env_key": "OTHER_KEY"}
        codex = make_codex(model, config=config, mcp_servers={"off": server})
        turn = codex.start_thread(working_directory=repo, sandbox_mode=mode).run("go", timeout=60)
        model.assert_tool_output("env", contains="HARMLESS=value-of-HARMLESS-1")
        (command,) = [item for item in turn.items if isinstance(item, CommandExecution)]
    output = command.aggregated_output or ""
    assert "HARMLESS=" in output
    for name in names:
        assert f"{name}=" not in output


def test_a_variable_that_a_command_is_given_is_given(make_codex: MakeCodex, repo: Path, tmp_path: Path) -> None:
    token = "given-0123456789-token"
    policy = {"shell_environment_policy": {"set": {"DEPLOY_TOKEN": token}}}
    with ScriptedModel(
        [
            [shell(f'test "$DEPLOY_TOKEN" = "$(cat {tmp_path}/token)" && echo same', call_id="c", yield_time_ms=5000)],
            "ok",
        ]
    ) as model:
        (tmp_path / "token").write_text(token)
        codex = make_codex(model, config={**model.provider_config(), **policy})
        codex.start_thread(working_directory=repo, sandbox_mode="danger-full-access").run("go", timeout=60)
        model.assert_tool_output("c", contains="same")


def test_a_key_that_changes_is_hidden_too(
    make_codex: MakeCodex, repo: Path, codex_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWAY_KEY", "first-key-0123456789")
    with ScriptedModel(["first-key-0123456789", "second-key-0123456789", "ok"]) as model:
        codex = make_codex(model, config=model.provider_config(env_key="GATEWAY_KEY"))
        thread = codex.start_thread(working_directory=repo)
        thread.run("1", timeout=60)
        monkeypatch.setenv("GATEWAY_KEY", "second-key-0123456789")
        thread.run("2", timeout=60)
        thread.run("3", timeout=60)
        assert model.last_request.bearer_token_matches("second-key-0123456789")
        body = json.dumps(model.last_request.body)
    assert body.count(REDACTED) == 2
    assert "key-0123456789" not in body
    (session,) = codex_home.rglob("rollout-*.jsonl")
    assert "key-0123456789" not in session.read_text()


@pytest.mark.parametrize(
    "config",
    [
        {"model_providers": {"g": {"name": "G", "base_url": "http://x", "http_headers": "swordfish-0123456789"}}},
        {"model_providers": {"g": {"name": "G", "base_url": "http://x", "query_params": ["swordfish-0123456789"]}}},
        {"mcp_servers": {"s": {"command": "x", "env": "swordfish-0123456789"}}},
        {"mcp_servers": {"s": {"url": "http://x", "bearer_token": "swordfish-0123456789"}}},
    ],
)
def test_a_refused_configuration_is_not_shown(make_codex: MakeCodex, config: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        make_codex(config=config).start_thread(skip_git_repo_check=True)
    assert "swordfish" not in "".join(traceback.format_exception(caught.value))


def test_a_damaged_file_is_not_shown(make_codex: MakeCodex, codex_home: Path) -> None:
    codex_home.mkdir(mode=0o700)
    (codex_home / "config.toml").write_text('[mcp_servers.s.env]\nTOKEN = "swordfish-0123456789\n')
    with pytest.raises(ConfigError, match="line 2") as caught:
        make_codex(isolated=False).account.read()
    assert "swordfish" not in str(caught.value)


def test_objects_are_shown_without_credentials() -> None:
    secret = "swordfish-0123456789"
    server = HttpServer(f"https://user:{secret}@h.example/mcp?key={secret}", headers={"x": secret}, scopes=["read"])
    program = StdioServer(
        "npx",
        [
            *("-y", "--api-key", secret, f"--token={secret}", "--header", f"Authorization: Bearer {secret}"),
            *("--pass", secret, "-u", f"admin:{secret}", "-H", f"x-k: {secret}", "-e", f"DB_PASS={secret}"),
        ],
        env={"A": secret},
    )
    shown = [
        server,
        program,
        CodexConfig(env={"OPENAI_API_KEY": secret}, config_overrides=(f'x="{secret}"',)),
        ApiKeyLoginAccountParams(api_key=secret),
        ThreadStartParams(
            config={
                "mcp_servers": {"s": {"env": {"A": secret}, "url": f"http://h/?k={secret}"}},
                "a.http_headers.x": secret,
            }
        ),
    ]
    for instance in shown:
        assert secret not in repr(instance)
        assert secret not in str(instance)
    assert "h.example/mcp" in repr(server)
    assert "'read'" in repr(server)
    assert "'-y'" in repr(program)
    assert "ThreadStartParams(" in repr(shown[-1])
    assert pickle.loads(pickle.dumps(server)) == server, "the object itself has them"
    with pytest.raises(ValueError, match="http://") as caught:
        Codex(base_url=f"ftp://user:{secret}@h.example")
    assert secret not in str(caught.value)
    with pytest.raises(ValueError, match="http://") as caught:
        Codex(mcp_servers={"s": HttpServer(f"ftp://user:{secret}@h.example")})
    assert secret not in str(caught.value)

    for url in (
        f"user:{secret}@h.example/v1",
        f"{secret}@h.example",
        f"ftp://u:p@ss{secret}@h.example",
        f"h.example/v1?key={secret}",
    ):
        with pytest.raises(ValueError, match=r"http://.*h\.example") as caught:
            Codex(base_url=url)
        assert secret not in str(caught.value)
        with pytest.raises(ValueError, match=r"http://.*h\.example") as caught:
            Codex(mcp_servers={"s": HttpServer(url)})
        assert secret not in str(caught.value)


def test_a_key_is_no_name_of_a_variable() -> None:
    secret = "sk-swordfish-0123456789"
    url = "https://h.example/mcp"
    wrong: list[Callable[[], object]] = [
        lambda: HttpServer(url, bearer_token_env_var=secret),
        lambda: HttpServer(url, env_headers={"x-key": secret}),
        lambda: StdioServer("npx", env_vars=[secret]),
        lambda: Codex(mcp_servers={"s": {"url": url, "bearer_token_env_var": secret}}),
        lambda: Codex(mcp_servers={"s": {"url": url, "env_http_headers": {"x-key": secret}}}),
        lambda: Codex(mcp_servers={"s": {"command": "npx", "env_vars": [secret]}}),
    ]
    for make in wrong:
        with pytest.raises(ValueError, match="names of variables") as caught:
            make()
        assert "swordfish" not in str(caught.value)


def test_a_recorded_requests_headers_are_shown_without_the_programs_own(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel(default="ok") as model:
        config = model.provider_config(http_headers={"x-custom": "swordfish-0123456789"})
        make_codex(config=config).start_thread(working_directory=repo).run("Hi", timeout=60)
        headers = model.last_request.headers
    assert headers["x-custom"] == "swordfish-0123456789"
    assert "swordfish" not in repr(headers)
    assert "'x-custom'" in repr(headers)
    assert "application/json" in repr(headers)


@pytest.mark.parametrize("place", ["mcp", "set", "header"])
def test_ordinary_settings_stay_in_conversations(make_codex: MakeCodex, repo: Path, place: str) -> None:
    words = {
        "TOKENIZER_MODEL": "bert-base-uncased",
        "AUTH_METHOD": "client_credentials",
        "API_KEY_NAME": "authorization",
        "AUTH_URL": "https://login.example.com/realms/main",
        "DATABASE_NAME": "db-production-2024x",
    }
    (repo / "settings").write_text("\n".join(words.values()))
    with ScriptedModel([[shell("cat settings", call_id="c", yield_time_ms=5000)], "done"]) as model:
        headers = {f"x-{name.lower().replace('_', '-')}": value for name, value in words.items()}
        config = model.provider_config(**({"http_headers": headers} if place == "header" else {}))
        if place == "set":
            config["shell_environment_policy"] = {"set": words}
        servers = {"s": StdioServer("/bin/false", env=words, enabled=False)} if place == "mcp" else None
        codex = make_codex(config=config, mcp_servers=servers)
        codex.start_thread(working_directory=repo).run("Read it.", timeout=60)
        output = str(model.last_request.tool_output("c"))
    assert [value for value in words.values() if value not in output] == []


@pytest.mark.parametrize("secret", ['quoted-"-0123456789', "back\\slash-0123456789", "amper&<sand>'s/0123456789"])
def test_a_key_with_escapes_is_hidden(make_codex: MakeCodex, repo: Path, codex_home: Path, secret: str) -> None:
    (repo / "key").write_text(secret)
    with ScriptedModel([[shell("cat key", call_id="c", yield_time_ms=5000)], "done"]) as model:
        codex = make_codex(config=model.provider_config(bearer_token=secret))
        codex.start_thread(working_directory=repo).run(f"I say {secret}", timeout=60)
        output = str(model.last_request.tool_output("c"))
        body = json.dumps(model.last_request.body)
    assert REDACTED in output
    written = [file.read_text() for file in codex_home.rglob("rollout-*.jsonl")]
    assert len(written) == 1
    for text in (output, body, *written):
        assert secret not in text
        assert json.dumps(secret)[1:-1] not in text


def test_a_handlers_traceback_has_none(
    make_codex: MakeCodex, repo: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, token, variable = "swordfish-key-0123456789", "swordfish-mcp-0123456789", "swordfish-var-0123456789"
    monkeypatch.setenv("GATEWAY_KEY", variable)

    @tool
    def broken() -> str:
        """Fails."""
        raise LookupError(f"{key} {token} {variable} and a word")

    with ScriptedModel([[function_call("broken", {}, call_id="b")], "done"]) as model:
        config = model.provider_config(bearer_token=key)
        server = HttpServer(
            "http://127.0.0.1:9/mcp", headers={"x-k": token}, bearer_token_env_var="GATEWAY_KEY", enabled=False
        )
        codex = make_codex(config=config, mcp_servers={"s": server}, tools=[broken])
        codex.start_thread(working_directory=repo).run("Hi", timeout=60)
    assert "tool broken failed" in caplog.text
    assert f"LookupError: {REDACTED} {REDACTED} {REDACTED} and a word" in caplog.text
    assert "swordfish" not in caplog.text


def test_a_cassette_has_none(
    make_codex: MakeCodex, repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = {"env": "gateway-0123456789", "header": "header-0123456789", "query": "query-0123456789"}
    monkeypatch.setenv("GATEWAY_KEY", secrets["env"])
    said = " ".join(secrets.values())
    provider: dict[str, Any] = {
        "env_key": "GATEWAY_KEY",
        "http_headers": {"x-any": secrets["header"]},
        "query_params": {"any": secrets["query"]},
    }
    cassette = tmp_path / "cassette.json"
    with ScriptedModel([f"I heard {said}"]) as upstream:
        with RecordedModel(cassette, mode="record", upstream=upstream.base_url) as model:
            codex = make_codex(model, config=model.provider_config(**provider))
            codex.start_thread(working_directory=repo).run(f"Say {said}", timeout=60)
            codex.close()
        assert upstream.last_request.headers.matches("x-any", secrets["header"])
    text = cassette.read_text()
    assert "I heard" in text
    for secret in secrets.values():
        assert secret not in text


def modes(folder: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir() if path.is_file()}


LOGIN = """
import os, sys
os.umask(0)
from pathlib import Path
from codex_cffi import Codex
home = Path(sys.argv[1])
if len(sys.argv) > 2:
    home.mkdir(mode=0o700)
    (home / "auth.json").write_text("{}")
    (home / "auth.json").chmod(0o644)
with Codex(codex_home=home, isolated=True, config={"model_provider": "openai"}) as codex:
    codex.account.login_with_api_key("sk-kept-0123456789")
print(oct((home / "auth.json").stat().st_mode & 0o777), [path.name for path in home.iterdir() if "auth" in path.name])
"""


@pytest.mark.parametrize("before", [[], ["old"]], ids=["new", "readable before"])
def test_a_login_is_readable_by_its_owner_alone(before: list[str]) -> None:
    folder = user_folder("login")
    try:
        done = run_as_user(LOGIN, folder / "codex-home", *before, folder=folder)
        assert done.stdout.strip() == "0o600 ['auth.json']", done.stderr
    finally:
        remove(folder)


def test_a_turn_that_fails_says_why_without_the_key(make_codex: MakeCodex, repo: Path) -> None:
    key = "sk-proj-0123456789abcdefghij"
    with ScriptedModel([http_error(400, f"Incorrect API key provided: {key}.")]) as model:
        codex = make_codex(model, api_key=key)
        with pytest.raises(TurnFailedError, match="Incorrect API key provided") as caught:
            codex.start_thread(working_directory=repo).run("Hi", timeout=60)
    assert key not in "".join(traceback.format_exception(caught.value))
    assert key not in repr(caught.value.turn)
    assert os.environ.get("OPENAI_API_KEY") is None
