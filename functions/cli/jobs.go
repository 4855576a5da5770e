package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tarnhq/tarn/functions/cli/client"
)

// job is one as the API tells of it.
type job struct {
	ID        string                                `json:"job_id"`
	Kind      string                                `json:"kind"`
	Dataset   string                                `json:"dataset"`
	State     string                                `json:"state"`
	Progress  float64                               `json:"progress"`
	Total     int64                                 `json:"total"`
	Rows      int64                                 `json:"rows"`
	Tries     int                                   `json:"tries"`
	Left      *float64                              `json:"seconds_left"`
	Submitted time.Time                             `json:"submitted"`
	Ended     time.Time                             `json:"ended"`
	Result    json.RawMessage                       `json:"result"`
	Error     *struct{ Code, Message, Hint string } `json:"error"`
}

func (j job) ended() bool { return j.State == "done" || j.State == "failed" || j.State == "cancelled" }

// failure is the check that a job that has ended did so well.
func (j job) failure() error {
	if j.State == "done" {
		return nil
	}
	text := fmt.Sprintf("job %s is %s", j.ID, j.State)
	if j.Error != nil {
		text += ": " + j.Error.Message
		if j.Error.Hint != "" {
			text += "\nhint: " + j.Error.Hint
		}
	}
	return unfit("%s", text)
}

func (a *app) jobs() *cobra.Command {
	return group("jobs", "Watch and steer slow work",
		a.listJobs(), a.showJob(), a.watchJob(), a.jobLog(), a.steerJob("cancel", "Cancel a job"), a.steerJob("retry", "Try a failed or cancelled job again"))
}

func (a *app) listJobs() *cobra.Command {
	var state string
	var most int
	c := command("list", "List jobs, the newest first", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		if most < 0 {
			return wrong("--limit is at least 0")
		}
		q := url.Values{}
		if state != "" {
			q.Set("state", state)
		}
		text, err := a.pages(ctx, "/v1/jobs", "jobs", q, most)
		if err != nil {
			return err
		}
		return show(a, text, func(page struct{ Jobs []job }) error {
			rows := [][]string{}
			for _, j := range page.Jobs {
				rows = append(rows, []string{j.ID, j.Kind, j.Dataset, j.State, percent(j.Progress), when(j.Submitted), when(j.Ended)})
			}
			return a.table(heads("job", "kind", "dataset", "state", ">progress", "submitted (UTC)", "ended (UTC)"), rows)
		})
	})
	c.Flags().StringVar(&state, "state", "", "queued, running, done, failed or cancelled")
	c.Flags().IntVar(&most, "limit", 50, "how many; 0: all")
	return c
}

func percent(share float64) string { return fmt.Sprintf("%.0f%%", share*100) }

func (a *app) showJob() *cobra.Command {
	return command("show JOB", "Show a job", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		got, err := a.do(ctx, client.Request{Method: http.MethodGet, Path: "/v1/jobs/" + escape(args[0])})
		if err != nil {
			return err
		}
		return show(a, got.Body, a.jobFacts)
	})
}

func (a *app) jobFacts(j job) error {
	facts := [][2]string{{"job", j.ID}, {"kind", j.Kind}, {"dataset", first(j.Dataset, "–")}, {"state", j.State}, {"progress", percent(j.Progress)},
		{"rows", fmt.Sprint(j.Rows)}, {"submitted", when(j.Submitted)}, {"ended", when(j.Ended)}}
	if j.Error != nil {
		facts = append(facts, [2]string{"error", j.Error.Message})
	}
	if j.Result != nil {
		facts = append(facts, [2]string{"result", string(j.Result)})
	}
	return a.facts(facts...)
}

func (a *app) watchJob() *cobra.Command {
	return command("watch JOB", "Wait for a job to end; one that fails is a check that failed", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		j, text, err := a.follow(ctx, args[0], "")
		if err != nil {
			return err
		}
		if err := show(a, text, a.jobFacts); err != nil {
			return err
		}
		return j.failure()
	})
}

// follow waits for a job to end, with a bar, and returns it with its document.
func (a *app) follow(ctx context.Context, id, label string) (j job, text []byte, err error) {
	c, err := a.client()
	if err != nil {
		return j, nil, err
	}
	bar := a.progress()
	defer bar.Done()
	err = c.Follow(ctx, "/v1/jobs/"+escape(id)+"/progress", func(data []byte) (bool, error) {
		j = job{}
		if err := decode(data, &j); err != nil {
			return false, err
		}
		text = data
		bar.Show(first(label, j.Kind), share(j), progressNote(j))
		return j.ended(), nil
	})
	if err == nil && text == nil {
		err = errors.New("the job's progress ended before it began")
	}
	if errors.Is(err, context.Canceled) {
		a.note("job %s goes on; tarn jobs watch %s", id, id)
	}
	return j, text, err
}

// share is how much of a job is done, or less than 0 where nobody knows.
func share(j job) float64 {
	if j.Total == 0 && j.State != "done" {
		return -1
	}
	return j.Progress
}

func progressNote(j job) string {
	var parts []string
	if j.State != "running" {
		parts = append(parts, j.State)
	}
	if j.Rows > 0 {
		parts = append(parts, fmt.Sprintf("%d rows", j.Rows))
	}
	if j.Left != nil && *j.Left >= 1 {
		parts = append(parts, (time.Duration(*j.Left)*time.Second).String()+" left")
	}
	return strings.Join(parts, ", ")
}

func (a *app) jobLog() *cobra.Command {
	return command("log JOB", "Print the last lines of a job's log", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		got, err := a.do(ctx, client.Request{Method: http.MethodGet, Path: "/v1/jobs/" + escape(args[0]) + "/log"})
		if err != nil {
			return err
		}
		return show(a, got.Body, func(log struct {
			Lines []struct {
				At   time.Time `json:"at"`
				Text string    `json:"text"`
			} `json:"lines"`
			Dropped int64 `json:"dropped"`
		}) error {
			if log.Dropped > 0 {
				a.note("%d lines before these are gone", log.Dropped)
			}
			var lines [][2]string
			for _, l := range log.Lines {
				lines = append(lines, [2]string{when(l.At), l.Text})
			}
			return a.facts(lines...)
		})
	})
}

func (a *app) steerJob(verb, short string) *cobra.Command {
	return command(verb+" JOB", short, cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		got, err := a.do(ctx, client.Request{Method: http.MethodPost, Path: "/v1/jobs/" + escape(args[0]) + "/" + verb})
		if err != nil {
			return err
		}
		return show(a, got.Body, a.jobFacts)
	})
}

// ordered prints the id of a job that goes on by itself.
func (a *app) ordered(document []byte, id string) error {
	if a.json {
		return a.document(document)
	}
	_, err := fmt.Fprintln(a.out, id)
	return err
}
