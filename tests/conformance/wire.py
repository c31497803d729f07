"""Bytes by hand: protobuf, gzip and zstd, for what libraries do not let through."""

from __future__ import annotations

import functools
import struct
import zlib

KIB = 1024
MIB = 1024 * KIB


# --- protobuf (protobuf.dev/programming-guides/encoding) ----------------------------------------


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out) + bytes([value])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value & 0xFFFFFFFFFFFFFFFF)


def fixed64(field: int, value: int) -> bytes:
    return varint(field << 3 | 1) + struct.pack("<Q", value)


def fixed32(field: int, value: int) -> bytes:
    return varint(field << 3 | 5) + struct.pack("<I", value)


def double(field: int, value: float) -> bytes:
    return varint(field << 3 | 1) + struct.pack("<d", value)


def message(field: int, content: bytes | str) -> bytes:
    """A field of length and bytes: a message, a string, bytes."""
    content = content.encode() if isinstance(content, str) else content
    return varint(field << 3 | 2) + varint(len(content)) + content


def group(field: int, content: bytes) -> bytes:
    """The old form of a message, between a start and an end."""
    return varint(field << 3 | 3) + content + varint(field << 3 | 4)


def padded(size: int) -> bytes:
    """A message of `size` bytes that holds one unknown field, 15; `size` is 0 or at least 2 and no length that varints skip."""
    if size == 0:
        return b""
    for digits in range(1, 6):
        out = message(15, bytes(size - 1 - digits))
        if len(out) == size:
            return out
    raise ValueError(f"no field takes {size} bytes")


UNKNOWN = {
    "varint": number(2001, 7),
    "fixed64": fixed64(2002, 7),
    "length": message(2003, b"of a later version"),
    "group": group(2004, number(1, 7) + message(2, b"inside")),
    "fixed32": fixed32(2005, 7),
}


# --- gzip (RFC 1952) ----------------------------------------------------------------------------


def gzip(body: bytes, level: int = 6) -> bytes:
    packer = zlib.compressobj(level, zlib.DEFLATED, 31)
    return packer.compress(body) + packer.flush()


@functools.cache
def gzip_of_zeros(mib: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = bytes(MIB)
    return b"".join(packer.compress(block) for _ in range(mib)) + packer.flush()


# --- zstd (RFC 8878), stored and run-length blocks alone ----------------------------------------

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
ZSTD_BLOCK = 128 * KIB
RAW, RUN = 0, 1


def zstd_block(kind: int, size: int, content: bytes, last: bool) -> bytes:
    return struct.pack("<I", size << 3 | kind << 1 | last)[:3] + content


def zstd(body: bytes) -> bytes:
    """One frame of stored blocks: a window of 1 MiB, no content size, no checksum (RFC 8878 §3.1.1). The blocks are small, for
    one whose content were a whole message would pass for protobuf with some unknown fields in front."""
    out = ZSTD_MAGIC + b"\x00" + b"\x50"
    pieces = [body[at : at + 50] for at in range(0, len(body), 50)] or [b""]
    for i, piece in enumerate(pieces):
        out += zstd_block(RAW, len(piece), piece, i == len(pieces) - 1)
    return out


def zstd_of_zeros(mib: int) -> bytes:
    """`mib` MiB of zeros in some 32 bytes a MiB: each block says one byte and how often."""
    blocks = mib * MIB // ZSTD_BLOCK
    return ZSTD_MAGIC + b"\x00" + b"\x50" + b"".join(zstd_block(RUN, ZSTD_BLOCK, b"\0", i == blocks - 1) for i in range(blocks))
