"""MCP servers that list and give nonsense: each tool is offered in a form that a model's API takes, or named in a warning, and each call is answered."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import pytest
from scripted_turns import NAME, call, listing, scripted, world

from codex_cffi import McpToolError
from codex_cffi.testing import ScriptedModel
from support import MakeCodex

WORDS = (
    "",
    "a",
    "type",
    "object",
    "string",
    "null",
    "#",
    "#/$defs/a",
    "#/properties/a",
    "http://x/y",
    "\ud83d",
    "é",
    "x" * 100,
)
NUMBERS = (0, -1, 1.5, 10**20, 1e300)
KEYWORDS = [
    *("type", "properties", "required", "items", "prefixItems", "additionalProperties", "enum", "const", "nullable"),
    *("anyOf", "oneOf", "allOf", "not", "if", "then", "else", "$ref", "$defs", "definitions"),
    *("description", "title", "format", "minimum", "exclusiveMinimum", "default", "encrypted"),
]
FIELDS = [
    "name",
    "title",
    "description",
    "inputSchema",
    "input_schema",
    "outputSchema",
    "annotations",
    "execution",
    "icons",
    "_meta",
]
PARTS = ["type", "text", "data", "mimeType", "mime_type", "resource", "uri", "name", "blob", "annotations", "_meta"]
RESULT = ["content", "structuredContent", "isError", "_meta", "other"]
TYPES = ("object", "string", "integer", "array", "null", "boolean", "number", "any", ["string", "null"], [], 5)


class Nonsense:
    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)

    def value(self, depth: int = 0) -> Any:
        pick = self.chance.randrange(8 if depth < 3 else 5)
        if pick < 2:
            return self.chance.choice(WORDS)
        if pick == 2:
            return self.chance.choice(NUMBERS)
        if pick < 5:
            return self.chance.choice((None, True, False))
        if pick == 5:
            return [self.value(depth + 1) for _ in range(self.chance.randrange(3))]
        return self.schema(depth + 1)

    def of(self, names: list[str], likely: dict[str, Any], depth: int = 2) -> dict[str, Any]:
        """Some of these fields, each mostly in its form."""
        chosen = self.chance.sample(names, self.chance.randint(1, min(5, len(names))))
        return {
            name: likely[name]() if name in likely and self.chance.random() < 0.7 else self.value(depth)
            for name in chosen
        }

    def schema(self, depth: int = 0) -> dict[str, Any]:
        def inner() -> Any:
            return self.schema(depth + 1) if depth < 5 else {"type": "string"}

        def table() -> dict[str, Any]:
            return {self.chance.choice(("a", "b", "$ref", "type")): inner() for _ in range(self.chance.randrange(3))}

        def some() -> list[Any]:
            return [inner() for _ in range(self.chance.randrange(3))]

        likely: dict[str, Any] = {
            "type": lambda: self.chance.choice(TYPES),
            "required": lambda: self.chance.choice((["a"], [], True, ["b", 5])),
            "enum": lambda: self.chance.choice((["a", 1], [], "a")),
            "$ref": lambda: self.chance.choice(WORDS),
            **dict.fromkeys(("properties", "$defs", "definitions"), table),
            **dict.fromkeys(("anyOf", "oneOf", "allOf", "prefixItems"), some),
            **dict.fromkeys(("items", "additionalProperties", "not"), inner),
        }
        return self.of(KEYWORDS, likely, depth + 1)

    def tool(self, number: int) -> Any:
        if self.chance.random() < 0.05:
            return self.value()
        made = self.of(FIELDS, {"inputSchema": self.schema, "input_schema": self.schema})
        return {**made, "name": f"tool_{number}"} if self.chance.random() < 0.9 else made

    def result(self) -> Any:
        if self.chance.random() < 0.1:
            return self.value()
        kinds = ("text", "image", "audio", "resource", "resource_link", "video")

        def parts() -> list[Any]:
            likely = {"type": lambda: self.chance.choice(kinds), "text": lambda: "text"}
            return [self.of(PARTS, likely) for _ in range(self.chance.randrange(4))]

        return self.of(RESULT, {"content": parts})


def is_taken(schema: Any, root: Any) -> bool:
    """Whether a model's API takes a schema inside of `root`."""
    if not isinstance(schema, dict):
        return False
    types = schema.get("type", [])
    known = {"object", "string", "integer", "array", "null", "boolean", "number"}
    inner = [
        *schema.get("properties", {}).values(),
        *schema.get("$defs", {}).values(),
        *schema.get("definitions", {}).values(),
        *(form for choice in ("anyOf", "oneOf", "allOf") for form in schema.get(choice, [])),
        *([schema["items"]] if "items" in schema else []),
    ]
    there: Any = root
    for step in schema.get("$ref", "#").removeprefix("#").split("/")[1:]:
        there = there.get(step) if isinstance(there, dict) else None
    return (
        set([types] if isinstance(types, str) else types) <= known
        and there is not None
        and "encrypted" not in schema
        and (schema.get("type") != "array" or "items" in schema)
        and all(is_taken(one, root) for one in inner)
    )


@pytest.mark.parametrize("seed", range(4))
def test_tools_by_chance(make_codex: MakeCodex, repo: Path, tmp_path: Path, seed: int) -> None:
    nonsense = Nonsense(seed)
    tools = [nonsense.tool(number) for number in range(120)]
    with ScriptedModel(["done"]) as model:
        here = world(make_codex, repo, model, scripted(tmp_path, listing(*tools)))
        here.turn()
        offered, warnings = here.offered(), " ".join(here.told.warnings)
    names = [tool["name"] for tool in tools if isinstance(tool, dict) and str(tool.get("name")).startswith("tool_")]
    assert len(names) > 80
    assert len(offered) > 40
    assert [name for name in names if name not in offered and not re.search(rf"\b{name}\b", warnings)] == []
    for name, tool in offered.items():
        schema = tool["parameters"]
        assert schema["type"] == "object", name
        assert not {"anyOf", "oneOf", "allOf", "not", "enum", "$ref"} & schema.keys(), name
        assert is_taken(schema, schema), (name, schema)


def test_results_by_chance(make_codex: MakeCodex, repo: Path, tmp_path: Path) -> None:
    nonsense = Nonsense(7)
    results = [nonsense.result() for _ in range(100)]
    answers = {"tools/call": [{"result": result} for result in results]}
    calls = [call("act", f"call_{number}") for number in range(50)]
    with ScriptedModel([calls, "done"]) as model:
        here = world(make_codex, repo, model, scripted(tmp_path, answers, tool_timeout=20))
        outputs = here.turn()
        assert outputs.keys() == {f"call_{number}" for number in range(50)}
        assert "timed out" not in str(outputs)
        assert "Unexpected" not in str(outputs)
        for _ in range(50):
            try:
                here.thread.mcp.call_tool(NAME, "act", timeout=20)
            except McpToolError as error:
                pytest.fail(str(error))
