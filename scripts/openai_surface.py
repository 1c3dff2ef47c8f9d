#!/usr/bin/env python3
"""Keeps `codex_cffi.openai` equal to the official SDK, the package openai-codex.

    python scripts/openai_surface.py           writes codex_cffi/openai/_models.py from tests/openai/surface.json; needs nothing installed
    python scripts/openai_surface.py --read    first makes that table from the installed openai-codex (for example in a venv of its own)
    python scripts/openai_surface.py --check   writes nothing; fails if a file would change

The table has facts only: names, signatures, fields. The tests compare the package with it.
"""

from __future__ import annotations

import argparse
import ast
import dataclasses
import enum
import importlib
import importlib.metadata
import inspect
import json
import re
import sys
import types
import typing
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "tests" / "openai" / "surface.json"
MODELS = ROOT / "codex_cffi" / "openai" / "_models.py"

OFFICIAL = "openai_codex"
#: Its modules that programs import from.
MODULES = ("", "types", "errors", "models", "retry")
#: The module that its types come from; what it gives to no other module is not public.
GENERATED = "openai_codex.generated.v2_all"
_WIDTH = 120


# ---- the official package --------------------------------------------------------------------------------------------


def read() -> dict[str, Any]:
    """What the installed official package offers."""
    table: dict[str, Any] = {
        "version": importlib.metadata.version("openai-codex"),
        "readme": _readme_examples(),
        "modules": {},
        "classes": {},
        "functions": {},
        "models": {},
    }
    found: dict[type, None] = {}
    registry = importlib.import_module(f"{OFFICIAL}.generated.notification_registry")
    table["notifications"] = {method: model.__name__ for method, model in sorted(registry.NOTIFICATION_MODELS.items())}
    for suffix in MODULES:
        module = importlib.import_module(f"{OFFICIAL}.{suffix}".rstrip("."))
        names = getattr(module, "__all__", None) or [
            name
            for name, value in vars(module).items()
            if not name.startswith("_") and getattr(value, "__module__", "").startswith(OFFICIAL) and name != "T"
        ]
        table["modules"][suffix] = sorted(names)
        for name in names:
            _note(name, getattr(module, name), table, found)
    for model in registry.NOTIFICATION_MODELS.values():
        _reach(model, found)
    table["models"] = {model.__name__: _model(model) for model in sorted(found, key=lambda kind: kind.__name__)}
    return table


def _readme_examples() -> list[str]:
    """The programs of the package's README."""
    text = importlib.metadata.metadata("openai-codex").get_payload()  # type: ignore[attr-defined]
    return re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def _note(name: str, value: Any, table: dict[str, Any], found: dict[type, None]) -> None:
    if inspect.isfunction(value):
        table["functions"][name] = _signature(value)
    elif isinstance(value, type) and not isinstance(value, types.GenericAlias):
        if _is_model(value) or value.__module__ == GENERATED:
            _reach(value, found)
        else:
            table["classes"][name] = _class(value)


def _is_model(kind: type) -> bool:
    return hasattr(kind, "model_fields")


def _reach(kind: Any, found: dict[type, None]) -> None:
    """Adds a type and all that its fields are made of."""
    if typing.get_origin(kind) is not None:
        for part in typing.get_args(kind):
            _reach(part, found)
    elif isinstance(kind, type) and (_is_model(kind) or issubclass(kind, enum.Enum)) and kind not in found:
        found[kind] = None
        for field in getattr(kind, "model_fields", {}).values():
            _reach(field.annotation, found)


def _model(kind: Any) -> dict[str, Any]:
    if issubclass(kind, enum.Enum):
        base = "str, Enum" if issubclass(kind, str) else "Enum"
        return {"kind": "enum", "base": base, "members": {member.name: member.value for member in kind}}
    fields = {}
    for name, field in kind.model_fields.items():
        said: dict[str, Any] = {"type": _expression(field.annotation)}
        if field.alias is not None and field.alias != name:
            said["alias"] = field.alias
        if not field.is_required():
            default = field.get_default(call_default_factory=True)
            said["default"] = str(default) if isinstance(default, enum.Enum) else repr(default)
        fields[name] = said
    if "root" in fields:
        return {"kind": "root", "type": fields["root"]["type"]}
    model: dict[str, Any] = {"kind": "model", "fields": fields}
    if kind.model_config.get("extra") == "forbid":
        model["strict"] = True
    return model


def _expression(kind: Any) -> str:
    """A type as it is written."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return " | ".join(map(_expression, arguments))
    if origin is typing.Literal:
        return f"Literal[{', '.join(json.dumps(value) for value in arguments)}]"
    if origin is typing.Annotated:
        return _expression(arguments[0])
    if origin is not None:
        return f"{origin.__name__}[{', '.join(map(_expression, arguments))}]"
    if kind is None or kind is type(None):
        return "None"
    if kind is Any or kind is Ellipsis:
        return "Any" if kind is Any else "..."
    return str(kind.__name__)


def _class(kind: type) -> dict[str, Any]:
    said: dict[str, Any] = {"bases": [base.__name__ for base in kind.__mro__[1:-1]]}
    if issubclass(kind, enum.Enum):
        said["members"] = {member.name: member.value for member in kind}
        return said
    if dataclasses.is_dataclass(kind):
        said["fields"] = [
            {"name": field.name, "type": _annotation(field.type), "default": _default(field)}
            for field in dataclasses.fields(kind)
            if not field.name.startswith("_")
        ]
    said["methods"] = {
        name: _signature(value)
        for name, value in vars(kind).items()
        if inspect.isfunction(value) and (not name.startswith("_") or name in _PROTOCOL)
    }
    said["properties"] = {
        name: _annotation(inspect.signature(value.fget).return_annotation)  # type: ignore[arg-type]
        for name, value in vars(kind).items()
        if isinstance(value, property)
    }
    return said


#: Special methods that callers use.
_PROTOCOL = ("__init__", "__enter__", "__exit__", "__aenter__", "__aexit__")


def _default(field: Any) -> str | None:
    if field.default is not dataclasses.MISSING:
        return repr(field.default)
    if field.default_factory is not dataclasses.MISSING:
        return repr(field.default_factory())
    return None


def _annotation(annotation: Any) -> str | None:
    if annotation is inspect.Signature.empty:
        return None
    if isinstance(annotation, str):
        return annotation.strip("\"'")
    return _expression(annotation)


def _signature(function: Any) -> dict[str, Any]:
    signature = inspect.signature(function)
    parameters = []
    for parameter in signature.parameters.values():
        said: dict[str, Any] = {"name": parameter.name, "kind": parameter.kind.name}
        if not parameter.name.startswith("_"):
            said["type"] = _annotation(parameter.annotation)
        if parameter.default is not inspect.Parameter.empty:
            default = parameter.default
            said["default"] = str(default) if isinstance(default, enum.Enum) else repr(default)
        parameters.append(said)
    said = {"parameters": parameters, "returns": _annotation(signature.return_annotation)}
    if inspect.iscoroutinefunction(function):
        said["async"] = True
    if inspect.isasyncgenfunction(function):
        said["async_generator"] = True
    return said


# ---- our types -------------------------------------------------------------------------------------------------------

_HEADER = '''"""The official SDK's types.

Made by scripts/openai_surface.py from tests/openai/surface.json; do not edit.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, Literal

import msgspec

from ._base import BaseModel, RootModel

'''


def source(table: dict[str, Any]) -> str:
    """The module of the types."""
    blocks = []
    for name, model in sorted(table["models"].items(), key=lambda entry: (entry[1]["kind"] != "enum", entry[0])):
        match model["kind"]:
            case "enum":
                blocks.append(_enum_source(name, model))
            case "root":
                blocks.append(_root_source(name, model))
            case _:
                blocks.append(_model_source(name, model, table["models"]))
    notifications = "".join(
        f"    {json.dumps(method)}: {name},\n" for method, name in sorted(table["notifications"].items())
    )
    blocks.append(
        f"#: What comes with each notification.\nNOTIFICATIONS: dict[str, type[BaseModel]] = {{\n{notifications}}}\n"
    )
    names = "".join(f'    "{name}",\n' for name in sorted(table["models"]))
    return _HEADER + f"__all__ = [\n{names}]\n\n\n" + "\n\n".join(blocks)


def _enum_source(name: str, model: dict[str, Any]) -> str:
    members = "".join(f"    {member} = {json.dumps(value)}\n" for member, value in model["members"].items())
    return f"class {name}({model['base']}):\n{members}"


def _root_source(name: str, model: dict[str, Any]) -> str:
    return f"class {name}(RootModel):\n    root: {_wrapped(model['type'], 10)}\n"


def _generic(kind: str) -> str:
    return re.sub(r"\blist\b(?!\[)", "list[Any]", kind)


def _wrapped(kind: str, used: int) -> str:
    if used + len(kind) <= _WIDTH:
        return kind
    return "(\n        " + "\n        | ".join(kind.split(" | ")) + "\n    )"


def _model_source(name: str, model: dict[str, Any], models: dict[str, Any]) -> str:
    options = []
    wires = {field: said.get("alias", field) for field, said in model["fields"].items()}
    if any(wire != _camel(field) for field, wire in wires.items()):
        renamed = {field: wire for field, wire in wires.items() if field != wire}
        options.append(f"rename={json.dumps(renamed)}" if renamed else 'rename="lower"')
    if model.get("strict"):
        options.append("forbid_unknown_fields=True")
    lines = []
    for field, said in model["fields"].items():
        text = f"    {field}: {_wrapped(_generic(said['type']), len(field) + 6)}"
        if "default" in said:
            text += f" = {_default_source(said, models)}"
        lines.append(text + "\n")
    head = f"class {name}({', '.join(['BaseModel', 'kw_only=True', *options])}):\n"
    return head + ("".join(lines) or "    pass\n")


def _default_source(said: dict[str, Any], models: dict[str, Any]) -> str:
    """The default as its field has it: the official ones are plain texts where the field is an enumeration."""
    value = ast.literal_eval(said["default"])
    kind = said["type"].split(" | ")[0]
    element = kind.removeprefix("list[").removesuffix("]")
    names = {value: f"{element}.{name}" for name, value in models.get(element, {}).get("members", {}).items()}
    if isinstance(value, str):
        return names[value]
    if isinstance(value, list) and value:
        return f"msgspec.field(default_factory=lambda: [{', '.join(names[entry] for entry in value)}])"
    return repr(value)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


# ---- files -----------------------------------------------------------------------------------------------------------


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--read", action="store_true", help="take the table from the installed openai-codex")
    parser.add_argument("--check", action="store_true", help="write nothing, fail if a file would change")
    arguments = parser.parse_args()
    text = json.dumps(read(), indent=1, sort_keys=False) + "\n" if arguments.read else TABLE.read_text()
    stale = []
    for path, content in {TABLE: text, MODELS: source(json.loads(text))}.items():
        if path.exists() and path.read_text() == content:
            continue
        stale.append(path.relative_to(ROOT))
        if not arguments.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
    for path in stale:
        sys.stdout.write(f"{path} {'is stale; run scripts/openai_surface.py' if arguments.check else 'written'}\n")
    return int(arguments.check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
