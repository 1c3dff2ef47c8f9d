"""Programs that are one file or one folder: the library and its helper are found, or what is missing is said."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
import zipapp
from pathlib import Path

import pytest

from support import REAL_HOME, ROOT, need_beside_python
from support.wheel import make_wheel

MAIN = """
import sys
from codex_cffi import Codex
from codex_cffi.testing import ScriptedModel, shell

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}
with ScriptedModel([[shell("echo hi", call_id="c", login=False)], '{"n": 1}']) as model:
    with Codex(codex_home=sys.argv[1], isolated=True, config=model.provider_config()) as codex:
        thread = codex.start_thread(working_directory=sys.argv[2], sandbox_mode="read-only")
        print(thread.run("go", output_schema=SCHEMA, timeout=60).parsed)
        print(model.last_request.tool_output("c").splitlines()[-1])
"""
#: What this environment has, and PyInstaller would bundle too, because something may import it.
OTHERS = (
    "IPython",
    "PIL",
    "cryptography",
    "django",
    "gevent",
    "hypothesis",
    "mypy",
    "numpy",
    "pydantic",
    "pytest",
    "setuptools",
    "tkinter",
)
#: What the program prints: the sandboxed command has run, so the helper was found too.
RUNS = "{'n': 1}\nhi\n"


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A zipapp with the package's modules."""
    source = tmp_path / "source"
    shutil.copytree(ROOT / "codex_cffi", source / "codex_cffi", ignore=shutil.ignore_patterns("_native", "__pycache__"))
    (source / "__main__.py").write_text(MAIN)
    zipapp.create_archive(source, tmp_path / "program.pyz")
    return tmp_path / "program.pyz"


def run(program: Path, *arguments: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs a Python program, or one that needs no Python: isolated from the checkout, which is on this process's path."""
    environment = {
        name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "CODEX_CFFI_LIBRARY")
    }
    python = [] if os.access(program, os.X_OK) else [sys.executable]
    return subprocess.run(
        [*python, program, *arguments],
        cwd=program.parent,
        env={**environment, **variables},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_a_zipapp_says_that_no_library_is_loaded_out_of_it(archive: Path) -> None:
    result = run(archive)
    assert "ImportError: the package's library is" in result.stderr
    assert "out of an archive" in result.stderr
    assert "CODEX_CFFI_LIBRARY" in result.stderr


def test_a_zipapp_runs_with_the_library_outside(archive: Path, library: Path, repo: Path) -> None:
    result = run(archive, archive.parent / "home", repo, CODEX_CFFI_LIBRARY=str(library))
    assert result.stdout == RUNS, result.stderr


def test_a_frozen_program_without_the_library_is_told_what_to_bundle(archive: Path) -> None:
    main = archive.parent / "source" / "__main__.py"
    main.write_text(f"import sys\nsys.frozen = True\n{MAIN}")
    result = run(main)
    assert "--collect-all codex_cffi" in result.stderr


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what pip installs: the package, what it needs, and a program `agent`."""
    folder = tmp_path_factory.mktemp("site")
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--disable-pip-version-check",
        "install",
        "--constraint",
        ROOT / "constraints.txt",
    ]
    make([*pip, "--target", folder, make_wheel(tmp_path_factory.mktemp("wheel"))], HOME=REAL_HOME)
    (folder / "agent.py").write_text("def main():\n" + textwrap.indent(MAIN, "    "))
    return folder


def make(command: list[str | Path], **variables: str) -> None:
    """Runs a program that makes something."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    made = subprocess.run(command, env={**environment, **variables}, capture_output=True, text=True, timeout=300)
    assert made.returncode == 0, made.stdout + made.stderr


@pytest.mark.parametrize("how", ["--onedir", "--onefile"])
def test_pyinstaller(how: str, site: Path, tmp_path: Path, repo: Path) -> None:
    pyinstaller = need_beside_python("pyinstaller", extra="hosts")
    (tmp_path / "agent.py").write_text(MAIN)
    folders = [part for name in ("dist", "work", "spec") for part in (f"--{name}path", tmp_path / name)]
    others = [part for name in OTHERS for part in ("--exclude-module", name)]
    make([pyinstaller, how, *others, *folders, tmp_path / "agent.py"], PYTHONPATH=str(site))
    program = tmp_path / "dist" / "agent"
    result = run(program if how == "--onefile" else program / "agent", tmp_path / "home", repo)
    assert result.stdout == RUNS, result.stderr


@pytest.mark.parametrize("name", ["shiv", "pex"])
def test_archives_that_unpack_themselves(name: str, site: Path, tmp_path: Path, repo: Path) -> None:
    tool, program = need_beside_python(name, extra="hosts"), tmp_path / "agent.pyz"
    entry = ["--entry-point", "agent:main", "--output-file", program]
    if name == "shiv":
        make([tool, *entry, "--python", sys.executable, "--site-packages", site, "--uncompressed"])
    else:
        make([tool, *entry, "--python-shebang", sys.executable, "--sources-directory", site, "--no-compress"])
    result = run(program, tmp_path / "home", repo)
    assert result.stdout == RUNS, result.stderr
