package sqlserver

import (
	"net"
	"net/url"
	"strings"

	"github.com/microsoft/go-mssqldb/msdsn"

	"github.com/tarnhq/tarn/shared/fault"
)

// allowed are the options of a connection string, and what they can be.
var allowed = map[string]map[string]bool{
	"encrypt":                {"strict": true, "true": true, "false": true, "disable": true},
	"trustservercertificate": {"true": true, "false": true},
}

func badDSN() error {
	return fault.New(fault.Invalid, "bad_dsn", "the dsn is no URL of a SQL Server database").
		WithHint("sqlserver://user:password@host:1433/database?encrypt=true")
}

// configOf reads a connection string: one host, one database, and how to encrypt. What the
// driver's own can have beside these, files of certificates and of Kerberos, instances that
// another port tells of, other protocols, a second server, cannot be said.
func configOf(dsn string) (msdsn.Config, error) {
	u, err := url.Parse(dsn)
	if err != nil || u.Scheme != "sqlserver" || u.Hostname() == "" || strings.ContainsAny(u.Host, ",/\\()") || u.User.Username() == "" || u.Fragment != "" {
		return msdsn.Config{}, badDSN() // without the cause, which may quote the password
	}
	password, _ := u.User.Password()
	database := strings.Trim(u.Path, "/")
	options, err := url.ParseQuery(u.RawQuery)
	if err != nil || database == "" || strings.Contains(database, "/") || password == "" {
		return msdsn.Config{}, badDSN() // a user without a password would be the machine's own
	}
	clean := url.Values{"database": {database}, "encrypt": {"true"}, "trustservercertificate": {"false"}, "app name": {"tarn"}, "workstation id": {"tarn"},
		"applicationintent": {"ReadOnly"}, "protocol": {"tcp"}, "dial timeout": {"15"}, "multisubnetfailover": {"false"}, "disableretry": {"false"}}
	for name, values := range options {
		value := strings.ToLower(values[0])
		if name = strings.ToLower(name); len(values) != 1 || !allowed[name][value] {
			return msdsn.Config{}, fault.New(fault.Invalid, "bad_dsn", "the dsn has an option other than encrypt and trustservercertificate, or one that these cannot be").
				WithHint("encrypt is strict, true, false or disable; trustservercertificate is true or false")
		}
		clean.Set(name, value)
	}
	port := u.Port()
	if port == "" {
		port = "1433"
	}
	config, err := msdsn.Parse((&url.URL{Scheme: "sqlserver", User: url.UserPassword(u.User.Username(), password), Host: net.JoinHostPort(u.Hostname(), port), RawQuery: clean.Encode()}).String())
	if err != nil || config.Host != u.Hostname() { // as "." is, which means this machine
		return msdsn.Config{}, badDSN()
	}
	return config, nil
}
