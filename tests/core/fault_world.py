"""What the rows of the table of faults are made of, and where faults happen."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import codex_cffi
from codex_cffi import CodexError
from codex_cffi.testing import ScriptedModel
from support import MakeCodex, run_python

#: Seconds after which a turn that should have failed by itself hangs.
HANGS = 30

#: Gives or raises what a host gets.
Provoke = Callable[["World"], Any]


@dataclass(frozen=True)
class Fault:
    """One row: what goes wrong, what the host gets, and what it does then.

    Attributes:
        fault: What goes wrong.
        gives: The class of what the host gets.
        has: Attributes of that, with their values.
        does: What to do.
        ways: What provokes it, by name; each gives or raises what the host gets.
    """

    fault: str
    gives: type
    has: dict[str, Any]
    does: str
    ways: dict[str, Provoke] = field(default_factory=dict)


@dataclass
class World:
    """Where faults happen."""

    make_codex: MakeCodex
    repo: Path
    home: Path
    tmp_path: Path
    monkeypatch: pytest.MonkeyPatch
    disk: Callable[[str], Path]
    models: contextlib.ExitStack

    def model(self, *script: Any, **options: Any) -> ScriptedModel:
        return self.models.enter_context(ScriptedModel(script, **options))

    def thread(self, *script: Any, **options: Any) -> Any:
        """A thread of a new client, with a model that has the script."""
        codex = self.make_codex(self.model(*script, default="done"), **options)
        return codex.start_thread(working_directory=self.repo)

    def elsewhere(self, code: str, **options: Any) -> CodexError:
        """The error that a program of its own ends with."""
        result = run_python(
            "import os, sys\nimport codex_cffi\nfrom codex_cffi import *\nfrom codex_cffi.testing import *\n"
            f"def main(home, repo):\n{code}\n"
            "try:\n    main(*sys.argv[1:])\nexcept CodexError as error:\n    print(type(error).__name__, error.retriable)",
            self.home,
            self.repo,
            **options,
        )
        name, retriable = result.stdout.split()
        error: CodexError = getattr(codex_cffi, name)(result.stderr, retriable=retriable == "True")
        return error


class Table(list[Fault]):
    """The rows of a section of the page."""

    def fault(self, fault: str, gives: type, does: str, **has: Any) -> Callable[[Provoke], Provoke]:
        """The function provokes it."""

        def add(provoke: Provoke) -> Provoke:
            self.append(Fault(fault, gives, has, does, {provoke.__name__: provoke}))
            return provoke

        return add

    def another_way(self, provoke: Provoke) -> Provoke:
        """The function provokes the last fault too."""
        self[-1].ways[provoke.__name__] = provoke
        return provoke


def event_of(thread: Any, kind: type, prompt: str = "go") -> Any:
    """The one event of a kind in a turn that is completed."""
    with thread.run_streamed(prompt, timeout=HANGS) as stream:
        (event,) = [event for event in stream if isinstance(event, kind)]
    assert stream.turn.status == "completed"
    return event


def item_of(turn: Any, kind: type) -> Any:
    """The one item of a kind in a turn that was completed."""
    assert turn.status == "completed"
    (item,) = [item for item in turn.items if isinstance(item, kind)]
    return item
