// Holds a cosigned checkpoint, or a proof file, against a tlog-policy with filippo.io/torchwood, which knows nothing of Sealtrail.
// Run by hand (docs/interop.md), because torchwood needs a newer Go than make test has.
//
//	check_policy POLICY CHECKPOINT
//	check_policy POLICY PROOF LEAF
//
// Prints "ok ..." and ends with 0, or says what is wrong and ends with 1.
package main

import (
	"fmt"
	"os"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"
)

func must(err error, what string) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "check_policy: %s: %v\n", what, err)
		os.Exit(1)
	}
}

func read(path string) []byte {
	content, err := os.ReadFile(path)
	must(err, "read")
	return content
}

func main() {
	if len(os.Args) != 3 && len(os.Args) != 4 {
		must(fmt.Errorf("expected POLICY CHECKPOINT, or POLICY PROOF LEAF"), "usage")
	}
	policy, err := torchwood.ParsePolicy(read(os.Args[1]))
	must(err, os.Args[1])
	if len(os.Args) == 4 {
		must(torchwood.VerifyProof(policy, tlog.RecordHash(read(os.Args[3])), read(os.Args[2])), os.Args[2])
		fmt.Println("ok", os.Args[2])
		return
	}
	checkpoint, note, err := torchwood.VerifyCheckpoint(read(os.Args[2]), policy)
	must(err, os.Args[2])
	fmt.Println("ok", checkpoint.N, checkpoint.Hash)
	for _, signature := range note.Sigs {
		fmt.Println("signed by", signature.Name)
	}
}
