package aws

import (
	"crypto/rand"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/tarnhq/tarn/shared/config"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/table"
)

// The attributes of an item beside its keys and its expiry. Names count towards an
// item's size, so they are short.
const (
	bodyAttribute   = "b"
	attributePrefix = "a:" // of a table.Item's own attributes
	counterPrefix   = "c:"
)

type attributes = map[string]types.AttributeValue

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

// seconds rounds up: an item is never gone before its time.
func seconds(t time.Time) int64 {
	s := t.Unix()
	if t.Nanosecond() > 0 {
		s++
	}
	return s
}

func expired(item table.Item, now time.Time) bool {
	return !item.Expires.IsZero() && item.Expires.Unix() <= now.Unix()
}

func token() *string {
	text := rand.Text()
	return &text
}

func encodeKey(key table.Key) attributes {
	return attributes{config.PartitionKey: text(key.Partition), config.SortKey: text(key.Sort)}
}

func encodeItem(item table.Item) attributes {
	encoded := encodeKey(item.Key)
	for name, value := range item.Attributes {
		encoded[attributePrefix+name] = text(value)
	}
	for name, value := range item.Counters {
		encoded[counterPrefix+name] = number(value)
	}
	if len(item.Body) > 0 {
		encoded[bodyAttribute] = &types.AttributeValueMemberB{Value: item.Body}
	}
	if !item.Expires.IsZero() {
		encoded[config.ExpiresKey] = number(seconds(item.Expires))
	}
	return encoded
}

// decodeItem is the inverse of encodeItem. An attribute that this package never
// writes means that the table is somebody else's, which must not go unnoticed.
func decodeItem(encoded attributes) (table.Item, error) {
	var item table.Item
	for name, value := range encoded {
		if !decodeAttribute(&item, name, value) {
			return table.Item{}, fault.New(fault.Internal, "item_malformed", "attribute %q is of an unknown kind", name)
		}
	}
	return item, nil
}

func decodeAttribute(item *table.Item, name string, value types.AttributeValue) bool {
	switch v := value.(type) {
	case *types.AttributeValueMemberS:
		return decodeText(item, name, v.Value)
	case *types.AttributeValueMemberN:
		n, err := strconv.ParseInt(v.Value, 10, 64)
		return err == nil && decodeNumber(item, name, n)
	case *types.AttributeValueMemberB:
		item.Body = v.Value
		return name == bodyAttribute
	}
	return false
}

func decodeText(item *table.Item, name, value string) bool {
	own, isOwn := strings.CutPrefix(name, attributePrefix)
	switch {
	case name == config.PartitionKey:
		item.Key.Partition = value
	case name == config.SortKey:
		item.Key.Sort = value
	case isOwn:
		if item.Attributes == nil {
			item.Attributes = map[string]string{}
		}
		item.Attributes[own] = value
	default:
		return false
	}
	return true
}

func decodeNumber(item *table.Item, name string, value int64) bool {
	counter, isCounter := strings.CutPrefix(name, counterPrefix)
	switch {
	case name == config.ExpiresKey:
		item.Expires = time.Unix(value, 0).UTC()
	case isCounter:
		if item.Counters == nil {
			item.Counters = map[string]int64{}
		}
		item.Counters[counter] = value
	default:
		return false
	}
	return true
}
