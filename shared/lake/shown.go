// #nosec G115 -- ids of fields are ours and small; a bound of time keeps its bits

package lake

import (
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/lake/shown"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Shown returns what a dataset's table showed at a time, which may be an hour ago and no
// longer: it will show that for an hour more. Of a time when there was no table, and of
// a dataset that was never published, there is no snapshot.
func (p Publisher) Shown(ctx context.Context, t tenant.ID, d dataset.Dataset, at time.Time) (shown.Table, error) {
	tbl, err := p.open(ctx, t, d)
	if err != nil {
		return shown.Table{}, err
	}
	out := shown.Table{Namespace: tbl.namespace, Name: tbl.name, Root: p.Root, Columns: map[int32]string{}}
	s, ok := tbl.snapshotAt(at.UnixMilli())
	if !ok {
		return out, nil
	}
	published, err := tbl.files(ctx, s)
	if err != nil {
		return shown.Table{}, err
	}
	out.Snapshot = s.ID
	for _, schema := range tbl.Schemas {
		if schema.ID != s.Schema {
			continue
		}
		for _, f := range schema.Fields() {
			out.Columns[int32(f.ID)] = f.Name
		}
	}
	for _, location := range slices.Sorted(maps.Keys(published)) {
		file := published[location].DataFile()
		least, most := file.LowerBoundValues()[fieldTime], file.UpperBoundValues()[fieldTime]
		if len(least) != 8 || len(most) != 8 {
			return shown.Table{}, fmt.Errorf("%s has no bounds of time", location)
		}
		out.Files = append(out.Files, shown.File{Key: strings.TrimPrefix(location, p.Root), MinTime: micros(least), MaxTime: micros(most)})
	}
	return out, nil
}

// micros reads what long wrote.
func micros(bound []byte) int64 { return int64(binary.LittleEndian.Uint64(bound)) }
