"""What the engine reads of repositories, and what git that it runs may do: repositories come from anywhere, and a command may have made one."""

from __future__ import annotations

import contextlib
import functools
import http.server
import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from codex_cffi import Codex, CommandExecution, EngineError, log
from codex_cffi.review import BaseBranch
from codex_cffi.testing import ScriptedModel, delay, shell, text
from support import MakeCodex, need, run_python
from support.git_tricks import PLANTED, TRICKS, Trick, World, attack
from support.unprivileged import remove, run_as_user, user_folder

MODES = ("read-only", "workspace-write", "danger-full-access")


@pytest.fixture(scope="module", autouse=True)
def bubblewrap() -> None:
    need("bwrap", "bubblewrap")


@pytest.fixture
def base() -> Iterator[Path]:
    """Outside of /tmp, where commands may write."""
    folder = user_folder("git")
    yield folder
    remove(folder)


@pytest.fixture(scope="module")
def codex() -> Iterator[Codex]:
    folder = user_folder("git")
    # The facts of a repository are read while the model is asked: a moment for git, if any is run.
    with (
        ScriptedModel([], default=[delay(0.1), text("Fine.")]) as model,
        Codex(codex_home=folder / "home", isolated=True, config=model.provider_config()) as opened,
    ):
        yield opened
    remove(folder)


@pytest.mark.parametrize("trick", TRICKS, ids=lambda trick: trick.name)
def test_git_runs_no_program_that_others_name(codex: Codex, base: Path, trick: Trick) -> None:
    assert trick.world(base / "control").control(trick.control), "the trick works on nobody"
    world = trick.world(base / "world")
    with world.host():
        attack(codex, world.where, ["read-only", "workspace-write"])
    assert not world.mark.exists()


def test_as_an_ordinary_user() -> None:
    code = """
import json, sys
from pathlib import Path
from codex_cffi import Codex
from codex_cffi.testing import ScriptedModel, delay, text
from support.git_tricks import TRICKS, attack

folder, ran, harmless = Path(sys.argv[1]), [], []
with ScriptedModel([], default=[delay(0.1), text("Fine.")]) as model:
    with Codex(codex_home=folder / "codex-home", isolated=True, config=model.provider_config()) as codex:
        for number, trick in enumerate(TRICKS):
            if not trick.world(folder / f"{number}-control").control(trick.control):
                harmless.append(trick.name)
            world = trick.world(folder / f"{number}")
            with world.host():
                attack(codex, world.where, ["workspace-write"])
            if world.mark.exists():
                ran.append(trick.name)
print(json.dumps({"ran": ran, "harmless": harmless}))
"""
    folder = user_folder("git-user")
    try:
        done = run_as_user(code, folder / "home", folder=folder)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == {"ran": [], "harmless": []}
    finally:
        remove(folder)


@pytest.mark.parametrize("trick", PLANTED, ids=lambda trick: trick.name)
def test_what_a_command_plants_is_not_run(make_codex: MakeCodex, base: Path, trick: Trick) -> None:
    """A command of the agent lays the trick out; then other threads work there."""
    world = trick.world(base / "world")
    git_dir, files = world.repo / ".git", base / "files"
    shutil.move(world.repo, files)
    world.repo.mkdir()
    shutil.move(files / ".git", git_dir)
    world.git("checkout", "--quiet", "--", ".")
    assert not world.program.exists()
    plant = shell(f"cp -a {files}/. .", call_id="plant", login=False)
    with ScriptedModel([plant, "Done."], default=[delay(0.1), text("Fine.")]) as model:
        codex = make_codex(model, codex_home=base / "codex-home")
        thread = codex.start_thread(working_directory=world.repo, sandbox_mode="workspace-write", approval_mode="never")
        turn = thread.run("go", timeout=60)
        assert [item.status for item in turn.items if isinstance(item, CommandExecution)] == ["completed"]
        with world.host():
            attack(codex, world.where, MODES)
    assert not world.mark.exists()
    assert world.control(trick.control), "the command could not lay it out"


# ---- what is told of a repository


def git(folder: Path, *arguments: str) -> str:
    command = [
        "git",
        "-c",
        "user.name=A",
        "-c",
        "user.email=a@example.com",
        "-c",
        "protocol.file.allow=always",
        *arguments,
    ]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def commit(folder: Path, name: str = "file", content: str = "one\n") -> str:
    (folder / name).write_text(content)
    git(folder, "add", name)
    git(folder, "commit", "--quiet", "-m", content)
    return git(folder, "rev-parse", "HEAD")


def told(codex: Codex, home: Path, model: ScriptedModel, folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the model provider and the session file are told of the repository."""
    thread = codex.start_thread(working_directory=folder, skip_git_repo_check=True)
    # It is read while the model is asked for the first time, so the second request of a turn has it.
    model.add([delay(0.3), shell("true", login=False)], "Done.")
    thread.run("go", timeout=60)
    workspaces = json.loads(model.requests[-1].headers["x-codex-turn-metadata"]).get("workspaces", {})
    (file,) = (home / "sessions").rglob(f"*{thread.id}.jsonl")
    meta = json.loads(file.read_text().splitlines()[0])["payload"]
    (workspace,) = workspaces.values() or [{}]
    return workspace, meta.get("git") or {}


URL = "https://example.com/a/b.git"


@pytest.mark.parametrize("kind", ["branch", "folder", "packed", "detached", "worktree", "submodule", "sha256", "empty"])
def test_commit_branch_and_remote_are_told(
    make_codex: MakeCodex, codex_home: Path, repo: Path, tmp_path: Path, kind: str
) -> None:
    if kind == "sha256":
        shutil.rmtree(repo / ".git")
        git(repo, "init", "--quiet", "--object-format=sha256")
    git(repo, "checkout", "--quiet", "-b", "topic/a")
    sha = None if kind == "empty" else commit(repo)
    where, branch = repo, None if kind == "empty" else "topic/a"
    if kind == "folder":
        where = repo / "inner" / "most"
        where.mkdir(parents=True)
    elif kind == "packed":
        git(repo, "pack-refs", "--all")
        assert not (repo / ".git" / "refs" / "heads" / "topic").exists()
    elif kind == "detached":
        git(repo, "checkout", "--quiet", "--detach")
        branch = None
    elif kind == "worktree":
        where, branch = tmp_path / "linked", "linked"
        git(repo, "worktree", "add", "--quiet", "-b", "linked", str(where))
    elif kind == "submodule":
        outer = tmp_path / "outer"
        outer.mkdir()
        git(outer, "init", "--quiet")
        git(outer, "submodule", "--quiet", "add", str(repo), "inner")
        where = outer / "inner"
        git(where, "remote", "remove", "origin")
    git(where, "remote", "add", "origin", URL)
    git(where, "remote", "add", "other", "../other")
    with ScriptedModel([]) as model:
        workspace, session = told(make_codex(model), codex_home, model, where)
    remotes = {"origin": URL, "other": "../other"}
    assert workspace == {"associated_remote_urls": remotes} | ({"latest_git_commit_hash": sha} if sha else {})
    expected = {"commit_hash": sha, "branch": branch, "repository_url": URL}
    assert session == {name: value for name, value in expected.items() if value}


def test_it_is_told_without_any_git(repo: Path, codex_home: Path) -> None:
    sha = commit(repo)
    code = """
import json, sys
from codex_cffi import Codex
from codex_cffi.testing import ScriptedModel, delay, shell
with ScriptedModel([[delay(0.3), shell("true", login=False)], "Done."]) as model:
    with Codex(codex_home=sys.argv[1], isolated=True, config=model.provider_config()) as codex:
        thread = codex.start_thread(working_directory=sys.argv[2], sandbox_mode="danger-full-access")  # bubblewrap is on PATH, too
        thread.run("go")
    print(model.requests[-1].headers["x-codex-turn-metadata"])
"""
    done = run_python(code, codex_home, repo, env={"PATH": "/nonexistent"})
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["workspaces"] == {str(repo): {"latest_git_commit_hash": sha}}


SECRET = "s3cr3t-t0k3n"
#: An address of a remote in .git/config, and what may be told of it; None: nothing.
ADDRESSES = [
    (f"https://bot:{SECRET}@example.com/a/b.git", "https://example.com/a/b.git"),
    (f"https://{SECRET}@example.com/a/b.git", "https://example.com/a/b.git"),
    (f"https://{SECRET}:@example.com:8443/a", "https://example.com:8443/a"),
    (f"HTTPS://bot:{SECRET}@Example.com/a", "HTTPS://Example.com/a"),
    (f"https://bot%40corp:{SECRET}%2F@example.com/a", "https://example.com/a"),
    (f"https://a@b:{SECRET}@example.com/a", "https://example.com/a"),
    (f"https://bot:{SECRET}/x@example.com/a", None),
    (f"https://bot%3A{SECRET}%40example.com/a", None),
    (f"https:///bot:{SECRET}@example.com/a", None),
    (f"https://example.com/a?private_token={SECRET}", "https://example.com/a"),
    (f"https://example.com/a#{SECRET}", "https://example.com/a"),
    (f"https://bot:{SECRET}@[::1]:8443/a", "https://[::1]:8443/a"),
    (f"ssh://bot:{SECRET}@example.com:22/a", "ssh://example.com:22/a"),
    (f"git+ssh://{SECRET}@example.com/a", "git+ssh://example.com/a"),
    (f"ftp://bot:{SECRET}@example.com/a", "ftp://example.com/a"),
    (f"bot:{SECRET}@example.com:a/b.git", "example.com:a/b.git"),
    (f"{SECRET}@example.com:a/b.git", "example.com:a/b.git"),
    (f"//bot:{SECRET}@example.com/a", None),
    (f"https:/bot:{SECRET}@example.com/a", None),
    (f"https:bot:{SECRET}@example.com/a", "example.com/a"),
    (f"codecommit::https://bot:{SECRET}@example.com/a", "codecommit::https://example.com/a"),
    (f"ext::sh -c 'curl -H {SECRET} example.com'", None),
    (f"https://bot:{SECRET}@example.com/{'a' * 2000}", None),
    ("git@example.com:a/b.git", "git@example.com:a/b.git"),
    ("ssh://git@example.com:2222/a/b.git", "ssh://git@example.com:2222/a/b.git"),
    ("https://example.com/@scope/b.git", "https://example.com/@scope/b.git"),
    ("file:///srv/git/a.git", "file:///srv/git/a.git"),
    ("/srv/git/a#b.git", "/srv/git/a#b.git"),
]


@pytest.mark.parametrize("group", range(2))
def test_no_secret_of_a_remote_is_told(
    make_codex: MakeCodex, repo: Path, codex_home: Path, caplog: pytest.LogCaptureFixture, group: int
) -> None:
    caplog.set_level(1)
    log.set_level("trace")
    commit(repo)
    addresses = ADDRESSES[14 * group : 14 * (group + 1)]
    for number, (address, _) in enumerate(addresses):
        git(repo, "config", f"remote.r{number:02}.url", address)
    if group == 0:  # it is the session file's, too
        git(repo, "config", "remote.origin.url", addresses[0][0])
    git(repo, "config", "remote.r00.pushurl", f"https://bot:{SECRET}@push.example.com/a")
    git(repo, "config", f"url.https://bot:{SECRET}@example.com/.insteadOf", "https://example.com/")
    user = Path(os.environ["HOME"]) / ".gitconfig"
    user.write_text(f'[url "https://bot:{SECRET}@example.com/"]\n\tinsteadOf = https://example.com/\n')
    with ScriptedModel([]) as model:
        codex = make_codex(model)
        workspace, session = told(codex, codex_home, model, repo)
        with contextlib.suppress(EngineError):
            codex.request("gitDiffToRemote", {"cwd": str(repo)})
        codex.close()
        sent = "".join(f"{dict(request.headers)}{request.body}" for request in model.requests)
    expected = {f"r{number:02}": clean for number, (_, clean) in enumerate(addresses) if clean}
    if group == 0:
        expected["origin"] = addresses[0][1] or ""
        assert session["repository_url"] == addresses[0][1]
    assert workspace["associated_remote_urls"] == expected
    assert SECRET not in sent
    assert SECRET not in caplog.text
    written = {str(path): path.read_bytes() for path in codex_home.rglob("*") if path.is_file()}
    assert len(written) > 3
    assert [path for path, content in written.items() if SECRET.encode() in content] == []


def test_what_would_keep_a_reader_waiting_is_not_read(make_codex: MakeCodex, codex_home: Path, repo: Path) -> None:
    commit(repo)
    git(repo, "remote", "add", "origin", URL)
    head = (repo / ".git" / "HEAD").read_text()
    for name in ("HEAD", "config", "packed-refs", "commondir"):
        path = repo / ".git" / name
        kept = path.read_bytes() if path.exists() else None
        path.unlink(missing_ok=True)
        os.mkfifo(path)
        with ScriptedModel([]) as model:
            home = repo.parent / f"home-{name}"
            told(make_codex(model, codex_home=home), home, model, repo)
        path.unlink()
        if kept is not None:
            path.write_bytes(kept)
    # What is endless, and what names a file of the host's: neither is told.
    (repo / ".git" / "config").unlink()
    (repo / ".git" / "config").symlink_to("/dev/zero")
    (repo / ".git" / head.removeprefix("ref: ").strip()).unlink()
    (repo / ".git" / head.removeprefix("ref: ").strip()).symlink_to("/etc/passwd")
    with ScriptedModel([]) as model:
        assert told(make_codex(model), codex_home, model, repo) == ({}, {})


# ---- what the host asks git for


@pytest.fixture
def branches(repo: Path, tmp_path: Path) -> Path:
    """A branch with one commit that no remote has, and changes; its base is ahead at the remote."""
    remote = tmp_path / "remote.git"
    git(tmp_path, "init", "--quiet", "--bare", str(remote))
    git(repo, "checkout", "--quiet", "-b", "main")
    commit(repo)
    git(repo, "remote", "add", "origin", str(remote))
    git(repo, "push", "--quiet", "--set-upstream", "origin", "main")
    git(repo, "checkout", "--quiet", "-b", "ahead")
    commit(repo, "later", "two\n")
    git(repo, "push", "--quiet", "origin", "ahead:main")
    git(repo, "checkout", "--quiet", "-b", "feature")
    commit(repo, content="three\n")
    return repo


def test_a_review_of_a_branch_starts_where_it_left_the_remote_s(make_codex: MakeCodex, branches: Path) -> None:
    with ScriptedModel([], default="Fine.") as model:
        codex = make_codex(model)
        codex.review(BaseBranch("main"), working_directory=branches, timeout=60)
        codex.review(BaseBranch("HEAD~2"), working_directory=branches / ".git" / "..", timeout=60)
    first, second = (request.user_text for request in model.requests)
    assert f"git diff {git(branches, 'rev-parse', 'origin/main')}" in first
    assert f"git diff {git(branches, 'rev-parse', 'HEAD~2')}" in second


def test_the_difference_to_the_remote(make_codex: MakeCodex, branches: Path, codex_home: Path) -> None:
    (branches / "file").write_text("four\n")
    (branches / "new").write_text("five\n")
    (branches / "-x").write_bytes(b"\0\1")
    (branches / ".git" / "info" / "exclude").write_text("ignored\n")
    (branches / "ignored").write_text("six\n")
    with ScriptedModel([]) as model:
        result = make_codex(model).request("gitDiffToRemote", {"cwd": str(branches)})
    assert result["sha"] == git(branches, "rev-parse", "origin/main")
    changed = git(branches, "diff", "origin/main")
    assert changed.startswith("diff --git a/file b/file")
    assert result["diff"].startswith(f"{changed}\n")
    assert "+five\n" in result["diff"]
    assert "b/-x" in result["diff"]
    assert "GIT binary patch" in result["diff"]
    assert "ignored" not in result["diff"]
    # Nothing of it is left, and nobody else could look into it meanwhile.
    folder = codex_home / "tmp" / "git"
    assert list(folder.iterdir()) == []
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_difference_that_needs_what_is_missing_is_refused(make_codex: MakeCodex, branches: Path) -> None:
    name = git(branches, "rev-parse", "origin/main:file")
    (branches / ".git" / "objects" / name[:2] / name[2:]).unlink()
    with ScriptedModel([]) as model, pytest.raises(EngineError, match="git diff"):
        make_codex(model).request("gitDiffToRemote", {"cwd": str(branches)})


def test_what_a_killed_process_left_is_removed(make_codex: MakeCodex, branches: Path, codex_home: Path) -> None:
    old, new = (codex_home / "tmp" / "git" / name for name in ("view-old", "view-new"))
    for folder in (old, new):
        folder.mkdir(parents=True, mode=0o700)
        (folder / "refs").symlink_to(branches / ".git" / "refs")
    for folder in (codex_home, codex_home / "tmp", codex_home / "tmp" / "git"):
        folder.chmod(0o700)
    two_hours_ago = time.time() - 7200
    os.utime(old, (two_hours_ago, two_hours_ago))
    with ScriptedModel([]) as model:
        make_codex(model).request("gitDiffToRemote", {"cwd": str(branches)})
    assert [path.name for path in (codex_home / "tmp" / "git").iterdir()] == ["view-new"]
    assert (branches / ".git" / "refs" / "heads").is_dir()


@pytest.fixture
def surrounded(base: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A repository whose `.venv/bin` stands first in PATH and has programs of the names that the engine runs; the user's configuration has hooks there."""
    world = World(base / "world")
    for name in ("git", "rg", "git-remote-http", "ssh", "reference-transaction", "post-checkout"):
        shutil.copy(world.program, world.bin / name)
    world.config(f"[core]\n\thooksPath = {world.bin}\n\tfsmonitor = EVIL\n", world.home / ".gitconfig")
    monkeypatch.setenv("PATH", f"{world.bin}:{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(world.home))
    world.mark.unlink(missing_ok=True)
    return world


def test_a_plugin_is_fetched_with_the_system_s_git(make_codex: MakeCodex, surrounded: World, base: Path) -> None:
    source = base / "source"
    for name, content in {
        ".agents/plugins/marketplace.json": '{"name": "debug", "plugins": []}',
        "README": "plugins\n",
    }.items():
        surrounded.write(source / name, content)
    surrounded.git("init", "--quiet", folder=source)
    surrounded.git("add", ".", folder=source)
    surrounded.git("commit", "--quiet", "-m", "plugins", folder=source)
    surrounded.git("update-server-info", folder=source)
    surrounded.mark.unlink(missing_ok=True)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(base)))
    with server, ScriptedModel([]) as model:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        codex = make_codex(model, codex_home=base / "codex-home")
        added = codex.request("marketplace/add", {"source": f"http://127.0.0.1:{server.server_port}/source/.git"})
        server.shutdown()
    assert (Path(added["installedRoot"]) / "README").read_text() == "plugins\n"
    assert not surrounded.mark.exists()


def test_sessions_are_searched_with_the_system_s_ripgrep(make_codex: MakeCodex, surrounded: World, base: Path) -> None:
    with ScriptedModel(["No needle."]) as model:
        codex = make_codex(model, codex_home=base / "codex-home")
        thread = codex.start_thread(working_directory=surrounded.repo)
        thread.run("Find the needle")
        found = codex.request(
            "thread/search", {"searchTerm": "the needle", "sourceKinds": ["vscode", "exec", "appServer", "cli"]}
        )
    assert [entry["thread"]["id"] for entry in found["data"]] == [thread.id]
    assert not surrounded.mark.exists()
