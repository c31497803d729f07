"""Everything that OTLP can carry, in both encodings and over both transports, and what receivers must tolerate in it."""

from __future__ import annotations

import records
import wire
from suite import CHOICE, JSON, MUST, PATHS, PROTOBUF, SHOULD, Miss, accepted, case, failed, refused, said

PROTO = "opentelemetry-proto"
BAD_DATA = "OTLP, OTLP/HTTP Response, Bad Data"
LENIENT = "docs/otlp-answers.md, What is read beyond the specification"


def text(value: str) -> dict:
    return {"stringValue": value}


def pairs(**values: dict) -> list[dict]:
    return [{"key": key, "value": value} for key, value in values.items()]


EVERY_VALUE = pairs(
    text=text("é 😀"), text_empty=text(""), yes={"boolValue": True}, no={"boolValue": False}, one={"intValue": "1"},
    most={"intValue": "9223372036854775807"}, least={"intValue": "-9223372036854775808"}, half={"doubleValue": 0.5},
    tiny={"doubleValue": 5e-324}, nan={"doubleValue": "NaN"}, infinity={"doubleValue": "Infinity"}, minus={"doubleValue": "-Infinity"},
    bytes={"bytesValue": "AAECA/8="}, bytes_empty={"bytesValue": ""}, empty={}, list_empty={"arrayValue": {}}, map_empty={"kvlistValue": {}},
    list={"arrayValue": {"values": [text("a"), {"intValue": "2"}, {}, {"arrayValue": {"values": [{"boolValue": False}]}}, {"bytesValue": "/w=="},
                                    {"kvlistValue": {"values": pairs(inner={"doubleValue": 1.25})}}]}},
    map={"kvlistValue": {"values": pairs(a=text("b"), nested={"kvlistValue": {"values": pairs(list={"arrayValue": {"values": [{}]}})}})}},
)  # fmt: skip


def full_span(t) -> dict:
    return {"resourceSpans": [{
        "resource": {"attributes": EVERY_VALUE, "droppedAttributesCount": 1},
        "scopeSpans": [{
            "scope": {"name": "conformance", "version": "1.2.3", "attributes": EVERY_VALUE, "droppedAttributesCount": 2},
            "spans": [t.span(
                traceState="a=1,b=2", parentSpanId="00f067aa0ba902b7", flags=257, name="é", kind=3, attributes=EVERY_VALUE,
                droppedAttributesCount=3, droppedEventsCount=4, droppedLinksCount=5, status={"code": 2, "message": "it failed"},
                events=[{"timeUnixNano": "1764000000000000003", "name": "first", "attributes": EVERY_VALUE, "droppedAttributesCount": 6},
                        {"timeUnixNano": "0", "name": "second"}],
                links=[{"traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331", "traceState": "c=3",
                        "attributes": EVERY_VALUE, "droppedAttributesCount": 7, "flags": 1}])],
            "schemaUrl": "https://opentelemetry.io/schemas/1.30.0"}],
        "schemaUrl": "https://opentelemetry.io/schemas/1.29.0"}]}  # fmt: skip


def full_log(t) -> dict:
    return {"resourceLogs": [{
        "resource": {"attributes": EVERY_VALUE, "droppedAttributesCount": 1},
        "scopeLogs": [{
            "scope": {"name": "conformance", "version": "1.2.3", "attributes": EVERY_VALUE, "droppedAttributesCount": 2},
            "logRecords": [t.log(
                severityNumber=13, severityText="WARN", body={"kvlistValue": {"values": EVERY_VALUE}}, attributes=EVERY_VALUE,
                droppedAttributesCount=3, flags=1, traceId=t.id(16), spanId=t.id(8), eventName="conformance.event")],
            "schemaUrl": "https://opentelemetry.io/schemas/1.30.0"}],
        "schemaUrl": "https://opentelemetry.io/schemas/1.29.0"}]}  # fmt: skip


def everywhere(name: str, level: str, source: str, what: str, request, signal: str):
    """One request over HTTP in both encodings, and over gRPC."""

    @case(f"{name}.http-protobuf", level, source, f"{what}; HTTP, protobuf", "200; stored as sent", stored=lambda t: [request(t)])
    def _(t):
        return accepted(t.post(records.protobuf(request(t)), PATHS[signal]))

    @case(f"{name}.http-json", level, source, f"{what}; HTTP, JSON", "200; stored as sent", stored=lambda t: [request(t)])
    def _(t):
        return accepted(t.post(records.as_json(request(t)), PATHS[signal], media=JSON))

    @case(f"{name}.grpc", level, source, f"{what}; gRPC", "OK; stored as sent", stored=lambda t: [request(t)])
    def _(t):
        return accepted(t.call(records.protobuf(request(t)), signal))


everywhere("value.span", MUST, f"{PROTO} 1.9 (every value everywhere); trace.proto", "a span with every field and every kind of value", full_span, "traces")
everywhere("value.log", MUST, f"{PROTO} 1.9 (every value everywhere); logs.proto", "a log with every field and every kind of value", full_log, "logs")

for _kind, _body in (("text", text("a line")), ("int", {"intValue": "-1"}), ("double", {"doubleValue": -0.0}), ("bool", {"boolValue": False}),
                     ("bytes", {"bytesValue": "AP8="}), ("list", {"arrayValue": {"values": [text("a"), {}]}}), ("empty", {})):  # fmt: skip
    everywhere(f"value.body.{_kind}", MUST, f"{PROTO}, logs.proto, LogRecord.body (any value)", f"a log whose body is {_body}",
               lambda t, body=_body: t.logs(t.log(body=body)), "logs")  # fmt: skip

everywhere("value.twice", CHOICE, f"{PROTO}, common.proto (keys must be unique; what a receiver does is open)",
           "attributes with one key twice", lambda t: t.traces(t.span(attributes=[*pairs(k=text("first")), *pairs(k=text("last"))])), "traces")  # fmt: skip
everywhere("value.key-empty", CHOICE, f"{PROTO}, common.proto", "an attribute whose key is empty",
           lambda t: t.traces(t.span(attributes=[{"key": "", "value": text("x")}])), "traces")  # fmt: skip
everywhere("value.severity", MUST, f"{PROTO}, logs.proto (enums are open)", "a severity of 99", lambda t: t.logs(t.log(severityNumber=99)), "logs")
everywhere("value.no-times", MUST, f"{PROTO}, logs.proto (0: unknown)", "a log without times",
           lambda t: t.logs(t.log(timeUnixNano="0", observedTimeUnixNano="0")), "logs")  # fmt: skip
everywhere("value.times-back", CHOICE, f"{PROTO}, trace.proto (expected, not demanded)", "a span that ends before it starts",
           lambda t: t.traces(t.span(startTimeUnixNano="2000000000", endTimeUnixNano="1000000000")), "traces")  # fmt: skip
everywhere("value.many", MUST, "OTLP, OTLP/HTTP Request", "300 spans in one request",
           lambda t: t.traces(*(t.span(serial) for serial in range(300))), "traces")  # fmt: skip
everywhere("value.groups", MUST, "OTLP, OTLP/HTTP Request", "three resources of two scopes of two logs each",
           lambda t: {"resourceLogs": [{"resource": {"attributes": pairs(r={"intValue": str(r)})}, "scopeLogs": [
               {"scope": {"name": f"s{s}"}, "logRecords": [t.log(100 * r + 10 * s + n) for n in range(2)]} for s in range(2)]} for r in range(3)]},
           "logs")  # fmt: skip


# --- ids ------------------------------------------------------------------------------------------

IDS = [("trace-id", "traceId", 16), ("span-id", "spanId", 8), ("parent-id", "parentSpanId", 8)]


def good_id(name: str, member: str, size: int, what: str, hexed):
    everywhere(f"id.{name}.{size}", MUST, f"{PROTO}, trace.proto", f"a span with {member} {what}",
               lambda t: t.traces(t.span() | {member: hexed(t)}), "traces")  # fmt: skip


for _name, _member, _size in IDS:
    good_id(_name, _member, 0, "of 0 bytes", lambda t: "")
    good_id(_name, _member, _size, f"of {_size} bytes", lambda t, size=_size: t.id(size, 9))

everywhere("id.trace-id.zeros", CHOICE, f"{PROTO}, trace.proto (invalid; what a receiver does is open)", "a span whose trace id is all zeros",
           lambda t: t.traces(t.span() | {"traceId": "00" * 16}), "traces")  # fmt: skip
everywhere("id.log.0", MUST, f"{PROTO}, logs.proto", "a log with ids of 0 bytes", lambda t: t.logs(t.log(traceId="", spanId="")), "logs")
everywhere("id.log.trace-alone", MUST, f"{PROTO}, logs.proto", "a log with a trace id and no span id", lambda t: t.logs(t.log(traceId=t.id(16))), "logs")


def bad_everywhere(name: str, source: str, what: str, request, signal: str = "traces", level: str = MUST):
    @case(f"{name}.http-protobuf", level, source, f"{what}; HTTP, protobuf", "400 with a Status; nothing stored", nothing_stored=True)
    def _(t):
        return refused(t.post(records.protobuf(request(t)), PATHS[signal]), 400)

    @case(f"{name}.http-json", level, source, f"{what}; HTTP, JSON", "400 with a Status; nothing stored", nothing_stored=True)
    def _(t):
        return refused(t.post(records.as_json(request(t)), PATHS[signal], media=JSON), 400, media=JSON)

    @case(f"{name}.grpc", level, "OTLP, OTLP/gRPC Response, Failures (bad data)", f"{what}; gRPC", "INVALID_ARGUMENT; nothing stored",
          nothing_stored=True)  # fmt: skip
    def _(t):
        return failed(t.call(records.protobuf(request(t)), signal), "INVALID_ARGUMENT")


for _name, _member, _size in IDS:
    for _wrong in {16: (8, 15, 17), 8: (7, 9, 16)}[_size]:
        bad_everywhere(f"id.{_name}.{_wrong}", f"{BAD_DATA}; {PROTO}, trace.proto (of another length: invalid)",
                       f"a span with {_member} of {_wrong} bytes",
                       lambda t, member=_member, wrong=_wrong: t.traces(t.span() | {member: "ab" * wrong}))  # fmt: skip
bad_everywhere("id.link.15", f"{BAD_DATA}; {PROTO}, trace.proto", "a link with a trace id of 15 bytes",
               lambda t: t.traces(t.span(links=[{"traceId": "ab" * 15}])))  # fmt: skip
bad_everywhere("id.log.15", f"{BAD_DATA}; {PROTO}, logs.proto", "a log with a trace id of 15 bytes", lambda t: t.logs(t.log(traceId="ab" * 15)), "logs")
bad_everywhere("id.log-span.9", f"{BAD_DATA}; {PROTO}, logs.proto", "a log with a span id of 9 bytes", lambda t: t.logs(t.log(spanId="ab" * 9)), "logs")


# --- by hand: what the generated classes do not write ---------------------------------------------


def by_hand(name: str, level: str, source: str, sent: str, expected: str, body, stored=None, signal: str = "traces"):
    @case(f"protobuf.{name}", level, source, sent, expected, stored=stored)
    def _(t):
        return accepted(t.post(body(t), PATHS[signal]))


def with_span(t, more: bytes, around: bytes = b"", outer: bytes = b"") -> bytes:
    """A request of one span, with more fields in the span, in the groups around it, and in the request."""
    group, scope, span = (wire_parts(records.protobuf(t.traces())))
    del group, scope
    return wire.message(1, wire.message(2, wire.message(2, span + more) + around) + around) + outer


def wire_parts(request: bytes) -> tuple[bytes, bytes, bytes]:
    """ResourceSpans, ScopeSpans and Span of a request of one span."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    whole = ExportTraceServiceRequest.FromString(request)
    (group,) = whole.resource_spans
    (scope,) = group.scope_spans
    (span,) = scope.spans
    return group.SerializeToString(), scope.SerializeToString(), span.SerializeToString()


for _kind, _field in wire.UNKNOWN.items():
    by_hand(f"unknown.{_kind}", MUST, "protobuf encoding (unknown fields are skipped); OTLP, Future Versions and Interoperability",
            f"unknown fields of kind {_kind} in request, groups and span", "200; the rest stored",
            lambda t, f=_field: with_span(t, f, f, f), lambda t: [t.traces()])  # fmt: skip

by_hand("order", MUST, "protobuf encoding (fields may come in any order)", "a span whose fields come in reverse order", "200; stored as meant",
        lambda t: wire.message(1, wire.message(2, wire.message(2, _reversed(t)))), lambda t: [t.traces()])  # fmt: skip
by_hand("last-wins", MUST, "protobuf encoding (the last of a singular field counts)", "a span with two names", "200; the last stored",
        lambda t: with_span(t, wire.message(5, "first") + wire.message(5, "last")), lambda t: [t.traces(t.span(name="last"))])  # fmt: skip
by_hand("merge", MUST, "protobuf encoding (messages that come twice are merged)", "a span with two statuses, a message and a code",
        "200; one status of both", lambda t: with_span(t, wire.message(15, wire.message(2, "why")) + wire.message(15, wire.number(3, 2))),
        lambda t: [t.traces(t.span(status={"code": 2, "message": "why"}))])  # fmt: skip
by_hand("long-varint", MUST, "protobuf encoding (varints of up to ten bytes)", "kind 2 written in ten bytes", "200; stored as meant",
        lambda t: with_span(t, b"\x30\x82" + b"\x80" * 8 + b"\x00"), lambda t: [t.traces(t.span(kind=2))])  # fmt: skip
by_hand("packed-groups", MUST, "protobuf encoding (a repeated field may come in pieces)", "two ResourceSpans with an unknown field between",
        "200; both stored", lambda t: records.protobuf(t.traces(t.span(1))) + wire.number(99, 1) + records.protobuf(t.traces(t.span(2))),
        lambda t: [t.traces(t.span(1)), t.traces(t.span(2))])  # fmt: skip
by_hand("invalid-utf8", CHOICE, f"{LENIENT}; protobuf (strings must be UTF-8)", "an attribute and a name that are not UTF-8",
        "200: it is evidence all the same",
        lambda t: with_span(t, wire.message(5, b"name \x80") + wire.message(9, wire.message(1, b"v") + wire.message(2, wire.message(1, b"caf\xe9")))))  # fmt: skip
by_hand("strindex", CHOICE, f"{PROTO} 1.9 (for profiles alone; elsewhere ignored)", "an attribute with key_strindex and string_value_strindex",
        "200", lambda t: with_span(t, wire.message(9, wire.number(3, 1) + wire.message(2, wire.number(8, 1)))))  # fmt: skip
by_hand("field-1000", CHOICE, f"{LENIENT} (removed in opentelemetry-proto 0.19)", "a span in instrumentation_library_spans, field 1000",
        "200; stored", lambda t: wire.message(1, wire.message(1000, wire.message(2, wire_parts(records.protobuf(t.traces()))[2]))),
        lambda t: [t.traces()])  # fmt: skip


def _reversed(t) -> bytes:
    """The span's fields, each a length or a fixed64, last first."""
    fields = []
    span = wire_parts(records.protobuf(t.traces()))[2]
    at = 0
    while at < len(span):
        begin, kind = at, span[at] & 7
        at += 1
        if kind == 1:
            at += 8
        else:
            assert kind == 2, kind
            size = shift = 0
            while True:
                byte = span[at]
                at += 1
                size |= (byte & 127) << shift
                shift += 7
                if byte < 128:
                    break
            at += size
        fields.append(span[begin:at])
    marks = [field for field in fields if field[0] == 9 << 3 | 2]
    others = [field for field in fields if field[0] != 9 << 3 | 2]
    return b"".join(reversed(others)) + b"".join(marks)


@case("protobuf.error.names-place", SHOULD, "OTLP, OTLP/HTTP Response, Failures (a developer-facing message)", "a trace id of 15 bytes in the second span",
      "400 with a Status whose message is not empty")  # fmt: skip
def _(t):
    answer = t.post(records.protobuf(t.traces(t.span(1), t.span(2) | {"traceId": "ab" * 15})))
    return refused(answer, 400)


@case("protobuf.error.details", SHOULD, BAD_DATA, "protobuf cut short", "Status.details hold a BadRequest")
def _(t):
    from suite import status_of

    status = status_of(t.post(records.protobuf(t.traces())[:-3]), PROTOBUF)
    kinds = [detail.type_url for detail in status.details]
    if "type.googleapis.com/google.rpc.BadRequest" not in kinds:
        raise Miss(f"details: {', '.join(kinds) or 'none'}")
    return "BadRequest"


# --- nesting --------------------------------------------------------------------------------------


def nested(levels: int) -> bytes:
    """An AnyValue of `levels` AnyValues inside one another, itself the first."""
    value = wire.message(1, "core")
    for _ in range(levels - 1):
        value = wire.message(5, wire.message(1, value))
    return value


def nested_map(levels: int) -> bytes:
    value = wire.message(1, "core")
    for _ in range(levels - 1):
        value = wire.message(6, wire.message(1, wire.message(1, "k") + wire.message(2, value)))
    return value


def nested_dict(levels: int) -> dict:
    value = text("core")
    for _ in range(levels - 1):
        value = {"arrayValue": {"values": [value]}}
    return value


def nested_json(t, levels: int, opening: str = '{"arrayValue":{"values":[', closing: str = "]}}") -> bytes:
    whole = records.as_json(t.traces(t.span(attributes=[{"key": "deep", "value": text("HERE")}]))).decode()
    value = opening * (levels - 1) + '{"stringValue":"core"}' + closing * (levels - 1)
    return whole.replace('{"stringValue": "HERE"}', value).encode()


def deep(t, levels: int, how=nested) -> bytes:
    return with_span(t, wire.message(9, wire.message(1, "deep") + wire.message(2, how(levels))))


NESTING = "docs/otlp-answers.md (values nest to 128); the specification names no limit"


def _nested_good(levels: int):
    meant = lambda t: [t.traces(t.span(attributes=[{"key": "deep", "value": nested_dict(levels)}]))]  # noqa: E731
    # protobuf's own classes read no more than 100 messages inside one another, so deeper ones are not compared.
    stored = meant if levels <= 20 else None

    @case(f"nesting.{levels}.http-protobuf", CHOICE, NESTING, f"{levels} values inside one another; HTTP, protobuf", "200", stored=stored)
    def _(t):
        return accepted(t.post(deep(t, levels)))

    @case(f"nesting.{levels}.http-json", CHOICE, NESTING, f"{levels} values inside one another; HTTP, JSON", "200", stored=stored)
    def _(t):
        return accepted(t.post(nested_json(t, levels), media=JSON))

    @case(f"nesting.{levels}.grpc", CHOICE, NESTING, f"{levels} values inside one another; gRPC", "OK", stored=stored)
    def _(t):
        return accepted(t.call(deep(t, levels)))

    @case(f"nesting.{levels}.maps", CHOICE, NESTING, f"{levels} values inside one another, by maps; HTTP, protobuf", "200")
    def _(t):
        return accepted(t.post(deep(t, levels, nested_map)))


for _levels in (20, 127, 128):
    _nested_good(_levels)


def _nested_bad(levels: int):
    @case(f"nesting.{levels}.http-protobuf", CHOICE, NESTING, f"{levels} values inside one another; HTTP, protobuf", "400 with a Status")
    def _(t):
        return refused(t.post(deep(t, levels)), 400)

    @case(f"nesting.{levels}.http-json", CHOICE, NESTING, f"{levels} values inside one another; HTTP, JSON", "400 with a Status")
    def _(t):
        return refused(t.post(nested_json(t, levels), media=JSON), 400, media=JSON)

    @case(f"nesting.{levels}.grpc", CHOICE, NESTING, f"{levels} values inside one another; gRPC", "INVALID_ARGUMENT")
    def _(t):
        return failed(t.call(deep(t, levels)), "INVALID_ARGUMENT")

    @case(f"nesting.{levels}.maps", CHOICE, NESTING, f"{levels} values inside one another, by maps; HTTP, protobuf", "400 with a Status")
    def _(t):
        return refused(t.post(deep(t, levels, nested_map)), 400)


_nested_bad(129)


def nesting_bomb(name: str, what: str, body, media: str = PROTOBUF):
    @case(f"nesting.bomb.{name}", MUST, "OTLP, OTLP/HTTP Request (limits; a request must not end the server)", what,
          "any answer; the server lives on")  # fmt: skip
    def _(t):
        answer = t.post(body(t), media=media)
        t.still_serves()
        if answer.status not in (200, 400, 413):
            raise Miss(said(answer))
        return said(answer) if answer.status == 200 else f"{said(answer)}, lives on"


def _nested_fast(levels: int) -> bytes:
    """As nested(), without copying at every level: lengths from the inside out."""
    heads, size = [], len(wire.message(1, "core"))
    for _ in range(levels - 1):
        array = b"\x0a" + wire.varint(size)
        size += len(array)
        value = b"\x2a" + wire.varint(size)
        size += len(value)
        heads.append(value + array)
    return b"".join(reversed(heads)) + wire.message(1, "core")


nesting_bomb("protobuf", "100,000 values inside one another, protobuf", lambda t: deep(t, 100_000, _nested_fast))
nesting_bomb("groups", "100,000 unknown groups inside one another", lambda t: with_span(t, b"\x7b" * 100_000 + b"\x7c" * 100_000))
nesting_bomb("json", "100,000 values inside one another, JSON", lambda t: nested_json(t, 100_000), JSON)
nesting_bomb("json-lists", "100,000 lists inside one another", lambda t: b"[" * 100_000, JSON)
nesting_bomb("json-unknown", "an unknown member of 100,000 lists inside one another",
             lambda t: b'{"later":' + b"[" * 100_000 + b"]" * 100_000 + b"}", JSON)  # fmt: skip
nesting_bomb("json-objects", "an unknown member of 100,000 objects inside one another",
             lambda t: b'{"later":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}", JSON)  # fmt: skip
