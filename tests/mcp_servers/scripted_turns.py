"""Turns with scripted MCP servers: what the model is offered and gets, and what the host is told."""

from __future__ import annotations

import json
import logging
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from codex_cffi import Codex, HttpServer, StdioServer, Thread
from codex_cffi.events import McpServerStatusUpdated, WarningEvent
from codex_cffi.testing import ScriptedModel, function_call
from support import SUPPORT, MakeCodex, wait_until

NAME = "odd"
#: A model that is told of all tools at once; those that the engine knows search for them.
SEES_ALL = "another-model"


def tool(name: Any = "act", **fields: Any) -> dict[str, Any]:
    return {"name": name, "inputSchema": {"type": "object", "properties": {}}, **fields}


def listing(*tools: Any) -> dict[str, Any]:
    """The answer to ``tools/list`` with these."""
    return {"tools/list": {"result": {"tools": list(tools)}}}


def giving(result: Any) -> dict[str, Any]:
    """The answer to ``tools/call`` with this result."""
    return {"tools/call": {"result": result}}


def scripted(folder: Path, *runs: dict[str, Any], **options: Any) -> StdioServer:
    """A server on standard input and output with a script; see `support.scripted_mcp`."""
    script = folder / "script.json"
    script.write_text(json.dumps(runs))
    return StdioServer(sys.executable, [SUPPORT / "scripted_mcp.py", script], **{"approval": "approve", **options})


def call(name: str = "act", call_id: str = "call", **arguments: Any) -> Any:
    return function_call(name, arguments, namespace=f"mcp__{NAME}", call_id=call_id)


@dataclass
class Told:
    """What a host is told."""

    events: list[Any] = field(default_factory=list)

    @property
    def warnings(self) -> list[str]:
        told = [event.message for event in list(self.events) if isinstance(event, WarningEvent)]
        return [message for message in told if message.startswith("MCP server")]

    @property
    def statuses(self) -> list[str]:
        updates = [event for event in list(self.events) if isinstance(event, McpServerStatusUpdated)]
        return [event.status for event in updates if event.name == NAME]

    @property
    def errors(self) -> list[str]:
        updates = [event for event in list(self.events) if isinstance(event, McpServerStatusUpdated)]
        return [event.error for event in updates if event.error]

    def warning(self) -> str:
        """The one warning, once it is there."""
        wait_until(lambda: self.warnings)
        (warning,) = self.warnings
        return warning


@dataclass
class World:
    """A thread with one server, `odd`, and its model."""

    model: ScriptedModel
    codex: Codex
    thread: Thread
    told: Told

    def turn(self) -> dict[str, str]:
        """A turn, which goes on whatever the server does; what the model got of its calls."""
        assert self.thread.run("go", timeout=60).final_response == "done"
        outputs = self.model.requests[-1].items("function_call_output")
        return {item["call_id"]: item["output"] for item in outputs}

    def offered(self, request: int = -1) -> dict[str, dict[str, Any]]:
        """The server's tools as the model is told of them."""
        namespaces = [entry for entry in self.model.requests[request].tools if entry.get("name") == f"mcp__{NAME}"]
        return {tool["name"]: tool for entry in namespaces for tool in entry["tools"]}


def world(
    make_codex: MakeCodex, repo: Path, model: ScriptedModel, server: StdioServer | HttpServer, **options: Any
) -> World:
    told = Told()
    options["config"] = {"model": SEES_ALL, **options.get("config", {})}
    codex = make_codex(model, mcp_servers={NAME: server}, on_event=told.events.append, **options)
    return World(model, codex, codex.start_thread(working_directory=repo, approval_mode="on-request"), told)


def records(caplog: Any) -> list[str]:
    """Warnings of the log that name the server."""
    return [
        record.getMessage()
        for record in list(caplog.records)
        if record.levelno >= logging.WARNING and f"'{NAME}'" in record.getMessage()
    ]
