"""A proof of inclusion, in process: bench_proof, a C++ program, measures and checks itself.

It prints one JSON object: records, median_us, p99_us, peer, detail.
"""

from __future__ import annotations

import json
import subprocess

from harness import Bench, Row, check

MUST_MS = 1.0


def run(bench: Bench) -> None:
    folder = bench.new_folder("proof")
    command = [bench.tool("bench_proof"), "--data", folder / "data", "--records", bench.records, "--seed", bench.seed]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    check(done.returncode == 0, f"bench_proof: {done.stdout}{done.stderr}")
    result = json.loads(done.stdout)
    bench.report(Row("a proof of inclusion, checked, 99 % of them", result["p99_us"] / 1000, "ms", MUST_MS, less_is_better=True,
                     peer=result["peer"], detail=result["detail"]))  # fmt: skip
