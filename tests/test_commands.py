"""What commands print, and how long they take: whole characters wherever the output is told, cut or polled for, and the time of a command that ran."""

from __future__ import annotations

import re
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from codex_cffi import ApprovalRequest, CommandExecution, CommandOutputDelta, Deny, ItemCompleted, ItemStarted
from codex_cffi.testing import ScriptedModel, function_call, shell
from support import MakeCodex, need

#: Characters of two to four bytes, bytes that are no UTF-8, and one that does not come to its end.
PIECES = (
    "a\U0001f600b\u4e2d\u00e9c".encode()
    + b"\xff\xfe|\xe4\xb8|\xc0\xaf\xed\xa0\x80|\xf0\x9f\x98x"
    + "\u4e2d".encode()[:2]
)
TEXT = PIECES.decode("utf-8", "replace")
LONG = 400_000
WIDE = "\u4e2d"


def python(folder: Path, code: str) -> str:
    """A command that runs this code, in which `write` writes bytes."""
    program = "import os, sys, time\ndef write(data, to=1):\n    while data: data = data[os.write(to, data):]\n"
    (folder / "program.py").write_text(program + textwrap.dedent(code))
    return f"{sys.executable} {folder / 'program.py'}"


class Ran:
    """One command, and a line typed into it if it waits: what its deltas had, its item, and what the model got."""

    def __init__(self, make_codex: MakeCodex, folder: Path, command: str, **options: Any) -> None:
        def answer(request: Any) -> Any:
            session = re.search(r"session ID (\d+)", request.tool_output("call"))
            if session is None or "typed" in request.function_outputs or not options.get("tty"):
                return "done"
            typed = {"session_id": int(session[1]), "chars": "\n", "yield_time_ms": 20_000}
            return function_call("write_stdin", typed, call_id="typed")

        options = {"login": False, "yield_time_ms": 20_000, "call_id": "call", **options}
        with ScriptedModel([shell(command, **options)], default=answer) as model:
            codex = make_codex(model)
            thread = codex.start_thread(working_directory=folder, sandbox_mode="danger-full-access")
            deltas = []
            with thread.run_streamed("go", timeout=60) as stream:
                for event in stream:
                    if isinstance(event, CommandOutputDelta):
                        deltas.append(event.delta)
            outputs = model.last_request.function_outputs
        self.streamed = "".join(deltas)
        (self.item,) = [item for item in stream.turn.items if isinstance(item, CommandExecution)]
        self.kept = self.item.aggregated_output or ""
        self.told = [str(output).split("Output:\n", 1)[1] for output in outputs.values()]


BYTES = """
for number in range(len(PIECES)):
    write(PIECES[number:number + 1])
    time.sleep(0.01)
"""


def test_bytes_that_come_one_by_one(make_codex: MakeCodex, repo: Path) -> None:
    ran = Ran(make_codex, repo, python(repo, f"PIECES = {PIECES!r}" + BYTES))
    assert ran.streamed == TEXT
    assert ran.kept == TEXT
    assert ran.told == [TEXT]


def test_bytes_in_a_terminal(make_codex: MakeCodex, repo: Path) -> None:
    ran = Ran(make_codex, repo, python(repo, f"PIECES = {PIECES!r}" + BYTES), tty=True)
    assert (ran.streamed, ran.kept, ran.told) == (TEXT, TEXT, [TEXT])


def test_both_streams_at_once(make_codex: MakeCodex, repo: Path) -> None:
    """A character of one stream is not mixed up with one of the other."""
    code = """
    one, other = "\\u4e2d".encode(), "\\U0001f600".encode()
    for _ in range(50):
        write(one[:1], 1); write(other[:2], 2); write(one[1:], 1); write(other[2:], 2)
    """
    ran = Ran(make_codex, repo, python(repo, code))
    for told in (ran.streamed, ran.kept, *ran.told):
        assert sorted(told) == sorted("\u4e2d\U0001f600" * 50)


def test_a_long_text_in_pieces_of_any_length(make_codex: MakeCodex, repo: Path) -> None:
    code = f"""
    text = ("x" + "{WIDE}" * {LONG // 12}).encode()
    for at in range(0, len(text), 8191):
        write(text[at:at + 8191])
    """
    ran = Ran(make_codex, repo, python(repo, code), max_output_tokens=LONG)
    whole = "x" + WIDE * (LONG // 12)
    assert ran.streamed == whole
    assert ran.kept == whole
    assert "\ufffd" not in ran.told[0]


@pytest.mark.parametrize("before", range(3))
def test_what_is_cut_is_cut_between_characters(make_codex: MakeCodex, repo: Path, before: int) -> None:
    """More than the engine keeps, with the cut at each place of a character."""
    code = f"""
    write(b"x" * {before} + "{WIDE}".encode() * {LONG * 2} + b"end")
    """
    ran = Ran(make_codex, repo, python(repo, code), max_output_tokens=LONG)
    for kept in (ran.kept, ran.told[0]):
        assert "\ufffd" not in kept
        assert kept.count(WIDE) > 1000
        assert kept.endswith(WIDE + "end")
    assert re.search(r"\.\.\. \d+ bytes omitted \.\.\.", ran.kept)
    assert set(ran.streamed) <= set("x" + WIDE + "end")


@pytest.mark.parametrize("tokens", [1, 7, 100, 333])
def test_few_tokens(make_codex: MakeCodex, repo: Path, tokens: int) -> None:
    ran = Ran(make_codex, repo, python(repo, f"write('{WIDE}\\U0001f600'.encode() * 3000)"), max_output_tokens=tokens)
    assert "tokens truncated" in ran.told[0]
    assert "\ufffd" not in ran.told[0]


def test_a_character_between_two_polls(make_codex: MakeCodex, repo: Path) -> None:
    """Its first byte is there when the call ends, the others when it is polled for."""
    code = f"""
    os.system("stty -echo")
    write("a{WIDE}".encode()[:2]); sys.stdin.readline(); write("{WIDE}b".encode()[1:]); time.sleep(0.2)
    """
    ran = Ran(make_codex, repo, python(repo, code), yield_time_ms=1000, tty=True)
    told = "".join(ran.told).replace("\r", "").replace("\n", "")
    assert told == f"a{WIDE}b"
    assert ran.kept.replace("\r\n", "") == f"a{WIDE}b"
    assert "\ufffd" not in ran.streamed


def test_in_code_mode(make_codex: MakeCodex, repo: Path) -> None:
    from codex_cffi.testing import custom_tool_call

    command = python(repo, f"PIECES = {PIECES!r}" + BYTES)
    source = f"const done = await tools.exec_command({{ cmd: {command!r}, login: false, yield_time_ms: 20000 }}); text(done.output)"
    with ScriptedModel([[custom_tool_call("exec", source, call_id="call")], "done"]) as model:
        thread = make_codex(model).start_thread(
            working_directory=repo, sandbox_mode="danger-full-access", model="gpt-5.6-sol"
        )
        turn = thread.run("go", timeout=60)
        assert TEXT in model.last_request.tool_output("call")
    (item,) = [item for item in turn.items if isinstance(item, CommandExecution)]
    assert item.aggregated_output == TEXT


def test_commands_of_the_program(make_codex: MakeCodex, repo: Path) -> None:
    """`command/exec`, also where it is cut within a character."""
    python(repo, f"PIECES = {PIECES!r}" + BYTES)
    command = [sys.executable, str(repo / "program.py")]
    params: dict[str, Any] = {"command": command, "sandboxPolicy": {"type": "dangerFullAccess"}}
    codex = make_codex()
    assert codex.request("command/exec", params)["stdout"] == TEXT
    assert [codex.request("command/exec", {**params, "outputBytesCap": limit})["stdout"] for limit in (3, 5, 6)] == [
        "a",
        "a\U0001f600",
        "a\U0001f600b",
    ]


def test_commands_of_the_user(make_codex: MakeCodex, repo: Path) -> None:
    """`thread/shellCommand`, beside a command of the agent's that waits for it."""
    command = python(repo, f"PIECES = {PIECES!r}" + BYTES)
    wait = shell("while [ ! -e go ]; do sleep 0.05; done", login=False, yield_time_ms=20_000)
    deltas: list[str] = []
    of_user = ""
    with ScriptedModel([[wait], "done"]) as model:
        codex = make_codex(model)
        thread = codex.start_thread(working_directory=repo, sandbox_mode="danger-full-access")
        with thread.run_streamed("go", timeout=60) as stream:
            for event in stream:
                match event:
                    case ItemStarted(item=CommandExecution(source="userShell", id=id)):
                        of_user = id
                    case ItemStarted(item=CommandExecution()):
                        codex.request("thread/shellCommand", {"threadId": thread.id, "command": command})
                    case CommandOutputDelta(item_id=item_id, delta=delta) if item_id == of_user:
                        deltas.append(delta)
                    case ItemCompleted(item=CommandExecution(source="userShell") as item):
                        (repo / "go").touch()
    assert "".join(deltas) == TEXT
    assert item.aggregated_output == TEXT
    assert item.duration_ms
    assert item.duration_ms > 0


def test_every_command_has_taken_time(make_codex: MakeCodex, repo: Path) -> None:
    """Short ones, one in the background that is polled for, one that fails, one that is not there."""
    commands = ["true", ":", "false", "echo x", "exit 3", "no-such-program", "printf ''", "cat /dev/null"] * 4
    steps = [[shell(command, login=False, yield_time_ms=20_000)] for command in commands]
    with ScriptedModel([*steps, "done"]) as model:
        thread = make_codex(model).start_thread(working_directory=repo, sandbox_mode="danger-full-access")
        turn = thread.run("go", timeout=120)
        walls = [
            re.search(r"Wall time: ([\d.]+) seconds", str(output))
            for output in model.last_request.function_outputs.values()
        ]
    items = [item for item in turn.items if isinstance(item, CommandExecution)]
    assert len(items) == len(commands)
    assert all(item.duration_ms and item.duration_ms > 0 for item in items), [item.duration_ms for item in items]
    assert all(wall and float(wall[1]) > 0 for wall in walls)


def test_a_command_that_waits_has_taken_that_long(make_codex: MakeCodex, repo: Path) -> None:
    """What the engine waits for before it looks after a command is part of its time."""
    for command in ("sleep 0.1", "sleep 0.4", "sleep 1.2"):
        ran = Ran(make_codex, repo, command)
        assert ran.item.duration is not None
        assert ran.item.duration >= float(command.split()[1])


def test_commands_in_the_sandbox_have_taken_time(make_codex: MakeCodex, repo: Path) -> None:
    need("bwrap", "bubblewrap")
    steps = [
        [shell(command, login=False, yield_time_ms=20_000)] for command in ("true", "touch made", "echo x; touch made")
    ]
    with ScriptedModel([*steps, "done"]) as model:
        thread = make_codex(model).start_thread(working_directory=repo, sandbox_mode="read-only")
        turn = thread.run("go", timeout=60)
    items = [item for item in turn.items if isinstance(item, CommandExecution)]
    assert [item.exit_code for item in items] == [0, 1, 1]
    assert all(item.duration_ms and item.duration_ms > 0 for item in items)


def test_a_declined_command_has_no_duration(make_codex: MakeCodex, repo: Path) -> None:
    def no(request: ApprovalRequest) -> Any:
        return Deny("no")

    with ScriptedModel(
        [[shell("touch made", login=False, sandbox_permissions="require_escalated", justification="x")], "done"]
    ) as model:
        codex = make_codex(model)
        thread = codex.start_thread(
            working_directory=repo, sandbox_mode="read-only", approval_mode="on-request", on_approval=no
        )
        turn = thread.run("go", timeout=60)
    (item,) = [item for item in turn.items if isinstance(item, CommandExecution)]
    assert item.status == "declined"
    assert item.duration_ms is None
