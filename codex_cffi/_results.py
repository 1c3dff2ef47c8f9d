"""What a tool returns, as the model sees it: text, or JSON."""

from __future__ import annotations

import base64
import contextlib
import enum
import inspect
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any

import msgspec

__all__ = ["as_text", "finished", "finished_async", "is_unfinished", "jsonable"]


def as_text(value: Any) -> str:
    """A result as text: text as it is, bytes as the text that they are or else in base64, everything else as JSON.

    Raises:
        TypeError: It has no form in JSON.
    """
    if isinstance(value, enum.Enum):
        value = value.value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        try:
            return bytes(value).decode()
        except UnicodeDecodeError:
            return base64.b64encode(value).decode()
    made = _encoded(value)
    # What is a text in JSON, such as a path or a time, needs no quotation marks.
    return msgspec.json.decode(made, type=str) if made.startswith(b'"') else made.decode()


def jsonable(value: Any) -> Any:
    """A value as plain JSON; raises as :func:`as_text`."""
    return msgspec.json.decode(_encoded(value))


def _encoded(value: Any) -> bytes:
    core: Any = sys.modules.get("pydantic_core")
    if core is None:
        return msgspec.json.encode(value, enc_hook=_other)
    # It knows what only pydantic's classes know of themselves: other names, fields that are left out.
    options = {"bytes_mode": "base64", "inf_nan_mode": "null", "timedelta_mode": "iso8601", "fallback": _other}
    try:
        made: bytes = core.to_json(value, **options)
    except core.PydanticSerializationError as error:
        raise TypeError(str(error).removeprefix("Error serializing to JSON: TypeError: ")) from error
    return made


def _other(value: Any) -> Any:
    """What msgspec and pydantic do not know, as something that they do."""
    dump = getattr(value, "model_dump", None)  # of a pydantic model within something of msgspec's
    if callable(dump):
        return dump(mode="json")
    if isinstance(value, msgspec.Struct) or hasattr(value, "__attrs_attrs__"):
        return msgspec.to_builtins(value, enc_hook=_other)
    if isinstance(value, Mapping):
        return dict(value)
    path = getattr(value, "__fspath__", None)
    if callable(path):
        return path()
    if type(value).__module__ == "ipaddress":
        return str(value)
    plain = getattr(value, "tolist", None)  # an array's
    if callable(plain):
        return plain()
    if isinstance(value, Iterable) and not isinstance(value, type) and not hasattr(value, "read"):
        return list(value)
    raise TypeError(
        f"{type(value).__name__} has no form in JSON; a result is text, JSON values, dataclasses, pydantic models,"
        " an Image, or a list of texts and images"
    )


# ---- results that come one after the other


def is_unfinished(value: Any) -> bool:
    """Whether it has to be awaited: a coroutine, or what an async generator yields."""
    return inspect.isawaitable(value) or isinstance(value, AsyncIterator)


def finished(value: Any, progress: Callable[[str], None], stopped: Callable[[], bool]) -> Any:
    """What a generator yields is progress. Its result is what it returns; if that is nothing, all that it has yielded."""
    if not inspect.isgenerator(value):
        return value
    yielded: list[Any] = []
    with contextlib.closing(value):
        while not stopped():
            try:
                part = next(value)
            except StopIteration as end:
                return _all(yielded) if end.value is None else end.value
            yielded.append(part)
            _tell(part, progress)
    return _all(yielded)


async def finished_async(value: Any, progress: Callable[[str], None], stopped: Callable[[], bool]) -> Any:
    """The same for what has to be awaited."""
    while inspect.isawaitable(value):
        value = await value
    if not isinstance(value, AsyncIterator):
        return finished(value, progress, stopped)
    yielded: list[Any] = []
    try:
        async for part in value:
            yielded.append(part)
            _tell(part, progress)
    finally:
        close = getattr(value, "aclose", None)
        if close is not None:
            await close()
    return _all(yielded)


def _tell(part: Any, progress: Callable[[str], None]) -> None:
    with contextlib.suppress(TypeError, ValueError):  # an image, say
        progress(as_text(part))


def _all(parts: list[Any]) -> Any:
    return "\n".join(parts) if parts and all(isinstance(part, str) for part in parts) else parts
