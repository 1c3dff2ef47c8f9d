"""HTTP servers on loopback that note what arrives and answer as a test says, for test_secrets.py and test_redirects.py."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

#: Status, headers, body.
Answer = tuple[int, dict[str, str], bytes]


@dataclass(frozen=True)
class Arrived:
    """A request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Origin:
    """A server; every one is an origin of its own, for each has a port of its own."""

    def __init__(self, answer: Callable[[Arrived], Answer] = lambda _: (500, {}, b"")) -> None:
        self.requests: list[Arrived] = []
        self.answer = answer
        origin = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: Any) -> None:
                pass

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                arrived = Arrived(self.command, self.path, headers, body)
                origin.requests.append(arrived)
                status, extra, content = origin.answer(arrived)
                self.send_response(status)
                for name, value in {**extra, "content-length": str(len(content))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_DELETE = handle_any

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        self.url = f"http://{self.host}"

    def __enter__(self) -> Origin:
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def asked(self, part: str) -> list[Arrived]:
        """The requests whose path has this part."""
        return [request for request in self.requests if part in request.path]


def as_json(value: Any, status: int = 200) -> Answer:
    """An answer of JSON."""
    return status, {"content-type": "application/json"}, json.dumps(value).encode()


def to(location: str, status: int = 307) -> Callable[[Arrived], Answer]:
    """Redirects everything."""
    return lambda _: (status, {"location": location}, b"")
