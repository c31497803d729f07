"""What scripts/demo runs; see there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/e2e"))
from store import Store  # noqa: E402

KEEP = os.environ.get("KEEP", "") not in ("", "0")
STYLED = sys.stdout.isatty() and "NO_COLOR" not in os.environ


def styled(text: str, code: str) -> str:
    return f"\033[{code}m{text}\033[0m" if STYLED else text


def heading(number: int, text: str) -> None:
    print(f"\n{styled(f'{number}  {text}', '1')}")


def show(text: str) -> None:
    for line in text.rstrip("\n").splitlines():
        print(f"   {line}".rstrip())


def command(store: Store, *words: object) -> None:
    """Shows a command as a reader would type it."""
    print("   " + styled("$ " + " ".join(["sealtrail", *map(str, words)]), "2"))


def run_example(store: Store, name: str) -> None:
    environment = dict(os.environ, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://{store.ready['otlp_grpc']}")
    print("   " + styled(f"$ python examples/article/{name}", "2"))
    done = subprocess.run([sys.executable, ROOT / "examples/article" / name], env=environment,
                          capture_output=True, text=True, timeout=60)  # fmt: skip
    if done.returncode != 0:
        raise SystemExit(f"{name} failed:\n{done.stderr}")
    show(done.stdout)


def send(store: Store) -> None:
    heading(2, "The article's two programs send a trace and a log")
    run_example(store, "role_update.py")
    run_example(store, "config_change.py")


def ask(store: Store) -> None:
    heading(3, "The article's question: all permission changes of the last 90 days")
    sql = (ROOT / "docs/article.sql").read_text()
    show(styled(sql, "2"))
    print()
    show(store.run("query", "--data", store.data, "--format", "table", sql).stdout)


def verify(store: Store, folder: Path, wanted: int) -> None:
    """Runs `sealtrail verify` and shows its head and what is damaged; the six verdicts would fill the screen."""
    command(store, "verify", folder)
    done = store.run("verify", folder, check=False)
    if done.returncode != wanted:
        raise SystemExit(f"verify: exit {done.returncode}, expected {wanted}\n{done.stdout}{done.stderr}")
    head, *rest = done.stdout.split("\n\n")
    verdict, _, facts = head.partition("\n")
    show(styled(verdict, "32;1" if wanted == 0 else "31;1"))
    show(facts)
    for block in rest:
        if block.startswith("damage"):
            show(block)


def wait_for_checkpoint(store: Store) -> None:
    """A checkpoint is signed at most once a second; this waits for one that covers the records asked about."""
    wanted = store.metric("sealtrail_height_durable")
    while store.metric("sealtrail_height_checkpointed") < wanted:
        time.sleep(0.05)


def verify_sound(store: Store) -> None:
    heading(4, "Every stored byte is read and hashed again: is the ledger sound?")
    wait_for_checkpoint(store)
    verify(store, store.data, 0)


def flip_one_byte(copy: Path) -> tuple[Path, int]:
    """Turns 192.0.2.10 into 192.0.2.11 in a stored record, as someone with access to the disk could."""
    segment = min((copy / "segments").glob("*.log"))
    content = bytearray(segment.read_bytes())
    offset = content.index(b"192.0.2.10") + len("192.0.2.1")
    content[offset] ^= 1
    segment.write_bytes(content)
    return segment, offset


def verify_tampered(store: Store, copy: Path) -> None:
    heading(5, "In a copy, one byte changes: alice's address becomes another")
    shutil.copytree(store.data, copy, ignore=shutil.ignore_patterns("*.sock", "LOCK"))
    segment, offset = flip_one_byte(copy)
    show(f"{segment.relative_to(copy)}, byte {offset}: 192.0.2.10 becomes 192.0.2.11")
    verify(store, copy, 1)


def what_next(store: Store, kept: bool) -> None:
    heading(6, "What to try next")
    if kept:
        show(
            f"The store runs as process {store.pid} in {store.data}\n"
            f"  sealtrail query --data {store.data} \"SELECT seq, kind, actor, action, target FROM audit_events\"\n"
            f"  OTEL_EXPORTER_OTLP_ENDPOINT=http://{store.ready['otlp_grpc']} python examples/article/role_update.py\n"
            f"  curl http://{store.ready['api']}/metrics\n"
            f"  kill {store.pid}                    ends it; the folder stays"
        )
    else:
        show(
            "KEEP=1 make demo                   the same, and the store keeps running\n"
            "sealtrail serve --data ./trail     a store of your own, OTLP on 127.0.0.1:4317 and 4318\n"
            "README.md                          how to point your Collector or SDK at it"
        )


def main() -> None:
    started = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="sealtrail-demo-"))
    store = Store(folder / "trail")
    kept = False
    try:
        heading(1, "A store starts in a temporary folder")
        command(store, "serve", "--data", store.data)
        store.start()
        show(f"OTLP/gRPC {store.ready['otlp_grpc']}   OTLP/HTTP {store.ready['otlp_http']}   API {store.ready['api']}")
        show(f"origin {store.ready['origin']}")
        send(store)
        ask(store)
        verify_sound(store)
        verify_tampered(store, folder / "copy")
        kept = KEEP
        what_next(store, kept)
        print(f"\n{time.monotonic() - started:.1f} s")
    finally:
        if not kept:
            if store.process is not None:
                store.stop()
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
