"""Turns of the real engine against a scripted model: results, streams, interruption, deadlines, failures."""

from __future__ import annotations

import gc
import os
import signal
import struct
import subprocess
import sys
import textwrap
import threading
import zlib
from pathlib import Path
from typing import Any

import pytest

from codex_cffi import (
    AgentMessage,
    AgentMessageDelta,
    CodexError,
    CodexTimeoutError,
    CommandExecution,
    EngineError,
    FileChange,
    ItemCompleted,
    ItemStarted,
    LocalImage,
    Reasoning,
    ReasoningDelta,
    ThreadStarted,
    TokenUsageUpdated,
    TurnCompleted,
    TurnFailedError,
    TurnFailedEvent,
    TurnStarted,
    UserMessage,
)
from codex_cffi.testing import (
    ScriptedModel,
    apply_patch,
    delay,
    disconnect,
    failed,
    http_error,
    malformed_event,
    reasoning,
    refused_base_url,
    server_error,
    shell,
    stall,
    text,
    unauthorized,
    usage,
)
from support import ROOT, MakeCodex, wait_until


def test_a_turn_has_the_response_items_usage_and_duration(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel([[reasoning("**Thinking**"), text("Hello"), usage(input_tokens=10, output_tokens=3)]]) as model:
        thread = make_codex(model).start_thread(working_directory=repo)
        turn = thread.run("Hi")
    assert turn.final_response == "Hello"
    assert turn.status == "completed"
    assert turn.error is None
    assert turn.thread_id == thread.id
    assert turn.duration is not None
    assert 0 <= turn.duration < 60
    assert [type(item) for item in turn.items] == [UserMessage, Reasoning, AgentMessage]
    assert turn.items[0].text == "Hi"
    assert (turn.usage.input_tokens, turn.usage.output_tokens) == (10, 3)
    assert model.requests[0].user_texts[-1] == "Hi"


def test_turns_continue_the_conversation_and_count_their_own_tokens(make_codex: MakeCodex, repo: Path) -> None:
    script = [
        [text("one"), usage(input_tokens=100, cached_input_tokens=20, output_tokens=10, reasoning_output_tokens=4)],
        [shell("true"), usage(input_tokens=200, output_tokens=20)],
        [text("two"), usage(input_tokens=300, output_tokens=30)],
        [text("three"), usage(input_tokens=1, output_tokens=1)],
    ]
    with ScriptedModel(script) as model:
        thread = make_codex(model).start_thread(working_directory=repo, sandbox_mode="danger-full-access")
        turns = [thread.run(prompt) for prompt in ("a", "b", "c")]
    first, second, third = (turn.usage for turn in turns)
    assert (first.input_tokens, first.cached_input_tokens, first.output_tokens) == (100, 20, 10)
    assert first.reasoning_output_tokens == 4
    assert (second.input_tokens, second.output_tokens) == (500, 50), "both requests of the turn"
    assert (third.input_tokens, third.output_tokens) == (1, 1)
    assert turns[-1].thread_usage.input_tokens == 601
    assert turns[-1].thread_usage == first + second + third
    assert model.requests[-1].user_texts[-3:] == ["a", "b", "c"]
    assert model.requests[-1].assistant_texts == ["one", "two"]


def test_a_stream_tells_everything_in_order(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel([[reasoning("why", deltas=2), text("abcdef", deltas=3)], ["again"]]) as model:
        thread = make_codex(model).start_thread(working_directory=repo)
        with thread.run_streamed("Hi") as stream:
            events = list(stream)
        with thread.run_streamed("Hi") as stream:
            later = list(stream)
    types = [event.type for event in events]
    assert types[:3] == ["thread.started", "thread.status.changed", "turn.started"]
    assert isinstance(events[0], ThreadStarted)
    assert sum(isinstance(event, TurnStarted) for event in events) == 1
    assert "".join(e.delta for e in events if isinstance(e, AgentMessageDelta)) == "abcdef"
    assert "".join(e.delta for e in events if isinstance(e, ReasoningDelta)) == "why"
    assert any(isinstance(event, TokenUsageUpdated) for event in events)
    started = [event.item.id for event in events if isinstance(event, ItemStarted)]
    completed = [event.item.id for event in events if isinstance(event, ItemCompleted)]
    assert started == completed
    assert isinstance(events[-1], TurnCompleted)
    assert events[-1].turn.final_response == "abcdef"
    assert all(event.thread_id == thread.id for event in events)
    assert not any(isinstance(event, ThreadStarted) for event in later), "only the first turn's"


def test_the_agent_reads_patches_and_runs_in_the_sandbox(make_codex: MakeCodex, repo: Path) -> None:
    (repo / "greeting.txt").write_text("hello\n")
    patch = "*** Begin Patch\n*** Update File: greeting.txt\n@@\n-hello\n+good morning\n*** Add File: new.txt\n+new\n*** End Patch\n"
    script = [
        [shell("cat greeting.txt", call_id="read")],
        [apply_patch(patch)],
        [shell("cat greeting.txt new.txt; exit 3", call_id="again")],
        "done",
    ]
    with ScriptedModel(script) as model:
        turn = make_codex(model).start_thread(working_directory=repo, sandbox_mode="workspace-write").run("go")
        model.assert_tool_output("read", contains="hello")
        model.assert_tool_output("again", contains="good morning")
    assert (repo / "greeting.txt").read_text() == "good morning\n"
    assert (repo / "new.txt").read_text() == "new\n"
    first, change, second = (item for item in turn.items if isinstance(item, (CommandExecution, FileChange)))
    assert isinstance(first, CommandExecution)
    assert (first.exit_code, first.status, first.aggregated_output) == (0, "completed", "hello\n")
    assert isinstance(change, FileChange)
    assert change.status == "completed"
    assert {Path(update.path).name: update.kind["type"] for update in change.changes} == {
        "greeting.txt": "update",
        "new.txt": "add",
    }
    assert isinstance(second, CommandExecution)
    assert (second.exit_code, second.status) == (3, "failed")


def test_a_command_that_the_sandbox_stops_is_an_item_too(make_codex: MakeCodex, repo: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    script = [[shell(f"touch {outside}/escaped", call_id="call")], "done"]
    with ScriptedModel(script) as model:
        codex = make_codex(model)
        options: dict[str, Any] = {"exclude_slash_tmp": True, "exclude_tmpdir_env_var": True}
        from codex_cffi import WorkspaceWrite

        thread = codex.start_thread(working_directory=repo, workspace_write=WorkspaceWrite(**options))
        turn = thread.run("go")
        model.assert_tool_output("call", contains="Read-only file system")
    assert not (outside / "escaped").exists()
    (command,) = (item for item in turn.items if isinstance(item, CommandExecution))
    assert command.status == "failed"
    assert command.exit_code == 1


def test_an_output_schema_reaches_the_model(make_codex: MakeCodex, repo: Path) -> None:
    schema = {
        "type": "object",
        "properties": {"ok": {"type": "boolean"}},
        "required": ["ok"],
        "additionalProperties": False,
    }
    with ScriptedModel(['{"ok": true}', "free"]) as model:
        thread = make_codex(model).start_thread(working_directory=repo)
        assert thread.run("Hi", output_schema=schema).final_response == '{"ok": true}'
        thread.run("Hi")
    assert model.requests[0].output_schema == schema
    assert model.requests[1].output_schema is None, "of its own turn only"


def png() -> bytes:
    """An image of one white dot."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0\xff\xff\xff"))
        + chunk(b"IEND", b"")
    )


def test_images_reach_the_model(make_codex: MakeCodex, repo: Path, tmp_path: Path) -> None:
    image = tmp_path / "dot.png"
    image.write_bytes(png())
    with ScriptedModel(["a dot"]) as model:
        make_codex(model).start_thread(working_directory=repo).run(["What is it?", LocalImage(image)])
    parts = [part for item in model.requests[0].items("message") for part in item["content"]]
    assert any(part.get("image_url", "").startswith("data:image/png;base64,") for part in parts)


def test_an_image_that_is_missing_is_the_callers_error(make_codex: MakeCodex, repo: Path, tmp_path: Path) -> None:
    with ScriptedModel([]) as model:
        thread = make_codex(model).start_thread(working_directory=repo)
        with pytest.raises(FileNotFoundError, match=r"nothing\.png"):
            thread.run(LocalImage(tmp_path / "nothing.png"))


@pytest.mark.parametrize("empty", ["", "  \n", []])
def test_empty_input_is_refused(make_codex: MakeCodex, repo: Path, empty: Any) -> None:
    with ScriptedModel([]) as model:
        thread = make_codex(model).start_thread(working_directory=repo)
        with pytest.raises(ValueError, match="input"):
            thread.run(empty)


# ---- interruption ----------------------------------------------------------------------------------------------------


def sleeping() -> list[Any]:
    return [[shell("sleep 60", yield_time_ms=30000, call_id="sleep")], "after"]


def until_the_command_runs(stream: Any) -> None:
    for event in stream:
        if isinstance(event, ItemStarted) and isinstance(event.item, CommandExecution):
            return
    raise AssertionError("no command ran")


def test_interrupt_from_another_thread_ends_the_turn(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel([*sleeping(), "next"]) as model:
        thread = make_codex(model).start_thread(working_directory=repo, sandbox_mode="danger-full-access")
        with thread.run_streamed("go") as stream:
            until_the_command_runs(stream)
            threading.Thread(target=thread.interrupt).start()
            rest = list(stream)
        assert isinstance(rest[-1], TurnCompleted)
        assert stream.turn.status == "interrupted"
        model.add("next")
        assert thread.run("on").status == "completed", "the thread goes on"


def test_leaving_the_stream_stops_the_turn(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel([[shell("sleep 60", yield_time_ms=30000)], "next"]) as model:
        thread = make_codex(model).start_thread(working_directory=repo, sandbox_mode="danger-full-access")
        with thread.run_streamed("go") as stream:
            until_the_command_runs(stream)
        assert stream.turn.status == "interrupted"
        assert thread.run("on").final_response == "next"


def test_a_stream_that_is_dropped_stops_its_turn(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel([[shell("sleep 60", yield_time_ms=30000)], "next"]) as model:
        thread = make_codex(model).start_thread(working_directory=repo, sandbox_mode="danger-full-access")
        stream = thread.run_streamed("go")
        until_the_command_runs(stream)
        del stream
        gc.collect()
        assert thread.run("on").final_response == "next"


def test_a_deadline_stops_the_turn_and_keeps_what_was_done(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel([[text("so far"), shell("sleep 60", yield_time_ms=30000)], "next"]) as model:
        thread = make_codex(model).start_thread(working_directory=repo, sandbox_mode="danger-full-access")
        with pytest.raises(CodexTimeoutError, match="not done within 1 s") as caught:
            thread.run("go", timeout=1)
        assert isinstance(caught.value, TimeoutError)
        assert caught.value.turn is not None
        assert caught.value.turn.status == "interrupted"
        assert caught.value.turn.final_response == "so far"
        assert thread.run("on").final_response == "next"


def test_a_second_turn_at_the_same_time_is_refused(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel([[text("slow"), delay(30)]]) as model:
        thread = make_codex(model).start_thread(working_directory=repo)
        with thread.run_streamed("go"), pytest.raises(CodexError, match="is in a turn"):
            thread.run("more")


def test_steer_adds_input_to_the_running_turn(make_codex: MakeCodex, repo: Path) -> None:
    released = threading.Event()

    def wait(request: Any) -> list[Any]:
        assert released.wait(30)
        return [shell("true")]

    with ScriptedModel([wait, "done"]) as model:
        thread = make_codex(model).start_thread(working_directory=repo, sandbox_mode="danger-full-access")
        with thread.run_streamed("go") as stream:
            next(stream)
            thread.steer("and hurry")
            released.set()
            for _ in stream:
                pass
        assert stream.turn.final_response == "done"
        assert "and hurry" in model.requests[-1].user_texts
        with pytest.raises(EngineError, match="no running turn"):
            thread.steer("too late")


def test_ctrl_c_stops_the_turn_and_the_program(tmp_path: Path, repo: Path) -> None:
    program = textwrap.dedent(
        """
        import sys
        from codex_cffi import Codex
        from codex_cffi.testing import ScriptedModel, shell

        with ScriptedModel([[shell("sleep 60 & echo $! > pid; wait", yield_time_ms=30000)], "next"]) as model:
            codex = Codex(codex_home=sys.argv[1], isolated=True, config=model.provider_config())
            thread = codex.start_thread(working_directory=sys.argv[2], sandbox_mode="danger-full-access")
            try:
                thread.run("go")
            except KeyboardInterrupt:
                print("interrupted", flush=True)
            print(thread.run("on").final_response, flush=True)
            codex.close()
        """
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, tmp_path / "home", repo],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        start_new_session=True,
    )
    pid = repo / "pid"
    wait_until(lambda: pid.exists() and pid.read_text().strip())
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert output.split() == ["interrupted", "next"]
    assert process.returncode == 0
    wait_until(lambda: not Path(f"/proc/{pid.read_text().strip()}").exists())


# ---- failures --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "error_class", "http_status"),
    [
        (unauthorized(), "other", 401),
        (http_error(400, "no such thing"), "other", None),
        ([failed("context_length_exceeded", "too long")], "contextWindowExceeded", None),
        (server_error(500), "internalServerError", None),
        ([text("half"), disconnect()], "other", None),
    ],
    ids=["401", "400", "context", "500", "cut"],
)
def test_a_failed_turn_has_its_class_and_what_was_done(
    make_codex: MakeCodex, repo: Path, fault: Any, error_class: str, http_status: int | None
) -> None:
    script = [[text("first"), shell("true"), usage(input_tokens=7, output_tokens=1)], fault]
    # The engine may ask for a summary of the conversation first, after a full context.
    with ScriptedModel(script, default="next") as model:
        thread = make_codex(model).start_thread(working_directory=repo, sandbox_mode="danger-full-access")
        with pytest.raises(TurnFailedError) as caught:
            thread.run("go")
        error = caught.value
        assert error.turn.status == "failed"
        assert error.turn.items[1].text == "first"  # type: ignore[attr-defined]
        assert error.turn.usage.input_tokens == 7
        assert str(error)
        assert error.error_class == error_class
        assert error.http_status == http_status
        assert thread.run("on").final_response == "next", "the thread goes on"


def test_a_failed_turn_ends_its_stream_with_an_event(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel([unauthorized()]) as model:
        thread = make_codex(model).start_thread(working_directory=repo)
        with thread.run_streamed("go") as stream:
            *_, last = stream
    assert isinstance(last, TurnFailedEvent)
    assert last.turn.error is not None


def test_bad_events_are_skipped(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel([[malformed_event(), text("fine")]]) as model:
        assert make_codex(model).start_thread(working_directory=repo).run("go").final_response == "fine"


def test_a_refused_connection_ends_by_the_deadline(make_codex: MakeCodex, repo: Path) -> None:
    with refused_base_url() as url:
        codex = make_codex(base_url=url, api_key="sk-test")
        thread = codex.start_thread(working_directory=repo)
        with pytest.raises(CodexTimeoutError):
            thread.run("go", timeout=2)


def test_a_refused_connection_fails_by_itself_without_retries(make_codex: MakeCodex, repo: Path) -> None:
    from codex_cffi.testing import provider_config

    with refused_base_url() as url:
        thread = make_codex(config=provider_config(url)).start_thread(working_directory=repo)
        with pytest.raises(TurnFailedError) as caught:
            thread.run("go", timeout=60)
    assert caught.value.error_class is not None


def test_a_model_that_says_nothing_ends_by_the_deadline(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel([[stall()], "next"]) as model:
        thread = make_codex(model).start_thread(working_directory=repo)
        with pytest.raises(CodexTimeoutError):
            thread.run("go", timeout=1)
        assert thread.run("on").final_response == "next"


def test_threads_run_at_the_same_time(make_codex: MakeCodex, repo: Path) -> None:
    barrier = threading.Barrier(8)

    def together(request: Any) -> str:
        barrier.wait(30)  # nobody gets an answer before all have asked
        return "done"

    with ScriptedModel([together] * 8) as model:
        codex = make_codex(model)
        results: list[str] = []

        def work() -> None:
            results.append(codex.start_thread(working_directory=repo).run("go", timeout=60).final_response)

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert results == ["done"] * 8
