"""What a turn is given, as the official SDK says it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from .._images import checked_url, image_file
from ._base import to_wire

if TYPE_CHECKING:
    from ._models import FunctionCallOutputContentItem
    from .models import JsonObject


@dataclass(slots=True)
class TextInput:
    """Text."""

    text: str


@dataclass(slots=True)
class ImageInput:
    """An image by its ``data:`` URL; nothing is fetched from other hosts."""

    url: str


@dataclass(slots=True)
class LocalImageInput:
    """An image file."""

    path: str


@dataclass(slots=True)
class SkillInput:
    """A skill by its name and its ``SKILL.md``."""

    name: str
    path: str


@dataclass(slots=True)
class MentionInput:
    """A file, an app or another thing that is mentioned."""

    name: str
    path: str


@dataclass(slots=True)
class ExternalMessage:
    """What another program says, with no more authority than a tool's output has.

    Attributes:
        tool_name: The tool that it comes from.
        content: Text, or content items of a tool's output.
        namespace: The tool's namespace, if it has one.
    """

    tool_name: str
    content: str | Sequence[JsonObject | FunctionCallOutputContentItem]
    namespace: str | None = None


InputItem: TypeAlias = TextInput | ImageInput | LocalImageInput | SkillInput | MentionInput
Input: TypeAlias = list[InputItem] | InputItem
RunInput: TypeAlias = Input | str | ExternalMessage


def encode_turn_input(value: RunInput, directory: str | None) -> dict[str, Any]:
    """The parameters of ``turn/start`` that an input becomes; paths count from the directory."""
    if not isinstance(value, ExternalMessage):
        return {"input": encode_input(value, directory)}
    if not isinstance(value.tool_name, str) or not value.tool_name.strip():
        raise ValueError("ExternalMessage.tool_name must be a text that is not empty")
    content = value.content if isinstance(value.content, str) else [to_wire(item) for item in value.content]
    output = {"name": value.tool_name, "output": content}
    if value.namespace is not None:
        output["namespace"] = value.namespace
    return {"input": [], "toolOutput": output}


def encode_input(value: Input | str, directory: str | None) -> list[dict[str, Any]]:
    """An input as the engine takes it.

    Raises:
        FileNotFoundError: There is no such image.
        ValueError: An image is empty, too large, damaged, of another format, or at another host. The engine would tell the model, not the caller.
    """
    return [_encode(item, directory or "") for item in (value if isinstance(value, list) else [value])]


def _encode(item: Any, directory: str) -> dict[str, Any]:
    match item:
        case str(text) | TextInput(text=text):
            return {"type": "text", "text": text}
        case ImageInput(url=url):
            return {"type": "image", "url": checked_url(url)}
        case LocalImageInput(path=path):
            return {"type": "localImage", "path": image_file(os.path.join(directory, path))}
        case SkillInput(name=name, path=path):
            return {"type": "skill", "name": name, "path": os.path.join(directory, path)}
        case MentionInput(name=name, path=path):
            return {"type": "mention", "name": name, "path": os.fspath(path)}
    raise TypeError(f"input must be text, one of the Input classes, or a list of these, not {type(item).__name__}")
