"""Prints real events of every queue as JSON: of turns with messages, reasoning, commands, patches, tools, questions and a failure.

A program of its own, because the queue of the log is one per process, and the tests' process reads it already.
"""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from typing import Any

from codex_cffi import CodexError, _capi
from codex_cffi.testing import ScriptedModel, apply_patch, failed, function_call, reasoning, shell, text


def listen(scratch: Path) -> dict[str, list[dict[str, Any]]]:
    """What is said in two turns, by queue."""
    script = [
        [reasoning("hm"), text("a\u00e9\U0001f600", deltas=3), function_call("lookup", {"key": 1})],
        [shell("echo a"), apply_patch("*** Begin Patch\n*** Add File: a\n+x\n*** End Patch")],
        function_call("update_plan", {"plan": [{"step": "a", "status": "pending"}]}),
        "done",
        failed("invalid_prompt", "no"),
    ]
    heard: dict[str, list[dict[str, Any]]] = {"threads": [], "own": [], "requests": [], "log": []}
    with ScriptedModel(script) as model:
        options = {"helper": str(_capi.helper_path()), "codex_home": str(scratch / "home"), "isolated": True}
        client = _capi.ClientHandle.open({**options, "config": model.provider_config()})
        _capi.log_filter("debug")
        client.register_tool({"name": "lookup", "description": "x"})
        client.register_interceptor("shell*")
        client.register_hook({"id": "stop", "event": "Stop"})
        client.accept_requests(True)
        ask = {"cwd": str(scratch), "sandbox": "read-only", "approvalPolicy": "untrusted"}
        started = json.loads(_wait(client.start_call("thread/start", ask)))
        thread = client.open_thread(started["thread"]["id"])
        for _ in range(2):
            client.submit("turn/start", {"threadId": thread.thread_id, "input": [{"type": "text", "text": "go"}]})
            while not any(
                event["method"] == "turn/completed" for event in _add(heard["threads"], thread.poll(64, 100))
            ):
                _add(heard["own"], client.poll(64, 0))
                for request in _add(heard["requests"], client.poll_requests(64, 0)):
                    if "id" in request:
                        client.reject(request["id"], "no")
        client.submit("thread/read", {"threadId": "x"})
        client.close(5000)
        for poll, queue in ((thread.poll, "threads"), (client.poll, "own"), (client.poll_requests, "requests")):
            with contextlib.suppress(CodexError):
                while True:
                    _add(heard[queue], poll(64, 0))
        _capi.log_filter("off")
        while _add(heard["log"], _capi.log_poll(64, 0)):
            pass
    return heard


def _wait(call: _capi.CallHandle) -> bytes:
    result = call.wait(20_000)
    assert result is not None
    return result


def _add(to: list[dict[str, Any]], batch: bytes | None) -> list[dict[str, Any]]:
    events = json.loads(batch or b"[]")
    to += events
    return events


if __name__ == "__main__":
    print(json.dumps(listen(Path(sys.argv[1]))))
