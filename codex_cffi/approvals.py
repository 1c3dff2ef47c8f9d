"""What the agent asks a person: may I run this, may I change these files, which of these do you mean.

A client or a thread has a handler, ``on_approval=``. It gets one of the requests below and returns a decision::

    def judge(request):
        match request:
            case CommandApproval(argv=["docker", "ps"]): return Approve(for_session=True)
            case FileChangeApproval(paths=paths) if all(Path(path).is_relative_to(notes) for path in paths): return Approve()
        return Deny("only the list of containers, and notes")

:func:`later` as the handler leaves every request open, for a person or another program: it stands in :attr:`Codex.pending_approvals` until
:meth:`Codex.respond` answers it, or its time is up. **Whatever is not approved is denied**: without a handler, when one raises, when time runs out, when the
client closes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ._command_line import plain_arguments
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
        command: The command line, with the shell that runs it: ``/bin/bash -lc 'pytest -q'``.
        argv: The command's arguments without the shell, where it is one plain command under one of the system's shells, with a program that commands in
            the sandbox can neither write nor replace by one that is found first. Otherwise None: with an operator, a redirection, a variable, a pattern or
            anything else that a shell does something with, a first word tells nothing.
        cwd: Where it would run.
        actions: What the engine takes the command for (reads, lists, searches), to be shown beside it. A guess from some of its words, nothing to decide
            by: ``find . -delete`` is a listing, ``sed -n -i 1p file`` reads.
        proposed_amendment: A rule, the beginning of a command line, that ``Approve(amendment=...)`` would allow for good. None where it would allow more
            than this command: whatever an interpreter, a shell or a build tool is told to do.
        amendment_source: Who proposes it. ``Approve(amendment=True)`` takes the engine's, never the model's.
        network_host: Host that a command under way wants to reach, where that is the question.
    """

    command: str = ""
    argv: list[str] | None = None
    cwd: str | None = None
    actions: list[dict[str, Any]] = field(default_factory=list)
    proposed_amendment: list[str] | None = None
    amendment_source: Literal["engine", "model"] | None = None
    network_host: str | None = None


@dataclass(frozen=True, kw_only=True)
class FileChangeApproval(ApprovalRequest):
    """May these files be changed?

    Approved, the files become what the diffs say, or the patch fails: where they have changed in the meantime it is not applied.

    Attributes:
        changes: The files, each with its diff.
        grant_root: A folder that the agent asks to write to for the rest of the session.
    """

    changes: list[FileUpdate] = field(default_factory=list)
    grant_root: str | None = None

    @property
    def paths(self) -> list[str]:
        """All files that would be written or deleted: those of the changes, and where they are moved to."""
        moved = [change.kind.get("move_path") for change in self.changes]
        return [*(change.path for change in self.changes), *(path for path in moved if path)]


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
        for_session: Also for the same thing later in this thread: the same command line in the same shell and folder, another change of the same files,
            another call of the same tool of an MCP server.
        amendment: For a command: a rule, the beginning of a command line, that allows every such command from now on, outside of the sandbox; ``True`` takes
            the one that the engine proposes. The engine keeps it in the codex home. ``True`` for a tool of an MCP server allows that tool from now on.
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
            network = params.get("networkApprovalContext") or {}
            return CommandApproval(
                **common,
                command=params.get("command") or "",
                argv=plain_arguments(params.get("argv") or ()) if params.get("command") else None,
                cwd=params.get("cwd"),
                actions=params.get("commandActions") or [],
                proposed_amendment=params.get("proposedExecpolicyAmendment"),
                amendment_source=params.get("amendmentSource"),
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
            return {"acceptWithExecpolicyAmendment": {"execpolicy_amendment": _rule(request, amendment)}}
        case Abort():
            return "cancel"
    return "decline"


def _rule(request: CommandApproval, amendment: Sequence[str] | bool) -> list[str]:
    if isinstance(amendment, str) or not (
        isinstance(amendment, bool) or all(isinstance(word, str) and word for word in amendment)
    ):
        raise TypeError(f"amendment is a sequence of words, as in ['git', 'fetch'], or True, not {amendment!r}")
    if request.network_host is not None:
        raise ValueError("this is about a host, not about a command; an amendment does not fit")
    if not isinstance(amendment, bool):
        if not amendment:
            raise ValueError("the amendment is empty; it would allow every command")
        return list(amendment)
    proposed = request.proposed_amendment
    if not proposed:
        raise ValueError(
            "the engine proposed no amendment for this command, or one that allows too much; give one, or approve without"
        )
    if request.amendment_source != "engine":
        raise ValueError(
            f"the model proposed the amendment {proposed!r}, not the engine; if you mean it, say so: "
            f"Approve(amendment={proposed!r})"
        )
    return proposed
