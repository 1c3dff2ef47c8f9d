"""Arguments by their names: clear errors for mistyped ones, and objects of them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar

import msgspec

from ._checks import unknown_arguments

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S", bound=msgspec.Struct)


def names_keywords(function: Callable[P, R]) -> Callable[P, R]:
    """Makes a call with an unknown keyword say which ones there are."""
    allowed: dict[str, None] = {}

    @functools.wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        if kwargs:
            if not allowed:  # only now: most functions are never called, and looking at all takes a while
                allowed.update(dict.fromkeys(name for name in inspect.signature(function).parameters if name != "self"))
            unknown = [name for name in kwargs if name not in allowed]
            if unknown:
                raise unknown_arguments(function.__qualname__.removesuffix(".__init__"), unknown, allowed)
        return function(*args, **kwargs)

    return checked


def of_locals(kind: type[S], arguments: Mapping[str, Any]) -> S:
    """An object of the arguments that a method was called with, which have the names of its fields.

    Args:
        kind: A struct.
        arguments: ``locals()`` of the method, before it has others.
    """
    return kind(**{name: arguments[name] for name in kind.__struct_fields__ if name in arguments})
