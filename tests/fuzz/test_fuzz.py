"""Fuzzing: the ABI by Python and by C under sanitizers, the decoders of what the engine says, the options. CODEX_FUZZ=10 takes ten times as long.

By hand: ``CODEX_FUZZ=100 python -m pytest tests/fuzz/test_fuzz.py``, or one part alone, see `abi.py` and `../c/fuzz.c`.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from codex_cffi import (
    Codex,
    CodexError,
    ImageBytes,
    ImageUrl,
    LocalImage,
    Mention,
    TextInput,
    Tool,
    WorkspaceWrite,
    _ffi,
    log,
    lowlevel,
    protocol,
)
from codex_cffi._core.deadline import Deadline
from codex_cffi._core.turn_stream import PromptTurn
from codex_cffi._decoding import Envelope, decode_batch, decode_event, decode_item
from codex_cffi._serving.server import RequestServer
from codex_cffi._waiting.dispatch import Dispatcher
from codex_cffi.errors import ArgumentsError
from codex_cffi.events import Event, Notification, UnknownEvent
from codex_cffi.items import Item, UnknownItem
from codex_cffi.testing import ScriptedModel, function_call
from codex_cffi.tools import ToolContext, ToolResult, invocation
from codex_cffi.turn import Turn
from fuzz import abi
from fuzz.values import BYTES, FACTOR, any_texts, anything, corrupted, effort, encoded, hostile, mutated, of_kind, texts
from support import ROOT, TESTS
from support.c_programs import SANITIZER, compile_program, constants, functions

# ---- the ABI

#: A proxy that refuses: whatever a mutated configuration names, nothing leaves this machine.
NOWHERE = dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"), "http://127.0.0.1:9") | {"NO_PROXY": "127.0.0.1"}


def run_alone(command: list[object], scratch: Path, **environment: str) -> dict[tuple[str, str], int]:
    """Runs a program that prints what it called: functions, statuses, counts. It may be as silent as the library promises to be, and no more."""
    home = {"HOME": str(scratch), "CODEX_HOME": str(scratch / "unused")}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=scratch,
        env={**os.environ, **SANITIZER, **NOWHERE, **home, **environment},
        capture_output=True,
        text=True,
        timeout=60 + 120 * FACTOR,
    )
    journal = scratch / "journal"
    last = journal.read_text()[-4000:] if journal.is_file() else ""
    assert (done.returncode, done.stderr) == (0, ""), (
        f"{done.stdout[-8000:]}\n{done.stderr[-8000:]}\nlast calls:\n{last}"
    )
    lines = [line.split() for line in done.stdout.splitlines()]
    return {(name, status): int(count) for name, status, count in lines}


def check_calls(counts: dict[tuple[str, str], int]) -> None:
    """Every function was called, and gave no status but those that the header lists."""
    assert {name for name, _ in counts} == set(_ffi.FUNCTIONS)
    documented = {
        (function.name, status) for function in functions() for status in function.errors | {"CODEX_STATUS_OK"}
    }
    assert set(counts) - documented == set()
    assert not any(status == "CODEX_STATUS_PANIC" for _, status in counts)


def test_every_function_has_values() -> None:
    """A new function is fuzzed from the start, or its parameters have no values yet, which importing fuzz.abi says."""
    assert list(abi.CALLEES) == list(_ffi.FUNCTIONS)
    assert {name for name in _ffi.FUNCTIONS if not abi.CALLEES[name].can_fail and not abi.CALLEES[name].ends} == {
        "codex_abi_version",
        "codex_build_info",
        *abi.NULLS,
    }


def test_the_abi_by_chance(tmp_path: Path) -> None:
    """Any function with any arguments, in any order, from any thread: a documented status and nothing else."""
    counts = run_alone([sys.executable, "-W", "error", TESTS / "fuzz" / "abi.py", tmp_path], tmp_path)
    names = {number: name for name, number in constants().items() if name.startswith("CODEX_STATUS_")}
    check_calls({(function, names[int(status)]): count for (function, status), count in counts.items()})


@pytest.mark.parametrize("seed", [1, 2])
def test_the_abi_in_c_by_chance(seed: int, library: Path, helper: Path, tmp_path: Path) -> None:
    """The same in C, under sanitizers, with callbacks."""
    program = compile_program("fuzz", "gcc-sanitized", library, tmp_path)
    with ScriptedModel(default=abi.answer) as model:
        places = {"FUZZ_SCRATCH": tmp_path, "FUZZ_HELPER": helper, "FUZZ_PROVIDER": json.dumps(model.provider_config())}
        steps = int(3000 * FACTOR)
        check_calls(run_alone([program, seed, steps], tmp_path, **{name: str(value) for name, value in places.items()}))


# ---- what the engine says


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """Real events of every queue, as JSON; see fuzz/said.py."""
    scratch = tmp_path_factory.mktemp("said")
    command = [sys.executable, "-W", "error", TESTS / "fuzz" / "said.py", scratch]
    environment = {**os.environ, **NOWHERE, "PYTHONPATH": str(ROOT), "HOME": str(scratch)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    heard: dict[str, list[dict[str, Any]]] = json.loads(done.stdout)
    assert all(heard.values())
    return heard


def of_each_method(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Two of each, or mutations would be of deltas nearly always."""
    kept: dict[str, list[dict[str, Any]]] = {}
    for event in events:
        kind = event["method"] + str(event.get("params", {}).get("item", {}).get("type"))
        kept.setdefault(kind, []).append(event)
    return [event for group in kept.values() for event in group[:2]]


@st.composite
def notifications(draw: st.DrawFn) -> dict[str, Any]:
    """An event of any method of the protocol, as its type has it."""
    method = draw(st.sampled_from(sorted(protocol.NOTIFICATIONS)))
    params = draw(of_kind(getattr(protocol, protocol.NOTIFICATIONS[method])))
    return {"seq": 1, "method": method, "params": params}


def envelope(method: str, params: bytes) -> Envelope | None:
    """An event with these parameters, which are JSON or not."""
    try:
        params.decode()
        return decode_batch(b'[{"seq":1,"method":' + json.dumps(method).encode() + b',"params":' + params + b"}]")[0]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def use(event: Event) -> None:
    """What a host does with an event."""
    assert isinstance(str(event), str)
    repr(event)
    item = getattr(event, "item", None)
    if isinstance(item, Item):
        str(item)
        for name in ("text", "_repr_markdown_"):
            value = getattr(item, name, "")
            assert isinstance(value() if callable(value) else value, str)
    if isinstance(event, Notification):
        assert event.params is not None
    lowlevel._raw(event)


def test_events_by_chance(said: dict[str, list[dict[str, Any]]]) -> None:
    """Whatever comes, it becomes an event, which can be shown."""
    real = of_each_method(said["threads"] + said["own"])
    events = st.sampled_from(real) | notifications()
    methods = st.sampled_from(sorted({*protocol.NOTIFICATIONS, "gap", "completion"})) | texts

    @effort(400)
    @given(mutated(events))
    def of_about_the_right_shape(value: Any) -> None:
        try:
            batch = decode_batch(json.dumps([value]).encode())
        except msgspec.DecodeError:
            assert not fits(value)
            return
        for one in batch:
            use(decode_event(one))

    @effort(300)
    @given(
        methods,
        encoded(anything)
        | st.sampled_from(BYTES)
        | corrupted(encoded(st.sampled_from(real).map(lambda e: e["params"]))),
    )
    @example("unheard of", b"{}")
    def of_any_shape(method: str, params: bytes) -> None:
        one = envelope(method, params)
        if one is not None:
            event = decode_event(one)
            use(event)
            if method != "gap":
                assert isinstance(event, UnknownEvent) == (method not in protocol.NOTIFICATIONS)

    of_about_the_right_shape()
    of_any_shape()


def fits(value: Any) -> bool:
    """Whether it is an envelope."""
    return (
        isinstance(value, dict)
        and type(value.get("seq")) is int
        and isinstance(value.get("method"), str)
        and isinstance(value.get("id"), (str, type(None)))
        and abs(value["seq"]) < 2**63
    )


@effort(300)
@given(
    corrupted(st.sampled_from((b'[{"seq":1,"method":"gap","params":{"dropped":1}}]', b"[]"))) | st.sampled_from(BYTES)
)
def test_batches_by_chance(batch: bytes) -> None:
    """Either a batch or not; the library's are."""
    try:
        batch.decode()
        events = decode_batch(batch)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return
    for one in events:
        use(decode_event(one))


def test_items_by_chance(said: dict[str, list[dict[str, Any]]]) -> None:
    real = [event["params"]["item"] for event in of_each_method(said["threads"]) if "item" in event["params"]]

    @effort(400)
    @given(mutated(st.sampled_from(real) | of_kind(protocol.ThreadItem)))
    def check(value: Any) -> None:
        try:
            item = decode_item(msgspec.Raw(json.dumps(value).encode()))
        except msgspec.ValidationError:
            assert not isinstance(value, dict)
            return
        assert isinstance(item, Item)
        if str(value.get("type")) not in KNOWN_ITEMS:
            assert isinstance(item, UnknownItem)
        use(decode_event(Envelope(1, "item/completed", msgspec.Raw(json.dumps({"item": value}).encode()))))

    check()


KNOWN_ITEMS = {kind.__struct_config__.tag for kind in Item.__subclasses__() if kind.__struct_config__.tag}


class _Host:
    """As much of a client and a thread as a turn needs."""

    def __init__(self) -> None:
        self.id = "thread"
        self.model = "model"
        self.client = self
        self.total = None
        self.on_event = None

    def turn_ended(self, stream: Any) -> None: ...

    def interrupt(self, turn_id: str) -> None: ...

    def spawned(self, item: Item) -> None: ...

    def spent(self, usage: Any) -> None: ...

    def settings_told(self, params: Any) -> None: ...

    def heard(self, event: Event) -> None:
        use(event)


def test_turns_by_chance(said: dict[str, list[dict[str, Any]]]) -> None:
    """A stream survives what it reads, and its turn can be shown."""
    turn = next(event["params"]["turnId"] for event in said["threads"] if "turnId" in event["params"])
    real = of_each_method(said["threads"])

    @effort(300)
    @given(st.lists(mutated(st.sampled_from(real) | notifications()), max_size=5), st.booleans())
    def check(events: list[Any], quiet: bool) -> None:
        stream: PromptTurn[Any] = PromptTurn(_Host(), "go", None, Deadline(None), {})  # type: ignore[arg-type]
        stream.id = turn
        stream._quiet = quiet
        stream._take(json.dumps([event for event in events if fits(event)]).encode())
        assert isinstance(stream.turn, Turn)
        assert isinstance(stream.turn._repr_markdown_(), str)
        stream._give_up()

    check()


class _Handle:
    """As much of a client's handle as its readers need: gives batches, keeps answers."""

    def __init__(self, batches: list[bytes]) -> None:
        self.batches = batches
        self.answers: list[str] = []
        #: Ids that are to be answered before it closes: afterwards nobody answers.
        self.asked: set[str] = set()
        self.left = threading.Event()

    def poll(self, most: int, timeout: int) -> bytes | None:
        return self.batches.pop(0) if self.batches else None

    def poll_requests(self, most: int, timeout: int) -> bytes:
        if self.batches:
            return self.batches.pop(0)
        if not self.asked <= set(self.answers):
            time.sleep(0.005)
            return b"[]"
        self.left.set()
        raise CodexError("closed")

    def respond(self, request_id: str, result: Any) -> None:
        self.answers.append(request_id)

    reject = respond

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: None


def test_completions_by_chance(said: dict[str, list[dict[str, Any]]]) -> None:
    """A completion that is not understood keeps nobody from the next one."""
    real = [event for event in said["own"] if event["method"] == "completion"]

    class Ears:
        def heard(self, event: Event) -> None:
            use(event)

    @effort(200)
    @given(st.lists(mutated(st.sampled_from(real)), max_size=3))
    def check(events: list[Any]) -> None:
        ears = Ears()
        last = {"seq": 1, "method": "completion", "params": {"ticket": 12345, "result": {}}}
        batches = [json.dumps([event]).encode() for event in events if fits(event)]
        dispatcher = Dispatcher(_Handle([*batches, json.dumps([last]).encode()]), ears.heard)  # type: ignore[arg-type]
        outcomes: list[Any] = []
        dispatcher._tickets[12345] = outcomes.append
        dispatcher.drain()
        assert outcomes

    check()


def test_requests_by_chance(said: dict[str, list[dict[str, Any]]], caplog: pytest.LogCaptureFixture) -> None:
    """Each request that has an id is answered; none ends the threads that serve them."""
    real = of_each_method(said["requests"])
    tool = Tool("lookup", "x", lambda call: call.arguments)
    asks = st.sampled_from(sorted(protocol.HOST_REQUESTS)).flatmap(
        lambda method: of_kind(getattr(protocol, protocol.HOST_REQUESTS[method][0])).map(
            lambda params: {"seq": 1, "id": "engine-7", "method": method, "params": params}
        )
    )
    caplog.set_level(logging.CRITICAL)

    @effort(200)
    @given(st.lists(mutated(st.sampled_from(real) | asks), max_size=3))
    def check(events: list[Any]) -> None:
        named = [{**event, "id": f"r-{n}"} if "id" in event else event for n, event in enumerate(events) if fits(event)]
        handle = _Handle([json.dumps([event]).encode() for event in named])
        handle.asked = {event["id"] for event in named if "id" in event}
        server = RequestServer(handle, 4, lambda: None, None)  # type: ignore[arg-type]
        server.register(tool)
        assert handle.left.wait(30), handle.asked - set(handle.answers)

    check()


class _Odd:
    """Has no JSON form, and no text."""

    def __str__(self) -> str:
        return "\ud800"


@pytest.mark.parametrize(
    "outcome",
    [
        "\ud800",
        ["\ud800"],
        _Odd(),
        ToolResult(_Odd()),
        ToolResult("x", success=_Odd()),
        10**400,
        OSError("\ud800"),
        SystemExit(1),
    ],  # type: ignore[arg-type]
    ids=["surrogate", "surrogates", "object", "result", "success", "number", "error", "exit"],
)
@pytest.mark.usefixtures("scratch")
def test_a_tool_that_gives_what_has_no_json_is_answered(outcome: Any) -> None:
    """The model would wait for ever otherwise."""

    def handler(call: Any) -> Any:
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    with ScriptedModel([function_call("lookup", {}, call_id="call"), "done"]) as model:
        options: dict[str, Any] = {"config": model.provider_config(), "codex_home": "home", "isolated": True}
        with Codex(**options, skip_git_repo_check=True, tools=[Tool("lookup", "x", handler)]) as codex:
            thread = codex.start_thread(sandbox_mode="danger-full-access")
            assert thread.run("go", timeout=20).final_response == "done"
            assert model.requests[-1].function_outputs["call"]


@pytest.mark.parametrize(
    "arguments",
    [
        '{"a":1e999}',
        '{"a":' + "9" * 5000 + "}",
        '{"a":' + "[" * 3000 + "]" * 3000 + "}",
        '{"a":"\\ud800"}',
        "",
        "[",
        "7",
    ],
    ids=["infinite", "long", "deep", "surrogate", "nothing", "half", "number"],
)
@pytest.mark.usefixtures("scratch")
def test_a_turn_survives_what_a_model_writes(arguments: str) -> None:
    """The engine passes numbers on as they are written, through events, sessions and results."""
    with ScriptedModel([function_call("lookup", arguments, call_id="call"), "done"]) as model:
        options: dict[str, Any] = {"config": model.provider_config(), "codex_home": "home", "isolated": True}
        with Codex(**options, skip_git_repo_check=True, tools=[Tool("lookup", "x", lambda call: "found")]) as codex:
            thread = codex.start_thread(sandbox_mode="danger-full-access")
            turn = thread.run("go", timeout=20)
            assert turn.final_response == "done"
            assert turn._repr_markdown_()
            assert codex.request("thread/read", {"threadId": thread.id, "includeTurns": True})["thread"]["turns"]


@effort(400)
@given(hostile(st.just({"key": 1})) | st.sampled_from(BYTES), st.booleans())
def test_arguments_of_tools_by_chance(arguments: bytes, freeform: bool) -> None:
    params = {"arguments": arguments.decode("utf-8", "replace"), "freeform": freeform}
    try:
        call = invocation(params, ToolContext("t", "u", "c", "lookup"))
    except ArgumentsError:
        return
    assert isinstance(call.arguments, dict)


def test_log_messages_by_chance(said: dict[str, list[dict[str, Any]]], caplog: pytest.LogCaptureFixture) -> None:
    """The thread that reads them goes on, whatever they are."""
    caplog.set_level(logging.CRITICAL)

    @effort(300)
    @given(mutated(st.sampled_from(said["log"][:20])))
    def check(event: Any) -> None:
        if fits(event):
            log._hand_on(json.dumps([event]).encode())

    check()


# ---- options

odd = st.one_of(
    anything,
    any_texts,
    st.binary(max_size=5),
    st.floats(),
    st.sampled_from(
        (object(), _Odd(), 10**400, float("inf"), [[]], {"a": {1, 2}}, (1, 2), Path("\0"), Path("x" * 5000), len)
    ),
)
ALLOWED = (TypeError, ValueError, CodexError)


def refuses(call: Callable[..., Any], **arguments: Any) -> Any:
    """What the call gives, None if it was refused with an error of the right kind."""
    try:
        return call(**arguments)
    except ALLOWED:
        return None
    except FileNotFoundError:
        # Of an image.
        if isinstance(arguments.get("input"), (LocalImage, list, Path)):
            return None
        raise


def some(names: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Some arguments, mostly one: the first that is wrong hides the others."""
    first = next(iter(names))
    return st.sampled_from(sorted(names)).flatmap(
        lambda name: st.fixed_dictionaries({name: names[name]}, optional={first: names[first]} if name != first else {})
    )


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that relative paths are in."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    for name, value in NOWHERE.items():
        monkeypatch.setenv(name, value)
    return tmp_path / "work"


#: No absolute path is made.
relative = odd.map(
    lambda value: (
        value.lstrip("/~") if isinstance(value, str) else value.lstrip(b"/~") if isinstance(value, bytes) else value
    )
)

CLIENT: dict[str, st.SearchStrategy[Any]] = {
    "config": odd | mutated(st.just({"model": "x", "model_reasoning_effort": "low", "features": {"memories": True}})),
    "api_key": odd,
    "approval_timeout": odd,
    "base_url": odd | any_texts.map(lambda rest: f"http://127.0.0.1:9{rest}"),
    "before_start": odd,
    "client_name": odd,
    "codex_home": relative,
    "isolated": odd,
    "max_workers": odd,
    "on_approval": odd,
    "on_event": odd,
    "skip_git_repo_check": odd,
    "trust_project": odd,
    "timeout": odd,
    "tools": odd | st.lists(odd.map(lambda value: Tool(value, value, len)), max_size=1),
    "unheard_of": odd,
}


@pytest.mark.usefixtures("scratch")
def test_options_of_a_client_by_chance() -> None:
    @effort(250)
    @given(some(CLIENT))
    def check(arguments: dict[str, Any]) -> None:
        codex = refuses(Codex, **{"codex_home": "home", "isolated": True, **arguments})
        if codex is not None:
            codex.close()

    check()


THREAD: dict[str, st.SearchStrategy[Any]] = {
    "sandbox_mode": odd | st.sampled_from(("read-only", "workspace-write")),
    "approval_mode": odd | st.sampled_from(("never", "untrusted")),
    "ephemeral": odd,
    "model": odd,
    "on_approval": odd,
    "skip_git_repo_check": odd,
    "trust_project": odd,
    "timeout": odd,
    "tools": odd,
    "unheard_of": odd,
    "working_directory": odd | st.sampled_from(("~nobody-there", "a\0b", "/dev/null", "/proc/self/fd/9999")),
    "workspace_write": odd | st.builds(WorkspaceWrite, odd, odd | st.lists(odd, max_size=2), odd, odd),
}
#: What a turn may change.
SETTINGS = ("sandbox_mode", "approval_mode", "model", "working_directory", "workspace_write")
INPUT = (
    odd
    | st.lists(odd | st.builds(TextInput, odd) | st.builds(LocalImage, odd), max_size=2)
    | st.builds(LocalImage, odd, odd)
    | st.builds(ImageBytes, odd)
    | st.builds(ImageUrl, odd | any_texts.map(lambda rest: f"data:image/{rest}"))
    | st.builds(Mention, odd, odd)
)
RUN: dict[str, st.SearchStrategy[Any]] = {
    "input": INPUT,
    **{name: strategy for name, strategy in THREAD.items() if name in SETTINGS},
    "effort": odd,
    "personality": odd,
    "repair": odd,
    "output_schema": odd | mutated(st.just({"type": "object", "properties": {"a": {"type": "string"}}})),
    "timeout": odd,
    "unheard_of": odd,
}


@pytest.mark.usefixtures("scratch")
def test_options_of_threads_and_turns_by_chance() -> None:
    with ScriptedModel(default="done") as model:
        options: dict[str, Any] = {"config": model.provider_config(), "codex_home": "home", "isolated": True}
        with Codex(**options, skip_git_repo_check=True) as codex:

            @effort(250)
            @given(some(THREAD))
            def check_thread(arguments: dict[str, Any]) -> None:
                thread = refuses(codex.start_thread, **arguments)
                if thread is not None:
                    thread.close()

            thread = codex.start_thread(sandbox_mode="read-only")
            ends: set[str | None] = set()

            @effort(250)
            @given(some(RUN))
            def check_turn(arguments: dict[str, Any]) -> None:
                turn = refuses(thread.run, **{"input": "go", "timeout": 20, **arguments})
                ends.add(turn and turn.status)

            @effort(100)
            @given(odd | texts, odd)
            def check_request(method: Any, params: Any) -> None:
                refuses(codex.request, method=method, params=params)

            check_thread()
            check_turn()
            assert ends == {None, "completed"}, "refused, or done"
            check_request()


ENGINE_LOG = logging.getLogger("codex_cffi.engine")


@effort(200)
@given(odd | st.sampled_from(("off", "warning,a.b=debug", "=info", "a=b=info")))
def test_log_levels_by_chance(level: Any) -> None:
    log.set_level("off")
    off = ENGINE_LOG.level
    try:
        log.set_level(level)
    except (TypeError, ValueError):
        assert ENGINE_LOG.level == off, "what is refused changes nothing"
    finally:
        log.set_level("off")
