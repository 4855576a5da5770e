package e2e

import (
	"fmt"
	"net/http"
	"testing"
)

// visitsOnly are visits without the event that is refused: a filter is of rows.
func visitsOnly(from, n int) []map[string]any { return visits(from, n)[:n] }

func TestRowsThatAFilterMatchesAreInNoByteOfTheDataFolder(t *testing.T) {
	data := t.TempDir()
	p := start(t, data)
	for _, name := range []string{"web", "shop"} {
		p.create(t, name)
		p.send(t, name, visitsOnly(0, 60))
		p.send(t, name, visitsOnly(0, 12)) // again
	}
	p.stop(t) // seals
	p = start(t, data)
	var export struct {
		Job string `json:"job_id"`
	}
	p.call(t, http.MethodPost, "/v1/exports", map[string]any{"dataset": "web", "format": "csv"}, &export)
	p.done(t, export.Job)
	p.send(t, "web", visitsOnly(60, 30))
	p.settled(t, "web", 102)
	shop := p.books(t, "shop")
	p.erased(t, "shop", 20)
	before := p.books(t, "web")
	p.erased(t, "web", 30)
	if left := found(t, data); len(left) > 0 {
		t.Errorf("found in %v", left)
	}
	after := p.books(t, "web")
	if after.Erased != 30 || after.Visible != before.Visible-30 || after.Dropped != 0 || p.books(t, "shop").Visible != shop.Visible-20 {
		t.Errorf("the ledger went from %+v to %+v", before, after)
	}
	if got := p.books(t, "web"); got.Visible != 60 {
		t.Errorf("%d rows are visible", got.Visible)
	}
	p.anew(t, data, after)
}

// erased erases by a filter who is to be forgotten from one dataset.
func (p *process) erased(t *testing.T, name string, rows int64) {
	t.Helper()
	is := func(column string) map[string]any {
		return map[string]any{"column": column, "op": "=", "value": forgotten}
	}
	var job struct {
		Job string `json:"job_id"`
	}
	p.call(t, http.MethodPost, "/v1/erasures", map[string]any{"dataset": name, "filter": map[string]any{"or": []any{is("user_id"), is("anonymous_id"), is("mail")}}}, &job)
	j := p.done(t, job.Job)
	if j.Result.Rows != rows || j.Result.Suppression != "" || len(j.Result.Datasets) != 1 || j.Result.Datasets[0].Dataset != name || len(j.Result.Datasets[0].Files) == 0 {
		t.Errorf("the certificate of %s says %+v", name, j.Result)
	}
}

// anew sends erased events again: nobody is suppressed, and they are new ones.
func (p *process) anew(t *testing.T, data string, before books) {
	t.Helper()
	if got := p.fate(t, "web", "v0") + " " + p.fate(t, "web", "v1"); got != "erased stored" {
		t.Errorf("v0 and v1 are %s", got)
	}
	p.send(t, "web", visitsOnly(0, 6)) // v0 and v3 were erased
	p.settled(t, "web", before.Accepted+6)
	after := p.books(t, "web")
	if after.Visible != before.Visible+2 || after.Duplicate != before.Duplicate+4 || after.Dropped != 0 {
		t.Errorf("events that were sent again: the ledger went from %s to %s", fmt.Sprintf("%+v", before), fmt.Sprintf("%+v", after))
	}
	if p.fate(t, "web", "v0") != "stored" || len(found(t, data)) == 0 {
		t.Error("an event that was sent again is not there")
	}
}
