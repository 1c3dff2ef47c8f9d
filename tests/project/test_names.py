"""The package's public names: all there, and not loaded before they are asked for."""

from __future__ import annotations

import importlib
import inspect
import pkgutil

import pytest

import codex_cffi
from codex_cffi import AsyncCodex, AsyncThread, Codex, Thread
from codex_cffi._core.client_options import ClientOptions
from codex_cffi._core.parameters import Equipment, ThreadOptions
from support import run_python

CLIENT = {
    *("start_thread", "resume_thread", "resume_last", "review", "run_many", "create_agent", "request"),
    *("register_tool", "unregister_tool", "register_tool_interceptor", "unregister_tool_interceptor"),
    *("register_hook", "unregister_hook", "register_skill", "unregister_skill", "pending_approvals", "respond"),
    *("sessions", "account", "skills", "mcp", "config", "models", "usage", "close", "closed"),
}


def test_every_name_is_there() -> None:
    assert len(codex_cffi.__all__) == len(set(codex_cffi.__all__))
    assert [name for name in codex_cffi.__all__ if not hasattr(codex_cffi, name)] == []
    assert set(codex_cffi.__all__) <= set(dir(codex_cffi))


@pytest.mark.parametrize(("name", "module"), codex_cffi._LATER.items())
def test_what_is_loaded_later_is_public_where_it_is_from(name: str, module: str) -> None:
    assert name in importlib.import_module(f"codex_cffi.{module}").__all__


def test_the_top_has_what_programs_write_and_no_more() -> None:
    assert len(codex_cffi.__all__) <= 120


def test_exceptions_end_in_error_and_live_in_one_module() -> None:
    modules = [
        importlib.import_module(info.name)
        for info in pkgutil.walk_packages(codex_cffi.__path__, "codex_cffi.")
        if not info.name.startswith(("codex_cffi.openai", "codex_cffi.testing", "codex_cffi.protocol"))
    ]
    found = {
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Exception) and value.__module__.startswith("codex_cffi.")
    }
    assert len(found) > 25
    assert {error.__name__ for error in found if not error.__name__.endswith("Error")} == set()
    public = {error for error in found if not error.__module__.rpartition(".")[2].startswith("_")}
    assert {error.__name__ for error in public if error.__module__ != "codex_cffi.errors"} == set()


@pytest.mark.parametrize("kind", [Codex, AsyncCodex])
def test_what_a_client_has(kind: type) -> None:
    assert {name for name in dir(kind) if not name.startswith("_")} == CLIENT


@pytest.mark.parametrize("kind", [Codex, AsyncCodex])
def test_the_options_of_a_client_are_its_arguments(kind: type) -> None:
    arguments = list(inspect.signature(kind).parameters)
    assert arguments == list(ClientOptions.__struct_fields__)
    for method in ("start_thread", "resume_thread", "resume_last"):
        names = set(inspect.signature(getattr(kind, method)).parameters)
        assert set(Equipment.__struct_fields__) <= names
        assert set(ThreadOptions.__struct_fields__) - {"ephemeral"} <= names


def test_what_a_client_has_is_made_once_and_when_it_is_asked_for() -> None:
    code = """
import sys, codex_cffi
codex = codex_cffi.AsyncCodex(codex_home=sys.argv[1], isolated=True)
names = ["account", "config", "mcp", "models", "skills"]
assert not [name for name in names if f"codex_cffi.{name}" in sys.modules]
for name in [*names, "sessions"]:
    assert getattr(codex, name) is getattr(codex, name)
    assert type(getattr(codex, name)).__module__ == f"codex_cffi.{name}"
"""
    done = run_python(code, "/nonexistent")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("kind", [codex_cffi.sessions.Sessions, codex_cffi.sessions.AsyncSessions])
def test_sessions_have_the_same_verbs_with_and_without_a_client_and_on_a_thread(kind: type) -> None:
    verbs = {name for name in dir(kind) if not name.startswith("_")}
    assert verbs == {name for name in codex_cffi.sessions.__all__ if name.islower()}
    for thread in (Thread, AsyncThread):
        assert verbs - set(dir(thread)) == {"list", "search", "unarchive"}


def test_nothing_is_loaded_before_it_is_asked_for() -> None:
    code = """
import sys, codex_cffi
assert [name for name in sys.modules if name.startswith("codex_cffi.")] == ["codex_cffi._interpreter"]
assert codex_cffi.usage.Price(1, 2).input == 1
assert "codex_cffi._capi" not in sys.modules
assert codex_cffi.skills.Skill is codex_cffi.Skill
from codex_cffi import Codex
later = ["account", "agents", "approvals", "batch", "config", "hooks", "mcp", "models", "rate_limits", "review", "sessions", "_query"]
assert not [name for name in later if f"codex_cffi.{name}" in sys.modules]
from codex_cffi import *
assert query and StdioServer
"""
    done = run_python(code)
    assert done.returncode == 0, done.stderr


def test_a_name_that_there_is_not() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        codex_cffi.Nonsense  # noqa: B018
