"""What reprs and errors show of settings: everything but credentials.

The engine does the same for what it tells, with the values that it knows; here a place decides, for an object may be shown before there is an engine.
"""

from __future__ import annotations

import json
import os
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
_OPTION = re.compile(
    r"(?i)[\w-]*(key|token|secret|passw|(?<![a-z])(pass|pat)(?![a-z])|pwd|auth(?!or\b)|credential|cookie|bearer|header)[\w-]*"
)
#: Others, whose values have a colon before it.
_PAIR_OPTIONS = ("-H", "-u", "-U", "--user", "--proxy-user")
_ADDRESS = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)(?P<userinfo>[^\s/?#]*@)?(?P<place>[^\s?#]*)(?P<rest>[?#]\S*)?"
)


def address(text: str) -> str:
    """A text without the userinfo and the parameters of the URLs in it."""

    def shown(match: re.Match[str]) -> str:
        userinfo = f"{REDACTED}@" if match["userinfo"] else ""
        return f"{match['scheme']}{userinfo}{match['place']}{f'?{REDACTED}' if match['rest'] else ''}"

    return _ADDRESS.sub(shown, text)


def refused(text: str) -> str:
    """An address that is not accepted, which need not be one: nothing of it that could be userinfo or a parameter."""
    place = text.partition("?")[0].partition("#")[0]
    userinfo, at, rest = place.rpartition("@")
    scheme = re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", userinfo)
    shown = f"{scheme[0] if scheme else ''}{REDACTED}@{rest}" if at else place
    return shown if len(place) == len(text) else f"{shown}?{REDACTED}"


def arguments(texts: Iterable[Any]) -> list[str]:
    """A program's arguments without what follows ``--token`` and its like."""
    shown: list[str] = []
    hide = False
    before = ""
    for text in map(str, texts):
        name, equals, _ = text.partition("=")
        if hide:
            shown.append(REDACTED)
        elif before in _PAIR_OPTIONS and ":" in text:
            shown.append(f"{text.partition(':')[0]}:{REDACTED}")
        elif equals and _OPTION.fullmatch(name):
            shown.append(f"{name}={REDACTED}")
        else:
            shown.append(address(text))
        hide = not hide and not equals and text.startswith("-") and _OPTION.fullmatch(text) is not None
        before = text
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


#: Settings that name a variable of the environment which holds a credential.
_VARIABLE = re.compile(r"env_?key|bearer_?token_?env_?var|env_?vars", re.IGNORECASE)
_VARIABLE_TABLES = ("env_http_headers", "envHttpHeaders")
#: Shorter values are found nowhere: they would hide half of a message.
SHORTEST = 6
_SHORTEST_LINE = 12


def credentials(settings: Mapping[str, Any]) -> set[str]:
    """The credentials in settings, and in the variables that they name."""
    found: set[str] = set()

    def add(value: str) -> None:
        if value:
            found.update((value.strip(), *(line.strip() for line in value.splitlines() if len(line) >= _SHORTEST_LINE)))
            scheme, _, token = value.partition(" ")
            if scheme.lower() in ("bearer", "basic", "token"):
                found.add(token.strip())

    def walk(parts: list[str], value: Any) -> None:
        parent, key = ["", "", *parts][-2:]
        if isinstance(value, Mapping):
            for inner, content in value.items():
                walk([*parts, *str(inner).replace('"', "").split(".")], content)
        elif isinstance(value, (list, tuple)):
            if key == "args":
                for text, shown in zip(map(str, value), arguments(value), strict=True):
                    if shown.endswith(REDACTED) and shown != text:
                        add(text[len(shown) - len(REDACTED) :])
            for inner in value:
                walk(parts, inner)
        elif isinstance(value, str):
            if _VARIABLE.fullmatch(key) or parent in _VARIABLE_TABLES:
                held = os.environ.get(value, "")
                if not key.lower().endswith("vars") or _is_secret(value, held):
                    add(held)
            elif _CREDENTIAL.fullmatch(key) or (
                parent in _TABLES and (parent not in _ENVIRONMENTS or _is_secret(key, value))
            ):
                add(value)
            for match in _ADDRESS.finditer(value):
                userinfo = (match["userinfo"] or "").rstrip("@")
                add(userinfo)
                add(userinfo.partition(":")[2])
                for pair in re.split("[?#&]", match["rest"] or ""):
                    add(pair.partition("=")[2])

    walk([], settings)
    return {value for value in found if len(value) >= SHORTEST}


#: Tables whose values are of any kind.
_ENVIRONMENTS = ("env", "set")


def _is_secret(name: str, value: str) -> bool:
    is_mixed = any(c.isdigit() for c in value) and any(c.isalpha() for c in value)
    return _OPTION.fullmatch(name) is not None or ("/" not in value and is_mixed)


def cleaned(text: str, secrets: Iterable[str]) -> str:
    """A text without these, as they are and as Python and JSON write them."""
    for secret in sorted(secrets, key=len, reverse=True):
        for form in (secret, repr(secret)[1:-1], json.dumps(secret)[1:-1]):
            text = text.replace(form, REDACTED)
    return text
