package sqlserver_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/connector/sqlserver"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/secret"
)

var errDialed = errors.New("dialed")

// TestADSNReachesItsOneHostAndNoFileOfThisMachine opens connection strings with a dial
// that only tells where it was to go. A name is for the dial to resolve, which checks it.
func TestADSNReachesItsOneHostAndNoFileOfThisMachine(t *testing.T) {
	for dsn, want := range map[string]string{
		"sqlserver://u:hush@192.0.2.1/d":                                                "192.0.2.1:1433",
		"sqlserver://u:hush@192.0.2.1:6000/d?encrypt=disable":                           "192.0.2.1:6000",
		"sqlserver://u:hush@[2001:db8::1]/d?encrypt=strict":                             "[2001:db8::1]:1433",
		"sqlserver://u:hush@db.example.com/d?encrypt=true&TrustServerCertificate=true":  "db.example.com:1433",
		"sqlserver://u:hush@192.0.2.1/d%20e":                                            "192.0.2.1:1433",
		"sqlserver://u:hush@192.0.2.1,192.0.2.2/d":                                      "",
		"sqlserver://u:hush@192.0.2.1":                                                  "",
		"sqlserver://u:hush@192.0.2.1/instance/d":                                       "",
		"sqlserver://u:hush@192.0.2.1/d?database=e":                                     "",
		"sqlserver://u:hush@192.0.2.1/d?encrypt=some":                                   "",
		"sqlserver://u:hush@192.0.2.1/d?encrypt=true&encrypt=false":                     "",
		"sqlserver://u:hush@192.0.2.1/d?certificate=/etc/passwd":                        "",
		"sqlserver://u:hush@192.0.2.1/d?authenticator=krb5&krb5-configfile=/etc/passwd": "",
		"sqlserver://u:hush@192.0.2.1/d?failoverpartner=10.0.0.1":                       "",
		"sqlserver://u:hush@192.0.2.1/d?protocol=np&pipe=x":                             "",
		"sqlserver://u:hush@192.0.2.1/d?log=255":                                        "",
		"sqlserver://u@192.0.2.1/d":                                                     "",
		"sqlserver://192.0.2.1/d":                                                       "",
		"mysql://u:hush@192.0.2.1/d":                                                    "",
		"server=192.0.2.1;user id=u;password=hush":                                      "",
		"sqlserver://u:hu%sh@192.0.2.1/d":                                               "",
		"":                                                                              "",
	} {
		dialed := map[string]bool{}
		driver := sqlserver.Driver{Dial: func(_ context.Context, _, address string) (net.Conn, error) {
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
	good := connector.Config{DSN: secret.New([]byte("sqlserver://u:p@192.0.2.1/d"))}
	changes := good
	changes.Tables = []connector.Table{{Table: "t", Dataset: "t", Mode: connector.Changes, Key: []string{"id"}}}
	settings := good
	settings.Settings = []byte(`{"instance": "x"}`)
	for claim, c := range map[string]connector.Config{"changes": changes, "settings": settings} {
		if err := (sqlserver.Driver{}).Check(c); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", claim, err)
		}
	}
}
