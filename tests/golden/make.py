#!/usr/bin/env python3
"""Makes the golden ledgers of the format that the binary at hand writes: once, when a format version is shipped.

    tests/golden/make.py tests/golden/format-N

Two folders: `witnessed`, with sealed segments, a growing log, side contents, a key rotation, cosignatures, time stamps; and
`recovered`, which went on from a backup of it as a new epoch. The private keys in them are no secrets.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))
import traffic  # noqa: E402
from store import Store  # noqa: E402
from test_anchors import Authority, Witness, within  # noqa: E402

NOT_KEPT = ("api.sock", "LOCK", "local.token", "index")


def newest(store: Store, ending: str) -> int:
    """The largest tree that a file with this ending in anchors/ is of."""
    return max((int(path.name.split(".")[0]) for path in (store.data / "anchors").glob(f"*{ending}")), default=0)


def witnessed(folder: Path, made: Path) -> Store:
    store = Store(folder / "data", {"origin": "golden.example/format"}).start()
    assert store.stop() == 0
    first = (store.data / "keys/log.vkey").read_text().strip()
    witness = Witness(folder / "witness", first)
    authority = Authority(folder / "tsa")
    policy = folder / "policy"
    policy.write_text(witness.policy(first))
    store.configure({"origin": "golden.example/format", "segment": {"bytes_max": 150_000, "age_max_seconds": 3600},
                     "anchors": {"policy": str(policy), "witness_interval_seconds": 1,
                                 "tsa": [{"url": authority.url, "ca_file": str(authority.folder / "tsa.pem")}]}})  # fmt: skip
    try:
        store.start()
        for turn in range(4):
            assert traffic.post(store, traffic.spans(300, turn=str(turn), note="ünïcödé \"quoted\"")).status == 200
            assert traffic.post(store, traffic.logs(40, turn=str(turn)), "/v1/logs").status == 200
            if turn == 1:
                assert traffic.post(store, traffic.spans(2, large="x" * 70_000)).status == 200
                within(30, lambda: newest(store, ".tsr"))
        within(30, lambda: store.metric("sealtrail_height_sealed") > 300)
        size = json.loads(store.http("GET", "/readyz", token=False))["durable"]
        within(30, lambda: newest(store, ".checkpoint") >= size)
        store.run("keys", "rotate", "--data", store.data)
        assert traffic.post(store, traffic.spans(20, turn="last")).status == 200
        time.sleep(2)
        assert store.stop() == 0
    finally:
        store.close()
        witness.stop()
        authority.server.shutdown()
    shutil.copy(policy, made / "policy")
    shutil.copy(authority.folder / "tsa.pem", made / "tsa.pem")
    return store


def recovered(folder: Path, before: Store) -> Store:
    before.run("backup", "--data", before.data, "--to", folder / "backup")
    store = Store(folder / "recovered")
    store.run("restore", "--from", folder / "backup", "--data", store.data, "--new-epoch")
    store.start()
    assert traffic.post(store, traffic.spans(30, turn="after")).status == 200
    assert store.stop() == 0
    return store


def keep(store: Store, made: Path, *trusted: str) -> None:
    shutil.copytree(store.data, made / "data", ignore=shutil.ignore_patterns(*NOT_KEPT))
    vkey = (made / "data/keys/log.vkey").read_text().strip()
    code, report = store.verify(made / "data", *(trusted or ("--vkey", vkey)))
    assert code == 0 and report["verdicts"]["authorship"] == "pass", report
    kinds = "SELECT kind, count(*) AS n FROM audit_events WHERE seq < {} GROUP BY kind ORDER BY kind"
    leaves = store.export("--to", str(report["size"] - 1))
    expected = {
        "vkey": vkey,
        "verify": {key: report[key] for key in ("verdict", "size", "root", "chain", "checkpoint_size", "verdicts", "damage")},
        "leaves_sha256": hashlib.sha256(leaves).hexdigest(),
        "kinds": store.query(kinds.format(report["size"])),
    }
    (made / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


def main() -> int:
    out = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name in ("witnessed", "recovered"):
            (out / name).mkdir(parents=True)
        first = witnessed(folder, out / "witnessed")
        second = recovered(folder, first)
        keep(first, out / "witnessed", "--policy", str(out / "witnessed/policy"), "--tsa-ca", str(out / "witnessed/tsa.pem"))
        keep(second, out / "recovered")
    print(subprocess.run(["du", "-sh", *out.iterdir()], capture_output=True, text=True, check=True).stdout, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
