"""Requests as OTLP/JSON dicts, their protobuf, and what must be stored of them, each record by itself."""

from __future__ import annotations

import base64
import json

from google.protobuf.descriptor import FieldDescriptor as Field
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

REQUESTS = {"traces": ExportTraceServiceRequest, "logs": ExportLogsServiceRequest}
MARK = "conformance.case"
_IDS = ("trace_id", "span_id", "parent_span_id")
_FLOATS = (Field.TYPE_DOUBLE, Field.TYPE_FLOAT)


def fill(message, value: dict) -> None:
    """Sets what the OTLP/JSON dict says. Strict: members in lowerCamelCase that exist, enums by number, ids in hex."""
    fields = message.DESCRIPTOR.fields_by_camelcase_name
    for key, inner in value.items():
        field = fields.get(key)
        if field is None:
            raise ValueError(f"{message.DESCRIPTOR.name} has no member {key!r}")
        if field.is_repeated:
            for item in inner:
                if field.message_type:
                    fill(getattr(message, field.name).add(), item)
                else:
                    getattr(message, field.name).append(_scalar(field, item))
        elif field.message_type:
            part = getattr(message, field.name)
            part.SetInParent()
            fill(part, inner)
        else:
            setattr(message, field.name, _scalar(field, inner))


def _scalar(field, value):
    if field.type == Field.TYPE_BYTES:
        return bytes.fromhex(value) if field.name in _IDS else base64.b64decode(value)
    if field.type in _FLOATS:
        return float(value)
    if field.type in (Field.TYPE_STRING, Field.TYPE_BOOL):
        return value
    return int(value)


def protobuf(request: dict) -> bytes:
    """The request in binary protobuf."""
    message = REQUESTS[signal_of(request)]()
    fill(message, request)
    return message.SerializeToString()


def as_json(request: dict) -> bytes:
    return json.dumps(request, ensure_ascii=False).encode()


def signal_of(request: dict) -> str:
    return "traces" if "resourceSpans" in request else "logs"


def _drop_empty(message) -> None:
    """An empty message says nothing that an absent one does not; receivers keep either."""
    for field, value in list(message.ListFields()):
        if not field.message_type:
            continue
        if field.is_repeated:
            for item in value:
                _drop_empty(item)
        else:
            _drop_empty(value)
            kept = field.name in ("array_value", "kvlist_value")  # here, empty is a value
            if not value.ByteSize() and not kept:
                message.ClearField(field.name)


def split(request: dict) -> list:
    """One message for each span or log, with its resource and scope, so that grouping does not count."""
    whole = REQUESTS[signal_of(request)]()
    fill(whole, request)
    _drop_empty(whole)
    out = []
    traces = isinstance(whole, ExportTraceServiceRequest)
    for group in whole.resource_spans if traces else whole.resource_logs:
        for scope in group.scope_spans if traces else group.scope_logs:
            for item in scope.spans if traces else scope.log_records:
                alone = type(group)()
                alone.CopyFrom(group)
                (only,) = [(alone.scope_spans if traces else alone.scope_logs)]
                del only[:]
                part = only.add()
                part.CopyFrom(scope)
                items = part.spans if traces else part.log_records
                del items[:]
                items.add().CopyFrom(item)
                out.append(alone)
    return out


def mark_of(record) -> str | None:
    """The case that a record of `split` belongs to."""
    (scope,) = record.scope_spans if hasattr(record, "scope_spans") else record.scope_logs
    (item,) = scope.spans if hasattr(scope, "spans") else scope.log_records
    return next((pair.value.string_value for pair in item.attributes if pair.key == MARK), None)


def key(record) -> tuple[type, bytes]:
    """Equal for equal records."""
    return type(record), record.SerializeToString(deterministic=True)


def first_difference(wanted: tuple[type, bytes], found: tuple[type, bytes]) -> str:
    """Where the records of two keys part."""
    if wanted[0] is not found[0]:
        return f"stored as {found[0].__name__}"
    return _difference(wanted[0].FromString(wanted[1]), found[0].FromString(found[1]), "") or "stored otherwise"


def _difference(wanted, found, path: str) -> str | None:
    for field in wanted.DESCRIPTOR.fields:
        one, two = getattr(wanted, field.name), getattr(found, field.name)
        place = f"{path}.{field.name}".lstrip(".")
        if field.is_repeated:
            if len(one) != len(two):
                return f"{place}: stored {len(two)}, sent {len(one)}"
            for i, (a, b) in enumerate(zip(one, two)):
                if difference := _part_difference(field, a, b, f"{place}[{i}]"):
                    return difference
        elif not field.message_type or wanted.HasField(field.name) or found.HasField(field.name):
            if field.has_presence and wanted.HasField(field.name) != found.HasField(field.name):
                return f"{place}: {'not ' if wanted.HasField(field.name) else ''}stored"
            if difference := _part_difference(field, one, two, place):
                return difference
    return None


def _part_difference(field, wanted, found, place: str) -> str | None:
    if field.message_type:
        return _difference(wanted, found, place)
    one, two = (value.hex() if isinstance(value, bytes) else repr(value) for value in (wanted, found))  # so that -0.0 is not 0.0
    return None if one == two else f"{place}: stored {two[:60] or 'nothing'}, sent {one[:60] or 'nothing'}"


def load_json(line: bytes):
    """JSON of others: strings may be no UTF-8, and -0 is a double."""
    return json.loads(line.decode(errors="replace"), parse_int=lambda digits: -0.0 if digits == "-0" else int(digits))
