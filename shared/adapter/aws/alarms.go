package aws

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"

	"github.com/tarnhq/tarn/shared/alarm"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Alarms is alarm.Alarm on EventBridge Scheduler: a one-time schedule for each alarm that
// is set, deleted once it has invoked the target with an alarm.Call. They come within a
// minute after their time.
type Alarms struct {
	client *scheduler.Client
	to     AlarmTarget
	now    func() time.Time
}

// AlarmTarget is where alarms are kept, and whom they wake.
type AlarmTarget struct {
	Group    string // of schedules
	Function string // ARN
	Role     string // ARN, of who invokes it
}

// NewAlarms opens a group of schedules.
func NewAlarms(client *scheduler.Client, to AlarmTarget, now func() time.Time) *Alarms {
	return &Alarms{client: client, to: to, now: now}
}

var _ alarm.Alarm = (*Alarms)(nil)

// soon is when a time that has passed comes: the service takes only those that have not,
// and is exact to the minute.
const soon = time.Minute

// Set implements alarm.Alarm.
func (a *Alarms) Set(ctx context.Context, t tenant.ID, name string, at time.Time) error {
	if least := a.now().Add(soon); at.Before(least) {
		at = least
	}
	input, err := json.Marshal(alarm.Call{Tenant: t, Name: name})
	if err != nil {
		return fmt.Errorf("alarm of %s: %w", name, err)
	}
	of := scheduler.UpdateScheduleInput{
		Name: alarmName(t, name), GroupName: &a.to.Group, ActionAfterCompletion: types.ActionAfterCompletionDelete,
		ScheduleExpression: sdk.String(at.Add(time.Second - time.Nanosecond).UTC().Format("at(2006-01-02T15:04:05)")),
		FlexibleTimeWindow: &types.FlexibleTimeWindow{Mode: types.FlexibleTimeWindowModeOff},
		Target:             &types.Target{Arn: &a.to.Function, RoleArn: &a.to.Role, Input: sdk.String(string(input))},
	}
	if err = a.update(ctx, of); !fault.Is(err, fault.NotFound) {
		return err
	}
	if err = a.create(ctx, of); fault.Is(err, fault.Conflict) {
		return a.update(ctx, of) // somebody else created it meanwhile
	}
	return err
}

func (a *Alarms) update(ctx context.Context, of scheduler.UpdateScheduleInput) error {
	_, err := a.client.UpdateSchedule(ctx, &of)
	return alarmFault(err)
}

func (a *Alarms) create(ctx context.Context, of scheduler.UpdateScheduleInput) error {
	_, err := a.client.CreateSchedule(ctx, &scheduler.CreateScheduleInput{
		Name: of.Name, GroupName: of.GroupName, ActionAfterCompletion: of.ActionAfterCompletion, ScheduleExpression: of.ScheduleExpression,
		FlexibleTimeWindow: of.FlexibleTimeWindow, Target: of.Target,
	})
	return translate("alarm", err)
}

// Clear implements alarm.Alarm.
func (a *Alarms) Clear(ctx context.Context, t tenant.ID, name string) error {
	_, err := a.client.DeleteSchedule(ctx, &scheduler.DeleteScheduleInput{Name: alarmName(t, name), GroupName: &a.to.Group})
	if err = alarmFault(err); fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// alarmFault gives an error its kind. That there is no such schedule is no mistake of ours.
func alarmFault(err error) error {
	if codeOf(err) == "ResourceNotFoundException" {
		return faultOf("alarm", fault.NotFound, err)
	}
	return translate("alarm", err)
}

// alarmName is of at most 64 characters, whatever the tenant and the name.
func alarmName(t tenant.ID, name string) *string {
	sum := sha256.Sum256([]byte(string(t) + "\n" + name))
	return sdk.String(hex.EncodeToString(sum[:20]))
}

// Pending tells what is set.
func (a *Alarms) Pending(ctx context.Context) (map[alarm.Call]time.Time, error) {
	pending := map[alarm.Call]time.Time{}
	pages := scheduler.NewListSchedulesPaginator(a.client, &scheduler.ListSchedulesInput{GroupName: &a.to.Group})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, translate("alarm", err)
		}
		for _, s := range page.Schedules {
			one, err := a.client.GetSchedule(ctx, &scheduler.GetScheduleInput{Name: s.Name, GroupName: &a.to.Group})
			if err != nil {
				return nil, translate("alarm", err)
			}
			var c alarm.Call
			if err := json.Unmarshal([]byte(sdk.ToString(one.Target.Input)), &c); err != nil {
				return nil, fmt.Errorf("alarm %s: %w", sdk.ToString(s.Name), err)
			}
			expression := strings.TrimSuffix(strings.TrimPrefix(sdk.ToString(one.ScheduleExpression), "at("), ")")
			if pending[c], err = time.Parse("2006-01-02T15:04:05", expression); err != nil {
				return nil, fmt.Errorf("alarm %s: %w", sdk.ToString(s.Name), err)
			}
		}
	}
	return pending, nil
}
