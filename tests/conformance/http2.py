"""gRPC over a bare socket: HTTP/2 without TLS (RFC 9113), frame by frame, so that also what no library would send can be sent."""

from __future__ import annotations

import base64
import socket
import struct
import time
import urllib.parse
from dataclasses import dataclass, field

import hpack

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
END_STREAM, ACK, END_HEADERS = 1, 1, 4
WINDOW = (1 << 31) - 1

CODES = (
    "OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED RESOURCE_EXHAUSTED "
    "FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS UNAUTHENTICATED"
).split()


class NoAnswer(Exception):
    """The connection or the stream ended, or time was up, before a whole answer."""


@dataclass
class Reply:
    """What came back on one stream."""

    blocks: list[list[tuple[str, str]]] = field(default_factory=list)  # one a HEADERS frame
    data: bytes = b""
    ended: bool = False
    reset: int | None = None  # the error of RST_STREAM

    def get(self, name: str) -> str | None:
        """Of trailers before headers."""
        return next((value for block in reversed(self.blocks) for key, value in block if key == name), None)

    @property
    def http_status(self) -> int | None:
        status = self.get(":status")
        return int(status) if status else None

    @property
    def code(self) -> str | None:
        status = self.get("grpc-status")
        return CODES[int(status)] if status is not None else None

    @property
    def message(self) -> str:
        return urllib.parse.unquote(self.get("grpc-message") or "")

    @property
    def trailers_only(self) -> bool:
        return len(self.blocks) == 1 and not self.data

    def binary(self, name: str) -> bytes | None:
        value = self.get(name)
        return None if value is None else base64.b64decode(value + "=" * (-len(value) % 4))


def framed(message: bytes, *, compressed: bool = False) -> bytes:
    """Length-prefixed, as gRPC sends messages."""
    return bytes([compressed]) + struct.pack(">I", len(message)) + message


class Connection:
    def __init__(self, place: tuple[str, int], timeout: float):
        self.deadline = time.monotonic() + timeout
        self.authority = f"{place[0]}:{place[1]}"
        self.socket = socket.create_connection(place, timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.waiting = b""
        self.decoder = hpack.Decoder()
        self.replies: dict[int, Reply] = {}
        self.pongs: list[bytes] = []
        self.goaway: int | None = None  # its error
        self.next_stream = 1
        # What may be sent (RFC 9113 §6.9).
        self.frame_room = 16384
        self.first_window = 65535
        self.window = 65535
        self.windows: dict[int, int] = {}
        self.block: bytes = b""
        self.block_ends = False
        self.socket.sendall(PREFACE + self._frame(SETTINGS, 0, 0, struct.pack(">HI", 4, WINDOW)))
        self.socket.sendall(self._frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", WINDOW - 65535)))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    @staticmethod
    def _frame(kind: int, flags: int, stream: int, content: bytes = b"") -> bytes:
        return struct.pack(">I", len(content))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + content

    def send_frame(self, kind: int, flags: int, stream: int, content: bytes = b"") -> None:
        self.socket.settimeout(max(0.1, self.deadline - time.monotonic()))
        try:
            self.socket.sendall(self._frame(kind, flags, stream, content))
        except (BrokenPipeError, ConnectionResetError) as error:
            raise NoAnswer("the connection was closed") from error
        except TimeoutError as error:
            raise NoAnswer("nothing more is read") from error

    # --- sending ------------------------------------------------------------------------------------

    def open(self, method: str, headers: list[tuple[str, str]] = (), *, content_type: str = "application/grpc", end: bool = False) -> int:
        stream = self.next_stream
        self.next_stream += 2
        self.replies[stream] = Reply()
        self.windows[stream] = self.first_window
        block = [(":method", "POST"), (":scheme", "http"), (":path", method), (":authority", self.authority),
                 ("content-type", content_type), ("te", "trailers"), *headers]  # fmt: skip
        self.send_frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), stream, hpack.encode(block))
        return stream

    def data(self, stream: int, content: bytes, *, end: bool = True, piece: int = 1 << 20) -> None:
        """As the windows allow, in frames of at most `piece` bytes. Stops where the other end has already answered."""
        at, reply = 0, self.replies[stream]
        while at < len(content):
            room = min(self.frame_room, self.window, self.windows[stream], piece)
            if room <= 0:
                if reply.ended or reply.reset is not None or not self._read_frame():
                    return
                continue
            part = content[at : at + room]
            at += len(part)
            self.window -= len(part)
            self.windows[stream] -= len(part)
            self.send_frame(DATA, END_STREAM if end and at == len(content) else 0, stream, part)
        if end and not content:
            self.send_frame(DATA, END_STREAM, stream)

    # --- reading ------------------------------------------------------------------------------------

    def _exactly(self, size: int) -> bytes | None:
        while len(self.waiting) < size:
            self.socket.settimeout(max(0.01, self.deadline - time.monotonic()))
            try:
                data = self.socket.recv(1 << 18)
            except TimeoutError as error:
                raise NoAnswer("no answer in time") from error
            except ConnectionResetError:
                data = b""
            if not data:
                return None
            self.waiting += data
        out, self.waiting = self.waiting[:size], self.waiting[size:]
        return out

    def _read_frame(self) -> bool:
        """Reads one and does what it asks. False where the connection has ended."""
        head = self._exactly(9)
        if head is None:
            return False
        size, kind, flags = int.from_bytes(head[:3], "big"), head[3], head[4]
        stream = int.from_bytes(head[5:], "big") & WINDOW
        content = self._exactly(size)
        if content is None:
            return False
        reply = self.replies.get(stream)
        if kind == SETTINGS and not flags & ACK:
            self._settings(content)
        elif kind == PING:
            if flags & ACK:
                self.pongs.append(content)
            else:
                self.send_frame(PING, ACK, 0, content)
        elif kind == GOAWAY:
            self.goaway = int.from_bytes(content[4:8], "big")
        elif kind == WINDOW_UPDATE:
            more = int.from_bytes(content, "big") & WINDOW
            if stream == 0:
                self.window += more
            elif stream in self.windows:
                self.windows[stream] += more
        elif kind in (HEADERS, CONTINUATION):
            self._headers(kind, flags, content, reply)
        elif kind == DATA and reply:
            reply.data += content[1 : len(content) - content[0]] if flags & 8 else content
            reply.ended |= bool(flags & END_STREAM)
        elif kind == RST_STREAM and reply:
            reply.reset = int.from_bytes(content, "big")
        return True

    def _settings(self, content: bytes) -> None:
        for at in range(0, len(content), 6):
            key, value = struct.unpack(">HI", content[at : at + 6])
            if key == 4:
                for stream in self.windows:
                    self.windows[stream] += value - self.first_window
                self.first_window = value
            elif key == 5:
                self.frame_room = value
        self.send_frame(SETTINGS, ACK, 0)

    def _headers(self, kind: int, flags: int, content: bytes, reply: Reply | None) -> None:
        if kind == HEADERS:
            if flags & 8:
                content = content[1 : len(content) - content[0]]
            if flags & 32:
                content = content[5:]
            self.block, self.block_ends = b"", bool(flags & END_STREAM)
        self.block += content
        if flags & END_HEADERS:
            decoded = self.decoder.decode(self.block)
            if reply is not None:
                reply.blocks.append(decoded)
                reply.ended |= self.block_ends

    def reply(self, stream: int) -> Reply:
        """Once the stream has ended."""
        reply = self.replies[stream]
        while not reply.ended and reply.reset is None:
            if not self._read_frame():
                raise NoAnswer("the connection was closed without an answer")
        return reply

    def pong(self, content: bytes) -> None:
        while content not in self.pongs:
            if not self._read_frame():
                raise NoAnswer("the connection was closed without an answer to a ping")


def call(place: tuple[str, int], method: str, body: bytes, headers: list[tuple[str, str]] = (), *, timeout: float, **how) -> Reply:
    """One stream on a connection of its own; `body` is framed already."""
    with Connection(place, timeout) as connection:
        stream = connection.open(method, headers, **how)
        connection.data(stream, body)
        return connection.reply(stream)
