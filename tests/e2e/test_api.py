"""The API port and the folder's socket: who may ask, what they get, and what the store records of it."""

import hashlib
import json
import shutil
import subprocess
import urllib.error
import urllib.request

import pytest
from store import StartFailed
from traffic import post, spans


def answer(store, method, path, body=None, headers=None):
    """Status, headers and body, also of an answer that is an error."""
    request = urllib.request.Request(f"http://{store.ready['api']}{path}", data=body, method=method, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def bearer(store):
    return {"Authorization": "Bearer " + (store.data / "local.token").read_text().strip()}


QUERY = json.dumps({"sql": "SELECT 1 AS one"}).encode()


def test_health_readiness_and_metrics_are_open(store):
    assert answer(store, "GET", "/healthz")[::2] == (200, b"ok\n")
    status, headers, body = answer(store, "GET", "/readyz")
    ready = json.loads(body)
    assert status == 200 and ready["ready"] is True and ready["warnings"] == []
    assert ready["durable"] >= ready["checkpointed"] >= 1
    status, headers, body = answer(store, "GET", "/metrics")
    assert status == 200 and headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert b"# TYPE sealtrail_height_durable gauge" in body


def test_questions_need_the_token(store):
    for headers in ({}, {"Authorization": "Bearer "}, {"Authorization": "Bearer " + "0" * 64}, {"Authorization": "Basic eDp5"}):
        status, got, body = answer(store, "POST", "/api/v1/query", QUERY, headers)
        assert status == 401 and got["WWW-Authenticate"] == "Bearer", headers
        assert json.loads(body)["status"] == 401
        assert answer(store, "GET", "/api/v1/leaves", headers=headers)[0] == 401
    status, _, body = answer(store, "POST", "/api/v1/query", QUERY, bearer(store))
    assert status == 200 and json.loads(body)["rows"] == [[1]]
    assert (store.data / "local.token").stat().st_mode & 0o777 == 0o600
    assert (store.data / "api.sock").stat().st_mode & 0o777 == 0o600


def test_errors_are_problem_json_with_a_way_on(store):
    status, headers, body = answer(store, "GET", "/api/v1/querry")
    problem = json.loads(body)
    assert status == problem["status"] == 404 and headers["Content-Type"] == "application/problem+json"
    assert "/api/v1/query" in problem["detail"] and problem["title"] == "Not Found"
    status, headers, _ = answer(store, "GET", "/api/v1/query", headers=bearer(store))
    assert status == 405 and headers["Allow"] == "POST"
    for body in (b"", b"{", b"[]", b'{"sql":1}', b'{"query":"SELECT 1"}'):
        status, _, got = answer(store, "POST", "/api/v1/query", body, bearer(store))
        assert status == 400 and "sql" in json.loads(got)["detail"], body
    status, _, got = answer(store, "POST", "/api/v1/query", b'{"sql":"SELECT FROM"}', bearer(store))
    assert status == 400 and json.loads(got)["detail"]


def test_a_question_is_a_record_before_its_answer(store):
    sql = "SELECT count(*) AS n FROM audit_self -- ünïcode"
    store.query_api(sql)
    asked = [leaf for leaf in store.leaves() if leaf["o"].get("en") == "sealtrail.query.run"]
    attributes = dict(asked[0]["o"]["a"])
    assert attributes["sealtrail.query.sql"] == sql
    assert attributes["sealtrail.query.sha256"] == hashlib.sha256(sql.encode()).hexdigest()
    assert attributes["audit.actor.id"].startswith("local:")


def test_a_long_question_is_recorded_by_its_start_and_digest(store):
    sql = "SELECT '" + "ü" * 3000 + "' AS t"
    assert store.query_api(sql)["rows"] == [["ü" * 3000]]
    attributes = dict(next(leaf for leaf in store.leaves() if leaf["o"].get("en") == "sealtrail.query.run")["o"]["a"])
    assert sql.startswith(attributes["sealtrail.query.sql"]) and 4000 < len(attributes["sealtrail.query.sql"].encode()) <= 4096
    assert attributes["sealtrail.query.sha256"] == hashlib.sha256(sql.encode()).hexdigest()


def test_the_statement_names_the_tree(store):
    statement = store.query_api("SELECT 1 AS one")["statement"]
    assert statement["rows"] == 1 and statement["asked_by"].startswith("local:")
    assert statement["tree_size"] >= 2 and len(statement["root"]) in (44, 64)
    assert statement["sql"] == "SELECT 1 AS one" and statement["now"].endswith("Z")


def test_leaves_by_number(store):
    for i in range(5):
        assert post(store, spans(1, action=f"act-{i}")).status == 200
    whole = store.export().splitlines()
    status, headers, body = answer(store, "GET", "/api/v1/leaves?from=2&to=4", headers=bearer(store))
    assert status == 200 and body.splitlines() == whole[2:5]
    assert int(headers["X-Sealtrail-Size"]) >= len(whole)
    for bad in ("from=4&to=2", "from=100000", "from=0&to=100000", "from=x", "from=-1"):
        status, _, body = answer(store, "GET", f"/api/v1/leaves?{bad}", headers=bearer(store))
        assert status == 400 and json.loads(body)["detail"], bad


def test_commands_reach_a_running_store_over_the_network(store):
    url = f"http://{store.ready['api']}"
    token = (store.data / "local.token").read_text().strip()
    done = store.run("query", "--server", url, "--token", token, "--format", "csv", "SELECT 'a,b' AS x")
    assert done.stdout == 'x\n"a,b"\n'
    refused = store.run("query", "--server", url, "SELECT 1", check=False)
    assert refused.returncode == 2 and "token" in refused.stderr
    nobody = store.run("query", "--server", "http://127.0.0.1:1", "SELECT 1", check=False)
    assert nobody.returncode == 2 and "127.0.0.1:1" in nobody.stderr


def test_a_stopped_store_answers_and_records(make_store):
    store = make_store()
    assert post(store, spans(1, action="before")).status == 200
    assert store.stop() == 0
    assert store.query("SELECT action FROM audit_spans") == [{"action": "before"}]
    code, report = store.verify()
    assert code == 0 and report["size"] == report["checkpoint_size"]
    assert b"sealtrail.query.run" in store.export()


def test_a_folder_that_cannot_be_written_is_only_read(make_store, mounts, tmp_path):
    store = make_store()
    assert post(store, spans(1, action="kept")).status == 200
    assert store.stop() == 0
    before = {path: path.read_bytes() for path in sorted(store.data.rglob("*")) if path.is_file()}
    subprocess.run(["mount", "--bind", store.data, store.data], check=True)
    subprocess.run(["mount", "-o", "remount,ro,bind", store.data], check=True)
    try:
        assert store.query("SELECT action FROM audit_spans") == [{"action": "kept"}]
        assert b'"kept"' in store.export()
        assert store.verify()[0] == 0
    finally:
        subprocess.run(["umount", store.data], check=True)
    assert before == {path: path.read_bytes() for path in sorted(store.data.rglob("*")) if path.is_file()}


def test_a_folder_that_is_none(make_store, tmp_path):
    store = make_store(start=False)
    for command in (("query", "--data", tmp_path / "nothing", "SELECT 1"), ("export", "--data", tmp_path / "nothing")):
        done = store.run(*command, check=False)
        assert done.returncode == 2 and "holds no trail" in done.stderr
    shutil.rmtree(tmp_path / "nothing", ignore_errors=True)


@pytest.mark.parametrize("format", ["table", "csv", "json", "ndjson"])
def test_formats(store, format):
    done = store.run("query", "--data", store.data, "--format", format, "SELECT 'x' AS a, NULL AS b, 1 AS n")
    expected = {"table": "a  b  n\n-  -  -\nx     1\n(1 row)\n", "csv": "a,b,n\r\nx,,1\r\n",
                "json": '[{"a":"x","b":null,"n":1}]\n', "ndjson": '{"a":"x","b":null,"n":1}\n'}  # fmt: skip
    assert done.stdout.replace("\r\n", "\n") == expected[format].replace("\r\n", "\n")


def test_commands_at_once_on_a_stopped_store_all_answer(make_store):
    store = make_store()
    assert post(store, spans(1, action="kept")).status == 200
    assert store.stop() == 0
    command = [store.binary, "query", "--data", store.data, "--format", "csv", "SELECT action FROM audit_spans"]
    running = [subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(6)]
    for process in running:
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out.splitlines()) == (0, ["action", "kept"]), err


def test_what_is_in_the_way_of_the_socket_is_no_read_only_folder(make_store):
    store = make_store()
    assert store.stop() == 0
    (store.data / "api.sock").write_text("in the way")
    done = store.run("query", "--data", store.data, "SELECT 1", check=False)
    assert done.returncode == 2 and "api.sock" in done.stderr


def test_a_statement_with_a_nul_is_refused(store):
    status, _, body = answer(store, "POST", "/api/v1/query", b'{"sql":"SELECT 1\\u0000 FROM nowhere"}', bearer(store))
    assert status == 400 and "NUL" in json.loads(body)["detail"]


def test_giant_names_of_sources_cost_nothing(store):
    """Once a 50 MiB service name stopped the store when its tally was to be recorded."""
    import traffic
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

    request = ExportLogsServiceRequest()
    group = request.resource_logs.add()
    traffic.add_attribute(group.resource.attributes, "service.name", "\x01" * (40 << 20))
    group.scope_logs.add().log_records.add()
    assert post(store, request.SerializeToString(), "/v1/logs").status == 200
    assert len(store.http("GET", "/metrics", token=False)) < 200_000
    assert store.stop() == 0
    assert store.verify()[0] == 0


def test_a_first_start_wants_a_folder_of_its_own(make_store):
    store = make_store(start=False)
    store.data.mkdir()
    (store.data / "lost+found").mkdir()
    (store.data / "notes.txt").write_text("mine")
    with pytest.raises(StartFailed) as refused:
        store.start()
    assert refused.value.exit_code == 2 and "notes.txt" in refused.value.stderr
    (store.data / "notes.txt").unlink()
    store.start()
    assert store.stop() == 0
    assert store.verify()[0] == 0
