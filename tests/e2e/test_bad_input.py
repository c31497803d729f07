"""Input that must be met with grace: refused with the right answer, counted, and nobody else is harmed."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
import traffic
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

MIB = 1024 * 1024
TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
LOGS = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"


def call(store, body: bytes, method: str = TRACES, timeout: float = 60):
    """One gRPC request; returns code, details and trailers."""
    options = [("grpc.max_send_message_length", -1), ("grpc.enable_retries", 0)]
    with grpc.insecure_channel(store.ready["otlp_grpc"], options=options) as channel:
        try:
            answer, done = channel.unary_unary(method).with_call(body, timeout=timeout)
            return done.code(), answer, dict(done.trailing_metadata() or ())
        except grpc.RpcError as error:
            return error.code(), error.details(), dict(error.trailing_metadata() or ())


def stored(store) -> int:
    return store.query("SELECT count(*) AS n FROM audit_events")[0]["n"]


def still_serves(store):
    """Whatever came before, the next well-formed request of either kind is stored."""
    before = stored(store)
    assert traffic.post(store, traffic.spans(1)).status == 200
    assert call(store, traffic.spans(1))[0] == grpc.StatusCode.OK
    assert stored(store) == before + 2


# --- protobuf by hand, for what generated classes do not let through ------------------------------


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out) + bytes([value])


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def request_with(span: bytes) -> bytes:
    return field(1, field(2, field(2, span)))


def attribute(key: bytes, value: bytes) -> bytes:
    return field(9, field(1, key) + field(2, value))


AUDITED = attribute(b"audit.action", field(1, b"exercise"))
GOOD_IDS = field(1, bytes(range(16))) + field(2, bytes(range(8)))


def nested(depth: int) -> bytes:
    value = field(1, b"core")
    for _ in range(depth):
        value = field(5, field(1, value))  # an array of one value
    return value


def nested_json(depth: int) -> bytes:
    value = '{"arrayValue":{"values":[' * depth + '{"stringValue":"core"}' + "]}}" * depth
    span = '{"attributes":[{"key":"audit.action","value":{"stringValue":"x"}},{"key":"deep","value":' + value + "}]}"
    return ('{"resourceSpans":[{"scopeSpans":[{"spans":[' + span + "]}]}]}").encode()


# Name, body, content type: bytes that are no such request, in one way each.
UNDECODABLE = [
    ("truncated", traffic.spans(10)[:-7], traffic.PROTOBUF),
    ("one byte", b"\x0a", traffic.PROTOBUF),
    ("text", b"hello, this is no protobuf", traffic.PROTOBUF),
    ("random", bytes(i * 37 % 251 for i in range(3000)), traffic.PROTOBUF),
    ("trace id of 15 bytes", request_with(field(1, bytes(15)) + AUDITED), traffic.PROTOBUF),
    ("trace id of 17 bytes", request_with(field(1, bytes(17)) + AUDITED), traffic.PROTOBUF),
    ("trace id of 8 bytes", request_with(field(1, bytes(8)) + AUDITED), traffic.PROTOBUF),
    ("span id of 7 bytes", request_with(field(2, bytes(7)) + AUDITED), traffic.PROTOBUF),
    ("span id of 16 bytes", request_with(field(2, bytes(16)) + AUDITED), traffic.PROTOBUF),
    ("parent id of 9 bytes", request_with(field(4, bytes(9)) + AUDITED), traffic.PROTOBUF),
    ("nesting of 200", request_with(AUDITED + attribute(b"deep", nested(200))), traffic.PROTOBUF),
    ("JSON truncated", b'{"resourceSpans":[{"scopeSpans":', traffic.JSON),
    ("JSON of another shape", b'{"resourceSpans": 7}', traffic.JSON),
    ("JSON list", b"[]", traffic.JSON),
    ("JSON no value", b"", traffic.JSON),
    ("JSON id of wrong length", b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"abcd"}]}]}]}', traffic.JSON),
    ("JSON id not hex", b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"spanId":"zzzzzzzzzzzzzzzz"}]}]}]}', traffic.JSON),
    ("JSON nesting of 200", nested_json(200), traffic.JSON),
    ("JSON nesting of 100,000", b"[" * 100_000, traffic.JSON),
]  # fmt: skip


def test_undecodable_requests_are_refused_whole(store):
    for name, body, content_type in UNDECODABLE:
        answer = traffic.post(store, body, content_type=content_type)
        assert answer.status == 400, f"{name}: {answer}"
        assert answer.headers["Content-Type"].startswith(content_type), name
        if content_type == traffic.JSON:
            assert json.loads(answer.body)["message"], name
        else:
            code, details, trailers = call(store, body)
            assert code == grpc.StatusCode.INVALID_ARGUMENT, f"{name}: {code} {details}"
            assert "google.rpc.retryinfo-bin" not in trailers, name
    assert stored(store) == 0
    still_serves(store)


def test_what_is_odd_but_decodable_is_stored(store):
    """Absent ids, nesting of 128, duplicate keys, times of zero: kept, with findings."""
    assert traffic.post(store, request_with(AUDITED)).status == 200
    assert traffic.post(store, request_with(field(1, b"") + field(2, b"") + AUDITED)).status == 200
    # The attribute's own value is the first level.
    assert traffic.post(store, request_with(AUDITED + attribute(b"deep", nested(127)))).status == 200
    twice = attribute(b"k", field(1, b"first")) + attribute(b"k", field(1, b"last"))
    assert traffic.post(store, request_with(AUDITED + twice)).status == 200

    rows = store.query("SELECT attributes, findings, trace_id FROM audit_spans ORDER BY seq")
    assert len(rows) == 4
    assert "no_time" in rows[0]["findings"]
    assert json.loads(rows[2]["attributes"]["deep"])
    assert rows[3]["attributes"]["k"] == "last"
    assert "duplicate_keys" in rows[3]["findings"]


def test_invalid_utf8_is_kept_and_marked(store):
    raw = b"caf\xe9 \xff\xfe"
    body = request_with(GOOD_IDS + AUDITED + attribute(b"place", field(1, raw)) + field(5, b"name \x80"))
    assert traffic.post(store, body).status == 200
    (row,) = store.query("SELECT * FROM audit_spans")
    assert "invalid_utf8" in row["findings"]
    assert row["attributes"]["audit.action"] == "exercise"
    (leaf,) = [leaf for leaf in store.leaves() if leaf["k"] == "span"]
    assert ["place", {"u": "Y2Fm6SD//g=="}] in leaf["o"]["a"]
    assert leaf["o"]["n"] == {"u": "bmFtZSCA"}


def test_empty_requests_succeed(store):
    assert traffic.post(store, b"").body == b""
    assert traffic.post(store, b"").status == 200
    answer = traffic.post(store, b"{}", content_type=traffic.JSON)
    assert (answer.status, answer.body) == (200, b"{}")
    answer = traffic.post(store, b'{"resourceLogs":[]}', "/v1/logs", content_type=traffic.JSON)
    assert (answer.status, answer.body) == (200, b"{}")
    for method in (TRACES, LOGS):
        assert call(store, b"", method)[:2] == (grpc.StatusCode.OK, b"")
    assert stored(store) == 0


# --- HTTP's own errors ----------------------------------------------------------------------------


def test_unknown_paths_name_the_right_ones(store):
    for path in ("/", "/v1/trace", "/v2/traces", "/v1/traces/", "/../etc/passwd"):
        answer = traffic.post(store, traffic.spans(1), path)
        assert answer.status == 404, path
        assert b"/v1/traces" in answer.body and b"/v1/logs" in answer.body, path


def test_methods_media_types_and_encodings(store):
    body = traffic.spans(1)
    answer = traffic.post(store, b"", method="GET", content_type=None)
    assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    for content_type in ("text/plain", "application/grpc", "application/xml", None):
        assert traffic.post(store, body, content_type=content_type).status == 415, content_type
    assert traffic.post(store, body, content_type="application/x-protobuf; charset=utf-8").status == 200
    for encoding in ("br", "snappy", "gzip, gzip", "nonsense"):
        assert traffic.post(store, body, encoding=encoding).status == 415, encoding
    assert traffic.post(store, traffic.gzipped(traffic.spans(1)), encoding="gzip").status == 200
    assert traffic.post(store, traffic.zstd_stored(traffic.spans(1)), encoding="zstd").status == 200
    assert traffic.post(store, traffic.spans(1), encoding="identity").status == 200
    assert stored(store) == 4


def test_broken_gzip(store):
    whole = traffic.gzipped(traffic.spans(100))
    damaged = bytearray(whole)
    damaged[len(whole) // 2] ^= 0x55
    for name, body in (("truncated", whole[:-20]), ("damaged", bytes(damaged)), ("not gzip", b"plain"), ("header only", whole[:10])):
        assert traffic.post(store, body, encoding="gzip").status == 400, name
    assert call(store, whole[:-20])[0] == grpc.StatusCode.INVALID_ARGUMENT
    assert stored(store) == 0
    still_serves(store)


def test_zstd_on_both_ports(store):
    assert traffic.post(store, traffic.zstd_stored(traffic.spans(500)), encoding="zstd").status == 200
    assert call(store, traffic.zstd_stored(traffic.spans(500)))[0] == grpc.StatusCode.OK
    assert stored(store) == 1000
    broken = traffic.zstd_stored(traffic.spans(1))[:-1]
    assert traffic.post(store, broken, encoding="zstd").status == 400
    assert call(store, broken)[0] == grpc.StatusCode.INVALID_ARGUMENT
    still_serves(store)


def test_unknown_grpc_methods(store):
    for method in ("/opentelemetry.proto.collector.metrics.v1.MetricsService/Export", "/a.B/C"):
        assert call(store, b"", method)[0] == grpc.StatusCode.UNIMPLEMENTED
    assert store.metric("sealtrail_unserved_requests_total", signal="metrics") == 1
    assert store.metric("sealtrail_unserved_requests_total", signal="unknown") == 1
    still_serves(store)


# --- size -----------------------------------------------------------------------------------------


def peak_kib(store) -> int:
    """The most memory that the server ever held: VmHWM."""
    with open(f"/proc/{store.pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


def test_oversize_requests(store):
    too_large = bytes(65 * MIB)
    assert traffic.post(store, too_large).status == 413
    code, _, trailers = call(store, too_large)
    assert code == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "google.rpc.retryinfo-bin" not in trailers, "a client must not send it again"
    assert stored(store) == 0
    still_serves(store)


def gzip_of_zeros(mib: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = bytes(MIB)
    return b"".join(packer.compress(block) for _ in range(mib)) + packer.flush()


def zstd_of_zeros(mib: int) -> bytes:
    """RFC 8878 §3.1.1 by hand: a block of one byte, 131,072 times, again and again."""
    block = (131072 << 3 | 1 << 1).to_bytes(3, "little") + b"\0"
    last = (131072 << 3 | 1 << 1 | 1).to_bytes(3, "little") + b"\0"
    return b"\x28\xb5\x2f\xfd" + b"\x00" + bytes([13 << 3]) + block * (mib * 8 - 1) + last


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_bombs_cost_little_memory(store, coding):
    """1 MiB that would inflate to 1 GiB and more, on either port: refused, for less than 80 MiB of memory."""
    still_serves(store)  # so that what every request needs is there
    bomb = gzip_of_zeros(1024) if coding == "gzip" else zstd_of_zeros(32 * 1024)
    assert 0.9 * MIB < len(bomb) < 1.2 * MIB
    before = peak_kib(store)
    assert traffic.post(store, bomb, encoding=coding).status == 413
    code, _, trailers = call(store, bomb)
    assert code == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "google.rpc.retryinfo-bin" not in trailers
    assert peak_kib(store) - before < 80 * 1024
    still_serves(store)


def test_one_large_record_is_kept_whole(store):
    """Over the leaf's 65,535 bytes: the content lies beside, and SQL still has all of it."""
    text = "ä" * 500_000
    assert traffic.post(store, traffic.spans(1, large=text)).status == 200
    (row,) = store.query("SELECT attributes, findings FROM audit_spans")
    assert row["attributes"]["large"] == text
    assert "oversize" in row["findings"]


# --- many clients, and rude ones ------------------------------------------------------------------


def test_a_hundred_parallel_senders(store):
    def send(number):
        bodies = [traffic.spans(10) for _ in range(4)]
        if number % 2:
            return all(traffic.post(store, body).status == 200 for body in bodies)
        return all(call(store, body)[0] == grpc.StatusCode.OK for body in bodies)

    with ThreadPoolExecutor(100) as pool:
        assert all(pool.map(send, range(100)))
    assert stored(store) == 100 * 4 * 10


def test_clients_that_hang_half_way(store):
    """They hold a connection, not the server: others are served, and an orderly stop does not wait for them."""
    host, port = store.ready["otlp_http"].rsplit(":", 1)
    grpc_port = int(store.ready["otlp_grpc"].rsplit(":", 1)[1])
    rude = []
    for start in (
        b"",
        b"POST /v1/tra",
        b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: 1000\r\n\r\nhalf",
        b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\nhalf",
    ):
        for _ in range(5):
            rude.append(socket.create_connection((host, int(port))))
            rude[-1].sendall(start)
    for start in (b"", b"PRI * HTTP/2.0\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + struct.pack(">I", 200)):
        rude.append(socket.create_connection((host, grpc_port)))
        rude[-1].sendall(start)

    still_serves(store)
    gone = socket.create_connection((host, int(port)))
    gone.sendall(b"POST /v1/traces HTTP/1.1\r\nContent-Length: 99\r\n\r\nhalf")
    gone.close()
    still_serves(store)

    began = time.monotonic()
    assert store.stop() == 0
    assert time.monotonic() - began < 25, "for half a body it waits 30 s"
    for connection in rude:
        connection.close()
    assert store.verify()[0] == 0


def test_requests_around_a_stop_are_stored_or_refused(store):
    """What was answered 200 while the server stopped is there afterwards; what was refused says try again."""
    outcomes, lock = [], threading.Lock()

    def send(number):
        for i in range(200):
            name = f"sender {number} record {i}"
            try:
                answer = traffic.post(store, traffic.named_spans([name]))
            except OSError:
                return
            with lock:
                outcomes.append((name, answer.status))
            if answer.status != 200:
                assert answer.status == 503 and int(answer.headers["Retry-After"]) >= 1
                return

    threads = [threading.Thread(target=send, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    assert store.stop() == 0
    for thread in threads:
        thread.join()
    store.start()
    there = {row["name"] for row in store.query("SELECT name FROM audit_spans")}
    assert {name for name, status in outcomes if status == 200} <= there


# --- counting -------------------------------------------------------------------------------------


def test_received_is_stored_and_filtered_and_refused(store):
    """Per source: received = stored + duplicate + filtered + refused."""
    request = ExportTraceServiceRequest()
    request.ParseFromString(traffic.spans(7))
    kept = request.resource_spans[0].scope_spans[0].spans
    kept.add(name="not audited")
    event = kept[0].events.add(name="approved")
    traffic.add_attribute(event.attributes, "audit.action", "approve")
    kept[1].events.add(name="not audited")
    assert traffic.post(store, request.SerializeToString()).status == 200
    assert call(store, traffic.logs(3), LOGS)[0] == grpc.StatusCode.OK
    assert traffic.post(store, b"nonsense").status == 400

    def units(outcome):
        return store.metric("sealtrail_source_units_total", result=outcome)

    assert units("received") == 13
    assert units("stored") == 11
    assert units("filtered") == 2
    assert units("duplicate") + units("refused") == 0
    assert stored(store) == 11
