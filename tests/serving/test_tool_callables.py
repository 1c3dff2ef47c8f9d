"""Tools of whatever can be called, and what the model is told of their parameters."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from pathlib import Path
from typing import Annotated, Any

import pydantic
import pytest

from codex_cffi import AsyncCodex, ItemUpdated, ToolContext, ToolInvocation, tool
from codex_cffi.testing import ScriptedModel, function_call
from support import MakeCodex


def audited(function: Callable[..., Any]) -> Callable[..., Any]:
    """An ordinary decorator, which is not ``async`` itself."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


class Catalogue:
    """Looks up who owns what."""

    def __init__(self, owner: str) -> None:
        self._owner = owner

    def of(self, name: str) -> str:
        "Owner of a service."
        return f"{self._owner} of {name}"

    @classmethod
    def kind(cls, name: str) -> str:
        "Kind of a service."
        return f"{cls.__name__} of {name}"

    @staticmethod
    def place(name: str) -> str:
        "Place of a service."
        return f"place of {name}"

    def __call__(self, name: str) -> str:
        return f"{self._owner} for {name}"

    @tool
    def decorated(self, name: str) -> str:
        "A tool of each object."
        return f"{self._owner} decorated {name}"

    @tool(name="decorated_kind")
    @classmethod
    def decorated_class(cls, name: str) -> str:
        "A tool of the class."
        return f"{cls.__name__} decorated {name}"

    @tool
    @staticmethod
    async def decorated_static(name: str) -> str:
        "A tool that needs no object."
        return f"static {name}"


class AsyncCallable:
    async def __call__(self, name: str) -> str:
        "Answers later."
        return f"later {name}"


def keyed(key: str, name: str, limit: int = 3) -> str:
    """Looks up with a key.

    :param name: what is looked up,
        by its name
    :param int limit: how many
    :returns: what was found
    """
    return f"{key}{limit} {name}"


async def plain_async(name: str) -> str:
    "Is async."
    return f"async {name}"


async def keyed_async(key: str, name: str) -> str:
    "Is async, too."
    return f"{key} {name}"


def test_whatever_can_be_called_may_be_a_tool(make_codex: MakeCodex, repo: Path) -> None:
    catalogue = Catalogue("Ann")
    tools = {
        "of": (tool(catalogue.of), "Ann of x"),
        "kind": (tool(Catalogue.kind), "Catalogue of x"),
        "place": (tool(catalogue.place), "place of x"),
        "Catalogue": (tool(catalogue), "Ann for x"),
        "decorated": (catalogue.decorated, "Ann decorated x"),
        "decorated_kind": (Catalogue.decorated_class, "Catalogue decorated x"),
        "decorated_static": (Catalogue.decorated_static, "static x"),
        "AsyncCallable": (tool(AsyncCallable()), "later x"),
        "keyed": (tool(functools.partial(keyed, key="secret-")), "secret-3 x"),
        "positional": (tool(name="positional")(functools.partial(keyed, "first", limit=9)), "first9 x"),
        "keyed_async": (tool(functools.partial(keyed_async, "k")), "k x"),
        "plain_async": (tool(audited(plain_async)), "async x"),
    }
    calls = [function_call(name, {"name": "x"}, call_id=name) for name in tools]
    with ScriptedModel([calls, "done"]) as model:
        codex = make_codex(model, tools=[made for made, _ in tools.values()])
        codex.start_thread(working_directory=repo).run("go", timeout=60)
        outputs = model.last_request.function_outputs
        assert "secret" not in str(model.requests[0].tools)
    assert outputs == {name: output for name, (_, output) in tools.items()}
    assert tools["Catalogue"][0].description == "Looks up who owns what."
    assert tools["positional"][0].parameters["properties"].keys() == {"name"}
    assert catalogue.decorated("y") == "Ann decorated y"


class Traced:
    """A decorator that is a class."""

    def __init__(self, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function)
        self._function = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._function(*args, **kwargs)


@pytest.mark.parametrize("decorator", [Traced, functools.cache, audited, functools.partial])
def test_a_decorator_hides_nothing(decorator: Any) -> None:
    def search(name: str, limit: int = 3) -> str:
        """Searches.

        Args:
            limit: How many.
        """
        return f"{name} {limit}"

    made = tool(decorator(search))
    assert (made.name, made.description) == ("search", "Searches.")
    assert made.parameters["properties"] == {
        "name": {"type": "string"},
        "limit": {"type": "integer", "description": "How many.", "default": 3},
    }
    assert made.handler(ToolInvocation("thread", "turn", "call", "search", {"name": "x"})) == "x 3"


def test_what_cannot_be_a_tool_is_told_where_it_is_made(make_codex: MakeCodex) -> None:
    with pytest.raises(TypeError, match=r"Catalogue.decorated> is a method; give the tool of an object"):
        make_codex(tools=[Catalogue.decorated])
    with pytest.raises(TypeError, match="not the class Catalogue"):
        tool(Catalogue)
    with pytest.raises(TypeError, match="a lambda has no name"):
        tool(description="D.")(lambda: 1)
    with pytest.raises(TypeError, match="the function takes name, but its schema has nme"):
        tool(parameters={"type": "object", "properties": {"nme": {}}})(plain_async)


def test_a_decorated_coroutine_is_awaited_where_the_turn_runs(codex_home: Path, repo: Path) -> None:
    loops: list[object] = []

    @tool
    @audited
    async def where(name: str) -> str:
        "Tells where it runs."
        await asyncio.sleep(0)
        loops.append(asyncio.get_running_loop())
        return name

    async def main() -> None:
        async with AsyncCodex(
            codex_home=codex_home, isolated=True, config=model.provider_config(), tools=[where]
        ) as codex:
            thread = await codex.start_thread(working_directory=repo)
            await thread.run("go")
        loops.append(asyncio.get_running_loop())

    with ScriptedModel([[function_call("where", {"name": "here"}, call_id="call")], "done"]) as model:
        asyncio.run(main())
        model.assert_tool_output("call", equals="here")
    assert loops == [loops[1]] * 2


def test_what_generators_yield_is_progress(make_codex: MakeCodex, repo: Path) -> None:
    closed: list[str] = []

    @tool
    def returns(count: int) -> Generator[str, None, dict[str, int]]:
        "Yields and returns."
        for step in range(count):
            yield f"step {step}"
        return {"steps": count}

    @tool
    def lists(count: int) -> Iterator[dict[str, int]]:
        "Yields its results."
        for step in range(count):
            yield {"hit": step}

    @tool
    async def later(count: int) -> AsyncIterator[str]:
        "Yields them later."
        try:
            for step in range(count):
                yield f"line {step}"
        finally:
            closed.append("later")

    @tool
    @audited
    async def decorated(count: int) -> AsyncIterator[str]:
        "Is decorated, too."
        yield f"counted {count}"

    tools = [returns, lists, later, decorated]
    script = [*([function_call(made.name, {"count": 2}, call_id=made.name)] for made in tools), "done"]
    with ScriptedModel(script) as model:
        thread = make_codex(model, tools=tools).start_thread(working_directory=repo)
        with thread.run_streamed("go") as stream:
            told = [(event.item_id, event.data["progress"]) for event in stream if isinstance(event, ItemUpdated)]
        outputs = model.last_request.function_outputs
    assert outputs == {
        "returns": '{"steps":2}',
        "lists": '[{"hit":0},{"hit":1}]',
        "later": "line 0\nline 1",
        "decorated": "counted 2",
    }
    assert told == [
        ("returns", "step 0"),
        ("returns", "step 1"),
        ("lists", '{"hit":0}'),
        ("lists", '{"hit":1}'),
        ("later", "line 0"),
        ("later", "line 1"),
        ("decorated", "counted 2"),
    ]
    assert closed == ["later"]


def test_a_generator_out_of_time_is_closed(make_codex: MakeCodex, repo: Path) -> None:
    closed = threading.Event()

    @tool(timeout=0.2)
    def endless(context: ToolContext) -> Iterator[str]:
        "Never ends by itself."
        try:
            while True:
                context.wait(0.05)
                yield "on"
        finally:
            closed.set()

    with ScriptedModel([[function_call("endless", {}, call_id="call")], "done"]) as model:
        make_codex(model, tools=[endless]).start_thread(working_directory=repo).run("go", timeout=60)
        model.assert_tool_output("call", contains="did not answer within")
    assert closed.wait(10)


# ---- what the model is told of parameters


def test_fields_of_pydantic_bound_and_describe_parameters(make_codex: MakeCodex, repo: Path) -> None:
    got: list[Any] = []

    @tool
    def retry(
        times: Annotated[int, pydantic.Field(ge=1, le=5, description="how often", examples=[3])],
        name: str = pydantic.Field(min_length=2, max_length=5, pattern="^[a-z]+$", description="whose"),
        pause: float = pydantic.Field(default=1.5, gt=0, lt=60),
        tags: list[str] = pydantic.Field(default_factory=lambda: ["new"]),  # noqa: B008 - what users write
        file_name: Annotated[str, pydantic.Field(alias="fileName")] = "a.py",
        *,
        depth: Annotated[int, pydantic.Field(default=7)],
    ) -> str:
        "Tries again."
        assert depth == 7
        got.append((times, name, pause, tags, file_name))
        return "done"

    assert retry.parameters["required"] == ["times", "name"]
    assert retry.parameters["properties"] == {
        "times": {"type": "integer", "minimum": 1, "maximum": 5, "description": "how often", "examples": [3]},
        "name": {
            "type": "string",
            "minLength": 2,
            "maxLength": 5,
            "pattern": "^[a-z]+$",
            "description": "whose",
        },
        "pause": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 60, "default": 1.5},
        "tags": {"type": "array", "items": {"type": "string"}, "default": ["new"]},
        "fileName": {"type": "string", "default": "a.py"},
        "depth": {"type": "integer", "default": 7},
    }
    calls = [
        function_call("retry", {"times": 9, "name": "UPPER", "pause": 0}, call_id="wrong"),
        function_call("retry", {"times": 2, "name": "ann", "fileName": "b.py"}, call_id="right"),
    ]
    with ScriptedModel([calls, "done"]) as model:
        make_codex(model, tools=[retry]).start_thread(working_directory=repo).run("go")
        wrong = model.last_request.tool_output("wrong")
        told = model.requests[0].tool("retry")["parameters"]["properties"]
    for words in ("equal to 5 - at `$.times`", "match pattern", "greater than 0 - at `$.pause`"):
        assert words in wrong
    assert got == [(2, "ann", 1.5, ["new"], "b.py")]
    assert told["times"]["description"] == "how often"
    got.clear()
    assert retry(1, name="x") == "done"  # with the defaults that stand in a Field
    assert got == [(1, "x", 1.5, ["new"], "a.py")]


def google(name: str, depth: int, *, mode: str = "fast") -> None:
    """Looks things up.

    It looks in all places.

    Args:
        name (str): The name,
            on two lines: really.
        depth: How deep.

    Keyword Args:
        mode (str, optional): How.

    Returns:
        dict: What it found.

    Note:
        It is slow.
    """


def numpy(name: str, depth: int, *, mode: str = "fast") -> None:
    """Looks things up.

    It looks in all places.

    Parameters
    ----------
    name : str
        The name,
        on two lines: really.
    depth
        How deep.

    Other Parameters
    ----------------
    mode : {"fast", "slow"}, optional
        How.

    Returns
    -------
    dict
        What it found.

    Note
    ----
    It is slow.
    """


def sphinx(name: str, depth: int, *, mode: str = "fast") -> None:
    """Looks things up.

    It looks in all places.

    :param str name: The name,
        on two lines: really.
    :param depth: How deep.
    :type depth: int
    :keyword mode: How.
    :returns: What it found.
    :raises KeyError: It is not there.
    """


@pytest.mark.parametrize("function", [google, numpy, sphinx])
def test_docstrings_of_all_styles_describe_parameters(function: Callable[..., Any]) -> None:
    made = tool(function)
    properties = made.parameters["properties"]
    assert {name: properties[name].get("description") for name in properties} == {
        "name": "The name, on two lines: really.",
        "depth": "How deep.",
        "mode": "How.",
    }
    assert made.description.startswith("Looks things up.\n\nIt looks in all places.")
    assert ("It is slow." in made.description) is (function is not sphinx)
    assert "What it found" not in made.description
    assert "How deep" not in made.description


def test_types_that_are_known_only_around_the_function() -> None:
    class Local(pydantic.BaseModel):
        x: int

    @tool
    def takes(value: Local, more: list[Local] | None = None) -> UnknownToAll:  # type: ignore[name-defined]  # noqa: F821
        "Takes what is local."

    class Service:
        @tool
        def takes(self, value: Local) -> None:
            "Takes what is local."

    for made in (takes, Service().takes):
        assert "x" in str(made.parameters["properties"]["value"])


def test_a_default_of_none_means_that_none_may_be_given() -> None:
    got: list[Any] = []

    @tool
    def find(
        name: str = None,  # type: ignore[assignment]  # noqa: RUF013 - what users write
        limit: Annotated[int, pydantic.Field(ge=1, description="how many")] = None,  # type: ignore[assignment]  # noqa: RUF013
    ) -> None:
        "Finds."
        got.append((name, limit))

    limit = find.parameters["properties"]["limit"]
    assert (limit["description"], limit["default"]) == ("how many", None)
    assert {"type": "null"} in limit["anyOf"]
    for arguments in ({"name": None, "limit": None}, {"limit": 3}):
        find.handler(ToolInvocation("thread", "turn", "call", "find", arguments))
    with pytest.raises(ValueError, match="greater than or equal to 1"):
        find.handler(ToolInvocation("thread", "turn", "call", "find", {"limit": 0}))
    assert got == [(None, None), (None, 3)]


def test_the_context_may_be_optional() -> None:
    @tool
    def waits(context: ToolContext | None = None) -> str:
        "Waits."
        return "called by hand" if context is None else context.call_id

    assert waits.parameters["properties"] == {}
    assert waits() == "called by hand"
    context = ToolContext("thread", "turn", "call", "waits")
    assert waits.handler(ToolInvocation("thread", "turn", "call", "waits", {}, context=context)) == "call"
