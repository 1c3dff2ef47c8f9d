"""A fake of ChatGPT's login and backend on loopback, for test_account.py.

The engine's login goes to ``https://auth.openai.com`` only, so this is an HTTPS proxy that ends the encryption itself, with a certificate that a
program trusts which has :attr:`Issuer.environment`.
"""

from __future__ import annotations

import base64
import datetime
import json
import ssl
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

HOSTS = ("auth.openai.com", "chatgpt.com")
CLAIMS = {
    "email": "a@example.com",
    "https://api.openai.com/auth": {
        "chatgpt_plan_type": "plus",
        "chatgpt_account_id": "acc-1",
        "chatgpt_user_id": "u-1",
    },
}
LIMITS = {
    "plan_type": "plus",
    "rate_limit": {
        "allowed": True,
        "limit_reached": False,
        "primary_window": {
            "used_percent": 42,
            "limit_window_seconds": 18000,
            "reset_after_seconds": 60,
            "reset_at": 2000000000,
        },
        "secondary_window": {
            "used_percent": 5,
            "limit_window_seconds": 604800,
            "reset_after_seconds": 60,
            "reset_at": 2000000000,
        },
    },
}


class Issuer:
    """Runs until it is closed.

    Attributes:
        environment: For the program that logs in.
        approved: Set when the person has entered the code.
        requests: Paths that were asked for.
    """

    def __init__(self, folder: Path, *, refuse: bool = False) -> None:
        self.approved = threading.Event()
        self.requests: list[str] = []
        self.refuse = refuse
        certificate = folder / "issuer.pem"
        _write_certificate(certificate)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: Any) -> None:
                pass

            def do_CONNECT(self) -> None:
                self.send_response(200)
                self.end_headers()
                self.connection = context.wrap_socket(self.connection, server_side=True)
                self.rfile = self.connection.makefile("rb")
                self.wfile = self.connection.makefile("wb", 0)  # type: ignore[assignment]
                self.close_connection = False

            def finish(self) -> None:
                super().finish()
                self.connection.close()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
                self._answer(*issuer.answer(self.path, body))

            def do_GET(self) -> None:
                self._answer(*issuer.answer(self.path, ""))

            def _answer(self, status: int, value: Any) -> None:
                content = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        proxy = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.environment = {"HTTPS_PROXY": proxy, "NO_PROXY": "127.0.0.1,localhost", "SSL_CERT_FILE": str(certificate)}

    def __enter__(self) -> Issuer:
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str, body: str) -> tuple[int, Any]:
        """What comes back for a request."""
        self.requests.append(path)
        match path.partition("?")[0]:
            case "/api/accounts/deviceauth/usercode":
                return 200, {"device_auth_id": "dev-1", "user_code": "ABCD-1234", "interval": "0"}
            case "/api/accounts/deviceauth/token":
                if self.refuse:
                    return 400, {}
                if not self.approved.wait(0.05):
                    return 403, {}
                return 200, {"authorization_code": "code-1", "code_challenge": "c", "code_verifier": "v"}
            case "/oauth/token":
                grant = urllib.parse.parse_qs(body)["grant_type"][0]
                if grant != "authorization_code":
                    return 403, {"error": "no keys here"}
                if self.refuse:
                    return 400, {"error": "invalid_grant", "error_description": "the code is worn out"}
                token = _token(CLAIMS)
                return 200, {"id_token": token, "access_token": token, "refresh_token": "refresh-1"}
            case "/oauth/revoke":
                return 200, {}
            case "/backend-api/wham/usage":
                return 200, LIMITS
        return 404, {}


def _token(claims: dict[str, Any]) -> str:
    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'alg': 'none'})}.{part({**claims, 'exp': 4000000000})}.{part('signature')}"


def _write_certificate(path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "issuer of the tests")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in HOSTS]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(secret + certificate.public_bytes(serialization.Encoding.PEM))
