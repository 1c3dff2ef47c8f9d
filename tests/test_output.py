"""Structured output: schemas from JSON and types, what the model gets, what the turn has, and answers that break them."""

from __future__ import annotations

import asyncio
import datetime
import enum
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import pydantic
import pytest
from typing_extensions import NotRequired, TypedDict

from codex_cffi import AsyncCodex, CodexTimeoutError, OutputSchemaError, TurnFailedError, tool
from codex_cffi._output import Output, ViolationsError, _tell_once
from codex_cffi._strict import strict_schema
from codex_cffi.testing import (
    ScriptedModel,
    apply_patch,
    function_call,
    http_error,
    item,
    shell,
    stall,
    structured,
    text,
    usage,
)
from support import SUPPORT, MakeCodex, run_python

SERVER = SUPPORT / "mcp_server.py"


class Severity(enum.Enum):
    LOW = "low"
    HIGH = "high"


@dataclass
class Finding:
    file: str
    severity: Severity
    line: int | None = None
    tags: list[str] = field(default_factory=list)


@dataclass
class Report:
    """What a review found."""

    title: str
    findings: list[Finding]
    when: datetime.date | None = None


class Cat(pydantic.BaseModel):
    kind: Literal["cat"]
    lives: int = 9


class Dog(pydantic.BaseModel):
    kind: Literal["dog"]
    breed: str | None = None


class Card(pydantic.BaseModel):
    kind: Literal["card"] = "card"
    number: str


class Invoice(pydantic.BaseModel):
    kind: Literal["invoice", "bill"] = "invoice"
    days: int = 30


class Owner(pydantic.BaseModel):
    name: str = pydantic.Field(description="Full name.", min_length=2)
    pets: list[Annotated[Cat | Dog, pydantic.Field(discriminator="kind")]] = []
    favourite: Cat | None = pydantic.Field(default=None, description="The favourite.")


class Node(pydantic.BaseModel):
    name: str
    children: list[Node] = []


class Verdict(TypedDict):
    approve: bool
    why: NotRequired[str]


class Point(msgspec.Struct):
    x: int
    y: int = 0


SCHEMA = {
    "type": "object",
    "properties": {"verdict": {"enum": ["approve", "reject"]}, "note": {"type": "string", "maxLength": 5}},
    "required": ["verdict"],
}


def assert_strict(schema: Any) -> None:
    """Holds what the model API demands of a strict schema."""
    if isinstance(schema, list):
        for part in schema:
            assert_strict(part)
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            assert schema["additionalProperties"] is False
            assert set(schema["required"]) == set(schema["properties"])
        assert not schema.keys() & {"oneOf", "allOf", "default", "maxLength", "minLength", "discriminator"}
        if "$ref" in schema:
            assert len(schema) == 1
        for part in schema.values():
            assert_strict(part)


@pytest.mark.parametrize(
    ("wanted", "answer", "parsed"),
    [
        (
            Report,
            {"title": "t", "findings": [{"file": "a", "severity": "low", "line": None, "tags": None}], "when": None},
            Report("t", [Finding("a", Severity.LOW)]),
        ),
        (Report, {"title": "t", "findings": [], "when": "2026-01-02"}, Report("t", [], datetime.date(2026, 1, 2))),
        (
            Owner,
            {"name": "Jo", "pets": [{"kind": "cat", "lives": None}, {"kind": "dog", "breed": None}], "favourite": None},
            Owner(name="Jo", pets=[Cat(kind="cat"), Dog(kind="dog")]),
        ),
        (
            Node,
            {"name": "a", "children": [{"name": "b", "children": None}]},
            Node(name="a", children=[Node(name="b")]),
        ),
        (Verdict, {"approve": True, "why": None}, {"approve": True}),
        (Point, {"x": 1, "y": None}, Point(1)),
        (SCHEMA, {"verdict": "reject", "note": None}, {"verdict": "reject"}),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_what_a_turn_has_is_of_the_type_given(
    make_codex: MakeCodex, repo: Path, wanted: Any, answer: Any, parsed: Any
) -> None:
    with ScriptedModel([structured(answer)]) as model:
        turn = make_codex(model).start_thread(working_directory=repo).run("go", output_schema=wanted)
    assert turn.parsed == parsed
    assert json.loads(turn.final_response) == answer
    schema = model.requests[0].output_schema
    assert schema is not None
    assert schema["type"] == "object"
    assert_strict(schema)
    assert model.requests[0].body["text"]["format"]["strict"] is True


def test_without_a_schema_nothing_is_parsed(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel(['{"a": 1}']) as model:
        assert make_codex(model).start_thread(working_directory=repo).run("go").parsed is None


@pytest.mark.parametrize(
    ("wanted", "answer", "violations"),
    [
        (
            Report,
            '{"title": 1, "findings": [{"file": "a", "severity": "huge"}]}',
            ["$.title: 1 is not of type 'string'", "$.findings[0].severity: 'huge' is not one of ['high', 'low']"],
        ),
        (Owner, '{"name": "J", "pets": [], "favourite": null}', ["$.name: String should have at least 2 characters"]),
        (SCHEMA, '{"verdict": "reject", "note": "too long"}', ["$.note: 'too long' is too long"]),
        (Point, "x = 1", ["not JSON: Expecting value: line 1 column 1 (char 0)"]),
        (Point, "[1]", ["$: [1] is not of type 'object'"]),
        (Point, " ", ["there is no final answer"]),
    ],
)
def test_an_answer_that_breaks_its_schema_says_where(
    make_codex: MakeCodex, repo: Path, wanted: Any, answer: str, violations: list[str]
) -> None:
    with ScriptedModel([[text(answer), usage(output_tokens=5)]]) as model:
        thread = make_codex(model).start_thread(working_directory=repo)
        with pytest.raises(OutputSchemaError) as caught:
            thread.run("go", output_schema=wanted)
    error = caught.value
    assert [found.split(" (")[0] if found.startswith("$") else found for found in error.violations] == violations
    assert isinstance(error, ValueError)
    assert violations[0] in str(error)
    assert error.text == answer
    assert error.turn is not None
    assert (error.turn.status, error.turn.usage.output_tokens) == ("completed", 5)
    with pytest.raises(OutputSchemaError):
        _ = error.turn.parsed


def test_a_stream_has_the_answer_too(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel([structured({"x": 3, "y": 4}), "nonsense"]) as model:
        thread = make_codex(model).start_thread(working_directory=repo)
        with thread.run_streamed("go", output_schema=Point) as stream:
            with pytest.raises(OutputSchemaError, match="not over yet"):
                _ = stream.turn.parsed
            for _ in stream:
                pass
        assert stream.turn.parsed == Point(3, 4)
        with thread.run_streamed("go", output_schema=Point) as stream:
            kinds = [event.type for event in stream]
        assert kinds[-1] == "turn.completed", "the turn itself is whole"
        with pytest.raises(OutputSchemaError, match="nonsense"):
            _ = stream.turn.parsed


def test_messages_on_the_way_are_no_answer(make_codex: MakeCodex, repo: Path) -> None:
    draft = structured({"x": 0, "y": 0})
    final = structured({"x": 1, "y": 1})
    said = item(
        {
            "type": "message",
            "role": "assistant",
            "phase": "commentary",
            "content": [{"type": "output_text", "text": '{"x": 9, "y": 9}'}],
        }
    )
    patch = "*** Begin Patch\n*** Add File: new.txt\n+new\n*** End Patch\n"
    script = [
        [draft, shell("true", call_id="a")],
        ["Not JSON at all.", apply_patch(patch)],
        final,
        [draft, shell("true", call_id="b")],
        [],
        [said],
    ]
    with ScriptedModel(script) as model:
        thread = make_codex(model).start_thread(working_directory=repo, sandbox_mode="danger-full-access")
        assert thread.run("go", output_schema=Point).parsed == Point(1, 1)
        with pytest.raises(OutputSchemaError, match="there is no final answer"):
            thread.run("ends without one", output_schema=Point)
        with pytest.raises(OutputSchemaError, match="there is no final answer"):
            thread.run("comments only", output_schema=Point)
        assert all(request.output_schema is not None for request in model.requests)


def test_with_tools_and_an_mcp_server_at_once(make_codex: MakeCodex, repo: Path, tmp_path: Path) -> None:
    """The Node SDK drops the schema without a word in this case."""

    @tool
    def service_owner(name: str) -> str:
        """Team that owns a service."""
        return f"the {name} team"

    server = {
        "command": sys.executable,
        "args": [str(SERVER), str(tmp_path / "log")],
        "default_tools_approval_mode": "approve",
    }
    script = [
        [structured({"title": "draft", "findings": [], "when": None}), function_call("service_owner", {"name": "pay"})],
        [function_call("add", {"a": 1, "b": 2}, namespace="mcp__weather", call_id="mcp")],
        structured({"title": "the pay team", "findings": [], "when": None}),
    ]
    with ScriptedModel(script) as model:
        codex = make_codex(model, tools=[service_owner], config={"mcp_servers": {"weather": server}})
        turn = codex.start_thread(working_directory=repo).run("go", output_schema=Report, timeout=60)
        assert "sum=3" in model.assert_tool_output("mcp")
        assert turn.parsed == Report("the pay team", [])
        schemas = [request.output_schema for request in model.requests]
    assert len(schemas) == 3
    assert schemas == [Output(Report).schema] * 3, "in every request of the turn"
    assert "service_owner" in model.requests[0].tool_names


def test_repair_asks_again_in_the_same_thread(make_codex: MakeCodex, repo: Path) -> None:
    script = [
        [text("nonsense"), usage(output_tokens=1)],
        [text('{"x": "one", "y": 1}'), usage(output_tokens=2)],
        [text('{"x": 1, "y": 1}'), usage(output_tokens=4)],
    ]
    with ScriptedModel(script) as model:
        turn = make_codex(model).start_thread(working_directory=repo).run("go", output_schema=Point, repair=3)
    assert turn.parsed == Point(1, 1)
    assert [attempt.usage.output_tokens for attempt in turn.attempts] == [1, 2]
    assert turn.usage.output_tokens == 4
    assert all(request.output_schema == Output(Point).schema for request in model.requests)
    assert model.last_request.assistant_texts == ["nonsense", '{"x": "one", "y": 1}']
    assert "$.x: 'one' is not of type 'integer'" in model.last_request.user_texts[-1]


def test_repair_gives_up_fails_and_keeps_to_its_time(make_codex: MakeCodex, repo: Path) -> None:
    script = ["one", "two", "three", http_error(400, "no"), "four", [text("f"), stall()]]
    with ScriptedModel(script) as model:
        thread = make_codex(model).start_thread(working_directory=repo)
        with pytest.raises(OutputSchemaError) as caught:
            thread.run("go", output_schema=Point, repair=1)
        assert caught.value.text == "two"
        assert caught.value.turn is not None
        assert [attempt.final_response for attempt in caught.value.turn.attempts] == ["one"]
        with pytest.raises(TurnFailedError):
            thread.run("go", output_schema=Point, repair=1)
        with pytest.raises(CodexTimeoutError):
            thread.run("go", output_schema=Point, repair=1, timeout=2)


def test_an_interrupted_turn_has_no_answer(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel([[text('{"x": 1, "y": 1}'), stall()]]) as model:
        thread = make_codex(model).start_thread(working_directory=repo)
        with thread.run_streamed("go", output_schema=Point) as stream:
            for event in stream:
                if event.type == "item.agent_message.delta":
                    stream.interrupt()
        assert stream.turn.status == "interrupted"
        with pytest.raises(OutputSchemaError, match="the turn is interrupted"):
            _ = stream.turn.parsed


def test_asynchronously(codex_home: Path, repo: Path) -> None:
    async def main() -> None:
        async with AsyncCodex(codex_home=codex_home, isolated=True, config=model.provider_config()) as codex:
            thread = await codex.start_thread(working_directory=repo)
            turn = await thread.run("go", output_schema=Point, repair=1)
            assert (turn.parsed, len(turn.attempts)) == (Point(1, 2), 1)
            async with thread.run_streamed("go", output_schema=Verdict) as stream:
                async for _ in stream:
                    pass
            assert stream.turn.parsed == {"approve": True}

    with ScriptedModel(["x", structured({"x": 1, "y": 2}), structured({"approve": True, "why": None})]) as model:
        asyncio.run(main())


# ---- schemas


@pytest.mark.parametrize(
    ("wanted", "error", "words"),
    [
        (5, TypeError, "must be a JSON schema .* or a class .*, not 5"),
        (list[int], TypeError, "must be a JSON schema"),
        (dict, TypeError, "must be a JSON schema"),
        (Severity, ValueError, "of type object at its root"),
        (type(sys.implementation), TypeError, "cannot be made a JSON schema"),
        ({"type": "array", "items": {"type": "string"}}, ValueError, "of type object at its root"),
        ({"type": "nonsense"}, ValueError, "is not a JSON schema: 'nonsense'"),
        ({"type": "object", "properties": {"a": {"$ref": "#/no"}}}, ValueError, "#/properties/a: there is no #/no"),
        (Cat | Dog, ValueError, "of type object at its root"),
        (
            {"type": "object", "properties": {"a": {"allOf": [{"type": "string"}, {"type": "integer"}]}}},
            ValueError,
            "do not agree on type",
        ),
    ],
)
def test_a_schema_that_cannot_be_used_says_why(
    make_codex: MakeCodex, repo: Path, wanted: Any, error: type[Exception], words: str
) -> None:
    with ScriptedModel([]) as model:
        thread = make_codex(model).start_thread(working_directory=repo)
        with pytest.raises(error, match=words):
            thread.run("go", output_schema=wanted)


class Counts(pydantic.BaseModel):
    by_name: dict[str, Any]
    total: int = pydantic.Field(default=0, ge=0)


@dataclass
class Marked:
    place: tuple[int, int]
    note: str | None = None


@pytest.mark.parametrize(
    ("wanted", "answer", "parsed", "words"),
    [
        (Counts, {"by_name": {"a": 1, "b": [None]}, "total": None}, Counts(by_name={"a": 1, "b": [None]}), "free keys"),
        (Marked, {"place": [1, 2]}, Marked((1, 2)), "no tuples"),
        (dict[str, int], {"a": 1}, {"a": 1}, "free keys"),
        ({"type": "object", "properties": {"a": {}}}, {"a": [1]}, {"a": [1]}, "strict mode needs a type"),
        (
            {"type": "object", "properties": {"a": {"type": "object"}}},
            {"a": {"b": 1}},
            {"a": {"b": 1}},
            "#/properties/a: strict mode has no objects with free keys",
        ),
    ],
    ids=["dict of anything", "tuple", "dict", "anything", "free keys"],
)
def test_what_strict_mode_has_not_is_asked_for_without_it_and_checked_here(
    make_codex: MakeCodex,
    repo: Path,
    wanted: Any,
    answer: Any,
    parsed: Any,
    words: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    _tell_once.cache_clear()
    with ScriptedModel([structured(answer), structured({"by_name": 1, "place": [1], "a": "x", "b": 1})]) as model:
        thread = make_codex(model).start_thread(working_directory=repo)
        assert thread.run("go", output_schema=wanted).parsed == parsed
        if wanted != {"type": "object", "properties": {"a": {}}}:
            with pytest.raises(OutputSchemaError):
                thread.run("go", output_schema=wanted)
    sent = model.requests[0].output_schema
    assert sent is not None
    assert sent["$comment"] == "not strict"
    assert model.requests[0].body["text"]["format"]["strict"] is False
    (warning,) = [record.message for record in caplog.records if "output_schema" in record.message]
    assert words in warning
    assert "answers are checked here" in warning


class Told(pydantic.BaseModel):
    payments: list[Annotated[Card | Invoice, pydantic.Field(discriminator="kind")]]
    either: Card | Invoice | None = None


def test_what_tells_options_apart_is_never_null() -> None:
    schema = Output(Told).schema
    assert_strict(schema)
    assert schema["$defs"]["Card"]["properties"]["kind"]["const"] == "card"
    assert schema["$defs"]["Invoice"]["properties"]["kind"]["enum"] == ["invoice", "bill"]
    assert schema["$defs"]["Invoice"]["properties"]["days"]["type"] == ["integer", "null"]
    parsed = Output(Told).parse('{"payments": [{"kind": "bill", "days": null}], "either": null}')
    assert parsed == Told(payments=[Invoice(kind="bill")])
    parsed = Output(Told).parse('{"payments": [{"kind": null, "number": "4"}, {"kind": null, "days": null}]}')
    assert parsed == Told(payments=[Card(number="4"), Invoice()])


@pytest.mark.parametrize(
    ("pattern", "sent"),
    [
        ("^[a-z]+$", True),
        (r"^(?:a|b)[(?=]\(?$", True),
        (r"^\d{3}-\w\.$", True),
        ("^(?!-)[a-z]+$", False),
        ("(?=.*x)", False),
        ("(?<=a)b", False),
        ("(?<!a)b", False),
        ("(?i)a", False),
        ("(?P<name>a)", False),
        (r"(a)\1", False),
        (r"\bword\b", False),
        (r"a\Z", False),
    ],
)
def test_patterns_that_the_model_provider_refuses_are_checked_here(pattern: str, sent: bool) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", "pattern": pattern}}, "required": ["a"]}
    made = Output(schema)
    assert made.schema["properties"]["a"] == ({"type": "string", "pattern": pattern} if sent else {"type": "string"})
    with pytest.raises(ViolationsError, match="does not match"):
        made.parse('{"a": "\u00e9"}')


def test_keywords_of_vendors_are_left_out() -> None:
    class Branch(pydantic.BaseModel):
        name: str = pydantic.Field(json_schema_extra={"example": "main", "markdownDescription": "**name**"})

    assert Output(Branch).schema["properties"]["name"] == {"title": "Name", "type": "string"}


@pytest.mark.parametrize(
    "answer",
    [
        '```json\n{"x": 1, "y": 2}\n```',
        '```\n{"x": 1, "y": 2}\n```\n',
        '\ufeff{"x": 1, "y": 2}',
        '\ufeff```JSON\n{"x": 1, "y": 2}```',
        '~~~json\r\n{"x": 1, "y": 2}\r\n~~~',
        ' ````\n{"x": 1, "y": 2}\n````',
    ],
)
def test_a_fence_and_a_mark_around_the_answer_are_taken_off(answer: str) -> None:
    assert Output(Point).parse(answer) == Point(1, 2)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ('```json\n{"x": 1}\n```\n```json\n{"x": 2}\n```', "not JSON"),
        ('Here it is:\n```json\n{"x": 1}\n```', "not JSON"),
        ("```json\n```", "not JSON"),
        ('{"x": NaN}', "NaN is no number of JSON"),
    ],
)
def test_more_than_one_fence_is_no_answer(answer: str, words: str) -> None:
    with pytest.raises(ViolationsError, match=words):
        Output(Point).parse(answer)


def test_fences_within_an_answer_stay() -> None:
    schema = {"type": "object", "properties": {"code": {"type": "string"}}}
    answer = {"code": "```py\nx\n```"}
    for text_ in (json.dumps(answer), f"```json\n{json.dumps(answer)}\n```"):
        assert Output(schema).parse(text_) == answer


def test_repair_needs_a_schema(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel([]) as model:
        thread = make_codex(model).start_thread(working_directory=repo)
        with pytest.raises(ValueError, match="with an output_schema only"):
            thread.run("go", repair=1)
        with pytest.raises(ValueError, match="at least 0"):
            thread.run("go", output_schema=Point, repair=-1)


def test_what_strict_mode_makes_of_a_schema() -> None:
    text_ = {"type": "string", "minLength": 2, "default": "x"}
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "required": {"$ref": "#/$defs/text", "description": "noted"},
            "plain": {"$ref": "#/$defs/point"},
            "either": {"oneOf": [{"type": "string"}, {"type": "null"}]},
            "all": {"allOf": [{"$ref": "#/$defs/point"}, {"title": "P"}]},
            "when": {"type": "string", "format": "uri", "pattern": "^h"},
            "list": {"type": "array", "items": {"type": "number", "minimum": 0}, "uniqueItems": True},
            "choice": {"enum": ["a", 1]},
            "open": {"type": "object", "properties": {"a": {"const": 1}}, "additionalProperties": True},
            "properties": {"type": "boolean"},
        },
        "required": ["required", "plain"],
        "if": {"properties": {"plain": {}}},
        "$defs": {
            "text": text_,
            "point": {"type": "object", "properties": {"x": {"type": "integer"}}},
            "unused": {"type": "string"},
        },
    }
    point = {
        "type": "object",
        "properties": {"x": {"type": ["integer", "null"]}},
        "required": ["x"],
        "additionalProperties": False,
    }
    made = strict_schema(schema)
    assert made == {
        "type": "object",
        "properties": {
            "required": {"type": "string", "description": "noted"},
            "plain": {"$ref": "#/$defs/point"},
            "either": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "all": {**point, "title": "P", "type": ["object", "null"]},
            "when": {"type": ["string", "null"], "pattern": "^h"},
            "list": {"type": ["array", "null"], "items": {"type": "number", "minimum": 0}},
            "choice": {"anyOf": [{"enum": ["a", 1], "type": ["string", "integer"]}, {"type": "null"}]},
            "open": {
                "type": ["object", "null"],
                "properties": {"a": {"anyOf": [{"const": 1, "type": "integer"}, {"type": "null"}]}},
                "required": ["a"],
                "additionalProperties": False,
            },
            "properties": {"type": ["boolean", "null"]},
        },
        "required": list(schema["properties"]),
        "$defs": {"point": point},
        "additionalProperties": False,
    }
    assert strict_schema(made) == made, "what is strict stays as it is"


def test_what_strict_mode_leaves_out_is_checked_all_the_same() -> None:
    output = Output({**SCHEMA, "if": {"properties": {"verdict": {"const": "reject"}}}, "then": {"required": ["note"]}})
    assert output.parse('{"verdict": "approve", "note": null}') == {"verdict": "approve"}
    with pytest.raises(ViolationsError, match="'note' is a required property"):
        output.parse('{"verdict": "reject", "note": null}')


def test_pydantic_and_jsonschema_are_loaded_when_used_only() -> None:
    done = run_python(
        "import sys, codex_cffi; assert not {'pydantic', 'jsonschema', 'PIL'} & sys.modules.keys()\n"
        "from dataclasses import dataclass\nfrom codex_cffi._output import Output\n"
        "@dataclass\nclass Point:\n    x: int\n"
        "assert Output(Point).parse('{\"x\": 1}') == Point(1)\nassert 'pydantic' not in sys.modules"
    )
    assert done.returncode == 0, done.stderr
