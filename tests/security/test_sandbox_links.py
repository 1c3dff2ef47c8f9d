"""Links at `.git`, `.codex` and `.agents` of a workspace, and at the codex home: commands run, and neither the link nor what it leads to can be changed.

Every attack is a function of a folder and a sandbox mode. It runs as the user of the tests, and, where that is root, as an ordinary user too.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from test_sandbox_files import NETWORK, READ, SECRET, WRITE, agent, in_mode, make_home, repository, run

from codex_cffi import Codex, CommandExecution, SandboxUnavailableError
from codex_cffi.testing import ScriptedModel, apply_patch
from support import need
from support.unprivileged import assert_held_as_user, remove, user_folder

ROOT_USER = os.geteuid() == 0
MODES = (WRITE, NETWORK)
NAMES = (".git", ".codex", ".agents")


@pytest.fixture(scope="module", autouse=True)
def bubblewrap() -> None:
    need("bwrap", "bubblewrap")


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    made = user_folder("links")
    for name in ("tmp", "home"):
        (made / name).mkdir()
    monkeypatch.setenv("HOME", str(made / "home"))
    monkeypatch.setenv("TMPDIR", str(made / "tmp"))
    yield made
    remove(made)


def snapshot(*folders: Path) -> dict[str, Any]:
    """All that is in some folders: what links lead to, what files have, and what the folders are."""
    found: dict[str, Any] = {}
    for top in folders:
        for path in (top, *sorted(top.rglob("*"))):
            if path.is_symlink():
                found[str(path)] = os.readlink(path)
            else:
                found[str(path)] = (path.stat().st_ino, path.read_bytes() if path.is_file() else None)
    return found


#: Whatever may replace a link, what it leads to, or a folder on the way, and fill it with what the host would read. `$P` is one of those.
ATTACK = """
for P in {places}; do
  echo planted > $P; echo planted > $P/config; echo planted > $P/config.toml; mkdir -p $P/hooks $P/skills/x; touch $P/x
  ln -sfn {evil} $P; ln -sf {evil} $P; rm -rf $P/*; rm -f $P; rmdir $P; unlink $P; mv $P $P.old; mv {evil} $P; mv -T {evil} $P; mv -fT {other} $P
  python3 -c "import os; os.rename('{other}', '$P')"; mkdir -p $P; cp -r {evil}/. $P/; chmod 777 $P; umount $P; mount --bind {evil} $P
  echo planted > $P/config
done
touch {done}
"""


def attack(repo: Path, *places: Path) -> str:
    """A command that tries it on each of some places; what it puts there is in a folder of the workspace."""
    evil, other = repo / "evil", repo / "other"
    evil.mkdir(exist_ok=True)
    (evil / "config").write_text("planted\n")
    other.symlink_to("evil")
    script = repo / "attack.sh"
    script.write_text(ATTACK.format(places=" ".join(map(str, places)), evil=evil, other=other, done=repo / "done"))
    return f"sh {script}"


def ran(turn: Any) -> None:
    assert [item for item in turn.items if isinstance(item, CommandExecution)], "no command"


def fill(target: Path) -> Path:
    """What a link leads to, with something in it."""
    (target / "skills" / "mine").mkdir(parents=True)
    (target / "skills" / "mine" / "SKILL.md").write_text("mine\n")
    (target / "config").write_text("mine\n")
    return target


def workspace(folder: Path, name: str) -> Path:
    """A workspace of its own for each case. `.git` is the repository's own unless it is to be a link."""
    base = folder / name
    base.mkdir()
    return repository(base)


def link_is_kept(folder: Path, mode: str) -> None:
    """The link leads to a folder in the workspace, outside of it, and in another place where commands may write."""
    for name in NAMES:
        for where in ("repo/settings/deep", "outside", "extra/deep"):
            case = f"{name}-{where}".replace("/", "-")
            repo = workspace(folder, case)
            base = repo.parent
            target = base / where
            if name == ".git":
                target.parent.mkdir(parents=True, exist_ok=True)
                (repo / name).rename(target)
            else:
                fill(target)
            (repo / name).symlink_to(target if where == "outside" else os.path.relpath(target, repo))
            (base / "extra").mkdir(exist_ok=True)
            command = attack(repo, repo / name, target, target.parent if where != "outside" else target)
            before = snapshot(target), os.readlink(repo / name)
            turn, output = agent(base, base / "codex", mode, run(command), roots=(base / "extra",))
            ran(turn)
            assert (repo / "done").exists(), output
            assert (snapshot(target), os.readlink(repo / name)) == before, case
            if name == ".git":
                subprocess.run(["git", "status"], cwd=repo, check=True, capture_output=True)


@pytest.mark.parametrize("mode", MODES)
def test_a_link_stays_and_leads_where_it_led(folder: Path, mode: str) -> None:
    link_is_kept(folder, mode)


def test_without_a_sandbox_the_attack_works(folder: Path) -> None:
    repo = workspace(folder, "none")
    target = fill(repo / "settings")
    (repo / ".agents").symlink_to("settings")
    before = snapshot(target)
    agent(repo.parent, repo.parent / "codex", "danger-full-access", run(attack(repo, repo / ".agents", target)))
    assert snapshot(target) != before


def links_on_the_way_are_kept(folder: Path, mode: str) -> None:
    """A link to a link, one through a folder that is a link, and all that could be exchanged between."""
    repo = workspace(folder, "way")
    base = repo.parent
    target = fill(repo / "real" / "deep" / "settings")
    (repo / "a" / "b").mkdir(parents=True)
    (repo / "a" / "b" / "second").symlink_to("../../folder/settings")
    (repo / "folder").symlink_to("real/deep")
    (repo / ".agents").symlink_to("a/b/second")
    links = (repo / ".agents", repo / "a" / "b" / "second", repo / "folder")
    places = (*links, target, target.parent, target.parent.parent, repo / "a" / "b", repo / "a")
    command = attack(repo, *places)
    before = snapshot(target), [os.readlink(link) for link in links]
    _, output = agent(base, base / "codex", mode, run(command))
    assert (repo / "done").exists(), output
    assert (snapshot(target), [os.readlink(link) for link in links]) == before
    assert (repo / ".agents").resolve() == target


@pytest.mark.parametrize("mode", MODES)
def test_links_on_the_way(folder: Path, mode: str) -> None:
    links_on_the_way_are_kept(folder, mode)


def links_to_nothing_stay_so(folder: Path, mode: str) -> None:
    """Dangling links, whose target a command would make, and circles."""
    for number, target in enumerate(
        ("nowhere", "not/there/yet", "../extra/nowhere", ".agents", "circle", "/proc/self/root/nowhere")
    ):
        repo = workspace(folder, f"nothing-{number}")
        base = repo.parent
        (base / "extra").mkdir()
        (repo / "circle").symlink_to(".agents")
        (repo / ".agents").symlink_to(target)
        place = Path(os.path.normpath(repo / target))
        command = attack(repo, repo / ".agents", place, repo / "not", repo / "circle")
        _, output = agent(base, base / "codex", mode, run(command), roots=(base / "extra",))
        assert (repo / "done").exists(), output
        assert os.readlink(repo / ".agents") == target
        assert not os.path.exists(repo / ".agents"), target
        assert not place.exists()


@pytest.mark.parametrize("mode", MODES)
def test_links_to_nothing(folder: Path, mode: str) -> None:
    links_to_nothing_stay_so(folder, mode)


def empty_target_stays_empty(folder: Path, mode: str) -> None:
    """What a link leads to is there, but has nothing in it; and it is still there afterwards."""
    repo = workspace(folder, "empty")
    (repo / "settings").mkdir()
    (repo / ".agents").symlink_to("settings")
    command = attack(repo, repo / ".agents", repo / "settings")
    _, output = agent(repo.parent, repo.parent / "codex", mode, run(command))
    assert (repo / "done").exists(), output
    assert (repo / "settings").is_dir()
    assert not list((repo / "settings").iterdir())


@pytest.mark.parametrize("mode", MODES)
def test_a_link_to_an_empty_folder(folder: Path, mode: str) -> None:
    empty_target_stays_empty(folder, mode)


def wide_links_are_refused(folder: Path, mode: str) -> None:
    """A link to what commands are to write, or to what is around it."""
    for number, target in enumerate((".", "..", "/", "home", "repo")):
        repo = workspace(folder, f"wide-{number}")
        base = repo.parent
        to = {"home": base, "repo": repo}.get(target, Path(target))
        for name in NAMES[1:]:
            (repo / name).symlink_to(to)
            with (
                ScriptedModel([[run("touch made")], "done"]) as model,
                Codex(codex_home=base / "codex", isolated=True, config=model.provider_config()) as codex,
            ):
                with pytest.raises(SandboxUnavailableError, match="the sandbox cannot protect it"):
                    codex.start_thread(working_directory=repo, **in_mode(mode))
                # Where commands only read there is nothing to protect.
                codex.start_thread(working_directory=repo, sandbox_mode="read-only")
                (repo / name).unlink()
                thread = codex.start_thread(working_directory=repo, approval_mode="never", **in_mode(mode))
                (repo / name).symlink_to(to)
                turn = thread.run("go", timeout=60)
            (command,) = [item for item in turn.items if isinstance(item, CommandExecution)]
            assert "so it cannot be protected" in (command.aggregated_output or "")
            assert not (repo / "made").exists()
            (repo / name).unlink()


@pytest.mark.parametrize("mode", MODES)
def test_links_to_what_is_around_the_workspace(folder: Path, mode: str) -> None:
    wide_links_are_refused(folder, mode)


def link_to_the_home_shows_nothing(folder: Path, mode: str) -> None:
    """A hostile repository's link to the codex home, and to folders in it: what is hidden stays so."""
    for number, inside in enumerate(("", "skills", "rules")):
        repo = workspace(folder, f"home-{number}")
        base = repo.parent
        home = make_home(base / "codex")
        (home / "rules").mkdir(mode=0o700)
        for name in NAMES[1:]:
            (repo / name).symlink_to(home / inside)
        before = (home / "auth.json").read_bytes(), (home / "config.toml").read_bytes()
        command = "cat .codex/auth.json .agents/auth.json .agents/../auth.json; " + attack(
            repo, repo / ".agents", repo / ".codex"
        )
        _, output = agent(base, home, mode, run(command + "; echo over"))
        assert "over" in output
        assert SECRET not in output
        assert ((home / "auth.json").read_bytes(), (home / "config.toml").read_bytes()) == before
        assert not list((home / "rules").iterdir())
        assert [path.name for path in (home / "skills").iterdir() if path.name != ".system"] == ["mine"]
        assert (home / "skills" / "mine" / "SKILL.md").read_text().endswith("My skill.\n")


@pytest.mark.parametrize("mode", [READ, *MODES])
def test_a_link_to_the_codex_home(folder: Path, mode: str) -> None:
    link_to_the_home_shows_nothing(folder, mode)


def link_that_changes_is_followed_anew(folder: Path, mode: str) -> None:
    """The user changes the link between two commands of a turn: what it leads to now is protected, and what it led to may be written."""
    repo = workspace(folder, "changes")
    first, second = fill(repo / "first"), fill(repo / "second")
    (repo / ".agents").symlink_to("first")

    def change(request: Any) -> Any:
        (repo / ".agents").unlink()
        (repo / ".agents").symlink_to("second")
        return [run("echo now > first/config; echo planted > second/config; echo planted > .agents/config; rm .agents")]

    attempt = "echo planted > first/config; rm .agents; touch done"
    with (
        ScriptedModel([[run(attempt)], change, "done"]) as model,
        Codex(codex_home=repo.parent / "codex", isolated=True, config=model.provider_config()) as codex,
    ):
        thread = codex.start_thread(working_directory=repo, approval_mode="never", **in_mode(mode))
        thread.run("go", timeout=60)
    assert (repo / "done").exists()
    assert [(place / "config").read_text() for place in (first, second)] == ["now\n", "mine\n"]
    assert os.readlink(repo / ".agents") == "second"


@pytest.mark.parametrize("mode", MODES)
def test_a_link_that_changes_within_a_turn(folder: Path, mode: str) -> None:
    link_that_changes_is_followed_anew(folder, mode)


def home_behind_a_link_is_kept(folder: Path, mode: str) -> None:
    """The codex home is a link, outside of the workspace and in it, where commands could put another in its place."""
    for where in ("home-link", "repo/state/home-link"):
        repo = workspace(folder, where.replace("/", "-"))
        base = repo.parent
        home = make_home(base / "elsewhere")
        link = base / where
        link.parent.mkdir(exist_ok=True)
        link.symlink_to(home)
        command = f"cat {link}/auth.json; " + attack(repo, link, link.parent if link.is_relative_to(repo) else link)
        _, output = agent(base, link, mode, run(command))
        assert (repo / "done").exists(), output
        assert SECRET not in output
        assert os.readlink(link) == str(home)
        assert (home / "config.toml").read_text() == "# mine\n"


@pytest.mark.parametrize("mode", MODES)
def test_the_codex_home_is_a_link(folder: Path, mode: str) -> None:
    home_behind_a_link_is_kept(folder, mode)


def patches_work_beside_links(folder: Path, mode: str) -> None:
    """Patches have a sandbox too; none goes through a link."""
    repo = workspace(folder, "patches")
    target = fill(repo / "settings")
    for name in NAMES[1:]:
        (repo / name).symlink_to("settings")
    before = snapshot(target)

    def patch(file: str) -> Any:
        return apply_patch(f"*** Begin Patch\n*** Add File: {file}\n+x\n*** End Patch", call_id=file)

    agent(
        repo.parent,
        repo.parent / "codex",
        mode,
        *map(patch, ("made", ".agents/planted", ".codex/config.toml", "settings/planted")),
    )
    assert (repo / "made").read_text() == "x\n"
    assert snapshot(target) == before


@pytest.mark.parametrize("mode", MODES)
def test_patches_beside_links(folder: Path, mode: str) -> None:
    patches_work_beside_links(folder, mode)


def test_git_works_behind_a_link(folder: Path) -> None:
    repo = workspace(folder, "git")
    (repo / ".git").rename(repo.parent / "kept.git")
    (repo / ".git").symlink_to("../kept.git")
    _, output = agent(
        repo.parent, repo.parent / "codex", WRITE, run("git status --porcelain --branch; git config user.name x")
    )
    assert "## No commits yet on" in output
    assert "name = x" not in (repo.parent / "kept.git" / "config").read_text()


def test_nothing_is_left_of_the_mounts(folder: Path) -> None:
    """The mounts on links are the sandbox's: none is in the program's own, and nothing is in the workspace that was not."""
    repo = workspace(folder, "left")
    fill(repo / "settings")
    (repo / ".agents").symlink_to("settings")
    (repo / ".codex").symlink_to("nowhere")
    before, mounts = snapshot(repo), Path("/proc/self/mountinfo").read_text()
    agent(repo.parent, repo.parent / "codex", WRITE, run("cat .agents/config"))
    assert snapshot(repo) == before
    assert Path("/proc/self/mountinfo").read_text() == mounts


ATTACKS = (
    link_is_kept,
    links_on_the_way_are_kept,
    links_to_nothing_stay_so,
    empty_target_stays_empty,
    wide_links_are_refused,
    link_to_the_home_shows_nothing,
    link_that_changes_is_followed_anew,
    home_behind_a_link_is_kept,
    patches_work_beside_links,
)


@pytest.mark.skipif(not ROOT_USER, reason="the other tests run as an ordinary user already")
@pytest.mark.parametrize("attack", [attack.__name__ for attack in ATTACKS])
def test_as_an_ordinary_user(attack: str) -> None:
    assert_held_as_user("test_sandbox_links", attack, [(WRITE,)])
