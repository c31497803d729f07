"""The suite against Sealtrail, and against a stock Collector as control: each must come out as its table in expected/ says.

A case that the table does not name must pass; one that it names must not, and must be answered as it says. So what is cured
must leave the table.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT / "tests/e2e")]
import records  # noqa: E402
import run  # noqa: E402
import table  # noqa: E402
from stock_collector import Collector  # noqa: E402
from store import Store  # noqa: E402
from suite import CASES, CHOICE, MUST, Target  # noqa: E402


def run_suite(grpc: str, http: str, stored: str, expected: str) -> None:
    command = [sys.executable, HERE / "run.py", "--grpc", grpc, "--http", f"http://{http}", "--stored", stored,
               "--expected", HERE / "expected" / expected, "--timeout", "600"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=3000)
    assert done.returncode == 0, done.stdout + done.stderr


def test_sealtrail(tmp_path):
    store = Store(tmp_path / "data").start()
    try:
        stored = shlex.join([sys.executable, str(HERE / "leaves.py"), str(store.binary), str(store.data)])
        run_suite(store.ready["otlp_grpc"], store.ready["otlp_http"], stored, "sealtrail.json")
        assert store.verify()[0] == 0
    finally:
        store.close()


def test_collector(tmp_path):
    with Collector(tmp_path) as collector:
        run_suite(collector.grpc, collector.http, collector.stored, "collector.json")


# --- the suite itself -----------------------------------------------------------------------------


def a_case(level: str):
    return next(case for case in CASES if case.level == level)


def test_a_deviation_from_the_table_is_noticed():
    case = a_case(MUST)
    passed, missed = run.Result(case, "good", False, 0), run.Result(case, "odd", True, 0)
    known = {case.id: {"observed": "odd", "why": "known"}}
    assert run.against([passed], {}, True) == [] and run.against([missed], known, True) == []
    varies = {case.id: known[case.id] | {"varies": True}}
    assert run.against([passed], varies, True) == [] and run.against([missed], varies, True) == []
    for results, expected in (([missed], {}), ([passed], known), ([missed], {case.id: {"observed": "other", "why": "known"}}),
                              ([passed], {"no.such.case": {"observed": "odd", "why": "known"}})):  # fmt: skip
        assert len(run.against(results, expected, True)) == 1


def test_verdicts():
    must, choice = (run.Result(a_case(level), "odd", True, 0) for level in (MUST, CHOICE))
    assert run.final_verdict(must, {}) == run.FAIL and run.final_verdict(choice, {}) == run.DIFFERS
    assert run.final_verdict(must, {must.case.id: {"observed": "odd", "why": "known"}}) == run.DIFFERS
    assert run.final_verdict(must, {must.case.id: {"observed": "odd", "awaits": "more"}}) == run.FAIL
    assert run.final_verdict(must, {must.case.id: {"observed": "other", "why": "known"}}) == run.FAIL


def test_what_is_stored_otherwise_is_noticed():
    target = Target(("x", 1), ("x", 1), 0, 1, case="a.case")

    def of(request: dict) -> Counter:
        return Counter(records.key(part) for part in records.split(request))

    def span(value: dict) -> Counter:
        return of(target.traces(target.span(attributes=[{"key": "v", "value": value}])))

    wanted = span({"doubleValue": -0.0})
    assert run.difference(wanted, Counter()) == run.NOT_STORED
    assert run.difference(wanted, wanted + wanted) == "stored 2 records, sent 1"
    place = "scope_spans[0].spans[0].attributes[2].value"
    assert run.difference(wanted, span({"doubleValue": 0.0})) == f"{place}.double_value: stored 0.0, sent -0.0"
    assert run.difference(wanted, span({"intValue": "0"})) == f"{place}.int_value: stored"
    assert run.difference(Counter(), wanted) == "stored, 1 records"
    assert run.difference(of(target.logs()), wanted) == "stored as ResourceSpans"
    twice = target.traces(target.span(1), target.span(2))
    assert of(twice).total() == 2, "grouping does not count"


def test_the_document_shows_the_tables():
    assert table.rewritten() == table.DOCUMENT.read_text(), "run tests/conformance/table.py"
