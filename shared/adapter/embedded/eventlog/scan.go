package eventlog

import (
	"encoding/json"
	"fmt"

	"github.com/tarnhq/tarn/shared/adapter/embedded/disk"
)

// ending is what a scan learned of the end of a file.
type ending struct {
	suspect int64  // from here on nothing vouches that it was synced
	layout  layout // of the last frame of that kind
	torn    bool   // bytes follow that were never synced
}

// scan reads a whole file. It fails if a frame is damaged that was synced, which
// is so if a later mark says it; a damaged end that nothing vouches for was being
// written when the power was cut.
func scan(d disk.FS, path string, blockSize int) (*file, ending, error) {
	body, err := disk.ReadFile(d, path)
	if err != nil {
		return nil, ending{}, err
	}
	f, at, err := parseHeader(path, body)
	if err != nil {
		return nil, ending{}, err
	}
	end := ending{suspect: int64(at), layout: f.layout}
	lastMark := at
	for at < len(body) {
		fr, size := parseFrame(body[at:], f.salt)
		if size == 0 {
			break
		}
		switch fr.kind {
		case kindMark:
			end.suspect, lastMark = int64(lastMark), at+size
		case kindLayout:
			end.layout = layout{}
			if err := json.Unmarshal(fr.payload, &end.layout); err != nil {
				return nil, ending{}, corrupt(path, int64(at), "the shards are unreadable")
			}
		case kindRecord:
			if fr.sequence != f.last+1 {
				return nil, ending{}, corrupt(path, int64(at), fmt.Sprintf("record %d follows record %d", fr.sequence, f.last))
			}
			f.note(fr.shard, fr.sequence, fr.sequence, fr.arrived)
		}
		f.index(int64(at), size, blockSize, fr)
		at += size
	}
	f.size, f.end = int64(at), int64(at)
	end.torn = at < len(body)
	if end.torn && vouched(body[at:], f.salt, f.last+1) {
		return nil, ending{}, corrupt(path, int64(at), fmt.Sprintf("record %d was stored and is not readable", f.last+1))
	}
	return f, end, nil
}

// index adds a frame of a scanned file to its blocks.
func (f *file) index(off int64, size, blockSize int, fr frame) {
	var b *block
	if n := len(f.blocks); n > 0 && f.blocks[n-1].n+size <= blockSize {
		b = f.blocks[n-1]
	} else {
		b = &block{file: f, off: off, first: f.last}
		if fr.kind != kindRecord {
			b.first++
		}
		f.blocks = append(f.blocks, b)
	}
	b.n += size
	if fr.kind == kindRecord {
		b.shards |= 1 << (fr.shard % 64)
	}
}
