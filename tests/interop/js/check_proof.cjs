// Checks a proof file (c2sp.org/tlog-proof) with @sigstore/verify, which knows nothing of Sealtrail: the checkpoint's
// signature, and that it covers the record.
//
//   node check_proof.cjs PROOF LEAF VKEY
//
// Prints "ok SIZE" and ends with 0, or says what is wrong and ends with 1.
'use strict';
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');

// What is wanted of the package is not among its exports, so it is loaded by its place.
const verify = path.join(__dirname, 'node_modules/@sigstore/verify/dist/tlog');
const { verifyCheckpoint } = require(path.join(verify, 'checkpoint.js'));
const { verifyMerkleInclusion } = require(path.join(verify, 'merkle.js'));

function logOf(vkey) {
  const [name, , ...key] = vkey.split('+'); // base64 may hold a + too
  const raw = Buffer.from(key.join('+'), 'base64');
  const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), raw.subarray(1)]);
  return {
    logID: crypto.createHash('sha256').update(name + '\n').update(raw).digest(),
    baseURL: name,
    publicKey: crypto.createPublicKey({ key: spki, format: 'der', type: 'spki' }),
  };
}

function entryOf(proof, leaf) {
  const end = proof.indexOf('\n\n');
  const [magic, index, ...hashes] = proof.slice(0, end).split('\n');
  if (magic !== 'c2sp.org/tlog-proof@v1' || !/^index \d+$/.test(index)) throw new Error('not a proof file');
  return {
    canonicalizedBody: leaf,
    inclusionProof: {
      logIndex: index.slice('index '.length),
      hashes: hashes.map((hash) => Buffer.from(hash, 'base64')),
      checkpoint: { envelope: proof.slice(end + 2) },
    },
  };
}

const [proofFile, leafFile, vkey] = process.argv.slice(2);
try {
  const entry = entryOf(fs.readFileSync(proofFile, 'utf8'), fs.readFileSync(leafFile));
  const checkpoint = verifyCheckpoint(entry, [logOf(vkey)]);
  verifyMerkleInclusion(entry, checkpoint);
  console.log(`ok ${checkpoint.logSize}`);
} catch (error) {
  console.error(`check_proof: ${error.message}`);
  process.exit(1);
}
