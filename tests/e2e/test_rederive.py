"""What the server exports, derived again from the specification alone: every leaf, byte for byte.

Random OTLP/JSON requests (seeded) go to a running store. tests/tools/rederive.py, which shares no code with it, makes
the leaves anew from the request; only salt and receipt, which the server adds, are taken from the export.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys

import pytest
from store import ROOT
from traffic import JSON, post

REDERIVE = ROOT / "tests/tools/rederive.py"
RULES = ROOT / "rules/redaction.yaml"
TEXTS = ["", "plain", 'quote " and \\ backslash', "line\nbreak\ttab\x01\x1f\x7f", "ünïcödé €", "\U0001f512", "a" * 300,
         "a password=hunter2é, b", '{"api_key":"k\\"1","token": "t"}', "postgres://a:b@c/d?sig=1&x=2", "Bearer " + "0123456789" * 3,
         "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln", "password=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln!", "Cookie: a=b\nX: y"]
KEYS = ["password", "http.request.header.cookie", "userToken", "audit.target.secret", "x password=1", "audit.action", "enduser.id", "k", "", "schlüssel", "a.b", "audit"]


def value(rng, depth=0):
    kind = rng.randrange(9 if depth < 4 else 6)
    if kind == 0:
        return {"stringValue": rng.choice(TEXTS)}
    if kind == 1:
        return {"boolValue": rng.random() < 0.5}
    if kind == 2:
        return {"intValue": str(rng.choice([0, -1, 7, 2**53 + 1, 2**63 - 1, -(2**63)]))}
    if kind == 3:
        return {"doubleValue": rng.choice([0.0, 1.5, -2.25, 1e21, 1e-7, 5e-324, 1.7976931348623157e308, 333333333.3333332])}
    if kind == 4:
        return {"bytesValue": base64.b64encode(rng.randbytes(rng.randrange(5))).decode()}
    if kind == 5:
        return {}
    if kind == 6:
        return {"arrayValue": {"values": [value(rng, depth + 1) for _ in range(rng.randrange(4))]}}
    return {"kvlistValue": {"values": attributes(rng, depth + 1)}}


def attributes(rng, depth=0):
    return [{"key": rng.choice(KEYS), "value": value(rng, depth)} for _ in range(rng.randrange(5))]


def some(rng, members):
    """Any of the members, in any order."""
    chosen = [item for item in members.items() if rng.random() < 0.7]
    rng.shuffle(chosen)
    return dict(chosen)


def group(rng, items, name):
    resource = some(rng, {"attributes": attributes(rng), "droppedAttributesCount": rng.randrange(3)})
    if rng.random() < 0.2:  # lies beside the leaf
        resource["attributes"] = [{"key": "large", "value": {"stringValue": "r" * rng.randrange(1900, 2200)}}]
    scope = some(rng, {"name": rng.choice(TEXTS), "version": "1", "attributes": attributes(rng)})
    return some(rng, {"resource": resource, "schemaUrl": rng.choice(TEXTS)}) | {
        "scopeSpans" if name == "spans" else "scopeLogs": [
            some(rng, {"scope": scope, "schemaUrl": rng.choice(TEXTS)}) | {name: items}
        ]
    }


def span(rng):
    event = lambda: some(rng, {"timeUnixNano": str(rng.randrange(2**60)), "name": rng.choice(TEXTS), "attributes": attributes(rng)})  # noqa: E731
    link = lambda: some(rng, {"traceId": rng.randbytes(16).hex(), "spanId": rng.randbytes(8).hex(), "attributes": attributes(rng), "flags": 1})  # noqa: E731
    return some(rng, {
        "traceId": rng.randbytes(16).hex(), "spanId": rng.randbytes(8).hex().upper(), "parentSpanId": rng.randbytes(8).hex(),
        "traceState": "a=b", "name": rng.choice(TEXTS), "kind": rng.randrange(6), "flags": rng.randrange(2**32),
        "startTimeUnixNano": str(rng.randrange(2**63)), "endTimeUnixNano": str(rng.randrange(2**63)),
        "attributes": attributes(rng), "droppedAttributesCount": rng.randrange(3), "droppedEventsCount": rng.randrange(3),
        "droppedLinksCount": rng.randrange(3), "events": [event() for _ in range(rng.randrange(3))],
        "links": [link() for _ in range(rng.randrange(3))], "status": some(rng, {"code": rng.randrange(3), "message": "m"}),
    })  # fmt: skip


def log(rng):
    made = some(rng, {
        "timeUnixNano": str(rng.randrange(2**63)), "observedTimeUnixNano": str(rng.randrange(2**63)),
        "severityNumber": rng.randrange(25), "severityText": rng.choice(TEXTS), "body": value(rng),
        "attributes": attributes(rng), "droppedAttributesCount": rng.randrange(3), "flags": rng.randrange(256),
        "traceId": rng.randbytes(16).hex(), "spanId": rng.randbytes(8).hex(), "eventName": rng.choice(TEXTS),
    })  # fmt: skip
    if rng.random() < 0.1:  # too large for a leaf: its content lies beside
        made["body"] = {"stringValue": "x" * 70_000}
    return made


@pytest.mark.parametrize("signal", ["traces", "logs"])
def test_every_exported_leaf(keep_all, rng, tmp_path, signal):
    make, name = (span, "spans") if signal == "traces" else (log, "logRecords")
    records = marks = 0
    for round in range(12):
        request = {("resourceSpans" if signal == "traces" else "resourceLogs"): [
            group(rng, [make(rng) for _ in range(rng.randrange(1, 5))], name) for _ in range(rng.randrange(1, 4))
        ]}  # fmt: skip
        before = keep_all.export().count(b"\n")
        body = json.dumps(request).encode()
        assert post(keep_all, body, f"/v1/{signal}", content_type=JSON).status == 200
        export = keep_all.export("--from", str(before))
        (tmp_path / "request.json").write_bytes(body)
        (tmp_path / "export.ndjson").write_bytes(export)
        done = subprocess.run(
            [sys.executable, REDERIVE, "--signal", signal, "--all", "--redaction", RULES, "--like", tmp_path / "export.ndjson", tmp_path / "request.json"],
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, f"round {round}: {done.stderr}"
        records += len(done.stdout.splitlines())
        marks += export.count(b'{"r":[')
    assert records > 20
    assert marks > 20, "redaction is derived again as well"
