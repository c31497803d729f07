"""What the server lives through while a fault strikes, and what its client noted meanwhile.

Each story is short and the same every time: requests one after the other, each answered before the next, and the smallest
segments that may be configured, so that two of them are sealed on the way.
"""

from __future__ import annotations

import http.client
import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))
import traffic  # noqa: E402
from store import CommandFailed, StartFailed, Store  # noqa: E402

import points  # noqa: E402

__all__ = ["CommandFailed", "StartFailed", "Notes", "STORIES", "make_templates", "new_store", "run"]

SEGMENT_BYTES = 64 * 1024
CONFIG = {"segment": {"bytes_max": SEGMENT_BYTES}, "min_free_bytes": 0}
LARGE = "x" * 70_000  # of a resource: more than a leaf holds, so it lies beside

# Each begins on a copy of the folder that it names: what a killed server left (make_templates).
STORIES = {
    "life": None,  # a new folder, two seals, a new key, a stop
    "after a seal": "sealing",  # recovery: the old log still there, and a torn end
    "after a key's record": "rotating",  # recovery: a key that was named and did not take over
    "after a key's note": "switching",  # recovery: a key that was signed in and not put in its place
}

ASK_FAILED = (OSError, http.client.HTTPException)


class Notes:
    """All that the server promised over its processes."""

    def __init__(self):
        self.acknowledged: list[str] = []  # names, in order
        self.checkpoints: dict[int, str] = {}  # size, root
        self.forks: list[str] = []
        self.was_ready = False
        self.torn_end = False  # the folder that it begins with ends in the middle of a write
        self.inherited = 0  # how many were acknowledged by the process before
        self.refused_at: int | None = None  # how many were acknowledged when the first was refused
        self.start_failed: StartFailed | None = None
        self.exit_code: int | None = None

    def copy(self) -> "Notes":
        other = Notes()
        other.acknowledged, other.checkpoints = list(self.acknowledged), dict(self.checkpoints)
        other.was_ready, other.torn_end, other.inherited = self.was_ready, self.torn_end, len(self.acknowledged)
        return other

    def head(self, text: str, how: str) -> None:
        """A checkpoint, or what the signing record says was to be signed."""
        lines = text.splitlines()
        if text.startswith("sealtrail/signing/"):
            fields = dict(line.split(" ", 1) for line in lines[1:])
            size, root = int(fields["size"]), fields["root"]
        else:
            size, root = int(lines[1]), lines[2]
        if self.checkpoints.setdefault(size, root) != root:
            self.forks.append(f"{how}: a second root for {size} records")

    def look_at(self, data: Path) -> None:
        """Every signed head in the folder, as it lies."""
        for path in [data / "checkpoint", data / "signing/state", *sorted((data / "epochs").glob("[0-9]*"))]:
            if path.exists() and path.suffix != ".tmp":
                self.head(path.read_text(), str(path.relative_to(data)))


def new_store(folder: Path, template: Path | None = None) -> Store:
    store = Store(folder / "data", CONFIG)
    if template is not None:
        shutil.copytree(template, store.data, ignore=shutil.ignore_patterns("api.sock"))
    return store


def _send(store: Store, notes: Notes, number: int, count: int, large: bool = False) -> None:
    names = [f"request {number:03} of {store.data.parent.name} record {i:03}" for i in range(count)]
    body = traffic.named_spans(names)
    if large:
        request = traffic.ExportTraceServiceRequest.FromString(body)
        traffic.add_attribute(request.resource_spans[0].resource.attributes, "large", LARGE)
        body = request.SerializeToString()
    status = traffic.post(store, body).status
    if status == 200:
        notes.acknowledged += names
    elif notes.refused_at is None:
        notes.refused_at = len(notes.acknowledged)
    notes.head(store.http("GET", "/tlog/checkpoint", token=False).decode(), "shown")


def _post(store: Store, path: str) -> None:
    try:
        store.http("POST", path)
    except OSError:  # an error's status: what came of it shows in what follows
        if store.process.poll() is not None:
            raise


def _steps(store: Store, notes: Notes, story: str) -> None:
    number = len(notes.acknowledged)  # so that names differ over the processes
    if story != "life":
        _send(store, notes, number, 10)
        _post(store, "/api/v1/checkpoint")
        _send(store, notes, number + 1, 10)
        return
    for i in range(4):
        _send(store, notes, number + i, 40, large=i == 1)
    _post(store, "/api/v1/checkpoint")
    for i in range(4, 7):
        _send(store, notes, number + i, 40)
    _post(store, "/api/v1/keys/rotate")
    for i in range(7, 14):
        _send(store, notes, number + i, 40)


def run(store: Store, notes: Notes, story: str, stop: bool = True) -> None:
    """One process, from its start to its end, whatever that is."""
    notes.exit_code, notes.start_failed = None, None
    try:
        store.start(timeout=120)
    except StartFailed as failed:
        notes.start_failed, notes.exit_code = failed, failed.exit_code
        return
    notes.was_ready = True
    try:
        _steps(store, notes, story)
    except ASK_FAILED:
        if store.process.poll() is None:  # it answers no more, and has not ended: wait for either
            try:
                store.process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                pass
    if not stop:
        return
    if store.process.poll() is None:
        store.process.send_signal(signal.SIGTERM)
    notes.exit_code = store.wait(timeout=120)


# --- Folders that a killed server left -------------------------------------------------------------------------------

# Where each was killed, and whether the power went too, in the middle of a write.
KILLS = {
    "sealing": (points.Point("life", "unlink", "segments/00000000000000000000.log", 1, points.KILL), True),
    "rotating": (points.Point("life", "openat", "epochs/1.tmp", 1, points.KILL), False),
    "switching": (points.Point("life", "rename", "keys/next.key", 1, points.KILL), False),
}


def make_templates(folder: Path) -> dict[str, tuple[Path, Notes]]:
    made = {}
    for name, (point, torn) in KILLS.items():
        store, notes = new_store(folder / name), Notes()
        store.wrap = points.injecting(point, store.data, folder / f"{name}.trace")
        run(store, notes, "life")
        if notes.exit_code != -signal.SIGKILL:
            raise RuntimeError(f"the folder {name}: the server was not killed at {point}, it ended with {notes.exit_code}")
        if torn:
            log = max((store.data / "segments").glob("*.log"))
            whole = log.read_bytes()
            log.write_bytes(whole + whole[128:400])  # frames out of their place
            notes.torn_end = True
        notes.look_at(store.data)
        made[name] = (store.data, notes)
    return made


def leaves(store: Store) -> list[bytes]:
    size = int(store.http("POST", "/api/v1/checkpoint").decode().splitlines()[1])
    return store.http("GET", f"/api/v1/leaves?from=0&to={size - 1}").splitlines()


def names_of(lines: list[bytes]) -> list[str]:
    """Of the spans, in order."""
    objects = [json.loads(line) for line in lines]
    return [leaf["o"]["n"] for leaf in objects if leaf["k"] == "span"]
