"""The stock JavaScript exporters, in all three protocols; SQL returns every attribute intact."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from values import columns, from_leaf, leaf_attributes

SEND = Path(__file__).parent / "js" / "send.mjs"
PROTOCOLS = ["grpc", "http/protobuf", "http/json"]

# As given to JavaScript, and as it must come back. A whole number is an int to its SDK, whatever its size.
SENT = {
    "audit.action": "exercise",
    "text": "plain",
    "text.empty": "",
    "text.unicode": "Grüße, 世界, 🌍",
    "text.controls": 'tab\t line\n quote" slash\\ bell\x07',
    "bool.true": True,
    "bool.false": False,
    "int": 42,
    "int.zero": 0,
    "int.negative": -7,
    "int.safe": 2**53 - 1,
    "double": 637.704,
    "double.tiny": 5e-324,
    "list": ["many", "values"],
    "list.empty": [],
    "list.mixed": [1, "two", True, 3.5, ["four", ["five"]]],
    "map": {"key": "value", "inner": {"deep": {"deeper": [1, 2]}}},
    "map.empty": {},
    "bytes": b"\x00\x01\xfe\xff",
}

# Its spans take only strings, numbers, bools and lists of one type: the SDK drops the rest before export.
LOGS_ONLY = {"list.mixed", "map", "map.empty", "bytes"}
SENT_ON_SPANS = {key: value for key, value in SENT.items() if key not in LOGS_ONLY}


def send(store, signal, protocol):
    target = store.ready["otlp_grpc" if protocol == "grpc" else "otlp_http"]
    text = json.dumps(SENT, default=lambda raw: {"$bytes": "AAH+/w=="})
    done = subprocess.run(
        ["node", SEND, signal, protocol, target, text], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_spans_come_back_whole(store, protocol):
    ids = send(store, "traces", protocol)
    by_name = {row["event_name"] or row["name"]: row for row in store.query("SELECT * FROM audit_spans")}
    assert sorted(by_name) == ["approved", "child", "parent"]

    row = by_name["parent"]
    assert row["attributes"] == columns(SENT_ON_SPANS)
    assert (row["trace_id"], row["span_id"]) == (ids["trace_id"], ids["parent"])
    assert row["service"] == "js-e2e"
    assert row["resource"]["replica"] == "4"
    assert row["scope_name"] == "js.scope"

    row = by_name["child"]
    assert row["parent_span_id"] == ids["parent"]
    assert row["status_message"] == "the café is closed"
    assert by_name["approved"]["attributes"] == columns({"audit.action": "approve", "by": "carol"})

    leaf = next(leaf for leaf in store.leaves() if leaf["o"].get("n") == "child")
    (link,) = leaf["o"]["l"]
    assert (link["t"], link["i"]) == (ids["trace_id"], ids["parent"])
    assert leaf_attributes(link["a"]) == {"why": "retry"}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_logs_come_back_whole(store, protocol):
    send(store, "logs", protocol)
    (row,) = store.query("SELECT * FROM audit_logs")
    assert row["attributes"] == columns(SENT)
    assert int(row["time_unix_nano"]) == 1_700_000_000_123_456_789
    assert row["event_name"] == "js.exercise"
    assert row["severity"] == "ERROR"
    assert row["severity_number"] == 17
    (leaf,) = [leaf for leaf in store.leaves() if leaf["k"] == "log"]
    assert from_leaf(leaf["o"]["b"]) == {"what": "exercise", "list": [1, "two"]}
    assert leaf["o"]["ob"] == "1700000001000000005"
