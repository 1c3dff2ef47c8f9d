"""Notebooks: cells that use one client after the other, in a kernel that has an event loop of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from codex_cffi.testing import ScriptedModel, delay, stall, text
from support import ROOT, need_module

OPEN = """
import json, sys
sys.path.insert(0, {root!r})
from codex_cffi import AsyncCodex, Codex
settings = dict(codex_home={home!r}, isolated=True, config=json.loads({config!r}))
where = dict(working_directory={repo!r}, ephemeral=True)
"""


def run(model: ScriptedModel, tmp_path: Path, repo: Path, *cells: str, allow_errors: bool = False) -> list[list[str]]:
    """What each cell prints, shows or raises."""
    import nbformat
    from nbclient import NotebookClient

    opening = OPEN.format(
        root=str(ROOT), home=str(tmp_path / "home"), config=json.dumps(model.provider_config()), repo=str(repo)
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in (opening, *cells)])
    client = NotebookClient(notebook, timeout=60, kernel_name="python3", allow_errors=allow_errors)
    client.execute()
    shown = []
    for cell in notebook.cells[1:]:
        said = []
        for output in cell.outputs:
            data = output.get("data", {})
            words = output.get("text") or data.get("text/markdown") or data.get("text/plain") or output.get("ename")
            said += words.splitlines()
        shown.append(said)
    return shown


@pytest.fixture(autouse=True)
def kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    need_module("nbclient", extra="hosts")
    need_module("ipykernel", extra="hosts")
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")


@pytest.mark.filterwarnings("ignore")  # those of Jupyter's own modules
def test_cells_share_a_client(tmp_path: Path, repo: Path) -> None:
    with ScriptedModel(default=[delay(0.1), text("It is Ann.")]) as model:
        shown = run(
            model,
            tmp_path,
            repo,
            "codex = Codex(**settings); thread = codex.start_thread(**where)",
            "print(thread.run('go').final_response)",
            "thread.run('go on')",  # shows itself
            "acodex = AsyncCodex(**settings); athread = await acodex.start_thread(**where)",
            "print((await athread.run('go')).final_response)",
            "import asyncio\nthreads = [await acodex.start_thread(**where) for _ in range(3)]\n"
            "print(*[turn.final_response for turn in await asyncio.gather(*[thread.run('go') for thread in threads])])",
            "codex.close(); await acodex.close()",
        )
    assert [shown[1], shown[4], shown[5]] == [["It is Ann."], ["It is Ann."], ["It is Ann. It is Ann. It is Ann."]]
    assert "It is Ann." in shown[2]


@pytest.mark.filterwarnings("ignore")
def test_the_notebooks_interrupt_stops_the_turn_and_the_next_cell_goes_on(tmp_path: Path, repo: Path) -> None:
    interrupt = "import os, signal, threading\nthreading.Timer(1, os.kill, [os.getpid(), signal.SIGINT]).start()\n"
    with ScriptedModel([[text("so far"), stall()]], default="on") as model:
        shown = run(
            model,
            tmp_path,
            repo,
            "codex = Codex(**settings); thread = codex.start_thread(**where)",
            interrupt + "thread.run('go')",
            "print(thread.run('go on').final_response)",
            allow_errors=True,
        )
    assert shown[1:] == [["KeyboardInterrupt"], ["on"]]
