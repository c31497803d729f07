"""The trail's key behind a command: openssl signs, is away for a while, and hands over to others and back to a file."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess

import pytest
import traffic
from store import CommandFailed, StartFailed
from test_anchors import within

ORIGIN = "audit.example.com/e2e"
NO_KEY = "the token is not there"


class OpensslSigner:
    """A private key that openssl made and uses, and the script that answers for it."""

    def __init__(self, folder):
        folder.mkdir()
        key, self.away, self.refusals = folder / "key.pem", folder / "away", folder / "refusals"
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", key], check=True, capture_output=True)
        public = subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-outform", "DER"], check=True, capture_output=True)
        typed = b"\x01" + public.stdout[-32:]
        key_id = hashlib.sha256(ORIGIN.encode() + b"\n" + typed).digest()[:4].hex()
        self.vkey = f"{ORIGIN}+{key_id}+{base64.b64encode(typed).decode()}"
        script = folder / "sign.sh"
        script.write_text(f"""#!/bin/bash
set -e -o pipefail
if [ -e {self.away} ]; then echo once >> {self.refusals}; echo "{NO_KEY}" >&2; exit 1; fi
openssl pkeyutl -sign -rawin -inkey {key} -in /dev/stdin | base64 -w0
""")
        script.chmod(0o755)
        self.config = {"command": [str(script)], "vkey": self.vkey}


def readyz(store) -> dict:
    return json.loads(store.http("GET", "/readyz", token=False))


def covered(store) -> bool:
    heights = readyz(store)
    return heights["durable"] == heights["checkpointed"]


def keys(store, *more: str) -> list[dict]:
    return json.loads(store.run("keys", *more, "--data", store.data, "--json").stdout)["keys"]


def expect_sound(store, vkey: str) -> None:
    code, report = store.verify(store.data, "--vkey", vkey)
    assert code == 0 and report["verdict"] == "sound" and report["verdicts"]["authorship"] == "pass", report


def test_openssl_signs(make_store, tmp_path):
    signer = OpensslSigner(tmp_path / "signer")
    store = make_store({"signer": signer.config, "segment": {"bytes_max": 100_000}})
    assert (store.ready["origin"], store.ready["vkey"]) == (ORIGIN, signer.vkey)
    for turn in range(3):
        assert traffic.post(store, traffic.spans(200, turn=str(turn))).status == 200
    within(60, lambda: list((store.data / "segments").glob("*.manifest")) and covered(store))
    assert [(key["vkey"], key["held"]) for key in keys(store, "show")] == [(signer.vkey, "command")]
    assert "held by a command" in store.run("keys", "show", "--data", store.data).stdout
    assert not (store.data / "keys/log.key").exists()
    assert store.stop() == 0
    expect_sound(store, signer.vkey)

    with pytest.raises(CommandFailed) as refused:
        store.run("keys", "show", "--data", store.data)
    assert signer.vkey in refused.value.stderr and "held by a signer command" in refused.value.stderr
    with pytest.raises(CommandFailed) as refused:
        store.start()
        store.run("backup", "--data", store.data, "--to", tmp_path / "backup", "--with-key")
    assert "held by a command" in refused.value.stderr
    store.run("backup", "--data", store.data, "--to", tmp_path / "backup")
    assert store.verify(tmp_path / "backup")[0] == 0


def test_a_signer_that_is_away(make_store, tmp_path):
    signer = OpensslSigner(tmp_path / "signer")
    store = make_store({"signer": signer.config})
    assert traffic.post(store, traffic.spans(10)).status == 200
    within(60, lambda: covered(store))
    signer.away.touch()
    assert traffic.post(store, traffic.spans(10, turn="1")).status == 200
    (warning,) = within(60, lambda: readyz(store)["warnings"])
    assert NO_KEY in warning and signer.vkey in warning, warning
    for turn in range(2, 5):
        assert traffic.post(store, traffic.spans(10, turn=str(turn))).status == 200
    within(60, lambda: store.metric("sealtrail_signer_failures_total") >= 2)
    assert readyz(store)["ready"] and not covered(store)

    signer.away.unlink()
    within(60, lambda: covered(store))
    assert readyz(store)["warnings"] == []
    assert (store.stderr().count('signer_failed'), store.stderr().count('signer_recovered')) == (1, 1), store.stderr()

    signer.away.touch()
    assert traffic.post(store, traffic.spans(10, turn="5")).status == 200
    assert store.stop() == 2
    assert re.search(r"stopped, but the last checkpoint does not cover records \d+ to \d+: .*" + NO_KEY, store.stderr())
    code, report = store.verify()
    assert code == 0, report

    store.start()  # still away
    assert readyz(store)["warnings"]
    signer.away.unlink()
    within(60, lambda: covered(store))
    assert store.query("SELECT count(*) AS n FROM audit_spans") == [{"n": 60}]
    assert store.stop() == 0
    expect_sound(store, signer.vkey)


def test_from_a_file_to_commands_and_back(make_store, tmp_path):
    one, two = OpensslSigner(tmp_path / "one"), OpensslSigner(tmp_path / "two")
    store = make_store({"origin": ORIGIN, "next_signer": one.config})
    first = store.ready["vkey"]
    assert (store.data / "keys/log.key").exists() and keys(store, "show")[0]["held"] == "file"

    assert traffic.post(store, traffic.spans(10)).status == 200
    one.away.touch()
    with pytest.raises(CommandFailed) as refused:
        keys(store, "rotate")
    assert one.refusals.read_text().split() == ["once"], "it is not tried again: a second rotation could come of it"
    assert NO_KEY in refused.value.stderr and len(keys(store, "show")) == 1
    one.away.unlink()
    assert [key["vkey"] for key in keys(store, "rotate")] == [first, one.vkey]
    assert not list((store.data / "keys").glob("*.key"))
    assert traffic.post(store, traffic.spans(10, turn="1")).status == 200

    store.configure({"signer": one.config, "next_signer": two.config})
    assert store.restart().ready["vkey"] == one.vkey
    assert readyz(store)["warnings"] == []
    assert keys(store, "rotate")[-1]["vkey"] == two.vkey
    (warning,) = readyz(store)["warnings"]
    assert one.vkey in warning and "make that the signer" in warning
    one.away.touch()
    assert traffic.post(store, traffic.spans(10, turn="2")).status == 200
    store.kill9()

    store.configure({"signer": one.config})
    with pytest.raises(StartFailed) as needed:
        store.start()
    assert two.vkey in needed.value.stderr
    store.configure({"signer": two.config})
    assert store.start().ready["vkey"] == two.vkey
    assert readyz(store)["warnings"] == []
    with pytest.raises(CommandFailed) as refused:
        keys(store, "rotate")
    assert "--to-file" in refused.value.stderr and not (store.data / "keys/log.key").exists()
    back = keys(store, "rotate", "--to-file")[-1]
    (warning,) = readyz(store)["warnings"]
    assert two.vkey in warning and "signs no more" in warning and "a file" in warning
    assert back["held"] == "file" and (store.data / "keys/log.key").exists()
    two.away.touch()
    assert traffic.post(store, traffic.spans(10, turn="3")).status == 200
    assert store.stop() == 0
    for vkey in (first, one.vkey, two.vkey, back["vkey"]):
        expect_sound(store, vkey)
    assert store.run("keys", "show", "--data", store.data).stdout.splitlines()[-1].endswith("(signs now, a file)")
    store.start()
    (line,) = [json.loads(line) for line in store.stderr().splitlines() if '"signer_idle"' in line]
    assert two.vkey in line["message"] and back["vkey"] in line["message"]


@pytest.mark.parametrize(
    "signer, expected",
    [
        ({"vkey": "V"}, "1: signer.command: expected a list of words"),
        ({"command": ["sign.sh"], "vkey": "V"}, "1: signer.command: expected a list of words, the first of them the absolute path"),
        ({"command": ["/bin/true"], "vkey": "none"}, "1: signer.vkey: expected the verifier key"),
        ({"command": ["/bin/true"], "vkey": "V", "x": 1}, '1: unknown key "signer.x"'),
    ],
)
def test_mistakes_in_the_configuration(make_store, tmp_path, signer, expected):
    vkey = OpensslSigner(tmp_path / "signer").vkey
    store = make_store(json.dumps({"signer": signer}).replace('"V"', f'"{vkey}"'), start=False)
    with pytest.raises(StartFailed) as refused:
        store.start()
    assert refused.value.exit_code == 2 and expected in refused.value.stderr


def test_an_answer_that_is_no_signature(make_store, tmp_path):
    signer = OpensslSigner(tmp_path / "signer")
    store = make_store(start=False)
    for command, expected in {
        ("/bin/true",): "answered 0 bytes",
        ("/bin/cat",): "answered",
        ("/bin/false",): "exit code 1",
        ("/bin/echo", base64.b64encode(bytes(64)).decode()): "wrong signature",
        ("/nowhere",): "No such file",
    }.items():
        store.configure({"signer": {"command": command, "vkey": signer.vkey}})
        with pytest.raises(StartFailed) as refused:
            store.start()
        assert expected in refused.value.stderr.splitlines()[-1] and signer.vkey in refused.value.stderr
    store.configure({"signer": signer.config})
    assert store.start().ready["vkey"] == signer.vkey
