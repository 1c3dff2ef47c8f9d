"""Sessions whose model provider has another id by now, or is gone."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from codex_cffi import AsyncCodex, Codex, EngineError, WarningEvent
from codex_cffi.openai import Codex as OpenAICodex
from codex_cffi.openai import CodexConfig
from codex_cffi.testing import ScriptedModel
from support import MakeCodex


@pytest.fixture
def session(make_codex: MakeCodex, repo: Path) -> str:
    """Id of a session of a provider that was called old-gateway."""
    with ScriptedModel(["One."]) as model:
        codex = make_codex(config=model.provider_config(provider_id="old-gateway"))
        thread = codex.start_thread(working_directory=repo, model="m-old")
        thread.run("first")
        codex.close()
        return thread.id


def warned(events: list[object]) -> list[str]:
    return [event.message for event in events if isinstance(event, WarningEvent) and "old-gateway" in event.message]


def test_resume_goes_on_with_the_provider_of_now(make_codex: MakeCodex, session: str) -> None:
    events: list[object] = []
    with ScriptedModel(["Two."]) as model:
        config = {**model.provider_config(provider_id="new-gateway"), "model": "m-new"}
        codex = make_codex(config=config, on_event=events.append)
        thread = codex.resume_thread(session)
        assert thread.model == "m-new"
        assert thread.run("second").final_response == "Two."
        assert "One." in model.last_request.assistant_texts
        assert "first" in model.last_request.user_texts
        assert model.last_request.model == "m-new"
        [warning] = warned(events)
        assert "new-gateway" in warning
        assert "model_provider=" in warning
        # Its session is the new provider's from now on.
        thread.close()
        events.clear()
        codex.resume_thread(session)
        assert not warned(events)


def test_what_is_given_counts(make_codex: MakeCodex, session: str) -> None:
    events: list[object] = []
    with ScriptedModel(["Two."]) as first, ScriptedModel(["Three.", "Four."]) as second:
        one, other = first.provider_config(provider_id="new-gateway"), second.provider_config(provider_id="another")
        config = {**one, "model_providers": {**one["model_providers"], **other["model_providers"]}}
        codex = make_codex(config=config, on_event=events.append)
        thread = codex.resume_thread(session, model_provider="another", model="m")
        assert thread.run("second").final_response == "Three."
        assert second.last_request.model == "m"
        fork = thread.fork()
        assert fork.run("third").final_response == "Four.", "as the thread that it is of"
        assert not warned(events)
        assert thread.fork(model_provider="new-gateway").run("fourth").final_response == "Two."


def test_another_model_does_not_bring_the_provider_back(make_codex: MakeCodex, session: str) -> None:
    events: list[object] = []
    with ScriptedModel(["Two."]) as model:
        codex = make_codex(config=model.provider_config(provider_id="new-gateway"), on_event=events.append)
        assert codex.resume_thread(session, model="m").run("second").final_response == "Two."
        assert len(warned(events)) == 1


def test_a_provider_that_there_is_not(make_codex: MakeCodex, session: str, repo: Path) -> None:
    with ScriptedModel() as model:
        codex = make_codex(config=model.provider_config(provider_id="new-gateway"))
        for refused in (
            lambda: codex.resume_thread(session, model_provider="old-gateway"),
            lambda: codex.start_thread(working_directory=repo, model_provider="old-gateway"),
        ):
            with pytest.raises(EngineError, match=r"`old-gateway` not found: there are .*new-gateway, .*openai"):
                refused()
        with pytest.raises(ValueError, match="model_provider is empty"):
            codex.resume_thread(session, model_provider="")


def test_sessions_are_not_hidden(make_codex: MakeCodex, session: str) -> None:
    with ScriptedModel(["Two."]) as model:
        codex = make_codex(config=model.provider_config(provider_id="new-gateway"))
        [found] = codex.sessions.list()
        assert (found.id, found.model_provider) == (session, "old-gateway")
        assert [thread.id for thread in codex.sessions.search("first")] == [session]
        assert codex.sessions.read(session).turns[0].final_response == "One."
        thread = codex.resume_last(any_directory=True)
        assert thread.id == session
        thread.rollback()
        thread.run("second")
        assert "first" not in model.last_request.user_texts
        codex.sessions.rename(session, "named")
        codex.sessions.delete(session)


def test_a_fork_of_a_session_in_the_store(make_codex: MakeCodex, session: str, repo: Path) -> None:
    events: list[object] = []
    with ScriptedModel(["Two."]) as model:
        codex = make_codex(config=model.provider_config(provider_id="new-gateway"), on_event=events.append)
        codex.request("thread/fork", {"threadId": session})
        codex.start_thread(working_directory=repo).run("read what came")
        [warning] = warned(events)
        assert "new-gateway" in warning


def test_a_session_file_alone(make_codex: MakeCodex, session: str, codex_home: Path, tmp_path: Path) -> None:
    [file] = codex_home.rglob("rollout-*.jsonl")
    copy = tmp_path / file.name
    copy.write_bytes(file.read_bytes())
    with ScriptedModel(["Two."]) as model:
        config = model.provider_config(provider_id="new-gateway")
        codex = make_codex(config=config, codex_home=tmp_path / "other-home")
        assert codex.resume_thread(copy).run("second").final_response == "Two."
        assert "One." in model.last_request.assistant_texts


def test_on_an_event_loop(session: str, codex_home: Path) -> None:
    async def main() -> str:
        with ScriptedModel(["Two."]) as model:
            config = model.provider_config(provider_id="new-gateway")
            async with AsyncCodex(config=config, codex_home=codex_home, isolated=True) as codex:
                thread = await codex.resume_thread(session)
                return (await thread.run("second")).final_response

    assert asyncio.run(main()) == "Two."


def test_the_drop_in(session: str, codex_home: Path) -> None:
    with ScriptedModel(["Two."]) as model:
        config = model.provider_config(provider_id="new-gateway")
        [entry] = config["model_providers"].values()
        overrides = ['model_provider="new-gateway"']
        overrides += [
            f"model_providers.new-gateway.{name}={json.dumps(value)}"
            for name, value in entry.items()
            if not isinstance(value, dict)
        ]
        settings = CodexConfig(config_overrides=tuple(overrides), env={"CODEX_HOME": str(codex_home)})
        with OpenAICodex(settings) as codex:
            assert codex.thread_resume(session).run("second").final_response == "Two."


def test_a_client_without_its_own_provider(session: str, codex_home: Path) -> None:
    with Codex(codex_home=codex_home, isolated=True) as codex:
        thread = codex.resume_thread(session)
        assert thread.read().turns[0].final_response == "One."
