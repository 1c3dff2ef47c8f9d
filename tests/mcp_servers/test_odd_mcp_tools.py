"""Odd tools of MCP servers: their names, schemas and results. The model can use each, or one warning names the server, the tool and the reason."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from scripted_turns import NAME, call, giving, listing, records, scripted, tool, world

from codex_cffi import HttpServer
from codex_cffi.items import McpToolCall
from codex_cffi.testing import ScriptedModel
from support import MakeCodex, wait_until
from support.scripted_mcp import scripted_http

PNG = base64.b64encode(
    bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
        "1f15c4890000000d49444154789c6360606060000000050001a5f64540"
        "0000000049454e44ae426082"
    )
).decode()


# Names


@pytest.mark.parametrize(
    ("name", "offered"),
    [
        ("a.b", "a_b"),
        ("a b", "a_b"),
        ("a/b:c", "a_b_c"),
        ("größe", "gr__e"),
        ("日本", "__"),
        ("a-b", "a_b"),
        ("shell", "shell"),
        ("apply_patch", "apply_patch"),
        ("mcp__odd__act", "mcp__odd__act"),
        ("__proto__", "__proto__"),
    ],
)
def test_names_are_called_by_what_the_model_can_say(
    make_codex: MakeCodex, repo: Path, tmp_path: Path, name: str, offered: str
) -> None:
    with ScriptedModel([[call(offered)], "done"]) as model:
        here = world(make_codex, repo, model, scripted(tmp_path, listing(tool(name))))
        assert "done" in str(here.turn()["call"])
        assert here.offered().keys() == {offered}
    calls = [json.loads(line) for line in (tmp_path / "script.log").read_text().splitlines()]
    (called,) = [message for message in calls if message != "start" and message["method"] == "tools/call"]
    assert called["params"]["name"] == name


def test_long_names_are_cut(make_codex: MakeCodex, repo: Path, tmp_path: Path) -> None:
    names = ["x" * 200 + end for end in ("a", "b")]
    with ScriptedModel(["done"]) as model:
        here = world(make_codex, repo, model, scripted(tmp_path, listing(*map(tool, names))))
        here.turn()
        offered = list(here.offered())
        assert len(offered) == 2
        assert all(len(f"mcp__{NAME}__{name}") <= 64 for name in offered)
        model.script = [[call(offered[0])], "done"]


@pytest.mark.parametrize("names", [("a.b", "a b"), ("größe", "grä_e"), ("中文", "日本")])
def test_names_that_would_be_the_same(
    make_codex: MakeCodex, repo: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, names: tuple[str, str]
) -> None:
    with ScriptedModel(["done", "done"]) as model:
        here = world(make_codex, repo, model, scripted(tmp_path, listing(*map(tool, names), tool("act"))))
        here.turn()
        here.turn()
        assert here.offered().keys() == {"act"}
        wait_until(lambda: len(here.told.warnings) == 2)
    assert sorted(records(caplog)) == sorted(here.told.warnings)
    for name in names:
        said = f"MCP server 'odd': tool {name} is not offered: another has its name, mcp__odd::"
        assert any(warning.startswith(said) for warning in here.told.warnings)


def test_a_tool_that_is_listed_twice(make_codex: MakeCodex, repo: Path, tmp_path: Path) -> None:
    with ScriptedModel([[call()], "done"]) as model:
        here = world(make_codex, repo, model, scripted(tmp_path, listing(tool(), tool(description="another"))))
        assert "done" in str(here.turn()["call"])
        assert here.told.warning() == "MCP server 'odd': tool act is offered once: the server lists it twice"


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"inputSchema": {"type": "object"}}, "tool number 2 has no name"),
        (tool(None), "tool number 2 has no name"),
        (tool(7), "tool number 2 has no name"),
        (tool(""), "tool number 2 has no name"),
        (None, "tool number 2 is null"),
        ("bad", "tool number 2 is a string"),
        (["bad"], "tool number 2 is a list"),
        (tool("bad", inputSchema="an object"), "tool bad: its inputSchema is a string"),
        (tool("bad", inputSchema=["a"]), "tool bad: its inputSchema is a list"),
        (tool("bad", inputSchema=5), "tool bad: its inputSchema is a number"),
        (tool("bad", inputSchema={"type": "object", "description": "x" * 500_000}), r"larger than 131072 bytes: bad \(500"),
    ],
)  # fmt: skip
def test_a_tool_that_cannot_be_used_is_named(
    make_codex: MakeCodex, repo: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, entry: Any, said: str
) -> None:
    import re

    with ScriptedModel([[call()], "done", "done"]) as model:
        here = world(make_codex, repo, model, scripted(tmp_path, listing(tool(), entry)))
        assert "done" in str(here.turn()["call"]), "the other tool is not touched by it"
        here.turn()
        assert here.offered().keys() == {"act"}
        warning = here.told.warning()
    assert re.search(said, warning)
    assert records(caplog) == [warning]


def test_the_same_over_http(make_codex: MakeCodex, repo: Path) -> None:
    for sse in (False, True):
        answer = {**listing(tool(), tool("bad", inputSchema="x"))["tools/list"], "sse": sse}
        with ScriptedModel([[call()], "done"]) as model, scripted_http({"tools/list": answer}) as server:
            here = world(make_codex, repo, model, HttpServer(server.url, approval="approve"))
            assert "done" in str(here.turn()["call"])
            assert "tool bad: its inputSchema is a string" in here.told.warning()


# Schemas

TEXT, NUMBER = {"type": "string"}, {"type": "integer"}


def of(properties: Any, **rest: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, **rest}


SCHEMAS: dict[str, tuple[Any, dict[str, Any]]] = {
    "missing": (..., of({})),
    "null": (None, of({})),
    "true": (True, of({})),
    "false": (False, of({}, additionalProperties=False)),
    "empty": ({}, of({})),
    "as a text": (json.dumps(of({"a": TEXT})), of({"a": TEXT})),
    "no type": ({"properties": {"a": TEXT}}, of({"a": TEXT})),
    "a list of types": (of({"a": TEXT}, type=["object", "null"]), of({"a": TEXT})),
    "another type": ({"type": "string"}, of({})),
    "the type null": ({"type": "null"}, of({})),
    "types of Python": (of({"a": {"type": "str"}, "b": {"type": "STRING"}}), of({"a": {}, "b": TEXT})),
    "null properties": (of(None), of({})),
    "a list of properties": (of([]), of({})),
    "properties that are no schemas": (
        of({"a": True, "b": None, "c": "text", "d": ["x"], "e": False, "f": TEXT}),
        of({"a": {}, "b": {}, "c": {}, "d": {}, "f": TEXT}),
    ),
    "types of a property": (of({"a": {"type": ["string", "null"]}}), of({"a": {"type": ["string", "null"]}})),
    "nullable": (of({"a": {"type": "string", "nullable": True}}), of({"a": {"type": ["string", "null"]}})),
    "definitions": (
        of({"a": {"$ref": "#/$defs/A"}}, **{"$defs": {"A": TEXT, "unused": NUMBER}}),
        of({"a": {"$ref": "#/$defs/A"}}, **{"$defs": {"A": TEXT}}),
    ),
    "recursion": (
        of({"a": {"$ref": "#/definitions/A"}}, definitions={"A": of({"next": {"$ref": "#/definitions/A"}})}),
        of({"a": {"$ref": "#/definitions/A"}}, definitions={"A": of({"next": {"$ref": "#/definitions/A"}})}),
    ),
    "recursion to the top": (of({"a": {"$ref": "#"}}), of({"a": {"$ref": "#"}})),
    "references to nothing": (
        of({"a": {"$ref": "#/$defs/A"}, "b": {"$ref": "https://x.example/b"}, "c": {"$ref": 5}, "d": {"$ref": "d.json"}}),
        of({"a": {}, "b": {}, "c": {}, "d": {}}),
    ),
    "a reference at the top": ({"$ref": "#/$defs/A", "$defs": {"A": of({"a": TEXT})}}, of({"a": TEXT})),
    "forms at the top": (
        {"anyOf": [of({"a": TEXT, "b": TEXT}, required=["a", "b"]), of({"a": NUMBER, "b": TEXT}, required=["b"])]},
        of({"a": {"anyOf": [TEXT, NUMBER]}, "b": TEXT}, required=["b"]),
    ),
    "one of forms at the top": ({"oneOf": [of({"a": TEXT}), {"$ref": "#/oneOf/0"}]}, of({"a": TEXT})),
    "all forms at the top": (
        {"allOf": [of({"a": TEXT}, required=["a"]), of({"b": TEXT}, required=["b"])]},
        of({"a": TEXT, "b": TEXT}, required=["a", "b"]),
    ),
    "forms without end": ({"anyOf": [{"$ref": "#"}, {"$ref": "#"}, {"$ref": "#"}, of({"a": TEXT})]}, of({"a": TEXT})),
    "forms that end": ({"anyOf": [of({"a": TEXT}), {"$ref": "#"}]}, of({"a": TEXT})),
    "conditions at the top": (
        of({"a": TEXT}, **{"not": {}, "if": {}, "then": {}, "else": {}, "enum": [1], "const": {}}),
        of({"a": TEXT}),
    ),
    "draft 3": (of({"a": {"type": "string", "required": True}, "b": {"type": "any"}}), of({"a": TEXT, "b": {}}, required=["a"])),
    "draft 4": (
        of({"a": {"type": "array", "items": [TEXT, NUMBER]}, "b": {"type": "integer", "minimum": 0, "exclusiveMinimum": True}}, id="x"),
        of({"a": {"type": "array", "items": {"anyOf": [TEXT, NUMBER]}}, "b": NUMBER}),
    ),
    "wrong forms": (
        of(
            {"a": {"type": "string", "description": 5, "enum": "x"}, "b": {"anyOf": {}, "items": 5, "type": "array"}},
            required="a",
            additionalProperties="no",
        ),
        of({"a": {"type": "string", "enum": ["x"]}, "b": {"type": "array", "items": {}}}),
    ),
    "required that is not there": (of({"a": TEXT}, required=["a", "b", 5]), of({"a": TEXT}, required=["a"])),
    "the engine's own marker": (of({"a": {"type": "string", "encrypted": True}}), of({"a": TEXT})),
}  # fmt: skip


def test_schemas_of_all_kinds(
    make_codex: MakeCodex, repo: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tools = {f"t{number}": given for number, (given, _) in enumerate(SCHEMAS.values())}
    entries = [
        {"name": name} if schema is ... else {"name": name, "inputSchema": schema} for name, schema in tools.items()
    ]
    with ScriptedModel([[call("t0"), call("t5", "other", a="b")], "done"]) as model:
        here = world(make_codex, repo, model, scripted(tmp_path, listing(*entries)))
        outputs = here.turn()
        assert all("done" in str(output) for output in outputs.values())
        offered = here.offered()
        assert here.told.warnings == []
    told = {name: offered[f"t{number}"]["parameters"] for number, name in enumerate(SCHEMAS)}
    assert told == {name: wanted for name, (_, wanted) in SCHEMAS.items()}
    assert records(caplog) == []


def nested(depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = TEXT
    for _ in range(depth):
        schema = of({"a": schema})
    return schema


def test_large_and_deep_schemas(make_codex: MakeCodex, repo: Path, tmp_path: Path) -> None:
    wide = of({f"a{number}": {"type": "string", "description": "x" * 100} for number in range(500)})
    entries = [tool("wide", inputSchema=wide), tool("deep", inputSchema=nested(50)), tool()]
    with ScriptedModel([[call("wide"), call("deep", "other")], "done"]) as model:
        here = world(make_codex, repo, model, scripted(tmp_path, listing(*entries)))
        assert all("done" in str(output) for output in here.turn().values())
        offered = here.offered()
    assert offered.keys() == {"wide", "deep", "act"}
    assert len(offered["wide"]["parameters"]["properties"]) == 500
    assert here.told.warnings == []


def test_other_fields_in_another_form(make_codex: MakeCodex, repo: Path, tmp_path: Path) -> None:
    odd = tool(
        title=5,
        description=["a", "b"],
        outputSchema="x",
        annotations="read only",
        execution=5,
        icons={},
        _meta=[],
        unknown={"x": 1},
    )
    with ScriptedModel([[call()], "done"]) as model:
        here = world(make_codex, repo, model, scripted(tmp_path, listing(odd)))
        assert "done" in str(here.turn()["call"])
        assert here.offered()["act"]["description"] == '["a","b"]'
        assert here.told.warnings == []


# Results


def text(value: Any) -> dict[str, Any]:
    return {"type": "text", "text": value}


RESULTS: dict[str, tuple[Any, str]] = {
    "structured only": ({"structuredContent": {"a": 1}}, '{"a":1}'),
    "a structured list": ({"content": [], "structuredContent": [1, 2]}, "[1,2]"),
    "structured text": ({"content": [text("x")], "structuredContent": "y"}, '"y"'),
    "an error": ({"content": [text("it failed")], "isError": True}, "it failed"),
    "an error without content": ({"isError": True}, "[]"),
    "an error in another form": ({"content": [text("it failed")], "isError": "true"}, "it failed"),
    "an embedded resource": (
        {"content": [{"type": "resource", "resource": {"uri": "a://b", "text": "inside"}}]},
        "inside",
    ),
    "a resource link": ({"content": [{"type": "resource_link", "uri": "a://b", "name": "b"}]}, "a://b"),
    "a bare resource link": ({"content": [{"type": "resource_link", "uri": "a://b"}]}, "a://b"),
    "empty": ({"content": []}, "[]"),
    "null content": ({"content": None}, "[]"),
    "nothing": ({}, "[]"),
    "null": (None, "[]"),
    "a text": ("just text", "just text"),
    "a list": (["a", "b"], '[\\"a\\",\\"b\\"]'),
    "an object without content": ({"answer": 42}, '{\\"answer\\":42}'),
    "content that is a text": ({"content": "just text"}, "just text"),
    "content that is a number": ({"content": 5}, "5"),
    "content that is one part": ({"content": text("one part")}, "one part"),
    "parts that are texts": ({"content": ["a", "b"]}, '"text":"b"'),
    "parts without a type": ({"content": [{"text": "no type"}]}, "no type"),
    "parts of an unknown type": ({"content": [{"type": "video", "url": "a://b"}]}, "a://b"),
    "a text that is a number": ({"content": [text(42)]}, '"text":"42"'),
    "a text that is null": ({"content": [text(None)]}, '"text":""'),
    "a text that is an object": ({"content": [text({"a": [1]})]}, '{\\"a\\":[1]}'),
    "wrong meta alone": ({"_meta": "y"}, "[]"),
    "wrong meta": ({"content": [text("x")], "_meta": "y"}, '"text":"x"'),
}


@pytest.mark.parametrize("name", RESULTS)
def test_results_reach_the_model(make_codex: MakeCodex, repo: Path, tmp_path: Path, name: str) -> None:
    result, wanted = RESULTS[name]
    with ScriptedModel([[call()], "done"]) as model:
        here = world(make_codex, repo, model, scripted(tmp_path, giving(result)))
        output = here.turn()["call"]
        assert isinstance(output, str)
        assert wanted in output.partition("Output:\n")[2]
        (item,) = [item for item in here.thread.read().turns[-1].items if isinstance(item, McpToolCall)]
        assert (item.status == "failed") is name.startswith("an error")
        assert here.told.warnings == []


@pytest.mark.parametrize(
    ("part", "wanted"),
    [
        ({"type": "image", "data": PNG, "mimeType": "image/png"}, "data:image/png;base64,"),
        ({"type": "image", "data": PNG}, "data:image/png;base64,"),
        ({"type": "image", "data": PNG, "mime_type": "image/png"}, "data:image/png;base64,"),
    ],
)
def test_pictures_reach_the_model(
    make_codex: MakeCodex, repo: Path, tmp_path: Path, part: dict[str, Any], wanted: str
) -> None:
    with ScriptedModel([[call()], "done"]) as model:
        here = world(make_codex, repo, model, scripted(tmp_path, giving({"content": [part, text("beside it")]})))
        output: Any = here.turn()["call"]
        (picture,) = [item for item in output if item["type"] == "input_image"]
        assert picture["image_url"].startswith(wanted)
        assert "beside it" in str(output)


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image", "data": PNG, "mimeType": "image/x-other"},
        {"type": "image", "data": "bm8gaW1hZ2U=", "mimeType": "image/png"},
        {"type": "image", "data": "not base64!", "mimeType": "image/png"},
        {"type": "image", "data": "", "mimeType": "image/png"},
        {"type": "image", "data": "bm8gaW1hZ2U=", "mimeType": "text/plain"},
        {"type": "audio", "data": "bm8gc291bmQ=", "mimeType": "audio/wav"},
        {"type": "audio", "data": "bm8gc291bmQ="},
    ],
)
def test_what_is_no_picture_does_not_harm(
    make_codex: MakeCodex, repo: Path, tmp_path: Path, part: dict[str, Any]
) -> None:
    """An API refuses a request with such data, and with it all that follow."""
    with ScriptedModel([[call()], "done", "done"]) as model:
        here = world(make_codex, repo, model, scripted(tmp_path, giving({"content": [part, text("beside it")]})))
        output = here.turn()["call"]
        assert "beside it" in str(output)
        assert "base64,bm8" not in str(output)
        assert "not base64!" not in str(output)
        here.turn()


def test_a_huge_text_is_cut(make_codex: MakeCodex, repo: Path, tmp_path: Path) -> None:
    with ScriptedModel([[call()], "done"]) as model:
        here = world(
            make_codex, repo, model, scripted(tmp_path, giving({"content": [text("begin" + "x" * 10_000_000 + "end")]}))
        )
        output = here.turn()["call"]
        assert "begin" in output
        assert "end" in output
        assert len(output) < 200_000
        result = here.thread.mcp.call_tool(NAME, "act")
        assert len(result.text) == 10_000_008


def test_a_huge_text_while_other_things_happen(make_codex: MakeCodex, repo: Path, tmp_path: Path) -> None:
    """Calls at the same time do not tear its message."""
    from concurrent.futures import ThreadPoolExecutor

    script = giving({"content": [text("x" * 3_000_000)]})
    with ScriptedModel([]) as model, ThreadPoolExecutor(8) as pool:
        here = world(make_codex, repo, model, scripted(tmp_path, script))
        calls = [pool.submit(here.thread.mcp.call_tool, NAME, "act", {"n": number}) for number in range(24)]
        assert {len(call.result(timeout=60).text) for call in calls} == {3_000_000}


# Messages

OK = '"result": {"content": [{"type": "text", "text": "done"}]}'
HALVES = r'"result": {"content": [{"type": "text", "text": "done \ud83d \ude00"}]}'
NUMBERS = '"result": {"structuredContent": {"NaN": [NaN, -Infinity, "done"]}}'


@pytest.mark.parametrize(
    "raw",
    [
        f'{{{OK}, "id": $id}}',
        f'\ufeff{{"jsonrpc": "2.0", {OK}, "id": $id}}',
        f'{{"jsonrpc": "1.0", {OK}, "id": "$id"}}',
        f'{{"jsonrpc": "2.0", {OK}, "id": $id.0}}',
        f'{{"jsonrpc": "2.0", {OK}, "id": $id, "error": null}}',
        f'[{{"jsonrpc": "2.0", {OK}, "id": $id}}]',
        f'\r\n\n{{"jsonrpc": "2.0", {OK}, "id": $id}}\r',
        f'Listening...\n{{"jsonrpc": "2.0", {OK}, "id": $id}}',
        f'{{"jsonrpc": "2.0", {HALVES}, "id": $id}}',
        f'{{"jsonrpc": "2.0", {NUMBERS}, "id": $id}}',
    ],
)
def test_messages_in_another_form(make_codex: MakeCodex, repo: Path, tmp_path: Path, raw: str) -> None:
    with ScriptedModel([[call()], "done"]) as model:
        here = world(make_codex, repo, model, scripted(tmp_path, {"tools/call": {"raw": raw}}, tool_timeout=20))
        assert "done" in here.turn()["call"].partition("Output:\n")[2]
        if "Listening" in raw:
            assert (
                "what it writes to its standard output is no message, and not read: Listening..." in here.told.warning()
            )
        else:
            assert here.told.warnings == []


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ('{"jsonrpc": "2.0", "id": $id, "result": ' + '{"a":' * 300 + "1" + "}" * 301, "cannot be read"),
        ('{"jsonrpc": "2.0", "id": $id, "error": "it is broken"}', "it is broken"),
        ('{"jsonrpc": "2.0", "id": $id, "error": {"code": "E1", "message": "it is broken"}}', "it is broken"),
        ('{"jsonrpc": "2.0", "id": $id, "error": {"code": -32000}}', "-32000"),
    ],
)
def test_answers_that_are_errors(make_codex: MakeCodex, repo: Path, tmp_path: Path, raw: str, said: str) -> None:
    """They come at once, not with the time limit, which is of five minutes."""
    with ScriptedModel([[call()], "done"]) as model:
        here = world(make_codex, repo, model, scripted(tmp_path, {"tools/call": {"raw": raw}}, tool_timeout=300))
        output = here.turn()["call"]
        assert said in output


@pytest.mark.parametrize(
    "result",
    [
        {"capabilities": {"tools": {}}, "serverInfo": {"name": "a", "version": "1"}},
        {"protocolVersion": "2025-06-18", "serverInfo": {"name": "a", "version": "1"}},
        {"protocolVersion": "2025-06-18", "capabilities": {"tools": True, "other": []}, "serverInfo": {"name": "a"}},
        {"protocolVersion": "1999-01-01", "capabilities": {}, "serverInfo": "a", "instructions": 5},
        {},
    ],
)
def test_introductions_in_another_form(
    make_codex: MakeCodex, repo: Path, tmp_path: Path, result: dict[str, Any]
) -> None:
    with ScriptedModel([[call()], "done"]) as model:
        here = world(make_codex, repo, model, scripted(tmp_path, {"initialize": {"result": result}}))
        assert "done" in here.turn()["call"].partition("Output:\n")[2]


def test_contents_of_resources_in_another_form(make_codex: MakeCodex, repo: Path, tmp_path: Path) -> None:
    for contents, wanted in [
        ([{"uri": "a://b", "text": "x"}], [{"uri": "a://b", "text": "x"}]),
        ([{"text": 5, "mimeType": "text/plain"}], [{"uri": "", "text": "5", "mimeType": "text/plain"}]),
        ("x", [{"uri": "", "text": "x"}]),
        ([], []),
    ]:
        script = {"resources/read": {"result": {"contents": contents}}}
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        with ScriptedModel([]) as model:
            here = world(make_codex, repo, model, scripted(folder, script))
            assert here.thread.mcp.read_resource(NAME, "a://b") == wanted
            here.codex.close()
