package sqlgate_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/sqlgate"
)

// harmless looks at a passed text in the plainest way there is: at every function
// and every table in its tree, wherever that stands.
func harmless(ctx context.Context, conn *sql.Conn, q sqlgate.Query) error {
	var serialized string
	if err := conn.QueryRowContext(ctx, "SELECT CAST(json_serialize_sql(CAST(? AS VARCHAR)) AS VARCHAR)", q.Text).Scan(&serialized); err != nil {
		return err
	}
	var tree map[string]any
	if err := json.Unmarshal([]byte(serialized), &tree); err != nil {
		return err
	}
	if statements, _ := tree["statements"].([]any); len(statements) != 1 {
		return fmt.Errorf("%d statements", len(statements))
	}
	ctes := map[string]bool{}
	everyNode(tree, func(n map[string]any) {
		if name, ok := n["key"].(string); ok {
			ctes[strings.ToLower(name)] = true
		}
	})
	var errs []error
	everyNode(tree, func(n map[string]any) {
		if f, ok := n["function_name"].(string); ok && !sqlgate.Allowed(strings.ToLower(f)) {
			errs = append(errs, fmt.Errorf("calls %s", f))
		}
		if n["type"] == "SHOW_REF" || n["at_clause"] != nil {
			errs = append(errs, fmt.Errorf("holds %v", n))
		}
		name, ok := n["table_name"].(string)
		if !ok {
			return
		}
		if n["schema_name"] == "" && n["catalog_name"] == "" && ctes[strings.ToLower(name)] {
			return
		}
		if n["schema_name"] != sqlgate.Schema || n["catalog_name"] != "" || !slices.Contains(q.Datasets, dataset.Name(name)) {
			errs = append(errs, fmt.Errorf("reads %v.%v.%s", n["catalog_name"], n["schema_name"], name))
		}
	})
	return errors.Join(errs...)
}

func everyNode(v any, look func(map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		look(v)
		for _, inner := range v {
			everyNode(inner, look)
		}
	case []any:
		for _, inner := range v {
			everyNode(inner, look)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range append(corpus(f, "attacks*.txt"), corpus(f, "honest.txt")...) {
		f.Add(s.text)
	}
	conn := connect(f)
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Count(text, "(") > 100 {
			t.Skip("what the parser does with nesting is seen in the process that is made for it")
		}
		q, err := sqlgate.Read(t.Context(), conn, text)
		if err != nil {
			if !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.TooLarge) {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		for _, name := range q.Datasets {
			if err := name.Check(); err != nil {
				t.Errorf("%q: %v", text, err)
			}
		}
		if err := harmless(t.Context(), conn, q); err != nil {
			t.Errorf("%q is written %q: %v", text, q.Text, err)
		}
	})
}
