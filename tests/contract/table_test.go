package contract

import (
	"fmt"
	"testing"

	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/table/tabletest"
	"github.com/tarnhq/tarn/tests/oracle"
)

func TestTable(t *testing.T) {
	t.Parallel()
	services := oracle.Start(t, oracle.DynamoDB)
	name := services.Table(t)
	tabletest.Run(t, func(*testing.T) table.Table { return aws.NewTable(services.DynamoDB(), name) })
	t.Run("a listing of large items comes in pages that fit in memory", func(t *testing.T) { largeItems(t, services) })
	t.Run("a commit whose answer is lost is applied once", func(t *testing.T) { commitLost(t, services) })
}

func largeItems(t *testing.T, services *oracle.All) {
	tbl := aws.NewTable(services.DynamoDB(), services.Table(t))
	const items = 40
	for i := range items {
		item := table.Item{Key: table.Key{Partition: "p", Sort: fmt.Sprintf("%02d", i)}, Body: make([]byte, table.MaxItem-100)}
		if err := tbl.Commit(t.Context(), table.Put(item)); err != nil {
			t.Fatal(err)
		}
	}
	listed, pages := 0, 0
	for q := (table.Query{Partition: "p"}); pages == 0 || q.Next != ""; pages++ {
		page, err := tbl.List(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Items) > items/2+5 {
			t.Errorf("a page of %d items", len(page.Items))
		}
		listed += len(page.Items)
		q.Next = page.Next
	}
	if listed != items {
		t.Errorf("%d items on %d pages, want %d", listed, pages, items)
	}
}
