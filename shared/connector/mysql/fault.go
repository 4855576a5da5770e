package mysql

import (
	"crypto/tls"
	"errors"
	"net"

	"github.com/go-sql-driver/mysql"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/outbound"
)

type meaning struct {
	kind fault.Kind
	code string
	hint string
}

var (
	refused    = meaning{fault.Invalid, "source_refused", "check the user, the password and the database in the dsn"}
	denied     = meaning{fault.Invalid, "source_denied", "grant the user SELECT on the table"}
	notThere   = meaning{fault.NotFound, "unknown_table", "GET …/tables lists those there are"}
	noColumn   = meaning{fault.Invalid, "unknown_column", "GET …/tables lists the columns"}
	tooSlow    = meaning{fault.Unavailable, "source_timeout", "an index on the cursor and the key makes reading fast"}
	locked     = meaning{fault.Unavailable, "source_timeout", "somebody else holds a lock on the table"}
	busy       = meaning{fault.Unavailable, "source_busy", "the server takes no more connections"}
	notAnymore = meaning{fault.Unavailable, "source_unavailable", "the server is shutting down, or has ended the connection"}
)

// meanings are the errors of the servers that say more than that something failed.
var meanings = map[uint16]meaning{
	1044: refused, 1045: refused, 1049: refused, 1130: refused, 1698: refused, 1251: refused, 1862: refused, 3118: refused, 3159: refused, 4151: refused,
	1142: denied, 1143: denied, 1227: denied, 1370: denied,
	1051: notThere, 1146: notThere,
	1054: noColumn,
	3024: tooSlow, 1969: tooSlow,
	1205: locked, 1213: locked,
	1040: busy, 1203: busy, 1226: busy,
	1053: notAnymore, 1077: notAnymore, 1129: notAnymore, 1152: notAnymore, 1159: notAnymore, 1161: notAnymore, 1317: notAnymore, 1412: notAnymore, 1927: notAnymore, 4031: notAnymore,
}

// Fault implements sqltable.System.
func (system) Fault(err error) error {
	var server *mysql.MySQLError
	if errors.As(err, &server) {
		if m, ok := meanings[server.Number]; ok {
			return fault.New(m.kind, m.code, "MySQL: %s", server.Message).WithHint("%s", m.hint)
		}
		return fault.New(fault.Invalid, "source_error", "MySQL: %s (%d)", server.Message, server.Number)
	}
	var certificate *tls.CertificateVerificationError
	switch {
	case outbound.Forbidden(err):
		return connector.AddressNotAllowed()
	case errors.Is(err, mysql.ErrNoTLS) || errors.As(err, &certificate):
		return fault.New(fault.Invalid, "source_refused", "MySQL: the server has no certificate that tls asks for").WithHint("check tls in the dsn: verify-full, require, prefer or disable")
	case errors.Is(err, mysql.ErrOldPassword) || errors.Is(err, mysql.ErrCleartextPassword) || errors.Is(err, mysql.ErrUnknownPlugin):
		return fault.New(fault.Invalid, "source_refused", "MySQL: the server asks for the password in a way that is not safe, or not known").
			WithHint("give the user the plug-in caching_sha2_password, ed25519 or mysql_native_password")
	}
	return fault.New(fault.Unavailable, "source_unavailable", "MySQL cannot be reached, or its connection ended").Because(cause(err))
}

// cause is what of an error may be logged: the text of one of connecting has the host in it.
func cause(err error) error {
	var network net.Error
	switch {
	case !errors.As(err, &network):
		return err
	case network.Timeout():
		return errTimeout
	}
	return errConnect
}

var (
	errTimeout = errors.New("mysql: timed out")
	errConnect = errors.New("mysql: cannot connect")
)
