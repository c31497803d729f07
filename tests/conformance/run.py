#!/usr/bin/env python3
"""Runs the conformance suite for OTLP receivers against any endpoint. See docs/conformance.md.

    tests/conformance/run.py --grpc HOST:PORT --http http://HOST:PORT [--stored CMD] [--limit BYTES] [--header 'Name: value']
                             [--expected FILE] [--record FILE] [--json-report FILE] [--only PREFIX]… [--list]

Exit code 0 if no case failed and, with --expected, each came out as the file says; 1 if one did not; 2 if it could not run.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
import time
import urllib.parse
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import http1  # noqa: E402
import http2  # noqa: E402
import records  # noqa: E402
from suite import CASES, CHOICE, Miss, Target  # noqa: E402

import cases_http  # noqa: E402,F401
import cases_json  # noqa: E402,F401
import cases_values  # noqa: E402,F401
import cases_limits  # noqa: E402,F401
import cases_grpc  # noqa: E402,F401  # fmt: skip

PASS, FAIL, DIFFERS = "pass", "fail", "differs-by-design"
HOW_LONG_STORED_MAY_TAKE = 30  # seconds
NOT_STORED = "not stored"


class Result:
    def __init__(self, case, observed: str, missed: bool, seconds: float):
        self.case = case
        self.observed = observed
        self.missed = missed
        self.seconds = seconds

    @property
    def verdict(self) -> str:
        if not self.missed:
            return PASS
        return DIFFERS if self.case.level == CHOICE else FAIL


# --- running --------------------------------------------------------------------------------------


def run_case(case, target: Target) -> Result:
    target.case = case.id
    began = time.monotonic()
    try:
        observed, missed = case.run(target), False
    except (Miss, http1.NoAnswer, http2.NoAnswer) as miss:
        observed, missed = str(miss), True
    except OSError as error:
        observed, missed = type(error).__name__, True
    return Result(case, observed, missed, time.monotonic() - began)


def place(text: str) -> tuple[str, int]:
    parts = urllib.parse.urlsplit(text if "//" in text else f"//{text}")
    if parts.scheme not in ("", "http"):
        raise argparse.ArgumentTypeError(f"{text}: only http:// is spoken; put TLS in front of it")
    if parts.hostname is None or parts.port is None or parts.path not in ("", "/"):
        raise argparse.ArgumentTypeError(f"{text}: expected HOST:PORT")
    return parts.hostname, parts.port


# --- what was stored ------------------------------------------------------------------------------


def look(command: str) -> dict[str, Counter]:
    """What the command prints, by case: {mark: {record: how often}}."""
    done = subprocess.run(shlex.split(command), capture_output=True, timeout=300)
    if done.returncode != 0:
        sys.exit(f"--stored: exit {done.returncode}: {done.stderr.decode(errors='replace')[-2000:]}")
    found: dict[str, Counter] = {}
    for line in done.stdout.splitlines():
        try:
            request = records.load_json(line)
        except RecursionError:
            continue  # a nesting bomb, of which nothing is compared
        if "resourceSpans" in request or "resourceLogs" in request:
            for record in records.split(request):
                if (mark := records.mark_of(record)) is not None:
                    found.setdefault(mark, Counter())[records.key(record)] += 1
    return found


def wanted_of(result: Result, target: Target) -> Counter | None:
    """The records that the case must have left, None where nothing is said of that."""
    target.case = result.case.id
    if result.case.nothing_stored:
        return Counter()
    if result.case.stored is None:
        return None
    return Counter(records.key(part) for request in result.case.stored(target) for part in records.split(request))


def check_stored(results: list[Result], target: Target, command: str, expected: dict[str, dict]) -> None:
    """Turns what was answered well but stored otherwise into a miss. Receivers write in their own time, so it is looked at
    again until all is there that the table does not name as missing."""
    deadline = time.monotonic() + HOW_LONG_STORED_MAY_TAKE
    open_results = [(result, wanted) for result in results if not result.missed and (wanted := wanted_of(result, target)) is not None]
    while True:
        found = look(command)
        misses = {}
        for result, wanted in open_results:
            there = found.get(f"{target.run}/{result.case.id}", Counter())
            if there != wanted:
                misses[result] = difference(wanted, there)
        known = {name for name, entry in expected.items() if entry["observed"].endswith(NOT_STORED)}
        waiting = any(text == NOT_STORED and result.case.id not in known for result, text in misses.items())
        if not waiting or time.monotonic() > deadline:
            break
        time.sleep(1)
    for result, text in misses.items():
        result.observed, result.missed = f"{result.observed}; {text}", True


def difference(wanted: Counter, there: Counter) -> str:
    if not wanted:
        return f"stored, {there.total()} records"
    if not there:
        return NOT_STORED
    missing, surplus = list((wanted - there).elements()), list((there - wanted).elements())
    if not missing or not surplus:
        return f"stored {there.total()} records, sent {wanted.total()}"
    return records.first_difference(missing[0], surplus[0])


# --- the recorded table ---------------------------------------------------------------------------


def record(results: list[Result], path: str) -> None:
    """Rewrites the table to say what was observed. Reasons stay; a case that needs one gets "?"."""
    place = Path(path)
    table = json.loads(place.read_text()) if place.exists() else {"receiver": "", "reasons": {}, "cases": {}}
    before = table["cases"]
    table["cases"] = {r.case.id: [r.observed, *before.get(r.case.id, ["", "?"])[1:]] for r in results if r.missed}
    rows = ",\n".join(f"  {json.dumps(name)}: {json.dumps(row, ensure_ascii=False)}" for name, row in table.pop("cases").items())
    head = json.dumps(table, indent=1, ensure_ascii=False).removesuffix("\n}")
    place.write_text(f'{head},\n "cases": {{\n{rows}\n }}\n}}\n')


def load_expected(path: str) -> dict[str, dict]:
    """By case: `observed`, and either `why`, the reason that the file gives, or `awaits`, what is not built yet; `varies` where the
    case may pass all the same."""
    table = json.loads(Path(path).read_text())
    out = {}
    for name, (observed, reason, *more) in table["cases"].items():
        kind = "awaits" if reason in table.get("awaited", {}) else "why"
        out[name] = {"observed": observed, kind: table.get("awaited", {}).get(reason) or table["reasons"][reason], "varies": "varies" in more}
    return out


def against(results: list[Result], expected: dict[str, dict], whole: bool) -> list[str]:
    """Where the run and the recorded table part. A case that the table does not name must pass."""
    lines = []
    known = {result.case.id for result in results}
    for result in results:
        entry = expected.get(result.case.id)
        if entry is None:
            if result.missed:
                lines.append(f"{result.case.id}: {result.observed}; expected: {result.case.expected}")
        elif not result.missed:
            if entry.get("varies"):
                continue
            lines.append(f"{result.case.id}: passes now ({result.observed}); the table says: {entry['observed']}")
        elif result.observed != entry["observed"]:
            lines.append(f"{result.case.id}: {result.observed}; the table says: {entry['observed']}")
    if whole:
        lines += [f"{name}: no such case" for name in sorted(set(expected) - known)]
    return lines


def final_verdict(result: Result, expected: dict[str, dict]) -> str:
    entry = expected.get(result.case.id)
    return DIFFERS if result.missed and entry and "why" in entry and result.observed == entry["observed"] else result.verdict


# --- the command ----------------------------------------------------------------------------------


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--grpc", type=place, metavar="HOST:PORT")
    parser.add_argument("--http", type=place, metavar="URL")
    parser.add_argument("--stored", metavar="CMD", help="a command that prints all stored spans and logs as lines of OTLP/JSON")
    parser.add_argument("--limit", type=int, default=64 << 20, metavar="BYTES", help="of a request (default 64 MiB); 0 leaves its cases out")
    parser.add_argument("--header", action="append", default=[], metavar="'Name: value'", help="with every request")
    parser.add_argument("--timeout", type=float, default=120, metavar="SECONDS", help="for one exchange (default 120)")
    parser.add_argument("--expected", metavar="FILE", help="how this receiver is known to answer where it differs")
    parser.add_argument("--record", metavar="FILE", help="write what differs to such a file; reasons are for people to fill in")
    parser.add_argument("--json-report", metavar="FILE")
    parser.add_argument("--only", action="append", default=[], metavar="PREFIX", help="of case ids")
    parser.add_argument("--list", action="store_true", help="list the cases and end")
    return parser.parse_args()


def main() -> int:
    args = arguments()
    chosen = [case for case in CASES if not args.only or any(case.id.startswith(prefix) for prefix in args.only)]
    if not args.limit:
        chosen = [case for case in chosen if not case.id.startswith("limit.")]
    if args.list:
        for case in chosen:
            print(f"{case.id}\t{case.level}\t{case.source}\t{case.sent}\t{case.expected}")
        return 0
    if not args.grpc or not args.http:
        print("--grpc and --http are needed", file=sys.stderr)
        return 2
    headers = [(name.strip(), value.strip()) for name, _, value in (text.partition(":") for text in args.header)]
    target = Target(args.grpc, args.http, args.limit, args.timeout, headers)
    expected = load_expected(args.expected) if args.expected else {}
    try:
        target.still_serves()
    except (Miss, OSError, http1.NoAnswer, http2.NoAnswer) as error:
        print(f"the receiver does not take empty requests: {error}", file=sys.stderr)
        return 2

    results = [run_case(case, target) for case in chosen]
    if args.stored:
        check_stored(results, target, args.stored, expected)

    if args.record:
        record(results, args.record)

    verdicts = Counter()
    for result in results:
        verdict = final_verdict(result, expected)
        verdicts[verdict] += 1
        if verdict != PASS:
            entry = expected.get(result.case.id, {})
            why = entry.get("why") or (f"awaits {entry['awaits']}" if "awaits" in entry else "")
            print(f"{verdict:17} {result.case.id}  [{result.case.level}] {result.case.source}\n    sent:     {result.case.sent}\n"
                  f"    expected: {result.case.expected}\n    observed: {result.observed}" + (f"\n    why:      {why}" if why else ""))  # fmt: skip
    if args.json_report:
        report = {"verdicts": dict(verdicts), "stored_checked": bool(args.stored), "cases": [
            {"id": r.case.id, "level": r.case.level, "source": r.case.source, "sent": r.case.sent, "expected": r.case.expected,
             "observed": r.observed, "verdict": final_verdict(r, expected), "seconds": round(r.seconds, 3)} for r in results]}  # fmt: skip
        Path(args.json_report).write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    print(f"{len(results)} cases: " + ", ".join(f"{verdicts[name]} {name}" for name in (PASS, FAIL, DIFFERS)))

    if args.expected:
        deviations = against(results, expected, whole=not args.only and bool(args.limit))
        for line in deviations:
            print(f"not as recorded: {line}")
        return 1 if deviations else 0
    return 1 if verdicts[FAIL] else 0


if __name__ == "__main__":
    sys.exit(main())
