"""Hosts whose threads are greenlets, because gevent or eventlet has patched the standard library.

Their locks, events and threads suspend one greenlet and let the others run, ours included. What they cannot replace is a wait inside the library: it would
keep the whole thread, and with it every greenlet. So the library is called on a thread of the system's meanwhile, and the greenlet waits on its hub.

Neither is imported here unless the program has done so already.
"""

from __future__ import annotations

import _thread
import contextlib
import os
import sys
import types
from collections.abc import Callable
from typing import Any, TypeVar

from ..errors import UnsupportedError

T = TypeVar("T")

#: Seconds after which a thread ends that has nothing to do.
_IDLE = 30.0


def _native(name: str) -> Any:
    """What ``_thread`` had under this name before it was patched."""
    found = getattr(_thread, name)
    if isinstance(found, (types.BuiltinFunctionType, type)) and found.__module__ == "_thread":
        return found
    monkey, patcher = sys.modules.get("gevent.monkey"), sys.modules.get("eventlet.patcher")
    if monkey is not None and monkey.is_object_patched("_thread", name):
        return monkey.get_original("_thread", name)
    if patcher is not None:
        return getattr(patcher.original("_thread"), name)
    return found


_start_thread = _native("start_new_thread")
_allocate_lock = _native("allocate_lock")
#: A lock of the system's threads, for what finalizers may do on any thread. Nothing may wait for a greenlet while it is held.
RLock = _native("RLock")


def patched_by() -> str | None:
    """Who has replaced this process's threads by greenlets: ``"gevent"``, ``"eventlet"`` or None."""
    if "greenlet" in sys.modules:
        monkey, patcher = sys.modules.get("gevent.monkey"), sys.modules.get("eventlet.patcher")
        if monkey is not None and monkey.is_object_patched("_thread", "start_new_thread"):
            return "gevent"
        if patcher is not None and patcher.is_monkey_patched("thread"):
            return "eventlet"
    return None


#: By whom they were replaced when the first client was opened.
_at_first: list[str | None] = []


def refuse_late_patches() -> None:
    """Refuses to go on where threads became greenlets after this process had opened a client, whose threads are the system's.

    Raises:
        UnsupportedError: So it is.
    """
    now = patched_by()
    if not _at_first:
        _at_first.append(now)
    elif now != _at_first[0]:
        raise UnsupportedError(
            f"{now} has patched the standard library after a codex_cffi client was opened, so the client's threads and the program's can no longer wait "
            "for each other; patch first, in the program's first lines"
        )


#: Suspends a greenlet until a descriptor is readable.
_Wait = Callable[[int], object]


def _hub() -> _Wait | None:
    """How to wait on the hub of this thread; None where there is none, or this is the hub itself, which cannot wait."""
    monkey, patcher = sys.modules.get("gevent.monkey"), sys.modules.get("eventlet.patcher")
    current = sys.modules["greenlet"].getcurrent()
    if monkey is not None and monkey.is_anything_patched():
        hub = sys.modules["gevent._hub_local"].get_hub_if_exists()
        if hub is not None and hub is not current:
            return _gevent(hub)
    if patcher is not None and patcher.is_monkey_patched("thread"):
        hubs = sys.modules["eventlet.hubs"]
        if hubs.get_hub().greenlet is not current:
            return lambda descriptor: hubs.trampoline(descriptor, read=True)
    return None


def _gevent(hub: Any) -> _Wait:
    def wait(descriptor: int) -> None:
        watcher = hub.loop.io(descriptor, 1)
        try:
            hub.wait(watcher)
        finally:
            watcher.close()

    return wait


def run_here() -> bool:
    """Whether this thread runs greenlets that a wait would stop."""
    return "greenlet" in sys.modules and _hub() is not None


def aside(function: Callable[[], T], *, abandon: bool = False) -> T:
    """Calls what waits; where greenlets run, on a thread of the system's, while the others go on.

    Args:
        function: What to call. It must use no lock, event or thread of the host's.
        abandon: Whether a greenlet that is killed meanwhile ends at once. Else it stays until the call has returned, lest what it gives is lost.
    """
    wait = _hub() if "greenlet" in sys.modules else None
    if wait is None:
        return function()
    job = _Job(function)
    try:
        worker = _a_worker()
    except RuntimeError:  # no more threads, as at the end of the interpreter
        return function()
    worker.do(job)
    try:
        wait(worker.rung)
    except BaseException:
        if abandon:
            worker.leave()
        else:
            with contextlib.suppress(BaseException):
                wait(worker.rung)
            worker.rest()  # if that was interrupted too, the others wait with it: for a tenth of a second, mostly
        raise
    worker.rest()
    if job.failure is not None:
        raise job.failure
    result: T = job.result
    return result


class _Job:
    """A call, and what came of it."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self._function = function
        self.result: Any = None
        self.failure: BaseException | None = None

    def run(self) -> None:
        """Makes the call."""
        try:
            self.result = self._function()
        except BaseException as error:
            self.failure = error


class _Worker:
    """A thread of the system's that does one job after another.

    Attributes:
        rung: The descriptor that is readable when a job has ended.
    """

    def __init__(self) -> None:
        self._job: _Job | None = None
        self._given = _allocate_lock()
        self._given.acquire()
        self._left = False
        self.rung, self._bell = os.pipe()
        try:
            _start_thread(self._run, ())
        except RuntimeError:
            self._close()
            raise

    def do(self, job: _Job) -> None:
        """Does a job."""
        self._job = job
        self._given.release()

    def rest(self) -> None:
        """Waits for the job's end; then it may have another one."""
        os.read(self.rung, 1)
        _idle.append(self)

    def leave(self) -> None:
        """Nobody waits for its job any more; it is its last."""
        self._left = True

    def _run(self) -> None:
        while True:
            if self._given.acquire(True, _IDLE):
                job, self._job = self._job, None
                assert job is not None
                job.run()
                del job  # with what it came to
                os.write(self._bell, b"!")
            elif self._is_unwanted():
                break
        self._close()

    def _is_unwanted(self) -> bool:
        """Whether nobody will give it another job."""
        if not self._left:
            try:
                _idle.remove(self)
            except ValueError:
                return False  # it is just being given one
        return True

    def _close(self) -> None:
        os.close(self.rung)
        os.close(self._bell)


def _a_worker() -> _Worker:
    try:
        return _idle.pop()
    except IndexError:
        return _Worker()


#: Threads without a job.
_idle: list[_Worker] = []

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_idle.clear)
    os.register_at_fork(after_in_child=_at_first.clear)
