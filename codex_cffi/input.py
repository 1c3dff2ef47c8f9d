"""What a turn is asked: texts, images, mentions of skills and of files or apps."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

from .errors import InvalidArgumentError, TooLargeError

__all__ = [
    "MAX_IMAGE_BYTES",
    "ImageBytes",
    "ImageDetail",
    "ImageUrl",
    "InputItem",
    "LocalImage",
    "Mention",
    "PillowImage",
    "SkillMention",
    "TextInput",
    "TurnInput",
]

#: The largest image that is sent, 32 MiB; the model provider takes 50 MB a request, in which images are a third larger.
MAX_IMAGE_BYTES = 32 * 2**20
#: How closely the model looks at an image: as it sees fit, closely, or at every pixel.
ImageDetail = Literal["auto", "high", "original"]


@dataclass(frozen=True)
class TextInput:
    """Text for the agent."""

    text: str


@dataclass(frozen=True)
class LocalImage:
    """An image file for the agent: PNG, JPEG, GIF or WebP."""

    path: str | os.PathLike[str]
    detail: ImageDetail | None = None


@dataclass(frozen=True, repr=False)
class ImageBytes:
    """An image in memory: PNG, JPEG, GIF or WebP."""

    data: bytes
    detail: ImageDetail | None = None

    def __repr__(self) -> str:
        return f"ImageBytes({len(self.data)} bytes)"


@dataclass(frozen=True)
class ImageUrl:
    """An image as a ``data:`` URL. Others are refused: neither the engine nor this package fetches anything, so download it and give its bytes."""

    url: str
    detail: ImageDetail | None = None


@dataclass(frozen=True)
class Mention:
    """Something that the text names, such as a file or an app.

    Attributes:
        name: As the text names it.
        path: Where it is: a path, or a URL such as ``app://calendar``.
    """

    name: str
    path: str | os.PathLike[str]


@dataclass(frozen=True)
class SkillMention:
    """A skill that the agent is to use.

    Attributes:
        name: The skill's name.
        path: Its ``SKILL.md``.
    """

    name: str
    path: str | os.PathLike[str]


class PillowImage(Protocol):
    """What is taken of an image of Pillow's (``PIL.Image.Image``)."""

    @property
    def mode(self) -> str: ...
    @property
    def size(self) -> tuple[int, int]: ...
    def save(self, fp: Any, format: str | None = None) -> Any: ...


#: One part of a turn's input. Text is text, whatever it looks like; a path object is an image file, bytes are an image, and so is an image of Pillow's. A
#: mapping goes to the engine as it is (``UserInput`` of its protocol).
InputItem = (
    str
    | TextInput
    | LocalImage
    | ImageBytes
    | ImageUrl
    | Mention
    | SkillMention
    | os.PathLike[str]
    | bytes
    | PillowImage
    | Mapping[str, Any]
)
#: A turn's input: one part, or a list of them.
TurnInput = InputItem | Sequence[InputItem]

_ONE = (
    str,
    bytes,
    bytearray,
    memoryview,
    os.PathLike,
    Mapping,
    TextInput,
    LocalImage,
    ImageBytes,
    ImageUrl,
    Mention,
    SkillMention,
)
_KINDS = (
    "text, TextInput, LocalImage, ImageBytes, ImageUrl, Mention, SkillMention, a path, bytes, a Pillow image, a mapping"
)


def encode_input(value: TurnInput) -> list[dict[str, Any]]:
    """A turn's input as the engine takes it."""
    items: list[Any]
    if isinstance(value, _ONE) or _is_pillow(value):
        items = [value]
    elif isinstance(value, Sequence):
        items = list(value)
    else:
        raise _no_input(value)
    if not items:
        raise ValueError("the input is empty")
    return [_encode_item(item) for item in items]


def _no_input(value: Any) -> TypeError:
    return TypeError(f"input must be {_KINDS}, or a list of these, not {type(value).__name__}")


def _encode_item(item: Any) -> dict[str, Any]:
    match item:
        case str(text) | TextInput(text=text):
            if not isinstance(text, str):
                raise TypeError(f"the text of an input is a str, not {type(text).__name__}")
            if not text.strip():
                raise ValueError("the input has no text")
            return {"type": "text", "text": text}
        case LocalImage(path=path, detail=detail):
            return _detailed({"type": "localImage", "path": str(_image_file(path))}, detail)
        case ImageBytes(data=data, detail=detail):
            return _detailed({"type": "image", "url": _data_url(data)}, detail)
        case ImageUrl(url=url, detail=detail):
            return _detailed({"type": "image", "url": _checked_url(url)}, detail)
        case bytes() | bytearray() | memoryview():
            return {"type": "image", "url": _data_url(item)}
        case os.PathLike():
            return {"type": "localImage", "path": str(_image_file(item))}
        case Mention(name=name, path=path):
            return {"type": "mention", "name": _named("Mention", name), "path": os.fsdecode(path)}
        case SkillMention(name=name, path=path):
            return {"type": "skill", "name": _named("SkillMention", name), "path": os.path.abspath(os.fsdecode(path))}
        case Mapping():
            return dict(item)
    if _is_pillow(item):
        buffer = io.BytesIO()
        item.save(buffer, format="PNG")
        return {"type": "image", "url": _data_url(buffer.getvalue())}
    raise _no_input(item)


def _is_pillow(value: Any) -> bool:
    # Without importing it: an image can only be there if somebody did.
    return any(kind.__module__.partition(".")[0] == "PIL" for kind in type(value).__mro__)


def _named(what: str, name: Any) -> str:
    if not isinstance(name, str):
        raise TypeError(f"the name of a {what} is a text, not {type(name).__name__}")
    if not name.strip():
        raise ValueError(f"a {what} needs a name")
    return name


def _detailed(encoded: dict[str, Any], detail: Any) -> dict[str, Any]:
    if detail is not None:
        allowed = get_args(ImageDetail)
        if detail not in allowed:
            raise ValueError(f"the detail of an image must be one of {', '.join(map(repr, allowed))}, not {detail!r}")
        encoded["detail"] = detail
    return encoded


def _image_file(path: Any) -> Path:
    """The absolute path of a readable image. The engine would tell the model of one that is not, not the caller."""
    file = Path(path).expanduser().absolute()
    try:
        found, size = file.is_file(), file.stat().st_size if file.exists() else 0
    except OSError:  # its name is too long
        found, size = False, 0
    if not found:
        why = "is a folder, not an image" if size and file.is_dir() else None
        raise FileNotFoundError(f"the image {file} {why}" if why else f"there is no image file {file}")
    try:
        with file.open("rb") as opened:
            head = opened.read(16)
    except OSError as error:
        raise type(error)(f"the image {file} cannot be read: {error.strerror or error}") from error
    _check_image(head, size, f"the image {file}")
    return file


def _data_url(data: Any) -> str:
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise TypeError(f"the data of an image are bytes, not {type(data).__name__}")
    data = bytes(data)
    kind = _check_image(data[:16], len(data), "the image")
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def _checked_url(url: Any) -> str:
    if not isinstance(url, str):
        raise TypeError(f"the URL of an image is a text, not {type(url).__name__}")
    if url.startswith(("https://", "http://")):
        raise ValueError(f"images are not fetched from other hosts; download {url[:200]} and give its bytes")
    if not url.startswith("data:image/"):
        raise ValueError(f"the URL of an image starts with data:image/, not {url[:40]!r}; a file is a LocalImage")
    if len(url) > MAX_IMAGE_BYTES * 4 // 3 + 100:
        raise _too_large("the image", len(url) * 3 // 4)
    return url


def _check_image(head: bytes, size: int, what: str) -> str:
    """The kind of an image that can be sent."""
    if size == 0:
        raise InvalidArgumentError(f"{what} is empty")
    kind = (
        "png"
        if head.startswith(b"\x89PNG\r\n\x1a\n")
        else "jpeg"
        if head.startswith(b"\xff\xd8\xff")
        else "gif"
        if head.startswith((b"GIF87a", b"GIF89a"))
        else "webp"
        if head[:4] == b"RIFF" and head[8:12] == b"WEBP"
        else None
    )
    if kind is None:
        raise InvalidArgumentError(f"{what} is not a PNG, JPEG, GIF or WebP image")
    if size > MAX_IMAGE_BYTES:
        raise _too_large(what, size)
    return kind


def _too_large(what: str, size: int) -> TooLargeError:
    return TooLargeError(
        f"{what} has {size / 2**20:.1f} MiB; at most {MAX_IMAGE_BYTES // 2**20} MiB can be sent. The model sees no more than 2,048 pixels a side: scale it down"
    )
