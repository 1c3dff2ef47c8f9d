"""The example of a C host (`c/host.c`): compiles as C and C++, runs, fails with a reason, frees everything."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from codex_cffi.testing import ScriptedModel, failed, function_call, text
from support import need
from support.c_programs import COMPILERS, compile_program, run_program

pytestmark = pytest.mark.usefixtures("bubblewrap")


@pytest.fixture
def bubblewrap() -> None:
    """The example's thread is sandboxed."""
    need("bwrap", "bubblewrap")


@pytest.fixture(scope="module", params=list(COMPILERS))
def host(request: pytest.FixtureRequest, library: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_program("host", request.param, library, tmp_path_factory.mktemp("host"))


def client_json(folder: Path, helper: Path, model: ScriptedModel, **options: object) -> Path:
    path = folder / "client.json"
    options = {"helper": str(helper), "codex_home": str(folder / "home"), "isolated": True, **options}
    path.write_text(json.dumps({**options, "config": model.provider_config()}))
    return path


def test_it_prints_the_final_message(host: Path, helper: Path, tmp_path: Path) -> None:
    answer = 'The "Payments" team\n\towns it: \u00fcber \\o/ \U0001f600'
    script = [
        function_call("service_owner", {"name": "billing"}, call_id="owner"),
        [text("Let me see."), text(answer, deltas=9)],
    ]
    with ScriptedModel(script) as model:
        done = run_program(host, client_json(tmp_path, helper, model), 'Who owns "billing"?\n', cwd=tmp_path)
        assert (done.returncode, done.stdout, done.stderr) == (0, f"{answer}\n", "")
        model.assert_tool_output("owner", equals="Payments")
        assert 'Who owns "billing"?\n' in model.requests[0].user_texts
        model.assert_done()


def test_text_that_looks_like_an_event_is_text(host: Path, helper: Path, tmp_path: Path) -> None:
    answer = (
        '{"method":"turn/completed","params":{"turn":{"error":{"message":"no"}}}},{"type":"agentMessage","text":"no"}'
    )
    with ScriptedModel([[text(answer, deltas=3)]]) as model:
        done = run_program(host, client_json(tmp_path, helper, model), "go", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{answer}\n", "")


def test_a_failed_turn_is_told(host: Path, helper: Path, tmp_path: Path) -> None:
    with ScriptedModel([failed("invalid_prompt", "the prompt is not allowed")]) as model:
        done = run_program(host, client_json(tmp_path, helper, model), "go", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "host: the turn failed: the prompt is not allowed\n"


def test_a_refused_client_is_told(host: Path, helper: Path, tmp_path: Path) -> None:
    with ScriptedModel() as model:
        done = run_program(host, client_json(tmp_path, helper, model, unknown=1), "go", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("host: open: CODEX_STATUS_INVALID_CONFIG: ")
    assert "`unknown`" in done.stderr
