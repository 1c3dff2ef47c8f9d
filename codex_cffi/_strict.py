"""JSON schemas as the model API's strict mode takes them, and its answers as the schema means them.

Source: the Responses API's guide to structured outputs, "Supported schemas": every property required, no other properties, and of JSON Schema a part only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ._schema import children, resolve

__all__ = ["NotStrictError", "drop_nulls", "strict_schema"]

#: What strict mode knows. What else a schema may have either says nothing about values or only narrows them, so that it may be left out for the model: what
#: the model writes is checked against the schema as it was given.
_KNOWN: frozenset[str] = frozenset(
    {
        *("type", "enum", "const", "title", "description", "properties", "required", "additionalProperties", "items"),
        *("anyOf", "$ref", "$defs", "definitions", "pattern", "format", "minimum", "maximum", "exclusiveMinimum"),
        *("exclusiveMaximum", "multipleOf", "minItems", "maxItems"),
    }
)
#: What may not be merged or left out: it says what values there are.
_TELLING: frozenset[str] = frozenset({"type", "enum", "const", "items", "anyOf", "oneOf"})
#: What may stand beside a reference without meaning more than it.
_NOTES: frozenset[str] = frozenset(
    {
        *("default", "examples", "discriminator", "deprecated", "readOnly", "writeOnly", "title", "contentEncoding"),
        *("contentMediaType", "contentSchema", "$schema", "$id", "$anchor", "$comment"),
    }
)
_FORMATS: frozenset[str] = frozenset(
    {"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"}
)
#: Keywords of whose schemas the names are the user's.
_NAMED = ("properties", "$defs", "definitions")
#: Parts of a regular expression: an escape, a class of characters, the beginning of a group.
_PATTERN_PARTS = re.compile(r"\\(?:.|$)|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?.?", re.DOTALL)


class NotStrictError(ValueError):
    """A schema has something that strict mode has not."""


def strict_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema as strict mode demands it: no other properties, all of them required, what was optional may be null.

    References with more beside them are inlined, ``oneOf`` becomes ``anyOf``, an ``allOf`` is merged; what the model API does not know and only narrows
    is left out. What tells the options of a union apart stays as it is: it has but one value.

    Raises:
        NotStrictError: Something has no form in strict mode, such as an object with free keys; the text says where.
        ValueError: It cannot be used at all.
    """
    return _Strict(schema).root()


class _Strict:
    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._whole = schema
        #: References whose targets are being inlined.
        self._open: frozenset[str] = frozenset()
        #: Properties by which options of a union are told apart: the properties' id, and the name.
        self._telling = set(_told_apart(schema))

    def root(self) -> dict[str, Any]:
        schema = self._whole
        if "$ref" in schema:
            definitions = {name: schema[name] for name in ("$defs", "definitions") if name in schema}
            schema = {**self._inlined(schema, "#", frozenset()), **definitions}
        made = self._made(schema, "#")
        for name in ("$defs", "definitions"):
            if name in made:
                used = _used(made, name)
                made[name] = {key: value for key, value in made[name].items() if key in used}
                if not used:
                    del made[name]
        return made

    def _made(self, schema: Any, path: str) -> dict[str, Any]:
        if isinstance(schema, bool) or not isinstance(schema, Mapping):
            raise NotStrictError(f"{path}: strict mode needs a schema here, not {schema!r}")
        opened = self._open
        schema = self._plain(schema, path, frozenset())
        try:
            return self._closed(schema, path)
        finally:
            self._open = opened

    def _closed(self, schema: Mapping[str, Any], path: str) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for name, value in schema.items():
            if name == "prefixItems" or (name == "patternProperties" and value):
                what = "tuples" if name == "prefixItems" else "objects with free keys"
                raise NotStrictError(
                    f"{path}: strict mode has no {what} ({name}); use a list or an object with named properties"
                )
            if name in _NAMED:
                made[name] = {key: self._made(inner, f"{path}/{name}/{key}") for key, inner in value.items()}
            elif name in ("anyOf", "oneOf"):
                made["anyOf"] = [self._made(inner, f"{path}/{name}/{index}") for index, inner in enumerate(value)]
            elif name == "items":
                made[name] = self._made(value, f"{path}/items")
            elif name in _KNOWN and _is_known(name, value):
                made[name] = value
        self._close(schema, made, path)
        if not made.keys() & {"type", "anyOf", "$ref", "enum", "const"}:
            raise NotStrictError(f"{path}: strict mode needs a type here; a value of any type has none")
        if "type" not in made and made.keys() & {"enum", "const"}:
            made["type"] = _types(made.get("enum", [made.get("const")]))
        return made

    def _close(self, schema: Mapping[str, Any], made: dict[str, Any], path: str) -> None:
        """Makes an object one of just its properties."""
        kind = made.get("type")
        if kind != "object" and "properties" not in made and not (isinstance(kind, list) and "object" in kind):
            return
        properties = made.get("properties", {})
        free = schema.get("additionalProperties", "properties" not in schema)
        if not properties and free is not False:
            raise NotStrictError(
                f"{path}: strict mode has no objects with free keys, such as dict[str, int]; use a list of objects with a key and a value"
            )
        given = schema.get("properties", {})
        kept = {n for n in properties if (id(given), n) in self._telling or _has_one_value(given[n])}
        kept.update(schema.get("required", ()))
        made["properties"] = {n: v if n in kept else _nullable(v) for n, v in properties.items()}
        made["required"] = list(properties)
        made["additionalProperties"] = False

    def _plain(self, schema: Mapping[str, Any], path: str, seen: frozenset[str]) -> Mapping[str, Any]:
        """The schema without ``allOf``, and without a reference that has more beside it."""
        if "$ref" in schema and schema["$ref"] not in self._open and schema.keys() - {"$ref", *_NOTES}:
            schema = self._inlined(schema, path, seen)
        if "$ref" in schema:
            self._target(schema["$ref"], path)
            return {"$ref": schema["$ref"]}
        if "allOf" in schema:
            merged = {name: value for name, value in schema.items() if name != "allOf"}
            for index, part in enumerate(schema["allOf"]):
                part = self._plain(part, f"{path}/allOf/{index}", seen)
                if "$ref" in part:
                    part = self._inlined(part, path, seen)
                merged = _merged(merged, part, f"{path}/allOf/{index}")
            return merged
        return schema

    def _inlined(self, schema: Mapping[str, Any], path: str, seen: frozenset[str]) -> Mapping[str, Any]:
        reference = schema["$ref"]
        if reference in seen:
            raise ValueError(f"{path}: the reference {reference} leads to itself")
        target = self._target(reference, path)
        self._open |= {reference}
        return self._plain({**target, **{n: v for n, v in schema.items() if n != "$ref"}}, path, seen | {reference})

    def _target(self, reference: Any, path: str) -> Mapping[str, Any]:
        target = resolve(self._whole, reference)
        if target is None:
            raise ValueError(f"{path}: there is no {reference} in the schema")
        return target


def _used(schema: Mapping[str, Any], where: str) -> set[str]:
    """Names of the definitions that something refers to."""
    found: set[str] = set()
    waiting: list[Any] = [{name: value for name, value in schema.items() if name not in _NAMED[1:]}]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Mapping):
            reference = part.get("$ref")
            name = reference.removeprefix(f"#/{where}/") if isinstance(reference, str) else ""
            if name in schema[where] and name not in found:
                found.add(name)
                waiting.append(schema[where][name])
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)
    return found


def _is_known(name: str, value: Any) -> bool:
    """Whether strict mode knows a keyword with this value."""
    if name == "format":
        return value in _FORMATS
    if name == "pattern":
        # No group but the plainest, no reference to one, and no place but the beginning and the end.
        found = _PATTERN_PARTS.findall(value) if isinstance(value, str) else []
        return not any(
            (part.startswith("(?") and part != "(?:") or (part[:1] == "\\" and part[1:] in "123456789AZzGkKbBpPuxX")
            for part in found
        )
    return True


def _has_one_value(schema: Any) -> bool:
    """Whether a value that is left out means the only one that there is."""
    if not isinstance(schema, Mapping) or "default" not in schema:
        return False
    only: list[Any] = schema.get("enum", [schema.get("const")])
    return only == [schema["default"]]


def _stands_for_its_default(schema: Any) -> bool:
    return isinstance(schema, Mapping) and "default" in schema and bool(schema.keys() & {"const", "enum"})


def _told_apart(whole: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    """The properties by which options of a union are told apart."""
    waiting: list[Any] = [whole]
    while waiting:
        schema = waiting.pop()
        if not isinstance(schema, Mapping):
            continue
        waiting.extend(children(schema))
        discriminator = schema.get("discriminator")
        if isinstance(discriminator, Mapping):
            for option in (*schema.get("oneOf", ()), *schema.get("anyOf", ())):
                target = resolve(whole, option["$ref"]) if "$ref" in option else option
                yield id((target or {}).get("properties")), discriminator.get("propertyName", "")


def _merged(one: Mapping[str, Any], other: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Both schemas as one."""
    made = dict(one)
    for name, value in other.items():
        if name not in made or made[name] == value:
            made[name] = value
        elif name in _NAMED:
            made[name] = {**made[name], **value}
        elif name == "required":
            made[name] = [*made[name], *(key for key in value if key not in made[name])]
        elif name in _TELLING:
            raise ValueError(f"{path}: strict mode has no allOf, and its parts do not agree on {name}")
    return made


def _types(values: list[Any]) -> str | list[str]:
    names = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}
    found = list(dict.fromkeys(names.get(type(value), "object") for value in values))
    return found[0] if len(found) == 1 else found


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    kind = schema.get("type")
    if kind == "null" or (isinstance(kind, list) and "null" in kind):
        return schema
    options = schema.get("anyOf")
    if isinstance(options, list):
        return schema if {"type": "null"} in options else {**schema, "anyOf": [*options, {"type": "null"}]}
    if isinstance(kind, str) and not schema.keys() & {"enum", "const"}:
        return {**schema, "type": [kind, "null"]}
    text = {"description": schema["description"]} if "description" in schema else {}
    return {"anyOf": [{n: v for n, v in schema.items() if n != "description"}, {"type": "null"}], **text}


def drop_nulls(value: Any, schema: Any, whole: Mapping[str, Any], fits: Any) -> Any:
    """An answer in strict mode without the nulls that stand for what the schema as it was given leaves out.

    Args:
        value: The answer.
        schema: The schema for it, a part of `whole`.
        whole: Where references lead.
        fits: ``fits(value, schema)`` tells whether a value is valid.
    """
    if not isinstance(schema, Mapping):
        return value
    if "$ref" in schema:
        target = resolve(whole, schema["$ref"])
        if target is not None:
            value = drop_nulls(value, target, whole, fits)
    for part in schema.get("allOf", ()):
        value = drop_nulls(value, part, whole, fits)
    for option in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        candidate = drop_nulls(value, option, whole, fits)
        if candidate is not value and fits(candidate, option):
            value = candidate
            break
    if isinstance(value, dict) and isinstance(schema.get("properties"), Mapping):
        value = dict(_kept(value, schema, whole, fits))
    elif isinstance(value, list) and "items" in schema:
        value = [drop_nulls(item, schema["items"], whole, fits) for item in value]
    return value


def _kept(
    value: dict[str, Any], schema: Mapping[str, Any], whole: Mapping[str, Any], fits: Any
) -> Iterator[tuple[str, Any]]:
    properties, required = schema["properties"], schema.get("required", ())
    for name, inner in value.items():
        if name not in properties:
            yield name, inner
        elif inner is not None:
            yield name, drop_nulls(inner, properties[name], whole, fits)
        elif name in required or fits(None, properties[name]):
            yield name, inner
        elif _stands_for_its_default(properties[name]):
            yield name, properties[name]["default"]  # by it a union may be told apart
