package eventlog

import (
	"bytes"
	"testing"
)

// FuzzFrame feeds the parser any bytes: it never panics nor reads past them, and
// what it accepts is exactly what the encoder writes.
func FuzzFrame(f *testing.F) {
	const salt = 0x5a17
	valid := appendFrame(nil, frame{kind: kindRecord, sequence: 7, hash: 9, arrived: 11, shard: 3, payload: []byte("payload")}, payloadSum([]byte("payload")), salt)
	f.Add(valid)
	f.Add(valid[:len(valid)-1])
	f.Add(append([]byte{1}, valid...))
	f.Add(appendFrame(nil, frame{kind: kindMark, sequence: 7}, payloadSum(nil), salt))
	f.Add(bytes.Repeat([]byte{0xff}, headerSize+1))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, size := parseFrame(b, salt)
		if size == 0 {
			return
		}
		if size > len(b) || size != headerSize+len(got.payload) {
			t.Fatalf("a frame of %d bytes in %d", size, len(b))
		}
		again := appendFrame(nil, got, payloadSum(got.payload), salt)
		if b[37] == 0 && b[38] == 0 && b[39] == 0 && !bytes.Equal(again, b[:size]) {
			t.Fatalf("%x was read from %x", again, b[:size])
		}
		if _, size := parseFrame(b, salt+1); size != 0 {
			t.Fatal("a frame of another file was accepted")
		}
	})
}

// FuzzHeader feeds any bytes to the parser of a file's beginning.
func FuzzHeader(f *testing.F) {
	begun, err := newFile("/", 1, 1, 7, even(3))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(begun.header)
	f.Add(begun.header[:20])
	f.Fuzz(func(t *testing.T, b []byte) {
		got, size, err := parseHeader("/0000000000000001.log", b)
		if err == nil && (size > len(b) || got.first != got.last+1) {
			t.Fatalf("header of %d bytes in %d, first %d, last %d", size, len(b), got.first, got.last)
		}
	})
}
