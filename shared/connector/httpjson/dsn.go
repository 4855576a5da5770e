package httpjson

import (
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/tarnhq/tarn/shared/fault"
)

// address is what a DSN says. All of it is secret.
type address struct {
	base  url.URL // without credential, query and fragment; its path ends in a slash
	user  *url.Userinfo
	query []string // pairs as they stand, which every request has
	token string   // the host that may be asked for tokens beside the base's own
}

func parseDSN(dsn string) (address, error) {
	u, err := url.Parse(dsn)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.Opaque != "" || strings.ContainsAny(u.Host, "\\, ") {
		return address{}, badDSN("the dsn is no URL of an HTTP API") // without the cause, which may quote the password
	}
	if strings.ContainsAny(u.Fragment, "/@?# ") {
		return address{}, badDSN("behind # the dsn has more than the name of the host that gives tokens")
	}
	a := address{base: url.URL{Scheme: u.Scheme, Host: strings.ToLower(u.Host), Path: u.Path, RawPath: u.RawPath}, user: u.User, token: strings.ToLower(u.Fragment)}
	a.base = *a.base.JoinPath("/")
	if u.RawQuery != "" {
		a.query = strings.Split(u.RawQuery, "&")
	}
	return a, nil
}

func badDSN(message string) error {
	return fault.New(fault.Invalid, "bad_dsn", "%s", message).
		WithHint("https://user:secret@api.example.com/v2/ with what is special percent-encoded; settings say how the secret is sent")
}

// credential is the secret part of the user: of one without a password the name.
func (a address) credential() string {
	if password, ok := a.user.Password(); ok {
		return password
	}
	return a.user.Username()
}

// secrets are what no place in an API may be kept with, as they stand and as URLs have them.
func (a address) secrets() (all []string) {
	add := func(s string) {
		if s != "" {
			all = append(all, s, url.QueryEscape(s), url.PathEscape(s))
		}
	}
	add(a.credential())
	for _, pair := range a.query {
		_, value, _ := strings.Cut(pair, "=")
		if plain, err := url.QueryUnescape(value); err == nil {
			add(plain)
		}
	}
	return all
}

// table returns the URL of a table, which is a path and a query below the base.
func (a address) table(name string) (*url.URL, error) {
	bad := fault.New(fault.Invalid, "bad_table", "%.80q is no path below the dsn's", name).
		WithHint(`give a path and a query such as "orders?status=any", which begin with no slash`)
	u, err := url.Parse(name)
	if err != nil || u.IsAbs() || u.Host != "" || u.User != nil || u.Fragment != "" || strings.HasPrefix(name, "/") || strings.ContainsRune(u.Path, '\\') {
		return nil, bad
	}
	if clean := path.Clean("/" + u.Path); clean != "/"+strings.TrimSuffix(u.Path, "/") && u.Path != "" {
		return nil, bad // a dot or two, or an empty part
	}
	full := a.base
	full.Path += u.Path
	full.RawPath = a.base.EscapedPath() + u.EscapedPath()
	full.RawQuery = u.RawQuery
	return &full, nil
}

// signed returns a URL with those pairs of the DSN's query that it lacks.
func (a address) signed(u *url.URL) *url.URL {
	out := *u
	pairs := pairsOf(u.RawQuery)
	for _, pair := range a.query {
		if !has(pairs, nameOf(pair)) {
			pairs = append(pairs, pair)
		}
	}
	out.RawQuery = strings.Join(pairs, "&")
	return &out
}

// relative returns a URL of the API without its origin and without what signed adds.
func (a address) relative(u *url.URL) string {
	var kept []string
	for _, pair := range pairsOf(u.RawQuery) {
		if !has(a.query, nameOf(pair)) {
			kept = append(kept, pair)
		}
	}
	return (&url.URL{Path: u.Path, RawPath: u.RawPath, RawQuery: strings.Join(kept, "&")}).String()
}

// with returns a query in which a parameter has a value. What else is in it stays as it is
// written: APIs differ in the escapes that they read.
func with(query, name, value string) string {
	pairs := slices.DeleteFunc(pairsOf(query), func(pair string) bool { return nameOf(pair) == name })
	return strings.Join(append(pairs, url.QueryEscape(name)+"="+url.QueryEscape(value)), "&")
}

func pairsOf(query string) []string {
	if query == "" {
		return nil
	}
	return strings.Split(query, "&")
}

func nameOf(pair string) string {
	name, _, _ := strings.Cut(pair, "=")
	if plain, err := url.QueryUnescape(name); err == nil {
		return plain
	}
	return name
}

func has(pairs []string, name string) bool {
	for _, pair := range pairs {
		if nameOf(pair) == name {
			return true
		}
	}
	return false
}

// follow returns the URL that a link on a page leads to, if it is one of the API's origin.
// Behind a proxy that ends TLS, APIs call themselves http: such a link is followed by https.
func (a address) follow(from *url.URL, link string) (*url.URL, error) {
	u, err := from.Parse(link)
	if err != nil {
		return nil, fault.New(fault.Invalid, "bad_next", "the link to the next page is no URL")
	}
	if a.base.Scheme == "https" && u.Scheme == "http" && u.Port() == "" {
		u.Scheme = "https"
	}
	if !a.own(u) {
		return nil, otherHost("the link to the next page")
	}
	u.User, u.Fragment, u.RawFragment = nil, "", ""
	return u, nil
}

// own reports whether a URL is of the API's origin (RFC 6454).
func (a address) own(u *url.URL) bool {
	return u.Scheme == a.base.Scheme && strings.EqualFold(u.Hostname(), a.base.Hostname()) && port(u) == port(&a.base)
}

func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	return map[string]string{"https": "443", "http": "80"}[u.Scheme]
}

func otherHost(what string) error {
	return fault.New(fault.Invalid, "other_host", "%s leads to another host, scheme or port than the dsn's: the credential is not sent there", what).
		WithHint("give the dsn as the API calls itself")
}
