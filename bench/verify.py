"""`sealtrail verify` over a stopped store, from process start to its answer; one core's worth of work.

Peer: SHA-256 alone over the same leaves, in memory (bench_sha256). Check: sound, and as many records as were sent.
"""

from __future__ import annotations

import json
import resource
import subprocess
import time

import otlp_grpc
from harness import Bench, Row, amount, check

MUST = 500_000
SHARE_MUST = 45  # per cent of the hash alone
ROUNDS = 3


def run(bench: Bench) -> None:
    loaded = bench.loaded or otlp_grpc.load(bench)[0]
    best = None
    for _ in range(ROUNDS):
        cpu_before = children_cpu()
        began = time.perf_counter()
        code, report = loaded.store.verify()
        seconds, cpu = time.perf_counter() - began, children_cpu() - cpu_before
        check(code == 0 and report["verdict"] == "sound" and report["damage"] == [], f"verify: {report}")
        check(report["size"] >= loaded.sent["selected"], f"verify saw {report['size']} of {loaded.sent['selected']}")
        if best is None or seconds < best[0]:
            best = (seconds, cpu, report["size"])
    seconds, cpu, size = best
    sha = sha256(bench)
    # A core's rate: where verify uses more than one, by its CPU time.
    rate = size / max(seconds, cpu)
    bench.report(Row(
        "verify from bytes, a core", rate, "records/s", MUST,
        peer=f"SHA-256 alone {amount(sha['leaves_per_second'])} records/s",
        detail=f"{size:,} records, {sha['bytes'] / sha['leaves']:.0f} B a leaf; {seconds:.2f} s, {cpu:.2f} CPU s, "
        f"{sha['bytes'] / seconds / 1e6:.0f} MB/s of leaves",
    ))  # fmt: skip
    bench.report(Row("the same, of the hash alone", 100 * rate / sha["leaves_per_second"], "%", SHARE_MUST))


def children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def sha256(bench: Bench) -> dict:
    """The leaf hashes alone, over exactly the leaves that verify read."""
    store = bench.loaded.store
    export = subprocess.Popen([store.binary, "export", "--data", store.data], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    with export:
        done = subprocess.run([bench.tool("bench_sha256")], stdin=export.stdout, capture_output=True, text=True)
    check(done.returncode == 0 and export.returncode == 0, f"export | bench_sha256: {done.stderr}")
    return json.loads(done.stdout)
