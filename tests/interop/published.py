"""A store's log as strangers get it: checkpoint and key, exported tree, proofs, exact records. And its copies, changed."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from store import Store
from traffic import post, spans

PROVED = (0, 255, 256, 700)  # and the last one


@dataclass
class Published:
    store: Store
    folder: Path
    vkey: str
    old_checkpoint: Path  # of a smaller tree
    tree: Path  # the exported files
    seqs: list[int]

    @property
    def checkpoint(self) -> Path:
        return self.tree / "checkpoint"

    @property
    def size(self) -> int:
        return int(self.checkpoint.read_text().split("\n")[1])

    def proof(self, seq: int) -> Path:
        return self.folder / f"{seq}.tlog-proof"

    def leaf(self, seq: int) -> Path:
        return self.folder / f"{seq}.leaf"

    def copy_of_tree(self, place: Path) -> Path:
        return Path(shutil.copytree(self.tree, place))


def fill(store: Store, records: int) -> None:
    for _ in range(records // 100):
        assert post(store, spans(100)).status == 200


def publish(folder: Path) -> Published:
    """A running store of some 1,100 records, not a multiple of anything."""
    store = Store(folder / "data").start()
    try:
        fill(store, 300)
        old = folder / "old-checkpoint"
        old.write_bytes(store.http("POST", "/api/v1/checkpoint", b""))
        fill(store, 800)
        tree = folder / "tree"
        store.run("export", "--data", store.data, "--tlog", tree)
        made = Published(store, folder, store.ready["vkey"], old, tree, [])
        made.seqs = [*PROVED, made.size - 1]
        leaves = store.export("--to", str(made.size - 1)).splitlines()
        (folder / "leaves").write_bytes(b"".join(leaf + b"\n" for leaf in leaves))
        for seq in made.seqs:
            store.run("prove", "--data", store.data, str(seq), "-o", made.proof(seq))
            made.leaf(seq).write_bytes(leaves[seq])
        return made
    except BaseException:
        store.close()
        raise


def flip(path: Path, offset: int = -1) -> None:
    """Changes one bit of the byte at `offset`."""
    content = bytearray(path.read_bytes())
    content[offset] ^= 1
    path.write_bytes(content)


def edit(path: Path, change) -> None:
    """Replaces the text of a file by `change` of it, which must be another one."""
    before = path.read_text()
    after = change(before)
    assert after != before
    path.write_text(after)
