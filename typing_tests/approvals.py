"""What a handler of approvals sees of a request."""

from __future__ import annotations

from typing import Literal

from typing_extensions import assert_type

from codex_cffi import ApprovalRequest, Approve, CommandApproval, Decision, Deny, FileChangeApproval


def judge(request: ApprovalRequest) -> Decision:
    match request:
        case CommandApproval(argv=argv, amendment_source=source):
            assert_type(argv, list[str] | None)
            assert_type(source, Literal["engine", "model"] | None)
            return Approve(amendment=argv or False)
        case FileChangeApproval(paths=paths):
            assert_type(paths, list[str])
    return Deny()
