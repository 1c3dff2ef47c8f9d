"""What the benchmarks share: the sides, their workers, the model server, scratch folders, rows of the table."""

from __future__ import annotations

import contextlib
import json
import math
import os
import select
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

ROOT = Path(__file__).resolve().parents[1]
OFFICIAL = "openai-codex==0.163.0"
DELTAS = 5000
CALLS = 200
#: Seconds until a child that does not answer is given up.
_PATIENCE = 90

#: What a worker inherits; no key, proxy or setting of the user's reaches it.
_INHERITED = ("PATH", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "CODEX_CFFI_LIBRARY")

Name = Literal["ours", "rust", "official"]


@dataclass(frozen=True)
class Side:
    """One of what is compared: codex_cffi, its engine driven straight from Rust, the official SDK."""

    name: Name
    #: Its interpreter, or the Rust program.
    program: str
    #: What starts its worker.
    arguments: tuple[str, ...]

    def environment(self, home: Path) -> dict[str, str]:
        """A scratch home, and the checkout on the path."""
        kept = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        return {**kept, "HOME": str(home.parent), "CODEX_HOME": str(home), "PYTHONPATH": str(ROOT)}


@dataclass
class Row:
    """One line of the table: each side's samples, and what ours should reach."""

    what: str
    unit: str
    better: Literal["less", "more"] = "less"
    budget: float | None = None
    #: What stands for the samples.
    figure: Literal["median", "p99"] = "median"
    samples: dict[Name, list[float]] = field(default_factory=dict)

    def add(self, side: Side, value: float) -> None:
        """Records a sample."""
        self.samples.setdefault(side.name, []).append(value)

    def value(self, name: Name) -> float | None:
        """A side's figure; None if it was not measured."""
        samples = sorted(self.samples.get(name, ()))
        if not samples:
            return None
        if self.figure == "median":
            return statistics.median(samples)
        return samples[math.ceil(0.99 * len(samples)) - 1]

    @property
    def ratio(self) -> float | None:
        """How many times better than the official SDK ours is; None where there is nothing to divide by."""
        ours, official = self.value("ours"), self.value("official")
        if ours is None or official is None:
            return None
        above, below = (ours, official) if self.better == "more" else (official, ours)
        return above / below if below else None

    @property
    def met(self) -> bool | None:
        """Whether ours reaches the budget; None without one."""
        ours = self.value("ours")
        if ours is None or self.budget is None:
            return None
        return ours >= self.budget if self.better == "more" else ours <= self.budget


class _LineProcess:
    """A child that answers each line with a line."""

    def __init__(self, command: Sequence[str], environment: dict[str, str], directory: Path) -> None:
        self._name = " ".join(command)
        self.process = subprocess.Popen(
            command, cwd=directory, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        # There is never more than one line on the way, so nothing can hide in the buffer.
        ready, _, _ = select.select([self.process.stdout], [], [], _PATIENCE)
        if not ready:
            self.process.kill()
            raise RuntimeError(f"{self._name} did not answer within {_PATIENCE} s")
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._name} ended with status {self.process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise RuntimeError(f"{self._name}: {answer['error']}")
        return answer

    def write(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def end(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


class Worker(_LineProcess):
    """A process with one of the libraries, see `worker.py`."""

    def __init__(
        self, bench: Bench, side: Side, home: Path, *, prefix: Sequence[str] = (), asynchronous: bool = False
    ) -> None:
        arguments = (
            [text.replace("_worker", "_async_worker") for text in side.arguments] if asynchronous else side.arguments
        )
        command = [*prefix, side.program, *arguments]
        super().__init__(command, side.environment(home), bench.folder)
        self.side = side
        self._bench = bench
        self._home = home

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.end()

    def ask(self, do: str, **arguments: Any) -> dict[str, Any]:
        """Has a command carried out."""
        self.write(json.dumps({"do": do, **arguments}))
        return self.read()

    def open(self, model: str = "short") -> float:
        """Opens the client; seconds."""
        return float(self.ask("open", base_url=self._bench.base_urls[model], home=str(self._home))["seconds"])

    def start_thread(self, directory: Path, *, ephemeral: bool = False) -> tuple[int, float]:
        """Starts an agent thread; its number, and seconds."""
        answer = self.ask("thread", directory=str(directory), ephemeral=ephemeral)
        return answer["thread"], answer["seconds"]

    def turn(self, thread: int) -> float:
        """Runs a turn; seconds."""
        return float(self.ask("turn", thread=thread)["seconds"])

    def close(self) -> float:
        """Closes the client; seconds."""
        return float(self.ask("close")["seconds"])


class Bench:
    """A run: its sides, its scratch folder, its model server."""

    def __init__(self, *, quick: bool, rust: Path | None) -> None:
        self.quick = quick
        #: The two libraries.
        self.libraries = (
            Side("ours", sys.executable, ("-m", "benchmarks.ours_worker")),
            Side("official", str(official_python()), ("-m", "benchmarks.official_worker")),
        )
        #: The same and, if it is built, the Rust program.
        self.sides = self.libraries
        if rust is not None:
            self.sides += (Side("rust", str(rust), (str(library().helper_path()),)),)
        self._scratch = tempfile.TemporaryDirectory(prefix="codex-bench-", ignore_cleanup_errors=True)
        self.folder = Path(self._scratch.name)
        self.plain = self.folder / "plain"
        self.plain.mkdir()
        self.repository = self.folder / "repository"
        _make_repository(self.repository)
        self._homes = 0
        self._server = _LineProcess(
            [sys.executable, "-m", "benchmarks.model_server", str(DELTAS), str(CALLS)],
            self.sides[0].environment(self.new_home()),
            self.folder,
        )
        self.base_urls = self._server.read()

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._server.end()
        self._scratch.cleanup()

    def times(self, full: int, quick: int) -> int:
        """How often to do something."""
        return quick if self.quick else full

    def new_home(self) -> Path:
        """A codex home that nobody has used, in a user's home that nobody has used."""
        self._homes += 1
        home = self.folder / f"user{self._homes}" / ".codex"
        home.mkdir(parents=True)
        return home

    def connections(self) -> int:
        """TCP connections that the model server has accepted so far."""
        self._server.write("")
        return int(self._server.read()["connections"])

    def interleaved(self, rounds: int, sides: Sequence[Side] | None = None) -> Iterator[tuple[int, Side]]:
        """Each round's number with each side in turn, the first one changing, so that a slow minute of the machine hits all."""
        sides = self.sides if sides is None else sides
        for number in range(rounds):
            first = number % len(sides)
            for side in (*sides[first:], *sides[:first]):
                yield number, side

    @contextlib.contextmanager
    def workers(
        self, model: str = "short", *, asynchronous: bool = False, sides: Sequence[Side] | None = None
    ) -> Iterator[dict[str, Worker]]:
        """An open client of each side in a process of its own, its first turn done."""
        with contextlib.ExitStack() as stack:
            workers: dict[str, Worker] = {}
            for side in sides or (self.libraries if asynchronous else self.sides):
                worker = Worker(self, side, self.new_home(), asynchronous=asynchronous)
                workers[side.name] = stack.enter_context(worker)
                worker.open(model)
                if model == "short":
                    worker.turn(worker.start_thread(self.plain)[0])
            yield workers
            for worker in workers.values():
                worker.close()


Benchmark = Callable[[Bench], list[Row]]


def cache_folder() -> Path:
    """Where build_ffi.py and the benchmarks keep what they make."""
    return Path(os.environ.get("CODEX_CFFI_CACHE") or "~/.cache/codex-cffi").expanduser().resolve()


@cache
def library() -> Any:
    """The module that has loaded our library; late, for CODEX_CFFI_LIBRARY is set by an option."""
    from codex_cffi import _capi

    return _capi


def official_python() -> Path:
    """Python of the venv that has the official SDK, which is made on first use."""
    venv = cache_folder() / "bench-venv"
    python = venv / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    done = venv / "installed.txt"
    wanted = f"{OFFICIAL} Python {sys.version_info[0]}.{sys.version_info[1]}"
    if not done.is_file() or done.read_text() != wanted:
        print(f"installing {OFFICIAL} into {venv}", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(venv)], check=True)
        subprocess.run(
            [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", OFFICIAL], check=True
        )
        done.write_text(wanted)
    return python


def _make_repository(folder: Path) -> None:
    folder.mkdir()
    (folder / "README.md").write_text("A repository.\n")
    identity = ["-c", "user.name=bench", "-c", "user.email=bench@example.org"]
    for arguments in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "First"]):
        subprocess.run(["git", *identity, *arguments], cwd=folder, check=True)
