"""Clear errors for mistyped keyword arguments."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def names_keywords(function: Callable[P, R]) -> Callable[P, R]:
    """Makes a call with an unknown keyword say which ones there are."""
    allowed = [name for name in inspect.signature(function).parameters if name != "self"]
    known = frozenset(allowed)

    @functools.wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        unknown = [name for name in kwargs if name not in known]
        if unknown:
            what = function.__qualname__.removesuffix(".__init__")
            raise TypeError(f"{what}() has no argument {', '.join(map(repr, unknown))}; it takes {', '.join(allowed)}")
        return function(*args, **kwargs)

    return checked
