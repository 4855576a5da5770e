package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// ran is how a command ended.
type ran struct {
	code     int
	out, err string
}

// typed types a command, in an environment.
func typed(ctx context.Context, t *testing.T, env map[string]string, in string, args ...string) ran {
	t.Helper()
	if env["TARN_CONFIG"] == "" {
		env["TARN_CONFIG"] = filepath.Join(t.TempDir(), "config.json")
	}
	var out, errs bytes.Buffer
	a := &app{in: strings.NewReader(in), out: &out, err: &errs, env: func(name string) string { return env[name] }, now: time.Now}
	code := a.run(ctx, args)
	return ran{code, out.String(), errs.String()}
}

// serving answers every request so.
func serving(t *testing.T, h http.HandlerFunc) map[string]string {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return map[string]string{"TARN_URL": s.URL, "TARN_KEY": "tarn_k"}
}

func problem(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"type":"urn:tarn:problem:x","title":%q,"status":%d,"code":"x","detail":"what is wrong","hint":"what to do"}`, http.StatusText(status), status)
}

func TestScriptsTellByTheExitCodeWhatHappened(t *testing.T) {
	for status, want := range map[int]int{200: 0, 400: 1, 404: 1, 409: 1, 413: 1, 500: 1, 401: 4, 403: 4, 429: 5, 502: 5, 503: 5, 504: 5} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			env := serving(t, func(w http.ResponseWriter, _ *http.Request) {
				if status == 200 {
					_, _ = io.WriteString(w, `{"id":"me"}`)
					return
				}
				problem(w, status)
			})
			if got := typed(t.Context(), t, env, "", "--tries", "1", "whoami"); got.code != want {
				t.Errorf("code %d, want %d: %s", got.code, want, got.err)
			}
		})
	}
}

func TestARefusalIsToldWithItsTitleDetailAndHint(t *testing.T) {
	env := serving(t, func(w http.ResponseWriter, _ *http.Request) { problem(w, 400) })
	got := typed(t.Context(), t, env, "", "whoami")
	if diff := cmp.Diff("tarn: Bad Request: what is wrong\nhint: what to do\n", got.err); diff != "" || got.out != "" {
		t.Errorf("printed %q (-want +got):\n%s", got.out, diff)
	}
	got = typed(t.Context(), t, env, "", "--json", "whoami")
	if !strings.HasPrefix(got.err, `{"type":"urn:tarn:problem:x"`) {
		t.Errorf("with --json: %s", got.err)
	}
}

func TestWhatStandsBetweenMayRefuseInItsOwnWords(t *testing.T) {
	for body, want := range map[string]string{
		"<html>no":       "tarn: Forbidden\n",
		"blocked by a":   "tarn: Forbidden: blocked by a\n",
		`{"message":"x"`: "tarn: Forbidden: {\"message\":\"x\"\n",
	} {
		env := serving(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, body, http.StatusForbidden) })
		if got := typed(t.Context(), t, env, "", "whoami"); got.err != want || got.code != codeDenied {
			t.Errorf("%q: code %d, %q, want %q", body, got.code, got.err, want)
		}
	}
}

func TestWhatIsTurnedAwayForNowIsSentAgain(t *testing.T) {
	var asked atomic.Int32
	env := serving(t, func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) < 3 {
			problem(w, 503)
			return
		}
		_, _ = io.WriteString(w, `{"id":"me"}`)
	})
	if got := typed(t.Context(), t, env, "", "--json", "whoami"); got.code != 0 || asked.Load() != 3 {
		t.Errorf("code %d after %d requests: %s", got.code, asked.Load(), got.err)
	}
}

func TestEventsAreSentAgainWithTheSameIDs(t *testing.T) {
	var bodies []string
	env := serving(t, func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		if bodies = append(bodies, string(text)); len(bodies) == 1 {
			panic(http.ErrAbortHandler) // the answer is lost
		}
		_, _ = io.WriteString(w, `{"accepted":1,"events":[{"event_id":"x","fate":"accepted"}]}`)
	})
	got := typed(t.Context(), t, env, `{"event":"seen"}`, "send", "web")
	if got.code != 0 || len(bodies) != 2 || bodies[0] != bodies[1] || !strings.Contains(bodies[0], `"event_id":"`) {
		t.Errorf("code %d, sent %q: %s", got.code, bodies, got.err)
	}
}

func TestWhatMayHaveBeenDoneIsNotDoneTwice(t *testing.T) {
	var asked atomic.Int32
	env := serving(t, func(http.ResponseWriter, *http.Request) {
		asked.Add(1)
		panic(http.ErrAbortHandler)
	})
	if got := typed(t.Context(), t, env, "", "keys", "create", "a", "--role", "viewer"); got.code != codeUnreachable || asked.Load() != 1 {
		t.Errorf("code %d after %d requests: %s", got.code, asked.Load(), got.err)
	}
}

func TestAnInterruptionEndsAtOnce(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	env := serving(t, func(_ http.ResponseWriter, r *http.Request) {
		interrupt()
		<-r.Context().Done()
	})
	if got := typed(ctx, t, env, "", "whoami"); got.code != codeInterrupted || !strings.Contains(got.err, "interrupted") {
		t.Errorf("code %d: %s", got.code, got.err)
	}
}

func TestARequestHasADeadline(t *testing.T) {
	env := serving(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	if got := typed(t.Context(), t, env, "", "--timeout", "20ms", "--tries", "1", "whoami"); got.code != codeUnreachable {
		t.Errorf("code %d: %s", got.code, got.err)
	}
}

func TestALedgerThatIsWrongIsACheckThatFailed(t *testing.T) {
	for name, c := range map[string]struct {
		document string
		code     int
	}{
		"balances":             {`{"accepted":2,"stored":1,"duplicate":1,"visible":1}`, 0},
		"stays pending":        {`{"accepted":2,"stored":1,"pending":1,"visible":1}`, 3},
		"lost one":             {`{"accepted":2,"stored":1,"visible":1}`, 3},
		"lost one in an hour":  {`{"accepted":1,"stored":1,"visible":1,"hours":[{"hour":"2026-01-01T00:00:00Z","accepted":2,"stored":1}]}`, 3},
		"stored is not to see": {`{"accepted":2,"stored":2,"visible":1}`, 3},
	} {
		t.Run(name, func(t *testing.T) {
			env := serving(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, c.document) })
			got := typed(t.Context(), t, env, "", "ledger", "web", "--wait", "0s")
			if got.code != c.code {
				t.Errorf("code %d, want %d: %s%s", got.code, c.code, got.out, got.err)
			}
		})
	}
}

func TestAJobThatFailsIsACheckThatFailed(t *testing.T) {
	env := serving(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		if r.Header.Get("Last-Event-ID") == "" {
			_, _ = io.WriteString(w, "retry: 1000\nid: 1\nevent: progress\ndata: {\"job_id\":\"j\",\"state\":\"running\",\"total\":4}\n\nid: 2\nda")
			return // the stream breaks off, in the middle of an event
		}
		_, _ = io.WriteString(w, "id: 3\ndata: {\"job_id\":\"j\",\"state\":\"failed\",\"error\":{\"code\":\"c\",\"message\":\"no room\",\"hint\":\"make some\"}}\n\n")
	})
	got := typed(t.Context(), t, env, "", "jobs", "watch", "j")
	if got.code != codeCheck || !strings.Contains(got.err, "job j is failed: no room\nhint: make some") {
		t.Errorf("code %d: %s", got.code, got.err)
	}
}

func TestAKeyGoesToItsOwnServerAlone(t *testing.T) {
	var sent atomic.Value
	env := serving(t, func(w http.ResponseWriter, r *http.Request) {
		sent.Store(r.Header.Get("Authorization"))
		_, _ = io.WriteString(w, `{}`)
	})
	env["TARN_CONFIG"], env["TARN_KEY"] = filepath.Join(t.TempDir(), "config.json"), ""
	config := `{"current":"a","profiles":{"a":{"url":"https://tarn.example","key":"secret"}}}`
	if err := os.WriteFile(env["TARN_CONFIG"], []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := typed(t.Context(), t, env, "", "whoami"); got.code != 0 || sent.Load() != "" {
		t.Errorf("code %d, sent %q: %s", got.code, sent.Load(), got.err)
	}
}

func TestARedirectIsNotFollowedWithTheKey(t *testing.T) {
	var reached atomic.Bool
	other := serving(t, func(http.ResponseWriter, *http.Request) { reached.Store(true) })
	env := serving(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other["TARN_URL"], http.StatusTemporaryRedirect)
	})
	if got := typed(t.Context(), t, env, "", "whoami"); got.code == 0 || reached.Load() {
		t.Errorf("code %d, the other server was reached: %v", got.code, reached.Load())
	}
}
