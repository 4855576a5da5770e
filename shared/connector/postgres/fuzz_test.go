package postgres

import (
	"encoding/binary"
	"encoding/hex"
	"net/url"
	"strings"
	"testing"

	"github.com/tarnhq/tarn/shared/connector"
)

// FuzzDSN holds that a connection string reaches the host that it names as a URL, without
// anything of this machine's, or is refused.
func FuzzDSN(f *testing.F) {
	for _, dsn := range []string{"postgres://u:p@h:5432/d?sslmode=require", "postgresql://u@[::1]/", "postgres://u:p@a,b/d", "postgres://u@h/d?host=/tmp", "host=a user=b", "postgres://u:p%40@h/%2e"} {
		f.Add(dsn)
	}
	f.Fuzz(func(t *testing.T, dsn string) {
		config, err := configOf(dsn)
		if err != nil {
			return
		}
		u, err := url.Parse(dsn)
		if err != nil {
			t.Fatalf("%q is no URL and was taken", dsn)
		}
		password, _ := u.User.Password()
		if config.Host != u.Hostname() || config.User != u.User.Username() || config.Password != password || strings.HasPrefix(config.Host, "/") {
			t.Errorf("%q goes to %q as %q", dsn, config.Host, config.User)
		}
		for _, other := range config.Fallbacks {
			if other.Host != config.Host || other.Port != config.Port {
				t.Errorf("%q goes to %q, too", dsn, other.Host)
			}
		}
	})
}

// describing and inserting are messages of the log about a table public.a with a key id.
func describing() []byte {
	m := append([]byte{'R', 0, 0, 0, 7}, "public\x00a\x00d"...)
	m = binary.BigEndian.AppendUint16(m, 1)
	m = append(m, "\x01id\x00"...)
	m = binary.BigEndian.AppendUint32(m, 23)
	return binary.BigEndian.AppendUint32(m, 0xffffffff)
}

func inserting(key string) []byte {
	m := append([]byte{'I', 0, 0, 0, 7, 'N'}, 0, 1, 't')
	m = binary.BigEndian.AppendUint32(m, uint32(len(key)))
	return append(m, key...)
}

// FuzzLog holds that no message of a server's log ends the process, and that what is
// gathered has a key for each column.
func FuzzLog(f *testing.F) {
	f.Add(describing(), inserting("17"))
	f.Add(describing(), []byte("T\x00\x00\x00\x01\x00\x00\x00\x00\x07"))
	f.Add([]byte("B"), []byte("C"))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		l := newLog([]connector.Table{{Table: "public.a", Key: []string{"id"}}})
		for _, message := range [][]byte{first, second} {
			if err := l.add(append([]byte(`\x`), hex.EncodeToString(message)...)); err != nil {
				return
			}
		}
		for _, keys := range l.changed("", 10).Tables {
			for _, key := range keys.Texts {
				if len(key) != 1 {
					t.Errorf("a key of %d columns: %q", len(key), key)
				}
			}
		}
	})
}
