"""Prints what the package, its extras and its build need, for pip: the package itself is installed afterwards, without dependencies.

With names of extras: what these need; `package` is what the package itself needs. `docs`, `hosts` and
`mcp-servers`, which are big, have to be named.
"""

import sys
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

project = tomllib.loads(Path(__file__).parents[1].joinpath("pyproject.toml").read_text())["project"]
needs = {"package": project["dependencies"], **project["optional-dependencies"]}
named = sys.argv[1:] or needs.keys() - {"docs", "hosts", "mcp-servers"}
requirements = {
    requirement for extra in named for requirement in needs[extra] if not requirement.startswith("codex-cffi[")
}
print("\n".join(sorted(requirements)))  # noqa: T201
