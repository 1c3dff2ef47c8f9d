"""Types as JSON: the schema of a type, and values of it from what the model wrote.

msgspec reads most types. What is pydantic's (models, dataclasses, ``Field``), and what msgspec cannot tell apart, such as a union of two dataclasses, is
pydantic's business, where it is installed.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import datetime
import enum
import inspect
import os
import pathlib
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec

from ._decoders import decoder, schemas
from ._docstrings import parse
from ._schema import Definitions

__all__ = ["PATHS", "Form", "fields_of", "is_union", "parts", "text_of"]


#: Paths of all kinds; a name of its own, for type checkers take it for a protocol.
PATHS: Any = os.PathLike


class Form:
    """How a type looks in JSON.

    Attributes:
        schema: JSON schema of the type, its definitions at the top.
        hint: The type as msgspec has it: the type itself, or Any where pydantic reads it.

    Raises:
        TypeError: It has no form in JSON.
    """

    def __init__(self, hint: Any) -> None:
        hint = _known(hint)
        found = list(parts(hint))
        for part in found:
            _check_part(part)
        self._adapter: Any = None
        if any(map(_of_pydantic, found)):
            schema = self._by_pydantic(hint)
            self.schema = self._by_msgspec(hint, found) if schema is None else schema
            return
        try:
            self.schema = self._by_msgspec(hint, found)
        except TypeError as error:
            try:
                schema = self._by_pydantic(hint)
            except ImportError:
                raise TypeError(f"{error}; with pydantic installed it may have one") from error
            except TypeError:
                schema = None
            if schema is None:
                raise
            self.schema = schema

    @property
    def by_pydantic(self) -> bool:
        """Whether pydantic reads it."""
        return self._adapter is not None

    def read(self, value: Any) -> Any:
        """A value of the type, of a JSON value.

        Raises:
            FormError: It does not fit.
        """
        text = msgspec.json.encode(value)
        try:
            return self._adapter.validate_json(text) if self.by_pydantic else self._decode(text)
        except ValueError as error:  # msgspec's, pydantic's, and what a __post_init__ raises
            raise FormError(_places(error)) from None

    def _by_pydantic(self, hint: Any) -> dict[str, Any] | None:
        """The schema; None where msgspec has to read the rest, and pydantic its models only."""
        import pydantic

        if any(isinstance(part, msgspec.Meta) and _bounds(part) for part in parts(hint)):
            raise TypeError("pydantic does not know the bounds of a msgspec.Meta; use a Field")
        try:
            adapter: Any = pydantic.TypeAdapter(hint)
            schema: dict[str, Any] = adapter.json_schema()
        except (pydantic.errors.PydanticSchemaGenerationError, pydantic.errors.PydanticUserError) as error:
            # A typing.TypedDict before Python 3.12 or a Struct of msgspec's, with a model in it.
            if any(_is_msgspec_s(part) for part in parts(hint)):
                return None
            raise TypeError(str(error).partition("\n")[0]) from error
        except (TypeError, NameError, AttributeError, RecursionError) as error:
            raise TypeError(str(error)) from error
        self._adapter = adapter
        self.hint: Any = Any
        for kind in filter(fields_of, parts(hint)):
            named = [made for made in (schema, *schema.get("$defs", {}).values()) if made.get("title") == kind.__name__]
            if len(named) == 1:
                _tell_fields(named[0], kind)
        return schema

    def _by_msgspec(self, hint: Any, found: list[Any]) -> dict[str, Any]:
        definitions, hooked = Definitions(), _Hooked()
        classes = [part for part in found if fields_of(part) and not _of_pydantic(part)]
        try:
            (root, *references), components = schemas([hint, *classes], hooked)
            self._decode = decoder(hint, read_other)
        except KeyError as error:
            raise TypeError(f"two classes have one name; give one of them another: {error}") from error
        except (TypeError, NameError, RecursionError) as error:
            raise TypeError(str(error)) from error
        for reference, kind in zip(references, classes, strict=True):
            _tell_fields(components.get(reference.get("$ref", "").rpartition("/")[2], {}), kind)
        _tell(root, hint)
        self.hint = hint
        return hooked.settled(definitions, root, components)


class FormError(ValueError):
    """A value does not fit.

    Attributes:
        wrong: What is wrong, and where: the text, and the place as a JSON path.
    """

    def __init__(self, wrong: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(text if path == "$" else f"{text} - at `{path}`" for text, path in wrong))
        self.wrong = wrong


def _places(error: ValueError) -> list[tuple[str, str]]:
    errors: Any = getattr(error, "errors", None)
    if errors is not None:  # pydantic's
        return [(wrong["msg"], ".".join(["$", *map(str, wrong["loc"])])) for wrong in errors(include_url=False)]
    text, at, path = str(error).rpartition(" - at `")
    return [(text, path.rstrip("`"))] if at else [(str(error), "$")]


# ---- what a type is made of


def is_union(hint: Any) -> bool:
    """Whether it is a union."""
    return get_origin(hint) in (typing.Union, types.UnionType)


def text_of(extra: Any) -> str | None:
    """What something in ``Annotated`` says of the type: a text, or ``Doc`` of PEP 727."""
    text = extra if isinstance(extra, str) else getattr(extra, "documentation", None)
    return text if isinstance(text, str) else None


def fields_of(kind: Any) -> dict[str, Any]:
    """The fields of a dataclass, ``TypedDict``, ``NamedTuple``, ``Struct`` or class of attrs, with their types; empty for what has none that can be read."""
    if not (isinstance(kind, type) and _has_fields(kind)):
        return {}
    try:
        return get_type_hints(kind, include_extras=True)
    except Exception:  # what a forward reference leads to; whoever reads the type says so
        return {}


def _has_fields(kind: type) -> bool:
    return (
        dataclasses.is_dataclass(kind)
        or _is_msgspec_s(kind)
        or hasattr(kind, "__attrs_attrs__")
        or hasattr(kind, "__pydantic_validator__")
        or (issubclass(kind, tuple) and hasattr(kind, "_fields"))
    )


def _is_msgspec_s(part: Any) -> bool:
    """Whether pydantic may refuse it: a ``Struct``, a ``TypedDict``."""
    return isinstance(part, type) and (issubclass(part, msgspec.Struct) or hasattr(part, "__total__"))


def parts(hint: Any) -> Iterator[Any]:
    """The type, and all that it is made of: arguments, what ``Annotated`` says, types of fields."""
    waiting, seen = [hint], []
    known: set[int] = set()
    while waiting:
        part = waiting.pop()
        if id(part) in known:
            continue
        known.add(id(part))
        seen.append(part)  # so that no other gets its id
        yield part
        waiting.extend(part if isinstance(part, list) else get_args(part))  # a list: the arguments of a Callable
        for other in (get_origin(part), getattr(part, "__supertype__", None), getattr(part, "__value__", None)):
            if other is not None and not isinstance(part, type):
                waiting.append(other)
        waiting.extend(fields_of(part).values())


def _of_pydantic(part: Any) -> bool:
    kind = part if isinstance(part, type) else type(part)
    return (
        kind.__module__.partition(".")[0] in ("pydantic", "pydantic_core", "pydantic_extra_types", "annotated_types")
        or hasattr(part, "__get_pydantic_core_schema__")
        or hasattr(part, "__pydantic_validator__")
    )


def _bounds(meta: msgspec.Meta) -> bool:
    names = ("gt", "ge", "lt", "le", "multiple_of", "pattern", "min_length", "max_length")
    return any(getattr(meta, name) is not None for name in names)


def is_model(kind: Any) -> bool:
    """Whether it is a pydantic model."""
    return isinstance(kind, type) and hasattr(kind, "model_json_schema") and hasattr(kind, "model_validate")


# ---- msgspec, and what it does not know


def _known(hint: Any) -> Any:
    """The type as msgspec knows it: text in Annotated as description, and other names by the types that they stand for."""
    if get_origin(hint) in (collections.abc.Iterable, collections.abc.Iterator):
        return list[get_args(hint)[0]]  # type: ignore[misc]
    if hint is object:
        return Any
    if getattr(hint, "__name__", "") == "LiteralString":
        return str
    if get_origin(hint) is not Annotated:
        return hint
    base, *extras = get_args(hint)
    base = _known(base)
    for extra in extras:
        if text_of(extra) is None:
            base = Annotated[base, extra]
    text = next(filter(None, map(text_of, extras)), None)
    return Annotated[base, msgspec.Meta(description=text)] if text else base


def _check_part(part: Any) -> None:
    """Refuses what has a schema, but no values that could be read."""
    origin: Any = get_origin(part)
    arguments = get_args(part)
    if isinstance(part, type) and issubclass(part, enum.Enum):
        odd = [member for member in part if not isinstance(member.value, (str, int, float, type(None)))]
        if odd:
            raise TypeError(f"the value of {odd[0]} is a {type(odd[0].value).__name__}, which JSON has not")
    if origin is typing.Literal:
        odd = [value for value in arguments if isinstance(value, enum.Enum) and not isinstance(value, (str, int))]
        if odd:
            raise TypeError(f"Literal[{odd[0]}] has no form in JSON; use the enum, or a Literal of its values")
    elif isinstance(origin, type) and issubclass(origin, Mapping) and arguments:
        key = arguments[0]
        if get_origin(key) in (tuple, list, set, frozenset, dict) or fields_of(key):
            raise TypeError(f"the keys of {part} have no form in JSON, which has texts as keys")


class _Hooked:
    """msgspec's hook for the schemas of what it does not know. Their definitions have a place of their own until they are settled."""

    def __init__(self) -> None:
        self._definitions: dict[str, dict[str, Any]] = {}

    def __call__(self, kind: Any) -> dict[str, Any]:
        if is_model(kind):
            prefix = f"#/$hooked/{len(self._definitions)}/"
            schema: dict[str, Any] = kind.model_json_schema(ref_template=prefix + "{model}")
            self._definitions[prefix] = schema.pop("$defs", {})
            return schema
        kind = get_origin(kind) or kind  # of PathLike[str]
        if isinstance(kind, type) and issubclass(kind, PATHS):
            return {"type": "string", "format": "path"}
        name = getattr(kind, "__name__", kind)
        raise TypeError(f"the type {name} has no JSON form; use pydantic, dataclasses, or give `parameters`")

    def settled(self, into: Definitions, root: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
        """The whole schema."""
        into.add(components)
        renames = [into.add(found, prefix) for prefix, found in self._definitions.items()]
        for rename in renames:
            root, into.named = rename(root), {name: rename(schema) for name, schema in into.named.items()}
        return {**root, "$defs": into.named} if into.named else root


def read_other(kind: Any, value: Any) -> Any:
    """msgspec's hook for values of types that it does not know."""
    if is_model(kind):
        return kind.model_validate_json(msgspec.json.encode(value))  # a ValueError with a text that a model can read
    kind = get_origin(kind) or kind
    if isinstance(kind, type) and issubclass(kind, PATHS) and isinstance(value, str):
        make: Any = pathlib.Path if inspect.isabstract(kind) else kind
        return make(value)
    raise NotImplementedError(kind)


def _tell_fields(schema: dict[str, Any], kind: Any) -> None:
    """Adds to the schema of a class what its annotations and its docstring say of its fields."""
    properties = schema.get("properties", {})
    texts = parse(kind.__dict__.get("__doc__") or "")[1] if properties else {}
    plain: tuple[str, ...] = getattr(kind, "__struct_fields__", ())
    renamed: tuple[str, ...] = getattr(kind, "__struct_encode_fields__", ())
    names = dict(zip(plain, renamed, strict=True))
    for name, hint in fields_of(kind).items():
        property = properties.get(names.get(name, name))
        if property is not None:
            _tell(property, hint)
            if name in texts:
                property.setdefault("description", texts[name])
    for property, hint in zip(schema.get("prefixItems", ()), fields_of(kind).values(), strict=False):
        _tell(property, hint)


def _tell(schema: Any, hint: Any) -> None:
    """Adds to a schema of msgspec's what it leaves out: texts in Annotated, and that a string is a time."""
    if not isinstance(schema, dict):
        return
    arguments, origin = get_args(hint), get_origin(hint)
    if hint in (datetime.datetime, datetime.time):
        for option in (schema, *schema.get("anyOf", ())):
            if option.get("type") == "string":
                option.setdefault("format", "time" if hint is datetime.time else "date-time")
    elif origin is Annotated or getattr(origin, "__name__", "") in ("Required", "NotRequired", "ReadOnly"):
        text = next(filter(None, map(text_of, arguments[1:])), None)
        if text:
            schema["description"] = text
        _tell(schema, arguments[0])
    elif is_union(hint):
        for argument in arguments:
            _tell(schema, argument)
    elif origin is tuple and "prefixItems" in schema:
        for item, argument in zip(schema["prefixItems"], arguments, strict=False):
            _tell(item, argument)
    elif arguments and isinstance(origin, type):
        for option in (schema, *schema.get("anyOf", ())):
            _tell(option.get("items"), arguments[0])
            _tell(option.get("additionalProperties"), arguments[-1])
