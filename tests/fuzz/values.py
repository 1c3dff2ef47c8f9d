"""What the fuzz tests feed: hostile bytes, JSON of any shape, JSON of the right shape, and mutations of all of these."""

from __future__ import annotations

import copy
import json
import os
from functools import cache
from typing import Any

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

#: How much more than under CI: a number in CODEX_FUZZ, which also lets chance choose.
FACTOR = float(os.environ.get("CODEX_FUZZ") or 1)


def effort(examples: int, steps: int = 50) -> settings:
    """The settings of a test that takes so many examples under CI."""
    return settings(
        max_examples=max(1, int(examples * FACTOR)),
        stateful_step_count=steps,
        derandomize=FACTOR == 1,
        database=None,
        deadline=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )


#: Texts that have broken parsers.
TEXTS = (
    "",
    " ",
    "\0",
    "a\0b",
    "\x1b[31m",
    "\n",
    "'\"\\",
    "\ufeff",
    "\uffff",
    "\U0001f600" * 20,
    "e\u0301" * 20,
    "\u202eabc",
    "../../etc",
    "-1",
    "null",
    "*",
    "a*b",
    "::",
    "%s%n",
    "$serde_json::private::Number",
    "x" * 65,
    "x" * 4096,
)
#: Numbers at the edges of their types, and beyond.
NUMBERS = (
    0,
    -1,
    1,
    2**31,
    -(2**31) - 1,
    2**53 + 1,
    2**63 - 1,
    2**63,
    2**64,
    -(2**63) - 1,
    10**40,
    0.5,
    -0.0,
    5e-324,
    1.7e308,
)
#: Bytes that are no request: bad encodings, bad JSON, great depth, great size.
BYTES = (
    b"",
    b"\0",
    b"\xff\xfe",
    b"\xc0\x80",
    b"\xed\xa0\x80",
    b'"\\ud800"',
    b'{"a":"\\udfff\\ud800"}',
    b'"\\u0000"',
    b"{",
    b"[]",
    b"{}",
    b"{} {}",
    b"null",
    b"true",
    b"nan",
    b"-",
    b"-0",
    b"1e999999",
    b"-1E-999999",
    b"[1e400]",
    b"9" * 5000,
    b"0." + b"1" * 5000,
    b'{"a":1,"a":2}',
    b'{"$serde_json::private::Number":"x"}',
    b'{"$serde_json::private::Number":"1"}',
    b'{"$serde_json::private::RawValue":"1"}',
    b'\xef\xbb\xbf{"a":1}',
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b"[" * 120 + b"]" * 120,
    b"[" * 128 + b"]" * 128,
    b'"' + b"x" * (1 << 20) + b'"',
    b"[" + b"0," * (1 << 19) + b"0]",
    b'{"' + b"k" * (1 << 20) + b'":1}',
)

texts = st.sampled_from(TEXTS) | st.text(max_size=20)
#: Also what UTF-8 cannot hold.
any_texts = texts | st.sampled_from(("\ud800", "a\udfffb")) | st.text(st.characters(), max_size=10)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(NUMBERS)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=8
)


def encoded(values: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    """Values as JSON, escaped or not."""
    return st.builds(lambda value, ascii: json.dumps(value, ensure_ascii=ascii).encode(), values, st.booleans())


@st.composite
def corrupted(draw: st.DrawFn, texts: st.SearchStrategy[bytes]) -> bytes:
    """Texts with a few bytes changed, cut or doubled."""
    text = draw(texts)
    for _ in range(draw(st.integers(1, 3))):
        at, length = draw(st.integers(0, len(text))), draw(st.integers(0, 8))
        match draw(st.integers(0, 3)):
            case 0:
                text = text[:at] + draw(st.binary(max_size=4)) + text[at + length :]
            case 1:
                text = text[:at]
            case 2:
                text = text[:at] + text[at : at + length] + text[at:]
            case _:
                text = text[:at] + draw(st.sampled_from(BYTES[:24])) + text[at:]
    return text


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every member of every object and list in it, as container and key."""
    found: list[tuple[Any, Any]] = []
    open_: list[Any] = [value]
    while open_:
        container = open_.pop()
        keys: Any = (
            container if isinstance(container, dict) else range(len(container)) if isinstance(container, list) else ()
        )
        for key in keys:
            found.append((container, key))
            open_.append(container[key])
    return found


@st.composite
def mutated(draw: st.DrawFn, values: st.SearchStrategy[Any], most: int = 3) -> Any:
    """Values with some members replaced, left out, renamed, doubled or buried."""
    holder = [copy.deepcopy(draw(values))]
    for _ in range(draw(st.integers(0, most))):
        container, key = draw(st.sampled_from(_places(holder)))
        match draw(st.integers(0, 5)):
            case 0 | 1:
                container[key] = draw(scalars)
            case 2:
                container[key] = draw(anything)
            case 3 if container is not holder:
                del container[key]
            case 4:
                for _ in range(draw(st.sampled_from((1, 5, 60, 140)))):
                    container[key] = {"a": container[key]} if draw(st.just(True)) else [container[key]]
            case 5:
                if isinstance(container, dict):
                    container[draw(texts)] = container[key]
                else:
                    container.append(container[key])
    return holder[0]


def hostile(values: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    """JSON text that is about right, more or less: half of it is, or nearly."""
    right = encoded(mutated(values))
    return right | right | encoded(values) | corrupted(encoded(values)) | encoded(anything) | st.sampled_from(BYTES)


@cache
def of_kind(kind: Any) -> st.SearchStrategy[Any]:
    """Plain JSON values that fit a type of codex_cffi.protocol."""
    return _of(msgspec.inspect.type_info(kind))


def _of(info: msgspec.inspect.Type) -> st.SearchStrategy[Any]:
    inspect = msgspec.inspect
    match info:
        case inspect.StructType():
            return _of_struct(info.cls)
        case inspect.UnionType():
            return st.one_of([_of(option) for option in info.types])
        case inspect.ListType():
            return st.lists(_of(info.item_type), max_size=2)
        case inspect.DictType():
            return st.dictionaries(texts, _of(info.value_type), max_size=2)
        case inspect.LiteralType():
            return st.sampled_from(info.values)
        case inspect.NoneType():
            return st.none()
        case inspect.BoolType():
            return st.booleans()
        case inspect.IntType():
            return st.integers(0, 2**31)
        case inspect.FloatType():
            return st.floats(0, 1e9)
        case inspect.StrType():
            return texts
    return anything


@cache
def _of_struct(cls: Any) -> st.SearchStrategy[Any]:
    info = msgspec.inspect.type_info(cls)
    assert isinstance(info, msgspec.inspect.StructType)

    def members() -> st.SearchStrategy[Any]:
        required = {field.encode_name: _of(field.type) for field in info.fields if field.required}
        optional = {field.encode_name: _of(field.type) for field in info.fields if not field.required}
        if info.tag_field is not None:
            required[info.tag_field] = st.just(info.tag)
        return st.fixed_dictionaries(required, optional=optional)

    return st.deferred(members)  # some contain themselves
