package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// planted are values that rules for fields keep from being stored. They are nowhere else
// in the program.
var planted = map[string]string{
	"user": "planted-user-41c7", "anonymous": "planted-anonymous-41c7", "session": "planted-session-41c7",
	"mail": "planted-mail-41c7@example.org", "number": "756.9217.0769.85", "address": "198.51.100.207", "address6": "2001:db8:a:b:c:d:e:41c7",
}

// rules are of every treatment: of ids, of properties, and of members of JSON.
var rules = []map[string]any{
	{"field": "user_id", "treat": "hash"}, {"field": "anonymous_id", "treat": "hash"}, {"field": "session_id", "treat": "hash"},
	{"field": "previous_id", "treat": "hash"}, {"field": "mail", "treat": "hash"}, {"field": "profile.mails.mail", "treat": "hash"},
	{"field": "context.traits.mail", "treat": "hash"}, {"field": "number", "treat": "drop"}, {"field": "profile.number", "treat": "drop"},
	{"field": "ip", "treat": "truncate_ip"}, {"field": "context.ip", "treat": "truncate_ip"},
}

// fill replaces the names of planted values, as $user, by them.
func fill(text string) string {
	for _, name := range []string{"address6", "user", "anonymous", "session", "mail", "number", "address"} { // $address6 before $address
		text = strings.ReplaceAll(text, "$"+name, planted[name])
	}
	return text
}

// sendings have a planted value wherever one can be, in events that are stored and in
// those that are refused.
var sendings = []struct{ path, body string }{
	{"/v1/datasets/events/events", `[
		{"event_id": "p1", "event": "seen", "user_id": "$user", "anonymous_id": "$anonymous", "session_id": "$session",
			"properties": {"n": 1, "mail": "$mail", "number": "$number", "ip": "$address", "profile": {"number": "$number", "mails": [{"mail": "$mail"}, {"m\u0061il": "$mail"}]}}},
		{"event_id": "p2", "event": "seen", "user_id": "$user", "properties": {"n": 2, "ip": "$address6", "context": {"ip": "::ffff:$address", "page": "/"}}},
		{"event_id": "p3", "event": "seen", "user_id": "$user", "properties": {"n": 3, "ip": "$address, 10.0.0.1", "mail": {"mail": "$mail"}}},
		{"event_id": "p3", "event": "seen", "user_id": "$user", "properties": {"n": 3}},
		{"event_id": "q1", "user_id": "$user", "properties": {"mail": "$mail", "number": "$number", "ip": "$address"}},
		{"event_id": "q2", "event": "seen", "mail": "$mail", "userId": "$user"},
		{"event_id": "q3", "event": "seen", "time": "then", "anonymous_id": "$anonymous", "session_id": "$session", "properties": {"mail": 1, "mail": "$mail"}}]`},
	{"/v1/datasets/events/events", `{"event_id": "q4", "event": "seen", "user_id": "$user"` + "\n" + `{"event_id": "p4", "event": "seen", "user_id": "$user"}`},
	{"/v1/batch", `{"context": {"ip": "$address6", "traits": {"mail": "$mail"}}, "batch": [
		{"type": "track", "messageId": "p5", "event": "seen", "userId": "$user", "properties": {"mail": "$mail", "number": "$number"}, "mail": "another $mail"},
		{"type": "identify", "messageId": "p6", "userId": "$user", "anonymousId": "$anonymous", "traits": {"mail": "$mail", "number": "$number"}, "properties": {"mail": "$mail"}},
		{"type": "track", "messageId": "p7", "event": "seen", "anonymousId": "$anonymous", "traits": {"mail": "$mail"}, "context": {"ip": "$address", "sessionId": "$session", "traits": {"mail": "$mail"}}},
		{"type": "alias", "messageId": "p8", "userId": "$user", "previousId": "$anonymous"},
		{"type": "track", "messageId": "q5", "userId": "$user", "context": {"ip": "$address"}, "properties": {"mail": "$mail"}},
		{"type": "unheard of", "messageId": "q6", "userId": "$user", "traits": {"number": "$number"}}]}`},
	{"/v1/page", `{"messageId": "p9", "userId": "$user", "context": {"ip": "$address"}, "properties": {"mail": "$mail"}}`},
}

// mended are refused events that a person writes anew, with what they know.
const mended = `{"events": [
	{"event_id": "q1", "event": "seen", "user_id": "$user", "properties": {"mail": "$mail", "number": "$number", "ip": "$address"}},
	{"event_id": "q2", "user_id": "$user", "properties": {"mail": "$mail"}}]}`

// plant sends everything into the dataset events, seals half of it and replays what was
// refused.
func plant(t *testing.T, data string, settings map[string]any) *process {
	t.Helper()
	p := start(t, data)
	p.call(t, http.MethodPost, "/v1/datasets", map[string]any{"name": "events", "kind": "events", "settings": settings}, nil)
	deliver := func(path, body string) {
		t.Helper()
		a, err := p.do(t.Context(), http.MethodPost, path, nil, []byte(fill(body)))
		if err != nil || a.status != http.StatusOK {
			t.Fatalf("%s: %v %d %s", path, err, a.status, a.body)
		}
	}
	for _, s := range sendings {
		deliver(s.path, s.body)
	}
	p.settled(t, "events", 16)
	p.stop(t) // seals
	p = start(t, data)
	p.client.call(t, http.MethodPost, "/v1/exports", map[string]any{"dataset": "events", "format": "csv"}, nil)
	for _, s := range sendings {
		deliver(s.path, s.body) // again: to the tail
	}
	deliver("/v1/datasets/events/quarantine/replay", mended)
	p.settled(t, "events", 32)
	return p
}

// told is what the API tells of the dataset, in many ways.
func (c client) told(t *testing.T) []byte {
	t.Helper()
	var all bytes.Buffer
	for _, path := range []string{"/v1/datasets", "/v1/datasets/events", "/v1/datasets/events/quarantine", "/v1/datasets/events/ledger", "/v1/datasets/events/events?id=p1",
		"/v1/datasets/events/events?id=q2", "/cubejs-api/v1/meta", "/v1/jobs", "/v1/audit"} {
		all.Write(c.call(t, http.MethodGet, path, nil, nil).body)
	}
	columns := []string{"user_id", "anonymous_id", "session_id", "mail", "ip", "profile", "context", "traits", "properties", "message_mail", "previous_id"}
	for _, column := range columns {
		all.Write(c.call(t, http.MethodPost, "/v1/query", map[string]any{"dataset": "events", "measures": []string{"count"}, "dimensions": []string{column}}, nil).body)
	}
	all.Write(c.call(t, http.MethodPost, "/v1/sql", map[string]any{"sql": "select * from events"}, nil).body)
	return all.Bytes()
}

func TestAFieldThatARuleTreatsIsInNoByteOfTheDataFolderAndInNoAnswer(t *testing.T) {
	plain, treated := t.TempDir(), t.TempDir()
	without := plant(t, plain, nil)
	open := without.told(t)
	for name, value := range planted {
		if len(filesWith(t, plain, value)) == 0 || !bytes.Contains(open, []byte(value)) {
			t.Errorf("without rules, the %s is not found: the scan proves nothing", name)
		}
	}
	without.stop(t)
	p := plant(t, treated, map[string]any{"fields": rules})
	told := p.told(t)
	for range 2 {
		for name, value := range planted {
			if files := filesWith(t, treated, value); len(files) > 0 || bytes.Contains(told, []byte(value)) {
				t.Errorf("the %s is in %v; in an answer: %v", name, files, bytes.Contains(told, []byte(value)))
			}
		}
		if strings.Contains(p.output.String(), "41c7") {
			t.Error("the log holds a planted value")
		}
		p.stop(t)
		p = start(t, treated)
	}
}

func TestPeopleAreCountedAndEventsKnownAgainAfterTheirIDsWereHashed(t *testing.T) {
	p := plant(t, t.TempDir(), map[string]any{"fields": rules})
	users := p.rows(t, map[string]any{"dataset": "events", "measures": []any{"count", map[string]any{"name": "users", "op": "count_distinct", "column": "user_id"},
		map[string]any{"name": "mails", "op": "count_distinct", "column": "mail"}}, "filter": map[string]any{"column": "event", "op": "=", "value": "seen"}})
	if got := fmt.Sprint(users); got != "[[7 1 2]]" { // p1 to p5 and p7, and q1 mended; one mail is an object
		t.Errorf("events, users and mails are %s", got)
	}
	if l := p.ledger(t, "events"); l.Accepted != 32 || l.Stored != 10 || l.Pending != 0 {
		t.Errorf("the ledger is %+v", l)
	}
	networks := p.counts(t, map[string]any{"dataset": "events", "measures": []string{"count"}, "dimensions": []string{"ip"}})
	if networks["198.51.100.0"] != "2" || networks["2001:db8:a::"] != "1" || len(networks) != 3 {
		t.Errorf("networks are %v", networks)
	}
}

func TestWhoseIDWasHashedIsFoundAndErasedByTheirOwn(t *testing.T) {
	data := t.TempDir()
	p := plant(t, data, map[string]any{"fields": rules})
	var held struct {
		Rows     int64
		Datasets []struct {
			Quarantined int64
			Events      []map[string]any
		}
	}
	p.call(t, http.MethodGet, "/v1/subjects/"+planted["user"], nil, &held)
	if held.Rows != 9 || len(held.Datasets) != 1 || held.Datasets[0].Quarantined == 0 {
		t.Fatalf("held are %+v", held)
	}
	hash, _ := held.Datasets[0].Events[0]["user_id"].(string)
	if len(filesWith(t, data, hash)) == 0 {
		t.Fatal("the scan finds no hash: it proves nothing after")
	}
	var job struct {
		Job string `json:"job_id"`
	}
	p.call(t, http.MethodPost, "/v1/erasures", map[string]any{"subject": planted["user"]}, &job)
	if j := p.done(t, job.Job); j.Result.Rows != 9 || len(filesWith(t, data, hash)) > 0 {
		t.Errorf("%d rows were erased, and the hash is in %v", j.Result.Rows, filesWith(t, data, hash))
	}
	before := p.ledger(t, "events")
	p.send(t, "events", []map[string]any{{"event_id": "later", "event": "seen", "user_id": planted["user"]}})
	if after := p.settled(t, "events", before.Accepted+1); after.Dropped != before.Dropped+1 {
		t.Errorf("a later event: the ledger went from %+v to %+v", before, after)
	}
	p.call(t, http.MethodGet, "/v1/subjects/"+planted["user"], nil, &held)
	if held.Rows != 0 {
		t.Errorf("%d rows are left", held.Rows)
	}
}
