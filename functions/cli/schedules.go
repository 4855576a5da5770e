package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/tarnhq/tarn/functions/cli/client"
)

func (a *app) schedules() *cobra.Command {
	n := noun{"schedules", "schedule", []string{"name", "cron", "rate", "zone", "paused"}}
	return group("schedules", "Make and steer what is done at set times",
		a.listNamed(n), a.showSchedule(n), a.createNamed(n), a.runNamed(n), a.deleteNamed(n), a.pauseNamed(n), a.resumeNamed(n))
}

// scheduled is a schedule as the API tells of it.
type scheduled struct {
	Name, Cron, Rate, Zone, By string
	At                         time.Time
	CatchUp                    string `json:"catch_up"`
	Paused                     bool
	Job                        struct {
		Kind    string
		Request json.RawMessage
	}
	Next []struct{ Local string }
	Runs []scheduledRun
}

type scheduledRun struct {
	Tick, Until time.Time
	Missed      int
	Outcome     string
	Manual      bool
	JobID       string `json:"job_id"`
	Error       *struct{ Message string }
}

func (a *app) showSchedule(n noun) *cobra.Command {
	return command("show NAME", "Show when a schedule runs next, and what became of its last runs", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		got, err := a.do(ctx, client.Request{Method: http.MethodGet, Path: n.path(args[0])})
		if err != nil {
			return err
		}
		return show(a, got.Body, func(s scheduled) error {
			if err := a.facts(s.facts()...); err != nil || len(s.Runs) == 0 {
				return err
			}
			rows := [][]string{}
			for _, r := range s.Runs {
				rows = append(rows, r.row())
			}
			return a.table(heads("due (UTC)", "outcome", "job", "why"), rows)
		})
	})
}

func (s scheduled) facts() [][2]string {
	due := first(s.Cron, s.Rate)
	if due == "" {
		due = when(s.At)
	}
	facts := [][2]string{{"schedule", s.Name}, {"orders", s.Job.Kind + " " + string(s.Job.Request)}, {"due", due}, {"zone", first(s.Zone, "UTC")},
		{"catches up", s.CatchUp}, {"as", s.By}, {"paused", fmt.Sprint(s.Paused)}}
	for _, tick := range s.Next {
		facts = append(facts, [2]string{"next", tick.Local})
	}
	return facts
}

func (r scheduledRun) row() []string {
	outcome, why := r.Outcome, ""
	if r.Manual {
		outcome = "asked for"
	}
	if r.Missed > 1 {
		why = fmt.Sprintf("and %d more until %s", r.Missed-1, when(r.Until))
	}
	if r.Error != nil {
		why = r.Error.Message
	}
	return []string{when(r.Tick), outcome, first(r.JobID, "–"), why}
}
