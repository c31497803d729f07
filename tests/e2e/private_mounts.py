"""A mount namespace of our own: small disks and read-only folders that vanish with the test run.

`enter()` moves this process, and so every child, into one; as another user than root into a user namespace too.
It must run while the process has one thread, so conftest.py calls it first.
"""

from __future__ import annotations

import ctypes
import os
import subprocess

_NEW_MOUNTS = 0x00020000
_NEW_USER = 0x10000000


def enter() -> bool:
    """Whether we may mount from now on."""
    uid, gid = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_MOUNTS | (_NEW_USER if uid != 0 else 0)) != 0:
        return False
    try:
        if uid != 0:
            _write("/proc/self/setgroups", "deny")
            _write("/proc/self/uid_map", f"0 {uid} 1")
            _write("/proc/self/gid_map", f"0 {gid} 1")
        subprocess.run(["mount", "--make-rprivate", "/"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)


def small_disk(folder, size_bytes: int) -> None:
    """`folder` becomes an empty file system of that size, in memory."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs", folder], check=True)


def read_only(folder) -> None:
    subprocess.run(["mount", "--bind", folder, folder], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True)


def unmount(folder) -> None:
    subprocess.run(["umount", "--lazy", folder], check=True)
