"""Python functions at the engine's hook points: before and after a tool, at a prompt, where the agent would stop, at the start and end of a session.

A hook is a function of what happens, and may have a say in it::

    @hook("PreToolUse", matcher="Bash")
    def no_deletions(call):
        if "rm " in call.tool_input["command"]:
            return Deny("nothing is deleted here")

    with Codex(hooks=[no_deletions]) as codex: ...

Events, what a matcher is compared with, and what a hook may return are those of the engine's own hooks, which are commands; those that the configuration has
run as well. Returning None changes nothing. A hook that raises or takes too long **fails closed** where it guards something: the tool does not run, the
permission is denied, the prompt refused, the compaction left out. Elsewhere the event's :class:`HookCompleted` says that it failed.

Hooks or interceptors? An interceptor wraps one tool call and can run it itself; hooks also see prompts, sessions and compaction, several of them at the same
time, and do not see each other's changes.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from ._callables import is_async
from ._checks import choice, filled, function, mapping, text
from .approvals import Approve, Deny

__all__ = ["AddContext", "EndTurn", "GoOn", "Hook", "HookCall", "HookEvent", "ReplaceInput", "hook"]

#: The engine's hook points.
HookEvent = Literal[
    "PreToolUse",
    "PermissionRequest",
    "PostToolUse",
    "PreCompact",
    "PostCompact",
    "SessionStart",
    "SessionEnd",
    "UserPromptSubmit",
    "SubagentStart",
    "SubagentStop",
    "Stop",
]


class HookCall(msgspec.Struct, frozen=True, kw_only=True, repr_omit_defaults=True, rename={"event": "hook_event_name"}):
    """What a hook is asked about. What its event has not is None.

    Attributes:
        event: The hook point.
        session_id: Id of the thread, or, for a sub-agent, of the thread that it works for.
        turn_id: The turn, where there is one.
        cwd: Working directory.
        model: The model's name.
        permission_mode: ``default`` or ``bypassPermissions``.
        transcript_path: The session's file, if it has one.
        agent_id: The sub-agent's thread, if one is meant.
        agent_type: Its role.
        tool_name: ``Bash`` for the tools that run commands, ``apply_patch``, ``mcp__server__tool``, or another tool's own name.
        tool_input: The arguments: ``{"command": ...}`` of ``Bash`` and ``apply_patch``.
        tool_response: What the tool returned (``PostToolUse``).
        tool_use_id: The call.
        prompt: What the user says (``UserPromptSubmit``).
        source: ``startup``, ``resume`` or ``clear`` (``SessionStart``).
        trigger: ``manual`` or ``auto`` (``PreCompact``, ``PostCompact``).
        reason: Why a session ends.
        stop_hook_active: Whether the agent goes on already because of a hook (``Stop``, ``SubagentStop``).
        last_assistant_message: What the agent said last.
        agent_transcript_path: The sub-agent's file (``SubagentStop``).
    """

    event: str
    session_id: str
    turn_id: str | None = None
    cwd: str | None = None
    model: str | None = None
    permission_mode: str | None = None
    transcript_path: str | None = None
    agent_id: str | None = None
    agent_type: str | None = None
    tool_name: str | None = None
    tool_input: Any = None
    tool_response: Any = None
    tool_use_id: str | None = None
    prompt: str | None = None
    source: str | None = None
    trigger: str | None = None
    reason: str | None = None
    stop_hook_active: bool = False
    last_assistant_message: str | None = None
    agent_transcript_path: str | None = None


@dataclass(frozen=True)
class AddContext:
    """Tells the model something more, beside what happens."""

    text: str


@dataclass(frozen=True)
class ReplaceInput:
    """Gives the tool other arguments: the whole ``HookCall.tool_input`` as it shall be."""

    tool_input: Mapping[str, Any]


@dataclass(frozen=True)
class GoOn:
    """Where the agent would stop: it goes on, with this as the next prompt."""

    prompt: str


@dataclass(frozen=True)
class EndTurn:
    """Ends what is under way: the turn, or the compaction."""

    reason: str


#: Decides what happens; may be ``async``. Returns None, :class:`AddContext`, :class:`ReplaceInput`, :class:`GoOn`, :class:`EndTurn`,
#: :class:`Deny` or :class:`Approve`, as the event allows.
HookHandler = Callable[[HookCall], Any]

_CONTEXT = ("PreToolUse", "PostToolUse", "SessionStart", "UserPromptSubmit", "SubagentStart")
#: What may be returned, and where.
_ALLOWED: dict[type, tuple[str, ...]] = {
    AddContext: _CONTEXT,
    ReplaceInput: ("PreToolUse",),
    GoOn: ("Stop", "SubagentStop"),
    EndTurn: ("PostToolUse", "PreCompact", "PostCompact", "SessionStart", "UserPromptSubmit", "Stop", "SubagentStop"),
    Deny: ("PreToolUse", "PermissionRequest", "PostToolUse", "UserPromptSubmit"),
    Approve: ("PermissionRequest",),
}
_WITHOUT_MATCHER = ("UserPromptSubmit", "Stop")
_DEFAULT_REASON = "denied by the host program"


@dataclass(frozen=True)
class Hook:
    """A function at a hook point; see :func:`hook` and :meth:`Codex.register_hook`.

    Attributes:
        event: The hook point.
        handler: ``handler(call)``, synchronous or ``async``.
        matcher: Regular expression for the tool's name, the session's source, the compaction's trigger or the sub-agent's role; names with ``|``
            between them are compared as they are. None: all. Not for ``UserPromptSubmit`` and ``Stop``.
        timeout: Seconds that the handler may take; at ``SessionEnd`` never more than 3.

    Raises:
        TypeError, ValueError: An argument is not what it has to be.
    """

    event: HookEvent
    handler: HookHandler
    matcher: str | None = None
    timeout: float = 600.0

    def __post_init__(self) -> None:
        choice("event", self.event, HookEvent)
        function("handler", self.handler)
        if self.matcher is not None:
            text("matcher", self.matcher)
            if self.event in _WITHOUT_MATCHER:
                raise ValueError(f"a hook of {self.event} takes no matcher")
            try:
                re.compile("" if self.matcher == "*" else self.matcher)
            except re.error as error:
                raise ValueError(f"matcher is no regular expression: {error}") from None
        if isinstance(self.timeout, bool) or not isinstance(self.timeout, (int, float)):
            raise TypeError(f"timeout must be seconds, not {type(self.timeout).__name__}")
        if not 0 < self.timeout < 1e9:
            raise ValueError(f"timeout must be above 0 and below 1e9 seconds, not {self.timeout}")

    @property
    def is_async(self) -> bool:
        """Whether the handler is an ``async`` function."""
        return is_async(self.handler)

    def __call__(self, call: HookCall) -> Any | Awaitable[Any]:
        """Runs the function, for example in a test of it."""
        return self.handler(call)


def hook(event: HookEvent, *, matcher: str | None = None, timeout: float = 600.0) -> Callable[[HookHandler], Hook]:
    """Makes a function a hook, for ``Codex(hooks=[...])``.

    The arguments are those of :class:`Hook`::

        @hook("UserPromptSubmit")
        def house_rules(call):
            return AddContext("The house rules are in RULES.md.")
    """
    return lambda handler: Hook(event, handler, matcher, timeout)


def check_hook(value: Any) -> Hook:
    """The argument, if it is a hook."""
    if not isinstance(value, Hook):
        raise TypeError(f"hooks are Hook objects, as @hook(event) makes them, not {type(value).__name__}")
    return value


def answer(event: str, outcome: Any) -> dict[str, Any]:
    """What a hook returned, as the engine's hooks that are commands print it. Raises TypeError for what the event does not allow."""
    if outcome is None:
        return {}
    where = _ALLOWED.get(type(outcome))
    if where is None or event not in where:
        allowed = [kind.__name__ for kind, events in _ALLOWED.items() if event in events]
        raise TypeError(f"a hook of {event} returns None{''.join(f' or {name}' for name in allowed)}, not {outcome!r}")
    match outcome:
        case AddContext(text=text):
            return _specific(event, additionalContext=filled("AddContext.text", text))
        case ReplaceInput(tool_input=tool_input):
            updated = dict(mapping("ReplaceInput.tool_input", tool_input))
            return _specific(event, permissionDecision="allow", updatedInput=updated)
        case GoOn(prompt=prompt):
            return {"decision": "block", "reason": filled("GoOn.prompt", prompt)}
        case EndTurn(reason=reason):
            return {"continue": False, "stopReason": filled("EndTurn.reason", reason)}
        case Approve():
            if outcome != Approve():
                raise TypeError("a hook approves just what is asked for; an approval handler can do more")
            return _specific(event, decision={"behavior": "allow"})
        case Deny(reason=reason) if event == "PermissionRequest":
            return _specific(event, decision={"behavior": "deny", "message": _reason(reason)})
        case Deny(reason=reason) if event == "PreToolUse":
            return _specific(event, permissionDecision="deny", permissionDecisionReason=_reason(reason))
        case Deny(reason=reason):
            return {"decision": "block", "reason": _reason(reason)}
    raise AssertionError(outcome)


def _specific(event: str, **output: Any) -> dict[str, Any]:
    return {"hookSpecificOutput": {"hookEventName": event, **output}}


def _reason(given: str | None) -> str:
    # The engine takes a denial without a reason for a failure, and goes on.
    return (given or "").strip() or _DEFAULT_REASON
