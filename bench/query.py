"""The article's SQL, verbatim, over the loaded store, through POST /api/v1/query, to the last row; warm.

Peer: the same question where DuckDB must look into a whole map column. Check: the rows are the role updates of the
last 90 days that the generator made, newest first.
"""

from __future__ import annotations

import bisect
import http.client
import json
import time

import otlp_grpc
from harness import ROOT, Bench, Row, amount, check

SQL = (ROOT / "docs/article.sql").read_text()
# Not a constant subscript, so the whole map is put together for every row.
PEER_SQL = SQL.replace("attributes['audit.action'] = 'role_update'", "map_extract_value(attributes, lower('AUDIT.ACTION')) = 'role_update'")
MUST_MS = 100
ROUNDS = 50
WARM_UP = 5
WINDOW_NS = 90 * 86_400 * 10**9
INDEX_TIMEOUT_S = 300
TAIL_RECORDS = 5_000


class Asker:
    """One kept-alive connection to the API."""

    def __init__(self, store):
        self.connection = http.client.HTTPConnection(store.ready["api"], timeout=120)
        token = (store.data / "local.token").read_text().strip()
        self.headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}

    def ask(self, sql: str) -> tuple[float, dict]:
        """Milliseconds from the first byte sent to the last byte read, and the answer."""
        body = json.dumps({"sql": sql})
        began = time.perf_counter()
        self.connection.request("POST", "/api/v1/query", body, self.headers)
        response = self.connection.getresponse()
        text = response.read()
        ms = (time.perf_counter() - began) * 1000
        check(response.status == 200, f"query: {response.status} {text[:500]!r}")
        return ms, json.loads(text)


def expected(hits: list[int], at_ns: int) -> int:
    return len(hits) - bisect.bisect_left(hits, at_ns - WINDOW_NS)


def check_answer(answer: dict, hits: list[int], before_ns: int, after_ns: int) -> None:
    count = len(answer["rows"])
    most, least = expected(hits, before_ns), expected(hits, after_ns)
    check(least <= count <= most, f"the article's query gave {count} rows, expected {least} to {most}")
    times = [row[0] for row in answer["rows"]]
    check(times == sorted(times, reverse=True), "rows are not newest first")


def wait_for_index(store) -> float:
    """Seconds until all but the last few records lie in parts; those few are read from memory."""
    began = time.perf_counter()
    while store.metric("sealtrail_height_durable") - store.metric("sealtrail_index_records") > TAIL_RECORDS:
        check(time.perf_counter() - began < INDEX_TIMEOUT_S, "the index does not catch up")
        time.sleep(0.1)
    return time.perf_counter() - began


def measure(asker: Asker, sql: str, hits: list[int], rounds: int) -> list[float]:
    times = []
    for round_ in range(WARM_UP + rounds):
        before = time.time_ns()
        ms, answer = asker.ask(sql)
        check_answer(answer, hits, before, time.time_ns())
        if round_ >= WARM_UP:
            times.append(ms)
    return sorted(times)


def run(bench: Bench) -> None:
    loaded = bench.loaded or otlp_grpc.load(bench)[0]
    store = loaded.store
    store.config_path = None  # the index runs
    store.start()
    try:
        built = wait_for_index(store)
        asker = Asker(store)
        times = measure(asker, SQL, loaded.hits, ROUNDS)
        peer = measure(asker, PEER_SQL, loaded.hits, 5)
        index_bytes = sum(path.stat().st_size for path in (store.data / "index").rglob("*") if path.is_file())
    finally:
        store.close()
    records = loaded.sent["selected"]
    p50, p99 = times[len(times) // 2], times[min(len(times) - 1, len(times) * 99 // 100)]
    bench.report(Row(
        "the article's SQL, warm, median to the last row", p50, "ms", MUST_MS, less_is_better=True,
        peer=f"{amount(peer[len(peer) // 2])} ms over the whole map, {peer[len(peer) // 2] / p50:.1f} times as long",
        detail=f"{records:,} records over {loaded.sent['days']} days, {len(loaded.hits):,} role updates, "
        f"{expected(loaded.hits, time.time_ns()):,} rows; p99 {p99:.1f} ms of {len(times)} rounds; index built "
        f"in {built:.1f} s, {index_bytes / records:.0f} B a record",
    ))  # fmt: skip
