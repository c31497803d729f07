"""Small OTLP requests of our own, made with the stock generated classes, and plain HTTP to send them with."""

from __future__ import annotations

import gzip
import http.client
import itertools
import time

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

PROTOBUF = "application/x-protobuf"
JSON = "application/json"

_serial = itertools.count(1)


def add_attribute(attributes, key, value: str) -> None:
    pair = attributes.add()
    pair.key = key
    pair.value.string_value = value


def spans(count: int, *, action: str = "exercise", start: int | None = None, step: int = 1, **attributes: str) -> bytes:
    """A request of `count` audited spans, one after the other, each with ids that no other span of this run has."""
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    add_attribute(group.resource.attributes, "service.name", "traffic")
    scope = group.scope_spans.add()
    scope.scope.name = "traffic"
    now = time.time_ns() if start is None else start
    for i in range(count):
        number = next(_serial)
        span = scope.spans.add()
        span.trace_id = number.to_bytes(16, "big")
        span.span_id = number.to_bytes(8, "big")
        span.name = f"span {number}"
        span.start_time_unix_nano = now + i * step
        span.end_time_unix_nano = span.start_time_unix_nano + 1000
        add_attribute(span.attributes, "audit.action", action)
        for key, value in attributes.items():
            add_attribute(span.attributes, key, value)
    return request.SerializeToString()


def logs(count: int, **attributes: str) -> bytes:
    request = ExportLogsServiceRequest()
    scope = request.resource_logs.add().scope_logs.add()
    for _ in range(count):
        log = scope.log_records.add()
        log.time_unix_nano = time.time_ns()
        log.body.string_value = f"log {next(_serial)}"
        add_attribute(log.attributes, "audit.action", "exercise")
        for key, value in attributes.items():
            add_attribute(log.attributes, key, value)
    return request.SerializeToString()


class Answer:
    def __init__(self, response: http.client.HTTPResponse):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    def __repr__(self):
        return f"Answer({self.status}, {self.body!r})"


def post(store, body: bytes, path: str = "/v1/traces", *, content_type: str | None = PROTOBUF, encoding: str | None = None,
         method: str = "POST", headers: dict | None = None, timeout: float = 60) -> Answer:  # fmt: skip
    """One request on a connection of its own."""
    connection = http.client.HTTPConnection(store.ready["otlp_http"], timeout=timeout)
    try:
        all_headers = dict(headers or {})
        if content_type:
            all_headers["Content-Type"] = content_type
        if encoding:
            all_headers["Content-Encoding"] = encoding
        connection.request(method, path, body=body, headers=all_headers)
        return Answer(connection.getresponse())
    finally:
        connection.close()


def gzipped(body: bytes) -> bytes:
    return gzip.compress(body, 6)


def zstd_stored(body: bytes) -> bytes:
    """A zstd frame of raw blocks, by hand: RFC 8878 §3.1.1."""
    blocks = [body[i : i + 131072] for i in range(0, len(body), 131072)] or [b""]
    out = b"\x28\xb5\x2f\xfd" + b"\x00" + bytes([10 << 3])  # a window of 1 MiB
    for i, block in enumerate(blocks):
        out += (len(block) << 3 | (i + 1 == len(blocks))).to_bytes(3, "little") + block
    return out


def named_spans(names: list[str]) -> bytes:
    """A request of one audited span a name."""
    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    for name in names:
        number = next(_serial)
        span = scope.spans.add(name=name, start_time_unix_nano=time.time_ns())
        span.trace_id = number.to_bytes(16, "big")
        span.span_id = number.to_bytes(8, "big")
        add_attribute(span.attributes, "audit.action", "exercise")
    return request.SerializeToString()
