package sqlserver_test

import (
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	_ "modernc.org/sqlite" // runs what the server is asked

	"github.com/tarnhq/tarn/shared/connector/sqlserver/tdstest"
	"github.com/tarnhq/tarn/shared/fault"
)

// column is a column as the catalog has it.
type column struct {
	name      string
	typ       string
	nullable  bool
	precision int
	scale     int
	bytes     int
	collation string
	place     int // in the primary key
	wire      tdstest.Type
	said      string // how it must be selected; empty: by its name
	value     []byte // of a table without SQLite: of its only row
}

type table struct {
	name    string
	columns []column
}

// server is SQL Server as far as a connector asks it.
type server struct {
	db      *sql.DB
	state   int64 // of snapshot isolation
	failing error // of every statement but those of sessions

	lock      sync.Mutex
	tables    []table
	isolation byte
	asked     []string
}

func (s *server) add(t table) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.tables = append(s.tables, t)
}

// table returns a table, or one without columns.
func (s *server) table(name string) table {
	s.lock.Lock()
	defer s.lock.Unlock()
	for _, t := range s.tables {
		if t.name == name {
			return t
		}
	}
	return table{}
}

// Login implements tdstest.Handler.
func (s *server) Login(l tdstest.Login) error {
	switch {
	case l.User != "reader" || l.Password != password:
		return tdstest.Error{Number: 18456, Message: "Login failed for user '" + l.User + "'."}
	case l.Database != "shop" || l.App != "tarn" || !l.ReadOnly:
		return tdstest.Error{Number: 50001, Message: fmt.Sprintf("a login to %q of %q, to read only: %v", l.Database, l.App, l.ReadOnly)}
	}
	return nil
}

// Begin implements tdstest.Handler.
func (s *server) Begin(isolation byte) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.isolation = isolation
}

// Query implements tdstest.Handler.
func (s *server) Query(_ tdstest.Login, statement string) (tdstest.Answer, error) {
	s.lock.Lock()
	s.asked = append(s.asked, statement)
	s.lock.Unlock()
	switch {
	case strings.HasPrefix(statement, "SET ") || statement == "select 1;": // the driver's ping
		return tdstest.Answer{}, nil
	case s.failing != nil:
		return tdstest.Answer{}, s.failing
	case strings.HasPrefix(statement, "SELECT snapshot_isolation_state "):
		return tdstest.Answer{Columns: []tdstest.Column{{Type: tdstest.IntType(1)}}, Rows: [][][]byte{{tdstest.Int(s.state, 1)}}}, nil
	case strings.HasPrefix(statement, "SELECT s.name, o.name, "):
		return s.catalog(statement), nil
	}
	return s.read(statement)
}

var asked = regexp.MustCompile(` AND s\.name = N'(.*)' AND o\.name = N'(.*)' ORDER BY`)

func (s *server) catalog(statement string) (a tdstest.Answer) {
	s.lock.Lock()
	defer s.lock.Unlock()
	for _, typ := range []tdstest.Type{tdstest.NVarCharType, tdstest.NVarCharType, tdstest.NVarCharType, tdstest.NVarCharType, tdstest.BitType,
		tdstest.IntType(4), tdstest.IntType(4), tdstest.IntType(4), tdstest.NVarCharType, tdstest.IntType(4)} {
		a.Columns = append(a.Columns, tdstest.Column{Type: typ})
	}
	name := asked.FindStringSubmatch(statement)
	long := func(text string) []byte { return tdstest.Long(tdstest.Wide(text)) }
	int4 := func(n int) []byte { return tdstest.Int(int64(n), 4) }
	for _, t := range s.tables {
		if name != nil && (name[1] != "dbo" || strings.ReplaceAll(name[2], "''", "'") != t.name) {
			continue
		}
		for _, c := range t.columns {
			nullable := int64(0)
			if c.nullable {
				nullable = 1
			}
			a.Rows = append(a.Rows, [][]byte{long("dbo"), long(t.name), long(c.name), long(c.typ), tdstest.Int(nullable, 1),
				int4(c.precision), int4(c.scale), int4(c.bytes), long(c.collation), int4(c.place)})
		}
	}
	return a
}

// selected is the one kind of statement by which tables are read.
var selected = regexp.MustCompile(`^SELECT (.*) FROM \[dbo\]\.\[(\w+)\] AS t( WHERE .*?)?( ORDER BY .*)?$`)

// lists parts the list of what is selected: no name has a comma in it, and the one
// expression that has some is parted by its end.
func lists(list string) (all []string) {
	depth, from := 0, 0
	for i, r := range list {
		switch {
		case r == '(':
			depth++
		case r == ')':
			depth--
		case r == ',' && depth == 0:
			all, from = append(all, list[from:i]), i+2
		}
	}
	return append(all, list[from:])
}

// read answers a statement that reads a table.
func (s *server) read(statement string) (a tdstest.Answer, err error) {
	parts := selected.FindStringSubmatch(statement)
	if parts == nil {
		return a, tdstest.Error{Number: 102, Message: "Incorrect syntax: " + statement}
	}
	from := s.table(parts[2])
	var columns []column
	for _, expression := range lists(parts[1]) {
		i := slices.IndexFunc(from.columns, func(c column) bool {
			plain := "t.[" + c.name + "]"
			return expression == strings.ReplaceAll(c.said, "%", plain) || c.said == "" && (expression == plain || expression == "MAX("+plain+")")
		})
		if i < 0 {
			return a, tdstest.Error{Number: 207, Message: "Invalid: " + expression}
		}
		columns = append(columns, from.columns[i])
		a.Columns = append(a.Columns, tdstest.Column{Type: from.columns[i].wire})
	}
	if len(columns) > 0 && columns[0].value != nil {
		row := make([][]byte, len(columns))
		for i, c := range columns {
			row[i] = c.value
		}
		a.Rows = [][][]byte{row}
		return a, nil
	}
	a.Rows, err = s.run(statement, columns)
	return a, err
}

// What SQLite writes in another way.
var (
	moments  = regexp.MustCompile(`CAST\('([0-9T:.-]*)' AS datetime2\(7\)\)`)
	nth      = regexp.MustCompile(`OFFSET (\d+) ROWS FETCH NEXT 1 ROWS ONLY$`)
	integers = regexp.MustCompile(`CAST\((-?\d+) AS bigint\)`)
)

// run runs a statement in SQLite.
func (s *server) run(statement string, columns []column) (all [][][]byte, err error) {
	statement = moments.ReplaceAllString(statement, "'$1'")
	statement = integers.ReplaceAllString(statement, "$1")
	statement = nth.ReplaceAllString(statement, "LIMIT 1 OFFSET $1")
	found, err := s.db.Query(statement)
	if err != nil {
		return nil, err
	}
	defer func() { _ = found.Close() }()
	for found.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := found.Scan(into...); err != nil {
			return nil, err
		}
		row := make([][]byte, len(columns))
		for i, c := range columns {
			if row[i], err = c.encode(values[i]); err != nil {
				return nil, err
			}
		}
		all = append(all, row)
	}
	return all, found.Err()
}

// encode encodes a value of SQLite.
func (c column) encode(value any) ([]byte, error) {
	switch v := value.(type) {
	case nil:
		return c.wire.Null(), nil
	case int64:
		return tdstest.Int(v, 8), nil
	case string:
		if c.typ != "datetime2" {
			return tdstest.Long(tdstest.Wide(v)), nil
		}
		t, err := time.Parse(sqliteTime, v)
		return tdstest.DateTime2(t), err
	}
	return nil, fmt.Errorf("a value of type %T", value)
}

// codeOf returns the code of a fault.
func codeOf(err error) string {
	var known *fault.Error
	if errors.As(err, &known) {
		return known.Code
	}
	return ""
}
