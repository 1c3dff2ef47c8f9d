"""The header: compiles anywhere, documents everything, and says what the library is."""

from __future__ import annotations

import ctypes
import hashlib
import json
import re
import subprocess
from pathlib import Path

import pytest

from support import need
from support.c_programs import COMPILERS, HEADER, WARNINGS, compiler_of, constants, functions


@pytest.mark.parametrize("how", [how for how in COMPILERS if how != "gcc-sanitized"])
def test_it_compiles_alone(how: str, tmp_path: Path) -> None:
    compiler, flags = compiler_of(how)
    # Twice: the include guard. Nothing before it: it includes what it needs.
    source = tmp_path / "alone.c"
    source.write_text(
        f'#include "{HEADER}"\n#include "{HEADER}"\nint alone(void);\nint alone(void) {{ return CODEX_STATUS_OK; }}\n'
    )
    command = [compiler, *flags, *WARNINGS, "-Wstrict-prototypes", "-fsyntax-only", str(source)]
    if "++" in compiler:
        command.remove("-Wstrict-prototypes")
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_prototype_is_read() -> None:
    code = re.sub(r"/\*.*?\*/", "", HEADER.read_text(), flags=re.DOTALL)
    assert {function.name for function in functions()} == set(re.findall(r"\b(codex_\w+)\(", code))


@pytest.mark.parametrize("function", functions(), ids=lambda function: function.name)
def test_every_function_says_what_a_caller_must_know(function) -> None:
    topics = re.findall(r"\b(Ownership|NULL|Threads|Blocking|Errors): ?\S", function.comment)
    assert topics == ["Ownership", "NULL", "Threads", "Blocking", "Errors"]
    assert function.errors <= set(constants())
    # A status is returned by the functions that document failures, and by no others; each takes the error last.
    fails = function.prototype.endswith("codex_error **error)")
    assert bool(function.errors) == fails
    if fails:
        assert function.prototype.startswith("int32_t ")


def test_the_library_exports_the_header_and_nothing_else(library: Path) -> None:
    need("nm", "binutils")
    listing = subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True, text=True, check=True).stdout
    exported = {line.split()[-1].partition("@")[0] for line in listing.splitlines()}
    assert exported == {function.name for function in functions()}


def test_the_library_was_built_from_this_header(library: Path) -> None:
    capi = ctypes.CDLL(str(library))
    capi.codex_build_info.restype = ctypes.c_char_p
    info = json.loads(capi.codex_build_info())
    assert set(info) == {"version", "abi", "engine", "header", "profile", "target", "rustc"}
    assert capi.codex_abi_version() == info["abi"] == constants()["CODEX_ABI_VERSION"]
    assert info["header"] == hashlib.sha256(HEADER.read_bytes()).hexdigest(), "build again: python build_ffi.py"
