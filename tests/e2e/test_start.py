"""What `serve` refuses to start with: exit 2, and one reason that a person can act on."""

from __future__ import annotations

import os
import shutil
import socket
import stat

import pytest
import traffic
from store import StartFailed


def refuses(store, *extra: str) -> str:
    """Starts a store that must not start; returns what it said."""
    began = len(store.stderr())
    with pytest.raises(StartFailed) as failed:
        store.start(*extra)
    assert failed.value.exit_code == 2, failed.value
    said = store.stderr()[began:]
    assert said.strip(), "a refusal without a reason"
    return said


def test_a_second_serve_on_the_folder(make_store):
    first = make_store()
    assert traffic.post(first, traffic.spans(1)).status == 200
    second = make_store(start=False)
    assert str(second.data) in refuses(second)
    assert traffic.post(first, traffic.spans(1)).status == 200, "the first one does not notice"
    assert len(first.query("SELECT seq FROM audit_spans")) == 2


@pytest.mark.parametrize("flag", ["--otlp-grpc", "--otlp-http", "--api"])
def test_a_port_in_use(make_store, flag):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        assert address in refuses(make_store(start=False), flag, address)


# Text of the file, the line at fault, and words that the message must hold.
BROKEN = [
    ("select: [\n", 2, []),
    ("select: all\nselekt: all\n", 2, ["selekt"]),
    ("# comment\n\nmin_free_bytes: plenty\n", 3, ["min_free_bytes", "number"]),
    ("min_free_bytes: -5\n", 1, ["min_free_bytes"]),
    ("insecure_bind: maybe\n", 1, ["insecure_bind", "true or false"]),
    ("select: everything\n", 1, ["select", "all"]),
    ("origin: 'two words'\n", 1, ["origin"]),
    ("listen:\n  api: 8470\n", 2, ["listen.api", "host:port"]),
    ("- a\n- list\n", 1, []),
]


@pytest.mark.parametrize("text, line, words", BROKEN, ids=[repr(text) for text, _, _ in BROKEN])
def test_a_broken_configuration(make_store, text, line, words):
    store = make_store(text, start=False)
    said = refuses(store)
    assert f"{store.config_path}:{line}" in said
    for word in words:
        assert word in said
    assert not store.data.exists() or not any(store.data.iterdir()), "nothing was made before the configuration was read"


def test_a_missing_configuration(make_store):
    store = make_store(start=False)
    store.config_path = store.data.parent / "nowhere.yaml"
    assert str(store.config_path) in refuses(store)


@pytest.mark.parametrize("flag", ["--otlp-grpc", "--otlp-http", "--api"])
@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0"])
def test_a_wide_bind(make_store, flag, address):
    assert "insecure_bind" in refuses(make_store(start=False), flag, address)


def test_a_wide_bind_on_purpose(make_store):
    """With insecure_bind it starts, says so in /readyz, and leaves a record."""
    store = make_store({"insecure_bind": True}, start=False).start("--otlp-http", "0.0.0.0:0")
    assert b"insecure_bind" in store.http("GET", "/readyz", token=False)
    port = store.ready["otlp_http"].rsplit(":", 1)[1]
    store.ready["otlp_http"] = f"127.0.0.1:{port}"
    assert traffic.post(store, traffic.spans(1)).status == 200
    (row,) = store.query("SELECT attributes FROM audit_self WHERE action = 'sealtrail.bind.insecure'")
    assert row["attributes"]["sealtrail.listen.otlp_http"] == "0.0.0.0:0"


def test_a_read_only_folder(make_store, mounts):
    store = make_store()
    assert traffic.post(store, traffic.spans(3)).status == 200
    assert store.stop() == 0
    mounts.read_only(store.data)
    try:
        assert "ead-only" in refuses(store)
        assert store.verify()[0] == 0, "verify only reads"
        assert len(store.query("SELECT seq FROM audit_spans")) == 3, "so do queries"
    finally:
        mounts.unmount(store.data)
    store.start()
    assert len(store.query("SELECT seq FROM audit_spans")) == 3


def test_a_folder_that_is_none(make_store):
    store = make_store(start=False)
    store.data.write_text("a file")
    assert str(store.data) in refuses(store)


def test_a_damaged_trail_does_not_start(make_store):
    """Bytes that were acknowledged and changed are never cut off or passed over in silence."""
    store = make_store()
    for _ in range(20):
        assert traffic.post(store, traffic.spans(10)).status == 200
    assert store.stop() == 0
    (segment,) = (store.data / "segments").glob("*.log")
    content = bytearray(segment.read_bytes())
    content[len(content) // 2] ^= 1
    segment.write_bytes(content)
    said = refuses(store)
    assert segment.name in said
    assert segment.read_bytes() == content, "refusing changes nothing"


def test_another_origin_later_is_refused(make_store):
    store = make_store({"origin": "example.org/first"})
    assert store.ready["origin"] == "example.org/first"
    assert store.ready["vkey"].startswith("example.org/first+")
    assert store.stop() == 0
    store.configure({"origin": "example.org/second"})
    assert "example.org/first" in refuses(store)


def test_the_index_is_rebuildable(make_store):
    store = make_store()
    assert traffic.post(store, traffic.spans(50)).status == 200
    assert len(store.query("SELECT seq FROM audit_spans")) == 50
    assert store.stop() == 0
    shutil.rmtree(store.data / "index", ignore_errors=True)
    store.start()
    assert len(store.query("SELECT seq FROM audit_spans")) == 50


def test_secrets_are_for_the_owner_alone(store):
    for name in ("local.token", "api.sock", "keys/log.key"):
        mode = stat.S_IMODE(os.stat(store.data / name).st_mode)
        assert mode == 0o600, f"{name}: {mode:o}"


def test_a_key_that_others_may_read_is_told(make_store):
    store = make_store()
    assert "key_file_open" not in store.stderr()
    assert store.stop() == 0
    (store.data / "keys/log.key").chmod(0o640)
    store.start()
    assert "key_file_open" in store.stderr()
