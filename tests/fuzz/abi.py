"""Every function of the C ABI in random order, with random arguments, from several threads, against a real engine.

test_fuzz.py runs it in a process of its own, since what it looks for may end the process. By hand, ten times as long and by chance:

    CODEX_FUZZ=10 python tests/fuzz/abi.py SCRATCH

The calls that were made are in SCRATCH/journal, the last ones being what a crash came from.
"""

from __future__ import annotations

import faulthandler
import json
import re
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

if __name__ == "__main__":  # as a program: the tests' folder and the checkout
    sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from codex_cffi import _capi, protocol
from codex_cffi.testing import ScriptedModel, failed, function_call, shell, stall, text
from fuzz.values import any_texts, effort, hostile, of_kind, texts
from support.c_programs import Function, constants, functions

ffi, lib = _capi.ffi, _capi.lib
OK, INVALID_ARGUMENT, TIMEOUT, PANIC = 0, 1, 8, 9

#: Longer than anything takes that ends at all, milliseconds.
PATIENCE = 20_000
#: Handles of a kind that are kept at a time.
MOST = {"codex_client": 2, "codex_thread": 6, "codex_call": 6, "codex_buf": 6, "codex_error": 6}

# ---- what texts are made of

#: Methods that do nothing but read, or change nothing outside of the codex home. The others get parameters that never fit: the test must not run
#: commands, write files elsewhere or call other hosts.
HARMLESS = (
    "account/read",
    "collaborationMode/list",
    "config/read",
    "configRequirements/read",
    "experimentalFeature/list",
    "hooks/list",
    "model/list",
    "permissionProfile/list",
    "review/start",
    "skills/list",
    "thread/archive",
    "thread/compact/start",
    "thread/fork",
    "thread/goal/clear",
    "thread/goal/get",
    "thread/items/list",
    "thread/list",
    "thread/loaded/list",
    "thread/metadata/update",
    "thread/name/set",
    "thread/read",
    "thread/resume",
    "thread/rollback",
    "thread/search",
    "thread/start",
    "thread/turns/list",
    "thread/unarchive",
    "thread/unsubscribe",
    "turn/interrupt",
    "turn/start",
    "turn/steer",
)
#: What the user says, and what the model answers to it.
SAYS: dict[str, Callable[[], Any]] = {
    "text": lambda: "done",
    "stall": lambda: [text("hm"), stall()],
    "tool": lambda: function_call("lookup", {"key": "x"}),
    "shell": lambda: shell("true"),
    "failed": lambda: failed("invalid_prompt", "no"),
}
START = {"cwd": "$CWD", "sandbox": "read-only", "approvalPolicy": "untrusted"}
TURN = {"threadId": "$THREAD", "input": [{"type": "text", "text": "text"}]}
#: Parameters that fit, by method; what they do not name is made from the method's type.
FITTING: dict[str, Any] = {
    "review/start": {"threadId": "$THREAD", "target": {"type": "custom", "instructions": "text"}},
    "thread/fork": {"threadId": "$THREAD"},
    "thread/resume": {"threadId": "$THREAD"},
    "thread/start": START,
    "turn/interrupt": {"threadId": "$THREAD", "turnId": "$TURN"},
    "turn/start": TURN,
    "turn/steer": {"threadId": "$THREAD", "expectedTurnId": "$TURN", "input": TURN["input"]},
}
HOOK = {"id": "h", "event": "PreToolUse", "matcher": "Bash", "timeout_ms": 1}
TOOL = {
    "name": "lookup",
    "description": "Looks up.",
    "parameters": {"type": "object", "properties": {"key": {"type": "string"}}, "required": ["key"]},
    "strict": False,
    "parallel": True,
    "namespace": "group",
    "thread_id": "$THREAD",
}
#: Everything but "codex_home" (see HOMES) and "test_hooks" (a panic is what is looked for).
CONFIG = {
    "helper": "$HELPER",
    "config": "$PROVIDER",
    "isolated": True,
    "api_key": "sk-fuzz",
    "openai_api_key_env": False,
    "client_name": "fuzz",
    "client_version": "1",
    "session_source": "exec",
    "queue_bytes": 65536,
}
HOMES = (
    "$CWD/home",
    "$CWD/a file/home",
    "$CWD/a file",
    "$CWD/" + "x" * 300,
    "$CWD/a\0b",
    7,
    None,
    "",
)


def _params(method: str) -> st.SearchStrategy[bytes]:
    if method not in HARMLESS:
        # A number is the parameters of no method.
        return st.sampled_from((b"7", b"true", b'"text"', b"1e400", b"[[", b"\xff"))
    if method in FITTING:
        fitting = FITTING[method]
        inputs = st.sampled_from(tuple(SAYS)).map(lambda says: [{"type": "text", "text": says}])
        said = inputs.map(lambda input: {**fitting, **({"input": input} if "input" in fitting else {})})
        return hostile(said)
    kind = of_kind(getattr(protocol, protocol.REQUESTS[method][0]))
    placed = kind.map(lambda value: {**value, "threadId": "$THREAD"} if "threadId" in value else value)
    return hostile(placed) | st.sampled_from((b"", b"null", b"{}"))


@st.composite
def _requests(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A method and its parameters."""
    kind = draw(st.integers(0, 9))
    if kind == 0:
        return draw(any_texts).encode("utf-8", "surrogatepass"), draw(hostile(st.just({})))
    method = draw(st.sampled_from(HARMLESS if kind > 1 else (*protocol.REQUESTS, "capi/panic", "initialize")))
    return method.encode(), draw(_params(method))


_ids = st.sampled_from((b"$REQUEST",) * 4 + (b'"host-1"', b'"engine-0"', b"1", b'""', b"null")) | hostile(texts)
_config = st.builds(lambda config, home: {**config, "codex_home": home}, st.just(CONFIG), st.sampled_from(HOMES))
_answers = st.sampled_from(
    (
        {
            "content": [{"type": "inputText", "text": "x"}, {"type": "inputImage", "imageUrl": "data:,x"}],
            "success": True,
        },
        {"action": "pass"},
        {"action": "reply", "content": [], "success": False},
        {"action": "call", "arguments": {"cmd": "true"}},
        {"action": "call"},
        {"decision": "accept"},
        {"decision": "decline"},
    )
)
_patterns = st.sampled_from(("*", "exec*", "exec_command", "shell", "a::*", "**", "", "*x")) | any_texts
_filters = st.sampled_from(("off", "trace", "codex_core=debug,warn", "=info", "a=b=c", ",", "codex=")) | any_texts


def _utf8(values: st.SearchStrategy[str]) -> st.SearchStrategy[bytes]:
    return values.map(lambda value: value.encode("utf-8", "surrogatepass")) | st.binary(max_size=20)


#: What goes into the texts of a function, by the name of the parameter in the header.
INPUTS: dict[str, st.SearchStrategy[bytes]] = {
    "config": hostile(_config),
    "filter": _utf8(_filters),
    "id": _ids | st.just(HOOK["id"].encode()),
    "message": _utf8(any_texts),
    "pattern": _utf8(_patterns),
    "result": hostile(_answers),
    "spec": hostile(st.just(TOOL) | st.just({"name": "lookup", "description": "x"}) | st.just(HOOK)),
    "thread_id": st.sampled_from((b"$THREAD", b"thread")) | _utf8(any_texts),
    "tool": hostile(
        st.just({"name": "lookup"}) | st.just({key: TOOL[key] for key in ("name", "namespace", "thread_id")})
    ),
}

# ---- functions

_HANDLE = re.compile(r"(?:const )?(codex_client|codex_thread|codex_call|codex_buf|codex_error) \*")
_OUTPUT = re.compile(r"(codex_(?:client|thread|call|buf|error) \*|uint64_t |int64_t |size_t )\*")


@dataclass(frozen=True)
class Parameter:
    """A parameter of the header; `kind` says where its argument comes from."""

    type: str
    name: str
    kind: str


@dataclass(frozen=True)
class Callee:
    """A function of the header and how to call it."""

    function: Function
    parameters: list[Parameter]
    statuses: frozenset[int]
    #: Whether it gives a status.
    can_fail: bool

    @property
    def name(self) -> str:
        return self.function.name

    @property
    def ends(self) -> str | None:
        """The kind of handle that it frees."""
        return self.parameters[0].type.removesuffix(" *") if self.name.endswith("_free") else None

    @property
    def polls(self) -> bool:
        return any(parameter.kind == "count" for parameter in self.parameters)


def _kind(declared: str, name: str) -> str:
    known = {
        ("const char *", name): "text" if name in INPUTS else name,
        ("size_t ", f"{name.removesuffix('_len')}_len"): "length",
        ("int64_t ", "timeout_ms"): "timeout",
        ("uint32_t ", "max_events"): "count",
        ("int32_t ", "accept"): "flag",
        ("uint64_t *", "ids"): "array",
        ("size_t ", "capacity"): "capacity",
        ("codex_tool_callback ", "callback"): "nothing",
        ("void *", "user_data"): "nothing",
        ("codex_error **", "error"): "error",
    }
    if (declared, name) in known:
        return known[declared, name]
    if _HANDLE.fullmatch(declared):
        return "handle"
    if _OUTPUT.fullmatch(declared):
        return "output"
    raise NotImplementedError(f"there are no values for a parameter '{declared}{name}'; give it some here")


def _callee(function: Function) -> Callee:
    numbers = constants()
    inside = function.prototype[function.prototype.index("(") + 1 : -1]
    parameters = []
    for part in inside.split(", ") if inside != "void" else []:
        match = re.fullmatch(r"(.*?[ *])(\w+)", part)
        assert match is not None, part
        parameters.append(Parameter(match[1], match[2], _kind(match[1], match[2])))
    statuses = frozenset(numbers[name] for name in function.errors) | {OK}
    return Callee(function, parameters, statuses, "codex_error **error" in inside)


CALLEES = {function.name: _callee(function) for function in functions()}
#: What accessors give for NULL.
NULLS: dict[str, Any] = {
    "codex_thread_key": 0,
    "codex_buf_data": None,
    "codex_buf_len": 0,
    "codex_error_code": OK,
    "codex_error_name": b"CODEX_STATUS_OK",
    "codex_error_message": b"",
    "codex_error_detail": b"null",
    "codex_error_retriable": 0,
}


@dataclass(frozen=True)
class Step:
    """A call that is to be made: which of the handles, which text, how long."""

    name: str
    handle: int = 0
    null: str | None = None
    texts: dict[str, bytes] = field(default_factory=dict)
    timeout: int = 0
    number: int = 1
    with_error: bool = True


_timeouts = st.sampled_from((0, 0, 0, 1, 10, 10, -1, -(2**63), 2**63 - 1, 2**40))


@st.composite
def steps(draw: st.DrawFn, names: tuple[str, ...] = tuple(CALLEES)) -> Step:
    """A call of any of these functions."""
    callee = CALLEES[draw(st.sampled_from(names))]
    given: dict[str, bytes] = {}
    kinds = [parameter.kind for parameter in callee.parameters]
    if "method" in kinds:
        given["method"], given["params"] = draw(_requests())
    for parameter in callee.parameters:
        if parameter.kind == "text":
            given[parameter.name] = draw(INPUTS[parameter.name])
    pointers = [
        p.name for p in callee.parameters if p.kind in ("handle", "text", "output", "array", "method", "params")
    ]
    return Step(
        callee.name,
        handle=draw(st.integers(0, 5)),
        null=draw(st.sampled_from(pointers)) if pointers and draw(st.integers(0, 9)) == 0 else None,
        texts=given,
        timeout=draw(_timeouts) if "timeout" in kinds else 0,
        number=draw(st.sampled_from((0, 1, 2, 64, 2**31 - 1))),
        with_error=draw(st.integers(0, 4)) > 0,
    )


# ---- the world


class World:
    """The handles of one run, and the calls."""

    def __init__(self, scratch: Path, model: ScriptedModel, journal: Any) -> None:
        self.scratch, self.model, self.journal = scratch, model, journal
        self.lock = threading.Lock()
        self.handles: dict[str, list[Any]] = {kind: [] for kind in MOST}
        self.closed: set[int] = set()
        self.methods: dict[int, bytes] = {}
        self.places = {
            b'"$PROVIDER"': json.dumps(model.provider_config()).encode(),
            b"$HELPER": str(_capi.helper_path()).encode(),
            b"$CWD": str(scratch).encode(),
        }
        self.names = {b"$THREAD": b"none", b"$TURN": b"none", b"$REQUEST": b'"none"'}
        self.failures: list[str] = []
        self.counts: Counter[tuple[str, int]] = Counter()

    def fill_in(self, given: bytes) -> bytes:
        """A text with the names of what is there."""
        for name, value in {**self.names, **self.places}.items():
            given = given.replace(name, value)
        for home in re.findall(rb'"codex_home"\s*:\s*"([^"]*)', given):
            # No mutation may make a folder elsewhere.
            if not home.startswith(self.places[b"$CWD"]) and home[:1] in (b"/", b"\\", b"."):
                return b"{}"
        return given

    def learn(self, batch: bytes) -> None:
        """Keeps the names that events and results tell."""
        for name, pattern in (
            (b"$THREAD", rb'"thread":\{[^{}]*?"id":"([^"]+)"'),
            (b"$TURN", rb'"turn":\{[^{}]*?"id":"([^"]+)"'),
        ):
            found = re.search(pattern, batch)
            if found:
                self.names[name] = found[1]
        found = re.search(rb'"id":("(?:host|engine)-[^"]*")', batch)
        if found:
            self.names[b"$REQUEST"] = found[1]

    def count(self, name: str, status: int) -> None:
        with self.lock:
            self.counts[name, status] += 1

    def check(self, condition: bool, step: Step, what: str) -> None:
        if not condition:
            with self.lock:
                self.failures.append(f"{what}: {step}")

    # -- calls

    def run(self, step: Step) -> None:
        """Makes a call. One that waits for ever is woken, or has an end of its own."""
        callee = CALLEES[step.name]
        if not callee.polls or 0 <= step.timeout < 1000:
            self.call(step)
            return
        waiting = threading.Thread(target=self.call, args=(step,))
        waiting.start()
        deadline = time.monotonic() + PATIENCE / 1000
        while waiting.is_alive():
            self.wake()
            waiting.join(0.002)
            assert time.monotonic() < deadline, f"it was not woken: {step}"

    def wake(self) -> None:
        lib.codex_log_wake(ffi.NULL)
        for client in list(self.handles["codex_client"]):
            lib.codex_client_wake(client, ffi.NULL)
        for thread in list(self.handles["codex_thread"]):
            lib.codex_thread_wake(thread, ffi.NULL)

    def call(self, step: Step) -> None:
        try:
            self._call(step)
        except Exception as error:
            self.check(False, step, f"{type(error).__name__}: {error}")

    def _call(self, step: Step) -> None:
        callee = CALLEES[step.name]
        with self.lock:
            print(step, file=self.journal, flush=True)
        arguments: list[Any] = []
        handle: Any = ffi.NULL
        output = error = None
        text: bytes | None = None
        missing = False
        for parameter in callee.parameters:
            null = step.null == parameter.name
            match parameter.kind:
                case "handle":
                    pool = list(self.handles[parameter.type.replace("const ", "").removesuffix(" *")])
                    handle = ffi.NULL if null or not pool else pool[step.handle % len(pool)]
                    arguments.append(handle)
                    missing |= handle == ffi.NULL and callee.can_fail
                case "text" | "method" | "params":
                    text = self.fill_in(step.texts[parameter.name])
                    arguments.append(ffi.NULL if null else text)
                    missing |= null and len(text) > 0
                case "length":
                    assert text is not None
                    arguments.append(len(text))
                case "timeout":
                    arguments.append(self.timeout(step, handle))
                case "count" | "flag":
                    arguments.append(step.number)
                case "array":
                    capacity = min(step.number, 64)
                    array = ffi.NULL if null or not capacity else ffi.new("uint64_t[]", capacity)
                    arguments.append(array)
                    missing |= array == ffi.NULL and capacity > 0
                case "capacity":
                    arguments.append(min(step.number, 64))
                case "nothing":
                    arguments.append(ffi.NULL)
                case "output":
                    output = None if null else _poisoned(parameter.type)
                    arguments.append(ffi.NULL if output is None else output)
                    missing |= output is None
                case "error":
                    error = _poisoned("codex_error **") if step.with_error else None
                    arguments.append(ffi.NULL if error is None else error)
        result = getattr(lib, step.name)(*arguments)
        self.count(step.name, result if callee.can_fail else OK)
        if not callee.can_fail:
            self.accessed(step, handle, result)
            return
        self.check(result in callee.statuses and result != PANIC, step, f"status {result}")
        self.check(not missing or result != OK, step, "something is NULL")
        long = step.timeout < 0 or step.timeout >= PATIENCE
        self.check(not (result == TIMEOUT and long and self.timeout(step, handle) == step.timeout), step, "no answer")
        if error is not None:
            self.failed(step, result, error[0])
        if output is not None:
            self.put_out(step, result, output, handle)
        if step.name == "codex_client_close" and result != INVALID_ARGUMENT:
            self.closed.add(int(ffi.cast("intptr_t", handle)))

    def timeout(self, step: Step, handle: Any) -> int:
        """For ever only where there must be an answer."""
        forever = step.timeout < 0 or step.timeout > PATIENCE
        method = step.texts.get("method", self.methods.get(_address(handle), b""))
        # The engine may leave an interruption unanswered if its turn has ended.
        if forever and (method == b"turn/interrupt" or step.name == "codex_call_wait"):
            return 50
        return step.timeout

    def accessed(self, step: Step, handle: Any, result: Any) -> None:
        """Looks at what a function gave that cannot fail."""
        if step.name.endswith("_free"):
            return
        if isinstance(result, ffi.CData):
            result = None if result == ffi.NULL else ffi.string(result) if step.name != "codex_buf_data" else b""
        if handle == ffi.NULL and step.name in NULLS:
            self.check(result == NULLS[step.name], step, f"NULL gave {result!r}")
        if isinstance(result, bytes):
            result.decode()
            if step.name == "codex_error_detail":
                json.loads(result)

    def failed(self, step: Step, status: int, error: Any) -> None:
        """Holds an error against the status."""
        if status == OK or error == ffi.NULL:
            self.check(status == OK and error == ffi.NULL, step, f"status {status} with error {error}")
            return
        self.check(lib.codex_error_code(error) == status, step, "the error has another code")
        self.check(len(ffi.string(lib.codex_error_message(error)).decode()) > 0, step, "the error says nothing")
        json.loads(ffi.string(lib.codex_error_detail(error)))
        self.keep("codex_error", error, lib.codex_error_free)

    def put_out(self, step: Step, status: int, output: Any, handle: Any) -> None:
        """Keeps or frees what a function gave."""
        kind = ffi.typeof(output).item.cname
        value = output[0]
        if status != OK:
            nothing = (
                -1
                if kind in ("int64_t", "long") and step.name.endswith("doorbell")
                else ffi.NULL
                if kind.endswith("*")
                else 0
            )
            self.check(value == nothing, step, f"status {status} with {value}")
            return
        if not kind.endswith("*"):
            return
        if value == ffi.NULL:
            self.check(CALLEES[step.name].polls, step, "success with nothing")
            return
        kind = kind.removeprefix("struct ").removesuffix(" *")
        if kind == "codex_buf":
            content = bytes(ffi.buffer(lib.codex_buf_data(value), lib.codex_buf_len(value)))
            events = json.loads(content)
            if CALLEES[step.name].polls:
                sequence = [event["seq"] for event in events]
                self.check(sequence == sorted(set(sequence)) and bool(events), step, f"seq {sequence}")
            self.learn(content)
        if kind == "codex_call":
            self.methods[_address(value)] = step.texts["method"]
        self.keep(kind, value, getattr(lib, f"{kind}_free"))

    def keep(self, kind: str, handle: Any, free: Any) -> None:
        with self.lock:
            keep = len(self.handles[kind]) < MOST[kind]
            if keep:
                self.handles[kind].append(handle)
        if not keep:
            free(handle)

    # -- what has to succeed, and ends

    def open(self) -> None:
        """A client that works, with a tool and a thread."""
        options = {
            "helper": str(_capi.helper_path()),
            "codex_home": str(self.scratch / "home"),
            "isolated": True,
            "queue_bytes": 65536,
            "config": self.model.provider_config(),
        }
        self.call(Step("codex_client_open", texts={"config": json.dumps(options).encode()}))
        newest = len(self.handles["codex_client"]) - 1
        self.call(Step("codex_client_accept_requests", newest))
        self.call(Step("codex_tool_register", newest, texts={"spec": b'{"name":"lookup","description":"x"}'}))
        self.call(Step("codex_client_call", newest, texts=_request("thread/start", START), timeout=PATIENCE))
        self.call(Step("codex_thread_open", newest, texts={"thread_id": b"$THREAD"}))

    def free(self, kind: str, index: int) -> None:
        """Nobody else is in a call."""
        pool = self.handles[kind]
        handle = pool.pop(index % len(pool)) if pool else ffi.NULL
        print(f"free {kind} {index}", file=self.journal, flush=True)
        self.count(f"{kind}_free", OK)
        self.closed.discard(_address(handle))
        self.methods.pop(_address(handle), None)
        getattr(lib, f"{kind}_free")(handle)

    def end(self, close: bool) -> None:
        if close:
            for index in range(len(self.handles["codex_client"])):
                self.call(Step("codex_client_close", index, timeout=PATIENCE))
        for kind in ("codex_client", "codex_thread", "codex_call", "codex_buf", "codex_error"):
            while self.handles[kind]:
                self.free(kind, 0)


def _request(method: str, params: Any) -> dict[str, bytes]:
    return {"method": method.encode(), "params": json.dumps(params).encode()}


def _address(handle: Any) -> int:
    return int(ffi.cast("intptr_t", handle))


def _poisoned(kind: str) -> Any:
    """Room for an output parameter that holds garbage."""
    slot = ffi.new(kind)
    size = ffi.sizeof(ffi.typeof(slot).item)
    ffi.memmove(slot, b"\x5a" * size, size)
    return slot


# ---- the machine

_FREES = tuple(name for name, callee in CALLEES.items() if callee.ends)
_OTHERS = tuple(name for name, callee in CALLEES.items() if not callee.ends and name != "codex_client_close")


class Machine(RuleBasedStateMachine):
    """Random calls; every one of them keeps the header's promises."""

    make: Callable[[], World]
    total: Counter[tuple[str, int]]

    def __init__(self) -> None:
        super().__init__()
        self.world = type(self).make()
        print("begin", file=self.world.journal, flush=True)

    @initialize(open=st.booleans())
    def begin(self, open: bool) -> None:
        if open:
            self.world.open()

    @rule()
    def open(self) -> None:
        if len(self.world.handles["codex_client"]) == MOST["codex_client"]:
            self.world.free("codex_client", 0)
        self.world.open()

    @rule(says=st.sampled_from(tuple(SAYS)), client=st.integers(0, 5))
    def turn(self, says: str, client: int) -> None:
        params = {**TURN, "input": [{"type": "text", "text": says}]}
        self.world.run(Step("codex_client_call", client, texts=_request("turn/start", params), timeout=PATIENCE))
        for poll in ("codex_client_poll_requests", "codex_thread_poll"):
            self.world.run(Step(poll, client, timeout=20, number=64))

    @rule(steps=st.lists(steps(_OTHERS), min_size=1, max_size=6))
    def alone(self, steps: list[Step]) -> None:
        for step in steps:
            self.world.run(step)

    @rule(
        each=st.lists(st.lists(steps((*_OTHERS, "codex_client_close")), min_size=1, max_size=6), min_size=2, max_size=4)
    )
    def together(self, each: list[list[Step]]) -> None:
        threads = [
            threading.Thread(target=lambda steps=steps: [self.world.run(step) for step in steps]) for steps in each
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    @rule(step=steps(("codex_client_close",)))
    def close(self, step: Step) -> None:
        self.world.run(step)

    @rule(name=st.sampled_from(_FREES), index=st.integers(0, 5))
    def free(self, name: str, index: int) -> None:
        self.world.free(str(CALLEES[name].ends), index)

    @invariant()
    def nothing_is_wrong(self) -> None:
        assert not self.world.failures, "\n".join(self.world.failures)

    def teardown(self) -> None:
        self.world.end(close=bool(self.world.handles["codex_buf"]))  # some are freed open
        self.total.update(self.world.counts)
        assert not self.world.failures, "\n".join(self.world.failures)


def answer(request: Any) -> Any:
    """The model does what it is told."""
    if request.function_outputs:
        return "done"
    said = request.user_texts[-1] if request.user_texts else "text"
    return SAYS.get(said, SAYS["text"])()


def main(scratch: Path) -> None:
    faulthandler.enable()
    (scratch / "a file").write_text("")
    with ScriptedModel(default=answer) as model, (scratch / "journal").open("w") as journal:
        Machine.make = lambda: World(scratch, model, journal)
        Machine.total = Counter()
        # Each function at least once: on nothing, and on what chance may have left out.
        world = Machine.make()
        for name, callee in CALLEES.items():
            if callee.ends:
                world.free(callee.ends, 0)
            else:
                world.call(Step(name, texts=dict.fromkeys((*INPUTS, "method", "params"), b"{}")))
        assert not world.failures, world.failures
        Machine.total.update(world.counts)
        # Found with several threads, a failure seldom shrinks; the journal says more.
        run_state_machine_as_test(Machine, settings=settings(effort(25, 20), phases=[Phase.generate]))
    for (name, status), count in sorted(Machine.total.items()):
        print(name, status, count)


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
