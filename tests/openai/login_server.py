"""OpenAI's login on loopback: a proxy for HTTPS that leads to no other host, and answers as auth.openai.com does."""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import ssl
import threading
import urllib.parse
import urllib.request
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

HOST = "auth.openai.com"
EMAIL = "somebody@example.com"


def certificate(folder: Path) -> Path:
    """A certificate for the host, and its key, in one file."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    now = datetime.now(timezone.utc)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = (
        builder.serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    )
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    path = folder / "login.pem"
    path.write_bytes(pem + builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return path


def _token() -> str:
    """An identity token as far as the engine reads it."""
    claims = {
        "email": EMAIL,
        "https://api.openai.com/auth": {"chatgpt_plan_type": "pro", "chatgpt_account_id": "account", "user_id": "user"},
    }
    parts = [json.dumps(part).encode() for part in ({"alg": "none", "typ": "JWT"}, claims)]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (*parts, b"signature"))


_ANSWERS = {
    "/api/accounts/deviceauth/usercode": {"device_auth_id": "device", "user_code": "CODE-12345", "interval": "0"},
    "/api/accounts/deviceauth/token": {
        "authorization_code": "code",
        "code_challenge": "challenge",
        "code_verifier": "verifier",
    },
    "/oauth/token": {"id_token": _token(), "access_token": _token(), "refresh_token": "refresh"},
}


class LoginServer:
    """The proxy.

    Attributes:
        environment: What a program needs to go through it.
        asked: Paths that were asked for.
    """

    def __init__(self, folder: Path) -> None:
        pem = certificate(folder)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(pem)
        self._listener = socket.create_server(("127.0.0.1", 0))
        proxy = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.environment = {"HTTPS_PROXY": proxy, "NO_PROXY": "127.0.0.1,localhost", "SSL_CERT_FILE": str(pem)}
        self.asked: list[str] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """No further connections."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), connection:
            method, target, _ = _read_head(connection)
            if method != "CONNECT" or target != f"{HOST}:443":
                connection.sendall(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n")
                return
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            with self._context.wrap_socket(connection, server_side=True) as secure:
                while True:
                    _, path, length = _read_head(secure)
                    while length > 0:
                        length -= len(secure.recv(length))
                    self.asked.append(path)
                    body = json.dumps(_ANSWERS.get(path, {})).encode()
                    status = "200 OK" if path in _ANSWERS else "404 Not Found"
                    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
                    secure.sendall(head.encode() + body)


def _read_head(connection: socket.socket) -> tuple[str, str, int]:
    """Method, target and length of the body of the next request."""
    data = b""
    while not data.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        if not byte:
            raise ValueError("the client has left")
        data += byte
    first, *fields = data.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    lengths = [field.partition(":")[2] for field in fields if field.lower().startswith("content-length:")]
    return method, target, int(lengths[0]) if lengths else 0


@contextlib.contextmanager
def login_server(folder: Path) -> Iterator[LoginServer]:
    """The proxy while the block runs."""
    server = LoginServer(folder)
    try:
        yield server
    finally:
        server.close()


def log_in(auth_url: str) -> str:
    """What a browser does when the user has agreed: it returns to the program with a code. Returns the page that the user then sees."""
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(auth_url).query))
    answer = urllib.parse.urlencode({"code": "code", "state": query["state"]})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{query['redirect_uri']}?{answer}", timeout=30) as page:
        text: str = page.read().decode()
        return text
