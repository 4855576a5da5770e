package main

import (
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/checkpoint"
	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/route"
	"github.com/tarnhq/tarn/shared/secret"
	"github.com/tarnhq/tarn/shared/segment"
)

// right is one thing that a need allows: an action on a resource that holds the
// text, and of a table within the partitions of the word.
type right struct{ action, resource, partition string }

var rights = map[route.Need][]right{
	route.ReadCatalog:       {{"dynamodb:GetItem", "Table", "catalog"}, {"dynamodb:Query", "Table", "catalog"}},
	route.WriteCatalog:      {{"dynamodb:PutItem", "Table", "catalog"}},
	route.DeleteCatalog:     {{"dynamodb:DeleteItem", "Table", "catalog"}},
	route.ReadManifest:      {{"dynamodb:Query", "Table", "manifest"}, {"s3:GetObject", "/state/*", ""}, {"s3:GetObject", "/entry/*", ""}},
	route.WriteManifest:     {{"dynamodb:PutItem", "Table", "manifest"}, {"s3:PutObject", "/state/*", ""}, {"s3:PutObject", "/entry/*", ""}},
	route.DeleteManifest:    {{"dynamodb:DeleteItem", "Table", "manifest"}, {"s3:DeleteObject", "/state/*", ""}, {"s3:DeleteObject", "/entry/*", ""}},
	route.ReadLedger:        {{"dynamodb:Query", "Table", "ledger"}},
	route.WriteLedger:       {{"dynamodb:PutItem", "Table", "ledger"}, {"dynamodb:UpdateItem", "Table", "ledger"}},
	route.DeleteLedger:      {{"dynamodb:DeleteItem", "Table", "ledger"}},
	route.ReadDefinitions:   {{"dynamodb:GetItem", "Table", "definitions"}, {"dynamodb:Query", "Table", "definitions"}},
	route.WriteDefinitions:  {{"dynamodb:PutItem", "Table", "definitions"}},
	route.DeleteDefinitions: {{"dynamodb:DeleteItem", "Table", "definitions"}},
	route.ReadKeys:          {{"dynamodb:GetItem", "Table", "keys"}, {"dynamodb:Query", "Table", "keys"}},
	route.WriteKeys:         {{"dynamodb:PutItem", "Table", "keys"}},
	route.ReadUsage:         {{"dynamodb:Query", "Table", "usage"}},
	route.WriteUsage:        {{"dynamodb:PutItem", "Table", "usage"}},
	route.ReadEmbedKey:      {{"secretsmanager:GetSecretValue", "/_deployment/embeds", ""}},
	route.WriteEmbedKey:     {{"secretsmanager:CreateSecret", "/_deployment/embeds", ""}},
	route.ReadClientKey:     {{"secretsmanager:GetSecretValue", "/_deployment/clients", ""}},
	route.WriteClientKey:    {{"secretsmanager:CreateSecret", "/_deployment/clients", ""}},
	route.ReadFieldKey:      {{"secretsmanager:GetSecretValue", "/_deployment/fields", ""}},
	route.WriteFieldKey:     {{"secretsmanager:CreateSecret", "/_deployment/fields", ""}},
	route.ReadFeedKeys:      {{"secretsmanager:GetSecretValue", "/_deployment/feed/", ""}},
	route.ReadConnectors:    {{"dynamodb:GetItem", "Table", "connectors"}, {"dynamodb:Query", "Table", "connectors"}},
	route.WriteConnectors:   {{"dynamodb:PutItem", "Table", "connectors"}},
	route.DeleteConnectors:  {{"dynamodb:DeleteItem", "Table", "connectors"}},
	route.ReadDSNs:          {{"secretsmanager:GetSecretValue", "/*/connector/*", ""}},
	route.WriteDSNs:         {{"secretsmanager:CreateSecret", "/*/connector/*", ""}, {"secretsmanager:PutSecretValue", "/*/connector/*", ""}},
	route.DeleteDSNs:        {{"secretsmanager:DeleteSecret", "/*/connector/*", ""}},
	route.ReadPeople:        {{"dynamodb:GetItem", "Table", "people"}},
	route.WritePeople:       {{"dynamodb:PutItem", "Table", "people"}},
	route.ManageDirectory: {{"cognito-idp:AdminCreateUser", "Users", ""}, {"cognito-idp:AdminDisableUser", "Users", ""}, {"cognito-idp:AdminUserGlobalSignOut", "Users", ""},
		{"cognito-idp:AdminSetUserMFAPreference", "Users", ""}, {"cognito-idp:AdminRemoveUserFromGroup", "Users", ""}},
	route.ReadDirectory:   {{"cognito-idp:AdminGetUser", "Users", ""}, {"cognito-idp:AdminListGroupsForUser", "Users", ""}},
	route.SetAlarms:       {{"scheduler:CreateSchedule", "schedule/tarn-", ""}, {"scheduler:DeleteSchedule", "schedule/tarn-", ""}, {"iam:PassRole", "AlarmRole", ""}},
	route.ReadModels:      {{"dynamodb:GetItem", "Table", "models"}, {"dynamodb:Query", "Table", "models"}},
	route.WriteModels:     {{"dynamodb:PutItem", "Table", "models"}},
	route.ReadSchedules:   {{"dynamodb:GetItem", "Table", "schedules"}, {"dynamodb:Query", "Table", "schedules"}},
	route.WriteSchedules:  {{"dynamodb:PutItem", "Table", "schedules"}},
	route.DeleteSchedules: {{"dynamodb:DeleteItem", "Table", "schedules"}},
	route.ReadRules:       {{"dynamodb:Query", "Table", "rules"}},
	route.WriteRules:      {{"dynamodb:PutItem", "Table", "rules"}},
	route.DeleteRules:     {{"dynamodb:DeleteItem", "Table", "rules"}},
	route.ReadAudit:       {{"dynamodb:GetItem", "Table", "audit"}, {"dynamodb:Query", "Table", "audit"}},
	route.WriteAudit:      {{"dynamodb:PutItem", "Table", "audit"}},
	route.ReadCopies:      {{"s3:GetObject", "/audit/*", ""}, {"s3:ListBucket", "Copies", ""}},
	route.WriteCopies:     {{"s3:PutObject", "/audit/*", ""}},
	route.ReadSegments:    {{"s3:GetObject", "/rows/*", ""}, {"s3:GetObject", "/quarantine/*", ""}},
	route.WriteSegments:   {{"s3:PutObject", "/rows/*", ""}, {"s3:PutObject", "/poison/*", ""}},
	route.DeleteSegments:  {{"s3:DeleteObject", "/rows/*", ""}, {"s3:DeleteObject", "/quarantine/*", ""}},
	route.ReadSweep:       {{"dynamodb:GetItem", "Table", "sweep"}},
	route.WriteSweep:      {{"dynamodb:PutItem", "Table", "sweep"}},
	route.ReadJobs:        {{"dynamodb:GetItem", "Table", "jobs"}, {"dynamodb:Query", "Table", "jobs"}},
	route.WriteJobs:       {{"dynamodb:PutItem", "Table", "jobs"}},
	route.DeleteJobs:      {{"dynamodb:DeleteItem", "Table", "jobs"}},
	route.SendQueue:       {{"sqs:SendMessage", "Work", ""}},
	route.ReadExports:     {{"s3:GetObject", "/exports/*", ""}},
	route.WriteExports:    {{"s3:PutObject", "/exports/*", ""}},
	route.DeleteExports:   {{"s3:DeleteObject", "/exports/*", ""}},
	route.ReadFiles:       {{"s3:GetObject", "/files/*", ""}, {"dynamodb:GetItem", "Table", "files"}, {"dynamodb:Query", "Table", "files"}},
	route.WriteFiles:      {{"s3:PutObject", "/files/*", ""}, {"dynamodb:PutItem", "Table", "files"}},
	route.DeleteFiles:     {{"s3:DeleteObject", "/files/*", ""}, {"dynamodb:DeleteItem", "Table", "files"}},
	route.ReadLimits:      {{"dynamodb:GetItem", "Table", "limits"}},
	route.WriteLimits:     {{"dynamodb:PutItem", "Table", "limits"}},
	route.ReadRates:       {{"dynamodb:GetItem", "Table", "rates"}},
	route.WriteRates:      {{"dynamodb:PutItem", "Table", "rates"}},
	route.ReadAnswers:     {{"dynamodb:GetItem", "Table", "answers"}},
	route.WriteAnswers:    {{"dynamodb:PutItem", "Table", "answers"}},
	route.ReadPartials:    {{"s3:GetObject", "/partials/*", ""}},
	route.WritePartials:   {{"s3:PutObject", "/partials/*", ""}},
	route.DeletePartials:  {{"s3:DeleteObject", "/partials/*", ""}},
	route.ReadFailures:    {{"s3:GetObject", "/aws/lambda/*", ""}},
	route.DeleteFailures:  {{"s3:DeleteObject", "/aws/lambda/*", ""}},
	route.ReadDrops:       {{"s3:GetObjectVersion", "/drop/*", ""}, {"s3:ListBucketVersions", "Drops", ""}},
	route.WriteDrops:      {{"s3:PutObject", "/refused/*", ""}},
	route.DeleteDrops:     {{"s3:DeleteObjectVersion", "/drop/*", ""}},
	route.WriteOpen: {{"s3:PutObject", "/open/*", ""}, {"s3:DeleteObject", "/open/*", ""},
		{"glue:UpdateTable", "table/tarn_", ""}, {"glue:CreateTable", "database/tarn_", ""}},
	route.RunScans: {{"athena:StartQueryExecution", "workgroup/tarn-", ""}, {"athena:GetQueryResults", "workgroup/tarn-", ""}, {"athena:StopQueryExecution", "workgroup/tarn-", ""},
		{"s3:PutObject", "Answers", ""}, {"s3:GetObject", "Answers", ""}},
	route.ReadSuppressions:  {{"dynamodb:GetItem", "Table", "suppressions"}, {"dynamodb:Query", "Table", "suppressions"}},
	route.WriteSuppressions: {{"dynamodb:PutItem", "Table", "suppressions"}},
	route.DeleteAnswers:     {{"dynamodb:DeleteItem", "Table", "answers"}},
	route.PutStream:         {{"kinesis:PutRecords", "Events", ""}},
	route.ReadStream:        {{"kinesis:GetRecords", "Events", ""}, {"kinesis:GetShardIterator", "Events", ""}},
}

func TestEachNeedIsGrantedToThoseThatHaveItAndToNobodyElse(t *testing.T) {
	everyStage(t, func(t *testing.T, s synth) {
		for _, f := range route.Functions {
			policy := s.policy(t, f.Name)
			for need, allowed := range rights {
				for _, r := range allowed {
					if want, got := slices.Contains(f.Needs, need), may(policy, r); got != want {
						t.Errorf("%s, by %s, to %v: %v, want %v", f.Name, need, r, got, want)
					}
				}
			}
		}
	})
}

func TestEveryNeedOfAFunctionIsAmongTheTested(t *testing.T) {
	for _, f := range route.Functions {
		for _, n := range f.Needs {
			if rights[n] == nil {
				t.Errorf("%s of %s: nothing says what it allows", n, f.Name)
			}
		}
	}
}

func TestFunctionsReachOnlyThePartitionsTheirNeedsName(t *testing.T) {
	everyStage(t, func(t *testing.T, s synth) {
		for _, f := range route.Functions {
			want, got := map[string]bool{}, map[string]bool{}
			for _, n := range f.Needs {
				what, _, _ := strings.Cut(string(n), ":")
				if !slices.Contains([]string{"segments", "partials", "stream", "failures", "queue", "exports", "open", "scans", "copies", "directory", "secret", "dsn", "alarms", "drops"}, what) {
					want[what] = true
				}
			}
			for _, st := range s.policy(t, f.Name) {
				if strings.HasPrefix(st.actions[0], "dynamodb:") && st.partitions == nil {
					t.Errorf("%s may reach the whole table: %v", f.Name, st.actions)
				}
				for _, p := range st.partitions {
					got[strings.TrimRight(p, "#/*")] = true
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", f.Name, diff)
			}
		}
	})
}

func TestFunctionsReachOnlyTheSecretsOfTheirStageThatTheirNeedsName(t *testing.T) {
	everyStage(t, func(t *testing.T, s synth) {
		granted := 0
		for _, f := range route.Functions {
			for _, st := range s.policy(t, f.Name) {
				if !strings.HasPrefix(st.actions[0], "secretsmanager:") {
					continue
				}
				granted++
				for _, resource := range st.resources {
					if strings.Contains(resource, ":secret:"+secretPrefix(s.Stage)+"*/"+connector.SecretFolder+"*") { // the rights above say who may
						continue
					}
					name, ok := afterLast(resource, ":secret:"+secretPrefix(s.Stage)+string(secret.Deployment)+"/")
					name = strings.TrimSuffix(name, "-??????")
					needed := slices.ContainsFunc(f.Needs, func(n route.Need) bool {
						return strings.HasPrefix(string(n), "secret:") && strings.HasSuffix(string(n), "/"+name)
					})
					if !ok || !needed || strings.ContainsAny(name, "*?") {
						t.Errorf("%s may %v of %s", f.Name, st.actions, resource)
					}
				}
			}
		}
		if granted == 0 {
			t.Error("no function may read a secret: this test reads the policies wrongly")
		}
	})
}

// afterLast returns what stands in a resource, which is JSON, behind a text.
func afterLast(resource, text string) (string, bool) {
	at := strings.LastIndex(resource, text)
	if at < 0 {
		return "", false
	}
	end, _, _ := strings.Cut(resource[at+len(text):], `"`)
	return end, true
}

func TestNoFunctionMayDoEverythingOfAServiceOrToEveryResource(t *testing.T) {
	everyStage(t, func(t *testing.T, s synth) {
		for _, f := range route.Functions {
			for _, st := range s.policy(t, f.Name) {
				for _, action := range st.actions {
					if strings.Contains(action, "*") || action == "dynamodb:Scan" {
						t.Errorf("%s may %s", f.Name, action)
					}
				}
				if slices.Contains(st.resources, `"*"`) {
					t.Errorf("%s may %v of anything", f.Name, st.actions)
				}
			}
		}
	})
}

func TestTheFailureDestinationCanBeWrittenAndNotReadByTheConsumer(t *testing.T) {
	everyStage(t, func(t *testing.T, s synth) {
		for _, c := range route.Consumers {
			policy := s.policy(t, c.Function)
			for r, want := range map[right]bool{
				{"s3:PutObject", "/aws/lambda/*", ""}:    true,
				{"s3:ListBucket", "Failures", ""}:        true,
				{"s3:GetObject", "/aws/lambda/*", ""}:    false,
				{"s3:DeleteObject", "/aws/lambda/*", ""}: false,
			} {
				if got := may(policy, r); got != want {
					t.Errorf("%s to %v: %v, want %v", c.Function, r, got, want)
				}
			}
		}
	})
}

func TestGrantedFoldersCoverTheKeysOfSegments(t *testing.T) {
	folder := segment.Prefix("acme", "d1")
	for _, kind := range segment.Kinds {
		if key := folder + string(kind) + "/x"; !covered(segmentFolders, key) {
			t.Errorf("no granted folder holds %s", key)
		}
	}
}

func TestGrantedPartitionsBeginAsTheKeysDo(t *testing.T) {
	if p := checkpoint.Partition("acme", "d1"); !strings.HasPrefix(p, "manifest#") && !strings.HasPrefix(p, "manifest/") {
		t.Errorf("the manifest's partition is %s", p)
	}
}

// covered matches as IAM does, where * also stands for slashes.
func covered(patterns []string, key string) bool {
	flat := strings.NewReplacer("/", "|")
	return slices.ContainsFunc(patterns, func(p string) bool {
		ok, _ := path.Match(flat.Replace(p), flat.Replace(key))
		return ok
	})
}
