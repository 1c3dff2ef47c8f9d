"""The thin client over raw events."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from codex_cffi import ClosedError, CodexError, NotFoundError
from codex_cffi.lowlevel import Client, ClientBuilder, RawEvent
from codex_cffi.testing import ScriptedModel, apply_patch, http_error, reasoning, shell, text


def build(model: ScriptedModel, home: Path, repo: Path, mode: Any = "read-only") -> Client:
    builder = ClientBuilder().codex_home(home).working_directory(repo).sandbox_policy(mode)
    return builder.config(model.provider_config()).options(isolated=True).build()


def asking(call_id: str, name: str) -> Any:
    return shell(f"touch {name}", call_id=call_id, sandbox_permissions="require_escalated", justification="please")


def test_commands_are_approved_and_denied_by_id(codex_home: Path, repo: Path) -> None:
    script = [[asking("a", "yes")], [asking("b", "no")], [reasoning("why"), text("All done")]]
    events: list[RawEvent] = []
    with ScriptedModel(script) as model, build(model, codex_home, repo).connect() as client:
        turn_id = client.send("go")
        for event in client.events():
            events.append(event)
            if event.type == "exec_approval_request":
                assert "touch" in event.data["command"]
                client.handle_command(event.id, approve="yes" in event.data["command"])
                with pytest.raises(NotFoundError):
                    client.handle_command(event.id, approve=True)
    assert (repo / "yes").exists()
    assert not (repo / "no").exists()
    types = [event.type for event in events]
    assert types.count("exec_approval_request") == 2
    assert types.count("exec_command_end") == 2
    for expected in ("task_started", "user_message", "agent_reasoning", "agent_message_delta", "token_count"):
        assert expected in types
    last = events[-1]
    assert (last.type, last.id, last.data) == ("task_complete", turn_id, {"last_agent_message": "All done"})


def test_patches_failures_and_interruptions_have_names_too(codex_home: Path, repo: Path) -> None:
    patch = "*** Begin Patch\n*** Add File: new\n+x\n*** End Patch\n"
    script = [[apply_patch(patch)], "done", http_error(400, "no"), [shell("sleep 60")]]
    with ScriptedModel(script) as model, build(model, codex_home, repo).connect() as client:
        client.send("patch")
        for event in client.events():
            if event.type == "apply_patch_approval_request":
                client.handle_command(event.id, approve=True)
        assert (repo / "new").exists()
        client.send("fail")
        assert [event.type for event in client.events()][-1] == "error"
        client.send("long")
        for event in client.events():
            if event.type == "exec_command_begin":
                client.interrupt()
        assert event.type == "turn_aborted"


def test_out_of_order_use_says_so(codex_home: Path, repo: Path) -> None:
    with ScriptedModel() as model:
        client = build(model, codex_home, repo)
        with pytest.raises(ClosedError, match="connect"):
            client.send("x")
        with client.connect():
            with pytest.raises(CodexError, match="connected already"):
                client.connect()
            with pytest.raises(CodexError, match="send"):
                next(client.events())
        client.close()
        with pytest.raises(ClosedError):
            client.handle_command("1", approve=True)
