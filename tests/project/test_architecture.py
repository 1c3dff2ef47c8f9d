"""The structure that docs/architecture.md tells of: layers, no circles, no reach into another object's private names, modules of a readable size."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "codex_cffi"
#: What the build and the scripts make.
MADE = re.compile(r"_ffi\.py|openai/_models\.py|protocol/_tables\.py|protocol/_types/")

#: The first pattern that fits a module counts; what fits none is a value.
LAYERS = {
    "core": r"_core/",
    "serving and waiting": r"_serving/|_waiting/|(_capi|_skill_folders|log)\.py",
    "faces": r"openai/|testing/|cli/|acp/|_pyinstaller/"
    r"|(__init__|client|_registering|thread|turn_stream|sessions|account|skills|mcp|config|models|agents|batch|review|_query|_opening)\.py"
    r"|(lowlevel|config_file|demo)\.py",
}
RANKS = {"values": 0, "core": 1, "serving and waiting": 2, "faces": 3}


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path.relative_to(PACKAGE).as_posix(), path


FILES = dict(modules())


def layer(name: str) -> str:
    return next((layer for layer, pattern in LAYERS.items() if re.match(pattern, name)), "values")


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def imports(name: str) -> Iterator[tuple[str, bool]]:
    """The package's modules that one imports, each with whether that is only when a function is called."""
    place = name.split("/")[:-1]

    def visit(node: ast.AST, later: bool) -> Iterator[tuple[str, bool]]:
        for child in ast.iter_child_nodes(node):
            if is_type_checking(child):
                continue
            if isinstance(child, ast.ImportFrom) and child.level:
                up = place[: len(place) - child.level + 1]
                where = [*up, *(child.module or "").split(".")] if child.module else up
                for alias in child.names:
                    for found in ([*where, alias.name], where):
                        path = "/".join(found)
                        file = f"{path}.py" if f"{path}.py" in FILES else f"{path}/__init__.py".lstrip("/")
                        if file in FILES:
                            yield file, later
                            break
            yield from visit(child, later or isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)))

    yield from visit(ast.parse(FILES[name].read_text()), False)


def test_the_layers_are_told_apart() -> None:
    assert [
        layer(name) for name in ("_core/steps.py", "_serving/tools.py", "client.py", "client_options.py", "tools.py")
    ] == [
        "core",
        "serving and waiting",
        "faces",
        "values",
        "values",
    ]
    assert {layer(name) for name in FILES} == set(RANKS)


@pytest.mark.parametrize("name", FILES)
def test_a_module_imports_nothing_from_above(name: str) -> None:
    mine = RANKS[layer(name)]
    above = [
        (other, layer(other))
        for other, later in imports(name)
        if RANKS[layer(other)] > mine and not (later and mine != RANKS["core"])
    ]
    assert above == []


def circles(edges: Mapping[str, set[str]]) -> list[list[str]]:
    """Modules that import each other, by a way of any length."""

    def reached(start: str) -> set[str]:
        seen: set[str] = set()
        waiting = [start]
        while waiting:
            for other in edges.get(waiting.pop(), set()) - seen:
                seen.add(other)
                waiting.append(other)
        return seen

    return [[name, *sorted(edges[name])] for name in edges if name in reached(name)]


def test_no_circle_of_imports() -> None:
    top = "__init__.py"
    edges = {name: {other for other, _ in imports(name) if other not in (top, name)} for name in FILES if name != top}
    assert circles(edges) == []
    assert circles({"a": {"b"}, "b": {"a"}}) == [["a", "b"], ["b", "a"]]


def private_reaches(source: str) -> list[str]:
    """Uses of private names that are not the using object's own; those of imported modules are these modules' business."""
    tree = ast.parse(source)
    imported = {
        alias.asname or alias.name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    }
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute) or not node.attr.startswith("_") or node.attr.startswith("__"):
            continue
        owner = ast.unparse(node.value)
        if owner not in ("self", "cls", "super()") and owner not in imported:
            found.append(f"{owner}.{node.attr}")
    return found


def test_reaches_are_found() -> None:
    assert private_reaches("import a\nself._x = other._x = self.y._z\na._b()\nsuper()._c()") == [
        "other._x",
        "self.y._z",
    ]


@pytest.mark.parametrize("name", FILES)
def test_no_object_uses_the_private_names_of_another(name: str) -> None:
    assert private_reaches(FILES[name].read_text()) == []


def test_modules_have_a_readable_size() -> None:
    ours = [path for name, path in FILES.items() if not MADE.match(name)]
    long = {
        path.relative_to(ROOT).as_posix(): lines
        for path in [*ours, *(ROOT / "tests").rglob("*.py")]
        if (lines := len(path.read_text().splitlines())) > 900
    }
    assert long == {}


def test_the_documentation_names_every_module() -> None:
    page = (ROOT / "docs/architecture.md").read_text()
    table = page[page.index("## Modules") :]
    folders = ("openai/", "protocol/", "testing/", "_pyinstaller/")
    missing = [
        name
        for name in FILES
        if not name.endswith("__init__.py")
        and name != "_ffi.py"
        and not name.startswith(folders)
        and f"`{name}`" not in table
    ]
    assert missing == []
    assert [folder for folder in folders if f"`{folder}`" not in table] == []


def test_the_files_that_the_documentation_walks_through_are_there() -> None:
    page = (ROOT / "docs/architecture.md").read_text()
    names = set(re.findall(r"`((?:[\w-]+/)*[\w-]+\.(?:py|rs|toml|md|h))`", page))
    assert len(names) > 60
    everywhere = {
        path.name
        for folder in ("codex_cffi", "rust-shim", "tests", "csrc", "docs")
        for path in (ROOT / folder).rglob("*.*")
    }
    missing = [
        name
        for name in names
        if not (ROOT / name).exists()
        and not (PACKAGE / name).exists()
        and not (ROOT / "rust-shim" / name).exists()
        and not ("/" not in name and name in everywhere)
    ]
    assert missing == []


def test_what_the_documentation_names_in_a_file_is_in_the_package() -> None:
    page = (ROOT / "docs/architecture.md").read_text()
    walks = page[page.index("### A prompt") : page.index("## One logic")]
    sources = "".join(path.read_text() for path in FILES.values())
    names = set(re.findall(r"`([A-Z]\w+)\.(\w+)`", walks))
    assert len(names) > 5
    for owner, name in names:
        assert re.search(rf"^class {owner}\b", sources, re.M), owner
        assert re.search(rf"def {name}\(", sources), name
