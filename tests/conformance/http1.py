"""HTTP/1.1 over a bare socket (RFC 9112): sends what it is told, also what no library would, and reads answers strictly."""

from __future__ import annotations

import select
import socket
import time
from dataclasses import dataclass, field


STUCK_AFTER_ANSWER = 5  # seconds in which one that has answered reads nothing
WRITE_BYTES = 1 << 20


class NoAnswer(Exception):
    """The connection ended, or time was up, before a whole answer."""


@dataclass
class Answer:
    status: int
    headers: list[tuple[str, str]]  # names in lower case
    body: bytes
    interim: list[int] = field(default_factory=list)  # 1xx that came before

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)

    @property
    def media_type(self) -> str:
        return (self.header("content-type") or "").split(";")[0].strip().lower()


class Connection:
    def __init__(self, place: tuple[str, int], timeout: float):
        self.deadline = time.monotonic() + timeout
        self.socket = socket.create_connection(place, timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.waiting = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data: bytes) -> None:
        """All of `data`, or as much as the other end takes: it may answer, and then read no more, before it has all."""
        left = memoryview(data)
        self.socket.setblocking(False)
        while left and time.monotonic() < self.deadline:
            patience = STUCK_AFTER_ANSWER if self.waiting else self.deadline - time.monotonic()
            readable, writable, _ = select.select([self.socket], [self.socket], [], max(0.01, patience))
            try:
                if readable:  # first, for a reset would take with it what was not read yet
                    if not (more := self.socket.recv(65536)):
                        return
                    self.waiting += more
                elif writable:
                    left = left[self.socket.send(left[:WRITE_BYTES]) :]
                elif self.waiting:
                    return
            except (BrokenPipeError, ConnectionResetError):
                return

    def _more(self) -> bool:
        self.socket.settimeout(max(0.01, self.deadline - time.monotonic()))
        try:
            data = self.socket.recv(65536)
        except TimeoutError as error:
            raise NoAnswer("no answer in time") from error
        except ConnectionResetError:
            data = b""
        self.waiting += data
        return bool(data)

    def _line(self) -> str:
        while b"\r\n" not in self.waiting:
            if not self._more():
                raise NoAnswer("the connection was closed without an answer")
        line, self.waiting = self.waiting.split(b"\r\n", 1)
        return line.decode("latin-1")

    def _exactly(self, size: int) -> bytes:
        while len(self.waiting) < size:
            if not self._more():
                raise NoAnswer("the connection was closed inside an answer")
        out, self.waiting = self.waiting[:size], self.waiting[size:]
        return out

    def head(self) -> tuple[int, list[tuple[str, str]]]:
        version, status, *_ = self._line().split(" ")
        if not version.startswith("HTTP/1."):
            raise NoAnswer(f"not HTTP/1.1: {version!r}")
        headers = []
        while line := self._line():
            name, _, value = line.partition(":")
            headers.append((name.lower(), value.strip()))
        return int(status), headers

    def answer(self, *, to_head: bool = False) -> Answer:
        """The next answer, after any of 1xx."""
        interim = []
        while True:
            status, headers = self.head()
            if status >= 200:
                break
            interim.append(status)
        out = Answer(status, headers, b"", interim)
        if to_head or status in (204, 304):
            return out
        if (out.header("transfer-encoding") or "").lower() == "chunked":
            while size := int(self._line().split(";")[0], 16):
                out.body += self._exactly(size)
                self._line()
            while self._line():
                pass
        elif (length := out.header("content-length")) is not None:
            out.body = self._exactly(int(length))
        else:
            while self._more():
                pass
            out.body, self.waiting = self.waiting, b""
        return out

    def closed(self, another: bytes) -> bool:
        """Whether the other end has closed: then `another` request gets no answer. Waits for nothing where it stays open."""
        self.send(another)
        try:
            self.answer()
            return False
        except NoAnswer as reason:
            return "in time" not in str(reason)


def chunked(body: bytes, sizes: list[int], *, extension: str = "", trailer: str = "") -> bytes:
    """`body` in chunks of `sizes`, over and over."""
    out, at, turn = [], 0, 0
    while at < len(body):
        piece = body[at : at + sizes[turn % len(sizes)]]
        out += [f"{len(piece):x}{extension}\r\n".encode(), piece, b"\r\n"]
        at += len(piece)
        turn += 1
    return b"".join(out) + b"0\r\n" + trailer.encode() + b"\r\n"
