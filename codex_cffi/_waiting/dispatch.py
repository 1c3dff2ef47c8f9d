"""Who waits for what of a client's queues: completions by ticket, event loops by queue.

Hosts with an event loop hear of news by the client's doorbell. Whoever hears it ring takes the list of queues with news and wakes those who wait for
them, on whichever loop they are; so any number of loops and threads may share a client.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import weakref
from collections.abc import Callable
from typing import Any

import msgspec

from .._capi import CLIENT_QUEUE, ClientHandle
from .._core.steps import BATCH
from .._decoding import Envelope, decode_batch, decode_event
from ..errors import ClosedError, CodexError, from_status
from ..events import Event

_log = logging.getLogger("codex_cffi")


class _CompletionError(msgspec.Struct, frozen=True):
    code: int
    message: str
    retriable: bool = False
    data: Any = None


class _Completion(msgspec.Struct, frozen=True):
    ticket: int
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: _CompletionError | None = None


_decode_completion = msgspec.json.Decoder(_Completion).decode

#: Takes a request's outcome: its result as JSON, or the error to raise. Called on any thread; must not block.
Done = Callable[["msgspec.Raw | CodexError"], None]


class Dispatcher:
    """One client's waiters."""

    def __init__(self, handle: ClientHandle, heard: Callable[[Event], None]) -> None:
        self._handle = handle
        #: Gets the events that belong to no open thread.
        self._heard = weakref.WeakMethod(heard)
        self._lock = threading.Lock()
        self._tickets: dict[int, Done] = {}
        self._waiters: dict[int, list[Callable[[], None]]] = {}

    def submit(self, method: str, params: Any, done: Done) -> int:
        """Sends a request; `done` gets its outcome. Returns its ticket."""
        # The lock is held until the ticket is known, for the completion may come first.
        with self._lock:
            ticket = self._handle.submit(method, params)
            self._tickets[ticket] = done
        return ticket

    def dismiss(self, ticket: int) -> None:
        """The outcome is no longer wanted."""
        with self._lock:
            self._tickets.pop(ticket, None)

    def wait_for(self, queue: int, wake: Callable[[], None]) -> None:
        """`wake` is called, on any thread, whenever the queue may have something, until :meth:`leave`."""
        with self._lock:
            self._waiters.setdefault(queue, []).append(wake)

    def leave(self, queue: int, wake: Callable[[], None]) -> None:
        """Ends a :meth:`wait_for`."""
        with self._lock:
            waiters = self._waiters[queue]
            waiters.remove(wake)
            if not waiters:
                del self._waiters[queue]

    def wake(self, queue: int) -> None:
        """Wakes whoever waits for a queue."""
        with self._lock:
            waiters = list(self._waiters.get(queue, ()))
        for wake in waiters:
            wake()

    def doorbell(self) -> int:
        """The descriptor that is readable when a queue has something."""
        return self._handle.doorbell()

    def ring(self) -> None:
        """Answers the doorbell: wakes whoever waits for a queue that has something."""
        with contextlib.suppress(ClosedError):
            for queue in self._handle.ready():
                if queue == CLIENT_QUEUE:
                    self.drain()
                else:
                    self.wake(queue)

    def drain(self, wait_ms: int = 0) -> None:
        """Takes what is in the client's own queue and hands it on; waits so long for the first of it."""
        try:
            while True:
                batch = self._handle.poll(BATCH, wait_ms)
                if batch is None:
                    return
                for envelope in decode_batch(batch):
                    self._take(envelope)
                # Whoever waits for what was told need not be who took it.
                self.wake(CLIENT_QUEUE)
                wait_ms = 0
        except ClosedError as closed:
            with self._lock:
                tickets, self._tickets = self._tickets, {}
            for done in tickets.values():
                done(closed)

    def end(self) -> None:
        """The engine has ended: whoever waits finds out."""
        self.drain()
        with self._lock:
            queues = list(self._waiters)
        for queue in queues:
            self.wake(queue)

    def _take(self, envelope: Envelope) -> None:
        if envelope.method != "completion":
            heard = self._heard()
            if heard is not None:
                heard(decode_event(envelope))
            return
        try:
            completion = _decode_completion(envelope.params)
        except msgspec.ValidationError as error:
            _log.error("a completion was not understood: %s", error)
            return
        with self._lock:
            done = self._tickets.pop(completion.ticket, None)
        if done is None:
            return  # nobody waits any more
        failed = completion.error
        if failed is None:
            done(completion.result)
        else:
            done(from_status(failed.code, failed.message, retriable=failed.retriable, detail=failed.data))
