package measure

import (
	"encoding/hex"
	"math/rand/v2"
	"strconv"
	"time"
)

// Clicks makes click-stream events of about 150 bytes: three names, a skewed choice
// of 10,000 pages, 50,000 users, amounts to the cent, times a few milliseconds apart.
type Clicks struct {
	ShortIDs bool // ids of 12 characters in place of UUIDs

	random *rand.Rand
	at     time.Time
}

// NewClicks returns a source that repeats itself for the same seed, but for another
// seed has no id in common.
func NewClicks(seed uint64, from time.Time) *Clicks {
	return &Clicks{random: rand.New(rand.NewPCG(seed, 0x7461726e)), at: from}
}

var clickNames = [...]string{"page_viewed", "page_viewed", "page_viewed", "clicked", "bought"}

// Append appends one event as JSON.
func (c *Clicks) Append(dst []byte) []byte {
	r := c.random
	c.at = c.at.Add(time.Duration(r.IntN(10)) * time.Millisecond)
	dst = c.appendID(append(dst, `{"event_id":"`...))
	dst = append(append(dst, `","event":"`...), clickNames[r.IntN(len(clickNames))]...)
	dst = c.at.AppendFormat(append(dst, `","time":"`...), "2006-01-02T15:04:05.000Z")
	dst = strconv.AppendInt(append(dst, `","user_id":"u`...), int64(r.IntN(50_000)), 10)
	page := r.Float64()
	dst = strconv.AppendInt(append(dst, `","properties":{"url":"/p/`...), int64(10_000*page*page), 10)
	dst = strconv.AppendFloat(append(dst, `","revenue":`...), float64(r.IntN(10_000))/100, 'f', -1, 64)
	return append(dst, "}}"...)
}

func (c *Clicks) appendID(dst []byte) []byte {
	var id [16]byte
	for i, word := range [2]uint64{c.random.Uint64(), c.random.Uint64()} {
		for k := range 8 {
			id[8*i+k] = byte(word >> (8 * k))
		}
	}
	if c.ShortIDs {
		return hex.AppendEncode(dst, id[:6])
	}
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80 // version 4
	for i, part := range [][]byte{id[:4], id[4:6], id[6:8], id[8:10], id[10:]} {
		if i > 0 {
			dst = append(dst, '-')
		}
		dst = hex.AppendEncode(dst, part)
	}
	return dst
}

// Batch appends a JSON array of n events.
func (c *Clicks) Batch(dst []byte, n int) []byte {
	dst = append(dst, '[')
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = c.Append(dst)
	}
	return append(dst, ']')
}
