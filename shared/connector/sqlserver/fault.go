package sqlserver

import (
	"errors"
	"net"
	"strings"

	mssql "github.com/microsoft/go-mssqldb"

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
	refused  = meaning{fault.Invalid, "source_refused", "check the user, the password and the database in the dsn, and the server's firewall"}
	denied   = meaning{fault.Invalid, "source_denied", "grant the user SELECT on the table: the role db_datareader has it"}
	notThere = meaning{fault.NotFound, "unknown_table", "GET …/tables lists those there are"}
	noColumn = meaning{fault.Invalid, "unknown_column", "GET …/tables lists the columns"}
	locked   = meaning{fault.Unavailable, "source_timeout", "somebody else holds a lock on the table: ALTER DATABASE … SET ALLOW_SNAPSHOT_ISOLATION ON lets it be read all the same"}
	busy     = meaning{fault.Unavailable, "source_busy", "the server takes no more connections, or has too much to do"}
	ending   = meaning{fault.Unavailable, "source_unavailable", "the server is not ready, or has ended the connection"}
)

// meanings are the errors of the server that say more than that something failed.
var meanings = map[int32]meaning{
	916: refused, 4060: refused, 4064: refused, 18452: refused, 18456: refused, 18470: refused, 18486: refused, 18487: refused, 18488: refused, 40615: refused, 40532: refused,
	229: denied, 230: denied, 262: denied, 297: denied, 300: denied,
	208: notThere, 207: noColumn,
	1205: locked, 1222: locked, 3960: locked, 3961: locked,
	701: busy, 8645: busy, 10928: busy, 10929: busy, 17809: busy, 40501: busy, 49918: busy, 49919: busy, 49920: busy,
	596: ending, 921: ending, 922: ending, 927: ending, 983: ending, 6005: ending, 40197: ending, 40613: ending, 18401: ending,
}

// Fault implements sqltable.System.
func (system) Fault(err error) error {
	var server mssql.Error
	switch {
	case errors.As(err, &server):
		if m, ok := meanings[server.Number]; ok {
			return fault.New(m.kind, m.code, "SQL Server: %s", server.Message).WithHint("%s", m.hint)
		}
		return fault.New(fault.Invalid, "source_error", "SQL Server: %s (%d)", server.Message, server.Number)
	case outbound.Forbidden(err):
		return connector.AddressNotAllowed()
	case strings.Contains(err.Error(), "TLS Handshake failed: tls: failed to verify") || strings.Contains(err.Error(), "server does not support encryption"):
		return fault.New(fault.Invalid, "source_refused", "SQL Server: the server has no certificate that encrypt asks for").
			WithHint("check encrypt and trustservercertificate in the dsn")
	}
	return fault.New(fault.Unavailable, "source_unavailable", "SQL Server cannot be reached, or its connection ended").Because(cause(err))
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
	errTimeout = errors.New("sqlserver: timed out")
	errConnect = errors.New("sqlserver: cannot connect")
)
