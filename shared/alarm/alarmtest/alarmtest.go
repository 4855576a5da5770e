// Package alarmtest is the conformance suite of port alarm.
package alarmtest

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/alarm"
)

// Pending tells what is set, as the implementation keeps it: to seconds.
type Pending func(context.Context) (map[alarm.Call]time.Time, error)

// Run tests the promises that every alarm.Alarm keeps but for the waking itself, for which
// nobody can wait. The alarms that open returns are set after now, and none is set yet.
func Run(t *testing.T, now time.Time, open func(*testing.T) (alarm.Alarm, Pending)) {
	first, second := now.Add(time.Hour).Truncate(time.Second).UTC(), now.Add(2*time.Hour).Truncate(time.Second).UTC()
	check := func(t *testing.T, pending Pending, want map[alarm.Call]time.Time) {
		t.Helper()
		got, err := pending(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	t.Run("a name has the time that was set last", func(t *testing.T) {
		a, pending := open(t)
		for _, at := range []time.Time{second, first, first} {
			if err := a.Set(t.Context(), "main", "nightly", at); err != nil {
				t.Fatal(err)
			}
		}
		check(t, pending, map[alarm.Call]time.Time{{Tenant: "main", Name: "nightly"}: first})
	})
	t.Run("names of tenants are their own, however long", func(t *testing.T) {
		a, pending := open(t)
		long := "a23456789_123456789-123456789_123456789-123456789_123456789-123"
		want := map[alarm.Call]time.Time{{Tenant: "a", Name: "b-c"}: first, {Tenant: "a-b", Name: "c"}: second, {Tenant: "a", Name: long}: second}
		for c, at := range want {
			if err := a.Set(t.Context(), c.Tenant, c.Name, at); err != nil {
				t.Fatal(err)
			}
		}
		check(t, pending, want)
	})
	t.Run("what is cleared is forgotten, and that again is fine", func(t *testing.T) {
		a, pending := open(t)
		if err := a.Set(t.Context(), "main", "nightly", first); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := a.Clear(t.Context(), "main", "nightly"); err != nil {
				t.Fatal(err)
			}
		}
		check(t, pending, map[alarm.Call]time.Time{})
	})
	t.Run("a time that has passed can be set", func(t *testing.T) {
		a, _ := open(t)
		if err := a.Set(t.Context(), "main", "nightly", now.Add(-24*time.Hour)); err != nil {
			t.Error(err)
		}
	})
}
