"""Python functions as tools."""

from __future__ import annotations

import array
import asyncio
import dataclasses
import enum
import threading
import types
from pathlib import Path
from typing import Annotated, Any, Literal

import PIL.Image
import pydantic
import pytest
from typing_extensions import TypedDict

from codex_cffi import (
    AlreadyExistsError,
    Image,
    InvalidArgumentError,
    InvalidJsonError,
    ItemUpdated,
    NotFoundError,
    Tool,
    ToolCall,
    ToolContext,
    ToolInvocation,
    ToolResult,
    tool,
)
from codex_cffi.testing import ScriptedModel, function_call
from support import MakeCodex

SCHEMA = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"], "additionalProperties": False}


def double(call: ToolInvocation) -> Any:
    return {"doubled": call.arguments["x"] * 2}


def test_a_call_reaches_the_function_and_its_result_the_model(make_codex: MakeCodex, repo: Path) -> None:
    seen: list[ToolInvocation] = []

    def handler(call: ToolInvocation) -> Any:
        seen.append(call)
        return double(call)

    tool = Tool("double", "Doubles.", handler, SCHEMA, strict=True)
    with ScriptedModel([[function_call("double", {"x": 21}, call_id="call")], "42"]) as model:
        thread = make_codex(model, tools=[tool]).start_thread(working_directory=repo)
        turn = thread.run("go")
        model.assert_tool_output("call", equals='{"doubled":42}')
    (call,) = seen
    assert (call.thread_id, call.turn_id, call.call_id) == (thread.id, turn.id, "call")
    (item,) = (item for item in turn.items if isinstance(item, ToolCall))
    assert (item.tool, item.arguments, item.status, item.success) == ("double", {"x": 21}, "completed", True)
    assert item.content_items == [{"type": "inputText", "text": '{"doubled":42}'}]
    (offered,) = (tool for tool in model.requests[0].tools if tool.get("name") == "double")
    assert offered["description"] == "Doubles."
    assert offered["strict"] is True
    assert offered["parameters"]["required"] == ["x"]


@pytest.mark.parametrize(
    ("handler", "output", "success"),
    [
        (lambda call: "plain", "plain", True),
        (lambda call: ToolResult("no luck", success=False), "no luck", False),
        (lambda call: [1, None, "x"], '[1,null,"x"]', True),
        (lambda call: 1 / 0, "ZeroDivisionError: division by zero", False),
        (lambda call: object(), "TypeError", False),
    ],
    ids=["text", "result", "json", "exception", "unencodable"],
)
def test_what_a_handler_may_return(
    make_codex: MakeCodex, repo: Path, handler: Any, output: str, success: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with ScriptedModel([[function_call("f", {}, call_id="call")], "done"]) as model:
        turn = make_codex(model, tools=[Tool("f", "F.", handler)]).start_thread(working_directory=repo).run("go")
        model.assert_tool_output("call", contains=output)
    (item,) = (item for item in turn.items if isinstance(item, ToolCall))
    assert item.success is success
    assert item.status == ("completed" if success else "failed")
    assert "Traceback" not in str(model.requests[-1].function_outputs)
    assert bool([record for record in caplog.records if record.exc_info]) == ("Error" in output)


def test_arguments_that_are_no_object_go_back_to_the_model(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel([[function_call("double", "[1", call_id="call")], "done"]) as model:
        make_codex(model, tools=[Tool("double", "D.", double, SCHEMA)]).start_thread(working_directory=repo).run("go")
        model.assert_tool_output("call", contains="not a JSON object")


def test_parallel_calls_run_at_the_same_time(make_codex: MakeCodex, repo: Path) -> None:
    barrier = threading.Barrier(4)

    def handler(call: ToolInvocation) -> str:
        barrier.wait(30)
        return "met"

    calls = [function_call("meet", {}, call_id=f"call_{index}") for index in range(4)]
    with ScriptedModel([calls, "done"]) as model:
        tool = Tool("meet", "M.", handler, supports_parallel=True)
        make_codex(model, tools=[tool]).start_thread(working_directory=repo).run("go", timeout=60)
        assert set(model.requests[-1].function_outputs.values()) == {"met"}


def test_a_slow_handler_delays_nobody_else(make_codex: MakeCodex, repo: Path) -> None:
    release = threading.Event()
    tool = Tool("slow", "S.", lambda call: release.wait(60) and "released")
    with ScriptedModel() as model:
        model.script([[function_call("slow", {})], "slow done"], user_text="slow")
        model.script(["quick"] * 20, user_text="quick")
        codex = make_codex(model, tools=[tool], max_workers=1)
        slow = codex.start_thread(working_directory=repo).run_streamed("slow")
        while not any(isinstance(getattr(event, "item", None), ToolCall) for event in [next(slow)]):
            pass
        quick = codex.start_thread(working_directory=repo)
        assert [quick.run("quick").final_response for _ in range(20)] == ["quick"] * 20
        release.set()
        for _ in slow:
            pass
        assert slow.turn.final_response == "slow done"


def test_interrupting_a_turn_leaves_its_handler_and_ignores_its_answer(make_codex: MakeCodex, repo: Path) -> None:
    release, entered = threading.Event(), threading.Event()

    def handler(call: ToolInvocation) -> str:
        entered.set()
        release.wait(60)
        return "too late"

    with ScriptedModel([[function_call("slow", {})], "next"]) as model:
        codex = make_codex(model, tools=[Tool("slow", "S.", handler)])
        thread = codex.start_thread(working_directory=repo)
        with thread.run_streamed("go"):
            assert entered.wait(30)
        release.set()
        assert thread.run("on").final_response == "next"
    assert "too late" not in str(model.requests[-1].function_outputs)


def test_tools_come_and_go(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel(["a", [function_call("double", {"x": 1}, call_id="call")], "b", "c"]) as model:
        codex = make_codex(model)
        thread = codex.start_thread(working_directory=repo)
        thread.run("before")
        codex.register_tool(Tool("double", "D.", double, SCHEMA))
        with pytest.raises(AlreadyExistsError, match="double is registered already"):
            codex.register_tool(Tool("double", "D.", double, SCHEMA))
        thread.run("with it")
        codex.unregister_tool("double")
        with pytest.raises(NotFoundError, match="double"):
            codex.unregister_tool("double")
        thread.run("without it")
    offered = ["double" in request.tool_names for request in model.requests]
    assert offered == [False, True, True, False]
    model.assert_tool_output("call", contains="2")


@pytest.mark.parametrize(
    ("tool", "error", "match"),
    [
        (lambda: Tool("with space", "D.", double), InvalidArgumentError, '"with space" .* 1 to 64 letters'),
        (lambda: Tool("", "D.", double), InvalidArgumentError, "1 to 64"),
        (lambda: Tool("f", "D.", double, {"type": "string"}), InvalidJsonError, 'type "object"'),
        (lambda: Tool("f", "D.", "double"), TypeError, "not callable"),  # type: ignore[arg-type]
        (lambda: double, TypeError, "decorate the function with @tool"),
        (lambda: Tool("f", "D.", double, timeout=0), ValueError, "above 0 seconds"),
    ],
)
def test_bad_tools_are_refused(make_codex: MakeCodex, tool: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        make_codex(tools=[tool()])


def test_without_tools_approvals_are_denied(make_codex: MakeCodex, repo: Path) -> None:
    from codex_cffi.testing import shell

    asking = shell("touch asked", call_id="call", sandbox_permissions="require_escalated", justification="please")
    with ScriptedModel([[asking], "done"]) as model:
        thread = make_codex(model).start_thread(
            working_directory=repo, approval_mode="on-request", sandbox_mode="read-only"
        )
        thread.run("go", timeout=60)
        model.assert_tool_output("call", contains="reject")
    assert not (repo / "asked").exists()


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclasses.dataclass
class Point:
    x: int
    y: float = 0.0


class Size(TypedDict, total=False):
    width: int


class Owner(pydantic.BaseModel):
    name: str
    team: Literal["payments", "search"] = "search"


@tool
def everything(
    name: str,
    count: Annotated[int, "how many"],
    context: ToolContext,
    colour: Colour = Colour.RED,
    note: str | None = None,
    points: list[Point] = [],  # noqa: B006 - what users write
    size: Size = {},  # noqa: B006
    owner: Owner | None = None,
) -> dict[str, Any]:
    """Has a parameter of every kind.

    Args:
        name: The name,
            on two lines.
        colour: One of two.

    Returns:
        What it got.
    """
    assert not context.cancelled
    return {"name": name, "count": count, "colour": colour.value, "points": len(points), "call": context.call_id}


def test_a_function_s_hints_become_its_schema() -> None:
    assert everything.name == "everything"
    assert everything.description == "Has a parameter of every kind."
    schema = everything.parameters
    assert schema["required"] == ["name", "count"]
    assert schema["additionalProperties"] is False
    properties = schema["properties"]
    assert properties["name"] == {"type": "string", "description": "The name, on two lines."}
    assert properties["count"] == {"type": "integer", "description": "how many"}
    assert properties["colour"] == {"$ref": "#/$defs/Colour", "description": "One of two.", "default": "red"}
    assert schema["$defs"]["Colour"]["enum"] == ["blue", "red"]
    assert schema["$defs"]["Point"]["required"] == ["x"]
    assert "context" not in properties
    assert {"type": "null"} in properties["owner"]["anyOf"]


def test_a_function_gets_what_its_hints_say(make_codex: MakeCodex, repo: Path) -> None:
    arguments = {"name": "n", "count": 2, "colour": "blue", "points": [{"x": 1}], "owner": {"name": "o"}}
    with ScriptedModel([[function_call("everything", arguments, call_id="call")], "done"]) as model:
        make_codex(model, tools=[everything]).start_thread(working_directory=repo).run("go")
        model.assert_tool_output("call", equals='{"name":"n","count":2,"colour":"blue","points":1,"call":"call"}')
    (offered,) = (spec for spec in model.requests[0].tools if spec.get("name") == "everything")
    assert offered["parameters"]["properties"]["colour"]["$ref"] == "#/$defs/Colour"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"count": 1}, "missing required field `name`"),
        ({"name": "n", "count": "x"}, "Expected `int`, got `str` - at `$.count`"),
        ({"name": "n", "count": 1, "colour": "green"}, "Invalid enum value 'green'"),
        ({"name": "n", "count": 1, "other": 1}, "unknown field `other`"),
        ({"name": "n", "count": 1, "owner": {"team": "sales"}}, "Field required"),
    ],
)
def test_arguments_that_do_not_fit_go_back_to_the_model(
    make_codex: MakeCodex, repo: Path, arguments: Any, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    with ScriptedModel([[function_call("everything", arguments, call_id="call")], "done"]) as model:
        turn = make_codex(model, tools=[everything]).start_thread(working_directory=repo).run("go")
        model.assert_tool_output("call", contains=message)
    (item,) = (item for item in turn.items if isinstance(item, ToolCall))
    assert item.success is False
    assert not [record for record in caplog.records if record.exc_info], "the model's mistake, not the program's"


def test_strict_mode_requires_everything_and_allows_null(make_codex: MakeCodex, repo: Path) -> None:
    @tool(strict=True)
    def greet(name: str, greeting: str = "Hello") -> str:
        "Greets."
        return f"{greeting} {name}"

    spec = greet.to_spec()["parameters"]
    assert spec["required"] == ["name", "greeting"]
    assert spec["properties"]["greeting"]["type"] == ["string", "null"]
    script = [[function_call("greet", {"name": "Ada", "greeting": None}, call_id="call")], "done"]
    with ScriptedModel(script) as model:
        make_codex(model, tools=[greet]).start_thread(working_directory=repo).run("go")
        model.assert_tool_output("call", equals="Hello Ada")


def test_functions_that_cannot_be_tools_say_why() -> None:
    with pytest.raises(TypeError, match="no description; give the function a docstring"):
        tool(lambda: 1)
    with pytest.raises(TypeError, match="'x' has no type hint"):

        @tool
        def untyped(x):  # type: ignore[no-untyped-def]
            "Doc."

    with pytest.raises(TypeError, match="only named parameters can"):

        @tool
        def many(*x: int) -> None:
            "Doc."

    with pytest.raises(TypeError, match="Thread has no JSON form"):

        @tool
        def odd(x: threading.Thread) -> None:
            "Doc."

    with pytest.raises(TypeError, match="no argument 'nme'"):
        tool(nme="x")  # type: ignore[call-overload]


def test_a_tool_of_a_function_is_called_like_one() -> None:
    @tool(name="adds")
    def add(a: int, b: int = 1) -> int:
        "Adds."
        return a + b

    assert add.name == "adds"
    assert add(2, b=3) == 5


def pixel() -> bytes:
    import io

    stream = io.BytesIO()
    PIL.Image.new("RGB", (2, 2)).save(stream, format="PNG")
    return stream.getvalue()


PIXEL = pixel()


@pytest.mark.parametrize("kind", ["bytes", "path", "pil", "list"])
def test_a_tool_may_give_images(make_codex: MakeCodex, repo: Path, kind: str) -> None:
    def handler(call: ToolInvocation) -> Any:
        if kind == "pil":
            return PIL.Image.new("RGB", (2, 2))
        if kind == "path":
            (repo / "pixel.png").write_bytes(PIXEL)
            return Image(repo / "pixel.png")
        return Image(PIXEL) if kind == "bytes" else ["two texts", Image(PIXEL), {"and": "json"}]

    with ScriptedModel([[function_call("draw", {}, call_id="call")], "done"]) as model:
        turn = make_codex(model, tools=[Tool("draw", "D.", handler)]).start_thread(working_directory=repo).run("go")
    (item,) = (item for item in turn.items if isinstance(item, ToolCall))
    assert item.success
    types = [content["type"] for content in item.content_items or []]
    assert types == (["inputText", "inputImage", "inputText"] if kind == "list" else ["inputImage"])
    assert "data:image/png;base64," in str(model.requests[-1].body["input"])


@pytest.mark.parametrize(
    ("image", "error", "match"),
    [
        (Image("/no/such.png"), FileNotFoundError, "no image file"),
        (Image(b"text"), ValueError, "not a PNG, JPEG, GIF or WebP"),
        (Image(3), TypeError, "a path, bytes, a PIL image or a URL, not int"),
    ],
)
def test_images_that_are_none_say_so(image: Image, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        image.to_url()


def test_a_tool_out_of_time_fails_and_is_flagged(make_codex: MakeCodex, repo: Path) -> None:
    flagged = threading.Event()

    @tool(timeout=0.3)
    def stuck(context: ToolContext) -> str:
        "Never ends by itself."
        if context.wait(60):
            flagged.set()
        return "too late"

    with ScriptedModel([[function_call("stuck", {}, call_id="call")], "done"]) as model:
        turn = make_codex(model, tools=[stuck]).start_thread(working_directory=repo).run("go", timeout=60)
        model.assert_tool_output("call", contains="did not answer within 0.3 s")
    assert turn.final_response == "done"
    assert flagged.wait(10)


def test_progress_is_an_event(make_codex: MakeCodex, repo: Path) -> None:
    @tool
    def slow(context: ToolContext) -> str:
        "Tells how far it is."
        context.progress("half way")
        return "done"

    with ScriptedModel([[function_call("slow", {}, call_id="call")], "done"]) as model:
        thread = make_codex(model, tools=[slow]).start_thread(working_directory=repo)
        with thread.run_streamed("go") as stream:
            updates = [event for event in stream if isinstance(event, ItemUpdated)]
    assert [(update.item_id, update.data) for update in updates] == [("call", {"progress": "half way"})]


def test_who_wants_to_know_is_told_of_the_cancellation() -> None:
    context = ToolContext("thread", "turn", "call", "tool")
    told: list[str] = []
    context.when_cancelled(lambda: told.append("first"))
    context.when_cancelled(lambda: told.append("second"))
    assert told == []
    context.cancel()
    assert told == ["first", "second"]
    context.when_cancelled(lambda: told.append("late"))
    assert told == ["first", "second", "late"]


def test_async_functions_are_tools_of_synchronous_hosts_too(make_codex: MakeCodex, repo: Path) -> None:
    @tool
    async def later(seconds: float) -> str:
        "Waits."
        await asyncio.sleep(seconds)
        return "waited"

    @tool(timeout=0.2)
    async def forever() -> str:
        "Waits."
        try:
            await asyncio.sleep(60)
        finally:
            cancelled.set()
        return "never"

    cancelled = threading.Event()
    script = [
        [function_call("later", {"seconds": 0.01}, call_id="a")],
        [function_call("forever", {}, call_id="b")],
        "done",
    ]
    with ScriptedModel(script) as model:
        make_codex(model, tools=[later, forever]).start_thread(working_directory=repo).run("go", timeout=60)
        model.assert_tool_output("a", equals="waited")
        model.assert_tool_output("b", contains="did not answer within")
    assert cancelled.wait(10), "out of time means cancelled"


def test_a_thread_s_own_tools_are_its_own(make_codex: MakeCodex, repo: Path) -> None:
    mine = Tool("whose", "W.", lambda call: "the thread's")
    everyone = Tool("whose", "W.", lambda call: "the client's")
    with ScriptedModel() as model:
        model.script([[function_call("whose", {}, call_id="one")], "ok"], user_text="first")
        model.script([[function_call("whose", {}, call_id="two")], "ok"], user_text="second")
        codex = make_codex(model, tools=[everyone])
        first = codex.start_thread(working_directory=repo, tools=[mine])
        first.run("first")
        codex.start_thread(working_directory=repo).run("second")
        outputs = {name: value for r in model.requests for name, value in r.function_outputs.items()}
        first.unregister_tool("whose")
        with pytest.raises(NotFoundError):
            first.unregister_tool("whose")
    assert outputs == {"one": "the thread's", "two": "the client's"}


def test_a_namespace_groups_tools(make_codex: MakeCodex, repo: Path) -> None:
    @tool(namespace="catalogue")
    def owner(name: str) -> str:
        "Who owns it."
        return "payments"

    with ScriptedModel(["ok"]) as model:
        codex = make_codex(model, tools=[owner])
        codex.start_thread(working_directory=repo).run("go")
        codex.unregister_tool("catalogue::owner")
    (group,) = (spec for spec in model.requests[0].tools if spec.get("name") == "catalogue")
    assert group["type"] == "namespace"
    assert [spec["name"] for spec in group["tools"]] == ["owner"]


# ---- results


@pytest.mark.parametrize(
    ("value", "output"),
    [
        (None, "null"),
        ("text", "text"),
        (b"caf\xc3\xa9", "café"),
        (b"\xff\x00", "/wA="),
        (Colour.RED, "red"),
        ([Owner(name="o")], '[{"name":"o","team":"search"}]'),
        ({"best": Owner(name="o")}, '{"best":{"name":"o","team":"search"}}'),
        (Point(1, 2.5), '{"x":1,"y":2.5}'),
        ([Path("a")], '["a"]'),
        (range(3), "[0,1,2]"),
        ({1: "a"}.values(), '["a"]'),
        (array.array("i", [1, 2]), "[1,2]"),
        (types.MappingProxyType({"a": 1}), '{"a":1}'),
        (2**70, str(2**70)),
        (float("nan"), "null"),
        (Image, None),
        ({"picture": Image("x.png")}, None),
        (open, None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_the_model_sees_of_a_result(value: Any, output: str | None) -> None:
    if output is not None:
        assert ToolResult(value).text == output
    else:
        with pytest.raises(TypeError, match="has no form in JSON; a result is text"):
            ToolResult(value).content()


def test_bytes_of_an_image_are_an_image() -> None:
    assert [part["type"] for part in ToolResult(PIXEL).content()] == ["inputImage"]
    assert [part["type"] for part in ToolResult(["text", PIXEL]).content()] == ["inputText", "inputImage"]


# ---- strict mode


def test_strict_mode_leaves_out_what_it_does_not_know_and_that_is_checked_here(
    make_codex: MakeCodex, repo: Path
) -> None:
    got: list[Any] = []
    schema = {
        "type": "object",
        "properties": {
            "name": {"type": "string", "pattern": "^(?=.*[a-z]).+$", "x-order": 1, "maxLength": 9},
            "note": {"type": "string", "example": "n"},
        },
        "required": ["name"],
        "x-vendor": True,
    }
    made = Tool("mk", "Makes one.", lambda call: got.append(call.arguments), schema, strict=True)
    calls = [
        function_call("mk", {"name": "UPPER", "note": None}, call_id="wrong"),
        function_call("mk", {"name": "lower", "note": None}, call_id="right"),
    ]
    with ScriptedModel([calls, "done"]) as model:
        make_codex(model, tools=[made]).start_thread(working_directory=repo).run("go")
        assert "UPPER" in model.last_request.tool_output("wrong")
        sent = model.requests[0].tool("mk")
    assert sent["strict"] is True
    assert made.to_spec()["parameters"]["properties"] == {
        "name": {"type": "string"},
        "note": {"type": ["string", "null"]},
    }
    assert "x-vendor" not in made.to_spec()["parameters"]
    assert got == [{"name": "lower"}]


def test_a_tool_that_cannot_be_strict_says_so_when_it_is_made() -> None:
    def counts(by_name: dict[str, Any]) -> None:
        "Counts."

    with pytest.raises(ValueError, match=r"objects with free keys.*without strict=True the arguments are checked"):
        tool(strict=True)(counts)
    assert tool(counts).parameters["properties"]["by_name"] == {"type": "object"}


def test_nulls_within_strict_arguments_stand_for_what_is_left_out(make_codex: MakeCodex, repo: Path) -> None:
    got: list[Any] = []

    @tool(strict=True)
    def move(points: list[Point], to: Point | None = None) -> str:
        "Moves."
        got.append((points, to))
        return "moved"

    call = function_call("move", {"points": [{"x": 1, "y": None}], "to": None}, call_id="call")
    with ScriptedModel([[call], "done"]) as model:
        make_codex(model, tools=[move]).start_thread(working_directory=repo).run("go")
        model.assert_tool_output("call", equals="moved")
    assert got == [([Point(1)], None)]


def test_the_model_is_told_the_whole_schema(make_codex: MakeCodex, repo: Path) -> None:
    text = "Explains this setting in the words of the manual. " * 5
    fields: Any = {f"option_{number}": (str, pydantic.Field(description=text)) for number in range(40)}
    settings = pydantic.create_model("Settings", **fields)

    def change(settings: Any, times: int, kind: Any) -> None:
        "Changes settings."

    change.__annotations__["settings"] = settings
    change.__annotations__["times"] = Annotated[int, pydantic.Field(ge=1, le=5, multiple_of=2, examples=[4])]
    change.__annotations__["kind"] = Annotated[Any, "anything"]
    made = tool(change)
    with ScriptedModel(["ok"]) as model:
        make_codex(model, tools=[made]).start_thread(working_directory=repo).run("go")
        assert model.last_request.tool("change")["parameters"] == made.parameters
