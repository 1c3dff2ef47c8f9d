"""Every kind of type as a tool's parameter, as its result, and in an output_schema: it goes there and back, or is refused when the tool is made."""

from __future__ import annotations

import collections
import collections.abc
import dataclasses
import datetime
import decimal
import enum
import ipaddress
import json
import os
import pathlib
import re
import sys
import threading
import typing
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, NamedTuple, NewType, Optional, TypeVar, Union

import jsonschema
import msgspec
import pydantic
import pytest
import typing_extensions as te
from pydantic import BaseModel, Field

from codex_cffi import Image, ToolInvocation, ToolResult, tool
from codex_cffi._output import Output
from codex_cffi._strict import strict_schema
from codex_cffi.testing import ScriptedModel, function_call
from support import MakeCodex, run_python

T = TypeVar("T")
UserId = NewType("UserId", int)
Name = te.TypeAliasType("Name", Annotated[str, Field(min_length=1)])
Json = te.TypeAliasType("Json", "dict[str, Json] | list[Json] | str | int | None")


class Hit(BaseModel):
    file: str
    line: int = 1


class Page(BaseModel):
    url: str


class Node(BaseModel):
    name: str
    children: list[Node] = []


class PydanticBox(BaseModel, Generic[T]):
    value: T


class Card(BaseModel):
    kind: Literal["card"] = "card"
    number: str


class Invoice(BaseModel):
    kind: Literal["invoice", "bill"] = "invoice"
    days: int


class Aliased(BaseModel):
    file_name: str = Field(alias="fileName", serialization_alias="fileName")
    model_config = pydantic.ConfigDict(serialize_by_alias=True)


@pydantic.dataclasses.dataclass
class Bounded:
    size: Annotated[int, Field(ge=1)]
    secret: str = Field(default="hidden", exclude=True)


@dataclasses.dataclass
class Point:
    x: int
    y: float = 0.5


@dataclasses.dataclass
class Circle:
    radius: float


@dataclasses.dataclass
class Tree:
    name: str
    children: list[Tree]


@dataclasses.dataclass
class Box(Generic[T]):
    value: T


@dataclasses.dataclass
class Search:
    """What a search found.

    Attributes:
        hits: Where.
    """

    hits: list[Hit]
    where: Path
    when: datetime.datetime | None = None


class Options(te.TypedDict, total=False):
    depth: te.Required[int]
    quiet: bool


class OldOptions(typing.TypedDict):
    hit: Hit
    note: te.NotRequired[str]


class Size(NamedTuple):
    width: int
    unit: str = "px"


class Struct(msgspec.Struct):
    hit: Hit
    count: int = 1


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(str, enum.Enum):
    LOW = "low"


class Mixed(enum.Enum):
    HALF = 0.5
    ALL = "all"


class Odd(enum.Enum):
    PAIR = (1, 2)


#: A type, and a value of it in JSON.
TYPES: dict[str, tuple[Any, Any]] = {
    "int": (int, 1),
    "str": (str, "ä \U0001f600"),
    "bool": (bool, True),
    "float": (float, 1.5),
    "None": (None, None),
    "Any": (Any, {"a": [1, None]}),
    "object": (object, [1]),
    "Optional": (Optional[int], None),  # noqa: UP045
    "union": (int | str, "x"),
    "datetime": (datetime.datetime, "2026-01-02T03:04:05Z"),
    "datetime or None": (datetime.datetime | None, "2026-01-02T03:04:05Z"),
    "datetime or text": (Union[datetime.datetime, str], "soon"),  # noqa: UP007
    "date": (datetime.date, "2026-01-02"),
    "time": (datetime.time, "03:04:05"),
    "timedelta": (datetime.timedelta, "PT5M"),
    "UUID": (uuid.UUID, "0f8fad5b-d9cb-469f-a165-70867728950e"),
    "Decimal": (decimal.Decimal, "1.50"),
    "Path": (Path, "a/b"),
    "PathLike": (os.PathLike[str], "a/b"),
    "Path or text": (str | Path, "a/b"),
    "paths": (list[Path], ["a", "b"]),
    "paths by name": (dict[str, Path], {"a": "b"}),
    "list": (list[int], [1, 2]),
    "bare list": (list, [1, "a"]),
    "set": (set[int], [1]),
    "frozenset": (frozenset[str], ["a"]),
    "tuple": (tuple[int, str], [1, "a"]),
    "tuple of any length": (tuple[int, ...], [1, 2]),
    "deque": (collections.deque[int], [1, 2]),
    "sequence": (Sequence[int], [1, 2]),
    "iterable": (Iterable[int], [1, 2]),
    "dict of anything": (dict[str, Any], {"a": {"b": 1}}),
    "bare dict": (dict, {"a": 1}),
    "dict by numbers": (dict[int, str], {"1": "a"}),
    "dict by enum": (dict[Colour, int], {"red": 1}),
    "dict by dates": (dict[datetime.date, int], {"2026-01-02": 1}),
    "mapping": (Mapping[str, int], {"a": 1}),
    "Counter": (collections.Counter[str], {"a": 2}),
    "Enum": (Colour, "red"),
    "str Enum": (Level, "low"),
    "Enum of several kinds": (Mixed, 0.5),
    "Literal": (Literal["a", 1, None], "a"),
    "NewType": (UserId, 7),
    "alias": (Name, "x"),
    "recursive alias": (Json, {"a": [{"b": None}]}),
    "TypeVar": (T, 1),  # type: ignore[dict-item]
    "dataclass": (Point, {"x": 1, "y": 0.5}),
    "dataclass or None": (Point | None, {"x": 1, "y": 0.5}),
    "union of dataclasses": (Point | Circle, {"radius": 2.0}),
    "recursive dataclass": (Tree, {"name": "a", "children": [{"name": "b", "children": []}]}),
    "generic dataclass": (Box[int], {"value": 1}),
    "dataclass with models": (
        Search,
        {"hits": [{"file": "a", "line": 3}], "where": "src", "when": "2026-01-02T03:04:05Z"},
    ),
    "generic dataclass of models": (Box[Hit], {"value": {"file": "a", "line": 3}}),
    "TypedDict": (Options, {"depth": 1}),
    "TypedDict with models": (OldOptions, {"hit": {"file": "a", "line": 3}}),
    "NamedTuple": (Size, [3, "em"]),
    "Struct with models": (Struct, {"hit": {"file": "a", "line": 3}, "count": 2}),
    "model": (Hit, {"file": "a", "line": 3}),
    "models": (list[Hit], [{"file": "a", "line": 3}]),
    "models by name": (dict[str, Hit], {"best": {"file": "a", "line": 3}}),
    "model or None": (Hit | None, None),
    "union of models": (Hit | Page, {"url": "u"}),
    "models told apart": (Annotated[Card | Invoice, Field(discriminator="kind")], {"kind": "bill", "days": 3}),
    "recursive model": (Node, {"name": "a", "children": [{"name": "b", "children": []}]}),
    "generic model": (PydanticBox[int], {"value": 1}),
    "model with aliases": (Aliased, {"fileName": "a"}),
    "pydantic dataclass": (Bounded, {"size": 3}),
    "pydantic dataclasses": (list[Bounded], [{"size": 3}]),
    "Field": (Annotated[int, Field(ge=1, le=5)], 3),
    "Field within": (list[Annotated[str, Field(pattern="^a")]], ["ab"]),
    "Meta": (Annotated[int, msgspec.Meta(ge=1)], 3),
    "URL": (pydantic.HttpUrl, "https://example.com/"),
    "address": (ipaddress.IPv4Address, "127.0.0.1"),
}

#: A type that is refused, and what is said of it.
REFUSED: dict[str, tuple[Any, str]] = {
    "class": (threading.Thread, "Thread has no JSON form"),
    "function": (Callable[[int], int], "Callable has no JSON form"),
    "kind": (type, "type has no JSON form"),
    "within": (list[threading.Thread], "Thread has no JSON form"),
    "enum of tuples": (Odd, "a tuple, which JSON has not"),
    "literal of an enum": (Literal[Colour.RED], "use the enum, or a Literal of its values"),
    "bounds of two libraries": (
        Annotated[int, msgspec.Meta(ge=1), Field(description="d")],
        "msgspec.Meta; use a Field",
    ),
    "dict by pairs": (dict[tuple[int, int], str], "have no form in JSON, which has texts as keys"),
}


def function(parameter: Any = None, result: Any = None) -> Callable[..., Any]:
    def given(value: Any = None) -> Any:
        """Gives its argument back."""
        got.append(value)
        return value

    def nothing() -> Any:
        """Gives nothing."""

    got: list[Any] = []
    made = given if parameter is not None else nothing
    if made is given:
        made.__defaults__ = None
    made.__annotations__ = {"value": parameter, "return": result} if parameter is not None else {"return": result}
    made.__dict__["got"] = got
    return made


def wrapped(**fields: Any) -> Any:
    """A class with these fields."""
    return te.TypedDict("Wrapped", fields)  # type: ignore[operator]


def test_every_type_goes_to_the_model_and_back(make_codex: MakeCodex, repo: Path) -> None:
    tools, calls, functions = [], [], {}
    for number, (name, (kind, value)) in enumerate(TYPES.items()):
        functions[name] = function(type(None) if kind is None else kind, kind)
        tools.append(tool(name=f"t{number}")(functions[name]))
        jsonschema.validate({"value": value}, dict(tools[-1].parameters))
        calls.append(function_call(f"t{number}", {"value": value}, call_id=name))
    with ScriptedModel([calls, "done"]) as model:
        make_codex(model, tools=tools).start_thread(working_directory=repo).run("go", timeout=120)
        outputs = model.last_request.function_outputs
    told = {name: json.loads(outputs[name]) if outputs[name][:1] in '[{"' else outputs[name] for name in TYPES}
    expected = {
        name: value if isinstance(value, (str, list, dict)) else json.dumps(value) for name, (_, value) in TYPES.items()
    }
    assert told == expected
    assert {name: len(functions[name].got) for name in TYPES} == dict.fromkeys(TYPES, 1)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "kind", "value"),
    [
        ("date", datetime.date, datetime.date(2026, 1, 2)),
        ("timedelta", datetime.timedelta, datetime.timedelta(minutes=5)),
        ("UUID", uuid.UUID, uuid.UUID("0f8fad5b-d9cb-469f-a165-70867728950e")),
        ("Decimal", decimal.Decimal, decimal.Decimal("1.50")),
        ("Path", type(Path()), Path("a/b")),
        ("set", set, {1}),
        ("tuple", tuple, (1, "a")),
        ("deque", collections.deque, collections.deque([1, 2])),
        ("dict by numbers", dict, {1: "a"}),
        ("dict by enum", dict, {Colour.RED: 1}),
        ("Enum", Colour, Colour.RED),
        ("str Enum", Level, Level.LOW),
        ("NamedTuple", Size, Size(3, "em")),
        ("union of dataclasses", Circle, Circle(2.0)),
        ("generic dataclass of models", Box, Box(Hit(file="a", line=3))),
        ("Struct with models", Struct, Struct(Hit(file="a", line=3), 2)),
        ("TypedDict with models", dict, {"hit": Hit(file="a", line=3)}),
        ("union of models", Page, Page(url="u")),
        ("models told apart", Invoice, Invoice(kind="bill", days=3)),
        ("pydantic dataclasses", list, [Bounded(size=3)]),
        ("model with aliases", Aliased, Aliased(fileName="a")),
    ],
)
def test_a_function_and_parsed_get_values_of_the_type(name: str, kind: type, value: Any) -> None:
    hint, given = TYPES[name]
    made = function(hint, Any)
    got = tool(made).handler(ToolInvocation("thread", "turn", "call", "given", {"value": given}))
    assert (type(got), got) == (kind, value)
    parsed = Output(wrapped(value=hint)).parse(json.dumps({"value": given}))["value"]
    assert (type(parsed), parsed) == (kind, value)


@pytest.mark.parametrize("name", TYPES)
def test_every_type_may_be_in_an_output_schema(name: str) -> None:
    hint, given = TYPES[name]
    output = Output(wrapped(value=hint))
    assert output.parse(json.dumps({"value": given})).keys() == {"value"}
    if "$comment" not in output.schema:
        assert strict_schema(output.schema) == output.schema


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_form_in_json_is_refused_when_the_tool_is_made(name: str) -> None:
    hint, words = REFUSED[name]
    with pytest.raises(TypeError, match=f"parameter 'value': .*{words}"):
        tool(function(hint, Any))
    with pytest.raises(TypeError, match=words):
        Output(wrapped(value=hint))


@dataclasses.dataclass
class Held:
    lock: threading.Thread


@dataclasses.dataclass
class Shown:
    picture: Image


@pytest.mark.parametrize(
    ("hint", "words"),
    [
        (threading.Thread, "Thread"),
        (list[threading.Thread], "Thread"),
        (Iterator[threading.Thread], "Thread"),
        (Held, "Thread"),
        (complex, "complex"),
        (re.Pattern[str], "Pattern"),
        (dict[str, Image], "Image within another value"),
        (Shown, "Image within another value"),
    ],
)
def test_a_result_that_cannot_be_sent_is_refused_when_the_tool_is_made(hint: Any, words: str) -> None:
    with pytest.raises(TypeError, match=f"tool nothing: its result cannot be sent to the model: {words}"):
        tool(function(result=hint))


@pytest.mark.parametrize(
    "hint",
    [
        Image,
        list[Image],
        tuple[str, Image],
        Image | str,
        ToolResult,
        Iterator[Image],
        collections.abc.AsyncIterator[str],
        collections.abc.Coroutine[Any, Any, Hit],
        "Unknown",
        collections.abc.Hashable,
    ],
)
def test_what_may_well_be_sent_is_not_refused(hint: Any) -> None:
    assert tool(function(result=hint)).name == "nothing"


def local_models(field: str) -> type[BaseModel]:
    class Item(BaseModel):
        __annotations__ = {field: int}

    return Item


def local_dataclass(field: str) -> type:
    return dataclasses.make_dataclass("Item", [(field, int)])


class Parcel(BaseModel):
    class Item(BaseModel):
        weight: int

    item: Item


class Paint(BaseModel):
    class Item(BaseModel):
        colour: int

    item: Item
    spare: list[Item] = []


class OldParcel(typing.TypedDict):
    parcel: Parcel
    paint: Paint


@pytest.mark.parametrize(
    ("one", "other", "fields"),
    [
        (Parcel, Paint, ("weight", "colour")),
        (list[Parcel], list[Paint], ("weight", "colour")),
        (local_models("first"), local_models("second"), ("first", "second")),
        (local_dataclass("first"), local_dataclass("second"), ("first", "second")),
        (local_models("first"), local_dataclass("second"), ("first", "second")),
        (OldParcel, local_dataclass("second"), ("weight", "colour", "second")),
    ],
    ids=["nested", "lists", "models", "dataclasses", "both", "within a TypedDict"],
)
def test_classes_of_one_name_keep_their_schemas(one: Any, other: Any, fields: tuple[str, ...]) -> None:
    def both(one: Any, other: Any) -> None:
        """Takes both."""

    both.__annotations__ = {"one": one, "other": other}
    for schema in (dict(tool(both).parameters), Output(wrapped(one=one, other=other)).schema):
        text = json.dumps(schema)
        assert [f'"{field}"' in text for field in fields] == [True] * len(fields)
        for reference in re.findall(r'"#/\$defs/([^"]+)"', text):
            assert reference in schema["$defs"]


def test_one_class_in_two_parameters_has_one_schema() -> None:
    @tool
    def both(one: list[Paint], other: dict[str, Paint]) -> None:
        "Takes both."

    assert both.parameters["$defs"].keys() == {"Item", "Paint"}


def test_without_pydantic_the_rest_is_there_and_the_error_says_so() -> None:
    done = run_python(
        "import sys; sys.modules['pydantic'] = sys.modules['pydantic_core'] = None\n"
        "from dataclasses import dataclass\nfrom pathlib import Path\nfrom codex_cffi import tool\n"
        "@dataclass\nclass A:\n    a: int\n@dataclass\nclass B:\n    b: int\n"
        "@tool\ndef one(path: Path, a: A | None = None) -> list[A]:\n    'One.'\n"
        "assert one.parameters['properties']['path'] == {'type': 'string', 'format': 'path'}\n"
        "def two(value: A | B) -> None:\n    'Two.'\n"
        "try:\n    tool(two)\nexcept TypeError as error:\n    assert 'with pydantic installed' in str(error)\n"
        "else:\n    raise AssertionError"
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the syntax is Python 3.12's")
def test_aliases_and_generics_in_the_syntax_of_python_3_12() -> None:
    space: dict[str, Any] = {"tool": tool}
    exec(
        "import dataclasses\ntype Count = int | None\n@dataclasses.dataclass\nclass Pair[T]:\n    one: T\n"
        "@tool\ndef f(count: Count, pair: Pair[int], counts: list[Count]) -> Count:\n    'F.'\n",
        space,
    )
    properties = space["f"].parameters["properties"]
    assert properties["count"]["anyOf"] == [{"type": "integer"}, {"type": "null"}]


@pytest.mark.parametrize(
    ("kind", "given", "value"),
    [
        (pathlib.PurePosixPath, "a", pathlib.PurePosixPath("a")),
        (Iterable[int], [1], [1]),
        (te.LiteralString, "a", "a"),
    ],
)
def test_what_a_parameter_may_be_besides(kind: Any, given: Any, value: Any) -> None:
    got = tool(function(kind, Any)).handler(ToolInvocation("thread", "turn", "call", "given", {"value": given}))
    assert (type(got), got) == (type(value), value)
