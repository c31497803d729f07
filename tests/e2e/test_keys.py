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

    # A tree for others has no notes that lead from key to key: the old key cannot tell, and the new one is named.
    tree = store.data.parent / "tree"
    store.run("export", "--tlog", tree, "--data", store.data)
    code, report = store.verify(tree, "--vkey", first["vkey"])
    assert (code, report["verdict"], report["damage"]) == (2, "cannot_tell", []), report
    assert "+".join(third["vkey"].split("+")[:2]) in report["reasons"]["authorship"]
    assert store.verify(tree, "--vkey", third["vkey"])[0] == 0

    policy = store.data.parent / "policy"
    policy.write_text(f"log {third['vkey']}\nquorum none\n")
    assert store.verify(tree, "--policy", policy)[0] == 0
    leaf, proof = store.data.parent / "leaf", store.data.parent / "proof"
    leaf.write_bytes(store.export("--from", "7", "--to", "7"))
    store.run("prove", "--data", store.data, "7", "-o", proof)
    policy.write_text(f"log {keys(store, 'show')[-1]['vkey']}\nquorum none\n")
    assert store.verify(proof, "--leaf", leaf, "--policy", policy)[0] == 0
    policy.write_text("garbage\n")
    assert store.verify(tree, "--policy", policy, "--vkey", third["vkey"])[0] == 2

    # No option is ignored in silence.
    for path, *options in [
        (tree, "--vkey", third["vkey"], "--tsa-ca", policy),
        (tree, "--vkey", third["vkey"], "--leaf", leaf),
        (store.data, "--leaf", leaf),
        (proof, "--leaf", leaf, "--vkey", third["vkey"], "--tsa-ca", policy),
        (tree,),
        (proof, "--leaf", leaf),
    ]:
        done = store.run("verify", path, *options, check=False)
        assert (done.returncode, done.stdout) == (2, ""), (path, options)

    store.start()
    assert store.ready["vkey"] == third["vkey"]
    rows = store.query("SELECT count(*) AS n FROM audit_self WHERE action = 'sealtrail.key.rotate'")
    assert rows == [{"n": 2}]
