"""OTLP/gRPC end to end: prepared requests to a server with its index paused, until the last one is answered.

Peer: the same requests to a server that throws them away (bench_null_server). Check: every request answered OK,
stored equals sent by the server's own count and by the records in the folder, and the ledger verifies.
"""

from __future__ import annotations

import json
import subprocess

from harness import Bench, Loaded, Row, amount, check, cpu_seconds, generate, peak_memory
from store import Store

BATCH = 1000
MUST = 200_000
MEMORY_MUST_MIB = 1024
BYTES_MUST = 100  # of the ledger, a record
INDEX_PAUSED = {"index": {"paused": True}}


def rate(sent: dict) -> float:
    return sent["send"]["ok_selected"] / sent["send"]["seconds"]


def load(bench: Bench) -> tuple[Loaded, dict]:
    """Sends the stream to a fresh server and stops it; returns what is in the folder and what it cost."""
    folder = bench.new_folder("otlp_grpc")
    hits = folder / "hits"
    store = Store(folder / "data", INDEX_PAUSED).start()
    try:
        with peak_memory(store.pid) as peak:
            sent = generate(bench, "--records", bench.records, "--batch", BATCH, "--hits", hits,
                            "--send", store.ready["otlp_grpc"])  # fmt: skip
        cost = {
            "memory": peak[0],
            "cpu": cpu_seconds(store.pid),
            "stored": store.metric("sealtrail_source_units_total", result="stored"),
            "syncs": store.metric("sealtrail_ledger_syncs_total"),
        }
        check(store.stop() == 0, f"serve ended badly:\n{store.stderr()}")
    finally:
        store.close()
    check(sent["send"]["ok_selected"] == sent["selected"], f"not every request was answered OK: {sent['send']}")
    check(cost["stored"] == sent["selected"], f"sent {sent['selected']}, and the server counts {cost['stored']:.0f} stored")
    bench.loaded = Loaded(store, sent, [int(line) for line in hits.read_text().split()])
    return bench.loaded, cost


def null_rate(bench: Bench) -> float:
    with subprocess.Popen([bench.tool("bench_null_server")], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        target = json.loads(server.stdout.readline())["otlp_grpc"]
        sent = generate(bench, "--records", min(bench.records, 200_000), "--batch", BATCH, "--send", target)
        server.stdin.close()
        server.wait()
    return rate(sent)


def segment_bytes(store: Store) -> int:
    return sum(path.stat().st_size for path in (store.data / "segments").iterdir())


def sealed_bytes_a_record(store: Store) -> float | None:
    """What is kept for good of a record: sealed segments, manifests, tiles. None where nothing was sealed yet."""
    segments = store.data / "segments"
    records = int(next(segments.glob("*.log")).stem)
    kept = [*segments.glob("*.seg"), *segments.glob("*.manifest"), *(store.data / "tiles").iterdir()]
    return sum(path.stat().st_size for path in kept) / records if records else None


def run(bench: Bench) -> None:
    peer = null_rate(bench)
    loaded, cost = load(bench)
    sent = loaded.sent
    code, report = loaded.store.verify()
    own = report["size"] - sent["selected"]
    check(code == 0 and report["verdict"] == "sound", f"verify: {report}")
    check(0 < own < 100, f"sent {sent['selected']}, and the ledger holds {report['size']}")
    seconds = sent["send"]["seconds"]
    bench.report(Row(
        "OTLP/gRPC to durable, index paused", rate(sent), "records/s", MUST,
        peer=f"{amount(peer)} records/s thrown away by an empty server",
        detail=f"{sent['selected']:,} records of {sent['bytes'] / sent['units']:.0f} B protobuf in {sent['requests']:,} requests, "
        f"{sent['trace_ids']:,} trace ids; {seconds:.1f} s, {cost['syncs']:,.0f} syncs, "
        f"p50 {sent['send']['p50_ms']:.1f} ms, p99 {sent['send']['p99_ms']:.1f} ms, {sent['send']['retries']} retries; "
        f"{cost['cpu'] / sent['selected'] * 1e6:.1f} CPU s a million, {segment_bytes(loaded.store) / report['size']:.0f} B on disk a record",
    ))  # fmt: skip
    bench.report(Row("memory of the server meanwhile, peak", cost["memory"], "MiB", MEMORY_MUST_MIB, less_is_better=True))
    if kept := sealed_bytes_a_record(loaded.store):
        bench.report(Row("the ledger, sealed, a record", kept, "B", BYTES_MUST, less_is_better=True,
                         detail="sealed segments, manifests and tiles"))  # fmt: skip
