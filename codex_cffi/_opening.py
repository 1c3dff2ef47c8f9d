"""Opens and ends engines: the one place where a client's parts are put together."""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING

from . import _capi, log
from ._core.deadline import Deadline
from ._core.steps import no_answer
from ._serving.server import RequestServer
from ._waiting import greenlets
from ._waiting.dispatch import Dispatcher
from ._waiting.loops import in_thread, running

if TYPE_CHECKING:
    from ._core.client import EngineClient
    from ._waiting.asynchronous import AsyncEngineClient
    from ._waiting.blocking import BlockingEngineClient

#: Seconds that a client which was not closed gets at interpreter exit.
_EXIT_GRACE = 3.0

_open_clients: weakref.WeakSet[EngineClient] = weakref.WeakSet()


def open_engine(client: EngineClient) -> None:
    """Starts a client's engine; takes 20 to 200 ms."""
    from ._host_folders import program_folders

    log.follow()
    log.know(client, client.engine_options)
    own = {"helper": str(_capi.helper_path()), "client_version": _capi.build_info["version"]}
    handle = _capi.ClientHandle.open(own | client.engine_options | program_folders())
    try:
        server = RequestServer(handle, client.max_workers, weakref.ref(client), client.approval_timeout)
        for tool in client.tools:
            server.register(tool)
        for interceptor in client.interceptors:
            server.intercept(interceptor)
        for hook in client.hooks:
            server.hook(hook)
        if client.on_approval is not None:
            server.start()
        roots = client.skill_roots()
        if roots is not None:
            _set_skill_roots(handle, roots)
        client.attach(handle, server, Dispatcher(handle, client.heard_beside))
    except BaseException:
        client.drop_skills()
        handle.free()
        raise
    _open_clients.add(client)


def _set_skill_roots(handle: _capi.ClientHandle, roots: list[str]) -> None:
    deadline, method = Deadline(30.0), "skills/extraRoots/set"
    pending = handle.start_call(method, {"extraRoots": roots})
    try:
        while pending.wait(deadline.slice_ms()) is None:
            if deadline.over:
                raise no_answer(method, deadline)
    finally:
        pending.free()


def _begin_close(client: EngineClient) -> bool:
    """False if it was closed before, or never opened."""
    _open_clients.discard(client)
    return client.begin_close()


def open_client(client: BlockingEngineClient) -> None:
    """Starts a client's engine; one that does not start is closed."""
    try:
        _interruptibly(lambda: open_engine(client))
    except BaseException:
        _begin_close(client)
        raise


async def open_client_async(client: AsyncEngineClient) -> None:
    """Starts a client's engine; one that does not start is closed."""
    try:
        await client.opened()
    except BaseException:
        _begin_close(client)
        raise


def close_client(client: BlockingEngineClient, timeout: float | None) -> None:
    """Ends a client's engine. Again: nothing."""
    Deadline(timeout)  # checks the argument
    if _begin_close(client):
        _interruptibly(_counted(lambda: client.end(timeout)))


async def close_client_async(client: AsyncEngineClient, timeout: float | None) -> None:
    """Ends a client's engine. Again: nothing."""
    Deadline(timeout)  # checks the argument
    if _begin_close(client):
        loop = running()
        with loop.shield():
            await in_thread(loop, _counted(lambda: client.end(timeout)))


#: Closings that go on, though nobody may wait for them any more.
_closings: set[threading.Event] = set()


def _counted(close: Callable[[], None]) -> Callable[[], None]:
    """A closing that the end of the interpreter waits for."""
    done = threading.Event()

    def run() -> None:
        try:
            close()
        finally:
            done.set()
            _closings.discard(done)

    _closings.add(done)
    return run


def _interruptibly(work: Callable[[], None]) -> None:
    """Does what waits inside the library for seconds. On Ctrl-C, or when a greenlet is killed, the waiting ends; the work goes on, on a thread of its own."""
    greenlet = greenlets.run_here()
    if greenlet and not greenlets.patched_by():
        greenlets.aside(work, abandon=True)
        return
    if threading.current_thread() is not threading.main_thread() and not greenlet:
        work()  # signal handlers run on the main thread only
        return
    failure: list[BaseException] = []
    done = threading.Event()

    def run() -> None:
        try:
            work()
        except BaseException as error:
            failure.append(error)
        done.set()

    try:
        threading.Thread(target=run, name="codex-cffi-open-close", daemon=True).start()
    except RuntimeError:  # also: no more threads, as at the end of the interpreter
        work()
        return
    done.wait()
    if failure:
        raise failure[0]


@atexit.register
def _close_all() -> None:
    for client in list(_open_clients):
        with contextlib.suppress(Exception):
            if _begin_close(client):
                client.end(_EXIT_GRACE)
    for done in list(_closings):
        done.wait(_EXIT_GRACE)


def _forget_all() -> None:
    # In a forked child the parent's engines do not exist; freeing their handles does nothing there.
    _open_clients.clear()
    _closings.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
