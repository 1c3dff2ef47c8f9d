"""Checks of arguments: what is right comes back, what is wrong is told in the same words everywhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest

from codex_cffi import CommandLimits, _checks

Size = Literal["small", "large"]


@pytest.mark.parametrize(
    ("check", "right"),
    [
        (lambda value: _checks.choice("size", value, Size), ["small", "large"]),
        (lambda value: _checks.text("name", value), ["", "a"]),
        (lambda value: _checks.filled("name", value), ["a", " a "]),
        (lambda value: _checks.whole("count", value), [-1, 0, 10**400]),
        (lambda value: _checks.whole("count", value, 1), [1, 2]),
        (lambda value: _checks.whole("count", value, 0, or_none=True), [None, 0, 3]),
        (lambda value: _checks.not_negative("count", value), [0, 0.5]),
        (lambda value: _checks.above_zero("limit", value), [None, 0.1, 3]),
        (lambda value: _checks.flag("trust", value), [True, False]),
        (lambda value: _checks.function("handler", value), [len, int, print]),
        (lambda value: _checks.function("handler", value, or_none=True), [None, len]),
        (lambda value: _checks.instance("limits", value, CommandLimits), [CommandLimits()]),
        (lambda value: _checks.mapping("config", value), [{}, {"a": 1}]),
        (lambda value: _checks.several("roots", value, "folders", "folder"), [[], ["a"], (), {"a"}]),
    ],
)
def test_what_is_right_comes_back(check: Callable[[Any], Any], right: list[Any]) -> None:
    for value in right:
        assert check(value) is value


@pytest.mark.parametrize(
    ("check", "error", "words"),
    [
        (lambda: _checks.choice("size", "tiny", Size), ValueError, "size must be one of 'small', 'large', not 'tiny'"),
        (lambda: _checks.choice("size", ["small"], Size), ValueError, "not ['small']"),
        (lambda: _checks.text("name", 5), TypeError, "name must be a text, not int"),
        (lambda: _checks.filled("name", b"a"), TypeError, "name must be a text, not bytes"),
        (lambda: _checks.filled("name", " \n"), ValueError, "name is empty"),
        (lambda: _checks.whole("count", "1"), TypeError, "count must be a whole number, not str"),
        (lambda: _checks.whole("count", True), TypeError, "count must be a whole number, not bool"),
        (lambda: _checks.whole("count", 1.0, or_none=True), TypeError, "must be a whole number or None, not float"),
        (lambda: _checks.whole("count", None), TypeError, "count must be a whole number, not NoneType"),
        (lambda: _checks.whole("count", 0, 1), ValueError, "count must be at least 1, not 0"),
        (lambda: _checks.whole("count", -1, 0), ValueError, "count must not be negative, got -1"),
        (lambda: _checks.not_negative("price", float("nan")), ValueError, "price must not be negative, got nan"),
        (lambda: _checks.above_zero("limit", 0), ValueError, "limit must be above 0 seconds, not 0"),
        (lambda: _checks.flag("trust", 1), TypeError, "trust must be True or False, not int"),
        (lambda: _checks.function("handler", "f"), TypeError, "handler must be a function, not str"),
        (lambda: _checks.function("handler", None), TypeError, "handler must be a function, not NoneType"),
        (lambda: _checks.instance("limits", 1, CommandLimits), TypeError, "limits must be a CommandLimits, not int"),
        (
            lambda: _checks.mapping("servers", [], " of names"),
            TypeError,
            "servers must be a mapping of names, not list",
        ),
        (
            lambda: _checks.several("roots", "a", "folders", "folder"),
            TypeError,
            "must be a list of folders, not one folder",
        ),
        (
            lambda: _checks.several("roots", Path("a"), "paths", "path"),
            TypeError,
            "must be a list of paths, not one path",
        ),
    ],
)
def test_what_is_wrong_is_told(check: Callable[[], Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error) as caught:
        check()
    assert words in str(caught.value)


def test_arguments_that_there_are_not() -> None:
    error = _checks.unknown_arguments("draw", ["colour", "size"], ["shape", "width"])
    assert str(error) == "draw() has no argument 'colour', 'size'; it takes shape, width"
