"""Makes the page c-abi.md of the documentation out of csrc/codex_capi.h, so that no prototype stands twice in the repository.

A hook of mkdocs (see mkdocs.yml). By hand: `python scripts/header_page.py` prints the page.
"""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

HEADER = Path(__file__).resolve().parents[1] / "csrc" / "codex_capi.h"
PAGE = "c-abi.md"

INTRODUCTION = """\
# The C ABI

The library `libcodex_capi` is a C library of its own; the Python package is one of its hosts. This page is made from `csrc/codex_capi.h`, which is the whole
contract: C and C++ programs need nothing else. `tests/c/host.c` is an example of a host.
"""

_TOPICS = re.compile(r"\b(Ownership|NULL|Threads|Blocking|Errors): ?")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the page."""
    from mkdocs.structure.files import File

    files.append(File.generated(config, PAGE, content=render(HEADER.read_text())))
    return files


def render(header: str) -> str:
    """The page, Markdown."""
    manual, _, code = header.partition("#ifndef CODEX_CAPI_H")
    # The guard and what C++ needs.
    code = re.sub(r"#ifdef __cplusplus.*?#endif\n", "", code, flags=re.DOTALL)
    parts = [INTRODUCTION, *_chapters(manual), "## Constants and types\n"]
    constants: list[tuple[str, str, str]] = []
    about = ""  # neighbours share a comment
    for comment, declaration in re.findall(
        r"/\*(.*?)\*/|^((?:#define CODEX_\w+ \d+|\w[^;{}#]*;))", code, re.DOTALL | re.MULTILINE
    ):
        section = re.fullmatch(r" -{4} (.*?) -+ ", comment)
        if section:
            parts += _table(constants)
            parts.append(f"## {section[1].capitalize()}\n")
        elif comment:
            about = _unwrapped(comment)
        elif declaration.startswith("#define"):
            _, name, value = declaration.split()
            constants.append((name, value, about))
        elif opaque := re.fullmatch(r"typedef struct \w+ (\w+);", declaration):
            constants.append((opaque[1], "", about))
        else:
            parts += _table(constants)
            parts += _function(declaration, about)
    return "\n".join(parts)


def _chapters(manual: str) -> list[str]:
    """The numbered chapters of the first comment."""
    text = _unwrapped(manual[manual.index("/*") + 2 : manual.rindex("*/")])
    found = re.split(r"^(\d+\. .+)$", text, flags=re.MULTILINE)[1:]
    return [f"## {title}\n\n{_prose(_dedent(body, 3))}\n" for title, body in zip(found[::2], found[1::2], strict=True)]


def _function(declaration: str, about: str) -> list[str]:
    name = re.search(r"\b(codex_\w+)\)?\(", declaration)
    assert name is not None, declaration
    topics = _TOPICS.split(about)
    said = [
        f"| {topic} | {_prose(' '.join(text.split()))} |"
        for topic, text in zip(topics[1::2], topics[2::2], strict=True)
    ]
    lines = [f"### {name[1]}\n", "```c", declaration, "```\n", _prose(topics[0]), ""]
    return lines + (["| | |", "| --- | --- |", *said, ""] if said else [])


def _table(rows: list[tuple[str, str, str]]) -> list[str]:
    """The constants or types collected so far, which are taken away."""
    if not rows:
        return []
    lines = ["| name | value | |", "| --- | --- | --- |"]
    lines += [f"| `{name}` | {value} | {_prose(' '.join(about.split()))} |" for name, value, about in rows]
    rows.clear()
    return [*lines, ""]


def _unwrapped(comment: str) -> str:
    """A comment's text, without the stars at its lines' beginnings."""
    return "\n".join(re.sub(r"^ ?\*? ?", "", line).rstrip() for line in comment.strip().splitlines())


def _dedent(text: str, width: int) -> str:
    return "\n".join(line[width:] if line[:width].isspace() else line for line in text.splitlines())


def _prose(text: str) -> str:
    """Text as Markdown: what is indented stays as it is, in a block, unless it goes on an item of a list."""
    made: list[str] = []
    verbatim: list[str] = []
    listed = False
    for line in [*text.strip("\n").splitlines(), ""]:
        listed = bool(re.match(r"\d+\. ", line)) or (listed and line.startswith("   "))
        if line.startswith("  ") and not listed:
            verbatim.append(line)
            continue
        if verbatim:
            made += ["", "```text", textwrap.dedent("\n".join(verbatim)), "```", ""]
            verbatim = []
        if re.match(r"1\. ", line) or (made and re.match(r"\d+\. ", made[-1]) and line[:1].isalpha()):
            made.append("")
        made.append(_inline(line))
    return "\n".join(made).strip("\n")


#: What is code in running text: JSON, names of the header, quoted words, output parameters.
_CODE = re.compile(
    r"""`[^`]+`
    |\{(?:[^{}]|\{[^{}]*\})*\}
    |\*?\b(?:codex|CODEX)_\w+(?:\*{1,2}|\.h|::\w+)?
    |\*[a-z]+\b
    |(?<!\w)_free\b
    |\b\w+_ms\b
    |"[^"\s]+"
    """,
    re.VERBOSE,
)


def _inline(text: str) -> str:
    made, end = [], 0
    for found in _CODE.finditer(text):
        made += [_escaped(text[end : found.start()]), found[0] if found[0].startswith("`") else f"`{found[0]}`"]
        end = found.end()
    return "".join([*made, _escaped(text[end:])])


def _escaped(text: str) -> str:
    return re.sub(r"([*_|\\])", r"\\\1", text).replace("<", "&lt;").replace(">", "&gt;")


if __name__ == "__main__":
    print(render(HEADER.read_text()))  # noqa: T201
