#!/usr/bin/env python3
"""Keeps the typed protocol, `codex_cffi/protocol/_types/` and `_tables.py`, equal to the engine's.

    python scripts/protocol.py              from rust-shim/protocol-schema.json; needs no Rust
    python scripts/protocol.py --export     first asks the engine's own crates for that schema (the engine must have been built)
    python scripts/protocol.py --check      writes nothing; fails if a file would change. With --export: the schema too

The schema is committed apart from the package, since only this script and the tests read it.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import keyword
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SCHEMA = ROOT / "rust-shim" / "protocol-schema.json"
PACKAGE = ROOT / "codex_cffi" / "protocol"

#: Fields that tell null from absence, which a JSON schema cannot say: upstream's `deserialize_double_option`. A test compares.
DOUBLE_OPTIONS = {
    "ProcessSpawnParams": {"outputBytesCap", "timeoutMs"},
    "ThreadForkParams": {"serviceTier"},
    "ThreadGoalSetParams": {"tokenBudget"},
    "ThreadMetadataGitInfoUpdateParams": {"branch", "originUrl", "sha"},
    "ThreadRealtimeStartParams": {"prompt"},
    "ThreadResumeParams": {"serviceTier"},
    "ThreadSettingsUpdateParams": {"serviceTier"},
    "ThreadStartParams": {"serviceTier"},
    "TurnStartParams": {"serviceTier"},
}
#: Modules of the types, by the first part of the methods that use them. What several modules use is in `shared`, names for strings in `names`,
#: so that one call loads little: a class costs some 15 µs, there are 700.
MODULES = {
    "account": ("account", "getAuthStatus"),
    "config": (
        *(
            "collaborationMode",
            "config",
            "configRequirements",
            "configWarning",
            "experimentalFeature",
            "externalAgentConfig",
        ),
        *("hook", "hooks", "permissionProfile"),
    ),
    "files": ("fs", "fuzzyFileSearch"),
    "legacy": ("applyPatchApproval", "execCommandApproval", "getConversationSummary", "gitDiffToRemote"),
    "mcp": ("mcpServer", "mcpServerStatus"),
    "models": ("model", "modelProvider"),
    "plugins": ("app", "marketplace", "plugin", "skills"),
    "processes": ("command", "process"),
    "remote": ("environment", "remoteControl"),
    "threads": ("rawResponse", "rawResponseItem", "thread"),
    "turns": ("error", "item", "review", "serverRequest", "turn"),
}
_HEADER = '"""{}\n\nMade by scripts/protocol.py from the engine\'s own schema; do not edit.\n"""\n\n'
_WIDTH = 120
_MODULE_DOCS = {
    "engine": "The engine's protocol: what belongs to no other module.",
    "legacy": "The engine's protocol: what is left of its old API.",
    "names": "The engine's protocol: strings, and the values that they have.",
    "shared": "The engine's protocol: what several modules use.",
}


Schema = dict[str, Any]


class Generator:
    """Turns the exported schema into Python source.

    Args:
        protocol: What `rust-shim/engine/examples/protocol_schema.rs` writes.
    """

    def __init__(self, protocol: Schema) -> None:
        self.protocol = _renamed(protocol)
        self.definitions: dict[str, Schema] = self.protocol["definitions"]
        self.structs: dict[str, str] = {}
        self.aliases: dict[str, str] = {}
        #: Definitions that no type says; they are plain JSON.
        self.plain: list[str] = []
        self._tag_fields: set[str] = set()
        #: Definitions that are a request's parameters: the base class and the method.
        self._bases: dict[str, tuple[str, str]] = {}

    # ---- modules ----------------------------------------------------------------------------------------------------

    def sources(self) -> dict[str, str]:
        """The generated modules, by their names in `codex_cffi/protocol`."""
        self._define_all()
        homes = self._homes()
        modules = {
            f"_types/{module}.py": self._module(module, {name for name in homes if homes[name] == module}, homes)
            for module in sorted(set(homes.values()))
        }
        stars = "".join(f"    from .{module} import *\n" for module in sorted(set(homes.values())))
        package = _HEADER.format("The engine's protocol as types.") + "from typing import TYPE_CHECKING\n\n"
        modules["_types/__init__.py"] = f"{package}if TYPE_CHECKING:\n{stars}"
        modules["_tables.py"] = self._tables(homes)
        return modules

    def _define_all(self) -> None:
        for kind, base in (("clientRequests", "Params"), ("serverRequests", "HostParams")):
            for request in self.protocol[kind]:
                name = _params_name(request)
                assert name not in self._bases, f"{name} is the parameters of two methods"
                self._bases[name] = (f'{base}["{_reference(request["response"])}"]', request["method"])
                if name not in self.definitions:
                    self._struct(name, {"description": f"``{request['method']}`` has no parameters."}, without=True)
        for name, schema in sorted(self.definitions.items()):
            self._define(name, schema)
        for tag in sorted(self._tag_fields):
            # A tag of its own, which `decode` gives to what has a tag of no class.
            self.structs[_unknown(tag)] = (
                f'class {_unknown(tag)}(UnknownVariant, frozen=True, kw_only=True, tag_field="{tag}", tag="<unknown>"):\n'
                f'    """A variant that is new to this package; ``data`` is the whole of it, with its ``{tag}``."""\n'
            )

    def _homes(self) -> dict[str, str]:
        """The module of each type that a method uses."""
        uses = {
            name: _names(source) & (self.structs.keys() | self.aliases.keys()) - {name}
            for name, source in (self.structs | self.aliases).items()
        }
        module_of = {topic: module for module, topics in MODULES.items() for topic in topics}
        used_by: dict[str, set[str]] = {}

        def use(name: str, module: str) -> None:
            if module not in used_by.setdefault(name, set()):
                used_by[name].add(module)
                for other in uses[name]:
                    use(other, module)

        for message in (
            m for kind in ("clientRequests", "serverRequests", "serverNotifications") for m in self.protocol[kind]
        ):
            module = module_of.get(message["method"].partition("/")[0], "engine")
            use(_params_name(message), module)
            if "response" in message:
                use(_reference(message["response"]), module)
        return {
            name: "names"
            if name in self.aliases and not uses[name]
            else "shared"
            if len(modules) > 1 or name.startswith("UnknownBy")
            else min(modules)
            for name, modules in used_by.items()
        }

    def _module(self, module: str, names: set[str], homes: dict[str, str]) -> str:
        blocks = [self.structs[name] for name in sorted(names & self.structs.keys())]
        blocks += [self.aliases[name] for name in self._sorted_aliases(names & self.aliases.keys())]
        used = set().union(*map(_names, blocks))
        lines = [_HEADER.format(_MODULE_DOCS.get(module, f"The engine's protocol: {module}.")).rstrip("\n"), ""]
        lines += ["from __future__ import annotations", ""]
        typing = used & {"Any", "ClassVar", "Literal", "TypeAlias"}
        groups = [
            [_import("typing", typing)] if typing else [],
            ["import msgspec"] if "msgspec" in used else [],
            [
                _import(source, found)
                for source, found in (
                    (".._base", used & {"HostParams", "Params", "Struct", "UnknownVariant"}),
                    *(
                        (f".{other}", {name for name in used if homes.get(name) == other})
                        for other in ("names", "shared")
                    ),
                )
                if found and source != f".{module}"
            ],
        ]
        lines += ["\n\n".join("\n".join(group) for group in groups if group)]
        return "\n".join(lines) + "\n\n\n" + "\n\n".join(blocks)

    def _tables(self, homes: dict[str, str]) -> str:
        requests = {r["method"]: (_params_name(r), _reference(r["response"])) for r in self.protocol["clientRequests"]}
        host = {r["method"]: (_params_name(r), _reference(r["response"])) for r in self.protocol["serverRequests"]}
        notifications = {n["method"]: _reference(n["params"]) for n in self.protocol["serverNotifications"]}
        text = _HEADER.format("What there is, by name, without loading it.")
        text += _table("REQUESTS", "What the host asks the engine: types of parameters and result.", requests)
        text += _table("HOST_REQUESTS", "What the engine asks the host: types of parameters and result.", host)
        text += _table("NOTIFICATIONS", "What the engine tells the host: types of the parameters.", notifications)
        text += _table("MODULES", "Where each type is.", homes)
        return text.rstrip("\n") + "\n"

    # ---- definitions ------------------------------------------------------------------------------------------------

    def _define(self, name: str, schema: Schema) -> None:
        variants = schema.get("oneOf") or schema.get("anyOf")
        if variants is None:
            if "properties" in schema or schema.get("type") == "object":
                self._struct(name, schema)
            else:
                self._alias(name, self._type(schema, name), schema)
            return
        tag = _tag(variants)
        if tag is not None:
            self._tagged(name, schema, variants, tag)
        elif all(_is_enum(variant) for variant in variants):
            self._alias(name, _literal([value for variant in variants for value in variant["enum"]]), schema)
        elif any(_is_keyed(variant) for variant in variants):
            self._keyed(name, schema, variants)
        elif all("properties" in variant for variant in variants):
            self._struct(name, _merged(schema, variants))
        elif all("$ref" in variant for variant in variants):
            # Several plain objects: msgspec could not tell which one it reads.
            self.plain.append(name)
            self._alias(
                name,
                "dict[str, Any]",
                {**schema, "description": f"{schema.get('description', '')}\n\nPlain JSON.".strip()},
            )
        else:
            self._alias(name, " | ".join(self._type(variant, name) for variant in variants), schema)

    def _tagged(self, name: str, schema: Schema, variants: list[Schema], tag: str) -> None:
        """Objects that a string field tells apart: a class each, and their union."""
        self._tag_fields.add(tag)
        members = []
        for variant in variants:
            value = variant["properties"][tag]["enum"][0]
            member = _pascal(value) + name
            assert member not in self.definitions, member
            members.append(member)
            whole = {
                **variant,
                # Some variants share fields that stand beside them.
                "properties": {**schema.get("properties", {}), **variant["properties"]},
                "required": sorted({*schema.get("required", []), *variant.get("required", [])}),
            }
            del whole["properties"][tag]
            whole["required"].remove(tag)
            self._struct(member, whole, tag=(tag, value), base=self._bases.get(name))
        self._alias(name, " | ".join([*members, _unknown(tag)]), schema)

    def _keyed(self, name: str, schema: Schema, variants: list[Schema]) -> None:
        """Names, or objects with one key (serde's own way): the names, and one class with a field for each key."""
        names = [value for variant in variants if _is_enum(variant) for value in variant["enum"]]
        keyed = [variant for variant in variants if _is_keyed(variant)]
        properties = {}
        for variant in keyed:
            ((key, value),) = variant["properties"].items()
            properties[key] = {**value, "description": variant.get("description", value.get("description", ""))}
        details = f"{name}Details" if names else name
        text = (
            f"{schema.get('description', '')}\n\nOne of its fields is set."
            if not names
            else "One of its fields is set."
        )
        self._struct(details, {"description": text.strip(), "properties": properties})
        if names:
            self._alias(name, f"{_literal(names)} | {details}", schema)

    def _alias(self, name: str, expression: str, schema: Schema) -> None:
        assert name not in self.aliases, name
        parts = expression.split(" | ")
        text = f"{name}: TypeAlias = {expression}"
        if len(text) > _WIDTH and len(parts) > 1:
            text = f"{name}: TypeAlias = (\n    " + "\n    | ".join(parts) + "\n)"
        doc = _docstring(schema.get("description", ""), _value_docs(schema), indent="")
        self.aliases[name] = text + "\n" + doc

    def _sorted_aliases(self, names: set[str]) -> Iterator[str]:
        """Each after those that it is made of: other than annotations, they are evaluated at import."""
        done: set[str] = set()

        def visit(name: str, path: tuple[str, ...] = ()) -> Iterator[str]:
            assert name not in path, f"{name} is made of itself"
            if name in done:
                return
            for other in sorted(_names(self.aliases[name]) & names - {name}):
                yield from visit(other, (*path, name))
            done.add(name)
            yield name

        for name in sorted(names):
            yield from visit(name)

    def _struct(
        self,
        name: str,
        schema: Schema,
        *,
        tag: tuple[str, str] | None = None,
        base: tuple[str, str] | None = None,
        without: bool = False,
    ) -> None:
        assert name not in self.structs, name
        base = base or self._bases.get(name)
        options = "frozen=True, kw_only=True"
        if tag is not None:
            options += f', tag_field="{tag[0]}", tag="{tag[1]}"'
        properties = schema.get("properties", {})
        snake = all(_attribute(wire) == wire for wire in properties) and any("_" in wire for wire in properties)
        if snake:
            options += ', rename="lower"'  # that is: as they are
        head = f"class {name}({base[0] if base else 'Struct'}, {options}):"
        if len(head) > _WIDTH:
            head = head.replace("(", "(\n    ", 1).removesuffix("):") + "\n):"
        required = set(schema.get("required", []))
        lines, docs = [], []
        for wire, value in sorted(properties.items(), key=lambda entry: entry[0] not in required):
            attribute = _attribute(wire)
            default = self._default(name, wire, value, wire in required)
            annotation = self._type(value, name + _pascal(wire))
            if default == "None":
                annotation = _nullable(annotation)
            elif default == "msgspec.UNSET":
                annotation = _nullable(annotation) + " | msgspec.UnsetType"
            if not snake and _camel(attribute) != wire:
                default = f"msgspec.field(name={json.dumps(wire)}{f', default={default}' if default else ''})"
            lines.append(f"    {attribute}: {annotation}" + (f" = {default}" if default else ""))
            text = value.get("description", "") if isinstance(value, dict) else ""
            if default == "msgspec.UNSET":
                text = f"{text} None is sent as null; left out, nothing is sent.".strip()
            if text:
                docs.append((attribute, text))
        text = schema.get("description", "")
        if isinstance(schema.get("additionalProperties"), (dict, bool)) and schema["additionalProperties"]:
            text = f"{text}\n\nOther keys that it may have are not kept here; ask with plain JSON to get them.".strip()
        if base is not None:
            lines.insert(0, f'    METHOD: ClassVar[str] = "{base[1]}"')
        if without:
            lines.insert(1, "    WITHOUT: ClassVar[bool] = True")
        doc = _docstring(
            text or (f"Parameters of ``{base[1]}``." if base else ""), docs, indent="    ", title="Attributes:"
        )
        body = doc + ("\n" if doc and lines else "") + "".join(f"{line}\n" for line in lines)
        self.structs[name] = f"{head}\n{body or '    pass' + chr(10)}"

    def _default(self, owner: str, wire: str, schema: Any, required: bool) -> str:
        if required:
            return ""
        if wire in DOUBLE_OPTIONS.get(owner, ()):
            return "msgspec.UNSET"
        value = schema.get("default") if isinstance(schema, dict) else None
        if isinstance(value, (bool, int, float, str)) or value in ([], {}):
            return repr(value) if not isinstance(value, str) else json.dumps(value)
        return "None"

    # ---- types ------------------------------------------------------------------------------------------------------

    def _type(self, schema: Any, name: str) -> str:
        """The annotation of a schema; an object that has no name upstream becomes the class `name`."""
        if schema is True:
            return "Any"
        if "$ref" in schema:
            return _reference(schema)
        if "allOf" in schema:
            (only,) = schema["allOf"]  # how schemars describes a reference
            return self._type(only, name)
        if "anyOf" in schema or "oneOf" in schema:
            variants = schema.get("anyOf") or schema["oneOf"]
            return " | ".join(dict.fromkeys(self._type(variant, name) for variant in variants))
        if "enum" in schema:
            return _literal(schema["enum"])
        kinds = schema.get("type")
        if kinds is None:
            return "Any"
        return " | ".join(self._simple(kind, schema, name) for kind in ([kinds] if isinstance(kinds, str) else kinds))

    def _simple(self, kind: str, schema: Schema, name: str) -> str:
        if kind == "array":
            items = schema.get("items", True)
            if isinstance(items, list):
                return f"tuple[{', '.join(self._type(item, name) for item in items)}]"
            return f"list[{self._type(items, name)}]"
        if kind == "object":
            if "properties" in schema:
                self._struct(name, schema)
                return name
            return f"dict[str, {self._type(schema.get('additionalProperties', True), name)}]"
        return {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}[kind]


# ---- schemas ---------------------------------------------------------------------------------------------------------


def _renamed(protocol: Schema) -> Schema:
    """Without the numbers that schemars gives to types of the same name: equal ones become one, others are of the old API."""
    text = json.dumps(protocol)
    while True:
        definitions = json.loads(text)["definitions"]
        doubles = [name for name in definitions if name[-1] == "2" and name[:-1] in definitions]
        if not doubles:
            return json.loads(text)  # type: ignore[no-any-return]
        equal = [name for name in doubles if definitions[name] == definitions[name[:-1]]]
        for name in equal or doubles:
            new = name[:-1] if name in equal else f"Legacy{name[:-1]}"
            tree = json.loads(text)
            tree["definitions"][new] = tree["definitions"].pop(name)
            text = json.dumps(tree).replace(f'"#/definitions/{name}"', f'"#/definitions/{new}"')


def _reference(schema: Schema) -> str:
    name = schema["$ref"].removeprefix("#/definitions/")
    assert isinstance(name, str)
    return name


def _params_name(request: Schema) -> str:
    params = request["params"]
    if "anyOf" in params:  # they may be absent
        params = params["anyOf"][0]
    return _reference(params) if "$ref" in params else f"{request['name']}Params"


def _is_enum(schema: Schema) -> bool:
    return "enum" in schema


def _is_keyed(schema: Schema) -> bool:
    return schema.get("additionalProperties") is False and len(schema.get("required", [])) == 1


def _tag(variants: list[Schema]) -> str | None:
    """The field that tells the variants apart."""
    candidates = None
    for variant in variants:
        found = {
            name
            for name, value in variant.get("properties", {}).items()
            if isinstance(value, dict) and len(value.get("enum", ())) == 1 and name in variant.get("required", ())
        }
        candidates = found if candidates is None else candidates & found
    return min(candidates) if candidates else None


def _merged(schema: Schema, variants: list[Schema]) -> Schema:
    """One object for several that nothing tells apart: what they do not share is optional."""
    properties: dict[str, Any] = {}
    for variant in variants:
        for name, value in variant["properties"].items():
            assert properties.setdefault(name, value) == value, name
    required = set.intersection(*(set(variant.get("required", ())) for variant in variants))
    text = f"{schema.get('description', '')}\n\nWhich of the optional fields are set depends on the case.".strip()
    return {"description": text, "properties": properties, "required": sorted(required)}


def _value_docs(schema: Schema) -> list[tuple[str, str]]:
    """What an enum says of its values."""
    return [
        (json.dumps(variant["enum"][0]), variant["description"])
        for variant in schema.get("oneOf", ())
        if _is_enum(variant) and "description" in variant
    ]


# ---- Python ----------------------------------------------------------------------------------------------------------


def _import(source: str, names: set[str]) -> str:
    line = f"from {source} import {', '.join(sorted(names))}"
    return (
        line
        if len(line) <= _WIDTH
        else f"from {source} import (\n" + "".join(f"    {n},\n" for n in sorted(names)) + ")"
    )


def _names(source: str) -> set[str]:
    """The names in a piece of code that may be types."""
    code = re.sub(r'r?"""[\s\S]*?"""', "", source)
    code = re.sub(r'Params\["(\w+)"\]', r"Params[\1]", code)  # strings are values, but not this one
    return set(re.findall(r"\b[A-Za-z]\w+", re.sub(r'"[^"]*"', "", code)))


def _literal(values: list[str]) -> str:
    # A newer engine may have more values; one of them must not make a whole result unreadable.
    return f"Literal[{', '.join(json.dumps(value) for value in values)}] | str"


def _nullable(annotation: str) -> str:
    return annotation if annotation == "Any" or annotation.endswith("None") else f"{annotation} | None"


def _attribute(wire: str) -> str:
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|\W+", "_", wire).strip("_").lower()
    return f"{name}_" if keyword.iskeyword(name) else name


def _camel(attribute: str) -> str:
    """As msgspec renames."""
    first, *rest = attribute.split("_")
    return first + "".join(part.title() for part in rest)


def _pascal(text: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]+", text))


def _unknown(tag: str) -> str:
    return f"UnknownBy{_pascal(tag)}"


def _docstring(text: str, entries: list[tuple[str, str]], *, indent: str, title: str = "") -> str:
    paragraphs = [_wrapped(part, indent) for part in re.split(r"\n\s*\n", text.strip()) if part.strip()]
    if entries:
        lines = [_wrapped(f"{name}: {doc}", indent + "    " * bool(title), hang="    ") for name, doc in entries]
        if title:
            lines.insert(0, indent + title)
        paragraphs.append("\n".join(lines))
    if not paragraphs:
        return ""
    body = "\n\n".join(paragraphs).lstrip()
    if body.startswith(title or "\0"):
        body = f"\n{indent}{body}"
    end = f"\n{indent}" if "\n" in body else ""
    quotes = 'r"""' if "\\" in body else '"""'
    if body.endswith('"') and not end:
        body += " "
    return f'{indent}{quotes}{body}{end}"""\n'


def _wrapped(text: str, indent: str, hang: str = "") -> str:
    text = re.sub(r"\[(`[^`]+`)\](\([^)]*\))?", r"\1", text)  # Rust's links
    text = re.sub(r"(?<!`)`([^`]+)`(?!`)", r"``\1``", " ".join(text.split()))
    return "\n".join(
        textwrap.wrap(
            text,
            _WIDTH,
            initial_indent=indent,
            subsequent_indent=indent + hang,
            break_long_words=False,
            break_on_hyphens=False,
        )
    )


def _table(name: str, text: str, entries: dict[str, Any]) -> str:
    kind = "tuple[str, str]" if any(isinstance(value, tuple) for value in entries.values()) else "str"
    lines = [f"#: {text}", f"{name}: dict[str, {kind}] = {{"]
    for method, value in sorted(entries.items()):
        shown = json.dumps(value) if isinstance(value, str) else f"({', '.join(json.dumps(part) for part in value)})"
        lines.append(f"    {json.dumps(method)}: {shown},")
    return "\n".join([*lines, "}"]) + "\n\n"


# ---- files -----------------------------------------------------------------------------------------------------------


def export() -> str:
    """The schema as the engine's crates have it now."""
    configure()
    command = ["cargo", "run", "--locked", "--quiet", "-p", "codex-capi-engine", "--example", "protocol_schema"]
    return subprocess.run(command, cwd=ROOT / "rust-shim", stdout=subprocess.PIPE, text=True, check=True).stdout


def configure() -> None:
    """Tells Cargo of the crates that the engine is built from, as a build does."""
    build = _load_build()
    build.configure_cargo(build.cache_folder() / "target")


def generate(schema: str) -> dict[Path, str]:
    """The package's generated modules."""
    return {PACKAGE / name: text for name, text in Generator(json.loads(schema)).sources().items()}


def _load_build() -> Any:
    spec = importlib.util.spec_from_file_location("build_ffi", ROOT / "build_ffi.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--export", action="store_true", help="take the schema from the engine's crates")
    parser.add_argument("--check", action="store_true", help="write nothing, fail if a file would change")
    arguments = parser.parse_args()
    schema = export() if arguments.export else SCHEMA.read_text()
    stale = []
    for path, text in {SCHEMA: schema, **generate(schema)}.items():
        if path.exists() and path.read_text() == text:
            continue
        stale.append(path.relative_to(ROOT))
        if not arguments.check:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
    for path in stale:
        sys.stdout.write(f"{path} {'is stale; run scripts/protocol.py' if arguments.check else 'written'}\n")
    return int(arguments.check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
