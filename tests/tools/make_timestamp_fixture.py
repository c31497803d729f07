#!/usr/bin/env python3
"""Makes tests/vectors/rfc3161 anew: a time stamp that the openssl program made, not we.

    make_timestamp_fixture.py DIR

DIR gets checkpoint.txt (the public test log's last checkpoint), root.pem, and reply.tsr, which stamps the checkpoint
now; its chain is a root, an intermediate and the authority, and the last two are in the reply. The private keys are
thrown away. Everything is valid for a hundred years, and time stamps are checked as of their own time besides.
"""

import pathlib
import subprocess
import sys
import tempfile

CHECKPOINT = """example.com/log/testdata
15
rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=

— example.com/log/testdata M9e0luh4jTG+UMBqOUo9/q+yAEvx1ilBEniMvjf1zfcBOhg+CKubMt53MvIt/uEWP6zdkdIQzd/fmwlM/dlPWF74ewI=
"""

EXTENSIONS = """
[root]
basicConstraints = critical, CA:TRUE
subjectKeyIdentifier = hash
[intermediate]
basicConstraints = critical, CA:TRUE
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
[authority]
basicConstraints = critical, CA:FALSE
extendedKeyUsage = critical, timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
[tsa]
default_tsa = service
[service]
serial = serial
crypto_device = builtin
signer_cert = authority.pem
certs = intermediate.pem
signer_key = authority.key
signer_digest = sha256
default_policy = 1.3.6.1.4.1.99999.1
digests = sha256
accuracy = secs:1
tsa_name = yes
ess_cert_id_chain = yes
ess_cert_id_alg = sha256
"""


def main():
    out = pathlib.Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as name:
        work = pathlib.Path(name)

        def openssl(*arguments):
            subprocess.run(["openssl", *arguments], cwd=work, check=True, capture_output=True)

        (work / "extensions.cnf").write_text(EXTENSIONS)
        (work / "serial").write_text("0a")
        (work / "checkpoint.txt").write_text(CHECKPOINT)
        issuer = None
        for who, subject in [("root", "Fixture Root"), ("intermediate", "Fixture CA"), ("authority", "Fixture Tïme")]:
            openssl("req", "-new", "-utf8", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{who}.key", "-out", f"{who}.csr",
                    "-subj", f"/O=Sealtrail tests/CN={subject}")
            signed_by = ["-signkey", "root.key"] if issuer is None else ["-CA", f"{issuer}.pem", "-CAkey", f"{issuer}.key"]
            openssl("x509", "-req", "-in", f"{who}.csr", *signed_by, "-out", f"{who}.pem", "-days", "36500", "-sha256",
                    "-set_serial", "1", "-extfile", "extensions.cnf", "-extensions", who)
            issuer = who
        openssl("ts", "-query", "-data", "checkpoint.txt", "-sha256", "-cert", "-out", "query.tsq")
        openssl("ts", "-reply", "-config", "extensions.cnf", "-queryfile", "query.tsq", "-out", "reply.tsr")
        openssl("ts", "-verify", "-data", "checkpoint.txt", "-in", "reply.tsr", "-CAfile", "root.pem")
        out.mkdir(parents=True, exist_ok=True)
        for file in ["checkpoint.txt", "root.pem", "reply.tsr"]:
            (out / file).write_bytes((work / file).read_bytes())


if __name__ == "__main__":
    main()
