package embedded

import (
	"fmt"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/table"
)

func TestSweep(t *testing.T) {
	s, err := Open(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	now := time.Now()
	for batch := range 12 {
		var writes []table.Write
		for i := range 100 {
			item := table.Item{Key: table.Key{Partition: "p", Sort: fmt.Sprint(batch, i)}, Expires: now.Add(-time.Hour)}
			if i == 0 {
				item.Expires = now.Add(time.Duration(batch) * time.Hour)
			}
			writes = append(writes, table.Put(item))
		}
		if err := s.items.Commit(t.Context(), writes...); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.items.sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	left := 0
	if err := s.db.readers.QueryRow("select count(*) from items").Scan(&left); err != nil || left != 11 {
		t.Errorf("%d rows are left, %v, want the 11 that have not expired", left, err)
	}
}
