"""Hosts whose threads are greenlets: gevent and eventlet, which patch the standard library before or after the package is imported."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from support import need_module, run_python

Run = Callable[[str], list[str]]

PATCHES = {
    "gevent": "from gevent import monkey; monkey.patch_all()",
    "eventlet": "import eventlet; eventlet.monkey_patch()",
}
#: What the programs call alike, whosever greenlets they have.
NAMES = {
    "gevent": "from gevent import Timeout, sleep, spawn; from gevent.greenlet import Greenlet; wait = Greenlet.get",
    "eventlet": "from eventlet import Timeout, sleep, spawn; from eventlet.greenthread import GreenThread; wait = GreenThread.wait",
}
PROGRAM = """
{before}
import sys, threading
from codex_cffi import AsyncCodex, Codex, CodexTimeoutError, Tool, ToolContext, UnsupportedError, tool
from codex_cffi.testing import ScriptedModel, delay, function_call, shell, text
{after}
{names}

ticks = 0
def tick():
    global ticks
    while True:
        ticks += 1
        sleep(0.01)

def client(model, **options):
    return Codex(codex_home=sys.argv[1], isolated=True, config=model.provider_config(), **options)

def start(codex, **options):
    return codex.start_thread(working_directory=sys.argv[2], ephemeral=True, **options)

spawn(tick)
{code}
"""


@pytest.fixture(params=["gevent", "eventlet"])
def greenlets(request: pytest.FixtureRequest) -> str:
    """Whose greenlets the programs have."""
    name: str = request.param
    need_module(name)
    return name


@pytest.fixture(params=["before", "after"])
def run(request: pytest.FixtureRequest, greenlets: str, tmp_path: Path, repo: Path) -> Run:
    """Runs a program whose standard library is patched before or after the import; what it prints."""

    def run(code: str) -> list[str]:
        places = {"before": "", "after": "", request.param: PATCHES[greenlets]}
        program = PROGRAM.format(**places, names=NAMES[greenlets], code=textwrap.dedent(code))
        # They warn of themselves: of being deprecated, of locks that were there before.
        result = run_python(f"import warnings; warnings.simplefilter('default')\n{program}", tmp_path / "home", repo)
        assert result.returncode == 0, result.stderr
        return result.stdout.splitlines()

    return run


def test_a_turn_with_a_tool_lets_the_other_greenlets_run(run: Run) -> None:
    code = """
        at_call = []

        @tool
        def owner(name: str) -> str:
            "Owner."
            at_call.append(ticks)
            sleep(0.2)
            at_call.append(ticks)
            return "Ann"

        with ScriptedModel([[function_call("owner", {"name": "x"}, call_id="c")], [delay(1), text("It is Ann.")]]) as model:
            with client(model, tools=[owner]) as codex:
                thread = start(codex)
                before = ticks
                turn = thread.run("go", timeout=30)
                print(turn.final_response, model.last_request.tool_output("c"))
                print(at_call[1] > at_call[0] + 3, ticks > at_call[1] + 20)
        """
    assert run(code) == ["It is Ann. Ann", "True True"]


def test_many_greenlets_share_a_client(run: Run) -> None:
    code = """
        with ScriptedModel(default=[delay(0.3), text("done")]) as model:
            with client(model) as codex:
                turns = [spawn(lambda: start(codex).run("go", timeout=60).final_response) for _ in range(12)]
                print({wait(turn) for turn in turns})
                print({result.final_response for result in codex.run_many(["a", "b", "c"], working_directory=sys.argv[2])})
        """
    assert run(code) == ["{'done'}", "{'done'}"]


def test_a_greenlet_that_is_stopped_stops_its_turn(run: Run) -> None:
    code = """
        with ScriptedModel([[delay(60), text("late")], [delay(60), text("late")], [delay(60), text("late")], "on"]) as model:
            with client(model) as codex:
                thread = start(codex)
                try:
                    with Timeout(0.3):
                        thread.run("go")
                except Timeout:
                    print("timeout")
                try:
                    thread.run("go", timeout=0.3)
                except CodexTimeoutError:
                    print("too late")
                turn = spawn(thread.run, "go")
                sleep(0.3)
                turn.kill()
                try:
                    wait(turn)
                except BaseException as error:  # eventlet raises here what it was killed with
                    pass
                print(thread.run("go on", timeout=30).final_response)
        """
    assert run(code) == ["timeout", "too late", "on"]


def test_async_handlers_run_on_a_loop_of_their_own(run: Run) -> None:
    code = """
        import asyncio

        @tool
        async def owner(name: str) -> str:
            "Owner."
            await asyncio.sleep(0.05)
            return name.upper()

        calls = [function_call("owner", {"name": name}, call_id=name) for name in ("a", "b")]
        with ScriptedModel([calls, "done"]) as model:
            with client(model, tools=[owner]) as codex:
                start(codex).run("go", timeout=60)
                print([model.last_request.tool_output(name) for name in ("a", "b")])

        async def look(call, call_builtin):
            return await call_builtin()

        with ScriptedModel(["done"]) as model, client(model) as codex:
            try:
                codex.register_tool_interceptor("*", look)
            except UnsupportedError as error:
                print("not async" in str(error))
        """
    assert run(code) == ["['A', 'B']", "True"]


def test_interceptors_and_time_limits_of_tools(run: Run) -> None:
    code = """
        def look(call, call_builtin):
            sleep(0.05)
            return call_builtin()

        waited = []
        slow = Tool("slow", "Slow.", lambda call: waited.append(call.context.wait(30)), timeout=0.2)
        with ScriptedModel([[shell("echo hi", call_id="a")], [function_call("slow", {}, call_id="b")], "done"]) as model:
            with client(model, tools=[slow]) as codex:
                codex.register_tool_interceptor("*", look)
                start(codex, sandbox_mode="danger-full-access").run("go", timeout=60)
            print("hi" in model.requests[1].tool_output("a"), model.last_request.tool_output("b"), waited)
        """
    assert run(code) == ["True tool slow did not answer within 0.2 s [True]"]


def test_an_event_loop_in_a_greenlet(run: Run) -> None:
    code = """
        import asyncio

        async def main(model):
            async with AsyncCodex(codex_home=sys.argv[1], isolated=True, config=model.provider_config()) as codex:
                thread = await codex.start_thread(working_directory=sys.argv[2])
                return (await thread.run("go", timeout=30)).final_response

        with ScriptedModel(["done"]) as model:
            print(asyncio.run(main(model)))
        """
    assert run(code) == ["done"]


def test_the_log_is_read_and_an_open_client_ends_with_the_process(run: Run) -> None:
    code = """
        import logging
        names = set()
        handler = logging.Handler()
        handler.emit = lambda record: names.add(record.name.partition(".codex_")[0])
        logging.getLogger("codex_cffi").addHandler(handler)
        import codex_cffi
        codex_cffi.log.set_level("debug")
        with ScriptedModel(["done"]) as model:
            codex = client(model)
            print(start(codex).run("go", timeout=30).final_response)
            while "codex_cffi.engine" not in names:
                sleep(0.01)
        """
    assert run(code) == ["done"]


def test_a_patch_after_a_client_was_opened_is_refused(greenlets: str, tmp_path: Path, repo: Path) -> None:
    code = f"""
        with ScriptedModel(["done"]) as model:
            codex = client(model)
            {PATCHES[greenlets]}
            for use in (lambda: start(codex), lambda: client(model)):
                try:
                    use()
                except UnsupportedError as error:
                    print(str(error).partition(" after ")[0])
        """
    program = PROGRAM.format(before="", after="spawn = sleep = lambda _: None", names="", code=textwrap.dedent(code))
    result = run_python(f"import warnings; warnings.simplefilter('default')\n{program}", tmp_path / "home", repo)
    assert result.stdout.splitlines() == [f"{greenlets} has patched the standard library"] * 2, result.stderr


def test_who_has_no_greenlets_pays_nothing() -> None:
    code = """
        import sys, codex_cffi
        from codex_cffi._waiting import greenlets
        import _thread
        print(greenlets.patched_by(), greenlets.run_here(), greenlets.aside(_thread.get_ident) == _thread.get_ident())
        print([name for name in ("greenlet", "gevent", "eventlet") if name in sys.modules])
        """
    assert run_python(textwrap.dedent(code)).stdout.splitlines() == ["None False True", "[]"]
