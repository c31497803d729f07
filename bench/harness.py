"""What every benchmark here shares: the machine, the disk under the data, the server, one table of results.

A benchmark checks its own answer before it reports a figure: `check` ends the run if the store does not hold what
was sent. A figure below its mark does not: the table says so.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/e2e"))
from store import Store, find_binary  # noqa: E402


class WrongAnswer(Exception):
    """A benchmark's own check failed: its figures mean nothing."""


def check(condition: bool, text: str) -> None:
    if not condition:
        raise WrongAnswer(text)


@dataclass
class Row:
    """One line of the table. `must` is the mark; a peer is what the same machine does without us, in this run."""

    name: str
    value: float
    unit: str
    must: float | None = None
    less_is_better: bool = False
    peer: str = ""
    detail: str = ""

    @property
    def met(self) -> bool:
        if self.must is None:
            return True
        return self.value <= self.must if self.less_is_better else self.value >= self.must


@dataclass
class Bench:
    """One run: where its data lies, how large it is, and what it found."""

    folder: Path
    records: int
    seed: int = 1
    rows: list[Row] = field(default_factory=list)
    loaded: "Loaded | None" = None

    def tool(self, name: str) -> Path:
        """A program of bench/, beside the sealtrail binary that is measured."""
        for path in (find_binary().parent / "bench" / name, Path(os.environ.get("SEALTRAIL_BENCH_BIN", "/nowhere")) / name):
            if path.is_file():
                return path
        raise FileNotFoundError(f"no {name} beside {find_binary()}; run `make build`")

    def report(self, row: Row) -> None:
        self.rows.append(row)
        print_row(row)

    def new_folder(self, name: str) -> Path:
        path = self.folder / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        return path


@dataclass
class Loaded:
    """A stopped store that holds one generated stream, and what that stream was."""

    store: Store
    sent: dict  # what bench_generate printed
    hits: list[int]  # times of the role updates, ascending


# --- the machine ----------------------------------------------------------------------------------


def file_system_of(path: Path) -> str:
    """The type of the file system that `path` lies on, such as ext4."""
    best, kind = "", "?"
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        left, _, right = line.partition(" - ")
        mount = left.split()[4].replace("\\040", " ")
        inside = path.is_relative_to(mount)
        if inside and len(mount) >= len(best):
            best, kind = mount, right.split()[0]
    return kind


def refuse_memory_disks(path: Path) -> None:
    kind = file_system_of(path.resolve())
    if kind in ("tmpfs", "ramfs"):
        raise SystemExit(f"bench: {path} lies on {kind}, where a sync costs nothing; name a disk with --folder")


def sync_median_ms(folder: Path, bytes_each: int = 64 * 1024, rounds: int = 200) -> float:
    """Median of one append and fdatasync on the idle disk."""
    return statistics.median(sync_times_ms(folder, bytes_each, rounds))


def sync_times_ms(folder: Path, bytes_each: int, rounds: int, pause_s: float = 0) -> list[float]:
    """Of an append and fdatasync each, one after the other or with a pause before each."""
    times = []
    path = folder / "sync-probe"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        block = os.urandom(bytes_each)
        for _ in range(rounds):
            time.sleep(pause_s)
            began = time.perf_counter()
            os.write(descriptor, block)
            os.fdatasync(descriptor)
            times.append((time.perf_counter() - began) * 1000)
    finally:
        os.close(descriptor)
        path.unlink()
    return times


def machine(folder: Path) -> str:
    model, flags = "unknown processor", ""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("model name", "Processor"):
            model = value.strip()
        if name.strip() in ("flags", "Features"):
            flags = value
    sha = "SHA extensions" if "sha_ni" in flags or "sha2" in flags else "no SHA extensions"
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{model}, {os.cpu_count()} cores, {sha}, {memory:.0f} GiB; {file_system_of(folder)}, "
        f"64 KiB append + fdatasync {sync_median_ms(folder):.2f} ms (median)"
    )


# --- the server -----------------------------------------------------------------------------------


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mib(pid: int) -> float:
    """Anonymous and shared memory of the process: what it holds itself, page cache left out."""
    total = 0
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(("RssAnon:", "RssShmem:")):
            total += int(line.split()[1])
    return total / 1024


@contextlib.contextmanager
def peak_memory(pid: int):
    """Yields a list whose last entry is the peak so far, sampled every 20 ms."""
    peak, done = [0.0], threading.Event()

    def sample():
        while not done.wait(0.02):
            with contextlib.suppress(OSError):
                peak[0] = max(peak[0], memory_mib(pid))

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()


def generate(bench: Bench, *arguments: object) -> dict:
    """Runs bench_generate and returns what it printed; its failures are ours."""
    command = [bench.tool("bench_generate"), "--seed", bench.seed, *arguments]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    check(done.returncode == 0, f"bench_generate: {done.stdout}{done.stderr}")
    return json.loads(done.stdout)


# --- the table ------------------------------------------------------------------------------------


def amount(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def print_head() -> None:
    print(f"{'what':<46}{'measured':>12} {'unit':<10}{'mark':>12}  {'':<7}{'peer in this run'}")


def print_row(row: Row) -> None:
    mark = "" if row.must is None else ("≤ " if row.less_is_better else "≥ ") + amount(row.must)
    verdict = "" if row.must is None else ("met" if row.met else "MISSED")
    print(f"{row.name:<46}{amount(row.value):>12} {row.unit:<10}{mark:>12}  {verdict:<7}{row.peer}")
    if row.detail:
        print(f"    {row.detail}")
    sys.stdout.flush()
