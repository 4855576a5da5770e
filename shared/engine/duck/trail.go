package duck

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine/trail"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/snapshot"
)

// follow answers a plan from the trails of its subjects.
func (e *Engine) follow(ctx context.Context, plan query.Follower, over snapshot.Snapshot) (query.Result, error) {
	result, err := e.run(ctx, plan.Trails(), over)
	if err != nil {
		return query.Result{}, err
	}
	rows, truncated, err := trail.Answer(ctx, plan, result.Trails.(trail.Trails))
	result.Columns, result.Rows, result.Trails, result.Stats.Truncated = plan.Columns(), rows, nil, truncated
	return result, err
}

// trails writes the rows that trails are made of.
func (s sources) trails(p query.TrailPlan) (statement, error) {
	who := s.alias(p.Subject)
	if p.Subject.Type != dataset.Text && p.Subject.Type != dataset.JSON {
		who = "CAST(" + who + " AS VARCHAR)"
	}
	at, word, err := s.stepTime(p)
	if err != nil {
		return statement{}, err
	}
	columns := []string{who, at, s.flags(p.Flags)}
	for _, g := range p.Fields {
		columns = append(columns, s.alias(g.Field))
	}
	conditions := []string{s.alias(p.Subject) + " IS NOT NULL"}
	if time, timed := stepField(p); timed {
		conditions = append(conditions, s.alias(time)+" IS NOT NULL")
	}
	if flagged := s.anyOf(p.Flags); flagged != "" {
		conditions = append(conditions, flagged)
	}
	where := "\nWHERE "
	if p.Filter != nil {
		where = "\nAND "
	}
	return statement{sql: word + strings.Join(columns, ", ") + "\nFROM " + s.rows(p.Rows) + where + strings.Join(conditions, " AND ")}, nil
}

// stepTime writes the time of a step, and how the statement begins.
func (s sources) stepTime(p query.TrailPlan) (at, begin string, err error) {
	switch {
	case !p.Once:
		return s.alias(timeField), "SELECT ", nil
	case p.Bucket == nil:
		return "0::BIGINT", "SELECT DISTINCT ", nil
	}
	var keyed statement
	key, err := s.bucket(*p.Bucket, s.alias(momentField), &keyed)
	return "CAST(" + key.String() + " AS BIGINT)", "SELECT DISTINCT ", err
}

// stepField is the field of the times of steps; none where they do not matter.
func stepField(p query.TrailPlan) (f query.Field, timed bool) {
	if p.Once {
		return momentField, p.Bucket != nil
	}
	return timeField, true
}

// flags writes the sum of what a row's flags weigh.
func (s sources) flags(all []*query.Expr) string {
	always, terms := int64(0), []string(nil)
	for i, e := range all {
		weight := int64(1) << i
		if e == nil {
			always += weight
		} else {
			terms = append(terms, fmt.Sprintf("CASE WHEN %s THEN %d ELSE 0 END", s.condition(*e), weight))
		}
	}
	return strings.Join(append(terms, fmt.Sprintf("%d::BIGINT", always)), " + ")
}

// anyOf writes the condition of a row with a flag; empty where every row has one.
func (s sources) anyOf(all []*query.Expr) string {
	var conditions []string
	for _, e := range all {
		if e == nil {
			return ""
		}
		conditions = append(conditions, s.condition(*e))
	}
	return "(" + strings.Join(conditions, " OR ") + ")"
}

// trailShare is the part of all queries' memory that one question's trails may take.
const trailShare = 4

// gather runs the statement of a plan for trails. It takes rows from the driver as they
// are: of those that follow subjects, most are looked at here and not in DuckDB.
func (e *Engine) gather(ctx context.Context, s statement, p query.TrailPlan) (found trail.Trails, err error) {
	conn, err := e.db.Conn(ctx)
	if err != nil {
		return found, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	err = conn.Raw(func(c any) error {
		rows, err := c.(driver.QueryerContext).QueryContext(ctx, s.sql, nil)
		if err != nil {
			return err
		}
		defer rows.Close()
		found, err = e.build(ctx, rows, p)
		return err
	})
	return found, err
}

func (e *Engine) build(ctx context.Context, rows driver.Rows, p query.TrailPlan) (trail.Trails, error) {
	const often = 1 << 16 // rows
	b := trail.NewBuilder(p.Once)
	columns := p.Columns()
	row, values := make([]driver.Value, len(columns)), make([]query.Value, len(p.Fields))
	for n := 1; ; n++ {
		switch err := rows.Next(row); {
		case errors.Is(err, io.EOF):
			return b.Trails(), nil
		case err != nil:
			return trail.Trails{}, err
		}
		for i := range values {
			var err error
			if values[i], err = valueOf(row[3+i], columns[3+i].Type); err != nil {
				return trail.Trails{}, err
			}
		}
		b.Add(row[0].(string), row[1].(int64), uint64(row[2].(int64)), values) // #nosec G115 -- a hash keeps its bits
		if n%often != 0 {
			continue
		}
		if b.Size() > e.config.Memory/trailShare {
			return trail.Trails{}, tooMuchToFollow(e.config.Memory / trailShare)
		}
		if err := ctx.Err(); err != nil {
			return trail.Trails{}, err
		}
	}
}

func tooMuchToFollow(most int64) error {
	return fault.New(fault.Invalid, "out_of_memory", "the rows that the question follows need more memory than they may have (%d MiB)", most>>20).
		WithHint("filter the rows, leave out dimensions, or shorten the time range")
}
