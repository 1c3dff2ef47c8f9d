"""``run --json`` says what ``codex exec --json`` of the official binary says of the same turn."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from codex_cffi.testing import (
    ScriptedModel,
    custom_tool_call,
    failed,
    function_call,
    http_error,
    reasoning,
    shell,
    text,
    usage,
    web_search,
)
from support import SUPPORT
from support.command import Command

#: A model that both offer the same tools to.
MODEL = "gpt-5.5"
PATCH = "*** Begin Patch\n*** Add File: new.txt\n+hello\n*** Update File: a.txt\n@@\n-one\n+two\n*** Delete File: b.txt\n*** End Patch"

SCRIPTS: dict[str, list[Any]] = {
    "an answer": ["hello"],
    "thoughts and two messages": [[reasoning("**Thinking** of it"), text("First.")], "done"],
    "commands": [[shell("echo hi", call_id="c1")], [shell("exit 3", call_id="c2")], "done"],
    "a long command": [[shell("for i in 1 2 3; do echo $i; sleep 0.2; done", call_id="c1")], "done"],
    "a patch": [[custom_tool_call("apply_patch", PATCH, call_id="p1")], "done"],
    "a search": [[web_search("query x"), text("done")]],
    "characters": ["“Größe” 日本語 😀 \u2028"],
    "tokens": [
        [text("done"), usage(input_tokens=1200, cached_input_tokens=1000, output_tokens=7, reasoning_output_tokens=3)]
    ],
}


def lines(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.split("\n") if line]


def normal(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without what has to differ: ids of threads; and warnings, which are each engine's own, with the numbers that they have taken."""
    kept = []
    names: dict[str, str] = {}
    for event in events:
        item = event.get("item")
        if item is not None:
            if item["type"] == "error":
                continue
            name = names.setdefault(item["id"], f"item_{len(names)}")
            event = {**event, "item": {**item, "id": name}}
        if event["type"] == "thread.started":
            assert re.fullmatch(r"[0-9a-f-]{36}", event["thread_id"])
            event = {**event, "thread_id": "…"}
        kept.append(event)
    return kept


def both(command: Command, script: list[Any], *words: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The events of ours and of the official binary, of the same script in the same files."""
    said = []
    for run in (lambda *w: command("run", *w), command.official):
        for name, content in {"a.txt": "one\n", "b.txt": "gone\n"}.items():
            (command.folder / name).write_text(content)
        (command.folder / "new.txt").unlink(missing_ok=True)
        with ScriptedModel(script) as model:
            command.use(model)
            done = run("--json", "--model", MODEL, "--sandbox", "danger-full-access", *words, "go")
        assert done.stdout, done.stderr
        said.append(normal(lines(done.stdout)))
    return said[0], said[1]


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS.keys())
def test_the_lines_are_those_of_the_official_binary(command: Command, script: list[Any]) -> None:
    ours, official = both(command, script)
    assert ours == official


def test_a_call_of_an_mcp_server(command: Command, tmp_path: Path) -> None:
    """The official binary offers such tools to models by search alone, so there is nothing to compare with."""
    arguments = json.dumps([str(SUPPORT / "mcp_server.py"), str(tmp_path / "log")])
    server = f'command = {json.dumps(sys.executable)}\nargs = {arguments}\ndefault_tools_approval_mode = "approve"'
    with ScriptedModel(
        [[function_call("add", {"a": 2, "b": 3}, namespace="mcp__tests", call_id="m1")], "done"]
    ) as model:
        command.use(model)
        with (command.home / "config.toml").open("a") as config:
            config.write(f"[mcp_servers.tests]\n{server}\n")
        events = lines(command("run", "--json", "go").stdout)
    begun, ended = (event["item"] for event in events if event.get("item", {}).get("type") == "mcp_tool_call")
    assert begun == {
        "id": "item_0",
        "type": "mcp_tool_call",
        "server": "tests",
        "tool": "add",
        "arguments": {"a": 2, "b": 3},
        "result": None,
        "error": None,
        "status": "in_progress",
    }
    assert ended["result"]["content"] == [{"type": "text", "text": "sum=5"}]
    assert {name: ended[name] for name in begun if name != "result"} == {
        **{name: begun[name] for name in begun if name != "result"},
        "status": "completed",
    }


@pytest.mark.parametrize(
    "script",
    [[http_error(400, "bad thing")], [[text("Some."), failed("invalid_prompt", "boom")]]],
    ids=["refused", "in the middle"],
)
def test_a_failed_turn(command: Command, script: list[Any]) -> None:
    """The messages are each engine's own; ours names the place."""
    ours, official = both(command, script)

    def shape(events: list[dict[str, Any]]) -> list[Any]:
        return [(event["type"], sorted(event)) for event in events]

    assert shape(ours) == shape(official)
    assert ours[-1]["error"] == {"message": ours[-2]["message"]}


def test_a_plan_is_a_list_of_things_to_do(command: Command) -> None:
    def step(status: str) -> Any:
        return function_call("update_plan", {"plan": [{"step": "a", "status": status}]}, call_id=status)

    with ScriptedModel([[step("in_progress")], [step("completed")], "done"]) as model:
        command.use(model)
        events = lines(command("run", "--json", "go").stdout)
    told = [(event["type"], event["item"]) for event in events if event.get("item", {}).get("type") == "todo_list"]
    assert told == [
        ("item.started", {"id": "item_0", "type": "todo_list", "items": [{"text": "a", "completed": False}]}),
        ("item.updated", {"id": "item_0", "type": "todo_list", "items": [{"text": "a", "completed": True}]}),
        ("item.completed", {"id": "item_0", "type": "todo_list", "items": [{"text": "a", "completed": True}]}),
    ]
    assert events[-1]["type"] == "turn.completed"


def test_a_call_of_a_python_function_is_an_item_of_its_own(command: Command, tmp_path: Path) -> None:
    plugin = tmp_path / "plugin.py"
    plugin.write_text(
        "def owner(path: str) -> str:\n    'Who owns a file.'\n    return 'me'\nconfig = {'tools': [owner]}\n"
    )
    with ScriptedModel([[function_call("owner", {"path": "a"}, call_id="o")], "done"]) as model:
        command.use(model)
        events = lines(command("run", "--json", "--plugin", str(plugin), "go").stdout)
    (call,) = [
        event["item"] for event in events if event["type"] == "item.completed" and event["item"]["type"] == "tool_call"
    ]
    assert call == {
        "id": "item_0",
        "type": "tool_call",
        "tool": "owner",
        "arguments": {"path": "a"},
        "result": {"content": [{"type": "inputText", "text": "me"}]},
        "status": "completed",
    }


def test_usage_is_the_thread_s(command: Command) -> None:
    count = usage(input_tokens=10, output_tokens=1)
    with ScriptedModel([[text("one"), count], [text("two"), count]]) as model:
        command.use(model)
        command("run", "--json", "go")
        events = lines(command("run", "--json", "--last", "go on").stdout)
    assert events[-1]["usage"]["input_tokens"] == 20
    assert set(events[-1]["usage"]) == {
        "input_tokens",
        "cached_input_tokens",
        "cache_write_input_tokens",
        "output_tokens",
        "reasoning_output_tokens",
    }


def test_all_events_with_all_they_have(command: Command) -> None:
    with ScriptedModel([[text("hello", deltas=2), usage(input_tokens=10, output_tokens=1)]]) as model:
        command.use(model)
        done = command("run", "--json=full", "go")
    events = lines(done.stdout)
    assert [event["type"] for event in events].count("thread.started") == 1
    deltas = [event for event in events if event["type"] == "item.agent_message.delta"]
    assert "".join(delta["delta"] for delta in deltas) == "hello"
    (message,) = [e["item"] for e in events if e["type"] == "item.completed" and e["item"]["type"] == "agentMessage"]
    assert (message["text"], message["memory_citation"]) == ("hello", None)
    (turn,) = [event["turn"] for event in events if event["type"] == "turn.completed"]
    assert (turn["status"], turn["usage"]["input_tokens"]) == ("completed", 10)
    assert done.stderr == ""
