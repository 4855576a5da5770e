package duck

import "github.com/tarnhq/tarn/shared/segment"

// physicalName is the name in a segment's files of its at'th property column.
func physicalName(ref segment.Ref, at int) string { return ref.Columns[at].Name }
