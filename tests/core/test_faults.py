"""What goes wrong around the engine, with the model's server or with the disk: typed errors in bounded time, and nothing lost that was done.

What comes of each single fault is in `test_fault_table.py`.
"""

from __future__ import annotations

import logging
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from disks import fill, small_disks

from codex_cffi import (
    AgentMessage,
    CodexTimeoutError,
    CommandExecution,
    ConfigError,
    EngineError,
    EngineIOError,
    TurnFailedError,
    UserMessage,
    WarningEvent,
)
from codex_cffi.testing import (
    ScriptedModel,
    delay,
    disconnect,
    drip,
    empty_body,
    failed,
    hang_up,
    malformed_event,
    raw,
    server_error,
    shell,
    stall,
    text,
    truncated_event,
    usage,
    wrong_content_type,
)
from support import MakeCodex, run_python, wait_until

#: Seconds after which a turn that should have failed by itself hangs.
HANGS = 30
EXEC = {"sourceKinds": ["exec"]}

# ---- the model's server ----------------------------------------------------------------------------------------------

FIRST = [text("first"), shell("true"), usage(input_tokens=7, output_tokens=1)]
DONE = [UserMessage, AgentMessage, CommandExecution]


@pytest.mark.parametrize(
    "fault",
    [[stall()], [text("so far"), stall()], [text("so far"), drip(0.01)], [delay(HANGS), text("late")]],
    ids=["silence", "silence in the stream", "drip", "slow first byte"],
)
def test_a_server_that_never_ends_is_left_at_the_deadline(make_codex: MakeCodex, repo: Path, fault: Any) -> None:
    with ScriptedModel([FIRST, fault], default="next") as model:
        thread = make_codex(model).start_thread(working_directory=repo, sandbox_mode="danger-full-access")
        with pytest.raises(CodexTimeoutError) as caught:
            thread.run("go", timeout=1)
        assert caught.value.turn is not None
        assert caught.value.turn.status == "interrupted"
        assert [type(item) for item in caught.value.turn.items][:3] == DONE
        assert thread.run("on", timeout=HANGS).final_response == "next"


@pytest.mark.parametrize("fault", [[stall()], [text("so far"), drip(0.01)]], ids=["silence", "drip"])
def test_a_server_that_never_ends_is_left_by_the_engine_after_its_idle_time(
    make_codex: MakeCodex, repo: Path, fault: Any
) -> None:
    with ScriptedModel([fault], default="next") as model:
        config = model.provider_config(stream_idle_timeout_ms=300)
        thread = make_codex(config=config).start_thread(working_directory=repo)
        with pytest.raises(TurnFailedError, match="idle timeout"):
            thread.run("go", timeout=HANGS)
        assert thread.run("on", timeout=HANGS).final_response == "next"


@pytest.mark.parametrize(
    "fault",
    [
        [text("abcdef", deltas=6), disconnect(after_events=4)],
        [text("abcdef", deltas=6), disconnect(after_events=4, reset=True)],
        [raw(b"\xff\xfe\x00 garbage\n\n")],
        [truncated_event()],
        empty_body(),
        wrong_content_type(),
        hang_up(),
        server_error(503),
        [failed("rate_limit_exceeded", "Rate limit reached. Please try again in 0.2s.")],
    ],
    ids=["closed", "reset", "garbage", "truncated", "empty", "content type", "no answer", "503", "rate limit"],
)
def test_with_retries_the_engine_recovers(make_codex: MakeCodex, repo: Path, fault: Any) -> None:
    with ScriptedModel([FIRST, fault, "done"]) as model:
        config = model.provider_config(request_max_retries=2, stream_max_retries=2)
        thread = make_codex(config=config).start_thread(working_directory=repo, sandbox_mode="danger-full-access")
        turn = thread.run("go", timeout=HANGS)
        model.assert_done()
    assert turn.final_response == "done"
    assert [type(item) for item in turn.items][:3] == DONE


@pytest.mark.parametrize(
    ("fault", "response"),
    [
        ([malformed_event(), text("fine")], "fine"),
        ([raw("event: unheard.of\ndata: {}\n\n"), text("fine")], "fine"),
        ([raw("data: " + "x" * (8 << 20) + "\n\n"), text("fine")], "fine"),
        ([text("y" * (8 << 20))], "y" * (8 << 20)),
        ([delay(1), text("fine")], "fine"),
        ([drip(0.01, count=20), text("fine")], "fine"),
    ],
    ids=["malformed", "unknown", "huge and malformed", "huge", "slow", "drip"],
)
def test_what_is_odd_but_no_fault_is_no_fault(make_codex: MakeCodex, repo: Path, fault: Any, response: str) -> None:
    with ScriptedModel([fault]) as model:
        thread = make_codex(model).start_thread(working_directory=repo)
        assert thread.run("go", timeout=HANGS).final_response == response


# ---- the disk --------------------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    with small_disks(tmp_path) as mount:
        yield mount


@pytest.mark.parametrize("size", ["16k", "200k", "1m"])
def test_a_disk_without_room_is_named_when_the_client_opens(
    make_codex: MakeCodex, small_disk: Callable[..., Path], size: str
) -> None:
    home = small_disk(size) / "home"
    with pytest.raises(EngineIOError, match=r"codex home .*/home: No space left"):
        make_codex(codex_home=home)


def test_a_disk_that_fills_up_costs_no_turn(make_codex: MakeCodex, small_disk: Callable[..., Path], repo: Path) -> None:
    """The host is warned, the engine goes on in memory, and writes what it owes when there is room."""
    disk = small_disk("8m")
    with ScriptedModel(default="done") as model:
        codex = make_codex(model, codex_home=disk / "home")
        thread = codex.start_thread(working_directory=repo)
        thread.run("one")
        fill(disk / "filler")
        with thread.run_streamed("two", timeout=HANGS) as stream:
            events = list(stream)
        assert stream.turn.status == "completed"
        assert any(isinstance(event, WarningEvent) and "Failed to save" in event.message for event in events)
        (disk / "filler").unlink()
        assert thread.run("three", timeout=HANGS).status == "completed"
        codex.close()
        resumed = make_codex(model, codex_home=disk / "home").request("thread/resume", {"threadId": thread.id})
        inputs = [turn["items"][0]["content"][0]["text"] for turn in resumed["thread"]["turns"]]
        assert inputs == ["one", "two", "three"]


def test_files_that_may_not_grow_do_not_kill_the_process(tmp_path: Path, repo: Path) -> None:
    """RLIMIT_FSIZE sends SIGXFSZ, which Python ignores, so writing fails; as it may on a quota."""
    code = """
import resource, sys
from codex_cffi import Codex
from codex_cffi.testing import ScriptedModel

with ScriptedModel(default="x" * 100_000) as model:
    with Codex(codex_home=sys.argv[1], isolated=True, config=model.provider_config()) as codex:
        thread = codex.start_thread(working_directory=sys.argv[2])
        resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))
        print([thread.run("go", timeout=30).status for _ in range(3)])
"""
    result = run_python(code, tmp_path / "home", repo, timeout=60)
    assert result.stdout == "['completed', 'completed', 'completed']\n", result.stderr
    assert result.returncode == 0


def test_a_home_that_is_read_only_is_named(make_codex: MakeCodex, small_disk: Callable[..., Path]) -> None:
    disk = small_disk("8m")
    make_codex(codex_home=disk / "home").close()
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    with pytest.raises(EngineIOError, match=r"codex home .*/home: Read-only"):
        make_codex(codex_home=disk / "home")
    with pytest.raises(EngineIOError, match=r"codex home .*/fresh: Read-only"):
        make_codex(codex_home=disk / "fresh")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_home_of_somebody_else_is_named(make_codex: MakeCodex, codex_home: Path) -> None:
    codex_home.mkdir(mode=0o500)
    with pytest.raises(EngineIOError, match=r"codex-home: Permission denied"):
        make_codex()


def test_a_home_that_is_a_file_is_named(make_codex: MakeCodex, codex_home: Path) -> None:
    codex_home.touch()
    with pytest.raises(EngineIOError, match=r"codex-home: it is a file, not a folder"):
        make_codex()
    with pytest.raises(EngineIOError, match=r"codex-home/below: Not a directory"):
        make_codex(codex_home=codex_home / "below")


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "garbage": lambda data: b"not a database" * 500,
    "cut off": lambda data: data[:5000],
    "empty": lambda data: b"",
    "overwritten": lambda data: data[:4096] + b"\xff" * (len(data) - 4096),
}


@pytest.mark.parametrize("how", DAMAGE)
@pytest.mark.parametrize("name", ["state_5", "logs_2", "goals_1", "memories_1"])
def test_a_damaged_database_is_rebuilt(
    make_codex: MakeCodex, repo: Path, codex_home: Path, name: str, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    with ScriptedModel(default="done") as model:
        with make_codex(model) as codex:
            old = codex.start_thread(working_directory=repo)
            old.run("go")
        database = codex_home / f"{name}.sqlite"
        assert not list(codex_home.glob("*-wal")), "closed"
        data = database.read_bytes()
        database.write_bytes(DAMAGE[how](data))
        with make_codex(model) as codex:
            new = codex.start_thread(working_directory=repo)
            assert new.run("go").final_response == "done"
            listed = {thread["id"] for thread in codex.request("thread/list", EXEC)["data"]}
            assert listed == {old.id, new.id}
            codex.request("thread/resume", {"threadId": old.id})
            # An empty file is a new database. The one of memories is opened in the background.
            kept = [] if how == "empty" else [DAMAGE[how](data)]
            backups = f"db-backups/*/{name}.sqlite"
            wait_until(lambda: len(list(codex_home.glob(backups))) == len(kept))
        assert [copy.read_bytes() for copy in codex_home.glob(backups)] == kept, "what was there is kept"


def test_a_damaged_database_is_told_in_the_log(
    make_codex: MakeCodex, codex_home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from codex_cffi import log

    codex_home.mkdir()
    (codex_home / "state_5.sqlite").write_bytes(b"not a database" * 500)
    with caplog.at_level(logging.WARNING, logger="codex_cffi"):
        log.set_level("warning")
        make_codex().close()
        deadline = time.monotonic() + HANGS
        while "db-backups" not in caplog.text:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    log.set_level("off")
    assert "state_5.sqlite was damaged and is made anew; the old one is" in caplog.text


def test_without_databases_the_engine_works(make_codex: MakeCodex, repo: Path, codex_home: Path) -> None:
    (codex_home / "state_5.sqlite").mkdir(parents=True)
    with ScriptedModel(default="done") as model:
        codex = make_codex(model)
        thread = codex.start_thread(working_directory=repo)
        assert thread.run("go").final_response == "done"
        assert [entry["id"] for entry in codex.request("thread/list", EXEC)["data"]] == [thread.id]


def _middle(data: bytes) -> bytes:
    half = len(data) // 2
    return data[:half] + b"\xff\xff{" + data[half + 300 :]


#: What is done to the file, and what the user said in what is left; None where nothing can be.
SESSIONS: dict[str, tuple[Callable[[bytes], bytes], list[str] | None]] = {
    "garbage": (lambda data: b"\x00\xff" * 500, None),
    "empty": (lambda data: b"", None),
    "another file": (lambda data: b'{"a":1}\n' * 5, None),
    "beginning gone": (lambda data: data[50:], None),
    "middle gone": (_middle, ["one", "two"]),
    "end gone": (lambda data: data[:-40], ["one", "two"]),
    "zeros at the end": (lambda data: data + b"\0" * 4096, ["one", "two"]),
}


@pytest.mark.parametrize("how", SESSIONS)
def test_a_damaged_session_is_named_or_resumed_as_far_as_it_goes(
    make_codex: MakeCodex, repo: Path, codex_home: Path, how: str
) -> None:
    damage, left = SESSIONS[how]
    with ScriptedModel(default="done") as model:
        with make_codex(model) as codex:
            thread = codex.start_thread(working_directory=repo)
            thread.run("one")
            thread.run("two")
        (session,) = codex_home.glob("sessions/**/*.jsonl")
        session.write_bytes(damage(session.read_bytes()))
        codex = make_codex(model)
        resume = {"threadId": thread.id}
        if left is not None:
            turns = codex.request("thread/resume", resume, timeout=HANGS)["thread"]["turns"]
            assert [turn["items"][0]["content"][0]["text"] for turn in turns] == left
        else:
            with pytest.raises(EngineError, match=session.name):
                codex.request("thread/resume", resume, timeout=HANGS)
        assert codex.start_thread(working_directory=repo).run("go").status == "completed"


# ---- files of the user -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"model = ", r"config\.toml is not valid TOML: (?s:.*)line 1"),
        (b"model = 'x'\nmodel = 'y'\n", r"config\.toml is not valid TOML: (?s:.*)line 2"),
        (
            b"approval_policy = 'sometimes'",
            r"config\.toml:1:1: `approval_policy` cannot be read, and is not left out because .*: unknown variant `sometimes`",
        ),
        (b"\xff\xfe", r"cannot read .*config\.toml: stream did not contain valid UTF-8"),
        (None, r"cannot read .*config\.toml: Is a directory"),
    ],
    ids=["cut off", "twice", "bad value", "no text", "folder"],
)
def test_a_broken_config_file_is_named_with_its_line(
    make_codex: MakeCodex, codex_home: Path, content: bytes | None, match: str
) -> None:
    codex_home.mkdir()
    file = codex_home / "config.toml"
    if content is None:
        file.mkdir()
    else:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=match):
        make_codex(isolated=False)
    make_codex(isolated=True)


@pytest.mark.parametrize(
    "content", [b"{", b"[]", b"\xff", b"", b'{"OPENAI_API_KEY": {"sk-secret": 1}}', None], ids=repr
)
def test_a_broken_login_is_named_where_it_is_needed(
    make_codex: MakeCodex, codex_home: Path, repo: Path, content: bytes | None
) -> None:
    codex_home.mkdir()
    file = codex_home / "auth.json"
    if content is None:
        file.mkdir()
    else:
        file.write_bytes(content)
    with pytest.raises(
        ConfigError, match=r"cannot read .*auth\.json: .*; log in anew with codex login, delete it"
    ) as caught:
        make_codex()
    assert "sk-secret" not in str(caught.value)
    with ScriptedModel(["one", "two"]) as model:
        with_key = make_codex(base_url=model.base_url, api_key="sk-test")
        assert with_key.start_thread(working_directory=repo).run("go").final_response == "one"
        elsewhere = make_codex(model)
        assert elsewhere.start_thread(working_directory=repo).run("go").final_response == "two"


@pytest.mark.parametrize(
    "name", ["models_cache.json", "session_index.jsonl", "history.jsonl", "installation_id", "AGENTS.md"]
)
def test_other_files_that_are_broken_do_no_harm(make_codex: MakeCodex, repo: Path, codex_home: Path, name: str) -> None:
    codex_home.mkdir()
    (codex_home / name).write_bytes(b"{{")
    with ScriptedModel(["done"]) as model:
        thread = make_codex(model, isolated=False).start_thread(working_directory=repo)
        assert thread.run("go").final_response == "done"


# ---- limits of the process -------------------------------------------------------------------------------------------


def test_without_descriptors_nothing_hangs_and_later_all_is_well(tmp_path: Path, repo: Path) -> None:
    code = """
import os, resource, sys
from codex_cffi import Codex, CodexError
from codex_cffi.testing import ScriptedModel

with ScriptedModel(default="done") as model:
    options = dict(codex_home=sys.argv[1], isolated=True, config=model.provider_config())
    with Codex(**options) as codex:
        thread = codex.start_thread(working_directory=sys.argv[2])
        thread.run("go")
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 2, hard))
        for use in (lambda: Codex(**{**options, "codex_home": sys.argv[1] + "2"}).close(), lambda: thread.run("go", timeout=20)):
            try:
                use()
            except (CodexError, OSError):
                pass  # as it likes, if only it ends
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        print(thread.run("go", timeout=20).status)
"""
    result = run_python(code, tmp_path / "home", repo, timeout=60)
    assert result.returncode == 0, result.stderr
    assert result.stdout == "completed\n"
