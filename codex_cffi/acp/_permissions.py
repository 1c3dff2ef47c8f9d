"""What the agent asks for, asked in the editor."""

from __future__ import annotations

from typing import Any, Protocol

import acp
from acp import schema

from .. import approvals
from .._show import one_line
from ._updates import changes

__all__ = ["decide"]


class Asks(Protocol):
    """The editor, as far as it is asked."""

    async def request_permission(self, session_id: str, tool_call: Any, options: Any) -> Any: ...


async def decide(editor: Asks, session_id: str, request: approvals.ApprovalRequest) -> approvals.Decision:
    """Shows a request with all that it is about, and makes the answer a decision. What an editor cannot show is denied."""
    match request:
        case approvals.UserQuestion(questions=[question]) if question.options and not question.secret:
            return await _choose(editor, session_id, request, question)
        case approvals.UserQuestion():
            return approvals.Deny("the editor has no form for this question")
        case approvals.Elicitation(tool_arguments=None):
            return approvals.Deny("the editor has no form for what the MCP server asks")
    options = {"yes": ("Allow", "allow_once"), "session": ("Allow for this session", "allow_always")}
    amendment = request.proposed_amendment if isinstance(request, approvals.CommandApproval) else None
    if amendment:
        options["rule"] = (f"Always allow what begins with: {' '.join(amendment)}", "allow_always")
    options["no"] = ("Reject", "reject_once")
    match await _asked(editor, session_id, _shown(request), options):
        case "yes":
            return approvals.Approve()
        case "session":
            return approvals.Approve(for_session=True)
        case "rule" if amendment:
            return approvals.Approve(amendment=amendment)
        case "no":
            return approvals.Deny()
    return approvals.Abort()


async def _choose(
    editor: Asks, session_id: str, request: approvals.UserQuestion, question: approvals.Question
) -> approvals.Decision:
    options = {
        str(number): (str(option.get("label", "")), "allow_once") for number, option in enumerate(question.options)
    }
    call = schema.ToolCallUpdate(
        tool_call_id=request.item_id or request.id, title=question.text, kind="other", status="pending"
    )
    chosen = await _asked(editor, session_id, call, options)
    if chosen not in options:
        return approvals.Deny("the user did not answer")
    return approvals.Answer({question.id: options[chosen][0]})


async def _asked(editor: Asks, session_id: str, call: Any, options: dict[str, tuple[str, str]]) -> str | None:
    kinds: dict[str, Any] = {key: kind for key, (_, kind) in options.items()}
    offered = [schema.PermissionOption(option_id=key, name=name, kind=kinds[key]) for key, (name, _) in options.items()]
    response = await editor.request_permission(session_id=session_id, tool_call=call, options=offered)
    outcome = response.outcome
    return outcome.option_id if isinstance(outcome, schema.AllowedOutcome) else None


def _shown(request: approvals.ApprovalRequest) -> Any:
    """The call that waits, with all that it is about."""
    why: list[Any] = [acp.tool_content(acp.text_block(request.reason))] if request.reason else []
    kind: Any = "other"
    raw: dict[str, Any] | None = None
    locations: list[Any] | None = None
    match request:
        case approvals.CommandApproval(command=command, cwd=folder, network_host=host):
            kind, title = "execute", command if host is None else f"reach {host} from: {command}"
            raw = {"command": command, "cwd": folder, **({} if host is None else {"host": host})}
        case approvals.FileChangeApproval(changes=changed, grant_root=root):
            kind, title = "edit", f"edit {', '.join(request.paths)}"
            if root is not None:
                title += f", and write to {root} for the rest of the session"
            why = [*changes(changed, done=False), *why]
            locations = [schema.ToolCallLocation(path=path) for path in request.paths]
        case approvals.Elicitation(server=server, message=message, tool_arguments=arguments):
            title, raw = f"{server}: {message}", dict(arguments or {})
        case approvals.PermissionsApproval(permissions=permissions):
            title, raw = "more permissions", dict(permissions)
        case _:
            title = one_line(str(request))
    return schema.ToolCallUpdate(
        tool_call_id=request.item_id or request.id,
        title=title,
        kind=kind,
        status="pending",
        content=why or None,
        locations=locations,
        raw_input=raw,
    )
