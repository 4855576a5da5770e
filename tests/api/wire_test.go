package api

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tarnhq/tarn/functions/local/server"
)

// wire is a running server that is written to byte by byte.
type wire struct {
	address, key string
}

func newWire(t *testing.T) wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dir, _ := workspace(t, foundedNow)
	s, err := server.Open(t.Context(), server.Options{Dir: dir, URL: "http://" + l.Addr().String(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(t.Context(), l) }()
	t.Cleanup(func() {
		if err := errors.Join(<-served, s.Close()); err != nil {
			t.Error(err)
		}
	})
	ready, err := s.Ready(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return wire{l.Addr().String(), ready.APIKey}
}

// statuses sends bytes, and that there are no more, and returns the status of each answer,
// until the server closes the connection or says nothing more.
func (w wire) statuses(t *testing.T, text string) (all []int) {
	t.Helper()
	return w.exchange(t, text, func(c *net.TCPConn) { _ = c.CloseWrite() })
}

func (w wire) exchange(t *testing.T, text string, sent func(*net.TCPConn)) (all []int) {
	t.Helper()
	conn, err := net.Dial("tcp", w.address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	go func() { // the server may stop reading before the end
		_, _ = io.WriteString(conn, text)
		sent(conn.(*net.TCPConn))
	}()
	from := bufio.NewReader(conn)
	for {
		answer, err := http.ReadResponse(from, nil)
		if err != nil {
			return all
		}
		if _, err := io.Copy(io.Discard, answer.Body); err != nil {
			return all
		}
		all = append(all, answer.StatusCode)
	}
}

// TestRequestsThatTwoReadersReadDifferentlyAreRefused sends requests that hide another
// in their body, head or path. What is hidden is a request of its own with the owner's
// key, which would be answered by 200.
func TestRequestsThatTwoReadersReadDifferentlyAreRefused(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	host := "Host: " + w.address + "\r\n"
	auth := "Authorization: Bearer " + w.key + "\r\n"
	hidden := "GET /v1/me HTTP/1.1\r\n" + host + auth + "\r\n"
	post := "POST /v1/datasets/web/events HTTP/1.1\r\n" + host + auth
	length := fmt.Sprintf("Content-Length: %d\r\n", len(hidden))
	get := func(target string) string { return "GET " + target + " HTTP/1.1\r\n" + host + auth + "\r\n" }
	for name, text := range map[string]string{
		"two lengths":                           post + "Content-Length: 0\r\n" + length + "\r\n" + hidden,
		"two lengths in one field":              post + fmt.Sprintf("Content-Length: 0, %d\r\n", len(hidden)) + "\r\n" + hidden,
		"a length below zero":                   post + "Content-Length: -1\r\n\r\n" + hidden,
		"a length with a sign":                  post + "Content-Length: +0\r\n\r\n" + hidden,
		"a length in hexadecimal":               post + "Content-Length: 0x0\r\n\r\n" + hidden,
		"a length past any":                     post + "Content-Length: 99999999999999999999\r\n\r\n" + hidden,
		"no length in its field":                post + "Content-Length: \r\n\r\n" + hidden,
		"a space before the colon":              post + "Content-Length : 0\r\n\r\n" + hidden,
		"a space in the coding's name":          post + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + hidden,
		"a coding that is none":                 post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + hidden,
		"chunked and something":                 post + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + hidden,
		"something and chunked":                 post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + hidden,
		"chunked twice":                         post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden,
		"chunked with a vertical tab":           post + "Transfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n" + hidden,
		"chunked over a folded line":            post + "Transfer-Encoding:\r\n chunked\r\n" + length + "X: y\r\n z\r\n\r\n0\r\n\r\n" + "BAD",
		"a chunk's size with a sign":            post + "Transfer-Encoding: chunked\r\n\r\n+0\r\n\r\n" + hidden,
		"a chunk's size in hexadecimal's dress": post + "Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n" + hidden,
		"a chunk's size past any":               post + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n\r\n" + hidden,
		"a NUL in a field":                      "GET /v1/me HTTP/1.1\r\n" + host + auth + "X: a\x00b\r\n\r\n",
		"a line break alone in a field":         "GET /v1/me HTTP/1.1\r\n" + host + auth + "X: a\rb\r\n\r\n",
		"a field's name with a space":           "GET /v1/me HTTP/1.1\r\n" + host + auth + "X y: z\r\n\r\n",
		"a field without a name":                "GET /v1/me HTTP/1.1\r\n" + host + auth + ": z\r\n\r\n",
		"no host":                               "GET /v1/me HTTP/1.1\r\n" + auth + "\r\n",
		"two hosts":                             "GET /v1/me HTTP/1.1\r\n" + host + "Host: evil.test\r\n" + auth + "\r\n",
		"a host that is none":                   "GET /v1/me HTTP/1.1\r\nHost: a/b\r\n" + auth + "\r\n",
		"version 2 in plain text":               "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"a method with a space":                 "GE T /v1/me HTTP/1.1\r\n" + host + auth + "\r\n",
		"a target with a space":                 get("/v1/me x"),
		"a target with a NUL":                   get("/v1/me\x00"),
		"headers past any use":                  "GET /v1/me HTTP/1.1\r\n" + host + auth + "X: " + strings.Repeat("x", 200<<10) + "\r\n\r\n",
		"ten thousand headers":                  "GET /v1/me HTTP/1.1\r\n" + host + auth + strings.Repeat("X-Header: y\r\n", 10_000) + "\r\n",
		"a target past any use":                 get("/v1/me?" + strings.Repeat("x", 200<<10)),
		"dots":                                  get("/v1/datasets/../me"),
		"a dot":                                 get("/v1/./me"),
		"dots at the root":                      get("/../v1/me"),
		"encoded dots":                          get("/v1/datasets/%2e%2e/me"),
		"dots encoded by half":                  get("/v1/datasets/.%2E/me"),
		"two slashes":                           get("/v1//me"),
		"two slashes at the root":               get("//v1/me"),
		"an encoded slash":                      get("/v1%2fme"),
		"an encoded slash in a name":            get("/v1/datasets/a%2Fb"),
		"dots and encoded slashes":              get("/v1/datasets/..%2fme"),
		"a backslash":                           get("/v1\\me"),
		"an encoded backslash":                  get("/v1/datasets/..%5cme"),
		"an encoded NUL":                        get("/v1/me%00"),
		"half an escape":                        get("/v1/me%2"),
		"an escape that is none":                get("/v1/me%zz"),
		"the absolute form with dots":           get("http://" + w.address + "/v1/../v1/me"),
		"the absolute form of another scheme":   get("file:///v1/../me"),
		"the authority form":                    "CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\n\r\n",
		"the asterisk form":                     "GET * HTTP/1.1\r\n" + host + auth + "\r\n",
	} {
		got := w.statuses(t, text)
		for _, status := range got {
			if status < 400 || status >= 500 && status != http.StatusNotImplemented && status != http.StatusHTTPVersionNotSupported {
				t.Errorf("%s: answered by %v", name, got)
				break
			}
		}
		if len(got) > 1 {
			t.Errorf("%s: %d answers, %v, to what is one request or none", name, len(got), got)
		}
	}
	last := strings.Replace(get("http://"+w.address+"/v1/me"), host, host+"Connection: close\r\n", 1)
	stays := func(*net.TCPConn) {} // a caller who hangs up half-way is not answered
	if got := w.exchange(t, hidden+last, stays); fmt.Sprint(got) != "[200 200]" {
		t.Errorf("plain requests on one connection, one in the absolute form: %v", got)
	}
}

// TestOfALengthAndChunksTheChunksCount: a request that has both is read as RFC 9112
// (6.3) says, so that what follows its last chunk is no part of it.
func TestOfALengthAndChunksTheChunksCount(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	head := "POST /v1/query HTTP/1.1\r\nHost: " + w.address + "\r\nAuthorization: Bearer " + w.key + "\r\n"
	for _, order := range []string{"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n"} {
		if got := w.statuses(t, head+order+"\r\n0\r\n\r\nG"); len(got) != 1 && len(got) != 2 || got[0] != http.StatusBadRequest {
			t.Errorf("%q: %v", order, got)
		}
	}
}
