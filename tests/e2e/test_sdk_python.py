"""The stock Python SDK delivers spans and logs, over gRPC and HTTP; SQL returns every attribute intact."""

from __future__ import annotations

import logging
import time

import pytest
from opentelemetry import trace
from opentelemetry._logs import LogRecord as ApiLogRecord
from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogs
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcMetrics
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpans
from opentelemetry.exporter.otlp.proto.http import Compression as HttpCompression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogs
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpMetrics
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpans
from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics.export import MetricExportResult, MetricsData
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from grpc import Compression as GrpcCompression
from values import column, columns, from_leaf, leaf_attributes

# One of every type that OTLP knows, at its edges.
AWKWARD = {
    "audit.action": "exercise",
    "text": "plain",
    "text.empty": "",
    "text.unicode": "Grüße, 世界, 🌍, e\u0301",
    "text.controls": 'tab\t line\n quote" slash\\ bell\x07',
    "text.long": "x" * 5000,
    "bool.true": True,
    "bool.false": False,
    "int": 42,
    "int.zero": 0,
    "int.max": 2**63 - 1,
    "int.min": -(2**63),
    "double": 637.704,
    "double.whole": 3.0,
    "double.tiny": 5e-324,
    "double.huge": 1.7976931348623157e308,
    "double.minus_zero": -0.0,
    "double.nan": float("nan"),
    "double.infinite": float("-inf"),
    "bytes": b"\x00\x01\xfe\xff",
    "bytes.empty": b"",
    "list": ["many", "values"],
    "list.empty": [],
    "list.mixed": [1, "two", True, 3.5, b"four", ["five", ["six"]]],
    "map": {"key": "value", "number": 7, "inner": {"deep": {"deeper": [1, 2, {"deepest": "ä"}]}}},
    "map.empty": {},
    "nothing": None,
}
RESOURCE = {"service.name": "python-e2e", "service.version": "1.2.3", "replica": 4, "zones": ["a", "b"]}

TRANSPORTS = ["grpc", "grpc+gzip", "http", "http+gzip"]


def span_exporter(store, transport):
    if transport.startswith("grpc"):
        compression = GrpcCompression.Gzip if transport.endswith("gzip") else GrpcCompression.NoCompression
        return GrpcSpans(endpoint=store.ready["otlp_grpc"], insecure=True, compression=compression)
    compression = HttpCompression.Gzip if transport.endswith("gzip") else HttpCompression.NoCompression
    return HttpSpans(endpoint=f"http://{store.ready['otlp_http']}/v1/traces", compression=compression)


def log_exporter(store, transport):
    if transport.startswith("grpc"):
        compression = GrpcCompression.Gzip if transport.endswith("gzip") else GrpcCompression.NoCompression
        return GrpcLogs(endpoint=store.ready["otlp_grpc"], insecure=True, compression=compression)
    compression = HttpCompression.Gzip if transport.endswith("gzip") else HttpCompression.NoCompression
    return HttpLogs(endpoint=f"http://{store.ready['otlp_http']}/v1/logs", compression=compression)


@pytest.mark.parametrize("transport", ["grpc", "http"])
def test_metrics_are_refused_once_and_for_all(store, transport, caplog):
    """The exporter neither believes that they were stored nor sends them again."""
    if transport == "grpc":
        exporter = GrpcMetrics(endpoint=store.ready["otlp_grpc"], insecure=True)
    else:
        exporter = HttpMetrics(endpoint=f"http://{store.ready['otlp_http']}/v1/metrics")
    assert exporter.export(MetricsData(resource_metrics=[])) is MetricExportResult.FAILURE
    assert store.metric("sealtrail_unserved_requests_total", signal="metrics") == 1
    assert store.metric("sealtrail_unserved_requests_total") == 1
    assert "UNIMPLEMENTED" in caplog.text or "404" in caplog.text
    exporter.shutdown()


def resource_columns(row):
    return {key: value for key, value in row["resource"].items() if key in RESOURCE}


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_spans_come_back_whole(store, transport):
    provider = TracerProvider(resource=Resource.create(RESOURCE), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(span_exporter(store, transport)))
    tracer = provider.get_tracer("e2e.scope", "9.9", schema_url="https://example.org/schema", attributes={"team": "x"})

    with tracer.start_as_current_span("parent", kind=trace.SpanKind.SERVER, attributes=AWKWARD) as parent:
        linked = trace.Link(parent.get_span_context(), {"why": "retry", "attempt": 2})
        with tracer.start_as_current_span(
            "child", links=[linked], attributes={"audit.action": "child_act", "enduser.id": "alice"}
        ) as child:
            child.add_event("approved", {"audit.action": "approve", "by": "carol", "level": 3}, timestamp=time.time_ns())
            child.add_event("cache.miss", {"cache.key": "k"})
            child.set_status(trace.StatusCode.ERROR, "the café is closed")
        with tracer.start_as_current_span("not audited", attributes={"http.request.method": "GET"}):
            pass
    assert provider.force_flush()
    provider.shutdown()

    rows = store.query("SELECT * FROM audit_spans ORDER BY seq")
    by_name = {row["event_name"] or row["name"]: row for row in rows}
    assert sorted(by_name) == ["approved", "child", "parent"], "the unaudited span and event are filtered"

    row = by_name["parent"]
    context = parent.get_span_context()
    assert row["attributes"] == columns(AWKWARD)
    assert resource_columns(row) == columns(RESOURCE)
    assert row["kind"] == "span"
    assert row["trace_id"] == f"{context.trace_id:032x}"
    assert row["span_id"] == f"{context.span_id:016x}"
    assert int(row["time_unix_nano"]) == parent.start_time
    assert row["service"] == "python-e2e"
    assert row["scope_name"] == "e2e.scope"
    assert row["action"] == "exercise"

    row = by_name["child"]
    assert row["parent_span_id"] == f"{context.span_id:016x}"
    assert row["status_message"] == "the café is closed"
    assert row["actor"] == "alice"

    row = by_name["approved"]
    assert (row["kind"], row["name"]) == ("span_event", "child")
    assert row["span_id"] == f"{child.get_span_context().span_id:016x}"
    of_span, of_event = {"enduser.id": "alice"}, {"audit.action": "approve", "by": "carol", "level": 3}
    assert row["attributes"] == columns(of_span | of_event), "an event shows its span's attributes under its own"
    assert int(row["time_unix_nano"]) == child.events[0].timestamp

    # What SQL does not show: links, status and events lie in the span's leaf.
    leaf = next(leaf for leaf in store.leaves() if leaf["o"].get("n") == "child")
    (link,) = leaf["o"]["l"]
    assert (link["t"], link["i"]) == (f"{context.trace_id:032x}", f"{context.span_id:016x}")
    assert leaf_attributes(link["a"]) == {"why": "retry", "attempt": 2}
    assert leaf["o"]["st"] == {"c": 2, "m": "the café is closed"}
    assert [event["n"] for event in leaf["o"]["ev"]] == ["approved", "cache.miss"]
    assert leaf["sc"]["u"] == "https://example.org/schema"
    assert leaf["sc"]["s"] == {"a": [["team", "x"]], "n": "e2e.scope", "v": "9.9"}


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_logs_come_back_whole(store, transport):
    provider = LoggerProvider(resource=Resource.create(RESOURCE), shutdown_on_exit=False)
    provider.add_log_record_processor(BatchLogRecordProcessor(log_exporter(store, transport)))
    logger = provider.get_logger("e2e.logs", "0.1")
    body = {"what": "exercise", "numbers": [1, 2.5], "blob": b"\x01"}
    logger.emit(
        ApiLogRecord(
            timestamp=1_700_000_000_123_456_789,
            observed_timestamp=1_700_000_001_000_000_001,
            severity_number=SeverityNumber.WARN2,
            severity_text="careful",
            body=body,
            attributes=AWKWARD,
            event_name="e2e.exercise",
        )
    )
    logger.emit(ApiLogRecord(body="nobody audits this", attributes={"a": "b"}))
    assert provider.force_flush()
    provider.shutdown()

    (row,) = store.query("SELECT * FROM audit_logs")
    assert row["attributes"] == columns(AWKWARD)
    assert resource_columns(row) == columns(RESOURCE)
    assert row["kind"] == "log"
    assert int(row["time_unix_nano"]) == 1_700_000_000_123_456_789
    assert row["event_name"] == "e2e.exercise"
    assert row["severity"] == "careful"
    assert row["severity_number"] == 14
    assert row["scope_name"] == "e2e.logs"
    assert column(body) == row["body"]

    (leaf,) = [leaf for leaf in store.leaves() if leaf["k"] == "log"]
    assert from_leaf(leaf["o"]["b"]) == body
    assert leaf["o"]["ob"] == "1700000001000000001"


def test_the_logging_bridge(store):
    provider = LoggerProvider(resource=Resource.create(RESOURCE), shutdown_on_exit=False)
    provider.add_log_record_processor(BatchLogRecordProcessor(log_exporter(store, "grpc")))
    logger = logging.getLogger("e2e.bridge")
    logger.propagate = False
    handler = LoggingHandler(logger_provider=provider)
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    extra = {"audit.action": "config_change", "audit.changed_by": "alice", "keys": ["a", "b"], "limits": {"max": 3}}
    logger.warning("limit of %s changed", "queue", extra=extra)
    assert provider.force_flush()
    provider.shutdown()
    logger.removeHandler(handler)

    (row,) = store.query("SELECT * FROM audit_logs")
    assert row["attributes"] == columns(extra)
    assert row["body"] == "limit of queue changed"
    assert row["severity"] == "WARN"
    assert row["actor"] == "alice"
    assert row["scope_name"] == "e2e.bridge"
