"""Which folders a sandbox lets a command write in: those that were meant when the thread or turn began, whatever was put in their place since.

Every attack is a function of a folder and a sandbox mode. It runs as the user of the tests, and, where that is root, as an ordinary user too.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from test_sandbox_files import NETWORK, WRITE, agent, in_mode, repository, run

from codex_cffi import Codex, CommandExecution, FileChange, SandboxUnavailableError, Thread, WorkspaceWrite
from codex_cffi.testing import ScriptedModel, apply_patch
from support import WITH_TESTS, need, run_python
from support.unprivileged import USER, assert_held_as_user, remove, run_as_user, user_folder

ROOT_USER = os.geteuid() == 0
MODES = (WRITE, NETWORK)


@pytest.fixture(scope="module", autouse=True)
def bubblewrap() -> None:
    need("bwrap", "bubblewrap")


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    made = user_folder("folders")
    for name in ("tmp", "home"):
        (made / name).mkdir()
    monkeypatch.setenv("HOME", str(made / "home"))
    monkeypatch.setenv("TMPDIR", str(made / "tmp"))
    yield made
    remove(made)


def script(model: ScriptedModel, *responses: Any) -> None:
    for response in responses:
        model.add(response)


class Two:
    """Thread `a` works in a folder, or may write in it; thread `b` may write around it."""

    def __init__(self, folder: Path, codex: Codex, model: ScriptedModel, mode: str, what: str) -> None:
        self.model, self.shared, self.out = model, folder / "shared", folder / "out"
        self.place = self.shared / "deep" / "project"
        self.place.mkdir(parents=True)
        self.out.mkdir()
        (self.out / "project").mkdir()
        repo = repository(folder)
        where, roots = (self.place, ()) if what == "cwd" else (repo, (self.place,))
        self.a = codex.start_thread(working_directory=where, approval_mode="never", **in_mode(mode, *roots))
        self.b = codex.start_thread(working_directory=repo, approval_mode="never", **in_mode(mode, self.shared))

    def replace(self, which: str) -> None:
        """Has `b` put a link in the place of the folder, or of the one around it."""
        place, out = (self.place, self.out) if which == "folder" else (self.place.parent, self.out)
        script(self.model, [run(f"mv {place} {place}.old && ln -s {out} {place}")], "done")
        (command,) = [item for item in self.b.run("go").items if isinstance(item, CommandExecution)]
        assert command.exit_code == 0
        assert place.is_symlink()

    def attack(self, thread: Thread, **turn: Any) -> str:
        """Has a thread write where the link leads to, by command and patch."""
        target = self.out / "project"
        attempts = f"touch x {self.place}/x {self.out}/x {target}/x"
        patch = f"*** Begin Patch\n*** Add File: {self.place}/patched\n+x\n*** End Patch"
        script(self.model, [run(attempts)], [apply_patch(patch)], "done")
        done = thread.run("go", **turn)
        assert not any(isinstance(item, FileChange) and item.status == "completed" for item in done.items)
        return str(self.model.requests[-1].function_outputs)

    def check(self) -> None:
        assert [path for path in self.out.rglob("*") if path.name != "project"] == []


def replaced_folder_is_refused(folder: Path, mode: str) -> None:
    """A command of one thread puts a link in the place of the folder in which another one works."""
    for what in ("cwd", "root"):
        for which in ("folder", "above"):
            base = folder / f"{what}-{which}"
            base.mkdir()
            with (
                ScriptedModel([]) as model,
                Codex(
                    codex_home=base / "codex", isolated=True, config=model.provider_config(), skip_git_repo_check=True
                ) as codex,
            ):
                two = Two(base, codex, model, mode, what)
                script(model, [run(f"touch {two.place}/before")], "done")
                two.a.run("go")
                assert (two.place / "before").exists()
                two.replace(which)
                output = two.attack(two.a)
                assert "has the link" in output
                assert "the command did not run" in output
                # The same folder by its name again: it is not that folder any more.
                again: dict[str, Any] = {"working_directory": two.place}
                if what == "root":
                    again = {"workspace_write": WorkspaceWrite(writable_roots=[two.place], exclude_slash_tmp=True)}
                attempts: list[Callable[..., Any]] = [partial(two.a.run, "go"), two.a.fork, codex.start_thread]
                for attempt in attempts:
                    with pytest.raises(SandboxUnavailableError, match="put in its place"):
                        attempt(**again)
                two.check()


@pytest.mark.parametrize("mode", MODES)
def test_a_folder_that_became_a_link(folder: Path, mode: str) -> None:
    replaced_folder_is_refused(folder, mode)


def folder_by_a_link_works(folder: Path, mode: str) -> None:
    """A workspace, and a root, that the user names by a link. Where the link leads to later does not matter."""
    repository(folder)
    (folder / "extra").mkdir()
    for name in ("repo", "extra"):
        (folder / f"to-{name}").symlink_to(folder / name)
    link, root = folder / "to-repo", folder / "to-extra"
    work = run(f"pwd -P; touch here {link}/by-link {root}/in-root")
    with ScriptedModel([]) as model:
        options: dict[str, Any] = {"codex_home": folder / "codex", "isolated": True, "config": model.provider_config()}
        with Codex(**options) as codex:
            thread = codex.start_thread(working_directory=link, approval_mode="never", **in_mode(mode, root))
            patch = "*** Begin Patch\n*** Add File: patched\n+x\n*** End Patch"
            script(model, [work], [apply_patch(patch)], "done")
            thread.run("go")
            assert (folder / "repo" / "patched").read_text() == "x\n"
            assert all((folder / name).exists() for name in ("repo/here", "repo/by-link", "extra/in-root"))
            assert [info.id for info in codex.sessions.list(working_directory=link)] == [thread.id]
        with Codex(**options) as codex:
            thread = codex.resume_thread(thread.id, **in_mode(mode))
            link.unlink()
            link.symlink_to(folder / "home")
            script(model, [run("touch again")], "done")
            thread.run("go")
    assert (folder / "repo" / "again").exists()
    assert not list((folder / "home").iterdir())


@pytest.mark.parametrize("mode", MODES)
def test_a_folder_named_by_a_link(folder: Path, mode: str) -> None:
    folder_by_a_link_works(folder, mode)


def test_roots_of_the_configuration_may_be_links(folder: Path) -> None:
    repository(folder)
    (folder / "extra").mkdir()
    (folder / "link").symlink_to(folder / "extra")
    with ScriptedModel([[run(f"touch {folder}/link/made")], "done"]) as model:
        config = {**model.provider_config(), "sandbox_workspace_write": {"writable_roots": [str(folder / "link")]}}
        with Codex(codex_home=folder / "codex", isolated=True, config=config) as codex:
            thread = codex.start_thread(
                working_directory=folder / "repo", approval_mode="never", sandbox_mode="workspace-write"
            )
            thread.run("go")
    assert (folder / "extra" / "made").exists()


@pytest.mark.parametrize("root", ["build", "build/deep"])
def test_a_root_that_is_missing_in_the_workspace(folder: Path, root: str) -> None:
    repo = repository(folder)
    with pytest.raises(SandboxUnavailableError, match="create it, or leave it out"):
        agent(folder, folder / "codex", WRITE, roots=(repo / root,))
    (repo / root).mkdir(parents=True)
    agent(folder, folder / "codex", WRITE, run(f"touch {root}/made"), roots=(repo / root,))
    assert (repo / root / "made").exists()


def usual_home_is_not_made(folder: Path, mode: str) -> None:
    """A command makes the home that the next client would have, with a configuration of its own."""
    repository(folder)
    usual = folder / "home" / ".codex"
    attack = run(f"mkdir -p {usual}/rules; touch {usual}/config.toml; mv {usual} {usual}.x; mkdir {usual}; echo over")
    _, output = agent(folder, folder / "codex", mode, attack, roots=(folder / "home",))
    assert "over" in output
    assert list((folder / "home").iterdir()) == []


@pytest.mark.parametrize("mode", MODES)
def test_the_usual_home_while_it_is_missing(folder: Path, mode: str) -> None:
    usual_home_is_not_made(folder, mode)


def links_in_rules_and_skills_are_kept(folder: Path, mode: str) -> None:
    """Rules and skills of the home that lie in the workspace, by links."""
    repo, home = repository(folder), folder / "codex"
    for name in ("rules", "skills/mine", "skills"):
        (home / name).mkdir(parents=True, exist_ok=True)
    home.chmod(0o700)
    for name in ("x.rules", "SKILL.md"):
        (repo / name).write_text("# mine\n")
    (repo / "skill").mkdir()
    (home / "rules" / "x.rules").symlink_to(repo / "x.rules")
    (home / "skills" / "mine" / "SKILL.md").symlink_to(repo / "SKILL.md")
    (home / "skills" / "other").symlink_to(repo / "skill")
    attack = f"for f in {repo}/x.rules {repo}/SKILL.md; do echo planted > $f; rm $f; mv $f $f.x; done; touch {repo}/skill/SKILL.md; touch {repo}/ok"
    agent(folder, home, mode, run(attack))
    assert [(repo / name).read_text() for name in ("x.rules", "SKILL.md")] == ["# mine\n"] * 2
    assert not list((repo / "skill").iterdir())
    assert (repo / "ok").exists()


@pytest.mark.parametrize("mode", MODES)
def test_links_in_rules_and_skills(folder: Path, mode: str) -> None:
    links_in_rules_and_skills_are_kept(folder, mode)


CACHE = """
import sys
from pathlib import Path
from test_sandbox_files import WRITE, agent, repository, run
folder = Path(sys.argv[1])
repository(folder)
cache = sys.pycache_prefix
print(agent(folder, folder / "codex", WRITE, run(f"mkdir -p {cache}/usr; touch {cache}/x; mv {cache} {cache}.x; mkdir {cache}; touch {cache}/x; echo over"))[1])
"""


@pytest.mark.parametrize("made", [True, False])
def test_where_python_keeps_what_it_compiled(folder: Path, made: bool) -> None:
    cache = folder / "tmp" / "cache"
    if made:
        cache.mkdir()
    environment = {"PYTHONPATH": WITH_TESTS, "PYTHONPYCACHEPREFIX": str(cache), "PYTHONDONTWRITEBYTECODE": "1"}
    done = run_python(CACHE, folder, env=environment)
    assert done.returncode == 0, done.stderr
    assert "over" in done.stdout
    assert list((folder / "tmp").iterdir()) == ([cache] if made else [])
    if made:
        assert list(cache.iterdir()) == []


LINK_IN_THE_WAY = """
import sys
from pathlib import Path
from test_sandbox_files import WRITE, agent, repository, run
folder = Path(sys.argv[1])
repository(folder)
turn, output = agent(folder, folder / "codex", WRITE, run("touch ok; touch $TMPDIR/.git/x $TMPDIR/.codex/x $TMPDIR/.agents/x"))
print((folder / "repo" / "ok").exists(), *(item.exit_code for item in turn.items if hasattr(item, "exit_code")))
"""


@pytest.mark.skipif(not ROOT_USER, reason="two users need root")
@pytest.mark.parametrize("user", ["root", "ordinary"])
def test_links_of_another_user_stall_nothing(user: str) -> None:
    """In a folder of the user's own that all may write to, somebody else has put links in the place of what is protected."""
    folder, victim = user_folder("folders"), user_folder("victim")
    try:
        shared = folder / "shared"
        for made in (shared, folder / "home"):
            made.mkdir()
        (victim / "kept").write_text("")
        for path in (folder, victim):
            path.chmod(0o755)
        shared.chmod(0o1777)
        other = USER + 1
        environment = {"TMPDIR": str(shared), "HOME": str(folder / "home"), "PYTHONPATH": WITH_TESTS}
        for name in (".git", ".codex", ".agents"):
            (shared / name).symlink_to(victim)
            os.chown(shared / name, other, other, follow_symlinks=False)
        if user == "root":
            done = run_python(LINK_IN_THE_WAY, folder, cwd=folder, env=environment)
        else:
            done = run_as_user(LINK_IN_THE_WAY, folder, folder=folder, env={"TMPDIR": str(shared)})
        assert done.stdout == "True 1\n", done.stdout + done.stderr
        assert [entry.name for entry in victim.iterdir()] == ["kept"]
    finally:
        remove(folder)
        remove(victim)


MANY = """
import sys, threading
from pathlib import Path
from codex_cffi import Codex, CommandExecution
from codex_cffi.testing import ScriptedModel, shell
folder, name = Path(sys.argv[1]), sys.argv[2]
failed = []
def work(number):
    steps = [[shell("true", login=False, yield_time_ms=20_000)] for _ in range(8)]
    with ScriptedModel([*steps, "done"]) as model:
        home = folder / f"home-{name}-{number}"
        with Codex(codex_home=home, isolated=True, config=model.provider_config()) as codex:
            thread = codex.start_thread(working_directory=folder / "repo", approval_mode="never", sandbox_mode="workspace-write")
            failed.extend(item for item in thread.run("go").items if isinstance(item, CommandExecution) and item.exit_code != 0)
threads = [threading.Thread(target=work, args=[number]) for number in range(3)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(failed)
"""


def test_many_sandboxes_of_several_homes_at_once(folder: Path) -> None:
    """They put the same empty folders into the same places, and none takes away what another one needs."""
    repository(folder)
    environment = {**os.environ, "PYTHONPATH": WITH_TESTS}
    commands = [[sys.executable, "-W", "error", "-c", MANY, str(folder), name] for name in "ab"]
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        for command in commands
    ]
    outputs = [process.communicate(timeout=120) for process in running]
    assert outputs == [("[]\n", "")] * 2


ATTACKS = (
    replaced_folder_is_refused,
    folder_by_a_link_works,
    usual_home_is_not_made,
    links_in_rules_and_skills_are_kept,
)


@pytest.mark.skipif(not ROOT_USER, reason="the other tests run as an ordinary user already")
@pytest.mark.parametrize("attack", [attack.__name__ for attack in ATTACKS])
def test_as_an_ordinary_user(attack: str) -> None:
    assert_held_as_user("test_sandbox_folders", attack, [(mode,) for mode in MODES])
