"""Ctrl-C at every stage of what a process does with an engine."""

from __future__ import annotations

import os
import signal
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from programs import fine, names, nothing_left, program, spawn

from support import wait_until


@pytest.fixture(autouse=True)
def whole(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[None]:
    with nothing_left():
        yield


INTERRUPTED = """
    with ScriptedModel([[text("first"), shell("true")], [text("second"), delay(0.2)]], default="next") as model:
        codex = thread = None
        try:
            if stage == "codex_client_open":
                _capi.lib = Tripwire(stage, ctrl_c)
            codex = Codex(**settings(model))
            if stage == "codex_call_start of a thread":
                _capi.lib = Tripwire("codex_call_start", ctrl_c)
            if stage in ("codex_call_wait of a thread", "codex_thread_open"):
                _capi.lib = Tripwire(stage.split()[0], ctrl_c)
            thread = codex.start_thread(**free())
            if stage in ("codex_call_start", "codex_call_wait", "codex_thread_poll"):
                _capi.lib = Tripwire(stage, ctrl_c)
            thread.run("go")
            if stage == "codex_client_close":
                _capi.lib = Tripwire(stage, ctrl_c)
            codex.close()
        except KeyboardInterrupt:
            print("interrupted")
        else:
            sys.exit("it was not")
        if not isinstance(_capi.lib, Tripwire) and stage not in ("codex_client_open", "codex_client_close"):
            if thread is None:
                thread = codex.start_thread(**free())
            model.add(*["next"] * 3)
            print(thread.run("on", timeout=20).status)
            print(codex.request("thread/read", {"threadId": thread.id})["thread"]["status"]["type"])
        else:
            print("completed\\nidle")
"""


@pytest.mark.parametrize(
    "stage",
    [
        "codex_client_open",
        "codex_call_start of a thread",
        "codex_call_wait of a thread",
        "codex_thread_open",
        "codex_call_start",
        "codex_call_wait",
        "codex_thread_poll",
        "codex_client_close",
    ],
)
def test_ctrl_c_at_every_stage_leaves_a_client_that_works(tmp_path: Path, repo: Path, stage: str) -> None:
    code = f"stage = {stage!r}\n" + textwrap.dedent(INTERRUPTED)
    assert fine(program(code, tmp_path / "home", repo)).split() == ["interrupted", "completed", "idle"]


def test_ctrl_c_in_a_stream_loses_no_event(tmp_path: Path, repo: Path) -> None:
    """Whatever the library had given when the signal came is in the turn."""
    code = """
        import json

        given = []

        def note(thread, max_events, timeout, batch, error):
            global wanted
            if batch[0]:
                given.extend(json.loads(bytes(_capi.ffi.buffer(lib.codex_buf_data(batch[0]), lib.codex_buf_len(batch[0])))))
                if len(given) >= wanted:
                    wanted = 10**9
                    os.kill(os.getpid(), signal.SIGINT)
                    time.sleep(0.001)

        lib = _capi.lib
        _capi.lib = Tripwire("codex_thread_poll", note)
        with ScriptedModel(default=[text("one", deltas=3), text("two"), delay(0.05), text("three"), stall()]) as model:
            with Codex(**settings(model)) as codex:
                for wanted in range(1, 9):
                    thread = codex.start_thread(**free())
                    given.clear()
                    try:
                        with thread.run_streamed("go") as stream:
                            for event in stream:
                                pass
                    except KeyboardInterrupt:
                        pass
                    completed = [e["params"]["item"]["id"] for e in given if e["method"] == "item/completed"]
                    assert [item.id for item in stream.turn.items] == completed, (completed, stream.turn)
                    assert stream.turn.status == "interrupted", stream.turn
                    assert any(e["method"] == "turn/completed" for e in given)
        print("ok")
    """
    assert fine(program(code, tmp_path / "home", repo)) == "ok\n"


def test_ctrl_c_ends_a_close_that_takes_long(tmp_path: Path, repo: Path) -> None:
    code = """
        closing = threading.Event()
        def slow(*arguments):
            closing.set()
            time.sleep(2)
        model = ScriptedModel(default="done").start()
        codex = Codex(**settings(model))
        _capi.lib = Tripwire("codex_client_close", slow)
        def interrupt():
            closing.wait()
            os.kill(os.getpid(), signal.SIGINT)
        threading.Thread(target=interrupt).start()
        began = time.monotonic()
        try:
            codex.close(timeout=None)
        except KeyboardInterrupt:
            print("interrupted", time.monotonic() - began < 1.5, codex.closed)
    """
    assert fine(program(code, tmp_path / "home", repo)) == "interrupted True True\n"


def test_ctrl_c_ends_an_opening_that_waits_for_another_process(tmp_path: Path, repo: Path) -> None:
    import fcntl

    home = tmp_path / "home"
    home.mkdir()
    code = "print('opening', flush=True)\nwith ScriptedModel() as model:\n    Codex(**settings(model))"
    folder = os.open(home, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        process = spawn(code, home, repo)
        assert process.stdout is not None
        assert process.stdout.readline() == "opening\n"
        wait_until(lambda: "codex-worker" in "".join(names(process.pid)))
        process.send_signal(signal.SIGINT)
        _, complaint = process.communicate(timeout=20)
        assert process.returncode == -signal.SIGINT, complaint
        assert complaint.strip().endswith("KeyboardInterrupt")
    finally:
        os.close(folder)


@pytest.mark.parametrize("stage", ["open", "thread", "turn", "stream", "close"])
def test_ctrl_c_at_every_stage_of_asyncio(tmp_path: Path, repo: Path, stage: str) -> None:
    code = """
        def reached(name):
            if name == stage:
                os.kill(os.getpid(), signal.SIGINT)

        async def main():
            loop = asyncio.get_running_loop()
            loop.call_soon(reached, "open")
            async with AsyncCodex(**settings(model)) as codex:
                loop.call_soon(reached, "thread")
                thread = await codex.start_thread(**free())
                loop.call_soon(reached, "turn")
                async with thread.run_streamed("go") as stream:
                    async for event in stream:
                        if isinstance(event, AgentMessageDelta):
                            reached("stream")
                            if stage == "close":
                                break
                loop.call_soon(reached, "close")

        with ScriptedModel(default=[text("slow"), stall()]) as model:
            try:
                asyncio.run(main())
            except KeyboardInterrupt:
                print("interrupted")
        while any(t.name.startswith("codex-cffi-open") for t in threading.enumerate()):
            time.sleep(0.01)
    """
    result = program(f"stage = {stage!r}\n" + textwrap.dedent(code), tmp_path / "home", repo)
    assert fine(result) == "interrupted\n"
