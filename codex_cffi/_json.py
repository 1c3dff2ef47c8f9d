"""JSON without types."""

from __future__ import annotations

import json
from typing import Any

import msgspec

_decode = msgspec.json.Decoder(Any).decode
#: Digits of the longest whole number that Python reads willingly.
_DIGITS = 4000


def decode_plain(text: bytes | msgspec.Raw) -> Any:
    """The value of a JSON text. A number beyond every type, which a model may well write and the engine passes on, is infinite."""
    try:
        return _decode(text)
    except msgspec.ValidationError:
        return json.loads(bytes(text), parse_int=lambda digits: int(digits) if len(digits) < _DIGITS else float(digits))
