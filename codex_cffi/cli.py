"""The command ``codex-cffi``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="codex-cffi", description="OpenAI Codex's engine inside a Python process.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    demo = commands.add_parser("demo", help="an agent repairs a program in a scratch repository; needs no key")
    demo.add_argument("--live", action="store_true", help="with a real model, using OPENAI_API_KEY")
    demo.add_argument("--model", help="model for --live")
    demo.add_argument("--keep", action="store_true", help="keep the scratch repository and say where it is")
    commands.add_parser("info", help="what is installed: versions, library, sandbox")
    options = parser.parse_args(arguments)
    try:
        import rich  # noqa: F401
    except ImportError:
        sys.stderr.write("codex-cffi: the command needs rich; install it with: pip install 'codex-cffi[cli]'\n")
        return 2
    if options.command == "info":
        return _info()
    from .demo import run

    return run(live=options.live, model=options.model, keep=options.keep)


def _info() -> int:
    import shutil

    from rich.console import Console
    from rich.table import Table

    from . import __version__, _capi

    table = Table.grid(padding=(0, 2))
    table.add_row("codex_cffi", __version__)
    table.add_row("engine", f"codex-rs {_capi.build_info['engine']}")
    table.add_row("library", str(_capi.library_path))
    for name in ("profile", "target", "rustc"):
        table.add_row(name, _capi.build_info[name])
    table.add_row("sandbox helper", str(_capi.helper_path()))
    if sys.platform == "linux":
        table.add_row("bubblewrap", shutil.which("bwrap") or "missing: sandboxed threads will be refused")
    Console().print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
