"""Stages the upstream crates that need a small edit: copied out of the registry, edited, and patched in by path.

One folder beside this file per edited crate, under its upstream name, holding `edits.toml` and the files it adds:

    version = ["src/lib.rs:1"]     # this many CARGO_PKG_VERSION in this file become ENGINE_VERSION
    [[add]]                        # a file of ours
    file = "src/new.rs"
    source = "new.rs"
    [[replace]]                    # text that must stand there exactly once
    file = "src/lib.rs"
    find = "..."
    with = "..."

Nothing of upstream's source is kept in this repository; an edit that no longer fits stops the build with its name.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HERE = Path(__file__).resolve().parent
WORKSPACE = HERE.parent
# Release of codex-rs that the pinned crates are; what they report instead of their package numbers.
ENGINE_VERSION = "0.145.0"
_VERSION_MACRO = 'env!("CARGO_PKG_VERSION")'
# Upstream's V8 crate, replaced whole by ours.
_REPLACED = {"codex-code-mode": WORKSPACE / "code-mode"}


class EditError(Exception):
    """An edit does not fit the source it is for."""


def edit_tree(upstream: str, tree: Path) -> None:
    """Applies the edits of crate `upstream` to its source at `tree`, all of them or EditError."""
    edits = _read_edits(upstream)
    for entry in edits.get("version", []):
        name, _, count = entry.rpartition(":")
        _replace(upstream, tree / name, _VERSION_MACRO, f'"{ENGINE_VERSION}"', int(count))
    for replace in edits.get("replace", []):
        _replace(upstream, tree / replace["file"], replace["find"], replace["with"], 1)
    for add in edits.get("add", []):
        target = tree / add["file"]
        if target.exists():
            raise EditError(f"{upstream}: {add['file']} is there already")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(HERE / upstream / add["source"], target)


def edited_crates() -> list[str]:
    """Upstream names of the crates that have edits."""
    return sorted(path.parent.name for path in HERE.glob("*/edits.toml"))


def stage(cache: Path) -> dict[str, tuple[str, Path]]:
    """Makes the edited crates under `cache`; returns {upstream name: (package name, folder)} for Cargo's [patch].

    A folder is named by the hash of what goes into it, so it is made once and never goes stale.
    """
    table = tomllib.loads((WORKSPACE / "Cargo.toml").read_text())["workspace"]["dependencies"]
    staged: dict[str, tuple[str, Path]] = {}
    missing: dict[str, Path] = {}
    for upstream, source in _REPLACED.items():
        target = cache / f"{upstream}-{_hash(source)}"
        if not target.exists():
            _move_into_place(lambda to, source=source: shutil.copytree(source, to, dirs_exist_ok=True), target)
        staged[upstream] = (tomllib.loads((source / "Cargo.toml").read_text())["package"]["name"], target)
    for upstream in edited_crates():
        if upstream not in table:
            raise EditError(
                f"{upstream} has edits but no entry in the [workspace.dependencies] of {WORKSPACE / 'Cargo.toml'}"
            )
        entry = table[upstream]
        key = _hash(HERE / upstream, salt=f"{entry['package']} {entry['version']} {_EDITING}")
        target = cache / f"{upstream}-{key}"
        if not target.exists():
            missing[upstream] = target
        staged[upstream] = (entry["package"], target)
    if missing:
        sources = _registry_sources({name: table[name] for name in missing}, staged["codex-code-mode"][1])
        for upstream, target in missing.items():

            def fill(to: Path, upstream: str = upstream) -> None:
                shutil.copytree(sources[upstream], to, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".cargo*"))
                edit_tree(upstream, to)

            _move_into_place(fill, target)
    return staged


def _read_edits(upstream: str) -> dict[str, Any]:
    return tomllib.loads((HERE / upstream / "edits.toml").read_text())


def _replace(upstream: str, path: Path, find: str, replacement: str, count: int) -> None:
    try:
        text = path.read_text()
    except OSError as error:
        raise EditError(f"{upstream}: {error}") from error
    found = text.count(find)
    if found != count:
        raise EditError(f"{upstream}: {path} has {found} places, not {count}, that read:\n{find}")
    path.write_text(text.replace(find, replacement))


def _hash(*roots: Path, salt: str = "") -> str:
    digest = hashlib.sha256(salt.encode())
    for root in roots:
        for path in sorted(p for p in root.rglob("*") if p.is_file()) if root.is_dir() else [root]:
            digest.update(f"\0{path.relative_to(root.parent)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _editing_code() -> str:
    """What decides how an edit is applied, without its layout and comments: a folder made by other code is not used."""
    functions = [node for node in ast.parse(Path(__file__).read_text()).body if isinstance(node, ast.FunctionDef)]
    return ENGINE_VERSION + "".join(ast.dump(node) for node in functions if node.name in ("edit_tree", "_replace"))


_EDITING = _editing_code()


def _move_into_place(fill: Any, target: Path) -> None:
    """Fills a folder beside `target` and renames it, so that a build cut short leaves nothing half made."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        fresh = Path(scratch) / target.name
        fill(fresh)
        try:
            os.rename(fresh, target)
        except OSError:
            if not target.exists():  # else another build was quicker, with the same content
                raise


def _registry_sources(table: dict[str, Any], code_mode: Path) -> dict[str, Path]:
    """Asks Cargo to fetch the packages and tell where it unpacked them."""
    with tempfile.TemporaryDirectory() as scratch:
        stub = Path(scratch)
        (stub / "src").mkdir()
        (stub / "src" / "lib.rs").touch()
        dependencies = "".join(
            f'{name} = {{ package = "{entry["package"]}", version = "{entry["version"]}" }}\n'
            for name, entry in table.items()
        )
        (stub / "Cargo.toml").write_text(
            '[workspace]\n[package]\nname = "stub"\nversion = "0.0.0"\nedition = "2024"\n[dependencies]\n'
            + dependencies
            + f'[patch.crates-io]\n"codex-code-mode" = {{ package = "typeduck-codex-utils-rustls-provider", path = "{code_mode}" }}\n'
        )
        shutil.copyfile(WORKSPACE / "Cargo.lock", stub / "Cargo.lock")
        command = ["cargo", "metadata", "--format-version", "1"]
        output = subprocess.run(command, cwd=stub, check=True, stdout=subprocess.PIPE).stdout
    manifests = {(p["name"], p["version"]): Path(p["manifest_path"]) for p in json.loads(output)["packages"]}
    return {
        name: manifests[entry["package"], entry["version"].removeprefix("=")].parent for name, entry in table.items()
    }
