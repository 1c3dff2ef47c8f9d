# pyright: strict
"""The type of a turn's parsed output follows from its schema."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from typing_extensions import TypedDict, assert_type

from codex_cffi import (
    AsyncCodex,
    AsyncThread,
    AsyncTurnStream,
    Codex,
    ImageUrl,
    Mention,
    Thread,
    ThreadInfo,
    ThreadRecord,
    Turn,
    TurnStream,
    sessions,
)


class Model(BaseModel):
    name: str


@dataclass
class Data:
    name: str


class Dictionary(TypedDict):
    name: str


def structured(thread: Thread) -> None:
    assert_type(thread.run("go"), Turn[None])
    assert_type(thread.run("go").parsed, None)
    assert_type(thread.run("go", output_schema=Model), Turn[Model])
    assert_type(thread.run("go", output_schema=Model, repair=1).parsed.name, str)
    assert_type(thread.run("go", output_schema=Data, timeout=5).parsed, Data)
    assert_type(thread.run("go", output_schema=Dictionary, model="m").parsed["name"], str)
    assert_type(thread.run("go", output_schema={"type": "object"}).parsed, Any)
    assert_type(thread.run_streamed("go", output_schema=Model), TurnStream[Model])
    assert_type(thread.run_streamed("go", output_schema=Model).turn.parsed, Model)
    assert_type(thread.run_streamed("go"), TurnStream[None])
    plain: Turn = thread.run("go", output_schema=Data)
    assert_type(plain.parsed, Any)


async def asynchronous(codex: AsyncCodex) -> None:
    thread = await codex.resume_last(sandbox_mode="read-only")
    assert_type(thread, AsyncThread)
    assert_type(await thread.run("go", output_schema=Model), Turn[Model])
    assert_type(thread.run_streamed("go", output_schema=Data), AsyncTurnStream[Data])
    assert_type(await thread.fork(nth_user_message=1), AsyncThread)
    assert_type(codex.sessions.list(limit=5), AsyncIterator[ThreadInfo])
    assert_type(await thread.compact(), Turn[None])


def history(codex: Codex, thread: Thread) -> None:
    assert_type(codex.resume_thread(Path("rollout.jsonl")), Thread)
    assert_type(codex.sessions.list(working_directory=Path()), Iterator[ThreadInfo])
    assert_type(codex.sessions.search("text"), Iterator[ThreadInfo])
    assert_type(thread.fork(turn=thread.run("go"), model="m"), Thread)
    assert_type(thread.read(), ThreadRecord)
    assert_type(thread.read().turns[0], Turn[None])
    assert_type(sessions.list(limit=5), Iterator[ThreadInfo])
    thread.run(["text", Path("a.png"), b"image", ImageUrl("https://a.example/a.png"), Mention("a", "a")])
    thread.update(model="m", reasoning_effort="high", personality="friendly")


def wrong(codex: Codex, thread: Thread) -> None:
    thread.run("go", output_schema=5)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
    thread.run("go", sandbox_mode="none")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    thread.run(5)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    thread.fork(turn=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    thread.update(personality="grumpy")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    codex.resume_thread(5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
