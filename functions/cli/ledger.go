package main

import (
	"context"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/tarnhq/tarn/functions/cli/client"
)

// account is the ledger of a dataset, or an hour of it.
type account struct {
	Accepted    int64 `json:"accepted"`
	Stored      int64 `json:"stored"`
	Duplicate   int64 `json:"duplicate"`
	Quarantined int64 `json:"quarantined"`
	Dropped     int64 `json:"dropped"`
	Pending     int64 `json:"pending"`
}

// balances reports whether everything that was accepted is accounted for.
func (c account) balances() bool {
	return c.Accepted == c.Stored+c.Duplicate+c.Quarantined+c.Dropped+c.Pending
}

func (c account) row(of string) []string {
	row := []string{of}
	for _, n := range []int64{c.Accepted, c.Stored, c.Duplicate, c.Quarantined, c.Dropped, c.Pending} {
		row = append(row, number(&n))
	}
	return append(row, in(c.balances(), "", "DOES NOT BALANCE"))
}

// books are the whole document.
type books struct {
	account
	Erased  int64 `json:"erased"`
	Visible int64 `json:"visible"`
	Hours   []struct {
		Hour time.Time `json:"hour"`
		account
	} `json:"hours"`
}

// check is what the ledger promises.
func (b books) check(dataset string) error {
	if !b.balances() {
		return unfit("the ledger of %s does not balance: accepted is not stored + duplicate + quarantined + dropped + pending", dataset)
	}
	for _, h := range b.Hours {
		if !h.balances() {
			return unfit("the ledger of %s does not balance in the hour of %s", dataset, when(h.Hour))
		}
	}
	if b.Stored != b.Visible+b.Erased {
		return unfit("the ledger of %s does not balance: %d stored, %d visible and %d erased", dataset, b.Stored, b.Visible, b.Erased)
	}
	if b.Pending != 0 {
		return unfit("%d events of %s are pending still", b.Pending, dataset)
	}
	return nil
}

func (a *app) ledger() *cobra.Command {
	var wait time.Duration
	var hours bool
	c := a.onDataset(command("ledger DATASET", "Account for every event; what does not balance or stays pending is a check that failed", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		text, b, err := a.settled(ctx, args[0], wait)
		if err != nil {
			return err
		}
		if a.json {
			err = a.document(text)
		} else {
			err = a.showBooks(b, hours)
		}
		if err != nil {
			return err
		}
		return b.check(args[0])
	}))
	c.Flags().DurationVar(&wait, "wait", 15*time.Second, "how long pending events may take")
	c.Flags().BoolVar(&hours, "hours", false, "by hour of arrival")
	return c
}

// settled reads the ledger until nothing is pending, or for so long.
func (a *app) settled(ctx context.Context, dataset string, wait time.Duration) ([]byte, books, error) {
	for until := a.now().Add(wait); ; {
		got, err := a.do(ctx, client.Request{Method: http.MethodGet, Path: "/v1/datasets/" + escape(dataset) + "/ledger"})
		if err != nil {
			return nil, books{}, err
		}
		var b books
		if err := decode(got.Body, &b); err != nil {
			return nil, b, err
		}
		if b.Pending == 0 || !a.now().Before(until) {
			return got.Body, b, nil
		}
		if err := client.Sleep(ctx, 200*time.Millisecond); err != nil {
			return nil, b, err
		}
	}
}

func (a *app) showBooks(b books, hours bool) error {
	rows := [][]string{}
	if hours {
		for _, h := range b.Hours {
			rows = append(rows, h.row(h.Hour.UTC().Format("2006-01-02 15:00")))
		}
	}
	rows = append(rows, b.row("all"))
	if err := a.table(heads("hour (UTC)", ">accepted", ">stored", ">duplicate", ">quarantined", ">dropped", ">pending", ""), rows); err != nil {
		return err
	}
	a.note("%d stored = %d visible + %d erased", b.Stored, b.Visible, b.Erased)
	return nil
}
