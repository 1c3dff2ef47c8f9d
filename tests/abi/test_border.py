"""The border between Python, C and Rust: what is written down once, and that the map of the modules is true."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from codex_cffi import _ffi, errors
from support import ROOT
from support.c_programs import HEADER, constants, functions

SHIM = ROOT / "rust-shim"
ABI = SHIM / "src" / "abi"
#: Folders of Rust modules, and those of their folders that have a table of their own.
ROOMS = {
    "src": ["abi"],
    "src/abi": [],
    "engine/src": [],
    "queue/src": [],
    "helper/src": [],
    "code-mode/src": [],
}
STATUSES = {name: number for name, number in constants().items() if name.startswith("CODEX_STATUS_")}


# ---- numbers


def test_every_status_has_exactly_one_exception() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.CodexError)]
    claims = [kind.code for kind in kinds if kind is not errors.CodexError and "code" in vars(kind)]
    assert sorted(claims) == sorted(number for number in STATUSES.values() if number != STATUSES["CODEX_STATUS_OK"])
    for number in claims:
        raised = errors.from_status(number, "why", retriable=False, detail=None)
        assert (raised.code, type(raised)) == (number, errors.BY_CODE[number])


def test_every_exception_names_its_status() -> None:
    named = re.findall(r'^    code = _status\("(\w+)"\)$', Path(errors.__file__).read_text(), flags=re.MULTILINE)
    assert {f"CODEX_STATUS_{name}" for name in named} == set(STATUSES) - {"CODEX_STATUS_OK"}
    assert len(named) == len(set(named))


def test_python_has_the_numbers_of_the_header() -> None:
    assert {name: _ffi.ffi.integer_const(name) for name in constants()} == constants()


def test_the_library_has_the_names_of_the_header() -> None:
    """That it has the statuses of the header and no others, the compiler sees to: see build.rs."""
    made = (SHIM / "src" / "header.rs").read_text()
    assert 'include!(concat!(env!("OUT_DIR"), "/header.rs"));' in made
    source = (SHIM / "engine" / "src" / "errors.rs").read_text()
    body = re.search(r"pub enum Status \{(.*?)\}", source, re.DOTALL)
    assert body is not None
    variants = re.findall(r"^    (\w+),$", body[1], flags=re.MULTILINE)
    assert [f"CODEX_STATUS_{_snake_case(variant)}" for variant in variants] == list(STATUSES)


def _snake_case(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).upper()


def test_no_number_of_the_header_stands_elsewhere() -> None:
    sources = [*SHIM.glob("src/**/*.rs"), *SHIM.glob("engine/src/*.rs"), *SHIM.glob("queue/src/*.rs")]
    sources += [path for path in (ROOT / "codex_cffi").rglob("*.py") if path.name != "_ffi.py"]
    names = "|".join(constants())
    copied = re.compile(rf"\b(?:{names})\b[^=\n]*=\s*-?\d|\b(?:ABI_VERSION|MAX_INPUT)\b[^=\n]*=\s*\d|\b67108864\b")
    assert [str(path) for path in sources if copied.search(path.read_text())] == []


# ---- functions


def exported() -> Iterator[tuple[str, list[str], bool]]:
    """Each function of `export!`: its name, its parameters in C as they are named there, whether it can fail."""
    declared = re.compile(r"^    fn (codex_\w+)\(((?:[^{])*?)\)(?: -> ([^{\n]+))? \{$", re.MULTILINE)
    for path in ABI.glob("*.rs"):
        for name, parameters, result in declared.findall(path.read_text()):
            # What the process has one of is no parameter.
            given = re.findall(r"&?(\w+)(?:\[(\w+)\])?: ", re.sub(r"@.*?;", "", parameters))
            out = re.search(r"Result<(\w+):", result)
            names = [part for pair in given for part in pair if part]
            names += [out[1]] if out else []
            fails = result.startswith("Result")
            yield name, [*names, "error"] if fails else names, fails


def test_the_exported_functions_have_the_parameters_of_the_header() -> None:
    ours = {name: parameters for name, parameters, _ in exported()}
    headers = {
        function.name: [
            parameter.split()[-1].lstrip("*")
            for parameter in re.findall(r"[^,()]+(?=[,)])", function.prototype.partition("(")[2])
            if parameter.strip() != "void"
        ]
        for function in functions()
    }
    assert ours == headers


def test_those_can_fail_of_which_the_header_says_so() -> None:
    ours = {name for name, _, fails in exported() if fails}
    assert ours == {function.name for function in functions() if function.errors}


def test_what_is_exported_is_written_as_safe_functions() -> None:
    """Where C's pointers are touched, and nowhere else."""
    unsafe = {path.name for path in ABI.glob("*.rs") if re.search(r"^(?!\s*//).*\bunsafe\b", path.read_text(), re.M)}
    assert unsafe == {"export.rs", "convert.rs", "handle.rs", "callbacks.rs"}
    for path in ABI.glob("*.rs"):
        for block in re.findall(r"^export! \{\n(.*?)^\}$", path.read_text(), re.M | re.S):
            assert "unsafe" not in block, path


# ---- modules


def modules(room: str) -> set[str]:
    """Names of the modules of a folder, as its table has them."""
    folder = SHIM / room
    inner = [folder / name for name in ROOMS[room]]
    files = [path for path in folder.rglob("*.rs") if not any(path.is_relative_to(other) for other in inner)]
    assert files
    return {str(path.relative_to(folder).with_suffix("")) for path in files}


@pytest.mark.parametrize("room", ROOMS)
def test_the_map_names_every_module(room: str) -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    table = re.search(rf"^\| In `rust-shim/{room}/`.*\n\| --- \| --- \|\n((?:\|.*\n)+)", page, flags=re.MULTILINE)
    assert table is not None
    named = re.findall(r"^\| `([\w/]+)` \| \S.* \|$", table[1], flags=re.MULTILINE)
    assert len(named) == len(table[1].splitlines())
    assert sorted(named) == sorted(modules(room))


def test_the_map_names_the_header() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    assert {path.name for path in HEADER.parent.iterdir()} == {"codex_capi.h"}
    assert re.search(r"^\| `codex_capi\.h` \|", page, flags=re.MULTILINE)


@pytest.mark.parametrize("room", ["src", "src/abi", "engine/src", "queue/src"])
def test_each_crate_lists_its_modules(room: str) -> None:
    top = next(path for name in ("lib.rs", "mod.rs") if (path := SHIM / room / name).is_file())
    rows = re.findall(r"^//! \| ([^|]+) \|", top.read_text(), flags=re.MULTILINE)
    listed = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert listed - set(ROOMS[room]) == modules(room) - {top.stem}


def test_no_module_is_too_long() -> None:
    sources = [path for room in ROOMS for path in (SHIM / room).rglob("*.rs")]
    assert [str(path) for path in sources if len(path.read_text().splitlines()) > 900] == []


@pytest.mark.parametrize("feature", ["tools", "interceptors", "hooks", "events", "log", "errors", "client", "thread"])
def test_a_feature_has_one_name_in_every_room(feature: str) -> None:
    assert (ROOT / "codex_cffi" / f"{feature}.py").is_file()
    assert (ABI / f"{feature}.rs").is_file()
    rooms = [SHIM / "src" / f"{feature}.rs", SHIM / "engine" / "src" / f"{feature}.rs"]
    assert any(path.is_file() for path in rooms)
