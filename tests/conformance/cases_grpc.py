"""OTLP/gRPC: the calls themselves, and gRPC over HTTP/2 below them."""

from __future__ import annotations

import time

import cases_http
import grpc
import http2
import records
import wire
from google.rpc import error_details_pb2
from suite import CHOICE, METHODS, MUST, SHOULD, Miss, Target, accepted, case, details, failed, said, succeeded

SUCCESS = "OTLP, OTLP/gRPC Response, Full Success"
FAILURES = "OTLP, OTLP/gRPC Response, Failures"
COMPRESSION = "OTLP, Protocol Details (compression)"
PROTOCOL = "gRPC over HTTP2"
CODING = "gRPC compression"
HTTP2 = "RFC 9113"
# Final for every client (OTLP, table of retryable codes), so that bad bytes are not sent for ever.
FINAL = ("INVALID_ARGUMENT", "INTERNAL", "UNKNOWN", "UNIMPLEMENTED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION")


def default(t: Target) -> list[dict]:
    return [t.traces()]


def body(t: Target) -> bytes:
    return records.protobuf(t.traces())


# --- success --------------------------------------------------------------------------------------


@case("grpc.traces", MUST, SUCCESS, "one span", "OK and the empty message, 0 bytes; the record stored", stored=default)
def _(t):
    return succeeded(t.call(body(t)))


@case("grpc.logs", MUST, SUCCESS, "one log", "OK and the empty message, 0 bytes; the record stored", stored=lambda t: [t.logs()])
def _(t):
    return succeeded(t.call(records.protobuf(t.logs()), "logs"))


@case("grpc.empty.traces", SHOULD, SUCCESS, "a call without spans, 0 bytes", "OK")
def _(t):
    return accepted(t.call(b""))


@case("grpc.empty.logs", SHOULD, SUCCESS, "a call without logs, 0 bytes", "OK")
def _(t):
    return accepted(t.call(b"", "logs"))


@case("grpc.answer.form", MUST, PROTOCOL, "one span", ":status 200, content-type application/grpc…, one message, trailers with grpc-status", stored=default)
def _(t):
    reply = t.call(body(t))
    accepted(reply)
    if reply.http_status != 200 or not (reply.get("content-type") or "").startswith("application/grpc") or len(reply.blocks) != 2:
        raise Miss(f"HTTP {reply.http_status}, {reply.get('content-type')}, {len(reply.blocks)} header blocks")
    return "as gRPC says"


def _other(signal: str, message: bytes):
    @case(f"grpc.{signal}", MUST, f"{SUCCESS}; {PROTOCOL}", f"a request of {signal}", "OK, or UNIMPLEMENTED for a receiver without them")
    def _(t):
        reply = t.call(message, signal)
        return failed(reply, "UNIMPLEMENTED") if reply.code == "UNIMPLEMENTED" else accepted(reply)


for _signal, _message in cases_http.OTHER_SIGNALS.items():
    _other(_signal, _message)


# --- a real client --------------------------------------------------------------------------------


def _client(name: str, compression):
    @case(f"grpc.client.{name}", MUST, COMPRESSION, f"one span by the grpcio client, compression {name}", "OK; the record stored", stored=default)
    def _(t):
        with grpc.insecure_channel(f"{t.grpc[0]}:{t.grpc[1]}", options=[("grpc.enable_retries", 0)]) as channel:
            metadata = [(key.lower(), value) for key, value in t.headers]
            try:
                channel.unary_unary(METHODS["traces"])(body(t), timeout=t.timeout, compression=compression, metadata=metadata)
            except grpc.RpcError as error:
                raise Miss(error.code().name) from error
        return "OK"


_client("none", grpc.Compression.NoCompression)
_client("gzip", grpc.Compression.Gzip)


# --- compression ----------------------------------------------------------------------------------


@case("grpc.coding.gzip", MUST, COMPRESSION, "grpc-encoding: gzip, a compressed message", "OK; stored", stored=default)
def _(t):
    return accepted(t.call(wire.gzip(body(t)), coding="gzip"))


@case("grpc.coding.gzip.logs", MUST, COMPRESSION, "grpc-encoding: gzip, a compressed message of logs", "OK; stored", stored=lambda t: [t.logs()])
def _(t):
    return accepted(t.call(wire.gzip(records.protobuf(t.logs())), "logs", coding="gzip"))


@case("grpc.coding.zstd", CHOICE, "docs/otlp-answers.md (the Collector's exporters offer zstd)", "grpc-encoding: zstd, a compressed message",
      "OK; stored", stored=default)  # fmt: skip
def _(t):
    return accepted(t.call(wire.zstd(body(t)), coding="zstd"))


@case("grpc.coding.identity", MUST, CODING, "grpc-encoding: identity", "OK; stored", stored=default)
def _(t):
    return accepted(t.call(body(t), coding="identity", compressed=False))


@case("grpc.coding.gzip.uncompressed", MUST, f"{CODING} (a message may be left uncompressed)", "grpc-encoding: gzip, the flag 0 and a plain message",
      "OK; stored", stored=default)  # fmt: skip
def _(t):
    return accepted(t.call(body(t), coding="gzip", compressed=False))


@case("grpc.coding.gzip.empty", SHOULD, SUCCESS, "0 bytes in gzip", "OK")
def _(t):
    return accepted(t.call(wire.gzip(b""), coding="gzip"))


@case("grpc.coding.unknown", MUST, f"{CODING} (UNIMPLEMENTED)", "grpc-encoding: lzma, the flag 1 and bytes of that kind", "UNIMPLEMENTED; nothing stored",
      nothing_stored=True)  # fmt: skip
def _(t):
    return failed(t.call(b"\xfd7zXZ\x00" + bytes(20), coding="lzma"), "UNIMPLEMENTED")


@case("grpc.coding.flag-alone", MUST, f"{CODING} (INTERNAL)", "the flag 1 without grpc-encoding, and a plain message", "INTERNAL; nothing stored",
      nothing_stored=True)  # fmt: skip
def _(t):
    return failed(t.call(body(t), compressed=True), "INTERNAL")


@case("grpc.coding.flag-odd", MUST, f"{PROTOCOL} (the flag is 0 or 1)", "the flag 2", "an error that is final; nothing stored", nothing_stored=True)
def _(t):
    message = body(t)
    reply = t.call(b"\x02" + len(message).to_bytes(4, "big") + message, framed=False)
    return failed(reply, *FINAL)


def _bad_coding(name: str, what: str, pack):
    @case(f"grpc.coding.{name}", MUST, FAILURES, f"grpc-encoding: gzip, {what}", "an error that is final for clients; nothing stored", nothing_stored=True)
    def _(t):
        return failed(t.call(pack(body(t)), coding="gzip"), *FINAL)


_bad_coding("gzip-not", "the flag 1 and bytes that are no gzip", lambda message: b"\xff\xff\xff\xff" + message)
_bad_coding("gzip-cut", "the flag 1 and gzip cut short", lambda message: wire.gzip(message)[:-9])
_bad_coding("gzip-checksum", "the flag 1 and gzip with a wrong checksum", lambda message: wire.gzip(message)[:-6] + b"\0\0" + wire.gzip(message)[-4:])


# --- errors ---------------------------------------------------------------------------------------


def _bad(name: str, what: str, make):
    @case(f"grpc.bad.{name}", SHOULD, f"{FAILURES} (INVALID_ARGUMENT)", f"{what}", "INVALID_ARGUMENT without RetryInfo; nothing stored", nothing_stored=True)
    def _(t):
        return failed(t.call(make(t)), "INVALID_ARGUMENT")


for _name, _what, _make in cases_http.BAD_PROTOBUF:
    _bad(_name, _what, _make)


@case("grpc.error.details", SHOULD, f"{FAILURES} (BadRequest)", "bytes cut short",
      "grpc-status-details-bin with code and message of the trailers, and a BadRequest")  # fmt: skip
def _(t):
    reply = t.call(body(t)[:-3])
    status = details(reply)
    if status is None:
        raise Miss(f"{said(reply)}, no details")
    if (http2.CODES[status.code], status.message) != (reply.code, reply.message):
        raise Miss(f"{said(reply)}, details of another code or message")
    if not any(detail.Is(error_details_pb2.BadRequest.DESCRIPTOR) for detail in status.details):
        raise Miss(f"{said(reply)}, no BadRequest")
    return f"{said(reply)}, BadRequest"


@case("grpc.error.message", SHOULD, f"{FAILURES}", "bytes cut short", "an error with a grpc-message")
def _(t):
    reply = t.call(body(t)[:-3])
    if reply.code in (None, "OK") or not reply.message:
        raise Miss(f"{said(reply)}, no message")
    return "a message"


@case("grpc.error.trailers-only", CHOICE, "docs/otlp-answers.md (a Java client reads nothing else)", "bytes cut short", "an error in one block of headers")
def _(t):
    reply = t.call(body(t)[:-3])
    if reply.code in (None, "OK") or not reply.trailers_only:
        raise Miss(f"{said(reply)}, {len(reply.blocks)} header blocks")
    return "one block"


def _unknown(name: str, method: str):
    @case(f"grpc.unknown.{name}", MUST, f"gRPC status codes (UNIMPLEMENTED); {PROTOCOL}", f"a call of {method}", "UNIMPLEMENTED; nothing stored",
          nothing_stored=True)  # fmt: skip
    def _(t):
        return failed(t.call(body(t), method=method), "UNIMPLEMENTED")


_unknown("method", METHODS["traces"].replace("Export", "Import"))
_unknown("service", "/no.such.Service/Export")
_unknown("case", METHODS["traces"].lower())
_unknown("http-path", "/v1/traces")
_unknown("root", "/")


# --- messages and frames --------------------------------------------------------------------------


@case("grpc.frames.split", MUST, PROTOCOL, "a message in DATA frames of 7 bytes", "OK; stored", stored=default)
def _(t):
    with t.dial() as connection:
        stream = connection.open(METHODS["traces"], t.headers)
        connection.data(stream, http2.framed(body(t)), piece=7)
        return accepted(connection.reply(stream))


@case("grpc.frames.slow", MUST, PROTOCOL, "a message in pieces of 40 bytes with pauses", "OK; stored", stored=default)
def _(t):
    message = http2.framed(body(t))
    with t.dial() as connection:
        stream = connection.open(METHODS["traces"], t.headers)
        for at in range(0, len(message), 40):
            connection.data(stream, message[at : at + 40], end=False)
            time.sleep(0.02)
        connection.data(stream, b"")
        return accepted(connection.reply(stream))


def _broken(name: str, what: str, make, level: str = MUST):
    @case(f"grpc.frames.{name}", level, PROTOCOL, what, "no success; nothing stored; the server lives on", nothing_stored=True)
    def _(t):
        reply = t.call(make(t), framed=False)
        t.still_serves()
        if reply.code == "OK":
            raise Miss(said(reply))
        return "no success"


_broken("half", "half a message, then the end of the stream", lambda t: http2.framed(body(t))[:-10])
_broken("prefix", "three bytes, then the end of the stream", lambda t: b"\0\0\0")
_broken("none", "no message", lambda t: b"")
_broken("two", "two messages in one unary call", lambda t: http2.framed(body(t)) * 2, CHOICE)


@case("grpc.frames.reset", MUST, f"{HTTP2} §5.4.2", "half a message, then RST_STREAM", "nothing stored; the connection lives on", nothing_stored=True)
def _(t):
    with t.dial() as connection:
        stream = connection.open(METHODS["traces"], t.headers)
        connection.data(stream, http2.framed(body(t))[:-10], end=False)
        connection.send_frame(http2.RST_STREAM, 0, stream, (8).to_bytes(4, "big"))
        stream = connection.open(METHODS["traces"], t.headers)
        connection.data(stream, http2.framed(b""))
        return accepted(connection.reply(stream)) + " on the next stream"


@case("grpc.frames.gone", MUST, f"{HTTP2} §5.4.1", "half a message, then the connection closed", "nothing stored; the server lives on", nothing_stored=True)
def _(t):
    with t.dial() as connection:
        stream = connection.open(METHODS["traces"], t.headers)
        connection.data(stream, http2.framed(body(t))[:-10], end=False)
    t.still_serves()
    return "lives on"


@case("grpc.metadata", MUST, PROTOCOL, "metadata that nobody knows, text and binary, one key twice", "OK; stored", stored=default)
def _(t):
    headers = [("x-unknown", "1"), ("x-unknown", "2"), ("x-bytes-bin", "AAECAw"), ("user-agent", "conformance/1"),
               ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]  # fmt: skip
    if not any(name.lower() == "authorization" for name, _ in t.headers):
        headers.append(("authorization", "Bearer nobody-asked"))
    return accepted(t.call(body(t), headers=headers))


@case("grpc.timeout", MUST, PROTOCOL, "grpc-timeout: 99999999m", "OK; stored", stored=default)
def _(t):
    return accepted(t.call(body(t), headers=[("grpc-timeout", "99999999m")]))


@case("grpc.type.proto", MUST, PROTOCOL, "content-type: application/grpc+proto", "OK; stored", stored=default)
def _(t):
    return accepted(t.call(body(t), content_type="application/grpc+proto"))


@case("grpc.type.other", CHOICE, f"{PROTOCOL} (415 SHOULD be answered)", "content-type: text/plain", "no success; nothing stored", nothing_stored=True)
def _(t):
    try:
        reply = t.call(body(t), content_type="text/plain")
    except http2.NoAnswer:
        t.still_serves()
        return "no success"
    if reply.code == "OK":
        raise Miss(said(reply))
    t.still_serves()
    return "no success"


# --- connections ----------------------------------------------------------------------------------


@case("grpc.streams", MUST, "OTLP, OTLP/gRPC Concurrent Requests", "50 calls at once on one connection", "OK for each; stored",
      stored=lambda t: [t.traces(t.span(serial)) for serial in range(50)])  # fmt: skip
def _(t):
    with t.dial() as connection:
        streams = [connection.open(METHODS["traces"], t.headers) for _ in range(50)]
        for serial, stream in enumerate(streams):
            connection.data(stream, http2.framed(records.protobuf(t.traces(t.span(serial)))))
        codes = {connection.reply(stream).code for stream in streams}
    if codes != {"OK"}:
        raise Miss(f"{sorted(map(str, codes))}")
    return "OK for each"


@case("grpc.streams.interleaved", MUST, f"{HTTP2} §5", "20 calls whose frames come in turns, some of them bad",
      "an answer of its own to each", stored=lambda t: [t.traces(t.span(serial)) for serial in range(0, 20, 2)])  # fmt: skip
def _(t):
    with t.dial() as connection:
        messages = [http2.framed(records.protobuf(t.traces(t.span(serial))) if serial % 2 == 0 else b"\x0a") for serial in range(20)]
        streams = [connection.open(METHODS["traces"], t.headers) for _ in messages]
        for stream, message in zip(streams, messages):
            connection.data(stream, message[:3], end=False)
        for stream, message in reversed(list(zip(streams, messages))):
            connection.data(stream, message[3:])
        wrong = [i for i, stream in enumerate(streams) if (connection.reply(stream).code == "OK") != (i % 2 == 0)]
    if wrong:
        raise Miss(f"wrong answers on {len(wrong)} streams")
    return "an answer of its own to each"


@case("grpc.ping", MUST, f"{HTTP2} §6.7", "two PING frames around a call", "each acknowledged with its own bytes; the call OK", stored=default)
def _(t):
    with t.dial() as connection:
        connection.send_frame(http2.PING, 0, 0, b"conform1")
        connection.pong(b"conform1")
        stream = connection.open(METHODS["traces"], t.headers)
        connection.data(stream, http2.framed(body(t)))
        observed = accepted(connection.reply(stream))
        connection.send_frame(http2.PING, 0, 0, b"conform2")
        connection.pong(b"conform2")
        if connection.goaway is not None:
            raise Miss(f"GOAWAY, error {connection.goaway}")
        return observed


@case("grpc.settings", MUST, f"{HTTP2} §6.5", "SETTINGS that change in the middle of a connection", "a call before and one after, OK",
      stored=lambda t: [t.traces(t.span(1)), t.traces(t.span(2))])  # fmt: skip
def _(t):
    with t.dial() as connection:
        for serial in (1, 2):
            stream = connection.open(METHODS["traces"], t.headers)
            connection.data(stream, http2.framed(records.protobuf(t.traces(t.span(serial)))))
            observed = accepted(connection.reply(stream))
            connection.send_frame(http2.SETTINGS, 0, 0, (1).to_bytes(2, "big") + (0).to_bytes(4, "big"))  # no table for headers
        return observed
