package aws

import (
	"context"
	"strings"
	"unicode/utf8"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/tarnhq/tarn/shared/config"
	"github.com/tarnhq/tarn/shared/table"
)

// maxPageBytes ends a page of large items early, which keeps the memory of a List
// bounded. DynamoDB hands out a megabyte at a time.
const maxPageBytes = 8 << 20

// List implements table.Table. A page may hold fewer items than its limit.
func (t *Table) List(ctx context.Context, q table.Query) (table.Page, error) {
	if err := checkQuery(q); err != nil {
		return table.Page{}, err
	}
	low, high := bounds(q)
	if low > high {
		return table.Page{}, nil
	}
	limit := q.Limit
	if limit == 0 {
		limit = table.MaxPage
	}
	var page table.Page
	next, size := start(q), 0
	for {
		// One more than asked for tells whether there is a next page.
		found, last, err := t.query(ctx, q, low, high, next, limit-len(page.Items)+1)
		if err != nil {
			return table.Page{}, err
		}
		for _, item := range found {
			if len(page.Items) == limit {
				page.Next = page.Items[limit-1].Key.Sort
				return page, nil
			}
			page.Items = append(page.Items, item)
			size += sizeOf(item)
		}
		if last == nil {
			return page, nil
		}
		if size > maxPageBytes && len(page.Items) > 0 {
			page.Next = page.Items[len(page.Items)-1].Key.Sort
			return page, nil
		}
		next = last
	}
}

// query returns the items of one answer that have not expired, and where to go on.
func (t *Table) query(ctx context.Context, q table.Query, low, high string, next attributes, limit int) (items []table.Item, last attributes, err error) {
	x := newExpression(t.now())
	condition := x.name(config.PartitionKey) + " = " + x.value(text(q.Partition)) + " AND " +
		x.name(config.SortKey) + " BETWEEN " + x.value(text(low)) + " AND " + x.value(text(high))
	out, err := t.client.Query(ctx, &dynamodb.QueryInput{
		TableName: &t.name, KeyConditionExpression: &condition,
		ExpressionAttributeNames: x.names, ExpressionAttributeValues: x.values,
		ScanIndexForward: sdk.Bool(!q.Reverse), ExclusiveStartKey: next,
		Limit: sdk.Int32(int32(limit)), ConsistentRead: sdk.Bool(true), // #nosec G115 -- at most table.MaxPage
	}, t.often)
	if err != nil {
		return nil, nil, translate("table", err)
	}
	for _, encoded := range out.Items {
		item, err := decodeItem(encoded)
		if err != nil {
			return nil, nil, err
		}
		if !expired(item, x.now) {
			items = append(items, item)
		}
	}
	return items, out.LastEvaluatedKey, nil
}

func start(q table.Query) attributes {
	if q.Next == "" {
		return nil
	}
	return encodeKey(table.Key{Partition: q.Partition, Sort: q.Next})
}

// bounds returns the inclusive range of sort keys that a query asks for. DynamoDB
// takes one condition on the sort key, so prefix and from become one range. No key
// is below "\x00", and none with the prefix is above the prefix followed by the
// greatest rune up to the length of a sort key and beyond.
func bounds(q table.Query) (low, high string) {
	low, high = q.Prefix, q.Prefix
	if low == "" {
		low = "\x00"
	}
	high += strings.Repeat(string(utf8.MaxRune), (maxSortBound-len(q.Prefix))/utf8.UTFMax)
	switch {
	case q.From == "":
	case q.Reverse:
		high = min(high, q.From)
	default:
		low = max(low, q.From)
	}
	return low, high
}

// maxSortBound is how long a text DynamoDB compares sort keys with.
const maxSortBound = 1024
