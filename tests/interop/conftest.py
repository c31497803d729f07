"""Verifiers that we did not write, over the log of a real store. `store`, `traffic` and more come from tests/e2e."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
from store import find_binary  # noqa: E402


def pytest_report_header():
    return f"binary: {find_binary()}"
