"""Servers that fork or start themselves anew: each process has a client of its own, opened when it is first needed."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from codex_cffi.testing import ScriptedModel, delay, text
from support import ROOT, need_beside_python, need_module, wait_until

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

ASGI = """
import contextlib, json, os
from codex_cffi import AsyncCodex
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

@contextlib.asynccontextmanager
async def lifespan(app):
    async with AsyncCodex(codex_home=os.environ["AGENTS_HOME"], isolated=True, config=json.loads(os.environ["AGENTS_CONFIG"])) as app.state.codex:
        yield

app = FastAPI(lifespan=lifespan)

@app.get("/", response_class=PlainTextResponse)
async def ask():
    async with await app.state.codex.start_thread(ephemeral=True, working_directory=os.environ["AGENTS_REPO"]) as thread:
        answer = (await thread.run("go", timeout=60)).final_response
    return f"{answer} {os.getpid()}"
"""
DJANGO = """
import sys
from agents import application
from django.conf import settings
from django.core.management import execute_from_command_line
from django.http import HttpResponse
from django.urls import path

def ask(request):
    return HttpResponse(application({}, lambda *_: None)[0])

urlpatterns = [path("", ask)]
settings.configure(ALLOWED_HOSTS=["*"], DEBUG=True, ROOT_URLCONF=__name__, SECRET_KEY="x")
execute_from_command_line(sys.argv)
"""

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


class Server:
    """A server at a port of its own, which answers with the agent's words and the number of the process that they come from."""

    def __init__(self, folder: Path, environment: dict[str, str], command: list[str]) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.log = folder / "log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [part.replace("PORT", str(self.port)) for part in command],
                cwd=folder,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def get(self, _: object = None) -> tuple[str, str]:
        """What the agent says, and in which process."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            connection.request("GET", "/")
            answer, _, worker = connection.getresponse().read().decode().rpartition(" ")
            return answer, worker

    def listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        return self.process.wait(60)


#: Starts a server in the test's folder: arguments of Python.
Serve = Callable[..., Server]


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    with ScriptedModel(default=[delay(0.3), text("It is Ann.")]) as model:
        yield model


@pytest.fixture
def serve(tmp_path: Path, repo: Path, model: ScriptedModel) -> Iterator[Serve]:
    started: list[Server] = []

    def serve(*command: str) -> Server:
        server = Server(tmp_path, settings(model, tmp_path, repo), list(command))
        started.append(server)
        wait_until(server.listens)
        return server

    yield serve
    for server in started:
        with contextlib.suppress(ProcessLookupError):  # its session: workers that outlive it are of it too
            os.killpg(server.process.pid, signal.SIGKILL)
        server.process.wait()
        print(server.log.read_text())


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
def test_gunicorn(options: list[str], configuration: str, tmp_path: Path, serve: Serve) -> None:
    need_module("gunicorn")
    (tmp_path / "agents.py").write_text(APPLICATION)
    (tmp_path / "gunicorn.conf.py").write_text(configuration)
    gunicorn = [sys.executable, "-m", "gunicorn", "--workers", "2", "--bind", "127.0.0.1:PORT"]
    server = serve(*gunicorn, *options, "agents:application")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(server.get, range(8)))
    assert server.stop() == 0
    assert {answer for answer, _ in answers} == {"It is Ann."}
    assert str(server.process.pid) not in {worker for _, worker in answers}


@pytest.mark.parametrize(
    "options",
    [
        ["--master", "--processes", "2"],
        ["--master", "--processes", "2", "--lazy-apps"],
        ["--master", "--processes", "2", "--threads", "4"],
        ["--gevent", "20", "--gevent-early-monkey-patch", "--master"],
        ["--gevent", "20", "--gevent-early-monkey-patch", "--lazy-apps", "--master", "--processes", "2"],
    ],
)
def test_uwsgi(options: list[str], tmp_path: Path, serve: Serve) -> None:
    uwsgi = need_beside_python("uwsgi", extra="hosts")
    (tmp_path / "agents.py").write_text(APPLICATION)
    environment = ["--virtualenv", sys.prefix, "--die-on-term"]
    server = serve(uwsgi, "--http-socket", "127.0.0.1:PORT", *environment, *options, "--module", "agents")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(server.get, range(8)))
    assert server.stop() == 0
    assert {answer for answer, _ in answers} == {"It is Ann."}


@pytest.mark.parametrize("options", [[], ["--workers", "2"]])
def test_uvicorn(options: list[str], tmp_path: Path, serve: Serve) -> None:
    need_module("fastapi")
    (tmp_path / "agents.py").write_text(ASGI)
    server = serve(sys.executable, "-m", "uvicorn", "--port", "PORT", *options, "agents:app")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(server.get, range(8)))
    assert server.stop(signal.SIGINT) == 0
    assert {answer for answer, _ in answers} == {"It is Ann."}


@pytest.mark.parametrize("name", ["uvicorn --reload", "django runserver"])
def test_a_change_of_the_source_is_a_new_process_with_a_client_of_its_own(
    name: str, tmp_path: Path, serve: Serve
) -> None:
    agents = tmp_path / "agents.py"
    if name == "django runserver":
        need_module("django", extra="hosts")
        agents.write_text(APPLICATION)
        (tmp_path / "manage.py").write_text(DJANGO)
        server = serve(sys.executable, "manage.py", "runserver", "127.0.0.1:PORT")
    else:
        need_module("fastapi")
        agents.write_text(ASGI)
        server = serve(sys.executable, "-m", "uvicorn", "--port", "PORT", "--reload", "agents:app")
    answer, first = server.get()
    assert answer == "It is Ann."
    agents.write_text(agents.read_text().replace('"go"', '"go on"'))

    def reloaded() -> bool:
        try:
            answer, worker = server.get()
        except (OSError, http.client.HTTPException):  # between the two processes
            return False
        return answer == "It is Ann." and worker != first  # what the first one was at when it ended has no answer

    wait_until(reloaded)
    assert not Path("/proc", first).exists()
