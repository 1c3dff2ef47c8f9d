"""Skills given in code and on disk: what the model is told of them, and when."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from codex_cffi import AlreadyExistsError, AsyncCodex, LocalImage, NotFoundError, Skill, TextInput
from codex_cffi.testing import ModelRequest, ScriptedModel, shell
from support import MakeCodex, wait_until

NOTES = "Write release notes for users.\n\nNever name commits."
SKILLS: dict[str, Any] = {
    "release notes": NOTES,
    "release": "Tag the release.",
    "style": Skill("Be terse.", description="How to write."),
}


def injected(request: ModelRequest) -> list[str]:
    """Names of the skills whose text the model got with the last message, in order."""
    texts = [text for text in request.input_texts if "<skill>" in text]
    return [text.partition("<name>")[2].partition("</name>")[0] for text in texts]


def told(model: ScriptedModel) -> str:
    return "\n".join(model.requests[-1].input_texts)


@pytest.mark.parametrize(
    ("prompt", "names"),
    [
        ("$release notes for 2.0", ["release notes"]),
        ("$release now", ["release"]),
        ("Do $release, then $style.", ["release", "style"]),
        ("$release notes, and again $release notes", ["release notes"]),
        ("$releases", []),
        ("@style please", []),
        ("nothing", []),
    ],
)
def test_dollar_calls_for_a_skill(make_codex: MakeCodex, repo: Path, prompt: str, names: list[str]) -> None:
    with ScriptedModel(["ok"]) as model:
        make_codex(model, skills=SKILLS).start_thread(working_directory=repo).run(prompt, timeout=60)
    assert sorted(injected(model.requests[0])) == sorted(names)
    assert prompt in model.requests[0].user_texts
    if "release notes" in names:
        assert "Never name commits." in told(model)


@pytest.mark.parametrize(
    ("prompt", "names"), [("@release notes", ["release notes"]), ("me@style.org", []), ("$style", ["style"])]
)
def test_at_calls_for_one_if_it_shall(make_codex: MakeCodex, repo: Path, prompt: str, names: list[str]) -> None:
    with ScriptedModel(["ok"]) as model:
        codex = make_codex(model, skills=SKILLS, mention_skills_with_at=True)
        codex.start_thread(working_directory=repo).run([TextInput(prompt)], timeout=60)
    assert injected(model.requests[0]) == names


def test_the_model_knows_what_there_is(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel(["ok"]) as model:
        make_codex(model, skills=SKILLS).start_thread(working_directory=repo).run("hi", timeout=60)
    assert "release notes: Write release notes for users." in told(model)
    assert "style: How to write." in told(model)


def test_resources_lie_beside_it_while_the_client_is_open(make_codex: MakeCodex, repo: Path, tmp_path: Path) -> None:
    (tmp_path / "logo.bin").write_bytes(b"\x00logo")
    skill = Skill(
        "See template.md.",
        resources={"template.md": "# {version}", "data/raw.bin": b"\x01", "logo.bin": tmp_path / "logo.bin"},
    )
    with ScriptedModel() as model:

        def read(request: ModelRequest) -> Any:
            (text,) = [text for text in request.input_texts if "<skill>" in text]
            folder = text.partition("<path>")[2].partition("/SKILL.md")[0]
            return shell(f"cat '{folder}/template.md'; wc -c < '{folder}/data/raw.bin'", call_id="read")

        model.script([read, "ok"], user_text="$notes")
        codex = make_codex(model, skills={"notes": skill})
        codex.start_thread(working_directory=repo).run("$notes", timeout=60)
        model.assert_tool_output("read", contains="# {version}")
        (info,) = [info for info in codex.skills.list(repo) if info.name == "notes"]
        assert (info.path.parent / "logo.bin").read_bytes() == b"\x00logo"
        codex.close()
    assert not info.path.exists()


def test_folders_on_disk(make_codex: MakeCodex, repo: Path, tmp_path: Path) -> None:
    one, many = tmp_path / "one", tmp_path / "many"
    for folder, name in ((one, "one skill"), (many / "a", "two"), (many / "b", "three")):
        folder.mkdir(parents=True)
        (folder / "SKILL.md").write_text(f"---\nname: {name}\ndescription: Does {name}.\n---\n\nBody of {name}.\n")
    with ScriptedModel(["ok", "ok"]) as model:
        codex = make_codex(model, skills=[one, many])
        thread = codex.start_thread(working_directory=repo)
        thread.run("$one skill", timeout=60)
        assert injected(model.requests[0]) == ["one skill"]
        assert "Body of one skill." in told(model)
        thread.run("$three", timeout=60)
        assert "Body of three." in told(model)
        names = {info.name for info in codex.skills.list(repo) if info.in_code}
    assert names == {"one skill", "two", "three"}
    assert (one / "SKILL.md").exists(), "the host's folders stay"


def test_the_engine_s_own_places(make_codex: MakeCodex, repo: Path) -> None:
    folder = repo / ".agents" / "skills" / "local"
    folder.mkdir(parents=True)
    (folder / "SKILL.md").write_text("---\nname: local\ndescription: Of this repository.\n---\n\nBody of local.\n")
    with ScriptedModel(["ok"]) as model:
        codex = make_codex(model, skills=SKILLS)
        (info,) = [info for info in codex.skills.list(repo) if info.name == "local"]
        assert (info.scope, info.in_code, info.enabled, info.description) == (
            "repo",
            False,
            True,
            "Of this repository.",
        )
        codex.start_thread(working_directory=repo).run("$local", timeout=60)
    assert injected(model.requests[0]) == ["local"]


def test_a_thread_s_choice(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel(["ok"] * 3) as model:
        codex = make_codex(model, skills=SKILLS)
        codex.start_thread(working_directory=repo, skills=["style"]).run("$style and $release", timeout=60)
        assert injected(model.requests[-1]) == ["style"]
        assert "Tag the release." not in told(model)
        codex.start_thread(working_directory=repo, skills=[]).run("$style", timeout=60)
        assert injected(model.requests[-1]) == []
        codex.start_thread(working_directory=repo).run("$style and $release", timeout=60)
        assert sorted(injected(model.requests[-1])) == ["release", "style"]
        with pytest.raises(NotFoundError, match="no skill 'nope'; it has release notes, release, style"):
            codex.start_thread(working_directory=repo, skills=["nope"])
        with pytest.raises(TypeError, match="list of names"):
            codex.start_thread(working_directory=repo, skills="style")


def test_a_choice_on_resume_and_fork(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel(["ok"] * 4) as model:
        codex = make_codex(model, skills=SKILLS)
        thread = codex.start_thread(working_directory=repo, skills=["style"])
        thread.run("hi", timeout=60)
        thread.fork().run("$style and $release", timeout=60)
        assert injected(model.requests[-1]) == ["style"]
        thread.fork(skills=["release"]).run("$style and $release", timeout=60)
        assert injected(model.requests[-1]) == ["release"]
        thread.close()
        codex.resume_thread(thread.id, skills=["release"]).run("$style and $release", timeout=60)
        assert injected(model.requests[-1]) == ["release"]


def test_skills_come_and_go(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel(["ok"] * 4) as model:
        codex = make_codex(model)
        thread = codex.start_thread(working_directory=repo)
        thread.run("$late", timeout=60)
        assert injected(model.requests[-1]) == []
        codex.register_skill("late", "Better late than never.")
        thread.run("$late", timeout=60)
        assert "Better late than never." in told(model)
        with pytest.raises(AlreadyExistsError, match="'late'"):
            codex.register_skill("late", "again")
        codex.unregister_skill("late")
        assert "late" not in {info.name for info in codex.skills.list(repo)}
        with pytest.raises(NotFoundError, match=r"'late'.*none"):
            codex.unregister_skill("late")
        codex.register_skill("late", "Now otherwise.")
        thread.run("$late", timeout=60)
        assert "Now otherwise." in told(model)


def test_steering_may_call_for_one(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel([shell("sleep 0.5", yield_time_ms=5000), "ok"]) as model:
        thread = make_codex(model, skills=SKILLS).start_thread(working_directory=repo)
        with thread.run_streamed("go", timeout=60) as stream:
            wait_until(lambda: len(model.requests) == 1)
            thread.steer("in $style")
            list(stream)
    assert "in $style" in model.requests[-1].user_texts


def test_a_hook_may_call_for_one(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel(["ok"]) as model:
        codex = make_codex(model, skills=SKILLS, before_start=lambda thread, said: f"{said} $style")
        codex.start_thread(working_directory=repo).run("hi", timeout=60)
    assert injected(model.requests[0]) == ["style"]


def test_front_matter_in_code(make_codex: MakeCodex, repo: Path) -> None:
    text = '---\nname: ignored\ndescription: "From the front matter"\n---\n# Title\n\nBody.'
    with ScriptedModel([]) as model:
        codex = make_codex(model, skills={"mine": text, 'a "quoted": name': "# Heading\nText"})
        found = {info.name: info.description for info in codex.skills.list(repo) if info.in_code}
    assert found == {"mine": "From the front matter", 'a "quoted": name': "Heading"}


@pytest.mark.parametrize(
    ("skills", "error", "said"),
    [
        ("text", TypeError, "mapping of names"),
        ({"": "x"}, ValueError, "1 to 64 characters"),
        ({"a\nb": "x"}, ValueError, "one line"),
        ({"a" * 65: "x"}, ValueError, "1 to 64 characters"),
        ({"a": ""}, ValueError, "'a' has no text"),
        ({"a": 3}, TypeError, "a text, a Skill or a folder"),
        (["a"], TypeError, "folders"),
        ([Path("/nowhere")], FileNotFoundError, "no skill folder"),
        ({"a": Skill("x", resources={"../b": "y"})}, ValueError, "relative path"),
        ({"a": Skill("x", resources={"/b": "y"})}, ValueError, "relative path"),
        ({"a": Skill("x", resources={"SKILL.md": "y"})}, ValueError, "relative path"),
        ({"a": LocalImage("x")}, TypeError, "a text, a Skill or a folder"),
    ],
)
def test_bad_skills(make_codex: MakeCodex, skills: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        make_codex(skills=skills)


def test_a_folder_without_a_skill(make_codex: MakeCodex, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"has a SKILL\.md"):
        make_codex(skills=[tmp_path])


def test_the_asynchronous_twin(codex_home: Path, repo: Path) -> None:
    async def main() -> None:
        with ScriptedModel(["ok", "ok"]) as model:
            options = {"codex_home": codex_home, "isolated": True, "config": model.provider_config()}
            async with AsyncCodex(skills=SKILLS, **options) as codex:
                await (await codex.start_thread(working_directory=repo)).run("$release notes", timeout=60)
                assert injected(model.requests[-1]) == ["release notes"]
                await codex.register_skill("late", "Late.")
                assert "late" in {info.name for info in await codex.skills.list(repo)}
                await (await codex.start_thread(working_directory=repo, skills=["late"])).run("$late", timeout=60)
                assert injected(model.requests[-1]) == ["late"]
                await codex.unregister_skill("late")

    asyncio.run(main())
