"""The kit against the real engine: what users of it do."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from codex_cffi import Codex, Tool, TurnFailedError
from codex_cffi.testing import (
    RecordedModel,
    RecordedModelError,
    ScriptedModel,
    disconnect,
    function_call,
    image_generation,
    rate_limited,
    shell,
    structured,
    text,
    usage,
    web_search,
)

KEY = "sk-proj-Engine0123456789abcdef"
OWNER = Tool(
    name="code_owner",
    description="Team that owns a file.",
    parameters={"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
    handler=lambda call: f"team of {call.arguments['path']}",
)


def new_repo(folder: Path) -> Path:
    folder.mkdir(parents=True)
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    (folder / "a.txt").write_text("hello\n")
    return folder


def open_codex(home: Path, **options: Any) -> Codex:
    return Codex(codex_home=home, isolated=True, **options)


@pytest.mark.parametrize("by_url", [True, False])
def test_a_recorded_agent_is_replayed_elsewhere(tmp_path: Path, by_url: bool) -> None:
    def list_files(request: Any) -> Any:
        return [shell(f"cat {folder_of(request)}/a.txt; pwd; date", call_id="c1"), usage(input_tokens=5)]

    def folder_of(request: Any) -> str:
        texts = "".join(request.context_texts)
        return texts.split("<cwd>")[1].split("</cwd>")[0]

    def run(model: RecordedModel, name: str, **options: Any) -> str | None:
        folder = new_repo(tmp_path / name / "repo")
        options |= {"base_url": model.base_url} if by_url else {"config": model.provider_config()}
        with open_codex(tmp_path / name / "home", tools=[OWNER], **options) as codex:
            thread = codex.start_thread(working_directory=folder)
            turn = thread.run("Whose is a.txt?")
            assert turn.usage.input_tokens == 5
            model.assert_called_tool("shell", contains=f"{folder}/a.txt", output_contains=f"hello\n{folder}\n")
            model.assert_called_tool("code_owner", {"path": "a.txt"}, output_contains="team of a.txt")
            again = thread.run("Sure?").final_response
            return f"{turn.final_response} {again}"

    script = [list_files, [function_call("code_owner", {"path": "a.txt"}, call_id="c2")], "The team's.", "Yes."]
    path = tmp_path / "cassette.json"
    with ScriptedModel(script) as upstream:
        with RecordedModel(path, upstream=upstream.base_url, api_key=KEY) as model:
            assert run(model, "recorded") == "The team's. Yes."
        assert all(request.bearer_token_matches(KEY) for request in upstream.requests)
    whole = path.read_text()
    for secret in (KEY, str(tmp_path), "installation", "client_metadata", "prompt_cache_key", "turn_id"):
        assert secret not in whole
    with RecordedModel(path, upstream="http://127.0.0.1:1/v1", mode="replay") as model:
        assert run(model, "elsewhere") == "The team's. Yes."
        model.assert_done()


def test_a_changed_prompt_fails_the_turn_with_the_difference(tmp_path: Path) -> None:
    folder = new_repo(tmp_path / "repo")

    def run(model: RecordedModel, prompt: str) -> str | None:
        with open_codex(tmp_path / "home", config=model.provider_config()) as codex:
            return codex.start_thread(working_directory=folder).run(prompt).final_response

    path = tmp_path / "cassette.json"
    with ScriptedModel(["Hello."]) as upstream, RecordedModel(path, upstream=upstream.base_url) as model:
        run(model, "Say hello")
    change = r"text: Say hello\n *\+ .*text: Say goodbye"
    with RecordedModel(path, mode="replay") as model:
        with pytest.raises(TurnFailedError, match=change):
            run(model, "Say goodbye")
        with pytest.raises(RecordedModelError, match=change):
            model.check()


def test_faults_are_recorded_and_replayed(tmp_path: Path) -> None:
    folder = new_repo(tmp_path / "repo")

    def run(model: RecordedModel, home: str) -> list[str | None]:
        config = model.provider_config(stream_max_retries=1)
        with open_codex(tmp_path / home, config=config) as codex:
            thread = codex.start_thread(working_directory=folder)
            first = thread.run("One").final_response
            with pytest.raises(TurnFailedError, match=r"429|[Rr]ate limit"):
                thread.run("Two")
            return [first, thread.run("Three").final_response]

    path = tmp_path / "cassette.json"
    script = [[text("half"), disconnect()], "Whole.", rate_limited(3600), "Three."]
    with ScriptedModel(script) as upstream, RecordedModel(path, upstream=upstream.base_url) as model:
        recorded = run(model, "home1")
    with RecordedModel(path, mode="replay") as model:
        assert run(model, "home2") == recorded == ["Whole.", "Three."]
        model.assert_done()


def test_many_threads_are_recorded_and_replayed(tmp_path: Path) -> None:
    folder = new_repo(tmp_path / "repo")
    count = 6

    def run(model: RecordedModel, home: str) -> list[str | None]:
        with open_codex(tmp_path / home, config=model.provider_config()) as codex:

            def work(n: int) -> str | None:
                return codex.start_thread(working_directory=folder).run(f"task {n}").final_response

            with ThreadPoolExecutor(count) as pool:
                return list(pool.map(work, range(count)))

    path = tmp_path / "cassette.json"
    with ScriptedModel() as upstream:
        for n in range(count):
            upstream.script([[shell(f"echo {n}", call_id="c")], f"done {n}"], user_text=f"task {n}")
        with RecordedModel(path, upstream=upstream.base_url) as model:
            recorded = run(model, "home1")
    with RecordedModel(path, mode="replay") as model:
        assert run(model, "home2") == recorded == [f"done {n}" for n in range(count)]
        model.assert_done()


def test_one_script_for_each_thread(tmp_path: Path) -> None:
    folder = new_repo(tmp_path / "repo")
    with ScriptedModel() as model:
        model.script([[shell("cat a.txt", call_id="c")], "done"], each_thread=True)
        with open_codex(tmp_path / "home", config=model.provider_config()) as codex:

            def work(_: int) -> str | None:
                return codex.start_thread(working_directory=folder).run("go").final_response

            with ThreadPoolExecutor(4) as pool:
                assert list(pool.map(work, range(4))) == ["done"] * 4
        model.assert_called_tool("shell", {"cmd": "cat a.txt"}, output_contains="hello", times=4)
        model.assert_done()


def test_hosted_items_and_structured_output_reach_the_engine(tmp_path: Path) -> None:
    folder = new_repo(tmp_path / "repo")
    schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
    steps = [
        web_search("cats"),
        web_search(open_page="https://example.com"),
        image_generation(b"\x89PNG\r\n\x1a\n", revised_prompt="A cat"),
        structured({"ok": True}),
    ]
    with ScriptedModel([steps]) as model:
        with open_codex(tmp_path / "home", config=model.provider_config()) as codex:
            turn = codex.start_thread(working_directory=folder).run("go", output_schema=schema)
            assert turn.final_response == '{"ok":true}'
            assert {"WebSearch"} <= {type(item).__name__ for item in turn.items}
        assert (model.last_request.output_schema or {})["required"] == ["ok"]


# --- the plugin -------------------------------------------------------------------------------------------------------

CONFTEST = """
import pytest
pytest_plugins = ["codex_cffi.testing.pytest_plugin"]

@pytest.fixture
def recorded_model_options():
    return {"upstream": UPSTREAM, "secrets": ["marker"]}
"""
TESTS = """
import pytest

class TestAgent:
    @pytest.mark.parametrize("word", ["one", "t/wo"])
    def test_recorded(self, recorded_model, codex_factory, word):
        thread = codex_factory(recorded_model).start_thread()
        assert thread.run(f"Say {word}, marker").final_response == "Hello."

def test_scripted(scripted_model, codex_factory):
    scripted_model.add("Hi.")
    codex = codex_factory(scripted_model, config={"model_reasoning_effort": "high"})
    assert codex.start_thread().run("Hi").final_response == "Hi."
    assert scripted_model.last_request.reasoning_effort == "high"

def test_fails(recorded_model, codex_factory):
    codex_factory(recorded_model).start_thread().run("Say one")
    assert BROKEN
"""


def test_the_plugin(tmp_path: Path, library: Path) -> None:
    def run(*arguments: str, broken: bool = True) -> tuple[str, dict[str, str]]:
        (tmp_path / "test_agent.py").write_text(TESTS.replace("BROKEN", str(not broken)))
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
        result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
        files = {str(path.relative_to(tmp_path)): path.read_text() for path in tmp_path.glob("cassettes/*/*")}
        return result.stdout + result.stderr, files

    with ScriptedModel(default="Hello.") as upstream:
        (tmp_path / "conftest.py").write_text(CONFTEST.replace("UPSTREAM", repr(upstream.base_url)))
        out, files = run()
        assert "1 passed" in out
        assert "there is no cassette" in out
        assert "--codex-record" in out
        assert files == {}
        out, files = run("--codex-record")
        assert "1 failed, 3 passed" in out, out
        folder = "cassettes/test_agent"
        kept = {f"{folder}/TestAgent.test_recorded-one-.json", f"{folder}/TestAgent.test_recorded-t-wo-.json"}
        assert {name.replace("-.json", ".json") for name in files} == {name.replace("-.json", ".json") for name in kept}
        assert "marker" not in "".join(files.values())
        asked = len(upstream.requests)
        out, files = run("--codex-record=auto", broken=False)
        assert "4 passed" in out, out
        assert len(files) == 3
        assert len(upstream.requests) == asked + 1
    out, _ = run(broken=False)
    assert "4 passed" in out, out
    assert "invalid choice" in run("--codex-record=never")[0]
