"""Structured output: the final answer of a turn as JSON of a schema, or as an instance of a type."""

from __future__ import annotations

import functools
import json
import logging
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar, get_origin

from ._checked import validator, without_nulls
from ._forms import Form, FormError
from ._schema import resolve
from ._strict import NotStrictError, strict_schema

if TYPE_CHECKING:
    from typing_extensions import TypeVar as _TypeVar

    #: Type of a turn's parsed output.
    P = _TypeVar("P", default=Any)
else:
    P = TypeVar("P")

__all__ = ["NOT_STRICT", "Output"]

#: The ``$comment`` of a schema that strict mode has no form for; by it the engine tells the model provider (``output_schema.toml`` of its edits).
NOT_STRICT = "not strict"
#: Types whose values are no objects.
_CONTAINERS = (list, tuple, set, frozenset)

_log = logging.getLogger("codex_cffi")

#: One fence around the whole answer.
_FENCE = re.compile(r"(`{3,}|~{3,})[ \t]*[\w+.-]*\s*(.*?)\s*\1", re.DOTALL)


class ViolationsError(Exception):
    """What is wrong with an answer."""

    def __init__(self, found: list[str]) -> None:
        super().__init__("; ".join(found))
        self.found = found


class Output(Generic[P]):
    """What a turn's final answer has to be.

    Attributes:
        schema: For the model: in the form that its strict mode demands, or as it was given where it has none.
    """

    def __init__(self, wanted: Any) -> None:
        self._form = None if isinstance(wanted, Mapping) else _form_of(wanted)
        self._schema = dict(wanted) if self._form is None else self._form.schema
        self._validate = validator(self._schema, "output_schema")
        root = self._schema if "$ref" not in self._schema else resolve(self._schema, self._schema["$ref"]) or {}
        if root.get("type") != "object" and "properties" not in root:
            raise ValueError("output_schema must be of type object at its root; wrap other values in an object")
        try:
            self.schema = strict_schema(self._schema)
        except NotStrictError as error:
            _tell_once(str(error))
            self.schema = {**self._schema, "$comment": NOT_STRICT}
        except ValueError as error:
            raise ValueError(f"output_schema: {error}") from None

    def parse(self, text: str) -> Any:
        """The answer's value: an instance of the type, or plain JSON for a schema.

        Raises:
            ViolationsError: It does not follow the schema.
        """
        text = text.removeprefix("\ufeff").strip()
        if not text:
            raise ViolationsError(["there is no final answer"])
        fenced = _FENCE.fullmatch(text)
        try:
            return self._parsed(fenced[2] if fenced else text)
        except RecursionError:
            raise ViolationsError(["the answer, or the schema, is nested too deeply"]) from None

    def _parsed(self, text: str) -> Any:
        try:
            value = json.loads(text, parse_constant=_no_number)
        except ValueError as error:
            raise ViolationsError([f"not JSON: {error}"]) from None
        value = without_nulls(value, self._schema, self._validate)
        if self._form is None or not self._form.by_pydantic:
            found = self._validate(value, self._schema)
            if found:
                raise ViolationsError(found)
        if self._form is None:
            return value
        try:
            return self._form.read(value)
        except FormError as error:
            raise ViolationsError([f"{path}: {text}" for text, path in error.wrong]) from None


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")


@functools.lru_cache(256)
def _tell_once(why: str) -> None:
    _log.warning("output_schema: %s. The model provider does not enforce this schema; answers are checked here", why)


def _form_of(wanted: Any) -> Form:
    kind = get_origin(wanted) or wanted
    if not isinstance(kind, type) or (kind.__module__ == "builtins" and kind is wanted) or kind in _CONTAINERS:
        raise TypeError(
            f"output_schema must be a JSON schema (a mapping) or a class (pydantic model, dataclass, TypedDict, msgspec Struct), not {wanted!r}"
        )
    try:
        return Form(wanted)
    except TypeError as error:
        name = getattr(wanted, "__name__", wanted)
        raise TypeError(f"output_schema: {name} cannot be made a JSON schema: {error}") from error


def repair_prompt(violations: list[str]) -> str:
    """What the agent is told of an answer that broke its schema."""
    wrong = "\n".join(f"- {violation}" for violation in violations)
    return f"Your answer does not follow the required JSON schema:\n{wrong}\nGive the whole answer again, corrected, as JSON and nothing else."
