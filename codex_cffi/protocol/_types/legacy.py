"""The engine's protocol: what is left of its old API.

Made by scripts/protocol.py from the engine's own schema; do not edit.
"""

from __future__ import annotations

from typing import ClassVar, Literal, TypeAlias

from .._base import HostParams, Params, Struct
from .names import InternalSessionSource, ThreadId
from .shared import NetworkPolicyAmendment, SubAgentSource, UnknownByType


class AddFileChange(Struct, frozen=True, kw_only=True, tag_field="type", tag="add"):
    content: str


class ApplyPatchApprovalParams(HostParams["ApplyPatchApprovalResponse"], frozen=True, kw_only=True):
    """Parameters of ``applyPatchApproval``.

    Attributes:
        call_id: Use to correlate this with [codex_protocol::protocol::PatchApplyBeginEvent] and
            [codex_protocol::protocol::PatchApplyEndEvent].
        grant_root: When set, the agent is asking the user to allow writes under this root for the remainder of the
            session (unclear if this is honored today).
        reason: Optional explanatory reason (e.g. request for extra write access).
    """

    METHOD: ClassVar[str] = "applyPatchApproval"
    call_id: str
    conversation_id: ThreadId
    file_changes: dict[str, FileChange]
    grant_root: str | None = None
    reason: str | None = None


class ApplyPatchApprovalResponse(Struct, frozen=True, kw_only=True):
    decision: ReviewDecision


class ConversationGitInfo(Struct, frozen=True, kw_only=True, rename="lower"):
    branch: str | None = None
    origin_url: str | None = None
    sha: str | None = None


class ConversationSummary(Struct, frozen=True, kw_only=True):
    cli_version: str
    conversation_id: ThreadId
    cwd: str
    model_provider: str
    path: str
    preview: str
    source: LegacySessionSource
    git_info: ConversationGitInfo | None = None
    timestamp: str | None = None
    updated_at: str | None = None


class DeleteFileChange(Struct, frozen=True, kw_only=True, tag_field="type", tag="delete"):
    content: str


class ExecCommandApprovalParams(HostParams["ExecCommandApprovalResponse"], frozen=True, kw_only=True):
    """Parameters of ``execCommandApproval``.

    Attributes:
        call_id: Use to correlate this with [codex_protocol::protocol::ExecCommandBeginEvent] and
            [codex_protocol::protocol::ExecCommandEndEvent].
        approval_id: Identifier for this specific approval callback.
    """

    METHOD: ClassVar[str] = "execCommandApproval"
    call_id: str
    command: list[str]
    conversation_id: ThreadId
    cwd: str
    parsed_cmd: list[ParsedCommand]
    approval_id: str | None = None
    reason: str | None = None


class ExecCommandApprovalResponse(Struct, frozen=True, kw_only=True):
    decision: ReviewDecision


class GetConversationSummaryParams(Params["GetConversationSummaryResponse"], frozen=True, kw_only=True):
    """Which of the optional fields are set depends on the case."""

    METHOD: ClassVar[str] = "getConversationSummary"
    rollout_path: str | None = None
    conversation_id: ThreadId | None = None


class GetConversationSummaryResponse(Struct, frozen=True, kw_only=True):
    summary: ConversationSummary


class GitDiffToRemoteParams(Params["GitDiffToRemoteResponse"], frozen=True, kw_only=True):
    """Parameters of ``gitDiffToRemote``."""

    METHOD: ClassVar[str] = "gitDiffToRemote"
    cwd: str


class GitDiffToRemoteResponse(Struct, frozen=True, kw_only=True):
    diff: str
    sha: str


class LegacySessionSourceDetails(Struct, frozen=True, kw_only=True):
    """One of its fields is set."""

    custom: str | None = None
    internal: InternalSessionSource | None = None
    subagent: SubAgentSource | None = None


class ListFilesParsedCommand(Struct, frozen=True, kw_only=True, tag_field="type", tag="list_files"):
    cmd: str
    path: str | None = None


class ReadParsedCommand(Struct, frozen=True, kw_only=True, tag_field="type", tag="read"):
    """
    Attributes:
        path: (Best effort) Path to the file being read by the command. When possible, this is an absolute path, though
            when relative, it should be resolved against the `cwd`` that will be used to run the command to derive the
            absolute path.
    """

    cmd: str
    name: str
    path: str


class ReviewDecisionDetails(Struct, frozen=True, kw_only=True, rename="lower"):
    """One of its fields is set.

    Attributes:
        approved_execpolicy_amendment: User has approved this command and wants to apply the proposed execpolicy
            amendment so future matching commands are permitted.
        network_policy_amendment: User chose to persist a network policy rule (allow/deny) for future requests to the
            same host.
        denied: User has denied this command and the agent should not execute it, but it should continue the session and
            try something else.
    """

    approved_execpolicy_amendment: ReviewDecisionDetailsApprovedExecpolicyAmendment | None = None
    network_policy_amendment: ReviewDecisionDetailsNetworkPolicyAmendment | None = None
    denied: ReviewDecisionDetailsDenied | None = None


class ReviewDecisionDetailsApprovedExecpolicyAmendment(Struct, frozen=True, kw_only=True, rename="lower"):
    """User has approved this command and wants to apply the proposed execpolicy amendment so future matching commands are
    permitted.
    """

    proposed_execpolicy_amendment: list[str]


class ReviewDecisionDetailsDenied(Struct, frozen=True, kw_only=True):
    """User has denied this command and the agent should not execute it, but it should continue the session and try
    something else.
    """

    rejection: str


class ReviewDecisionDetailsNetworkPolicyAmendment(Struct, frozen=True, kw_only=True, rename="lower"):
    """User chose to persist a network policy rule (allow/deny) for future requests to the same host."""

    network_policy_amendment: NetworkPolicyAmendment


class SearchParsedCommand(Struct, frozen=True, kw_only=True, tag_field="type", tag="search"):
    cmd: str
    path: str | None = None
    query: str | None = None


class UnknownParsedCommand(Struct, frozen=True, kw_only=True, tag_field="type", tag="unknown"):
    cmd: str


class UpdateFileChange(Struct, frozen=True, kw_only=True, tag_field="type", tag="update", rename="lower"):
    unified_diff: str
    move_path: str | None = None


FileChange: TypeAlias = AddFileChange | DeleteFileChange | UpdateFileChange | UnknownByType


LegacySessionSource: TypeAlias = Literal["cli", "vscode", "exec", "mcp", "unknown"] | str | LegacySessionSourceDetails


ParsedCommand: TypeAlias = (
    ReadParsedCommand
    | ListFilesParsedCommand
    | SearchParsedCommand
    | UnknownParsedCommand
    | UnknownByType
)


ReviewDecision: TypeAlias = (
    Literal["approved", "approved_for_session", "timed_out", "abort"]
    | str
    | ReviewDecisionDetails
)
"""User's decision in response to an ExecApprovalRequest.

"approved": User has approved this command and the agent should execute it.
"approved_for_session": User has approved this request and wants future prompts in the same session-scoped approval
    cache to be automatically approved for the remainder of the session.
"timed_out": Automatic approval review timed out before reaching a decision.
"abort": User has denied this command and the agent should not do anything until the user's next command.
"""
