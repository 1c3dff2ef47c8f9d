"""A client of the scripted model that knows nothing of it: http.client and sockets."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from codex_cffi.testing import ScriptedModel


class Client:
    """One keep-alive connection."""

    def __init__(self, model: ScriptedModel) -> None:
        self.http = http.client.HTTPConnection(*address(model), timeout=20)

    def ask(self, user: str = "hi", **options: Any) -> http.client.HTTPResponse:
        self.http.request("POST", "/v1/responses", **envelope(user, **options))
        return self.http.getresponse()

    def events(self, user: str = "hi", **options: Any) -> list[dict[str, Any]]:
        response = self.ask(user, **options)
        assert response.status == 200
        assert response.getheader("content-type") == "text/event-stream"
        return parse(response.read())

    def close(self) -> None:
        self.http.close()


def ask_once(model: ScriptedModel) -> None:
    client = Client(model)
    client.ask().read()
    client.close()


def address(model: ScriptedModel) -> tuple[str, int]:
    host, _, port = model.base_url.removeprefix("http://").removesuffix("/v1").partition(":")
    return host, int(port)


def message(role: str, content: str) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": [{"type": "input_text", "text": content}]}


def envelope(
    user: str, *, input: list[dict[str, Any]] | None = None, header: dict[str, str] | None = None, **body: Any
) -> dict[str, Any]:
    content = {"model": "gpt-test", "stream": True, "input": [message("user", user), *(input or [])], **body}
    return {"body": json.dumps(content), "headers": {"content-type": "application/json", **(header or {})}}


def parse(data: bytes) -> list[dict[str, Any]]:
    events = []
    for block in data.decode().split("\n\n")[:-1]:
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "data" in fields:
            events.append(json.loads(fields["data"]))
            assert fields["event"] == events[-1]["type"]
    return events


def kinds(events: list[dict[str, Any]]) -> list[str]:
    return [e["type"].removeprefix("response.") for e in events]


def done_items(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [e["item"] for e in events if e["type"] == "response.output_item.done"]


Serve = Callable[..., tuple[ScriptedModel, Client]]


@contextmanager
def serving() -> Iterator[Serve]:
    """Starts servers with a client each; closed without a check, since many tests here provoke errors."""
    opened: list[tuple[ScriptedModel, Client]] = []

    def start(*args: Any, **options: Any) -> tuple[ScriptedModel, Client]:
        model = ScriptedModel(*args, **options).start()
        opened.append((model, Client(model)))
        return opened[-1]

    yield start
    for model, client in opened:
        client.close()
        model.close(check=False)
