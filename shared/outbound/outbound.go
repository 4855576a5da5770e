// Package outbound is how Tarn calls addresses that a user gave: webhooks, connectors.
// Such a call reaches the public internet alone, or networks that the operator has
// allowed: never this machine, its network or its cloud's metadata. What is checked is
// the address that is connected to, after the name was resolved, so that a name whose
// answer changes between check and use gains nothing.
package outbound

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
)

// Options bound calls. Zero fields have defaults.
type Options struct {
	Allow    Networks      // that are private and may be reached all the same
	Timeout  time.Duration // of a whole call, its answer included; default 10 s
	MaxBytes int64         // of an answer's body; default 1 MiB
	Resolver *net.Resolver // default: the system's
}

const (
	defaultTimeout  = 10 * time.Second
	defaultMaxBytes = 1 << 20
	maxRedirects    = 5
	maxHeaderBytes  = 64 << 10
	maxURL          = 2048
)

// errForbidden is the cause of every refused connection.
var errForbidden = errors.New("outbound: the address is not public, and not in ALLOW_NETWORKS")

// Dialer connects as Options allow, for protocols beside HTTP.
func Dialer(o Options) *net.Dialer {
	return &net.Dialer{Timeout: o.timeout(), KeepAlive: 30 * time.Second, Resolver: o.Resolver,
		ControlContext: func(_ context.Context, network, address string, _ syscall.RawConn) error {
			return o.Allow.check(network, address)
		}}
}

// Client calls URLs as Options allow. It obeys no proxy of the environment, which
// would connect in its place, sends no cookies, and follows a few redirects, each to
// an address that is checked like the first.
func Client(o Options) *http.Client {
	dial := Dialer(o)
	transport := &http.Transport{
		DialContext:            dial.DialContext,
		TLSHandshakeTimeout:    o.timeout(),
		ResponseHeaderTimeout:  o.timeout(),
		MaxResponseHeaderBytes: maxHeaderBytes,
		MaxIdleConns:           100,
		IdleConnTimeout:        30 * time.Second,
		ForceAttemptHTTP2:      true,
	}
	return &http.Client{Transport: bounded{transport, o.maxBytes()}, Timeout: o.timeout(), CheckRedirect: redirect}
}

func (o Options) timeout() time.Duration {
	if o.Timeout == 0 {
		return defaultTimeout
	}
	return o.Timeout
}

func (o Options) maxBytes() int64 {
	if o.MaxBytes == 0 {
		return defaultMaxBytes
	}
	return o.MaxBytes
}

// CheckURL returns nil for an absolute http or https URL without credentials. It
// resolves nothing: whether the address may be reached is known when it is called.
func CheckURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || len(text) > maxURL {
		return badURL("is no URL of at most %d bytes", maxURL)
	}
	return checkURL(u)
}

func checkURL(u *url.URL) error {
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return badURL("begins with neither http nor https")
	case u.Hostname() == "" || strings.ContainsAny(u.Host, "\\ "):
		return badURL("names no host")
	case u.User != nil:
		return badURL("holds credentials")
	}
	return nil
}

func badURL(format string, args ...any) error {
	return fault.New(fault.Invalid, "bad_url", "the URL "+format, args...).WithHint("give an absolute URL: https://example.com/hook")
}

func redirect(next *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return fault.New(fault.Invalid, "too_many_redirects", "the URL redirects more than %d times", maxRedirects)
	}
	if via[len(via)-1].URL.Scheme == "https" && next.URL.Scheme == "http" {
		return badURL("redirects from https to http")
	}
	return checkURL(next.URL)
}

// bounded checks each request, redirected ones too, and ends answers that are too long.
type bounded struct {
	inner http.RoundTripper
	most  int64
}

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := checkURL(r.URL); err != nil {
		if r.Body != nil {
			_ = r.Body.Close() // as a RoundTripper must
		}
		return nil, err
	}
	answer, err := b.inner.RoundTrip(r)
	if errors.Is(err, errForbidden) {
		return nil, fault.New(fault.Invalid, "address_not_allowed", "the URL leads to an address that is not public").
			WithHint("the operator lets connectors and webhooks reach private networks by ALLOW_NETWORKS").Because(err)
	}
	if err != nil {
		return nil, err
	}
	answer.Body = &body{ReadCloser: answer.Body, left: b.most}
	return answer, nil
}

// body fails once more was read than is allowed.
type body struct {
	io.ReadCloser
	left int64
}

func (b *body) Read(p []byte) (int, error) {
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	if int64(n) > b.left {
		n, b.left = int(b.left), 0
		return n, fault.New(fault.TooLarge, "answer_too_large", "the answer is longer than is read of it")
	}
	b.left -= int64(n)
	return n, err
}

// Networks are address ranges.
type Networks []netip.Prefix

// ParseNetworks reads CIDRs that commas or spaces part, as ALLOW_NETWORKS holds them.
func ParseNetworks(text string) (all Networks, err error) {
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' }) {
		p, err := netip.ParsePrefix(part)
		if err != nil {
			return nil, fmt.Errorf("ALLOW_NETWORKS: %q is no network such as 10.0.0.0/8", part)
		}
		all = append(all, p.Masked())
	}
	return all, nil
}

// check decides on an address that is about to be connected to.
func (n Networks) check(network, address string) error {
	if !strings.HasPrefix(network, "tcp") {
		return errForbidden
	}
	at, err := netip.ParseAddrPort(address)
	if err != nil || !n.allowed(at.Addr()) {
		return errForbidden
	}
	return nil
}

func (n Networks) allowed(a netip.Addr) bool {
	a = a.WithZone("").Unmap()
	for _, p := range n {
		if p.Contains(a) {
			return true
		}
	}
	return public(a)
}

// Forbidden reports whether a connection failed because its address may not be reached.
func Forbidden(err error) bool { return errors.Is(err, errForbidden) }
