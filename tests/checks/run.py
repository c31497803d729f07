#!/usr/bin/env python3
"""Runs the checks: all of them and their self-tests, or those named.

    tests/checks/run.py [--root DIR] [layering | banned-calls | orphan-tests | format | documents | self-test]…

Exit code 0 if nothing was found, 1 if something was; each finding is one line, `file:line: what`.
"""

from __future__ import annotations

import argparse
import sys
import time
import unittest
from pathlib import Path

import banned_calls
import code_format
import documents
import layering
import orphan_tests

HERE = Path(__file__).resolve().parent
CHECKS = {
    "layering": layering.check,
    "banned-calls": banned_calls.check,
    "orphan-tests": orphan_tests.check,
    "format": code_format.check,
    "documents": documents.check,
}
SELF_TEST = "self-test"


def self_test() -> bool:
    suite = unittest.defaultTestLoader.discover(str(HERE), pattern="test_*.py")
    outcome = unittest.TextTestRunner(stream=sys.stdout, verbosity=0).run(suite)
    return outcome.wasSuccessful() and outcome.testsRun > 0


def main() -> int:
    parser = argparse.ArgumentParser(description="Checks of the source tree.")
    parser.add_argument("names", nargs="*", metavar="CHECK", help=", ".join([*CHECKS, SELF_TEST]))
    parser.add_argument("--root", type=Path, default=HERE.parent.parent)
    arguments = parser.parse_args()
    unknown = set(arguments.names) - {*CHECKS, SELF_TEST}
    if unknown:
        parser.error(f"no such check: {', '.join(sorted(unknown))}")

    failed = False
    for name in arguments.names or [SELF_TEST, *CHECKS]:
        if name == SELF_TEST:
            failed |= not self_test()
            continue
        start = time.monotonic()
        found = CHECKS[name](arguments.root.resolve())
        for violation in found:
            print(violation)
        verdict = f"{len(found)} found" if found else "ok"
        print(f"check {name}: {verdict} ({time.monotonic() - start:.1f} s)", flush=True)
        failed |= bool(found)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
