package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/config"
	"github.com/tarnhq/tarn/shared/feed"
	"github.com/tarnhq/tarn/shared/route"
)

const (
	clicksARN = "arn:aws:kinesis:eu-central-1:123456789012:stream/clicks"
	shopARN   = "arn:aws:kafka:eu-central-1:123456789012:cluster/shop/e9f754c6-d29a-4430-a7db-958a19fd2c54-4"
	keyARN    = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	loginARN  = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:AmazonMSK_tarn"
)

var someFeeds = []Feed{
	{Feed: feed.Feed{Name: "clicks", Kind: feed.Kinesis, ARN: clicksARN}, RetentionHours: 72, Keys: []string{keyARN}},
	{Feed: feed.Feed{Name: "views", Kind: feed.Kinesis, ARN: "arn:aws:kinesis:eu-central-1:123456789012:stream/views", From: feed.Now}},
	{Feed: feed.Feed{Name: "orders", Kind: feed.MSK, ARN: shopARN, Topic: "orders"}},
	{Feed: feed.Feed{Name: "returns", Kind: feed.MSK, ARN: shopARN, Topic: "returns", Login: feed.SCRAM512}, LoginARN: loginARN},
	{Feed: feed.Feed{Name: "calls", Kind: feed.Kafka, Servers: []string{"b-1.example.com:9092", "b-2.example.com:9092"}, Topic: "calls", Login: feed.SCRAM256}},
	{Feed: feed.Feed{Name: "inside", Kind: feed.Kafka, Servers: []string{"10.0.0.1:9092"}, Topic: "calls", Plain: true}, Private: true},
}

// mappings are the event sources of feeds by the name of the stream or the group.
func (s synth) mappings() map[string]map[string]any {
	found := map[string]map[string]any{}
	for _, m := range s.functions.of("AWS::Lambda::EventSourceMapping") {
		for _, kind := range []string{"AmazonManagedKafkaEventSourceConfig", "SelfManagedKafkaEventSourceConfig"} {
			if group, ok := at(m.Properties, kind, "ConsumerGroupId").(string); ok {
				found[group] = m.Properties
			}
		}
		if arn, ok := m.Properties["EventSourceArn"].(string); ok && strings.Contains(arn, ":kinesis:") {
			found[arn[strings.LastIndexByte(arn, '/')+1:]] = m.Properties
		}
	}
	return found
}

func TestEachFeedDrivesItsFunction(t *testing.T) {
	all := stageWithProviders(t).mappings()
	type access struct{ kind, at string }
	for name, c := range map[string]struct {
		from, source, topic, servers any
		age                          any
		access                       []access
	}{
		"clicks":           {"TRIM_HORIZON", clicksARN, nil, nil, float64(60 * 3600), nil},
		"views":            {"LATEST", "arn:aws:kinesis:eu-central-1:123456789012:stream/views", nil, nil, float64(12 * 3600), nil},
		"tarn-dev-orders":  {"TRIM_HORIZON", shopARN, []any{"orders"}, nil, nil, nil},
		"tarn-dev-returns": {"TRIM_HORIZON", shopARN, []any{"returns"}, nil, nil, []access{{"SASL_SCRAM_512_AUTH", loginARN}}},
		"tarn-dev-calls": {"TRIM_HORIZON", nil, []any{"calls"}, []any{"b-1.example.com:9092", "b-2.example.com:9092"}, nil,
			[]access{{"SASL_SCRAM_256_AUTH", "/_deployment/feed/calls/login"}}},
		"tarn-dev-inside": {"TRIM_HORIZON", nil, []any{"calls"}, []any{"10.0.0.1:9092"}, nil,
			[]access{{"VPC_SECURITY_GROUP", someNetwork.SecurityGroup}, {"VPC_SUBNET", someNetwork.Subnets[0]}, {"VPC_SUBNET", someNetwork.Subnets[1]}}},
	} {
		m := all[name]
		got := []any{m["StartingPosition"], m["EventSourceArn"], m["Topics"], at(m, "SelfManagedEventSource", "Endpoints", "KafkaBootstrapServers"), m["MaximumRecordAgeInSeconds"]}
		if diff := cmp.Diff([]any{c.from, c.source, c.topic, c.servers, c.age}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if given := list(m["SourceAccessConfigurations"]); len(given) != len(c.access) {
			t.Errorf("%s: %v", name, given)
		} else {
			for i, want := range c.access {
				if uri := resourceText(t, at(given[i], "URI")); at(given[i], "Type") != want.kind || !strings.Contains(uri, want.at) {
					t.Errorf("%s: %v, want %v", name, given[i], want)
				}
			}
		}
		if at(m, "DestinationConfig", "OnFailure", "Destination") == nil {
			t.Errorf("%s: failed batches go nowhere", name)
		}
		if reports := m["FunctionResponseTypes"] != nil; reports != (c.age != nil) {
			t.Errorf("%s: reports parts of batches: %v", name, reports)
		}
	}
	if len(all) != len(someFeeds) {
		t.Errorf("%d event sources, want %d", len(all), len(someFeeds))
	}
}

func resourceText(t *testing.T, v any) string {
	t.Helper()
	return strings.Join(read(t, map[string]any{"Effect": "Allow", "Resource": []any{v}}).resources, "")
}

func TestTheFunctionOfFeedsMayReadThemAndNothingElse(t *testing.T) {
	s := stageWithProviders(t)
	policy := s.policy(t, "feeds")
	cluster := strings.Replace(shopARN, ":cluster/", ":%/", 1)
	of := func(what, name string) string { return strings.Replace(cluster, "%", what, 1) + "/" + name + `"` }
	for r, want := range map[right]bool{
		{"kinesis:GetRecords", `"` + clicksARN + `"`, ""}:                              true,
		{"kinesis:GetRecords", "Events", ""}:                                           false, // Tarn's own
		{"kinesis:PutRecords", clicksARN, ""}:                                          false,
		{"kms:Decrypt", keyARN, ""}:                                                    true,
		{"kafka:GetBootstrapBrokers", shopARN, ""}:                                     true,
		{"kafka-cluster:Connect", shopARN, ""}:                                         true,
		{"kafka-cluster:ReadData", of("topic", "orders"), ""}:                          true,
		{"kafka-cluster:ReadData", of("topic", "returns"), ""}:                         false, // by name and password
		{"kafka-cluster:WriteData", "kafka", ""}:                                       false,
		{"kafka-cluster:AlterGroup", of("group", "tarn-dev-orders"), ""}:               true,
		{"secretsmanager:GetSecretValue", ":secret:AmazonMSK_tarn", ""}:                true,
		{"secretsmanager:GetSecretValue", "tarn/dev/_deployment/feed/calls/login", ""}: true,
		{"secretsmanager:GetSecretValue", "tarn/dev/_deployment/feed/clicks/key", ""}:  true,
		{"secretsmanager:GetSecretValue", "tarn/dev/_deployment/feed/*", ""}:           false,
		{"ec2:CreateNetworkInterface", `"*"`, ""}:                                      true,
		{"s3:PutObject", "/aws/lambda/*", ""}:                                          true,
		{"s3:GetObject", "/aws/lambda/*", ""}:                                          false,
		{"s3:GetObject", "/rows/*", ""}:                                                true, // tables that events are looked up in
		{"s3:PutObject", "/rows/*", ""}:                                                false,
		{"dynamodb:PutItem", "Table", "keys"}:                                          false,
	} {
		if got := may(policy, r); got != want {
			t.Errorf("feeds to %v: %v, want %v", r, got, want)
		}
	}
	for _, action := range pollerActions {
		if !slices.ContainsFunc(s.statements(t, "feeds"), func(st any) bool {
			return at(st, "Effect") == "Deny" && at(st, "Condition", "Null", "lambda:SourceFunctionArn") == "false" && slices.Contains(list(at(st, "Action")), any(action))
		}) {
			t.Errorf("the function's own code may %s", action)
		}
	}
}

func TestEachNeedOfFeedsIsGrantedWhereThereAreFeeds(t *testing.T) {
	s := stageWithProviders(t)
	for _, f := range s.Stage.functions() {
		if f.Name != "feeds" && f.Name != "redrive" {
			continue
		}
		policy := s.policy(t, f.Name)
		for need, allowed := range rights {
			for _, r := range allowed {
				if want, got := slices.Contains(f.Needs, need), may(policy, r); got != want {
					t.Errorf("%s, by %s, to %v: %v, want %v", f.Name, need, r, got, want)
				}
			}
		}
		told, err := feed.Parse([]byte(at(s.function(t, f.Name), "Environment", "Variables", string(config.Feeds)).(string)))
		if err != nil || len(told) != len(someFeeds) || told[0].Name != "clicks" {
			t.Errorf("%s is told of %v, %v", f.Name, told, err)
		}
	}
	for _, f := range route.Functions {
		if has := at(s.function(t, f.Name), "Environment", "Variables", string(config.Feeds)) != nil; has != (f.Name == "redrive") {
			t.Errorf("%s is told of feeds: %v", f.Name, has)
		}
	}
}

func TestAStageWithoutFeedsHasNothingOfThem(t *testing.T) {
	everyStage(t, func(t *testing.T, s synth) {
		if len(s.Feeds) > 0 {
			t.Skip("it has some")
		}
		if all := s.mappings(); len(all) > 0 || s.hasAlarm("feeds") || len(s.Stage.functions()) != len(route.Functions) {
			t.Errorf("event sources %v, and functions %d", all, len(s.Stage.functions()))
		}
	})
}

func TestAFeedThatIsNotTakenIsTold(t *testing.T) {
	s := stageWithProviders(t)
	for _, alarm := range []string{"feedsErrors", "feedsLate", "FeedclicksFailures", "FeedclicksDropped", "FeedviewsFailures"} {
		if !s.hasAlarm(alarm) {
			t.Errorf("there is no alarm %s", alarm)
		}
	}
}
