"""The independent recomputation (tests/tools/audit_script.py) held against what the store says of itself."""

from __future__ import annotations

import subprocess
import sys

from store import ROOT

SCRIPT = ROOT / "tests/tools/audit_script.py"


def check_export(store, report: dict) -> None:
    """Root and running hash, recomputed from exported leaves alone, equal those of `verify --json`.

    `report` describes a stopped folder: an export is itself recorded, so ask for the same numbers again.
    """
    leaves = store.export("--to", str(report["size"] - 1))
    assert leaves.count(b"\n") == report["size"]
    origin = (store.data / "trail").read_text().splitlines()[1].removeprefix("origin ")
    done = subprocess.run([sys.executable, SCRIPT, origin], input=leaves, capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr.decode()
    size, root, chain = done.stdout.decode().split()
    assert int(size) == report["size"]
    assert root == report["root"]
    assert chain == report["chain"]
