"""OTLP/JSON: what the mapping says, what real clients send beside it, and what is no such request."""

from __future__ import annotations

import json

import records
from suite import CHOICE, JSON, MUST, PATHS, SHOULD, Miss, accepted, case, refused, said, status_of

MAPPING = "OTLP, JSON Protobuf Encoding"
PROTOJSON = "ProtoJSON"
BAD_DATA = "OTLP, OTLP/HTTP Response, Bad Data"
LENIENT = "docs/otlp-answers.md, What is read beyond the specification"
RFC = "RFC 8259"


class Raw:
    """JSON text that stands in the request as it is written here."""

    def __init__(self, text: str):
        self.text = text


def dump(value) -> str:
    if isinstance(value, Raw):
        return value.text
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{dump(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(dump, value)) + "]"
    return json.dumps(value)


def attribute(value) -> dict:
    return {"key": "v", "value": value}


def lenient(name: str, level: str, source: str, sent: str, wire, meant, signal: str = "traces"):
    """`wire(t)` is sent and must be stored as `meant(t)`, both requests."""

    @case(f"json.{name}", level, source, sent, "200; stored as it was meant", stored=lambda t: [meant(t)])
    def _(t):
        return accepted(t.post(dump(wire(t)).encode(), PATHS[signal], media=JSON))


def value(name: str, level: str, source: str, written, meant: dict):
    """An attribute's value, written one way and meant in the canonical one."""
    shown = dump(written)
    lenient(f"value.{name}", level, source, f"a value written {shown}", lambda t: t.traces(t.span(attributes=[attribute(written)])),
            lambda t: t.traces(t.span(attributes=[attribute(meant)])))  # fmt: skip


# --- numbers --------------------------------------------------------------------------------------

value("int.string", MUST, PROTOJSON, {"intValue": "42"}, {"intValue": "42"})
value("int.number", MUST, PROTOJSON, {"intValue": 42}, {"intValue": "42"})
value("int.negative", MUST, PROTOJSON, {"intValue": "-42"}, {"intValue": "-42"})
value("int.zero", MUST, PROTOJSON, {"intValue": "0"}, {"intValue": "0"})
value("int.max", MUST, PROTOJSON, {"intValue": "9223372036854775807"}, {"intValue": "9223372036854775807"})
value("int.min", MUST, PROTOJSON, {"intValue": "-9223372036854775808"}, {"intValue": "-9223372036854775808"})
value("int.beyond-2^53", MUST, PROTOJSON, {"intValue": Raw("9007199254740993")}, {"intValue": "9007199254740993"})
value("int.point-zero", SHOULD, PROTOJSON, {"intValue": Raw("1.0")}, {"intValue": "1"})
value("int.exponent", SHOULD, PROTOJSON, {"intValue": Raw("1e3")}, {"intValue": "1000"})
value("int.exponent-string", SHOULD, PROTOJSON, {"intValue": "1e3"}, {"intValue": "1000"})
value("double.number", MUST, PROTOJSON, {"doubleValue": 1.5}, {"doubleValue": 1.5})
value("double.integer", MUST, PROTOJSON, {"doubleValue": 3}, {"doubleValue": 3.0})
value("double.string", MUST, PROTOJSON, {"doubleValue": "1.5"}, {"doubleValue": 1.5})
value("double.exponent", MUST, PROTOJSON, {"doubleValue": Raw("1E-7")}, {"doubleValue": 1e-7})
value("double.negative-zero", MUST, PROTOJSON, {"doubleValue": Raw("-0.0")}, {"doubleValue": -0.0})
value("double.nan", MUST, PROTOJSON, {"doubleValue": "NaN"}, {"doubleValue": "NaN"})
value("double.infinity", MUST, PROTOJSON, {"doubleValue": "Infinity"}, {"doubleValue": "Infinity"})
value("double.minus-infinity", MUST, PROTOJSON, {"doubleValue": "-Infinity"}, {"doubleValue": "-Infinity"})
value("double.shortest", MUST, PROTOJSON, {"doubleValue": Raw("0.1000000000000000055511151231257827")}, {"doubleValue": 0.1})

# --- the other values -----------------------------------------------------------------------------

value("bool.false", MUST, PROTOJSON, {"boolValue": False}, {"boolValue": False})
value("string.empty", MUST, PROTOJSON, {"stringValue": ""}, {"stringValue": ""})
value("string.escapes", MUST, f"{RFC} §7", {"stringValue": Raw(r'"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"')},
      {"stringValue": '"\\/\b\f\n\r\té😀'})  # fmt: skip
value("string.nul", MUST, f"{RFC} §7", {"stringValue": Raw(r'"a\u0000b"')}, {"stringValue": "a\0b"})
value("string.utf8", MUST, f"{RFC} §8.1", {"stringValue": Raw('"é 😀 日本"')}, {"stringValue": "é 😀 日本"})
value("bytes.padded", MUST, PROTOJSON, {"bytesValue": "+/+/AA=="}, {"bytesValue": "+/+/AA=="})
value("bytes.unpadded", MUST, PROTOJSON, {"bytesValue": "+/+/AA"}, {"bytesValue": "+/+/AA=="})
value("bytes.url", MUST, PROTOJSON, {"bytesValue": "-_-_AA=="}, {"bytesValue": "+/+/AA=="})
value("bytes.url-unpadded", MUST, PROTOJSON, {"bytesValue": "-_-_AA"}, {"bytesValue": "+/+/AA=="})
value("bytes.empty", MUST, PROTOJSON, {"bytesValue": ""}, {"bytesValue": ""})
value("empty", MUST, "opentelemetry-proto, common.proto, AnyValue (it may be empty)", {}, {})
value("array.empty", MUST, PROTOJSON, {"arrayValue": {}}, {"arrayValue": {}})
value("array.empty-values", MUST, PROTOJSON, {"arrayValue": {"values": []}}, {"arrayValue": {}})
value("array.mixed", MUST, "opentelemetry-proto, common.proto, ArrayValue",
      {"arrayValue": {"values": [{"intValue": 1}, {"stringValue": "a"}, {}, {"boolValue": True}]}},
      {"arrayValue": {"values": [{"intValue": "1"}, {"stringValue": "a"}, {}, {"boolValue": True}]}})  # fmt: skip
value("map.empty", MUST, PROTOJSON, {"kvlistValue": {}}, {"kvlistValue": {}})
value("map.nested", MUST, "opentelemetry-proto, common.proto, KeyValueList",
      {"kvlistValue": {"values": [{"key": "a", "value": {"kvlistValue": {"values": [{"key": "b", "value": {"intValue": 1}}]}}}]}},
      {"kvlistValue": {"values": [{"key": "a", "value": {"kvlistValue": {"values": [{"key": "b", "value": {"intValue": "1"}}]}}}]}})  # fmt: skip
value("null", MUST, f"{PROTOJSON} (null is the default value)", None, {})
lenient("value.missing", MUST, PROTOJSON, "an attribute without a value", lambda t: t.traces(t.span(attributes=[{"key": "v"}])),
        lambda t: t.traces(t.span(attributes=[attribute({})])))  # fmt: skip

# --- names, ids, enums, times ---------------------------------------------------------------------


def span_with(**more):
    return lambda t: t.traces(t.span(**more))


def log_with(**more):
    return lambda t: t.logs(t.log(**more))


lenient("enum.number", MUST, f"{MAPPING} (enums are integers)", '"kind":2', span_with(kind=2), span_with(kind=2))
lenient("enum.name", CHOICE, f"{LENIENT}; {PROTOJSON} (OTLP forbids names to senders)", '"kind":"SPAN_KIND_SERVER"',
        span_with(kind="SPAN_KIND_SERVER"), span_with(kind=2))  # fmt: skip
lenient("enum.status-name", CHOICE, f"{LENIENT}; {PROTOJSON}", '"status":{"code":"STATUS_CODE_ERROR"}',
        span_with(status={"code": "STATUS_CODE_ERROR"}), span_with(status={"code": 2}))  # fmt: skip
lenient("enum.severity-name", CHOICE, f"{LENIENT}; {PROTOJSON}", '"severityNumber":"SEVERITY_NUMBER_WARN2"',
        log_with(severityNumber="SEVERITY_NUMBER_WARN2"), log_with(severityNumber=14), "logs")  # fmt: skip
lenient("enum.unknown-number", MUST, "protobuf, proto3 enums are open", '"kind":77', span_with(kind=77), span_with(kind=77))
lenient("int32.string", MUST, PROTOJSON, '"droppedAttributesCount":"3"', span_with(droppedAttributesCount="3"), span_with(droppedAttributesCount=3))
lenient("int32.point-zero", SHOULD, PROTOJSON, '"droppedAttributesCount":3.0', span_with(droppedAttributesCount=Raw("3.0")),
        span_with(droppedAttributesCount=3))  # fmt: skip
lenient("time.number", MUST, PROTOJSON, "startTimeUnixNano as a number", span_with(startTimeUnixNano=1764000000000000123),
        span_with(startTimeUnixNano="1764000000000000123"))  # fmt: skip
lenient("time.max", MUST, PROTOJSON, "startTimeUnixNano of 2^64-1", span_with(startTimeUnixNano="18446744073709551615"),
        span_with(startTimeUnixNano="18446744073709551615"))  # fmt: skip
lenient("time.zero", MUST, PROTOJSON, "times of 0", span_with(startTimeUnixNano="0", endTimeUnixNano=0),
        span_with(startTimeUnixNano="0", endTimeUnixNano="0"))  # fmt: skip
lenient("id.lower", MUST, f"{MAPPING} (ids are hex)", "ids in lower case", lambda t: t.traces(t.span(parentSpanId="00f067aa0ba902b7")),
        lambda t: t.traces(t.span(parentSpanId="00f067aa0ba902b7")))  # fmt: skip
lenient("id.upper", MUST, f"{MAPPING} (hex of any case)", "ids in upper case", lambda t: t.traces(t.span() | {"traceId": t.id(16).upper(), "spanId": t.id(8).upper()}),
        lambda t: t.traces())  # fmt: skip
lenient("id.empty", MUST, PROTOJSON, "ids of no characters", span_with(traceId="", spanId="", parentSpanId=""), span_with(traceId="", spanId=""))
lenient("id.absent", MUST, PROTOJSON, "no ids", lambda t: t.traces({k: v for k, v in t.span().items() if not k.endswith("Id")}),
        span_with(traceId="", spanId=""))  # fmt: skip


def snake(value):
    """The same with member names as protobuf has them."""
    if isinstance(value, dict):
        return {"".join(f"_{c.lower()}" if c.isupper() else c for c in key): snake(inner) for key, inner in value.items()}
    return [snake(item) for item in value] if isinstance(value, list) else value


EVERY_KIND = {"arrayValue": {"values": [{"stringValue": "a"}, {"intValue": "1"}, {"boolValue": True}, {"doubleValue": 1.5}, {"bytesValue": "AAE="}]}}
lenient("names.snake-case", CHOICE, f"{LENIENT}; {PROTOJSON} (OTLP says lowerCamelCase alone)", "members in snake_case, spans",
        lambda t: snake(t.traces(t.span(kind=2, attributes=[attribute(EVERY_KIND)]))),
        lambda t: t.traces(t.span(kind=2, attributes=[attribute(EVERY_KIND)])))  # fmt: skip
lenient("names.snake-case.logs", CHOICE, f"{LENIENT}; {PROTOJSON}", "members in snake_case, logs",
        lambda t: snake(t.logs(t.log(severityText="WARN"))), log_with(severityText="WARN"), "logs")  # fmt: skip
lenient("names.null-members", MUST, f"{PROTOJSON} (null is the default value)", "members that are null",
        lambda t: {"resourceSpans": [{"resource": None, "schemaUrl": None, "scopeSpans": [
            {"scope": None, "spans": [t.span(events=None, links=None, status=None, traceState=None, droppedEventsCount=None, kind=None)]}]}]},
        lambda t: t.traces())  # fmt: skip
lenient("names.unknown", MUST, f"{MAPPING} (unknown members must be ignored)", "unknown members at every level, of every kind of value",
        lambda t: {"later": 1, "resourceSpans": [{"later": [1, {"a": None}], "resource": {"later": {}}, "scopeSpans": [
            {"later": "x", "scope": {"later": True}, "spans": [t.span(later=[[[]]], status={"later": -1.5e-3}, attributes=[
                {"key": "v", "value": {"stringValue": "kept", "later": {"stringValue": "lost"}}, "later": None}])]}]}]},
        lambda t: {"resourceSpans": [{"scopeSpans": [{"spans": [t.span(attributes=[attribute({"stringValue": "kept"})])]}]}]})  # fmt: skip
lenient("names.unknown.deep", MUST, f"{MAPPING} (unknown members must be ignored)", "an unknown member of 50 lists in lists",
        lambda t: t.traces(t.span(later=Raw("[" * 50 + "]" * 50))), lambda t: t.traces())  # fmt: skip
lenient("names.escaped", MUST, f"{RFC} §7", r'"\u006eame" for "name"',
        lambda t: Raw(dump(t.traces(t.span(name="odd"))).replace('"name"', r'"\u006eame"')), span_with(name="odd"))  # fmt: skip
lenient("names.twice", CHOICE, f"{LENIENT} (the last counts); {RFC} §4 (undefined)", "a member that comes twice",
        lambda t: Raw(dump(t.traces(t.span(name="last"))).replace('"name"', '"name":"first","name"')), span_with(name="last"))  # fmt: skip
lenient("names.library", CHOICE, f"{LENIENT} (removed in opentelemetry-proto 0.19)", "instrumentationLibrarySpans",
        lambda t: {"resourceSpans": [{"instrumentationLibrarySpans": [{"instrumentationLibrary": {"name": "old"}, "spans": [t.span()]}]}]},
        lambda t: {"resourceSpans": [{"scopeSpans": [{"scope": {"name": "old"}, "spans": [t.span()]}]}]})  # fmt: skip
lenient("white-space", MUST, f"{RFC} §2", "white space of every kind between the tokens",
        lambda t: Raw(" \t\r\n" + json.dumps(t.traces(), indent="\t").replace("\n", "\r\n ") + "\n\n"), lambda t: t.traces())  # fmt: skip
lenient("javascript", MUST, f"{MAPPING}; {PROTOJSON}", "a span as the JavaScript exporter writes it",
        lambda t: t.traces(t.span(kind=1, droppedAttributesCount=0, events=[], links=[], droppedEventsCount=0, droppedLinksCount=0,
                                  status={"code": 0}, attributes=[attribute({"intValue": 7}), {"key": "none", "value": {}}])),
        lambda t: t.traces(t.span(kind=1, attributes=[attribute({"intValue": "7"}), {"key": "none", "value": {}}])))  # fmt: skip


@case("json.string.lone-surrogate", CHOICE, f"{LENIENT}; {RFC} §8.2 (undefined)", r'a string "\ud800"', "200: JavaScript writes such strings")
def _(t):
    body = dump(t.traces(t.span(attributes=[attribute({"stringValue": Raw(r'"\ud800"')})])))
    return accepted(t.post(body.encode(), media=JSON))


@case("json.byte-order-mark", CHOICE, f"{RFC} §8.1 (senders must not; parsers may ignore or refuse)", "a byte order mark in front",
      "200, or 400 with a Status as application/json")  # fmt: skip
def _(t):
    answer = t.post(b"\xef\xbb\xbf" + records.as_json(t.traces()), media=JSON)
    return accepted(answer) if answer.status == 200 else refused(answer, 400, media=JSON)


# --- refused --------------------------------------------------------------------------------------


def bad(name: str, level: str, source: str, what: str, body, signal: str = "traces"):
    @case(f"json.bad.{name}", level, source, what, "400 with a Status as application/json; nothing stored", nothing_stored=True)
    def _(t):
        raw = body(t)
        return refused(t.post(raw if isinstance(raw, bytes) else dump(raw).encode(), PATHS[signal], media=JSON), 400, media=JSON)


def span_raw(**more):
    return lambda t: t.traces(t.span(**more))


bad("truncated", MUST, BAD_DATA, "JSON cut short", lambda t: records.as_json(t.traces())[:-5])
bad("nothing", CHOICE, f"{BAD_DATA}; {RFC} §2 (no value is no JSON)", "0 bytes as JSON", lambda t: b"")
bad("text", MUST, BAD_DATA, "a line of text", lambda t: b"hello")
bad("trailing-comma", MUST, f"{BAD_DATA}; {RFC} §5", "a comma after the last member", lambda t: records.as_json(t.traces())[:-1] + b",}")
bad("something-after", MUST, f"{BAD_DATA}; {RFC} §2", "text after the end", lambda t: records.as_json(t.traces()) + b" x")
bad("two-values", MUST, f"{BAD_DATA}; {RFC} §2", "two requests after each other", lambda t: records.as_json(t.traces()) * 2)
bad("single-quotes", MUST, f"{BAD_DATA}; {RFC} §7", "names in single quotes", lambda t: b"{'resourceSpans':[]}")
bad("comment", MUST, f"{BAD_DATA}; {RFC} §2", "a comment", lambda t: b'{/* none */"resourceSpans":[]}')
bad("nan-bare", MUST, f"{BAD_DATA}; {RFC} §6", '"doubleValue":NaN', span_raw(attributes=[attribute({"doubleValue": Raw("NaN")})]))
bad("number-plus", MUST, f"{BAD_DATA}; {RFC} §6", '"intValue":+1', span_raw(attributes=[attribute({"intValue": Raw("+1")})]))
bad("number-zeros", MUST, f"{BAD_DATA}; {RFC} §6", '"intValue":007', span_raw(attributes=[attribute({"intValue": Raw("007")})]))
bad("control-character", MUST, f"{BAD_DATA}; {RFC} §7", "a line feed inside a string", span_raw(name=Raw('"a\nb"')))
bad("escape", MUST, f"{BAD_DATA}; {RFC} §7", r'a string "\x41"', span_raw(name=Raw(r'"\x41"')))
bad("escape-short", MUST, f"{BAD_DATA}; {RFC} §7", r'a string "\u12"', span_raw(name=Raw(r'"\u12"')))
bad("utf8", MUST, f"{BAD_DATA}; {RFC} §8.1", "a string that is not UTF-8", lambda t: dump(t.traces(t.span(name="caf@"))).encode().replace(b"@", b"\xe9"))
bad("list", MUST, BAD_DATA, "a list for a request", lambda t: b"[]")
bad("string", MUST, BAD_DATA, "a string for a request", lambda t: b'"resourceSpans"')
bad("number-for-list", MUST, BAD_DATA, '{"resourceSpans":7}', lambda t: b'{"resourceSpans":7}')
bad("object-for-list", MUST, BAD_DATA, '{"resourceSpans":{}}', lambda t: b'{"resourceSpans":{}}')
bad("string-for-object", MUST, BAD_DATA, '{"resourceSpans":["x"]}', lambda t: b'{"resourceSpans":["x"]}')
bad("number-for-string", MUST, BAD_DATA, '"name":7', span_raw(name=7))
bad("string-for-bool", MUST, BAD_DATA, '"boolValue":"true"', span_raw(attributes=[attribute({"boolValue": "true"})]))
bad("int-too-large", MUST, f"{BAD_DATA}; {PROTOJSON}", '"intValue":"9223372036854775808"', span_raw(attributes=[attribute({"intValue": "9223372036854775808"})]))
bad("int-fraction", MUST, f"{BAD_DATA}; {PROTOJSON}", '"intValue":1.5', span_raw(attributes=[attribute({"intValue": 1.5})]))
bad("int-words", MUST, f"{BAD_DATA}; {PROTOJSON}", '"intValue":"many"', span_raw(attributes=[attribute({"intValue": "many"})]))
bad("int-empty", MUST, f"{BAD_DATA}; {PROTOJSON}", '"intValue":""', span_raw(attributes=[attribute({"intValue": ""})]))
bad("uint-negative", MUST, f"{BAD_DATA}; {PROTOJSON}", '"droppedAttributesCount":-1', span_raw(droppedAttributesCount=-1))
bad("uint32-too-large", MUST, f"{BAD_DATA}; {PROTOJSON}", '"droppedAttributesCount":4294967296', span_raw(droppedAttributesCount=4294967296))
bad("time-negative", MUST, f"{BAD_DATA}; {PROTOJSON}", '"startTimeUnixNano":"-1"', span_raw(startTimeUnixNano="-1"))
bad("double-too-large", MUST, f"{BAD_DATA}; {PROTOJSON}", '"doubleValue":1e999', span_raw(attributes=[attribute({"doubleValue": Raw("1e999")})]))
bad("base64", MUST, f"{BAD_DATA}; {PROTOJSON}", '"bytesValue":"!!!"', span_raw(attributes=[attribute({"bytesValue": "!!!"})]))
bad("enum-name", MUST, f"{BAD_DATA}; {MAPPING}", '"kind":"SPAN_KIND_NONE_SUCH"', span_raw(kind="SPAN_KIND_NONE_SUCH"))
bad("id-not-hex", MUST, f"{BAD_DATA}; {MAPPING}", "a trace id that is not hex", span_raw(traceId="z" * 32))
bad("id-base64", MUST, f"{BAD_DATA}; {MAPPING} (not base64)", "a trace id in base64", span_raw(traceId="W47/95gDgQPSabYzgT/GDA=="))
bad("id-odd", MUST, f"{BAD_DATA}; {MAPPING}", "a trace id of 31 digits", span_raw(traceId="a" * 31))


@case("json.errors", MUST, "OTLP, OTLP/HTTP Response, Failures", "JSON cut short",
      "400; a Status in JSON with no other members than code, message and details, each detail with @type")  # fmt: skip
def _(t):
    answer = t.post(b'{"resourceSpans":[', media=JSON)
    if answer.status != 400:
        raise Miss(said(answer))
    if not status_of(answer, JSON).message:
        raise Miss("no message")
    return said(answer)


@case("json.errors.details", SHOULD, BAD_DATA, "JSON cut short", "Status.details hold a BadRequest")
def _(t):
    answer = t.post(b'{"resourceSpans":[', media=JSON)
    status_of(answer, JSON)
    kinds = [detail["@type"] for detail in json.loads(answer.body).get("details", [])]
    if "type.googleapis.com/google.rpc.BadRequest" not in kinds:
        raise Miss(f"details: {', '.join(kinds) or 'none'}")
    return "BadRequest"
