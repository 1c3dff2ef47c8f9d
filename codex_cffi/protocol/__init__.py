"""The engine's whole protocol as types, for :meth:`codex_cffi.Codex.request` and for events::

    from codex_cffi.protocol import ModelListParams

    for model in codex.request("model/list", ModelListParams(limit=5)).data:
        print(model.id)

Parameters know the type of the method's result. A type is loaded when it is asked for first. What is new in a newer engine does no harm: unknown keys are
skipped, unknown strings pass, and an unknown variant is an :class:`UnknownVariant`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._base import HostParams, Params, Struct, UnknownVariant, decode, decode_result, sendable
from ._tables import HOST_REQUESTS, MODULES, NOTIFICATIONS, REQUESTS

if TYPE_CHECKING:
    from ._types import *  # noqa: F403

__all__ = [
    "HOST_REQUESTS",
    "NOTIFICATIONS",
    "REQUESTS",
    "HostParams",
    "Params",
    "Struct",
    "UnknownVariant",
    "decode",
    "decode_result",
    "sendable",
]


def __getattr__(name: str) -> Any:
    module = MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}._types.{module}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*__all__, *MODULES})
