"""Stages the upstream crates that need a small edit: copied out of the registry, edited, and patched in by path.

One folder beside this file per edited crate, under its upstream name, holding the files it adds and `edits.toml`, or one such file per
concept (`sandbox.toml`, `trust.toml` ...), which are applied in the order of their names:

    version = ["src/lib.rs:1"]     # this many CARGO_PKG_VERSION in this file become ENGINE_VERSION
    [[add]]                        # a file of ours
    file = "src/new.rs"
    source = "new.rs"
    [[replace]]                    # text that must stand there exactly once
    file = "src/lib.rs"
    find = "..."
    with = "..."
    [dependencies]                 # of its manifest: with these features and not the default ones, none at all, or a new one
    one = ["feature"]
    two = false
    three = "1"

Nothing of upstream's source is kept in this repository; an edit that no longer fits stops the build with its name.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
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
# How the names begin that the registry has upstream's crates under.
_FAMILY = "typeduck-codex-"
_PINNED = f"codex_cffi is made for codex-rs {ENGINE_VERSION}, its pinned release (upstream's commit 9fce9e13)"


class EditError(Exception):
    """An edit does not fit the source it is for."""


def edit_tree(upstream: str, tree: Path) -> None:
    """Applies the edits of crate `upstream` to its source at `tree`, all of them or EditError."""
    edits = _read_edits(upstream)
    for entry in edits["version"]:
        name, _, count = entry.rpartition(":")
        _replace(upstream, tree / name, _VERSION_MACRO, f'"{ENGINE_VERSION}"', int(count))
    for replace in edits["replace"]:
        _replace(upstream, tree / replace["file"], replace["find"], replace["with"], 1)
    for add in edits["add"]:
        target = tree / add["file"]
        if target.exists():
            raise EditError(f"{upstream}: {add['file']} is there already")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(HERE / upstream / add["source"], target)
    if edits["dependencies"]:
        _edit_dependencies(upstream, tree / "Cargo.toml", edits["dependencies"])


def _edit_dependencies(upstream: str, path: Path, wanted: dict[str, Any]) -> None:
    """Gives the manifest's dependencies the features that are wanted, takes them out or adds them."""
    manifest = tomllib.loads(path.read_text(encoding="utf-8"))
    for name, features in wanted.items():
        if isinstance(features, str):
            manifest["dependencies"].setdefault(name, features)
            continue
        found = 0
        for owner in (manifest, *manifest.get("target", {}).values()):
            table = owner.get("dependencies", {})
            if name not in table:
                continue
            found += 1
            if features is False:
                del table[name]
                continue
            entry = table[name] if isinstance(table[name], dict) else {"version": table[name]}
            if entry.pop("workspace", False):  # a crate may not turn off what its workspace leaves on
                inherited = _inherited(path.parent, name)
                entry = {**(inherited if isinstance(inherited, dict) else {"version": inherited}), **entry}
            table[name] = {**entry, "default-features": False, "features": features}
        if not found:
            raise EditError(f"{upstream}: {path} has no dependency {name}")
    path.write_text(toml_document(manifest), encoding="utf-8")


def _inherited(folder: Path, name: str) -> Any:
    """The entry of a workspace's table of dependencies."""
    for above in folder.parents:
        root = above / "Cargo.toml"
        if root.is_file():
            table = tomllib.loads(root.read_text(encoding="utf-8")).get("workspace", {}).get("dependencies", {})
            if name in table:
                return table[name]
    raise EditError(f"{folder} inherits {name} from no workspace")


def edited_crates() -> list[str]:
    """Upstream names of the crates that have edits."""
    return sorted({path.parent.name for path in HERE.glob("*/*.toml")})


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
    """The edits of all files, in the order of their names."""
    merged: dict[str, Any] = {"version": [], "replace": [], "add": [], "dependencies": {}}
    for path in sorted((HERE / upstream).glob("*.toml")):
        for name, value in tomllib.loads(path.read_text()).items():
            if name not in merged:
                raise EditError(f"{upstream}: {path.name} has the key {name!r}, which stands for no edit")
            if name == "dependencies":
                twice = sorted(merged[name].keys() & value.keys())
                if twice:
                    raise EditError(f"{upstream}: {path.name} edits the dependency {twice[0]} once more")
                merged[name].update(value)
            else:
                merged[name].extend(value)
    return merged


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


_DECIDING = ("edit_tree", "_read_edits", "_edit_dependencies", "_inherited", "_replace")


def _editing_code() -> str:
    """What decides how an edit is applied, without its layout and comments: a folder made by other code is not used."""
    functions = [node for node in ast.parse(Path(__file__).read_text()).body if isinstance(node, ast.FunctionDef)]
    return ENGINE_VERSION + "".join(ast.dump(node) for node in functions if node.name in _DECIDING)


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


def stage_checkout(checkout: Path, cache: Path, root: Path) -> Path:
    """Makes a copy of the shim's workspace under `cache` that builds against a checkout of codex-rs; returns its folder.

    The checkout itself is only read. Its sources are copied once more on every call, edited, and compared with what was
    staged before: only files that differ are written, so that Cargo builds again what changed and nothing else.
    """
    workspace = _read_checkout(checkout)
    if cache.resolve().is_relative_to(checkout.resolve()):
        raise EditError(
            f"the cache {cache} lies inside of the checkout {checkout}: set CODEX_CFFI_CACHE to another folder"
        )
    key = hashlib.sha256(f"{checkout.resolve()}\0{root.resolve()}".encode()).hexdigest()[:16]
    staged = cache / f"{checkout.name}-{key}"
    staged.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as scratch:
        fresh = Path(scratch)
        # Side by side: each finds its own workspace root above it, and the checkout's crates inherit from theirs.
        upstream, shim = fresh / "codex-rs", fresh / "rust-shim"
        _copy_sources(checkout, upstream)
        crates = _crates(upstream)
        shim_manifest = tomllib.loads((root / "rust-shim" / "Cargo.toml").read_text())
        table = shim_manifest["workspace"]["dependencies"]
        _check_crates(checkout, crates, {*_names_of_ours(table), *edited_crates(), *_REPLACED})
        _edit_checkout(checkout, upstream, crates)
        for name, source in _REPLACED.items():
            _replace_crate(checkout, crates, crates[name], source)

        _copy_sources(root / "rust-shim", shim, skip=("code-mode", ".cargo", "Cargo.lock"))
        _copy_sources(root / "csrc", fresh / "csrc")
        shim_manifest["workspace"]["dependencies"] = _by_path(table, crates, shim)
        patches = _absolute_patches(workspace.get("patch", {}), checkout, staged / "codex-rs")
        if patches:
            shim_manifest["patch"] = patches
        (shim / "Cargo.toml").write_text(toml_document(shim_manifest), encoding="utf-8")
        (fresh / "Cargo.lock.seed").write_text(
            _seed_lock(checkout / "Cargo.lock", root / "rust-shim" / "Cargo.lock"), encoding="utf-8"
        )

        # Cargo completes the lock file; starting over from the seed each time would let what it added drift.
        lock = staged / "rust-shim" / "Cargo.lock"
        if not (lock.exists() and _same(fresh / "Cargo.lock.seed", staged / "Cargo.lock.seed")):
            _write(fresh / "Cargo.lock.seed", lock)
        _mirror(fresh, staged, keep={Path("rust-shim", "Cargo.lock")})
    return staged / "rust-shim"


def _read_checkout(checkout: Path) -> dict[str, Any]:
    """The checkout's root manifest, or why this is no checkout."""
    manifest = checkout / "Cargo.toml"
    try:
        workspace = tomllib.loads(manifest.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        nested = checkout / "codex-rs"
        hint = f"; did you mean {nested}?" if (nested / "Cargo.toml").is_file() else f" ({error})"
        raise EditError(
            f"{checkout} is not a checkout of codex-rs: it has no Cargo.toml that can be read{hint}"
        ) from error
    if not workspace.get("workspace", {}).get("members"):
        raise EditError(f"{checkout} is not a checkout of codex-rs: {manifest} has no [workspace] with members")
    if not (checkout / "Cargo.lock").is_file():
        raise EditError(f"{checkout} is not a checkout of codex-rs: it has no Cargo.lock")
    return workspace


def _crates(tree: Path) -> dict[str, Path]:
    """Where each package of the tree is; of two with one name the one nearer to the root (others are test data)."""
    found: dict[str, Path] = {}
    for path in sorted(tree.rglob("Cargo.toml"), key=lambda path: (len(path.parts), path)):
        try:
            name = tomllib.loads(path.read_text(encoding="utf-8"))["package"]["name"]
        except (ValueError, KeyError, TypeError):
            continue  # a workspace's root, or test data
        if isinstance(name, str):
            found.setdefault(name, path.parent)
    return found


def _check_crates(checkout: Path, crates: dict[str, Path], needed: set[str]) -> None:
    missing = sorted(needed - set(crates))
    if missing:
        what = "crate" if len(missing) == 1 else "crates"
        raise EditError(f"{checkout} has no {what} named {', '.join(missing)}; {_PINNED}")


def _edit_checkout(checkout: Path, upstream: Path, crates: dict[str, Path]) -> None:
    """Applies every edit, and tells of every crate that they do not fit at once: that is the list to work through."""
    failures = []
    for name in edited_crates():
        try:
            edit_tree(name, crates[name])
        except EditError as error:
            failures.append(str(error).replace(str(upstream), str(checkout)))
    if failures:
        listed = "\n".join(failures)
        raise EditError(f"the edits in rust-shim/engine-edits do not fit this checkout; {_PINNED}\n{listed}")


def _replace_crate(checkout: Path, crates: dict[str, Path], folder: Path, source: Path) -> None:
    """Puts our sources in the place of an upstream crate's; it keeps its name and version, and depends on what ours does."""
    theirs = tomllib.loads((folder / "Cargo.toml").read_text(encoding="utf-8"))["package"]
    ours = tomllib.loads((source / "Cargo.toml").read_text())
    _check_crates(checkout, crates, _names_of_ours(ours.get("dependencies", {})))
    for part in ("src", "tests", "benches", "examples"):
        shutil.rmtree(folder / part, ignore_errors=True)
    (folder / "build.rs").unlink(missing_ok=True)
    _copy_sources(source, folder, skip=("Cargo.lock",))
    ours["package"]["name"] = theirs["name"]
    ours["package"]["version"] = theirs.get("version", "0.0.0")  # may be inherited: { workspace = true }
    ours["dependencies"] = _by_path(ours.get("dependencies", {}), crates, folder)
    (folder / "Cargo.toml").write_text(toml_document(ours), encoding="utf-8")


def _names_of_ours(table: dict[str, Any]) -> set[str]:
    """The dependencies that the registry has under another name; the key is upstream's."""
    return {
        name
        for name, entry in table.items()
        if isinstance(entry, dict) and entry.get("package", "").startswith(_FAMILY)
    }


def _by_path(table: dict[str, Any], crates: dict[str, Path], base: Path) -> dict[str, Any]:
    """A table of dependencies with upstream's crates taken from where they are, as seen from the folder `base`."""
    changed = dict(table)
    for name in _names_of_ours(table):
        rest = {key: value for key, value in table[name].items() if key not in ("package", "version")}
        changed[name] = {"path": Path(os.path.relpath(crates[name], base)).as_posix(), **rest}
    return changed


def _absolute_patches(patches: dict[str, Any], checkout: Path, staged: Path) -> dict[str, Any]:
    """The checkout's [patch] tables for use from another workspace root: only the root's count, and paths are from there."""

    def absolute(entry: Any) -> Any:
        if not (isinstance(entry, dict) and "path" in entry):
            return entry
        path = (checkout / entry["path"]).resolve()
        if path.is_relative_to(checkout.resolve()):
            path = staged / path.relative_to(checkout.resolve())
        return {**entry, "path": path.as_posix()}

    return {source: {name: absolute(entry) for name, entry in table.items()} for source, table in patches.items()}


def _seed_lock(checkout: Path, ours: Path) -> str:
    """The checkout's lock file, and of ours the packages that only the shim needs, so that those stay pinned too."""
    text = checkout.read_text(encoding="utf-8")
    known = {package["name"] for package in tomllib.loads(text).get("package", [])}
    blocks = ours.read_text(encoding="utf-8").split("\n[[package]]\n")[1:]
    for block in blocks:
        block = block.partition("\n[")[0]  # other tables follow the last one
        package = tomllib.loads(block)
        if package["name"] not in known and "source" in package and not package["name"].startswith(_FAMILY):
            text += f"\n[[package]]\n{block.strip()}\n"
    return text


def toml_document(document: dict[str, Any], prefix: str = "") -> str:
    """TOML text of a manifest; the standard library only reads it."""
    sections = {
        name: value
        for name, value in document.items()
        if isinstance(value, dict) and (not prefix or any(isinstance(inner, dict) for inner in value.values()))
    }
    lines = [f"{_key(name)} = {_toml(value)}\n" for name, value in document.items() if name not in sections]
    if prefix and (lines or not sections):
        lines.insert(0, f"\n[{prefix}]\n")
    below = [toml_document(value, f"{prefix}.{_key(name)}".lstrip(".")) for name, value in sections.items()]
    return "".join(lines + below)


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(name)} = {_toml(item)}" for name, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[\w-]+", name, re.ASCII) else json.dumps(name, ensure_ascii=False)


def _copy_sources(source: Path, target: Path, skip: tuple[str, ...] = ()) -> None:
    """Copies a folder without what is built or fetched; links are followed, since what they name may lie outside."""
    for name in _source_files(source, skip):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, target / name)  # without its mode: it may be read-only


def _source_files(source: Path, skip: tuple[str, ...] = ()) -> Iterator[Path]:
    for at, folders, files in os.walk(source, followlinks=True):
        here = Path(at)
        top = here == source
        skipped = {".git", "node_modules", *(("target", *skip) if top else ())}
        folders[:] = [
            name
            for name in folders
            if name not in skipped
            and not (here / name / "CACHEDIR.TAG").exists()
            and not ((here / name).is_symlink() and _leads_astray(here / name))
        ]
        for name in files:
            if name not in skipped and (here / name).is_file():  # no broken links, sockets or pipes
                yield (here / name).relative_to(source)


def _leads_astray(link: Path) -> bool:
    """Whether a linked folder holds its own link, or is Bazel's output."""
    return link.name.startswith("bazel-") or link.parent.resolve().is_relative_to(link.resolve())


def _mirror(source: Path, target: Path, keep: set[Path]) -> None:
    """Makes `target` like `source`, leaving alone what is the same already and the files of `keep`."""
    wanted = {path.relative_to(source) for path in source.rglob("*") if path.is_file()}
    for path in sorted(target.rglob("*"), reverse=True):  # what is inside of a folder before the folder
        name = path.relative_to(target)
        if path.is_dir() and not path.is_symlink():
            if not any(path.iterdir()):
                path.rmdir()
        elif name not in wanted and name not in keep:
            path.unlink()
    for name in wanted:
        if not _same(source / name, target / name):
            _write(source / name, target / name)


def _same(one: Path, other: Path) -> bool:
    return other.is_file() and one.stat().st_size == other.stat().st_size and one.read_bytes() == other.read_bytes()


def _write(source: Path, target: Path) -> None:
    """A whole file or none, and with the time of now: an older one of the checkout's would look unchanged to Cargo."""
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(target.name + ".new")
    shutil.copyfile(source, fresh)
    os.replace(fresh, target)
