"""What is told as completed is there: a process that is killed the moment that it hears of an item finds it after a resume, and the model its call's output.

The killed process writes its session files slowly (`c/slow_file.c`), so that whatever was told too early would be missing.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from codex_cffi import (
    AgentMessage,
    Codex,
    CommandExecution,
    FileChange,
    McpToolCall,
    Reasoning,
    ThreadRecord,
    ToolCall,
    UserMessage,
    WebSearch,
    tool,
)
from codex_cffi.items import ImageView
from codex_cffi.testing import (
    ScriptedModel,
    apply_patch,
    custom_tool_call,
    function_call,
    reasoning,
    shell,
    stall,
    text,
    web_search,
)
from support import ROOT, SUPPORT, MakeCodex, need
from support.c_programs import SOURCES, compiler_of
from support.subagents import spawn, wait

#: Of the engine's list, a model that has no tools but `exec` and `wait`.
CODE_MODE = "gpt-5.6-sol"
PATCH = "*** Begin Patch\n*** Add File: made\n+by the patch\n*** End Patch"
#: A picture of one red point.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)

#: Runs one turn; kills itself the moment that it hears of what it shall die of. Arguments: settings as JSON.
CHILD = textwrap.dedent(
    """
    import json, os, signal, sys

    os.environ.pop("LD_PRELOAD", None)  # for this process only
    import codex_cffi
    from codex_cffi import Codex, ItemCompleted, StdioServer, SubAgentEvent, TurnCompleted, tool

    settings = json.loads(sys.argv[1])

    def die(*told):
        os.write(1, (json.dumps(told) + "\\n").encode())
        os.kill(os.getpid(), signal.SIGKILL)

    @tool
    def lookup(key: str) -> str:
        "Looks up."
        return f"found {key}"

    @tool
    def fatal() -> str:
        "Ends the program."
        die("tool")
        return ""

    servers = {name: StdioServer(*command, approval="approve") for name, command in settings["servers"].items()}
    codex = Codex(codex_home=settings["home"], isolated=True, config=settings["config"], tools=[lookup, fatal], mcp_servers=servers)
    if settings["intercept"]:

        def after(call, call_builtin):
            call_builtin()
            die("intercepted")

        codex.register_tool_interceptor(settings["intercept"], after)
    thread = codex.start_thread(working_directory=settings["repo"], **settings["options"])
    os.write(1, (json.dumps([thread.id]) + "\\n").encode())
    skip = settings["skip"]
    if settings["at"] == "run":
        die("turn", thread.run("go").id)
    for event in thread.run_streamed("go"):
        if isinstance(event, SubAgentEvent):
            event = event.event
        name = type(event.item).__name__ if isinstance(event, ItemCompleted) else type(event).__name__
        if name == settings["at"]:
            if skip == 0:
                die(name, getattr(getattr(event, "item", None), "id", ""))
            skip -= 1
    """
)


@dataclass(frozen=True)
class Kill:
    """A turn, and what of it the process dies of."""

    at: str
    script: list[Any]
    #: Ids of calls, and what the model must get of them after the resume.
    outputs: dict[str, str] = field(default_factory=dict)
    #: What the turn must have when it is read.
    items: tuple[type, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    servers: dict[str, list[str]] = field(default_factory=dict)
    skip: int = 0
    #: Whether the file has the output itself, not what the next reader makes up of the item.
    recorded: bool = True
    #: What the model says when the script is at its end.
    default: Any = None


def poll_until_it_ends(request: Any) -> Any:
    """A command that goes on after its call, and a call that waits for it."""
    if "poll" in request.function_outputs:
        return "done"
    if "started" in request.function_outputs:
        session = re.search(r"session ID (\d+)", request.tool_output("started"))
        assert session
        return function_call("write_stdin", {"session_id": int(session[1]), "chars": ""}, call_id="poll")
    return shell("sleep 1; echo found", call_id="started", yield_time_ms=250)


COMMAND = [shell("echo found", call_id="call"), "done"]
BOTH = (
    'const result = await tools.exec_command({ cmd: "echo found" }); text(result.output); await new Promise(() => {});'
)

KILLS = {
    "a message of the user": Kill("UserMessage", ["done"], items=(UserMessage,)),
    "reasoning": Kill("Reasoning", [[reasoning("found"), text("done")]], items=(UserMessage, Reasoning)),
    "what is said between": Kill(
        "AgentMessage", [[text("found", phase="commentary"), shell("sleep 5")]], items=(UserMessage, AgentMessage)
    ),
    "the answer": Kill("AgentMessage", ["found"], items=(UserMessage, AgentMessage)),
    "a command": Kill("CommandExecution", COMMAND, {"call": "found"}, (UserMessage, CommandExecution)),
    "a command that failed": Kill(
        "CommandExecution",
        [shell("echo found; exit 3", call_id="call"), "done"],
        {"call": "found"},
        (UserMessage, CommandExecution),
    ),
    "a command in the sandbox": Kill(
        "CommandExecution",
        [shell("echo found; touch file", call_id="call"), "done"],
        {"call": "Read-only file system"},
        (UserMessage, CommandExecution),
        {"sandbox_mode": "read-only"},
    ),
    "a command while another one runs": Kill(
        "CommandExecution",
        [[shell("sleep 5", call_id="slow"), shell("echo found", call_id="call")], "done"],
        {"call": "found", "slow": "may not have run"},
        (UserMessage, CommandExecution),
    ),
    "a command that was waited for": Kill(
        "CommandExecution",
        [poll_until_it_ends] * 3,
        {"started": "running", "poll": "found"},
        (UserMessage, CommandExecution),
    ),
    "a command that nobody waited for": Kill(
        "CommandExecution",
        [shell("sleep 1; echo found", call_id="call", yield_time_ms=250), [text("hm"), stall()]],
        {"call": "Process exited with code 0\nOutput:\nfound"},
        (UserMessage, AgentMessage, CommandExecution),
    ),
    "a command that was declined": Kill(
        "CommandExecution",
        [shell("touch file", call_id="call", sandbox_permissions="require_escalated", justification="it must"), "done"],
        {"call": "did not run"},
        (UserMessage, CommandExecution),
        {"sandbox_mode": "read-only", "approval_mode": "on-request"},
        recorded=False,
    ),
    "a patch": Kill(
        "FileChange", [apply_patch(PATCH, call_id="call"), "done"], {"call": "made"}, (UserMessage, FileChange)
    ),
    "a tool in Python": Kill(
        "ToolCall",
        [function_call("lookup", {"key": "it"}, call_id="call"), "done"],
        {"call": "found it"},
        (UserMessage, ToolCall),
    ),
    "a tool of an MCP server": Kill(
        "McpToolCall",
        [function_call("add", {"a": 2, "b": 3}, namespace="mcp__weather", call_id="call"), "done"],
        {"call": "sum=5"},
        (UserMessage, McpToolCall),
        servers={"weather": [sys.executable, str(SUPPORT / "mcp_server.py"), "mcp.log"]},
    ),
    "a search": Kill("WebSearch", [[web_search("found"), text("done")]], items=(UserMessage, WebSearch)),
    "a look at a picture": Kill(
        "ImageView",
        [function_call("view_image", {"path": "point.png"}, call_id="call"), "done"],
        {"call": ""},
        (UserMessage, ImageView),
    ),
    "a command of a script": Kill(
        "CommandExecution",
        [custom_tool_call("exec", BOTH, call_id="call"), "done"],
        {"call": "found"},
        (UserMessage, CommandExecution),
        {"model": CODE_MODE},
        recorded=False,
    ),
    "a turn": Kill("TurnCompleted", [*COMMAND], {"call": "found"}, (UserMessage, CommandExecution, AgentMessage)),
    "a turn that run() gave": Kill("run", [*COMMAND], {"call": "found"}, (UserMessage, CommandExecution, AgentMessage)),
}


@pytest.fixture(scope="module")
def slow_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler, flags = compiler_of("gcc-c11")
    library = tmp_path_factory.mktemp("slow") / "slow_file.so"
    subprocess.run(
        [compiler, *flags, "-shared", "-fPIC", SOURCES / "slow_file.c", "-o", library], check=True, timeout=60
    )
    return library


Killed = tuple[str, dict[str, str], ThreadRecord, Path]


@pytest.fixture
def kill(make_codex: MakeCodex, codex_home: Path, repo: Path, slow_file: Path) -> Callable[..., Killed]:
    """Lets a process die; gives its thread's id, what the model is told after a resume, the thread as it is read, and its file as it was left."""
    need("bwrap", "bubblewrap")
    (repo / "point.png").write_bytes(PNG)

    def kill(case: Kill, intercept: str = "") -> Killed:
        with ScriptedModel(case.script, default=case.default) as model:
            settings = {
                "home": str(codex_home),
                "repo": str(repo),
                "config": model.provider_config(),
                "options": {"sandbox_mode": "danger-full-access", "approval_mode": "never", **case.options},
                "servers": {name: (command[0], command[1:]) for name, command in case.servers.items()},
                "at": case.at,
                "skip": case.skip,
                "intercept": intercept,
            }
            done = subprocess.run(
                [sys.executable, "-c", CHILD, json.dumps(settings)],
                capture_output=True,
                text=True,
                timeout=60,
                cwd=repo,
                env={
                    "PATH": "/usr/bin:/bin",
                    "PYTHONPATH": str(ROOT),
                    "HOME": str(codex_home.parent),
                    "LD_PRELOAD": str(slow_file),
                },
            )
        assert done.returncode == -signal.SIGKILL, done.stderr
        (thread_id,), told = (json.loads(line) for line in done.stdout.splitlines())
        assert told
        (path,) = codex_home.rglob(f"rollout-*{thread_id}.jsonl")
        left = path.with_suffix(".left")
        left.write_bytes(path.read_bytes())
        with ScriptedModel(["resumed"]) as model:
            codex = make_codex(model)
            record = codex.sessions.read(thread_id)
            thread = codex.resume_thread(thread_id, sandbox_mode="read-only")
            assert thread.run("and now?", timeout=60).final_response == "resumed"
            request = model.last_request
            assert request.user_texts[-1] == "and now?"
        outputs = {
            **request.function_outputs,
            "said": " ".join(request.assistant_texts),
            "input": json.dumps(request.input),
        }
        return thread_id, outputs, record, left

    return kill


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def recorded_outputs(path: Path) -> set[str]:
    """Calls whose output the file has."""
    payloads = [line["payload"] for line in lines(path) if line["type"] == "response_item"]
    return {payload["call_id"] for payload in payloads if payload["type"].endswith("_output")}


#: How a command ends that does not end well.
ENDS = {
    "a command that failed": "failed",
    "a command in the sandbox": "failed",
    "a command that was declined": "declined",
}


@pytest.mark.parametrize("name", KILLS)
def test_what_was_told_is_there_after_a_kill(name: str, kill: Callable[..., Killed]) -> None:
    case = KILLS[name]
    _, outputs, record, left = kill(case)
    (turn,) = record.turns
    assert turn.status == ("completed" if case.at in ("TurnCompleted", "run") else "interrupted")
    assert tuple(type(item) for item in turn.items) == case.items
    told = turn.items[-1]
    if isinstance(told, CommandExecution):
        assert told.status == ENDS.get(name, "completed")
    if isinstance(told, AgentMessage) and case.at == "AgentMessage":
        assert told.text == "found"
        assert "found" in outputs["said"]
    if isinstance(told, Reasoning):
        assert "found" in outputs["input"]
    for call_id, expected in case.outputs.items():
        assert expected in outputs[call_id], outputs[call_id]
        assert "abort" not in outputs[call_id]
        if case.recorded and expected != "may not have run":
            assert call_id in recorded_outputs(left)


def test_a_command_is_told_no_earlier_than_its_result_is_final(kill: Callable[..., Killed]) -> None:
    """The interceptor has the last word on a result, so the item waits for it; killed before that, the model is told what the command did."""
    case = Kill("CommandExecution", COMMAND)
    _, outputs, record, left = kill(case, intercept="exec_command")
    assert "call" not in recorded_outputs(left)
    assert "echo found" in outputs["call"]
    assert "Process exited with code 0\nOutput:\nfound\n" in outputs["call"]
    assert [type(item) for item in record.turns[0].items] == [UserMessage, CommandExecution]


def test_what_did_not_end_is_not_said_to_have_run_or_not(kill: Callable[..., Killed]) -> None:
    _, outputs, record, left = kill(Kill("never", [function_call("fatal", {}, call_id="call")]))
    assert "call" not in recorded_outputs(left)
    assert "it may not have run, or in part, or wholly" in outputs["call"]
    assert [type(item) for item in record.turns[0].items] == [UserMessage]


def test_a_sub_agents_items_are_there_too(kill: Callable[..., Killed], codex_home: Path) -> None:
    def answer(request: Any) -> Any:
        if request.parent_thread_id:
            return "child done" if "inner" in request.function_outputs else shell("echo found", call_id="inner")
        return wait(request) if "spawn" in request.function_outputs else spawn()

    thread_id, outputs, _, left = kill(Kill("CommandExecution", [], default=answer))
    assert "spawn" in recorded_outputs(left)
    assert "agent_id" in outputs["spawn"]
    assert "it may not have run" in outputs["wait"]
    (path,) = [path for path in codex_home.rglob("rollout-*.jsonl") if thread_id not in path.name]
    assert "inner" in recorded_outputs(path)


# ---- reading


def test_a_thread_is_read_with_all_its_items(make_codex: MakeCodex, codex_home: Path, repo: Path) -> None:
    @tool
    def lookup(key: str) -> str:
        """Looks up."""
        return f"found {key}"

    script: list[Any] = [
        [text("Let me look.", phase="commentary"), shell("echo found; exit 3", call_id="command")],
        function_call("lookup", {"key": "it"}, call_id="lookup"),
        apply_patch(PATCH, call_id="patch"),
        "done",
    ]
    with ScriptedModel(script) as model:
        codex = make_codex(model, tools=[lookup])
        thread = codex.start_thread(working_directory=repo, sandbox_mode="danger-full-access")
        turn = thread.run("go", timeout=60)
        here = thread.read()
        there = Codex(codex_home=codex_home, isolated=True)
        with there:
            read = there.sessions.read(thread.id)
    for record in (here, read):
        (again,) = record.turns
        assert [type(item) for item in again.items] == [type(item) for item in turn.items]
        assert [type(item) for item in again.items] == [
            UserMessage,
            AgentMessage,
            CommandExecution,
            ToolCall,
            FileChange,
            AgentMessage,
        ]
        command, call, change = again.items[2:5]
        assert isinstance(command, CommandExecution)
        assert (command.status, command.exit_code, command.aggregated_output) == ("failed", 3, "found\n")
        (told,) = [item for item in turn.items if isinstance(item, CommandExecution)]
        assert (command.id, command.command, command.command_actions) == (told.id, told.command, told.command_actions)
        assert isinstance(call, ToolCall)
        assert (call.id, call.tool, call.arguments, call.status) == ("lookup", "lookup", {"key": "it"}, "completed")
        assert isinstance(change, FileChange)
        assert [update.path for update in change.changes] == [str(repo / "made")]


def test_much_output_is_kept_in_part(make_codex: MakeCodex, repo: Path) -> None:
    """The item as it is told has all of it, the file its beginning and end."""
    with ScriptedModel([shell("seq 100000", call_id="call", yield_time_ms=10000), "done"]) as model:
        thread = make_codex(model).start_thread(working_directory=repo, sandbox_mode="danger-full-access")
        turn = thread.run("go", timeout=60)
        record = thread.read()
    (told,) = [item for item in turn.items if isinstance(item, CommandExecution)]
    (kept,) = [item for item in record.turns[0].items if isinstance(item, CommandExecution)]
    assert told.aggregated_output is not None
    assert kept.aggregated_output is not None
    assert len(told.aggregated_output) > 500_000
    assert len(kept.aggregated_output) < 40_000
    assert kept.aggregated_output.startswith("1\n2\n")
    assert kept.aggregated_output.endswith("99999\n100000\n")
    assert "bytes left out" in kept.aggregated_output
    assert record.path is not None
    assert record.path.stat().st_size < 300_000


def test_a_line_torn_in_a_character_costs_that_line_only(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel(["one", "two", "three"]) as model:
        codex = make_codex(model)
        thread = codex.start_thread(working_directory=repo)
        thread.run("a")
        path = thread.read(turns=False).path
        assert path is not None
        thread.close()
        codex.close()
        with path.open("ab") as file:  # as a kill in the middle of a write leaves it
            file.write(
                '{"timestamp":"2026-01-01T00:00:00.000Z","type":"event_msg","payload":{"type":"agent_message","message":"caf\u00e9'.encode()[
                    :-1
                ]
            )
        codex = make_codex(model)
        assert [info.id for info in codex.sessions.list()] == [thread.id]
        assert [turn.final_response for turn in codex.sessions.read(thread.id).turns] == ["one"]
        again = codex.resume_thread(thread.id)
        assert again.run("b").final_response == "two"
        assert [turn.final_response for turn in again.read().turns] == ["one", "two"]
        assert again.fork().run("c").final_response == "three"
        assert model.last_request.assistant_texts == ["one", "two"]
    torn = [line for line in path.read_bytes().splitlines() if not line.endswith(b"}")]
    assert len(torn) == 1


# ---- the index


def test_what_was_changed_is_there_after_a_kill(make_codex: MakeCodex, codex_home: Path, repo: Path) -> None:
    """A turn that was told, a name, an archived thread: lists and searches have them, whenever the index was written."""
    program = textwrap.dedent(
        """
        import json, os, signal, sys
        from codex_cffi import Codex

        codex = Codex(codex_home=sys.argv[1], isolated=True, config=json.loads(sys.argv[3]))
        named, archived, last = (codex.start_thread(working_directory=sys.argv[2]) for _ in range(3))
        named.run("name me")
        archived.run("archive me")
        named.rename("A name")
        archived.archive()
        last.run("the last one")
        os.write(1, " ".join([named.id, archived.id, last.id]).encode())
        os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    with ScriptedModel(["one", "two", "three"]) as model:
        done = subprocess.run(
            [sys.executable, "-c", program, codex_home, repo, json.dumps(model.provider_config())],
            capture_output=True,
            text=True,
            timeout=60,
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
        )
        assert done.returncode == -signal.SIGKILL, done.stderr
        named, archived, last = done.stdout.split()
        codex = make_codex(model)
        assert [(info.id, info.name, info.preview) for info in codex.sessions.list(sort="updated_at")] == [
            (last, None, "the last one"),
            (named, "A name", "name me"),
        ]
        assert [info.id for info in codex.sessions.list(archived=True)] == [archived]
        assert [info.id for info in codex.sessions.search("name me")] == [named]
        assert codex.sessions.read(last).turns[0].final_response == "three"
        assert codex.resume_last(working_directory=repo).id == last
