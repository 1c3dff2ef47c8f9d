"""Attempts to get out of the sandbox: real commands and patches through the helper and bubblewrap, judged by what happened on the host.

Each attempt of the tables runs in every mode, with what must come of it. The folders are in /var/tmp, because /tmp is writable in `workspace-write`.
"""

from __future__ import annotations

import json
import os
import re
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import textwrap
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from codex_cffi import Codex, CommandExecution, FileChange, SandboxUnavailableError, WorkspaceWrite
from codex_cffi.testing import ScriptedModel, apply_patch, shell
from support import MakeCodex, need, run_python

ROOT_USER = os.geteuid() == 0
#: The kernel's Yama may keep processes of one user from tracing each other.
YAMA = Path("/proc/sys/kernel/yama/ptrace_scope")
MAY_TRACE = ROOT_USER or not YAMA.exists() or YAMA.read_text().strip() == "0"

READ, WRITE, NETWORK, DANGER = "read-only", "workspace-write", "network", "danger-full-access"
#: Modes in which most attempts are made.
USUAL = (READ, WRITE, NETWORK, DANGER)


@pytest.fixture(scope="module", autouse=True)
def bubblewrap() -> None:
    need("bwrap", "bubblewrap")


class World:
    """A host to get out to: folders, listeners, and a process that sleeps on a secret."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.repo = base / "repo"
        self.out = base / "out"
        self.extra = base / "extra"
        self.tmpdir = base.parent / "tmpdir"
        for folder in (self.repo, self.out, self.extra, self.extra / ".git"):
            folder.mkdir(parents=True)
        subprocess.run(["git", "init", "--quiet"], cwd=self.repo, check=True)
        (self.repo / "file").write_text("inside\n")
        self.victim = self.out / "victim"
        self.victim.write_text("untouched\n")
        #: Under /tmp and /dev/shm, with this name.
        self.unique = f"codex-cffi-{uuid.uuid4().hex}"
        self.sockets: dict[str, socket.socket] = {}
        self._listen("TCP", socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0))
        self._listen("UDP", socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0))
        self._listen("UNIX", socket.AF_UNIX, socket.SOCK_STREAM, str(self.out / "s"))
        self._listen("ABSTRACT", socket.AF_UNIX, socket.SOCK_STREAM, f"\0{self.unique}")
        code = "import ctypes, sys; b = ctypes.create_string_buffer(b'untouched'); print(ctypes.addressof(b), flush=True)\n"
        code += "sys.stdin.read(); print(b.value.decode())"
        self.process = subprocess.Popen(
            [sys.executable, "-S", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=self.out
        )
        assert self.process.stdout is not None
        self.address = int(self.process.stdout.readline())
        self.inherited = os.open(self.victim, os.O_WRONLY | os.O_APPEND)
        os.set_inheritable(self.inherited, True)

    def _listen(self, name: str, family: int, kind: int, address: Any) -> None:
        listener = self.sockets[name] = socket.socket(family, kind)
        listener.bind(address)
        if kind == socket.SOCK_STREAM:
            listener.listen()

    def heard(self, name: str) -> bool:
        """Whether somebody connected, or sent something."""
        return bool(select.select([self.sockets[name]], [], [], 0)[0])

    def memory(self) -> str:
        """What the process finds where its secret was."""
        try:
            return self.process.communicate("", timeout=2)[0].strip()
        except subprocess.TimeoutExpired:
            return "stopped"

    @property
    def variables(self) -> dict[str, Any]:
        from codex_cffi import _capi

        return {
            "REPO": self.repo,
            "OUT": self.out,
            "EXTRA": self.extra,
            "TMPD": self.tmpdir,
            "UNIQUE": self.unique,
            "TCP": self.sockets["TCP"].getsockname()[1],
            "UDP": self.sockets["UDP"].getsockname()[1],
            "PID": self.process.pid,
            "ADDRESS": self.address,
            "FD": self.inherited,
            "PY": sys.executable,
            "HELPER": _capi.helper_path(),
        }

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()
        for listener in self.sockets.values():
            listener.close()
        os.close(self.inherited)
        for place in ("/tmp", "/dev/shm", "/var/tmp", self.tmpdir):
            Path(place, self.unique).unlink(missing_ok=True)
        shutil.rmtree(self.base)


class Bench:
    """One client for all attempts, each in a thread of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.model = ScriptedModel(default="done").start()
        self.codex = Codex(codex_home=folder / "home", isolated=True, config=self.model.provider_config())

    def run(self, world: World, mode: str, *steps: Any, **options: Any) -> tuple[Any, str]:
        """Has the agent do something; returns the turn, and what it read."""
        modes: dict[str, dict[str, Any]] = {
            READ: {"sandbox_mode": "read-only"},
            WRITE: {"sandbox_mode": "workspace-write"},
            NETWORK: {"workspace_write": WorkspaceWrite(network_access=True)},
            "roots": {"workspace_write": WorkspaceWrite(writable_roots=[world.extra])},
            "no tmpdir": {"workspace_write": WorkspaceWrite(exclude_tmpdir_env_var=True)},
            "no tmp": {"workspace_write": WorkspaceWrite(exclude_slash_tmp=True)},
            DANGER: {"sandbox_mode": "danger-full-access"},
        }
        options = {"working_directory": world.repo, "approval_mode": "never", **modes[mode], **options}
        with self.codex.start_thread(**options) as thread:
            self.model.script([[step] for step in steps], thread_id=thread.id)
            turn = thread.run("go", timeout=60)
        return turn, "\n".join(map(str, self.model.requests[-1].function_outputs.values()))


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    tmp_path_factory.getbasetemp()  # before TMPDIR changes
    folder = Path(tempfile.mkdtemp(prefix="codex-cffi-sandbox-", dir="/var/tmp"))
    (folder / "tmpdir").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder))
        patch.setenv("TMPDIR", str(folder / "tmpdir"))
        bench = Bench(folder)
        yield bench
        bench.codex.close()
        bench.model.close()
    shutil.rmtree(folder)


@pytest.fixture
def world(bench: Bench) -> Iterator[World]:
    world = World(bench.folder / uuid.uuid4().hex)
    yield world
    world.end()


@dataclass(frozen=True)
class Attempt:
    """Something to try.

    Attributes:
        name: Of the test.
        command: For a shell, which has the world's variables.
        worked: Whether it did what it wanted, on the host.
        works: Modes in which that is right.
        modes: Modes to try it in.
    """

    name: str
    command: str
    worked: Callable[[World], bool]
    works: tuple[str, ...]
    modes: tuple[str, ...] = USUAL


def exists(path: str) -> Callable[[World], bool]:
    """Whether there is such a file, below the world's folder; ``*`` stands for its unique name."""
    return lambda world: Path(world.base, path.replace("*", world.unique)).exists()


def untouched(path: str, text: str) -> Callable[[World], bool]:
    """The attempt has worked if the file's text is another, or it is gone."""
    return lambda world: not (world.base / path).is_file() or (world.base / path).read_text() != text


def head(world: World) -> bool:
    """Whether something became of the repository's .git."""
    git = world.repo / ".git"
    changed = not (git / "HEAD").is_file() or not git.is_dir() or git.is_symlink() or (git / "new").exists()
    return changed or "fsmonitor" in (git / "config").read_text() or (git / "hooks" / "pre-commit").exists()


def in_memory(world: World) -> bool:
    return world.memory() != "untouched"


#: Writes over the other process's secret: TRACE, VM or MEM.
POKE = """$PY - <<'END'
import ctypes, os, struct
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long] * 4
libc.ptrace.restype = ctypes.c_long
pid, at, new = int(os.environ["PID"]), int(os.environ["ADDRESS"]), b"rewrite\\0"
{}
END"""
TRACE = """
if libc.ptrace(16, pid, 0, 0) == 0:
    os.waitpid(pid, 0x40000000)
    libc.ptrace(5, pid, at, struct.unpack("q", new)[0])
    libc.ptrace(17, pid, 0, 0)
"""
VM = """
vector = lambda at: struct.pack("QQ", at, len(new))
here = ctypes.create_string_buffer(new)
libc.process_vm_writev(pid, vector(ctypes.addressof(here)), 1, vector(at), 1, 0)
"""
MEM = """
with open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
    memory.seek(at)
    memory.write(new)
"""

WRITERS = (WRITE, NETWORK, "roots", "no tmpdir", "no tmp", DANGER)
CONFINED = (READ, WRITE, NETWORK)
TRACERS = (*CONFINED, *([DANGER] if MAY_TRACE else []))
ALL = (READ, *WRITERS)

ATTEMPTS = [
    # What the modes are for.
    Attempt("write in the workspace", "echo x > new; mkdir d; mv file d", exists("repo/d/file"), WRITERS, ALL),
    Attempt("write outside", "echo x > $OUT/new; echo x > ../new", exists("out/new"), (DANGER,), ALL),
    Attempt("write up a level", "cd ..; echo x > new", exists("new"), (DANGER,)),
    Attempt("append outside", "echo x >> $OUT/victim", untouched("out/victim", "untouched\n"), (DANGER,)),
    Attempt("delete outside", "rm $OUT/victim", untouched("out/victim", "untouched\n"), (DANGER,)),
    Attempt("replace outside", "mv file $OUT/victim", untouched("out/victim", "untouched\n"), (DANGER,)),
    Attempt("mode of a file outside", "chmod 0 $OUT/victim", lambda w: w.victim.stat().st_mode & 0o777 == 0, (DANGER,)),
    Attempt("time of a file outside", "touch -d @5 $OUT/victim", lambda w: w.victim.stat().st_mtime == 5, (DANGER,)),
    Attempt("/tmp", "echo x > /tmp/$UNIQUE", exists("/tmp/*"), (WRITE, NETWORK, "roots", "no tmpdir", DANGER), ALL),
    Attempt(
        "TMPDIR", "echo x > $TMPD/$UNIQUE", exists("../tmpdir/*"), (WRITE, NETWORK, "roots", "no tmp", DANGER), ALL
    ),
    Attempt("another root", "echo x > $EXTRA/new", exists("extra/new"), ("roots", DANGER), ALL),
    Attempt("the .git of another root", "echo x > $EXTRA/.git/new", exists("extra/.git/new"), (DANGER,), (*ALL,)),
    Attempt("/var/tmp", "echo x > /var/tmp/$UNIQUE", exists("/var/tmp/*"), (DANGER,)),
    # What the host trusts in the workspace.
    Attempt("a git hook", "mkdir -p .git/hooks; echo x > .git/hooks/pre-commit", head, (DANGER,), ALL),
    Attempt("git config", "git config core.fsmonitor ./evil; echo fsmonitor >> .git/config", head, (DANGER,)),
    Attempt("another .git", "mv .git g; rmdir .git; mkdir .git; echo x > .git/new", head, (DANGER,)),
    Attempt(".git by a link", "ln -s .git g; echo x > g/new", head, (DANGER,)),
    Attempt(".git by /proc", "echo x > /proc/self/cwd/.git/new; echo x > /proc/1/cwd/.git/new", head, (DANGER,)),
    Attempt(".git as the directory", "cd .git && echo x > new", head, (DANGER,)),
    Attempt(".codex", "mkdir .codex; echo x > .codex/config.toml", exists("repo/.codex/config.toml"), (DANGER,), ALL),
    Attempt(
        ".codex by a link",
        "mkdir c; echo x > c/config.toml; ln -s c .codex",
        exists("repo/.codex/config.toml"),
        (DANGER,),
    ),
    Attempt(".agents", "mkdir .agents; echo x > .agents/new", exists("repo/.agents/new"), (DANGER,)),
    # Names that lead elsewhere.
    Attempt("a symbolic link", "ln -s $OUT l; echo x > l/new", exists("out/new"), (DANGER,)),
    Attempt("a link to a file", "ln -s $OUT/victim l; echo x > l", untouched("out/victim", "untouched\n"), (DANGER,)),
    Attempt("a hard link", "ln $OUT/victim l && echo x > l", untouched("out/victim", "untouched\n"), (DANGER,)),
    Attempt(
        "a link up the tree", "ln -s / l; echo x > l$OUT/new; echo x > l/../$OUT/new", exists("out/new"), (DANGER,)
    ),
    Attempt(
        "/proc/*/root", "for p in self 1 $PID; do echo x > /proc/$p/root$OUT/new; done", exists("out/new"), (DANGER,)
    ),
    Attempt("/proc/*/cwd", "echo x > /proc/$PID/cwd/new", exists("out/new"), (DANGER,)),
    Attempt("an inherited descriptor", "echo x >&$FD", untouched("out/victim", "untouched\n"), ()),
    Attempt(
        "a descriptor of the host",
        "for p in $(find /proc -path '/proc/[0-9]*/fd/*' -lname $OUT/victim 2>/dev/null); do echo x > $p; done",
        untouched("out/victim", "untouched\n"),
        (),
        CONFINED,
    ),
    # Mounts. Not without a sandbox: they would work.
    Attempt(
        "mount it writable",
        "mount -o remount,bind,rw /; mount -o remount,rw /; umount -l .git; mount --bind / /mnt; echo x > $OUT/new; echo x > .git/new",
        lambda w: exists("out/new")(w) or head(w),
        (),
        CONFINED,
    ),
    Attempt(
        "mount it writable in one's own namespace",
        "unshare --user --map-root-user --mount sh -c"
        " 'mount -o remount,bind,rw /; umount -l .git; echo x > $OUT/new; echo x > .git/new'",
        lambda w: exists("out/new")(w) or head(w),
        (),
        CONFINED,
    ),
    Attempt("a namespace of the host", "nsenter -t 1 -a sh -c 'echo x > $OUT/new'", exists("out/new"), (), CONFINED),
    Attempt("chroot", "chroot / sh -c 'echo x > $OUT/new'", exists("out/new"), (DANGER,) if ROOT_USER else ()),
    Attempt("/dev/shm", "echo x > /dev/shm/$UNIQUE", exists("/dev/shm/*"), (DANGER,)),
    # The network.
    Attempt("TCP", "exec 3<>/dev/tcp/127.0.0.1/$TCP", lambda w: w.heard("TCP"), (NETWORK, DANGER), ALL),
    Attempt("UDP", "echo x > /dev/udp/127.0.0.1/$UDP", lambda w: w.heard("UDP"), (NETWORK, DANGER)),
    Attempt(
        "a socket file",
        """$PY -c 'import os, socket; socket.socket(socket.AF_UNIX).connect(os.environ["OUT"] + "/s")'""",
        lambda w: w.heard("UNIX"),
        (DANGER,),
    ),
    Attempt(
        "a socket without a file",
        """$PY -c 'import os, socket; socket.socket(socket.AF_UNIX).connect("\\0" + os.environ["UNIQUE"])'""",
        lambda w: w.heard("ABSTRACT"),
        (DANGER,),
    ),
    # Other processes.
    Attempt("kill", "kill -9 $PID", in_memory, (DANGER,)),
    Attempt("stop", "kill -STOP $PID", in_memory, (DANGER,)),
    Attempt("trace", POKE.format(TRACE), in_memory, (DANGER,), TRACERS),
    Attempt("write another's memory", POKE.format(VM), in_memory, (DANGER,), TRACERS),
    Attempt("/proc/*/mem", POKE.format(MEM), in_memory, (DANGER,), TRACERS),
    # The helper as a way out.
    Attempt(
        "the helper",
        """$HELPER --sandbox-policy-cwd / --permission-profile '{"type":"disabled"}' -- sh -c 'echo x > $OUT/new'""",
        exists("out/new"),
        (DANGER,),
    ),
    Attempt(
        "the helper's last stage",
        "$HELPER --sandbox-policy-cwd / --permission-profile"
        """ '{"type":"disabled"}' --apply-seccomp-then-exec -- sh -c 'echo x > $OUT/new'""",
        exists("out/new"),
        (),
        CONFINED,
    ),
    Attempt(
        "the helper's other sandbox",
        "$HELPER --sandbox-policy-cwd $OUT --permission-profile"
        """ '{"type":"managed","file_system":{"type":"restricted","entries":[{"path":{"type":"special","value":{"kind":"root"}},"access":"write"}]}"""
        ""","network":"enabled"}' -- sh -c 'echo x > $OUT/new'""",
        exists("out/new"),
        (),
        CONFINED,
    ),
    Attempt(
        "the helper's argv[0] mode",
        "$HELPER --codex-run-as-arg0-exec-helper sh sh -c 'echo x > $OUT/new'",
        exists("out/new"),
        (DANGER,),
    ),
]


def cases(attempts: list[Attempt]) -> list[Any]:
    return [pytest.param(attempt, mode, id=f"{attempt.name}-{mode}") for attempt in attempts for mode in attempt.modes]


@pytest.mark.parametrize(("attempt", "mode"), cases(ATTEMPTS))
def test_commands_get_no_further_than_their_mode(bench: Bench, world: World, attempt: Attempt, mode: str) -> None:
    exports = "".join(f"export {name}='{value}'\n" for name, value in world.variables.items())
    turn, output = bench.run(world, mode, shell(exports + attempt.command, login=False))
    (command,) = (item for item in turn.items if isinstance(item, CommandExecution))
    assert "bwrap:" not in output, "the sandbox itself works"
    assert command.status == ("failed" if command.exit_code else "completed")
    assert attempt.worked(world) == (mode in attempt.works), output
    if mode != DANGER:
        assert not (world.repo / ".codex").exists(), "nothing of the sandbox's own stays behind"


def new_file(path: str) -> str:
    return f"*** Begin Patch\n*** Add File: {path}\n+x\n*** End Patch\n"


PATCHES = [
    Attempt("in the workspace", new_file("new"), exists("repo/new"), (WRITE, DANGER), ALL[:2] + ALL[-1:]),
    Attempt("outside", new_file("$OUT/new"), exists("out/new"), (DANGER,)),
    Attempt("up a level", new_file("../out/new"), exists("out/new"), (DANGER,)),
    # A person who approves a patch is shown the names in it; so a patch names the files themselves.
    Attempt("through a link", new_file("link/new"), exists("out/new"), ()),
    Attempt("in .git", new_file(".git/new"), head, (DANGER,)),
    Attempt("in .codex", new_file(".codex/config.toml"), exists("repo/.codex/config.toml"), (DANGER,)),
    Attempt(
        "in another root",
        new_file("$EXTRA/new"),
        exists("extra/new"),
        ("roots", DANGER),
        (READ, WRITE, "roots", DANGER),
    ),
    Attempt(
        "of a file outside",
        "*** Begin Patch\n*** Update File: $OUT/victim\n@@\n-untouched\n+x\n*** End Patch\n",
        untouched("out/victim", "untouched\n"),
        (DANGER,),
    ),
    Attempt(
        "that deletes a file outside",
        "*** Begin Patch\n*** Delete File: $OUT/victim\n*** End Patch\n",
        untouched("out/victim", "untouched\n"),
        (DANGER,),
    ),
    Attempt(
        "that moves a file outside",
        "*** Begin Patch\n*** Update File: file\n*** Move to: $OUT/new\n@@\n-inside\n+x\n*** End Patch\n",
        exists("out/new"),
        (DANGER,),
    ),
]


@pytest.mark.parametrize(("attempt", "mode"), cases(PATCHES))
def test_patches_get_no_further_than_their_mode(bench: Bench, world: World, attempt: Attempt, mode: str) -> None:
    (world.repo / "link").symlink_to(world.out)
    patch = attempt.command
    for name, value in world.variables.items():
        patch = patch.replace(f"${name}/", f"{value}/")
    turn, output = bench.run(world, mode, apply_patch(patch))
    assert attempt.worked(world) == (mode in attempt.works), output
    if mode in attempt.works:
        (change,) = (item for item in turn.items if isinstance(item, FileChange))
        assert change.status == "completed"


@pytest.mark.parametrize("mode", CONFINED)
def test_a_command_has_no_powers(bench: Bench, world: World, mode: str) -> None:
    """Of root least of all: bubblewrap leaves it its capabilities, the helper does not."""
    full = os.stat("/dev/full").st_mode
    script = """grep -E '^(Cap...|NoNewPrivs):' /proc/self/status
        for file in /proc/sys/kernel/core_pattern /proc/sys/vm/drop_caches /proc/sysrq-trigger /proc/1/mem /proc/1/environ; do
            $PY -c 'import sys; open(sys.argv[1], "a"); print("opened", sys.argv[1])' $file
        done
        chmod 0600 /dev/full"""
    try:
        _, output = bench.run(world, mode, shell(f"PY={sys.executable}\n{script}", login=False))
        assert os.stat("/dev/full").st_mode == full
    finally:
        if os.stat("/dev/full").st_mode != full:
            os.chmod("/dev/full", full & 0o7777)
    for line in ("CapPrm", "CapEff", "CapBnd", "CapAmb"):
        if ROOT_USER or line != "CapBnd":
            assert f"{line}:\t0000000000000000" in output
    assert "NoNewPrivs:\t1" in output
    assert "opened" not in output


@pytest.mark.parametrize("mode", USUAL)
def test_a_setuid_program_gives_no_other_user(bench: Bench, world: World, mode: str) -> None:
    program = world.out / "id"
    shutil.copy("/usr/bin/id", program)
    if ROOT_USER:
        os.chown(program, 65534, 65534)
    program.chmod(0o4755)
    _, output = bench.run(world, mode, shell(f"echo user=$({program} -u)", login=False))
    other = mode == DANGER and ROOT_USER
    assert f"user={65534 if other else os.geteuid()}" in output


def test_a_writable_root_may_be_a_link_and_stays_what_it_was(bench: Bench, world: World) -> None:
    """The sandbox is made of what a root is when the command starts; a link planted in its place leads nowhere."""
    (world.base / "link").symlink_to(world.extra)
    options = {"workspace_write": WorkspaceWrite(writable_roots=[world.base / "link"])}
    bench.run(world, WRITE, shell(f"echo x > {world.base}/link/new; echo x > {world.out}/new"), **options)
    assert (world.extra / "new").exists()
    assert not (world.out / "new").exists()


def test_a_root_replaced_by_a_link_leads_nowhere(bench: Bench, world: World) -> None:
    """An inner root that a command exchanges for a link to a folder outside, for the next command."""
    inner = world.repo / "inner"
    inner.mkdir()
    options = {"workspace_write": WorkspaceWrite(writable_roots=[inner])}
    swap = shell(f"mv inner old; ln -s {world.out} inner; ls -ld inner", call_id="a", login=False)
    bench.run(world, WRITE, swap, shell("echo x > inner/new", call_id="b", login=False), **options)
    assert not (world.out / "new").exists()


def test_what_a_command_leaves_running_stays_confined(bench: Bench, world: World) -> None:
    script = f"(setsid sh -c 'sleep 0.3; echo x > {world.out}/new; echo x > done' >/dev/null 2>&1 &) ; echo started"
    bench.run(world, WRITE, shell(script, login=False), shell("sleep 0.6", call_id="b", login=False))
    assert not (world.out / "new").exists()


# ---- what is looked up on the host


@pytest.fixture
def plant(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], tuple[Any, Path]]:
    """A command that puts a program into a folder of the workspace that stands first in PATH, as a virtual environment's does; and its mark outside."""
    folder = world.repo / ".venv" / "bin"
    folder.mkdir(parents=True)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    def plant(name: str) -> tuple[Any, Path]:
        mark = world.out / f"ran-{name}"
        script = f"""cat > {folder}/{name} <<'END'
            #!/bin/sh
            case "$*" in *--help*) echo --perms --argv0;; esac
            echo x > {mark}
            END
            chmod +x {folder}/{name}"""
        return shell(textwrap.dedent(script.replace("cat", "            cat", 1)), call_id="plant", login=False), mark

    return plant


@pytest.mark.parametrize("where", [".", "sub"])
def test_a_planted_bubblewrap_is_not_run(bench: Bench, world: World, plant: Any, where: str) -> None:
    planting, mark = plant("bwrap")
    (world.repo / "sub").mkdir()
    script = f"echo x > {world.repo}/used; echo PATH=$PATH; env"
    use = shell(script, call_id="use", login=False, workdir=str(world.repo / where))
    _, output = bench.run(world, WRITE, planting, use)
    assert os.access(world.repo / ".venv/bin/bwrap", os.X_OK), "it was planted"
    assert not mark.exists()
    assert (world.repo / "used").exists()
    assert f"PATH={world.repo}/.venv/bin:" in output, "the command's own PATH stays"
    assert set(re.findall(r"CODEX_CFFI\w*", output)) <= set(os.environ), (
        "none but those of the program's own environment"
    )


def test_a_planted_git_is_not_run(bench: Bench, world: World, plant: Any) -> None:
    planting, mark = plant("git")
    bench.run(world, WRITE, planting)
    bench.run(world, WRITE, shell("true", login=False))
    assert not mark.exists()


def test_git_below_a_writable_folder_is_protected(bench: Bench, world: World) -> None:
    """The workspace in /tmp, say: its .git is a mount that cannot be moved, but the folders above it can."""
    repo = world.extra / "a" / "repo"
    repo.mkdir(parents=True)
    subprocess.run(["git", "init", "--quiet"], cwd=repo, check=True)
    script = f"cd {world.extra}; mv a b; mkdir -p a/repo/.git; echo fsmonitor > a/repo/.git/config"
    bench.run(world, "roots", shell(script, login=False), working_directory=repo)
    assert "fsmonitor" not in (repo / ".git" / "config").read_text()


# ---- without bubblewrap or the helper

#: A client of a library of its own folder, of which a test may take something away.
ALONE = textwrap.dedent(
    """
    import os, sys
    from pathlib import Path
    from codex_cffi import Codex, CommandExecution, SandboxUnavailableError, WorkspaceWrite
    from codex_cffi.testing import ScriptedModel, shell, apply_patch

    home, repo, library = sys.argv[1:4]
    helper = Path(library).with_name("codex-linux-sandbox")

    def go(*steps, before=lambda: None, **options):
        with ScriptedModel([*([step] for step in steps), "done"]) as model:
            with Codex(codex_home=home, isolated=True, config=model.provider_config()) as codex:
                thread = codex.start_thread(working_directory=repo, approval_mode="never", **options)
                before()
                turn = thread.run("go", timeout=60)
            return turn, str(model.requests[-1].function_outputs)
    """
)


@pytest.fixture
def alone(library: Path, helper: Path, world: World, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
        # In the workspace, as in a virtual environment there.
        folder = world.repo / "native"
        folder.mkdir()
        try:
            os.link(library, folder / library.name)
        except OSError:
            shutil.copy(library, folder)
        shutil.copy(helper, folder)
        variables = {"CODEX_CFFI_LIBRARY": str(folder / library.name), "OUT": str(world.out), **environment}
        return run_python(
            ALONE + textwrap.dedent(code), tmp_path / "home", world.repo, folder / library.name, env=variables
        )

    return run


def test_without_the_helper_no_client_opens(
    make_codex: MakeCodex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codex_cffi._capi.helper_path", lambda: tmp_path / "codex-linux-sandbox")
    with pytest.raises(SandboxUnavailableError, match="codex-linux-sandbox cannot be used"):
        make_codex()


SHELL, PATCH = "shell('/usr/bin/touch made', login=False)", "apply_patch(patch)"


@pytest.mark.parametrize(
    ("step", "loss"),
    [
        (SHELL, "helper.unlink()"),
        (PATCH, "helper.unlink()"),
        (SHELL, "helper.write_text('')"),
        (PATCH, "helper.write_text('')"),
        # Patches keep the PATH that the client was opened with.
        (SHELL, "os.environ.update(PATH='/nowhere')"),
    ],
)
def test_a_sandbox_that_goes_missing_stops_commands(alone: Any, world: World, step: str, loss: str) -> None:
    code = f"""
        patch = "*** Begin Patch\\n*** Add File: made\\n+x\\n*** End Patch\\n"
        turn, output = go({step}, before=lambda: {loss}, workspace_write=WorkspaceWrite())
        print(turn.status, output)
        """
    result = alone(code)
    assert result.stdout.startswith("completed"), result.stderr
    assert not (world.repo / "made").exists(), result.stdout


def test_a_bubblewrap_of_no_system_folder_is_none(alone: Any, world: World) -> None:
    fake = world.out / "bwrap"
    fake.write_text("#!/bin/sh\necho --perms --argv0\n")
    fake.chmod(0o755)
    code = """
        try:
            go(sandbox_mode="workspace-write")
        except SandboxUnavailableError as error:
            print(error)
        """
    result = alone(code, PATH=str(world.out))
    assert "not found in one of the system's folders on PATH" in result.stdout, result.stderr
    assert "apt-get install bubblewrap" in result.stdout


def test_the_helper_in_the_workspace_cannot_be_replaced(alone: Any, world: World) -> None:
    code = """
        evil = "printf '#!/bin/sh\\\\necho x > '$OUT'/new\\\\n' > native/evil; chmod +x native/evil; mv native/evil native/codex-linux-sandbox"
        print(go(shell(evil, login=False, call_id="a"), shell("true", login=False, call_id="b"), workspace_write=WorkspaceWrite()))
        """
    result = alone(code)
    assert result.returncode == 0, result.stderr
    assert not (world.out / "new").exists()


# ---- the helper on its own

RESTRICTED = json.dumps(
    {
        "type": "managed",
        "file_system": {
            "type": "restricted",
            "entries": [{"path": {"type": "special", "value": {"kind": "root"}}, "access": "read"}],
        },
        "network": "restricted",
    }
)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["CMD"],
        ["--", "CMD"],
        ["--sandbox-policy-cwd", "/", "--", "CMD"],
        ["--sandbox-policy-cwd", "/", "--permission-profile", "nonsense", "--", "CMD"],
        ["--sandbox-policy-cwd", "/", "--permission-profile", "{}", "--", "CMD"],
        ["--sandbox-policy-cwd", "/", "--apply-seccomp-then-exec", "--", "CMD"],
        ["--sandbox-policy-cwd", "/", "--use-legacy-landlock", "--permission-profile", "null", "--", "CMD"],
        ["--codex-run-as-arg0-exec-helper"],
        ["--codex-run-as-fs-helper", "CMD"],
        ["--sandbox-policy-cwd", "/", "--permission-profile", RESTRICTED, "--", "CMD"],
    ],
    ids=lambda arguments: " ".join(arguments)[:60] or "none",
)
def test_the_helper_launches_nothing_unconfined(helper: Path, tmp_path: Path, arguments: list[str]) -> None:
    """What the engine does not call it with, and where bubblewrap is missing. Nor does it change the mounts of who calls it."""
    command = ["/usr/bin/touch", str(tmp_path / "made")]
    given = [part for argument in arguments for part in (command if argument == "CMD" else [argument])]
    # Whatever root's helper did to mounts, it would do to those of a shell that ends here.
    apart = ["unshare", "--mount", "--propagation", "private"] if ROOT_USER else []
    mounts = (
        'cat /proc/self/mountinfo >before; PATH=$PWD $HELPER "$@"; echo $? >status; cat /proc/self/mountinfo >after'
    )
    subprocess.run(
        [*apart, "sh", "-c", mounts, "sh", *given],
        input="",
        capture_output=True,
        text=True,
        timeout=30,
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "HELPER": str(helper)},
        check=True,
    )
    if "--codex-run-as-fs-helper" not in arguments:  # it ends well with its input, and started nothing
        assert (tmp_path / "status").read_text() != "0\n"
    assert not (tmp_path / "made").exists()
    assert (tmp_path / "before").read_text() == (tmp_path / "after").read_text()


def test_the_helper_has_no_powers_to_lend(helper: Path) -> None:
    assert helper.stat().st_mode & 0o6000 == 0
    assert "security.capability" not in os.listxattr(helper)


# ---- secrets


@pytest.mark.parametrize("mode", [READ, WRITE, DANGER])
def test_keys_of_the_model_provider_do_not_reach_commands(
    make_codex: MakeCodex, repo: Path, monkeypatch: pytest.MonkeyPatch, mode: Any
) -> None:
    """The rest of the environment follows the engine's policy, which hands it on unless it is told otherwise."""
    secrets = {"OPENAI_API_KEY": "secret-of-openai", "CODEX_API_KEY": "secret-of-codex"}
    for name, value in {**secrets, "OTHER_TOKEN": "secret-of-other", "PLAIN": "plain-value"}.items():
        monkeypatch.setenv(name, value)
    # Without a sandbox, a command may look into the host itself.
    look = "env" if mode == DANGER else "env; cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline | tr '\\0' '\\n'"
    with ScriptedModel([[shell(look, call_id="call", login=False, max_output_tokens=50000)], "done"]) as model:
        options = {"sandbox_mode": mode, "approval_mode": "never", "working_directory": repo}
        make_codex(model, api_key="secret-of-client").start_thread(**options).run("go", timeout=60)
        output = model.requests[-1].tool_output("call")
    for secret in ("secret-of-openai", "secret-of-codex", "secret-of-client"):
        assert secret not in output
    assert "PLAIN=plain-value" in output
    assert "OTHER_TOKEN=secret-of-other" in output


def test_the_environment_policy_is_the_configurations(
    make_codex: MakeCodex, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OTHER_TOKEN", "PLAIN", "OPENAI_API_KEY"):
        monkeypatch.setenv(name, f"value-of-{name}")
    policy = {"ignore_default_excludes": False, "exclude": ["PLA*"], "set": {"CODEX_API_KEY": "given", "ADDED": "yes"}}
    with ScriptedModel([[shell("env", call_id="call", login=False)], "done"]) as model:
        codex = make_codex(model, config={"shell_environment_policy": policy})
        codex.start_thread(working_directory=repo).run("go", timeout=60)
        output = model.requests[-1].tool_output("call")
    assert "value-of" not in output
    assert "ADDED=yes" in output
    assert "CODEX_API_KEY=given" in output, "who sets it wants it"


def test_a_host_with_an_environment_that_is_no_text(tmp_path: Path, repo: Path) -> None:
    code = """
        os.environb[b"BYTES"] = b"\\xff\\xfe"
        print(go(shell("echo still here", login=False), sandbox_mode="read-only")[1])
        """
    result = run_python(ALONE + textwrap.dedent(code), tmp_path / "home", repo, "/nowhere/library")
    assert "still here" in result.stdout, result.stderr
