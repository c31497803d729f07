// Checks a log with golang.org/x/mod/sumdb/note and tlog, which know nothing of Sealtrail: the signature of its checkpoint,
// a proof for every record, made from tiles and held against the root, and that the log grew from an earlier state.
//
//	check_log -vkey KEY -log URL-OR-FOLDER [-token TOKEN] [-old CHECKPOINT]
//	check_log -vkey KEY -proof FILE -leaf FILE
//
// Prints "ok SIZE ROOT" and ends with 0, or says what is wrong and ends with 1.
package main

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func fail(format string, arguments ...interface{}) {
	fmt.Fprintf(os.Stderr, "check_log: "+format+"\n", arguments...)
	os.Exit(1)
}

func must(err error, what string) {
	if err != nil {
		fail("%s: %v", what, err)
	}
}

// A log's files, from a folder or over HTTP; each is read once.
type files struct {
	place, token string
	known        map[string][]byte
}

func (f files) read(path string) ([]byte, error) {
	if content, ok := f.known[path]; ok {
		return content, nil
	}
	content, err := f.fetch(path)
	if err == nil {
		f.known[path] = content
	}
	return content, err
}

func (f files) fetch(path string) ([]byte, error) {
	if !strings.HasPrefix(f.place, "http://") {
		return os.ReadFile(filepath.Join(f.place, filepath.FromSlash(path)))
	}
	request, err := http.NewRequest("GET", f.place+"/"+path, nil)
	if err != nil {
		return nil, err
	}
	if f.token != "" {
		request.Header.Set("Authorization", "Bearer "+f.token)
	}
	response, err := http.DefaultClient.Do(request) // asks for gzip, and unpacks it
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != 200 {
		return nil, fmt.Errorf("%s: %s", path, response.Status)
	}
	return io.ReadAll(response.Body)
}

// The package speaks of tile/8/<L>/<N> and tile/8/data/<N>; C2SP tlog-tiles, which came later, of tile/<L>/<N> and
// tile/entries/<N>.
func tilePath(tile tlog.Tile) string {
	path := strings.TrimPrefix(tile.Path(), "tile/8/")
	return "tile/" + strings.Replace(path, "data/", "entries/", 1)
}

func (f files) Height() int { return 8 }

func (f files) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		content, err := f.read(tilePath(tile))
		if err != nil {
			return nil, err
		}
		all = append(all, content)
	}
	return all, nil
}

func (f files) SaveTiles([]tlog.Tile, [][]byte) {}

func openCheckpoint(text []byte, vkey string) tlog.Tree {
	verifier, err := note.NewVerifier(vkey)
	must(err, "vkey")
	opened, err := note.Open(text, note.VerifierList(verifier))
	must(err, "checkpoint")
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[3] != "" || lines[0] != verifier.Name() {
		fail("checkpoint: not three lines, the first of them %q", verifier.Name())
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err, "checkpoint: size")
	root, err := tlog.ParseHash(lines[2])
	must(err, "checkpoint: root")
	return tlog.Tree{N: size, Hash: root}
}

// Entries of bundle `index` that a tree of `size` has.
func bundle(log files, size, index int64) [][]byte {
	width := size - index*256
	if width > 256 {
		width = 256
	}
	content, err := log.read(tilePath(tlog.Tile{H: 8, L: -1, N: index, W: int(width)}))
	must(err, "entries")
	var entries [][]byte
	for len(content) > 0 {
		if len(content) < 2 || len(content)-2 < int(binary.BigEndian.Uint16(content)) {
			fail("bundle %d ends inside an entry", index)
		}
		end := 2 + int(binary.BigEndian.Uint16(content))
		entries = append(entries, content[2:end])
		content = content[end:]
	}
	if len(entries) != int(width) {
		fail("bundle %d has %d entries, wanted %d", index, len(entries), width)
	}
	return entries
}

func checkLog(log files, vkey string) tlog.Tree {
	text, err := log.read("checkpoint")
	must(err, "checkpoint")
	tree := openCheckpoint(text, vkey)
	// The reader holds tiles against the root, but release 0.7.0 passes over some of them where several subtrees of the
	// root lie in one tile. So every record is proved, and every proof checked.
	hashes := tlog.TileHashReader(tree, log)
	for index := int64(0); index*256 < tree.N; index++ {
		for i, entry := range bundle(log, tree.N, index) {
			seq := index*256 + int64(i)
			what := fmt.Sprintf("record %d", seq)
			proof, err := tlog.ProveRecord(tree.N, seq, hashes)
			must(err, what)
			must(tlog.CheckRecord(proof, tree.N, tree.Hash, seq, tlog.RecordHash(entry)), what)
		}
	}
	return tree
}

func checkGrowth(log files, old, tree tlog.Tree) {
	proof, err := tlog.ProveTree(tree.N, old.N, tlog.TileHashReader(tree, log))
	must(err, "consistency")
	must(tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash), "consistency")
}

// c2sp.org/tlog-proof
func checkProof(text, leaf []byte, vkey string) tlog.Tree {
	parts := bytes.SplitN(text, []byte("\n\n"), 2)
	lines := strings.Split(string(parts[0]), "\n")
	if len(parts) != 2 || len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" || !strings.HasPrefix(lines[1], "index ") {
		fail("not a proof file")
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
	must(err, "index")
	var proof tlog.RecordProof
	for _, line := range lines[2:] {
		hash, err := tlog.ParseHash(line)
		must(err, "hash")
		proof = append(proof, hash)
	}
	tree := openCheckpoint(parts[1], vkey)
	must(tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(leaf)), "inclusion")
	return tree
}

func main() {
	vkey := flag.String("vkey", "", "the log's verifier key")
	place := flag.String("log", "", "http://…/tlog, or a folder")
	token := flag.String("token", "", "sent with each request")
	oldFile := flag.String("old", "", "a checkpoint that was seen earlier")
	proofFile := flag.String("proof", "", "a proof file, with -leaf")
	leafFile := flag.String("leaf", "", "the record that it is about")
	flag.Parse()

	var tree tlog.Tree
	if *proofFile != "" {
		proof, err := os.ReadFile(*proofFile)
		must(err, "proof")
		leaf, err := os.ReadFile(*leafFile)
		must(err, "leaf")
		tree = checkProof(proof, leaf, *vkey)
	} else {
		log := files{strings.TrimSuffix(*place, "/"), *token, map[string][]byte{}}
		tree = checkLog(log, *vkey)
		if *oldFile != "" {
			text, err := os.ReadFile(*oldFile)
			must(err, "old checkpoint")
			checkGrowth(log, openCheckpoint(text, *vkey), tree)
		}
	}
	fmt.Printf("ok %d %s\n", tree.N, tree.Hash)
}
