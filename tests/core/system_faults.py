"""Faults of the system: the sandbox, the disk, files of the engine's."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import threading
import time
from typing import Any

from disks import fill
from fault_world import HANGS, Table, World, event_of, item_of

from codex_cffi import (
    CommandExecution,
    ConfigError,
    ConfigFileError,
    ConfigFileNotTrustedError,
    EngineError,
    EngineIOError,
    ItemStarted,
    SandboxUnavailableError,
    Turn,
    WarningEvent,
    WorkingDirectoryNotADirectoryError,
    WorkingDirectoryNotFoundError,
    WorkingDirectoryNotTrustedError,
    config_file,
)
from codex_cffi.testing import (
    shell,
)
from support import of_tasks, wait_until

table = Table()


@table.fault(
    "bubblewrap is missing",
    SandboxUnavailableError,
    "install it; the message says how. Nothing is run",
    retriable=False,
)
def no_bubblewrap(world: World) -> Any:
    world.monkeypatch.setenv("PATH", "/nowhere")
    return world.make_codex().start_thread(working_directory=world.repo)


@table.fault(
    "The sandbox helper is missing",
    SandboxUnavailableError,
    "install the package anew. Nothing is run",
    retriable=False,
)
def no_helper(world: World) -> Any:
    world.monkeypatch.setattr("codex_cffi._capi.helper_path", lambda: world.tmp_path / "codex-linux-sandbox")
    return world.make_codex()


@table.fault("The sandbox stops a command", CommandExecution, "the model is told", status="failed")
def stopped_by_the_sandbox(world: World) -> Any:
    return item_of(world.thread([shell("touch /etc/made")]).run("go", timeout=HANGS), CommandExecution)


@table.fault(
    "A command, or the helper that it runs in, is killed",
    CommandExecution,
    "the model is told",
    status="failed",
)
def killed_command(world: World) -> Any:
    return item_of(world.thread([shell("kill -9 $PPID; kill -9 $$")]).run("go", timeout=HANGS), CommandExecution)


@table.another_way
def killed_helper(world: World) -> Any:
    running = threading.Event()

    def started(event: Any) -> None:
        if isinstance(event, ItemStarted) and isinstance(event.item, CommandExecution):
            running.set()

    def kill() -> None:
        running.wait(HANGS)
        while threading.main_thread().is_alive() and not done.is_set():
            for child in " ".join(of_tasks("self", "children")).split():
                with contextlib.suppress(OSError):
                    os.kill(int(child), signal.SIGKILL)
            time.sleep(0.05)

    done = threading.Event()
    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    thread = world.thread([shell("sleep 60", yield_time_ms=30000)], on_event=started)
    item = item_of(thread.run("go", timeout=HANGS), CommandExecution)
    done.set()
    killer.join()
    return item


@table.fault("A broken `config.toml`", ConfigError, "the message has the file and line", retriable=False)
def broken_config(world: World) -> Any:
    world.home.mkdir()
    (world.home / "config.toml").write_text("model = ")
    return world.make_codex(isolated=False)


@table.fault("A wrong setting", ConfigError, "the message has the key", retriable=False)
def wrong_setting(world: World) -> Any:
    return world.make_codex(config={"approval_policy": "sometimes"})


@table.fault("A broken `auth.json`", ConfigError, "log in anew, or delete it", retriable=False)
def broken_login(world: World) -> Any:
    world.home.mkdir()
    (world.home / "auth.json").write_text("{")
    return world.make_codex()


@table.fault(
    "The codex home cannot be used: a file, no right to write, no room",
    EngineIOError,
    "the message has the path and the system's words",
    retriable=False,
)
def home_is_a_file(world: World) -> Any:
    world.home.touch()
    return world.make_codex()


@table.another_way
def full_home(world: World) -> Any:
    return world.make_codex(codex_home=world.disk("200k") / "home")


@table.another_way
def read_only_home(world: World) -> Any:
    disk = world.disk("8m")
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    return world.make_codex(codex_home=disk / "home")


@table.fault(
    "The disk fills up while a client is open",
    WarningEvent,
    "make room: what is owed is written later, and turns go on",
)
def full_disk(world: World) -> Any:
    disk = world.disk("8m")
    thread = world.thread("done", codex_home=disk / "home")
    thread.run("one", timeout=HANGS)
    fill(disk / "filler")
    return event_of(thread, WarningEvent)


@table.fault(
    "A damaged session file",
    EngineError,
    "the message has the file; other sessions are not touched",
    retriable=False,
)
def damaged_session(world: World) -> Any:
    model = world.model(default="done")
    with world.make_codex(model) as codex:
        thread = codex.start_thread(working_directory=world.repo)
        thread.run("go", timeout=HANGS)
    (session,) = world.home.glob("sessions/**/*.jsonl")
    session.write_bytes(b"\x00\xff" * 500)
    return world.make_codex(model).resume_thread(thread.id)


@table.fault(
    "A damaged state database",
    Turn,
    "nothing: it is made anew, the old one is in `db-backups`, which the log tells",
    status="completed",
)
def damaged_database(world: World) -> Any:
    world.home.mkdir()
    (world.home / "state_5.sqlite").write_bytes(b"not a database" * 500)
    turn = world.thread("done").run("go", timeout=HANGS)
    wait_until(lambda: list(world.home.glob("db-backups/*/state_5.sqlite")))
    return turn


@table.fault(
    "A state database that another program has locked",
    Turn,
    "nothing: sessions are in files of their own",
    status="completed",
)
def locked_database(world: World) -> Any:
    thread = world.thread("done")
    other = sqlite3.connect(world.home / "state_5.sqlite", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        return thread.run("go", timeout=HANGS)
    finally:
        other.close()


@table.fault("A working directory that does not exist", WorkingDirectoryNotFoundError, "create it", retriable=False)
def no_directory(world: World) -> Any:
    return world.make_codex().start_thread(working_directory=world.tmp_path / "nowhere")


@table.fault(
    "A working directory that is a file",
    WorkingDirectoryNotADirectoryError,
    "give its folder",
    retriable=False,
)
def no_folder(world: World) -> Any:
    (world.tmp_path / "file").touch()
    return world.make_codex().start_thread(working_directory=world.tmp_path / "file")


@table.fault(
    "A working directory outside of repositories",
    WorkingDirectoryNotTrustedError,
    "`git init`, or `skip_git_repo_check=True`",
    retriable=False,
)
def no_repository(world: World) -> Any:
    return world.make_codex().start_thread(working_directory=world.tmp_path)


@table.fault(
    "A project's configuration file that was not trusted, or has changed since",
    ConfigFileNotTrustedError,
    "look at it, then `codex-cffi trust`",
    retriable=False,
)
def a_strange_configuration_file(world: World) -> Any:
    (world.repo / "codex.config.py").write_text("config = {}")
    return config_file.load(world.repo, codex_home=world.tmp_path / "home")


@table.fault(
    "A project's configuration file, or a plugin, that is wrong or fails",
    ConfigFileError,
    "the message has the file and the key; `error.trace` the file's own lines",
    retriable=False,
)
def a_broken_configuration_file(world: World) -> Any:
    (world.repo / "codex.config.py").write_text("config = {'tolos': []}")
    return config_file.load(world.repo, codex_home=world.tmp_path / "home", trust=True)
