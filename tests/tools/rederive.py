#!/usr/bin/env python3
"""Derives the leaves of an OTLP/JSON request again, from docs/formats/record.md and nothing else.

    rederive.py --signal traces|logs [--all] [--like EXPORT] REQUEST.json

A second witness of the canonical form, standard library only: it shares no code and no author's habit with the
server. REQUEST.json is an ExportTraceServiceRequest or ExportLogsServiceRequest in OTLP/JSON. What the server adds
by itself, the salt and the receipt, is taken from the lines of EXPORT (exact leaves, one a line, in the order of the
request; lines of the store's own records are passed over); without it the salt is 16 zero bytes and the receipt that
of time 0. Prints one leaf a line. With --like it exits 1 and names the first difference if the leaves are not those
of EXPORT, byte for byte.

With --redaction RULES what these rules (rules/redaction.yaml) call a secret is marked, as the server does; it is judged by
redaction.py beside this file.

By default what carries `audit.action` is kept, as the server does; --all keeps everything.
"""

import argparse
import base64
import hashlib
import json
import math
import re
import sys

import redaction

LEAF_BYTES_MAX = 65535
INLINE_GROUP_BYTES_MAX = 2048


# --- RFC 8785 ---------------------------------------------------------------------------------------------------------

ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}


def canonical_string(text):
    return '"' + "".join(ESCAPES.get(c) or (f"\\u{ord(c):04x}" if c < " " else c) for c in text) + '"'


def canonical_double(value):
    """ECMAScript's Number::toString; Python's repr gives the same shortest digits."""
    if value == 0:
        return "0"
    sign, value = ("-", -value) if value < 0 else ("", value)
    mantissa, _, exponent = repr(value).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    if len(digits) <= point <= 21:
        text = digits.ljust(point, "0")
    elif 0 < point <= 21:
        text = digits[:point] + "." + digits[point:]
    elif -6 < point <= 0:
        text = "0." + "0" * -point + digits
    else:
        text = digits[0] + ("." + digits[1:] if len(digits) > 1 else "") + f"e{point - 1:+d}"
    return sign + text


def canonical(value):
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return canonical_double(value)
    if isinstance(value, str):
        return canonical_string(value)
    if isinstance(value, list):
        return "[" + ",".join(canonical(item) for item in value) + "]"
    names = sorted(value, key=lambda name: name.encode("utf-16-be"))
    return "{" + ",".join(canonical_string(name) + ":" + canonical(value[name]) for name in names) + "}"


# --- OTLP/JSON --------------------------------------------------------------------------------------------------------


def field(message, name):
    """A member by its lowerCamelCase name or its name in the .proto file; None where it is absent or null."""
    if name in message:
        return message[name]
    return message.get(re.sub("[A-Z]", lambda c: "_" + c.group().lower(), name))


def integer(value):
    """An integer as number, as integral double, or as text; 0 where absent."""
    if value is None:
        return 0
    if isinstance(value, str):
        return int(value) if re.fullmatch("-?[0-9]+", value) else int(float(value))
    return int(value)


def double(value):
    return float(value)  # takes "NaN", "Infinity" and "-Infinity" too


def base64_bytes(text):
    text = text.replace("-", "+").replace("_", "/").rstrip("=")
    return base64.b64decode(text + "=" * (-len(text) % 4))


def base64_text(data):
    return base64.b64encode(data).decode()


# --- record.md §2: redaction ---------------------------------------------------------------------------------------

RULES = None  # a redaction.Redaction


def text(value, key=""):
    """A text, or its mark; `key`: of the pair under which it stands."""
    if not value or RULES is None:
        return value
    return RULES.text(key.encode(), value.encode()) or value


def texts(values):
    return [text(value) for value in values or []]


# --- record.md §2: values ---------------------------------------------------------------------------------------------


def any_value(message, key=""):
    present = {name: content for name in VALUES if (content := field(message, name)) is not None}
    if not present:
        return None
    name, content = list(present.items())[-1]
    if name == "stringValue":
        return text(content, key)
    if name == "arrayValue":
        return [any_value(item, key) for item in field(content, "values") or []]
    if name == "bytesValue" and RULES is not None and base64_bytes(content):
        return RULES.text(key.encode(), base64_bytes(content), is_text=False) or VALUES[name](content)
    return VALUES[name](content)


def pair_value(message, key):
    """The value of a pair, which a rule may take by the key."""
    global RULES
    if RULES is not None:
        rules, RULES = RULES, None
        plain = any_value(message)
        RULES = rules
        if isinstance(plain, str):
            secret = plain.encode()
        elif isinstance(plain, dict) and "b" in plain:
            secret = base64.b64decode(plain["b"])
        else:
            secret = canonical(plain).encode()
        empty = plain is None or isinstance(plain, bool) or plain in ("", [], {"b": ""}, {"m": []})
        if mark := RULES.value(key.encode(), empty, lambda: secret):
            return mark
    return any_value(message, key)


def double_value(value):
    value = double(value)
    if math.isnan(value):
        return {"d": "NaN"}
    if math.isinf(value):
        return {"d": "Infinity" if value > 0 else "-Infinity"}
    if value == 0 and math.copysign(1, value) < 0:
        return {"d": "-0"}
    return {"d": value}


VALUES = {
    "stringValue": None,
    "boolValue": lambda v: v,
    "intValue": lambda v: {"i": str(integer(v))},
    "doubleValue": double_value,
    "arrayValue": None,
    "kvlistValue": lambda v: {"m": pairs(field(v, "values"))},
    "bytesValue": lambda v: {"b": base64_text(base64_bytes(v))},
}


def pairs(key_values):
    out = []
    for key_value in key_values or []:
        value = field(key_value, "value")
        key = field(key_value, "key") or ""
        out.append([text(key)] if value is None else [text(key), pair_value(value, key)])
    return out


# --- record.md §4: content --------------------------------------------------------------------------------------------


def content(**members):
    """Without the members that have the default."""
    return {name: value for name, value in members.items() if value not in (None, 0, "", [])}


def decimal(value):
    number = integer(value)
    return str(number) if number else None


def hexadecimal(value):
    return (value or "").lower()


def span(message):
    return content(
        a=pairs(field(message, "attributes")),
        da=integer(field(message, "droppedAttributesCount")),
        de=integer(field(message, "droppedEventsCount")),
        dl=integer(field(message, "droppedLinksCount")),
        e=decimal(field(message, "endTimeUnixNano")),
        ev=[event(each) for each in field(message, "events") or []],
        f=integer(field(message, "flags")),
        i=hexadecimal(field(message, "spanId")),
        k=integer(field(message, "kind")),
        l=[link(each) for each in field(message, "links") or []],
        n=text(field(message, "name")),
        p=hexadecimal(field(message, "parentSpanId")),
        s=decimal(field(message, "startTimeUnixNano")),
        st=status(field(message, "status")),
        t=hexadecimal(field(message, "traceId")),
        ts=text(field(message, "traceState")),
    )


def status(message):
    if message is None:
        return None
    return content(c=integer(field(message, "code")), m=text(field(message, "message")))


def event(message):
    return content(
        a=pairs(field(message, "attributes")),
        da=integer(field(message, "droppedAttributesCount")),
        n=text(field(message, "name")),
        w=decimal(field(message, "timeUnixNano")),
    )


def link(message):
    return content(
        a=pairs(field(message, "attributes")),
        da=integer(field(message, "droppedAttributesCount")),
        f=integer(field(message, "flags")),
        i=hexadecimal(field(message, "spanId")),
        t=hexadecimal(field(message, "traceId")),
        ts=text(field(message, "traceState")),
    )


def event_span(message):
    return content(
        a=pairs(field(message, "attributes")),
        i=hexadecimal(field(message, "spanId")),
        n=text(field(message, "name")),
        p=hexadecimal(field(message, "parentSpanId")),
        t=hexadecimal(field(message, "traceId")),
    )


def log(message):
    out = content(
        a=pairs(field(message, "attributes")),
        da=integer(field(message, "droppedAttributesCount")),
        en=text(field(message, "eventName")),
        f=integer(field(message, "flags")),
        i=hexadecimal(field(message, "spanId")),
        ob=decimal(field(message, "observedTimeUnixNano")),
        sn=integer(field(message, "severityNumber")),
        sx=text(field(message, "severityText")),
        t=hexadecimal(field(message, "traceId")),
        w=decimal(field(message, "timeUnixNano")),
    )
    if (body := field(message, "body")) is not None:
        out["b"] = any_value(body)
    return out


def resource_group(group):
    resource = field(group, "resource")
    if resource is not None:
        resource = content(
            a=pairs(field(resource, "attributes")),
            da=integer(field(resource, "droppedAttributesCount")),
            er=[entity_ref(each) for each in field(resource, "entityRefs") or []],
        )
    return content(r=resource, u=text(field(group, "schemaUrl")))


def entity_ref(message):
    return content(
        d=texts(field(message, "descriptionKeys")),
        i=texts(field(message, "idKeys")),
        t=text(field(message, "type")),
        u=text(field(message, "schemaUrl")),
    )


def scope_group(group):
    scope = field(group, "scope")
    if scope is not None:
        scope = content(
            a=pairs(field(scope, "attributes")),
            da=integer(field(scope, "droppedAttributesCount")),
            n=text(field(scope, "name")),
            v=text(field(scope, "version")),
        )
    return content(s=scope, u=text(field(group, "schemaUrl")))


# --- Selection --------------------------------------------------------------------------------------------------------


def carries(attributes, path):
    """As a key itself, or addressed through maps: "a.b" is key "b" of map "a"."""
    for key_value in attributes or []:
        key = field(key_value, "key") or ""
        if key == path:
            return True
        inner = field(field(key_value, "value") or {}, "kvlistValue")
        if inner is not None and path.startswith(key + ".") and carries(field(inner, "values"), path[len(key) + 1 :]):
            return True
    return False


def is_audit(message):
    if carries(field(message, "attributes"), "audit.action"):
        return True
    body = field(field(message, "body") or {}, "kvlistValue")
    return body is not None and carries(field(body, "values"), "audit.action")


# --- record.md §3 and §6: leaves --------------------------------------------------------------------------------------


def records(request, signal, keeps):
    """(kind, o, re, sc, sp) of each record, in the order in which the request is stored."""
    resources, scopes, items = {
        "traces": ("resourceSpans", "scopeSpans", "spans"),
        "logs": ("resourceLogs", "scopeLogs", "logRecords"),
    }[signal]
    for group in field(request, resources) or []:
        for scope in field(group, scopes) or []:
            groups = resource_group(group), scope_group(scope)
            for item in field(scope, items) or []:
                if keeps(item):
                    yield ("span", span(item), *groups, None) if signal == "traces" else ("log", log(item), *groups, None)
                for index, each in enumerate(field(item, "events") or [] if signal == "traces" else []):
                    if keeps(each):
                        yield ("span_event", {**event(each), "ix": index}, *groups, event_span(item))


def beside(value):
    text = canonical(value).encode()
    return [base64_text(hashlib.sha256(text).digest()), len(text)]


def leaf(record, salt, receipt):
    kind, o, re_, sc, sp = record
    out = {"k": kind, "n": salt, "o": o, "r": receipt, "v": 1}
    for name, group in (("re", re_), ("sc", sc)):
        if group:
            out[name] = beside(group) if len(canonical(group).encode()) > INLINE_GROUP_BYTES_MAX else group
    if sp is not None:
        out["sp"] = sp
    for name in ("o", "sp"):
        if name in out and len(canonical(out).encode()) > LEAF_BYTES_MAX:
            out[name] = beside(out[name])
    return canonical(out)


def exported(path):
    """Salt, receipt and text of the leaves of a file that are not the store's own."""
    with open(path, encoding="utf-8", newline="\n") as lines:
        for line in lines:
            line = line.removesuffix("\n")
            parsed = json.loads(line)
            if parsed["k"] not in ("self", "seal"):
                yield parsed["n"], parsed["r"], line


def main():
    parser = argparse.ArgumentParser(description="derive the leaves of an OTLP/JSON request again")
    parser.add_argument("--signal", choices=("traces", "logs"), required=True)
    parser.add_argument("--all", action="store_true", help="keep everything, not what carries audit.action alone")
    parser.add_argument("--like", metavar="EXPORT", help="take salts and receipts from these leaves, and compare")
    parser.add_argument("--redaction", metavar="RULES", help="mark what these rules call a secret")
    parser.add_argument("request")
    arguments = parser.parse_args()
    if arguments.redaction:
        global RULES
        RULES = redaction.Redaction(*redaction.load(arguments.redaction))

    with open(arguments.request, encoding="utf-8") as file:
        request = json.load(file)
    wanted = list(exported(arguments.like)) if arguments.like else None
    found = list(records(request, arguments.signal, (lambda _: True) if arguments.all else is_audit))
    if wanted is not None and len(wanted) != len(found):
        sys.exit(f"{len(found)} records derived, {len(wanted)} exported")
    no_salt = base64_text(bytes(16))
    for number, record in enumerate(found):
        salt, receipt, line = wanted[number] if wanted is not None else (no_salt, {"a": "0"}, None)
        made = leaf(record, salt, receipt)
        print(made)
        if line is not None and made != line:
            sys.exit(f"record {number} of the request differs; exported:\n{line}")


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    main()
