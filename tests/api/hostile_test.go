package api

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// body is a request that nobody should send.
type body struct {
	text   []byte
	header http.Header
}

func plain(text string) body { return body{text: []byte(text)} }

func named(contentType, encoding string, text []byte) body {
	h := http.Header{}
	if contentType != "" {
		h.Set("Content-Type", contentType)
	}
	if encoding != "" {
		h.Set("Content-Encoding", encoding)
	}
	return body{text, h}
}

func gzipOf(text []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(text) // memory takes everything
	_ = w.Close()
	return out.Bytes()
}

func zstdOf(text []byte) []byte {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err) // no option was given that could be wrong
	}
	return w.EncodeAll(text, nil)
}

const deep = 10_000

// framings are bodies that are wrong whatever they are sent to.
func framings() map[string]body {
	bomb, event := make([]byte, 64<<20), []byte(`[{"event":"x"}]`)
	return map[string]body{
		"nothing":                       plain(""),
		"white space":                   plain(" \n\t "),
		"a byte order mark":             plain("\ufeff"),
		"null":                          plain("null"),
		"a number":                      plain("1"),
		"a text":                        plain(`"x"`),
		"an empty array":                plain("[]"),
		"an empty object":               plain("{}"),
		"an array in an array":          plain("[[]]"),
		"null in an array":              plain("[null]"),
		"an array that does not end":    plain(`[{"event":"x"}`),
		"an object that does not end":   plain(`{"event":"x"`),
		"a text that does not end":      plain(`{"event":"x`),
		"something after the end":       plain(`[{"event":"x"}]]`),
		"a comma too many":              plain(`[{"event":"x"},]`),
		"no JSON":                       plain("<xml/>"),
		"a form":                        named("application/x-www-form-urlencoded", "", []byte("event=x&time=now")),
		"a multipart form":              named("multipart/form-data; boundary=x", "", []byte("--x\r\n\r\n--x--")),
		"a content type that is none":   named("; /", "", event),
		"NULs":                          plain("\x00\x00\x00"),
		"UTF-16":                        plain("[\x00{\x00}\x00]\x00"),
		"arrays 10,000 deep":            plain(strings.Repeat("[", deep) + strings.Repeat("]", deep)),
		"arrays a million deep, open":   plain(strings.Repeat("[", 1_000_000)),
		"objects 10,000 deep":           plain(strings.Repeat(`{"a":`, deep) + "1" + strings.Repeat("}", deep)),
		"11 MB of white space":          plain(strings.Repeat(" ", 11<<20)),
		"11 MB of events":               plain("[" + strings.Repeat(`{"event":"x"},`, 11<<20/14) + `{"event":"x"}]`),
		"gzip that is cut":              named("", "gzip", gzipOf(event)[:20]),
		"gzip that is cut in its head":  named("", "gzip", gzipOf(event)[:4]),
		"gzip with rubbish behind":      named("", "gzip", append(gzipOf(event), "rubbish"...)),
		"gzip with a wrong checksum":    named("", "gzip", flipped(gzipOf(event), 8)),
		"a gzip bomb":                   named("", "gzip", gzipOf(bomb)),
		"a gzip bomb in a gzip":         named("", "gzip", gzipOf(gzipOf(bomb))),
		"gzip that is none":             named("", "gzip", event),
		"zstd that is cut":              named("", "zstd", zstdOf(event)[:10]),
		"a zstd bomb":                   named("", "zstd", zstdOf(bomb)),
		"zstd with a huge window":       named("", "zstd", []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xff, 0, 0, 0}),
		"zstd that is none":             named("", "zstd", event),
		"brotli":                        named("", "br", event),
		"an encoding of encodings":      named("", "gzip, gzip", gzipOf(gzipOf(event))),
		"an encoding that was never":    named("", "\x00", event),
		"gzip that is called a picture": named("image/png", "", gzipOf([]byte("\x89PNG"))),
	}
}

// flipped returns text with a byte changed so far from its end.
func flipped(text []byte, fromEnd int) []byte {
	text[len(text)-fromEnd] ^= 0xff
	return text
}

// members are members of an object that are hard to read or hard to store.
func members() map[string]string {
	all := map[string]string{
		"malformed UTF-8 in a value":      "\"a\":\"\xff\xfe\"",
		"malformed UTF-8 in a key":        "\"\xff\":1",
		"an overlong encoding":            "\"a\":\"\xc0\xaf\"",
		"half a surrogate pair":           `"a":"\ud800"`,
		"the other half":                  `"a":"\udc00\ud800"`,
		"NUL in a value":                  `"a":"b\u0000c"`,
		"NUL in a key":                    `"a\u0000":1`,
		"a raw NUL":                       "\"a\":\"\x00\"",
		"a raw line break":                "\"a\":\"\n\"",
		"an escape that is none":          `"a":"\x41"`,
		"a key twice":                     `"a":1,"a":2`,
		"a key twice, escaped once":       `"a":1,"\u0061":2`,
		"keys that differ in case":        `"Case":1,"case":2,"CASE":"three"`,
		"no key":                          `"":1`,
		"a key of a kilobyte":             `"` + strings.Repeat("k", 1000) + `":1`,
		"a key that is SQL":               `"\"; drop table web; --":1`,
		"a key that is a fixed column":    `"event_id":"x","time":"y","received_at":1,"properties":{}`,
		"a key that is a path":            `"../../x":1,"a.b":2,"a[0]":3,"$":4`,
		"keys that look the same":         `"\u00e9":1,"e\u0301":2`,
		"an int past 64 bits":             `"big":9223372036854775808`,
		"an int of 4,000 digits":          `"big":` + strings.Repeat("9", 4000),
		"a float past any":                `"big":1e999999999`,
		"a float below any":               `"small":1e-999999999`,
		"minus nothing":                   `"zero":-0`,
		"NaN":                             `"nan":NaN`,
		"a number that is none":           `"n":01`,
		"a hexadecimal number":            `"n":0x10`,
		"an object 10,000 deep":           `"deep":` + strings.Repeat(`{"a":`, deep) + "1" + strings.Repeat("}", deep),
		"an array 10,000 deep":            `"deep":` + strings.Repeat("[", deep) + strings.Repeat("]", deep),
		"an array 10,000 long":            `"long":[` + strings.Repeat("1,", deep) + "1]",
		"a text of a megabyte":            `"long":"` + strings.Repeat("x", 1<<20) + `"`,
		"a type that changes":             `"mixed":1`,
		"a type that changes to float":    `"mixed":1.5`,
		"a type that changes to text":     `"mixed":"one"`,
		"a type that changes to bool":     `"mixed":true`,
		"a type that changes to object":   `"mixed":{"x":1}`,
		"a type that changes to an array": `"mixed":[1,"x",null]`,
	}
	many := make([]string, 2000)
	for i := range many {
		many[i] = fmt.Sprintf(`"p%d":%d`, i, i)
	}
	all["2,000 keys"] = strings.Join(many, ",")
	return all
}

// fields are values of the fields that every event has.
func fields() map[string]string {
	return map[string]string{
		"year 0":                       `"event":"x","time":"0000-01-01T00:00:00Z"`,
		"year 0 with a zone before it": `"event":"x","time":"0000-01-01T00:00:00+23:59"`,
		"year 1":                       `"event":"x","time":"0001-01-01T00:00:00Z"`,
		"the end of year 9999":         `"event":"x","time":"9999-12-31T23:59:59.999999Z"`,
		"past year 9999":               `"event":"x","time":"9999-12-31T23:59:59-23:59"`,
		"year 10000":                   `"event":"x","time":"10000-01-01T00:00:00Z"`,
		"a year below 0":               `"event":"x","time":"-0001-01-01T00:00:00Z"`,
		"a leap second":                `"event":"x","time":"2016-12-31T23:59:60Z"`,
		"a day that never was":         `"event":"x","time":"2026-02-30T00:00:00Z"`,
		"nanoseconds":                  `"event":"x","time":"2026-01-01T00:00:00.123456789123Z"`,
		"a time without a zone":        `"event":"x","time":"2026-01-01T00:00:00"`,
		"a zone past a day":            `"event":"x","time":"2026-01-01T00:00:00+99:99"`,
		"a time that is a number":      `"event":"x","time":1767225600`,
		"no name":                      `"user_id":"u"`,
		"an empty name":                `"event":""`,
		"a name that is a number":      `"event":1`,
		"a name of 10 kB":              `"event":"` + strings.Repeat("x", 10_000) + `"`,
		"an id of 10 kB":               `"event":"x","event_id":"` + strings.Repeat("x", 10_000) + `"`,
		"an empty id":                  `"event":"x","event_id":""`,
		"an id that is null":           `"event":"x","event_id":null`,
		"an id with NUL":               `"event":"x","event_id":"a\u0000b"`,
		"an id of emoji":               `"event":"x","event_id":"👩‍👩‍👧‍👦"`,
		"an id that is SQL":            `"event":"x","event_id":"' or 1=1 --"`,
		"properties that are an array": `"event":"x","properties":[1]`,
		"properties that are null":     `"event":"x","properties":null`,
		"a field that is none":         `"event":"x","evnet":"y"`,
		"a field twice":                `"event":"x","event":"y"`,
		"a user that is an object":     `"event":"x","user_id":{"a":1}`,
	}
}
