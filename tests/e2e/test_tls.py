"""TLS and mutual TLS at every port, with stock clients, and certificates that change while the server runs."""

from __future__ import annotations

import http.client
import shutil
import socket
import ssl
import subprocess
import time
from pathlib import Path

import grpc
import pytest
import traffic
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpans
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpans
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from store import StartFailed

PORTS = ("otlp_grpc", "otlp_http", "api")
TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


class Authority:
    """Certificates made by the openssl command."""

    def __init__(self, folder: Path, name: str):
        self.folder, self.name = folder, name
        self.pem = folder / f"{name}.pem"
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
                      "-subj", f"/CN={name}", "-keyout", folder / f"{name}.key", "-out", self.pem)  # fmt: skip

    def issue(self, name: str) -> tuple[Path, Path]:
        """Certificate and key for CN=name, at 127.0.0.1."""
        key, request, certificate = (self.folder / f"{name}.{end}" for end in ("key", "csr", "pem"))
        names = self.folder / "names"
        names.write_text("subjectAltName=IP:127.0.0.1\n")
        self._openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        self._openssl("x509", "-req", "-in", request, "-CA", self.pem, "-CAkey", self.folder / f"{self.name}.key",
                      "-CAcreateserial", "-days", "1", "-extfile", names, "-out", certificate)  # fmt: skip
        return certificate, key

    def _openssl(self, *arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


@pytest.fixture(autouse=True)
def no_other_authorities(monkeypatch):
    """requests prefers what the environment names to what the exporter is told."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def servers(tmp_path) -> Authority:
    return Authority(tmp_path, "servers")


@pytest.fixture
def clients(tmp_path) -> Authority:
    return Authority(tmp_path, "clients")


def configured(servers: Authority, clients: Authority | None, seconds: int = 3600) -> dict:
    certificate, key = servers.issue("server")
    tls = {"cert_file": str(certificate), "key_file": str(key), "reload_interval_seconds": seconds}
    if clients:
        tls["client_ca_file"] = str(clients.pem)
    return {"listen": {port: {"address": "127.0.0.1:0", "tls": tls} for port in PORTS}}


def context(servers: Authority, client: tuple[Path, Path] | None = None) -> ssl.SSLContext:
    out = ssl.create_default_context(cafile=servers.pem)
    if client:
        out.load_cert_chain(*client)
    return out


def https(store, port: str, tls: ssl.SSLContext, method: str = "GET", path: str = "/readyz", body: bytes | None = None):
    connection = http.client.HTTPSConnection(store.ready[port], context=tls, timeout=60)
    try:
        connection.request(method, path, body=body, headers={"Content-Type": traffic.PROTOBUF})
        return traffic.Answer(connection.getresponse())
    finally:
        connection.close()


def credentials(servers: Authority, client: tuple[Path, Path] | None = None) -> grpc.ChannelCredentials:
    certificate, key = client or (None, None)
    return grpc.ssl_channel_credentials(
        servers.pem.read_bytes(), key and key.read_bytes(), certificate and certificate.read_bytes()
    )


def call(store, with_credentials) -> grpc.StatusCode:
    with grpc.secure_channel(store.ready["otlp_grpc"], with_credentials) as channel:
        try:
            return channel.unary_unary(TRACES).with_call(traffic.spans(1), timeout=60)[1].code()
        except grpc.RpcError as error:
            return error.code()


def stored(store) -> int:
    return store.query("SELECT count(*) AS n FROM audit_events")[0]["n"]


def test_stock_clients_deliver_over_tls(make_store, servers):
    store = make_store(configured(servers, None))
    exporters = [
        GrpcSpans(endpoint=store.ready["otlp_grpc"], credentials=credentials(servers)),
        HttpSpans(endpoint=f"https://{store.ready['otlp_http']}/v1/traces", certificate_file=str(servers.pem)),
    ]
    deliver(exporters)
    assert stored(store) == 2
    done = subprocess.run(
        ["curl", "-sS", "--cacert", servers.pem, f"https://{store.ready['api']}/readyz"], capture_output=True, check=True
    )
    assert b"ready" in done.stdout
    assert b"insecure_bind" not in done.stdout


def test_stock_clients_deliver_over_mutual_tls(make_store, servers, clients):
    client = clients.issue("collector")
    store = make_store(configured(servers, clients))
    exporters = [
        GrpcSpans(endpoint=store.ready["otlp_grpc"], credentials=credentials(servers, client)),
        HttpSpans(
            endpoint=f"https://{store.ready['otlp_http']}/v1/traces",
            certificate_file=str(servers.pem),
            client_certificate_file=str(client[0]),
            client_key_file=str(client[1]),
        ),
    ]
    deliver(exporters)
    assert stored(store) == 2, "commands of this machine use the socket, without a certificate"
    assert https(store, "api", context(servers, client)).status == 200


def deliver(exporters):
    for exporter in exporters:
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        with provider.get_tracer("tls").start_as_current_span("span", attributes={"audit.action": "exercise"}):
            pass
        provider.shutdown()


def test_strangers_are_refused_at_every_port(make_store, servers, clients):
    store = make_store(configured(servers, clients))
    for stranger in (None, servers.issue("stranger")):
        for port in ("otlp_http", "api"):
            with pytest.raises((ssl.SSLError, ConnectionError, http.client.RemoteDisconnected)):
                https(store, port, context(servers, stranger))
        assert call(store, credentials(servers, stranger)) == grpc.StatusCode.UNAVAILABLE, "so that it keeps the batch"
    with pytest.raises((ConnectionError, http.client.RemoteDisconnected)):
        traffic.post(store, traffic.spans(1))
    assert stored(store) == 0


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_versions(make_store, servers, version):
    store = make_store(configured(servers, None))
    for port in PORTS:
        tls = context(servers)
        tls.set_ciphers("ALL:@SECLEVEL=0")  # what is refused, the server shall refuse
        tls.minimum_version = ssl.TLSVersion.TLSv1
        tls.maximum_version = version
        host, number = store.ready[port].rsplit(":", 1)
        with socket.create_connection((host, int(number)), timeout=60) as plain:
            try:
                with tls.wrap_socket(plain, server_hostname=host) as spoken:
                    assert spoken.version() == version.name.replace("_", ".")
                    assert version != ssl.TLSVersion.TLSv1_1, port
            except (ssl.SSLError, ConnectionError):
                assert version == ssl.TLSVersion.TLSv1_1, port


def shown(store, port: str, authority: Path) -> str:
    """The common name of the server's certificate."""
    host, number = store.ready[port].rsplit(":", 1)
    with socket.create_connection((host, int(number)), timeout=60) as plain:
        with ssl.create_default_context(cafile=authority).wrap_socket(plain, server_hostname=host) as spoken:
            return dict(pair for (pair,) in spoken.getpeercert()["subject"])["commonName"]


def until(what, seconds: float = 60):
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)


def test_certificates_are_reloaded(make_store, servers):
    config = configured(servers, None, seconds=1)
    certificate, key = (Path(config["listen"]["api"]["tls"][name]) for name in ("cert_file", "key_file"))
    config["listen"]["api"] = "127.0.0.1:0"  # so that metrics can be read as ever
    store = make_store(config)
    tls_ports = ("otlp_grpc", "otlp_http")
    assert [shown(store, port, servers.pem) for port in tls_ports] == ["server"] * 2

    good = certificate.read_bytes()
    certificate.write_text("no certificate\n")
    failures = "sealtrail_tls_reload_failures_total"
    until(lambda: all(store.metric(failures, listener=port) > 0 for port in tls_ports))
    assert "tls_reload_failed" in store.stderr()
    assert [shown(store, port, servers.pem) for port in tls_ports] == ["server"] * 2
    assert call(store, credentials(servers)) == grpc.StatusCode.OK
    certificate.write_bytes(good)

    next_certificate, next_key = servers.issue("renewed")
    shutil.copy(next_key, key)
    shutil.copy(next_certificate, certificate)
    for port in tls_ports:
        until(lambda: shown(store, port, servers.pem) == "renewed")  # noqa: B023
    assert call(store, credentials(servers)) == grpc.StatusCode.OK
    assert store.metric("sealtrail_tls_certificate_end_seconds", listener="otlp_grpc") > time.time()


def test_a_bad_certificate_refuses_the_start(make_store, servers):
    config = configured(servers, None)
    key = Path(config["listen"]["api"]["tls"]["key_file"])
    key.write_text("no key\n")
    store = make_store(config, start=False)
    with pytest.raises(StartFailed) as refused:
        store.start()
    assert refused.value.exit_code == 2
    assert str(key) in store.stderr()
    assert not store.data.exists() or not any(store.data.iterdir())


def test_beyond_loopback_needs_known_clients(make_store, servers, clients):
    with pytest.raises(StartFailed):
        make_store(configured(servers, None), name="a", start=False).start("--otlp-http", "0.0.0.0:0")
    store = make_store(configured(servers, clients), name="b", start=False).start("--otlp-http", "0.0.0.0:0")
    store.ready["otlp_http"] = "127.0.0.1:" + store.ready["otlp_http"].rsplit(":", 1)[1]
    tls = context(servers, clients.issue("collector"))
    assert https(store, "otlp_http", tls, "POST", "/v1/traces", traffic.spans(1)).status == 200
    assert store.query("SELECT count(*) AS n FROM audit_self WHERE action = 'sealtrail.bind.insecure'")[0]["n"] == 0
