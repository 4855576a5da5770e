package main

import (
	"strings"
	"testing"

	"github.com/tarnhq/tarn/shared/config"
	"github.com/tarnhq/tarn/shared/route"
)

func TestNoBucketIsPublicOrAnswersInTheClear(t *testing.T) {
	everyStage(t, func(t *testing.T, s synth) {
		for _, stack := range []template{s.data, s.front} {
			for id, bucket := range stack.of("AWS::S3::Bucket") {
				for _, setting := range []string{"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"} {
					if at(bucket.Properties, "PublicAccessBlockConfiguration", setting) != true {
						t.Errorf("%s: %s is off", id, setting)
					}
				}
				if !deniesPlain(stack, id) {
					t.Errorf("%s: takes requests without TLS", id)
				}
			}
		}
	})
}

func deniesPlain(stack template, bucket string) bool {
	for _, p := range stack.of("AWS::S3::BucketPolicy") {
		if at(p.Properties, "Bucket", "Ref") != bucket {
			continue
		}
		for _, st := range at(p.Properties, "PolicyDocument", "Statement").([]any) {
			if at(st, "Effect") == "Deny" && at(st, "Condition", "Bool", "aws:SecureTransport") == "false" {
				return true
			}
		}
	}
	return false
}

func TestEventsAtRestAreUnderTheStagesOwnKey(t *testing.T) {
	everyStage(t, func(t *testing.T, s synth) {
		buckets := []string{s.id(s.stacks.data.segments), s.id(s.stacks.data.failures), s.id(s.stacks.data.answers), s.id(s.stacks.data.copies), s.id(s.stacks.data.drops)}
		for _, id := range buckets {
			rule := list(at(s.data.resources[id].Properties, "BucketEncryption", "ServerSideEncryptionConfiguration"))[0]
			if at(rule, "ServerSideEncryptionByDefault", "SSEAlgorithm") != "aws:kms" || at(rule, "BucketKeyEnabled") != true {
				t.Errorf("%s: encryption %v", id, rule)
			}
		}
		s.data.HasResourceProperties(ptr("AWS::KMS::Key"), map[string]any{"EnableKeyRotation": true})
	})
}

func TestCopiesOfTheAuditLogAreLocked(t *testing.T) {
	everyStage(t, func(t *testing.T, s synth) {
		mode := "GOVERNANCE"
		if s.Keep {
			mode = "COMPLIANCE"
		}
		bucket := s.data.resources[s.id(s.stacks.data.copies)].Properties
		lock := at(bucket, "ObjectLockConfiguration", "Rule", "DefaultRetention")
		if at(bucket, "ObjectLockEnabled") != true || at(lock, "Mode") != mode || at(lock, "Days") != float64(s.AuditDays) || s.AuditDays == 0 {
			t.Errorf("enabled %v, retention %v, want %s", at(bucket, "ObjectLockEnabled"), lock, mode)
		}
		for _, f := range route.Functions {
			for _, st := range s.policy(t, f.Name) {
				for _, action := range st.actions {
					if strings.Contains(action, "Bypass") || strings.Contains(action, "Retention") || may([]statement{st}, right{"s3:DeleteObjectVersion", "Copies", ""}) {
						t.Errorf("%s may %s", f.Name, action)
					}
				}
				if may([]statement{st}, right{"dynamodb:DeleteItem", "Table", "audit"}) || may([]statement{st}, right{"s3:DeleteObject", "Copies", ""}) {
					t.Errorf("%s may delete of the audit log", f.Name)
				}
			}
		}
	})
}

func TestTheTableIsOnDemandRecoverableAndProtected(t *testing.T) {
	everyStage(t, func(t *testing.T, s synth) {
		s.data.HasResourceProperties(ptr("AWS::DynamoDB::GlobalTable"), map[string]any{
			"BillingMode":             "PAY_PER_REQUEST",
			"TimeToLiveSpecification": map[string]any{"AttributeName": config.ExpiresKey, "Enabled": true},
			"KeySchema": []any{
				map[string]any{"AttributeName": config.PartitionKey, "KeyType": "HASH"},
				map[string]any{"AttributeName": config.SortKey, "KeyType": "RANGE"},
			},
		})
		for id, table := range s.data.of("AWS::DynamoDB::GlobalTable") {
			for _, replica := range table.Properties["Replicas"].([]any) {
				if at(replica, "DeletionProtectionEnabled") != true || at(replica, "PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled") != true {
					t.Errorf("%s: replica %v", id, replica)
				}
			}
			if table.DeletionPolicy != "Retain" {
				t.Errorf("%s: goes with its stack", id)
			}
		}
	})
}

func TestAKeptStageLosesNothingWithItsStackAndAnotherLeavesNoBill(t *testing.T) {
	everyStage(t, func(t *testing.T, s synth) {
		want := "Delete"
		if s.Keep {
			want = "Retain"
		}
		for _, kind := range []string{"AWS::KMS::Key", "AWS::S3::Bucket", "AWS::Kinesis::Stream", "AWS::Cognito::UserPool"} {
			for id, r := range s.data.of(kind) {
				if r.DeletionPolicy != want || r.UpdateReplacePolicy != want {
					t.Errorf("%s: deleted %s, replaced %s, want %s", id, r.DeletionPolicy, r.UpdateReplacePolicy, want)
				}
			}
		}
	})
}

func TestPeopleAreInvitedAndTheWebPageHasNoSecret(t *testing.T) {
	everyStage(t, func(t *testing.T, s synth) {
		s.data.HasResourceProperties(ptr("AWS::Cognito::UserPool"), map[string]any{
			"AdminCreateUserConfig": map[string]any{"AllowAdminCreateUserOnly": true},
		})
		s.front.HasResourceProperties(ptr("AWS::Cognito::UserPoolClient"), map[string]any{
			"AllowedOAuthFlows":               []any{"code"},
			"AllowedOAuthFlowsUserPoolClient": true,
			"GenerateSecret":                  false,
			"EnableTokenRevocation":           true,
		})
	})
}
