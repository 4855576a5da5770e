package oidc

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"math"
	"net/http"
	"net/url"
	"strconv"

	"github.com/ory/fosite"

	"github.com/tarnhq/tarn/shared/fault"
)

//go:embed page.html
var pageSource string

var pageTemplate = template.Must(template.New("page").Parse(pageSource))

// page is what the one page shows: the form when there is an Action, and what went
// wrong or right.
type page struct {
	Action   string // where the form goes
	Email    string // as typed before
	Choose   bool   // a password, with a one-time one
	Code     bool   // ask for a code
	Secret   string // that an app makes codes from
	Link     string // the same, for the app itself
	Ending   bool   // whether giving a code ends that codes are asked for
	ReturnTo string // where the person will be sent, if it is not this server
	Error    string
	Notice   string
	Nonce    string // allows the page's own style and nothing else
	Doors    []door // to other providers
	Onward   *onward
}

// door is another way to sign in.
type door struct{ Label, To string }

// onward is a form that a person sends to another provider.
type onward struct {
	To, Label string
	Fields    url.Values
}

// AppLink is Link, which is no address that a template would trust.
func (c page) AppLink() template.URL { return template.URL(c.Link) } // #nosec G203 -- made here, and escaped by url.Values

func (p *Provider) render(w http.ResponseWriter, status int, content page) {
	content.Nonce = rand.Text()
	returnTo := ""
	if content.ReturnTo != "" {
		returnTo = " " + content.ReturnTo // or browsers will not follow the redirect after the form
	}
	if content.Onward != nil {
		returnTo = " " + originOf(content.Onward.To)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'nonce-"+content.Nonce+"'; form-action 'self'"+returnTo+"; frame-ancestors 'none'; base-uri 'none'")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin") // with none, browsers hide the form's origin from ourselves
	w.WriteHeader(status)
	_ = pageTemplate.Execute(w, content) // the browser may be gone
}

// refuse shows the form again with the reason.
func (p *Provider) refuse(w http.ResponseWriter, r *http.Request, request fosite.AuthorizeRequester, email string, err error) {
	content := p.signInPage(r, request)
	content.Email = email
	p.refuseWith(w, r, content, err)
}

func (p *Provider) refuseWith(w http.ResponseWriter, r *http.Request, content page, err error) {
	var known *fault.Error
	if errors.As(err, &known) {
		content.Choose = known.Code == codeChoose
		content.Code = content.Code || known.Code == codeFactor
	}
	switch fault.KindOf(err) {
	case fault.Unauthenticated, fault.Denied:
		content.Error = known.Message
		p.render(w, http.StatusUnauthorized, content)
	case fault.Invalid:
		content.Error = known.Message
		p.render(w, http.StatusUnprocessableEntity, content)
	case fault.Throttled:
		seconds := int(math.Ceil(known.RetryAfter.Seconds()))
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
		content.Error = fmt.Sprintf("There were too many attempts. Try again in %d min.", (seconds+59)/60)
		p.render(w, http.StatusTooManyRequests, content)
	case fault.Unavailable:
		if known == nil || known.Code != "provider_unreachable" {
			p.fail(w, r, err)
			return
		}
		p.note(r.Context(), err)
		content.Error = known.Message
		p.render(w, http.StatusServiceUnavailable, content)
	default:
		p.fail(w, r, err)
	}
}

// fail tells the person that it is not their fault, and the log whose it is.
func (p *Provider) fail(w http.ResponseWriter, r *http.Request, err error) {
	p.note(r.Context(), err)
	p.render(w, http.StatusServiceUnavailable, page{Action: action(r), Error: "Signing in does not work at the moment. Try again soon."})
}

// note logs what only the operator can mend.
func (p *Provider) note(ctx context.Context, err error) {
	if fosite.ErrorToRFC6749Error(err).CodeField >= http.StatusInternalServerError {
		p.log.ErrorContext(ctx, "sign-in failed", "error", err)
	}
}

// action is the address of the page itself, with all that the client asked for.
func action(r *http.Request) string { return prefix + "/authorize?" + r.URL.RawQuery }

// elsewhere returns the origin that the person will be sent to, if it is not ours.
func (p *Provider) elsewhere(request fosite.AuthorizeRequester) string {
	origin := originOf(request.GetRedirectURI().String())
	if origin == p.base {
		return ""
	}
	return origin
}

func originOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host}).String()
}
