"""Many prompts at once, and one in a line."""

from __future__ import annotations

import asyncio
import re
import textwrap
import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from codex_cffi import AsyncCodex, BatchCancelledError, Codex, CodexTimeoutError, TurnFailedError, aquery, query, tool
from codex_cffi.batch import BatchProgress
from codex_cffi.testing import ModelRequest, ScriptedModel, http_error, reached, stall, text, wait_for
from support import MakeCodex, run_python


def echoing(count: int, **scripts: Any) -> ScriptedModel:
    """A model that answers each prompt ``p<n>`` with ``r<n>``, or as the scripts say."""
    model = ScriptedModel()
    for number in range(count):
        step = scripts.get(f"p{number}", f"r{number}")
        model.script([step], user_text=re.compile(rf"\Ap{number}\Z"))
    return model


def test_results_are_in_the_order_of_the_prompts(make_codex: MakeCodex, repo: Path) -> None:
    with echoing(12) as model:
        results = make_codex(model).run_many([f"p{n}" for n in range(12)], max_concurrent=4, working_directory=repo)
    assert [result.final_response for result in results] == [f"r{n}" for n in range(12)]
    assert [result.input for result in results] == [f"p{n}" for n in range(12)]
    assert all(result.ok and result.turn is not None and result.turn.status == "completed" for result in results)
    assert len({result.thread_id for result in results}) == 12


def test_so_many_run_at_the_same_time_and_no_more(make_codex: MakeCodex, repo: Path) -> None:
    lock, together = threading.Lock(), threading.Barrier(3)
    now = most = 0

    def answer(request: ModelRequest) -> Any:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        together.wait(30)  # breaks unless three are here
        with lock:
            now -= 1
        return "ok"

    with ScriptedModel([answer] * 9) as model:
        results = make_codex(model).run_many(["x"] * 9, max_concurrent=3, working_directory=repo)
    assert all(result.ok for result in results)
    assert most == 3


def test_an_error_is_its_prompt_s_alone(make_codex: MakeCodex, repo: Path) -> None:
    progress: list[BatchProgress] = []
    here = threading.current_thread()

    def note(told: BatchProgress) -> None:
        assert threading.current_thread() is here
        progress.append(told)

    script = {"p1": http_error(400, "broken"), "p3": [text("half"), stall()]}
    with echoing(4, **script) as model:
        results = make_codex(model).run_many(
            [f"p{n}" for n in range(4)], timeout=3, on_progress=note, working_directory=repo
        )
    assert [result.ok for result in results] == [True, False, True, False]
    assert isinstance(results[1].error, TurnFailedError)
    assert isinstance(results[3].error, CodexTimeoutError)
    assert str(results[1]).startswith("1: TurnFailedError: ")
    assert str(results[0]).startswith("0: ")
    assert results[3].final_response == "half"
    assert sorted(told.result.index for told in progress) == [0, 1, 2, 3]
    assert [(told.done, told.total) for told in progress] == [(n, 4) for n in range(1, 5)]
    assert str(progress[-1]) == "4/4, 2 failed"


def test_bad_prompts_are_their_own_errors(make_codex: MakeCodex, repo: Path) -> None:
    with echoing(1) as model:
        good, bad = make_codex(model).run_many(["p0", ""], working_directory=repo)
    assert good.ok
    assert isinstance(bad.error, ValueError)


def test_cancelling(make_codex: MakeCodex, repo: Path) -> None:
    """What runs is stopped, what has not begun never does."""
    running = threading.Event()
    with echoing(6, p1=[text("half"), reached(running), stall()]) as model:
        codex = make_codex(model)

        def cancel(told: BatchProgress) -> None:
            if told.result.index == 0:
                assert running.wait(30)
                told.cancel()

        results = codex.run_many(
            [f"p{n}" for n in range(6)], max_concurrent=2, on_progress=cancel, working_directory=repo
        )
        again = codex.run_many(["p5"], working_directory=repo) if not results[5].ok else []
    assert results[0].ok
    assert isinstance(results[1].error, BatchCancelledError)
    assert results[1].turn is not None
    assert (results[1].turn.status, results[1].final_response) == ("interrupted", "half")
    assert isinstance(results[5].error, BatchCancelledError)
    assert [result.final_response for result in again] == ["r5"]


def test_the_first_error_can_cancel_the_rest(make_codex: MakeCodex, repo: Path) -> None:
    with echoing(5, p0=http_error(400, "broken")) as model:
        results = make_codex(model).run_many(
            [f"p{n}" for n in range(5)], max_concurrent=1, stop_on_error=True, working_directory=repo
        )
    assert isinstance(results[0].error, TurnFailedError)
    assert all(isinstance(result.error, BatchCancelledError) for result in results[2:])


def test_what_on_progress_raises_cancels_and_is_passed_on(make_codex: MakeCodex, repo: Path) -> None:
    def fail(told: BatchProgress) -> None:
        raise RuntimeError("enough")

    with echoing(3, p1=stall(), p2=stall()) as model:
        codex = make_codex(model)
        with pytest.raises(RuntimeError, match="enough"):
            codex.run_many(["p0", "p1", "p2"], on_progress=fail, working_directory=repo)
        assert codex.run_many([]) == []
    assert not [thread for thread in threading.enumerate() if thread.name == "codex-cffi-batch"]


@pytest.mark.parametrize("workers", [1, 3])
def test_what_ends_a_worker_ends_the_batch(make_codex: MakeCodex, repo: Path, workers: int) -> None:
    def leave(thread: Any, prompt: Any) -> None:
        if prompt == "p0":
            raise SystemExit(3)

    with echoing(3, p1=stall(), p2=stall()) as model:
        codex = make_codex(model, before_start=leave)
        with pytest.raises(SystemExit):
            codex.run_many(["p0", "p1", "p2"], max_concurrent=workers, working_directory=repo)
        assert codex.request("thread/loaded/list", {})["data"] == []


def test_ctrl_c_stops_the_turns(tmp_path: Path, repo: Path) -> None:
    code = """
        import os, signal, sys, threading
        from codex_cffi import Codex
        from codex_cffi.testing import ScriptedModel, reached, stall, text

        running = threading.Event()
        def interrupt():
            running.wait()
            os.kill(os.getpid(), signal.SIGINT)

        with ScriptedModel(default=[text("half"), reached(running), stall()]) as model:
            with Codex(codex_home=sys.argv[1], isolated=True, config=model.provider_config()) as codex:
                threading.Thread(target=interrupt).start()
                try:
                    codex.run_many(["a", "b", "c"], max_concurrent=2, working_directory=sys.argv[2])
                except KeyboardInterrupt:
                    print("interrupted", codex.request("thread/loaded/list", {})["data"])
                print([t.name for t in threading.enumerate() if t.name == "codex-cffi-batch"])
    """
    result = run_python(textwrap.dedent(code), tmp_path / "home", repo)
    assert (result.stdout, result.stderr) == ("interrupted []\n[]\n", "")


def test_options_that_can_be_read_only_once_are_for_all(make_codex: MakeCodex, repo: Path) -> None:
    @tool
    def service_owner(name: str) -> str:
        """Owner of a service."""
        return name

    with echoing(3) as model:
        make_codex(model).run_many(["p0", "p1", "p2"], tools=iter([service_owner]), working_directory=repo)
        assert all("service_owner" in request.tool_names for request in model.requests)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "said"),
    [
        ("p0", {}, TypeError, "list of prompts"),
        (["p0"], {"max_concurrent": 0}, ValueError, "max_concurrent must be at least 1"),
        (["p0"], {"max_concurrent": "2"}, TypeError, "max_concurrent must be a whole number"),
        (["p0"], {"on_progress": 3}, TypeError, "on_progress must be a function"),
        (["p0"], {"modell": "m"}, TypeError, "no argument 'modell'.*model"),
        (["p0"], {"timeout": -1}, ValueError, "timeout"),
    ],
)
def test_bad_arguments(
    make_codex: MakeCodex, arguments: Any, options: dict[str, Any], error: type[Exception], said: str
) -> None:
    with ScriptedModel([]) as model, pytest.raises(error, match=said):
        make_codex(model).run_many(arguments, **options)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_the_asynchronous_twin(codex_home: Path, repo: Path, backend: str) -> None:
    anyio = pytest.importorskip("anyio")
    progress: list[BatchProgress] = []

    async def main() -> None:
        with echoing(7, p2=http_error(400, "broken")) as model:
            options = {"codex_home": codex_home, "isolated": True, "config": model.provider_config()}
            async with AsyncCodex(**options) as codex:
                results = await codex.run_many(
                    [f"p{n}" for n in range(7)], max_concurrent=3, on_progress=progress.append, working_directory=repo
                )
        assert [result.final_response for result in results if result.ok] == ["r0", "r1", "r3", "r4", "r5", "r6"]
        assert isinstance(results[2].error, TurnFailedError)

    anyio.run(main, backend=backend)
    assert [told.done for told in progress] == list(range(1, 8))


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_cancelled_task_stops_its_turns(codex_home: Path, repo: Path, backend: str) -> None:
    anyio = pytest.importorskip("anyio")
    running = threading.Event()

    async def main() -> None:
        before = len(anyio.get_running_tasks())
        with echoing(3, p0=[reached(running), stall()], p1=stall(), p2=stall()) as model:
            options = {"codex_home": codex_home, "isolated": True, "config": model.provider_config()}
            async with AsyncCodex(**options) as codex, anyio.create_task_group() as tasks:
                tasks.start_soon(partial(codex.run_many, ["p0", "p1", "p2"], working_directory=repo))
                while not running.is_set():
                    await anyio.sleep(0.01)
                tasks.cancel_scope.cancel()
                with anyio.fail_after(30, shield=True):
                    while (await codex.request("thread/loaded/list", {}))["data"]:
                        await anyio.sleep(0.01)
        assert len(anyio.get_running_tasks()) == before

    anyio.run(main, backend=backend)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_cancelling_the_asynchronous_twin(codex_home: Path, repo: Path, backend: str) -> None:
    anyio = pytest.importorskip("anyio")
    running = threading.Event()
    progress: list[int] = []

    def cancel(told: BatchProgress) -> None:
        progress.append(told.result.index)
        told.cancel()

    async def main() -> None:
        script = {"p0": [wait_for(running), text("r0")], "p1": [text("half"), reached(running), stall()]}
        with echoing(4, **script) as model:
            options = {"codex_home": codex_home, "isolated": True, "config": model.provider_config()}
            async with AsyncCodex(**options) as codex:
                results = await codex.run_many(
                    [f"p{n}" for n in range(4)], max_concurrent=2, on_progress=cancel, working_directory=repo
                )
        assert results[0].ok
        assert isinstance(results[1].error, BatchCancelledError)
        assert results[1].turn is not None
        assert (results[1].turn.status, results[1].final_response) == ("interrupted", "half")
        assert isinstance(results[3].error, BatchCancelledError)
        assert progress[0] == 0
        assert 1 in progress
        assert 3 not in progress

    anyio.run(main, backend=backend)


def test_one_line(codex_home: Path, repo: Path) -> None:
    with ScriptedModel(["A parser.", "Yes."]) as model:
        options: dict[str, Any] = {
            "codex_home": codex_home,
            "isolated": True,
            "config": model.provider_config(),
            "working_directory": repo,
        }
        assert query("What is this?", **options).final_response == "A parser."
        turn = asyncio.run(aquery("Really?", model="small", **options))
    assert turn.final_response == "Yes."
    assert model.requests[-1].model == "small"
    assert not (codex_home / "sessions").exists(), "nothing is kept"


def test_one_line_with_a_wrong_option() -> None:
    with pytest.raises(TypeError, match=r"query\(\) has no argument 'modell'.*model"):
        query("x", modell="m")


def test_hundreds_at_once(make_codex: MakeCodex, repo: Path) -> None:
    """Each thread runs a turn while all others do."""
    count = 200
    everybody = threading.Barrier(count, timeout=60)

    def answer(request: ModelRequest) -> str:
        everybody.wait()
        return f"to {request.user_text}"

    async def main(codex_home: Path) -> None:
        with ScriptedModel([answer] * count) as model:
            options = {"codex_home": codex_home, "isolated": True, "config": model.provider_config()}
            async with AsyncCodex(**options) as codex:
                results = await codex.run_many(
                    [f"p{n}" for n in range(count)], max_concurrent=count, timeout=60, working_directory=repo
                )
                assert [result.final_response for result in results] == [f"to p{n}" for n in range(count)]

    asyncio.run(main(repo.parent / "home"))


def test_the_engine_is_closed_with_a_query(codex_home: Path, repo: Path) -> None:
    with ScriptedModel([http_error(400, "no")]) as model:
        with pytest.raises(TurnFailedError):
            query("x", codex_home=codex_home, isolated=True, config=model.provider_config(), working_directory=repo)
        with Codex(codex_home=codex_home, isolated=True, config=model.provider_config()) as codex:
            assert codex.models.list()
