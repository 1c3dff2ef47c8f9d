"""An agent thread: one conversation, turn after turn."""

from __future__ import annotations

import contextlib
import threading
import time
import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ._capi import ThreadHandle
from ._deadline import Deadline
from ._keywords import names_keywords
from .errors import ClosedError, CodexError, CodexTimeoutError, EngineError, TurnFailed
from .events import TokenUsage
from .options import TurnInput, encode_input
from .turn import Turn, TurnStream

if TYPE_CHECKING:
    from .client import Codex

__all__ = ["Thread"]

#: Seconds from turn/start's answer until a turn is running.
_START_GRACE = 2.0


class Thread:
    """One conversation with the agent; made by :meth:`Codex.start_thread`.

    Turns run one after the other. :meth:`interrupt` and :meth:`steer` may be called from other Python threads while one runs.

    Attributes:
        id: The engine's id of the thread; also the name of its session file.
        working_directory: Where its commands run.
        model: Model that it uses.
        settings: What the engine made of the options, as it reports it: ``sandbox``, ``approvalPolicy``, ``modelProvider`` and more.
    """

    def __init__(self, client: Codex, handle: ThreadHandle, info: Mapping[str, Any], usage: TokenUsage | None) -> None:
        self.id: str = info["thread"]["id"]
        self.working_directory: str = info["cwd"]
        self.model: str = info["model"]
        self.settings: dict[str, Any] = {name: value for name, value in info.items() if name != "thread"}
        self._client = client
        self._handle = handle
        self._usage = usage
        self._lock = threading.Lock()
        self._running: weakref.ref[TurnStream] | None = None
        self._turn_id: str | None = None
        self._turns = 0

    def __repr__(self) -> str:
        return f"<Thread {self.id} model={self.model!r} working_directory={self.working_directory!r}>"

    @names_keywords
    def run(
        self,
        input: TurnInput,
        *,
        output_schema: Mapping[str, Any] | None = None,
        timeout: float | None = None,
    ) -> Turn:
        """Runs a turn and waits for its end.

        Args:
            input: Text, or a list of texts and :class:`LocalImage`.
            output_schema: JSON schema that the final response must follow.
            timeout: Seconds until the turn is stopped; None waits as long as it takes.

        Raises:
            TurnFailed: The turn ended in an error; it has the turn so far.
            CodexTimeoutError: The time was up; it has the turn so far, which was stopped.
            ClosedError: The client or thread is closed.

        Example:
            >>> turn = thread.run("What does this repository do?", timeout=300)  # doctest: +SKIP
        """
        with self.run_streamed(input, output_schema=output_schema, timeout=timeout) as stream:
            for _ in stream:
                pass
        turn = stream.turn
        if turn.status == "failed":
            raise TurnFailed(turn)
        return turn

    @names_keywords
    def run_streamed(
        self,
        input: TurnInput,
        *,
        output_schema: Mapping[str, Any] | None = None,
        timeout: float | None = None,
    ) -> TurnStream:
        """Starts a turn and returns its events; see :class:`TurnStream`. A failed turn ends with a ``turn.failed`` event.

        Args and errors are those of :meth:`run`; the time counts from this call.
        """
        deadline = Deadline(timeout)
        params: dict[str, Any] = {"threadId": self.id, "input": encode_input(input)}
        if output_schema is not None:
            if not isinstance(output_schema, Mapping):
                raise TypeError(f"output_schema must be a JSON schema (a mapping), not {type(output_schema).__name__}")
            params["outputSchema"] = dict(output_schema)
        with self._lock:
            self._check_idle(deadline)
            started = self._client._call("turn/start", params, deadline)
            stream = TurnStream(self, started["turn"]["id"], deadline, first=self._turns == 0)
            self._turns += 1
            self._turn_id = started["turn"]["id"]
            self._running = weakref.ref(stream)
        return stream

    def _stream(self) -> TurnStream | None:
        return self._running() if self._running is not None else None

    def _check_idle(self, deadline: Deadline) -> None:
        if self._turn_id is None:
            return
        if self._stream() is not None:
            raise CodexError(
                f"thread {self.id} is in a turn; wait for its end, interrupt() it, or add to it with steer()"
            )
        # Its stream was dropped half way, which asked the turn to stop. Read on to its end, so that this one starts clean; asking twice could
        # stop the wrong turn.
        TurnStream(self, self._turn_id, deadline, first=False)._read_to_end()

    def interrupt(self) -> None:
        """Asks the running turn to stop. Returns at once; without a running turn: nothing."""
        turn_id = self._turn_id
        if turn_id is not None:
            self._interrupt(turn_id)

    def steer(self, input: TurnInput, *, timeout: float | None = 30.0) -> None:
        """Adds input to the running turn; the agent sees it at its next step.

        Raises:
            EngineError: No turn is running, or it is of a kind that takes no input.
        """
        turn_id = self._turn_id
        if turn_id is None:
            raise EngineError(f"thread {self.id} has no running turn to steer; start one with run()")
        params = {"threadId": self.id, "input": encode_input(input), "expectedTurnId": turn_id}
        deadline = Deadline(timeout)
        began = time.monotonic()
        while True:
            try:
                self._client._call("turn/steer", params, deadline)
                return
            except EngineError as error:
                # The engine takes a moment from the answer to turn/start to the turn's own start.
                starting = "no active turn" in str(error) and self._turn_id == turn_id
                if not starting or time.monotonic() - began > _START_GRACE:
                    raise
                time.sleep(0.005)

    def close(self, *, timeout: float | None = 10.0) -> None:
        """Stops a running turn and unloads the thread. Its session stays on disk. Again: nothing."""
        stream = self._stream()
        if stream is not None:
            stream.close()
        with contextlib.suppress(ClosedError, CodexTimeoutError):
            self._client._call("thread/unsubscribe", {"threadId": self.id}, Deadline(timeout))
        self._handle.free()

    def __enter__(self) -> Thread:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _interrupt(self, turn_id: str) -> None:
        # The turn's end tells what came of it; the engine may leave the request itself unanswered if the turn has ended.
        self._client._handle.start_call("turn/interrupt", {"threadId": self.id, "turnId": turn_id}).free()

    def _turn_ended(self, stream: TurnStream) -> None:
        if self._turn_id == stream._turn_id:
            self._turn_id = None
            self._running = None
