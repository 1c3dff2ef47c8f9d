"""What a turn is asked: texts, images, mentions of skills and of files or apps."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from ._checks import choice
from ._images import MAX_IMAGE_BYTES, checked_url, image_file, image_url, is_pillow

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
    if isinstance(value, _ONE) or is_pillow(value):
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
            return _detailed({"type": "localImage", "path": image_file(path)}, detail)
        case ImageBytes(data=data, detail=detail):
            if not isinstance(data, (bytes, bytearray, memoryview)):
                raise TypeError(f"the data of an image are bytes, not {type(data).__name__}")
            return _detailed({"type": "image", "url": image_url(data)}, detail)
        case ImageUrl(url=url, detail=detail):
            return _detailed({"type": "image", "url": checked_url(url)}, detail)
        case bytes() | bytearray() | memoryview():
            return {"type": "image", "url": image_url(item)}
        case os.PathLike():
            return {"type": "localImage", "path": image_file(item)}
        case Mention(name=name, path=path):
            return {"type": "mention", "name": _named("Mention", name), "path": os.fsdecode(path)}
        case SkillMention(name=name, path=path):
            return {"type": "skill", "name": _named("SkillMention", name), "path": os.path.abspath(os.fsdecode(path))}
        case Mapping():
            return dict(item)
    if is_pillow(item):
        return {"type": "image", "url": image_url(item)}
    raise _no_input(item)


def _named(what: str, name: Any) -> str:
    if not isinstance(name, str):
        raise TypeError(f"the name of a {what} is a text, not {type(name).__name__}")
    if not name.strip():
        raise ValueError(f"a {what} needs a name")
    return name


def _detailed(encoded: dict[str, Any], detail: Any) -> dict[str, Any]:
    if detail is not None:
        encoded["detail"] = choice("the detail of an image", detail, ImageDetail)
    return encoded
