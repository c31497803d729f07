#!/usr/bin/env python3
"""Prints what a Sealtrail store holds as lines of OTLP/JSON, one record each: `--stored` for run.py.

    tests/conformance/leaves.py SEALTRAIL DATA

Reads `sealtrail export` (docs/formats/record.md). Spans and logs alone, without the members that OTLP/JSON cannot carry:
unknown fields, and the content of what is too large for a leaf.
"""

from __future__ import annotations

import json
import subprocess
import sys

# Member of the leaf, its name in OTLP/JSON.
SPAN = {"t": "traceId", "i": "spanId", "p": "parentSpanId", "ts": "traceState", "n": "name", "k": "kind", "s": "startTimeUnixNano",
        "e": "endTimeUnixNano", "f": "flags", "da": "droppedAttributesCount", "de": "droppedEventsCount", "dl": "droppedLinksCount"}  # fmt: skip
EVENT = {"n": "name", "w": "timeUnixNano", "da": "droppedAttributesCount"}
LINK = {"t": "traceId", "i": "spanId", "ts": "traceState", "da": "droppedAttributesCount", "f": "flags"}
LOG = {"w": "timeUnixNano", "ob": "observedTimeUnixNano", "sn": "severityNumber", "sx": "severityText", "t": "traceId", "i": "spanId",
       "f": "flags", "da": "droppedAttributesCount", "en": "eventName"}  # fmt: skip
SCOPE = {"n": "name", "v": "version", "da": "droppedAttributesCount"}
RESOURCE = {"da": "droppedAttributesCount"}
STATUS = {"c": "code", "m": "message"}


def text(value) -> str:
    """A string, also one that was no UTF-8."""
    if isinstance(value, dict):
        import base64

        return base64.b64decode(value["u"]).decode(errors="replace")
    return value


def any_value(value) -> dict:
    if value is None:
        return {}
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, str):
        return {"stringValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [any_value(item) for item in value]}}
    for tag, inner in value.items():
        if tag == "i":
            return {"intValue": inner}
        if tag == "d":
            return {"doubleValue": -0.0 if inner == "-0" else inner}
        if tag == "b":
            return {"bytesValue": inner}
        if tag == "u":
            return {"stringValue": text(value)}
        if tag == "m":
            return {"kvlistValue": {"values": attributes(inner)}}
        if tag in ("v", "l"):
            return any_value(inner)
    raise ValueError(f"a value of unknown form: {value}")


def attributes(pairs: list) -> list[dict]:
    return [{"key": text(pair[0])} | ({"value": any_value(pair[1])} if len(pair) == 2 else {}) for pair in pairs]


def named(content: dict, names: dict[str, str]) -> dict:
    out = {name: text(content[member]) for member, name in names.items() if member in content}
    if "a" in content:
        out["attributes"] = attributes(content["a"])
    return out


def span(content: dict) -> dict:
    out = named(content, SPAN)
    if "ev" in content:
        out["events"] = [named(event, EVENT) for event in content["ev"]]
    if "l" in content:
        out["links"] = [named(link, LINK) for link in content["l"]]
    if "st" in content:
        out["status"] = named(content["st"], STATUS)
    return out


def log(content: dict) -> dict:
    return named(content, LOG) | ({"body": any_value(content["b"])} if "b" in content else {})


def group(content: dict, member: str, name: str, names: dict[str, str]) -> dict:
    out = {name: named(content[member], names)} if member in content else {}
    return out | ({"schemaUrl": content["u"]} if "u" in content else {})


def request(leaf: dict) -> dict | None:
    if leaf["k"] not in ("span", "log") or any(isinstance(leaf.get(member), list) for member in ("o", "re", "sc")):
        return None
    resource = group(leaf.get("re", {}), "r", "resource", RESOURCE)
    scope = group(leaf.get("sc", {}), "s", "scope", SCOPE)
    if leaf["k"] == "span":
        return {"resourceSpans": [resource | {"scopeSpans": [scope | {"spans": [span(leaf["o"])]}]}]}
    return {"resourceLogs": [resource | {"scopeLogs": [scope | {"logRecords": [log(leaf["o"])]}]}]}


def main() -> int:
    binary, data = sys.argv[1:]
    done = subprocess.run([binary, "export", "--data", data], stdout=subprocess.PIPE, check=True)
    for line in done.stdout.splitlines():
        if (made := request(json.loads(line))) is not None:
            print(json.dumps(made, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
