package saved_test

import (
	"context"

	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/tests/fake"
)

// racing is a table on which somebody else commits first.
type racing struct {
	*fake.Table
	first func()
}

func (r *racing) Commit(ctx context.Context, writes ...table.Write) error {
	if first := r.first; first != nil {
		r.first = nil
		first()
	}
	return r.Table.Commit(ctx, writes...)
}
