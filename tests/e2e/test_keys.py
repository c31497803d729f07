"""A new key takes over: before and after, on a running store and a stopped one, the trail verifies with either key."""

from __future__ import annotations

import json

import traffic


def keys(store, *more: str) -> list[dict]:
    return json.loads(store.run("keys", *more, "--data", store.data, "--json").stdout)["keys"]


def test_a_new_key_takes_over(make_store):
    store = make_store({"segment": {"bytes_max": 100_000}})
    assert traffic.post(store, traffic.spans(100)).status == 200
    (first,) = keys(store, "show")
    assert first["current"] and first["vkey"] == store.ready["vkey"]
    second = keys(store, "rotate")[-1]
    assert second["vkey"] != first["vkey"]
    assert traffic.post(store, traffic.spans(100, turn="1")).status == 200
    assert store.stop() == 0

    third = keys(store, "rotate")[-1]
    shown = store.run("keys", "show", "--data", store.data).stdout
    assert [line.split()[1] for line in shown.splitlines()] == [first["vkey"], second["vkey"], third["vkey"]]
    assert "signs now" in shown.splitlines()[-1]
    for key in (first, second, third):
        code, report = store.verify(store.data, "--vkey", key["vkey"])
        assert code == 0 and report["verdicts"]["authorship"] == "pass", (key, report)

    store.start()
    assert store.ready["vkey"] == third["vkey"]
    rows = store.query("SELECT count(*) AS n FROM audit_self WHERE action = 'sealtrail.key.rotate'")
    assert rows == [{"n": 2}]
