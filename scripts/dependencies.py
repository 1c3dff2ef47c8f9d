"""Prints what the package, its extras and its build need, for pip: the package itself is installed afterwards, without dependencies.

With names of extras: what these need. `docs`, `hosts` and `mcp-servers`, which are big, have to be named.
"""

import sys
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

project = tomllib.loads(Path(__file__).parents[1].joinpath("pyproject.toml").read_text())["project"]
extras = project["optional-dependencies"]
named = sys.argv[1:]
requirements = [] if named else list(project["dependencies"])
for extra in named or extras.keys() - {"docs", "hosts", "mcp-servers"}:
    requirements += [requirement for requirement in extras[extra] if not requirement.startswith("codex-cffi[")]
print("\n".join(sorted(requirements)))  # noqa: T201
