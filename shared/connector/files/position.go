package files

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// hash stands for a name or a version.
type hash [8]byte

func hashOf(text string) (h hash) {
	sum := sha256.Sum256([]byte(text))
	copy(h[:], sum[:])
	return h
}

// position is how far a table was read: the files that were, by name and version, and of one
// that is read how many parts were.
type position struct {
	seen map[hash]hash
	file reading
}

// reading is the file that is read; without parts none is.
type reading struct {
	name, version hash
	parts         int
}

// stored is a position as it is kept: names and versions, 16 bytes a file.
type stored struct {
	Seen  []byte `json:"seen,omitempty"`
	File  []byte `json:"file,omitempty"`
	Parts int    `json:"parts,omitempty"`
}

const pair = 2 * len(hash{})

func positionOf(text json.RawMessage) (position, error) {
	p := position{seen: map[hash]hash{}}
	if text == nil {
		return p, nil
	}
	var s stored
	if err := json.Unmarshal(text, &s); err != nil || len(s.Seen)%pair != 0 || s.Parts > 0 && len(s.File) != pair {
		return p, fmt.Errorf("position in files: %w", err)
	}
	for both := range slices.Chunk(s.Seen, pair) {
		p.seen[hash(both[:pair/2])] = hash(both[pair/2:])
	}
	if s.Parts > 0 {
		p.file = reading{hash(s.File[:pair/2]), hash(s.File[pair/2:]), s.Parts}
	}
	return p, nil
}

// text writes a position, the same one always in the same way.
func (p position) text() json.RawMessage {
	s := stored{Parts: p.file.parts}
	if s.Parts > 0 {
		s.File = append(p.file.name[:], p.file.version[:]...)
	}
	names := slices.SortedFunc(maps.Keys(p.seen), func(a, b hash) int { return slices.Compare(a[:], b[:]) })
	for _, name := range names {
		version := p.seen[name]
		s.Seen = append(append(s.Seen, name[:]...), version[:]...)
	}
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // plain data
	}
	return text
}

// forget makes room: of files that are gone nothing is remembered once there are too many.
// Until then they are, for a listing may leave out for a while what is there.
func (p position) forget(there []entry) {
	if len(p.seen)+len(there) <= maxFiles {
		return
	}
	names := map[hash]bool{}
	for _, e := range there {
		names[hashOf(e.name)] = true
	}
	maps.DeleteFunc(p.seen, func(name, _ hash) bool { return !names[name] })
}

// begin puts the file that is read before the others. One that is gone was read as far as it
// could be.
func (p *position) begin(all []entry) []entry {
	if p.file.parts == 0 {
		return all
	}
	at := slices.IndexFunc(all, func(e entry) bool { return hashOf(e.name) == p.file.name })
	if at < 0 {
		p.end(p.file)
		return all
	}
	return slices.Insert(slices.Delete(slices.Clone(all), at, at+1), 0, all[at])
}

// wants reports whether a file is to be read, and how many of its parts were. Without a key
// it is not if it was read in another version, or in part.
func (p *position) wants(is reading, keyed bool) (skip int, wanted bool) {
	if p.file.parts > 0 && p.file.name == is.name {
		begun := p.file
		p.file = reading{}
		if begun.version == is.version {
			return begun.parts, true
		}
		if !keyed {
			p.seen[is.name] = begun.version
		}
	}
	was, seen := p.seen[is.name]
	return 0, !seen || keyed && was != is.version
}

// end notes that a file was read, if it was.
func (p *position) end(is reading) {
	if is.parts > 0 {
		p.seen[is.name], p.file = is.version, reading{}
	}
}
