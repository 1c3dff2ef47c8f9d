"""Just enough HTTP/1.1 for a server of tests: read requests off a socket, know when the client has left."""

from __future__ import annotations

import selectors
import socket

_MAX_HEAD = 1 << 20
_READ = 1 << 18


class BadRequestError(Exception):
    """The bytes are not a request of HTTP/1.1."""


class RawRequest:
    """A request as it came off the wire. No repr on purpose: credentials are among the headers."""

    __slots__ = ("body", "keep_alive", "method", "pairs", "target")

    def __init__(self, method: str, target: str, pairs: list[tuple[str, str]], body: bytes, keep_alive: bool) -> None:
        self.method = method
        self.target = target
        self.pairs = pairs
        self.body = body
        self.keep_alive = keep_alive


class Connection:
    """One accepted connection."""

    def __init__(self, sock: socket.socket, number: int) -> None:
        self.sock = sock
        self.number = number
        self.sent_ahead = False
        """Whether `client_left` has seen bytes of a next request; then it cannot see the client leave."""
        self._buffer = bytearray()

    def read_request(self) -> RawRequest | None:
        """The next request; None when the client has closed.

        Raises:
            BadRequestError: cannot be parsed.
            OSError: the connection broke.
        """
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > _MAX_HEAD:
                raise BadRequestError("the headers are too long")
            if not self._fill():
                return None
        lines = bytes(self._buffer[:end]).decode("latin-1").split("\r\n")
        del self._buffer[: end + 4]
        words = lines[0].split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            raise BadRequestError(f"not a request line of HTTP/1.1: {lines[0][:80]!r}")
        pairs = []
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if not colon:
                raise BadRequestError("a header line without a colon")
            pairs.append((name, value.strip()))
        fields = {name.lower(): value for name, value in pairs}
        connection = fields.get("connection", "").lower()
        keep_alive = "close" not in connection and (words[2] != "HTTP/1.0" or "keep-alive" in connection)
        if fields.get("expect", "").lower() == "100-continue":
            self.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if "chunked" in fields.get("transfer-encoding", "").lower():
            body = self._read_chunked()
        else:
            length = fields.get("content-length", "0")
            if not length.isdecimal():
                raise BadRequestError("content-length is not a number")
            body = self._take(int(length))
        return RawRequest(words[0], words[1], pairs, body, keep_alive)

    def client_left(self, wait: float = 0.0) -> bool:
        """Whether the client has closed, waiting up to `wait` seconds for it to do so.

        Returns at once, with False, when the client has sent ahead.
        """
        if self._buffer:
            self.sent_ahead = True
            return False
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(self.sock, selectors.EVENT_READ)
                if not selector.select(wait):
                    return False
            self.sent_ahead = bool(self.sock.recv(1, socket.MSG_PEEK))
            return not self.sent_ahead
        except (OSError, ValueError):
            return True

    def _fill(self) -> bool:
        data = self.sock.recv(_READ)
        self._buffer += data
        return bool(data)

    def _take(self, count: int) -> bytes:
        while len(self._buffer) < count:
            if not self._fill():
                raise BadRequestError("the connection ended in the middle of a body")
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        return data

    def _line(self) -> bytes:
        while (end := self._buffer.find(b"\r\n")) < 0:
            if len(self._buffer) > _MAX_HEAD or not self._fill():
                raise BadRequestError("a chunked body is broken")
        return self._take(end + 2)[:-2]

    def _read_chunked(self) -> bytes:
        body = bytearray()
        while True:
            try:
                size = int(self._line().split(b";")[0], 16)
            except ValueError:
                raise BadRequestError("a chunk without a size") from None
            if size == 0:
                while self._line():
                    pass
                return bytes(body)
            body += self._take(size)
            self._line()
