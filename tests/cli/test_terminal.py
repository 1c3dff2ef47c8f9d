"""The command at a terminal, by a pseudo-terminal: questions, answers, what is drawn."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from codex_cffi.cli._markdown import MarkdownStream
from codex_cffi.testing import ScriptedModel, apply_patch, shell, text
from support.command import Command

PATCH = "*** Begin Patch\n*** Add File: new.txt\n+hello\n*** End Patch"


class Terminal:
    """A process at the other end of a terminal."""

    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        self._process = process
        self._master = master
        self.shown = ""

    def until(self, text: str, seconds: float = 60) -> None:
        """Reads until a text was shown."""
        deadline = time.monotonic() + seconds
        while text not in self.shown:
            assert time.monotonic() < deadline, self.shown
            assert self.read(), self.shown

    def read(self) -> bool:
        """Reads what there is; whether there was any."""
        try:
            data = os.read(self._master, 65536)
        except OSError:  # EIO: the other end is closed
            return False
        self.shown += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", data.decode(errors="replace"))
        return bool(data)

    def type(self, line: str) -> None:
        """Types a line."""
        os.write(self._master, f"{line}\n".encode())

    def end(self) -> int:
        """Reads to the end; gives the exit status."""
        while self.read():
            pass
        return self._process.wait(60)


@contextmanager
def terminal(command: Command, *words: str, **env: str) -> Iterator[Terminal]:
    master, slave = pty.openpty()
    process = subprocess.Popen(
        command.line(*words),
        cwd=command.folder,
        env=command.environment(**{"TERM": "xterm-256color", **env}),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    try:
        yield Terminal(process, master)
    finally:
        process.kill()
        process.wait()
        os.close(master)


@pytest.mark.parametrize(
    ("typed", "made", "status"),
    [(["y"], True, 0), (["s"], True, 0), (["n not there"], False, 0), (["?", "y"], True, 0), (["a"], False, 0)],
    ids=["yes", "session", "no", "asked again", "abort"],
)
def test_a_command_is_asked_about_whole(
    command: Command, tmp_path: Path, typed: list[str], made: bool, status: int
) -> None:
    outside = tmp_path / "outside"
    ask = shell(f"touch {outside}", sandbox_permissions="require_escalated", justification="I must")
    with ScriptedModel([[ask], "done"]) as model:
        command.use(model)
        with terminal(command, "run", "go") as screen:
            for line in typed:
                screen.until("n: no")
                screen.type(line)
                screen.until(line)
                screen.shown = screen.shown.replace("n: no", "", 1)
            ended = screen.end()
        assert f"touch {outside}" in screen.shown
        assert "I must" in screen.shown
        if typed == ["n not there"]:
            assert "not there" in str(model.last_request.body)
    assert outside.exists() is made
    assert (ended != 0) is (typed == ["a"])


def test_a_change_is_asked_about_with_its_diff(command: Command) -> None:
    with ScriptedModel([[apply_patch(PATCH)], "done"]) as model:
        command.use(model)
        with terminal(command, "run", "--sandbox", "read-only", "go") as screen:
            screen.until("n: no")
            assert "+hello" in screen.shown
            assert not (command.folder / "new.txt").exists()
            screen.type("y")
            assert screen.end() == 0
    assert (command.folder / "new.txt").read_text() == "hello\n"


def test_an_answer_is_formatted_as_it_comes(command: Command) -> None:
    said = "# Title\n\nSome **bold** words.\n\n- one\n- two\n\n```python\nprint(1)\n```\n\nEnd."
    with ScriptedModel([[text(said, deltas=30)]]) as model:
        command.use(model)
        with terminal(command, "run", "go") as screen:
            assert screen.end() == 0
    assert "**bold**" not in screen.shown.rpartition("Some bold words.")[2]
    for part in ("Title", "Some bold words.", "print(1)", "End."):
        assert part in screen.shown


def test_a_simple_terminal_gets_plain_lines(command: Command) -> None:
    with ScriptedModel([[text("Looking."), shell("echo hi")], "The **answer**."]) as model:
        command.use(model)
        with terminal(command, "run", "--sandbox", "danger-full-access", "go", TERM="dumb") as screen:
            assert screen.end() == 0
    lines = [line.strip() for line in screen.shown.splitlines()]
    for line in ("agent: Looking.", "hi", "the command ended with 0", "agent: The **answer**."):
        assert line in lines


def test_what_an_agent_says_does_nothing_to_the_terminal(command: Command) -> None:
    evil = "\x1b]0;owned\x07\x1b[2J\x1b[31mred"
    with ScriptedModel([[text(evil), shell(f"printf '{evil}'")], evil]) as model:
        command.use(model)
        done = command("run", "--sandbox", "danger-full-access", "go")
    assert "red" in done.stderr
    assert "\x1b" not in done.stderr
    assert "\x07" not in done.stderr


def test_chat(command: Command) -> None:
    with ScriptedModel([[text("Hello *you*.", deltas=3), shell("echo hi")], "done", "again"]) as model:
        command.use(model)
        done = command("chat", "--sandbox", "danger-full-access", input="hi\n/status\n/nope\n\nmore\n/quit\n")
        assert model.last_request.user_texts[-2:] == ["hi", "more"]
    lines = done.stdout.splitlines()
    assert done.returncode == 0
    for line in ("agent: Hello *you*.", "  hi", "the command ended with 0", "agent: done", "agent: again"):
        assert line in lines
    assert "there is no /nope; /help lists what there is" in lines


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_blocks_are_written_once_and_whole(size: int) -> None:
    said = "One\ntwo\n\n- a\n- b\n\n```\nx\n\ny\n```\nafter\n\n~~~py\n\nz"
    stream = MarkdownStream()
    blocks = [stream.feed(said[at : at + size]) for at in range(0, len(said), size)]
    blocks.append(stream.finish())
    assert "".join(blocks) == said
    assert all(block.count("```") % 2 == 0 for block in blocks[:-1])
