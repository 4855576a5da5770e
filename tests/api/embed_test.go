package api

import (
	"cmp"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/route"
)

// newShop is a server with a dataset of three countries and the saved queries countries,
// and other.
func newShop(t *testing.T) *clocked {
	t.Helper()
	c := newClocked(t)
	c.owner(t, http.MethodPost, "/v1/datasets", `{"name":"web","kind":"events"}`, http.StatusCreated, nil)
	c.send(t, "web", `[
		{"event":"x","event_id":"1","time":"2026-01-01T01:00:00Z","properties":{"country":"CH","email":"a@example.com"}},
		{"event":"x","event_id":"2","time":"2026-01-01T02:00:00Z","properties":{"country":"DE","email":"b@example.com"}},
		{"event":"x","event_id":"3","time":"2026-01-01T03:00:00Z","properties":{"country":"FR","email":"c@example.com"}}]`)
	for _, name := range []string{"countries", "other"} {
		c.owner(t, http.MethodPut, "/v1/datasets/web/definitions/"+name,
			`{"query":{"measures":["count"],"dimensions":["country"],"time":{"from":"2026-01-01T00:00:00Z","to":"2026-01-02T00:00:00Z"},"order":[{"by":"country"}]}}`, http.StatusOK, nil)
	}
	return c
}

// replaced is a path with values for its parameters; the others are absent.
func replaced(path string, values map[string]string) string {
	return parameter.ReplaceAllStringFunc(path, func(name string) string {
		return cmp.Or(values[strings.Trim(name, "{}")], "absent")
	})
}

var parameter = regexp.MustCompile(`\{\w+\}`)

// embed makes a token with a key.
func (c *clocked) embed(t *testing.T, key, body string, want int) string {
	t.Helper()
	out := c.ask(http.MethodPost, "/v1/embed-tokens", key, []byte(body), nil)
	var made struct{ Token string }
	if err := json.Unmarshal(out.Body.Bytes(), &made); err != nil || out.Code != want {
		t.Fatalf("%s: %d %s, want %d", body, out.Code, out.Body, want)
	}
	return made.Token
}

// countries are those that the holder of a token sees.
func (c *clocked) countries(t *testing.T, token, query string) (seen []string) {
	t.Helper()
	out := c.ask(http.MethodGet, "/v1/saved/countries"+query, token, nil, nil)
	var rows []struct{ Country string }
	if err := json.Unmarshal(out.Body.Bytes(), &rows); err != nil || out.Code != http.StatusOK {
		t.Fatalf("%d %s", out.Code, out.Body)
	}
	for _, row := range rows {
		seen = append(seen, row.Country)
	}
	return seen
}

const notFrance = `{"saved":"countries","filters":[{"column":"country","op":"!=","value":"FR"}]}`

func TestTheFiltersOfAnEmbedTokenCannotBeWidened(t *testing.T) {
	t.Parallel()
	c := newShop(t)
	token := c.embed(t, c.keys[access.Owner], notFrance, http.StatusCreated)
	for query, want := range map[string][]string{
		"": {"CH", "DE"},
		"?from=2026-01-01T02:00:00Z&to=2026-01-01T04:00:00Z":                                         {"DE"},
		"?from=2000-01-01T00:00:00Z&to=2030-01-01T00:00:00Z":                                         {"CH", "DE"},
		`?filter={"column":"country","op":"=","value":"FR"}&filters=[]&dimensions=email&token=owner`: {"CH", "DE"},
	} {
		if diff := gocmp.Diff(want, c.countries(t, token, query)); diff != "" {
			t.Errorf("%q: %s", query, diff)
		}
	}
}

func TestAnEmbedTokenShowsNoMoreThanItsMakerSees(t *testing.T) {
	t.Parallel()
	c := newShop(t)
	c.owner(t, http.MethodPost, "/v1/row-filters", `{"dataset":"web","roles":["editor"],"filter":{"column":"country","op":"in","attribute":"country"}}`, http.StatusCreated, nil)
	editor := c.newKey(t, map[string]any{"name": "e", "role": "editor", "attributes": map[string]any{"country": []string{"CH", "FR"}}})
	token := c.embed(t, editor, notFrance, http.StatusCreated)
	if diff := gocmp.Diff([]string{"CH"}, c.countries(t, token, "")); diff != "" {
		t.Error(diff)
	}
	c.owner(t, http.MethodPost, "/v1/masks", `{"dataset":"web","roles":["editor"],"column":"email","mask":"hash"}`, http.StatusCreated, nil)
	for _, filter := range []string{
		`{"column":"email","op":"=","value":"a@example.com"}`,
		`{"not":{"or":[{"column":"email","op":"=","value":"a@example.com"}]}}`,
		`{"column":"properties.email","op":"=","value":"a@example.com"}`,
	} {
		c.embed(t, editor, `{"saved":"countries","filters":[`+filter+`]}`, http.StatusForbidden)
	}
}

func TestAnEmbedTokenIsGoodForItsQueryAloneAndOnNoOtherRoute(t *testing.T) {
	t.Parallel()
	c := newShop(t)
	token := c.embed(t, c.keys[access.Owner], notFrance, http.StatusCreated)
	for _, r := range route.All {
		if r.Action == "" {
			continue
		}
		for _, body := range []string{"", "{}", notFrance, `{"dataset":"web","measures":["count"]}`, `[{"event":"x"}]`} {
			path := replaced(r.Path, map[string]string{"dataset": "web", "name": "other"})
			if out := c.ask(r.Method, path, token, []byte(body), nil); out.Code != http.StatusForbidden && out.Code != http.StatusUnauthorized {
				t.Errorf("%s %s: %d %s", r.Method, path, out.Code, out.Body)
			}
		}
	}
	c.pass(access.EmbedLife)
	if out := c.ask(http.MethodGet, "/v1/saved/countries", token, nil, nil); out.Code != http.StatusUnauthorized {
		t.Errorf("after it expired: %d %s", out.Code, out.Body)
	}
}

func TestWhatIsNoEmbedTokenIsRefusedWhenItIsMade(t *testing.T) {
	t.Parallel()
	c := newShop(t)
	key := c.keys[access.Owner]
	for body, want := range map[string]int{
		`{"saved":"nothing"}`:               http.StatusNotFound,
		`{}`:                                http.StatusBadRequest,
		`[]`:                                http.StatusBadRequest,
		notFrance + notFrance:               http.StatusBadRequest,
		`{"saved":"countries","filter":[]}`: http.StatusBadRequest,
		`{"saved":"countries","filters":[{"column":"no_such","op":"=","value":"x"}]}`:              http.StatusBadRequest,
		`{"saved":"countries","filters":[{"column":"country","op":"=","attribute":"country"}]}`:    http.StatusBadRequest,
		`{"saved":"countries","filters":[{}]}`:                                                     http.StatusBadRequest,
		`{"saved":"countries","expires":"` + c.now().Add(25*time.Hour).Format(time.RFC3339) + `"}`: http.StatusBadRequest,
		`{"saved":"countries","expires":"2000-01-01T00:00:00Z"}`:                                   http.StatusBadRequest,
	} {
		c.embed(t, key, body, want)
	}
	bound := c.newKey(t, map[string]any{"name": "b", "role": "owner", "dataset": "app"})
	c.embed(t, bound, notFrance, http.StatusForbidden)
}
