"""A real MCP server: what its tools ask the user, and the host's say in its tools."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from codex_cffi import (
    Abort,
    Answer,
    ApprovalRequest,
    Approve,
    Deny,
    Elicitation,
    McpToolCall,
    Tool,
    ToolInvocation,
    ToolResult,
    approvals,
)
from codex_cffi.approvals import later
from codex_cffi.testing import ScriptedModel, function_call
from support import SUPPORT, MakeCodex

pytest.importorskip("mcp.server.mcpserver", reason="install the test extra")

SERVER = SUPPORT / "mcp_server.py"
#: How the engine calls the tools of the server "my-weather".
NAMESPACE = "mcp__my_weather"


def call(name: str, call_id: str = "call", **arguments: Any) -> Any:
    return function_call(name, arguments, namespace=NAMESPACE, call_id=call_id)


class Host:
    """A client with the server, and what came of a turn with it."""

    def __init__(self, make_codex: MakeCodex, repo: Path, log: Path) -> None:
        self._make, self._repo, self._log = make_codex, repo, log

    def open(self, model: ScriptedModel, *, trusted: bool = True, **options: Any) -> Any:
        server = {"command": sys.executable, "args": [str(SERVER), str(self._log)]}
        if trusted:
            server["default_tools_approval_mode"] = "approve"
        return self._make(model, config={"mcp_servers": {"my-weather": server}}, **options)

    def run(self, codex: Any, **options: Any) -> Any:
        options.setdefault("approval_mode", "on-request")
        return codex.start_thread(working_directory=self._repo, **options).run("go", timeout=60)

    @property
    def calls(self) -> list[str]:
        """What reached the server."""
        return self._log.read_text().split("\n")[:-1] if self._log.exists() else []


@pytest.fixture
def host(make_codex: MakeCodex, repo: Path, tmp_path: Path) -> Host:
    return Host(make_codex, repo, tmp_path / "mcp.log")


def test_a_server_asks_the_user(host: Host) -> None:
    asked: list[ApprovalRequest] = []

    def answer(request: ApprovalRequest) -> Answer:
        asked.append(request)
        return Answer({"city": "Rome", "unit": "fahrenheit", "days": 3})

    with ScriptedModel([call("forecast"), "done"]) as model:
        turn = host.run(host.open(model, on_approval=answer))
        model.assert_tool_output("call", contains="sunny in Rome for 3 days, in fahrenheit")
    (request,) = asked
    assert isinstance(request, Elicitation)
    assert (request.server, request.message) == ("my-weather", "For which place?")
    assert request.turn_id == turn.id
    assert request.url is None
    assert request.tool_arguments is None
    assert request.schema is not None
    fields = request.schema["properties"]
    assert set(fields) == {"city", "unit", "days"}
    assert fields["city"]["description"] == "Where?"
    assert request.schema["required"] == ["city"]
    (item,) = (item for item in turn.items if isinstance(item, McpToolCall))
    assert (item.server, item.tool, item.status) == ("my-weather", "forecast", "completed")


def broken(request: ApprovalRequest) -> Any:
    raise ValueError("broken")


@pytest.mark.parametrize(
    ("handler", "words"),
    [
        (lambda request: Deny(), "the user said decline"),
        (lambda request: Abort(), "the user said cancel"),
        (lambda request: Approve(), "the user said decline"),
        (broken, "the user said decline"),
        (None, "the user said"),
    ],
    ids=["denied", "aborted", "a yes is no answer", "handler raises", "no handler"],
)
def test_without_an_answer_the_server_gets_none(host: Host, handler: Any, words: str) -> None:
    with ScriptedModel([call("forecast"), "done"]) as model:
        assert host.run(host.open(model, on_approval=handler)).final_response == "done"
        model.assert_tool_output("call", contains=words)
        assert "sunny" not in model.requests[-1].tool_output("call")


def test_nobody_is_asked_where_approvals_are_off(host: Host) -> None:
    asked: list[Any] = []
    with ScriptedModel([call("forecast"), "done"]) as model:
        host.run(host.open(model, on_approval=asked.append), approval_mode="never")
        model.assert_tool_output("call", contains="the user said decline")
    assert not asked


def test_an_answer_may_come_later_and_from_elsewhere(host: Host) -> None:
    from codex_cffi import ApprovalRequested

    with ScriptedModel([call("forecast"), "done"]) as model:
        codex = host.open(model, on_approval=later)
        thread = codex.start_thread(working_directory=host._repo, approval_mode="on-request")
        with thread.run_streamed("go", timeout=60) as stream:
            for event in stream:
                if isinstance(event, ApprovalRequested):
                    codex.respond(event.request.id, Answer({"city": "Oslo"}))
        model.assert_tool_output("call", contains="sunny in Oslo for 1 days, in celsius")


def test_a_server_sends_the_user_to_a_page(host: Host) -> None:
    asked: list[Any] = []

    def answer(request: ApprovalRequest) -> Answer:
        asked.append(request)
        return Answer({})

    with ScriptedModel([call("sign_in"), "done"]) as model:
        host.run(host.open(model, on_approval=answer))
        model.assert_tool_output("call", contains="the user said accept")
    (request,) = asked
    assert (request.schema, request.url) == (None, "https://weather.example/sign-in")


def test_a_form_may_have_more_than_mcp_provides_for(host: Host) -> None:
    """Title and description of its schema, as the SDK makes them of a class; the engine alone would cancel it."""
    asked: list[Any] = []

    def answer(request: ApprovalRequest) -> Answer:
        asked.append(request)
        return Answer({"city": "Rome"})

    with ScriptedModel([call("describe"), "done"]) as model:
        host.run(host.open(model, on_approval=answer))
        model.assert_tool_output("call", contains="the user said accept")
    (request,) = asked
    assert set(request.schema) <= {"$schema", "type", "properties", "required"}


# ---- may the tool run?


@pytest.mark.parametrize("decision", [Approve(), Approve(for_session=True), Deny(), None], ids=str)
def test_tools_that_are_not_read_only_need_a_yes(host: Host, decision: Any) -> None:
    asked: list[Any] = []

    def judge(request: ApprovalRequest) -> Any:
        asked.append(request)
        return decision

    handler = None if decision is None else judge
    with ScriptedModel([call("add", "one", a=1, b=2), call("add", "two", a=3, b=4), "done"]) as model:
        host.run(host.open(model, trusted=False, on_approval=handler))
        outputs = [model.requests[-1].tool_output(call_id) for call_id in ("one", "two")]
    if isinstance(decision, Approve):
        assert host.calls == ["add 1 2", "add 3 4"]
        assert "sum=3" in outputs[0]
    else:
        assert host.calls == []
        assert "reject" in outputs[0]
    if handler:
        assert len(asked) == (1 if decision == Approve(for_session=True) else 2)
        assert isinstance(asked[0], Elicitation)
        assert asked[0].tool_arguments == {"a": 1, "b": 2}
        assert "add" in asked[0].message


@pytest.mark.parametrize(
    ("decision", "error"),
    [(Answer({}), TypeError), (Approve(amendment=["add"]), ValueError), (Approve(amendment=True), ValueError)],
)
def test_a_yes_to_a_tool_is_no_form(decision: Any, error: type[Exception]) -> None:
    request = Elicitation(id="1", thread_id="t", tool_arguments={})
    with pytest.raises(error):
        approvals.encode(request, decision)


# ---- the host's say in the server's tools


def test_interceptors_see_and_change_calls(host: Host) -> None:
    seen: list[Any] = []

    def change(tool: ToolInvocation, call_builtin: Callable[..., Any]) -> Any:
        result = call_builtin({"a": 40, "b": 2})
        seen.append((tool.tool_name, tool.arguments, result.success))
        return ToolResult(result.text.replace("sum", "SUM"))

    with ScriptedModel([call("add", a=1, b=2), "done"]) as model:
        codex = host.open(model)
        codex.register_tool_interceptor(f"{NAMESPACE}::add", change)
        turn = host.run(codex)
        model.assert_tool_output("call", contains="SUM=42")
    assert seen == [(f"{NAMESPACE}::add", {"a": 1, "b": 2}, True)]
    assert host.calls == ["add 40 2"]
    (item,) = (item for item in turn.items if isinstance(item, McpToolCall))
    assert item.arguments == {"a": 40, "b": 2}, "what ran, not what the model wrote"


@pytest.mark.parametrize("pattern", [f"{NAMESPACE}::*", "mcp__*", "*", f"{NAMESPACE}::odd_name_v2"])
def test_a_pattern_can_hold_tools_back(host: Host, pattern: str) -> None:
    """Names of servers and tools have a ``_`` for what the model API does not allow in them."""
    with ScriptedModel([call("odd_name_v2"), "done"]) as model:
        codex = host.open(model)
        codex.register_tool_interceptor(pattern, lambda tool, call_builtin: ToolResult("not here", success=False))
        host.run(codex)
        model.assert_tool_output("call", contains="not here")
    assert host.calls == []


def test_other_names_are_not_those_of_the_server(host: Host) -> None:
    """The server's name alone is no namespace: such an interceptor never fires."""
    fired: list[Any] = []
    with ScriptedModel([call("odd_name_v2"), "done"]) as model:
        codex = host.open(model)
        for pattern in ("my-weather::odd-name.v2", "my_weather::*", "my-weather::*", "odd_name_v2"):
            codex.register_tool_interceptor(pattern, before=fired.append)
        host.run(codex)
    assert host.calls == ["odd"]
    assert not fired


def test_a_tool_of_that_name_takes_its_place(host: Host) -> None:
    def handler(tool: ToolInvocation) -> str:
        return f"mine: {tool.arguments['a']}"

    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    own = Tool(name="add", namespace=NAMESPACE, description="Mine.", parameters=schema, handler=handler)
    with ScriptedModel([call("add", "one", a=1, b=2), call("odd_name_v2", "two"), "done"]) as model:
        host.run(host.open(model, tools=[own]))
        model.assert_tool_output("one", contains="mine: 1")
        model.assert_tool_output("two", contains="odd")
    assert host.calls == ["odd"], "the server's other tools stay"
