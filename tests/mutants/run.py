#!/usr/bin/env python3
"""Goal: the tests that say that nothing is lost would notice if something were.
Method: in a copy of the sources, one breakage after the other (mutants.py) is made, the test that must notice it is built and run,
and must fail and say why. Before that, the same tests pass on the copy as it is.

    run.py --check             that each text to replace stands where it must, exactly once; takes no time
    run.py [--only NAME]…      all of it, some minutes; the copy lies in build/mutants, so the next run is quicker

Prints a line for each mutant. SEALTRAIL_SWEEP_POINTS is passed on to the tests.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from mutants import MUTANTS, Mutant

ROOT = Path(__file__).resolve().parents[2]
SCRATCH = ROOT / "build/mutants"
TREE = SCRATCH / "tree"
LEFT_OUT = {"build", ".git", ".venv", "node_modules"}
POINTS = "4000"


def misplaced(root: Path) -> list[str]:
    wrong = []
    for mutant in MUTANTS:
        for edit in mutant.edits:
            count = (root / edit.file).read_text().count(edit.old)
            if count != 1:
                wrong.append(f"{mutant.name}: {edit.file} holds this {count} times, expected once:\n{edit.old}")
    return wrong


def write(path: Path, text: str) -> None:
    """Unless it is the same: an unchanged time is an unchanged build."""
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def copy_tree() -> None:
    """Sources as they are now; what installs them is linked, what was built stays."""
    TREE.mkdir(parents=True, exist_ok=True)
    wanted = set()
    for folder, names, files in os.walk(ROOT):
        here = Path(folder)
        names[:] = [name for name in names if name not in LEFT_OUT]
        for name in files:
            source = here / name
            target = TREE / source.relative_to(ROOT)
            wanted.add(target)
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.exists() or target.read_bytes() != source.read_bytes():
                shutil.copy(source, target)
    for target in list(TREE.rglob("*")):
        inside = target.relative_to(TREE)
        if target.is_file() and not LEFT_OUT & set(inside.parts) and target not in wanted:
            target.unlink()
    for name in (".venv", "third_party/npm/node_modules"):
        link = TREE / name
        if (ROOT / name).exists() and not link.exists():
            link.symlink_to(ROOT / name)


def run(command: list[str], log: Path, **more) -> int:
    with open(log, "wb") as out:
        return subprocess.run(command, cwd=TREE, stdout=out, stderr=subprocess.STDOUT, **more).returncode


def build(targets: set[str], name: str) -> None:
    log = SCRATCH / f"{name.replace(' ', '-')}.build.log"
    command = ["cmake", "--build", "--preset", "release", "-j", str(os.cpu_count()), "--target", *sorted(targets)]
    if run(command, log) != 0:
        raise SystemExit(f"{name}: the build failed, see {log}")


def test(program: str, tests: str, name: str) -> tuple[int, str]:
    log = SCRATCH / f"{name.replace(' ', '-')}.test.log"
    environment = {"SEALTRAIL_SWEEP_POINTS": POINTS, **os.environ}
    code = run([f"build/release/tests/sim/{program}", f"--gtest_filter={tests}"], log, env=environment, timeout=3600)
    return code, log.read_text(errors="replace")


def check_unchanged(chosen: list[Mutant]) -> bool:
    """The tests pass without a mutant, or their failures would mean nothing."""
    good = True
    build({mutant.program for mutant in chosen}, "unchanged")
    for program, tests in sorted({(mutant.program, mutant.tests) for mutant in chosen}):
        began = time.monotonic()
        code, _ = test(program, tests, f"unchanged {program} {tests.replace('*', 'all')}")
        print(f"mutants | unchanged: {program} {tests} | {'passes' if code == 0 else 'FAILS'} | {time.monotonic() - began:.0f} s", flush=True)
        good = good and code == 0
    return good


def check(mutant: Mutant) -> bool:
    before = {edit.file: (TREE / edit.file).read_text() for edit in mutant.edits}
    began = time.monotonic()
    try:
        for edit in mutant.edits:
            path = TREE / edit.file
            write(path, path.read_text().replace(edit.old, edit.new))
        build({mutant.program}, mutant.name)
        code, output = test(mutant.program, mutant.tests, mutant.name)
    finally:
        for file, text in before.items():
            write(TREE / file, text)
    noticed = code != 0 and "[  FAILED  ]" in output and re.search(mutant.says, output) is not None
    verdict = "noticed" if noticed else f"NOT NOTICED (exit {code}, see {SCRATCH})"
    print(f"mutants | {mutant.name}: {mutant.what} | {verdict} by {mutant.program} {mutant.tests} | {time.monotonic() - began:.0f} s", flush=True)
    return noticed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--only", action="append", choices=[mutant.name for mutant in MUTANTS])
    arguments = parser.parse_args()
    wrong = misplaced(ROOT)
    for line in wrong:
        print(line)
    if wrong or arguments.check:
        return 1 if wrong else 0
    chosen = [mutant for mutant in MUTANTS if not arguments.only or mutant.name in arguments.only]
    copy_tree()
    if run(["cmake", "--preset", "release"], SCRATCH / "configure.log") != 0:
        raise SystemExit(f"cmake failed, see {SCRATCH}/configure.log")
    if not check_unchanged(chosen):
        return 1
    missed = [mutant.name for mutant in chosen if not check(mutant)]
    print(f"mutants: {len(chosen) - len(missed)} of {len(chosen)} noticed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
