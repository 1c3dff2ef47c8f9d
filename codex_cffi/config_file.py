"""A project's configuration file: tools, interceptors and defaults that the command and programs share.

``codex.config.py``, in the working directory or above it up to the repository's root, has a variable ``config``, a mapping or a function of a
:class:`Context`::

    from codex_cffi import tool

    @tool
    def owner(path: str) -> str:
        \"\"\"Who owns a file.\"\"\"
        return OWNERS[path]

    config = {"defaults": {"run": {"model": "gpt-5.5"}}, "tools": [owner]}

What is data may stand in ``pyproject.toml`` instead, as ``[tool.codex-cffi]``. A program uses both as the command does::

    with Codex(**config_file.load().client_options()) as codex:
        ...

These files are code and decisions in the host's place, so each counts only as the user has seen it: by its path and its content. ``codex-cffi trust`` shows and
trusts them.
"""

from __future__ import annotations

import contextlib
import difflib
import importlib
import inspect
import json
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, get_type_hints

import msgspec

from . import _trusted_files
from ._callables import is_async
from ._core.client_options import merged, share
from ._host_folders import codex_home as _codex_home
from ._toml import toml_module
from ._trusted_files import TrustedFiles, Unseen
from .errors import ConfigFileError, ConfigFileNotTrustedError
from .interceptors import Interceptor
from .tools import Tool, tool

__all__ = ["ConfigFile", "Context", "Loaded", "Unseen", "apply", "find", "forget", "load", "trusted"]

#: The entry points whose names ``plugins`` takes.
GROUP = "codex_cffi.plugins"
_NAME = "codex.config.py"
_PYPROJECT = "pyproject.toml"
_TABLE = "codex-cffi"


@dataclass(frozen=True)
class Context:
    """What a configuration that is a function gets.

    Attributes:
        working_directory: Where the agent will work.
        config_path: The file that is being read; None for a plugin that is none.
        command: The command that is run, such as ``run``; None in a program.
    """

    working_directory: Path
    config_path: Path | None
    command: str | None = None


class ConfigFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a configuration file, or a plugin, may say.

    Attributes:
        defaults: Defaults of options, by command and the option's name with ``_``: ``{"run": {"model": "gpt-5.5"}}``. Those of ``"*"`` are for all commands.
        config: Settings of the engine, over those of ``config.toml``.
        mcp_servers: MCP servers by name, as for :class:`Codex`.
        skills: Skills by name, as for :class:`Codex`.
        tools: Python functions that the agent may call: of :func:`tool`, or plain ones.
        interceptors: :class:`Interceptor` objects, or functions ``(call, call_builtin)`` by the name of the tool that they are around.
        hooks: Python functions at the engine's hook points, of :func:`hook`.
        before_start: Sees each turn's input before it starts; see :class:`Codex`. Where several files have one, each gets the input of the one before.
        on_event: Gets every event. Where several files have one, all get it.
        on_approval: Decides what the agent asks for; see :mod:`codex_cffi.approvals`. Where several files have one, the one that wins.
    """

    defaults: dict[str, dict[str, Any]] = {}
    config: dict[str, Any] = {}
    mcp_servers: dict[str, Any] = {}
    skills: dict[str, Any] = {}
    tools: list[Any] = []
    interceptors: list[Any] | dict[str, Any] = []
    hooks: list[Any] = []
    before_start: Any = None
    on_event: Any = None
    on_approval: Any = None


#: What can be written in TOML.
_DATA = ("defaults", "config", "mcp_servers", "skills")


@dataclass(frozen=True)
class _Source:
    """One configuration, and where it is from."""

    name: str
    file: ConfigFile


@dataclass(frozen=True)
class Loaded:
    """The configuration of a project and of plugins, together.

    Attributes:
        sources: Where it is from, what wins last: paths, names of plugins.
    """

    _parts: tuple[_Source, ...] = ()

    @property
    def sources(self) -> list[str]:
        """Where it is from; what wins is last."""
        return [part.name for part in self._parts]

    def defaults(self, command: str) -> dict[str, Any]:
        """Defaults of a command's options, those of ``"*"`` among them."""
        return {name: value for name, (value, _) in self.explained(command).items()}

    def explained(self, command: str) -> dict[str, tuple[Any, str]]:
        """Defaults of a command's options, and which source each is from."""
        found: dict[str, tuple[Any, str]] = {}
        for part in self._parts:
            for name in ("*", command):
                found.update({option: (value, part.name) for option, value in part.file.defaults.get(name, {}).items()})
        return found

    def client_options(self) -> dict[str, Any]:
        """Arguments of :class:`Codex` and :class:`AsyncCodex`: those that the configuration says something about.

        Raises:
            ConfigFileError: Two sources have a tool, an MCP server or a skill of one name.
        """
        options: dict[str, Any] = {
            "config": self._settings(),
            "tools": self._tools(),
            "interceptors": [one for part in self._parts for one in _interceptors(part)],
            "hooks": [hook for part in self._parts for hook in part.file.hooks],
            "mcp_servers": self._by_name("mcp_servers", "MCP server"),
            "skills": self._by_name("skills", "skill"),
            "before_start": _one_after_another([p.file.before_start for p in self._parts if p.file.before_start]),
            "on_event": _all_of([p.file.on_event for p in self._parts if p.file.on_event]),
            "on_approval": next((p.file.on_approval for p in reversed(self._parts) if p.file.on_approval), None),
        }
        return {name: value for name, value in options.items() if value}

    def _settings(self) -> dict[str, Any]:
        settings: dict[str, Any] = {}
        for part in self._parts:
            settings = merged(settings, part.file.config)
        return settings

    def _tools(self) -> list[Tool]:
        from_: dict[str, str] = {}
        tools = []
        for part in self._parts:
            for given in part.file.tools:
                tool = given if isinstance(given, Tool) else _made(given, part)
                name = tool.name if tool.namespace is None else f"{tool.namespace}::{tool.name}"
                _once("tool", name, part.name, from_)
                tools.append(tool)
        return tools

    def _by_name(self, field: str, what: str) -> dict[str, Any]:
        from_: dict[str, str] = {}
        found: dict[str, Any] = {}
        for part in self._parts:
            for name, value in getattr(part.file, field).items():
                _once(what, name, part.name, from_)
                found[name] = value
        return found


def find(working_directory: str | os.PathLike[str] | None = None) -> list[Path]:
    """The configuration files of a folder: what wins is last.

    The nearest ``pyproject.toml`` that has a table ``[tool.codex-cffi]`` and the nearest ``codex.config.py``, in the folder or above it up to the root of its
    repository; outside of a repository, in the folder alone.

    Args:
        working_directory: Default: the current directory.

    Raises:
        ConfigFileError: A ``pyproject.toml`` cannot be read.
    """
    folders = _folders(_absolute(working_directory))
    pyproject = next((folder / _PYPROJECT for folder in folders if _table(folder / _PYPROJECT) is not None), None)
    config = next((folder / _NAME for folder in folders if os.path.lexists(folder / _NAME)), None)
    return [path for path in (pyproject, config) if path is not None]


def load(
    working_directory: str | os.PathLike[str] | None = None,
    *,
    plugins: Sequence[str] = (),
    project: bool = True,
    trust: bool | Callable[[list[Unseen]], bool] = False,
    command: str | None = None,
    codex_home: str | os.PathLike[str] | None = None,
) -> Loaded:
    """Reads the configuration of a project, and of plugins.

    Args:
        working_directory: Where the agent will work. Default: the current directory.
        plugins: Each a file (with a ``/`` or ending in ``.py``), ``module:name``, or the name of an entry point of the group ``codex_cffi.plugins``. They have
            what a configuration file has, and win over it; later ones win over earlier ones. Whoever names a plugin trusts it.
        project: Whether the project's files count.
        trust: True trusts the project's files as they are, from now on. A function is asked about those that the user has not seen as they are. By default
            they are refused.
        command: For the `command` of the :class:`Context`.
        codex_home: Where it is kept what is trusted. Default: as for :class:`Codex`.

    Raises:
        ConfigFileNotTrustedError: A file of the project is not trusted as it is.
        ConfigFileError: A file or a plugin is wrong, or fails.
    """
    folder = _absolute(working_directory)
    parts: list[_Source] = []
    if project:
        parts += _Project(folder, _trusted(codex_home), command).load(trust)
    return Loaded((*parts, *(_plugin(name, folder, command) for name in plugins)))


def apply(loaded: Loaded) -> None:
    """Gives each client that this process opens from now on what was loaded, besides its own options, which count more.

    Args:
        loaded: The configuration.
    """
    share(loaded.client_options())


def trusted(codex_home: str | os.PathLike[str] | None = None) -> list[Path]:
    """The files that are trusted.

    Args:
        codex_home: Default: as for :class:`Codex`.
    """
    return list(_trusted(codex_home))


def forget(path: str | os.PathLike[str], codex_home: str | os.PathLike[str] | None = None) -> bool:
    """Trusts a file, or all files below a folder, no longer; returns whether there was one.

    Args:
        path: The file, or the folder.
        codex_home: Default: as for :class:`Codex`.
    """
    return _trusted(codex_home).forget(_trusted_files.place(_absolute(path)))


def _trusted(codex_home: str | os.PathLike[str] | None) -> TrustedFiles:
    return TrustedFiles(_codex_home(None if codex_home is None else os.fsdecode(codex_home)))


class _Project:
    """The files of a project, which may be hostile."""

    def __init__(self, folder: Path, trusted: TrustedFiles, command: str | None) -> None:
        self._folder = folder
        self._trusted = trusted
        self._command = command

    def load(self, trust: bool | Callable[[list[Unseen]], bool]) -> Iterator[_Source]:
        """What the files say, once they are trusted."""
        paths = [_trusted_files.place(path) for path in find(self._folder)]
        contents = {path: _content(path) for path in paths}
        modules = [module for path in paths for module in self._trusted.imported(path)]
        read = {**contents, **{module: _content(module, missing=True) for module in modules}}
        unseen = self._trusted.unseen(read)
        if unseen:
            if trust is False:
                raise ConfigFileNotTrustedError([file.path for file in unseen])
            if trust is not True and not trust(unseen):
                raise ConfigFileNotTrustedError([file.path for file in unseen])
        imports: dict[Path, list[Path]] = {}
        sources = []
        for path, content in contents.items():
            if path.name == _PYPROJECT:
                sources.append(_Source(str(path), _from_table(path, content)))
            else:
                with _project_modules(path.parent, imports.setdefault(path, [])):
                    value = _run(path, content)
                    sources.append(_Source(str(path), self._converted(value, path)))
        new = {module: _content(module) for found in imports.values() for module in found if module not in read}
        if unseen or new:
            # Modules that are loaded for the first time run with the file that is trusted and names them; from now on they count as it does.
            self._trusted.trust({**read, **new}, imports)
        return iter(sources)

    def _converted(self, value: Any, path: Path) -> ConfigFile:
        return _converted(value, Context(self._folder, path, self._command), str(path))


def _absolute(folder: str | os.PathLike[str] | None) -> Path:
    return Path(os.path.abspath(os.getcwd() if folder is None else os.path.expanduser(os.fsdecode(folder))))


def _folders(folder: Path) -> list[Path]:
    """The folder, and those above it up to the root of the repository."""
    found = []
    for parent in (folder, *folder.parents):
        found.append(parent)
        if os.path.lexists(parent / ".git"):
            return found
    return [folder]


def _content(path: Path, *, missing: bool = False) -> bytes:
    """What a file holds, as far as it counts: of ``pyproject.toml`` the table. A `missing` one holds nothing, which is not what was trusted."""
    if path.name == _PYPROJECT:
        return json.dumps(_table(path), indent=2, sort_keys=True, default=str).encode()
    try:
        return _trusted_files.read(path)
    except FileNotFoundError:
        if missing:
            return b""
        raise ConfigFileError(f"{path}: no such file") from None
    except (OSError, ValueError) as error:
        raise ConfigFileError(f"{path} cannot be read: {error}") from error


def _table(path: Path) -> Any:
    """The table of a ``pyproject.toml``; None without one."""
    try:
        document = toml_module().loads(_trusted_files.read(path).decode())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ConfigFileError(f"{path} cannot be read: {error}") from error
    tools = document.get("tool")
    return tools.get(_TABLE) if isinstance(tools, dict) else None


def _from_table(path: Path, content: bytes) -> ConfigFile:
    table = json.loads(content)
    name = f"{path} [tool.{_TABLE}]"
    if isinstance(table, dict):
        for key in table:
            if key not in _DATA and key in ConfigFile.__struct_fields__:
                raise ConfigFileError(f"{name}: {key} is code, and belongs into {_NAME}")
    return _converted(table, None, name)


def _converted(value: Any, context: Context | None, name: str) -> ConfigFile:
    """What a file or plugin has, checked."""
    if callable(value) and not isinstance(value, (Mapping, ConfigFile)):
        value = _called(lambda: value(context), name)
    if isinstance(value, ConfigFile):
        return value
    if not isinstance(value, Mapping):
        raise ConfigFileError(
            f"{name}: the configuration must be a mapping or a function that returns one, not {type(value).__name__}"
        )
    given = {key: list(inner) if isinstance(inner, tuple) else inner for key, inner in value.items()}
    unknown = [key for key in given if key not in ConfigFile.__struct_fields__]
    if unknown:
        raise ConfigFileError(f"{name}: {_unknown(str(unknown[0]), ConfigFile.__struct_fields__)}")
    try:
        return msgspec.convert(given, ConfigFile, dec_hook=lambda kind, inner: inner)
    except msgspec.ValidationError as error:
        raise ConfigFileError(f"{name}: {_problem(error)}") from error


def _problem(error: msgspec.ValidationError) -> str:
    """``Expected `object`, got `str` - at `$.defaults[...]``` as ``defaults.…: expected a table, got str``."""
    what, _, where = str(error).partition(" - at `$")
    names = {"`object`": "a table", "`array`": "a list", "`null`": "nothing"}
    for name, plain in names.items():
        what = what.replace(name, plain)
    return f"{where.strip('`.') or 'the configuration'}: {what[:1].lower()}{what[1:].replace('`', '')}"


def _unknown(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
    return f"there is no {name!r}; {hint}"


def _run(path: Path, content: bytes) -> Any:
    """The variable ``config`` of a file, which is run: exactly the bytes that were looked at."""
    module = ModuleType("codex_config")
    module.__file__ = str(path)

    def run() -> None:
        exec(compile(content, str(path), "exec"), module.__dict__)

    _called(run, str(path))
    try:
        return module.__dict__["config"]
    except KeyError:
        raise ConfigFileError(f"{path}: there is no variable or function named config in it") from None


def _called(function: Callable[[], Any], name: str) -> Any:
    """Calls what a user wrote; what it raises is told with the user's own lines."""
    try:
        return function()
    except SyntaxError as error:
        raise ConfigFileError(f"{name}: line {error.lineno}: {error.msg}", trace=_trace(error)) from error
    except Exception as error:
        raise ConfigFileError(f"{name}: {type(error).__name__}: {error}", trace=_trace(error)) from error


def _trace(error: BaseException) -> str:
    """The lines of a traceback that are the user's."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
    return "".join([*traceback.format_list(frames), *traceback.format_exception_only(type(error), error)])


@contextmanager
def _project_modules(folder: Path, loaded: list[Path]) -> Iterator[None]:
    """Lets a file import the modules beside it, and notes which it did.

    They are found last, so that none of them passes for one of Python's own; what was compiled of them before, by whomever, is not used.
    """
    before, prefix = set(sys.modules), sys.pycache_prefix
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
    with tempfile.TemporaryDirectory(prefix="codex-cffi-") as compiled:
        sys.pycache_prefix = compiled
        try:
            yield
        finally:
            sys.pycache_prefix = prefix
    for name in set(sys.modules) - before:
        file = getattr(sys.modules[name], "__file__", None)
        if file is not None and folder in Path(file).parents and "site-packages" not in Path(file).parts:
            loaded.append(_trusted_files.place(Path(file)))
    loaded.sort()


def _plugin(name: str, folder: Path, command: str | None) -> _Source:
    """A plugin by its file, its place in a module, or its name."""
    path = None
    if "/" in name or name.endswith(".py"):
        path = Path(os.path.abspath(os.path.expanduser(name)))
        value = _run(path, _content(path))
    elif ":" in name:
        module, _, attribute = name.partition(":")
        value = _called(lambda: getattr(importlib.import_module(module), attribute), f"plugin {name}")
    else:
        value = _called(lambda: _entry_point(name).load(), f"plugin {name}")
    label = str(path or f"plugin {name}")
    return _Source(label, _converted(value, Context(folder, path, command), label))


def _entry_point(name: str) -> Any:
    from importlib.metadata import entry_points

    found = {point.name: point for point in entry_points(group=GROUP)}
    if name not in found:
        known = f"installed are {', '.join(sorted(found))}" if found else "none is installed"
        raise LookupError(f"there is no plugin of that name; {known}. A file is named with a / or ends in .py")
    return found[name]


def _made(function: Any, part: _Source) -> Tool:
    if not callable(function):
        raise ConfigFileError(f"{part.name}: tools: {function!r} is neither a tool nor a function")
    try:
        made: Tool = tool(function)
    except (TypeError, ValueError) as error:
        raise ConfigFileError(f"{part.name}: tools: {error}") from error
    return made


def _interceptors(part: _Source) -> list[Interceptor]:
    given = part.file.interceptors
    made = [Interceptor(name, handler) for name, handler in given.items()] if isinstance(given, dict) else list(given)
    for one in made:
        if not isinstance(one, Interceptor) or not callable(one.handler):
            raise ConfigFileError(f"{part.name}: interceptors: {one!r} is neither an Interceptor nor a function")
    return made


def _once(what: str, name: str, source: str, from_: dict[str, str]) -> None:
    if name in from_:
        raise ConfigFileError(f"{source}: there is a {what} {name} in {from_[name]} already")
    from_[name] = source


def checked_defaults(loaded: Loaded, command: str, options: type[Any]) -> dict[str, Any]:
    """The defaults of a command that a dataclass of options has, as its types say.

    Raises:
        ConfigFileError: One is not what its option takes.
    """
    types = get_type_hints(options)
    checked = {}
    for name, (value, source) in loaded.explained(command).items():
        if name in types:
            try:
                checked[name] = msgspec.convert(value, types[name], dec_hook=lambda kind, inner: kind(inner))
            except (msgspec.ValidationError, TypeError, ValueError) as error:
                raise ConfigFileError(f"{source}: defaults.{command}.{name}: {error}") from error
    return checked


def checked_names(loaded: Loaded, command: str, known: Sequence[str]) -> None:
    """Looks whether a command has the options that defaults are given for.

    Raises:
        ConfigFileError: It has not.
    """
    for name, (_, source) in loaded.explained(command).items():
        if name not in known:
            raise ConfigFileError(f"{source}: defaults.{command}: {_unknown(name, known)}")


def _one_after_another(functions: list[Any]) -> Any:
    """One ``before_start`` that calls all."""
    if len(functions) < 2:
        return functions[0] if functions else None
    if any(is_async(function) for function in functions):

        async def each_async(thread: Any, given: Any) -> Any:
            for function in functions:
                changed = function(thread, given)
                changed = await changed if inspect.isawaitable(changed) else changed
                given = given if changed is None else changed
            return given

        return each_async

    def each(thread: Any, given: Any) -> Any:
        for function in functions:
            changed = function(thread, given)
            given = given if changed is None else changed
        return given

    return each


def _all_of(functions: list[Any]) -> Any:
    """One ``on_event`` that calls all; what one raises does not keep the event from the others."""
    if len(functions) < 2:
        return functions[0] if functions else None

    def each(event: Any) -> None:
        with contextlib.ExitStack() as stack:
            for function in reversed(functions):
                stack.callback(function, event)

    return each
