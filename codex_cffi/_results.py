"""What a tool returns, as the model sees it: text, or JSON."""

from __future__ import annotations

import base64
import collections.abc
import contextlib
import dataclasses
import enum
import inspect
import os
import sys
import typing
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, get_args, get_origin

import msgspec

from ._forms import fields_of, is_model, is_union

__all__ = ["as_text", "finished", "finished_async", "is_unfinished", "jsonable", "unsendable"]


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
    if is_model(type(value)):
        return value.model_dump(mode="json")
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


# ---- what a function says that it returns

#: Types whose arguments are results themselves, or parts of one.
_AROUND = (
    *(Awaitable, AsyncIterator, AsyncIterable, Iterator, Iterable, Sequence, list, tuple),
    *(collections.abc.Generator, collections.abc.AsyncGenerator, collections.abc.Coroutine),
)
#: What else values may be that have a form in JSON.
_SCALARS = (str, bytes, bytearray, memoryview, int, float, enum.Enum, os.PathLike, Mapping, Iterable, type(None))
_MODULES = ("datetime", "uuid", "decimal", "ipaddress", "pydantic", "pydantic_core")
_MARKS = (
    "__attrs_attrs__",
    "__fspath__",
    "tolist",
    "__total__",
    "__get_pydantic_core_schema__",
    "__pydantic_serializer__",
)


def unsendable(hint: Any, content: tuple[type, ...]) -> str | None:
    """What in the type of a result the model cannot be sent; None if there is nothing.

    Args:
        hint: The type.
        content: Classes that are content by themselves, or as parts of a list, but not within JSON.
    """
    return _Returned(content).problem(hint, True)


class _Returned:
    def __init__(self, content: tuple[type, ...]) -> None:
        self._content = content
        self._seen: list[tuple[Any, bool]] = []

    def problem(self, hint: Any, outside: bool) -> str | None:
        """`outside`: not within JSON, so that images may be there."""
        if any(hint is other and outside is before for other, before in self._seen):
            return None
        self._seen.append((hint, outside))
        origin, arguments = get_origin(hint), get_args(hint)
        if hint is Any or origin is typing.Literal:
            return None
        if isinstance(hint, type) and origin is None:
            return self._class(hint, outside)
        if origin is typing.Annotated:
            arguments = arguments[:1]
        elif isinstance(origin, type) and not is_union(hint):
            arguments = (*arguments, origin)
        outside = outside and (is_union(hint) or origin in (typing.Annotated, *_AROUND))
        aliased = (getattr(hint, "__supertype__", None), getattr(hint, "__value__", None))
        found = (self.problem(part, outside) for part in (*arguments, *aliased) if part is not None)
        return next((problem for problem in found if problem), None)

    def _class(self, kind: type, outside: bool) -> str | None:
        if kind in self._content or any(base.__module__.partition(".")[0] == "PIL" for base in kind.__mro__):
            return None if outside else f"{kind.__name__} within another value, not in a list of texts and images,"
        if not _may_be_sent(kind):
            return kind.__name__
        fields = {} if hasattr(kind, "__pydantic_serializer__") else fields_of(kind)
        found = (self.problem(hint, False) for hint in fields.values())
        return next((problem for problem in found if problem), None)


def _may_be_sent(kind: type) -> bool:
    """Whether values of the class, or of one that inherits from it, may have a form in JSON."""
    return (
        kind is object
        or issubclass(kind, (*_SCALARS, Awaitable, AsyncIterable, msgspec.Struct))
        or kind.__module__.partition(".")[0] in _MODULES
        or dataclasses.is_dataclass(kind)
        or any(hasattr(kind, mark) for mark in _MARKS)
        or inspect.isabstract(kind)
        or getattr(kind, "_is_protocol", False)
        or (kind.__module__.partition(".")[0] not in sys.stdlib_module_names and bool(kind.__subclasses__()))
    )
