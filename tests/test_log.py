"""The engine's log in logging: levels at run time, no credentials, nothing printed."""

from __future__ import annotations

import logging
import sys
import time
from pathlib import Path

import pytest

import codex_cffi
from codex_cffi.testing import ScriptedModel, http_error, shell
from support import MakeCodex, run_python, wait_for_record

KEY = "sk-swordfish0123456789abcdefSWORDFISH"


def a_turn(make_codex: MakeCodex, repo: Path, **options: str) -> None:
    with ScriptedModel([[shell("echo $OPENAI_API_KEY")], "yes"]) as model:
        codex = make_codex(model, **options)
        codex.start_thread(working_directory=repo, sandbox_mode="danger-full-access").run("Hi")
        codex.close()


def test_messages_come_at_the_level_asked_for(
    make_codex: MakeCodex, repo: Path, caplog: pytest.LogCaptureFixture
) -> None:
    codex_cffi.log.set_level("info")
    a_turn(make_codex, repo)
    record = wait_for_record(caplog, "")
    levels = {record.levelno for record in caplog.records}
    assert logging.INFO in levels
    assert min(levels) == logging.INFO
    assert all(record.name.startswith("codex_cffi") for record in caplog.records)
    assert record.name.startswith("codex_cffi.engine.codex")
    assert abs(record.created - time.time()) < 60


def test_the_level_changes_while_a_client_is_open(
    make_codex: MakeCodex, repo: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with ScriptedModel(default="yes") as model:
        thread = make_codex(model).start_thread(working_directory=repo)
        codex_cffi.log.set_level("off")
        thread.run("Hi")
        assert not [record for record in caplog.records if record.name.startswith("codex_cffi.engine")]
        codex_cffi.log.set_level(logging.DEBUG)
        thread.run("Hi")
        wait_for_record(caplog, "")
        assert logging.DEBUG in {record.levelno for record in caplog.records}


def test_single_modules_can_be_asked_for(make_codex: MakeCodex, repo: Path, caplog: pytest.LogCaptureFixture) -> None:
    codex_cffi.log.set_level("error, codex_core.session=debug")
    a_turn(make_codex, repo)
    wait_for_record(caplog, "")
    engine = [record.name for record in caplog.records if record.name.startswith("codex_cffi.engine")]
    assert engine
    assert all(name.startswith("codex_cffi.engine.codex_core.session") for name in engine)


@pytest.mark.parametrize("level", ["loud", "", "codex_core=", "debug,codex_core=loud"])
def test_what_is_no_level_is_named(level: str) -> None:
    with pytest.raises(ValueError, match="there are trace, debug, info, warn, error, warning, off"):
        codex_cffi.log.set_level(level)


def test_no_credential_is_ever_logged(make_codex: MakeCodex, repo: Path, caplog: pytest.LogCaptureFixture) -> None:
    codex_cffi.log.set_level("trace,hyper=trace,reqwest=trace,rustls=trace,h2=trace")
    caplog.set_level(1)
    a_turn(make_codex, repo, api_key=KEY)
    with ScriptedModel([http_error(401, f"the key {KEY} is wrong")]) as model:
        codex = make_codex(model, api_key=KEY)
        with pytest.raises(codex_cffi.TurnFailedError):
            codex.start_thread(working_directory=repo).run("Hi")
        codex.close()
    wait_for_record(caplog, "401 Unauthorized")
    time.sleep(0.2)
    assert KEY not in caplog.text


def test_nothing_is_printed_unless_logging_is_configured(tmp_path: Path) -> None:
    code = f"""
import sys, logging
from codex_cffi import Codex, log
from codex_cffi.testing import ScriptedModel
if sys.argv[1] == "configured":
    logging.basicConfig(level="INFO")
else:
    log.set_level("trace")
with ScriptedModel(["yes"]) as model, Codex(
    config=model.provider_config(), codex_home={str(tmp_path / "home")!r}, isolated=True, skip_git_repo_check=True
) as codex:
    codex.start_thread(working_directory={str(tmp_path)!r}).run("Hi")
"""
    silent = run_python(code, "silent")
    assert (silent.returncode, silent.stdout, silent.stderr) == (0, "", "")
    told = run_python(code, "configured")
    assert told.returncode == 0
    assert "INFO:codex_cffi.engine.codex" in told.stderr
    assert told.stdout == ""


def test_the_default_level_is_that_of_logging(tmp_path: Path) -> None:
    """What nobody would see is not made, so it costs nothing."""
    code = f"""
from codex_cffi import Codex, _capi
with Codex(codex_home={str(tmp_path / "home")!r}, isolated=True) as codex:
    codex.request("model/list", {{}})
import time; time.sleep(0.3)
import sys, threading
print([t.name for t in threading.enumerate() if t.name == "codex-cffi-log"])
"""
    assert run_python(code).stdout.strip() == "['codex-cffi-log']"


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
def test_a_forked_child_may_log_itself(tmp_path: Path) -> None:
    code = f"""
import os, logging
logging.basicConfig(level="INFO")
from codex_cffi import Codex, log, ForkedError
with Codex(codex_home={str(tmp_path / "home")!r}, isolated=True) as codex:
    child = os.fork()
    if child == 0:
        try:
            log.set_level("info")
        except ForkedError:
            os._exit(7)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert run_python(code).stdout.strip() == "7"
