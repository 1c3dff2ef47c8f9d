"""What the benchmarks share: the two sides, their workers, the model server, scratch folders, rows of the table."""

from __future__ import annotations

import contextlib
import json
import os
import select
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

ROOT = Path(__file__).resolve().parents[1]
OFFICIAL = "openai-codex==0.163.0"
DELTAS = 5000
#: Seconds until a child that does not answer is given up.
_PATIENCE = 60

#: What a worker inherits; no key, proxy or setting of the user's reaches it.
_INHERITED = ("PATH", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "CODEX_CFFI_LIBRARY")


@dataclass(frozen=True)
class Side:
    """One of the two libraries."""

    name: Literal["ours", "official"]
    python: str
    module: str

    def environment(self, home: Path) -> dict[str, str]:
        """A scratch home, and the checkout on the path."""
        kept = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        return {**kept, "HOME": str(home.parent), "CODEX_HOME": str(home), "PYTHONPATH": str(ROOT)}


@dataclass
class Row:
    """One line of the table: samples of both sides."""

    what: str
    unit: str
    better: Literal["less", "more"] = "less"
    ours: list[float] = field(default_factory=list)
    official: list[float] = field(default_factory=list)

    def add(self, side: Side, value: float) -> None:
        """Records a sample."""
        (self.ours if side.name == "ours" else self.official).append(value)

    @property
    def ratio(self) -> float | None:
        """How many times better ours is; None where there is nothing to divide by."""
        if not self.ours or not self.official:
            return None
        ours, official = statistics.median(self.ours), statistics.median(self.official)
        above, below = (ours, official) if self.better == "more" else (official, ours)
        return above / below if below else None


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

    def __init__(self, bench: Bench, side: Side, home: Path, prefix: Sequence[str] = ()) -> None:
        command = [*prefix, side.python, "-m", side.module]
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

    def __init__(self, *, quick: bool) -> None:
        self.quick = quick
        self.sides = (
            Side("ours", sys.executable, "benchmarks.ours_worker"),
            Side("official", str(official_python()), "benchmarks.official_worker"),
        )
        self._scratch = tempfile.TemporaryDirectory(prefix="codex-bench-", ignore_cleanup_errors=True)
        self.folder = Path(self._scratch.name)
        self.plain = self.folder / "plain"
        self.plain.mkdir()
        self.repository = self.folder / "repository"
        _make_repository(self.repository)
        self._homes = 0
        self._server = _LineProcess(
            [sys.executable, "-m", "benchmarks.model_server", str(DELTAS)],
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

    def interleaved(self, rounds: int) -> Iterator[Side]:
        """Both sides in turn, the first one changing, so that a slow minute of the machine hits both."""
        for number in range(rounds):
            yield from self.sides if number % 2 == 0 else reversed(self.sides)

    @contextlib.contextmanager
    def workers(self, model: str = "short") -> Iterator[dict[str, Worker]]:
        """An open client of each side in a process of its own, its first turn done."""
        with contextlib.ExitStack() as stack:
            workers: dict[str, Worker] = {}
            for side in self.sides:
                workers[side.name] = worker = stack.enter_context(Worker(self, side, self.new_home()))
                worker.open(model)
                if model == "short":
                    worker.turn(worker.start_thread(self.plain)[0])
            yield workers
            for worker in workers.values():
                worker.close()


Benchmark = Callable[[Bench], list[Row]]


def official_python() -> Path:
    """Python of the venv that has the official SDK, which is made on first use."""
    cache = Path(os.environ.get("CODEX_CFFI_CACHE") or "~/.cache/codex-cffi").expanduser()
    venv = cache / "bench-venv"
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
