// Package shown describes a dataset's Iceberg table as its readers see it, without
// what writes such tables.
package shown

// Table is the newest snapshot of a table. Its data files are segments.
type Table struct {
	Namespace, Name string
	Snapshot        int64            // zero: nothing was ever published
	Root            string           // the location of the blob with an empty key: "s3://bucket/"
	Files           []File           // by location
	Columns         map[int32]string // names in the snapshot's schema, by field id (see segment.FieldID)
}

// File is a data file.
type File struct {
	Key              string // of the segment's blob
	MinTime, MaxTime int64  // event times, UTC microseconds, inclusive
}
