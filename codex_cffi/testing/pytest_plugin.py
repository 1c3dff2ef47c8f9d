"""pytest fixtures; switch them on in `conftest.py`:

pytest_plugins = ["codex_cffi.testing.pytest_plugin"]
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from ._server import ScriptedModel


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
