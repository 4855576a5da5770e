package embedded

import (
	"unicode/utf8"

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
	if !utf8.ValidString(partition) {
		return notText(partition)
	}
	return nil
}

func checkKey(key table.Key) error {
	if key.Sort == "" || len(key.Sort) > maxSort {
		return fault.New(fault.Invalid, "key_invalid", "a sort key of %d bytes is not between 1 and %d", len(key.Sort), maxSort)
	}
	if !utf8.ValidString(key.Sort) {
		return notText(key.Sort)
	}
	return checkPartition(key.Partition)
}

// notText refuses what a table in AWS could not hold and JSON would change.
func notText(s string) error {
	return fault.New(fault.Invalid, "text_invalid", "%q is not UTF-8", s)
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
		if err := checkNames(w.Item); err != nil {
			return 0, err
		}
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

func checkNames(item table.Item) error {
	for name, value := range item.Attributes {
		if !utf8.ValidString(name) || !utf8.ValidString(value) {
			return notText(name + "=" + value)
		}
	}
	for name := range item.Counters {
		if !utf8.ValidString(name) {
			return notText(name)
		}
	}
	return nil
}

func sizeOf(item table.Item) int {
	size := len(item.Key.Partition) + len(item.Key.Sort) + len(item.Body)
	for name, value := range item.Attributes {
		size += len(name) + len(value)
	}
	return size
}
