"""Backups of running and stopped stores, and stores that go on from them: under their key, or as a new epoch."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import threading
import time

import pytest
import traffic
from store import CommandFailed, StartFailed, Store
from test_anchors import Witness, cosigned, within

SEGMENTS = {"segment": {"bytes_max": 100_000}}


def backup(store, target, *more) -> dict:
    return json.loads(store.run("backup", "--data", store.data, "--to", target, "--json", *more).stdout)


def restore(store, source, data, *more) -> dict:
    return json.loads(store.run("restore", "--from", source, "--data", data, "--json", *more).stdout)


def refused(store, *arguments) -> CommandFailed:
    with pytest.raises(CommandFailed) as error:
        store.run(*arguments)
    return error.value


def fill(store, count: int, turn: str = "0") -> None:
    assert traffic.post(store, traffic.spans(count, turn=turn)).status == 200


def assert_sound(store, folder, *options) -> dict:
    code, report = store.verify(folder, *options)
    assert code == 0, report
    return report


def test_a_running_store_is_backed_up_while_records_come(make_store, tmp_path):
    store, target = make_store(SEGMENTS), tmp_path / "backup"
    stop = threading.Event()
    answers = []

    def send():
        turn = 0
        while not stop.is_set():
            answers.append(traffic.post(store, traffic.spans(50, turn=str(turn))).status)
            turn += 1

    sender = threading.Thread(target=send)
    sender.start()
    try:
        sizes, copied = [], []
        for _ in range(8):
            fill(store, 400, "more")
            answer = backup(store, target)
            report = assert_sound(store, target)
            assert (report["size"], report["not_yet_checkpointed"]) == (answer["size"], 0)
            assert report["root"] == answer["root"]
            sizes.append(answer["size"])
            copied.append((answer["copied"], answer["files"]))
    finally:
        stop.set()
        sender.join()
    assert set(answers) == {200}
    assert sizes == sorted(set(sizes))
    assert copied[0][0] == copied[0][1] and all(now < files for now, files in copied[3:]), copied
    assert len(list(target.glob("segments/*.seg"))) >= 5 and len(list(target.glob("segments/*.log"))) == 1
    assert not (target / "keys/log.key").exists()
    rows = store.query("SELECT target, attributes['sealtrail.backup.with_key'] AS k FROM audit_self "
                       "WHERE action = 'sealtrail.backup.run'")  # fmt: skip
    # One more where the log was sealed before it was copied, so that the command asked again.
    assert len(rows) >= 8 and all(row == {"target": str(target), "k": "false"} for row in rows), rows


def test_the_backup_of_a_stopped_store_is_all_of_it(make_store, tmp_path):
    store, target = make_store(SEGMENTS), tmp_path / "backup"
    fill(store, 500)
    assert store.stop() == 0
    answer = backup(store, target, "--with-key")
    assert (target / "checkpoint").read_bytes() == (store.data / "checkpoint").read_bytes()
    assert (target / "keys/log.key").read_bytes() == (store.data / "keys/log.key").read_bytes()
    assert answer["with_key"] and assert_sound(store, target)["size"] == answer["size"]

    sealed = next(target.glob("segments/*.seg"))
    content = bytearray(sealed.read_bytes())
    content[2000] ^= 1
    sealed.write_bytes(content)
    assert backup(store, target)["differed"] == []
    assert backup(store, target, "--check")["differed"] == [f"segments/{sealed.name}"]
    assert_sound(store, target)


def test_a_signing_record_elsewhere_is_for_one_store(make_store, tmp_path):
    store, safe = make_store(), tmp_path / "safe"
    assert store.stop() == 0
    with pytest.raises(StartFailed, match="state is missing"):
        store.start("--signing-state", safe)
    for place in (store.data / "segments", store.data / "new"):
        with pytest.raises(StartFailed, match="lies in the data folder"):
            store.start("--signing-state", place)
    store.start()  # a refused place is forgotten
    assert store.stop() == 0

    shutil.move(store.data / "signing/state", safe)
    store.start("--signing-state", os.path.relpath(safe))
    assert (store.data / "signing/elsewhere").read_text() == f"{safe}\n"
    backup(store, tmp_path / "backup", "--with-key")
    copy = make_store(name="copy")
    copy.kill9()
    shutil.rmtree(copy.data)
    shutil.copytree(store.data, copy.data, ignore=shutil.ignore_patterns("api.sock"))
    with pytest.raises(StartFailed, match="another process signs by it"):
        copy.start()
    error = refused(store, "restore", "--from", tmp_path / "backup", "--data", tmp_path / "restored",
                    "--key", tmp_path / "backup/keys/log.key", "--signing-state", safe)  # fmt: skip
    assert "another process signs by it" in error.stderr
    fill(store, 10)
    assert store.stop() == 0
    assert_sound(store, store.data)
    with pytest.raises(StartFailed, match="signed before|may have been signed|rollback|signing record"):
        copy.start()


def test_a_removed_lock_lets_nobody_in(make_store, tmp_path):
    store = make_store()
    (store.data / "LOCK").unlink()
    other = Store(store.data)
    other.stderr_path = tmp_path / "other.stderr"
    with pytest.raises(StartFailed, match="held by another process"):
        other.start()
    fill(store, 10)
    assert store.stop() == 0
    assert_sound(store, store.data)


def test_a_segment_that_is_damaged_is_copied_and_told(make_store, tmp_path):
    store, target = make_store(SEGMENTS), tmp_path / "backup"
    fill(store, 500)
    assert store.stop() == 0
    sealed = next(store.data.glob("segments/*.seg"))
    content = bytearray(sealed.read_bytes())
    content[2000] ^= 1
    sealed.write_bytes(content)
    error = refused(store, "backup", "--data", store.data, "--to", target, "--json")
    assert error.exit_code == 1 and json.loads(error.stdout)["damaged"] == [f"segments/{sealed.name}"]
    assert backup(store, target)["damaged"] == [], "told once, when it is copied"


def test_folders_that_lie_in_one_another_are_refused(make_store, tmp_path):
    store, target = make_store(SEGMENTS), tmp_path / "backup"
    (tmp_path / "link").symlink_to(store.data)
    for place in (store.data, store.data / "backup", tmp_path / "link/backup", tmp_path):
        assert "lies in the other" in refused(store, "backup", "--data", store.data, "--to", place).stderr
        assert "lies in the other" in refused(store, "export", "--data", store.data, "--tlog", place).stderr
    backup(store, target)
    for place in (target, target / "data"):
        assert "lies in the other" in refused(store, "restore", "--from", target, "--data", place, "--new-epoch").stderr
    assert store.stop() == 0
    assert_sound(store, store.data)
    assert_sound(store, target)


def test_a_backup_that_is_killed_is_the_old_one_or_the_new_one(make_store, tmp_path, rng):
    store, target = make_store(SEGMENTS), tmp_path / "backup"
    fill(store, 500)
    size = backup(store, target)["size"]
    killed = 0
    for turn in range(25):
        fill(store, 500, str(turn))
        began = time.monotonic()
        process = subprocess.Popen([store.binary, "backup", "--data", store.data, "--to", target],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
        wait = rng.uniform(0.002, 0.1)
        while time.monotonic() - began < wait:  # no nap: on a fast machine it would all be over
            pass
        process.kill()
        killed += process.wait() != 0
        code, report = store.verify(target)
        assert code in (0, 2), report
        if code == 2:
            assert "the next one completes it" in report["obstacles"][0]
        else:
            assert report["size"] >= size
            size = report["size"]
    assert killed > 5
    answer = backup(store, target, "--check")
    assert answer["differed"] == [] and assert_sound(store, target)["size"] == answer["size"]
    assert not list(target.rglob("*incoming*"))


def test_a_place_that_is_no_backup_of_this_trail_is_left_alone(make_store, tmp_path):
    store, other = make_store(), make_store(name="other")
    backup(other, tmp_path / "others")
    assert "another trail" in refused(store, "backup", "--data", store.data, "--to", tmp_path / "others").stderr
    assert other.stop() == 0
    assert "data folder" in refused(store, "backup", "--data", store.data, "--to", other.data).stderr
    (tmp_path / "full").mkdir()
    (tmp_path / "full/letter.txt").write_text("dear")
    assert "letter.txt" in refused(store, "backup", "--data", store.data, "--to", tmp_path / "full").stderr
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["letter.txt"]


def test_a_store_goes_on_from_its_backup_as_a_new_epoch(make_store, tmp_path):
    store, target = make_store(SEGMENTS), tmp_path / "backup"
    fill(store, 500, "kept")
    answer = backup(store, target)
    old = store.ready["vkey"]
    fill(store, 300, "lost")
    store.kill9()

    new = make_store(SEGMENTS, name="new", start=False)
    said = restore(store, target, new.data, "--new-epoch")
    assert (said["records"], said["root"], said["recovered"], said["epoch"]) == (answer["size"], answer["root"], True, 1)
    assert said["vkey"].split("+")[0] == old.split("+")[0] + "/epoch-1"
    assert_sound(new, new.data)
    new.start()
    assert new.ready["vkey"] == said["vkey"] and new.ready["origin"] == old.split("+")[0]
    fill(new, 200, "after")
    rows = new.query("SELECT attributes['turn'] AS turn, count(*) AS n FROM audit_spans WHERE action = 'exercise' GROUP BY 1 ORDER BY 1")
    assert rows == [{"turn": "after", "n": 200}, {"turn": "kept", "n": 500}]
    (epoch,) = new.query("SELECT seq, attributes['sealtrail.tree.size'] AS size, actor FROM audit_self "
                         "WHERE action = 'sealtrail.recovery.epoch'")  # fmt: skip
    assert (epoch["seq"], epoch["size"]) == (answer["size"], str(answer["size"]))
    assert epoch["actor"].startswith("local:")
    assert (new.data / "checkpoint").read_text().startswith(said["vkey"].split("+")[0] + "\n")
    assert new.stop() == 0

    report = assert_sound(new, new.data, "--vkey", said["vkey"])
    assert report["verdicts"]["authorship"] == "pass"
    report = assert_sound(new, new.data, "--vkey", old)
    assert report["verdicts"]["authorship"] == "not_established"
    assert f"from record {answer['size']} on" in report["reasons"]["authorship"]
    assert f"vouches for the first {answer['size']} records" in report["reasons"]["authorship"]

    # The backup from before the loss goes on, and holds the new epoch.
    answer = backup(new, target)
    assert assert_sound(new, target)["size"] == answer["size"] and answer["epoch"] == 1
    shown = new.run("restore", "--from", target, "--data", tmp_path / "newer", "--new-epoch").stdout
    assert "/epoch-2+" in shown and "lost, unless senders still hold them" in shown


def test_a_store_goes_on_under_its_key_where_nothing_was_signed_since(make_store, tmp_path):
    store, target = make_store(SEGMENTS, start=False), tmp_path / "backup"
    safe, key = tmp_path / "safe", tmp_path / "log.key"
    store.start("--signing-state", str(safe))
    fill(store, 500)
    backup(store, target)
    shutil.copy(store.data / "keys/log.key", key)
    assert store.stop() == 0

    command = ["restore", "--from", target, "--data", tmp_path / "new"]
    assert "--new-epoch" in refused(store, *command, "--key", key).stderr
    assert "may have been signed" in refused(store, *command, "--key", key, "--signing-state", safe).stderr
    assert "one of --key FILE" in refused(store, *command).stderr
    assert not (tmp_path / "new").exists()

    answer = backup(store, target)  # all of it, now that it is stopped
    new = make_store(SEGMENTS, name="new", start=False)
    said = restore(store, target, new.data, "--key", key, "--signing-state", safe)
    assert (said["records"], said["recovered"], said["epoch"]) == (answer["size"], False, 0)
    new.start()
    assert new.ready["vkey"].split("+")[1] == said["vkey"].split("+")[1]
    fill(new, 100, "after")
    assert new.query("SELECT count(*) AS n FROM audit_spans WHERE action = 'exercise'") == [{"n": 600}]
    assert new.stop() == 0
    report = assert_sound(new, new.data, "--vkey", said["vkey"])
    assert report["verdicts"]["authorship"] == "pass"
    with pytest.raises(StartFailed, match="the signing record"):
        store.start()


def test_restores_that_are_refused(make_store, tmp_path):
    store, target = make_store(SEGMENTS), tmp_path / "backup"
    fill(store, 500)
    backup(store, target)
    (tmp_path / "full").mkdir()
    (tmp_path / "full/letter.txt").write_text("dear")
    error = refused(store, "restore", "--from", target, "--data", tmp_path / "full", "--new-epoch")
    assert error.exit_code == 2 and "letter.txt" in error.stderr

    sealed = next(target.glob("segments/*.seg"))
    content = bytearray(sealed.read_bytes())
    content[2000] ^= 1
    sealed.write_bytes(content)
    error = refused(store, "restore", "--from", target, "--data", tmp_path / "new", "--new-epoch")
    assert error.exit_code == 1 and f"segments/{sealed.name}" in error.stderr and "not sound" in error.stderr
    assert not (tmp_path / "new").exists()
    error = refused(store, "restore", "--from", store.data, "--data", tmp_path / "new", "--new-epoch")
    assert "in use" in error.stderr

    # A backup that holds what this store lost is not overwritten.
    backup(store, target, "--check")
    assert store.stop() == 0
    early = tmp_path / "early"
    shutil.copytree(store.data, early, ignore=shutil.ignore_patterns("api.sock"))
    store.start()
    fill(store, 100)
    backup(store, target)
    assert store.stop() == 0
    shutil.rmtree(store.data)
    shutil.copytree(early, store.data)
    error = refused(store, "backup", "--data", store.data, "--to", target)
    assert "it holds what is lost here" in error.stderr


def test_a_witness_takes_the_new_epoch_and_not_the_old_log_going_back(make_store, tmp_path):
    store, target = make_store(), tmp_path / "backup"
    assert store.stop() == 0
    vkey = (store.data / "keys/log.vkey").read_text().strip()
    witness = Witness(tmp_path / "witness", vkey)
    policy = tmp_path / "policy"

    def anchored(config_vkey: str) -> dict:
        policy.write_text(witness.policy(config_vkey))
        return {"anchors": {"policy": str(policy), "witness_interval_seconds": 1}}

    try:
        store.configure(anchored(vkey))
        store.start()
        fill(store, 50)
        within(60, lambda: cosigned(store) and int(cosigned(store)[-1].split(".")[0]) > 50)
        backup(store, target, "--with-key")
        fill(store, 50, "lost")
        size = json.loads(store.http("GET", "/readyz", token=False))["durable"]
        within(60, lambda: int(cosigned(store)[-1].split(".")[0]) >= size)
        store.kill9()

        # Whoever copies the backup by hand and goes on under the old key is found out.
        shutil.copytree(target, tmp_path / "by_hand")
        by_hand = make_store(anchored(vkey), name="by_hand", start=False)
        (by_hand.data / "signing").mkdir(exist_ok=True)
        with pytest.raises(StartFailed, match="signing record"):
            by_hand.start()

        new = make_store(name="new", start=False)
        said = restore(store, target, new.data, "--new-epoch")
        witness.stop()
        witness = Witness(tmp_path / "witness", vkey, said["vkey"])
        new.configure(anchored(said["vkey"]))
        new.start()
        fill(new, 10, "after")
        size = json.loads(new.http("GET", "/readyz", token=False))["durable"]
        within(60, lambda: int(cosigned(new)[-1].split(".")[0]) >= size)
        (state,) = json.loads(new.http("GET", "/api/v1/anchors"))["witnesses"]
        assert (state["error"], state["alarm"]) == ("", "")
        assert new.stop() == 0
        both = witness.policy(said["vkey"]) + f"log {vkey}\n"
        policy.write_text(both)
        report = assert_sound(new, new.data, "--policy", policy, "--vkey", said["vkey"])
        assert report["verdicts"]["independence"] == "pass", report
        notes = [path.read_text() for path in sorted((new.data / "anchors").glob("*.checkpoint"))]
        assert notes[0].startswith(vkey.split("+")[0] + "\n"), "what was cosigned before is kept"
        assert notes[-1].startswith(said["vkey"].split("+")[0] + "\n")

        # The old log, from the same backup, without the restore's rules: its signing record forged.
        old = make_store(anchored(vkey), name="old", start=False)
        shutil.copytree(target, old.data)
        origin, size, root = (target / "checkpoint").read_text().splitlines()[:3]
        forge_signing_record(old.data, origin, size, root)
        with pytest.raises(StartFailed, match="rollback or fork detected"):
            old.start()
    finally:
        witness.process.kill()
        witness.process.wait()


def forge_signing_record(data, origin: str, size: str, root: str) -> None:
    lines = f"sealtrail/signing/v1\norigin {origin}\nepoch 0\nsize {size}\nroot {root}\n"
    digest = base64.b64encode(hashlib.sha256(lines.encode()).digest()).decode()
    (data / "signing").mkdir(exist_ok=True)
    (data / "signing/state").write_text(f"{lines}sha256 {digest}\n")
