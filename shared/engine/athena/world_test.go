package athena_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/duckdb/duckdb-go/v2"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine/athena/execution"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/lake/shown"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/tenant"
	"github.com/tarnhq/tarn/tests/fake"
)

// folder is a blob store whose blobs are files, too, below a root.
type folder struct {
	fake.Blobs
	root string
}

func (f *folder) Put(ctx context.Context, key string, body []byte) error {
	if err := f.Blobs.Put(ctx, key, body); err != nil {
		return err
	}
	path := f.root + key
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, body, 0o600)
}

// lake is what is published: tables whose files are read by field ids, as readers of
// Iceberg do, by a DuckDB that is asked what Trino would be.
type lake struct {
	root string
	db   *sql.DB

	mu     sync.Mutex
	tables map[dataset.ID]shown.Table
}

const database = "lake"

func newLake(t *testing.T, root string) *lake {
	t.Helper()
	connector, err := duckdb.NewConnector("", func(driver.ExecerContext) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	l := &lake{root: root, db: sql.OpenDB(connector), tables: map[dataset.ID]shown.Table{}}
	t.Cleanup(func() {
		if err := l.db.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := l.db.Exec("CREATE SCHEMA " + database); err != nil {
		t.Fatal(err)
	}
	return l
}

// Shown implements athena.Lake.
func (l *lake) Shown(_ context.Context, _ tenant.ID, d dataset.Dataset, _ time.Time) (shown.Table, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tables[d.ID], nil
}

// publish shows some merged segments of a dataset as a table.
func (l *lake) publish(t interface{ Fatal(...any) }, d dataset.ID, schema dataset.Schema, refs []segment.Ref) {
	table := shown.Table{Namespace: database, Name: "t_" + string(d), Snapshot: 4_500_000_000_000_000_001, Root: l.root, Columns: map[int32]string{}}
	table.Columns[segment.FieldUUID] = "event_uuid"
	for place, c := range dataset.Fixed {
		table.Columns[segment.FieldID(place, c.Type)] = c.Name
	}
	taken := map[string]bool{}
	for _, ref := range refs {
		table.Files = append(table.Files, shown.File{Key: ref.Key, MinTime: ref.MinTime, MaxTime: ref.MaxTime})
		for _, c := range ref.Columns {
			id := segment.FieldID(rows.FirstProperty+schema.Find(c.Name), c.Type)
			if table.Columns[id] != "" {
				continue
			}
			name := segment.PhysicalName(c.Name)
			if taken[name] {
				name += "__" + string(c.Type)
			}
			taken[name] = true
			table.Columns[id] = name
		}
	}
	l.show(t, d, table)
}

// show shows a table.
func (l *lake) show(t interface{ Fatal(...any) }, d dataset.ID, table shown.Table) {
	var paths, fields []string
	for _, f := range table.Files {
		paths = append(paths, quote(l.root+f.Key))
	}
	for id, name := range table.Columns {
		fields = append(fields, fmt.Sprintf("%d: {name: %s, type: %s, default_value: NULL}", id, quote(name), quote(duckType(id))))
	}
	if len(paths) > 0 {
		view := fmt.Sprintf(`CREATE OR REPLACE VIEW %s."%s" AS SELECT *, filename AS "$path" FROM read_parquet([%s], schema = MAP {%s}, filename = true)`,
			database, table.Name, strings.Join(paths, ", "), strings.Join(fields, ", "))
		if _, err := l.db.Exec(view); err != nil {
			t.Fatal(err, view)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tables[d] = table
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// duckType is the type of a field, which its id tells.
func duckType(id int32) string {
	switch id {
	case segment.FieldUUID:
		return "UUID"
	case segment.FieldDay:
		return "DATE"
	}
	width := segment.FieldID(1, dataset.Bool) - segment.FieldID(0, dataset.Bool)
	for of, name := range map[dataset.Type]string{dataset.Bool: "BOOLEAN", dataset.Int: "BIGINT", dataset.Float: "DOUBLE", dataset.Time: "TIMESTAMP"} {
		if (id-segment.FieldID(0, of))%width == 0 {
			return name
		}
	}
	return "VARCHAR"
}

// service runs statements at once. Its answers have the texts that Athena's have.
type service struct {
	*lake
	asked   atomic.Int64
	mu      sync.Mutex
	answers map[execution.ID][][]*string
}

func newService(l *lake) *service {
	return &service{lake: l, answers: map[execution.ID][][]*string{}}
}

var version = regexp.MustCompile(` FOR VERSION AS OF [1-9][0-9]*`)

// Start runs a statement. DuckDB has no versions of a view.
func (s *service) Start(ctx context.Context, statement, turn string) (execution.ID, error) {
	s.asked.Add(1)
	versions := version.FindAllString(statement, -1)
	if len(versions) != 1 {
		return "", fmt.Errorf("not one version is named: %s", statement)
	}
	answer, err := s.query(ctx, strings.ReplaceAll(statement, versions[0], ""))
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, statement)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id := execution.ID(fmt.Sprint(len(s.answers)))
	s.answers[id] = answer
	return id, nil
}

func (s *service) query(ctx context.Context, statement string) (out [][]*string, err error) {
	found, err := s.db.QueryContext(ctx, statement)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	names, err := found.Columns()
	if err != nil {
		return nil, err
	}
	values, places := make([]any, len(names)), make([]any, len(names))
	for i := range values {
		places[i] = &values[i]
	}
	for found.Next() {
		if err := found.Scan(places...); err != nil {
			return nil, err
		}
		row := make([]*string, len(values))
		for i, v := range values {
			if names[i] != fmt.Sprint("v", i) {
				return nil, fmt.Errorf("column %d is called %s", i, names[i])
			}
			row[i] = cell(v)
		}
		out = append(out, row)
	}
	return out, found.Err()
}

func cell(v any) *string {
	var text string
	switch v := v.(type) {
	case nil:
		return nil
	case duckdb.Decimal:
		text = v.Value.String()
	case *big.Int:
		text = v.String()
	case time.Time:
		text = v.Format("2006-01-02 15:04:05.000000")
	default:
		text = fmt.Sprint(v)
	}
	return &text
}

func (s *service) Look(context.Context, execution.ID) (execution.Execution, error) {
	return execution.Execution{State: execution.Done}, nil
}

// Fetch gives pages of two rows.
func (s *service) Fetch(_ context.Context, id execution.ID, token string) (execution.Page, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	answer, ok := s.answers[id]
	if !ok {
		return execution.Page{}, fault.New(fault.NotFound, "gone", "gone")
	}
	from := 0
	if token != "" {
		if _, err := fmt.Sscan(token, &from); err != nil {
			return execution.Page{}, err
		}
	}
	to := min(from+2, len(answer))
	page := execution.Page{Rows: answer[from:to]}
	if to < len(answer) {
		page.Next = fmt.Sprint(to)
	}
	return page, nil
}

func (s *service) Stop(context.Context, execution.ID) error { return nil }
