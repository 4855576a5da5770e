package lake

import (
	"strconv"

	"github.com/apache/iceberg-go"
	"github.com/google/uuid"

	"github.com/tarnhq/tarn/shared/manifest"
)

// metadata is the metadata of a table of version 2 of the format, as far as we write it:
// https://iceberg.apache.org/spec/#table-metadata-fields
type metadata struct {
	Format      int                     `json:"format-version"`
	UUID        string                  `json:"table-uuid"`
	Location    string                  `json:"location"`
	Sequence    int64                   `json:"last-sequence-number"`
	Updated     int64                   `json:"last-updated-ms"`
	LastColumn  int                     `json:"last-column-id"`
	Schema      int                     `json:"current-schema-id"`
	Schemas     []*iceberg.Schema       `json:"schemas"`
	Spec        int                     `json:"default-spec-id"`
	Specs       []iceberg.PartitionSpec `json:"partition-specs"`
	LastPart    int                     `json:"last-partition-id"`
	SortOrder   int                     `json:"default-sort-order-id"`
	SortOrders  []sortOrder             `json:"sort-orders"`
	Properties  map[string]string       `json:"properties"`
	Current     int64                   `json:"current-snapshot-id,omitempty"`
	Snapshots   []snapshot              `json:"snapshots"`
	Refs        map[string]reference    `json:"refs"`
	SnapshotLog []logged                `json:"snapshot-log"`
	MetadataLog []previous              `json:"metadata-log"`
}

type sortOrder struct {
	ID     int   `json:"order-id"`
	Fields []int `json:"fields"` // always empty
}

type snapshot struct {
	ID       int64             `json:"snapshot-id"`
	Parent   int64             `json:"parent-snapshot-id,omitempty"`
	Sequence int64             `json:"sequence-number"`
	At       int64             `json:"timestamp-ms"`
	List     string            `json:"manifest-list"`
	Summary  map[string]string `json:"summary"`
	Schema   int               `json:"schema-id"`
}

type reference struct {
	Snapshot int64  `json:"snapshot-id"`
	Type     string `json:"type"`
}

type logged struct {
	At       int64 `json:"timestamp-ms"`
	Snapshot int64 `json:"snapshot-id"`
}

type previous struct {
	At       int64  `json:"timestamp-ms"`
	Location string `json:"metadata-file"`
}

// Properties of tables and of their snapshots.
const (
	ownerProperty   = "tarn.dataset" // the id of the dataset that the table shows
	versionProperty = "tarn.version" // the manifest version that a snapshot shows: its batch id
)

// rememberedFiles is how many earlier metadata files the log lists.
const rememberedFiles = 20

// newMetadata describes an empty table. Its fields have the numbers that they have in
// the segments.
func newMetadata(location string, owner string) metadata {
	schema := iceberg.NewSchema(0, fixed()...)
	return metadata{
		Format: 2, UUID: uuid.NewString(), Location: location, LastColumn: schema.HighestFieldID(), Schemas: []*iceberg.Schema{schema},
		Spec: specDay, Specs: []iceberg.PartitionSpec{*iceberg.UnpartitionedSpec, byDay}, LastPart: fieldPartition,
		SortOrders: []sortOrder{{Fields: []int{}}}, Properties: map[string]string{ownerProperty: owner},
		Snapshots: []snapshot{}, Refs: map[string]reference{}, SnapshotLog: []logged{}, MetadataLog: []previous{},
	}
}

// schema returns the current schema.
func (m metadata) schema() *iceberg.Schema {
	for _, s := range m.Schemas {
		if s.ID == m.Schema {
			return s
		}
	}
	return m.Schemas[len(m.Schemas)-1]
}

// snapshot returns the current snapshot; none of an empty table.
func (m metadata) snapshot() (snapshot, bool) {
	for _, s := range m.Snapshots {
		if s.ID == m.Current && m.Current != 0 {
			return s, true
		}
	}
	return snapshot{}, false
}

// snapshotAt returns the snapshot that was current at a time, in Unix milliseconds;
// none of a time that those which can be read do not reach back to.
func (m metadata) snapshotAt(at int64) (found snapshot, ok bool) {
	for _, s := range m.Snapshots {
		if s.At <= at {
			found, ok = s, true
		}
	}
	return found, ok
}

// version returns the manifest version that the table shows.
func (m metadata) version() manifest.Version {
	s, _ := m.snapshot()
	v, err := strconv.ParseUint(s.Summary[versionProperty], 10, 64)
	if err != nil {
		return 0
	}
	return manifest.Version(v)
}

// widen returns m with fields of a schema, where they are not those it has.
func (m metadata) widen(fields []iceberg.NestedField) metadata {
	if len(fields) == len(m.schema().Fields()) {
		return m
	}
	next := iceberg.NewSchema(m.Schemas[len(m.Schemas)-1].ID+1, fields...)
	m.Schemas = append(m.Schemas[:len(m.Schemas):len(m.Schemas)], next)
	m.Schema, m.LastColumn = next.ID, max(m.LastColumn, next.HighestFieldID())
	return m
}

// advance returns m with one more snapshot, the current one, and without those that
// ended before a time, in Unix milliseconds, as all do when the next one begins.
func (m metadata) advance(s snapshot, before int64) metadata {
	all := append(m.Snapshots[:len(m.Snapshots):len(m.Snapshots)], s)
	m.Snapshots = nil
	for i, old := range all {
		if i+1 == len(all) || all[i+1].At >= before {
			m.Snapshots = append(m.Snapshots, old)
		}
	}
	m.SnapshotLog = nil
	for _, old := range m.Snapshots {
		m.SnapshotLog = append(m.SnapshotLog, logged{old.At, old.ID})
	}
	m.Current, m.Sequence, m.Updated = s.ID, s.Sequence, s.At
	m.Refs = map[string]reference{"main": {s.ID, "branch"}}
	return m
}

// follow notes the metadata file that m replaces.
func (m metadata) follow(location string, at int64) metadata {
	m.MetadataLog = append(m.MetadataLog[:len(m.MetadataLog):len(m.MetadataLog)], previous{at, location})
	m.MetadataLog = m.MetadataLog[max(0, len(m.MetadataLog)-rememberedFiles):]
	return m
}
