"""The engine's log in Python's ``logging``.

Everything goes to loggers below ``codex_cffi``: this package's own messages to ``codex_cffi``, the engine's to ``codex_cffi.engine`` and, below it, to one
logger for each of its modules, for example ``codex_cffi.engine.codex_core.client``. Nothing is printed unless the program configures logging. Credentials
are replaced by ``[REDACTED_SECRET]`` before a message leaves the engine.

The engine makes only messages that somebody wants: when the first client opens, those that the level of ``codex_cffi.engine`` lets through then, and what
:func:`set_level` says later::

    logging.basicConfig(level="WARNING")
    codex_cffi.log.set_level("debug")                      # everything of the engine's own modules
    codex_cffi.log.set_level("warning,codex_core.exec=debug")
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import traceback
import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from . import _capi
from ._decoding import Envelope, decode_batch
from .errors import CodexError

if TYPE_CHECKING:
    from ._core.client import EngineClient

__all__ = ["TRACE", "set_level"]

#: Level of messages below DEBUG.
TRACE = 5

_ENGINE = "codex_cffi.engine"
#: The engine's levels by those of logging, the least first.
_LEVELS = {
    TRACE: "trace",
    logging.DEBUG: "debug",
    logging.INFO: "info",
    logging.WARNING: "warn",
    logging.ERROR: "error",
}
_NUMBERS = {name: number for number, name in _LEVELS.items()} | {
    "warning": logging.WARNING,
    "off": logging.CRITICAL + 1,
}
#: Warns at every end of a thread that a folder is no longer watched, which is as it should be.
_NOISE = "codex_file_watcher=error"
_BATCH = 256


class _Clean(logging.Filter):
    """Takes the credentials of the clients out of this package's own messages, and of the tracebacks in them: a handler's error tells what it was given."""

    def filter(self, record: logging.LogRecord) -> bool:
        from . import _masked

        own = map(os.environ.get, _OWN_VARIABLES)
        secrets = {value for value in own if value and len(value) >= _masked.SHORTEST}
        for options in list(_known.values()):
            secrets |= _masked.credentials(options)
        message = record.getMessage()
        cleaned = _masked.cleaned(message, secrets)
        if cleaned != message:
            record.msg, record.args = cleaned, None
        if isinstance(record.exc_info, tuple) and record.exc_info[1] is not None:
            trace = "".join(traceback.format_exception(record.exc_info[1])).rstrip("\n")
            cleaned = _masked.cleaned(trace, secrets)
            if cleaned != trace:
                record.exc_info, record.exc_text = None, cleaned
        return True


#: What clients were opened with, which says what is secret.
_known: dict[weakref.ref[EngineClient], Mapping[str, Any]] = {}
_OWN_VARIABLES = ("OPENAI_API_KEY", "CODEX_API_KEY", "CODEX_ACCESS_TOKEN")


def know(client: EngineClient, options: Mapping[str, Any]) -> None:
    """Keeps the credentials of a client out of the log as long as it lives."""
    _known[weakref.ref(client, lambda gone: _known.pop(gone, None))] = options


_own = logging.getLogger("codex_cffi")
_own.addHandler(logging.NullHandler())
_own.addFilter(_Clean())
_engine = logging.getLogger(_ENGINE)


class _Message(msgspec.Struct, frozen=True):
    time: float
    level: str
    target: str
    message: str


_decode = msgspec.json.Decoder(_Message).decode


def set_level(level: int | str) -> None:
    """Sets what the engine logs from now on, in all clients of the process, and the level of the logger ``codex_cffi.engine`` with it.

    Args:
        level: A level of ``logging``, by number or name (also :data:`TRACE`, ``"trace"`` and ``"off"``), or a list of these for single modules of the
            engine, ``"warning,codex_core.client=debug"``; the longest name that fits decides. Of libraries that the engine uses (``hyper``, ``sqlx``)
            only warnings and errors are told unless they are named.

    Raises:
        TypeError, ValueError: Not a level.
    """
    if not isinstance(level, (int, str)):
        raise TypeError(f"a level is a number or a text, not {type(level).__name__}")
    if isinstance(level, int):
        number, text = level, _name(level)
    else:
        parts = [part.strip().partition("=") for part in level.split(",") if part.strip()]
        names = [(target, name if equals else target) for target, equals, name in parts]
        known = [(target, name.strip().lower()) for target, name in names]
        wrong = [name for _, name in known if name not in _NUMBERS]
        if wrong or not known:
            raise ValueError(f"{', '.join(wrong) or 'the empty text'} is not a level; there are {', '.join(_NUMBERS)}")
        number = min(_NUMBERS[name] for _, name in known)
        text = ",".join(
            f"{target.strip().replace('.', '::')}={_name(_NUMBERS[name])}" if equals else _name(_NUMBERS[name])
            for (target, equals, _), (_, name) in zip(parts, known, strict=True)
        )
    _engine.setLevel(number)
    _reader.start(text)


def _name(level: int) -> str:
    """The engine's name of the least level that is not below a number."""
    return next((name for number, name in sorted(_LEVELS.items()) if number >= level), "off")


class _Reader:
    """The thread that hands the engine's messages on. There is one a process, once the engine logs at all."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._filter: str | None = None
        self._reads = False

    def start(self, text: str | None = None) -> None:
        """Sets the filter: `text`, or what the logger's level asks for if none was ever set."""
        with self._lock:
            if text is None:
                if self._filter is not None:
                    return
                text = f"{_name(_engine.getEffectiveLevel())},{_NOISE}"
            _capi.log_filter(text)
            self._filter = text
            begins, self._reads = not self._reads, True
        if begins:
            # Without the lock: a greenlet lets others run when it starts one.
            try:
                threading.Thread(target=self._run, name="codex-cffi-log", daemon=True).start()
            except BaseException:
                self._reads = False
                raise

    def _run(self) -> None:
        try:
            while True:
                batch = _capi.log_poll(_BATCH, -1)
                if batch is not None:
                    _hand_on(batch)
        except CodexError:
            return  # in a forked child

    def drain(self) -> None:
        """Hands on what is left, at exit."""
        if not self._reads:
            return
        try:
            while (batch := _capi.log_poll(_BATCH, 0)) is not None:
                _hand_on(batch)
        except CodexError:
            pass

    def forget(self) -> None:
        """A forked child has no engine, and no thread."""
        self._lock = threading.Lock()
        self._filter = None
        self._reads = False


def _hand_on(batch: bytes) -> None:
    for envelope in decode_batch(batch):
        if envelope.method == "log":
            _emit(envelope)
        elif envelope.method == "gap":
            _engine.warning("messages of the engine were lost: %s", bytes(envelope.params).decode())


def _emit(envelope: Envelope) -> None:
    try:
        message = _decode(envelope.params)
    except msgspec.ValidationError as error:
        _engine.error("a message of the engine was not understood: %s", error)
        return
    logger = logging.getLogger(f"{_ENGINE}.{message.target.replace('::', '.')}")
    number = _NUMBERS.get(message.level, logging.WARNING)
    if logger.isEnabledFor(number):
        record = logger.makeRecord(logger.name, number, message.target, 0, "%s", (message.message,), None)
        record.created = message.time
        record.msecs = message.time % 1 * 1000
        logger.handle(record)


_reader = _Reader()
follow = _reader.start
atexit.register(_reader.drain)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reader.forget)
