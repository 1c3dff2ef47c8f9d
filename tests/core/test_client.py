"""Opening and closing clients, starting threads, and what is said about bad arguments."""

from __future__ import annotations

import gc
import json
import stat
import textwrap
import threading
import weakref
from pathlib import Path
from typing import Any

import pytest

from codex_cffi import (
    ClosedError,
    Codex,
    CodexError,
    CodexTimeoutError,
    ConfigError,
    EngineError,
    EngineIOError,
    InvalidJsonError,
    UnknownMethodError,
    WorkingDirectoryNotADirectoryError,
    WorkingDirectoryNotFoundError,
    WorkingDirectoryNotTrustedError,
    WorkspaceWrite,
)
from codex_cffi._core.client_options import ClientOptions
from codex_cffi.testing import ScriptedModel
from support import MakeCodex, run_python


def test_a_client_closes_once_and_says_so(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel(["one"]) as model:
        with make_codex(model) as codex:
            thread = codex.start_thread(working_directory=repo)
            assert thread.run("Hi").final_response == "one"
            assert not codex.closed
        assert codex.closed
        assert "closed" in repr(codex)
        codex.close()
        for use in (codex.start_thread, lambda: thread.run("Hi"), lambda: codex.request("thread/list", {})):
            with pytest.raises(ClosedError):
                use()


def test_what_is_written_is_the_users_own(make_codex: MakeCodex, repo: Path, codex_home: Path) -> None:
    with ScriptedModel(["one"]) as model:
        make_codex(model).start_thread(working_directory=repo).run("Hi")
    assert stat.S_IMODE(codex_home.stat().st_mode) == 0o700
    (session,) = codex_home.glob("sessions/**/*.jsonl")
    assert '"cli_version":"0.145.0"' in session.read_text()


def test_an_ephemeral_thread_leaves_no_session(make_codex: MakeCodex, repo: Path, codex_home: Path) -> None:
    with ScriptedModel(["one"]) as model:
        make_codex(model).start_thread(working_directory=repo, ephemeral=True).run("Hi")
    assert not list(codex_home.glob("sessions/**/*.jsonl"))


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"api_kee": "x"}, TypeError, r"Codex\(\) has no argument 'api_kee'; it takes api_key, base_url, codex_home"),
        ({"config": ["model"]}, TypeError, "config must be a mapping, not list"),
        ({"config": {"approval_policy": "sometimes"}}, ConfigError, "sometimes"),
        ({"config": {"model_context_window": 2**64}}, ConfigError, "out of range"),
        ({"max_workers": 0}, ValueError, "max_workers must be at least 1"),
        ({"base_url": "localhost:1"}, ValueError, "base_url must start with http"),
        ({"base_url": "http://x/v1", "config": {"model_provider": "y"}}, ValueError, "exclude each other"),
        ({"api_key": " "}, ValueError, "api_key is empty"),
        ({"tools": ["x"]}, TypeError, "tool must be a Tool, not str"),
    ],
)
def test_bad_client_options_are_named(
    make_codex: MakeCodex, options: dict[str, Any], error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        make_codex(**options)


def test_a_home_that_cannot_be_used_is_named(make_codex: MakeCodex, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(EngineIOError, match="cannot use the codex home"):
        make_codex(codex_home=file / "home")


def test_a_broken_config_file_is_named(make_codex: MakeCodex, codex_home: Path) -> None:
    codex_home.mkdir()
    (codex_home / "config.toml").write_text("model = ")
    with pytest.raises(ConfigError, match=r"config\.toml is not valid TOML"):
        make_codex(isolated=False)


def test_config_toml_counts_and_arguments_win(make_codex: MakeCodex, repo: Path, codex_home: Path) -> None:
    codex_home.mkdir()
    (codex_home / "config.toml").write_text('model = "gpt-5.2"\nsandbox_mode = "danger-full-access"\n')
    with ScriptedModel([]) as model:
        codex = make_codex(model, isolated=False)
        assert codex.start_thread(working_directory=repo).model == "gpt-5.2"
        assert codex.start_thread(working_directory=repo, model="gpt-5.4").model == "gpt-5.4"
        assert make_codex(model, isolated=True).start_thread(working_directory=repo).model == "gpt-5.5"


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"sandbox": "read-only"}, TypeError, "no argument 'sandbox'; it takes model, model_provider, sandbox_mode"),
        (
            {"sandbox_mode": "none"},
            ValueError,
            "sandbox_mode must be one of 'read-only', 'workspace-write', 'danger-full-access'",
        ),
        ({"approval_mode": "always"}, ValueError, "approval_mode must be one of 'never'"),
        ({"workspace_write": {"network_access": True}}, TypeError, "must be a WorkspaceWrite"),
        ({"workspace_write": WorkspaceWrite(), "sandbox_mode": "read-only"}, ValueError, "does not go with"),
        ({"workspace_write": WorkspaceWrite(writable_roots="/tmp")}, TypeError, "list of folders"),
        ({"timeout": -1}, ValueError, "must not be negative"),
        ({"timeout": "1"}, TypeError, "number of seconds"),
    ],
)
def test_bad_thread_options_are_named(
    make_codex: MakeCodex, repo: Path, options: dict[str, Any], error: type[Exception], match: str
) -> None:
    codex = make_codex()
    with pytest.raises(error, match=match):
        codex.start_thread(**{"working_directory": repo, **options})


def test_each_unusable_working_directory_has_its_error(make_codex: MakeCodex, tmp_path: Path) -> None:
    codex = make_codex()
    file = tmp_path / "file"
    file.touch()
    plain = tmp_path / "plain"
    plain.mkdir()
    with pytest.raises(WorkingDirectoryNotFoundError, match="does not exist") as missing:
        codex.start_thread(working_directory=tmp_path / "nowhere")
    assert isinstance(missing.value, FileNotFoundError)
    with pytest.raises(WorkingDirectoryNotADirectoryError, match="is not a directory"):
        codex.start_thread(working_directory=file)
    with pytest.raises(WorkingDirectoryNotTrustedError, match="skip_git_repo_check=True"):
        codex.start_thread(working_directory=plain)
    assert codex.start_thread(working_directory=plain, skip_git_repo_check=True).working_directory == str(plain)
    assert make_codex(skip_git_repo_check=True).start_thread(working_directory=plain)


def test_a_folder_inside_a_repository_is_enough(make_codex: MakeCodex, repo: Path) -> None:
    inner = repo / "a" / "b"
    inner.mkdir(parents=True)
    assert make_codex().start_thread(working_directory=inner).working_directory == str(inner)


def test_sandbox_and_approvals_reach_the_engine(make_codex: MakeCodex, repo: Path, tmp_path: Path) -> None:
    codex = make_codex()
    write = WorkspaceWrite(
        network_access=True, writable_roots=[tmp_path], exclude_slash_tmp=True, exclude_tmpdir_env_var=True
    )
    thread = codex.start_thread(working_directory=repo, workspace_write=write, approval_mode="untrusted")
    settings = thread.settings
    assert settings["approvalPolicy"] == "untrusted"
    assert settings["sandbox"] == {
        "type": "workspaceWrite",
        "networkAccess": True,
        "writableRoots": [str(tmp_path)],
        "excludeSlashTmp": True,
        "excludeTmpdirEnvVar": True,
    }
    for mode, policy in (("on-failure", "on-request"), ("on-request", "on-request"), ("never", "never")):
        thread = codex.start_thread(working_directory=repo, approval_mode=mode)
        assert thread.settings["approvalPolicy"] == policy


def test_full_auto_is_deprecated_but_works(make_codex: MakeCodex, repo: Path) -> None:
    codex = make_codex()
    with pytest.warns(DeprecationWarning, match="full_auto is deprecated"):
        thread = codex.start_thread(working_directory=repo, full_auto=True)
    assert (thread.settings["sandbox"]["type"], thread.settings["approvalPolicy"]) == ("workspaceWrite", "on-request")


def test_any_method_can_be_called_and_errors_are_typed(make_codex: MakeCodex) -> None:
    codex = make_codex()
    assert isinstance(codex.request("thread/list", {})["data"], list)
    with pytest.raises(UnknownMethodError, match="thread/bend"):
        codex.request("thread/bend", {})
    with pytest.raises(InvalidJsonError, match="threadId"):
        codex.request("turn/start", {"input": []})
    with pytest.raises(EngineError) as refused:
        codex.request("turn/start", {"threadId": "01a1fe2a-b06a-7f81-bada-a7bf2d27ea89", "input": []})
    assert refused.value.detail["code"] < 0
    with pytest.raises(CodexTimeoutError, match=r"command/exec within 0\.3 s"):
        codex.request(
            "command/exec", {"command": ["sleep", "30"], "sandboxPolicy": {"type": "dangerFullAccess"}}, timeout=0.3
        )
    assert issubclass(EngineError, CodexError)


def test_many_clients_share_a_process(make_codex: MakeCodex, repo: Path, tmp_path: Path) -> None:
    with ScriptedModel(["done"] * 6) as model:
        clients = [make_codex(model, codex_home=tmp_path / f"home{index % 3}") for index in range(6)]
        results = [codex.start_thread(working_directory=repo).run("Hi").final_response for codex in clients]
    assert results == ["done"] * 6


def test_closing_in_a_turn_of_another_thread_ends_it(make_codex: MakeCodex, repo: Path) -> None:
    from codex_cffi.testing import stall

    with ScriptedModel([[stall()]]) as model:
        codex = make_codex(model)
        thread = codex.start_thread(working_directory=repo)
        results: list[Any] = []

        def work() -> None:
            results.append(thread.run("Hi").status)

        worker = threading.Thread(target=work)
        worker.start()
        model.wait_for_requests(1)
        codex.close()
        worker.join(30)
        assert not worker.is_alive()
    assert results == ["interrupted"]


def test_the_key_reaches_the_provider_and_nothing_else(
    make_codex: MakeCodex, repo: Path, codex_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "sk-very-secret-0123456789"
    with ScriptedModel(["a", "b", "c"]) as model:
        codex = make_codex(base_url=model.base_url, api_key=key)
        codex.start_thread(working_directory=repo).run("Hi")
        assert model.requests[0].bearer_token_matches(key)
        assert key not in repr(codex)
        assert key not in str(codex.request("config/read", {}))
        assert not [path for path in codex_home.rglob("*") if path.is_file() and key.encode() in path.read_bytes()]
        monkeypatch.setenv("OPENAI_API_KEY", key)
        make_codex(base_url=model.base_url).start_thread(working_directory=repo).run("Hi")
        assert model.requests[1].bearer_token_matches(key), "from the environment"
        make_codex(model).start_thread(working_directory=repo).run("Hi")
        assert "authorization" not in {name.lower() for name in model.requests[2].headers}, "not to another provider"


def test_the_engine_reports_its_release(codex_home: Path, repo: Path) -> None:
    # The name is the process's first client's.
    code = """
        import json, sys
        from codex_cffi import Codex
        with Codex(config=json.loads(sys.argv[1]), codex_home=sys.argv[2], isolated=True) as codex:
            codex.start_thread(working_directory=sys.argv[3]).run("Hi")
        """
    with ScriptedModel(["a"]) as model:
        done = run_python(textwrap.dedent(code), json.dumps(model.provider_config()), codex_home, repo)
        assert done.returncode == 0, done.stderr
    agent = model.requests[0].headers["user-agent"]
    assert agent.startswith("codex_cffi/0.145.0 ("), agent
    assert model.requests[0].headers["originator"] == "codex_cffi"


def test_a_thread_object_closes(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel(["a"]) as model:
        codex = make_codex(model)
        with codex.start_thread(working_directory=repo) as thread:
            thread.run("Hi")
        thread.close()
        with pytest.raises(ClosedError):
            thread.run("Hi")


def test_a_client_without_close_is_collected(make_codex: MakeCodex, codex_home: Path) -> None:
    codex = Codex(codex_home=codex_home, isolated=True)
    left = weakref.ref(codex)
    del codex
    gc.collect()
    assert left() is None


def test_what_a_client_was_opened_with_does_not_show_its_key() -> None:
    assert repr(ClientOptions(api_key="sk-shown", config={"token": "shown too"})) == "<ClientOptions>"
