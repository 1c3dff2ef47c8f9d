"""Ways in which git runs a program that somebody else names: in a repository, in the user's configuration, on PATH, in the environment.

Each is a row of `TRICKS`. `World` has a repository in which it is laid out; the program leaves a mark outside of the repository. A plain git that is
run there (`World.control`) leaves one; the engine (`attack`) must not.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_WHO = {
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.com",
}
#: The host's own environment, without what it says to git.
_PLAIN = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | _WHO


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "core.hooksPath=/dev/null", "-c", "protocol.file.allow=always", *arguments]
    environment = {**_PLAIN, "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True).stdout


@functools.cache
def _beginning() -> Path:
    """The repository that all worlds begin with."""
    folder = tempfile.TemporaryDirectory(prefix="codex-cffi-git-")
    atexit.register(folder.cleanup)
    repo = Path(folder.name)
    for name in ("file", "sub/inner"):
        (repo / name).parent.mkdir(exist_ok=True)
        (repo / name).write_text("one\n")
    (repo / ".gitignore").write_text(".venv\n")
    _git(repo, "init", "--quiet", "--initial-branch=main")
    _git(repo, "add", ".")
    _git(repo, "commit", "--quiet", "-m", "one")
    _git(repo, "update-ref", "refs/remotes/origin/main", "HEAD")
    _git(repo, "remote", "add", "origin", "https://example.invalid/a/b.git")
    return repo


class World:
    """A repository with a remote branch and a change, its user's home, and a program that must not run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repo = folder / "repo"
        self.home = folder / "user"
        self.bin = self.repo / ".venv" / "bin"
        self.mark = folder / "out" / "ran"
        #: Where a thread works, and where git is run.
        self.where = self.repo
        self.environment: dict[str, str] = {}
        for made in (self.home, self.bin, self.mark.parent):
            made.mkdir(parents=True)
        self.program = self.write(self.bin / "evil", f"#!/bin/sh\necho ran >> '{self.mark}'\n", 0o755)
        shutil.copytree(_beginning(), self.repo, dirs_exist_ok=True)

    def git(self, *arguments: str, folder: Path | None = None) -> str:
        """Runs git as who made the repository did: without any trick."""
        return _git(folder or self.repo, *arguments)

    def write(self, path: Path, text: str, mode: int = 0o644) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path

    def config(self, text: str, path: Path | None = None) -> None:
        """Adds to the repository's configuration, or another."""
        with (path or self.repo / ".git" / "config").open("a") as file:
            file.write(text.replace("EVIL", str(self.program)) + "\n")

    def changed(self) -> None:
        """Makes git compare the file's content: its size is the same."""
        for name in ("file", "sub/inner"):
            path = self.repo / name
            path.write_text("two\n")
            os.utime(path, ns=(1, 1))

    def hook(self, name: str, folder: Path | None = None) -> None:
        folder = folder or self.repo / ".git" / "hooks"
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(self.program, folder / name)

    @contextlib.contextmanager
    def host(self) -> Iterator[None]:
        """With the environment of the trick's host."""
        changes = {"HOME": str(self.home), "GIT_CONFIG_NOSYSTEM": "1", **self.environment}
        before = {name: os.environ.get(name) for name in changes}
        os.environ.update(changes)
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name, None)
                if value is not None:
                    os.environ[name] = value

    def control(self, command: str) -> bool:
        """Whether a plain git command runs the program."""
        environment = {
            **_PLAIN,
            "HOME": str(self.home),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            **self.environment,
        }
        if "TERMINAL" in command:  # some programs are only for a person
            command = f"script --quiet --command '{command.removeprefix('TERMINAL ')}' /dev/null"
        subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=self.where,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=30,
            check=False,
        )
        return self.mark.exists()


@dataclass(frozen=True)
class Trick:
    """A way to have a program run.

    Attributes:
        control: The command that falls for it.
        lay: Lays it out, if lines of `.git/config` and an attribute of all files are not all there is to it.
    """

    name: str
    control: str
    config: str = ""
    attribute: str = ""
    lay: Callable[[World], None] = field(default=lambda world: None)

    def world(self, folder: Path) -> World:
        """A folder in which the trick is laid out."""
        world = World(folder)
        if self.config:
            world.config(self.config)
        if self.attribute:
            world.write(world.repo / ".gitattributes", f"* {self.attribute}\n")
        self.lay(world)
        world.changed()
        world.mark.unlink(missing_ok=True)
        return world


def _environment(**variables: str) -> Callable[[World], None]:
    def lay(world: World) -> None:
        for name, value in variables.items():
            world.environment[name] = value.replace("EVIL", str(world.program)).replace("REPO", str(world.repo))

    return lay


def _path(world: World) -> None:
    world.environment["PATH"] = f"{world.bin}:{os.environ['PATH']}"


def _planted_git(world: World) -> None:
    shutil.copy(world.program, world.bin / "git")
    _path(world)


def _lfs(world: World) -> None:
    # As `git lfs install` leaves it; the program is found on PATH.
    shutil.copy(world.program, world.bin / "git-lfs")
    world.config(
        '[filter "lfs"]\n\tclean = git-lfs clean -- %f\n\tprocess = git-lfs filter-process\n', world.home / ".gitconfig"
    )
    _path(world)


def _user(text: str) -> Callable[[World], None]:
    return lambda world: world.config(text, world.home / ".gitconfig")


def _xdg(world: World) -> None:
    world.write(world.folder / "xdg" / "git" / "config", f"[core]\n\tfsmonitor = {world.program}\n")
    world.environment["XDG_CONFIG_HOME"] = str(world.folder / "xdg")


def _user_attributes(world: World) -> None:
    world.write(world.home / ".config" / "git" / "attributes", "* filter=e\n")


def _global(world: World) -> None:
    world.config("[core]\n\tfsmonitor = EVIL\n", world.folder / "global")
    world.environment["GIT_CONFIG_GLOBAL"] = str(world.folder / "global")


def _system(world: World) -> None:
    world.config("[core]\n\tfsmonitor = EVIL\n", world.folder / "system")
    world.environment |= {"GIT_CONFIG_SYSTEM": str(world.folder / "system"), "GIT_CONFIG_NOSYSTEM": "0"}


def _counted(world: World) -> None:
    world.environment |= {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "core.fsmonitor",
        "GIT_CONFIG_VALUE_0": str(world.program),
    }


def _other_git_dir(world: World) -> None:
    other = world.folder / "other.git"
    shutil.copytree(world.repo / ".git", other)
    world.config("[core]\n\tfsmonitor = EVIL\n", other / "config")
    world.environment |= {"GIT_DIR": str(other), "GIT_WORK_TREE": str(world.repo)}


def _exec_path(world: World) -> None:
    # Whatever git looks for there.
    for name in ("git-remote-https", "git-status", "git-diff", "git-upload-pack"):
        world.write(world.folder / "exec" / name, world.program.read_text(), 0o755)
    world.environment["GIT_EXEC_PATH"] = str(world.folder / "exec")


def _hook(*names: str) -> Callable[[World], None]:
    def lay(world: World) -> None:
        for name in names:
            world.hook(name)

    return lay


def _hooks_path(world: World) -> None:
    world.hook("post-index-change", world.repo / "hooks")
    world.config(f"[core]\n\thooksPath = {world.repo / 'hooks'}\n")


def _included(world: World) -> None:
    world.config("[core]\n\tfsmonitor = EVIL\n", world.repo / "included")


def _info_attributes(world: World) -> None:
    world.write(world.repo / ".git" / "info" / "attributes", "* filter=e\n")


def _attributes_file(world: World) -> None:
    world.write(world.repo / "attributes", "* filter=e\n")
    world.config(f"[core]\n\tattributesFile = {world.repo / 'attributes'}\n")


def _worktree_config(world: World) -> None:
    world.config("[core]\n\trepositoryFormatVersion = 1\n[extensions]\n\tworktreeConfig = true\n")
    world.config("[core]\n\tfsmonitor = EVIL\n", world.repo / ".git" / "config.worktree")


def _linked_worktree(world: World) -> None:
    world.git("worktree", "add", "--quiet", "-b", "linked", str(world.folder / "linked"))
    world.config("[core]\n\tfsmonitor = EVIL\n")
    world.where = world.folder / "linked"


def _core_worktree(world: World) -> None:
    # The repository's working tree is said to be elsewhere.
    tree = world.folder / "tree"
    shutil.copytree(world.repo / "sub", tree / "sub")
    world.write(tree / "file", "two\n")
    world.write(tree / ".gitattributes", "* filter=e\n")
    world.config(f'[core]\n\tworktree = {tree}\n[filter "e"]\n\tclean = EVIL\n')


def _git_file(world: World) -> None:
    # A folder whose .git file points to a repository that came with the files.
    shutil.copytree(world.repo / ".git", world.repo / "sub" / "data")
    world.config(
        f"[core]\n\tfsmonitor = EVIL\n\tworktree = {world.repo / 'sub'}\n", world.repo / "sub" / "data" / "config"
    )
    world.write(world.repo / "sub" / ".git", "gitdir: data\n")
    world.where = world.repo / "sub"


def _nested(world: World) -> None:
    shutil.copytree(world.repo / ".git", world.repo / "sub" / ".git")
    world.config("[core]\n\tfsmonitor = EVIL\n", world.repo / "sub" / ".git" / "config")
    world.where = world.repo / "sub"


def _bare(world: World) -> None:
    # A folder that is a repository itself, as the server has one, with a working tree: git finds it before it looks above.
    shutil.copytree(world.repo / ".git", world.repo / "sub", dirs_exist_ok=True)
    world.config(
        f"[core]\n\tbare = false\n\tworktree = {world.repo / 'sub'}\n\tfsmonitor = EVIL\n",
        world.repo / "sub" / "config",
    )
    world.where = world.repo / "sub"


def _submodule(world: World) -> None:
    library = world.folder / "library"
    shutil.copytree(world.repo, library)
    world.git("submodule", "--quiet", "add", str(library), "library")
    world.git("commit", "--quiet", "-m", "library")
    world.write(world.repo / "library" / ".gitattributes", "* filter=e\n")
    world.config('[filter "e"]\n\tclean = EVIL\n', world.repo / ".git" / "modules" / "library" / "config")
    inner = world.repo / "library" / "file"
    inner.write_text("two\n")
    os.utime(inner, ns=(1, 1))


def _embedded(world: World) -> None:
    # No submodule that anybody has registered, only a commit in the index.
    inner = world.repo / "library"
    shutil.copytree(world.repo, inner)
    world.git("add", "library")
    world.git("commit", "--quiet", "-m", "library")
    world.config("[core]\n\tfsmonitor = EVIL\n", inner / ".git" / "config")


def _signed(world: World) -> None:
    body = world.git("cat-file", "commit", "HEAD").replace(
        "\n\n", "\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----\n\n", 1
    )
    command = ["git", "hash-object", "-t", "commit", "-w", "--stdin", "--literally"]
    commit = subprocess.run(
        command, cwd=world.repo, input=body, capture_output=True, text=True, check=True
    ).stdout.strip()
    world.git("update-ref", "refs/heads/main", commit)


def _promisor(world: World) -> None:
    # An object is missing, and the repository says which program gives it.
    name = world.git("rev-parse", "HEAD:file").strip()
    (world.repo / ".git" / "objects" / name[:2] / name[2:]).unlink()
    world.config("[core]\n\trepositoryFormatVersion = 1\n[extensions]\n\tpartialClone = promised\n")
    world.config(f'[remote "promised"]\n\turl = {world.repo}\n\tpromisor = true\n\tuploadpack = EVIL\n')


def _promisor_commit(world: World) -> None:
    # The same with a commit, which looking for where a branch began needs.
    _promisor(world)
    tree = world.git("rev-parse", "HEAD^{tree}").strip()
    missing = world.git("commit-tree", "-m", "missing", tree).strip()
    after = world.git("commit-tree", "-m", "after", "-p", missing, tree).strip()
    (world.repo / ".git" / "objects" / missing[:2] / missing[2:]).unlink()
    world.write(world.repo / ".git" / "refs" / "heads" / "main", after + "\n")


def _merge(world: World) -> None:
    world.git("checkout", "--quiet", "-b", "other")
    world.write(world.repo / "file", "other\n")
    world.git("commit", "--quiet", "-am", "other")
    world.git("checkout", "--quiet", "main")
    world.write(world.repo / "file", "ours\n")
    world.git("commit", "--quiet", "-am", "ours")


def _template(world: World) -> None:
    world.hook("reference-transaction", world.folder / "template" / "hooks")
    world.environment["GIT_TEMPLATE_DIR"] = str(world.folder / "template")


_FILTER = '[filter "e"]\n\tclean = EVIL\n'
_CREDENTIAL = "printf 'protocol=https\\nhost=example.invalid\\n\\n' | git credential fill"

TRICKS = [
    # what the repository's configuration names
    Trick("clean filter", "git status", _FILTER, "filter=e"),
    Trick("clean filter in a diff", "git diff origin/main", _FILTER, "filter=e"),
    Trick("smudge filter", "git checkout -- file", '[filter "e"]\n\tsmudge = EVIL\n', "filter=e"),
    Trick("process filter", "git status", '[filter "e"]\n\tprocess = EVIL\n\trequired = true\n', "filter=e"),
    Trick(
        "filter with an odd name",
        "git status",
        '[filter "a=b.c d"]\n\tclean = EVIL\n[filter "e"]\n\tclean = EVIL\n',
        "filter=e",
    ),
    Trick("filter of info/attributes", "git status", _FILTER, lay=_info_attributes),
    Trick("filter of an attributes file", "git status", _FILTER, lay=_attributes_file),
    Trick("fsmonitor", "git status", "[core]\n\tfsmonitor = EVIL\n"),
    Trick("hook post-index-change", "git status", lay=_hook("post-index-change")),
    Trick("hook reference-transaction", "git update-ref refs/heads/x HEAD", lay=_hook("reference-transaction")),
    Trick("hook post-checkout", "git checkout -q -b x", lay=_hook("post-checkout")),
    Trick("hook pre-commit", "git commit -q --allow-empty -m x", lay=_hook("pre-commit")),
    Trick("hooks path", "git status", lay=_hooks_path),
    Trick("external diff", "git diff", "[diff]\n\texternal = EVIL\n"),
    Trick("diff command", "git diff", '[diff "e"]\n\tcommand = EVIL\n', "diff=e"),
    Trick("textconv", "git diff", '[diff "e"]\n\ttextconv = EVIL\n', "diff=e"),
    Trick("merge driver", "git merge -q other", '[merge "e"]\n\tdriver = EVIL\n', "merge=e", _merge),
    Trick("pager", "TERMINAL git diff", "[core]\n\tpager = EVIL\n"),
    Trick("pager of a command", "TERMINAL git diff", "[pager]\n\tdiff = EVIL\n"),
    Trick("alias", "git st", "[alias]\n\tst = !EVIL\n"),
    Trick("editor", "git commit --allow-empty", "[core]\n\teditor = EVIL\n"),
    Trick("trailer command", "git interpret-trailers --trailer e=x", '[trailer "e"]\n\tkey = E\n\tcommand = EVIL\n'),
    Trick("gpg to sign", "git commit -q --allow-empty -m x", "[commit]\n\tgpgSign = true\n[gpg]\n\tprogram = EVIL\n"),
    Trick("gpg to verify", "git log -1", "[log]\n\tshowSignature = true\n[gpg]\n\tprogram = EVIL\n", lay=_signed),
    Trick("ssh command", "git ls-remote ssh://example.invalid/a", "[core]\n\tsshCommand = EVIL\n"),
    Trick(
        "ssh command of origin",
        "git remote show origin",
        '[core]\n\tsshCommand = EVIL\n[remote "origin"]\n\turl = a@example.invalid:b\n\turl = x\n'
        '[url "ssh://example.invalid/"]\n\tinsteadOf = https://example.invalid/\n',
    ),
    Trick("proxy command", "git ls-remote git://example.invalid/a", "[core]\n\tgitProxy = EVIL\n"),
    Trick("credential helper", _CREDENTIAL, "[credential]\n\thelper = !EVIL\n"),
    Trick("askpass", _CREDENTIAL, "[core]\n\taskPass = EVIL\n"),
    Trick("ext protocol", "git ls-remote e", '[remote "e"]\n\turl = ext::EVIL\n[protocol "ext"]\n\tallow = always\n'),
    Trick("upload-pack", "git ls-remote e", '[remote "e"]\n\turl = .\n\tuploadpack = EVIL\n'),
    Trick("missing blob", "git diff origin/main", lay=_promisor),
    Trick("missing commit", "git merge-base HEAD origin/main", lay=_promisor_commit),
    Trick("included file", "git status", "[include]\n\tpath = ../included\n", lay=_included),
    Trick(
        "file included on a condition", "git status", '[includeIf "gitdir:**"]\n\tpath = ../included\n', lay=_included
    ),
    Trick("worktree configuration", "git status", lay=_worktree_config),
    # repositories in odd places
    Trick("linked worktree", "git status", lay=_linked_worktree),
    Trick("working tree elsewhere", "git status", lay=_core_worktree),
    Trick(".git file", "git status", lay=_git_file),
    Trick("nested repository", "git status", lay=_nested),
    Trick("bare repository in a folder", "git status", lay=_bare),
    Trick("submodule", "git status", lay=_submodule),
    Trick("submodule in a diff", "git diff origin/main", lay=_submodule),
    Trick("embedded repository", "git status", lay=_embedded),
    # what the user's configuration and PATH name
    Trick("git on PATH", "git status", lay=_planted_git),
    Trick("git-lfs on PATH", "git status", "", "filter=lfs", _lfs),
    Trick("user's fsmonitor", "git status", lay=_user("[core]\n\tfsmonitor = EVIL\n")),
    Trick("user's external diff", "git diff", lay=_user("[diff]\n\texternal = EVIL\n")),
    Trick("user's configuration by XDG", "git status", lay=_xdg),
    Trick("user's attributes", "git status", _FILTER, lay=_user_attributes),
    # what the host's environment names
    Trick("GIT_EXTERNAL_DIFF", "git diff", lay=_environment(GIT_EXTERNAL_DIFF="EVIL")),
    Trick("GIT_PAGER", "TERMINAL git diff", lay=_environment(GIT_PAGER="EVIL")),
    Trick("PAGER", "TERMINAL git diff", lay=_environment(PAGER="EVIL")),
    Trick("GIT_EDITOR", "git commit --allow-empty", lay=_environment(GIT_EDITOR="EVIL")),
    Trick("GIT_SSH", "git ls-remote ssh://example.invalid/a", lay=_environment(GIT_SSH="EVIL")),
    Trick("GIT_SSH_COMMAND", "git ls-remote ssh://example.invalid/a", lay=_environment(GIT_SSH_COMMAND="EVIL")),
    Trick("GIT_PROXY_COMMAND", "git ls-remote git://example.invalid/a", lay=_environment(GIT_PROXY_COMMAND="EVIL")),
    Trick("GIT_ASKPASS", _CREDENTIAL, lay=_environment(GIT_ASKPASS="EVIL")),
    Trick("GIT_EXEC_PATH", "git ls-remote origin", lay=_exec_path),
    Trick("GIT_DIR", "git status", lay=_other_git_dir),
    Trick("GIT_CONFIG_GLOBAL", "git status", lay=_global),
    Trick("GIT_CONFIG_SYSTEM", "git status", lay=_system),
    Trick("GIT_CONFIG_COUNT", "git status", lay=_counted),
    Trick("GIT_CONFIG_PARAMETERS", "git status", lay=_environment(GIT_CONFIG_PARAMETERS="'core.fsmonitor'='EVIL'")),
    Trick("GIT_TEMPLATE_DIR", "git init -q x && git -C x commit -q --allow-empty -m x", lay=_template),
]

#: Those that a command in the sandbox can lay out: where its thread works, everything but `.git` itself.
PLANTED = [
    trick
    for trick in TRICKS
    if trick.name in {"bare repository in a folder", "nested repository", ".git file", "git-lfs on PATH", "git on PATH"}
]


def attack(codex: Any, folder: Path, modes: Iterable[str]) -> None:
    """Has the engine do all that it needs to know the repository for: turns, a review, a difference to a remote."""
    from codex_cffi import CodexError
    from codex_cffi.review import BaseBranch

    threads = [codex.start_thread(working_directory=folder, sandbox_mode=mode, approval_mode="never") for mode in modes]
    with ThreadPoolExecutor(len(threads)) as pool:
        for turn in pool.map(lambda thread: thread.run("go", timeout=60), threads):
            assert turn.status == "completed"
    # What git would need a program for may be refused.
    with contextlib.suppress(CodexError):
        threads[0].review(BaseBranch("origin/main"), timeout=60)
    with contextlib.suppress(CodexError):
        codex.request("gitDiffToRemote", {"cwd": str(folder)})
