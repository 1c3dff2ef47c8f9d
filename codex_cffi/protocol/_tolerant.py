"""The slow way to read what a newer engine says: finds the variants that have no class. Loaded only when the fast way has failed."""

from __future__ import annotations

from typing import Any

from msgspec import inspect


def with_unknowns(value: Any, kind: Any, unknown: type, tag: str) -> tuple[Any, bool]:
    """Plain JSON with each unknown variant in the form that the class for such is read from, and whether there was any.

    Args:
        value: The JSON.
        kind: What it should be.
        unknown: The base of the classes for unknown variants.
        tag: Their tag.
    """
    walk = _Walk(unknown, tag)
    return walk.value(value, inspect.type_info(kind)), walk.found


class _Walk:
    def __init__(self, unknown: type, tag: str) -> None:
        self._unknown = unknown
        self._tag = tag
        self.found = False

    def value(self, value: Any, kind: inspect.Type) -> Any:
        if isinstance(value, dict):
            return self._object(value, kind)
        if isinstance(value, list):
            lists = [option for option in _options(kind) if isinstance(option, inspect.ListType)]
            return [self.value(item, lists[0].item_type) for item in value] if lists else value
        return value

    def _object(self, value: dict[str, Any], kind: inspect.Type) -> dict[str, Any]:
        for option in _options(kind):
            if isinstance(option, inspect.DictType):
                return {key: self.value(item, option.value_type) for key, item in value.items()}
            if not isinstance(option, inspect.StructType):
                continue
            if option.tag_field is None or value.get(option.tag_field) == option.tag:
                kinds = {field.encode_name: field.type for field in option.fields}
                return {key: self.value(item, kinds[key]) if key in kinds else item for key, item in value.items()}
        for option in _options(kind):
            if isinstance(option, inspect.StructType) and issubclass(option.cls, self._unknown):
                self.found = True
                return {str(option.tag_field): self._tag, "data": value}
        return value


def _options(kind: inspect.Type) -> tuple[inspect.Type, ...]:
    return kind.types if isinstance(kind, inspect.UnionType) else (kind,)
