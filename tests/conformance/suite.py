"""What a case is, and what it gets to work with."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Callable

import http1
import http2
from google.rpc import error_details_pb2, status_pb2

import records

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
PATHS = {"traces": "/v1/traces", "logs": "/v1/logs", "metrics": "/v1/metrics", "profiles": "/v1development/profiles"}
METHODS = {
    "traces": "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    "logs": "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    "metrics": "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    "profiles": "/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export",
}

# How binding the expectation is.
MUST = "must"  # the specification, or one that it builds on, demands it
SHOULD = "should"  # it recommends it
CHOICE = "choice"  # it leaves it open; this is what the suite's authors think right


class Miss(Exception):
    """Something else than expected: says what."""


@dataclass
class Case:
    id: str
    level: str
    source: str  # the paragraph
    sent: str
    expected: str
    run: Callable[["Target"], str]  # returns what was observed, or raises Miss
    stored: Callable[["Target"], list[dict]] | None = None  # requests whose records must be stored
    nothing_stored: bool = False  # no record of this case may be


CASES: list[Case] = []


def case(id: str, level: str, source: str, sent: str, expected: str, *, stored=None, nothing_stored: bool = False):
    """Registers the function below as the case `id`."""

    def register(run):
        assert id not in {known.id for known in CASES}, id
        CASES.append(Case(id, level, source, sent, expected, run, stored, nothing_stored))
        return run

    return register


@dataclass
class Target:
    """The receiver, and the case that is being run."""

    grpc: tuple[str, int]
    http: tuple[str, int]
    limit: int
    timeout: float
    headers: list[tuple[str, str]] = field(default_factory=list)  # with every request, such as Authorization
    run: str = field(default_factory=lambda: secrets.token_hex(4))
    case: str = ""

    # --- payloads -----------------------------------------------------------------------------------

    @property
    def mark(self) -> str:
        return f"{self.run}/{self.case}"

    def id(self, size: int, serial: int = 0) -> str:
        """Of no other record: hex of `size` bytes."""
        return hashlib.sha256(f"{self.mark}#{serial}".encode()).hexdigest()[: 2 * size]

    def marks(self) -> list[dict]:
        return [{"key": records.MARK, "value": {"stringValue": self.mark}}, {"key": "audit.action", "value": {"stringValue": "TEST"}}]

    def span(self, serial: int = 0, **more) -> dict:
        return {"traceId": self.id(16, serial), "spanId": self.id(8, serial), "name": "conformance",
                "startTimeUnixNano": "1764000000000000001", "endTimeUnixNano": "1764000000000000002"} | more | {
                    "attributes": self.marks() + more.get("attributes", [])}  # fmt: skip

    def log(self, serial: int = 0, **more) -> dict:
        return {"timeUnixNano": "1764000000000000001", "observedTimeUnixNano": "1764000000000000002",
                "body": {"stringValue": f"conformance {serial}"}} | more | {
                    "attributes": self.marks() + more.get("attributes", [])}  # fmt: skip

    def traces(self, *spans: dict) -> dict:
        return {"resourceSpans": [{"scopeSpans": [{"spans": list(spans) or [self.span()]}]}]}

    def logs(self, *logs: dict) -> dict:
        return {"resourceLogs": [{"scopeLogs": [{"logRecords": list(logs) or [self.log()]}]}]}

    # --- HTTP ---------------------------------------------------------------------------------------

    def connect(self, timeout: float | None = None) -> http1.Connection:
        return http1.Connection(self.http, timeout or self.timeout)

    def head(self, path: str, headers: list[tuple[str, str]], *, method: str = "POST", version: str = "1.1", host: bool = True) -> bytes:
        lines = [f"{method} {path} HTTP/{version}"]
        if host:
            lines.append(f"Host: {self.http[0]}:{self.http[1]}")
        lines += [f"{name}: {value}" for name, value in [*self.headers, *headers]]
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"

    def post(self, body: bytes, path: str = "/v1/traces", *, media: str | None = PROTOBUF, coding: str | None = None,
             method: str = "POST", headers: list[tuple[str, str]] = (), length: bool = True) -> http1.Answer:  # fmt: skip
        """One request on a connection of its own."""
        fields = [*headers]
        if media is not None:
            fields.append(("Content-Type", media))
        if coding is not None:
            fields.append(("Content-Encoding", coding))
        if length:
            fields.append(("Content-Length", str(len(body))))
        with self.connect() as connection:
            connection.send(self.head(path, fields, method=method) + body)
            return connection.answer(to_head=method == "HEAD")

    def empty(self) -> bytes:
        """A whole request without data."""
        return self.head("/v1/traces", [("Content-Type", PROTOBUF), ("Content-Length", "0")])

    # --- gRPC ---------------------------------------------------------------------------------------

    def dial(self, timeout: float | None = None) -> http2.Connection:
        return http2.Connection(self.grpc, timeout or self.timeout)

    def call(self, message: bytes, signal: str = "traces", *, method: str | None = None, coding: str | None = None,
             compressed: bool | None = None, headers: list[tuple[str, str]] = (), framed: bool = True, **how) -> http2.Reply:  # fmt: skip
        fields = [(name.lower(), value) for name, value in self.headers] + list(headers)
        if coding is not None:
            fields.append(("grpc-encoding", coding))
        flag = coding is not None if compressed is None else compressed
        body = http2.framed(message, compressed=flag) if framed else message
        return http2.call(self.grpc, method or METHODS[signal], body, fields, timeout=self.timeout, **how)

    # --- still there --------------------------------------------------------------------------------

    def still_serves(self) -> None:
        """Whatever came before, the next well-formed request of either kind succeeds."""
        for signal in ("traces", "logs"):
            if (status := self.post(b"", PATHS[signal]).status) != 200:
                raise Miss(f"then an empty request is answered {status}")
        if (code := self.call(b"").code) != "OK":
            raise Miss(f"then an empty call is answered {code}")


# --- what is expected -----------------------------------------------------------------------------


def said(answer: http1.Answer | http2.Reply) -> str:
    """An answer in a few words that are the same every time."""
    if isinstance(answer, http2.Reply):
        if answer.code is None:
            return f"stream reset ({answer.reset})" if answer.reset is not None else f"HTTP {answer.http_status}, no grpc-status"
        return answer.code
    return f"HTTP {answer.status}" + (f" {answer.media_type}" if answer.media_type else "")


def status_of(answer: http1.Answer, media: str) -> status_pb2.Status:
    """The google.rpc.Status in the body, which must be of type `media`."""
    if answer.media_type != media:
        raise Miss(f"{said(answer)}, not {media}")
    if media == PROTOBUF:
        try:
            return status_pb2.Status.FromString(answer.body)
        except Exception as error:
            raise Miss(f"{said(answer)}, a body that is no Status") from error
    try:
        value = json.loads(answer.body)
        if not isinstance(value, dict) or set(value) - {"code", "message", "details"} or isinstance(value.get("code", 0), (str, bool)):
            raise ValueError
        if any("@type" not in detail for detail in value.get("details", [])):
            raise ValueError
        return status_pb2.Status(code=value.get("code", 0), message=value.get("message", ""))
    except (ValueError, TypeError) as error:
        raise Miss(f"{said(answer)}, a body that is no Status") from error


def succeeded(answer: http1.Answer | http2.Reply, media: str = PROTOBUF) -> str:
    """Full success: 200 or OK, and the empty response message."""
    if isinstance(answer, http2.Reply):
        if answer.code != "OK":
            raise Miss(said(answer))
        if answer.data != http2.framed(b""):
            raise Miss(f"OK, message {answer.data[5:].hex() or 'none'}")
        return "OK, 0 bytes"
    if answer.status != 200 or answer.media_type != media:
        raise Miss(said(answer))
    wanted = b"" if media == PROTOBUF else b"{}"
    if answer.body != wanted:
        raise Miss(f"{said(answer)}, body {answer.body[:60].hex() if media == PROTOBUF else answer.body[:60].decode('latin-1')}")
    if answer.header("content-encoding") is not None:
        raise Miss(f"{said(answer)}, compressed unasked")
    return f"{said(answer)}, {'0 bytes' if media == PROTOBUF else '{}'}"


def accepted_as(answer: http1.Answer, media: str) -> str:
    """Any success, in the encoding of the request."""
    if answer.status != 200 or answer.media_type != media:
        raise Miss(said(answer))
    return said(answer)


def accepted(answer: http1.Answer | http2.Reply) -> str:
    """Any success."""
    good = answer.code == "OK" if isinstance(answer, http2.Reply) else answer.status == 200
    if not good:
        raise Miss(said(answer))
    return "OK" if isinstance(answer, http2.Reply) else "HTTP 200"


def refused(answer: http1.Answer, *statuses: int, media: str = PROTOBUF) -> str:
    """One of `statuses`, a Status of the request's encoding that says something, and no word of trying again."""
    if answer.status not in statuses:
        raise Miss(said(answer))
    if not status_of(answer, media).message:
        raise Miss(f"{said(answer)}, a Status without message")
    if answer.header("retry-after") is not None:
        raise Miss(f"{said(answer)}, Retry-After")
    return f"{said(answer)}, Status"


def failed(reply: http2.Reply, *codes: str) -> str:
    """One of `codes`, and no word of trying again."""
    if reply.code not in codes:
        raise Miss(said(reply))
    if retry_delay(reply) is not None:
        raise Miss(f"{reply.code} with RetryInfo")
    return reply.code


def details(reply: http2.Reply) -> status_pb2.Status | None:
    raw = reply.binary("grpc-status-details-bin")
    return None if raw is None else status_pb2.Status.FromString(raw)


def retry_delay(reply: http2.Reply) -> error_details_pb2.RetryInfo | None:
    if (raw := reply.binary("google.rpc.retryinfo-bin")) is not None:
        return error_details_pb2.RetryInfo.FromString(raw)
    for detail in (details(reply) or status_pb2.Status()).details:
        info = error_details_pb2.RetryInfo()
        if detail.Unpack(info):
            return info
    return None
