"""What a turn is asked: every kind of input reaches the model, and what cannot be sent is told to the caller."""

from __future__ import annotations

import base64
import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import PIL.Image
import pytest

from codex_cffi import (
    ImageBytes,
    ImageUrl,
    InvalidArgumentError,
    LocalImage,
    Mention,
    SkillMention,
    TextInput,
    TooLargeError,
    input,
)
from codex_cffi.testing import ScriptedModel, shell
from support import ROOT, MakeCodex


def image(kind: str = "PNG", size: int = 1) -> bytes:
    buffer = io.BytesIO()
    PIL.Image.new("RGB", (size, size), "white").save(buffer, format=kind)
    return buffer.getvalue()


def urls(model: ScriptedModel) -> list[str]:
    """The images of the last request."""
    parts = [part for message in model.last_request.items("message") for part in message["content"]]
    return [part["image_url"] for part in parts if part.get("type") == "input_image"]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
@pytest.mark.parametrize("way", ["LocalImage", "path", "ImageBytes", "bytes", "ImageUrl", "PIL", "mapping"])
def test_images_reach_the_model(make_codex: MakeCodex, repo: Path, tmp_path: Path, way: str, kind: str) -> None:
    data = image(kind)
    file = tmp_path / f"dot.{kind.lower()}"
    file.write_bytes(data)
    data_url = f"data:image/{kind.lower()};base64,{base64.b64encode(data).decode()}"
    with PIL.Image.open(file) as opened:
        opened.load()
    ways: dict[str, Any] = {
        "LocalImage": LocalImage(str(file)),
        "path": file,
        "ImageBytes": ImageBytes(data),
        "bytes": data,
        "ImageUrl": ImageUrl(data_url),
        "PIL": opened,
        "mapping": {"type": "image", "url": data_url},
    }
    with ScriptedModel(["a dot"]) as model:
        make_codex(model).start_thread(working_directory=repo).run(["What is it?", ways[way]])
        (url,) = urls(model)
    head, _, body = url.partition(";base64,")
    assert head.startswith("data:image/")
    with PIL.Image.open(io.BytesIO(base64.b64decode(body))) as seen:
        assert seen.size == (1, 1)
        assert seen.convert("RGB").getpixel((0, 0)) == (255, 255, 255)
    assert "What is it?" in model.last_request.user_texts


def test_an_image_may_be_the_whole_input(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel(["1", "2", "3"]) as model:
        thread = make_codex(model).start_thread(working_directory=repo)
        for one in (image(), PIL.Image.new("L", (2, 2)), [bytearray(image()), image("JPEG")]):
            thread.run(one)
        assert len(urls(model)) == 4


def test_how_closely_the_model_looks(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel(["fine"]) as model:
        make_codex(model).start_thread(working_directory=repo).run(["Look", ImageBytes(image(), detail="original")])
        parts = [part for message in model.last_request.items("message") for part in message["content"]]
    assert [part.get("detail") for part in parts if part["type"] == "input_image"] == ["original"]


def test_steering_takes_images_too(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel([[shell("sleep 0.4", yield_time_ms=5000)], "done"]) as model:
        thread = make_codex(model).start_thread(working_directory=repo, sandbox_mode="danger-full-access")
        with thread.run_streamed("go") as stream:
            for event in stream:
                if event.type == "item.started" and "sleep" in str(event):
                    thread.steer(["This one", image()])
        assert len(urls(model)) == 1


def test_mentions_name_things_and_skills_are_read(make_codex: MakeCodex, repo: Path, codex_home: Path) -> None:
    folder = codex_home / "skills" / "deploy"
    folder.mkdir(parents=True)
    skill = folder / "SKILL.md"
    skill.write_text("---\nname: deploy\ndescription: How to deploy.\n---\nSay the word xyzzy first.\n")
    with ScriptedModel(["fine", "fine"]) as model:
        thread = make_codex(model).start_thread(working_directory=repo)
        thread.run([TextInput("Go on"), SkillMention("deploy", skill)])
        assert any("xyzzy" in said for said in model.last_request.input_texts)
        turn = thread.run(["Read", Mention("README", repo / "README.md")])
    assert {"type": "mention", "name": "README", "path": str(repo / "README.md")} in turn.items[0].content


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        (5, TypeError, "input must be text, TextInput, .*, or a list of these, not int"),
        (["a", 5], TypeError, "not int"),
        ({"a", "b"}, TypeError, "not set"),
        ([], ValueError, "the input is empty"),
        ([" "], ValueError, "has no text"),
        (b"", InvalidArgumentError, "the image is empty"),
        (b"%PDF-1.7", InvalidArgumentError, "is not a PNG, JPEG, GIF or WebP image"),
        (ImageBytes("abc"), TypeError, "the data of an image are bytes, not str"),  # type: ignore[arg-type]
        (ImageUrl("file:///etc/passwd"), ValueError, "starts with data:image/"),
        (ImageUrl("https://a.example/b.png"), ValueError, "not fetched from other hosts; download https://a.example/b"),
        (ImageUrl("/tmp/a.png"), ValueError, "a file is a LocalImage"),
        (ImageUrl(5), TypeError, "the URL of an image is a text"),  # type: ignore[arg-type]
        (ImageBytes(image(), detail="low"), ValueError, "detail of an image must be one of 'auto'"),  # type: ignore[arg-type]
        (Mention(" ", "x"), ValueError, "a Mention needs a name"),
        (SkillMention(5, "x"), TypeError, "the name of a SkillMention is a text"),  # type: ignore[arg-type]
    ],
    ids=str,
)
def test_what_is_no_input_says_so(
    make_codex: MakeCodex, repo: Path, value: Any, error: type[Exception], words: str
) -> None:
    with ScriptedModel([]) as model:
        thread = make_codex(model).start_thread(working_directory=repo)
        with pytest.raises(error, match=words):
            thread.run(value)


def test_files_that_are_no_images_say_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: Path, error: type[Exception], words: str) -> None:
        with pytest.raises(error, match=words) as caught:
            input.encode_input(path)
        assert str(path) in str(caught.value)

    refused(tmp_path / "missing.png", FileNotFoundError, "there is no image file")
    refused(tmp_path / ("long" * 100), FileNotFoundError, "there is no image file")
    refused(tmp_path, FileNotFoundError, "is a folder, not an image")
    empty, other = tmp_path / "empty.png", tmp_path / "other.png"
    empty.touch()
    other.write_text("text")
    refused(empty, InvalidArgumentError, "is empty")
    refused(other, InvalidArgumentError, "is not a PNG, JPEG, GIF or WebP image")
    huge = tmp_path / "huge.png"
    huge.write_bytes(image())
    os.truncate(huge, input.MAX_IMAGE_BYTES + 1)
    refused(huge, TooLargeError, "has 32.0 MiB; at most 32 MiB can be sent")
    with pytest.raises(TooLargeError):
        input.encode_input(huge.read_bytes())


def test_a_file_without_the_right_to_read_it(tmp_path: Path) -> None:
    """As another user where the tests run as root, who may read everything."""
    secret = tmp_path / "secret.png"
    secret.write_bytes(image())
    secret.chmod(0)
    program = (
        "import os, sys\n"
        "sys.path.insert(0, sys.argv[2])\n"
        "from codex_cffi import input\n"
        "os.getuid() or os.setresuid(65534, 65534, 65534)\n"
        "try:\n    input.encode_input(input.LocalImage(sys.argv[1]))\n"
        "except PermissionError as error:\n    print(error)\n"
    )
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.getuid() and not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o011)  # the file's own rights are what is tested
    done = subprocess.run(
        [sys.executable, "-c", program, secret, str(ROOT)], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == f"the image {secret} cannot be read: Permission denied\n"
