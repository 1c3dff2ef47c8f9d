"""``codex-cffi python``: a script with the project's configuration applied."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ._exit import CommandError
from ._options import EngineOptions

__all__ = ["python"]

_ENGINE = EngineOptions()


def python(
    script: Path,
    /,
    *arguments: Annotated[str, Parameter(allow_leading_hyphen=True)],
    engine: EngineOptions = _ENGINE,
) -> None:
    """Runs a script: each client that it opens has the tools, interceptors and settings of the project and of the plugins, besides its own.

    For example:

        codex-cffi python nightly.py -- --since yesterday

    Args:
        script: The script.
        arguments: Its arguments.
    """
    from .. import config_file
    from .._core.client_options import share
    from .._toml import parse_overrides
    from ._opening import configuration

    if not script.is_file():
        raise CommandError(f"there is no file {script}")
    config_file.apply(configuration(engine, "python"))
    share(
        {
            "config": parse_overrides(engine.config, "--config"),
            "profile": engine.profile,
            "ignore_user_config": engine.ignore_user_config or None,
        }
    )
    sys.argv = [str(script), *arguments]
    sys.path.insert(0, str(script.resolve().parent))
    runpy.run_path(str(script), run_name="__main__")
