"""What the rules call a secret is nowhere: not in the folder, not in answers, not in the memory of the process.

Secrets are random, so that finding one means that it was kept. The core dump is taken from outside while the server runs.
"""

from __future__ import annotations

import gzip
import hashlib
import hmac
import json
import shutil
import subprocess
import time
import urllib.request
import uuid

import pytest
from opentelemetry import trace
from opentelemetry._logs import LogRecord as ApiLogRecord
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from store import StartFailed
from test_sdk_python import TRANSPORTS, log_exporter, span_exporter
from traffic import JSON, post


def new_secret() -> str:
    return "s3cr3t" + uuid.uuid4().hex


def text(key, value):
    return {"key": key, "value": {"stringValue": value}}


def logs(*records, resource=()):
    return json.dumps(
        {"resourceLogs": [{"resource": {"attributes": list(resource)}, "scopeLogs": [{"logRecords": list(records)}]}]}
    ).encode()


def audited(*attributes, **more):
    return {"attributes": [text("audit.action", "login"), *attributes], **more}


def forms(secret: str) -> list[bytes]:
    """The secret as it may lie about: as it is, and its inside in base64 at each of three places."""
    import base64

    found = [secret.encode()]
    for skipped in range(3):
        inner = secret.encode()[skipped:]
        found.append(base64.b64encode(inner[: len(inner) // 3 * 3])[:36])
    return found


def files_with(folder, secret) -> list[str]:
    return [
        str(path)
        for path in folder.rglob("*")
        if path.is_file() and any(form in path.read_bytes() for form in forms(secret))
    ]


def core_of(store, folder) -> bytes:
    if shutil.which("gcore") is None:
        pytest.skip("no gcore here")
    done = subprocess.run(["gcore", "-a", "-o", folder / "core", str(store.pid)], capture_output=True, text=True, timeout=300)
    cores = list(folder.glob("core.*"))
    if not cores and "ptrace" in done.stdout + done.stderr:
        pytest.skip("this user may not look into processes")
    assert cores, done.stdout + done.stderr
    core = cores[0].read_bytes()
    cores[0].unlink()
    return core


def assert_nowhere(store, secret, tmp_path):
    """Not in the leaves, SQL, metrics, standard error; not in any file, running or stopped."""
    assert secret.encode() not in store.export()
    assert secret not in json.dumps(store.query("SELECT * FROM audit_events"))
    assert secret not in json.dumps(store.query("SELECT * FROM audit_self"))
    assert secret.encode() not in store.http("GET", "/metrics", token=False)
    assert files_with(tmp_path, secret) == []
    assert store.stop() == 0
    assert files_with(tmp_path, secret) == []
    assert store.verify()[0] == 0


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_an_sdk_sends_secrets_and_none_is_kept(make_store, tmp_path, transport):
    store = make_store({"segment": {"age_max_seconds": 2}})
    secret = new_secret()
    resource = Resource.create({"service.name": f"api token={secret}", "client_secret": secret})
    spans = TracerProvider(resource=resource, shutdown_on_exit=False)
    spans.add_span_processor(BatchSpanProcessor(span_exporter(store, transport)))
    with spans.get_tracer("scope").start_as_current_span("login") as span:
        span.set_attribute("audit.action", "login")
        span.set_attribute("enduser.id", "alice")
        span.set_attribute("http.request.header.authorization", [f"Bearer {secret}"])
        span.set_attribute("url.full", f"https://bob:{secret}@example.com/x")
        span.add_event("retry", {"audit.action": "retry", "password": secret})
        span.set_status(trace.StatusCode.ERROR, f"login with password={secret} failed")
    assert spans.force_flush()
    spans.shutdown()
    records = LoggerProvider(resource=resource, shutdown_on_exit=False)
    records.add_log_record_processor(BatchLogRecordProcessor(log_exporter(store, transport)))
    records.get_logger("scope").emit(
        ApiLogRecord(
            body={"audit.action": "rotate", "deep": [{"api_key": secret}, json.dumps({"password": secret})]},
            attributes={"cookie": f"sid={secret}", "note": b"password=" + secret.encode()},
        )
    )
    assert records.force_flush()
    records.shutdown()

    rows = {row["action"]: row for row in store.query("SELECT * FROM audit_events")}
    assert set(rows) == {"login", "retry", "rotate"}
    assert all("redacted" in row["findings"] for row in rows.values())
    login = rows["login"]
    assert login["actor"] == "alice"
    assert login["attributes"]["http.request.header.authorization"] == "***"
    assert login["attributes"]["url.full"] == "https://bob:***@example.com/x"
    assert login["status_message"] == "login with password=*** failed"
    assert login["service"] == "api token=***"
    assert rows["retry"]["attributes"]["password"] == "***"
    assert json.loads(rows["rotate"]["body"])["deep"] == [{"api_key": "***"}, '{"password": "***"}']
    assert store.metric("sealtrail_redactions_total", rule="password") == 2  # in the span's leaf, and in the event's own
    assert store.metric("sealtrail_redactions_total", rule="jwt") == 0
    assert store.metric("sealtrail_source_units_total", service="api token=***", result="stored") == 3
    assert_nowhere(store, secret, tmp_path)


# Goal: once it is answered, a request leaves nothing of its secrets in memory; a dump of the process shows none.
# Method: the same secret over every transport and encoding, between requests that hold none; then gcore. A marker that is
# kept on purpose shows that the dump holds what is in memory.
def test_a_core_dump_shows_no_secret(make_store, tmp_path):
    store = make_store()
    secret, marker = new_secret(), uuid.uuid4().hex
    filler = [text(f"key.{i}", uuid.uuid4().hex) for i in range(300)]
    body = logs(
        audited(text("marker", marker), *filler, text("password", secret), text("note", f"x password={secret} y")),
        audited(*filler, text("token", secret), text("http.request.header.cookie", secret)),
        resource=[text("client_secret", secret)],
    )
    assert post(store, body, "/v1/logs", content_type=JSON).status == 200
    chunked = iter([body[i : i + 999] for i in range(0, len(body), 999)])
    request = urllib.request.Request(f"http://{store.ready['otlp_http']}/v1/logs", data=chunked, method="POST")
    request.add_header("Content-Type", JSON)
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.status == 200
    for level in (0, 6):
        request = urllib.request.Request(
            f"http://{store.ready['otlp_http']}/v1/logs", data=gzip.compress(body, level), method="POST"
        )
        request.add_header("Content-Type", JSON)
        request.add_header("Content-Encoding", "gzip")
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert answer.status == 200
    for transport in TRANSPORTS:
        spans = TracerProvider(resource=Resource.create({"client_secret": secret}), shutdown_on_exit=False)
        spans.add_span_processor(BatchSpanProcessor(span_exporter(store, transport)))
        for _ in range(20):
            with spans.get_tracer("scope").start_as_current_span("login") as span:
                span.set_attributes({"audit.action": "login", "password": secret, "marker": marker})
                span.set_attributes({pair["key"]: pair["value"]["stringValue"] for pair in filler[:100]})
                span.set_attribute("note", f"password={secret}")
        assert spans.force_flush()
        spans.shutdown()

    assert store.metric("sealtrail_source_units_total", result="duplicate") == 6, "the same body three times more"
    assert store.query("SELECT count(*) AS n FROM audit_events")[0]["n"] == 82
    core = core_of(store, tmp_path)
    assert marker.encode() in core, "the dump holds what the process has in memory"
    for form in forms(secret):
        at = core.find(form)
        assert at < 0, core[max(0, at - 200) : at + 200]
    assert_nowhere(store, secret, tmp_path)


OWN_RULES = r"""version: 7
rules:
  - name: card
    values: ['\b([0-9]{12})[0-9]{4}\b']
    action: drop
    examples: [[note, "4111111111111111", ~], [note, "411", "411"]]
  - name: customer
    keys: ['^customer\.iban$']
    action: hmac
    examples: [[customer.iban, "DE1", hmac], [customer.id, "DE1", "DE1"]]
  - name: password
    keys: ['^password$']
    action: drop
    examples: [[password, x, ~], [passwords, x, x]]
"""


def test_rules_of_ones_own_and_digests_that_compare(make_store, tmp_path):
    rules, key_file = tmp_path / "own.yaml", tmp_path / "redaction.key"
    rules.write_text(OWN_RULES)
    key = bytes(range(32))
    key_file.write_text(key.hex() + "\n")
    key_file.chmod(0o600)
    store = make_store({"redaction": {"rules": str(rules), "without": ["jwt"], "hmac_key": str(key_file)}})
    jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2ln"
    iban = "DE02120300000000202051"
    body = logs(
        audited(text("customer.iban", iban), text("note", "card 4111111111111111"), text("password", "x"), text("j", jwt)),
        audited(text("customer.iban", iban), text("db.password", "kept, for the own rule of that name is narrower")),
    )
    assert post(store, body, "/v1/logs", content_type=JSON).status == 200
    first, second = (row["attributes"] for row in store.query("SELECT * FROM audit_logs ORDER BY seq"))
    key_id = hashlib.sha256(b"sealtrail/redaction-key/v1\n" + key).hexdigest()[:8]
    digest = hmac.new(key, iban.encode(), "sha256").hexdigest()[:32]
    assert first["customer.iban"] == second["customer.iban"] == f"hmac:{key_id}:{digest}"
    assert first["note"] is None and first["password"] is None
    assert first["j"] == jwt
    assert second["db.password"].startswith("kept")
    assert "key_file_open" not in store.stderr()
    key_file.chmod(0o644)
    store.restart()
    assert "key_file_open" in store.stderr()
    assert key.hex() not in store.stderr()


@pytest.mark.parametrize(
    ("own", "config", "expected"),
    [
        (OWN_RULES, {}, "own.yaml: line 7: rule customer: action hmac needs the configuration key redaction.hmac_key"),
        (OWN_RULES.replace('"4111111111111111", ~', '"4", ~'), {}, "own.yaml: line 3: rule card: its example"),
        ("rules: []", {}, "own.yaml: line 1: expected `version: N`"),
        ("version: 1\nrules: []", {"without": ["jtw"]}, 'no built-in rule of redaction is called "jtw"'),
        ("version: 1\nrules: []", {"hmac_key": "/dev/null"}, "expected a key of 32 bytes or more in hexadecimal digits"),
    ],
)
def test_mistakes_in_rules_stop_the_start(make_store, tmp_path, own, config, expected):
    (tmp_path / "own.yaml").write_text(own)
    store = make_store({"redaction": {"rules": str(tmp_path / "own.yaml")} | config}, start=False)
    with pytest.raises(StartFailed) as failed:
        store.start()
    assert failed.value.exit_code == 2
    assert expected in failed.value.stderr


def test_without_all_keeps_everything(make_store):
    store = make_store({"redaction": {"without": "all"}})
    assert post(store, logs(audited(text("password", "kept"))), "/v1/logs", content_type=JSON).status == 200
    (row,) = store.query("SELECT * FROM audit_logs")
    assert row["attributes"]["password"] == "kept"
    assert "redacted" not in row["findings"]


# The second delivery is judged by what is stored: the redacted form, salt aside, is the same.
def test_the_redacted_form_is_the_content(store):
    secrets = [new_secret(), new_secret()]
    for secret in secrets:
        body = logs(audited(text("password", secret)))
        assert post(store, body, "/v1/logs", content_type=JSON).status == 200
    contents = [leaf["o"] for leaf in store.leaves() if leaf["k"] == "log"]
    assert contents[0] == contents[1]
