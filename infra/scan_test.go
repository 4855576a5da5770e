package main

import "testing"

func TestEveryLargeScanIsBoundedAndItsAnswerEncryptedAndSoonGone(t *testing.T) {
	everyStage(t, func(t *testing.T, s synth) {
		groups := s.data.of("AWS::Athena::WorkGroup")
		if len(groups) != 1 {
			t.Fatalf("%d workgroups", len(groups))
		}
		for id, group := range groups {
			settings := at(group.Properties, "WorkGroupConfiguration")
			if at(settings, "EnforceWorkGroupConfiguration") != true {
				t.Errorf("%s: a query may say otherwise", id)
			}
			if got := at(settings, "BytesScannedCutoffPerQuery"); got != float64(s.AthenaBytes) || s.AthenaBytes < s.ScanBytes {
				t.Errorf("%s: a query may read %v bytes, want %d", id, got, s.AthenaBytes)
			}
			if got := at(settings, "ResultConfiguration", "EncryptionConfiguration", "EncryptionOption"); got != "SSE_KMS" {
				t.Errorf("%s: answers are encrypted by %v", id, got)
			}
		}
		bucket := s.data.resources[s.id(s.stacks.data.answers)].Properties
		for _, rule := range list(at(bucket, "LifecycleConfiguration", "Rules")) {
			if at(rule, "ExpirationInDays") == float64(answerDays) && at(rule, "Status") == "Enabled" {
				return
			}
		}
		t.Error("answers stay")
	})
}

func TestAQueryMayReadNoMoreItselfThanItsDiskTakes(t *testing.T) {
	for _, s := range Stages {
		if disk := int64(sizeOf("queries").scratch) << 20; s.ScanBytes > disk*3/4 {
			t.Errorf("%s: %d bytes of segments on a disk of %d", s.Name, s.ScanBytes, disk)
		}
	}
}
