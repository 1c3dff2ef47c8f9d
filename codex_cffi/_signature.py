"""A Python callable's signature as a JSON schema, and arguments from the model as what it takes."""

from __future__ import annotations

import contextlib
import copy
import functools
import inspect
import sys
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec

from ._decoders import decoder
from ._docstrings import parse
from ._forms import Form, FormError, is_union, read_other, text_of
from ._results import jsonable
from ._schema import Definitions

__all__ = ["Described", "Signature"]


class Described:
    """What can be seen of a callable: a function, method, partial, or an object that can be called.

    Attributes:
        name: What it is called; empty for one without a name.
        text: Its docstring without the sections.
        parameters: Those that the model may fill, and the context.
        hints: Their types, and that of the result as ``return``.
        texts: What the docstring says of each.
    """

    def __init__(self, function: Callable[..., Any], local_names: Mapping[str, Any]) -> None:
        bound: set[str] = set()
        target: Any = function
        while isinstance(target, functools.partial):
            bound |= target.keywords.keys()
            target = target.func
        if isinstance(target, staticmethod):
            target = target.__func__
        self.name: str = getattr(function, "__name__", "") or getattr(target, "__name__", "") or type(target).__name__
        doc = inspect.getdoc(target)
        like_function = inspect.isroutine(target) or hasattr(target, "__wrapped__") or hasattr(type(target), "__get__")
        if not like_function:  # an object that can be called
            target = type(target).__call__
            doc = target.__doc__ or doc
        self.text, self.texts = parse(doc or "")
        try:
            signature = inspect.signature(function)
        except (TypeError, ValueError, NameError) as error:
            raise TypeError(f"tool {self.name}: its parameters are not known: {error}") from error
        # What a partial has set is the program's choice, and may be a secret.
        self.parameters = [parameter for parameter in signature.parameters.values() if parameter.name not in bound]
        self.hints = self._read_hints(target, local_names)

    def _read_hints(self, target: Any, local_names: Mapping[str, Any]) -> dict[str, Any]:
        found = {p.name: p.annotation for p in self.parameters if p.annotation is not p.empty}
        for place in (target, inspect.unwrap(target)):
            place = getattr(place, "__func__", place)
            try:
                return {**found, **get_type_hints(_without_defaults(place), include_extras=True)}
            except NameError:
                # Names of the function around it; what only type checkers import is no matter in a result.
                space = {**getattr(place, "__globals__", {}), **local_names}
                for name, hint in getattr(place, "__annotations__", {}).items():
                    found[name] = self._read_hint(name, hint, space)
                return found
            except Exception as error:
                raise TypeError(f"tool {self.name}: its type hints cannot be read: {error}") from error
        return found

    def _read_hint(self, name: str, hint: Any, space: dict[str, Any]) -> Any:
        holder = _holder(hint)
        try:
            return get_type_hints(holder, globalns=space, include_extras=True)["hint"]
        except Exception as error:
            if name == "return":
                return Any
            raise TypeError(f"tool {self.name}: its type hints cannot be read: {error}") from error

    def context(self, kind: type) -> str | None:
        """Name of the parameter that gets the context, if there is one."""
        for parameter in self.parameters:
            hint = self.hints.get(parameter.name)
            options = get_args(hint) if is_union(hint) or get_origin(hint) is Annotated else (hint,)
            if kind in options:
                return parameter.name
        return None

    def check_names(self, schema: Mapping[str, Any], context: str | None) -> None:
        """That it takes what a schema has, by name.

        Raises:
            TypeError: It does not.
        """
        offered = schema.get("properties", {}).keys()
        kinds = {parameter.kind for parameter in self.parameters}
        taken = {p.name for p in self.parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)} - {context}
        needed = {p.name for p in self.parameters if p.name in taken and p.default is p.empty}
        if needed - offered or (offered - taken and inspect.Parameter.VAR_KEYWORD not in kinds):
            raise TypeError(
                f"tool {self.name}: the function takes {', '.join(sorted(taken)) or 'nothing'},"
                f" but its schema has {', '.join(sorted(offered)) or 'nothing'}"
            )


def _without_defaults(function: Any) -> Any:
    """The function's hints alone, where Python takes a default of None for ``Optional`` around the whole of its hint: before 3.11."""
    if sys.version_info >= (3, 11) or not isinstance(function, types.FunctionType):
        return function
    space = inspect.unwrap(function).__globals__
    return types.SimpleNamespace(__annotations__=function.__annotations__, __globals__=space)


def _holder(hint: Any) -> Any:
    """Something with one annotation."""
    return type("Holder", (), {"__annotations__": {"hint": hint}})


@dataclass(frozen=True)
class _Parameter:
    name: str
    told: str  # as the model knows it
    form: Form
    schema: dict[str, Any]
    required: bool
    fill: Callable[[], Any] | None  # makes the default that Python would not: a Field of pydantic's


class Signature:
    """What a callable takes, for the model and from it.

    Attributes:
        schema: JSON schema of its arguments, an object.
        context: Name of the parameter that gets the context, if there is one.
    """

    def __init__(self, described: Described, context_type: type) -> None:
        self.context = described.context(context_type)
        definitions = Definitions()
        self._parameters = [
            self._parameter(described, parameter, definitions)
            for parameter in described.parameters
            if parameter.name != self.context
        ]
        fields: list[tuple[str, Any] | tuple[str, Any, Any]] = [
            # Defaults are kept out of msgspec's hands: it copies or refuses some. Python fills them in when it calls the function.
            (p.name, p.form.hint) if p.required else (p.name, _or_unset(p.form.hint), msgspec.UNSET)
            for p in self._parameters
        ]
        renamed = {p.name: p.told for p in self._parameters if p.name != p.told}
        struct = msgspec.defstruct("Arguments", fields, kw_only=True, forbid_unknown_fields=True, rename=renamed)
        self._decode = decoder(struct, read_other)
        self.schema: dict[str, Any] = {
            "type": "object",
            "properties": {p.told: p.schema for p in self._parameters},
            "required": [p.told for p in self._parameters if p.required],
            **({"$defs": definitions.named} if definitions.named else {}),
            "additionalProperties": False,
        }

    def _parameter(self, described: Described, parameter: inspect.Parameter, definitions: Definitions) -> _Parameter:
        name = parameter.name
        where = f"tool {described.name}: parameter {name!r}"
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise TypeError(f"{where} cannot be filled by the model; only named parameters can")
        if name not in described.hints:
            raise TypeError(f"{where} has no type hint")
        hint, default = described.hints[name], parameter.default
        if _is_field(default):
            hint, default = Annotated[hint, default], parameter.empty
        info = next((extra for extra in _extras(hint) if _is_field(extra) and not extra.is_required()), None)
        if info and default is parameter.empty:
            default = info.get_default(call_default_factory=True)
        else:
            info = None
        told = _told(hint)
        if default is None:
            hint = _or_none(hint)
        try:
            form = Form(_without_other_names(hint) if told else hint)
        except TypeError as error:
            raise TypeError(f"{where}: {error}") from error
        schema = definitions.lift(form.schema)
        schema.pop("title", None)
        own = _texts_of(hint)
        text = next(filter(None, own), None) or described.texts.get(name)
        if text:
            schema["description"] = text
        if default is not parameter.empty:
            with contextlib.suppress(TypeError, ValueError):  # without a form in JSON, Python knows it all the same
                schema.setdefault("default", jsonable(default))
        return _Parameter(
            name,
            told or name,
            form,
            schema,
            default is parameter.empty,
            (lambda: info.get_default(call_default_factory=True)) if info else None,
        )

    def convert(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The model's arguments as keyword arguments.

        Raises:
            ValueError: They do not fit; the text says what and where, for the model to correct.
        """
        try:
            values = self._decode(msgspec.json.encode(arguments))
        except msgspec.ValidationError as error:
            raise ValueError(str(error)) from None
        found: dict[str, Any] = {}
        wrong: list[tuple[str, str]] = []
        for parameter in self._parameters:
            value = getattr(values, parameter.name)
            if value is msgspec.UNSET:
                if parameter.fill:
                    found[parameter.name] = parameter.fill()
                continue
            if parameter.form.by_pydantic:
                try:
                    value = parameter.form.read(value)
                except FormError as error:
                    wrong += [(text, f"$.{parameter.told}{path[1:]}") for text, path in error.wrong]
            found[parameter.name] = value
        if wrong:
            raise FormError(wrong)
        return found

    @property
    def fills(self) -> dict[str, Callable[[], Any]]:
        """What makes the defaults that Python does not know: those in a ``Field``."""
        return {p.name: p.fill for p in self._parameters if p.fill}

    def call(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Calls the function as Python does, but with the defaults that stand in a ``Field``."""
        given = inspect.signature(function).bind_partial(*args, **kwargs).arguments
        filled = {name: fill() for name, fill in self.fills.items() if name not in given}
        return function(*args, **{**filled, **kwargs})


def _or_unset(hint: Any) -> Any:
    return typing.Union[hint, msgspec.UnsetType]  # noqa: UP007 - Annotated has no | before 3.11


def _or_none(hint: Any) -> Any:
    """The type with None, as a default of None means it."""
    base = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    if base in (None, Any, object) or (is_union(base) and type(None) in get_args(base)):
        return hint
    made: Any = typing.Optional[base]  # noqa: UP045 - what a string refers to has no | before 3.11
    for extra in _extras(hint):
        made = Annotated[made, extra]
    return made


def _is_field(default: Any) -> bool:
    return type(default).__name__ == "FieldInfo" and type(default).__module__.startswith("pydantic")


def _extras(hint: Any) -> tuple[Any, ...]:
    return get_args(hint)[1:] if get_origin(hint) is Annotated else ()


def _texts_of(hint: Any) -> list[str | None]:
    """What the hint itself says of the parameter."""
    return [text_of(extra) or getattr(extra, "description", None) for extra in _extras(hint)]


def _told(hint: Any) -> str | None:
    """The name that a ``Field`` gives the parameter."""
    for extra in _extras(hint):
        for name in (getattr(extra, "validation_alias", None), getattr(extra, "alias", None)):
            if _is_field(extra) and isinstance(name, str):
                return name
    return None


def _without_other_names(hint: Any) -> Any:
    """The type without the names of its fields: pydantic warns of them where there is no model."""
    base, *extras = get_args(hint)
    for extra in extras:
        if _is_field(extra):
            extra = copy.copy(extra)
            extra.alias = extra.validation_alias = extra.serialization_alias = None
        base = Annotated[base, extra]
    return base
