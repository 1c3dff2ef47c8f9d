"""Assertions can fail: each test has one, and none accepts two outcomes."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from support import ROOT, TESTS

FILES = sorted([*TESTS.rglob("*.py"), *(ROOT / "typing_tests").glob("*.py")])
#: What `pytest.raises` would take for any mistake in the test too.
ANYTHING = {"Exception", "BaseException"}
ENDS_A_TEST = {"raises", "fail"}


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def alternatives(test: ast.expr) -> bool:
    """Whether a condition has an `or` that stands for a second outcome; `(x or "")` within a comparison is a value."""
    if isinstance(test, ast.BoolOp):
        return isinstance(test.op, ast.Or) or any(map(alternatives, test.values))
    return isinstance(test, ast.UnaryOp) and alternatives(test.operand)


def choice(test: ast.expr) -> bool:
    """`x in (a, b)`."""
    if not isinstance(test, ast.Compare) or not isinstance(test.ops[-1], ast.In):
        return False
    values = test.comparators[-1]
    return isinstance(values, (ast.Tuple, ast.List, ast.Set)) and len(values.elts) > 1


def tautology(test: ast.expr) -> bool:
    """A constant, a tuple, a generator, a function that was not called, a thing compared with itself, or a length of 0 at least."""
    if isinstance(test, (ast.Constant, ast.Tuple, ast.GeneratorExp, ast.Lambda, ast.JoinedStr)):
        return True
    if not isinstance(test, ast.Compare):
        return False
    sides = [test.left, *test.comparators]
    if any(ast.dump(one) == ast.dump(other) for one, other in itertools.pairwise(sides)):
        return True
    return (
        isinstance(test.ops[0], ast.GtE) and ast.unparse(sides[0]).startswith("len(") and ast.unparse(sides[1]) == "0"
    )


def faults(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert):
            if alternatives(node.test):
                yield node.lineno, "or: say which of them is right"
            if choice(node.test):
                yield node.lineno, "in (…): say which of them is right"
            if tautology(node.test):
                yield node.lineno, "is always true"
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.raises" and node.args:
            if isinstance(node.args[0], ast.Tuple):
                yield node.lineno, "raises((…)): say which of them is right"
            if ast.unparse(node.args[0]) in ANYTHING:
                yield node.lineno, "raises anything: name the error"
        swallowed = isinstance(node, ast.With) and any("suppress(" in ast.unparse(item) for item in node.items)
        if isinstance(node, ast.Try):
            caught = {ast.unparse(handler.type) if handler.type else "" for handler in node.handlers}
            swallowed = bool(caught & {"", "AssertionError", *ANYTHING})
        if isinstance(node, (ast.With, ast.Try)) and swallowed:
            yield from ((part.lineno, "is swallowed") for part in inside(node.body) if isinstance(part, ast.Assert))


def inside(body: list[ast.stmt]) -> Iterator[ast.AST]:
    for statement in body:
        yield from ast.walk(statement)


def asserting(tree: ast.Module, known: frozenset[str]) -> frozenset[str]:
    """The names of the functions that assert something, themselves or by what they call; `known` do so too."""
    functions = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    found = set(known)
    while True:
        more = {function.name for function in functions if function.name not in found and asserts(function, found)}
        if not more:
            return frozenset(found)
        found |= more


def asserts(function: ast.AST, known: set[str]) -> bool:
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            return True
        called = node.func if isinstance(node, ast.Call) else None
        name = called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""
        if name in known | ENDS_A_TEST or name.startswith("assert_"):
            return True
    return False


@cache
def helpers(module: Path) -> frozenset[str]:
    """What in a module asserts something."""
    return asserting(parsed(module), frozenset())


def imported(path: Path) -> frozenset[str]:
    """The helpers that a test module has imported, of support/ or of its own folder, and that assert something."""
    found: set[str] = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.ImportFrom):
            package, _, module = (node.module or "").partition(".")
            helper = (
                TESTS / "support" / f"{module or '__init__'}.py" if package == "support" else path.with_stem(package)
            )
            if helper.is_file():
                found |= {name.name for name in node.names} & helpers(helper)
    return frozenset(found)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_assertion_accepts_everything(path: Path) -> None:
    assert [f"{path.relative_to(ROOT)}:{line} {why}" for line, why in faults(parsed(path))] == []


@pytest.mark.parametrize("path", sorted(TESTS.rglob("test_*.py")), ids=lambda path: str(path.relative_to(TESTS)))
def test_every_test_asserts_something(path: Path) -> None:
    tree = parsed(path)
    known = asserting(tree, imported(path))
    tests = [node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    assert [test.name for test in tests if test.name.startswith("test_") and test.name not in known] == []


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("assert a == 1 or b == 2", "or"),
        ("assert not (a or b)", "or"),
        ("assert a in (1, 2)", "in"),
        ("assert (a, 'it is')", "always"),
        ("assert a.b is a.b", "always"),
        ("assert len(a) >= 0", "always"),
        ("with pytest.raises((A, B)):\n    f()", "raises"),
        ("with pytest.raises(Exception, match='x'):\n    f()", "raises anything"),
        ("with suppress(A):\n    assert f()", "swallowed"),
        ("try:\n    assert a\nexcept Exception:\n    pass", "swallowed"),
    ],
)
def test_what_is_found(code: str, why: str) -> None:
    ((_, found),) = faults(ast.parse(code))
    assert why in found


@pytest.mark.parametrize(
    "code", ["assert (a or '') == 'x'", "assert a == (1 if b else 2)", "assert a in b", "assert a not in (1, 2)"]
)
def test_what_is_right(code: str) -> None:
    assert list(faults(ast.parse(code))) == []
