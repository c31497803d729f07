"""A disk that fills: the floor refuses in time and resumes by itself; a write that fails all the same is final."""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
import time
import urllib.error

import pytest
import traffic
from audit import check_export

MIB = 1024 * 1024


def readyz(store) -> tuple[int, str]:
    try:
        return 200, store.http("GET", "/readyz", token=False).decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def within(seconds: float, condition):
    """Waits until `condition()` is true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def names_in(store) -> set[str]:
    return {row["name"] for row in store.query("SELECT name FROM audit_spans")}


class Filler:
    """Sends until something other than 200 comes; remembers what was acknowledged."""

    def __init__(self, store):
        self.store, self.acknowledged, self.round = store, set(), 0

    def send(self):
        # Random, so that it takes its room on the disk: frames are compressed.
        names = [f"record {self.round}.{i} " + secrets.token_urlsafe(700) for i in range(200)]
        self.round += 1
        answer = traffic.post(self.store, traffic.named_spans(names))
        if answer.status == 200:
            self.acknowledged.update(names)
        return answer

    def until_refused(self, rounds_max=2000):
        for _ in range(rounds_max):
            answer = self.send()
            if answer.status != 200:
                return answer
        raise AssertionError("never refused")


def test_the_floor_refuses_and_resumes(tmp_path, make_store, mounts):
    disk = tmp_path / "disk"
    mounts.small_disk(disk, 96 * MIB)
    ballast = disk / "ballast"
    ballast.write_bytes(bytes(40 * MIB))
    store = make_store({"min_free_bytes": 24 * MIB, "index": {"paused": True}}, name="disk/data")
    filler = Filler(store)

    refused = filler.until_refused()
    assert refused.status == 503
    assert int(refused.headers["Retry-After"]) >= 1
    status, text = readyz(store)
    assert status == 503 and "min_free_bytes" in text
    assert store.query("SELECT count(*) AS n FROM audit_spans") == [{"n": len(filler.acknowledged)}], "own records still fit"
    assert store.process.poll() is None

    ballast.unlink()
    within(60, lambda: filler.send().status == 200)
    assert readyz(store)[0] == 200
    assert names_in(store) == filler.acknowledged
    assert store.stop() == 0
    assert store.verify()[0] == 0


# System call, error, and which calls of it on the segment fail: all from the first one after some dozens.
FAILURES = [("write", "ENOSPC", "No space left"), ("write", "EROFS", "ead-only"), ("fdatasync", "EIO", "nput/output")]


@pytest.mark.parametrize("call, error, words", FAILURES, ids=[f"{call} {error}" for call, error, _ in FAILURES])
def test_a_disk_that_fails_is_final(make_store, call, error, words):
    """503 for some seconds, /readyz says why, exit 2; after a restart all that was acknowledged is there.

    strace makes the calls fail, on the segment alone.
    """
    store = make_store()
    filler = Filler(store)
    assert filler.send().status == 200
    assert store.stop() == 0
    (segment,) = (store.data / "segments").glob("*.log")
    calls = "write,pwrite64,writev,pwritev,pwritev2" if call == "write" else call
    store.wrap = ["strace", "-f", "-qqq", "-o", "/dev/null", "-P", str(segment), "-e", f"trace={calls}",
                  "-e", f"inject={calls}:error={error}:when=20+"]  # fmt: skip
    store.start()

    assert filler.until_refused().status == 503
    began = time.monotonic()
    status, text = readyz(store)
    assert status == 503 and words in text
    answer = filler.send()
    assert answer.status == 503 and int(answer.headers["Retry-After"]) >= 1
    assert store.wait(timeout=60) == 2
    assert time.monotonic() - began > 2
    assert words in store.stderr()

    store.wrap = []
    store.start()
    assert filler.acknowledged <= names_in(store)
    assert filler.send().status == 200
    assert store.stop() == 0
    code, report = store.verify()
    assert (code, report["damage"]) == (0, [])
    check_export(store, report)


def test_an_answer_that_does_not_reach_the_end_says_so(make_store):
    """What the index cannot read hides what comes after it: then the query is no plain success.

    strace makes the reads of the segment fail, from another one on in each run.
    """
    store = make_store()
    assert traffic.post(store, traffic.spans(300)).status == 200
    assert store.stop() == 0
    segment = store.data / f"segments/{0:020}.log"
    for first in range(90, 0, -6):
        command = ["strace", "-f", "-qqq", "-o", "/dev/null", "-P", str(segment), "-e", "trace=pread64",
                   "-e", f"inject=pread64:error=EIO:when={first}+", str(store.binary), "query", "--data", str(store.data),
                   "--format", "json", "SELECT count(*) AS n FROM audit_spans"]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        if "the answer is of the first" in done.stderr:
            assert done.returncode == 2, done
            return
        assert done.returncode == 0 and json.loads(done.stdout)[0]["n"] >= 300, done
        shutil.rmtree(store.data / "index", ignore_errors=True)
    pytest.fail("no read of the index was met")
