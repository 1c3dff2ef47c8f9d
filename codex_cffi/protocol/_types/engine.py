"""The engine's protocol: what belongs to no other module.

Made by scripts/protocol.py from the engine's own schema; do not edit.
"""

from __future__ import annotations

from typing import ClassVar

from .._base import HostParams, Params, Struct
from .names import AbsolutePathBuf, WindowsSandboxReadiness, WindowsSandboxSetupMode


class AttestationGenerateParams(HostParams["AttestationGenerateResponse"], frozen=True, kw_only=True):
    """Parameters of ``attestation/generate``."""

    METHOD: ClassVar[str] = "attestation/generate"


class AttestationGenerateResponse(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        token: Opaque client attestation token.
    """

    token: str


class ClientInfo(Struct, frozen=True, kw_only=True):
    name: str
    version: str
    title: str | None = None


class CurrentTimeReadParams(HostParams["CurrentTimeReadResponse"], frozen=True, kw_only=True):
    """Parameters of ``currentTime/read``."""

    METHOD: ClassVar[str] = "currentTime/read"
    thread_id: str


class CurrentTimeReadResponse(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        current_time_at: Current time as whole Unix seconds.
    """

    current_time_at: int


class DeprecationNoticeNotification(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        summary: Concise summary of what is deprecated.
        details: Optional extra guidance, such as migration steps or rationale.
    """

    summary: str
    details: str | None = None


class FeedbackUploadParams(Params["FeedbackUploadResponse"], frozen=True, kw_only=True):
    """Parameters of ``feedback/upload``."""

    METHOD: ClassVar[str] = "feedback/upload"
    classification: str
    extra_log_files: list[str] | None = None
    include_logs: bool | None = None
    reason: str | None = None
    tags: dict[str, str] | None = None
    thread_id: str | None = None


class FeedbackUploadResponse(Struct, frozen=True, kw_only=True):
    thread_id: str


class GuardianWarningNotification(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        message: Concise guardian warning message for the user.
        thread_id: Thread target for the guardian warning.
    """

    message: str
    thread_id: str


class InitializeCapabilities(Struct, frozen=True, kw_only=True):
    """Client-declared capabilities negotiated during initialize.

    Attributes:
        experimental_api: Opt into receiving experimental API methods and fields.
        mcp_server_openai_form_elicitation: Allow downstream MCP servers to request OpenAI extended form elicitations.
        opt_out_notification_methods: Exact notification method names that should be suppressed for this connection (for
            example ``thread/started``).
        request_attestation: Opt into ``attestation/generate`` requests for upstream ``x-oai-attestation``.
    """

    experimental_api: bool = False
    mcp_server_openai_form_elicitation: bool | None = None
    opt_out_notification_methods: list[str] | None = None
    request_attestation: bool = False


class InitializeParams(Params["InitializeResponse"], frozen=True, kw_only=True):
    """Parameters of ``initialize``."""

    METHOD: ClassVar[str] = "initialize"
    client_info: ClientInfo
    capabilities: InitializeCapabilities | None = None


class InitializeResponse(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        codex_home: Absolute path to the server's $CODEX_HOME directory.
        platform_family: Platform family for the running app-server target, for example ``"unix"`` or ``"windows"``.
        platform_os: Operating system for the running app-server target, for example ``"macos"``, ``"linux"``, or
            ``"windows"``.
    """

    codex_home: AbsolutePathBuf
    platform_family: str
    platform_os: str
    user_agent: str


class MemoryResetParams(Params["MemoryResetResponse"], frozen=True, kw_only=True):
    """``memory/reset`` has no parameters."""

    METHOD: ClassVar[str] = "memory/reset"
    WITHOUT: ClassVar[bool] = True


class MemoryResetResponse(Struct, frozen=True, kw_only=True):
    pass


class MockExperimentalMethodParams(Params["MockExperimentalMethodResponse"], frozen=True, kw_only=True):
    """Parameters of ``mock/experimentalMethod``.

    Attributes:
        value: Test-only payload field.
    """

    METHOD: ClassVar[str] = "mock/experimentalMethod"
    value: str | None = None


class MockExperimentalMethodResponse(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        echoed: Echoes the input ``value``.
    """

    echoed: str | None = None


class WarningNotification(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        message: Concise warning message for the user.
        thread_id: Optional thread target when the warning applies to a specific thread.
    """

    message: str
    thread_id: str | None = None


class WindowsSandboxReadinessParams(Params["WindowsSandboxReadinessResponse"], frozen=True, kw_only=True):
    """``windowsSandbox/readiness`` has no parameters."""

    METHOD: ClassVar[str] = "windowsSandbox/readiness"
    WITHOUT: ClassVar[bool] = True


class WindowsSandboxReadinessResponse(Struct, frozen=True, kw_only=True):
    status: WindowsSandboxReadiness


class WindowsSandboxSetupCompletedNotification(Struct, frozen=True, kw_only=True):
    mode: WindowsSandboxSetupMode
    success: bool
    error: str | None = None


class WindowsSandboxSetupStartParams(Params["WindowsSandboxSetupStartResponse"], frozen=True, kw_only=True):
    """Parameters of ``windowsSandbox/setupStart``."""

    METHOD: ClassVar[str] = "windowsSandbox/setupStart"
    mode: WindowsSandboxSetupMode
    cwd: AbsolutePathBuf | None = None


class WindowsSandboxSetupStartResponse(Struct, frozen=True, kw_only=True):
    started: bool


class WindowsWorldWritableWarningNotification(Struct, frozen=True, kw_only=True):
    extra_count: int
    failed_scan: bool
    sample_paths: list[str]
