"""Checks of arguments: a clear TypeError or ValueError for what cannot be meant, in the same words everywhere."""

from __future__ import annotations

from typing import Any, get_args


def choice(name: str, value: Any, allowed: Any) -> Any:
    """`value`, if it is one of a Literal's; else an error that names them."""
    values = get_args(allowed)
    if value not in values:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, values))}, not {value!r}")
    return value
