"""codex_cffi.openai has what the official package has: every public name, signature, field and member, as scripts/openai_surface.py has read them."""

from __future__ import annotations

import ast
import dataclasses
import enum
import importlib
import importlib.util
import inspect
import json
import types
import typing
from typing import Any

import msgspec
import pytest

from codex_cffi import openai, protocol
from codex_cffi.openai import _models
from codex_cffi.openai._base import BaseModel, RootModel
from support import ROOT, TESTS, run_python

TABLE: dict[str, Any] = json.loads((TESTS / "openai" / "surface.json").read_text())
MODELS: dict[str, Any] = TABLE["models"]

#: What ours has besides: keywords that no official call gives.
EXTRA_ARGUMENTS = {
    "AsyncCodex.__init__": ["on_approval", "trust_project"],
    "Codex.__init__": ["on_approval", "trust_project"],
    "AsyncChatgptLoginHandle.wait": ["timeout"],
    "AsyncDeviceCodeLoginHandle.wait": ["timeout"],
    "AsyncThread.run": ["timeout"],
    "AsyncThread.turn": ["timeout"],
    "ChatgptLoginHandle.wait": ["timeout"],
    "DeviceCodeLoginHandle.wait": ["timeout"],
    "Thread.run": ["timeout"],
    "Thread.turn": ["timeout"],
}
EXTRA_NAMES = {"CodexTimeoutError", "TurnFailedError"}
#: Classes that only the package makes; their constructors are not public.
MADE = {
    "AsyncChatgptLoginHandle",
    "AsyncDeviceCodeLoginHandle",
    "AsyncThread",
    "AsyncTurnHandle",
    "ChatgptLoginHandle",
    "DeviceCodeLoginHandle",
    "Thread",
    "TurnHandle",
}


def module(suffix: str) -> types.ModuleType:
    return importlib.import_module(f"codex_cffi.openai.{suffix}".rstrip("."))


@pytest.mark.parametrize("suffix", TABLE["modules"])
def test_a_module_has_every_name(suffix: str) -> None:
    ours = module(suffix)
    assert [name for name in TABLE["modules"][suffix] if not hasattr(ours, name)] == []
    assert set(TABLE["modules"][suffix]) <= set(ours.__all__)
    if suffix == "":
        assert set(ours.__all__) - set(TABLE["modules"][suffix]) == EXTRA_NAMES
    if suffix == "types":
        assert set(MODELS) <= set(ours.__all__)
    assert TABLE["version"] == openai.__version__


def find(name: str) -> Any:
    for suffix in TABLE["modules"]:
        if hasattr(module(suffix), name):
            return getattr(module(suffix), name)
    raise AssertionError(f"{name} is in no module")


def check_signature(name: str, ours: Any, official: dict[str, Any]) -> None:
    signature = inspect.signature(ours)
    expected = {said["name"]: said for said in official["parameters"] if not said["name"].startswith("_")}
    parameters = {name: value for name, value in signature.parameters.items() if not name.startswith("_")}
    assert [other for other in parameters if other not in expected] == EXTRA_ARGUMENTS.get(name, []), name
    assert [other for other in parameters if other in expected] == list(expected), name
    for said in expected.values():
        parameter = parameters[said["name"]]
        where = f"{name}({parameter.name})"
        assert parameter.kind.name == said["kind"], where
        default = parameter.default
        if "default" in said:
            shown = str(default) if isinstance(default, enum.Enum) else repr(default)
            assert shown == said["default"], where
        else:
            assert default is inspect.Parameter.empty, where
        if said["type"] is not None:
            assert parameter.annotation == said["type"], where
    for extra in EXTRA_ARGUMENTS.get(name, []):
        assert parameters[extra].kind is inspect.Parameter.KEYWORD_ONLY
        assert not parameters[extra].default
    if official["returns"] is not None:
        assert str(signature.return_annotation).strip("\"'") == official["returns"], name
    assert inspect.iscoroutinefunction(ours) == official.get("async", False), name
    assert inspect.isasyncgenfunction(ours) == official.get("async_generator", False), name


def test_every_function_has_the_signature() -> None:
    for name in TABLE["functions"]:
        check_signature(name, find(name), TABLE["functions"][name])


@pytest.mark.parametrize("name", TABLE["classes"])
def test_a_class_has_the_members(name: str) -> None:
    official, ours = TABLE["classes"][name], find(name)
    assert set(official["bases"]) <= {base.__name__ for base in ours.__mro__}
    if "members" in official:
        assert {member.name: member.value for member in ours} == official["members"]
        return
    fields = official.get("fields")
    if fields is not None:
        mine = [field for field in dataclasses.fields(ours) if not field.name.startswith("_")]
        assert [field.name for field in mine] == [field["name"] for field in fields]
        for field, said in zip(mine, fields, strict=True):
            assert field.type == said["type"], field.name
            if said["default"] is None:
                assert field.default is dataclasses.MISSING
            else:
                assert repr(field.default) == said["default"], field.name
    for method, signature in official["methods"].items():
        if not (method == "__init__" and name in MADE):
            check_signature(f"{name}.{method}", getattr(ours, method), signature)
    for attribute, returns in official["properties"].items():
        got = inspect.getattr_static(ours, attribute)
        assert isinstance(got, property)
        assert inspect.signature(got.fget).return_annotation == returns  # type: ignore[arg-type]


def written(kind: Any) -> str:
    """A type as the table writes it."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return " | ".join(map(written, arguments))
    if origin is typing.Literal:
        return f"Literal[{', '.join(json.dumps(value) for value in arguments)}]"
    if kind == list[Any]:
        return "list"
    if origin is not None:
        return f"{origin.__name__}[{', '.join(map(written, arguments))}]"
    return "None" if kind is type(None) else "Any" if kind is Any else str(kind.__name__)


def written_normally(kind: str) -> str:
    """typing puts what unions hold, and None for absence, in an order of its own."""
    return " | ".join(sorted(kind.split(" | ")))


def test_every_type_has_the_fields() -> None:
    assert len(MODELS) > 400
    for name in MODELS:
        check_type(name)


def check_type(name: str) -> None:
    official, ours = MODELS[name], getattr(_models, name)
    if official["kind"] == "enum":
        assert {member.name: member.value for member in ours} == official["members"]
        assert issubclass(ours, str) == ("str" in official["base"])
        return
    hints = typing.get_type_hints(ours)
    if official["kind"] == "root":
        assert issubclass(ours, RootModel), name
        assert written_normally(written(hints["root"])) == written_normally(official["type"])
        return
    assert issubclass(ours, BaseModel)
    fields = {field.name: field for field in msgspec.structs.fields(ours)}
    assert list(fields) == list(official["fields"]), name
    for field, said in official["fields"].items():
        assert written_normally(written(hints[field])) == written_normally(said["type"]), (name, field)
        assert fields[field].encode_name == said.get("alias", field)
        assert fields[field].required == ("default" not in said), field
        if "default" in said:
            made = fields[field]
            default = made.default if made.default is not msgspec.NODEFAULT else made.default_factory()  # type: ignore[misc, operator]
            # The official defaults of enumerations are plain texts, whatever the field's type says.
            plain = (
                [entry.value for entry in default] if isinstance(default, list) else getattr(default, "value", default)
            )
            assert plain == ast.literal_eval(said["default"]), field


def test_every_notification_has_the_type() -> None:
    assert {method: kind.__name__ for method, kind in _models.NOTIFICATIONS.items()} == TABLE["notifications"]


def test_the_engine_says_what_the_types_need() -> None:
    """The engine is older than the types: all that they require, it tells."""
    missing = []
    for name, model in MODELS.items():
        told = getattr(protocol, name, None)
        if model["kind"] != "model" or not isinstance(told, type) or not issubclass(told, msgspec.Struct):
            continue
        names = set(told.__struct_encode_fields__)
        if told.__struct_config__.tag_field is not None:
            names.add(told.__struct_config__.tag_field)
        missing += [
            f"{name}.{field}"
            for field, said in model["fields"].items()
            if "default" not in said and said.get("alias", field) not in names
        ]
    assert missing == []


def test_the_types_are_made_from_the_table() -> None:
    spec = importlib.util.spec_from_file_location("openai_surface", ROOT / "scripts" / "openai_surface.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert script.source(TABLE) == script.MODELS.read_text(), "run scripts/openai_surface.py"


def test_the_import_loads_neither_the_types_nor_pydantic() -> None:
    done = run_python(
        "import sys, codex_cffi.openai as o\n"
        "print(sorted(m for m in ('pydantic', 'asyncio', 'codex_cffi.openai._models', 'codex_cffi.protocol') if m in sys.modules))\n"
        "print(o.__name__)"
    )
    assert done.stdout.splitlines() == ["[]", "codex_cffi.openai"], done.stderr
