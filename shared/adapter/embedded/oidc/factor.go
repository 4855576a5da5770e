package oidc

import (
	"context"
	"encoding/base32"
	"net/http"
	"net/url"
	"strings"

	"github.com/tarnhq/tarn/shared/fault"
)

// factor is what a person proves themselves by beside the password.
type factor struct {
	Seed  string // the id of what codes are made from; empty: nothing
	Shown string // of the one that the person has been shown and has not used yet
	Step  int64  // of the last code that was used, which is good once
}

const (
	factorPath = prefix + "/second-factor"
	codeFactor = "second_factor" // the refusal of who must give a code
)

// checkFactor returns an error unless the code is one of an account that asks for codes.
// A code is good once.
func (p *Provider) checkFactor(ctx context.Context, a account, code string) error {
	if a.Factor.Seed == "" {
		return nil
	}
	if code == "" {
		return fault.New(fault.Invalid, codeFactor, "Give your password once more, and the code that your app shows.")
	}
	seed, err := p.seeds.get(ctx, a.User.ID, a.Factor.Seed)
	if err != nil {
		return err
	}
	good := false
	err = p.users.change(ctx, a.User.ID, func(now *account) {
		var step int64
		step, good = totpStepOf(seed, code, p.now(), now.Factor.Step)
		if good = good && now.Factor.Seed == a.Factor.Seed; good {
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
	if a.Factor.Seed != "" {
		p.render(w, http.StatusOK, page{Action: factorPath, Email: a.User.Email, Ending: true, Code: true})
		return
	}
	seed, err := p.shownSeed(r.Context(), a)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	p.render(w, http.StatusOK, p.showing(a, seed))
}

// shownSeed returns the seed that a person is shown until they use it, and makes it at the
// first time.
func (p *Provider) shownSeed(ctx context.Context, a account) ([]byte, error) {
	if a.Factor.Shown != "" {
		return p.seeds.get(ctx, a.User.ID, a.Factor.Shown)
	}
	id, seed, err := p.seeds.create(ctx, a.User.ID, nil)
	if err != nil {
		return nil, err
	}
	shown := ""
	err = p.users.change(ctx, a.User.ID, func(now *account) {
		if now.Factor.Shown == "" {
			now.Factor.Shown = id
		}
		shown = now.Factor.Shown
	})
	if err != nil || shown == id {
		return seed, err
	}
	return p.seeds.get(ctx, a.User.ID, shown) // that of another window, which was faster
}

// showing is the page that shows a seed.
func (p *Provider) showing(a account, seed []byte) page {
	text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(seed)
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
	ending := known.Factor.Seed != "" // and the code was checked with the password
	done, notice, happened := true, "Your account asks for no codes any more.", FactorEnded
	if ending {
		err = p.users.change(r.Context(), a.User.ID, func(now *account) { now.Factor = factor{} })
	} else {
		done, err = p.beginFactor(r.Context(), known, code)
		notice, happened = "Your account asks for codes now.", FactorBegun
	}
	if err == nil && ending {
		err = p.seeds.clear(r.Context(), a.User.ID)
	}
	switch {
	case err != nil:
		p.fail(w, r, err)
	case !done:
		p.refuseFactor(w, r, a, fault.New(fault.Unauthenticated, codeFactor, "This is not the code that your app shows."))
	default:
		p.tell(r, Event{What: happened, User: a.User})
		p.render(w, http.StatusOK, page{Notice: notice})
	}
}

// beginFactor has an account ask for codes of the seed that its person was shown, if they
// have given one.
func (p *Provider) beginFactor(ctx context.Context, a account, code string) (done bool, err error) {
	if a.Factor.Shown == "" {
		return false, nil
	}
	seed, err := p.seeds.get(ctx, a.User.ID, a.Factor.Shown)
	if err != nil {
		return false, err
	}
	step, good := totpStepOf(seed, code, p.now(), 0)
	if !good {
		return false, nil
	}
	err = p.users.change(ctx, a.User.ID, func(now *account) {
		if done = now.Factor == a.Factor; done {
			now.Factor = factor{Seed: a.Factor.Shown, Step: step}
		}
	})
	return done, err
}

func (p *Provider) refuseFactor(w http.ResponseWriter, r *http.Request, a account, err error) {
	content := page{Action: factorPath, Email: a.User.Email, Ending: true, Code: true}
	if a.Factor.Seed == "" {
		seed, seedErr := p.shownSeed(r.Context(), a)
		if seedErr != nil {
			p.fail(w, r, seedErr)
			return
		}
		content = p.showing(a, seed)
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
