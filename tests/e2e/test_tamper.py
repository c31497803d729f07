"""Single bytes of a cleanly stopped store are flipped, one at a time: each is reported, in its file and unit.

100 positions in an ordinary run, 500 in a long one. Half are drawn over all covered bytes, half over files first,
so that the small ones get their share. The lock, keys, tokens and the rebuildable index are not covered: `verify`
prints that list, and it is the one in docs/formats/segment.md.
"""

from __future__ import annotations

import re
import shutil
from fnmatch import fnmatch

import traffic
from conftest import soak
from store import ROOT

NOT_COVERED = ["LOCK", "keys/", "local.token", "api.sock", "index/", "signing/LOCK", "signing/elsewhere", "*.sealing", "*.tmp"]
SMALL_SEGMENTS = {"segment": {"bytes_max": 200_000}}


def documented() -> list[str]:
    text = (ROOT / "docs/formats/segment.md").read_text()
    sentence = re.search(r"Not covered by any hash: (.*?)\. ", text, re.DOTALL)[1]
    return re.findall(r"`([^`]+)`", sentence)


def covered_files(folder):
    out = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not any(fnmatch(name, skip + "*" if skip.endswith("/") else skip) for skip in NOT_COVERED):
            out.append(path)
    return out


def thousand_records(store):
    """Spans and logs, large contents beside them, several commits, a restart."""
    for i in range(8):
        assert traffic.post(store, traffic.spans(100, turn=str(i))).status == 200
        if i == 4:
            store.restart()
    assert traffic.post(store, traffic.logs(198), "/v1/logs").status == 200
    assert traffic.post(store, traffic.spans(2, large="x" * 100_000)).status == 200


def test_every_flipped_byte_is_reported_in_its_place(make_store, tmp_path, rng):
    store = make_store(config=SMALL_SEGMENTS)
    thousand_records(store)
    assert store.stop() == 0
    code, report = store.verify()
    assert (code, report["damage"]) == (0, [])
    assert report["size"] >= 1000
    copy = tmp_path / "copy"
    shutil.copytree(store.data, copy, ignore=shutil.ignore_patterns("api.sock"))
    files = covered_files(copy)
    assert {"trail", "checkpoint", "state"} <= {path.name for path in files}
    assert {".log", ".seg", ".manifest"} <= {path.suffix for path in files} and any("tiles" in path.parts for path in files)
    sizes = [path.stat().st_size for path in files]

    for flip in range(500 if soak() else 100):
        path = rng.choices(files, sizes)[0] if flip % 2 else rng.choice(files)
        offset = rng.randrange(path.stat().st_size)
        change = rng.randrange(1, 256)
        name = path.relative_to(copy).as_posix()
        what = f"flip {flip}: {name} byte {offset} xor {change:#x}"
        flip_byte(path, offset, change)
        code, report = store.verify(copy)
        assert code == 1, f"{what}: exit {code} {report}"
        assert report["verdict"] == "not_sound", what
        places = [d for d in report["damage"] if d["file"] == name]
        assert places, f"{what}: reported elsewhere: {report['damage']}"
        assert any(d["offset"] <= offset < d["offset"] + d["length"] for d in places), f"{what}: {places}"
        flip_byte(path, offset, change)
    assert store.verify(copy)[0] == 0


def flip_byte(path, offset: int, change: int) -> None:
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ change]))


def test_truncated_removed_and_added_files_are_reported(make_store, tmp_path):
    store = make_store()
    thousand_records(store)
    assert store.stop() == 0

    def tampered(change) -> list[dict]:
        copy = tmp_path / "copy"
        shutil.copytree(store.data, copy, ignore=shutil.ignore_patterns("api.sock"))
        (segment,) = (copy / "segments").glob("*.log")
        change(copy, segment)
        code, report = store.verify(copy)
        shutil.rmtree(copy)
        assert code == 1, report
        return report["damage"]

    segment_name = "segments/" + next((store.data / "segments").glob("*.log")).name
    cases = {
        "end cut off": lambda copy, segment: segment.write_bytes(segment.read_bytes()[:-1000]),
        "segment emptied": lambda copy, segment: segment.write_bytes(b""),
        "segment removed": lambda copy, segment: segment.unlink(),
        "bytes appended": lambda copy, segment: segment.write_bytes(segment.read_bytes() + bytes(100)),
        "segment doubled": lambda copy, segment: shutil.copy(segment, copy / "segments/00000000000000009999.seg"),
        "stranger in segments": lambda copy, segment: (copy / "segments/notes.txt").write_text("x"),
        "checkpoint of another trail": lambda copy, segment: (copy / "checkpoint").write_text("example.org/x\n1\nAAAA\n"),
    }
    for name, change in cases.items():
        damage = tampered(change)
        assert damage, name
        if name.startswith(("end", "bytes")):
            assert any(d["file"] == segment_name for d in damage), f"{name}: {damage}"


def test_what_is_not_covered_is_said(store):
    assert documented() == NOT_COVERED
    assert store.stop() == 0
    text = store.run("verify", store.data).stdout
    line = next(line for line in text.splitlines() if "not covered" in line.lower())
    for name in NOT_COVERED:
        assert name in line
