"""``codex-cffi bench``: the measurements of benchmarks/, which are in the source folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ._exit import CommandError

__all__ = ["bench"]


def bench(*arguments: Annotated[str, Parameter(allow_leading_hyphen=True)]) -> int:
    """Measures this package beside others, from the source folder.

    For example:

        codex-cffi bench --quick

    Args:
        arguments: Those of benchmarks, see benchmarks/README.md.
    """
    folder = Path(__file__).parents[2]
    if not (folder / "benchmarks" / "__main__.py").is_file():
        raise CommandError(
            "the measurements are in the source folder only", hint="clone the repository and run this in it"
        )
    return subprocess.run([sys.executable, "-m", "benchmarks", *arguments], cwd=folder).returncode
