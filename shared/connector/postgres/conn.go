// Package postgres reads PostgreSQL: tables whole, by a cursor column, or by the changes
// that its log tells of. It speaks the protocol's text format throughout, so that a value
// is what PostgreSQL itself writes, and so that one decoder serves rows and the log.
package postgres

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/outbound"
)

// session is what every session of ours is set to: it cannot write, waits for no lock for
// long, and writes values in one way whatever the server's settings.
const session = `
SET default_transaction_read_only = on;
SET statement_timeout = '5min';
SET lock_timeout = '30s';
SET idle_in_transaction_session_timeout = '15min';
SET TimeZone = 'UTC';
SET DateStyle = 'ISO, YMD';
SET IntervalStyle = 'iso_8601';
SET bytea_output = 'hex';
SET extra_float_digits = 1;
SET client_encoding = 'UTF8'`

// connectTime bounds the whole of connecting.
const connectTime = 15 * time.Second

// Dial connects to an address as package outbound allows.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// Kind is the kind of connectors that read PostgreSQL.
const Kind connector.Kind = "postgres"

// Driver reaches PostgreSQL.
type Driver struct{ Dial Dial }

// Check implements connector.Driver.
func (Driver) Check(c connector.Config) error {
	_, err := configOf(string(c.DSN.Reveal()))
	return cmp.Or(err, c.NoSettings())
}

// Open implements connector.Driver.
func (d Driver) Open(ctx context.Context, c connector.Config) (connector.Source, error) {
	config, err := configOf(string(c.DSN.Reveal()))
	if err != nil {
		return nil, err
	}
	config.DialFunc = pgconn.DialFunc(d.Dial)
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	conn, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		return nil, faultOf(err)
	}
	s := &Source{conn: conn}
	if err := s.exec(ctx, session); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// modes are the values of sslmode.
var modes = map[string]bool{"": true, "disable": true, "allow": true, "prefer": true, "require": true, "verify-ca": true, "verify-full": true}

// configOf reads a connection string. Only URLs are taken, and of their options only those
// that name no file and no other host: the rest would have this machine's files read.
func configOf(dsn string) (*pgconn.Config, error) {
	bad := fault.New(fault.Invalid, "bad_dsn", "the dsn is no URL of a PostgreSQL database").
		WithHint("postgres://user:password@host:5432/database?sslmode=verify-full")
	u, err := url.Parse(dsn)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" || u.Hostname() == "" || strings.ContainsAny(u.Host, ",/") || u.User.Username() == "" {
		return nil, bad // without the cause, which may quote the password
	}
	mode := u.Query().Get("sslmode")
	for name := range u.Query() {
		if name != "sslmode" || !modes[mode] {
			return nil, fault.New(fault.Invalid, "bad_dsn", "the dsn has an option other than sslmode, or one that sslmode cannot be").
				WithHint("leave options out but for sslmode: disable, prefer, require or verify-full")
		}
	}
	database := strings.Trim(u.Path, "/")
	if database == "" {
		database = u.User.Username()
	}
	password, _ := u.User.Password()
	port := u.Port()
	if port == "" {
		port = "5432"
	}
	if mode == "" {
		mode = "prefer"
	}
	clean := url.URL{Scheme: "postgres", User: url.UserPassword(u.User.Username(), password), Host: net.JoinHostPort(u.Hostname(), port), Path: "/" + database,
		RawQuery: url.Values{"sslmode": {mode}, "application_name": {"tarn"}, "passfile": {""}}.Encode()}
	config, err := pgconn.ParseConfig(clean.String())
	if err != nil {
		return nil, bad
	}
	config.Password = password // and none of the machine's
	return config, nil
}

// Source is a connected PostgreSQL.
type Source struct {
	conn *pgconn.PgConn
}

// Close implements connector.Source.
func (s *Source) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = s.conn.Close(ctx)
}

// exec runs statements without parameters.
func (s *Source) exec(ctx context.Context, sql string) error {
	_, err := s.conn.Exec(ctx, sql).ReadAll()
	return faultOf(err)
}

// query returns the rows of a statement, which are few. Nulls are nil.
func (s *Source) query(ctx context.Context, sql string, args ...[]byte) ([][][]byte, error) {
	result := s.conn.ExecParams(ctx, sql, args, nil, nil, nil).Read()
	return result.Rows, faultOf(result.Err)
}

// each calls do with every row of a statement. The values are good until it returns.
func (s *Source) each(ctx context.Context, sql string, args [][]byte, do func([][]byte) error) error {
	reader := s.conn.ExecParams(ctx, sql, args, nil, nil, nil)
	var failed error
	for failed == nil && reader.NextRow() {
		failed = do(reader.Values())
	}
	_, err := reader.Close()
	if failed != nil {
		return failed
	}
	return faultOf(err)
}

// one returns the only value of a statement, nil where it is null or there is no row.
func (s *Source) one(ctx context.Context, sql string, args ...[]byte) ([]byte, error) {
	all, err := s.query(ctx, sql, args...)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return all[0][0], nil
}

// Check implements connector.Source.
func (s *Source) Check(ctx context.Context) error {
	encoding, err := s.one(ctx, "SHOW server_encoding")
	if err == nil && string(encoding) == "SQL_ASCII" {
		return fault.New(fault.Invalid, "source_encoding", "the database's encoding is SQL_ASCII: its texts may be any bytes").WithHint("convert it to UTF8")
	}
	return err
}

// begin opens a transaction that sees one moment.
func (s *Source) begin(ctx context.Context) error {
	return s.exec(ctx, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
}

// end ends the transaction, if one is open and the connection is good.
func (s *Source) end(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if !s.conn.IsClosed() && s.conn.TxStatus() != 'I' {
		_ = s.exec(ctx, "ROLLBACK")
	}
}

// quote writes an identifier.
func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// quoteText writes a text.
func quoteText(text string) string {
	return ` E'` + strings.ReplaceAll(strings.ReplaceAll(text, `\`, `\\`), `'`, `''`) + `'`
}

// table writes the name of a table, which is in schema public unless it says where.
func table(name string) string {
	schema, local := split(name)
	return quote(schema) + "." + quote(local)
}

func split(name string) (schema, local string) {
	if schema, local, ok := strings.Cut(name, "."); ok {
		return schema, local
	}
	return "public", name
}

// codes are the errors of PostgreSQL that say more than that something failed.
var codes = map[string]struct {
	kind fault.Kind
	code string
	hint string
}{
	"28P01": {fault.Invalid, "source_refused", "check the user and the password in the dsn"},
	"28000": {fault.Invalid, "source_refused", "check the user and sslmode in the dsn, and the server's pg_hba.conf"},
	"3D000": {fault.Invalid, "source_refused", "check the database in the dsn"},
	"42501": {fault.Invalid, "source_denied", "grant the user what it needs: USAGE of the schema, SELECT of the table"},
	"42P01": {fault.NotFound, "unknown_table", "GET …/tables lists those there are"},
	"3F000": {fault.NotFound, "unknown_table", "GET …/tables lists those there are"},
	"42703": {fault.Invalid, "unknown_column", "GET …/tables lists the columns"},
	"57014": {fault.Unavailable, "source_timeout", "an index on the cursor and the key makes reading fast"},
	"55P03": {fault.Unavailable, "source_timeout", "somebody else holds a lock on the table"},
	"55006": {fault.Unavailable, "source_busy", "another sync reads the changes"},
	"42710": {fault.Unavailable, "source_busy", "another sync has changes kept at the same time"}, // of a publication or a slot
	"23505": {fault.Unavailable, "source_busy", "another sync has changes kept at the same time"}, // of a publication, at the very same time
	"53300": {fault.Unavailable, "source_busy", "the server takes no more connections"},
}

// faultOf says what an error of PostgreSQL means.
func faultOf(err error) error {
	if err == nil {
		return nil
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		if known, ok := codes[pg.Code]; ok {
			return fault.New(known.kind, known.code, "PostgreSQL: %s", pg.Message).WithHint("%s", known.hint)
		}
		switch pg.Code[:2] {
		case "08", "40", "53", "57", "58", "XX":
			return fault.New(fault.Unavailable, "source_unavailable", "PostgreSQL: %s (%s)", pg.Message, pg.Code)
		}
		return fault.New(fault.Invalid, "source_error", "PostgreSQL: %s (%s)", pg.Message, pg.Code)
	}
	if outbound.Forbidden(err) {
		return connector.AddressNotAllowed()
	}
	if errors.Is(err, context.Canceled) {
		return err
	}
	return fault.New(fault.Unavailable, "source_unavailable", "PostgreSQL cannot be reached, or its connection ended").Because(cause(err))
}
