"""Sessions are those of the codex program: started here and resumed there, and the other way round, with the official binary."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from codex_cffi.testing import ScriptedModel, shell
from support import MakeCodex


@pytest.fixture
def program(codex_home: Path, repo: Path) -> Any:
    """Runs ``codex exec`` of the official binary, in the tests' home and repository; gives its events."""
    from codex_cli_bin import bundled_codex_path

    def run(model: ScriptedModel, *arguments: str) -> list[dict[str, Any]]:
        provider = model.provider_config()["model_providers"]["mock"]
        settings = "\n".join(f"{key} = {json.dumps(value)}" for key, value in provider.items())
        codex_home.mkdir(exist_ok=True)
        (codex_home / "config.toml").write_text(f'model_provider = "mock"\n[model_providers.mock]\n{settings}\n')
        command = [bundled_codex_path(), "exec", "--json", "--model", "gpt-5.4", *arguments]
        environment = {**os.environ, "CODEX_HOME": str(codex_home)}
        done = subprocess.run(
            command, cwd=repo, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run


def answer(events: list[dict[str, Any]]) -> str:
    """The program's final message."""
    messages = [event["item"] for event in events if event["type"] == "item.completed"]
    return str([message["text"] for message in messages if message["type"] == "agent_message"][-1])


def test_started_here_and_resumed_there_and_here_again(make_codex: MakeCodex, repo: Path, program: Any) -> None:
    with ScriptedModel([[shell("echo found", call_id="look")], "one", "two", "three"]) as model:
        first = make_codex(model)
        thread = first.start_thread(working_directory=repo, model="gpt-5.4", sandbox_mode="danger-full-access")
        assert thread.run("a").final_response == "one"
        first.close()

        events = program(model, "resume", thread.id, "b")
        assert events[0] == {"type": "thread.started", "thread_id": thread.id}
        assert answer(events) == "two"
        assert model.last_request.user_texts[-2:] == ["a", "b"]
        assert model.last_request.assistant_texts == ["one"]
        assert "found" in model.last_request.tool_output("look")

        again = make_codex(model).resume_last(working_directory=repo)
        assert again.id == thread.id
        assert again.run("c").final_response == "three"
        assert model.last_request.user_texts[-3:] == ["a", "b", "c"]
        assert model.last_request.assistant_texts == ["one", "two"]
        assert [turn.final_response for turn in again.read().turns] == ["one", "two", "three"]


def test_started_there_and_resumed_here_and_there_again(make_codex: MakeCodex, repo: Path, program: Any) -> None:
    with ScriptedModel([[shell("echo found", call_id="look")], "one", "two", "forked", "three"]) as model:
        events = program(model, "--sandbox", "danger-full-access", "a")
        thread_id = events[0]["thread_id"]
        assert answer(events) == "one"

        codex = make_codex(model)
        (info,) = codex.sessions.list()
        assert (info.id, info.preview, Path(info.working_directory)) == (thread_id, "a", repo)
        thread = codex.resume_thread(thread_id)
        (turn,) = thread.read().turns
        assert turn.final_response == "one"
        assert thread.settings["sandbox"]["type"] == "readOnly", "the sandbox is not the session's"
        assert thread.run("b").final_response == "two"
        assert model.last_request.user_texts[-2:] == ["a", "b"]
        assert "found" in model.last_request.tool_output("look")
        source = thread.read(turns=False).path
        assert source is not None
        before = source.read_bytes()
        fork = thread.fork(nth_user_message=1)
        assert fork.run("other").final_response == "forked"
        assert model.last_request.user_texts[-2:] == ["a", "other"]
        assert model.last_request.assistant_texts == ["one"]
        assert "found" in model.last_request.tool_output("look")
        assert [turn.final_response for turn in fork.read().turns] == ["one", "forked"]
        assert source.read_bytes() == before
        fork.delete()
        codex.close()

        assert answer(program(model, "resume", "--last", "c")) == "three"
        assert model.last_request.user_texts[-3:] == ["a", "b", "c"]
