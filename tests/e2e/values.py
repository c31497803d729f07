"""What the columns `attributes` and `resource` must say of OTLP values.

Numbers and bools as JSON text, lists and maps as JSON, bytes in base64, an empty value as a present key with NULL;
of duplicate keys the last one wins. `Struct` marks text that is JSON and compared as such.
"""

from __future__ import annotations

import base64
import json
import math


class Struct:
    """Expects the JSON text of a list or map: equal as JSON, and without white space between its parts."""

    def __init__(self, value):
        self.value = value

    def __eq__(self, text):
        return isinstance(text, str) and json.loads(text) == self.value and text == text.strip()

    def __repr__(self):
        return f"Struct({self.value!r})"


def plain(value):
    """A Python value as it stands inside the JSON of a list or map."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    return value


def column(value):
    """A Python value as an entry of the map column."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return number(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return Struct(plain(value))


def number(value: float) -> str:
    """A double in ECMAScript's form, as far as the tests use it."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == int(value) and abs(value) < 1e21:
        return "-0" if math.copysign(1, value) < 0 and value == 0 else str(int(value))
    return repr(value)


def columns(attributes: dict) -> dict:
    return {key: column(value) for key, value in attributes.items()}


def from_otlp_json(value: dict):
    """An AnyValue of OTLP/JSON as a Python value."""
    if not value:
        return None
    (kind, inner), = value.items()
    if kind == "intValue":
        return int(inner)
    if kind == "bytesValue":
        return base64.b64decode(inner)
    if kind == "arrayValue":
        return [from_otlp_json(item) for item in inner.get("values", [])]
    if kind == "kvlistValue":
        return {pair["key"]: from_otlp_json(pair["value"]) for pair in inner.get("values", [])}
    return inner  # stringValue, boolValue, doubleValue


def attributes_of(message: dict) -> dict:
    """`attributes` of an OTLP/JSON message as Python values."""
    return {pair["key"]: from_otlp_json(pair.get("value", {})) for pair in message.get("attributes", [])}


def from_leaf(value):
    """A value of a leaf (docs/formats/record.md §2) as a Python value."""
    if isinstance(value, list):
        return [from_leaf(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "r" in value:  # the mark of a redaction
        return value.get("t")
    (tag, inner), = value.items()
    if tag == "i":
        return int(inner)
    if tag == "d":
        return -0.0 if inner == "-0" else float(inner)
    if tag in ("b", "u"):
        return base64.b64decode(inner)
    assert tag == "m", f"unknown tag {tag}"
    return {pair[0]: from_leaf(pair[1]) for pair in inner}


def leaf_attributes(pairs: list) -> dict:
    return {pair[0]: from_leaf(pair[1]) for pair in pairs}
