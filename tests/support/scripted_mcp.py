"""An MCP server that says what a test has written down, on standard input and output or over HTTP; a library would be too polite.

``python scripted_mcp.py SCRIPT`` reads a list of runs, one for each time that the server is started (the last one also for those after it). A run has for each
method what it answers, one after the other, the last one again and again. An answer has `result`, `error`, or `raw` (a line, with ``$id``); before it come
`sleep` (seconds), `before` (other messages), `die` (an exit status) and `close` (no more output). An empty answer is none at all.
`start` of a run is done before the first message is read.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Answer = dict[str, Any]

USUAL: dict[str, Answer] = {
    "initialize": {
        "result": {
            "protocolVersion": "2025-06-18",
            "capabilities": {"tools": {}, "resources": {}},
            "serverInfo": {"name": "scripted", "version": "1"},
        }
    },
    "tools/list": {"result": {"tools": [{"name": "act", "inputSchema": {"type": "object", "properties": {}}}]}},
    "tools/call": {"result": {"content": [{"type": "text", "text": "done"}]}},
    "resources/list": {"result": {"resources": []}},
    "resources/templates/list": {"result": {"resourceTemplates": []}},
    "ping": {"result": {}},
}


class Run:
    """One life of the server."""

    def __init__(self, script: dict[str, Any]) -> None:
        self.script = script
        self._given: dict[str, int] = {}

    def answer(self, method: str) -> Answer:
        answers = self.script.get(method, USUAL.get(method, {}))
        if isinstance(answers, dict):
            return answers
        at = self._given.get(method, 0)
        self._given[method] = at + 1
        answer: Answer = answers[min(at, len(answers) - 1)]
        return answer


def line_of(answer: Answer, request_id: Any) -> str | None:
    if "raw" in answer:
        return str(answer["raw"]).replace("$id", json.dumps(request_id))
    if "result" in answer or "error" in answer:
        said = {key: answer[key] for key in ("result", "error") if key in answer}
        return json.dumps({"jsonrpc": "2.0", "id": request_id, **said})
    return None


def speak(file: Path) -> None:
    """The server on standard input and output."""
    runs = json.loads(file.read_text())
    log = file.with_suffix(".log")
    with log.open("a") as written:
        written.write('"start"\n')
    started = log.read_text().splitlines().count('"start"')
    run = Run(runs[min(started, len(runs)) - 1])

    def do(answer: Answer, request_id: Any = None) -> None:
        for message in answer.get("before", ()):
            print(message if isinstance(message, str) else json.dumps(message), flush=True)
        time.sleep(answer.get("sleep", 0))
        if "die" in answer:
            os._exit(answer["die"])
        if "close" in answer:
            os.close(1)
            time.sleep(60)
        if (line := line_of(answer, request_id)) is not None:
            print(line, flush=True)

    do(run.script.get("start", {}))
    for line in sys.stdin:
        message = json.loads(line)
        with log.open("a") as written:
            written.write(line)
        if "method" in message:
            do(run.answer(message["method"]), message.get("id"))


class ScriptedHttp:
    """The server over HTTP, in this process. An answer may also have `status`, `headers`, `drop` (the connection) and `sse`."""

    def __init__(self, run: dict[str, Any]) -> None:
        self.run = Run(run)
        self.requests: list[tuple[str, str | None]] = []
        """Methods, and the sessions that they were sent in."""
        self.url = ""
        self.sessions = 0

    def handle(self, handler: BaseHTTPRequestHandler) -> None:
        message = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        method = message.get("method", "")
        self.requests.append((method, handler.headers["Mcp-Session-Id"]))
        answer = self.run.answer(method)
        time.sleep(answer.get("sleep", 0))
        if "drop" in answer:
            handler.connection.shutdown(socket.SHUT_RDWR)
            handler.close_connection = True
            return
        line = line_of(answer, message.get("id"))
        is_sse = answer.get("sse", False)
        body = b"" if line is None else (f"data: {line}\n\n" if is_sse else line).encode()
        handler.send_response(answer.get("status", 200 if body else 202))
        if method == "initialize":
            self.sessions += 1
            handler.send_header("Mcp-Session-Id", f"session-{self.sessions}")
        for name, value in answer.get("headers", {}).items():
            handler.send_header(name, value)
        handler.send_header("Content-Type", "text/event-stream" if is_sse else "application/json")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)


@contextmanager
def scripted_http(run: dict[str, Any]) -> Iterator[ScriptedHttp]:
    """A server over HTTP while it is needed."""
    scripted = ScriptedHttp(run)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            self.send_error(405)

        def do_DELETE(self) -> None:
            self.send_error(405)

        def do_POST(self) -> None:
            scripted.handle(self)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        scripted.url = f"http://127.0.0.1:{server.server_port}/mcp"
        yield scripted
        server.shutdown()


if __name__ == "__main__":
    speak(Path(sys.argv[1]))
