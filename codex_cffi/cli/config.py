"""``codex-cffi config``: the settings in force, and where each is from."""

from __future__ import annotations

from cyclopts import App

from ._options import EngineOptions, Flag

__all__ = ["app"]

_ENGINE = EngineOptions()

app = App(
    name="config",
    help="""Settings: those in force, those of the project, and changes of config.toml.

For example:

    codex-cffi config
    codex-cffi config project
    codex-cffi config set model_reasoning_effort high
""",
)


@app.default
@app.command(name="show")
def show(*, engine: EngineOptions = _ENGINE) -> None:
    """Prints the engine's settings in force, as JSON."""
    from ._opening import folder, opened
    from ._table import print_json

    with opened(engine, command="config") as session:
        print_json(session.codex.config.read(working_directory=folder(engine)))


@app.command
def project(*, json: Flag = False, engine: EngineOptions = _ENGINE) -> None:
    """Lists the defaults that the project's files and the plugins give to commands, and which file each is from.

    Args:
        json: As JSON.
    """
    from ._app import COMMANDS
    from ._opening import configuration
    from ._table import print_json, print_table

    loaded = configuration(engine, "config")
    rows = [
        (command, option, value, source)
        for command in COMMANDS
        for option, (value, source) in loaded.explained(command).items()
    ]
    if json:
        print_json(
            {
                "sources": loaded.sources,
                "defaults": {command: loaded.defaults(command) for command in COMMANDS if loaded.defaults(command)},
            }
        )
        return
    print_table(("command", "option", "value", "from"), rows, nothing="no file gives defaults")


@app.command(name="set")
def set_(key: str, value: str, /) -> None:
    """Changes config.toml of the codex home.

    Args:
        key: The key, dotted.
        value: A TOML value, or a text.
    """
    from .. import Codex
    from .._toml import parse_overrides
    from . import _terminal

    settings = parse_overrides([f"{key}={value}"], "config set")
    with Codex() as codex:
        written = codex.config.write(settings)
    said = f"written to {written.file}"
    _terminal.errors().print(
        said if written.in_force else f"{said}; not in force: {written.overridden_by}", markup=False, soft_wrap=True
    )
