"""Structured output: the final answer of a turn as JSON of a schema, or as an instance of a type."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

from ._decoders import decoder
from ._signature import convert_other, is_pydantic, whole_schema
from ._strict import drop_nulls, strict_schema

if TYPE_CHECKING:
    from typing_extensions import TypeVar as _TypeVar

    #: Type of a turn's parsed output.
    P = _TypeVar("P", default=Any)
else:
    P = TypeVar("P")

__all__ = ["Output"]

#: ViolationsError that are told.
_MOST = 20


class ViolationsError(Exception):
    """What is wrong with an answer."""

    def __init__(self, found: list[str]) -> None:
        super().__init__("; ".join(found))
        self.found = found


class Output(Generic[P]):
    """What a turn's final answer has to be.

    Attributes:
        schema: For the model, in the form that its strict mode demands.
    """

    def __init__(self, wanted: Any) -> None:
        self._kind = None if isinstance(wanted, Mapping) else wanted
        self._schema = dict(wanted) if isinstance(wanted, Mapping) else _schema_of(wanted)
        self._validate = _validator(self._schema)
        try:
            self.schema = strict_schema(self._schema)
        except ValueError as error:
            raise ValueError(f"output_schema: {error}") from None

    def parse(self, text: str) -> Any:
        """The answer's value: an instance of the type, or plain JSON for a schema.

        Raises:
            ViolationsError: It does not follow the schema.
        """
        if not text.strip():
            raise ViolationsError(["there is no final answer"])
        try:
            return self._parsed(text)
        except RecursionError:
            raise ViolationsError(["the answer, or the schema, is nested too deeply"]) from None

    def _parsed(self, text: str) -> Any:
        try:
            value = json.loads(text)
        except ValueError as error:
            raise ViolationsError([f"not JSON: {error}"]) from None
        value = drop_nulls(value, self._schema, self._schema, self._fits)
        if self._kind is not None and is_pydantic(self._kind):
            return _pydantic(self._kind, value)
        found = self._validate(value, self._schema)
        if found:
            raise ViolationsError(found)
        if self._kind is None:
            return value
        try:
            return msgspec.convert(value, self._kind, dec_hook=convert_other)
        except ValueError as error:  # msgspec's, and what a __post_init__ or a pydantic field raises
            raise ViolationsError([str(error)]) from None

    def _fits(self, value: Any, schema: Any) -> bool:
        return not self._validate(value, schema)


def _schema_of(wanted: Any) -> dict[str, Any]:
    if not isinstance(wanted, type) or wanted.__module__ == "builtins":
        raise TypeError(
            f"output_schema must be a JSON schema (a mapping) or a class (pydantic model, dataclass, TypedDict, msgspec Struct), not {wanted!r}"
        )
    try:
        schema = whole_schema(wanted)
        if not is_pydantic(wanted):
            decoder(wanted)  # so that msgspec knows it before several threads use it
    except (TypeError, NameError) as error:
        raise TypeError(f"output_schema: {wanted.__name__} cannot be made a JSON schema: {error}") from error
    return schema


def _validator(schema: dict[str, Any]) -> Callable[[Any, Any], list[str]]:
    """``validate(value, schema)`` for parts of a schema: what is wrong with a value."""
    # Loaded only now: many programs never need it.
    jsonschema: Any = importlib.import_module("jsonschema")
    referencing: Any = importlib.import_module("referencing")
    kind = jsonschema.Draft202012Validator
    try:
        kind.check_schema(schema, format_checker=kind.FORMAT_CHECKER)
    except jsonschema.SchemaError as error:
        where = "/".join(map(str, error.absolute_path))
        raise ValueError(
            f"output_schema is not a JSON schema: {error.message}{f' (at {where})' if where else ''}"
        ) from None
    # An empty registry: nothing is fetched.
    whole = kind(schema, registry=referencing.Registry(), format_checker=kind.FORMAT_CHECKER)

    def validate(value: Any, part: Any) -> list[str]:
        errors = whole.evolve(schema=part).iter_errors(value) if part is not schema else whole.iter_errors(value)
        found = [f"{error.json_path}: {error.message}" for error in errors]
        return found if len(found) <= _MOST else [*found[:_MOST], f"and {len(found) - _MOST} more"]

    return validate


def _pydantic(kind: Any, value: Any) -> Any:
    pydantic: Any = importlib.import_module("pydantic")
    try:
        return kind.model_validate(value)
    except pydantic.ValidationError as error:
        raise ViolationsError(
            [f"{'.'.join(['$', *map(str, wrong['loc'])])}: {wrong['msg']}" for wrong in error.errors(include_url=False)]
        ) from None


def repair_prompt(violations: list[str]) -> str:
    """What the agent is told of an answer that broke its schema."""
    wrong = "\n".join(f"- {violation}" for violation in violations)
    return f"Your answer does not follow the required JSON schema:\n{wrong}\nGive the whole answer again, corrected, as JSON and nothing else."
