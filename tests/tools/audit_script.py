#!/usr/bin/env python3
"""The auditor's script: proves an export with nothing but Python's standard library.

    sealtrail export --data DIR | audit_script.py ORIGIN

Prints how many records there are, the root of the tree over them (RFC 6962, base64), and the running hash at their
end (hexadecimal). The root must be the one in the signed checkpoint of that size, and the running hash the one that
`sealtrail verify --json` calls "chain". For an export that begins further on, give the running hash before its first
record, in hexadecimal, in place of the origin; the root then is that of the exported records alone.
"""

import base64
import hashlib
import re
import sys


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def start_of_chain(argument):
    if re.fullmatch("[0-9a-f]{64}", argument):
        return bytes.fromhex(argument)
    return sha256(b"sealtrail/chain/v1\n", argument.encode())


def main():
    chain = start_of_chain(sys.argv[1])
    trees = []  # perfect trees so far, as (leaves in it, its root), the largest first
    size = 0
    for line in sys.stdin.buffer:
        leaf = sha256(b"\x00", line.removesuffix(b"\n"))
        chain = sha256(b"\x02", chain, leaf)
        size += 1
        trees.append((1, leaf))
        while len(trees) > 1 and trees[-1][0] == trees[-2][0]:
            leaves, right = trees.pop()
            _, left = trees.pop()
            trees.append((2 * leaves, sha256(b"\x01", left, right)))
    root = trees.pop()[1] if trees else sha256()
    while trees:
        root = sha256(b"\x01", trees.pop()[1], root)
    print(size, base64.b64encode(root).decode(), chain.hex())


if __name__ == "__main__":
    main()
