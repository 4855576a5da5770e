package main

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"

	"github.com/tarnhq/tarn/shared/audit"
	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/engine/partial"
	"github.com/tarnhq/tarn/shared/feed"
	"github.com/tarnhq/tarn/shared/file"
	"github.com/tarnhq/tarn/shared/route"
	"github.com/tarnhq/tarn/shared/secret"
)

// grant gives a function what its row in the function table says it needs.
func grant(fn awslambda.Function, spec route.Function, d data) {
	for _, need := range spec.Needs {
		what, how, _ := strings.Cut(string(need), ":")
		switch what {
		case "stream":
			grantStream(fn, how, d)
		case "queue":
			allow(fn, []string{"sqs:SendMessage"}, *d.hints.QueueArn())
		case "directory":
			allow(fn, directoryActions[how], *d.pool.UserPoolArn())
		case "alarms":
			grantAlarms(fn, d)
		case "secret":
			grantSecret(fn, how, d)
		case "dsn":
			grantDSNs(fn, how, d)
		case "feedkeys":
			grantFeedKeys(fn, d)
		case "exports":
			grantObjects(fn, how, d.segments, exportFolder)
		case "files":
			grantItems(fn, what, how, d)
			grantObjects(fn, how, d.segments, fileFolder)
		case "drops":
			grantDrops(fn, how, d)
		case "failures":
			grantObjects(fn, how, d.failures, failureFolder)
		case "open":
			grantTables(fn, d)
		case "copies":
			grantObjects(fn, how, d.copies, audit.Folder+"*")
		case "scans":
			grantScans(fn, d)
		case "partials":
			grantObjects(fn, how, d.segments, partialFolder)
		case "segments":
			grantObjects(fn, how, d.segments, segmentFolders...)
		case "manifest":
			grantItems(fn, what, how, d)
			grantObjects(fn, how, d.segments, manifestFolders...)
		default:
			grantItems(fn, what, how, d)
		}
	}
}

var directoryActions = map[string][]string{
	"read": {"cognito-idp:AdminGetUser", "cognito-idp:ListUsers", "cognito-idp:AdminListGroupsForUser"},
	"manage": {
		"cognito-idp:AdminCreateUser", "cognito-idp:AdminDeleteUser", "cognito-idp:AdminEnableUser", "cognito-idp:AdminDisableUser", "cognito-idp:AdminUserGlobalSignOut",
		"cognito-idp:AdminSetUserPassword", "cognito-idp:AdminSetUserMFAPreference", "cognito-idp:AdminDisableProviderForUser",
		"cognito-idp:CreateGroup", "cognito-idp:AdminAddUserToGroup", "cognito-idp:AdminRemoveUserFromGroup",
	},
}

var secretActions = map[string][]string{
	"read":  {"secretsmanager:GetSecretValue"},
	"write": {"secretsmanager:CreateSecret"},
}

// secretPrefix is what the names of a stage's secrets begin with.
func secretPrefix(s Stage) string { return "tarn/" + s.Name + "/" }

// secretName is what Secrets Manager calls a secret of the deployment.
func secretName(s Stage, name secret.Name) string {
	return secretPrefix(s) + string(secret.Deployment) + "/" + string(name)
}

// grantSecret covers one secret of the deployment: its name, which is all there is before
// it is made, and its name with the six characters that AWS adds.
func grantSecret(fn awslambda.Function, how string, d data) {
	how, name, _ := strings.Cut(how, "/")
	arn := secretARN(d, secret.Name(name))
	allow(fn, secretActions[how], arn, arn+"-??????")
}

// secretARN is the ARN of a secret of the deployment before AWS adds to it.
func secretARN(d data, name secret.Name) string {
	return *d.stack.FormatArn(&awscdk.ArnComponents{
		Service: jsii.String("secretsmanager"), Resource: jsii.String("secret"), ArnFormat: awscdk.ArnFormat_COLON_RESOURCE_NAME,
		ResourceName: jsii.String(secretName(d.stage, name)),
	})
}

// grantFeedKeys covers the write keys of the feeds that there are.
func grantFeedKeys(fn awslambda.Function, d data) {
	for _, f := range d.stage.Feeds {
		arn := secretARN(d, feed.KeySecret(f.Name))
		allow(fn, secretActions["read"], arn, arn+"-??????")
	}
}

var dsnActions = map[string][]string{
	"read":   {"secretsmanager:GetSecretValue"},
	"write":  {"secretsmanager:CreateSecret", "secretsmanager:PutSecretValue"},
	"delete": {"secretsmanager:DeleteSecret"},
}

// grantDSNs covers the connection strings of all tenants' connectors.
func grantDSNs(fn awslambda.Function, how string, d data) {
	all := secretPrefix(d.stage) + "*/" + connector.SecretFolder + "*"
	excuseEnding(fn.Role(), "AwsSolutions-IAM5", "Connection strings of connectors, whose names are not known before they are made.", all)
	allow(fn, dsnActions[how], *d.stack.FormatArn(&awscdk.ArnComponents{
		Service: jsii.String("secretsmanager"), Resource: jsii.String("secret"), ArnFormat: awscdk.ArnFormat_COLON_RESOURCE_NAME, ResourceName: jsii.String(all),
	}))
}

// poisonFolder is where the consumer keeps records that it cannot decode.
const poisonFolder = "poison/"

// exportFolder is where exports are, by tenant.
const exportFolder = "exports/*"

// fileFolder is where uploads are.
const fileFolder = "t/*/" + file.Folder + "/*"

// Folders of the bucket that files are dropped into.
const (
	dropFolder    = "drop/*"
	refusedFolder = "refused/*"
)

// grantDrops covers versions of what was dropped: what is copied, and what is taken away, is
// what was listed.
func grantDrops(fn awslambda.Function, how string, d data) {
	switch how {
	case "read":
		allowObjects(fn, []string{"s3:GetObjectVersion"}, d.drops, dropFolder)
		allow(fn, []string{"s3:ListBucketVersions", "s3:ListBucket"}, *d.drops.BucketArn()) // without the second what is gone is forbidden, and not gone
	case "write":
		allowObjects(fn, []string{"s3:PutObject"}, d.drops, refusedFolder)
	case "delete":
		allowObjects(fn, []string{"s3:DeleteObjectVersion"}, d.drops, dropFolder)
	}
	if actions := keyActions[how]; len(actions) > 0 {
		allow(fn, actions, *d.drops.EncryptionKey().KeyArn())
	}
}

// partialFolder is where engines keep answers over segments.
const partialFolder = "t/*/" + partial.Folder + "/*"

// Folders of the segment bucket. Below t/<tenant>/d/<dataset>/ the next word tells
// what an object is. The manifest keeps its snapshots and long entries there.
var (
	segmentFolders  = []string{"t/*/rows/*", "t/*/duplicates/*", "t/*/quarantine/*", "t/*/erased/*", "t/*/dropped/*", poisonFolder + "*"}
	manifestFolders = []string{"t/*/entry/*", "t/*/state/*"}
)

// openFolders hold the files that are an Iceberg table's and no segment.
var openFolders = []string{"t/*/open/*"}

// grantTables covers the metadata of the Iceberg tables, and their entries in the
// catalog.
func grantTables(fn awslambda.Function, d data) {
	for _, how := range []string{"read", "write", "delete"} {
		grantObjects(fn, how, d.segments, openFolders...)
	}
	allowTables(fn, []string{"glue:GetTable", "glue:CreateTable", "glue:UpdateTable"}, d)
}

// allowTables covers the stage's tables in the catalog.
func allowTables(fn awslambda.Function, actions []string, d data) {
	all := "table/" + databaseName(d.stage) + "/*"
	excuseEnding(fn.Role(), "AwsSolutions-IAM5", "The tables of one database, whose names are not known before they are made.", all)
	allow(fn, actions, d.tables("catalog"), d.tables("database/"+databaseName(d.stage)), d.tables(all))
}

var itemActions = map[string][]string{
	"read":   {"dynamodb:GetItem", "dynamodb:Query", "dynamodb:ConditionCheckItem"},
	"write":  {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:ConditionCheckItem"},
	"delete": {"dynamodb:DeleteItem"},
}

// grantItems covers the partitions that begin with the need's word.
func grantItems(fn awslambda.Function, what, how string, d data) {
	fn.AddToRolePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions:   jsii.Strings(itemActions[how]...),
		Resources: &[]*string{d.table.TableArn()},
		Conditions: &map[string]any{
			"ForAllValues:StringLike": map[string]any{"dynamodb:LeadingKeys": []string{what + "#*", what + "/*"}},
		},
	}))
}

var objectActions = map[string][]string{
	"read":   {"s3:GetObject"},
	"write":  {"s3:PutObject"},
	"delete": {"s3:DeleteObject"},
}

var keyActions = map[string][]string{
	"read":  {"kms:Decrypt"},
	"write": {"kms:GenerateDataKey"},
}

// grantObjects covers folders of a bucket. Who reads may also list: without that
// S3 answers 403 and not 404 where there is no object. Who deletes must find first.
func grantObjects(fn awslambda.Function, how string, bucket awss3.Bucket, folders ...string) {
	allowObjects(fn, objectActions[how], bucket, folders...)
	if how != "write" {
		allow(fn, []string{"s3:ListBucket"}, *bucket.BucketArn())
	}
	if actions := keyActions[how]; len(actions) > 0 {
		allow(fn, actions, *bucket.EncryptionKey().KeyArn())
	}
}

func allowObjects(fn awslambda.IFunction, actions []string, bucket awss3.IBucket, folders ...string) {
	arns := make([]string, len(folders))
	for i, folder := range folders {
		arns[i] = *bucket.ArnForObjects(jsii.String(folder))
		excuseEnding(fn.Role(), "AwsSolutions-IAM5", "The objects of one folder, whose names are not known before they are written.", "/"+folder)
	}
	allow(fn, actions, arns...)
}

var streamActions = map[string][]string{
	"read": {"kinesis:ListShards", "kinesis:GetShardIterator", "kinesis:GetRecords"},
	"put":  {"kinesis:PutRecords"},
}

// grantStream covers reading by whoever looks something up. What else a consumer
// needs, its event source grants.
func grantStream(fn awslambda.Function, how string, d data) {
	allow(fn, streamActions[how], *d.stream.StreamArn())
}

func allow(who awsiam.IGrantable, actions []string, resources ...string) {
	who.GrantPrincipal().AddToPrincipalPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions:   jsii.Strings(actions...),
		Resources: jsii.Strings(resources...),
	}))
}
