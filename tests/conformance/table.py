#!/usr/bin/env python3
"""Writes into docs/conformance.md how Sealtrail and the Collector differ from what the suite expects, from expected/."""

from __future__ import annotations

import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import run  # noqa: E402
from suite import CASES  # noqa: E402

DOCUMENT = HERE.parents[1] / "docs/conformance.md"
BEGIN, END = "<!-- made by tests/conformance/table.py -->", "<!-- end -->"


def rows() -> str:
    tables = [run.load_expected(str(HERE / "expected" / name)) for name in ("sealtrail.json", "collector.json")]
    version = json.loads((HERE / "expected/collector.json").read_text())["receiver"].split()[-1]
    out = [f"{len(CASES)} cases.\n", f"| case | Sealtrail | Collector {version} | expected | source, level | why |", "|---|---|---|---|---|---|"]
    for case in CASES:
        entries = [table.get(case.id) for table in tables]
        if not any(entries):
            continue
        observed = [entry["observed"] + (", or as expected" if entry["varies"] else "") if entry else "as expected" for entry in entries]
        whys = [f"{name}: {entry.get('why') or 'awaits ' + entry['awaits'] + '.'}" for name, entry in zip(("Sealtrail", "Collector"), entries) if entry]
        cells = [f"`{case.id}`", *observed, case.expected, f"{case.source}; {case.level}", " ".join(whys)]
        out.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(out)


def rewritten() -> str:
    text = DOCUMENT.read_text()
    before, rest = text.split(BEGIN, 1)
    return f"{before}{BEGIN}\n\n{rows()}\n\n{END}{rest.split(END, 1)[1]}"


if __name__ == "__main__":
    DOCUMENT.write_text(rewritten())
