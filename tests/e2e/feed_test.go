package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tarnhq/tarn/shared/feed"
)

// TestATopicIsTakenOnceThoughTheServerDies writes to a topic of Kafka while the server that
// reads it is killed between any two instructions. Of the events, every second has no id of
// its own.
func TestATopicIsTakenOnceThoughTheServerDies(t *testing.T) {
	const deaths, each = 3, 400
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(3, "orders"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	writer, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.DefaultProduceTopic("orders"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(writer.Close)
	data := t.TempDir()
	p := start(t, data)
	p.create(t, "orders")
	var key struct{ Key string }
	p.call(t, http.MethodPost, "/v1/keys", map[string]string{"name": "feed", "role": "producer", "dataset": "orders"}, &key)
	p.stop(t)
	storeSecret(t, data, string(feed.KeySecret("orders")), key.Key)
	t.Setenv("FEEDS", fmt.Sprintf(`[{"name": "orders", "kind": "kafka", "topic": "orders", "servers": [%q], "plain": true}]`, cluster.ListenAddrs()[0]))

	sent := 0
	write := func() {
		var records []*kgo.Record
		for range each {
			text := fmt.Sprintf(`{"event":"placed","user_id":"u%d"}`, sent)
			if sent%2 == 0 {
				text = fmt.Sprintf(`{"event_id":"o%d","event":"placed","user_id":"u%d"}`, sent, sent)
			}
			records = append(records, &kgo.Record{Value: []byte(text)})
			sent++
		}
		records = append(records, &kgo.Record{Value: []byte("<order/>")})
		if err := writer.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	for death := range deaths {
		p = start(t, data)
		write()
		p.taken(t, sent) // it has joined: the stand-in waits for ever for who died before
		write()
		<-time.After(time.Duration(death*7) * time.Millisecond)
		p.kill(t)
	}
	p = start(t, data)
	write()
	p.taken(t, sent)
	question := map[string]any{"dataset": "orders", "kind": "aggregate", "measures": []any{"count", map[string]string{"name": "users", "op": "count_distinct", "column": "user_id"}}}
	if rows := p.rows(t, question); len(rows) != 1 || fmt.Sprint(rows[0]) != fmt.Sprint([]any{sent, sent}) {
		t.Errorf("of %d events there are %v", sent, rows)
	}
	l := p.ledger(t, "orders")
	if l.Stored != int64(sent) || l.Quarantined < 2*deaths+1 || l.Pending != 0 || l.Accepted != l.Stored+l.Duplicate+l.Quarantined+l.Dropped {
		t.Errorf("the ledger: %+v", l)
	}
	p.stop(t)
}

// taken waits until so many events of the feed are stored.
func (p *process) taken(t *testing.T, n int) {
	t.Helper()
	var l ledger
	for range 3000 {
		if l = p.ledger(t, "orders"); l.Stored >= int64(n) && l.Pending == 0 {
			return
		}
		<-time.After(20 * time.Millisecond)
	}
	t.Fatalf("%d events were to be taken: %+v", n, l)
}

// storeSecret stores a secret of the deployment, as an operator does.
func storeSecret(t *testing.T, data, name, value string) {
	t.Helper()
	c := exec.Command(program, "-secret", name)
	c.Env = append(os.Environ(), "DATA_DIR="+data)
	c.Stdin = bytes.NewBufferString(value + "\n")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
