package embedded

import (
	"context"
	"encoding/base64"
	"strings"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/table"
)

// List returns a page of items. Next names the last sort key of the page, so that
// items which come and go in between do no harm.
func (t *items) List(ctx context.Context, q table.Query) (table.Page, error) {
	limit, err := pageSize(q.Limit)
	if err != nil {
		return table.Page{}, err
	}
	text, args, err := statement(q, t.now().UnixMilli(), limit+1)
	if err != nil {
		return table.Page{}, err
	}
	rows, err := t.db.query(ctx, text, args...)
	if err != nil {
		return table.Page{}, unavailable(err)
	}
	found, err := scanItems(rows)
	if err != nil {
		return table.Page{}, err
	}
	page := table.Page{Items: found}
	if len(found) > limit {
		page.Items = found[:limit]
		page.Next = base64.RawURLEncoding.EncodeToString([]byte(found[limit-1].Key.Sort))
	}
	return page, nil
}

func pageSize(limit int) (int, error) {
	if limit < 0 || limit > table.MaxPage {
		return 0, fault.New(fault.Invalid, "page_too_large", "a page of %d items is not between 1 and %d", limit, table.MaxPage)
	}
	if limit == 0 {
		limit = table.MaxPage
	}
	return limit, nil
}

// statement turns a query into SQL over one range of the primary key.
func statement(q table.Query, now int64, limit int) (string, []any, error) {
	if err := checkPartition(q.Partition); err != nil {
		return "", nil, err
	}
	text := strings.Builder{}
	text.WriteString("select " + columns + " from items where partition = ? and " + alive)
	args := []any{[]byte(q.Partition), now}
	bound := func(comparison, sort string) {
		text.WriteString(" and sort " + comparison + " ?")
		args = append(args, []byte(sort))
	}
	forth, order := ">", "asc"
	if q.Reverse {
		forth, order = "<", "desc"
	}
	if q.Prefix != "" {
		bound(">=", q.Prefix)
		if end := successor(q.Prefix); end != "" {
			bound("<", end)
		}
	}
	if q.From != "" {
		bound(forth+"=", q.From)
	}
	if q.Next != "" {
		last, err := base64.RawURLEncoding.DecodeString(q.Next)
		if err != nil {
			return "", nil, fault.New(fault.Invalid, "page_invalid", "%q does not continue a list", q.Next)
		}
		bound(forth, string(last))
	}
	text.WriteString(" order by sort " + order + " limit ?")
	return text.String(), append(args, limit), nil
}

// successor returns the least text that is greater than all that begin with the
// prefix; empty: there is none.
func successor(prefix string) string {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] < 0xff {
			return prefix[:i] + string([]byte{prefix[i] + 1})
		}
	}
	return ""
}
