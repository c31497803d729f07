"""The stand-alone scripts against answers that others published."""

import hashlib
import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE))
import rederive  # noqa: E402

TEST_LOG = "one two three four five six seven eit nain ten ileven twelf threeten fourten fivten".split()


def run(script, *arguments, stdin=b""):
    return subprocess.run(
        [sys.executable, "-S", "-E", HERE / script, *arguments], input=stdin, capture_output=True, check=False
    )


class AuditScript(unittest.TestCase):
    def audit(self, lines, start="example.com/log/testdata"):
        return run("audit_script.py", start, stdin="".join(line + "\n" for line in lines).encode()).stdout.decode().split()

    def test_known_answers(self):
        self.assertEqual(
            self.audit(TEST_LOG),
            ["15", "rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=",
             "89795f03cc488bce254633cbe19397a52165af090e702fd5f2a4a6ff17eafea5"],
        )
        self.assertEqual(
            self.audit(TEST_LOG[:7]),
            ["7", "IrSXADBqJ7EQoUODSDKROySgNveeL6CFhik2w/+fS7U=",
             "176cd7ba6843f92f52cd3cc5c5db4ba7f924c4cb571d6a361332a1609cc6c6a8"],
        )

    def test_a_later_start_ends_at_the_same_running_hash(self):
        chain = self.audit(TEST_LOG[:7])[2]
        self.assertEqual(self.audit(TEST_LOG[7:], start=chain)[2], self.audit(TEST_LOG)[2])

    def test_nothing(self):
        self.assertEqual(self.audit([])[:2], ["0", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="])

    def test_it_can_be_read_aloud(self):
        self.assertLess(len((HERE / "audit_script.py").read_text().splitlines()), 60)


class CanonicalForm(unittest.TestCase):
    def test_published_numbers(self):
        """tests/vectors/jcs/numbers.md: the SHA-256 of the first 10,000 lines "bits,text"."""
        bits = [int(line, 16) for line in (HERE.parent / "vectors/jcs/numbers-static.txt").read_text().split()]
        bits += [0x0010000000000000 + i for i in range(2000)]
        block = bytes(32)
        while len(bits) < 10000:
            block = hashlib.sha256(block).digest()
            for pattern in struct.unpack("<4Q", block):
                if pattern << 1 & (2**64 - 1) and pattern >> 52 & 0x7FF != 0x7FF:
                    bits.append(pattern)
        text = "".join(
            f"{pattern:x},{rederive.canonical_double(struct.unpack('>d', struct.pack('>Q', pattern))[0])}\n"
            for pattern in bits[:10000]
        )
        self.assertEqual(
            hashlib.sha256(text.encode()).hexdigest(), "b9f7a8e75ef22a835685a52ccba7f7d6bdc99e34b010992cbc5864cd12be6892"
        )

    def test_published_documents(self):
        for path in sorted((HERE.parent / "vectors/jcs/input").glob("*.json")):
            parsed = json.loads(path.read_text(encoding="utf-8"), parse_int=float)
            wanted = (HERE.parent / "vectors/jcs/output" / path.name).read_text(encoding="utf-8")
            self.assertEqual(rederive.canonical(parsed), wanted, path.name)


class Rederive(unittest.TestCase):
    REQUEST = {
        "resourceSpans": [
            {
                "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "iam"}}]},
                "scopeSpans": [
                    {
                        "scope": {"name": "audit-service"},
                        "spans": [
                            {
                                "traceId": "5B8EFFF798038103D269B633813FC60C",
                                "spanId": "eee19b7ec3c1b174",
                                "name": "user.role.update",
                                "kind": 2,
                                "flags": 257,
                                "startTimeUnixNano": "1764039845000000000",
                                "endTimeUnixNano": "1764039845000000250",
                                "status": {"code": 1},
                                "attributes": [
                                    {"key": "enduser.id", "value": {"stringValue": "alice"}},
                                    {"key": "audit.action", "value": {"stringValue": "role_update"}},
                                    {"key": "attempt", "value": {"intValue": 2}},
                                ],
                            },
                            {"name": "not audited"},
                        ],
                    }
                ],
            }
        ]
    }
    # docs/formats/record.md §8.
    LEAF = (
        '{"k":"span","n":"CgsMDQ4PEBESExQVFhcYGQ==","o":{"a":[["enduser.id","alice"],["audit.action","role_update"],'
        '["attempt",{"i":"2"}]],"e":"1764039845000000250","f":257,"i":"eee19b7ec3c1b174","k":2,"n":"user.role.update",'
        '"s":"1764039845000000000","st":{"c":1},"t":"5b8efff798038103d269b633813fc60c"},"r":{"a":"1764039846000000000",'
        '"b":"local","p":"127.0.0.1:50412","t":"grpc"},"re":{"r":{"a":[["service.name","iam"]]}},"sc":{"s":'
        '{"n":"audit-service"}},"v":1}'
    )

    def derive(self, export):
        with tempfile.TemporaryDirectory() as folder:
            request, like = os.path.join(folder, "request.json"), os.path.join(folder, "export.ndjson")
            pathlib.Path(request).write_text(json.dumps(self.REQUEST), encoding="utf-8")
            pathlib.Path(like).write_text(export + "\n", encoding="utf-8")
            return run("rederive.py", "--signal", "traces", "--like", like, request)

    def test_the_example_of_the_specification(self):
        result = self.derive(self.LEAF)
        self.assertEqual((result.returncode, result.stdout.decode()), (0, self.LEAF + "\n"), result.stderr)

    def test_another_byte_is_a_difference(self):
        self.assertEqual(self.derive(self.LEAF.replace("alice", "alicf")).returncode, 1)

    def test_the_stores_own_records_are_passed_over(self):
        own = '{"k":"self","n":"AAAAAAAAAAAAAAAAAAAAAA==","o":{},"r":{"a":"1","t":"self"},"v":1}'
        self.assertEqual(self.derive(own + "\n" + self.LEAF + "\n" + own).returncode, 0)

    def test_what_is_large_lies_beside(self):
        group = {"u": "x" * 2041}
        size = len(rederive.canonical(group))
        self.assertEqual(size, 2049)
        leaf = json.loads(rederive.leaf(("log", {}, group, {"u": "x" * 2040}, None), "", {"a": "1"}))
        self.assertEqual(leaf["re"][1], 2049)
        self.assertEqual(leaf["sc"]["u"], "x" * 2040)
        leaf = json.loads(rederive.leaf(("log", {"b": "x" * 70000}, {}, {}, None), "", {"a": "1"}))
        self.assertEqual(leaf["o"][1], 70008)


if __name__ == "__main__":
    unittest.main()
