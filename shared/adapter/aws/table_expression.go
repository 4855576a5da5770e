package aws

import (
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/tarnhq/tarn/shared/config"
	"github.com/tarnhq/tarn/shared/table"
)

// action expresses a write as DynamoDB's.
func (t *Table) action(w table.Write, now time.Time) types.TransactWriteItem {
	if w.Verb == table.VerbAdd && w.Condition.Op == table.OpAbsent {
		w.Verb = table.VerbPut // an addition to nothing is a new item
	}
	x := newExpression(now)
	switch w.Verb {
	case table.VerbDelete:
		condition := x.condition(w.Condition)
		return types.TransactWriteItem{Delete: &types.Delete{
			TableName: &t.name, Key: encodeKey(w.Item.Key), ConditionExpression: condition,
			ExpressionAttributeNames: x.names, ExpressionAttributeValues: x.values,
		}}
	case table.VerbCheck:
		condition := x.check(w.Condition)
		return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
			TableName: &t.name, Key: encodeKey(w.Item.Key), ConditionExpression: condition,
			ExpressionAttributeNames: x.names, ExpressionAttributeValues: x.values,
		}}
	case table.VerbAdd:
		update, condition := x.addition(w.Item), x.unexpired(w.Condition)
		return types.TransactWriteItem{Update: &types.Update{
			TableName: &t.name, Key: encodeKey(w.Item.Key), UpdateExpression: update, ConditionExpression: condition,
			ExpressionAttributeNames: x.names, ExpressionAttributeValues: x.values,
		}}
	default:
		condition := x.condition(w.Condition)
		return types.TransactWriteItem{Put: &types.Put{
			TableName: &t.name, Item: encodeItem(w.Item), ConditionExpression: condition,
			ExpressionAttributeNames: x.names, ExpressionAttributeValues: x.values,
		}}
	}
}

// expression collects the names and values that DynamoDB's expressions refer to.
type expression struct {
	now    time.Time
	names  map[string]string
	values attributes
}

func newExpression(now time.Time) *expression { return &expression{now: now} }

func (x *expression) name(attribute string) string {
	if x.names == nil {
		x.names = map[string]string{}
	}
	ref := fmt.Sprintf("#n%d", len(x.names))
	x.names[ref] = attribute
	return ref
}

func (x *expression) value(v types.AttributeValue) string {
	if x.values == nil {
		x.values = attributes{}
	}
	ref := fmt.Sprintf(":v%d", len(x.values))
	x.values[ref] = v
	return ref
}

// condition returns the expression of c, nil for none. An expired item counts as absent.
func (x *expression) condition(c table.Condition) *string {
	var text string
	switch c.Op {
	case table.OpAlways:
		return nil
	case table.OpAbsent:
		text = fmt.Sprintf("attribute_not_exists(%s) OR %s <= %s",
			x.name(config.PartitionKey), x.name(config.ExpiresKey), x.value(number(x.now.Unix())))
	case table.OpPresent:
		text = x.present()
	case table.OpEqual:
		text = x.present() + " AND " + x.equal(attributePrefix+c.Attribute, c.Value)
	}
	return &text
}

func (x *expression) present() string {
	expiry := x.name(config.ExpiresKey)
	return fmt.Sprintf("attribute_exists(%s) AND (attribute_not_exists(%s) OR %s > %s)",
		x.name(config.PartitionKey), expiry, expiry, x.value(number(x.now.Unix())))
}

func (x *expression) equal(attribute, value string) string {
	name := x.name(attribute)
	equal := fmt.Sprintf("%s = %s", name, x.value(text(value)))
	if value != "" {
		return equal
	}
	return fmt.Sprintf("(attribute_not_exists(%s) OR %s)", name, equal)
}

// check is condition for an action that consists of nothing else and must have one.
func (x *expression) check(c table.Condition) *string {
	if c.Op != table.OpAlways {
		return x.condition(c)
	}
	name := x.name(config.PartitionKey)
	always := fmt.Sprintf("attribute_exists(%s) OR attribute_not_exists(%s)", name, name)
	return &always
}

// unexpired is condition for an action that must not build upon an expired item.
func (x *expression) unexpired(c table.Condition) *string {
	if c.Op != table.OpAlways {
		return x.condition(c)
	}
	expiry := x.name(config.ExpiresKey)
	text := fmt.Sprintf("attribute_not_exists(%s) OR %s > %s", expiry, expiry, x.value(number(x.now.Unix())))
	return &text
}

// addition adds the counters of an item and sets its expiry, if it has one.
func (x *expression) addition(item table.Item) *string {
	var clauses []string
	var terms []string
	for counter, n := range item.Counters {
		terms = append(terms, x.name(counterPrefix+counter)+" "+x.value(number(n)))
	}
	if len(terms) > 0 {
		clauses = append(clauses, "ADD "+strings.Join(terms, ", "))
	}
	if !item.Expires.IsZero() {
		clauses = append(clauses, fmt.Sprintf("SET %s = %s", x.name(config.ExpiresKey), x.value(number(seconds(item.Expires)))))
	}
	if len(clauses) == 0 {
		return nil
	}
	update := strings.Join(clauses, " ")
	return &update
}
