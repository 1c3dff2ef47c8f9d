"""The library with the sandbox helper beside it, and modules that are imported by name when they are needed."""

from PyInstaller.utils.hooks import collect_submodules, get_package_paths


def _is_wanted(name: str) -> bool:
    """Not what needs PyInstaller or pytest."""
    return not name.startswith(("codex_cffi._pyinstaller", "codex_cffi.testing.pytest_plugin"))


_package = get_package_paths("codex_cffi")[1]
datas = [(f"{_package}/_native", "codex_cffi/_native")]
hiddenimports = [*collect_submodules("codex_cffi", filter=_is_wanted), "jsonschema", "referencing", "tomllib", "tomli"]
