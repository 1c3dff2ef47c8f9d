"""Checks of arguments: a TypeError or ValueError for what cannot be meant, in the same words everywhere. What is right, they give back."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, get_args

T = TypeVar("T")


def choice(name: str, value: Any, allowed: Any) -> Any:
    """One of a Literal's values."""
    values = get_args(allowed)
    if value not in values:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, values))}, not {value!r}")
    return value


def text(name: str, value: Any) -> str:
    """A text, perhaps an empty one."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a text, not {type(value).__name__}")
    return value


def filled(name: str, value: Any) -> str:
    """A text with more than white space in it."""
    if not text(name, value).strip():
        raise ValueError(f"{name} is empty")
    return value  # type: ignore[no-any-return]


def credential(name: str, value: Any) -> str:
    """A key as it is sent, without the white space, line ends or byte order mark around it. No error shows it."""
    key = text(name, value).strip().strip("\ufeff").strip()
    if not key:
        raise ValueError(f"{name} is empty")
    if any(line_end in key for line_end in "\r\n"):
        raise ValueError(f"{name} has a line end in the middle: a key is one line")
    if not key.isascii() or not key.isprintable():
        raise ValueError(f"{name} has a character that no key has: it is sent as one line of ASCII")
    return key


def whole(name: str, value: Any, least: int | None = None, *, or_none: bool = False) -> Any:
    """A whole number that is not below `least`; True and False are none."""
    if or_none and value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be a whole number{' or None' if or_none else ''}, not {type(value).__name__}")
    if least == 0:
        return not_negative(name, value)
    if least is not None and value < least:
        raise ValueError(f"{name} must be at least {least}, not {value}")
    return value


def not_negative(name: str, value: Any) -> Any:
    """A number from 0 on."""
    if not value >= 0:  # so that NaN is refused too
        raise ValueError(f"{name} must not be negative, got {value}")
    return value


def above_zero(name: str, seconds: float | None) -> float | None:
    """Seconds that something may take, or None."""
    if seconds is not None and not seconds > 0:
        raise ValueError(f"{name} must be above 0 seconds, not {seconds}")
    return seconds


def flag(name: str, value: Any) -> bool:
    """True or False, and nothing that only looks like it."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, not {type(value).__name__}")
    return value


def function(name: str, value: Any, *, or_none: bool = False) -> Any:
    """Something that can be called."""
    if not callable(value) and not (or_none and value is None):
        raise TypeError(f"{name} must be a function, not {type(value).__name__}")
    return value


def instance(name: str, value: Any, kind: type[T]) -> T:
    """An object of a class."""
    if not isinstance(value, kind):
        raise TypeError(f"{name} must be a {kind.__name__}, not {type(value).__name__}")
    return value


def mapping(name: str, value: Any, of: str = "") -> Mapping[Any, Any]:
    """A mapping; `of` tells what it maps, such as " of names to servers"."""
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} must be a mapping{of}, not {type(value).__name__}")
    return value


def several(name: str, value: Any, many: str, one: str) -> Any:
    """More than one: a text, bytes or a path would be taken for their letters."""
    if isinstance(value, (str, bytes, os.PathLike)):
        raise TypeError(f"{name} must be a list of {many}, not one {one}")
    return value


def unknown_arguments(
    function: str, unknown: Iterable[str], known: Iterable[str], takes: str = "it takes"
) -> TypeError:
    """The error of a call with arguments that there are not."""
    names = ", ".join(map(repr, unknown))
    return TypeError(f"{function}() has no argument {names}; {takes} {', '.join(known)}")
