"""The command as a whole: how it explains itself, what it loads for that, how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from codex_cffi.cli._app import COMMANDS
from codex_cffi.cli._exit import Exit
from codex_cffi.testing import ScriptedModel, http_error, rate_limited, shell, stall, structured, text, unauthorized
from support import wait_until
from support.command import Command

HEAVY = ("codex_cffi._capi", "codex_cffi.client", "textual", "pydantic", "acp", "asyncio")


def loaded(words: list[str]) -> list[str]:
    """The heavy modules that a command line loads."""
    code = f"import sys; from codex_cffi.cli import main\nmain({words!r})\nprint([m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    return list(json.loads(done.stderr.strip().splitlines()[-1].replace("'", '"')))


@pytest.mark.parametrize(
    "words", [["--version"], ["--help"], [], *([name, "--help"] for name in COMMANDS)], ids=" ".join
)
def test_explaining_itself_loads_no_engine(words: list[str]) -> None:
    assert loaded(words) == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_with_examples(command: Command, name: str) -> None:
    done = command(name, "--help")
    assert done.returncode == 0
    assert f"codex-cffi {name}" in done.stdout
    assert "For example:" in done.stdout


def test_all_commands_are_listed(command: Command) -> None:
    shown = command("--help").stdout
    places = [shown.index(f"│ {name} ") for name in COMMANDS]
    assert places == sorted(places)
    assert command().stdout == shown


def test_the_version(command: Command) -> None:
    from codex_cffi import __version__

    assert command("--version").stdout == f"codex-cffi {__version__}\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["rnu"], 'Did you mean "run"?'),
        (["run", "--modle", "x"], "Did you mean --model?"),
        (["run", "--sandbox", "none", "go"], "danger-full-access"),
        (["run", "--timeout", "soon", "go"], "soon"),
        (["run"], "standard input is empty"),
        (["run", ""], "the prompt is empty"),
        (["run", "--resume", "x", "--last", "go"], "exclude each other"),
        (["run", "--fork", "go"], "--fork needs"),
        (["run", "--cd", "/nonexistent", "go"], "there is no folder"),
        (["run", "--image", "nothing.png", "go"], "there is no file nothing.png"),
        (["run", "--output-schema", "nothing.json", "go"], "nothing.json"),
        (["run", "-c", "nonsense", "go"], "key=value"),
        (["sessions", "shwo"], "show"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_command_line_is_told_and_ends_with_2(command: Command, words: list[str], said: str) -> None:
    done = command(*words)
    assert (done.returncode, done.stdout) == (Exit.USAGE, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_outside_of_a_repository(command: Command, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    with ScriptedModel(default="done") as model:
        command.use(model)
        done = command("run", "go", cwd=outside)
        assert done.returncode == Exit.CONFIGURATION
        assert "--skip-git-repo-check" in done.stderr
        assert command("run", "--skip-git-repo-check", "go", cwd=outside).returncode == 0


def test_without_a_key(command: Command) -> None:
    done = command("run", "go")
    assert done.returncode == Exit.AUTHENTICATION
    assert "codex-cffi login" in done.stderr


def test_a_refused_key(command: Command) -> None:
    with ScriptedModel(default=unauthorized()) as model:
        command.use(model)
        done = command("run", "go")
    assert done.returncode == Exit.AUTHENTICATION
    assert "codex-cffi login" in done.stderr


def test_a_failed_turn(command: Command) -> None:
    with ScriptedModel([http_error(400, "bad thing")]) as model:
        command.use(model)
        done = command("run", "go")
    assert (done.returncode, done.stdout) == (Exit.FAILED, "")
    assert "bad thing" in done.stderr


def test_a_broken_configuration(command: Command) -> None:
    command.home.mkdir()
    (command.home / "config.toml").write_text("model = [")
    done = command("run", "go")
    assert done.returncode == Exit.CONFIGURATION
    assert "config.toml" in done.stderr


def test_time_is_up(command: Command) -> None:
    with ScriptedModel([stall()]) as model:
        command.use(model)
        done = command("run", "--timeout", "1", "go")
    assert done.returncode == Exit.TIMEOUT


def test_an_answer_with_a_schema(command: Command, tmp_path: Path) -> None:
    schema = tmp_path / "schema.json"
    schema.write_text(
        '{"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": false}'
    )
    answer = tmp_path / "answer.txt"
    with ScriptedModel([[structured({"n": 1})], "no number"]) as model:
        command.use(model)
        done = command("run", "--output-schema", str(schema), "-o", str(answer), "go")
        assert (done.returncode, json.loads(done.stdout), json.loads(answer.read_text())) == (0, {"n": 1}, {"n": 1})
        assert command("run", "--output-schema", str(schema), "go").returncode == Exit.SCHEMA


def test_last_without_a_session(command: Command) -> None:
    with ScriptedModel(default="done") as model:
        command.use(model)
        done = command("run", "--last", "go")
    assert done.returncode == Exit.FAILED
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, Exit.INTERRUPTED), (signal.SIGTERM, Exit.TERMINATED)])
@pytest.mark.parametrize("form", ["", "--json"])
def test_a_signal_stops_the_turn_and_its_commands(command: Command, number: int, status: Exit, form: str) -> None:
    with ScriptedModel([[shell("touch began; sleep 300", yield_time_ms=20000)], "done"]) as model:
        command.use(model)
        words = [word for word in ("run", form, "--sandbox", "danger-full-access", "go") if word]
        process = subprocess.Popen(
            command.line(*words),
            cwd=command.folder,
            env=command.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        wait_until(lambda: (command.folder / "began").exists())
        process.send_signal(number)
        output, _ = process.communicate(timeout=60)
        assert process.returncode == status
        if form:
            assert json.loads(output.splitlines()[-1])["type"] == "turn.failed"
    wait_until(lambda: not sleeping(command.folder))


def sleeping(folder: Path) -> list[str]:
    """Processes that still work in a folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if os.readlink(entry / "cwd") == str(folder):
                    found.append(entry.name)
            except OSError:
                continue
    return found


def test_a_reader_that_has_seen_enough(command: Command) -> None:
    with ScriptedModel(default=[text("line\n" * 20000)]) as model:
        command.use(model)
        line = " ".join(command.line("run", "--json=full", "go"))
        done = subprocess.run(
            ["bash", "-c", f"{line} | head -1"],
            cwd=command.folder,
            env=command.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert json.loads(done.stdout)["type"] == "thread.started"
    assert done.stderr == ""


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_any_encoding(command: Command, encoding: str) -> None:
    with ScriptedModel(default="naïve 日本 ✔") as model:
        command.use(model)
        done = command("run", "go", env={"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}, encoding=encoding)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "naïve 日本 ✔\n".encode(encoding, "replace").decode(encoding)


def test_what_is_piped_in_is_added(command: Command) -> None:
    with ScriptedModel(default="done") as model:
        command.use(model)
        command("run", "Review this", input="a diff\n")
        assert model.last_request.user_texts[-1] == "Review this\n\n<stdin>\na diff\n</stdin>"
        command("run", "-", input="All of it\n")
        assert model.last_request.user_texts[-1] == "All of it\n"
        command("run", input="All of it\n")
        assert model.last_request.user_texts[-1] == "All of it\n"


def test_a_pipe_that_stays_open_and_empty_keeps_nobody_waiting(command: Command) -> None:
    reader, writer = os.pipe()
    try:
        with ScriptedModel(default="done") as model:
            command.use(model)
            assert command("run", "go", stdin=reader, timeout=60).stdout == "done\n"
            assert model.last_request.user_texts[-1] == "go"
    finally:
        os.close(reader)
        os.close(writer)


def test_nothing_but_the_answer_on_standard_output(command: Command) -> None:
    with ScriptedModel([[text("Looking."), shell("echo hi")], "The answer."]) as model:
        command.use(model)
        done = command("run", "--sandbox", "danger-full-access", "go")
    assert done.stdout == "The answer.\n"
    assert "Looking." in done.stderr
    assert "exit 0" in done.stderr
    assert "\x1b" not in done.stderr


def test_colours_where_they_are_asked_for(command: Command) -> None:
    with ScriptedModel([[shell("echo hi")], "done"] * 2) as model:
        command.use(model)
        assert "\x1b[" in command("run", "--color", "always", "go").stderr
        assert "\x1b[3" not in command("run", "--color", "always", "go", env={"NO_COLOR": "1"}).stdout


def test_waiting_for_a_provider_is_told(command: Command) -> None:
    with ScriptedModel([rate_limited(retry_after=1), "done"]) as model:
        command.use(model)
        done = command("run", "-c", "request_max_retries=2", "go")
    assert done.stdout == "done\n", done.stderr
    assert "429" in done.stderr
