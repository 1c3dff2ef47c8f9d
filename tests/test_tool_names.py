"""Servers that know tools of type "function" only: what they are told, and how their calls find the engine's tools."""

from __future__ import annotations

import itertools
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from codex_cffi import (
    CommandExecution,
    ConfigError,
    FileChange,
    McpToolCall,
    StdioServer,
    TurnFailedError,
    WarningEvent,
    tool,
)
from codex_cffi.testing import (
    ModelRequest,
    Reply,
    ScriptedModel,
    apply_patch,
    event,
    function_call,
    http_error,
    item,
    reply,
    shell,
    text,
)
from support import SUPPORT, MakeCodex

#: What a server that knows functions only takes of a conversation.
TAKEN = {"message", "reasoning", "function_call", "function_call_output"}
PATCH = "*** Begin Patch\n*** Add File: note.txt\n+hello\n*** End Patch"
#: How servers say that they do not know a type.
REFUSALS = {
    "openai": http_error(400, "Invalid value: 'namespace'. Supported values are: 'function'.", code="invalid_value"),
    "vllm": http_error(
        400,
        "1 validation error for ValidatorIterator\n3.type\n  Input should be 'function' [type=literal_error, input_value='custom', input_type=str]",
        type="BadRequestError",
    ),
    "fastapi": http_error(
        422, body={"detail": [{"loc": ["body", "tools", 0, "type"], "msg": "Input should be 'function'"}]}
    ),
    "words": http_error(400, "Unsupported tool type: custom"),
    "llama.cpp": http_error(500, "'type' of tool must be 'function'", type="server_error"),
    "event": reply(
        event(
            "response.failed",
            response={
                "id": "r",
                "status": "failed",
                "error": {"code": "invalid_request_error", "message": "unknown tool type `namespace`"},
            },
        ),
        completed=False,
    ),
}
_names = itertools.count()


@pytest.fixture
def name() -> str:
    """A name that no other test's provider has: what was found out of a server stays in the process."""
    return f"Gateway {next(_names)}"


@pytest.fixture
def weather(tmp_path: Path) -> StdioServer:
    return StdioServer(sys.executable, [SUPPORT / "mcp_server.py", tmp_path / "mcp.log"], approval="approve")


def only_functions(request: ModelRequest) -> bool:
    return all(tool["type"] == "function" for tool in request.body["tools"])


def strict_server(refusal: Reply, *answers: Any) -> Any:
    """Refuses what is no function, and else gives the next answer."""
    left: Iterator[Any] = iter(answers)

    def answer(request: ModelRequest) -> Any:
        return next(left) if only_functions(request) else refusal

    return answer


def check_flat(request: ModelRequest) -> None:
    """What a server that knows functions only can take."""
    names = [tool["name"] for tool in request.body["tools"]]
    assert only_functions(request)
    assert len(set(names)) == len(names)
    assert all(re.fullmatch("[a-zA-Z0-9_-]{1,64}", name) for name in names), names
    assert all("parameters" in tool and "defer_loading" not in tool for tool in request.body["tools"])
    assert {sent["type"] for sent in request.input} <= TAKEN
    assert not any("namespace" in sent for sent in request.input)


def warnings_of(thread: Any, prompt: str) -> tuple[Any, list[str]]:
    with thread.run_streamed(prompt, timeout=60) as stream:
        told = [event.message for event in stream if isinstance(event, WarningEvent)]
    return stream.turn, [message for message in told if "flat names" in message]


# ---- asked for -------------------------------------------------------------------------------------------------------


def test_a_provider_may_ask_for_it(make_codex: MakeCodex, repo: Path, name: str, weather: StdioServer) -> None:
    script = [
        [function_call("mcp__weather__add", {"a": 2, "b": 3}, call_id="sum")],
        [function_call("apply_patch", {"input": PATCH}, call_id="patch")],
        [shell("cat note.txt", call_id="cat")],
        "done",
    ]
    with ScriptedModel(script) as model:
        codex = make_codex(config=model.provider_config(name=name, tool_names="flat"), mcp_servers={"weather": weather})
        thread = codex.start_thread(working_directory=repo, sandbox_mode="workspace-write", approval_mode="never")
        turn, told = warnings_of(thread, "go")
        assert turn.final_response == "done"
        assert not told, "it was said in the configuration"
        for request in model.requests:
            check_flat(request)
        names = [tool["name"] for tool in model.requests[0].body["tools"]]
        assert {"mcp__weather__add", "apply_patch", "exec_command"} <= set(names)
        assert not {"web_search", "tool_search"} & set(names)
        patch = model.requests[0].tool("apply_patch")
        assert patch is not None
        assert patch["parameters"]["required"] == ["input"]
        assert "*** Begin Patch" in patch["description"]
        assert "FREEFORM" not in patch["description"]
        model.assert_tool_output("sum", contains="sum=5")
        model.assert_tool_output("cat", contains="hello")
        calls = [(call.name, call.arguments) for call in model.last_request.tool_calls]
        assert calls[0] == ("mcp__weather__add", {"a": 2, "b": 3})
        assert calls[1] == ("apply_patch", {"input": PATCH})
    kinds = [type(item) for item in turn.items if isinstance(item, (McpToolCall, FileChange, CommandExecution))]
    assert kinds == [McpToolCall, FileChange, CommandExecution]
    [call] = [item for item in turn.items if isinstance(item, McpToolCall)]
    assert (call.server, call.tool) == ("weather", "add")
    assert (repo / "note.txt").read_text() == "hello\n"


def test_names_that_are_too_long_or_alike(make_codex: MakeCodex, repo: Path, name: str, tmp_path: Path) -> None:
    @tool(name="mcp__weather__add")
    def own(a: int, b: int) -> str:
        """The host's own, which is called as the server's would be."""
        return "the host's"

    long = "w" * 60
    server = [sys.executable, [SUPPORT / "mcp_server.py", tmp_path / "mcp.log"]]
    servers = {server_name: StdioServer(*server, approval="approve") for server_name in ("weather", long)}
    with ScriptedModel() as model:

        def call_all(request: ModelRequest) -> Any:
            check_flat(request)
            sums = [t["name"] for t in request.body["tools"] if "Adds" in t["description"] or t["name"] == own.name]
            return reply(*(function_call(name, {"a": 1, "b": 2}, call_id=name) for name in sums))

        model.add(call_all, "done")
        config = model.provider_config(name=name, tool_names="flat")
        make_codex(config=config, mcp_servers=servers, tools=[own]).start_thread(working_directory=repo).run(
            "go", timeout=60
        )
        outputs = model.last_request.function_outputs
    assert "the host's" in outputs.pop("mcp__weather__add")
    assert len(outputs) == 2
    assert all("sum=3" in output for output in outputs.values()), outputs


def test_the_host_s_tools_keep_their_names(make_codex: MakeCodex, repo: Path, name: str) -> None:
    @tool
    def look(place: str) -> str:
        """Looks."""
        return f"nothing at {place}"

    with ScriptedModel([[function_call("look", {"place": "home"}, call_id="c")], "ok"]) as model:
        codex = make_codex(config=model.provider_config(name=name, tool_names="flat"), tools=[look])
        codex.start_thread(working_directory=repo).run("go", timeout=30)
        model.assert_tool_output("c", contains="nothing at home")


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("object", {"input": PATCH}),
        ("another word", {"patch": PATCH}),
        ("one word", {"text": PATCH}),
        ("text", json.dumps(PATCH)),
        ("bare", PATCH),
    ],
)
def test_forms_of_a_patch(make_codex: MakeCodex, repo: Path, name: str, kind: str, given: Any) -> None:
    with ScriptedModel([[function_call("apply_patch", given, call_id="p")], "ok"]) as model:
        codex = make_codex(config=model.provider_config(name=name, tool_names="flat"))
        thread = codex.start_thread(working_directory=repo, sandbox_mode="workspace-write", approval_mode="never")
        thread.run("go", timeout=30)
    assert (repo / "note.txt").read_text() == "hello\n"


def test_a_wrong_word(make_codex: MakeCodex) -> None:
    with ScriptedModel() as model, pytest.raises(ConfigError, match=r"`auto`.*`flat`.*`namespaced`"):
        make_codex(config=model.provider_config(tool_names="plain"))


# ---- a history of another provider's ---------------------------------------------------------------------------------


def test_a_history_with_other_kinds_of_calls(
    make_codex: MakeCodex, repo: Path, name: str, weather: StdioServer
) -> None:
    first = [
        [
            function_call("add", {"a": 1, "b": 1}, namespace="mcp__weather", call_id="a"),
            apply_patch(PATCH, call_id="b"),
        ],
        [
            item(
                {
                    "type": "web_search_call",
                    "id": "ws_1",
                    "status": "completed",
                    "action": {"type": "search", "query": "x"},
                }
            ),
            text("One."),
        ],
    ]
    with ScriptedModel(first) as model:
        codex = make_codex(model, mcp_servers={"weather": weather})
        thread = codex.start_thread(working_directory=repo, sandbox_mode="workspace-write", approval_mode="never")
        thread.run("first", timeout=60)
        codex.close()
    with ScriptedModel(["Two."]) as model:
        codex = make_codex(config=model.provider_config(name=name, tool_names="flat"))
        assert codex.resume_thread(thread.id).run("second", timeout=30).final_response == "Two."
        request = model.last_request
        check_flat(request)
        assert [(call.name, call.call_id) for call in request.tool_calls] == [
            ("mcp__weather__add", "a"),
            ("apply_patch", "b"),
        ]
        assert "sum=2" in request.tool_output("a")
        assert "note.txt" in request.tool_output("b")


# ---- found out -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
def test_it_is_found_out(make_codex: MakeCodex, repo: Path, name: str, weather: StdioServer, refusal: Reply) -> None:
    answers = [reply(function_call("mcp__weather__add", {"a": 2, "b": 3}, call_id="sum")), "One.", "Two.", "Three."]
    with ScriptedModel([strict_server(refusal, *answers)] * 6) as model:
        codex = make_codex(config=model.provider_config(name=name), mcp_servers={"weather": weather})
        thread = codex.start_thread(working_directory=repo)
        turn, [warning] = warnings_of(thread, "first")
        assert turn.final_response == "One."
        assert name in warning
        assert 'tool_names = "flat"' in warning
        assert [only_functions(request) for request in model.requests] == [False, True, True]
        check_flat(model.requests[1])
        assert "mcp__weather__add" in model.requests[1].tool_names, "not hidden behind a search"
        model.assert_tool_output("sum", contains="sum=5")
        # It is known from now on: in the thread, in others, in other clients of the process.
        assert warnings_of(thread, "second")[1] == []
        other = make_codex(config=model.provider_config(name=name)).start_thread(working_directory=repo)
        assert warnings_of(other, "third")[1] == []
        assert all(only_functions(request) for request in model.requests[1:])


def test_a_server_that_refuses_functions_as_well(make_codex: MakeCodex, repo: Path, name: str) -> None:
    with ScriptedModel([REFUSALS["words"]] * 4) as model:
        thread = make_codex(config=model.provider_config(name=name)).start_thread(working_directory=repo)
        with pytest.raises(TurnFailedError, match="Unsupported tool type"):
            thread.run("first", timeout=30)
        assert [only_functions(request) for request in model.requests] == [False, True]
        with pytest.raises(TurnFailedError):
            thread.run("second", timeout=30)
        assert [only_functions(request) for request in model.requests] == [False, True, False], "it was no help"


def test_what_says_otherwise_is_left_alone(make_codex: MakeCodex, repo: Path, name: str) -> None:
    with ScriptedModel([REFUSALS["words"]] * 2) as model:
        config = model.provider_config(name=name, tool_names="namespaced")
        with pytest.raises(TurnFailedError, match="Unsupported tool type"):
            make_codex(config=config).start_thread(working_directory=repo).run("go", timeout=30)
        assert len(model.requests) == 1


@pytest.mark.parametrize(
    "other",
    [
        "no such model",
        '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set',
        "bad image",
    ],
)
def test_other_refusals_change_nothing(make_codex: MakeCodex, repo: Path, name: str, other: str) -> None:
    with ScriptedModel([http_error(400, other), "ok"]) as model:
        thread = make_codex(config=model.provider_config(name=name)).start_thread(working_directory=repo)
        with pytest.raises(TurnFailedError, match=re.escape(other[:12])):
            thread.run("go", timeout=30)
        thread.run("again", timeout=30)
        assert [only_functions(request) for request in model.requests] == [False, False]


# ---- flat answers to namespaces --------------------------------------------------------------------------------------


@pytest.mark.parametrize("called", ["mcp__weather__add", "mcp__weather.add", "mcp__weather/add"])
def test_a_flat_name_finds_its_tool(make_codex: MakeCodex, repo: Path, name: str, tmp_path: Path, called: str) -> None:
    weather = StdioServer(sys.executable, [SUPPORT / "mcp_server.py", tmp_path / "mcp.log"], approval="approve")
    search = item(
        {
            "type": "tool_search_call",
            "call_id": "search",
            "execution": "client",
            "status": "completed",
            "arguments": {"query": "add numbers", "limit": 3},
        }
    )
    calls = [
        function_call(called, {"a": 2, "b": 3}, call_id="sum"),
        function_call("apply_patch", {"input": PATCH}, call_id="p"),
    ]
    with ScriptedModel([[search], calls, "ok"]) as model:
        codex = make_codex(config=model.provider_config(name=name), mcp_servers={"weather": weather})
        thread = codex.start_thread(working_directory=repo, sandbox_mode="workspace-write", approval_mode="never")
        thread.run("go", timeout=60)
        assert not only_functions(model.last_request)
        model.assert_tool_output("sum", contains="sum=5")
        sent = {call.call_id: (call.namespace, call.name) for call in model.last_request.tool_calls}
        assert sent["sum"] == ("mcp__weather", "add"), "the history has the engine's names"
    assert (repo / "note.txt").read_text() == "hello\n"
