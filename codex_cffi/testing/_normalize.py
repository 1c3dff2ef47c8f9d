"""Compare a request with a recorded one: what differs from run to run is left out, the rest is shown."""

from __future__ import annotations

import difflib
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from ._scrub import CWD, map_texts, path_pattern

_CWD = re.compile(r"<cwd>(.+?)</cwd>")
# What the engine says about the machine that it runs on.
_ENVIRONMENT = re.compile(
    r"<(environment_context|skills_instructions|recommended_plugins)>.*?(</\1>|\Z)", re.DOTALL | re.IGNORECASE
)
_DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*"
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
_EVERYWHERE = (
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE), "{{id}}"),
    (
        re.compile(
            r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)?(?:Z\b|[+-]\d\d:?\d\d\b)?"
            rf"|\b(?:{_DAY},? +)?{_MONTH} +\d\d?,?(?: +\d\d:\d\d(?::\d\d)?)?(?: +[A-Z]{{3,4}}\b)?(?: +\d{{4}}\b)?"
            r"|\b\d\d:\d\d:\d\d(?:[.,]\d+)?\b"
        ),
        "{{date}}",
    ),
)
_IN_OUTPUTS = (
    (re.compile(r"\b0x[0-9a-f]{6,}\b", re.IGNORECASE), "{{address}}"),
    # Counted over the text with its durations, so it varies with them.
    (re.compile(r"(?<=Original token count: )\d+"), "{{count}}"),
    (re.compile(r"(?<=Chunk ID: )\w+|(?<=session ID )\d+"), "{{id}}"),
    (re.compile(r"\b\d+(?:\.\d+)?(?= ?(?:s|sec|secs|seconds?|ms|milliseconds?|µs|us|ns)\b)"), "{{duration}}"),
)


class Normalizer:
    """Brings requests into the form in which two runs of the same test have the same ones.

    Args:
        volatile: further regular expressions; what they match may differ.
    """

    def __init__(self, volatile: Iterable[str | re.Pattern[str]] = ()) -> None:
        self._volatile = [re.compile(pattern) for pattern in volatile]
        # Read once: what tests do to the environment later is not the machine's layout.
        temporary = {tempfile.gettempdir(), os.path.realpath(tempfile.gettempdir())}
        self._temporary = [
            # The part that pytest or tempfile makes up goes too.
            re.compile(rf"(?<![\w.-]){re.escape(path)}/(?:pytest-of-[^/\s]+/pytest-[^/\s]+/[\w.-]+|[\w.-]+)")
            for path in temporary
        ]
        self._home = [path_pattern(path) for path in {os.path.expanduser("~")} if len(path) > 3]

    def __call__(self, body: dict[str, Any], cwd: str | None) -> dict[str, Any]:
        """The body of a request, normalised."""
        in_cwd = path_pattern(cwd) if cwd is not None else None

        def text(value: str, *, output: bool = False) -> str:
            value = _ENVIRONMENT.sub(r"<\1>{{environment}}</\1>", value)
            if in_cwd is not None:
                value = in_cwd.sub(CWD, value)
            for pattern in self._volatile:
                value = pattern.sub("{{volatile}}", value)
            for pattern in self._temporary:
                value = pattern.sub("{{tmp}}", value)
            for pattern in self._home:
                value = pattern.sub("{{home}}", value)
            for pattern, by in (*_EVERYWHERE, *(_IN_OUTPUTS if output else ())):
                value = pattern.sub(by, value)
            return value

        def output_text(value: str) -> str:
            return text(value, output=True)

        def item(value: Any) -> Any:
            if not isinstance(value, dict):
                return map_texts(value, text)
            change: Callable[[str], str] = output_text if str(value.get("type")).endswith("_output") else text
            # The ids of items are made up by each side; the ids of calls are what ties a conversation together.
            return {key: map_texts(inner, change) for key, inner in value.items() if key != "id"}

        return {
            key: [item(each) for each in value]
            if key == "input" and isinstance(value, list)
            else map_texts(value, text)
            for key, value in body.items()
        }


def find_cwd(body: dict[str, Any]) -> str | None:
    """The working directory of the agent thread, as the engine tells the model; None when the request does not say."""
    found = None
    for item in body.get("input") or []:
        content = item.get("content") if isinstance(item, dict) else None
        for part in content if isinstance(content, list) else []:
            text = part.get("text") if isinstance(part, dict) else None
            if isinstance(text, str) and "<environment_context>" in text and (match := _CWD.search(text)):
                found = match[1]  # the newest one counts
    # Too short a path would be found all over the place.
    return found if found is not None and len(found) > 3 else None


def differences(recorded: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Lines that tell how two normalised bodies differ: `- input[2].output: 3 passed`; none when they are equal."""
    lines: list[str] = []
    for key in dict.fromkeys((*recorded, *now)):
        old, new = recorded.get(key), now.get(key)
        if old == new:
            continue
        if isinstance(old, list) and isinstance(new, list):
            lines += _of_lists(key, old, new)
        else:
            lines += _of_values(key, key, old, new)
    return lines


def _of_lists(key: str, old: list[Any], new: list[Any]) -> Iterator[str]:
    # Aligned first: one more item must not make all that follow look different.
    matcher = difflib.SequenceMatcher(None, [_key(v) for v in old], [_key(v) for v in new], autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag == "equal":
            continue
        both = min(b - a, d - c)
        for i in range(both):
            yield from _of_values(f"{key}[{a + i}]", f"{key}[{c + i}]", old[a + i], new[c + i])
        for i in range(a + both, b):
            yield from (f"- {line}" for line in _flat(f"{key}[{i}]", old[i]))
        for i in range(c + both, d):
            yield from (f"+ {line}" for line in _flat(f"{key}[{i}]", new[i]))


def _of_values(old_path: str, new_path: str, old: Any, new: Any) -> Iterator[str]:
    before = [] if old is None else list(_flat(old_path, old))
    after = [] if new is None else list(_flat(new_path, new))
    for line in list(difflib.unified_diff(before, after, n=0, lineterm=""))[2:]:
        if not line.startswith("@@"):
            yield f"{line[0]} {line[1:]}"


def _flat(path: str, value: Any) -> Iterator[str]:
    """The leaves of a value, one line each, lines of a text on their own: `input[0].content[0].text: Hello`."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _flat(f"{path}.{key}", inner)
    elif isinstance(value, list) and value:
        for i, inner in enumerate(value):
            yield from _flat(f"{path}[{i}]", inner)
    elif isinstance(value, str):
        for line in value.splitlines() or [""]:
            yield f"{path}: {line}"
    else:
        yield f"{path}: {json.dumps(value)}"


def _key(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def limited(lines: Sequence[str], most: int = 30, width: int = 300) -> str:
    """The lines for a message, not too many and not too long."""
    shown = [f"  {line if len(line) <= width else line[: width - 3] + '...'}" for line in lines[:most]]
    if len(lines) > most:
        shown.append(f"  ... and {len(lines) - most} more lines")
    return "\n".join(shown)
