"""``codex-cffi mcp``: the MCP servers of the configuration."""

from __future__ import annotations

from cyclopts import App

from ._options import EngineOptions, Flag

__all__ = ["app"]

_ENGINE = EngineOptions()

app = App(
    name="mcp",
    help="""MCP servers: those of the configuration, what they offer, logins.

For example:

    codex-cffi mcp
    codex-cffi mcp login github
""",
)


@app.default
@app.command(name="list")
def list_(*, json: Flag = False, timeout: float = 60.0, engine: EngineOptions = _ENGINE) -> None:
    """Starts the servers, and lists what each offers.

    Args:
        json: As JSON.
        timeout: Seconds that the servers have to start.
    """
    from ._opening import opened
    from ._table import print_json, print_table

    with opened(engine, command="mcp") as session:
        found = session.codex.mcp.list(timeout=timeout)
    if json:
        print_json(found)
        return
    rows = [(server.name, server.auth, ", ".join(server.tools)) for server in found]
    print_table(("server", "login", "tools"), rows, nothing="the configuration has no MCP servers")


@app.command
def login(name: str, /, *, timeout: float = 600.0, engine: EngineOptions = _ENGINE) -> None:
    """Logs in at a server, in the browser.

    Args:
        name: The server's name in the configuration.
        timeout: Seconds that the login may take.
    """
    from . import _terminal
    from ._opening import opened

    with opened(engine, command="mcp") as session:
        begun = session.codex.mcp.login(name)
        _terminal.errors().print(f"Open {begun.url}", soft_wrap=True, markup=False)
        begun.wait(timeout=timeout)
    _terminal.errors().print("logged in")
