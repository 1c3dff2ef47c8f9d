"""Session files with lines that cannot be read: each costs itself only, in lists, searches, reads, resumes and forks, and is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from codex_cffi import AsyncCodex, Codex, EngineError, sessions
from codex_cffi.events import WarningEvent
from codex_cffi.testing import ScriptedModel
from support import MakeCodex, wait_for_record

WORD = "marzipan"
TIME = "2027-01-01T00:00:00.000Z"


def record(kind: str, payload: Any) -> bytes:
    return json.dumps({"timestamp": TIME, "type": kind, "payload": payload}).encode() + b"\n"


def of_meta(change: Callable[[dict[str, Any]], None]) -> Callable[[list[bytes]], int]:
    """Changes a session's metadata."""

    def damage(lines: list[bytes]) -> int:
        meta = json.loads(lines[0])
        change(meta["payload"])
        lines[0] = json.dumps(meta).encode() + b"\n"
        return 1

    return damage


def middle(*new: bytes) -> Callable[[list[bytes]], int]:
    """Puts lines into the middle of a file."""

    def damage(lines: list[bytes]) -> int:
        place = len(lines) // 2
        lines[place:place] = new
        return place + 1

    return damage


def at(place: int, new: bytes) -> Callable[[list[bytes]], int]:
    """Puts a line somewhere."""

    def damage(lines: list[bytes]) -> int:
        lines.insert(place, new)
        return place + 1

    return damage


def last(lines: list[bytes]) -> int:
    lines.append(lines[-1][:20])
    return len(lines)


#: What happens to a file, which returns the line that cannot be read, and what is told of that.
DAMAGE: dict[str, tuple[Callable[[list[bytes]], int], str]] = {
    "a record of a newer program": (middle(record("world_line", {"x": 1})), "of a kind that this engine does not know: world_line"),
    "an event of a newer program": (middle(record("event_msg", {"type": "telepathy"})), "of a kind that this engine does not know: telepathy"),
    "an event of a known kind, otherwise": (middle(record("event_msg", {"type": "agent_message", "message": 5})), "expected a string"),
    "no object": (middle(record("event_msg", [1, 2])), ""),
    "a null line": (middle(b"null\n"), "it is no record"),
    "a number": (middle(b"42\n"), "it is no record"),
    "half a line": (middle(b'{"timestamp":"2027-01-01T00:0\n'), "it is no JSON"),
    "zeros, as after a power cut": (middle(b"\0" * 300 + b"\n"), "it is no JSON"),
    "deeper than anything": (middle(b'{"timestamp":"x","payload":' + b"[" * 5000 + b"]" * 5000 + b"}\n"), "it is no JSON"),
    "bytes that are no text": (middle(record("event_msg", {"type": "user_message", "message": "@@"}).replace(b"@@", b"\xff\xfe x")), "bytes that are no text"),
    "nonsense": (middle(b"\xff\xfe\xfd\n"), "it is no JSON"),
    "a foreign first line": (at(0, record("world_line", {"x": 1})), "world_line"),
    "nothing first": (at(0, b"null\n"), "it is no record"),
    "nonsense first": (at(0, b"\xff\xfe\n"), "it is no JSON"),
    "a foreign second line": (at(1, record("world_line", {"x": 1})), "world_line"),
    "half a line at the end": (last, "it is no JSON"),
    "a source of a newer program": (of_meta(lambda meta: meta.update(source={"teleport": 1}, newer={"x": 1})), "metadata, source cannot be read"),
    "metadata of other types": (of_meta(lambda meta: meta.update(memory_mode=17, cli_version=3)), "cli_version, memory_mode cannot be read"),
    "metadata without what is new here": (of_meta(lambda meta: [meta.pop(name, None) for name in ("originator", "session_id")]), "metadata"),
}  # fmt: skip


@pytest.fixture
def recorded(make_codex: MakeCodex, repo: Path) -> tuple[str, Path]:
    """A session of two turns: its id and its file."""
    with ScriptedModel([f"{WORD} one", "two"]) as model:
        codex = make_codex(model)
        thread = codex.start_thread(working_directory=repo)
        thread.run("a")
        thread.run("b")
        path = thread.read(turns=False).path
        assert path is not None
        codex.close()
    return thread.id, path


def forget_the_index(home: Path) -> None:
    for file in home.glob("*.sqlite*"):
        file.unlink()


def sessions_are_whole(codex: Codex, model: ScriptedModel, thread_id: str) -> list[str]:
    """Tries all that is done with a session; what a resumed thread warns of."""
    assert [info.id for info in codex.sessions.list()] == [thread_id]
    assert [info.id for info in codex.sessions.search(WORD)] == [thread_id]
    thread = codex.resume_thread(thread_id)
    stream = thread.run_streamed("c")
    warnings = [event.message for event in stream if isinstance(event, WarningEvent)]
    assert model.last_request.assistant_texts == [f"{WORD} one", "two"]
    assert [turn.final_response for turn in thread.read().turns] == [f"{WORD} one", "two", "three"]
    fork = thread.fork()
    assert fork.run("d").final_response == "four"
    assert model.last_request.assistant_texts == [f"{WORD} one", "two", "three"]
    return warnings


@pytest.mark.parametrize("index", [True, False], ids=["with the index", "without it"])
@pytest.mark.parametrize("kind", DAMAGE)
def test_a_line_costs_itself_only(
    make_codex: MakeCodex, codex_home: Path, recorded: tuple[str, Path], kind: str, index: bool
) -> None:
    thread_id, path = recorded
    damage, said = DAMAGE[kind]
    lines = path.read_bytes().splitlines(keepends=True)
    number = damage(lines)
    path.write_bytes(b"".join(lines))
    if not index:
        forget_the_index(codex_home)
    with ScriptedModel(["three", "four"]) as model:
        codex = make_codex(model)
        read = codex.sessions.read(thread_id)
        assert [turn.final_response for turn in read.turns] == [f"{WORD} one", "two"]
        (unread,) = read.unread_lines
        assert unread.line == number
        assert said in unread.reason
        (warning,) = [warning for warning in sessions_are_whole(codex, model, thread_id) if str(path) in warning]
        assert f"line {number}: {unread.reason}" in warning


def test_a_whole_file_is_not_complained_of(make_codex: MakeCodex, recorded: tuple[str, Path]) -> None:
    thread_id, path = recorded
    lines = path.read_bytes().splitlines(keepends=True)
    # Ends of lines as another system writes them, a mark of the byte order, and characters that stand for what was no text long ago.
    lines.insert(3, record("event_msg", {"type": "agent_reasoning", "text": "\ufffd"}))
    path.write_bytes(b"\xef\xbb\xbf" + b"".join(line[:-1] + b"\r\n" for line in lines) + b"\n\n")
    with ScriptedModel(["three", "four"]) as model:
        codex = make_codex(model)
        assert codex.sessions.read(thread_id).unread_lines == ()
        assert sessions_are_whole(codex, model, thread_id) == []


def test_several_lines_are_counted_and_told_in_order(make_codex: MakeCodex, recorded: tuple[str, Path]) -> None:
    thread_id, path = recorded
    lines = path.read_bytes().splitlines(keepends=True)
    place = middle(*[record("world_line", {"x": n}) for n in range(8)])(lines)
    path.write_bytes(b"".join(lines))
    with ScriptedModel(default="ok") as model:
        codex = make_codex(model)
        assert [unread.line for unread in codex.sessions.read(thread_id).unread_lines] == list(range(place, place + 8))
        assert codex.sessions.read(thread_id, turns=False).unread_lines == ()
        stream = codex.resume_thread(path).run_streamed("c")
        (warning,) = [event.message for event in stream if isinstance(event, WarningEvent)]
    assert warning.endswith("and 3 more")


def test_the_log_names_file_and_line_and_nothing_that_was_said(
    make_codex: MakeCodex, recorded: tuple[str, Path], caplog: pytest.LogCaptureFixture
) -> None:
    thread_id, path = recorded
    lines = path.read_bytes().splitlines(keepends=True)
    place = middle(b'{"timestamp":"2027","type":"event_msg","payload":{"message":"a private matter\n')(lines)
    path.write_bytes(b"".join(lines))
    with caplog.at_level("WARNING"):
        codex = make_codex()
        for _ in range(2):
            codex.sessions.read(thread_id)
        found = wait_for_record(caplog, f"{path}:{place}: left out of the session: it is no JSON")
    assert found.levelname == "WARNING"
    assert "a private matter" not in caplog.text
    assert caplog.text.count(f"{path}:{place}:") == 1


def test_a_history_of_another_kind_is_not_guessed_at(make_codex: MakeCodex, recorded: tuple[str, Path]) -> None:
    thread_id, path = recorded
    lines = path.read_bytes().splitlines(keepends=True)
    of_meta(lambda meta: meta.update(history_mode="quantum"))(lines)
    path.write_bytes(b"".join(lines))
    codex = make_codex()
    assert [info.id for info in codex.sessions.list()] == [thread_id]
    with pytest.raises(EngineError, match="history_mode"):
        codex.sessions.read(thread_id)


def test_others_are_listed_beside_one_that_is_nothing_but_damage(
    make_codex: MakeCodex, codex_home: Path, recorded: tuple[str, Path]
) -> None:
    thread_id, path = recorded
    name = path.name.replace(thread_id, "01a22dd1-e46d-70b2-ba70-a46fa17b842a")
    for content in (b"", b"\0" * 4096, b"null\n", b"\xff" * 100 + b"\n", b"{}\n"):
        (path.parent / name).write_bytes(content)
        forget_the_index(codex_home)
        codex = make_codex()
        assert thread_id in [info.id for info in codex.sessions.list()]
        assert [info.id for info in codex.sessions.search(WORD)] == [thread_id]
        codex.close()


def test_without_a_client_and_on_an_event_loop(codex_home: Path, recorded: tuple[str, Path]) -> None:
    thread_id, path = recorded
    lines = path.read_bytes().splitlines(keepends=True)
    place = middle(b"null\n")(lines)
    path.write_bytes(b"".join(lines))
    expected = (sessions.UnreadLine(place, "it is no record"),)
    assert sessions.read(thread_id, codex_home=codex_home).unread_lines == expected

    async def main() -> tuple[sessions.UnreadLine, ...]:
        async with AsyncCodex(codex_home=codex_home, isolated=True) as codex:
            return (await codex.sessions.read(thread_id)).unread_lines

    assert asyncio.run(main()) == expected
