package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// shopSecret is what the API asks for. The text is nowhere else in the program.
const shopSecret = "s3cret-of-the-shop-51f0"

// shop is somebody's HTTP API: orders by pages of 100 that headers link, with a quota that
// is used up now and then.
type shop struct {
	mu      sync.Mutex
	orders  []order
	asked   int
	reached chan struct{} // at the tenth page
}

type order struct {
	ID      int       `json:"id"`
	Amount  float64   `json:"amount"`
	Changed time.Time `json:"changed"`
}

func newShop(n int) *shop {
	s := &shop{reached: make(chan struct{})}
	for i := range n {
		s.orders = append(s.orders, order{ID: i + 1, Amount: float64(i%100) / 4, Changed: time.Date(2026, 3, 28, 0, 0, i, 0, time.UTC)})
	}
	return s
}

func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, secret, _ := r.BasicAuth(); secret != shopSecret {
		http.Error(w, secret, http.StatusUnauthorized)
		return
	}
	if s.asked++; s.asked%25 == 0 {
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	if s.asked == 10 {
		close(s.reached)
	}
	q := r.URL.Query()
	since, _ := time.Parse(time.RFC3339, q.Get("since"))
	after, _ := strconv.Atoi(q.Get("after"))
	page := []order{}
	for _, o := range s.orders {
		if o.ID > after && !o.Changed.Before(since) && len(page) < 100 {
			page = append(page, o)
		}
	}
	if len(page) == 100 {
		q.Set("after", strconv.Itoa(page[99].ID))
		w.Header().Set("Link", "<?"+q.Encode()+`>; rel="next"`)
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"orders": page})
}

// change raises the amount of every seventh order.
func (s *shop) change() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := 0; i < len(s.orders); i += 7 {
		s.orders[i].Amount++
		s.orders[i].Changed = s.orders[i].Changed.Add(24 * time.Hour)
	}
}

func (s *shop) totals() []any {
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := 0.0
	for _, o := range s.orders {
		sum += o.Amount
	}
	return []any{float64(len(s.orders)), sum}
}

func TestAnHTTPAPIIsMirroredWhileTheServerIsKilled(t *testing.T) {
	api := newShop(2000)
	server := httptest.NewServer(api)
	defer server.Close()
	dsn := func(secret string) string {
		u, _ := url.Parse(server.URL)
		u.User = url.UserPassword("tarn", secret)
		return u.String()
	}
	data := t.TempDir()
	t.Setenv("ALLOW_NETWORKS", "127.0.0.0/8")
	p := start(t, data)
	p.call(t, http.MethodPost, "/v1/connectors", map[string]any{"name": "crm", "kind": "http", "dsn": dsn(shopSecret),
		"settings": map[string]any{"since": map[string]any{"param": "since"}},
		"tables":   []any{map[string]any{"table": "orders?status=any", "dataset": "orders", "cursor": "changed", "key": []string{"id"}}}}, nil)
	p.call(t, http.MethodPost, "/v1/connectors/crm/sync", nil, nil)
	<-api.reached
	p.kill(t)
	p = start(t, data)
	p.sync(t, 1)
	if diff := cmp.Diff(api.totals(), p.orderTotals(t)); diff != "" {
		t.Errorf("-API +dataset:\n%s", diff)
	}
	for range 2 {
		api.change()
		p.sync(t, 1)
		if diff := cmp.Diff(api.totals(), p.orderTotals(t)); diff != "" {
			t.Errorf("after changes, -API +dataset:\n%s", diff)
		}
	}

	p.call(t, http.MethodPatch, "/v1/connectors/crm", map[string]any{"dsn": dsn("wrong-" + shopSecret)}, nil)
	refused, err := p.do(t.Context(), http.MethodPost, "/v1/connectors/crm/test", nil, nil)
	if err != nil || refused.status != http.StatusBadRequest || !strings.Contains(string(refused.body), "source_refused") {
		t.Errorf("with a wrong secret: %d %s %v", refused.status, refused.body, err)
	}
	shown, err := p.do(t.Context(), http.MethodGet, "/v1/connectors/crm", nil, nil)
	for what, text := range map[string]string{"the log": p.output.String(), "an error": string(refused.body), "an answer": fmt.Sprint(string(shown.body), err)} {
		if strings.Contains(text, shopSecret) {
			t.Errorf("the secret is in %s: %s", what, text)
		}
	}
}
