"""OTLP/HTTP: paths, methods, media types, codings, success, errors, and HTTP/1.1 itself."""

from __future__ import annotations

import gzip
import json
import time

import http1
import records
import wire
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.profiles.v1development.profiles_service_pb2 import ExportProfilesServiceRequest
from suite import CHOICE, JSON, MUST, PATHS, PROTOBUF, SHOULD, Miss, accepted, accepted_as, case, refused, said, status_of, succeeded

REQUEST = "OTLP, OTLP/HTTP Request"
RESPONSE = "OTLP, OTLP/HTTP Response"
SUCCESS = "OTLP, OTLP/HTTP Response, Full Success"
FAILURES = "OTLP, OTLP/HTTP Response, Failures"
BAD_DATA = "OTLP, OTLP/HTTP Response, Bad Data"
COMPRESSION = "OTLP, Protocol Details (compression)"
HTTP = "RFC 9110"
WIRE = "RFC 9112"

MEDIA = {"protobuf": (PROTOBUF, records.protobuf), "json": (JSON, records.as_json)}


def payload(t, signal: str) -> dict:
    return t.traces() if signal == "traces" else t.logs()


def default(t) -> list[dict]:
    return [t.traces()]


# --- success in each form -------------------------------------------------------------------------


def _plain(signal: str, form: str):
    media, encode = MEDIA[form]

    @case(f"http.{signal}.{form}", MUST, SUCCESS, f"one record as {media} to {PATHS[signal]}",
          f"200 with {media} and the empty message, {'0 bytes' if form == 'protobuf' else '{}'}; the record stored",
          stored=lambda t: [payload(t, signal)])  # fmt: skip
    def _(t):
        return succeeded(t.post(encode(payload(t, signal)), PATHS[signal], media=media), media)

    @case(f"http.{signal}.{form}.gzip", MUST, COMPRESSION, f"the same, Content-Encoding: gzip, to {PATHS[signal]}",
          "the same success; the record stored", stored=lambda t: [payload(t, signal)])  # fmt: skip
    def _(t):
        return accepted(t.post(wire.gzip(encode(payload(t, signal))), PATHS[signal], media=media, coding="gzip"))

    @case(f"http.{signal}.{form}.zstd", CHOICE, "docs/otlp-answers.md (the Collector's exporters offer zstd)",
          f"the same, Content-Encoding: zstd, to {PATHS[signal]}", "the same success; the record stored",
          stored=lambda t: [payload(t, signal)])  # fmt: skip
    def _(t):
        return accepted(t.post(wire.zstd(encode(payload(t, signal))), PATHS[signal], media=media, coding="zstd"))


for _signal in ("traces", "logs"):
    for _form in MEDIA:
        _plain(_signal, _form)


EMPTY = [
    ("protobuf", "traces", PROTOBUF, b"", "0 bytes"),
    ("protobuf", "logs", PROTOBUF, b"", "0 bytes"),
    ("json", "traces", JSON, b"{}", "{}"),
    ("json", "logs", JSON, b"{}", "{}"),
    ("json-list", "traces", JSON, b'{"resourceSpans":[]}', "an empty list"),
    ("protobuf-group", "traces", PROTOBUF, wire.message(1, b""), "an empty ResourceSpans"),
    ("json-group", "logs", JSON, b'{"resourceLogs":[{"scopeLogs":[{}]}]}', "an empty ScopeLogs"),
]


def _empty(name: str, signal: str, media: str, body: bytes, what: str):
    @case(f"http.empty.{name}.{signal}", SHOULD, SUCCESS, f"{what} as {media} to {PATHS[signal]}", "200 in the same encoding")
    def _(t):
        return accepted_as(t.post(body, PATHS[signal], media=media), media)


for _row in EMPTY:
    _empty(*_row)


@case("http.empty.no-length", CHOICE, f"{WIRE} §6.3 (neither length nor coding: no body)", "POST /v1/traces without Content-Length and body",
      "200: a request without data")  # fmt: skip
def _(t):
    return accepted(t.post(b"", length=False))


@case("http.response.plain-unasked", MUST, f"{HTTP} §12.5.3; {COMPRESSION}", "no Accept-Encoding", "an answer without Content-Encoding")
def _(t):
    answer = t.post(wire.gzip(b"{}"), media=JSON, coding="gzip")
    if answer.header("content-encoding") is not None:
        raise Miss(f"{said(answer)}, Content-Encoding: {answer.header('content-encoding')}")
    return accepted(answer)


@case("http.response.gzip-when-asked", MUST, f"{HTTP} §12.5.3", "Accept-Encoding: gzip", "200; JSON, plain or in gzip as the answer's header says")
def _(t):
    answer = t.post(b"{}", media=JSON, headers=[("Accept-Encoding", "gzip")])
    body = gzip.decompress(answer.body) if answer.header("content-encoding") == "gzip" else answer.body
    if not isinstance(json.loads(body), dict):
        raise Miss(f"{said(answer)}, no JSON")
    return accepted(answer)


# --- metrics and profiles -------------------------------------------------------------------------


def _metrics() -> bytes:
    request = ExportMetricsServiceRequest()
    metric = request.resource_metrics.add().scope_metrics.add().metrics.add(name="conformance")
    metric.gauge.data_points.add(as_int=1, time_unix_nano=1764000000000000001)
    return request.SerializeToString()


def _profiles() -> bytes:
    return ExportProfilesServiceRequest().SerializeToString()


OTHER_SIGNALS = {"metrics": _metrics(), "profiles": _profiles()}


def _other(signal: str, body: bytes):
    @case(f"http.{signal}", MUST, f"{FAILURES}; {SUCCESS}", f"a request of {signal} as {PROTOBUF} to {PATHS[signal]}",
          "200, or 404 with a Status for a receiver that does not take them")  # fmt: skip
    def _(t):
        answer = t.post(body, PATHS[signal])
        return refused(answer, 404) if answer.status == 404 else accepted_as(answer, PROTOBUF)


for _signal, _body in OTHER_SIGNALS.items():
    _other(_signal, _body)


# --- paths and methods ----------------------------------------------------------------------------


def _no_path(name: str, path: str):
    @case(f"http.path.{name}", MUST, f"{FAILURES}; {REQUEST} (the default paths)", f"one span to {path}",
          "404 with a Status that says something; nothing stored", nothing_stored=True)  # fmt: skip
    def _(t):
        return refused(t.post(records.protobuf(t.traces()), path), 404)


for _name, _path in (("root", "/"), ("misspelt", "/v1/trace"), ("version", "/v2/traces"), ("trailing-slash", "/v1/traces/"),
                     ("double-slash", "//v1/traces"), ("case", "/V1/Traces"), ("prefix", "/v1/traces/extra")):  # fmt: skip
    _no_path(_name, _path)


@case("http.path.query", CHOICE, f"{HTTP} §4.2.1", "one span to /v1/traces?source=test", "200: a query changes nothing", stored=default)
def _(t):
    return accepted(t.post(records.protobuf(t.traces()), "/v1/traces?source=test"))


@case("http.path.absolute", MUST, f"{WIRE} §3.2.2", "POST http://HOST:PORT/v1/traces HTTP/1.1", "200: servers must take the absolute form",
      stored=default)  # fmt: skip
def _(t):
    return accepted(t.post(records.protobuf(t.traces()), f"http://{t.http[0]}:{t.http[1]}/v1/traces"))


def _method(method: str):
    @case(f"http.method.{method.lower()}", MUST, f"{REQUEST} (POST); {HTTP} §15.5.6; {FAILURES}", f"{method} /v1/traces",
          "405 with Allow: POST" + ("" if method == "HEAD" else " and a Status"))  # fmt: skip
    def _(t):
        answer = t.post(b"", method=method)
        if answer.status != 405:
            raise Miss(said(answer))
        allowed = [name.strip() for name in (answer.header("allow") or "").split(",")]
        if "POST" not in allowed:
            raise Miss(f"{said(answer)}, no Allow: POST")
        if method != "HEAD":
            status_of(answer, PROTOBUF)
        return f"{said(answer)}, Allow"


for _method_name in ("GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"):
    _method(_method_name)


# --- media types ----------------------------------------------------------------------------------


def _type_read(name: str, media: str, form: str):
    @case(f"http.type.{name}", MUST, f"{HTTP} §8.3.1 (parameters; case means nothing)", f"one span, Content-Type: {media}",
          "200 in the same encoding; the record stored", stored=default)  # fmt: skip
    def _(t):
        base, encode = MEDIA[form]
        return accepted_as(t.post(encode(t.traces()), media=media), base)


for _row in (
    ("json-charset", "application/json; charset=utf-8", "json"),
    ("json-charset-upper", "application/json;charset=UTF-8", "json"),
    ("json-upper", "Application/JSON", "json"),
    ("protobuf-parameter", 'application/x-protobuf; messageType="x.y.Z"', "protobuf"),
    ("protobuf-upper", "APPLICATION/X-PROTOBUF", "protobuf"),
):
    _type_read(*_row)


def _type_refused(name: str, media: str | None):
    @case(f"http.type.{name}", MUST, f"{HTTP} §15.5.16; {FAILURES}", f"one span, {'no Content-Type' if media is None else f'Content-Type: {media}'}",
          "415 with a Status, in protobuf or JSON; nothing stored", nothing_stored=True)  # fmt: skip
    def _(t):
        answer = t.post(records.protobuf(t.traces()), media=media)
        return refused(answer, 415, media=JSON if answer.media_type == JSON else PROTOBUF)


for _name, _media in (("none", None), ("text", "text/plain"), ("xml", "application/xml"), ("grpc", "application/grpc"),
                      ("form", "application/x-www-form-urlencoded"), ("octets", "application/octet-stream")):  # fmt: skip
    _type_refused(_name, _media)


@case("http.type.json-as-protobuf", MUST, BAD_DATA, f"JSON, Content-Type: {PROTOBUF}", f"400 with a Status as {PROTOBUF}", nothing_stored=True)
def _(t):
    return refused(t.post(records.as_json(t.traces())), 400)


@case("http.type.protobuf-as-json", MUST, BAD_DATA, f"protobuf, Content-Type: {JSON}", f"400 with a Status as {JSON}", nothing_stored=True)
def _(t):
    return refused(t.post(records.protobuf(t.traces()), media=JSON), 400, media=JSON)


# --- content codings ------------------------------------------------------------------------------


@case("http.coding.identity", CHOICE, f"{HTTP} §12.5.3", "Content-Encoding: identity", "200", stored=default)
def _(t):
    return accepted(t.post(records.protobuf(t.traces()), coding="identity"))


@case("http.coding.case", MUST, f"{HTTP} §8.4.1 (content codings are case-insensitive)", "Content-Encoding: GZIP", "200", stored=default)
def _(t):
    return accepted(t.post(wire.gzip(records.protobuf(t.traces())), coding="GZIP"))


@case("http.coding.x-gzip", SHOULD, f"{HTTP} §8.4.1.3", "Content-Encoding: x-gzip", "200", stored=default)
def _(t):
    return accepted(t.post(wire.gzip(records.protobuf(t.traces())), coding="x-gzip"))


@case("http.coding.gzip-members", MUST, "RFC 1952 §2.2 (a file is a series of members)", "one span in gzip of two members", "200", stored=default)
def _(t):
    body = records.protobuf(t.traces())
    half = len(body) // 2
    return accepted(t.post(wire.gzip(body[:half]) + wire.gzip(body[half:]), coding="gzip"))


@case("http.coding.gzip-of-nothing", SHOULD, SUCCESS, "0 bytes in gzip", "200")
def _(t):
    return accepted(t.post(wire.gzip(b""), coding="gzip"))


def _coding_unknown(name: str, coding: str):
    @case(f"http.coding.{name}", CHOICE, f"{HTTP} §8.4 (MAY answer 415); docs/otlp-answers.md", f"Content-Encoding: {coding}",
          "415 with a Status; nothing stored", nothing_stored=True)  # fmt: skip
    def _(t):
        return refused(t.post(records.protobuf(t.traces()), coding=coding), 415)


for _name, _coding in (("br", "br"), ("nonsense", "nonsense"), ("twice", "gzip, gzip")):
    _coding_unknown(_name, _coding)


def _coding_bad(name: str, what: str, body, coding: str, level: str = MUST):
    @case(f"http.coding.{name}", level, BAD_DATA, f"Content-Encoding: {coding}, {what}", "400 with a Status; nothing stored", nothing_stored=True)
    def _(t):
        return refused(t.post(body(records.protobuf(t.traces())), coding=coding), 400)


def _damaged(body: bytes) -> bytes:
    packed = bytearray(wire.gzip(body))
    packed[-6] ^= 0x55  # in the checksum
    return bytes(packed)


_coding_bad("gzip-cut", "cut short", lambda body: wire.gzip(body)[:-9], "gzip")
_coding_bad("gzip-checksum", "with a wrong checksum", _damaged, "gzip")
_coding_bad("gzip-not", "that is none", lambda body: body, "gzip")
_coding_bad("gzip-header-only", "its header alone", lambda body: wire.gzip(body)[:10], "gzip")
_coding_bad("gzip-empty", "0 bytes", lambda body: b"", "gzip", CHOICE)
_coding_bad("gzip-garbage-after", "with text after its end", lambda body: wire.gzip(body) + b"garbage", "gzip", CHOICE)
_coding_bad("zstd-cut", "cut short", lambda body: wire.zstd(body)[:-9], "zstd", CHOICE)
_coding_bad("zstd-not", "that is none", lambda body: body, "zstd", CHOICE)


# --- bad data -------------------------------------------------------------------------------------

BAD_PROTOBUF = [
    ("truncated", "cut short", lambda t: records.protobuf(t.traces())[:-7]),
    ("one-byte", "one byte, 0a", lambda t: b"\x0a"),
    ("text", "a line of text", lambda t: b"hello, this is no protobuf"),
    ("length", "a length beyond the end", lambda t: b"\x0a\xff\xff\xff\xff\x0f" + bytes(10)),
    ("varint", "a number of 11 bytes", lambda t: b"\x78" + b"\xff" * 10 + b"\x01"),
    ("field-0", "a field of number 0", lambda t: records.protobuf(t.traces()) + b"\x02\x01x"),
    ("wire-type", "a field of wire type 7", lambda t: records.protobuf(t.traces()) + b"\x7f\x01"),
    ("group-open", "a group that never ends", lambda t: records.protobuf(t.traces()) + b"\x7b\x08\x01"),
]


def _bad(name: str, what: str, body):
    @case(f"http.bad.{name}", MUST, BAD_DATA, f"protobuf: {what}", "400 with a Status in protobuf; nothing stored", nothing_stored=True)
    def _(t):
        return refused(t.post(body(t)), 400)


for _row in BAD_PROTOBUF:
    _bad(*_row)


@case("http.bad.other-wire-type", CHOICE, "protobuf encoding (a known field of another wire type is unknown)",
      "one span, and resource_spans as a number", "200 or 400: parsers differ; the server lives on")  # fmt: skip
def _(t):
    answer = t.post(records.protobuf(t.traces()) + wire.number(1, 7))
    t.still_serves()
    return accepted(answer) if answer.status == 200 else refused(answer, 400)


# --- HTTP/1.1 -------------------------------------------------------------------------------------


def _chunked(name: str, sizes: list[int], extension: str = "", trailer: str = "", coding: str | None = None):
    what = f"one span in chunks of {', '.join(map(str, sizes))} bytes" + (f", Content-Encoding: {coding}" if coding else "")
    what += (", with chunk extensions" if extension else "") + (", with a trailer" if trailer else "")

    @case(f"http.wire.chunked{name}", MUST, f"{WIRE} §7.1", what, "200", stored=default)
    def _(t):
        body = records.protobuf(t.traces())
        headers = [("Content-Type", PROTOBUF), ("Transfer-Encoding", "chunked")]
        if coding:
            body = wire.gzip(body)
            headers.append(("Content-Encoding", coding))
        with t.connect() as connection:
            connection.send(t.head("/v1/traces", headers) + http1.chunked(body, sizes, extension=extension, trailer=trailer))
            return accepted(connection.answer())


_chunked("", [4096])
_chunked(".small", [1, 7, 2])
_chunked(".extension", [50], extension=';name="value"')
_chunked(".trailer", [50], trailer="X-Trailer: 1\r\n")
_chunked(".gzip", [13], coding="gzip")


@case("http.wire.chunked.case", MUST, f"{WIRE} §7 (names of codings are case-insensitive)", "Transfer-Encoding: Chunked", "200", stored=default)
def _(t):
    with t.connect() as connection:
        head = t.head("/v1/traces", [("Content-Type", PROTOBUF), ("Transfer-Encoding", "Chunked")])
        connection.send(head + http1.chunked(records.protobuf(t.traces()), [100]))
        return accepted(connection.answer())


def _broken_chunks(name: str, what: str, tail: bytes):
    @case(f"http.wire.chunked.{name}", MUST, f"{WIRE} §7.1, §6.3", what, "400, or the connection closed; nothing stored", nothing_stored=True)
    def _(t):
        with t.connect() as connection:
            connection.send(t.head("/v1/traces", [("Content-Type", PROTOBUF), ("Transfer-Encoding", "chunked")]) + tail)
            try:
                answer = connection.answer()
            except http1.NoAnswer:
                t.still_serves()
                return "HTTP 400 or closed"
            if answer.status != 400:
                raise Miss(said(answer))
        t.still_serves()
        return "HTTP 400 or closed"


_broken_chunks("bad-size", "a chunk of size xyz", b"xyz\r\nabc\r\n0\r\n\r\n")
_broken_chunks("huge-size", "a chunk of 2^68 bytes", b"100000000000000000\r\nabc\r\n0\r\n\r\n")
_broken_chunks("no-end", "a chunk without a line break after it", b"3\r\nabcX0\r\n\r\n")


@case("http.wire.continue", MUST, f"{HTTP} §10.1.1", "Expect: 100-continue; the body only once 100 has come", "100, then 200", stored=default)
def _(t):
    body = records.protobuf(t.traces())
    with t.connect() as connection:
        connection.send(t.head("/v1/traces", [("Content-Type", PROTOBUF), ("Content-Length", str(len(body))), ("Expect", "100-continue")]))
        status, _ = connection.head()
        if status != 100:
            raise Miss(f"HTTP {status} before the body")
        connection.send(body)
        return "100, " + accepted(connection.answer())


@case("http.wire.continue.at-once", MUST, f"{HTTP} §10.1.1", "Expect: 100-continue, and the body without waiting", "200, with or without 100",
      stored=default)  # fmt: skip
def _(t):
    return accepted(t.post(records.protobuf(t.traces()), headers=[("Expect", "100-continue")]))


@case("http.wire.keep-alive", MUST, f"{WIRE} §9.3", "two requests on one connection, one after the other", "200 twice",
      stored=lambda t: [t.traces(t.span(1)), t.traces(t.span(2))])  # fmt: skip
def _(t):
    with t.connect() as connection:
        for serial in (1, 2):
            body = records.protobuf(t.traces(t.span(serial)))
            connection.send(t.head("/v1/traces", [("Content-Type", PROTOBUF), ("Content-Length", str(len(body)))]) + body)
            observed = accepted(connection.answer())
    return f"{observed} twice"


@case("http.wire.keep-alive.after-error", CHOICE, f"{WIRE} §9.3", "bad data, then one span on the same connection", "400, then 200", stored=default)
def _(t):
    with t.connect() as connection:
        for body, wanted in ((b"\x0a", 400), (records.protobuf(t.traces()), 200)):
            connection.send(t.head("/v1/traces", [("Content-Type", PROTOBUF), ("Content-Length", str(len(body)))]) + body)
            if (answer := connection.answer()).status != wanted:
                raise Miss(said(answer))
    return "HTTP 400, HTTP 200"


@case("http.wire.close", MUST, f"{WIRE} §9.6", "Connection: close", "200 and a closed connection", stored=default)
def _(t):
    body = records.protobuf(t.traces())
    with t.connect() as connection:
        connection.send(t.head("/v1/traces", [("Content-Type", PROTOBUF), ("Content-Length", str(len(body))), ("Connection", "close")]) + body)
        observed = accepted(connection.answer())
        if not connection.closed(t.empty()):
            raise Miss(f"{observed}, the connection stays open")
        return f"{observed}, closed"


@case("http.wire.pipelined", MUST, f"{WIRE} §9.3.2", "three requests at once: a span, bad data, a span", "200, 400, 200 in this order",
      stored=lambda t: [t.traces(t.span(1)), t.traces(t.span(3))])  # fmt: skip
def _(t):
    sent = b""
    for body in (records.protobuf(t.traces(t.span(1))), b"\x0a", records.protobuf(t.traces(t.span(3)))):
        sent += t.head("/v1/traces", [("Content-Type", PROTOBUF), ("Content-Length", str(len(body)))]) + body
    with t.connect() as connection:
        connection.send(sent)
        statuses = [connection.answer().status for _ in range(3)]
    if statuses != [200, 400, 200]:
        raise Miss(f"HTTP {statuses}")
    return "HTTP 200, 400, 200"


@case("http.wire.slow", MUST, f"{WIRE} §6", "a head and a body in pieces of 40 bytes with pauses", "200", stored=default)
def _(t):
    body = records.protobuf(t.traces())
    sent = t.head("/v1/traces", [("Content-Type", PROTOBUF), ("Content-Length", str(len(body)))]) + body
    with t.connect() as connection:
        for at in range(0, len(sent), 40):
            connection.send(sent[at : at + 40])
            time.sleep(0.02)
        return accepted(connection.answer())


@case("http.wire.half", MUST, f"{WIRE} §8 (an incomplete message must not be taken for whole)",
      "a whole span, but a Content-Length 10 bytes longer, then closed", "nothing stored; the server lives on", nothing_stored=True)  # fmt: skip
def _(t):
    body = records.protobuf(t.traces())
    with t.connect() as connection:
        connection.send(t.head("/v1/traces", [("Content-Type", PROTOBUF), ("Content-Length", str(len(body) + 10))]) + body)
    t.still_serves()
    return "lives on"


@case("http.wire.half.chunked", MUST, f"{WIRE} §8", "a whole span in one chunk, then closed without the last chunk",
      "nothing stored; the server lives on", nothing_stored=True)  # fmt: skip
def _(t):
    with t.connect() as connection:
        head = t.head("/v1/traces", [("Content-Type", PROTOBUF), ("Transfer-Encoding", "chunked")])
        connection.send(head + http1.chunked(records.protobuf(t.traces()), [1 << 20])[:-5])
    t.still_serves()
    return "lives on"


@case("http.wire.1.0", CHOICE, f"{HTTP} §2.5", "POST /v1/traces HTTP/1.0 without Host", "200 and a closed connection", stored=default)
def _(t):
    body = records.protobuf(t.traces())
    with t.connect() as connection:
        connection.send(t.head("/v1/traces", [("Content-Type", PROTOBUF), ("Content-Length", str(len(body)))], version="1.0", host=False) + body)
        observed = accepted(connection.answer())
        if not connection.closed(t.empty()):
            raise Miss(f"{observed}, the connection stays open")
        return f"{observed}, closed"


def _malformed(name: str, source: str, what: str, statuses: tuple[int, ...], make):
    @case(f"http.wire.{name}", MUST, source, what, f"{' or '.join(map(str, statuses))}; nothing stored", nothing_stored=True)
    def _(t):
        with t.connect() as connection:
            connection.send(make(t, records.protobuf(t.traces())))
            answer = connection.answer()
        if answer.status not in statuses:
            raise Miss(said(answer))
        t.still_serves()
        return f"HTTP {answer.status}"


_malformed("no-host", f"{WIRE} §3.2", "HTTP/1.1 without Host", (400,),
           lambda t, body: t.head("/v1/traces", [("Content-Type", PROTOBUF), ("Content-Length", str(len(body)))], host=False) + body)  # fmt: skip
_malformed("two-lengths", f"{WIRE} §6.3", "two Content-Length that differ", (400,),
           lambda t, body: t.head("/v1/traces", [("Content-Type", PROTOBUF), ("Content-Length", str(len(body))), ("Content-Length", "5")]) + body)  # fmt: skip
_malformed("bad-length", f"{WIRE} §6.3", "Content-Length: abc", (400,),
           lambda t, body: t.head("/v1/traces", [("Content-Type", PROTOBUF), ("Content-Length", "abc")]) + body)  # fmt: skip
_malformed("negative-length", f"{WIRE} §6.3", "Content-Length: -5", (400,),
           lambda t, body: t.head("/v1/traces", [("Content-Type", PROTOBUF), ("Content-Length", "-5")]) + body)  # fmt: skip
_malformed("space-before-colon", f"{WIRE} §5.1", "a space between a header's name and its colon", (400,),
           lambda t, body: t.head("/v1/traces", [("Content-Type", PROTOBUF), ("Content-Length", str(len(body))), ("X-Odd ", "1")]) + body)  # fmt: skip
_malformed("header-size", "RFC 6585 §5", "a header of 2 MiB", (400, 431),
           lambda t, body: t.head("/v1/traces", [("Content-Type", PROTOBUF), ("X-Large", "x" * 2 * wire.MIB)]))  # fmt: skip
_malformed("other-coding", f"{WIRE} §6.1", "Transfer-Encoding: foo", (400, 501),
           lambda t, body: t.head("/v1/traces", [("Content-Type", PROTOBUF), ("Transfer-Encoding", "foo")]) + body)  # fmt: skip


@case("http.wire.length-and-chunked", MUST, f"{WIRE} §6.1 (Transfer-Encoding wins, or an error; the connection must be closed)",
      "one span in chunks, and a Content-Length as well", "200 and closed, or 400")  # fmt: skip
def _(t):
    body = http1.chunked(records.protobuf(t.traces()), [100])
    with t.connect() as connection:
        connection.send(t.head("/v1/traces", [("Content-Type", PROTOBUF), ("Transfer-Encoding", "chunked"), ("Content-Length", "3")]) + body)
        answer = connection.answer()
        if answer.status == 400:
            return "HTTP 400"
        if answer.status == 200 and connection.closed(t.empty()):
            return "HTTP 200, closed"
        raise Miss(f"{said(answer)}, the connection stays open")


@case("http.wire.header-names", MUST, f"{HTTP} §5.1", "header names in odd case", "200", stored=default)
def _(t):
    body = wire.gzip(records.protobuf(t.traces()))
    with t.connect() as connection:
        connection.send(t.head("/v1/traces", [("cOnTeNt-tYpE", PROTOBUF), ("CONTENT-LENGTH", str(len(body))), ("content-ENCODING", "gzip")]) + body)
        return accepted(connection.answer())


@case("http.wire.unknown-headers", MUST, f"{HTTP} §5.1", "headers nobody knows, among them an Authorization that nobody asked for", "200", stored=default)
def _(t):
    headers = [("X-Unknown", "1"), ("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), ("X-Latin", "caf\xe9")]
    if not any(name.lower() == "authorization" for name, _ in t.headers):
        headers.append(("Authorization", "Bearer nobody-asked"))
    return accepted(t.post(records.protobuf(t.traces()), headers=headers))
