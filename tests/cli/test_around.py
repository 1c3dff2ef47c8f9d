"""The commands around the agent: sessions, logins, what there is, the project's files, the machine."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from codex_cffi.cli._exit import Exit
from codex_cffi.testing import ScriptedModel, function_call, shell, text
from support.command import Command

TOOL = "def owner(path: str) -> str:\n    'Who owns a file.'\n    return 'me'\n"


@pytest.fixture
def used(command: Command) -> str:
    """The id of a session that there is."""
    with ScriptedModel([[shell("echo needle", call_id="c")], "One."]) as model:
        command.use(model)
        done = command("run", "--json", "--sandbox", "danger-full-access", "the first question")
    return str(json.loads(done.stdout.splitlines()[0])["thread_id"])


def test_sessions(command: Command, used: str, tmp_path: Path) -> None:
    assert command("sessions").stdout == command("sessions", "list").stdout
    assert command("sessions").stdout.split("\t")[0] == used
    assert "the first question" in command("sessions").stdout
    (listed,) = json.loads(command("sessions", "--json").stdout)
    assert (listed["id"], listed["preview"]) == (used, "the first question")
    elsewhere = command("sessions", cwd=tmp_path)
    assert (elsewhere.stdout, elsewhere.returncode) == ("", 0)
    assert used in command("sessions", "--all", cwd=tmp_path).stdout

    shown = command("sessions", "show", used).stdout
    for part in ("> the first question", "needle", "One."):
        assert part in shown
    assert json.loads(command("sessions", "show", used, "--json").stdout)["turns"][0]["status"] == "completed"
    assert used in command("sessions", "search", "question").stdout

    assert command("sessions", "rename", used, "A name").returncode == 0
    assert "A name" in command("sessions").stdout
    assert command("sessions", "archive", used).returncode == 0
    assert command("sessions").stdout == ""
    assert used in command("sessions", "--archived").stdout
    assert command("sessions", "unarchive", used).returncode == 0
    assert command("sessions", "delete", used).returncode == Exit.FAILED
    assert used in command("sessions").stdout, "nobody was asked, so nothing was deleted"
    assert command("sessions", "delete", used, "--yes").returncode == 0
    assert command("sessions").stdout == ""


def test_a_session_that_there_is_not(command: Command) -> None:
    done = command("sessions", "show", "01a22df5-f22f-7f13-a520-c1d2aa9f369a")
    assert done.returncode == Exit.FAILED
    assert "01a22df5-f22f-7f13-a520-c1d2aa9f369a" in done.stderr


def test_a_session_goes_on_and_is_copied(command: Command, used: str) -> None:
    with ScriptedModel(["Two.", "Three."]) as model:
        command.use(model)
        events = [json.loads(line) for line in command("run", "--json", "--last", "second").stdout.splitlines()]
        assert events[0]["thread_id"] == used
        copied = [
            json.loads(line)
            for line in command("run", "--json", "--resume", used, "--fork", "third").stdout.splitlines()
        ]
        assert copied[0]["thread_id"] != used
        assert model.last_request.user_texts[-3:] == ["the first question", "second", "third"]


def test_logins(command: Command) -> None:
    assert command("status").returncode == Exit.AUTHENTICATION
    done = command("login", "--with-api-key", input="sk-of-a-test-0123456789\n")
    assert done.returncode == 0, done.stderr
    assert "sk-of-a-test" not in done.stdout + done.stderr
    assert command("status").returncode == 0
    assert json.loads(command("status", "--json").stdout)["kind"] == "apiKey"
    assert command("logout").returncode == 0
    assert command("status").returncode == Exit.AUTHENTICATION
    assert command("login", "--with-api-key", input="\n").returncode == Exit.AUTHENTICATION


def test_what_there_is(command: Command) -> None:
    names = [line.split("\t")[0] for line in command("models").stdout.splitlines()]
    assert [name for name in names if name.endswith(" (default)")] != []
    assert {model["id"] for model in json.loads(command("models", "--json").stdout)} == {
        name.removesuffix(" (default)") for name in names
    }
    assert command("mcp").stdout == ""
    limits = command("limits")
    assert limits.returncode == Exit.AUTHENTICATION
    assert "codex-cffi login" in limits.stderr


def test_the_project(command: Command) -> None:
    (command.folder / "codex.config.py").write_text(
        f"{TOOL}config = {{'tools': [owner], 'defaults': {{'run': {{'model': 'gpt-5.4'}}}}}}\n"
    )
    refused = command("tools")
    assert (refused.returncode, refused.stdout) == (Exit.CONFIGURATION, "")
    assert "codex-cffi trust" in refused.stderr
    asked = command("trust")
    assert asked.returncode == Exit.CONFIGURATION
    trusted = command("trust", "--yes")
    assert trusted.returncode == 0
    assert "Who owns a file." in trusted.stderr, "it is shown"
    assert command("trust", "list").stdout.strip() == str(command.folder / "codex.config.py")
    assert command("tools").stdout == "tool\towner\tWho owns a file.\n"
    (row,) = command("config", "project").stdout.splitlines()
    assert row.split("\t") == ["run", "model", "gpt-5.4", str(command.folder / "codex.config.py")]
    with ScriptedModel(default="done") as model:
        command.use(model)
        command("run", "go")
        assert model.last_request.body["model"] == "gpt-5.4"
        command("run", "--model", "gpt-5.5", "go")
        assert model.last_request.body["model"] == "gpt-5.5"
    assert command("trust", "forget", ".").returncode == 0
    assert command("tools").returncode == Exit.CONFIGURATION
    assert command("tools", "--no-project-config").stdout == ""


def test_a_mistake_in_the_project_s_file_is_shown_with_its_lines(command: Command) -> None:
    path = command.folder / "codex.config.py"
    path.write_text("config = {'defaults': {'run': {'modle': 'x'}}}\n")
    done = command("run", "--trust", "go")
    assert done.returncode == Exit.CONFIGURATION
    assert "did you mean model?" in done.stderr
    path.write_text("def inner():\n    return 1 / 0\nconfig = inner()\n")
    done = command("run", "--trust", "go")
    assert done.returncode == Exit.CONFIGURATION
    assert f'File "{path}", line 2, in inner' in done.stderr
    assert "config_file.py" not in done.stderr


def test_settings(command: Command) -> None:
    with ScriptedModel(default="done") as model:
        command.use(model)
        assert command("config", "set", "model_verbosity", "low").returncode == 0
        assert 'model_verbosity = "low"' in (command.home / "config.toml").read_text()
        assert json.loads(command("config").stdout)["model_verbosity"] == "low"
        assert json.loads(command("config", "-c", "model_verbosity=high").stdout)["model_verbosity"] == "high"
        (command.home / "work.config.toml").write_text('model_verbosity = "medium"\n')
        assert json.loads(command("config", "--profile", "work").stdout)["model_verbosity"] == "medium"
        assert command("config", "--profile", "gone").returncode == Exit.CONFIGURATION
        assert json.loads(command("config", "--ignore-user-config").stdout).get("model_verbosity") is None


def test_a_script(command: Command, tmp_path: Path) -> None:
    (command.folder / "codex.config.py").write_text(f"{TOOL}config = {{'tools': [owner]}}\n")
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\nfrom codex_cffi import Codex\nwith Codex() as codex:\n    print(sys.argv[1:], codex.start_thread().run('go').final_response)\n"
    )
    with ScriptedModel([[function_call("owner", {"path": "a"}, call_id="o")], "done"]) as model:
        command.use(model)
        done = command("python", "--trust", str(script), "--", "--since", "yesterday")
        assert model.last_request.tool_output("o") == "me"
    assert done.stdout == "['--since', 'yesterday'] done\n"


def test_a_script_s_clients_have_the_options_of_the_command(command: Command, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("from codex_cffi import Codex\nwith Codex() as codex:\n    codex.start_thread().run('go')\n")
    with ScriptedModel(default="done") as model:
        command.use(model)
        (command.home / "work.config.toml").write_text('model = "gpt-5.4"\n')
        done = command("python", "--profile", "work", "-c", "model_verbosity=high", str(script))
        assert done.returncode == 0, done.stderr
        assert model.last_request.body["model"] == "gpt-5.4"
        assert model.last_request.body["text"]["verbosity"] == "high"


@pytest.mark.parametrize("shell_name", ["bash", "zsh", "fish"])
def test_completion(command: Command, shell_name: str) -> None:
    script = command("completion", shell_name).stdout
    assert "sessions" in script
    assert "--sandbox" in script
    if shell_name == "bash":
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)


def test_the_doctor_of_a_machine_that_works(command: Command) -> None:
    with ScriptedModel(default="done") as model:
        command.use(model)
        done = command("doctor", "--json")
    findings = {finding["about"]: finding for finding in json.loads(done.stdout)}
    assert done.returncode == 0, done.stdout
    for about in (
        "library",
        "sandbox helper",
        "bwrap",
        "engine",
        "sandboxed command",
        "login",
        "model provider",
        "repository",
    ):
        assert findings[about]["state"] == "ok", findings[about]


def test_the_doctor_names_what_is_missing_and_what_to_do(command: Command) -> None:
    done = command("doctor", "--offline", env={"PATH": "/nowhere"})
    assert done.returncode == Exit.FAILED
    for part in ("bubblewrap", "apt-get install", "codex-cffi login"):
        assert part in done.stdout


def test_a_review(command: Command) -> None:
    (command.folder / "a.py").write_text("x = 1\n")
    found = {
        "findings": [
            {
                "title": "[P1] It is wrong",
                "body": "Because.",
                "confidence_score": 0.9,
                "priority": 1,
                "code_location": {
                    "absolute_file_path": str(command.folder / "a.py"),
                    "line_range": {"start": 1, "end": 1},
                },
            }
        ],
        "overall_correctness": "patch is incorrect",
        "overall_explanation": "See there.",
        "overall_confidence_score": 0.9,
    }
    with ScriptedModel(default=[text(json.dumps(found))]) as model:
        command.use(model)
        done = command("review")
        assert done.returncode == 0, done.stderr
        for part in ("It is wrong", "Because.", "a.py:1-1", "See there."):
            assert part in done.stdout
        assert command("review", "--fail-on", "1").returncode == Exit.FAILED
        assert command("review", "--fail-on", "0").returncode == 0
        (finding,) = json.loads(command("review", "--findings").stdout)["findings"]
        assert finding["start_line"] == 1
    assert command("review", "--base", "main", "--commit", "HEAD").returncode == Exit.USAGE
