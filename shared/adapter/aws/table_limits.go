package aws

import (
	"unicode/utf8"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/table"
)

const (
	maxPartition = 1024 // bytes
	maxSort      = 900  // bytes
)

func invalid(code, format string, args ...any) error {
	return fault.New(fault.Invalid, code, format, args...)
}

func checkKey(key table.Key) error {
	switch {
	case key.Partition == "" || key.Sort == "":
		return invalid("table_key_empty", "an item's key has two parts, neither empty")
	case len(key.Partition) > maxPartition || len(key.Sort) > maxSort:
		return invalid("table_key_long", "an item's key is at most %d and %d bytes long", maxPartition, maxSort)
	case !utf8.ValidString(key.Partition) || !utf8.ValidString(key.Sort):
		return invalid("table_key_text", "an item's key is not UTF-8")
	}
	return nil
}

func checkQuery(q table.Query) error {
	switch {
	case q.Limit < 0 || q.Limit > table.MaxPage:
		return invalid("table_page", "a page holds 1 to %d items", table.MaxPage)
	case q.Partition == "" || len(q.Partition) > maxPartition:
		return invalid("table_key_long", "a partition is named by 1 to %d bytes", maxPartition)
	case len(q.Prefix) > maxSort || len(q.From) > maxSort || len(q.Next) > maxSort:
		return invalid("table_key_long", "a sort key is at most %d bytes long", maxSort)
	case !utf8.ValidString(q.Partition + q.Prefix + q.From + q.Next):
		return invalid("table_key_text", "a query is not UTF-8")
	}
	return nil
}

func checkWrites(writes []table.Write) error {
	if len(writes) > table.MaxWrites {
		return invalid("table_commit_long", "a commit has at most %d writes", table.MaxWrites)
	}
	seen := make(map[table.Key]bool, len(writes))
	total := 0
	for _, w := range writes {
		if err := checkWrite(w); err != nil {
			return err
		}
		if seen[w.Item.Key] {
			return invalid("table_key_twice", "a commit names an item twice")
		}
		seen[w.Item.Key] = true
		total += sizeOf(w.Item)
	}
	if total > table.MaxCommit {
		return invalid("table_commit_large", "a commit holds at most %d bytes", table.MaxCommit)
	}
	return nil
}

func checkWrite(w table.Write) error {
	if err := checkKey(w.Item.Key); err != nil {
		return err
	}
	if sizeOf(w.Item) > table.MaxItem {
		return invalid("table_item_large", "an item holds at most %d bytes", table.MaxItem)
	}
	if !isText(w) {
		return invalid("table_attribute_text", "an attribute, a counter or a condition is not UTF-8")
	}
	return nil
}

// isText reports whether JSON carries all names and values of a write unchanged.
func isText(w table.Write) bool {
	ok := utf8.ValidString(w.Condition.Attribute) && utf8.ValidString(w.Condition.Value)
	for name, value := range w.Item.Attributes {
		ok = ok && utf8.ValidString(name) && utf8.ValidString(value)
	}
	for name := range w.Item.Counters {
		ok = ok && utf8.ValidString(name)
	}
	return ok
}

// sizeOf counts keys, attributes, counters (8 bytes each) and body.
func sizeOf(item table.Item) int {
	size := len(item.Key.Partition) + len(item.Key.Sort) + len(item.Body)
	for name, value := range item.Attributes {
		size += len(name) + len(value)
	}
	for name := range item.Counters {
		size += len(name) + 8
	}
	return size
}
