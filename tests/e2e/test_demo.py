"""`make demo` keeps its word: it ends by itself, shows what it promises, and cleans up unless told to keep."""

from __future__ import annotations

import os
import re
import signal
import subprocess

from store import ROOT, find_binary


def demo(tmp_path, **more) -> str:
    environment = dict(os.environ, SEALTRAIL_BIN=str(find_binary()), TMPDIR=str(tmp_path), **more)
    done = subprocess.run([ROOT / "scripts/demo"], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout


def test_the_demo_ends_by_itself(tmp_path):
    text = demo(tmp_path)
    for line in (ROOT / "docs/article.sql").read_text().splitlines():
        assert line in text
    for row in (r"alice.*bob.*viewer.*editor.*success", r"erin.*dave.*viewer.*owner.*failure"):
        assert re.search(row, text), row
    assert text.index("   SOUND\n") < text.index("   NOT SOUND\n") < text.index("damage       segments/")
    assert list(tmp_path.iterdir()) == []


def test_the_demo_can_be_kept(tmp_path):
    text = demo(tmp_path, KEEP="1")
    pid = int(re.search(r"runs as process (\d+)", text)[1])
    try:
        (folder,) = tmp_path.iterdir()
        query = [find_binary(), "query", "--data", folder / "trail", "--format", "csv", "SELECT count(*) FROM audit_spans"]
        assert subprocess.run(query, capture_output=True, text=True, check=True).stdout.split()[-1] == "3"
    finally:
        os.kill(pid, signal.SIGTERM)
