package job

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Log is what was said of a job while it ran.
type Log struct {
	Dropped int    `json:"dropped,omitempty"` // lines at the beginning that made room
	Lines   []Line `json:"lines"`
}

// Line is one thing that was said.
type Line struct {
	At   time.Time `json:"at"`
	Text string    `json:"text"`
}

// Log returns the log of a job; an empty one where nothing was said.
func (s Jobs) Log(ctx context.Context, t tenant.ID, id ID) (Log, error) {
	item, err := s.Table.Get(ctx, logKey(t, id))
	if fault.Is(err, fault.NotFound) {
		return Log{Lines: []Line{}}, nil
	}
	if err != nil {
		return Log{}, err
	}
	var l Log
	if err := json.Unmarshal(item.Body, &l); err != nil {
		return Log{}, fmt.Errorf("log of job %s: %w", id, err)
	}
	return l, nil
}

func newLine(at time.Time, format string, args ...any) Line {
	text := fmt.Sprintf(format, args...)
	if len(text) > maxLine {
		text = strings.ToValidUTF8(text[:maxLine], "") + "…"
	}
	return Line{At: at, Text: text}
}

// with returns the log with some more lines.
func (l Log) with(lines []Line) Log {
	all := append(l.Lines[:len(l.Lines):len(l.Lines)], lines...)
	over := max(0, len(all)-MaxLines)
	return Log{Dropped: l.Dropped + over, Lines: all[over:]}
}

// append returns the write that adds lines to a job's log. It is part of a change of
// the job, so that of two workers one writes it.
func (s Jobs) append(ctx context.Context, j Job, lines []Line) ([]table.Write, error) {
	if len(lines) == 0 {
		return nil, nil
	}
	l, err := s.Log(ctx, j.Tenant, j.ID)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(l.with(lines))
	if err != nil {
		return nil, fmt.Errorf("log of job %s: %w", j.ID, err)
	}
	return []table.Write{table.Put(table.Item{Key: logKey(j.Tenant, j.ID), Body: body, Expires: j.Expires})}, nil
}
