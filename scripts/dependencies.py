"""Prints what the package, its extras and its build need, for pip: the package itself is installed afterwards, without dependencies."""

import sys
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

project = tomllib.loads(Path(__file__).parents[1].joinpath("pyproject.toml").read_text())["project"]
requirements = list(project["dependencies"])
for extra in project["optional-dependencies"].values():
    requirements += [requirement for requirement in extra if not requirement.startswith("codex-cffi[")]
print("\n".join(requirements))  # noqa: T201
