"""A turn in plain words: nothing is drawn twice, nothing moves, and every line says whose it is. For screen readers and simple terminals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import events, items
from .._show import diff
from . import _terminal
from ._items import beginning, problem, safe
from ._output import Output

if TYPE_CHECKING:
    from .. import Event, Thread, Turn
    from ..approvals import ApprovalHandler
    from ._approvals import AtTerminal

__all__ = ["Plain"]


class Plain(Output):
    """Writes a turn to standard output, line after line.

    Attributes:
        diff: What the last turn changed in the files, as a unified diff.
    """

    def __init__(self) -> None:
        self.diff = ""
        self._open = False  # a line of the agent's is being written
        self._streamed: str | None = None
        self._asking: AtTerminal | None = None

    def approvals(self) -> ApprovalHandler | None:
        if not _terminal.is_interactive():
            return None
        from ._approvals import AtTerminal

        self._asking = AtTerminal(self._end_line, lambda: None)
        return self._asking

    def thread_started(self, thread: Thread) -> None:
        self._line(f"session {thread.id}, model {thread.model}, in {thread.working_directory}")

    def event(self, event: Event) -> None:
        match event:
            case events.AgentMessageDelta(item_id=item, delta=delta):
                if self._streamed != item:
                    self._end_line()
                    self._streamed = item
                    _terminal.write("agent: ")
                _terminal.write(safe(delta))
                self._open = True
            case events.ItemStarted(item=item) if not isinstance(item, (items.AgentMessage, items.Reasoning)):
                if (doing := beginning(item)) is not None:
                    self._line(doing)
            case events.ItemCompleted(item=item):
                self._completed(item)
            case events.PlanUpdated(plan=steps):
                self._line("plan:")
                for step in steps:
                    self._line(f"  {step.status}: {safe(step.step)}")
            case events.TurnStarted():
                self.diff = ""
            case events.DiffUpdated(diff=changed):
                self.diff = changed
            case events.ErrorEvent():
                self._line(f"error: {safe(problem(event))}")
            case events.WarningEvent() | events.GuardianWarning() | events.ConfigWarning() | events.DeprecationNotice():
                self._line(f"warning: {safe(str(event))}")
            case events.ApprovalResolved(request_id=request) if self._asking is not None:
                self._asking.resolved(request)
            case events.TurnCompleted(turn=turn) | events.TurnFailedEvent(turn=turn):
                self._end_line()
                if turn.status == "interrupted":
                    self._line("interrupted")

    def say(self, text: str) -> None:
        """Says something that is no part of a turn."""
        self._line(safe(text))

    def failed(self, message: str) -> None:
        self._line(f"error: {safe(message)}")

    def answer(self, turn: Turn[Any]) -> None:
        usage = turn.usage
        self._line(f"({usage.input_tokens} tokens in, {usage.output_tokens} out, {turn.duration or 0:.1f} seconds)")

    def close(self) -> None:
        if self._asking is not None:
            self._asking.close()
        self._end_line()

    def _completed(self, item: items.Item) -> None:
        match item:
            case items.AgentMessage(id=name, text=text):
                if name != self._streamed and text.strip():
                    self._line(f"agent: {safe(text)}")
                self._streamed = None
                self._end_line()
            case items.CommandExecution(aggregated_output=output, exit_code=code, status=status):
                for line in safe(output or "").splitlines():
                    self._line(f"  {line}")
                self._line(f"the command ended with {code}" if code is not None else f"the command was {status}")
            case items.FileChange(changes=changes, status=status):
                for change in changes:
                    for line in safe(diff(change)).splitlines():
                        self._line(f"  {line}")
                self._line(f"the change is {status}")
            case items.UserMessage() | items.Reasoning():
                pass
            case _:
                self._line(safe(str(item)))

    def _line(self, text: str) -> None:
        self._end_line()
        _terminal.write(f"{text}\n")

    def _end_line(self) -> None:
        if self._open:
            self._open = False
            _terminal.write("\n")
