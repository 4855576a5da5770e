package postgres

import (
	"errors"
	"net"

	"github.com/jackc/pgx/v5/pgconn"
)

// cause is what of an error may be logged: the text of one of connecting has the host and
// the user in it, and that of one of parsing all of the connection string.
func cause(err error) error {
	var network net.Error
	if errors.As(err, &network) && network.Timeout() {
		return errTimeout
	}
	var connecting *pgconn.ConnectError
	if errors.As(err, &connecting) {
		return errConnect
	}
	return err
}

var (
	errTimeout = errors.New("postgres: timed out")
	errConnect = errors.New("postgres: cannot connect")
)
