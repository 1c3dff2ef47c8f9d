"""A `config.toml` that this engine cannot read all of: what is left out and told, and what stays an error because safety depends on it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from codex_cffi import AsyncCodex, Codex, ConfigError, EngineError, Event, Thread
from codex_cffi.events import ConfigWarning, WarningEvent
from codex_cffi.testing import ScriptedModel, shell
from support import MakeCodex, wait_for_record

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

#: What is in a file, the key that is told, what is told of it, and what then counts for a key.
LEFT_OUT: list[tuple[str, str, str, tuple[str, Any] | None]] = [
    ('[tui]\nnotification_method = "pigeon"\n', "tui.notification_method", "`osc9`", None),
    ("[tui]\nanimations = 3\n", "tui.animations", "expected a boolean", None),
    ('tui = "small"\n', "tui", "expected", None),
    ('[history]\npersistence = "sometimes"\n', "history.persistence", "expected", None),
    ("[notice]\nhide_full_access_warning = [1]\n", "notice.hide_full_access_warning", "expected a boolean", None),
    ('file_opener = "ed"\n', "file_opener", "expected", None),
    ("model = 5\n", "model", "expected a string", ("model", "gpt-5.5")),
    ('model_verbosity = "epic"\n', "model_verbosity", "`low`, `medium`, `high`", ("model_verbosity", None)),
    ("model_reasoning_effort = 3\n", "model_reasoning_effort", "expected", ("model_reasoning_effort", None)),
    ('model_reasoning_summary = "haiku"\n', "model_reasoning_summary", "expected", None),
    ('personality = "stern"\n', "personality", "expected", ("personality", None)),
    ('project_doc_max_bytes = "many"\n', "project_doc_max_bytes", "expected", None),
    ("[agents]\nmax_moons = 3\n", "agents.max_moons", "expected", None),
    ('[agents.scout]\ndescription = "d"\nnickname_candidates = 5\n', "agents.scout", "expected", None),
    ("[features]\nteleport = { speed = 1 }\n", "features.teleport", "expected a boolean", None),
    ('[otel]\nexporter = "carrier"\n', "otel.exporter", "", None),
    ('[profiles.deep]\nsandbox_mode = "none-of-it"\n', "profiles.deep.sandbox_mode", "expected", None),
    ("[profiles.deep]\nmodel_reasoning_effort = 1\n", "profiles.deep.model_reasoning_effort", "expected", None),
    ('notify = "beep"\n', "notify", "expected a sequence", None),
    ("[mcp_servers.x]\ncommand = \"true\"\nenabled = false\nstartup_timeout_sec = 'soon'\n", "mcp_servers.x.startup_timeout_sec", "expected", None),
    ("features = ['hooks']\n", "features", "expected", None),
    # In their stead, the strictest.
    ('web_search = "psychic"\n', "web_search", "the web is not searched", ("web_search", "disabled")),
    ("[tools.web_search]\nallowed_domains = 3\n", "tools.web_search", "the web is not searched", ("web_search", "disabled")),
    ("[analytics]\nenabled = 'perhaps'\n", "analytics.enabled", "it counts as false", ("analytics", {"enabled": False})),
    ("[features]\nplugins = 'maybe'\n", "features.plugins", "the feature is off", None),
    ("[features]\nunified_exec = { enabled = true, new = 1 }\n", "features.unified_exec", "the feature is on", None),
    ("[mcp_servers.x]\ncommand = 'true'\nenabled_tools = 5\n", "mcp_servers.x.enabled_tools", "the server is left out", None),
    ("[mcp_servers.x]\ncommand = 'true'\ndefault_tools_approval_mode = 'psychic'\n", "mcp_servers.x.default_tools", "the server is left out", None),
    ("[mcp_servers.x]\ntransport = 'pigeon'\n", "mcp_servers.x", "invalid transport", None),
    ('[projects."/x"]\ntrust_level = "adored"\n', "projects./x.trust_level", "counts as untrusted", None),
    ("[apps.mail]\nenabled = 'x'\n", "apps.mail", "the app is off", None),
    ("[model_providers.far]\nname = 'far'\nwire_api = 'smoke-signals'\n", "model_providers.far.wire_api", "the provider is left out", None),
]  # fmt: skip

#: What is in a file, and what the error says.
GUARDED = [
    ('sandbox_mode = "padded-cell"\n', "`sandbox_mode` cannot be read, and is not left out"),
    ("sandbox_mode = true\n", "`sandbox_mode`"),
    ('approval_policy = "whisper"\n', "`approval_policy`"),
    ("approval_policy = { granular = { mcp = 1 } }\n", "approval_policy"),
    ('approvals_reviewer = "oracle"\n', "`approvals_reviewer`"),
    ('[sandbox_workspace_write]\nnetwork_access = "a bit"\n', "`sandbox_workspace_write.network_access`"),
    ("[sandbox_workspace_write]\ndenied_roots = ['/x']\n", "does not know `sandbox_workspace_write.denied_roots`"),
    ("[shell_environment_policy]\ninherit = 'kin'\n", "`shell_environment_policy.inherit`"),
    ("[shell_environment_policy]\nforget = ['A*']\n", "does not know `shell_environment_policy.forget`"),
    ('allow_login_shell = "no"\n', "`allow_login_shell`"),
    ("[permissions.strict.filesystem]\n'/x' = 'sniff'\n[permissions.strict]\n", "permissions"),
    ("[permissions.strict]\nshred = true\n", "does not know `permissions.strict.shred`"),
    ("default_permissions = 3\n", "`default_permissions`"),
    ("[[hooks.PreToolUse]]\nmatcher = 'x'\nhooks = [{ type = 'telepathy' }]\n", "hooks"),
    ("[[hooks.PreTeleport]]\nmatcher = 'x'\n", "does not know `hooks.PreTeleport`"),
    ("[features]\nhooks = 'loud'\n", "`features.hooks`"),
    ("model_provider = 5\n", "`model_provider`"),
    ("openai_base_url = 5\n", "`openai_base_url`"),
    ("model_provider = 'far'\n[model_providers.far]\nname = 'far'\nwire_api = 'smoke-signals'\n", "`model_providers.far.wire_api`"),
    ("[model_providers.openai]\nname = 'x'\n", "openai"),
    ("forced_login_method = 'handshake'\n", "`forced_login_method`"),
    ("cli_auth_credentials_store = 'mattress'\n", "`cli_auth_credentials_store`"),
    ("[mcp_servers.x]\ncommand = 'true'\nrequired = true\nenabled_tools = 5\n", "`mcp_servers.x.enabled_tools`"),
]  # fmt: skip


class Told:
    """What a client's `on_event` gets."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    @property
    def warnings(self) -> list[ConfigWarning]:
        return [event for event in self.events if isinstance(event, ConfigWarning)]


def write(home: Path, text: str) -> Path:
    home.mkdir(exist_ok=True)
    (home / "config.toml").write_text(text)
    return home / "config.toml"


@pytest.mark.parametrize(("text", "key", "said", "then"), LEFT_OUT, ids=[entry[1] + "-" + str(n) for n, entry in enumerate(LEFT_OUT)])  # fmt: skip
def test_what_cannot_be_read_is_left_out_and_told(
    make_codex: MakeCodex, codex_home: Path, text: str, key: str, said: str, then: tuple[str, Any] | None
) -> None:
    file, told = write(codex_home, text), Told()
    codex = make_codex(isolated=False, on_event=told)
    config = codex.config.read()
    codex.close()
    (warning,) = told.warnings
    assert (warning.path, f"`{key}" in warning.summary, said in warning.summary) == (str(file), True, True), warning
    assert warning.summary.startswith(f"{file}:")
    if then is not None:
        assert config.get(then[0]) == then[1]
    assert file.read_text() == text


def test_a_turn_runs_with_all_of_it(repo: Path, codex_home: Path) -> None:
    # Tables that are open in one entry must not take up the next one's keys.
    write(
        codex_home,
        'service_tier = "default"\nmodel_reasoning_effort = "ultra"\nbrand_new = 1\nmodel_verbosity = "epic"\n[brand.new]\nx = 1\n'
        '[tui]\nnotification_method = "pigeon"\nnew = [1]\n[profiles.deep]\nmodel_verbosity = "epic"\nsandbox_mode = "?"\n'
        '[features]\nteleport = { a = 1 }\nlevitate = true\nsink = "x"\n[agents]\na = 1\nb = 2\n[notice]\nx = 1\n'
        "[mcp_servers.x]\ncommand = 5\n[history]\npersistence = 1\n",
    )
    told = Told()
    with (
        ScriptedModel([shell("echo $((6 * 7))"), "done"]) as model,
        Codex(codex_home=codex_home, config=model.provider_config(), on_event=told) as codex,
    ):
        turn = codex.start_thread(working_directory=repo).run("go")
    assert turn.final_response == "done"
    assert "42" in model.last_request.body["input"][-1]["output"]
    assert model.last_request.body["reasoning"]["effort"] == "max"  # which is what the engine calls ultra
    said = "\n".join(warning.summary for warning in told.warnings)
    settings = "model_verbosity tui.notification_method features.teleport features.sink agents.a agents.b mcp_servers.x.command"
    for key in settings.split():
        assert f"`{key}` is left out" in said, key
    (unknown,) = [warning.summary for warning in told.warnings if "does not know" in warning.summary]
    for key in ("brand_new", "brand", "features.levitate"):
        assert f"`{key}`" in unknown


def test_the_log_has_it_once(codex_home: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(codex_home, '\n\n[tui]\nnotification_method = "pigeon"\n')
    with caplog.at_level("WARNING"):
        for _ in range(2):
            with Codex(codex_home=codex_home) as codex:
                codex.config.read()
        record = wait_for_record(caplog, "notification_method")
    assert record.levelname == "WARNING"
    assert f"{codex_home / 'config.toml'}:4:1:" in record.getMessage()
    assert len([record for record in caplog.records if "notification_method" in record.getMessage()]) == 1


def test_a_value_is_not_told(codex_home: Path) -> None:
    write(codex_home, 'model_context_window = "sk-in-the-wrong-place"\n')
    told = Told()
    with Codex(codex_home=codex_home, on_event=told) as codex:
        codex.config.read()
    assert "`model_context_window`" in told.warnings[0].summary
    assert "sk-in" not in str(told.warnings[0])


@pytest.mark.parametrize(("text", "said"), GUARDED, ids=[str(n) for n, _ in enumerate(GUARDED)])
def test_what_safety_depends_on_is_an_error(make_codex: MakeCodex, codex_home: Path, text: str, said: str) -> None:
    file = write(codex_home, '[tui]\nnotification_method = "pigeon"\n')
    file.write_text(f"{text}\n{file.read_text()}")
    with pytest.raises(ConfigError) as caught:
        make_codex(isolated=False)
    assert said in str(caught.value)
    assert "pigeon" not in str(caught.value)


def test_the_error_has_its_place(make_codex: MakeCodex, codex_home: Path) -> None:
    file = write(
        codex_home, '[tui]\nnotification_method = "pigeon"\n\n[sandbox_workspace_write]\n  network_access = "a bit"\n'
    )
    with pytest.raises(ConfigError) as caught:
        make_codex(isolated=False)
    assert f"{file}:5:" in str(caught.value)


def test_the_program_may_have_another_value(make_codex: MakeCodex, codex_home: Path) -> None:
    write(codex_home, 'sandbox_mode = "padded-cell"\nmodel_instructions_file = "./x.md"\n')
    (codex_home / "x.md").write_text("x")
    codex = make_codex(isolated=False, config={"sandbox_mode": "read-only"})
    config = codex.config.read()
    assert (config["sandbox_mode"], config["model_instructions_file"]) == ("read-only", str(codex_home / "x.md"))


def test_a_provider_that_was_left_out_is_named_where_it_is_wanted(make_codex: MakeCodex, codex_home: Path) -> None:
    write(codex_home, "[model_providers.far]\nname = 'far'\nwire_api = 'smoke-signals'\n")
    with pytest.raises(ConfigError, match=r"(?s)far.*not found.*`model_providers\.far\.wire_api`"):
        make_codex(isolated=False, config={"model_provider": "far"})


@pytest.mark.parametrize(
    "config",
    [{"tui": {"notification_method": "pigeon"}}, {"model_verbosity": "epic"}, {"web_search": "psychic"}, {"model": 5}],
)
def test_what_the_program_gives_is_an_error(make_codex: MakeCodex, config: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        make_codex(config=config)


@pytest.mark.parametrize(
    ("text", "place"), [("model = \n", "line 1, column 9"), ("[a]\nb = 1\nc = [1,,]\n", "line 3, column")]
)
def test_what_is_no_toml_has_line_and_column(make_codex: MakeCodex, codex_home: Path, text: str, place: str) -> None:
    write(codex_home, text)
    with pytest.raises(ConfigError, match=rf"config\.toml is not valid TOML: {place}"):
        make_codex(isolated=False)


def project(repo: Path, home: Path, text: str) -> None:
    write(home, f'[projects."{repo}"]\ntrust_level = "trusted"\n')
    (repo / ".codex").mkdir()
    (repo / ".codex" / "config.toml").write_text(text)


def test_a_project_s_file(repo: Path, codex_home: Path) -> None:
    project(repo, codex_home, 'model_verbosity = "epic"\ndeveloper_instructions = "Mind the gap."\n')
    with ScriptedModel(default="ok") as model, Codex(codex_home=codex_home, config=model.provider_config()) as codex:
        stream = codex.start_thread(working_directory=repo).run_streamed("go")
        warnings = [event for event in stream if isinstance(event, WarningEvent)]
    assert any(str(repo / ".codex" / "config.toml") in w.message and "`model_verbosity`" in w.message for w in warnings)
    assert "Mind the gap." in str(model.last_request.body["input"])


def test_a_project_s_file_that_safety_depends_on(repo: Path, codex_home: Path) -> None:
    project(repo, codex_home, 'sandbox_mode = "padded-cell"\n')
    with (
        ScriptedModel(default="ok") as model,
        Codex(codex_home=codex_home, config=model.provider_config()) as codex,
        pytest.raises(EngineError, match="`sandbox_mode` cannot be read, and is not left out"),
    ):
        codex.start_thread(working_directory=repo)


def test_rules_that_cannot_be_read_are_an_error(repo: Path, codex_home: Path) -> None:
    (codex_home / "rules").mkdir(parents=True)
    (codex_home / "rules" / "default.rules").write_text('prefix_rule(pattern = ["rm"], decision = "vaporize")\n')
    with (
        ScriptedModel(default="ok") as model,
        Codex(codex_home=codex_home, config=model.provider_config()) as codex,
        pytest.raises(EngineError, match=r"rules.*default\.rules"),
    ):
        codex.start_thread(working_directory=repo)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        '{"hooks": {"PreToolUse": 5}}',
        '{"hooks": {"PreTeleport": []}}',
        '{"hooks": {"PreToolUse": [{"matcher": "["}]}}',
    ],
)
def test_hooks_that_cannot_be_read_are_an_error(repo: Path, codex_home: Path, text: str) -> None:
    codex_home.mkdir()
    (codex_home / "hooks.json").write_text(text)
    with (
        ScriptedModel(default="ok") as model,
        Codex(codex_home=codex_home, config=model.provider_config()) as codex,
        pytest.raises(EngineError, match=r"(?s)hooks\.json.*a hook may be a guard"),
    ):
        codex.start_thread(working_directory=repo)


def test_writing_keeps_what_cannot_be_read(make_codex: MakeCodex, codex_home: Path) -> None:
    text = '# mine\nbrand_new = 1\n\n[tui]\nnotification_method = "pigeon" # coo\ntheme = "x"\n\n[brand.new]\nx = [1]\n'
    file = write(codex_home, text)
    codex = make_codex(isolated=False)
    assert codex.config.write({"model_verbosity": "low", "tui": {"animations": False}}).in_force
    assert codex.config.read()["model_verbosity"] == "low"
    written = tomllib.loads(file.read_text())
    assert written == {
        "brand_new": 1,
        "model_verbosity": "low",
        "tui": {"notification_method": "pigeon", "theme": "x", "animations": False},
        "brand": {"new": {"x": [1]}},
    }
    assert "# mine" in file.read_text()
    assert "# coo" in file.read_text()


def test_what_cannot_be_read_can_be_replaced_and_removed(make_codex: MakeCodex, codex_home: Path) -> None:
    file = write(codex_home, 'model_verbosity = "epic"\n[tui]\nnotification_method = "pigeon"\n')
    codex = make_codex(isolated=False)
    codex.config.write({"model_verbosity": "high", "tui": {"notification_method": None}})
    assert tomllib.loads(file.read_text()) == {"model_verbosity": "high", "tui": {}}
    assert codex.config.read()["model_verbosity"] == "high"
    with pytest.raises(ConfigError):
        codex.config.write({"model_verbosity": "epic"})


def test_a_running_client_s_file_becomes_a_newer_one_s(repo: Path, codex_home: Path) -> None:
    with ScriptedModel(default="ok") as model, Codex(codex_home=codex_home, config=model.provider_config()) as codex:
        thread: Thread = codex.start_thread(working_directory=repo)
        write(codex_home, '[tui]\nnotification_method = "pigeon"\n')
        assert thread.run("go").final_response == "ok"
        assert codex.start_thread(working_directory=repo).run("go").final_response == "ok"
        codex.config.write({"model_verbosity": "low"})


def test_the_asynchronous_twin(codex_home: Path) -> None:
    write(codex_home, '[tui]\nnotification_method = "pigeon"\n')
    told = Told()

    async def main() -> str:
        async with AsyncCodex(codex_home=codex_home, on_event=told) as codex:
            return str((await codex.config.read())["model"])

    assert asyncio.run(main()) == "gpt-5.5"
    assert "`tui.notification_method`" in told.warnings[0].summary
