package outbound

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
)

// errReached is how the tests see that a connection would have been made.
var errReached = errors.New("the address was let through")

// unconnected is a client that decides as Client does and then connects to nothing.
func unconnected(o Options) *http.Client {
	client := Client(o)
	dial := Dialer(o)
	decide := dial.ControlContext
	dial.ControlContext = func(ctx context.Context, network, address string, c syscall.RawConn) error {
		if err := decide(ctx, network, address, c); err != nil {
			return err
		}
		return errReached
	}
	client.Transport.(bounded).inner.(*http.Transport).DialContext = dial.DialContext
	return client
}

type outcome string

const (
	reached   outcome = "reached"
	forbidden outcome = "address_not_allowed"
	noURL     outcome = "bad_url"
)

func outcomeOf(t *testing.T, client *http.Client, url string) outcome {
	t.Helper()
	_, err := client.Get(url)
	var refused *fault.Error
	switch {
	case errors.Is(err, errReached):
		return reached
	case errors.As(err, &refused):
		return outcome(refused.Code)
	case CheckURL(url) != nil:
		return noURL // net/http refused it before it was asked of us
	}
	t.Errorf("%s: %v", url, err)
	return ""
}

var corpus = map[string]outcome{
	// the public internet
	"http://93.184.215.14/":                   reached,
	"https://1.1.1.1/hook?a=b":                reached,
	"http://8.8.8.8:8080/":                    reached,
	"http://172.15.255.255/":                  reached,
	"http://172.32.0.1/":                      reached,
	"http://100.63.255.255/":                  reached,
	"http://100.128.0.1/":                     reached,
	"http://[2606:4700:4700::1111]/":          reached,
	"http://[2a00:1450:4001:81b::200e]:8443/": reached,
	"http://public.test/":                     reached,
	"https://PUBLIC.test./":                   reached,
	"http://[::ffff:8.8.8.8]/":                reached,

	// this machine
	"http://127.0.0.1/":             forbidden,
	"http://127.0.0.1:8080/v1/keys": forbidden,
	"http://127.1.2.3/":             forbidden,
	"http://127.255.255.255/":       forbidden,
	"http://0.0.0.0/":               forbidden,
	"http://0.1.2.3/":               forbidden,
	"http://[::1]/":                 forbidden,
	"http://[::]/":                  forbidden,
	"http://[0:0:0:0:0:0:0:1]:80/":  forbidden,
	"http://[::ffff:127.0.0.1]/":    forbidden,
	"http://[::ffff:7f00:1]/":       forbidden,
	"http://[::127.0.0.1]/":         forbidden,
	"http://loopback.test/":         forbidden,
	"http://loopback6.test/":        forbidden,
	"http://mapped.test/":           forbidden,

	// its network
	"http://10.0.0.1/":             forbidden,
	"http://10.255.255.255/":       forbidden,
	"http://172.16.0.1/":           forbidden,
	"http://172.31.255.255/":       forbidden,
	"http://192.168.1.1/":          forbidden,
	"http://[fc00::1]/":            forbidden,
	"http://[fd12:3456:789a::1]/":  forbidden,
	"http://[fec0::1]/":            forbidden,
	"http://[::ffff:192.168.0.1]/": forbidden,
	"http://[::ffff:a00:1]/":       forbidden,
	"http://private.test/":         forbidden,
	"http://100.64.0.1/":           forbidden,
	"http://100.127.255.255/":      forbidden,

	// metadata of clouds
	"http://169.254.169.254/latest/meta-data/": forbidden,
	"http://169.254.170.2/v2/credentials":      forbidden,
	"http://169.254.0.1/":                      forbidden,
	"http://100.100.100.200/":                  forbidden,
	"http://168.63.129.16/":                    forbidden,
	"http://[fd00:ec2::254]/":                  forbidden,
	"http://[fe80::1]/":                        forbidden,
	"http://[fe80::1%25lo]/":                   forbidden,
	"http://[::ffff:169.254.169.254]/":         forbidden,
	"http://[::ffff:a9fe:a9fe]/":               forbidden,
	"http://metadata.test/":                    forbidden,

	// by way of translators and tunnels
	"http://[64:ff9b::7f00:1]/":     forbidden,
	"http://[64:ff9b::a9fe:a9fe]/":  forbidden,
	"http://[64:ff9b::8.8.8.8]/":    forbidden,
	"http://[64:ff9b:1::a00:1]/":    forbidden,
	"http://[2002:7f00:1::]/":       forbidden,
	"http://[2002:c0a8:101::1]/":    forbidden,
	"http://[2001:0:4136:e378::1]/": forbidden,
	"http://nat64.test/":            forbidden,
	"http://192.88.99.1/":           forbidden,

	// nobody's
	"http://224.0.0.1/":       forbidden,
	"http://239.255.255.250/": forbidden,
	"http://240.0.0.1/":       forbidden,
	"http://255.255.255.255/": forbidden,
	"http://192.0.0.8/":       forbidden,
	"http://192.0.2.1/":       forbidden,
	"http://198.18.0.1/":      forbidden,
	"http://198.51.100.1/":    forbidden,
	"http://203.0.113.1/":     forbidden,
	"http://[ff02::1]/":       forbidden,
	"http://[2001:db8::1]/":   forbidden,
	"http://[100::1]/":        forbidden,
	"http://[4000::1]/":       forbidden,

	// no URLs to call
	"file:///etc/passwd":            noURL,
	"ftp://1.1.1.1/":                noURL,
	"gopher://127.0.0.1:6379/_INFO": noURL,
	"unix:///var/run/docker.sock":   noURL,
	"javascript:alert(1)":           noURL,
	"//1.1.1.1/":                    noURL,
	"/v1/keys":                      noURL,
	"http://":                       noURL,
	"http:///path":                  noURL,
	"http://user:secret@1.1.1.1/":   noURL,
	"http://1.1.1.1@127.0.0.1/":     noURL,
	"http://127.0.0.1\\@1.1.1.1/":   noURL,
	"http://1.1.1.1\r\nHost: x/":    noURL,
	"http://[::1/":                  noURL,
	"":                              noURL,
}

func TestURLsReachThePublicInternetAlone(t *testing.T) {
	client := unconnected(Options{Resolver: resolver(map[string][]string{
		"public.test.": {"93.184.215.14"}, "loopback.test.": {"127.0.0.1"}, "loopback6.test.": {"::1"}, "mapped.test.": {"::ffff:127.0.0.1"},
		"private.test.": {"10.1.2.3"}, "metadata.test.": {"169.254.169.254"}, "nat64.test.": {"64:ff9b::a9fe:a9fe"},
	})})
	if len(corpus) < 60 {
		t.Fatalf("the corpus has %d URLs", len(corpus))
	}
	for url, want := range corpus {
		if got := outcomeOf(t, client, url); got != want {
			t.Errorf("%q: %s, want %s", url, got, want)
		}
	}
}

// TestNumbersThatSomeReadAsAddressesReachNothing: what they are depends on who
// resolves them, which here answers as the old inet_aton does.
func TestNumbersThatSomeReadAsAddressesReachNothing(t *testing.T) {
	names := map[string][]string{}
	for _, host := range []string{"2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0x7f.1", "017700000001", "2852039166"} {
		names[host+"."] = []string{"127.0.0.1"}
	}
	client := unconnected(Options{Resolver: resolver(names)})
	for host := range names {
		if _, err := client.Get("http://" + strings.TrimSuffix(host, ".") + "/"); err == nil || errors.Is(err, errReached) {
			t.Errorf("%s: %v", host, err)
		}
	}
}

func TestANameThatIsBoundAnewGainsNothing(t *testing.T) {
	var rebound atomic.Bool
	client := unconnected(Options{Resolver: answering(func(string) []string {
		if !rebound.Load() {
			return []string{"93.184.215.14"}
		}
		return []string{"127.0.0.1"}
	})})
	if got := outcomeOf(t, client, "http://rebinding.test/"); got != reached {
		t.Errorf("the first time: %s", got)
	}
	if err := CheckURL("http://rebinding.test/"); err != nil {
		t.Error(err)
	}
	rebound.Store(true)
	for range 3 {
		if got := outcomeOf(t, client, "http://rebinding.test/"); got != forbidden {
			t.Errorf("bound anew: %s", got)
		}
	}
}

func TestOfSeveralAddressesThePrivateOneIsNotConnectedTo(t *testing.T) {
	client := unconnected(Options{Resolver: resolver(map[string][]string{"both.test.": {"127.0.0.1", "10.0.0.1"}})})
	if got := outcomeOf(t, client, "http://both.test/"); got != forbidden {
		t.Error(got)
	}
}

func TestNetworksThatTheOperatorAllowsAreReachedAndNoOthers(t *testing.T) {
	allow, err := ParseNetworks("10.1.0.0/16, fd00::/8 127.0.0.1/32")
	if err != nil {
		t.Fatal(err)
	}
	client := unconnected(Options{Allow: allow})
	for url, want := range map[string]outcome{
		"http://10.1.2.3/": reached, "http://10.2.0.1/": forbidden, "http://[fd12::1]/": reached, "http://[fc00::1]/": forbidden,
		"http://127.0.0.1/": reached, "http://127.0.0.2/": forbidden, "http://[::ffff:10.1.2.3]/": reached, "http://[64:ff9b::a01:203]/": forbidden,
	} {
		if got := outcomeOf(t, client, url); got != want {
			t.Errorf("%s: %s, want %s", url, got, want)
		}
	}
	for _, text := range []string{"10.0.0.0", "10.0.0.0/33", "all", "10.0.0.0/8;::/0"} {
		if _, err := ParseNetworks(text); err == nil {
			t.Errorf("%q is taken for networks", text)
		}
	}
}

// loop allows the servers of these tests.
func loop(t *testing.T) Networks {
	t.Helper()
	n, err := ParseNetworks("127.0.0.1/32")
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestRedirectsAreCheckedLikeTheFirstAddress(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.URL.Query().Get("to"), http.StatusFound)
	}))
	defer s.Close()
	client := Client(Options{Allow: loop(t)})
	for to, want := range map[string]string{
		"http://169.254.169.254/": "address_not_allowed", "http://[::1]/": "address_not_allowed", "http://127.0.0.2/": "address_not_allowed",
		"file:///etc/passwd": "bad_url", "http://a:b@127.0.0.1/": "bad_url", "gopher://127.0.0.1/": "bad_url",
	} {
		_, err := client.Get(s.URL + "/?to=" + to)
		var refused *fault.Error
		if !errors.As(err, &refused) || refused.Code != want {
			t.Errorf("to %s: %v, want %s", to, err, want)
		}
	}
	endless := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/again", http.StatusFound) }))
	defer endless.Close()
	var refused *fault.Error
	if _, err := client.Get(endless.URL); !errors.As(err, &refused) || refused.Code != "too_many_redirects" {
		t.Errorf("without end: %v", err)
	}
}

func TestARedirectFromTLSToPlainTextIsRefused(t *testing.T) {
	s := httptest.NewTLSServer(http.RedirectHandler("http://127.0.0.1/", http.StatusFound))
	defer s.Close()
	client := Client(Options{Allow: loop(t)})
	client.Transport.(bounded).inner.(*http.Transport).TLSClientConfig = s.Client().Transport.(*http.Transport).TLSClientConfig
	var refused *fault.Error
	if _, err := client.Get(s.URL); !errors.As(err, &refused) || refused.Code != "bad_url" {
		t.Error(err)
	}
}

func TestAnAnswerIsReadToItsBoundAndNoFurther(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, strings.Repeat("x", len(r.URL.Query().Get("n"))))
	}))
	defer s.Close()
	client := Client(Options{Allow: loop(t), MaxBytes: 10})
	for n, tooLong := range map[int]bool{0: false, 10: false, 11: true, 1000: true} {
		answer, err := client.Get(s.URL + "/?n=" + strings.Repeat("n", n))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if fault.Is(err, fault.TooLarge) != tooLong || len(text) > 10 {
			t.Errorf("%d bytes: read %d, %v", n, len(text), err)
		}
	}
}

func TestACallEndsWhenItsTimeDoes(t *testing.T) {
	stop := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("x"))
		_ = http.NewResponseController(w).Flush()
		<-stop
	}))
	defer s.Close()
	defer close(stop)
	answer, err := Client(Options{Allow: loop(t), Timeout: 50 * time.Millisecond}).Get(s.URL)
	if err == nil {
		_, err = io.ReadAll(answer.Body)
	}
	if err == nil {
		t.Error("a body that never ends is waited for")
	}
}

func TestTheEnvironmentsProxyIsNotUsed(t *testing.T) {
	if Client(Options{}).Transport.(bounded).inner.(*http.Transport).Proxy != nil {
		t.Error("a proxy would connect in our place, unchecked")
	}
}
