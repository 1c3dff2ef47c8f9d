"""`view_image`: a file is looked at where commands may read it, and none fills the memory."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest

from codex_cffi.testing import ScriptedModel, function_call
from support import MakeCodex, need

MODES = ["read-only", "workspace-write", "danger-full-access"]


@pytest.fixture(scope="module", autouse=True)
def bubblewrap() -> None:
    need("bwrap", "bubblewrap")


def png(width: int, height: int) -> bytes:
    """A black picture, one bit for each pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    row = bytes(1 + (width + 7) // 8)
    packer = zlib.compressobj(9)
    pixels = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def look(make_codex: MakeCodex, repo: Path, path: str | Path, mode: str = "read-only", **options: Any) -> str:
    """What the model gets of looking at a file."""
    with ScriptedModel([[function_call("view_image", {"path": str(path)})], "done"]) as model:
        codex = make_codex(model, **options)
        permissions = {} if options else {"sandbox_mode": mode}
        thread = codex.start_thread(working_directory=repo, **permissions)
        assert thread.run("go", timeout=60).final_response == "done"
        (item,) = model.requests[-1].items("function_call_output")
        return str(item["output"])


@pytest.mark.parametrize("mode", MODES)
def test_an_image(make_codex: MakeCodex, repo: Path, mode: str) -> None:
    (repo / "a.png").write_bytes(png(64, 64))
    assert "data:image/png;base64," in look(make_codex, repo, "a.png", mode)


@pytest.mark.parametrize("mode", MODES)
def test_a_file_that_is_too_large(make_codex: MakeCodex, repo: Path, mode: str) -> None:
    (repo / "a.png").write_bytes(png(64, 64))
    os.truncate(repo / "a.png", 50 << 20)
    output = look(make_codex, repo, "a.png", mode)
    assert "make a smaller one" in output
    assert "base64" not in output


@pytest.mark.parametrize("mode", MODES)
def test_a_small_file_of_a_huge_picture(make_codex: MakeCodex, repo: Path, mode: str) -> None:
    (repo / "a.png").write_bytes(png(20_000, 20_000))
    output = look(make_codex, repo, "a.png", mode)
    assert "exceeded the supported size limit" in output
    assert "base64" not in output


@pytest.mark.parametrize("mode", MODES)
def test_what_is_no_file(make_codex: MakeCodex, repo: Path, mode: str) -> None:
    os.mkfifo(repo / "pipe")
    (repo / "zero").symlink_to("/dev/zero")
    for name in ("pipe", "zero", "."):
        assert "is not a file" in look(make_codex, repo, name, mode)


def test_what_commands_may_not_read(make_codex: MakeCodex, repo: Path) -> None:
    (repo / "secret.png").write_bytes(png(64, 64))
    (repo / "link.png").symlink_to("secret.png")
    denied = {":root": "read", str(repo / "secret.png"): "deny"}
    config = {"default_permissions": "narrow", "permissions": {"narrow": {"filesystem": denied}}}
    for name in ("secret.png", "link.png"):
        assert "base64" not in look(make_codex, repo, name, config=config)


@pytest.mark.parametrize("mode", MODES[:2])
def test_the_host_s_credentials(make_codex: MakeCodex, repo: Path, codex_home: Path, mode: str) -> None:
    """What is looked at reaches programs of code mode byte for byte, image or not."""
    codex_home.mkdir(mode=0o700)
    (codex_home / "auth.json").write_text('{"OPENAI_API_KEY": "sk-swordfish0123456789abcdef"}')
    (codex_home / "auth.json").chmod(0o600)
    (repo / "link").symlink_to(codex_home / "auth.json")
    for path in (codex_home / "auth.json", "link"):
        assert "unable to" in look(make_codex, repo, path, mode)
