// #nosec G115 -- texts of a row group, below 2 GB

package columnfile

import (
	"encoding/binary"

	"github.com/parquet-go/parquet-go/bloom"
	"github.com/parquet-go/parquet-go/encoding/delta"
	"github.com/parquet-go/parquet-go/format"
)

const (
	pageBytes = 1 << 20 // of text, past which a page ends
	dictBytes = 8 << 20 // of text that a dictionary may hold
)

// texts writes texts by a dictionary unless too many of them are distinct.
func (e *encoder) texts(w *chunk) {
	if !e.numberTexts(w.Column) {
		e.plainTexts(w)
		return
	}
	w.textBounds(e.dict.size, e.dict.entry)
	e.raw = e.raw[:0]
	for i := range e.dict.size {
		text := e.dict.entry(i)
		e.raw = append(binary.LittleEndian.AppendUint32(e.raw, uint32(len(text))), text...)
		w.hash(text)
	}
	e.dictionaryPage(w)
	e.indexPage(w)
}

// numberTexts numbers the texts, unless a dictionary would not pay.
func (e *encoder) numberTexts(c *Column) bool {
	e.dict.reset()
	e.indexes = e.indexes[:0]
	for i, row := range e.present {
		e.indexes = append(e.indexes, e.dict.addText(c.Values.Text(int(row))))
		if e.dict.size > dictSlack+i*3/4 || len(e.dict.text) > dictBytes {
			return false
		}
	}
	return len(e.present) > 0
}

// plainTexts writes the texts one after the other, in pages of limited size.
func (e *encoder) plainTexts(w *chunk) {
	w.textBounds(len(e.present), func(i int) []byte { return w.Values.Text(int(e.present[i])) })
	present, begin := e.present, 0
	e.text, e.offsets = e.text[:0], append(e.offsets[:0], 0)
	for row, level := range e.levels {
		if level == 0 {
			continue
		}
		text := w.Values.Text(int(present[0]))
		present = present[1:]
		w.hash(text)
		e.text = append(e.text, text...)
		e.offsets = append(e.offsets, uint32(len(e.text)))
		if len(e.text) >= pageBytes {
			e.textPage(w, e.levels[begin:row+1])
			begin = row + 1
		}
	}
	if begin < len(e.levels) {
		e.textPage(w, e.levels[begin:])
	}
}

// textPage writes the gathered texts as a page and begins anew.
func (e *encoder) textPage(w *chunk, levels []byte) {
	encoding := format.DeltaLengthByteArray
	e.raw, _ = new(delta.LengthByteArrayEncoding).EncodeByteArray(e.raw[:0], e.text, e.offsets)
	if len(e.offsets) == 1 { // only nulls
		encoding, e.raw = format.Plain, e.raw[:0]
	}
	e.page(w, levels, encoding)
	e.text, e.offsets = e.text[:0], append(e.offsets[:0], 0)
}

func (w *chunk) hash(text []byte) {
	if w.Bloom {
		w.hashes = append(w.hashes, bloom.XXH64{}.Sum64(text))
	}
}
