package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
)

func TestEachKindOfErrorHasItsStatus(t *testing.T) {
	for kind, status := range map[fault.Kind]int{
		fault.Invalid: 400, fault.Unauthenticated: 401, fault.Denied: 403, fault.NotFound: 404, fault.Conflict: 409,
		fault.TooLarge: 413, fault.Throttled: 429, fault.Unavailable: 503,
	} {
		err := fmt.Errorf("while working: %w", fault.New(kind, "a_code", "what is %s", "wrong").WithHint("do this").Because(errors.New("secret")))
		p := ProblemOf(err)
		if p.Status != status || p.Code != "a_code" || p.Detail != "what is wrong" || p.Hint != "do this" || p.Title != http.StatusText(status) || p.Type != "urn:tarn:problem:a_code" {
			t.Errorf("%v is %+v", kind, p)
		}
	}
}

func TestWhatNobodyGaveAKindIsOurFault(t *testing.T) {
	for name, c := range map[string]struct {
		err    error
		status int
	}{
		"an unknown error":       {errors.New("secret"), 500},
		"a deadline":             {fmt.Errorf("secret: %w", context.DeadlineExceeded), 503},
		"a caller who went away": {context.Canceled, 503},
	} {
		p := ProblemOf(c.err)
		if p.Status != c.status || p.Code == "" || p.Detail == "" || p.Detail == "secret" {
			t.Errorf("%s: %+v", name, p)
		}
	}
}

func TestAProblemStaysAsItIs(t *testing.T) {
	mine := problem(418, "teapot", "short and stout")
	if got := ProblemOf(fmt.Errorf("as it was: %w", mine)); got != mine {
		t.Errorf("%+v", got)
	}
}

func TestLaterIsToldInWholeSeconds(t *testing.T) {
	for after, want := range map[time.Duration]string{0: "1", time.Millisecond: "1", time.Second: "1", 1200 * time.Millisecond: "2", time.Minute: "60"} {
		for _, kind := range []fault.Kind{fault.Throttled, fault.Unavailable} {
			e := fault.New(kind, "later", "later")
			e.RetryAfter = after
			out := httptest.NewRecorder()
			ProblemOf(e).write(out)
			if got := out.Header().Get("Retry-After"); got != want {
				t.Errorf("%v %v: Retry-After %q, want %q", kind, after, got, want)
			}
		}
	}
	if h := ProblemOf(fault.New(fault.Invalid, "never", "never")).GetHeaders(); h.Get("Retry-After") != "" {
		t.Errorf("what can never succeed is to be sent again: %v", h)
	}
}

func TestWhoIsUnknownLearnsHowToBecomeKnown(t *testing.T) {
	if got := ProblemOf(fault.New(fault.Unauthenticated, "who", "who")).GetHeaders().Get("WWW-Authenticate"); got != `Bearer realm="tarn"` {
		t.Errorf("WWW-Authenticate %q", got)
	}
}

func TestSchemasAreNamedByPackageAndType(t *testing.T) {
	for want, of := range map[string]reflect.Type{
		"Dataset":       reflect.TypeFor[dataset.Dataset](),
		"DatasetColumn": reflect.TypeFor[dataset.Column](),
		"ApiProblem":    reflect.TypeFor[*Problem](),
	} {
		if got := schemaName(of, ""); got != want {
			t.Errorf("%v is named %s, want %s", of, got, want)
		}
	}
}
