"""TOML, which Python can read itself from 3.11 on."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable
from typing import Any


def toml_module() -> Any:
    """``tomllib``, or what was there before it."""
    return importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")


def parse_overrides(overrides: Iterable[str], name: str) -> dict[str, Any]:
    """``a.b=value`` texts as nested settings.

    Args:
        overrides: The texts.
        name: What they are called where they are given.

    Raises:
        ValueError: One has no key or no value.
    """
    settings: dict[str, Any] = {}
    for override in overrides:
        path, equals, text = override.partition("=")
        keys = [key.strip() for key in path.split(".")]
        if not equals or not all(keys):
            # Without what may follow: it may be a key of the other kind.
            raise ValueError(f"{name} must be key=value, for example 'model=\"gpt-5.5\"', not {path!r}")
        place = settings
        for key in keys[:-1]:
            inner = place.get(key)
            if not isinstance(inner, dict):
                inner = place[key] = {}
            place = inner
        place[keys[-1]] = _value(text)
    return settings


def _value(text: str) -> Any:
    # As the codex program does it: what is no TOML is a text, so that model=gpt-5.5 needs no quotes.
    toml = toml_module()
    try:
        return toml.loads(f"value = {text.strip()}")["value"]
    except toml.TOMLDecodeError:
        return text.strip().strip("\"'")
