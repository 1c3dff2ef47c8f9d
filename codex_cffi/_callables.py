"""Callables of the program's: functions, methods, partials, objects that can be called."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from types import FrameType
from typing import Any

__all__ = ["is_async", "is_method", "local_names"]


def is_async(handler: Callable[..., Any]) -> bool:
    """Whether the handler is an ``async`` function or an async generator's."""
    while isinstance(handler, functools.partial):
        handler = handler.func
    if isinstance(handler, staticmethod):
        handler = handler.__func__
    call = getattr(handler, "__call__", None)  # noqa: B004 - an object with an async __call__
    return any(
        check(place) for check in (inspect.iscoroutinefunction, inspect.isasyncgenfunction) for place in (handler, call)
    )


def is_method(function: Any) -> bool:
    """Whether it is a method that has no object yet: in a class, with a first parameter that has no type."""
    if isinstance(function, classmethod):
        return True
    code = getattr(function, "__code__", None) or getattr(getattr(function, "__wrapped__", None), "__code__", None)
    place = getattr(function, "__qualname__", "").rpartition(".")[0]
    if (
        code is None
        or hasattr(function, "__self__")
        or not hasattr(function, "__get__")
        or not place
        or place.endswith("<locals>")
    ):
        return False
    first = next(iter(code.co_varnames[: code.co_argcount]), "")
    return first in ("self", "cls") and first not in getattr(function, "__annotations__", {})


def local_names(frame: FrameType | None) -> dict[str, Any]:
    """The names around a function that is defined in another, perhaps in a class there, for its forward references."""
    found: dict[str, Any] = {}
    while frame is not None and frame.f_locals is not frame.f_globals:
        found = {**frame.f_locals, **found}
        frame = frame.f_back if "__qualname__" in frame.f_locals else None
    return found
