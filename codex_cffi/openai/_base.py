"""What the official SDK's types have in common: they are read like pydantic's models, on msgspec."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from .._decoders import convert, decoder
from .._json import decode_plain

__all__ = ["BaseModel", "RootModel", "decode", "to_wire", "validate"]

_Self = TypeVar("_Self", bound="_Methods")

_hints: dict[type, dict[str, Any]] = {}
_decoders: dict[Any, Callable[[bytes | msgspec.Raw], Any]] = {}


class _Methods:
    """The methods of pydantic's models that programs call on what the SDK returns."""

    __slots__ = ()

    @classmethod
    def model_validate(cls: type[_Self], obj: Any) -> _Self:
        """Makes one of plain data, with the names of its attributes or of the protocol.

        Raises:
            msgspec.ValidationError: It does not fit. It is a ValueError, as pydantic's is.
        """
        value: _Self = validate(obj, cls)
        return value

    @classmethod
    def model_validate_json(cls: type[_Self], json_data: str | bytes) -> _Self:
        """Makes one of JSON; see :meth:`model_validate`."""
        return cls.model_validate(msgspec.json.decode(json_data))

    def model_dump(
        self,
        *,
        mode: Literal["python", "json"] = "python",
        include: Iterable[str] | None = None,
        exclude: Iterable[str] | None = None,
        by_alias: bool = False,
        exclude_none: bool = False,
    ) -> Any:
        """The content as plain data.

        Args:
            mode: ``json`` turns enumerations into their values.
            include: Attributes to take, of the outermost object; default: all.
            exclude: Attributes to leave out, of the outermost object.
            by_alias: With the names of the protocol, ``turnId`` rather than ``turn_id``.
            exclude_none: Without what is None.
        """
        if mode not in ("python", "json"):
            raise ValueError(f"mode must be 'python' or 'json', not {mode!r}")
        dumped = _dump(self, mode == "json", by_alias, exclude_none)
        if isinstance(dumped, dict) and (include is not None or exclude is not None):
            names = _wire_names(type(self)) if by_alias else {}
            taken = set(getattr(self, "__struct_fields__", dumped) if include is None else include)
            kept = {names.get(name, name) for name in taken.difference(exclude or ())}
            return {name: value for name, value in dumped.items() if name in kept}
        return dumped

    def model_dump_json(self, *, indent: int | None = None, **options: Any) -> str:
        """The content as JSON; the options are those of :meth:`model_dump`."""
        dumped = self.model_dump(mode="json", **options)
        if indent is not None:
            return json.dumps(dumped, indent=indent, ensure_ascii=False)
        return msgspec.json.encode(dumped).decode()

    def model_copy(self: _Self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> _Self:
        """A copy, with other values for some attributes."""
        import copy

        copied = copy.deepcopy(self) if deep else copy.copy(self)
        for name, value in (update or {}).items():
            setattr(copied, name, value)
        return copied

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """Lets models of pydantic have fields of this type."""
        from pydantic_core import core_schema  # type: ignore[import-not-found, unused-ignore]

        return core_schema.no_info_plain_validator_function(
            cls.model_validate,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda value, info: value.model_dump(mode=info.mode), info_arg=True
            ),
        )


class BaseModel(_Methods, msgspec.Struct, kw_only=True, rename="camel"):
    """Base of the objects. Attributes can be assigned; what is assigned, or given to the constructor, is not checked."""

    def __str__(self) -> str:
        return " ".join(f"{name}={getattr(self, name)!r}" for name in self.__struct_fields__)


class RootModel(_Methods):
    """Base of what is one of several things; ``root`` is the one."""

    __slots__ = ("root",)
    __match_args__ = ("root",)

    root: Any

    def __init__(self, root: Any) -> None:
        self.root = validate(root, _hints_of(type(self))["root"])

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self})"

    def __str__(self) -> str:
        return f"root={self.root!r}"

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return bool(self.root == other.root)

    __hash__ = None  # type: ignore[assignment]

    def __copy__(self: RootT) -> RootT:
        return _rooted(type(self), self.root)

    def __reduce__(self) -> Any:
        return _rooted, (type(self), self.root)


RootT = TypeVar("RootT", bound=RootModel)


def _rooted(kind: type[RootT], root: Any) -> RootT:
    made = kind.__new__(kind)
    made.root = root
    return made


# ---- reading ---------------------------------------------------------------------------------------------------------


def decode(data: bytes | msgspec.Raw, kind: type[Any]) -> Any:
    """JSON of the engine's as a type.

    Raises:
        msgspec.ValidationError: It does not fit.
    """
    read = _decoders.get(kind)
    if read is None:
        read = _decoders[kind] = decoder(kind, _read)
    try:
        return read(data)
    except msgspec.ValidationError:
        # Such as a number beyond every type, which a model may write.
        return _convert(decode_plain(data), kind)


def _read(kind: Any, value: Any) -> Any:
    """What msgspec asks for the types that it does not know: a RootModel's value, as the engine has it."""
    if isinstance(kind, type) and issubclass(kind, RootModel):
        return _rooted(kind, _convert(value, _hints_of(kind)["root"]))
    raise NotImplementedError(kind)


def _convert(value: Any, kind: Any) -> Any:
    """Plain JSON of the engine's as a type, which may be a union that msgspec does not read."""
    if get_origin(kind) not in (Union, UnionType):
        return convert(value, kind, _read)
    return _first(value, kind, _convert)


def _first(value: Any, kind: Any, read: Callable[[Any, Any], Any]) -> Any:
    """The value as the first member of a union that it fits."""
    members: Any = get_args(kind)
    if isinstance(value, dict):
        for name, variants in _variants(kind).items():
            # What says itself which one it is, is that one or nothing.
            tag = value.get(name)
            if isinstance(tag, str) and tag in variants:
                members = variants[tag]
    if len(members) == 1:
        return read(value, members[0])
    problem = None
    for member in members:
        try:
            return read(value, member)
        except msgspec.ValidationError as error:
            problem = problem or error
    shown = {name: value.get(name) for name in _variants(kind)} or sorted(value) if isinstance(value, dict) else value
    raise msgspec.ValidationError(f"{shown!r:.200} is none of {kind}") from problem


_tagged: dict[Any, dict[str, dict[str, list[Any]]]] = {}


def _variants(kind: Any) -> dict[str, dict[str, list[Any]]]:
    """The members of a union by the fixed text that one of their fields has."""
    found = _tagged.get(kind)
    if found is None:
        found = _tagged[kind] = {}
        for member in get_args(kind):
            if isinstance(member, type) and issubclass(member, BaseModel):
                for name, hint in _hints_of(member).items():
                    for text in get_args(hint) if get_origin(hint) is Literal else ():
                        found.setdefault(name, {}).setdefault(text, []).append(member)
    return found


def _hints_of(kind: type) -> dict[str, Any]:
    found = _hints.get(kind)
    if found is None:
        found = _hints[kind] = get_type_hints(kind)
    return found


def validate(value: Any, kind: Any) -> Any:
    """Data as a type: plain, with the names of the attributes or of the protocol, or made of such objects already.

    Raises:
        msgspec.ValidationError: It does not fit.
    """
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return _first(value, kind, validate)
    if origin is list:
        if isinstance(value, (list, tuple)):
            return [validate(entry, arguments[0]) for entry in value]
    elif origin is dict:
        if isinstance(value, dict):
            return {key: validate(entry, arguments[1]) for key, entry in value.items()}
    elif isinstance(kind, type) and issubclass(kind, (_Methods, Enum)):
        if isinstance(value, kind):
            return value
        if issubclass(kind, RootModel):
            return _rooted(kind, validate(value, _hints_of(kind)["root"]))
        if issubclass(kind, BaseModel) and isinstance(value, dict):
            return _from_dict(value, kind)
    return convert(value, kind, _read)


def _from_dict(value: dict[str, Any], kind: type[BaseModel]) -> BaseModel:
    found = {}
    for name, wire in _wire_names(kind).items():
        if wire in value or name in value:
            found[name] = validate(value.get(wire, value.get(name)), _hints_of(kind)[name])
    if kind.__struct_config__.forbid_unknown_fields:
        unknown = value.keys() - found.keys() - {_wire_names(kind)[name] for name in found}
        if unknown:
            raise msgspec.ValidationError(f"{kind.__name__} has no field {', '.join(map(repr, sorted(unknown)))}")
    try:
        return kind(**found)
    except TypeError as error:
        raise msgspec.ValidationError(f"{kind.__name__}: {error}") from None


# ---- writing ---------------------------------------------------------------------------------------------------------


def to_wire(value: Any) -> Any:
    """Data with such objects in it as the engine takes it."""
    return _dump(value, True, True, True)


def _wire_names(kind: type[Any]) -> dict[str, str]:
    if not issubclass(kind, BaseModel):
        return {}
    return dict(zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True))


def _dump(value: Any, plain: bool, by_alias: bool, exclude_none: bool) -> Any:
    if isinstance(value, RootModel):
        return _dump(value.root, plain, by_alias, exclude_none)
    if isinstance(value, BaseModel):
        names = value.__struct_encode_fields__ if by_alias else value.__struct_fields__
        values = (getattr(value, name) for name in value.__struct_fields__)
        return {
            name: _dump(entry, plain, by_alias, exclude_none)
            for name, entry in zip(names, values, strict=True)
            if not (exclude_none and entry is None)
        }
    if isinstance(value, Enum):
        return value.value if plain else value
    if isinstance(value, list):
        return [_dump(entry, plain, by_alias, exclude_none) for entry in value]
    if isinstance(value, dict):
        return {key: _dump(entry, plain, by_alias, exclude_none) for key, entry in value.items()}
    return value
