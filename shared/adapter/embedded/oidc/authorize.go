package oidc

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ory/fosite"

	"github.com/tarnhq/tarn/shared/fault"
)

// askToSignIn answers a client that wants a person signed in: with a code if this
// browser is in a session, else with the page.
func (p *Provider) askToSignIn(w http.ResponseWriter, r *http.Request) {
	request, ok := p.authorizeRequest(w, r)
	if !ok {
		return
	}
	found, err := p.sessions.of(r)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	form := request.GetRequestForm()
	prompt := strings.Fields(form.Get("prompt"))
	if found.User != "" && !slices.Contains(prompt, "login") && !tooOld(found, form.Get("max_age"), p.now()) {
		a, err := p.users.get(r.Context(), found.User)
		if err == nil && a.maySign(found.Since) {
			p.sendCode(w, r, request, found)
			return
		}
		if err != nil && !fault.Is(err, fault.NotFound) {
			p.fail(w, r, err)
			return
		}
	}
	if slices.Contains(prompt, "none") {
		p.oauth.WriteAuthorizeError(r.Context(), w, request, fosite.ErrLoginRequired)
		return
	}
	p.render(w, http.StatusOK, p.signInPage(r, request))
}

// signIn takes the page's form.
func (p *Provider) signIn(w http.ResponseWriter, r *http.Request) {
	request, ok := p.authorizeRequest(w, r)
	if !ok {
		return
	}
	email, password := strings.TrimSpace(r.PostForm.Get("email")), r.PostForm.Get("password")
	a, err := p.authenticate(r, email, password, strings.TrimSpace(r.PostForm.Get("code")))
	if err == nil && !a.Once.IsZero() {
		if err = p.choosePassword(r.Context(), a, password, r.PostForm.Get("new_password")); err == nil {
			p.tell(r, Event{What: PasswordChanged, User: a.User})
		}
	}
	if err != nil {
		p.refuse(w, r, request, email, err)
		return
	}
	begun, err := p.sessions.begin(r.Context(), w, p.base, a.User.ID)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	p.tell(r, Event{What: SignedIn, User: a.User})
	p.sendCode(w, r, request, begun)
}

// authenticate returns the person with this address and password, and with a code if
// the account asks for one. Who fails is told of.
func (p *Provider) authenticate(r *http.Request, email, password, code string) (account, error) {
	a, err := p.prove(r, email, password, code)
	if err != nil {
		p.tellRefusal(r, email, "", err)
	}
	return a, err
}

// prove is authenticate. An unknown address is as wrong, and takes as long, as a wrong
// password; that an account is disabled is told only to who knows its password.
func (p *Provider) prove(r *http.Request, email, password, code string) (account, error) {
	ctx := r.Context()
	attempt := p.attempts.of(r, email)
	if err := p.attempts.begin(ctx, attempt); err != nil {
		return account{}, err
	}
	a, err := p.users.find(ctx, email)
	known := err == nil
	if !known && !fault.Is(err, fault.NotFound) {
		return account{}, err
	}
	if !known {
		a.Password = p.users.cost
	}
	right, err := p.users.matches(ctx, a.Password, password)
	if err != nil {
		return account{}, err
	}
	if !known || !right {
		return account{}, fault.New(fault.Unauthenticated, "wrong_password", "E-mail address or password is wrong.")
	}
	if !a.Once.IsZero() && !p.now().Before(a.Once) {
		return account{}, fault.New(fault.Denied, "invitation_expired", "This one-time password has expired. Ask for another invitation.")
	}
	if a.User.Disabled {
		return account{}, fault.New(fault.Denied, "disabled", "This account is disabled. Ask an administrator to enable it.")
	}
	if err := p.checkFactor(ctx, a, code); err != nil {
		if code == "" { // nothing was guessed
			err = errors.Join(p.attempts.forgive(ctx, attempt), err)
		}
		return account{}, err
	}
	return a, p.attempts.forgive(ctx, attempt)
}

// codeChoose is the refusal of who must choose a password first.
const codeChoose = "choose_password"

// choosePassword puts the password that an invited person chose in the place of the
// one-time password.
func (p *Provider) choosePassword(ctx context.Context, a account, old, chosen string) error {
	if chosen == "" {
		return fault.New(fault.Invalid, codeChoose, "This password is good for one time. Give it once more, and choose your own.")
	}
	if err := checkPassword(a.User.Email, chosen); err != nil || chosen == old {
		return fault.New(fault.Invalid, codeChoose, "This password will not do: at least %d characters, and neither your e-mail address nor the one-time password.", minPassword)
	}
	hash, err := p.users.hashPassword(ctx, chosen)
	if err != nil {
		return err
	}
	tooLate := false
	err = p.users.change(ctx, a.User.ID, func(now *account) {
		if tooLate = now.Once.IsZero(); !tooLate {
			now.Password, now.Once = hash, time.Time{}
		}
	})
	if err == nil && tooLate {
		return fault.New(fault.Unauthenticated, "wrong_password", "This one-time password was used already.")
	}
	return err
}

// authorizeRequest checks what the client asks for. Where it returns false, it has
// answered: to the client if that may be trusted with an answer, else to the person.
func (p *Provider) authorizeRequest(w http.ResponseWriter, r *http.Request) (fosite.AuthorizeRequester, bool) {
	query := r.URL.Query()
	ctx := context.WithValue(r.Context(), redirectKey{}, query.Get(formRedirect))
	if err := r.ParseForm(); err != nil {
		p.render(w, http.StatusBadRequest, page{Error: "This form could not be read."})
		return nil, false
	}
	r.Form = query // what the page's form holds is no part of the request
	request, err := p.oauth.NewAuthorizeRequest(ctx, r)
	if err == nil && (query.Get(formMethod) != "S256" || len(query.Get(formChallenge)) != 43) {
		err = fosite.ErrInvalidRequest.WithHint("PKCE is required: a code_challenge of 43 characters with code_challenge_method S256.")
	}
	if err == nil {
		request.GetRequestForm().Del("id_token_hint") // a session is checked by its cookie alone
		return request, true
	}
	if request.IsRedirectURIValid() {
		p.oauth.WriteAuthorizeError(ctx, w, request, err)
	} else {
		p.render(w, http.StatusBadRequest, page{Error: "The application that sent you here made a mistake: " + fosite.ErrorToRFC6749Error(err).HintField})
	}
	return nil, false
}

// sendCode sends the browser back to the client with a code.
func (p *Provider) sendCode(w http.ResponseWriter, r *http.Request, request fosite.AuthorizeRequester, s session) {
	ctx := r.Context()
	for _, scope := range request.GetRequestedScopes() {
		request.GrantScope(scope)
	}
	nonce := request.GetRequestForm().Get(formNonce)
	answer, err := p.oauth.NewAuthorizeResponse(ctx, request, newSession(s.User, nonce, s.Since))
	if err != nil {
		p.note(ctx, err)
		p.oauth.WriteAuthorizeError(ctx, w, request, err)
		return
	}
	p.oauth.WriteAuthorizeResponse(ctx, w, request, answer)
}

// logout ends this browser's session. Refresh tokens are the client's to forget.
func (p *Provider) logout(w http.ResponseWriter, r *http.Request) {
	ended, err := p.sessions.of(r)
	if err == nil {
		err = p.sessions.end(w, r, p.base)
	}
	if err != nil {
		p.note(r.Context(), err)
		p.render(w, http.StatusServiceUnavailable, page{Error: "You could not be signed out. Try again in a moment."})
		return
	}
	if a, err := p.users.get(r.Context(), ended.User); err == nil && ended.User != "" {
		p.tell(r, Event{What: SignedOut, User: a.User})
	}
	to := r.FormValue("post_logout_redirect_uri")
	if to == "" {
		to = r.FormValue("logout_uri") // as Cognito has it
	}
	if mayReturnTo(p.base, to) {
		http.Redirect(w, r, to, http.StatusSeeOther)
		return
	}
	p.render(w, http.StatusOK, page{Notice: "You are signed out."})
}

// tooOld reports whether a session began longer ago than the client accepts.
func tooOld(s session, maxAge string, now time.Time) bool {
	seconds, err := strconv.Atoi(maxAge)
	return err == nil && now.Sub(s.Since) > time.Duration(seconds)*time.Second
}
