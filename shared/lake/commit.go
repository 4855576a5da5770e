package lake

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"strconv"

	"github.com/apache/iceberg-go"
	"github.com/google/uuid"

	"github.com/tarnhq/tarn/shared/manifest"
)

// commit makes a change the table's next snapshot. Every file is listed anew, in one
// manifest for each way of partitioning, so that a reader opens two however many
// commits there were. Snapshots that ended before a time, in Unix milliseconds, go.
func (o *openTable) commit(ctx context.Context, st manifest.State, c change, before int64) error {
	next := o.widen(widened(o.schema().Fields(), st.Schema, c.add))
	s := snapshot{ID: newID(), Parent: o.Current, Sequence: o.Sequence + 1, At: max(o.Now().UnixMilli(), o.Updated), Schema: next.Schema, Summary: c.summary(st.Version)}
	lists, err := o.manifests(ctx, next.schema(), s.ID, c)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	var parent *int64
	if s.Parent != 0 {
		parent = &s.Parent
	}
	if err := iceberg.WriteManifestList(next.Format, &text, s.ID, parent, &s.Sequence, 0, lists); err != nil {
		return fmt.Errorf("manifest list: %w", err)
	}
	if s.List, err = o.write(ctx, listName(s.ID), text.Bytes()); err != nil {
		return err
	}
	return o.move(ctx, next.advance(s, before))
}

// newID numbers a snapshot.
func newID() int64 {
	id := uuid.New()
	return int64(binary.BigEndian.Uint64(id[:])>>1 | 1) // #nosec G115 -- 63 random bits
}

func listName(snapshot int64) string { return fmt.Sprintf("snap-%d.avro", snapshot) }

// manifestNames are those of a snapshot, by the number of the partition spec.
func manifestNames(snapshot int64) []string {
	return []string{specMixed: fmt.Sprintf("%d-mixed.avro", snapshot), specDay: fmt.Sprintf("%d-days.avro", snapshot)}
}

// manifests writes the manifests of a snapshot.
func (o *openTable) manifests(ctx context.Context, schema *iceberg.Schema, id int64, c change) (lists []iceberg.ManifestFile, err error) {
	for spec, entries := range c.entries(id) {
		if len(entries) == 0 {
			continue
		}
		name := manifestNames(id)[spec]
		var text bytes.Buffer
		list, err := iceberg.WriteManifest(o.Root+o.folder+"/metadata/"+name, &text, o.Format, o.Specs[spec], schema, id, entries)
		if err != nil {
			return nil, fmt.Errorf("manifest: %w", err)
		}
		if _, err := o.write(ctx, name, text.Bytes()); err != nil {
			return nil, err
		}
		lists = append(lists, list)
	}
	return lists, nil
}

// entries lists what happens to each file in a snapshot, by partition spec.
func (c change) entries(id int64) [2][]entry {
	var all [2][]entry
	put := func(status iceberg.ManifestEntryStatus, snapshot int64, sequence, fileSequence *int64, file iceberg.DataFile) {
		all[file.SpecID()] = append(all[file.SpecID()], iceberg.NewManifestEntry(status, &snapshot, sequence, fileSequence, file))
	}
	for _, add := range c.add {
		put(iceberg.EntryStatusADDED, id, nil, nil, fileOf(add.location, add.Ref))
	}
	for _, e := range c.keep {
		sequence := e.SequenceNum()
		put(iceberg.EntryStatusEXISTING, e.SnapshotID(), &sequence, e.FileSequenceNum(), e.DataFile())
	}
	for _, e := range c.remove {
		sequence := e.SequenceNum()
		put(iceberg.EntryStatusDELETED, id, &sequence, e.FileSequenceNum(), e.DataFile())
	}
	return all
}

// summary tells of a change as Iceberg's own writers do.
func (c change) summary(v manifest.Version) map[string]string {
	operation := "append"
	if len(c.remove) > 0 {
		operation = "overwrite"
	}
	var added, removed, total int64
	for _, add := range c.add {
		added += add.Rows
	}
	for _, e := range c.remove {
		removed += e.DataFile().Count()
	}
	for _, e := range c.keep {
		total += e.DataFile().Count()
	}
	text := func(n int64) string { return strconv.FormatInt(n, 10) }
	return map[string]string{
		"operation": operation, versionProperty: strconv.FormatUint(uint64(v), 10),
		"added-data-files": text(int64(len(c.add))), "deleted-data-files": text(int64(len(c.remove))), "added-records": text(added), "deleted-records": text(removed),
		"total-data-files": text(int64(len(c.add) + len(c.keep))), "total-records": text(total + added), "total-delete-files": "0",
	}
}
