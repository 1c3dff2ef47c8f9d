"""What an editor's user says, as the input of a turn; and MCP servers that an editor hands on."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from acp import RequestError, schema

from .. import HttpServer, ImageBytes, StdioServer, TextInput

__all__ = ["mcp_servers", "turn_input"]


def turn_input(blocks: Sequence[Any]) -> list[Any]:
    """The parts of an input.

    Raises:
        RequestError: A block cannot be used, or there is nothing to do.
    """
    parts = [part for block in blocks for part in _parts(block)]
    if not parts:
        raise RequestError.invalid_params({"prompt": "it is empty"})
    return parts


def _parts(block: Any) -> list[Any]:
    match block:
        case schema.TextContentBlock(text=text):
            return [TextInput(text)] if text else []
        case schema.ImageContentBlock(data=data):
            return [ImageBytes(_bytes(data))]
        case schema.ResourceContentBlock(uri=uri, name=name):
            return [TextInput(f"[@{name}]({_path(uri) or uri})")]
        case schema.EmbeddedResourceContentBlock(resource=schema.TextResourceContents(uri=uri, text=text)):
            return [TextInput(f'<context ref="{uri}">\n{text}\n</context>')]
    raise RequestError.invalid_params(
        {"prompt": f"blocks of the type {getattr(block, 'type', type(block).__name__)} cannot be used"}
    )


def _path(uri: str) -> Path | None:
    parts = urlsplit(uri)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def _bytes(data: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise RequestError.invalid_params({"prompt": "the data of an image is not Base64"}) from None


def mcp_servers(given: Sequence[Any] | None) -> dict[str, Any]:
    """The servers that an editor has, by name.

    Raises:
        RequestError: One is of a kind that the engine does not know.
    """
    made: dict[str, Any] = {}
    for server in given or ():
        match server:
            case schema.McpServerStdio(name=name, command=command, args=arguments, env=variables):
                made[name] = StdioServer(
                    command, arguments, env={variable.name: variable.value for variable in variables}
                )
            case schema.HttpMcpServer(name=name, url=url, headers=headers):
                made[name] = HttpServer(url, headers={header.name: header.value for header in headers})
            case _:
                raise RequestError.invalid_params(
                    {
                        "mcpServers": f"{server.name}: servers of the type {getattr(server, 'type', '')} are not supported"
                    }
                )
    return made
