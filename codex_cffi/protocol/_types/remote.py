"""The engine's protocol: remote.

Made by scripts/protocol.py from the engine's own schema; do not edit.
"""

from __future__ import annotations

from typing import ClassVar

from .._base import Params, Struct
from .names import EnvironmentStatusKind, PathUri, RemoteControlClientsListOrder, RemoteControlConnectionStatus


class EnvironmentAddParams(Params["EnvironmentAddResponse"], frozen=True, kw_only=True):
    """Parameters of ``environment/add``.

    Attributes:
        connect_timeout_ms: Optional WebSocket connection timeout. The server default applies when omitted.
    """

    METHOD: ClassVar[str] = "environment/add"
    environment_id: str
    exec_server_url: str
    connect_timeout_ms: int | None = None


class EnvironmentAddResponse(Struct, frozen=True, kw_only=True):
    pass


class EnvironmentInfoParams(Params["EnvironmentInfoResponse"], frozen=True, kw_only=True):
    """Parameters of ``environment/info``."""

    METHOD: ClassVar[str] = "environment/info"
    environment_id: str


class EnvironmentInfoResponse(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        cwd: Default working directory reported by the environment, as a canonical file URI.
    """

    shell: EnvironmentShellInfo
    cwd: PathUri | None = None


class EnvironmentShellInfo(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        name: Stable shell name, for example ``zsh``, ``bash``, ``powershell``, ``sh``, or ``cmd``.
        path: Target-native shell executable path or command name.
    """

    name: str
    path: str


class EnvironmentStatusParams(Params["EnvironmentStatusResponse"], frozen=True, kw_only=True):
    """Parameters for reading the current status of one configured environment.

    Attributes:
        environment_id: Environment id to inspect.
    """

    METHOD: ClassVar[str] = "environment/status"
    environment_id: str


class EnvironmentStatusResponse(Struct, frozen=True, kw_only=True):
    """Current status for the requested environment.

    Attributes:
        status: Current status observed without starting or recovering the environment.
        error: Human-readable detail for ``disconnected`` and ``unknown``; omitted for other statuses.
    """

    status: EnvironmentStatusKind
    error: str | None = None


class RemoteControlClient(Struct, frozen=True, kw_only=True):
    client_id: str
    app_version: str | None = None
    device_model: str | None = None
    device_type: str | None = None
    display_name: str | None = None
    last_seen_at: int | None = None
    os_version: str | None = None
    platform: str | None = None


class RemoteControlClientsListParams(Params["RemoteControlClientsListResponse"], frozen=True, kw_only=True):
    """Parameters of ``remoteControl/client/list``."""

    METHOD: ClassVar[str] = "remoteControl/client/list"
    environment_id: str
    cursor: str | None = None
    limit: int | None = None
    order: RemoteControlClientsListOrder | None = None


class RemoteControlClientsListResponse(Struct, frozen=True, kw_only=True):
    data: list[RemoteControlClient]
    next_cursor: str | None = None


class RemoteControlClientsRevokeParams(Params["RemoteControlClientsRevokeResponse"], frozen=True, kw_only=True):
    """Parameters of ``remoteControl/client/revoke``."""

    METHOD: ClassVar[str] = "remoteControl/client/revoke"
    client_id: str
    environment_id: str


class RemoteControlClientsRevokeResponse(Struct, frozen=True, kw_only=True):
    pass


class RemoteControlDisableParams(Params["RemoteControlDisableResponse"], frozen=True, kw_only=True):
    """Parameters of ``remoteControl/disable``."""

    METHOD: ClassVar[str] = "remoteControl/disable"
    ephemeral: bool | None = None


class RemoteControlDisableResponse(Struct, frozen=True, kw_only=True):
    installation_id: str
    server_name: str
    status: RemoteControlConnectionStatus
    environment_id: str | None = None


class RemoteControlEnableParams(Params["RemoteControlEnableResponse"], frozen=True, kw_only=True):
    """Parameters of ``remoteControl/enable``."""

    METHOD: ClassVar[str] = "remoteControl/enable"
    ephemeral: bool | None = None


class RemoteControlEnableResponse(Struct, frozen=True, kw_only=True):
    installation_id: str
    server_name: str
    status: RemoteControlConnectionStatus
    environment_id: str | None = None


class RemoteControlPairingStartParams(Params["RemoteControlPairingStartResponse"], frozen=True, kw_only=True):
    """Parameters of ``remoteControl/pairing/start``."""

    METHOD: ClassVar[str] = "remoteControl/pairing/start"
    manual_code: bool | None = None


class RemoteControlPairingStartResponse(Struct, frozen=True, kw_only=True):
    environment_id: str
    expires_at: int
    pairing_code: str
    manual_pairing_code: str | None = None


class RemoteControlPairingStatusParams(Params["RemoteControlPairingStatusResponse"], frozen=True, kw_only=True):
    """Parameters of ``remoteControl/pairing/status``."""

    METHOD: ClassVar[str] = "remoteControl/pairing/status"
    manual_pairing_code: str | None = None
    pairing_code: str | None = None


class RemoteControlPairingStatusResponse(Struct, frozen=True, kw_only=True):
    claimed: bool


class RemoteControlStatusChangedNotification(Struct, frozen=True, kw_only=True):
    """Current remote-control connection status and remote identity exposed to clients."""

    installation_id: str
    server_name: str
    status: RemoteControlConnectionStatus
    environment_id: str | None = None


class RemoteControlStatusReadParams(Params["RemoteControlStatusReadResponse"], frozen=True, kw_only=True):
    """``remoteControl/status/read`` has no parameters."""

    METHOD: ClassVar[str] = "remoteControl/status/read"
    WITHOUT: ClassVar[bool] = True


class RemoteControlStatusReadResponse(Struct, frozen=True, kw_only=True):
    installation_id: str
    server_name: str
    status: RemoteControlConnectionStatus
    environment_id: str | None = None
