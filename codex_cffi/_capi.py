"""The only module that touches the library: load it, check it, call it, raise its errors.

The library is looked for at ``CODEX_CFFI_LIBRARY`` (a path) and else in the package's own folder, nowhere else.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from . import _ffi
from ._waiting import greenlets
from .errors import ClosedError, from_status

ffi = _ffi.ffi

_NATIVE = Path(__file__).with_name("_native")
_LIBRARY = {"darwin": "libcodex_capi.dylib", "win32": "codex_capi.dll"}.get(sys.platform, "libcodex_capi.so")
_HELPER = "codex-linux-sandbox.exe" if sys.platform == "win32" else "codex-linux-sandbox"
#: Queues that one look at the ready list tells of.
_READY = 64


def _text(pointer: Any) -> str:
    """A zero-terminated text of the library's."""
    text: Any = ffi.string(pointer)
    return str(text, "utf-8")


def _remedy() -> str:
    """What to do where the package has no library."""
    if getattr(sys, "frozen", False):
        return "Have the package's files bundled; PyInstaller does so by itself where the package is installed, else with --collect-all codex_cffi."
    if any(folder.is_file() for folder in _NATIVE.parents):
        return (
            "No system loads a library out of an archive: have the package unpacked when the program starts, as shiv does, or leave the folder "
            "_native outside and name the library in CODEX_CFFI_LIBRARY."
        )
    return "Run 'python build_ffi.py' in the source folder, or install a wheel."


def _load() -> tuple[Any, Path]:
    configured = os.environ.get("CODEX_CFFI_LIBRARY")
    path = Path(configured) if configured else _NATIVE / _LIBRARY
    source = "CODEX_CFFI_LIBRARY is" if configured else "the package's library is"
    if not path.is_file():
        remedy = "Correct or unset the variable." if configured else _remedy()
        raise ImportError(f"{source} {path}, which is not a file. {remedy}", name="codex_cffi", path=str(path))
    try:
        library = ffi.dlopen(str(path))
    except OSError as error:
        raise ImportError(
            f"{source} {path}, which cannot be loaded here ({platform.system()} {platform.machine()}, "
            f"Python {platform.python_version()}): {error}",
            name="codex_cffi",
            path=str(path),
        ) from error
    _check(library, path)
    return library, path


def _check(library: Any, path: Path) -> None:
    """Refuses a library that does not have what this package calls, before anything is called."""

    def refuse(why: str) -> NoReturn:
        raise ImportError(
            f"{path} is not the library that this package needs: {why}", name="codex_cffi", path=str(path)
        )

    missing = []
    for name in _ffi.FUNCTIONS:
        try:
            getattr(library, name)
        except (AttributeError, ffi.error):
            missing.append(name)
    if "codex_abi_version" in missing:
        refuse("it has no codex_abi_version, so it is not a libcodex_capi")
    version, wanted = library.codex_abi_version(), ffi.integer_const("CODEX_ABI_VERSION")
    if version != wanted:
        refuse(f"it has ABI version {version}, the package needs {wanted}")
    if missing:
        refuse(
            f"it lacks {', '.join(sorted(missing))}, though it has ABI version {version}; build it from the package's source"
        )
    info = json.loads(_text(library.codex_build_info()))
    if info["header"] != _ffi.HEADER_SHA256:
        refuse(
            f"it was built from another codex_capi.h (library {info['version']}, header {info['header'][:12]}; "
            f"package header {_ffi.HEADER_SHA256[:12]}); build both from the same source"
        )


lib, library_path = _load()
_OK, _CLOSED, _TIMEOUT = lib.CODEX_STATUS_OK, lib.CODEX_STATUS_CLOSED, lib.CODEX_STATUS_TIMEOUT
#: The number of a client's own queue in its ready list; threads' have their key.
CLIENT_QUEUE: int = lib.CODEX_QUEUE_CLIENT
#: What the library was built from: ``version``, ``abi``, ``engine``, ``profile``, ``target``, ``rustc``.
build_info: dict[str, Any] = json.loads(_text(lib.codex_build_info()))

_encoder = msgspec.json.Encoder()


def _encode(value: Any) -> bytes:
    try:
        return _encoder.encode(value)
    except RecursionError:
        raise ValueError("it is nested too deeply for JSON, or contains itself") from None


def helper_path() -> Path:
    """The sandbox helper: beside the library, else (for a library from elsewhere) the package's own."""
    beside = library_path.resolve().with_name(_HELPER)
    return beside if beside.is_file() else _NATIVE / _HELPER


def _raise(status: int, slot: Any) -> NoReturn:
    error = slot[0]
    try:
        message = _text(lib.codex_error_message(error))
        detail = json.loads(_text(lib.codex_error_detail(error)))
        retriable = bool(lib.codex_error_retriable(error))
    finally:
        lib.codex_error_free(error)
    raise from_status(status, message, retriable=retriable, detail=detail)


def _take(buf: Any) -> bytes:
    """The bytes of a codex_buf, which is freed."""
    try:
        return bytes(ffi.buffer(lib.codex_buf_data(buf), lib.codex_buf_len(buf)))
    finally:
        lib.codex_buf_free(buf)


def _text_arguments(*texts: bytes) -> list[Any]:
    """Each text as the pointer and length that the library takes."""
    return [argument for text in texts for argument in (text, len(text))]


def _waiting(timeout_ms: int, call: Callable[[], int]) -> int:
    """Calls a function of the library that waits so long, and stops no greenlets."""
    return greenlets.aside(call, abandon=timeout_ms < 0)


def log_filter(text: str) -> None:
    """Says what the engine logs."""
    error = ffi.new("codex_error **")
    status = lib.codex_log_filter(*_text_arguments(text.encode()), error)
    if status != _OK:
        _raise(status, error)


def log_poll(max_events: int, timeout_ms: int) -> bytes | None:
    """A batch of log messages; None if there were none."""
    batch, error = ffi.new("codex_buf **"), ffi.new("codex_error **")
    status = _waiting(timeout_ms, lambda: lib.codex_log_poll(max_events, timeout_ms, batch, error))
    if status != _OK:
        _raise(status, error)
    return _take(batch[0]) if batch[0] else None


#: Goes up in every forked child, where the locks may be held for ever by threads that did not come along.
_forks = 0


def _forked() -> None:
    global _forks
    _forks += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


class _Handle:
    """A pointer of the library's, kept alive while any thread is inside a call with it.

    ``_free`` must be a handle's last use, but Python threads may be inside a poll when another one drops the object; so the pointer is freed
    by whoever leaves last. A signal handler may run between any two steps here, use or free the handle itself, and raise: Ctrl-C mostly comes while the
    library waits and is raised as it returns, so what the library gives goes where it is not lost.
    """

    _type: str
    _free: Any = None

    def __init__(self) -> None:
        #: Where the library puts the pointer.
        self.slot: Any = ffi.new(self._type)
        self._to_free = [self.slot]
        self._lock = greenlets.RLock()
        self._users = 0
        self._freed = False
        self._forks = _forks
        #: Batches, by the function that gave them, whose poll was interrupted as it returned.
        self._kept: dict[Any, Any] = {}

    def __enter__(self) -> Any:
        if self._forks == _forks:
            with self._lock:
                self._users += 1
        if self._freed:
            self.__exit__()
            raise ClosedError("it was freed")
        return self.slot[0]

    def __exit__(self, *exc: object) -> None:
        if self._forks != _forks:
            return
        with self._lock:
            self._users -= 1
        if self._freed:
            self._free_unused()

    def _free_unused(self) -> None:
        with self._lock:
            unused = self._users == 0
        if unused:
            with contextlib.suppress(IndexError):
                self._free(self._to_free.pop()[0])

    def _call(self, function: Any, *arguments: Any, wait_ms: int = 0) -> None:
        """Calls a function of the library on this handle; raises its error."""
        error = ffi.new("codex_error **")
        with self as pointer:
            status = (
                _waiting(wait_ms, lambda: function(pointer, *arguments, error))
                if wait_ms
                else function(pointer, *arguments, error)
            )
        if status != _OK:
            _raise(status, error)

    def _poll(self, function: Any, max_events: int, timeout_ms: int) -> bytes | None:
        batch = self._kept.pop(function, None) if self._kept else None
        if batch is None:
            batch = ffi.new("codex_buf **")
            try:
                self._call(function, max_events, timeout_ms, batch, wait_ms=timeout_ms)
            except BaseException:
                if batch[0]:
                    self._kept[function] = batch
                raise
        return _take(batch[0]) if batch[0] else None

    def free(self) -> None:
        """Frees the pointer once nobody uses it. Again: nothing."""
        self._freed = True
        if self._forks == _forks:
            self._free_unused()

    def __del__(self) -> None:
        # At interpreter exit modules may be gone; the process takes the memory with it.
        if not getattr(self, "_freed", True) and lib is not None:
            self.free()


class CallHandle(_Handle):
    """A request on its way."""

    _type = "codex_call **"
    _free = lib.codex_call_free

    def __init__(self) -> None:
        super().__init__()
        self._result: Any = ffi.new("codex_buf **")
        #: What a signal handler raised just after the request was sent: told by the next step, when somebody knows of the request.
        self.late: BaseException | None = None

    def wait(self, timeout_ms: int) -> bytes | None:
        """Result as JSON, or None if it did not come in time."""
        self._raise_late()
        # It is given out once: if it is here, the wait that got it was interrupted.
        if not self._result[0]:
            error = ffi.new("codex_error **")
            with self as pointer:
                status = _waiting(timeout_ms, lambda: lib.codex_call_wait(pointer, timeout_ms, self._result, error))
            if status == _TIMEOUT:
                lib.codex_error_free(error[0])
                return None
            if status != _OK:
                _raise(status, error)
        result, self._result[0] = self._result[0], ffi.NULL
        return _take(result)

    def free(self) -> None:
        super().free()
        self._raise_late()

    def _raise_late(self) -> None:
        late, self.late = self.late, None
        if late is not None:
            raise late


class ThreadHandle(_Handle):
    """One agent thread's queue."""

    _type = "codex_thread **"
    _free = lib.codex_thread_free
    #: Its number in the client's ready list.
    key: int

    def __init__(self, thread_id: str) -> None:
        super().__init__()
        self.thread_id = thread_id

    def poll(self, max_events: int, timeout_ms: int) -> bytes | None:
        """A batch, JSON; None if there was nothing. Raises ClosedError at the queue's end."""
        return self._poll(lib.codex_thread_poll, max_events, timeout_ms)

    def wake(self) -> None:
        """Makes a poll that waits return."""
        self._call(lib.codex_thread_wake)


class ClientHandle(_Handle):
    """One engine instance."""

    _type = "codex_client **"
    _free = lib.codex_client_free

    @classmethod
    def open(cls, options: dict[str, Any]) -> ClientHandle:
        """Starts an engine; `options` as in the header."""
        greenlets.refuse_late_patches()
        client, error = cls(), ffi.new("codex_error **")
        text = _encode(options)
        status = greenlets.aside(lambda: lib.codex_client_open(text, len(text), client.slot, error))
        if status != _OK:
            _raise(status, error)
        return client

    def start_call(self, method: str, params: Any) -> CallHandle:
        """Sends a request."""
        greenlets.refuse_late_patches()
        call = CallHandle()
        text = b"" if params is None else _encode(params)
        try:
            self._call(lib.codex_call_start, *_text_arguments(method.encode(), text), call.slot)
        except BaseException as error:
            if not call.slot[0]:
                raise
            call.late = error
        return call

    def submit(self, method: str, params: Any) -> int:
        """Sends a request whose completion comes to the client's own queue, with the ticket returned."""
        greenlets.refuse_late_patches()
        ticket = ffi.new("uint64_t *")
        self._call(
            lib.codex_client_submit,
            *_text_arguments(method.encode(), b"" if params is None else _encode(params)),
            ticket,
        )
        return int(ticket[0])

    def doorbell(self) -> int:
        """The descriptor that is readable when a queue has something new; the library's to close."""
        fd = ffi.new("int64_t *")
        self._call(lib.codex_client_doorbell, fd)
        return int(fd[0])

    def ready(self) -> list[int]:
        """Silences the doorbell; numbers of queues that may have something."""
        ids, count = ffi.new("uint64_t[]", _READY), ffi.new("size_t *")
        self._call(lib.codex_client_ready, ids, _READY, count)
        return [int(ids[index]) for index in range(count[0])]

    def poll(self, max_events: int, timeout_ms: int) -> bytes | None:
        """A batch of the client's own queue; see ThreadHandle.poll."""
        return self._poll(lib.codex_client_poll, max_events, timeout_ms)

    def poll_requests(self, max_events: int, timeout_ms: int) -> bytes | None:
        """A batch of requests to the host; see ThreadHandle.poll."""
        return self._poll(lib.codex_client_poll_requests, max_events, timeout_ms)

    def accept_requests(self, accept: bool) -> None:
        """Whether requests come to the host or are denied at once."""
        self._call(lib.codex_client_accept_requests, accept)

    def respond(self, request_id: str, result: Any) -> None:
        """Answers a request."""
        self._call(lib.codex_client_respond, *_text_arguments(_encode(request_id), _encode(result)))

    def reject(self, request_id: str, message: str) -> None:
        """Refuses a request."""
        self._call(lib.codex_client_reject, *_text_arguments(_encode(request_id), message.encode(errors="replace")))

    def register_tool(self, spec: dict[str, Any]) -> None:
        """Offers a tool to the model; its calls come as requests."""
        self._call(lib.codex_tool_register, *_text_arguments(_encode(spec)), ffi.NULL, ffi.NULL)

    def register_interceptor(self, pattern: str) -> None:
        """Calls of the engine's tools of that name come as requests first."""
        self._call(lib.codex_interceptor_register, *_text_arguments(pattern.encode()))

    def unregister_interceptor(self, pattern: str) -> None:
        """Takes an interceptor back."""
        self._call(lib.codex_interceptor_unregister, *_text_arguments(pattern.encode()))

    def register_hook(self, spec: dict[str, Any]) -> None:
        """Has the host asked at a hook point."""
        self._call(lib.codex_hook_register, *_text_arguments(_encode(spec)))

    def unregister_hook(self, hook_id: str) -> None:
        """Takes a hook back."""
        self._call(lib.codex_hook_unregister, *_text_arguments(hook_id.encode()))

    def unregister_tool(self, which: dict[str, Any]) -> None:
        """Takes a tool back."""
        self._call(lib.codex_tool_unregister, *_text_arguments(_encode(which)))

    def open_thread(self, thread_id: str) -> ThreadHandle:
        """Makes a queue for a thread."""
        thread = ThreadHandle(thread_id)
        self._call(lib.codex_thread_open, *_text_arguments(thread_id.encode()), thread.slot)
        thread.key = lib.codex_thread_key(thread.slot[0])
        return thread

    def free(self) -> None:
        """As for every handle; whoever polls leaves, or nobody would ever be the last."""
        with contextlib.suppress(ClosedError), self as pointer:
            self._freed = True
            lib.codex_client_wake(pointer, ffi.NULL)

    def close(self, timeout_ms: int) -> bool:
        """Stops the engine in order. False if it did not stop in time, or was closed before."""
        error = ffi.new("codex_error **")
        with self as pointer:
            status = greenlets.aside(lambda: lib.codex_client_close(pointer, timeout_ms, error))
        if status in (_OK, _CLOSED, _TIMEOUT):
            lib.codex_error_free(error[0])
            return bool(status == _OK)
        _raise(status, error)


__all__ = [
    "CLIENT_QUEUE",
    "CallHandle",
    "ClientHandle",
    "ThreadHandle",
    "build_info",
    "helper_path",
    "library_path",
    "log_filter",
    "log_poll",
]
