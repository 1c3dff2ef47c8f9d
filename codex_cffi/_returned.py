"""What a function says that it returns: whether the model can be sent it, which is known before the tool is called."""

from __future__ import annotations

import collections.abc
import dataclasses
import enum
import inspect
import sys
import typing
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Iterable, Iterator, Mapping, Sequence
from typing import Any, get_args, get_origin

import msgspec

from ._forms import PATHS, fields_of, is_union

__all__ = ["unsendable"]

#: Types whose arguments are results themselves, or parts of one.
_AROUND = (
    *(Awaitable, AsyncIterator, AsyncIterable, Iterator, Iterable, Sequence, list, tuple),
    *(collections.abc.Generator, collections.abc.AsyncGenerator, collections.abc.Coroutine),
)
#: What else values may be that have a form in JSON.
_SCALARS = (str, bytes, bytearray, memoryview, int, float, enum.Enum, PATHS, Mapping, Iterable, type(None))
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
