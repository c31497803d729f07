"""kill -9 under load: every acknowledged record is there after the restart, and the ledger is sound.

Four kills in an ordinary run, twenty in a long one (SEALTRAIL_SOAK=1), into one folder. kill -9 keeps the page cache:
that an acknowledgement waits for the sync is proved by the simulated power cuts in tests/sim.
"""

from __future__ import annotations

import http.client
import threading
import time

import grpc
import traffic
from audit import check_export
from conftest import soak
from test_anchors import within

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


class Sender(threading.Thread):
    """Sends small and large batches until told to stop or cut off; remembers what was acknowledged."""

    def __init__(self, store, number: int, sizes: list[int]):
        super().__init__(daemon=True)
        self.store, self.number, self.sizes = store, number, sizes
        self.acknowledged: set[str] = set()
        self.sent = 0
        self.stopping = threading.Event()

    def run(self):
        send = self._over_grpc() if self.number % 2 else self._over_http()
        round_ = 0
        while not self.stopping.is_set():
            size = self.sizes[round_ % len(self.sizes)]
            names = [f"sender {self.number} store {self.store.pid} record {self.sent + i}" for i in range(size)]
            self.sent += size
            round_ += 1
            try:
                if not send(traffic.named_spans(names)):
                    return
            except (OSError, http.client.HTTPException, grpc.RpcError):
                return  # cut off: neither acknowledged nor refused
            self.acknowledged.update(names)

    def _over_http(self):
        connection = http.client.HTTPConnection(self.store.ready["otlp_http"], timeout=30)

        def send(body):
            connection.request("POST", "/v1/traces", body, {"Content-Type": traffic.PROTOBUF})
            return traffic.Answer(connection.getresponse()).status == 200

        return send

    def _over_grpc(self):
        channel = grpc.insecure_channel(self.store.ready["otlp_grpc"])
        call = channel.unary_unary(EXPORT)

        def send(body):
            call(body, timeout=30)
            return True

        return send


def names_in(store) -> list[str]:
    """The name of every span, in pages below the limit of an answer."""
    names, page = [], 500_000
    while True:
        sql = f"SELECT name FROM audit_spans ORDER BY seq LIMIT {page} OFFSET {len(names)}"
        rows = store.query(sql)
        names += [row["name"] for row in rows]
        if len(rows) < page:
            return names


def test_kill_under_load_loses_nothing_acknowledged(make_store, rng):
    kills = 20 if soak() else 4
    store = make_store()
    acknowledged: set[str] = set()
    for kill in range(kills):
        senders = [Sender(store, i, [rng.choice([1, 3, 50, 400]) for _ in range(7)]) for i in range(6)]
        for sender in senders:
            sender.start()
        time.sleep(rng.uniform(0.1, 1.2))
        within(60, lambda: any(sender.acknowledged for sender in senders))
        store.kill9()
        for sender in senders:
            sender.join()
            acknowledged |= sender.acknowledged

        store.start()
        names = names_in(store)
        lost = acknowledged - set(names)
        assert not lost, f"kill {kill}: {len(lost)} acknowledged records are gone, such as {min(lost)}"
        assert len(names) == len(set(names)), f"kill {kill}: records stand twice"

    assert store.stop() == 0
    code, report = store.verify()
    assert (code, report["verdict"], report["damage"]) == (0, "sound", [])
    check_export(store, report)


def test_an_orderly_stop_and_start_keep_everything(make_store):
    store = make_store()
    for round_ in range(3):
        assert traffic.post(store, traffic.named_spans([f"round {round_} record {i}" for i in range(10)])).status == 200
        store.restart()
    assert len(store.query("SELECT seq FROM audit_spans")) == 30
    assert store.stop() == 0
    code, report = store.verify()
    assert (code, report["verdict"]) == (0, "sound")
    assert report["checkpoint_size"] == report["size"], "the last checkpoint covers every record"
    check_export(store, report)
