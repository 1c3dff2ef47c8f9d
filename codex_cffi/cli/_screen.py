"""A turn as a person follows it."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markdown import Markdown
from rich.spinner import Spinner
from rich.text import Text

from .. import events, items
from . import _items, _terminal
from ._markdown import MarkdownStream
from ._output import Output

if TYPE_CHECKING:
    from .. import Event, Thread, Turn
    from ..approvals import ApprovalHandler
    from ._approvals import AtTerminal

__all__ = ["Screen"]

#: Times a second that what is open is drawn anew.
_REFRESH = 12


class Screen(Output):
    """Shows a turn: on standard output where that is a terminal, else on standard error, and the answer alone on standard output."""

    def __init__(self) -> None:
        self._apart = not sys.stdout.isatty()
        self._console: Console = _terminal.errors() if self._apart else _terminal.console()
        self._live: Live | None = None
        self._message = MarkdownStream()
        self._streamed: str | None = None  # the item whose text is being written
        self._doing = "thinking"
        self._began = time.monotonic()
        self._over = False
        self._limits: events.RateLimitsUpdated | None = None
        self._asking: AtTerminal | None = None

    def approvals(self) -> ApprovalHandler | None:
        if not _terminal.is_interactive():
            return None
        from ._approvals import AtTerminal

        self._asking = AtTerminal(self._pause, self._resume)
        return self._asking

    def thread_started(self, thread: Thread) -> None:
        facts = (thread.model, _sandbox(thread), thread.working_directory, thread.id)
        self._console.print(
            Text(" · " if _terminal.unicode(sys.stdout) else " - ").join(Text(str(fact)) for fact in facts), style="dim"
        )
        self._began = time.monotonic()
        self._resume()

    def event(self, event: Event) -> None:
        match event:
            case events.AgentMessageDelta(item_id=item, delta=delta):
                self._streamed = item
                self._print(self._markdown(self._message.feed(_items.safe(delta))))
            case events.ItemStarted(item=item):
                self._doing = _items.beginning(item) or "thinking"
            case events.ItemCompleted(item=item):
                self._doing = "thinking"
                if isinstance(item, items.AgentMessage) and item.id == self._streamed:
                    self._streamed = None
                    self._print(self._markdown(self._message.finish()))
                else:
                    self._print(_items.ending(item))
            case events.PlanUpdated(plan=steps):
                self._print(_items.plan(steps))
            case events.ErrorEvent(will_retry=again):
                self._print(Text(_items.safe(_items.problem(event)), style="yellow" if again else "red"))
            case events.WarningEvent() | events.GuardianWarning() | events.ConfigWarning() | events.DeprecationNotice():
                self._print(Text(_items.safe(str(event)), style="yellow"))
            case events.ApprovalResolved(request_id=request) if self._asking is not None:
                self._asking.resolved(request)
            case events.RateLimitsUpdated():
                self._limits = event
            case events.TurnCompleted(turn=turn) | events.TurnFailedEvent(turn=turn):
                self._ended(turn)
        self._draw()

    def failed(self, message: str) -> None:
        self._print(self._markdown(self._message.finish()))
        self._print(Text(_items.safe(message), style="red"))

    def answer(self, turn: Turn[Any]) -> None:
        if self._apart:
            _terminal.write(turn.final_response.rstrip("\n") + "\n")

    def close(self) -> None:
        if self._asking is not None:
            self._asking.close()
        self._over = True
        self._pause()

    def _ended(self, turn: Turn[Any]) -> None:
        self._print(self._markdown(self._message.finish()))
        self._pause()
        if turn.status == "interrupted":
            self._print(Text("interrupted", style="yellow"))
        usage = turn.usage
        facts = [
            f"{usage.input_tokens:,} tokens in ({usage.cached_input_tokens:,} cached), {usage.output_tokens:,} out",
            f"{turn.duration or time.monotonic() - self._began:.1f} s",
        ]
        if self._limits is not None and self._limits.primary is not None:
            facts.append(f"{self._limits.primary.used_percent} % of the rate limit used")
        self._print(Text("; ".join(facts), style="dim"))

    def _markdown(self, text: str) -> RenderableType | None:
        return Markdown(text) if text.strip() else None

    def _print(self, what: RenderableType | None) -> None:
        if what is not None:
            self._console.print(what)

    def _pause(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _resume(self) -> None:
        if self._live is None and not self._over and self._console.is_terminal and not self._console.is_dumb_terminal:
            self._live = Live(console=self._console, refresh_per_second=_REFRESH, transient=True, redirect_stdout=False)
            self._live.start()
            self._draw()

    def _draw(self) -> None:
        if self._live is None:
            return
        # "line" is made of ASCII, which every terminal has.
        spinner = Spinner("line", Text(f"{self._doing}, {time.monotonic() - self._began:.1f} s", style="dim"))
        tail = self._message.tail
        self._live.update(Group(Markdown(tail), spinner) if tail.strip() else spinner)


def _sandbox(thread: Thread) -> str:
    kind = str(thread.settings.get("sandbox", {}).get("type", ""))
    return {"readOnly": "read-only", "workspaceWrite": "workspace-write", "dangerFullAccess": "no sandbox"}.get(
        kind, kind
    )
