"""What the agent asks for, asked at the terminal: with all of the command, or of the change."""

from __future__ import annotations

import getpass
import json
import os
import select
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.syntax import Syntax
from rich.text import Text

from .. import approvals
from .._show import diff
from . import _terminal
from ._items import safe

__all__ = ["AtTerminal"]

#: Seconds between two looks at whether a question is still open.
_SLICE = 0.2


class _OverError(Exception):
    """Nobody waits for the answer any more, or there will be none."""


class AtTerminal:
    """Asks one question at a time.

    Args:
        pause: Called before a question: nothing else may be drawn.
        resume: Called after it.
    """

    def __init__(self, pause: Callable[[], None], resume: Callable[[], None]) -> None:
        self._pause = pause
        self._resume = resume
        self._one = threading.Lock()
        self._over: set[str] = set()
        self._closed = False

    def __call__(self, request: approvals.ApprovalRequest) -> approvals.Decision:
        with self._one:
            self._pause()
            try:
                return self._decide(request, _terminal.errors())
            except _OverError:
                return approvals.Abort()
            finally:
                self._resume()

    def resolved(self, request_id: str) -> None:
        """A request needs no answer any more."""
        self._over.add(request_id)

    def close(self) -> None:
        """Nothing needs an answer any more."""
        self._closed = True

    def _decide(self, request: approvals.ApprovalRequest, console: Console) -> approvals.Decision:
        console.print(_shown(request))
        match request:
            case approvals.UserQuestion(questions=questions):
                return approvals.Answer(
                    {question.id: self._answer(request, question, console) for question in questions}
                )
            case approvals.Elicitation(schema=schema) if schema is not None:
                return self._form(request, schema)
        amendment = request.proposed_amendment if isinstance(request, approvals.CommandApproval) else None
        choices = {"y": "yes", "s": "yes, for this session"}
        if amendment:
            choices["p"] = f"yes, and always what begins with: {safe(' '.join(amendment))}"
        choices |= {"n": "no", "a": "no, and stop"}
        words = "\n".join(f"  {letter}: {meaning}" for letter, meaning in choices.items())
        while True:
            given = self._line(request, f"{words}\n> ")
            match given[:1].lower():
                case "y":
                    return approvals.Approve()
                case "s":
                    return approvals.Approve(for_session=True)
                case "p" if amendment:
                    return approvals.Approve(amendment=amendment)
                case "n":
                    return approvals.Deny(
                        given[1:].strip() or self._line(request, "Why? The agent is told. > ") or None
                    )
                case "a":
                    return approvals.Abort()

    def _answer(self, request: approvals.ApprovalRequest, question: approvals.Question, console: Console) -> str:
        console.print(Text(safe(question.text)))
        for number, option in enumerate(question.options, 1):
            console.print(
                Text(safe(f"  {number}: {option.get('label', '')}  {option.get('description', '')}").rstrip())
            )
        if question.secret:
            return getpass.getpass("> ")
        while True:
            given = self._line(request, "> ")
            if given.isdecimal() and 0 < int(given) <= len(question.options):
                return str(question.options[int(given) - 1].get("label", ""))
            if not question.options or question.allows_other:
                return given

    def _form(self, request: approvals.ApprovalRequest, schema: Mapping[str, Any]) -> approvals.Decision:
        answers: dict[str, Any] = {}
        required = schema.get("required", [])
        for name, field in schema.get("properties", {}).items():
            title = safe(str(field.get("title") or field.get("description") or name))
            kind = str(field.get("type", "string"))
            allowed = f" ({', '.join(map(str, field['enum']))})" if "enum" in field else f" ({kind})"
            while True:
                given = self._line(request, f"{title}{allowed} > ")
                if not given:
                    if name in required:
                        return approvals.Deny("the form was left empty")
                    break
                try:
                    answers[name] = given if kind == "string" else json.loads(given)
                except ValueError:
                    continue
                break
        return approvals.Answer(answers)

    def _line(self, request: approvals.ApprovalRequest, prompt: str) -> str:
        """What is typed. In slices, so that no thread hangs at the terminal when the turn, or the process, ends."""
        sys.stderr.write(prompt)
        sys.stderr.flush()
        descriptor = sys.stdin.fileno()
        line = b""
        while not line.endswith(b"\n"):
            while not select.select([descriptor], [], [], _SLICE)[0]:
                if self._closed or request.id in self._over:
                    raise _OverError
            read = os.read(descriptor, 4096)
            if not read:
                raise _OverError
            line += read
        return line.decode(errors="replace").strip()


def _shown(request: approvals.ApprovalRequest) -> RenderableType:
    parts: list[RenderableType] = []
    title = "bold yellow"
    match request:
        case approvals.CommandApproval(network_host=host) if host is not None:
            parts.append(Text(f"A command wants to reach {safe(host)}", style=title))
            parts.append(Text(safe(request.command), style="bold"))
        case approvals.CommandApproval(command=command, cwd=folder):
            parts.append(Text("The agent wants to run", style=title))
            parts.append(Text(safe(command), style="bold"))
            parts.append(Text(f"in {safe(str(folder))}", style="dim"))
        case approvals.FileChangeApproval(changes=changes, grant_root=root):
            parts.append(Text("The agent wants to change files", style=title))
            parts += [Syntax(safe(diff(change)), "diff", background_color="default") for change in changes]
            if root is not None:
                parts.append(Text(f"and to write to {safe(root)} for the rest of the session", style=title))
        case approvals.PermissionsApproval(permissions=permissions):
            parts.append(Text("The agent wants more permissions", style=title))
            parts.append(Text(safe(json.dumps(permissions, indent=2, ensure_ascii=False))))
        case approvals.Elicitation(server=server, message=message, tool_arguments=arguments):
            parts.append(Text(f"The MCP server {safe(server)} asks: {safe(message)}", style=title))
            if arguments is not None:
                parts.append(Text(safe(json.dumps(arguments, indent=2, ensure_ascii=False)), style="bold"))
            if request.url is not None:
                parts.append(Text(safe(request.url), style="bold"))
        case _:
            parts.append(Text("The agent asks", style=title))
    if request.reason:
        parts.append(Text(f"because: {safe(request.reason)}"))
    return Group(*parts)
