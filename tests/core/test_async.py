"""The asynchronous twins on every kind of event loop: same names, same behaviour, nothing left running."""

from __future__ import annotations

import asyncio
import gc
import inspect
import os
import re
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
import trio
import uvloop

import codex_cffi
from codex_cffi import (
    AgentMessageDelta,
    AsyncCodex,
    AsyncThread,
    ClosedError,
    Codex,
    CodexError,
    CodexTimeoutError,
    ConfigError,
    LoginError,
    ThreadStarted,
    Tool,
    TurnCompleted,
    TurnFailedError,
    TurnFailedEvent,
    UnknownMethodError,
)
from codex_cffi._waiting.loops import running
from codex_cffi.account import AsyncLogin
from codex_cffi.testing import ScriptedModel, delay, function_call, http_error, stall, text

Main = Callable[[], Awaitable[Any]]


class WithoutReaders(asyncio.SelectorEventLoop):
    """A loop that cannot watch descriptors, as Windows' proactor."""

    def add_reader(self, *arguments: Any) -> None:
        raise NotImplementedError

    def remove_reader(self, *arguments: Any) -> bool:
        raise NotImplementedError


def run_asyncio(main: Main, factory: Callable[[], asyncio.AbstractEventLoop] = asyncio.SelectorEventLoop) -> Any:
    loop = factory()
    try:
        return loop.run_until_complete(main())
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


BACKENDS: dict[str, Callable[[Main], Any]] = {
    "asyncio": run_asyncio,
    "asyncio without add_reader": lambda main: run_asyncio(main, WithoutReaders),
    "uvloop": lambda main: run_asyncio(main, uvloop.new_event_loop),
    "trio": trio.run,
    "anyio on trio": lambda main: anyio.run(main, backend="trio"),
}


@pytest.fixture(params=BACKENDS)
def run(request: pytest.FixtureRequest) -> Callable[[Main], Any]:
    """Runs a coroutine function to its end."""
    return BACKENDS[request.param]


async def sleep(seconds: float) -> None:
    if asyncio._get_running_loop() is None:
        await trio.sleep(seconds)
    else:
        await asyncio.sleep(seconds)


@pytest.fixture
def settings(codex_home: Path) -> Callable[..., dict[str, Any]]:
    """Arguments of a client against a scripted model."""

    def make(model: ScriptedModel) -> dict[str, Any]:
        return {"config": model.provider_config(), "codex_home": codex_home, "isolated": True}

    return make


Settings = Callable[..., dict[str, Any]]


def public(cls: type) -> dict[str, Any]:
    return {name: value for name, value in inspect.getmembers(cls) if not name.startswith("_")}


def parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """What it takes; the twin of a type counts as the type."""
    return [
        parameter.replace(annotation=re.sub("Async|Blocking", "", str(parameter.annotation)))
        for parameter in inspect.signature(function).parameters.values()
    ]


@pytest.mark.parametrize(
    ("sync", "twin"),
    [
        (Codex, AsyncCodex),
        (codex_cffi.Thread, AsyncThread),
        (codex_cffi.TurnStream, codex_cffi.AsyncTurnStream),
        (codex_cffi.review.ReviewStream, codex_cffi.review.AsyncReviewStream),
        (codex_cffi.agents.Agent, codex_cffi.agents.AsyncAgent),
        (codex_cffi.account.Login, codex_cffi.account.AsyncLogin),
        (codex_cffi.mcp.McpLogin, codex_cffi.mcp.AsyncMcpLogin),
        (codex_cffi.sessions.Sessions, codex_cffi.sessions.AsyncSessions),
        (codex_cffi.account.ClientAccount, codex_cffi.account.AsyncClientAccount),
        (codex_cffi.skills.Skills, codex_cffi.skills.AsyncSkills),
        (codex_cffi.mcp.Mcp, codex_cffi.mcp.AsyncMcp),
        (codex_cffi.mcp.ThreadMcp, codex_cffi.mcp.AsyncThreadMcp),
        (codex_cffi.config.Configuration, codex_cffi.config.AsyncConfiguration),
        (codex_cffi.models.Models, codex_cffi.models.AsyncModels),
    ],
)
def test_twins_have_the_same_names_and_signatures(sync: type, twin: type) -> None:
    ours, theirs = public(sync), public(twin)
    assert ours.keys() == theirs.keys()
    for name in [*ours, "__init__"]:
        mine, other = inspect.getattr_static(sync, name), inspect.getattr_static(twin, name)
        if callable(mine):
            assert parameters(mine) == parameters(other), name
    for enter, leave in [("__enter__", "__exit__"), ("__iter__", "__next__")]:
        if hasattr(sync, enter):
            assert hasattr(twin, enter.replace("__", "__a", 1))
            assert hasattr(twin, leave.replace("__", "__a", 1))


def test_a_turn(run: Any, repo: Path, settings: Settings) -> None:
    async def main() -> None:
        async with AsyncCodex(**settings(model)) as codex:
            assert not codex.closed
            thread = await codex.start_thread(working_directory=repo)
            turn = await thread.run("Hi")
            assert (turn.final_response, turn.status, turn.thread_id) == ("Hello", "completed", thread.id)
            assert (await codex.request("thread/loaded/list", {}))["data"] == [thread.id]
            again = await thread.run("Hi")
            assert again.final_response == "Again"
        assert codex.closed
        with pytest.raises(ClosedError):
            await thread.run("Hi")
        await codex.close()

    with ScriptedModel(["Hello", "Again"]) as model:
        run(main)


def test_a_stream_tells_everything(run: Any, repo: Path, settings: Settings) -> None:
    async def main() -> None:
        async with AsyncCodex(**settings(model)) as codex:
            thread = await codex.start_thread(working_directory=repo)
            async with thread.run_streamed("Hi") as stream:
                events = [event async for event in stream]
            assert isinstance(events[0], ThreadStarted)
            assert isinstance(events[-1], TurnCompleted)
            assert "".join(e.delta for e in events if isinstance(e, AgentMessageDelta)) == "abcdef" * 500
            assert stream.turn.final_response == "abcdef" * 500
            # Without a block the first event starts it.
            kinds = [event.type async for event in thread.run_streamed("Hi")]
            assert kinds[-1] == "turn.failed"

    with ScriptedModel([[text("abcdef" * 500, deltas=3000)], http_error(400, "no")]) as model:
        run(main)


def test_errors_are_raised_where_they_are_awaited(run: Any, repo: Path, tmp_path: Path, settings: Settings) -> None:
    async def main() -> None:
        refused = AsyncCodex(codex_home=tmp_path / "other", isolated=True, config={"model": 3})
        with pytest.raises(ConfigError):
            async with refused:
                pass
        assert refused.closed
        async with AsyncCodex(**settings(model)) as codex:
            with pytest.raises(UnknownMethodError):
                await codex.request("no/such")
            with pytest.raises(TypeError, match="takes method, params, timeout"):
                await codex.request("model/list", time_out=3)
            with pytest.raises(codex_cffi.WorkingDirectoryNotFoundError):
                await codex.start_thread(working_directory=tmp_path / "nowhere")
            thread = await codex.start_thread(working_directory=repo)
            with pytest.raises(TurnFailedError) as failed:
                await thread.run("Hi")
            assert failed.value.turn.status == "failed"
            assert (await thread.run("Hi")).final_response == "fine"

    with ScriptedModel([http_error(400, "no"), "fine"]) as model:
        run(main)


def test_a_deadline_stops_the_turn(run: Any, repo: Path, settings: Settings) -> None:
    async def main() -> None:
        async with AsyncCodex(**settings(model)) as codex:
            thread = await codex.start_thread(working_directory=repo)
            with pytest.raises(CodexTimeoutError) as late:
                await thread.run("Hi", timeout=0.5)
            assert late.value.turn is not None
            assert late.value.turn.status == "interrupted"
            assert (await thread.run("Hi")).final_response == "fine"

    with ScriptedModel([[text("slow"), stall()], "fine"]) as model:
        run(main)


def test_leaving_the_block_stops_the_turn(run: Any, repo: Path, settings: Settings) -> None:
    async def main() -> None:
        async with AsyncCodex(**settings(model)) as codex:
            thread = await codex.start_thread(working_directory=repo)
            async with thread.run_streamed("Hi") as stream:
                async for event in stream:
                    if isinstance(event, AgentMessageDelta):
                        break
            assert stream.turn.status == "interrupted"
            assert (await thread.run("Hi")).final_response == "fine"

    with ScriptedModel([[text("slow"), stall()], "fine"]) as model:
        run(main)


def test_a_cancelled_task_stops_its_turn_and_waits_for_its_end(run: Any, repo: Path, settings: Settings) -> None:
    stopped: list[str] = []

    async def turn(thread: AsyncThread) -> None:
        stream = thread.run_streamed("Hi")
        try:
            async with stream:
                async for _ in stream:
                    pass
        finally:
            stopped.append(stream.turn.status)

    async def main() -> None:
        async with AsyncCodex(**settings(model)) as codex:
            thread = await codex.start_thread(working_directory=repo)
            if asyncio._get_running_loop() is None:
                with trio.move_on_after(0.5) as scope:
                    await turn(thread)
                assert scope.cancelled_caught
            else:
                task = asyncio.ensure_future(turn(thread))
                await asyncio.sleep(0.5)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            assert stopped == ["interrupted"]
            assert (await thread.run("Hi")).final_response == "fine"

    with ScriptedModel([[text("slow"), stall()], "fine"]) as model:
        run(main)


@pytest.mark.parametrize("delay_s", [0.0, 0.001, 0.004, 0.02])
def test_cancelling_at_the_start_leaves_no_turn_behind(repo: Path, settings: Settings, delay_s: float) -> None:
    async def main() -> None:
        async with AsyncCodex(**settings(model)) as codex:
            thread = await codex.start_thread(working_directory=repo)
            for _ in range(3):
                task = asyncio.ensure_future(thread.run("Hi"))
                await asyncio.sleep(delay_s)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            read = await codex.request("thread/read", {"threadId": thread.id})
            assert read["thread"]["status"]["type"] == "idle"

    with ScriptedModel(default=[text("slow"), stall()]) as model:
        run_asyncio(main)


def test_a_task_that_is_cancelled_before_it_begins_tells_of_its_end(run: Any) -> None:
    async def never() -> None:
        await running().parker().park(None)

    async def main() -> None:
        ended = running().parker()
        told: list[BaseException | None] = []

        def done(result: Any, error: BaseException | None) -> None:
            told.append(error)
            ended.wake()

        running().start(never, done)()
        await ended.park(10)
        assert [type(error).__name__.removesuffix("Error") for error in told] == ["Cancelled"]

    run(main)


def test_one_thread_has_one_turn_at_a_time(run: Any, repo: Path, settings: Settings) -> None:
    async def main() -> None:
        async with AsyncCodex(**settings(model)) as codex:
            thread = await codex.start_thread(working_directory=repo)
            async with thread.run_streamed("Hi"):
                with pytest.raises(CodexError, match="is in a turn"):
                    await thread.run("Hi")
            await thread.close()

    with ScriptedModel([[text("slow"), stall()]]) as model:
        run(main)


def test_interrupt_and_steer(run: Any, repo: Path, settings: Settings) -> None:
    async def main() -> None:
        async with AsyncCodex(**settings(model)) as codex:
            thread = await codex.start_thread(working_directory=repo)
            thread.interrupt()  # nothing to stop
            async with thread.run_streamed("Hi") as stream:
                await thread.steer("and quickly")
                thread.interrupt()
                last = [event async for event in stream][-1]
            assert isinstance(last, TurnCompleted)
            assert last.turn.status == "interrupted"
            with pytest.raises(codex_cffi.EngineError, match="no running turn"):
                await thread.steer("too late")

    with ScriptedModel([[text("slow"), stall()]]) as model:
        run(main)


def test_many_turns_at_once_on_one_loop(run: Any, repo: Path, settings: Settings) -> None:
    async def one(codex: AsyncCodex, results: list[str]) -> None:
        thread = await codex.start_thread(working_directory=repo, ephemeral=True)
        for _ in range(3):
            results.append((await thread.run("Hi")).final_response)

    async def main() -> None:
        results: list[str] = []
        async with AsyncCodex(**settings(model)) as codex:
            if asyncio._get_running_loop() is None:
                async with trio.open_nursery() as nursery:
                    for _ in range(20):
                        nursery.start_soon(one, codex, results)
            else:
                await asyncio.gather(*(one(codex, results) for _ in range(20)))
        assert results == ["yes"] * 60

    with ScriptedModel(default=[delay(0.01), text("yes")]) as model:
        run(main)


def test_waiting_costs_no_threads_of_python(repo: Path, settings: Settings) -> None:
    async def main() -> None:
        async with AsyncCodex(**settings(model)) as codex:
            threads = [await codex.start_thread(working_directory=repo, ephemeral=True) for _ in range(10)]
            others = set(threading.enumerate())
            turns = [asyncio.ensure_future(thread.run("Hi")) for thread in threads]
            await asyncio.sleep(0.2)
            assert {t for t in threading.enumerate() if t.name != "scripted-model"} <= others
            await asyncio.gather(*turns)

    with ScriptedModel(default=[delay(0.5), text("yes")]) as model:
        run_asyncio(main)


def test_a_client_serves_loops_of_every_kind_at_once(repo: Path, settings: Settings) -> None:
    with ScriptedModel(default=[delay(0.005), text("yes")]) as model:
        codex = AsyncCodex(**settings(model))
        results: list[str] = []
        errors: list[BaseException] = []

        async def work() -> None:
            thread = await codex.start_thread(working_directory=repo, ephemeral=True)
            for _ in range(10):
                results.append((await thread.run("Hi")).final_response)

        def host(backend: Callable[[Main], Any]) -> None:
            try:
                backend(work)
            except BaseException as error:
                errors.append(error)

        hosts = [threading.Thread(target=host, args=[BACKENDS[name]]) for name in BACKENDS for _ in range(2)]
        for thread in hosts:
            thread.start()
        for thread in hosts:
            thread.join(60)
        assert not errors
        assert results == ["yes"] * 10 * len(hosts)
        trio.run(codex.close)


def test_loops_that_come_and_go_leave_no_descriptors(repo: Path, settings: Settings) -> None:
    def descriptors() -> int:
        return len(os.listdir("/proc/self/fd"))

    async def work() -> None:
        assert (await (await codex.start_thread(working_directory=repo, ephemeral=True)).run("Hi")).final_response

    with ScriptedModel(default="yes") as model:
        codex = AsyncCodex(**settings(model))
        for backend in BACKENDS.values():
            backend(work)
        before = descriptors()
        for _ in range(8):
            for backend in BACKENDS.values():
                backend(work)
        deadline = time.monotonic() + 20
        # The engine's own come and go by a few; a leak would be at least 8.
        while descriptors() > before + 5 and time.monotonic() < deadline:
            gc.collect()
            time.sleep(0.1)
        assert descriptors() <= before + 5
        run_asyncio(codex.close)


def test_closing_wakes_who_waits(run: Any, repo: Path, settings: Settings) -> None:
    ends: list[str] = []

    async def wait(thread: AsyncThread) -> None:
        ends.append((await thread.run("Hi")).status)

    async def main() -> None:
        codex = AsyncCodex(**settings(model))
        thread = await codex.start_thread(working_directory=repo)
        if asyncio._get_running_loop() is None:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(wait, thread)
                await trio.sleep(0.3)
                await codex.close()
        else:
            task = asyncio.ensure_future(wait(thread))
            await asyncio.sleep(0.3)
            await codex.close()
            await asyncio.wait_for(task, 10)
        assert ends == ["interrupted"]

    with ScriptedModel([[text("slow"), stall()]]) as model:
        run(main)


@pytest.mark.parametrize(("end", "error"), [("cancel", LoginError), ("close", ClosedError)])
def test_the_end_of_a_login_wakes_who_waits(run: Any, codex_home: Path, end: str, error: type[Exception]) -> None:
    ends: list[type[BaseException]] = []

    async def wait(login: AsyncLogin) -> None:
        try:
            await login.wait(timeout=None)
        except CodexError as failure:
            ends.append(type(failure))

    async def main() -> None:
        codex = AsyncCodex(codex_home=codex_home, isolated=True, config={"model_provider": "openai"})
        login = await codex.account.login_with_chatgpt()
        ending = login.cancel if end == "cancel" else codex.close
        if asyncio._get_running_loop() is None:
            with trio.fail_after(60):
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(wait, login)
                    nursery.start_soon(wait, login)
                    await trio.sleep(0.1)
                    await ending()
        else:
            tasks = [asyncio.ensure_future(wait(login)) for _ in range(2)]
            await asyncio.sleep(0.1)
            await ending()
            await asyncio.wait_for(asyncio.gather(*tasks), 60)
        assert ends == [error, error]
        await codex.close()

    run(main)


def test_tools_run_while_the_loop_is_free(run: Any, repo: Path, settings: Settings) -> None:
    seen: list[str] = []
    tool = Tool(name="wait", description="waits", handler=lambda call: (time.sleep(0.2), seen.append("tool"), "ok")[2])

    async def main() -> None:
        async with AsyncCodex(**settings(model), tools=[tool]) as codex:
            thread = await codex.start_thread(working_directory=repo)
            assert (await thread.run("Hi")).final_response == "done"
            codex.unregister_tool("wait")
        assert seen == ["tool"]
        model.assert_tool_output("one", contains="ok")

    with ScriptedModel([[function_call("wait", {}, call_id="one")], "done"]) as model:
        run(main)


def test_the_loop_is_never_held_up(repo: Path, settings: Settings) -> None:
    """A tick of the loop may not take longer than a slice of the work, whatever the engine sends."""
    gaps: list[float] = []

    async def watch() -> None:
        last = time.perf_counter()
        while True:
            await asyncio.sleep(0)
            now = time.perf_counter()
            gaps.append(now - last)
            last = now

    async def main() -> None:
        async with AsyncCodex(**settings(model)) as codex:
            thread = await codex.start_thread(working_directory=repo)
            watcher = asyncio.ensure_future(watch())
            async for _ in thread.run_streamed("Hi"):
                pass
            watcher.cancel()

    with ScriptedModel([[text("x" * 20000, deltas=20000)]]) as model:
        run_asyncio(main)
    assert len(gaps) > 20, "the loop ran other tasks all the while"


def test_without_a_loop_it_says_so() -> None:
    codex = AsyncCodex()
    waiting = codex.request("model/list")
    with pytest.raises(RuntimeError, match="running asyncio or trio event loop"):
        waiting.send(None)
    waiting.close()


def test_a_failed_turn_ends_a_stream_with_its_event(run: Any, repo: Path, settings: Settings) -> None:
    async def main() -> None:
        async with AsyncCodex(**settings(model)) as codex:
            thread = await codex.start_thread(working_directory=repo)
            async with thread.run_streamed("Hi") as stream:
                events = [event async for event in stream]
            assert isinstance(events[-1], TurnFailedEvent)

    with ScriptedModel([http_error(400, "no")]) as model:
        run(main)


@pytest.fixture(autouse=True)
def no_open_loops() -> Iterator[None]:
    yield
    # asyncio's policy keeps none between tests, and none of ours is left.
    assert asyncio._get_running_loop() is None
