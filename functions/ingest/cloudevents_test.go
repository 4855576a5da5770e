package ingest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	sdk "github.com/cloudevents/sdk-go/v2"
	"github.com/cloudevents/sdk-go/v2/binding"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/access"
)

func TestCloudEventsOfEachModeGoWhereTheirKeySays(t *testing.T) {
	s := newService(t)
	key := s.key(t, access.Producer, "web")
	send := func(header map[string]string, target, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(body))
		for name, value := range header {
			r.Header.Set(name, value)
		}
		out := httptest.NewRecorder()
		s.ServeHTTP(out, r)
		return out
	}
	for _, c := range []struct {
		header             map[string]string
		target, body, want string
	}{
		{map[string]string{"Authorization": "Bearer " + key, "ce-specversion": "1.0", "ce-id": "1", "ce-source": "/s", "ce-type": "t", "Content-Type": "text/plain"},
			"/v1/cloudevents", "hi", `{"accepted":1,"events":[{"event_id":"/s 1","fate":"accepted"}]}`},
		{map[string]string{"Content-Type": "application/cloudevents+json"}, "/v1/cloudevents?write_key=" + key,
			`{"specversion":"1.0","id":"2","source":"/s","type":"t"}`, `{"accepted":1,"events":[{"event_id":"/s 2","fate":"accepted"}]}`},
		{map[string]string{"Content-Type": "application/cloudevents-batch+json"}, "/v1/cloudevents?write_key=" + key,
			`[{"specversion":"1.0","id":"3","source":"/s","type":"t"},{"specversion":"1.0","id":"4","source":"/s","type":""}]`,
			`{"accepted":2,"events":[{"event_id":"/s 3","fate":"accepted"},{"event_id":"/s 4","fate":"quarantined","code":"no_event_name","reason":"an event needs \"type\""}]}`},
	} {
		out := send(c.header, c.target, c.body)
		if out.Code != http.StatusOK || strings.TrimSpace(out.Body.String()) != c.want {
			t.Errorf("%d %s", out.Code, out.Body)
		}
	}
	if diff := cmp.Diff([]string{"web: /s 1", "web: /s 2", "web: /s 3", "web: /s 4"}, s.arrived(t)); diff != "" {
		t.Error(diff)
	}
	if out := send(nil, "/v1/cloudevents?write_key=nobody", `{}`); out.Code != http.StatusUnauthorized {
		t.Errorf("a wrong key: %d", out.Code)
	}
}

// TestTheGoSDKLosesNothingAndSendsNothingTwice has the SDK send to a server that answers
// one request of two as it should, in each mode, and then sends all of it again.
func TestTheGoSDKLosesNothingAndSendsNothingTwice(t *testing.T) {
	s := newService(t)
	troubled := httptest.NewServer(&troubles{serve: s})
	defer troubled.Close()
	address := troubled.URL + "/v1/cloudevents?write_key=" + s.key(t, access.Producer, "web")
	client, err := sdk.NewClientHTTP(cehttp.WithTarget(address))
	if err != nil {
		t.Fatal(err)
	}
	var batch []sdk.Event
	var want []string
	for n := range 20 {
		e := sdk.NewEvent()
		e.SetID(strconv.Itoa(n))
		e.SetSource("/go")
		e.SetType("ordered")
		e.SetTime(noon)
		if err := e.SetData(sdk.ApplicationJSON, map[string]int{"n": n}); err != nil {
			t.Fatal(err)
		}
		batch, want = append(batch, e), append(want, "web: /go "+strconv.Itoa(n))
	}
	for range 2 {
		for n, e := range batch[:len(batch)/2] {
			ctx := sdk.ContextWithRetriesConstantBackoff(t.Context(), time.Microsecond, 10)
			if n%2 == 0 {
				ctx = binding.WithForceStructured(ctx)
			}
			if result := client.Send(ctx, e); !sdk.IsACK(result) {
				t.Fatal(result)
			}
		}
		for answered := false; !answered; { // the SDK makes the request of a batch, and leaves the sending to the program
			r, err := cehttp.NewHTTPRequestFromEvents(t.Context(), address, batch[len(batch)/2:])
			if err != nil {
				t.Fatal(err)
			}
			if out, err := troubled.Client().Do(r); err == nil {
				answered = out.StatusCode == http.StatusOK
				out.Body.Close()
			}
		}
	}
	got := s.arrived(t)
	if len(got) <= 2*len(want) {
		t.Errorf("%d events came of %d sent twice: no answer was lost", len(got), len(want))
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, slices.Compact(got)); diff != "" {
		t.Errorf("ids (-want +got):\n%s", diff)
	}
}

// troubles is a server and what is between: of the requests in turn, some never reach the
// server, and of one the answer is lost.
type troubles struct {
	serve http.Handler
	n     atomic.Int64
}

func (p *troubles) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch p.n.Add(1) % 7 {
	case 0:
		w.WriteHeader(http.StatusTooManyRequests)
	case 1:
		w.WriteHeader(http.StatusServiceUnavailable)
	case 2:
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	case 3:
		_, _ = io.CopyN(io.Discard, r.Body, 10)
		panic(http.ErrAbortHandler)
	case 4:
		p.serve.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	default:
		p.serve.ServeHTTP(w, r)
	}
}
