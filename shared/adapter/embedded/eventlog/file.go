package eventlog

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/tarnhq/tarn/shared/adapter/embedded/disk"
	"github.com/tarnhq/tarn/shared/fault"
)

// file is one file of the log. Files are numbered, and their records follow each
// other without a gap. Guarded by Log.mu, but for what never changes.
type file struct {
	number uint64
	path   string
	salt   uint32
	first  uint64 // the sequence of the first record it holds or would hold
	layout layout // at its beginning

	header []byte // what is to be written first, until it was
	end    int64  // bytes, with those that are still to be written

	// What follows speaks of what was synced.
	size   int64
	last   uint64
	newest int64 // arrival of the last record; zero: it holds none
	spans  map[uint32]span
	blocks []*block
}

// span is the first and last sequence of a shard in a file.
type span struct{ First, Last uint64 }

// block is a stretch of a file that is read as a whole. Recent blocks are kept in
// memory, where data[:n] is synced and the rest is not.
type block struct {
	file   *file
	off    int64
	n      int
	first  uint64 // the sequence of its first record
	shards uint64 // bit n%64 is set if it may hold records of shard n
	data   []byte // nil: read it from the file
	queued bool   // holds bytes that are still to be written
}

const (
	magic     = "tarnlog\x01"
	preamble  = len(magic) + 4
	extension = ".log"

	indexExtension = ".index"
	passing        = ".new" // ends the name of a file whose beginning may not be whole
)

func fileName(dir string, number uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%016d", number)+extension)
}

// numberOf returns the number of a file of the log.
func numberOf(name string) (uint64, bool) {
	digits, ok := strings.CutSuffix(name, extension)
	number, err := strconv.ParseUint(digits, 10, 64)
	return number, ok && err == nil
}

// newFile begins a file in memory; the writer stores it when the first bytes
// are to be written.
func newFile(dir string, number, first uint64, salt uint32, shards layout) (*file, error) {
	text, err := json.Marshal(shards)
	if err != nil {
		return nil, err
	}
	header := binary.LittleEndian.AppendUint32([]byte(magic), salt)
	header = appendFrame(header, frame{kind: kindLayout, sequence: first - 1, payload: text}, payloadSum(text), salt)
	return &file{
		number: number, path: fileName(dir, number), salt: salt, first: first, last: first - 1, layout: shards,
		header: header, end: int64(len(header)), spans: map[uint32]span{},
	}, nil
}

// create stores the header under a passing name first: what bears the name of a
// file of the log has a whole header, whenever the power is cut.
func (f *file) create(d disk.FS) (disk.File, error) {
	if err := disk.WriteFile(d, f.path+passing, f.header); err != nil {
		return nil, err
	}
	if err := d.Rename(f.path+passing, f.path); err != nil {
		return nil, err
	}
	if err := d.SyncDir(filepath.Dir(f.path)); err != nil {
		return nil, err
	}
	return d.OpenWrite(f.path)
}

// parseHeader decodes the beginning of a file and returns its length.
func parseHeader(path string, body []byte) (*file, int, error) {
	if len(body) < preamble || string(body[:len(magic)]) != magic {
		return nil, 0, corrupt(path, 0, "it does not begin like a file of the log")
	}
	salt := binary.LittleEndian.Uint32(body[len(magic):])
	head, size := parseFrame(body[preamble:], salt)
	f := &file{path: path, salt: salt, first: head.sequence + 1, last: head.sequence, spans: map[uint32]span{}}
	if size == 0 || head.kind != kindLayout || json.Unmarshal(head.payload, &f.layout) != nil {
		return nil, 0, corrupt(path, int64(preamble), "its header is damaged")
	}
	f.number, _ = numberOf(filepath.Base(path))
	return f, preamble + size, nil
}

// corrupt says that synced bytes are not what was written. Nothing is cut away:
// a person has to decide.
func corrupt(path string, off int64, what string) error {
	return fault.New(fault.Internal, "log_corrupt", "the event log is damaged: %s at byte %d: %s", filepath.Base(path), off, what).
		WithHint("restore the file, or move it and those after it away to go on without them")
}

// note takes a synced record into account.
func (f *file) note(shard uint32, first, last uint64, arrived int64) {
	s, ok := f.spans[shard]
	if !ok {
		s.First = first
	}
	s.Last = last
	f.spans[shard] = s
	f.last = max(f.last, last)
	f.newest = max(f.newest, arrived)
}
