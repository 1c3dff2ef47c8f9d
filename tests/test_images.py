"""Images: one rule for those of an input and those of a tool's result; what the model could not see is an error for its author."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import PIL.Image
import pytest

from codex_cffi import (
    Image,
    ImageBytes,
    ImageUrl,
    InvalidArgumentError,
    LocalImage,
    Tool,
    ToolCall,
    ToolResult,
    _images,
    input,
    openai,
)
from codex_cffi.openai._inputs import encode_input
from codex_cffi.testing import ScriptedModel, function_call
from support import MakeCodex

#: What the engine tells the model of an image that it cannot use.
LEFT_OUT = "image content omitted"


def image(kind: str = "PNG", size: tuple[int, int] = (40, 30), mode: str = "RGB", **options: Any) -> bytes:
    buffer = io.BytesIO()
    PIL.Image.effect_noise(size, 100).convert(mode).save(buffer, format=kind, **options)
    return buffer.getvalue()


def data_url(data: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def in_file(data: bytes, tmp_path: Path) -> Path:
    path = tmp_path / "file.png"
    path.write_bytes(data)
    return path


#: Each way to give an image, as part of an input and as a tool's result.
WAYS: dict[str, Callable[[bytes, Path], tuple[Any, Any]]] = {
    "bytes": lambda data, _: (data, Image(data)),
    "bytearray": lambda data, _: (bytearray(data), Image(bytearray(data))),
    "ImageBytes": lambda data, _: (ImageBytes(data), Image(memoryview(data))),
    "path": lambda data, tmp: (in_file(data, tmp), Image(in_file(data, tmp))),
    "path's text": lambda data, tmp: (LocalImage(str(in_file(data, tmp))), Image(str(in_file(data, tmp)))),
    "data: URL": lambda data, _: (ImageUrl(data_url(data)), Image(data_url(data))),
}
PLACES: dict[str, Callable[[Any, Any], Any]] = {
    "input": lambda part, result: input.encode_input([part]),
    "tool": lambda part, result: ToolResult(result).content(),
}

GOOD = {
    "PNG": image(),
    "PNG, 16 bits": image(mode="I;16"),
    "PNG, palette": image(mode="P"),
    "JPEG": image("JPEG"),
    "JPEG, progressive": image("JPEG", progressive=True),
    "JPEG, CMYK": image("JPEG", mode="CMYK"),
    "GIF": image("GIF"),
    "WebP": image("WEBP"),
    "WebP, lossless": image("WEBP", lossless=True),
    "WebP, transparent": image("WEBP", mode="RGBA"),
}
BAD = {
    "empty": (b"", "is empty"),
    "text": (b"text", "is not a PNG, JPEG, GIF or WebP image$"),
    "BMP": (image("BMP"), "image, but BMP: convert it"),
    "TIFF": (image("TIFF"), "image, but TIFF: convert it"),
    "ICO": (image("ICO", (16, 16)), "image, but ICO: convert it"),
    "AVIF": (b"\0\0\0\x1cftypavif\0\0\0\0", "image, but HEIC, AVIF or a video"),
    "SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image, but SVG: convert it"),
    "SVG with a head": (b"\xef\xbb\xbf\n<?xml version='1.0'?><svg/>", "image, but XML, as SVG is: convert it"),
    "PDF": (b"%PDF-1.7", "image, but PDF: convert it"),
    "WAV": (b"RIFF\x24\0\0\0WAVEfmt ", "is not a PNG, JPEG, GIF or WebP image$"),
    "PNG of zeros": (b"\x89PNG\r\n\x1a\n" + bytes(40), "is cut off or damaged"),
    **{f"half a {kind}": (image(kind)[:-200], "is cut off or damaged") for kind in ("PNG", "GIF", "WEBP")},
    **{f"the head of a {kind}": (image(kind)[:24], "is cut off or damaged") for kind in ("PNG", "JPEG", "GIF", "WEBP")},
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", GOOD)
def test_what_the_model_can_see_is_taken(tmp_path: Path, kind: str, way: str, place: str) -> None:
    (encoded,) = PLACES[place](*WAYS[way](GOOD[kind], tmp_path))
    if "path" in encoded:
        assert encoded == {"type": "localImage", "path": str(tmp_path / "file.png")}
    else:
        mime = f"image/{kind.partition(',')[0].lower()}"
        assert encoded.get("url", encoded.get("imageUrl")) == data_url(GOOD[kind], mime)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", BAD)
def test_what_it_cannot_see_is_an_error(tmp_path: Path, kind: str, way: str, place: str) -> None:
    data, words = BAD[kind]
    with pytest.raises(InvalidArgumentError, match=words):
        PLACES[place](*WAYS[way](data, tmp_path))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("source", "error", "words"),
    [
        ("https://a.example/b.png", InvalidArgumentError, "not fetched from other hosts; download https://a.example/b"),
        ("HTTP://a.example/b.png", InvalidArgumentError, "not fetched from other hosts"),
        ("data:text/plain;base64,aGk=", InvalidArgumentError, "starts with data:image/, not 'data:text/plain"),
        ("data:image/png;base64,", InvalidArgumentError, "the image is empty"),
        ("data:image/png;base64,%%%", InvalidArgumentError, "not valid base64"),
        ("data:image/png;base64,é", InvalidArgumentError, "not valid base64"),
        ("data:image/png,abc", InvalidArgumentError, "has no ;base64, before its data"),
        ("data:image/svg+xml;base64," + base64.b64encode(b"<svg/>").decode(), InvalidArgumentError, "but SVG"),
    ],
)
def test_urls_that_no_engine_reads(place: str, source: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        PLACES[place](ImageUrl(source), Image(source))


@pytest.mark.parametrize("place", PLACES)
def test_files_that_cannot_be_read(tmp_path: Path, place: str) -> None:
    for path, words in (
        (tmp_path / "missing.png", "there is no image file"),
        (tmp_path / ("long" * 100), "there is no image file"),
        (tmp_path, "is a folder, not an image"),
        (Path("~nobody-there/a.png"), "there is no image file"),
    ):
        with pytest.raises(FileNotFoundError, match=words):
            PLACES[place](path, Image(path))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("way", WAYS)
def test_what_is_too_large(tmp_path: Path, way: str, place: str) -> None:
    huge = image() + bytes(_images.MAX_IMAGE_BYTES)
    with pytest.raises(InvalidArgumentError, match=r"has 32\.0 MiB; at most 32 MiB can be sent"):
        PLACES[place](*WAYS[way](huge, tmp_path))


@pytest.mark.parametrize("place", PLACES)
def test_a_file_is_not_read_further_than_it_may_be_large(tmp_path: Path, place: str) -> None:
    path = in_file(image(), tmp_path)
    os.truncate(path, 1 << 40)
    with pytest.raises(InvalidArgumentError, match=r"has 1048576\.0 MiB"):
        PLACES[place](path, Image(path))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("mode", ["CMYK", "F"])
def test_pillow_images_that_are_no_png(place: str, mode: str) -> None:
    picture = PIL.Image.new(mode, (2, 2))
    with pytest.raises(InvalidArgumentError, match=r"cannot write mode .* as PNG; image\.convert\('RGB'\)"):
        PLACES[place](picture, picture)
    (encoded,) = PLACES[place](picture.convert("RGB"), picture.convert("RGB"))
    assert encoded.get("url", encoded.get("imageUrl")).startswith("data:image/png;base64,")


@pytest.mark.parametrize("place", PLACES)
def test_what_is_nothing_of_the_kind(place: str) -> None:
    with pytest.raises(TypeError, match="not int"):
        PLACES[place](ImageBytes(3), Image(3))  # type: ignore[arg-type]


def test_the_official_interface_has_the_same_rule(tmp_path: Path) -> None:
    for wrong in (openai.ImageInput("https://a.example/b.png"), openai.ImageInput(data_url(b"text"))):
        with pytest.raises(InvalidArgumentError):
            encode_input(wrong, None)
    in_file(image("BMP"), tmp_path)
    with pytest.raises(InvalidArgumentError, match="but BMP"):
        encode_input(openai.LocalImageInput("file.png"), str(tmp_path))


def seen(make_codex: MakeCodex, repo: Path, parts: list[Any]) -> list[dict[str, Any]]:
    """What the model gets of an input."""
    with ScriptedModel(["fine"]) as model:
        make_codex(model).start_thread(working_directory=repo).run(["Look", *parts])
        (message,) = (message for message in model.last_request.items("message") if "Look" in str(message["content"]))
    content: list[dict[str, Any]] = message["content"]
    return content


def test_what_is_taken_reaches_the_model(make_codex: MakeCodex, repo: Path) -> None:
    content = seen(make_codex, repo, list(GOOD.values()))
    pictures = [part["image_url"] for part in content if part["type"] == "input_image"]
    assert len(pictures) == len(GOOD)
    for url in pictures:
        with PIL.Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) as picture:
            assert picture.size == (40, 30)


@pytest.mark.parametrize("kind", BAD)
def test_what_is_refused_the_engine_cannot_use(make_codex: MakeCodex, repo: Path, kind: str) -> None:
    content = seen(make_codex, repo, [{"type": "image", "url": data_url(BAD[kind][0])}])
    assert LEFT_OUT in str(content)


@pytest.mark.parametrize(
    ("size", "mode", "fits"),
    [((8_192, 8_192), "RGBA", True), ((8_200, 8_192), "RGBA", False), ((16_400, 16_384), "L", False)],
)
def test_as_many_pixels_as_the_engine_decodes(
    make_codex: MakeCodex, repo: Path, size: tuple[int, int], mode: str, fits: bool
) -> None:
    buffer = io.BytesIO()
    PIL.Image.new(mode, size).save(buffer, format="PNG", compress_level=1)
    data = buffer.getvalue()
    if fits:
        (part,) = input.encode_input(data)
    else:
        with pytest.raises(InvalidArgumentError, match=rf"has {size[0]:,} x {size[1]:,} pixels"):
            input.encode_input(data)
        part = {"type": "image", "url": data_url(data)}
    assert (LEFT_OUT in str(seen(make_codex, repo, [part]))) is not fits


@pytest.mark.parametrize("kind", ["https", "SVG", "WAV", "PNG of zeros"])
def test_a_tool_s_image_that_cannot_be_seen_is_a_failed_call(make_codex: MakeCodex, repo: Path, kind: str) -> None:
    result = Image("https://a.example/b.png" if kind == "https" else BAD[kind][0])
    with ScriptedModel([[function_call("draw", {}, call_id="call")], "done"]) as model:
        codex = make_codex(model, tools=[Tool("draw", "D.", lambda call: result)])
        turn = codex.start_thread(working_directory=repo).run("go")
        (output,) = model.last_request.items("function_call_output")
    (item,) = (item for item in turn.items if isinstance(item, ToolCall))
    assert item.success is False
    with pytest.raises(InvalidArgumentError) as caught:
        result.to_url()
    assert str(caught.value) in str(output["output"])
