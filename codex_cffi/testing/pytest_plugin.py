"""pytest fixtures.

The `conftest.py` of the root folder switches them on, by one line::

    pytest_plugins = ["codex_cffi.testing.pytest_plugin"]
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

import pytest

from ._model_server import ModelServer
from ._recorded import Mode, RecordedModel, RecordedModelError
from ._server import ScriptedModel

_FAILED = pytest.StashKey[bool]()
_MODES = ("auto", "record", "replay")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds `--codex-record`."""
    parser.getgroup("codex_cffi").addoption(
        "--codex-record",
        nargs="?",
        const="record",
        choices=_MODES,
        default=None,
        help="what the fixture recorded_model does: record (the default of the option) asks the real model and replaces "
        "the cassettes, auto records those that are missing, replay (without the option) never asks; also CODEX_RECORD",
    )


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, None]:
    """Remembers which tests failed: their recordings are not kept."""
    outcome = yield
    if outcome.get_result().failed:
        item.stash[_FAILED] = True


@pytest.fixture
def scripted_model() -> Iterator[ScriptedModel]:
    """A started server with an empty script, closed and checked after the test.

    >>> def test_agent(scripted_model):
    ...     scripted_model.add("Hello.")
    """
    with ScriptedModel() as model:
        yield model


@pytest.fixture
def scripted_model_factory() -> Iterator[Callable[..., ScriptedModel]]:
    """Starts servers, with the arguments of `ScriptedModel`; all are closed and checked after the test.

    >>> def test_agent(scripted_model_factory):
    ...     model = scripted_model_factory(["Hello."], chunked=True)
    """
    with ExitStack() as stack:
        yield lambda *args, **options: stack.enter_context(ScriptedModel(*args, **options))


@pytest.fixture
def recorded_model_options() -> dict[str, Any]:
    """Arguments of the `RecordedModel` that `recorded_model` makes; override it, e.g. in `conftest.py`.

    >>> @pytest.fixture
    ... def recorded_model_options():
    ...     return {"upstream": "https://models.example.com/v1", "secrets": ["hunter2"]}
    """
    return {}


@pytest.fixture
def recorded_model(request: pytest.FixtureRequest, recorded_model_options: dict[str, Any]) -> Iterator[RecordedModel]:
    """Replays `cassettes/<module>/<test>.json` beside the test's module; `pytest --codex-record` records it.

    A failed test leaves its cassette as it was.

    >>> def test_agent(recorded_model):
    ...     codex = Codex(config=recorded_model.provider_config())
    """
    mode = request.config.getoption("codex_record", None) or os.environ.get("CODEX_RECORD") or "replay"
    if mode not in _MODES:
        raise pytest.UsageError(f"CODEX_RECORD must be one of {', '.join(_MODES)}, not {mode!r}")
    node: pytest.Item = request.node
    name = re.sub(r"[^\w.-]+", "-", node.name).strip("-")
    path = node.path.parent / "cassettes" / node.path.stem / f"{_class_prefix(node)}{name}.json"
    options = {"path": path, "mode": cast("Mode", mode), **recorded_model_options}
    model = RecordedModel(**options)
    try:
        model.start()
    except RecordedModelError as error:
        pytest.fail(str(error), pytrace=False)  # the message says what to do
    with model:
        yield model
        if node.stash.get(_FAILED, False):
            model.close(save=False)


@pytest.fixture
def codex_factory(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Opens clients that ask a server of this package, closed after the test.

    They have a home of their own in `tmp_path`, read no configuration of the user, and may work outside of git
    repositories. Further arguments are those of `Codex`; `config` adds to what points at the server.

    >>> def test_agent(scripted_model, codex_factory):
    ...     scripted_model.add("Hello.")
    ...     assert codex_factory(scripted_model).start_thread().run("Hi").final_response == "Hello."
    """
    from codex_cffi import Codex

    with ExitStack() as stack:

        def open_client(model: ModelServer, **options: Any) -> Codex:
            options["config"] = {**model.provider_config(), **(options.get("config") or {})}
            options = {
                "codex_home": tmp_path / "codex-home",
                "isolated": True,
                "skip_git_repo_check": True,
                **options,
            }
            return stack.enter_context(Codex(**options))

        yield open_client


def _class_prefix(node: pytest.Item) -> str:
    owner = getattr(node, "cls", None)
    return "" if owner is None else f"{owner.__name__}."
