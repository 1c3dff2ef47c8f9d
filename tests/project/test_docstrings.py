"""Docstrings are of one dialect, Google's, and examples in them are marked as code, which the formatter else takes for prose that is indented too far."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import ROOT

#: Made by scripts from what others wrote.
MADE = {"_ffi.py", "_tables.py", "_models.py", "_types"}
FILES = [
    path
    for path in sorted([*(ROOT / "codex_cffi").rglob("*.py"), *(ROOT / "scripts").glob("*.py"), *ROOT.glob("*.py")])
    if not MADE & set(path.parts)
]

#: Of Sphinx, Epydoc and NumPy, and Google's own other names of Args, Returns, Yields, Raises, Attributes and Example.
FOREIGN = re.compile(
    r"^ *(?:[:@](?:param|parameter|arg|argument|key|keyword|type|raises?|except|exception|var|ivar|cvar|vartype|returns?|rtype)\b.*:.*"
    r"|[-=~]{3,}"
    r"|(?:Arguments|Params|Parameters|Keyword Arguments|Keyword Args|Other Parameters|Return|Yield|Raise|Examples|Usage|Fields|Members):) *$",
    re.MULTILINE,
)


def docstrings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            text = ast.get_docstring(node)
            if text is not None:
                yield node.body[0].lineno, text


def prose(text: str) -> Iterator[str]:
    """The paragraphs that are marked neither as code, after ``::``, nor as a dialogue."""
    paragraph: list[str] = []
    code: int | None = None
    for line in [*text.splitlines(), ""]:
        indent = len(line) - len(line.lstrip())
        if code is not None and (not line.strip() or indent > code):
            continue
        code = indent if line.endswith("::") else None
        if line.strip() and not line.lstrip().startswith((">>> ", "... ")):
            paragraph.append(line)
        if paragraph and (not line.strip() or code is not None):
            yield "\n".join(paragraph)
            paragraph = []


def is_code(paragraph: str) -> bool:
    """Whether Python would do something: words and names alone are no code."""
    try:
        statements = ast.parse(textwrap.dedent(paragraph)).body
    except SyntaxError:
        return False
    return any(not isinstance(node, ast.Expr) or isinstance(node.value, (ast.Call, ast.Await)) for node in statements)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_docstrings_mark_their_code_and_are_of_one_dialect(path: Path) -> None:
    found = list(docstrings(ast.parse(path.read_text())))
    assert [(line, part) for line, text in found for part in prose(text) if is_code(part)] == []
    assert [(line, section) for line, text in found for section in FOREIGN.findall(text)] == []


@pytest.mark.parametrize(
    "text",
    [
        "Does it.\n\nx = f(1)\nfor y in x:\n    print(y)",
        "Does it.\n\n    x = f(1)\n\nAnd more.",
        "Does it::\n\nwith f() as x:\n    ...",
        "Does it::\n\n    f()\n\ng()",
        ":param x: what\n",
        "Args\n----\nx: what",
        "Does it.\n\nParameters:\n    x: what",
    ],
)
def test_what_is_found(text: str) -> None:
    assert any(map(is_code, prose(text))) != bool(FOREIGN.search(text))


@pytest.mark.parametrize(
    "text",
    [
        "f",
        "Does it::\n\n    f()\n\n    g()\n\nAnd more.",
        "Example:\n    >>> f()\n    1",
        "Args:\n    x: what\n    y: None",
    ],
)
def test_what_is_right(text: str) -> None:
    assert not any(map(is_code, prose(text)))
    assert FOREIGN.search(text) is None
