package aws

import (
	"context"
	"errors"
	"fmt"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/table"
)

// Table is table.Table on a DynamoDB table whose keys are config.PartitionKey and
// config.SortKey, both text. Items expire to the second; DynamoDB deletes them by
// config.ExpiresKey when it is the table's time-to-live attribute. Keys and
// attributes must be UTF-8.
type Table struct {
	client *dynamodb.Client
	name   string
	now    func() time.Time
	once   func(*dynamodb.Options) // for writes that must not be repeated blindly
	often  func(*dynamodb.Options) // for all else
}

// NewTable opens the table with this name.
func NewTable(client *dynamodb.Client, name string) *Table {
	once, often := refusedOnly(), repeatable()
	return &Table{
		client: client,
		name:   name,
		now:    time.Now,
		once:   func(o *dynamodb.Options) { o.Retryer = once },
		often:  func(o *dynamodb.Options) { o.Retryer = often },
	}
}

// Get implements table.Table.
func (t *Table) Get(ctx context.Context, key table.Key) (table.Item, error) {
	if err := checkKey(key); err != nil {
		return table.Item{}, err
	}
	out, err := t.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &t.name, Key: encodeKey(key), ConsistentRead: sdk.Bool(true),
	}, t.often)
	if err != nil {
		return table.Item{}, translate("table", err)
	}
	item, err := decodeItem(out.Item)
	if err != nil {
		return table.Item{}, err
	}
	if out.Item == nil || expired(item, t.now()) {
		return table.Item{}, faultOf("table", fault.NotFound, fmt.Errorf("item %q %q", key.Partition, key.Sort))
	}
	return item, nil
}

// Commit implements table.Table. One write costs half of what a transaction does,
// so it goes alone.
func (t *Table) Commit(ctx context.Context, writes ...table.Write) error {
	if err := checkWrites(writes); err != nil {
		return err
	}
	if len(writes) == 0 {
		return nil
	}
	// An addition finds out by failing that its item has expired but is still
	// there. It then replaces the item, unless another writer was quicker.
	replace := make([]bool, len(writes))
	for range len(writes) + 2 {
		failed, err := t.apply(ctx, writes, replace)
		if len(failed) == 0 {
			return err
		}
		for _, i := range failed {
			if !plainAddition(writes[i]) {
				return err
			}
			replace[i] = !replace[i]
		}
	}
	return faultOf("table", fault.Throttled, errors.New("other writers kept reviving an expired item"))
}

func plainAddition(w table.Write) bool {
	return w.Verb == table.VerbAdd && w.Condition.Op == table.OpAlways
}

// apply tries the writes once and returns which conditions failed.
func (t *Table) apply(ctx context.Context, writes []table.Write, replace []bool) (failed []int, err error) {
	actions := make([]types.TransactWriteItem, len(writes))
	now := t.now()
	for i, w := range writes {
		if replace[i] {
			w = table.Put(w.Item).If(table.Absent)
		}
		actions[i] = t.action(w, now)
	}
	if len(actions) == 1 && actions[0].ConditionCheck == nil {
		return t.alone(ctx, actions[0])
	}
	return t.transact(ctx, actions)
}

func (t *Table) alone(ctx context.Context, action types.TransactWriteItem) (failed []int, err error) {
	switch {
	case action.Put != nil:
		a := action.Put
		_, err = t.client.PutItem(ctx, &dynamodb.PutItemInput{
			TableName: a.TableName, Item: a.Item, ConditionExpression: a.ConditionExpression,
			ExpressionAttributeNames: a.ExpressionAttributeNames, ExpressionAttributeValues: a.ExpressionAttributeValues,
		}, t.once)
	case action.Delete != nil:
		a := action.Delete
		_, err = t.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
			TableName: a.TableName, Key: a.Key, ConditionExpression: a.ConditionExpression,
			ExpressionAttributeNames: a.ExpressionAttributeNames, ExpressionAttributeValues: a.ExpressionAttributeValues,
		}, t.once)
	case action.Update != nil:
		a := action.Update
		_, err = t.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: a.TableName, Key: a.Key, UpdateExpression: a.UpdateExpression, ConditionExpression: a.ConditionExpression,
			ExpressionAttributeNames: a.ExpressionAttributeNames, ExpressionAttributeValues: a.ExpressionAttributeValues,
		}, t.once)
	}
	if codeOf(err) == "ConditionalCheckFailedException" {
		failed = []int{0}
	}
	return failed, translate("table", err)
}

// transact carries a token, so that the SDK may repeat it: an attempt that was
// applied but whose answer was lost is not applied again.
func (t *Table) transact(ctx context.Context, actions []types.TransactWriteItem) (failed []int, err error) {
	_, err = t.client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{
		TransactItems: actions, ClientRequestToken: token(),
	}, t.often)
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) {
		return nil, translate("table", err)
	}
	for i, reason := range cancelled.CancellationReasons {
		if sdk.ToString(reason.Code) == conditionFailed {
			failed = append(failed, i)
		}
	}
	return failed, faultOf("table", kindOfCancellation(cancelled.CancellationReasons), err)
}

const conditionFailed = "ConditionalCheckFailed"

// kindOfCancellation says why a transaction changed nothing. A failed condition
// outweighs the rest: repeating would not help.
func kindOfCancellation(reasons []types.CancellationReason) fault.Kind {
	kind := fault.Unavailable
	for _, reason := range reasons {
		switch sdk.ToString(reason.Code) {
		case conditionFailed:
			return fault.Conflict
		case "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded":
			if kind != fault.Invalid {
				kind = fault.Throttled
			}
		case "ValidationError", "ItemCollectionSizeLimitExceeded":
			kind = fault.Invalid
		}
	}
	return kind
}
