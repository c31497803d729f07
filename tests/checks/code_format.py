"""Format: clang-format decides, so nobody has to. A missing clang-format-16 is a failure."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from common import Violation, files

FOLDERS = ("src", "tests", "bench", "fuzz")
TOOL = "clang-format-16"
_BATCH = 16
_REPORT = re.compile(r"^(.+?):(\d+):\d+: error: .*\[-Wclang-format-violations\]$", re.MULTILINE)


def check(root: Path) -> list[Violation]:
    if not (root / ".clang-format").is_file():
        return [Violation(".clang-format", 0, "missing")]
    if not shutil.which(TOOL):
        return [Violation(".clang-format", 0, f"{TOOL} is not installed; run scripts/setup")]
    paths = files(root, FOLDERS, (".h", ".cc"))
    batches = [paths[i : i + _BATCH] for i in range(0, len(paths), _BATCH)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return sorted(v for found in pool.map(lambda batch: _format(root, batch), batches) for v in found)


def _format(root: Path, batch: list[Path]) -> list[Violation]:
    command = [TOOL, "--dry-run", "-Werror", "--style=file", *map(str, batch)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root)
    first: dict[str, Violation] = {}  # one a file: the cure is the same for all
    for name, line in _REPORT.findall(done.stderr):
        place = Path(name).relative_to(root).as_posix()
        first.setdefault(place, Violation(place, int(line), f"not formatted; run {TOOL} -i {place}"))
    if done.returncode != 0 and not first:
        return [Violation(".clang-format", 0, f"{TOOL} failed: {done.stderr.strip()[:500]}")]
    return list(first.values())
