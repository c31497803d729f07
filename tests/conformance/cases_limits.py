"""How large a request may be, before and after decompression, and what more than that costs."""

from __future__ import annotations

import http1
import wire
from suite import CHOICE, JSON, METHODS, MUST, PROTOBUF, Miss, accepted, case, failed, refused, said

HTTP = "OTLP, OTLP/HTTP Request (limit, before and after decompression; 413)"
GRPC = "OTLP, OTLP/gRPC Request (limit, before and after decompression; RESOURCE_EXHAUSTED)"
LONG_ENOUGH = 15  # seconds for an answer that needs nothing of the body


# --- HTTP -----------------------------------------------------------------------------------------


@case("limit.http.at", MUST, HTTP, "a request of exactly the limit", "200")
def _(t):
    return accepted(t.post(wire.padded(t.limit)))


@case("limit.http.over", MUST, HTTP, "a request one byte over the limit", "413 with a Status")
def _(t):
    return refused(t.post(wire.padded(t.limit + 1)), 413)


@case("limit.http.over.announced", CHOICE, HTTP, "a Content-Length over the limit, and no body", "413 with a Status, without waiting for the body")
def _(t):
    with t.connect(LONG_ENOUGH) as connection:
        connection.send(t.head("/v1/traces", [("Content-Type", PROTOBUF), ("Content-Length", str(t.limit + 1))]))
        return refused(connection.answer(), 413)


@case("limit.http.over.expected", CHOICE, "RFC 9110 §10.1.1", "the same with Expect: 100-continue", "413 with a Status, and no 100")
def _(t):
    with t.connect(LONG_ENOUGH) as connection:
        connection.send(t.head("/v1/traces", [("Content-Type", PROTOBUF), ("Content-Length", str(t.limit + 1)), ("Expect", "100-continue")]))
        answer = connection.answer()
        if answer.interim:
            raise Miss(f"HTTP {answer.interim}, then {said(answer)}")
        return refused(answer, 413)


@case("limit.http.over.chunked", MUST, HTTP, "a request one byte over the limit, in chunks of 1 MiB", "413 with a Status")
def _(t):
    with t.connect() as connection:
        connection.send(t.head("/v1/traces", [("Content-Type", PROTOBUF), ("Transfer-Encoding", "chunked")]))
        connection.send(http1.chunked(wire.padded(t.limit + 1), [wire.MIB]))
        return refused(connection.answer(), 413)


@case("limit.http.over.json", MUST, HTTP, "a JSON request one byte over the limit", "413 with a Status in JSON")
def _(t):
    return refused(t.post(b"{" + b" " * (t.limit - 1) + b"}", media=JSON), 413, media=JSON)


@case("limit.http.at.json", MUST, HTTP, "a JSON request of exactly the limit", "200")
def _(t):
    return accepted(t.post(b"{" + b" " * (t.limit - 2) + b"}", media=JSON))


def packed(coding: str, pack, zeros, level: str):
    @case(f"limit.http.{coding}.at", level, HTTP, f"{coding} that becomes exactly the limit", "200")
    def _(t):
        return accepted(t.post(pack(wire.padded(t.limit)), coding=coding))

    @case(f"limit.http.{coding}.over", level, HTTP, f"{coding} that becomes one byte more than the limit", "413 with a Status")
    def _(t):
        answer = t.post(pack(wire.padded(t.limit + 1)), coding=coding)
        return refused(answer, 413)

    @case(f"limit.http.{coding}.bomb", level, HTTP, f"{coding} that would become 16 times the limit", "413 with a Status; the server lives on")
    def _(t):
        answer = t.post(zeros(16 * t.limit // wire.MIB), coding=coding)
        t.still_serves()
        return refused(answer, 413)

    @case(f"limit.grpc.{coding}.at", level, GRPC, f"{coding} that becomes exactly the limit", "OK")
    def _(t):
        return accepted(t.call(pack(wire.padded(t.limit)), coding=coding))

    @case(f"limit.grpc.{coding}.over", level, GRPC, f"{coding} that becomes one byte more than the limit", "RESOURCE_EXHAUSTED without RetryInfo")
    def _(t):
        return failed(t.call(pack(wire.padded(t.limit + 1)), coding=coding), "RESOURCE_EXHAUSTED")

    @case(f"limit.grpc.{coding}.bomb", level, GRPC, f"{coding} that would become 16 times the limit",
          "RESOURCE_EXHAUSTED without RetryInfo; the server lives on")  # fmt: skip
    def _(t):
        reply = t.call(zeros(16 * t.limit // wire.MIB), coding=coding)
        t.still_serves()
        return failed(reply, "RESOURCE_EXHAUSTED")


def _gzip_small(body: bytes) -> bytes:
    return wire.gzip(body, 1)


# zstd here is made of stored blocks, so over the limit before decompression too; its zeros are not.
def _zstd_zeros(body: bytes) -> bytes:
    """`body`, of which only the first bytes are no zeros, in run-length blocks."""
    head = body[:16]
    rest = len(body) - len(head)
    out = wire.ZSTD_MAGIC + b"\x00\x50" + wire.zstd_block(wire.RAW, len(head), head, False)
    while rest > 0:
        size = min(rest, wire.ZSTD_BLOCK)
        rest -= size
        out += wire.zstd_block(wire.RUN, size, b"\0", rest == 0)
    return out


packed("gzip", _gzip_small, wire.gzip_of_zeros, MUST)
packed("zstd", _zstd_zeros, wire.zstd_of_zeros, CHOICE)


@case("limit.http.gzip.bomb-of-members", MUST, HTTP, "gzip of many members that would become 16 times the limit",
      "413 with a Status; the server lives on")  # fmt: skip
def _(t):
    answer = t.post(wire.gzip_of_zeros(1) * (16 * t.limit // wire.MIB), coding="gzip")
    t.still_serves()
    return refused(answer, 413)


@case("limit.http.many-groups", MUST, HTTP, "millions of empty ResourceSpans, a quarter of the limit", "any answer but 5xx; the server lives on")
def _(t):
    answer = t.post(b"\x0a\x00" * (t.limit // 8))
    t.still_serves()
    if answer.status not in (200, 400, 413):
        raise Miss(said(answer))
    return "200, 400 or 413"


# --- gRPC -----------------------------------------------------------------------------------------


@case("limit.grpc.at", MUST, GRPC, "a message of exactly the limit", "OK")
def _(t):
    return accepted(t.call(wire.padded(t.limit)))


@case("limit.grpc.over", MUST, GRPC, "a message one byte over the limit", "RESOURCE_EXHAUSTED without RetryInfo")
def _(t):
    reply = t.call(wire.padded(t.limit + 1))
    t.still_serves()
    return failed(reply, "RESOURCE_EXHAUSTED")


@case("limit.grpc.beyond-default", CHOICE, "OTLP, OTLP/gRPC Request (64 MiB recommended; libraries default to 4 MiB)", "a message of 5 MiB", "OK")
def _(t):
    return accepted(t.call(wire.padded(5 * wire.MIB)))


@case("limit.grpc.far-over", MUST, GRPC, "a message of 8 times the limit, sent as far as it is taken", "RESOURCE_EXHAUSTED without RetryInfo; the server lives on")
def _(t):
    size = 8 * t.limit
    with t.dial() as connection:
        stream = connection.open(METHODS["traces"], t.headers)
        connection.data(stream, b"\0" + size.to_bytes(4, "big"), end=False)
        reply, piece = connection.replies[stream], bytes(wire.MIB)
        for sent in range(0, size, len(piece)):
            connection.data(stream, piece, end=sent + len(piece) >= size)
            if reply.ended or reply.reset is not None:
                break
        reply = connection.reply(stream)
    t.still_serves()
    return failed(reply, "RESOURCE_EXHAUSTED")


@case("limit.grpc.announced", MUST, GRPC, "a message that announces 4 GiB - 1 and brings 10 bytes, then the end of the stream",
      "no success; the server lives on")  # fmt: skip
def _(t):
    reply = t.call(b"\0\xff\xff\xff\xff" + bytes(10), framed=False)
    t.still_serves()
    if reply.code == "OK":
        raise Miss(said(reply))
    return "no success"


@case("limit.grpc.announced.early", CHOICE, GRPC, "a message that announces 4 GiB - 1 and brings 10 bytes; the stream stays open",
      "RESOURCE_EXHAUSTED, without waiting for the message")  # fmt: skip
def _(t):
    with t.dial(LONG_ENOUGH) as connection:
        stream = connection.open(METHODS["traces"], t.headers)
        connection.data(stream, b"\0\xff\xff\xff\xff" + bytes(10), end=False)
        return failed(connection.reply(stream), "RESOURCE_EXHAUSTED")
