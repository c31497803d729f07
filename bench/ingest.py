"""In process, requests in memory to durable: bench_ingest, a C++ program, measures and checks itself.

It prints one JSON object: records, seconds, records_per_second, leaf_bytes, syncs, trace_ids, peer, detail.
"""

from __future__ import annotations

import json
import subprocess

from harness import Bench, Row, check

MUST = 300_000


def run(bench: Bench) -> None:
    folder = bench.new_folder("ingest")
    command = [bench.tool("bench_ingest"), "--data", folder / "data", "--records", bench.records, "--seed", bench.seed]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    check(done.returncode == 0, f"bench_ingest: {done.stdout}{done.stderr}")
    result = json.loads(done.stdout)
    check(result["records"] == bench.records, f"asked for {bench.records} records, stored {result['records']}")
    bench.report(Row("requests in memory to durable, in process", result["records_per_second"], "records/s", MUST,
                     peer=result["peer"], detail=result["detail"]))  # fmt: skip
