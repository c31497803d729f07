"""A sealtrail binary under control: start, ask, kill, restart. Standard library only.

Used by the end-to-end tests, the benchmarks and the demo. Everything goes through what users have: the
command line, the ready line, the HTTP API.
"""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def find_binary() -> Path:
    """$SEALTRAIL_BIN, else the release build, else the dev build."""
    named = os.environ.get("SEALTRAIL_BIN")
    candidates = [Path(named)] if named else [ROOT / "build" / kind / "sealtrail" for kind in ("release", "dev")]
    for candidate in candidates:
        if candidate.is_file():
            return candidate.resolve()
    raise FileNotFoundError(f"no sealtrail binary at {' or '.join(map(str, candidates))}; run `make build`")


class StartFailed(Exception):
    """`serve` ended, or stayed silent, before its ready line."""

    def __init__(self, exit_code: int | None, stderr: str):
        super().__init__(f"serve did not become ready: exit {exit_code}\n{stderr}")
        self.exit_code = exit_code
        self.stderr = stderr


class CommandFailed(Exception):
    def __init__(self, command, done):
        super().__init__(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stderr}")
        self.exit_code = done.returncode
        self.stdout = done.stdout
        self.stderr = done.stderr


class Store:
    """One data folder and, while it runs, the `serve` process that owns it.

    `config` is what the configuration file holds, as a dict (JSON is YAML) or as text.
    """

    def __init__(self, data: Path, config: dict | str | None = None, *, wrap: list[str] | None = None):
        self.data = Path(data)
        self.binary = find_binary()
        self.wrap = list(wrap or [])  # a command that runs serve, such as `unshare -m --`
        self.process: subprocess.Popen | None = None
        self.ready: dict = {}
        self.data.parent.mkdir(parents=True, exist_ok=True)
        self.stderr_path = self.data.parent / f"{self.data.name}.stderr"
        self.config_path: Path | None = None
        if config is not None:
            self.configure(config)

    def configure(self, config: dict | str) -> None:
        """Writes the configuration file that the next start reads."""
        self.config_path = self.data.parent / f"{self.data.name}.yaml"
        self.config_path.write_text(config if isinstance(config, str) else json.dumps(config, indent=1))

    # --- the process --------------------------------------------------------------------------------

    def start(self, *extra: str, timeout: float = 60) -> "Store":
        assert self.process is None, "already running"
        command = [*self.wrap, str(self.binary), "serve", "--data", str(self.data)]
        for flag in ("--otlp-grpc", "--otlp-http", "--api"):
            if flag not in extra:
                command += [flag, "127.0.0.1:0"]
        if self.config_path:
            command += ["--config", str(self.config_path)]
        command += extra
        with open(self.stderr_path, "ab") as stderr:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr)
        try:
            self.ready = json.loads(self._first_line(timeout))
        except ValueError as error:
            code = self._abandon()
            raise StartFailed(code, self.stderr()) from error
        return self

    def _first_line(self, timeout: float) -> bytes:
        line, deadline = b"", time.monotonic() + timeout
        descriptor = self.process.stdout.fileno()
        while not line.endswith(b"\n"):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([descriptor], [], [], left)[0]:
                raise ValueError("no ready line in time")
            byte = os.read(descriptor, 1)
            if not byte:
                raise ValueError("ended before its ready line")
            line += byte
        return line

    def _abandon(self) -> int | None:
        process, self.process = self.process, None
        try:
            return process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return None
        finally:
            process.stdout.close()

    def stop(self, timeout: float = 60) -> int:
        """SIGTERM; returns the exit code, 0 after an orderly end."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait(timeout)

    def kill9(self) -> None:
        self.process.kill()
        self.wait()

    def wait(self, timeout: float = 60) -> int:
        """The exit code, once the process ended."""
        code = self.process.wait(timeout=timeout)
        self.process.stdout.close()
        self.process = None
        return code

    def restart(self, *extra: str) -> "Store":
        if self.process is not None:
            assert self.stop() == 0, self.stderr()
        return self.start(*extra)

    def close(self) -> None:
        """Ends the process if it still runs, whatever its state."""
        if self.process is not None:
            self.process.kill()
            self.wait()

    @property
    def pid(self) -> int:
        return self.process.pid

    def stderr(self) -> str:
        return self.stderr_path.read_text(errors="replace") if self.stderr_path.exists() else ""

    # --- asking -------------------------------------------------------------------------------------

    def run(self, *arguments, check: bool = True, text: bool = True, timeout: float = 120):
        """`sealtrail ARGUMENTS`, finished."""
        command = [self.binary, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=text, timeout=timeout)
        if check and done.returncode != 0:
            raise CommandFailed(command, done)
        return done

    def query(self, sql: str) -> list[dict]:
        return json.loads(self.run("query", "--data", self.data, "--format", "json", sql).stdout)

    def query_api(self, sql: str) -> dict:
        """The whole answer of POST /api/v1/query: columns, rows, statement."""
        return json.loads(self.http("POST", "/api/v1/query", json.dumps({"sql": sql}).encode()))

    def http(self, method: str, path: str, body: bytes | None = None, token: bool = True) -> bytes:
        request = urllib.request.Request(f"http://{self.ready['api']}{path}", data=body, method=method)
        if token:
            secret = (self.data / "local.token").read_text().strip()
            request.add_header("Authorization", f"Bearer {secret}")
        if body is not None:
            request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=120) as response:
            return response.read()

    def metrics(self) -> dict[str, float]:
        """Each sample of /metrics, keyed as it is printed: `name{label="value"}`."""
        samples = {}
        for line in self.http("GET", "/metrics", token=False).decode().splitlines():
            if line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                samples[name] = float(value)
        return samples

    def metric(self, name: str, **labels: str) -> float:
        """The sum of the samples of `name` that carry `labels`."""
        wanted = [f'{key}="{value}"' for key, value in labels.items()]
        pattern = re.compile(re.escape(name) + r"(\{.*\})?$")
        return sum(v for k, v in self.metrics().items() if pattern.match(k) and all(w in k for w in wanted))

    def verify(self, path: Path | None = None, *options: str) -> tuple[int, dict]:
        """Exit code and report of `sealtrail verify --json`."""
        done = self.run("verify", path or self.data, *options, "--json", check=False, timeout=600)
        try:
            return done.returncode, json.loads(done.stdout)
        except ValueError as error:
            raise CommandFailed(["verify"], done) from error

    def export(self, *arguments: str) -> bytes:
        return self.run("export", "--data", self.data, *arguments, text=False, timeout=600).stdout

    def leaves(self) -> list[dict]:
        return [json.loads(line) for line in self.export().splitlines()]
