"""The Python examples of README.md run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from codex_cffi.testing import ScriptedModel, function_call, shell
from conftest import ROOT, run_python

BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)
SCRIPTS = [
    [[shell("true")], "The test passes now."],
    [[function_call("service_owner", {"name": "billing"})], "The payments team."],
    [],
]
OUTPUTS = ["The test passes now.", "The payments team.", ""]


def test_there_is_a_script_for_each_example() -> None:
    assert len(BLOCKS) == len(SCRIPTS)


@pytest.mark.parametrize("index", range(len(BLOCKS)))
def test_an_example_runs(index: int, tmp_path: Path, repo: Path) -> None:
    (repo / "README.md").write_text("hello")
    home = tmp_path / "home"
    home.mkdir()
    with ScriptedModel(SCRIPTS[index]) as model:
        # What the user's own configuration would say.
        provider = model.provider_config()["model_providers"]["mock"]
        settings = "\n".join(
            f"{key} = {str(value).lower() if isinstance(value, bool) else repr(value)}"
            for key, value in provider.items()
        )
        (home / "config.toml").write_text(f'model_provider = "mock"\n[model_providers.mock]\n{settings}\n')
        result = run_python(BLOCKS[index], cwd=repo, env={"CODEX_HOME": str(home)})
        assert result.returncode == 0, result.stderr
        assert OUTPUTS[index] in result.stdout
