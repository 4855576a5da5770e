package oracle

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/scheduler"
)

// Scheduler is a client of EventBridge Scheduler.
func (a *All) Scheduler() *scheduler.Client {
	return scheduler.NewFromConfig(a.config, func(o *scheduler.Options) { o.BaseEndpoint = a.endpoint(Alarms) })
}

// ScheduleGroup makes a group of schedules, which is deleted after the test with all that
// is in it.
func (a *All) ScheduleGroup(t testing.TB) string {
	t.Helper()
	client, group := a.Scheduler(), name()
	if _, err := client.CreateScheduleGroup(t.Context(), &scheduler.CreateScheduleGroupInput{Name: &group}); err != nil {
		t.Fatal(err)
	}
	cleanup(t, "group of schedules", func(ctx context.Context) error {
		_, err := client.DeleteScheduleGroup(ctx, &scheduler.DeleteScheduleGroupInput{Name: &group})
		return err
	})
	return group
}
