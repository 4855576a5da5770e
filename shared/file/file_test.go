package file_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/file"
	"github.com/tarnhq/tarn/shared/load"
	"github.com/tarnhq/tarn/shared/tabular"
	"github.com/tarnhq/tarn/tests/fake"
)

var orders = dataset.Dataset{ID: "d1", Name: "orders", Kind: dataset.Table}

func pointer[T any](v T) *T { return &v }

func TestAChangeKeepsWhatItDoesNotName(t *testing.T) {
	s := file.Store{Table: &fake.Table{Now: time.Now}, Now: time.Now}
	made, err := s.Create(t.Context(), "main", orders, file.Spec{Name: "orders.csv", Mode: load.Upsert, Key: []string{"id"}}, file.Extent{}, "user:1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Change(t.Context(), "main", orders, made, file.Change{Options: &tabular.Options{Delimiter: ";"}}); err != nil {
		t.Fatal(err)
	}
	got, err := s.Get(t.Context(), "main", orders, made.ID)
	want := file.Spec{Name: "orders.csv", Mode: load.Upsert, Key: []string{"id"}, Options: tabular.Options{Delimiter: ";"}}
	if diff := cmp.Diff(want, got.Spec); diff != "" || err != nil {
		t.Error(err, diff)
	}
	if _, err := s.Change(t.Context(), "main", orders, made, file.Change{Key: pointer([]string{})}); !fault.Is(err, fault.Invalid) {
		t.Errorf("an upsert without a key: %v", err)
	}
}

func TestAFileThatIsGoneIsNotMadeByAChange(t *testing.T) {
	s := file.Store{Table: &fake.Table{Now: time.Now}, Now: time.Now}
	never := file.File{ID: "0123456789abcdef", Dataset: "orders", Spec: file.Spec{Name: "orders.csv"}, Expires: time.Now().Add(time.Hour)}
	if _, err := s.Change(t.Context(), "main", orders, never, file.Change{Again: pointer(true)}); !fault.Is(err, fault.NotFound) {
		t.Errorf("changed: %v", err)
	}
}

func TestALoadStaysAsItWasOrdered(t *testing.T) {
	f := file.File{ID: "0123456789abcdef", Dataset: "orders", Spec: file.Spec{Name: "orders.csv", Mode: load.Replace, Options: tabular.Options{Decimal: ","}}}
	spec, err := f.Job("user:1")
	if err != nil {
		t.Fatal(err)
	}
	var pinned file.Spec
	if err := json.Unmarshal(spec.Pinned, &pinned); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(f.Spec, pinned); diff != "" {
		t.Error(diff)
	}
}
