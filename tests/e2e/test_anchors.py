"""Outside anchors, with real processes: our witness over HTTP, and openssl as the time-stamp authority.

The witness cosigns, a copy that was restored is refused, a fork raises the alarm, and openssl accepts the stamps.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import traffic
from store import CommandFailed, StartFailed, find_binary


def within(seconds: float, condition):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
    return found


class Witness:
    """`sealtrail witness` on a free port."""

    def __init__(self, folder, *vkeys: str):
        self.folder = folder
        config = folder.with_suffix(".yaml")
        config.write_text(json.dumps({"listen": "127.0.0.1:0", "name": "witness.example/w1",
                                      "logs": [{"vkey": vkey, "requests_per_minute": 6000} for vkey in vkeys]}))  # fmt: skip
        self.process = subprocess.Popen(
            [find_binary(), "witness", "--data", folder, "--config", config], stdout=subprocess.PIPE, text=True
        )
        self.ready = json.loads(self.process.stdout.readline())

    def policy(self, log_vkey: str) -> str:
        return f"log {log_vkey}\nwitness w1 {self.ready['vkey']} http://{self.ready['witness']}\nquorum w1\n"

    def stop(self):
        self.process.terminate()
        assert self.process.wait(60) == 0


@pytest.fixture
def witnessed(make_store, tmp_path):
    """A store with the key that it made at its first start, and a witness that knows it."""
    store = make_store()
    assert store.stop() == 0
    vkey = (store.data / "keys/log.vkey").read_text().strip()
    witness = Witness(tmp_path / "witness", vkey)
    policy = tmp_path / "policy"
    policy.write_text(witness.policy(vkey))
    store.configure({"anchors": {"policy": str(policy), "witness_interval_seconds": 1}})
    store.start()
    yield store, witness, policy
    witness.process.kill()
    witness.process.wait()


class SilentFront:
    """Before our witness, makes it one of those that cosign and show nothing. Or one that `refuses` all with this status."""

    def __init__(self, witness: str):
        self.refuses = 0
        front = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if front.refuses:
                    return self.send_error(front.refuses)
                try:
                    answer = urllib.request.urlopen(f"http://{witness}{self.path}", body, timeout=10)
                except urllib.error.HTTPError as error:
                    answer = error
                body = answer.read()
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.headers.get("Content-Type", "text/plain"))
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                self.send_error(404)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = f"127.0.0.1:{self.server.server_port}"


def cosigned(store) -> list[str]:
    return sorted(path.name for path in (store.data / "anchors").glob("*.checkpoint"))


def anchors(store) -> dict:
    return json.loads(store.http("GET", "/api/v1/anchors"))


def test_a_witness_cosigns_what_grows(witnessed):
    store, witness, policy = witnessed
    within(60, lambda: cosigned(store))
    assert traffic.post(store, traffic.spans(50)).status == 200
    size = json.loads(store.http("GET", "/readyz", token=False))["durable"]
    within(60, lambda: int(cosigned(store)[-1].split(".")[0]) >= size)
    note = (store.data / "anchors" / cosigned(store)[-1]).read_text()
    assert note.count("\n— ") == 2 and "— witness.example/w1 " in note
    (state,) = anchors(store)["witnesses"]
    assert (state["name"], state["error"], state["alarm"]) == ("w1", "", "")
    assert 'sealtrail_anchor_age_seconds{kind="witness"}' in store.http("GET", "/metrics", token=False).decode()
    assert store.stop() == 0
    code, report = store.verify(store.data, "--policy", policy)
    assert code == 0 and report["verdicts"]["independence"] == "pass", report


def test_a_proof_under_a_policy(witnessed, tmp_path):
    store, witness, policy = witnessed
    assert traffic.post(store, traffic.spans(50)).status == 200
    within(60, lambda: cosigned(store) and int(cosigned(store)[-1].split(".")[0]) > 50)
    (tmp_path / "leaf").write_bytes(store.export("--from", "7", "--to", "7").rstrip(b"\n"))

    def judged(*options):
        store.run("prove", "--data", store.data, "7", "-o", tmp_path / "proof", *options)
        code, report = store.verify(tmp_path / "proof", "--leaf", tmp_path / "leaf", "--vkey", store.ready["vkey"], "--policy", policy)
        return code, report.get("witnesses", [])

    assert judged() != (0, ["w1"]), "the newest checkpoint has no cosignature"
    assert judged("--cosigned") == (0, ["w1"])
    witness.stop()
    assert traffic.post(store, traffic.spans(1)).status == 200
    newest = json.loads(store.http("GET", "/readyz", token=False))["durable"] - 1
    done = store.run("prove", "--data", store.data, str(newest), "--cosigned", check=False)
    assert (done.returncode, done.stdout) == (2, "") and "witnesses cosigned" in done.stderr
    kept = store.data / "anchors" / cosigned(store)[-1]
    kept.write_text(kept.read_text().replace("\n", "\n1", 1))
    assert store.run("prove", "--data", store.data, "7", "--cosigned", check=False).returncode == 2


def hide_what_is_held(witness, policy) -> None:
    """From now on the witness shows nothing to those who ask it by this policy."""
    front = SilentFront(witness.ready["witness"])
    policy.write_text(policy.read_text().replace(witness.ready["witness"], front.address))


@pytest.mark.parametrize("shows", [True, False], ids=["shown", "offered"])
def test_a_restored_copy_is_refused(witnessed, make_store, tmp_path, shows):
    store, witness, policy = witnessed
    within(60, lambda: cosigned(store))
    assert store.stop() == 0
    if not shows:
        hide_what_is_held(witness, policy)
    copy = tmp_path / "copy"
    shutil.copytree(store.data, copy, ignore=shutil.ignore_patterns("api.sock"))
    store.start()
    assert traffic.post(store, traffic.spans(50)).status == 200
    within(60, lambda: int(cosigned(store)[-1].split(".")[0]) > 50)
    assert store.stop() == 0

    shutil.rmtree(store.data)
    shutil.copytree(copy, store.data)
    with pytest.raises(StartFailed) as refused:
        store.start()
    assert refused.value.exit_code == 2 and "rollback or fork detected" in refused.value.stderr
    assert list((store.data / "anchors/evidence").iterdir())
    before = (copy / "checkpoint").read_text()
    assert (store.data / "checkpoint").read_text() == before, "nothing was signed"
    for command in (("query", "--data", store.data, "SELECT 1"), ("prove", "--data", store.data, "0")):
        with pytest.raises(CommandFailed, match="rollback or fork detected"):
            store.run(*command)
    assert (store.data / "checkpoint").read_text() == before, "a command signs nothing either"
    if not shows:
        return

    # What the witness showed is the trail's own word: there were more records. Only a new epoch can go on from here.
    code, report = store.verify()
    [damage] = [each for each in report["damage"] if "evidence" in each["file"]]
    assert (code, damage["kind"]) == (1, "anchor_ahead") and report["verdicts"]["independence"] == "fail"
    new = make_store(name="new", start=False)
    store.run("restore", "--from", store.data, "--data", new.data, "--new-epoch")
    code, report = new.verify()
    assert (code, report["verdict"]) == (0, "sound")
    assert any("a recovery ended" in notice["text"] for notice in report["notices"])


# A command that runs a stopped store signs a checkpoint too.
@pytest.mark.parametrize("shows", [True, False], ids=["shown", "offered"])
def test_a_command_on_a_restored_copy_is_refused(witnessed, tmp_path, shows):
    store, witness, policy = witnessed
    within(60, lambda: cosigned(store))
    assert store.stop() == 0
    if not shows:
        hide_what_is_held(witness, policy)
        store.start()
        assert store.stop() == 0
    assert (store.data / "anchors/policy").read_text() == policy.read_text()
    copies = [tmp_path / "copy", tmp_path / "another"]
    for copy in copies:
        shutil.copytree(store.data, copy, ignore=shutil.ignore_patterns("api.sock"))
    store.start()
    assert traffic.post(store, traffic.spans(50)).status == 200
    within(60, lambda: int(cosigned(store)[-1].split(".")[0]) > 50)
    assert store.stop() == 0

    def count(folder):
        return store.run("query", "--data", folder, "--format", "csv", "SELECT count(*) FROM audit_spans", check=False)

    def is_refused(*command):
        done = store.run(*command, check=False)
        assert (done.returncode, done.stdout) == (2, "") and "rollback or fork detected" in done.stderr, done
        assert (copies[0] / "checkpoint").read_text() == before, "nothing was signed"

    before = (copies[0] / "checkpoint").read_text()
    is_refused("query", "--data", copies[0], "SELECT 1")
    is_refused("export", "--data", copies[0])
    is_refused("prove", "--data", copies[0], "3")
    is_refused("keys", "rotate", "--data", copies[0])
    is_refused("backup", "--data", copies[0], "--to", tmp_path / "backup")
    assert count(store.data).returncode == 0
    assert store.verify(store.data, "--policy", policy)[0] == 0
    witness.stop()
    if shows:
        is_refused("query", "--data", copies[0], "SELECT 2")  # what it showed is kept
    answered = count(copies[1])  # as `serve` does
    assert answered.returncode == 0 and "witness_not_compared" in answered.stderr


def test_the_policy_that_commands_go_by_is_that_of_the_last_start(witnessed):
    store, witness, policy = witnessed
    kept = store.data / "anchors/policy"
    assert kept.read_text() == policy.read_text()
    assert store.stop() == 0
    kept.write_text("nonsense")
    done = store.run("query", "--data", store.data, "SELECT 1", check=False)
    assert done.returncode == 2 and f"{kept}: line 1" in done.stderr
    store.configure({})
    store.start()
    assert store.stop() == 0
    assert not kept.exists()
    assert store.run("query", "--data", store.data, "SELECT 1").returncode == 0


def test_a_store_does_not_settle_in_a_witness(make_store, tmp_path):
    vkey = make_store(name="log").ready["vkey"]
    witness = Witness(tmp_path / "witness", vkey)
    witness.stop()
    before = sorted(path.name for path in witness.folder.iterdir())
    store = make_store(name="witness", start=False)
    assert store.data == witness.folder
    with pytest.raises(StartFailed) as refused:
        store.start()
    assert refused.value.exit_code == 2 and "give a trail a folder of its own" in refused.value.stderr
    assert sorted(path.name for path in witness.folder.iterdir()) == before
    Witness(tmp_path / "witness", vkey).stop()


def test_a_bad_policy_is_named_with_its_place(make_store, tmp_path):
    store = make_store()
    assert store.stop() == 0
    policy = tmp_path / "policy"
    policy.write_text("# who counts\nwitness w1\nquorum w1\n")
    store.configure({"anchors": {"policy": str(policy)}})
    with pytest.raises(StartFailed) as refused:
        store.start()
    assert refused.value.exit_code == 2 and f"{policy}: line 2: " in refused.value.stderr


def test_a_witness_that_is_away_is_shown_and_closes_where_that_is_asked_for(witnessed):
    store, witness, policy = witnessed
    within(60, lambda: cosigned(store))
    witness.stop()
    assert store.stop() == 0
    store.configure({"anchors": {"policy": str(policy), "witness_interval_seconds": 1, "fail": "closed", "max_age_seconds": 14}})
    store.start()
    assert traffic.post(store, traffic.spans(1)).status == 200

    def refused():
        answer = traffic.post(store, traffic.spans(1))
        return answer.status == 503 and int(answer.headers["Retry-After"]) >= 1

    within(90, refused)
    with pytest.raises(Exception, match="503"):
        store.http("GET", "/readyz", token=False)
    assert anchors(store)["witnesses"][0]["error"]


# Nothing that this witness says is signed: it alone stops ingest, and an operator sees why and goes on.
def test_an_alarm_is_shown_and_cleared(witnessed):
    store, witness, policy = witnessed
    front = SilentFront(witness.ready["witness"])
    policy.write_text(policy.read_text().replace(witness.ready["witness"], front.address))
    store.configure({"anchors": {"policy": str(policy), "witness_interval_seconds": 1, "fail": "closed"}})
    store.restart()
    assert "witness w1 " in (shown := store.run("anchors", "show", "--data", store.data).stdout) and "ALARM" not in shown
    front.refuses = 422
    assert traffic.post(store, traffic.spans(1)).status == 200
    within(60, lambda: "ALARM" in store.run("anchors", "show", "--data", store.data).stdout)
    refused = traffic.post(store, traffic.spans(1))
    assert refused.status == 503 and b"sealtrail anchors clear WITNESS" in refused.body
    (line,) = [json.loads(line) for line in store.stderr().splitlines() if '"witness_alarm"' in line]
    assert "sealtrail anchors clear w1" in line["message"]

    front.refuses = 0
    done = store.run("anchors", "clear", "w2", "--data", store.data, check=False)
    assert done.returncode == 2 and "no witness w2" in done.stderr
    (state,) = json.loads(store.run("anchors", "clear", "w1", "--data", store.data, "--json").stdout)["witnesses"]
    assert state["alarm"] == ""
    assert traffic.post(store, traffic.spans(1)).status == 200
    acts = store.query("SELECT actor, target FROM audit_self WHERE action = 'sealtrail.anchor.clear_alarm'")
    assert [act["target"] for act in acts] == ["w1"] and acts[0]["actor"].startswith("local:")
    size = json.loads(store.http("GET", "/readyz", token=False))["durable"]
    within(60, lambda: int(cosigned(store)[-1].split(".")[0]) >= size)
    assert store.stop() == 0
    for command in (["show"], ["clear", "w1"]):
        done = store.run("anchors", *command, "--data", store.data, check=False)
        assert done.returncode == 2 and "nobody runs" in done.stderr


class Authority:
    """RFC 3161 over HTTP; openssl makes the tokens."""

    def __init__(self, folder):
        folder.mkdir()
        self.folder = folder
        (folder / "openssl.cnf").write_text(f"""
[req]
distinguished_name = name
[name]
[tsa_cert]
extendedKeyUsage = critical,timeStamping
[tsa]
default_tsa = conf
[conf]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.pem
certs = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
tsa_name = yes
ess_cert_id_alg = sha256
""")
        (folder / "serial").write_text("01\n")
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=Test TSA", "-days", "3650",
                     "-keyout", "tsa.key", "-out", "tsa.pem", "-config", "openssl.cnf", "-extensions", "tsa_cert")  # fmt: skip
        authority = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                query = self.rfile.read(int(self.headers["Content-Length"]))
                reply = authority.reply(query)
                self.send_response(200)
                self.send_header("Content-Type", "application/timestamp-reply")
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/"

    def openssl(self, *arguments) -> bytes:
        done = subprocess.run(["openssl", *map(str, arguments)], cwd=self.folder, capture_output=True)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def reply(self, query: bytes) -> bytes:
        (self.folder / "query").write_bytes(query)
        self.openssl("ts", "-reply", "-config", "openssl.cnf", "-queryfile", "query", "-out", "reply")
        return (self.folder / "reply").read_bytes()


def test_openssl_accepts_the_time_stamps(make_store, tmp_path):
    authority = Authority(tmp_path / "tsa")
    store = make_store({"anchors": {"tsa": [{"url": authority.url, "ca_file": str(authority.folder / "tsa.pem")}]},
                        "segment": {"age_max_seconds": 1}})  # fmt: skip
    folder = store.data / "anchors"
    within(60, lambda: list(folder.glob("*.tsr")))  # of the start
    assert traffic.post(store, traffic.spans(50)).status == 200
    within(60, lambda: len(list(folder.glob("*.tsr"))) >= 2)  # of the sealed segment
    assert store.stop() == 0
    for token in folder.glob("*.tsr"):
        stamped = folder / f"{token.name.split('.')[0]}.stamped"
        assert b"OK" in authority.openssl("ts", "-verify", "-data", stamped, "-in", token, "-CAfile", "tsa.pem")
        changed = tmp_path / "changed"
        changed.write_bytes(stamped.read_bytes().replace(b"\n", b" ", 1))
        with pytest.raises(AssertionError):
            authority.openssl("ts", "-verify", "-data", changed, "-in", token, "-CAfile", "tsa.pem")
    report = store.verify()[1]
    assert (report["verdict"], report["verdicts"]["time"], report["time_stamp"]["trusted"]) == ("sound", "not_established", False)
    ca = ("--tsa-ca", str(authority.folder / "tsa.pem"))
    code, report = store.verify(store.data, *ca)
    newest = max(int(path.name.split(".")[0]) for path in folder.glob("*.tsr"))
    assert (code, report["verdicts"]["time"], report["time_stamp"]["size"]) == (0, "pass", newest), report["reasons"]["time"]
    token.write_bytes(token.read_bytes().replace(b"\x30", b"\x31", 1))
    code, report = store.verify(store.data, *ca)
    assert (code, report["verdicts"]["time"]) == (1, "fail")
    assert [(d["file"], d["kind"]) for d in report["damage"]] == [(f"anchors/{token.name}", "stamp_altered")]
