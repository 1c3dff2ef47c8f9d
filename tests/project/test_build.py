"""The build's own parts: engine edits, the cffi module, what a wheel holds."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from codex_cffi import _ffi
from support import REAL_HOME, ROOT


@pytest.fixture(scope="module")
def apply() -> ModuleType:
    spec = importlib.util.spec_from_file_location("engine_edits", ROOT / "rust-shim" / "engine-edits" / "apply.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def edits(apply: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """A folder of edits for a crate, and the crate."""
    monkeypatch.setattr(apply, "HERE", tmp_path / "edits")
    folder, crate = tmp_path / "edits" / "some-crate", tmp_path / "crate"
    folder.mkdir(parents=True)
    (crate / "src").mkdir(parents=True)
    (crate / "src" / "lib.rs").write_text('one two two env!("CARGO_PKG_VERSION")\n')
    (crate / "Cargo.toml").write_text("[dependencies]\n")
    return folder, crate


def test_edits_replace_and_add(apply: ModuleType, edits: tuple[Path, Path]) -> None:
    folder, crate = edits
    (folder / "new.rs").write_text("ours")
    (folder / "edits.toml").write_text(
        'version = ["src/lib.rs:1"]\n[[replace]]\nfile = "src/lib.rs"\nfind = "one"\nwith = "1"\n'
        '[[add]]\nfile = "src/deep/new.rs"\nsource = "new.rs"\n'
    )
    apply.edit_tree("some-crate", crate)
    assert (crate / "src" / "lib.rs").read_text() == '1 two two "0.145.0"\n'
    assert (crate / "src" / "deep" / "new.rs").read_text() == "ours"


def test_a_crate_may_have_a_file_of_edits_for_each_concept(apply: ModuleType, edits: tuple[Path, Path]) -> None:
    folder, crate = edits
    (folder / "edits.toml").write_text('[[replace]]\nfile = "src/lib.rs"\nfind = "one"\nwith = "1"\n')
    (folder / "later.toml").write_text('[[replace]]\nfile = "src/lib.rs"\nfind = "1 two"\nwith = "3"\n')
    apply.edit_tree("some-crate", crate)
    assert (crate / "src" / "lib.rs").read_text() == '3 two env!("CARGO_PKG_VERSION")\n'
    for name in ("edits", "later"):
        (folder / f"{name}.toml").write_text("[dependencies]\nweb = false\n")
    with pytest.raises(apply.EditError, match=r"later\.toml edits the dependency web once more"):
        apply.edit_tree("some-crate", crate)


def test_edits_change_dependencies(apply: ModuleType, edits: tuple[Path, Path]) -> None:
    folder, crate = edits
    (folder / "edits.toml").write_text('[dependencies]\nweb = ["json"]\nplain = []\ntls = false\nroots = "1"\n')
    (crate / "Cargo.toml").write_text(
        '[package]\nname = "some-crate"\n[dependencies]\nplain = "2"\nweb = { workspace = true, features = ["all"] }\n'
        '[target."cfg(unix)".dependencies]\ntls = "3"\n'
    )
    (crate.parent / "Cargo.toml").write_text('[workspace.dependencies]\nweb = { version = "1" }\n')
    apply.edit_tree("some-crate", crate)
    manifest = apply.tomllib.loads((crate / "Cargo.toml").read_text())
    assert manifest["dependencies"] == {
        "plain": {"version": "2", "default-features": False, "features": []},
        "web": {"version": "1", "default-features": False, "features": ["json"]},
        "roots": "1",
    }
    assert manifest["target"]["cfg(unix)"]["dependencies"] == {}


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ('[[replace]]\nfile = "src/lib.rs"\nfind = "three"\nwith = ""\n', "has 0 places, not 1"),
        ('[[replace]]\nfile = "src/lib.rs"\nfind = "two"\nwith = ""\n', "has 2 places, not 1"),
        ('[[replace]]\nfile = "src/gone.rs"\nfind = "two"\nwith = ""\n', r"gone\.rs"),
        ('version = ["src/lib.rs:2"]\n', "has 1 places, not 2"),
        ('[[add]]\nfile = "src/lib.rs"\nsource = "edits.toml"\n', "is there already"),
        ("[dependencies]\ngone = false\n", "has no dependency gone"),
        ("[[replaces]]\n", "edits.toml has the key 'replaces'"),
    ],
    ids=["none", "twice", "no file", "versions", "taken", "dependency", "unknown"],
)
def test_an_edit_that_does_not_fit_stops_the_build(
    apply: ModuleType, edits: tuple[Path, Path], toml: str, message: str
) -> None:
    folder, crate = edits
    (folder / "edits.toml").write_text(toml)
    with pytest.raises(apply.EditError, match=message):
        apply.edit_tree("some-crate", crate)


def test_every_edited_crate_is_pinned_exactly() -> None:
    manifest = (ROOT / "rust-shim" / "Cargo.toml").read_text()
    table = dict(
        re.findall(r'^(codex-[\w-]+) = \{ package = "[\w-]+", version = "(=[\d.]+)" \}$', manifest, flags=re.MULTILINE)
    )
    edited = {path.parent.name for path in (ROOT / "rust-shim" / "engine-edits").glob("*/*.toml")}
    assert edited
    assert edited <= set(table)


def test_no_upstream_source_is_kept_here() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "rust-shim"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    sources = [name for name in listed if name.endswith(".rs")]
    assert sources
    total = sum(len((ROOT / name).read_text().splitlines()) for name in sources)
    assert total < 40_000, "upstream has more than half a million"


def test_the_cffi_module_is_of_this_header() -> None:
    assert hashlib.sha256((ROOT / "csrc" / "codex_capi.h").read_bytes()).hexdigest() == _ffi.HEADER_SHA256, (
        "run python build_ffi.py"
    )


def test_errors_are_those_of_the_header() -> None:
    from codex_cffi.errors import BY_CODE

    header = (ROOT / "csrc" / "codex_capi.h").read_text()
    codes = {int(code) for code in re.findall(r"^#define CODEX_STATUS_\w+ (\d+)$", header, flags=re.MULTILINE)}
    assert set(BY_CODE) == codes - {0}


def test_a_wheel_holds_what_is_needed_and_nothing_else(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path)]
    environment = {**os.environ, "CODEX_CFFI_PROFILE": "dev", "HOME": REAL_HOME}
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment)
    assert result.returncode == 0, result.stdout + result.stderr
    (wheel,) = tmp_path.glob("*.whl")
    assert re.fullmatch(r"codex_cffi-[\d.]+-py3-none-\w+\.whl", wheel.name)
    names = set(zipfile.ZipFile(wheel).namelist())
    native = {name for name in names if "/_native/" in name}
    assert native == {"codex_cffi/_native/libcodex_capi.so", "codex_cffi/_native/codex-linux-sandbox"}
    for needed in ("codex_cffi/_ffi.py", "codex_cffi/py.typed", "codex_cffi/testing/__init__.py"):
        assert needed in names
    licences = {Path(name).name for name in names if "/licenses/" in name}
    assert licences == {"LICENSE", "NOTICE", "THIRD_PARTY.md", "nucleo-MPL-2.0.txt"}
    assert not [name for name in names if name.startswith(("tests", "rust-shim", "benchmarks", "csrc"))]
