"""``codex-cffi tools``."""

from __future__ import annotations

from ._options import EngineOptions, Flag

__all__ = ["tools"]

_ENGINE = EngineOptions()


def tools(*, json: Flag = False, engine: EngineOptions = _ENGINE) -> None:
    """Lists the Python functions that the project and the plugins give the agent: tools, interceptors, hooks.

    For example:

        codex-cffi tools
        codex-cffi tools --plugin ./my_tools.py

    Args:
        json: As JSON.
    """
    from ._opening import configuration
    from ._table import print_json, print_table

    options = configuration(engine, "tools").client_options()
    rows = [("tool", _name(tool), tool.description) for tool in options.get("tools", [])]
    rows += [("interceptor", one.pattern, one.handler.__doc__ or "") for one in options.get("interceptors", [])]
    rows += [("hook", str(hook.event), hook.handler.__doc__ or "") for hook in options.get("hooks", [])]
    if json:
        print_json([{"kind": kind, "name": name, "about": about} for kind, name, about in rows])
        return
    print_table(("kind", "name", "about"), rows, nothing="there are none; codex.config.py is where they go")


def _name(tool: object) -> str:
    namespace, name = getattr(tool, "namespace", None), getattr(tool, "name", "")
    return f"{namespace}::{name}" if namespace else str(name)
