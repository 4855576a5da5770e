package events

import (
	"bytes"
	"errors"
	"testing"

	"github.com/klauspost/compress/zstd"
)

func TestOpenUndoesSeal(t *testing.T) {
	payloads := map[string][]byte{
		"nothing":     {},
		"one byte":    {1},
		"an envelope": Append(nil, clicks()),
	}
	seals := map[string]func(dst, payload []byte) []byte{"Seal": Seal, "SealPlain": SealPlain}
	for name, payload := range payloads {
		for how, seal := range seals {
			sealed := seal([]byte("before"), payload)
			if !bytes.HasPrefix(sealed, []byte("before")) {
				t.Errorf("%s of %s changed what was before", how, name)
			}
			record := sealed[len("before"):]
			if len(record) > len(payload)+1 {
				t.Errorf("%s of %s made %d bytes of %d", how, name, len(record), len(payload))
			}
			got, err := Open(record)
			if err != nil || !bytes.Equal(got, payload) {
				t.Errorf("%s of %s: %v, or other bytes", how, name, err)
			}
		}
	}
}

func TestOpenRefusesWhatItCannotOpen(t *testing.T) {
	enc, _ := zstd.NewWriter(nil)
	bomb := enc.EncodeAll(make([]byte, maxOpened+1), []byte{storedZstd})
	cases := map[string]struct {
		record []byte
		want   error
	}{
		"nothing":          {nil, ErrCorrupt},
		"an unknown mark":  {[]byte{'?', 1, 2}, ErrVersion},
		"no zstd":          {[]byte{storedZstd, 1, 2, 3}, ErrCorrupt},
		"a zstd bomb":      {bomb, ErrCorrupt},
		"half of a record": {Seal(nil, Append(nil, clicks()))[:100], ErrCorrupt},
	}
	for name, c := range cases {
		if _, err := Open(c.record); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(Seal(nil, Append(nil, sample())))
	f.Add(SealPlain(nil, Append(nil, sample())))
	f.Fuzz(func(t *testing.T, record []byte) {
		payload, err := Open(record)
		if err != nil {
			return
		}
		if got, err := Open(Seal(nil, payload)); err != nil || !bytes.Equal(got, payload) {
			t.Errorf("sealed again: %v, or other bytes", err)
		}
	})
}
