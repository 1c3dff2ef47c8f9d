"""Faults of the program that embeds the engine."""

from __future__ import annotations

import contextlib
from typing import Any

from fault_world import HANGS, Table, World

import codex_cffi
from codex_cffi import (
    AlreadyExistsError,
    BatchCancelledError,
    ClosedError,
    CodexError,
    CodexTimeoutError,
    EngineError,
    ForkedError,
    HandoffLimitError,
    InvalidArgumentError,
    InvalidJsonError,
    LoginRequiredError,
    NotFoundError,
    OutputSchemaError,
    TooLargeError,
    Turn,
    UnknownMethodError,
)
from codex_cffi.testing import (
    function_call,
    stall,
    text,
)

table = Table()


@table.fault(
    "`timeout` is up",
    CodexTimeoutError,
    "`error.turn` is the turn so far, which was stopped",
    retriable=True,
)
def out_of_time(world: World) -> Any:
    return world.thread([text("so far"), stall()]).run("go", timeout=1)


@table.fault("`interrupt()`", Turn, "nothing: it is no error", status="interrupted")
def interrupted(world: World) -> Any:
    with world.thread([text("so far"), stall()]).run_streamed("go", timeout=HANGS) as stream:
        for _ in stream:
            stream.interrupt()
    return stream.turn


@table.fault("A second turn of a thread at the same time", CodexError, "wait, or `steer()`", retriable=False)
def two_turns(world: World) -> Any:
    thread = world.thread([text("so far"), stall()])
    with thread.run_streamed("go", timeout=HANGS):
        return thread.run("on")


@table.fault("`steer()` without a running turn", EngineError, "`run()`", retriable=False)
def steering_nothing(world: World) -> Any:
    return world.thread().steer("on")


@table.fault("A client that is closed", ClosedError, "open another one", retriable=False)
def closed_client(world: World) -> Any:
    codex = world.make_codex()
    codex.close()
    return codex.start_thread(working_directory=world.repo)


@table.fault("A turn runs while the client closes", Turn, "nothing; `resume_thread` goes on", status="interrupted")
def closed_in_a_turn(world: World) -> Any:
    codex = world.make_codex(world.model([text("so far"), stall()]))
    stream = codex.start_thread(working_directory=world.repo).run_streamed("go", timeout=HANGS)
    next(iter(stream))
    codex.close()
    with contextlib.suppress(ClosedError):
        stream.close()
    return stream.turn


@table.fault("A client of the parent after `fork()`", ForkedError, "open clients after the fork", retriable=False)
def forked(world: World) -> Any:
    return world.elsewhere("""
    codex = Codex(codex_home=home, isolated=True)
    if os.fork() == 0:
        codex.start_thread(working_directory=repo)
    os.wait()
    os._exit(0)
""")


@table.fault("An argument that does not exist", TypeError, "the message lists those that do")
def misspelt(world: World) -> Any:
    return world.make_codex().start_thread(modell="m")


@table.fault(
    "A name that the library refuses, such as a tool's",
    InvalidArgumentError,
    "the message says what is allowed",
    retriable=False,
)
def bad_name(world: World) -> Any:
    return world.make_codex().register_tool(codex_cffi.Tool("a tool", "D.", lambda call: "x"))


@table.fault("Parameters that do not fit `request`", InvalidJsonError, "the message says where", retriable=False)
def bad_parameters(world: World) -> Any:
    return world.make_codex().request("thread/read", {"threadId": 3})


@table.fault(
    "A method that does not exist",
    UnknownMethodError,
    "`codex_cffi.protocol.REQUESTS` has them",
    retriable=False,
)
def no_method(world: World) -> Any:
    return world.make_codex().request("thread/reed", {})


@table.fault("An image that is missing", FileNotFoundError, "give another path")
def no_image(world: World) -> Any:
    return world.thread().run(codex_cffi.LocalImage("/nowhere.png"))


@table.fault(
    "An image that is damaged, no PNG, JPEG, GIF or WebP, or at another host",
    InvalidArgumentError,
    "give one that the model can see",
    retriable=False,
)
def no_picture(world: World) -> Any:
    return world.thread().run(codex_cffi.ImageBytes(b"no picture"))


@table.fault(
    "Input above 64 MiB, an image above 32 MiB or of too many pixels",
    TooLargeError,
    "give less",
    retriable=False,
)
def too_much(world: World) -> Any:
    return world.thread().run(codex_cffi.ImageBytes(b"\x89PNG\r\n\x1a\n" + bytes(33 << 20)))


@table.fault(
    "A request that the engine refuses",
    EngineError,
    "`error.detail` has the engine's code and data",
    retriable=False,
)
def refused_request(world: World) -> Any:
    return world.make_codex().request("thread/archive", {"threadId": "00000000-0000-7000-8000-000000000000"})


@table.fault(
    "Something that needs a login with ChatGPT",
    LoginRequiredError,
    "log in: `codex.account.login_with_chatgpt()`",
    retriable=False,
)
def no_chatgpt(world: World) -> Any:
    return world.make_codex().account.read_rate_limits()


@table.fault("An `output_schema` that cannot be used", ValueError, "the message says where")
def bad_schema(world: World) -> Any:
    return world.thread().run(
        "go", output_schema={"type": "object", "properties": {"n": {"type": "number", "pattern": 3}}}
    )


@table.fault(
    "An answer that breaks its `output_schema`",
    OutputSchemaError,
    "`violations` says how; `repair=1` has the agent correct it",
    retriable=False,
)
def broken_schema(world: World) -> Any:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    return world.thread("no JSON").run("go", output_schema=schema, timeout=HANGS)


@table.fault("A session that does not exist", NotFoundError, "`codex.sessions.list()` has them", retriable=False)
def no_session(world: World) -> Any:
    return world.make_codex().resume_thread("00000000-0000-7000-8000-000000000000")


@table.fault("A thread that is open is resumed", AlreadyExistsError, "use it, or close it first", retriable=False)
def resumed_twice(world: World) -> Any:
    codex = world.make_codex(world.model(default="done"))
    thread = codex.start_thread(working_directory=world.repo)
    thread.run("go", timeout=HANGS)
    return codex.resume_thread(thread.id)


@table.fault("The same tool twice", AlreadyExistsError, "another name, or `unregister_tool`", retriable=False)
def tool_twice(world: World) -> Any:
    codex = world.make_codex()
    for _ in range(2):
        codex.register_tool(codex_cffi.Tool("same", "D.", lambda call: "x"))


@table.fault("A tool that is not registered (any more)", NotFoundError, "check its name", retriable=False)
def no_tool(world: World) -> Any:
    return world.make_codex().unregister_tool("nothing")


@table.fault("A batch is cancelled", BatchCancelledError, "it is the `error` of what was not done", retriable=False)
def cancelled_batch(world: World) -> Any:
    codex = world.make_codex(world.model(default="done"))
    results = codex.run_many(
        ["a", "b", "c"], max_concurrent=1, on_progress=lambda told: told.cancel(), working_directory=world.repo
    )
    return results[-1].error


@table.fault(
    "Agents hand over for ever",
    HandoffLimitError,
    "`error.turns` is what they did; `max_handoffs`",
    retriable=False,
)
def handed_on(world: World) -> Any:
    codex = world.make_codex(world.model([function_call("transfer_to_b", {"message": "go"})], default="over"))
    agents = [codex.create_agent(name, "You do.", working_directory=world.repo) for name in ("a", "b")]
    agents[0].hand_off_to(agents[1])
    return agents[0].run("go", max_handoffs=0, timeout=HANGS)
