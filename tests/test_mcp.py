"""MCP servers as objects: real ones, on standard input and output and over HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from codex_cffi import (
    AsyncCodex,
    CodexTimeoutError,
    EngineError,
    HttpServer,
    LoginError,
    McpToolCall,
    McpToolError,
    NotFoundError,
    StdioServer,
)
from codex_cffi.events import McpServerStatusUpdated
from codex_cffi.mcp import McpResource
from codex_cffi.testing import ScriptedModel, function_call
from support import SUPPORT, MakeCodex, wait_until

pytest.importorskip("mcp.server.mcpserver", reason="install the test extra")

STDIO, HTTP = SUPPORT / "mcp_server.py", SUPPORT / "mcp_http_server.py"


@contextlib.contextmanager
def serving(*options: str) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([sys.executable, str(HTTP), str(port), *options], stderr=subprocess.PIPE)

    def listens() -> bool:
        assert process.poll() is None, process.communicate()[1].decode()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        wait_until(listens)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def library() -> Iterator[str]:
    """URL of a server over HTTP."""
    with serving() as url:
        yield url


@pytest.fixture
def weather(tmp_path: Path) -> StdioServer:
    return StdioServer(sys.executable, [STDIO, tmp_path / "mcp.log"], approval="approve")


def call(server: str, name: str, call_id: str = "call", **arguments: Any) -> Any:
    return function_call(name, arguments, namespace=f"mcp__{server}", call_id=call_id)


def test_the_model_calls_both_kinds(make_codex: MakeCodex, repo: Path, library: str, weather: StdioServer) -> None:
    script = [[call("weather", "add", "sum", a=2, b=3), call("library", "lend", "book", title="Emma")], "done"]
    with ScriptedModel(script) as model:
        codex = make_codex(model, mcp_servers={"weather": weather, "library": HttpServer(library, approval="approve")})
        turn = codex.start_thread(working_directory=repo).run("go", timeout=60)
        model.assert_tool_output("sum", contains="sum=5")
        model.assert_tool_output("book", contains="Emma for 7 days")
    calls = [item for item in turn.items if isinstance(item, McpToolCall)]
    assert {(item.server, item.tool, item.status) for item in calls} == {
        ("weather", "add", "completed"),
        ("library", "lend", "completed"),
    }


def test_a_thread_s_own_servers(make_codex: MakeCodex, repo: Path, library: str, weather: StdioServer) -> None:
    both = [call("weather", "add", "sum", a=2, b=3), call("library", "lend", "book", title="Emma")]
    with ScriptedModel([both, "ok", both, "ok"]) as model:
        codex = make_codex(model, mcp_servers={"weather": weather})
        own = {"library": HttpServer(library, approval="approve")}
        thread = codex.start_thread(working_directory=repo, mcp_servers=own)
        assert {server.name for server in thread.mcp.list()} == {"weather", "library"}
        assert {server.name for server in codex.mcp.list()} == {"weather"}
        thread.run("go", timeout=60)
        codex.start_thread(working_directory=repo).run("go", timeout=60)
        first, second = model.requests[1].function_outputs, model.requests[3].function_outputs
    assert "sum=5" in first["sum"]
    assert "sum=5" in second["sum"]
    assert "Emma for 7 days" in first["book"]
    assert "unsupported" in second["book"]


def test_forked_and_resumed_threads_have_servers_of_their_own(make_codex: MakeCodex, repo: Path, library: str) -> None:
    own = {"library": HttpServer(library)}
    names = lambda thread: {server.name for server in thread.mcp.list()}  # noqa: E731
    with ScriptedModel(["ok"]) as model:
        codex = make_codex(model)
        thread = codex.start_thread(working_directory=repo, mcp_servers=own)
        thread.run("go", timeout=60)
        assert names(thread.fork()) == {"library"}
        assert names(thread.fork(mcp_servers={"more": HttpServer(library)})) == {"library", "more"}
        thread.close()
        with codex.resume_thread(thread.id) as again:
            assert names(again) == set()
        assert names(codex.resume_thread(thread.id, mcp_servers=own)) == {"library"}


def test_what_a_server_is_and_offers(make_codex: MakeCodex, repo: Path, library: str) -> None:
    with ScriptedModel([]) as model:
        codex = make_codex(model, mcp_servers={"library": HttpServer(library)})
        (server,) = codex.mcp.list()
    assert (server.title, server.version) == ("The library", "1.2")
    assert server.tools.keys() == {"lend", "burn", "count"}
    assert server.tools["lend"].description == "Lends a book."
    assert server.tools["lend"].input_schema["required"] == ["title"]
    assert [(resource.uri, resource.mime_type) for resource in server.resources] == [("book://catalogue", "text/plain")]
    assert [template.uri for template in server.resource_templates] == ["book://{title}/first-line"]
    assert isinstance(server.resources[0], McpResource)
    assert server.auth == "unsupported"


def test_filters(make_codex: MakeCodex, repo: Path, library: str) -> None:
    with ScriptedModel([[call("library", "burn", "no", title="Emma"), call("library", "count", "yes")], "ok"]) as model:
        servers = {
            "library": HttpServer(library, enabled_tools=["burn", "count"], disabled_tools=["burn"], approval="approve")
        }
        codex = make_codex(model, mcp_servers=servers)
        codex.start_thread(working_directory=repo).run("go", timeout=60)
        model.assert_tool_output("no", contains="unsupported")
        model.assert_tool_output("yes", contains="3")
    assert "lend" not in str(model.requests[0].tools)


def test_approvals_of_tools(make_codex: MakeCodex, repo: Path, library: str) -> None:
    """Nobody decides here, so what must be approved is denied."""
    with ScriptedModel(
        [[call("library", "count", "free"), call("library", "lend", "asked", title="Emma")], "ok"]
    ) as model:
        server = HttpServer(library, approval="prompt", tool_approvals={"count": "approve"})
        codex = make_codex(model, mcp_servers={"library": server})
        codex.start_thread(working_directory=repo, approval_mode="on-request").run("go", timeout=60)
        model.assert_tool_output("free", contains="3")
        outputs = model.requests[-1].function_outputs
    assert "Emma for" not in outputs["asked"]


def test_calling_without_the_model(make_codex: MakeCodex, repo: Path, library: str) -> None:
    with ScriptedModel([]) as model:
        codex = make_codex(model, mcp_servers={"library": HttpServer(library)})
        thread = codex.start_thread(working_directory=repo)
        result = thread.mcp.call_tool("library", "lend", {"title": "Emma", "days": 2})
        assert (result.text, result.is_error) == ("Emma for 2 days", False)
        assert thread.mcp.call_tool("library", "count").structured == {"result": 3}
        failed = thread.mcp.call_tool("library", "burn", {"title": "Emma"})
        assert failed.is_error
        assert "burn" in failed.text
        assert thread.mcp.call_tool("library", "nothing").is_error, "the server says so"
        (content,) = thread.mcp.read_resource("library", "book://catalogue")
        assert content["text"] == "Emma\nUlysses"
        assert thread.mcp.read_resource("library", "book://Emma/first-line")[0]["text"] == "Emma begins"
        for what in (
            lambda: thread.mcp.call_tool("nowhere", "lend"),
            lambda: thread.mcp.read_resource("library", "book://nothing"),
            lambda: thread.mcp.read_resource("nowhere", "book://catalogue"),
        ):
            with pytest.raises(McpToolError, match=r"'(nowhere|library)'"):
                what()


def test_a_server_as_configuration() -> None:
    server = HttpServer(
        "http://127.0.0.1:9/mcp",
        bearer_token_env_var="LIBRARY_TOKEN",
        headers={"x-team": "a"},
        env_headers={"x-key": "KEY"},
        tool_timeout=2.5,
    )
    assert server.to_config() == {
        "url": "http://127.0.0.1:9/mcp",
        "bearer_token_env_var": "LIBRARY_TOKEN",
        "http_headers": {"x-team": "a"},
        "env_http_headers": {"x-key": "KEY"},
        "tool_timeout_sec": 2.5,
    }
    assert "x-team" not in repr(server), "headers may hold secrets"
    assert "s3cret" not in repr(StdioServer("x", env={"KEY": "s3cret"}))


def test_a_server_that_does_not_start(make_codex: MakeCodex, repo: Path, weather: StdioServer) -> None:
    events: list[Any] = []
    with ScriptedModel(["ok"]) as model:
        servers = {"broken": StdioServer(sys.executable, ["-c", "raise SystemExit(3)"]), "weather": weather}
        codex = make_codex(model, mcp_servers=servers, on_event=events.append)
        thread = codex.start_thread(working_directory=repo)
        assert thread.run("go", timeout=60).final_response == "ok", "the others and the turn do not suffer"
    told = [event for event in events if isinstance(event, McpServerStatusUpdated)]
    states = {name: [event.status for event in told if event.name == name] for name in servers}
    assert states["weather"][-1] == "ready"
    assert states["broken"][-1] == "failed"
    (failure,) = [event for event in told if event.status == "failed"]
    assert failure.error
    assert failure.thread_id == thread.id


def test_a_thread_does_not_start_without_a_required_server(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel([]) as model:
        server = StdioServer(sys.executable, ["-c", "raise SystemExit(3)"], required=True)
        codex = make_codex(model, mcp_servers={"broken": server})
        with pytest.raises(EngineError, match="broken"):
            codex.start_thread(working_directory=repo)


def test_the_environment_of_a_server(
    make_codex: MakeCodex, repo: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PASSED", "on")
    monkeypatch.setenv("KEPT", "back")
    seen = tmp_path / "seen"
    show = f"import os; open({str(seen)!r}, 'w').write(repr([os.environ.get(n) for n in ('SET', 'PASSED', 'KEPT')]) + os.getcwd())"
    server = StdioServer(sys.executable, ["-c", show], env={"SET": "so"}, env_vars=["PASSED"], cwd=tmp_path)
    with ScriptedModel(["ok"]) as model:
        codex = make_codex(model, mcp_servers={"nosy": server})
        codex.start_thread(working_directory=repo).run("go", timeout=60)
    assert seen.read_text() == f"['so', 'on', None]{tmp_path}"


def browse(url: str) -> str:
    """What a person's browser does: follows the redirections."""
    with urllib.request.urlopen(url, timeout=30) as response:
        return response.read().decode()


def test_an_oauth_login(make_codex: MakeCodex, repo: Path) -> None:
    with serving("oauth") as url, ScriptedModel([]) as model:
        servers = {"library": HttpServer(url)}
        config = {"mcp_oauth_credentials_store": "file"}
        codex = make_codex(model, mcp_servers=servers, config=config)
        (server,) = codex.mcp.list()
        assert (server.auth, server.tools) == ("notLoggedIn", {})
        login = codex.mcp.login("library", scopes=["read"])
        assert login.url.startswith(url.removesuffix("mcp"))
        assert not login.done
        with pytest.raises(CodexTimeoutError):
            login.wait(timeout=0.1)
        browse(login.url)
        login.wait(timeout=30)
        assert login.done
        (server,) = codex.mcp.list()
        assert server.auth == "oAuth"
        assert "lend" in server.tools
        thread = codex.start_thread(working_directory=repo)
        assert thread.mcp.call_tool("library", "count").structured == {"result": 3}


def test_logins_that_there_cannot_be(make_codex: MakeCodex, weather: StdioServer, library: str) -> None:
    with ScriptedModel([]) as model:
        codex = make_codex(model, mcp_servers={"weather": weather, "library": HttpServer(library)})
        with pytest.raises(NotFoundError, match="nowhere"):
            codex.mcp.login("nowhere")
        for name in ("weather", "library"):
            with pytest.raises(LoginError, match=name):
                codex.mcp.login(name)


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (lambda: {"a b": HttpServer("http://x/")}, ValueError, "letters, digits"),
        (lambda: {"a": HttpServer("ftp://x/")}, ValueError, "http://"),
        (lambda: {"a": "http://x/"}, TypeError, "StdioServer, an HttpServer"),
        (lambda: [HttpServer("http://x/")], TypeError, "mapping of names"),
        (lambda: {"a": StdioServer("x", "-v")}, TypeError, "list of arguments"),
        (lambda: {"a": StdioServer("x", enabled_tools="a")}, TypeError, "list of names"),
        (lambda: {"a": StdioServer("x", approval="always")}, ValueError, "'prompt'"),
        (lambda: {"a": StdioServer("x", tool_approvals={"t": "always"})}, ValueError, "tool 't'"),
        (lambda: {"a": StdioServer("x", tool_timeout=0)}, ValueError, "above 0"),
    ],
)
def test_bad_servers(make_codex: MakeCodex, make: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        make_codex(mcp_servers=make())


def test_the_asynchronous_twin(codex_home: Path, repo: Path, library: str) -> None:
    async def main() -> None:
        with ScriptedModel([]) as model:
            options = {"codex_home": codex_home, "isolated": True, "config": model.provider_config()}
            async with AsyncCodex(mcp_servers={"library": HttpServer(library)}, **options) as codex:
                assert [server.name for server in await codex.mcp.list()] == ["library"]
                thread = await codex.start_thread(working_directory=repo)
                assert [server.name for server in await thread.mcp.list()] == ["library"]
                assert (await thread.mcp.call_tool("library", "lend", {"title": "Emma"})).text == "Emma for 7 days"
                assert await thread.mcp.read_resource("library", "book://catalogue")
                with pytest.raises(LoginError):
                    await codex.mcp.login("library")

    asyncio.run(main())
