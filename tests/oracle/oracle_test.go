package oracle

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/secret"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/shared/table"
)

// A program that is started with Env finds every service, as a Lambda would.
func TestAllServicesRunTogetherAndEndWithTheirTest(t *testing.T) {
	var endpoints map[Service]string
	t.Run("together", func(t *testing.T) {
		all := Start(t)
		endpoints = all.endpoints
		for _, setting := range all.Env() {
			name, value, _ := strings.Cut(setting, "=")
			t.Setenv(name, value)
		}
		account, err := aws.Load(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		queue, failures := all.Queue(t, 3)
		pool := all.UserPool(t, "http://127.0.0.1/")
		calls := map[Service]func(context.Context) error{
			DynamoDB: func(ctx context.Context) error {
				return account.Table(all.Table(t)).Commit(ctx, table.Put(table.Item{Key: table.Key{Partition: "p", Sort: "s"}}))
			},
			S3: func(ctx context.Context) error { return account.Blob(all.Bucket(t)).Put(ctx, "k", nil) },
			Kinesis: func(ctx context.Context) error {
				_, err := account.Stream(all.Stream(t, 1)).Put(ctx, []stream.Entry{{Data: []byte("a")}})
				return err
			},
			SQS: func(ctx context.Context) error {
				_, err := account.Queue(queue, failures).Send(ctx, []byte("m"), 0)
				return err
			},
			Cognito: func(ctx context.Context) error {
				_, err := account.Directory(pool.ID, pool.App, pool.Domain).Create(ctx, "a@example.com", "Correct-horse-9-battery", nil)
				return err
			},
			Alarms: func(ctx context.Context) error {
				to := aws.AlarmTarget{Group: all.ScheduleGroup(t), Function: "arn:aws:lambda:us-east-1:123456789012:function:f", Role: "arn:aws:iam::123456789012:role/r"}
				return account.Alarms(to).Set(ctx, "main", "a", time.Now().Add(time.Hour))
			},
			Secrets: func(ctx context.Context) error {
				return account.Secrets(all.SecretPrefix(t)).Create(ctx, "main", "k", secret.New([]byte("v")))
			},
		}
		for s := range starters {
			if optional[s] && !Real() && !installedHere(s) {
				continue
			}
			if err := calls[s](t.Context()); err != nil {
				t.Errorf("%s: %v", s, err)
			}
		}
	})
	for s, endpoint := range endpoints {
		if answers(endpoint) {
			t.Errorf("%s still listens at %s", s, endpoint)
		}
	}
}

func answers(endpoint string) bool {
	at, err := url.Parse(endpoint)
	if err != nil {
		return false
	}
	connection, err := net.DialTimeout("tcp", at.Host, time.Second)
	if err != nil {
		return false
	}
	_ = connection.Close()
	return true
}

// outcome records how a test was stopped.
type outcome struct {
	testing.TB
	skipped, failed string
}

func (o *outcome) Helper() {}

func (o *outcome) Skip(args ...any) {
	o.skipped = fmt.Sprint(args...)
	runtime.Goexit()
}

func (o *outcome) Fatal(args ...any) {
	o.failed = fmt.Sprint(args...)
	runtime.Goexit()
}

func TestAServiceThatIsNotInstalledSkipsLoudlyAndFailsWhereItIsRequired(t *testing.T) {
	const absent Service = "ABSENT"
	needs[absent] = []need{{program: "no-such-program", install: "apt-get install it"}}
	t.Cleanup(func() { delete(needs, absent) })
	for required, want := range map[string]outcome{
		"0": {skipped: "NOT TESTED: the emulator of ABSENT needs no-such-program; to enable it: apt-get install it"},
		"1": {failed: "NOT TESTED: the emulator of ABSENT needs no-such-program; to enable it: apt-get install it"},
	} {
		t.Setenv("TARN_REQUIRE_ORACLES", required)
		var got outcome
		done := make(chan struct{})
		go func() {
			defer close(done)
			require(&got, absent)
		}()
		<-done
		if got != want {
			t.Errorf("required %s: %+v, want %+v", required, got, want)
		}
	}
}
