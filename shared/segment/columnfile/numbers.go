// #nosec G115 -- a word holds the bits of a number; a day's fit 32

package columnfile

import (
	"encoding/binary"
	"math"

	"github.com/parquet-go/parquet-go/encoding/delta"
	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/format"
)

// dictSlack is the number of values before a dictionary is judged.
const dictSlack = 512

// numbers writes times as deltas, and other numbers by a dictionary unless too many
// of them are distinct.
func (e *encoder) numbers(w *chunk) {
	words := e.gather(w.Column)
	if w.Form != Time && e.numberWords(words) {
		w.wordBounds(e.dict.words)
		e.raw = appendPlain(e.raw[:0], w.Form, e.dict.words)
		e.dictionaryPage(w)
		e.indexPage(w)
		return
	}
	w.wordBounds(words)
	if w.Form == Float || len(words) == 0 {
		e.raw = appendPlain(e.raw[:0], w.Form, words)
		e.page(w, e.levels, format.Plain)
		return
	}
	e.deltas(w.Form, words)
	e.page(w, e.levels, format.DeltaBinaryPacked)
}

// gather returns the bits of the values that are present.
func (e *encoder) gather(c *Column) []uint64 {
	e.words = e.words[:0]
	if c.Form == Float {
		for _, row := range e.present {
			e.words = append(e.words, math.Float64bits(c.Values.Float[row]))
		}
		return e.words
	}
	for _, row := range e.present {
		e.words = append(e.words, uint64(c.Values.Ints[row]))
	}
	return e.words
}

// numberWords numbers the words, unless a dictionary would not pay.
func (e *encoder) numberWords(words []uint64) bool {
	e.dict.reset()
	e.indexes = e.indexes[:0]
	for i, word := range words {
		e.indexes = append(e.indexes, e.dict.addWord(word))
		if e.dict.size > dictSlack+i/4 {
			return false
		}
	}
	return len(words) > 0
}

// deltas encodes ints as differences to the one before. The encodings of parquet-go
// fail on types they do not know, which these are not.
func (e *encoder) deltas(form Form, words []uint64) {
	e.days, e.ints = e.days[:0], e.ints[:0]
	if form == Date {
		for _, word := range words {
			e.days = append(e.days, int32(word))
		}
		e.raw, _ = new(delta.BinaryPackedEncoding).EncodeInt32(e.raw[:0], e.days)
		return
	}
	for _, word := range words {
		e.ints = append(e.ints, int64(word))
	}
	e.raw, _ = new(delta.BinaryPackedEncoding).EncodeInt64(e.raw[:0], e.ints)
}

func (e *encoder) indexPage(w *chunk) {
	e.raw, _ = new(rle.DictionaryEncoding).EncodeInt32(e.raw[:0], e.indexes)
	e.page(w, e.levels, format.RLEDictionary)
}

func appendPlain(dst []byte, form Form, words []uint64) []byte {
	for _, word := range words {
		dst = appendWord(dst, form, word)
	}
	return dst
}

func appendWord(dst []byte, form Form, word uint64) []byte {
	switch form {
	case Bool:
		return append(dst, byte(word))
	case Date:
		return binary.LittleEndian.AppendUint32(dst, uint32(word))
	default:
		return binary.LittleEndian.AppendUint64(dst, word)
	}
}
