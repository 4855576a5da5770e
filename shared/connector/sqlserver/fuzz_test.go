package sqlserver

import (
	"net/url"
	"testing"
)

// FuzzDSN holds that a connection string reaches the host that it names by the protocol
// alone, or is refused.
func FuzzDSN(f *testing.F) {
	for _, dsn := range []string{"sqlserver://u:p@h:1433/d?encrypt=strict", "sqlserver://u:p@h/d?instance=x", "sqlserver://u:p@h/d?encrypt=true&certificate=/etc/passwd", "sqlserver://u:p@h\\i/d", "sqlserver://u:%70@[::1]/d"} {
		f.Add(dsn)
	}
	f.Fuzz(func(t *testing.T, dsn string) {
		c, err := configOf(dsn)
		if err != nil {
			return
		}
		u, err := url.Parse(dsn)
		if err != nil {
			t.Fatalf("%q is no URL and was taken", dsn)
		}
		password, _ := u.User.Password()
		if c.Host != u.Hostname() || c.Instance != "" || c.User != u.User.Username() || c.Password != password || len(c.Protocols) != 1 || c.Protocols[0] != "tcp" || c.FailOverPartner != "" {
			t.Errorf("%q goes to %q as %+v", dsn, c.Host, c)
		}
	})
}
