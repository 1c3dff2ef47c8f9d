"""A Python function's signature as a JSON schema, and arguments from the model as what the function takes."""

from __future__ import annotations

import enum
import inspect
import re
import sys
import typing
from collections.abc import Callable, Mapping
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec

from ._decoders import decoder

__all__ = ["Signature", "convert_other", "is_pydantic", "whole_schema"]


class Signature:
    """What a function takes, for the model and from it.

    Attributes:
        schema: JSON schema of its arguments, an object.
        context: Name of the parameter that gets the context, if there is one.
    """

    def __init__(self, function: Callable[..., Any], context_type: type, *, name: str) -> None:
        try:
            hints = get_type_hints(function, include_extras=True)
        except Exception as error:
            raise TypeError(f"tool {name}: its type hints cannot be read: {error}") from error
        described = _argument_texts(inspect.getdoc(function) or "")
        self.context: str | None = None
        fields: list[tuple[str, Any] | tuple[str, Any, Any]] = []
        for parameter in inspect.signature(function).parameters.values():
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
                raise TypeError(
                    f"tool {name}: parameter {parameter.name!r} cannot be filled by the model; only named parameters can"
                )
            hint = hints.get(parameter.name)
            if hint is context_type:
                self.context = parameter.name
                continue
            if hint is None:
                raise TypeError(f"tool {name}: parameter {parameter.name!r} has no type hint")
            hint = _described(hint, described.get(parameter.name))
            if parameter.default is parameter.empty:
                fields.append((parameter.name, hint))
            else:
                # Kept out of msgspec's hands: it copies or refuses some defaults. Python fills them in when it calls the function.
                fields.append(
                    (parameter.name, hint | msgspec.UnsetType if _is_union(hint) else _or_unset(hint), msgspec.UNSET)
                )
        self._struct = msgspec.defstruct("Arguments", fields, kw_only=True, forbid_unknown_fields=True)
        try:
            self.schema = _schema_of(self._struct)
            decoder(self._struct)  # so that msgspec knows it before several threads call
        except TypeError as error:
            raise TypeError(f"tool {name}: {error}") from error
        for parameter in inspect.signature(function).parameters.values():
            default = parameter.default
            if parameter.name in self.schema["properties"] and isinstance(default, (str, int, float, enum.Enum)):
                self.schema["properties"][parameter.name]["default"] = (
                    default.value if isinstance(default, enum.Enum) else default
                )

    def convert(self, arguments: Mapping[str, Any], *, strict: bool) -> dict[str, Any]:
        """The model's arguments as keyword arguments. In `strict` mode the model says null for what it leaves out.

        Raises:
            ValueError: They do not fit; the text says what and where, for the model to correct.
        """
        if strict:
            arguments = {
                name: value for name, value in arguments.items() if value is not None or name in self.schema["required"]
            }
        try:
            values = msgspec.convert(arguments, self._struct, dec_hook=convert_other)
        except msgspec.ValidationError as error:
            raise ValueError(str(error)) from None
        return {
            name: value
            for name in self._struct.__struct_fields__
            if (value := getattr(values, name)) is not msgspec.UNSET
        }


def _is_union(hint: Any) -> bool:
    return get_origin(hint) is typing.Union


def _or_unset(hint: Any) -> Any:
    return typing.Union[hint, msgspec.UnsetType]  # noqa: UP007 - Annotated has no | before 3.11


def _described(hint: Any, text: str | None) -> Any:
    """The hint with its description as msgspec knows them: a bare text in Annotated, or else what the docstring says."""
    if get_origin(hint) is Annotated:
        base, *extras = get_args(hint)
        texts = [extra for extra in extras if isinstance(extra, str)]
        kept = [extra for extra in extras if not isinstance(extra, str)]
        text = texts[0] if texts else None if any(getattr(e, "description", None) for e in kept) else text
        for extra in kept:
            base = Annotated[base, extra]
        hint = base
    return Annotated[hint, msgspec.Meta(description=text)] if text else hint


def _argument_texts(docstring: str) -> dict[str, str]:
    """What the section ``Args:`` of a docstring says of each parameter."""
    found = re.search(r"^(?:Args|Arguments|Parameters):\s*\n((?:[ \t]+.*\n?|\s*\n)+)", docstring, re.MULTILINE)
    if found is None:
        inline = re.search(r"\bArgs:\s*(\w+):\s*(.+)", docstring)
        return {inline[1]: inline[2].strip()} if inline else {}
    texts: dict[str, str] = {}
    name = ""
    for line in inspect.cleandoc("\n" + found[1]).splitlines():
        entry = re.match(r"(\w+)(?:\s*\([^)]*\))?:\s*(.*)", line)
        if entry and not line[0].isspace():
            name = entry[1]
            texts[name] = entry[2].strip()
        elif name and line.strip():
            texts[name] += " " + line.strip()
    return texts


def description(function: Callable[..., Any]) -> str:
    """A function's docstring without its sections."""
    text = inspect.getdoc(function) or ""
    return re.split(r"\n\s*(?:Args|Arguments|Parameters|Returns|Raises|Yields|Examples?):\s*\n|\s*\bArgs:\s", text)[
        0
    ].strip()


def whole_schema(kind: Any) -> dict[str, Any]:
    """JSON schema of a type, its definitions at the top."""
    (root,), definitions = msgspec.json.schema_components(
        [kind], schema_hook=_schema_other, ref_template="#/$defs/{name}"
    )
    hoisted: dict[str, Any] = dict(definitions)
    _hoist(root, hoisted)
    for definition in list(definitions.values()):
        _hoist(definition, hoisted)
    return {**root, "$defs": hoisted} if hoisted else dict(root)


def _schema_of(struct: Any) -> dict[str, Any]:
    whole = whole_schema(struct)
    # Not what a caller may leave out, but how Python says so.
    schema: dict[str, Any] = whole["$defs"].pop(whole["$ref"].rsplit("/", 1)[1])
    schema.pop("title", None)
    if whole["$defs"]:
        schema["$defs"] = whole["$defs"]
    schema["additionalProperties"] = False
    return schema


def _hoist(schema: Any, into: dict[str, Any]) -> None:
    """Moves the definitions of pydantic's schemas to the top, where their references point."""
    if isinstance(schema, dict):
        inner = schema.pop("$defs", None)
        if inner:
            into.update(inner)
        for value in schema.values():
            _hoist(value, into)
    elif isinstance(schema, list):
        for value in schema:
            _hoist(value, into)


def is_pydantic(kind: Any) -> bool:
    """Whether it is a pydantic model."""
    pydantic = sys.modules.get("pydantic")  # a model of it can only be there if it was imported
    return pydantic is not None and isinstance(kind, type) and issubclass(kind, pydantic.BaseModel)


def _schema_other(kind: Any) -> dict[str, Any]:
    if is_pydantic(kind):
        schema: dict[str, Any] = kind.model_json_schema()
        return schema
    raise TypeError(
        f"the type {getattr(kind, '__name__', kind)} has no JSON form; use pydantic, dataclasses, or give `parameters`"
    )


def convert_other(kind: Any, value: Any) -> Any:
    """msgspec's hook for types that it does not know."""
    if is_pydantic(kind):
        # A pydantic.ValidationError is a ValueError with a text that a model can read.
        return kind.model_validate(value)
    raise NotImplementedError(kind)


def is_async(handler: Callable[..., Any]) -> bool:
    """Whether the handler is an ``async`` function."""
    return inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(
        getattr(handler, "__call__", None)  # noqa: B004 - an object with an async __call__
    )
