"""A redirect to another origin is not followed, and nothing of a request arrives there; credentials for a server go to that server alone."""

from __future__ import annotations

import json
import os
import traceback
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from codex_cffi import HttpServer, LoginError, TurnFailedError
from codex_cffi.events import McpServerStatusUpdated
from codex_cffi.testing import ScriptedModel, provider_config
from support import MakeCodex
from support.origins import Answer, Arrived, Origin, as_json, to

CODES = [301, 302, 303, 307, 308]
KEY = "gateway-0123456789-key"
HEADER = "header-0123456789-value"


def gateway(origin: Origin) -> dict[str, Any]:
    return provider_config(
        f"{origin.url}/v1",
        env_key="GATEWAY_KEY",
        http_headers={"x-secret": HEADER},
        query_params={"k": "query-0123456789"},
    )


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_KEY", KEY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("code", CODES)
def test_a_request_to_the_model_stays(make_codex: MakeCodex, repo: Path, code: int, host: str) -> None:
    with Origin() as other, Origin() as first:
        elsewhere = other.url.replace("127.0.0.1", host)
        first.answer = to(f"{elsewhere}/v1/responses?token=in-the-location", code)
        with pytest.raises(TurnFailedError, match=f"redirects to {elsewhere},") as caught:
            make_codex(config=gateway(first)).start_thread(working_directory=repo, model="m").run("Hi", timeout=60)
        assert other.requests == []
        (request,) = first.asked("/responses")
        assert request.headers["authorization"] == f"Bearer {KEY}"
        assert request.headers["x-secret"] == HEADER
    shown = "".join(traceback.format_exception(caught.value))
    for secret in (KEY, HEADER, "query-0123456789", "in-the-location"):
        assert secret not in shown


def test_another_scheme_or_port_is_another_origin(make_codex: MakeCodex, repo: Path) -> None:
    with Origin() as first:
        first.answer = to(f"https://{first.host}/v1/responses")
        with pytest.raises(TurnFailedError, match=f"redirects to https://{first.host},"):
            make_codex(config=gateway(first)).start_thread(working_directory=repo, model="m").run("Hi", timeout=60)
        assert len(first.asked("/responses")) == 1


def test_within_the_origin_a_redirect_is_followed(make_codex: MakeCodex, repo: Path) -> None:
    with ScriptedModel(["Hello."]) as model, Origin() as first:

        def answer(request: Arrived) -> Answer:
            if request.path.startswith("/v1/"):
                return 308, {"location": request.path.replace("/v1/", "/v2/")}, b""
            # What stands behind it, on the same address.
            body = urllib.request.Request(
                f"{model.base_url}/responses", request.body, {"content-type": "application/json"}
            )
            with urllib.request.urlopen(body, timeout=30) as reply:
                return reply.status, {"content-type": reply.headers["content-type"]}, reply.read()

        first.answer = answer
        thread = make_codex(config=gateway(first)).start_thread(working_directory=repo, model="m")
        assert thread.run("Hi", timeout=60).final_response == "Hello."
        assert first.asked("/v2/responses")[0].headers["authorization"] == f"Bearer {KEY}"


def test_a_redirect_in_a_circle_ends(make_codex: MakeCodex, repo: Path) -> None:
    with Origin() as first:
        first.answer = lambda request: (307, {"location": request.path}, b"")
        with pytest.raises(TurnFailedError, match="too many redirects"):
            make_codex(config=gateway(first)).start_thread(working_directory=repo, model="m").run("Hi", timeout=60)
        assert len(first.asked("/responses")) < 20


@pytest.mark.parametrize("code", [302, 307])
def test_the_list_of_models_and_compaction_stay(make_codex: MakeCodex, repo: Path, code: int) -> None:
    with Origin() as other, Origin(to(f"{other.url}/v1/x", code)) as first:
        codex = make_codex(config=gateway(first))
        thread = codex.start_thread(working_directory=repo, model="m")
        assert codex.models.list(), "those that are built in"
        with pytest.raises(TurnFailedError):
            thread.compact(timeout=60)
        assert len(first.asked("/v1/responses")) == 1
        assert other.requests == []


def test_a_websocket_stays(make_codex: MakeCodex, repo: Path) -> None:
    with Origin() as other, Origin() as first:
        first.answer = to(f"{other.url}/v1/responses")
        config = gateway(first)
        config["model_providers"]["mock"]["supports_websockets"] = True
        with pytest.raises(TurnFailedError):
            make_codex(config=config).start_thread(working_directory=repo, model="m").run("Hi", timeout=60)
        assert [request for request in first.requests if "upgrade" in request.headers]
        assert other.requests == []


@pytest.mark.parametrize("code", CODES)
def test_an_mcp_server_stays(make_codex: MakeCodex, repo: Path, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MCP_TOK", "mcp-token-0123456789")
    events: list[Any] = []
    with ScriptedModel(["ok"]) as model, Origin() as other, Origin() as first:
        first.answer = to(f"{other.url}/mcp?token=in-the-location", code)
        server = HttpServer(f"{first.url}/mcp", bearer_token_env_var="MCP_TOK", headers={"x-k": HEADER})
        codex = make_codex(model, mcp_servers={"s": server}, on_event=events.append)
        assert codex.start_thread(working_directory=repo).run("go", timeout=60).final_response == "ok"
        assert first.asked("/mcp")[0].headers["authorization"] == "Bearer mcp-token-0123456789"
        assert other.requests == []
        (failure,) = [event for event in events if isinstance(event, McpServerStatusUpdated) and event.error]
    assert f"redirects to {other.url}," in (failure.error or "")
    assert "in-the-location" not in repr(failure)
    assert HEADER not in repr(failure)


def discovery(authorization: str, resource: str) -> Callable[[Arrived], Answer]:
    """A server that wants a login elsewhere."""

    def answer(request: Arrived) -> Answer:
        if "oauth-protected-resource" in request.path:
            return as_json({"resource": f"{resource}/mcp", "authorization_servers": [authorization]})
        where = f'Bearer resource_metadata="{resource}/.well-known/oauth-protected-resource"'
        return (401, {"www-authenticate": where}, b"") if request.path.startswith("/mcp") else (404, {}, b"")

    return answer


def authorization(url: str) -> Callable[[Arrived], Answer]:
    """An authorization server that grants everything."""

    def answer(request: Arrived) -> Answer:
        if ".well-known" in request.path:
            return as_json(
                {
                    "issuer": url,
                    "authorization_endpoint": f"{url}/authorize",
                    "token_endpoint": f"{url}/token",
                    "registration_endpoint": f"{url}/register",
                    "response_types_supported": ["code"],
                    "code_challenge_methods_supported": ["S256"],
                }
            )
        if request.path == "/register":
            return as_json({**json.loads(request.body), "client_id": "client-1"}, 201)
        return as_json(
            {
                "access_token": "access-0123456789abcdef",
                "refresh_token": "refresh-0123456789abcdef",
                "token_type": "Bearer",
                "expires_in": 3600,
            }
        )

    return answer


def log_in(make_codex: MakeCodex, first: Origin, codex_home: Path) -> None:
    server = HttpServer(f"{first.url}/mcp", headers={"x-k": HEADER})
    config = {"mcp_oauth_credentials_store": "file"}
    with ScriptedModel([]) as model:
        codex = make_codex(model, mcp_servers={"s": server}, config=config)
        login = codex.mcp.login("s")
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(login.url).query))
        back = f"{query['redirect_uri']}?code=code-1&state={query['state']}"
        urllib.request.urlopen(back, timeout=30).read()
        login.wait(timeout=30)


def test_an_mcp_servers_headers_do_not_go_to_its_authorization_server(
    make_codex: MakeCodex, codex_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODEX_HOME", str(codex_home))
    with Origin() as issuer, Origin() as first:
        first.answer, issuer.answer = discovery(issuer.url, first.url), authorization(issuer.url)
        umask = os.umask(0)
        try:
            log_in(make_codex, first, codex_home)
        finally:
            os.umask(umask)
        assert {request.path for request in issuer.requests} >= {"/register", "/token"}
        assert all("x-k" not in request.headers for request in issuer.requests)
        assert {request.headers["x-k"] for request in first.asked("/mcp")} == {HEADER}
        assert {request.headers["x-k"] for request in first.asked("oauth-protected-resource")} == {HEADER}
    tokens = codex_home / ".credentials.json"
    assert "access-0123456789abcdef" in tokens.read_text()
    assert tokens.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in codex_home.iterdir() if "credentials" in path.name] == [".credentials.json"]


def test_a_token_request_is_not_redirected(
    make_codex: MakeCodex, codex_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODEX_HOME", str(codex_home))
    with Origin() as other, Origin() as issuer, Origin() as first:
        grant = authorization(issuer.url)
        first.answer = discovery(issuer.url, first.url)
        issuer.answer = lambda request: (
            to(f"{other.url}/token")(request) if request.path == "/token" else grant(request)
        )
        with pytest.raises(LoginError):
            log_in(make_codex, first, codex_home)
        assert issuer.asked("/token")
        assert other.requests == []
