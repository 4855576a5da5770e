package mysql_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/connector/mysql"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/secret"
)

var errDialed = errors.New("dialed")

// TestADSNReachesItsOneHostAndNoFileOfThisMachine opens connection strings with a dial
// that only tells where it was to go.
func TestADSNReachesItsOneHostAndNoFileOfThisMachine(t *testing.T) {
	for dsn, want := range map[string]string{
		"mysql://u:hush@192.0.2.1/d":                              "192.0.2.1:3306",
		"mysql://u@192.0.2.1/d":                                   "192.0.2.1:3306",
		"mariadb://u:hush@192.0.2.1:6000/d?tls=disable":           "192.0.2.1:6000",
		"mysql://u:hush@[2001:db8::1]/d?tls=verify-full":          "[2001:db8::1]:3306",
		"mysql://u:hush@db.example.com/d?tls=require":             "db.example.com:3306",
		"mysql://u:hush@192.0.2.1,192.0.2.2/d":                    "",
		"mysql://u:hush@/d":                                       "",
		"mysql://u:hush@unix(/run/mysqld/mysqld.sock)/d":          "",
		"mysql://u:hush@tcp(192.0.2.1:3306)/d":                    "",
		"mysql://u:hush@192.0.2.1":                                "",
		"mysql://u:hush@192.0.2.1/d/e":                            "",
		"mysql://u:hush@192.0.2.1/d#x":                            "",
		"mysql://u:hush@192.0.2.1/d?allowAllFiles=true":           "",
		"mysql://u:hush@192.0.2.1/d?allowCleartextPasswords=true": "",
		"mysql://u:hush@192.0.2.1/d?tls=skip-verify":              "",
		"mysql://u:hush@192.0.2.1/d?tls=disable&serverPubKey=x":   "",
		"mysql://u:hush@192.0.2.1/d?%zz":                          "",
		"mysql://192.0.2.1/d":                                     "",
		"postgres://u:hush@192.0.2.1/d":                           "",
		"u:hush@tcp(192.0.2.1)/d":                                 "",
		"mysql://u:hu%sh@192.0.2.1/d":                             "",
		"":                                                        "",
	} {
		dialed := map[string]bool{}
		driver := mysql.Driver{Dial: func(_ context.Context, _, address string) (net.Conn, error) {
			dialed[address] = true
			return nil, errDialed
		}}
		config := connector.Config{DSN: secret.New([]byte(dsn))}
		if checked := driver.Check(config); (checked == nil) != (want != "") {
			t.Errorf("%s is checked with %v", dsn, checked)
		}
		_, err := driver.Open(t.Context(), config)
		if err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v", dsn, err)
		}
		if want == "" && (len(dialed) > 0 || !fault.Is(err, fault.Invalid)) || want != "" && (len(dialed) != 1 || !dialed[want] || !fault.Is(err, fault.Unavailable)) {
			t.Errorf("%s went to %v with %v, want %q", dsn, dialed, err, want)
		}
	}
}

func TestWhatThisKindHasNotIsRefusedBeforeItIsKept(t *testing.T) {
	good := connector.Config{DSN: secret.New([]byte("mysql://u:p@192.0.2.1/d"))}
	changes := good
	changes.Tables = []connector.Table{{Table: "t", Dataset: "t", Mode: connector.Changes, Key: []string{"id"}}}
	settings := good
	settings.Settings = []byte(`{"charset": "latin1"}`)
	for claim, c := range map[string]connector.Config{"changes": changes, "settings": settings} {
		if err := (mysql.Driver{}).Check(c); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", claim, err)
		}
	}
}
