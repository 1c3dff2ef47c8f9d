"""Patches of files that other systems and editors wrote: each keeps its encoding, byte order mark, line ends and mode, and is shown as it will be."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from codex_cffi import Approve, FileChange, FileChangeApproval
from codex_cffi.testing import ScriptedModel, apply_patch, shell
from support import MakeCodex, need

BOM = b"\xef\xbb\xbf"
MODES = ("danger-full-access", "workspace-write")


def update(*lines: str, file: str = "file.txt", to: str | None = None) -> str:
    moved = [f"*** Move to: {to}"] if to else []
    return "\n".join(["*** Begin Patch", f"*** Update File: {file}", *moved, "@@", *lines, "*** End Patch"])


def patched(
    make_codex: MakeCodex, folder: Path, *patches: str, mode: str = MODES[0], **options: Any
) -> tuple[Any, list[str]]:
    """Runs a turn with these patches; the turn, and what the model got for each."""
    if mode != MODES[0]:
        need("bwrap", "bubblewrap")
    calls = [[apply_patch(patch, call_id=f"patch {number}")] for number, patch in enumerate(patches)]
    with ScriptedModel([*calls, "done"]) as model:
        thread = make_codex(model).start_thread(working_directory=folder, sandbox_mode=mode, **options)
        turn = thread.run("go", timeout=60)
        return turn, [model.last_request.tool_output(f"patch {number}") for number in range(len(patches))]


def utf16(text: str, order: str) -> bytes:
    return {"le": b"\xff\xfe", "be": b"\xfe\xff"}[order] + text.encode(f"utf-16-{order}")


#: What a file is, the lines of a patch, what it is then.
KEPT: dict[str, tuple[bytes, tuple[str, ...], bytes]] = {
    "a mark": (BOM + b"one\ntwo\n", ("-one", "+eins"), BOM + b"eins\ntwo\n"),
    "a mark that the patch has too": (BOM + b"one\ntwo\n", ("-\ufeffone", "+\ufeffeins"), BOM + b"eins\ntwo\n"),
    "a mark before a line that comes first": (BOM + b"one\n", ("+new", " one"), BOM + b"new\none\n"),
    "a mark that the patch removes": (BOM + b"one\n", ("-\ufeffone", "+one"), b"one\n"),
    "a mark and nothing": (BOM, ("+one",), BOM + b"one\n"),
    "a mark in a file of carriage returns": (
        BOM + b"one\r\ntwo\r\n",
        ("-two", "+zwei", "+drei"),
        BOM + b"one\r\nzwei\r\ndrei\r\n",
    ),
    "carriage returns": (b"one\r\ntwo\r\nthree\r\n", (" one", "-two", "+zwei", " three"), b"one\r\nzwei\r\nthree\r\n"),
    "carriage returns of the patch": (b"one\r\ntwo\r\n", ("-two\r", "+zwei\r"), b"one\r\nzwei\r\n"),
    "more lines, with carriage returns": (b"a\r\nb\r\n", (" a", "+1", "+2", " b", "+3"), b"a\r\n1\r\n2\r\nb\r\n3\r\n"),
    "an empty line, with a carriage return": (
        b"a\r\n\r\nb\r\n",
        (" a", " ", "-b", "+B", "+", "+c"),
        b"a\r\n\r\nB\r\n\r\nc\r\n",
    ),
    "mixed ends": (b"a\r\nb\nc\r\nd\n", (" a", "-b", "+B", " c"), b"a\r\nB\nc\r\nd\n"),
    "mixed ends, more lines": (b"a\r\nb\nc\n", (" a", "+1", " b", "+2"), b"a\r\n1\r\nb\n2\nc\n"),
    "a last line without an end": (b"a\r\nb", ("-b", "+B"), b"a\r\nB"),
    "a last line without an end, more lines": (b"a\nb", (" b", "+c"), b"a\nb\nc"),
    "an end for the last line": (b"a\nb", (" b", "+"), b"a\nb\n"),
    "a last line without an end, not touched": (b"a\nb\nc", ("-a", "+A"), b"A\nb\nc"),
    "empty lines at the end": (b"a\nb\n\n\n", ("-a", "+A"), b"A\nb\n\n\n"),
    "spaces in the lines around": (b"a  \n\tb\nc \n", (" a", "-b", "+B", " c"), b"a  \nB\nc \n"),
    "other dashes in the lines around": (
        "a \u2013 b\nc\n".encode(),
        (" a - b", "-c", "+d"),
        "a \u2013 b\nd\n".encode(),
    ),
    "a carriage return alone": (b"a\rb\nc\n", ("-c", "+d"), b"a\rb\nd\n"),
    "UTF-16": (
        utf16("one\r\ntwo\u4e2d\r\n", "le"),
        ("-one", "+\u00e4ins \U0001f600"),
        utf16("\u00e4ins \U0001f600\r\ntwo\u4e2d\r\n", "le"),
    ),
    "UTF-16, the other order": (utf16("one\ntwo", "be"), ("-two", "+zwei"), utf16("one\nzwei", "be")),
    "Latin-1": (b"caf\xe9\none\nna\xefve\n", ("-one", "+eins"), b"caf\xe9\neins\nna\xefve\n"),
    "Latin-1, with what was read in the lines around": (
        b"caf\xe9\r\none\r\n",
        (" caf\ufffd", "-one", "+eins"),
        b"caf\xe9\r\neins\r\n",
    ),
    "Latin-1, a line less": (b"caf\xe9\none\n", ("-caf\ufffd", "+cafe"), b"cafe\none\n"),
    "an empty file": (b"", ("+one",), b"one\n"),
}


@pytest.mark.parametrize("case", KEPT)
def test_what_is_not_patched_stays(make_codex: MakeCodex, repo: Path, case: str) -> None:
    before, lines, after = KEPT[case]
    (repo / "file.txt").write_bytes(before)
    _, (output,) = patched(make_codex, repo, update(*lines))
    assert "Success" in output
    assert (repo / "file.txt").read_bytes() == after


def test_in_the_sandbox_and_in_a_command(make_codex: MakeCodex, repo: Path) -> None:
    need("bwrap", "bubblewrap")
    names = ("a mark", "mixed ends", "UTF-16", "Latin-1")
    for name in names:
        for place in ("patch", "command"):
            (repo / f"{name} {place}").write_bytes(KEPT[name][0])
    patches = [[apply_patch(update(*KEPT[name][1], file=f"{name} patch"))] for name in names]
    commands = [
        [shell(f"apply_patch <<'EOF'\n{update(*KEPT[name][1], file=f'{name} command')}\nEOF")] for name in names
    ]
    with ScriptedModel([*patches, *commands, "done"]) as model:
        thread = make_codex(model).start_thread(working_directory=repo, sandbox_mode="workspace-write")
        thread.run("go", timeout=60)
    found = {path.name: path.read_bytes() for path in repo.iterdir() if path.is_file()}
    assert found == {f"{name} {place}": KEPT[name][2] for name in names for place in ("patch", "command")}


#: What cannot be patched, and what the model is told of it.
REFUSED: dict[str, tuple[bytes, tuple[str, ...], str]] = {
    "an addition to Latin-1": (b"caf\xe9\none\n", ("-one", "+\u00e4ins"), "is not UTF-8 (line 1)"),
    "a replacement character": (b"one\ncaf\xe9\n", ("-caf\ufffd", "+caf\ufffds"), "is not UTF-8 (line 2)"),
    "half a character of UTF-16": (b"\xff\xfea\x00b", ("-a", "+b"), "is neither that nor UTF-8"),
    "a surrogate alone": (b"\xff\xfe\x00\xd8", ("+b",), "is neither that nor UTF-8"),
    "UTF-32": ("\ufeffone\n".encode("utf-32-le"), ("+b",), "in UTF-32, not UTF-8"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_patched_is_refused_and_stays(make_codex: MakeCodex, repo: Path, case: str) -> None:
    before, lines, why = REFUSED[case]
    (repo / "file.txt").write_bytes(before)
    turn, (output,) = patched(make_codex, repo, update(*lines))
    assert why in output
    assert (repo / "file.txt").read_bytes() == before
    assert not any(isinstance(item, FileChange) for item in turn.items)


@pytest.mark.parametrize("mode", MODES)
def test_modes_are_kept(make_codex: MakeCodex, repo: Path, mode: str) -> None:
    modes = {"run.sh": 0o755, "private": 0o600, "group": 0o2755, "plain": 0o644}
    for name, bits in modes.items():
        for place in ("stays", "moves"):
            (repo / f"{name}.{place}").write_bytes(b"one\r\n")
            (repo / f"{name}.{place}").chmod(bits)
    inodes = {name: (repo / f"{name}.stays").stat().st_ino for name in modes}
    updates = [update("-one", "+two", file=f"{name}.stays") for name in modes]
    moves = [update("-one", "+two", file=f"{name}.moves", to=f"deep/er/{name}") for name in modes]
    _, outputs = patched(make_codex, repo, *updates, *moves, mode=mode)
    assert all("Success" in output for output in outputs), outputs
    for name, bits in modes.items():
        assert not (repo / f"{name}.moves").exists()
        for path in (repo / f"{name}.stays", repo / "deep" / "er" / name):
            assert path.read_bytes() == b"two\r\n"
            assert stat.S_IMODE(path.stat().st_mode) == bits, path
        assert (repo / f"{name}.stays").stat().st_ino == inodes[name]


@pytest.mark.skipif(os.geteuid() != 0, reason="files of another user need root")
def test_owners_are_kept(make_codex: MakeCodex, repo: Path) -> None:
    for name in ("stays", "moves"):
        (repo / name).write_text("one\n")
        os.chown(repo / name, 61_742, 61_743)
    patched(make_codex, repo, update("-one", "+two", file="stays"), update("-one", "+two", file="moves", to="moved"))
    for name in ("stays", "moved"):
        found = (repo / name).stat()
        assert (found.st_uid, found.st_gid, (repo / name).read_text()) == (61_742, 61_743, "two\n")


def test_a_file_that_may_only_be_read_moves(make_codex: MakeCodex, repo: Path) -> None:
    (repo / "file.txt").write_text("one\n")
    (repo / "file.txt").chmod(0o444)
    patched(make_codex, repo, update("-one", "+two", to="moved"), mode="workspace-write")
    assert (repo / "moved").read_text() == "two\n"
    assert not (repo / "file.txt").exists()


def test_what_is_no_text_can_be_deleted(make_codex: MakeCodex, repo: Path) -> None:
    (repo / "file.txt").write_bytes(b"caf\xe9\x00\n")
    patched(make_codex, repo, "*** Begin Patch\n*** Delete File: file.txt\n*** End Patch")
    assert not (repo / "file.txt").exists()


@pytest.mark.parametrize(
    "case", ["a mark in a file of carriage returns", "mixed ends", "a last line without an end", "UTF-16"]
)
def test_who_is_asked_sees_what_happens(make_codex: MakeCodex, repo: Path, case: str) -> None:
    """The diff has the marks and carriage returns that are there before and after."""
    before, lines, after = KEPT[case]
    (repo / "file.txt").write_bytes(before)
    asked: list[FileChangeApproval] = []

    def handler(request: Any) -> Approve:
        asked.append(request)
        return Approve()

    turn, _ = patched(
        make_codex, repo, update(*lines), mode="read-only", approval_mode="on-request", on_approval=handler
    )
    assert (repo / "file.txt").read_bytes() == after
    encoding = "utf-16" if case == "UTF-16" else "utf-8"
    texts = [data.decode(encoding) if encoding == "utf-16" else data.decode() for data in (before, after)]
    if encoding == "utf-16":
        texts = ["\ufeff" + text for text in texts]
    (request,) = asked
    (item,) = [item for item in turn.items if isinstance(item, FileChange)]
    for diff in (request.changes[0].diff, item.changes[0].diff):
        removed, added = [[line[1:] for line in _lines(diff) if line.startswith(sign)] for sign in "-+"]
        olds, news = (_lines(text) for text in texts)
        assert removed == [line for line in olds if line not in news]
        assert added == [line for line in news if line not in olds]


def _lines(text: str) -> list[str]:
    """The lines with their ends, without what a diff says of a last line that has none."""
    return [line for line in text.split("\n") if line and not line.startswith(("---", "+++", "@@", "\\"))]
