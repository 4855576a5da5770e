package measure

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"
)

// ClickTable makes an empty table of clicks in PostgreSQL. It has no index: an id
// that comes twice is stored twice.
const ClickTable = `DROP TABLE IF EXISTS clicks; CREATE TABLE clicks (event_id text, event text, time timestamptz, user_id text, properties jsonb)`

// UniqueClicks has a table of clicks refuse an id that it holds.
const UniqueClicks = `ALTER TABLE clicks ADD PRIMARY KEY (event_id)`

// Click is an event of Clicks, decoded.
type Click struct {
	ID         string          `json:"event_id"`
	Name       string          `json:"event"`
	Time       time.Time       `json:"time"`
	UserID     string          `json:"user_id"`
	Properties json.RawMessage `json:"properties"`
}

// Values are the columns of ClickTable.
func (c Click) Values() []any { return []any{c.ID, c.Name, c.Time, c.UserID, c.Properties} }

// CopyClicks stores clicks by COPY.
func CopyClicks(ctx context.Context, conn *pgx.Conn, clicks []Click) error {
	_, err := conn.CopyFrom(ctx, pgx.Identifier{"clicks"}, []string{"event_id", "event", "time", "user_id", "properties"},
		pgx.CopyFromSlice(len(clicks), func(i int) ([]any, error) { return clicks[i].Values(), nil }))
	return err
}
