"""A ledger of each format version that was ever shipped, frozen: it verifies, answers, and goes on, for ever.

tests/golden/<version>/<what>/ holds `data` (the folder), `expected.json` (what it said of itself when it was made), and
what a verifier holds besides: `policy`, `tsa.pem`. make.py makes one; none is ever made again.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from store import Store

HERE = Path(__file__).resolve().parent
GOLDEN = sorted(path.parent for path in HERE.glob("*/*/expected.json"))


@pytest.fixture(params=GOLDEN, ids=lambda path: "/".join(path.parts[-2:]))
def golden(request) -> Path:
    return request.param


def expected(golden: Path) -> dict:
    return json.loads((golden / "expected.json").read_text())


def trusted(golden: Path) -> list[str]:
    """What a verifier of this ledger holds besides its bytes."""
    if not (golden / "policy").exists():
        return ["--vkey", expected(golden)["vkey"]]
    return ["--policy", str(golden / "policy"), "--tsa-ca", str(golden / "tsa.pem")]


@pytest.fixture
def copy(golden, tmp_path):
    """A store over a copy of the folder, as a server would have it: files that others may not read."""
    shutil.copytree(golden / "data", tmp_path / "data")
    for path in (tmp_path / "data").rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
    store = Store(tmp_path / "data")
    yield store
    store.close()


def test_there_is_one_of_each_format():
    assert {path.parent.name for path in GOLDEN} == {"format-1"}


def test_it_verifies(golden):
    code, report = Store(golden / "data").verify(golden / "data", *trusted(golden))
    said = {key: report[key] for key in ("verdict", "size", "root", "chain", "checkpoint_size", "verdicts", "damage")}
    assert (code, said) == (0, expected(golden)["verify"]), report


def test_the_leaves_are_the_same(golden, copy):
    last = expected(golden)["verify"]["size"] - 1
    exported = copy.export("--to", last)
    assert hashlib.sha256(exported).hexdigest() == expected(golden)["leaves_sha256"]


def test_it_answers_and_goes_on(golden, copy):
    copy.start()
    size = expected(golden)["verify"]["size"]
    assert copy.query(f"SELECT kind, count(*) AS n FROM audit_events WHERE seq < {size} GROUP BY kind ORDER BY kind") == expected(golden)["kinds"]
    assert copy.stop() == 0
    code, report = copy.verify(copy.data, "--vkey", expected(golden)["vkey"])
    assert code == 0 and report["verdict"] == "sound" and report["size"] > size, report
