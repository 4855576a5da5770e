package oidc

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/federation"
	"github.com/tarnhq/tarn/shared/table"
)

// visits remembers the errands of browsers at other providers. A visit ends once, in the
// browser that it began in: whoever makes another browser bring an answer gets nobody
// signed in.
type visits struct {
	table  table.Table
	now    func() time.Time
	random io.Reader
	base   string
}

// visit is an errand, and what is to be done after it.
type visit struct {
	Provider string             // its name
	Browser  string             // the hash of the browser's cookie
	Query    string             // what the client asked of us
	Errand   federation.Visit   // without its state, which is known by its hash alone
	Person   *federation.Person // whom a SAML provider answered, in a request that had no cookie
}

const (
	visitLife   = 10 * time.Minute
	visitCookie = "tarn_visit"
	visitPath   = prefix + "/with"
)

func visitKey(state string) table.Key { return at("visits", hashed(state)) }

// begin starts a visit and gives the browser its cookie, the same for all its tabs.
func (v visits) begin(w http.ResponseWriter, r *http.Request, provider string, anew bool) (federation.Visit, error) {
	var secrets [4]string
	for i := range secrets {
		var err error
		if secrets[i], err = newSecret(v.random); err != nil {
			return federation.Visit{}, err
		}
	}
	browser := secrets[0]
	if c, err := r.Cookie(visitCookie); err == nil && len(c.Value) == len(browser) {
		browser = c.Value
	}
	errand := federation.Visit{Nonce: secrets[1], Verifier: secrets[2], Anew: anew}
	begun := visit{Provider: provider, Browser: hashed(browser), Query: r.URL.RawQuery, Errand: errand}
	item, err := v.item(secrets[3], begun)
	if err != nil {
		return federation.Visit{}, err
	}
	if err := v.table.Commit(r.Context(), table.Put(item)); err != nil {
		return federation.Visit{}, err
	}
	http.SetCookie(w, &http.Cookie{
		Name: visitCookie, Value: browser, MaxAge: int(visitLife.Seconds()), Path: visitPath,
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: strings.HasPrefix(v.base, "https:"),
	})
	errand.State = secrets[3]
	return errand, nil
}

func (v visits) item(state string, of visit) (table.Item, error) {
	body, err := json.Marshal(of)
	return table.Item{Key: visitKey(state), Body: body, Expires: v.now().Add(visitLife)}, err
}

// find returns a visit to a provider that is under way.
func (v visits) find(ctx context.Context, provider, state string) (visit, error) {
	item, err := v.table.Get(ctx, visitKey(state))
	if fault.Is(err, fault.NotFound) || err == nil && !v.now().Before(item.Expires) {
		return visit{}, errNoVisit()
	}
	if err != nil {
		return visit{}, err
	}
	var found visit
	if err := json.Unmarshal(item.Body, &found); err != nil {
		return visit{}, err
	}
	if found.Provider != provider { // an answer meant for another one's address
		return visit{}, errNoVisit()
	}
	found.Errand.State = state
	return found, nil
}

// answered keeps whom a provider answered until the browser comes for it with its cookie.
func (v visits) answered(ctx context.Context, state string, of visit, who federation.Person) error {
	of.Person, of.Errand.State = &who, ""
	item, err := v.item(state, of)
	if err != nil {
		return err
	}
	err = v.table.Commit(ctx, table.Put(item).If(table.Present))
	if fault.Is(err, fault.Conflict) {
		return errNoVisit()
	}
	return err
}

// end returns the visit that this browser is on, and ends it.
func (v visits) end(r *http.Request, provider string) (visit, error) {
	state := r.URL.Query().Get("state")
	found, err := v.find(r.Context(), provider, state)
	if err != nil {
		return visit{}, err
	}
	c, err := r.Cookie(visitCookie)
	if err != nil || subtle.ConstantTimeCompare([]byte(hashed(c.Value)), []byte(found.Browser)) != 1 {
		return visit{}, errNoVisit()
	}
	err = v.table.Commit(r.Context(), table.Delete(visitKey(state)).If(table.Present))
	if fault.Is(err, fault.Conflict) {
		return visit{}, errNoVisit()
	}
	return found, err
}

func errNoVisit() error {
	return fault.New(fault.Denied, "no_visit", "This sign-in was begun in another browser, took too long or is over. Go back to where you came from and sign in again.")
}

// once remembers the id of an assertion for longer than it is good.
func (v visits) once(ctx context.Context, id string) error {
	const memory = 24 * time.Hour
	return v.table.Commit(ctx, table.Put(table.Item{Key: at("assertions", hashed(id)), Expires: v.now().Add(memory)}).If(table.Absent))
}
