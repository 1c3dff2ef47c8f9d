"""What the types of the protocol have in common, and how they become JSON and back."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, ClassVar, ForwardRef, Generic, TypeVar, get_args, get_origin, overload

import msgspec

from .._decoders import convert, decoder
from .._json import decode_plain

R = TypeVar("R")
T = TypeVar("T")


class Struct(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Base of the protocol's objects. Fields that are None by default are left out of the JSON; unknown keys are skipped."""

    def __repr__(self) -> str:
        from .. import _masked

        return _masked.fields(self, ((name, getattr(self, name)) for name in self.__struct_fields__))


class Params(Struct, Generic[R], frozen=True, kw_only=True):
    """Parameters of a request to the engine, whose result is an `R`; for :meth:`codex_cffi.Codex.request`.

    Attributes:
        METHOD: The method that they are for.
        WITHOUT: The method has no parameters; there is nothing to send.
    """

    METHOD: ClassVar[str]
    WITHOUT: ClassVar[bool] = False


class HostParams(Struct, Generic[R], frozen=True, kw_only=True):
    """Parameters of a request of the engine's to the host, who answers with an `R`.

    Attributes:
        METHOD: The method that they come with.
    """

    METHOD: ClassVar[str]


class UnknownVariant(Struct, frozen=True, kw_only=True):
    """Base of what stands for a variant that is new to this package.

    Attributes:
        data: The whole of it, as JSON.
    """

    data: dict[str, Any] = {}


#: Tag of every UnknownVariant; no engine has it.
UNKNOWN_TAG = "<unknown>"

_decoders: dict[Any, Callable[[Any], Any]] = {}
_results: dict[type, Any] = {}


def sendable(method: str, params: msgspec.Struct) -> Params[Any] | None:
    """Typed parameters as they go to the JSON encoder: None for a method that has none.

    Raises:
        TypeError: They are another method's, or none of a method's.
    """
    own: str | None = getattr(params, "METHOD", None)
    if own is None or not isinstance(params, Params):
        raise TypeError(f"{type(params).__name__} is not the type of a method's parameters")
    if method != own:
        raise TypeError(f"{type(params).__name__} is for the method {own!r}, not {method!r}")
    # Where the engine wants nothing, it does not take an empty object either.
    return None if params.WITHOUT else params


def result_type(params: type[Params[Any]] | type[HostParams[Any]]) -> Any:
    """The type of what a request with these parameters gives: the `R` of its base."""
    found = _results.get(params)
    if found is None:
        for owner in params.__mro__:
            for base in getattr(owner, "__orig_bases__", ()):
                if get_origin(base) in (Params, HostParams) and not isinstance(get_args(base)[0], TypeVar):
                    (found,) = get_args(base)
                    if isinstance(found, ForwardRef):
                        found = eval(found.__forward_arg__, vars(sys.modules[owner.__module__]))
                    _results[params] = found
                    return found
        raise TypeError(f"{params.__name__} does not name the type of its result, as in Params[Result]")
    return found


@overload
def decode_result(params: Params[R] | HostParams[R], data: bytes | msgspec.Raw) -> R: ...
@overload
def decode_result(params: msgspec.Struct, data: bytes | msgspec.Raw) -> Any: ...
def decode_result(params: Any, data: bytes | msgspec.Raw) -> Any:
    """A request's typed result from its JSON."""
    return decode(data, result_type(type(params)))


def decode(data: bytes | msgspec.Raw, kind: Any) -> Any:
    """JSON as a type of the protocol. Unknown keys are skipped; a variant that is new to this package becomes an UnknownVariant.

    Raises:
        msgspec.ValidationError: It does not fit otherwise.
    """
    read = _decoders.get(kind)
    if read is None:
        read = _decoders[kind] = decoder(kind)
    try:
        return read(data)
    except msgspec.ValidationError:
        from ._tolerant import with_unknowns  # only now: as good as never needed

        value, changed = with_unknowns(decode_plain(data), kind, UnknownVariant, UNKNOWN_TAG)
        if not changed:
            raise
        return convert(value, kind)
