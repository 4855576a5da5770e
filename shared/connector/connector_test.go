package connector_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/secret"
	"github.com/tarnhq/tarn/tests/fake"
)

func TestTablesThatCannotBeReadAreRefused(t *testing.T) {
	good := connector.Table{Table: "public.orders", Dataset: "orders", Cursor: "at", Key: []string{"id"}}
	with := func(change func(*connector.Table)) []connector.Table {
		t := good
		change(&t)
		return []connector.Table{t}
	}
	for claim, c := range map[string]struct {
		tables []connector.Table
		code   string
	}{
		"a cursor and a key":             {[]connector.Table{good}, ""},
		"neither":                        {with(func(t *connector.Table) { t.Cursor, t.Key = "", nil }), ""},
		"a window that is a duration":    {with(func(t *connector.Table) { t.Window = "1h30m" }), ""},
		"a window that is a number":      {with(func(t *connector.Table) { t.Window = "5" }), ""},
		"a window that is neither":       {with(func(t *connector.Table) { t.Window = "long" }), "bad_window"},
		"a window that looks ahead":      {with(func(t *connector.Table) { t.Window = "-5m" }), "bad_window"},
		"no tables":                      {nil, "bad_tables"},
		"no name":                        {with(func(t *connector.Table) { t.Table = "" }), "bad_table"},
		"a bad dataset":                  {with(func(t *connector.Table) { t.Dataset = "Orders!" }), "bad_dataset_name"},
		"an unknown mode":                {with(func(t *connector.Table) { t.Mode = "some" }), "bad_table"},
		"incremental without a cursor":   {with(func(t *connector.Table) { t.Mode, t.Cursor = connector.Incremental, "" }), "bad_table"},
		"full with a cursor":             {with(func(t *connector.Table) { t.Mode = connector.Full }), "bad_table"},
		"changes without a key":          {with(func(t *connector.Table) { t.Mode, t.Cursor, t.Key = connector.Changes, "", nil }), "bad_table"},
		"a key of nothing":               {with(func(t *connector.Table) { t.Key = []string{""} }), "bad_table"},
		"two tables in the same dataset": {[]connector.Table{good, good}, "dataset_twice"},
	} {
		t.Run(claim, func(t *testing.T) { wantCode(t, connector.CheckTables(c.tables), c.code) })
	}
}

// wantCode fails unless an error has a code; an empty one is that of no error.
func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	got := ""
	var known *fault.Error
	switch {
	case errors.As(err, &known):
		got = known.Code
	case err != nil:
		t.Fatal(err)
	}
	if got != code {
		t.Errorf("%v, want %q", err, code)
	}
}

func newStore() (connector.Store, *fake.Table) {
	items := &fake.Table{}
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return connector.Store{Table: items, Secrets: &fake.Secrets{}, Now: func() time.Time { return now }}, items
}

func spec(name connector.Name, into dataset.Name) connector.Spec {
	return connector.Spec{Name: name, Kind: "postgres", DSN: secret.New([]byte("postgres://u:hush@h/" + string(name))), Tables: []connector.Table{{Table: "t", Dataset: into}}}
}

func TestTheConnectionStringIsInTheSecretsAndNotInTheTable(t *testing.T) {
	s, items := newStore()
	c, err := s.Create(t.Context(), "main", spec("crm", "orders"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Update(t.Context(), "main", "crm", connector.Change{DSN: secret.New([]byte("postgres://u:hush2@h/d"))}); err != nil {
		t.Fatal(err)
	}
	for _, item := range items.Items() {
		if bytes.Contains(item.Body, []byte("hush")) {
			t.Errorf("item %v: %s", item.Key, item.Body)
		}
	}
	if dsn, err := s.DSN(t.Context(), "main", c); err != nil || string(dsn.Reveal()) != "postgres://u:hush2@h/d" {
		t.Errorf("the connection string is %q, %v", dsn.Reveal(), err)
	}
	if err := s.Delete(t.Context(), "main", c); err != nil {
		t.Fatal(err)
	}
	_, err = s.DSN(t.Context(), "main", c)
	wantCode(t, err, "no_dsn")
}

func TestANameAndADatasetBelongToOneConnectorOfATenant(t *testing.T) {
	s, _ := newStore()
	first, err := s.Create(t.Context(), "main", spec("crm", "orders"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Create(t.Context(), "main", spec("crm", "others"))
	wantCode(t, err, "connector_exists")
	_, err = s.Create(t.Context(), "main", spec("shop", "orders"))
	wantCode(t, err, "dataset_filled")
	if _, err = s.Create(t.Context(), "other", spec("crm", "orders")); err != nil {
		t.Errorf("another tenant's: %v", err)
	}
	if dsn, err := s.DSN(t.Context(), "main", first); err != nil || string(dsn.Reveal()) != "postgres://u:hush@h/crm" {
		t.Errorf("who came second took the place of the connection string: %q, %v", dsn.Reveal(), err)
	}
	if err := s.Delete(t.Context(), "main", first); err != nil {
		t.Fatal(err)
	}
	again, err := s.Create(t.Context(), "main", spec("crm", "orders"))
	if err != nil || again.ID == first.ID {
		t.Errorf("made anew: %+v, %v", again, err)
	}
}
