"""Fixtures of the end-to-end tests: real clients against the real binary, on free ports, in temporary folders."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
pytest.register_assert_rewrite("audit")
import private_mounts  # noqa: E402
from store import ROOT, Store, find_binary  # noqa: E402

MAY_MOUNT = private_mounts.enter()

# Keeps every span, span event and log, whatever it carries.
SELECT_ALL = {"select": "all"}


def pytest_report_header():
    return [f"binary: {find_binary()}", f"seed: {seed()} (SEALTRAIL_SEED), soak: {soak()} (SEALTRAIL_SOAK)"]


def seed() -> int:
    return int(os.environ.get("SEALTRAIL_SEED", "1"))


def soak() -> bool:
    """Whether the long tests run whole."""
    return os.environ.get("SEALTRAIL_SOAK", "") not in ("", "0")


@pytest.fixture
def rng(request) -> random.Random:
    """Seeded by SEALTRAIL_SEED and the test's name."""
    return random.Random(f"{seed()} {request.node.name}")


@pytest.fixture
def make_store(tmp_path):
    """Makes stores that end with the test; `make_store(config, name=…, start=False)`."""
    stores = []

    def make(config=None, *, name="data", start=True, **more) -> Store:
        store = Store(tmp_path / name, config, **more)
        stores.append(store)
        return store.start() if start else store

    yield make
    for store in stores:
        store.close()


@pytest.fixture
def store(make_store) -> Store:
    """A running store with the default selector."""
    return make_store()


@pytest.fixture
def keep_all(make_store) -> Store:
    """A running store that keeps everything."""
    return make_store(SELECT_ALL)


@pytest.fixture(scope="session")
def vectors() -> Path:
    """OpenTelemetry's own example messages."""
    return ROOT / "tests/vectors/otlp"


@pytest.fixture
def mounts():
    """The module private_mounts; skips where this user may not mount."""
    if not MAY_MOUNT:
        pytest.skip("no mount namespace for this user")
    return private_mounts
