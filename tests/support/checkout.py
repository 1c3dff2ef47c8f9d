"""Makes a folder like upstream's codex-rs out of the registry's crates, for trying builds against a checkout.

    python tests/support/checkout.py DEST       then: CODEX_RUST_ROOT=DEST python build_ffi.py

The sources are upstream's; the manifests get their names back, inherit from the workspace and depend on each other by
path, as upstream's do. What the registry cannot give (upstream's other crates, tests) is not there, and codex-code-mode is
only a manifest that asks for V8: a build replaces it anyway.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
SHIM = ROOT / "rust-shim"
FAMILY = "typeduck-codex-"
VERSION = "0.0.0"  # upstream's crates have no numbers of their own
#: Upstream takes these from crates.io and patches its forks in; the numbers are the forks'.
PATCHED = {"tokio-tungstenite": "0.28.0", "tungstenite": "0.27.0"}
CODE_MODE = "codex-code-mode"

Crate = tuple[str, str]  #: A package of the registry and its version


def load_apply() -> ModuleType:
    """rust-shim/engine-edits/apply.py, which is in no package."""
    spec = importlib.util.spec_from_file_location("engine_edits", SHIM / "engine-edits" / "apply.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def assemble(target: Path) -> None:
    """Fills the new folder `target`."""
    apply = load_apply()
    packages = registry_packages()
    names = {crate: upstream_name(package) for crate, package in packages.items()}
    assert len(set(names.values())) == len(names), "two packages of one upstream crate"
    replaced = tomllib.loads((SHIM / "code-mode" / "Cargo.toml").read_text())
    names[replaced["package"]["name"], replaced["package"]["version"]] = CODE_MODE
    folders = {name: folder_of(name) for name in names.values()}

    dependencies: dict[str, Any] = {name: {"path": folder} for name, folder in folders.items() if name not in PATCHED}
    dependencies |= PATCHED | {"v8": "=149.2.0"}
    document = {
        "workspace": {
            "members": sorted(folder for name, folder in folders.items() if name.startswith("codex-")),
            "exclude": ["vendor"],
            "resolver": "2",
            "package": {"version": VERSION, "edition": "2024", "license": "Apache-2.0"},
            "dependencies": dependencies,
            "lints": {"clippy": {"unwrap_used": "deny"}},
        },
        "patch": {"crates-io": {name: {"path": folders[name]} for name in PATCHED}},
    }
    target.mkdir(parents=True)
    (target / "Cargo.toml").write_text(apply.toml_document(document))
    (target / "Cargo.lock").write_text(lock_file(names))
    for crate, package in packages.items():
        source = Path(package["manifest_path"]).parent
        folder = target / folders[names[crate]]
        shutil.copytree(source, folder, ignore=shutil.ignore_patterns(".cargo*", "Cargo.toml*", "Cargo.lock"))
        (folder / "Cargo.toml").write_text(apply.toml_document(upstream_manifest(source, names[crate], names)))
    code_mode = target / folders[CODE_MODE]
    (code_mode / "src").mkdir(parents=True)
    (code_mode / "src" / "lib.rs").write_text('compile_error!("upstream\'s code mode is not to be built");\n')
    inherited = {key: {"workspace": True} for key in ("codex-code-mode-protocol", "v8")}
    manifest = {"package": head(CODE_MODE), "lints": {"workspace": True}, "dependencies": inherited}
    (code_mode / "Cargo.toml").write_text(apply.toml_document(manifest))


def registry_packages() -> dict[Crate, dict[str, Any]]:
    """The crates that the shim uses, as Cargo describes them, without our edits and without code mode.

    Cargo's graph leaves out what the registry has twice, such as an older codex-utils-absolute-path under another name.
    """
    manifest = tomllib.loads((SHIM / "Cargo.toml").read_text())
    lines = [
        f"{name} = {{ package = {json.dumps(entry['package'])}, version = {json.dumps(entry['version'])} }}\n"
        for name, entry in manifest["workspace"]["dependencies"].items()
    ]
    with tempfile.TemporaryDirectory() as scratch:
        stub = Path(scratch)
        (stub / "src").mkdir()
        (stub / "src" / "lib.rs").touch()
        (stub / "Cargo.toml").write_text(
            '[workspace]\n[package]\nname = "stub"\nversion = "0.0.0"\nedition = "2024"\n'
            f"[patch.crates-io]\n{CODE_MODE} = {{ package = {json.dumps(FAMILY + 'utils-rustls-provider')}, "
            f"path = {json.dumps(str(SHIM / 'code-mode'))} }}\n[dependencies]\n{''.join(lines)}"
        )
        shutil.copyfile(SHIM / "Cargo.lock", stub / "Cargo.lock")
        command = ["cargo", "metadata", "--format-version", "1"]
        result = subprocess.run([*command, "--offline"], cwd=stub, capture_output=True)
        if result.returncode != 0:  # not all of them were fetched yet
            result = subprocess.run(command, cwd=stub, stdout=subprocess.PIPE, check=True)
    packages = json.loads(result.stdout)["packages"]
    return {
        (package["name"], package["version"]): package
        for package in packages
        if package["name"].startswith(FAMILY) and package["source"] is not None
    }


def upstream_name(package: dict[str, Any]) -> str:
    """A package's name at upstream is that of its library."""
    (library,) = (t["name"] for t in package["targets"] if {"lib", "proc-macro"} & set(t["kind"]))
    assert isinstance(library, str)
    return library.replace("_", "-")


def folder_of(name: str) -> str:
    """Where the crate goes: at different depths, as upstream's."""
    if not name.startswith("codex-"):
        return f"vendor/{name}"
    return re.sub(r"^utils-", "utils/", name.removeprefix("codex-"))


def head(name: str) -> dict[str, Any]:
    """A crate's [package], inheriting what upstream's inherit."""
    return {"name": name, **{key: {"workspace": True} for key in ("version", "edition", "license")}}


def upstream_manifest(source: Path, name: str, names: dict[Crate, str]) -> dict[str, Any]:
    """The manifest as upstream would have it."""
    manifest = tomllib.loads((source / "Cargo.toml.orig").read_text())
    if name.startswith("codex-"):
        manifest["package"] = {**manifest["package"], **head(name)}
        manifest["lints"] = {"workspace": True}
    else:  # in no workspace
        manifest["package"] |= {"name": name, "version": PATCHED.get(name, manifest["package"]["version"])}
    vendored = not name.startswith("codex-")

    def renamed(dependencies: dict[str, Any]) -> dict[str, Any]:
        changed = dict(dependencies)
        for key, entry in dependencies.items():
            if not (isinstance(entry, dict) and entry.get("package", "").startswith(FAMILY)):
                continue
            upstream = names[entry["package"], entry["version"].removeprefix("=")]
            assert key == upstream, f"{name} calls {upstream} {key}"
            rest = {field: value for field, value in entry.items() if field not in ("package", "version")}
            if not vendored:
                rest.pop("default-features", None)  # a crate may not turn off what its workspace leaves on
                changed[key] = {"workspace": True, **rest}
            elif upstream in PATCHED:
                changed[key] = {"version": PATCHED[upstream], **rest}
            else:
                changed[key] = {"path": f"../{upstream}", **rest}
        return changed

    for table in (manifest, *manifest.get("target", {}).values()):
        for kind in ("dependencies", "build-dependencies", "dev-dependencies"):
            if kind in table:
                table[kind] = renamed(table[kind])
    return manifest


def lock_file(names: dict[Crate, str]) -> str:
    """The shim's lock file under upstream's names, without the shim's own packages and what only they need."""
    start, *blocks = (SHIM / "Cargo.lock").read_text().split("\n[[package]]\n")
    kept = [start]
    for block in blocks:
        block = block.partition("\n[[")[0].strip()
        package = tomllib.loads(block)
        crate = (package["name"], package["version"])
        if crate in names:
            block = re.sub(r'^(source|checksum) = ".*"\n?', "", block, flags=re.MULTILINE)
            new = (names[crate], PATCHED.get(names[crate], VERSION if names[crate].startswith("codex-") else crate[1]))
            block = block.replace(
                f'name = "{crate[0]}"\nversion = "{crate[1]}"', f'name = "{new[0]}"\nversion = "{new[1]}"'
            )
        elif "source" not in package or crate[0] == "loom":
            continue
        block = re.sub(
            rf'^ "({FAMILY}[\w-]+) ([\d.]+)",$', lambda m: f' "{names[m[1], m[2]]}",', block, flags=re.MULTILINE
        )
        kept.append(block)
    return "\n[[package]]\n".join(f"{part.strip()}\n" for part in kept)


def main() -> int:
    if len(sys.argv) != 2 or os.path.exists(sys.argv[1]):
        print("usage: python tests/support/checkout.py DEST    (a folder that is not there yet)", file=sys.stderr)
        return 2
    assemble(Path(sys.argv[1]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
