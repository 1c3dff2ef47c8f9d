"""Every way that a process with an engine in it starts, is disturbed, and ends."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import subprocess
import sys
import sysconfig
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from programs import HANGS, PRELUDE, descriptors, fine, nothing_left, program, spawn

from codex_cffi import (
    AgentMessage,
    AgentMessageDelta,
    AsyncCodex,
    ClosedError,
    Codex,
    CommandExecution,
    ItemCompleted,
    ItemStarted,
    TurnCompleted,
)
from codex_cffi._core.deadline import Deadline
from codex_cffi._core.steps import call
from codex_cffi.events import Gap
from codex_cffi.testing import ScriptedModel, shell, stall, text
from support import ROOT, MakeCodex, run_python, wait_until

SOAK = bool(os.environ.get("CODEX_CFFI_SOAK"))
#: Rounds of the processes that start on one home; 25 with CODEX_CFFI_SOAK=1.
ROUNDS = 25 if SOAK else 10
#: Agent threads loaded in one process; 1,000 with CODEX_CFFI_SOAK=1.
THREADS = 1000 if SOAK else 300


@pytest.fixture(autouse=True)
def whole(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[None]:
    with nothing_left():
        yield


def gone(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


# ---- exit ------------------------------------------------------------------------------------------------------------

TURN = """
    model = ScriptedModel([[text("so far"), shell("echo $$ > pid; exec sleep 300", yield_time_ms=30000)]], default="done").start()
    codex = Codex(**settings(model))
    thread = codex.start_thread(**free())
    running = threading.Event()

    def work():
        try:
            for event in thread.run_streamed("go"):
                if isinstance(event, ItemStarted) and isinstance(event.item, CommandExecution):
                    running.set()
        except ClosedError:
            pass

    def wait_for_pid():
        pid = pathlib.Path(repo, "pid")
        while not pid.exists() or not pid.read_text().strip():
            time.sleep(0.01)

    threading.Thread(target=work, daemon=True).start()
    running.wait()
    wait_for_pid()
"""


@pytest.mark.parametrize(
    ("ending", "status"),
    [
        ("", 0),
        ("sys.exit(5)", 5),
        ("atexit.register(lambda: os._exit(6))", 6),
        ("threading.Thread(target=os._exit, args=[7]).start(); time.sleep(60)", 7),
        ("os.kill(os.getpid(), signal.SIGTERM); time.sleep(60)", -signal.SIGTERM),
        ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
        ("os.abort()", -signal.SIGABRT),
        ("codex.close()", 0),
        ("del codex, thread; gc.collect()", 0),
    ],
    ids=["end", "exit", "_exit in atexit", "_exit in a thread", "SIGTERM", "SIGKILL", "abort", "close", "drop"],
)
def test_a_process_that_ends_in_a_turn_takes_the_command_with_it(
    tmp_path: Path, repo: Path, ending: str, status: int
) -> None:
    result = program(textwrap.dedent(TURN) + ending, tmp_path / "home", repo)
    assert result.returncode == status, result.stderr
    if status >= 0:
        assert result.stderr == ""
    wait_until(lambda: gone((repo / "pid").read_text().strip()))


def test_the_interpreter_waits_for_a_turn_in_a_thread_that_is_no_daemon(tmp_path: Path, repo: Path) -> None:
    code = """
        model = ScriptedModel([[delay(0.5), text("done")]]).start()
        thread = Codex(**settings(model)).start_thread(**free())
        threading.Thread(target=lambda: print(thread.run("go").final_response)).start()
    """
    assert fine(program(code, tmp_path / "home", repo)) == "done\n"


def test_an_atexit_handler_may_run_a_turn_until_the_clients_are_closed(tmp_path: Path, repo: Path) -> None:
    code = """
        import atexit, sys
        def too_late():
            try:
                thread.run("go")
            except Exception as error:
                print(type(error).__name__)
        atexit.register(too_late)  # handlers run last to first, so this one after the package's own
    """
    late = textwrap.dedent(code) + PRELUDE
    late += textwrap.dedent(
        """
        model = ScriptedModel(default="done").start()
        thread = Codex(**settings(model)).start_thread(**free())
        atexit.register(lambda: print(thread.run("go").final_response))
        """
    )
    result = run_python(late, tmp_path / "home", repo, timeout=HANGS)
    assert fine(result).split() == ["done", "ClosedError"]


def test_a_tool_that_does_not_return_does_not_keep_the_process(tmp_path: Path, repo: Path) -> None:
    code = """
        called = threading.Event()
        def handler(call):
            called.set()
            time.sleep(300)
        model = ScriptedModel([[function_call("hang", {})]], default="done").start()
        codex = Codex(**settings(model, tools=[Tool(name="hang", description="Hangs.", handler=handler)]))
        stream = codex.start_thread(**free()).run_streamed("go")
        called.wait()
    """
    began = time.monotonic()
    fine(program(code, tmp_path / "home", repo))
    assert time.monotonic() - began < 30


def test_asyncio_run_may_end_with_a_turn_running(tmp_path: Path, repo: Path) -> None:
    code = """
        async def main():
            codex = AsyncCodex(**settings(model))
            thread = await codex.start_thread(**free())
            task = asyncio.ensure_future(thread.run("go"))
            await asyncio.sleep(0.2)

        model = ScriptedModel([[text("slow"), stall()]]).start()
        asyncio.run(main())
        print("over")
    """
    assert fine(program(code, tmp_path / "home", repo)) == "over\n"


# ---- close -----------------------------------------------------------------------------------------------------------


def test_many_threads_close_at_once_while_many_are_in_turns(make_codex: MakeCodex, repo: Path) -> None:
    ends: list[Any] = []

    def work(thread: Any) -> None:
        ends.append(thread.run("go").status)

    with ScriptedModel(default=[text("slow"), stall()]) as model:
        codex = make_codex(model)
        agents = [codex.start_thread(working_directory=repo, ephemeral=True) for _ in range(8)]
        workers = [threading.Thread(target=work, args=[agent]) for agent in agents]
        closers = [threading.Thread(target=codex.close) for _ in range(4)]
        for worker in workers:
            worker.start()
        model.wait_for_requests(8)
        for closer in closers:
            closer.start()
        for worker in workers + closers:
            worker.join(30)
            assert not worker.is_alive()
    assert ends == ["interrupted"] * 8


def test_a_signal_handler_may_close_the_client(tmp_path: Path, repo: Path) -> None:
    code = """
        with ScriptedModel(default=[text("slow"), stall()]) as model:
            codex = Codex(**settings(model))
            signal.signal(signal.SIGTERM, lambda *_: codex.close())
            thread = codex.start_thread(**free())
            with thread.run_streamed("go") as stream:
                try:
                    for event in stream:
                        if isinstance(event, AgentMessageDelta):
                            os.kill(os.getpid(), signal.SIGTERM)
                except ClosedError:
                    pass
            print(stream.turn.status, codex.closed)
    """
    assert fine(program(code, tmp_path / "home", repo)) == "interrupted True\n"


def test_what_is_dropped_without_close_ends_by_itself(repo: Path, codex_home: Path) -> None:
    with ScriptedModel([[shell("echo $$ > pid; exec sleep 300", yield_time_ms=30000)]]) as model:
        codex = Codex(codex_home=codex_home, isolated=True, config=model.provider_config())
        thread = codex.start_thread(working_directory=repo, sandbox_mode="danger-full-access")
        stream = thread.run_streamed("go")
        next(e for e in stream if isinstance(e, ItemStarted) and isinstance(e.item, CommandExecution))
        wait_until(lambda: (repo / "pid").exists() and (repo / "pid").read_text().strip())
        del codex, thread, stream
        gc.collect()
        wait_until(lambda: gone((repo / "pid").read_text().strip()))


def test_opening_and_closing_again_and_again_costs_nothing(repo: Path, codex_home: Path) -> None:
    def cycle() -> None:
        with Codex(codex_home=codex_home, isolated=True, config=model.provider_config()) as codex:
            codex.start_thread(working_directory=repo, ephemeral=True).run("go")

    with ScriptedModel(default="done") as model:
        cycle()
        before = descriptors()
        for _ in range(10):
            cycle()
        wait_until(lambda: descriptors() <= before + 3)


# ---- several clients, several processes ------------------------------------------------------------------------------


@pytest.mark.parametrize("homes", [1, 2])
def test_clients_that_open_at_once_share_a_fresh_home(
    make_codex: MakeCodex, tmp_path: Path, repo: Path, homes: int
) -> None:
    clients: list[Any] = []
    with ScriptedModel(default="done") as model:

        def work(number: int) -> None:
            clients.append((make_codex(model, codex_home=tmp_path / f"home{number % homes}"), number % homes))

        workers = [threading.Thread(target=work, args=[number]) for number in range(8)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        threads = [(codex.start_thread(working_directory=repo), home) for codex, home in clients]
        for thread, _ in threads:
            assert thread.run("go").status == "completed"
        for codex, home in clients:
            listed = {entry["id"] for entry in codex.request("thread/list", EXEC)["data"]}
            assert listed == {thread.id for thread, where in threads if where == home}


EXEC: dict[str, Any] = {"limit": 100, "sourceKinds": ["exec"]}

ROUND = """
    import json

    config = json.loads(sys.argv[1])
    import logging
    logging.basicConfig(level="WARNING")
    print("ready", flush=True)
    for line in sys.stdin:
        home, repo = line.split()
        with Codex(codex_home=home, isolated=True, config=config) as codex:
            thread = codex.start_thread(working_directory=repo)
            assert thread.run("go", timeout=60).final_response == "done"
            listed = codex.request("thread/list", {"limit": 100, "sourceKinds": ["exec"]})["data"]
            assert thread.id in [entry["id"] for entry in listed], listed
        print(thread.id, flush=True)
"""


def test_eight_processes_start_on_one_fresh_home(tmp_path: Path, repo: Path) -> None:
    """Again and again; each finds its thread in the shared database, and none has anything to complain about."""
    with ScriptedModel(default="done") as model:
        processes = [spawn(ROUND, json.dumps(model.provider_config()), repo) for _ in range(8)]
        try:
            for process in processes:
                assert process.stdout is not None
                assert process.stdout.readline() == "ready\n", process.communicate()[1]
            for number in range(ROUNDS):
                home = tmp_path / f"home{number}"
                for process in processes:
                    assert process.stdin is not None
                    process.stdin.write(f"{home} {repo}\n")
                    process.stdin.flush()
                ids = [process.stdout.readline().strip() for process in processes if process.stdout]
                assert all(ids), [process.communicate()[1] for process in processes if process.poll()]
                sessions = {path.stem[-36:]: path.read_text() for path in home.glob("sessions/**/*.jsonl")}
                assert set(sessions) == set(ids)
                assert all('"task_complete"' in session for session in sessions.values()), "whole on disk"
            complaints = "".join(process.communicate(timeout=HANGS)[1] for process in processes)
            assert "migrat" not in complaints
            assert "skills" not in complaints
            assert "databases" not in complaints
        finally:
            for process in processes:
                process.kill()
                process.communicate()


def test_a_process_that_dies_while_it_opens_does_not_keep_the_others_out(tmp_path: Path, repo: Path) -> None:
    home = tmp_path / "home"
    code = """
        threading.Thread(target=lambda: (time.sleep(float(sys.argv[3])), os.kill(os.getpid(), 9))).start()
        with ScriptedModel() as model:
            while True:
                Codex(**settings(model)).close()
    """
    dying = [spawn(code, home, repo, seconds / 50) for seconds in range(6)]
    for process in dying:
        process.communicate(timeout=HANGS)
    code = """
        with ScriptedModel(default="done") as model, Codex(**settings(model)) as codex:
            thread = codex.start_thread(**free())
            thread.run("go")
            print(len(codex.request("thread/list", {"sourceKinds": ["exec"]})["data"]))
    """
    assert fine(program(code, home, repo)) == "1\n"


# ---- fork and multiprocessing ----------------------------------------------------------------------------------------


def test_forked_children_of_a_busy_parent_never_hang(tmp_path: Path, repo: Path) -> None:
    """Locks that the parent's threads held at that moment are nobody's in the child."""
    code = """
        sys.setswitchinterval(1e-5)
        with ScriptedModel(default=[text("x" * 400, deltas=400)]) as model:
            codex = Codex(**settings(model))
            threads = [codex.start_thread(**free(ephemeral=True)) for _ in range(4)]
            over = threading.Event()

            def work(thread):
                while not over.is_set():
                    assert thread.run("go").status == "completed"

            workers = [threading.Thread(target=work, args=[thread]) for thread in threads]
            for worker in workers:
                worker.start()
            statuses = []
            for _ in range(30):
                child = os.fork()
                if child == 0:
                    signal.alarm(10)  # ends a child that hangs
                    try:
                        codex.request("thread/list", {})
                    except ForkedError:
                        pass
                    codex._core.handle.free()
                    gc.collect()
                    os._exit(3)
                statuses.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
            over.set()
            for worker in workers:
                worker.join()
            print(set(statuses), threads[0].run("on").status)
            codex.close()
    """
    result = program(code, tmp_path / "home", repo)
    assert result.returncode == 0, result.stderr
    assert result.stdout == "{3} completed\n"


MULTIPROCESSING = PRELUDE.replace("home, repo = sys.argv[1:3]", "") + textwrap.dedent(
    """
    def child(home, repo, config, codex):
        if codex is not None:
            try:
                codex.request("thread/list", {})
            except ForkedError as error:
                print("ForkedError", flush=True)
                sys.exit(4)
        with Codex(codex_home=home, isolated=True, config=config) as codex:
            print(codex.start_thread(working_directory=repo).run("go").final_response, flush=True)
        sys.exit(4)

    if __name__ == "__main__":
        home, repo, method = sys.argv[1:]
        with ScriptedModel(default="done") as model:
            codex = Codex(codex_home=home, isolated=True, config=model.provider_config())
            thread = codex.start_thread(working_directory=repo)
            thread.run("go")
            context = multiprocessing.get_context(method)
            process = context.Process(target=child, args=[home, repo, model.provider_config(), codex if method == "fork" else None])
            process.start()
            process.join(40)
            print(process.exitcode, thread.run("on").final_response)
            codex.close()
    """
)


@pytest.mark.parametrize(("method", "first"), [("fork", "ForkedError"), ("forkserver", "done"), ("spawn", "done")])
def test_multiprocessing_beside_a_live_client(tmp_path: Path, repo: Path, method: str, first: str) -> None:
    script = tmp_path / "script.py"
    script.write_text(MULTIPROCESSING)
    result = subprocess.run(
        [sys.executable, script, tmp_path / "home", repo, method],
        capture_output=True,
        text=True,
        timeout=HANGS,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert result.stdout.splitlines() == [first, "4 done"], result.stderr


# ---- the host's own children and signals -----------------------------------------------------------------------------

BUSY = """
    model = ScriptedModel(default=[shell("sh -c 'exit 9'; true")]).start()
    codex = Codex(**settings(model))
    over = threading.Event()

    def work():
        # Turns whose commands come and go, each ended by its deadline.
        thread = codex.start_thread(**free(ephemeral=True))
        while not over.is_set():
            try:
                thread.run("go", timeout=1)
            except CodexError:
                pass

    worker = threading.Thread(target=work)
    worker.start()
    model.wait_for_requests(3)
"""


def test_exit_codes_of_the_hosts_children_are_its_own(tmp_path: Path, repo: Path) -> None:
    code = """
        died = []
        signal.signal(signal.SIGCHLD, lambda *_: died.append(1))
        codes = [subprocess.run(["sh", "-c", f"exit {n}"]).returncode for n in range(60)]
        assert codes == list(range(60)), codes
        assert died

        async def main():
            async def one(n):
                process = await asyncio.create_subprocess_exec("sh", "-c", f"exit {n}")
                return await process.wait()
            return await asyncio.gather(*(one(n) for n in range(40)))

        assert asyncio.run(main()) == list(range(40))
        pid = os.fork()
        if pid == 0:
            os._exit(11)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 11
        over.set()
        worker.join()
        codex.close()
        try:
            os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            print("no child is left")
    """
    result = program(textwrap.dedent(BUSY) + textwrap.dedent(code), tmp_path / "home", repo)
    assert result.returncode == 0, result.stderr
    assert result.stdout == "no child is left\n"


def test_a_host_that_waits_for_any_child_harms_nothing(tmp_path: Path, repo: Path) -> None:
    """waitpid(-1), as init systems and pre-fork servers do: it takes the engine's children too."""
    code = """
        thread = codex.start_thread(**free(ephemeral=True)) if False else None
        until = time.monotonic() + 2
        while time.monotonic() < until:
            try:
                os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                pass
            time.sleep(0.0005)
        over.set()
        worker.join(30)
        assert not worker.is_alive()
        codex.close()
        print("ok")
    """
    assert fine(program(textwrap.dedent(BUSY) + textwrap.dedent(code), tmp_path / "home", repo)) == "ok\n"


def test_signal_handlers_of_the_host_run_while_it_waits(tmp_path: Path, repo: Path) -> None:
    code = """
        seen = {}
        began = 0.0

        def handler(number, frame):
            seen[signal.Signals(number).name] = time.monotonic() - began
            if len(seen) == 3:
                thread.interrupt()

        for name in ("SIGTERM", "SIGUSR1", "SIGALRM"):
            signal.signal(getattr(signal, name), handler)
        with ScriptedModel(default=[text("slow"), stall()]) as model, Codex(**settings(model)) as codex:
            thread = codex.start_thread(**free())

            def send():
                global began
                model.wait_for_requests(1)
                began = time.monotonic()
                signal.setitimer(signal.ITIMER_REAL, 0.01)
                os.kill(os.getpid(), signal.SIGTERM)
                os.kill(os.getpid(), signal.SIGUSR1)

            threading.Thread(target=send).start()
            print(thread.run("go").status, sorted(seen), all(seconds < 5 for seconds in seen.values()))
    """
    result = program(code, tmp_path / "home", repo)
    assert fine(result) == "interrupted ['SIGALRM', 'SIGTERM', 'SIGUSR1'] True\n"


def test_a_handler_that_raises_stops_the_turn(tmp_path: Path, repo: Path) -> None:
    code = """
        class Deadline(Exception): pass
        def handler(number, frame): raise Deadline
        signal.signal(signal.SIGALRM, handler)
        with ScriptedModel([[text("slow"), stall()], "next"]) as model, Codex(**settings(model)) as codex:
            thread = codex.start_thread(**free())
            signal.setitimer(signal.ITIMER_REAL, 0.5)
            try:
                thread.run("go")
            except Deadline:
                print(thread.run("on").final_response)
    """
    assert fine(program(code, tmp_path / "home", repo)) == "next\n"


def test_signals_go_to_the_hosts_threads_as_before(tmp_path: Path, repo: Path) -> None:
    """The mask is each thread's own: ours neither change the host's nor take signals that it blocks to wait for."""
    code = """
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
        before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
        with ScriptedModel([[shell("true")], "done"]) as model, Codex(**settings(model)) as codex:
            codex.start_thread(**free()).run("go")
            os.kill(os.getpid(), signal.SIGUSR2)
            print(signal.sigtimedwait([signal.SIGUSR2], 20).si_signo == signal.SIGUSR2)
            print(signal.pthread_sigmask(signal.SIG_BLOCK, []) == before)
    """
    assert fine(program(code, tmp_path / "home", repo)) == "True\nTrue\n"


# ---- interpreters ----------------------------------------------------------------------------------------------------


def test_a_subinterpreter_is_refused_and_harms_nothing(tmp_path: Path, repo: Path) -> None:
    code = """
        import textwrap

        try:
            import _interpreters as interpreters  # 3.13
            kinds = [dict(config="isolated"), dict(config="legacy")]
        except ImportError:
            import _xxsubinterpreters as interpreters
            kinds = [dict(isolated=True), dict(isolated=False)]
        inner = textwrap.dedent(
            '''
            try:
                from codex_cffi import Codex
            except ImportError as error:
                print("refused:", error, flush=True)
            '''
        )
        with ScriptedModel(default="done") as model, Codex(**settings(model)) as codex:
            for kind in kinds:
                interpreter = interpreters.create(*kind.values()) if "config" in kind else interpreters.create(**kind)
                problem = interpreters.run_string(interpreter, inner)
                assert problem is None, problem
                interpreters.destroy(interpreter)
            print(codex.start_thread(**free()).run("go").final_response)
    """
    result = program(code, tmp_path / "home", repo)
    assert result.returncode == 0, result.stderr
    *refused, last = result.stdout.splitlines()
    assert len(refused) == 2
    assert all("refused: codex_cffi works in Python's main interpreter only" in line for line in refused), refused
    assert last == "done"


@pytest.mark.skipif(
    not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="needs a free-threaded Python, 3.13t or later"
)
def test_a_free_threaded_python_stays_so(tmp_path: Path, repo: Path) -> None:
    assert fine(program("print(sys._is_gil_enabled())", tmp_path / "home", repo)) == "False\n"


def test_the_first_events_come_on_many_threads_at_once() -> None:
    """What reads them is made then; msgspec, which makes it, minds company."""
    code = """
        import json
        from codex_cffi._decoding import decode_batch, decode_event

        sys.setswitchinterval(1e-6)
        ids = {"threadId": "x", "turnId": "t"}
        item = {**ids, "item": {"type": "agentMessage", "id": "i", "text": "x"}}
        turn = {"threadId": "x", "turn": {"id": "t", "items": [], "status": "completed", "error": None}}
        said = {
            "turn/started": turn,
            "item/started": item,
            "item/completed": item,
            "item/agentMessage/delta": {**ids, "itemId": "i", "delta": "d"},
            "warning": {"threadId": "x", "message": "m"},
            "error": {**ids, "error": {"message": "m"}, "willRetry": False},
            "thread/status/changed": {"threadId": "x", "status": {"type": "idle"}},
            "turn/plan/updated": {**ids, "explanation": None, "plan": []},
        }
        batch = json.dumps([{"seq": 1, "method": method, "params": params} for method, params in said.items()]).encode()
        barrier = threading.Barrier(8)

        def work(number):
            envelopes = decode_batch(batch)
            barrier.wait()
            for envelope in envelopes[number:] + envelopes[:number]:
                decode_event(envelope)

        workers = [threading.Thread(target=work, args=[number]) for number in range(8)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    """
    for _ in range(8):  # it crashed in one of three
        fine(program(code, "", ""))


def test_threads_use_free_and_drop_handles_at_once(make_codex: MakeCodex, repo: Path) -> None:
    """What would show a lock that is only the interpreter's: use after free, double free."""
    with ScriptedModel(default="done") as model:
        codex = make_codex(model)
        for _ in range(20):
            thread = codex.start_thread(working_directory=repo, ephemeral=True)
            barrier = threading.Barrier(6)

            def poll(handle: Any = thread._core.handle, barrier: Any = barrier) -> None:
                barrier.wait()
                try:
                    while True:
                        handle.poll(16, 0)
                except ClosedError:
                    return

            def free(handle: Any = thread._core.handle, barrier: Any = barrier) -> None:
                barrier.wait()
                handle.free()

            workers = [threading.Thread(target=target) for target in (poll, poll, poll, free, free, free)]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join(30)
                assert not worker.is_alive()


# ---- many threads, slow readers --------------------------------------------------------------------------------------


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_many_loaded_threads_are_bounded(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel(default="done", keep_requests=1) as model:
        codex = make_codex(model)
        agents = [codex.start_thread(working_directory=repo, ephemeral=True)]
        agents[0].run("go")
        fds, memory, tasks = descriptors(), resident(), len(os.listdir("/proc/self/task"))
        while len(agents) < THREADS:
            agents.append(codex.start_thread(working_directory=repo, ephemeral=True))
        for agent in agents:
            assert agent.run("go").final_response == "done"
        assert descriptors() <= fds + 16
        assert len(os.listdir("/proc/self/task")) <= tasks + 16
        assert resident() - memory <= THREADS * (1 << 20)
        codex.close(timeout=30)


def test_a_reader_that_is_slow_loses_none_of_the_text(make_codex: MakeCodex, repo: Path) -> None:
    whole = "".join(f"{number} " for number in range(4000))
    with ScriptedModel([[text(whole, deltas=4000)]]) as model:
        thread = make_codex(model).start_thread(working_directory=repo)
        with thread.run_streamed("go") as stream:
            first = next(event for event in stream if isinstance(event, AgentMessageDelta))
            # Until the engine is done nobody reads: what waits is merged.
            wait_until(lambda: model.requests and idle(thread))
            rest = list(stream)
    deltas = [event.delta for event in [first, *rest] if isinstance(event, AgentMessageDelta)]
    assert "".join(deltas) == whole
    assert len(deltas) < 4000
    assert stream.turn.final_response == whole


def idle(thread: Any) -> bool:
    status = thread._client.drive(call("thread/read", {"threadId": thread.id}, Deadline(30)))["thread"]["status"][
        "type"
    ]
    return bool(status == "idle")


def test_a_queue_that_is_full_says_what_it_dropped(repo: Path, codex_home: Path) -> None:
    whole = [str(number % 10) * 50_000 for number in range(8)]

    async def main() -> None:
        codex = AsyncCodex(codex_home=codex_home, isolated=True, config=model.provider_config())
        codex._core.engine_options["queue_bytes"] = 1 << 16  # no argument of Python's; the least there is
        async with codex:
            thread = await codex.start_thread(working_directory=repo)
            async with thread.run_streamed("go") as stream:
                status: dict[str, Any] = {}
                while not model.requests or status["type"] != "idle":
                    await asyncio.sleep(0.02)
                    status = (await codex.request("thread/read", {"threadId": thread.id}))["thread"]["status"]
                events = [event async for event in stream]
            gaps = [event for event in events if isinstance(event, Gap)]
            assert gaps
            assert all(gap.dropped > 0 for gap in gaps)
            assert [item.text for item in stream.turn.items if isinstance(item, AgentMessage)] == whole
            assert isinstance(events[-1], TurnCompleted)
            assert sum(isinstance(event, ItemCompleted) for event in events) == len(stream.turn.items)

    with ScriptedModel([[text(part, deltas=10) for part in whole]]) as model:
        asyncio.run(main())


def test_a_turn_that_nobody_reads_completes_in_bounded_memory(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel([[text("x" * (8 << 20), deltas=8000)], "next"]) as model:
        codex = make_codex(model)
        thread = codex.start_thread(working_directory=repo, ephemeral=True)
        stream = thread.run_streamed("go")
        before = resident()
        wait_until(lambda: model.requests and idle(thread), seconds=60)
        assert resident() - before < 400 << 20
        for _ in stream:
            pass
        assert len(stream.turn.final_response) == 8 << 20
        assert thread.run("on").final_response == "next"
