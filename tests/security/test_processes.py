"""The processes of commands: nothing that one starts outlives its turn, thread, client or host, wherever it went; and none uses more than it may.

Processes are looked for in the host's /proc, where those of sandboxes are too.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from codex_cffi import AsyncCodex, Codex, CodexTimeoutError, CommandExecution, CommandLimits, ItemStarted, SandboxMode
from codex_cffi.testing import ScriptedModel, shell
from support import ROOT, SUPPORT, MakeCodex, need
from support.unprivileged import remove, run_as_user, user_folder

READ: SandboxMode = "read-only"
WRITE: SandboxMode = "workspace-write"
DANGER: SandboxMode = "danger-full-access"
MODES = (READ, WRITE, DANGER)

#: Ways to get away, as programs: of the shell's children, out of its group, its session, its care; as a child of init; with signals ignored.
WAYS = r"""
import os, signal, subprocess, sys, time
name, ready = sys.argv[1:3]
sleep = ["sleep", name]
quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
subprocess.Popen(sleep)
subprocess.Popen(sleep, start_new_session=True, **quiet)
subprocess.Popen(["nohup", *sleep], **quiet)
subprocess.Popen(["sh", "-c", "set -m; sleep $0 & disown 2>/dev/null; exit 0", name], **quiet).wait()
subprocess.Popen(["setsid", "sh", "-c", "trap '' HUP INT TERM QUIT; (sleep $0 & exit 0)", name], **quiet).wait()
if not os.fork():
    os.setsid()
    if not os.fork():
        os.chdir("/")
        for fd in range(3): os.close(fd)
        signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
        os.execvp("sleep", sleep)
    os._exit(0)
print("started", flush=True)
if "leave" not in sys.argv: subprocess.run(sleep)
"""
#: Of them all and the command that waits; and those that have left the command's process group.
ALL, APART = 7, 3


@pytest.fixture(scope="module", autouse=True)
def bubblewrap() -> None:
    need("bwrap", "bubblewrap")


class Family:
    """The processes of one command, by an argument that nobody else has."""

    def __init__(self) -> None:
        self.name = f"86400.{uuid.uuid4().int % 10**12:012}"

    def command(self, *more: str) -> str:
        return f"{sys.executable} -S - {self.name} ready {' '.join(more)} <<'END'\n{WAYS}\nEND"

    def pids(self) -> list[int]:
        return [pid for pid, line in self._lines() if line == [b"sleep", self.name.encode()]]

    def sleepers(self) -> int:
        return len(self.pids())

    def alive(self) -> list[str]:
        """All that has to do with the command, those that supervise it and its sandbox too."""
        return [
            b" ".join(line).decode()[:60]
            for _, line in self._lines()
            if any(self.name.encode() in part for part in line)
        ]

    def _lines(self) -> Iterator[tuple[int, list[bytes]]]:
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                with contextlib.suppress(OSError):
                    yield int(entry.name), (entry / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")

    def started(self, count: int = ALL) -> None:
        wait_until(lambda: self.sleepers() == count, lambda: f"{self.sleepers()} of {count} started")

    def ended(self) -> None:
        wait_until(lambda: not self.alive(), lambda: f"still there: {self.alive()}")


def wait_until(condition: Callable[[], bool], what: Callable[[], str], patience: float = 30) -> None:
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, what()
        time.sleep(0.02)


@pytest.fixture
def family() -> Iterator[Family]:
    family = Family()
    yield family
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if family.name.encode() in (entry / "cmdline").read_bytes():
                    os.kill(int(entry.name), signal.SIGKILL)
            except OSError:
                pass


def started(family: Family, **options: Any) -> Any:
    """A call that is still running when its turn is stopped; `yield_time_ms` short hands it back to the model first."""
    return shell(family.command(), login=False, **{"yield_time_ms": 30000, **options})


@pytest.mark.parametrize("tty", [False, True], ids=["pipe", "terminal"])
@pytest.mark.parametrize("mode", MODES)
def test_a_stopped_turn_takes_its_commands_with_it(
    make_codex: MakeCodex, repo: Path, family: Family, mode: str, tty: bool
) -> None:
    with ScriptedModel([[started(family, tty=tty)]], default="on") as model:
        thread = make_codex(model).start_thread(working_directory=repo, sandbox_mode=mode, approval_mode="never")
        with thread.run_streamed("go", timeout=60) as stream:
            next(
                event for event in stream if isinstance(event, ItemStarted) and isinstance(event.item, CommandExecution)
            )
            family.started()
            stream.interrupt()
            for _ in stream:
                pass
            turn = stream.turn
        family.ended()
        assert turn.status == "interrupted"
        # It is told as ended, within its turn.
        assert [
            (item.status, item.process_id is not None) for item in turn.items if isinstance(item, CommandExecution)
        ] == [("failed", True)]
        assert thread.run("on", timeout=60).final_response == "on"


def by_timeout(thread: Any, family: Family) -> None:
    with pytest.raises(CodexTimeoutError):
        thread.run("go", timeout=4)


def by_leaving(thread: Any, family: Family) -> None:
    with thread.run_streamed("go", timeout=60):
        family.started()


@pytest.mark.parametrize("stop", [by_timeout, by_leaving])
def test_however_it_is_stopped(make_codex: MakeCodex, repo: Path, family: Family, stop: Any) -> None:
    """Also what was handed back to the model, which waits for something else."""
    waiting = [started(family, yield_time_ms=300), shell("sleep 600", call_id="b", login=False, yield_time_ms=30000)]
    with ScriptedModel([[waiting[0]], [waiting[1]]]) as model:
        stop(make_codex(model).start_thread(working_directory=repo, sandbox_mode=DANGER), family)
        family.ended()


def test_a_cancelled_task_takes_its_commands_with_it(codex_home: Path, repo: Path, family: Family) -> None:
    async def go() -> None:
        with ScriptedModel([[started(family)]]) as model:
            async with AsyncCodex(codex_home=codex_home, isolated=True, config=model.provider_config()) as codex:
                thread = await codex.start_thread(working_directory=repo, sandbox_mode=DANGER)
                task = asyncio.ensure_future(thread.run("go"))
                await asyncio.to_thread(family.started)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                await asyncio.to_thread(family.ended)

    asyncio.run(go())


@pytest.mark.parametrize("mode", [WRITE, DANGER])
def test_what_runs_on_after_its_turn_ends_with_the_thread(
    make_codex: MakeCodex, repo: Path, family: Family, mode: str
) -> None:
    """And not with a later turn that is stopped."""
    later = Family()
    script = [[started(family, yield_time_ms=300)], "started", [started(later)]]
    with ScriptedModel(script) as model:
        thread = make_codex(model).start_thread(working_directory=repo, sandbox_mode=mode, approval_mode="never")
        assert thread.run("go", timeout=60).final_response == "started"
        family.started()
        with thread.run_streamed("go", timeout=60):
            later.started()
        later.ended()
        assert family.sleepers() == ALL
        thread.close()
        family.ended()


@pytest.mark.parametrize("mode", MODES)
def test_what_a_command_leaves_running(make_codex: MakeCodex, repo: Path, family: Family, mode: str) -> None:
    """With a sandbox it ends with the command; without one, what has left its process group lives as long as the thread."""
    command = shell(family.command("leave") + "\necho end", login=False, yield_time_ms=30000)
    with ScriptedModel([[command], "done"]) as model:
        thread = make_codex(model).start_thread(working_directory=repo, sandbox_mode=mode, approval_mode="never")
        (item,) = [i for i in thread.run("go", timeout=60).items if isinstance(i, CommandExecution)]
        assert (item.status, item.exit_code, (item.aggregated_output or "").split()) == (
            "completed",
            0,
            ["started", "end"],
        )
        if mode == DANGER:
            family.started(APART)
            thread.close()
        family.ended()


@pytest.mark.parametrize("mode", MODES)
def test_closing_the_client_ends_commands(make_codex: MakeCodex, repo: Path, family: Family, mode: str) -> None:
    with ScriptedModel([[started(family, yield_time_ms=300)], "done"]) as model:
        codex = make_codex(model)
        codex.start_thread(working_directory=repo, sandbox_mode=mode).run("go", timeout=60)
        family.started()
        codex.close()
        family.ended()


HOST = """
import os, signal, sys
from codex_cffi import Codex
from codex_cffi.testing import ScriptedModel, shell
home, repo, mode, tty, command = sys.argv[1:]
for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
    signal.signal(number, signal.SIG_IGN)  # what is inherited
with ScriptedModel([[shell(command, login=False, tty=tty == "True", yield_time_ms=30000)]], default="on") as model:
    codex = Codex(codex_home=home, isolated=True, config=model.provider_config())
    if not os.fork():  # has all descriptors of the host
        signal.pause()
    thread = codex.start_thread(working_directory=repo, sandbox_mode=mode, skip_git_repo_check=True)
    print(thread.run("go").items)  # not reached
"""


@pytest.mark.parametrize("tty", [False, True], ids=["pipe", "terminal"])
@pytest.mark.parametrize("mode", MODES)
def test_commands_end_when_the_host_is_killed(
    codex_home: Path, repo: Path, family: Family, mode: str, tty: bool
) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    arguments = [str(codex_home), str(repo), mode, str(tty), family.command()]
    host = subprocess.Popen([sys.executable, "-c", HOST, *arguments], env=environment, start_new_session=True)
    try:
        family.started()
        host.kill()
        host.wait()
        wait_until(lambda: family.sleepers() == 0, lambda: f"{family.sleepers()} still there")
        wait_until(lambda: len(family.alive()) == 1, lambda: f"besides the host's own child: {family.alive()}")
    finally:
        os.killpg(host.pid, signal.SIGKILL)
        host.wait()


def test_commands_of_an_ordinary_user_end_too(repo: Path) -> None:
    folder = user_folder("processes")
    code = """
import sys, pathlib, test_processes as t
from codex_cffi import Codex
from codex_cffi.testing import ScriptedModel, shell
folder = pathlib.Path(sys.argv[1])
for mode in t.MODES:
    stopped, kept = t.Family(), t.Family()
    script = [[t.started(kept, yield_time_ms=300)], "on", [t.started(stopped)]]
    with ScriptedModel(script) as model, Codex(codex_home=folder / "codex", isolated=True, config=model.provider_config()) as codex:
        thread = codex.start_thread(working_directory=folder, sandbox_mode=mode, skip_git_repo_check=True)
        thread.run("go", timeout=60)
        kept.started()
        with thread.run_streamed("go", timeout=60):
            stopped.started()
        stopped.ended()
        assert kept.sleepers() == t.ALL
    kept.ended()
"""
    try:
        result = run_as_user(code, folder, folder=folder)
        assert result.returncode == 0, result.stderr
    finally:
        remove(folder)


@pytest.mark.parametrize("mode", [WRITE, DANGER])
def test_ends_are_told_as_they_are(make_codex: MakeCodex, repo: Path, mode: str) -> None:
    commands = [
        "exit 7",
        "kill -9 $$",
        "kill -15 $$",
        "trap 'exit 5' INT; kill -2 $$",
        "echo $0 $PPID >&2; nosuchprogram",
    ]
    calls = [[shell(text, call_id=str(n), login=False, yield_time_ms=9000)] for n, text in enumerate(commands)]
    with ScriptedModel([*calls, "done"]) as model:
        thread = make_codex(model).start_thread(working_directory=repo, sandbox_mode=mode, approval_mode="never")
        items = [i for i in thread.run("go", timeout=60).items if isinstance(i, CommandExecution)]
    # As a shell tells of a signal.
    assert [item.exit_code for item in items] == [7, 128 + 9, 128 + 15, 5, 127]


def test_commands_of_the_host_are_supervised_too(make_codex: MakeCodex, repo: Path) -> None:
    """Those that a program asks for itself, through the protocol: what they leave ends with them, in time or by themselves."""
    with ScriptedModel() as model:
        codex = make_codex(model)
        for family, more, timeout in [(Family(), ["leave"], 30000), (Family(), [], 2000)]:
            policy = {"type": "dangerFullAccess"}
            params = {
                "command": ["sh", "-c", family.command(*more)],
                "timeoutMs": timeout,
                "sandboxPolicy": policy,
                "cwd": str(repo),
            }
            codex.request("command/exec", params)
            family.ended()


@pytest.mark.parametrize("how", ["closed", "killed"])
def test_mcp_servers_end_with_what_they_have_started(
    codex_home: Path, repo: Path, family: Family, tmp_path: Path, how: str
) -> None:
    """A server that does not notice that nobody reads it any more."""
    code = """
import os, subprocess, sys
from codex_cffi import Codex, StdioServer
from codex_cffi.testing import ScriptedModel
home, repo, server = sys.argv[1:]
with ScriptedModel(default="done") as model:
    servers = {"s": StdioServer(sys.executable, ["-c", server])}
    with Codex(codex_home=home, isolated=True, config=model.provider_config(), mcp_servers=servers) as codex:
        codex.start_thread(working_directory=repo).run("go", timeout=60)
        print("ready", flush=True)
        sys.stdin.read()
"""
    served = f"import runpy, subprocess, sys; sys.argv[1:] = [{str(tmp_path / 'log')!r}]\n"
    served += (
        f"for _ in 1, 2: subprocess.Popen(['sleep', {family.name!r}], stdin=-3, stdout=-3, start_new_session=_ == 1)\n"
    )
    served += f"runpy.run_path({str(SUPPORT / 'mcp_server.py')!r}, run_name='__main__')\n"
    pytest.importorskip("mcp.server.mcpserver", reason="install the test extra")
    command = [sys.executable, "-c", code, str(codex_home), str(repo), served]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as host:
        assert host.stdout is not None
        assert host.stdout.readline() == b"ready\n"
        assert family.sleepers() == 2
        if how == "killed":
            host.kill()
        else:
            host.communicate(b"")
            assert host.returncode == 0
    family.ended()


def test_a_hook_that_is_cut_short_ends_with_what_it_has_started(
    make_codex: MakeCodex, repo: Path, family: Family
) -> None:
    """One that ends by itself may leave something running."""
    left = Family()
    hooks = [
        {"type": "command", "command": f"setsid sleep {left.name} >/dev/null 2>&1 & exit 0"},
        {"type": "command", "command": f"setsid sleep {family.name} & sleep {family.name}", "timeout": 600},
    ]
    config: dict[str, Any] = {"hooks": {"UserPromptSubmit": [{"hooks": hooks}]}}
    (listed,) = make_codex(config=config).request("hooks/list", {"cwds": [str(repo)]})["data"]
    trusted = {known["key"]: {"trusted_hash": known["currentHash"]} for known in listed["hooks"]}
    config["hooks"]["state"] = trusted
    with ScriptedModel(default="done") as model:
        thread = make_codex(model, config=config).start_thread(working_directory=repo)
        with thread.run_streamed("go", timeout=60):
            family.started(2)
            left.started(1)
        family.ended()
        assert left.sleepers() == 1
    os.kill(left.pids()[0], signal.SIGKILL)


# ---- limits

HUNGRY = f"{sys.executable} -S -c 'x = []\nwhile True: x.append(bytes(range(256)) * 4096)'"
SHARED = f"{sys.executable} -S -c 'import mmap, time\nx = mmap.mmap(-1, 400 << 20)\nfor i in range(0, len(x), 4096): x[i] = 1\ntime.sleep(600)'"
MANY = "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do setsid sleep 600 & done; echo started; wait"
THREADS = f"{sys.executable} -S -c 'import threading, time\nfor i in range(20): threading.Thread(target=time.sleep, args=(600,)).start()'"
LARGE = "head -c 5000000 /dev/zero > large; echo $?; stat -c %s large"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("command", "limits", "told"),
    [
        (
            MANY,
            CommandLimits(processes=12),
            r"it had \d+ processes and threads, more than the 12 that it may have; the command was stopped",
        ),
        (THREADS, CommandLimits(processes=12), r"it had \d+ processes and threads, more than the 12"),
        (HUNGRY, CommandLimits(memory=200 << 20), r"MemoryError"),
        (
            SHARED,
            CommandLimits(memory=200 << 20),
            r"it used \d+ bytes of memory, more than the 209715200 that it may use; the command was stopped",
        ),
        ("echo fine", CommandLimits(processes=12, memory=200 << 20, file_size=1 << 20), r"fine"),
    ],
    ids=["processes", "threads", "memory", "shared memory", "within"],
)
def test_limits(make_codex: MakeCodex, repo: Path, mode: str, command: str, limits: CommandLimits, told: str) -> None:
    with ScriptedModel([[shell(command, call_id="it", login=False, yield_time_ms=30000)], "done"]) as model:
        thread = make_codex(model, command_limits=limits).start_thread(
            working_directory=repo, sandbox_mode=mode, approval_mode="never"
        )
        thread.run("go", timeout=60)
        output = model.requests[-1].tool_output("it")
    assert re.search(told, output)
    assert re.search(r"exited with code (\S+)", output)


@pytest.mark.parametrize("mode", [WRITE, DANGER])
def test_a_file_of_limited_size(make_codex: MakeCodex, repo: Path, mode: str) -> None:
    with ScriptedModel([[shell(LARGE, call_id="it", login=False, yield_time_ms=30000)], "done"]) as model:
        limits = CommandLimits(file_size=1 << 20)
        make_codex(model, command_limits=limits).start_thread(working_directory=repo, sandbox_mode=mode).run(
            "go", timeout=60
        )
    assert (repo / "large").stat().st_size == 1 << 20


def test_limits_are_checked(make_codex: MakeCodex, repo: Path) -> None:
    refused: list[tuple[dict[str, Any], Any, str]] = [
        ({"processes": 0}, ValueError, "processes must be at least 1"),
        ({"memory": 1 << 20}, ValueError, "memory must be at least 33554432"),
        ({"file_size": -1}, ValueError, "file_size must be at least 1"),
        ({"processes": 1 << 63}, ValueError, "63 bits"),
        ({"processes": True}, TypeError, "whole number"),
        ({"memory": 1e9}, TypeError, "whole number"),
    ]
    for options, error, text in refused:
        with pytest.raises(error, match=text):
            CommandLimits(**options)
    with pytest.raises(TypeError, match="must be a CommandLimits, not dict"):
        Codex(command_limits={"processes": 5})  # type: ignore[arg-type]
    # As a setting it is checked where it counts.
    with ScriptedModel([[shell("echo ran", call_id="it", login=False)], "done"]) as model:
        codex = make_codex(model, config={"command_limits": {"processes": "few"}})
        codex.start_thread(working_directory=repo, sandbox_mode=DANGER).run("go", timeout=60)
        assert "command_limits.processes must be a whole number above 0; the command did not run" in model.requests[
            -1
        ].tool_output("it")


def test_without_limits_there_are_none(make_codex: MakeCodex, repo: Path) -> None:
    show = f"{sys.executable} -S -c 'import json, resource as r; print(json.dumps([r.getrlimit(x) for x in (r.RLIMIT_FSIZE, r.RLIMIT_DATA, r.RLIMIT_NPROC)]))'"
    with ScriptedModel([[shell(show, call_id="it", login=False, yield_time_ms=9000)], "done"]) as model:
        make_codex(model).start_thread(working_directory=repo, sandbox_mode=WRITE).run("go", timeout=60)
        inside = json.loads(model.requests[-1].tool_output("it").rpartition("Output:\n")[2])
    import resource

    assert inside == [
        list(resource.getrlimit(which))
        for which in (resource.RLIMIT_FSIZE, resource.RLIMIT_DATA, resource.RLIMIT_NPROC)
    ]
