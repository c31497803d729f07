"""A stock gRPC client that pings its connection between calls, as collectors do behind a balancer, keeps it."""

from __future__ import annotations

import time

import grpc
import traffic

TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
PING_SECONDS = 6  # faster than the 10 s of the fastest client; from the fourth ping on it would be too many


def test_pings_between_calls(store):
    options = [
        ("grpc.keepalive_time_ms", PING_SECONDS * 1000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
    ]
    states = []
    with grpc.insecure_channel(store.ready["otlp_grpc"], options=options) as channel:
        export = channel.unary_unary(TRACES)
        export(traffic.spans(1), timeout=60)
        channel.subscribe(states.append)
        time.sleep(PING_SECONDS * 4.5)
        assert set(states) == {grpc.ChannelConnectivity.READY}, "the connection was given up"
        export(traffic.spans(1), timeout=60)
