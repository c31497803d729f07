"""Where a fault can strike: every system call that the server made on a path of its data folder, as strace saw it.

A point is (call, path, n): the n-th such call that one thread makes on that path. strace counts per thread, and with -P only
the calls on that path; so a point does not move when other threads, or the loading of libraries, make other calls.
"""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

# All of the calls by which files are made, written, made durable, read, renamed and removed; what the server does not use
# costs nothing here, and will be swept on the day that it does.
CALLS = (
    "open openat openat2 creat close mkdir mkdirat rmdir rename renameat renameat2 link linkat symlink symlinkat unlink unlinkat"
    " write pwrite64 writev pwritev pwritev2 sendfile copy_file_range splice"
    " read pread64 readv preadv preadv2 getdents64 newfstatat fstat statx statfs"
    " fsync fdatasync sync_file_range truncate ftruncate fallocate chmod fchmod fchmodat fcntl"
).split()
WRITES = {"write", "pwrite64", "writev", "pwritev", "pwritev2", "sendfile", "copy_file_range", "splice", "truncate", "ftruncate",
          "fallocate"}  # fmt: skip
SYNCS = {"fsync", "fdatasync", "sync_file_range"}
NAMES = {"mkdir", "mkdirat", "rmdir", "rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat", "unlink",
         "unlinkat", "creat"}  # fmt: skip
OPENS = {"open", "openat", "openat2"}
ERRORS = ("EIO", "ENOSPC")
KILL = "SIGKILL"

_LINE = re.compile(r"(\d+) +([a-z0-9_]+)\((.*)")


@dataclass(frozen=True, order=True)
class Call:
    name: str
    path: str  # relative to the data folder, "." for itself
    arguments: str

    def is_named_in(self, message: str, data: Path) -> bool:
        """Whether one of its paths is; a temporary file is named as what it would have become."""
        paths = re.findall(re.escape(str(data)) + r"[^\">]*", self.arguments)
        return any(path.removesuffix(".tmp") in message for path in paths)

    def changes(self) -> bool:
        """Whether a failure of it must not be passed over: it writes, syncs, names or removes something, or opens what will
        be written or a folder that will be synced. What a call that only looks answers may be left out of account."""
        if self.name in WRITES | SYNCS | NAMES:
            return True
        if self.name not in OPENS:
            return False
        lists = "O_NONBLOCK" in self.arguments  # opendir
        return any(flag in self.arguments for flag in ("O_WRONLY", "O_RDWR", "O_CREAT")) or (
            "O_DIRECTORY" in self.arguments and not lists
        )


@dataclass(frozen=True, order=True)
class Point:
    story: str
    call: str
    path: str
    n: int
    fault: str  # EIO, ENOSPC or SIGKILL

    def __str__(self) -> str:
        return f"{self.story}:{self.call}:{self.path}:{self.n}:{self.fault}"

    @staticmethod
    def parse(text: str) -> "Point":
        story, call, path, n, fault = text.split(":")
        return Point(story, call, path, int(n), fault)


def _calls_in(line: str, data: Path) -> tuple[str, Call] | None:
    found = _LINE.match(line)
    if not found:
        return None
    thread, name, arguments = found.groups()
    if name not in CALLS:
        return None
    place = re.search(re.escape(str(data)) + r"(/[^\">]*)?[\">]", arguments)
    if not place:
        return None
    return thread, Call(name, (place[1] or "/.")[1:], arguments)


def in_trace(story: str, trace: Path, data: Path) -> list[Point]:
    """The points of a clean run, each with every fault, sorted."""
    seen: Counter = Counter()
    points = set()
    for line in trace.read_text(errors="replace").splitlines():
        found = _calls_in(line, data)
        if found is None:
            continue
        thread, call = found
        seen[thread, call.name, call.path] += 1
        for fault in (*ERRORS, KILL):
            points.add(Point(story, call.name, call.path, seen[thread, call.name, call.path], fault))
    return sorted(points)


def tracing(trace: Path) -> list[str]:
    """The command that runs another one and writes down its calls. -D: the server is our child, strace is not."""
    return ["strace", "-D", "-f", "-y", "-qqq", "--seccomp-bpf", "-o", str(trace), "-e", "trace=" + ",".join(f"?{c}" for c in CALLS)]


def injecting(point: Point, data: Path, trace: Path) -> list[str]:
    """The command that runs another one and lets the point fail. A kill comes before the call is done; with the filter that
    spares us the other calls strace 6.1 forgets the signal."""
    what = "signal=SIGKILL" if point.fault == KILL else f"error={point.fault}"
    quick = [] if point.fault == KILL else ["--seccomp-bpf"]
    path = data if point.path == "." else data / point.path
    return ["strace", "-D", "-f", "-y", "-qqq", *quick, "-o", str(trace), "-P", str(path), "-e", f"trace={point.call}",
            "-e", f"inject={point.call}:{what}:when={point.n}"]  # fmt: skip


def injected(trace: Path, data: Path) -> list[Call]:
    """The calls that were made to fail."""
    calls = []
    waiting: dict[str, Call] = {}  # by thread: strace parts a call that others come between
    for line in trace.read_text(errors="replace").splitlines():
        thread = line.split(" ", 1)[0]
        found = _calls_in(line, data)
        if found:
            waiting[thread] = found[1]
        if "(INJECTED)" in line and thread in waiting:
            calls.append(waiting[thread])
    return calls


def may_trace() -> str:
    """Empty, or why strace cannot inject faults here."""
    try:
        done = subprocess.run(
            ["strace", "-D", "-f", "--seccomp-bpf", "-o", "/dev/null", "-e", "inject=getppid:error=EIO", "true"],
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
    except FileNotFoundError:
        return "there is no strace (scripts/setup installs it)"
    return "" if done.returncode == 0 else f"strace cannot trace here: {done.stderr.strip()}"
