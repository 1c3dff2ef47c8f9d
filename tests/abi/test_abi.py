"""What the header promises, held against the library by a C program (`c/abi.c`), one case per process."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from codex_cffi.testing import ScriptedModel, apply_patch, function_call, shell, stall, text
from support import need
from support.c_programs import COMPILERS, LEAK_EXIT_CODE, compile_program, constants, functions, run_program

WAYS = ["gcc-c11", "gcc-sanitized"]
LEAKS = ["leaked_buffer", "leaked_error", "leaked_call", "leaked_thread"]


@dataclass
class Case:
    """What the model says in a case, and what is to be seen of it afterwards."""

    script: list[Any] = field(default_factory=list)
    default: Any = None
    check: Callable[[ScriptedModel], object] = lambda model: None


def lookup(call_id: str = "call", **arguments: object) -> Any:
    return function_call("lookup", arguments, call_id=call_id)


def outputs(**expected: str) -> Callable[[ScriptedModel], object]:
    def check(model: ScriptedModel) -> None:
        for call_id, output in expected.items():
            model.assert_tool_output(call_id, contains=output)
        model.assert_done()

    return check


def one_of_two_was_served(model: ScriptedModel) -> None:
    """Calls of one response run in no particular order."""
    results = sorted(model.requests[-1].function_outputs.values())
    assert results == ["found", "tool lookup is no longer available"]


ANSWERS_NOT = "the host program does not answer tool calls"

CASES = {
    "accessors_of_null": Case(),
    "log": Case(),
    "null_arguments": Case(),
    "inputs_too_large_or_not_text": Case(),
    "options_refused": Case(),
    "config_file_refused": Case(),
    "requests_refused": Case(),
    "answers_refused": Case(),
    "tools_refused": Case(),
    "thread_opened_twice": Case(["done"]),
    "closed": Case(),
    "panicked": Case(),
    "forked": Case(),
    "forked_with_the_same_pid": Case(),
    "forked_before_open": Case(),
    "freed_open": Case([[text("hm"), stall()]]),
    # The turn may be interrupted before it asked.
    "handles_outlive_client": Case(default=[text("hm"), stall()]),
    "timeouts": Case(),
    "blocked_polls": Case(),
    "many_pollers": Case(),
    "doorbell": Case([lookup(), "done"], check=outputs(call="not now")),
    "gap": Case([text("x" * 204_800 + "y", deltas=200)]),
    "tool_called": Case(
        [lookup("answered", key=1), lookup("refused"), lookup("unusable"), "done"],
        check=outputs(answered="found", refused="refused by the host", unusable="malformed"),
    ),
    "approvals": Case(
        [shell("touch accepted", call_id="accepted"), shell("touch declined", call_id="declined"), "done"],
        check=outputs(declined="rejected"),
    ),
    "requests_denied": Case(
        [
            lookup("tool"),
            shell("touch declined", call_id="approval"),
            apply_patch("*** Begin Patch\n*** Add File: patched\n+x\n*** End Patch", call_id="patch"),
            "done",
        ],
        check=outputs(tool=ANSWERS_NOT, approval="rejected", patch="intercepts this tool but does not answer"),
    ),
    "requests_withdrawn": Case(
        [lookup("a"), "done", lookup("b"), lookup("c")], check=outputs(a="the host stopped answering requests")
    ),
    "interrupted_at_once": Case(default=[text("hm"), stall()]),
    "intercepted": Case(
        [
            shell("echo passed", call_id="passed"),
            shell("touch replied", call_id="replied"),
            shell("echo original", call_id="changed"),
            shell("echo own", call_id="own"),
            shell("touch rejected", call_id="rejected"),
            shell("touch unusable", call_id="unusable"),
            shell("echo taken back", call_id="late"),
            "done",
        ],
        check=outputs(
            passed="passed",
            replied="the host's reply",
            changed="seen by the host",
            own="own",
            rejected="refused by the host",
            unusable="no usable answer",
            late="taken back",
        ),
    ),
    "callbacks": Case(
        [function_call(name, call_id=name) for name in ("at_once", "failing", "later", "itself")] + ["done"],
        check=outputs(at_once="found", failing="status 42", later="found", itself="found"),
    ),
    "unregister_waits": Case([[lookup("one"), lookup("other")], "done"], check=one_of_two_was_served),
    "close_waits_for_callback": Case(default=lambda request: stall() if request.function_outputs else lookup()),
    "closed_in_callback": Case([lookup()]),
    "no_bubblewrap": Case([shell("echo > unsandboxed"), "done"]),
    "sandboxed": Case([shell("echo > sandboxed", call_id="call"), "done"], check=outputs(call="Read-only file system")),
    **{leak: Case() for leak in LEAKS},
}

#: Makes a program the first process of a pid namespace, which may make others.
FIRST_PROCESS = [
    "unshare",
    *([] if os.geteuid() == 0 else ["--user", "--map-root-user"]),
    "--pid",
    "--fork",
    "--mount-proc",
]

#: What a function documents and no case can bring about from outside.
OUT_OF_REACH = {
    "CODEX_STATUS_IO": "codex_client_doorbell: out of descriptors",
    "CODEX_STATUS_UNSUPPORTED": "no platform without a doorbell is tested here",
    "CODEX_STATUS_OVERLOADED": "65,536 requests at once",
}
OUT_OF_REACH_PAIRS = {
    ("codex_client_open", "CODEX_STATUS_PANIC"),
    ("codex_call_wait", "CODEX_STATUS_PANIC"),  # a panic of the engine while it works on a request
    ("codex_call_wait", "CODEX_STATUS_UNKNOWN_METHOD"),  # a method that the protocol has and the engine does not
    ("codex_client_close", "CODEX_STATUS_PANIC"),
    # Reading, waking and closing go on after a panic; only one of their own would be told.
    ("codex_client_poll", "CODEX_STATUS_PANIC"),
    ("codex_client_poll_requests", "CODEX_STATUS_PANIC"),
    ("codex_client_ready", "CODEX_STATUS_PANIC"),
    ("codex_client_wake", "CODEX_STATUS_PANIC"),
    ("codex_thread_poll", "CODEX_STATUS_PANIC"),
    ("codex_thread_wake", "CODEX_STATUS_PANIC"),
    ("codex_thread_close", "CODEX_STATUS_PANIC"),
    ("codex_log_filter", "CODEX_STATUS_PANIC"),
    ("codex_log_poll", "CODEX_STATUS_PANIC"),
    ("codex_log_wake", "CODEX_STATUS_PANIC"),
}

Done = subprocess.CompletedProcess[str]
RunCase = Callable[[str, str], Done]


@pytest.fixture(scope="module")
def abi(library: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The program, compiled on first use."""
    programs: dict[str, Path] = {}

    def compiled(how: str) -> Path:
        if how not in programs:
            programs[how] = compile_program("abi", how, library, tmp_path_factory.mktemp("abi"))
        return programs[how]

    return compiled


@pytest.fixture(scope="module")
def run_case(abi: Callable[[str], Path], helper: Path, tmp_path_factory: pytest.TempPathFactory) -> RunCase:
    """Runs a case once, however often it is asked for."""
    results: dict[tuple[str, str], Done] = {}

    def run(name: str, how: str) -> Done:
        if (name, how) not in results:
            case = CASES[name]
            if name == "sandboxed":
                need("bwrap", "bubblewrap")
            program = abi(how)
            scratch = tmp_path_factory.mktemp(name)
            with ScriptedModel(case.script, default=case.default) as model:
                provider = json.dumps(model.provider_config())
                enter = FIRST_PROCESS if name == "forked_with_the_same_pid" else []
                done = run_program(*enter, program, name, scratch, helper, provider, cwd=scratch)
                if done.returncode == 0:
                    case.check(model)
            results[name, how] = done
        return results[name, how]

    return run


def seen(done: Done) -> set[tuple[str, str]]:
    """The failures that a case brought about: function and status."""
    return {(line.split()[1], line.split()[2]) for line in done.stdout.splitlines() if line.startswith("saw ")}


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("name", [name for name in CASES if name not in LEAKS])
def test_case(name: str, how: str, run_case: RunCase) -> None:
    done = run_case(name, how)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("passed\n")
    # The library prints nothing; the one exception is Rust's own message about a panic.
    if name == "panicked":
        assert "capi/panic was called" in done.stderr
    else:
        assert done.stderr == ""


def test_every_case_is_run(abi: Callable[[str], Path]) -> None:
    listed = subprocess.run([abi("gcc-c11"), "--list"], capture_output=True, text=True, check=True).stdout.split()
    assert listed == list(CASES)


@pytest.mark.parametrize("how", [how for how in COMPILERS if how not in WAYS])
def test_it_compiles_elsewhere(how: str, abi: Callable[[str], Path]) -> None:
    abi(how)


@pytest.mark.parametrize("leak", LEAKS)
def test_a_leak_would_be_caught(leak: str, run_case: RunCase) -> None:
    assert run_case(leak, "gcc-c11").returncode == 0
    done = run_case(leak, "gcc-sanitized")
    assert done.returncode == LEAK_EXIT_CODE, done.stderr
    assert "LeakSanitizer: detected memory leaks" in done.stderr
    assert "libcodex_capi" in done.stderr


def test_the_failures_are_those_that_the_header_documents(run_case: RunCase) -> None:
    documented = {(function.name, status) for function in functions() for status in function.errors}
    brought_about = {pair for name in CASES if name not in LEAKS for pair in seen(run_case(name, "gcc-c11"))}
    assert brought_about - documented == set()
    missing = {(name, status) for name, status in documented - brought_about if status not in OUT_OF_REACH}
    assert missing == OUT_OF_REACH_PAIRS
    # Every status has been seen somewhere, or there is a reason.
    statuses = {name for name in constants() if name.startswith("CODEX_STATUS_")} - {"CODEX_STATUS_OK"}
    assert statuses - {status for _, status in brought_about} == set(OUT_OF_REACH) - {"CODEX_STATUS_IO"}
