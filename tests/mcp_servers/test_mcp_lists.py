"""What MCP servers list, in pages: all of it is there, or what is missing is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from scripted_turns import call, records, scripted, tool, world

from codex_cffi.testing import ScriptedModel
from support import MakeCodex, wait_until


def pages(entries: str, *pages: list[Any], cursors: list[Any] | None = None) -> list[dict[str, Any]]:
    """The answers with these pages."""
    cursors = cursors or [f"to page {number + 2}" for number in range(len(pages) - 1)]
    results: list[dict[str, Any]] = [{entries: page} for page in pages]
    for result, cursor in zip(results, cursors, strict=False):
        result["nextCursor"] = cursor
    return [{"result": result} for result in results]


def numbered(first: int, count: int) -> list[dict[str, Any]]:
    return [tool(f"tool_{number}") for number in range(first, first + count)]


def resources(first: int, count: int) -> list[dict[str, Any]]:
    return [{"uri": f"a://{number}", "name": str(number)} for number in range(first, first + count)]


def templates(first: int, count: int) -> list[dict[str, Any]]:
    return [{"uriTemplate": f"a://{number}/{{b}}", "name": str(number)} for number in range(first, first + count)]


def test_all_pages_of_all_lists(make_codex: MakeCodex, repo: Path, tmp_path: Path) -> None:
    script = {
        "tools/list": pages("tools", numbered(0, 10), numbered(10, 10), [], numbered(20, 3)),
        "resources/list": pages("resources", resources(0, 2), resources(2, 2), resources(4, 1)),
        "resources/templates/list": pages("resourceTemplates", templates(0, 2), templates(2, 1)),
    }
    with ScriptedModel([[call("tool_22")], "done"]) as model:
        here = world(make_codex, repo, model, scripted(tmp_path, script))
        assert "done" in str(here.turn()["call"])
        assert here.offered().keys() == {f"tool_{number}" for number in range(23)}
        (server,) = here.codex.mcp.list()
        assert server.tools.keys() == here.offered().keys()
        assert [resource.uri for resource in server.resources] == [f"a://{number}" for number in range(5)]
        assert len(server.resource_templates) == 3
        assert here.told.warnings == []


@pytest.mark.parametrize(
    ("answers", "count", "said"),
    [
        (pages("tools", numbered(0, 2), numbered(2, 2), cursors=["a", "a"]), 4, "page 2 leads back"),
        (pages("tools", numbered(0, 1), numbered(1, 1), numbered(2, 1), cursors=["a", "b", "a"]), 3, "page 3 leads back"),
        ([*pages("tools", numbered(0, 2), [], cursors=["a"])[:1], {"error": {"code": -32000, "message": "gone"}}], 2, "from page 2 on.*gone"),
        ([*pages("tools", numbered(0, 2), [], cursors=["a"])[:1], {"result": {"tools": "none"}}], 2, "`tools` is a string"),
        (pages("tools", numbered(0, 1500), numbered(1500, 1500)), 2000, "1000 that are more than 2000"),
        (pages("tools", numbered(0, 2), cursors=[{"page": 2}]), 2, "`nextCursor` is an object"),
    ],
)  # fmt: skip
def test_what_is_missing_of_the_tools_is_told_once(
    make_codex: MakeCodex,
    repo: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    answers: list[Any],
    count: int,
    said: str,
) -> None:
    import re

    with ScriptedModel([[call("tool_1")], "done", "done"]) as model:
        here = world(make_codex, repo, model, scripted(tmp_path, {"tools/list": answers}))
        assert "done" in str(here.turn()["call"])
        here.turn()
        assert here.offered().keys() == {f"tool_{number}" for number in range(count)}
        warning = here.told.warning()
    assert warning.startswith("MCP server 'odd': tools are left out: ")
    assert re.search(said, warning)
    assert records(caplog) == [warning]


@pytest.mark.parametrize(("cursor", "tools"), [("", 2), (None, 2), (7, 4)])
def test_cursors_that_are_no_texts(make_codex: MakeCodex, repo: Path, tmp_path: Path, cursor: Any, tools: int) -> None:
    """An empty one is the end, a number is a cursor."""
    answers = pages("tools", numbered(0, 2), numbered(2, 2), cursors=[cursor])
    with ScriptedModel(["done"]) as model:
        here = world(make_codex, repo, model, scripted(tmp_path, {"tools/list": answers}))
        here.turn()
        assert len(here.offered()) == tools
        assert here.told.warnings == []


def test_an_endless_list_ends(make_codex: MakeCodex, repo: Path, tmp_path: Path) -> None:
    """Each page says that there is another, and none brings anything."""
    answers = [
        *pages("tools", numbered(0, 1), cursors=["a"]),
        *[{"result": {"tools": [], "nextCursor": str(n)}} for n in range(1200)],
    ]
    with ScriptedModel([[call("tool_0")], "done"]) as model:
        here = world(make_codex, repo, model, scripted(tmp_path, {"tools/list": answers}))
        assert "done" in str(here.turn()["call"])
        assert "all after page 1000" in here.told.warning()


def test_pages_are_in_the_time_of_the_start(make_codex: MakeCodex, repo: Path, tmp_path: Path) -> None:
    slow = {"result": {"tools": numbered(1, 1)}, "sleep": 30}
    answers = [*pages("tools", numbered(0, 1), cursors=["a"]), slow]
    with ScriptedModel([[call("tool_0")], "done"]) as model:
        here = world(
            make_codex, repo, model, scripted(tmp_path, {"tools/list": answers}, startup_timeout=3, tool_timeout=2)
        )
        outputs = here.turn()
        assert here.offered().keys() == {"tool_0"}
        assert "call" in outputs
        assert "timed out" in here.told.warning()


def test_what_is_missing_of_the_resources_is_told(
    make_codex: MakeCodex, repo: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    gone = {"error": {"code": -32000, "message": "gone"}}
    script = {
        "resources/list": [*pages("resources", resources(0, 2), cursors=["a"]), gone],
        "resources/templates/list": pages("resourceTemplates", [*templates(0, 1), {"name": "no address"}, 5]),
    }
    with ScriptedModel([]) as model:
        here = world(make_codex, repo, model, scripted(tmp_path, script))
        (server,) = here.thread.mcp.list()
        assert [resource.uri for resource in server.resources] == ["a://0", "a://1"]
        assert [template.uri for template in server.resource_templates] == ["a://0/{b}"]
    wait_until(lambda: len(records(caplog)) == 2)
    assert any("resources are left out: all from page 2 on" in record for record in records(caplog))
    assert any("number 2 has no uriTemplate; number 3 has no uriTemplate" in record for record in records(caplog))


def test_a_server_that_has_no_lists(make_codex: MakeCodex, repo: Path, tmp_path: Path) -> None:
    """It says that there is no such method, and is of use for what it has."""
    none = {"error": {"code": -32601, "message": "Method not found"}}
    script = {
        "tools/list": none,
        "resources/list": {"result": {"resources": resources(0, 1)}},
        "resources/templates/list": none,
    }
    with ScriptedModel(["done"]) as model:
        here = world(make_codex, repo, model, scripted(tmp_path, script, required=True))
        here.turn()
        (server,) = here.thread.mcp.list()
        assert (len(server.resources), server.tools, server.resource_templates) == (1, {}, [])
        assert here.told.statuses[-1] == "ready"
        assert here.told.warnings == []


def test_a_first_page_that_fails_is_a_failed_start(make_codex: MakeCodex, repo: Path, tmp_path: Path) -> None:
    script = {"tools/list": {"error": {"code": -32000, "message": "gone"}}}
    with ScriptedModel(["done"]) as model:
        here = world(make_codex, repo, model, scripted(tmp_path, script))
        here.turn()
        assert here.told.statuses[-1] == "failed"
        assert "gone" in here.told.errors[-1]
