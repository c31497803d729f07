"""OpenTelemetry's own example messages through curl, compared with SQL member by member."""

from __future__ import annotations

import json
import subprocess

from values import attributes_of, column, columns, from_otlp_json


def curl(store, path, file, *more):
    """Posts `file`; returns status and body."""
    done = subprocess.run(
        ["curl", "--silent", "--show-error", "--max-time", "30", "--write-out", "\n%{http_code}"]
        + ["--header", "Content-Type: application/json", "--data-binary", f"@{file}", *more]
        + [f"http://{store.ready['otlp_http']}{path}"],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    body, status = done.stdout.rsplit("\n", 1)
    return int(status), body


def test_trace_json(keep_all, vectors):
    file = vectors / "trace.json"
    assert curl(keep_all, "/v1/traces", file) == (200, "{}")
    (group,) = json.loads(file.read_text())["resourceSpans"]
    (scope,) = group["scopeSpans"]
    (span,) = scope["spans"]

    (row,) = keep_all.query("SELECT *, epoch_ns(end_time) AS end_ns FROM audit_spans")
    assert row["name"] == span["name"]
    assert row["trace_id"] == span["traceId"].lower()
    assert row["span_id"] == span["spanId"].lower()
    assert row["parent_span_id"] == span["parentSpanId"].lower()
    assert int(row["time_unix_nano"]) == int(span["startTimeUnixNano"])
    assert int(row["end_ns"]) == int(span["endTimeUnixNano"])
    assert row["attributes"] == columns(attributes_of(span))
    assert row["resource"] == columns(attributes_of(group["resource"]))
    assert row["scope_name"] == scope["scope"]["name"]
    (leaf,) = [leaf for leaf in keep_all.leaves() if leaf["k"] == "span"]
    assert leaf["sc"]["s"] == {"a": [["my.scope.attribute", "some scope attribute"]], "n": "my.library", "v": "1.0.0"}
    assert leaf["o"]["k"] == span["kind"]
    assert leaf["r"]["t"] == "http/json"


def check_log(store, file):
    assert curl(store, "/v1/logs", file) == (200, "{}")
    (group,) = json.loads(file.read_text())["resourceLogs"]
    (scope,) = group["scopeLogs"]
    (log,) = scope["logRecords"]

    (row,) = store.query("SELECT *, epoch_ns(observed_at) AS observed_ns FROM audit_logs")
    assert int(row["time_unix_nano"]) == int(log["timeUnixNano"])
    assert int(row["observed_ns"]) == int(log["observedTimeUnixNano"])
    assert row["severity_number"] == log["severityNumber"]
    assert row["severity"] == log["severityText"]
    assert (row["event_name"] or "") == log.get("eventName", "")
    assert (row["trace_id"] or "") == log.get("traceId", "").lower()
    assert (row["span_id"] or "") == log.get("spanId", "").lower()
    assert row["attributes"] == columns(attributes_of(log))
    assert row["resource"] == columns(attributes_of(group["resource"]))
    assert row["body"] == column(from_otlp_json(log["body"]))


def test_logs_json(keep_all, vectors):
    check_log(keep_all, vectors / "logs.json")


def test_events_json(keep_all, vectors):
    check_log(keep_all, vectors / "events.json")


def test_the_default_selector_filters_them(store, vectors):
    """None of the examples carries audit.action: received, counted, not kept."""
    for path, name in (("/v1/traces", "trace.json"), ("/v1/logs", "logs.json"), ("/v1/logs", "events.json")):
        assert curl(store, path, vectors / name) == (200, "{}")
    assert store.query("SELECT * FROM audit_events") == []
