"""Banned calls: the world is passed in, so only a few modules may reach for it.

Clocks, sleeps, files, threads, randomness, the environment and other processes are env's; net and
query hold libraries that have their own. Standard output is cli's, standard error the log's. Unit
tests are free in all of that but one: no sleep and no real clock, which make tests slow and flaky.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from common import Violation, files, includes, is_test_code, line_of, strip_cpp


@dataclass(frozen=True)
class Ban:
    what: str
    instead: str
    calls: str  # a regular expression over code without comments and literals
    headers: tuple[str, ...] = ()
    free: tuple[str, ...] = ()  # modules that may
    in_tests: bool = False  # does it hold in *_test.cc and testing/, too?


_RAW_CALLS = (
    "open openat creat close read readv write writev pread preadv pwrite pwritev lseek fsync fdatasync "
    "sync_file_range ftruncate truncate fallocate posix_fallocate rename renameat link linkat unlink "
    "unlinkat mkdir mkdirat rmdir stat fstat lstat statvfs flock fcntl ioctl dup dup2 dup3 pipe pipe2 mmap "
    "munmap mremap msync madvise memfd_create shm_open poll ppoll select epoll_create1 epoll_ctl epoll_wait "
    "eventfd socket socketpair connect bind listen accept accept4 send sendto sendmsg recv recvfrom recvmsg "
    "kill prctl syscall waitpid wait4 execv execve execvp execvpe chdir chmod chown umask isatty"
).split()

BANS = (
    Ban(
        "a real clock",
        "take env::Clock, or `now` as an argument",
        r"\bnow\s*\(|\b(?:clock_gettime|gettimeofday|timespec_get)\s*\("
        r"|\btime\s*\(\s*(?:nullptr|NULL|0|&)",
        free=("env", "net"),
        in_tests=True,
    ),
    Ban(
        "a sleep",
        "wait on env::Clock or for an event",
        r"\b(?:sleep|usleep|nanosleep|clock_nanosleep|sleep_for|sleep_until)\s*\(",
        free=("env", "net"),
        in_tests=True,
    ),
    Ban(
        "a file",
        "take env::FileSystem",
        r"\b(?:fopen|fdopen|freopen|tmpfile|mkstemp|mkdtemp|opendir)\s*\("
        r"|\b(?:basic_)?[io]?fstream\b|\bfilesystem\s*::",
        headers=("fstream", "filesystem", "dirent.h"),
        free=("env", "net"),
    ),
    Ban(
        "a system call",
        "go through env",
        rf"(?<![\w>])::\s*(?:{'|'.join(_RAW_CALLS)})\s*\(",
        headers=("unistd.h", "fcntl.h", "poll.h", "dlfcn.h", "sys/", "linux/", "netinet/", "arpa/"),
        free=("env", "net", "query"),
    ),
    Ban(
        "a thread",
        "start it through env::Executor",
        r"\bstd\s*::\s*(?:thread|jthread|async)\b|\bpthread_create\s*\(",
        headers=("thread", "future", "pthread.h"),
        free=("env", "net"),
    ),
    Ban(
        "randomness",
        "take env::Random",
        r"\brandom_device\b|\b(?:rand|srand|random|getrandom|getentropy|arc4random|RAND_bytes)\s*\(",
        free=("env", "net"),
    ),
    Ban(
        "the environment",
        "have it handed in by cli",
        r"\b(?:getenv|secure_getenv|setenv|unsetenv|putenv)\s*\(",
        free=("env", "net"),
    ),
    Ban(
        "another process",
        "start it through env",
        r"(?<![\w.>])(?:system|popen|fork|vfork|posix_spawnp?)\s*\(",
        free=("env", "net"),
    ),
    Ban(
        "standard output or error",
        "log with base/log.h, or return the text to cli",
        r"\b(?:printf|vprintf|puts|putchar|perror)\s*\(|\b(?:std\s*::\s*)?(?:cout|cerr|clog)\b"
        r"|\b(?:stdout|stderr)\b|\bfmt\s*::\s*print(?:ln)?\s*\(|\bSTD(?:OUT|ERR)_FILENO\b",
        headers=("iostream", "print"),
        free=("cli",),
    ),
)

# (file, ban): the places that are the rule's other end. One that is needed no more is reported.
EXCEPTIONS = {
    ("src/base/log.cc", "a system call"): "the log writes each line to standard error in one call",
    ("src/base/log.cc", "standard output or error"): "the log writes to standard error",
    ("src/base/check.cc", "standard output or error"): "the last words of a broken invariant",
}


def check(root: Path) -> list[Violation]:
    found = []
    used = set()
    for path in files(root, ("src",), (".h", ".cc")):
        place = path.relative_to(root).as_posix()
        for ban, line, text in _hits(path.relative_to(root), path.read_text(errors="replace")):
            if (place, ban.what) in EXCEPTIONS:
                used.add((place, ban.what))
            else:
                found.append(Violation(place, line, f"{ban.what} (`{text}`): {ban.instead}"))
    for place, what in EXCEPTIONS:
        if (root / place).exists() and (place, what) not in used:
            found.append(Violation(place, 0, f"the exception for {what} is needed no more; remove it"))
    return sorted(found)


def _hits(path: Path, text: str) -> list[tuple[Ban, int, str]]:
    module = path.parts[1]
    test = is_test_code(path)
    bans = [b for b in BANS if module not in b.free and (b.in_tests or not test)]
    code = strip_cpp(text)
    hits = [(b, line_of(code, m.start()), m[0].strip()) for b in bans for m in re.finditer(b.calls, code)]
    for line, header, quoted in includes(text):
        for ban in bans:
            if not quoted and any(_is_header(header, banned) for banned in ban.headers):
                hits.append((ban, line, f"<{header}>"))
    return hits


def _is_header(header: str, banned: str) -> bool:
    return header.startswith(banned) if banned.endswith("/") else header == banned
