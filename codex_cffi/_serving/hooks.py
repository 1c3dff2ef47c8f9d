"""Hooks: which are registered, and how a call of one runs."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import msgspec

from .._capi import ClientHandle
from ..errors import NotFoundError
from . import handlers
from .host import HostRef
from .opened import OpenRequests

if TYPE_CHECKING:
    from ..hooks import Hook


class Hooks:
    """The hooks of one client."""

    def __init__(self, handle: ClientHandle, requests: OpenRequests, host: HostRef) -> None:
        self._handle = handle
        self._requests = requests
        self._host = host
        self._lock = threading.Lock()
        self._hooks: dict[str, Hook] = {}
        self._count = 0

    def add(self, hook: Hook) -> None:
        """Adds a hook, after those that are there."""
        with self._lock:
            self._count += 1
            spec = {"event": hook.event, "matcher": hook.matcher, "timeout_ms": max(1, int(hook.timeout * 1000))}
            hook_id = str(self._count)
            self._hooks[hook_id] = hook  # first: the engine may ask at once
            try:
                self._handle.register_hook({"id": hook_id, **spec})
            except BaseException:
                del self._hooks[hook_id]
                raise

    def remove(self, hook: Hook) -> None:
        """Takes a hook back."""
        with self._lock:
            hook_id = next((key for key, known in self._hooks.items() if known is hook), None)
            if hook_id is None:
                raise NotFoundError(f"no such hook of {hook.event} is registered")
            self._handle.unregister_hook(hook_id)
            del self._hooks[hook_id]

    def take(self, request_id: str, params: dict[str, Any]) -> handlers.Task | None:
        """Has the hook that is called answer. Returns what a worker is to do, if anything."""
        from .. import hooks  # only now: many programs never need it

        hook = self._hooks.get(params["hook"])
        if hook is None:
            self._handle.respond(request_id, {})  # taken back in between
            return None
        call = msgspec.convert(params["input"], hooks.HookCall)
        opened = self._requests.open(request_id)

        def done(outcome: Any, error: BaseException | None) -> None:
            if error is None:
                try:
                    opened.answer(hooks.answer(call.event, outcome))
                    return
                except Exception as failure:
                    error = failure
            opened.refuse(handlers.told(f"the hook of {call.event}", error))

        loop = self._host.loop_of(call.session_id)
        if hook.is_async:
            return handlers.start(lambda: hook.handler(call), loop, done, opened.on_cancel)
        return lambda: handlers.run(lambda: hook.handler(call), done, loop)
