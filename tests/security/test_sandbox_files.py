"""What no sandbox lets a command get at: the codex home and its login, the code of the host program, and what the engine and its helper keep for themselves.

Every attack is a function of a folder and a sandbox mode. It runs as the user of the tests, and, where that is root, as an ordinary user too.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from codex_cffi import (
    Codex,
    CommandExecution,
    CommandOutputDelta,
    FileChange,
    Hook,
    SandboxUnavailableError,
    WorkspaceWrite,
)
from codex_cffi.hooks import AddContext
from codex_cffi.testing import ScriptedModel, apply_patch, shell
from support import ROOT, TESTS, WITH_TESTS, need, run_python
from support.unprivileged import USER, assert_held_as_user, remove, run_as_user, user_folder

ROOT_USER = os.geteuid() == 0
READ, WRITE, NETWORK, DANGER = "read-only", "workspace-write", "network", "danger-full-access"
SANDBOXED = (READ, WRITE, NETWORK)
#: In a file of credentials, but not as one: a credential would be kept out of all that the engine tells.
SECRET = "what the login file says"


@pytest.fixture(scope="module", autouse=True)
def bubblewrap() -> None:
    need("bwrap", "bubblewrap")


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """In /var/tmp, for /tmp is writable in `workspace-write`."""
    made = user_folder("files")
    (made / "tmp").mkdir()
    (made / "home").mkdir()
    monkeypatch.setenv("HOME", str(made / "home"))
    monkeypatch.setenv("TMPDIR", str(made / "tmp"))
    yield made
    remove(made)


def repository(folder: Path) -> Path:
    repo = folder / "repo"
    repo.mkdir(exist_ok=True)
    subprocess.run(["git", "init", "--quiet"], cwd=repo, check=True)
    return repo


def in_mode(mode: str, *roots: Path) -> dict[str, Any]:
    if mode in (READ, DANGER):
        return {"sandbox_mode": mode}
    # Without /tmp, where other tests run.
    write = WorkspaceWrite(network_access=mode == NETWORK, writable_roots=list(roots), exclude_slash_tmp=True)
    return {"workspace_write": write}


def agent(
    folder: Path, home: Path, mode: str, *steps: Any, roots: tuple[Path, ...] = (), **client: Any
) -> tuple[Any, str]:
    """Has an agent of its own do something in the repository; returns the turn, and what it read."""
    with ScriptedModel([*([step] for step in steps), "done"]) as model:
        options = {"codex_home": home, "isolated": True, "config": model.provider_config(), **client}
        with Codex(**options) as codex:
            thread = codex.start_thread(
                working_directory=folder / "repo", approval_mode="never", **in_mode(mode, *roots)
            )
            turn = thread.run("go", timeout=60)
        return turn, "\n".join(map(str, model.requests[-1].function_outputs.values()))


def run(command: str, **options: Any) -> Any:
    return shell(command, login=False, yield_time_ms=20_000, **options)


def make_home(home: Path) -> Path:
    """A home with a login, a configuration and a skill."""
    (home / "skills" / "mine").mkdir(parents=True)
    home.chmod(0o700)
    (home / "auth.json").write_text(json.dumps({"OPENAI_API_KEY": "sk-x", "comment": SECRET}))
    (home / "auth.json").chmod(0o600)
    (home / ".credentials.json").write_text(json.dumps({"comment": SECRET}))
    (home / "config.toml").write_text("# mine\n")
    (home / "skills" / "mine" / "SKILL.md").write_text("---\nname: mine\ndescription: d\n---\nMy skill.\n")
    return home


# Where commands may write in `workspace-write`: the folder of the home, and what else is writable.
def _in_tmpdir(folder: Path) -> tuple[Path, tuple[Path, ...]]:
    return folder / "tmp" / "deep" / "home", ()


def _in_repository(folder: Path) -> tuple[Path, tuple[Path, ...]]:
    return folder / "repo" / "state" / "home", ()


def _dot_codex(folder: Path) -> tuple[Path, tuple[Path, ...]]:
    return folder / "repo" / ".codex", ()


def _in_root(folder: Path) -> tuple[Path, tuple[Path, ...]]:
    (folder / "extra").mkdir()
    return folder / "extra" / "home", (folder / "extra",)


def _by_link(folder: Path) -> tuple[Path, tuple[Path, ...]]:
    """The root is named by a link that commands cannot replace, and the home by its real path."""
    (folder / "extra").mkdir()
    (folder / "link").symlink_to(folder / "extra")
    return folder / "extra" / "home", (folder / "link",)


def _elsewhere(folder: Path) -> tuple[Path, tuple[Path, ...]]:
    return folder / "else" / "where", ()


PLACES: dict[str, Callable[[Path], tuple[Path, tuple[Path, ...]]]] = {
    "tmpdir": _in_tmpdir,
    "repository": _in_repository,
    "dot codex": _dot_codex,
    "root": _in_root,
    "link": _by_link,
    "elsewhere": _elsewhere,
}

ATTACK = r"""
exec 2>&1
cat "$H/auth.json" "$H/.credentials.json"
cat "/proc/self/root$H/auth.json" "$R/../repo/soft" "$H/../$(basename "$H")/auth.json"
ln -s "$H/auth.json" "$R/soft" && cat "$R/soft"
ln "$H/auth.json" "$R/hard"; cp "$H/auth.json" "$R/copy"; cp -al "$H" "$R/tree"
grep -rh OPENAI "$H"
echo planted >> "$H/config.toml"
mkdir -p "$H/rules"; echo 'prefix_rule(pattern=["touch"], decision="allow")' > "$H/rules/default.rules"
touch "$H/planted"; echo planted > "$H/skills/mine/SKILL.md"; rm -r "$H/skills/mine" "$H/auth.json"
chmod 777 "$H"; umount "$H"; [ "$M" = danger-full-access ] || mount --bind "$R" "$H"
mv "$H" "$H.moved"; mkdir "$H" && touch "$H/config.toml"
above=$(dirname "$H")
mv "$above" "$above.moved" && mkdir -p "$H" && touch "$H/config.toml"
echo the attack is over
"""


def home_is_kept(folder: Path, mode: str, place: str) -> None:
    """A command tries to read the login, and to change the home or put another in its place."""
    repo = repository(folder)
    home, roots = PLACES[place](folder)
    make_home(home)
    before = home.stat()
    patches = [
        f"*** Begin Patch\n*** Add File: {home}/patched\n+x\n*** End Patch",
        f"*** Begin Patch\n*** Update File: {home}/config.toml\n@@\n-# mine\n+# planted\n*** End Patch",
    ]
    steps = [run(f"H='{home}' R='{repo}' M={mode}; {ATTACK}", call_id="attack"), *map(apply_patch, patches)]
    turn, output = agent(folder, home, mode, *steps, roots=roots)
    told = output + "".join(str(item) for item in turn.items)
    copies = [path for path in (repo / "copy", repo / "hard", repo / "tree") if path.is_file()]
    seen = told + "".join(path.read_text() for path in copies)
    after = home.stat()
    assert "the attack is over" in output, output
    if mode == DANGER:
        assert SECRET in seen
        return
    assert SECRET not in seen
    assert (after.st_ino, stat.S_IMODE(after.st_mode)) == (before.st_ino, 0o700)
    assert (home / "config.toml").read_text() == "# mine\n"
    assert SECRET in (home / "auth.json").read_text()
    assert "My skill." in (home / "skills" / "mine" / "SKILL.md").read_text()
    assert not any((home / name).exists() for name in ("planted", "patched", "rules"))
    assert not any(isinstance(item, FileChange) and item.status == "completed" for item in turn.items)


#: Everywhere where it may be written, and in the other modes where it matters.
CASES = [
    *((WRITE, place) for place in PLACES),
    *((mode, place) for mode in (READ, NETWORK) for place in ("repository", "elsewhere")),
]


@pytest.mark.parametrize(("mode", "place"), CASES)
def test_a_home_is_kept(folder: Path, mode: str, place: str) -> None:
    home_is_kept(folder, mode, place)


def test_without_a_sandbox_the_attack_works(folder: Path) -> None:
    home_is_kept(folder, DANGER, "elsewhere")


def login_stays_hidden(folder: Path, mode: str) -> None:
    """A login that is made, or replaced, while a command runs."""
    repo = repository(folder)
    home = make_home(folder / "tmp" / "home")
    (home / ".credentials.json").unlink()
    made = False

    def event(event: Any) -> None:
        nonlocal made
        if isinstance(event, CommandOutputDelta) and "ready" in event.delta and not made:
            made = True
            for name in ("auth.json", ".credentials.json"):
                (home / "new").write_text(json.dumps({"OPENAI_API_KEY": "sk-x", "comment": SECRET}))
                (home / "new").replace(home / name)
            (repo / "go").touch()

    wait = f"echo ready; until [ -e {repo}/go ]; do sleep 0.02; done"
    _, output = agent(
        folder, home, mode, run(f"{wait}; cat {home}/auth.json {home}/.credentials.json", call_id="x"), on_event=event
    )
    assert made
    assert "ready" in output
    assert SECRET not in output


@pytest.mark.parametrize("mode", SANDBOXED)
def test_a_new_login_is_hidden_from_running_commands(folder: Path, mode: str) -> None:
    login_stays_hidden(folder, mode)


def login_behind_a_link_is_hidden(folder: Path, mode: str) -> None:
    """The home has links to files that lie where commands may read, or write."""
    repo = repository(folder)
    home = make_home(folder / "codex")
    for name in ("auth.json", "config.toml"):
        (home / name).replace(repo / name)
        (home / name).symlink_to(repo / name)
    _, output = agent(
        folder, home, mode, run(f"cat {repo}/auth.json; echo planted >> {repo}/config.toml; rm {repo}/*.*")
    )
    assert SECRET not in output
    assert (repo / "config.toml").read_text() == "# mine\n"
    assert (repo / "auth.json").exists()


@pytest.mark.parametrize("mode", SANDBOXED)
def test_what_the_home_has_links_to(folder: Path, mode: str) -> None:
    login_behind_a_link_is_hidden(folder, mode)


def homes_of_others_are_kept(folder: Path, mode: str) -> None:
    """A command of one client, the home of another in the same process, and the one of the codex program."""
    repository(folder)
    other, usual = make_home(folder / "tmp" / "other"), make_home(folder / "home" / ".codex")
    with ScriptedModel([]) as model, Codex(codex_home=other, isolated=True, config=model.provider_config()):
        attack = f"cat {other}/auth.json {usual}/auth.json; echo planted >> {other}/config.toml; echo planted >> {usual}/config.toml"
        _, output = agent(folder, folder / "mine", mode, run(attack), roots=(folder / "home",))
    assert SECRET not in output
    assert [(home / "config.toml").read_text() for home in (other, usual)] == ["# mine\n"] * 2


@pytest.mark.parametrize("mode", SANDBOXED)
def test_homes_of_others_are_kept(folder: Path, mode: str) -> None:
    homes_of_others_are_kept(folder, mode)


def test_the_home_of_the_program_may_be_worked_in(folder: Path) -> None:
    """With another home, that is a folder like others, if one says so."""
    usual = make_home(folder / "home" / ".codex")
    with (
        ScriptedModel([[run("cat skills/mine/SKILL.md; touch made")], "one"] * 2) as model,
        Codex(
            codex_home=folder / "mine", isolated=True, config=model.provider_config(), skip_git_repo_check=True
        ) as codex,
    ):
        for mode in (READ, WRITE):
            codex.start_thread(working_directory=usual, approval_mode="never", **in_mode(mode)).run("go")
            assert "My skill." in str(model.requests[-1].function_outputs)
            assert (usual / "made").exists() == (mode == WRITE)


def test_what_commands_need_of_the_home_is_there(folder: Path) -> None:
    repository(folder)
    home = make_home(folder / "tmp" / "home")
    _, output = agent(folder, home, WRITE, run(f"cat {home}/skills/mine/SKILL.md; ls -A {home}"))
    assert "My skill." in output
    assert "skills" in output
    assert "auth.json" not in output


@pytest.mark.parametrize("where", ["home", "home/x/y", "link"])
def test_no_sandboxed_thread_works_in_the_home(folder: Path, where: str) -> None:
    repository(folder)
    home = folder / "home" / "codex"
    (home / "x" / "y").mkdir(parents=True)
    home.chmod(0o700)
    (folder / "link").symlink_to(home / "x")
    chosen = {"home": home, "home/x/y": home / "x" / "y", "link": folder / "link"}[where]
    with (
        ScriptedModel([[run("pwd")], "done"]) as model,
        Codex(codex_home=home, isolated=True, config=model.provider_config(), skip_git_repo_check=True) as codex,
    ):
        for mode in SANDBOXED:
            with pytest.raises(SandboxUnavailableError, match="codex home"):
                codex.start_thread(working_directory=chosen, **in_mode(mode))
        with pytest.raises(SandboxUnavailableError, match="codex home"):
            codex.start_thread(
                working_directory=folder / "repo", workspace_write=WorkspaceWrite(writable_roots=[chosen])
            )
        thread = codex.start_thread(working_directory=chosen, sandbox_mode="danger-full-access")
        (command,) = [item for item in thread.run("go").items if isinstance(item, CommandExecution)]
    assert command.exit_code == 0


PROGRAM = """
import os, sys
from pathlib import Path
from test_sandbox_files import agent, run
folder, mode = Path(sys.argv[1]), sys.argv[2]
turn, output = agent(folder, folder / "codex", mode, run(sys.argv[3]))
print(sys.prefix)
print(output)
"""


def own_installation(folder: Path) -> tuple[Path, dict[str, str]]:
    """The host program's own interpreter, package and library in the repository; the interpreter, and what it needs of the environment."""
    repo = repository(folder)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", repo / ".venv"], check=True)
    shutil.copytree(
        ROOT / "codex_cffi", repo / "vendor" / "codex_cffi", ignore=shutil.ignore_patterns("_native", "__pycache__")
    )
    native = repo / "native"
    native.mkdir()
    for name in ("libcodex_capi.so", "codex-linux-sandbox"):
        _copy(_library_folder() / name, native / name)
    paths = [repo / "vendor", TESTS, TESTS / "security", *(path for path in sys.path if path.endswith("site-packages"))]
    return repo, {
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "CODEX_CFFI_LIBRARY": str(native / "libcodex_capi.so"),
    }


def _library_folder() -> Path:
    from codex_cffi import _capi

    return Path(_capi.library_path).parent


def _copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def run_own(folder: Path, python: Path, environment: dict[str, str], mode: str, command: str) -> Any:
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **environment}
    arguments = [python, "-W", "error", "-c", PROGRAM, folder, mode, command]
    return subprocess.run(
        list(map(str, arguments)), capture_output=True, text=True, env=environment, timeout=120, cwd=folder
    )


def own_code_is_kept(folder: Path, mode: str) -> None:
    """The interpreter, the package and the library lie in the repository that the command may write to."""
    repo, environment = own_installation(folder)
    lib = next((repo / ".venv" / "lib").iterdir()) / "site-packages"
    targets = [
        lib / "evil.pth",
        repo / ".venv" / "evil",
        repo / ".venv" / "bin" / "evil",
        repo / "vendor" / "codex_cffi" / "evil.py",
        repo / "native" / "evil",
    ]
    files = [
        repo / "vendor" / "codex_cffi" / "client.py",
        repo / "native" / "codex-linux-sandbox",
        repo / ".venv" / "pyvenv.cfg",
    ]
    before = [path.stat().st_ino for path in files]
    sizes = [path.stat().st_size for path in files]
    attack = "; ".join(
        [f"touch {path}" for path in targets]
        + [f"rm {path}; echo evil >> {path}; mv {path} {path}.x" for path in files]
        + [f"mv {repo / name} {repo}/moved-{name}" for name in (".venv", "vendor", "native")]
        + [f"mkdir -p {repo}/.venv/bin", f"touch {repo}/ok"]
    )
    done = run_own(folder, repo / ".venv" / "bin" / "python", environment, mode, attack)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == str(repo / ".venv")
    assert not any(path.exists() for path in targets)
    assert [path.stat().st_ino for path in files] == before
    assert [path.stat().st_size for path in files] == sizes
    assert (repo / "ok").exists() == (mode != READ)


@pytest.mark.parametrize("mode", SANDBOXED)
def test_the_code_of_the_host_program_is_kept(folder: Path, mode: str) -> None:
    own_code_is_kept(folder, mode)


def replaceable_link_is_refused(folder: Path) -> None:
    """The interpreter's folder is elsewhere, but the way to it is a link in the repository."""
    repo, environment = own_installation(folder)
    (repo / ".venv").rename(folder / "venv")
    (repo / ".venv").symlink_to(folder / "venv")
    python = repo / ".venv" / "bin" / "python"
    done = run_own(folder, python, environment, WRITE, f"rm {repo}/.venv; mkdir {repo}/.venv; touch {repo}/ran")
    assert done.returncode == 0, done.stderr
    assert "which commands could replace" in done.stdout
    assert not (repo / "ran").exists()
    assert (repo / ".venv").is_symlink()
    done = run_own(folder, python, environment, READ, "echo it ran")
    assert "it ran" in done.stdout, "nothing is writable"


def test_a_link_that_commands_could_replace(folder: Path) -> None:
    replaceable_link_is_refused(folder)


def marker(path: Path) -> str:
    """The name of upstream's marker for a path."""
    value = 0xCBF29CE484222325
    for byte in os.fsencode(path):
        value = ((value ^ byte) * 0x100000001B3) % 2**64
    return f"{value:016x}"


def registry_is_out_of_reach(folder: Path, mode: str) -> None:
    """A command plants links where the helper's registry was once, and looks for where it is."""
    repo, tmp = repository(folder), folder / "tmp"
    victim, created = folder / "victim", folder / "created"
    victim.write_text("precious")
    registry = tmp / f"codex-bwrap-synthetic-mount-targets-{os.geteuid()}"
    last = int(Path("/proc/loadavg").read_text().split()[-1])
    code = textwrap.dedent(
        f"""
        import os, shutil
        shutil.rmtree({str(registry)!r}, ignore_errors=True)
        os.mkdir({str(registry)!r})
        os.symlink({str(created)!r}, {str(registry / "lock")!r})
        for name in {[marker(repo / name) for name in (".codex", ".git", ".agents")]!r}:
            os.mkdir({str(registry)!r} + "/" + name)
            for process in range({last}, {last + 100}):
                os.symlink({str(victim)!r}, {str(registry)!r} + "/" + name + "/" + str(process))
        """
    )
    plant = f"{sys.executable} -S - <<'E'\n{code}E"
    home = folder / "tmp" / "codex"
    touch = f"touch {home}/sandbox/x; ls -A {home}; mkdir {home}/sandbox"
    turn, output = agent(folder, home, mode, run(plant), run("true"), run(touch), run("true"), run(plant), run("true"))
    codes = [item.exit_code for item in turn.items if isinstance(item, CommandExecution)]
    assert [codes[at] for at in (1, 3, 5)] == [0, 0, 0]
    assert (registry / "lock").is_symlink() == (mode != READ)
    assert victim.read_text() == "precious"
    assert not created.exists()
    assert "sandbox" not in [line.strip() for line in output.splitlines()]
    kept = {path.name: stat.S_IMODE(path.stat().st_mode) for path in home.glob("sandbox")}
    assert kept == ({} if mode == READ else {"sandbox": 0o700}), "where nothing is mounted, nothing is remembered"
    assert not [path.name for path in repo.iterdir() if path.name in (".codex", ".agents")]


@pytest.mark.parametrize("mode", SANDBOXED)
def test_the_helpers_registry(folder: Path, mode: str) -> None:
    registry_is_out_of_reach(folder, mode)


IN_THE_WAY = """
import os, sys
from pathlib import Path
from test_sandbox_files import WRITE, agent, repository, run
folder = Path(sys.argv[1])
repository(folder)
turn, output = agent(folder, folder / "codex", WRITE, run("touch ok"), run("touch $TMPDIR/.git/x $TMPDIR/.codex/x"), skills={"x": "Do x."})
print((folder / "repo" / "ok").exists(), *(item.exit_code for item in turn.items if hasattr(item, "exit_code")))
"""


@pytest.mark.skipif(not ROOT_USER, reason="two users need root")
@pytest.mark.parametrize("user", ["root", "ordinary"])
def test_another_user_stalls_nothing(user: str) -> None:
    """In a folder for all, somebody was there first: with the names of what the engine and its helper make, and have made, there."""
    folder, shared = user_folder("files"), user_folder("shared")
    try:
        for path in (folder, shared):
            path.chmod(0o755)
        shared.chmod(0o1777)
        me, other = (0, USER) if user == "root" else (USER, 0)
        for name in (f"codex-bwrap-synthetic-mount-targets-{me}", "hook_outputs", ".codex"):
            (shared / name).mkdir(mode=0o700)
        (shared / ".agents").write_text("")
        if user == "ordinary":
            (shared / ".git").symlink_to(shared / "nowhere")
        else:
            (shared / ".git").mkdir()
        for path in shared.iterdir():
            os.chown(path, other, other, follow_symlinks=False)
        if user == "root":
            (folder / "home").mkdir()
            done = run_python(
                IN_THE_WAY,
                folder,
                cwd=folder,
                env={"TMPDIR": str(shared), "HOME": str(folder / "home"), "PYTHONPATH": WITH_TESTS},
            )
        else:
            done = run_as_user(IN_THE_WAY, folder, folder=folder, env={"TMPDIR": str(shared)})
        assert done.stdout == "True 0 1\n", done.stdout + done.stderr
        assert not list((shared / ".codex").iterdir())
        assert not (shared / "nowhere").exists()
    finally:
        remove(folder)
        remove(shared)


def skills_are_kept(folder: Path, mode: str) -> None:
    """A command rewrites the skills that were given in code."""
    repository(folder)
    home, tmp = folder / "tmp" / "codex", folder / "tmp"
    forged = "---\\nname: deploy\\ndescription: planted\\n---\\nplanted\\n"
    rewrite = f"cat $f; printf -- '{forged}' > $f; rm -r $(dirname $f)"
    attack = f"find {folder} -name SKILL.md | grep deploy | while read f; do {rewrite}; done"
    skills = {"deploy": "---\ndescription: d\n---\nDeploy by make."}
    with (
        ScriptedModel([[run(attack)], "one", "two"]) as model,
        Codex(codex_home=home, isolated=True, config=model.provider_config(), skills=skills) as codex,
    ):
        kept = list(home.glob("client_skills/*/*/SKILL.md"))
        assert [stat.S_IMODE(path.stat().st_mode) for path in kept] == [0o600]
        codex.start_thread(working_directory=folder / "repo", approval_mode="never", **in_mode(mode)).run("go")
        assert "Deploy by make." in str(model.requests[-1].function_outputs), "commands can read it"
        codex.start_thread(working_directory=folder / "repo").run("Use $deploy")
        assert "planted" not in json.dumps(model.requests[-1].body)
        assert "Deploy by make." in json.dumps(model.requests[-1].body)
    assert not [path.name for path in tmp.iterdir() if "skills" in path.name]
    assert not list(home.glob("client_skills/*"))


@pytest.mark.parametrize("mode", SANDBOXED)
def test_skills_given_in_code(folder: Path, mode: str) -> None:
    skills_are_kept(folder, mode)


def test_skills_of_a_killed_process_are_deleted(folder: Path) -> None:
    repository(folder)
    home = folder / "codex"
    code = """
import os, sys
from codex_cffi import Codex
codex = Codex(codex_home=sys.argv[1], isolated=True, base_url="http://127.0.0.1:9", api_key="x", skills={"x": "Do x."})
os._exit(0)
"""
    assert run_python(code, home).returncode == 0
    (left,) = home.glob("client_skills/*")
    with (
        ScriptedModel([]) as model,
        Codex(codex_home=home, isolated=True, config=model.provider_config(), skills={"y": "Do y."}),
    ):
        assert not left.exists()
        assert len(list(home.glob("client_skills/*"))) == 1
    assert not list(home.glob("client_skills/*"))


def long_hook_outputs_are_kept(folder: Path, mode: str) -> None:
    """A command puts a link where long texts of hooks were once kept."""
    repository(folder)
    home, out = folder / "tmp" / "codex", folder / "out"
    out.mkdir()
    text = "secret of the host " + "word " * 20_000
    plant = f"ln -s {out} {folder}/tmp/hook_outputs; rm -r {home}/hook_outputs; ln -s {out} {home}/hook_outputs"
    with ScriptedModel([[run(plant)], "one", "two"]) as model:
        with Codex(codex_home=home, isolated=True, config=model.provider_config()) as codex:
            codex.start_thread(working_directory=folder / "repo", approval_mode="never", **in_mode(mode)).run("go")
            codex.register_hook(Hook("UserPromptSubmit", lambda call: AddContext(text)))
            codex.start_thread(working_directory=folder / "repo").run("go")
        body = json.dumps(model.requests[-1].body)
    (kept,) = home.glob("hook_outputs/*/*.txt")
    assert str(kept) in body
    assert kept.read_text() == text
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert not list(out.iterdir())


@pytest.mark.parametrize("mode", SANDBOXED)
def test_long_hook_outputs(folder: Path, mode: str) -> None:
    long_hook_outputs_are_kept(folder, mode)


def profile(files: dict[str, str], **more: Any) -> dict[str, Any]:
    """A configuration with a permission profile of its own."""
    return {"default_permissions": "mine", "permissions": {"mine": {"filesystem": {":root": "read", **files}, **more}}}


@pytest.mark.parametrize("pattern", ["/**/*.secret", "/*.secret", "{repo}/!*.secret"])
def test_a_pattern_that_cannot_be_looked_for_ends_the_command(folder: Path, pattern: str) -> None:
    repo = repository(folder)
    (repo / "a.secret").write_text(SECRET)
    pattern = pattern.format(repo=repo)
    output = with_profile(folder, profile({pattern: "none"}), run(f"cat {repo}/a.secret; echo it ran"))
    assert SECRET not in output
    assert "it ran" not in output
    assert "cannot be looked for" in output


def test_a_pattern_that_can_be_looked_for_hides(folder: Path) -> None:
    repo = repository(folder)
    (repo / "a.secret").write_text(SECRET)
    output = with_profile(folder, profile({f"{repo}/**/*.secret": "none"}), run(f"cat {repo}/a.secret; echo it ran"))
    assert SECRET not in output
    assert "it ran" in output


def with_profile(folder: Path, config: dict[str, Any], *steps: Any) -> str:
    with ScriptedModel([*([step] for step in steps), "done"]) as model:
        settings = {**model.provider_config(), **config}
        with Codex(codex_home=folder / "codex", isolated=True, config=settings) as codex:
            codex.start_thread(working_directory=folder / "repo", approval_mode="never").run("go", timeout=60)
        return "\n".join(map(str, model.requests[-1].function_outputs.values()))


def test_a_patch_does_not_widen_what_may_be_written(folder: Path) -> None:
    """One file may be written, its folder may not: so the file can be changed, but not taken out of the folder."""
    repository(folder)
    shared = folder / "shared"
    shared.mkdir()
    (shared / "file").write_text("old\n")
    config = profile({f"{shared}/file": "write"})
    change = f"*** Begin Patch\n*** Update File: {shared}/file\n@@\n-old\n+new\n*** End Patch"
    with_profile(folder, config, apply_patch(change))
    assert (shared / "file").read_text() == "new\n"
    with_profile(folder, config, apply_patch(f"*** Begin Patch\n*** Delete File: {shared}/file\n*** End Patch"))
    assert (shared / "file").read_text() == "new\n"


ATTACKS = (
    home_is_kept,
    login_stays_hidden,
    login_behind_a_link_is_hidden,
    homes_of_others_are_kept,
    own_code_is_kept,
    replaceable_link_is_refused,
    registry_is_out_of_reach,
    skills_are_kept,
    long_hook_outputs_are_kept,
)


@pytest.mark.skipif(not ROOT_USER, reason="the other tests run as an ordinary user already")
@pytest.mark.parametrize("attack", [attack.__name__ for attack in ATTACKS])
def test_as_an_ordinary_user(attack: str) -> None:
    some: dict[str, list[tuple[str, ...]]] = {
        "home_is_kept": CASES,
        "replaceable_link_is_refused": [()],
        "own_code_is_kept": [(WRITE,)],
    }
    assert_held_as_user("test_sandbox_files", attack, some.get(attack, [(mode,) for mode in SANDBOXED]))


def test_the_helper_makes_no_sandbox_of_its_own_accord(folder: Path, helper: Path) -> None:
    """Not told what to protect, it refuses."""
    entries = [{"path": {"type": "special", "value": {"kind": "root"}}, "access": "read"}]
    permissions = {
        "type": "managed",
        "file_system": {"type": "restricted", "entries": entries},
        "network": "restricted",
    }
    arguments = [
        "--sandbox-policy-cwd",
        "/",
        "--permission-profile",
        json.dumps(permissions),
        "--",
        "/usr/bin/touch",
        str(folder / "made"),
    ]
    done = subprocess.run([helper, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 126, done.stderr
    assert "did not say which folders to protect" in done.stderr


def test_the_folders_are_not_in_a_commands_environment(folder: Path) -> None:
    repository(folder)
    home = folder / "the-home-of-it"
    _, output = agent(folder, home, WRITE, run("env; tr '\\0' ' ' < /proc/self/cmdline"))
    assert "PATH=" in output
    assert home.name not in output


def test_programs_that_load_no_package_have_folders_too() -> None:
    """An interpreter without site-packages, as `python -S -I` is."""
    code = "import sys; sys.path.insert(0, sys.argv[1]); from codex_cffi._host_folders import program_folders; print(program_folders())"
    done = run_python(code, ROOT)
    assert done.returncode == 0, done.stderr
    assert str(ROOT / "codex_cffi") in done.stdout
