package oidc

import (
	"context"
	"encoding/base32"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/tarnhq/tarn/shared/fault"
)

// factor is what a person proves themselves by beside the password.
type factor struct {
	Secret  []byte // empty: nothing
	Pending []byte // shown to the person, who has not used it yet
	Step    int64  // of the last code that was used, which is good once
}

const (
	factorPath = prefix + "/second-factor"
	codeFactor = "second_factor" // the refusal of who must give a code
)

// checkFactor returns an error unless the code is one of an account that asks for codes.
// A code is good once.
func (p *Provider) checkFactor(ctx context.Context, a account, code string) error {
	if len(a.Factor.Secret) == 0 {
		return nil
	}
	if code == "" {
		return fault.New(fault.Invalid, codeFactor, "Give your password once more, and the code that your app shows.")
	}
	good := false
	err := p.users.change(ctx, a.User.ID, func(now *account) {
		var step int64
		if step, good = totpStepOf(now.Factor.Secret, code, p.now(), now.Factor.Step); good {
			now.Factor.Step = step
		}
	})
	if err == nil && !good {
		return fault.New(fault.Unauthenticated, codeFactor, "Password or code is wrong, or the code was used before.")
	}
	return err
}

// setUp shows who is signed in the secret that their app makes codes from.
func (p *Provider) setUp(w http.ResponseWriter, r *http.Request) {
	a, ok := p.signedIn(w, r)
	if !ok {
		return
	}
	if len(a.Factor.Secret) > 0 {
		p.render(w, http.StatusOK, page{Action: factorPath, Email: a.User.Email, Ending: true, Code: true})
		return
	}
	secret := make([]byte, totpSecret)
	if _, err := io.ReadFull(p.users.random, secret); err != nil {
		p.fail(w, r, err)
		return
	}
	err := p.users.change(r.Context(), a.User.ID, func(now *account) {
		if len(now.Factor.Pending) == 0 {
			now.Factor.Pending = secret
		}
		secret = now.Factor.Pending
	})
	if err != nil {
		p.fail(w, r, err)
		return
	}
	p.render(w, http.StatusOK, p.showing(a, secret))
}

// showing is the page that shows a secret.
func (p *Provider) showing(a account, secret []byte) page {
	text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret)
	link := url.URL{Scheme: "otpauth", Host: "totp", Path: "/Tarn:" + a.User.Email, RawQuery: url.Values{"secret": {text}, "issuer": {"Tarn"}}.Encode()}
	return page{Action: factorPath, Email: a.User.Email, Secret: text, Link: link.String(), Code: true}
}

// confirm begins to ask a person for codes, or ends it. Both need the password and a code.
func (p *Provider) confirm(w http.ResponseWriter, r *http.Request) {
	a, ok := p.signedIn(w, r)
	if !ok {
		return
	}
	code := strings.TrimSpace(r.PostFormValue("code"))
	known, err := p.authenticate(r, a.User.Email, r.PostFormValue("password"), code)
	if err != nil {
		p.refuseFactor(w, r, a, err)
		return
	}
	ending := len(known.Factor.Secret) > 0 // and the code was checked with the password
	done, notice := false, "Your account asks for codes now."
	if ending {
		notice = "Your account asks for no codes any more."
	}
	err = p.users.change(r.Context(), a.User.ID, func(now *account) {
		if ending {
			done, now.Factor = true, factor{}
			return
		}
		var step int64
		step, done = totpStepOf(now.Factor.Pending, code, p.now(), 0)
		if done = done && len(now.Factor.Pending) > 0; done {
			now.Factor = factor{Secret: now.Factor.Pending, Step: step}
		}
	})
	switch {
	case err != nil:
		p.fail(w, r, err)
	case !done:
		p.refuseFactor(w, r, a, fault.New(fault.Unauthenticated, codeFactor, "This is not the code that your app shows."))
	default:
		p.render(w, http.StatusOK, page{Notice: notice})
	}
}

func (p *Provider) refuseFactor(w http.ResponseWriter, r *http.Request, a account, err error) {
	content := page{Action: factorPath, Email: a.User.Email, Ending: true, Code: true}
	if len(a.Factor.Secret) == 0 {
		content = p.showing(a, a.Factor.Pending)
	}
	p.refuseWith(w, r, content, err)
}

// signedIn returns who is signed in with this browser; where nobody is, it has answered.
func (p *Provider) signedIn(w http.ResponseWriter, r *http.Request) (account, bool) {
	found, err := p.sessions.of(r)
	if err != nil {
		p.fail(w, r, err)
		return account{}, false
	}
	if found.User != "" {
		a, err := p.users.get(r.Context(), found.User)
		if err == nil && a.maySign(found.Since) {
			return a, true
		}
	}
	p.render(w, http.StatusUnauthorized, page{Error: "Sign in first, then come back to this page."})
	return account{}, false
}
