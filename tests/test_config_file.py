"""Configuration files of projects: what they give to clients, and that nothing of them counts before the user has seen it."""

from __future__ import annotations

import json
import os
import py_compile
import stat
import subprocess
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from codex_cffi import AsyncCodex, Codex, Interceptor, Tool, config_file
from codex_cffi.errors import ConfigFileError, ConfigFileNotTrustedError
from codex_cffi.testing import ScriptedModel, function_call, shell
from support import MakeCodex, run_python

MARK = "open({!r}, 'w').close()\n"


@pytest.fixture
def load(repo: Path, codex_home: Path) -> Callable[..., config_file.Loaded]:
    """Reads the configuration of the test's repository, trusted unless it says otherwise."""

    def read(folder: Path = repo, **options: Any) -> config_file.Loaded:
        return config_file.load(folder, **{"trust": True, "codex_home": codex_home, **options})

    return read


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text))
    return path


# ---- what there is


def test_nothing_is_nothing(load: Callable[..., Any]) -> None:
    loaded = load(trust=False)
    assert (loaded.sources, loaded.client_options(), loaded.defaults("run")) == ([], {}, {})


def test_the_nearest_files_up_to_the_root_of_the_repository_count(repo: Path) -> None:
    inner = repo / "a" / "b"
    inner.mkdir(parents=True)
    write(repo.parent / "codex.config.py", "config = {}")
    assert config_file.find(inner) == []
    top = write(repo / "codex.config.py", "config = {}")
    table = write(repo / "a" / "pyproject.toml", "[tool.codex-cffi]\n")
    assert config_file.find(inner) == [table, top]
    near = write(inner / "codex.config.py", "config = {}")
    write(inner / "pyproject.toml", "[tool.other]\n")
    assert config_file.find(inner) == [table, near]


def test_outside_of_a_repository_the_folder_alone_counts(tmp_path: Path) -> None:
    inner = tmp_path / "plain" / "inner"
    inner.mkdir(parents=True)
    write(tmp_path / "plain" / "codex.config.py", "config = {}")
    assert config_file.find(inner) == []
    assert config_file.find(inner.parent) == [inner.parent / "codex.config.py"]


def test_a_function_gets_the_context(load: Callable[..., Any], repo: Path) -> None:
    path = write(
        repo / "codex.config.py",
        """
        def config(context):
            return {"config": {"instructions": f"{context.working_directory.name} {context.config_path.name} {context.command}"}}
        """,
    )
    options = load(command="run").client_options()
    assert options == {"config": {"instructions": f"repo {path.name} run"}}


def test_what_wins_is_last(load: Callable[..., Any], repo: Path, tmp_path: Path) -> None:
    write(
        repo / "pyproject.toml",
        """
        [tool.codex-cffi]
        config = {model = "of-pyproject", features = {plugins = false, apps = false}}
        defaults.run = {model = "of-pyproject", effort = "low"}
        defaults."*" = {sandbox = "read-only"}
        """,
    )
    write(
        repo / "codex.config.py", 'config = {"config": {"model": "of-file"}, "defaults": {"run": {"model": "of-file"}}}'
    )
    first = write(
        tmp_path / "first.py",
        'config = {"config": {"features": {"apps": True}}, "defaults": {"run": {"model": "of-first"}}}',
    )
    second = write(tmp_path / "second.py", 'config = {"defaults": {"run": {"model": "of-second"}}}')
    loaded = load(plugins=[str(first), str(second)])
    assert loaded.client_options()["config"] == {"model": "of-file", "features": {"plugins": False, "apps": True}}
    assert loaded.defaults("run") == {"model": "of-second", "effort": "low", "sandbox": "read-only"}
    assert loaded.defaults("chat") == {"sandbox": "read-only"}
    assert loaded.explained("run")["model"] == ("of-second", str(second))
    assert [Path(source).name for source in loaded.sources] == [
        "pyproject.toml",
        "codex.config.py",
        "first.py",
        "second.py",
    ]


def test_everything_at_once(load: Callable[..., Any], repo: Path, make_codex: MakeCodex) -> None:
    write(
        repo / "codex.config.py",
        """
        from codex_cffi import ToolResult, hook

        seen = []

        def owner(path: str) -> str:
            "Who owns a file."
            return f"owner of {path}"

        def around(call, call_builtin):
            return ToolResult("intercepted")

        @hook("PreToolUse")
        def before(call):
            seen.append("hook")

        config = {
            "tools": [owner],
            "interceptors": {"exec_command": around},
            "hooks": [before],
            "before_start": lambda thread, given: given + " with more",
            "on_event": lambda event: seen.append(event.type),
        }
        """,
    )
    options = load().client_options()
    script = [[function_call("owner", {"path": "a"}, call_id="o"), shell("echo hi", call_id="s")], "done"]
    with ScriptedModel(script) as model:
        codex = make_codex(model, **options)
        codex.start_thread(working_directory=repo).run("go")
        assert model.last_request.tool_output("o") == "owner of a"
        assert model.last_request.tool_output("s") == "intercepted"
        assert model.last_request.user_texts[-1] == "go with more"
    seen = options["before_start"].__globals__["seen"]
    assert "hook" in seen
    assert "turn.completed" in seen


def test_lists_join_and_functions_run_one_after_the_other(load: Callable[..., Any], repo: Path, tmp_path: Path) -> None:
    first = """
        from codex_cffi import Interceptor
        def one(): "One."
        config = {{"tools": [one], "interceptors": [Interceptor("x", print)], "before_start": lambda thread, given: given + "{0}", "on_event": got.append}}
    """
    write(repo / "codex.config.py", "got = []\n" + textwrap.dedent(first.format("a")))
    plugin = write(tmp_path / "plugin.py", "got = []\n" + textwrap.dedent(first.format("b").replace("one", "two")))
    options = load(plugins=[str(plugin)]).client_options()
    assert [made.name for made in options["tools"]] == ["one", "two"]
    assert all(isinstance(made, Tool) for made in options["tools"])
    assert [type(made) for made in options["interceptors"]] == [Interceptor, Interceptor]
    assert options["before_start"](None, "x") == "xab"


def test_one_name_twice_names_both_places(load: Callable[..., Any], repo: Path, tmp_path: Path) -> None:
    text = 'def one(): "One."\nconfig = {"tools": [one]}\n'
    write(repo / "codex.config.py", text)
    plugin = write(tmp_path / "plugin.py", text)
    with pytest.raises(ConfigFileError, match=r"plugin\.py: there is a tool one in .*codex\.config\.py already"):
        load(plugins=[str(plugin)]).client_options()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("config = {'tolos': []}", "there is no 'tolos'; did you mean tools?"),
        ("config = {'tools': 1}", "tools: expected a list, got int"),
        ("config = {'defaults': {'run': 1}}", "defaults"),
        ("config = []", "must be a mapping"),
        ("settings = {}", "no variable or function named config"),
        ("config = {'tools': [1]}", "neither a tool nor a function"),
        ("config = {'interceptors': {'x': 1}}", "neither an Interceptor nor a function"),
        ("def config(context):\n    raise RuntimeError('so')", "RuntimeError: so"),
        ("def config(", "line 1"),
        ("import nothing_like_this", "nothing_like_this"),
    ],
)
def test_what_is_wrong_is_named(load: Callable[..., Any], repo: Path, text: str, said: str) -> None:
    path = write(repo / "codex.config.py", text)
    with pytest.raises(ConfigFileError) as caught:
        load().client_options()
    assert str(caught.value).startswith(str(path))
    assert said in str(caught.value)


def test_the_user_s_own_lines_are_shown(load: Callable[..., Any], repo: Path) -> None:
    path = write(repo / "codex.config.py", "def inner():\n    return 1 / 0\n\nconfig = inner()\n")
    with pytest.raises(ConfigFileError) as caught:
        load()
    assert f'File "{path}", line 2, in inner' in caught.value.trace
    assert "config_file.py" not in caught.value.trace
    assert caught.value.trace.rstrip().endswith("ZeroDivisionError: division by zero")


def test_code_has_no_place_in_pyproject(load: Callable[..., Any], repo: Path) -> None:
    write(repo / "pyproject.toml", '[tool.codex-cffi]\ntools = ["x"]\n')
    with pytest.raises(ConfigFileError, match=r"tools is code, and belongs into codex\.config\.py"):
        load()


def test_plugins_by_module_and_by_name(
    load: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(
        tmp_path / "site" / "team_plugin.py",
        'extra = {"config": {"model": "of-module"}}\ndef made(context): return {"config": {"model": "of-entry"}}\n',
    )
    write(tmp_path / "site" / "team-1.dist-info" / "METADATA", "Metadata-Version: 2.1\nName: team\nVersion: 1\n")
    write(
        tmp_path / "site" / "team-1.dist-info" / "entry_points.txt", "[codex_cffi.plugins]\nteam = team_plugin:made\n"
    )
    monkeypatch.syspath_prepend(tmp_path / "site")
    assert load(plugins=["team_plugin:extra"]).client_options() == {"config": {"model": "of-module"}}
    assert load(plugins=["team"]).client_options() == {"config": {"model": "of-entry"}}
    with pytest.raises(ConfigFileError, match="installed are team"):
        load(plugins=["taem"])
    with pytest.raises(ConfigFileError, match="no such file"):
        load(plugins=["./gone.py"])


# ---- trust


def test_a_stranger_s_file_does_not_run(load: Callable[..., Any], repo: Path, tmp_path: Path, codex_home: Path) -> None:
    mark = tmp_path / "ran"
    path = write(repo / "codex.config.py", MARK.format(str(mark)) + "config = {}")
    with pytest.raises(ConfigFileNotTrustedError, match="codex-cffi trust") as caught:
        load(trust=False)
    assert caught.value.paths == [path]
    assert not mark.exists()
    assert not codex_home.exists(), "nothing was written"
    load()
    assert mark.exists()


def test_trust_is_of_the_content(load: Callable[..., Any], repo: Path) -> None:
    path = write(repo / "codex.config.py", 'config = {"config": {"model": "a"}}\n')
    load()
    assert load(trust=False).client_options() == {"config": {"model": "a"}}
    path.write_text('config = {"config": {"model": "b"}}\n')
    asked: list[config_file.Unseen] = []
    with pytest.raises(ConfigFileNotTrustedError):
        load(trust=lambda files: bool(asked.extend(files)))
    (file,) = asked
    assert (file.path, file.before, file.text) == (path, 'config = {"config": {"model": "a"}}\n', path.read_text())
    assert load(trust=lambda files: True).client_options() == {"config": {"model": "b"}}


def test_trust_is_of_the_path(load: Callable[..., Any], repo: Path, tmp_path: Path) -> None:
    write(repo / "codex.config.py", "config = {}")
    load()
    other = tmp_path / "other"
    write(other / "codex.config.py", "config = {}")
    with pytest.raises(ConfigFileNotTrustedError):
        load(other, trust=False)


def test_data_is_decisions_too(load: Callable[..., Any], repo: Path) -> None:
    path = write(repo / "pyproject.toml", '[project]\nname = "x"\n[tool.codex-cffi.config]\nmodel = "a"\n')
    with pytest.raises(ConfigFileNotTrustedError):
        load(trust=False)
    load()
    path.write_text(path.read_text().replace('"x"', '"y"'))
    assert load(trust=False).client_options() == {"config": {"model": "a"}}, "the rest of the file is no configuration"
    path.write_text(path.read_text().replace('"a"', '"b"'))
    with pytest.raises(ConfigFileNotTrustedError):
        load(trust=False)


def test_modules_of_the_project_count_as_the_file_that_imports_them(
    load: Callable[..., Any], repo: Path, codex_home: Path
) -> None:
    code = """
        import sys
        from codex_cffi import config_file
        try:
            loaded = config_file.load(sys.argv[1], codex_home=sys.argv[2], trust=len(sys.argv) > 3)
            print(loaded.client_options()["config"]["model"])
        except config_file.ConfigFileNotTrustedError as error:
            print([path.name for path in error.paths])
    """

    def told(*more: str) -> str:
        done = run_python(textwrap.dedent(code), repo, codex_home, *more)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    write(repo / "codex.config.py", 'import values_of_mine\nconfig = {"config": {"model": values_of_mine.MODEL}}')
    module = write(repo / "values_of_mine.py", "MODEL = 'a'\n")
    assert told("trust") == "a"
    assert told() == "a"
    module.write_text("MODEL = 'b'\n")
    assert told() == "['values_of_mine.py']"
    module.unlink()
    assert told() == "['values_of_mine.py']"


def test_bytecode_that_a_command_left_is_not_run(
    load: Callable[..., Any], repo: Path, codex_home: Path, tmp_path: Path
) -> None:
    write(repo / "codex.config.py", 'import values_of_ours\nconfig = {"config": {"model": values_of_ours.MODEL}}')
    module = write(repo / "values_of_ours.py", "MODEL = 'a'\n")
    evil = write(tmp_path / "evil.py", "MODEL = 'b'\n")
    os.utime(evil, ns=(module.stat().st_atime_ns, module.stat().st_mtime_ns))
    compiled = repo / "__pycache__" / f"values_of_ours.{__import__('sys').implementation.cache_tag}.pyc"
    compiled.parent.mkdir()
    py_compile.compile(str(evil), cfile=str(compiled), dfile=str(module))
    assert load().client_options() == {"config": {"model": "a"}}


def test_a_project_cannot_stand_in_for_a_module_of_python_s(
    load: Callable[..., Any], repo: Path, codex_home: Path, tmp_path: Path
) -> None:
    mark = tmp_path / "ran"
    write(repo / "codex.config.py", "config = {}")
    write(repo / "colorsys.py", MARK.format(str(mark)))
    code = "import sys; from codex_cffi import config_file; config_file.load(sys.argv[1], trust=True); import colorsys; print(colorsys)"
    done = run_python(code, repo, env={"CODEX_HOME": str(codex_home)})
    assert str(repo) not in done.stdout
    assert not mark.exists()


def test_a_link_is_what_it_leads_to_now(load: Callable[..., Any], repo: Path, tmp_path: Path) -> None:
    one = write(tmp_path / "one.py", 'config = {"config": {"model": "a"}}')
    two = write(tmp_path / "two.py", 'config = {"config": {"model": "b"}}')
    (repo / "codex.config.py").symlink_to(one)
    load()
    assert load(trust=False).client_options() == {"config": {"model": "a"}}
    (repo / "codex.config.py").unlink()
    (repo / "codex.config.py").symlink_to(two)
    with pytest.raises(ConfigFileNotTrustedError):
        load(trust=False)


@pytest.mark.parametrize("kind", ["fifo", "directory", "device", "endless"])
def test_what_is_no_file_is_refused_and_waits_for_nobody(load: Callable[..., Any], repo: Path, kind: str) -> None:
    path = repo / "codex.config.py"
    match kind:
        case "fifo":
            os.mkfifo(path)
        case "directory":
            path.mkdir()
        case "device":
            path.symlink_to("/dev/zero")
        case "endless":
            path.write_bytes(b"#" * (2 << 20))
    with pytest.raises(ConfigFileError, match="cannot be read"):
        load()


def test_what_is_kept_is_the_user_s_alone(load: Callable[..., Any], repo: Path, codex_home: Path) -> None:
    path = write(repo / "codex.config.py", "config = {}")
    load()
    kept = [codex_home / "trusted_files.json", *(codex_home / "trusted_files").iterdir()]
    assert {stat.S_IMODE(file.stat().st_mode) for file in kept} == {0o600}
    assert stat.S_IMODE((codex_home / "trusted_files").stat().st_mode) == 0o700
    assert config_file.trusted(codex_home) == [path]
    assert config_file.forget(repo, codex_home)
    assert not config_file.forget(repo, codex_home)
    assert list((codex_home / "trusted_files").iterdir()) == []
    with pytest.raises(ConfigFileNotTrustedError):
        load(trust=False)


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"files": []}', '{"files": {"x": 1}}'])
def test_a_damaged_list_trusts_nothing(load: Callable[..., Any], repo: Path, codex_home: Path, damage: str) -> None:
    write(repo / "codex.config.py", "config = {}")
    load()
    (codex_home / "trusted_files.json").write_text(damage)
    with pytest.raises(ConfigFileNotTrustedError):
        load(trust=False)
    load()
    assert load(trust=False).sources == [str(repo / "codex.config.py")]


def test_a_command_of_the_agent_cannot_trust(
    load: Callable[..., Any], repo: Path, codex_home: Path, make_codex: MakeCodex
) -> None:
    write(repo / "codex.config.py", "config = {}")
    load()
    with ScriptedModel(
        [[shell(f"echo '{{}}' > {codex_home}/trusted_files.json; touch {codex_home}/trusted_files/x")], "done"]
    ) as model:
        make_codex(model).start_thread(working_directory=repo, sandbox_mode="workspace-write").run("go")
    assert json.loads((codex_home / "trusted_files.json").read_text())["files"]
    assert len(list((codex_home / "trusted_files").iterdir())) == 1


# ---- for a whole process


def test_a_script_s_clients_have_it_besides_their_own(repo: Path, codex_home: Path) -> None:
    write(
        repo / "codex.config.py",
        'def one(): "One."\nconfig = {"tools": [one], "config": {"model": "gpt-5.4", "instructions": "mine"}}',
    )
    code = """
        import sys
        from codex_cffi import Codex, config_file, tool
        from codex_cffi.testing import ScriptedModel

        @tool
        def two() -> None:
            "Two."

        config_file.apply(config_file.load(sys.argv[1], codex_home=sys.argv[2], trust=True))
        with ScriptedModel(default="done") as model:
            with Codex(codex_home=sys.argv[2], tools=[two], config={**model.provider_config(), "model": "gpt-5.5"}) as codex:
                codex.start_thread(working_directory=sys.argv[1]).run("go")
            names = [tool.get("name") for tool in model.last_request.body["tools"]]
            print([name for name in names if name in ("one", "two")], model.last_request.body["model"])
    """
    done = run_python(textwrap.dedent(code), repo, codex_home)
    assert done.stdout.strip() == "['one', 'two'] gpt-5.5", done.stderr


def test_a_mistake_in_the_options_of_a_client() -> None:
    for kind in (Codex, AsyncCodex):
        with pytest.raises(TypeError, match="interceptors must be a Interceptor"):
            kind(interceptors=[print])


def test_git_is_not_run(load: Callable[..., Any], repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose configuration may name programs."""
    write(repo / "codex.config.py", "config = {}")
    monkeypatch.setattr(subprocess, "Popen", None)
    assert load().sources == [str(repo / "codex.config.py")]
