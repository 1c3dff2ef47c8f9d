"""Pass a request on to the real model server and hand back its answer piece by piece, as it comes."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal
from urllib.parse import SplitResult

from ._http import RawRequest

_HOP_BY_HOP = {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te"}
_HOP_BY_HOP |= {"trailer", "transfer-encoding", "upgrade", "content-length", "expect"}
_READ = 1 << 16
_CONNECT = 30.0


@dataclass
class Head:
    """The answer begins."""

    status: int
    reason: str
    headers: list[tuple[str, str]]


@dataclass
class End:
    """The answer is over; `problem` says why nothing could be asked at all."""

    how: Literal["complete", "cut", "reset"]
    problem: str | None = None


Part = Head | bytes | End


class Call:
    """One request to the upstream. `run` blocks, so it has a thread of its own; `abort` ends it from another one."""

    def __init__(
        self, upstream: SplitResult, target: str, raw: RawRequest, api_key: str | None, timeout: float
    ) -> None:
        self._upstream = upstream
        self._target = target
        self._raw = raw
        self._api_key = api_key
        self._timeout = timeout
        self._sock: socket.socket | None = None
        self._aborted = False

    def run(self, put: Callable[[Part], object]) -> None:
        """Ask, and `put` the head, the pieces and the end."""
        host, port = self._upstream.hostname or "", self._upstream.port
        connection: http.client.HTTPConnection
        if self._upstream.scheme == "https":
            context = ssl.create_default_context()
            connection = http.client.HTTPSConnection(host, port, timeout=_CONNECT, context=context)
        else:
            connection = http.client.HTTPConnection(host, port, timeout=_CONNECT)
        try:
            try:
                connection.connect()
            except (OSError, ValueError) as error:
                put(End("cut", f"{host} cannot be reached: {type(error).__name__}: {error}"))
                return
            # The response takes the connection's socket away from it when the body begins.
            sock = connection.sock
            sock.settimeout(self._timeout)
            self._sock = sock
            if self._aborted:
                self.abort()
            put(self._exchange(connection, put))
        finally:
            connection.close()

    def abort(self) -> None:
        """Break the connection off."""
        self._aborted = True
        if self._sock is not None:
            with contextlib.suppress(OSError):
                self._sock.shutdown(socket.SHUT_RDWR)

    def _exchange(self, connection: http.client.HTTPConnection, put: Callable[[Part], object]) -> End:
        try:
            self._send(connection)
            response = connection.getresponse()
            put(Head(response.status, response.reason, end_to_end(response.getheaders())))
            # What is left is counted here: read1() of some Pythons does not, and waits for more than there is.
            left = response.length
            while left is None or left > 0:
                data = response.read1(_READ if left is None else min(_READ, left))
                if not data:
                    return End("complete" if left is None else "cut")
                if left is not None:
                    left -= len(data)
                put(data)
            return End("complete")
        except http.client.RemoteDisconnected:  # it is a ConnectionResetError too
            return End("cut")
        except ConnectionResetError:
            return End("reset")
        except (http.client.HTTPException, OSError):
            return End("cut")

    def _send(self, connection: http.client.HTTPConnection) -> None:
        raw = self._raw
        connection.putrequest(raw.method, self._target, skip_accept_encoding=True)
        names = set()
        for name, value in end_to_end(raw.pairs):
            if name.lower() not in ("host", "accept-encoding"):
                connection.putheader(name, value)
                names.add(name.lower())
        if self._api_key is not None and "authorization" not in names:
            connection.putheader("Authorization", f"Bearer {self._api_key}")
        # Secrets in a compressed answer could not be seen; one connection per request keeps the ends of bodies clear.
        connection.putheader("Accept-Encoding", "identity")
        connection.putheader("Connection", "close")
        if raw.body or raw.method not in ("GET", "HEAD"):
            connection.putheader("Content-Length", str(len(raw.body)))
        connection.endheaders(raw.body or None)


def end_to_end(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The headers that are not about one connection only."""
    return [(name, value) for name, value in headers if name.lower() not in _HOP_BY_HOP]
