"""How long a sender waits for its answer under a steady load: 20,000 records/s as 200 requests/s of 100 from 8 senders.

Peer: one 64 KiB append and fdatasync on the idle disk, in the same run; the mark is five times its median. Said beside it: the
same at the pace of the requests, where the disk has a tail of its own. At least two segments are sealed meanwhile. Check: every request was answered OK, and the ledger verifies; of a whole run, sent when planned.
"""

from __future__ import annotations

from harness import Bench, Row, check, generate, sync_median_ms, sync_times_ms
from store import Store

REQUESTS_PER_SECOND, BATCH, SENDERS = 200, 100, 8
MUST_SYNCS = 5
SEGMENT_BYTES = 128 * 1024 * 1024


def run(bench: Bench) -> None:
    folder = bench.new_folder("ack")
    idle_ms = sync_median_ms(folder)
    paced = sorted(sync_times_ms(folder, 64 * 1024, max(100, bench.records // 1000), 1 / REQUESTS_PER_SECOND))
    paced_p99_ms = paced[len(paced) * 99 // 100]
    store = Store(folder / "data", {"segment": {"bytes_max": SEGMENT_BYTES}}).start()
    try:
        sent = generate(bench, "--records", bench.records // 2, "--batch", BATCH, "--rate", REQUESTS_PER_SECOND,
                        "--connections", SENDERS, "--in-flight", 8, "--send", store.ready["otlp_grpc"])  # fmt: skip
        sealed = store.metric("sealtrail_ledger_segments_sealed_total")
        check(store.stop() == 0, f"serve ended badly:\n{store.stderr()}")
    finally:
        store.close()
    report = sent["send"]
    check(report["ok_selected"] == sent["selected"], f"not every request was answered OK: {report}")
    code, found = store.verify()
    check(code == 0 and found["verdict"] == "sound", f"verify: {found}")
    rate = report["ok_units"] / report["seconds"]
    bench.report(Row(
        "acknowledgement under a steady load, p99", report["p99_ms"], "ms", MUST_SYNCS * idle_ms, less_is_better=True,
        peer=f"64 KiB append + fdatasync on the idle disk {idle_ms:.2f} ms (median): p99 is {report['p99_ms'] / idle_ms:.1f} times that; "
        f"at this pace {paced[len(paced) // 2]:.2f} ms, p99 {paced_p99_ms:.2f}",
        detail=f"{rate:,.0f} records/s in requests of {BATCH} for {report['seconds']:.0f} s, index on, {sealed:.0f} segments sealed; "
        f"p50 {report['p50_ms']:.2f} ms, max {report['max_ms']:.1f} ms",
    ))  # fmt: skip
    if bench.records >= 1_000_000:  # of little data it is a matter of the machine alone, and the figure means nothing
        check(report["late_p99_ms"] < 20, f"the senders could not keep their pace: {report}")
        check(sealed >= 2, f"{sealed:.0f} segments were sealed, two at least are meant to be")
