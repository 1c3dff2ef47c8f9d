"""OpenTelemetry spans, where the program uses OpenTelemetry.

Nothing to switch on: if the program has imported ``opentelemetry.trace`` (as every instrumented one has), each turn, each of its tools and each request to the
engine is a span of the tracer ``codex_cffi``; if not, nothing is imported and nothing costs. A turn's span is a child of the span that is current where the
turn is started; a Python tool runs inside the span of its call, so what it does is traced below it.

Names and attributes follow OpenTelemetry's semantic conventions for generative AI (``invoke_agent``, ``execute_tool``, ``gen_ai.*``). What was said, commands
and their output are not in them.
"""

from __future__ import annotations

import contextlib
import sys
import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .items import CommandExecution, FileChange, Item, McpToolCall, WebSearch

if TYPE_CHECKING:
    from .turn import Turn

__all__: list[str] = []


def _trace() -> Any:
    return sys.modules.get("opentelemetry.trace")


def _tracer(trace: Any) -> Any:
    from . import __version__

    return trace.get_tracer("codex_cffi", __version__)


def _tool_name(item: Item) -> str | None:
    match item:
        case CommandExecution():
            return "shell"
        case FileChange():
            return "apply_patch"
        case WebSearch():
            return "web_search"
        case McpToolCall(server=server, tool=tool):
            return f"{server}::{tool}"
    return None  # tools of the host have a span where they run


class TurnSpan:
    """The span of a running turn, and of the engine's own tools in it."""

    def __init__(self, trace: Any, thread_id: str, turn_id: str, model: str) -> None:
        self._trace = trace
        self._tracer = _tracer(trace)
        self._span = self._tracer.start_span(
            "invoke_agent codex",
            kind=trace.SpanKind.CLIENT,
            attributes={
                "gen_ai.operation.name": "invoke_agent",
                "gen_ai.provider.name": "openai",
                "gen_ai.agent.name": "codex",
                "gen_ai.conversation.id": thread_id,
                "gen_ai.request.model": model,
                "codex.turn.id": turn_id,
            },
        )
        self.context = trace.set_span_in_context(self._span)
        self._tools: dict[str, Any] = {}

    def item_started(self, item: Item) -> None:
        """A tool of the engine's begins."""
        name = _tool_name(item)
        if name is not None:
            self._tools[item.id] = self._tracer.start_span(
                f"execute_tool {name}", context=self.context, attributes=_tool_attributes(name, item.id, "extension")
            )

    def item_completed(self, item: Item) -> None:
        """A tool of the engine's has ended."""
        span = self._tools.pop(item.id, None)
        if span is None:
            return
        status = getattr(item, "status", "completed")
        if status in ("failed", "declined"):
            span.set_attribute("error.type", status)
            span.set_status(self._trace.StatusCode.ERROR)
        if isinstance(item, CommandExecution) and item.exit_code is not None:
            span.set_attribute("process.exit.code", item.exit_code)
        span.end()

    def end(self, turn: Turn) -> None:
        """The turn has ended."""
        for span in self._tools.values():
            span.set_attribute("error.type", turn.status)
            span.end()
        self._tools.clear()
        self._span.set_attribute("codex.turn.status", turn.status)
        self._span.set_attribute("gen_ai.usage.input_tokens", turn.usage.input_tokens)
        self._span.set_attribute("gen_ai.usage.output_tokens", turn.usage.output_tokens)
        if turn.status == "failed":
            self._span.set_attribute("error.type", (turn.error and turn.error.error_class) or "failed")
            self._span.set_status(self._trace.StatusCode.ERROR)
        self._span.end()


_turns: weakref.WeakValueDictionary[tuple[str, str], TurnSpan] = weakref.WeakValueDictionary()


def turn(thread_id: str, turn_id: str, model: str) -> TurnSpan | None:
    """The span of a turn that begins; None where nobody traces."""
    trace = _trace()
    if trace is None:
        return None
    span = _turns[thread_id, turn_id] = TurnSpan(trace, thread_id, turn_id, model)
    return span


def _fail(trace: Any, span: Any, error: BaseException) -> None:
    """Marks a span as failed by the kind of an exception alone: what it says may be secret, such as the address of a request."""
    span.set_attribute("error.type", type(error).__qualname__)
    span.set_status(trace.StatusCode.ERROR)


@contextlib.contextmanager
def tool_call(thread_id: str, turn_id: str, call_id: str, name: str) -> Iterator[None]:
    """The span of a call of the host's tool, current inside."""
    trace = _trace()
    if trace is None:
        yield
        return
    turn = _turns.get((thread_id, turn_id))
    with _tracer(trace).start_as_current_span(
        f"execute_tool {name}",
        context=turn.context if turn else None,
        attributes={**_tool_attributes(name, call_id, "function"), "gen_ai.conversation.id": thread_id},
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield
        except BaseException as error:
            _fail(trace, span, error)
            raise


@contextlib.contextmanager
def request(method: str) -> Iterator[None]:
    """The span of a request to the engine."""
    trace = _trace()
    if trace is None:
        yield
        return
    # Not made current: the steps of a request run between those of others.
    span = _tracer(trace).start_span(
        f"codex {method}", kind=trace.SpanKind.CLIENT, attributes={"rpc.system": "codex", "rpc.method": method}
    )
    try:
        yield
    except BaseException as error:
        _fail(trace, span, error)
        raise
    finally:
        span.end()


def _tool_attributes(name: str, call_id: str, kind: str) -> dict[str, str]:
    return {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": name,
        "gen_ai.tool.call.id": call_id,
        "gen_ai.tool.type": kind,
    }
