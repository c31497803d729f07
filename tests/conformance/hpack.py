"""Header compression of HTTP/2 (RFC 7541): decodes all of it; encodes as literals alone, which every peer must take."""

from __future__ import annotations

# Appendix A, from index 1.
STATIC = [
    tuple(entry.split("=", 1)) if "=" in entry else (entry, "")
    for entry in (
        ":authority|:method=GET|:method=POST|:path=/|:path=/index.html|:scheme=http|:scheme=https|:status=200|:status=204|:status=206|"
        ":status=304|:status=400|:status=404|:status=500|accept-charset|accept-encoding=gzip, deflate|accept-language|accept-ranges|"
        "accept|access-control-allow-origin|age|allow|authorization|cache-control|content-disposition|content-encoding|"
        "content-language|content-length|content-location|content-range|content-type|cookie|date|etag|expect|expires|from|host|"
        "if-match|if-modified-since|if-none-match|if-range|if-unmodified-since|last-modified|link|location|max-forwards|"
        "proxy-authenticate|proxy-authorization|range|referer|refresh|retry-after|server|set-cookie|strict-transport-security|"
        "transfer-encoding|user-agent|vary|via|www-authenticate"
    ).split("|")
]

# Appendix B. The code is canonical, so the lengths of the codes of 0 to 255 say it all; a length L is written chr(48 + L).
_LENGTHS = (
    "=GLLLLLLLHNLLNLLLLLLLLNLLLLLLLLL6::<=68;::8;8666555666666678?6<:=67777777777777777777777878=C=>6?56565666577666567655677777?;>=L"
    "DFDDFFFGFGGGGGHGHHFGHGGGGEFGFGGHFEDFFGGEGFFHEFGGEEFEGFGGDFFFGFFGJJDCFGFIJJJKKJHICEJKKJKHEEJJLKKKDHDEFEEGFFIIHHJGJKJJKKKKKLKKKKKJ"
)


def _codes() -> dict[tuple[int, int], int]:
    """(length, code) to the byte it stands for."""
    out, code, before = {}, 0, 0
    for byte in sorted(range(256), key=lambda b: (_LENGTHS[b], b)):
        length = ord(_LENGTHS[byte]) - 48
        code <<= length - before
        out[length, code] = byte
        code, before = code + 1, length
    return out


_CODES = _codes()


def unhuffman(data: bytes) -> bytes:
    out, code, length = bytearray(), 0, 0
    for byte in data:
        for bit in range(7, -1, -1):
            code, length = code << 1 | byte >> bit & 1, length + 1
            if (length, code) in _CODES:
                out.append(_CODES[length, code])
                code = length = 0
    return bytes(out)


class Decoder:
    """One direction of one connection."""

    def __init__(self):
        self.dynamic: list[tuple[str, str]] = []
        self.room = 4096

    def _entry(self, index: int) -> tuple[str, str]:
        return STATIC[index - 1] if index <= len(STATIC) else self.dynamic[index - len(STATIC) - 1]

    def _evict(self) -> None:
        while sum(len(name) + len(value) + 32 for name, value in self.dynamic) > self.room:
            self.dynamic.pop()

    def decode(self, block: bytes) -> list[tuple[str, str]]:
        headers, at = [], 0

        def integer(bits: int) -> int:
            nonlocal at
            most = (1 << bits) - 1
            value = block[at] & most
            at += 1
            if value < most:
                return value
            shift = 0
            while True:
                byte = block[at]
                at += 1
                value += (byte & 127) << shift
                shift += 7
                if byte < 128:
                    return value

        def text() -> str:
            nonlocal at
            huffman = block[at] & 128
            size = integer(7)
            raw = block[at : at + size]
            at += size
            return (unhuffman(raw) if huffman else raw).decode("latin-1")

        while at < len(block):
            first = block[at]
            if first & 0x80:
                headers.append(self._entry(integer(7)))
            elif first & 0xE0 == 0x20:
                self.room = integer(5)
                self._evict()
            else:
                keep = first & 0x40
                index = integer(6 if keep else 4)
                name = self._entry(index)[0] if index else text()
                headers.append((name, text()))
                if keep:
                    self.dynamic.insert(0, headers[-1])
                    self._evict()
        return headers


def _length(size: int) -> bytes:
    if size < 127:
        return bytes([size])
    out, size = bytearray([127]), size - 127
    while size > 127:
        out.append(size & 127 | 128)
        size >>= 7
    return bytes(out) + bytes([size])


def encode(headers: list[tuple[str, str]]) -> bytes:
    out = b""
    for name, value in headers:
        raw_name, raw_value = name.encode("latin-1"), value.encode("latin-1")
        out += b"\0" + _length(len(raw_name)) + raw_name + _length(len(raw_value)) + raw_value
    return out
