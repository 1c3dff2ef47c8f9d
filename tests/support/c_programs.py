"""Compiles the programs of `c/` and reads the header, for the tests of the C ABI."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from support import ROOT, TESTS, need

HEADER = ROOT / "csrc" / "codex_capi.h"
SOURCES = TESTS / "c"

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]
#: Ways to compile a program: the compiler, its Debian package, its flags.
COMPILERS = {
    "gcc-c11": ("gcc", "gcc", ["-std=c11"]),
    "g++-c++17": ("g++", "g++", ["-x", "c++", "-std=c++17"]),
    "clang-c11": ("clang", "clang", ["-std=c11"]),
    "clang-c++17": ("clang++", "clang", ["-x", "c++", "-std=c++17"]),
    "gcc-sanitized": ("gcc", "gcc", ["-std=c11", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]),
}
# clang is a second opinion, where it is installed.
COMPILERS = {how: entry for how, entry in COMPILERS.items() if entry[1] != "clang" or shutil.which(entry[0])}

#: The sanitizer looks for leaks at exit. Nothing is suppressed: what the Rust runtime and the engine keep for the process's life is
#: reachable from their statics, which the leak check follows, so that whatever it reports is a handle or a buffer that nobody freed.
SANITIZER = {"ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0", "LSAN_OPTIONS": "exitcode=23"}
LEAK_EXIT_CODE = 23


def compiler_of(how: str) -> tuple[str, list[str]]:
    """The compiler and its flags."""
    compiler, package, flags = COMPILERS[how]
    need(compiler, package)
    return compiler, flags


def compile_program(name: str, how: str, library: Path, folder: Path) -> Path:
    """Compiles `c/<name>.c` against the library, which it then finds where it is."""
    compiler, flags = compiler_of(how)
    program = folder / f"{name}-{how}"
    command = [compiler, *flags, *WARNINGS, "-I", HEADER.parent, SOURCES / f"{name}.c", "-o", program, "-pthread"]
    # Else "-x c++" would have the library compiled too.
    command += ["-x", "none", library, f"-Wl,-rpath,{library.parent}"]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr
    return program


def run_program(
    program: str | Path, *arguments: object, cwd: Path, timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    """Runs a program with a home of its own."""
    environment = {**os.environ, **SANITIZER, "HOME": str(cwd), "CODEX_HOME": str(cwd / "unused")}
    return subprocess.run(
        [str(program), *map(str, arguments)], cwd=cwd, env=environment, capture_output=True, text=True, timeout=timeout
    )


@dataclass(frozen=True)
class Function:
    """A function of the header."""

    name: str
    prototype: str
    comment: str

    @property
    def errors(self) -> set[str]:
        """The statuses of its "Errors:" line."""
        line = re.sub(r"\s*\n \*\s*", " ", self.comment).partition("Errors:")[2]
        return {f"CODEX_STATUS_{word}" for word in re.findall(r"\b[A-Z][A-Z_]+\b", line) if word != "JSON"}


def functions() -> list[Function]:
    """Every function of the header, with the comment above it."""
    text = HEADER.read_text()
    pattern = r"/\*((?:(?!\*/).)*)\*/\n((?:const )?\w+ \*?(codex_\w+)\([^;{}]*\));"
    return [
        Function(name, " ".join(prototype.split()), comment)
        for comment, prototype, name in re.findall(pattern, text, re.DOTALL)
    ]


def constants() -> dict[str, int]:
    """Every `#define CODEX_... <number>` of the header."""
    return {
        name: int(value) for name, value in re.findall(r"^#define (CODEX_\w+) (\d+)$", HEADER.read_text(), re.MULTILINE)
    }
