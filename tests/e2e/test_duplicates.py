"""Each record once, however often it is sent: repeats over both transports, through kills, against the stored truth."""

from __future__ import annotations

import http.client
import threading
import time

import pytest
import traffic
from audit import check_export
from conftest import soak
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


def spans(items: list[tuple[int, str]], pipeline: str | None = None) -> bytes:
    """One audited span for each number and name; the number is its identity."""
    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    for number, name in items:
        span = scope.spans.add(name=name, start_time_unix_nano=1_764_000_000_000_000_000 + number)
        span.trace_id = number.to_bytes(16, "big")
        span.span_id = number.to_bytes(8, "big")
        traffic.add_attribute(span.attributes, "audit.action", "exercise")
        if pipeline:
            traffic.add_attribute(span.attributes, "audit.pipeline", pipeline)
    return request.SerializeToString()


def logs(names: list[str]) -> bytes:
    """One audited log for each name; nothing in it is an identity."""
    request = ExportLogsServiceRequest()
    scope = request.resource_logs.add().scope_logs.add()
    for name in names:
        log = scope.log_records.add(time_unix_nano=1_764_000_000_000_000_000)
        log.body.string_value = name
        traffic.add_attribute(log.attributes, "audit.action", "exercise")
    return request.SerializeToString()


def counts(store) -> dict[str, float]:
    return {result: store.metric("sealtrail_source_units_total", result=result)
            for result in ("received", "stored", "duplicate", "filtered", "refused")}  # fmt: skip


def findings(store) -> dict[str, list[str]]:
    """The stateful ones, by name or body."""
    rows = store.query("SELECT coalesce(body, name) AS what, list_filter(findings, f -> f IN "
                       "('conflict', 'late_duplicate', 'possible_duplicate')) AS found FROM audit_events ORDER BY seq")  # fmt: skip
    return {row["what"]: row["found"] for row in rows}


def test_a_repeat_is_acknowledged_and_counted_but_not_stored(store):
    body = spans([(1, "a"), (2, "b")])
    for _ in range(3):
        assert traffic.post(store, body).status == 200
    assert traffic.post(store, spans([(2, "b"), (3, "c")], pipeline="eu")).status == 200
    log = logs(["x", "y"])
    for _ in range(2):
        assert traffic.post(store, log, "/v1/logs").status == 200
    assert counts(store) == {"received": 12, "stored": 5, "duplicate": 7, "filtered": 0, "refused": 0}
    assert findings(store) == {"a": [], "b": [], "c": [], "x": [], "y": []}


def test_a_conflict_and_a_recut_log_are_stored_and_flagged(store):
    assert traffic.post(store, spans([(1, "a")])).status == 200
    assert traffic.post(store, spans([(1, "not a")])).status == 200
    assert traffic.post(store, logs(["x", "y"]), "/v1/logs").status == 200
    assert traffic.post(store, logs(["y", "z"]), "/v1/logs").status == 200
    rows = store.query("SELECT coalesce(body, name) AS what, findings FROM audit_events ORDER BY seq")
    flagged = [(row["what"], [f for f in row["findings"] if f in ("conflict", "possible_duplicate")]) for row in rows]
    assert flagged == [("a", []), ("not a", ["conflict"]), ("x", []), ("y", []), ("y", ["possible_duplicate"]), ("z", [])]
    assert counts(store)["stored"] == 6
    assert store.metric("sealtrail_identity_conflicts_total") == 1
    assert store.metric("sealtrail_identity_possible_duplicates_total") == 1
    assert store.stop() == 0
    code, report = store.verify()
    assert (code, report["verdict"]) == (0, "sound"), report
    check_export(store, report)


def test_the_window_ends_and_says_so(make_store):
    store = make_store({"duplicates": {"identities_max": 1000, "hours_max": 1}})
    assert traffic.post(store, spans([(i, f"span {i}") for i in range(1, 1001)])).status == 200
    assert traffic.post(store, spans([(1001, "span 1001")])).status == 200
    store.restart()
    assert "1000 identities of at most 1000" in store.stderr()
    assert traffic.post(store, spans([(1, "span 1"), (1001, "span 1001")])).status == 200
    assert counts(store)["duplicate"] == 1
    assert findings(store)["span 1"] == ["late_duplicate"]
    assert traffic.post(store, spans([(3, "span 3"), (1000, "span 1000")])).status == 200
    assert counts(store)["duplicate"] == 3
    assert store.metric("sealtrail_identity_window_entries") <= 1000
    assert store.metric("sealtrail_identity_window_bytes") > 0
    assert 0 < store.metric("sealtrail_identity_window_outage_seconds") <= 3600


class Stubborn(threading.Thread):
    """Sends each of its requests, byte for byte, until it is acknowledged, and then now and again."""

    def __init__(self, address, number: int, requests: list[tuple[str, bytes]], rng):
        super().__init__(daemon=True)
        self.address, self.number, self.requests, self.rng = address, number, requests, rng
        self.sends = 0

    def run(self):
        for path, body in self.requests:
            again = 1 + (self.rng.random() < 0.2)
            while again:
                connection = http.client.HTTPConnection(self.address(), timeout=10)
                try:
                    self.sends += 1
                    connection.request("POST", path, body, {"Content-Type": traffic.PROTOBUF})
                    again -= traffic.Answer(connection.getresponse()).status == 200
                except (OSError, http.client.HTTPException):
                    time.sleep(0.01)  # killed: is it there again?
                finally:
                    connection.close()


@pytest.mark.parametrize("senders", [6])
def test_exactly_once_through_kills(make_store, rng, senders):
    kills, per_sender = (20, 1500) if soak() else (4, 200)
    store = make_store()
    names, threads = set(), []
    for number in range(senders):
        requests = []
        for i in range(per_sender):
            size = rng.choice([1, 2, 5, 40])
            all_names = [f"sender {number} request {i} record {k}" for k in range(size)]
            names.update(all_names)
            first = (number * per_sender + i) * 100 + 1
            requests.append(("/v1/logs", logs(all_names)) if i % 2 else
                            ("/v1/traces", spans([(first + k, name) for k, name in enumerate(all_names)])))  # fmt: skip
        threads.append(Stubborn(lambda: store.ready["otlp_http"], number, requests, rng))
    for thread in threads:
        thread.start()
    for _ in range(kills):
        time.sleep(rng.uniform(0.05, 0.4))
        store.kill9()
        store.start()
    for thread in threads:
        thread.join(timeout=300)
        assert not thread.is_alive()
    rows = store.query("SELECT coalesce(body, name) AS what, len(list_filter(findings, f -> f IN ('conflict', "
                       "'late_duplicate', 'possible_duplicate'))) AS found FROM audit_events")  # fmt: skip
    stored = [row["what"] for row in rows]
    assert len(stored) == len(set(stored)), "records stand twice"
    assert set(stored) == names
    assert all(int(row["found"]) == 0 for row in rows)
    assert sum(thread.sends for thread in threads) > senders * per_sender, "something was sent again"
    assert store.stop() == 0
    code, report = store.verify()
    assert (code, report["verdict"]) == (0, "sound"), report
