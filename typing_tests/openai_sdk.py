"""Types of codex_cffi.openai: what a program for the official SDK sees."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from typing_extensions import assert_type

from codex_cffi.openai import AsyncCodex, AsyncThread, Codex, Thread, TurnHandle, TurnResult
from codex_cffi.openai.models import AgentMessageDeltaNotification, Notification
from codex_cffi.openai.types import ModelListResponse, ReasoningEffort, ThreadItem, ThreadTokenUsage, TurnStatus


def sync(codex: Codex) -> None:
    thread = codex.thread_start(model="gpt-5.1")
    assert_type(thread, Thread)
    assert_type(codex.models(), ModelListResponse)
    assert_type(codex.models().data[0].default_reasoning_effort, ReasoningEffort)
    turn = thread.turn("Hi", effort=ReasoningEffort.high)
    assert_type(turn, TurnHandle)
    assert_type(turn.stream(), Iterator[Notification])
    result = thread.run("Hi", timeout=3)
    assert_type(result, TurnResult)
    assert_type(result.status, TurnStatus)
    assert_type(result.items, list[ThreadItem])
    assert_type(result.usage, ThreadTokenUsage | None)
    assert_type(ThreadItem.model_validate({}), ThreadItem)
    assert_type(result.items[0].model_copy(), ThreadItem)
    for event in turn.stream():
        match event.payload:
            case AgentMessageDeltaNotification(delta=delta):
                assert_type(delta, str)
    thread.run(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    thread.run("Hi", sandbox="read-only")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def asynchronous(codex: AsyncCodex) -> None:
    thread = await codex.thread_start()
    assert_type(thread, AsyncThread)
    assert_type(await thread.run("Hi"), TurnResult)
    assert_type((await thread.turn("Hi")).stream(), AsyncIterator[Notification])
    thread.run(3)  # type: ignore[arg-type, unused-coroutine]  # pyright: ignore[reportArgumentType, reportUnusedCoroutine]
