"""What a host may hang in: every event, and each turn before it starts."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from codex_cffi import AgentMessageDelta, AsyncCodex, Event, TurnCompleted
from codex_cffi.testing import ScriptedModel
from conftest import MakeCodex


def test_on_event_hears_every_event(make_codex: MakeCodex, repo: Path) -> None:
    heard: list[Event] = []
    with ScriptedModel(["Hello", "Again"]) as model:
        thread = make_codex(model, on_event=heard.append).start_thread(working_directory=repo)
        with thread.run_streamed("Hi") as stream:
            events = list(stream)
        mine = [event for event in heard if event.thread_id == thread.id]
        assert [event for event in mine if event in events] == events
        heard.clear()
        thread.run("Hi")
    assert any(isinstance(event, AgentMessageDelta) for event in heard), "run() hides nothing from it"
    assert isinstance(heard[-1], TurnCompleted)


def test_on_event_that_fails_harms_nothing(make_codex: MakeCodex, repo: Path, caplog: pytest.LogCaptureFixture) -> None:
    def broken(event: Event) -> None:
        raise LookupError("broken")

    with ScriptedModel(["Hello"]) as model:
        thread = make_codex(model, on_event=broken).start_thread(working_directory=repo)
        assert thread.run("Hi").final_response == "Hello"
    assert "on_event failed" in caplog.text


def test_before_start_may_change_the_input(make_codex: MakeCodex, repo: Path) -> None:
    def before(thread: Any, input: Any) -> Any:
        return f"{input} (from {Path(thread.working_directory).name})" if "plain" not in input else None

    with ScriptedModel(["1", "2"]) as model:
        thread = make_codex(model, before_start=before).start_thread(working_directory=repo)
        thread.run("Hi")
        thread.run("plain")
    assert [request.user_texts[-1] for request in model.requests] == ["Hi (from repo)", "plain"]


def test_before_start_may_refuse(make_codex: MakeCodex, repo: Path) -> None:
    def before(thread: Any, input: Any) -> None:
        if "password" in input:
            raise PermissionError("no passwords")

    with ScriptedModel(["fine"]) as model:
        thread = make_codex(model, before_start=before).start_thread(working_directory=repo)
        with pytest.raises(PermissionError, match="no passwords"):
            thread.run("my password is")
        with pytest.raises(PermissionError):
            thread.run_streamed("my password is")
        assert thread.run("Hi").final_response == "fine"
    assert len(model.requests) == 1


def test_before_start_may_be_async_on_a_loop(make_codex: MakeCodex, repo: Path, codex_home: Path) -> None:
    async def before(thread: Any, input: Any) -> Any:
        await asyncio.sleep(0)
        return f"{input}!"

    async def main(model: ScriptedModel) -> None:
        options: dict[str, Any] = {"config": model.provider_config(), "codex_home": codex_home, "isolated": True}
        async with AsyncCodex(**options, before_start=before) as codex:
            await (await codex.start_thread(working_directory=repo)).run("Hi")

    with ScriptedModel(["fine", "never"]) as model:
        asyncio.run(main(model))
        assert model.requests[-1].user_texts[-1] == "Hi!"
        thread = make_codex(model, before_start=before).start_thread(working_directory=repo)
        with pytest.raises(TypeError, match="needs AsyncCodex"):
            thread.run("Hi")


@pytest.mark.parametrize("name", ["on_event", "before_start"])
def test_hooks_must_be_functions(make_codex: MakeCodex, name: str) -> None:
    with pytest.raises(TypeError, match=f"{name} must be a function, not int"):
        make_codex(**{name: 3})
