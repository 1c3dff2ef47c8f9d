"""Decoders that are made when they are first needed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import msgspec

_making = threading.RLock()


def decoder(kind: Any) -> Callable[[bytes | msgspec.Raw], Any]:
    """What reads JSON as `kind`.

    One at a time: a class that msgspec is looking at on one thread it takes for known on another, and the reading crashes.
    """
    with _making:
        return msgspec.json.Decoder(kind).decode


def convert(value: Any, kind: Any) -> Any:
    """``msgspec.convert`` with the same care."""
    with _making:
        return msgspec.convert(value, kind)
