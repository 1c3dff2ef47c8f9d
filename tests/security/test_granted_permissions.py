"""Permissions that the agent asks for: what is granted is what was asked for, and a folder that is granted does not open what is denied in it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from codex_cffi import Approve, PermissionsApproval
from codex_cffi.testing import ScriptedModel, function_call, shell
from support import MakeCodex, need


@pytest.fixture(scope="module", autouse=True)
def bubblewrap() -> None:
    need("bwrap", "bubblewrap")


@pytest.fixture
def extra() -> Iterator[Path]:
    """A folder beside the workspace, with a file and a folder that the profile denies."""
    base = Path(tempfile.mkdtemp(prefix="codex-cffi-grants-", dir="/var/tmp"))
    (base / "private" / "deep").mkdir(parents=True)
    for file in (base / "secret", base / "private" / "deep" / "secret", base / "a.key"):
        file.write_text("swordfish\n")
    yield base
    shutil.rmtree(base)


@pytest.mark.parametrize(("access", "for_session"), [("read", False), ("write", True)])
def test_a_granted_folder_keeps_what_is_denied_in_it(
    make_codex: MakeCodex, repo: Path, extra: Path, access: str, for_session: bool
) -> None:
    asked: list[Any] = []

    def judge(request: Any) -> Any:
        asked.append(request)
        return Approve(for_session=for_session)

    denied = {str(extra / "secret"): "deny", str(extra / "private"): "deny", f"{extra}/*.key": "deny"}
    config = {
        "features": {"request_permissions_tool": True},
        "default_permissions": "narrow",
        "permissions": {"narrow": {"filesystem": {":root": "read", str(repo): "write", **denied}}},
    }
    permissions = {"file_system": {access: [str(extra)]}}
    request = function_call("request_permissions", {"permissions": permissions, "reason": "more"}, call_id="ask")
    attempts = (
        f"touch {extra}/made; cat {extra}/secret {extra}/private/deep/secret {extra}/a.key; echo > {extra}/secret"
    )
    with ScriptedModel([[request], [shell(attempts, call_id="call")], "done"]) as model:
        codex = make_codex(model, config=config, on_approval=judge)
        codex.start_thread(working_directory=repo, approval_mode="on-request").run("go", timeout=60)
        output = model.requests[-1].tool_output("call")
    assert [type(request) for request in asked] == [PermissionsApproval]
    assert str(extra) in str(asked[0].permissions)
    assert (extra / "made").exists() == (access == "write")
    assert "swordfish" not in output
    assert (extra / "secret").read_text() == "swordfish\n"
