package api

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/tarnhq/tarn/shared/fault"
)

// Web is how browsers are to treat what is served.
type Web struct {
	origins map[string]bool // of other sites whose pages may call
	tls     bool            // browsers are to insist on HTTPS
}

// NewWeb reads the origins that commas or spaces part, none of them a wildcard, and
// where the server is reached. Browsers insist on HTTPS where that is a name of its
// own: on localhost they would insist for every other server there.
func NewWeb(origins, at string) (Web, error) {
	w := Web{origins: map[string]bool{}}
	for _, o := range strings.FieldsFunc(origins, func(r rune) bool { return r == ',' || r == ' ' }) {
		u, err := url.Parse(o)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.Contains(o, "*") || o != u.Scheme+"://"+strings.ToLower(u.Host) {
			return Web{}, fmt.Errorf("%q is no origin such as https://shop.example.com", o)
		}
		w.origins[o] = true
	}
	if u, err := url.Parse(at); err == nil && u.Scheme == "https" {
		w.tls = u.Hostname() != "localhost" && net.ParseIP(u.Hostname()) == nil
	}
	return w, nil
}

// Web sets how browsers are to treat what is served; without it, no other site's page
// may call.
func (s *Server) Web(w Web) { s.web = w }

// Header values that every answer shares; pages have a policy of their own.
var (
	nothing     = []string{"default-src 'none'; frame-ancestors 'none'"}
	nosniff     = []string{"nosniff"}
	noReferrer  = []string{"no-referrer"}
	deny        = []string{"DENY"}
	yearOfTLS   = []string{"max-age=31536000; includeSubDomains"}
	varyOrigin  = []string{"Origin"}
	mayBeRead   = []string{"Tarn-Version, Retry-After, RateLimit, RateLimit-Policy, ETag"}
	mayBeSent   = []string{"Authorization, Content-Type, Content-Encoding, If-None-Match"}
	methods     = []string{"GET, POST, PUT, PATCH, DELETE"}
	rememberFor = []string{"3600"} // seconds
)

// serve sets the headers of an answer and reports whether it is complete: a preflight
// is.
func (web Web) serve(w http.ResponseWriter, r *http.Request) bool {
	h := w.Header()
	h["Content-Security-Policy"], h["X-Content-Type-Options"], h["Referrer-Policy"], h["X-Frame-Options"] = nothing, nosniff, noReferrer, deny
	if web.tls {
		h["Strict-Transport-Security"] = yearOfTLS
	}
	if len(web.origins) == 0 {
		return false
	}
	h["Vary"] = varyOrigin
	origin := r.Header.Get("Origin")
	if !web.origins[origin] {
		return false
	}
	h["Access-Control-Allow-Origin"] = []string{origin} // and no credentials: callers are known by what they send
	h["Access-Control-Expose-Headers"] = mayBeRead
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	h["Access-Control-Allow-Methods"], h["Access-Control-Allow-Headers"], h["Access-Control-Max-Age"] = methods, mayBeSent, rememberFor
	w.WriteHeader(http.StatusNoContent)
	return true
}

// checkPath refuses paths that two readers may read as two places. Names hold neither
// slashes nor dots alone, so that no honest caller sends one.
func checkPath(u *url.URL) error {
	raw := u.EscapedPath()
	trick := !strings.HasPrefix(raw, "/") || strings.Contains(raw, "//") || strings.ContainsAny(u.Path, "\x00\\")
	if lower := strings.ToLower(raw); strings.Contains(lower, "%2f") {
		trick = true
	}
	for part := range strings.SplitSeq(u.Path, "/") {
		trick = trick || part == "." || part == ".."
	}
	if trick {
		return fault.New(fault.Invalid, "bad_path", "the path is not in its plain form").
			WithHint("leave out empty and dotted segments, backslashes, NULs and encoded slashes")
	}
	return nil
}
