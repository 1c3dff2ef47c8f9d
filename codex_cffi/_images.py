"""Images for the model, in a turn's input and in a tool's result: one way to take them, and one rule for what is taken.

The engine takes PNG, JPEG, GIF and WebP, told by their bytes, and scales down what is large (codex-utils-image, ``lib.rs``; codex-core,
``image_preparation.rs``). Of an image that it cannot use it tells the model alone. So all of that is checked here, where its author hears of it.
"""

from __future__ import annotations

import base64
import binascii
import io
import os
import struct
from pathlib import Path
from typing import Any

from .errors import InvalidArgumentError, TooLargeError

#: The largest image that is sent, 32 MiB; the model provider takes 50 MB a request, in which images are a third larger.
MAX_IMAGE_BYTES = 32 * 2**20
#: The largest decoded image, 256 MiB: what the engine takes (``local_images.rs`` of its edits).
MAX_PIXEL_BYTES = 256 * 2**20

_SCALE_DOWN = "The model sees no more than 2,048 pixels a side: scale it down"
#: What files of other kinds begin with.
_OTHERS = {
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"\0\0\1\0": "ICO",
    b"%PDF": "PDF",
    b"<svg": "SVG",
    b"<?xml": "XML, as SVG is",
}
#: Bytes that a pixel of a PNG takes, by its colour type, at 8 bits a channel: gray, RGB, palette, gray and RGB with transparency.
_PNG_CHANNELS = {0: 1, 2: 3, 3: 4, 4: 2, 6: 4}


def is_pillow(value: Any) -> bool:
    """Whether it is an image of Pillow's; without importing it: an image can only be there if somebody did."""
    return any(kind.__module__.partition(".")[0] == "PIL" for kind in type(value).__mro__)


def is_image(data: bytes) -> bool:
    """Whether bytes begin as an image that the model can see."""
    return _kind(data) is not None


def image_url(source: Any) -> str:
    """The ``data:`` URL of an image.

    Args:
        source: Bytes, a file's path, an image of Pillow's, or a ``data:`` URL.

    Raises:
        InvalidArgumentError: The model could not see it.
        TooLargeError: It is too large, which is an InvalidArgumentError too.
        FileNotFoundError: There is no such file.
        OSError: The file cannot be read, for example PermissionError.
        TypeError: It is nothing of the kind.
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _data_url(bytes(source), "the image")
    if isinstance(source, str) and source[:8].lower().startswith(("data:", "http://", "https://")):
        return checked_url(source)
    if isinstance(source, (str, os.PathLike)):
        file, data = _read(source)
        return _data_url(data, f"the image {file}")
    if is_pillow(source):
        return _data_url(_written(source), "the image")
    raise TypeError(f"an image is a path, bytes, a PIL image or a URL, not {type(source).__name__}")


def image_file(path: Any) -> str:
    """The absolute path of a file that is an image; raises as :func:`image_url` does."""
    file, data = _read(path)
    check_image(data, f"the image {file}")
    return str(file)


def checked_url(url: Any) -> str:
    """The image of a ``data:`` URL as one that the engine reads; raises as :func:`image_url` does."""
    if not isinstance(url, str):
        raise TypeError(f"the URL of an image is a text, not {type(url).__name__}")
    head = url[:32].lower()
    if head.startswith(("https://", "http://")):
        raise InvalidArgumentError(f"images are not fetched from other hosts; download {url[:200]} and give its bytes")
    if not head.startswith("data:image/"):
        raise InvalidArgumentError(
            f"the URL of an image starts with data:image/, not {url[:40]!r}; a file is a LocalImage"
        )
    meta, comma, body = url.partition(",")
    if not comma or "base64" not in meta.lower().split(";"):
        raise InvalidArgumentError("the data: URL of an image has no ;base64, before its data")
    _check_size(len(body) * 3 // 4, "the image")
    try:
        data = base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as error:  # the latter for what is not ASCII
        raise InvalidArgumentError(f"the data: URL of an image is not valid base64: {error}") from None
    return _data_url(data, "the image")


def check_image(data: bytes, what: str) -> str:
    """The kind of an image that the model can see: ``png``, ``jpeg``, ``gif`` or ``webp``; raises as :func:`image_url` does.

    What its head says is checked, not every pixel.
    """
    if not data:
        raise InvalidArgumentError(f"{what} is empty")
    kind = _kind(data)
    if kind is None:
        other = _other(data)
        raise InvalidArgumentError(
            f"{what} is not a PNG, JPEG, GIF or WebP image{f', but {other}: convert it' if other else ''}"
        )
    _check_size(len(data), what)
    try:
        width, height, depth = _LAYOUTS[kind](data)
    except (IndexError, struct.error):
        width = height = depth = 0
    if not width or not height:
        raise InvalidArgumentError(f"{what} is cut off or damaged")
    if width * height * depth > MAX_PIXEL_BYTES:
        raise TooLargeError(f"{what} has {width:,} x {height:,} pixels, more than can be decoded. {_SCALE_DOWN}")
    return kind


def _data_url(data: bytes, what: str) -> str:
    kind = check_image(data, what)
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def _read(path: Any) -> tuple[Path, bytes]:
    file = Path(path)
    try:
        file = file.expanduser().absolute()
        found, size = file.is_file(), file.stat().st_size if file.exists() else 0
    except (OSError, RuntimeError):  # its name is too long; the home of a user that there is not
        found, size = False, 0
    if not found:
        why = "is a folder, not an image" if size and file.is_dir() else None
        raise FileNotFoundError(f"the image {file} {why}" if why else f"there is no image file {file}")
    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_IMAGE_BYTES + 1)
    except OSError as error:
        raise type(error)(f"the image {file} cannot be read: {error.strerror or error}") from error
    if _kind(data) is not None:
        _check_size(max(size, len(data)), f"the image {file}")
    return file, data


def _written(image: Any) -> bytes:
    """An image of Pillow's as PNG."""
    buffer = io.BytesIO()
    try:
        image.save(buffer, format="PNG")
    except Exception as error:  # of many classes: for a mode that PNG has not, no pixels, a file that is cut off
        raise InvalidArgumentError(
            f"the Pillow image cannot be written as PNG: {error}; image.convert('RGB') may help"
        ) from error
    return buffer.getvalue()


def _check_size(size: int, what: str) -> None:
    if size > MAX_IMAGE_BYTES:
        raise TooLargeError(
            f"{what} has {size / 2**20:.1f} MiB; at most {MAX_IMAGE_BYTES // 2**20} MiB can be sent. {_SCALE_DOWN}"
        )


def _kind(data: bytes) -> str | None:
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if data.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    return "webp" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else None


def _other(data: bytes) -> str | None:
    """What else it is, if that is known."""
    if data[4:8] == b"ftyp":
        return "HEIC, AVIF or a video"
    text = data[:64].removeprefix(b"\xef\xbb\xbf").lstrip()
    return next((name for magic, name in _OTHERS.items() if data.startswith(magic) or text.startswith(magic)), None)


# ---- width, height and bytes of a decoded pixel; a struct.error or IndexError, or no width, for what ends too early


def _png(data: bytes) -> tuple[int, int, int]:
    place, layout = 8, (0, 0, 0)
    while True:
        length, kind = struct.unpack_from(">I4s", data, place)
        if kind == b"IHDR":
            width, height, bits, colour = struct.unpack_from(">IIBB", data, place + 8)
            layout = (width, height, _PNG_CHANNELS.get(colour, 0) * (2 if bits == 16 else 1))
        if kind == b"IEND" or layout == (0, 0, 0):
            return layout
        place += 12 + length


def _jpeg(data: bytes) -> tuple[int, int, int]:
    place, layout = 2, (0, 0, 0)
    while True:
        while data[place] != 0xFF or data[place + 1] == 0xFF:  # filling
            place += 1
        marker = data[place + 1]
        if marker == 0xDA:  # the pixels begin
            return layout
        (length,) = struct.unpack_from(">H", data, place + 2)
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width, channels = struct.unpack_from(">HHB", data, place + 5)
            layout = (width, height, 1 if channels == 1 else 3)
        place += 2 + length


def _gif(data: bytes) -> tuple[int, int, int]:
    def table(flags: int) -> int:
        return 3 << (flags & 7) + 1 if flags & 0x80 else 0

    def after_blocks(place: int) -> int:
        while data[place]:
            place += 1 + data[place]
        return place + 1

    width, height, flags = struct.unpack_from("<HHB", data, 6)
    place = 13 + table(flags)
    while data[place] == 0x21:  # an extension
        place = after_blocks(place + 2)
    if data[place] != 0x2C:  # no picture
        return (0, 0, 0)
    after_blocks(place + 11 + table(data[place + 9]))
    return width, height, 4


def _webp(data: bytes) -> tuple[int, int, int]:
    size, kind = struct.unpack_from("<I4x4s", data, 4)
    if len(data) + 1 < size + 8:  # but for a byte of filling
        return (0, 0, 0)
    if kind == b"VP8X":
        high = struct.unpack_from("<IHBHB", data, 20)
        return 1 + (high[1] | high[2] << 16), 1 + (high[3] | high[4] << 16), 4
    if kind == b"VP8L":
        (sides,) = struct.unpack_from("<I", data, 21)
        return 1 + (sides & 0x3FFF), 1 + (sides >> 14 & 0x3FFF), 4
    width, height = struct.unpack_from("<HH", data, 26)
    return (width & 0x3FFF, height & 0x3FFF, 3) if kind == b"VP8 " else (0, 0, 0)


_LAYOUTS = {"png": _png, "jpeg": _jpeg, "gif": _gif, "webp": _webp}
