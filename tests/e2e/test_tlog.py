"""The log for people outside: files under /tlog/, proofs under /api/v1/, `prove` and `export --tlog`.

Whether others accept it is asked in tests/interop; here stand the answers themselves, and all that is refused.
"""

import base64
import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess

import pytest
from store import CommandFailed
from test_api import answer, bearer
from traffic import post, spans

TILE = "application/octet-stream"


def checkpoint(store) -> tuple[str, int, str]:
    """Origin, size and root of the newest one."""
    status, headers, body = answer(store, "GET", "/tlog/checkpoint")
    assert status == 200 and headers["Content-Type"] == "text/plain; charset=utf-8"
    origin, size, root, empty, signature, end = body.decode().split("\n")
    assert empty == end == "" and signature.startswith(f"— {origin} ")
    return origin, int(size), root


def sign(store) -> int:
    """Has everything durable signed; returns how many records that are."""
    return int(answer(store, "POST", "/api/v1/checkpoint", b"", bearer(store))[2].decode().split("\n")[1])


def filled(store, records: int) -> int:
    while records > 0:
        count = min(records, 200)
        assert post(store, spans(count)).status == 200
        records -= count
    return sign(store)


def problem(got, status: int) -> str:
    assert got[0] == status and got[1]["Content-Type"] == "application/problem+json", got
    parsed = json.loads(got[2])
    assert parsed["status"] == status and parsed["detail"]
    return parsed["detail"]


def leaf_hash(leaf: bytes) -> bytes:
    return hashlib.sha256(b"\0" + leaf).digest()


def fold(index: int, size: int, leaf: bytes, proof: list[bytes]) -> bytes:
    """The root that an inclusion proof leads to: RFC 6962 §2.1.1, as RFC 9162 §2.1.3.2 says how to check it."""
    fn, sn, root = index, size - 1, leaf
    for step in proof:
        assert sn != 0
        if fn & 1 or fn == sn:
            root = hashlib.sha256(b"\1" + step + root).digest()
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            root = hashlib.sha256(b"\1" + root + step).digest()
        fn, sn = fn >> 1, sn >> 1
    assert sn == 0
    return root


def acts(store, action: str) -> list[dict]:
    found = [leaf for leaf in store.leaves() if leaf["o"].get("en") == action]
    return [dict(leaf["o"]["a"]) for leaf in found]


# --- files ----------------------------------------------------------------------------------------


def test_tiles_and_entries_are_those_of_the_records(store):
    size = filled(store, 700)
    leaves = store.export("--to", str(size - 1)).splitlines()
    hashes = [leaf_hash(leaf) for leaf in leaves]
    for path, first, width in (("000", 0, 256), ("001", 256, 256), ("000.p/1", 0, 1), ("002.p/77", 512, 77)):
        status, headers, body = answer(store, "GET", f"/tlog/tile/0/{path}", headers=bearer(store))
        assert status == 200 and headers["Content-Type"] == TILE
        assert "immutable" in headers["Cache-Control"] and "max-age=31536000" in headers["Cache-Control"]
        assert body == b"".join(hashes[first : first + width])
        status, headers, body = answer(store, "GET", f"/tlog/tile/entries/{path}", headers=bearer(store))
        assert status == 200 and headers["Content-Type"] == TILE and "immutable" in headers["Cache-Control"]
        assert body == b"".join(len(leaf).to_bytes(2, "big") + leaf for leaf in leaves[first : first + width])
    assert len(answer(store, "GET", "/tlog/tile/1/000.p/2", headers=bearer(store))[2]) == 64


def test_what_no_published_tree_has_is_not_there(store):
    size = filled(store, 300)
    level_0, width = divmod(size, 256)
    assert level_0 == 1 and 0 < width < 200
    for path in (
        # no trees as large as that
        f"0/001.p/{width + 50}", "0/001", "0/002.p/1", "1/000", "1/000.p/2", "1/001.p/1", "2/000.p/1", "63/000.p/1",
        "0/x999/999", "entries/001", f"entries/001.p/{width + 50}", "entries/002.p/1",
        # no paths
        "0/000.p/0", "0/000.p/256", "0/000.p/", "0/000.p", "0/000.p/01", "0/000.p/1/", "0/000.p/+1", "0/000.p/-1",
        "00/000", "64/000", "-1/000", "0/0", "0/00", "0/0000", "0/x000/000", "0/000/", "0//000", "0/x000", "0/X001/000",
        "0/001/000", "0/%30%30%30", "0/../0/000", "0/000?x", "entries/", "entries", "Entries/000", "data/000",
        "8/0/000", "0/000.P/1", "0/72057594037927936", "0/x072/x057/x594/x037/x927/936", "", "0", "0/",
    ):  # fmt: skip
        if "?" in path:  # a query is not part of the path
            assert answer(store, "GET", f"/tlog/tile/{path}", headers=bearer(store))[0] == 200
            continue
        problem(answer(store, "GET", f"/tlog/tile/{path}", headers=bearer(store)), 404)
    for path in ("/tlog", "/tlog/", "/tlog/checkpoint/", "/tlog/checkpoints", "/tlog/tiles/0/000"):
        problem(answer(store, "GET", path, headers=bearer(store)), 404)


def test_durable_records_are_served_when_a_checkpoint_is_published(store):
    seen = 0
    for _ in range(10):
        sign(store)
        assert post(store, spans(7)).status == 200
        durable = int(store.metric("sealtrail_height_durable"))
        got = [answer(store, "GET", f"/tlog/tile/{kind}/000.p/{durable}", headers=bearer(store)) for kind in ("0", "entries")]
        if checkpoint(store)[1] < durable:  # still not published, so it was not then either
            seen += 1
            assert [status for status, _, _ in got] == [404, 404]
        sign(store)
        assert answer(store, "GET", f"/tlog/tile/0/000.p/{durable}", headers=bearer(store))[0] == 200
    assert seen > 0


def test_a_partial_tile_stays_where_the_full_one_is(store):
    filled(store, 300)
    full = answer(store, "GET", "/tlog/tile/0/000", headers=bearer(store))[2]
    for width in (1, 128, 255):
        assert answer(store, "GET", f"/tlog/tile/0/000.p/{width}", headers=bearer(store))[2] == full[: 32 * width]


def test_tiles_need_a_token_and_the_checkpoint_does_not(store):
    filled(store, 300)
    for path in ("0/000", "entries/000", "no/such/tile", "0/x999/999"):
        got = answer(store, "GET", f"/tlog/tile/{path}")
        assert "token" in problem(got, 401) and got[1]["WWW-Authenticate"] == "Bearer"
        problem(answer(store, "GET", f"/tlog/tile/{path}", headers={"Authorization": "Bearer " + "0" * 64}), 401)
    assert answer(store, "GET", "/tlog/checkpoint")[0] == 200
    for path in ("proof?seq=0", "consistency?from=1"):
        problem(answer(store, "GET", f"/api/v1/{path}"), 401)
    problem(answer(store, "POST", "/api/v1/checkpoint", b""), 401)


def test_other_methods(store):
    for path in ("/tlog/checkpoint", "/tlog/tile/0/000"):
        got = answer(store, "POST", path, b"x", bearer(store))
        problem(got, 405)
        assert got[1]["Allow"] == "GET, HEAD"
    for method, path, allowed in (("POST", "/api/v1/proof", "GET"), ("HEAD", "/api/v1/proof?seq=0", "GET"),
                                  ("GET", "/api/v1/checkpoint", "POST")):  # fmt: skip
        got = answer(store, method, path, headers=bearer(store))
        assert got[0] == 405 and got[1]["Allow"] == allowed


def test_head_says_what_get_would(store):
    filled(store, 300)
    for path in ("/tlog/checkpoint", "/tlog/tile/0/000", "/tlog/tile/entries/000", "/tlog/tile/entries/000.p/9"):
        status, headers, body = answer(store, "GET", path, headers=bearer(store))
        assert status == 200 and len(body) > 0
        head = answer(store, "HEAD", path, headers=bearer(store))
        assert head[0] == 200 and head[2] == b""
        for name in ("Content-Length", "Content-Type", "Cache-Control", "ETag", "Vary"):
            assert head[1][name] == headers[name], name
    assert answer(store, "HEAD", "/tlog/tile/0/x999/999", headers=bearer(store))[0] == 404
    assert answer(store, "HEAD", "/tlog/tile/0/000")[0] == 401


def test_who_has_it_already_gets_it_not_again(store):
    filled(store, 300)
    for path in ("/tlog/checkpoint", "/tlog/tile/0/000", "/tlog/tile/entries/000"):
        _, headers, _ = answer(store, "GET", path, headers=bearer(store))
        tag = headers["ETag"]
        assert re.fullmatch(r'"[0-9a-f]{32}"', tag)
        for match in (tag, f"W/{tag}", f'"x", {tag}', "*"):
            status, headers, body = answer(store, "GET", path, headers=bearer(store) | {"If-None-Match": match})
            assert (status, body) == (304, b"") and headers["ETag"] == tag and headers["Cache-Control"], match
        for match in ('"x"', tag[:-2] + '"', tag.strip('"')):
            assert answer(store, "GET", path, headers=bearer(store) | {"If-None-Match": match})[0] == 200, match
    before = answer(store, "GET", "/tlog/checkpoint")[1]
    assert before["Cache-Control"] == "no-cache"
    filled(store, 1)
    assert answer(store, "GET", "/tlog/checkpoint", headers={"If-None-Match": before["ETag"]})[0] == 200


def test_entries_come_packed_to_those_who_take_it(store):
    filled(store, 300)
    path = "/tlog/tile/entries/000"
    plain = answer(store, "GET", path, headers=bearer(store))
    packed = answer(store, "GET", path, headers=bearer(store) | {"Accept-Encoding": "br, gzip;q=0.5"})
    assert plain[1]["Content-Encoding"] is None and packed[1]["Content-Encoding"] == "gzip"
    assert plain[1]["Vary"] == packed[1]["Vary"] == "Accept-Encoding"
    assert gzip.decompress(packed[2]) == plain[2] and len(packed[2]) < len(plain[2]) / 3
    assert packed[1]["ETag"] != plain[1]["ETag"]
    refused = answer(store, "GET", path, headers=bearer(store) | {"Accept-Encoding": "gzip;q=0"})
    assert refused[1]["Content-Encoding"] is None and refused[2] == plain[2]
    tile = answer(store, "GET", "/tlog/tile/0/000", headers=bearer(store) | {"Accept-Encoding": "gzip"})
    assert tile[1]["Content-Encoding"] is None and len(tile[2]) == 8192
    # A client that we did not write.
    done = subprocess.run(["curl", "--silent", "--fail", "--compressed", "-H", f"Authorization: {bearer(store)['Authorization']}",
                           f"http://{store.ready['api']}{path}"], capture_output=True, check=True)  # fmt: skip
    assert done.stdout == plain[2]


def test_reading_entries_is_recorded_once_a_minute(store):
    filled(store, 600)
    for path in ("000", "001", "000.p/3", "001"):
        assert answer(store, "GET", f"/tlog/tile/entries/{path}", headers=bearer(store))[0] == 200
    assert answer(store, "GET", "/tlog/tile/0/000", headers=bearer(store))[0] == 200
    (first,) = acts(store, "sealtrail.entries.read")
    assert first["audit.actor.id"].startswith("local:")
    wanted = {"bundles": "1", "entries": "256", "from": "0", "to": "255"}
    assert {key: first[f"sealtrail.read.{key}"] for key in wanted} == wanted
    store.stop()
    _, rest = acts(store, "sealtrail.entries.read")
    wanted = {"bundles": "3", "entries": "515", "from": "0", "to": "511"}
    assert {key: rest[f"sealtrail.read.{key}"] for key in wanted} == wanted


# --- proofs ---------------------------------------------------------------------------------------


def test_a_proof_file_leads_to_the_signed_root(store):
    size = filled(store, 600)
    leaves = store.export("--to", str(size - 1)).splitlines()
    for seq in (0, 1, 255, 256, 511, size - 1):
        status, headers, body = answer(store, "GET", f"/api/v1/proof?seq={seq}", headers=bearer(store))
        assert status == 200 and headers["Content-Type"] == "text/plain; charset=utf-8"
        head, note = body.decode().split("\n\n", 1)
        magic, index, *hashes = head.split("\n")
        assert (magic, index) == ("c2sp.org/tlog-proof@v1", f"index {seq}")
        tree, root = int(note.split("\n")[1]), note.split("\n")[2]
        assert tree >= size
        proof = [base64.b64decode(line) for line in hashes]
        assert fold(seq, tree, leaf_hash(leaves[seq]), proof) == base64.b64decode(root)


def test_a_proof_in_json_for_an_older_tree(store):
    size = filled(store, 300)
    leaves = store.export("--to", str(size - 1)).splitlines()
    as_json = bearer(store) | {"Accept": "application/json"}
    status, headers, body = answer(store, "GET", "/api/v1/proof?seq=7&size=100", headers=as_json)
    got = json.loads(body)
    assert status == 200 and headers["Content-Type"] == "application/json"
    assert (got["index"], got["size"], got["checkpoint"]) == (7, 100, None)
    assert base64.b64decode(got["leaf_hash"]) == leaf_hash(leaves[7])
    proof = [base64.b64decode(text) for text in got["hashes"]]
    assert fold(7, 100, leaf_hash(leaves[7]), proof) == base64.b64decode(got["root"])
    newest = json.loads(answer(store, "GET", "/api/v1/proof?seq=7", headers=as_json)[2])
    assert newest["checkpoint"].split("\n")[1:3] == [str(newest["size"]), newest["root"]]
    # The signed checkpoint of that tree is kept by whoever has it, so there is no file of it.
    assert "JSON" in problem(answer(store, "GET", "/api/v1/proof?seq=7&size=100", headers=bearer(store)), 404)


def test_which_form_a_client_wants(store):
    filled(store, 5)
    for accept, wanted in (("", "text/plain"), ("*/*", "text/plain"), ("application/json", "application/json"),
                           ("text/plain, application/json", "text/plain"), ("application/json;q=0.1", "application/json"),
                           ("text/plain;q=0.5, application/json", "application/json"), ("application/json;q=0", "text/plain"),
                           ("image/png", "text/plain")):  # fmt: skip
        headers = answer(store, "GET", "/api/v1/proof?seq=1", headers=bearer(store) | {"Accept": accept})[1]
        assert headers["Content-Type"].split(";")[0] == wanted, accept


def test_a_record_that_no_checkpoint_covers_yet_is_signed_first(store):
    for _ in range(20):
        assert post(store, spans(1)).status == 200
        newest = int(store.metric("sealtrail_height_durable")) - 1
        body = answer(store, "GET", f"/api/v1/proof?seq={newest}", headers=bearer(store))[2].decode()
        assert int(body.split("\n\n", 1)[1].split("\n")[1]) > newest


def test_a_checkpoint_on_demand_covers_everything(store):
    assert post(store, spans(3)).status == 200
    durable = int(store.metric("sealtrail_height_durable"))
    status, headers, note = answer(store, "POST", "/api/v1/checkpoint", b"", bearer(store))
    assert status == 200 and headers["Content-Type"] == "text/plain; charset=utf-8"
    assert int(note.decode().split("\n")[1]) >= durable
    assert answer(store, "GET", "/tlog/checkpoint")[2] == note


def test_consistency_between_two_trees(store):
    first = checkpoint(store)
    filled(store, 400)
    second = checkpoint(store)
    path = f"/api/v1/consistency?from={first[1]}&to={second[1]}"
    got = json.loads(answer(store, "GET", path, headers=bearer(store))[2])
    assert got["from"] == {"size": first[1], "root": first[2]}
    assert got["to"] == {"size": second[1], "root": second[2]}
    assert all(len(base64.b64decode(text)) == 32 for text in got["hashes"]) and got["hashes"]
    newest = json.loads(answer(store, "GET", f"/api/v1/consistency?from={first[1]}", headers=bearer(store))[2])
    assert newest["checkpoint"].split("\n")[1] == str(newest["to"]["size"])
    same = json.loads(answer(store, "GET", f"/api/v1/consistency?from={first[1]}&to={first[1]}", headers=bearer(store))[2])
    assert same["hashes"] == [] and same["from"] == same["to"]
    nothing = json.loads(answer(store, "GET", "/api/v1/consistency?from=0", headers=bearer(store))[2])
    assert nothing["hashes"] == [] and base64.b64decode(nothing["from"]["root"]) == hashlib.sha256().digest()


def test_proofs_of_what_is_not_there(store):
    size = filled(store, 10)
    for query in ("", "seq=", "seq=x", "seq=-1", "seq=1.0", "seq=+1", "seq=99999999999999999999", "seq=1&size=x", "seq=5&size=5",
                  "seq=5&size=2", "seq=0&size=0", "SEQ=1", "seq=1%20"):  # fmt: skip
        problem(answer(store, "GET", f"/api/v1/proof?{query}", headers=bearer(store)), 400)
    for query in ("", "from=x", "from=2&to=1", "to=3", "from=-1", "from=1&to=y"):
        problem(answer(store, "GET", f"/api/v1/consistency?{query}", headers=bearer(store)), 400)
    for path in (f"proof?seq={size + 1000}", f"proof?seq=0&size={size + 1000}", "proof?seq=18446744073709551615",
                 f"consistency?from={size + 1000}", f"consistency?from=1&to={size + 1000}"):  # fmt: skip
        assert "records" in problem(answer(store, "GET", f"/api/v1/{path}", headers=bearer(store)), 404)
    assert acts(store, "sealtrail.proof.issue") == []


def test_a_proof_is_a_record_before_it_leaves(store):
    filled(store, 10)
    assert answer(store, "GET", "/api/v1/proof?seq=3", headers=bearer(store))[0] == 200
    assert answer(store, "GET", "/api/v1/consistency?from=2&to=9", headers=bearer(store))[0] == 200
    inclusion, consistency = acts(store, "sealtrail.proof.issue")
    assert inclusion["sealtrail.proof.kind"] == "inclusion" and inclusion["sealtrail.proof.seq"] == "3"
    assert consistency["sealtrail.proof.kind"] == "consistency" and consistency["sealtrail.proof.from"] == "2"
    assert consistency["sealtrail.tree.size"] == "9" and inclusion["audit.actor.id"].startswith("local:")


def test_damage_is_told_and_never_proved(make_store):
    store = make_store()
    filled(store, 600)
    assert answer(store, "GET", "/api/v1/proof?seq=300", headers=bearer(store))[0] == 200
    (log,) = (store.data / "segments").glob("*.log")
    bytes_ = bytearray(log.read_bytes())
    at = bytes_.index(b'"audit.action"', len(bytes_) // 2)
    bytes_[at + 1] ^= 1
    with open(log, "r+b") as file:  # the same file that the store holds open
        file.seek(at + 1)
        file.write(bytes_[at + 1 : at + 2])
    codes = {}
    for seq in range(0, 600, 37):
        got = answer(store, "GET", f"/api/v1/proof?seq={seq}", headers=bearer(store))
        codes[got[0]] = got
    assert set(codes) <= {200, 500} and 500 in codes
    detail = problem(codes[500], 500)
    assert ".log" in detail and "checksum" in detail
    assert store.metric("sealtrail_api_damage_total") >= 1
    assert '"damage"' in store.stderr()


# --- commands -------------------------------------------------------------------------------------


def test_prove_writes_a_proof_file(store, tmp_path):
    filled(store, 300)
    printed = store.run("prove", "--data", store.data, "7").stdout
    assert printed.startswith("c2sp.org/tlog-proof@v1\nindex 7\n")
    store.run("prove", "--data", store.data, "7", "-o", tmp_path / "seven.tlog-proof")
    assert (tmp_path / "seven.tlog-proof").read_text().startswith("c2sp.org/tlog-proof@v1\nindex 7\n")
    assert json.loads(store.run("prove", "--data", store.data, "--json", "7").stdout)["index"] == 7
    for arguments in (("99999999",), ("-o", tmp_path / "x", "99999999"), ("x",), ("-1",), (), ("-o", tmp_path / "no/such", "1")):
        done = store.run("prove", "--data", store.data, *arguments, check=False)
        assert done.returncode == 2 and done.stderr and not done.stdout, arguments
    assert not (tmp_path / "x").exists()


def test_a_proof_is_written_to_files_alone(store, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CommandFailed, match="is no file"):
        store.run("prove", "--data", store.data, "0", "-o", tmp_path / "pipe")
    assert (tmp_path / "pipe").is_fifo()
    (tmp_path / "link").symlink_to("proof")
    (tmp_path / "proof").write_text("an older one")
    store.run("prove", "--data", store.data, "0", "-o", tmp_path / "link")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "proof").read_text().startswith("c2sp.org/tlog-proof@v1")


def test_prove_on_a_stopped_store(make_store):
    store = make_store()
    filled(store, 10)
    assert store.stop() == 0
    assert store.run("prove", "--data", store.data, "3").stdout.startswith("c2sp.org/tlog-proof@v1\nindex 3\n")
    assert len(acts(store, "sealtrail.proof.issue")) == 1


def test_commands_on_a_folder_that_is_only_read(make_store, mounts, tmp_path):
    store = make_store()
    filled(store, 300)
    assert store.stop() == 0
    subprocess.run(["mount", "--bind", store.data, store.data], check=True)
    subprocess.run(["mount", "-o", "remount,ro,bind", store.data], check=True)
    try:
        for command in (("prove", "3"), ("export", "--tlog", tmp_path / "tree")):
            done = store.run(command[0], "--data", store.data, *command[1:])
            assert "recorded: false" in done.stderr
    finally:
        subprocess.run(["umount", store.data], check=True)
    assert (tmp_path / "tree/checkpoint").read_bytes() == (store.data / "checkpoint").read_bytes()


def tree_of(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_export_writes_what_is_served(store, tmp_path):
    filled(store, 700)
    out = tmp_path / "tree"
    done = store.run("export", "--data", store.data, "--tlog", out)
    files = tree_of(out)
    _, size, root, *_ = files["checkpoint"].decode().split("\n")
    assert done.stderr == f"size {size}\nroot {root}\n" and done.stdout == ""
    width = int(size) % 256
    assert set(files) == {"checkpoint", "tile/0/000", "tile/0/001", f"tile/0/002.p/{width}", "tile/1/000.p/2",
                          "tile/entries/000", "tile/entries/001", f"tile/entries/002.p/{width}"}  # fmt: skip
    for name, content in files.items():
        if name != "checkpoint":
            assert answer(store, "GET", f"/tlog/{name}", headers=bearer(store))[2] == content, name
    # It goes on where it ended, and is the same as one made at once.
    filled(store, 300)
    store.run("export", "--data", store.data, "--tlog", out)
    assert int((out / "checkpoint").read_text().split("\n")[1]) > int(size) + 300
    last = acts(store, "sealtrail.leaves.export")[-1]
    assert last["sealtrail.export.from"] == "512"


def test_an_export_that_broke_off_goes_on(store, tmp_path):
    filled(store, 2000)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert store.stop() == 0
    store.run("export", "--data", store.data, "--tlog", broken)
    for name in ("checkpoint", "tile/entries/003", "tile/0/004"):  # as if it ended before them
        (broken / name).unlink()
    (broken / "checkpoint.next").write_bytes((store.data / "checkpoint").read_bytes())
    store.run("export", "--data", store.data, "--tlog", broken)
    shutil.copytree(broken, whole)
    for path in (whole / "tile").rglob("*"):
        path.is_file() and path.unlink()
    note = (broken / "checkpoint").read_bytes()
    full = {name: content for name, content in tree_of(broken).items() if ".p/" not in name}
    store.run("export", "--data", store.data, "--tlog", whole)
    assert full.items() - {("checkpoint", note)} <= tree_of(whole).items()


def test_export_leaves_alone_what_is_not_its_own(make_store, tmp_path):
    store = make_store()
    other = make_store(name="other")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/holiday.jpg").write_bytes(b"x")
    done = store.run("export", "--data", store.data, "--tlog", tmp_path / "photos", check=False)
    assert done.returncode == 2 and "not empty" in done.stderr
    store.run("export", "--data", store.data, "--tlog", tmp_path / "tree")
    done = other.run("export", "--data", other.data, "--tlog", tmp_path / "tree", check=False)
    assert done.returncode == 2 and "is of the log" in done.stderr
    for arguments in (("--from", "1"), ("--to", "1")):
        done = store.run("export", "--data", store.data, "--tlog", tmp_path / "x", *arguments, check=False)
        assert done.returncode == 2
    done = store.run("export", "--data", store.data, "--tlog", tmp_path / "photos/holiday.jpg", check=False)
    assert done.returncode == 2 and "holiday.jpg" in done.stderr
    assert tree_of(tmp_path / "photos") == {"holiday.jpg": b"x"}


@pytest.mark.parametrize("records", [0, 254, 255])
def test_small_trees(store, tmp_path, records):
    if records:
        filled(store, records)
    store.run("export", "--data", store.data, "--tlog", tmp_path / "tree")
    files = tree_of(tmp_path / "tree")
    size = int(files["checkpoint"].decode().split("\n")[1])
    leaves = store.export("--to", str(size - 1)).splitlines()
    hashes = b"".join(map(leaf_hash, leaves))
    if size < 256:
        assert files[f"tile/0/000.p/{size}"] == hashes and len(files) == 3
    else:
        assert files["tile/0/000"] == hashes[:8192] and len(files["tile/1/000.p/1"]) == 32
