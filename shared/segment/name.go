package segment

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Origin says whose rows a segment holds and which records they came from.
type Origin struct {
	Tenant        tenant.ID
	Dataset       dataset.ID
	Shard         stream.ShardID
	From, Through stream.Sequence
	Nth           int // of the segments of one commit that may hold the same: they are told apart by it
}

// key names the blob of a segment. The hash of the content is part of it, so that a
// redelivery that packs other rows cannot overwrite a segment that was committed.
func (o Origin) key(kind Kind, days []Day, body []byte) string {
	folder := "mixed"
	if len(days) == 1 {
		folder = days[0].String()
	}
	sum := sha256.Sum256(body)
	if o.Nth > 0 {
		sum = sha256.Sum256(strconv.AppendInt(sum[:], int64(o.Nth), 10))
	}
	return Prefix(o.Tenant, o.Dataset) + string(kind) + "/" + folder + "/" +
		escape(string(o.Shard)) + "-" + escape(string(o.From)) + "-" + escape(string(o.Through)) + "-" +
		hex.EncodeToString(sum[:8]) + ".parquet"
}

// String writes the day as 2006-01-02.
func (d Day) String() string { return time.Unix(int64(d)*24*60*60, 0).UTC().Format(time.DateOnly) }

const hexDigits = "0123456789abcdef"

// escape writes text so that it may stand in a blob's key, other text differently.
func escape(text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-' {
			b.WriteByte(c)
			continue
		}
		b.Write([]byte{'=', hexDigits[c>>4], hexDigits[c&15]})
	}
	return b.String()
}

// PhysicalName is the name that a property's column has in the file: "p_" and the
// property's name. Engines that read the files take URL and url for one column, and
// some of them take nothing but letters, digits and '_', so every byte but a-z, 0-9
// and '_' is written as two underscores and two hexadecimal digits. An underscore is
// written so too where it would make two in a row. No two names are written alike.
func PhysicalName(property string) string {
	var b strings.Builder
	b.WriteString("p_")
	for i, c := range []byte(property) {
		if isPlain(c) || c == '_' && (i+1 == len(property) || isPlain(property[i+1])) {
			b.WriteByte(c)
			continue
		}
		b.WriteString("__")
		b.Write([]byte{hexDigits[c>>4], hexDigits[c&15]})
	}
	return b.String()
}

func isPlain(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' }
