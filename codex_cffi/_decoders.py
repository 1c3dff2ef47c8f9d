"""Decoders that are made when they are first needed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import msgspec

#: Reads what msgspec does not know: gets the type and the plain value.
DecHook = Callable[[type, Any], Any]

_making = threading.RLock()


def decoder(kind: Any, dec_hook: DecHook | None = None) -> Callable[[bytes | msgspec.Raw], Any]:
    """What reads JSON as `kind`.

    One at a time: a class that msgspec is looking at on one thread it takes for known on another, and the reading crashes.
    """
    with _making:
        return msgspec.json.Decoder(kind, dec_hook=dec_hook).decode


def convert(value: Any, kind: Any, dec_hook: DecHook | None = None) -> Any:
    """``msgspec.convert`` with the same care."""
    with _making:
        return msgspec.convert(value, kind, dec_hook=dec_hook)


def schemas(
    kinds: list[Any], schema_hook: Callable[[type], dict[str, Any]]
) -> tuple[tuple[dict[str, Any], ...], dict[str, Any]]:
    """``msgspec.json.schema_components`` with the same care."""
    with _making:
        return msgspec.json.schema_components(kinds, schema_hook=schema_hook, ref_template="#/$defs/{name}")
