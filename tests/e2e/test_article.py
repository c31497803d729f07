"""The article: its SQL verbatim over seeded spans, and its two programs as examples/article holds them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import traffic
from store import ROOT

SQL = (ROOT / "docs/article.sql").read_text()
EXAMPLES = ROOT / "examples/article"
DAY = 86_400 * 10**9


def test_the_query_runs_verbatim(store, rng):
    """Role updates inside and outside of 90 days among other acts, sent out of order, in several requests."""
    now = time.time_ns()
    wanted, requests = [], []
    for i in range(200):
        age = rng.randrange(0, 180 * DAY)
        if abs(age - 90 * DAY) < DAY // 24:
            continue  # too near to the edge for a test that takes time itself
        role_update = rng.random() < 0.3
        values = {
            "enduser.id": f"admin{rng.randrange(5)}", "audit.target_user": f"user{i}", "audit.old_value": "viewer",
            "audit.new_value": rng.choice(["editor", "admin", "größer"]),
        }  # fmt: skip
        if rng.random() < 0.9:
            values["audit.result"] = rng.choice(["success", "failure"])
        action = "role_update" if role_update else rng.choice(["login", "role_updates", "ROLE_UPDATE", "logout"])
        requests.append(traffic.spans(1, action=action, start=now - age, **values))
        if role_update and age <= 90 * DAY:
            wanted.append((now - age, values))
    for body in requests:
        assert traffic.post(store, body).status == 200

    rows = store.query(SQL)
    wanted.sort(key=lambda pair: -pair[0])
    assert wanted, "a seed that makes no hit tests nothing"
    columns = ("enduser.id", "audit.target_user", "audit.old_value", "audit.new_value", "audit.result")
    assert [list(row) for row in rows[:1]] == [["timestamp", "actor", "target", "previous_role", "new_role", "outcome"]]
    assert [tuple(row.values())[1:] for row in rows] == [tuple(v.get(c) for c in columns) for _, v in wanted]

    answer = store.query_api(SQL)
    assert [row[1:] for row in answer["rows"]] == [[v.get(c) for c in columns] for _, v in wanted]
    assert answer["statement"]["sql"] == SQL


def run_example(store, name):
    environment = dict(os.environ, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://{store.ready['otlp_grpc']}")
    done = subprocess.run(
        [sys.executable, EXAMPLES / name], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_its_two_programs(store):
    run_example(store, "role_update.py")
    run_example(store, "config_change.py")

    rows = store.query(SQL)
    assert [(r["actor"], r["target"], r["previous_role"], r["new_role"], r["outcome"]) for r in rows] == [
        ("erin", "dave", "viewer", "owner", "failure"),
        ("alice", "carol", "editor", "admin", "success"),
        ("alice", "bob", "viewer", "editor", "success"),
    ]
    (log,) = store.query("SELECT * FROM audit_logs")
    assert log["attributes"] == {
        "audit.action": "config_change",
        "audit.changed_by": "alice",
        "audit.config_keys_modified": '["mfa.required"]',
        "audit.change_source": "admin_api",
        "audit.severity": "high",
    }
    assert log["body"] == "System configuration changed"


@pytest.mark.parametrize("name, block", [("role_update.py", 0), ("config_change.py", 1)])
def test_the_programs_quote_the_article(name, block):
    """Between its marks, an example is the article but for lines under a comment that begins with "Mended"."""
    article = Path(os.environ.get("SEALTRAIL_DATA", ROOT.parent / "shared/data")).parent / "article.md"
    if not article.is_file():
        assert os.environ.get("CI") != "true", f"no {article}; set SEALTRAIL_DATA"
        pytest.skip(f"no {article}; set SEALTRAIL_DATA")
    printed = re.findall(r"```python\n(.*?)```", article.read_text(), re.DOTALL)[block].splitlines()
    text = (EXAMPLES / name).read_text()
    quoted = re.search(r"# --- the article ---\n(.*)# --- end of the article ---", text, re.DOTALL)[1].splitlines()

    kept, mended = [], 0
    for i, line in enumerate(quoted):
        if line.startswith("# Mended:"):
            mended += 1
        elif i == 0 or not quoted[i - 1].startswith("# Mended:"):
            kept.append(line)
    missing = [line for line in printed if line not in quoted]
    assert len(missing) <= mended
    assert [line for line in printed if line in kept] == kept
