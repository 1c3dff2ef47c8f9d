"""What the agent asks a person: may I run this, may I change these files, which of these do you mean.

A client or a thread has a handler, ``on_approval=``. It gets one of the requests below and returns a decision::

    def judge(request):
        match request:
            case CommandApproval(argv=["pytest", *_]): return Approve(for_session=True)
            case FileChangeApproval() if all(c.path.endswith(".md") for c in request.changes): return Approve()
        return Deny("only tests and documentation")

:func:`later` as the handler leaves every request open, for a person or another program: it stands in :attr:`Codex.pending_approvals` until
:meth:`Codex.respond` answers it, or its time is up. **Whatever is not approved is denied**: without a handler, when one raises, when time runs out, when the
client closes.
"""

from __future__ import annotations

import shlex
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .items import FileUpdate

__all__ = [
    "Abort",
    "Answer",
    "ApprovalHandler",
    "ApprovalRequest",
    "Approve",
    "CommandApproval",
    "Decision",
    "Deny",
    "Elicitation",
    "FileChangeApproval",
    "PermissionsApproval",
    "Question",
    "UserQuestion",
    "later",
]


@dataclass(frozen=True, kw_only=True)
class ApprovalRequest:
    """Base of all requests.

    Attributes:
        id: For :meth:`Codex.respond`.
        thread_id: Thread that asks; a sub-agent has one of its own.
        turn_id: Its turn, if it belongs to one.
        item_id: The item that waits, if there is one; the same as in its events.
        reason: Why the agent asks, in its words.
        params: All that the engine says, with the names of its protocol.
    """

    id: str
    thread_id: str
    turn_id: str | None = None
    item_id: str | None = None
    reason: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, kw_only=True)
class CommandApproval(ApprovalRequest):
    """May this command run, outside of the sandbox or though it is not known to be harmless?

    Attributes:
        command: The command line.
        argv: The same, split like a shell does; a shell that the engine wrapped around it is taken off.
        cwd: Where it would run.
        actions: What the engine thinks the command does (reads, lists, searches), as it reports it.
        proposed_amendment: A rule, the beginning of a command line, that ``Approve(amendment=...)`` would allow for good.
        network_host: Host that a command under way wants to reach, where that is the question.
    """

    command: str = ""
    argv: list[str] = field(default_factory=list)
    cwd: str | None = None
    actions: list[dict[str, Any]] = field(default_factory=list)
    proposed_amendment: list[str] | None = None
    network_host: str | None = None


@dataclass(frozen=True, kw_only=True)
class FileChangeApproval(ApprovalRequest):
    """May these files be changed?

    Attributes:
        changes: The files, each with its diff.
        grant_root: A folder that the agent asks to write to for the rest of the session.
    """

    changes: list[FileUpdate] = field(default_factory=list)
    grant_root: str | None = None


@dataclass(frozen=True, kw_only=True)
class PermissionsApproval(ApprovalRequest):
    """May the agent have more permissions? Approved, it has them for the turn, or with ``for_session`` for the thread.

    Attributes:
        permissions: What it asks for, as the engine has it: ``fileSystem``, ``network``.
        cwd: The working directory.
    """

    permissions: Mapping[str, Any] = field(default_factory=dict)
    cwd: str | None = None


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question of a :class:`UserQuestion`.

    Attributes:
        id: For the :class:`Answer`.
        text: The question.
        header: A word or two.
        options: Answers to choose from, each with ``label`` and ``description``; empty for free text.
        allows_other: Another answer than the options is welcome.
        secret: The answer must not be shown.
    """

    id: str
    text: str
    header: str = ""
    options: list[dict[str, str]] = field(default_factory=list)
    allows_other: bool = False
    secret: bool = False


@dataclass(frozen=True, kw_only=True)
class UserQuestion(ApprovalRequest):
    """The agent asks the user; decided by :class:`Answer`, or :class:`Deny`."""

    questions: list[Question] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Elicitation(ApprovalRequest):
    """An MCP server asks the user (MCP specification, "Elicitation"); decided by :class:`Answer` with what its form asks for, or :class:`Deny`.

    Or the engine asks whether a tool of the server may run, which needs a yes unless the server calls the tool read-only or the configuration allows it;
    decided by :class:`Approve`, :class:`Deny` or :class:`Abort`.

    Attributes:
        server: The server's name.
        message: What it says, or what the engine says of the tool.
        schema: JSON schema of the form; None where it sends the user to a URL.
        url: The URL.
        tool_arguments: What the tool would be called with; None if this is not about running a tool.
    """

    server: str = ""
    message: str = ""
    schema: Mapping[str, Any] | None = None
    url: str | None = None
    tool_arguments: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Approve:
    """Yes.

    Attributes:
        for_session: Also for the same thing later in this thread.
        amendment: For a command: a rule, the beginning of a command line, that allows every such command from now on; ``True`` takes the proposed one. The
            engine keeps it in the codex home. ``True`` for a tool of an MCP server allows that tool from now on.
    """

    for_session: bool = False
    amendment: Sequence[str] | bool = False


@dataclass(frozen=True)
class Deny:
    """No; the turn goes on. The agent is told the reason, if there is one."""

    reason: str | None = None


@dataclass(frozen=True)
class Abort:
    """No, and stop the turn."""

    reason: str | None = None


@dataclass(frozen=True)
class Answer:
    """What the user says: for a :class:`UserQuestion` by question id, for an :class:`Elicitation` the form's content."""

    content: Mapping[str, Any]


#: What a handler returns.
Decision = Approve | Deny | Abort | Answer
#: Decides; None leaves the request open. Synchronous handlers run on a worker thread, ``async`` ones on the event loop.
ApprovalHandler = Callable[[ApprovalRequest], Decision | Awaitable[Decision | None] | None]


def outcome(decision: Decision) -> str:
    """What an approval came to, as :class:`ApprovalResolved` tells it."""
    match decision:
        case Approve():
            return "approved"
        case Deny():
            return "denied"
        case Abort():
            return "aborted"
        case Answer():
            return "answered"


def later(request: ApprovalRequest) -> None:
    """A handler that leaves every request open, for :meth:`Codex.respond`."""


#: Shells that the engine wraps a command line in.
_SHELLS = ("bash", "sh", "zsh", "dash")


def _argv(command: str) -> list[str]:
    try:
        argv = shlex.split(command)
    except ValueError:
        return [command]
    if len(argv) == 3 and argv[0].rsplit("/", 1)[-1] in _SHELLS and argv[1] in ("-c", "-lc"):
        try:
            return shlex.split(argv[2])
        except ValueError:
            return [argv[2]]
    return argv


def decode(method: str, request_id: str, params: Mapping[str, Any]) -> ApprovalRequest | None:
    """The request of a method; None for a method that asks for no approval."""
    common: dict[str, Any] = {
        "id": request_id,
        "thread_id": params.get("threadId", ""),
        "turn_id": params.get("turnId"),
        "item_id": params.get("itemId"),
        "reason": params.get("reason"),
        "params": params,
    }
    match method:
        case "item/commandExecution/requestApproval":
            command = params.get("command") or ""
            network = params.get("networkApprovalContext") or {}
            return CommandApproval(
                **common,
                command=command,
                argv=_argv(command),
                cwd=params.get("cwd"),
                actions=params.get("commandActions") or [],
                proposed_amendment=params.get("proposedExecpolicyAmendment"),
                network_host=network.get("host"),
            )
        case "item/fileChange/requestApproval":
            changes = (params.get("item") or {}).get("changes") or []
            return FileChangeApproval(
                **common,
                changes=[FileUpdate(path=c["path"], kind=c["kind"], diff=c["diff"]) for c in changes],
                grant_root=params.get("grantRoot"),
            )
        case "item/permissions/requestApproval":
            return PermissionsApproval(**common, permissions=params.get("permissions") or {}, cwd=params.get("cwd"))
        case "item/tool/requestUserInput":
            return UserQuestion(**common, questions=[_question(question) for question in params.get("questions", ())])
        case "mcpServer/elicitation/request":
            meta = params.get("_meta") or {}
            about_tool = meta.get("codex_approval_kind") == "mcp_tool_call"
            return Elicitation(
                **common,
                server=params.get("serverName", ""),
                message=params.get("message", ""),
                schema=params.get("requestedSchema"),
                url=params.get("url"),
                tool_arguments=(meta.get("tool_params") or {}) if about_tool else None,
            )
    return None


def _question(question: Mapping[str, Any]) -> Question:
    return Question(
        id=question["id"],
        text=question.get("question", ""),
        header=question.get("header", ""),
        options=question.get("options") or [],
        allows_other=question.get("isOther", False),
        secret=question.get("isSecret", False),
    )


def encode(request: ApprovalRequest, decision: Decision) -> Any:
    """The engine's form of a decision.

    Raises:
        TypeError: It is not a decision, or does not answer this kind of request.
        ValueError: It asks for something that the request does not offer.
    """
    if not isinstance(decision, (Approve, Deny, Abort, Answer)):
        raise TypeError(
            f"a decision is Approve, Deny, Abort or Answer, not {type(decision).__name__}; None leaves the request open"
        )
    about_tool = isinstance(request, Elicitation) and request.tool_arguments is not None
    questions = isinstance(request, (UserQuestion, Elicitation)) and not about_tool
    if questions and isinstance(decision, Approve):
        raise TypeError(f"{type(request).__name__} is decided by Answer or Deny, not Approve")
    if not questions and isinstance(decision, Answer):
        raise TypeError(f"{type(request).__name__} is decided by Approve, Deny or Abort, not Answer")
    if isinstance(decision, Approve) and decision.amendment is not False:
        kept = about_tool and decision.amendment is True and "always" in _persistence(request)
        if not kept and not isinstance(request, CommandApproval):
            raise ValueError(f"{type(request).__name__} knows no amendment")
    match request:
        case CommandApproval():
            return {"decision": _command_decision(request, decision)}
        case FileChangeApproval():
            match decision:
                case Approve(for_session=session):
                    return {"decision": "acceptForSession" if session else "accept"}
            return {"decision": "cancel" if isinstance(decision, Abort) else "decline"}
        case PermissionsApproval():
            if isinstance(decision, Approve):
                return {"permissions": request.permissions, "scope": "session" if decision.for_session else "turn"}
            return {"permissions": {}, "scope": "turn"}
        case UserQuestion():
            content = decision.content if isinstance(decision, Answer) else {}
            unknown = content.keys() - {question.id for question in request.questions}
            if unknown:
                raise ValueError(f"there is no question {', '.join(map(repr, sorted(unknown)))}")
            return {
                "answers": {
                    name: {"answers": [value] if isinstance(value, str) else list(value)}
                    for name, value in content.items()
                }
            }
        case Elicitation():
            if isinstance(decision, Approve):
                persist = "always" if decision.amendment else "session" if decision.for_session else None
                return {"action": "accept", "content": {}, "_meta": {"persist": persist} if persist else None}
            if isinstance(decision, Answer):
                return {"action": "accept", "content": dict(decision.content), "_meta": None}
            return {"action": "cancel" if isinstance(decision, Abort) else "decline", "content": None, "_meta": None}
    raise TypeError(f"{type(request).__name__} cannot be decided")


def _persistence(request: ApprovalRequest) -> Sequence[str]:
    """How long a yes to a tool of an MCP server may be kept."""
    offered = (request.params.get("_meta") or {}).get("persist") or ()
    return (offered,) if isinstance(offered, str) else tuple(offered)


def _command_decision(request: CommandApproval, decision: Decision) -> Any:
    match decision:
        case Approve(amendment=False, for_session=session):
            return "acceptForSession" if session else "accept"
        case Approve(amendment=amendment):
            rule = request.proposed_amendment if amendment is True else list(amendment)  # type: ignore[arg-type]
            if not rule:
                raise ValueError("the engine proposed no amendment for this command; give one, or approve without")
            return {"acceptWithExecpolicyAmendment": {"execpolicy_amendment": rule}}
        case Abort():
            return "cancel"
    return "decline"
