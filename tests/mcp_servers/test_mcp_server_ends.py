"""MCP servers that end, are slow, or break the connection: told in events and errors, within the time limits, and the next call starts them again."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from scripted_turns import NAME, call, giving, listing, scripted, tool, world

from codex_cffi import HttpServer, McpToolError, StdioServer
from codex_cffi.testing import ScriptedModel
from support import MakeCodex, wait_until
from support.scripted_mcp import USUAL, scripted_http

DIES = {"die": 3}
CHANGED = {"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}


def starts(folder: Path) -> int:
    return (folder / "script.log").read_text().splitlines().count('"start"')


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ({"start": {"die": 3}}, "exit status: 3"),
        ({"initialize": {"die": 4}}, "exit status: 4"),
        ({"initialize": {"close": True}}, "it has closed its standard output"),
        ({"initialize": {}}, "timed out"),
        ({"start": {"sleep": 30}}, "timed out"),
        ({"initialize": {"result": "hello"}}, "expect initialized result"),
        ({"initialize": {"error": {"code": -32000, "message": "not today"}}}, "not today"),
        ({"initialize": {"raw": "hello"}}, "timed out"),
        ({"tools/list": {"die": 5}}, "exit status: 5"),
        ({"tools/list": {}}, "timed out"),
        ({"tools/list": {"sleep": 30}}, "timed out"),
        ({"tools/list": {"result": 5}}, None),
    ],
)
def test_starts_that_fail(
    make_codex: MakeCodex, repo: Path, tmp_path: Path, script: dict[str, Any], said: str | None
) -> None:
    """The turn goes on without the server, once its time is up."""
    with ScriptedModel(["done"]) as model:
        here = world(make_codex, repo, model, scripted(tmp_path, script, startup_timeout=2))
        here.turn()
        assert here.offered() == {}
        if said is None:
            assert here.told.statuses[-1] == "ready", "it has no tools"
            return
        assert here.told.statuses[-1] == "failed"
        assert said in here.told.errors[-1]
        with pytest.raises(McpToolError, match=NAME):
            here.thread.mcp.call_tool(NAME, "act", timeout=20)


def test_noise_before_the_first_message(make_codex: MakeCodex, repo: Path, tmp_path: Path) -> None:
    noise = {"before": ["Starting...", "[INFO] ready", '{"level": "info"}', "", "null", "[]", "\x1b[2J"]}
    with ScriptedModel([[call()], "done"]) as model:
        here = world(make_codex, repo, model, scripted(tmp_path, {"start": noise}))
        assert "done" in here.turn()["call"].partition("Output:\n")[2]
        assert "is no message, and not read: Starting..." in here.told.warning()


def test_a_server_that_ends_in_a_call_is_started_again(make_codex: MakeCodex, repo: Path, tmp_path: Path) -> None:
    new = {**listing(tool(), tool("new")), **giving({"content": [{"type": "text", "text": "again"}]})}
    script = [[call()], [call()], "done", [call("new")], "done"]
    with ScriptedModel(script) as model:
        here = world(make_codex, repo, model, scripted(tmp_path, {"tools/call": DIES}, new, tool_timeout=300))
        outputs = here.turn()
        first = model.requests[1].items("function_call_output")[0]["output"]
        assert "the MCP server has ended: exit status: 3" in first
        assert "again" in outputs["call"]
        assert here.offered().keys() == {"act", "new"}, "it may have others now"
        assert "again" in here.turn()["call"]
        assert here.told.statuses == ["starting", "ready", "failed", "starting", "ready"]
        assert here.told.errors == ["MCP server 'odd' has ended: exit status: 3. The next call starts it again."]
    assert starts(tmp_path) == 2


def test_a_server_that_ends_between_turns(make_codex: MakeCodex, repo: Path, tmp_path: Path) -> None:
    with ScriptedModel(["done", [call()], "done"]) as model:
        here = world(make_codex, repo, model, scripted(tmp_path, {"tools/call": DIES}, {}))
        here.turn()
        assert here.told.statuses[-1] == "ready"
        with pytest.raises(McpToolError, match="exit status: 3"):
            here.thread.mcp.call_tool(NAME, "act", timeout=20)
        assert "done" in here.turn()["call"].partition("Output:\n")[2]
        assert here.told.statuses == ["starting", "ready", "failed", "starting", "ready"]


def test_a_resource_is_read_from_the_new_server(make_codex: MakeCodex, repo: Path, tmp_path: Path) -> None:
    """Reading does no harm when it is done again."""
    new = {"resources/read": {"result": {"contents": [{"uri": "a://b", "text": "new"}]}}}
    with ScriptedModel([]) as model:
        here = world(make_codex, repo, model, scripted(tmp_path, {"resources/read": DIES}, new))
        assert here.thread.mcp.read_resource(NAME, "a://b", timeout=30) == [{"uri": "a://b", "text": "new"}]


def test_a_server_that_cannot_be_started_again(make_codex: MakeCodex, repo: Path, tmp_path: Path) -> None:
    with ScriptedModel([[call()], [call()], [call()], "done"]) as model:
        here = world(make_codex, repo, model, scripted(tmp_path, {"tools/call": DIES}, {"start": {"die": 7}}, {}))
        outputs = here.turn()
        second = model.requests[2].items("function_call_output")[1]["output"]
        assert "could not be started again" in second
        assert "exit status: 7" in second
        assert "done" in outputs["call"].partition("Output:\n")[2]
        assert here.told.statuses == ["starting", "ready", "failed", "starting", "failed", "starting", "ready"]
    assert starts(tmp_path) == 3


def test_a_server_that_closes_its_output(make_codex: MakeCodex, repo: Path, tmp_path: Path) -> None:
    with ScriptedModel([]) as model:
        here = world(make_codex, repo, model, scripted(tmp_path, {"tools/call": {"close": True}}, {}))
        with pytest.raises(McpToolError, match="closed its standard output"):
            here.thread.mcp.call_tool(NAME, "act", timeout=30)
        assert here.thread.mcp.call_tool(NAME, "act", timeout=30).text == "done"


def test_an_answer_after_its_time(make_codex: MakeCodex, repo: Path, tmp_path: Path) -> None:
    answers = [{"result": {"content": [{"type": "text", "text": "late"}]}, "sleep": 3}, USUAL["tools/call"]]
    with ScriptedModel([[call()], "done", [call()], "done"]) as model:
        here = world(make_codex, repo, model, scripted(tmp_path, {"tools/call": answers}, tool_timeout=2))
        assert "timed out awaiting tools/call after 2s" in here.turn()["call"]
        output = here.turn()["call"].partition("Output:\n")[2]
        assert "done" in output
        assert "late" not in output
        assert here.told.statuses == ["starting", "ready"]


def test_a_call_that_is_never_answered(make_codex: MakeCodex, repo: Path, tmp_path: Path) -> None:
    with ScriptedModel([[call()], "done"]) as model:
        here = world(make_codex, repo, model, scripted(tmp_path, {"tools/call": {}}, tool_timeout=1))
        assert "timed out awaiting tools/call after 1000ms" in here.turn()["call"]
        with pytest.raises(McpToolError, match="timed out"):
            here.thread.mcp.call_tool(NAME, "act")


def test_a_slow_start_is_waited_for(make_codex: MakeCodex, repo: Path, tmp_path: Path) -> None:
    with ScriptedModel([[call()], "done"]) as model:
        slow = {"start": {"sleep": 2}, "initialize": {**USUAL["initialize"], "sleep": 1}}
        here = world(make_codex, repo, model, scripted(tmp_path, slow, startup_timeout=30))
        assert "done" in here.turn()["call"].partition("Output:\n")[2]


def test_tools_that_change(make_codex: MakeCodex, repo: Path, tmp_path: Path) -> None:
    lists = [listing(tool())["tools/list"], listing(tool("new"), tool("more"))["tools/list"]]
    script = {"tools/list": lists, "tools/call": {**USUAL["tools/call"], "before": [CHANGED]}}
    with ScriptedModel([[call()], "done", [call("new")], "done"]) as model:
        here = world(make_codex, repo, model, scripted(tmp_path, script))
        here.turn()
        outputs = here.turn()
        assert here.offered(0).keys() == {"act"}
        assert here.offered(2).keys() == {"new", "more"}
        assert "done" in outputs["call"].partition("Output:\n")[2]


def test_changed_tools_that_cannot_be_had(make_codex: MakeCodex, repo: Path, tmp_path: Path) -> None:
    lists = [listing(tool())["tools/list"], {"error": {"code": -32000, "message": "not now"}}]
    script = {"tools/list": lists, "tools/call": {**USUAL["tools/call"], "before": [CHANGED]}}
    with ScriptedModel([[call()], "done", "done"]) as model:
        here = world(make_codex, repo, model, scripted(tmp_path, script))
        here.turn()
        here.turn()
        assert here.offered().keys() == {"act"}, "the old ones are kept"
        assert "its tools have changed, and the new ones could not be had" in here.told.warning()


def test_a_request_of_the_server_s_that_cannot_be_read(make_codex: MakeCodex, repo: Path, tmp_path: Path) -> None:
    """It gets an error in place of silence."""
    asks = {"jsonrpc": "2.0", "id": "q1", "method": "elicitation/create", "params": {"message": 5}}
    script = {"tools/call": {**USUAL["tools/call"], "before": [asks]}}
    with ScriptedModel([[call()], "done"]) as model:
        here = world(make_codex, repo, model, scripted(tmp_path, script))
        here.turn()
        log = tmp_path / "script.log"
        wait_until(lambda: '"q1"' in log.read_text())
        (answer,) = [json.loads(line) for line in log.read_text().splitlines() if '"q1"' in line]
        assert "error" in answer


def test_nothing_of_it_stays(make_codex: MakeCodex, repo: Path, tmp_path: Path) -> None:
    """A server that was started again ends with its client, and that is not told as an end."""
    pids = tmp_path / "pids"
    with ScriptedModel([[call()], "done"]) as model:
        server = scripted(tmp_path, {"tools/call": DIES}, {})
        noted = f"open({str(pids)!r}, 'a').write(f'{{os.getpid()}}\\n')"
        show = (
            f"import os, runpy, sys; {noted}; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
        )
        server = StdioServer(sys.executable, ["-c", show, *server.args], approval="approve")
        here = world(make_codex, repo, model, server)
        here.turn()
        assert here.thread.mcp.call_tool(NAME, "act", timeout=30).text == "done"
        before = here.told.statuses
        here.codex.close()
    first, second = pids.read_text().split()
    wait_until(lambda: not Path(f"/proc/{second}").exists())
    assert not Path(f"/proc/{first}").exists()
    assert here.told.statuses == before


# Over HTTP


def http(url: str, **options: Any) -> HttpServer:
    return HttpServer(url, **{"approval": "approve", **options})


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"status": 401, "headers": {"WWW-Authenticate": "Bearer"}}, "not logged in"),
        ({"status": 401}, "401"),
        ({"status": 403}, "403"),
        ({"status": 404}, "404"),
        ({"status": 500}, "500"),
        ({"status": 200, "raw": "<html>hello</html>"}, "expected"),
        ({"drop": True}, "failed to start"),
        ({"sleep": 30}, "timed out"),
    ],
)
def test_starts_over_http_that_fail(make_codex: MakeCodex, repo: Path, answer: dict[str, Any], said: str) -> None:
    with ScriptedModel(["done"]) as model, scripted_http({"initialize": answer}) as server:
        here = world(make_codex, repo, model, http(server.url, startup_timeout=4))
        here.turn()
        assert here.told.statuses[-1] == "failed"
        assert said.lower() in here.told.errors[-1].lower()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"status": 401, "headers": {"WWW-Authenticate": "Bearer"}}, "auth"),
        ({"status": 401}, "401"),
        ({"status": 403}, "403"),
        ({"status": 500}, "500"),
        ({"status": 503, "headers": {"Retry-After": "1"}}, "503"),
        ({"status": 200, "raw": "<html>hello</html>"}, "expected value"),
        ({"status": 200, "raw": '{"jsonrpc": "2.0", "id": $id, "result": ' + "[" * 200 + "]" * 200 + "}"}, "cannot be read"),
        ({"drop": True}, "error"),
        ({"sleep": 4}, "timed out"),
        ({}, "timed out"),
    ],
)  # fmt: skip
def test_calls_over_http_that_fail(make_codex: MakeCodex, repo: Path, answer: dict[str, Any], said: str) -> None:
    """And the next call is made as if nothing had been."""
    answers = {"tools/call": [answer, USUAL["tools/call"]]}
    with ScriptedModel([[call()], [call()], "done"]) as model, scripted_http(answers) as server:
        here = world(make_codex, repo, model, http(server.url, tool_timeout=3))
        outputs = here.turn()
        first = model.requests[1].items("function_call_output")[0]["output"]
        assert said.lower() in first.lower()
        assert "done" in outputs["call"].partition("Output:\n")[2]


def test_a_session_that_is_over_is_begun_again(make_codex: MakeCodex, repo: Path) -> None:
    answers = {"tools/call": [USUAL["tools/call"], {"status": 404}, USUAL["tools/call"]]}
    with ScriptedModel([[call()], [call()], "done"]) as model, scripted_http(answers) as server:
        here = world(make_codex, repo, model, http(server.url))
        assert "done" in here.turn()["call"].partition("Output:\n")[2]
        calls = [session for method, session in server.requests if method == "tools/call"]
        assert calls == ["session-1", "session-1", "session-2"]
        assert here.told.statuses == ["starting", "ready", "starting", "ready"]


def test_an_event_stream_that_breaks_off(make_codex: MakeCodex, repo: Path) -> None:
    """The answer does not come; the time limit does."""
    broken = {"raw": "", "sse": True, "status": 200}
    answers = {"tools/call": [broken, {**USUAL["tools/call"], "sse": True}]}
    with ScriptedModel([[call()], [call()], "done"]) as model, scripted_http(answers) as server:
        here = world(make_codex, repo, model, http(server.url, tool_timeout=3))
        outputs = here.turn()
        first = model.requests[1].items("function_call_output")[0]["output"]
        assert "done" not in first.partition("Output:\n")[2]
        assert "done" in outputs["call"].partition("Output:\n")[2]


def test_tools_that_change_over_http(make_codex: MakeCodex, repo: Path) -> None:
    lists = [listing(tool())["tools/list"], listing(tool("new"))["tools/list"]]
    text = json.dumps({"content": [{"type": "text", "text": "done"}]})
    both = json.dumps(CHANGED) + '\n\ndata: {"jsonrpc": "2.0", "id": $id, "result": ' + text + "}"
    script = {"tools/list": lists, "tools/call": {"raw": both, "sse": True}}
    with ScriptedModel([[call()], "done", [call("new")], "done"]) as model, scripted_http(script) as server:
        here = world(make_codex, repo, model, http(server.url))
        here.turn()
        assert "done" in here.turn()["call"].partition("Output:\n")[2]
        assert here.offered(2).keys() == {"new"}
