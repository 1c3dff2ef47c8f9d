"""Settings of a running engine: read, written, and where they come from."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from codex_cffi import AsyncCodex, ConfigError
from codex_cffi.config import Config
from codex_cffi.testing import ScriptedModel
from support import MakeCodex

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def file(home: Path) -> dict[str, Any]:
    return tomllib.loads((home / "config.toml").read_text())


def test_reading(make_codex: MakeCodex) -> None:
    config: Config = {"model": "m", "model_reasoning_effort": "high", "features": {"memories": False}}
    read = make_codex(config=dict(config)).config.read()
    assert (read["model"], read["model_reasoning_effort"]) == ("m", "high")


def test_reading_a_project_s(make_codex: MakeCodex, repo: Path, codex_home: Path) -> None:
    codex_home.mkdir()
    (codex_home / "config.toml").write_text(f'[projects."{repo}"]\ntrust_level = "trusted"\n')
    (repo / ".codex").mkdir()
    (repo / ".codex" / "config.toml").write_text('model_verbosity = "low"\n')
    codex = make_codex(isolated=False)
    assert codex.config.read(working_directory=repo)["model_verbosity"] == "low"
    assert codex.config.read().get("model_verbosity") is None


def test_isolated_or_as_the_program_does(make_codex: MakeCodex, codex_home: Path) -> None:
    codex_home.mkdir()
    (codex_home / "config.toml").write_text('model = "from-file"\n')
    assert make_codex(isolated=True).config.read()["model"] != "from-file"
    assert make_codex(isolated=False).config.read()["model"] == "from-file"
    assert make_codex(isolated=False, config={"model": "given"}).config.read()["model"] == "given"


def test_writing(make_codex: MakeCodex, codex_home: Path) -> None:
    codex_home.mkdir()
    (codex_home / "config.toml").write_text('# kept\nmodel = "old"\n\n[features]\nhooks = true\n')
    codex = make_codex(isolated=False)
    codex.config.write({"model": "new", "features": {"memories": True}, "mcp_servers": {"a.b": {"command": "x"}}})
    assert file(codex_home) == {
        "model": "new",
        "features": {"hooks": True, "memories": True},
        "mcp_servers": {"a.b": {"command": "x"}},
    }
    assert "# kept" in (codex_home / "config.toml").read_text()
    assert codex.config.read()["model"] == "new"
    codex.config.write({"features": {"apps": False}}, replace=True)
    assert file(codex_home)["features"] == {"apps": False}
    codex.config.write({"model": None})
    assert "model" not in file(codex_home)


def test_new_threads_take_what_was_written(make_codex: MakeCodex, repo: Path, codex_home: Path) -> None:
    with ScriptedModel(["ok"]) as model:
        codex = make_codex(model, isolated=False)
        assert codex.config.write({"model_reasoning_effort": "low"}).in_force
        codex.start_thread(working_directory=repo, model="gpt-5.5").run("hi", timeout=60)
    assert model.requests[0].reasoning_effort == "low"


def test_what_does_not_fit_is_not_written(make_codex: MakeCodex, codex_home: Path) -> None:
    codex = make_codex(isolated=False)
    with pytest.raises(ConfigError, match="refused"):
        codex.config.write({"model_reasoning_summary": 5, "model": "m"})
    assert not (codex_home / "config.toml").exists()


def test_what_another_layer_has_too_is_said(make_codex: MakeCodex, codex_home: Path) -> None:
    codex = make_codex(isolated=False, config={"model": "given"})
    written = codex.config.write({"model": "written"})
    assert written.file == codex_home / "config.toml"
    assert not written.in_force
    assert written.overridden_by is not None
    assert "session flags" in written.overridden_by
    assert file(codex_home)["model"] == "written"
    assert make_codex(isolated=False).config.read()["model"] == "written"


@pytest.mark.parametrize(
    ("values", "error", "said"),
    [
        ({}, ValueError, "nothing to write"),
        ("model", TypeError, "mapping"),
        ({"a": {3: 4}}, TypeError, "name is a text"),
    ],
)
def test_bad_values(make_codex: MakeCodex, values: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        make_codex(isolated=False).config.write(values)


def test_the_asynchronous_twin(codex_home: Path) -> None:
    async def main() -> None:
        async with AsyncCodex(codex_home=codex_home) as codex:
            assert (await codex.config.write({"model_verbosity": "low"})).in_force
            assert (await codex.config.read())["model_verbosity"] == "low"

    asyncio.run(main())
    assert file(codex_home) == {"model_verbosity": "low"}
