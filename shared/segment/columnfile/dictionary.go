// #nosec G115 -- entries of a row group, of at most GroupRows, and lengths of tables, which are powers of two

package columnfile

import (
	"bytes"
	"hash/maphash"
	"math/bits"
)

// dictionary numbers distinct values in the order of their first appearance, which
// does not depend on the hash. The zero dictionary is empty and grows.
type dictionary struct {
	slots []uint32 // entry+1, or 0; a power of two of them, at most half of them taken
	size  int      // entries
	seed  maphash.Seed

	hashes []uint64 // of each entry
	words  []uint64 // entries of a numeric dictionary
	text   []byte   // entries of a text dictionary
	ends   []uint32
}

const minSlots = 1 << 10

func (d *dictionary) reset() {
	if d.slots == nil {
		d.slots = make([]uint32, minSlots)
		d.seed = maphash.MakeSeed()
	}
	d.slots = d.slots[:minSlots]
	clear(d.slots)
	d.size = 0
	d.hashes, d.words, d.text, d.ends = d.hashes[:0], d.words[:0], d.text[:0], d.ends[:0]
}

// addText returns the number of a text.
func (d *dictionary) addText(text []byte) int32 {
	hash := maphash.Bytes(d.seed, text)
	mask := uint64(len(d.slots) - 1)
	for at := hash & mask; ; at = (at + 1) & mask {
		entry := d.slots[at]
		if entry == 0 {
			d.text = append(d.text, text...)
			d.ends = append(d.ends, uint32(len(d.text)))
			return d.take(at, hash)
		}
		if d.hashes[entry-1] == hash && bytes.Equal(d.entry(int(entry-1)), text) {
			return int32(entry - 1)
		}
	}
}

// addWord returns the number of a word.
func (d *dictionary) addWord(word uint64) int32 {
	hash := mix(word)
	mask := uint64(len(d.slots) - 1)
	for at := hash & mask; ; at = (at + 1) & mask {
		entry := d.slots[at]
		if entry == 0 {
			d.words = append(d.words, word)
			return d.take(at, hash)
		}
		if d.words[entry-1] == word {
			return int32(entry - 1)
		}
	}
}

// find returns whether a text is in the dictionary.
func (d *dictionary) find(text []byte) bool {
	if d.size == 0 {
		return false
	}
	hash := maphash.Bytes(d.seed, text)
	mask := uint64(len(d.slots) - 1)
	for at := hash & mask; d.slots[at] != 0; at = (at + 1) & mask {
		if entry := int(d.slots[at] - 1); d.hashes[entry] == hash && bytes.Equal(d.entry(entry), text) {
			return true
		}
	}
	return false
}

// entry returns the text of an entry.
func (d *dictionary) entry(i int) []byte {
	begin := uint32(0)
	if i > 0 {
		begin = d.ends[i-1]
	}
	return d.text[begin:d.ends[i]]
}

func (d *dictionary) take(at, hash uint64) int32 {
	d.hashes = append(d.hashes, hash)
	d.size++
	d.slots[at] = uint32(d.size)
	if 2*d.size > len(d.slots) {
		d.grow()
	}
	return int32(d.size - 1)
}

func (d *dictionary) grow() {
	if wanted := 4 * len(d.slots); wanted <= cap(d.slots) {
		d.slots = d.slots[:wanted]
		clear(d.slots)
	} else {
		d.slots = make([]uint32, wanted)
	}
	mask := uint64(len(d.slots) - 1)
	for i, hash := range d.hashes {
		at := hash & mask
		for d.slots[at] != 0 {
			at = (at + 1) & mask
		}
		d.slots[at] = uint32(i + 1)
	}
}

func mix(word uint64) uint64 {
	high, low := bits.Mul64(word^0x9e3779b97f4a7c15, 0xd6e8feb86659fd93)
	return high ^ low
}
