"""A stock OpenTelemetry Collector under control: receives OTLP on free ports and writes what it got, as lines of OTLP/JSON.

scripts/build-collector makes the binary from pinned Go modules, once.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_ENDPOINT = re.compile(r'Starting (GRPC|HTTP) server.*"endpoint": "([^"]+)"')


def find_collector() -> Path:
    """Builds it where it is not there yet, which takes minutes the first time."""
    done = subprocess.run([ROOT / "scripts/build-collector"], capture_output=True, text=True, timeout=3000)
    if done.returncode != 0:
        raise RuntimeError(f"scripts/build-collector: exit {done.returncode}\n{done.stderr}")
    return Path(done.stdout.strip())


class Collector:
    """Runs inside a `with`. `grpc` and `http` are HOST:PORT, `stored` a command that prints what was received."""

    def __init__(self, folder: Path, limit_mib: int = 64):
        self.log = folder / "collector.log"
        self.file = folder / "stored.jsonl"
        self.file.touch()
        self.stored = shlex.join(["cat", str(self.file)])
        config = {
            "receivers": {"otlp": {"protocols": {
                "grpc": {"endpoint": "127.0.0.1:0", "max_recv_msg_size_mib": limit_mib},
                "http": {"endpoint": "127.0.0.1:0", "max_request_body_size": limit_mib << 20}}}},
            "exporters": {"file": {"path": str(self.file), "flush_interval": "100ms"}},
            "service": {"telemetry": {"metrics": {"level": "none"}}, "pipelines": {
                signal: {"receivers": ["otlp"], "exporters": ["file"]} for signal in ("traces", "logs", "metrics")}},
        }  # fmt: skip
        self.config = folder / "collector.yaml"
        self.config.write_text(json.dumps(config, indent=1))  # JSON is YAML
        self.grpc = self.http = ""

    def __enter__(self) -> "Collector":
        binary = find_collector()
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([binary, "--config", self.config], stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while "Everything is ready" not in self.log.read_text():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.__exit__()
                raise RuntimeError(f"the Collector did not start:\n{self.log.read_text()}")
            time.sleep(0.05)
        places = dict(_ENDPOINT.findall(self.log.read_text()))
        self.grpc, self.http = places["GRPC"], places["HTTP"]
        return self

    def __exit__(self, *_) -> None:
        self.process.kill()
        self.process.wait()
