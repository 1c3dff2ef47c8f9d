"""Programs that run others' code: test runners with workers, pools of processes, threads that end as they like, dumps of all threads."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from support import ROOT, need_module, run_python

TESTS = """
import os, pytest
from codex_cffi import Codex

@pytest.fixture(scope="session")
def codex(tmp_path_factory):
    with Codex(codex_home=os.environ["AGENTS_HOME"], isolated=True) as codex:
        yield codex

@pytest.mark.parametrize("number", range(6))
def test_an_agent(number, scripted_model, tmp_path):
    scripted_model.add(f"It is {number}.")
    (tmp_path / "work").mkdir()
    with Codex(codex_home=tmp_path / "home", isolated=True, config=scripted_model.provider_config()) as codex:
        thread = codex.start_thread(working_directory=tmp_path / "work", sandbox_mode="read-only", skip_git_repo_check=True)
        assert thread.run("go", timeout=60).final_response == f"It is {number}."

@pytest.mark.parametrize("number", range(4))
def test_a_client_for_the_session(number, codex):
    assert codex.request("model/list", {})["data"]
"""


def test_pytest_xdist(tmp_path: Path) -> None:
    """Workers share a codex home, and each has a client for its session."""
    need_module("xdist", extra="hosts")
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["codex_cffi.testing.pytest_plugin"]\n')
    (tmp_path / "test_agents.py").write_text(TESTS)
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "--numprocesses", "3", "-p", "no:cacheprovider", "-W", "error", tmp_path],
        cwd=tmp_path,
        env={**os.environ, "AGENTS_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "10 passed" in result.stdout, result.stdout + result.stderr


POOL = """
import json, os, sys
from codex_cffi import Codex

clients = []

def ask(number):
    if not clients:
        clients.append(Codex(codex_home=os.environ["AGENTS_HOME"], isolated=True, config=json.loads(os.environ["AGENTS_CONFIG"])))
    with clients[0].start_thread(ephemeral=True, working_directory=os.environ["AGENTS_REPO"]) as thread:
        return thread.run(str(number), timeout=60).final_response

if __name__ == "__main__":
    import multiprocessing
    from codex_cffi.testing import ScriptedModel
    from concurrent.futures import ProcessPoolExecutor

    context = multiprocessing.get_context(sys.argv[1])
    with ScriptedModel(default="It is Ann.") as model:
        os.environ["AGENTS_CONFIG"] = json.dumps(model.provider_config())
        with ProcessPoolExecutor(2, mp_context=context) as pool:
            print(set(pool.map(ask, range(6))))
"""


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_pools_of_processes(method: str, tmp_path: Path, repo: Path) -> None:
    """Clients that workers open and never close end with them."""
    (tmp_path / "program.py").write_text(POOL)
    result = subprocess.run(
        [sys.executable, tmp_path / "program.py", method],
        env={**os.environ, "AGENTS_HOME": str(tmp_path / "home"), "AGENTS_REPO": str(repo), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (result.returncode, result.stdout) == (0, "{'It is Ann.'}\n"), result.stderr


PROGRAM = """
import faulthandler, signal, sys, threading
from codex_cffi import Codex, tool
from codex_cffi.events import AgentMessageDelta
from codex_cffi.testing import ScriptedModel, delay, function_call, stall, text

where = dict(working_directory=sys.argv[2], ephemeral=True)

def client(model, **options):
    return Codex(codex_home=sys.argv[1], isolated=True, config=model.provider_config(), **options)
"""


def program(code: str, tmp_path: Path, repo: Path) -> subprocess.CompletedProcess[str]:
    return run_python(PROGRAM + textwrap.dedent(code), tmp_path / "home", repo)


def test_sys_exit_in_a_thread_ends_its_turn_and_no_other(tmp_path: Path, repo: Path) -> None:
    code = """
        def leaves():
            for event in codex.start_thread(**where).run_streamed("go"):
                if isinstance(event, AgentMessageDelta):
                    sys.exit(5)

        with ScriptedModel([[text("so far"), stall()]], default="on") as model, client(model) as codex:
            worker = threading.Thread(target=leaves)
            worker.start()
            worker.join()
            print(codex.start_thread(**where).run("go on", timeout=30).final_response)
        """
    result = program(code, tmp_path, repo)
    assert (result.returncode, result.stdout, result.stderr) == (0, "on\n", "")


def test_sys_exit_in_a_tool_is_the_tools_error(tmp_path: Path, repo: Path) -> None:
    code = """
        @tool
        def leave() -> str:
            "Leaves."
            sys.exit("enough")

        with ScriptedModel([[function_call("leave", {}, call_id="c")], "on"]) as model, client(model, tools=[leave]) as codex:
            print(codex.start_thread(**where).run("go", timeout=30).final_response)
            print(model.last_request.tool_output("c"))
        """
    result = program(code, tmp_path, repo)
    answer, output = result.stdout.splitlines()
    assert (result.returncode, answer) == (0, "on"), result.stderr
    assert "enough" in output


def test_faulthandler_tells_of_every_thread_in_a_turn(tmp_path: Path, repo: Path) -> None:
    code = """
        faulthandler.enable()
        faulthandler.register(signal.SIGUSR1, all_threads=True)
        with ScriptedModel([[text("so far"), delay(1), text(".")]]) as model, client(model) as codex:
            thread = codex.start_thread(**where)
            threading.Timer(0.5, signal.raise_signal, [signal.SIGUSR1]).start()
            print(thread.run("go", timeout=30).status)
        signal.raise_signal(signal.SIGSEGV)
        """
    result = program(code, tmp_path, repo)
    assert result.stdout == "completed\n"
    assert result.returncode == -signal.SIGSEGV
    assert " in run" in result.stderr
    assert "_capi.py" in result.stderr
    assert "Fatal Python error: Segmentation fault" in result.stderr


TOOLS = """
def more(self):
    raise RuntimeError("can't start new thread")

@tool
def double(number: int) -> int:
    "Doubles."
    return 2 * number

script = [[function_call("double", {"number": number}, call_id=str(number))] for number in (1, 2, 3)]

def work():
    print(codex.start_thread(**where).run("go", timeout=30).final_response)
    print([model.last_request.tool_output(str(number)) for number in (1, 2, 3)])
"""


def test_tools_are_called_where_no_more_threads_can_be_had(tmp_path: Path, repo: Path) -> None:
    code = """
        with ScriptedModel([*script, "done"]) as model, client(model, tools=[double]) as codex:
            threading.Thread.start = more
            work()
        """
    result = program(TOOLS + textwrap.dedent(code), tmp_path, repo)
    assert (result.stdout, result.stderr) == ("done\n['2', '4', '6']\n", "")


def test_tools_are_called_after_the_end_of_the_main_thread(tmp_path: Path, repo: Path) -> None:
    """Python 3.12 starts no more threads then."""
    code = """
        model = ScriptedModel([*script, "done"]).start()
        codex = client(model, tools=[double])
        threading.Thread(target=lambda: (threading.main_thread().join(), work())).start()
        """
    result = program(TOOLS + textwrap.dedent(code), tmp_path, repo)
    assert (result.stdout, result.stderr) == ("done\n['2', '4', '6']\n", "")
