// Command models compares what building models incrementally costs with building them in
// full, in processor time of this process and of those that run the SQL, as the data grows:
// days are added, each of 20,000 events, and then 10,000 new events come. The results of
// both are compared.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/tarnhq/tarn/shared/load"
	"github.com/tarnhq/tarn/shared/model"
	"github.com/tarnhq/tarn/shared/model/build"
	"github.com/tarnhq/tarn/shared/sqlrun"
	"github.com/tarnhq/tarn/tests/load/measure"
)

type options struct {
	sizes string
	turns int
}

func main() {
	if sqlrun.IsChild(os.Args) {
		os.Exit(sqlrun.Child(os.Args))
	}
	var o options
	flag.StringVar(&o.sizes, "sizes", "1,3,10,30", "millions of events")
	flag.IntVar(&o.turns, "turns", 3, "of new events, at each size")
	flag.Parse()
	measure.Fatal(run(context.Background(), o))
}

// files are three kinds of models: few rows of many, some of the rows themselves, and a row
// for each of many keys, which lie everywhere.
var files = model.Files{
	"daily.sql": `select date_trunc('day', time) as day, country, count(*) as events, round(sum(revenue), 2) as revenue
		from {{ source('clicks') }} group by all`,
	"purchases.sql": `select time, user_id, url, revenue from {{ source('clicks') }} where event = 'bought'`,
	"users.sql": `select user_id, min(time) as first_seen, count(*) as events, round(sum(revenue), 2) as revenue
		from {{ source('clicks') }} group by user_id`,
	"models.yml": `models:
  - {name: daily, incremental: {by: day, grain: day}}
  - {name: purchases, incremental: {by: time, grain: day}}
  - {name: users, incremental: {by: user_id}}`,
}

// arrivals is what comes in a turn, and where: new events of the newest day, and events of
// any day that are late.
var arrivals = []struct {
	name string
	n    int
	late bool
}{{"10,000 new of the last day", 10_000, false}, {"100 late of one day of the middle", 100, true}}

func run(ctx context.Context, o options) error {
	table := [][]string{{"events", "model", "what came", "by parts", "in full", "times", "parts", "rows replaced"}}
	for size := range strings.SplitSeq(o.sizes, ",") {
		millions, err := strconv.Atoi(size)
		if err != nil {
			return err
		}
		lines, err := grown(ctx, o, millions)
		if err != nil {
			return err
		}
		table = append(table, lines...)
	}
	measure.Table(fmt.Sprintf("Models built by parts and in full as the data grows: processor time, medians of %d turns", o.turns), table...)
	return nil
}

// grown returns the lines of one size.
func grown(ctx context.Context, o options, millions int) (lines [][]string, err error) {
	project, err := model.Read(files)
	if err != nil {
		return nil, err
	}
	err = with(ctx, millions*1_000_000, func(d *data) error {
		for _, m := range project.Models {
			if _, _, err := d.build(ctx, m, false); err != nil {
				return err
			}
		}
		for _, came := range arrivals {
			costs := make([]cost, len(project.Models))
			for range o.turns {
				if err := d.arrive(ctx, came.n, came.late); err != nil {
					return err
				}
				for i, m := range project.Models {
					if err := costs[i].add(ctx, d, m); err != nil {
						return err
					}
				}
			}
			for i, m := range project.Models {
				lines = append(lines, append([]string{fmt.Sprint(millions, " million"), string(m.Name), came.name}, costs[i].cells()...))
			}
		}
		return nil
	})
	return lines, err
}

// cost is that of building a model both ways, turn after turn.
type cost struct {
	parts, full []time.Duration
	last        build.Report // by parts
}

// add builds a model by parts, then in full, and compares.
func (c *cost) add(ctx context.Context, d *data, m model.Model) error {
	report, took, err := d.build(ctx, m, false)
	if err != nil {
		return err
	}
	if report.Full || report.Outcome != model.Built {
		return fmt.Errorf("%s was not built by parts: %+v", m.Name, report)
	}
	got, err := d.digest(ctx, m.Name)
	if err != nil {
		return err
	}
	_, full, err := d.build(ctx, m, true)
	if err != nil {
		return err
	}
	want, err := d.digest(ctx, m.Name)
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("%s: by parts %s, in full %s", m.Name, got, want)
	}
	c.parts, c.full, c.last = append(c.parts, took), append(c.full, full), report
	return nil
}

func (c *cost) cells() []string {
	parts, full := measure.Quantile(c.parts, 0.5), measure.Quantile(c.full, 0.5)
	return []string{measure.Millis(parts), measure.Millis(full), fmt.Sprintf("%.1f", full.Seconds()/parts.Seconds()), fmt.Sprint(c.last.Parts), fmt.Sprint(c.last.Replaced)}
}

// build builds a model and returns its processor time.
func (d *data) build(ctx context.Context, m model.Model, full bool) (build.Report, time.Duration, error) {
	before, err := measure.Self()
	if err != nil {
		return build.Report{}, 0, err
	}
	d.builds++
	report, err := d.builder.Build(ctx, owner, m, build.Order{ID: load.ID(fmt.Sprint("build", d.builds)), Full: full})
	if err != nil {
		return report, 0, fmt.Errorf("%s: %w", m.Name, err)
	}
	after, err := measure.Self()
	return report, after - before, err
}
