"""Sockets from inside of the sandbox: which of the host's a hostile command reaches, by every way there is to send, and what else of the kernel it gets at.

What was reached is judged by the host's own sockets. Without a sandbox each way works, so that none is tried in vain.
"""

from __future__ import annotations

import contextlib
import json
import platform
import selectors
import shutil
import socket
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from codex_cffi import Codex, WorkspaceWrite
from codex_cffi.testing import ScriptedModel, shell
from support import need
from support.unprivileged import remove, run_as_user, user_folder

READ, WRITE, NETWORK, DANGER = "read-only", "workspace-write", "network", "danger-full-access"
MODES: dict[str, dict[str, Any]] = {
    READ: {"sandbox_mode": READ},
    WRITE: {"sandbox_mode": WRITE},
    NETWORK: {"workspace_write": WorkspaceWrite(network_access=True)},
    DANGER: {"sandbox_mode": DANGER},
}

#: Runs inside. Each way is tried in a process of its own, since some are answered with its end.
WAYS = r"""
import array, ctypes, json, os, socket, struct, sys
place, name = sys.argv[1:3]
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
AF = socket.AF_UNIX
path, hidden = {k: f"{place}/{k}" for k in ("stream", "dgram", "seqpacket")}, {k: f"\0{name}-{k}" for k in ("stream", "dgram", "seqpacket")}
kinds = {"stream": socket.SOCK_STREAM, "dgram": socket.SOCK_DGRAM, "seqpacket": socket.SOCK_SEQPACKET}

def call(number, *arguments):
    result = libc.syscall(ctypes.c_long(number), *[a if isinstance(a, (bytes, ctypes.Array)) else ctypes.c_long(a) for a in arguments])
    if result < 0:
        raise OSError(ctypes.get_errno(), "")
    return result

def connect(kind, address):
    s = socket.socket(AF, kinds[kind])
    s.connect(address)
    try: s.send(b"connect")
    except (BrokenPipeError, ConnectionResetError): pass  # heard, and closed

def mmsg(s, address):
    to = struct.pack("H", AF) + address.encode() + b"\0"
    to, data = ctypes.create_string_buffer(to), ctypes.create_string_buffer(b"sendmmsg")
    vector = ctypes.create_string_buffer(struct.pack("QQ", ctypes.addressof(data), 8))
    message = struct.pack("QIIQQQQiiII", ctypes.addressof(to), len(to.raw) - 1, 0, ctypes.addressof(vector), 1, 0, 0, 0, 0, 0, 0)
    call(307, s.fileno(), ctypes.create_string_buffer(message), 1, 0)

def send(how, s, address):
    fds = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [1]))]
    if how == "sendto": s.sendto(b"sendto", address)
    if how == "sendmsg": s.sendmsg([b"sendmsg"], [], 0, address)
    if how == "descriptors": s.sendmsg([b"descriptors"], fds, 0, address)
    if how == "sendmmsg": mmsg(s, address)
    if how == "connect": s.connect(address); os.write(s.fileno(), b"connect")

ways = {}
for kind in kinds:
    ways[f"connect {kind}"] = lambda kind=kind: connect(kind, path[kind])
    ways[f"connect {kind} without a file"] = lambda kind=kind: connect(kind, hidden[kind])
for how in ("sendto", "sendmsg", "descriptors", "sendmmsg", "connect"):
    ways[f"{how} from a datagram socket"] = lambda how=how: send(how, socket.socket(AF, socket.SOCK_DGRAM), path["dgram"])
    ways[f"{how} from half of a pair"] = lambda how=how: send(how, socket.socketpair(AF, socket.SOCK_DGRAM)[0], path["dgram"])
    # The kernel takes it for one of datagrams.
    ways[f"{how} from a raw socket"] = lambda how=how: send(how, socket.socket(AF, socket.SOCK_RAW), path["dgram"])
ways["x32"] = lambda: (call(0x40000000 + 41, AF, socket.SOCK_DGRAM, 0), connect("dgram", path["dgram"]))

result = {}
for way, run in ways.items():
    child = os.fork()
    if not child:
        try: run()
        except BaseException: os._exit(1)
        os._exit(0)
    result[way] = os.waitpid(child, 0)[1] == 0
print(json.dumps(result))
"""

#: Runs inside: system calls, and whether they are there.
CALLS = r"""
import ctypes, json, mmap, os, socket
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
def call(number, *arguments):
    if libc.syscall(ctypes.c_long(number), *[a if isinstance(a, bytes) else ctypes.c_long(a) for a in arguments]) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
def i386():
    # socket(AF_UNIX, SOCK_DGRAM, 0) by the old door: the number is that of another call on x86-64.
    code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(bytes.fromhex("53" "b867010000" "bb01000000" "b902000000" "31d2" "cd80" "5b" "c3"))
    f = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))
    number = f()
    if number < 0: raise OSError(-number, "")
room = b"\0" * 256
calls = {
    "io_uring": lambda: call(425, 4, ctypes.create_string_buffer(256).raw),
    "add_key": lambda: call(248, b"user\0", b"codex-cffi-test\0", b"x", 1, -2 & (2**64 - 1)),
    "keyctl": lambda: call(250, 0, -3 & (2**64 - 1), 1),
    "user namespace": lambda: os.unshare(0x10000000) if hasattr(os, "unshare") else call(272, 0x10000000),
    "clone3": lambda: call(435, room, 0),
    "bpf": lambda: call(321, 0, room, 48),
    "perf": lambda: call(298, b"\x01\0\0\0\x78\0\0\0" + b"\0" * 112, 0, -1 & (2**64 - 1), -1 & (2**64 - 1), 0),
    "userfaultfd": lambda: call(323, 1),
    "setns": lambda: call(308, os.open("/proc/self/ns/net", os.O_RDONLY), 0),
    "pidfd_getfd": lambda: call(438, call(434, os.getpid(), 0) or 3, 0, 0),
    "i386": i386,
    "vsock": lambda: socket.socket(40, socket.SOCK_STREAM),
    "packet": lambda: socket.socket(17, socket.SOCK_DGRAM),
    "alg": lambda: socket.socket(38, socket.SOCK_SEQPACKET),
    "uevents": lambda: socket.socket(16, socket.SOCK_RAW, 15),
    "socket diagnosis": lambda: socket.socket(16, socket.SOCK_RAW, 4),
    "a pair": lambda: socket.socketpair(),
    "a pair of packets": lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET),
    "routes": lambda: socket.socket(16, socket.SOCK_RAW, 0),
    "internet": lambda: socket.socket(),
}
result = {}
for name, run in calls.items():
    end, other = os.pipe()
    child = os.fork()
    if not child:
        try: run()
        except OSError as error: os.write(other, str(error.errno).encode())
        else: os.write(other, b"done")
        os._exit(0)
    os.close(other)
    result[name] = os.read(end, 99).decode() or "killed"
    os.waitpid(child, 0)
print(json.dumps(result))
"""


@pytest.fixture(scope="module", autouse=True)
def bubblewrap() -> None:
    need("bwrap", "bubblewrap")


class Host:
    """Sockets that somebody listens at, in a folder that commands may not write."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = f"codex-cffi-{uuid.uuid4().hex}"
        self._selector = selectors.DefaultSelector()
        self._count = 0
        for kind in ("stream", "dgram", "seqpacket"):
            for address in (str(folder / kind), f"\0{self.name}-{kind}"):
                made = socket.socket(socket.AF_UNIX, getattr(socket, f"SOCK_{kind.upper()}"))
                made.bind(address)
                made.setblocking(False)
                if kind != "dgram":
                    made.listen(50)
                self._selector.register(made, selectors.EVENT_READ)
        self._stop, stopped = socket.socketpair()
        self._selector.register(stopped, selectors.EVENT_READ)
        self._stopped = stopped
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            for key, _ in self._selector.select():
                made = key.fileobj
                assert isinstance(made, socket.socket)
                if made is self._stopped:
                    return
                with contextlib.suppress(BlockingIOError):  # it is gone again
                    if made.type == socket.SOCK_DGRAM:
                        made.recv(100)
                    else:
                        made.accept()[0].close()
                    self._count += 1

    def heard(self) -> int:
        """How often somebody came, since the last time."""
        while self._selector.select(0):
            time.sleep(0.01)
        count, self._count = self._count, 0
        return count

    def close(self) -> None:
        self._stop.send(b"x")
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            assert isinstance(key.fileobj, socket.socket)
            key.fileobj.close()
        self._stop.close()
        self._selector.close()


@pytest.fixture
def host() -> Iterator[Host]:
    folder = Path(tempfile.mkdtemp(prefix="codex-cffi-sockets-", dir="/var/tmp"))
    host = Host(folder)
    yield host
    host.close()
    shutil.rmtree(folder)


def run(folder: Path, code: str, *arguments: object, home: Path, **options: Any) -> str:
    """What a program of the agent's prints."""
    script = f"{sys.executable} -S - {' '.join(map(str, arguments))} <<'END'\n{code}\nEND"
    with ScriptedModel([[shell(script, call_id="it", login=False, yield_time_ms=30000)], "done"]) as model:
        with Codex(codex_home=home, isolated=True, config=model.provider_config()) as codex:
            thread = codex.start_thread(
                working_directory=folder, skip_git_repo_check=True, approval_mode="never", **options
            )
            thread.run("go", timeout=60)
        return model.requests[-1].tool_output("it").rpartition("Output:\n")[2]


@pytest.mark.parametrize("mode", MODES)
def test_no_way_to_a_socket_of_the_host(host: Host, repo: Path, codex_home: Path, mode: str) -> None:
    ways = json.loads(run(repo, WAYS, host.folder, host.name, home=codex_home, **MODES[mode]))
    if mode == DANGER:
        del ways["x32"]  # where the kernel has it
        assert [way for way, worked in ways.items() if not worked] == []
        assert host.heard() >= len(ways)
    else:
        assert [way for way, worked in ways.items() if worked] == []
        assert host.heard() == 0


def test_no_way_to_a_socket_for_an_ordinary_user(repo: Path) -> None:
    folder = user_folder("sockets")
    try:
        (folder / "out").mkdir()
        code = """
import json, sys, pathlib, test_sandbox_sockets as t
folder = pathlib.Path(sys.argv[1])
host, results = t.Host(folder / "out"), {}
for mode, options in t.MODES.items():
    ways = json.loads(t.run(folder, t.WAYS, host.folder, host.name, home=folder / "codex", **options))
    results[mode] = [sorted(way for way, worked in ways.items() if worked and way != "x32"), host.heard()]
print(json.dumps(results))
"""
        result = run_as_user(code, folder, folder=folder)
        assert result.returncode == 0, result.stderr
        results = json.loads(result.stdout)
    finally:
        remove(folder)
    worked, heard = results.pop(DANGER)
    assert len(worked) == 21
    assert heard >= 21
    assert results == {READ: [[], 0], WRITE: [[], 0], NETWORK: [[], 0]}


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the numbers are those of x86-64")
@pytest.mark.parametrize("mode", [READ, WRITE, NETWORK])
def test_system_calls(repo: Path, codex_home: Path, mode: str) -> None:
    """EPERM, 1, is the filter's answer; ENOSYS, 38, where programs know what to do then."""
    denied = dict.fromkeys(
        ["io_uring", "add_key", "keyctl", "user namespace", "bpf", "perf", "userfaultfd", "setns", "pidfd_getfd"], "1"
    )
    denied |= dict.fromkeys(["vsock", "packet", "alg", "uevents", "socket diagnosis"], "1")
    network = "done" if mode == NETWORK else "1"
    assert json.loads(run(repo, CALLS, home=codex_home, **MODES[mode])) == {
        **denied,
        "clone3": "38",
        "i386": "killed",
        "a pair": "done",
        "a pair of packets": "done",
        "routes": network,
        "internet": network,
    }


@pytest.mark.parametrize("mode", [READ, WRITE, NETWORK])
def test_namespaces_are_the_sandbox_s_own(repo: Path, codex_home: Path, mode: str) -> None:
    code = "import json, os; print(json.dumps({n: os.readlink(f'/proc/self/ns/{n}') for n in ('ipc', 'uts', 'pid', 'mnt', 'user', 'net')}))"
    inside = json.loads(run(repo, code, home=codex_home, **MODES[mode]))
    same = {name for name, number in inside.items() if Path(f"/proc/self/ns/{name}").readlink().name == number}
    assert same == ({"net"} if mode == NETWORK else set())


REACH = r"""
import json, os, socket, sys
result = {}
for path in sys.argv[1:]:
    for kind in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET, socket.SOCK_DGRAM):
        try:
            s = socket.socket(socket.AF_UNIX, kind)
            s.connect(path)
            s.sendall(b"hello")
            result[f"{path} {kind.name}"] = s.recv(9).decode()
        except OSError as error:
            result[f"{path} {kind.name}"] = error.errno
print(json.dumps(result))
"""


class Answering:
    """A server at a socket that says hello back."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.bind(str(path))
        self.socket.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection = self.socket.accept()[0]
            except OSError:
                return
            with connection:
                connection.sendall(connection.recv(9).upper())

    def close(self) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


@pytest.mark.parametrize("mode", [WRITE, NETWORK])
def test_sockets_that_are_allowed_and_no_others(host: Host, repo: Path, codex_home: Path, mode: str) -> None:
    """In a turn without network, none of them."""
    allowed, other = host.folder / "allowed", host.folder / "other"
    servers = [Answering(allowed), Answering(other)]
    (host.folder / "folder").symlink_to(host.folder)
    by_link = host.folder / "folder" / "allowed"
    (host.folder / "link").symlink_to(other)
    access = WorkspaceWrite(
        network_access=True, allow_unix_sockets=[by_link, host.folder / "link", host.folder / "none"]
    )
    try:
        with (
            ScriptedModel() as model,
            Codex(codex_home=codex_home, isolated=True, config=model.provider_config()) as codex,
        ):
            script = f"cd {host.folder}; {sys.executable} -S - {by_link} {allowed} {other} {host.folder}/link allowed {host.folder}/none <<'END'\n{REACH}\nEND"
            thread = codex.start_thread(working_directory=repo, approval_mode="never", workspace_write=access)
            model.script([[shell(script, call_id="it", login=False, yield_time_ms=30000)], "done"], thread_id=thread.id)
            thread.run("go", timeout=60, sandbox_mode="read-only" if mode == WRITE else None)
            result = json.loads(model.requests[-1].tool_output("it").rpartition("Output:\n")[2])
    finally:
        for server in servers:
            server.close()
    reached = {way for way, answer in result.items() if answer == "HELLO"}
    assert reached == ({f"{by_link} SOCK_STREAM", f"{allowed} SOCK_STREAM"} if mode == NETWORK else set())


def test_an_allowed_socket_cannot_be_exchanged(host: Host, repo: Path, codex_home: Path) -> None:
    """It lies where the command may write: a link in its place leads nowhere."""
    other = Answering(host.folder / "other")
    mine = Answering(repo / "mine")
    code = f"""
import os, socket
def reach():
    try:
        s = socket.socket(socket.AF_UNIX); s.connect("{repo}/mine"); s.sendall(b"hello"); return s.recv(9).decode()
    except OSError as error:
        return str(error.errno)
print(reach())
os.rename("{repo}/mine", "{repo}/gone"); os.symlink("{host.folder}/other", "{repo}/mine")
print(reach())
"""
    access = WorkspaceWrite(network_access=True, allow_unix_sockets=[repo / "mine"])
    try:
        assert run(repo, code, home=codex_home, workspace_write=access).split() == ["HELLO", "HELLO"]
        # The next command finds the link.
        again = f"import socket\ntry: socket.socket(socket.AF_UNIX).connect('{repo}/mine')\nexcept OSError as e: print(e.errno)"
        assert run(repo, again, home=codex_home, workspace_write=access).split() == ["1"]
    finally:
        mine.close()
        other.close()


@pytest.mark.parametrize("way", ["a link", "another folder", "another socket", "a later folder"])
def test_the_way_to_an_allowed_socket_cannot_be_exchanged(host: Host, repo: Path, codex_home: Path, way: str) -> None:
    """The next command does not reach what lies where the path leads to by then; nor does one of another thread."""
    folder, other = repo / "service", repo / "other"
    other.mkdir()
    servers = [Answering(other / "socket")]
    if way != "a later folder":
        folder.mkdir()
        servers.append(Answering(folder / "socket"))
    exchange = {
        "a link": "mv service old; ln -s other service",
        "another folder": "mv service old; mv other service",
        "another socket": "rm service/socket; ln other/socket service/socket",
        "a later folder": "mv other service",
    }[way]
    reach = f"{sys.executable} -S - {folder}/socket {other}/socket {repo}/old/socket <<'END'\n{REACH}\nEND"
    access = WorkspaceWrite(network_access=True, allow_unix_sockets=[folder / "socket"])
    try:
        with (
            ScriptedModel() as model,
            Codex(codex_home=codex_home, isolated=True, config=model.provider_config()) as codex,
        ):
            outputs: list[dict[str, str | int]] = []
            for commands in ([reach, f"{exchange}; echo {{}}", reach], [reach]):
                thread = codex.start_thread(working_directory=repo, approval_mode="never", workspace_write=access)
                calls = [
                    shell(command, call_id=f"{at}", login=False, yield_time_ms=30000)
                    for at, command in enumerate(commands)
                ]
                model.script([*([call] for call in calls), "done"], thread_id=thread.id)
                thread.run("go", timeout=60)
                last = model.requests[-1]
                texts = [last.tool_output(f"{at}").rpartition("Output:\n")[2] for at in range(len(calls))]
                outputs += map(json.loads, texts)
    finally:
        for server in servers:
            server.close()
    reached = [[name for name, answer in output.items() if answer == "HELLO"] for output in outputs]
    meant = [] if way == "a later folder" else [f"{folder}/socket SOCK_STREAM"]
    assert reached == [meant, [], [], []]


def test_the_network_works_where_sockets_are_allowed(host: Host, repo: Path, codex_home: Path) -> None:
    """Every connect is asked for then; threads, processes and sockets that do not wait have their own."""
    server = socket.create_server(("127.0.0.1", 0), backlog=50)
    code = f"""
import asyncio, socket, threading
address = ("127.0.0.1", {server.getsockname()[1]})
def one():
    with socket.create_connection(address, timeout=20) as s:
        print("reached\\n", end="")
threads = [threading.Thread(target=one) for _ in range(5)]
for t in threads: t.start()
for t in threads: t.join()
async def other():
    await asyncio.open_connection(*address)
    print("reached")
asyncio.run(other())
try: socket.create_connection(("127.0.0.1", 1), timeout=20)
except ConnectionRefusedError: print("refused")
print(socket.getaddrinfo("localhost", 80)[0][1].name)
"""
    access = WorkspaceWrite(network_access=True, allow_unix_sockets=["/run/nothing"])
    with server:
        assert run(repo, code, home=codex_home, workspace_write=access).split() == ["reached"] * 6 + [
            "refused",
            "SOCK_STREAM",
        ]


def test_allowed_sockets_are_checked(codex_home: Path, repo: Path) -> None:
    for sockets, error, text in [
        ("/run/a", TypeError, "must be a list"),
        (["a"], ValueError, "not an absolute path"),
        (["/" + "a" * 107], ValueError, "107 bytes"),
        ([1], TypeError, "int"),
    ]:
        with pytest.raises(error, match=text):
            WorkspaceWrite(network_access=True, allow_unix_sockets=sockets).to_config()  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="needs network_access=True"):
        WorkspaceWrite(allow_unix_sockets=["/run/a"]).to_config()
    with (
        ScriptedModel(default="done") as model,
        Codex(codex_home=codex_home, isolated=True, config=model.provider_config()) as codex,
    ):
        thread = codex.start_thread(working_directory=repo)
        with pytest.raises(ValueError, match="holds for a whole thread"):
            thread.run("go", workspace_write=WorkspaceWrite(network_access=True, allow_unix_sockets=["/run/a"]))


def test_what_the_configuration_has_instead_stops_commands(codex_home: Path, repo: Path) -> None:
    config = {
        "sandbox_workspace_write": {"network_access": True, "allow_unix_sockets": "/run/a"},
        "sandbox_mode": "workspace-write",
    }
    with ScriptedModel([[shell("echo ran", call_id="it", login=False)], "done"]) as model:
        with Codex(codex_home=codex_home, isolated=True, config={**config, **model.provider_config()}) as codex:
            codex.start_thread(working_directory=repo).run("go", timeout=60)
        output = model.requests[-1].tool_output("it")
    assert "allow_unix_sockets must be a list of absolute paths; the command did not run" in output
