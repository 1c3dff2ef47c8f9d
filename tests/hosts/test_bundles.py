"""Programs that are one file: what is missing there is said."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipapp
from pathlib import Path

import pytest

from support import ROOT

MAIN = """
import sys
from codex_cffi import Codex
from codex_cffi.testing import ScriptedModel

with ScriptedModel(["done"]) as model:
    with Codex(codex_home=sys.argv[1], isolated=True, config=model.provider_config()) as codex:
        print(codex.start_thread(working_directory=sys.argv[2]).run("go", timeout=60).final_response)
"""


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A zipapp with the package's modules."""
    source = tmp_path / "source"
    shutil.copytree(ROOT / "codex_cffi", source / "codex_cffi", ignore=shutil.ignore_patterns("_native", "__pycache__"))
    (source / "__main__.py").write_text(MAIN)
    zipapp.create_archive(source, tmp_path / "program.pyz")
    return tmp_path / "program.pyz"


def run(archive: Path, *arguments: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {
        name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "CODEX_CFFI_LIBRARY")
    }
    # Isolated from the checkout, which is on this process's path.
    return subprocess.run(
        [sys.executable, archive, *arguments],
        cwd=archive.parent,
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
    assert result.stdout == "done\n", result.stderr


def test_a_frozen_program_without_the_library_is_told_what_to_bundle(archive: Path) -> None:
    main = archive.parent / "source" / "__main__.py"
    main.write_text(f"import sys\nsys.frozen = True\n{MAIN}")
    result = run(main)
    assert "with PyInstaller: --collect-all codex_cffi" in result.stderr
