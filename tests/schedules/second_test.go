// Package schedules compares when schedules are due with what another library reckons.
package schedules

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tarnhq/tarn/shared/schedule"
	"github.com/tarnhq/tarn/tests/oracle"
)

const (
	casesFile = "testdata/cases.json"
	ticksFile = "testdata/ticks.json" // ticks.mjs writes it
)

var (
	from  = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	until = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
)

// zoneCase is a zone, when its clock is changed in the two years, and schedules in it.
type zoneCase struct {
	Zone      string
	Changes   []time.Time
	Schedules []string
}

// list is the ticks of a schedule in the two years.
type list struct {
	Zone, Cron string
	Quiet      int         // ticks that are more than a day from any change
	Digest     string      // of those
	Changing   []time.Time // the others
}

func read[T any](t *testing.T, path string) (v T) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// ours returns the ticks that we reckon.
func ours(t *testing.T, c zoneCase, cron string) list {
	t.Helper()
	table, err := schedule.Spec{Cron: cron, Zone: c.Zone}.Timetable()
	if err != nil {
		t.Fatal(err)
	}
	l := list{Zone: c.Zone, Cron: cron, Changing: []time.Time{}}
	var quiet []string
	for tick := range table.Between(from, until.Add(-time.Second)) {
		if slices.ContainsFunc(c.Changes, func(at time.Time) bool { return tick.Sub(at).Abs() <= 24*time.Hour }) {
			l.Changing = append(l.Changing, tick)
		} else {
			quiet = append(quiet, tick.Format(time.RFC3339))
		}
	}
	sum := sha256.Sum256([]byte(strings.Join(quiet, "\n")))
	l.Quiet, l.Digest = len(quiet), hex.EncodeToString(sum[:])
	return l
}

// difference is a tick that one of both has and the other has not.
type difference struct {
	Zone, Cron string
	Tick       string
	Whose      string
}

func (d difference) before(e difference) bool { return fmt.Sprint(d) < fmt.Sprint(e) }

// expected are the differences that are explained.
func expected() (all []difference) {
	for _, e := range explained {
		for _, tick := range e.ours {
			all = append(all, difference{e.zone, e.cron, tick, "ours"})
		}
		for _, tick := range e.theirs {
			all = append(all, difference{e.zone, e.cron, tick, "theirs"})
		}
	}
	return all
}

// TestTwoYearsOfTicksAreThoseOfAnotherLibrary compares fifty schedules in eight zones of
// both hemispheres. Where clocks are changed, each difference is one that is explained.
func TestTwoYearsOfTicksAreThoseOfAnotherLibrary(t *testing.T) {
	theirs := read[[]list](t, ticksFile)
	var got []difference
	at := 0
	for _, c := range read[[]zoneCase](t, casesFile) {
		checkChanges(t, c)
		for _, cron := range c.Schedules {
			mine, other := ours(t, c, cron), theirs[at]
			at++
			got = append(got, differences(mine, other)...)
			mine.Changing, other.Changing = nil, nil
			if diff := cmp.Diff(other, mine); diff != "" {
				t.Errorf("%s in %s, on days like any other (-theirs +ours):\n%s", cron, c.Zone, diff)
			}
		}
	}
	if at != len(theirs) || at < 50 {
		t.Errorf("%d schedules, and %d lists", at, len(theirs))
	}
	if diff := cmp.Diff(expected(), got, cmpopts.SortSlices(difference.before)); diff != "" {
		t.Errorf("differences (-explained +found):\n%s", diff)
	}
}

// checkChanges finds the changes of a zone's clock where the case says they are.
func checkChanges(t *testing.T, c zoneCase) {
	t.Helper()
	zone, err := time.LoadLocation(c.Zone)
	if err != nil {
		t.Fatal(err)
	}
	var found []time.Time
	for _, at := from.In(zone).ZoneBounds(); !at.IsZero() && at.Before(until); _, at = at.ZoneBounds() {
		found = append(found, at.UTC())
	}
	if !slices.EqualFunc(found, c.Changes, time.Time.Equal) {
		t.Errorf("the clock of %s is changed at %v, and the cases say at %v", c.Zone, found, c.Changes)
	}
}

func differences(mine, other list) (all []difference) {
	add := func(tick time.Time, whose string) {
		all = append(all, difference{mine.Zone, mine.Cron, tick.Format(time.RFC3339), whose})
	}
	for _, tick := range mine.Changing {
		if !slices.ContainsFunc(other.Changing, tick.Equal) {
			add(tick, "ours")
		}
	}
	for _, tick := range other.Changing {
		if !slices.ContainsFunc(mine.Changing, tick.Equal) {
			add(tick, "theirs")
		}
	}
	return all
}

// TestTheOtherLibrarysTicksAreMadeAnew runs the script that wrote them.
func TestTheOtherLibrarysTicksAreMadeAnew(t *testing.T) {
	oracle.RequireModule(t, "the second library for schedules", "croner/dist/croner.js")
	made, err := exec.CommandContext(t.Context(), "node", "ticks.mjs", casesFile).Output()
	if err != nil {
		t.Fatal(err)
	}
	kept, err := os.ReadFile(ticksFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(kept), string(made)); diff != "" {
		t.Errorf("node ticks.mjs %s > %s (-kept +made):\n%s", casesFile, ticksFile, diff)
	}
}
