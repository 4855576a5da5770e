package embedded

import (
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/table"
)

const (
	maxPartition = 1024
	maxSort      = 900
)

func checkPartition(partition string) error {
	if partition == "" || len(partition) > maxPartition {
		return fault.New(fault.Invalid, "key_invalid", "a partition of %d bytes is not between 1 and %d", len(partition), maxPartition)
	}
	return nil
}

func checkKey(key table.Key) error {
	if key.Sort == "" || len(key.Sort) > maxSort {
		return fault.New(fault.Invalid, "key_invalid", "a sort key of %d bytes is not between 1 and %d", len(key.Sort), maxSort)
	}
	return checkPartition(key.Partition)
}

// checkWrites enforces the limits of a commit and returns its size in bytes.
func checkWrites(writes []table.Write) (int, error) {
	if len(writes) > table.MaxWrites {
		return 0, fault.New(fault.Invalid, "commit_too_long", "%d writes are more than the %d of one commit", len(writes), table.MaxWrites)
	}
	total := 0
	seen := make(map[table.Key]bool, len(writes))
	for _, w := range writes {
		key := w.Item.Key
		if err := checkKey(key); err != nil {
			return 0, err
		}
		if seen[key] {
			return 0, fault.New(fault.Invalid, "key_twice", "a commit names item %q in %q twice", key.Sort, key.Partition)
		}
		seen[key] = true
		size := sizeOf(w.Item)
		if size > table.MaxItem {
			return 0, fault.New(fault.Invalid, "item_too_large", "item %q has %d bytes, more than %d", key.Sort, size, table.MaxItem)
		}
		total += size
	}
	if total > table.MaxCommit {
		return 0, fault.New(fault.Invalid, "commit_too_large", "a commit of %d bytes is larger than %d", total, table.MaxCommit)
	}
	return total, nil
}

func sizeOf(item table.Item) int {
	size := len(item.Key.Partition) + len(item.Key.Sort) + len(item.Body)
	for name, value := range item.Attributes {
		size += len(name) + len(value)
	}
	return size
}
