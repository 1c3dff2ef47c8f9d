"""The engine's protocol: mcp.

Made by scripts/protocol.py from the engine's own schema; do not edit.
"""

from __future__ import annotations

from typing import Any, ClassVar, TypeAlias

import msgspec

from .._base import HostParams, Params, Struct
from .names import (
    McpAuthStatus,
    McpElicitationObjectType,
    McpElicitationPrimitiveSchema,
    McpServerElicitationAction,
    McpServerStartupFailureReason,
    McpServerStartupState,
    McpServerStatusDetail,
)
from .shared import UnknownByMode


class FormMcpServerElicitationRequestParams(
    HostParams["McpServerElicitationRequestResponse"], frozen=True, kw_only=True, tag_field="mode", tag="form"
):
    """Parameters of ``mcpServer/elicitation/request``.

    Attributes:
        turn_id: Active Codex turn when this elicitation was observed, if app-server could correlate one. This is
            nullable because MCP models elicitation as a standalone server-to-client request identified by the MCP
            server request id. It may be triggered during a turn, but turn context is app-server correlation rather than
            part of the protocol identity of the elicitation itself.
    """

    METHOD: ClassVar[str] = "mcpServer/elicitation/request"
    server_name: str
    thread_id: str
    message: str
    requested_schema: McpElicitationSchema
    turn_id: str | None = None
    meta: Any = msgspec.field(name="_meta", default=None)


class ListMcpServerStatusParams(Params["ListMcpServerStatusResponse"], frozen=True, kw_only=True):
    """Parameters of ``mcpServerStatus/list``.

    Attributes:
        cursor: Opaque pagination cursor returned by a previous call.
        detail: Controls how much MCP inventory data to fetch for each server. Defaults to ``Full`` when omitted.
        limit: Optional page size; defaults to a server-defined value.
    """

    METHOD: ClassVar[str] = "mcpServerStatus/list"
    cursor: str | None = None
    detail: McpServerStatusDetail | None = None
    limit: int | None = None
    thread_id: str | None = None


class ListMcpServerStatusResponse(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        next_cursor: Opaque cursor to pass to the next call to continue after the last item. If None, there are no more
            items to return.
    """

    data: list[McpServerStatus]
    next_cursor: str | None = None


class McpElicitationSchema(Struct, frozen=True, kw_only=True):
    """Typed form schema for MCP ``elicitation/create`` requests.

    This matches the ``requestedSchema`` shape from the MCP 2025-11-25 ``ElicitRequestFormParams`` schema.
    """

    properties: dict[str, McpElicitationPrimitiveSchema]
    type: McpElicitationObjectType
    schema: str | None = msgspec.field(name="$schema", default=None)
    required: list[str] | None = None


class McpResourceReadParams(Params["McpResourceReadResponse"], frozen=True, kw_only=True):
    """Parameters of ``mcpServer/resource/read``."""

    METHOD: ClassVar[str] = "mcpServer/resource/read"
    server: str
    uri: str
    thread_id: str | None = None


class McpResourceReadResponse(Struct, frozen=True, kw_only=True):
    contents: list[ResourceContent]


class McpServerElicitationRequestResponse(Struct, frozen=True, kw_only=True):
    """
    Attributes:
        meta: Optional client metadata for form-mode action handling.
        content: Structured user input for accepted elicitations, mirroring RMCP ``CreateElicitationResult``. This is
            nullable because decline/cancel responses have no content.
    """

    action: McpServerElicitationAction
    meta: Any = msgspec.field(name="_meta", default=None)
    content: Any = None


class McpServerInfo(Struct, frozen=True, kw_only=True):
    """Presentation metadata advertised by an initialized MCP server."""

    name: str
    version: str
    description: str | None = None
    icons: list[Any] | None = None
    title: str | None = None
    website_url: str | None = None


class McpServerOauthLoginCompletedNotification(Struct, frozen=True, kw_only=True):
    name: str
    success: bool
    error: str | None = None
    thread_id: str | None = None


class McpServerOauthLoginParams(Params["McpServerOauthLoginResponse"], frozen=True, kw_only=True):
    """Parameters of ``mcpServer/oauth/login``."""

    METHOD: ClassVar[str] = "mcpServer/oauth/login"
    name: str
    scopes: list[str] | None = None
    thread_id: str | None = None
    timeout_secs: int | None = None


class McpServerOauthLoginResponse(Struct, frozen=True, kw_only=True):
    authorization_url: str


class McpServerStatus(Struct, frozen=True, kw_only=True):
    auth_status: McpAuthStatus
    name: str
    resource_templates: list[ResourceTemplate]
    resources: list[Resource]
    tools: dict[str, Tool]
    server_info: McpServerInfo | None = None


class McpServerStatusUpdatedNotification(Struct, frozen=True, kw_only=True):
    name: str
    status: McpServerStartupState
    error: str | None = None
    failure_reason: McpServerStartupFailureReason | None = None
    thread_id: str | None = None


class McpServerToolCallParams(Params["McpServerToolCallResponse"], frozen=True, kw_only=True):
    """Parameters of ``mcpServer/tool/call``."""

    METHOD: ClassVar[str] = "mcpServer/tool/call"
    server: str
    thread_id: str
    tool: str
    meta: Any = msgspec.field(name="_meta", default=None)
    arguments: Any = None


class McpServerToolCallResponse(Struct, frozen=True, kw_only=True):
    content: list[Any]
    meta: Any = msgspec.field(name="_meta", default=None)
    is_error: bool | None = None
    structured_content: Any = None


class OpenaiFormMcpServerElicitationRequestParams(
    HostParams["McpServerElicitationRequestResponse"], frozen=True, kw_only=True, tag_field="mode", tag="openai/form"
):
    """Parameters of ``mcpServer/elicitation/request``.

    Attributes:
        turn_id: Active Codex turn when this elicitation was observed, if app-server could correlate one. This is
            nullable because MCP models elicitation as a standalone server-to-client request identified by the MCP
            server request id. It may be triggered during a turn, but turn context is app-server correlation rather than
            part of the protocol identity of the elicitation itself.
    """

    METHOD: ClassVar[str] = "mcpServer/elicitation/request"
    server_name: str
    thread_id: str
    message: str
    requested_schema: Any
    turn_id: str | None = None
    meta: Any = msgspec.field(name="_meta", default=None)


class Resource(Struct, frozen=True, kw_only=True):
    """A known resource that the server is capable of reading."""

    name: str
    uri: str
    meta: Any = msgspec.field(name="_meta", default=None)
    annotations: Any = None
    description: str | None = None
    icons: list[Any] | None = None
    mime_type: str | None = None
    size: int | None = None
    title: str | None = None


class ResourceContent(Struct, frozen=True, kw_only=True):
    """Contents returned when reading a resource from an MCP server.

    Which of the optional fields are set depends on the case.

    Attributes:
        uri: The URI of this resource.
    """

    uri: str
    meta: Any = msgspec.field(name="_meta", default=None)
    mime_type: str | None = None
    text: str | None = None
    blob: str | None = None


class ResourceTemplate(Struct, frozen=True, kw_only=True):
    """A template description for resources available on the server."""

    name: str
    uri_template: str
    annotations: Any = None
    description: str | None = None
    mime_type: str | None = None
    title: str | None = None


class Tool(Struct, frozen=True, kw_only=True):
    """Definition for a tool the client can call."""

    input_schema: Any
    name: str
    meta: Any = msgspec.field(name="_meta", default=None)
    annotations: Any = None
    description: str | None = None
    icons: list[Any] | None = None
    output_schema: Any = None
    title: str | None = None


class UrlMcpServerElicitationRequestParams(
    HostParams["McpServerElicitationRequestResponse"], frozen=True, kw_only=True, tag_field="mode", tag="url"
):
    """Parameters of ``mcpServer/elicitation/request``.

    Attributes:
        turn_id: Active Codex turn when this elicitation was observed, if app-server could correlate one. This is
            nullable because MCP models elicitation as a standalone server-to-client request identified by the MCP
            server request id. It may be triggered during a turn, but turn context is app-server correlation rather than
            part of the protocol identity of the elicitation itself.
    """

    METHOD: ClassVar[str] = "mcpServer/elicitation/request"
    server_name: str
    thread_id: str
    elicitation_id: str
    message: str
    url: str
    turn_id: str | None = None
    meta: Any = msgspec.field(name="_meta", default=None)


McpServerElicitationRequestParams: TypeAlias = (
    FormMcpServerElicitationRequestParams
    | OpenaiFormMcpServerElicitationRequestParams
    | UrlMcpServerElicitationRequestParams
    | UnknownByMode
)
