"""What a docstring says of a function and of its parameters, in the styles of Google, NumPy and Sphinx."""

from __future__ import annotations

import inspect
import re

__all__ = ["parse"]

#: Sections that are not for the model, or that are told of each parameter.
_PARAMETERS = r"Args|Arguments|Parameters|Params|Keyword Args|Keyword Arguments|Other Parameters|Attributes"
_OTHERS = r"Returns?|Raises|Yields?|Examples?"
_HEADER = re.compile(rf"(?:({_PARAMETERS})|{_OTHERS})\s*(:?)\s*$")
#: ``:param int count: how many``, ``@param count: how many``
_FIELD = re.compile(r"[:@](\w+)((?:\s+[^:\s][^:]*)?):\s*(.*)")
#: ``count (int): how many`` and, of NumPy's style, ``count : int``
_ENTRY = re.compile(r"\*{0,2}(\w+(?:\s*,\s*\*{0,2}\w+)*)\s*(?:\(.*?\)\s*)?:\s*(.*)")
_INLINE = re.compile(r"\bArgs:\s*(\w+):\s*(.+)")
_PARAMETER_FIELDS = ("param", "parameter", "arg", "argument", "key", "keyword", "attribute")
_OTHER_FIELDS = ("type", "return", "returns", "rtype", "raise", "raises", "except", "exception", "yield", "yields")


def parse(docstring: str) -> tuple[str, dict[str, str]]:
    """The text without its sections, and what they say of each parameter."""
    kept: list[str] = []
    found: dict[str, list[str]] = {}
    lines = inspect.cleandoc(docstring).splitlines()
    while lines:
        line = lines.pop(0)
        header, underlined = _HEADER.match(line), bool(lines) and re.fullmatch(r"\s*-{3,}\s*", lines[0]) is not None
        if header and underlined:
            body = _until_next_header(lines[1:])
            del lines[: 1 + len(body)]
            _entries(body, found if header[1] else {}, numpy=True)
        elif header and header[2]:
            body = _indented(lines)
            del lines[: len(body)]
            _entries(inspect.cleandoc("\n" + "\n".join(body)).splitlines(), found if header[1] else {}, numpy=False)
        elif (field := _FIELD.match(line)) and field[1] in (*_PARAMETER_FIELDS, *_OTHER_FIELDS):
            body = _indented(lines)
            del lines[: len(body)]
            if field[1] in _PARAMETER_FIELDS and field[2].strip():
                found[field[2].split()[-1].strip("*")] = [field[3], *body]
        else:
            kept.append(line)
    text = "\n".join(kept).strip()
    if not found and (inline := _INLINE.search(text)):
        return text[: inline.start()].strip(), {inline[1]: inline[2].strip()}
    texts = {name: " ".join(part.strip() for part in parts if part.strip()) for name, parts in found.items()}
    return re.sub(r"\n{3,}", "\n\n", text), {name: text for name, text in texts.items() if text}


def _indented(lines: list[str]) -> list[str]:
    """The lines that belong to the one before them, with empty ones between."""
    count = 0
    for index, line in enumerate(lines):
        if line.strip() and not line[0].isspace():
            break
        if line.strip():
            count = index + 1
    return lines[:count]


def _until_next_header(lines: list[str]) -> list[str]:
    for index in range(len(lines) - 1):
        if lines[index].strip() and re.fullmatch(r"\s*-{3,}\s*", lines[index + 1]):
            return lines[:index]
    return lines


def _entries(lines: list[str], into: dict[str, list[str]], *, numpy: bool) -> None:
    """What a section says of each parameter; in NumPy's style its type stands beside the name, and the text below."""
    texts: list[str] = []
    for line in lines:
        entry = _ENTRY.match(line) if ":" in line else re.fullmatch(r"\*{0,2}(\w+)\s*()", line) if numpy else None
        if entry and not line[0].isspace():
            texts = [] if numpy else [entry[2]]
            into.update((name.strip(" *"), texts) for name in entry[1].split(","))
        else:
            texts.append(line)
