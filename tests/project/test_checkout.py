"""Building against a checkout of codex-rs: what is staged, and what is said when that cannot be."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support import REAL_HOME, ROOT, need
from support.checkout import assemble, load_apply

APPLY = load_apply()
PINNED = r"codex-rs 0\.145\.0"


@pytest.fixture(scope="module")
def codex_rs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What stands for the user's checkout; tests only read it."""
    need("cargo", "rustup")
    folder = tmp_path_factory.mktemp("user") / "codex-rs"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", REAL_HOME)
        assemble(folder)
    return folder


@pytest.fixture(scope="module")
def before(codex_rs: Path) -> dict[Path, tuple[int, int]]:
    return state(codex_rs)


@pytest.fixture(scope="module")
def staged(codex_rs: Path, before: dict[Path, tuple[int, int]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The staged workspace."""
    path = APPLY.stage_checkout(codex_rs, tmp_path_factory.mktemp("cache"), ROOT)
    assert isinstance(path, Path)
    return path


@pytest.fixture
def own(codex_rs: Path, tmp_path: Path) -> Iterator[Path]:
    """A checkout that the test may change, by new files only: the others are links."""
    folder = tmp_path / "own"
    shutil.copytree(codex_rs, folder, copy_function=os.link)
    yield folder
    shutil.rmtree(folder)


def state(folder: Path) -> dict[Path, tuple[int, int]]:
    """What a write, or a rename in place of one, changes."""
    files = {path.relative_to(folder): path.stat() for path in folder.rglob("*") if path.is_file()}
    return {path: (status.st_mtime_ns, status.st_ino) for path, status in files.items()}


def rewrite(path: Path, text: str) -> None:
    path.unlink()
    path.write_text(text)


def metadata(workspace: Path) -> Any:
    command = ["cargo", "metadata", "--offline", "--format-version", "1"]
    environment = {**os.environ, "HOME": REAL_HOME}
    result = subprocess.run(command, cwd=workspace, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.fixture(scope="module")
def packages(staged: Path) -> list[dict[str, Any]]:
    """The packages that a build of the staged workspace would use."""
    resolved = metadata(staged)
    used = {node["id"] for node in resolved["resolve"]["nodes"]}
    return [package for package in resolved["packages"] if package["id"] in used]


def test_every_upstream_crate_is_the_checkouts(packages: list[dict[str, Any]], staged: Path) -> None:
    ours = {"codex-capi", "codex-capi-code-mode-tests", "codex-capi-engine", "codex-capi-queue", "codex-cffi-helper"}
    found = {package["name"]: package for package in packages if package["source"] is None}
    assert ours <= set(found)
    for name, package in found.items():
        inside = Path(package["manifest_path"]).is_relative_to(staged if name in ours else staged.parent / "codex-rs")
        assert inside, package["manifest_path"]
    assert {"codex-core", "codex-login", "codex-utils-path", "codex-code-mode"} <= set(found)
    assert not [package["id"] for package in packages if package["name"].startswith("typeduck-")]
    assert not [p["id"] for p in packages if p["name"].startswith("codex-") and p["source"] is not None]


def test_v8_is_gone(packages: list[dict[str, Any]], staged: Path) -> None:
    assert "v8" not in {package["name"] for package in packages}
    (code_mode,) = (package for package in packages if package["name"] == "codex-code-mode")
    assert code_mode["version"] == "0.0.0", "inherited from the checkout's workspace"
    assert "codex-code-mode-protocol" in {dependency["name"] for dependency in code_mode["dependencies"]}
    ours = (ROOT / "rust-shim" / "code-mode" / "src" / "lib.rs").read_text()
    assert (staged.parent / "codex-rs" / "code-mode" / "src" / "lib.rs").read_text() == ours


def test_its_patches_count(packages: list[dict[str, Any]], staged: Path) -> None:
    (fork,) = (p for p in packages if p["name"] == "tokio-tungstenite" and p["version"] == "0.28.0")
    assert Path(fork["manifest_path"]) == staged.parent / "codex-rs" / "vendor" / "tokio-tungstenite" / "Cargo.toml"


def test_its_lock_file_decides_and_ours_does_for_the_rest(packages: list[dict[str, Any]]) -> None:
    lock = APPLY.tomllib.loads((ROOT / "rust-shim" / "Cargo.lock").read_text())["package"]
    pinned = {(package["name"], package["version"]) for package in lock}
    used = {(package["name"], package["version"]) for package in packages if package["source"] is not None}
    assert used <= pinned  # the assembled checkout's lock file is made from ours, without loom
    assert "loom" in {name for name, _ in used}


def test_edits_are_applied(staged: Path) -> None:
    upstream = staged.parent / "codex-rs"
    assert (upstream / "core" / "src" / "tools" / "host_tools.rs").is_file()
    assert "super::host_tools::handle(tool" in (upstream / "core" / "src" / "tools" / "registry.rs").read_text()
    assert 'env!("CARGO_PKG_VERSION")' not in (upstream / "login" / "src" / "device_code_auth.rs").read_text()
    assert (staged.parent / "csrc" / "codex_capi.h").is_file(), "the build script reads it"
    assert not (staged / ".cargo").exists(), "it patches the registry's crates"


def test_files_that_sources_name_are_staged(staged: Path) -> None:
    sources = [path for path in staged.rglob("*.rs") if "engine-edits" not in path.relative_to(staged).parts]
    named = [
        (source, source.parent / name)
        for source in sources
        for name in re.findall(r'^#\[path = "([^"]+)"\]', source.read_text(), re.MULTILINE)
    ]
    assert named
    assert not [(source, name) for source, name in named if not name.resolve().is_file()]


def test_the_checkout_is_left_alone(codex_rs: Path, before: dict[Path, tuple[int, int]], staged: Path) -> None:
    assert staged.is_dir()
    assert state(codex_rs) == before


def test_only_what_changed_is_written_again(own: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    for built in ("target", "elsewhere"):
        (own / built).mkdir()
        (own / built / "CACHEDIR.TAG").write_text("Signature: 8a477f597d28d172789f06886806bc55")
    (own / "core" / "loop").symlink_to(own)
    gone = own / "core" / "src" / "gone" / "mod.rs"
    gone.parent.mkdir()
    gone.touch()
    workspace = APPLY.stage_checkout(own, cache, ROOT)
    metadata(workspace)  # completes the lock file
    first = state(workspace.parent)
    assert not {"target", "elsewhere", "loop", ".git"} & {part for path in first for part in path.parts}
    assert APPLY.stage_checkout(own, cache, ROOT) == workspace
    assert state(workspace.parent) == first

    changed = own / "core" / "src" / "lib.rs"
    rewrite(changed, changed.read_text() + "// changed\n")
    os.utime(changed, (0, 0))  # as git or rsync may leave it
    shutil.rmtree(gone.parent)
    APPLY.stage_checkout(own, cache, ROOT)
    second = state(workspace.parent)
    name = Path("codex-rs", "core", "src", "lib.rs")
    assert {path for path in first if second.get(path) != first[path]} == {name, name.parent / "gone" / "mod.rs"}
    assert second[name][0] > max(time for time, _ in first.values())
    assert not (workspace.parent / name.parent / "gone").exists()


def test_a_missing_crate_is_named(own: Path, tmp_path: Path) -> None:
    shutil.rmtree(own / "rollout")
    with pytest.raises(APPLY.EditError, match=rf"no crate named codex-rollout; .*{PINNED}"):
        APPLY.stage_checkout(own, tmp_path / "cache", ROOT)


def test_edits_that_do_not_fit_are_named_all_at_once(own: Path, tmp_path: Path) -> None:
    rewrite(own / "core" / "src" / "tools" / "registry.rs", "// all new\n")
    (own / "otel" / "src" / "events" / "session_telemetry.rs").unlink()
    with pytest.raises(APPLY.EditError, match=PINNED) as caught:
        APPLY.stage_checkout(own, tmp_path / "cache", ROOT)
    message = str(caught.value)
    assert f"codex-core: {own}/core/src/tools/registry.rs has 0 places, not 1" in message
    assert f"{own}/otel/src/events/session_telemetry.rs" in message
    assert not list((tmp_path / "cache").rglob("*.rs")), "nothing half made"


def test_what_is_no_checkout_is_refused(tmp_path: Path) -> None:
    for name, manifest in {"empty": None, "crate": '[package]\nname = "a"\n', "broken": "[workspace"}.items():
        folder = tmp_path / name
        folder.mkdir()
        if manifest is not None:
            (folder / "Cargo.toml").write_text(manifest)
        with pytest.raises(APPLY.EditError, match="is not a checkout of codex-rs"):
            APPLY.stage_checkout(folder, tmp_path / "cache", ROOT)
    (tmp_path / "empty" / "codex-rs").mkdir()
    (tmp_path / "empty" / "codex-rs" / "Cargo.toml").touch()
    with pytest.raises(APPLY.EditError, match=r"did you mean .*empty/codex-rs\?"):
        APPLY.stage_checkout(tmp_path / "empty", tmp_path / "cache", ROOT)


def test_the_cache_may_not_be_in_the_checkout(own: Path) -> None:
    with pytest.raises(APPLY.EditError, match="CODEX_CFFI_CACHE"):
        APPLY.stage_checkout(own, own / "cache", ROOT)
    assert not (own / "cache").exists()


def test_patches_are_absolute(tmp_path: Path) -> None:
    patches = {"crates-io": {"a": {"path": "../a"}, "b": {"path": "vendor/b"}, "c": {"git": "https://example.com"}}}
    changed = APPLY._absolute_patches(patches, tmp_path / "codex-rs", Path("/staged"))
    a, b = (tmp_path / "a").as_posix(), "/staged/vendor/b"
    assert changed == {"crates-io": {"a": {"path": a}, "b": {"path": b}, "c": {"git": "https://example.com"}}}


def test_manifests_are_written_as_they_were_read(codex_rs: Path) -> None:
    shim = ROOT / "rust-shim"
    for path in (*shim.rglob("Cargo.toml"), codex_rs / "core" / "Cargo.toml", codex_rs / "Cargo.toml"):
        document = APPLY.tomllib.loads(path.read_text())
        assert APPLY.tomllib.loads(APPLY.toml_document(document)) == document
