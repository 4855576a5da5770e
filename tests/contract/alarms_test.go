package contract

import (
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/alarm"
	"github.com/tarnhq/tarn/shared/alarm/alarmtest"
	"github.com/tarnhq/tarn/tests/oracle"
)

func TestAlarms(t *testing.T) {
	t.Parallel()
	services := oracle.Start(t, oracle.Alarms)
	alarmtest.Run(t, time.Now(), func(t *testing.T) (alarm.Alarm, alarmtest.Pending) {
		a := aws.NewAlarms(services.Scheduler(), aws.AlarmTarget{Group: services.ScheduleGroup(t),
			Function: "arn:aws:lambda:us-east-1:123456789012:function:scheduler", Role: "arn:aws:iam::123456789012:role/alarms"}, time.Now)
		return a, a.Pending
	})
}
