"""What reprs and errors show of settings: everything but credentials.

The engine does the same for what it tells, with the values that it knows; here a place decides, for an object may be shown before there is an engine.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

REDACTED = "[REDACTED_SECRET]"

#: Keys whose texts are credentials.
_CREDENTIAL = re.compile(
    r"(.*[_-])?(api_?key|(access|refresh|id|auth|bearer|session|personal_access)_?token|token|password|(client_)?secret|authorization|credentials?)",
    re.IGNORECASE,
)
#: Keys of tables whose texts are.
_TABLES = ("env", "headers", "http_headers", "httpHeaders", "query_params", "queryParams", "set")
#: Options of programs that a credential follows.
_OPTION = re.compile(r"(?i)[\w-]*(key|token|secret|passw|pwd|auth(?!or\b)|credential|cookie|bearer|header)[\w-]*")
_ADDRESS = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)(?P<userinfo>[^\s/@?#]+@)?(?P<place>[^\s?#]*)(?P<rest>[?#]\S*)?"
)


def address(text: str) -> str:
    """A text without the userinfo and the parameters of the URLs in it."""

    def shown(match: re.Match[str]) -> str:
        userinfo = f"{REDACTED}@" if match["userinfo"] else ""
        return f"{match['scheme']}{userinfo}{match['place']}{f'?{REDACTED}' if match['rest'] else ''}"

    return _ADDRESS.sub(shown, text)


def arguments(texts: Iterable[Any]) -> list[str]:
    """A program's arguments without what follows ``--token`` and its like."""
    shown: list[str] = []
    hide = False
    for text in map(str, texts):
        name, equals, _ = text.partition("=")
        if hide:
            shown.append(REDACTED)
        elif equals and _OPTION.fullmatch(name):
            shown.append(f"{name}={REDACTED}")
        else:
            shown.append(address(text))
        hide = not hide and not equals and text.startswith("-") and _OPTION.fullmatch(text) is not None
    return shown


def setting(name: str, value: Any) -> Any:
    """A setting's value without credentials, at any depth."""
    parts = name.replace('"', "").split(".")
    if isinstance(value, str):
        if _CREDENTIAL.fullmatch(parts[-1]) or (len(parts) > 1 and parts[-2] in _TABLES):
            return REDACTED
        return address(value) if "://" in value else value
    if isinstance(value, Mapping):
        if parts[-1] in _TABLES:
            return {
                key: REDACTED if isinstance(inner, str) else setting(str(key), inner) for key, inner in value.items()
            }
        return {key: setting(str(key), inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        if parts[-1] == "args":
            return arguments(value)
        shown = [setting(name, inner) for inner in value]
        return tuple(shown) if isinstance(value, tuple) else shown
    return value


def fields(instance: Any, values: Iterable[tuple[str, Any]]) -> str:
    """A repr of these fields, without credentials."""
    return f"{type(instance).__name__}({', '.join(f'{name}={setting(name, value)!r}' for name, value in values)})"
