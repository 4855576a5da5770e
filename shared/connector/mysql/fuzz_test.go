package mysql

import (
	"net"
	"net/url"
	"testing"
)

// FuzzDSN holds that a connection string reaches the host that it names, and asks for
// nothing of this machine, or is refused.
func FuzzDSN(f *testing.F) {
	for _, dsn := range []string{"mysql://u:p@h:3306/d?tls=require", "mariadb://u@[::1]/d", "mysql://u:p@unix(/tmp/s)/d", "mysql://u:p@h/d?allowAllFiles=true", "u:p@tcp(h)/d", "mysql://u:p@h/d?tls=prefer&tls=x"} {
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
		host, _, err := net.SplitHostPort(c.Addr)
		if err != nil || host != u.Hostname() || c.Net != "tcp" || c.AllowAllFiles || c.AllowCleartextPasswords || c.AllowOldPasswords || c.MultiStatements {
			t.Errorf("%q goes to %s %q as %+v", dsn, c.Net, c.Addr, c)
		}
	})
}
