package mysql

import (
	"crypto/tls"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/tarnhq/tarn/shared/connector/sqltable"
	"github.com/tarnhq/tarn/shared/fault"
)

// modes are the values of the option tls, named as those of PostgreSQL's sslmode are.
var modes = map[string]func(c *mysql.Config, host string){
	"disable": func(*mysql.Config, string) {},
	"prefer": func(c *mysql.Config, _ string) {
		c.TLS, c.AllowFallbackToPlaintext = unverified(), true
	},
	"require": func(c *mysql.Config, _ string) { c.TLS = unverified() },
	"verify-full": func(c *mysql.Config, host string) {
		c.TLS = &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	},
}

// unverified encrypts, and takes any certificate.
func unverified() *tls.Config {
	return &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12} // #nosec G402 -- what prefer and require mean
}

func badDSN() error {
	return fault.New(fault.Invalid, "bad_dsn", "the dsn is no URL of a MySQL database").
		WithHint("mysql://user:password@host:3306/database?tls=verify-full")
}

// configOf reads a connection string: one host, one database, and of options tls alone.
// What the driver's own connection strings can have beside these, a socket, files that a
// server may ask for, passwords in the clear, cannot be said.
func configOf(dsn string) (*mysql.Config, error) {
	u, err := url.Parse(dsn)
	if err != nil || u.Scheme != "mysql" && u.Scheme != "mariadb" || u.Hostname() == "" || strings.ContainsAny(u.Host, ",/()") || u.User.Username() == "" || u.Fragment != "" {
		return nil, badDSN() // without the cause, which may quote the password
	}
	database := strings.Trim(u.Path, "/")
	if database == "" || strings.Contains(database, "/") {
		return nil, badDSN()
	}
	options, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, badDSN()
	}
	mode := options.Get("tls")
	if mode == "" {
		mode = "prefer"
	}
	apply, known := modes[mode]
	delete(options, "tls")
	if len(options) > 0 || !known {
		return nil, fault.New(fault.Invalid, "bad_dsn", "the dsn has an option other than tls, or one that tls cannot be").
			WithHint("leave options out but for tls: disable, prefer, require or verify-full")
	}
	c := mysql.NewConfig()
	c.User, c.DBName, c.Net, c.Addr = u.User.Username(), database, "tcp", net.JoinHostPort(u.Hostname(), "3306")
	c.Passwd, _ = u.User.Password()
	if port := u.Port(); port != "" {
		c.Addr = net.JoinHostPort(u.Hostname(), port)
	}
	c.Timeout = sqltable.ConnectTime
	c.ReadTimeout, c.WriteTimeout = sqltable.StatementTime+30*time.Second, 30*time.Second // so that the server's limit is met first
	c.Logger = &mysql.NopLogger{}
	apply(c, u.Hostname())
	return c, nil
}
