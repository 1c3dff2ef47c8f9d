"""AGENTS.md and the like: what a repository calls its instructions is sent to the provider, so it is a file of the repository that commands may read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from codex_cffi.testing import ScriptedModel
from support import MakeCodex

SECRET = "swordfish-of-the-host"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A file of the user's."""
    path = tmp_path / "outside" / "notes.md"
    path.parent.mkdir()
    path.write_text(f"{SECRET}\n")
    return path


def sent(make_codex: MakeCodex, folder: Path, **options: Any) -> str:
    """What the provider gets in a turn in a folder."""
    with ScriptedModel(["ok"]) as model:
        codex = make_codex(model, **options)
        codex.start_thread(working_directory=folder, skip_git_repo_check=True).run("go", timeout=60)
        return str(model.requests[0].body)


def test_a_link_that_leads_out_is_not_followed(make_codex: MakeCodex, repo: Path, outside: Path) -> None:
    (repo / "AGENTS.md").symlink_to(outside)
    assert SECRET not in sent(make_codex, repo)


def test_nor_through_folders_and_other_links(make_codex: MakeCodex, repo: Path, outside: Path) -> None:
    (repo / "docs").symlink_to(outside.parent)
    (repo / "CLAUDE.md").symlink_to("docs/notes.md")
    (repo / "AGENTS.md").symlink_to("CLAUDE.md")
    assert SECRET not in sent(make_codex, repo)


def test_nor_from_a_folder_that_is_no_repository(make_codex: MakeCodex, tmp_path: Path, outside: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "AGENTS.md").symlink_to(outside)
    assert SECRET not in sent(make_codex, folder)


@pytest.mark.parametrize("name", ["AGENTS.override.md", "TEAM.md"])
def test_nor_under_the_other_names(make_codex: MakeCodex, repo: Path, outside: Path, name: str) -> None:
    (repo / name).symlink_to(outside)
    assert SECRET not in sent(make_codex, repo, config={"project_doc_fallback_filenames": ["TEAM.md"]})


def test_the_codex_home_is_never_instructions(make_codex: MakeCodex, repo: Path, codex_home: Path) -> None:
    """Nor if the project is trusted."""
    codex_home.mkdir(mode=0o700)
    (codex_home / "notes.md").write_text(SECRET)
    (repo / "AGENTS.md").symlink_to(codex_home / "notes.md")
    assert SECRET not in sent(make_codex, repo)
    assert SECRET not in sent(make_codex, repo, trust_project=True)


def test_links_within_the_repository_are_followed(make_codex: MakeCodex, repo: Path) -> None:
    (repo / "docs").mkdir()
    (repo / "docs" / "agents.md").write_text("Be brief at the top.")
    (repo / "AGENTS.md").symlink_to("docs/agents.md")
    inner = repo / "packages" / "one"
    inner.mkdir(parents=True)
    (repo / "packages" / "style.md").write_text("Be brief below.")
    (inner / "AGENTS.md").symlink_to("../style.md")
    body = sent(make_codex, inner)
    assert "Be brief at the top." in body
    assert "Be brief below." in body


def test_a_trusted_project_may_link_elsewhere(make_codex: MakeCodex, repo: Path, outside: Path) -> None:
    (repo / "AGENTS.md").symlink_to(outside)
    assert SECRET in sent(make_codex, repo, trust_project=True)


@pytest.mark.parametrize("link", [".agents", ".agents/skills", ".agents/skills/leak"])
def test_skills_that_lead_out_are_not_told(make_codex: MakeCodex, repo: Path, tmp_path: Path, link: str) -> None:
    outside = tmp_path / "outside"
    skill = outside / Path(".agents/skills/leak/SKILL.md").relative_to(link)
    skill.parent.mkdir(parents=True)
    skill.write_text(f"---\nname: leak\ndescription: Is {SECRET}.\n---\n")
    (repo / link).parent.mkdir(parents=True, exist_ok=True)
    (repo / link).symlink_to(outside)
    assert SECRET not in sent(make_codex, repo)
    assert SECRET in sent(make_codex, repo, trust_project=True)
    assert SECRET not in sent(make_codex, repo), "nor after it was trusted once"


def test_skills_that_are_linked_within_the_repository_are_told(make_codex: MakeCodex, repo: Path) -> None:
    skill = repo / "tools" / "help" / "SKILL.md"
    skill.parent.mkdir(parents=True)
    skill.write_text("---\nname: help\ndescription: Is of the repository.\n---\n")
    (repo / ".agents").mkdir()
    (repo / ".agents" / "skills").symlink_to("../tools")
    assert "Is of the repository." in sent(make_codex, repo)


def test_what_commands_may_not_read_is_not_read(make_codex: MakeCodex, repo: Path) -> None:
    (repo / "secret.md").write_text(SECRET)
    (repo / "AGENTS.md").symlink_to("secret.md")
    denied = {":root": "read", str(repo / "secret.md"): "deny"}
    config = {"default_permissions": "narrow", "permissions": {"narrow": {"filesystem": denied}}}
    assert SECRET not in sent(make_codex, repo, config=config)
    del denied[str(repo / "secret.md")]
    assert SECRET in sent(make_codex, repo, config=config)


def test_a_huge_file_is_read_as_far_as_it_is_used(make_codex: MakeCodex, repo: Path) -> None:
    path = repo / "AGENTS.md"
    path.write_text("Be brief.\n" + "x" * 100_000)
    os.truncate(path, 1 << 40)
    body = sent(make_codex, repo)
    assert "Be brief." in body
    assert len(body) < 300_000


def test_what_is_no_file_does_not_hold_up(make_codex: MakeCodex, repo: Path) -> None:
    os.mkfifo(repo / "AGENTS.override.md")
    (repo / "AGENTS.md").symlink_to("/dev/zero")
    assert "go" in sent(make_codex, repo)


def test_a_huge_skill_is_not_read(make_codex: MakeCodex, repo: Path) -> None:
    for name, size in {"small": 100, "large": 400 << 20}.items():
        path = repo / ".agents" / "skills" / name / "SKILL.md"
        path.parent.mkdir(parents=True)
        path.write_text(f"---\nname: {name}\ndescription: Is {name}.\n---\n")
        os.truncate(path, max(size, path.stat().st_size))
    with ScriptedModel([]) as model:
        skills = make_codex(model).skills.list(working_directory=repo)
    names = {skill.name for skill in skills}
    assert "small" in names
    assert "large" not in names
