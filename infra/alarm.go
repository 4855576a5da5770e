package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsscheduler"
	"github.com/aws/jsii-runtime-go"

	"github.com/tarnhq/tarn/shared/route"
)

// wakeups is where the alarms of schedules are kept, and in which role they wake whom.
type wakeups struct {
	group    *string // its name
	function *string // ARN
	role     awsiam.Role
}

// wokenName is the name of the function that alarms wake. It has one that is known before
// it is made, for what sets alarms, it among them, is told it.
func wokenName(s Stage) string { return "tarn-" + s.Name + "-" + route.Remind.Function }

// newWakeups makes the group and the role. Whoever sets an alarm hands it the role, which
// may invoke one function, in schedules of this group alone.
func newWakeups(stack awscdk.Stack, s Stage) wakeups {
	name := "tarn-" + s.Name
	awsscheduler.NewCfnScheduleGroup(stack, jsii.String("Alarms"), &awsscheduler.CfnScheduleGroupProps{Name: &name})
	w := wakeups{group: &name, function: stack.FormatArn(&awscdk.ArnComponents{
		Service: jsii.String("lambda"), Resource: jsii.String("function"), ResourceName: jsii.String(wokenName(s)), ArnFormat: awscdk.ArnFormat_COLON_RESOURCE_NAME,
	})}
	w.role = awsiam.NewRole(stack, jsii.String("AlarmRole"), &awsiam.RoleProps{
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("scheduler.amazonaws.com"), &awsiam.ServicePrincipalOpts{
			Conditions: &map[string]any{"StringEquals": map[string]any{
				"aws:SourceAccount": stack.Account(), "aws:SourceArn": schedulerARN(stack, "schedule-group/"+name),
			}},
		}),
	})
	allow(w.role, []string{"lambda:InvokeFunction"}, *w.function)
	return w
}

func schedulerARN(stack awscdk.Stack, resource string) *string {
	return stack.FormatArn(&awscdk.ArnComponents{Service: jsii.String("scheduler"), Resource: jsii.String(resource)})
}

// grantAlarms covers the schedules of the group, and handing them the role.
func grantAlarms(fn awslambda.Function, d data) {
	all := "schedule/" + *d.wakeups.group + "/*"
	excuseEnding(fn.Role(), "AwsSolutions-IAM5", "The alarms of one group, whose names are not known before they are set.", all)
	allow(fn, []string{"scheduler:CreateSchedule", "scheduler:UpdateSchedule", "scheduler:DeleteSchedule"}, *schedulerARN(d.stack, all))
	fn.AddToRolePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions: jsii.Strings("iam:PassRole"), Resources: &[]*string{d.wakeups.role.RoleArn()},
		Conditions: &map[string]any{"StringEquals": map[string]any{"iam:PassedToService": "scheduler.amazonaws.com"}},
	}))
}
