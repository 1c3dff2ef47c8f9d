"""Keep secrets out of cassettes.

Three nets, one behind the other: headers and the fields of requests and responses are kept only if they are on a list
of what a replay needs; values that are known to be secret (credentials of the request, of the environment, of the user
of this class) go wherever they occur; and so does what looks like a credential or an account's id.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from ._http import RawRequest
from ._requests import SECRET_HEADERS

SECRET = "{{secret}}"
ENCRYPTED = "{{encrypted}}"
CWD = "{{cwd}}"

Span = tuple[int, int, str]
"""Where to replace, and by what."""

# Fields of a request that decide what the model answers.
_REQUEST_FIELDS = ("model", "instructions", "input", "tools", "tool_choice", "parallel_tool_calls", "reasoning", "text")
# Fields of the `response` object that the engine reads, or that tell a reader of the cassette something.
_RESPONSE_FIELDS = ("id", "object", "status", "model", "error", "incomplete_details", "end_turn", "usage", "output")

_KEPT_HEADERS = re.compile(
    r"content-type|retry-after(-ms)?|(x-)?openai-model|x-reasoning-included|x-models-etag|x-codex-promo-message"
    r"|x-codex-rate-limit-reached-type|x-codex-credits-(has-credits|unlimited)"
    r"|x-[a-z0-9-]+-(primary|secondary)-(used-percent|window-minutes|reset-at)|x-[a-z0-9-]+-limit-name"
)
_SECRET_KEYS = re.compile(
    r"(access|refresh|id|bearer|session|auth)_?token|token|api_?key|authorization|(set-)?cookie|password|passwd"
    r"|(client_)?secret|credentials?|org(anization)?(_id)?|project(_id)?|(chatgpt_)?account(_id)?|user(_id)?|email"
    r"|safety_identifier|prompt_cache_key|installation_id|x-codex-turn-state|x-codex-installation-id",
    re.IGNORECASE,
)
_LOOKS_SECRET = re.compile(
    r"\b(?:sk|rk|pk|ek|sess)-(?=[\w*-]*[\d*])[\w*-]{8,}"
    r"|\b(?:org|proj|user|acct)[-_](?=[A-Za-z]*\d)[A-Za-z0-9]{10,}"
    r"|\beyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]*"  # a JSON web token
    r"|\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{16,}|\bxox[abeprs]-[\w-]{10,}"
    r"|\bA(?:KIA|SIA)[A-Z0-9]{16}\b|\bAIza[\w-]{30,}|\bhf_[A-Za-z0-9]{20,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----(?:.|\n)*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
)
# What follows is the secret, not the whole match.
_NAMES_SECRET = re.compile(
    r"""(?ix) (?: \bbearer\s+ | ://[^\s/:@]*: (?=[^\s/@]+@)
    | (?:api[_-]?key|secret|token|password|passwd)["']?\s*[:=]\s*["']? )
    (?P<value> (?=[^\s"'@]*\d) [\w+/~.=-]{12,} )"""
)
# Headers that the engine sends by itself; of others the host's configuration may have made a credential's place.
_OWN_HEADERS = re.compile(
    r"accept.*|user-agent|originator|version|host|connection|content-.*|(session|thread|conversation)[-_]id|x-client-request-id"
    r"|x-codex-.*|x-openai-.*|openai-.*|x-responsesapi-.*|traceparent|tracestate"
)
_SECRET_VARIABLE = re.compile(r"(^|_)(API_?KEY|KEY|TOKEN|SECRET|PASSWORD|PASSWD|PAT)($|_)", re.IGNORECASE)


class Scrubber:
    """Removes secrets from what goes into a cassette; knows more of them with every request that it has seen."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._known: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        for secret in secrets:
            self._add(secret, 1)
        for name, value in os.environ.items():
            # Values that could be a common word or a path would tear holes into the conversation.
            if (
                _SECRET_VARIABLE.search(name)
                and any(c.isdigit() for c in value)
                and not value.startswith(("/", "http"))
            ):
                self._add(value, 12)

    def learn(self, headers: Iterable[tuple[str, str]]) -> None:
        """Learn the credentials among these headers."""
        for name, value in headers:
            name = name.lower()
            if not any(part in name for part in (*SECRET_HEADERS, "organization", "project")):
                continue
            self._add(value, 6)
            for part in re.split(r"[;,\s]+", value):
                self._add(part, 6)
                self._add(part.partition("=")[2], 6)

    def learn_request(self, raw: RawRequest) -> None:
        """Learn the credentials of a request, also from headers and parameters of any name."""
        self.learn(raw.pairs)
        parameters = parse_qsl(urlsplit(raw.target).query)
        for name, value in [pair for pair in raw.pairs if not _OWN_HEADERS.fullmatch(pair[0].lower())] + parameters:
            if not name.lower().endswith("version") and any(c.isdigit() for c in value):
                self._add(value, 12)

    def _add(self, secret: str, shortest: int) -> None:
        if len(secret) >= shortest and secret not in self._known and secret.lower() != "bearer":
            self._known |= {secret, quote(secret, safe="")}
            self._pattern = None

    def _exact(self) -> re.Pattern[str] | None:
        if self._pattern is None and self._known:
            self._pattern = re.compile("|".join(map(re.escape, sorted(self._known, key=len, reverse=True))))
        return self._pattern

    def leaks(self, text: str) -> bool:
        """Whether a known secret is in the text."""
        pattern = self._exact()
        return pattern is not None and pattern.search(text) is not None

    def spans(self, text: str, cwd: str | None = None) -> list[Span]:
        """What to replace in a text, in order, without overlaps."""
        found: list[Span] = []
        if (pattern := self._exact()) is not None:
            found += [(*match.span(), SECRET) for match in pattern.finditer(text)]
        found += [(*match.span(), SECRET) for match in _LOOKS_SECRET.finditer(text)]
        found += [(*match.span("value"), SECRET) for match in _NAMES_SECRET.finditer(text)]
        if cwd is not None:
            found += [(*match.span(), CWD) for match in path_pattern(cwd).finditer(text)]
        merged: list[Span] = []
        for start, end, by in sorted(found):
            if merged and start < merged[-1][1]:
                last = merged[-1]
                merged[-1] = (last[0], max(end, last[1]), SECRET if SECRET in (by, last[2]) else by)
            else:
                merged.append((start, end, by))
        return merged

    def text(self, text: str, cwd: str | None = None) -> str:
        """The text without secrets; `cwd` becomes a placeholder too."""
        return self.pieces([text], cwd)[0]

    def pieces(self, pieces: list[str], cwd: str | None = None) -> list[str]:
        """The pieces of one text without secrets, also those that are spread over several pieces."""
        spans = self.spans("".join(pieces), cwd)
        if not spans:
            return pieces
        out = []
        offset = 0
        for piece in pieces:
            end = offset + len(piece)
            kept = []
            at = offset
            for start, stop, by in spans:
                if stop <= offset or start >= end:
                    continue
                kept.append(piece[at - offset : max(start, offset) - offset])
                if start >= offset:
                    kept.append(by)  # the placeholder goes where the secret begins
                at = min(stop, end)
            kept.append(piece[at - offset :])
            out.append("".join(kept))
            offset = end
        return out

    def json(self, value: Any, cwd: str | None = None) -> Any:
        """A JSON value without secrets, in its texts and under keys that name one."""

        def walk(value: Any) -> Any:
            if isinstance(value, str):
                return self.text(value, cwd)
            if isinstance(value, list):
                return [walk(inner) for inner in value]
            if isinstance(value, dict):
                return {self.text(key): field(key, inner) for key, inner in value.items()}
            return value

        def field(key: str, inner: Any) -> Any:
            if key == "encrypted_content" and isinstance(inner, str):
                return ENCRYPTED  # nobody but the service can read it, and it belongs to the account
            if isinstance(inner, str) and inner and _SECRET_KEYS.fullmatch(key):
                return SECRET
            if key == "headers" and isinstance(inner, dict):
                return {name: walk(text) for name, text in inner.items() if _KEPT_HEADERS.fullmatch(name.lower())}
            return walk(inner)

        return walk(value)

    def event(self, value: Any, cwd: str | None = None, told: Collection[str] = ()) -> Any:
        """The data of a server-sent event, or a whole JSON answer, reduced to what a replay needs.

        The items with these ids were `told` before: the final event need not repeat them.
        """
        if isinstance(value, dict):
            # Padding against listeners on the wire: noise in a cassette.
            value = {key: inner for key, inner in value.items() if key != "obfuscation"}
            response = value.get("response")
            if isinstance(response, dict):
                kept = {key: inner for key, inner in response.items() if key in _RESPONSE_FIELDS}
                if isinstance(items := kept.get("output"), list):
                    kept["output"] = [
                        item for item in items if not isinstance(item, dict) or item.get("id") not in told
                    ]
                value["response"] = kept
        return self.json(value, cwd)

    def headers(self, pairs: Iterable[tuple[str, str]], cwd: str | None = None) -> dict[str, str]:
        """The headers of an answer that a replay needs."""
        return {name.lower(): self.text(value, cwd) for name, value in pairs if _KEPT_HEADERS.fullmatch(name.lower())}

    def request(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The fields of a request that decide what the model answers, without secrets."""
        return {key: self.json(value) for key, value in body.items() if key in _REQUEST_FIELDS}


def path_pattern(path: str) -> re.Pattern[str]:
    """Finds a path, and what lies beneath it, but not its namesakes (`/work/app2`, `/other/work/app`)."""
    return re.compile(rf"(?<![\w./-]){re.escape(path)}(?![\w-]|\.\w)")


def map_texts(value: Any, change: Callable[[str], str]) -> Any:
    """A JSON value with all its texts changed; keys stay."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [map_texts(inner, change) for inner in value]
    if isinstance(value, dict):
        return {key: map_texts(inner, change) for key, inner in value.items()}
    return value
