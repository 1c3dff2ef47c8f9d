"""Models that the engine does not know: what it assumes and tells, and what a program tells it of them."""

from __future__ import annotations

import asyncio
import json
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest

from codex_cffi import AsyncCodex, Codex, CommandExecution, ConfigError, FileChange, ImageBytes, Turn, tool
from codex_cffi.events import TokenUsageUpdated, WarningEvent
from codex_cffi.items import ContextCompaction
from codex_cffi.models import ModelInfo, from_catalog
from codex_cffi.testing import ScriptedModel, apply_patch, custom_tool_call, function_call, shell, text, usage
from support import MakeCodex

UNSANDBOXED: dict[str, Any] = {"sandbox_mode": "danger-full-access"}
PATCH = "*** Begin Patch\n*** Update File: a.txt\n@@\n-one\n+two\n*** End Patch\n"
SCRIPT = r"""
    const { output } = await tools.exec_command({ cmd: "cat a.txt" });
    await tools.apply_patch(["*** Begin Patch", "*** Update File: a.txt", "@@", "-one", "+two", "*** End Patch", ""].join("\n"));
    text(output.trim() + " " + await tools.owner({ name: "billing" }));
"""


@tool
def owner(name: str) -> str:
    """Team that owns a service."""
    return f"the {name} team"


def offered(model: ScriptedModel) -> set[str]:
    """Tools of the last request; the newest models get them as a part of the input."""
    body = model.last_request.body
    tools = body.get("tools") or next(entry["tools"] for entry in body["input"] if "tools" in entry)
    return {entry.get("name") or entry["type"] for entry in tools}


def picture() -> bytes:
    """A PNG of one pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0\0\0\0")) + chunk(b"IEND", b"")


def warnings(codex: Codex, repo: Path, name: str, **options: Any) -> list[str]:
    """What a turn of the model warns of."""
    stream = codex.start_thread(working_directory=repo, model=name, **options).run_streamed("go")
    return [event.message for event in stream if isinstance(event, WarningEvent)]


def test_a_model_that_nobody_knows_works_and_what_is_assumed_is_told(make_codex: MakeCodex, repo: Path) -> None:
    (repo / "a.txt").write_text("one\n")
    steps = [
        shell("cat a.txt", call_id="read"),
        shell("sed -i s/one/two/ a.txt"),
        function_call("owner", {"name": "x"}, call_id="own"),
        "done",
    ]
    with ScriptedModel(steps) as model:
        codex = make_codex(model, tools=[owner])
        (warning,) = warnings(codex, repo, "gpt-9", **UNSANDBOXED)
        assert "one" in model.requests[1].tool_output("read")
        assert model.last_request.tool_output("own") == "the x team"
        assert model.last_request.body["model"] == "gpt-9"
    assert (repo / "a.txt").read_text() == "two\n"
    assert warning.startswith(
        "The model gpt-9 is not known to this engine; it is taken as one with a context window of 272,000 tokens"
    )
    assert warning.endswith("Give a ModelInfo.")


def test_a_window_of_the_configuration_is_what_is_assumed(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel(default="ok") as model:
        (warning,) = warnings(make_codex(model, config={"model_context_window": 32_000}), repo, "gpt-9")
    assert "32,000 tokens" in warning


@pytest.mark.parametrize(("name", "like"), [("gpt-5.5-turbo", "gpt-5.5"), ("vendor/gpt-5.5-turbo", "gpt-5.5"), ("gpt-5.4-mini-x", "gpt-5.4-mini")])  # fmt: skip
def test_a_model_that_is_taken_for_another_is_told(make_codex: MakeCodex, repo: Path, name: str, like: str) -> None:
    with ScriptedModel(default="ok") as model:
        (warning,) = warnings(make_codex(model), repo, name)
    assert warning.startswith(f"The model {name} is not known to this engine; it is taken as {like},")


@pytest.mark.parametrize("name", ["gpt-5.5", "gpt-5.5-2026-04-01", "gpt-5.4-mini", "openai/gpt-5.5"])
def test_a_known_model_and_its_snapshots_are_no_news(make_codex: MakeCodex, repo: Path, name: str) -> None:
    with ScriptedModel(default="ok") as model:
        assert warnings(make_codex(model), repo, name) == []


def test_calling_tools_directly(make_codex: MakeCodex, repo: Path) -> None:
    (repo / "a.txt").write_text("one\n")
    info = ModelInfo(
        "gpt-9",
        context_window=400_000,
        apply_patch=True,
        parallel_tool_calls=True,
        verbosity=True,
        tool_mode="direct",
        instructions="You are nine.",
    )
    steps = [
        shell("cat a.txt", call_id="read"),
        apply_patch(PATCH),
        function_call("owner", {"name": "x"}, call_id="own"),
        "done",
    ]
    with ScriptedModel(steps) as model:
        codex = make_codex(model, tools=[owner], models=[info], config={"model_verbosity": "low"})
        thread = codex.start_thread(working_directory=repo, model="gpt-9", **UNSANDBOXED)
        events = list(thread.run_streamed("go"))
        body = model.last_request.body
        assert {"apply_patch", "owner"} <= offered(model)
        assert "one" in model.requests[1].tool_output("read")
        assert model.last_request.tool_output("own") == "the x team"
    assert (body["parallel_tool_calls"], body["text"]["verbosity"], body["instructions"]) == (
        True,
        "low",
        "You are nine.",
    )
    assert (repo / "a.txt").read_text() == "two\n"
    assert not [event for event in events if isinstance(event, WarningEvent)]
    windows = {event.model_context_window for event in events if isinstance(event, TokenUsageUpdated)}
    assert windows == {380_000}  # of which the engine keeps a part for what comes with it


def test_acting_by_scripts(make_codex: MakeCodex, repo: Path) -> None:
    (repo / "a.txt").write_text("one\n")
    info = ModelInfo("gpt-9", tool_mode="code_mode_only", apply_patch=True, context_window=400_000)
    with ScriptedModel([custom_tool_call("exec", SCRIPT, call_id="script"), "done"]) as model:
        codex = make_codex(model, tools=[owner], models=[info])
        turn = codex.start_thread(working_directory=repo, model="gpt-9", **UNSANDBOXED).run("go", timeout=60)
        assert {"exec", "wait"} <= offered(model)
        assert not {"exec_command", "owner", "apply_patch"} & offered(model)
        assert "one the billing team" in model.last_request.tool_output("script")
    assert (turn.final_response, (repo / "a.txt").read_text()) == ("done", "two\n")
    assert {CommandExecution, FileChange} <= {type(item) for item in turn.items}


def test_scripts_and_direct_calls(make_codex: MakeCodex, repo: Path) -> None:
    (repo / "a.txt").write_text("one\n")
    info = ModelInfo("gpt-9", tool_mode="code_mode", apply_patch=True)
    steps = [
        custom_tool_call("exec", SCRIPT, call_id="script"),
        function_call("owner", {"name": "x"}, call_id="own"),
        "done",
    ]
    with ScriptedModel(steps) as model:
        codex = make_codex(model, tools=[owner], models=[info])
        codex.start_thread(working_directory=repo, model="gpt-9", **UNSANDBOXED).run("go", timeout=60)
        assert {"exec", "owner"} <= offered(model)
        assert "one the billing team" in model.last_request.tool_output("script")
        assert model.last_request.tool_output("own") == "the x team"


@pytest.mark.parametrize(
    ("like", "tools"), [("gpt-5.6-sol", {"exec", "wait"}), ("gpt-5.5", {"exec_command", "apply_patch"})]
)
def test_a_model_like_a_known_one(make_codex: MakeCodex, repo: Path, like: str, tools: set[str]) -> None:
    with ScriptedModel(default="ok") as model:
        codex = make_codex(model, models=[ModelInfo("gpt-9", like=like, context_window=1_000_000)])
        assert warnings(codex, repo, "gpt-9") == []
        assert tools <= offered(model)
        assert "Codex" in json.dumps([model.last_request.body.get("instructions"), model.last_request.body["input"]])


def test_a_known_model_told_otherwise(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel(default="ok") as model:
        codex = make_codex(model, models=[ModelInfo("gpt-5.5", like="gpt-5.5", parallel_tool_calls=False)])
        codex.start_thread(working_directory=repo, model="gpt-5.5").run("go")
        assert model.last_request.body["parallel_tool_calls"] is False
        assert [entry.id for entry in codex.models.list()].count("gpt-5.5") == 1


def test_images_go_to_models_that_take_them(make_codex: MakeCodex, repo: Path) -> None:

    png = picture()
    seen = {}
    with ScriptedModel(default="ok") as model:
        models = [ModelInfo("sees"), ModelInfo("blind", input_modalities=["text"])]
        codex = make_codex(model, models=models)
        for name in ("sees", "blind"):
            codex.start_thread(working_directory=repo, model=name).run(["look", ImageBytes(png)])
            seen[name] = "input_image" in json.dumps(model.last_request.body["input"])
    assert seen == {"sees": True, "blind": False}


def test_the_conversation_is_summarized_from_the_limit_on(make_codex: MakeCodex, repo: Path) -> None:
    steps = [[text("one"), usage(input_tokens=9_000)], [text("A summary."), usage(input_tokens=10)], "two"]
    with ScriptedModel(steps) as model:
        codex = make_codex(model, models=[ModelInfo("gpt-9", context_window=400_000, auto_compact_limit=5_000)])
        thread = codex.start_thread(working_directory=repo, model="gpt-9")
        thread.run("go")
        turn: Turn[Any] = thread.run("on")
    assert any(isinstance(item, ContextCompaction) for item in turn.items)
    assert turn.final_response == "two"


def test_efforts_are_passed_on_as_they_are_called(make_codex: MakeCodex, repo: Path) -> None:
    info = ModelInfo("gpt-9", reasoning_efforts=["low", "hyper", "warp-9"], default_reasoning_effort="hyper")
    with ScriptedModel(default="ok") as model:
        thread = make_codex(model, models=[info]).start_thread(working_directory=repo, model="gpt-9")
        sent = []
        for effort in (None, "warp-9", "low"):
            thread.run("go", reasoning_effort=effort)
            sent.append(model.last_request.body["reasoning"]["effort"])
        assert sent == ["hyper", "warp-9", "low"]
        for change in (thread.run_streamed, lambda _, **options: thread.update(**options)):
            with pytest.raises(
                ValueError, match=r"model gpt-9 has no reasoning effort 'high'; .*'low', 'hyper', 'warp-9'"
            ):
                change("go", reasoning_effort="high")  # type: ignore[operator]
        assert thread.run("go", model="other", reasoning_effort="high").final_response == "ok"
        with pytest.raises(ValueError, match="has no reasoning effort"):
            thread.run("go", model="gpt-9", reasoning_effort="high")


def test_an_effort_of_the_configuration(make_codex: MakeCodex, repo: Path) -> None:
    info = ModelInfo("gpt-9", reasoning_efforts=["hyper"])
    with pytest.raises(ValueError, match="model gpt-9 has no reasoning effort 'high'"):
        make_codex(models=[info], config={"model": "gpt-9", "model_reasoning_effort": "high"})
    with ScriptedModel(default="ok") as model:
        codex = make_codex(model, models=[info], config={"model": "gpt-9", "model_reasoning_effort": "hyper"})
        codex.start_thread(working_directory=repo).run("go")
        assert (model.last_request.body["model"], model.last_request.body["reasoning"]["effort"]) == ("gpt-9", "hyper")


def test_they_are_listed(make_codex: MakeCodex) -> None:
    infos = [
        ModelInfo(
            "gpt-9", description="The ninth.", reasoning_efforts=["low", "ultra"], default_reasoning_effort="low"
        ),
        ModelInfo("gpt-9-nano", input_modalities=["text"]),
    ]
    found = {entry.id: entry for entry in make_codex(models=infos).models.list()}
    assert "gpt-5.5" in found
    nine = found["gpt-9"]
    assert (nine.description, nine.default_reasoning_effort) == ("The ninth.", "low")
    assert [effort.reasoning_effort for effort in nine.supported_reasoning_efforts] == ["low", "ultra"]
    assert [str(modality) for modality in found["gpt-9-nano"].input_modalities or ()] == ["text"]


def test_forks_have_it(make_codex: MakeCodex, repo: Path) -> None:
    info = ModelInfo("gpt-9", reasoning_efforts=["hyper"], default_reasoning_effort="hyper")
    with ScriptedModel(default="ok") as model:
        codex = make_codex(model, models=[info])
        thread = codex.start_thread(working_directory=repo, model="gpt-9")
        thread.run("go")
        thread.fork().run("on")
        assert {request.body["model"] for request in model.requests} == {"gpt-9"}
        assert {request.body["reasoning"]["effort"] for request in model.requests} == {"hyper"}


def test_a_catalogue(make_codex: MakeCodex, repo: Path, tmp_path: Path) -> None:
    entry = {
        "slug": "gpt-9",
        "display_name": "GPT-9",
        "context_window": 400_000,
        "tool_mode": "code_mode_only",
        "supported_reasoning_levels": [{"effort": "ultra", "description": "Much"}],
        "input_modalities": ["text", "smell"],
        "of_a_newer_engine": {"x": 1},
    }
    file = tmp_path / "models.json"
    file.write_text(json.dumps({"models": [entry]}))
    (info,) = from_catalog(file)
    assert from_catalog({"models": [entry]}) == [info]
    assert (info.name, info.context_window, info.reasoning_efforts, info.input_modalities) == (
        "gpt-9",
        400_000,
        ("ultra",),
        ("text",),
    )
    with ScriptedModel(default="ok") as model:
        codex = make_codex(model, models=[info])
        codex.start_thread(working_directory=repo, model="gpt-9").run("go")
        assert {"exec", "wait"} <= offered(model)
        (listed,) = [entry for entry in codex.models.list() if entry.id == "gpt-9"]
    assert (listed.display_name, listed.supported_reasoning_efforts[0].description) == ("GPT-9", "Much")


def test_a_provider_s_list_may_be_newer_than_the_engine(make_codex: MakeCodex, repo: Path) -> None:
    entry = {
        "slug": "gpt-9",
        "display_name": "GPT-9",
        "shell_type": "telepathy",
        "tool_mode": "code_mode_only",
        "context_window": 400_000,
        "supported_reasoning_levels": [{"effort": "ultra", "description": "Much"}],
        "visibility": "list",
        "supported_in_api": True,
        "newer": {"x": 1},
    }
    with ScriptedModel(default="ok", models=[{"display_name": "nameless"}, entry]) as model:
        config = model.provider_config()
        for provider in config["model_providers"].values():
            provider["auth"] = {"command": "/bin/echo", "args": ["token"]}
        codex = make_codex(config=config)
        (listed,) = [entry for entry in codex.models.list() if entry.id == "gpt-9"]
        assert warnings(codex, repo, "gpt-9") == []
        assert {"exec", "wait"} <= offered(model)
    assert (listed.display_name, listed.supported_reasoning_efforts[0].reasoning_effort) == ("GPT-9", "ultra")


@pytest.mark.parametrize(
    ("catalog", "said"),
    [({}, "models"), ({"models": "x"}, "models"), ({"models": [{}]}, "slug"), ({"models": [5]}, "slug")],
)
def test_what_is_no_catalogue(catalog: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        from_catalog(catalog)


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"name": ""}, ValueError),
        ({"name": 5}, TypeError),
        ({"context_window": 0}, ValueError),
        ({"context_window": "big"}, TypeError),
        ({"auto_compact_limit": True}, TypeError),
        ({"tool_mode": "telepathy"}, ValueError),
        ({"shell_type": "fish"}, ValueError),
        ({"apply_patch": "yes"}, TypeError),
        ({"reasoning_efforts": "low"}, TypeError),
        ({"reasoning_efforts": [1]}, TypeError),
        ({"reasoning_efforts": ["low"], "default_reasoning_effort": "high"}, ValueError),
        ({"input_modalities": ["smell"]}, ValueError),
        ({"other": 5}, TypeError),
    ],
)
def test_bad_values(given: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        ModelInfo(**{"name": "gpt-9", **given})


@pytest.mark.parametrize(
    ("models", "error", "said"),
    [
        ("gpt-9", TypeError, "models must be a list"),
        ([{"slug": "gpt-9"}], TypeError, "ModelInfo"),
        ([ModelInfo("a"), ModelInfo("a")], ValueError, "'a'"),
        (
            [ModelInfo("a", like="gpt-8")],
            ConfigError,
            r"a is to be like gpt-8, which this engine does not know; it knows .*gpt-5\.5",
        ),
        ([ModelInfo("a", other={"truncation_policy": "none"})], ConfigError, "models: a: "),
    ],
)
def test_bad_models(make_codex: MakeCodex, models: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        make_codex(models=models)


def test_the_asynchronous_twin(codex_home: Path, repo: Path) -> None:
    async def main(model: ScriptedModel) -> list[str]:
        infos = [ModelInfo("gpt-9", tool_mode="code_mode_only", reasoning_efforts=["ultra"])]
        async with AsyncCodex(
            codex_home=codex_home, isolated=True, models=infos, config=model.provider_config()
        ) as codex:
            thread = await codex.start_thread(working_directory=repo, model="gpt-9")
            with pytest.raises(ValueError, match="has no reasoning effort"):
                await thread.run("go", reasoning_effort="high")
            await thread.run("go", reasoning_effort="ultra")
            return [entry.id for entry in await codex.models.list()]

    with ScriptedModel(default="ok") as model:
        assert "gpt-9" in asyncio.run(main(model))
        assert {"exec", "wait"} <= offered(model)
