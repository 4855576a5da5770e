package oidc

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/table"
)

// sessions remembers who signed in with which browser, so that they need not do so
// again at once. A session is only ever a reason not to ask for the password.
type sessions struct {
	table  table.Table
	now    func() time.Time
	random io.Reader
}

type session struct {
	User  string    // id
	Since time.Time // when the password was given
}

const cookieName = "tarn_session"

// begin starts a session and gives the browser its cookie.
func (s sessions) begin(ctx context.Context, w http.ResponseWriter, base, user string) (session, error) {
	secret, err := newSecret(s.random)
	if err != nil {
		return session{}, err
	}
	begun := session{User: user, Since: s.now().UTC()}
	body, err := json.Marshal(begun)
	if err != nil {
		return session{}, err
	}
	item := table.Item{Key: at("sessions", hashed(secret)), Body: body, Expires: begun.Since.Add(sessionLife)}
	if err := s.table.Commit(ctx, table.Put(item)); err != nil {
		return session{}, err
	}
	http.SetCookie(w, cookie(base, secret, int(sessionLife.Seconds())))
	return begun, nil
}

// of returns the session that the browser is in, or the zero session.
func (s sessions) of(r *http.Request) (session, error) {
	c, err := r.Cookie(cookieName)
	if err != nil {
		return session{}, nil
	}
	item, err := s.table.Get(r.Context(), at("sessions", hashed(c.Value)))
	if fault.Is(err, fault.NotFound) {
		return session{}, nil
	}
	if err != nil {
		return session{}, err
	}
	var found session
	if err := json.Unmarshal(item.Body, &found); err != nil {
		return session{}, err
	}
	if s.now().Sub(found.Since) >= sessionLife {
		return session{}, nil
	}
	return found, nil
}

// end ends the session that the browser is in, if any.
func (s sessions) end(w http.ResponseWriter, r *http.Request, base string) error {
	c, err := r.Cookie(cookieName)
	if err != nil {
		return nil
	}
	http.SetCookie(w, cookie(base, "", -1))
	return s.table.Commit(r.Context(), table.Delete(at("sessions", hashed(c.Value))))
}

func cookie(base, value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: cookieName, Value: value, MaxAge: maxAge, Path: prefix,
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: strings.HasPrefix(base, "https:"),
	}
}
