"""The codex home: its owner's alone, whatever the umask, and refused where that cannot be."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from codex_cffi import Codex, EngineIOError
from codex_cffi.testing import ScriptedModel
from support import run_python
from support.unprivileged import USER, remove, run_as_user, user_folder

ROOT_USER = os.geteuid() == 0


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    made = user_folder("home")
    for name in ("home", "tmp", "repo"):
        (made / name).mkdir()
    subprocess.run(["git", "init", "--quiet"], cwd=made / "repo", check=True)
    monkeypatch.setenv("HOME", str(made / "home"))
    monkeypatch.setenv("TMPDIR", str(made / "tmp"))
    yield made
    remove(made)


FULL = """
import os, sys
from pathlib import Path
folder, umask = Path(sys.argv[1]), int(sys.argv[2], 8)
os.umask(umask)
from codex_cffi import Codex, Hook, Skill
from codex_cffi.hooks import AddContext
from codex_cffi.testing import ScriptedModel, shell
skill = Skill("Do x.", resources={"deep/er/file": "text"})
with ScriptedModel([[shell("echo hello > made; mkdir folder", login=False)], "done"]) as model:
    hooks = [Hook("UserPromptSubmit", lambda call: AddContext("word " * 20_000))]
    with Codex(codex_home=folder / "codex", config=model.provider_config(), hooks=hooks, skills={"x": skill}) as codex:
        thread = codex.start_thread(working_directory=folder / "repo", sandbox_mode="workspace-write", approval_mode="never")
        thread.run("go")
        codex.config.write({"model_reasoning_effort": "high"})
        codex.account.login_with_api_key("sk-example")
        for path in sorted((folder / "codex").rglob("*")):
            print(oct(path.lstat().st_mode & 0o777), "d" if path.is_dir() else "f", path.relative_to(folder / "codex"))
print(oct((folder / "repo" / "made").stat().st_mode & 0o777), "made", oct(os.umask(0)), file=sys.stderr)
"""


def check_modes(printed: str, *, old: tuple[str, ...] = ()) -> None:
    entries = [line.split(" ", 2) for line in printed.splitlines()]
    new = [(mode, kind, name) for mode, kind, name in entries if name not in old]
    loose = [entry for entry in new if entry[0] != ("0o700" if entry[1] == "d" else "0o600")]
    assert loose == []
    names = " ".join(name for _, _, name in new)
    for part in (".sqlite", ".sqlite-wal", "sessions/", "config.toml", "auth.json", "hook_outputs/", "client_skills/"):
        assert part in names


@pytest.mark.parametrize("umask", ["0", "22", "77"])
def test_what_is_created_is_the_owners_alone(folder: Path, umask: str) -> None:
    done = run_python(FULL, folder, umask)
    assert done.returncode == 0, done.stderr
    check_modes(done.stdout)
    made = oct(0o666 & ~int(umask, 8))
    assert done.stderr == f"{made} made {oct(int(umask, 8))}\n", "the umask of the host and of commands is as it was"


def test_as_an_ordinary_user(folder: Path) -> None:
    done = run_as_user(FULL, folder, "0", folder=folder)
    assert done.returncode == 0, done.stderr
    check_modes(done.stdout)


def test_a_home_that_exists(folder: Path) -> None:
    """Made by somebody with another idea of modes: what is in it already keeps its own, but for secrets and databases."""
    home = folder / "codex"
    for name in ("sessions/2020/01", "skills", "log"):
        (home / name).mkdir(parents=True)
    for path in (home, *home.rglob("*")):
        path.chmod(0o755)
    for name in ("AGENTS.md", "auth.json", "state_5.sqlite", "history.jsonl"):
        (home / name).touch(mode=0o644)
        (home / name).chmod(0o644)
    (home / "auth.json").write_text('{"OPENAI_API_KEY": "sk-of-the-home"}')
    done = run_python(FULL, folder, "0")
    assert done.returncode == 0, done.stderr
    check_modes(done.stdout, old=("AGENTS.md", "sessions", "sessions/2020", "sessions/2020/01", "skills", "log"))
    assert stat.S_IMODE(home.stat().st_mode) == 0o755


def refusal(home: object) -> str:
    with ScriptedModel([]) as model, pytest.raises(EngineIOError) as refused:
        Codex(codex_home=home, isolated=True, config=model.provider_config())  # type: ignore[arg-type]
    return str(refused.value)


@pytest.mark.parametrize("mode", [0o770, 0o702, 0o1777, 0o720])
def test_a_home_that_others_may_write(folder: Path, mode: int) -> None:
    home = folder / "codex"
    home.mkdir()
    home.chmod(mode)
    assert f"chmod 700 {home}" in refusal(home)
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("mode", [0o770, 0o777])
def test_a_home_that_others_may_replace(folder: Path, mode: int) -> None:
    above = folder / "above"
    (above / "deep" / "codex").mkdir(parents=True)
    above.chmod(mode)
    assert f"chmod go-w {above}" in refusal(above / "deep" / "codex")
    above.chmod(mode | 0o1000)
    with ScriptedModel([]) as model:
        Codex(codex_home=above / "deep" / "codex", isolated=True, config=model.provider_config()).close()


def test_a_home_whose_files_others_may_write(folder: Path) -> None:
    home = folder / "codex"
    home.mkdir()
    home.chmod(0o755)
    (home / "config.toml").touch()
    (home / "config.toml").chmod(0o666)
    assert "others may change" in refusal(home)


@pytest.mark.parametrize(
    "name",
    [
        "rules/default.rules",
        "skills/mine",
        "skills/mine/SKILL.md",
        "prompts/x.md",
        "plugins/a/b/run",
        "sessions/2026/11",
    ],
)
def test_a_home_in_which_others_may_write_deep_down(folder: Path, name: str) -> None:
    """Unless nobody else gets there."""
    home = folder / "codex"
    (home / name).parent.mkdir(parents=True)
    if "." in name or name.endswith("run"):
        (home / name).touch()
    else:
        (home / name).mkdir()
    for path in home.rglob("*"):
        path.chmod(0o755)
    (home / name).chmod(0o777)
    home.chmod(0o755)
    message = refusal(home)
    assert f"others may change {home / name}" in message
    assert f"chmod -R go-w {home}" in message
    home.chmod(0o700)
    with ScriptedModel([]) as model:
        Codex(codex_home=home, isolated=True, config=model.provider_config()).close()


@pytest.mark.parametrize("name", ["rules/default.rules", "skills/mine/SKILL.md"])
def test_a_rule_with_a_second_name(folder: Path, name: str) -> None:
    home = folder / "codex"
    (home / name).parent.mkdir(parents=True)
    home.chmod(0o700)
    (home / name).write_text("# mine\n")
    os.link(home / name, folder / "repo" / "other")
    assert "hard link" in refusal(home)


def test_a_login_with_a_second_name(folder: Path) -> None:
    home = folder / "codex"
    home.mkdir()
    (home / "auth.json").write_text("{}")
    os.link(home / "auth.json", folder / "repo" / "other")
    assert "hard link" in refusal(home)


@pytest.mark.parametrize("name", ["/", "/tmp", "{tmp}", "{home}"])
def test_a_folder_of_everybodys(folder: Path, name: str) -> None:
    message = refusal(name.format(tmp=folder / "tmp", home=folder / "home"))
    assert "refused" in message
    assert "folder of its own" in message


def test_a_link_to_such_a_folder(folder: Path) -> None:
    (folder / "link").symlink_to("/tmp")
    assert "folder of its own" in refusal(folder / "link")


@pytest.mark.skipif(not ROOT_USER, reason="two users need root")
def test_the_home_of_another_user(folder: Path) -> None:
    """Whoever makes the folder first gains nothing: not with a home in a folder that all may write to, nor above it."""
    shared = folder / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    folder.chmod(0o755)
    code = "import os, sys\nos.makedirs(sys.argv[1]); open(os.path.join(sys.argv[1], 'config.toml'), 'w').write('x')"
    as_other = [
        "setpriv",
        "--reuid",
        str(USER),
        "--regid",
        str(USER),
        "--clear-groups",
        "/usr/bin/env",
        "python3",
        "-c",
    ]
    subprocess.run([*as_other, code, str(shared / "codex")], check=True, cwd="/")
    assert f"belongs to user {USER}" in refusal(shared / "codex")
    assert f"belongs to user {USER}" in refusal(shared / "codex" / "mine")


@pytest.mark.skipif(not ROOT_USER, reason="two users need root")
def test_a_home_of_roots(folder: Path) -> None:
    """As an ordinary user, in a home that root has made readable."""
    home = folder / "codex"
    home.mkdir()
    code = """
import sys
from codex_cffi import Codex, EngineIOError
try:
    Codex(codex_home=sys.argv[1], isolated=True)
except EngineIOError as error:
    print(error)
"""
    done = run_as_user(f"import os; os.stat({str(home)!r})\n{code}", "/usr/share", folder=folder)
    assert "belongs to user 0" in done.stdout, done.stderr


def test_no_other_mode_is_changed(folder: Path) -> None:
    """What is refused stays as it is."""
    home = folder / "codex"
    home.mkdir()
    (home / "auth.json").touch()
    (home / "auth.json").chmod(0o644)
    home.chmod(0o777)
    refusal(home)
    assert stat.S_IMODE(home.stat().st_mode) == 0o777
    assert stat.S_IMODE((home / "auth.json").stat().st_mode) == 0o644
