"""JSON schemas as trees: their parts, their references, and definitions of several schemas in one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

__all__ = ["NAMED", "Definitions", "children", "refers", "resolve"]

#: Keywords whose values are schemas by names of the user's, lists of schemas, and schemas.
NAMED = ("properties", "patternProperties", "dependentSchemas", "$defs", "definitions")
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_SINGLE = (
    *("items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames"),
    *("unevaluatedItems", "unevaluatedProperties"),
)
_ROOT = "#/$defs/"


def children(schema: Mapping[str, Any]) -> Iterator[Any]:
    """The schemas directly in a schema."""
    for name, value in schema.items():
        if name in NAMED and isinstance(value, Mapping):
            yield from value.values()
        elif name in _LISTS and isinstance(value, list):
            yield from value
        elif name in _SINGLE:
            yield value


def refers(schema: Any) -> set[str]:
    """The references in a schema, at any depth."""
    found: set[str] = set()
    waiting = [schema]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Mapping):
            if isinstance(part.get("$ref"), str):
                found.add(part["$ref"])
            waiting.extend(children(part))
    return found


def resolve(whole: Mapping[str, Any], reference: Any) -> Mapping[str, Any] | None:
    """What a reference within a schema points at; None if nothing is there."""
    if not isinstance(reference, str) or not reference.startswith("#"):
        return None
    found: Any = whole
    for part in filter(None, reference[1:].split("/")):
        name = part.replace("~1", "/").replace("~0", "~")
        if not isinstance(found, Mapping) or name not in found:
            return None
        found = found[name]
    return found if isinstance(found, Mapping) else None


class Definitions:
    """Definitions of several schemas. What is the same is there once; what only has the same name gets another one.

    Attributes:
        named: The definitions, by their names.
    """

    def __init__(self) -> None:
        self.named: dict[str, Any] = {}

    def add(self, found: Mapping[str, Any], prefix: str = _ROOT) -> Callable[[Any], Any]:
        """Adds definitions, to which schemas refer with `prefix`; returns what makes these schemas refer to the definitions here."""
        plain = {
            name: _renamed(schema, {prefix + other: _ROOT + other for other in found}) for name, schema in found.items()
        }
        taken = {name for name in plain if name in self.named and self.named[name] != plain[name]}
        while more := {
            name
            for name in (plain.keys() & self.named.keys()) - taken
            if any(reference.removeprefix(_ROOT) in taken for reference in refers(plain[name]))
        }:
            taken |= more
        names = {name: self._free(name) if name in taken else name for name in plain}
        inside = {_ROOT + name: _ROOT + new for name, new in names.items()}
        self.named.update({names[name]: _renamed(schema, inside) for name, schema in plain.items()})
        outside = {prefix + name: _ROOT + new for name, new in names.items()}
        return lambda schema: _renamed(schema, outside)

    def lift(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """The schema without its own definitions, which are added here."""
        bare = {name: value for name, value in schema.items() if name != "$defs"}
        renamed: dict[str, Any] = self.add(schema.get("$defs", {}))(bare)
        return renamed

    def _free(self, name: str) -> str:
        number = 2
        while f"{name}_{number}" in self.named:
            number += 1
        self.named[f"{name}_{number}"] = None  # taken from now on
        return f"{name}_{number}"


def _renamed(schema: Any, references: Mapping[str, str]) -> Any:
    """The schema with other references."""
    if not isinstance(schema, Mapping):
        return schema
    made: dict[str, Any] = {}
    for name, value in schema.items():
        if name in NAMED and isinstance(value, Mapping):
            made[name] = {key: _renamed(inner, references) for key, inner in value.items()}
        elif name in _LISTS and isinstance(value, list):
            made[name] = [_renamed(inner, references) for inner in value]
        elif name in _SINGLE:
            made[name] = _renamed(value, references)
        elif name == "$ref":
            made[name] = references.get(value, value)
        elif name == "discriminator" and isinstance(value, Mapping) and isinstance(value.get("mapping"), Mapping):
            mapping = {key: references.get(target, target) for key, target in value["mapping"].items()}
            made[name] = {**value, "mapping": mapping}
        else:
            made[name] = value
    return made
