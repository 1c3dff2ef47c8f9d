"""MCP servers of other makers, from PyPI and npm: a scripted model calls a tool of each, and gets exactly what it gives."""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from scripted_turns import NAME, World, call, world

from codex_cffi import Approve, Deny, HttpServer, StdioServer
from codex_cffi.items import McpToolCall
from codex_cffi.testing import ScriptedModel
from support import MakeCodex, wait_until

#: Where scripts/mcp-servers.sh puts those of npm.
PROGRAMS = Path(sys.prefix) / "mcp-servers" / "node_modules" / ".bin"


def missing(what: str) -> None:
    """Skips the test; under CI, where `make test` installs the servers, it fails."""
    message = f"{what} is missing: make mcp-test installs it"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


def of_pypi(name: str, *arguments: str, **options: Any) -> StdioServer:
    if importlib.util.find_spec(name) is None:
        missing(name)
    return StdioServer(sys.executable, ["-m", name, *arguments], **{"approval": "approve", **options})


def of_npm(name: str, *arguments: str | Path, **options: Any) -> StdioServer:
    if not (PROGRAMS / name).exists():
        missing(name)
    return StdioServer(PROGRAMS / name, list(arguments), **{"approval": "approve", **options})


def ask(make_codex: MakeCodex, repo: Path, server: Any, *calls: Any, **options: Any) -> tuple[World, list[Any]]:
    """A turn with these calls; what the model got of each, without the head."""
    with ScriptedModel([list(calls), "done"]) as model:
        here = world(make_codex, repo, model, server, **options)
        outputs = here.turn()
        assert here.told.statuses[:2] == ["starting", "ready"]
        got = [outputs[made["call_id"]] for made in model.requests[-1].items("function_call")]
    return here, [output.partition("Output:\n")[2] if isinstance(output, str) else output for output in got]


def texts(output: str) -> list[str]:
    return [part["text"] for part in json.loads(output)]


def test_time(make_codex: MakeCodex, repo: Path) -> None:
    arguments = {"source_timezone": "UTC", "time": "16:30", "target_timezone": "Asia/Tokyo"}
    _, (output,) = ask(make_codex, repo, of_pypi("mcp_server_time"), call("convert_time", **arguments))
    told = json.loads(output)
    assert told["time_difference"] == "+9.0h"
    assert told["target"]["datetime"].endswith("T01:30:00+09:00")


def test_git(make_codex: MakeCodex, repo: Path) -> None:
    git = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    (repo / "new.txt").write_text("new\n")
    subprocess.run([*git, "add", "new.txt"], cwd=repo, check=True)
    subprocess.run([*git, "commit", "-qm", "Adds a file"], cwd=repo, check=True)
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=repo, check=True, capture_output=True, text=True)
    server = of_pypi("mcp_server_git", "--repository", str(repo))
    calls = [
        call("git_log", "log", repo_path=str(repo), max_count=1),
        call("git_status", "outside", repo_path=str(repo.parent)),
    ]
    _, (log, outside) = ask(make_codex, repo, server, *calls)
    (text,) = texts(log)
    assert f"Commit: {commit.stdout.strip()}\n" in text
    assert "Author: Ada\n" in text
    assert "Message: Adds a file" in text
    assert "Error executing tool git_status" in outside


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """URL of a page on this machine."""
    (tmp_path / "page.txt").write_text("Emma\n")

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(tmp_path))

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/page.txt"
        server.shutdown()


def test_fetch(make_codex: MakeCodex, repo: Path, site: str) -> None:
    _, (output,) = ask(make_codex, repo, of_pypi("mcp_server_fetch", "--allow-private-ips"), call("fetch", url=site))
    assert texts(output)[0].endswith(f"Contents of {site}:\nEmma\n")


def test_fetch_that_refuses(make_codex: MakeCodex, repo: Path, site: str) -> None:
    here, (output,) = ask(make_codex, repo, of_pypi("mcp_server_fetch"), call("fetch", url=site))
    assert "not a public address" in output
    (item,) = [item for item in here.thread.read().turns[-1].items if isinstance(item, McpToolCall)]
    assert item.status == "failed"


def test_everything(make_codex: MakeCodex, repo: Path) -> None:
    calls = [
        call("echo", "1", message="hello"),
        call("get_sum", "2", a=2, b=3),
        call("get_structured_content", "3", location="New York"),
        call("get_resource_links", "4", count=2),
        call("get_annotated_message", "5", messageType="error", includeImage=False),
        call("get_tiny_image", "6"),
        call("get_resource_reference", "7", resourceType="Text", resourceId=1),
    ]
    here, outputs = ask(make_codex, repo, of_npm("mcp-server-everything"), *calls)
    echo, total, structured, links, annotated, image, reference = outputs
    assert texts(echo) == ["Echo: hello"]
    assert texts(total) == ["The sum of 2 and 3 is 5."]
    assert json.loads(structured) == {"temperature": 33, "conditions": "Cloudy", "humidity": 82}
    assert [part.get("uri") for part in json.loads(links)[1:]] == [
        "demo://resource/dynamic/blob/1",
        "demo://resource/dynamic/text/2",
    ]
    assert texts(annotated) == ["Error: Operation failed"]
    assert [part["type"] for part in image] == ["input_text", "input_text", "input_image", "input_text"]
    assert image[2]["image_url"].startswith("data:image/png;base64,iVBOR")
    assert "demo://resource/dynamic/text/1" in reference
    assert here.told.warnings == []


def test_tools_that_everything_adds_once_it_knows_its_client(make_codex: MakeCodex, repo: Path) -> None:
    """It says that its tools have changed: it has one more for a client that can ask the user."""
    with ScriptedModel(["done", "done"]) as model:
        here = world(make_codex, repo, model, of_npm("mcp-server-everything"))
        here.turn()
        wait_until(lambda: "trigger-elicitation-request" in here.thread.mcp.list()[0].tools)
        here.turn()
        assert "trigger_elicitation_request" in here.offered()


def test_everything_has_resources(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel([]) as model:
        here = world(make_codex, repo, model, of_npm("mcp-server-everything"))
        (server,) = here.thread.mcp.list()
        assert server.title
        assert {template.uri for template in server.resource_templates} == {
            "demo://resource/dynamic/text/{resourceId}",
            "demo://resource/dynamic/blob/{resourceId}",
        }
        (content,) = here.thread.mcp.read_resource(NAME, "demo://resource/dynamic/text/7")
        assert content["text"].startswith("Resource 7: This is a plaintext resource")


def test_everything_over_http(make_codex: MakeCodex, repo: Path) -> None:
    program = of_npm("mcp-server-everything").command
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "PORT": str(port)}
    process = subprocess.Popen([program, "streamableHttp"], env=environment, stderr=subprocess.DEVNULL)

    def listens() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        wait_until(listens)
        server = HttpServer(f"http://127.0.0.1:{port}/mcp", approval="approve")
        _, outputs = ask(make_codex, repo, server, call("echo", message="hello"))
        assert texts(outputs[0]) == ["Echo: hello"]
    finally:
        process.kill()
        process.wait()


def test_filesystem(make_codex: MakeCodex, repo: Path, tmp_path: Path) -> None:
    folder = tmp_path / "allowed"
    folder.mkdir()
    (folder / "a.txt").write_text("hi\n")
    calls = [
        call("read_text_file", "in", path=str(folder / "a.txt")),
        call("read_text_file", "out", path=str(repo)),
        call("write_file", "write", path=str(folder / "b.txt"), content="written"),
    ]
    _, (inside, outside, _) = ask(make_codex, repo, of_npm("mcp-server-filesystem", folder), *calls)
    assert json.loads(inside) == {"content": "hi\n"}
    assert "Access denied" in outside
    assert (folder / "b.txt").read_text() == "written"


def test_filesystem_with_approvals(make_codex: MakeCodex, repo: Path, tmp_path: Path) -> None:
    """By the server's own hints, reading needs none."""
    asked: list[str] = []

    def decide(request: Any) -> Any:
        asked.append(request.tool_arguments["path"])
        return Deny() if request.tool_arguments["path"].endswith("no.txt") else Approve()

    (tmp_path / "a.txt").write_text("hi\n")
    calls = [
        call("read_text_file", "read", path=str(tmp_path / "a.txt")),
        call("write_file", "no", path=str(tmp_path / "no.txt"), content="x"),
        call("write_file", "yes", path=str(tmp_path / "yes.txt"), content="x"),
    ]
    server = of_npm("mcp-server-filesystem", tmp_path, approval="auto")
    _, (read, no, _) = ask(make_codex, repo, server, *calls, on_approval=decide)
    assert json.loads(read) == {"content": "hi\n"}
    assert asked == [str(tmp_path / "no.txt"), str(tmp_path / "yes.txt")]
    assert "reject" in no
    assert not (tmp_path / "no.txt").exists()
    assert (tmp_path / "yes.txt").read_text() == "x"


def test_memory(make_codex: MakeCodex, repo: Path, tmp_path: Path) -> None:
    file = tmp_path / "memory.jsonl"
    emma = {"name": "Emma", "entityType": "book", "observations": ["long"]}
    server = of_npm("mcp-server-memory", env={"MEMORY_FILE_PATH": str(file)})
    calls = [call("create_entities", "create", entities=[emma]), call("search_nodes", "search", query="Emma")]
    _, (created, _) = ask(make_codex, repo, server, *calls)
    assert json.loads(created) == {"entities": [emma]}
    assert json.loads(file.read_text()) == {"type": "entity", **emma}


def test_sequential_thinking(make_codex: MakeCodex, repo: Path) -> None:
    thought = {"thought": "so", "nextThoughtNeeded": False, "thoughtNumber": 1, "totalThoughts": 1}
    server = of_npm("mcp-server-sequential-thinking")
    _, (output,) = ask(make_codex, repo, server, call("sequentialthinking", **thought))
    told = json.loads(output)
    assert (told["thoughtNumber"], told["thoughtHistoryLength"], told["nextThoughtNeeded"]) == (1, 1, False)
