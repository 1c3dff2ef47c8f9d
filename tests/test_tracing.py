"""OpenTelemetry spans of turns, tools and requests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from codex_cffi import EngineError, Tool, TurnFailedError
from codex_cffi.testing import ScriptedModel, function_call, http_error, shell, text, usage
from support import MakeCodex, run_python

EXPORTER = InMemorySpanExporter()


@pytest.fixture(scope="module", autouse=True)
def provider() -> None:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(EXPORTER))
    trace.set_tracer_provider(provider)


@pytest.fixture
def spans() -> Any:
    EXPORTER.clear()

    def named(name: str) -> ReadableSpan:
        found = [span for span in EXPORTER.get_finished_spans() if span.name == name]
        assert len(found) == 1, [span.name for span in EXPORTER.get_finished_spans()]
        return found[0]

    return named


def test_a_turn_its_tools_and_what_they_do_are_one_tree(make_codex: MakeCodex, repo: Path, spans: Any) -> None:
    tracer = trace.get_tracer("host")

    def handler(call: Any) -> str:
        with tracer.start_as_current_span("look it up"):
            return "payments"

    script = [
        [function_call("owner", {"name": "billing"}, call_id="call_owner")],
        [shell("echo secret-output; exit 3", call_id="call_shell")],
        [text("done"), usage(input_tokens=7, output_tokens=3)],
    ]
    with ScriptedModel(script) as model:
        codex = make_codex(model, tools=[Tool(name="owner", description="owner", handler=handler)])
        thread = codex.start_thread(working_directory=repo, sandbox_mode="danger-full-access")
        with tracer.start_as_current_span("web request"):
            turn = thread.run("secret-input")
    top, agent = spans("web request"), spans("invoke_agent codex")
    owner, command = spans("execute_tool owner"), spans("execute_tool shell")
    inner = spans("look it up")
    assert agent.parent.span_id == top.context.span_id
    assert owner.parent.span_id == command.parent.span_id == agent.context.span_id
    assert inner.parent.span_id == owner.context.span_id
    assert agent.attributes["gen_ai.conversation.id"] == thread.id
    assert agent.attributes["codex.turn.id"] == turn.id
    assert agent.attributes["gen_ai.usage.input_tokens"] == turn.usage.input_tokens == 7
    assert command.attributes["process.exit.code"] == 3
    assert command.status.status_code is StatusCode.ERROR
    assert owner.attributes["gen_ai.tool.call.id"] == "call_owner"
    assert top.start_time <= agent.start_time <= owner.start_time <= owner.end_time <= agent.end_time
    everything = "".join(span.to_json() for span in EXPORTER.get_finished_spans())
    assert "secret" not in everything, "what was said and done is not for traces"


def test_requests_are_spans(make_codex: MakeCodex, spans: Any) -> None:
    codex = make_codex()
    codex.request("model/list", {})
    assert spans("codex model/list").attributes["rpc.method"] == "model/list"
    with pytest.raises(EngineError):
        codex.request("thread/read", {"threadId": "01a20af5-e431-7a81-811d-d66a67c1114c"})
    failed = spans("codex thread/read")
    assert failed.status.status_code is StatusCode.ERROR
    assert failed.attributes["error.type"] == "EngineError"


def test_a_failed_turn_says_what_failed(make_codex: MakeCodex, repo: Path, spans: Any) -> None:
    with ScriptedModel([http_error(400, "no")]) as model:
        thread = make_codex(model).start_thread(working_directory=repo)
        with pytest.raises(TurnFailedError):
            thread.run("Hi")
    span = spans("invoke_agent codex")
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes["codex.turn.status"] == "failed"


def test_what_the_exception_of_a_tool_says_is_in_no_span(make_codex: MakeCodex, repo: Path, spans: Any) -> None:
    def handler(call: Any) -> str:
        raise LookupError("https://user:swordfish@example/")

    with ScriptedModel([[function_call("owner", {})], "It failed."]) as model:
        codex = make_codex(model, tools=[Tool(name="owner", description="owner", handler=handler)])
        codex.start_thread(working_directory=repo).run("Hi", timeout=60)
    span = spans("execute_tool owner")
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes["error.type"] == "LookupError"
    assert "swordfish" not in "".join(span.to_json() for span in EXPORTER.get_finished_spans())


def test_a_turn_that_is_left_ends_its_span(make_codex: MakeCodex, repo: Path, spans: Any) -> None:
    with ScriptedModel([[shell("sleep 60")]]) as model:
        thread = make_codex(model).start_thread(working_directory=repo, sandbox_mode="danger-full-access")
        with thread.run_streamed("Hi") as stream:
            for event in stream:
                if event.type == "item.started" and event.item.id != stream.turn.id and hasattr(event.item, "command"):
                    break
    assert spans("invoke_agent codex").attributes["codex.turn.status"] == "interrupted"
    assert spans("execute_tool shell")


def test_without_opentelemetry_nothing_is_imported() -> None:
    code = """
import sys, codex_cffi
from codex_cffi import tracing
with tracing.request("x"), tracing.tool_call("a", "b", "c", "d"):
    assert tracing.turn("a", "b", "c") is None
print([name for name in sys.modules if name.startswith(("opentelemetry", "asyncio", "trio"))])
"""
    assert run_python(code).stdout.strip() == "[]"
