package postgres_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/connector/postgres"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/secret"
)

var errDialed = errors.New("dialed")

// TestADSNReachesItsOneHostAndNoFileOfThisMachine opens connection strings with a dial
// that only tells where it was to go.
func TestADSNReachesItsOneHostAndNoFileOfThisMachine(t *testing.T) {
	t.Setenv("PGHOST", "10.9.9.9")
	t.Setenv("PGPASSWORD", "of-this-machine")
	for dsn, want := range map[string]string{
		"postgres://u:hush@192.0.2.1/d":                                 "192.0.2.1:5432",
		"postgres://u:hush@192.0.2.1:6000/d?sslmode=disable":            "192.0.2.1:6000",
		"postgresql://u:hush@[2001:db8::1]/d?sslmode=verify-full":       "[2001:db8::1]:5432",
		"postgres://u:hush@192.0.2.1,192.0.2.2/d":                       "",
		"postgres://u:hush@/d?host=/var/run/postgresql":                 "",
		"postgres://u:hush@192.0.2.1/d?host=10.0.0.1":                   "",
		"postgres://u:hush@192.0.2.1/d?sslrootcert=/etc/passwd":         "",
		"postgres://u:hush@192.0.2.1/d?passfile=/etc/passwd":            "",
		"postgres://u:hush@192.0.2.1/d?service=x&servicefile=/etc/hush": "",
		"postgres://u:hush@192.0.2.1/d?sslmode=some":                    "",
		"postgres://192.0.2.1/d":                                        "",
		"mysql://u:hush@192.0.2.1/d":                                    "",
		"host=192.0.2.1 user=u password=hush":                           "",
		"postgres://u:hu%sh@192.0.2.1/d":                                "",
		"":                                                              "",
	} {
		dialed := map[string]bool{}
		driver := postgres.Driver{Dial: func(_ context.Context, _, address string) (net.Conn, error) {
			dialed[address] = true
			return nil, errDialed
		}}
		_, err := driver.Open(t.Context(), connector.Config{DSN: secret.New([]byte(dsn))})
		if err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v", dsn, err)
		}
		if want == "" && (len(dialed) > 0 || !fault.Is(err, fault.Invalid)) || want != "" && (len(dialed) != 1 || !dialed[want] || !fault.Is(err, fault.Unavailable)) {
			t.Errorf("%s went to %v with %v, want %q", dsn, dialed, err, want)
		}
	}
}
