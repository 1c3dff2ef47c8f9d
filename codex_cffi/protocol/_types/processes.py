"""The engine's protocol: processes.

Made by scripts/protocol.py from the engine's own schema; do not edit.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

from .._base import Params, Struct
from .names import AbsolutePathBuf, CommandExecOutputStream, ProcessOutputStream
from .shared import SandboxPolicy


class CommandExecOutputDeltaNotification(Struct, frozen=True, kw_only=True):
    """Base64-encoded output chunk emitted for a streaming ``command/exec`` request.

    These notifications are connection-scoped. If the originating connection closes, the server terminates the process.

    Attributes:
        cap_reached: ``true`` on the final streamed chunk for a stream when ``outputBytesCap`` truncated later output on
            that stream.
        delta_base64: Base64-encoded output bytes.
        process_id: Client-supplied, connection-scoped ``processId`` from the original ``command/exec`` request.
        stream: Output stream for this chunk.
    """

    cap_reached: bool
    delta_base64: str
    process_id: str
    stream: CommandExecOutputStream


class CommandExecParams(Params["CommandExecResponse"], frozen=True, kw_only=True):
    """Run a standalone command (argv vector) in the server sandbox without creating a thread or turn.

    The final ``command/exec`` response is deferred until the process exits and is sent only after all
    ``command/exec/outputDelta`` notifications for that connection have been emitted.

    Attributes:
        command: Command argv vector. Empty arrays are rejected.
        cwd: Optional working directory. Defaults to the server cwd.
        disable_output_cap: Disable stdout/stderr capture truncation for this request. Cannot be combined with
            ``outputBytesCap``.
        disable_timeout: Disable the timeout entirely for this request. Cannot be combined with ``timeoutMs``.
        env: Optional environment overrides merged into the server-computed environment. Matching names override
            inherited values. Set a key to ``null`` to unset an inherited variable.
        output_bytes_cap: Optional per-stream stdout/stderr capture cap in bytes. When omitted, the server default
            applies. Cannot be combined with ``disableOutputCap``.
        permission_profile: Optional active permissions profile id for this command. Defaults to the user's configured
            permissions when omitted. Cannot be combined with ``sandboxPolicy``.
        process_id: Optional client-supplied, connection-scoped process id. Required for ``tty``, ``streamStdin``,
            ``streamStdoutStderr``, and follow-up ``command/exec/write``, ``command/exec/resize``, and
            ``command/exec/terminate`` calls. When omitted, buffered execution gets an internal id that is not exposed
            to the client.
        sandbox_policy: Optional sandbox policy for this command. Uses the same shape as thread/turn execution sandbox
            configuration and defaults to the user's configured policy when omitted. Cannot be combined with
            ``permissionProfile``.
        size: Optional initial PTY size in character cells. Only valid when ``tty`` is true.
        stream_stdin: Allow follow-up ``command/exec/write`` requests to write stdin bytes. Requires a client-supplied
            ``processId``.
        stream_stdout_stderr: Stream stdout/stderr via ``command/exec/outputDelta`` notifications. Streamed bytes are
            not duplicated into the final response and require a client-supplied ``processId``.
        timeout_ms: Optional timeout in milliseconds. When omitted, the server default applies. Cannot be combined with
            ``disableTimeout``.
        tty: Enable PTY mode. This implies ``streamStdin`` and ``streamStdoutStderr``.
    """

    METHOD: ClassVar[str] = "command/exec"
    command: list[str]
    cwd: str | None = None
    disable_output_cap: bool | None = None
    disable_timeout: bool | None = None
    env: dict[str, str | None] | None = None
    output_bytes_cap: int | None = None
    permission_profile: str | None = None
    process_id: str | None = None
    sandbox_policy: SandboxPolicy | None = None
    size: CommandExecTerminalSize | None = None
    stream_stdin: bool | None = None
    stream_stdout_stderr: bool | None = None
    timeout_ms: int | None = None
    tty: bool | None = None


class CommandExecResizeParams(Params["CommandExecResizeResponse"], frozen=True, kw_only=True):
    """Resize a running PTY-backed ``command/exec`` session.

    Attributes:
        process_id: Client-supplied, connection-scoped ``processId`` from the original ``command/exec`` request.
        size: New PTY size in character cells.
    """

    METHOD: ClassVar[str] = "command/exec/resize"
    process_id: str
    size: CommandExecTerminalSize


class CommandExecResizeResponse(Struct, frozen=True, kw_only=True):
    """Empty success response for ``command/exec/resize``."""


class CommandExecResponse(Struct, frozen=True, kw_only=True):
    """Final buffered result for ``command/exec``.

    Attributes:
        exit_code: Process exit code.
        stderr: Buffered stderr capture. Empty when stderr was streamed via ``command/exec/outputDelta``.
        stdout: Buffered stdout capture. Empty when stdout was streamed via ``command/exec/outputDelta``.
    """

    exit_code: int
    stderr: str
    stdout: str


class CommandExecTerminalSize(Struct, frozen=True, kw_only=True):
    """PTY size in character cells for ``command/exec`` PTY sessions.

    Attributes:
        cols: Terminal width in character cells.
        rows: Terminal height in character cells.
    """

    cols: int
    rows: int


class CommandExecTerminateParams(Params["CommandExecTerminateResponse"], frozen=True, kw_only=True):
    """Terminate a running ``command/exec`` session.

    Attributes:
        process_id: Client-supplied, connection-scoped ``processId`` from the original ``command/exec`` request.
    """

    METHOD: ClassVar[str] = "command/exec/terminate"
    process_id: str


class CommandExecTerminateResponse(Struct, frozen=True, kw_only=True):
    """Empty success response for ``command/exec/terminate``."""


class CommandExecWriteParams(Params["CommandExecWriteResponse"], frozen=True, kw_only=True):
    """Write stdin bytes to a running ``command/exec`` session, close stdin, or both.

    Attributes:
        process_id: Client-supplied, connection-scoped ``processId`` from the original ``command/exec`` request.
        close_stdin: Close stdin after writing ``deltaBase64``, if present.
        delta_base64: Optional base64-encoded stdin bytes to write.
    """

    METHOD: ClassVar[str] = "command/exec/write"
    process_id: str
    close_stdin: bool | None = None
    delta_base64: str | None = None


class CommandExecWriteResponse(Struct, frozen=True, kw_only=True):
    """Empty success response for ``command/exec/write``."""


class ProcessExitedNotification(Struct, frozen=True, kw_only=True):
    """Final process exit notification for ``process/spawn``.

    Attributes:
        exit_code: Process exit code.
        process_handle: Client-supplied, connection-scoped ``processHandle`` from ``process/spawn``.
        stderr: Buffered stderr capture. Empty when stderr was streamed via ``process/outputDelta``.
        stderr_cap_reached: Whether stderr reached ``outputBytesCap``. In streaming mode, stderr is empty and cap state
            is also reported on the final stderr ``process/outputDelta`` notification.
        stdout: Buffered stdout capture. Empty when stdout was streamed via ``process/outputDelta``.
        stdout_cap_reached: Whether stdout reached ``outputBytesCap``. In streaming mode, stdout is empty and cap state
            is also reported on the final stdout ``process/outputDelta`` notification.
    """

    exit_code: int
    process_handle: str
    stderr: str
    stderr_cap_reached: bool
    stdout: str
    stdout_cap_reached: bool


class ProcessKillParams(Params["ProcessKillResponse"], frozen=True, kw_only=True):
    """Terminate a running ``process/spawn`` session.

    Attributes:
        process_handle: Client-supplied, connection-scoped ``processHandle`` from ``process/spawn``.
    """

    METHOD: ClassVar[str] = "process/kill"
    process_handle: str


class ProcessKillResponse(Struct, frozen=True, kw_only=True):
    """Empty success response for ``process/kill``."""


class ProcessOutputDeltaNotification(Struct, frozen=True, kw_only=True):
    """Base64-encoded output chunk emitted for a streaming ``process/spawn`` request.

    Attributes:
        cap_reached: True on the final streamed chunk for this stream when output was truncated by ``outputBytesCap``.
        delta_base64: Base64-encoded output bytes.
        process_handle: Client-supplied, connection-scoped ``processHandle`` from ``process/spawn``.
        stream: Output stream this chunk belongs to.
    """

    cap_reached: bool
    delta_base64: str
    process_handle: str
    stream: ProcessOutputStream


class ProcessResizePtyParams(Params["ProcessResizePtyResponse"], frozen=True, kw_only=True):
    """Resize a running PTY-backed ``process/spawn`` session.

    Attributes:
        process_handle: Client-supplied, connection-scoped ``processHandle`` from ``process/spawn``.
        size: New PTY size in character cells.
    """

    METHOD: ClassVar[str] = "process/resizePty"
    process_handle: str
    size: ProcessTerminalSize


class ProcessResizePtyResponse(Struct, frozen=True, kw_only=True):
    """Empty success response for ``process/resizePty``."""


class ProcessSpawnParams(Params["ProcessSpawnResponse"], frozen=True, kw_only=True):
    """Spawn a standalone process (argv vector) without a Codex sandbox on the host where the app server is running.

    ``process/spawn`` returns after the process has started and the connection-scoped ``processHandle`` has been
    registered. Process output and exit are reported via ``process/outputDelta`` and ``process/exited`` notifications.

    Attributes:
        command: Command argv vector. Empty arrays are rejected.
        cwd: Absolute working directory for the process.
        process_handle: Client-supplied, connection-scoped process handle. Duplicate active handles are rejected on the
            same connection. The same handle can be reused after the prior process exits.
        env: Optional environment overrides merged into the app-server process environment. Matching names override
            inherited values. Set a key to ``null`` to unset an inherited variable.
        output_bytes_cap: Optional per-stream stdout/stderr capture cap in bytes. When omitted, the server default
            applies. Set to ``null`` to disable the cap. None is sent as null; left out, nothing is sent.
        size: Optional initial PTY size in character cells. Only valid when ``tty`` is true.
        stream_stdin: Allow follow-up ``process/writeStdin`` requests to write stdin bytes.
        stream_stdout_stderr: Stream stdout/stderr via ``process/outputDelta`` notifications. Streamed bytes are not
            duplicated into the ``process/exited`` notification.
        timeout_ms: Optional timeout in milliseconds. When omitted, the server default applies. Set to ``null`` to
            disable the timeout. None is sent as null; left out, nothing is sent.
        tty: Enable PTY mode. This implies ``streamStdin`` and ``streamStdoutStderr``.
    """

    METHOD: ClassVar[str] = "process/spawn"
    command: list[str]
    cwd: AbsolutePathBuf
    process_handle: str
    env: dict[str, str | None] | None = None
    output_bytes_cap: int | None | msgspec.UnsetType = msgspec.UNSET
    size: ProcessTerminalSize | None = None
    stream_stdin: bool | None = None
    stream_stdout_stderr: bool | None = None
    timeout_ms: int | None | msgspec.UnsetType = msgspec.UNSET
    tty: bool | None = None


class ProcessSpawnResponse(Struct, frozen=True, kw_only=True):
    """Successful response for ``process/spawn``."""


class ProcessTerminalSize(Struct, frozen=True, kw_only=True):
    """PTY size in character cells for ``process/spawn`` PTY sessions.

    Attributes:
        cols: Terminal width in character cells.
        rows: Terminal height in character cells.
    """

    cols: int
    rows: int


class ProcessWriteStdinParams(Params["ProcessWriteStdinResponse"], frozen=True, kw_only=True):
    """Write stdin bytes to a running ``process/spawn`` session, close stdin, or both.

    Attributes:
        process_handle: Client-supplied, connection-scoped ``processHandle`` from ``process/spawn``.
        close_stdin: Close stdin after writing ``deltaBase64``, if present.
        delta_base64: Optional base64-encoded stdin bytes to write.
    """

    METHOD: ClassVar[str] = "process/writeStdin"
    process_handle: str
    close_stdin: bool | None = None
    delta_base64: str | None = None


class ProcessWriteStdinResponse(Struct, frozen=True, kw_only=True):
    """Empty success response for ``process/writeStdin``."""
