"""Attempts to run a command elsewhere, or otherwise, than the question about it said: out of the sandbox, in another folder, with a planted program."""

# ruff: noqa: F811 (fixtures of another module)

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from test_approval_attacks import MODES, NARROW, Person, add, bubblewrap, escalated, patch, start, work  # noqa: F401

from codex_cffi import (
    Approve,
    Codex,
    CommandApproval,
    Deny,
    Hook,
    HookCall,
    NotFoundError,
    PermissionsApproval,
    StdioServer,
    ToolInvocation,
    ToolResult,
    WorkspaceWrite,
)
from codex_cffi.approvals import later
from codex_cffi.testing import ScriptedModel, apply_patch, function_call, item, shell
from support import SUPPORT, MakeCodex, wait_until
from support.unprivileged import remove, run_as_user, user_folder

SANDBOXED = ("read-only", "workspace-write")


def plant(program: Path, marker: Path) -> None:
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(f"#!/bin/sh\ntouch {marker}\n")
    program.chmod(0o755)


# ---- out of the sandbox


@pytest.mark.parametrize("session", [False, True], ids=["once", "for the session"])
@pytest.mark.parametrize("mode", SANDBOXED)
def test_a_command_that_failed_in_the_sandbox_is_asked_for_again(
    start: Any,
    work: Path,
    mode: str,
    session: bool,
) -> None:
    outside = work.parent / "escaped"

    def decide(request: CommandApproval) -> Any:
        return Deny() if "retry" in (request.reason or "") else Approve(for_session=session)

    person = Person(decide)
    calls = [[shell(f"touch {outside}", call_id=call, login=False)] for call in ("a", "b")]
    with ScriptedModel([*calls, "done"]) as model:
        start(model, person, sandbox_mode=mode, approval_mode="untrusted").run("go", timeout=60)
    assert not outside.exists()
    about = [(request.item_id, "retry" in (request.reason or "")) for request in person.asked]
    first = [("a", False), ("a", True)]
    assert about == first + ([("b", True)] if session else [("b", False), ("b", True)])


def test_a_yes_to_the_retry_is_for_it_alone(start: Any, work: Path) -> None:
    outside = work.parent / "escaped"
    person = Person(lambda request: Approve(for_session=True))
    calls = [[shell(f"echo ran >> {outside}", call_id=call, login=False)] for call in ("a", "b")]
    with ScriptedModel([*calls, "done"]) as model:
        start(model, person, approval_mode="untrusted").run("go", timeout=60)
    assert outside.read_text() == "ran\nran\n"
    assert [(request.item_id, request.reason) for request in person.asked] == [
        ("a", None),
        *((call, "command failed; retry without sandbox?") for call in ("a", "b")),
    ]


def test_a_hooks_yes_is_not_for_the_retry(start: Any, work: Path) -> None:
    seen: list[str] = []

    def allow(call: HookCall) -> Approve:
        seen.append(call.tool_input["command"])
        return Approve()

    person = Person(lambda request: Deny())
    command = f"touch {work.parent}/escaped"
    with ScriptedModel([[shell(command, call_id="a", login=False)], "done"]) as model:
        hooks = [Hook("PermissionRequest", allow)]
        start(model, person, hooks=hooks, approval_mode="untrusted").run("go", timeout=60)
    assert not (work.parent / "escaped").exists()
    assert seen == [command, command]
    assert [request.reason for request in person.asked] == ["command failed; retry without sandbox?"]


def test_a_patch_is_asked_for_once(start: Any, work: Path) -> None:
    """It does what was shown, wherever it runs."""
    person = Person()
    with ScriptedModel([[apply_patch(patch(add(f"{work.parent}/new.md")), call_id="p")], "done"]) as model:
        start(model, person, approval_mode="untrusted").run("go", timeout=60)
    assert (work.parent / "new.md").read_text() == "x\n"
    assert len(person.asked) == 1


# ---- in another folder


@pytest.mark.parametrize("mode", SANDBOXED)
def test_the_folder_is_shown_without_links(start: Any, work: Path, mode: str) -> None:
    elsewhere = work.parent / "elsewhere"
    elsewhere.mkdir()
    (work / "docs").symlink_to(elsewhere)
    person = Person(lambda request: Deny())
    calls = [[escalated("touch made", str(n), workdir=name, login=False)] for n, name in enumerate(("docs", "a", ""))]
    with ScriptedModel([*calls, "done"]) as model:
        start(model, person, sandbox_mode=mode).run("go", timeout=60)
    assert [str(request.cwd) for request in person.asked] == [str(elsewhere), str(work / "a"), str(work)]
    assert not (elsewhere / "made").exists()


@pytest.mark.parametrize("mode", SANDBOXED)
def test_a_folder_that_became_a_link_meanwhile_runs_nothing(start: Any, work: Path, mode: str) -> None:
    elsewhere = work.parent / "elsewhere"
    elsewhere.mkdir()

    def swap(request: CommandApproval) -> Approve:
        (work / "a").rename(work / "b")
        (work / "a").symlink_to(elsewhere)
        return Approve()

    person = Person(swap)
    with ScriptedModel([[escalated("touch made", "x", workdir="a", login=False)], "done"]) as model:
        start(model, person, sandbox_mode=mode).run("go", timeout=60)
        model.assert_tool_output("x", contains="is no longer the folder that it was")
    assert len(person.asked) == 1
    assert not (elsewhere / "made").exists()


def test_for_the_session_is_not_for_where_a_link_leads_now(start: Any, work: Path) -> None:
    (work / "b").mkdir()
    (work / "link").symlink_to("a")
    person = Person(lambda request: Approve(for_session=True))
    move = shell("rm link; ln -s b link", call_id="move", login=False)
    calls = [escalated("touch here", call, workdir="link", login=False) for call in ("first", "second")]
    with ScriptedModel([[calls[0]], [move], [calls[1]], "done"]) as model:
        start(model, person).run("go", timeout=60)
    assert [str(request.cwd) for request in person.asked] == [str(work / "a"), str(work / "b")]


# ---- another program


@pytest.mark.parametrize("way", ["on PATH", "relative", "empty", "link to it", "link through it", "linked folder"])
@pytest.mark.parametrize("mode", MODES)
def test_a_program_of_the_repositorys_has_no_arguments(
    start: Any,
    work: Path,
    monkeypatch: pytest.MonkeyPatch,
    mode: str,
    way: str,
) -> None:
    system, real = work.parent / "system", work.parent / "real"
    system.mkdir()
    plant((work if way == "empty" else work / "bin") / "tool", work.parent / "ran")
    plant(real / "tool", work.parent / "ran")
    first = {"on PATH": str(work / "bin"), "relative": "bin", "empty": ""}.get(way, str(system))
    if way == "link to it":
        (system / "tool").symlink_to(work / "bin" / "tool")
    elif way == "link through it":
        (work / "hop").symlink_to(real / "tool")
        (system / "tool").symlink_to(work / "hop")
    elif way == "linked folder":
        (work / "hop").symlink_to(real)
        first = str(system / "bin")
        (system / "bin").symlink_to(work / "hop")
    monkeypatch.setenv("PATH", f"{first}:{os.environ['PATH']}")
    person = Person(lambda request: Deny())
    call = shell("tool x", call_id="a", login=False)
    sandboxed = mode != "danger-full-access"
    with ScriptedModel([[escalated("tool x", "a", login=False) if sandboxed else call], "done"]) as model:
        policy = "on-request" if sandboxed else "untrusted"
        start(model, person, sandbox_mode=mode, approval_mode=policy).run("go", timeout=60)
    assert [request.argv for request in person.asked] == [None]


@pytest.mark.parametrize("mode", MODES)
def test_a_program_of_the_systems_has_arguments(start: Any, mode: str) -> None:
    person = Person(lambda request: Deny())
    sandboxed = mode != "danger-full-access"
    command = "git fetch x"
    call = escalated(command, "a", login=False) if sandboxed else shell(command, call_id="a", login=False)
    with ScriptedModel([[call], "done"]) as model:
        policy = "on-request" if sandboxed else "untrusted"
        start(model, person, sandbox_mode=mode, approval_mode=policy).run("go", timeout=60)
    assert [request.argv for request in person.asked] == [["git", "fetch", "x"]]


def test_no_login_shell_where_commands_may_write_in_the_home(
    make_codex: MakeCodex,
    work: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home = work.parent / "home"
    (home / ".local" / "bin").mkdir(parents=True)
    (home / ".profile").write_text("PATH=$HOME/.local/bin:$PATH\n")
    monkeypatch.setenv("HOME", str(home))
    roots = WorkspaceWrite(exclude_slash_tmp=True, exclude_tmpdir_env_var=True, writable_roots=[home / ".local"])
    shells = []
    for options in (roots, NARROW):
        with ScriptedModel([[shell("shopt -q login_shell && echo login", call_id="a")], "done"]) as model:
            thread = make_codex(model).start_thread(working_directory=work, workspace_write=options)
            thread.run("go", timeout=60)
            shells.append("login\n" in str(model.requests[-1].function_outputs["a"]))
    assert shells == [False, True]


# ---- another grant

PERMISSIONS = {"features": {"request_permissions_tool": True, "exec_permission_approvals": True}}


def asks(path: Path, call_id: str) -> Any:
    return function_call(
        "request_permissions", {"permissions": {"file_system": {"write": [str(path)]}}}, call_id=call_id
    )


def grant(path: Path, command: str, call_id: str) -> Any:
    grants = {"file_system": {"write": [str(path)]}}
    mode = "with_additional_permissions"
    return shell(
        command,
        call_id=call_id,
        login=False,
        sandbox_permissions=mode,
        additional_permissions=grants,
        justification="j",
    )


@pytest.mark.parametrize("place", ["link", "missing", "link/below"])
@pytest.mark.parametrize("way", ["request", "command"])
def test_only_a_folder_that_is_there_itself_is_granted(
    make_codex: MakeCodex,
    work: Path,
    place: str,
    way: str,
) -> None:
    secret = work.parent / "secret"
    (secret / "below").mkdir(parents=True)
    (work / "link").symlink_to(secret)
    person = Person()
    path = work / place
    call = asks(path, "ask") if way == "request" else grant(path, f"touch {secret}/made", "ask")
    write = shell(f"ln -s {secret} missing; touch {secret}/made", call_id="write", login=False)
    with ScriptedModel([[call], [write], "done"]) as model:
        codex = make_codex(model, on_approval=person, config=PERMISSIONS)
        codex.start_thread(working_directory=work, workspace_write=NARROW, approval_mode="on-request").run("go")
        said = "ask for a folder that is there" if place == "missing" else "is reached through a link; ask for"
        model.assert_tool_output("ask", contains=said)
    assert person.asked == []
    assert not (secret / "made").exists()


def test_a_place_below_the_workspace_is_granted_by_its_path(make_codex: MakeCodex, work: Path) -> None:
    (work / "link").symlink_to(work.parent)
    person = Person()
    roots = {"kind": "project_roots", "subpath": "link"}
    entry = {"path": {"type": "special", "value": roots}, "access": "write"}
    call = function_call("request_permissions", {"permissions": {"file_system": {"entries": [entry]}}}, call_id="ask")
    with ScriptedModel([[call], "done"]) as model:
        codex = make_codex(model, on_approval=person, config=PERMISSIONS)
        codex.start_thread(working_directory=work, sandbox_mode="read-only", approval_mode="on-request").run("go")
        model.assert_tool_output("ask", contains="ask for link by its whole path")
    assert person.asked == []


def test_what_was_granted_is_not_exchanged(make_codex: MakeCodex, work: Path) -> None:
    secret, given = work.parent / "secret", work.parent / "given"
    secret.mkdir()
    given.mkdir()
    person = Person(lambda request: Approve(for_session=True))
    steps = [[asks(given, "ask")], [shell(f"touch {given}/made", call_id="use", login=False)], "granted"]
    with ScriptedModel([*steps, [shell(f"touch {secret}/made", call_id="again", login=False)], "done"]) as model:
        codex = make_codex(model, on_approval=person, config=PERMISSIONS)
        thread = codex.start_thread(working_directory=work, workspace_write=NARROW, approval_mode="on-request")
        thread.run("go", timeout=60)
        assert (given / "made").exists()
        given.rename(work.parent / "old")
        given.symlink_to(secret)
        thread.run("go on", timeout=60)
        model.assert_tool_output("again", contains="a link is now in the place of")
    assert [type(request) for request in person.asked] == [PermissionsApproval]
    assert not (secret / "made").exists()


# ---- another question


def waiting(codex: Codex) -> Any:
    wait_until(lambda: len(codex.pending_approvals) == 1)
    return codex.pending_approvals[0]


def test_an_id_answers_the_request_of_its_client_alone(
    make_codex: MakeCodex,
    work: Path,
    tmp_path: Path,
) -> None:
    with ScriptedModel(default="done") as model:
        clients = [make_codex(model, on_approval=later, codex_home=tmp_path / str(n)) for n in range(2)]
        runs = []
        for number, client in enumerate(clients):
            thread = client.start_thread(working_directory=work, sandbox_mode="read-only", approval_mode="on-request")
            model.script([[escalated(f"touch {work}/{number}", "a", login=False)], "end"], thread_id=thread.id)
            runs.append(threading.Thread(target=thread.run, args=("go",)))
            runs[-1].start()
        ids = [waiting(client).id for client in clients]
        for client, other in zip(clients, reversed(ids), strict=True):
            with pytest.raises(NotFoundError):
                client.respond(other, Approve())
        for client, own in zip(clients, ids, strict=True):
            client.respond(own, Deny())
        for run in runs:
            run.join()
    assert not [name for name in ("0", "1") if (work / name).exists()]


def test_a_reason_is_told_of_the_decision_that_counts(make_codex: MakeCodex, work: Path) -> None:
    """Two decide at the same time: what the agent reads is what happened."""
    with ScriptedModel(default="done") as model:
        codex = make_codex(model, on_approval=later)
        for number in range(6):
            thread = codex.start_thread(working_directory=work, sandbox_mode="read-only", approval_mode="on-request")
            file = work / str(number)
            model.script([[escalated(f"touch {file}", f"c{number}", login=False)], "end"], thread_id=thread.id)
            run = threading.Thread(target=thread.run, args=("go",))
            run.start()
            request = waiting(codex)
            counted: list[Any] = []

            def decide(decision: Any, request: Any = request, counted: list[Any] = counted) -> None:
                try:
                    codex.respond(request.id, decision)
                except NotFoundError:
                    return
                counted.append(decision)

            deciders = [
                threading.Thread(target=decide, args=(decision,))
                for decision in (Approve(), Deny(f"REASON-{number}"), Approve(), Deny(f"REASON-{number}"))
            ]
            for decider in deciders:
                decider.start()
            for decider in [*deciders, run]:
                decider.join()
            approved = [isinstance(decision, Approve) for decision in counted]
            assert approved == [file.exists()]
            told = any(f"REASON-{number}" in str(sent.body) for sent in model.requests)
            assert not (told and file.exists())


# ---- another tool


SERVER = SUPPORT / "mcp_server.py"


@pytest.mark.parametrize(("one", "other"), [("a-b", "a_b"), ("a", "mcp__a"), ("a-b", "mcp__a_b")])
def test_servers_of_one_name_are_refused(
    make_codex: MakeCodex,
    work: Path,
    tmp_path: Path,
    one: str,
    other: str,
) -> None:
    server = StdioServer(sys.executable, [SERVER, tmp_path / "log"], approval="approve")
    with ScriptedModel(default="done") as model:
        with pytest.raises(ValueError, match="would have the same names; rename one"):
            make_codex(model, mcp_servers={one: server, other: server})
        codex = make_codex(model, mcp_servers={one: server})
        with pytest.raises(ValueError, match="would have the same names; rename one"):
            codex.start_thread(working_directory=work, mcp_servers={other: server})


def test_servers_of_one_name_in_the_configuration_offer_nothing(
    make_codex: MakeCodex,
    work: Path,
    tmp_path: Path,
) -> None:
    """Their tools would be called otherwise than what guards them expects."""
    server = {"command": sys.executable, "args": [str(SERVER), str(tmp_path / "log")]}
    called: list[str] = []

    def guard(call: ToolInvocation, call_builtin: Callable[..., ToolResult]) -> ToolResult:
        called.append(call.tool_name)
        return call_builtin()

    with ScriptedModel(default="done") as model:
        codex = make_codex(model, config={"mcp_servers": dict.fromkeys(("a-b", "a_b", "c"), server)})
        codex.register_tool_interceptor("mcp__c::*", guard)
        thread = codex.start_thread(working_directory=work)
        search = {"execution": "client", "status": "completed", "arguments": {"query": "add", "limit": 50}}
        steps = [
            [item({"type": "tool_search_call", "id": "s", "call_id": "search", **search})],
            [function_call("add", {"a": 1, "b": 2}, namespace="mcp__c", call_id="add")],
        ]
        model.script([*steps, "end"], thread_id=thread.id)
        thread.run("go", timeout=60)
        offered = str(model.requests[-1].body)
    assert "mcp__c" in offered
    assert "mcp__a_b" not in offered
    assert called == ["mcp__c::add"]


AS_USER = """
import subprocess, sys
from pathlib import Path
from codex_cffi import Approve, Codex, Deny
from codex_cffi.testing import ScriptedModel, shell

repo, outside = Path("repo").absolute(), Path("outside").absolute()
repo.mkdir(), outside.mkdir()
subprocess.run(["git", "init", "--quiet"], cwd=repo, check=True)
(repo / "docs").symlink_to(outside)
asked = []

def decide(request):
    asked.append((request.item_id, Path(request.cwd).name, request.reason))
    return Deny() if request.item_id == "b" or request.reason else Approve()

calls = [shell(f"touch {outside}/made", call_id="a", login=False), shell("touch x", call_id="b", workdir="docs", login=False)]
with ScriptedModel([*([call] for call in calls), "done"]) as model:
    with Codex(codex_home=Path("home/codex"), isolated=True, config=model.provider_config(), on_approval=decide) as codex:
        codex.start_thread(working_directory=repo, sandbox_mode=sys.argv[1], approval_mode="untrusted").run("go", timeout=60)
print(asked)
print(list(outside.iterdir()))
"""


@pytest.mark.parametrize("mode", SANDBOXED)
def test_an_ordinary_user_is_asked_again_and_shown_the_folder(mode: str) -> None:
    folder = user_folder("places")
    try:
        done = run_as_user(AS_USER, mode, folder=folder)
    finally:
        remove(folder)
    assert done.returncode == 0, done.stderr
    retry = "command failed; retry without sandbox?"
    assert done.stdout.splitlines() == [
        str([("a", "repo", None), ("a", "repo", retry), ("b", "outside", None)]),
        "[]",
    ]
