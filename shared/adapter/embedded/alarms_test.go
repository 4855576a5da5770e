package embedded

import (
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/alarm"
	"github.com/tarnhq/tarn/shared/alarm/alarmtest"
)

func TestAlarms(t *testing.T) {
	alarmtest.Run(t, time.Now(), func(t *testing.T) (alarm.Alarm, alarmtest.Pending) {
		a := &Alarms{Now: time.Now, Ring: func(alarm.Call) {}}
		t.Cleanup(a.Close)
		return a, a.Pending
	})
}

func TestAnAlarmRingsOnceWithItsName(t *testing.T) {
	rung := make(chan alarm.Call, 2)
	a := &Alarms{Now: time.Now, Ring: func(c alarm.Call) { rung <- c }}
	if err := a.Set(t.Context(), "main", "never", time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := a.Set(t.Context(), "main", "nightly", time.Now().Add(-time.Second)); err != nil {
		t.Fatal(err)
	}
	if got, want := <-rung, (alarm.Call{Tenant: "main", Name: "nightly"}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	a.Close()
	if left, err := a.Pending(t.Context()); err != nil || len(left) != 0 {
		t.Errorf("%v, %v", left, err)
	}
}
