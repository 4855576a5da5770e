package oidc

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/ory/fosite"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/federation"
)

// other is a provider that people may sign in with in place of a password.
type other struct {
	federation.Provider
	federation.Party
}

// openOthers opens the parties of the configured providers, in their order.
func openOthers(c Config, v visits) ([]other, error) {
	all := make([]other, 0, len(c.Others))
	for _, provider := range c.Others {
		party, err := federation.Open(provider, federation.Surroundings{
			Client: c.Outbound, Secret: c.Secret, Now: c.Now, Home: v.base + visitPath + "/" + provider.Name, Once: v.once,
		})
		if err != nil {
			return nil, fmt.Errorf("provider %s: %w", provider.Name, err)
		}
		all = append(all, other{provider, party})
	}
	return all, nil
}

func (p *Provider) handleOthers(mux *http.ServeMux) {
	mux.Handle("GET "+visitPath+"/{provider}", p.ofOther(p.leave))
	mux.Handle("GET "+visitPath+"/{provider}/back", p.ofOther(p.back))
	mux.Handle("GET "+visitPath+"/{provider}/metadata", p.ofOther(p.describe))
	mux.Handle("POST "+visitPath+"/{provider}/acs", p.ofOther(p.assertion))
}

// ofOther finds the provider that the path names.
func (p *Provider) ofOther(h func(http.ResponseWriter, *http.Request, other)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		at := slices.IndexFunc(p.others, func(o other) bool { return o.Name == r.PathValue("provider") })
		if at < 0 {
			p.render(w, http.StatusNotFound, page{Error: "Nobody signs in here with such a provider."})
			return
		}
		h(w, r, p.others[at])
	})
}

// leave sends a browser to another provider.
func (p *Provider) leave(w http.ResponseWriter, r *http.Request, to other) {
	request, ok := p.authorizeRequest(w, r)
	if !ok {
		return
	}
	if err := p.attempts.begin(r.Context(), p.attempts.ofVisit(r)); err != nil {
		p.refuse(w, r, request, "", err)
		return
	}
	anew := slices.Contains(strings.Fields(request.GetRequestForm().Get("prompt")), "login")
	errand, err := p.visits.begin(w, r, to.Name, anew)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	sent, err := to.Begin(r.Context(), errand)
	if err != nil {
		p.refuse(w, r, request, "", err)
		return
	}
	if sent.Form == nil {
		http.Redirect(w, r, sent.URL, http.StatusSeeOther)
		return
	}
	p.render(w, http.StatusOK, page{Onward: &onward{To: sent.URL, Label: to.Title(), Fields: sent.Form}})
}

// assertion takes the answer of a SAML provider. It comes by a form of the provider's
// page, without our cookies; the browser is sent on to where it brings them.
func (p *Provider) assertion(w http.ResponseWriter, r *http.Request, from other) {
	if from.Kind != federation.SAML {
		p.render(w, http.StatusNotFound, page{Error: "Nobody signs in here with such a provider."})
		return
	}
	if err := r.ParseForm(); err != nil {
		p.render(w, http.StatusBadRequest, page{Error: "This form could not be read."})
		return
	}
	state := r.PostForm.Get(federation.RelayState)
	found, err := p.visits.find(r.Context(), from.Name, state)
	if err == nil && found.Person != nil {
		err = errNoVisit() // it was answered before
	}
	var who federation.Person
	if err == nil {
		who, err = from.Finish(r.Context(), found.Errand, r.PostForm)
	}
	if err == nil {
		err = p.visits.answered(r.Context(), state, found, who)
	}
	if err != nil {
		p.noteRefusal(r, from, err)
		p.refuseWith(w, r, page{}, err)
		return
	}
	http.Redirect(w, r, visitPath+"/"+from.Name+"/back?state="+url.QueryEscape(state), http.StatusSeeOther)
}

// back ends a visit: the person is signed in, and the client gets its code, as after a
// password.
func (p *Provider) back(w http.ResponseWriter, r *http.Request, from other) {
	over, err := p.visits.end(r, from.Name)
	if err != nil {
		p.noteRefusal(r, from, err)
		p.refuseWith(w, r, page{}, err)
		return
	}
	asked := r.Clone(r.Context())
	asked.URL.RawQuery, asked.Form, asked.PostForm = over.Query, nil, nil
	request, ok := p.authorizeRequest(w, asked)
	if !ok {
		return
	}
	begun, err := p.arrive(w, r, from, over)
	if err != nil {
		p.noteRefusal(r, from, err)
		p.refuse(w, asked, request, "", err)
		return
	}
	p.sendCode(w, asked, request, begun)
}

// arrive begins a session for whom the provider vouches for.
func (p *Provider) arrive(w http.ResponseWriter, r *http.Request, from other, over visit) (session, error) {
	who, err := federation.Person{}, error(nil)
	switch {
	case over.Person != nil:
		who = *over.Person
	case from.Kind == federation.SAML:
		err = errNoVisit() // no assertion came
	default:
		who, err = from.Finish(r.Context(), over.Errand, r.URL.Query())
	}
	if err != nil {
		return session{}, err
	}
	a, err := p.accountOf(r.Context(), from.Provider, who)
	if err != nil {
		return session{}, err
	}
	begun, err := p.sessions.begin(r.Context(), w, p.base, a.User.ID)
	if err == nil {
		p.tell(r, Event{What: SignedIn, User: a.User, Provider: from.Name})
	}
	return begun, err
}

// describe serves what a SAML provider configures itself from.
func (p *Provider) describe(w http.ResponseWriter, r *http.Request, of other) {
	text, err := federation.Metadata(p.base + visitPath + "/" + of.Name)
	if err != nil || of.Kind != federation.SAML {
		p.render(w, http.StatusNotFound, page{Error: "There is no metadata for this provider."})
		return
	}
	w.Header().Set("Content-Type", "application/samlmetadata+xml")
	_, _ = w.Write(text) // the client may be gone
}

// noteRefusal logs why an answer will not do: the person cannot mend it, the operator may.
func (p *Provider) noteRefusal(r *http.Request, from other, err error) {
	p.tellRefusal(r, "", from.Name, err)
	if known := (*fault.Error)(nil); errors.As(err, &known) && known.Kind == fault.Denied {
		p.log.WarnContext(r.Context(), "sign-in with another provider refused", "provider", from.Name, "code", known.Code, "cause", known.Cause)
	}
}

// doors are the buttons of the sign-in page.
func (p *Provider) doors(r *http.Request) (all []door) {
	for _, o := range p.others {
		all = append(all, door{Label: o.Title(), To: visitPath + "/" + o.Name + "?" + r.URL.RawQuery})
	}
	return all
}

// signInPage is the page that asks who somebody is.
func (p *Provider) signInPage(r *http.Request, request fosite.AuthorizeRequester) page {
	return page{Action: action(r), ReturnTo: p.elsewhere(request), Doors: p.doors(r)}
}
