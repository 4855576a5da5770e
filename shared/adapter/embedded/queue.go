package embedded

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/queue"
)

// messages is one queue.Queue of the database. A message that was received tries
// times and is visible again has failed; nothing moves it.
type messages struct {
	db    *database
	now   func() time.Time
	name  string
	tries int

	mu    sync.Mutex
	ready chan struct{} // closed when a message may have become visible
}

const maxReceive = 10

// Send stores a message.
func (q *messages) Send(ctx context.Context, body []byte, delay time.Duration) (string, error) {
	if len(body) > queue.MaxBody {
		return "", fault.New(fault.Invalid, "message_too_large", "a message of %d bytes is larger than %d", len(body), queue.MaxBody)
	}
	if delay < 0 || delay > queue.MaxDelay {
		return "", fault.New(fault.Invalid, "delay_invalid", "a delay of %v is not between 0 and %v", delay, queue.MaxDelay)
	}
	if body == nil {
		body = []byte{}
	}
	var id int64
	err := q.db.change(ctx, len(body), func(tx *transaction) error {
		done, err := tx.exec("insert into messages (queue, body, visible, tries, receptions) values (?, ?, ?, 0, 0)",
			q.name, body, q.now().Add(delay).UnixMilli())
		if err == nil {
			id, err = done.LastInsertId()
		}
		return unavailable(err)
	})
	if err != nil {
		return "", err
	}
	q.announce()
	return strconv.FormatInt(id, 10), nil
}

// Receive takes messages in the order in which they became visible.
func (q *messages) Receive(ctx context.Context, limit int, visibility, wait time.Duration) ([]queue.Message, error) {
	limit = min(limit, maxReceive)
	timeout := time.NewTimer(wait)
	defer timeout.Stop()
	for {
		ready := q.next()
		due, err := q.due(ctx)
		if err != nil {
			return nil, err
		}
		if due == 0 {
			got, err := q.take(ctx, limit, visibility)
			if err != nil || len(got) > 0 {
				return got, err
			}
		}
		if wait <= 0 {
			return nil, nil
		}
		visible := time.NewTimer(max(due, time.Millisecond))
		select {
		case <-ready:
		case <-visible.C:
		case <-timeout.C:
			return nil, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		visible.Stop()
	}
}

// due tells how long it takes until a message is visible: zero if one is.
func (q *messages) due(ctx context.Context) (time.Duration, error) {
	rows, err := q.db.query(ctx, "select visible from messages where queue = ? and tries < ? order by visible limit 1", q.name, q.tries)
	if err != nil {
		return 0, unavailable(err)
	}
	defer rows.Close()
	if !rows.Next() {
		return time.Hour, unavailable(rows.Err()) // Send announces the next one
	}
	var visible int64
	if err := rows.Scan(&visible); err != nil {
		return 0, unavailable(err)
	}
	return max(0, time.UnixMilli(visible).Sub(q.now())), nil
}

func (q *messages) take(ctx context.Context, limit int, visibility time.Duration) ([]queue.Message, error) {
	var taken []queue.Message
	err := q.db.change(ctx, 0, func(tx *transaction) error {
		now := q.now()
		rows, err := tx.query(`update messages set tries = tries + 1, receptions = receptions + 1, visible = ?
			where id in (select id from messages where queue = ? and visible <= ? and tries < ? order by visible, id limit ?)
			returning id, body, tries, receptions`,
			now.Add(visibility).UnixMilli(), q.name, now.UnixMilli(), q.tries, limit)
		if err != nil {
			return unavailable(err)
		}
		defer rows.Close()
		for rows.Next() {
			var id, receptions int64
			var m queue.Message
			if err := rows.Scan(&id, &m.Body, &m.Tries, &receptions); err != nil {
				return unavailable(err)
			}
			m.ID, m.Receipt = strconv.FormatInt(id, 10), fmt.Sprintf("%d.%d", id, receptions)
			taken = append(taken, m)
		}
		return unavailable(rows.Err())
	})
	if err != nil {
		return nil, err
	}
	return taken, nil
}

// Ack removes a message, unless it was received again since.
func (q *messages) Ack(ctx context.Context, receipt string) error {
	_, err := q.touch(ctx, receipt, "delete from messages where queue = ? and id = ? and receptions = ?")
	return err
}

// Extend hides a message for visibility from now on. It fails with fault.Conflict
// when the message was received again or removed since.
func (q *messages) Extend(ctx context.Context, receipt string, visibility time.Duration) error {
	visible := q.now().Add(visibility).UnixMilli()
	touched, err := q.touch(ctx, receipt, "update messages set visible = ? where queue = ? and id = ? and receptions = ?", visible)
	if err != nil {
		return err
	}
	if touched == 0 {
		return fault.New(fault.Conflict, "receipt_superseded", "the message is no longer yours")
	}
	q.announce()
	return nil
}

// touch runs a statement about the message of a receipt and returns how many there
// were: none if the receipt has been superseded.
func (q *messages) touch(ctx context.Context, receipt, statement string, args ...any) (int64, error) {
	id, reception, ok := strings.Cut(receipt, ".")
	number, idErr := strconv.ParseInt(id, 10, 64)
	count, countErr := strconv.ParseInt(reception, 10, 64)
	if !ok || idErr != nil || countErr != nil {
		return 0, fault.New(fault.Invalid, "receipt_invalid", "%q is no receipt", receipt)
	}
	var touched int64
	err := q.db.change(ctx, 0, func(tx *transaction) error {
		done, err := tx.exec(statement, append(args, q.name, number, count)...)
		if err == nil {
			touched, err = done.RowsAffected()
		}
		return unavailable(err)
	})
	if err != nil {
		return 0, err
	}
	return touched, nil
}

// Failed lists messages that were received too often, oldest first.
func (q *messages) Failed(ctx context.Context, limit int) (failed []queue.Message, err error) {
	rows, err := q.db.query(ctx, "select id, body, tries from messages where queue = ? and tries >= ? and visible <= ? order by id limit ?",
		q.name, q.tries, q.now().UnixMilli(), limit)
	if err != nil {
		return nil, unavailable(err)
	}
	defer rows.Close()
	for rows.Next() {
		var m queue.Message
		if err := rows.Scan(&m.ID, &m.Body, &m.Tries); err != nil {
			return nil, unavailable(err)
		}
		failed = append(failed, m)
	}
	return failed, unavailable(rows.Err())
}

// Redrive gives all failed messages their tries back.
func (q *messages) Redrive(ctx context.Context) (int, error) {
	var moved int64
	err := q.db.change(ctx, 0, func(tx *transaction) error {
		now := q.now().UnixMilli()
		done, err := tx.exec("update messages set tries = 0, visible = ? where queue = ? and tries >= ? and visible <= ?", now, q.name, q.tries, now)
		if err == nil {
			moved, err = done.RowsAffected()
		}
		return unavailable(err)
	})
	if err != nil {
		return 0, err
	}
	q.announce()
	return int(moved), nil
}

// next returns a channel that the next announcement closes.
func (q *messages) next() <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ready == nil {
		q.ready = make(chan struct{})
	}
	return q.ready
}

func (q *messages) announce() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ready != nil {
		close(q.ready)
		q.ready = nil
	}
}
