"""A JSON schema of the program's: what the model gets of it, and what the model wrote, checked against all of it."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Mapping
from typing import Any

from ._strict import drop_nulls, strict_schema

__all__ = ["Checked"]

#: Violations that are told.
_MOST = 20


class Checked:
    """A schema for the model in strict mode.

    Attributes:
        given: As the program gave it.
        schema: As the model provider enforces it.

    Raises:
        NotStrictError: It has no form in strict mode.
        ValueError: It cannot be used at all.
    """

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.given = dict(given)
        self.schema = strict_schema(self.given)

    def read(self, value: Any) -> tuple[Any, list[str]]:
        """What the model wrote, without the nulls that stand for what is left out; and what is wrong with it."""
        value = without_nulls(value, self.given, self._validate)
        return value, self._validate(value, self.given)

    @functools.cached_property
    def _validate(self) -> Callable[[Any, Any], list[str]]:
        return validator(self.given, "the schema")


def without_nulls(value: Any, schema: Mapping[str, Any], validate: Callable[[Any, Any], list[str]]) -> Any:
    """A value without the nulls that stand for what is left out."""
    return drop_nulls(value, schema, schema, lambda inner, part: not validate(inner, part))


def validator(schema: dict[str, Any], what: str) -> Callable[[Any, Any], list[str]]:
    """``validate(value, schema)`` for parts of a schema: what is wrong with a value.

    Raises:
        ValueError: It is no JSON schema.
    """
    # Loaded only now: many programs never need it.
    jsonschema: Any = importlib.import_module("jsonschema")
    referencing: Any = importlib.import_module("referencing")
    kind = jsonschema.Draft202012Validator
    try:
        kind.check_schema(schema, format_checker=kind.FORMAT_CHECKER)
    except jsonschema.SchemaError as error:
        where = "/".join(map(str, error.absolute_path))
        raise ValueError(f"{what} is not a JSON schema: {error.message}{f' (at {where})' if where else ''}") from None
    # An empty registry: nothing is fetched.
    whole = kind(schema, registry=referencing.Registry(), format_checker=kind.FORMAT_CHECKER)

    def validate(value: Any, part: Any) -> list[str]:
        errors = whole.evolve(schema=part).iter_errors(value) if part is not schema else whole.iter_errors(value)
        found = [f"{error.json_path}: {error.message}" for error in errors]
        return found if len(found) <= _MOST else [*found[:_MOST], f"and {len(found) - _MOST} more"]

    return validate
