"""Our log and our proofs, judged by programs that we did not write. Each accepts what we publish and rejects every changed
copy: a verifier that accepts everything would prove nothing.

Go's golang.org/x/mod/sumdb reads the log over HTTP and from exported files; Sigstore's JavaScript verifier reads proof
files; openssl the checkpoint's signature; the auditor's script (Python, standard library) exported lines.
"""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from published import edit, flip, publish
from store import ROOT, Store

HERE = Path(__file__).resolve().parent
GOCODE = Path("/usr/share/gocode")  # where Debian's golang-golang-x-mod-dev puts its sources
SPKI_ED25519 = bytes.fromhex("302a300506032b6570032100")
PKCS8_ED25519 = bytes.fromhex("302e020100300506032b657004220420")


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    made = publish(tmp_path_factory.mktemp("published"))
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def other_vkey(tmp_path_factory):
    """The key of another log."""
    store = Store(tmp_path_factory.mktemp("other") / "data").start()
    store.close()
    return store.ready["vkey"]


def renamed(vkey: str, name: str) -> str:
    """The same key under another name, with the id that goes with it."""
    key = base64.b64decode(vkey.split("+", 2)[2])
    key_id = hashlib.sha256(name.encode() + b"\n" + key).digest()[:4].hex()
    return f"{name}+{key_id}+{base64.b64encode(key).decode()}"


def run(*command) -> tuple[bool, str]:
    """Whether the verifier accepts, and what it says. It must say 1 and not fall over."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=60)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode == 0, done.stdout + done.stderr


def rejects(said: tuple[bool, str], why: str) -> None:
    accepted, text = said
    assert not accepted and why in text, text


def change_root(text: str) -> str:
    """Another root in the third line of a checkpoint, wherever in `text` that is."""
    head, _, signatures = text.rpartition("\n\n")
    *before, root = head.split("\n")
    other = bytes(byte ^ (i == 5) for i, byte in enumerate(base64.b64decode(root)))
    return "\n".join([*before, base64.b64encode(other).decode()]) + "\n\n" + signatures


# --- golang.org/x/mod/sumdb/{note,tlog} -----------------------------------------------------------


@pytest.fixture(scope="session")
def check_log(tmp_path_factory):
    """The Go program, built from Debian's packages alone: nothing is fetched."""
    go = next((g for g in ("/usr/lib/go/bin/go", shutil.which("go")) if g and Path(g).exists()), None)
    assert go and (GOCODE / "src/golang.org/x/mod/sumdb/tlog").is_dir(), "golang-go or golang-golang-x-mod-dev is missing: run scripts/setup"
    program = tmp_path_factory.mktemp("go") / "check_log"
    settings = {"GO111MODULE": "off", "GOPATH": str(GOCODE), "GOCACHE": str(ROOT / "build/go-cache"), "GOTOOLCHAIN": "local",
                "GOFLAGS": "", "GOPROXY": "off", "CGO_ENABLED": "0"}  # fmt: skip
    subprocess.run([go, "build", "-o", program, HERE / "go/check_log.go"], check=True, env=os.environ | settings, timeout=1200)
    return program


def test_go_reads_the_running_log(log, check_log):
    place = f"http://{log.store.ready['api']}/tlog"
    token = (log.store.data / "local.token").read_text().strip()
    accepted, text = run(check_log, "-vkey", log.vkey, "-log", place, "-token", token, "-old", log.old_checkpoint)
    assert accepted and text.startswith("ok "), text
    rejects(run(check_log, "-vkey", log.vkey, "-log", place), "401")


def test_go_reads_the_exported_log(log, check_log):
    accepted, text = run(check_log, "-vkey", log.vkey, "-log", log.tree, "-old", log.old_checkpoint)
    _, size, root, *_ = log.checkpoint.read_text().split("\n")
    assert accepted and text == f"ok {size} {root}\n"


def edge(log, kind: str) -> str:
    """The partial tile at the right edge of level 0, or of entries."""
    index, width = divmod(log.size, 256)
    return f"tile/{kind}/{index:03}.p/{width}"


TAMPERED = {
    "a record": lambda log, tree: (flip(tree / "tile/entries/001", 1000), "record "),
    "the last record": lambda log, tree: (flip(tree / edge(log, "entries")), f"record {log.size - 1}"),
    "a leaf hash": lambda log, tree: (flip(tree / "tile/0/002", 40 * 32), "invalid transparency proof"),
    "a leaf hash at the edge": lambda log, tree: (flip(tree / edge(log, "0")), "downloaded inconsistent tile"),
    "a hash above": lambda log, tree: (flip(tree / f"tile/1/000.p/{log.size // 256}", 70), "downloaded inconsistent tile"),
    "two tiles, swapped": lambda log, tree: (swap(tree / "tile/0/000", tree / "tile/0/001"), "record 0: "),
    "two bundles, swapped": lambda log, tree: (swap(tree / "tile/entries/000", tree / "tile/entries/001"), "record 0: "),
    "a tile of an earlier tree": lambda log, tree: (stale(log, tree), "bad result slice"),
    "the root": lambda log, tree: (edit(tree / "checkpoint", change_root), "invalid signature"),
    "the size": lambda log, tree: (edit(tree / "checkpoint", lambda t: t.replace(f"\n{log.size}\n", f"\n{log.size - 1}\n")), "invalid signature"),
    "the origin": lambda log, tree: (edit(tree / "checkpoint", lambda t: t.replace("sealtrail.local", "sealtrail.other", 1)), "invalid signature"),
    "an extension line": lambda log, tree: (edit(tree / "checkpoint", lambda t: t.replace("\n\n", "\nmore\n\n")), "invalid signature"),
    "the signature": lambda log, tree: (edit(tree / "checkpoint", lambda t: t[:-10] + ("A" if t[-10] != "A" else "B") + t[-9:]), "invalid signature"),
}  # fmt: skip


def swap(one: Path, two: Path) -> None:
    content = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(content)


def stale(log, tree: Path) -> None:
    """The level-1 tile as an earlier tree had it."""
    place = tree / f"tile/1/000.p/{log.size // 256}"
    place.write_bytes(place.read_bytes()[:32])


@pytest.mark.parametrize("what", TAMPERED)
def test_go_rejects_an_exported_log_that_was_changed(log, check_log, tmp_path, what):
    tree = log.copy_of_tree(tmp_path / "tree")
    _, why = TAMPERED[what](log, tree)
    rejects(run(check_log, "-vkey", log.vkey, "-log", tree), why)


def test_go_rejects_other_keys(log, check_log, other_vkey):
    name = log.vkey.split("+")[0]
    rejects(run(check_log, "-vkey", other_vkey, "-log", log.tree), "note has no verifiable signatures")
    rejects(run(check_log, "-vkey", renamed(other_vkey, name), "-log", log.tree), "note has no verifiable signatures")


def signed_fork(log, place: Path) -> Path:
    """A smaller tree with another root, signed with the log's own key: what nobody else could tell from a true one."""
    origin, size, _, *_ = log.old_checkpoint.read_text().split("\n")
    text = f"{origin}\n{size}\n{base64.b64encode(hashlib.sha256(b'another').digest()).decode()}\n"
    seed = base64.b64decode((log.store.data / "keys/log.key").read_text().strip().split("+", 4)[4])[1:]
    (place / "key.der").write_bytes(PKCS8_ED25519 + seed)
    (place / "text").write_text(text)
    signature = subprocess.run(["openssl", "pkeyutl", "-sign", "-inkey", place / "key.der", "-keyform", "DER", "-rawin", "-in", place / "text"],
                               capture_output=True, check=True).stdout  # fmt: skip
    key_id = bytes.fromhex(log.vkey.split("+")[1])
    (place / "fork").write_text(f"{text}\n— {origin} {base64.b64encode(key_id + signature).decode()}\n")
    return place / "fork"


def test_go_sees_that_a_log_does_not_go_on_from_another_one(log, check_log, tmp_path):
    fork = signed_fork(log, tmp_path)
    rejects(run(check_log, "-vkey", log.vkey, "-log", log.tree, "-old", fork), "consistency")


# --- proof files, for Go and for @sigstore/verify -------------------------------------------------


@pytest.fixture(params=["go", "sigstore"])
def check_proof(request):
    if request.param == "go":
        program = request.getfixturevalue("check_log")
        return lambda proof, leaf, vkey: run(program, "-vkey", vkey, "-proof", proof, "-leaf", leaf)
    script = HERE / "js/check_proof.cjs"
    assert (script.parent / "node_modules").is_dir(), "run scripts/setup"
    return lambda proof, leaf, vkey: run("node", script, proof, leaf, vkey)


def test_proofs_hold(log, check_proof):
    for seq in log.seqs:
        accepted, text = check_proof(log.proof(seq), log.leaf(seq), log.vkey)
        assert accepted and text.startswith("ok "), text


def hashes_of(change):
    """A change of the list of hashes in a proof file."""

    def apply(text: str) -> str:
        head, note = text.split("\n\n", 1)
        magic, index, *hashes = head.split("\n")
        return "\n".join([magic, index, *change(hashes)]) + "\n\n" + note

    return apply


def other_hash(hashes: list[str]) -> list[str]:
    return [base64.b64encode(hashlib.sha256(hashes[0].encode()).digest()).decode(), *hashes[1:]]


CHANGED_PROOFS = {
    "a hash": hashes_of(other_hash),
    "the last hash": hashes_of(lambda hashes: other_hash(hashes[::-1])[::-1]),
    "a hash less": hashes_of(lambda hashes: hashes[1:]),
    "a hash more": hashes_of(lambda hashes: [*hashes, hashes[-1]]),
    "two hashes, swapped": hashes_of(lambda hashes: [hashes[1], hashes[0], *hashes[2:]]),
    "the index": lambda text: text.replace("index 256\n", "index 257\n"),
    "the root": change_root,
    "the origin": lambda text: text.replace("sealtrail.local", "sealtrail.other", 1),
}


@pytest.mark.parametrize("what", CHANGED_PROOFS)
def test_a_changed_proof_is_rejected(log, check_proof, tmp_path, what):
    proof = Path(shutil.copy(log.proof(256), tmp_path / "proof"))
    edit(proof, CHANGED_PROOFS[what])
    accepted, text = check_proof(proof, log.leaf(256), log.vkey)
    assert not accepted and ("proof" in text or "root" in text or "signature" in text or "hash count" in text), text


def test_a_proof_is_of_one_record_and_one_key(log, check_proof, tmp_path, other_vkey):
    changed = Path(shutil.copy(log.leaf(256), tmp_path / "leaf"))
    flip(changed, 30)
    assert not check_proof(log.proof(256), changed, log.vkey)[0]
    assert not check_proof(log.proof(256), log.leaf(255), log.vkey)[0]
    assert not check_proof(log.proof(256), log.leaf(256), other_vkey)[0]
    assert not check_proof(log.proof(256), log.leaf(256), renamed(other_vkey, log.vkey.split("+")[0]))[0]


def test_a_proof_holds_for_its_own_checkpoint_alone(log, check_proof, tmp_path):
    """An earlier checkpoint, soundly signed, in the place of the later one."""
    proof = Path(shutil.copy(log.proof(256), tmp_path / "proof"))
    edit(proof, lambda text: text.split("\n\n", 1)[0] + "\n\n" + log.old_checkpoint.read_text())
    assert not check_proof(proof, log.leaf(256), log.vkey)[0]


# --- openssl --------------------------------------------------------------------------------------


def openssl_accepts(checkpoint: str, vkey: str, place: Path) -> bool:
    """The commands of docs/tlog.md."""
    text, _, signatures = checkpoint.rpartition("\n\n")
    (place / "text").write_text(text + "\n")
    (place / "sig").write_bytes(base64.b64decode(signatures.split(" ")[2])[4:])
    (place / "pk.der").write_bytes(SPKI_ED25519 + base64.b64decode(vkey.split("+", 2)[2])[1:])
    done = subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "pk.der", "-keyform", "DER", "-rawin", "-in", "text",
                           "-sigfile", "sig"], cwd=place, capture_output=True, text=True)  # fmt: skip
    assert done.returncode == (0 if "Verified Successfully" in done.stdout else 1), done.stderr
    return done.returncode == 0


def test_openssl_checks_the_signature(log, tmp_path, other_vkey):
    note = log.checkpoint.read_text()
    assert openssl_accepts(note, log.vkey, tmp_path)
    assert openssl_accepts(log.old_checkpoint.read_text(), log.vkey, tmp_path)
    assert not openssl_accepts(change_root(note), log.vkey, tmp_path)
    assert not openssl_accepts(note.replace(f"\n{log.size}\n", f"\n{log.size + 1}\n"), log.vkey, tmp_path)
    assert not openssl_accepts(note, other_vkey, tmp_path)
    end = note.rindex(" ") + 20
    assert not openssl_accepts(note[:end] + ("A" if note[end] != "A" else "B") + note[end + 1 :], log.vkey, tmp_path)


# --- the auditor's script -------------------------------------------------------------------------


def audit(log, lines: list[bytes]) -> tuple[int, str]:
    """Size and root that the script derives from exported lines."""
    script = ROOT / "tests/tools/audit_script.py"
    origin = log.checkpoint.read_text().split("\n")[0]
    done = subprocess.run([sys.executable, script, origin], input=b"".join(lines), capture_output=True, timeout=60, check=True)
    size, root, _ = done.stdout.decode().split()
    return int(size), root


def test_the_script_finds_the_signed_root_and_no_other(log):
    lines = (log.folder / "leaves").read_bytes().splitlines(keepends=True)
    signed = (log.size, log.checkpoint.read_text().split("\n")[2])
    assert audit(log, lines) == signed
    changed = bytearray(lines[300])
    changed[20] ^= 1
    for what, copy in {
        "a line changed": [*lines[:300], bytes(changed), *lines[301:]],
        "a line missing": [*lines[:300], *lines[301:]],
        "a line more": [*lines[:300], lines[300], *lines[300:]],
        "two lines swapped": [*lines[:300], lines[301], lines[300], *lines[302:]],
        "the end missing": lines[:-1],
    }.items():
        assert audit(log, copy) != signed, what


# --- docs/tlog.md ---------------------------------------------------------------------------------


def test_the_commands_of_the_page_work_as_printed(log, tmp_path):
    """In a plain shell: the signature by openssl, the root by the script."""
    page = (ROOT / "docs/tlog.md").read_text()
    signature, root, _ = (block.split("```", 1)[0] for block in page.split("```sh\n")[1:])
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/sealtrail").symlink_to(log.store.binary)
    shutil.copy(ROOT / "tests/tools/audit_script.py", tmp_path)
    (tmp_path / "log.vkey").write_text(log.vkey + "\n")
    settings = os.environ | {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}

    def shell(text: str):
        text = text.replace("127.0.0.1:8470", log.store.ready["api"]).replace("DATA", str(log.store.data))
        return subprocess.run(["sh", "-e", "-c", text], cwd=tmp_path, env=settings, capture_output=True, text=True, check=True)

    assert "Signature Verified Successfully" in shell(signature).stdout
    done = shell(root)
    size, found, _ = done.stdout.split()
    assert done.stderr == f"size {size}\nroot {found}\n"
