"""What the library does to its process: children, connections, files, exit, fork."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from support import ROOT, need, run_python, wait_until

TEN_TURNS = textwrap.dedent(
    """
    import sys
    from codex_cffi import Codex
    from codex_cffi.testing import ScriptedModel

    with ScriptedModel(["done"] * 10) as model:
        with Codex(codex_home=sys.argv[1], isolated=True, skip_git_repo_check=True, config=model.provider_config()) as codex:
            thread = codex.start_thread(working_directory=sys.argv[2])
            for _ in range(10):
                assert thread.run("go").final_response == "done"
        print("connections", model.connections, "port", model.base_url.split(":")[2].split("/")[0], flush=True)
        print("models", len(model.models_requests), "websockets", len(model.websocket_attempts))
    """
)


def trace(tmp_path: Path, calls: str) -> tuple[str, str]:
    need("strace", "strace")
    folder = tmp_path / "folder"
    folder.mkdir()
    log = tmp_path / "strace.txt"
    command = [
        "strace",
        "-f",
        "-qq",
        "-e",
        f"trace={calls}",
        "-o",
        log,
        sys.executable,
        "-c",
        TEN_TURNS,
        tmp_path / "home",
        folder,
    ]
    result = subprocess.run(
        command,
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)},
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout, log.read_text()


def test_ten_turns_start_no_process(tmp_path: Path) -> None:
    _, log = trace(tmp_path, "execve,execveat,vfork,fork,clone,clone3")
    starts = [line for line in log.splitlines() if re.search(r"\bexecve(at)?\(", line)]
    assert len(starts) == 1, starts  # Python itself
    children = [
        line for line in log.splitlines() if re.search(r"\b(v?fork|clone3?)\(", line) and "CLONE_THREAD" not in line
    ]
    assert not children


def test_ten_turns_open_one_connection_and_look_nothing_up(tmp_path: Path) -> None:
    output, log = trace(tmp_path, "connect,sendto,sendmsg,sendmmsg,bind,listen,write")
    port = re.search(r"port (\d+)", output)
    assert port is not None
    assert "connections 1 " in output
    assert "models 0 websockets 0" in output
    # What follows is the model server, which connects to itself to end.
    log, _, _ = log.partition('write(1, "connections')
    connects = [line for line in log.splitlines() if "connect(" in line and "AF_UNIX" not in line]
    assert len(connects) == 1, connects
    assert f"htons({port[1]})" in connects[0]
    assert "127.0.0.1" in connects[0]
    assert "htons(53)" not in log


def test_nothing_is_printed(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    result = run_python(TEN_TURNS, tmp_path / "home", folder)
    assert result.stderr == ""
    assert len(result.stdout.splitlines()) == 2


RUNNING = textwrap.dedent(
    """
    import os, sys, threading
    from codex_cffi import Codex, CommandExecution, ItemStarted
    from codex_cffi.testing import ScriptedModel, shell

    model = ScriptedModel([[shell("echo $$ > pid; exec sleep 300", yield_time_ms=30000)]]).start()
    codex = Codex(codex_home=sys.argv[1], isolated=True, config=model.provider_config())
    thread = codex.start_thread(working_directory=sys.argv[2], sandbox_mode="danger-full-access")
    running = threading.Event()

    def work():
        for event in stream:
            if isinstance(event, ItemStarted) and isinstance(event.item, CommandExecution):
                running.set()

    stream = thread.run_streamed("go")
    """
)


@pytest.mark.parametrize(
    ("ending", "status"),
    [
        ("next(e for e in stream if isinstance(getattr(e, 'item', None), CommandExecution))", 0),
        ("threading.Thread(target=work, daemon=True).start(); running.wait(); sys.exit(3)", 3),
        ("threading.Thread(target=work, daemon=True).start(); running.wait(); raise KeyError('x')", 1),
        ("threading.Thread(target=work, daemon=True).start(); running.wait(); os._exit(4)", 4),
    ],
    ids=["main", "worker", "exception", "_exit"],
)
def test_the_interpreter_exits_cleanly_with_a_turn_running(
    tmp_path: Path, repo: Path, ending: str, status: int
) -> None:
    result = run_python(RUNNING + ending, tmp_path / "home", repo, timeout=60)
    assert result.returncode == status, result.stderr
    assert "fatal" not in result.stderr.lower()
    if status in (0, 3):
        assert result.stderr == ""
    pid = (repo / "pid").read_text().strip()
    wait_until(lambda: not Path(f"/proc/{pid}").exists())


def test_a_forked_child_is_told_and_the_parent_goes_on(tmp_path: Path, repo: Path) -> None:
    code = textwrap.dedent(
        """
        import os, sys
        from codex_cffi import Codex, ForkedError
        from codex_cffi.testing import ScriptedModel

        with ScriptedModel(["one", "two"]) as model:
            options = dict(codex_home=sys.argv[1], isolated=True, config=model.provider_config())
            codex = Codex(**options)
            thread = codex.start_thread(working_directory=sys.argv[2])
            thread.run("go")
            child = os.fork()
            if child == 0:
                status = 0
                for use in (codex.start_thread, lambda: thread.run("go"), lambda: Codex(**options), lambda: codex.request("thread/list", {})):
                    try:
                        use()
                        status = 1
                    except ForkedError as error:
                        assert "after fork" in str(error), error
                os._exit(status)
            assert os.waitpid(child, 0)[1] == 0
            print(thread.run("go").final_response)
            codex.close()
        """
    )
    result = run_python(code, tmp_path / "home", repo)
    assert result.stdout.strip() == "two", result.stderr


def test_a_child_can_open_a_client_if_the_parent_had_none(tmp_path: Path, repo: Path) -> None:
    code = textwrap.dedent(
        """
        import os, sys
        from codex_cffi import Codex
        from codex_cffi.testing import ScriptedModel

        with ScriptedModel(["one", "two"]) as model:
            children = []
            for index in range(2):
                child = os.fork()
                if child == 0:
                    with Codex(codex_home=f"{sys.argv[1]}{index}", isolated=True, config=model.provider_config()) as codex:
                        codex.start_thread(working_directory=sys.argv[2]).run("go")
                    os._exit(0)
                children.append(child)
            print([os.waitpid(child, 0)[1] for child in children])
        """
    )
    result = run_python(code, tmp_path / "home", repo)
    assert result.stdout.strip() == "[0, 0]", result.stderr


def test_the_environment_folder_and_signals_stay_the_hosts(tmp_path: Path, repo: Path) -> None:
    code = textwrap.dedent(
        """
        import os, signal, sys
        from codex_cffi import Codex
        from codex_cffi.testing import ScriptedModel, shell

        def state():
            with open("/proc/self/status") as status:
                masks = (line.split() for line in status if line.startswith(("SigCgt", "SigIgn", "SigBlk")))
                # Without 32 and 33, which glibc keeps for its threads.
                caught = [(name, int(mask, 16) & ~(3 << 31)) for name, mask in masks]
            return dict(os.environ), os.getcwd(), caught, os.umask(os.umask(0o22))

        before = state()
        with ScriptedModel([[shell("true")], "done"]) as model:
            with Codex(codex_home=sys.argv[1], isolated=True, config=model.provider_config()) as codex:
                codex.start_thread(working_directory=sys.argv[2], sandbox_mode="danger-full-access").run("go")
                during = state()
        print(before[0] == during[0], before[1] == during[1], before[2] == during[2], before[3] == during[3], before[2], during[2])
        """
    )
    result = run_python(code, tmp_path / "home", repo)
    assert result.stdout.startswith("True True True True"), result.stdout + result.stderr


def test_without_bubblewrap_a_sandboxed_thread_is_refused(tmp_path: Path, repo: Path) -> None:
    code = textwrap.dedent(
        """
        import sys
        from codex_cffi import Codex, SandboxUnavailableError

        def start(config, **options):
            with Codex(codex_home=sys.argv[1], isolated=True, config=config) as codex:
                try:
                    codex.start_thread(working_directory=sys.argv[2], **options)
                    print("started")
                except SandboxUnavailableError as error:
                    assert "apt-get install bubblewrap" in str(error), error
                    print("refused")

        start({})
        start({}, sandbox_mode="workspace-write")
        start({}, sandbox_mode="danger-full-access")
        start({"sandbox_mode": "danger-full-access"})
        """
    )
    result = run_python(code, tmp_path / "home", repo, env={"PATH": "/nowhere"})
    assert result.stdout.split() == ["refused", "refused", "started", "started"], result.stderr
