"""A real MCP server over streamable HTTP, for test_mcp.py: ``python mcp_http_server.py PORT [oauth]``.

With ``oauth`` it is its own authorization server, which asks nobody.
"""

from __future__ import annotations

import secrets
import sys
import time
from typing import Any

from mcp.server.auth.provider import AccessToken, AuthorizationCode, AuthorizationParams, construct_redirect_uri
from mcp.server.auth.settings import AuthSettings, ClientRegistrationOptions
from mcp.server.mcpserver import MCPServer
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken

PORT = int(sys.argv[1])
BASE = f"http://127.0.0.1:{PORT}"


class Provider:
    """Grants everything."""

    def __init__(self) -> None:
        self._clients: dict[str, OAuthClientInformationFull] = {}
        self._codes: dict[str, AuthorizationCode] = {}
        self._tokens: dict[str, AccessToken] = {}

    async def get_client(self, client_id: str) -> OAuthClientInformationFull | None:
        return self._clients.get(client_id)

    async def register_client(self, client_info: OAuthClientInformationFull) -> None:
        self._clients[client_info.client_id or ""] = client_info

    async def authorize(self, client: OAuthClientInformationFull, params: AuthorizationParams) -> str:
        code = secrets.token_urlsafe(32)
        self._codes[code] = AuthorizationCode(
            code=code,
            client_id=client.client_id or "",
            scopes=params.scopes or [],
            expires_at=time.time() + 60,
            code_challenge=params.code_challenge,
            redirect_uri=params.redirect_uri,
            redirect_uri_provided_explicitly=params.redirect_uri_provided_explicitly,
            resource=params.resource,
        )
        return construct_redirect_uri(str(params.redirect_uri), code=code, state=params.state)

    async def load_authorization_code(self, client: Any, authorization_code: str) -> AuthorizationCode | None:
        return self._codes.get(authorization_code)

    async def exchange_authorization_code(self, client: Any, authorization_code: AuthorizationCode) -> OAuthToken:
        token = secrets.token_urlsafe(32)
        self._tokens[token] = AccessToken(
            token=token,
            client_id=client.client_id,
            scopes=authorization_code.scopes,
            expires_at=int(time.time()) + 3600,
            resource=authorization_code.resource,
        )
        return OAuthToken(access_token=token, expires_in=3600, scope=" ".join(authorization_code.scopes))

    async def load_refresh_token(self, client: Any, refresh_token: str) -> None:
        return None

    async def load_access_token(self, token: str) -> AccessToken | None:
        return self._tokens.get(token)

    async def revoke_token(self, token: Any) -> None:
        pass


options: dict[str, Any] = {}
if "oauth" in sys.argv:
    options = {
        "auth_server_provider": Provider(),
        "auth": AuthSettings(
            issuer_url=BASE,
            resource_server_url=f"{BASE}/mcp",
            client_registration_options=ClientRegistrationOptions(
                enabled=True, valid_scopes=["read"], default_scopes=["read"]
            ),
            required_scopes=["read"],
            validate_token_resource=False,
        ),
    }
server = MCPServer("library", title="The library", version="1.2", log_level="ERROR", **options)


@server.tool()
def lend(title: str, days: int = 7) -> str:
    """Lends a book."""
    return f"{title} for {days} days"


@server.tool()
def burn(title: str) -> str:
    """Burns a book."""
    raise ValueError(f"{title} does not burn")


@server.tool()
def count() -> int:
    """Counts the books."""
    return 3


@server.resource("book://catalogue", mime_type="text/plain")
def catalogue() -> str:
    """All books."""
    return "Emma\nUlysses"


@server.resource("book://{title}/first-line")
def first_line(title: str) -> str:
    """How a book begins."""
    return f"{title} begins"


if __name__ == "__main__":
    server.run("streamable-http", port=PORT)
