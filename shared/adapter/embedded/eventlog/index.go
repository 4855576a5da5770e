package eventlog

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"io/fs"
	"strings"

	"github.com/tarnhq/tarn/shared/adapter/embedded/disk"
)

// index is what a scan of a full file would tell. It is a cache: it lies beside
// the file, is not synced, and is not believed unless its checksum and the size
// of the file agree.
type index struct {
	Size   int64
	Last   uint64
	Newest int64
	Spans  map[uint32]span
	Blocks []indexBlock
}

type indexBlock struct {
	Off    int64
	N      int
	First  uint64
	Shards uint64
}

func indexName(path string) string { return strings.TrimSuffix(path, extension) + indexExtension }

// replaceIndex replaces the index of a file that will not change again. If it
// fails the next start takes longer, and that is all.
func replaceIndex(d disk.FS, f *file) {
	if err := d.Remove(indexName(f.path)); err == nil || errors.Is(err, fs.ErrNotExist) {
		_ = saveIndex(d, f)
	}
}

func saveIndex(d disk.FS, f *file) error {
	x := index{Size: f.size, Last: f.last, Newest: f.newest, Spans: f.spans}
	for _, b := range f.blocks {
		x.Blocks = append(x.Blocks, indexBlock{b.off, b.n, b.first, b.shards})
	}
	text, err := json.Marshal(x)
	if err != nil {
		return err
	}
	out, err := d.Create(indexName(f.path))
	if err != nil {
		return err
	}
	defer out.Close()
	_, err = out.WriteAt(append(binary.LittleEndian.AppendUint32(nil, payloadSum(text)), text...), 0)
	return err
}

// loadIndex returns a full file from its header and its index.
func loadIndex(d disk.FS, path string) (*file, bool) {
	text, err := disk.ReadFile(d, indexName(path))
	if err != nil || len(text) < 4 || binary.LittleEndian.Uint32(text) != payloadSum(text[4:]) {
		return nil, false
	}
	var x index
	if json.Unmarshal(text[4:], &x) != nil {
		return nil, false
	}
	f, size, err := readHeader(d, path)
	if err != nil || size != x.Size {
		return nil, false
	}
	f.size, f.end, f.last, f.newest, f.spans = x.Size, x.Size, x.Last, x.Newest, x.Spans
	for _, b := range x.Blocks {
		f.blocks = append(f.blocks, &block{file: f, off: b.Off, n: b.N, first: b.First, shards: b.Shards})
	}
	return f, true
}

// readHeader reads the beginning of a file and returns the size of the whole.
func readHeader(d disk.FS, path string) (*file, int64, error) {
	in, err := d.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer in.Close()
	size, err := in.Size()
	if err != nil {
		return nil, 0, err
	}
	beginning := make([]byte, min(size, int64(preamble+headerSize)))
	if _, err := in.ReadAt(beginning, 0); err != nil {
		return nil, 0, err
	}
	if len(beginning) == preamble+headerSize {
		length := int64(binary.LittleEndian.Uint32(beginning[preamble:]))
		whole := make([]byte, min(size, int64(len(beginning))+min(length, maxPayload)))
		if _, err := in.ReadAt(whole, 0); err != nil {
			return nil, 0, err
		}
		beginning = whole
	}
	f, _, err := parseHeader(path, beginning)
	return f, size, err
}
