"""A thread of the engine's that the host has: its settings, its history, and which turn runs on it."""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from .. import tracing
from .._checks import text, whole
from .._engine_texts import NO_ACTIVE_TURN, NO_FORK_OF_PAGES, says
from .._json import decode_plain
from ..errors import ClosedError, CodexError, CodexTimeoutError, EngineError, UnknownMethodError
from ..events import BackgroundEvent, Event, TokenUsage
from ..input import TurnInput, encode_input
from ..options import WorkspaceWrite
from ..turn import Turn
from .deadline import Deadline
from .ledger import Ledger
from .parameters import Equipment, ThreadOptions, TurnOverrides
from .recorded import classic, fork_point, read
from .settings import Settings
from .steps import Answer, Pause, Send, Steps, call

if TYPE_CHECKING:
    from ..approvals import ApprovalHandler
    from .contract import ClientCore, Queue, Stream

T = TypeVar("T")

#: Seconds from turn/start's answer until a turn is running.
_START_GRACE = 2.0
#: Seconds that the engine gets to take a turn's settings back.
_RESTORE_S = 10.0
#: Seconds that it gets to unload a thread that nobody needs any more.
_CLOSE_S = 10.0


def loaded(method: str, params: Any, deadline: Deadline) -> Steps[dict[str, Any]]:
    """Has the engine start or load a thread; what it answers. A thread that nobody waits for any more is unloaded again."""
    with tracing.request(method):
        pending = yield Send(method, params)
        try:
            return decode_plain((yield Answer(pending, method, deadline)))  # type: ignore[no-any-return]
        except (GeneratorExit, Exception):
            raise
        except BaseException:
            # Ctrl-C, or a cancelled task.
            grace = Deadline(_CLOSE_S)
            with contextlib.suppress(CodexError):
                info = decode_plain((yield Answer(pending, method, grace, stopping=True)))
                yield from call("thread/unsubscribe", {"threadId": info["thread"]["id"]}, grace, stopping=True)
            raise
        finally:
            pending.free()


class EngineThread:
    """One thread.

    Args:
        client: Its client.
        handle: Its queue.
        info: What the engine answered when it started or loaded the thread.
        total: Tokens that it has used so far; None where that is not known.
        workspace_write: Details of the sandbox mode ``workspace-write`` that it was given.
        skip_git_repo_check: Whether it may work outside of repositories.
        own: Settings that it alone has: MCP servers, skills.
    """

    def __init__(
        self,
        client: ClientCore,
        handle: Queue,
        info: Mapping[str, Any],
        total: TokenUsage | None,
        *,
        workspace_write: WorkspaceWrite | None = None,
        skip_git_repo_check: bool = False,
        own: Mapping[str, Any] | None = None,
    ) -> None:
        self.id: str = info["thread"]["id"]
        self.client = client
        self.handle = handle
        self.total = total
        #: Events that did not come from the engine, for the stream.
        self.told: deque[Event] = deque()
        #: Warnings of its start, which the client's queue had, for the stream of its first turn.
        self.early: deque[Event] = deque()
        self.on_approval: ApprovalHandler | None = None
        self.own: Mapping[str, Any] = own or {}
        #: The session file; None for an ephemeral thread.
        self.rollout: str | None = info["thread"].get("path")
        self.ledger = Ledger()
        self.settings = Settings(info, workspace_write, skip_git_repo_check=skip_git_repo_check, efforts=client.efforts)
        self.reported: dict[str, Any] = {name: value for name, value in info.items() if name != "thread"}
        self._lock = threading.Lock()
        self._running: weakref.ref[Stream] | None = None
        self._turn_id: str | None = None
        self._turns = 0
        self._closed = False
        #: Settings of a turn that the engine still has to be told to forget.
        self._to_restore: dict[str, Any] = {}
        client.threads[self.id] = self

    @property
    def model(self) -> str:
        """The model that it uses from now on."""
        return str(self.settings["model"])

    @property
    def working_directory(self) -> str:
        """Where its commands run from now on."""
        return str(self.settings["cwd"])

    # ---- the running turn

    def interrupt_running(self) -> None:
        """Asks the running turn to stop, if there is one."""
        turn_id = self._turn_id
        if turn_id is not None:
            self.interrupt(turn_id)

    def interrupt(self, turn_id: str) -> None:
        """Asks a turn to stop."""
        # The turn's end tells what came of it; the engine may leave the request itself unanswered if the turn has ended.
        stream = self.stream()
        if stream is not None and stream.nameless:
            turn_id = ""
        self.client.open_handle().start_call("turn/interrupt", {"threadId": self.id, "turnId": turn_id}).free()

    def stream(self) -> Stream | None:
        """The stream of the running turn."""
        return self._running() if self._running is not None else None

    def claim(self, stream: Stream) -> str | None:
        """Makes the stream that of the thread's turn; returns the id of a turn whose stream was dropped half way."""
        self.check_open()
        with self._lock:
            if self.stream() is not None:
                raise CodexError(
                    f"thread {self.id} is in a turn; wait for its end, interrupt() it, or add to it with steer()"
                )
            self._running = weakref.ref(stream)
            dropped, self._turn_id = self._turn_id, None
        return dropped

    def release(self, stream: Stream) -> None:
        """The stream is no longer that of the thread's turn."""
        with self._lock:
            if self.stream() is stream:
                self._running = None

    def begun(self, turn_id: str) -> int:
        """The engine has accepted a turn; returns how many that makes."""
        self._turn_id = turn_id
        self._turns += 1
        return self._turns

    def turn_ended(self, stream: Stream) -> None:
        """The end of the stream's turn was read."""
        if self._turn_id == stream.id:
            self._turn_id = None
        self.release(stream)

    def spent(self, usage: TokenUsage) -> None:
        """A turn has used so many tokens more."""
        self.ledger.add(self.model, usage)
        self.client.observed.ledger.add(self.model, usage)

    def tell(self, event: Event) -> None:
        """Puts an event into the stream of the running turn."""
        if self._turn_id is None:
            return
        self.told.append(event)
        with contextlib.suppress(CodexError):
            self.handle.wake()
        self.client.dispatcher.wake(self.handle.key)

    def tell_background(self, message: str) -> None:
        """Puts a word of the host's into the stream of the running turn."""
        text("message", message)
        turn_id = self._turn_id
        if turn_id is None:
            raise EngineError(f"thread {self.id} has no running turn, whose stream a background event could go to")
        self.tell(BackgroundEvent(thread_id=self.id, turn_id=turn_id, message=message))

    def steer(self, input: TurnInput, deadline: Deadline) -> Steps[None]:
        """Adds input to the running turn."""
        turn_id = self._turn_id
        if turn_id is None:
            raise EngineError(f"thread {self.id} has no running turn to steer; start one with run()")
        items = encode_input(input)
        items += self.client.mentioned(items)
        yield from self.add(turn_id, items, deadline)

    def add(
        self,
        turn_id: str,
        items: list[dict[str, Any]],
        deadline: Deadline,
        catch_up: Callable[[], Steps[None]] | None = None,
    ) -> Steps[Any]:
        """Adds input to a turn; the engine's answer. `catch_up`: reads what has happened, where nobody else does."""
        params = {"threadId": self.id, "input": items, "expectedTurnId": turn_id}
        grace = Deadline(_START_GRACE)
        while True:
            try:
                return (yield from call("turn/steer", params, deadline))
            except EngineError as error:
                # The engine takes a moment from the answer to turn/start to the turn's own start; or else the turn has ended.
                if not says(error, NO_ACTIVE_TURN) or grace.over:
                    raise
                if catch_up is not None:
                    yield from catch_up()
                if self._turn_id != turn_id:
                    raise
            yield Pause(0.005)

    # ---- settings

    def before_overrides(self, overrides: Mapping[str, Any], deadline: Deadline) -> Steps[None]:
        """Sees to it that what a turn changes can be taken back."""
        if "personality" in overrides and not self.settings.knows("personality"):
            answer = yield from call("config/read", {"cwd": self.settings["cwd"]}, deadline)
            self.settings.learn_personality(answer["config"])

    def overridden(self, overrides: Mapping[str, Any]) -> None:
        """A turn has begun with these."""
        self._to_restore.update(overrides)

    def end_overrides(self) -> Steps[None]:
        """Takes back what the last turn was started with. It waits for the engine, lest the next turn comes first."""
        if not self._to_restore:
            return
        method = "thread/settings/update"
        params = {"threadId": self.id, **self.settings.restoring(self._to_restore)}
        try:
            pending = yield Send(method, params)
        except ClosedError:
            return
        try:
            with contextlib.suppress(ClosedError):
                yield Answer(pending, method, Deadline(_RESTORE_S), stopping=True)
        finally:
            pending.free()
        self._to_restore.clear()

    def settings_told(self, params: Any) -> None:
        """The engine told the thread's settings."""
        self.settings.noticed(decode_plain(params).get("threadSettings") or {})

    def update(self, changes: TurnOverrides, deadline: Deadline) -> Steps[None]:
        """Changes settings from the next turn on."""
        self.check_open()
        params = self.settings.overrides(changes)
        if not params:
            raise TypeError("update() needs something to change")
        if self.stream() is None:
            yield from self.end_overrides()
        yield from call("thread/settings/update", {"threadId": self.id, **params}, deadline)
        self.settings.changed(params)
        self.reported.update(self.settings.shown())

    # ---- history

    def _rest(self, what: str) -> Steps[None]:
        """Makes sure that no turn runs."""
        self.check_open()
        if self.stream() is not None:
            raise CodexError(f"thread {self.id} is in a turn; wait for its end or interrupt() it before {what}")
        yield from self.end_overrides()

    def fork(
        self,
        nth_user_message: int | None,
        turn: str | Turn[Any] | None,
        options: ThreadOptions,
        equipment: Equipment,
        deadline: Deadline,
    ) -> Steps[EngineThread]:
        """A thread of its own with the conversation so far, or a part of it. `equipment`: whose tools are None has this thread's."""
        client = self.client
        options = options.over(
            skip_git_repo_check=self.settings.skip_git_repo_check, trust_project=client.trust_project
        )
        equipped = client.equip(equipment, self)
        own = {**self.own, **client.arrangement(equipment)}
        info = yield from self._fork(nth_user_message, turn, options, own, deadline)
        fork: EngineThread = client.adopt(info, None, options, equipped, own)
        return fork

    def _fork(
        self,
        nth_user_message: int | None,
        turn: str | Turn[Any] | None,
        options: ThreadOptions,
        own: Mapping[str, Any],
        deadline: Deadline,
    ) -> Steps[dict[str, Any]]:
        self.check_open()
        if nth_user_message is not None and turn is not None:
            raise TypeError("a fork begins before a user message or after a turn, not both")
        params = {**self.settings.for_fork(), "threadId": self.id, "excludeTurns": True}
        given = options.params(here=False)
        config = {**params["config"], **given.pop("config", {}), **own}
        if "sandbox" in given:
            params.pop("permissions", None)
            if given["sandbox"] != "workspace-write":
                config.pop("sandbox_workspace_write", None)
        params |= {"cwd": self.settings["cwd"]} | given | {"config": config}
        if turn is not None:
            params["lastTurnId"] = turn.id if isinstance(turn, Turn) else turn
        if nth_user_message is not None:
            record = yield from read(self.id, True, deadline)
            params["beforeTurnId"] = fork_point(record, nth_user_message)
        try:
            info = yield from loaded("thread/fork", params, deadline)
        except UnknownMethodError as error:
            if not says(error, NO_FORK_OF_PAGES):
                raise
        else:
            return info
        import tempfile  # seldom needed

        from .._host_folders import codex_home

        # A session of the newer codex program's.
        record = yield from read(self.id, False, deadline)
        assert record.path is not None
        scratch = codex_home(self.client.codex_home) / "tmp"  # where no command can write
        scratch.mkdir(mode=0o700, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=scratch) as folder:
            params["path"] = os.path.join(folder, record.path.name)
            classic(record.path, Path(params["path"]))
            return (yield from loaded("thread/fork", params, deadline))

    def rollback(self, turns: int, deadline: Deadline) -> Steps[None]:
        """Takes back the last turns of the conversation."""
        whole("turns", turns, 1)
        yield from self._rest("rolling back")
        yield from call("thread/rollback", {"threadId": self.id, "numTurns": turns}, deadline)

    def leave(self, method: str, deadline: Deadline) -> Steps[None]:
        """Archives or deletes the thread, which unloads it."""
        yield from self._rest("that")
        yield from call(method, {"threadId": self.id}, deadline)
        self._gone()

    def close(self, deadline: Deadline) -> Steps[None]:
        """Stops what runs, and has the engine unload the thread."""
        stream = self.stream()
        if stream is not None:
            yield from stream.stop()
        try:
            with contextlib.suppress(ClosedError, CodexTimeoutError):
                yield from call("thread/unsubscribe", {"threadId": self.id}, deadline, stopping=True)
        finally:
            self._gone()

    def or_close(self, what: Callable[[EngineThread], Steps[T]]) -> Steps[T]:
        """Does something with a thread that nobody else has; where it fails, nobody needs that any more."""
        try:
            return (yield from what(self))
        except GeneratorExit:
            raise
        except BaseException:
            yield from self.close(Deadline(_CLOSE_S))
            raise

    def only_for(self, what: Callable[[EngineThread], Steps[T]]) -> Steps[T]:
        """Does what the thread was started for, and closes it."""
        result = yield from self.or_close(what)
        yield from self.close(Deadline(_CLOSE_S))
        return result

    def _gone(self) -> None:
        """The thread is unloaded."""
        self._closed = True
        self.client.forget(self)
        self.handle.free()

    def check_open(self) -> None:
        """Raises ClosedError where it is closed: the engine may still have it, and would do what nobody then hears of."""
        if self._closed:
            raise ClosedError(f"thread {self.id} is closed; resume_thread() loads it again")
