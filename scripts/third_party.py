"""Writes licenses/THIRD_PARTY.md: every crate that the library is linked from, with its version and licence.

Run it after a change of Cargo.lock; `--check` fails if the file is stale.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "licenses" / "THIRD_PARTY.md"
PLATFORM = "x86_64-unknown-linux-gnu"


def render() -> str:
    command = ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", PLATFORM]
    metadata = json.loads(subprocess.run(command, cwd=ROOT / "rust-shim", check=True, stdout=subprocess.PIPE).stdout)
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    # Only what ends up in the library: build scripts' and tests' dependencies do not.
    pending = [
        package["id"] for package in metadata["packages"] if package["name"] in ("codex-capi", "codex-cffi-helper")
    ]
    linked = set()
    while pending:
        node = nodes[pending.pop()]
        if node["id"] in linked:
            continue
        linked.add(node["id"])
        pending += [d["pkg"] for d in node["deps"] if any(kind["kind"] is None for kind in d["dep_kinds"])]
    lines = [
        "# Rust crates in the library",
        "",
        "Made by scripts/third_party.py.",
        "",
        "| crate | version | licence |",
        "| --- | --- | --- |",
    ]
    for package in sorted((packages[i] for i in linked), key=lambda p: (p["name"], p["version"])):
        if package["name"].startswith("codex-c"):
            continue
        lines.append(
            f"| {package['name']} | {package['version']} | {package['license'] or package['license_file'] or 'see its source'} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    text = render()
    if "--check" not in sys.argv:
        TARGET.write_text(text)
    elif not TARGET.exists() or TARGET.read_text() != text:
        sys.exit("licenses/THIRD_PARTY.md is stale; run python scripts/third_party.py")
