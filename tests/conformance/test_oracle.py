"""The same traffic through a stock Collector with its file exporter, and through Sealtrail and its export: each record that the
one wrote must be in the other, alike in every member."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT / "tests/e2e")]
import grpc  # noqa: E402
import records  # noqa: E402
import traffic  # noqa: E402
from opentelemetry import trace  # noqa: E402
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogs  # noqa: E402
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpans  # noqa: E402
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogs  # noqa: E402
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpans  # noqa: E402
from opentelemetry.instrumentation.logging.handler import LoggingHandler  # noqa: E402
from opentelemetry.sdk._logs import LoggerProvider  # noqa: E402
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor  # noqa: E402
from opentelemetry.sdk.resources import Resource  # noqa: E402
from opentelemetry.sdk.trace import TracerProvider  # noqa: E402
from opentelemetry.sdk.trace.export import SimpleSpanProcessor  # noqa: E402
from stock_collector import Collector  # noqa: E402
from store import Store  # noqa: E402
from suite import METHODS, PATHS, Target  # noqa: E402
from test_sdk_python import AWKWARD, RESOURCE  # noqa: E402

import cases_values  # noqa: E402


@pytest.fixture
def both(tmp_path):
    store = Store(tmp_path / "data", {"select": "all"}).start()
    try:
        with Collector(tmp_path) as collector:
            yield store, collector
    finally:
        store.close()


def places(both) -> list[tuple[str, str]]:
    store, collector = both
    return [(store.ready["otlp_grpc"], store.ready["otlp_http"]), (collector.grpc, collector.http)]


def counted(lines: bytes) -> Counter:
    return Counter(records.key(part) for line in lines.splitlines() for part in records.split(records.load_json(line)))


def stored_by_sealtrail(store) -> Counter:
    done = subprocess.run([sys.executable, HERE / "leaves.py", store.binary, store.data], stdout=subprocess.PIPE, check=True)
    return counted(done.stdout)


def same(both, count: int) -> None:
    """Both hold these `count` records and no others; the Collector's file is written a little later."""
    store, collector = both
    ours, theirs, deadline = stored_by_sealtrail(store), Counter(), time.monotonic() + 60
    while theirs.total() < count and time.monotonic() < deadline:
        time.sleep(0.1)
        theirs = counted(collector.file.read_bytes())
    assert (ours.total(), theirs.total()) == (count, count)
    only_ours, only_theirs = list((ours - theirs).elements()), list((theirs - ours).elements())
    assert not only_theirs, records.first_difference(only_theirs[0], only_ours[0])


def post(place: str, path: str, body: bytes, media: str) -> None:
    request = urllib.request.Request(f"http://{place}{path}", data=body, headers={"Content-Type": media})
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.status == 200


def call(place: str, method: str, body: bytes) -> None:
    with grpc.insecure_channel(place) as channel:
        channel.unary_unary(method)(body, timeout=60)


def test_requests_of_every_kind(both):
    target = Target(("x", 1), ("x", 1), 0, 1)
    for signal, body in (("traces", traffic.spans(300)), ("logs", traffic.logs(300))):
        for grpc_place, http_place in places(both):
            call(grpc_place, METHODS[signal], body)
    for signal, name in (("traces", "trace.json"), ("logs", "logs.json"), ("logs", "events.json")):
        for _, http_place in places(both):
            post(http_place, PATHS[signal], (ROOT / "tests/vectors/otlp" / name).read_bytes(), traffic.JSON)
    for number, request in enumerate((cases_values.full_span, cases_values.full_log)):
        for form, media in ((records.as_json, traffic.JSON), (records.protobuf, traffic.PROTOBUF)):
            target.case = f"{number} {media}"
            whole = request(target)
            for _, http_place in places(both):
                post(http_place, PATHS[records.signal_of(whole)], form(whole), media)
    same(both, 300 + 300 + 3 + 4)


@pytest.mark.parametrize("transport", ["grpc", "http"])
def test_the_stock_sdk(both, transport):
    """Spans with events, links, errors and attributes of every type, and logs, by one program that exports to both."""
    resource = Resource.create(RESOURCE)
    spans, logs = TracerProvider(resource=resource), LoggerProvider(resource=resource)
    for grpc_place, http_place in places(both):
        if transport == "grpc":
            exporters = GrpcSpans(endpoint=grpc_place, insecure=True), GrpcLogs(endpoint=grpc_place, insecure=True)
        else:
            exporters = HttpSpans(endpoint=f"http://{http_place}/v1/traces"), HttpLogs(endpoint=f"http://{http_place}/v1/logs")
        spans.add_span_processor(SimpleSpanProcessor(exporters[0]))
        logs.add_log_record_processor(SimpleLogRecordProcessor(exporters[1]))
    tracer = spans.get_tracer("oracle", "1.0", attributes={"scope": "attribute"})
    logger = logging.getLogger("oracle")
    logger.propagate, logger.level = False, logging.DEBUG
    handler = LoggingHandler(logger_provider=logs)
    logger.addHandler(handler)
    try:
        for number in range(10):
            with tracer.start_as_current_span(f"outer {number}", attributes=AWKWARD, kind=trace.SpanKind.SERVER) as outer:
                outer.add_event("happened", {"number": number, "list": [1, 2]})
                links = [trace.Link(outer.get_span_context(), {"why": "test"})]
                with tracer.start_as_current_span(f"inner {number}", links=links) as inner:
                    inner.record_exception(ValueError("odd"))
                    inner.set_status(trace.StatusCode.ERROR, "it failed")
                logger.warning("log %d", number, extra={"audit.action": "exercise", "number": number, "map": {"a": [1, None]}})
    finally:
        logger.removeHandler(handler)
    spans.shutdown()
    logs.shutdown()
    same(both, 30)
    assert any(json.loads(line)["o"]["n"] == "outer 3" for line in both[0].export().splitlines() if json.loads(line)["k"] == "span")
