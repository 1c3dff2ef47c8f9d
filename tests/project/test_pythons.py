"""Other Pythons than the one that runs the tests: the wheel installs and works under the oldest and the newest of this machine."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from codex_cffi.testing import ScriptedModel, function_call
from support import REAL_HOME, ROOT
from support.wheel import make_wheel

PROGRAM = """
import asyncio, json, sys
from codex_cffi import AsyncCodex, Codex, tool

home, repo, config = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
settings = dict(codex_home=home, isolated=True, config=config)

@tool
def double(number: int) -> int:
    "Doubles."
    return 2 * number

async def main():
    async with AsyncCodex(**settings) as codex:
        return (await (await codex.start_thread(working_directory=repo)).run("go", timeout=60)).final_response

with Codex(**settings, tools=[double]) as codex:
    print(codex.start_thread(working_directory=repo).run("go", timeout=60).final_response)
print(asyncio.run(main()))
import codex_cffi
print(codex_cffi.__file__, "%d.%d" % sys.version_info[:2])
"""


@pytest.fixture(scope="module")
def pythons() -> ModuleType:
    spec = importlib.util.spec_from_file_location("pythons", ROOT / "scripts" / "pythons.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.mark.parametrize("which", [0, -1], ids=["oldest", "newest"])
def test_the_wheel_works_under_another_python(
    which: int, pythons: ModuleType, wheel: Path, tmp_path: Path, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", REAL_HOME)  # pyenv, pip's cache, and the environments of the last time
    others = [(version, found) for version, found in pythons.find().items() if found[0] != Path(sys.executable)]
    if not others:
        pytest.skip("needs another Python from 3.10 on")
    version, (python, whole) = others[which]
    inside = pythons.environment(python, whole, "cli")
    # pip refuses a wheel whose tags are not this Python's.
    pythons.install(inside, "--no-deps", "--no-index", "--target", tmp_path / "site", wheel)

    def run(*command: str | Path) -> str:
        environment = {**os.environ, "HOME": str(tmp_path / "user"), "PYTHONPATH": str(tmp_path / "site")}
        result = subprocess.run(
            [inside, *command], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    with ScriptedModel([[function_call("double", {"number": 21}, call_id="c")], "sync", "async"]) as model:
        said = run("-W", "error", "-c", PROGRAM, tmp_path / "home", repo, json.dumps(model.provider_config()))
        assert model.requests[1].tool_output("c") == "42"
    assert said.splitlines() == ["sync", "async", f"{tmp_path}/site/codex_cffi/__init__.py {version.rstrip('t')}"]
    assert "✔ the test passes" in run("-m", "codex_cffi.cli", "demo")
