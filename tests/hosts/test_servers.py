"""Servers that fork: each worker has a client of its own, opened when it is first needed."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from codex_cffi.testing import ScriptedModel, delay, text
from support import ROOT, need_module, wait_until

APPLICATION = """
import json, os, threading
from codex_cffi import Codex

lock, clients = threading.Lock(), []

def client():
    with lock:
        if not clients:
            clients.append(Codex(codex_home=os.environ["AGENTS_HOME"], isolated=True, config=json.loads(os.environ["AGENTS_CONFIG"])))
    return clients[0]

def application(environ, start_response):
    with client().start_thread(ephemeral=True, working_directory=os.environ["AGENTS_REPO"]) as thread:
        answer = thread.run("go", timeout=60).final_response
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{answer} {os.getpid()}".encode()]
"""
PATCH = "from gevent import monkey\nmonkey.patch_all()\n"


TASKS = """
from celery import Celery
from agents import application

app = Celery("tasks", broker="filesystem://", backend="file:///FOLDER/results")
queue = "FOLDER/queue"
app.conf.broker_transport_options = {"data_folder_in": queue, "data_folder_out": queue, "control_folder": "FOLDER/control"}

@app.task
def ask():
    return application({}, lambda *_: None)[0].decode()
"""
#: Prints what eight tasks come to.
ASK = "import tasks; results = [tasks.ask.delay() for _ in range(8)]; print([result.get(timeout=60) for result in results])"


def settings(model: ScriptedModel, folder: Path, repo: Path) -> dict[str, str]:
    """The environment of a program whose modules are in a folder."""
    return {
        **os.environ,
        "AGENTS_HOME": str(folder / "home"),
        "AGENTS_REPO": str(repo),
        "AGENTS_CONFIG": json.dumps(model.provider_config()),
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(folder)]),
    }


@pytest.mark.parametrize("pool", ["prefork", "threads", "gevent", "eventlet"])
def test_celery(pool: str, tmp_path: Path, repo: Path) -> None:
    need_module("celery", extra="hosts")
    (tmp_path / "agents.py").write_text(APPLICATION)
    (tmp_path / "tasks.py").write_text(TASKS.replace("FOLDER", str(tmp_path)))
    for name in ("queue", "results", "control"):
        (tmp_path / name).mkdir()
    with ScriptedModel(default=[delay(0.3), text("It is Ann.")]) as model:
        environment = settings(model, tmp_path, repo)
        command = [sys.executable, "-m", "celery", "-A", "tasks", "worker", "--pool", pool, "--concurrency", "4"]
        with (tmp_path / "log").open("w") as log:
            worker = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=log, stderr=log)
        try:
            asked = subprocess.run(
                [sys.executable, "-c", ASK], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
            )
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(60) == 0
        finally:
            worker.kill()
    assert asked.stdout.count("It is Ann. ") == 8, asked.stderr + (tmp_path / "log").read_text()


@pytest.mark.parametrize(
    ("options", "configuration"),
    [
        ([], ""),
        (["--preload"], ""),
        (["--worker-class", "gthread", "--threads", "4"], ""),
        (["--worker-class", "gevent"], ""),
        (["--worker-class", "gevent", "--preload"], PATCH),
    ],
)
def test_gunicorn(options: list[str], configuration: str, tmp_path: Path, repo: Path) -> None:
    need_module("gunicorn")
    (tmp_path / "agents.py").write_text(APPLICATION)
    (tmp_path / "gunicorn.conf.py").write_text(configuration)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def get(_: object = None) -> tuple[str, str]:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
            connection.request("GET", "/")
            answer, _, worker = connection.getresponse().read().decode().rpartition(" ")
            return answer, worker

    def listens() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    with ScriptedModel(default=[delay(0.3), text("It is Ann.")]) as model:
        environment = settings(model, tmp_path, repo)
        command = [sys.executable, "-m", "gunicorn", "--workers", "2", "--bind", f"127.0.0.1:{port}", *options]
        with (tmp_path / "log").open("w") as log:
            server = subprocess.Popen(
                [*command, "agents:application"], cwd=tmp_path, env=environment, stdout=log, stderr=log
            )
        try:
            wait_until(listens)
            with ThreadPoolExecutor(8) as pool:
                answers = list(pool.map(get, range(8)))
            server.send_signal(signal.SIGTERM)
            assert server.wait(60) == 0
        finally:
            server.kill()
    assert {answer for answer, _ in answers} == {"It is Ann."}, (tmp_path / "log").read_text()
    assert str(server.pid) not in {worker for _, worker in answers}
